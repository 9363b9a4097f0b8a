//! What goes into a hub and what comes out of it, as plain data.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::{EncodedFrame, OwnedData, Subprotocol};

/// A WebSocket, by the number its server gave it. Never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// A user event that is on its way to a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

/// What a socket that was just upgraded wants.
#[derive(Clone, PartialEq, Eq)]
pub enum Open {
    /// A new connection.
    Fresh(Fresh),
    /// To go on with a connection whose socket is gone (PROTOCOL §7.2).
    Recover {
        /// `awps_connection_id`.
        connection_id: String,
        /// `awps_reconnection_token`.
        reconnection_token: String,
    },
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh(fresh) => f.debug_tuple("Fresh").field(fresh).finish(),
            // The token is a secret.
            Self::Recover { connection_id, .. } => f.debug_tuple("Recover").field(connection_id).finish(),
        }
    }
}

/// A new connection, as its token and its query describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// What the connection is known by, when that had to be known before it existed; `None`: the hub draws an id.
    pub connection_id: Option<String>,
    /// How the client speaks.
    pub client: ClientKind,
    /// `None` when anonymous.
    pub user: Option<String>,
    /// PROTOCOL §11. Roles that mean nothing grant nothing.
    pub roles: Vec<String>,
    /// Groups to join at once, without any role.
    pub groups: Vec<String>,
}

/// How a client speaks (PROTOCOL §0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Frames without an envelope (PROTOCOL §3).
    Simple(SimpleMode),
    /// A PubSub subprotocol.
    PubSub(Subprotocol),
}

/// What each frame of a simple client does, fixed at connect (PROTOCOL §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimpleMode {
    /// It is a user event named `message`.
    SendEvent,
    /// It is published to a group.
    SendToGroup {
        /// The group.
        group: Arc<str>,
        /// Do not deliver to the sender.
        no_echo: bool,
    },
}

/// How a socket ended on the client's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseKind {
    /// A close frame with code 1000: the client is done (PROTOCOL §7.2).
    Clean,
    /// Anything else: another code, none, or no close frame at all.
    Dropped,
}

/// What a client did that its socket cannot go on after (PROTOCOL §4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A text frame that is not UTF-8.
    InvalidUtf8,
    /// A message larger than the limit.
    TooBig,
    /// The bytes are not WebSocket frames.
    Framing,
}

/// A user event that leaves the hub; [`super::Hub::handle_event_answer`] brings the answer back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEvent {
    /// Names the event in the answer.
    pub event_id: EventId,
    /// Who sent it.
    pub connection_id: Arc<str>,
    /// `None` when anonymous.
    pub user_id: Option<Arc<str>>,
    /// Name of the event; `message` for simple clients.
    pub event: String,
    /// The payload. An invocation may have none (PROTOCOL §9.2).
    pub data: Option<OwnedData>,
    /// The message's metadata (PROTOCOL §4.5), a JSON object of strings.
    pub metadata: Option<Box<str>>,
    /// Its answer goes back as that of an invocation, which waits for no other event.
    pub is_invocation: bool,
}

/// How a handler answered a user event (PROTOCOL §14.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventAnswer {
    /// Success without a message.
    NoContent,
    /// Success with a message to the sender.
    Reply {
        /// Its payload.
        data: OwnedData,
        /// JSON text of the `metadata` object (PROTOCOL §4.5), checked.
        metadata: Option<Box<str>>,
    },
    /// The handler wants none of it: an HTTP status from 400 to 499. Of an event no more is told than that it failed.
    Refused {
        /// The status.
        status: u16,
    },
    /// The handler failed.
    Failed,
    /// There is no handler that takes the event.
    Unhandled,
}

impl EventAnswer {
    /// Success with a message that has no metadata.
    pub fn reply(data: OwnedData) -> Self {
        Self::Reply { data, metadata: None }
    }
}

/// How a socket is taken away without a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// By a TCP reset.
    Reset,
    /// By the end of the stream.
    Eof,
    /// It stays open; nothing is sent and nothing is heard on it until the client has gone.
    Silence,
}

impl Output {
    /// The socket that a message goes to; `None` for what is no message.
    pub(super) fn receiver(&self) -> Option<SocketId> {
        match self {
            Self::Send { socket, .. } => Some(*socket),
            Self::Ping { .. }
            | Self::Close { .. }
            | Self::Abort { .. }
            | Self::Cut { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::UserEvent(_)
            | Self::Connected { .. }
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Disconnected { .. } => None,
        }
    }
}

/// What the server has to do. Outputs for one socket are carried out in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a message.
    Send {
        /// To whom.
        socket: SocketId,
        /// What.
        frame: EncodedFrame,
    },
    /// Send a WebSocket PING (PROTOCOL §8.1).
    Ping {
        /// To whom.
        socket: SocketId,
    },
    /// Close with a close frame after what was sent before. The hub has forgotten the socket.
    Close {
        /// Which.
        socket: SocketId,
        /// PROTOCOL §8.2.
        code: u16,
        /// For people; at most 123 bytes.
        reason: Cow<'static, str>,
    },
    /// Drop the socket at once, without a close frame. The hub has forgotten it.
    Abort {
        /// Which.
        socket: SocketId,
    },
    /// Take the socket away after what was sent before, as a fault wants it. The hub has forgotten it.
    Cut {
        /// Which.
        socket: SocketId,
        /// How the client sees it.
        how: Cut,
    },
    /// Stop reading from a publisher whose messages cannot be taken just now.
    Pause {
        /// Which.
        socket: SocketId,
    },
    /// Read again.
    Resume {
        /// Which.
        socket: SocketId,
    },
    /// Ask the application's handler.
    UserEvent(Box<UserEvent>),
    /// Tell the application that a connection exists (PROTOCOL §14.5). Only where the configuration asks for it.
    Connected {
        /// Which.
        connection_id: Arc<str>,
    },
    /// Tell the application that a connection has joined a group (PROTOCOL §14.5), by whatever way. Only where the
    /// configuration asks for it.
    Joined {
        /// Which.
        connection_id: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// Tell the application that a connection is no longer in a group; also of one that has ended, before that is told.
    /// Comes once for each `Joined`.
    Left {
        /// Which.
        connection_id: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// Tell the application that a connection has ended for good: it cannot be recovered any more. Comes once for each
    /// `Connected`.
    Disconnected {
        /// Which.
        connection_id: Arc<str>,
        /// Why, for people.
        reason: Cow<'static, str>,
    },
}
