//! A session as a vector of inputs: frames good and bad, sockets, timers, requests, streams, the death of its process and
//! another one that takes up its record.
//!
//! Whatever comes: nothing panics, spins, is sent into the void, settles twice or is delivered twice, and the service
//! takes every frame. Told to stop, it ends in two seconds with everything settled; left to a service that behaves, it
//! settles everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Tape;
use super::frames::downstream;
use crate::session::{
    AckMode, Backoff, BackoffMode, Config, DialClass, DialFailure, Invocation, InvocationKey, InvokeOutcome, Keep,
    Lifecycle, LossCause, OnUnknown, OperationId, Outcome, Output, PingId, Received, Request, Resume, Retries, Session,
    Snapshot, StreamAbort, StreamEvent, StreamKey, StreamOpen,
};
use crate::{
    Codec, Downstream, EncodedFrame, GroupState, InvokeAnswer, Metadata, OwnedData, StreamAnswer, StreamRequest,
    Unpacked, Upstream, WireFrame,
};

/// ackIds that operations have which their issuer records.
const RESERVED: (u64, u64) = (100, 199);

/// Runs a session through a vector of inputs, and holds it to its promises.
pub fn session(bytes: &[u8]) {
    let (caller, behaves) = played(bytes);
    if behaves { caller.rest() } else { caller.stop() }
}

/// The same, and in the end it is told to stop.
#[cfg(test)]
pub(crate) fn session_told_to_stop(bytes: &[u8]) {
    played(bytes).0.stop();
}

/// The same, and in the end it is left to a service that behaves.
#[cfg(test)]
pub(crate) fn session_left_alone(bytes: &[u8]) {
    played(bytes).0.rest();
}

/// A session behind a vector of inputs, and which end it is to have.
fn played(bytes: &[u8]) -> (FuzzCaller, bool) {
    let mut tape = Tape::new(bytes);
    let mut caller = FuzzCaller::new(config(&mut tape));
    let behaves = tape.flag();
    caller.start();
    while !tape.is_over() {
        caller.step(&mut tape);
    }
    (caller, behaves)
}

fn config(tape: &mut Tape<'_>) -> Config {
    let flags = tape.byte();
    let flag = |bit: u8| flags >> bit & 1 == 1;
    let backoff = Backoff {
        mode: if flag(0) { BackoffMode::Exponential } else { BackoffMode::Fixed },
        delay: Duration::from_millis(800),
        max_delay: Duration::from_secs(30),
    };
    Config {
        codec: if flag(1) { Codec::Protobuf } else { Codec::Json },
        reliable: !flag(2),
        connect_timeout: tape.limit(),
        retries_until_connected: Retries::Unlimited,
        retries_once_connected: Retries::Unlimited,
        renews_url: flag(7),
        reconnect_backoff: backoff,
        rejoin: !flag(3),
        ping_interval: flag(4).then_some(Duration::from_secs(10)),
        ping_timeout: flag(4).then_some(Duration::from_secs(25)),
        operation_retries: u32::from(tape.below(4)),
        operation_backoff: backoff,
        ack_timeout: tape.limit(),
        stream_idle_timeout: tape.limit(),
        on_unknown: if flag(5) { OnUnknown::Resend } else { OnUnknown::Fail },
        keep: flag(6).then(|| Keep { resume: None, reserved: Some(RESERVED) }),
        seed: u64::from(flags),
    }
}

/// A caller that holds the session to what it may ask for.
struct FuzzCaller {
    config: Config,
    session: Session,
    now: Duration,
    dialing: bool,
    open: bool,
    closing: bool,
    ended: bool,
    /// Names operations, invocations, streams and pings.
    names: u64,
    operations: BTreeSet<u64>,
    invocations: BTreeSet<u64>,
    /// Streams that are not over, with whether their end was asked for.
    streams: BTreeMap<u64, bool>,
    pings: BTreeSet<u64>,
    /// How many operations and invocations did not end well.
    failed: u64,
    /// Ids that this process has given to operations that it records.
    recorded: BTreeSet<u64>,
    /// Largest sequence id delivered on this connection.
    delivered: u64,
    /// Answers of a service that behaves to what was sent to it.
    answers: Vec<EncodedFrame>,
    /// The groups it has this connection in.
    members: BTreeSet<String>,
    /// What was recorded last.
    snapshot: Option<Snapshot>,
}

