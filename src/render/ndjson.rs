//! The NDJSON records of the CLI contract: one object a line, with a schema of its own.
//!
//! Lifecycle records are serde structs. Messages are the hot path: they are written field by field, their `data` copied
//! from the frame as it is.

use std::borrow::Cow;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::layout::compact;
use webpubsub_client::event::{
    AckReport, InvokeOutcome, Invoked, Lifecycle, Loss, Nack, OperationKind, StateChange, WireFrame,
};
use webpubsub_net::clock::fractional_millis;
use webpubsub_net::secret::{redact, redact_frame};
use webpubsub_proto::session::OutcomeCause;
use webpubsub_proto::{Data, GroupState, Message, Origin, OwnedData, Text};

/// `type`, `time` and the fields of one record.
#[derive(Serialize)]
struct Record<'a, F: Serialize> {
    r#type: &'a str,
    time: &'a str,
    #[serde(flatten)]
    fields: F,
}

/// Appends a record and a newline.
pub(super) fn write<F: Serialize>(out: &mut Vec<u8>, kind: &str, time: &str, fields: F) {
    // Serialising plain structs into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, &Record { r#type: kind, time, fields });
    out.push(b'\n');
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'a> {
    connection_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<&'a str>,
    protocol: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lost<'a> {
    connection_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
}

impl<'a> Lost<'a> {
    fn new(connection_id: &'a str, loss: &'a Loss) -> Self {
        Self {
            connection_id,
            close_code: loss.close_code,
            close_reason: loss.close_reason.as_deref().map(redact),
            message: loss.message.as_deref().map(redact),
            explanation: loss.explanation,
            error: loss.error.as_deref().map(redact),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recovered<'a> {
    connection_id: &'a str,
    attempts: u32,
    downtime_ms: u128,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reconnecting<'a> {
    attempt: u32,
    delay_ms: u128,
    error: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionLost<'a> {
    connection_id: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
pub(super) struct ErrorField<'a> {
    name: Cow<'a, str>,
    message: Cow<'a, str>,
}

impl<'a> From<&'a Nack> for ErrorField<'a> {
    fn from(nack: &'a Nack) -> Self {
        Self { name: redact(&nack.name), message: redact(&nack.message) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ack<'a> {
    operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    ack_id: u64,
    success: bool,
    duplicate: bool,
    attempts: u32,
    elapsed_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorField<'a>>,
}

impl<'a> Ack<'a> {
    fn new(report: &'a AckReport) -> Self {
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
            // A refusal without a word has no error to show.
            error: report
                .error
                .as_ref()
                .filter(|nack| !nack.name.is_empty() || !nack.message.is_empty())
                .map(ErrorField::from),
        }
    }
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvokeResponse<'a> {
    event: &'a str,
    invocation_id: &'a str,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorField<'a>>,
    elapsed_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

/// Appends the record of an invocation that has ended: its answer, or that nobody can know what became of it. One that
/// was not sent has none.
pub(super) fn invoked(out: &mut Vec<u8>, time: &str, invoked: &Invoked) {
    let nothing = Nack { name: String::new(), message: String::new() };
    let (payload, metadata, error) = match &invoked.outcome {
        InvokeOutcome::Answered { data, metadata } => (data.as_ref(), metadata.as_deref(), None),
        InvokeOutcome::Refused { error } => (None, None, Some(error.clone())),
        InvokeOutcome::NotUnderstood { reason } => (None, None, Some(Nack { message: reason.clone(), ..nothing })),
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
        error: error.as_ref().map(ErrorField::from),
        elapsed_ms: fractional_millis(invoked.elapsed),
        line: invoked.line,
    };
    write(out, "invoke-response", time, fields);
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationUnknown<'a> {
    operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<&'a str>,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
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
    write(out, "operation-unknown", time, fields);
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Membership<'a> {
    group: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejoined: Option<bool>,
}

#[derive(Serialize)]
struct RejoinFailed<'a> {
    group: &'a str,
    error: ErrorField<'a>,
}

#[derive(Serialize)]
struct RestateFailed<'a> {
    group: &'a str,
    operation: &'a str,
    error: ErrorField<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    group: &'a str,
    connection_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a GroupState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SequenceGap {
    expected: u64,
    sequence_id: u64,
    missing: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_understood: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnknownFrame<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_base64: Option<String>,
    reason: &'a str,
}

/// How a run ended, for the last record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopped<'a> {
    /// `done`, `signal`, `timeout`, `failed` or what else ended it.
    pub reason: &'a str,
    /// The exit code.
    pub exit_code: u8,
    /// What a client counted.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub counts: Option<StoppedCounts>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StoppedError>,
}

/// What a client counted, in the last record.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoppedCounts {
    /// Messages received.
    pub received: u64,
    /// Operations sent.
    pub sent: u64,
    /// Operations acknowledged.
    pub acked: u64,
    /// Operations that ended otherwise.
    pub failed: u64,
    /// Answers that nobody waited for; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected: Option<u64>,
}

/// Where an emulator can be reached; prints the secrets it exists to print.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listening<'a> {
    /// Its endpoint.
    pub endpoint: &'a str,
    /// With its access key.
    pub connection_string: &'a str,
    /// With a token.
    pub client_url: &'a str,
}

/// Appends the record of a ready emulator.
pub fn listening(out: &mut Vec<u8>, time: &str, fields: &Listening<'_>) {
    write(out, "listening", time, fields);
}

