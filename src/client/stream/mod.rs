//! The events of a client, from the driver's task to whoever reads them.

mod event;
mod queue;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

pub use event::{Event, Message, StreamFailure, StreamPart};
use queue::EventQueue;
pub(crate) use queue::{EventWriter, MOST_BYTES};

/// What happens to a client, in order: a [`Stream`] of [`Event`]s, of which [`Event::Ended`] is the last.
///
/// It holds a limited number of events that nobody has taken yet
/// ([`Builder::event_buffer`](crate::Builder::event_buffer), 1024 unless set otherwise) and 4 MiB of their data. With
/// more than that waiting, the socket is not read until some are taken: messages and acks stay where they are, and
/// operations wait; a connection that is lost meanwhile is not recovered before there is room for what it would replay.
/// The service ends a connection that is 1000 messages or 16 MiB behind (PROTOCOL §7.1).
///
/// Messages are acknowledged to the service when they come here, not when they are taken (PROTOCOL §7.1).
///
/// Dropping it leaves the connection as it is; events are let go from then on.
#[derive(Debug)]
pub struct Events(Arc<EventQueue>);

impl Events {
    /// The next event; `None` once the last was taken. Cancel-safe: no event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.0.poll_take(cx)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_take(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Both ends of a queue for so many events.
pub(crate) fn channel(limit: usize) -> (EventWriter, Events) {
    let queue = Arc::new(EventQueue::new(limit));
    (EventWriter::new(Arc::clone(&queue)), Events(queue))
}
