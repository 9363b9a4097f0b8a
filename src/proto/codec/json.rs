//! The JSON encoding of the frames, both directions (PROTOCOL §4, §5).
//!
//! Decoding parses a frame once and borrows from it: `envelope` takes messages like those before, `scan` the other plain
//! frames, serde the rest. Decoding what the
//! service sends never fails: what is not understood becomes [`Downstream::Unknown`]. Decoding what a client sends fails
//! as the service does (PROTOCOL §4.11).

#[cfg(any(test, fuzzing))]
mod agree;
mod envelope;
mod invoke;
mod scan;
mod state;
mod stream;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use super::Malformed;
use crate::MAX_TTL_SECONDS;
use crate::data::{Data, Octets, OwnedData, Quoted, Text, push_string};
use crate::frame::{AckError, Downstream, Message, Origin, Upstream};
use crate::group_state::StateFrame;
use crate::metadata::check_metadata;
use crate::names::{check_event_name, check_group_name};
use crate::wire::{EncodedFrame, SharedFrame};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

#[cfg(any(test, fuzzing))]
pub(crate) use agree::{agree, agree_in_turn};
pub use envelope::Envelopes;

/// For a property read with `deserialize_with`: tells an absent `data` from `"data":null`.
pub fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Every property any downstream frame can have; which are needed depends on `type`.
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct DownstreamWire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(rename = "sequenceId")]
    sequence_id: Option<u64>,
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    #[serde(borrow)]
    group: Option<Cow<'a, str>>,
    #[serde(rename = "fromUserId", borrow)]
    from_user_id: Option<Cow<'a, str>>,
    #[serde(rename = "dataType", borrow)]
    data_type: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(borrow)]
    items: Option<&'a RawValue>,
    #[serde(rename = "ackId")]
    ack_id: Option<u64>,
    success: Option<bool>,
    #[serde(borrow)]
    error: Option<ErrorWire<'a>>,
    #[serde(rename = "connectionId", borrow)]
    connection_id: Option<Cow<'a, str>>,
    #[serde(rename = "userId", borrow)]
    user_id: Option<Cow<'a, str>>,
    #[serde(rename = "reconnectionToken", borrow)]
    reconnection_token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(rename = "invocationId", borrow)]
    invocation_id: Option<Cow<'a, str>>,
    #[serde(rename = "streamId", borrow)]
    stream_id: Option<&'a RawValue>,
    #[serde(rename = "expectedSequenceId", borrow)]
    expected_sequence_id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ErrorWire<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

/// The one property of an otherwise unintelligible frame that matters: it has to be acknowledged.
#[derive(Deserialize)]
struct SequenceOnly {
    #[serde(rename = "sequenceId")]
    sequence_id: Option<u64>,
}

/// Parses a JSON object. Serde alone would take an array of the fields in their order too.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if text.trim_start().starts_with('[') {
        return Err(serde::de::Error::custom("an array, not an object"));
    }
    serde_json::from_str(text)
}

/// Decodes a frame from the service. Never fails: the unknown is passed on (PROTOCOL §5, §19.13).
#[inline]
pub fn decode_downstream(text: &str) -> Downstream<'_> {
    scan::downstream(text).unwrap_or_else(|| parse_downstream(text))
}

