//! The NDJSON records of what a client tells: one object a line.
//!
//! Their fields and what they mean are those of [`crate::records`]. Messages are the hot path: they are written field by field, their `data` copied
//! from the frame as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::layout::compact;
use crate::records::{
    Ack, Connected, Disconnected, GroupState, GroupStateFailed, InvokeResponse, Joined, Left, LossFields, NamedError,
    OperationUnknown, Reconnecting, Record, Recovered, Recovering, RejoinGroupFailed, SequenceGap, SessionLost,
    UnknownFrame,
};
use webpubsub_client::event::{
    AckReport, InvokeOutcome, Invoked, Lifecycle, Loss, Nack, OperationKind, StateChange, WireFrame,
};
use webpubsub_net::clock::fractional_millis;
use webpubsub_net::secret::{redact, redact_frame};
use webpubsub_proto::session::OutcomeCause;
use webpubsub_proto::{Data, DataKind, Message, Origin, OwnedData, Text};

/// `type`, `time` and the fields of one record.
#[derive(Serialize)]
struct NdjsonRecord<'a, R: Serialize> {
    r#type: &'a str,
    time: &'a str,
    #[serde(flatten)]
    fields: &'a R,
}

/// Appends a record and a newline.
pub(super) fn write<R: Record>(out: &mut Vec<u8>, time: &str, fields: &R) {
    // Serialising plain structs into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, &NdjsonRecord { r#type: R::TYPE, time, fields });
    out.push(b'\n');
}

impl<'a> From<&'a Loss> for LossFields<'a> {
    fn from(loss: &'a Loss) -> Self {
        Self {
            close_code: loss.close_code,
            close_reason: loss.close_reason.as_deref().map(redact),
            message: loss.message.as_deref().map(redact),
            explanation: loss.explanation,
            error: loss.error.as_deref().map(redact),
        }
    }
}

impl<'a> From<&'a Nack> for NamedError<'a> {
    fn from(nack: &'a Nack) -> Self {
        Self { name: redact(&nack.name), message: redact(&nack.message) }
    }
}

impl<'a> From<&'a AckReport> for Ack<'a> {
    fn from(report: &'a AckReport) -> Self {
        let (group, event) = named(report.operation, &report.target);
        Self {
            operation: report.operation.name(),
            group,
            event,
            ack_id: report.ack_id,
            success: report.error.is_none(),
            duplicate: report.duplicate,
            attempts: report.attempts,
            elapsed_ms: fractional_millis(report.elapsed),
            line: report.line,
            error: report.error.as_ref().filter(|nack| is_told(nack)).map(NamedError::from),
        }
    }
}

/// A refusal without a word has no error to show.
fn is_told(nack: &Nack) -> bool {
    !nack.name.is_empty() || !nack.message.is_empty()
}

/// The fields `group` and `event` of an operation.
fn named(operation: OperationKind, target: &str) -> (Option<&str>, Option<&str>) {
    match operation {
        OperationKind::Event => (None, Some(target)),
        OperationKind::JoinGroup
        | OperationKind::LeaveGroup
        | OperationKind::SendToGroup
        | OperationKind::SetGroupState
        | OperationKind::SubscribeGroupState
        | OperationKind::UnsubscribeGroupState => (Some(target), None),
    }
}

/// Appends the record of an invocation that has ended: its answer, or that nobody can know what became of it. One that
/// was not sent has none.
pub(super) fn invoked(out: &mut Vec<u8>, time: &str, invoked: &Invoked) {
    let (payload, metadata, error) = match &invoked.outcome {
        InvokeOutcome::Answered { data, metadata } => (data.as_ref(), metadata.as_deref(), None),
        InvokeOutcome::Refused { error } => (None, None, Some(error.clone())),
        InvokeOutcome::NotUnderstood { reason } => {
            (None, None, Some(Nack { name: "NotUnderstood".to_owned(), message: reason.clone() }))
        }
        InvokeOutcome::TimedOut => return invocation_unknown(out, time, invoked, &OutcomeCause::TimedOut),
        InvokeOutcome::Cancelled => return invocation_unknown(out, time, invoked, &OutcomeCause::Cancelled),
        InvokeOutcome::Unknown { cause } => return invocation_unknown(out, time, invoked, cause),
        InvokeOutcome::NotSent { .. } | InvokeOutcome::IdInUse => return,
    };
    let payload = payload.map(OwnedData::as_data);
    let mut json = Vec::new();
    if let Some(data) = payload {
        self::data(data, &mut json);
    }
    let json = String::from_utf8(json).ok().filter(|json| !json.is_empty());
    let fields = InvokeResponse {
        event: &invoked.event,
        invocation_id: invoked.invocation_id.as_deref().unwrap_or_default(),
        success: error.is_none(),
        data_type: payload.map(|data| data.kind().name()),
        data: json.as_deref().and_then(|json| serde_json::from_str::<&RawValue>(json).ok()),
        metadata: metadata.and_then(|metadata| serde_json::from_str(metadata).ok()),
        error: error.as_ref().filter(|nack| is_told(nack)).map(NamedError::from),
        elapsed_ms: fractional_millis(invoked.elapsed),
        line: invoked.line,
    };
    write(out, time, &fields);
}

