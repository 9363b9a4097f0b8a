//! The protobuf encoding of the frames, both directions (PROTOCOL §10).
//!
//! [`schema`] has the messages as they stand on the wire; here they become the frames that everybody else knows, and come
//! from them. A frame is read whole into an [`Unpacked`], from which what is decoded borrows. As with JSON, decoding what
//! the service sends never fails, and decoding what a client sends fails as the service does (PROTOCOL §10.3).

mod invoke;
mod redacted;
mod schema;
mod state;
mod stream;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use prost::encoding::{encode_varint, encoded_len_varint};
use prost::{Message as _, encode_length_delimiter, length_delimiter_len};
use serde_json::value::RawValue;

use super::{Malformed, Unpacked, UnpackedParts};
use crate::MAX_TTL_SECONDS;
use crate::data::{Data, Octets, Text};
use crate::frame::{AckError, Downstream, Message, Origin, Upstream};
use crate::group_state::StateFrame;
use crate::metadata::check_metadata;
use crate::names::{check_event_name, check_group_name};
use crate::wire::{EncodedFrame, SharedFrame};

pub use redacted::redacted;
pub(super) use schema::{DownstreamMessage, UpstreamMessage};

/// Decodes a frame from the service. Never fails: the unknown is passed on (PROTOCOL §5, §19.32).
pub fn decode_downstream<'f>(bytes: &[u8], unpacked: &'f mut Unpacked) -> Downstream<'f> {
    let unknown = |sequence_id: Option<u64>, reason: Cow<'static, str>| Downstream::Unknown { sequence_id, reason };
    let UnpackedParts { downstream, metadata, stream, .. } = &mut **unpacked.0.insert(Box::default());
    let frame = match DownstreamMessage::decode(bytes) {
        Ok(frame) => downstream.insert(frame),
        Err(error) => return unknown(None, format!("not protobuf: {error}").into()),
    };
    let Some(frame) = &frame.message else {
        // Whether it has a place among the messages cannot be seen.
        return unknown(None, "a frame of an unknown kind".into());
    };
    match frame {
        schema::Downstream::Ack(ack) => {
            let result = if ack.success { Ok(()) } else { Err(decode_error(ack.error.as_ref())) };
            Downstream::Ack { ack_id: ack.ack_id, result }
        }
        schema::Downstream::Data(message) => {
            *metadata = metadata_json(&message.metadata);
            *stream = message.stream.as_ref().map(stream::to_json);
            match decode_message(message, metadata.as_deref(), stream.as_deref()) {
                Ok(message) => Downstream::Message(message),
                Err(reason) => unknown(message.sequence_id, reason),
            }
        }
        schema::Downstream::System(system) => match &system.message {
            Some(schema::System::Connected(connected)) => Downstream::Connected {
                connection_id: connected.connection_id.as_str().into(),
                user_id: some(&connected.user_id),
                reconnection_token: connected.reconnection_token.as_deref().map(Cow::Borrowed),
            },
            Some(schema::System::Disconnected(disconnected)) => {
                Downstream::Disconnected { message: some(&disconnected.reason) }
            }
            None => unknown(None, "a system frame of an unknown kind".into()),
        },
        schema::Downstream::Pong(schema::Pong {}) => Downstream::Pong,
        schema::Downstream::InvokeResponse(response) => {
            *metadata = metadata_json(&response.metadata);
            invoke::decode_response(response, metadata.as_deref())
        }
        schema::Downstream::GroupStateUpdate(update) => Downstream::GroupState(state::decode(update, false)),
        schema::Downstream::GroupStateSnapshot(snapshot) => Downstream::GroupState(state::decode(snapshot, true)),
        schema::Downstream::StreamAck(_) | schema::Downstream::StreamNack(_) | schema::Downstream::StreamClosed(_) => {
            match stream::answer(frame) {
                Some(answer) => Downstream::Stream(answer),
                None => unknown(None, "a stream's answer of an unknown kind".into()),
            }
        }
    }
}

/// A string that has no presence on the wire: "" is none.
fn some(text: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(text)).filter(|text| !text.is_empty())
}