fn parse_downstream(text: &str) -> Downstream<'_> {
    let wire: DownstreamWire = match object(text) {
        Ok(wire) => wire,
        Err(error) => {
            if let Some(answer) = invoke::broken_response(text, &error) {
                return answer;
            }
            let sequence_id = object::<SequenceOnly>(text).ok().and_then(|s| s.sequence_id);
            let reason =
                if error.is_data() { format!("unexpected shape: {error}") } else { format!("not JSON: {error}") };
            return Downstream::Unknown { sequence_id, reason: reason.into() };
        }
    };
    let sequence_id = wire.sequence_id;
    let unknown = |reason: Cow<'static, str>| Downstream::Unknown { sequence_id, reason };
    match wire.kind.as_ref() {
        "message" => decode_message(wire).unwrap_or_else(unknown),
        "ack" => decode_ack(wire).unwrap_or_else(unknown),
        "system" => decode_system(wire).unwrap_or_else(unknown),
        "pong" => Downstream::Pong,
        "groupStateUpdate" => state::decode(wire.group, sequence_id, wire.items, false).unwrap_or_else(unknown),
        "groupStateSnapshot" => state::decode(wire.group, sequence_id, wire.items, true).unwrap_or_else(unknown),
        "invokeResponse" => invoke::decode_response(wire).unwrap_or_else(unknown),
        "streamAck" | "streamNack" | "streamClosed" => {
            stream::decode_answer(wire).map_or_else(unknown, Downstream::Stream)
        }
        other => unknown(format!("unknown type `{other}`").into()),
    }
}

fn decode_message(wire: DownstreamWire<'_>) -> Result<Downstream<'_>, Cow<'static, str>> {
    let origin = match wire.from.as_deref() {
        Some("group") => {
            let group = wire.group.ok_or("a group message without `group`")?;
            Origin::Group { group, user_id: wire.from_user_id }
        }
        Some("server") => Origin::Server,
        Some(other) => return Err(format!("unknown `from`: `{other}`").into()),
        None => return Err("a message without `from`".into()),
    };
    let raw = wire.data.map_or("null", RawValue::get);
    // The last message of a stream need not have any, whatever its type (PROTOCOL §19.28).
    let is_bare = wire.data.is_none() && wire.stream.is_some();
    let data = payload(wire.data_type.as_deref().filter(|_| !is_bare), raw)?;
    Ok(Downstream::Message(Message {
        origin,
        sequence_id: wire.sequence_id,
        data,
        metadata: wire.metadata.map(RawValue::get),
        stream: wire.stream.map(RawValue::get),
        redelivered: false,
    }))
}

/// A payload of the service's (PROTOCOL §4.4).
fn payload<'a>(data_type: Option<&str>, raw: &'a str) -> Result<Data<'a>, Cow<'static, str>> {
    let quoted = |name: &'static str| Quoted::new(raw).ok_or(format!("`data` of type {name} is not a string"));
    Ok(match data_type {
        Some("json") | None => Data::Json(raw),
        Some("text") => Data::Text(Text::Quoted(quoted("text")?)),
        Some("binary") => Data::Binary(Octets::Base64(quoted("binary")?)),
        Some("protobuf") => Data::Protobuf(Octets::Base64(quoted("protobuf")?)),
        Some(other) => return Err(format!("unknown `dataType`: `{other}`").into()),
    })
}

fn decode_ack(wire: DownstreamWire<'_>) -> Result<Downstream<'_>, Cow<'static, str>> {
    let ack_id = wire.ack_id.ok_or("an ack without `ackId`")?;
    let result = if wire.success.ok_or("an ack without `success`")? { Ok(()) } else { Err(named_error(wire.error)) };
    Ok(Downstream::Ack { ack_id, result })
}