/// Appends the record of an invocation that was sent, and whose answer nobody waits for any more.
fn invocation_unknown(out: &mut Vec<u8>, time: &str, invoked: &Invoked, cause: &OutcomeCause) {
    let reason = cause.to_string();
    let fields = OperationUnknown {
        operation: "invoke",
        group: None,
        event: Some(&invoked.event),
        ack_id: None,
        invocation_id: invoked.invocation_id.as_deref(),
        reason: &redact(&reason),
        line: invoked.line,
    };
    write(out, time, &fields);
}

/// Appends the record of a lifecycle event; a failed attempt has none.
pub fn lifecycle(out: &mut Vec<u8>, time: &str, event: &Lifecycle, hub: Option<&str>, protocol: &str) {
    match event {
        Lifecycle::Connected { connection_id, user_id } => {
            let (connection_id, user_id) = (Some(connection_id.as_str()), user_id.as_deref());
            write(out, time, &Connected { connection_id, user_id, hub, protocol });
        }
        Lifecycle::Recovering { connection_id, loss } => {
            write(out, time, &Recovering { connection_id, loss: loss.into() });
        }
        Lifecycle::Recovered { connection_id, attempts, downtime } => {
            write(out, time, &Recovered::new(connection_id, *attempts, *downtime));
        }
        Lifecycle::AttemptFailed { .. } | Lifecycle::OperationRetried(_) => {}
        Lifecycle::Reconnecting { attempt, delay, error } => {
            write(out, time, &Reconnecting::new(*attempt, *delay, &redact(error)));
        }
        Lifecycle::SessionLost { connection_id, reason } => {
            write(out, time, &SessionLost { connection_id: Some(connection_id), reason: &redact(reason) });
        }
        Lifecycle::Disconnected { connection_id, loss } => {
            write(out, time, &Disconnected { connection_id: Some(connection_id), loss: loss.into() });
        }
        Lifecycle::Ack(report) => write(out, time, &Ack::from(report)),
        Lifecycle::OperationUnknown { operation, target, ack_id, reason } => {
            let (group, event) = named(*operation, target);
            let fields = OperationUnknown {
                operation: operation.name(),
                group,
                event,
                ack_id: Some(*ack_id),
                invocation_id: None,
                reason: &redact(reason),
                line: None,
            };
            write(out, time, &fields);
        }
        Lifecycle::Stream(news) => super::streams::record(out, time, news),
        Lifecycle::Joined { group, ack_id, rejoined } => {
            write(out, time, &Joined { group, ack_id: *ack_id, rejoined: *rejoined });
        }
        Lifecycle::Left { group, ack_id } => write(out, time, &Left { group, ack_id: *ack_id }),
        Lifecycle::RejoinFailed { group, error } => {
            write(out, time, &RejoinGroupFailed { group, error: error.into() });
        }
        Lifecycle::RestateFailed { group, operation, error } => {
            write(out, time, &GroupStateFailed { group, operation: operation.name(), error: error.into() });
        }
        Lifecycle::SequenceGap { expected, sequence_id, not_understood } => {
            let missing = sequence_id.saturating_sub(*expected);
            let not_understood = Some(*not_understood).filter(|frames| *frames > 0);
            let fields = SequenceGap { expected: *expected, sequence_id: *sequence_id, missing, not_understood };
            write(out, time, &fields);
        }
    }
}

/// Appends the record of what a member of a group says of itself.
pub fn state(out: &mut Vec<u8>, time: &str, group: &str, change: &StateChange) {
    let fields = GroupState {
        group,
        connection_id: &change.connection_id,
        user_id: change.user_id.as_deref(),
        state: change.state.as_ref(),
        updated_at: change.updated_at,
        snapshot: change.snapshot.then_some(true),
    };
    write(out, time, &fields);
}

