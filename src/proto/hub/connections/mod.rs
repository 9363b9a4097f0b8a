//! The connections of a hub, and the three ways to find one: by key, by the id its client knows it by, by its socket.
//!
//! The table owns what has to agree: an id leads to the connection that has it; a socket leads to the connection that is
//! attached to it, and to none once it is detached. Links are changed here alone. A key stays good until the connection is
//! removed and is never used again; whoever holds one across something that may end the connection asks again, and gets
//! `None` for one that has ended. What is `pub` here is the hub's: the module itself is private.

mod connection;
mod held;
mod reliable;
mod streams;

use std::collections::HashMap;
use std::sync::Arc;

pub use connection::{Attachment, Client, Connection, Link, Pace};
pub use reliable::ReliableQueue;
pub use streams::OpenStream;

use super::acks::AckMemory;
use super::boundary::SocketId;
use super::key::{ConnectionKey, IdMap};

/// All connections of a hub.
#[derive(Debug, Default)]
pub struct Connections {
    by_key: IdMap<ConnectionKey, Connection>,
    by_id: HashMap<Arc<str>, ConnectionKey>,
    /// The sockets of attached connections.
    by_socket: IdMap<SocketId, ConnectionKey>,
    /// Those whose clients have gone.
    leaving: Leaving,
    /// How many there ever were.
    opened: u64,
}

/// Connections whose clients are gone for good, and of whom something still waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    pub connections: usize,
    /// What waited of each when its client went: that counts until the connection ends.
    pub bytes: usize,
}

impl Connections {
    /// Takes in a new connection.
    pub fn open(&mut self, connection: Connection) -> ConnectionKey {
        self.opened += 1;
        let key = ConnectionKey(self.opened);
        self.by_id.insert(Arc::clone(&connection.id), key);
        self.by_key.insert(key, connection);
        key
    }

    /// Gives a socket to a connection that has none.
    pub fn attach(&mut self, key: ConnectionKey, attachment: Attachment) {
        self.detach(key);
        if let Some(connection) = self.by_key.get_mut(&key) {
            self.by_socket.insert(attachment.socket, key);
            connection.link = Link::Attached(attachment);
        }
    }

    /// Takes the socket from a connection, if it has one; gives it. The connection can be recovered from now on.
    pub fn detach(&mut self, key: ConnectionKey) -> Option<SocketId> {
        let connection = self.by_key.get_mut(&key)?;
        let attachment = connection.attachment()?;
        let (socket, sent) = (attachment.socket, attachment.sent);
        connection.sent_before += sent;
        connection.link = Link::Detached;
        connection.pace = Pace::Free;
        self.by_socket.remove(&socket);
        Some(socket)
    }

    /// The client of a connection is gone for good. What it sent before is still carried out.
    pub fn leave(&mut self, key: ConnectionKey) {
        self.detach(key);
        if let Some(connection) = self.by_key.get_mut(&key)
            && connection.is_present()
        {
            let bytes = connection.waiting_bytes();
            connection.link = Link::Leaving { bytes };
            self.leaving.connections += 1;
            self.leaving.bytes += bytes;
        }
    }

    /// How many are leaving, and what waits of them.
    pub fn leaving(&self) -> Leaving {
        self.leaving
    }

    /// Forgets a connection and its socket.
    pub fn remove(&mut self, key: ConnectionKey) -> Option<Connection> {
        self.detach(key);
        let connection = self.by_key.remove(&key)?;
        if let Link::Leaving { bytes } = connection.link {
            self.leaving.connections = self.leaving.connections.saturating_sub(1);
            self.leaving.bytes = self.leaving.bytes.saturating_sub(bytes);
        }
        // A later connection can have been given the same id.
        if self.by_id.get(&connection.id) == Some(&key) {
            self.by_id.remove(&connection.id);
        }
        Some(connection)
    }

    pub fn get(&self, key: ConnectionKey) -> Option<&Connection> {
        self.by_key.get(&key)
    }

    pub fn get_mut(&mut self, key: ConnectionKey) -> Option<&mut Connection> {
        self.by_key.get_mut(&key)
    }

    /// The connection with this id.
    pub fn by_id(&self, id: &str) -> Option<(ConnectionKey, &Connection)> {
        let key = *self.by_id.get(id)?;
        Some((key, self.by_key.get(&key)?))
    }

    /// The same of one that is there for the application.
    pub fn present(&self, id: &str) -> Option<(ConnectionKey, &Connection)> {
        self.by_id(id).filter(|(_, connection)| connection.is_present())
    }

    /// The connection that is attached to a socket.
    pub fn on(&self, socket: SocketId) -> Option<ConnectionKey> {
        self.by_socket.get(&socket).copied()
    }

    /// The socket of a connection that has one.
    pub fn attachment(&mut self, key: ConnectionKey) -> Option<&mut Attachment> {
        self.by_key.get_mut(&key)?.attachment()
    }

    /// What a reliable connection keeps.
    pub fn queue(&mut self, key: ConnectionKey) -> Option<&mut ReliableQueue> {
        self.by_key.get_mut(&key)?.queue()
    }

    /// The ackIds of a connection that can have any.
    pub fn acks(&mut self, key: ConnectionKey) -> Option<&mut AckMemory> {
        self.by_key.get_mut(&key)?.acks()
    }

    /// All, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (ConnectionKey, &Connection)> {
        self.by_key.iter().map(|(key, connection)| (*key, connection))
    }

    /// The keys of all, in the order they opened.
    pub fn keys(&self) -> Vec<ConnectionKey> {
        let mut keys: Vec<_> = self.by_key.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// How many there are, recoverable ones included.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Holds that the three ways agree.
    #[cfg(any(test, fuzzing))]
    pub fn check(&self) {
        assert_eq!(self.by_id.len(), self.by_key.len());
        let attached = self.by_key.values().filter(|connection| connection.is_attached());
        assert_eq!(self.by_socket.len(), attached.count());
        let mut leaving = Leaving::default();
        for (key, connection) in &self.by_key {
            if let Link::Leaving { bytes } = connection.link {
                leaving.connections += 1;
                leaving.bytes += bytes;
            }
            assert_eq!(self.by_id[&connection.id], *key);
            if let Link::Attached(attachment) = &connection.link {
                assert_eq!(self.by_socket[&attachment.socket], *key);
            }
            connection.held.check();
        }
        assert_eq!(self.leaving, leaving);
    }
}
