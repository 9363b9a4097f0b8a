//! What all connecting commands share: the client and the command's own script side by side, signals, `--timeout`, a
//! reader that goes away, the last record, the error, the exit code.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use ring::rand::SecureRandom as _;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until, timeout};

use super::explain::{Place, operation_failure, session_failure};
pub(super) use super::network::dial_options;
use super::session_file::{self, Kept, StreamFile, not_recorded};
use super::tap::{Seen, Shown, StreamCounts, Tap, Watcher};
use super::url_command::UrlCommand;
use super::{expressions, hosting, recording};
use crate::failure::{Failure, Kind};
use crate::render::{self, Chatter, Console, Judgement, Printer, Stopped, StoppedCounts, Weight, WriteFailure, Writer};
use crate::settings::{Connection, Format, Only, Output, Source};
use crate::signal::Signals;
use webpubsub_client::driver::{CurrentUrl, DialedError, Driver, Finished, NetDialer, UrlSource};
use webpubsub_client::handle::Handle;
use webpubsub_net::auth::access_url::{AccessUrl, looks_expired};
use webpubsub_net::auth::token::peek_claims;
use webpubsub_proto::session::{AckMode, Counts, End, OperationKind, Outcome, Request};

/// Longest time for output that is still to be written, counted from the signal or `--timeout` that ended the run.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// What output has all the same, when saying goodbye to the service took that time.
const LAST_WRITE: Duration = Duration::from_millis(250);

/// Longest time for expressions over records that came before that.
const EVALUATION_TIMEOUT: Duration = Duration::from_millis(500);

/// How a command's script ended.
#[derive(Debug)]
pub enum Verdict {
    /// It did what it was for; the word for `stopped.reason`.
    Done(&'static str),
    /// It failed by itself.
    Failed(Failure),
    /// It failed, and has told so already.
    Told(Failure),
    /// The session ended before; its end decides.
    SessionEnded,
}

/// The surroundings of a run.
#[derive(Debug)]
pub struct Surroundings {
    /// stdout and stderr.
    pub console: Console,
    /// When the process started.
    pub started: Instant,
    /// What the run's expressions say, if it has any.
    pub judgement: Option<Judgement>,
}

impl Surroundings {
    /// How a command went, on stderr: in words for people, or when more words are wanted; records say it themselves.
    pub fn report(&self, output: &Output, words: &str) {
        let wanted = output.verbosity > 0 || output.format != Format::Ndjson;
        if wanted && !output.quiet {
            self.console.err.line(&self.console.err.style.dim(words));
        }
    }
}

/// What a command wants of its client.
#[derive(Clone, Copy, Debug)]
pub struct Wants {
    /// Which messages are its output.
    pub shown: Shown,
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

/// What a script works with.
#[derive(Debug)]
pub struct Client {
    /// Talks to the client.
    pub handle: Handle,
    /// What has come so far.
    pub seen: Rc<Seen>,
    /// What the run's expressions say, if it has any.
    pub judgement: Option<Judgement>,
    /// The position of the stream that the command sends, if it is kept.
    pub stream_file: Option<StreamFile>,
    place: Place,
    url: CurrentUrl,
    ack_timeout: Duration,
}

impl Client {
    /// Carries out an operation; `Ok` when it is done.
    pub async fn perform(&self, request: Request, mode: AckMode) -> Result<Outcome, Verdict> {
        let kind = request.kind();
        let target = match &request {
            Request::Join { group } | Request::Leave { group } | Request::Send { group, .. } => group.clone(),
            Request::Event { event, .. } => event.clone(),
        };
        let outcome = self.handle.submit(request, mode).await;
        self.judge(kind, &target, outcome)
    }

