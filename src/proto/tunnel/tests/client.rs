//! The application's end, step by step.

use std::time::Duration;

use bytes::Bytes;

use crate::session::{Backoff, BackoffMode, DialClass, DialFailure, EndKind, LossCause, Retries};
use crate::tunnel::{
    KeyedRequest, LostCause, MAX_TUNNEL_FRAME_BYTES, RequestKey, Tracing, TunnelClient, TunnelConfig,
    TunnelDestination, TunnelEnd, TunnelEvent, TunnelFrame, TunnelMove, TunnelOutput, TunnelRequest, TunnelResponse,
    TunnelSocket, encode_tunnel,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
pub(super) const ONE: TunnelSocket = TunnelSocket(1);
pub(super) const TWO: TunnelSocket = TunnelSocket(2);
pub(super) const THREE: TunnelSocket = TunnelSocket(3);

pub(super) fn config() -> TunnelConfig {
    TunnelConfig {
        connections: 1,
        connect_timeout: 30 * SECOND,
        retries_until_connected: Retries::Limited(1),
        retries_once_connected: Retries::Unlimited,
        backoff: Backoff { mode: BackoffMode::Fixed, delay: SECOND, max_delay: 10 * SECOND },
        ping_interval: Some(10 * SECOND),
        ping_timeout: Some(25 * SECOND),
        leave_timeout: 10 * SECOND,
        stop_timeout: 2 * SECOND,
        parallel: 2,
        waiting: 3,
        most_bytes: 1 << 20,
        seed: 7,
    }
}

/// A tunnel and its clock.
pub(super) struct TunnelBench {
    pub(super) tunnel: TunnelClient,
    pub(super) now: Duration,
}

impl TunnelBench {
    /// With its first connection up, and nothing to be looked at.
    pub(super) fn up() -> Self {
        Self::up_with(config())
    }

    pub(super) fn up_with(config: TunnelConfig) -> Self {
        let mut bench = Self::new(config);
        bench.expect(&[dial(ONE)]);
        bench.greet(ONE, "c1");
        bench.expect(&[connected(ONE, "c1", 1)]);
        bench
    }

    pub(super) fn new(config: TunnelConfig) -> Self {
        Self { tunnel: TunnelClient::new(config, Duration::ZERO), now: Duration::ZERO }
    }

    pub(super) fn greet(&mut self, socket: TunnelSocket, id: &str) {
        self.tunnel.handle_opened(self.now, socket);
        self.frame(
            socket,
            TunnelFrame::Connected {
                connection_id: id.to_owned(),
                user_id: None,
                reconnection_token: None,
                tracing: Tracing::Null,
            },
        );
    }

    /// Through the codec, as it comes.
    pub(super) fn frame(&mut self, socket: TunnelSocket, frame: TunnelFrame) {
        self.tunnel.handle_message(self.now, socket, &encode_tunnel(&frame));
    }

    /// Which goes out at once.
    pub(super) fn answer(&mut self, key: u64, body: &'static [u8]) {
        self.answer_slowly(key, Bytes::from_static(body));
        self.write(key);
    }

    /// Which stays here until [`Self::write`].
    pub(super) fn answer_slowly(&mut self, key: u64, body: Bytes) {
        self.tunnel.handle_answer(self.now, RequestKey(key), 200, Vec::new(), body);
    }

    pub(super) fn write(&mut self, key: u64) {
        self.tunnel.handle_written(self.now, RequestKey(key));
    }

    pub(super) fn lose(&mut self, socket: TunnelSocket) {
        self.tunnel.handle_lost(self.now, socket, broken());
    }

    /// Goes on, and meets every deadline on the way.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.tunnel.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.tunnel.handle_timeout(self.now);
        }
        self.now = end;
    }

    pub(super) fn outputs(&mut self) -> Vec<TunnelOutput> {
        std::iter::from_fn(|| self.tunnel.poll_output()).collect()
    }

    #[track_caller]
    pub(super) fn expect(&mut self, outputs: &[TunnelOutput]) {
        assert_eq!(self.outputs(), outputs);
    }
}

pub(super) fn broken() -> LossCause {
    LossCause::Broken("reset".into())
}

pub(super) fn dial(socket: TunnelSocket) -> TunnelOutput {
    TunnelOutput::Dial { socket, place: TunnelDestination::default() }
}

pub(super) fn event(event: TunnelEvent) -> TunnelOutput {
    TunnelOutput::Event(event)
}

