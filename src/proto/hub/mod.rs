//! The service's side of the protocol without I/O: connections, groups, acks, recovery, delivery.
//!
//! A [`Hub`] is told what happened (`handle_*`) and asked what to do (`poll_output`, after every input, until it is
//! `None`) and when to be called again at the latest (`poll_timeout`). Time is a duration since an origin of the
//! caller's choice and never runs backwards; ids and tokens come from a seed. The same inputs give the same outputs.
//! User events leave as an output and come back, answered, as an input. Called by the emulator's server and by tests.

mod acks;
mod admin;
mod boundary;
#[cfg(any(test, fuzzing))]
mod check;
mod config;
mod congestion;
mod connections;
mod delivery;
mod encoded;
mod farewell;
mod faults;
mod groups;
mod ids;
mod injector;
mod inspect;
mod invoke;
mod key;
mod negotiation;
mod operation;
mod operations;
mod pace;
mod permissions;
mod session;
mod states;
mod streams;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

pub use admin::{Grant, Joined, MemberPage, Outgoing, Recipient, Selection, Sent, Target};
pub use boundary::{
    ClientKind, CloseKind, Cut, EventAnswer, EventId, Fresh, Open, Output, SimpleMode, SocketId, UserEvent, Violation,
};
pub use config::HubConfig;
pub use ids::Ids;
pub use inspect::{ConnectionInfo, GroupInfo};
pub use negotiation::negotiate;
pub use permissions::Permission;

use congestion::Congestion;
use connections::Connections;
use groups::Groups;
use injector::Injector;
use key::ConnectionKey;
use operations::PendingEvent;
use states::States;
use timers::{Timer, Timers};

use super::WireFrame;
use super::fault::Faults;

/// Whether a close frame is that for a client that reads too slowly.
#[cfg(test)]
pub(crate) fn is_for_slowness(reason: &str) -> bool {
    reason == farewell::Farewell::TOO_SLOW.reason
}

/// One hub of the service.
#[derive(Debug)]
pub struct Hub {
    config: HubConfig,
    ids: Ids,
    /// When the input that is being handled happened.
    now: Duration,
    connections: Connections,
    groups: Groups,
    /// What members of groups say of themselves.
    states: States,
    /// Receivers whose load is still to be looked at, before the input is done with.
    unchecked: BTreeSet<ConnectionKey>,
    /// Events whose handler has not answered yet.
    events: HashMap<EventId, PendingEvent>,
    /// Receivers that publishers wait for.
    congestion: Congestion,
    /// Connections with held frames, each once.
    waiting: VecDeque<ConnectionKey>,
    /// Somebody has nobody to wait for any more: held frames have to be looked at.
    release_due: bool,
    /// A receiver was let go: senders outside the hub may try again, once they ask.
    released: bool,
    timers: Timers<Timer>,
    outputs: VecDeque<Output>,
    events_asked: u64,
    injector: Injector,
    /// The service stopped.
    stopped: bool,
}

impl Hub {
    /// A hub without connections. The seed decides all ids and tokens, so it has to be random where that matters.
    pub fn new(config: HubConfig, seed: &[u8; 32]) -> Self {
        Self {
            config,
            ids: Ids::new(seed),
            now: Duration::ZERO,
            connections: Connections::default(),
            groups: Groups::default(),
            states: States::default(),
            unchecked: BTreeSet::new(),
            events: HashMap::new(),
            congestion: Congestion::default(),
            waiting: VecDeque::new(),
            release_due: false,
            released: false,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            events_asked: 0,
            injector: Injector::new(Faults::new(0), "".into()),
            stopped: false,
        }
    }

    /// A frame came.
    pub fn handle_frame(&mut self, now: Duration, socket: SocketId, frame: WireFrame<'_>) {
        if let Some(key) = self.hear_frame(now, socket) {
            self.take_in(key, frame);
            self.count_frame(socket);
            self.settle(now);
        }
    }

    /// Any other sign of life came: a WebSocket ping or pong.
    pub fn handle_life(&mut self, now: Duration, socket: SocketId) {
        self.hear(now, socket);
    }

    /// Notes a frame, which is a sign of life.
    fn hear_frame(&mut self, now: Duration, socket: SocketId) -> Option<ConnectionKey> {
        let key = self.hear(now, socket)?;
        self.connections.get_mut(key)?.received += 1;
        Some(key)
    }

    /// Notes a sign of life. Sockets the hub has forgotten are not listened to.
    fn hear(&mut self, now: Duration, socket: SocketId) -> Option<ConnectionKey> {
        self.now = now;
        let key = self.connections.on(socket)?;
        self.connections.attachment(key)?.heard = now;
        Some(key)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        loop {
            if let Some(output) = self.injector.take_passed() {
                return Some(output);
            }
            let output = self.outputs.pop_front()?;
            if !self.injector.looks_at_outputs() {
                return Some(output);
            }
            self.pass(output);
        }
    }

    /// When `handle_timeout` has to be called at the latest. Asked after the outputs were taken.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next().into_iter().chain(self.injector.next_timeout()).min()
    }

    /// How many connections it holds, those that wait to be recovered included.
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }

    /// Whether there is no connection, attached or recoverable, and no socket that waits for its end in silence or for what
    /// a fault holds back.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty() && !self.injector.has_unfinished()
    }
}
