//! A slow reader (CLI contract, *Data out*): the output takes no more, so nothing is read.

use super::*;

const REFUSED: &str = "close code 1008: refused by policy: recovery refused, permission missing, or too far behind";

#[test]
fn while_the_output_is_blocked_silence_proves_nothing_but_pings_and_acks_go_out() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    b.stall();
    b.pass(s(120));
    let said = b.take();
    assert_eq!(said[0], acknowledges(1));
    assert_eq!(said[1..], [PING; 12]);
    b.unstall();
    b.quiet(ms(9_999));
    b.pass(ms(1));
    b.says(&[PING]);
    b.pass(s(14));
    b.says(&[PING]);
    b.pass(s(1));
    assert_eq!(b.take()[0], "abort");
}

#[test]
fn time_in_which_nothing_is_read_does_not_count_for_the_ack() {
    let mut b = SessionBench::live(Config { ping_interval: None, operation_retries: 0, ..config() });
    b.send("a");
    b.says(&[&sends("a", 1)]);
    b.quiet(s(10));
    b.stall();
    b.quiet(s(300));
    b.send("b");
    b.says(&[&sends("b", 2)]);
    b.quiet(s(50));
    b.unstall();
    b.quiet(ms(19_999));
    b.session.handle_sign_of_life(b.now);
    b.pass(ms(1));
    b.says(&["#1 not acknowledged 1, attempts 1"]);
    b.quiet(ms(9_999));
    b.pass(ms(1));
    b.says(&["#2 not acknowledged 2, attempts 1"]);
}

#[test]
fn a_loss_while_blocked_is_held_until_output_moves() {
    let mut b = SessionBench::live(config());
    b.pass(s(2));
    b.stall();
    b.pass(s(3));
    b.cut();
    b.says(&["recovering c1: reset"]);
    b.quiet(s(20));
    b.unstall();
    b.pass(Duration::ZERO);
    b.says(&["recover c1 with t1 by 30s"]);
    b.recover();
    b.says(&["recovered c1, attempts 1, down 20s"]);
}

#[test]
fn a_loss_held_for_too_long_is_said_with_its_cause_and_made_anew_when_output_moves() {
    let mut b = SessionBench::live(config());
    b.pass(s(6));
    b.stall();
    b.cut();
    b.says(&["recovering c1: reset"]);
    b.quiet(ms(29_999));
    b.pass(ms(1));
    let reason = "slow reader: the output was blocked for 30 s; not recovered within 30 s: reset";
    b.says(&[
        &format!("session-lost c1: {reason}"),
        "disconnected c1: reset",
        &format!("reconnecting 1 in 1s: {reason}"),
    ]);
    b.quiet(s(1000));
    assert_eq!(b.session.poll_timeout(), None);
    b.unstall();
    b.pass(Duration::ZERO);
    b.says(&["dial by 1066s"]);
    b.open();
    b.control(&connected("c2"));
    b.says(&["connected c2 None"]);
}

#[test]
fn given_up_by_the_service_while_blocked_or_soon_after_the_cause_is_the_slow_reader() {
    for since in [s(0), s(10)] {
        let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
        b.pass(s(6));
        b.stall();
        b.pass(s(40));
        if since > s(0) {
            b.unstall();
            b.pass(since);
        }
        b.close(1008);
        let said = b.take();
        assert_eq!(said[0], format!("session-lost c1: slow reader: the output was blocked for 40 s; {REFUSED}"));
    }
}

#[test]
fn a_refused_recovery_after_a_long_block_is_put_down_to_it() {
    let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
    b.stall();
    b.pass(s(40));
    b.unstall();
    b.cut();
    b.take();
    b.open();
    b.close(1008);
    let said = b.take();
    let reason = "slow reader: the output was blocked for 40 s; the service refused the recovery: ";
    assert!(said[1].starts_with(&format!("session-lost c1: {reason}")), "{said:?}");
}

#[test]
fn a_block_is_remembered_across_a_recovery() {
    let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
    b.stall();
    b.pass(s(20));
    b.unstall();
    b.cut();
    b.take();
    b.recover();
    b.take();
    b.close(1008);
    let said = b.take();
    assert!(said[0].starts_with("session-lost c1: slow reader: the output was blocked for 20 s"), "{said:?}");
}

#[test]
fn many_short_blocks_add_up() {
    let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
    for _ in 0..40 {
        b.stall();
        b.pass(ms(300));
        b.unstall();
        b.pass(ms(50));
    }
    b.close(1008);
    let said = b.take();
    assert!(said[0].starts_with("session-lost c1: slow reader: the output was blocked for 12 s"), "{said:?}");
}

#[test]
fn a_blink_is_not_blamed_for_a_loss_that_has_its_own_cause() {
    let mut b = SessionBench::live(config());
    b.pass(s(6));
    b.stall();
    b.pass(ms(5));
    b.unstall();
    b.pass(s(1));
    b.cut();
    b.take();
    b.open();
    b.close(1008);
    let said = b.take();
    assert!(said[1].starts_with("session-lost c1: the service refused the recovery"), "{said:?}");
    // Nor is a long one that was over long ago.
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.stall();
    b.pass(s(40));
    b.unstall();
    b.pass(s(60));
    b.close(1008);
    assert_eq!(b.take()[0], format!("session-lost c1: {REFUSED}"));
}

#[test]
fn blocking_on_and_off_does_not_hasten_the_attempts() {
    let mut b = SessionBench::recovering(config());
    b.dial_failed(DialClass::Unreachable);
    b.says(&["recovery failed: no"]);
    for _ in 0..9 {
        b.stall();
        b.pass(ms(50));
        b.unstall();
        b.quiet(ms(50));
    }
    b.pass(ms(100));
    b.says(&["recover c1 with t1 by 8s"]);
}

#[test]
fn blocked_while_an_attempt_is_under_way_it_is_not_repeated_before_output_moves() {
    let mut b = SessionBench::recovering(config());
    b.stall();
    b.dial_failed(DialClass::Unreachable);
    b.says(&["recovery failed: no"]);
    b.quiet(s(10));
    b.unstall();
    b.pass(Duration::ZERO);
    b.says(&["recover c1 with t1 by 17s"]);
    b.open();
    b.says(&[PING]);
    // The proof cannot be read: the attempt ends, and the next one waits.
    b.stall();
    b.pass(s(5));
    b.says(&["abort", "recovery failed: timed out waiting for the first frame of the recovered connection"]);
    b.quiet(s(10));
    b.unstall();
    b.pass(Duration::ZERO);
    b.says(&["recover c1 with t1 by 32s"]);
}

#[test]
fn connecting_while_blocked_waits_for_output_only_between_attempts() {
    let mut b = SessionBench::dialing(config());
    b.stall();
    b.dial_failed(DialClass::Unreachable);
    b.says(&["attempt failed: no", "reconnecting 1 in 1s: no"]);
    b.quiet(s(100));
    b.unstall();
    b.pass(Duration::ZERO);
    b.says(&["dial by 130s"]);
    b.stall();
    b.open();
    b.control(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#]);
    b.pass(s(60));
    b.says(&[PING; 6]);
}

#[test]
fn saying_it_twice_changes_nothing() {
    let mut b = SessionBench::live(Config { ping_interval: None, ..config() });
    b.unstall();
    b.stall();
    b.pass(s(20));
    b.stall();
    b.pass(s(20));
    b.unstall();
    b.unstall();
    b.close(1008);
    assert_eq!(b.take()[0], format!("session-lost c1: slow reader: the output was blocked for 40 s; {REFUSED}"));
}
