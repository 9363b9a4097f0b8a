//! What is received, in which form, and how it is printed.

use super::wire::{BINARY, TEXT, push_frame};

/// One way to receive.
#[derive(Clone, Debug)]
pub struct Case {
    /// For people, and to choose it by.
    pub name: String,
    /// The subprotocol.
    pub protocol: &'static str,
    /// The kind of the payload.
    pub data: Payload,
    /// How large it is, in bytes.
    pub size: usize,
    /// How many messages are poured.
    pub messages: u64,
    /// Arguments of `wps listen`.
    pub args: &'static [&'static str],
}

/// The kind of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Characters.
    Text,
    /// An object with a number `n` and a text.
    Json,
}

/// JSON with sequence ids.
pub const RELIABLE: &str = "json.reliable.webpubsub.azure.v1";
const JSON: &str = "json.webpubsub.azure.v1";
const PROTOBUF: &str = "protobuf.reliable.webpubsub.azure.v1";

impl Case {
    /// Text of 100 bytes in reliable JSON, printed like that.
    pub fn plain(name: &str, args: &'static [&'static str]) -> Self {
        Self { name: name.into(), protocol: RELIABLE, data: Payload::Text, size: 100, messages: 500_000, args }
    }

    /// The frame of the message with that number, from 1.
    pub fn push_message(&self, out: &mut Vec<u8>, number: u64) {
        if self.protocol == PROTOBUF {
            return push_frame(out, BINARY, &protobuf(number, &"x".repeat(self.size)), false);
        }
        let id = if self.protocol == JSON { String::new() } else { format!("\"sequenceId\":{number},") };
        let text = "x".repeat(self.size);
        let (kind, data) = match self.data {
            Payload::Text => ("text", format!("\"{text}\"")),
            Payload::Json => ("json", format!("{{\"n\":{},\"text\":\"{text}\"}}", number % 1000 + 10)),
        };
        let frame = format!(
            "{{{id}\"type\":\"message\",\"from\":\"group\",\"group\":\"g\",\"dataType\":\"{kind}\",\"data\":{data}}}"
        );
        push_frame(out, TEXT, frame.as_bytes(), false);
    }

    /// What greets the client.
    pub fn push_connected(&self, out: &mut Vec<u8>) {
        if self.protocol == PROTOBUF {
            // SystemMessage { connected: { connection_id: "c", user_id: "u", reconnection_token: "t" } }
            let connected = [&field(1, b"c")[..], &field(2, b"u"), &field(3, b"t")].concat();
            return push_frame(out, BINARY, &field(3, &field(1, &connected)), false);
        }
        let token = if self.protocol == JSON { "" } else { ",\"reconnectionToken\":\"t\"" };
        let frame =
            format!("{{\"type\":\"system\",\"event\":\"connected\",\"userId\":\"u\",\"connectionId\":\"c\"{token}}}");
        push_frame(out, TEXT, frame.as_bytes(), false);
    }

    /// The ack of its first operation.
    pub fn push_ack(&self, out: &mut Vec<u8>) {
        match self.protocol {
            // AckMessage { ack_id: 1, success: true }
            PROTOBUF => push_frame(out, BINARY, &field(1, &[0x08, 1, 0x10, 1]), false),
            _ => push_frame(out, TEXT, b"{\"type\":\"ack\",\"ackId\":1,\"success\":true}", false),
        }
    }
}

/// A field of bytes, below 16.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    push_varint(&mut out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// DataMessage { from: "group", group: "g", data: { text_data }, sequence_id }
fn protobuf(number: u64, text: &str) -> Vec<u8> {
    let mut message = [&field(1, b"group")[..], &field(2, b"g"), &field(3, &field(1, text.as_bytes()))].concat();
    message.push(4 << 3);
    push_varint(&mut message, number);
    field(2, &message)
}

/// All ways to receive that are measured.
pub fn receiving() -> Vec<Case> {
    let mut cases = vec![
        Case::plain("receive ndjson", &["-o", "ndjson"]),
        Case::plain("receive data", &["-o", "data"]),
        Case::plain("receive text", &["-o", "text"]),
        Case::plain("receive raw", &["-o", "raw"]),
        Case { data: Payload::Json, size: 80, ..Case::plain("receive jq", &["-o", "ndjson", "--jq", ".data.n"]) },
        Case {
            data: Payload::Json,
            size: 80,
            ..Case::plain("receive until", &["-o", "ndjson", "--until", ".data.n == 3"])
        },
        Case { protocol: JSON, ..Case::plain("receive ndjson not reliable", &["-o", "ndjson"]) },
        Case { protocol: PROTOBUF, ..Case::plain("receive ndjson protobuf", &["-o", "ndjson"]) },
    ];
    for (size, messages) in [(50, 500_000), (1024, 300_000), (64 * 1024, 10_000), (1024 * 1024, 500)] {
        let name = format!("receive ndjson {size} bytes");
        cases.push(Case { size, messages, ..Case::plain(&name, &["-o", "ndjson"]) });
    }
    cases
}
