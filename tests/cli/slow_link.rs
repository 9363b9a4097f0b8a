//! Messages that take longer on their way than a silent service is borne with.

use serde_json::Value;

use crate::support::emulator::Emulator;
use crate::support::{kinds, narrow, wps};

/// Some six seconds on the narrow way.
const LARGE: usize = 600_000;

/// Gives a silent service up after a third of that.
const IMPATIENT: [&str; 4] = ["--ping-interval", "500ms", "--ping-timeout", "2s"];

/// Through the narrow way to an emulator; the audience of its tokens has to be named.
fn through(port: u16) -> [String; 2] {
    let key = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
    let connection_string = format!("Endpoint=http://localhost:{port};AccessKey={key};Version=1.0;");
    ["--connection-string".to_owned(), connection_string]
}

/// The records and the text of the one message.
fn received(records: &[Value]) -> &str {
    assert!(records.iter().all(|record| record["type"] != "recovering"), "{:?}", kinds(records));
    records.iter().find(|record| record["type"] == "group-message").unwrap()["data"].as_str().unwrap()
}

#[test]
fn a_large_message_is_received() {
    let emulator = Emulator::with(&[]);
    let text = "x".repeat(LARGE);
    let mut listener = wps(["listen", "-o", "ndjson", "-g", "g", "--count", "1", "--hub", "hub1"])
        .args(through(narrow::start(emulator.port)))
        .args(IMPATIENT)
        .start();
    listener.skip_to("joined");
    let ended = wps(["send", "--user", "sender", &emulator.local(), "g", "-"]).stdin(text.as_str()).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(received(&ended.records()) == text);
}

#[test]
fn a_large_message_is_sent_once() {
    let emulator = Emulator::with(&[]);
    let text = "x".repeat(LARGE);
    let listener = emulator.listen(&["--count", "1"]);
    let ended = wps(["send", "-o", "ndjson", "--hub", "hub1", "--ack-timeout", "3s"])
        .args(through(narrow::start(emulator.port)))
        .args(IMPATIENT)
        .args(["g", "-"])
        .stdin(text.as_str())
        .run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    let ack = records.iter().find(|record| record["type"] == "ack").unwrap();
    assert_eq!(ack["attempts"], 1, "{}", ended.stderr);
    assert!(kinds(&records).iter().all(|kind| *kind != "recovering"), "{}", ended.stderr);
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(received(&ended.records()) == text);
}
