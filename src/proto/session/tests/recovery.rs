//! From a drop to the recovered connection, or to a fresh one (PROTOCOL §7.2, §7.3, §19.2–4, §19.13–15).

use super::*;

const REFUSED: &str = "close code 1008: refused by policy: recovery refused, permission missing, or too far behind";

/// Codes that end no recovery: those that are defined, those of the gateways, and those that must not be sent at all.
const CODES: [u16; 21] = [
    0, 1, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1009, 1010, 1011, 1012, 1014, 1015, 3000, 4000, 5000,
    65535,
];

#[test]
fn after_a_second_of_life_the_first_attempt_is_at_once() {
    let mut b = SessionBench::live(config());
    b.pass(s(1));
    b.close(1001);
    b.says(&[
        "recovering c1: close code 1001: the service is going away (a restart, a reload or a scale operation)",
        "recover c1 with t1 by 6s",
    ]);
}

#[test]
fn after_progress_the_first_attempt_is_at_once() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 5s"]);

    let mut b = SessionBench::live(config());
    b.send("x");
    b.ack(1);
    b.take();
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 5s"]);
}

#[test]
fn a_connection_just_made_is_recovered_at_once() {
    let mut b = SessionBench::live(config());
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 5s"]);
}

#[test]
fn without_progress_on_a_recovered_socket_the_next_attempt_is_a_second_later() {
    let mut b = SessionBench::recovering(config());
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    b.pass(ms(999));
    b.control(PONG);
    b.cut();
    b.says(&["recovering c1: reset"]);
    b.quiet(ms(999));
    b.pass(ms(1));
    b.says(&["recover c1 with t1 by 8.999s"]);
}

#[test]
fn attempts_start_every_second_and_end_thirty_seconds_after_the_drop() {
    let mut b = SessionBench::recovering(config());
    for attempt in 1..30 {
        b.pass(ms(300));
        b.dial_failed(DialClass::Unreachable);
        b.says(&["recovery failed: no"]);
        b.quiet(ms(699));
        b.pass(ms(1));
        b.says(&[&format!("recover c1 with t1 by {:?}", s(7 + attempt))]);
    }
    b.dial_failed(DialClass::Unreachable);
    b.says(&[
        "recovery failed: no",
        "session-lost c1: not recovered within 29 s: reset",
        "disconnected c1: reset",
        "reconnecting 1 in 1s: not recovered within 29 s: reset",
    ]);
}

#[test]
fn an_attempt_that_hangs_has_five_seconds_or_less() {
    for (connect_timeout, limit) in [(s(30), s(5)), (s(2), s(2))] {
        let mut b = SessionBench::live(Config { connect_timeout, ..config() });
        b.pass(s(2));
        b.cut();
        let deadline = s(2) + limit;
        b.says(&["recovering c1: reset", &format!("recover c1 with t1 by {deadline:?}")]);
        // The deadline covers the dial and the proof.
        b.quiet(s(1));
        b.open();
        b.says(&[PING]);
        b.quiet(limit - s(1) - ms(1));
        b.pass(ms(1));
        b.says(&[
            "abort",
            "recovery failed: timed out waiting for the first frame of the recovered connection",
            &format!("recover c1 with t1 by {:?}", deadline + limit),
        ]);
    }
}

#[test]
fn hanging_attempts_do_not_use_up_the_window() {
    let mut b = SessionBench::recovering(config());
    for attempt in 1..6 {
        b.pass(s(5));
        b.dial_failed(DialClass::Unreachable);
        b.says(&["recovery failed: no"]);
        b.pass(Duration::ZERO);
        b.says(&[&format!("recover c1 with t1 by {:?}", s(7 + 5 * attempt))]);
    }
    b.pass(s(5));
    b.dial_failed(DialClass::Unreachable);
    let reason = "not recovered within 30 s: reset";
    b.says(&[
        "recovery failed: no",
        &format!("session-lost c1: {reason}"),
        "disconnected c1: reset",
        &format!("reconnecting 1 in 1s: {reason}"),
    ]);
}

