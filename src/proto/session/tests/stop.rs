//! Stop means stop, in every phase, within two seconds (PROTOCOL §19.12).

use super::*;

#[test]
fn stopped_before_the_start_it_ends() {
    let mut b = SessionBench::idle(config());
    b.send("a");
    b.stop();
    b.says(&["#1 not sent: the session was stopped", "ended: stopped"]);
    b.session.handle_start(b.now);
    b.quiet(s(100));
}

#[test]
fn stopped_during_a_dial_the_dial_is_dropped() {
    let mut b = SessionBench::dialing(config());
    b.send("a");
    b.stop();
    b.says(&["cancel the dial", "#1 not sent: the session was stopped", "ended: stopped"]);
    // Its result was already on its way.
    b.open();
    b.control(CONNECTED);
    b.dial_failed(DialClass::Unreachable);
    b.cut();
    b.stop();
    b.quiet(s(100));
}

#[test]
fn stopped_while_greeting_the_socket_is_closed() {
    let mut b = SessionBench::dialing(config());
    b.open();
    b.stop();
    b.says(&["close 1000"]);
    b.control(CONNECTED);
    b.says(&[]);
    b.close(1000);
    b.says(&["ended: stopped"]);
    assert!(!b.session.was_connected());
}

#[test]
fn stopped_while_live_everything_settles_and_what_has_arrived_is_acknowledged() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    b.send("a");
    b.says(&[&sends("a", 1)]);
    b.stop();
    b.says(&[&acknowledges(1), "#1 unknown 1: the session was stopped", "close 1000"]);
    // Nothing of what comes now counts any more.
    b.control(&message(2));
    b.control(r#"{"type":"ack","ackId":1,"success":true}"#);
    assert_eq!(b.session.handle_frame(b.now, WireFrame::Binary(&[1]), &mut Unpacked::default()), Received::Control);
    b.send("late");
    b.says(&["#2 not sent: the session has ended"]);
    b.stop();
    b.stall();
    b.says(&[]);
    b.close(1000);
    b.says(&["ended: stopped"]);
    b.quiet(s(100));
    assert_eq!(b.session.counts().received, 1);
}

#[test]
fn a_peer_that_does_not_answer_the_close_has_two_seconds() {
    let mut b = SessionBench::live(config());
    b.stop();
    b.says(&["close 1000"]);
    b.quiet(ms(1_799));
    b.control(PONG);
    b.pass(ms(1));
    b.says(&["abort", "ended: stopped"]);
}

#[test]
fn a_socket_that_breaks_while_closing_is_closed() {
    let mut b = SessionBench::live(config());
    b.stop();
    b.says(&["close 1000"]);
    b.cut();
    b.says(&["ended: stopped"]);
}

#[test]
fn stopped_while_recovering_it_ends_in_every_step() {
    // Dialling.
    let mut b = SessionBench::recovering(config());
    b.stop();
    b.says(&["cancel the dial", "ended: stopped"]);
    b.open();
    b.quiet(s(100));
    // Between attempts.
    let mut b = SessionBench::recovering(config());
    b.dial_failed(DialClass::Unreachable);
    b.says(&["recovery failed: no"]);
    b.stop();
    b.says(&["ended: stopped"]);
    b.quiet(s(100));
    // Held.
    let mut b = SessionBench::live(config());
    b.stall();
    b.cut();
    b.says(&["recovering c1: reset"]);
    b.stop();
    b.says(&["ended: stopped"]);
    b.unstall();
    b.quiet(s(100));
    // Proving: there is a socket to close.
    let mut b = SessionBench::recovering(config());
    b.send("a");
    b.open();
    b.says(&[PING]);
    b.stop();
    b.says(&["#1 not sent: the session was stopped", "close 1000"]);
    b.control(PONG);
    b.says(&[]);
    b.pass(s(2));
    b.says(&["abort", "ended: stopped"]);
}

#[test]
fn stopped_while_backing_off_it_ends_at_once() {
    let mut b = SessionBench::dialing(config());
    b.dial_failed(DialClass::Unreachable);
    b.says(&["attempt failed: no", "reconnecting 1 in 1s: no"]);
    b.stop();
    b.says(&["ended: stopped"]);
    b.quiet(s(100));
}

#[test]
fn stopped_in_the_same_moment_as_the_loss_it_does_not_come_back() {
    let mut b = SessionBench::live(config());
    b.pass(s(2));
    b.cut();
    b.stop();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 7s", "cancel the dial", "ended: stopped"]);
    b.quiet(s(100));
}

#[test]
fn stopped_with_a_rejoin_in_flight_nothing_is_reported_about_it() {
    let mut b = SessionBench::live(config());
    b.join("room");
    b.ack(1);
    b.pass(s(6));
    b.close(1008);
    b.take();
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.stop();
    b.says(&["close 1000"]);
    b.close(1000);
    b.says(&["ended: stopped"]);
}

#[test]
fn told_at_once_it_waits_for_nobody_in_any_phase() {
    for (prepare, undo) in [
        ((|b| b.open()) as fn(&mut SessionBench), Some("abort")),
        (|_| {}, Some("cancel the dial")),
        (
            |b| {
                b.dial_failed(DialClass::Unreachable);
                b.take();
            },
            None,
        ),
        (
            |b| {
                b.open();
                b.stop();
                b.take();
            },
            Some("abort"),
        ),
    ] {
        let mut b = SessionBench::dialing(config());
        prepare(&mut b);
        b.take();
        b.session.handle_abort();
        let expected: Vec<&str> = undo.into_iter().chain(["ended: stopped"]).collect();
        b.says(&expected);
        b.session.handle_abort();
        b.quiet(s(100));
    }
}
