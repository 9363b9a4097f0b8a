//! One connection: who it is, how it speaks, and whether it has a socket just now.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::held::HeldFrames;
use super::reliable::ReliableQueue;
use super::streams::OpenStreams;
use crate::hub::acks::AckMemory;
use crate::hub::boundary::{EventId, Output, SimpleMode, SocketId};
use crate::hub::config::HubConfig;
use crate::hub::permissions::Permissions;
use crate::{Codec, EncodedFrame, Subprotocol};

/// A connection, from its first socket until it cannot be recovered any more.
#[derive(Debug)]
pub struct Connection {
    /// What the client knows it by.
    pub id: Arc<str>,
    /// `None` when anonymous.
    pub user: Option<Arc<str>>,
    pub permissions: Permissions,
    /// Groups it is a member of.
    pub groups: BTreeSet<Arc<str>>,
    pub client: Client,
    /// Changed by the table alone, which has to find the connection by its socket.
    pub(super) link: Link,
    pub pace: Pace,
    /// Frames that wait for slower receivers.
    pub held: HeldFrames,
    /// The reason in its client's close frame.
    pub last_words: Option<Box<str>>,
    /// When it opened.
    pub opened: Duration,
    /// Frames that came from the client.
    pub received: u64,
    /// Frames that went to the client on sockets that are gone.
    pub sent_before: u64,
    /// Its events that are at their handler.
    pub pending: Pending,
    /// Its invocations that are among them, by the client's ids.
    pub invocations: HashMap<Box<str>, EventId>,
    /// When a state of its last changed, in milliseconds since the epoch.
    pub state_time: i64,
    /// What it is publishing piece by piece.
    pub streams: OpenStreams,
}

/// How much of a connection is at the application's handlers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    pub events: usize,
    /// Of their payloads.
    pub bytes: usize,
}

impl Pending {
    /// An event with a payload of so many bytes goes to its handler.
    pub fn begin(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes;
    }

    /// It was answered.
    pub fn end(&mut self, bytes: usize) {
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// About how many bytes they take.
    pub fn cost(self) -> usize {
        // What the bookkeeping of an event takes.
        const OVERHEAD: usize = 1024;
        self.bytes + self.events * OVERHEAD
    }

    /// Whether another event has to wait. One always may go, however large it is.
    pub fn is_full(self, config: &HubConfig) -> bool {
        self.events > 0 && (self.events >= config.max_pending_events || self.bytes >= config.max_pending_event_bytes)
    }
}

/// How the client speaks, with what the hub remembers for that.
#[derive(Debug)]
pub enum Client {
    Simple(SimpleMode),
    /// Of a subprotocol without recovery.
    Plain {
        subprotocol: Subprotocol,
        acks: AckMemory,
    },
    Reliable {
        subprotocol: Subprotocol,
        acks: AckMemory,
        queue: ReliableQueue,
    },
}

/// Whether the connection has a socket.
#[derive(Debug)]
pub enum Link {
    Attached(Attachment),
    /// The socket is gone, the client may come back.
    Detached,
    /// The socket is gone for good; frames that came before it went are still being carried out. So many bytes waited
    /// when it went.
    Leaving {
        bytes: usize,
    },
}

#[derive(Debug)]
pub struct Attachment {
    pub(super) socket: SocketId,
    /// When the client last sent anything.
    pub heard: Duration,
    /// When the next WebSocket ping is due.
    pub next_ping: Duration,
    /// Cost of the frames that were sent and are not written yet.
    pub backlog: usize,
    /// Reading was stopped because too much is held.
    pub paused: bool,
    /// Frames that went to the client.
    pub sent: u64,
    /// The newest fault that was asked about this socket.
    pub faults_seen: u64,
}

/// Whether publishers wait for this receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It keeps up.
    Free,
    /// It is near a limit and they wait.
    Congested,
    /// They have waited long enough.
    Overdue,
}

impl Connection {
    /// A connection that has no socket yet.
    pub fn new(
        id: Arc<str>,
        user: Option<Arc<str>>,
        permissions: Permissions,
        client: Client,
        opened: Duration,
    ) -> Self {
        Self {
            id,
            user,
            permissions,
            groups: BTreeSet::new(),
            client,
            link: Link::Detached,
            pace: Pace::Free,
            held: HeldFrames::default(),
            last_words: None,
            opened,
            received: 0,
            sent_before: 0,
            pending: Pending::default(),
            invocations: HashMap::new(),
            state_time: 0,
            streams: OpenStreams::default(),
        }
    }

