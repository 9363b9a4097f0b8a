//! Fresh connections: what counts as connected, what is tried again, when it is over (PROTOCOL §19.1, §19.4, §19.5).

use super::*;

#[test]
fn nothing_happens_before_the_start_and_starting_twice_dials_once() {
    let mut b = SessionBench::idle(config());
    assert_eq!(b.session.poll_timeout(), None);
    b.quiet(s(100));
    b.session.handle_start(b.now);
    b.session.handle_start(b.now);
    b.says(&["dial by 130s"]);
}

#[test]
fn connected_means_the_connected_frame_and_one_deadline_covers_dial_and_frame() {
    let mut b = SessionBench::dialing(config());
    b.quiet(s(20));
    b.open();
    assert!(!b.session.was_connected());
    b.quiet(ms(9_999));
    b.pass(ms(1));
    let error = "timed out after 30 s waiting for the `connected` frame";
    b.says(&["abort", &format!("attempt failed: {error}"), &format!("reconnecting 1 in 1s: {error}")]);
    assert!(!b.session.was_connected());
    b.quiet(ms(999));
    b.pass(ms(1));
    b.says(&["dial by 61s"]);
    b.open();
    b.control(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#]);
    assert!(b.session.was_connected());
}

#[test]
fn an_anonymous_user_and_a_missing_token_are_taken() {
    let mut b = SessionBench::dialing(config());
    b.open();
    b.control(r#"{"type":"system","event":"connected","connectionId":"c1","userId":null}"#);
    b.says(&["connected c1 None"]);
    // Without a token there is nothing to recover with.
    b.pass(s(2));
    b.cut();
    let reason = "reset; the service gave no token to recover the connection with";
    b.says(&[
        &format!("session-lost c1: {reason}"),
        "disconnected c1: reset",
        &format!("reconnecting 1 in 1s: {reason}"),
    ]);
}

#[test]
fn other_frames_before_connected_do_not_connect() {
    let mut b = SessionBench::dialing(config());
    b.open();
    assert!(matches!(b.text(PONG), Received::Unknown { .. }));
    assert!(matches!(b.text(r#"{"type":"ack","ackId":1,"success":true}"#), Received::Unknown { .. }));
    assert!(matches!(b.text("nonsense"), Received::Unknown { .. }));
    assert!(matches!(b.text(&message(1)), Received::Unknown { .. }));
    assert!(matches!(
        b.session.handle_frame(b.now, WireFrame::Binary(&[1]), &mut Unpacked::default()),
        Received::Unknown { .. }
    ));
    b.says(&[]);
    b.control(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#]);
}

#[test]
fn a_connection_that_ends_before_connected_is_a_failed_attempt_and_says_why() {
    let mut b = SessionBench::dialing(config());
    b.open();
    b.control(&disconnected("go away"));
    b.says(&[]);
    b.closed(LossCause::Close { code: 4000, reason: "r".into() });
    let error = "the connection ended before `connected`: the service said `go away`; close code 4000 `r`";
    b.says(&[&format!("attempt failed: {error}"), &format!("reconnecting 1 in 1s: {error}")]);
}

#[test]
fn n_retries_follow_a_failed_attempt() {
    for retries in [0, 2] {
        let mut b = SessionBench::dialing(Config { retries_until_connected: Retries::Limited(retries), ..config() });
        for retry in 1..=retries {
            b.dial_failed(DialClass::Unreachable);
            b.says(&["attempt failed: no", &format!("reconnecting {retry} in 1s: no")]);
            b.quiet(ms(999));
            b.pass(ms(1));
            b.says(&[&format!("dial by {:?}", b.now + s(30))]);
        }
        b.dial_failed(DialClass::Status(503));
        b.says(&["attempt failed: no", "ended: Unreachable: no"]);
        assert_eq!(b.session.last_failure(), Some("no"));
        b.quiet(s(1000));
    }
}

#[test]
fn unlimited_retries_have_no_end() {
    let mut b = SessionBench::dialing(Config { retries_until_connected: Retries::Unlimited, ..config() });
    for retry in 1..=1000 {
        b.dial_failed(DialClass::Unreachable);
        b.says(&["attempt failed: no", &format!("reconnecting {retry} in 1s: no")]);
        b.pass(s(1));
        b.take();
    }
}

#[test]
fn retry_after_is_honoured_when_it_is_longer_than_the_pause() {
    for (retry_after, delay) in [(ms(10), s(1)), (s(29), s(29))] {
        let mut b = SessionBench::dialing(config());
        let failure =
            DialFailure { class: DialClass::Status(503), message: "503".into(), retry_after: Some(retry_after) };
        b.session.handle_dial_failed(b.now, failure);
        b.says(&["attempt failed: 503", &format!("reconnecting 1 in {delay:?}: 503")]);
        b.quiet(delay - ms(1));
        b.pass(ms(1));
        b.says(&[&format!("dial by {:?}", delay + s(30))]);
    }
}

#[test]
fn what_cannot_go_better_is_final_at_once() {
    for (class, kind) in [
        (DialClass::Status(401), "Unauthorized"),
        (DialClass::Status(403), "Unauthorized"),
        (DialClass::Status(404), "HandshakeRefused"),
        (DialClass::Status(200), "HandshakeRefused"),
        (DialClass::Status(407), "Unreachable"),
        (DialClass::Certificate, "Unreachable"),
        (DialClass::Subprotocol, "HandshakeRefused"),
        (DialClass::NotWebSocket, "Protocol"),
        (DialClass::Configuration, "Configuration"),
    ] {
        let mut b = SessionBench::dialing(config());
        b.dial_failed(class);
        b.says(&["attempt failed: no", &format!("ended: {kind}: no")]);
    }
}

#[test]
fn once_connected_the_end_is_a_loss_but_a_credential_that_opens_nothing_any_more_is_that() {
    for (class, kind) in [
        (DialClass::Status(401), "Unauthorized"),
        (DialClass::Status(404), "Lost"),
        (DialClass::Certificate, "Lost"),
        (DialClass::NotWebSocket, "Lost"),
        (DialClass::Configuration, "Configuration"),
    ] {
        let mut b = SessionBench::live(config());
        b.close(1008);
        b.pass(s(1));
        b.take();
        b.dial_failed(class);
        b.says(&["attempt failed: no", &format!("ended: {kind}: no")]);
    }
}

#[test]
fn once_connected_the_other_number_of_retries_holds() {
    let mut b = SessionBench::live(Config { retries_once_connected: Retries::Limited(0), ..config() });
    b.close(1008);
    let loss = "close code 1008: refused by policy: recovery refused, permission missing, or too far behind";
    b.says(&[
        &format!("session-lost c1: {loss}"),
        &format!("disconnected c1: {loss}"),
        &format!("ended: Lost: {loss}"),
    ]);
    b.quiet(s(1000));
}

#[test]
fn a_refused_token_is_worth_one_more_url_where_there_are_others() {
    let mut b = SessionBench::dialing(Config { renews_url: true, ..config() });
    for _ in 0..2 {
        for status in [401, 503] {
            b.dial_failed(DialClass::Status(status));
            let said = b.take();
            assert!(said.len() == 2 && said[1].starts_with("reconnecting "), "{status}: {said:?}");
            b.pass(s(1));
            b.take();
        }
        b.open();
        b.control(CONNECTED);
        b.take();
        // A connection shows that URLs are good again.
        b.close(1008);
        b.take();
        b.pass(s(1));
        b.take();
    }
    b.dial_failed(DialClass::Status(403));
    b.pass(s(1));
    b.take();
    b.dial_failed(DialClass::Status(401));
    b.says(&["attempt failed: no", "ended: Unauthorized: no"]);
}

#[test]
fn another_url_is_a_fresh_attempt_and_counts_as_one() {
    let config = Config { renews_url: true, retries_until_connected: Retries::Limited(0), ..config() };
    let mut b = SessionBench::dialing(config);
    b.dial_failed(DialClass::Status(401));
    b.says(&["attempt failed: no", "ended: Unauthorized: no"]);
}

#[test]
fn a_wait_that_is_asked_for_is_kept_up_to_the_longest_pause_and_ends_the_session_beyond_it() {
    let refused = |b: &mut SessionBench, wait| {
        let class = DialClass::Status(503);
        let failure = DialFailure { class, message: "no".into(), retry_after: Some(wait) };
        b.session.handle_dial_failed(b.now, failure);
    };
    let mut b = SessionBench::dialing(config());
    refused(&mut b, s(30));
    b.says(&["attempt failed: no", "reconnecting 1 in 30s: no"]);
    b.pass(s(30));
    b.says(&["dial by 60s"]);
    refused(&mut b, s(86_400));
    b.says(&[
        "attempt failed: no",
        "ended: Unreachable: no; asked to wait 86400 s, more than the longest pause of 30 s",
    ]);
    // The same of one that was connected, however often it may try.
    let mut b = SessionBench::live(config());
    b.pass(s(6));
    b.close(1008);
    b.pass(s(1));
    b.take();
    refused(&mut b, ms(30_001));
    let said = b.take();
    assert!(said[1].starts_with("ended: Lost: no; asked to wait 30.001 s"), "{said:?}");
    // A recovery asks for nothing but the connection that is there: it goes on each second (PROTOCOL §19.2).
    let mut b = SessionBench::recovering(config());
    refused(&mut b, s(86_400));
    b.says(&["recovery failed: no"]);
    b.pass(s(1));
    b.says(&["recover c1 with t1 by 8s"]);
}

/// Lets a peer answer every dial until the time is up, and returns how many there were.
fn dials_within(b: &mut SessionBench, time: Duration, mut answer: impl FnMut(&mut SessionBench)) -> usize {
    let (end, mut dials) = (b.now + time, 0);
    loop {
        let said = b.take();
        let dialled = said.iter().filter(|line| line.starts_with("dial ") || line.starts_with("recover c")).count();
        dials += dialled;
        if dialled > 0 {
            answer(b);
            continue;
        }
        match b.session.poll_timeout().filter(|due| *due <= end) {
            Some(due) => b.pass(due.saturating_sub(b.now)),
            None => return dials,
        }
    }
}

fn exponential() -> Config {
    let reconnect_backoff = Backoff { mode: BackoffMode::Exponential, delay: s(1), max_delay: s(30) };
    Config { reconnect_backoff, ..config() }
}

#[test]
fn accept_then_1008_is_no_hot_loop() {
    let mut b = SessionBench::idle(exponential());
    b.session.handle_start(b.now);
    let dials = dials_within(&mut b, s(60), |b| {
        b.open();
        b.control(CONNECTED);
        b.pass(ms(100));
        b.close(1008);
    });
    // 0, then pauses of up to 1, 2, 4, 8, 16, 30 s.
    assert!((6..=8).contains(&dials), "{dials}");
}

#[test]
fn a_connection_dropped_at_once_is_recovered_and_made_anew_without_a_hot_loop() {
    let mut b = SessionBench::idle(exponential());
    b.session.handle_start(b.now);
    let mut fresh = true;
    let dials = dials_within(&mut b, s(60), |b| {
        b.open();
        // To a fresh connection, the `pong` is no greeting.
        b.text(if std::mem::take(&mut fresh) { CONNECTED } else { PONG });
        b.pass(ms(100));
        b.close(1001);
    });
    assert!(dials <= 62, "{dials}");
}

#[test]
fn only_a_connection_that_lived_five_seconds_resets_the_back_off() {
    let mut b = SessionBench::idle(exponential());
    b.session.handle_start(b.now);
    for (lived, attempt) in [(4_999, 1), (4_999, 2), (4_999, 3), (5_000, 1), (100, 2)] {
        b.take();
        b.open();
        b.control(CONNECTED);
        b.pass(ms(lived));
        b.close(1008);
        let said = b.take();
        let prefix = format!("reconnecting {attempt} in ");
        assert!(said.iter().any(|line| line.starts_with(&prefix)), "{lived} {attempt}: {said:?}");
        b.pass(s(40));
    }
}

#[test]
fn what_does_not_belong_to_the_phase_is_ignored() {
    let mut b = SessionBench::dialing(config());
    b.cut();
    b.control(CONNECTED);
    b.session.handle_timeout(s(29));
    b.says(&[]);
    b.open();
    b.open();
    b.dial_failed(DialClass::Unreachable);
    b.says(&[]);
    b.control(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#]);
    b.open();
    b.dial_failed(DialClass::Status(401));
    b.says(&[]);
}
