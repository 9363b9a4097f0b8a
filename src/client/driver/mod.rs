//! The one task that owns the socket, the session and the timer.
//!
//! This is the lower level, for programs that bring a sink, a dialer or a keeper of their own, as the binary `wps` does.
//! Others want [`Client`](crate::Client), which is built on it.
//!
//! Each turn of its loop does what the session asks for, then waits for whichever comes first of: frames, the end of a
//! dial, a command, a deadline, room in the sink. A dial is a future among the others, so stopping, commands and
//! deadlines are served while it hangs; sending only queues. Frames are handled a batch at a time and handed to the
//! sink by reference; after each batch whoever shares the thread or the task has a turn, however much is waiting.

mod dialer;
mod log;
mod source;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::coop::unconstrained;
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::{Level, debug, enabled, trace};

use super::event::{EventSink, Flow, Lifecycle, WireFrame, Wiretap};
use super::handle::{
    Commands, DriverCommand, Handle, OperationBatch, PendingReplies, Settlement, Settlements, Stop, StreamCommand,
    StreamReporter, Submission, channel,
};
use webpubsub_net::secret::{self, FRAMES};
use webpubsub_net::wire::{Incoming, Link};
use webpubsub_proto::session::{
    AckMode, Config, Counts, DialFailure, DialRequest, End, Invocation, InvocationKey, InvokeOutcome, Invoked, Mark,
    OperationId, Outcome, OutcomeCause, Output, PingId, Received, Request, Session, Snapshot, StreamKey,
};
use webpubsub_proto::{Codec, Dense, EncodedFrame, Unpacked};

use log::{log_closed, log_received};

pub use dialer::{CurrentUrl, DialedError, NetDialer, Trail, failure as dial_failure};
pub use log::{log_frame, loss_cause};
pub use source::{ProviderError, ProviderFailure, Providing, UrlProvider, UrlSource};

/// A dial under way.
pub type DialFuture<S> = Pin<Box<dyn Future<Output = Result<Link<S>, DialFailure>> + Send>>;

/// Opens sockets for a driver: the network, or a test's pipe.
pub trait Dialer {
    /// The byte stream under a link.
    type Stream: AsyncRead + AsyncWrite + Unpin;

    /// Starts a dial that answers by the deadline. Dropping it ends the attempt.
    fn dial(&mut self, request: DialRequest, deadline: Instant) -> DialFuture<Self::Stream>;
}

/// Records what has to outlive the process, before it is acted on.
pub trait Keeper {
    /// Records it. After a failure, which the keeper reports by itself, nothing more is sent and the session ends.
    fn keep(&mut self, snapshot: Snapshot) -> Result<(), KeepFailed>;
}

/// What has to outlive the process could not be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepFailed;

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Why.
    pub end: End,
    /// What was counted.
    pub counts: Counts,
    /// Whether there was ever a connection.
    pub was_connected: bool,
    /// The last failure of a dial or a connection.
    pub last_failure: Option<String>,
}

/// Longer than any run.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// When so many bytes wait to be written, no further batch of operations is taken in.
const BACKLOG: usize = 256 * 1024;

/// Commands about streams that are carried out at once, besides the first.
const STREAM_COMMANDS: usize = 256;

/// After so long, by the real clock, what is left of a batch waits for those who share the thread.
const LONGEST_TURN: Duration = Duration::from_millis(50);

