//! `wps doctor`: why does a connection not work? Goes through a whole connection and tells each step.
//!
//! It examines the client that the other commands use: the same driver, session and dialer, with one attempt at
//! everything. What it finds goes to stdout; the explanations are those of the other commands' errors.

pub mod args;
mod dial;
mod keyless;
mod observer;
mod report;
pub mod settings;
mod steps;
mod token;
mod trace;

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::FutureExt as _;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use self::args::DoctorArgs;
use self::dial::DialReport;
use self::observer::{DoctorFindings, DoctorObserver};
use self::report::DoctorReport;
use self::settings::{DoctorSettings, SourceProblem};
use self::steps::{StepFailed, Steps};
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Input};
use crate::options::output::args::StderrArgs;
use crate::options::values::{OutputFormat, ReportFormat};
use crate::records::{Stopped, StoppedCounts};
use crate::render::{self, WriteFailure, human};
use crate::run::attend::{Attendant, Attended, Stage, attend};
use crate::run::chance::{seed, unix_now};
use crate::run::context::Surroundings;
use crate::run::ending::{InterruptSources, RunInterrupt, interruption, last_words};
use crate::run::exit_code::ExitCode;
use crate::run::explain::{ConnectContext, causes, session_failure};
use crate::run::network::dial_options;
use crate::run::process::on_one_thread;
use crate::run::url_source::url_source;
use crate::run::voice::{print_failure, stopped_error};
use crate::signal::Signals;
use webpubsub_client::driver::{DialedError, Driver, Finished, NetDialer, UrlSource};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_proto::session::{Counts, End, EndKind};

impl CommandArgs for DoctorArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn prints_records(&self) -> bool {
        self.output == ReportFormat::Ndjson
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        settings::settle(*self, environment, input).map(task)
    }

    /// That is a finding.
    fn without_profile(self: Box<Self>, failure: Failure, environment: &Environment) -> Result<Task, Failure> {
        settings::without_source(*self, failure, environment).map(task)
    }
}

fn task(settings: DoctorSettings) -> Task {
    Box::new(move |process| {
        let surroundings = process.surroundings(&settings.output)?;
        on_one_thread(doctor(&surroundings, &settings))
    })
}

/// Whether an identity opens the service.
fn is_keyless(settings: &DoctorSettings) -> bool {
    settings.connection.as_ref().is_ok_and(|connection| matches!(connection.source, ConnectionSource::Keyless(_)))
}

/// How often the steps of a dial under way are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long the reader of the report may keep the error waiting that comes after it.
const REPORT_FIRST: Duration = Duration::from_millis(500);
/// A closing handshake that takes so long was given up by the session.
const UNANSWERED: Duration = Duration::from_millis(1700);

/// How an examination ended.
struct ExaminationEnding {
    /// For the last record.
    reason: &'static str,
    /// What ended it from outside.
    failure: Option<Failure>,
    /// Since when somebody wants it to end.
    hurried: Option<Instant>,
    counts: Counts,
}

impl ExaminationEnding {
    fn new(reason: &'static str, failure: Option<Failure>) -> Self {
        Self { reason, failure, hurried: None, counts: Counts::default() }
    }
}