/// Appends the record of a frame that was not understood.
pub fn unknown_frame(out: &mut Vec<u8>, time: &str, frame: WireFrame<'_>, reason: &str) {
    let text = match frame {
        WireFrame::Text(text) => Some(redact_frame(text)),
        WireFrame::Binary(_) => None,
    };
    // Looked at before it is laid out: a number with a line break in it would come out as another.
    let is_json = |text: &&str| serde_json::from_str::<&RawValue>(text).is_ok();
    let parsed = text.as_deref().filter(is_json).and_then(|text| {
        // A record is one line, whatever the frame looks like.
        let mut line = Vec::new();
        compact(text, &mut line);
        String::from_utf8(line).ok().and_then(|line| RawValue::from_string(line).ok())
    });
    let frame_base64 = match (&parsed, &text, frame) {
        (Some(_), _, _) => None,
        (None, Some(text), _) => Some(STANDARD.encode(text.as_bytes())),
        (None, None, WireFrame::Text(text)) => Some(STANDARD.encode(text)),
        // Text that came as bytes is no less the service's.
        (None, None, WireFrame::Binary(bytes)) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => STANDARD.encode(redact_frame(text).as_bytes()),
            Err(_) => STANDARD.encode(bytes),
        }),
    };
    let reason = &redact(reason);
    write(out, time, &UnknownFrame { frame: parsed.as_deref(), frame_base64, reason });
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends the JSON of a payload, without blanks of its own.
fn data(data: Data<'_>, out: &mut Vec<u8>) {
    match data {
        Data::Text(Text::Plain(text)) => string(out, text),
        // A string has no white space but its own.
        Data::Text(Text::Quoted(text)) => out.extend_from_slice(text.as_json().as_bytes()),
        Data::Json(_) | Data::Binary(_) | Data::Protobuf(_) => compact(&data.to_json(), out),
    }
}

/// How the record of a message began, up to the payload: as does that of the next from the same sender, if it comes together
/// with it.
#[derive(Debug, Default)]
pub struct MessageHead {
    bytes: Vec<u8>,
    time: String,
    /// The group, unless it was the server's.
    group: Option<String>,
    user_id: Option<String>,
    kind: Option<DataKind>,
    /// Records one after the other that began otherwise.
    misses: u8,
}

/// Where so many one after the other began otherwise, as where senders take turns, only one in so many is kept.
const MISSES: u8 = 16;

impl MessageHead {
    /// Appends that of this message.
    fn put(&mut self, out: &mut Vec<u8>, time: &str, message: &Message<'_>) {
        let (group, user_id, kind) = sender(message);
        let same = self.kind == Some(kind)
            && self.group.as_deref() == group
            && self.user_id.as_deref() == user_id
            && self.time == time;
        if same {
            self.misses = 0;
            return out.extend_from_slice(&self.bytes);
        }
        let start = out.len();
        head(out, time, message);
        self.misses += 1;
        if self.misses > MISSES {
            if self.misses < 2 * MISSES {
                return;
            }
            self.misses = MISSES;
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(&out[start..]);
        self.kind = Some(kind);
        self.time.clear();
        self.time.push_str(time);
        for (kept, text) in [(&mut self.group, group), (&mut self.user_id, user_id)] {
            match (kept, text) {
                (Some(kept), Some(text)) => {
                    kept.clear();
                    kept.push_str(text);
                }
                (kept, text) => *kept = text.map(str::to_owned),
            }
        }
    }
}

fn sender<'a>(message: &'a Message<'_>) -> (Option<&'a str>, Option<&'a str>, DataKind) {
    let (group, user_id) = match &message.origin {
        Origin::Group { group, user_id } => (Some(group.as_ref()), user_id.as_deref()),
        Origin::Server => (None, None),
    };
    (group, user_id, message.data.kind())
}

fn head(out: &mut Vec<u8>, time: &str, message: &Message<'_>) {
    let (group, user_id, kind) = sender(message);
    let kind_of_record: &[u8] = if group.is_some() { b"group" } else { b"server" };
    for part in [b"{\"type\":\"", kind_of_record, b"-message\",\"time\":\"", time.as_bytes(), b"\""] {
        out.extend_from_slice(part);
    }
    if let Some(group) = group {
        out.extend_from_slice(b",\"group\":");
        string(out, group);
    }
    if let Some(user_id) = user_id {
        out.extend_from_slice(b",\"fromUserId\":");
        string(out, user_id);
    }
    for part in [&b",\"dataType\":\""[..], kind.name().as_bytes(), b"\",\"data\":"] {
        out.extend_from_slice(part);
    }
}

/// Appends the record of a message: [`crate::records::GroupMessage`] or [`crate::records::ServerMessage`], by hand.
pub fn message(out: &mut Vec<u8>, head: &mut MessageHead, time: &str, message: &Message<'_>) {
    head.put(out, time, message);
    rest(out, message);
}

