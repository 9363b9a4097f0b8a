//! From one published message to its receivers: encoded once, queued for each (PROTOCOL §5.4, §5.6, §7.1).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Hub;
use super::boundary::Output;
use super::connections::{Client, Connection};
use super::encoded::Encoded;
use super::key::ConnectionKey;
use super::timers::Timer;
use crate::{Codec, Data, EncodedFrame, Message, SharedMessage, StateFrame};

/// A message on its way to any number of receivers. Each form is made for the first receiver that needs it.
pub(super) struct Delivery<'a> {
    content: Content<'a>,
    encoded: PerCodec<Arc<Encoded>>,
    /// For non-reliable PubSub clients, who all get the same bytes.
    plain: PerCodec<EncodedFrame>,
    /// For simple clients.
    bare: Option<EncodedFrame>,
    /// When the message is not worth delivering any more.
    expires: Option<Duration>,
    /// All that it says stands beside its payload, where simple clients see nothing.
    is_end_of_stream: bool,
}

/// What receivers get under a sequence id.
enum Content<'a> {
    Message(Message<'a>),
    States(StateFrame<'a>),
}

impl Content<'_> {
    fn encoded(&self, codec: Codec) -> Encoded {
        Encoded::new(match self {
            Self::Message(message) => SharedMessage::new(codec, message),
            Self::States(frame) => SharedMessage::group_state(codec, frame),
        })
    }
}

/// What is made once for each codec.
struct PerCodec<T> {
    json: Option<T>,
    protobuf: Option<T>,
}

impl<T> PerCodec<T> {
    fn of(&mut self, codec: Codec) -> &mut Option<T> {
        match codec {
            Codec::Json => &mut self.json,
            Codec::Protobuf => &mut self.protobuf,
        }
    }
}

impl<T> Default for PerCodec<T> {
    fn default() -> Self {
        Self { json: None, protobuf: None }
    }
}

impl<'a> Delivery<'a> {
    pub(super) fn new(message: Message<'a>) -> Self {
        Self::of(Content::Message(message))
    }

    /// The last message of a stream (PROTOCOL §9.1).
    pub(super) fn end_of_stream(message: Message<'a>) -> Self {
        Self { is_end_of_stream: true, ..Self::new(message) }
    }

    /// What is told of states.
    pub(super) fn states(frame: StateFrame<'a>) -> Self {
        Self::of(Content::States(frame))
    }

    fn of(content: Content<'a>) -> Self {
        let (encoded, plain, bare, expires) = (PerCodec::default(), PerCodec::default(), None, None);
        Self { content, encoded, plain, bare, expires, is_end_of_stream: false }
    }

    /// A message that is dropped at that time where it is still kept then.
    pub(super) fn expiring(message: Message<'a>, expires: Option<Duration>) -> Self {
        Self { expires, ..Self::new(message) }
    }

    fn encoded(&mut self, codec: Codec) -> &Arc<Encoded> {
        self.encoded.of(codec).get_or_insert_with(|| Arc::new(self.content.encoded(codec)))
    }

    fn plain(&mut self, codec: Codec) -> EncodedFrame {
        if let Some(plain) = self.plain.of(codec) {
            return plain.clone();
        }
        let plain = self.encoded(codec).plain();
        self.plain.of(codec).insert(plain).clone()
    }

    /// `None`: there is none for simple clients, who cannot ask for it.
    fn bare(&mut self) -> Option<EncodedFrame> {
        let Content::Message(message) = &self.content else { return None };
        Some(self.bare.get_or_insert_with(|| bare_frame(message.data)).clone())
    }

    /// Queues the message for one connection.
    pub(super) fn deliver(&mut self, connection: &mut Connection, outputs: &mut VecDeque<Output>) {
        if !connection.is_present() {
            return;
        }
        match connection.ends() {
            (Client::Simple(_) | Client::Plain { .. }, None) => {}
            (Client::Simple(_), Some(_)) if self.is_end_of_stream => {}
            (Client::Simple(_), Some(attachment)) => {
                if let Some(frame) = self.bare() {
                    attachment.send(frame, outputs);
                }
            }
            (Client::Plain { subprotocol, .. }, Some(attachment)) => {
                attachment.send(self.plain(subprotocol.codec()), outputs);
            }
            (Client::Reliable { subprotocol, queue, .. }, attachment) => {
                let codec = subprotocol.codec();
                let sequence_id = queue.push(Arc::clone(self.encoded(codec)), self.expires);
                if let Some(attachment) = attachment {
                    attachment.send(self.encoded(codec).frame(sequence_id), outputs);
                }
            }
        }
    }
}

/// The frame a simple client gets (PROTOCOL §3, downstream).
fn bare_frame(data: Data<'_>) -> EncodedFrame {
    match data {
        Data::Json(raw) => EncodedFrame::Text(Bytes::copy_from_slice(raw.as_bytes())),
        Data::Text(text) => EncodedFrame::from(text.decode().into_owned()),
        // What is not base64 was refused where it came in.
        Data::Binary(_) | Data::Protobuf(_) => {
            EncodedFrame::Binary(data.to_bytes().map(|bytes| bytes.into_owned().into()).unwrap_or_default())
        }
    }
}

impl Hub {
    /// Delivers a message to all members of a group but `excluded`.
    pub(super) fn publish(&mut self, group: &str, mut delivery: Delivery<'_>, excluded: Option<ConnectionKey>) {
        let Some(members) = self.groups.members(group) else { return };
        let (mut loaded, mut aging) = (Vec::new(), Vec::new());
        for key in members.iter().filter(|key| Some(**key) != excluded) {
            let Some(connection) = self.connections.get_mut(*key) else { continue };
            delivery.deliver(connection, &mut self.outputs);
            if connection.load(&self.config) >= super::pace::HIGH_PERCENT {
                loaded.push(*key);
            }
            if delivery.expires.is_some() {
                aging.push(*key);
            }
        }
        for key in aging {
            self.schedule_expiry(key);
        }
        for key in loaded {
            self.check_load(key);
        }
    }

    /// Delivers a message to any connections, in the order given.
    pub(super) fn deliver_to_all(&mut self, keys: &[ConnectionKey], mut delivery: Delivery<'_>) {
        for key in keys {
            if let Some(connection) = self.connections.get_mut(*key) {
                delivery.deliver(connection, &mut self.outputs);
            }
        }
        for key in keys {
            if delivery.expires.is_some() {
                self.schedule_expiry(*key);
            }
            self.check_load(*key);
        }
    }

    /// Drops what has become too old for a connection that did not take it in time.
    pub(super) fn drop_old(&mut self, key: ConnectionKey) {
        let now = self.now;
        if let Some(queue) = self.connections.queue(key) {
            queue.expire(now);
        }
        self.schedule_expiry(key);
        self.relax(key);
    }

    fn schedule_expiry(&mut self, key: ConnectionKey) {
        if let Some(at) = self.connections.queue(key).and_then(|queue| queue.next_expiry()) {
            self.timers.set(Timer::Aging(key), at);
        }
    }

    /// Delivers a message to one connection.
    pub(super) fn deliver_to(&mut self, key: ConnectionKey, message: Message<'_>) {
        if let Some(connection) = self.connections.get_mut(key) {
            Delivery::new(message).deliver(connection, &mut self.outputs);
            self.check_load(key);
        }
    }
}
