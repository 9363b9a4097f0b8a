//! `wps service`: what an application server does, through the REST API (PROTOCOL §13).
//!
//! Each command is one operation, or many of one kind, asked by [`RestClient`]; what comes back is a record, and the exit code
//! says whether it was what was wanted.

pub mod args;
pub mod call;
mod lines;
mod list;
mod report;
pub mod settings;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use url::Url;

use self::args::{
    CloseArgs, CommonArgs, ConnectionsArgs, ExistsArgs, GroupArgs, HealthArgs, PermissionArgs, ServiceCommand,
    ServiceSendArgs,
};
use self::call::{body_of, call_of};
use self::lines::ServiceIntake;
use self::settings::operation::{PermissionVerb, ServiceOperation, ServiceTarget};
use self::settings::{ServiceSettings, ServiceTask};
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use crate::options::data::payload::PayloadType;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::requests::settings::RequestSettings;
use crate::options::values::ReportFormat;
use crate::render::{Printer, human};
use crate::run::context::Surroundings;
use crate::run::errand::{self, RunCounts};
use crate::run::hosting;
use crate::run::identity::Identities;
use crate::run::network::options_of;
use crate::run::process::{Process, on_one_thread};
use crate::run::rest::{RestAccess, RestClient, RestRequest, Warnings};
use crate::run::verdict::Verdict;
use crate::run::voice::warn_of_insecure;
use webpubsub_proto::session::OnUnknown;

impl ServiceCommand {
    /// The command that is meant.
    pub fn chosen(self) -> Box<dyn CommandArgs> {
        match self {
            Self::Send(args) => args,
            Self::Connections(args) => args,
            Self::Exists(args) => args,
            Self::Close(args) => args,
            Self::Group(args) => args,
            Self::Permission(args) => args,
            Self::Health(args) => args,
        }
    }
}