fn decode_message<'f>(
    message: &'f schema::DataMessage,
    metadata: Option<&'f str>,
    stream: Option<&'f str>,
) -> Result<Message<'f>, Cow<'static, str>> {
    let origin = match message.from.as_str() {
        "group" => {
            let group = message.group.as_deref().ok_or("a group message without `group`")?;
            Origin::Group { group: group.into(), user_id: None }
        }
        "server" => Origin::Server,
        "" => return Err("a message without `from`".into()),
        other => return Err(format!("unknown `from`: `{other}`").into()),
    };
    let data = match &message.data {
        Some(data) => payload(data)?.ok_or("data of an unknown kind")?,
        // As a message of the JSON subprotocols without `data`.
        None => Data::Json("null"),
    };
    Ok(Message { origin, sequence_id: message.sequence_id, data, metadata, stream, redelivered: false })
}

/// A payload; `None` where its kind is none of those known.
fn payload(data: &schema::MessageData) -> Result<Option<Data<'_>>, Cow<'static, str>> {
    Ok(Some(match &data.data {
        Some(schema::Payload::Text(text)) => Data::Text(Text::Plain(text)),
        Some(schema::Payload::Binary(bytes)) => Data::Binary(Octets::Plain(bytes)),
        Some(schema::Payload::Protobuf(bytes)) => Data::Protobuf(Octets::Plain(bytes)),
        Some(schema::Payload::Json(text)) => {
            // Others pass it on as they got it (PROTOCOL §10.3).
            let raw: &RawValue =
                serde_json::from_str(text).map_err(|error| format!("`json_data` is not JSON: {error}"))?;
            Data::Json(raw.get())
        }
        None => return Ok(None),
    }))
}

/// Metadata as the JSON text that frames have them as.
fn metadata_json(metadata: &BTreeMap<String, String>) -> Option<String> {
    // Serialising a map of strings cannot fail.
    (!metadata.is_empty()).then(|| serde_json::to_string(metadata).unwrap_or_default())
}

/// Decodes a client's frame, as strictly as the service does (PROTOCOL §10.3).
pub fn decode_upstream<'f>(bytes: &[u8], unpacked: &'f mut Unpacked) -> Result<Upstream<'f>, Malformed> {
    let UnpackedParts { upstream, metadata, .. } = &mut **unpacked.0.insert(Box::default());
    let frame = upstream.insert(UpstreamMessage::decode(bytes).map_err(malformed)?);
    match frame.message.as_ref().ok_or_else(|| malformed("it has no message, or one of an unknown kind"))? {
        schema::Upstream::SendToGroup(send) => {
            if let Some(start) = stream::start_in_group(send) {
                return start.map(Upstream::Stream);
            }
            let group = group(&send.group)?;
            let ttl_seconds = send.ttl_seconds.map(u16::try_from).transpose().map_err(malformed)?;
            if ttl_seconds.is_some_and(|seconds| seconds > MAX_TTL_SECONDS) {
                return Err(malformed(format!("`ttl_seconds` is over {MAX_TTL_SECONDS}")));
            }
            *metadata = metadata_json(&send.metadata);
            let data = upstream_data(send.data.as_ref(), metadata.as_deref())?;
            let no_echo = send.no_echo.unwrap_or(false);
            let metadata = metadata.as_deref();
            Ok(Upstream::SendToGroup { group, ack_id: send.ack_id, no_echo, ttl_seconds, data, metadata })
        }
        schema::Upstream::Event(event) => {
            if let Some(start) = stream::start_of_event(&event.event, event.stream.as_ref(), event.data.is_some()) {
                return start.map(Upstream::Stream);
            }
            check_event_name(&event.event).map_err(malformed)?;
            *metadata = metadata_json(&event.metadata);
            let data = upstream_data(event.data.as_ref(), metadata.as_deref())?;
            let metadata = metadata.as_deref();
            Ok(Upstream::Event { event: event.event.as_str().into(), ack_id: event.ack_id, data, metadata })
        }
        schema::Upstream::JoinGroup(join) => {
            Ok(Upstream::JoinGroup { group: group(&join.group)?, ack_id: join.ack_id })
        }
        schema::Upstream::LeaveGroup(leave) => {
            Ok(Upstream::LeaveGroup { group: group(&leave.group)?, ack_id: leave.ack_id })
        }
        schema::Upstream::SequenceAck(ack) => Ok(Upstream::SequenceAck(ack.sequence_id)),
        schema::Upstream::Ping(schema::Ping {}) => Ok(Upstream::Ping),
        schema::Upstream::InvokeEvent(invocation) => {
            let (stream, has_data) = (invocation.stream.as_ref(), invocation.data.is_some());
            if let Some(start) = stream::start_of_event(&invocation.event, stream, has_data) {
                return start.map(Upstream::Stream);
            }
            *metadata = metadata_json(&invocation.metadata);
            invoke::decode_invoke(invocation, metadata.as_deref())
        }
        schema::Upstream::CancelInvocation(cancel) => invoke::decode_cancel(cancel),
        schema::Upstream::SetGroupState(set) => Ok(Upstream::SetGroupState {
            group: group(&set.group)?,
            ack_id: set.ack_id,
            state: set.state.as_ref().map(state::to_state),
        }),
        schema::Upstream::SubscribeGroupState(subscribe) => {
            Ok(Upstream::SubscribeGroupState { group: group(&subscribe.group)?, ack_id: subscribe.ack_id })
        }
        schema::Upstream::UnsubscribeGroupState(unsubscribe) => {
            Ok(Upstream::UnsubscribeGroupState { group: group(&unsubscribe.group)?, ack_id: unsubscribe.ack_id })
        }
        schema::Upstream::StreamData(frame) => stream::data(frame).map(Upstream::Stream),
        schema::Upstream::StreamEnd(frame) => stream::end(frame).map(Upstream::Stream),
    }
}

