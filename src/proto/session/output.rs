//! What a session asks of its caller.

use std::time::Duration;

use super::ReconnectionToken;
use super::event::Lifecycle;
use super::invocations::{InvocationKey, Invoked};
use super::request::{OperationId, Outcome};
use super::status::PingId;
use super::streams::{StreamEvent, StreamKey};
use super::verdict::{DialClass, EndKind};
use crate::EncodedFrame;

/// What to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialRequest {
    /// A new connection, with a fresh URL.
    Fresh,
    /// The same connection again (PROTOCOL §7.2).
    Recover {
        /// Its id.
        connection_id: String,
        /// Its newest token.
        token: ReconnectionToken,
    },
}

/// A dial that did not lead to an open socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialFailure {
    /// What it means.
    pub class: DialClass,
    /// What happened, for people.
    pub message: String,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to stop.
    Stopped,
    /// It could not go on.
    Failed {
        /// What it means.
        kind: EndKind,
        /// The last failure.
        message: String,
    },
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Dial, and answer with [`handle_opened`](super::Session::handle_opened) or
    /// [`handle_dial_failed`](super::Session::handle_dial_failed) by the deadline.
    Dial {
        /// What.
        request: DialRequest,
        /// By when.
        deadline: Duration,
    },
    /// Drop the dial under way; no answer is wanted any more.
    CancelDial,
    /// Send a frame.
    Send(EncodedFrame),
    /// Send a close frame and go on reading until the peer's.
    Close {
        /// WebSocket close code.
        code: u16,
    },
    /// Drop the socket, without a closing handshake.
    Abort,
    /// Tell the user.
    Event(Lifecycle),
    /// An operation has ended.
    Settled {
        /// Which.
        id: OperationId,
        /// How.
        outcome: Outcome,
    },
    /// An invocation has ended.
    Invoked {
        /// Which.
        key: InvocationKey,
        /// How.
        invoked: Box<Invoked>,
    },
    /// Something about a stream that is being published.
    Stream {
        /// Which.
        key: StreamKey,
        /// What.
        event: StreamEvent,
    },
    /// A ping of the user's was answered.
    Ponged {
        /// Which.
        id: PingId,
        /// From its sending to the answer.
        elapsed: Duration,
    },
    /// The session is over; nothing follows.
    Ended(End),
}

/// What was counted, for the `stopped` record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages delivered.
    pub received: u64,
    /// Operations and invocations of the user's that were sent, each once.
    pub sent: u64,
    /// Those acknowledged, or answered, with success.
    pub acked: u64,
    /// Those that ended otherwise.
    pub failed: u64,
    /// Answers to invocations, and about streams, that nobody waited for, or no longer (PROTOCOL §19.17, §19.26).
    pub unexpected: u64,
}
