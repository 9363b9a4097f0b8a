//! What a session says of itself, and pings that its user asks for.

use super::*;

const PINGED: PingId = PingId(7);

#[test]
fn the_status_follows_the_connection() {
    let b = SessionBench::dialing(config());
    assert_eq!(b.session.status(b.now).standing, Standing::Connecting);
    assert_eq!(b.session.status(b.now).connection_id, None);
    let mut b = SessionBench::live(config());
    b.pass(s(3));
    assert!(b.message(1));
    let status = b.session.status(b.now);
    assert_eq!((status.standing, status.connection_id.as_deref()), (Standing::Connected, Some("c1")));
    assert_eq!((status.user_id.as_deref(), status.connected_for), (Some("alice"), Some(s(3))));
    assert_eq!((status.last_sequence_id, status.counts.received, status.round_trip), (Some(1), 1, None));
    let b = SessionBench::recovering(config());
    let status = b.session.status(b.now);
    assert_eq!((status.standing, status.connection_id.as_deref()), (Standing::Recovering, Some("c1")));
    let mut b = SessionBench::live(config());
    b.session.handle_stop(b.now);
    assert_eq!(b.session.status(b.now).standing, Standing::Stopped);
}

#[test]
fn a_ping_is_answered_by_the_pong_that_belongs_to_it() {
    let mut b = SessionBench::live(config());
    // One of the session's own comes first.
    b.pass(s(10));
    b.says(&[PING]);
    b.session.handle_ping(b.now, PINGED);
    b.says(&[PING]);
    b.pass(ms(20));
    b.control(PONG);
    b.says(&[]);
    assert_eq!(b.session.status(b.now).round_trip, Some(ms(20)));
    b.pass(ms(5));
    b.control(PONG);
    b.says(&["pong 7 after 25ms"]);
    assert_eq!(b.session.status(b.now).round_trip, Some(ms(25)));
    // A pong that nobody asked for is nobody's.
    b.control(PONG);
    b.says(&[]);
}

#[test]
fn a_ping_without_a_connection_waits_for_one() {
    let mut b = SessionBench::dialing(config());
    b.session.handle_ping(b.now, PINGED);
    b.says(&[]);
    b.open();
    b.text(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#, PING]);
    b.pass(ms(3));
    b.control(PONG);
    b.says(&["pong 7 after 3ms"]);
}

#[test]
fn a_ping_under_which_the_socket_is_lost_is_asked_again() {
    let mut b = SessionBench::live(config());
    b.pass(s(2));
    b.session.handle_ping(b.now, PINGED);
    b.says(&[PING]);
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 7s"]);
    b.open();
    // The one that is to prove the connection.
    b.says(&[PING]);
    b.control(PONG);
    b.says(&["recovered c1, attempts 1, down 0ns", PING]);
    b.pass(ms(4));
    b.control(PONG);
    b.says(&["pong 7 after 4ms"]);
}

/// A ping every second from `first` on, so many.
fn ping_each_second(b: &mut SessionBench, first: u64, count: u64) {
    for id in first..first + count {
        b.pass(s(1));
        b.session.handle_ping(b.now, PingId(id));
        b.says(&[PING]);
    }
}

#[test]
fn a_ping_that_is_left_without_an_answer_does_not_make_the_later_ones_late() {
    let mut b = SessionBench::live(config());
    ping_each_second(&mut b, 1, 1);
    b.pass(ms(2));
    b.control(PONG);
    b.says(&["pong 1 after 2ms"]);
    // This one has no answer.
    ping_each_second(&mut b, 2, 1);
    for (id, took) in [(3, 3), (4, 4), (5, 40)] {
        ping_each_second(&mut b, id, 1);
        b.pass(ms(took));
        b.control(PONG);
        b.says(&[&format!("pong {id} after {took}ms")]);
    }
    // Nor is the answer to one of the session's own taken for its.
    b.pass(s(10));
    b.says(&[PING]);
    b.pass(ms(2));
    b.control(PONG);
    b.says(&[]);
}

#[test]
fn answers_that_are_late_together_belong_to_the_pings_in_their_order() {
    let mut b = SessionBench::live(config());
    ping_each_second(&mut b, 1, 1);
    b.pass(ms(2));
    b.control(PONG);
    b.says(&["pong 1 after 2ms"]);
    ping_each_second(&mut b, 2, 3);
    b.pass(ms(500));
    for (id, took) in [(2, "2.5s"), (3, "1.5s"), (4, "500ms")] {
        b.control(PONG);
        b.says(&[&format!("pong {id} after {took}")]);
    }
    // Also where the answer to the last one could have been expected: none is lost for that.
    ping_each_second(&mut b, 5, 1);
    b.pass(ms(2));
    b.control(PONG);
    b.says(&["pong 5 after 2ms"]);
    ping_each_second(&mut b, 6, 2);
    b.pass(ms(50));
    b.control(PONG);
    b.control(PONG);
    b.says(&["pong 7 after 50ms", "pong 6 after 1.05s"]);
}
