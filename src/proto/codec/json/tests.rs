use super::*;
use crate::group_state::GroupState;

fn encode(frame: &Upstream<'_>) -> String {
    let mut out = String::new();
    encode_upstream(frame, &mut out);
    out
}

fn reencode(text: &str) -> String {
    let mut out = String::new();
    encode_downstream(&decode_downstream(text), &mut out);
    out
}

#[test]
fn client_frames_have_the_documented_spelling() {
    let hi = OwnedData::text("hi");
    let table = [
        (
            Upstream::JoinGroup { group: "room1".into(), ack_id: Some(1) },
            r#"{"type":"joinGroup","group":"room1","ackId":1}"#,
        ),
        (Upstream::LeaveGroup { group: "a\"b".into(), ack_id: None }, r#"{"type":"leaveGroup","group":"a\"b"}"#),
        (
            Upstream::SendToGroup {
                group: "room1".into(),
                ack_id: Some(3),
                no_echo: true,
                ttl_seconds: None,
                data: hi.as_data(),
                metadata: None,
            },
            r#"{"type":"sendToGroup","group":"room1","ackId":3,"noEcho":true,"dataType":"text","data":"hi"}"#,
        ),
        (
            Upstream::SendToGroup {
                group: "g".into(),
                ack_id: None,
                no_echo: false,
                ttl_seconds: Some(300),
                data: Data::Json("1"),
                metadata: None,
            },
            r#"{"type":"sendToGroup","group":"g","ttlSeconds":300,"dataType":"json","data":1}"#,
        ),
        (
            Upstream::Event {
                event: "vote".into(),
                ack_id: Some(u64::MAX),
                data: Data::Json(r#"{"x":1.0}"#),
                metadata: None,
            },
            r#"{"type":"event","event":"vote","ackId":18446744073709551615,"dataType":"json","data":{"x":1.0}}"#,
        ),
        (Upstream::SequenceAck(7), r#"{"type":"sequenceAck","sequenceId":7}"#),
        (Upstream::Ping, r#"{"type":"ping"}"#),
        (
            Upstream::SetGroupState {
                group: "g".into(),
                ack_id: Some(7),
                state: Some(GroupState::from_iter([("status", "typing"), ("", "")])),
            },
            r#"{"type":"setGroupState","group":"g","ackId":7,"state":{"":"","status":"typing"}}"#,
        ),
        (
            Upstream::SetGroupState { group: "g".into(), ack_id: None, state: None },
            r#"{"type":"setGroupState","group":"g"}"#,
        ),
        (
            Upstream::SubscribeGroupState { group: "g".into(), ack_id: Some(8) },
            r#"{"type":"subscribeGroupState","group":"g","ackId":8}"#,
        ),
        (
            Upstream::UnsubscribeGroupState { group: "g".into(), ack_id: Some(9) },
            r#"{"type":"unsubscribeGroupState","group":"g","ackId":9}"#,
        ),
    ];
    for (frame, text) in table {
        assert_eq!(encode(&frame), text);
        assert_eq!(decode_upstream(text), Ok(frame), "{text}");
    }
}

#[test]
fn the_service_side_is_lenient_where_the_service_is() {
    let frame = decode_upstream(r#" {"TYPE":1,"type":"JOINGROUP","group":"g","more":[1]} "#).unwrap();
    assert_eq!(frame, Upstream::JoinGroup { group: "g".into(), ack_id: None });
    let frame = decode_upstream(r#"{"type":"sendToGroup","group":"g","data":5}"#).unwrap();
    assert_eq!(
        frame,
        Upstream::SendToGroup {
            group: "g".into(),
            ack_id: None,
            no_echo: false,
            ttl_seconds: None,
            data: Data::Json("5"),
            metadata: None
        }
    );
}

#[test]
fn no_state_and_a_state_that_is_null_are_the_same() {
    let clear = Upstream::SetGroupState { group: "g".into(), ack_id: None, state: None };
    assert_eq!(decode_upstream(r#"{"type":"SetGroupState","group":"g","state":null}"#), Ok(clear));
    let empty = Upstream::SetGroupState { group: "g".into(), ack_id: None, state: Some(GroupState::default()) };
    assert_eq!(decode_upstream(r#"{"type":"setGroupState","group":"g","state":{}}"#), Ok(empty));
}

#[test]
fn properties_of_other_frames_are_ignored_whatever_they_hold() {
    assert_eq!(decode_upstream(r#"{"type":"ping","group":5,"ackId":"x"}"#), Ok(Upstream::Ping));
    assert!(decode_upstream(r#"{"type":"joinGroup","group":"g","noEcho":"x","data":null}"#).is_ok());
    assert!(decode_upstream(r#"{"type":"event","event":"e","group":1,"data":1}"#).is_ok());
}

#[test]
fn metadata_alone_go_with_an_empty_text() {
    let text = r#"{"type":"sendToGroup","group":"g","ackId":1,"metadata":{"a":"b"}}"#;
    match decode_upstream(text).unwrap() {
        Upstream::SendToGroup { data: Data::Text(empty), metadata, .. } => {
            assert_eq!((empty.decode().as_ref(), metadata), ("", Some(r#"{"a":"b"}"#)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn malformed_client_frames_are_refused() {
    for text in [
        "",
        "{",
        "[]",
        "5",
        r#"{"type":"nope"}"#,
        r#"{"group":"g"}"#,
        r#"{"type":"joinGroup"}"#,
        r#"{"type":"joinGroup","group":""}"#,
        r#"{"type":"joinGroup","group":"g","ackId":-1}"#,
        r#"{"type":"joinGroup","group":"g","ackId":18446744073709551616}"#,
        r#"{"type":"sendToGroup","group":"g"}"#,
        r#"{"type":"sendToGroup","group":"g","data":null}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"text","data":5}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"binary","data":"!"}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"odd","data":"x"}"#,
        r#"{"type":"event","event":"9","data":1}"#,
        r#"{"type":"event","data":1}"#,
        r#"{"type":"sequenceAck"}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"metadata":{"a":5}}"#,
        r#"{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":301}"#,
        r#"{"type":"sendToGroup","group":5,"data":1}"#,
        r#"{"type":"setGroupState","state":{}}"#,
        r#"{"type":"setGroupState","group":" "}"#,
        r#"{"type":"setGroupState","group":"g","state":[]}"#,
        r#"{"type":"setGroupState","group":"g","state":5}"#,
        r#"{"type":"setGroupState","group":"g","state":{"a":5}}"#,
        r#"{"type":"setGroupState","group":"g","state":{"a":null}}"#,
        r#"{"type":"setGroupState","group":"g","ackId":"1"}"#,
        r#"{"type":"subscribeGroupState"}"#,
        r#"{"type":"unsubscribeGroupState","group":"g","ackId":-1}"#,
    ] {
        assert!(decode_upstream(text).is_err(), "{text}");
    }
}

#[test]
fn service_frames_decode_and_encode_to_themselves() {
    for text in [
        r#"{"type":"system","event":"connected","userId":"alice","connectionId":"abc"}"#,
        r#"{"type":"system","event":"connected","userId":null,"connectionId":"abc","reconnectionToken":"t"}"#,
        r#"{"type":"system","event":"disconnected","message":"reason"}"#,
        r#"{"type":"ack","ackId":1,"success":true}"#,
        r#"{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"no"}}"#,
        r#"{"sequenceId":5,"type":"message","from":"group","group":"g","fromUserId":"a","dataType":"text","data":"hi"}"#,
        r#"{"type":"message","from":"group","group":"g","dataType":"binary","data":"AAA="}"#,
        r#"{"sequenceId":6,"type":"message","from":"server","dataType":"json","data":{"b":1.10,"a":null}}"#,
        r#"{"type":"message","from":"server","dataType":"json","data":null}"#,
        r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"p","metadata":{"k":"v"},"stream":{"streamId":"s"}}"#,
        r#"{"type":"pong"}"#,
        r#"{"sequenceId":4,"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c","userId":"u","state":{"status":"typing"},"updatedAt":1760000000000}]}"#,
        r#"{"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c","updatedAt":1760000000500}]}"#,
        r#"{"sequenceId":3,"type":"groupStateSnapshot","group":"g","items":[]}"#,
    ] {
        assert_eq!(reencode(text), text);
    }
}

#[test]
fn frames_newer_than_the_code_are_unknown_and_keep_their_sequence_id() {
    for (text, id, said) in [
        (r#"{"type":"hologram","sequenceId":9}"#, Some(9), "unknown type `hologram`"),
        (r#"{"type":"system","event":"nap"}"#, None, "unknown system event `nap`"),
        (r#"{"type":"message","from":"moon","sequenceId":4}"#, Some(4), "unknown `from`: `moon`"),
        (
            r#"{"type":"message","from":"server","dataType":"smell","data":"x","sequenceId":3}"#,
            Some(3),
            "unknown `dataType`: `smell`",
        ),
        (r#"{"type":"message","from":"server","dataType":"text","data":5,"sequenceId":2}"#, Some(2), "not a string"),
        (r#"{"type":"message","from":5,"sequenceId":8}"#, Some(8), "unexpected shape"),
        (r#"{"type":"ack"}"#, None, "an ack without `ackId`"),
        (r#"{"type":"groupStateUpdate","items":[],"sequenceId":3}"#, Some(3), "group states without `group`"),
        (r#"{"type":"groupStateSnapshot","group":"g","sequenceId":3}"#, Some(3), "group states without `items`"),
        (r#"{"type":"groupStateUpdate","group":"g","items":{},"sequenceId":3}"#, Some(3), "`items`"),
        (
            r#"{"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c"}],"sequenceId":3}"#,
            Some(3),
            "updatedAt",
        ),
        (
            r#"{"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c","state":{"a":1},"updatedAt":1}]}"#,
            None,
            "`items`",
        ),
        ("{", None, "not JSON"),
        ("[1]", None, "unexpected shape"),
        ("", None, "not JSON"),
    ] {
        match decode_downstream(text) {
            Downstream::Unknown { sequence_id, reason } => {
                assert_eq!(sequence_id, id, "{text}");
                assert!(reason.contains(said), "{text}: {reason}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_text_decodes_to_something(text in ".*") {
        decode_downstream(&text);
        let _ = decode_upstream(&text);
    }

    #[test]
    fn any_string_survives_the_wire(text in ".*", group in "[a-zé\"\\\\]{1,20}") {
        let data = OwnedData::text(&text);
        let frame = Upstream::SendToGroup { group: group.clone().into(), ack_id: None, no_echo: false, ttl_seconds: None, data: data.as_data(), metadata: None };
        let encoded = encode(&frame);
        let decoded = decode_upstream(&encoded).unwrap();
        assert_eq!(&decoded, &frame);
        match decoded {
            Upstream::SendToGroup { data: Data::Text(quoted), .. } => assert_eq!(quoted.decode(), text),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_nested_deeper_than_the_service_reads_is_malformed() {
    let event = |data: &str| format!(r#"{{"type":"event","event":"e","data":{data}}}"#);
    let nested = |depth: usize| event(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(decode_upstream(&nested(63)).is_ok());
    assert!(matches!(decode_upstream(&nested(64)), Err(Malformed::Content(why)) if why.contains("64 levels")));
    assert!(decode_upstream(&nested(500_000)).is_err());
    // Many beside one another are not deep, nor are those in strings.
    assert!(decode_upstream(&event(&format!("[{}{{}}]", "[],".repeat(1000)))).is_ok());
    assert!(decode_upstream(&event(&format!(r#""\"{}""#, "[".repeat(1000)))).is_ok());
    let objects = event(&format!("{}1{}", r#"{"a":"#.repeat(64), "}".repeat(64)));
    assert!(decode_upstream(&objects).is_err());
}

#[test]
fn a_farewell_without_a_message_is_written_without_one() {
    let frame = r#"{"type":"system","event":"disconnected"}"#;
    assert_eq!(reencode(frame), frame);
    crate::fuzz::json(frame);
}

/// Frames that are right.
const GOOD: [&str; 12] = [
    r#"{"type":"sendToGroup","group":"g","ackId":1,"noEcho":true,"dataType":"json","data":{"a":[1,2.50,"x"]}}"#,
    r#"{"type":"event","event":"e","ackId":2,"dataType":"binary","data":"AAEC","metadata":{"k":"v"}}"#,
    r#"{"type":"joinGroup","group":"g","ackId":3}"#,
    r#"{"type":"sequenceAck","sequenceId":18446744073709551615}"#,
    r#"{"type":"invoke","invocationId":"i1","target":"event","event":"e","dataType":"text","data":"x"}"#,
    r#"{"type":"stream","streamId":"s","streamSequenceId":1,"dataType":"text","data":"x"}"#,
    r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"caf\u00e9","fromUserId":"u","sequenceId":7}"#,
    r#"{"type":"message","from":"server","dataType":"protobuf","data":"CgE="}"#,
    r#"{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"no"}}"#,
    r#"{"type":"system","event":"connected","userId":"u","connectionId":"c","reconnectionToken":"t"}"#,
    r#"{"type":"system","event":"disconnected","message":"bye"}"#,
    r#"{"type":"streamNack","streamId":"s","expectedSequenceId":3,"error":{"name":"n","message":"m"}}"#,
];

proptest::proptest! {
    #[test]
    fn spoiled_frames_decode_to_something(text in webpubsub_spoil::spoiled_text(&GOOD)) {
        crate::fuzz::json(&text);
    }
}