/// Examines a connection. Returns the exit code, which is that of the first failure, whether or not anybody reads of it.
pub async fn doctor(surroundings: &Surroundings, settings: &DoctorSettings) -> u8 {
    let console = &surroundings.console;
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => {
            print_failure(console, &Failure::new(Kind::Internal, error));
            return Kind::Internal.exit_code();
        }
    };
    let records = settings.output.format == OutputFormat::Ndjson;
    let report = RefCell::new(DoctorReport::new(console.clone(), (records, is_keyless(settings))));
    let (ending, limit) = match &settings.connection {
        Ok(connection) => {
            let ending = examine(surroundings, settings, connection, &report, &mut signals).await;
            (ending, connection.timeout)
        }
        Err(problem) => {
            report.borrow_mut().fail(None, problem.causes.join(": "), Failure::from(problem));
            (ExaminationEnding::new("failed", None), None)
        }
    };
    let report = report.into_inner();
    report.conclude();
    let (step, failure) = match report.into_failure() {
        Some((step, failure)) => (Some(step), Some(failure)),
        None => (None, ending.failure),
    };
    let code = failure.as_ref().map_or(0, |failure| failure.kind.exit_code());
    let told = failure.as_ref().filter(|failure| !matches!(failure.kind, Kind::Signal(_)));
    if records {
        let Counts { received, sent, acked, failed, unexpected: _ } = ending.counts;
        console.out.put(&mut console.out.style.record(render::record(&Stopped {
            reason: ending.reason,
            exit_code: code,
            counts: Some(StoppedCounts { received, sent, acked, failed, unexpected: None }),
            error: told.map(stopped_error),
        })));
    }
    // Where both streams end in one file, the error comes behind what it is about.
    let _ = timeout(REPORT_FIRST, console.out.drained()).await;
    match (told, step) {
        (Some(failure), None) => print_failure(console, failure),
        (Some(failure), Some(_)) if records => print_failure(console, failure),
        // Whoever sees the report need not be told again; whoever does not is told where to look.
        (Some(failure), Some(step)) if !console.out.style.terminal && !console.is_one_file() => {
            let what = format!("failed at `{step}`: {}", causes(failure));
            print_failure(console, &Failure::message(failure.kind, what));
        }
        (Some(_), Some(_)) | (None, _) => {}
    }
    let deadline = limit.map(|limit| surroundings.started + limit);
    let cut_short = last_words((console, None), ending.hurried, deadline, &mut signals).await;
    let mut code = ExitCode::new(console, code);
    code.fold_cut_short(cut_short, limit).await;
    code.fold_output().await;
    code.get()
}

/// All steps, up to the first failure or whatever ends it from outside.
async fn examine(
    surroundings: &Surroundings,
    settings: &DoctorSettings,
    connection: &ConnectionSettings,
    report: &RefCell<DoctorReport>,
    signals: &mut Signals,
) -> ExaminationEnding {
    let deadline = connection.timeout.map(|limit| surroundings.started + limit);
    let watched = || InterruptSources { deadline, output: true, closed_output: false };
    let began = Instant::now();
    let limit = connection.session.connect_timeout;
    let longest_pause = connection.session.reconnect_backoff.max_delay;
    let verbose = settings.output.verbosity > 0;
    if let ConnectionSource::Keyless(keyless) = &connection.source {
        let url = tokio::select! {
            biased;
            url = keyless::examine(&settings.origin, keyless, connection, report) => url,
            came = interruption(signals, watched(), &surroundings.console) => {
                return interrupted(came, connection, &mut report.borrow_mut());
            }
        };
        let Some(url) = url else { return ExaminationEnding::new("failed", None) };
        token::report_token(&url, unix_now(), &mut report.borrow_mut());
        let place = ConnectContext {
            url: Some(url),
            local: false,
            connect_timeout: limit,
            longest_pause,
            kept: false,
            verbose,
        };
        return Examination { surroundings, settings, connection, place, report }.run(signals).await;
    }
    let source = match url_source(connection) {
        Ok(source) => source,
        Err(failure) => return ExaminationEnding::new("failed", Some(failure)),
    };
    let obtained = tokio::select! {
        biased;
        obtained = obtain(&source, limit) => obtained,
        came = interruption(signals, watched(), &surroundings.console) => {
            return interrupted(came, connection, &mut report.borrow_mut());
        }
    };
    let local = matches!(connection.source, ConnectionSource::Local { .. });
    let elapsed = matches!(connection.source, ConnectionSource::Command(_)).then(|| began.elapsed());
    let url = match obtained {
        Ok(url) => url,
        Err((message, cause)) => {
            let place =
                ConnectContext { url: None, local, connect_timeout: limit, longest_pause, kept: false, verbose };
            let failure = session_failure(EndKind::Unreachable, &message, Some(&cause), &place);
            report.borrow_mut().fail(elapsed, message, failure);
            return ExaminationEnding::new("failed", None);
        }
    };
    report_source(settings, connection, &url, elapsed, &mut report.borrow_mut());
    token::report_token(&url, unix_now(), &mut report.borrow_mut());
    let place = ConnectContext { url: Some(url), local, connect_timeout: limit, longest_pause, kept: false, verbose };
    Examination { surroundings, settings, connection, place, report }.run(signals).await
}