fn named_error(error: Option<ErrorWire<'_>>) -> AckError<'_> {
    let error = error.unwrap_or(ErrorWire { name: None, message: None });
    AckError { name: error.name.unwrap_or_default(), message: error.message.unwrap_or_default() }
}

fn decode_system(wire: DownstreamWire<'_>) -> Result<Downstream<'_>, Cow<'static, str>> {
    match wire.event.as_deref() {
        Some("connected") => Ok(Downstream::Connected {
            connection_id: wire.connection_id.ok_or("`connected` without `connectionId`")?,
            user_id: wire.user_id,
            reconnection_token: wire.reconnection_token,
        }),
        Some("disconnected") => Ok(Downstream::Disconnected { message: wire.message }),
        Some(other) => Err(format!("unknown system event `{other}`").into()),
        None => Err("a system frame without `event`".into()),
    }
}

fn push_ack_id(out: &mut String, ack_id: Option<u64>) {
    if let Some(id) = ack_id {
        out.push_str(",\"ackId\":");
        out.push_str(itoa::Buffer::new().format(id));
    }
}

fn push_data(out: &mut String, data: Data<'_>) {
    out.push_str(",\"dataType\":\"");
    out.push_str(data.kind().name());
    out.push_str("\",\"data\":");
    match data {
        Data::Text(Text::Plain(text)) => push_string(out, text),
        Data::Binary(Octets::Plain(bytes)) | Data::Protobuf(Octets::Plain(bytes)) => {
            out.push('"');
            STANDARD.encode_string(bytes, out);
            out.push('"');
        }
        Data::Json(_)
        | Data::Text(Text::Quoted(_))
        | Data::Binary(Octets::Base64(_))
        | Data::Protobuf(Octets::Base64(_)) => out.push_str(&data.to_json()),
    }
}

fn push_metadata(out: &mut String, metadata: Option<&str>) {
    if let Some(metadata) = metadata {
        out.push_str(",\"metadata\":");
        out.push_str(metadata);
    }
}

fn push_error(out: &mut String, error: &AckError<'_>) {
    out.push_str(",\"error\":{\"name\":");
    push_string(out, &error.name);
    out.push_str(",\"message\":");
    push_string(out, &error.message);
    out.push('}');
}

/// Room for what carries a payload, so that it is not moved while it is written.
fn reserve(out: &mut String, name: &str, data: Data<'_>, metadata: Option<&str>) {
    // What stands around them, and their escapes, if there are not many.
    const ENVELOPE: usize = 144;
    out.reserve(ENVELOPE + name.len() + data.weight() + metadata.map_or(0, str::len));
}

/// Appends a client's frame to `out` (PROTOCOL §4).
pub fn encode_upstream(frame: &Upstream<'_>, out: &mut String) {
    match frame {
        Upstream::JoinGroup { group, ack_id } | Upstream::LeaveGroup { group, ack_id } => {
            let join = matches!(frame, Upstream::JoinGroup { .. });
            out.push_str(if join {
                "{\"type\":\"joinGroup\",\"group\":"
            } else {
                "{\"type\":\"leaveGroup\",\"group\":"
            });
            push_string(out, group);
            push_ack_id(out, *ack_id);
        }
        Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
            reserve(out, group, *data, *metadata);
            out.push_str("{\"type\":\"sendToGroup\",\"group\":");
            push_string(out, group);
            push_ack_id(out, *ack_id);
            if *no_echo {
                out.push_str(",\"noEcho\":true");
            }
            if let Some(seconds) = ttl_seconds {
                let _ = write!(out, ",\"ttlSeconds\":{seconds}");
            }
            push_data(out, *data);
            push_metadata(out, *metadata);
        }
        Upstream::Event { event, ack_id, data, metadata } => {
            reserve(out, event, *data, *metadata);
            out.push_str("{\"type\":\"event\",\"event\":");
            push_string(out, event);
            push_ack_id(out, *ack_id);
            push_data(out, *data);
            push_metadata(out, *metadata);
        }
        Upstream::Invoke { invocation_id, event, data, metadata } => {
            invoke::push_invoke(out, invocation_id, event, *data, *metadata);
        }
        Upstream::CancelInvocation { invocation_id } => invoke::push_cancel(out, invocation_id),
        Upstream::SequenceAck(id) => {
            let _ = write!(out, "{{\"type\":\"sequenceAck\",\"sequenceId\":{id}");
        }
        Upstream::Ping => out.push_str("{\"type\":\"ping\""),
        Upstream::SetGroupState { group, ack_id, state } => {
            state::push_request(out, "setGroupState", group, *ack_id);
            state::push_state(out, state.as_ref());
        }
        Upstream::SubscribeGroupState { group, ack_id } => {
            state::push_request(out, "subscribeGroupState", group, *ack_id);
        }
        Upstream::UnsubscribeGroupState { group, ack_id } => {
            state::push_request(out, "unsubscribeGroupState", group, *ack_id);
        }
        Upstream::Stream(request) => stream::encode_request(request, out),
    }
    out.push('}');
}