#[test]
fn no_http_status_and_no_network_error_ends_a_recovery() {
    for class in [
        DialClass::Status(500),
        DialClass::Status(503),
        DialClass::Status(401),
        DialClass::Status(404),
        DialClass::Unreachable,
        DialClass::Certificate,
        DialClass::NotWebSocket,
        DialClass::Subprotocol,
    ] {
        let mut b = SessionBench::recovering(config());
        b.dial_failed(class);
        b.says(&["recovery failed: no"]);
        b.pass(s(1));
        b.says(&["recover c1 with t1 by 8s"]);
    }
}

#[test]
fn a_close_while_proving_is_tried_again_unless_it_is_1008() {
    for code in CODES {
        let mut b = SessionBench::recovering(config());
        b.open();
        b.says(&[PING]);
        b.closed(LossCause::Close { code, reason: String::new() });
        assert_eq!(b.take().len(), 1, "{code}");
        b.pass(s(1));
        b.says(&["recover c1 with t1 by 8s"]);
    }
}

#[test]
fn refused_by_1008_the_connection_is_lost_and_made_anew_at_once() {
    let mut b = SessionBench::live(config());
    b.join("room");
    b.says(&[&joins("room", 1)]);
    b.ack(1);
    b.says(&["ack 1 joinGroup room ok, attempts 1, 0ns", "joined room Some(1)", "#1 acked 1, attempts 1, 0ns"]);
    b.pass(s(6));
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 11s"]);
    b.open();
    b.control(&disconnected("The connection could not be recovered."));
    b.says(&[PING]);
    b.closed(LossCause::Close { code: 1008, reason: "no".into() });
    let loss = "the service said `The connection could not be recovered.`; close code 1008 `no`: refused by policy: \
                recovery refused, permission missing, or too far behind";
    b.says(&[
        &format!("session-lost c1: the service refused the recovery: {loss}"),
        &format!("disconnected c1: {loss}"),
        &format!("reconnecting 1 in 1s: the service refused the recovery: {loss}"),
    ]);
    assert_eq!(b.groups(), "room?");
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.ack(2);
    b.says(&["rejoined room Some(2)"]);
    assert_eq!(b.groups(), "room?!");
}

#[test]
fn whatever_code_a_close_frame_holds_the_connection_is_recovered_unless_it_is_1008() {
    for code in CODES {
        let mut b = SessionBench::live(config());
        b.pass(s(2));
        b.closed(LossCause::Close { code, reason: "upstream".into() });
        let said = b.take();
        assert!(said[0].starts_with(&format!("recovering c1: close code {code} `upstream`")), "{said:?}");
        assert_eq!(said[1..], ["recover c1 with t1 by 7s"], "{code}");
    }
}

#[test]
fn closed_with_1008_while_live_it_is_not_recovered() {
    let mut b = SessionBench::live(config());
    b.pass(s(6));
    b.close(1008);
    b.says(&[
        &format!("session-lost c1: {REFUSED}"),
        &format!("disconnected c1: {REFUSED}"),
        &format!("reconnecting 1 in 1s: {REFUSED}"),
    ]);
}

#[test]
fn what_a_recovery_would_only_replay_leads_to_a_fresh_connection() {
    let mut b = SessionBench::live(config());
    b.pass(s(6));
    b.closed(LossCause::InvalidUtf8);
    b.is_made_anew();
    // Likewise when it comes during a recovery.
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    b.closed(LossCause::InvalidUtf8);
    b.is_made_anew();
}

