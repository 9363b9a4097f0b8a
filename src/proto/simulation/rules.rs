//! The rules of PROTOCOL §19 that are about connections and operations, each shown by its number in a scenario of its own:
//! session and hub on a wire whose dials and losses are told, not drawn.

mod scene;

use std::time::Duration;

use self::scene::{CLIENT, Dials, OTHER, Scene, close, ms, refused_recovery, reset, s};
use crate::hub::{HubConfig, Selection, Target};
use crate::session::{End, Lifecycle, LossCause, OnUnknown, Outcome, OutcomeCause, Request};

/// Connected is who has got `connected`; one deadline for all of it, and a shorter one for a recovery.
#[test]
fn rule_01_connected_is_who_has_got_connected() {
    let mut scene = Scene::new();
    scene.faults.add("no-connected,op=connect,user=user0".parse().unwrap()).unwrap();
    scene.pass(s(9));
    assert!(scene.log.events.is_empty(), "the socket is open: {:?}", scene.log.events);
    scene.faults.clear();
    scene.pass(s(5));
    scene.sees(|event| matches!(event, Lifecycle::AttemptFailed { recovery: false, .. }));
    scene.connects();
    assert_eq!(scene.dialed()[0].limit, s(10));
    scene.log.dials = Dials::Hang;
    scene.cut(reset());
    scene.pass(s(20));
    let limits: Vec<Duration> =
        scene.dialed().into_iter().filter(|dial| dial.recovers).map(|dial| dial.limit).collect();
    assert!(limits.len() >= 4 && limits.iter().all(|limit| *limit == s(5)), "{limits:?}");
}

/// A recovery at once, then every second for thirty; but not after 1008.
#[test]
fn rule_02_a_lost_connection_is_recovered_every_second_until_its_window_closes() {
    let mut scene = Scene::connected();
    scene.dialed();
    scene.log.dials = Dials::Refused;
    let lost = scene.pair.now;
    scene.cut(reset());
    scene.pass(s(31));
    let dialed = scene.dialed();
    let recoveries: Vec<Duration> = dialed.iter().filter(|dial| dial.recovers).map(|dial| dial.at - lost).collect();
    assert_eq!(recoveries, (0..30).map(s).collect::<Vec<_>>());
    scene.sees(|event| matches!(event, Lifecycle::SessionLost { .. }));
    scene.log.dials = Dials::Open;
    scene.pass(s(60));
    scene.connects();
    scene.dialed();
    scene.forgotten();
    assert!(scene.dialed().iter().all(|dial| !dial.recovers));
}