fn malformed(why: impl std::fmt::Display) -> Malformed {
    Malformed::Content(why.to_string())
}

fn group(name: &str) -> Result<Cow<'_, str>, Malformed> {
    check_group_name(name).map_err(malformed)?;
    Ok(name.into())
}

fn event(name: &str) -> Result<Cow<'_, str>, Malformed> {
    check_event_name(name).map_err(malformed)?;
    Ok(name.into())
}

/// Metadata alone go with an empty text; JSON may not be null, nor anything that is not JSON (PROTOCOL §4.4, §10.3).
fn upstream_data<'f>(data: Option<&'f schema::MessageData>, metadata: Option<&'f str>) -> Result<Data<'f>, Malformed> {
    if let Some(metadata) = metadata {
        check_metadata(metadata).map_err(Malformed::Content)?;
    }
    match (data, metadata) {
        (Some(data), _) => upstream_payload(data),
        (None, Some(_)) => Ok(Data::Text(Text::Plain(""))),
        (None, None) => Err(malformed("`data` is missing")),
    }
}

fn upstream_payload(data: &schema::MessageData) -> Result<Data<'_>, Malformed> {
    let data = payload(data).map_err(malformed)?.ok_or_else(|| malformed("`data` is empty"))?;
    match data {
        Data::Json("null") => Err(malformed("`data` is null")),
        Data::Protobuf(Octets::Plain(bytes)) => {
            check_any(bytes).map_err(Malformed::Content)?;
            Ok(data)
        }
        Data::Json(_) | Data::Text(_) | Data::Binary(_) | Data::Protobuf(Octets::Base64(_)) => Ok(data),
    }
}

fn message_data(data: Data<'_>) -> schema::MessageData {
    // What is not base64 was refused where it came in.
    let bytes = |octets: Octets<'_>| octets.decode().unwrap_or_default().into_owned();
    schema::MessageData {
        data: Some(match data {
            Data::Json(text) => schema::Payload::Json(text.to_owned()),
            Data::Text(text) => schema::Payload::Text(text.decode().into_owned()),
            Data::Binary(octets) => schema::Payload::Binary(bytes(octets)),
            Data::Protobuf(octets) => {
                let bytes = bytes(octets);
                // Clients of the JSON subprotocols are not asked what they call an Any, and a receiver could read nothing
                // of a frame in which something else stands for one.
                match check_any(&bytes) {
                    Ok(()) => schema::Payload::Protobuf(bytes),
                    Err(_) => schema::Payload::Binary(bytes),
                }
            }
        }),
    }
}

/// The most bytes that a payload makes a frame longer by: the frame around it has three lengths, which grow with it.
pub fn data_len(data: Data<'_>) -> usize {
    // What a length takes beyond the one byte that it has in a frame without a payload, for frames up to 2 MiB.
    const GROWTH: usize = 3 * 2;
    let bytes = match data {
        Data::Json(_) | Data::Text(_) => data.to_bytes().map_or(0, |bytes| bytes.len()),
        Data::Binary(Octets::Base64(quoted)) | Data::Protobuf(Octets::Base64(quoted)) => quoted.as_json().len() / 4 * 3,
        Data::Binary(Octets::Plain(bytes)) | Data::Protobuf(Octets::Plain(bytes)) => bytes.len(),
    };
    bytes + GROWTH
}

/// Checks that bytes are a serialized `google.protobuf.Any`. Says what is wrong with them.
pub fn check_any(bytes: &[u8]) -> Result<(), String> {
    schema::Any::decode(bytes).map(drop).map_err(|error| error.to_string())
}

