//! How a run ends: by its script, by its session, or by what interrupts it; and the exit code of that.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::explain::{ConnectContext, session_failure};
use super::recording;
use super::session_file::not_recorded;
use super::verdict::Verdict;
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::render::{self, Console, WriteFailure, Writer};
use crate::signal::Signals;
use webpubsub_client::driver::{DialedError, Finished};
use webpubsub_proto::session::End;

/// Longest time for output that is still to be written, counted from the signal or `--timeout` that ended the run.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// What output has all the same, when saying goodbye to the service took that time.
pub const LAST_WRITE: Duration = Duration::from_millis(250);

/// What ended a run from outside the client.
pub enum RunInterrupt {
    Signal(u8),
    Timeout,
    Output(WriteFailure),
    Recording(WriteFailure),
}

/// The result of a run.
pub struct Ending {
    /// For the last record.
    pub reason: &'static str,
    pub failure: Option<Failure>,
    /// The failure has been printed.
    pub told: bool,
    /// Ended by a signal, it leaves something of which nobody can know what became.
    pub unsettled: bool,
    /// Since when somebody wants it to end: what is still to be written has two seconds from then.
    pub hurried: Option<Instant>,
    pub finished: Option<Finished>,
}

impl Ending {
    pub fn of(
        interrupt: Option<RunInterrupt>,
        verdict: Option<Verdict>,
        finished: Finished,
        dialed: Option<DialedError>,
        connection: &ConnectionSettings,
        place: &ConnectContext,
    ) -> Self {
        let told = interrupt.is_none() && matches!(verdict, Some(Verdict::Told(_)));
        let mut unsettled = false;
        let (reason, failure) = match (interrupt, verdict) {
            // What nobody can know now is told, and nothing more: whoever sent it knows why.
            (Some(RunInterrupt::Signal(number)), Some(Verdict::Failed(failure)))
                if failure.kind == Kind::OperationUnknown =>
            {
                unsettled = true;
                ("signal", Some(Failure { kind: Kind::Signal(number), ..failure.context("ended by a signal") }))
            }
            (Some(RunInterrupt::Signal(number)), _) => {
                ("signal", Some(Failure::message(Kind::Signal(number), "ended by a signal")))
            }
            (Some(RunInterrupt::Timeout), verdict) => ("timeout", Some(timed_out(connection, &finished, verdict))),
            (Some(RunInterrupt::Output(WriteFailure::Closed)), _) => ("output-closed", None),
            (Some(RunInterrupt::Output(WriteFailure::Failed(error))), _) => {
                ("failed", Some(Failure::message(Kind::Output, format!("could not write to stdout: {error}"))))
            }
            (Some(RunInterrupt::Output(WriteFailure::Unrecorded(error))), _) => ("failed", Some(not_recorded(&error))),
            (Some(RunInterrupt::Recording(failure)), _) => {
                ("failed", Some(recording::failure(connection.record.as_deref(), failure)))
            }
            (None, Some(Verdict::Done(reason))) => (reason, None),
            (None, Some(Verdict::TimeUp(reason))) if finished.was_connected => (reason, None),
            (None, Some(Verdict::TimeUp(reason))) => {
                ("failed", Some(never_connected(reason, finished.last_failure.as_deref())))
            }
            // Its script has dealt with it.
            (None, Some(Verdict::Failed(failure))) if matches!(failure.kind, Kind::Signal(_)) => {
                ("signal", Some(failure))
            }
            (None, Some(Verdict::Failed(failure) | Verdict::Told(failure))) => ("failed", Some(failure)),
            (None, Some(Verdict::SessionEnded) | None) => match &finished.end {
                End::Failed { kind, message } => {
                    ("failed", Some(session_failure(*kind, message, dialed.as_ref(), place)))
                }
                // Only the sink can have stopped it: it had seen enough.
                End::Stopped => ("count", None),
            },
        };
        Self { reason, failure, told, unsettled, hurried: None, finished: Some(finished) }
    }

    /// Since when somebody wants it to end.
    pub fn by(self, hurried: Option<Instant>) -> Self {
        Self { hurried, ..self }
    }

