//! `wps invoke`: call the application server and print its answer.

pub mod args;
mod many;
pub mod settings;

use self::args::InvokeArgs;
use self::settings::InvokeSettings;
use super::{CommandArgs, Task};
use crate::failure::Failure;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::render::human;
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::process::on_one_thread;
use crate::run::run;
use crate::run::verdict::Verdict;
use webpubsub_client::event::{InvokeOutcome, Invoked};
use webpubsub_proto::OwnedData;
use webpubsub_proto::session::Invocation;

impl CommandArgs for InvokeArgs {
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
        if settings::is_wanted(&self.many) {
            return Ok(many::task(settings::settle_many(*self, environment, input)?));
        }
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let payload = settings.payload.as_ref();
            let data = payload.map(|payload| process.payload(payload, settings.connection.timeout)).transpose()?;
            let surroundings = process.surroundings(&settings.output)?;
            on_one_thread(invoke(&surroundings, &settings, data))
        }))
    }
}

/// Invokes, and prints the answer. Returns the exit code.
async fn invoke(surroundings: &Surroundings, settings: &InvokeSettings, data: Option<OwnedData>) -> u8 {
    run(surroundings, &settings.connection, &settings.output, RunOptions::ONE_OFF, |client| {
        script(surroundings, settings, data, client)
    })
    .await
}

async fn script(
    surroundings: &Surroundings,
    settings: &InvokeSettings,
    data: Option<OwnedData>,
    client: Client,
) -> Verdict {
    let invocation = Invocation {
        metadata: settings.metadata.clone(),
        invocation_id: settings.invocation_id.clone(),
        ..Invocation::new(settings.event.clone(), data)
    };
    match client.invoke(invocation).await {
        Ok(invoked) => {
            surroundings.report(&settings.output, &answered(&invoked));
            Verdict::Done("done")
        }
        Err(verdict) => verdict,
    }
}

/// How an invocation went that was answered, for people.
pub fn answered(invoked: &Invoked) -> String {
    let Invoked { event, outcome, elapsed, .. } = invoked;
    let nothing = match outcome {
        InvokeOutcome::Answered { data: None, .. } => ", without data",
        InvokeOutcome::Answered { .. }
        | InvokeOutcome::Refused { .. }
        | InvokeOutcome::NotUnderstood { .. }
        | InvokeOutcome::TimedOut
        | InvokeOutcome::Cancelled
        | InvokeOutcome::Unknown { .. }
        | InvokeOutcome::NotSent { .. }
        | InvokeOutcome::IdInUse => "",
    };
    format!("`{event}` was answered in {}{nothing}", human(*elapsed))
}