pub(super) fn connected(socket: TunnelSocket, id: &str, connections: usize) -> TunnelOutput {
    event(TunnelEvent::Connected { socket, connection_id: id.into(), connections })
}

pub(super) fn request(ack_id: i64) -> TunnelRequest {
    TunnelRequest {
        ack_id,
        method: "POST".into(),
        url: "https://h/p?q=1".into(),
        headers: Some(Vec::new()),
        local_routing: true,
        channel_name: "ch".into(),
        tracing: Tracing::Null,
        body: Some(Bytes::from_static(b"b")),
    }
}

pub(super) fn ask(key: u64, ack_id: i64) -> TunnelOutput {
    TunnelOutput::Ask(KeyedRequest { key: RequestKey(key), request: request(ack_id) })
}

pub(super) fn response(ack_id: i64, status: u16, body: &'static [u8]) -> TunnelFrame {
    TunnelFrame::Response(TunnelResponse {
        ack_id,
        status,
        headers: Some(Vec::new()),
        local_routing: true,
        channel_name: "ch".into(),
        body: Some(Bytes::from_static(body)),
        ..TunnelResponse::default()
    })
}

pub(super) fn settled(key: u64, delivered: bool) -> TunnelOutput {
    event(TunnelEvent::Settled { key: RequestKey(key), delivered })
}

pub(super) fn send(socket: TunnelSocket, frame: TunnelFrame) -> TunnelOutput {
    TunnelOutput::Send { socket, frame }
}

pub(super) fn mark(socket: TunnelSocket, key: u64) -> TunnelOutput {
    TunnelOutput::Mark { socket, key: RequestKey(key) }
}

/// An answer that was sent, and has gone out.
fn answered(socket: TunnelSocket, key: u64, frame: TunnelFrame) -> [TunnelOutput; 3] {
    [send(socket, frame), mark(socket, key), settled(key, true)]
}

fn elsewhere() -> TunnelMove {
    TunnelMove {
        target_id: "t 1".into(),
        endpoint: "https://other".into(),
        message: "update".into(),
        tracing: Tracing::Null,
    }
}

fn dial_elsewhere(socket: TunnelSocket) -> TunnelOutput {
    let place = TunnelDestination { endpoint: Some("https://other".into()), target: Some("t 1".into()) };
    TunnelOutput::Dial { socket, place }
}

pub(super) fn lost_and_waiting(socket: TunnelSocket) -> [TunnelOutput; 2] {
    [
        event(TunnelEvent::Lost { socket, cause: broken() }),
        event(TunnelEvent::Waiting { attempt: 1, delay: SECOND, error: "the connection was lost: reset".into() }),
    ]
}

#[test]
fn requests_in_parallel_are_answered_in_any_order_where_they_came() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.frame(ONE, TunnelFrame::Request(request(12)));
    bench.expect(&[ask(1, 11), ask(2, 12)]);
    bench.answer(2, b"second");
    bench.answer(1, b"first");
    let second = answered(ONE, 2, response(12, 200, b"second"));
    bench.expect(&[second, answered(ONE, 1, response(11, 200, b"first"))].concat());
    assert_eq!(bench.tunnel.in_hand(), 0);
}

#[test]
fn no_request_is_answered_twice_nor_asked_twice_while_it_is_on_its_way() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.expect(&[ask(1, 11)]);
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.expect(&[event(TunnelEvent::NotAsked { request: request(11), cause: LostCause::Doubled })]);
    bench.answer(1, b"a");
    bench.answer(1, b"b");
    bench.expect(&answered(ONE, 1, response(11, 200, b"a")));
    // The same number may be used again then: it is another request.
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.expect(&[ask(2, 11)]);
}

#[test]
fn more_requests_than_may_be_asked_wait_and_then_nothing_is_read() {
    let mut bench = TunnelBench::up();
    for id in 1..=5 {
        assert!(bench.tunnel.reads(ONE), "{id}");
        bench.frame(ONE, TunnelFrame::Request(request(id)));
    }
    assert!(!bench.tunnel.reads(ONE));
    bench.expect(&[ask(1, 1), ask(2, 2)]);
    // Silence is ours while nothing is read.
    bench.pass(100 * SECOND);
    bench.expect(&[]);
    bench.answer(1, b"x");
    let [sent, marked, settled] = answered(ONE, 1, response(1, 200, b"x"));
    bench.expect(&[sent, marked, ask(3, 3), settled]);
    assert!(bench.tunnel.reads(ONE));
    bench.pass(9 * SECOND);
    bench.expect(&[]);
    bench.pass(SECOND);
    bench.expect(&[TunnelOutput::Ping { socket: ONE }]);
}

