//! What of a session outlives its process, out and in again (`--session FILE`).
//!
//! A session whose [`Config`](super::Config) has a [`Keep`](super::Keep) acknowledges messages when they were written
//! out, leaves without a close frame, and says with [`Session::take_snapshot`] what has to be recorded before anything it
//! has asked for is carried out. Given such a [`Snapshot`], another session goes on with the same connection. Where it is
//! recorded is the caller's business. The driver is its caller.

use std::time::Duration;

use super::event::{AckReport, Lifecycle, Loss, OperationKind};
use super::operations::{Operation, Owner};
use super::phase::{Identity, Phase, Recovery, Step};
use super::recovery::RECOVERY_WINDOW;
use super::request::{Outcome, Request};
use super::sequence::Sequence;
use super::snapshot::{KeptConnection, KeptLoss, KeptOperation, Mark, Resume, Snapshot};
use super::{AckMode, OnUnknown, OperationId, Output, Session};

/// Most operations without an ack that are kept after they were given up.
const MOST_DOUBTFUL: usize = 1000;

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
