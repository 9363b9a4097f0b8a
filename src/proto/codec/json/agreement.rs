//! The scanner and serde read every text the same way, or the scanner leaves it to serde; and so does the reader that
//! remembers the message before, whatever that was.

use super::agree::{agree, agree_in_turn};
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
    let (mut taken, mut like) = (0, 0);
    for frame in FRAMES {
        let mut check = |text: &str| {
            taken += agree(text);
            like += agree_in_turn([frame, text]);
        };
        for at in 0..=frame.len() {
            if !frame.is_char_boundary(at) {
                continue;
            }
            let (before, after) = frame.split_at(at);
            let mut rest = after.chars();
            let replaced = rest.next().map(|_| rest.as_str());
            check(before);
            if let Some(rest) = replaced {
                check(&format!("{before}{rest}"));
            }
            for byte in BYTES {
                let byte = char::from(*byte);
                check(&format!("{before}{byte}{after}"));
                if let Some(rest) = replaced {
                    check(&format!("{before}{byte}{rest}"));
                }
            }
        }
    }
    assert!(taken > 1000, "{taken}");
    assert!(like > 1000, "{like}");
}

/// What is remembered of one says nothing of another.
#[test]
fn messages_are_read_the_same_way_whatever_came_before() {
    let like = FRAMES.iter().flat_map(|before| FRAMES.map(|frame| agree_in_turn([*before, frame])));
    // Seven are plain messages, each of which is like itself and no other.
    assert_eq!(like.sum::<usize>(), 7);
}

#[test]
fn messages_that_differ_in_id_and_payload_are_like_each_other() {
    let orders = [
        r#"{"sequenceId":ID,"type":"message","from":"group","group":"g","fromUserId":"a","dataType":"text","data":DATA}"#,
        r#"{"type":"message","from":"group","sequenceId":ID,"group":"g","dataType":"json","data":DATA,"fromUserId":"a"}"#,
        r#"{"sequenceId":ID,"dataType":"binary","data":DATA,"type":"message","from":"server"}"#,
        r#"{"type":"message","sequenceId":ID,"from":"server","data":DATA}"#,
        r#"{"type":"message","from":"group","group":"gruppe é","dataType":"text","data":DATA}"#,
    ];
    for order in orders {
        let frame = |id: &str, data: &str| order.replace("ID", id).replace("DATA", data);
        let payloads = ["\"a\"", "\"\"", "\"a longer one, é\"", "\"a\\n\\\"b\\\"\"", "\"}\""];
        let frames = ["1", "22", "9999999999999999999"].iter().flat_map(|id| payloads.map(|data| frame(id, data)));
        let frames: Vec<String> = frames.collect();
        assert_eq!(agree_in_turn(frames.iter().map(String::as_str)), frames.len() - 1, "{order}");
        for data in ["a", "\"a\u{1}\"", "\"a\",\"data\":\"b\"", "\"a", "\"a\\x\"", " \"a\""] {
            assert_eq!(agree_in_turn([frame("1", "\"a\"").as_str(), &frame("1", data)]), 0, "{order} {data}");
        }
    }
}

#[test]
fn messages_that_take_turns_are_like_those_that_are_remembered() {
    let message = |number: usize, groups: usize| {
        let group = number % groups;
        format!(r#"{{"sequenceId":{number},"type":"message","from":"group","group":"g{group}","data":{number}}}"#)
    };
    let in_turn = |groups: usize| {
        let texts: Vec<String> = (1..=200).map(|number| message(number, groups)).collect();
        agree_in_turn(texts.iter().map(String::as_str))
    };
    assert_eq!([in_turn(1), in_turn(2), in_turn(4)], [199, 198, 196]);
    // There are too many to remember.
    assert!(in_turn(50) < 20);
    // And when it is over, those that are left are remembered again.
    let texts: Vec<String> = (1..=200).map(|number| message(number, if number < 100 { 50 } else { 1 })).collect();
    assert!(agree_in_turn(texts.iter().map(String::as_str)) > 30);
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
    fn messages_in_any_turn_are_read_the_same_way(
        parts in prop::collection::vec(
            (
                prop::sample::select(vec!["\"sequenceId\":", "\"sequenceId\": ", "\"ackId\":"]),
                prop_oneof![any::<u64>().prop_map(|id| id.to_string()), "[0-9]{0,3}"],
                prop::sample::select(vec![
                    r#","type":"message","from":"group","group":"g","data":"#,
                    r#","type":"message","from":"group","group":"h","data":"#,
                    r#","type":"message","from":"server","dataType":"text","data":"#,
                ]),
                prop_oneof!["\"[a-z \\\\\"n]{0,20}\"", "[\\[\\]{}:,\"0-9 a]{0,8}", Just("{\"a\":1}".to_owned())],
                prop::sample::select(vec!["}", ",\"fromUserId\":\"a\"}", ",\"fromUserId\":\"b\"}", "} ", ""]),
            ),
            0..12,
        ),
    ) {
        let texts: Vec<String> =
            parts.into_iter().map(|(key, id, middle, data, end)| format!("{{{key}{id}{middle}{data}{end}")).collect();
        agree_in_turn(texts.iter().map(String::as_str));
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