/// The same of one whose like is not to be expected.
pub fn single_message(out: &mut Vec<u8>, time: &str, message: &Message<'_>) {
    head(out, time, message);
    rest(out, message);
}

fn rest(out: &mut Vec<u8>, message: &Message<'_>) {
    data(message.data, out);
    if let Some(id) = message.sequence_id {
        out.extend_from_slice(b",\"sequenceId\":");
        out.extend_from_slice(itoa::Buffer::new().format(id).as_bytes());
    }
    if let Some(metadata) = message.metadata {
        out.extend_from_slice(b",\"metadata\":");
        compact(metadata, out);
    }
    if let Some(stream) = message.stream {
        out.extend_from_slice(b",\"stream\":");
        compact(stream, out);
    }
    if message.redelivered {
        out.extend_from_slice(b",\"redelivered\":true");
    }
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{GroupMessage, MessageFields, ServerMessage};
    use std::time::Duration;
    use webpubsub_proto::{Downstream, decode_downstream};

    const TIME: &str = "2026-01-02T03:04:05.678Z";

    fn record(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap().replace(TIME, "T")
    }

    #[test]
    fn message_records_carry_the_frames_own_data() {
        for (frame, expected) in [
            (
                r#"{"sequenceId":5,"type":"message","from":"group","group":"g","fromUserId":"a","dataType":"text","data":"h\ni"}"#,
                r#"{"type":"group-message","time":"T","group":"g","fromUserId":"a","dataType":"text","data":"h\ni","sequenceId":5}"#,
            ),
            (
                "{\"type\":\"message\",\"from\":\"server\",\"dataType\":\"json\",\"data\":{\n \"b\":1.10,\"a\":null}}",
                r#"{"type":"server-message","time":"T","dataType":"json","data":{"b":1.10,"a":null}}"#,
            ),
            (
                r#"{"type":"message","from":"server","dataType":"json","data":null,"metadata":{"k":"v"}}"#,
                r#"{"type":"server-message","time":"T","dataType":"json","data":null,"metadata":{"k":"v"}}"#,
            ),
        ] {
            let Downstream::Message(decoded) = decode_downstream(frame) else { panic!("{frame}") };
            assert_eq!(record(|out| single_message(out, TIME, &decoded)), format!("{expected}\n"));
        }
    }

    #[test]
    fn messages_are_written_as_their_types_would_be() {
        let whole = |some: bool| {
            let text = |text: &'static str| Some(text).filter(|_| some);
            Message {
                origin: Origin::Server,
                sequence_id: some.then_some(1),
                data: if some { Data::Text(Text::Plain("a\"")) } else { Data::Json("null") },
                metadata: text(r#"{"k":"v"}"#),
                stream: text(r#"{"streamId":"s","streamSequenceId":1}"#),
                redelivered: some,
            }
        };
        let mut head = MessageHead::default();
        for some in [true, false] {
            let it = whole(some);
            let raw = |text| serde_json::from_str::<&RawValue>(text).unwrap();
            let fields = || MessageFields {
                data_type: it.data.kind().name(),
                data: raw(if some { r#""a\"""# } else { "null" }),
                sequence_id: it.sequence_id,
                metadata: it.metadata.map(raw),
                stream: it.stream.map(raw),
                redelivered: it.redelivered,
            };
            let server = record(|out| write(out, TIME, &ServerMessage { message: fields() }));
            assert_eq!(record(|out| message(out, &mut head, TIME, &it)), server);
            let from_user_id = some.then_some("u");
            let group = GroupMessage { group: "g", from_user_id, message: fields() };
            let group = record(|out| write(out, TIME, &group));
            let origin = Origin::Group { group: "g".into(), user_id: from_user_id.map(Into::into) };
            assert_eq!(record(|out| message(out, &mut head, TIME, &Message { origin, ..whole(some) })), group);
        }
    }

    #[test]
    fn what_is_kept_of_one_message_is_not_written_of_another() {
        let mut head = MessageHead::default();
        let users = [None, Some("u"), Some("")];
        for time in [TIME, "2026-01-02T03:04:05.679Z", TIME] {
            for (group, user) in [None, Some("g"), Some("h"), Some("")].into_iter().flat_map(|g| users.map(|u| (g, u)))
            {
                for data in [Data::Json("1"), Data::Text(Text::Plain("1"))] {
                    let user_id = user.map(Into::into);
                    let origin = group.map_or(Origin::Server, |group| Origin::Group { group: group.into(), user_id });
                    let it =
                        Message { origin, data, sequence_id: None, metadata: None, stream: None, redelivered: false };
                    let mut written = Vec::new();
                    message(&mut written, &mut head, time, &it);
                    let mut anew = Vec::new();
                    single_message(&mut anew, time, &it);
                    assert_eq!(String::from_utf8(written), String::from_utf8(anew));
                }
            }
        }
    }

    #[test]
    fn lifecycle_records_have_the_contracts_fields() {
        let loss = Loss {
            close_code: Some(1001),
            close_reason: Some("bye".into()),
            message: Some("Service reload".into()),
            explanation: Some("why"),
            error: None,
        };
        let id = || "c1".to_owned();
        let nack = || Nack { name: "Forbidden".into(), message: "no".into() };
        let ack = |error| AckReport {
            id: None,
            line: None,
            operation: OperationKind::SendToGroup,
            target: "g".into(),
            ack_id: 3,
            error,
            duplicate: false,
            attempts: 1,
            elapsed: Duration::from_millis(12),
        };
        for (event, expected) in [
            (
                Lifecycle::Connected { connection_id: id(), user_id: None },
                r#"{"type":"connected","time":"T","connectionId":"c1","hub":"h","protocol":"p"}"#,
            ),
            (
                Lifecycle::Recovering { connection_id: id(), loss },
                r#"{"type":"recovering","time":"T","connectionId":"c1","closeCode":1001,"closeReason":"bye","message":"Service reload","explanation":"why"}"#,
            ),
            (
                Lifecycle::Recovered { connection_id: id(), attempts: 2, downtime: Duration::from_millis(1500) },
                r#"{"type":"recovered","time":"T","connectionId":"c1","attempts":2,"downtimeMs":1500}"#,
            ),
            (
                Lifecycle::Reconnecting { attempt: 1, delay: Duration::from_secs(1), error: "e".into() },
                r#"{"type":"reconnecting","time":"T","attempt":1,"delayMs":1000,"error":"e"}"#,
            ),
            (
                Lifecycle::Ack(ack(None)),
                r#"{"type":"ack","time":"T","operation":"sendToGroup","group":"g","ackId":3,"success":true,"duplicate":false,"attempts":1,"elapsedMs":12.0}"#,
            ),
            (
                Lifecycle::Ack(ack(Some(nack()))),
                r#"{"type":"ack","time":"T","operation":"sendToGroup","group":"g","ackId":3,"success":false,"duplicate":false,"attempts":1,"elapsedMs":12.0,"error":{"name":"Forbidden","message":"no"}}"#,
            ),
            (
                Lifecycle::Joined { group: "g".into(), ack_id: Some(1), rejoined: true },
                r#"{"type":"joined","time":"T","group":"g","ackId":1,"rejoined":true}"#,
            ),
            (
                Lifecycle::RejoinFailed { group: "g".into(), error: nack() },
                r#"{"type":"rejoin-group-failed","time":"T","group":"g","error":{"name":"Forbidden","message":"no"}}"#,
            ),
            (
                Lifecycle::SequenceGap { expected: 4, sequence_id: 7, not_understood: 0 },
                r#"{"type":"sequence-gap","time":"T","expected":4,"sequenceId":7,"missing":3}"#,
            ),
            (
                Lifecycle::SequenceGap { expected: 4, sequence_id: 7, not_understood: 2 },
                r#"{"type":"sequence-gap","time":"T","expected":4,"sequenceId":7,"missing":3,"notUnderstood":2}"#,
            ),
        ] {
            assert_eq!(record(|out| lifecycle(out, TIME, &event, Some("h"), "p")), format!("{expected}\n"));
        }
    }

    #[test]
    fn unknown_frames_are_shown_as_json_or_as_base64() {
        for (frame, expected) in [
            (
                WireFrame::Text("{\"type\":\n\"x\"}"),
                r#"{"type":"unknown-frame","time":"T","frame":{"type":"x"},"reason":"r"}"#,
            ),
            // Which is no number, and must not come out as 12.
            (WireFrame::Text("1\n2"), r#"{"type":"unknown-frame","time":"T","frameBase64":"MQoy","reason":"r"}"#),
            (WireFrame::Text("{"), r#"{"type":"unknown-frame","time":"T","frameBase64":"ew==","reason":"r"}"#),
            (WireFrame::Binary(&[0, 255]), r#"{"type":"unknown-frame","time":"T","frameBase64":"AP8=","reason":"r"}"#),
        ] {
            assert_eq!(record(|out| unknown_frame(out, TIME, frame, "r")), format!("{expected}\n"));
        }
    }
}
