//! What all connecting commands share: the client and the command's own script side by side, signals, `--timeout`, a
//! reader that goes away, the last record, the error, the exit code.

pub mod attend;
pub mod chance;
pub mod context;
pub mod ending;
pub mod errand;
pub mod exit_code;
pub mod explain;
pub mod expressions;
pub mod gather;
pub mod hosting;
pub mod identity;
pub mod keyless;
pub mod livetrace;
pub mod network;
pub mod observer;
pub mod process;
pub mod recording;
pub mod rest;
pub mod seen;
pub mod session_file;
pub mod sink;
mod url_command;
pub mod url_source;
pub mod verdict;
pub mod voice;

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use self::attend::{Attendant, Attended, Stage, attend};
use self::chance::seed;
use self::context::{Client, RunOptions, Surroundings, print_options};
use self::ending::{Ending, InterruptSources, RunInterrupt, at, failed, last_words};
use self::exit_code::ExitCode;
use self::explain::ConnectContext;
use self::network::dial_options;
use self::observer::{Backpressure, Interruption, Reaction, RunObserver};
use self::seen::{MessageCounter, SentCounts};
use self::session_file::{ActiveSession, not_recorded};
use self::sink::Tap;
use self::url_source::url_source;
use self::verdict::Verdict;
use self::voice::{report_ending, warn};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use crate::options::output::settings::OutputSettings;
use crate::render::{self, Printer, WriteFailure, Writer};
use crate::signal::Signals;
use webpubsub_client::driver::{Driver, NetDialer};
use webpubsub_proto::session::Counts;

/// Longest time for expressions over records that came before that.
const EVALUATION_TIMEOUT: Duration = Duration::from_millis(500);

/// Who sees what comes, and what is recorded of it.
struct Sinks<'a> {
    printer: Printer,
    observer: Option<Rc<dyn RunObserver>>,
    /// `--record`.
    recording: Option<Writer>,
    /// `--session`.
    kept: Option<&'a ActiveSession>,
}

/// Runs a client with a script beside it, and returns the exit code. Everything is printed by then.
pub async fn run<F>(
    surroundings: &Surroundings,
    connection: &ConnectionSettings,
    output: &OutputSettings,
    run_options: RunOptions,
    script: impl FnOnce(Client) -> F,
) -> u8
where
    F: Future<Output = Verdict>,
{
    run_observed(surroundings, connection, output, run_options, None, script).await
}

/// The same, with somebody who sees everything that comes.
pub async fn run_observed<F>(
    surroundings: &Surroundings,
    connection: &ConnectionSettings,
    output: &OutputSettings,
    run_options: RunOptions,
    observer: Option<Rc<dyn RunObserver>>,
    script: impl FnOnce(Client) -> F,
) -> u8
where
    F: Future<Output = Verdict>,
{
    let console = surroundings.console.clone();
    let mut printer = Printer::new(
        render::PrintOptions {
            has_expressions: surroundings.conditions.is_some(),
            ..print_options(connection, output, run_options)
        },
        console.clone(),
    );
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return ended_before(printer, Failure::new(Kind::Internal, error)).await,
    };
    let kept = match session_file::open(connection, &mut printer) {
        Ok(kept) => kept,
        Err(failure) => return ended_before(printer, failure).await,
    };
    let hosted = match hosting::prepare(connection, run_options.hosts && kept.is_none()).await {
        Ok(hosted) => hosted,
        Err(failure) => return ended_before(printer, failure).await,
    };
    if let Some(hosted) = &hosted {
        printer.print_line(&format!("nothing listens at {}: hosting an emulator here", hosted.endpoint()));
    }
    warn(&mut printer, connection);
    if run_options.follows_stdout
        && let Err(error) = printer.console().watch_stdout()
    {
        return ended_before(printer, Failure::new(Kind::Internal, error)).await;
    }
    let recording = match recording::create(connection) {
        Ok(recording) => recording,
        Err(failure) => return ended_before(printer, failure).await,
    };
    let sinks = Sinks { printer, observer, recording: recording.clone(), kept: kept.as_ref() };
    let (mut ending, mut printer) =
        run_client(surroundings, connection, (run_options, output), sinks, script, &mut signals).await;
    let deadline = connection.timeout.map(|limit| surroundings.started + limit);
    let hurried = ending.hurried;
    if ending.exit_code() == 0
        && let Some(failure) = recording::settled(recording.as_ref(), connection.record.as_deref()).await
    {
        ending = Ending { finished: ending.finished, ..failed(failure) };
    }
    let mut code = ExitCode::new(&console, report_ending(&mut printer, ending));
    let cut_short = last_words((&console, recording.as_ref()), hurried, deadline, &mut signals).await;
    code.fold_cut_short(cut_short, connection.timeout).await;
    if let Some(hosted) = hosted {
        hosted.stop().await;
    }
    if code.fold_output().await {
        return code.get();
    }
    let unrecorded = recording.and_then(|recording| recording.failure());
    code.fold(unrecorded.map(|failure| recording::failure(connection.record.as_deref(), failure))).await;
    // The last of all: whatever fails before it makes somebody run this again.
    let is_well = code.get() == 0;
    code.fold(match console.out.writer().failure() {
        Some(WriteFailure::Unrecorded(error)) => Some(not_recorded(&error)),
        Some(WriteFailure::Closed | WriteFailure::Failed(_)) | None => {
            kept.as_ref().and_then(|kept| kept.close(is_well, surroundings.last_act))
        }
    })
    .await;
    code.get()
}

