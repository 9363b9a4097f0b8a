//! `wps trace`: the live trace of a resource, a line each (PROTOCOL §21).
//!
//! A [`Tracer`](webpubsub_proto::trace::Tracer) decides, [`TraceDriver`] moves bytes, and what comes is chosen and printed here.

pub mod args;
mod drive;
mod lines;
pub mod settings;

use std::cell::{Cell, RefCell};
use std::future::pending;

use tokio::time::Instant;

use self::args::TraceArgs;
use self::drive::{TraceDriver, TraceObserver};
use self::settings::TraceSettings;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::ReportFormat;
use crate::records::{Connected, Reconnecting, SessionLost, UnknownFrame};
use crate::render::{MetCondition, Printer, Recurrence, Weight, human};
use crate::run::chance::seed;
use crate::run::context::Surroundings;
use crate::run::ending::at;
use crate::run::ending::never_connected;
use crate::run::errand::{self, RunCounts, StopRequest};
use crate::run::expressions::verdict;
use crate::run::hosting;
use crate::run::livetrace::Endpoint;
use crate::run::process::on_one_thread;
use crate::run::verdict::Verdict;
use crate::run::voice::warn_of_insecure;
use webpubsub_net::secret::redact;
use webpubsub_proto::session::End;
use webpubsub_proto::trace::{Config, News, PATIENCE, Trace as Traced};

impl CommandArgs for TraceArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.report.talk)
    }

    fn prints_records(&self) -> bool {
        self.report.output == ReportFormat::Ndjson
    }

    fn filter(&self) -> Option<&FilterArgs> {
        Some(&self.report.filter)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let surroundings = process.surroundings(&settings.output)?;
            on_one_thread(trace(&surroundings, &settings))
        }))
    }
}

/// Said when traces come, and once.
const BILLED: &str = "traces are billed as outbound messages, and count against the quota of the Free tier";

/// Traces until something ends it. Returns the exit code.
async fn trace(surroundings: &Surroundings, settings: &TraceSettings) -> u8 {
    let printer = RefCell::new(errand::printer(surroundings, &settings.output));
    let (done, stopping) = (RunCounts::default(), StopRequest::default());
    let work = work(surroundings, settings, (&printer, &done), &stopping);
    errand::run_stoppable(surroundings, settings.timeout, true, (&printer, &done), (Some(&stopping), work)).await
}

async fn work(
    surroundings: &Surroundings,
    settings: &TraceSettings,
    (printer, done): (&RefCell<Printer>, &RunCounts),
    stopping: &StopRequest,
) -> Verdict {
    let endpoint = match endpoint(settings, printer).await {
        Ok(endpoint) => endpoint,
        Err(failure) => return Verdict::Failed(failure),
    };
    let config = Config {
        connect_timeout: settings.connect_timeout,
        retries_until_connected: settings.attempts.until_connected,
        retries_once_connected: settings.attempts.once_connected,
        backoff: settings.attempts.backoff,
        patience: PATIENCE,
        seed: seed(),
    };
    let shown = TracePrinter {
        settings,
        printer,
        done,
        name: endpoint.name(),
        connected: Cell::new(false),
        last_failure: RefCell::default(),
        lost: Cell::new(None),
        was_billed: Cell::new(matches!(settings.source, ConnectionSource::Local { .. })),
        unreadable: RefCell::default(),
    };
    let conditions = Cell::new(None);
    let stop = async {
        let ends = settings.duration.map(|duration| surroundings.started + duration);
        tokio::select! {
            biased;
            met = condition(surroundings) => conditions.set(Some(verdict(&met, &settings.output))),
            () = at(ends) => conditions.set(Some(Verdict::TimeUp("for"))),
            () = stopping.asked() => {}
        }
    };
    let end = TraceDriver::new(config, &endpoint, printer, &shown).run(stop).await;
    match (conditions.take(), end) {
        (Some(Verdict::TimeUp(flag)), _) if !shown.connected.get() => {
            Verdict::Failed(never_connected(flag, shown.last_failure.take().as_deref()))
        }
        (Some(verdict), _) => verdict,
        (None, End::Stopped) => Verdict::Done("count"),
        (None, End::Failed { kind, message }) => Verdict::Failed(endpoint.failure(kind, &message)),
    }
}