/// Owns one client.
pub struct Driver<D: Dialer, S> {
    session: Session,
    codec: Codec,
    dialer: D,
    sink: S,
    /// Whoever sees the wire.
    wiretap: Option<Box<dyn Wiretap>>,
    commands: Commands,
    /// Who waits for which operation.
    replies: Dense<OutcomeWaiter>,
    /// What has settled of a pipeline's operations, and was not told yet.
    gathered: PendingReplies,
    next_operation: u64,
    /// Who waits for which invocation.
    invocations: HashMap<InvocationKey, InvocationWaiter>,
    /// Nothing more of streams is taken in.
    withdrawn: bool,
    /// Who waits for which ping.
    pongs: HashMap<PingId, oneshot::Sender<Duration>>,
    next_ping: u64,
    /// Who publishes which stream.
    reporters: HashMap<StreamKey, StreamReporter>,
    dialing: Option<DialFuture<D::Stream>>,
    link: Option<Link<D::Stream>>,
    batch: Vec<Incoming>,
    sleep: Pin<Box<Sleep>>,
    /// The session's time counts from here.
    origin: Instant,
    /// The sink has no room: nothing is read.
    stalled: bool,
    /// The sink wants no more.
    sated: bool,
    /// Set once the session is over.
    end: Option<End>,
    /// Where what outlives the process is recorded.
    keeper: Option<Box<dyn Keeper + Send>>,
    /// It could not be recorded: nothing is sent any more.
    unrecorded: bool,
}

impl<D: Dialer, S> std::fmt::Debug for Driver<D, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Who waits for an operation.
enum OutcomeWaiter {
    /// One who asked for this alone.
    One(oneshot::Sender<Outcome>),
    /// A stream, which knows it by its tag and line.
    Stream { tag: u64, line: u64, settled: Settlements },
}

impl OutcomeWaiter {
    fn line(&self) -> Option<u64> {
        match self {
            Self::One(_) => None,
            Self::Stream { line, .. } => Some(*line),
        }
    }
}

/// Who waits for an invocation.
struct InvocationWaiter {
    reply: oneshot::Sender<Invoked>,
    /// The line of input that it comes from.
    line: Option<u64>,
}

/// What a wait was ended by; several may be true at once.
struct WakeReasons<S> {
    dialed: Option<Result<Link<S>, DialFailure>>,
    command: Option<DriverCommand>,
    batch: Option<OperationBatch>,
    stop: Option<Stop>,
    stream: Option<StreamCommand>,
    frames: bool,
    timer: bool,
    stalled: Option<bool>,
    written: Option<Mark>,
}

impl<D: Dialer, S: EventSink> Driver<D, S> {
    /// A driver and the handle to it. Nothing happens before [`Self::run`].
    pub fn new(config: Config, dialer: D, sink: S) -> (Self, Handle) {
        let (handle, commands) = channel();
        let origin = Instant::now();
        let driver = Self {
            codec: config.codec,
            session: Session::new(config),
            dialer,
            sink,
            wiretap: None,
            commands,
            replies: Dense::default(),
            gathered: PendingReplies::default(),
            next_operation: 0,
            invocations: HashMap::new(),
            withdrawn: false,
            pongs: HashMap::new(),
            next_ping: 0,
            reporters: HashMap::new(),
            dialing: None,
            link: None,
            batch: Vec::new(),
            sleep: Box::pin(sleep_until(origin)),
            origin,
            stalled: false,
            sated: false,
            end: None,
            keeper: None,
            unrecorded: false,
        };
        (driver, handle)
    }

    /// Records what outlives the process there. For a session whose config says that something does.
    pub fn keep_with(&mut self, keeper: Box<dyn Keeper + Send>) {
        self.keeper = Some(keeper);
    }

    /// From now on it sees everything that goes over the wire.
    pub fn overhear(&mut self, wiretap: Box<dyn Wiretap>) {
        self.wiretap = Some(wiretap);
    }

    fn tap(&mut self, tell: impl FnOnce(&mut dyn Wiretap)) {
        if let Some(wiretap) = &mut self.wiretap {
            tell(wiretap.as_mut());
        }
    }

