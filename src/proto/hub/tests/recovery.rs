use super::*;

const REFUSED: &str = "close 1008 The connection could not be recovered.";

fn with_limits(messages: usize, bytes: usize) -> Rig {
    Rig::with(HubConfig {
        max_unacked_messages: messages,
        max_unacked_bytes: bytes,
        patience: Duration::ZERO,
        ..HubConfig::default()
    })
}

fn sequenced(socket: u64, id: u64, text: &str) -> String {
    format!(r#"{socket} <- {{"sequenceId":{id},{}"#, message("g", text))
}

#[test]
fn a_recovered_connection_gets_a_new_token_and_then_what_it_did_not_acknowledge_in_order() {
    let mut rig = Rig::new();
    let sender = rig.json(1, &[]);
    let client = rig.reliable(2, &["g"]);
    for text in ["a", "b", "c"] {
        rig.send(1, "g", text);
    }
    assert_eq!(rig.text(2, r#"{"type":"sequenceAck","sequenceId":1}"#), nothing());
    assert_eq!(rig.closed(2, CloseKind::Dropped), nothing());
    assert_eq!(rig.send(1, "g", "d"), nothing());
    let token = client.token.unwrap();
    let outputs = rig.recover(3, &client.connection_id, &token);
    let connected = parse_connected(3, &outputs[0]);
    assert_eq!(connected.connection_id, client.connection_id);
    assert_ne!(connected.token.unwrap(), token);
    assert_eq!(outputs[1..], [sequenced(3, 2, "b"), sequenced(3, 3, "c"), sequenced(3, 4, "d")]);
    assert_eq!(rig.send(1, "g", "e"), [sequenced(3, 5, "e")]);
    assert_ne!(sender.connection_id, client.connection_id);
}

#[test]
fn groups_and_permissions_survive_a_recovery() {
    let mut rig = Rig::new();
    let client = rig.open(1, Subprotocol::JsonReliable, &[JOIN], &[]);
    rig.text(1, r#"{"type":"joinGroup","group":"g"}"#);
    rig.closed(1, CloseKind::Dropped);
    rig.recover(2, &client.connection_id, &client.token.unwrap());
    assert!(rig.text(2, r#"{"type":"sendToGroup","group":"g","data":1,"ackId":1}"#)[0].contains("Forbidden"));
    assert!(rig.text(2, r#"{"type":"joinGroup","group":"h","ackId":2}"#)[0].contains("true"));
    rig.json(3, &[]);
    assert_eq!(rig.send(3, "g", "x").len(), 1);
}

#[test]
fn recovery_can_be_without_a_connected_frame() {
    let mut rig = Rig::with(HubConfig { send_connected_on_recovery: false, ..HubConfig::default() });
    let client = rig.reliable(1, &[]);
    rig.closed(1, CloseKind::Dropped);
    assert_eq!(rig.recover(2, &client.connection_id, client.token.as_ref().unwrap()), nothing());
    assert_eq!(rig.text(2, r#"{"type":"ping"}"#), [r#"2 <- {"type":"pong"}"#]);
}

#[test]
fn earlier_tokens_of_a_connection_stay_valid() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    let first = client.token.unwrap();
    let second = parse_connected(2, &rig.recover(2, &client.connection_id, &first)[1]).token.unwrap();
    for (socket, token) in (3..).zip([&first, &second, &first]) {
        let outputs = rig.recover(socket, &client.connection_id, token);
        assert_eq!(outputs[0], format!("{} abort", socket - 1));
    }
}

#[test]
fn a_failed_attempt_says_1008_and_nothing_else_and_leaves_the_connection_alone() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &["g"]);
    let (other, token) = (rig.reliable(2, &[]), client.token.unwrap());
    let simple = rig.json(3, &[]);
    for (id, token) in [
        (client.connection_id.as_str(), "wrong"),
        (&client.connection_id, ""),
        (&client.connection_id, &token[..token.len() - 1]),
        (&client.connection_id, &format!("{token}0")),
        (&client.connection_id, other.token.as_ref().unwrap()),
        ("unknown", &token),
        (&simple.connection_id, &token),
    ] {
        assert_eq!(rig.recover(9, id, token), [format!("9 {REFUSED}")], "{id} {token}");
    }
    assert_eq!(rig.send(1, "g", "x"), [sequenced(1, 1, "x")]);
    assert_eq!(rig.text(9, r#"{"type":"ping"}"#), nothing());
}

#[test]
fn state_is_kept_for_thirty_seconds_and_no_longer() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    let token = client.token.unwrap();
    rig.closed(1, CloseKind::Dropped);
    assert_eq!(rig.pass(SECOND * 30 - Duration::from_nanos(1)), nothing());
    assert_eq!(rig.recover(2, &client.connection_id, &token).len(), 1);
    rig.closed(2, CloseKind::Dropped);
    assert_eq!(rig.pass(SECOND * 30), nothing());
    assert!(rig.hub.is_empty());
    assert_eq!(rig.recover(3, &client.connection_id, &token), [format!("3 {REFUSED}")]);
    assert_eq!(rig.hub.poll_timeout(), None);
}

#[test]
fn the_window_ends_on_time_even_when_the_timer_is_late() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    rig.closed(1, CloseKind::Dropped);
    rig.now += SECOND * 30;
    assert_eq!(rig.recover(2, &client.connection_id, &client.token.unwrap()), [format!("2 {REFUSED}")]);
}

#[test]
fn a_clean_close_ends_the_connection_at_once() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    assert_eq!(rig.closed(1, CloseKind::Clean), nothing());
    assert!(rig.hub.is_empty());
    assert_eq!(rig.recover(2, &client.connection_id, &client.token.unwrap()), [format!("2 {REFUSED}")]);
}

#[test]
fn a_non_reliable_connection_ends_with_its_socket() {
    let mut rig = Rig::new();
    rig.json(1, &["g"]);
    rig.open_as(2, ClientKind::Simple(SimpleMode::SendEvent), &[], &["g"]);
    assert_eq!(rig.closed(1, CloseKind::Dropped), nothing());
    assert_eq!(rig.closed(2, CloseKind::Dropped), nothing());
    assert!(rig.hub.is_empty());
    rig.json(3, &[]);
    assert_eq!(rig.send(3, "g", "x"), nothing());
}

#[test]
fn recovery_while_the_old_socket_is_still_open_detaches_that_first() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &["g"]);
    let outputs = rig.recover(2, &client.connection_id, &client.token.unwrap());
    assert_eq!(outputs[0], "1 abort");
    parse_connected(2, &outputs[1]);
    assert_eq!(outputs.len(), 2);
    // What still comes from the old socket is nobody's.
    assert_eq!(rig.send(1, "g", "x"), nothing());
    assert_eq!(rig.closed(1, CloseKind::Clean), nothing());
    assert_eq!(rig.send(2, "g", "x"), [sequenced(2, 1, "x")]);
}

#[test]
fn sequence_acks_are_cumulative_and_may_run_ahead() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &["g"]);
    for text in ["a", "b", "c"] {
        rig.send(1, "g", text);
    }
    for id in [2, 1, 0] {
        rig.text(1, &format!(r#"{{"type":"sequenceAck","sequenceId":{id}}}"#));
    }
    let token = client.token.unwrap();
    assert_eq!(rig.recover(2, &client.connection_id, &token)[2..], [sequenced(2, 3, "c")]);
    rig.text(2, &format!(r#"{{"type":"sequenceAck","sequenceId":{}}}"#, u64::MAX));
    assert_eq!(rig.send(2, "g", "d"), [sequenced(2, 4, "d")]);
    assert_eq!(rig.recover(3, &client.connection_id, &token)[2..], [sequenced(3, 4, "d")]);
}

#[test]
fn too_many_unacknowledged_messages_close_the_connection_for_good() {
    let mut rig = with_limits(2, usize::MAX);
    let client = rig.reliable(1, &["g"]);
    rig.json(2, &["g"]);
    rig.send(2, "g", "a");
    rig.send(2, "g", "b");
    let outputs = rig.text(2, r#"{"type":"sendToGroup","group":"g","data":1,"ackId":1}"#);
    assert_eq!(outputs.len(), 5, "{outputs:?}");
    assert!(outputs[0].starts_with(r#"1 <- {"sequenceId":3,"#));
    assert!(outputs[1].starts_with("2 <- "));
    assert_eq!(
        outputs[2..],
        [
            r#"1 <- {"type":"system","event":"disconnected","message":"The client is too slow: too much is waiting for it."}"#,
            "1 close 1008 The client is too slow: too much is waiting for it.",
            r#"2 <- {"type":"ack","ackId":1,"success":true}"#,
        ]
    );
    assert_eq!(rig.recover(3, &client.connection_id, &client.token.unwrap()), [format!("3 {REFUSED}")]);
}

#[test]
fn too_many_unacknowledged_bytes_close_the_connection_for_good() {
    let mut rig = with_limits(1000, 2200);
    rig.reliable(1, &["g"]);
    let big = "x".repeat(800);
    assert_eq!(rig.send(1, "g", &big).len(), 1);
    assert_eq!(rig.send(1, "g", &big).len(), 1);
    assert_eq!(rig.send(1, "g", &big)[2], "1 close 1008 The client is too slow: too much is waiting for it.");
}

#[test]
fn a_thousand_messages_wait_for_a_client_that_is_away_and_one_more_ends_it() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &["g"]);
    rig.json(2, &[]);
    rig.closed(1, CloseKind::Dropped);
    for _ in 0..1000 {
        assert_eq!(rig.send(2, "g", "x"), nothing());
    }
    let token = client.token.unwrap();
    assert_eq!(rig.recover(3, &client.connection_id, &token).len(), 1001);
    rig.closed(3, CloseKind::Dropped);
    assert_eq!(rig.send(2, "g", "x"), nothing());
    assert_eq!(rig.recover(4, &client.connection_id, &token), [format!("4 {REFUSED}")]);
}
