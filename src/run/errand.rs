//! What commands without a connection of their own share, such as those that ask over HTTP: work beside signals,
//! `--timeout` and a reader that goes away; then the last record, the error, the exit code.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use anyhow::anyhow;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

use super::context::Surroundings;
use super::ending::{InterruptSources, RunInterrupt, interruption, last_words};
use super::exit_code::ExitCode;
use super::rest::PendingRequests;
use super::verdict::Verdict;
use super::voice::{print_failure, stopped_error};
use crate::failure::{Failure, Kind};
use crate::options::output::settings::OutputSettings;
use crate::options::values::OutputFormat;
use crate::records::{Stopped, StoppedCounts};
use crate::render::{self, Printer, Verbosity, Weight, WriteFailure, human};
use crate::signal::Signals;
use webpubsub_proto::Subprotocol;

/// What a command has done so far, for its last record.
#[derive(Debug, Default)]
pub struct RunCounts {
    /// What came and was printed.
    pub received: Cell<u64>,
    /// What was asked.
    pub sent: Cell<u64>,
    /// What of it went well.
    pub acked: Cell<u64>,
    /// What of it did not.
    pub failed: Cell<u64>,
    /// What has no answer yet.
    pub under_way: Arc<PendingRequests>,
}

impl RunCounts {
    /// One more.
    pub fn count(cell: &Cell<u64>) {
        cell.set(cell.get() + 1);
    }
}

/// How long expressions may take over what came before somebody wanted the run to end.
const EVALUATION_TIMEOUT: Duration = Duration::from_millis(500);

/// A printer of records, or of lines for people.
pub fn printer(surroundings: &Surroundings, output: &OutputSettings) -> Printer {
    let format = match output.format {
        OutputFormat::Text => render::Format::Text,
        OutputFormat::Ndjson => render::Format::Ndjson,
        OutputFormat::Data => render::Format::Data,
        OutputFormat::Raw => render::Format::Raw,
    };
    let options = render::PrintOptions {
        format,
        only: render::Only::Everything,
        timestamps: false,
        chatter: if output.quiet { Verbosity::Quiet } else { Verbosity::Warnings },
        hub: None,
        // Nothing of it is printed.
        protocol: Subprotocol::JsonReliable,
        has_expressions: surroundings.conditions.is_some(),
    };
    Printer::new(options, surroundings.console.clone())
}

/// A request to some work that it end.
#[derive(Debug, Default)]
pub struct StopRequest {
    is_asked: Cell<bool>,
    asked: Notify,
}

impl StopRequest {
    /// Resolves when the work is to end, also when it was to before.
    pub async fn asked(&self) {
        while !self.is_asked.get() {
            self.asked.notified().await;
        }
    }

    fn ask(&self) {
        self.is_asked.set(true);
        self.asked.notify_waiters();
    }
}

/// How long work that is told to end may take (CLI contract, *Ending*).
const GRACE: Duration = Duration::from_secs(2);

/// Does `work`, and returns the exit code. `follows_stdout`: nobody wants the rest of it when the reader of stdout has gone.
pub async fn run(
    surroundings: &Surroundings,
    timeout: Option<Duration>,
    follows_stdout: bool,
    told: (&RefCell<Printer>, &RunCounts),
    work: impl Future<Output = Verdict>,
) -> u8 {
    run_stoppable(surroundings, timeout, follows_stdout, told, (None, work)).await
}

/// The same with work that has something to do when it is to end, and two seconds for it; a second signal ends it at once.
pub async fn run_stoppable(
    surroundings: &Surroundings,
    timeout: Option<Duration>,
    follows_stdout: bool,
    (printer, done): (&RefCell<Printer>, &RunCounts),
    (stopping, work): (Option<&StopRequest>, impl Future<Output = Verdict>),
) -> u8 {
    let console = &surroundings.console;
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => {
            print_failure(console, &Failure::new(Kind::Internal, error));
            return Kind::Internal.exit_code();
        }
    };
    let deadline = timeout.map(|limit| surroundings.started + limit);
    let mut work = Box::pin(work);
    let watched = InterruptSources { deadline, output: true, closed_output: follows_stdout };
    let (verdict, hurried) = tokio::select! {
        biased;
        verdict = &mut work => (Ok(verdict), None),
        came = interruption(&mut signals, watched, console) => (Err(came), Some(Instant::now())),
    };
    if let (Some(stopping), Some(since)) = (stopping, hurried) {
        stopping.ask();
        let watched = InterruptSources { deadline: Some(since + GRACE), output: false, closed_output: false };
        tokio::select! {
            biased;
            _ = &mut work => {}
            _ = interruption(&mut signals, watched, console) => {}
        }
    }
    // What has no answer yet is forgotten with the work.
    let left = done.under_way.left();
    // What was cut off in it has its say before the last record.
    drop(work);
    if let Some(conditions) = &surroundings.conditions {
        conditions.over();
        if hurried.is_some() {
            conditions.set_deadline((Instant::now() + EVALUATION_TIMEOUT).into_std());
        }
    }
    let (reason, failure, told) = match verdict {
        Ok(Verdict::Done(reason) | Verdict::TimeUp(reason)) => (reason, None, false),
        Ok(Verdict::Failed(failure)) => ("failed", Some(failure), false),
        Ok(Verdict::Told(failure)) => ("failed", Some(failure), true),
        // There is no session.
        Ok(Verdict::SessionEnded) => ("failed", Some(Failure::message(Kind::Internal, "there is no session")), false),
        Err(RunInterrupt::Signal(number)) => {
            if let Some(left) = left {
                printer.borrow_mut().note(Weight::Warning, &left);
            }
            ("signal", Some(Failure::message(Kind::Signal(number), "")), true)
        }
        Err(RunInterrupt::Timeout) => {
            let what = format!("timed out after {} (`--timeout`)", human(timeout.unwrap_or_default()));
            let failure = match left {
                Some(left) => Failure::new(Kind::Timeout, anyhow!(left).context(what)),
                None => Failure::message(Kind::Timeout, what),
            };
            ("timeout", Some(failure), false)
        }
        Err(RunInterrupt::Output(WriteFailure::Closed) | RunInterrupt::Recording(_)) => ("output-closed", None, false),
        Err(RunInterrupt::Output(WriteFailure::Failed(error) | WriteFailure::Unrecorded(error))) => {
            let what = format!("could not write to stdout: {error}");
            ("failed", Some(Failure::message(Kind::Output, what)), false)
        }
    };
    let exit_code = failure.as_ref().map_or(0, |failure| failure.kind.exit_code());
    let error = failure.as_ref().filter(|failure| !matches!(failure.kind, Kind::Signal(_)));
    printer.borrow_mut().stopped(&Stopped {
        reason,
        exit_code,
        counts: Some(StoppedCounts {
            received: done.received.get(),
            sent: done.sent.get(),
            acked: done.acked.get(),
            failed: done.failed.get(),
            unexpected: None,
        }),
        error: error.map(stopped_error),
    });
    if let Some(failure) = error.filter(|_| !told) {
        print_failure(console, failure);
    }
    let cut_short = last_words((console, None), hurried, deadline, &mut signals).await;
    let mut code = ExitCode::new(console, exit_code);
    code.fold_cut_short(cut_short, timeout).await;
    code.fold_output().await;
    code.get()
}
