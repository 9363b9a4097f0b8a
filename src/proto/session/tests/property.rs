//! Any inputs in any order, at any time: nothing panics, spins, is sent into the void or settles twice; and whatever
//! happened, a service that behaves brings everything to rest.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::{Downstream, Upstream};
use crate::{decode_upstream, encode_downstream};

#[derive(Clone, Debug)]
enum SessionStep {
    Pass(u64),
    Open,
    DialFailed(u16),
    Text(TextFrame),
    Binary,
    Life,
    Closed(LossCause),
    Ask(u8, u8, Option<u64>),
    AskWithoutAck(u8, u8),
    Stall(bool),
    Stop,
}

#[derive(Clone, Debug)]
enum TextFrame {
    Connected(u8),
    Disconnected,
    Ack(u64, u8),
    Message(u64),
    Unknown(Option<u64>),
    Pong,
    Garbage,
}

fn texts() -> impl Strategy<Value = TextFrame> {
    prop_oneof![
        4 => (0..3u8).prop_map(TextFrame::Connected),
        1 => Just(TextFrame::Disconnected),
        8 => (0..12u64, 0..6u8).prop_map(|(id, result)| TextFrame::Ack(id, result)),
        6 => (0..30u64).prop_map(TextFrame::Message),
        1 => proptest::option::of(0..30u64).prop_map(TextFrame::Unknown),
        3 => Just(TextFrame::Pong),
        1 => Just(TextFrame::Garbage),
    ]
}

fn causes() -> impl Strategy<Value = LossCause> {
    prop_oneof![
        proptest::sample::select(vec![1000, 1001, 1005, 1007, 1008, 1011, 4000])
            .prop_map(|code| LossCause::Close { code, reason: "r".into() }),
        Just(LossCause::Broken("reset".into())),
        Just(LossCause::InvalidUtf8),
        Just(LossCause::TooBig),
    ]
}

fn steps() -> impl Strategy<Value = SessionStep> {
    prop_oneof![
        6 => (0..3_000u64).prop_map(SessionStep::Pass),
        2 => (0..60_000u64).prop_map(SessionStep::Pass),
        6 => Just(SessionStep::Open),
        2 => proptest::sample::select(vec![0, 503, 429]).prop_map(SessionStep::DialFailed),
        12 => texts().prop_map(SessionStep::Text),
        1 => Just(SessionStep::Binary),
        1 => Just(SessionStep::Life),
        3 => causes().prop_map(SessionStep::Closed),
        6 => (0..4u8, 0..2u8, proptest::option::of(0..12u64)).prop_map(|(kind, group, id)| SessionStep::Ask(kind, group, id)),
        1 => (0..4u8, 0..2u8).prop_map(|(kind, group)| SessionStep::AskWithoutAck(kind, group)),
        2 => any::<bool>().prop_map(SessionStep::Stall),
    ]
}

fn configs() -> impl Strategy<Value = Config> {
    (any::<bool>(), any::<bool>(), any::<bool>(), 0..3u32, any::<bool>(), any::<u64>()).prop_map(
        |(reliable, resend, keep_alive, operation_retries, exponential, seed)| Config {
            reliable,
            retries_until_connected: Retries::Unlimited,
            on_unknown: if resend { OnUnknown::Resend } else { OnUnknown::Fail },
            ping_interval: keep_alive.then_some(s(10)),
            ping_timeout: keep_alive.then_some(s(25)),
            operation_retries,
            reconnect_backoff: Backoff {
                mode: if exponential { BackoffMode::Exponential } else { BackoffMode::Fixed },
                ..config().reconnect_backoff
            },
            keep: None,
            seed,
            ..config()
        },
    )
}

/// A caller that holds the session to what it may ask for.
struct Caller {
    session: Session,
    now: Duration,
    dialing: bool,
    open: bool,
    closing: bool,
    ended: bool,
    asked: u64,
    settled: HashMap<OperationId, Outcome>,
    /// Largest sequence id delivered on this connection.
    delivered: u64,
    /// A service that behaves: answers to what was sent to it.
    answers: Vec<String>,
    /// The groups it has this connection in.
    members: BTreeSet<String>,
}

