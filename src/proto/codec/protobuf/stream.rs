//! The frames of group streams in protobuf (PROTOCOL §9.1, §10.1).

use std::borrow::Cow;

use super::{event, group, malformed, message_data, payload, schema};
use crate::codec::Malformed;
use crate::data::{Data, Octets};
use crate::frame::{AckError, StreamAnswer, StreamEndError, StreamError, StreamInfo, StreamRequest, StreamTarget};

/// The `stream` object of a message, as the JSON text that frames have it as.
pub fn to_json(stream: &schema::StreamInfo) -> String {
    let text = |text: &'_ str| Cow::Owned(text.to_owned());
    let schema::StreamInfo { stream_id, stream_sequence_id, end_of_stream, error } = stream;
    let error = error.as_ref().map(|schema::StreamError { name, message, user_error_code }| StreamError {
        name: text(name),
        message: text(message),
        user_error_code: text(user_error_code),
    });
    let (stream_id, stream_sequence_id, end_of_stream) = (text(stream_id), *stream_sequence_id, *end_of_stream);
    StreamInfo { stream_id, stream_sequence_id, end_of_stream, error }.to_json()
}

/// `None` where it is no such object.
pub fn from_json(json: &str) -> Option<schema::StreamInfo> {
    let StreamInfo { stream_id, stream_sequence_id, end_of_stream, error } = StreamInfo::parse(json)?;
    let error = error.map(|StreamError { name, message, user_error_code }| schema::StreamError {
        name: name.into_owned(),
        message: message.into_owned(),
        user_error_code: user_error_code.into_owned(),
    });
    Some(schema::StreamInfo { stream_id: stream_id.into_owned(), stream_sequence_id, end_of_stream, error })
}

/// A start needs an id: there is nothing to answer to otherwise.
fn stream_id(id: &str) -> Result<Cow<'_, str>, Malformed> {
    if id.is_empty() { Err(malformed("`stream_id` is empty")) } else { Ok(id.into()) }
}

fn start<'f>(
    stream: &'f schema::StreamStartInfo,
    target: StreamTarget<'f>,
    has_data: bool,
) -> Result<StreamRequest<'f>, Malformed> {
    if has_data {
        return Err(malformed("the start of a stream has no `data`"));
    }
    let (stream_id, idle_timeout_ms) = (stream_id(&stream.stream_id)?, stream.idle_timeout_ms);
    Ok(StreamRequest::Start { stream_id, target, idle_timeout_ms })
}

/// A publish that begins a stream; `None`: it is one of a message.
pub fn start_in_group(send: &schema::SendToGroup) -> Option<Result<StreamRequest<'_>, Malformed>> {
    let stream = send.stream.as_ref()?;
    let target = |group| StreamTarget::Group { group, no_echo: send.no_echo.unwrap_or(false) };
    Some(group(&send.group).and_then(|group| start(stream, target(group), send.data.is_some())))
}

/// The same of an event or an invocation of it.
pub fn start_of_event<'f>(
    name: &'f str,
    stream: Option<&'f schema::StreamStartInfo>,
    has_data: bool,
) -> Option<Result<StreamRequest<'f>, Malformed>> {
    let stream = stream?;
    Some(event(name).and_then(|event| start(stream, StreamTarget::Event { event }, has_data)))
}

/// A fragment, or a keep-alive: its number and its payload are both there or neither.
pub fn data(frame: &schema::StreamData) -> Result<StreamRequest<'_>, Malformed> {
    let stream_id = stream_id(&frame.stream_id)?;
    match (frame.stream_sequence_id, &frame.data) {
        (None, None) => Ok(StreamRequest::Keepalive { stream_id }),
        (Some(sequence_id), Some(data)) => {
            let data = payload(data).map_err(malformed)?.ok_or_else(|| malformed("`data` is empty"))?;
            match data {
                Data::Json("null") => return Err(malformed("`data` is null")),
                Data::Protobuf(Octets::Plain(bytes)) => super::check_any(bytes).map_err(Malformed::Content)?,
                Data::Json(_) | Data::Text(_) | Data::Binary(_) | Data::Protobuf(Octets::Base64(_)) => {}
            }
            Ok(StreamRequest::Data { stream_id, sequence_id, data })
        }
        (Some(_), None) => Err(malformed("`data` is missing")),
        (None, Some(_)) => Err(malformed("`stream_sequence_id` is missing")),
    }
}

