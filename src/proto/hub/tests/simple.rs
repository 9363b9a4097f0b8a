use super::*;

const EVENTS: ClientKind = ClientKind::Simple(SimpleMode::SendEvent);

fn to_group(no_echo: bool) -> ClientKind {
    ClientKind::Simple(SimpleMode::SendToGroup { group: "g".into(), no_echo })
}

#[test]
fn a_simple_client_gets_no_system_frames() {
    let mut rig = Rig::new();
    assert_eq!(rig.open_as(1, EVENTS, &[], &[]), nothing());
    rig.hub.handle_shutdown(rig.now);
    assert_eq!(rig.outputs(), ["1 close 1001 The service is going away."]);
}

#[test]
fn each_frame_of_a_simple_client_is_an_event_named_message() {
    let mut rig = Rig::new();
    rig.open_as(1, EVENTS, &[], &[]);
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"event 1 u1 message text "{\"type\":\"ping\"}""#]);
    assert_eq!(rig.binary(1, &[1, 2]), [r#"event 2 u1 message binary "AQI=""#]);
}

#[test]
fn an_answer_is_one_frame_of_its_kind_or_none() {
    let mut rig = Rig::new();
    rig.open_as(1, EVENTS, &[], &[]);
    for (event, (answer, frame)) in (1..).zip([
        (OwnedData::text("a\"b"), "1 <- a\"b"),
        (OwnedData::json(r#""q""#).unwrap(), r#"1 <- "q""#),
        (OwnedData::binary(&[1, 2]), r#"1 <- b"\x01\x02""#),
    ]) {
        rig.text(1, "x");
        assert_eq!(rig.answer(event, &EventAnswer::reply(answer)), [frame]);
    }
    rig.text(1, "x");
    assert_eq!(rig.answer(4, &EventAnswer::NoContent), nothing());
}

#[test]
fn a_failing_handler_closes_a_simple_client() {
    let mut rig = Rig::new();
    rig.open_as(1, EVENTS, &[], &[]);
    rig.text(1, "x");
    assert_eq!(rig.answer(1, &EventAnswer::Failed), ["1 close 1011 Internal server error"]);
}

#[test]
fn each_frame_of_a_simple_client_can_be_published_to_a_group() {
    let mut rig = Rig::new();
    rig.open_as(1, to_group(false), &[SEND], &["g"]);
    rig.json(2, &["g"]);
    assert_eq!(rig.text(1, "hi"), ["1 <- hi".to_owned(), format!("2 <- {{{}", message("g", "hi"))]);
    assert_eq!(
        rig.binary(1, &[1]),
        [
            r#"1 <- b"\x01""#,
            r#"2 <- {"type":"message","from":"group","group":"g","fromUserId":"u1","dataType":"binary","data":"AQ=="}"#,
        ]
    );
    rig.open_as(3, to_group(true), &["webpubsub.sendToGroup.g"], &["g"]);
    let sockets: Vec<_> = rig.text(3, "hi").iter().map(|line| line.as_bytes()[0]).collect();
    assert_eq!(sockets, b"12");
}

#[test]
fn without_the_role_the_first_published_frame_closes_a_simple_client() {
    let mut rig = Rig::new();
    assert_eq!(rig.open_as(1, to_group(false), &[JOIN], &[]), nothing());
    assert_eq!(rig.text(1, "hi"), ["1 close 1008 The connection is not authorized for raw sendToGroup mode."]);
    assert!(rig.hub.is_empty());
}

#[test]
fn group_messages_reach_simple_clients_bare() {
    let mut rig = Rig::new();
    rig.open_as(1, EVENTS, &[], &["g"]);
    rig.json(2, &[]);
    for (data, frame) in [
        (r#""dataType":"text","data":"a\u00e9""#, "1 <- aé"),
        (r#""dataType":"json","data":{"a":1.0}"#, r#"1 <- {"a":1.0}"#),
        (r#""dataType":"json","data":"q""#, r#"1 <- "q""#),
        (r#""dataType":"binary","data":"AQI=""#, r#"1 <- b"\x01\x02""#),
        (r#""dataType":"protobuf","data":"AQI=""#, r#"1 <- b"\x01\x02""#),
    ] {
        assert_eq!(rig.text(2, &format!(r#"{{"type":"sendToGroup","group":"g",{data}}}"#)), [frame]);
    }
}