#[test]
fn broken_framing_is_recovered_once() {
    for cause in [LossCause::Framing("bad".into()), LossCause::TooBig] {
        // Live, and again in what is replayed.
        let mut b = SessionBench::live(config());
        b.pass(s(6));
        b.closed(cause.clone());
        let said = b.take();
        assert!(said[0].starts_with("recovering c1: ") && said[1] == "recover c1 with t1 by 11s", "{said:?}");
        b.recover();
        b.says(&["recovered c1, attempts 1, down 0ns"]);
        b.closed(cause.clone());
        b.is_made_anew();
        // While a recovery is proved, and again.
        let mut b = SessionBench::recovering(config());
        b.open();
        b.says(&[PING]);
        b.closed(cause.clone());
        assert!(b.take()[0].starts_with("recovery failed: "));
        b.pass(s(1));
        b.says(&["recover c1 with t1 by 8s"]);
        b.open();
        b.says(&[PING]);
        b.closed(cause);
        b.is_made_anew();
    }
}

#[test]
fn broken_framing_is_recovered_again_once_the_connection_got_further() {
    let cause = || LossCause::Framing("bad".into());
    let mut b = SessionBench::live(config());
    for id in 1..=5 {
        b.closed(cause());
        assert!(b.take()[0].starts_with("recovering c1: "), "{id}");
        b.open();
        b.message(id);
        b.take();
    }
    // Or has lived for longer than a replay takes.
    let mut b = SessionBench::recovering(Config { ping_interval: None, ping_timeout: None, ..config() });
    for lived in [30, 30, 29] {
        b.recover();
        b.take();
        b.pass(s(lived));
        b.closed(cause());
        if lived == 30 { assert!(b.take()[0].starts_with("recovering c1: ")) } else { b.is_made_anew() }
    }
}

#[test]
fn text_that_is_not_utf8_is_not_called_a_refusal() {
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    b.closed(LossCause::InvalidUtf8);
    let error = "the service sent a text frame that is not UTF-8";
    b.says(&[
        &format!("session-lost c1: the recovery failed: {error}"),
        &format!("disconnected c1: {error}"),
        &format!("reconnecting 1 in 1s: the recovery failed: {error}"),
    ]);
}

#[test]
fn a_protocol_without_recovery_loses_its_session_with_any_loss() {
    for cause in [
        LossCause::Broken("reset".into()),
        LossCause::Close { code: 1000, reason: String::new() },
        LossCause::Close { code: 1001, reason: String::new() },
        LossCause::Silent(s(25)),
    ] {
        let mut b = SessionBench::live(Config { reliable: false, ..config() });
        b.pass(s(6));
        b.closed(cause);
        let said = b.take();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("session-lost c1: ") && said[1].starts_with("disconnected c1: "), "{said:?}");
        b.reconnect("c2");
        b.says(&["connected c2 None"]);
    }
}

#[test]
fn any_frame_but_a_farewell_proves_the_connection() {
    for frame in [PONG, "nonsense", r#"{"type":"new"}"#, r#"{"type":"ack","ackId":9,"success":true}"#] {
        let mut b = SessionBench::recovering(config());
        b.pass(ms(10));
        b.open();
        b.says(&[PING]);
        b.text(frame);
        b.says(&["recovered c1, attempts 1, down 10ms"]);
    }
}

#[test]
fn the_frame_that_proves_is_delivered() {
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    assert!(b.message(1));
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    assert_eq!(b.session.counts().received, 1);
}

#[test]
fn a_disconnected_frame_proves_nothing_and_the_loss_keeps_its_own_words() {
    let mut b = SessionBench::live(config());
    b.pass(s(2));
    b.control(&disconnected("Service reload"));
    b.close(1001);
    let loss = "the service said `Service reload`; close code 1001: the service is going away (a restart, a reload or a \
                scale operation)";
    b.says(&[&format!("recovering c1: {loss}"), "recover c1 with t1 by 7s"]);
    b.open();
    b.says(&[PING]);
    b.control(&disconnected("not yet"));
    b.says(&[]);
    b.close(1011);
    b.says(&["recovery failed: the service said `not yet`; close code 1011: the service or its event handler failed"]);
    b.pass(s(1));
    b.says(&["recover c1 with t1 by 8s"]);
    // Two minutes of nothing: what is reported in the end is how it was lost.
    b.pass(s(100));
    b.dial_failed(DialClass::Unreachable);
    let said = b.take();
    assert!(said.contains(&format!("disconnected c1: {loss}")), "{said:?}");
}

