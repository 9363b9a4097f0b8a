//! `wps webhook`: the service played towards an event handler, without Azure and without a tunnel.
//!
//! What is asked, and what the service would make of each answer, comes from the emulator, whose own handlers are asked
//! in the same way; here it becomes findings: what came back, what that means, how to mend it.

pub mod args;
pub mod findings;
pub mod settings;

use std::cell::RefCell;

use ring::rand::SecureRandom as _;

use self::args::{
    ConnectArgs, ConnectedArgs, DisconnectedArgs, ValidateArgs, WebhookCommand, WebhookEventArgs, WebhookTestArgs,
};
use self::settings::{WebhookRequest, WebhookSettings};
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::{OutputFormat, ReportFormat};
use crate::render::{Printer, Weight};
use crate::run::context::Surroundings;
use crate::run::errand::{self, RunCounts};
use crate::run::explain::file_failure;
use crate::run::process::{Process, on_one_thread};
use crate::run::verdict::Verdict;
use webpubsub_emulator::upstream::played::{Ask, Player};
use webpubsub_net::wire::{Tls, TlsSettings};
use webpubsub_proto::OwnedData;

impl WebhookCommand {
    /// The command that is meant.
    pub fn chosen(self) -> Box<dyn CommandArgs> {
        match self {
            Self::Test(args) => args,
            Self::Validate(args) => args,
            Self::Connect(args) => args,
            Self::Event(args) => args,
            Self::Connected(args) => args,
            Self::Disconnected(args) => args,
        }
    }
}

/// All commands of `wps webhook` are settled and carried out in the same way.
macro_rules! commands {
    ($($args:ident: $settle:path),+ $(,)?) => {
        $(impl CommandArgs for $args {
            fn talk(&self) -> Option<&StderrArgs> {
                Some(&self.common.report.talk)
            }

            fn prints_records(&self) -> bool {
                self.common.report.output == ReportFormat::Ndjson
            }

            fn filter(&self) -> Option<&FilterArgs> {
                Some(&self.common.report.filter)
            }

            fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
                $settle(*self, environment, input).map(task)
            }
        })+
    };
}

commands! {
    WebhookTestArgs: settings::test,
    ValidateArgs: settings::validate,
    ConnectArgs: settings::connect,
    WebhookEventArgs: settings::event,
    ConnectedArgs: settings::connected,
    DisconnectedArgs: settings::disconnected,
}

fn task(settings: WebhookSettings) -> Task {
    Box::new(move |process: Process| {
        let asks =
            settings.asks.iter().map(|asking| ask_of(process, asking, &settings)).collect::<Result<Vec<_>, _>>()?;
        let surroundings = process.surroundings(&settings.output)?;
        on_one_thread(webhook(&surroundings, &settings, asks))
    })
}

/// With what it brings.
fn ask_of(process: Process, asking: &WebhookRequest, settings: &WebhookSettings) -> Result<Ask, Failure> {
    Ok(match asking {
        WebhookRequest::Validate => Ask::Validate,
        WebhookRequest::Connect => Ask::Connect,
        WebhookRequest::Connected => Ask::Connected,
        WebhookRequest::Disconnected(reason) => Ask::Disconnected(reason.clone()),
        WebhookRequest::Event(name, data) => {
            let data = data.as_ref().map(|source| process.payload(source, settings.timeout)).transpose()?;
            Ask::Event(name.clone(), data.unwrap_or_else(|| OwnedData::text("")))
        }
    })
}

/// Asks. Returns the exit code, which is that of the first failure.
async fn webhook(surroundings: &Surroundings, settings: &WebhookSettings, asks: Vec<Ask>) -> u8 {
    let printer = RefCell::new(errand::printer(surroundings, &settings.output));
    let done = RunCounts::default();
    let work = work(settings, &asks, (&printer, &done));
    errand::run(surroundings, settings.timeout, false, (&printer, &done), work).await
}

async fn work(settings: &WebhookSettings, asks: &[Ask], (printer, done): (&RefCell<Printer>, &RunCounts)) -> Verdict {
    let mut role = settings.role.clone();
    if role.connection_id.is_empty() {
        role.connection_id = connection_id();
    }
    let tls = tls(settings);
    if settings.tls.ca_cert.is_some() {
        // A file that cannot be used is no fault of the handler's.
        if let Err(error) = tls.client_config().await {
            return Verdict::Failed(file_failure(error));
        }
    }
    let player = Player::new(role, tls.clone());
    let mut first: Option<Failure> = None;
    let mut gone = false;
    for ask in asks {
        if gone {
            findings::skip(&mut printer.borrow_mut(), ask);
            continue;
        }
        RunCounts::count(&done.sent);
        let mut played = player.ask(ask).await;
        let certificate = findings::settle_tls(&tls, &mut played);
        let failure = findings::failure_with(ask, &played, certificate.as_ref());
        RunCounts::count(if failure.is_some() { &done.failed } else { &done.acked });
        let tells = settings.tests || !matches!(ask, Ask::Event(..)) || failure.is_some();
        if tells || settings.output.format == OutputFormat::Ndjson {
            findings::print_step(&mut printer.borrow_mut(), ask, &played, failure.as_ref());
        }
        // Payloads alone are on stdout then.
        if let Some(problem) =
            played.left_out.as_ref().filter(|_| !tells && settings.output.format != OutputFormat::Ndjson)
        {
            let told = format!("the client's message goes without some of its metadata: {problem}");
            printer.borrow_mut().note(Weight::Warning, &told);
        }
        if !settings.tests {
            findings::answer(&mut printer.borrow_mut(), ask, &played);
        }
        if let Some(failure) = failure {
            // Nobody is there: the other steps would find the same.
            gone = failure.kind == Kind::Unreachable;
            first.get_or_insert(failure);
        }
    }
    first.map_or(Verdict::Done("done"), Verdict::Failed)
}

/// Which certificates are accepted. Reads nothing yet.
fn tls(settings: &WebhookSettings) -> Tls {
    Tls::new(TlsSettings {
        ca_cert: settings.tls.ca_cert.clone(),
        only_ca_cert: false,
        client_cert: None,
        insecure: settings.tls.insecure,
    })
}

/// One that no other run has, in the form of the emulator's.
fn connection_id() -> String {
    let mut bytes = [0; 16];
    // Where there is no randomness, one for all will do.
    let _ = ring::rand::SystemRandom::new().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
