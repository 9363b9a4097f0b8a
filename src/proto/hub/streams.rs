//! Streams to groups, as the service sees them (PROTOCOL §9.1): what publishers say, what they are told, and what becomes
//! of a stream whose publisher has gone.
//!
//! A stream belongs to its connection and lives as long: it survives the sockets of a reliable one. Its fragments are
//! messages of the group, its end is one more of them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use super::connections::OpenStream;
use super::delivery::Delivery;
use super::injector::{AckEffect, Postponed};
use super::key::ConnectionKey;
use super::operation::Flow;
use super::timers::Timer;
use crate::fault::Point;
use crate::{
    AckError, Data, Downstream, Message, Origin, STREAM_IDLE_TIMEOUT, StreamAnswer, StreamEndError, StreamError,
    StreamInfo, StreamRequest, StreamTarget, Text,
};

/// Most streams of a connection at a time. The service documents no limit; memory has one.
const MOST_STREAMS: usize = 1000;

/// Whose message it is.
struct Publisher {
    /// `None` when anonymous.
    user: Option<Arc<str>>,
    /// Not to this connection.
    excluded: Option<ConnectionKey>,
}

impl Hub {
    /// What a publisher says about a stream.
    pub(super) fn accept_stream(&mut self, key: ConnectionKey, request: &StreamRequest<'_>) -> Flow {
        let Some(connection) = self.connections.get(key) else { return Flow::Done };
        let id = request.stream_id();
        let of_stream = connection.streams.get(id).map(|stream| stream.group.clone());
        let (point, group) = match request {
            StreamRequest::Start { target: StreamTarget::Group { group, .. }, .. } => {
                (Point::StreamStart, Some(group.to_string()))
            }
            StreamRequest::Start { target: StreamTarget::Event { .. }, .. } => (Point::StreamStart, None),
            StreamRequest::Data { .. } => (Point::StreamData, of_stream),
            StreamRequest::Keepalive { .. } => (Point::StreamKeepalive, of_stream),
            StreamRequest::End { .. } => (Point::StreamEnd, of_stream),
        };
        let is_published = matches!(point, Point::StreamData | Point::StreamEnd);
        if is_published && let Some(group) = group.as_deref().filter(|group| self.is_congested(group)) {
            self.await_group(key, group);
            return Flow::Wait;
        }
        let (effects, ack) = self.injector.on_stream(&self.connections, key, point, group.as_deref());
        for kind in effects.garbage {
            self.send_garbage(key, kind);
        }
        match (effects.close_stream, effects.nack) {
            (Some((name, message)), _) => self.fail_stream(key, id, &name, &message),
            (None, Some((name, message))) => self.refuse_stream(key, request, &name, &message),
            (None, None) if effects.ignored => {}
            (None, None) => self.carry_out_stream(key, request, ack),
        }
        if let Some(how) = effects.drop {
            self.drop_socket(key, &how);
        }
        Flow::Done
    }

    fn carry_out_stream(&mut self, key: ConnectionKey, request: &StreamRequest<'_>, ack: AckEffect) {
        match request {
            StreamRequest::Start { stream_id, target, idle_timeout_ms } => {
                self.start_stream(key, stream_id, target, *idle_timeout_ms, ack);
            }
            StreamRequest::Data { stream_id, sequence_id, data } => {
                self.take_fragment(key, stream_id, *sequence_id, *data, ack);
            }
            StreamRequest::Keepalive { stream_id } => {
                let now = self.now;
                match self.stream(key, stream_id) {
                    Some(stream) => stream.touch(now),
                    None => self.miss_stream(key, stream_id, ack),
                }
            }
            StreamRequest::End { stream_id, error } => self.end_stream(key, stream_id, error.as_ref(), ack),
        }
    }

    fn stream(&mut self, key: ConnectionKey, id: &str) -> Option<&mut OpenStream> {
        self.connections.get_mut(key)?.streams.get_mut(id)
    }