    /// What is to be told: whoever sent a signal knows.
    pub fn error(&self) -> Option<&Failure> {
        self.failure.as_ref().filter(|failure| self.unsettled || !matches!(failure.kind, Kind::Signal(_)))
    }

    pub fn exit_code(&self) -> u8 {
        self.failure.as_ref().map_or(0, |failure| failure.kind.exit_code())
    }
}

/// A run that failed before it had a client.
pub fn failed(failure: Failure) -> Ending {
    Ending { reason: "failed", failure: Some(failure), told: false, unsettled: false, hurried: None, finished: None }
}

/// The time of a run was up, by this flag without its dashes, before it had a connection; with what was told last of an
/// attempt.
pub fn never_connected(flag: &str, last_failure: Option<&str>) -> Failure {
    let what = format!("there was no connection before `--{flag}` ended the run");
    without_connection(Kind::Unreachable, what, last_failure)
}

fn without_connection(kind: Kind, what: String, last_failure: Option<&str>) -> Failure {
    match last_failure {
        Some(last) => Failure::new(kind, anyhow::anyhow!("{last}").context(what)),
        None => Failure::message(kind, what).hint("`-vvv` shows how far the first attempt came"),
    }
}

/// `--timeout` ran out; what is known of the connection, or of an operation under way, is its cause.
fn timed_out(connection: &ConnectionSettings, finished: &Finished, verdict: Option<Verdict>) -> Failure {
    let limit = render::human(connection.timeout.unwrap_or_default());
    let what = format!("timed out after {limit} (`--timeout`)");
    if let Some(Verdict::Failed(failure)) = verdict {
        return Failure { kind: Kind::Timeout, ..failure.context(what) };
    }
    if finished.was_connected {
        return Failure::message(Kind::Timeout, what);
    }
    without_connection(Kind::Timeout, format!("{what} without a connection"), finished.last_failure.as_deref())
}

/// What may interrupt a run at the moment; a signal always may.
pub struct InterruptSources {
    pub deadline: Option<Instant>,
    pub output: bool,
    /// A reader that has gone away is a reason to end.
    pub closed_output: bool,
}

/// What interrupts it next.
pub async fn interruption(signals: &mut Signals, watched: InterruptSources, console: &Console) -> RunInterrupt {
    let output = async {
        match console.out.writer().failed().await {
            WriteFailure::Closed if !watched.closed_output => std::future::pending().await,
            failure => failure,
        }
    };
    tokio::select! {
        number = signals.next() => RunInterrupt::Signal(number),
        () = at(watched.deadline) => RunInterrupt::Timeout,
        failure = output, if watched.output => RunInterrupt::Output(failure),
    }
}

/// What was printed is written, however slow the reader is, unless somebody wants it to end: then it has a moment, so that
/// a reader who is there gets whole lines. Returns what cut it short.
pub async fn last_words(
    (console, recording): (&Console, Option<&Writer>),
    hurried: Option<Instant>,
    deadline: Option<Instant>,
    signals: &mut Signals,
) -> Option<Kind> {
    // Where there is a reader this is done long before.
    let least = Instant::now() + LAST_WRITE;
    let deadline = deadline.map(|deadline| least.max(deadline));
    let mut cut_short = None;
    let mut patience = hurried.map(|since| least.max(since + FLUSH_TIMEOUT));
    let mut drained = pin!(drained(console, recording));
    loop {
        let in_a_hurry = patience.is_some();
        tokio::select! {
            biased;
            () = &mut drained => return None,
            number = signals.next() => {
                if in_a_hurry {
                    // Asked twice: at once.
                    return cut_short.or(Some(Kind::Signal(number)));
                }
                cut_short = Some(Kind::Signal(number));
            }
            () = at(patience) => return cut_short,
            () = at(deadline), if !in_a_hurry => cut_short = Some(Kind::Timeout),
        }
        patience = Some(Instant::now() + FLUSH_TIMEOUT);
    }
}

async fn drained(console: &Console, recording: Option<&Writer>) {
    console.drained().await;
    if let Some(recording) = recording {
        recording.drained().await;
    }
}

/// Resolves then; never, when there is no such time.
pub async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
