use super::schema::{
    Ack, Any, CancelInvocation, Connected, DataMessage, Disconnected, Event, GroupState, GroupStateItem,
    GroupStateItems, InvokeEvent, InvokeResponse, JoinGroup, LeaveGroup, MessageData, NamedError, Payload, Ping, Pong,
    SendToGroup, SequenceAck, SetGroupState, StreamAck, StreamClosed, StreamData, StreamEnd, StreamEndError,
    StreamError, StreamInfo, StreamNack, StreamStartInfo, SubscribeGroupState, System, SystemMessage,
    UnsubscribeGroupState,
};
use super::*;
use crate::data::OwnedData;
use crate::{Codec, EncodedFrame, WireFrame};

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn data(payload: Payload) -> Option<MessageData> {
    Some(MessageData { data: Some(payload) })
}

fn text(text: &str) -> Option<MessageData> {
    data(Payload::Text(text.into()))
}

fn json(text: &str) -> Option<MessageData> {
    data(Payload::Json(text.into()))
}

fn map(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn error(name: &str, message: &str) -> Option<NamedError> {
    Some(NamedError { name: name.into(), message: message.into() })
}

/// PROTOCOL §18, what a client sends.
#[test]
fn the_clients_vectors_are_read_and_written() {
    use schema::Upstream as Up;
    let state = GroupState { entries: map("status", "typing") };
    let table = [
        (Up::JoinGroup(JoinGroup { group: "room1".into(), ack_id: Some(1) }), "32090a05726f6f6d311001"),
        (Up::LeaveGroup(LeaveGroup { group: "room1".into(), ack_id: Some(2) }), "3a090a05726f6f6d311002"),
        (
            Up::SendToGroup(SendToGroup {
                group: "room1".into(),
                ack_id: Some(3),
                data: text("hi"),
                no_echo: Some(true),
                ..Default::default()
            }),
            "0a110a05726f6f6d3110031a040a0268692001",
        ),
        (
            Up::SendToGroup(SendToGroup {
                group: "g".into(),
                ack_id: Some(0),
                data: data(Payload::Binary(vec![0, 255])),
                ..Default::default()
            }),
            "0a0b0a016710001a04120200ff",
        ),
        (
            Up::SendToGroup(SendToGroup {
                group: "g".into(),
                data: data(Payload::Protobuf(Any { type_url: "t/X".into(), value: vec![8, 1] }.encode_to_vec())),
                ..Default::default()
            }),
            "0a100a01671a0b1a090a03742f5812020801",
        ),
        (
            Up::SendToGroup(SendToGroup {
                group: "g".into(),
                data: text("hi"),
                ttl_seconds: Some(30),
                metadata: map("k", "v"),
                ..Default::default()
            }),
            "0a130a01671a040a026869281e32060a016b120176",
        ),
        (
            Up::Event(Event { event: "vote".into(), data: json(r#"{"x":1}"#), ack_id: Some(4), ..Default::default() }),
            "2a130a04766f7465120922077b2278223a317d1804",
        ),
        (Up::Ping(Ping {}), "4a00"),
        (Up::SequenceAck(SequenceAck { sequence_id: 7 }), "42020807"),
        (
            Up::InvokeEvent(InvokeEvent {
                event: "sum".into(),
                invocation_id: "1".into(),
                data: json("[1,2]"),
                ..Default::default()
            }),
            "52110a0373756d1201311a0722055b312c325d",
        ),
        (
            Up::InvokeEvent(InvokeEvent { event: "hi".into(), invocation_id: "2".into(), ..Default::default() }),
            "52070a026869120132",
        ),
        (Up::CancelInvocation(CancelInvocation { invocation_id: "1".into() }), "5a030a0131"),
        (
            Up::SendToGroup(SendToGroup {
                group: "g".into(),
                no_echo: Some(true),
                stream: Some(StreamStartInfo { stream_id: "s1".into(), idle_timeout_ms: Some(60_000) }),
                ..Default::default()
            }),
            "0a0f0a016720013a080a02733110e0d403",
        ),
        (
            Up::StreamData(StreamData { stream_id: "s1".into(), stream_sequence_id: Some(1), data: text("part") }),
            "6a0e0a02733110011a060a0470617274",
        ),
        (Up::StreamData(StreamData { stream_id: "s1".into(), ..Default::default() }), "6a040a027331"),
        (Up::StreamEnd(StreamEnd { stream_id: "s1".into(), error: None }), "72040a027331"),
        (
            Up::StreamEnd(StreamEnd {
                stream_id: "s1".into(),
                error: Some(StreamEndError { message: Some("m".into()), user_error_code: Some("c".into()) }),
            }),
            "720c0a02733112060a016d120163",
        ),
        (
            Up::SetGroupState(SetGroupState { group: "g".into(), ack_id: Some(7), state: Some(state) }),
            "7a190a016710071a120a100a067374617475731206747970696e67",
        ),
        (Up::SetGroupState(SetGroupState { group: "g".into(), ack_id: Some(8), state: None }), "7a050a01671008"),
        (Up::SubscribeGroupState(SubscribeGroupState { group: "g".into(), ack_id: Some(9) }), "8201050a01671009"),
        (Up::UnsubscribeGroupState(UnsubscribeGroupState { group: "g".into(), ack_id: Some(10) }), "8a01050a0167100a"),
    ];
    for (message, vector) in table {
        let message = UpstreamMessage { message: Some(message) };
        assert_eq!(UpstreamMessage::decode(&*hex(vector)).unwrap(), message, "{vector}");
        assert_eq!(message.encode_to_vec(), hex(vector), "{message:?}");
    }
}

fn message(from: &str, group: Option<&str>, data: Option<MessageData>, sequence_id: Option<u64>) -> DataMessage {
    DataMessage { from: from.into(), group: group.map(Into::into), data, sequence_id, ..Default::default() }
}

/// PROTOCOL §18, what the service sends.
#[test]
fn the_services_vectors_are_read_and_written() {
    use schema::Downstream as Down;
    let system = |message| Down::System(SystemMessage { message: Some(message) });
    let stream = |number, end_of_stream, error| StreamInfo {
        stream_id: "s1".into(),
        stream_sequence_id: number,
        end_of_stream,
        error,
    };
    let user_error = StreamError { name: "UserError".into(), message: "m".into(), user_error_code: "c".into() };
    let items = |items, sequence_id| GroupStateItems { group: "g".into(), items, sequence_id: Some(sequence_id) };
    let item = |user_id: Option<&str>, state, updated_at| GroupStateItem {
        connection_id: "c".into(),
        user_id: user_id.map(Into::into),
        state,
        updated_at,
    };
    let typing = Some(GroupState { entries: map("status", "typing") });
    let table = [
        (Down::Ack(Ack { ack_id: 1, success: true, error: None }), "0a0408011001"),
        (
            Down::Ack(Ack { ack_id: 1, success: false, error: error("Duplicate", "d") }),
            "0a1208011a0e0a094475706c6963617465120164",
        ),
        (
            system(System::Connected(Connected {
                connection_id: "c1".into(),
                user_id: "alice".into(),
                reconnection_token: Some("tok".into()),
            })),
            "1a120a100a0263311205616c6963651a03746f6b",
        ),
        (system(System::Connected(Connected { connection_id: "c1".into(), ..Default::default() })), "1a060a040a026331"),
        (system(System::Disconnected(Disconnected { reason: "bye".into() })), "1a0712051203627965"),
        (Down::Pong(Pong {}), "2200"),
        (
            Down::Data(message("group", Some("room1"), text("hi"), Some(5))),
            "12160a0567726f75701205726f6f6d311a040a0268692005",
        ),
        (
            Down::Data(message("server", None, json(r#"{"a":1}"#), Some(6))),
            "12150a067365727665721a0922077b2261223a317d2006",
        ),
        (Down::Data(message("server", None, text(""), None)), "120c0a067365727665721a020a00"),
        (
            Down::Data(DataMessage {
                stream: Some(stream(1, None, None)),
                ..message("group", Some("g"), text("part"), Some(5))
            }),
            "121c0a0567726f75701201671a060a0470617274200532060a0273311001",
        ),
        (
            Down::Data(DataMessage {
                stream: Some(stream(2, Some(true), Some(user_error))),
                ..message("group", Some("g"), text(""), None)
            }),
            "122b0a0567726f75701201671a020a00321b0a0273311002180122110a09557365724572726f7212016d1a0163",
        ),
        (
            Down::InvokeResponse(InvokeResponse {
                invocation_id: "1".into(),
                success: true,
                data: json("3"),
                ..Default::default()
            }),
            "2a0a0a013110011a03220133",
        ),
        (
            Down::InvokeResponse(InvokeResponse { invocation_id: "1".into(), success: true, ..Default::default() }),
            "2a050a01311001",
        ),
        (
            Down::InvokeResponse(InvokeResponse {
                invocation_id: "1".into(),
                error: error("BadRequest", "m"),
                ..Default::default()
            }),
            "2a140a0131220f0a0a4261645265717565737412016d",
        ),
        (Down::StreamAck(StreamAck { stream_id: "s1".into(), expected_sequence_id: 2 }), "32060a0273311002"),
        (
            Down::StreamNack(StreamNack {
                stream_id: "s1".into(),
                name: "InvalidSequenceId".into(),
                message: "m".into(),
                expected_sequence_id: 2,
            }),
            "3a1c0a0273311211496e76616c696453657175656e636549641a016d2002",
        ),
        (Down::StreamClosed(StreamClosed { stream_id: "s1".into(), error: None }), "42040a027331"),
        (
            Down::StreamClosed(StreamClosed { stream_id: "s1".into(), error: error("StreamNotFound", "m") }),
            "42190a02733112130a0e53747265616d4e6f74466f756e6412016d",
        ),
        (
            Down::GroupStateUpdate(items(vec![item(Some("u"), typing, 1_760_000_000_000)], 4)),
            "4a280a016712210a01631201751a120a100a067374617475731206747970696e67208080b3c19c331804",
        ),
        (
            Down::GroupStateUpdate(items(vec![item(None, None, 1_760_000_000_500)], 5)),
            "4a110a0167120a0a016320f483b3c19c331805",
        ),
        (Down::GroupStateSnapshot(items(vec![], 3)), "52050a01671803"),
    ];
    for (message, vector) in table {
        let message = DownstreamMessage { message: Some(message) };
        assert_eq!(DownstreamMessage::decode(&*hex(vector)).unwrap(), message, "{vector}");
        assert_eq!(message.encode_to_vec(), hex(vector), "{message:?}");
    }
}

fn down(bytes: &[u8], check: impl FnOnce(Downstream<'_>)) {
    check(Codec::Protobuf.decode_downstream(WireFrame::Binary(bytes), &mut Unpacked::default()));
}

fn up(bytes: &[u8]) -> Result<String, Malformed> {
    let mut unpacked = Unpacked::default();
    let frame = Codec::Protobuf.decode_upstream(WireFrame::Binary(bytes), &mut unpacked)?;
    assert_eq!(Codec::Protobuf.encode_upstream(&frame), EncodedFrame::Binary(bytes.to_vec().into()), "{frame:?}");
    Ok(Codec::Json.encode_upstream(&frame).as_text().unwrap().to_owned())
}

#[test]
fn a_clients_frames_mean_what_the_same_frames_of_json_mean() {
    for (vector, json) in [
        ("32090a05726f6f6d311001", r#"{"type":"joinGroup","group":"room1","ackId":1}"#),
        ("3a090a05726f6f6d311002", r#"{"type":"leaveGroup","group":"room1","ackId":2}"#),
        (
            "0a110a05726f6f6d3110031a040a0268692001",
            r#"{"type":"sendToGroup","group":"room1","ackId":3,"noEcho":true,"dataType":"text","data":"hi"}"#,
        ),
        (
            "0a0b0a016710001a04120200ff",
            r#"{"type":"sendToGroup","group":"g","ackId":0,"dataType":"binary","data":"AP8="}"#,
        ),
        (
            "0a100a01671a0b1a090a03742f5812020801",
            r#"{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"CgN0L1gSAggB"}"#,
        ),
        (
            "0a130a01671a040a026869281e32060a016b120176",
            r#"{"type":"sendToGroup","group":"g","ttlSeconds":30,"dataType":"text","data":"hi","metadata":{"k":"v"}}"#,
        ),
        (
            "2a130a04766f7465120922077b2278223a317d1804",
            r#"{"type":"event","event":"vote","ackId":4,"dataType":"json","data":{"x":1}}"#,
        ),
        ("4a00", r#"{"type":"ping"}"#),
        (
            "52110a0373756d1201311a0722055b312c325d",
            r#"{"type":"invoke","invocationId":"1","target":"event","event":"sum","dataType":"json","data":[1,2]}"#,
        ),
        ("52070a026869120132", r#"{"type":"invoke","invocationId":"2","target":"event","event":"hi"}"#),
        ("5a030a0131", r#"{"type":"cancelInvocation","invocationId":"1"}"#),
        ("42020807", r#"{"type":"sequenceAck","sequenceId":7}"#),
        (
            "7a190a016710071a120a100a067374617475731206747970696e67",
            r#"{"type":"setGroupState","group":"g","ackId":7,"state":{"status":"typing"}}"#,
        ),
        ("7a050a01671008", r#"{"type":"setGroupState","group":"g","ackId":8}"#),
        ("7a070a016710081a00", r#"{"type":"setGroupState","group":"g","ackId":8,"state":{}}"#),
        ("8201050a01671009", r#"{"type":"subscribeGroupState","group":"g","ackId":9}"#),
        ("8a01050a0167100a", r#"{"type":"unsubscribeGroupState","group":"g","ackId":10}"#),
    ] {
        assert_eq!(up(&hex(vector)).as_deref(), Ok(json), "{vector}");
    }
}

#[test]
fn the_services_frames_mean_what_the_same_frames_of_json_mean() {
    for (vector, json) in [
        ("0a0408011001", r#"{"type":"ack","ackId":1,"success":true}"#),
        (
            "0a1208011a0e0a094475706c6963617465120164",
            r#"{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"d"}}"#,
        ),
        (
            "1a120a100a0263311205616c6963651a03746f6b",
            r#"{"type":"system","event":"connected","userId":"alice","connectionId":"c1","reconnectionToken":"tok"}"#,
        ),
        ("1a060a040a026331", r#"{"type":"system","event":"connected","userId":null,"connectionId":"c1"}"#),
        ("1a0712051203627965", r#"{"type":"system","event":"disconnected","message":"bye"}"#),
        ("2200", r#"{"type":"pong"}"#),
        (
            "2a0a0a013110011a03220133",
            r#"{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"json","data":3}"#,
        ),
        ("2a050a01311001", r#"{"type":"invokeResponse","invocationId":"1","success":true}"#),
        (
            "2a140a0131220f0a0a4261645265717565737412016d",
            r#"{"type":"invokeResponse","invocationId":"1","success":false,"error":{"name":"BadRequest","message":"m"}}"#,
        ),
        (
            "12160a0567726f75701205726f6f6d311a040a0268692005",
            r#"{"sequenceId":5,"type":"message","from":"group","group":"room1","dataType":"text","data":"hi"}"#,
        ),
        (
            "12150a067365727665721a0922077b2261223a317d2006",
            r#"{"sequenceId":6,"type":"message","from":"server","dataType":"json","data":{"a":1}}"#,
        ),
        ("120c0a067365727665721a020a00", r#"{"type":"message","from":"server","dataType":"text","data":""}"#),
        (
            "121c0a0567726f75701201671a060a0470617274200532060a0273311001",
            r#"{"sequenceId":5,"type":"message","from":"group","group":"g","dataType":"text","data":"part","stream":{"streamId":"s1","streamSequenceId":1}}"#,
        ),
        (
            "122b0a0567726f75701201671a020a00321b0a0273311002180122110a09557365724572726f7212016d1a0163",
            r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"","stream":{"streamId":"s1","streamSequenceId":2,"endOfStream":true,"error":{"name":"UserError","message":"m","userErrorCode":"c"}}}"#,
        ),
        (
            "4a280a016712210a01631201751a120a100a067374617475731206747970696e67208080b3c19c331804",
            r#"{"sequenceId":4,"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c","userId":"u","state":{"status":"typing"},"updatedAt":1760000000000}]}"#,
        ),
        (
            "4a110a0167120a0a016320f483b3c19c331805",
            r#"{"sequenceId":5,"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c","updatedAt":1760000000500}]}"#,
        ),
        ("52050a01671803", r#"{"sequenceId":3,"type":"groupStateSnapshot","group":"g","items":[]}"#),
        ("52030a0167", r#"{"type":"groupStateSnapshot","group":"g","items":[]}"#),
    ] {
        let bytes = hex(vector);
        down(&bytes, |frame| {
            assert_eq!(Codec::Json.encode_downstream(&frame).as_text(), Some(json), "{vector}");
            assert_eq!(Codec::Protobuf.encode_downstream(&frame), EncodedFrame::Binary(bytes.clone().into()));
        });
    }
}

#[test]
fn what_is_not_understood_is_passed_on_with_its_sequence_id() {
    let unknown = |bytes: &[u8], id: Option<u64>, words: &str| {
        down(bytes, |frame| match frame {
            Downstream::Unknown { sequence_id, reason } => {
                assert_eq!(sequence_id, id, "{bytes:?}");
                assert!(reason.contains(words), "{reason}");
            }
            other => panic!("{other:?}"),
        });
    };
    let encoded = |message| DownstreamMessage { message: Some(schema::Downstream::Data(message)) }.encode_to_vec();
    unknown(&[], None, "unknown kind");
    // Member 15, and a system frame that is neither known one.
    unknown(&[0x7a, 0], None, "unknown kind");
    unknown(&[0x1a, 0], None, "unknown kind");
    unknown(&[0xde, 0xad, 0xbe, 0xef], None, "not protobuf");
    unknown(&encoded(message("queue", None, text("x"), Some(9))), Some(9), "unknown `from`: `queue`");
    unknown(&encoded(message("group", None, text("x"), Some(9))), Some(9), "without `group`");
    unknown(&encoded(message("server", None, json("{"), Some(9))), Some(9), "`json_data` is not JSON");
    let empty = Some(MessageData { data: None });
    unknown(&encoded(message("server", None, empty, Some(9))), Some(9), "data of an unknown kind");
    // A string that is not UTF-8.
    unknown(&[0x1a, 5, 0x12, 3, 0x12, 1, 0xff], None, "not protobuf");
}

#[test]
fn a_clients_frame_is_refused_for_what_the_service_refuses() {
    let encoded = |message| UpstreamMessage { message: Some(message) }.encode_to_vec();
    let send = |send: SendToGroup| encoded(schema::Upstream::SendToGroup(send));
    let good = SendToGroup { group: "g".into(), data: text("x"), ..Default::default() };
    assert!(up(&send(good.clone())).is_ok());
    let invoke = |invoke: InvokeEvent| encoded(schema::Upstream::InvokeEvent(invoke));
    let asked = InvokeEvent { event: "e".into(), invocation_id: "1".into(), ..Default::default() };
    assert!(up(&invoke(asked.clone())).is_ok());
    let bad: Vec<Vec<u8>> = vec![
        vec![],
        vec![0x62, 0],
        vec![0xff],
        encoded(schema::Upstream::JoinGroup(JoinGroup::default())),
        encoded(schema::Upstream::JoinGroup(JoinGroup { group: " ".into(), ack_id: None })),
        encoded(schema::Upstream::Event(Event { event: "9".into(), data: text("x"), ..Default::default() })),
        send(SendToGroup { data: None, ..good.clone() }),
        send(SendToGroup { data: Some(MessageData { data: None }), ..good.clone() }),
        send(SendToGroup { data: json("{"), ..good.clone() }),
        send(SendToGroup { data: json("null"), ..good.clone() }),
        send(SendToGroup { data: data(Payload::Protobuf(vec![0xff])), ..good.clone() }),
        send(SendToGroup { ttl_seconds: Some(301), ..good.clone() }),
        send(SendToGroup { ttl_seconds: Some(u32::MAX), ..good.clone() }),
        send(SendToGroup { metadata: map("a b", "c"), ..good.clone() }),
        invoke(InvokeEvent { invocation_id: String::new(), ..asked.clone() }),
        invoke(InvokeEvent { event: String::new(), ..asked.clone() }),
        invoke(InvokeEvent { data: Some(MessageData { data: None }), ..asked.clone() }),
        invoke(InvokeEvent { data: json("null"), ..asked.clone() }),
        invoke(InvokeEvent { metadata: map("a b", "c"), ..asked.clone() }),
        invoke(InvokeEvent { stream: Some(StreamStartInfo::default()), ..asked }),
        encoded(schema::Upstream::CancelInvocation(CancelInvocation::default())),
    ];
    for bytes in bad {
        assert!(matches!(up(&bytes), Err(Malformed::Content(_))), "{bytes:?}");
    }
    let frame = WireFrame::Text("{}");
    let mut unpacked = Unpacked::default();
    assert!(matches!(Codec::Protobuf.decode_upstream(frame, &mut unpacked), Err(Malformed::Kind(_))));
    // Metadata alone go with an empty text.
    let alone = send(SendToGroup { data: None, metadata: map("k", "v"), ..good });
    let frame = Codec::Protobuf.decode_upstream(WireFrame::Binary(&alone), &mut unpacked).unwrap();
    assert!(matches!(frame, crate::Upstream::SendToGroup { data, .. } if data.is_empty_text()));
}

/// PROTOCOL §10.1, §19.33.
#[test]
fn an_any_is_passed_on_byte_for_byte_and_json_digit_for_digit() {
    // Fields out of order, one of them unknown, a length that is longer than it has to be.
    let any = [0x12, 2, 8, 1, 0x0a, 0x83, 0, b't', b'/', b'X', 0x48, 7];
    let number = "[1.000000000000000000001, 12345678901234567890123]";
    for (given, kind) in [(OwnedData::protobuf(&any), "protobuf"), (OwnedData::json(number).unwrap(), "json")] {
        let origin = Origin::Server;
        let message = crate::Message {
            origin,
            sequence_id: Some(1),
            data: given.as_data(),
            metadata: None,
            stream: None,
            redelivered: false,
        };
        let frame = Codec::Protobuf.encode_downstream(&Downstream::Message(message));
        let mut unpacked = Unpacked::default();
        match Codec::Protobuf.decode_downstream(frame.as_wire(), &mut unpacked) {
            Downstream::Message(message) => {
                assert_eq!(message.data.kind().name(), kind);
                assert_eq!(message.data, given.as_data());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn of_several_members_the_last_counts() {
    let mut bytes = hex("2200");
    bytes.extend(hex("0a0408011001"));
    down(&bytes, |frame| assert_eq!(frame, Downstream::Ack { ack_id: 1, result: Ok(()) }));
}

#[test]
fn what_the_service_says_is_shown_without_the_token() {
    let redact = |text: &str| text.contains("tok").then(|| text.replace("tok", "*"));
    let connected = hex("1a120a100a0263311205616c6963651a03746f6b");
    let connected = redacted(&connected, "[redacted]", redact).unwrap();
    down(&connected, |frame| {
        let expected = Downstream::Connected {
            connection_id: "c1".into(),
            user_id: Some("alice".into()),
            reconnection_token: Some("[redacted]".into()),
        };
        assert_eq!(frame, expected);
    });
    let bye = encode_downstream(&Downstream::Disconnected { message: Some("not tok".into()) });
    let expected = encode_downstream(&Downstream::Disconnected { message: Some("not *".into()) });
    assert_eq!(redacted(&bye, "[redacted]", redact).as_deref(), Some(&expected[..]));
    // What users say is left as it is.
    let theirs =
        DownstreamMessage { message: Some(schema::Downstream::Data(message("server", None, text("tok"), None))) };
    let theirs = theirs.encode_to_vec();
    assert_eq!(redacted(&theirs, "[redacted]", redact).as_deref(), Some(&theirs[..]));
    assert_eq!(redacted(&[0xff], "[redacted]", redact), None);
}

mod garbage {
    use super::*;
    use proptest::prelude::*;

    /// Frames that are right, to be spoiled.
    const SEEDS: [&str; 16] = [
        "52110a0373756d1201311a0722055b312c325d",
        "2a0a0a013110011a03220133",
        "0a0f0a016720013a080a02733110e0d403",
        "6a0e0a02733110011a060a0470617274",
        "720c0a02733112060a016d120163",
        "3a1c0a0273311211496e76616c696453657175656e636549641a016d2002",
        "42190a02733112130a0e53747265616d4e6f74466f756e6412016d",
        "0a110a05726f6f6d3110031a040a0268692001",
        "0a100a01671a0b1a090a03742f5812020801",
        "0a130a01671a040a026869281e32060a016b120176",
        "2a130a04766f7465120922077b2278223a317d1804",
        "7a190a016710071a120a100a067374617475731206747970696e67",
        "1a120a100a0263311205616c6963651a03746f6b",
        "122b0a0567726f75701201671a020a00321b0a0273311002180122110a09557365724572726f7212016d1a0163",
        "12150a067365727665721a0922077b2261223a317d2006",
        "4a280a016712210a01631201751a120a100a067374617475731206747970696e67208080b3c19c331804",
    ];

    proptest! {
        #[test]
        fn any_bytes_are_taken_for_something(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            crate::fuzz::protobuf(&bytes);
        }

        #[test]
        fn spoiled_frames_are_taken_for_something(
            frame in webpubsub_spoil::spoiled(SEEDS.iter().map(|seed| hex(seed)).collect())
        ) {
            crate::fuzz::protobuf(&frame);
        }
    }
}
