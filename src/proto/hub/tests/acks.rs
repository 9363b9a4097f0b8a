use super::*;

fn join(group: &str, id: u64) -> String {
    format!(r#"{{"type":"joinGroup","group":"{group}","ackId":{id}}}"#)
}

fn duplicate(socket: u64, id: u64) -> String {
    let error = format!(r#"{{"name":"Duplicate","message":"Message with ack-id: {id} has been processed"}}"#);
    format!(r#"{socket} <- {{"type":"ack","ackId":{id},"success":false,"error":{error}}}"#)
}

#[test]
fn a_successful_ack_id_is_a_duplicate_for_every_kind_of_operation() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    rig.text(1, &join("g", u64::MAX));
    for frame in [
        format!(r#"{{"type":"leaveGroup","group":"g","ackId":{}}}"#, u64::MAX),
        format!(r#"{{"type":"sendToGroup","group":"g","data":1,"ackId":{}}}"#, u64::MAX),
        format!(r#"{{"type":"event","event":"e","data":1,"ackId":{}}}"#, u64::MAX),
    ] {
        assert_eq!(rig.text(1, &frame), [duplicate(1, u64::MAX)]);
    }
    // Not left, and the id is nobody else's.
    assert_eq!(
        rig.text(2, &join("h", u64::MAX)),
        [format!(r#"2 <- {{"type":"ack","ackId":{},"success":true}}"#, u64::MAX)]
    );
    assert_eq!(rig.send(1, "g", "x").len(), 2);
}

#[test]
fn a_failed_ack_id_can_be_used_again() {
    let mut rig = Rig::new();
    rig.open(1, Subprotocol::Json, &["webpubsub.joinLeaveGroup.a"], &[]);
    assert!(rig.text(1, &join("b", 1))[0].contains("Forbidden"));
    assert!(rig.text(1, &join("a", 1))[0].contains("true"));
    rig.text(1, r#"{"type":"event","event":"e","data":1,"ackId":2}"#);
    assert!(rig.answer(1, &EventAnswer::Failed)[0].contains("InternalServerError"));
    assert_eq!(rig.text(1, r#"{"type":"event","event":"e","data":1,"ackId":2}"#), ["event 2 u1 e json 1"]);
}

#[test]
fn the_oldest_of_a_thousand_ack_ids_is_forgotten_first() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    for id in 0..1001 {
        rig.text(1, &join("g", id));
    }
    assert_eq!(rig.text(1, &join("g", 1)), [duplicate(1, 1)]);
    assert!(rig.text(1, &join("g", 0))[0].contains(r#""success":true"#));
}

#[test]
fn an_event_at_its_handler_does_not_run_twice_and_one_ack_answers_both() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    let event = r#"{"type":"event","event":"e","data":1,"ackId":2}"#;
    assert_eq!(rig.text(1, event), ["event 1 u1 e json 1"]);
    assert_eq!(rig.text(1, event), nothing());
    assert_eq!(rig.text(1, &join("g", 2)), nothing());
    assert_eq!(rig.answer(1, &EventAnswer::NoContent), [r#"1 <- {"type":"ack","ackId":2,"success":true}"#]);
    assert_eq!(rig.text(1, event), [duplicate(1, 2)]);
}

#[test]
fn ack_ids_are_remembered_across_a_recovery_but_not_by_a_new_connection() {
    let mut rig = Rig::new();
    let first = rig.reliable(1, &[]);
    rig.text(1, &join("g", 1));
    rig.closed(1, CloseKind::Dropped);
    rig.recover(2, &first.connection_id, &first.token.unwrap());
    assert_eq!(rig.text(2, &join("g", 1)), [duplicate(2, 1)]);
    rig.reliable(3, &[]);
    assert!(rig.text(3, &join("g", 1))[0].contains(r#""success":true"#));
}

#[test]
fn an_event_answered_while_the_client_was_away_is_a_duplicate_afterwards_and_its_answer_is_replayed() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    let event = r#"{"type":"event","event":"e","data":1,"ackId":2}"#;
    rig.text(1, event);
    rig.closed(1, CloseKind::Dropped);
    assert_eq!(rig.answer(1, &EventAnswer::reply(OwnedData::text("a"))), nothing());
    let replayed = rig.recover(2, &client.connection_id, &client.token.unwrap());
    assert_eq!(
        replayed[1..],
        [r#"2 <- {"sequenceId":1,"type":"message","from":"server","dataType":"text","data":"a"}"#]
    );
    assert_eq!(rig.text(2, event), [duplicate(2, 2)]);
}

#[test]
fn an_event_answered_after_the_recovery_is_acknowledged_on_the_new_socket() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    let event = r#"{"type":"event","event":"e","data":1,"ackId":2}"#;
    rig.text(1, event);
    rig.closed(1, CloseKind::Dropped);
    rig.recover(2, &client.connection_id, &client.token.unwrap());
    assert_eq!(rig.text(2, event), nothing());
    assert_eq!(rig.answer(1, &EventAnswer::NoContent), [r#"2 <- {"type":"ack","ackId":2,"success":true}"#]);
}
