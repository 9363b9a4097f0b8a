//! The session: the client's side of the protocol without I/O (PROTOCOL §19).
//!
//! It is told what happened (`handle_*`) and says what to do ([`Session::poll_output`]). It reads no clock, opens no
//! socket and draws no random number: `now` is the time since an origin of the caller's choice, never going back, and
//! the seed of the jitter is part of the [`Config`]. After every input the caller drains the outputs, then sleeps until
//! [`Session::poll_timeout`]. The driver is its caller; tests and the simulation are others.

mod backoff;
mod config;
mod event;
mod groups;
mod ids;
mod operations;
mod phase;
mod sequence;
mod verdict;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::protocol::{Downstream, RECOVERY_WINDOW_SECS, Upstream, decode_downstream, encode_upstream};
use backoff::Jitter;
use groups::Groups;
use operations::{Acked, Operations, Owner, Patience, Settled};
use phase::{Identity, Live, Phase, Recovery, Stall, Step};
use sequence::{Arrival, Sequence};
use verdict::{LossVerdict, dial_verdict, loss_verdict};

pub use config::{Backoff, BackoffMode, Config, OnUnknown, Retries};
pub use event::{AckReport, Lifecycle, Loss, Nack, OperationKind, Received};
pub use operations::{AckMode, OperationId, Outcome, Request};
pub use phase::ReconnectionToken;
pub use verdict::{DialClass, EndKind, LossCause};

/// Longest recovery attempt, so that one that hangs does not use up the window (PROTOCOL §19.1).
const RECOVERY_ATTEMPT: Duration = Duration::from_secs(5);
/// Pause between recovery attempts, start to start (PROTOCOL §19.2).
const RECOVERY_PAUSE: Duration = Duration::from_secs(1);
/// A socket that lived so long is worth recovering at once (PROTOCOL §19.2).
const PROVEN_SOCKET: Duration = Duration::from_secs(1);
/// A connection that lived so long resets the back-off (PROTOCOL §19.5).
const PROVEN_CONNECTION: Duration = Duration::from_secs(5);
/// How long the service keeps a dropped connection.
const RECOVERY_WINDOW: Duration = Duration::from_secs(RECOVERY_WINDOW_SECS);
/// Longest wait for the peer's close frame (CLI contract, *Ending*).
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// A loss this soon after the output was blocked is put down to it.
const STALL_MEMORY: Duration = Duration::from_secs(60);

/// What to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialRequest {
    /// A new connection, with a fresh URL.
    Fresh,
    /// The same connection again (PROTOCOL §7.2).
    Recover {
        /// Its id.
        connection_id: String,
        /// Its newest token.
        token: ReconnectionToken,
    },
}

/// A dial that did not lead to an open socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialFailure {
    /// What it means.
    pub class: DialClass,
    /// What happened, for people.
    pub message: String,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to stop.
    Stopped,
    /// It could not go on.
    Failed {
        /// What it means.
        kind: EndKind,
        /// The last failure.
        message: String,
    },
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Dial, and answer with [`Session::handle_opened`] or [`Session::handle_dial_failed`] by the deadline.
    Dial {
        /// What.
        request: DialRequest,
        /// By when.
        deadline: Duration,
    },
    /// Drop the dial under way; no answer is wanted any more.
    CancelDial,
    /// Send a text frame.
    Send(Bytes),
    /// Send a close frame and go on reading until the peer's.
    Close {
        /// WebSocket close code.
        code: u16,
    },
    /// Drop the socket, without a closing handshake.
    Abort,
    /// Tell the user.
    Event(Lifecycle),
    /// An operation has ended.
    Settled {
        /// Which.
        id: OperationId,
        /// How.
        outcome: Outcome,
    },
    /// The session is over; nothing follows.
    Ended(End),
}

/// What was counted, for the `stopped` record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages delivered.
    pub received: u64,
    /// Operations of the user's that were sent, each once.
    pub sent: u64,
    /// Operations acknowledged with success.
    pub acked: u64,
    /// Operations that ended otherwise.
    pub failed: u64,
}

/// The client's side of one Web PubSub client, over any number of connections and sockets.
#[derive(Debug)]
pub struct Session {
    config: Config,
    jitter: Jitter,
    phase: Phase,
    operations: Operations,
    groups: Groups,
    outputs: VecDeque<Output>,
    /// Fresh attempts since the last connection that lived long enough.
    retry: u32,
    /// Whether there was ever a connection.
    was_connected: bool,
    /// Since when the user's output takes no more.
    stalled_since: Option<Duration>,
    counts: Counts,
    /// The last failure, for the end.
    last_failure: Option<String>,
}

