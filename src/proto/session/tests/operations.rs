//! Operations: ackIds, retries, patience; each settles exactly once (PROTOCOL §6, §19.6–8).

use super::*;

#[test]
fn an_acknowledged_operation_is_reported_and_settled_once() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.says(&[&sends("a", 1)]);
    b.pass(ms(20));
    b.ack(1);
    b.says(&["ack 1 sendToGroup g ok, attempts 1, 20ms", "#1 acked 1, attempts 1, 20ms"]);
    b.ack(1);
    b.nack(1, "Forbidden");
    b.nack(1, "InternalServerError");
    b.says(&[]);
    let counts = b.session.counts();
    assert_eq!((counts.sent, counts.acked, counts.failed), (1, 1, 0));
    assert!(b.session.is_idle());
}

#[test]
fn duplicate_is_success() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.nack(1, "Duplicate");
    b.says(&[
        &sends("a", 1),
        "ack 1 sendToGroup g duplicate, attempts 1, 0ns",
        "#1 acked 1 duplicate, attempts 1, 0ns",
    ]);
    assert_eq!(b.session.counts().acked, 1);
}

#[test]
fn every_negative_ack_but_one_is_final() {
    for name in ["Forbidden", "NotFound", "Timeout", "BadRequest", "SomethingNew", ""] {
        let mut b = SessionBench::live(config());
        b.send("a");
        b.nack(1, name);
        b.says(&[
            &sends("a", 1),
            &format!("ack 1 sendToGroup g {name}, attempts 1, 0ns"),
            &format!("#1 refused 1: {name}: m, attempts 1"),
        ]);
        b.quiet(s(9));
        assert_eq!(b.session.counts().failed, 1);
    }
    let mut b = SessionBench::live(config());
    b.send("a");
    b.control(r#"{"type":"ack","ackId":1,"success":false}"#);
    b.says(&[&sends("a", 1), "ack 1 sendToGroup g , attempts 1, 0ns", "#1 refused 1: : , attempts 1"]);
}

#[test]
fn an_internal_server_error_is_retried_after_a_pause_with_the_same_bytes_and_then_refused() {
    let mut b = SessionBench::live(config());
    b.send("a");
    for _ in 0..3 {
        b.says(&[&sends("a", 1)]);
        b.nack(1, "InternalServerError");
        b.quiet(ms(799));
        b.pass(ms(1));
    }
    b.says(&[&sends("a", 1)]);
    b.nack(1, "InternalServerError");
    b.says(&[
        "ack 1 sendToGroup g InternalServerError, attempts 4, 2.4s",
        "#1 refused 1: InternalServerError: m, attempts 4",
    ]);
    b.quiet(s(7));
    // Each attempt that is followed by another is told.
    assert_eq!(b.retried, [1, 2, 3].map(|n| format!("attempt {n} of ack 1 failed: InternalServerErrorm")));
}

#[test]
fn without_retries_an_internal_server_error_is_final_too() {
    let mut b = SessionBench::live(Config { operation_retries: 0, ..config() });
    b.send("a");
    b.nack(1, "InternalServerError");
    b.says(&[
        &sends("a", 1),
        "ack 1 sendToGroup g InternalServerError, attempts 1, 0ns",
        "#1 refused 1: InternalServerError: m, attempts 1",
    ]);
}

#[test]
fn no_ack_at_all_is_sent_again_on_time_and_given_up_on_time() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.send("a");
    for _ in 0..4 {
        b.says(&[&sends("a", 1)]);
        b.quiet(ms(29_999));
        b.pass(ms(1));
    }
    assert_eq!(b.now, s(120));
    b.says(&["#1 not acknowledged 1, attempts 4"]);
    b.ack(1);
    b.quiet(s(1000));
    assert_eq!(b.retried, [1, 2, 3].map(|n| format!("attempt {n} of ack 1 failed: no ack came in time")));
}

#[test]
fn an_ack_that_comes_with_its_deadline_is_in_time() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.send("a");
    b.says(&[&sends("a", 1)]);
    b.now = s(30);
    b.ack(1);
    b.session.handle_timeout(b.now);
    b.says(&["ack 1 sendToGroup g ok, attempts 1, 30s", "#1 acked 1, attempts 1, 30s"]);
}

#[test]
fn a_late_ack_of_an_earlier_attempt_settles_the_operation() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.send("a");
    b.pass(s(31));
    b.says(&[&sends("a", 1), &sends("a", 1)]);
    b.ack(1);
    b.says(&["ack 1 sendToGroup g ok, attempts 2, 31s", "#1 acked 1, attempts 2, 31s"]);
    b.nack(1, "Duplicate");
    b.quiet(s(100));
}

