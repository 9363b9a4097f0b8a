//! Sequence ids: acknowledged in time, delivered once and in order (PROTOCOL §7.1, §19.9, §19.10).

use super::*;

#[test]
fn a_message_is_acknowledged_within_a_second_and_once() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    b.pass(ms(100));
    assert!(b.message(2));
    b.quiet(ms(399));
    b.pass(ms(1));
    b.says(&[&acknowledges(2)]);
    b.quiet(s(9));
}

#[test]
fn every_hundred_messages_are_acknowledged_at_once() {
    let mut b = SessionBench::live(config());
    for id in 1..=5000 {
        assert!(b.message(id));
        if id % 100 == 0 {
            b.says(&[&acknowledges(id)]);
        }
    }
    b.quiet(s(9));
    assert_eq!(b.session.counts().received, 5000);
}

#[test]
fn every_megabyte_is_acknowledged_at_once() {
    let mut b = SessionBench::live(config());
    let data = "x".repeat(400_000);
    for id in 1..=3 {
        let text =
            format!(r#"{{"sequenceId":{id},"type":"message","from":"server","dataType":"text","data":"{data}"}}"#);
        assert!(matches!(b.text(&text), Received::Message(_)));
    }
    b.says(&[&acknowledges(3)]);
}

#[test]
fn duplicates_are_dropped_and_acknowledged_again() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1) && b.message(2));
    b.pass(ms(500));
    b.says(&[&acknowledges(2)]);
    assert!(!b.message(1) && !b.message(2));
    assert_eq!(b.session.counts().received, 2);
    b.quiet(ms(499));
    b.pass(ms(1));
    b.says(&[&acknowledges(2)]);
}

#[test]
fn a_jump_is_reported_before_its_message_is_delivered() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    assert!(b.message(5));
    b.says(&["gap 2 to 5"]);
    assert!(!b.message(3));
    assert!(b.message(6));
    b.says(&[]);
}