/// The URL of the connection, once.
async fn obtain(source: &UrlSource, limit: Duration) -> Result<AccessUrl, (String, DialedError)> {
    match timeout(limit, source.obtain()).await {
        Ok(obtained) => obtained.map_err(|error| (error.to_string(), DialedError::NoUrl)),
        Err(_) => {
            let message = format!("timed out after {} s while {}", limit.as_secs_f64(), source.activity());
            Err((message, DialedError::UrlTimeout))
        }
    }
}

fn report_source(
    settings: &DoctorSettings,
    connection: &ConnectionSettings,
    url: &AccessUrl,
    elapsed: Option<Duration>,
    report: &mut DoctorReport,
) {
    let signed = match &connection.source {
        ConnectionSource::Url(_) => "",
        ConnectionSource::Command(_) => ", printed by the command",
        ConnectionSource::Keyless(_) => ", with a token made by the service",
        ConnectionSource::Signed(_) | ConnectionSource::Local { .. } => ", with a token signed here",
    };
    report.ok(elapsed, format!("{}: {url}{signed}", settings.origin), Vec::new());
}

/// A client and the steps beside it.
struct Examination<'a> {
    surroundings: &'a Surroundings,
    settings: &'a DoctorSettings,
    connection: &'a ConnectionSettings,
    place: ConnectContext,
    report: &'a RefCell<DoctorReport>,
}

impl Examination<'_> {
    async fn run(self, signals: &mut Signals) -> ExaminationEnding {
        let Self { surroundings, settings, connection, report, .. } = self;
        let seed = seed();
        let mut config = connection.session.clone();
        config.seed = seed;
        config.renews_url = false;
        let group = settings.group.clone().unwrap_or_else(|| format!("wps-doctor-{seed:016x}"));
        // Another doctor may try the same group at the same time.
        let text = format!("wps doctor {seed:016x}");
        let (watch, seen) = DoctorObserver::new(group.clone(), text.clone());
        let url = match (self.place.url.clone(), url_source(connection)) {
            (Some(url), _) => UrlSource::Fixed(url),
            (None, Ok(source)) => source,
            (None, Err(failure)) => return ExaminationEnding::new("failed", Some(failure)),
        };
        let dialer = NetDialer::new(url, dial_options(connection), connection.protocol)
            .with_stated_limit(config.connect_timeout);
        let trail = dialer.trail();
        let dial = RefCell::new(DialReport::default());
        let patience = config.ack_timeout;
        let (driver, handle) = Driver::new(config, dialer, watch);
        let steps = Steps {
            report,
            dial: &dial,
            trail: trail.clone(),
            handle: handle.clone(),
            seen: seen.clone(),
            place: self.place.clone(),
            group,
            own_group: settings.group.is_none(),
            text,
            patience,
        };
        let mut script = pin!(steps.run().fuse());
        let ticking = async {
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                dial.borrow_mut().advance(&trail.steps(), &mut report.borrow_mut());
            }
        };
        let console = &surroundings.console;
        let attended = attend((driver.run(), &handle), script.as_mut(), ticking, (&mut *signals, console), &self).await;
        let Attended { over: (finished, dialer, _watch), result: ended, interrupt, late, mut hurried, .. } = attended;
        let counts = finished.counts;
        let ending = match (interrupt.or(late), ended) {
            (Some(came), _) => {
                let mut told = report.borrow_mut();
                dial.borrow_mut().advance(&trail.steps(), &mut told);
                interrupted(came, connection, &mut told)
            }
            (None, Some((Ok(()), since))) => {
                report_close(since.elapsed(), &mut report.borrow_mut());
                let failed = report.borrow().has_failed();
                let deadline = connection.timeout.map(|limit| surroundings.started + limit);
                let watched = InterruptSources { deadline, output: true, closed_output: false };
                tokio::select! {
                    biased;
                    () = trace::report_trace(connection, report) => ExaminationEnding::new(if failed { "failed" } else { "done" }, None),
                    came = interruption(signals, watched, &surroundings.console) => {
                        hurried.get_or_insert_with(Instant::now);
                        interrupted(came, connection, &mut report.borrow_mut())
                    }
                }
            }
            (None, Some((Err(StepFailed), _))) => ExaminationEnding::new("failed", None),
            (None, None) => {
                let dialed = dialer.last_error();
                let mut failure = self.end_of(&finished, &seen, dialed.as_ref());
                failure.hints.extend(seen.take_odd());
                dial.borrow_mut().fail(&trail.steps(), failure, dialed.as_ref(), &mut report.borrow_mut());
                ExaminationEnding::new("failed", None)
            }
        };
        ExaminationEnding { hurried, counts, ..ending }
    }

    /// Why the session ended by itself.
    fn end_of(&self, finished: &Finished, seen: &DoctorFindings, dialed: Option<&DialedError>) -> Failure {
        if let Some(loss) = &*seen.loss.borrow() {
            return session_failure(EndKind::Lost, &loss.describe(), None, &self.place);
        }
        match &finished.end {
            End::Failed { kind, message } => session_failure(*kind, message, dialed, &self.place),
            End::Stopped => Failure::message(Kind::Internal, "the session ended without a reason"),
        }
    }
}