/// The end of a stream.
pub fn end(frame: &schema::StreamEnd) -> Result<StreamRequest<'_>, Malformed> {
    let error = frame.error.as_ref().map(|error| StreamEndError {
        message: error.message.as_deref().map(Cow::Borrowed),
        user_error_code: error.user_error_code.as_deref().map(Cow::Borrowed),
    });
    Ok(StreamRequest::End { stream_id: stream_id(&frame.stream_id)?, error })
}

/// What a publisher says.
pub fn encode_request(request: &StreamRequest<'_>) -> schema::Upstream {
    match request {
        StreamRequest::Start { stream_id, target, idle_timeout_ms } => {
            let info = schema::StreamStartInfo { stream_id: stream_id.to_string(), idle_timeout_ms: *idle_timeout_ms };
            let stream = Some(info);
            match target {
                StreamTarget::Group { group, no_echo } => schema::Upstream::SendToGroup(schema::SendToGroup {
                    group: group.to_string(),
                    no_echo: no_echo.then_some(true),
                    stream,
                    ..Default::default()
                }),
                StreamTarget::Event { event } => {
                    schema::Upstream::Event(schema::Event { event: event.to_string(), stream, ..Default::default() })
                }
            }
        }
        StreamRequest::Data { stream_id, sequence_id, data } => schema::Upstream::StreamData(schema::StreamData {
            stream_id: stream_id.to_string(),
            stream_sequence_id: Some(*sequence_id),
            data: Some(message_data(*data)),
        }),
        StreamRequest::Keepalive { stream_id } => {
            schema::Upstream::StreamData(schema::StreamData { stream_id: stream_id.to_string(), ..Default::default() })
        }
        StreamRequest::End { stream_id, error } => schema::Upstream::StreamEnd(schema::StreamEnd {
            stream_id: stream_id.to_string(),
            error: error.as_ref().map(|error| schema::StreamEndError {
                message: error.message.as_deref().map(Into::into),
                user_error_code: error.user_error_code.as_deref().map(Into::into),
            }),
        }),
    }
}

/// What the service says to a publisher; `None`: it says something else.
pub fn answer(frame: &schema::Downstream) -> Option<StreamAnswer<'_>> {
    Some(match frame {
        schema::Downstream::StreamAck(ack) => {
            StreamAnswer::Ack { stream_id: ack.stream_id.as_str().into(), expected: ack.expected_sequence_id }
        }
        schema::Downstream::StreamNack(nack) => StreamAnswer::Nack {
            stream_id: nack.stream_id.as_str().into(),
            expected: nack.expected_sequence_id,
            name: nack.name.as_str().into(),
            message: nack.message.as_str().into(),
        },
        schema::Downstream::StreamClosed(closed) => StreamAnswer::Closed {
            stream_id: closed.stream_id.as_str().into(),
            error: closed
                .error
                .as_ref()
                .map(|error| AckError { name: error.name.as_str().into(), message: error.message.as_str().into() }),
        },
        schema::Downstream::Ack(_)
        | schema::Downstream::Data(_)
        | schema::Downstream::System(_)
        | schema::Downstream::Pong(_)
        | schema::Downstream::InvokeResponse(_)
        | schema::Downstream::GroupStateUpdate(_)
        | schema::Downstream::GroupStateSnapshot(_) => return None,
    })
}

/// What the service says to a publisher.
pub fn encode_answer(answer: &StreamAnswer<'_>) -> schema::Downstream {
    match answer {
        StreamAnswer::Ack { stream_id, expected } => schema::Downstream::StreamAck(schema::StreamAck {
            stream_id: stream_id.to_string(),
            expected_sequence_id: *expected,
        }),
        StreamAnswer::Nack { stream_id, expected, name, message } => {
            schema::Downstream::StreamNack(schema::StreamNack {
                stream_id: stream_id.to_string(),
                name: name.to_string(),
                message: message.to_string(),
                expected_sequence_id: *expected,
            })
        }
        StreamAnswer::Closed { stream_id, error } => schema::Downstream::StreamClosed(schema::StreamClosed {
            stream_id: stream_id.to_string(),
            error: error
                .as_ref()
                .map(|error| schema::NamedError { name: error.name.to_string(), message: error.message.to_string() }),
        }),
    }
}
