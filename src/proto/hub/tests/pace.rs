use super::*;

/// Publishers wait from 6 unacknowledged messages on (75 % of 8), until there are 4 (50 %).
fn rig() -> Rig {
    Rig::with(HubConfig { max_unacked_messages: 8, patience: SECOND * 2, ..HubConfig::default() })
}

fn acknowledge(rig: &mut Rig, socket: u64, id: u64) -> Vec<String> {
    rig.text(socket, &format!(r#"{{"type":"sequenceAck","sequenceId":{id}}}"#))
}

fn sequenced(socket: u64, id: u64, text: &str) -> String {
    format!(r#"{socket} <- {{"sequenceId":{id},{}"#, message("g", text))
}

#[test]
fn publishers_wait_for_a_receiver_that_is_nearly_full_and_go_on_in_order() {
    let mut rig = rig();
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    for _ in 1..=6 {
        assert_eq!(rig.send(1, "g", "x").len(), 1);
    }
    for text in ["a", "b", "c", "d"] {
        assert_eq!(rig.send(1, "g", text), nothing());
    }
    let ack = r#"{"type":"joinGroup","group":"h","ackId":1}"#;
    assert_eq!(rig.text(1, ack), nothing());
    assert_eq!(acknowledge(&mut rig, 2, 1), nothing());
    // Two more fit, then it is nearly full again.
    assert_eq!(acknowledge(&mut rig, 2, 2), [sequenced(2, 7, "a"), sequenced(2, 8, "b")]);
    assert_eq!(
        acknowledge(&mut rig, 2, 8),
        [sequenced(2, 9, "c"), sequenced(2, 10, "d"), r#"1 <- {"type":"ack","ackId":1,"success":true}"#.to_owned(),]
    );
}

#[test]
fn publishers_to_other_groups_do_not_wait() {
    let mut rig = rig();
    rig.json(1, &["h"]);
    rig.reliable(2, &["g"]);
    rig.json(3, &[]);
    for _ in 1..=7 {
        rig.send(3, "g", "x");
    }
    assert_eq!(rig.send(1, "h", "x").len(), 1);
}

#[test]
fn whoever_leaves_a_group_is_not_waited_for_in_it() {
    let mut rig = rig();
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    rig.reliable(3, &["g"]);
    for _ in 1..=6 {
        rig.send(1, "g", "x");
    }
    assert_eq!(rig.send(1, "g", "a"), nothing());
    // The other one is still waited for.
    assert_eq!(rig.text(2, r#"{"type":"leaveGroup","group":"g"}"#), nothing());
    assert_eq!(acknowledge(&mut rig, 3, 6), [sequenced(3, 7, "a")]);
    assert_eq!(rig.send(1, "g", "b"), [sequenced(3, 8, "b")]);
    for _ in 1..=4 {
        rig.send(1, "g", "x");
    }
    assert_eq!(rig.send(1, "g", "c"), nothing());
    assert_eq!(rig.text(3, r#"{"type":"leaveGroup","group":"g"}"#), nothing());
    rig.json(4, &["g"]);
    assert_eq!(rig.send(1, "g", "d").len(), 1);
}

/// So many publishers wait for as many receivers, which catch up one after the other. Gives what that took.
#[expect(clippy::disallowed_types, reason = "it is time that is measured")]
fn time_to_catch_up(count: u64) -> std::time::Duration {
    let mut rig = Rig::with(HubConfig { max_unacked_messages: 8, patience: SECOND * 1000, ..HubConfig::default() });
    let publishers = 1..=count;
    let receivers = count + 1..=2 * count;
    for socket in publishers.clone() {
        rig.json(socket, &[]);
    }
    for socket in receivers.clone() {
        rig.reliable(socket, &["g"]);
    }
    for _ in 1..=6 {
        rig.send(1, "g", "x");
    }
    for socket in publishers {
        assert_eq!(rig.send(socket, "g", "y"), nothing());
    }
    let since = std::time::Instant::now();
    for socket in receivers {
        acknowledge(&mut rig, socket, 6);
    }
    since.elapsed()
}

#[test]
fn what_waiting_costs_does_not_grow_with_publishers_times_receivers() {
    let best = |count| (0..5).map(|_| time_to_catch_up(count)).min().unwrap();
    // Sixteen times of both: about 16 times the work, 256 times if each that goes on looked at all who wait. Once is enough:
    // other work on the machine can only make it more.
    let mut measured = Vec::new();
    let holds = (0..5).any(|_| {
        let (few, many) = (best(50), best(800));
        measured.push((few, many));
        many < few * 120
    });
    assert!(holds, "for 50 and for 800: {measured:?}");
}

#[test]
fn two_connections_that_publish_to_each_other_do_not_wait_for_each_others_acknowledgements() {
    let mut rig = rig();
    rig.reliable(1, &["g"]);
    rig.reliable(2, &["g"]);
    for _ in 1..=6 {
        rig.send(1, "g", "x");
    }
    assert_eq!(rig.send(1, "g", "x"), nothing());
    assert_eq!(rig.send(2, "g", "x"), nothing());
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"1 <- {"type":"pong"}"#]);
    assert_eq!(acknowledge(&mut rig, 1, 6), nothing());
    assert_eq!(acknowledge(&mut rig, 2, 6).len(), 4);
}

#[test]
fn after_the_patience_publishers_go_on_and_the_receiver_overflows() {
    let mut rig = rig();
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    for _ in 1..=9 {
        rig.send(1, "g", "x");
    }
    let released = rig.pass(SECOND * 2);
    assert_eq!(released.len(), 5, "{released:?}");
    assert!(released[..3].iter().all(|line| line.starts_with("2s 2 <- {\"sequenceId\"")));
    assert_eq!(released[4], "2s 2 close 1008 The client is too slow: too much is waiting for it.");
}

#[test]
fn a_receiver_that_was_given_up_on_is_waited_for_again_once_it_has_caught_up() {
    let mut rig = rig();
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    for _ in 1..=6 {
        rig.send(1, "g", "x");
    }
    assert_eq!(rig.pass(SECOND * 2), nothing());
    assert_eq!(rig.send(1, "g", "x").len(), 1);
    acknowledge(&mut rig, 2, 7);
    for _ in 1..=6 {
        assert_eq!(rig.send(1, "g", "x").len(), 1);
    }
    assert_eq!(rig.send(1, "g", "x"), nothing());
}

#[test]
fn nobody_waits_for_a_receiver_without_a_socket() {
    let mut rig = rig();
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    for _ in 1..=7 {
        rig.send(1, "g", "x");
    }
    assert_eq!(rig.closed(2, CloseKind::Dropped), nothing());
    rig.send(1, "g", "x");
    rig.send(1, "g", "x");
    rig.pass(SECOND);
    assert_eq!(rig.hub.connections.len(), 1);
}

#[test]
fn what_was_sent_before_a_clean_close_is_still_carried_out() {
    let mut rig = rig();
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    for _ in 1..=6 {
        rig.send(1, "g", "x");
    }
    assert_eq!(rig.send(1, "g", "last"), nothing());
    assert_eq!(rig.closed(1, CloseKind::Clean), nothing());
    assert_eq!(acknowledge(&mut rig, 2, 6), [sequenced(2, 7, "last")]);
    assert_eq!(rig.hub.connections.len(), 1);
}

#[test]
fn frames_held_for_a_reliable_client_survive_its_recovery() {
    let mut rig = rig();
    let client = rig.reliable(1, &[]);
    rig.reliable(2, &["g"]);
    for _ in 1..=6 {
        rig.send(1, "g", "x");
    }
    rig.send(1, "g", "a");
    rig.closed(1, CloseKind::Dropped);
    rig.recover(3, &client.connection_id, &client.token.unwrap());
    assert_eq!(rig.send(3, "g", "b"), nothing());
    assert_eq!(acknowledge(&mut rig, 2, 6), [sequenced(2, 7, "a"), sequenced(2, 8, "b")]);
}

#[test]
fn a_publisher_with_too_much_held_is_not_read_and_not_dropped_for_its_silence() {
    let mut rig = Rig::with(HubConfig { max_unacked_messages: 8, patience: SECOND * 100, ..HubConfig::default() });
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    for _ in 1..=6 {
        rig.send(1, "g", "x");
    }
    let big = "x".repeat(600_000);
    assert_eq!(rig.send(1, "g", &big), nothing());
    assert_eq!(rig.send(1, "g", &big), ["1 pause"]);
    for _ in 0..3 {
        rig.pass(SECOND * 20);
        rig.hub.handle_life(rig.now, SocketId(2));
    }
    let outputs = acknowledge(&mut rig, 2, 6);
    assert_eq!((outputs.len(), outputs[2].as_str()), (3, "1 resume"));
}

#[test]
fn a_socket_that_is_not_written_to_is_waited_for_and_then_closed() {
    let config = HubConfig { max_backlog_bytes: 10_000, patience: SECOND * 2, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    let big = "x".repeat(2000);
    // The `connected` frame was written, the next four fill the backlog to three quarters.
    rig.hub.handle_written(rig.now, SocketId(2), 1000);
    for _ in 0..4 {
        assert_eq!(rig.send(1, "g", &big).len(), 1);
    }
    assert_eq!(rig.send(1, "g", &big), nothing());
    rig.hub.handle_written(rig.now, SocketId(2), 5000);
    assert_eq!(rig.outputs().len(), 1);
    for _ in 0..4 {
        rig.send(1, "g", &big);
    }
    let outputs = rig.pass(SECOND * 2);
    assert_eq!(outputs.last().unwrap(), "2s 2 close 1008 The client is too slow: too much is waiting for it.");
    assert!(outputs[outputs.len() - 2].contains("disconnected"));
}

#[test]
fn a_client_that_does_not_read_its_acks_is_closed_too() {
    let mut rig = Rig::with(HubConfig { max_backlog_bytes: 1000, ..HubConfig::default() });
    rig.json(1, &[]);
    let outputs: Vec<_> = (0..20).flat_map(|_| rig.text(1, r#"{"type":"ping"}"#)).collect();
    assert_eq!(outputs.last().unwrap(), "1 close 1008 The client is too slow: too much is waiting for it.");
}

#[test]
fn events_wait_while_their_sender_is_nearly_full_of_answers() {
    let mut rig = rig();
    rig.reliable(1, &[]);
    for event in 1..=6 {
        rig.text(1, r#"{"type":"event","event":"e","data":1}"#);
        rig.answer(event, &EventAnswer::reply(OwnedData::text("a")));
    }
    assert_eq!(rig.text(1, r#"{"type":"event","event":"e","data":1}"#), nothing());
    assert_eq!(acknowledge(&mut rig, 1, 6), ["event 7 u1 e json 1"]);
}
