//! Where a session stands. Each state owns what exists in it alone, so nothing outlives its connection by accident. A
//! transition is given the state that it leads on, and has to put another one in its place.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::event::Loss;
use super::sequence::ReceivedSequence;
use super::status::AwaitedPing;

/// The token that recovers a connection (PROTOCOL §2.5). `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReconnectionToken(pub String);

impl ReconnectionToken {
    /// What a `connected` frame gave. An empty one recovers nothing, as if there were none (PROTOCOL §7.2).
    pub(super) fn given(token: Option<Cow<'_, str>>) -> Option<Self> {
        token.filter(|token| !token.is_empty()).map(|token| Self(token.into_owned()))
    }
}

impl fmt::Debug for ReconnectionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A connection's identity: what survives its sockets.
#[derive(Clone, Debug)]
pub(super) struct ConnectionIdentity {
    pub(super) connection_id: String,
    /// `None`: anonymous.
    pub(super) user_id: Option<String>,
    /// The newest token; `None` when the connection cannot be recovered.
    pub(super) token: Option<ReconnectionToken>,
    pub(super) sequence: ReceivedSequence,
    /// Which connection of this session it is; marks of others say nothing about it.
    pub(super) ordinal: u64,
}

/// A connection whose socket is open and which has proved itself.
#[derive(Debug)]
pub(super) struct LiveConnection {
    pub(super) identity: ConnectionIdentity,
    /// When this socket proved itself.
    pub(super) since: Duration,
    /// When the connection, not this socket, was made.
    pub(super) connected_at: Duration,
    /// When the last frame came, or bytes last moved.
    pub(super) last_received: Duration,
    /// Bytes have moved without a frame since then; `None` after a frame.
    pub(super) moving_since: Option<Duration>,
    /// When the last `ping` went out.
    pub(super) last_ping: Duration,
    /// Pings that were not answered yet, oldest first.
    pub(super) pings: VecDeque<AwaitedPing>,
    /// A new sequence id or a settled operation since the socket opened.
    pub(super) progress: bool,
    /// Drop from which the window of a further recovery still counts, until there is progress (see `Session::lose`).
    pub(super) unproductive_since: Option<Duration>,
    /// An earlier socket broke framing, and there has been no progress since.
    pub(super) garbled: bool,
    /// What a `disconnected` frame said.
    pub(super) disconnect_message: Option<String>,
    /// Frames that were not understood, so far that it is not known whether they have a sequence id, since the last that
    /// has one.
    pub(super) unplaced: u64,
}

/// What a recovery is doing.
#[derive(Debug)]
pub(super) enum RecoveryStep {
    /// Waiting to try; also for the user's output, while that is blocked.
    Pause { until: Duration },
    /// A dial is under way; what follows has to be done by the deadline.
    Dialing { started: Duration, deadline: Duration },
    /// The socket is open; the first frame proves it. A `disconnected` frame does not, and is kept for its message.
    Proving { started: Duration, opened: Duration, deadline: Duration, disconnect_message: Option<String> },
}

/// A connection that was lost and may come back.
#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) identity: ConnectionIdentity,
    pub(super) connected_at: Duration,
    /// How it was lost.
    pub(super) loss: Loss,
    /// When it was lost; for one of an earlier process, when this one began.
    pub(super) lost_at: Duration,
    /// How long it had been lost by then.
    pub(super) lost_before: Duration,
    /// When the service forgets it, counted from the last drop that followed progress.
    pub(super) window: Duration,
    /// Framing was broken since the last progress, see [`LossVerdict::RecoverOnce`](super::verdict::LossVerdict).
    pub(super) garbled: bool,
    /// Attempts so far.
    pub(super) attempts: u32,
    pub(super) step: RecoveryStep,
}

/// The whole state of the transport.
#[derive(Debug)]
pub(super) enum SessionPhase {
    /// Not started.
    Idle,
    /// A fresh dial is under way; `connected` has to come by the deadline.
    Dialing { deadline: Duration },
    /// The socket is open, `connected` is awaited.
    Greeting { deadline: Duration, disconnect_message: Option<String> },
    /// Connected.
    Live(Box<LiveConnection>),
    /// Lost, perhaps to be regained.
    Recovering(Box<Recovery>),
    /// Waiting to dial afresh.
    Waiting { until: Duration },
    /// The user stopped; the peer's close is awaited.
    Closing { deadline: Duration },
    /// Over.
    Ended,
}

impl SessionPhase {
    /// Takes a live connection out, for whoever leads it on; in any other phase nothing changes.
    pub(super) fn take_live(&mut self) -> Option<Box<LiveConnection>> {
        match std::mem::replace(self, Self::Idle) {
            Self::Live(live) => Some(live),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes a lost connection out, for whoever leads it on; in any other phase nothing changes.
    pub(super) fn take_recovery(&mut self) -> Option<Box<Recovery>> {
        match std::mem::replace(self, Self::Idle) {
            Self::Recovering(recovery) => Some(recovery),
            other => {
                *self = other;
                None
            }
        }
    }
}