    /// Whether it has a socket, and which.
    pub fn link(&self) -> &Link {
        &self.link
    }

    pub fn attachment(&mut self) -> Option<&mut Attachment> {
        match &mut self.link {
            Link::Attached(attachment) => Some(attachment),
            Link::Detached | Link::Leaving { .. } => None,
        }
    }

    /// About how many bytes wait of what the client sent, at handlers or for a slower receiver.
    pub fn waiting_bytes(&self) -> usize {
        self.held.cost() + self.pending.cost()
    }

    /// How the client speaks, and the socket it speaks on, if it has one.
    pub fn ends(&mut self) -> (&mut Client, Option<&mut Attachment>) {
        let attachment = match &mut self.link {
            Link::Attached(attachment) => Some(attachment),
            Link::Detached | Link::Leaving { .. } => None,
        };
        (&mut self.client, attachment)
    }

    pub fn acks(&mut self) -> Option<&mut AckMemory> {
        match &mut self.client {
            Client::Plain { acks, .. } | Client::Reliable { acks, .. } => Some(acks),
            Client::Simple(_) => None,
        }
    }

    pub fn queue(&mut self) -> Option<&mut ReliableQueue> {
        match &mut self.client {
            Client::Reliable { queue, .. } => Some(queue),
            Client::Simple(_) | Client::Plain { .. } => None,
        }
    }

    /// Whether it is there for the application. One whose client has left is not, whatever it still has to do.
    pub fn is_present(&self) -> bool {
        !matches!(self.link, Link::Leaving { .. })
    }

    pub fn subprotocol(&self) -> Option<Subprotocol> {
        match &self.client {
            Client::Simple(_) => None,
            Client::Plain { subprotocol, .. } | Client::Reliable { subprotocol, .. } => Some(*subprotocol),
        }
    }

    /// How its frames are encoded; `None`: they have no envelope (PROTOCOL §3).
    pub fn codec(&self) -> Option<Codec> {
        self.subprotocol().map(Subprotocol::codec)
    }

    /// Whether it can be recovered with this reconnection token.
    pub fn is_token(&self, token: &str) -> bool {
        match &self.client {
            Client::Reliable { queue, .. } => queue.is_token(token),
            Client::Simple(_) | Client::Plain { .. } => false,
        }
    }

    pub fn is_simple(&self) -> bool {
        matches!(self.client, Client::Simple(_))
    }

    pub fn is_attached(&self) -> bool {
        matches!(self.link, Link::Attached(_))
    }

    pub fn is_reliable(&self) -> bool {
        matches!(self.client, Client::Reliable { .. })
    }

    /// Whether it is in the group, or may join one more.
    pub fn has_room_for(&self, group: &str, max_groups: usize) -> bool {
        self.groups.len() < max_groups || self.groups.contains(group)
    }

    /// How near the connection is to the limit it is nearest to, in percent. More than 100 is too much.
    pub fn load(&self, config: &HubConfig) -> usize {
        // Rounded up, so that one more than the limit is more than 100.
        let percent = |used: usize, limit: usize| used.saturating_mul(100).div_ceil(limit.max(1));
        let unacked = match &self.client {
            Client::Reliable { queue, .. } => {
                percent(queue.len(), config.max_unacked_messages).max(percent(queue.bytes(), config.max_unacked_bytes))
            }
            Client::Simple(_) | Client::Plain { .. } => 0,
        };
        match &self.link {
            Link::Attached(attachment) => unacked.max(percent(attachment.backlog, config.max_backlog_bytes)),
            Link::Detached | Link::Leaving { .. } => unacked,
        }
    }
}

impl Attachment {
    pub fn new(socket: SocketId, now: Duration, next_ping: Duration) -> Self {
        Self { socket, heard: now, next_ping, backlog: 0, paused: false, sent: 0, faults_seen: 0 }
    }

    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Queues a frame for the socket.
    pub fn send(&mut self, frame: EncodedFrame, outputs: &mut VecDeque<Output>) {
        self.backlog = self.backlog.saturating_add(frame.cost());
        self.sent += 1;
        outputs.push_back(Output::Send { socket: self.socket, frame });
    }
}
