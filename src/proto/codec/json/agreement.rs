//! The scanner and serde read every text the same way, or the scanner leaves it to serde.

use super::agree::agree;
use super::decode_downstream;
use crate::Downstream;
use proptest::prelude::*;

/// Frames of each kind, plain ones and others.
const FRAMES: [&str; 30] = [
    r#"{"sequenceId":5,"type":"message","from":"group","group":"g","fromUserId":"a","dataType":"text","data":"hi"}"#,
    r#"{"type":"message","from":"group","group":"gruppe é","dataType":"text","data":"a \"b\" \\ \u00e9\ud800 é"}"#,
    r#"{"type":"message","from":"group","group":"a\"b","dataType":"text","data":"x"}"#,
    r#"{"sequenceId":6,"type":"message","from":"server","dataType":"json","data":{"b":1.10,"a":null,"c":[[],{}, -0.5e+3]}}"#,
    r#"{"type":"message","from":"server","data":[1, {"a" : "b\\"},true,false]}"#,
    r#"{"type":"message","from":"server","dataType":"json","data":-0}"#,
    r#"{"type":"message","from":"server"}"#,
    r#"{"type":"message","from":"group","group":"g","dataType":"binary","data":"AAA="}"#,
    r#"{"type":"message","from":"group","group":"g","dataType":"protobuf","data":"AAA="}"#,
    r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"p","metadata":{"k":"v"},"stream":{"streamId":"s"}}"#,
    r#"{"sequenceId":18446744073709551615,"type":"message","from":"server","data":12345678901234567890123456789}"#,
    r#"{"type":"ack","ackId":1,"success":true}"#,
    r#"{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"no"}}"#,
    r#"{"ackId":0,"success":true,"type":"ack","group":"a group that is ignored","data":"x"}"#,
    r#"{"type":"pong"}"#,
    r#"{"type":"system","event":"connected","userId":"alice","connectionId":"abc","reconnectionToken":"t"}"#,
    r#"{"type":"joinGroup","group":"room1","ackId":1}"#,
    r#"{"type":"leaveGroup","group":"日本"}"#,
    r#"{"type":"sendToGroup","group":"room1","ackId":3,"noEcho":true,"dataType":"text","data":"hi"}"#,
    r#"{"type":"sendToGroup","group":"g","noEcho":false,"ttlSeconds":300,"dataType":"json","data":1}"#,
    r#"{"type":"sendToGroup","group":"g","ttlSeconds":301,"data":{"a":[1,2]}}"#,
    r#"{"type":"sendToGroup","group":"g","dataType":"binary","data":"AAA="}"#,
    r#"{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"!"}"#,
    r#"{"type":"sendToGroup","group":"g","data":null}"#,
    r#"{"type":"sendToGroup","group":" ","data":1}"#,
    r#"{"type":"SendToGroup","group":"g","dataType":"TEXT","data":"x"}"#,
    r#"{"type":"event","event":"vote.x","ackId":1844674407370955161,"dataType":"json","data":{"x":1.0}}"#,
    r#"{"type":"event","event":"9","data":1}"#,
    r#"{"type":"sequenceAck","sequenceId":7}"#,
    r#"{"type":"ping"}"#,
];

#[test]
fn plain_frames_are_scanned_and_others_are_left_to_serde() {
    let taken: Vec<usize> =
        FRAMES.iter().enumerate().filter(|(_, text)| agree(text) > 0).map(|(number, _)| number).collect();
    assert_eq!(taken, [0, 1, 3, 4, 5, 7, 8, 11, 13, 14, 16, 17, 18, 19, 21, 26, 28, 29]);
}