/// Every property of a client's frame that the hub looks at, undecoded: what a type of frame does not have is ignored
/// in it, whatever it holds (PROTOCOL §4).
#[derive(Deserialize)]
struct UpstreamWire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    group: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(rename = "ackId", borrow)]
    ack_id: Option<&'a RawValue>,
    #[serde(rename = "noEcho", borrow)]
    no_echo: Option<&'a RawValue>,
    #[serde(rename = "dataType", borrow)]
    data_type: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(rename = "sequenceId", borrow)]
    sequence_id: Option<&'a RawValue>,
    #[serde(rename = "ttlSeconds", borrow)]
    ttl_seconds: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(rename = "invocationId", borrow)]
    invocation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    target: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(rename = "streamId", borrow)]
    stream_id: Option<&'a RawValue>,
    #[serde(rename = "streamSequenceId", borrow)]
    stream_sequence_id: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A property that may be absent.
fn optional<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>, name: &str) -> Result<Option<T>, Malformed> {
    raw.map(|raw| serde_json::from_str(raw.get()).map_err(|error| Malformed::Content(format!("`{name}`: {error}"))))
        .transpose()
}

/// A string that has to be there.
fn name<'a>(raw: Option<&'a RawValue>, property: &str) -> Result<Cow<'a, str>, Malformed> {
    let raw = raw.ok_or_else(|| missing(property))?;
    let quoted = Quoted::new(raw.get()).ok_or_else(|| Malformed::Content(format!("`{property}` is not a string")))?;
    Ok(quoted.decode())
}

/// The group a frame is about.
fn group<'a>(wire: &UpstreamWire<'a>) -> Result<Cow<'a, str>, Malformed> {
    let group = name(wire.group, "group")?;
    check_group_name(&group).map_err(|error| Malformed::Content(error.to_string()))?;
    Ok(group)
}

/// How deep a client's frame may be nested, as the service's parser has it.
const MAX_DEPTH: usize = 64;

/// Whether objects and arrays are nested too deep. What has few of them is not looked at closely.
fn is_too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    if memchr::memchr2_iter(b'{', b'[', bytes).nth(MAX_DEPTH).is_none() {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// Decodes a client's frame, as strictly as the service does (PROTOCOL §4, §4.11). `type` and `dataType` are compared
/// without case, unknown properties are ignored.
pub fn decode_upstream(text: &str) -> Result<Upstream<'_>, Malformed> {
    scan::upstream(text).map_or_else(|| parse_upstream(text), Ok)
}

fn parse_upstream(text: &str) -> Result<Upstream<'_>, Malformed> {
    if is_too_deep(text) {
        return Err(Malformed::Content(format!("it is nested deeper than {MAX_DEPTH} levels")));
    }
    let wire: UpstreamWire = object(text).map_err(|error| Malformed::Content(error.to_string()))?;
    let is = |name: &str| wire.kind.eq_ignore_ascii_case(name);
    if is("ping") {
        return Ok(Upstream::Ping);
    }
    if is("sequenceAck") {
        return optional(wire.sequence_id, "sequenceId")?
            .map(Upstream::SequenceAck)
            .ok_or_else(|| missing("sequenceId"));
    }
    if is("invoke") {
        if let Some(start) = stream::start(&wire, true) {
            return start.map(Upstream::Stream);
        }
        return invoke::decode_invoke(&wire);
    }
    if is("cancelInvocation") {
        return invoke::decode_cancel(&wire);
    }
    if is("streamData") {
        return stream::data(&wire).map(Upstream::Stream);
    }
    if is("streamEnd") {
        return stream::end(&wire).map(Upstream::Stream);
    }
    let (event, join, leave, send) = (is("event"), is("joinGroup"), is("leaveGroup"), is("sendToGroup"));
    if !(event || join || leave || send) {
        return state::decode_upstream(&wire)
            .unwrap_or_else(|| Err(Malformed::Content(format!("unknown type `{}`", wire.kind))));
    }
    if (event || send)
        && let Some(start) = stream::start(&wire, event)
    {
        return start.map(Upstream::Stream);
    }
    let ack_id = optional(wire.ack_id, "ackId")?;
    if event {
        let event = name(wire.event, "event")?;
        check_event_name(&event).map_err(|error| Malformed::Content(error.to_string()))?;
        let (data, metadata) = upstream_data(&wire)?;
        return Ok(Upstream::Event { event, ack_id, data, metadata });
    }
    let group = group(&wire)?;
    if join {
        return Ok(Upstream::JoinGroup { group, ack_id });
    }
    if leave {
        return Ok(Upstream::LeaveGroup { group, ack_id });
    }
    let no_echo = optional(wire.no_echo, "noEcho")?.unwrap_or(false);
    let ttl_seconds: Option<u16> = optional(wire.ttl_seconds, "ttlSeconds")?;
    if ttl_seconds.is_some_and(|seconds| seconds > MAX_TTL_SECONDS) {
        return Err(Malformed::Content(format!("`ttlSeconds` is over {MAX_TTL_SECONDS}")));
    }
    let (data, metadata) = upstream_data(&wire)?;
    Ok(Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata })
}