#[test]
fn an_ack_during_the_pause_before_a_retry_settles_and_a_second_refusal_does_not_count() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.nack(1, "InternalServerError");
    b.nack(1, "InternalServerError");
    b.nack(1, "InternalServerError");
    b.nack(1, "InternalServerError");
    b.says(&[&sends("a", 1)]);
    b.ack(1);
    b.says(&["ack 1 sendToGroup g ok, attempts 1, 0ns", "#1 acked 1, attempts 1, 0ns"]);
    b.quiet(s(9));
}

#[test]
fn a_late_refusal_of_an_earlier_attempt_does_not_settle_the_last_one() {
    let mut b =
        SessionBench::live(Config { operation_retries: 1, ping_interval: None, ping_timeout: None, ..config() });
    b.send("a");
    b.pass(s(30));
    b.says(&[&sends("a", 1), &sends("a", 1)]);
    // The answer to the first attempt: the second may still be carried out.
    b.nack(1, "InternalServerError");
    b.says(&[]);
    b.pass(s(1));
    b.ack(1);
    b.says(&["ack 1 sendToGroup g ok, attempts 2, 31s", "#1 acked 1, attempts 2, 31s"]);
    // Both refused is refused.
    b.send("b");
    b.pass(s(30));
    b.says(&[&sends("b", 2), &sends("b", 2)]);
    b.nack(2, "InternalServerError");
    b.says(&[]);
    b.nack(2, "InternalServerError");
    b.says(&[
        "ack 2 sendToGroup g InternalServerError, attempts 2, 30s",
        "#2 refused 2: InternalServerError: m, attempts 2",
    ]);
}

#[test]
fn refusals_and_missing_acks_share_the_retries() {
    let mut b =
        SessionBench::live(Config { operation_retries: 2, ping_interval: None, ping_timeout: None, ..config() });
    b.send("a");
    b.nack(1, "InternalServerError");
    b.pass(ms(800));
    b.says(&[&sends("a", 1), &sends("a", 1)]);
    b.quiet(ms(29_999));
    b.pass(ms(1));
    b.says(&[&sends("a", 1)]);
    b.quiet(ms(29_999));
    b.pass(ms(1));
    b.says(&["#1 not acknowledged 1, attempts 3"]);
}

#[test]
fn an_operation_in_its_pause_is_sent_after_a_recovery_with_the_others_in_order() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.send("b");
    b.pass(s(2));
    b.nack(1, "InternalServerError");
    b.says(&[&sends("a", 1), &sends("b", 2)]);
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 7s"]);
    b.quiet(s(2));
    b.recover();
    b.says(&["recovered c1, attempts 1, down 2s", &sends("a", 1), &sends("b", 2)]);
    b.quiet(s(9));
}

#[test]
fn own_ids_start_at_one_and_skip_the_given_ones() {
    let mut b = SessionBench::live(config());
    b.ask(send("a"), AckMode::Id(2));
    b.send("b");
    b.send("c");
    b.ask(send("d"), AckMode::Id(0));
    b.ask(send("e"), AckMode::Id(u64::MAX));
    b.says(&[&sends("a", 2), &sends("b", 1), &sends("c", 3), &sends("d", 0), &sends("e", u64::MAX)]);
}

#[test]
fn an_id_used_for_another_operation_is_refused_even_after_that_one_settled() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.ack(1);
    b.take();
    b.ask(Request::Join { group: "g".into() }, AckMode::Id(1));
    b.says(&["#2 id 1 in use"]);
    assert_eq!(b.groups(), "");
    assert_eq!(b.session.counts().failed, 1);
}

