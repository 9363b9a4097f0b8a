//! What of a session outlives its process, out and in again (`--session FILE`).
//!
//! A session whose [`Config`](super::Config) has a [`Keep`] acknowledges messages when they were written out, leaves
//! without a close frame, and says with [`Session::take_snapshot`] what has to be recorded before anything it has asked
//! for is carried out. Given such a [`Snapshot`], another session goes on with the same connection. Plain data: where it
//! is recorded is the caller's business. The driver is its caller.

use std::time::Duration;

use super::event::{AckReport, Lifecycle, Loss, OperationKind};
use super::operations::{Operation, Owner};
use super::phase::{Identity, Phase, ReconnectionToken, Recovery, Step};
use super::recovery::RECOVERY_WINDOW;
use super::request::{Outcome, Request};
use super::sent::REMEMBERED;
use super::sequence::Sequence;
use super::{AckMode, OnUnknown, OperationId, Output, Session};
use crate::EncodedFrame;

/// Most operations without an ack that are kept after they were given up.
const MOST_DOUBTFUL: usize = 1000;

/// The connection is to outlive the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// What an earlier process left; `None`: nothing.
    pub resume: Option<Resume>,
    /// ackIds that only operations with [`AckMode::Recorded`] may have, both ends included.
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
    pub remembered: Vec<Remembered>,
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
        let known = |it: &Remembered| holds((it.first, it.last)) && it.since.saturating_add(it.last - id) < REMEMBERED;
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
pub struct Remembered {
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
            | Lifecycle::OperationRetried(_)
            | Lifecycle::Joined { .. }
            | Lifecycle::Left { .. }
            | Lifecycle::RejoinFailed { .. }
            | Lifecycle::SequenceGap { .. } => None,
        }
    }

    fn into_event(self) -> Lifecycle {
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

impl Session {
    /// Whether the connection is to outlive the process.
    pub fn is_kept(&self) -> bool {
        self.config.keep.is_some()
    }

    /// What has to be recorded before any further output is carried out; `None` when that was said before.
    pub fn take_snapshot(&mut self) -> Option<Snapshot> {
        if let Some(parting) = self.parting.take() {
            return Some(parting);
        }
        let over = matches!(self.phase, Phase::Closing { .. } | Phase::Ended);
        (self.is_kept() && !over && std::mem::take(&mut self.changed)).then(|| self.snapshot())
    }

    /// How far the connection has come, with everything that was received; `None` before the first message.
    pub fn mark(&self) -> Option<Mark> {
        let Phase::Live(live) = &self.phase else { return None };
        let sequence_id = live.identity.sequence.largest()?;
        Some(Mark { ordinal: live.identity.ordinal, sequence_id })
    }

    /// Everything up to there was written out, and that is recorded.
    pub fn handle_written(&mut self, now: Duration, mark: Mark) {
        let identity = match &mut self.phase {
            Phase::Live(live) => &mut live.identity,
            Phase::Recovering(recovery) => &mut recovery.identity,
            Phase::Idle
            | Phase::Dialing { .. }
            | Phase::Greeting { .. }
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Ended => return,
        };
        if identity.ordinal != mark.ordinal {
            return;
        }
        identity.sequence.write(now, mark.sequence_id);
        self.acknowledge_messages(now);
    }

    fn snapshot(&mut self) -> Snapshot {
        let losses = std::mem::take(&mut self.losses);
        let identity = match &self.phase {
            Phase::Live(live) => Some(&live.identity),
            Phase::Recovering(recovery) => Some(&recovery.identity),
            Phase::Idle
            | Phase::Dialing { .. }
            | Phase::Greeting { .. }
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Ended => None,
        };
        let connection = identity.and_then(|identity| {
            let token = identity.token.clone()?;
            Some(KeptConnection { id: identity.connection_id.clone(), user_id: identity.user_id.clone(), token })
        });
        let sent = self.operations.sent();
        let doubtful = self.doubtful.iter().map(|(kept, then)| {
            let since = kept.since.saturating_add(sent.saturating_sub(*then));
            KeptOperation { since, ..kept.clone() }
        });
        let operations = doubtful.chain(self.operations.unanswered());
        let (sent, settled) = self.operations.others();
        Snapshot {
            connection,
            ordinal: self.ordinal,
            groups: self.known_groups(),
            operations: operations.collect(),
            used_ids: self.operations.used_ids(),
            carried: self.operations.carried.ids(),
            remembered: self.operations.carried.remembered(self.operations.sent()),
            sent,
            settled,
            losses,
        }
    }

    /// What a join or leave on its way makes of a group cannot be known.
    fn known_groups(&self) -> Vec<(String, bool, bool)> {
        let pending = self.operations.groups_concerned();
        let known: Vec<_> = self
            .groups
            .iter()
            .map(|(group, wanted, joined)| (group.to_owned(), wanted, joined && pending.get(group) != Some(&true)))
            .collect();
        let others = pending.into_keys().filter(|group| !known.iter().any(|(known, ..)| known == group));
        let others: Vec<_> = others.map(|group| (group.to_owned(), false, false)).collect();
        known.into_iter().chain(others).collect()
    }

    /// The session is about to end: what is unanswered now stays recorded.
    pub(super) fn part(&mut self) {
        let changed = std::mem::take(&mut self.changed) | std::mem::take(&mut self.used_more);
        if self.is_kept() && self.parting.is_none() && changed {
            self.parting = Some(self.snapshot());
        }
    }

    /// The sequence ids of a new connection.
    pub(super) fn new_sequence(&self) -> Sequence {
        if self.is_kept() { Sequence::kept() } else { Sequence::default() }
    }

    /// Goes on where an earlier process has ended.
    pub(super) fn resume(&mut self, now: Duration, resume: Resume) {
        let Resume { snapshot, done, begun, downtime, leave } = resume;
        // They are recorded already.
        self.outputs.extend(snapshot.losses.into_iter().map(KeptLoss::into_event).map(Output::Event));
        self.ordinal = snapshot.ordinal;
        for (group, wanted, joined) in &snapshot.groups {
            let leaving = leave.contains(group);
            self.groups.restore(group, *wanted && !leaving, *joined && snapshot.connection.is_some());
            if *joined && !leaving {
                self.resumed_groups.insert(group.clone());
            }
        }
        let sent = snapshot.connection.as_ref().map_or(0, |_| snapshot.sent);
        self.operations.restore(&snapshot.used_ids, snapshot.operations, sent);
        let remembered = snapshot.connection.as_ref().map_or(&[][..], |_| &snapshot.remembered);
        self.operations.carried.restore(&snapshot.carried, remembered);
        let Some(connection) = snapshot.connection else {
            self.resumed_groups.clear();
            self.dial_fresh(now);
            return;
        };
        self.leaving = leave;
        self.resumed = Some(self.ordinal);
        let identity = Identity {
            connection_id: connection.id,
            user_id: connection.user_id,
            token: Some(connection.token),
            sequence: Sequence::resumed(done, begun),
            ordinal: self.ordinal,
        };
        let loss = Loss { error: Some("the process that had it has ended".into()), ..Loss::default() };
        self.phase = Phase::Recovering(Box::new(Recovery {
            identity,
            connected_at: now,
            loss,
            lost_at: now,
            lost_before: downtime,
            window: now + RECOVERY_WINDOW,
            garbled: false,
            attempts: 0,
            step: Step::Pause { until: now },
        }));
        self.transport_timeout(now);
    }

    /// An earlier process's connection goes on: what it was in need not be joined, what is not wanted is left.
    pub(super) fn take_over_groups(&mut self) {
        for order in self.operations.unsent_joins() {
            let known = self.operations.target(order).is_some_and(|group| self.resumed_groups.contains(group));
            if let Some(operation) = known.then(|| self.operations.take(order)).flatten() {
                self.settle(super::operations::Settled { operation, outcome: Outcome::AlreadyJoined });
            }
        }
        for group in std::mem::take(&mut self.leaving) {
            if self.operations.concerns_group(&group) {
                continue;
            }
            // It is sent with everything that waits.
            let codec = self.config.codec;
            let _ = self.operations.submit(codec, Owner::Session, Request::Leave { group }, AckMode::Automatic);
        }
    }

    /// Whether the group is one that an earlier process has joined, on this same connection. True once.
    pub(super) fn is_taken_over(&mut self, group: &str) -> bool {
        matches!(self.phase, Phase::Live(_))
            && self.resumed_groups.remove(group)
            && self.groups.is_joined(group)
            && !self.operations.concerns_group(group)
    }

    /// What an earlier process had of its connection is gone with it.
    pub(super) fn forget_earlier(&mut self) {
        self.resumed_groups.clear();
        self.leaving.clear();
        self.doubtful.clear();
        self.ordinal += 1;
        self.changed = true;
    }

    /// Keeps an operation whose ack did not come: under the same id, another run may safely repeat it.
    pub(super) fn doubt(&mut self, operation: &Operation, outcome: &Outcome) {
        if self.is_kept()
            && matches!(outcome, Outcome::NotAcknowledged { .. })
            && self.doubtful.len() < MOST_DOUBTFUL
            && let Some(kept) = self.operations.kept(operation)
        {
            self.doubtful.push((kept, self.operations.sent()));
        }
    }

    /// How an operation ended for which nobody waits any more: the process that asked for it has ended.
    pub(super) fn settle_earlier(&mut self, operation: &Operation, outcome: Outcome) {
        match outcome {
            Outcome::Unknown { ack_id, reason } => {
                let (operation, target) = (operation.kind, operation.target.clone());
                self.event(Lifecycle::OperationUnknown { operation, target, ack_id, reason });
            }
            Outcome::NotAcknowledged { ack_id, attempts } => {
                let reason = format!("no ack came to any of {attempts} attempts");
                let (operation, target) = (operation.kind, operation.target.clone());
                self.event(Lifecycle::OperationUnknown { operation, target, ack_id, reason });
            }
            Outcome::Acked { .. }
            | Outcome::Sent
            | Outcome::AlreadyJoined
            | Outcome::Refused { .. }
            | Outcome::NotSent { .. }
            | Outcome::IdInUse { .. } => {}
        }
    }

    /// How the leaving of a group ended that nobody named any more.
    pub(super) fn settle_leave(&mut self, operation: Operation, outcome: Outcome) {
        let (group, ack_id) = (operation.target, operation.ack_id);
        match outcome {
            Outcome::Acked { .. } | Outcome::Sent => self.event(Lifecycle::Left { group, ack_id }),
            Outcome::Refused { ack_id, error, attempts, elapsed } => self.event(Lifecycle::Ack(AckReport {
                id: None,
                line: None,
                operation: OperationKind::LeaveGroup,
                target: group,
                ack_id,
                error: Some(error),
                duplicate: false,
                attempts,
                elapsed,
            })),
            Outcome::AlreadyJoined
            | Outcome::NotAcknowledged { .. }
            | Outcome::Unknown { .. }
            | Outcome::NotSent { .. }
            | Outcome::IdInUse { .. } => {}
        }
    }

    /// An operation that an earlier process has left, if this request is the same: it goes on under its id.
    pub(super) fn adopt(&mut self, id: OperationId, request: &Request, mode: AckMode) -> Option<Result<u64, Outcome>> {
        self.operations.adopt(self.config.codec, Owner::User(id), request, mode)
    }

    /// The id of a publish that an earlier process may have sent under it, so that it is no new one. Who is ready to have
    /// it doubled has it sent as if it were.
    pub(super) fn given_again(&self, request: &Request, mode: AckMode) -> Option<u64> {
        let (id, again) = match mode {
            AckMode::Recorded { id, again } => (id, again),
            AckMode::Id(id) => (id, false),
            AckMode::Automatic | AckMode::None => return None,
        };
        let publish = matches!(request.kind(), OperationKind::SendToGroup | OperationKind::Event);
        let again = again || (publish && self.operations.was_sent_earlier(id));
        Some(id).filter(|_| again && self.config.on_unknown == OnUnknown::Fail)
    }

    /// Answers an operation at once.
    pub(super) fn answer(&mut self, id: OperationId, outcome: Outcome) {
        self.outputs.push_back(Output::Settled { id, outcome });
    }
}