#[test]
fn a_frame_that_is_wrong_in_one_place_is_read_the_same_way() {
    const BYTES: &[u8] = b"\"\\{}[]:,0159-+.eEuxtnN \n\t\x1f\x7f";
    let mut taken = 0;
    for frame in FRAMES {
        for at in 0..=frame.len() {
            if !frame.is_char_boundary(at) {
                continue;
            }
            let (before, after) = frame.split_at(at);
            let mut rest = after.chars();
            let replaced = rest.next().map(|_| rest.as_str());
            taken += agree(before) + replaced.map_or(0, |rest| agree(&format!("{before}{rest}")));
            for byte in BYTES {
                let byte = char::from(*byte);
                taken += agree(&format!("{before}{byte}{after}"));
                taken += replaced.map_or(0, |rest| agree(&format!("{before}{byte}{rest}")));
            }
        }
    }
    assert!(taken > 1000, "{taken}");
}

#[test]
fn payloads_of_any_depth_are_read_the_same_way() {
    for depth in [1, 59, 60, 61, 62, 63, 64, 65, 126, 127, 128, 129, 1000] {
        for (open, inner, close) in [("[", "1", "]"), ("{\"a\":", "[]", "}"), ("[{\"a\\n\": ", "{}", "}]")] {
            let value = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let frame = format!(r#"{{"type":"message","from":"server","data":{value}}}"#);
            assert!(matches!(decode_downstream(&frame), Downstream::Message(_)), "{depth} {open}");
            agree(&frame);
            agree(&frame.replacen(']', "}", 1));
        }
    }
}

/// One property, often right.
fn property() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![
            "type", "sequenceId", "from", "fromUserId", "group", "event", "dataType", "data", "ackId", "success",
            "noEcho", "ttlSeconds", "metadata", "stream", "error", "userId", "message",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z\\\\]{0,9}",
    ];
    let value = prop_oneof![
        prop::sample::select(vec![
            "\"message\"",
            "\"ack\"",
            "\"pong\"",
            "\"sendToGroup\"",
            "\"event\"",
            "\"joinGroup\"",
            "\"leaveGroup\"",
            "\"sequenceAck\"",
            "\"ping\"",
            "\"group\"",
            "\"server\"",
            "\"text\"",
            "\"json\"",
            "\"binary\"",
            "\"protobuf\"",
            "true",
            "false",
            "null",
            "0",
            "1",
            "300",
            "301",
            "-1",
            "1.5",
            "1e3",
            "01",
            "{}",
            "[]",
            "18446744073709551615",
            "18446744073709551616",
            "9999999999999999999",
            "{\"a\":[1, \"b\"]}",
            "\"AA==\"",
        ])
        .prop_map(str::to_owned),
        "\"[a-zé \\\\\"u0-9]{0,12}\"",
        "[\\[\\]{}:,\"0-9 a.e+-]{0,12}",
    ];
    (name, prop_oneof![8 => Just(":"), 1 => Just(" : "), 1 => Just("")], value)
        .prop_map(|(name, colon, value)| format!("\"{name}\"{colon}{value}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn both_readers_say_the_same_of_any_properties(
        start in prop::sample::select(vec![
            "", r#""type":"message","from":"group","group":"g""#, r#""type":"message","from":"server""#,
            r#""type":"ack""#, r#""type":"sendToGroup","group":"g""#, r#""type":"event","event":"e""#,
        ]),
        properties in prop::collection::vec(property(), 0..6),
        end in prop_oneof![8 => Just("}"), 1 => Just(""), 1 => Just("} "), 1 => Just("}x")],
    ) {
        let mut all: Vec<&str> = properties.iter().map(String::as_str).collect();
        if !start.is_empty() {
            all.insert(0, start);
        }
        agree(&format!("{{{}{end}", all.join(",")));
    }

    #[test]
    fn both_readers_say_the_same_of_any_text(text in ".*") {
        agree(&text);
    }

    #[test]
    fn both_readers_say_the_same_of_any_payload(value in "[\\[\\]{}:,\"0-9 a.e+\\-truefalsn\\\\é]{0,24}") {
        agree(&format!(r#"{{"type":"message","from":"server","data":{value}}}"#));
    }
}
