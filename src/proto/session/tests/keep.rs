//! What outlives a process: recorded before it is acted on, taken up again, and given up honestly.

use super::*;

fn kept() -> Config {
    Config { keep: Some(Keep::default()), ..config() }
}

fn snapshot() -> Snapshot {
    Snapshot {
        connection: Some(KeptConnection {
            id: "c1".into(),
            user_id: Some("alice".into()),
            token: ReconnectionToken("t1".into()),
        }),
        ordinal: 3,
        groups: vec![("g".into(), true, true), ("old".into(), true, true)],
        operations: Vec::new(),
        used_ids: vec![(1, 4)],
        carried: Vec::new(),
        remembered: Vec::new(),
        digests: Vec::new(),
        sent: 4,
        settled: 4,
        losses: Vec::new(),
    }
}

fn unanswered(text: &str, ack_id: u64) -> KeptOperation {
    let frame = send(text).encode(Codec::Json, Some(ack_id));
    KeptOperation { ack_id, kind: OperationKind::SendToGroup, target: "g".into(), frame, since: 0 }
}

fn resume(snapshot: Snapshot) -> Config {
    let resume = Resume { snapshot, done: 5, begun: 7, downtime: s(3), leave: vec!["old".into()] };
    Config { keep: Some(Keep { resume: Some(resume), reserved: None }), ..config() }
}

/// With the first recovery dialled.
#[track_caller]
fn resuming(snapshot: Snapshot) -> SessionBench {
    let mut b = SessionBench::idle(resume(snapshot));
    b.session.handle_start(b.now);
    b.says(&["recover c1 with t1 by 5s"]);
    b
}

fn mark(ordinal: u64, sequence_id: u64) -> Mark {
    Mark { ordinal, sequence_id }
}

#[test]
fn a_connection_is_recorded_when_it_is_made_and_whenever_it_changes() {
    let mut b = SessionBench::live(kept());
    let first = b.session.take_snapshot().unwrap();
    assert_eq!(first.connection.as_ref().map(|kept| (kept.id.as_str(), kept.token.0.as_str())), Some(("c1", "t1")));
    assert_eq!((first.ordinal, b.session.take_snapshot()), (1, None));
    b.join("g");
    b.send("a");
    b.says(&[&joins("g", 1), &sends("a", 2)]);
    let sent = b.session.take_snapshot().unwrap();
    assert_eq!(sent.groups, [("g".into(), true, false)]);
    assert_eq!((sent.operations, sent.used_ids), (vec![unanswered("a", 2)], vec![(1, 2)]));
    b.ack(2);
    b.ack(1);
    b.take();
    let settled = b.session.take_snapshot().unwrap();
    assert_eq!((settled.operations, settled.groups), (vec![], vec![("g".into(), true, true)]));
    b.control(&connected("c1"));
    assert_eq!(b.session.take_snapshot().unwrap().connection.unwrap().token.0, "t-c1");
    // Messages change nothing of it: how far they were written out is recorded by whoever writes.
    assert!(b.message(1));
    assert_eq!((b.session.take_snapshot(), b.session.mark()), (None, Some(mark(1, 1))));
}

/// A record is as long as all groups: one for each of many acks grows with the square of their number.
#[test]
fn what_settles_in_one_turn_is_recorded_once_at_its_end() {
    let mut b = SessionBench::live(kept());
    for group in ["g", "h", "i"] {
        b.join(group);
    }
    b.take();
    b.session.take_snapshot().unwrap();
    for id in 1..=3 {
        b.ack(id);
        assert_eq!(b.session.take_urgent_snapshot(), None, "{id}");
    }
    let joined = |group: &str| (group.to_owned(), true, true);
    assert_eq!(b.session.take_snapshot().unwrap().groups, [joined("g"), joined("h"), joined("i")]);
    assert_eq!(b.session.take_snapshot(), None);
    // What comes next is to be known before anything that follows from it, with all that is known.
    b.ack(4);
    b.send("a");
    assert!(b.session.take_urgent_snapshot().is_some());
    assert_eq!(b.session.take_snapshot(), None);
}

#[test]
fn without_a_keep_nothing_is_to_be_recorded() {
    let mut b = SessionBench::live(config());
    b.send("a");
    assert_eq!(b.session.take_snapshot(), None);
}