#[test]
fn connected_during_a_recovery_brings_the_newest_token_and_is_not_announced() {
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    b.control(r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t2"}"#);
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    b.control(PONG);
    b.pass(s(1));
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t2 by 8s"]);
    // And one that comes later, or brings none.
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    b.control(r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t3"}"#);
    b.control(r#"{"type":"system","event":"connected","connectionId":"c1"}"#);
    b.says(&[]);
    b.pass(s(1));
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t3 by 9s"]);
}

#[test]
fn another_connection_in_place_of_the_lost_one_recovers_nothing() {
    let mut b = SessionBench::recovering(config());
    b.open();
    b.says(&[PING]);
    b.control(&connected("c9"));
    let reason = "the service opened another connection in place of the lost one";
    b.says(&[
        "abort",
        &format!("session-lost c1: {reason}"),
        "disconnected c1: reset",
        &format!("reconnecting 1 in 1s: {reason}"),
    ]);
}

#[test]
fn another_connection_on_a_live_socket_is_shown_and_the_lost_one_recovered_with_its_own_token() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    let frame = connected("c9");
    let Received::Unknown { reason } = b.text(&frame) else { panic!("it vanished") };
    assert_eq!(reason, "`connected` for another connection, `c9`");
    b.says(&[
        "abort",
        "recovering c1: the service began another connection, `c9`, on this one's socket",
        "recover c1 with t1 by 5s",
    ]);
    b.recover_telling(1);
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    // What cannot be recovered is lost, and said to be.
    let mut b = SessionBench::live(Config { reliable: false, ..config() });
    assert!(matches!(b.text(&frame), Received::Unknown { .. }));
    let said = b.take();
    assert!(said[0] == "abort" && said[1].starts_with("session-lost c1: "), "{said:?}");
}

#[test]
fn an_empty_token_recovers_nothing_and_takes_the_place_of_none() {
    let empty = r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":""}"#;
    let mut b = SessionBench::recovering(config());
    b.recover();
    b.control(empty);
    b.pass(s(1));
    b.take();
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 8s"]);
    let mut b = SessionBench::dialing(config());
    b.open();
    b.control(empty);
    b.pass(s(6));
    b.says(&["connected c1 None"]);
    b.cut();
    let reason = "reset; the service gave no token to recover the connection with";
    b.says(&[
        &format!("session-lost c1: {reason}"),
        "disconnected c1: reset",
        &format!("reconnecting 1 in 1s: {reason}"),
    ]);
}

#[test]
fn a_recovered_socket_that_dies_before_achieving_anything_opens_no_new_window() {
    let mut b = SessionBench::recovering(config());
    let mut recoveries = 0;
    loop {
        b.open();
        b.control(PONG);
        b.cut();
        recoveries += 1;
        b.pass(s(1));
        let said = b.take();
        if said.iter().any(|line| line.starts_with("session-lost")) {
            break;
        }
        assert!(b.now < s(40), "{said:?}");
    }
    assert!((28..=31).contains(&recoveries), "{recoveries}");
}

#[test]
fn operations_asked_for_while_recovering_wait_and_go_out_in_order_after_what_was_unacknowledged() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.send("b");
    b.says(&[&sends("a", 1), &sends("b", 2)]);
    b.pass(s(2));
    b.ack(1);
    b.take();
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 7s"]);
    b.send("c");
    b.quiet(ms(100));
    b.open();
    b.says(&[PING]);
    b.send("d");
    b.says(&[]);
    b.control(PONG);
    b.says(&["recovered c1, attempts 1, down 100ms", &sends("b", 2), &sends("c", 3), &sends("d", 4)]);
    b.nack(2, "Duplicate");
    b.says(&["ack 2 sendToGroup g duplicate, attempts 2, 2.1s", "#2 acked 2 duplicate, attempts 2, 2.1s"]);
}

#[test]
fn time_spent_recovering_does_not_count_for_the_ack() {
    let mut b =
        SessionBench::live(Config { operation_retries: 0, ping_interval: None, ping_timeout: None, ..config() });
    b.send("a");
    b.pass(s(29));
    b.says(&[&sends("a", 1)]);
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 34s"]);
    b.pass(s(5));
    b.dial_failed(DialClass::Unreachable);
    b.pass(Duration::ZERO);
    b.take();
    b.pass(s(4));
    b.recover();
    b.says(&["recovered c1, attempts 2, down 9s", &sends("a", 1)]);
    b.quiet(ms(29_999));
    b.pass(ms(1));
    b.says(&["#1 not acknowledged 1, attempts 2"]);
}

#[test]
fn unacknowledged_publishes_are_unknown_on_a_fresh_connection_and_the_rest_goes_on() {
    let mut b = SessionBench::live(config());
    b.join("room");
    b.leave("hall");
    b.send("sent");
    b.says(&[&joins("room", 1), &leaves("hall", 2), &sends("sent", 3)]);
    b.pass(s(6));
    b.close(1008);
    b.says(&[
        &format!("session-lost c1: {REFUSED}"),
        &format!("disconnected c1: {REFUSED}"),
        &format!("#3 unknown 3: {REFUSED}"),
        &format!("reconnecting 1 in 1s: {REFUSED}"),
    ]);
    b.send("unsent");
    b.reconnect("c2");
    // The join that was under way is sent again, so that no rejoin is needed.
    b.says(&["connected c2 None", &joins("room", 1), &leaves("hall", 2), &sends("unsent", 4)]);
    b.ack(1);
    b.ack(2);
    b.ack(4);
    b.says(&[
        "ack 1 joinGroup room ok, attempts 2, 7s",
        "joined room Some(1)",
        "#1 acked 1, attempts 2, 7s",
        "ack 2 leaveGroup hall ok, attempts 2, 7s",
        "left hall Some(2)",
        "#2 acked 2, attempts 2, 7s",
        "ack 4 sendToGroup g ok, attempts 1, 0ns",
        "#4 acked 4, attempts 1, 0ns",
    ]);
}

#[test]
fn unacknowledged_publishes_are_sent_again_when_asked_to() {
    let mut b = SessionBench::live(Config { on_unknown: OnUnknown::Resend, ..config() });
    b.send("sent");
    b.says(&[&sends("sent", 1)]);
    b.pass(s(6));
    b.close(1008);
    assert_eq!(b.take().len(), 3);
    b.reconnect("c2");
    b.says(&["connected c2 None", &sends("sent", 1)]);
    b.ack(1);
    b.says(&["ack 1 sendToGroup g ok, attempts 2, 7s", "#1 acked 1, attempts 2, 7s"]);
}

#[test]
fn an_ack_in_the_same_breath_as_the_close_is_not_missed() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.says(&[&sends("a", 1)]);
    b.ack(1);
    b.close(1008);
    let said = b.take();
    assert_eq!(said[1], "#1 acked 1, attempts 1, 0ns");
    assert!(said[2..].iter().all(|line| !line.starts_with('#')), "{said:?}");
}

#[test]
fn a_service_that_recovers_sends_and_hangs_up_is_not_dialled_in_a_hot_loop() {
    let mut b = SessionBench::live(config());
    let mut dials = 0;
    for id in 1..=60 {
        b.cut();
        let said = b.take();
        if !said.iter().any(|line| line.starts_with("recover c1")) {
            b.quiet(ms(999));
            b.pass(ms(1));
            b.take();
        }
        dials += 1;
        b.open();
        b.message(id);
        b.take();
    }
    // Thirty at once, then one a second.
    assert!(b.now >= s(29) && dials == 60, "{:?}", b.now);
}
