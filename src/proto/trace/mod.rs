//! The client of a live trace without I/O (PROTOCOL §21): dials, shakes hands, starts, asks for templates, puts events into
//! words, stays alive, and comes back when it was cut off.
//!
//! It has the shape of the [`session`](crate::session): it is told what happened (`handle_*`) and says what to do
//! ([`Tracer::poll_output`]); `now` is the time since an origin of the caller's choice. After every input the caller drains
//! the outputs, then sleeps until [`Tracer::poll_timeout`]. What it keeps is bounded, whatever a service sends.

mod log_event;
#[cfg(test)]
mod tests;
mod waiting_events;

use std::collections::VecDeque;
use std::time::Duration;

use crate::session::{Backoff, DialFailure, End, EndKind, Jitter, Loss, LossCause, Retries, dial_verdict, loss_of};
use crate::signalr::{
    self, BadRecord, HANDSHAKE, HandshakeProblem, Invocation, PING, PING_INTERVAL, SILENCE, SignalrRecord,
};
pub use log_event::{Level, LogEvent, MOST_VALUES, Template};
use waiting_events::WaitingEvents;

/// The call that begins it.
pub const START: &str = "startListeningToLogEvents";
/// The call that brings an event.
pub const LOG_EVENT: &str = "logEvent";
/// The call that asks for a template, and the one that brings it.
pub const LOG_PROPERTY: &str = "LogProperty";

/// The id of the call that begins it, by which a refusal of it is known.
const START_ID: &str = "0";

/// A connection that has lived for so long was a good one: retries count from the beginning (CLI contract, *Staying
/// connected*).
const GOOD: Duration = Duration::from_secs(5);

/// Longest wait for the peer's close frame (CLI contract, *Ending*).
const CLOSE_TIMEOUT: Duration = Duration::from_millis(1800);

/// Whether a connection that ended so was one that the service does not want (PROTOCOL §8.2): another would end as well.
fn is_refusal(cause: &LossCause) -> bool {
    match cause {
        LossCause::Close { code, .. } => *code == POLICY,
        LossCause::Broken(_)
        | LossCause::Silent(_)
        | LossCause::InvalidUtf8
        | LossCause::Framing(_)
        | LossCause::TooBig => false,
    }
}

/// What it means that a connection has ended in place of an answer to the handshake, and what there is to say.
pub fn ended_unanswered(cause: &LossCause) -> (EndKind, String) {
    let kind = if is_refusal(cause) { EndKind::HandshakeRefused } else { EndKind::Unreachable };
    let how = loss_of(cause, None).describe();
    (kind, format!("the connection ended before the answer to the handshake: {how}"))
}

/// The close code of what is refused.
const POLICY: u16 = 1008;

/// What a tracer is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// From the start of a dial to the answer to the handshake.
    pub connect_timeout: Duration,
    /// Attempts after the first failed one, while there has been no connection yet.
    pub retries_until_connected: Retries,
    /// Attempts after the first failed one, once there has been a connection.
    pub retries_once_connected: Retries,
    /// Pause between attempts.
    pub backoff: Backoff,
    /// How long an event waits for its template.
    pub patience: Duration,
    /// Seed of the jitter.
    pub seed: u64,
}

/// How long an event waits for its template, unless said otherwise.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// An event in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// When, as the service writes it.
    pub time: Option<String>,
    /// What kind of thing it was.
    pub event_id: i64,
    /// The name of that kind, where its template has come.
    pub event_name: Option<String>,
    /// How grave it is, where its template has come.
    pub level: Option<Level>,
    /// What has happened; the bare values where there is no template.
    pub message: String,
    /// What was thrown.
    pub exception: Option<String>,
    /// Where and whose, by name.
    pub properties: Vec<(String, String)>,
}