#[test]
fn a_large_answer_goes_in_pieces_before_any_other() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.expect(&[ask(1, 1)]);
    let body = Bytes::from(vec![7; 2 * MAX_TUNNEL_FRAME_BYTES]);
    bench.tunnel.handle_answer(bench.now, RequestKey(1), 200, Vec::new(), body);
    let mut sizes = Vec::new();
    while let Some(output) = bench.tunnel.poll_output() {
        match output {
            TunnelOutput::Send { frame: TunnelFrame::Response(piece), .. } => {
                sizes.push((piece.body.unwrap().len(), piece.not_completed));
            }
            other => assert_eq!(other, mark(ONE, 1)),
        }
    }
    assert_eq!(sizes.iter().map(|(size, _)| size).sum::<usize>(), 2 * MAX_TUNNEL_FRAME_BYTES);
    assert_eq!(sizes.iter().map(|(_, more)| *more).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn what_was_asked_before_a_drop_is_said_to_be_lost_and_what_waits_is_not_asked() {
    let mut bench = TunnelBench::up();
    for id in 1..=3 {
        bench.frame(ONE, TunnelFrame::Request(request(id)));
    }
    bench.expect(&[ask(1, 1), ask(2, 2)]);
    bench.lose(ONE);
    let [lost, waiting] = lost_and_waiting(ONE);
    bench.expect(&[lost, event(TunnelEvent::NotAsked { request: request(3), cause: LostCause::Gone }), waiting]);
    bench.answer(1, b"late");
    bench.expect(&[settled(1, false)]);
    // The new connection does not get the answer either, which belongs to another.
    bench.pass(SECOND);
    bench.expect(&[dial(THREE)]);
    bench.greet(THREE, "c2");
    bench.expect(&[connected(THREE, "c2", 1)]);
    bench.answer(2, b"late");
    bench.expect(&[settled(2, false)]);
}

#[test]
fn a_reconnect_message_dials_the_other_place_and_finishes_the_requests_in_hand_first() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.expect(&[ask(1, 1)]);
    bench.frame(ONE, TunnelFrame::Reconnect(elsewhere()));
    let moved = event(TunnelEvent::Moved { socket: ONE, message: "update".into(), leaves: true });
    bench.expect(&[moved, dial_elsewhere(TWO)]);
    bench.greet(TWO, "c2");
    bench.expect(&[connected(TWO, "c2", 1)]);
    // A second such message on the connection that leaves changes nothing.
    bench.frame(ONE, TunnelFrame::Reconnect(elsewhere()));
    bench.expect(&[]);
    // One that was on its way is answered, too.
    bench.frame(ONE, TunnelFrame::Request(request(2)));
    bench.expect(&[ask(2, 2)]);
    bench.answer(1, b"x");
    bench.expect(&answered(ONE, 1, response(1, 200, b"x")));
    bench.answer(2, b"y");
    bench.expect(&answered(ONE, 2, response(2, 200, b"y")));
    bench.pass(SECOND / 2);
    bench.expect(&[TunnelOutput::Close { socket: ONE }]);
    bench.tunnel.handle_lost(bench.now, ONE, LossCause::Close { code: 1000, reason: String::new() });
    bench.expect(&[]);
    // It comes back to the other place.
    bench.now += 10 * SECOND;
    bench.lose(TWO);
    bench.expect(&lost_and_waiting(TWO));
    bench.pass(SECOND);
    bench.expect(&[dial_elsewhere(TunnelSocket(4))]);
}

#[test]
fn a_connection_that_is_to_end_waits_for_its_answers_only_so_long() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.frame(ONE, TunnelFrame::Reconnect(TunnelMove::default()));
    let moved = event(TunnelEvent::Moved { socket: ONE, message: String::new(), leaves: true });
    bench.expect(&[ask(1, 1), moved, dial(TWO)]);
    bench.greet(TWO, "c2");
    bench.expect(&[connected(TWO, "c2", 1)]);
    bench.pass(10 * SECOND);
    bench.expect(&[TunnelOutput::Close { socket: ONE }, TunnelOutput::Ping { socket: TWO }]);
    bench.frame(ONE, TunnelFrame::Request(request(2)));
    bench.expect(&[event(TunnelEvent::NotAsked { request: request(2), cause: LostCause::Closing })]);
    bench.answer(1, b"late");
    bench.expect(&[settled(1, false)]);
    bench.pass(2 * SECOND);
    bench.expect(&[TunnelOutput::Abort { socket: ONE }]);
}

