//! What of a session outlives its process, out and in again (`--session FILE`).
//!
//! A session whose [`Config`](super::Config) has a [`Keep`] acknowledges messages when they were written
//! out, leaves without a close frame, and says with [`Session::take_urgent_snapshot`] what has to be recorded before
//! anything it has asked for is carried out, with [`Session::take_snapshot`] what has to be by the end of a turn. Given such a [`Snapshot`], another session goes on with the same connection. Where it is
//! recorded is the caller's business. The driver is its caller.

use std::collections::BTreeSet;
use std::time::Duration;

use super::event::{AckReport, Lifecycle, Loss, OperationKind};
use super::operations::{Owner, PendingOperation};
use super::phase::{ConnectionIdentity, Recovery, RecoveryStep, SessionPhase};
use super::recovery::RECOVERY_WINDOW;
use super::request::{Outcome, Request};
use super::sequence::ReceivedSequence;
use super::snapshot::{Keep, KeptConnection, KeptLoss, KeptOperation, Mark, Resume, Snapshot};
use super::{AckMode, OnUnknown, OperationId, Output, Session};

/// Most operations without an ack that are kept after they were given up.
const MOST_DOUBTFUL: usize = 1000;

/// What a session has besides when its connection is to outlive the process.
#[derive(Debug, Default)]
pub(super) struct KeepState {
    /// What it is given, until it starts.
    keep: Keep,
    /// Something changed that outlives the process, and that what is asked for now may follow from.
    changed: bool,
    /// An operation has settled. Whoever does not find that recorded repeats it under the same id, so that it is soon
    /// enough before it is told to those who wait: many settle together, and a record is as long as all groups.
    settled: bool,
    /// ackIds were used for operations that others record: it is enough to record that at the end.
    used_more: bool,
    /// Which connection of an earlier process it has gone on with.
    resumed: Option<u64>,
    /// What is to be recorded of a session that has ended.
    parting: Option<Snapshot>,
    /// Groups that an earlier process has joined and that this one has not asked about.
    resumed_groups: BTreeSet<String>,
    /// Groups of an earlier process to leave.
    leaving: Vec<String>,
    /// Operations that were given up without an ack, with how many had been sent by then; another run may repeat them
    /// under their ids.
    doubtful: Vec<(KeptOperation, u64)>,
    /// Losses that no snapshot has yet.
    losses: Vec<KeptLoss>,
}

impl KeepState {
    pub(super) fn new(keep: Keep) -> Self {
        Self { keep, ..Self::default() }
    }

    /// What it was given, once.
    pub(super) fn take_up(&mut self) -> Keep {
        std::mem::take(&mut self.keep)
    }

    /// An event is told, which may be a loss.
    pub(super) fn note_loss(&mut self, event: &Lifecycle) {
        if let Some(loss) = KeptLoss::of(event) {
            self.losses.push(loss);
            self.changed = true;
        }
    }
}

