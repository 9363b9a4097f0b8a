//! The queue between the driver's task and the reader of events.
//!
//! A channel of tokio's would not do: the sink has to say that there is room without taking it, and to go on putting
//! things in that came with the last batch that it had room for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::event::Event;

/// The most bytes of data that wait before nothing more is read.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub struct EventQueue {
    limit: usize,
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    events: VecDeque<Event>,
    /// Of their data.
    bytes: usize,
    /// Waits for an event.
    reader: Option<Waker>,
    /// Waits for room.
    writer: Option<Waker>,
    /// Nothing follows.
    ended: bool,
    /// Nobody reads.
    abandoned: bool,
}

impl EventQueue {
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.state();
        let Some(event) = state.events.pop_front() else {
            if state.ended {
                return Poll::Ready(None);
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        state.bytes -= event.weight();
        // Half of it is worth waking somebody for, so that not every event costs a turn of two tasks.
        let has_room = state.events.len() <= self.limit / 2 && state.bytes <= MOST_BYTES / 2;
        let writer = if has_room { state.writer.take() } else { None };
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Poll::Ready(Some(event))
    }

    pub fn abandon(&self) {
        let mut state = self.state();
        state.abandoned = true;
        let events = std::mem::take(&mut state.events);
        state.bytes = 0;
        let writer = state.writer.take();
        drop(state);
        drop(events);
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

/// The driver's end. Nothing follows when it is dropped.
#[derive(Debug)]
pub struct EventWriter(Arc<EventQueue>);

impl EventWriter {
    pub fn new(queue: Arc<EventQueue>) -> Self {
        Self(queue)
    }

    pub fn put(&self, event: Event) {
        let mut state = self.0.state();
        if state.abandoned {
            return;
        }
        state.bytes += event.weight();
        state.events.push_back(event);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Whether somebody reads; nothing has to be copied for nobody.
    pub fn is_read(&self) -> bool {
        !self.0.state().abandoned
    }

    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.state();
        if state.abandoned || (state.events.len() < self.0.limit && state.bytes < MOST_BYTES) {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(group: &str) -> Event {
        Event::Left { group: group.to_owned() }
    }

    #[test]
    fn there_is_room_again_when_half_is_taken_and_what_came_late_is_kept() {
        let queue = Arc::new(EventQueue::new(2));
        let writer = EventWriter::new(Arc::clone(&queue));
        let mut cx = Context::from_waker(Waker::noop());
        let take = || match queue.poll_take(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Event::Left { group })) => group,
            other => panic!("{other:?}"),
        };
        for group in ["a", "b", "c"] {
            writer.put(event(group));
        }
        assert!(writer.poll_room(&mut cx).is_pending());
        assert_eq!([take(), take(), take()], ["a", "b", "c"]);
        assert!(writer.poll_room(&mut cx).is_ready());
    }

    #[test]
    fn what_nobody_reads_is_let_go_and_what_waits_at_the_end_is_not() {
        let queue = Arc::new(EventQueue::new(1));
        let writer = EventWriter::new(Arc::clone(&queue));
        let mut cx = Context::from_waker(Waker::noop());
        writer.put(event("a"));
        drop(writer);
        assert!(matches!(queue.poll_take(&mut cx), Poll::Ready(Some(Event::Left { .. }))));
        assert!(matches!(queue.poll_take(&mut cx), Poll::Ready(None)));

        let queue = Arc::new(EventQueue::new(1));
        let writer = EventWriter::new(Arc::clone(&queue));
        writer.put(event("a"));
        assert!(writer.poll_room(&mut cx).is_pending());
        queue.abandon();
        writer.put(event("b"));
        assert!(writer.poll_room(&mut cx).is_ready() && !writer.is_read());
    }
}
