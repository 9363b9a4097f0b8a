//! Slow receivers and the publishers that outrun them.
//!
//! A receiver beyond a limit is closed for good (PROTOCOL §7.1). Before it comes to that, publishers to its groups wait
//! for it, for a limited time: their frames are held and carried out in order when it has caught up. Frames that help
//! others catch up (`sequenceAck`) or prove life (`ping`) pass by, so that two connections that publish to each other
//! never wait for each other's acknowledgements. A publisher with too much held is not read from any more.
//!
//! Events wait in the same way for the application's handlers, which may be slow: a client that sends more of them than
//! are answered is held, too.

use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use super::boundary::{Output, SocketId};
use super::connections::{Connection, Pace};
use super::farewell::{Farewell, LEFT};
use super::key::ConnectionKey;
use super::operation::{Flow, Operation};
use super::timers::Timer;
use crate::{Unpacked, Upstream, WireFrame};

/// From here on publishers wait.
pub(super) const HIGH_PERCENT: usize = 75;
/// From here down they do not.
const LOW_PERCENT: usize = 50;
/// A publisher with so many bytes held is not read from.
const MAX_HELD_BYTES: usize = 1024 * 1024;
/// A publisher with so many frames held is not read from.
const MAX_HELD_FRAMES: usize = 4096;

impl Hub {
    /// So much of what was sent to a socket has been written to it.
    pub fn handle_written(&mut self, now: Duration, socket: SocketId, cost: usize) {
        let Some(key) = self.connections.on(socket) else { return };
        if let Some(attachment) = self.connections.attachment(key) {
            attachment.backlog = attachment.backlog.saturating_sub(cost);
        }
        self.relax(key);
        self.settle(now);
    }

    /// Closes a receiver that is beyond a limit; makes publishers wait for one that is near it.
    pub(super) fn check_load(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let load = connection.load(&self.config);
        if load > 100 {
            self.expel(key, Farewell::TOO_SLOW);
            return;
        }
        // A connection without a socket cannot catch up, so nobody waits for it.
        let waits = connection.is_attached() && !self.config.patience.is_zero();
        if load >= HIGH_PERCENT && connection.pace == Pace::Free && waits {
            connection.pace = Pace::Congested;
            self.congestion.insert(key, &connection.groups);
            self.timers.set(Timer::Patience(key), self.now.saturating_add(self.config.patience));
        }
    }

    /// Lets publishers go on when a receiver has caught up.
    pub(super) fn relax(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.pace != Pace::Free && connection.load(&self.config) <= LOW_PERCENT {
            connection.pace = Pace::Free;
            self.stop_waiting_for(key);
        }
    }