/// The end of a run that failed before there was a client.
async fn ended_before(mut printer: Printer, failure: Failure) -> u8 {
    let code = report_ending(&mut printer, failed(failure));
    printer.console().drained().await;
    code
}

/// The client, the script and the interruptions side by side, until the client is over.
async fn run_client<F>(
    surroundings: &Surroundings,
    connection: &ConnectionSettings,
    (run_options, output): (RunOptions, &OutputSettings),
    Sinks { printer, observer, recording, kept }: Sinks<'_>,
    script: impl FnOnce(Client) -> F,
    signals: &mut Signals,
) -> (Ending, Printer)
where
    F: Future<Output = Verdict>,
{
    let console = surroundings.console.clone();
    let listens = observer.clone();
    let seen = MessageCounter::new(run_options.limit);
    let mut tap = Tap::new(printer, run_options.shown, Rc::clone(&seen));
    observer.into_iter().for_each(|observer| tap.add(observer));
    if output.whole_streams {
        tap.gather_streams();
    }
    let mut config = connection.session.clone();
    config.seed = seed();
    config.keep = kept.map(ActiveSession::keep);
    let local = matches!(connection.source, ConnectionSource::Local { .. });
    let ack_timeout = config.ack_timeout;
    let connect_timeout = config.connect_timeout;
    let source = match url_source(connection) {
        Ok(source) => source,
        Err(failure) => return (failed(failure), tap.into_printer()),
    };
    let longest_pause = config.reconnect_backoff.max_delay;
    let kept_open = kept.is_some();
    let verbose = output.verbosity > 0;
    let place =
        ConnectContext { url: source.at_once(), local, connect_timeout, longest_pause, kept: kept_open, verbose };
    let mut dialer =
        NetDialer::new(source, dial_options(connection), connection.protocol).with_stated_limit(connect_timeout);
    let url = dialer.current_url();
    if place.url.is_none() {
        tap.follow(url.clone());
    }
    let keeper = kept.map(|kept| {
        if !kept.takes_messages {
            tap.take_shown_only(kept.ledger());
        }
        tap.count_losses();
        kept.attach(&mut dialer, connection.protocol, &console)
    });
    // A hosted emulator and one beside have this clock.
    if matches!(connection.source, ConnectionSource::Signed(_)) {
        tap.watch_clock(dialer.trail());
    }
    if let Some(writer) = &recording {
        tap.add(Rc::new(Backpressure(writer.clone())));
    }
    let (mut driver, handle) = Driver::new(config, dialer, tap);
    if let Some(keeper) = keeper {
        driver.keep_with(keeper);
    }
    if let Some(writer) = &recording {
        driver.overhear(recording::begin(writer, connection, surroundings, url.clone()));
    }
    let counter = Rc::clone(&seen);
    let conditions = surroundings.conditions.clone();
    let lines_file = kept.and_then(|kept| kept.lines.clone());
    let client =
        Client { handle: handle.clone(), seen, conditions, lines_file, place: place.clone(), url, ack_timeout };
    let mut script = pin!(script(client).fuse());
    let beside = async { RunInterrupt::Recording(recording::fails(recording.as_ref()).await) };
    let follows_stdout = run_options.follows_stdout;
    let attendant = RunAttendant { surroundings, connection, follows_stdout, counter: &counter, observer: listens };
    let attended =
        attend((driver.run(), &handle), script.as_mut(), beside, (&mut *signals, &console), &attendant).await;
    let Attended { over: (mut finished, dialer, tap), result, mut interrupt, parting, late: _, mut hurried } = attended;
    let mut verdict = result.map(|(verdict, _)| verdict);
    if let Some(conditions) = &surroundings.conditions {
        conditions.over();
    }
    if verdict.is_none() && !counter.limit_reached.get() {
        // Every operation has been answered by now; a script that waited for one ends here.
        verdict = unconstrained(script).now_or_never();
    }
    // What was done before that could end it is done.
    let parting = parting.filter(|_| !matches!(verdict, Some(Verdict::Done(_) | Verdict::TimeUp(_))));
    interrupt = parting.or(interrupt);
    if let Some(SentCounts { sent, acked, failed }) = counter.lines.get() {
        finished.counts = Counts { sent, acked, failed, ..finished.counts };
    }
    if let Some(conditions) =
        surroundings.conditions.as_ref().filter(|_| run_options.follows_conditions && interrupt.is_none())
    {
        // What came before the end is looked at before the end is told: one of those records may be the reason.
        let deadline = connection.timeout.map(|limit| surroundings.started + limit);
        tokio::select! {
            biased;
            () = console.out.writer().drained() => {}
            number = signals.next() => interrupt = Some(RunInterrupt::Signal(number)),
            () = at(deadline) => interrupt = Some(RunInterrupt::Timeout),
        }
        if interrupt.is_some() {
            hurried.get_or_insert_with(Instant::now);
            set_deadline(surroundings);
        } else if let Some(met) = conditions.met() {
            verdict = Some(expressions::verdict(&met, output));
        }
    }
    let failed_dial = dialer.last_error();
    let place = place.at(&dialer.current_url());
    if let Some(failure) = kept.and_then(ActiveSession::failure) {
        return (Ending { finished: Some(finished), ..failed(failure) }.by(hurried), tap.into_printer());
    }
    (Ending::of(interrupt, verdict, finished, failed_dial, connection, &place).by(hurried), tap.into_printer())
}