#[test]
fn a_message_is_acknowledged_once_it_was_written_out_and_not_before() {
    let mut b = SessionBench::live(kept());
    assert!(b.message(1) && b.message(2) && b.message(3));
    b.quiet(s(9));
    b.session.handle_written(b.now, mark(1, 2));
    b.quiet(ms(499));
    b.pass(ms(1));
    b.says(&[&acknowledges(2)]);
    // Of another connection: says nothing about this one.
    b.session.handle_written(b.now, mark(2, 3));
    assert_eq!(b.session.poll_timeout(), Some(b.now.min(s(9) + ms(500)) + ms(500)));
}

#[test]
fn leaving_says_nothing_and_keeps_what_is_unanswered() {
    let mut b = SessionBench::live(kept());
    b.send("a");
    assert!(b.message(1));
    b.take();
    b.session.take_snapshot();
    b.stop();
    // Neither an acknowledgement nor a close frame.
    b.says(&["abort", "#1 unknown 1: the session was stopped", "ended: stopped"]);
    // Recorded before; nothing has changed.
    assert_eq!(b.session.take_snapshot(), None);
    let mut b = SessionBench::live(kept());
    b.send("a");
    b.stop();
    b.take();
    let parting = b.session.take_snapshot().unwrap();
    assert_eq!((parting.operations, parting.connection.is_some()), (vec![unanswered("a", 1)], true));
    assert_eq!(b.session.take_snapshot(), None);
}

#[test]
fn an_earlier_processs_connection_goes_on_where_it_was() {
    let mut b = resuming(snapshot());
    b.join("g");
    b.join("new");
    // What was recorded as done, and nothing that may not have been.
    b.recover_telling(5);
    b.says(&[
        "recovered c1, attempts 1, down 3s",
        "joined g None",
        "#1 already joined",
        &joins("new", 6),
        &leaves("old", 7),
    ]);
    // Written out before: dropped. Perhaps written out: marked. New: not.
    assert!(!b.message(5));
    for (id, repeated) in [(6, true), (7, true), (8, false)] {
        let text = message(id);
        let Received::Message(message) = b.text(&text) else { panic!("{id}") };
        assert_eq!((message.sequence_id, message.redelivered), (Some(id), repeated));
    }
    assert_eq!(b.session.counts().received, 3);
    b.ack(7);
    b.ack(6);
    b.pass(ms(500));
    b.says(&[
        "left old Some(7)",
        "ack 6 joinGroup new ok, attempts 1, 0ns",
        "joined new Some(6)",
        "#2 acked 6, attempts 1, 0ns",
        // For the one that came again.
        &acknowledges(5),
    ]);
    assert_eq!(b.groups(), "g?! new?!");
}

#[test]
fn a_record_may_be_as_old_as_can_be() {
    let resume = Resume {
        snapshot: Snapshot { groups: Vec::new(), ..snapshot() },
        done: 5,
        begun: 7,
        downtime: Duration::MAX,
        leave: Vec::new(),
    };
    let mut b = SessionBench::idle(Config { keep: Some(Keep { resume: Some(resume), reserved: None }), ..config() });
    b.session.handle_start(b.now);
    b.says(&["recover c1 with t1 by 5s"]);
    b.pass(s(1));
    b.recover_telling(5);
    let downtime = Duration::MAX;
    b.says(&[&format!("recovered c1, attempts 1, down {downtime:?}")]);
}

#[test]
fn a_group_whose_join_or_leave_is_on_its_way_is_not_known_to_be_joined() {
    let mut b = SessionBench::live(kept());
    b.join("g");
    b.ack(1);
    b.leave("g");
    b.join("g");
    b.join("h");
    b.leave("h");
    b.take();
    let groups = b.session.take_snapshot().unwrap().groups;
    assert_eq!(groups, [("g".into(), true, false), ("h".into(), false, false)]);
}

#[test]
fn a_group_that_was_being_left_for_an_earlier_process_is_not_known_to_be_joined() {
    let mut b = resuming(snapshot());
    b.recover_telling(5);
    b.says(&["recovered c1, attempts 1, down 3s", &leaves("old", 5)]);
    // Whether it was left nobody has heard, and the join that was asked for since has not gone out.
    b.cut();
    b.join("old");
    b.take();
    let groups = b.session.take_snapshot().unwrap().groups;
    assert_eq!(groups, [("g".into(), true, true), ("old".into(), true, false)]);
}

#[test]
fn a_join_that_comes_after_the_recovery_is_not_sent_either() {
    let mut b = resuming(snapshot());
    b.recover_telling(5);
    b.take();
    b.join("g");
    b.says(&["joined g None", "#1 already joined"]);
    // Asked again, it is a join like any other.
    b.join("g");
    b.says(&[&joins("g", 6)]);
}