impl FuzzCaller {
    fn new(config: Config) -> Self {
        Self {
            session: Session::new(config.clone()),
            config,
            now: Duration::ZERO,
            dialing: false,
            open: false,
            closing: false,
            ended: false,
            names: 0,
            operations: BTreeSet::new(),
            invocations: BTreeSet::new(),
            streams: BTreeMap::new(),
            pings: BTreeSet::new(),
            failed: 0,
            recorded: BTreeSet::new(),
            delivered: 0,
            answers: Vec::new(),
            members: BTreeSet::new(),
            snapshot: None,
        }
    }

    fn start(&mut self) {
        self.session.handle_start(self.now);
        self.carry_out();
    }

    fn name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    fn step(&mut self, tape: &mut Tape<'_>) {
        match tape.below(32) {
            0 | 1 => {
                let time = tape.time();
                self.pass(time);
            }
            2 | 3 => self.opened(),
            // As a service that behaves goes on.
            4..=6 => {
                self.opened();
                self.carry_out();
                self.greet("c1");
            }
            7..=10 => {
                if !self.answers.is_empty() {
                    let answer = self.answers.remove(0);
                    self.frame(answer.as_wire());
                }
            }
            11 => {
                let class = tape.of(&[
                    DialClass::Unreachable,
                    DialClass::Status(503),
                    DialClass::Status(429),
                    DialClass::Status(404),
                    DialClass::Status(401),
                    DialClass::Unreachable,
                ]);
                let retry_after = tape.flag().then(|| tape.limit());
                self.dialing = false;
                let failure = DialFailure { class, message: "no".into(), retry_after };
                self.session.handle_dial_failed(self.now, failure);
            }
            12..=15 => {
                let frame = downstream(tape, self.config.codec, self.delivered);
                self.frame(frame.as_wire());
            }
            16 => {
                let bytes = tape.bytes();
                match self.config.codec {
                    Codec::Json => self.frame(WireFrame::Text(&String::from_utf8_lossy(bytes))),
                    Codec::Protobuf => self.frame(WireFrame::Binary(bytes)),
                }
            }
            17 => match self.config.codec {
                Codec::Json => self.frame(WireFrame::Binary(&[1])),
                Codec::Protobuf => self.frame(WireFrame::Text("{}")),
            },
            18 => match tape.flag() {
                true => self.session.handle_sign_of_life(self.now),
                false => self.session.handle_progress(self.now),
            },
            19 => {
                let close = |code| LossCause::Close { code, reason: "r".into() };
                let cause = match tape.below(6) {
                    0 => LossCause::Broken("reset".into()),
                    1 => LossCause::InvalidUtf8,
                    2 => LossCause::TooBig,
                    3 => LossCause::Silent(Duration::from_secs(1)),
                    4 => LossCause::Framing("f".into()),
                    _ => close(tape.of(&[1000, 1001, 1005, 1006, 1007, 1008, 1011, 1012, 4000, 0])),
                };
                self.closed(cause);
            }
            20..=22 => self.ask(tape),
            23 => self.invoke(tape),
            24 => {
                let key = u64::from(tape.byte());
                self.session.handle_cancel(self.now, InvocationKey(key));
            }
            25..=27 => self.stream(tape),
            28 => {
                let id = self.name();
                self.pings.insert(id);
                self.session.handle_ping(self.now, PingId(id));
            }
            29 => match tape.below(6) {
                0 => self.session.handle_stalled(self.now, true),
                1 => self.session.handle_stalled(self.now, false),
                2 => self.session.handle_backlogged(self.now, true),
                3 => self.session.handle_backlogged(self.now, false),
                4 => self.session.handle_withdrawal(self.now),
                _ => self.session.handle_stop(self.now),
            },
            30 => {
                if let Some(mark) = self.session.mark() {
                    self.session.handle_written(self.now, mark);
                }
            }
            _ => self.die(tape),
        }
        self.carry_out();
        // What is due by now is done by now.
        self.pass(Duration::ZERO);
        let _ = self.session.status(self.now);
    }

    fn carry_out(&mut self) {
        let mut said = 0;
        loop {
            // Recorded before anything is carried out, or at the end.
            let urgent = self.session.take_urgent_snapshot();
            let output = self.session.poll_output();
            let snapshot = if output.is_some() { urgent } else { urgent.or_else(|| self.session.take_snapshot()) };
            if snapshot.is_some() {
                assert!(self.config.keep.is_some());
                self.snapshot = snapshot;
            }
            let Some(output) = output else { break };
            said += 1;
            assert!(said < 100_000, "it spins");
            self.output(output);
        }
        if self.ended {
            assert_eq!(self.session.poll_timeout(), None);
        }
    }

