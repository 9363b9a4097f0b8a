//! What a session says of itself, and pings that its user asks for.

use super::*;

const PINGED: PingId = PingId(7);

#[test]
fn the_status_follows_the_connection() {
    let b = Bench::dialing(config());
    assert_eq!(b.session.status(b.now).standing, Standing::Connecting);
    assert_eq!(b.session.status(b.now).connection_id, None);
    let mut b = Bench::live(config());
    b.pass(s(3));
    assert!(b.message(1));
    let status = b.session.status(b.now);
    assert_eq!((status.standing, status.connection_id.as_deref()), (Standing::Connected, Some("c1")));
    assert_eq!((status.user_id.as_deref(), status.connected_for), (Some("alice"), Some(s(3))));
    assert_eq!((status.last_sequence_id, status.counts.received, status.round_trip), (Some(1), 1, None));
    let b = Bench::recovering(config());
    let status = b.session.status(b.now);
    assert_eq!((status.standing, status.connection_id.as_deref()), (Standing::Recovering, Some("c1")));
    let mut b = Bench::live(config());
    b.session.handle_stop(b.now);
    assert_eq!(b.session.status(b.now).standing, Standing::Stopped);
}

#[test]
fn a_ping_is_answered_by_the_pong_that_belongs_to_it() {
    let mut b = Bench::live(config());
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
    let mut b = Bench::dialing(config());
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
    let mut b = Bench::live(config());
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