#[test]
fn a_message_of_an_earlier_process_goes_on_under_its_id() {
    let operations = vec![unanswered("a", 3), unanswered("b", 4)];
    let mut b = resuming(Snapshot { operations, ..snapshot() });
    // The same as before, given again; another; and an id that was answered before, as the service will say.
    b.send("b");
    b.send("c");
    b.ask(send("d"), AckMode::Id(2));
    // An id of another message that may still be carried out.
    b.ask(send("x"), AckMode::Id(3));
    b.says(&["#4 id 3 in use"]);
    b.recover_telling(5);
    b.says(&[
        "recovered c1, attempts 1, down 3s",
        &sends("a", 3),
        &sends("b", 4),
        &sends("c", 5),
        &sends("d", 2),
        &leaves("old", 6),
    ]);
    b.nack(3, "Duplicate");
    b.nack(4, "Duplicate");
    b.says(&[
        "ack 3 sendToGroup g duplicate, attempts 2, 0ns",
        "ack 4 sendToGroup g duplicate, attempts 2, 0ns",
        "#1 acked 4 duplicate, attempts 2, 0ns",
    ]);
}

#[test]
fn a_message_without_an_ack_is_kept_for_another_run() {
    let mut b = SessionBench::live(Config { operation_retries: 0, ping_interval: None, ping_timeout: None, ..kept() });
    b.send("a");
    b.pass(s(30));
    b.take();
    assert_eq!(b.session.take_snapshot().unwrap().operations, [unanswered("a", 1)]);
}

#[test]
fn what_the_service_may_have_forgotten_is_not_sent_again() {
    for others in [999, 1000] {
        let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..kept() });
        b.send("a");
        for id in 2..2 + others {
            b.send("b");
            b.ack(id);
        }
        b.take();
        let snapshot = b.session.take_snapshot().unwrap();
        assert_eq!((snapshot.sent, snapshot.settled), (others + 1, others));
        assert_eq!(snapshot.operations, [KeptOperation { since: others, ..unanswered("a", 1) }]);
        // In the same process, and in another.
        let mut other = resuming(Snapshot { ordinal: 3, groups: vec![], ..snapshot });
        b.close(1011);
        b.take();
        b.open();
        b.take();
        b.control(PONG);
        other.recover_telling(5);
        for said in [b.take().join("\n"), other.take().join("\n")] {
            assert_eq!(said.contains(&sends("a", 1)), others < 1000, "{said}");
            assert_eq!(said.contains("may have forgotten its ackId"), others == 1000, "{said}");
        }
    }
}

/// Snapshot of a process that has had an ack for `a` under id 7, and for so many others after it.
fn settled(others: u64) -> Snapshot {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..kept() });
    b.ask(send("a"), AckMode::Id(7));
    b.ack(7);
    for number in 0..others {
        b.ask(send("b"), AckMode::Id(100 + number));
        b.ack(100 + number);
    }
    b.take();
    Snapshot { ordinal: 3, ..b.session.take_snapshot().unwrap() }
}

const FORGOTTEN_7: &str = "#1 unknown 7: so many other operations went over the connection since that the service may have \
                           forgotten its ackId";

#[test]
fn an_id_that_has_settled_is_given_again_only_as_long_as_the_service_knows_it() {
    for others in [0, 999, 1000, 5000] {
        let snapshot = settled(others);
        let forgotten = others >= 1000;
        assert_eq!(snapshot.has_forgotten(7), forgotten);
        assert!(!snapshot.has_forgotten(8) && snapshot.remembered.len() <= 2, "{:?}", snapshot.remembered);
        let mut b = resuming(snapshot.clone());
        b.ask(send("a"), AckMode::Id(7));
        // Nobody has to be asked for that.
        b.says(if forgotten { &[FORGOTTEN_7] } else { &[] });
        b.recover_telling(5);
        assert_eq!(b.take().contains(&sends("a", 7)), !forgotten, "{others}");
        if !forgotten {
            b.nack(7, "Duplicate");
            assert_eq!(b.take()[1], "#1 acked 7 duplicate, attempts 2, 0ns");
        }
        // Whoever is ready to have it doubled has it sent; a new id was never a question.
        let mut b = SessionBench::idle(Config { on_unknown: OnUnknown::Resend, ..resume(snapshot) });
        b.session.handle_start(b.now);
        b.take();
        b.ask(send("a"), AckMode::Id(7));
        b.ask(send("c"), AckMode::Id(9));
        b.recover_telling(5);
        let said = b.take();
        assert!(said.contains(&sends("a", 7)) && said.contains(&sends("c", 9)), "{said:?}");
    }
}

