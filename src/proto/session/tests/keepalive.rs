//! Pings and silence (PROTOCOL §8.1, §19.11).

use super::*;

#[test]
fn an_idle_connection_is_pinged_and_a_silent_one_dropped_without_a_handshake() {
    let mut b = SessionBench::live(config());
    b.quiet(ms(9_999));
    b.pass(ms(1));
    b.says(&[PING]);
    b.quiet(ms(9_999));
    b.pass(ms(1));
    b.says(&[PING]);
    b.quiet(ms(4_999));
    b.pass(ms(1));
    b.says(&["abort", "recovering c1: nothing was received for 25 s", "recover c1 with t1 by 30s"]);
}

#[test]
fn any_frame_is_life() {
    let mut b = SessionBench::live(config());
    for life in 0..6 {
        b.pass(s(9));
        match life {
            0 => b.control(PONG),
            1 => assert!(b.message(1)),
            2 => drop(b.text("nonsense")),
            3 => drop(b.session.handle_frame(b.now, WireFrame::Binary(&[1]), &mut Unpacked::default())),
            4 => b.session.handle_sign_of_life(b.now),
            _ => b.ack(77),
        }
    }
    b.pass(s(9));
    b.says(&[&acknowledges(1)]);
    b.pass(s(1));
    b.says(&[PING]);
}

#[test]
fn sending_is_no_life() {
    let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
    for id in 1..=12 {
        b.pass(s(2));
        b.send("x");
        b.says(&[&sends("x", id)]);
    }
    b.pass(s(1));
    b.says(&["abort", "recovering c1: nothing was received for 25 s", "recover c1 with t1 by 30s"]);
}

#[test]
fn bytes_that_move_are_life_though_no_frame_is_whole() {
    let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
    for _ in 0..10 {
        b.pass(s(20));
        b.session.handle_progress(b.now);
        b.says(&[]);
    }
    b.quiet(ms(24_999));
    b.pass(ms(1));
    assert_eq!(b.take()[0], "abort");
}

#[test]
fn the_time_in_which_bytes_move_is_not_taken_from_an_operation() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.send("large");
    b.says(&[&sends("large", 1)]);
    for _ in 0..600 {
        b.pass(s(1));
        b.session.handle_progress(b.now);
        b.says(&[]);
    }
    // All but the second before anything moved.
    b.quiet(ms(28_999));
    b.pass(ms(1));
    b.says(&[&sends("large", 1)]);
}

#[test]
fn a_recovery_whose_first_frame_takes_long_proves_itself_when_it_is_there() {
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    for _ in 0..20 {
        b.pass(s(4));
        b.session.handle_progress(b.now);
        b.says(&[]);
    }
    b.control(PONG);
    b.says(&["recovered c1, attempts 1, down 80s"]);
    // And one that stops in the middle has failed.
    let mut b = SessionBench::recovering(config());
    b.open();
    b.pass(s(4));
    b.session.handle_progress(b.now);
    b.take();
    b.quiet(ms(4_999));
    b.pass(ms(1));
    assert_eq!(
        b.take()[..2],
        ["abort", "recovery failed: timed out waiting for the first frame of the recovered connection"]
    );
}

#[test]
fn the_connect_timeout_holds_whatever_moves() {
    let mut b = SessionBench::dialing(config());
    b.open();
    for _ in 0..29 {
        b.pass(s(1));
        b.session.handle_progress(b.now);
        b.says(&[]);
    }
    b.pass(s(1));
    assert_eq!(b.take()[0], "abort");
}

#[test]
fn nothing_is_sent_by_itself_to_a_service_that_reads_nothing() {
    let mut b = SessionBench::live(Config { ping_timeout: None, ..config() });
    b.session.handle_backlogged(b.now, true);
    for id in 1..=1_000 {
        assert!(b.message(id));
    }
    b.quiet(s(100));
    b.session.handle_backlogged(b.now, false);
    b.says(&[&acknowledges(1_000)]);
    b.pass(ms(1));
    b.says(&[PING]);
}

#[test]
fn ping_and_timeout_can_be_off() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    assert_eq!(b.session.poll_timeout(), None);
    b.quiet(s(100_000));
    let mut b = SessionBench::live(Config { ping_timeout: None, ..config() });
    b.pass(s(100));
    b.says(&[PING; 10]);
    let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
    b.quiet(ms(24_999));
    b.pass(ms(1));
    assert_eq!(b.take()[0], "abort");
}

#[test]
fn a_silent_peer_is_recovered_well_inside_the_window() {
    let mut b = SessionBench::live(config());
    b.pass(s(25));
    b.take();
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    b.quiet(ms(9_999));
    b.pass(ms(1));
    b.says(&[PING]);
}

#[test]
fn a_peer_that_falls_silent_while_proving_is_not_pinged_again() {
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    b.quiet(ms(4_999));
}

#[test]
fn after_the_machine_has_slept_each_phase_does_what_is_due_once() {
    let sleep = s(600);
    let wake = |b: &mut SessionBench| {
        b.now += sleep;
        b.session.handle_timeout(b.now);
    };
    // Live: silent for too long, whatever else was due.
    let mut b = SessionBench::live(config());
    b.send("a");
    b.says(&[&sends("a", 1)]);
    wake(&mut b);
    b.says(&["abort", "recovering c1: nothing was received for 600 s", "recover c1 with t1 by 605s"]);
    // Live, without keep-alive: one attempt has passed, not twenty.
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.send("a");
    b.says(&[&sends("a", 1)]);
    wake(&mut b);
    b.says(&[&sends("a", 1)]);
    b.quiet(ms(29_999));
    // Between attempts: the window is over.
    let mut b = SessionBench::recovering(config());
    b.dial_failed(DialClass::Unreachable);
    b.says(&["recovery failed: no"]);
    wake(&mut b);
    let reason = "not recovered within 600 s: reset";
    b.says(&[
        &format!("session-lost c1: {reason}"),
        "disconnected c1: reset",
        &format!("reconnecting 1 in 1s: {reason}"),
    ]);
    // Proving: the attempt has failed, and the window is over too.
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    wake(&mut b);
    assert_eq!(b.take().len(), 5);
    // Backing off: the dial has its whole time.
    let mut b = SessionBench::dialing(config());
    b.dial_failed(DialClass::Unreachable);
    b.take();
    wake(&mut b);
    b.says(&["dial by 630s"]);
    // Closing.
    let mut b = SessionBench::live(config());
    b.stop();
    b.take();
    wake(&mut b);
    b.says(&["abort", "ended: stopped"]);
}