    /// Why that operation failed, if it did by itself.
    pub(super) fn failure_of(&self, kind: OperationKind, target: &str, outcome: &Outcome) -> Option<Failure> {
        operation_failure(kind, target, outcome, self.ack_timeout, &self.place.at(&self.url))
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

/// What ended a run from outside the client.
pub(super) enum Interrupt {
    Signal(u8),
    Timeout,
    Output(WriteFailure),
    Recording(WriteFailure),
}

/// Who sees what comes, and what is recorded of it.
struct Seeing<'a> {
    printer: Printer,
    watcher: Option<Rc<dyn Watcher>>,
    /// `--record`.
    recording: Option<Writer>,
    /// `--session`.
    kept: Option<&'a Kept>,
}

/// What a run came to.
struct Ending {
    /// For the last record.
    reason: &'static str,
    failure: Option<Failure>,
    /// Whoever looks has been told of the failure.
    told: bool,
    /// Since when somebody wants it to end: what is still to be written has two seconds from then.
    hurried: Option<Instant>,
    finished: Option<Finished>,
}

/// Runs a client with a script beside it, and returns the exit code. Everything is printed by then.
pub async fn run<F>(
    surroundings: &Surroundings,
    connection: &Connection,
    output: &Output,
    wants: Wants,
    script: impl FnOnce(Client) -> F,
) -> u8
where
    F: Future<Output = Verdict>,
{
    run_watched(surroundings, connection, output, wants, None, script).await
}

/// The same, with somebody who sees everything that comes.
pub async fn run_watched<F>(
    surroundings: &Surroundings,
    connection: &Connection,
    output: &Output,
    wants: Wants,
    watcher: Option<Rc<dyn Watcher>>,
    script: impl FnOnce(Client) -> F,
) -> u8
where
    F: Future<Output = Verdict>,
{
    let console = surroundings.console.clone();
    let mut printer = Printer::new(
        render::Options { judged: surroundings.judgement.is_some(), ..print_options(connection, output, wants) },
        console.clone(),
    );
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return report(&mut printer, failed(Failure::new(Kind::Internal, error))),
    };
    let kept = match session_file::open(connection, &mut printer) {
        Ok(kept) => kept,
        Err(failure) => {
            let code = report(&mut printer, failed(failure));
            printer.console().drained().await;
            return code;
        }
    };
    let hosted = match hosting::prepare(connection, wants.hosts && kept.is_none()).await {
        Ok(hosted) => hosted,
        Err(failure) => {
            let code = report(&mut printer, failed(failure));
            printer.console().drained().await;
            return code;
        }
    };
    if let Some(hosted) = &hosted {
        printer.say(&format!("nothing listens at {}: hosting an emulator here", hosted.endpoint()));
    }
    warn(&mut printer, connection);
    if wants.follows_stdout
        && let Err(error) = printer.console().watch_stdout()
    {
        return report(&mut printer, failed(Failure::new(Kind::Internal, error)));
    }
    let recording = match recording::create(connection) {
        Ok(recording) => recording,
        Err(failure) => {
            let code = report(&mut printer, failed(failure));
            printer.console().drained().await;
            return code;
        }
    };
    let seeing = Seeing { printer, watcher, recording: recording.clone(), kept: kept.as_ref() };
    let (ending, mut printer) = attend(surroundings, connection, (wants, output), seeing, script, &mut signals).await;
    let deadline = connection.timeout.map(|limit| surroundings.started + limit);
    let hurried = ending.hurried;
    let code = report(&mut printer, ending);
    let code = match last_words((&console, recording.as_ref()), hurried, deadline, &mut signals).await {
        Some(kind) if code == 0 => {
            if kind == Kind::Timeout {
                let limit = render::human(connection.timeout.unwrap_or_default());
                let what = format!("timed out after {limit} (`--timeout`) while the output was being written");
                last_error(&console, &Failure::message(kind, what)).await;
            }
            kind.exit_code()
        }
        _ => code,
    };
    if let Some(hosted) = hosted {
        hosted.stop().await;
    }
    let failed = match console.out.writer().failure() {
        Some(WriteFailure::Failed(error)) if code == 0 => return output_failed(&console, &error).await,
        Some(WriteFailure::Unrecorded(error)) => Some(not_recorded(&error)),
        Some(WriteFailure::Closed | WriteFailure::Failed(_)) | None => kept.as_ref().and_then(Kept::close),
    };
    let failed = failed.or_else(|| {
        let failure = recording.and_then(|recording| recording.failure())?;
        Some(recording::failure(connection, failure.into_error()))
    });
    match failed {
        Some(failure) if code == 0 => {
            last_error(&console, &failure).await;
            failure.kind.exit_code()
        }
        _ => code,
    }
}

/// What was printed is written, however slow the reader is, unless somebody wants it to end: then it has a moment, so that
/// a reader who is there gets whole lines. Returns what cut it short.
pub(super) async fn last_words(
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
pub(super) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Prints an error when there is no time for more.
pub(super) async fn last_error(console: &Console, failure: &Failure) {
    super::print_failure(console, failure);
    let _ = timeout(LAST_WRITE, console.err.drained()).await;
}

pub(super) async fn output_failed(console: &Console, error: &std::io::Error) -> u8 {
    let failure = Failure::message(Kind::Output, format!("could not write to stdout: {error}"));
    super::print_failure(console, &failure);
    console.err.drained().await;
    failure.kind.exit_code()
}

/// The client, the script and the interruptions side by side, until the client is over.
async fn attend<F>(
    surroundings: &Surroundings,
    connection: &Connection,
    (wants, output): (Wants, &Output),
    Seeing { printer, watcher, recording, kept }: Seeing<'_>,
    script: impl FnOnce(Client) -> F,
    signals: &mut Signals,
) -> (Ending, Printer)
where
    F: Future<Output = Verdict>,
{
    let console = surroundings.console.clone();
    let listens = watcher.clone();
    let (mut tap, seen) = Tap::new(printer, wants.shown, wants.limit, watcher);
    let mut config = connection.session.clone();
    config.seed = seed();
    config.keep = kept.map(Kept::keep);
    let local = matches!(connection.source, Source::Local { .. });
    let ack_timeout = config.ack_timeout;
    let connect_timeout = config.connect_timeout;
    let source = url_source(&connection.source);
    let longest_pause = config.reconnect_backoff.max_delay;
    let place = Place { url: source.at_once(), local, connect_timeout, longest_pause, kept: kept.is_some() };
    let mut dialer = NetDialer::new(source, dial_options(connection), connection.protocol);
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
    if matches!(connection.source, Source::Signed(_)) {
        tap.watch_clock(dialer.trail());
    }
    if let Some(writer) = &recording {
        tap.wait_for(writer.clone());
    }
    let (mut driver, handle) = Driver::new(config, dialer, tap);
    if let Some(keeper) = keeper {
        driver.keep_with(keeper);
    }
    if let Some(writer) = &recording {
        driver.overhear(recording::begin(writer, connection, surroundings, url.clone()));
    }
    let sated = Rc::clone(&seen);
    let judgement = surroundings.judgement.clone();
    let stream_file = kept.and_then(|kept| kept.stream.clone());
    let client =
        Client { handle: handle.clone(), seen, judgement, stream_file, place: place.clone(), url, ack_timeout };
    let mut running = pin!(driver.run());
    let mut script = pin!(script(client).fuse());
    let mut verdict = None;
    let mut interrupt = None;
    let mut hurried = None;
    let (mut finished, dialer, tap) = loop {
        let undecided = verdict.is_none() && interrupt.is_none();
        let watched = Watched {
            deadline: connection.timeout.filter(|_| undecided).map(|limit| surroundings.started + limit),
            output: undecided,
            closed_output: wants.follows_stdout,
        };
        tokio::select! {
            // The script first: what it says of a deadline is more exact.
            biased;
            ended = &mut script, if undecided => {
                // What it still waited for is of no interest once there were messages enough.
                verdict = Some(if sated.sated.get() { Verdict::Done("count") } else { ended });
                if let Some(judgement) = &surroundings.judgement {
                    judgement.over();
                }
                handle.stop();
            }
            over = &mut running => break over,
            failure = recording::fails(recording.as_ref()), if undecided => {
                interrupt = Some(Interrupt::Recording(failure));
                handle.stop();
            }
            came = interruption(signals, watched, &console) => {
                let is_key = undecided && matches!(came, Interrupt::Signal(2));
                if is_key && listens.as_ref().is_some_and(|watcher| watcher.interrupted()) {
                    continue;
                }
                hurried.get_or_insert_with(Instant::now);
                hurry(surroundings);
                if undecided {
                    interrupt = Some(came);
                    handle.stop();
                } else {
                    // Asked twice, or in a hurry to leave: at once.
                    handle.abort();
                }
            }
        }
    };
    if verdict.is_none() && !sated.sated.get() {
        // Every operation has been answered by now; a script that waited for one ends here.
        verdict = unconstrained(script).now_or_never();
    }
    if let Some(StreamCounts { sent, acked, failed }) = sated.stream.get() {
        finished.counts = Counts { sent, acked, failed, ..finished.counts };
    }
    if let Some(judgement) = surroundings.judgement.as_ref().filter(|_| wants.follows_conditions && interrupt.is_none())
    {
        // What came before the end is looked at before the end is told: one of those records may be the reason.
        let deadline = connection.timeout.map(|limit| surroundings.started + limit);
        tokio::select! {
            biased;
            () = console.out.writer().drained() => {}
            number = signals.next() => interrupt = Some(Interrupt::Signal(number)),
            () = at(deadline) => interrupt = Some(Interrupt::Timeout),
        }
        if interrupt.is_some() {
            hurried.get_or_insert_with(Instant::now);
            hurry(surroundings);
        } else if let Some(met) = judgement.met() {
            verdict = Some(expressions::verdict(&met, output));
        }
    }
    let failed_dial = dialer.last_error();
    let place = place.at(&dialer.current_url());
    if let Some(failure) = kept.and_then(Kept::failure) {
        return (Ending { finished: Some(finished), ..failed(failure) }.by(hurried), tap.into_printer());
    }
    (Ending::of(interrupt, verdict, finished, failed_dial, connection, &place).by(hurried), tap.into_printer())
}

/// Somebody wants the run to end: expressions that take long are not waited for.
fn hurry(surroundings: &Surroundings) {
    if let Some(judgement) = &surroundings.judgement {
        judgement.hurry((Instant::now() + EVALUATION_TIMEOUT).into_std());
    }
}

/// What may interrupt a run at the moment; a signal always may.
pub(super) struct Watched {
    pub(super) deadline: Option<Instant>,
    pub(super) output: bool,
    /// A reader that has gone away is a reason to end.
    pub(super) closed_output: bool,
}

pub(super) async fn interruption(signals: &mut Signals, watched: Watched, console: &Console) -> Interrupt {
    let output = async {
        match console.out.writer().failed().await {
            WriteFailure::Closed if !watched.closed_output => std::future::pending().await,
            failure => failure,
        }
    };
    tokio::select! {
        number = signals.next() => Interrupt::Signal(number),
        () = at(watched.deadline) => Interrupt::Timeout,
        failure = output, if watched.output => Interrupt::Output(failure),
    }
}

impl Ending {
    fn of(
        interrupt: Option<Interrupt>,
        verdict: Option<Verdict>,
        finished: Finished,
        dialed: Option<DialedError>,
        connection: &Connection,
        place: &Place,
    ) -> Self {
        let told = interrupt.is_none() && matches!(verdict, Some(Verdict::Told(_)));
        let (reason, failure) = match (interrupt, verdict) {
            (Some(Interrupt::Signal(number)), _) => {
                ("signal", Some(Failure::message(Kind::Signal(number), "ended by a signal")))
            }
            (Some(Interrupt::Timeout), verdict) => ("timeout", Some(timed_out(connection, &finished, verdict))),
            (Some(Interrupt::Output(WriteFailure::Closed)), _) => ("output-closed", None),
            (Some(Interrupt::Output(WriteFailure::Failed(error))), _) => {
                ("failed", Some(Failure::message(Kind::Output, format!("could not write to stdout: {error}"))))
            }
            (Some(Interrupt::Output(WriteFailure::Unrecorded(error))), _) => ("failed", Some(not_recorded(&error))),
            (Some(Interrupt::Recording(failure)), _) => {
                ("failed", Some(recording::failure(connection, failure.into_error())))
            }
            (None, Some(Verdict::Done(reason))) => (reason, None),
            (None, Some(Verdict::Failed(failure) | Verdict::Told(failure))) => ("failed", Some(failure)),
            (None, Some(Verdict::SessionEnded) | None) => match &finished.end {
                End::Failed { kind, message } => {
                    ("failed", Some(session_failure(*kind, message, dialed.as_ref(), place)))
                }
                // Only the sink can have stopped it: it had seen enough.
                End::Stopped => ("count", None),
            },
        };
        Self { reason, failure, told, hurried: None, finished: Some(finished) }
    }

    /// Since when somebody wants it to end.
    fn by(self, hurried: Option<Instant>) -> Self {
        Self { hurried, ..self }
    }

    /// What is to be told: whoever sent a signal knows.
    fn error(&self) -> Option<&Failure> {
        self.failure.as_ref().filter(|failure| !matches!(failure.kind, Kind::Signal(_)))
    }

    fn exit_code(&self) -> u8 {
        self.failure.as_ref().map_or(0, |failure| failure.kind.exit_code())
    }
}

fn failed(failure: Failure) -> Ending {
    Ending { reason: "failed", failure: Some(failure), told: false, hurried: None, finished: None }
}

/// `--timeout` ran out; what is known of the connection, or of an operation under way, is its cause.
fn timed_out(connection: &Connection, finished: &Finished, verdict: Option<Verdict>) -> Failure {
    let limit = render::human(connection.timeout.unwrap_or_default());
    let what = format!("timed out after {limit} (`--timeout`)");
    if let Some(Verdict::Failed(failure)) = verdict {
        return Failure { kind: Kind::Timeout, ..failure.context(what) };
    }
    if finished.was_connected {
        return Failure::message(Kind::Timeout, what);
    }
    let what = format!("{what} without a connection");
    match &finished.last_failure {
        Some(last) => Failure::new(Kind::Timeout, anyhow::anyhow!("{last}").context(what)),
        None => Failure::message(Kind::Timeout, what).hint("`-vvv` shows how far the first attempt came"),
    }
}

/// The last record, and the error. Returns the exit code.
fn report(printer: &mut Printer, ending: Ending) -> u8 {
    let exit_code = ending.exit_code();
    let counts = ending.finished.as_ref().map(|finished| finished.counts).unwrap_or_default();
    let error = ending.error();
    printer.stopped(&Stopped {
        reason: ending.reason,
        exit_code,
        counts: Some(StoppedCounts {
            received: counts.received,
            sent: counts.sent,
            acked: counts.acked,
            failed: counts.failed,
        }),
        error: error.map(super::stopped_error),
    });
    if let Some(failure) = error.filter(|_| !ending.told) {
        super::print_failure(printer.console(), failure);
    }
    exit_code
}

/// What is worth saying before anything is tried.
fn warn(printer: &mut Printer, connection: &Connection) {
    let secure = match &connection.source {
        Source::Url(url) => url.is_secure(),
        Source::Signed(signer) | Source::Local { signer, .. } => signer.endpoint.scheme() == "https",
        // What it will print is not known yet.
        Source::Command(_) => true,
    };
    if connection.tls.insecure && secure {
        printer
            .note(Weight::Warning, "`--insecure`: the server's certificate is not checked, anybody may be listening");
    }
    let Source::Url(url) = &connection.source else { return };
    let claims = url.token().and_then(|token| peek_claims(token.expose()));
    let now = super::unix_now();
    if let Some(exp) = claims.and_then(|claims| claims.exp).filter(|exp| looks_expired(*exp, now)) {
        let ago = render::human(Duration::from_secs(now.saturating_sub(exp)));
        printer.note(Weight::Warning, &format!("the token looks expired since {ago}; trying it all the same"));
    }
}

fn print_options(connection: &Connection, output: &Output, wants: Wants) -> render::Options {
    let chatter = match (output.quiet, output.verbosity) {
        (true, _) => Chatter::Quiet,
        (false, 1..) => Chatter::Everything,
        // Records say it all; stderr has what goes wrong.
        (false, 0) if wants.chatty && output.format != Format::Ndjson => Chatter::Everything,
        (false, 0) => Chatter::Warnings,
    };
    render::Options {
        format: print_format(output.format),
        only: match output.only {
            None => render::Only::Everything,
            Some(Only::Messages) => render::Only::Messages,
            Some(Only::Events) => render::Only::Events,
        },
        timestamps: output.timestamps,
        chatter,
        hub: hub(connection),
        protocol: connection.protocol.name(),
        judged: false,
    }
}

/// The hub it connects to, as far as that is known before it does.
pub fn hub(connection: &Connection) -> Option<String> {
    match &connection.source {
        Source::Url(url) => Some(url.hub().to_owned()),
        Source::Signed(signer) | Source::Local { signer, .. } => Some(signer.hub.clone()),
        // The URL names it.
        Source::Command(_) => None,
    }
}

/// What stdout carries.
pub fn print_format(format: Format) -> render::Format {
    match format {
        Format::Text => render::Format::Text,
        Format::Ndjson => render::Format::Ndjson,
        Format::Data => render::Format::Data,
        Format::Raw => render::Format::Raw,
    }
}

/// Where a source gets its URLs.
pub fn url_source(source: &Source) -> UrlSource {
    match source {
        Source::Url(url) => UrlSource::Fixed(url.clone()),
        Source::Signed(signer) | Source::Local { signer, .. } => UrlSource::Signed(signer.clone()),
        Source::Command(command) => UrlSource::Provider(Arc::new(UrlCommand(command.clone()))),
    }
}

/// A seed for the jitter. Predictable jitter would do no harm, so a failing source of randomness is no error.
pub(super) fn seed() -> u64 {
    let mut bytes = [0; 8];
    match ring::rand::SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => u64::from(std::process::id()),
    }
}