impl Session {
    /// A session that does nothing until [`Self::handle_start`].
    pub fn new(config: Config) -> Self {
        let jitter = Jitter::new(config.seed);
        Self {
            config,
            jitter,
            phase: Phase::Idle,
            operations: Operations::default(),
            groups: Groups::default(),
            outputs: VecDeque::new(),
            retry: 0,
            was_connected: false,
            stalled_since: None,
            counts: Counts::default(),
            last_failure: None,
        }
    }

    /// The next thing to do; `None` when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called at the latest; `None`: not at all.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let transport = match &self.phase {
            Phase::Idle | Phase::Ended | Phase::Dialing { .. } => None,
            Phase::Greeting { deadline, .. } | Phase::Closing { deadline } => Some(*deadline),
            Phase::Waiting { until } => self.stalled_since.is_none().then_some(*until),
            Phase::Live(live) => earliest([self.ping_due(live), self.silence_due(live), live.identity.sequence.due()]),
            Phase::Recovering(recovery) => match recovery.step {
                Step::Pause { until } => Some(until.min(recovery.window)),
                Step::Held => Some(recovery.window),
                // The driver keeps the deadline of a dial.
                Step::Dialing { .. } => None,
                Step::Proving { deadline, .. } => Some(deadline),
            },
        };
        earliest([transport, self.operations.due()])
    }

    /// The counters so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether there was ever a connection.
    pub fn was_connected(&self) -> bool {
        self.was_connected
    }

    /// The last failure of a dial or a connection, for people.
    pub fn last_failure(&self) -> Option<&str> {
        self.last_failure.as_deref()
    }

    /// Whether every operation has settled.
    pub fn is_idle(&self) -> bool {
        self.operations.is_empty()
    }

    /// Groups with whether they are wanted and whether they are joined.
    pub fn groups(&self) -> impl Iterator<Item = (&str, bool, bool)> {
        self.groups.iter()
    }

    // ---- inputs: the user ----------------------------------------------------------------------------------------

    /// Connects.
    pub fn handle_start(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Idle) {
            self.dial_fresh(now);
        }
    }

    /// Takes an operation; it settles exactly once. Without a connection it waits for one.
    pub fn handle_request(&mut self, now: Duration, id: OperationId, request: Request, mode: AckMode) {
        if matches!(self.phase, Phase::Closing { .. } | Phase::Ended) {
            let outcome = Outcome::NotSent { reason: "the session has ended".into() };
            self.counts.failed += 1;
            self.outputs.push_back(Output::Settled { id, outcome });
            return;
        }
        let group = match &request {
            Request::Join { group } => Some((group.clone(), true)),
            Request::Leave { group } => Some((group.clone(), false)),
            Request::Send { .. } | Request::Event { .. } => None,
        };
        match self.operations.submit(Owner::User(id), request, mode) {
            Ok(order) => {
                if let Some((group, wanted)) = group {
                    self.groups.want(&group, wanted);
                }
                if matches!(self.phase, Phase::Live(_)) {
                    self.send_operation(now, order);
                }
            }
            Err(outcome) => {
                self.counts.failed += 1;
                self.outputs.push_back(Output::Settled { id, outcome });
            }
        }
    }

    /// Ends the session: with a close frame where there is a socket (PROTOCOL §19.12). Bounded by two seconds.
    pub fn handle_stop(&mut self, now: Duration) {
        let socket = match &self.phase {
            Phase::Closing { .. } | Phase::Ended => return,
            Phase::Idle | Phase::Waiting { .. } => false,
            Phase::Dialing { .. } => {
                self.outputs.push_back(Output::CancelDial);
                false
            }
            Phase::Recovering(recovery) => match recovery.step {
                Step::Dialing { .. } => {
                    self.outputs.push_back(Output::CancelDial);
                    false
                }
                Step::Proving { .. } => true,
                Step::Pause { .. } | Step::Held => false,
            },
            Phase::Greeting { .. } => true,
            Phase::Live(live) => {
                // What has arrived is said to have arrived, so that nothing is kept for nobody.
                let mut sequence = live.identity.sequence.clone();
                if let Some(id) = sequence.take_ack(Duration::MAX) {
                    self.send(&Upstream::SequenceAck(id));
                }
                true
            }
        };
        self.settle_all("the session was stopped");
        if socket {
            self.outputs.push_back(Output::Close { code: 1000 });
            self.phase = Phase::Closing { deadline: now + CLOSE_TIMEOUT };
        } else {
            self.end(End::Stopped);
        }
    }

    /// The user's output cannot take more, or can again. While it cannot, the caller reads nothing, so silence proves
    /// nothing, and a lost connection is not regained before there is room for what it would replay.
    pub fn handle_stalled(&mut self, now: Duration, stalled: bool) {
        if stalled == self.stalled_since.is_some() {
            return;
        }
        self.stalled_since = stalled.then_some(now);
        let stall = match &mut self.phase {
            Phase::Live(live) => {
                live.last_received = now;
                Some(&mut live.stall)
            }
            Phase::Recovering(recovery) => {
                match recovery.step {
                    Step::Pause { .. } if stalled => recovery.step = Step::Held,
                    Step::Held if !stalled => recovery.step = Step::Pause { until: now },
                    Step::Pause { .. } | Step::Held | Step::Dialing { .. } | Step::Proving { .. } => {}
                }
                Some(&mut recovery.stall)
            }
            Phase::Idle
            | Phase::Dialing { .. }
            | Phase::Greeting { .. }
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Ended => None,
        };
        if let Some(stall) = stall {
            *stall = if stalled {
                Stall { began: Some(now), ended: None }
            } else {
                Stall { began: stall.began, ended: Some(now) }
            };
        }
    }

    // ---- inputs: the network -------------------------------------------------------------------------------------

    /// The dial asked for has led to an open socket.
    pub fn handle_opened(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Dialing { deadline } => {
                self.phase = Phase::Greeting { deadline: *deadline, disconnect_message: None };
            }
            Phase::Recovering(recovery) => {
                if let Step::Dialing { started, deadline } = recovery.step {
                    recovery.step = Step::Proving { started, deadline: deadline.max(now) };
                    self.send(&Upstream::Ping);
                }
            }
            Phase::Idle
            | Phase::Greeting { .. }
            | Phase::Live(_)
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Ended => {}
        }
    }

    /// The dial asked for has failed, its deadline included.
    pub fn handle_dial_failed(&mut self, now: Duration, failure: DialFailure) {
        match &self.phase {
            Phase::Dialing { .. } => {
                let verdict = dial_verdict(failure.class);
                self.attempt_failed(&failure.message, false);
                if verdict.retry {
                    self.retry_fresh(now, verdict.end, failure.message, failure.retry_after);
                } else {
                    self.fail(verdict.end, failure.message);
                }
            }
            Phase::Recovering(recovery) => {
                if let Step::Dialing { started, .. } = recovery.step {
                    self.attempt_failed(&failure.message, true);
                    self.pause_recovery(now, started);
                }
            }
            Phase::Idle
            | Phase::Greeting { .. }
            | Phase::Live(_)
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Ended => {}
        }
    }

    /// A text frame came. Lifecycle events that belong before the message are among the outputs.
    pub fn handle_text<'f>(&mut self, now: Duration, text: &'f str) -> Received<'f> {
        let frame = decode_downstream(text);
        match &mut self.phase {
            Phase::Live(_) => {}
            Phase::Greeting { .. } => return self.greet(now, frame),
            Phase::Recovering(recovery) => {
                let Step::Proving { .. } = recovery.step else { return Received::Control };
                // A farewell proves nothing: the close that follows decides.
                if let Downstream::Disconnected { message } = frame {
                    recovery.loss.message = message.map(|message| message.into_owned());
                    return Received::Control;
                }
                // Another connection than the one asked for recovers nothing.
                if let Downstream::Connected { connection_id, .. } = &frame
                    && *connection_id != recovery.identity.connection_id
                {
                    let loss = recovery.loss.clone();
                    self.outputs.push_back(Output::Abort);
                    self.give_up(now, "the service opened another connection in place of the lost one".into(), loss);
                    return Received::Control;
                }
                self.recovered(now);
            }
            Phase::Idle | Phase::Dialing { .. } | Phase::Waiting { .. } | Phase::Closing { .. } | Phase::Ended => {
                return Received::Control;
            }
        }
        self.receive(now, frame, text.len())
    }

    /// A binary frame came, which the JSON subprotocols do not have (PROTOCOL §19.13).
    pub fn handle_binary(&mut self, now: Duration) -> Received<'static> {
        self.handle_sign_of_life(now);
        Received::Unknown { reason: "a binary frame on a JSON subprotocol".into() }
    }

    /// A WebSocket ping or pong came: any frame is life.
    pub fn handle_sign_of_life(&mut self, now: Duration) {
        if let Phase::Live(live) = &mut self.phase {
            live.last_received = now;
        }
    }

    /// The socket has ended.
    pub fn handle_closed(&mut self, now: Duration, cause: LossCause) {
        match &mut self.phase {
            Phase::Greeting { disconnect_message, .. } => {
                let loss = loss_of(&cause, disconnect_message.take());
                let message = format!("the connection ended before `connected`: {}", loss.describe());
                self.attempt_failed(&message, false);
                self.retry_fresh(now, EndKind::Unreachable, message, None);
            }
            Phase::Live(_) => self.lose(now, cause),
            Phase::Recovering(recovery) => {
                let Step::Proving { started, .. } = recovery.step else { return };
                let message = recovery.loss.message.clone();
                match loss_verdict(&cause) {
                    LossVerdict::Recover => {
                        self.attempt_failed(&loss_of(&cause, None).describe(), true);
                        self.pause_recovery(now, started);
                    }
                    LossVerdict::Fresh => {
                        let refusal = loss_of(&cause, message);
                        self.give_up(now, format!("the service refused the recovery: {}", refusal.describe()), refusal);
                    }
                }
            }
            Phase::Closing { .. } => self.end(End::Stopped),
            Phase::Idle | Phase::Dialing { .. } | Phase::Waiting { .. } | Phase::Ended => {}
        }
    }

    /// Time has passed. Harmless when nothing is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.transport_timeout(now);
        let (again, settled) = self.operations.expire(now, self.patience());
        for settled in settled {
            self.settle(settled);
        }
        if matches!(self.phase, Phase::Live(_)) {
            for order in again {
                self.send_operation(now, order);
            }
        }
    }

    // ---- the transport -------------------------------------------------------------------------------------------

    fn dial_fresh(&mut self, now: Duration) {
        let deadline = now.saturating_add(self.config.connect_timeout);
        self.outputs.push_back(Output::Dial { request: DialRequest::Fresh, deadline });
        self.phase = Phase::Dialing { deadline };
    }

    fn transport_timeout(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Greeting { deadline, .. } if *deadline <= now => {
                let waited = self.config.connect_timeout.as_secs_f64();
                let message = format!("timed out after {waited} s waiting for the `connected` frame");
                self.outputs.push_back(Output::Abort);
                self.attempt_failed(&message, false);
                self.retry_fresh(now, EndKind::Unreachable, message, None);
            }
            Phase::Waiting { until } if *until <= now && self.stalled_since.is_none() => self.dial_fresh(now),
            Phase::Closing { deadline } if *deadline <= now => {
                self.outputs.push_back(Output::Abort);
                self.end(End::Stopped);
            }
            Phase::Live(live) => {
                if let Some(id) = live.identity.sequence.take_ack(now) {
                    self.send(&Upstream::SequenceAck(id));
                }
                self.keep_alive(now);
            }
            Phase::Recovering(recovery) => match recovery.step {
                Step::Pause { until } if until <= now && now < recovery.window => self.dial_recovery(now),
                Step::Pause { .. } | Step::Held if recovery.window <= now => self.window_closed(now),
                Step::Proving { started, deadline } if deadline <= now => {
                    self.outputs.push_back(Output::Abort);
                    self.attempt_failed("timed out waiting for the first frame of the recovered connection", true);
                    self.pause_recovery(now, started);
                }
                Step::Pause { .. } | Step::Held | Step::Dialing { .. } | Step::Proving { .. } => {}
            },
            Phase::Idle
            | Phase::Dialing { .. }
            | Phase::Greeting { .. }
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Ended => {}
        }
    }

    fn keep_alive(&mut self, now: Duration) {
        let Phase::Live(live) = &self.phase else { return };
        if self.silence_due(live).is_some_and(|due| due <= now) {
            let silence = now.saturating_sub(live.last_received);
            // A closing handshake with a silent peer would take time that recovery needs (PROTOCOL §19.11).
            self.outputs.push_back(Output::Abort);
            self.lose(now, LossCause::Silent(silence));
            return;
        }
        if self.ping_due(live).is_some_and(|due| due <= now) {
            self.send(&Upstream::Ping);
            if let Phase::Live(live) = &mut self.phase {
                live.last_ping = now;
            }
        }
    }

    fn ping_due(&self, live: &Live) -> Option<Duration> {
        self.config.ping_interval.map(|interval| live.last_received.max(live.last_ping).saturating_add(interval))
    }

    fn silence_due(&self, live: &Live) -> Option<Duration> {
        if self.stalled_since.is_some() {
            return None;
        }
        self.config.ping_timeout.map(|timeout| live.last_received.saturating_add(timeout))
    }

    /// The first frame of a fresh connection has to be `connected` (PROTOCOL §5.1).
    fn greet<'f>(&mut self, now: Duration, frame: Downstream<'f>) -> Received<'f> {
        match frame {
            Downstream::Connected { connection_id, user_id, reconnection_token } => {
                let connection_id = connection_id.into_owned();
                let token = reconnection_token.map(|token| ReconnectionToken(token.into_owned()));
                let identity = Identity { connection_id: connection_id.clone(), token, sequence: Sequence::default() };
                self.was_connected = true;
                let user_id = user_id.map(|user| user.into_owned());
                self.event(Lifecycle::Connected { connection_id, user_id });
                self.phase = Phase::Live(Box::new(live(identity, now, now, None, self.stalled_since)));
                self.rejoin(now);
                self.send_queued(now);
                Received::Control
            }
            Downstream::Disconnected { message } => {
                if let Phase::Greeting { disconnect_message, .. } = &mut self.phase {
                    *disconnect_message = message.map(|message| message.into_owned());
                }
                Received::Control
            }
            Downstream::Unknown { reason, .. } => Received::Unknown { reason },
            Downstream::Ack { .. } | Downstream::Pong => Received::Control,
            Downstream::Message(_) => Received::Unknown { reason: "a message before `connected`".into() },
        }
    }

    fn receive<'f>(&mut self, now: Duration, frame: Downstream<'f>, bytes: usize) -> Received<'f> {
        let Phase::Live(live) = &mut self.phase else { return Received::Control };
        live.last_received = now;
        let sequence_id = match &frame {
            Downstream::Message(message) => message.sequence_id,
            Downstream::Unknown { sequence_id, .. } => *sequence_id,
            Downstream::Connected { .. }
            | Downstream::Disconnected { .. }
            | Downstream::Ack { .. }
            | Downstream::Pong => None,
        };
        let arrival = live.identity.sequence.arrive(now, sequence_id, bytes);
        live.progress |= sequence_id.is_some() && arrival != Arrival::Duplicate;
        let ack = live.identity.sequence.take_ack(now);
        if let (Arrival::Gap { expected }, Some(sequence_id)) = (arrival, sequence_id) {
            self.event(Lifecycle::SequenceGap { expected, sequence_id });
        }
        if let Some(id) = ack {
            self.send(&Upstream::SequenceAck(id));
        }
        if arrival == Arrival::Duplicate {
            return Received::Duplicate;
        }
        match frame {
            Downstream::Message(message) => {
                self.counts.received += 1;
                Received::Message(message)
            }
            Downstream::Unknown { reason, .. } => Received::Unknown { reason },
            Downstream::Ack { ack_id, result } => {
                let patience = self.patience();
                let (backoff, jitter) = (self.config.operation_backoff, &mut self.jitter);
                let pause = |retry| backoff.pause(retry, jitter);
                match self.operations.acknowledge(now, ack_id, &result, patience, pause) {
                    Acked::Stray | Acked::Retrying => {}
                    Acked::Settled(settled) => {
                        if let Phase::Live(live) = &mut self.phase {
                            live.progress = true;
                        }
                        self.settle(*settled);
                    }
                }
                Received::Control
            }
            Downstream::Connected { reconnection_token, .. } => {
                if let (Some(token), Phase::Live(live)) = (reconnection_token, &mut self.phase) {
                    live.identity.token = Some(ReconnectionToken(token.into_owned()));
                }
                Received::Control
            }
            Downstream::Disconnected { message } => {
                if let Phase::Live(live) = &mut self.phase {
                    live.disconnect_message = message.map(|message| message.into_owned());
                }
                Received::Control
            }
            Downstream::Pong => Received::Control,
        }
    }

    /// A live connection has lost its socket.
    fn lose(&mut self, now: Duration, cause: LossCause) {
        let Phase::Live(live) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let live = *live;
        let loss = loss_of(&cause, live.disconnect_message);
        self.last_failure = Some(loss.describe());
        self.operations.suspend();
        let proven = live.progress || now.saturating_sub(live.since) >= PROVEN_SOCKET;
        // A socket that dies again before it has achieved anything does not open a new window: otherwise an operation
        // that kills the connection would be resent for ever.
        let counted_from = if proven { now } else { live.unproductive_since.unwrap_or(now) };
        let mut recovery = Recovery {
            identity: live.identity,
            connected_at: live.connected_at,
            loss: loss.clone(),
            lost_at: now,
            window: counted_from + RECOVERY_WINDOW,
            attempts: 0,
            step: Step::Pause { until: if proven { now } else { now + RECOVERY_PAUSE } },
            stall: live.stall,
        };
        let recoverable = self.config.reliable && recovery.identity.token.is_some();
        if !recoverable || loss_verdict(&cause) == LossVerdict::Fresh || recovery.window <= now {
            let reason = loss.describe();
            self.phase = Phase::Recovering(Box::new(recovery));
            self.give_up(now, reason, loss);
            return;
        }
        let connection_id = recovery.identity.connection_id.clone();
        if self.stalled_since.is_some() {
            recovery.step = Step::Held;
        }
        self.phase = Phase::Recovering(Box::new(recovery));
        self.event(Lifecycle::Recovering { connection_id, loss });
        self.transport_timeout(now);
    }

    fn dial_recovery(&mut self, now: Duration) {
        let limit = self.config.connect_timeout.min(RECOVERY_ATTEMPT);
        let Phase::Recovering(recovery) = &mut self.phase else { return };
        let Some(token) = recovery.identity.token.clone() else { return };
        let deadline = now + limit;
        recovery.attempts += 1;
        recovery.step = Step::Dialing { started: now, deadline };
        let connection_id = recovery.identity.connection_id.clone();
        self.outputs.push_back(Output::Dial { request: DialRequest::Recover { connection_id, token }, deadline });
    }

    /// A recovery attempt has failed: the next starts a second after it did, as long as the window is open.
    fn pause_recovery(&mut self, now: Duration, started: Duration) {
        let stalled = self.stalled_since.is_some();
        let Phase::Recovering(recovery) = &mut self.phase else { return };
        let until = now.max(started + RECOVERY_PAUSE);
        recovery.step = if stalled { Step::Held } else { Step::Pause { until } };
        if recovery.window <= now || (!stalled && recovery.window <= until) {
            self.window_closed(now);
        }
    }

    fn window_closed(&mut self, now: Duration) {
        let Phase::Recovering(recovery) = &self.phase else { return };
        let loss = recovery.loss.clone();
        let down = now.saturating_sub(recovery.lost_at).as_secs_f64();
        self.give_up(now, format!("not recovered within {down:.0} s: {}", loss.describe()), loss);
    }

    /// The socket of a recovery has proved itself.
    fn recovered(&mut self, now: Duration) {
        let Phase::Recovering(recovery) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let Recovery { mut identity, connected_at, lost_at, window, attempts, .. } = *recovery;
        let connection_id = identity.connection_id.clone();
        let downtime = now.saturating_sub(lost_at);
        self.event(Lifecycle::Recovered { connection_id, attempts, downtime });
        identity.sequence.acknowledge_again(now);
        let counted_from = window.saturating_sub(RECOVERY_WINDOW);
        let live = live(identity, now, connected_at, Some(counted_from), self.stalled_since);
        self.phase = Phase::Live(Box::new(live));
        self.send_queued(now);
    }

    /// The connection is over for good (PROTOCOL §7.3): says so, settles what has become unknown, and dials afresh if
    /// it may.
    fn give_up(&mut self, now: Duration, reason: String, loss: Loss) {
        let Phase::Recovering(recovery) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let connection_id = recovery.identity.connection_id;
        let reason = match slow_reader(&recovery.stall, now) {
            Some(blocked) => {
                format!("slow reader: the output was blocked for {:.0} s; {reason}", blocked.as_secs_f64())
            }
            None => reason,
        };
        self.last_failure = Some(reason.clone());
        self.event(Lifecycle::SessionLost { connection_id: connection_id.clone(), reason: reason.clone() });
        self.event(Lifecycle::Disconnected { connection_id, loss });
        self.groups.forget_joined();
        for settled in self.operations.abandon(self.config.on_unknown, &reason) {
            self.settle(settled);
        }
        if recovery.lost_at.saturating_sub(recovery.connected_at) >= PROVEN_CONNECTION {
            self.retry = 0;
        }
        self.retry_fresh(now, EndKind::Lost, reason, None);
    }

    /// Waits for the next fresh attempt, or ends when there may be none.
    fn retry_fresh(&mut self, now: Duration, end: EndKind, error: String, retry_after: Option<Duration>) {
        let retries =
            if self.was_connected { self.config.retries_once_connected } else { self.config.retries_until_connected };
        let exhausted = match retries {
            Retries::Limited(limit) => self.retry >= limit,
            Retries::Unlimited => false,
        };
        if exhausted {
            self.fail(end, error);
            return;
        }
        self.retry = self.retry.saturating_add(1);
        let pause = self.config.reconnect_backoff.pause(self.retry, &mut self.jitter);
        let delay = pause.max(retry_after.unwrap_or_default());
        self.event(Lifecycle::Reconnecting { attempt: self.retry, delay, error });
        self.phase = Phase::Waiting { until: now.saturating_add(delay) };
    }

    fn attempt_failed(&mut self, error: &str, recovery: bool) {
        self.last_failure = Some(error.to_owned());
        self.event(Lifecycle::AttemptFailed { error: error.to_owned(), recovery });
    }

    fn fail(&mut self, kind: EndKind, message: String) {
        // Whoever was connected once has lost a connection, unless it is the credential that no longer opens it.
        let kind = match kind {
            EndKind::Unreachable | EndKind::HandshakeRefused | EndKind::Protocol if self.was_connected => EndKind::Lost,
            other => other,
        };
        self.settle_all(&message);
        self.end(End::Failed { kind, message });
    }

    fn end(&mut self, end: End) {
        self.phase = Phase::Ended;
        self.outputs.push_back(Output::Ended(end));
    }

    // ---- operations ----------------------------------------------------------------------------------------------

    fn patience(&self) -> Patience {
        Patience { retries: self.config.operation_retries, ack_timeout: self.config.ack_timeout }
    }

    /// Joins every wanted group that no operation of the user's is about to join anyway.
    fn rejoin(&mut self, now: Duration) {
        if !self.config.rejoin {
            return;
        }
        for group in self.groups.missing() {
            if self.operations.concerns_group(&group) {
                continue;
            }
            if let Ok(order) = self.operations.submit(Owner::Rejoin, Request::Join { group }, AckMode::Automatic) {
                self.send_operation(now, order);
            }
        }
    }

    /// Sends everything that waits, in the order it was asked for (PROTOCOL §19.3).
    fn send_queued(&mut self, now: Duration) {
        for order in self.operations.queued() {
            self.send_operation(now, order);
        }
    }

    fn send_operation(&mut self, now: Duration, order: u64) {
        let patience = self.patience();
        let outputs = &mut self.outputs;
        let settled = self.operations.send(now, order, patience, |frame| outputs.push_back(Output::Send(frame)));
        if let Some(settled) = settled {
            self.settle(settled);
        }
    }

    fn settle_all(&mut self, reason: &str) {
        for settled in self.operations.finish(reason) {
            self.settle(settled);
        }
    }

    /// An operation has ended: groups follow, the user is told, its issuer is answered.
    fn settle(&mut self, Settled { operation, outcome }: Settled) {
        let group = match operation.kind {
            OperationKind::JoinGroup => Some(true),
            OperationKind::LeaveGroup => Some(false),
            OperationKind::SendToGroup | OperationKind::Event => None,
        };
        let done = matches!(outcome, Outcome::Acked { .. } | Outcome::Sent);
        if let Some(joined) = group {
            if done {
                self.groups.confirm(&operation.target, joined);
            } else if operation.owner != Owner::Rejoin && !self.operations.concerns_group(&operation.target) {
                self.groups.settle_for_what_is(&operation.target);
            }
        }
        let Owner::User(id) = operation.owner else {
            self.settle_rejoin(&operation.target, operation.ack_id, outcome);
            return;
        };
        self.count(&outcome);
        self.report(&operation, &outcome);
        if let (Some(joined), true) = (group, done) {
            let (group, ack_id) = (operation.target, operation.ack_id);
            self.event(if joined {
                Lifecycle::Joined { group, ack_id, rejoined: false }
            } else {
                Lifecycle::Left { group, ack_id }
            });
        }
        self.outputs.push_back(Output::Settled { id, outcome });
    }

    fn settle_rejoin(&mut self, group: &str, ack_id: Option<u64>, outcome: Outcome) {
        let group = group.to_owned();
        match outcome {
            Outcome::Acked { .. } | Outcome::Sent => self.event(Lifecycle::Joined { group, ack_id, rejoined: true }),
            Outcome::Refused { error, .. } => self.event(Lifecycle::RejoinFailed { group, error }),
            Outcome::NotAcknowledged { .. } => {
                let error = Nack { name: String::new(), message: "the service did not acknowledge the join".into() };
                self.event(Lifecycle::RejoinFailed { group, error });
            }
            // The connection ended first; the next one tries again.
            Outcome::Unknown { .. } | Outcome::NotSent { .. } | Outcome::IdInUse { .. } => {}
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        let counts = &mut self.counts;
        match outcome {
            Outcome::Acked { .. } => {
                counts.sent += 1;
                counts.acked += 1;
            }
            Outcome::Sent => counts.sent += 1,
            Outcome::Refused { .. } | Outcome::NotAcknowledged { .. } | Outcome::Unknown { .. } => {
                counts.sent += 1;
                counts.failed += 1;
            }
            Outcome::NotSent { .. } | Outcome::IdInUse { .. } => counts.failed += 1,
        }
    }

    fn report(&mut self, operation: &operations::Operation, outcome: &Outcome) {
        let (ack_id, error, duplicate, attempts, elapsed) = match outcome {
            Outcome::Acked { ack_id, duplicate, attempts, elapsed } => (*ack_id, None, *duplicate, *attempts, *elapsed),
            Outcome::Refused { ack_id, error, attempts } => {
                (*ack_id, Some(error.clone()), false, *attempts, Duration::ZERO)
            }
            Outcome::Sent
            | Outcome::NotAcknowledged { .. }
            | Outcome::Unknown { .. }
            | Outcome::NotSent { .. }
            | Outcome::IdInUse { .. } => return,
        };
        let (operation, target) = (operation.kind, operation.target.clone());
        self.event(Lifecycle::Ack(AckReport { operation, target, ack_id, error, duplicate, attempts, elapsed }));
    }

    fn event(&mut self, event: Lifecycle) {
        self.outputs.push_back(Output::Event(event));
    }

    fn send(&mut self, frame: &Upstream<'_>) {
        let mut text = String::new();
        encode_upstream(frame, &mut text);
        self.outputs.push_back(Output::Send(Bytes::from(text)));
    }
}