/// All commands of `wps service` are settled and carried out in the same way.
macro_rules! commands {
    ($($args:ident: $settle:path),+ $(,)?) => {
        $(impl CommandArgs for $args {
            fn talk(&self) -> Option<&StderrArgs> {
                Some(&self.common.report.talk)
            }

            fn prints_records(&self) -> bool {
                records(&self.common)
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
    ServiceSendArgs: settings::send,
    ConnectionsArgs: settings::connections,
    ExistsArgs: settings::exists,
    CloseArgs: settings::close,
    GroupArgs: settings::group,
    PermissionArgs: settings::permission,
    HealthArgs: settings::health,
}

fn records(common: &CommonArgs) -> bool {
    common.report.output == ReportFormat::Ndjson
}

/// What a command sends, beside its settings.
enum ServiceInput {
    Nothing,
    Body(Bytes),
    Lines(ServiceIntake),
}

fn task(settings: ServiceSettings) -> Task {
    Box::new(move |process: Process| {
        let input = match &settings.task {
            ServiceTask::Send(_, payload) => {
                ServiceInput::Body(body_of(process.payload(payload, settings.timeout)?.as_data())?)
            }
            ServiceTask::Lines(_, lines) => ServiceInput::Lines(ServiceIntake::open(*lines)?),
            ServiceTask::One(_) | ServiceTask::List { .. } | ServiceTask::Member { .. } => ServiceInput::Nothing,
        };
        let outlives = matches!(input, ServiceInput::Lines(_));
        let surroundings = process.surroundings_of(&settings.output, outlives)?;
        on_one_thread(service(&surroundings, &settings, input))
    })
}

/// Carries it out. Returns the exit code.
async fn service(surroundings: &Surroundings, settings: &ServiceSettings, input: ServiceInput) -> u8 {
    let printer = RefCell::new(errand::printer(surroundings, &settings.output));
    let done = RunCounts::default();
    let follows_stdout = matches!(settings.task, ServiceTask::List { .. });
    let work = work(surroundings, settings, input, (&printer, &done));
    errand::run(surroundings, settings.timeout, follows_stdout, (&printer, &done), work).await
}

async fn work(
    surroundings: &Surroundings,
    settings: &ServiceSettings,
    input: ServiceInput,
    (printer, done): (&RefCell<Printer>, &RunCounts),
) -> Verdict {
    let (rest, hub) = match rest(surroundings, settings, (printer, done)).await {
        Ok(made) => made,
        Err(failure) => return Verdict::Failed(failure),
    };
    let seen = (printer, done);
    let body = match (&settings.task, input) {
        (ServiceTask::Lines(operation, lines), ServiceInput::Lines(intake)) => {
            let what = (operation, *lines, repeats(settings));
            let verdict = lines::send(&rest, what, intake, &hub, seen).await;
            if matches!(verdict, Verdict::Done(_)) {
                let sent = done.acked.get();
                let lines = if sent == 1 { "line" } else { "lines" };
                surroundings.report(&settings.output, &format!("{sent} {lines} {}", operation.done()));
            }
            return verdict;
        }
        (_, ServiceInput::Body(body)) => body,
        (_, ServiceInput::Nothing | ServiceInput::Lines(_)) => Bytes::new(),
    };
    match carry_out((&rest, &hub), &settings.task, (body, repeats(settings)), seen).await {
        Ok(words) => {
            if let Some(words) = words {
                surroundings.report(&settings.output, &words);
            }
            Verdict::Done("done")
        }
        Err(failure) => Verdict::Failed(failure),
    }
}

/// Asks the service on that hub. Returns what is said of the answer, where nothing was printed. `repeats`: a message whose
/// answer is lost is sent again.
pub async fn carry_out(
    (rest, hub): (&RestClient, &str),
    task: &ServiceTask,
    (body, repeats): (Bytes, bool),
    seen: (&RefCell<Printer>, &RunCounts),
) -> Result<Option<String>, Failure> {
    match task {
        ServiceTask::One(operation) => {
            let call = call_of(operation, hub, PayloadType::Text, body, true);
            one(rest, (operation, &call), seen).await
        }
        ServiceTask::Send(operation, payload) => {
            let call = call_of(operation, hub, payload.data_type, body, repeats);
            one(rest, (operation, &call), seen).await
        }
        ServiceTask::List { group, limit } => list::list(rest, hub, group, *limit, seen).await.map(|()| None),
        ServiceTask::Member { connection, group } => {
            list::member(rest, hub, (connection, group), seen).await.map(|()| None)
        }
        // They are brought with it.
        ServiceTask::Lines(..) => Err(Failure::message(Kind::Internal, "there are no lines to send")),
    }
}

fn repeats(settings: &ServiceSettings) -> bool {
    settings.on_unknown == OnUnknown::Resend
}

/// The service, and the hub on it.
async fn rest(
    surroundings: &Surroundings,
    settings: &ServiceSettings,
    seen: (&RefCell<Printer>, &RunCounts),
) -> Result<(RestClient, String), Failure> {
    let (signer, local) = match &settings.source {
        ConnectionSource::Signed(signer) => (signer, false),
        ConnectionSource::Local { port, signer } => {
            hosting::check(*port).await?;
            (signer, true)
        }
        ConnectionSource::Keyless(keyless) => {
            let connect_timeout = settings.patience.connect_timeout;
            let identities =
                Identities::shared(keyless.identities.clone(), &settings.network, &settings.tls, connect_timeout);
            return made(surroundings, settings, seen, (&keyless.endpoint, false), RestAccess::Identity(identities))
                .map(|rest| (rest, keyless.hub.clone()));
        }
        ConnectionSource::Url(_) | ConnectionSource::Command(_) => {
            return Err(Failure::message(Kind::Internal, "a client access URL is no service"));
        }
    };
    made(surroundings, settings, seen, (&signer.endpoint, local), RestAccess::Key(signer.key.clone()))
        .map(|rest| (rest, signer.hub.clone()))
}

fn made(
    surroundings: &Surroundings,
    settings: &ServiceSettings,
    (printer, done): (&RefCell<Printer>, &RunCounts),
    (endpoint, local): (&Url, bool),
    access: RestAccess,
) -> Result<RestClient, Failure> {
    let secure = endpoint.scheme() == "https";
    warn_of_insecure(&mut printer.borrow_mut(), settings.tls.insecure && secure);
    let options = options_of(&settings.network, &settings.tls);
    let warnings = Warnings::new(surroundings.console.err.clone(), settings.output.quiet);
    let rest = RestClient::new((endpoint.clone(), local), access, options, settings.patience.clone(), Some(warnings))?;
    Ok(rest.tracking(Arc::clone(&done.under_way)))
}

/// The service that a connection is to, and the hub on it: what a server does beside a client.
pub fn beside(connection: &ConnectionSettings, warnings: Warnings) -> Result<(RestClient, String), Failure> {
    let ConnectionSettings { source, network, tls, session, .. } = connection;
    let (endpoint, local, hub, access) = match source {
        ConnectionSource::Signed(signer) => (&signer.endpoint, false, &signer.hub, RestAccess::Key(signer.key.clone())),
        ConnectionSource::Local { signer, .. } => {
            (&signer.endpoint, true, &signer.hub, RestAccess::Key(signer.key.clone()))
        }
        ConnectionSource::Keyless(keyless) => {
            let identities = Identities::shared(keyless.identities.clone(), network, tls, session.connect_timeout);
            (&keyless.endpoint, false, &keyless.hub, RestAccess::Identity(identities))
        }
        ConnectionSource::Url(_) | ConnectionSource::Command(_) => {
            let what = "a client access URL opens the service for clients alone";
            return Err(Failure::message(Kind::Usage, what)
                .hint("with `--connection-string`, `--endpoint` or `--local` a server's requests can be made, too"));
        }
    };
    let patience = RequestSettings {
        connect_timeout: session.connect_timeout,
        answer_timeout: session.ack_timeout,
        retries: session.operation_retries,
        backoff: session.operation_backoff,
    };
    let rest = RestClient::new((endpoint.clone(), local), access, options_of(network, tls), patience, Some(warnings))?;
    Ok((rest, hub.clone()))
}

/// An operation, and what its answer means. Returns what is said of it, where nothing was printed.
async fn one(
    rest: &RestClient,
    (operation, call): (&ServiceOperation, &RestRequest),
    (printer, done): (&RefCell<Printer>, &RunCounts),
) -> Result<Option<String>, Failure> {
    RunCounts::count(&done.sent);
    let began = Instant::now();
    let answered = rest.ask(call).await.inspect_err(|failure| {
        RunCounts::count(&done.failed);
        report::unanswered(&mut printer.borrow_mut(), operation, (failure, began.elapsed()), None);
    })?;
    let status = answered.answer.status;
    if status.is_success() && status != operation.ok() {
        RunCounts::count(&done.failed);
        report::response(&mut printer.borrow_mut(), operation, &answered, None);
        return Err(rest.mistaken(call, &answered, operation.ok()));
    }
    let asks = match operation {
        ServiceOperation::Exists(_) => Some(report::existence as fn(&mut Printer, &ServiceOperation, &_, bool)),
        ServiceOperation::Permission { verb: PermissionVerb::Check, .. } => Some(report::permission as _),
        ServiceOperation::Permission { .. }
        | ServiceOperation::Send { .. }
        | ServiceOperation::Close { .. }
        | ServiceOperation::Add { .. }
        | ServiceOperation::Remove { .. }
        | ServiceOperation::Change { .. }
        | ServiceOperation::List { .. }
        | ServiceOperation::Health => None,
    };
    if let Some(tell) = asks.filter(|_| status.is_success() || status.as_u16() == 404) {
        RunCounts::count(&done.acked);
        tell(&mut printer.borrow_mut(), operation, &answered, status.is_success());
        return if status.is_success() { Ok(None) } else { Err(no(operation)) };
    }
    report::response(&mut printer.borrow_mut(), operation, &answered, None);
    if !status.is_success() {
        RunCounts::count(&done.failed);
        return Err(explained(operation, rest.refused(call, &answered), status.as_u16()));
    }
    RunCounts::count(&done.acked);
    Ok(Some(words(operation, answered.elapsed)))
}

fn words(operation: &ServiceOperation, elapsed: Duration) -> String {
    format!("{} ({})", operation.done(), human(elapsed))
}

/// The answer to a question is no.
fn no(operation: &ServiceOperation) -> Failure {
    let what = match operation {
        ServiceOperation::Permission { permission, connection, .. } => {
            let group = operation.group().map(|group| format!(" for the group `{group}`")).unwrap_or_default();
            format!("the connection `{connection}` does not have `{permission}`{group}, or does not exist")
        }
        ServiceOperation::Exists(ServiceTarget::User(user)) => format!("the user `{user}` has no connection"),
        ServiceOperation::Exists(ServiceTarget::Group(group)) => format!("the group `{group}` has no connection"),
        _ => format!("there is no connection `{}`", operation.target().unwrap_or_default()),
    };
    Failure::message(Kind::Expectation, what)
}

/// With what is known of the refusals of some operations.
fn explained(operation: &ServiceOperation, failure: Failure, status: u16) -> Failure {
    match operation {
        ServiceOperation::Permission { group: None, .. } if status == 400 => {
            failure.hint("the service wants to know for which group: `--group G`")
        }
        ServiceOperation::Add { .. } if status == 404 => {
            failure.hint("groups hold connections that exist: `wps service exists` looks for one")
        }
        _ => failure,
    }
}
