use super::*;

#[test]
fn the_first_frame_is_connected_with_a_token_on_reliable_connections_only() {
    let mut rig = Rig::new();
    let outputs = rig.open_as(1, ClientKind::PubSub(Subprotocol::Json), &[], &[]);
    let id = parse_connected(1, &outputs[0]).connection_id;
    assert_eq!(id.len(), 32);
    assert_eq!(
        outputs,
        [format!(r#"1 <- {{"type":"system","event":"connected","userId":"u1","connectionId":"{id}"}}"#)]
    );
    assert!(rig.reliable(2, &[]).token.is_some());
    let fresh = Fresh {
        connection_id: None,
        client: ClientKind::PubSub(Subprotocol::Json),
        user: None,
        roles: vec![],
        groups: vec![],
    };
    rig.hub.handle_open(rig.now, SocketId(3), Open::Fresh(fresh));
    assert!(rig.outputs()[0].contains(r#""userId":null"#));
}

#[test]
fn joining_publishing_and_leaving_are_acknowledged() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    let join = r#"{"type":"joinGroup","group":"g","ackId":1}"#;
    assert_eq!(rig.text(1, join), [r#"1 <- {"type":"ack","ackId":1,"success":true}"#]);
    let send = r#"{"type":"sendToGroup","group":"g","ackId":2,"dataType":"text","data":"hi"}"#;
    assert_eq!(
        rig.text(2, send),
        [
            r#"1 <- {"type":"message","from":"group","group":"g","fromUserId":"u2","dataType":"text","data":"hi"}"#,
            r#"2 <- {"type":"message","from":"group","group":"g","fromUserId":"u2","dataType":"text","data":"hi"}"#,
            r#"2 <- {"type":"ack","ackId":2,"success":true}"#,
        ]
    );
    let leave = r#"{"type":"leaveGroup","group":"g","ackId":2}"#;
    assert_eq!(rig.text(1, leave), [r#"1 <- {"type":"ack","ackId":2,"success":true}"#]);
    assert_eq!(rig.send(1, "g", "x"), [format!("2 <- {{{}", message("g", "x"))]);
}

#[test]
fn joining_twice_or_leaving_a_group_not_joined_succeeds() {
    let mut rig = Rig::new();
    rig.json(1, &["g"]);
    let frames = [r#"{"type":"joinGroup","group":"g","ackId":1}"#, r#"{"type":"leaveGroup","group":"h","ackId":2}"#];
    for (id, frame) in (1..).zip(frames) {
        assert_eq!(rig.text(1, frame), [format!(r#"1 <- {{"type":"ack","ackId":{id},"success":true}}"#)]);
    }
    assert_eq!(rig.send(1, "g", "x"), [format!("1 <- {{{}", message("g", "x"))]);
}

#[test]
fn operations_without_an_ack_id_are_carried_out_without_an_ack() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    assert_eq!(rig.text(1, r#"{"type":"joinGroup","group":"g"}"#), nothing());
    assert_eq!(rig.send(1, "g", "x"), [format!("1 <- {{{}", message("g", "x"))]);
    assert_eq!(rig.text(1, r#"{"type":"leaveGroup","group":"g"}"#), nothing());
    assert_eq!(rig.send(1, "g", "x"), nothing());
}

#[test]
fn no_echo_spares_the_sending_connection_and_no_other() {
    let mut rig = Rig::new();
    rig.json(1, &["g"]);
    rig.json(2, &["g"]);
    let send = r#"{"type":"sendToGroup","group":"g","noEcho":true,"ackId":1,"dataType":"text","data":"x"}"#;
    assert_eq!(
        rig.text(1, send),
        [format!("2 <- {{{}", message("g", "x")), r#"1 <- {"type":"ack","ackId":1,"success":true}"#.to_owned(),]
    );
}

#[test]
fn payloads_pass_digit_for_digit() {
    let mut rig = Rig::new();
    rig.json(1, &["g"]);
    let data = r#"{"z":1.000000000000000000001,"a":[1e400,12345678901234567890123]}"#;
    let send = format!(r#"{{"type":"sendToGroup","group":"g","data":{data}}}"#);
    let expected = format!(
        r#"1 <- {{"type":"message","from":"group","group":"g","fromUserId":"u1","dataType":"json","data":{data}}}"#
    );
    assert_eq!(rig.text(1, &send), [expected]);
}

#[test]
fn groups_are_case_sensitive_and_sending_neither_needs_nor_gives_membership() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.json(2, &["G"]);
    assert_eq!(rig.send(1, "g", "x"), nothing());
    assert_eq!(rig.send(1, "G", "x"), [format!("2 <- {{{}", message("G", "x"))]);
    assert_eq!(rig.send(2, "g", "x"), nothing());
}

#[test]
fn groups_of_the_token_need_no_role_and_blank_ones_do_not_exist() {
    let mut rig = Rig::new();
    rig.open(1, Subprotocol::Json, &[], &["g", " "]);
    rig.json(2, &[]);
    assert_eq!(rig.text(2, r#"{"type":"sendToGroup","group":"g","data":1}"#).len(), 1);
}

#[test]
fn without_the_role_an_operation_is_forbidden_and_the_connection_stays() {
    let mut rig = Rig::new();
    rig.open(1, Subprotocol::Json, &[], &["g"]);
    for (frame, what) in [
        (r#"{"type":"joinGroup","group":"g","ackId":1}"#, "join group 'g'"),
        (r#"{"type":"leaveGroup","group":"g","ackId":1}"#, "leave group 'g'"),
        (r#"{"type":"sendToGroup","group":"g","data":1,"ackId":1}"#, "send to group 'g'"),
    ] {
        let message = format!("The client does not have permission to {what}.");
        let error = format!(r#"{{"name":"Forbidden","message":"{message}"}}"#);
        assert_eq!(rig.text(1, frame), [format!(r#"1 <- {{"type":"ack","ackId":1,"success":false,"error":{error}}}"#)]);
        assert_eq!(rig.text(1, &frame.replace(r#","ackId":1"#, "")), nothing());
    }
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"1 <- {"type":"pong"}"#]);
}

#[test]
fn join_does_not_imply_send_nor_send_join_and_roles_may_name_groups() {
    let mut rig = Rig::new();
    rig.open(1, Subprotocol::Json, &["webpubsub.joinLeaveGroup.a.b", "webpubsub.sendToGroups.x.*"], &[]);
    let succeeds = |lines: &[String]| lines.last().unwrap().contains(r#""success":true"#);
    for (id, (kind, group, expected)) in (1..).zip([
        ("joinGroup", "a.b", true),
        ("joinGroup", "a", false),
        ("joinGroup", "x.y", false),
        ("sendToGroup", "x.y", true),
        ("sendToGroup", "x.y.z", false),
        ("sendToGroup", "a.b", false),
        ("leaveGroup", "a.b", true),
    ]) {
        let frame = format!(r#"{{"type":"{kind}","group":"{group}","data":1,"ackId":{id}}}"#);
        assert_eq!(succeeds(&rig.text(1, &frame)), expected, "{kind} {group}");
    }
}

#[test]
fn events_need_no_role_and_their_ack_waits_for_the_handler() {
    let mut rig = Rig::new();
    rig.open(1, Subprotocol::Json, &[], &[]);
    let vote = r#"{"type":"event","event":"vote","ackId":4,"dataType":"json","data":{"x":1}}"#;
    assert_eq!(rig.text(1, vote), [r#"event 1 u1 vote json {"x":1}"#]);
    assert_eq!(rig.answer(1, &EventAnswer::NoContent), [r#"1 <- {"type":"ack","ackId":4,"success":true}"#]);
    assert_eq!(rig.answer(1, &EventAnswer::NoContent), nothing());
}

#[test]
fn the_handlers_answer_is_a_server_message_before_the_ack() {
    let mut rig = Rig::new();
    rig.open(1, Subprotocol::JsonReliable, &[], &[]);
    rig.text(1, r#"{"type":"event","event":"vote","ackId":4,"dataType":"text","data":"q"}"#);
    assert_eq!(
        rig.answer(1, &EventAnswer::reply(OwnedData::text("a"))),
        [
            r#"1 <- {"sequenceId":1,"type":"message","from":"server","dataType":"text","data":"a"}"#,
            r#"1 <- {"type":"ack","ackId":4,"success":true}"#,
        ]
    );
    rig.text(1, r#"{"type":"event","event":"vote","data":1}"#);
    assert_eq!(
        rig.answer(2, &EventAnswer::reply(OwnedData::binary(&[1]))),
        [r#"1 <- {"sequenceId":2,"type":"message","from":"server","dataType":"binary","data":"AQ=="}"#,]
    );
}

#[test]
fn a_failing_handler_is_an_internal_server_error_for_those_who_asked_for_an_ack() {
    let mut rig = Rig::new();
    rig.open(1, Subprotocol::Json, &[], &[]);
    rig.text(1, r#"{"type":"event","event":"vote","ackId":4,"data":1}"#);
    rig.text(1, r#"{"type":"event","event":"vote","data":1}"#);
    assert_eq!(
        rig.answer(1, &EventAnswer::Failed),
        [
            r#"1 <- {"type":"ack","ackId":4,"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}"#,
        ]
    );
    assert_eq!(rig.answer(2, &EventAnswer::Failed), nothing());
}

#[test]
fn an_answer_that_comes_after_the_connection_ended_is_dropped() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.text(1, r#"{"type":"event","event":"vote","ackId":4,"data":1}"#);
    assert_eq!(rig.closed(1, CloseKind::Dropped), nothing());
    assert_eq!(rig.answer(1, &EventAnswer::reply(OwnedData::text("a"))), nothing());
}

#[test]
fn ping_is_answered_with_pong_and_sequence_ack_is_ignored_on_the_non_reliable_protocol() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"1 <- {"type":"pong"}"#]);
    assert_eq!(rig.text(1, r#"{"type":"sequenceAck","sequenceId":7}"#), nothing());
}

#[test]
fn sequence_ids_count_the_data_messages_of_a_connection_from_one() {
    let mut rig = Rig::new();
    rig.reliable(1, &["g"]);
    rig.text(1, r#"{"type":"ping"}"#);
    for id in 1..=3 {
        assert_eq!(rig.send(1, "g", "x"), [format!(r#"1 <- {{"sequenceId":{id},{}"#, message("g", "x"))]);
    }
}

#[test]
fn the_ids_of_a_hub_come_from_its_seed() {
    let mut rigs = [Rig::new(), Rig::new()];
    let ids = rigs.each_mut().map(|rig| rig.reliable(1, &[]));
    assert_eq!(ids[0].connection_id, ids[1].connection_id);
    assert_eq!(ids[0].token, ids[1].token);
    assert_ne!(rigs[0].reliable(2, &[]).connection_id, ids[0].connection_id);
}