/// Something else than a trace that whoever traces wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The service has agreed: traces come from now on.
    Connected,
    /// The connection was lost, and traces may be missing from here to the next [`News::Connected`].
    Lost(Loss),
    /// Another attempt will be made.
    Reconnecting {
        /// Number of the retry, from 1.
        attempt: u32,
        /// Pause before it.
        delay: Duration,
        /// Why.
        error: String,
    },
    /// A record, or what stands in it, could not be read, and was passed over.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Dial, and answer with [`Tracer::handle_opened`] or [`Tracer::handle_dial_failed`] by the deadline.
    Dial {
        /// By when.
        deadline: Duration,
    },
    /// Drop the dial under way; no answer is wanted any more.
    CancelDial,
    /// Send a text message.
    Send(String),
    /// Send a close frame and go on reading until the peer's.
    Close {
        /// WebSocket close code.
        code: u16,
    },
    /// Drop the socket, without a closing handshake.
    Abort,
    /// Show it.
    Trace(Trace),
    /// Say it.
    News(News),
    /// It is over; nothing follows.
    Ended(End),
}

/// Where it stands.
#[derive(Debug)]
enum TracerPhase {
    Idle,
    Dialing {
        deadline: Duration,
    },
    /// The handshake is sent, its answer is due.
    Greeting {
        deadline: Duration,
    },
    Live(TracerConnection),
    Waiting {
        until: Duration,
    },
    Closing {
        deadline: Duration,
    },
    Ended,
}

/// A connection that traces come over.
#[derive(Debug)]
struct TracerConnection {
    since: Duration,
    last_received: Duration,
    last_sent: Duration,
    /// Nothing is read meanwhile: the silence is ours.
    stalled: bool,
    /// An event has come over it.
    has_traced: bool,
}

/// What is due, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TracerDue {
    Answer,
    Dial,
    Farewell,
    Silence,
    Ping,
    Template,
}

/// The client of a live trace.
#[derive(Debug)]
pub struct Tracer {
    config: Config,
    jitter: Jitter,
    phase: TracerPhase,
    held: WaitingEvents,
    outputs: VecDeque<Output>,
    /// Retries since the last good connection.
    retry: u32,
    was_connected: bool,
    /// One of the connections has brought something, or has lived for a while.
    was_good: bool,
    /// Since when nothing is read.
    stalled: Option<Duration>,
}

impl Tracer {
    /// One that has not begun.
    pub fn new(config: Config) -> Self {
        Self {
            jitter: Jitter::new(config.seed),
            held: WaitingEvents::new(config.patience),
            config,
            phase: TracerPhase::Idle,
            outputs: VecDeque::new(),
            retry: 0,
            was_connected: false,
            was_good: false,
            stalled: None,
        }
    }

    /// Begins. To be called once.
    pub fn handle_start(&mut self, now: Duration) {
        if matches!(self.phase, TracerPhase::Idle) {
            self.dial(now);
        }
    }

    /// The dial asked for has led to an open socket.
    pub fn handle_opened(&mut self, _now: Duration) {
        if let TracerPhase::Dialing { deadline } = self.phase {
            self.outputs.push_back(Output::Send(HANDSHAKE.to_owned()));
            self.phase = TracerPhase::Greeting { deadline };
        }
    }

    /// The dial asked for has failed, its deadline included.
    pub fn handle_dial_failed(&mut self, now: Duration, failure: DialFailure) {
        if matches!(self.phase, TracerPhase::Dialing { .. }) {
            let verdict = dial_verdict(failure.class);
            match verdict.retry {
                true => self.retry(now, verdict.end, failure.message, failure.retry_after),
                false => self.fail(verdict.end, failure.message),
            }
        }
    }

    /// A text message has come.
    pub fn handle_text(&mut self, now: Duration, message: &str) {
        self.handle_life(now);
        let mut records = signalr::records(message);
        if let TracerPhase::Greeting { .. } = self.phase {
            // An empty message is no answer.
            match records.next().unwrap_or(Err(BadRecord::Unterminated)) {
                Ok(answer) => self.greet(now, signalr::check_handshake_answer(answer)),
                Err(bad) => self.greet(now, Err(HandshakeProblem::NoHandshake(bad))),
            }
        }
        for record in records {
            if !matches!(self.phase, TracerPhase::Live(_)) {
                return;
            }
            match record.and_then(signalr::parse) {
                Ok(record) => self.record(now, record),
                Err(bad) => self.unreadable(format!("a record that cannot be read: {bad}")),
            }
        }
    }

