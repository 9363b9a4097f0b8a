//! Outputs that are held back, and those that have passed. What goes to one socket stays in its order.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use crate::hub::boundary::{Output, SocketId};

/// The outputs on their way out.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// A queue for each socket that has anything held back.
    queues: HashMap<SocketId, Queue>,
    passed: VecDeque<Output>,
}

/// Outputs of one socket that are held back.
#[derive(Debug, Default)]
struct Queue {
    /// Each with when it goes out.
    outputs: VecDeque<(Duration, Output)>,
    /// When the last of them is through, as far as bandwidth goes.
    free_at: Duration,
}

impl Throttle {
    /// Whether nothing is held back.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Lets an output pass at once, whatever is held back.
    pub(super) fn pass(&mut self, output: Output) {
        self.passed.push_back(output);
    }

    pub(super) fn take_passed(&mut self) -> Option<Output> {
        self.passed.pop_front()
    }

    /// Lets an output pass, at once or later, never before those of the same socket that came earlier. `Some`: it is the
    /// first of its socket that is held back, until then.
    pub(super) fn put(
        &mut self,
        now: Duration,
        socket: SocketId,
        output: Output,
        latency: Duration,
        bandwidth: Option<u64>,
    ) -> Option<Duration> {
        if latency.is_zero() && bandwidth.is_none() && !self.queues.contains_key(&socket) {
            self.passed.push_back(output);
            return None;
        }
        let queue = self.queues.entry(socket).or_default();
        if let (Some(rate), Output::Send { frame, .. }) = (bandwidth, &output) {
            let nanos = (frame.len() as u128).saturating_mul(1_000_000_000) / u128::from(rate.max(1));
            let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            queue.free_at = queue.free_at.max(now).saturating_add(takes);
        }
        let before = queue.outputs.back().map_or(now, |(at, _)| *at);
        let at = now.max(queue.free_at).saturating_add(latency).max(before);
        queue.outputs.push_back((at, output));
        (queue.outputs.len() == 1).then_some(at)
    }

    /// Lets go of what was held back long enough. `Some`: when the next may go.
    pub(super) fn release(&mut self, now: Duration, socket: SocketId) -> Option<Duration> {
        let queue = self.queues.get_mut(&socket)?;
        while let Some((_, output)) = queue.outputs.pop_front_if(|(at, _)| *at <= now) {
            self.passed.push_back(output);
        }
        let next = queue.outputs.front().map(|(at, _)| *at);
        if next.is_none() {
            self.queues.remove(&socket);
        }
        next
    }

    /// Lets go of all that is held back. Gives whose it was.
    pub(super) fn release_all(&mut self) -> BTreeSet<SocketId> {
        let sockets = self.queues.keys().copied().collect();
        for socket in &sockets {
            let queue = self.queues.remove(socket).unwrap_or_default();
            self.passed.extend(queue.outputs.into_iter().map(|(_, output)| output));
        }
        sockets
    }

    /// Drops what is held back for a socket. Tells whether there was anything.
    pub(super) fn forget(&mut self, socket: SocketId) -> bool {
        self.queues.remove(&socket).is_some()
    }
}
