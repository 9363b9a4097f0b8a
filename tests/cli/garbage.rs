//! A service that says what it should not: nothing crashes, nothing is lost, everything is shown and acknowledged.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::service::message;
use crate::support::{Ended, FromClient, PATIENCE, Peer, Running, Service, kinds, wps};

fn listener(service: &Service, more: &[&str]) -> (Running, Peer) {
    let mut wps = wps(["listen", "-o", "ndjson", "--url", &service.url()]).args(more).start();
    let peer = service.connect();
    wps.expect("connected");
    (wps, peer)
}

/// Sends a last message; that it arrives shows that what came before did no harm.
fn finish(wps: Running, mut peer: Peer, sequence_id: u64) -> Ended {
    peer.say(sequence_id, "last");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("defect"), "{}", ended.stderr);
    ended
}

/// The record of one frame that came before a last message.
fn record_of(frame: &str, sequenced: bool) -> (Value, String) {
    let service = Service::start();
    let (wps, mut peer) = listener(&service, &["--count", "1"]);
    peer.send_text(frame);
    if sequenced {
        // It is acknowledged although it was not understood: the service would keep it for ever.
        peer.attend_ack(1);
    }
    let ended = finish(wps, peer, if sequenced { 2 } else { 1 });
    let records = ended.records();
    let rest: Vec<&str> = kinds(&records)[2..].to_vec();
    assert_eq!(rest, ["group-message", "stopped"], "one record for {frame}: {}", ended.text());
    (records[1].clone(), ended.stderr)
}

#[test]
fn what_is_not_json_is_shown_as_text() {
    let (record, stderr) = record_of("{\"type\":", false);
    assert_eq!(record["type"], "unknown-frame");
    assert!(record["reason"].as_str().unwrap().contains("not JSON"), "{record}");
    assert_eq!(record["frameBase64"], "eyJ0eXBlIjo=", "{record}");
    assert!(stderr.contains("warning: a frame was not understood"), "{stderr}");
}