/// What went wrong, in the last record.
#[derive(Debug, Serialize)]
pub struct StoppedError {
    /// In a line.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Appends the record of how the run ended.
pub fn stopped(out: &mut Vec<u8>, time: &str, fields: &Stopped<'_>) {
    write(out, "stopped", time, fields);
}

/// Appends the record of a lifecycle event; a failed attempt has none.
pub fn lifecycle(out: &mut Vec<u8>, time: &str, event: &Lifecycle, hub: Option<&str>, protocol: &str) {
    match event {
        Lifecycle::Connected { connection_id, user_id } => {
            write(out, "connected", time, Connected { connection_id, user_id: user_id.as_deref(), hub, protocol });
        }
        Lifecycle::Recovering { connection_id, loss } => write(out, "recovering", time, Lost::new(connection_id, loss)),
        Lifecycle::Recovered { connection_id, attempts, downtime } => {
            let downtime_ms = downtime.as_millis();
            write(out, "recovered", time, Recovered { connection_id, attempts: *attempts, downtime_ms });
        }
        Lifecycle::AttemptFailed { .. } | Lifecycle::OperationRetried(_) => {}
        Lifecycle::Reconnecting { attempt, delay, error } => {
            let fields = Reconnecting { attempt: *attempt, delay_ms: delay.as_millis(), error: &redact(error) };
            write(out, "reconnecting", time, fields);
        }
        Lifecycle::SessionLost { connection_id, reason } => {
            write(out, "session-lost", time, SessionLost { connection_id, reason: &redact(reason) });
        }
        Lifecycle::Disconnected { connection_id, loss } => {
            write(out, "disconnected", time, Lost::new(connection_id, loss));
        }
        Lifecycle::Ack(report) => write(out, "ack", time, Ack::new(report)),
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
            write(out, "operation-unknown", time, fields);
        }
        Lifecycle::Stream(news) => super::streams::record(out, time, news),
        Lifecycle::Joined { group, ack_id, rejoined } => {
            write(out, "joined", time, Membership { group, ack_id: *ack_id, rejoined: Some(*rejoined) });
        }
        Lifecycle::Left { group, ack_id } => {
            write(out, "left", time, Membership { group, ack_id: *ack_id, rejoined: None });
        }
        Lifecycle::RejoinFailed { group, error } => {
            write(out, "rejoin-group-failed", time, RejoinFailed { group, error: error.into() });
        }
        Lifecycle::RestateFailed { group, operation, error } => {
            let fields = RestateFailed { group, operation: operation.name(), error: error.into() };
            write(out, "group-state-failed", time, fields);
        }
        Lifecycle::SequenceGap { expected, sequence_id, not_understood } => {
            let missing = sequence_id.saturating_sub(*expected);
            let not_understood = Some(*not_understood).filter(|frames| *frames > 0);
            let fields = SequenceGap { expected: *expected, sequence_id: *sequence_id, missing, not_understood };
            write(out, "sequence-gap", time, fields);
        }
    }
}

/// Appends the record of what a member of a group says of itself.
pub fn state(out: &mut Vec<u8>, time: &str, group: &str, change: &StateChange) {
    let fields = State {
        group,
        connection_id: &change.connection_id,
        user_id: change.user_id.as_deref(),
        state: change.state.as_ref(),
        updated_at: change.updated_at,
        snapshot: change.snapshot.then_some(true),
    };
    write(out, "group-state", time, fields);
}

/// Appends the record of a frame that was not understood.
pub fn unknown_frame(out: &mut Vec<u8>, time: &str, frame: WireFrame<'_>, reason: &str) {
    let text = match frame {
        WireFrame::Text(text) => Some(redact_frame(text)),
        WireFrame::Binary(_) => None,
    };
    let parsed = text.as_deref().and_then(|text| {
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
    write(out, "unknown-frame", time, UnknownFrame { frame: parsed.as_deref(), frame_base64, reason });
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends the JSON of a payload, without blanks of its own.
fn data(data: Data<'_>, out: &mut Vec<u8>) {
    match data {
        Data::Text(Text::Plain(text)) => string(out, text),
        Data::Json(_) | Data::Text(Text::Quoted(_)) | Data::Binary(_) | Data::Protobuf(_) => {
            compact(&data.to_json(), out);
        }
    }
}

/// Appends the record of a message.
pub fn message(out: &mut Vec<u8>, time: &str, message: &Message<'_>) {
    match &message.origin {
        Origin::Group { group, user_id } => {
            out.extend_from_slice(b"{\"type\":\"group-message\",\"time\":\"");
            out.extend_from_slice(time.as_bytes());
            out.extend_from_slice(b"\",\"group\":");
            string(out, group);
            if let Some(user) = user_id {
                out.extend_from_slice(b",\"fromUserId\":");
                string(out, user);
            }
        }
        Origin::Server => {
            out.extend_from_slice(b"{\"type\":\"server-message\",\"time\":\"");
            out.extend_from_slice(time.as_bytes());
            out.push(b'"');
        }
    }
    out.extend_from_slice(b",\"dataType\":\"");
    out.extend_from_slice(message.data.kind().name().as_bytes());
    out.extend_from_slice(b"\",\"data\":");
    data(message.data, out);
    if let Some(id) = message.sequence_id {
        let _ = write!(out, ",\"sequenceId\":{id}");
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
            assert_eq!(record(|out| message(out, TIME, &decoded)), format!("{expected}\n"));
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
            (WireFrame::Text("{"), r#"{"type":"unknown-frame","time":"T","frameBase64":"ew==","reason":"r"}"#),
            (WireFrame::Binary(&[0, 255]), r#"{"type":"unknown-frame","time":"T","frameBase64":"AP8=","reason":"r"}"#),
        ] {
            assert_eq!(record(|out| unknown_frame(out, TIME, frame, "r")), format!("{expected}\n"));
        }
    }
}