impl Attendant<Result<(), StepFailed>> for Examination<'_> {
    fn sources(&self, stage: &Stage) -> InterruptSources {
        // The closing handshake is a step like the others.
        let limit = self.connection.timeout.filter(|_| !stage.interrupted);
        InterruptSources {
            deadline: limit.map(|limit| self.surroundings.started + limit),
            output: stage.undecided,
            closed_output: false,
        }
    }
}

fn report_close(elapsed: Duration, report: &mut DoctorReport) {
    if elapsed < UNANSWERED {
        report.ok(Some(elapsed), "1000 sent, and closed by the service", Vec::new());
    } else {
        let hint = "the other commands do not wait longer than that either; no message is lost by it";
        report.ok(Some(elapsed), "the service did not answer the close frame", vec![hint.into()]);
    }
}

/// The step that was under way is told, and with it why there are no more.
fn interrupted(came: RunInterrupt, connection: &ConnectionSettings, report: &mut DoctorReport) -> ExaminationEnding {
    match came {
        RunInterrupt::Signal(number) => {
            report.end("ended by a signal");
            ExaminationEnding::new("signal", Some(Failure::message(Kind::Signal(number), "ended by a signal")))
        }
        RunInterrupt::Timeout => {
            let limit = human(connection.timeout.unwrap_or_default());
            let failure = Failure::message(Kind::Timeout, format!("timed out after {limit} (`--timeout`)"));
            let elapsed = report.elapsed();
            report.fail(Some(elapsed), causes(&failure), failure);
            ExaminationEnding::new("timeout", None)
        }
        // It records nothing.
        RunInterrupt::Output(WriteFailure::Closed) | RunInterrupt::Recording(_) => {
            ExaminationEnding::new("output-closed", None)
        }
        RunInterrupt::Output(WriteFailure::Failed(error) | WriteFailure::Unrecorded(error)) => {
            let what = format!("could not write to stdout: {error}");
            ExaminationEnding::new("failed", Some(Failure::message(Kind::Output, what)))
        }
    }
}

impl From<&SourceProblem> for Failure {
    fn from(problem: &SourceProblem) -> Self {
        let mut causes = problem.causes.iter().rev();
        let innermost = causes.next().map(String::as_str).unwrap_or("nothing says where to connect");
        let error = causes.fold(anyhow!("{innermost}"), |error, context| error.context(context.clone()));
        problem.hints.iter().fold(Self::new(Kind::Config, error), |failure, hint| failure.hint(hint))
    }
}