#[test]
fn without_an_ack_an_operation_settles_by_being_sent() {
    let mut b = SessionBench::live(config());
    b.ask(send("a"), AckMode::None);
    b.says(&[r#"→ {"type":"sendToGroup","group":"g","dataType":"text","data":"a"}"#, "#1 sent"]);
    b.ask(Request::Join { group: "room".into() }, AckMode::None);
    b.says(&[r#"→ {"type":"joinGroup","group":"room"}"#, "joined room None", "#2 sent"]);
    assert_eq!(b.groups(), "room?!");
    b.quiet(s(9));
    assert_eq!(b.session.counts().sent, 2);
    // While there is no connection it waits for one like any other.
    let mut b = SessionBench::recovering(config());
    b.ask(send("a"), AckMode::None);
    b.recover();
    b.says(&[
        "recovered c1, attempts 1, down 0ns",
        r#"→ {"type":"sendToGroup","group":"g","dataType":"text","data":"a"}"#,
        "#1 sent",
    ]);
}

#[test]
fn no_echo_and_events_are_encoded_as_asked() {
    let mut b = SessionBench::live(config());
    b.ask(
        Request::Send {
            group: "g".into(),
            data: OwnedData::binary(&[1]),
            no_echo: true,
            ttl_seconds: Some(30),
            metadata: Some(crate::Metadata::new([("k", "v")]).unwrap()),
        },
        AckMode::Automatic,
    );
    b.ask(Request::event("e", OwnedData::json("{}").unwrap()), AckMode::Automatic);
    b.says(&[
        r#"→ {"type":"sendToGroup","group":"g","ackId":1,"noEcho":true,"ttlSeconds":30,"dataType":"binary","data":"AQ==","metadata":{"k":"v"}}"#,
        r#"→ {"type":"event","event":"e","ackId":2,"dataType":"json","data":{}}"#,
    ]);
    b.ack(2);
    b.says(&["ack 2 event e ok, attempts 1, 0ns", "#2 acked 2, attempts 1, 0ns"]);
}

#[test]
fn operations_asked_for_before_the_connection_wait_for_it_and_go_out_in_order() {
    let mut b = SessionBench::idle(config());
    b.send("a");
    b.session.handle_start(b.now);
    b.says(&["dial by 30s"]);
    b.join("room");
    b.dial_failed(DialClass::Unreachable);
    b.says(&["attempt failed: no", "reconnecting 1 in 1s: no"]);
    b.send("b");
    b.pass(s(1));
    b.says(&["dial by 31s"]);
    b.open();
    b.send("c");
    b.says(&[]);
    b.control(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#, &sends("a", 1), &joins("room", 2), &sends("b", 3), &sends("c", 4)]);
}

#[test]
fn waiting_for_a_connection_does_not_count_for_the_ack() {
    let mut b =
        SessionBench::dialing(Config { connect_timeout: s(300), ack_timeout: s(2), operation_retries: 0, ..config() });
    b.send("a");
    b.quiet(s(200));
    b.open();
    b.control(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#, &sends("a", 1)]);
    b.quiet(ms(1_999));
    b.pass(ms(1));
    b.says(&["#1 not acknowledged 1, attempts 1"]);
}

#[test]
fn when_the_session_fails_every_operation_settles() {
    let mut b = SessionBench::live(Config { retries_once_connected: Retries::Limited(0), ..config() });
    b.send("a");
    b.join("room");
    b.pass(s(2));
    b.take();
    b.cut();
    b.send("b");
    b.take();
    b.open();
    b.close(1008);
    let loss = "the service refused the recovery: close code 1008: refused by policy: recovery refused, permission \
                missing, or too far behind";
    let said = b.take();
    let settled: Vec<&String> = said.iter().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        settled,
        [&format!("#1 unknown 1: {loss}"), &format!("#2 unknown 2: {loss}"), &format!("#3 not sent: {loss}")]
    );
    assert_eq!(said.last().unwrap(), &format!("ended: Lost: {loss}"));
    b.send("late");
    b.says(&["#4 not sent: the session has ended"]);
}

#[test]
fn an_ack_for_what_was_not_sent_yet_acknowledges_nothing() {
    let mut b = SessionBench::recovering(config());
    b.send("a");
    b.open();
    b.says(&[PING]);
    // The frame that proves the recovery is an ack of the id that waits. It is sent, then the ack counts.
    b.ack(1);
    b.says(&[
        "recovered c1, attempts 1, down 0ns",
        &sends("a", 1),
        "ack 1 sendToGroup g ok, attempts 1, 0ns",
        "#1 acked 1, attempts 1, 0ns",
    ]);
}

#[test]
fn no_more_are_in_flight_than_the_service_remembers_when_all_are_sent_again() {
    let mut b = SessionBench::live(config());
    for _ in 1..=1000 {
        b.send("a");
    }
    assert_eq!(b.take(), (1..=900).map(|id| sends("a", id)).collect::<Vec<_>>());
    b.cut();
    b.take();
    b.recover();
    assert_eq!(b.take().iter().filter(|said| said.contains("sendToGroup")).count(), 900);
    // Half of them have to be answered before more are sent.
    (1..451).for_each(|id| b.ack(id));
    assert!(b.take().iter().all(|said| !said.contains(r#""type":"sendToGroup""#)));
    b.ack(451);
    let said = b.take();
    let more: Vec<_> = said.into_iter().filter(|said| said.contains(r#""type":"sendToGroup""#)).collect();
    assert_eq!(more, (901..=1000).map(|id| sends("a", id)).collect::<Vec<_>>());
    (452..=1000).for_each(|id| b.ack(id));
    assert!(b.session.is_idle());
    assert_eq!(b.session.counts().acked, 1000);
}

#[test]
fn nothing_goes_before_what_waits_for_room_however_room_comes() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    for number in 1..=950 {
        b.send(&number.to_string());
    }
    b.take();
    // No ack comes in time: all that is in flight is sent again, and what waited behind it.
    let mut sent = Vec::new();
    b.pass(config().ack_timeout);
    sent.extend(b.take());
    b.send("951");
    sent.extend(b.take());
    (1..=950).for_each(|id| b.ack(id));
    sent.extend(b.take());
    let place = |id: u64| sent.iter().position(|said| said == &sends(&id.to_string(), id));
    for id in 901..=951 {
        assert!(place(id).is_some() && place(id - 1) < place(id), "{id}");
    }
}
