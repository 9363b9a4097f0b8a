//! Answers on their way out: when they count, what is lost with a connection, and that they do not pile up.

use bytes::Bytes;

use super::client::*;
use crate::session::LossCause;
use crate::tunnel::{LostCause, TunnelConfig, TunnelEvent, TunnelFrame, TunnelMove, TunnelOutput};

#[test]
fn an_answer_counts_when_it_has_gone_out_and_is_lost_when_its_connection_goes_before() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.frame(ONE, TunnelFrame::Request(request(12)));
    bench.expect(&[ask(1, 11), ask(2, 12)]);
    bench.answer_slowly(1, Bytes::from_static(b"a"));
    bench.answer_slowly(2, Bytes::from_static(b"b"));
    bench.expect(&[send(ONE, response(11, 200, b"a")), mark(ONE, 1), send(ONE, response(12, 200, b"b")), mark(ONE, 2)]);
    assert_eq!(bench.tunnel.in_hand(), 2);
    bench.write(1);
    bench.write(1);
    bench.expect(&[settled(1, true)]);
    bench.lose(ONE);
    // The socket had carried an answer: the attempts after it are counted anew.
    let [lost, waiting] = lost_and_waiting(ONE);
    bench.expect(&[lost, settled(2, false), waiting]);
    bench.write(2);
    bench.expect(&[]);
    assert_eq!(bench.tunnel.in_hand(), 0);
}

#[test]
fn a_request_is_on_its_way_until_its_answer_has_gone_out() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.answer_slowly(1, Bytes::from_static(b"a"));
    bench.expect(&[ask(1, 11), send(ONE, response(11, 200, b"a")), mark(ONE, 1)]);
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.expect(&[event(TunnelEvent::NotAsked { request: request(11), cause: LostCause::Doubled })]);
    bench.write(1);
    bench.frame(ONE, TunnelFrame::Request(request(11)));
    bench.expect(&[settled(1, true), ask(2, 11)]);
}

#[test]
fn a_connection_that_is_to_end_is_closed_when_its_answers_have_gone_out() {
    let mut bench = TunnelBench::up();
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.frame(ONE, TunnelFrame::Reconnect(TunnelMove::default()));
    bench.answer_slowly(1, Bytes::from_static(b"x"));
    bench.pass(SECOND);
    let moved = event(TunnelEvent::Moved { socket: ONE, message: String::new(), leaves: true });
    bench.expect(&[ask(1, 1), moved, dial(TWO), send(ONE, response(1, 200, b"x")), mark(ONE, 1)]);
    bench.write(1);
    bench.expect(&[settled(1, true), TunnelOutput::Close { socket: ONE }]);
}

#[test]
fn a_connection_that_does_not_take_its_answers_is_neither_read_nor_asked_for_more() {
    const MOST: usize = 100_000;
    let mut bench = TunnelBench::new(TunnelConfig { connections: 2, most_bytes: MOST, ..config() });
    bench.greet(ONE, "c1");
    bench.greet(TWO, "c2");
    bench.outputs();
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.frame(ONE, TunnelFrame::Request(request(2)));
    bench.frame(ONE, TunnelFrame::Request(request(3)));
    bench.expect(&[ask(1, 1), ask(2, 2)]);
    assert!(bench.tunnel.reads(ONE));
    bench.answer_slowly(1, Bytes::from(vec![0; MOST]));
    assert!(!bench.tunnel.reads(ONE));
    assert!(!bench.outputs().contains(&ask(3, 3)), "what waits is not asked");
    // Another connection goes on as long as it takes its own.
    assert!(bench.tunnel.reads(TWO));
    bench.frame(TWO, TunnelFrame::Request(request(1)));
    bench.expect(&[ask(3, 1)]);
    bench.answer(3, b"x");
    let [sent, marked] = [send(TWO, response(1, 200, b"x")), mark(TWO, 3)];
    bench.expect(&[sent, marked, settled(3, true)]);
    // It takes what is its own: what waits is asked, and more is read.
    bench.write(1);
    bench.expect(&[settled(1, true), ask(4, 3)]);
    assert!(bench.tunnel.reads(ONE));
}

