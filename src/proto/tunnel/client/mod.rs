//! The application's end of the tunnel (PROTOCOL §20.4, §20.5): which connections there are, what is asked of the
//! application, and which answer goes where.
//!
//! Told what happened (`handle_…`), it says what to do ([`TunnelOutput`]); time is a number that only grows. What it
//! promises: every request is answered at most once, on the connection that it came on; one that cannot be answered, or whose
//! answer has not gone out, is said to be lost; a connection that is to end keeps its requests until they are answered, or a time has passed.

mod lines;
mod output;
mod requests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use self::lines::{Attention, ClientLine, LineDue, LineState};
use self::requests::Requests;
use super::codec::{TunnelMalformed, decode_tunnel};
use super::frame::{TunnelFrame, TunnelHeaders, TunnelMove, TunnelResponse};
use crate::session::{Backoff, DialClass, DialFailure, Jitter, LossCause, Retries};

pub use output::{
    KeyedRequest, LostCause, RequestKey, TunnelDestination, TunnelEnd, TunnelEvent, TunnelOutput, TunnelSocket,
};

/// A connection that lived so long was a good one: the attempts after it are counted anew.
const GOOD: Duration = Duration::from_secs(5);
/// How long a connection that the service wants to end is kept for requests that were on their way.
const LINGER: Duration = Duration::from_millis(500);
/// How long the service may take to answer a close frame.
const CLOSING: Duration = Duration::from_secs(2);
/// The same, at the least, when the run is to end.
const FAREWELL: Duration = Duration::from_millis(250);
/// The most connections at a time: further rebalance messages are not followed.
pub(super) const MOST_LINES: usize = 64;

/// What a tunnel does differently for different users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelConfig {
    /// Connections to begin with, at least one.
    pub connections: usize,
    /// From the start of a dial to the frame that says that the connection is up.
    pub connect_timeout: Duration,
    /// Attempts after the first failed one, while there has been no connection yet.
    pub retries_until_connected: Retries,
    /// Attempts after the first failed one, once there has been a connection.
    pub retries_once_connected: Retries,
    /// The pause between them.
    pub backoff: Backoff,
    /// A ping after so long a silence.
    pub ping_interval: Option<Duration>,
    /// A connection is given up after so long a silence.
    pub ping_timeout: Option<Duration>,
    /// How long a connection that the service wants to end waits for answers to its requests.
    pub leave_timeout: Duration,
    /// How long all of it may take when the run is to end: answers, and a moment for close frames.
    pub stop_timeout: Duration,
    /// The most requests at the application at a time; others wait.
    pub parallel: usize,
    /// When so many wait, no more is read.
    pub waiting: usize,
    /// Nor is more read when the requests that are not answered have so many bytes together; nor from a connection that
    /// has answers to take, when all that are not taken have so many.
    pub most_bytes: usize,
    /// Of the jitter.
    pub seed: u64,
}

/// The tunnel's state.
#[derive(Debug)]
pub struct TunnelClient {
    config: TunnelConfig,
    jitter: Jitter,
    /// By a number that each dial has anew.
    lines: BTreeMap<TunnelSocket, ClientLine>,
    next_socket: u64,
    requests: Requests,
    outputs: VecDeque<TunnelOutput>,
    was_connected: bool,
    /// The run is to end, by then.
    stopping: Option<Duration>,
    ended: bool,
    /// Why the newest of the connections that will not be made again is gone.
    reason: Option<TunnelEnd>,
    /// Nobody takes what is told.
    stalled: bool,
}

impl TunnelClient {
    /// Begins with its connections.
    pub fn new(config: TunnelConfig, now: Duration) -> Self {
        let mut tunnel = Self {
            jitter: Jitter::new(config.seed),
            requests: Requests::new(config.parallel.max(1)),
            config,
            lines: BTreeMap::new(),
            next_socket: 0,
            outputs: VecDeque::new(),
            was_connected: false,
            stopping: None,
            ended: false,
            reason: None,
            stalled: false,
        };
        for _ in 0..tunnel.config.connections.clamp(1, MOST_LINES) {
            tunnel.dial(now, TunnelDestination::default(), 0);
        }
        tunnel
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<TunnelOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.lines.values().filter_map(|line| self.due(line)).map(|(at, _)| at).min()
    }

    /// Whether more may be read from a socket.
    pub fn reads(&self, socket: TunnelSocket) -> bool {
        let attention = self.lines.get(&socket).map(|line| self.attention(line));
        attention.map_or(!self.is_crowded(), |attention| attention == Attention::Reads)
    }

    fn attention(&self, line: &ClientLine) -> Attention {
        // One that is not up yet has to be heard, or it would never be.
        if matches!(line.state, LineState::Opened { .. }) {
            Attention::Reads
        } else if self.is_choked(line) {
            Attention::Choked
        } else if self.stalled || self.is_crowded() {
            Attention::Waits
        } else {
            Attention::Reads
        }
    }