#[test]
fn a_rebalance_message_dials_one_more_and_keeps_this_one() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Rebalance(elsewhere()));
    let moved = event(TunnelEvent::Moved { socket: ONE, message: "update".into(), leaves: false });
    bench.expect(&[moved, dial_elsewhere(TWO)]);
    bench.greet(TWO, "c2");
    bench.expect(&[connected(TWO, "c2", 2)]);
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.frame(TWO, TunnelFrame::Request(request(1)));
    bench.expect(&[ask(1, 1), ask(2, 1)]);
    bench.answer(2, b"two");
    bench.answer(1, b"one");
    let two = answered(TWO, 2, response(1, 200, b"two"));
    bench.expect(&[two, answered(ONE, 1, response(1, 200, b"one"))].concat());
}

#[test]
fn a_service_that_never_stops_rebalancing_is_not_followed_for_ever() {
    let mut bench = TunnelBench::up();
    for _ in 0..200 {
        bench.frame(ONE, TunnelFrame::Rebalance(elsewhere()));
    }
    let dials = std::iter::from_fn(|| bench.tunnel.poll_output());
    assert_eq!(dials.filter(|output| matches!(output, TunnelOutput::Dial { .. })).count(), 63);
}

#[test]
fn a_close_message_ends_the_run_with_the_last_connection_and_only_then() {
    let close = |message: &str| TunnelFrame::Close { message: message.into(), tracing: Tracing::Null };
    let dismissed = |socket, message: &str| event(TunnelEvent::Dismissed { socket, message: message.into() });
    let mut bench = TunnelBench::new(TunnelConfig { connections: 2, ..config() });
    bench.expect(&[dial(ONE), dial(TWO)]);
    bench.greet(ONE, "c1");
    bench.greet(TWO, "c2");
    bench.expect(&[connected(ONE, "c1", 1), connected(TWO, "c2", 2)]);
    bench.frame(ONE, close("one"));
    bench.expect(&[dismissed(ONE, "one")]);
    bench.pass(SECOND / 2);
    bench.expect(&[TunnelOutput::Close { socket: ONE }]);
    bench.lose(ONE);
    bench.expect(&[]);
    bench.frame(TWO, TunnelFrame::Request(request(1)));
    bench.frame(TWO, close("two"));
    bench.expect(&[ask(1, 1), dismissed(TWO, "two")]);
    bench.pass(SECOND);
    bench.expect(&[]);
    bench.answer(1, b"x");
    let answered = answered(TWO, 1, response(1, 200, b"x"));
    bench.expect(&[&answered[..], &[TunnelOutput::Close { socket: TWO }]].concat());
    bench.lose(TWO);
    bench.expect(&[TunnelOutput::Ended(TunnelEnd::Dismissed { message: "two".into() })]);
}

#[test]
fn a_text_of_the_service_and_what_is_no_frame_change_nothing() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Status { message: "hello".into(), tracing: Tracing::Absent });
    bench.expect(&[event(TunnelEvent::Told { socket: ONE, message: "hello".into() })]);
    bench.tunnel.handle_message(bench.now, ONE, &Bytes::from_static(b"garbage"));
    bench.tunnel.handle_text(bench.now, ONE);
    let malformed = std::iter::from_fn(|| bench.tunnel.poll_output());
    assert_eq!(
        malformed.filter(|output| matches!(output, TunnelOutput::Event(TunnelEvent::Malformed { .. }))).count(),
        2
    );
    // An answer, which nobody has asked for.
    bench.frame(ONE, response(1, 200, b"x"));
    bench.expect(&[]);
    assert_eq!(bench.tunnel.connections(), 1);
}

#[test]
fn silence_is_asked_into_and_then_the_connection_is_given_up() {
    let mut bench = TunnelBench::up();
    bench.pass(10 * SECOND);
    bench.expect(&[TunnelOutput::Ping { socket: ONE }]);
    bench.tunnel.handle_life(bench.now, ONE);
    bench.pass(24 * SECOND);
    bench.expect(&[TunnelOutput::Ping { socket: ONE }, TunnelOutput::Ping { socket: ONE }]);
    bench.pass(SECOND);
    let cause = LossCause::Silent(25 * SECOND);
    bench.expect(&[
        TunnelOutput::Abort { socket: ONE },
        event(TunnelEvent::Lost { socket: ONE, cause }),
        event(TunnelEvent::Waiting {
            attempt: 1,
            delay: SECOND,
            error: "the connection was lost: nothing was received for 25 s".into(),
        }),
    ]);
}