/// PROTOCOL §19.32.
#[test]
fn a_jump_says_how_many_frames_before_it_were_not_understood() {
    let mut b = SessionBench::live(config());
    b.text("{");
    assert!(b.message(1));
    b.says(&[]);
    b.text("{");
    drop(b.session.handle_frame(b.now, WireFrame::Binary(&[1]), &mut Unpacked::default()));
    // This one's place is known.
    b.text(r#"{"type":"new","sequenceId":2}"#);
    b.text("{");
    assert!(b.message(5));
    b.says(&["gap 3 to 5, 1 not understood"]);
    assert!(b.message(7));
    b.says(&["gap 6 to 7"]);
}

#[test]
fn frames_that_are_not_understood_are_sequenced_too() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    for text in [
        r#"{"type":"groupStateUpdate","sequenceId":2}"#,
        r#"{"type":"message","sequenceId":3,"from":"mars","dataType":"text","data":"x"}"#,
        r#"{"type":"message","sequenceId":4,"from":"server","dataType":"new","data":"x"}"#,
        r#"{"sequenceId":5}"#,
    ] {
        assert!(matches!(b.text(text), Received::Unknown { .. }), "{text}");
    }
    assert_eq!(b.text(r#"{"type":"groupStateUpdate","sequenceId":2}"#), Received::Duplicate);
    assert!(b.message(6));
    b.pass(ms(500));
    b.says(&[&acknowledges(6)]);
}

#[test]
fn a_sequence_id_of_zero_is_shown_and_counts_for_nothing() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    for _ in 0..2 {
        let text = message(0);
        let Received::Unknown { reason } = b.text(&text) else { panic!("it vanished") };
        assert_eq!(reason, "a `sequenceId` of 0: they begin at 1");
        assert!(matches!(b.text(r#"{"type":"new","sequenceId":0}"#), Received::Unknown { .. }));
    }
    assert!(b.message(2));
    b.pass(ms(500));
    b.says(&[&acknowledges(2)]);
    assert_eq!(b.session.counts().received, 2);
}

#[test]
fn garbage_is_passed_on_and_harms_nothing() {
    let mut b = SessionBench::live(config());
    for text in ["", "{", "[]", "null", "\"x\"", r#"{"type":1}"#, r#"{"type":"ack"}"#, r#"{"type":"system"}"#, "\u{0}"]
    {
        assert!(matches!(b.text(text), Received::Unknown { .. }), "{text}");
    }
    assert!(matches!(
        b.session.handle_frame(b.now, WireFrame::Binary(&[1]), &mut Unpacked::default()),
        Received::Unknown { .. }
    ));
    let null = r#"{"sequenceId":1,"type":"message","from":"server","dataType":"json","data":null}"#;
    assert!(matches!(b.text(null), Received::Message(_)));
    b.pass(ms(500));
    b.says(&[&acknowledges(1)]);
}

#[test]
fn messages_without_an_id_are_delivered_and_need_no_ack() {
    let mut b = SessionBench::live(Config { reliable: false, ..config() });
    for _ in 0..300 {
        assert!(matches!(
            b.text(r#"{"type":"message","from":"server","dataType":"text","data":"x"}"#),
            Received::Message(_)
        ));
    }
    b.quiet(s(9));
    assert_eq!(b.session.counts().received, 300);
}

#[test]
fn the_largest_id_there_is_can_come() {
    let mut b = SessionBench::live(config());
    assert!(b.message(u64::MAX));
    b.says(&[&format!("gap 1 to {}", u64::MAX)]);
    assert!(!b.message(u64::MAX) && !b.message(1));
    b.pass(ms(500));
    b.says(&[&acknowledges(u64::MAX)]);
}

#[test]
fn a_recovery_keeps_the_ids_and_acknowledges_once_more_with_its_ping() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1) && b.message(2));
    b.pass(ms(500));
    b.says(&[&acknowledges(2)]);
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 5.5s"]);
    b.quiet(s(1));
    b.recover_telling(2);
    b.says(&["recovered c1, attempts 1, down 1s"]);
    // Replayed, since the acknowledgement was lost with the socket.
    assert!(!b.message(2));
    assert!(b.message(3));
    b.pass(ms(500));
    b.says(&[&acknowledges(3)]);
    // Nothing replayed: the service is told all the same.
    b.pass(s(1));
    b.cut();
    b.take();
    b.recover_telling(3);
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    b.quiet(s(9));
}

#[test]
fn a_connection_that_breaks_sooner_than_acks_are_due_still_gets_them_through() {
    let mut b = SessionBench::live(config());
    for id in 1..=5 {
        assert!(b.message(id));
        b.pass(ms(300));
        b.cut();
        b.take();
        b.recover_telling(id);
        b.says(&["recovered c1, attempts 1, down 0ns"]);
    }
}

#[test]
fn what_has_come_is_said_before_the_recovered_socket_is_proved() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    b.cut();
    b.take();
    b.open();
    b.says(&[PING, &acknowledges(1)]);
    // It may have been lost with this socket, too.
    b.cut();
    b.says(&["recovery failed: reset"]);
    b.pass(s(1));
    b.take();
    b.open();
    b.says(&[PING, &acknowledges(1)]);
    // What is replayed all the same is acknowledged in its time.
    assert!(!b.message(1));
    b.says(&["recovered c1, attempts 2, down 1s"]);
    b.quiet(ms(499));
    b.pass(ms(1));
    b.says(&[&acknowledges(1)]);
}

#[test]
fn an_acknowledgement_due_while_recovering_waits() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1));
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 5s"]);
    b.quiet(s(4));
    b.recover_telling(1);
    b.says(&["recovered c1, attempts 1, down 4s"]);
}

#[test]
fn a_fresh_connection_counts_from_one_again() {
    let mut b = SessionBench::live(config());
    assert!(b.message(1) && b.message(2));
    b.pass(s(6));
    b.close(1008);
    b.take();
    b.reconnect("c2");
    b.says(&["connected c2 None"]);
    assert!(b.message(1));
    b.pass(ms(500));
    b.says(&[&acknowledges(1)]);
}