impl Caller {
    fn new(config: Config) -> Self {
        Self {
            session: Session::new(config),
            now: Duration::ZERO,
            dialing: false,
            open: false,
            closing: false,
            ended: false,
            asked: 0,
            settled: HashMap::new(),
            delivered: 0,
            answers: Vec::new(),
            members: BTreeSet::new(),
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert!(!self.ended || matches!(output, Output::Settled { .. }), "{output:?} after the end");
            match output {
                Output::Dial { deadline, .. } => {
                    assert!(!self.dialing && !self.open && deadline > self.now);
                    self.dialing = true;
                }
                Output::Ponged { .. } | Output::Invoked { .. } | Output::Stream { .. } => panic!("nobody has asked"),
                Output::CancelDial => assert!(std::mem::take(&mut self.dialing)),
                Output::Send(frame) => {
                    assert!(self.open && !self.closing);
                    self.serve(frame.as_text().unwrap());
                }
                Output::Close { .. } => {
                    assert!(self.open && !self.closing);
                    self.closing = true;
                }
                Output::Abort => {
                    assert!(std::mem::take(&mut self.open));
                    self.answers.clear();
                }
                Output::Event(event) => {
                    if let Lifecycle::Connected { .. } = event {
                        self.delivered = 0;
                    }
                }
                Output::Settled { id, outcome } => {
                    let before = self.settled.insert(id, outcome);
                    assert_eq!(before, None, "{id:?} settled twice");
                }
                Output::Ended(_) => {
                    self.ended = true;
                    self.open = false;
                }
            }
        }
        if self.ended {
            assert_eq!(self.session.poll_timeout(), None);
        }
    }

    fn serve(&mut self, frame: &str) {
        let answer = |ack_id: Option<u64>| ack_id.map(|ack_id| Downstream::Ack { ack_id, result: Ok(()) });
        let answer = match decode_upstream(frame).unwrap() {
            Upstream::JoinGroup { group, ack_id } => {
                self.members.insert(group.into_owned());
                answer(ack_id)
            }
            Upstream::LeaveGroup { group, ack_id } => {
                self.members.remove(group.as_ref());
                answer(ack_id)
            }
            Upstream::SendToGroup { ack_id, .. }
            | Upstream::Event { ack_id, .. }
            | Upstream::SetGroupState { ack_id, .. }
            | Upstream::SubscribeGroupState { ack_id, .. }
            | Upstream::UnsubscribeGroupState { ack_id, .. } => answer(ack_id),
            Upstream::SequenceAck(id) => {
                assert!(id > 0);
                None
            }
            Upstream::Ping => Some(Downstream::Pong),
            other => panic!("{other:?}"),
        };
        if let Some(answer) = answer {
            let mut text = String::new();
            encode_downstream(&answer, &mut text);
            self.answers.push(text);
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let mut rounds = 0;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= until) {
            rounds = if due > self.now { 0 } else { rounds + 1 };
            assert!(rounds < 5, "a busy loop: {:?}", self.session);
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.carry_out();
        }
        self.now = until;
    }