    /// Connects, and returns when the session is over. When the future is dropped, the socket is dropped.
    pub async fn run(mut self) -> (Finished, D, S) {
        self.session.handle_start(self.now());
        let mut frames = false;
        loop {
            self.end_turn();
            if let Some(end) = self.end.take() {
                let finished = Finished {
                    end,
                    counts: self.session.counts(),
                    was_connected: self.session.was_connected(),
                    last_failure: self.session.last_failure().map(str::to_owned),
                };
                return (finished, self.dialer, self.sink);
            }
            // A flood leaves no other moment to those who share the task, such as the one who sees the signals.
            if frames {
                yield_now().await;
            }
            let woken = self.wait().await;
            frames = woken.frames;
            self.handle(woken);
        }
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.origin)
    }

    /// That point of the session's time, or one that is never reached.
    fn instant(&self, time: Duration) -> Instant {
        self.origin.checked_add(time).unwrap_or(self.origin + FAR)
    }

    async fn wait(&mut self) -> WakeReasons<D::Stream> {
        let deadline = self.session.poll_timeout().and_then(|due| self.origin.checked_add(due));
        if let Some(deadline) = deadline
            && deadline != self.sleep.deadline()
        {
            self.sleep.as_mut().reset(deadline);
        }
        poll_fn(|cx| self.poll_wait(cx, deadline.is_some())).await
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>, timed: bool) -> Poll<WakeReasons<D::Stream>> {
        let mut woken = WakeReasons {
            dialed: None,
            command: None,
            batch: None,
            stop: None,
            stream: None,
            frames: false,
            timer: false,
            stalled: None,
            written: None,
        };
        let room = self.sink.poll_room(cx).is_ready();
        if room == self.stalled {
            woken.stalled = Some(!room);
        }
        if self.keeper.is_some()
            && let Poll::Ready(mark) = self.sink.poll_written(cx)
        {
            woken.written = Some(mark);
        }
        // A driver whose handles are gone goes on; it is stopped by dropping it.
        if let Poll::Ready(stop) = self.commands.stops.poll_recv(cx) {
            woken.stop = stop;
        }
        if let Poll::Ready(command) = self.commands.submitted.poll_recv(cx) {
            woken.command = command;
        }
        if let Poll::Ready(stream) = self.commands.streams.poll_recv(cx) {
            woken.stream = stream;
        }
        woken.timer = timed && self.sleep.as_mut().poll(cx).is_ready();
        // After those that have to be seen whatever a server sends during a dial.
        if let Some(dialing) = &mut self.dialing
            && let Poll::Ready(result) = dialing.as_mut().poll(cx)
        {
            self.dialing = None;
            woken.dialed = Some(result);
        }
        if let Some(link) = &mut self.link {
            // Without the budget of the task: a batch is bounded, and many small readings would use up what the others
            // need to be seen at all.
            let left = !self.batch.is_empty();
            let reading = unconstrained(poll_fn(|cx| link.poll(cx, room && !left, &mut self.batch)));
            woken.frames = pin!(reading).poll(cx).is_ready() || left;
        } else {
            // What is left of a batch is gone with its link.
            self.batch.clear();
        }
        // After the link has written: what gets its turn by that gets it now.
        if !self.is_backlogged()
            && let Poll::Ready(batch) = self.commands.batches.poll_recv(cx)
        {
            woken.batch = batch;
        }
        let WakeReasons { dialed, command, batch, stop, stream, frames, timer, stalled, written } = &woken;
        let asked = command.is_some() || batch.is_some() || stop.is_some() || stream.is_some();
        let ready = asked || dialed.is_some() || *frames || *timer || stalled.is_some() || written.is_some();
        if ready { Poll::Ready(woken) } else { Poll::Pending }
    }

    fn handle(&mut self, woken: WakeReasons<D::Stream>) {
        let now = self.now();
        self.session.handle_backlogged(now, self.is_backlogged());
        if let Some(stalled) = woken.stalled {
            self.stalled = stalled;
            self.session.handle_stalled(now, stalled);
        }
        if let Some(mark) = woken.written {
            self.session.handle_written(now, mark);
        }
        if let Some(result) = woken.dialed {
            self.handle_dialed(now, result);
        }
        if woken.frames {
            self.handle_batch(now);
        }
        if let Some(command) = woken.command {
            self.handle_command(now, command);
            // More of them are one wait's work.
            while let Ok(command) = self.commands.submitted.try_recv() {
                self.handle_command(now, command);
            }
        }
        if let Some(batch) = woken.batch {
            self.take_in(now, batch);
        }
        if let Some(command) = woken.stream {
            self.handle_stream(now, command);
            // More of them are one wait's work, up to a limit: whoever writes does so as fast as it is taken.
            for _ in 0..STREAM_COMMANDS {
                let Ok(command) = self.commands.streams.try_recv() else { break };
                self.handle_stream(now, command);
            }
        }
        match woken.stop {
            Some(Stop::Properly) => self.session.handle_stop(now),
            Some(Stop::AtOnce) => self.session.handle_abort(),
            Some(Stop::Withdraw) => {
                self.withdrawn = true;
                self.session.handle_withdrawal(now);
            }
            Some(Stop::CallOff(key)) => self.session.handle_cancel(now, key),
            None => {}
        }
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
    }

    /// Whether the service reads more slowly than is sent. No further batch is taken in then, so that what waits stays
    /// bounded.
    fn is_backlogged(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.queued_bytes() >= BACKLOG)
    }

    fn handle_dialed(&mut self, now: Duration, result: Result<Link<D::Stream>, DialFailure>) {
        match result {
            Ok(link) => {
                self.tap(|wire| wire.opened());
                self.link = Some(link);
                self.session.handle_opened(now);
            }
            Err(failure) => {
                self.tap(|wire| wire.failed(&failure.message));
                self.session.handle_dial_failed(now, failure);
            }
        }
    }

    fn handle_command(&mut self, now: Duration, command: DriverCommand) {
        match command {
            DriverCommand::Submit { request, mode, reply } => {
                self.submit(now, OutcomeWaiter::One(reply), request, mode)
            }
            // Whoever has dropped it before this has called it off.
            DriverCommand::Invoke { reply, .. } if reply.is_closed() => {}
            DriverCommand::Invoke { invocation, line, reply, .. } if self.withdrawn => {
                let outcome = InvokeOutcome::NotSent { cause: OutcomeCause::Withdrawn };
                let Invocation { event, .. } = invocation;
                // Nobody may wait for it any more.
                let _ = reply.send(Invoked { event, invocation_id: None, line, outcome, elapsed: Duration::ZERO });
            }
            DriverCommand::Invoke { key, invocation, line, reply } => {
                self.invocations.insert(key, InvocationWaiter { reply, line });
                self.session.handle_invoke(now, key, invocation);
            }
            DriverCommand::Status { reply } => {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(self.session.status(now));
            }
            DriverCommand::Ping { reply } => {
                let id = PingId(self.next_ping);
                self.next_ping += 1;
                self.pongs.insert(id, reply);
                self.session.handle_ping(now, id);
            }
        }
    }

    fn handle_stream(&mut self, now: Duration, command: StreamCommand) {
        match command {
            StreamCommand::Open { id, open, reporter } => {
                self.reporters.insert(id.0, reporter);
                self.session.handle_stream_open(now, id.0, open);
            }
            StreamCommand::Write { id, data, cost } => self.session.handle_stream_write(now, id.0, &data, cost),
            StreamCommand::End { id, abort } => self.session.handle_stream_end(now, id.0, abort),
        }
    }

    fn take_in(&mut self, now: Duration, batch: OperationBatch) {
        let OperationBatch { submissions, settled } = batch;
        if self.withdrawn {
            for Submission { tag, .. } in submissions {
                let outcome = Outcome::NotSent { cause: OutcomeCause::Withdrawn };
                self.gathered.add(&settled, Settlement { tag, outcome });
            }
            return;
        }
        for Submission { tag, line, request, mode } in submissions {
            self.submit(now, OutcomeWaiter::Stream { tag, line, settled: settled.clone() }, request, mode);
        }
    }

    fn submit(&mut self, now: Duration, asker: OutcomeWaiter, request: Request, mode: AckMode) {
        let id = OperationId(self.next_operation);
        self.next_operation += 1;
        self.replies.insert(id.0, asker);
        self.session.handle_request(now, id, request, mode);
    }

    fn handle_batch(&mut self, now: Duration) {
        let mut batch = std::mem::take(&mut self.batch);
        let logging = enabled!(target: FRAMES, Level::DEBUG);
        // Only what is recorded takes so long.
        let until = self.keeper.is_some().then(|| std::time::Instant::now() + LONGEST_TURN);
        let mut waiting = batch.drain(..);
        while let Some(incoming) = waiting.next() {
            match incoming {
                Incoming::Text(text) => self.handle_frame(now, WireFrame::Text(&text), logging),
                Incoming::Binary(bytes) => self.handle_frame(now, WireFrame::Binary(&bytes), logging),
                Incoming::Ping | Incoming::Pong => {
                    debug!(
                        "← {}",
                        if matches!(incoming, Incoming::Ping) { "WebSocket ping" } else { "WebSocket pong" }
                    );
                    self.session.handle_sign_of_life(now);
                }
                Incoming::Progress => self.session.handle_progress(now),
                Incoming::Closed(mut closed) => {
                    // The link did so when it read the frame, and the token that it repeats may have come in the same
                    // batch.
                    closed.reason = secret::redact_cut(&closed.reason).into_owned();
                    log_closed(&closed);
                    self.tap(|wire| wire.closed(closed.code, &closed.reason, closed.error.as_deref()));
                    self.link = None;
                    self.session.handle_closed(now, loss_cause(closed));
                }
            }
            // What the session asked for at a frame may have ended the link.
            if self.link.is_none() {
                break;
            }
            if until.is_some_and(|until| std::time::Instant::now() >= until) {
                let left: Vec<_> = waiting.collect();
                self.batch = left;
                return;
            }
        }
        drop(waiting);
        self.batch = batch;
    }

    fn handle_frame(&mut self, now: Duration, frame: WireFrame<'_>, logging: bool) {
        let mut unpacked = Unpacked::default();
        let received = self.session.handle_frame(now, frame, &mut unpacked);
        if let Some(token) = self.session.take_new_token() {
            // From now on, the service's words are shown without the token, should they repeat it.
            secret::remember_passing(&token.0);
        }
        match frame {
            WireFrame::Text(text) if logging => log_received(text, &received),
            WireFrame::Text(_) => {}
            WireFrame::Binary(bytes) => match logging.then(|| self.codec.downstream_in_json(frame)).flatten() {
                Some(text) => log_received(&text, &received),
                None => debug!("← binary frame of {} bytes", bytes.len()),
            },
        }
        if let Some(wiretap) = &mut self.wiretap {
            wiretap.received(frame, &received);
        }
        self.carry_out();
        self.hand_over(now, frame, &received);
    }

    fn hand_over(&mut self, now: Duration, frame: WireFrame<'_>, received: &Received<'_>) {
        if self.keeper.is_some()
            && !self.sated
            && let Some(mark) = self.session.mark()
        {
            self.sink.mark(mark);
        }
        if !self.sated && self.sink.frame(frame, received) == Flow::Stop {
            self.sated = true;
            self.session.handle_stop(now);
        }
    }

    /// Does everything the session asks for, and lets it be seen.
    fn end_turn(&mut self) {
        self.carry_out();
        if self.keeper.is_some()
            && let Some(snapshot) = self.session.take_snapshot()
        {
            self.record(snapshot);
            self.carry_out();
        }
        self.gathered.send_all();
        self.sink.flush();
        self.tap(|wire| wire.flush());
    }

    /// Does everything the session asks for.
    fn carry_out(&mut self) {
        loop {
            if self.keeper.is_some()
                && let Some(snapshot) = self.session.take_urgent_snapshot()
            {
                self.record(snapshot);
            }
            let Some(output) = self.session.poll_output() else { return };
            match output {
                Output::Dial { request, deadline } => {
                    debug!("dialling, {}", if request == DialRequest::Fresh { "fresh" } else { "to recover" });
                    self.link = None;
                    self.tap(|wire| wire.dialling(request != DialRequest::Fresh));
                    self.dialing = Some(self.dialer.dial(request, self.instant(deadline)));
                }
                Output::CancelDial => self.dialing = None,
                Output::Send(frame) => self.send(frame),
                Output::Close { code } => {
                    debug!("→ close {code}");
                    self.tap(|wire| wire.closing(code));
                    if let Some(link) = &mut self.link {
                        link.close(code, "");
                    }
                }
                Output::Abort => {
                    debug!("dropping the socket");
                    self.tap(|wire| wire.closed(None, "", Some("the connection was given up")));
                    self.link = None;
                }
                Output::Event(mut event) => {
                    if let Lifecycle::Ack(report) = &mut event {
                        report.line = report.id.and_then(|id| self.replies.get(id.0)).and_then(OutcomeWaiter::line);
                    }
                    trace!("{event:?}");
                    if !self.sated && self.sink.lifecycle(&event) == Flow::Stop {
                        self.sated = true;
                        self.session.handle_stop(self.now());
                    }
                }
                Output::Settled { id, outcome } => match self.replies.remove(id.0) {
                    Some(OutcomeWaiter::One(reply)) => self.gathered.answer(reply, outcome),
                    Some(OutcomeWaiter::Stream { tag, settled, .. }) => {
                        self.gathered.add(&settled, Settlement { tag, outcome });
                    }
                    None => {}
                },
                Output::Invoked { key, mut invoked } => {
                    let invoker = self.invocations.remove(&key);
                    invoked.line = invoker.as_ref().and_then(|invoker| invoker.line);
                    if !self.sated && self.sink.invoked(&invoked) == Flow::Stop {
                        self.sated = true;
                        self.session.handle_stop(self.now());
                    }
                    if let Some(invoker) = invoker {
                        // Whoever asked may have stopped waiting.
                        let _ = invoker.reply.send(*invoked);
                    }
                }
                Output::Stream { key, event } => {
                    if self.reporters.get(&key).is_some_and(|reporter| reporter.report(event)) {
                        self.reporters.remove(&key);
                    }
                }
                Output::Ponged { id, elapsed } => {
                    if let Some(reply) = self.pongs.remove(&id) {
                        let _ = reply.send(elapsed);
                    }
                }
                Output::Ended(end) => {
                    self.link = None;
                    self.end = Some(end);
                }
            }
        }
    }

    /// What outlives the process is recorded before anything that follows from it is done.
    fn record(&mut self, snapshot: Snapshot) {
        if self.keeper.as_mut().is_some_and(|keeper| keeper.keep(snapshot).is_err()) {
            self.keeper = None;
            self.unrecorded = true;
            self.session.handle_abort();
        }
    }

    fn send(&mut self, frame: EncodedFrame) {
        if self.unrecorded {
            return;
        }
        if enabled!(target: FRAMES, Level::DEBUG) {
            match self.codec.upstream_in_json(frame.as_wire()) {
                Some(text) => log_frame("→", &text),
                None => debug!("→ binary frame of {} bytes", frame.len()),
            }
        }
        if let Some(wiretap) = &mut self.wiretap {
            wiretap.sent(frame.as_wire());
        }
        if let Some(link) = &mut self.link {
            link.send(frame);
        }
    }
}

#[cfg(test)]
mod tests;