#[test]
fn a_socket_without_its_first_frame_is_no_connection() {
    let mut bench = TunnelBench::new(config());
    bench.expect(&[dial(ONE)]);
    bench.pass(10 * SECOND);
    bench.tunnel.handle_opened(bench.now, ONE);
    bench.pass(20 * SECOND);
    let error = "the socket opened, and the service did not say within 30 s that the connection is up".to_owned();
    bench.expect(&[
        TunnelOutput::Abort { socket: ONE },
        event(TunnelEvent::Waiting { attempt: 1, delay: SECOND, error }),
    ]);
    bench.pass(SECOND);
    bench.expect(&[dial(THREE)]);
    bench.pass(30 * SECOND);
    let message = "timed out after 30 s".to_owned();
    let end = TunnelEnd::Failed { kind: EndKind::Unreachable, message };
    bench.expect(&[TunnelOutput::Abort { socket: THREE }, TunnelOutput::Ended(end)]);
}

#[test]
fn what_will_not_change_is_not_tried_again_and_what_may_is_for_ever_once_connected() {
    let failure = |class| DialFailure { class, message: "no".into(), retry_after: None };
    for (class, kind) in [
        (DialClass::Status(401), EndKind::Unauthorized),
        (DialClass::Status(404), EndKind::HandshakeRefused),
        (DialClass::Certificate, EndKind::Unreachable),
        (DialClass::Configuration, EndKind::Configuration),
    ] {
        let mut bench = TunnelBench::new(config());
        bench.expect(&[dial(ONE)]);
        bench.tunnel.handle_dial_failed(bench.now, ONE, failure(class));
        bench.expect(&[TunnelOutput::Ended(TunnelEnd::Failed { kind, message: "no".into() })]);
    }
    let mut bench = TunnelBench::up();
    bench.lose(ONE);
    bench.expect(&lost_and_waiting(ONE));
    for attempt in 2..50 {
        bench.pass(SECOND);
        let Some(TunnelOutput::Dial { socket, .. }) = bench.tunnel.poll_output() else { panic!("no dial") };
        bench.tunnel.handle_dial_failed(bench.now, socket, failure(DialClass::Unreachable));
        bench.expect(&[event(TunnelEvent::Waiting { attempt, delay: SECOND, error: "no".into() })]);
    }
}

#[test]
fn the_pause_grows_with_connections_that_come_to_nothing_and_not_with_those_that_served() {
    let attempt_after = |serves: bool| {
        let mut bench = TunnelBench::up();
        let mut socket = ONE;
        let mut attempts = Vec::new();
        for round in 1..=3 {
            if serves {
                bench.frame(socket, TunnelFrame::Request(request(1)));
                bench.answer(round, b"x");
            }
            bench.lose(socket);
            bench.pass(SECOND);
            for output in std::iter::from_fn(|| bench.tunnel.poll_output()).collect::<Vec<_>>() {
                match output {
                    TunnelOutput::Event(TunnelEvent::Waiting { attempt, .. }) => attempts.push(attempt),
                    TunnelOutput::Dial { socket: next, .. } => socket = next,
                    _ => {}
                }
            }
            bench.greet(socket, "c");
        }
        attempts
    };
    assert_eq!(attempt_after(false), [1, 2, 3]);
    assert_eq!(attempt_after(true), [1, 1, 1]);
}

#[test]
fn the_service_may_ask_for_a_longer_pause() {
    let mut bench = TunnelBench::new(config());
    bench.expect(&[dial(ONE)]);
    let failure = DialFailure { class: DialClass::Status(503), message: "busy".into(), retry_after: Some(5 * SECOND) };
    bench.tunnel.handle_dial_failed(bench.now, ONE, failure);
    bench.expect(&[event(TunnelEvent::Waiting { attempt: 1, delay: 5 * SECOND, error: "busy".into() })]);
    bench.pass(4 * SECOND);
    bench.expect(&[]);
    bench.pass(SECOND);
    bench.expect(&[dial(THREE)]);
}

