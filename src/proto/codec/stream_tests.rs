//! The frames of group streams in both codecs (PROTOCOL §9.1, §18).

use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Each vector with the JSON that says the same.
#[test]
fn a_publishers_frames_say_the_same_in_both_codecs() {
    for (vector, json) in [
        (
            "0a0f0a016720013a080a02733110e0d403",
            r#"{"type":"sendToGroup","group":"g","noEcho":true,"stream":{"streamId":"s1","idleTimeoutMs":60000}}"#,
        ),
        ("0a090a01673a040a027331", r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"s1"}}"#),
        ("2a090a01652a040a027331", r#"{"type":"event","event":"e","stream":{"streamId":"s1"}}"#),
        (
            "6a0e0a02733110011a060a0470617274",
            r#"{"type":"streamData","streamId":"s1","streamSequenceId":1,"dataType":"text","data":"part"}"#,
        ),
        (
            "6a0a0a02733110001a020a00",
            r#"{"type":"streamData","streamId":"s1","streamSequenceId":0,"dataType":"text","data":""}"#,
        ),
        ("6a040a027331", r#"{"type":"streamData","streamId":"s1"}"#),
        ("72040a027331", r#"{"type":"streamEnd","streamId":"s1"}"#),
        (
            "720c0a02733112060a016d120163",
            r#"{"type":"streamEnd","streamId":"s1","error":{"message":"m","userErrorCode":"c"}}"#,
        ),
        ("72090a0273311203120163", r#"{"type":"streamEnd","streamId":"s1","error":{"userErrorCode":"c"}}"#),
        ("72060a0273311200", r#"{"type":"streamEnd","streamId":"s1","error":{}}"#),
    ] {
        let (bytes, mut first, mut second) = (hex(vector), Unpacked::default(), Unpacked::default());
        let frame = Codec::Protobuf.decode_upstream(WireFrame::Binary(&bytes), &mut first).unwrap();
        assert_eq!(Codec::Json.encode_upstream(&frame).as_text(), Some(json), "{vector}");
        assert_eq!(Codec::Json.decode_upstream(WireFrame::Text(json), &mut second).as_ref(), Ok(&frame));
        assert_eq!(Codec::Protobuf.encode_upstream(&frame), EncodedFrame::Binary(bytes.clone().into()), "{json}");
    }
}

#[test]
fn what_a_publisher_is_told_says_the_same_in_both_codecs() {
    for (vector, json) in [
        ("32060a0273311002", r#"{"type":"streamAck","streamId":"s1","expectedSequenceId":2}"#),
        (
            "3a1c0a0273311211496e76616c696453657175656e636549641a016d2002",
            r#"{"type":"streamNack","streamId":"s1","expectedSequenceId":2,"name":"InvalidSequenceId","message":"m"}"#,
        ),
        ("42040a027331", r#"{"type":"streamClosed","streamId":"s1"}"#),
        (
            "42190a02733112130a0e53747265616d4e6f74466f756e6412016d",
            r#"{"type":"streamClosed","streamId":"s1","error":{"name":"StreamNotFound","message":"m"}}"#,
        ),
    ] {
        let (bytes, mut first, mut second) = (hex(vector), Unpacked::default(), Unpacked::default());
        let frame = Codec::Protobuf.decode_downstream(WireFrame::Binary(&bytes), &mut first);
        assert_eq!(Codec::Json.encode_downstream(&frame).as_text(), Some(json), "{vector}");
        assert_eq!(Codec::Json.decode_downstream(WireFrame::Text(json), &mut second), frame);
        assert_eq!(Codec::Protobuf.encode_downstream(&frame), EncodedFrame::Binary(bytes.clone().into()), "{json}");
    }
}

/// PROTOCOL §9.1: number, type and payload are all there or none is; an id is needed to answer to.
#[test]
fn a_publishers_frame_is_malformed_where_a_part_is_missing() {
    for text in [
        r#"{"type":"sendToGroup","group":"g","stream":{"streamId":""}}"#,
        r#"{"type":"sendToGroup","group":"g","stream":{}}"#,
        r#"{"type":"sendToGroup","group":"g","stream":"s"}"#,
        r#"{"type":"sendToGroup","group":"g","stream":["s"]}"#,
        r#"{"type":"sendToGroup","group":" ","stream":{"streamId":"s"}}"#,
        r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":-1}}"#,
        r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":"5"}}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"text","data":"x","stream":{"streamId":"s"}}"#,
        r#"{"type":"event","event":"9","stream":{"streamId":"s"}}"#,
        r#"{"type":"streamData"}"#,
        r#"{"type":"streamData","streamId":""}"#,
        r#"{"type":"streamData","streamId":"s","streamSequenceId":1}"#,
        r#"{"type":"streamData","streamId":"s","streamSequenceId":1,"data":"x"}"#,
        r#"{"type":"streamData","streamId":"s","dataType":"text","data":"x"}"#,
        r#"{"type":"streamData","streamId":"s","streamSequenceId":1,"dataType":"json","data":null}"#,
        r#"{"type":"streamData","streamId":"s","streamSequenceId":"1","dataType":"text","data":"x"}"#,
        r#"{"type":"streamData","streamId":"s","streamSequenceId":1,"dataType":"binary","data":"?"}"#,
        r#"{"type":"streamEnd"}"#,
        r#"{"type":"streamEnd","streamId":"s","error":"no"}"#,
    ] {
        let decoded = Codec::Json.decode_upstream(WireFrame::Text(text), &mut Unpacked::default()).map(|_| ());
        assert!(matches!(decoded, Err(Malformed::Content(_))), "{text}");
    }
    for vector in [
        // A start without an id, and one with a payload.
        "0a050a01673a00",
        "0a0d0a01671a020a003a040a027331",
        // A fragment without an id, without a payload, with an empty one, without a number.
        "6a021001",
        "6a060a0273311001",
        "6a080a02733110011a00",
        "6a080a0273311a020a00",
        // An end without an id.
        "7200",
    ] {
        let bytes = hex(vector);
        let mut unpacked = Unpacked::default();
        let decoded = Codec::Protobuf.decode_upstream(WireFrame::Binary(&bytes), &mut unpacked).map(|_| ());
        assert!(matches!(decoded, Err(Malformed::Content(_))), "{vector}");
    }
}

#[test]
fn an_answer_without_what_it_needs_is_not_understood() {
    for (text, words) in [
        (r#"{"type":"streamAck","streamId":"s"}"#, "without `expectedSequenceId`"),
        (r#"{"type":"streamAck","expectedSequenceId":1}"#, "without `streamId`"),
        (r#"{"type":"streamNack","streamId":"s","expectedSequenceId":-1}"#, "`expectedSequenceId`"),
        (r#"{"type":"streamClosed","streamId":7}"#, "`streamId`"),
    ] {
        match Codec::Json.decode_downstream(WireFrame::Text(text), &mut Unpacked::default()) {
            Downstream::Unknown { sequence_id: None, reason } => assert!(reason.contains(words), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

/// PROTOCOL §19.28.
#[test]
fn the_last_message_of_a_stream_need_not_have_a_payload() {
    for (data, expected) in [("", "null"), (r#""dataType":"text","#, "null"), (r#""dataType":"new","data":1,"#, "?")] {
        let stream = r#""stream":{"streamId":"s","streamSequenceId":2,"endOfStream":true}"#;
        let text = format!(r#"{{"type":"message","from":"group","group":"g",{data}{stream}}}"#);
        match Codec::Json.decode_downstream(WireFrame::Text(&text), &mut Unpacked::default()) {
            Downstream::Message(message) => {
                assert_eq!(message.data.to_json(), expected);
                assert!(crate::StreamInfo::parse(message.stream.unwrap()).unwrap().is_end());
            }
            Downstream::Unknown { .. } => assert_eq!(expected, "?"),
            other => panic!("{other:?}"),
        }
    }
}
