//! Pings and silence (PROTOCOL §8.1, §19.11).

use super::*;

#[test]
fn an_idle_connection_is_pinged_and_a_silent_one_dropped_without_a_handshake() {
    let mut b = Bench::live(config());
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
    let mut b = Bench::live(config());
    for life in 0..6 {
        b.pass(s(9));
        match life {
            0 => b.control(PONG),
            1 => assert!(b.message(1)),
            2 => drop(b.text("nonsense")),
            3 => drop(b.session.handle_binary(b.now)),
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
    let mut b = Bench::live(Config { ping_interval: None, ..config() });
    for id in 1..=12 {
        b.pass(s(2));
        b.send("x");
        b.says(&[&sends("x", id)]);
    }
    b.pass(s(1));
    b.says(&["abort", "recovering c1: nothing was received for 25 s", "recover c1 with t1 by 30s"]);
}

#[test]
fn ping_and_timeout_can_be_off() {
    let mut b = Bench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    assert_eq!(b.session.poll_timeout(), None);
    b.quiet(s(100_000));
    let mut b = Bench::live(Config { ping_timeout: None, ..config() });
    b.pass(s(100));
    b.says(&[PING; 10]);
    let mut b = Bench::live(Config { ping_interval: None, ..config() });
    b.quiet(ms(24_999));
    b.pass(ms(1));
    assert_eq!(b.take()[0], "abort");
}

#[test]
fn a_silent_peer_is_recovered_well_inside_the_window() {
    let mut b = Bench::live(config());
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
    let mut b = Bench::recovering(config());
    b.open();
    b.says(&[PING]);
    b.quiet(ms(4_999));
}
