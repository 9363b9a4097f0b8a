//! Everything that passes the emulator as NDJSON records, for whoever wants to see it: a log file, a page.
//!
//! Each record has `type` and `time` (RFC 3339, UTC, milliseconds). `opened`, `received`, `sent` and `ended` have
//! `socket`, the number of the WebSocket, and `hub`; `connectionId` once there is a connection; `refused` is a handshake
//! that became none, `request` one of the application, over REST, or a change by the control endpoint; `handler` is a
//! question to an event handler with its status and `elapsedMs`; `fault` is something that the emulator did wrong on
//! request. Frames stand in `frame` (a frame of JSON as it is), `text` or `frameBase64`; those of a protobuf
//! subprotocol in `frameBase64`, and in `frame` as the JSON that they would be. Reconnection tokens are redacted, and so is what looks like a token in the reason of a close; what users send is as they sent it.

mod pending;
pub(crate) mod records;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::pending::Pending;
pub(crate) use self::records::FrameOwner;
pub use self::records::{Asked, Opened, Place};
use crate::livetrace::LiveTrace;
use webpubsub_net::clock;
use webpubsub_net::secret::{redact, redact_binary, redact_frame};
use webpubsub_proto::hub::ClientKind;
use webpubsub_proto::{Codec, EncodedFrame, WireFrame};

/// Takes records, each a line of JSON with its newline. Everything that passes may wait for it: it must not.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Whether anybody looks just now; nothing is formatted otherwise.
    fn wants(&self) -> bool;

    /// Takes a record.
    fn record(&self, line: &[u8]);
}

/// All observers of a server.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    observers: Vec<Arc<dyn Observer>>,
    live: Arc<LiveTrace>,
    pending: Arc<Pending<Passed>>,
}

/// Something that has passed.
#[derive(Debug)]
enum Passed {
    /// The record is made: there are few of these.
    Record(Vec<u8>),
    /// A frame came.
    Received { time: SystemTime, owner: FrameOwner, frame: EncodedFrame, codec: Option<Codec> },
    /// A frame went out.
    Sent { time: SystemTime, owner: FrameOwner, frame: EncodedFrame, codec: Option<Codec> },
}

#[derive(Serialize)]
struct Record<'a, F: Serialize> {
    r#type: &'a str,
    time: String,
    #[serde(flatten)]
    place: Option<Place<'a>>,
    #[serde(flatten)]
    fields: F,
}

/// A binary frame; of a protobuf subprotocol, with the JSON that it would be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Binary<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<&'a RawValue>,
    frame_base64: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Payload<'a> {
    Frame(&'a RawValue),
    Text(Cow<'a, str>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    how: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_reason: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Refused<'a> {
    status: u16,
    message: Cow<'a, str>,
}

#[derive(Serialize)]
struct Happened<'a> {
    note: &'a str,
}

#[derive(Serialize)]
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
}

impl Traffic {
    /// One more looks on.
    pub fn add(&mut self, observer: Arc<dyn Observer>) {
        self.observers.push(observer);
    }

    /// Whether anybody looks on just now.
    pub fn is_watched(&self) -> bool {
        self.observers.iter().any(|observer| observer.wants())
    }

    /// The live trace, which is told the same and more, in words of its own.
    pub(crate) fn live(&self) -> &Arc<LiveTrace> {
        &self.live
    }

    /// A WebSocket was upgraded.
    pub fn opened(&self, place: Place<'_>, opened: &Opened<'_>) {
        if let Some(protocol) = &opened.protocol {
            self.live.started(place, opened.user_id, protocol);
        }
        self.record("opened", Some(place), opened);
    }

    /// A frame came.
    pub(crate) fn received(&self, time: SystemTime, owner: FrameOwner, frame: WireFrame<'_>, codec: Option<Codec>) {
        if self.is_watched() {
            let frame = EncodedFrame::from(frame);
            let cost = frame.cost();
            self.pending.push(Passed::Received { time, owner, frame, codec }, cost);
        }
    }

    /// A frame goes out.
    pub(crate) fn sent(&self, time: SystemTime, owner: FrameOwner, frame: &EncodedFrame, codec: Option<Codec>) {
        if self.is_watched() {
            let frame = frame.clone();
            let cost = frame.cost();
            self.pending.push(Passed::Sent { time, owner, frame, codec }, cost);
        }
    }

