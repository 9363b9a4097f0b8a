//! The hub's timers: a table of names and deadlines. The server sleeps until the earliest.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::time::Duration;

use super::boundary::SocketId;
use super::key::{ConnectionKey, IdMap};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// Time to ping a socket or to drop it (PROTOCOL §8.1).
    Keepalive(SocketId),
    /// The recovery window of a connection ends (PROTOCOL §7.2).
    Recovery(ConnectionKey),
    /// Publishers have waited long enough for a slow receiver.
    Patience(ConnectionKey),
    /// A message that waits for a reliable connection has become too old (PROTOCOL §13, `messageTtlSeconds`).
    Aging(ConnectionKey),
    /// A stream of a connection has been idle for too long (PROTOCOL §9.1).
    StreamIdle(ConnectionKey),
    /// A fault lets the token of a connection expire.
    Expiry(ConnectionKey),
}

/// Each timer has at most one deadline.
#[derive(Debug)]
pub(super) struct Timers<T> {
    deadlines: IdMap<T, Duration>,
    queue: BTreeSet<(Duration, T)>,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { deadlines: IdMap::default(), queue: BTreeSet::new() }
    }
}

impl<T: Copy + Ord + Hash> Timers<T> {
    /// Sets a timer, or moves it.
    pub(super) fn set(&mut self, timer: T, at: Duration) {
        self.cancel(timer);
        self.deadlines.insert(timer, at);
        self.queue.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, timer: T) {
        if let Some(at) = self.deadlines.remove(&timer) {
            self.queue.remove(&(at, timer));
        }
    }

    /// When a timer is due, if it is set.
    pub(super) fn deadline(&self, timer: T) -> Option<Duration> {
        self.deadlines.get(&timer).copied()
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Duration> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes the earliest timer that is due.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<T> {
        let (at, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }
}