/// Metadata of the JSON text that frames have them as; they were checked where they came in.
fn metadata_map(json: Option<&str>) -> BTreeMap<String, String> {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// Encodes a client's frame.
pub fn encode_upstream(frame: &Upstream<'_>) -> Vec<u8> {
    let message = match frame {
        Upstream::JoinGroup { group, ack_id } => {
            schema::Upstream::JoinGroup(schema::JoinGroup { group: group.as_ref().into(), ack_id: *ack_id })
        }
        Upstream::LeaveGroup { group, ack_id } => {
            schema::Upstream::LeaveGroup(schema::LeaveGroup { group: group.as_ref().into(), ack_id: *ack_id })
        }
        Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
            schema::Upstream::SendToGroup(schema::SendToGroup {
                group: group.as_ref().into(),
                ack_id: *ack_id,
                data: Some(message_data(*data)),
                no_echo: no_echo.then_some(true),
                ttl_seconds: ttl_seconds.map(u32::from),
                metadata: metadata_map(*metadata),
                stream: None,
            })
        }
        Upstream::Event { event, ack_id, data, metadata } => schema::Upstream::Event(schema::Event {
            event: event.as_ref().into(),
            data: Some(message_data(*data)),
            ack_id: *ack_id,
            metadata: metadata_map(*metadata),
            stream: None,
        }),
        Upstream::Invoke { invocation_id, event, data, metadata } => {
            schema::Upstream::InvokeEvent(schema::InvokeEvent {
                event: event.as_ref().into(),
                invocation_id: invocation_id.as_ref().into(),
                data: data.map(message_data),
                metadata: metadata_map(*metadata),
                stream: None,
            })
        }
        Upstream::CancelInvocation { invocation_id } => schema::Upstream::CancelInvocation(schema::CancelInvocation {
            invocation_id: invocation_id.as_ref().into(),
        }),
        Upstream::SequenceAck(sequence_id) => {
            schema::Upstream::SequenceAck(schema::SequenceAck { sequence_id: *sequence_id })
        }
        Upstream::Ping => schema::Upstream::Ping(schema::Ping {}),
        Upstream::SetGroupState { group, ack_id, state } => schema::Upstream::SetGroupState(schema::SetGroupState {
            group: group.as_ref().into(),
            ack_id: *ack_id,
            state: state.as_ref().map(state::of_state),
        }),
        Upstream::SubscribeGroupState { group, ack_id } => {
            schema::Upstream::SubscribeGroupState(schema::SubscribeGroupState {
                group: group.as_ref().into(),
                ack_id: *ack_id,
            })
        }
        Upstream::UnsubscribeGroupState { group, ack_id } => {
            schema::Upstream::UnsubscribeGroupState(schema::UnsubscribeGroupState {
                group: group.as_ref().into(),
                ack_id: *ack_id,
            })
        }
        Upstream::Stream(request) => stream::encode_request(request),
    };
    UpstreamMessage { message: Some(message) }.encode_to_vec()
}

fn named_error(error: &AckError<'_>) -> schema::NamedError {
    schema::NamedError { name: error.name.as_ref().into(), message: error.message.as_ref().into() }
}

/// The error of an answer that has none is one without words.
fn decode_error(error: Option<&schema::NamedError>) -> AckError<'_> {
    let text = |text: fn(&schema::NamedError) -> &str| Cow::Borrowed(error.map(text).unwrap_or_default());
    AckError { name: text(|error| &error.name), message: text(|error| &error.message) }
}

/// Encodes a frame of the service's. [`Downstream::Unknown`] has no encoding and becomes an empty frame.
pub fn encode_downstream(frame: &Downstream<'_>) -> Vec<u8> {
    let system = |message| schema::Downstream::System(schema::SystemMessage { message: Some(message) });
    let message = match frame {
        Downstream::Connected { connection_id, user_id, reconnection_token } => {
            system(schema::System::Connected(schema::Connected {
                connection_id: connection_id.as_ref().into(),
                user_id: user_id.as_deref().unwrap_or_default().into(),
                reconnection_token: reconnection_token.as_deref().map(Into::into),
            }))
        }
        Downstream::Disconnected { message } => system(schema::System::Disconnected(schema::Disconnected {
            reason: message.as_deref().unwrap_or_default().into(),
        })),
        Downstream::Ack { ack_id, result } => {
            let error = result.as_ref().err().map(named_error);
            schema::Downstream::Ack(schema::Ack { ack_id: *ack_id, success: result.is_ok(), error })
        }
        Downstream::Message(message) => {
            return ProtobufMessage::new(message).with_sequence_id(message.sequence_id);
        }
        Downstream::Pong => schema::Downstream::Pong(schema::Pong {}),
        Downstream::GroupState(frame) => {
            return ProtobufMessage::group_state(frame).with_sequence_id(frame.sequence_id);
        }
        Downstream::InvokeResponse { invocation_id, answer } => {
            schema::Downstream::InvokeResponse(invoke::response(invocation_id, answer))
        }
        Downstream::Stream(answer) => stream::encode_answer(answer),
        Downstream::Unknown { .. } => return Vec::new(),
    };
    DownstreamMessage { message: Some(message) }.encode_to_vec()
}