#[test]
fn a_connection_that_takes_nothing_of_its_answers_is_given_up() {
    let mut bench = TunnelBench::up_with(TunnelConfig { most_bytes: 1000, ..config() });
    bench.frame(ONE, TunnelFrame::Request(request(1)));
    bench.answer_slowly(1, Bytes::from(vec![0; 2000]));
    bench.outputs();
    // It takes a little from time to time.
    for _ in 0..5 {
        bench.pass(24 * SECOND);
        bench.expect(&[]);
        bench.tunnel.handle_life(bench.now, ONE);
    }
    bench.pass(25 * SECOND);
    let cause = LossCause::Broken("the service has taken nothing of its answers for 25 s".to_owned());
    let outputs = bench.outputs();
    let expected =
        [TunnelOutput::Abort { socket: ONE }, event(TunnelEvent::Lost { socket: ONE, cause }), settled(1, false)];
    assert_eq!(outputs[..3], expected);
    assert_eq!(bench.tunnel.in_hand(), 0);
}

#[test]
fn requests_take_no_more_memory_than_they_may() {
    let mut bench = TunnelBench::up_with(TunnelConfig { most_bytes: 10_000, waiting: 1000, parallel: 1, ..config() });
    let mut came = 0;
    while bench.tunnel.reads(ONE) {
        came += 1;
        let large = crate::tunnel::TunnelRequest { body: Some(Bytes::from(vec![0; 3000])), ..request(came) };
        bench.frame(ONE, TunnelFrame::Request(large));
    }
    assert_eq!(came, 4);
    bench.answer(1, b"x");
    assert!(bench.tunnel.reads(ONE), "there is room again");
}

#[test]
fn nothing_is_read_while_nobody_takes_what_is_told_and_that_is_no_silence_of_the_services() {
    let mut bench = TunnelBench::up();
    bench.tunnel.handle_stalled(bench.now, true);
    assert!(!bench.tunnel.reads(ONE));
    bench.pass(100 * SECOND);
    bench.expect(&[]);
    // But for what is to be heard before a connection is up.
    bench.lose(ONE);
    bench.pass(SECOND);
    bench.outputs();
    bench.tunnel.handle_opened(bench.now, THREE);
    assert!(bench.tunnel.reads(THREE));
    bench.greet(THREE, "c2");
    bench.expect(&[connected(THREE, "c2", 1)]);
    assert!(!bench.tunnel.reads(THREE));
    bench.pass(100 * SECOND);
    bench.expect(&[]);
    bench.tunnel.handle_stalled(bench.now, false);
    assert!(bench.tunnel.reads(THREE));
    bench.pass(10 * SECOND);
    bench.expect(&[TunnelOutput::Ping { socket: THREE }]);
}

#[test]
fn a_connection_that_is_not_up_yet_is_read_however_much_waits_on_another() {
    let mut bench = TunnelBench::up();
    (1..=5).for_each(|id| bench.frame(ONE, TunnelFrame::Request(request(id))));
    bench.frame(ONE, TunnelFrame::Rebalance(TunnelMove::default()));
    bench.outputs();
    bench.tunnel.handle_opened(bench.now, TWO);
    assert!(!bench.tunnel.reads(ONE) && bench.tunnel.reads(TWO));
    bench.greet(TWO, "c2");
    bench.expect(&[connected(TWO, "c2", 2)]);
    assert!(!bench.tunnel.reads(TWO), "from then on it waits as the other does");
    bench.pass(100 * SECOND);
    bench.expect(&[]);
}

#[test]
fn a_service_has_its_time_to_take_answers_from_when_there_are_some() {
    let mut bench = TunnelBench::up_with(TunnelConfig { most_bytes: 2000, ..config() });
    let large = crate::tunnel::TunnelRequest { body: Some(Bytes::from(vec![0; 3000])), ..request(1) };
    bench.frame(ONE, TunnelFrame::Request(large));
    assert!(!bench.tunnel.reads(ONE), "so much is at the application");
    bench.pass(60 * SECOND);
    bench.answer_slowly(1, Bytes::from(vec![0; 3000]));
    assert!(!bench.tunnel.reads(ONE), "so much is to be taken");
    bench.outputs();
    bench.pass(24 * SECOND);
    bench.expect(&[]);
    bench.write(1);
    bench.expect(&[settled(1, true)]);
    bench.pass(9 * SECOND);
    bench.expect(&[]);
}
