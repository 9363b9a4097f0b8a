//! `wps join`: can I join? And with `--stay`: hold the membership.

pub mod args;
pub mod settings;

use futures_util::future::pending;

use self::args::JoinArgs;
use self::settings::JoinSettings;
use super::{CommandArgs, Task};
use crate::failure::Failure;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::process::on_one_thread;
use crate::run::run;
use crate::run::verdict::Verdict;
use webpubsub_proto::session::{AckMode, Request};

impl CommandArgs for JoinArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.connecting.output.talk)
    }

    fn prints_records(&self) -> bool {
        self.connecting.output.output == OutputFormat::Ndjson
    }

    fn filter(&self) -> Option<&FilterArgs> {
        Some(&self.filter)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let surroundings = process.surroundings(&settings.output)?;
            on_one_thread(join(&surroundings, &settings))
        }))
    }
}

/// Joins the groups and reports each. Returns the exit code.
pub async fn join(surroundings: &Surroundings, settings: &JoinSettings) -> u8 {
    let run_options = RunOptions { chatty: true, ..RunOptions::ONE_OFF };
    run(surroundings, &settings.connection, &settings.output, run_options, |client| script(settings, client)).await
}

async fn script(settings: &JoinSettings, client: Client) -> Verdict {
    let joins = settings.groups.iter().enumerate().map(|(index, group)| {
        // That the ids fit was checked with the settings.
        let mode = settings.ack_id.map_or(AckMode::Automatic, |first| AckMode::Id(first.wrapping_add(index as u64)));
        (Request::Join { group: group.clone() }, mode)
    });
    // Every group has its answer, also after one that was refused.
    let failed = client.perform_all(joins).await.into_iter().find_map(Result::err);
    match failed {
        Some(verdict) => verdict,
        None if settings.stay => pending().await,
        None => Verdict::Done("done"),
    }
}
