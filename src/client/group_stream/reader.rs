//! Reading streams.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use thiserror::Error;

use super::inbox::{Inbox, ListenerId, SlotId};
use crate::stream::{Message, StreamFailure};
use webpubsub_proto::session::StreamTrouble;

/// The streams that are published to a group, as they begin: a [`Stream`] of [`StreamReader`]s, from [`Client::streams`](crate::Client::streams).
///
/// Dropping it leaves the readers that were taken as they are; further streams are [messages](crate::Event::Message) again.
#[derive(Debug)]
pub struct Streams {
    pub(super) inbox: Arc<Inbox>,
    pub(super) group: String,
    pub(super) id: ListenerId,
}

impl Streams {
    /// The next stream, when its first fragment comes; `None`: the client has ended, or the group's streams were asked for
    /// once more. Cancel-safe.
    pub async fn next(&mut self) -> Option<StreamReader> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<StreamReader>> {
        self.inbox.poll_arrival(cx, &self.group, self.id).map(|arrival| {
            arrival.map(|arrival| StreamReader {
                inbox: Arc::clone(&self.inbox),
                group: self.group.clone(),
                stream_id: arrival.stream_id,
                user_id: arrival.user_id,
                slot: arrival.slot,
            })
        })
    }
}

impl Stream for Streams {
    type Item = StreamReader;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StreamReader>> {
        self.get_mut().poll(cx)
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.inbox.stop_listening(&self.group, self.id);
    }
}

/// One stream of a group (PROTOCOL §9.1): its fragments in the order of the service, and how it ended.
///
/// Nothing is merged away (§19.27): a gap or a repeated fragment is an error in the place where it shows, and the fragments
/// go on behind it. With `?` the reading ends there; whoever can do without looks at
/// [`StreamReadError::is_last`].
///
/// **Read it, or drop it**: what nobody takes holds the whole client up, as with [`Events`](crate::Events). Streams that run
/// side by side are read by a task each. What comes for one that was dropped is let go.
#[derive(Debug)]
pub struct StreamReader {
    inbox: Arc<Inbox>,
    group: String,
    stream_id: String,
    user_id: Option<String>,
    slot: SlotId,
}

impl StreamReader {
    /// The group that it is published to.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// What its publisher has named it. Unique among the streams of a connection, not among those of the group.
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// Who publishes it; `None`: somebody anonymous, or a protobuf subprotocol, which does not say.
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// The next fragment: a message whose [`stream`](Message::stream) has its number. `None`: the stream has ended as its
    /// publisher wanted, or its last error was given. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Message, StreamReadError>> {
        poll_fn(|cx| self.inbox.poll_fragment(cx, self.slot)).await
    }
}

impl Stream for StreamReader {
    type Item = Result<Message, StreamReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inbox.poll_fragment(cx, self.slot)
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.inbox.let_go(self.slot);
    }
}

/// What is wrong with a stream that is being read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StreamReadError {
    /// The first fragment that came is not the first of the stream: it was under way already. Fragments follow.
    #[error("the stream was under way already, its first fragment here is {first}")]
    JoinedLate {
        /// Its number.
        first: u64,
    },
    /// Fragments are missing. More follow.
    #[error("the stream is not whole: fragment {number} came where {expected} was next")]
    Gap {
        /// The number that was next.
        expected: u64,
        /// The number that came.
        number: u64,
    },
    /// A fragment came a second time, or after later ones. It follows, and more.
    #[error("the stream is out of order: fragment {number} came where {expected} was next")]
    Repeated {
        /// The number that was next.
        expected: u64,
        /// The number that came.
        number: u64,
    },
    /// It was ended with an error: by its publisher, or by the service. Nothing follows.
    #[error("the stream ended with an error, {0}")]
    Failed(StreamFailure),
    /// Nothing came for five minutes, so that it is taken to have ended (PROTOCOL §19.28). Nothing follows.
    #[error("the stream has not ended, and nothing comes any more")]
    IdleTimeout,
    /// The connection was lost for good, and with it what followed (PROTOCOL §19.28).
    #[error("the stream was cut: the connection was lost before its end")]
    Cut,
    /// The client was closed before the end of the stream.
    #[error("the client was closed before the end of the stream")]
    Closed,
}

impl StreamReadError {
    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        match self {
            Self::Failed(_) | Self::IdleTimeout | Self::Cut | Self::Closed => true,
            Self::JoinedLate { .. } | Self::Gap { .. } | Self::Repeated { .. } => false,
        }
    }
}

impl From<StreamTrouble> for StreamReadError {
    fn from(trouble: StreamTrouble) -> Self {
        match trouble {
            StreamTrouble::JoinedLate { first } => Self::JoinedLate { first },
            StreamTrouble::Gap { expected, number } => Self::Gap { expected, number },
            StreamTrouble::Repeated { expected, number } => Self::Repeated { expected, number },
            StreamTrouble::IdleTimeout => Self::IdleTimeout,
            StreamTrouble::Cut => Self::Cut,
        }
    }
}
