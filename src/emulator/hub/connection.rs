//! One connection: who it is, how it speaks, and whether it has a socket just now.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::acks::AckMemory;
use super::boundary::{Frame, Output, SimpleMode, SocketId};
use super::config::HubConfig;
use super::delivery::Encoded;
use super::permissions::Permissions;
use crate::protocol::Subprotocol;

/// A connection inside the hub; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ConnectionKey(pub(super) u64);

/// A connection, from its first socket until it cannot be recovered any more.
#[derive(Debug)]
pub(super) struct Connection {
    /// What the client knows it by.
    pub(super) id: Arc<str>,
    /// `None` when anonymous.
    pub(super) user: Option<Arc<str>>,
    pub(super) permissions: Permissions,
    /// Groups it is a member of.
    pub(super) groups: BTreeSet<Arc<str>>,
    pub(super) client: Client,
    pub(super) link: Link,
    pub(super) pace: Pace,
    /// Frames that wait for slower receivers, in the order they came.
    pub(super) held: VecDeque<Held>,
    /// Bytes in `held`.
    pub(super) held_bytes: usize,
    /// When it opened.
    pub(super) opened: Duration,
    /// Frames that came from the client.
    pub(super) received: u64,
    /// Frames that went to the client on sockets that are gone.
    pub(super) sent_before: u64,
}

/// How the client speaks, with what the hub remembers for that.
#[derive(Debug)]
pub(super) enum Client {
    Simple(SimpleMode),
    Json { acks: AckMemory },
    Reliable { acks: AckMemory, queue: ReliableQueue },
}

/// Whether the connection has a socket.
#[derive(Debug)]
pub(super) enum Link {
    Attached(Attachment),
    /// The socket is gone, the client may come back.
    Detached,
    /// The socket is gone for good; frames that came before it went are still being carried out.
    Leaving,
}

#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) socket: SocketId,
    /// When the client last sent anything.
    pub(super) heard: Duration,
    /// When the next WebSocket ping is due.
    pub(super) next_ping: Duration,
    /// Cost of the frames that were sent and are not written yet.
    pub(super) backlog: usize,
    /// Reading was stopped because too much is held.
    pub(super) paused: bool,
    /// Frames that went to the client.
    pub(super) sent: u64,
    /// The newest fault that was asked about this socket.
    pub(super) faults_seen: u64,
}

/// Whether publishers wait for this receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It keeps up.
    Free,
    /// It is near a limit and they wait.
    Congested,
    /// They have waited long enough.
    Overdue,
}

/// A frame that waits, copied.
#[derive(Debug)]
pub(super) enum Held {
    Text(Box<str>),
    Binary(Box<[u8]>),
}

impl Held {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub(super) fn as_incoming(&self) -> Incoming<'_> {
        match self {
            Self::Text(text) => Incoming::Text(text),
            Self::Binary(bytes) => Incoming::Binary(bytes),
        }
    }
}

/// A frame from a client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Incoming<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl Incoming<'_> {
    pub(super) fn hold(self) -> Held {
        match self {
            Self::Text(text) => Held::Text(text.into()),
            Self::Binary(bytes) => Held::Binary(bytes.into()),
        }
    }
}

impl Connection {
    pub(super) fn attachment(&mut self) -> Option<&mut Attachment> {
        match &mut self.link {
            Link::Attached(attachment) => Some(attachment),
            Link::Detached | Link::Leaving => None,
        }
    }

    pub(super) fn acks(&mut self) -> Option<&mut AckMemory> {
        match &mut self.client {
            Client::Json { acks } | Client::Reliable { acks, .. } => Some(acks),
            Client::Simple(_) => None,
        }
    }

    pub(super) fn queue(&mut self) -> Option<&mut ReliableQueue> {
        match &mut self.client {
            Client::Reliable { queue, .. } => Some(queue),
            Client::Simple(_) | Client::Json { .. } => None,
        }
    }

    /// Whether it is there for the application. One whose client has left is not, whatever it still has to do.
    pub(super) fn is_present(&self) -> bool {
        !matches!(self.link, Link::Leaving)
    }

    pub(super) fn subprotocol(&self) -> Option<Subprotocol> {
        match &self.client {
            Client::Simple(_) => None,
            Client::Json { .. } => Some(Subprotocol::Json),
            Client::Reliable { .. } => Some(Subprotocol::JsonReliable),
        }
    }

    pub(super) fn is_reliable(&self) -> bool {
        matches!(self.client, Client::Reliable { .. })
    }

    /// Whether it is in the group, or may join one more.
    pub(super) fn has_room_for(&self, group: &str, max_groups: usize) -> bool {
        self.groups.len() < max_groups || self.groups.contains(group)
    }