    fn text(&mut self, text: &str) {
        let mut unpacked = Unpacked::default();
        let received = self.session.handle_frame(self.now, WireFrame::Text(text), &mut unpacked);
        if let Received::Message(message) = received {
            let id = message.sequence_id.unwrap();
            assert!(id > self.delivered, "{id} after {}", self.delivered);
            self.delivered = id;
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

    fn ask(&mut self, kind: u8, group: u8, mode: AckMode) {
        let group = format!("g{group}");
        let request = match kind {
            0 => Request::Join { group },
            1 => Request::Leave { group },
            2 => send("x"),
            _ => Request::event("e", OwnedData::text("x")),
        };
        self.session.handle_request(self.now, OperationId(self.asked), request, mode);
        self.asked += 1;
    }

    fn step(&mut self, step: SessionStep) {
        match step {
            SessionStep::Pass(millis) => self.pass(ms(millis)),
            SessionStep::Open => self.opened(),
            SessionStep::DialFailed(status) => {
                self.dialing = false;
                let class = if status == 0 { DialClass::Unreachable } else { DialClass::Status(status) };
                let failure = DialFailure { class, message: "no".into(), retry_after: None };
                self.session.handle_dial_failed(self.now, failure);
            }
            SessionStep::Text(text) => match text {
                TextFrame::Connected(id) => self.text(&connected(&format!("c{id}"))),
                TextFrame::Disconnected => self.text(&disconnected("bye")),
                TextFrame::Ack(id, 0) => self.text(&format!(r#"{{"type":"ack","ackId":{id},"success":true}}"#)),
                TextFrame::Ack(id, result) => {
                    let names = ["Duplicate", "Forbidden", "New"];
                    let name = names.get(usize::from(result) - 1).unwrap_or(&"InternalServerError");
                    let error = format!(r#"{{"name":"{name}","message":"m"}}"#);
                    self.text(&format!(r#"{{"type":"ack","ackId":{id},"success":false,"error":{error}}}"#));
                }
                TextFrame::Message(id) => self.text(&message(id)),
                TextFrame::Unknown(None) => self.text(r#"{"type":"new"}"#),
                TextFrame::Unknown(Some(id)) => self.text(&format!(r#"{{"type":"new","sequenceId":{id}}}"#)),
                TextFrame::Pong => self.text(PONG),
                TextFrame::Garbage => self.text("{"),
            },
            SessionStep::Binary => {
                drop(self.session.handle_frame(self.now, WireFrame::Binary(&[1]), &mut Unpacked::default()))
            }
            SessionStep::Life => self.session.handle_sign_of_life(self.now),
            SessionStep::Closed(cause) => self.closed(cause),
            SessionStep::Ask(kind, group, id) => self.ask(kind, group, id.map_or(AckMode::Automatic, AckMode::Id)),
            SessionStep::AskWithoutAck(kind, group) => self.ask(kind, group, AckMode::None),
            SessionStep::Stall(stalled) => self.session.handle_stalled(self.now, stalled),
            SessionStep::Stop => self.session.handle_stop(self.now),
        }
        self.carry_out();
        // What is due by now is done by now.
        self.pass(Duration::ZERO);
    }

    /// Lets a service that behaves have it for a while.
    fn behave(&mut self, time: Duration) {
        let until = self.now + time;
        let mut connections = 0;
        while self.now < until {
            if self.dialing {
                self.opened();
                self.carry_out();
                connections += 1;
                self.members.clear();
                self.text(&connected(&format!("fresh{connections}")));
                self.carry_out();
            }
            for answer in std::mem::take(&mut self.answers) {
                self.text(&answer);
                self.carry_out();
            }
            let due = self.session.poll_timeout().unwrap_or(until).min(until);
            self.pass(due.saturating_sub(self.now).min(ms(100)));
        }
    }

    fn assert_settled(&self) {
        let settled: BTreeSet<u64> = self.settled.keys().map(|id| id.0).collect();
        assert_eq!(settled, (0..self.asked).collect());
        let counts = self.session.counts();
        let done = |outcome: &&Outcome| matches!(outcome, Outcome::Acked { .. } | Outcome::Sent);
        let failed = self.settled.values().filter(|outcome| !done(outcome)).count() as u64;
        assert_eq!(counts.failed, failed);
        assert!(self.session.is_idle());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn told_to_stop_at_any_time_it_ends_in_two_seconds_with_everything_settled(
        config in configs(),
        steps in proptest::collection::vec(steps(), 0..80),
        late in proptest::collection::vec(steps(), 0..10),
    ) {
        let mut caller = Caller::new(config);
        caller.session.handle_start(caller.now);
        caller.carry_out();
        for step in steps {
            caller.step(step);
        }
        caller.step(SessionStep::Stop);
        let stopped = caller.now;
        for step in late {
            if !matches!(step, SessionStep::Pass(_)) {
                caller.step(step);
            }
        }
        caller.pass(s(2));
        prop_assert!(caller.ended && caller.now - stopped == s(2));
        caller.assert_settled();
    }

    #[test]
    fn left_to_a_service_that_behaves_it_comes_to_rest_in_the_groups_that_are_wanted(
        config in configs(),
        steps in proptest::collection::vec(steps(), 0..80),
    ) {
        let mut caller = Caller::new(config);
        caller.session.handle_start(caller.now);
        caller.carry_out();
        for step in steps {
            caller.step(step);
        }
        caller.step(SessionStep::Stall(false));
        // A connection of its own, so that no lie of the past counts.
        if caller.open {
            caller.step(SessionStep::Closed(LossCause::InvalidUtf8));
        }
        caller.behave(s(400));
        prop_assert!(!caller.ended);
        caller.assert_settled();
        let groups: Vec<_> = caller.session.groups().collect();
        prop_assert!(groups.iter().all(|(_, wanted, joined)| *wanted && *joined), "{groups:?}");
        let groups: BTreeSet<String> = groups.into_iter().map(|(group, ..)| group.to_owned()).collect();
        prop_assert_eq!(groups, caller.members);
    }
}