    /// Shows everything that has passed, in its order. Not to be called under a lock that others wait for.
    pub(crate) fn show(&self) {
        let mut shower = Shower::default();
        self.pending.show(|passed| self.show_one(&mut shower, passed));
    }

    /// The same, and returns when all of it is shown, whoever shows it.
    pub(crate) fn finish(&self) {
        let mut shower = Shower::default();
        self.pending.finish(|passed| self.show_one(&mut shower, passed));
    }

    fn show_one(&self, shower: &mut Shower, passed: Passed) {
        let line = shower.line(passed);
        for observer in self.observers.iter().filter(|observer| observer.wants()) {
            observer.record(line);
        }
    }

    /// A WebSocket has ended: `how` says it in words, `close` the close frame that went out.
    pub fn ended(&self, place: Place<'_>, how: &str, close: Option<(u16, &str)>) {
        let close_reason = close.map(|(_, reason)| redact(reason)).filter(|reason| !reason.is_empty());
        self.record("ended", Some(place), Ended { how, close_code: close.map(|(code, _)| code), close_reason });
    }

    /// A request for a WebSocket was refused.
    pub fn refused(&self, status: u16, message: &str) {
        self.live.refused(status, message);
        self.record("refused", None, Refused { status, message: redact(message) });
        self.show();
    }

    /// A fault has happened; `note` says which, and where. To be shown by whoever says so, who may hold a lock.
    pub fn fault(&self, note: &str) {
        self.live.fault(note);
        self.record("fault", None, Happened { note });
    }

    /// A request of the application was answered.
    pub fn request(&self, method: &str, path: &str, status: u16, note: Option<&str>) {
        self.live.request_processed(method, path, status, note);
        self.record("request", None, Request { method, path, status, note: note.map(redact) });
        self.show();
    }

    /// An event handler was asked.
    pub fn asked(&self, asked: &Asked<'_>) {
        self.live.asked(asked);
        self.record("handler", None, asked);
        self.show();
    }

    fn record<F: Serialize>(&self, kind: &str, place: Option<Place<'_>>, fields: F) {
        if !self.is_watched() {
            return;
        }
        let mut line = Vec::with_capacity(256);
        write_record(&mut line, kind, SystemTime::now(), place, fields);
        let cost = line.len();
        self.pending.push(Passed::Record(line), cost);
    }
}