/// The ping goes first, what waits for its ack again behind its answer, and `connected` is said once.
#[test]
fn rule_03_a_recovery_is_proved_by_a_first_frame_whether_connected_comes_or_not() {
    for send_connected_on_recovery in [true, false] {
        let mut scene = Scene::with(HubConfig { send_connected_on_recovery, ..HubConfig::default() }, |_| {});
        scene.pass(s(2));
        scene.connects();
        let id = scene.send(CLIENT, "1");
        scene.cut(reset());
        scene.log.sent.clear();
        // The dial is through, and nothing has come yet.
        scene.pass(ms(1));
        assert_eq!(scene.log.sent, [r#"{"type":"ping"}"#]);
        scene.pass(s(1));
        scene.recovers();
        assert_eq!(scene.sent("sendToGroup").len(), 1);
        assert!(scene.is_acked(id));
        assert!(!scene.log.events.iter().any(|event| matches!(event, Lifecycle::Connected { .. })));
    }
}

/// Every wanted group is joined again, and no other.
#[test]
fn rule_04_a_fresh_connection_is_in_every_wanted_group() {
    let mut scene = Scene::connected();
    scene.join("g");
    scene.join("h");
    scene.ask(CLIENT, Request::Leave { group: "h".into() });
    scene.pass(s(1));
    scene.sent("");
    scene.send(OTHER, "1");
    scene.pass(s(1));
    scene.forgotten();
    scene.connects();
    assert_eq!(scene.sent("joinGroup").len(), 1);
    scene.sees(|event| matches!(event, Lifecycle::Joined { group, rejoined: true, .. } if group == "g"));
    // Its sequence ids begin anew: none is missing, and none was there before.
    scene.send(OTHER, "2");
    scene.pass(s(1));
    assert_eq!((&scene.log.messages[..], scene.log.duplicates), (&["1".into(), "2".into()][..], 0));
    // What cannot be joined again is said.
    scene.faults.add("nack=Forbidden,op=joinGroup,user=user0".parse().unwrap()).unwrap();
    scene.forgotten();
    scene.sees(|event| matches!(event, Lifecycle::RejoinFailed { group, .. } if group == "g"));
}

/// Pauses grow until a connection has lived five seconds.
#[test]
fn rule_05_pauses_between_connections_grow_until_one_has_lived() {
    let mut scene = Scene::connected();
    let attempts = |scene: &mut Scene| match scene.sees(|event| matches!(event, Lifecycle::Reconnecting { .. })) {
        Lifecycle::Reconnecting { attempt, .. } => attempt,
        other => panic!("{other:?}"),
    };
    scene.pass(s(60));
    scene.log.events.clear();
    scene.cut(refused_recovery());
    scene.pass(s(1));
    assert_eq!(attempts(&mut scene), 1, "it had lived");
    // One after the other dies at once: two minutes are a few attempts.
    let (mut last, started) = (1, scene.pair.now);
    while scene.pair.now < started + s(120) {
        if scene.log.events.iter().any(|event| matches!(event, Lifecycle::Connected { .. })) {
            scene.log.events.clear();
            scene.cut(refused_recovery());
            scene.pass(ms(1));
            let attempt = attempts(&mut scene);
            assert_eq!(attempt, last + 1);
            last = attempt;
        }
        scene.pass(ms(10));
    }
    assert!((4..12).contains(&last), "{last} attempts in two minutes");
}

/// One id for all attempts, so that what was carried out is not carried out again.
#[test]
fn rule_06_an_operation_has_one_id_for_its_whole_life() {
    let mut scene = Scene::connected();
    scene.sent("");
    let id = scene.send(CLIENT, "1");
    // It has arrived, and its ack has not.
    scene.pass(ms(1));
    assert_eq!(scene.log.published, 1);
    scene.cut(reset());
    scene.pass(s(1));
    let sent = scene.sent("sendToGroup");
    assert!(sent.len() == 2 && sent[0] == sent[1], "{sent:?}");
    assert!(matches!(scene.log.settled[&id], Outcome::Acked { duplicate: true, attempts: 2, .. }));
    assert_eq!(scene.log.published, 1);
    // A passing failure is tried again, under the same id; any other is final.
    for (name, times) in [("InternalServerError", 2), ("SomethingNew", 1)] {
        scene.faults.add(format!("nack={name},op=sendToGroup,times=1,user=user0").parse().unwrap()).unwrap();
        let id = scene.send(CLIENT, "2");
        scene.pass(s(5));
        let sent = scene.sent("sendToGroup");
        assert!(sent.len() == times && sent.windows(2).all(|two| two[0] == two[1]), "{sent:?}");
        assert_eq!(scene.is_acked(id), times == 2);
    }
}

/// Another connection knows no ids: what became of a publish is not known, and it is sent again only if that is wanted.
#[test]
fn rule_07_what_a_lost_connection_did_not_answer_is_unknown() {
    for on_unknown in [OnUnknown::Fail, OnUnknown::Resend] {
        let mut scene = Scene::with(HubConfig::default(), |config| config.on_unknown = on_unknown);
        scene.pass(s(2));
        scene.connects();
        let (publish, join) = (scene.send(CLIENT, "1"), scene.join("h"));
        scene.pass(ms(1));
        assert_eq!(scene.log.published, 1);
        scene.sent("");
        scene.forgotten();
        scene.pass(s(5));
        let resend = on_unknown == OnUnknown::Resend;
        assert_eq!((scene.log.published, scene.is_acked(publish)), (if resend { 2 } else { 1 }, resend));
        let unknown = Outcome::Unknown { ack_id: 1, cause: OutcomeCause::ConnectionLost(String::new()) };
        let same = |outcome: &Outcome| std::mem::discriminant(outcome) == std::mem::discriminant(&unknown);
        assert_eq!(same(&scene.log.settled[&publish]), !resend);
        assert!(scene.is_acked(join), "joining can be repeated");
    }
}

/// Acknowledged, refused, not acknowledged, not sent: each operation has one end. That it has no second one is held by
/// the log of every scenario.
#[test]
fn rule_08_every_operation_ends_once() {
    let mut scene = Scene::connected();
    scene.faults.add("nack=Forbidden,op=joinGroup,times=1,user=user0".parse().unwrap()).unwrap();
    scene.faults.add("swallow-ack,op=leaveGroup,user=user0".parse().unwrap()).unwrap();
    let publish = scene.send(CLIENT, "1");
    let join = scene.join("h");
    scene.pass(s(1));
    let leave = scene.ask(CLIENT, Request::Leave { group: "i".into() });
    // Four attempts, a minute each.
    scene.pass(s(300));
    scene.log.dials = Dials::Refused;
    scene.cut(reset());
    scene.pass(s(1));
    let waiting = scene.send(CLIENT, "2");
    scene.stop();
    assert!(scene.is_acked(publish));
    assert!(matches!(scene.log.settled[&join], Outcome::Refused { .. }));
    let duplicate = matches!(scene.log.settled[&leave], Outcome::Acked { duplicate: true, .. });
    assert!(duplicate || matches!(scene.log.settled[&leave], Outcome::NotAcknowledged { attempts: 4, .. }));
    assert_eq!(scene.log.settled[&waiting], Outcome::NotSent { cause: OutcomeCause::Stopped });
    assert_eq!(scene.log.settled.len() as u64, scene.operations);
}

/// What has come is acknowledged within a second, and every hundred messages.
#[test]
fn rule_09_messages_are_acknowledged_by_time_and_by_amount() {
    let mut scene = Scene::connected();
    scene.join("g");
    scene.pass(s(1));
    scene.sent("");
    scene.send(OTHER, "0");
    scene.pass(ms(1_010));
    assert_eq!(scene.sent("sequenceAck"), [r#"{"type":"sequenceAck","sequenceId":1}"#]);
    for number in 0..350 {
        scene.send(OTHER, &number.to_string());
    }
    scene.pass(ms(100));
    assert_eq!(scene.log.messages.len(), 351);
    assert!(scene.sent("sequenceAck").len() >= 3);
    scene.pass(s(1));
    assert_eq!(scene.sent("sequenceAck"), [r#"{"type":"sequenceAck","sequenceId":351}"#]);
}

/// In their order, each once, whatever is replayed.
#[test]
fn rule_10_messages_come_in_their_order_each_once() {
    let mut scene = Scene::connected();
    scene.join("g");
    scene.pass(s(1));
    for number in 0..50 {
        scene.send(OTHER, &number.to_string());
        scene.pass(ms(10));
        if number % 7 == 3 {
            scene.cut(reset());
        }
    }
    scene.pass(s(5));
    assert_eq!(scene.log.messages, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(!scene.log.events.iter().any(|event| matches!(event, Lifecycle::SequenceGap { .. })));
}

/// An idle connection is pinged, and a silent one given up while it can be recovered.
#[test]
fn rule_11_a_silent_peer_is_given_up_in_time() {
    let mut scene = Scene::connected();
    scene.sent("");
    scene.pass(s(35));
    assert!(scene.sent("ping").len() >= 2);
    let silent = scene.pair.now;
    scene.pair.silence(CLIENT, true, true);
    scene.dialed();
    scene.pass(s(30));
    let error = scene.loses().error.unwrap_or_default();
    assert!(error.starts_with("nothing was received for"), "{error}");
    scene.recovers();
    assert!(scene.dialed()[0].at - silent <= s(25));
}

/// What is under way when a client is stopped.
type Prepare = fn(&mut Scene);

/// Whatever it is doing.
#[test]
fn rule_12_stop_means_stop() {
    let during: [(&str, Prepare); 5] = [
        ("a dial", |scene| {
            scene.log.dials = Dials::Hang;
            scene.forgotten();
            scene.pass(s(5));
        }),
        ("a recovery", |scene| {
            scene.log.dials = Dials::Hang;
            scene.cut(reset());
            scene.pass(s(2));
        }),
        ("a pause", |scene| {
            scene.log.dials = Dials::Refused;
            scene.cut(reset());
            scene.pass(s(50));
        }),
        ("a connection", |_| {}),
        ("silence", |scene| scene.pair.silence(CLIENT, true, true)),
    ];
    for (what, prepare) in during {
        let mut scene = Scene::connected();
        prepare(&mut scene);
        assert_eq!(scene.log.end, None, "{what}");
        scene.stop();
        scene.dialed();
        scene.pass(s(2));
        assert_eq!(scene.log.end, Some(End::Stopped), "{what}");
        scene.pass(s(100));
        assert_eq!(scene.dialed(), [], "{what}");
    }
}

/// Shown and counted, and the connection goes on; but a text that is no text is not asked for again and again.
#[test]
fn rule_13_what_is_not_understood_is_shown_and_ends_nothing() {
    let mut scene = Scene::connected();
    scene.join("g");
    scene.pass(s(1));
    scene.faults.add("garbage=unknown-type,op=message,times=1,user=user0".parse().unwrap()).unwrap();
    for text in ["1", "2"] {
        scene.send(OTHER, text);
        scene.pass(s(1));
    }
    assert_eq!((scene.log.odd, &scene.log.messages[..]), (1, &["1".into(), "2".into()][..]));
    assert!(scene.pair.peers[CLIENT].wire.is_some());
    scene.dialed();
    scene.cut(LossCause::InvalidUtf8);
    scene.pass(s(10));
    scene.sees(|event| matches!(event, Lifecycle::SessionLost { .. }));
    scene.connects();
    assert!(scene.dialed().iter().all(|dial| !dial.recovers));
}

/// With what they mean.
#[test]
fn rule_14_close_code_reason_and_message_are_shown() {
    let mut scene = Scene::connected();
    scene.cut(close(1001, "maintenance"));
    scene.pass(s(1));
    let loss = scene.loses();
    assert_eq!((loss.close_code, loss.close_reason.as_deref()), (Some(1001), Some("maintenance")));
    assert!(loss.explanation.is_some());
    scene.recovers();
    let everyone = Selection::all(Target::User("user0"));
    assert_eq!(scene.pair.hub.handle_close(scene.pair.now, &everyone, Some("enough")), 1);
    scene.pair.drain(&mut scene.log);
    scene.pass(s(1));
    let message = scene.loses().message.unwrap_or_default();
    assert!(message.contains("enough"), "{message}");
}

/// And are carried out on the recovered connection.
#[test]
fn rule_15_operations_wait_for_a_recovery() {
    let mut scene = Scene::connected();
    scene.log.dials = Dials::Refused;
    scene.cut(reset());
    scene.pass(s(3));
    scene.sent("");
    let (publish, join) = (scene.send(CLIENT, "1"), scene.join("h"));
    // Longer than the service libraries wait.
    scene.pass(s(20));
    assert!(scene.log.settled.is_empty() && scene.sent("").is_empty());
    scene.log.dials = Dials::Open;
    scene.pass(s(2));
    scene.recovers();
    assert!(scene.is_acked(publish) && scene.is_acked(join));
    assert_eq!(scene.log.published, 1);
}