fn live(
    identity: Identity,
    now: Duration,
    connected_at: Duration,
    unproductive_since: Option<Duration>,
    stalled_since: Option<Duration>,
) -> Live {
    Live {
        identity,
        since: now,
        connected_at,
        last_received: now,
        last_ping: now,
        progress: false,
        unproductive_since,
        disconnect_message: None,
        stall: Stall { began: stalled_since, ended: None },
    }
}

fn loss_of(cause: &LossCause, message: Option<String>) -> Loss {
    let close_reason = match cause {
        LossCause::Close { reason, .. } => Some(reason.clone()),
        LossCause::Broken(_)
        | LossCause::Silent(_)
        | LossCause::InvalidUtf8
        | LossCause::Framing(_)
        | LossCause::TooBig => None,
    };
    Loss {
        close_code: cause.close_code(),
        close_reason,
        message,
        explanation: cause.explanation(),
        error: cause.error(),
    }
}

/// For how long the output was blocked, when that may have cost the connection.
fn slow_reader(stall: &Stall, now: Duration) -> Option<Duration> {
    let began = stall.began?;
    let ended = stall.ended.unwrap_or(now);
    (now.saturating_sub(ended) < STALL_MEMORY).then(|| ended.saturating_sub(began))
}

fn earliest<const N: usize>(deadlines: [Option<Duration>; N]) -> Option<Duration> {
    deadlines.into_iter().flatten().min()
}

#[cfg(test)]
mod tests;