    /// Publishers have waited long enough.
    pub(super) fn lose_patience(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.pace = Pace::Overdue;
            self.stop_waiting_for(key);
        }
    }

    /// Takes a receiver out of the waited-for ones; held frames are looked at again before the input is done with.
    pub(super) fn stop_waiting_for(&mut self, key: ConnectionKey) {
        self.timers.cancel(Timer::Patience(key));
        let Some(connection) = self.connections.get(key) else { return };
        let Some(freed) = self.congestion.remove(key, &connection.groups) else { return };
        self.released = true;
        // Those of a group are looked at once the last of its receivers was let go, not after each of them.
        let states = &self.states;
        let is_told = |group: &Arc<str>| states.subscribers(group).is_some_and(|told| told.contains(&key));
        self.release_due |= freed || !connection.held.is_empty() || connection.groups.iter().any(is_told);
    }

    /// A connection has left a group: publishers to it have nobody to wait for any more.
    pub(super) fn stop_waiting_in(&mut self, key: ConnectionKey, group: &str) {
        if self.congestion.left(key, group) {
            self.release_due = true;
            self.released = true;
        }
    }

    /// Whether a receiver was let go since this was asked last: senders that were told to wait may try again.
    pub fn take_released(&mut self) -> bool {
        std::mem::take(&mut self.released)
    }

    /// Whether an operation would add to the load of a receiver that is waited for.
    pub(super) fn must_wait(&self, key: ConnectionKey, operation: &Operation<'_>) -> bool {
        match operation {
            Operation::Event { .. } if self.has_many_pending(key) => true,
            _ if self.congestion.is_empty() => false,
            Operation::Join { .. } | Operation::Leave { .. } | Operation::UnsubscribeState { .. } => false,
            // The answer comes to the sender.
            Operation::Event { .. } | Operation::SubscribeState { .. } => self.congestion.contains(key),
            Operation::SetState { group, .. } => {
                self.is_congested(group)
                    && self.states.subscribers(group).is_some_and(|told| self.congestion.is_among(told))
            }
            Operation::Send { group, .. } => self.is_congested(group),
        }
    }

    /// Whether a member of the group is a receiver that is waited for.
    pub(super) fn is_congested(&self, group: &str) -> bool {
        self.congestion.is_in(group)
    }

    /// The first frame that is held of a connection waits for a member of this group.
    pub(super) fn await_group(&mut self, key: ConnectionKey, group: &str) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.held.wait_for(group);
        }
    }

    /// Whether a connection has as many events at their handler as it may.
    pub(super) fn has_many_pending(&self, key: ConnectionKey) -> bool {
        self.connections.get(key).is_some_and(|connection| connection.pending.is_full(&self.config))
    }

    /// A frame came in: carries it out, or holds it.
    pub(super) fn take_in(&mut self, key: ConnectionKey, frame: WireFrame<'_>) {
        let Some(connection) = self.connections.get(key) else { return };
        let first = connection.held.is_empty();
        if first {
            if self.accept(key, frame) == Flow::Done {
                return;
            }
        } else if self.pass_by(key, frame) {
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.held.push(frame);
        if first {
            self.waiting.push_back(key);
        }
        self.adjust_reading(key);
    }

    /// Carries out a frame that need not wait behind held ones.
    fn pass_by(&mut self, key: ConnectionKey, frame: WireFrame<'_>) -> bool {
        let Some(codec) = self.connections.get(key).and_then(Connection::codec) else { return false };
        let passes = matches!(
            codec.decode_upstream(frame, &mut Unpacked::default()),
            Ok(Upstream::SequenceAck(_) | Upstream::Ping)
        );
        if passes {
            self.accept(key, frame);
        }
        passes
    }

    /// Looks at receivers that were left for now, and carries out held frames for as long as a receiver was let go.
    pub(super) fn settle(&mut self, now: Duration) {
        self.now = now;
        loop {
            // One that is ended for its load may have others told of it, who are looked at then.
            while let Some(key) = self.unchecked.pop_first() {
                self.check_load(key);
            }
            if !std::mem::take(&mut self.release_due) {
                return;
            }
            for _ in 0..self.waiting.len() {
                let Some(key) = self.waiting.pop_front() else { break };
                self.carry_out_held(key);
            }
        }
    }

    fn carry_out_held(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key) else { return };
        if connection.held.awaited().is_some_and(|group| self.is_congested(group)) {
            self.waiting.push_back(key);
            return;
        }
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return };
            let Some(held) = connection.held.pop() else { break };
            if self.accept(key, held.as_wire()) == Flow::Wait {
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.held.put_back(held);
                    self.waiting.push_back(key);
                }
                self.adjust_reading(key);
                return;
            }
        }
        if self.connections.get(key).is_some_and(|connection| !connection.is_present()) {
            self.end_by_client(key, LEFT);
        } else {
            self.adjust_reading(key);
        }
    }

    /// Stops and resumes reading by how much is held.
    pub(super) fn adjust_reading(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (bytes, frames) = (connection.held.bytes(), connection.held.len());
        let now = self.now;
        let Some(attachment) = connection.attachment() else { return };
        let socket = attachment.socket();
        if !attachment.paused && (bytes >= MAX_HELD_BYTES || frames >= MAX_HELD_FRAMES) {
            attachment.paused = true;
            self.outputs.push_back(Output::Pause { socket });
        } else if attachment.paused && bytes <= MAX_HELD_BYTES / 2 && frames <= MAX_HELD_FRAMES / 2 {
            attachment.paused = false;
            // The silence was the hub's own.
            attachment.heard = now;
            self.outputs.push_back(Output::Resume { socket });
        }
    }
}