/// What is a command's own in the loop.
struct RunAttendant<'a> {
    surroundings: &'a Surroundings,
    connection: &'a ConnectionSettings,
    /// A reader that goes away ends the run.
    follows_stdout: bool,
    counter: &'a MessageCounter,
    observer: Option<Rc<dyn RunObserver>>,
}

impl Attendant<Verdict> for RunAttendant<'_> {
    fn sources(&self, stage: &Stage) -> InterruptSources {
        let limit = self.connection.timeout.filter(|_| stage.undecided && !stage.parting);
        InterruptSources {
            deadline: limit.map(|limit| self.surroundings.started + limit),
            output: stage.undecided,
            closed_output: self.follows_stdout,
        }
    }

    fn script_ended(&self, verdict: Verdict) -> Verdict {
        if let Some(conditions) = &self.surroundings.conditions {
            conditions.over();
        }
        // What it still waited for is of no interest once there were messages enough.
        if self.counter.limit_reached.get() { Verdict::Done("count") } else { verdict }
    }

    fn reaction(&self, interrupt: &RunInterrupt) -> Reaction {
        let by = match interrupt {
            RunInterrupt::Signal(number) => Interruption::Signal(*number),
            RunInterrupt::Timeout => Interruption::Timeout,
            RunInterrupt::Output(_) | RunInterrupt::Recording(_) => return Reaction::Ends,
        };
        self.observer.as_ref().map_or(Reaction::Ends, |observer| observer.interrupted(by))
    }

    fn hurry(&self) {
        set_deadline(self.surroundings);
    }
}

/// Somebody wants the run to end: expressions that take long are not waited for.
fn set_deadline(surroundings: &Surroundings) {
    if let Some(conditions) = &surroundings.conditions {
        conditions.set_deadline((Instant::now() + EVALUATION_TIMEOUT).into_std());
    }
}