    /// Too much waits for the application.
    fn is_crowded(&self) -> bool {
        let most_bytes = self.config.most_bytes.max(1);
        self.requests.waiting() >= self.config.waiting.max(1) || self.requests.bytes() >= most_bytes
    }

    /// It does not take its answers, and too much waits for being taken.
    fn is_choked(&self, line: &ClientLine) -> bool {
        line.unwritten > 0 && self.requests.unwritten_bytes() >= self.config.most_bytes
    }

    /// Requests that are at the application, or wait for their turn, and those whose answers are not written.
    pub fn in_hand(&self) -> usize {
        self.requests.in_hand()
    }

    /// Connections that are up.
    pub fn connections(&self) -> usize {
        self.lines.values().filter(|line| matches!(line.state, LineState::Up { .. })).count()
    }

    /// The dial has led to an open socket.
    pub fn handle_opened(&mut self, now: Duration, socket: TunnelSocket) {
        if let Some(line) = self.lines.get_mut(&socket)
            && let LineState::Dialing { until } = line.state
        {
            line.state = LineState::Opened { until };
            line.heard = now;
        }
    }

    /// The dial has failed.
    pub fn handle_dial_failed(&mut self, now: Duration, socket: TunnelSocket, failure: DialFailure) {
        if self.lines.get(&socket).is_some_and(|line| matches!(line.state, LineState::Dialing { .. })) {
            self.attempt_failed(now, socket, failure);
        }
    }

    /// Something came that is no frame, such as a pong, or a part of one.
    pub fn handle_life(&mut self, now: Duration, socket: TunnelSocket) {
        if let Some(line) = self.lines.get_mut(&socket) {
            line.heard = now;
        }
    }

    /// A binary message came.
    pub fn handle_message(&mut self, now: Duration, socket: TunnelSocket, message: &Bytes) {
        self.handle_life(now, socket);
        match decode_tunnel(message) {
            Ok(Some(frame)) => self.handle_frame(now, socket, frame),
            Ok(None) => {}
            Err(problem) => self.misunderstood(socket, problem),
        }
    }

    /// A text message came, which no frame is.
    pub fn handle_text(&mut self, now: Duration, socket: TunnelSocket) {
        self.handle_life(now, socket);
        self.misunderstood(socket, TunnelMalformed::MessagePack);
    }

    fn misunderstood(&mut self, socket: TunnelSocket, problem: TunnelMalformed) {
        if self.lines.get(&socket).is_some_and(ClientLine::has_socket) {
            self.report(TunnelEvent::Malformed { socket, problem });
        }
    }

    /// A frame came.
    pub fn handle_frame(&mut self, now: Duration, socket: TunnelSocket, frame: TunnelFrame) {
        let Some(line) = self.lines.get(&socket).filter(|line| line.has_socket()) else { return };
        match frame {
            TunnelFrame::Connected { connection_id, .. } => self.greeted(now, socket, connection_id),
            TunnelFrame::Request(request) => self.take_in(now, socket, request),
            // It asks nothing of the service.
            TunnelFrame::Response(_) => {}
            TunnelFrame::Status { message, .. } => self.report(TunnelEvent::Told { socket, message }),
            TunnelFrame::Reconnect(to) => {
                // A second one, while it leaves, has been followed.
                if line.stays() {
                    self.report(TunnelEvent::Moved { socket, message: to.message.clone(), leaves: true });
                    self.leave(now, socket, (LINGER, self.config.leave_timeout));
                    self.follow(now, to);
                }
            }
            TunnelFrame::Rebalance(to) => {
                if self.lines.len() < MOST_LINES {
                    self.report(TunnelEvent::Moved { socket, message: to.message.clone(), leaves: false });
                    self.follow(now, to);
                }
            }
            TunnelFrame::Close { message, .. } => {
                if line.stays() {
                    self.report(TunnelEvent::Dismissed { socket, message: message.clone() });
                    self.reason = Some(TunnelEnd::Dismissed { message });
                    self.leave(now, socket, (LINGER, self.config.leave_timeout));
                }
            }
        }
        self.end_if_over();
    }

    /// The socket has ended.
    pub fn handle_lost(&mut self, now: Duration, socket: TunnelSocket, cause: LossCause) {
        let Some(line) = self.lines.get(&socket) else { return };
        match &line.state {
            // There is no socket.
            LineState::Waiting { .. } | LineState::Dialing { .. } => return,
            LineState::Leaving { .. } | LineState::Closing { .. } => self.drop_line(now, socket),
            LineState::Opened { .. } => {
                let message = format!("the connection ended before it was up: {}", words(&cause));
                self.attempt_failed(now, socket, passing(message));
            }
            LineState::Up { since } => {
                // One that has served counts as well: the service may end connections as often as it likes.
                let was_good = line.served || now.saturating_sub(*since) >= GOOD;
                let retry = if was_good { 0 } else { line.retry };
                let place = line.place.clone();
                let error = format!("the connection was lost: {}", words(&cause));
                self.report(TunnelEvent::Lost { socket, cause });
                self.drop_line(now, socket);
                self.again(now, place, retry, error, None);
            }
        }
        self.end_if_over();
    }

