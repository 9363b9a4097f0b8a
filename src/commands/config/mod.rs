//! `wps config`: where profiles are, the settings that one gives, and what is wrong with them.

pub mod args;
mod init;

use std::path::Path;

use self::args::{
    ConfigCheckArgs, ConfigCommand, ConfigEditArgs, ConfigInitArgs, ConfigListArgs, ConfigPathArgs, ConfigShowArgs,
};
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input, ProcessInput};
use crate::options::output::args::StderrArgs;
use crate::profile;
use crate::profile::CheckReport;
use crate::run::process::put;

impl ConfigCommand {
    /// The command that is meant.
    pub fn chosen(self) -> Box<dyn CommandArgs> {
        match self {
            Self::Path(args) => Box::new(args),
            Self::Init(args) => Box::new(args),
            Self::Edit(args) => Box::new(args),
            Self::List(args) => Box::new(args),
            Self::Show(args) => Box::new(args),
            Self::Check(args) => Box::new(args),
        }
    }
}

impl CommandArgs for ConfigPathArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, _: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let file = profile::config_file(input)?;
        Ok(Box::new(move |_| put(&path(&file))))
    }
}

impl CommandArgs for ConfigInitArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, _: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let file = profile::config_file(input)?;
        Ok(Box::new(move |_| {
            if !init::create(&file)? {
                let there = format!("there is a configuration file already: `{}`", file.display());
                return Err(Failure::message(Kind::Config, there).hint("`wps config edit` opens it"));
            }
            put(&path(&file))
        }))
    }
}

impl CommandArgs for ConfigEditArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let file = profile::config_file(input)?;
        let editor = environment.get("VISUAL").or_else(|| environment.get("EDITOR")).map(str::to_owned);
        Ok(Box::new(move |process| {
            init::create(&file)?;
            init::edit(&file, editor.as_deref())?;
            let (text, failure) = check(&profile::check(&mut ProcessInput::new(process.started.into_std()))?);
            put(&text)?;
            failure.map_or(Ok(0), Err)
        }))
    }
}

impl CommandArgs for ConfigListArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, _: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let text = profile::list(input)?;
        Ok(Box::new(move |_| put(text.as_bytes())))
    }
}

impl CommandArgs for ConfigShowArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let text = profile::show(self.profile.as_deref(), environment, input)?;
        Ok(Box::new(move |_| put(text.as_bytes())))
    }
}

impl CommandArgs for ConfigCheckArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, _: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let checked = profile::check(input)?;
        Ok(Box::new(move |_| {
            let (text, failure) = check(&checked);
            put(&text)?;
            failure.map_or(Ok(0), Err)
        }))
    }
}

/// What `wps config path` prints.
pub fn path(path: &Path) -> Vec<u8> {
    format!("{}\n", path.display()).into_bytes()
}

/// What `wps config check` prints, and the error when something is wrong.
pub fn check(checked: &CheckReport) -> (Vec<u8>, Option<Failure>) {
    let failure = (checked.faults > 0).then(|| {
        let faults = if checked.faults == 1 { "fault".to_owned() } else { "faults".to_owned() };
        Failure::message(Kind::Config, format!("{} {faults} in `{}`", checked.faults, checked.path.display()))
    });
    (checked.report.clone().into_bytes(), failure)
}