    fn output(&mut self, output: Output) {
        // What is asked for after the end is answered.
        let late = matches!(
            output,
            Output::Settled { .. }
                | Output::Invoked { .. }
                | Output::Stream { .. }
                | Output::Event(Lifecycle::Stream(_))
        );
        assert!(!self.ended || late, "{output:?} after the end");
        match output {
            Output::Dial { deadline, .. } => {
                assert!(!self.dialing && !self.open && deadline > self.now);
                self.dialing = true;
            }
            Output::CancelDial => assert!(std::mem::take(&mut self.dialing)),
            Output::Send(frame) => {
                assert!(self.open && !self.closing, "into the void");
                self.serve(&frame);
            }
            Output::Close { .. } => {
                assert!(self.open && !self.closing);
                self.closing = true;
            }
            Output::Abort => {
                assert!(std::mem::take(&mut self.open));
                self.answers.clear();
            }
            Output::Event(Lifecycle::Connected { .. }) => {
                self.delivered = 0;
            }
            Output::Event(_) => {}
            Output::Settled { id, outcome } => {
                assert!(self.operations.remove(&id.0), "{id:?} settled twice");
                let is_done = matches!(outcome, Outcome::Acked { .. } | Outcome::Sent | Outcome::AlreadyJoined);
                self.failed += u64::from(!is_done);
            }
            Output::Invoked { key, invoked } => {
                assert!(self.invocations.remove(&key.0), "{key:?} settled twice");
                self.failed += u64::from(!matches!(invoked.outcome, InvokeOutcome::Answered { .. }));
            }
            Output::Stream { key, event: StreamEvent::Over(_) } => {
                assert!(self.streams.remove(&key.0).is_some(), "{key:?} over twice");
            }
            Output::Stream { key, event: StreamEvent::Opened | StreamEvent::Released { .. } } => {
                assert!(self.streams.contains_key(&key.0), "{key:?} goes on after its end");
            }
            Output::Ponged { id, .. } => assert!(self.pings.remove(&id.0), "{id:?} answered twice"),
            Output::Ended(_) => {
                self.ended = true;
                self.open = false;
            }
        }
    }