    /// A binary message has come, which JSON is never sent in.
    pub fn handle_binary(&mut self, now: Duration) {
        self.handle_life(now);
        match self.phase {
            TracerPhase::Greeting { .. } => {
                let bad = BadRecord::Malformed("it is a binary message".to_owned());
                self.greet(now, Err(HandshakeProblem::NoHandshake(bad)));
            }
            TracerPhase::Live(_) => self.unreadable("a binary message, and records are text".to_owned()),
            TracerPhase::Idle
            | TracerPhase::Dialing { .. }
            | TracerPhase::Waiting { .. }
            | TracerPhase::Closing { .. }
            | TracerPhase::Ended => {}
        }
    }

    /// Bytes have come, whatever they are.
    pub fn handle_life(&mut self, now: Duration) {
        if let TracerPhase::Live(live) = &mut self.phase {
            live.last_received = now;
        }
    }

    /// Nothing is read for now, since nobody takes what has come; or reading goes on.
    pub fn handle_stalled(&mut self, now: Duration, stalled: bool) {
        let since = match stalled {
            true => {
                self.stalled.get_or_insert(now);
                None
            }
            false => self.stalled.take(),
        };
        if let TracerPhase::Live(live) = &mut self.phase {
            live.stalled = stalled;
            live.last_received = now;
        }
        // Nor could a template be read meanwhile.
        if let Some(since) = since {
            self.held.wait_anew(since, now);
        }
    }

    /// The socket has ended.
    pub fn handle_closed(&mut self, now: Duration, cause: &LossCause) {
        match &self.phase {
            TracerPhase::Greeting { .. } => {
                let (kind, message) = ended_unanswered(cause);
                match is_refusal(cause) {
                    true => self.fail(kind, message),
                    false => self.retry(now, kind, message, None),
                }
            }
            // One that has brought nothing, and was to bring nothing, would not do otherwise the next time.
            TracerPhase::Live(live)
                if is_refusal(cause) && !live.has_traced && now.saturating_sub(live.since) < GOOD =>
            {
                let how = loss_of(cause, None).describe();
                let kind = if self.was_good { EndKind::Lost } else { EndKind::HandshakeRefused };
                self.fail_for_good(kind, format!("the service closed the connection at once: {how}"));
            }
            TracerPhase::Live(_) => self.lose(now, loss_of(cause, None)),
            TracerPhase::Closing { .. } => self.end(End::Stopped),
            TracerPhase::Idle | TracerPhase::Dialing { .. } | TracerPhase::Waiting { .. } | TracerPhase::Ended => {}
        }
    }

    /// It is to end.
    pub fn handle_stop(&mut self, now: Duration) {
        self.give_out_held();
        match self.phase {
            TracerPhase::Live(_) | TracerPhase::Greeting { .. } => {
                self.outputs.push_back(Output::Close { code: 1000 });
                self.phase = TracerPhase::Closing { deadline: now.saturating_add(CLOSE_TIMEOUT) };
            }
            TracerPhase::Dialing { .. } => {
                self.outputs.push_back(Output::CancelDial);
                self.end(End::Stopped);
            }
            TracerPhase::Idle | TracerPhase::Waiting { .. } => self.end(End::Stopped),
            TracerPhase::Closing { .. } | TracerPhase::Ended => {}
        }
    }