#[test]
fn what_goes_before_it_counts_for_an_id_that_is_given_again() {
    let mut b = resuming(settled(998));
    b.send("x");
    b.ask(send("a"), AckMode::Id(7));
    b.send("y");
    b.recover_telling(5);
    // The second that was sent after it: one before, and it is not sent any more.
    let said = b.take();
    assert!(said.contains(&sends("a", 7)), "{said:?}");
    let mut b = resuming(settled(998));
    b.send("x");
    b.send("y");
    b.ask(send("a"), AckMode::Id(7));
    b.recover_telling(5);
    assert!(b.take().contains(&FORGOTTEN_7.replace("#1", "#3")));
}

#[test]
fn an_id_that_has_settled_on_a_connection_that_is_lost_is_unknown_on_another() {
    let snapshot = settled(3);
    for before in [true, false] {
        let mut b = resuming(snapshot.clone());
        if before {
            b.ask(send("a"), AckMode::Id(7));
        }
        b.open();
        b.close(1008);
        if !before {
            b.ask(send("a"), AckMode::Id(7));
        }
        let said = b.take();
        assert!(said.iter().any(|line| line.starts_with("#1 unknown 7: ")), "{said:?}");
    }
    // Also by the record alone, whatever happened to that connection.
    let mut b = SessionBench::idle(resume(Snapshot { connection: None, ..snapshot.clone() }));
    b.session.handle_start(b.now);
    b.ask(send("a"), AckMode::Id(7));
    b.says(&["dial by 30s", "#1 unknown 7: the connection that an earlier run sent on is lost"]);
    assert!(Snapshot { connection: None, ..snapshot }.has_forgotten(7));
}

#[test]
fn an_id_under_which_nothing_can_have_been_carried_out_may_be_given_again_at_any_time() {
    let mut b = SessionBench::live(kept());
    b.ask(Request::Join { group: "g".into() }, AckMode::Id(1));
    b.ask(send("refused"), AckMode::Id(2));
    b.ask(send("sent"), AckMode::Id(3));
    b.ack(1);
    b.nack(2, "Forbidden");
    b.cut();
    b.ask(send("waits"), AckMode::Id(4));
    b.take();
    let snapshot = b.session.take_snapshot().unwrap();
    assert_eq!((&snapshot.carried, &snapshot.used_ids), (&vec![(3, 3)], &vec![(1, 4)]));
    let mut b = SessionBench::idle(resume(Snapshot { connection: None, operations: vec![], ..snapshot }));
    b.session.handle_start(b.now);
    b.take();
    for id in 1..=4 {
        b.ask(send("again"), AckMode::Id(id));
    }
    b.open();
    b.control(&connected("c2"));
    let said = b.take();
    let sent: Vec<bool> = (1..=4).map(|id| said.contains(&sends("again", id))).collect();
    assert_eq!(sent, [true, true, false, true], "{said:?}");
}

#[test]
fn an_id_under_which_something_else_went_over_the_connection_is_not_given_to_another() {
    let mut b = SessionBench::live(kept());
    for (id, request) in [(1, Request::Join { group: "g".into() }), (2, send("a")), (3, send("refused"))] {
        b.ask(request, AckMode::Id(id));
    }
    b.ack(1);
    b.ack(2);
    b.nack(3, "Forbidden");
    // Whether it was carried out is not known.
    b.ask(Request::Leave { group: "g".into() }, AckMode::Id(4));
    b.take();
    let snapshot = Snapshot { ordinal: 3, ..b.session.take_snapshot().unwrap() };
    assert_eq!(snapshot.digests.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 4]);
    // Nor to one that may be doubled: it would not be carried out once.
    for on_unknown in [OnUnknown::Fail, OnUnknown::Resend] {
        let mut b = SessionBench::idle(Config { on_unknown, ..resume(snapshot.clone()) });
        b.session.handle_start(b.now);
        b.take();
        b.ask(send("b"), AckMode::Id(1));
        b.ask(send("b"), AckMode::Recorded { id: 2, again: false });
        b.ask(Request::Join { group: "h".into() }, AckMode::Id(2));
        b.ask(send("b"), AckMode::Id(4));
        b.says(&["#1 id 1 in use", "#2 id 2 in use", "#3 id 2 in use", "#4 id 4 in use"]);
        assert_eq!(b.session.counts().failed, 4);
        b.ask(send("a"), AckMode::Id(2));
        b.ask(send("b"), AckMode::Id(3));
        b.recover_telling(5);
        let said = b.take();
        assert!(said.contains(&sends("a", 2)) && said.contains(&sends("b", 3)), "{said:?}");
        // A third process knows what the second has sent.
        let ids: Vec<u64> = b.session.take_snapshot().unwrap().digests.iter().map(|(id, _)| *id).collect();
        assert!([1, 2, 3, 4].iter().all(|id| ids.contains(id)), "{ids:?}");
    }
    // Another connection knows none of them.
    let mut b = resuming(snapshot);
    b.open();
    b.close(1008);
    b.ask(send("b"), AckMode::Id(1));
    b.take();
    b.pass(s(30));
    b.open();
    b.control(&connected("c2"));
    let said = b.take();
    assert!(said.contains(&sends("b", 1)), "{said:?}");
}

