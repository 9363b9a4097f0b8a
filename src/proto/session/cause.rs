//! Why an operation ended without an answer: what is decided by it looks here, and its words are made last.

use std::fmt;

/// Why nobody waits for the answer to an operation any more, or why it was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeCause {
    /// The session was stopped. Of a connection that outlives the process, another one can go on with it.
    Stopped,
    /// The session had ended before it was asked for.
    Ended,
    /// The session has ended by itself, for this reason.
    Failed(String),
    /// Something failed that was asked for before, and nothing after it is sent.
    Withdrawn,
    /// The connection that it was sent on is lost for good, for this reason.
    ConnectionLost(String),
    /// An earlier process may have sent it, on a connection that is gone.
    EarlierLost,
    /// So much went over the connection since that the service may no longer know its ackId (PROTOCOL §6).
    Forgotten,
    /// Its time was over.
    TimedOut,
    /// Whoever asked for it has called it off.
    Cancelled,
    /// One socket after the other was lost while it waited for its ack (PROTOCOL §19.8).
    Killed {
        /// How many.
        sockets: u32,
        /// Bytes of its frame.
        bytes: usize,
        /// How the last of them was lost.
        loss: String,
    },
}

impl fmt::Display for OutcomeCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the session was stopped"),
            Self::Ended => f.write_str("the session has ended"),
            Self::Failed(reason) | Self::ConnectionLost(reason) => f.write_str(reason),
            Self::Withdrawn => f.write_str("what was asked for before it has failed"),
            Self::EarlierLost => f.write_str("the connection that an earlier run sent on is lost"),
            Self::Forgotten => f.write_str(
                "so many other operations went over the connection since that the service may have forgotten its ackId",
            ),
            Self::TimedOut => f.write_str("its time was over"),
            Self::Cancelled => f.write_str("it was called off"),
            Self::Killed { sockets, loss, .. } => {
                write!(f, "the connection was lost {sockets} times while it waited for the ack, at last by: {loss}")
            }
        }
    }
}