    /// How near the connection is to the limit it is nearest to, in percent. More than 100 is too much.
    pub(super) fn load(&self, config: &HubConfig) -> usize {
        // Rounded up, so that one more than the limit is more than 100.
        let percent = |used: usize, limit: usize| used.saturating_mul(100).div_ceil(limit.max(1));
        let unacked = match &self.client {
            Client::Reliable { queue, .. } => percent(queue.unacked.len(), config.max_unacked_messages)
                .max(percent(queue.unacked_bytes, config.max_unacked_bytes)),
            Client::Simple(_) | Client::Json { .. } => 0,
        };
        match &self.link {
            Link::Attached(attachment) => unacked.max(percent(attachment.backlog, config.max_backlog_bytes)),
            Link::Detached | Link::Leaving => unacked,
        }
    }
}

impl Attachment {
    /// Queues a frame for the socket.
    pub(super) fn send(&mut self, frame: Frame, outputs: &mut VecDeque<Output>) {
        self.backlog = self.backlog.saturating_add(frame.cost());
        self.sent += 1;
        outputs.push_back(Output::Send { socket: self.socket, frame });
    }
}

/// What a reliable connection has beyond a non-reliable one (PROTOCOL §7).
#[derive(Debug)]
pub(super) struct ReliableQueue {
    token: TokenSecret,
    tokens_issued: u64,
    /// The sequence id of the newest message; 0 before the first.
    last_sequence_id: u64,
    /// Messages that were not acknowledged, in the order of their ids. Ids of expired messages are missing.
    unacked: VecDeque<Unacked>,
    unacked_bytes: usize,
    /// No message expires before.
    next_expiry: Option<Duration>,
}

/// A message that was not acknowledged.
#[derive(Debug)]
struct Unacked {
    sequence_id: u64,
    message: Arc<Encoded>,
    /// When it is not worth delivering any more.
    expires: Option<Duration>,
}

impl ReliableQueue {
    pub(super) fn new(secret: String) -> Self {
        Self {
            token: TokenSecret(secret),
            tokens_issued: 0,
            last_sequence_id: 0,
            unacked: VecDeque::new(),
            unacked_bytes: 0,
            next_expiry: None,
        }
    }

    /// Queues a message; gives its sequence id.
    pub(super) fn push(&mut self, message: Arc<Encoded>, expires: Option<Duration>) -> u64 {
        self.last_sequence_id += 1;
        self.unacked_bytes = self.unacked_bytes.saturating_add(message.weight());
        self.unacked.push_back(Unacked { sequence_id: self.last_sequence_id, message, expires });
        self.next_expiry = self.next_expiry.into_iter().chain(expires).min();
        self.last_sequence_id
    }

    /// Drops the messages that are too old. Their ids stay used up: the client may have had them, and otherwise the gap
    /// tells it that something is missing.
    pub(super) fn expire(&mut self, now: Duration) {
        let bytes = &mut self.unacked_bytes;
        self.unacked.retain(|unacked| {
            let keep = unacked.expires.is_none_or(|at| at > now);
            if !keep {
                *bytes = bytes.saturating_sub(unacked.message.weight());
            }
            keep
        });
        self.next_expiry = self.unacked.iter().filter_map(|unacked| unacked.expires).min();
    }

    /// When [`Self::expire`] has to be called.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        self.next_expiry
    }

    /// Everything up to this sequence id has arrived (PROTOCOL §7.1: cumulative; ids never sent are tolerated).
    pub(super) fn acknowledge(&mut self, sequence_id: u64) {
        while let Some(unacked) = self.unacked.pop_front_if(|unacked| unacked.sequence_id <= sequence_id) {
            self.unacked_bytes = self.unacked_bytes.saturating_sub(unacked.message.weight());
        }
    }

    /// The unacknowledged messages in order, each with its sequence id.
    pub(super) fn unacked(&self) -> impl Iterator<Item = (u64, &Arc<Encoded>)> {
        self.unacked.iter().map(|unacked| (unacked.sequence_id, &unacked.message))
    }

    /// A new reconnection token. The ones before stay valid (PROTOCOL §2.5), so they share a secret and differ in a
    /// number: nothing has to be kept for each.
    pub(super) fn issue_token(&mut self) -> String {
        self.tokens_issued += 1;
        format!("{}.{}", self.token.0, self.tokens_issued)
    }

    pub(super) fn is_token(&self, token: &str) -> bool {
        token
            .strip_prefix(self.token.0.as_str())
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|number| number.parse::<u64>().ok())
            .is_some_and(|number| (1..=self.tokens_issued).contains(&number))
    }
}

/// What all reconnection tokens of a connection begin with.
struct TokenSecret(String);

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