    /// The time that [`Self::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(due) = self.due().filter(|(at, _)| *at <= now).map(|(_, due)| due) {
            match due {
                TracerDue::Answer => {
                    self.outputs.push_back(Output::Abort);
                    let waited = self.config.connect_timeout.as_secs_f64();
                    let message = format!("timed out after {waited} s waiting for the answer to the handshake");
                    self.retry(now, EndKind::NotGreeted, message, None);
                }
                TracerDue::Dial => self.dial(now),
                TracerDue::Farewell => {
                    self.outputs.push_back(Output::Abort);
                    self.end(End::Stopped);
                }
                TracerDue::Silence => {
                    let TracerPhase::Live(live) = &self.phase else { return };
                    let silent = now.saturating_sub(live.last_received);
                    self.outputs.push_back(Output::Abort);
                    self.lose(now, loss_of(&LossCause::Silent(silent), None));
                }
                TracerDue::Ping => self.send(now, PING.to_owned()),
                TracerDue::Template => self.give_out(now),
            }
        }
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.due().map(|(at, _)| at)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether there ever was a connection that traces came over.
    pub fn was_connected(&self) -> bool {
        self.was_connected
    }

    /// All that is waited for, the earliest.
    fn due(&self) -> Option<(Duration, TracerDue)> {
        match &self.phase {
            // The caller keeps the deadline of a dial.
            TracerPhase::Idle | TracerPhase::Dialing { .. } | TracerPhase::Ended => None,
            TracerPhase::Greeting { deadline } => Some((*deadline, TracerDue::Answer)),
            TracerPhase::Waiting { until } => Some((*until, TracerDue::Dial)),
            TracerPhase::Closing { deadline } => Some((*deadline, TracerDue::Farewell)),
            TracerPhase::Live(live) => {
                let silence = (!live.stalled).then(|| (live.last_received.saturating_add(SILENCE), TracerDue::Silence));
                let ping = (live.last_sent.saturating_add(PING_INTERVAL), TracerDue::Ping);
                let template = self.held.due().filter(|_| !live.stalled).map(|at| (at, TracerDue::Template));
                [silence, Some(ping), template].into_iter().flatten().min()
            }
        }
    }

    fn dial(&mut self, now: Duration) {
        let deadline = now.saturating_add(self.config.connect_timeout);
        self.outputs.push_back(Output::Dial { deadline });
        self.phase = TracerPhase::Dialing { deadline };
    }

    /// The answer to the handshake has come.
    fn greet(&mut self, now: Duration, answer: Result<(), HandshakeProblem>) {
        match answer {
            Ok(()) => {
                self.was_connected = true;
                let live = TracerConnection {
                    since: now,
                    last_received: now,
                    last_sent: now,
                    stalled: self.stalled.is_some(),
                    has_traced: false,
                };
                self.phase = TracerPhase::Live(live);
                // Anew on every connection, or it is a silent one (PROTOCOL §21.5).
                let nothing: [(); 0] = [];
                self.send(now, signalr::invocation(START, Some(START_ID), &nothing));
                self.outputs.push_back(Output::News(News::Connected));
            }
            Err(HandshakeProblem::Refused(error)) => {
                self.outputs.push_back(Output::Close { code: 1000 });
                self.fail(EndKind::HandshakeRefused, format!("the service refused the handshake: {error}"));
            }
            Err(HandshakeProblem::NoHandshake(bad)) => {
                self.outputs.push_back(Output::Abort);
                let what = format!("the first message is no answer to a handshake of SignalR: {bad}");
                self.fail(EndKind::Protocol, what);
            }
        }
    }

    fn record(&mut self, now: Duration, record: SignalrRecord<'_>) {
        match record {
            SignalrRecord::Invocation(invocation) => self.invoked(now, invocation),
            SignalrRecord::Completion { invocation_id, error: Some(error) } if invocation_id == START_ID => {
                self.outputs.push_back(Output::Close { code: 1000 });
                self.fail_for_good(EndKind::HandshakeRefused, format!("the service refused to send traces: {error}"));
            }
            SignalrRecord::Close { error, allow_reconnect } => {
                self.outputs.push_back(Output::Abort);
                let said = error.map(|error| format!(", saying `{error}`")).unwrap_or_default();
                if allow_reconnect {
                    let error = Some(format!("the service closed the connection{said}"));
                    self.lose(now, Loss { error, ..Loss::default() });
                } else {
                    let message = format!("the service closed the connection{said}, and does not want it back");
                    self.fail_for_good(EndKind::Lost, message);
                }
            }
            SignalrRecord::Completion { .. } | SignalrRecord::Ping | SignalrRecord::Other(_) => {}
        }
    }

    fn invoked(&mut self, now: Duration, invocation: Invocation<'_>) {
        let Invocation { target, argument, invocation_id } = invocation;
        let argument = argument.map_or("null", |argument| argument.get());
        if target.eq_ignore_ascii_case(LOG_EVENT) {
            match LogEvent::parse(argument) {
                Ok(event) => {
                    if let TracerPhase::Live(live) = &mut self.phase {
                        live.has_traced = true;
                        self.was_good = true;
                    }
                    if self.held.take_in(now, event) == waiting_events::EventNeed::Template {
                        self.ask_for_template(now);
                    }
                    self.give_out(now);
                }
                Err(error) => self.unreadable(format!("an event that cannot be read: {error}")),
            }
        } else if target.eq_ignore_ascii_case(LOG_PROPERTY) {
            match Template::parse(argument) {
                Ok(template) => {
                    self.held.learn(template);
                    self.give_out(now);
                }
                Err(error) => self.unreadable(format!("a template that cannot be read: {error}")),
            }
        }
        if let Some(id) = invocation_id {
            self.send(now, signalr::completion(&id, Some("The client has no result.")));
        }
    }

    /// Of the event that has just come.
    fn ask_for_template(&mut self, now: Duration) {
        if let Some(id) = self.held.newest() {
            self.send(now, signalr::invocation(LOG_PROPERTY, None, &[id]));
        }
    }

    /// Shows the events that wait no longer.
    fn give_out(&mut self, now: Duration) {
        while let Some(trace) = self.held.take_out(now) {
            self.outputs.push_back(Output::Trace(trace));
        }
    }

    /// Shows all, with whatever is known of them.
    fn give_out_held(&mut self) {
        self.held.forget_asked();
        self.give_out(Duration::MAX);
    }

    fn send(&mut self, now: Duration, message: String) {
        if let TracerPhase::Live(live) = &mut self.phase {
            live.last_sent = now;
            self.outputs.push_back(Output::Send(message));
        }
    }

    fn unreadable(&mut self, reason: String) {
        self.outputs.push_back(Output::News(News::Unreadable { reason }));
    }

    /// The connection is lost, and what comes of it.
    fn lose(&mut self, now: Duration, loss: Loss) {
        self.give_out_held();
        if let TracerPhase::Live(live) = &self.phase
            && now.saturating_sub(live.since) >= GOOD
        {
            self.retry = 0;
            self.was_good = true;
        }
        let error = loss.describe();
        self.outputs.push_back(Output::News(News::Lost(loss)));
        self.retry(now, EndKind::Lost, error, None);
    }

    /// Waits for the next attempt, or ends when there may be none, or none before a time that is too far away.
    fn retry(&mut self, now: Duration, end: EndKind, error: String, retry_after: Option<Duration>) {
        let retries = match self.was_connected {
            true => self.config.retries_once_connected,
            false => self.config.retries_until_connected,
        };
        let exhausted = match retries {
            Retries::Limited(limit) => self.retry >= limit,
            Retries::Unlimited => false,
        };
        if exhausted {
            return self.fail(end, error);
        }
        let retry = self.retry.saturating_add(1);
        let delay = match self.config.backoff.pause_of(retry, retry_after, &mut self.jitter) {
            Ok(delay) => delay,
            Err(too_long) => return self.fail(end, format!("{error}; {too_long}")),
        };
        self.retry = retry;
        self.outputs.push_back(Output::News(News::Reconnecting { attempt: self.retry, delay, error }));
        self.phase = TracerPhase::Waiting { until: now.saturating_add(delay) };
    }

    /// Whoever was connected once has lost a connection, unless it is the credential that no longer opens it.
    fn fail(&mut self, kind: EndKind, message: String) {
        let kind = match kind {
            EndKind::Unreachable | EndKind::NotGreeted | EndKind::HandshakeRefused | EndKind::Protocol
                if self.was_connected =>
            {
                EndKind::Lost
            }
            other => other,
        };
        self.fail_for_good(kind, message);
    }

    fn fail_for_good(&mut self, kind: EndKind, message: String) {
        self.give_out_held();
        self.end(End::Failed { kind, message });
    }

    fn end(&mut self, end: End) {
        self.phase = TracerPhase::Ended;
        self.outputs.push_back(Output::Ended(end));
    }
}
