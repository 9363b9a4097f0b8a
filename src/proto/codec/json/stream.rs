//! The frames of group streams in JSON (PROTOCOL §9.1).

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DownstreamWire, UpstreamWire, missing, name, object, optional, push_data, push_string, upstream_payload};
use crate::codec::Malformed;
use crate::frame::{AckError, StreamAnswer, StreamEndError, StreamRequest, StreamTarget};
use crate::names::{check_event_name, check_group_name};

/// The `stream` object of a start.
#[derive(Deserialize)]
struct StartWire<'a> {
    #[serde(rename = "streamId", borrow)]
    stream_id: Option<&'a RawValue>,
    #[serde(rename = "idleTimeoutMs", borrow)]
    idle_timeout_ms: Option<&'a RawValue>,
}

/// The `error` object of an end.
#[derive(Deserialize)]
struct EndErrorWire<'a> {
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(rename = "userErrorCode", borrow)]
    user_error_code: Option<Cow<'a, str>>,
}

/// A name that has to be there: without it there is nothing to answer to.
fn stream_id<'a>(raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, Malformed> {
    let id = name(raw, "streamId")?;
    if id.is_empty() { Err(Malformed::Content("`streamId` is empty".into())) } else { Ok(id) }
}

/// A publish or an event that begins a stream; `None`: it is one of a message.
pub fn start<'a>(wire: &UpstreamWire<'a>, is_event: bool) -> Option<Result<StreamRequest<'a>, Malformed>> {
    let stream = wire.stream?;
    Some(read_start(wire, stream, is_event))
}

fn read_start<'a>(
    wire: &UpstreamWire<'a>,
    stream: &'a RawValue,
    is_event: bool,
) -> Result<StreamRequest<'a>, Malformed> {
    let start: StartWire = object(stream.get()).map_err(|error| Malformed::Content(format!("`stream`: {error}")))?;
    let stream_id = stream_id(start.stream_id)?;
    let idle_timeout_ms = optional(start.idle_timeout_ms, "idleTimeoutMs")?;
    if wire.data.is_some() || wire.data_type.is_some() {
        return Err(Malformed::Content("the start of a stream has no `data`".into()));
    }
    let target = if is_event {
        let event = name(wire.event, "event")?;
        check_event_name(&event).map_err(|error| Malformed::Content(error.to_string()))?;
        StreamTarget::Event { event }
    } else {
        let group = name(wire.group, "group")?;
        check_group_name(&group).map_err(|error| Malformed::Content(error.to_string()))?;
        StreamTarget::Group { group, no_echo: optional(wire.no_echo, "noEcho")?.unwrap_or(false) }
    };
    Ok(StreamRequest::Start { stream_id, target, idle_timeout_ms })
}

/// A fragment, or a keep-alive: number, type and payload are all there or none is.
pub fn data<'a>(wire: &UpstreamWire<'a>) -> Result<StreamRequest<'a>, Malformed> {
    let stream_id = stream_id(wire.stream_id)?;
    match (optional(wire.stream_sequence_id, "streamSequenceId")?, wire.data_type, wire.data) {
        (None, None, None) => Ok(StreamRequest::Keepalive { stream_id }),
        (Some(sequence_id), Some(_), Some(raw)) => {
            Ok(StreamRequest::Data { stream_id, sequence_id, data: upstream_payload(wire, raw.get())? })
        }
        (None, _, _) => Err(missing("streamSequenceId")),
        (_, None, _) => Err(missing("dataType")),
        (_, _, None) => Err(missing("data")),
    }
}

/// The end of a stream.
pub fn end<'a>(wire: &UpstreamWire<'a>) -> Result<StreamRequest<'a>, Malformed> {
    let stream_id = stream_id(wire.stream_id)?;
    let error = match wire.error {
        None => None,
        Some(raw) => {
            let EndErrorWire { message, user_error_code } =
                object(raw.get()).map_err(|error| Malformed::Content(format!("`error`: {error}")))?;
            Some(StreamEndError { message, user_error_code })
        }
    };
    Ok(StreamRequest::End { stream_id, error })
}

fn push_member(out: &mut String, separator: &str, key: &str, text: &str) {
    let _ = write!(out, "{separator}\"{key}\":");
    push_string(out, text);
}