#[test]
fn what_its_issuer_records_is_known_by_its_ids_afterwards() {
    let recorded = |id| AckMode::Recorded { id, again: false };
    let mut b = SessionBench::live(kept());
    for id in 1..=1500 {
        b.ask(send("a"), recorded(id));
        b.ack(id);
    }
    b.take();
    b.stop();
    b.take();
    let snapshot = b.session.take_snapshot().unwrap();
    assert_eq!((&snapshot.carried, snapshot.remembered.len()), (&vec![(1, 1500)], 1));
    let mut b = resuming(Snapshot { ordinal: 3, ..snapshot });
    b.ask(send("a"), recorded(500));
    b.ask(send("a"), recorded(501));
    b.says(&[&FORGOTTEN_7.replace("unknown 7", "unknown 500")]);
    b.recover_telling(5);
    assert!(b.take().contains(&sends("a", 501)));
}

#[test]
fn a_loss_is_recorded_with_what_follows_from_it_and_told_first_by_the_next_process() {
    let mut b = resuming(Snapshot { operations: vec![unanswered("a", 3)], ..snapshot() });
    b.open();
    b.close(1008);
    b.take();
    let losses = b.session.take_snapshot().unwrap().losses;
    let [KeptLoss::Connection { id, .. }, KeptLoss::Operation { ack_id: 3, .. }] = &losses[..] else {
        panic!("{losses:?}")
    };
    assert_eq!(id, "c1");
    // Once: whoever records it keeps it.
    b.open();
    b.control(&connected("c2"));
    b.take();
    assert_eq!(b.session.take_snapshot().unwrap().losses, []);
    let mut next = SessionBench::idle(resume(Snapshot { losses, ..snapshot() }));
    next.session.handle_start(next.now);
    let said = next.take();
    assert!(said[0].starts_with("session-lost c1: ") && said[1].starts_with("unknown 3 sendToGroup g: "), "{said:?}");
    assert_eq!(said[2..], ["recover c1 with t1 by 5s"]);
    next.recover_telling(5);
    assert_eq!(next.session.take_snapshot().unwrap().losses, []);
}

#[test]
fn a_connection_that_cannot_be_recovered_is_reported_and_replaced() {
    {
        let mut b = resuming(Snapshot { operations: vec![unanswered("a", 3)], ..snapshot() });
        b.join("g");
        b.open();
        b.says(&[PING, &acknowledges(5)]);
        b.close(1008);
        let said = b.take().join("\n");
        let lost = said.find("session-lost c1: ").unwrap_or_else(|| panic!("{said}"));
        let unknown = said.find("unknown 3 sendToGroup g: ").unwrap();
        let dial = said.find("dial by").unwrap();
        assert!(lost < unknown && unknown < dial && said.contains("disconnected c1"), "{said}");
        // It cannot come back, nor can what is unknown be repeated.
        let given_up = b.session.take_snapshot().unwrap();
        assert_eq!((given_up.connection, given_up.operations), (None, vec![]));
        assert!(given_up.ordinal > 3);
        b.open();
        b.control(&connected("c2"));
        b.says(&["connected c2 None", &joins("g", 5)]);
        let replaced = b.session.take_snapshot().unwrap();
        assert_eq!(replaced.connection.unwrap().id, "c2");
        // The new connection has messages of its own.
        let text = message(1);
        let Received::Message(message) = b.text(&text) else { panic!() };
        assert!(!message.redelivered);
    }
}