fn missing(property: &str) -> Malformed {
    Malformed::Content(format!("`{property}` is missing"))
}

/// PROTOCOL §4.4: json is the default and may not be null, text and binary are strings, binary is base64. Metadata alone
/// go with an empty text.
fn upstream_data<'a>(wire: &UpstreamWire<'a>) -> Result<(Data<'a>, Option<&'a str>), Malformed> {
    let metadata = upstream_metadata(wire)?;
    match (wire.data, metadata) {
        (Some(raw), _) => Ok((upstream_payload(wire, raw.get())?, metadata)),
        (None, Some(_)) => Ok((Data::Text(Text::Quoted(Quoted::EMPTY)), metadata)),
        (None, None) => Err(missing("data")),
    }
}

fn upstream_metadata<'a>(wire: &UpstreamWire<'a>) -> Result<Option<&'a str>, Malformed> {
    let metadata = wire.metadata.map(RawValue::get);
    if let Some(metadata) = metadata {
        check_metadata(metadata).map_err(Malformed::Content)?;
    }
    Ok(metadata)
}

fn upstream_payload<'a>(wire: &UpstreamWire<'a>, raw: &'a str) -> Result<Data<'a>, Malformed> {
    let data_type: Option<Cow<'_, str>> = optional(wire.data_type, "dataType")?;
    let data_type = data_type.as_deref().unwrap_or("json");
    if data_type.eq_ignore_ascii_case("json") {
        if raw == "null" {
            return Err(Malformed::Content("`data` is null".into()));
        }
        return Ok(Data::Json(raw));
    }
    let quoted = Quoted::new(raw).ok_or_else(|| Malformed::Content("`data` is not a string".into()))?;
    if data_type.eq_ignore_ascii_case("text") {
        return Ok(Data::Text(Text::Quoted(quoted)));
    }
    let data = if data_type.eq_ignore_ascii_case("binary") {
        Data::Binary(Octets::Base64(quoted))
    } else if data_type.eq_ignore_ascii_case("protobuf") {
        Data::Protobuf(Octets::Base64(quoted))
    } else {
        return Err(Malformed::Content(format!("unknown dataType `{data_type}`")));
    };
    if data.to_bytes().is_none() {
        return Err(Malformed::Content("`data` is not base64".into()));
    }
    Ok(data)
}