    fn start_stream(
        &mut self,
        key: ConnectionKey,
        id: &str,
        target: &StreamTarget<'_>,
        idle_timeout_ms: Option<u32>,
        ack: AckEffect,
    ) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(key) else { return };
        let bad = |message: String| Err(("BadRequest", message));
        let judged = match target {
            StreamTarget::Event { .. } => bad("A stream goes to a group.".to_owned()),
            StreamTarget::Group { group, .. } if !connection.permissions.may_send(group) => {
                Err(("Forbidden", format!("The client does not have permission to send to group '{group}'.")))
            }
            StreamTarget::Group { .. } if idle_timeout_ms == Some(0) => {
                bad("The idle timeout of a stream is more than 0 ms.".to_owned())
            }
            StreamTarget::Group { .. } if connection.streams.get(id).is_some() => {
                bad(format!("The stream '{id}' is open already."))
            }
            StreamTarget::Group { .. } if connection.streams.len() >= MOST_STREAMS => {
                bad(format!("A connection can have {MOST_STREAMS} open streams at most."))
            }
            StreamTarget::Group { group, no_echo } => Ok((group, *no_echo)),
        };
        let answer = match &judged {
            Ok((group, no_echo)) => {
                let idle = idle_timeout_ms.map_or(STREAM_IDLE_TIMEOUT, |millis| Duration::from_millis(millis.into()));
                connection.streams.open(id, OpenStream::new(group, *no_echo, idle, now));
                self.watch_idle_streams(key);
                StreamAnswer::Ack { stream_id: id.into(), expected: 1 }
            }
            Err((name, message)) => closed(id, Some((name, message))),
        };
        self.tell_stream(key, answer, ack);
    }

    fn take_fragment(&mut self, key: ConnectionKey, id: &str, sequence_id: u64, data: Data<'_>, ack: AckEffect) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (user, permissions) = (connection.user.clone(), &connection.permissions);
        let Some(stream) = connection.streams.get_mut(id) else { return self.miss_stream(key, id, ack) };
        if !permissions.may_send(&stream.group) {
            let message = format!("The client does not have permission to send to group '{}'.", stream.group);
            return self.fail_stream(key, id, "Forbidden", &message);
        }
        let expected = stream.next;
        if sequence_id > expected {
            let message = format!("The next fragment is {expected}, not {sequence_id}.");
            let (name, message) = ("InvalidSequenceId".into(), message.into());
            return self.tell_stream(key, StreamAnswer::Nack { stream_id: id.into(), expected, name, message }, ack);
        }
        if sequence_id == expected {
            stream.next = expected.saturating_add(1);
            stream.touch(now);
            let (group, excluded) = (stream.group.clone(), stream.no_echo.then_some(key));
            let info =
                StreamInfo { stream_id: id.into(), stream_sequence_id: expected, end_of_stream: None, error: None };
            self.publish_fragment(&group, Publisher { user, excluded }, data, &info);
        }
        // What came before is not published again.
        let expected = self.stream(key, id).map_or(expected, |stream| stream.next);
        self.tell_stream(key, StreamAnswer::Ack { stream_id: id.into(), expected }, ack);
    }

    fn end_stream(&mut self, key: ConnectionKey, id: &str, error: Option<&StreamEndError<'_>>, ack: AckEffect) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let user = connection.user.clone();
        let Some(stream) = connection.streams.close(id) else { return self.miss_stream(key, id, ack) };
        let error = error.map(|StreamEndError { message, user_error_code }| StreamError {
            name: "UserError".into(),
            message: message.clone().unwrap_or_default(),
            user_error_code: user_error_code.clone().unwrap_or_default(),
        });
        self.publish_end(key, user, id, &stream, error);
        self.tell_stream(key, closed(id, None), ack);
    }

    /// The publisher speaks of a stream that is not open.
    fn miss_stream(&mut self, key: ConnectionKey, id: &str, ack: AckEffect) {
        let message = format!("There is no open stream '{id}'.");
        self.tell_stream(key, closed(id, Some(("StreamNotFound", &message))), ack);
    }

    /// The service ends a stream by itself: publisher and subscribers are told.
    fn fail_stream(&mut self, key: ConnectionKey, id: &str, name: &str, message: &str) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let user = connection.user.clone();
        if let Some(stream) = connection.streams.close(id) {
            let error = StreamError { name: name.into(), message: message.into(), user_error_code: "".into() };
            self.publish_end(key, user, id, &stream, Some(error));
        }
        self.tell_stream(key, closed(id, Some((name, message))), AckEffect::default());
    }

    /// A fault refuses what a publisher says: a start for good, the rest for now.
    fn refuse_stream(&mut self, key: ConnectionKey, request: &StreamRequest<'_>, name: &str, message: &str) {
        let stream_id: Cow<'_, str> = request.stream_id().into();
        let open = self.stream(key, &stream_id).map(|stream| stream.next);
        let answer = match (request, open) {
            (StreamRequest::Start { .. }, _) | (_, None) => closed(&stream_id, Some((name, message))),
            (
                StreamRequest::Data { .. } | StreamRequest::Keepalive { .. } | StreamRequest::End { .. },
                Some(expected),
            ) => StreamAnswer::Nack { stream_id, expected, name: name.into(), message: message.into() },
        };
        self.tell_stream(key, answer, AckEffect::default());
    }

    fn publish_fragment(&mut self, group: &str, publisher: Publisher, data: Data<'_>, info: &StreamInfo<'_>) {
        let Publisher { user, excluded } = publisher;
        let stream = info.to_json();
        let message = Message {
            origin: Origin::Group { group: group.into(), user_id: user.as_deref().map(Cow::Borrowed) },
            sequence_id: None,
            data,
            metadata: None,
            stream: Some(&stream),
            redelivered: false,
        };
        let delivery = if info.is_end() { Delivery::end_of_stream(message) } else { Delivery::new(message) };
        self.publish(group, delivery, excluded);
    }

    /// The last message of a stream takes the next number. An empty text goes with it: official clients drop a message
    /// without a type, and take one with a payload for a fragment (PROTOCOL §9.1).
    fn publish_end(
        &mut self,
        key: ConnectionKey,
        user: Option<Arc<str>>,
        id: &str,
        stream: &OpenStream,
        error: Option<StreamError<'_>>,
    ) {
        let info =
            StreamInfo { stream_id: id.into(), stream_sequence_id: stream.next, end_of_stream: Some(true), error };
        let excluded = stream.no_echo.then_some(key);
        self.publish_fragment(&stream.group, Publisher { user, excluded }, Data::Text(Text::Plain("")), &info);
    }

    /// A connection has ended: so have its streams (PROTOCOL §9.1, `Cancelled`).
    pub(super) fn cancel_streams(
        &mut self,
        key: ConnectionKey,
        user: Option<Arc<str>>,
        streams: impl Iterator<Item = (String, OpenStream)>,
    ) {
        for (id, stream) in streams {
            let error = StreamError {
                name: "Cancelled".into(),
                message: "The connection of the stream's publisher has ended.".into(),
                user_error_code: "".into(),
            };
            self.publish_end(key, user.clone(), &id, &stream, Some(error));
        }
    }

    /// Sets the timer for the stream that is idle first.
    fn watch_idle_streams(&mut self, key: ConnectionKey) {
        let Some(at) = self.connections.get(key).and_then(|connection| connection.streams.next_idle()) else { return };
        // One that is set already and comes too early finds nothing to do.
        if self.timers.deadline(Timer::StreamIdle(key)).is_none_or(|set| at < set) {
            self.timers.set(Timer::StreamIdle(key), at);
        }
    }

    /// Ends the streams of a connection that nothing has come for.
    pub(super) fn end_idle_streams(&mut self, key: ConnectionKey) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(key) else { return };
        if !connection.held.is_empty() {
            // What has come for them waits for slow receivers.
            connection.streams.touch_all(now);
        }
        for id in connection.streams.idle(now) {
            self.fail_stream(key, &id, "IdleTimeout", "Nothing has come for the stream within its idle timeout.");
        }
        self.watch_idle_streams(key);
    }

    /// Tells a publisher, unless a fault has something else in mind for the answer.
    fn tell_stream(&mut self, key: ConnectionKey, answer: StreamAnswer<'_>, effect: AckEffect) {
        if effect.swallowed {
            return;
        }
        let frame = Downstream::Stream(answer);
        for _ in 0..1 + usize::from(effect.doubled) {
            match effect.delay {
                None => self.tell(key, &frame),
                Some(delay) => {
                    let Some(connection) = self.connections.get_mut(key) else { return };
                    let (Some(codec), Some(attachment)) = (connection.codec(), connection.attachment()) else { return };
                    let frame = codec.encode_downstream(&frame);
                    self.injector.postpone(attachment.socket(), self.now.saturating_add(delay), Postponed::Send(frame));
                }
            }
        }
    }
}

fn closed<'a>(id: &'a str, error: Option<(&'a str, &'a str)>) -> StreamAnswer<'a> {
    let error = error.map(|(name, message)| AckError { name: name.into(), message: message.into() });
    StreamAnswer::Closed { stream_id: id.into(), error }
}
