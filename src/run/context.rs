//! What a run has: its streams, its client, and what its settings mean to the client and the renderer.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::explain::{ConnectContext, invocation_failure, operation_failure, role_hint};
use super::process::LastAct;
use super::seen::MessageCounter;
use super::session_file::LinesFile;
use super::sink::MessageScope;
use super::verdict::Verdict;
use crate::failure::Failure;
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use crate::options::operation::settings::AckRequest;
use crate::options::output::settings::OutputSettings;
use crate::options::values::{OnlyName, OutputFormat};
use crate::render::sanitize::for_line;
use crate::render::{self, Conditions, Console, Verbosity};
use webpubsub_client::driver::CurrentUrl;
use webpubsub_client::event::{InvokeOutcome, Invoked};
use webpubsub_client::handle::Handle;
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_proto::session::{AckMode, Invocation, OperationKind, Outcome, Request};

/// The surroundings of a run.
#[derive(Debug)]
pub struct Surroundings {
    /// stdout and stderr.
    pub console: Console,
    /// When the process started.
    pub started: Instant,
    /// What the process does last.
    pub last_act: &'static LastAct,
    /// What the run's expressions say, if it has any.
    pub conditions: Option<Conditions>,
}

impl Surroundings {
    /// How a command went, on stderr: in words for people, or when more words are wanted; records say it themselves.
    pub fn report(&self, output: &OutputSettings, words: &str) {
        let wanted = output.verbosity > 0 || output.format != OutputFormat::Ndjson;
        if wanted && !output.quiet {
            self.console.err.line(&self.console.err.style.dim(&for_line(words)));
        }
    }
}

/// How a command runs its client.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Which messages are its output.
    pub shown: MessageScope,
    /// Ends after so many of them.
    pub limit: Option<u64>,
    /// A closed stdout ends it at once and quietly, also without a write.
    pub follows_stdout: bool,
    /// Nothing listens at `--local`: host an emulator in this process.
    pub hosts: bool,
    /// Every lifecycle event is of interest, not only trouble.
    pub chatty: bool,
    /// A condition that is met ends it, however else it was about to end.
    pub follows_conditions: bool,
}

impl RunOptions {
    /// Those of a command that does its work and ends: it prints no message, and what follows it is not its concern.
    pub const ONE_OFF: Self = Self {
        shown: MessageScope::None,
        limit: None,
        follows_stdout: false,
        hosts: false,
        chatty: false,
        follows_conditions: false,
    };
}

/// What a script works with.
#[derive(Debug)]
pub struct Client {
    /// Talks to the client.
    pub handle: Handle,
    /// What has come so far.
    pub seen: Rc<MessageCounter>,
    /// What the run's expressions say, if it has any.
    pub conditions: Option<Conditions>,
    /// The position in the input that the command sends, if it is kept.
    pub lines_file: Option<LinesFile>,
    pub(super) place: ConnectContext,
    pub(super) url: CurrentUrl,
    pub(super) ack_timeout: Duration,
}

impl Client {
    /// Carries out an operation; `Ok` when it is done.
    pub async fn perform(&self, request: Request, mode: AckMode) -> Result<Outcome, Verdict> {
        let kind = request.kind();
        let target = request.target().to_owned();
        let outcome = self.handle.submit(request, mode).await;
        self.judge(kind, &target, outcome)
    }

    /// Invokes; `Ok` when that was answered. Dropping it calls it off.
    pub async fn invoke(&self, invocation: Invocation) -> Result<Invoked, Verdict> {
        let invoked = self.handle.invoke(invocation, None).await;
        match (&invoked.outcome, invocation_failure(&invoked)) {
            (_, Some(failure)) => Err(Verdict::Failed(failure)),
            (InvokeOutcome::NotSent { .. }, None) => Err(Verdict::SessionEnded),
            (
                InvokeOutcome::Answered { .. }
                | InvokeOutcome::Refused { .. }
                | InvokeOutcome::NotUnderstood { .. }
                | InvokeOutcome::TimedOut
                | InvokeOutcome::Cancelled
                | InvokeOutcome::Unknown { .. }
                | InvokeOutcome::IdInUse,
                None,
            ) => Ok(invoked),
        }
    }

    /// Carries out operations at once, asked for in this order, and resolves when all have ended.
    pub async fn perform_all(
        &self,
        operations: impl Iterator<Item = (Request, AckMode)>,
    ) -> Vec<Result<Outcome, Verdict>> {
        // What has used up its turn would go behind those that come after it.
        unconstrained(join_all(operations.map(|(request, mode)| self.perform(request, mode)))).await
    }

    /// Why that operation failed, if it did by itself.
    pub fn failure_of(&self, kind: OperationKind, target: &str, outcome: &Outcome) -> Option<Failure> {
        operation_failure(kind, target, outcome, self.ack_timeout, &self.place.at(&self.url))
    }

    /// Which role an operation of that kind needs, and those the token has.
    pub fn role_hint(&self, kind: OperationKind, target: &str) -> String {
        role_hint(kind, Some(target), &self.place.at(&self.url))
    }

    /// A URL that connects where this client is connected, as the same user.
    pub fn access_url(&self) -> Option<AccessUrl> {
        self.url.get()
    }

    fn judge(&self, kind: OperationKind, target: &str, outcome: Outcome) -> Result<Outcome, Verdict> {
        if matches!(outcome, Outcome::NotSent { .. }) {
            return Err(Verdict::SessionEnded);
        }
        match self.failure_of(kind, target, &outcome) {
            Some(failure) => Err(Verdict::Failed(failure)),
            None => Ok(outcome),
        }
    }
}

/// How what comes is printed.
pub fn print_options(
    connection: &ConnectionSettings,
    output: &OutputSettings,
    run_options: RunOptions,
) -> render::PrintOptions {
    let chatter = match (output.quiet, output.verbosity) {
        (true, _) => Verbosity::Quiet,
        (false, 1..) => Verbosity::Verbose,
        // Records say it all; stderr has what goes wrong.
        (false, 0) if run_options.chatty && output.format != OutputFormat::Ndjson => Verbosity::Everything,
        (false, 0) => Verbosity::Warnings,
    };
    render::PrintOptions {
        format: print_format(output.format),
        only: match output.only {
            None => render::Only::Everything,
            Some(OnlyName::Messages) => render::Only::Messages,
            Some(OnlyName::Events) => render::Only::Events,
        },
        timestamps: output.timestamps,
        chatter,
        hub: hub(connection),
        protocol: connection.protocol,
        has_expressions: false,
    }
}

/// The hub it connects to, as far as that is known before it does.
pub fn hub(connection: &ConnectionSettings) -> Option<String> {
    match &connection.source {
        ConnectionSource::Url(url) => Some(url.hub().to_owned()),
        ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. } => Some(signer.hub.clone()),
        // The URL names it.
        ConnectionSource::Command(_) => None,
        ConnectionSource::Keyless(keyless) => Some(keyless.hub.clone()),
    }
}

/// What stdout carries.
pub fn print_format(format: OutputFormat) -> render::Format {
    match format {
        OutputFormat::Text => render::Format::Text,
        OutputFormat::Ndjson => render::Format::Ndjson,
        OutputFormat::Data => render::Format::Data,
        OutputFormat::Raw => render::Format::Raw,
    }
}

/// How the session asks for the ack.
pub fn ack_mode(ack: AckRequest) -> AckMode {
    match ack {
        AckRequest::Automatic => AckMode::Automatic,
        AckRequest::Id(id) => AckMode::Id(id),
        AckRequest::None => AckMode::None,
    }
}