/// Resolves when a condition is met.
async fn condition(surroundings: &Surroundings) -> MetCondition {
    match &surroundings.conditions {
        Some(conditions) => conditions.wait().await,
        None => pending().await,
    }
}

async fn endpoint(settings: &TraceSettings, printer: &RefCell<Printer>) -> Result<Endpoint, Failure> {
    if let ConnectionSource::Local { port, .. } = &settings.source {
        hosting::check(*port).await?;
    }
    let way = (&settings.network, &settings.tls);
    let longest_pause = settings.attempts.backoff.max_delay;
    let endpoint = Endpoint::of(&settings.source, way, settings.connect_timeout, longest_pause)?
        .ok_or_else(|| Failure::message(Kind::Internal, "a client access URL is no service"))?;
    warn_of_insecure(&mut printer.borrow_mut(), settings.tls.insecure && endpoint.is_secure());
    Ok(endpoint)
}

/// What is shown of what comes.
struct TracePrinter<'a> {
    settings: &'a TraceSettings,
    printer: &'a RefCell<Printer>,
    done: &'a RunCounts,
    /// The service.
    name: String,
    /// There is, or was, a connection.
    connected: Cell<bool>,
    /// What the last attempt failed by.
    last_failure: RefCell<Option<String>>,
    /// Since when there is no connection.
    lost: Cell<Option<Instant>>,
    /// That it costs something was said, or it does not.
    was_billed: Cell<bool>,
    /// Records of the service that could not be read.
    unreadable: RefCell<Recurrence>,
}

impl Drop for TracePrinter<'_> {
    /// However it ended: how many there were that nobody was told of.
    fn drop(&mut self) {
        if let Some(times) = self.unreadable.get_mut().rest() {
            let text = format!("{times} records of the service could not be read");
            self.printer.borrow_mut().note(Weight::Warning, &text);
        }
    }
}

impl TraceObserver for TracePrinter<'_> {
    fn trace(&self, trace: Traced) -> bool {
        if !self.settings.choice.takes(&trace) {
            return false;
        }
        RunCounts::count(&self.done.received);
        lines::print(&mut self.printer.borrow_mut(), &trace);
        self.settings.count.is_some_and(|count| self.done.received.get() >= count)
    }

    fn news(&self, news: News) {
        let mut printer = self.printer.borrow_mut();
        match news {
            News::Connected => {
                self.connected.set(true);
                let hub = self.settings.choice.hub.as_deref();
                let fields = Connected { connection_id: None, user_id: None, hub, protocol: "livetrace" };
                printer.finding(&fields, "");
                let text = match self.lost.take() {
                    None => format!("listening to the live trace of `{}`", self.name),
                    Some(since) => {
                        let away = human(since.elapsed());
                        format!("listening again after {away}; traces of that time are missing")
                    }
                };
                printer.print_line(&text);
                if !self.was_billed.replace(true) {
                    printer.print_line(BILLED);
                }
            }
            News::Lost(loss) => {
                self.lost.set(Some(Instant::now()));
                let reason = redact(&loss.describe()).into_owned();
                printer.finding(&SessionLost { connection_id: None, reason: &reason }, "");
                printer.note(Weight::Warning, &format!("traces may be missing from here on: {reason}"));
            }
            News::Reconnecting { attempt, delay, error } => {
                let error = redact(&error).into_owned();
                printer.finding(&Reconnecting::new(attempt, delay, &error), "");
                let again = format!("trying again in {} (retry {attempt})", human(delay));
                let text = match self.lost.get() {
                    // What it is for was said just now.
                    Some(_) if attempt == 1 => again,
                    Some(_) | None => format!("{error}; {again}"),
                };
                printer.note(Weight::Warning, &text);
                self.last_failure.replace(Some(error));
            }
            News::Unreadable { reason } => {
                let reason = redact(&reason).into_owned();
                printer.finding(&UnknownFrame { frame: None, frame_base64: None, reason: &reason }, "");
                let text = match self.unreadable.borrow_mut().add() {
                    Some(1) => format!("the service sent {reason}"),
                    Some(times) => {
                        format!("{times} records of the service could not be read by now; the last: {reason}")
                    }
                    None => return,
                };
                printer.note(Weight::Warning, &text);
            }
        }
    }
}