    /// The service takes the frame, and will answer it.
    fn serve(&mut self, frame: &EncodedFrame) {
        let mut unpacked = Unpacked::default();
        let frame = self.config.codec.decode_upstream(frame.as_wire(), &mut unpacked).unwrap();
        let ack = |ack_id: Option<u64>| ack_id.map(|ack_id| Downstream::Ack { ack_id, result: Ok(()) });
        let stream = |answer| Some(Downstream::Stream(answer));
        let answer = match frame {
            Upstream::JoinGroup { group, ack_id } => {
                self.members.insert(group.into_owned());
                ack(ack_id)
            }
            Upstream::LeaveGroup { group, ack_id } => {
                self.members.remove(group.as_ref());
                ack(ack_id)
            }
            Upstream::SendToGroup { ack_id, .. }
            | Upstream::Event { ack_id, .. }
            | Upstream::SetGroupState { ack_id, .. }
            | Upstream::SubscribeGroupState { ack_id, .. }
            | Upstream::UnsubscribeGroupState { ack_id, .. } => ack(ack_id),
            Upstream::Invoke { invocation_id, .. } => {
                let answer = InvokeAnswer::Success { data: None, metadata: None };
                Some(Downstream::InvokeResponse { invocation_id, answer })
            }
            Upstream::Stream(StreamRequest::Start { stream_id, .. }) => {
                stream(StreamAnswer::Ack { stream_id, expected: 1 })
            }
            Upstream::Stream(StreamRequest::Data { stream_id, sequence_id, .. }) => {
                stream(StreamAnswer::Ack { stream_id, expected: sequence_id + 1 })
            }
            Upstream::Stream(StreamRequest::End { stream_id, .. }) => {
                stream(StreamAnswer::Closed { stream_id, error: None })
            }
            Upstream::Stream(StreamRequest::Keepalive { .. }) | Upstream::CancelInvocation { .. } => None,
            Upstream::SequenceAck(id) => {
                assert!(id > 0);
                None
            }
            Upstream::Ping => Some(Downstream::Pong),
        };
        let codec = self.config.codec;
        self.answers.extend(answer.map(|answer| codec.encode_downstream(&answer)));
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let mut rounds = 0;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= until) {
            rounds = if due > self.now { 0 } else { rounds + 1 };
            assert!(rounds < 50, "a busy loop: {:?}", self.session);
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.carry_out();
        }
        self.now = until;
    }

    fn frame(&mut self, frame: WireFrame<'_>) {
        let mut unpacked = Unpacked::default();
        let received = self.session.handle_frame(self.now, frame, &mut unpacked);
        let id = match &received {
            Received::Message(message) => message.sequence_id,
            Received::States(_) | Received::Unknown { .. } | Received::Duplicate | Received::Control => None,
        };
        let connected = matches!(received, Received::Control);
        let _ = self.session.take_new_token();
        if let Some(id) = id.filter(|_| self.config.reliable) {
            assert!(id > self.delivered, "{id} after {}", self.delivered);
            self.delivered = id;
        }
        if connected {
            self.carry_out();
        }
    }

    fn closed(&mut self, cause: LossCause) {
        self.open = false;
        self.answers.clear();
        self.session.handle_closed(self.now, cause);
    }

    fn opened(&mut self) {
        if std::mem::take(&mut self.dialing) {
            self.open = true;
            self.closing = false;
            self.answers.clear();
        }
        self.session.handle_opened(self.now);
    }

    fn greet(&mut self, id: &str) {
        let connected =
            Downstream::Connected { connection_id: id.into(), user_id: None, reconnection_token: Some("t".into()) };
        self.frame(self.config.codec.encode_downstream(&connected).as_wire());
    }

    fn ask(&mut self, tape: &mut Tape<'_>) {
        let group = tape.of(&["g0", "g1"]).to_owned();
        let data = || OwnedData::text("x");
        let request = match tape.below(8) {
            0 => Request::Join { group },
            1 => Request::Leave { group },
            2 => Request::SetState { group, state: Some(GroupState::from_iter([("k", "v")])) },
            3 => Request::SetState { group, state: None },
            4 => Request::SubscribeStates { group },
            5 => Request::UnsubscribeStates { group },
            6 => Request::event("e", OwnedData::json("{\"a\":[1]}").unwrap()),
            _ => Request::Send {
                group,
                data: data(),
                no_echo: tape.flag(),
                ttl_seconds: tape.flag().then_some(300),
                metadata: tape.flag().then(|| Metadata::new([("k", "v")]).unwrap()),
            },
        };
        let is_publish = matches!(request, Request::Send { .. } | Request::Event { .. });
        let mode = match tape.below(5) {
            0 | 1 => AckMode::Automatic,
            2 => AckMode::Id(u64::from(tape.below(12))),
            3 if self.config.keep.is_some() && is_publish => {
                let id = RESERVED.0 + u64::from(tape.below(20));
                // Each process brings each once.
                if self.recorded.insert(id) { AckMode::Recorded { id, again: tape.flag() } } else { AckMode::Automatic }
            }
            3 => AckMode::Id(tape.number()),
            _ => AckMode::None,
        };
        if matches!(mode, AckMode::Id(id) if (RESERVED.0..=RESERVED.1).contains(&id)) {
            return;
        }
        let id = self.name();
        self.operations.insert(id);
        self.session.handle_request(self.now, OperationId(id), request, mode);
    }

    fn invoke(&mut self, tape: &mut Tape<'_>) {
        let key = self.name();
        self.invocations.insert(key);
        let mut invocation = Invocation::new("e".into(), tape.flag().then(|| OwnedData::text("x")));
        invocation.invocation_id = tape.flag().then(|| tape.of(&["1", "2", "i"]).to_owned());
        invocation.timeout = tape.flag().then(|| tape.limit());
        self.session.handle_invoke(self.now, InvocationKey(key), invocation);
    }

    fn stream(&mut self, tape: &mut Tape<'_>) {
        let which = usize::from(tape.below(4));
        let known = self.streams.iter().nth(which).map(|(key, ending)| (*key, *ending));
        match (tape.below(8), known) {
            (0 | 1, _) | (_, None) => {
                if self.streams.len() > 8 {
                    return;
                }
                let key = self.name();
                self.streams.insert(key, false);
                let open = StreamOpen {
                    group: "g0".into(),
                    stream_id: tape.of(&["s", "s1", "s2"]).to_owned(),
                    no_echo: tape.flag(),
                    idle_timeout: tape.flag().then(|| tape.limit()),
                };
                self.session.handle_stream_open(self.now, StreamKey(key), open);
            }
            (2, Some((key, false))) => {
                self.streams.insert(key, true);
                let abort = tape.flag().then(|| StreamAbort { code: Some("c".into()), message: None });
                self.session.handle_stream_end(self.now, StreamKey(key), abort);
            }
            (_, Some((key, false))) => {
                self.session.handle_stream_write(self.now, StreamKey(key), &OwnedData::text("x"), 1);
            }
            (_, Some((_, true))) => {}
        }
    }

    /// The process dies, and another takes up its record.
    fn die(&mut self, tape: &mut Tape<'_>) {
        if self.config.keep.is_none() {
            return;
        }
        if tape.flag() {
            self.session.handle_stop(self.now);
            self.carry_out();
        }
        let done = if tape.flag() { self.delivered } else { tape.number() };
        let begun = done.saturating_add(u64::from(tape.below(8)));
        let leave = if tape.flag() { vec!["g0".to_owned()] } else { Vec::new() };
        let resume =
            self.snapshot.clone().map(|snapshot| Resume { snapshot, done, begun, downtime: tape.limit(), leave });
        let config = Config { keep: Some(Keep { resume, reserved: Some(RESERVED) }), ..self.config.clone() };
        let next = Self::new(config.clone());
        let (now, names, snapshot) = (self.now, self.names, self.snapshot.take());
        *self = Self { now, names, snapshot, delivered: done, ..next };
        self.config.keep = Some(Keep { resume: None, reserved: Some(RESERVED) });
        self.start();
    }

    /// Told to stop, it ends in two seconds with everything settled.
    fn stop(mut self) {
        self.session.handle_stop(self.now);
        self.carry_out();
        self.pass(Duration::from_secs(2));
        assert!(self.ended, "it does not end");
        self.assert_settled();
        assert!(self.streams.is_empty(), "streams that are not over: {:?}", self.streams);
    }

    /// Left to a service that behaves, everything settles.
    fn rest(mut self) {
        self.session.handle_stalled(self.now, false);
        self.session.handle_backlogged(self.now, false);
        self.carry_out();
        // A connection of its own, so that no lie of the past counts.
        if self.open {
            self.closed(LossCause::InvalidUtf8);
            self.carry_out();
        }
        let until = self.now + Duration::from_secs(400);
        let mut connections = 0;
        while self.now < until && !self.ended {
            if self.dialing {
                self.opened();
                self.carry_out();
                connections += 1;
                self.members.clear();
                self.greet(&format!("fresh{connections}"));
                self.carry_out();
            }
            for answer in std::mem::take(&mut self.answers) {
                self.frame(answer.as_wire());
                self.carry_out();
            }
            let due = self.session.poll_timeout().unwrap_or(until).min(until);
            self.pass(due.saturating_sub(self.now).min(Duration::from_millis(500)));
        }
        self.assert_settled();
        if self.ended {
            return;
        }
        assert!(self.streams.values().all(|ending| !ending), "streams that do not end: {:?}", self.streams);
        // What an earlier process had joined is only known to the service, and so is what comes of a join that is given up:
        // the answers here take half a second at most.
        let is_patient = self.config.ack_timeout > Duration::from_millis(500);
        if self.config.rejoin && self.config.keep.is_none() && is_patient {
            let groups: Vec<_> = self.session.groups().collect();
            assert!(groups.iter().all(|(_, wanted, joined)| *wanted && *joined), "not as it is wanted: {groups:?}");
            let groups: BTreeSet<String> = groups.into_iter().map(|(group, ..)| group.to_owned()).collect();
            assert_eq!(groups, self.members);
        }
    }

    fn assert_settled(&self) {
        assert!(self.operations.is_empty(), "operations that do not settle: {:?}", self.operations);
        assert!(self.invocations.is_empty(), "invocations that do not settle: {:?}", self.invocations);
        assert!(self.session.is_idle(), "something is left: {:?}", self.session);
        // One that was taken up counts what an earlier process has asked for, too.
        if self.config.keep.is_none() {
            assert_eq!(self.session.counts().failed, self.failed);
        }
    }
}
