//! One operation, from its request to its end.

use std::time::Duration;

use super::blame::Suspicion;
use super::event::{FailedAttempt, Nack, OperationKind};
use super::request::OperationId;
use super::sent::{AckIdCounts, SentOperation};
use crate::EncodedFrame;

/// Who waits for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user.
    User(OperationId),
    /// The session itself, after a fresh connection: it joins, sets and subscribes again.
    Rejoin,
    /// The session itself, which leaves what an earlier process had joined.
    Session,
    /// A process that has ended.
    Earlier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingState {
    /// To be sent as soon as there is a connection.
    Queued,
    /// Sent; sent again at the deadline.
    InFlight { deadline: Duration },
    /// Refused for a passing reason; sent again then.
    Pausing { until: Duration },
}

/// An operation that has not settled.
#[derive(Clone, Debug)]
pub(super) struct PendingOperation {
    pub(super) owner: Owner,
    pub(super) kind: OperationKind,
    /// The group or the event's name.
    pub(super) target: String,
    pub(super) ack_id: Option<u64>,
    pub(super) frame: EncodedFrame,
    pub(super) state: PendingState,
    /// Its issuer records it by itself.
    pub(super) recorded: bool,
    /// It was sent on this connection.
    pub(super) counted: Option<SentOperation>,
    /// How often it was sent.
    pub(super) attempts: u32,
    /// How many attempts failed: refused for a passing reason, or not acknowledged.
    pub(super) failures: u32,
    /// How many attempts of this socket have not been answered.
    pub(super) unanswered: u32,
    /// Whether it may be what costs the connection its sockets.
    pub(super) suspicion: Suspicion,
    /// When it was sent first.
    pub(super) first_sent: Option<Duration>,
}

impl PendingOperation {
    pub(super) fn failed_attempt(&self, error: Nack) -> FailedAttempt {
        FailedAttempt {
            operation: self.kind,
            target: self.target.clone(),
            ack_id: self.ack_id.unwrap_or_default(),
            attempt: self.attempts,
            error,
        }
    }

    /// How many operations may have been carried out after it.
    pub(super) fn since(&self, sent: &AckIdCounts) -> u64 {
        self.counted.map_or(0, |counted| counted.since.saturating_add(sent.all.saturating_sub(counted.from)))
    }

    /// See [`OperationKind::is_repeatable`].
    pub(super) fn is_repeatable(&self) -> bool {
        self.kind.is_repeatable()
    }

    /// Whether it is about being in a group.
    pub(super) fn is_membership(&self) -> bool {
        matches!(self.kind, OperationKind::JoinGroup | OperationKind::LeaveGroup)
    }
}
