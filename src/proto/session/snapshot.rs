//! What of a session outlives its process, as plain data: what has to be recorded, and what another process is given of it.

use std::time::Duration;

use super::event::{Lifecycle, OperationKind};
use super::phase::ReconnectionToken;
use super::sent::REMEMBERED;
use crate::EncodedFrame;

/// The connection is to outlive the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// What an earlier process left; `None`: nothing.
    pub resume: Option<Resume>,
    /// ackIds that only operations with [`AckMode::Recorded`](super::AckMode::Recorded) may have, both ends included.
    pub reserved: Option<(u64, u64)>,
}

/// What an earlier process left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Its last snapshot.
    pub snapshot: Snapshot,
    /// Messages up to this sequence id were written out.
    pub done: u64,
    /// Messages after that and up to this sequence id may have been.
    pub begun: u64,
    /// How long ago that was recorded.
    pub downtime: Duration,
    /// Groups to leave, once the connection goes on: they are no longer wanted.
    pub leave: Vec<String>,
}

/// What has to be recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The connection, if there is one that can be recovered.
    pub connection: Option<KeptConnection>,
    /// Counts the connections; that of marks has to be the same.
    pub ordinal: u64,
    /// Every group that was asked about, with whether it is wanted and whether it is joined for certain. One that is
    /// neither may be joined all the same.
    pub groups: Vec<(String, bool, bool)>,
    /// Messages and events that were sent and not answered, in their order.
    pub operations: Vec<KeptOperation>,
    /// ackIds that were used, as ranges, both ends included.
    pub used_ids: Vec<(u64, u64)>,
    /// Those of messages and events that may have been carried out, on whatever connection, as ranges.
    pub carried: Vec<(u64, u64)>,
    /// Those of them that the service knows on the connection there is.
    pub remembered: Vec<RememberedRun>,
    /// Digests of the frames that went out on the connection there is, with their ackIds, the oldest first.
    pub digests: Vec<(u64, u32)>,
    /// How many operations were sent on this connection under an ackId; of those that their issuer records by itself,
    /// none.
    pub sent: u64,
    /// How many of these have settled.
    pub settled: u64,
    /// Losses that are to be told, in their order: those since the last snapshot. They stay recorded until whoever prints
    /// has put them out; a session that is given some tells them first.
    pub losses: Vec<KeptLoss>,
}

impl Snapshot {
    /// These ids, both ends included, are used too.
    pub fn use_ids(&mut self, range: (u64, u64)) {
        add(&mut self.used_ids, range);
    }

    /// What had these ids, both ends included, may have been carried out.
    pub fn carry_out(&mut self, range: (u64, u64)) {
        self.use_ids(range);
        add(&mut self.carried, range);
    }

    /// Whether something may have been carried out under this id of which the service does not know any more, so that it
    /// would carry it out again.
    pub fn has_forgotten(&self, id: u64) -> bool {
        let holds = |(first, last): (u64, u64)| (first..=last).contains(&id);
        let known =
            |it: &RememberedRun| holds((it.first, it.last)) && it.since.saturating_add(it.last - id) < REMEMBERED;
        let open = self.operations.iter().any(|it| it.ack_id == id);
        self.carried.iter().any(|range| holds(*range))
            && !open
            && !(self.connection.is_some() && self.remembered.iter().any(known))
    }
}

fn add(ranges: &mut Vec<(u64, u64)>, range: (u64, u64)) {
    ranges.push(range);
    ranges.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (first, last) in ranges.drain(..) {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    *ranges = merged;
}

/// Consecutive ackIds that were carried out one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RememberedRun {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// How many operations may have been carried out after the last.
    pub since: u64,
}

/// What is lost, as long as nobody was told for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptLoss {
    /// A connection, and perhaps messages with it.
    Connection {
        /// Its id.
        id: String,
        /// Why it could not go on.
        reason: String,
    },
    /// What became of an operation of an earlier process.
    Operation {
        /// What it was.
        kind: OperationKind,
        /// The group or the event's name.
        target: String,
        /// Its id.
        ack_id: u64,
        /// Why that is not known.
        reason: String,
    },
}

impl KeptLoss {
    /// What is to be recorded of an event, if it is a loss.
    pub(super) fn of(event: &Lifecycle) -> Option<Self> {
        match event {
            Lifecycle::SessionLost { connection_id, reason } => {
                Some(Self::Connection { id: connection_id.clone(), reason: reason.clone() })
            }
            Lifecycle::OperationUnknown { operation, target, ack_id, reason } => Some(Self::Operation {
                kind: *operation,
                target: target.clone(),
                ack_id: *ack_id,
                reason: reason.clone(),
            }),
            Lifecycle::Connected { .. }
            | Lifecycle::Recovering { .. }
            | Lifecycle::Recovered { .. }
            | Lifecycle::AttemptFailed { .. }
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::Disconnected { .. }
            | Lifecycle::Ack(_)
            | Lifecycle::Stream(_)
            | Lifecycle::OperationRetried(_)
            | Lifecycle::Joined { .. }
            | Lifecycle::Left { .. }
            | Lifecycle::RejoinFailed { .. }
            | Lifecycle::RestateFailed { .. }
            | Lifecycle::SequenceGap { .. } => None,
        }
    }

    pub(super) fn into_event(self) -> Lifecycle {
        match self {
            Self::Connection { id: connection_id, reason } => Lifecycle::SessionLost { connection_id, reason },
            Self::Operation { kind: operation, target, ack_id, reason } => {
                Lifecycle::OperationUnknown { operation, target, ack_id, reason }
            }
        }
    }
}

/// A connection that can be recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptConnection {
    /// Its id.
    pub id: String,
    /// Whose it is; `None`: anonymous.
    pub user_id: Option<String>,
    /// The newest token.
    pub token: ReconnectionToken,
}

/// A message or an event that was sent and not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOperation {
    /// Its id.
    pub ack_id: u64,
    /// What it is.
    pub kind: OperationKind,
    /// The group or the event's name.
    pub target: String,
    /// The frame, the same for every attempt.
    pub frame: EncodedFrame,
    /// How many operations may have been carried out after it: the service remembers so many (PROTOCOL §6).
    pub since: u64,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Which connection, see [`Snapshot::ordinal`].
    pub ordinal: u64,
    /// Everything up to this sequence id.
    pub sequence_id: u64,
}