#[test]
fn frames_newer_than_this_program_are_passed_through() {
    for (frame, sequenced, reason) in [
        (r#"{"type":"news","sequenceId":1,"items":[1.0,2]}"#, true, "unknown type `news`"),
        (r#"{"type":"message","from":"moon","dataType":"text","data":"x","sequenceId":1}"#, true, "unknown `from`"),
        (
            r#"{"type":"message","from":"server","dataType":"cbor","data":"x","sequenceId":1}"#,
            true,
            "unknown `dataType`",
        ),
        (r#"{"type":"system","event":"reloading","when":5}"#, false, "reloading"),
        (r#"{"type":7,"sequenceId":1}"#, true, "unexpected shape"),
        (r#"[1,2]"#, false, "array"),
        ("null", false, ""),
        ("{}", false, ""),
    ] {
        let (record, stderr) = record_of(frame, sequenced);
        assert_eq!(record["type"], "unknown-frame", "{frame}");
        assert_eq!(record["frame"], serde_json::from_str::<Value>(frame).unwrap(), "{frame}");
        assert!(record["reason"].as_str().unwrap().contains(reason), "{frame}: {record}");
        assert!(stderr.contains("warning: a frame was not understood"), "{stderr}");
    }
}

#[test]
fn null_is_data_too() {
    for frame in [
        r#"{"type":"message","from":"server","dataType":"json","data":null,"sequenceId":1}"#,
        r#"{"type":"message","from":"server","dataType":"json","sequenceId":1}"#,
    ] {
        let service = Service::start();
        let (wps, mut peer) = listener(&service, &["--count", "2"]);
        peer.send_text(frame);
        let records = finish(wps, peer, 2).records();
        assert_eq!(records[1]["type"], "server-message");
        assert_eq!(records[1].as_object().unwrap().get("data"), Some(&Value::Null), "{}", records[1]);
    }
}

#[test]
fn a_binary_frame_is_shown_in_base64() {
    let service = Service::start();
    let (wps, mut peer) = listener(&service, &["--count", "1"]);
    peer.send_raw(&[0x82, 3, 0, 0xff, b'x']);
    let ended = finish(wps, peer, 1);
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "unknown-frame", "group-message", "stopped"]);
    assert_eq!(records[1]["frameBase64"], "AP94");
    assert!(records[1]["reason"].as_str().unwrap().contains("binary"));
}

#[test]
fn stray_frames_of_the_protocol_do_no_harm() {
    let service = Service::start();
    let (wps, mut peer) = listener(&service, &["--count", "1"]);
    for frame in [
        r#"{"type":"pong"}"#,
        r#"{"type":"ack","ackId":99,"success":true}"#,
        r#"{"type":"ack","ackId":18446744073709551615,"success":false,"error":{"name":"Forbidden"}}"#,
        r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"reconnect-1"}"#,
    ] {
        peer.send_text(frame);
    }
    let ended = finish(wps, peer, 1);
    assert_eq!(kinds(&ended.records()), ["connected", "group-message", "stopped"]);
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_message_before_connected_is_shown_and_the_connection_is_made() {
    let service = Service::start();
    let wps = wps(["listen", "-o", "ndjson", "--count", "1", "--url", &service.url()]).start();
    let mut peer = service.request().upgrade();
    peer.send_text(r#"{"type":"news"}"#);
    peer.greet("c1", "reconnect-1");
    let ended = finish(wps, peer, 1);
    assert_eq!(kinds(&ended.records()), ["unknown-frame", "connected", "group-message", "stopped"]);
}

#[test]
fn repeated_messages_are_shown_once_and_missing_ones_are_said_to_be() {
    let service = Service::start();
    let (wps, mut peer) = listener(&service, &["--count", "4"]);
    for (id, text) in [(1, "a"), (2, "b"), (1, "a"), (2, "b"), (5, "e"), (4, "d"), (5, "e")] {
        peer.say(id, text);
    }
    let ended = finish(wps, peer, 6);
    let records = ended.records();
    assert_eq!(
        kinds(&records)[1..],
        ["group-message", "group-message", "sequence-gap", "group-message", "group-message", "stopped"]
    );
    let gap = &records[3];
    assert_eq!((&gap["expected"], &gap["sequenceId"], &gap["missing"]), (&json!(3), &json!(5), &json!(2)), "{gap}");
    ended.assert_stderr(&["warning: 2 messages are missing"]);
}

#[test]
fn text_that_is_not_utf8_ends_the_connection_with_1007_and_a_fresh_one_is_made() {
    let service = Service::start();
    let (wps, mut peer) = listener(&service, &["--count", "2", "--reconnect-delay", "20ms", "-g", "g"]);
    peer.grant_join("g");
    peer.say(1, "first");
    peer.send_raw(&[0x81, 4, b'{', 0xff, 0xfe, b'}']);
    assert_eq!(peer.attend(Instant::now() + Duration::from_secs(5)), FromClient::Close(1007));
    drop(peer);

    // Not a recovery, which would bring the same frame again.
    let mut peer = service.connect();
    peer.grant_join("g");
    let ended = finish(wps, peer, 1);
    assert_eq!(
        kinds(&ended.records()),
        [
            "connected",
            "ack",
            "joined",
            "group-message",
            "session-lost",
            "disconnected",
            "reconnecting",
            "connected",
            "joined",
            "group-message",
            "stopped"
        ]
    );
    ended.assert_stderr(&["messages may be missing", "not UTF-8"]);
}

/// Bytes that are no frames a server sends. Who has to put up with them is mostly not the service's doing.
const BROKEN: [&[u8]; 9] = [
    // A reserved opcode; a masked frame; a continuation of nothing; a bit of an extension.
    &[0x83, 0],
    &[0x81, 0x81, 1, 2, 3, 4, b'x'],
    &[0x80, 1, b'x'],
    &[0xC1, 1, b'x'],
    // A message within another; a length not in its shortest form.
    &[0x01, 1, b'x', 0x81, 1, b'x'],
    &[0x81, 126, 0, 1, b'x'],
    // Close frames: one in pieces, one of 126 bytes, of which the rest does not even come.
    &[0x08, 2, 3, 0xE8],
    &[0x88, 126, 0, 126],
    // More than any message has.
    &[0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0],
];

#[test]
fn broken_framing_is_no_reason_to_lose_what_is_due() {
    for bytes in BROKEN {
        let code = if bytes[1] == 127 { 1009 } else { 1002 };
        let service = Service::start();
        let (wps, mut peer) = listener(&service, &["--count", "2"]);
        peer.send_raw(bytes);
        assert_eq!(peer.attend(Instant::now() + PATIENCE), FromClient::Close(code), "{bytes:?}");
        drop(peer);
        let mut peer = service.recovery();
        peer.say(1, "was due");
        let ended = finish(wps, peer, 2);
        let expected = ["connected", "recovering", "recovered", "group-message", "group-message", "stopped"];
        assert_eq!(kinds(&ended.records()), expected, "{bytes:?}");
    }
}

#[test]
fn framing_that_is_broken_again_in_what_is_replayed_leads_to_a_fresh_connection() {
    for proved in [true, false] {
        let service = Service::start();
        let (wps, mut peer) = listener(&service, &["--count", "1", "--reconnect-delay", "20ms"]);
        peer.send_raw(BROKEN[0]);
        peer.attend(Instant::now() + PATIENCE);
        drop(peer);
        let mut peer = service.recovery();
        if proved {
            peer.send_text(r#"{"type":"pong"}"#);
        }
        peer.send_raw(BROKEN[0]);
        assert_eq!(peer.attend(Instant::now() + PATIENCE), FromClient::Close(1002));
        drop(peer);
        let ended = finish(wps, service.connect(), 1);
        let recovered = if proved { &["recovered"][..] } else { &[] };
        let expected = [
            &["connected", "recovering"],
            recovered,
            &["session-lost", "disconnected", "reconnecting", "connected", "group-message", "stopped"],
        ]
        .concat();
        assert_eq!(kinds(&ended.records()), expected);
        ended.assert_stderr(&["messages may be missing", "broke the WebSocket protocol"]);
    }
}

#[test]
fn a_message_of_a_mebibyte_arrives_whole() {
    let service = Service::start();
    let (mut wps, mut peer) = listener(&service, &["--count", "2"]);
    let text = "ü".repeat(512 * 1024);
    peer.say(1, &text);
    assert_eq!(wps.expect("group-message")["data"], text.as_str());
    // That much is acknowledged at once, not by the clock.
    let sent = Instant::now();
    peer.attend_ack(1);
    assert!(sent.elapsed() < Duration::from_millis(400), "{:?}", sent.elapsed());
    finish(wps, peer, 2);
}

#[test]
fn a_message_in_fragments_is_one_message() {
    let service = Service::start();
    let (mut wps, mut peer) = listener(&service, &["--count", "2"]);
    let frame = message(1, "in fragments").to_string();
    let (first, rest) = frame.as_bytes().split_at(10);
    let (second, third) = rest.split_at(20);
    for (opcode, part) in [(0x01, first), (0x00, second), (0x89, b"ping".as_slice()), (0x80, third)] {
        let mut bytes = vec![opcode, u8::try_from(part.len()).unwrap()];
        bytes.extend_from_slice(part);
        peer.send_raw(&bytes);
    }
    assert_eq!(wps.expect("group-message")["data"], "in fragments");
    finish(wps, peer, 2);
}

#[test]
fn a_burst_of_5000_arrives_whole_and_is_acknowledged_on_the_way() {
    let service = Service::start();
    let (mut wps, mut peer) = listener(&service, &["--count", "5001"]);
    // The service gives a client up that is 1000 messages behind: so it waits for acknowledgements.
    for id in 1..=5000 {
        peer.say(id, &format!("message {id}"));
        if id >= peer.acknowledged + 1000 {
            peer.attend_ack(id - 500);
        }
    }
    for id in 1..=5000 {
        let record = wps.expect("group-message");
        assert_eq!((&record["sequenceId"], &record["data"]), (&json!(id), &json!(format!("message {id}"))));
    }
    peer.attend_ack(5000);
    finish(wps, peer, 5001);
}

#[test]
fn a_burst_in_one_write_is_acknowledged_by_amount() {
    let service = Service::start();
    let (wps, mut peer) = listener(&service, &["--count", "5001"]);
    for id in 1..=5000 {
        peer.say(id, "x");
    }
    let sent = Instant::now();
    let mut acks = 0;
    while peer.acknowledged < 4900 {
        match peer.next() {
            FromClient::Frame(frame) if frame["type"] == "sequenceAck" => acks += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(acks >= 5, "acknowledged {acks} times: a service would have given it up");
    assert!(sent.elapsed() < Duration::from_secs(3), "{:?}", sent.elapsed());
    assert_eq!(finish(wps, peer, 5001).records().len(), 5003);
}

#[test]
fn digits_and_the_order_of_keys_pass_unchanged() {
    let data = r#"{"z":1.0,"a":[1E+2,123456789012345678901234567890,-0.0],"\u0000":"\ud83c\udf0d"}"#;
    let service = Service::start();
    let (mut wps, mut peer) = listener(&service, &["--count", "2"]);
    peer.send_text(&format!(
        r#"{{"type":"message","from":"server","dataType":"json","data": {data} ,"sequenceId":1}}"#
    ));
    let line = wps.line();
    assert!(line.contains(&format!("\"data\":{data}")), "{line}");
    finish(wps, peer, 2);
}

#[test]
fn operations_survive_garbage_as_well() {
    let service = Service::start();
    let wps = wps(["send", "g", "hello", "--url", &service.url()]).start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.send_text("garbage");
    peer.send_text(r#"{"type":"ack","ackId":1}"#);
    peer.send_text(r#"{"type":"ack","success":true}"#);
    peer.send_raw(&[0x82, 0]);
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, ""));
    assert_eq!(ended.stderr.matches("warning: a frame was not understood").count(), 4, "{}", ended.stderr);
}

#[test]
fn data_of_any_depth_passes() {
    let data = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    for format in ["ndjson", "text", "data", "raw"] {
        let service = Service::start();
        let wps = wps(["listen", "--url", &service.url(), "--count", "1", "-o", format]).start();
        let mut peer = service.connect();
        peer.send_text(&format!(
            r#"{{"type":"message","from":"server","dataType":"json","data":{data},"sequenceId":1}}"#
        ));
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 0, "{format}: {}", ended.stderr);
        assert!(ended.text().contains(&data), "{format}");
    }
}

#[test]
fn half_a_surrogate_pair_is_no_reason_to_stop() {
    for format in ["ndjson", "text", "data", "raw"] {
        let service = Service::start();
        let wps = wps(["listen", "--url", &service.url(), "--count", "2", "-o", format]).start();
        let mut peer = service.connect();
        peer.send_text(r#"{"type":"message","from":"server","dataType":"text","data":"a\ud800b","sequenceId":1}"#);
        peer.say(2, "last");
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 0, "{format}: {}", ended.stderr);
        assert!(ended.text().contains("last"), "{format}: {}", ended.text());
        let first = ended.text().lines().find(|line| line.contains('a') && line.contains('b')).is_some();
        assert!(first, "{format}: {}", ended.text());
    }
}