/// Appends a frame of the service's to `out` (PROTOCOL §5). [`Downstream::Unknown`] has no encoding and appends nothing.
pub fn encode_downstream(frame: &Downstream<'_>, out: &mut String) {
    match frame {
        Downstream::Connected { connection_id, user_id, reconnection_token } => {
            out.push_str("{\"type\":\"system\",\"event\":\"connected\",\"userId\":");
            match user_id {
                Some(user) => push_string(out, user),
                None => out.push_str("null"),
            }
            out.push_str(",\"connectionId\":");
            push_string(out, connection_id);
            if let Some(token) = reconnection_token {
                out.push_str(",\"reconnectionToken\":");
                push_string(out, token);
            }
            out.push('}');
        }
        Downstream::Disconnected { message } => {
            out.push_str("{\"type\":\"system\",\"event\":\"disconnected\"");
            if let Some(message) = message {
                out.push_str(",\"message\":");
                push_string(out, message);
            }
            out.push('}');
        }
        Downstream::Ack { ack_id, result } => {
            let _ = write!(out, "{{\"type\":\"ack\",\"ackId\":{ack_id},\"success\":{}", result.is_ok());
            if let Err(error) = result {
                push_error(out, error);
            }
            out.push('}');
        }
        Downstream::Message(message) => {
            let shared = JsonMessage::new(message);
            out.push_str(&shared.with_sequence_id(message.sequence_id));
        }
        Downstream::Pong => out.push_str("{\"type\":\"pong\"}"),
        Downstream::GroupState(frame) => {
            out.push_str(&JsonMessage::group_state(frame).with_sequence_id(frame.sequence_id));
        }
        Downstream::InvokeResponse { invocation_id, answer } => invoke::push_response(out, invocation_id, answer),
        Downstream::Stream(answer) => stream::encode_answer(answer, out),
        Downstream::Unknown { .. } => {}
    }
}

/// A message encoded once for all its receivers, who differ in the sequence id alone.
#[derive(Debug, Clone)]
pub struct JsonMessage {
    /// Everything after the optional sequence id, closing brace included.
    tail: MessageTail,
}

#[derive(Debug, Clone)]
struct MessageTail(Arc<str>);

impl AsRef<[u8]> for MessageTail {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl JsonMessage {
    /// Encodes all of `message` but its sequence id.
    pub fn new(message: &Message<'_>) -> Self {
        let mut out = String::with_capacity(96 + message.data.json_len());
        match &message.origin {
            Origin::Group { group, user_id } => {
                out.push_str("\"type\":\"message\",\"from\":\"group\",\"group\":");
                push_string(&mut out, group);
                if let Some(user) = user_id {
                    out.push_str(",\"fromUserId\":");
                    push_string(&mut out, user);
                }
            }
            Origin::Server => out.push_str("\"type\":\"message\",\"from\":\"server\""),
        }
        push_data(&mut out, message.data);
        push_metadata(&mut out, message.metadata);
        if let Some(stream) = message.stream {
            out.push_str(",\"stream\":");
            out.push_str(stream);
        }
        out.push('}');
        Self { tail: MessageTail(out.into()) }
    }

    /// The same of a frame that tells of states.
    pub fn group_state(frame: &StateFrame<'_>) -> Self {
        Self { tail: MessageTail(state::tail(frame).into()) }
    }

    /// Bytes of the frame without its sequence id.
    pub fn len(&self) -> usize {
        self.tail.0.len()
    }

    /// The whole frame for one receiver.
    fn with_sequence_id(&self, sequence_id: Option<u64>) -> String {
        let mut out = String::with_capacity(self.tail.0.len() + 36);
        out.push('{');
        if let Some(id) = sequence_id {
            let _ = write!(out, "\"sequenceId\":{id},");
        }
        out.push_str(&self.tail.0);
        out
    }

    /// The frame for one receiver. With a sequence id, a large one shares its bytes with the others.
    pub fn frame(&self, sequence_id: Option<u64>) -> EncodedFrame {
        match sequence_id {
            Some(id) if self.len() >= SharedFrame::FROM => {
                let before = format!("{{\"sequenceId\":{id},");
                let shared = Bytes::from_owner(self.tail.clone());
                EncodedFrame::Shared(Box::new(SharedFrame::new(true, before.as_bytes(), shared, b"")))
            }
            _ => self.with_sequence_id(sequence_id).into(),
        }
    }
}

impl From<Data<'_>> for OwnedData {
    fn from(data: Data<'_>) -> Self {
        data.to_owned()
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