/// A message encoded once for all its receivers of these subprotocols, who differ in the sequence id alone.
#[derive(Debug, Clone)]
pub struct ProtobufMessage {
    /// Which member it is.
    kind: Sequenced,
    /// The fields before the sequence id.
    head: Bytes,
    /// Those after it.
    tail: Box<[u8]>,
}

/// The members that have a sequence id.
#[derive(Debug, Clone, Copy)]
enum Sequenced {
    Data,
    StateUpdate,
    StateSnapshot,
}

impl Sequenced {
    /// The key of the member: its number, and that a length follows.
    fn key(self) -> u8 {
        let number = match self {
            Self::Data => 2,
            Self::StateUpdate => 9,
            Self::StateSnapshot => 10,
        };
        number << 3 | 2
    }

    /// The key of its field that holds the sequence id: its number, and that a varint follows.
    fn id_key(self) -> u8 {
        let number = match self {
            Self::Data => 4,
            Self::StateUpdate | Self::StateSnapshot => 3,
        };
        number << 3
    }
}

impl ProtobufMessage {
    /// Encodes all of `message` but its sequence id, and the sender's user id, for which there is no field.
    pub fn new(message: &Message<'_>) -> Self {
        let (from, group) = match &message.origin {
            Origin::Group { group, .. } => ("group", Some(group.as_ref().to_owned())),
            Origin::Server => ("server", None),
        };
        let data = Some(message_data(message.data));
        let head = schema::DataMessage { from: from.to_owned(), group, data, ..Default::default() };
        let stream = message.stream.and_then(stream::from_json);
        let tail = schema::DataMessage { metadata: metadata_map(message.metadata), stream, ..Default::default() };
        Self { kind: Sequenced::Data, head: head.encode_to_vec().into(), tail: tail.encode_to_vec().into() }
    }

    /// The same of a frame that tells of states.
    pub fn group_state(frame: &StateFrame<'_>) -> Self {
        let kind = if frame.snapshot { Sequenced::StateSnapshot } else { Sequenced::StateUpdate };
        Self { kind, head: state::encode(frame).encode_to_vec().into(), tail: Box::default() }
    }

    /// Bytes of the frame without its sequence id.
    pub fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// The whole frame for one receiver.
    fn with_sequence_id(&self, sequence_id: Option<u64>) -> Vec<u8> {
        let (before, after) = self.around(sequence_id);
        [&before, &self.head[..], &after].concat()
    }

    /// The frame for one receiver. With a sequence id, a large one shares its bytes with the others.
    pub fn frame(&self, sequence_id: Option<u64>) -> EncodedFrame {
        if sequence_id.is_none() || self.head.len() < SharedFrame::FROM {
            return EncodedFrame::Binary(self.with_sequence_id(sequence_id).into());
        }
        let (before, after) = self.around(sequence_id);
        EncodedFrame::Shared(Box::new(SharedFrame::new(false, &before, self.head.clone(), &after)))
    }

    /// What stands before the fields that precede the sequence id, and what behind them.
    fn around(&self, sequence_id: Option<u64>) -> (Vec<u8>, Vec<u8>) {
        let length = self.len() + sequence_id.map_or(0, |id| 1 + encoded_len_varint(id));
        let mut before = Vec::with_capacity(1 + length_delimiter_len(length));
        before.push(self.kind.key());
        // Writing into a vector cannot fail.
        let _ = encode_length_delimiter(length, &mut before);
        let mut after = Vec::new();
        if let Some(id) = sequence_id {
            after.push(self.kind.id_key());
            encode_varint(id, &mut after);
        }
        after.extend_from_slice(&self.tail);
        (before, after)
    }
}

#[cfg(test)]
mod tests;
