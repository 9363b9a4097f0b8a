//! `wps event`: send a custom event to the application server.

pub mod args;
pub(super) mod replies;
pub mod settings;

use self::args::EventArgs;
use self::replies::await_replies;
use self::settings::EventSettings;
use super::send::sent;
use super::{CommandArgs, Task, bulk};
use crate::failure::Failure;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::run::context::{Client, RunOptions, Surroundings, ack_mode};
use crate::run::process::on_one_thread;
use crate::run::run;
use crate::run::sink::MessageScope;
use crate::run::verdict::Verdict;
use webpubsub_proto::OwnedData;
use webpubsub_proto::session::Request;

impl CommandArgs for EventArgs {
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
            return Ok(bulk::task(bulk::settings::event(*self, environment, input)?));
        }
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let data = process.payload(&settings.payload, settings.connection.timeout)?;
            let surroundings = process.surroundings_of(&settings.output, true)?;
            on_one_thread(event(&surroundings, &settings, data))
        }))
    }
}

/// Sends the event, waits for the ack and, if asked to, for answers. Returns the exit code.
pub async fn event(surroundings: &Surroundings, settings: &EventSettings, data: OwnedData) -> u8 {
    let waits = settings.wait_reply.is_some() || settings.output.expressions.until.is_some();
    let shown = if waits { MessageScope::Server } else { MessageScope::None };
    // Answers come before the ack: the script ends the run, when it has both.
    let run_options = RunOptions { shown, ..RunOptions::ONE_OFF };
    run(surroundings, &settings.connection, &settings.output, run_options, |client| {
        script(surroundings, settings, data, client)
    })
    .await
}

async fn script(surroundings: &Surroundings, settings: &EventSettings, data: OwnedData, client: Client) -> Verdict {
    let request = Request::Event { event: settings.event.clone(), data, metadata: settings.metadata.clone() };
    let outcome = match client.perform(request, ack_mode(settings.ack)).await {
        Ok(outcome) => outcome,
        Err(verdict) => return verdict,
    };
    if let Some(words) = sent(&format!("sent the event `{}`", settings.event), &outcome) {
        surroundings.report(&settings.output, &words);
    }
    let until = settings.output.expressions.until.as_deref();
    if settings.wait_reply.is_none() && until.is_none() {
        return Verdict::Done("done");
    }
    let wanted = settings.wait_reply.unwrap_or(1);
    await_replies(surroundings, settings.connection.timeout, &client, wanted, until).await
}
