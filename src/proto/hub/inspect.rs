//! What there is to see of a hub from outside, and what can be moved by hand: for the control endpoint.

use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use super::boundary::SocketId;
use super::connections::{Client, Connection, Link};
use super::key::ConnectionKey;
use super::timers::Timer;
use crate::{Codec, StateItem, Subprotocol};

/// A connection as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// What the client knows it by.
    pub id: Arc<str>,
    /// `None` when anonymous.
    pub user: Option<Arc<str>>,
    /// Groups it is a member of, sorted.
    pub groups: Vec<Arc<str>>,
    /// The subprotocol; `None`: a simple client.
    pub protocol: Option<&'static str>,
    /// When it opened, in the hub's time.
    pub opened: Duration,
    /// Frames that came from the client.
    pub received: u64,
    /// Frames that went to the client.
    pub sent: u64,
    /// Messages that were sent and not acknowledged; none but on reliable connections.
    pub unacknowledged: usize,
    /// It has a socket.
    pub attached: bool,
    /// When it ends unless it is recovered, in the hub's time.
    pub recoverable_until: Option<Duration>,
}

/// A group as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its name.
    pub name: Arc<str>,
    /// The ids of its members, in the order they connected.
    pub members: Vec<Arc<str>>,
    /// What some of them say of themselves, in the order they connected.
    pub states: Vec<StateItem>,
    /// The ids of those who are told of that.
    pub subscribers: Vec<Arc<str>>,
}

impl Hub {
    /// All connections, in the order they opened.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let keys = self.connections.keys().into_iter();
        keys.filter_map(|key| Some(self.info(key, self.connections.get(key)?))).collect()
    }

    /// One connection.
    pub fn connection(&self, id: &str) -> Option<ConnectionInfo> {
        let (key, connection) = self.connections.by_id(id)?;
        Some(self.info(key, connection))
    }

    fn info(&self, key: ConnectionKey, connection: &Connection) -> ConnectionInfo {
        ConnectionInfo { recoverable_until: self.timers.deadline(Timer::Recovery(key)), ..connection.info() }
    }

    /// Whose a socket is.
    pub fn connection_of(&self, socket: SocketId) -> Option<&str> {
        Some(&self.connections.get(self.connections.on(socket)?)?.id)
    }

    /// All groups, by name.
    pub fn groups(&self) -> Vec<GroupInfo> {
        let id = |key: &ConnectionKey| Some(Arc::clone(&self.connections.get(*key)?.id));
        let mut groups: Vec<GroupInfo> = self
            .groups
            .iter()
            .map(|(name, members)| GroupInfo {
                name: Arc::clone(name),
                members: members.iter().filter_map(id).collect(),
                states: self.state_items(name).collect(),
                subscribers: self.states.subscribers(name).into_iter().flatten().filter_map(id).collect(),
            })
            .collect();
        groups.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        groups
    }

    /// Moves the end of the recovery window nearer: by so much, or to now. Of one connection, or of all that wait to be
    /// recovered. Tells how many did.
    pub fn handle_window_advanced(&mut self, now: Duration, connection: Option<&str>, by: Option<Duration>) -> usize {
        let waiting: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, of)| matches!(of.link(), Link::Detached) && connection.is_none_or(|id| *of.id == *id))
            .map(|(key, _)| Timer::Recovery(key))
            .collect();
        for timer in &waiting {
            if let Some(at) = self.timers.deadline(*timer) {
                self.timers.set(*timer, by.map_or(now, |by| at.saturating_sub(by).max(now)));
            }
        }
        self.handle_timeout(now);
        waiting.len()
    }
}

impl Hub {
    /// How the frames on a socket are encoded; `None`: they have no envelope, or nobody is connected on it.
    pub fn codec(&self, socket: SocketId) -> Option<Codec> {
        self.connections.get(self.connections.on(socket)?)?.codec()
    }
}

impl Connection {
    pub(super) fn info(&self) -> ConnectionInfo {
        let unacknowledged = match &self.client {
            Client::Simple(_) | Client::Plain { .. } => 0,
            Client::Reliable { queue, .. } => queue.len(),
        };
        let (attached, sent) = match self.link() {
            Link::Attached(attachment) => (true, attachment.sent),
            Link::Detached | Link::Leaving { .. } => (false, 0),
        };
        ConnectionInfo {
            id: Arc::clone(&self.id),
            user: self.user.clone(),
            groups: self.groups.iter().cloned().collect(),
            protocol: self.subprotocol().map(Subprotocol::name),
            opened: self.opened,
            received: self.received,
            sent: self.sent_before + sent,
            unacknowledged,
            attached,
            recoverable_until: None,
        }
    }
}