impl Session {
    /// Whether the connection is to outlive the process.
    pub fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Something has changed that is to outlive the process.
    pub(super) fn note_change(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.changed = true;
        }
    }

    /// An operation has settled.
    pub(super) fn note_settled(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.settled = true;
        }
    }

    /// An ackId was used for an operation that its issuer records.
    pub(super) fn note_used_id(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.used_more = true;
        }
    }

    /// Whether the connection is still that of an earlier process.
    pub(super) fn is_resumed(&self) -> bool {
        self.kept.as_ref().and_then(|kept| kept.resumed) == Some(self.ordinal)
    }

    /// This process has asked about the group.
    pub(super) fn forget_resumed_group(&mut self, group: &str) -> bool {
        self.kept.as_mut().is_some_and(|kept| kept.resumed_groups.remove(group))
    }

    /// What has to be recorded before any further output is carried out; `None` when that was said before. Nothing that
    /// an output queues may leave, and nobody may be told of an end, before [`Self::take_snapshot`] was asked too.
    pub fn take_urgent_snapshot(&mut self) -> Option<Snapshot> {
        let kept = self.kept.as_mut()?;
        let urgent = kept.changed || kept.parting.is_some();
        if urgent { self.take_snapshot() } else { None }
    }

    /// What has to be recorded by the end of a turn; `None` when that was said before.
    pub fn take_snapshot(&mut self) -> Option<Snapshot> {
        let kept = self.kept.as_mut()?;
        if let Some(parting) = kept.parting.take() {
            return Some(parting);
        }
        let over = matches!(self.phase, SessionPhase::Closing { .. } | SessionPhase::Ended);
        if over {
            return None;
        }
        let changed = std::mem::take(&mut kept.changed) | std::mem::take(&mut kept.settled);
        changed.then(|| self.snapshot())
    }

    /// How far the connection has come, with everything that was received; `None` before the first message.
    pub fn mark(&self) -> Option<Mark> {
        let SessionPhase::Live(live) = &self.phase else { return None };
        let sequence_id = live.identity.sequence.largest()?;
        Some(Mark { ordinal: live.identity.ordinal, sequence_id })
    }

    /// Everything up to there was written out, and that is recorded.
    pub fn handle_written(&mut self, now: Duration, mark: Mark) {
        let identity = match &mut self.phase {
            SessionPhase::Live(live) => &mut live.identity,
            SessionPhase::Recovering(recovery) => &mut recovery.identity,
            SessionPhase::Idle
            | SessionPhase::Dialing { .. }
            | SessionPhase::Greeting { .. }
            | SessionPhase::Waiting { .. }
            | SessionPhase::Closing { .. }
            | SessionPhase::Ended => return,
        };
        if identity.ordinal != mark.ordinal {
            return;
        }
        identity.sequence.write(now, mark.sequence_id);
        self.acknowledge_messages(now);
    }

    fn snapshot(&mut self) -> Snapshot {
        let losses = self.kept.as_mut().map(|kept| std::mem::take(&mut kept.losses)).unwrap_or_default();
        let identity = match &self.phase {
            SessionPhase::Live(live) => Some(&live.identity),
            SessionPhase::Recovering(recovery) => Some(&recovery.identity),
            SessionPhase::Idle
            | SessionPhase::Dialing { .. }
            | SessionPhase::Greeting { .. }
            | SessionPhase::Waiting { .. }
            | SessionPhase::Closing { .. }
            | SessionPhase::Ended => None,
        };
        let connection = identity.and_then(|identity| {
            let token = identity.token.clone()?;
            Some(KeptConnection { id: identity.connection_id.clone(), user_id: identity.user_id.clone(), token })
        });
        let sent = self.operations.sent();
        let doubtful = self.kept.iter().flat_map(|kept| &kept.doubtful).map(|(kept, then)| {
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
            digests: self.operations.carried.digests(),
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
            .all()
            .map(|(group, wanted, joined)| (group.to_owned(), wanted, joined && pending.get(group) != Some(&true)))
            .collect();
        let others = pending.into_keys().filter(|group| !known.iter().any(|(known, ..)| known == group));
        let others: Vec<_> = others.map(|group| (group.to_owned(), false, false)).collect();
        known.into_iter().chain(others).collect()
    }

    /// The session is about to end: what is unanswered now stays recorded.
    pub(super) fn part(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        let settled = std::mem::take(&mut kept.settled) | std::mem::take(&mut kept.used_more);
        let changed = std::mem::take(&mut kept.changed) | settled;
        let parting = (changed && kept.parting.is_none()).then(|| self.snapshot());
        if let (Some(kept), Some(parting)) = (&mut self.kept, parting) {
            kept.parting = Some(parting);
        }
    }

    /// The sequence ids of a new connection.
    pub(super) fn new_sequence(&self) -> ReceivedSequence {
        if self.is_kept() { ReceivedSequence::kept() } else { ReceivedSequence::default() }
    }

    /// Goes on where an earlier process has ended.
    pub(super) fn resume(&mut self, now: Duration, resume: Resume) {
        let Resume { snapshot, done, begun, downtime, leave } = resume;
        // They are recorded already.
        self.outputs.extend(snapshot.losses.into_iter().map(KeptLoss::into_event).map(Output::Event));
        self.ordinal = snapshot.ordinal;
        let goes_on = snapshot.connection.is_some();
        let mut resumed_groups = BTreeSet::new();
        for (group, wanted, joined) in &snapshot.groups {
            let leaving = leave.contains(group);
            self.groups.restore(group, *wanted && !leaving, *joined && goes_on);
            if *joined && !leaving {
                resumed_groups.insert(group.clone());
            }
        }
        let sent = snapshot.connection.as_ref().map_or(0, |_| snapshot.sent);
        self.operations.restore(&snapshot.used_ids, snapshot.operations, sent);
        let known = snapshot.connection.as_ref().map(|_| (&snapshot.remembered[..], &snapshot.digests[..]));
        let (remembered, digests) = known.unwrap_or_default();
        self.operations.carried.restore(&snapshot.carried, remembered, digests);
        let Some(connection) = snapshot.connection else {
            self.dial_fresh(now);
            return;
        };
        if let Some(kept) = &mut self.kept {
            (kept.resumed_groups, kept.leaving, kept.resumed) = (resumed_groups, leave, Some(self.ordinal));
        }
        let identity = ConnectionIdentity {
            connection_id: connection.id,
            user_id: connection.user_id,
            token: Some(connection.token),
            sequence: ReceivedSequence::resumed(done, begun),
            ordinal: self.ordinal,
        };
        let loss = Loss { error: Some("the process that had it has ended".into()), ..Loss::default() };
        self.phase = SessionPhase::Recovering(Box::new(Recovery {
            identity,
            connected_at: now,
            loss,
            lost_at: now,
            lost_before: downtime,
            window: now + RECOVERY_WINDOW,
            garbled: false,
            attempts: 0,
            step: RecoveryStep::Pause { until: now },
        }));
        self.handle_timeout(now);
    }

    /// An earlier process's connection goes on: what it was in need not be joined, what is not wanted is left.
    pub(super) fn take_over_groups(&mut self) {
        for order in self.operations.unsent_joins() {
            let resumed = |group: &str| self.kept.as_ref().is_some_and(|kept| kept.resumed_groups.contains(group));
            let known = self.operations.target(order).is_some_and(resumed);
            if let Some(operation) = known.then(|| self.operations.take(order)).flatten() {
                self.settle(super::operations::SettledOperation { operation, outcome: Outcome::AlreadyJoined });
            }
        }
        for group in self.kept.as_mut().map(|kept| std::mem::take(&mut kept.leaving)).unwrap_or_default() {
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
        matches!(self.phase, SessionPhase::Live(_))
            && self.forget_resumed_group(group)
            && self.groups.is_joined(group)
            && !self.operations.concerns_group(group)
    }

    /// What an earlier process had of its connection is gone with it.
    pub(super) fn forget_earlier(&mut self) {
        self.ordinal += 1;
        let Some(kept) = &mut self.kept else { return };
        kept.resumed_groups.clear();
        kept.leaving.clear();
        kept.doubtful.clear();
        kept.changed = true;
    }

    /// Keeps an operation whose ack did not come: under the same id, another run may safely repeat it.
    pub(super) fn doubt(&mut self, operation: &PendingOperation, outcome: &Outcome) {
        if let Some(kept) = &mut self.kept
            && matches!(outcome, Outcome::NotAcknowledged { .. })
            && kept.doubtful.len() < MOST_DOUBTFUL
            && let Some(operation) = self.operations.kept(operation)
        {
            kept.doubtful.push((operation, self.operations.sent()));
        }
    }

    /// How an operation ended for which nobody waits any more: the process that asked for it has ended.
    pub(super) fn settle_earlier(&mut self, operation: &PendingOperation, outcome: Outcome) {
        match outcome {
            Outcome::Unknown { ack_id, cause } => {
                let reason = cause.to_string();
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
    pub(super) fn settle_leave(&mut self, operation: PendingOperation, outcome: Outcome) {
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

    /// The id of a request under which another one went over the connection that goes on.
    pub(super) fn used_otherwise(&self, request: &Request, mode: AckMode) -> Option<u64> {
        let id = match mode {
            AckMode::Id(id) | AckMode::Recorded { id, again: false } => id,
            // Its issuer knows that it is the same.
            AckMode::Recorded { again: true, .. } | AckMode::Automatic | AckMode::None => return None,
        };
        let frame = || request.encode(self.config.codec, Some(id));
        Some(id).filter(|_| self.is_resumed() && self.operations.carried.is_other(id, frame))
    }

    /// Answers an operation at once.
    pub(super) fn answer(&mut self, id: OperationId, outcome: Outcome) {
        self.outputs.push_back(Output::Settled { id, outcome });
    }
}
