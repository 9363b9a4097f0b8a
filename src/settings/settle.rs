//! From what was typed to what will be done, a command at a time.

use std::ffi::OsString;

use super::{Environment, Input, Settings, profile};
use crate::cli::Command;
use crate::commands::config::args::{ConfigArgs, ConfigCommand};
use crate::commands::url::args::{UrlArgs, UrlCommand};
use crate::commands::{
    doctor::settings as doctor, emulator::settings as emulator, event::settings as event, join::settings as join,
    listen::settings as listen, repl::settings as repl, replay::settings as replay, send::settings as send,
    stream::settings as stream, url::settings as url,
};
use crate::failure::{Failure, Kind};

/// What will be done, with the profile that the command line or the environment names; `args` are what `command` was
/// parsed from. See [`settle`].
pub fn settle_line_and_profile(
    args: Vec<OsString>,
    command: Command,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Settings, Failure> {
    match profile::with_profile(args, &command, environment, input) {
        Ok(None) => settle(command, environment, input),
        Ok(Some((command, brought))) => {
            let environment = environment.clone().with_profile(brought);
            settle(command, &environment, input).map_err(|failure| environment.explain(failure))
        }
        // To the doctor, that is a finding.
        Err(failure) if failure.kind == Kind::Config => match command {
            Command::Doctor(args) => {
                doctor::without_source(*args, failure, environment).map(|doctor| Settings::Doctor(Box::new(doctor)))
            }
            _ => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

/// What will be done. Reads the files and the standard input that the command line names for secrets, and nothing
/// else from outside. Fails with usage (exit 2) or configuration errors (exit 3).
pub fn settle(command: Command, environment: &Environment, input: &mut dyn Input) -> Result<Settings, Failure> {
    Ok(match command {
        Command::Listen(args) => Settings::Listen(Box::new(listen::listen(*args, environment, input)?)),
        Command::Join(args) => Settings::Join(Box::new(join::join(*args, environment, input)?)),
        Command::Send(args) if stream::is_wanted(&args.stream) => {
            Settings::Stream(Box::new(stream::send(*args, environment, input)?))
        }
        Command::Event(args) if stream::is_wanted(&args.stream) => {
            Settings::Stream(Box::new(stream::event(*args, environment, input)?))
        }
        Command::Send(args) => Settings::Send(Box::new(send::send(*args, environment, input)?)),
        Command::Event(args) => Settings::Event(Box::new(event::event(*args, environment, input)?)),
        Command::Repl(args) => Settings::Repl(Box::new(repl::repl(*args, environment, input)?)),
        Command::Replay(args) => Settings::Replay(Box::new(replay::settle(*args, environment, input)?)),
        Command::Doctor(args) => Settings::Doctor(Box::new(doctor::settle(*args, environment, input)?)),
        Command::Emulator(args) => Settings::Emulator(Box::new(emulator::emulator(*args, environment, input)?)),
        Command::Url(UrlArgs { command: UrlCommand::Create(args) }) => {
            Settings::UrlCreate(Box::new(url::create(*args, environment, input)?))
        }
        Command::Url(UrlArgs { command: UrlCommand::Inspect(args) }) => {
            Settings::UrlInspect(Box::new(url::inspect(*args, environment, input)?))
        }
        Command::Config(ConfigArgs { command: ConfigCommand::Path(_) }) => {
            Settings::ConfigPath(profile::config_file(input)?)
        }
        Command::Config(ConfigArgs { command: ConfigCommand::Show(args) }) => {
            Settings::ConfigShow(profile::show(args.profile.as_deref(), environment, input)?)
        }
        Command::Config(ConfigArgs { command: ConfigCommand::Check(_) }) => {
            Settings::ConfigCheck(profile::check(input)?)
        }
        Command::Completions(args) => Settings::Completions { shell: args.shell },
        Command::Man(args) => Settings::Man { dir: args.dir },
    })
}
