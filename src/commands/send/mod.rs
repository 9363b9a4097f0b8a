//! `wps send`: publish to a group.

pub mod args;
pub mod settings;

use self::args::SendArgs;
use self::settings::SendSettings;
use super::{CommandArgs, Task, bulk};
use crate::failure::Failure;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::render::human;
use crate::run::context::{Client, RunOptions, Surroundings, ack_mode};
use crate::run::process::on_one_thread;
use crate::run::run;
use crate::run::verdict::Verdict;
use webpubsub_proto::OwnedData;
use webpubsub_proto::session::{Outcome, Request};

impl CommandArgs for SendArgs {
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
        if bulk::settings::is_wanted(&self.bulk) {
            return Ok(bulk::task(bulk::settings::send(*self, environment, input)?));
        }
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let data = process.payload(&settings.payload, settings.connection.timeout)?;
            let surroundings = process.surroundings(&settings.output)?;
            on_one_thread(send(&surroundings, &settings, data))
        }))
    }
}

/// Publishes `data` and waits for the ack, unless none is asked for. Returns the exit code.
pub async fn send(surroundings: &Surroundings, settings: &SendSettings, data: OwnedData) -> u8 {
    let run_options = RunOptions::ONE_OFF;
    run(surroundings, &settings.connection, &settings.output, run_options, |client| {
        script(surroundings, settings, data, client)
    })
    .await
}

async fn script(surroundings: &Surroundings, settings: &SendSettings, data: OwnedData, client: Client) -> Verdict {
    let request = Request::Send {
        group: settings.group.clone(),
        data,
        no_echo: settings.no_echo,
        ttl_seconds: settings.ttl_seconds,
        metadata: settings.metadata.clone(),
    };
    match client.perform(request, ack_mode(settings.ack)).await {
        Ok(outcome) => {
            if let Some(words) = sent(&format!("sent to `{}`", settings.group), &outcome) {
                surroundings.report(&settings.output, &words);
            }
            Verdict::Done("done")
        }
        Err(verdict) => verdict,
    }
}

/// How an operation went, for people.
pub(super) fn sent(what: &str, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Acked { ack_id, duplicate, elapsed, .. } => {
            let again = if *duplicate { ", which had arrived before" } else { "" };
            Some(format!("{what}, acknowledged in {} (ackId {ack_id}{again})", human(*elapsed)))
        }
        Outcome::Sent => Some(format!("{what}, no ack asked for")),
        Outcome::AlreadyJoined
        | Outcome::Refused { .. }
        | Outcome::NotAcknowledged { .. }
        | Outcome::Unknown { .. }
        | Outcome::NotSent { .. }
        | Outcome::IdInUse { .. } => None,
    }
}