fn write_record<F: Serialize>(line: &mut Vec<u8>, kind: &str, time: SystemTime, place: Option<Place<'_>>, fields: F) {
    let time = clock::millis(time);
    // Serialising plain structs into memory cannot fail.
    let _ = serde_json::to_writer(&mut *line, &Record { r#type: kind, time, place, fields });
    line.push(b'\n');
}

/// Makes records. What is shown of a frame that goes to many is made once: they share its bytes.
#[derive(Debug, Default)]
struct Shower {
    /// The last frame that was sent, and its fields in a record.
    last: Option<(EncodedFrame, Vec<u8>)>,
    /// The last time, as it is written.
    time: Option<(SystemTime, String)>,
    line: Vec<u8>,
}

/// What stands in a record before what is the same for all receivers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    r#type: &'a str,
    time: &'a str,
    socket: u64,
    hub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<&'a str>,
}

impl Shower {
    /// The record of something that has passed.
    fn line(&mut self, passed: Passed) -> &[u8] {
        self.line.clear();
        match passed {
            Passed::Record(line) => self.line = line,
            Passed::Received { time, owner, frame, codec } => {
                let (line, place) = (&mut self.line, Some(owner.place()));
                match frame.as_wire() {
                    WireFrame::Text(text) => write_record(line, "received", time, place, text_payload(text.into())),
                    WireFrame::Binary(bytes) => {
                        let meant = codec.and_then(|codec| codec.upstream_in_json(frame.as_wire()));
                        write_record(line, "received", time, place, Binary::new(bytes, meant.as_deref()));
                    }
                }
            }
            Passed::Sent { time, owner, frame, codec } => self.sent(time, owner.place(), frame, codec),
        }
        &self.line
    }

    fn sent(&mut self, time: SystemTime, place: Place<'_>, frame: EncodedFrame, codec: Option<Codec>) {
        let time = match self.time.take() {
            Some((last, words)) if last == time => (last, words),
            _ => (time, clock::millis(time)),
        };
        let Place { socket, hub, connection_id } = place;
        let head = Head { r#type: "sent", time: &time.1, socket, hub, connection_id };
        // Serialising plain structs into memory cannot fail.
        let _ = serde_json::to_writer(&mut self.line, &head);
        self.time = Some(time);
        // Both are objects, of which one goes on with the fields of the other.
        self.line.pop();
        self.line.push(b',');
        let fields = match self.last.take().filter(|(last, _)| last.is_same(&frame)) {
            Some((_, fields)) => fields,
            None => fields_of(&frame, codec),
        };
        self.line.extend_from_slice(fields.get(1..).unwrap_or_default());
        self.line.push(b'\n');
        self.last = Some((frame, fields));
    }
}

/// The fields of a frame's record that all receivers have the same, as an object.
fn fields_of(frame: &EncodedFrame, codec: Option<Codec>) -> Vec<u8> {
    let fields = if frame.is_text() {
        let text = String::from_utf8_lossy(frame.payload());
        let shown = shown(&text);
        serde_json::to_vec(&text_payload(shown.as_ref().into()))
    } else {
        let bytes = frame.payload();
        let bytes = codec.map_or(Cow::Borrowed(bytes), |codec| redact_binary(codec, bytes));
        let meant = codec.and_then(|codec| codec.downstream_in_json(WireFrame::Binary(&bytes)));
        serde_json::to_vec(&Binary::new(&bytes, meant.as_deref()))
    };
    // Serialising plain structs into memory cannot fail.
    fields.unwrap_or_default()
}

impl<'a> Binary<'a> {
    fn new(bytes: &[u8], meant: Option<&'a str>) -> Self {
        let frame = meant.and_then(|text| serde_json::from_str(text).ok());
        Self { frame, frame_base64: STANDARD.encode(bytes) }
    }
}

/// A JSON object as it is, if it is one on one line; anything else as text.
fn text_payload(text: Cow<'_, str>) -> Payload<'_> {
    match text {
        Cow::Borrowed(text) if text.starts_with('{') && !text.contains(['\n', '\r']) => {
            serde_json::from_str::<&RawValue>(text).map_or(Payload::Text(text.into()), Payload::Frame)
        }
        text => Payload::Text(text),
    }
}

/// What a client speaks, by the name that it negotiates.
pub fn protocol_name(client: &ClientKind) -> Cow<'static, str> {
    match client {
        ClientKind::Simple(_) => "simple".into(),
        ClientKind::PubSub(subprotocol) => subprotocol.name().into(),
    }
}

/// A frame to a client as it may be seen: a token stands in the service's own frames alone, and what users send is shown
/// as it is.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    match serde_json::from_str::<Head<'_>>(text) {
        Ok(Head { kind }) if kind == "system" => redact_frame(text),
        Ok(_) | Err(_) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<u8>>);

    impl Observer for Kept {
        fn wants(&self) -> bool {
            true
        }

        fn record(&self, line: &[u8]) {
            self.0.lock().unwrap().extend_from_slice(line);
        }
    }

    fn records(happen: impl FnOnce(&Traffic)) -> Vec<Value> {
        let kept = Arc::new(Kept::default());
        let mut traffic = Traffic::default();
        traffic.add(kept.clone());
        happen(&traffic);
        traffic.show();
        let bytes = kept.0.lock().unwrap().clone();
        let lines = std::str::from_utf8(&bytes).unwrap().lines();
        lines
            .map(|line| {
                let mut record: Value = serde_json::from_str(line).unwrap();
                assert!(record.as_object_mut().unwrap().remove("time").unwrap().as_str().unwrap().ends_with('Z'));
                record
            })
            .collect()
    }

    #[test]
    fn a_frame_of_protobuf_stands_beside_the_json_that_it_would_be_and_without_its_token() {
        let codec = Some(Codec::Protobuf);
        let connected = webpubsub_proto::Downstream::Connected {
            connection_id: "c".into(),
            user_id: None,
            reconnection_token: Some("secret".into()),
        };
        let seen = records(|traffic| {
            traffic.sent(NOW, owner(), &Codec::Protobuf.encode_downstream(&connected), codec);
            traffic.received(NOW, owner(), WireFrame::Binary(&[0x4a, 0]), codec);
            traffic.received(NOW, owner(), WireFrame::Binary(&[0xff]), codec);
        });
        assert_eq!(seen[0]["frame"]["reconnectionToken"], "[redacted]");
        let bytes = STANDARD.decode(seen[0]["frameBase64"].as_str().unwrap()).unwrap();
        assert!(!bytes.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!((&seen[1]["frame"], &seen[1]["frameBase64"]), (&json!({"type": "ping"}), &json!("SgA=")));
        assert_eq!((&seen[2]["frame"], &seen[2]["frameBase64"]), (&Value::Null, &json!("/w==")));
    }

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn owner() -> FrameOwner {
        FrameOwner { socket: 7, hub: "hub1".into(), connection_id: Some("c".into()) }
    }

    #[test]
    fn a_frame_of_json_stands_in_a_record_as_it_is_and_others_as_text_or_base64() {
        let text = "{\"type\":\"sendToGroup\",\"data\":10.50}";
        let kept = Arc::new(Kept::default());
        let mut traffic = Traffic::default();
        traffic.add(kept.clone());
        traffic.received(NOW, owner(), WireFrame::Text(text), None);
        traffic.show();
        assert!(String::from_utf8(kept.0.lock().unwrap().clone()).unwrap().contains(&format!("\"frame\":{text}}}")));

        let place = json!({"socket": 7, "hub": "hub1", "connectionId": "c"});
        let with = |kind: &str, name: &str, value: &str| {
            let mut record = place.clone();
            record["type"] = kind.into();
            record[name] = value.into();
            record
        };
        let seen = records(|traffic| {
            traffic.received(NOW, owner(), WireFrame::Text("hello"), None);
            traffic.received(NOW, owner(), WireFrame::Text("{\"broken\":"), None);
            traffic.received(NOW, owner(), WireFrame::Text("{\n}"), None);
            traffic.received(NOW, owner(), WireFrame::Binary(&[0, 255]), None);
            traffic.sent(NOW, owner(), &EncodedFrame::Binary(vec![1].into()), None);
        });
        let expected = [
            with("received", "text", "hello"),
            with("received", "text", "{\"broken\":"),
            with("received", "text", "{\n}"),
            with("received", "frameBase64", "AP8="),
            with("sent", "frameBase64", "AQ=="),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn each_receiver_of_a_frame_has_a_record_of_its_own() {
        let frames = ["{\"n\":1}", "{\"n\":2}", "x"].map(|text| EncodedFrame::from(text.to_owned()));
        let order = [0, 0, 1, 2, 2, 0];
        let seen = records(|traffic| {
            for (number, frame) in (1..).zip(order) {
                let connection_id = Some("c".into()).filter(|_| number % 2 == 0);
                traffic.sent(
                    NOW,
                    FrameOwner { socket: number, hub: "h\"".into(), connection_id },
                    &frames[frame],
                    None,
                );
            }
        });
        for (at, (record, frame)) in seen.iter().zip(order).enumerate() {
            let mut expected = json!({"type": "sent", "socket": at + 1, "hub": "h\""});
            if at % 2 == 1 {
                expected["connectionId"] = "c".into();
            }
            match frame {
                2 => expected["text"] = "x".into(),
                frame => expected["frame"] = json!({"n": frame + 1}),
            }
            assert_eq!(record, &expected);
        }
    }

    #[test]
    fn a_reconnection_token_is_in_no_record() {
        let frame = "{\"type\":\"system\",\"event\":\"connected\",\"reconnectionToken\":\"secret1\"}";
        let frame = EncodedFrame::from(frame.to_owned());
        let seen = records(|traffic| traffic.sent(NOW, owner(), &frame, None));
        assert_eq!(seen[0]["frame"]["event"], "connected");
        assert!(!seen[0].to_string().contains("secret1"), "{seen:?}");
    }
}