#[test]
fn a_recovery_that_is_not_refused_is_tried_for_as_long_as_the_service_keeps_the_connection() {
    let mut b = resuming(snapshot());
    for second in 1..30 {
        b.dial_failed(DialClass::Unreachable);
        b.says(&["recovery failed: no"]);
        b.pass(s(1));
        b.says(&[&format!("recover c1 with t1 by {:?}", s(second) + s(5))]);
    }
    b.dial_failed(DialClass::Status(503));
    let said = b.take();
    assert_eq!(said[0], "recovery failed: no");
    assert!(said[1].starts_with("session-lost c1: not recovered within 29 s"), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("dial by 59s"));
}

#[test]
fn no_answer_to_a_dial_ends_the_recovery_of_an_earlier_processs_connection() {
    for class in [
        DialClass::Status(400),
        DialClass::Status(401),
        DialClass::Status(403),
        DialClass::Status(404),
        DialClass::Status(302),
        DialClass::Status(200),
        DialClass::Status(407),
        DialClass::Subprotocol,
        DialClass::NotWebSocket,
        DialClass::Proxy,
        DialClass::Certificate,
    ] {
        let mut b = resuming(snapshot());
        b.dial_failed(class);
        b.says(&["recovery failed: no"]);
        b.pass(s(1));
        b.says(&["recover c1 with t1 by 6s"]);
        b.recover_telling(5);
        assert_eq!(b.take()[0], "recovered c1, attempts 2, down 4s");
    }
}

#[test]
fn what_stands_in_the_way_of_every_connection_leaves_the_record_alone() {
    let mut b = resuming(snapshot());
    b.dial_failed(DialClass::Configuration);
    b.says(&["recovery failed: no", "ended: Configuration: no"]);
    assert_eq!(b.session.take_snapshot(), None);
}

#[test]
fn a_record_without_a_connection_begins_a_new_one_in_its_groups() {
    let mut b = SessionBench::idle(resume(Snapshot { connection: None, ..snapshot() }));
    b.session.handle_start(b.now);
    b.says(&["dial by 30s"]);
    b.open();
    b.control(&connected("c2"));
    b.says(&["connected c2 None", &joins("g", 5)]);
}

#[test]
fn what_its_issuer_records_is_no_part_of_a_snapshot_until_the_end_but_its_id() {
    let mut b = SessionBench::live(kept());
    b.take();
    b.session.take_snapshot();
    b.ask(send("a"), AckMode::Recorded { id: 7, again: false });
    b.says(&[&sends("a", 7)]);
    assert_eq!(b.session.take_snapshot(), None);
    b.ack(7);
    assert_eq!(b.session.take_snapshot(), None);
    b.ask(send("b"), AckMode::Recorded { id: 8, again: false });
    b.stop();
    let parting = b.session.take_snapshot().unwrap();
    assert_eq!((parting.operations, parting.used_ids), (vec![], vec![(7, 8)]));
}

#[test]
fn what_its_issuer_brings_again_goes_out_on_the_same_connection_and_is_unknown_on_another() {
    let again = |id| AckMode::Recorded { id, again: true };
    let mut b = resuming(snapshot());
    b.recover_telling(5);
    b.take();
    b.ask(send("a"), again(3));
    b.says(&[&sends("a", 3)]);
    b.nack(3, "Duplicate");
    b.says(&["ack 3 sendToGroup g duplicate, attempts 2, 0ns", "#1 acked 3 duplicate, attempts 2, 0ns"]);
    // Before the recovery fails, and after.
    let mut b = resuming(snapshot());
    b.ask(send("a"), again(3));
    b.open();
    b.close(1008);
    b.ask(send("b"), again(4));
    let said = b.take();
    let unknown: Vec<&String> = said.iter().filter(|said| said.contains("unknown")).collect();
    assert!(
        unknown.len() == 2 && unknown[1].contains("#2 unknown 4: the connection that an earlier run sent on"),
        "{said:?}"
    );
}

#[test]
fn reserved_ids_are_for_what_its_issuer_records() {
    let mut b = SessionBench::live(Config { keep: Some(Keep { resume: None, reserved: Some((1, 5)) }), ..config() });
    b.send("a");
    b.ask(send("b"), AckMode::Id(2));
    b.ask(send("c"), AckMode::Recorded { id: 2, again: false });
    b.says(&[&sends("a", 6), "#2 id 2 in use", &sends("c", 2)]);
}
