//! The protobuf subprotocols (PROTOCOL §10), client and emulator: whatever works over JSON works over them, and clients of
//! both families meet.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::{kinds, wps};

const PROTOCOLS: [&str; 4] = ["json-reliable", "json", "protobuf-reliable", "protobuf"];

/// `t/X` with the value 0801, as PROTOCOL §18 has it.
const ANY: &str = "CgN0L1gSAggB";

#[test]
fn clients_of_both_families_meet_in_a_group() {
    let emulator = Emulator::with(&[]);
    let listeners: Vec<_> =
        PROTOCOLS.map(|protocol| emulator.listen(&["--protocol", protocol, "--count", "7"])).into_iter().collect();
    for (protocol, families) in [("json-reliable", &["json"][..]), ("protobuf-reliable", &["json", "protobuf"])] {
        let send = |data: &str, more: &[&str]| {
            let ended = emulator.send(data, &[&["--protocol", protocol], more].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
        };
        send("a\"é\n", &[]);
        send("[1.000000000000000000001]", &["-t", "json"]);
        send("AP8=", &["-t", "binary", "--encoding", "base64"]);
        if families.contains(&"protobuf") {
            send(ANY, &["-t", "protobuf", "--encoding", "base64"]);
        }
    }
    let message = |data_type: &str, data: Value| json!({ "dataType": data_type, "data": data });
    let three = [
        message("text", json!("a\"é\n")),
        message("json", serde_json::from_str("[1.000000000000000000001]").unwrap()),
        message("binary", json!("AP8=")),
    ];
    let expected = [&three[..], &three[..], &[message("protobuf", json!(ANY))]].concat();
    for (listener, protocol) in listeners.into_iter().zip(PROTOCOLS) {
        let ended = listener.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let reliable = protocol.ends_with("reliable");
        // The sender's user id does not reach protobuf clients (PROTOCOL §10.2).
        let user = if protocol.starts_with("json") { json!("sender") } else { Value::Null };
        let mut messages = Vec::new();
        for (number, record) in ended.records().iter().filter(|record| record["type"] == "group-message").enumerate() {
            assert_eq!(record["fromUserId"], user, "{protocol}");
            let id = if reliable { json!(number + 1) } else { Value::Null };
            assert_eq!((&record["group"], &record["sequenceId"]), (&json!("g"), &id), "{protocol}");
            messages.push(message(record["dataType"].as_str().unwrap(), record["data"].clone()));
        }
        assert_eq!(messages, expected, "{protocol}");
        assert!(ended.text().contains("1.000000000000000000001"), "{protocol}");
    }
}

#[test]
fn events_are_answered_in_the_kind_that_they_came_in() {
    let emulator = Emulator::with(&[]);
    for (data, data_type, expected) in
        [("x", "text", json!("x")), ("{\"a\":1}", "json", json!({ "a": 1 })), (ANY, "protobuf", json!(ANY))]
    {
        let args = ["event", "-o", "ndjson", "--protocol", "protobuf-reliable", "--wait-reply", "-t", data_type];
        let encoding: &[&str] = if data_type == "protobuf" { &["--encoding", "base64"] } else { &[] };
        let ended = wps(args).args(encoding).args([&emulator.local(), "vote", data]).run();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let records = ended.records();
        let answer = records.iter().find(|record| record["type"] == "server-message").unwrap();
        assert_eq!((&answer["dataType"], &answer["data"]), (&json!(data_type), &expected));
    }
}

#[test]
fn a_connection_is_recovered_and_lines_arrive_once() {
    let emulator = Emulator::with(&["drop=reset,frames=150,user=sender", "drop=eof,frames=120,user=listener,times=2"]);
    let listener = emulator.listen(&["--protocol", "protobuf-reliable", "--count", "500", "--ping-interval", "1s"]);
    let lines: String = (0..500).map(|number| format!("{number}\n")).collect();
    let sender =
        wps(["send", "--protocol", "protobuf-reliable", "--user", "sender", "--lines", &emulator.local(), "g"])
            .stdin(lines)
            .run();
    assert_eq!(sender.code, 0, "{}", sender.stderr);
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    let mut numbers: Vec<u32> = records
        .iter()
        .filter(|record| record["type"] == "group-message")
        .map(|record| record["data"].as_str().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    assert!(kinds(&records).contains(&"recovered") && !kinds(&records).contains(&"session-lost"));
}

#[test]
fn a_connection_outlives_its_process() {
    let emulator = Emulator::with(&[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session");
    let run = |count: &str| {
        wps(["listen", "-o", "ndjson", "-g", "g", "--protocol", "protobuf-reliable", "--count", count])
            .arg(emulator.local())
            .arg("--session")
            .arg(&file)
            .start()
    };
    let mut first = run("1");
    first.skip_to("joined");
    for text in ["a", "b", "c"] {
        assert_eq!(emulator.send(text, &[]).code, 0);
    }
    let first = first.end();
    assert_eq!(first.code, 0, "{}", first.stderr);
    let second = run("2").end();
    assert_eq!(second.code, 0, "{}", second.stderr);
    let data: Vec<Value> =
        second.records().iter().map(|record| record["data"].clone()).filter(|it| !it.is_null()).collect();
    assert_eq!(data, ["b", "c"]);
    // Another subprotocol is another connection.
    let other = wps(["listen", "--protocol", "json-reliable", &emulator.local(), "--session"]).arg(&file).run();
    other.assert_failed(3, &["protobuf.reliable.webpubsub.azure.v1"]);
}

/// The frame of a line of base64, or of a recording.
fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

#[test]
fn binary_frames_are_printed_and_recorded_as_base64_without_the_token() {
    let emulator = Emulator::with(&[]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recording");
    let mut listener =
        wps(["listen", "-o", "raw", "-vv", "-g", "g", "--count", "1", "--protocol", "protobuf-reliable"])
            .args([&emulator.local(), "--record"])
            .arg(&path)
            .start();
    let connected = bytes(&listener.line());
    let text = String::from_utf8_lossy(&connected).into_owned();
    assert!(text.contains("[redacted]"), "{text}");
    // The ack of the join.
    assert_eq!(bytes(&listener.line()), [0x0a, 4, 8, 1, 0x10, 1]);
    assert_eq!(emulator.send("hi", &["--protocol", "protobuf"]).code, 0);
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let last = ended.text().lines().last().map(bytes).unwrap();
    assert_eq!(last, b"\x12\x12\x0a\x05group\x12\x01g\x1a\x04\x0a\x02hi\x20\x01");
    // The log shows frames as the JSON that they would be.
    ended.assert_stderr(&[
        r#""reconnectionToken":"[redacted]""#,
        r#"{"type":"joinGroup","group":"g","ackId":1}"#,
        r#"{"type":"ack","ackId":1,"success":true}"#,
        r#""group":"g","dataType":"text","data":"hi"}"#,
    ]);

    let recording = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["protocol"], "protobuf.reliable.webpubsub.azure.v1");
    let frames: Vec<Vec<u8>> = lines.iter().filter_map(|line| line["frameBase64"].as_str()).map(bytes).collect();
    assert_eq!((&frames[0], frames.contains(&last)), (&connected, true), "{recording}");

    // What was recorded of one family is replayed over either.
    for protocol in PROTOCOLS {
        let listener = emulator.listen(&["--count", "1"]);
        let replay = wps(["replay", "--received", "--protocol", protocol, &emulator.local()]).arg(&path).run();
        assert_eq!(replay.code, 0, "{}", replay.stderr);
        assert!(listener.end().text().contains(r#""dataType":"text","data":"hi""#), "{protocol}");
    }
}

#[test]
fn what_is_not_understood_is_shown_and_counted() {
    let faults = ["unknown-type", "binary", "text"].map(|kind| format!("garbage={kind},op=ping,user=listener,times=1"));
    let emulator = Emulator::with(&faults.each_ref().map(String::as_str));
    let listener = emulator.listen(&[
        "--protocol",
        "protobuf-reliable",
        "--count",
        "1",
        "--ping-interval",
        "100ms",
        "--ping-timeout",
        "30s",
    ]);
    let mut listener = listener;
    let reasons: Vec<String> =
        (0..3).map(|_| listener.skip_to("unknown-frame")["reason"].as_str().unwrap().to_owned()).collect();
    for words in ["a frame of an unknown kind", "not protobuf: ", "a text frame on a protobuf subprotocol"] {
        assert!(reasons.iter().any(|reason| reason.contains(words)), "{words}: {reasons:?}");
    }
    assert_eq!(emulator.send("still there", &[]).code, 0);
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.text().contains("still there"));
}

#[test]
fn what_does_not_go_over_a_subprotocol_is_said_before_connecting() {
    let json = wps(["send", "--local", "g", ANY, "-t", "protobuf", "--encoding", "base64"]).run();
    json.assert_failed(2, &["`--type protobuf` needs a protobuf subprotocol", "`--protocol protobuf-reliable`"]);
    let other =
        wps(["send", "--local", "--protocol", "protobuf", "g", "/w==", "-t", "protobuf", "--encoding", "base64"]).run();
    other.assert_failed(11, &["the data is no `google.protobuf.Any`"]);
    let kept = wps(["listen", "--local", "--protocol", "protobuf", "--session", "s"]).run();
    kept.assert_failed(2, &["`--session` needs a subprotocol with recovery", "`--protocol protobuf-reliable` has it"]);
    // Text is not escaped there, so that more of it fits.
    let emulator = Emulator::with(&[]);
    let large = "\"".repeat(1024 * 1024 - 64);
    for (protocol, code) in [("json", 11), ("protobuf", 0)] {
        let args = ["send", "--protocol", protocol, &emulator.local(), "g", "-"];
        assert_eq!(wps(args).stdin(large.clone()).run().code, code, "{protocol}");
    }
    let too_large = "x".repeat(1024 * 1024 - 8);
    let ended = wps(["send", "--protocol", "protobuf", &emulator.local(), "g", "-"]).stdin(too_large).run();
    ended.assert_failed(11, &["the data is too large: "]);
}