/// Appends what a publisher says, but for the last brace.
pub fn encode_request(request: &StreamRequest<'_>, out: &mut String) {
    match request {
        StreamRequest::Start { stream_id, target, idle_timeout_ms } => {
            match target {
                StreamTarget::Group { group, no_echo } => {
                    push_member(out, "{\"type\":\"sendToGroup\",", "group", group);
                    if *no_echo {
                        out.push_str(",\"noEcho\":true");
                    }
                }
                StreamTarget::Event { event } => push_member(out, "{\"type\":\"event\",", "event", event),
            }
            push_member(out, ",\"stream\":{", "streamId", stream_id);
            if let Some(timeout) = idle_timeout_ms {
                let _ = write!(out, ",\"idleTimeoutMs\":{timeout}");
            }
            out.push('}');
        }
        StreamRequest::Data { stream_id, sequence_id, data } => {
            push_member(out, "{\"type\":\"streamData\",", "streamId", stream_id);
            let _ = write!(out, ",\"streamSequenceId\":{sequence_id}");
            push_data(out, *data);
        }
        StreamRequest::Keepalive { stream_id } => push_member(out, "{\"type\":\"streamData\",", "streamId", stream_id),
        StreamRequest::End { stream_id, error } => {
            push_member(out, "{\"type\":\"streamEnd\",", "streamId", stream_id);
            if let Some(StreamEndError { message, user_error_code }) = error {
                out.push_str(",\"error\":{");
                if let Some(message) = message {
                    push_member(out, "", "message", message);
                }
                if let Some(code) = user_error_code {
                    push_member(out, if message.is_some() { "," } else { "" }, "userErrorCode", code);
                }
                out.push('}');
            }
        }
    }
}

/// Reads what the service says to a publisher.
pub fn decode_answer(wire: DownstreamWire<'_>) -> Result<StreamAnswer<'_>, Cow<'static, str>> {
    let text = |raw: Option<&RawValue>, key: &str| -> Result<Option<String>, Cow<'static, str>> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).map_err(|error| format!("`{key}`: {error}").into());
        raw.map(read).transpose()
    };
    let stream_id = text(wire.stream_id, "streamId")?.ok_or_else(|| format!("a `{}` without `streamId`", wire.kind))?;
    let stream_id = Cow::Owned(stream_id);
    let expected = || -> Result<u64, Cow<'static, str>> {
        let raw = wire.expected_sequence_id.ok_or_else(|| format!("a `{}` without `expectedSequenceId`", wire.kind))?;
        serde_json::from_str(raw.get()).map_err(|error| format!("`expectedSequenceId`: {error}").into())
    };
    match wire.kind.as_ref() {
        "streamAck" => Ok(StreamAnswer::Ack { stream_id, expected: expected()? }),
        "streamNack" => Ok(StreamAnswer::Nack {
            stream_id,
            expected: expected()?,
            name: text(wire.name, "name")?.unwrap_or_default().into(),
            message: wire.message.unwrap_or_default(),
        }),
        _ => {
            let error = wire.error.map(|error| AckError {
                name: error.name.unwrap_or_default(),
                message: error.message.unwrap_or_default(),
            });
            Ok(StreamAnswer::Closed { stream_id, error })
        }
    }
}

/// Appends what the service says to a publisher.
pub fn encode_answer(answer: &StreamAnswer<'_>, out: &mut String) {
    let _ = write!(out, "{{\"type\":\"{}\",\"streamId\":", answer.name());
    push_string(out, answer.stream_id());
    match answer {
        StreamAnswer::Ack { expected, .. } => {
            let _ = write!(out, ",\"expectedSequenceId\":{expected}");
        }
        StreamAnswer::Nack { expected, name, message, .. } => {
            let _ = write!(out, ",\"expectedSequenceId\":{expected}");
            push_member(out, ",", "name", name);
            push_member(out, ",", "message", message);
        }
        StreamAnswer::Closed { error: None, .. } => {}
        StreamAnswer::Closed { error: Some(error), .. } => {
            push_member(out, ",\"error\":{", "name", &error.name);
            push_member(out, ",", "message", &error.message);
            out.push('}');
        }
    }
    out.push('}');
}