    /// The application has answered.
    pub fn handle_answer(&mut self, now: Duration, key: RequestKey, status: u16, headers: TunnelHeaders, body: Bytes) {
        let Some(asked) = self.requests.answered(key).filter(|_| !self.ended) else { return };
        if self.lines.get(&asked.socket).is_some_and(ClientLine::answers) {
            let response = TunnelResponse {
                ack_id: asked.ack_id,
                status,
                headers: Some(headers),
                local_routing: asked.local_routing,
                channel_name: asked.channel_name,
                body: Some(body),
                ..TunnelResponse::default()
            };
            self.send_answer(key, asked.socket, response);
        } else {
            self.settled_on(asked.socket);
            self.report(TunnelEvent::Settled { key, delivered: false });
        }
        self.ask_next(now);
        self.end_if_over();
    }

    /// All that was sent before this [mark](TunnelOutput::Mark) is with the system.
    pub fn handle_written(&mut self, now: Duration, key: RequestKey) {
        if let Some(socket) = self.settle_answer(key, true) {
            self.ask_next(now);
            self.leave_if_done(now, socket);
            self.end_if_over();
        }
    }

    /// Nobody takes what is told, so that nothing more is to be read; or somebody does again.
    pub fn handle_stalled(&mut self, now: Duration, stalled: bool) {
        self.stalled = stalled;
        self.ask_next(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        let due: Vec<(TunnelSocket, LineDue)> = self
            .lines
            .iter()
            .filter_map(|(socket, line)| self.due(line).filter(|(at, _)| *at <= now).map(|(_, due)| (*socket, due)))
            .collect();
        for (socket, due) in due {
            self.carry_out(now, socket, due);
        }
        self.end_if_over();
    }

    /// The run is to end: what is at the application may still be answered, for a while.
    pub fn stop(&mut self, now: Duration) {
        if self.stopping.is_some() {
            return;
        }
        let by = now.saturating_add(self.config.stop_timeout);
        self.stopping = Some(by);
        for asked in self.requests.take_waiting() {
            self.refuse(asked);
        }
        let sockets: Vec<TunnelSocket> = self.lines.keys().copied().collect();
        for socket in sockets {
            match self.lines.get(&socket).map(|line| &line.state) {
                Some(LineState::Up { .. } | LineState::Leaving { .. }) => {
                    let within = self.config.stop_timeout.saturating_sub(FAREWELL);
                    self.leave(now, socket, (Duration::ZERO, within));
                }
                Some(LineState::Waiting { .. }) => drop(self.lines.remove(&socket)),
                Some(LineState::Dialing { .. } | LineState::Opened { .. }) => {
                    self.outputs.push_back(TunnelOutput::Abort { socket });
                    self.drop_line(now, socket);
                }
                Some(LineState::Closing { until }) => {
                    let until = by.min(*until);
                    if let Some(line) = self.lines.get_mut(&socket) {
                        line.state = LineState::Closing { until };
                    }
                }
                None => {}
            }
        }
        self.end_if_over();
    }

    fn report(&mut self, event: TunnelEvent) {
        self.outputs.push_back(TunnelOutput::Event(event));
    }

    /// Whoever follows a message of the service dials as it says (PROTOCOL §20.4).
    fn follow(&mut self, now: Duration, to: TunnelMove) {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let place = TunnelDestination { endpoint: some(to.endpoint), target: some(to.target_id) };
        if self.stopping.is_some() {
            return;
        }
        if self.lines.len() < MOST_LINES {
            self.dial(now, place, 0);
        } else {
            // One that leaves has to have a successor, or the last would leave none; so many are no reason to hurry.
            self.again(now, place, 0, "the service moves its connections too fast".to_owned(), None);
        }
    }

    fn end_if_over(&mut self) {
        if self.ended || !self.lines.is_empty() {
            return;
        }
        self.ended = true;
        let end = self.reason.take().filter(|_| self.stopping.is_none()).unwrap_or(TunnelEnd::Stopped);
        self.outputs.push_back(TunnelOutput::Ended(end));
    }
}

/// How a socket ended, in words.
fn words(cause: &LossCause) -> String {
    match cause {
        LossCause::Close { code, reason } if reason.is_empty() => format!("it was closed with {code}"),
        LossCause::Close { code, reason } => format!("it was closed with {code}, `{reason}`"),
        LossCause::Broken(_)
        | LossCause::Silent(_)
        | LossCause::InvalidUtf8
        | LossCause::Framing(_)
        | LossCause::TooBig => cause.error().unwrap_or_default(),
    }
}

/// A failure that the next attempt may not meet.
fn passing(message: String) -> DialFailure {
    DialFailure { class: DialClass::Unreachable, message, retry_after: None }
}