#[test]
fn the_service_may_not_ask_for_a_day() {
    let mut bench = TunnelBench::new(config());
    bench.expect(&[dial(ONE)]);
    let longest = config().backoff.max_delay;
    let retry_after = Some(longest + SECOND);
    let failure = DialFailure { class: DialClass::Status(503), message: "busy".into(), retry_after };
    bench.tunnel.handle_dial_failed(bench.now, ONE, failure);
    let told = format!(
        "busy; asked to wait {} s, more than the longest pause of {} s",
        (longest + SECOND).as_secs_f64(),
        longest.as_secs_f64()
    );
    bench.expect(&[TunnelOutput::Ended(TunnelEnd::Failed { kind: EndKind::Unreachable, message: told })]);
}

#[test]
fn a_service_that_moves_connections_without_end_keeps_its_tunnel() {
    let mut bench = TunnelBench::up();
    let mut newest = ONE;
    let mut dials = 0;
    for _ in 0..500 {
        bench.frame(newest, TunnelFrame::Reconnect(TunnelMove::default()));
        for _ in 0..100 {
            let outputs: Vec<_> = std::iter::from_fn(|| bench.tunnel.poll_output()).collect();
            for output in outputs {
                match output {
                    TunnelOutput::Dial { socket, .. } => {
                        dials += 1;
                        newest = socket;
                        bench.greet(socket, "c");
                    }
                    TunnelOutput::Ended(end) => panic!("it ends after {dials} dials: {end:?}"),
                    TunnelOutput::Close { socket } => bench.lose(socket),
                    _ => {}
                }
            }
            if bench.tunnel.connections() > 0 {
                break;
            }
            bench.pass(SECOND / 10);
        }
        assert!(bench.tunnel.connections() > 0, "no connection after {dials} dials");
    }
    // Not faster than it can be followed: each that leaves takes half a second at least.
    assert!(bench.now > 5 * SECOND, "{:?}", bench.now);
}

#[test]
fn one_connection_that_is_refused_for_good_does_not_end_the_others() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Rebalance(TunnelMove::default()));
    let moved = event(TunnelEvent::Moved { socket: ONE, message: String::new(), leaves: false });
    bench.expect(&[moved, dial(TWO)]);
    let failure = DialFailure { class: DialClass::Status(401), message: "no".into(), retry_after: None };
    bench.tunnel.handle_dial_failed(bench.now, TWO, failure);
    bench.expect(&[event(TunnelEvent::GivenUp { error: "no".into() })]);
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.expect(&[ask(1, 1)]);
}

#[test]
fn a_stop_lets_what_is_at_the_application_finish_and_refuses_the_rest() {
    let mut bench = TunnelBench::up();
    for id in 1..=3 {
        bench.frame(ONE, TunnelFrame::Request(request(id)));
    }
    bench.expect(&[ask(1, 1), ask(2, 2)]);
    bench.tunnel.stop(bench.now);
    let refused = |key, id| {
        let refused = TunnelEvent::Refused { key: RequestKey(key), request: request(id), status: 503 };
        [event(refused), send(ONE, response(id, 503, b"")), mark(ONE, key)]
    };
    bench.expect(&refused(3, 3));
    bench.write(3);
    bench.expect(&[settled(3, true)]);
    bench.frame(ONE, TunnelFrame::Request(request(4)));
    bench.expect(&refused(4, 4));
    bench.answer(1, b"x");
    bench.expect(&answered(ONE, 1, response(1, 200, b"x")));
    bench.pass(1750 * MILLISECOND);
    bench.expect(&[TunnelOutput::Close { socket: ONE }]);
    assert_eq!(bench.tunnel.in_hand(), 2);
    // What was sent last has not gone out; the rest of the two seconds is the close frame's.
    bench.pass(SECOND / 4);
    bench.expect(&[TunnelOutput::Abort { socket: ONE }, settled(4, false), TunnelOutput::Ended(TunnelEnd::Stopped)]);
}

#[test]
fn a_stop_ends_what_is_not_up_at_once() {
    let mut bench = TunnelBench::new(TunnelConfig { connections: 2, ..config() });
    bench.expect(&[dial(ONE), dial(TWO)]);
    bench.tunnel.handle_opened(bench.now, TWO);
    bench.tunnel.stop(bench.now);
    bench.expect(&[
        TunnelOutput::Abort { socket: ONE },
        TunnelOutput::Abort { socket: TWO },
        TunnelOutput::Ended(TunnelEnd::Stopped),
    ]);
    assert_eq!(bench.tunnel.poll_timeout(), None);
}
