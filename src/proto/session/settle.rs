//! Operations on their way out and to their end: what is sent when, and who is told how each one ended.

use std::collections::BTreeSet;
use std::time::Duration;

use super::cause::OutcomeCause;
use super::event::{AckReport, Lifecycle, Nack, OperationKind};
use super::operations::{OperationPatience, Owner, SettledOperation};
use super::phase::SessionPhase;
use super::request::{AckMode, OperationId, Outcome, Request};
use super::{OnUnknown, Output, Session};

impl Session {
    pub(super) fn patience(&self) -> OperationPatience {
        OperationPatience {
            retries: self.config.operation_retries,
            ack_timeout: self.config.ack_timeout,
            doubles: self.config.on_unknown == OnUnknown::Resend,
        }
    }

    /// Joins every wanted group that nothing is about to join anyway.
    pub(super) fn rejoin(&mut self, now: Duration) {
        for group in self.groups.missing() {
            if let Some(order) = self.submit_rejoin(&group) {
                self.send_operation(now, order);
            }
        }
    }

    /// A wanted group is to be joined, unless something is about to anyway. It is sent with what waits.
    fn submit_rejoin(&mut self, group: &str) -> Option<u64> {
        if !self.config.rejoin || self.operations.concerns_group(group) {
            return None;
        }
        let join = Request::Join { group: group.to_owned() };
        self.operations.submit(self.config.codec, Owner::Rejoin, join, AckMode::Automatic).ok()
    }

    /// Sends everything that waits and has its turn, in the order it was asked for (PROTOCOL §19.3).
    pub(super) fn send_queued(&mut self, now: Duration) {
        if self.operations.is_full() {
            return;
        }
        self.operations.release();
        loop {
            let mut settled = false;
            for order in self.operations.queued() {
                if !self.operations.has_turn(now, order) {
                    self.operations.hold();
                    return;
                }
                settled |= self.put_operation(now, order);
            }
            // Without an ack it settles by being sent, and what was held for it may go.
            if !settled {
                return;
            }
        }
    }

    /// Operations have settled: sends what waited for that, be it for the last operation about one of these groups, for
    /// room or for its turn.
    pub(super) fn send_freed(&mut self, now: Duration, groups: impl IntoIterator<Item = String>) {
        if self.operations.has_room_again() || self.operations.is_careful() {
            return self.send_queued(now);
        }
        for group in groups {
            let mut sent = BTreeSet::new();
            // Without an ack it settles by being sent, and the next may go.
            while let Some(order) = self.operations.ready_of_group(&group).into_iter().find(|order| sent.insert(*order))
            {
                self.send_operation(now, order);
            }
        }
    }

    /// Sends an operation, unless others have their turn before it.
    pub(super) fn send_operation(&mut self, now: Duration, order: u64) {
        if self.operations.is_careful() || self.operations.is_holding() {
            self.send_queued(now);
        } else if !self.operations.is_full() {
            self.put_operation(now, order);
        }
    }

    /// Sends an operation. Whether it has settled by that.
    fn put_operation(&mut self, now: Duration, order: u64) -> bool {
        let patience = self.patience();
        let outputs = &mut self.outputs;
        let settled = self.operations.send(now, order, patience, |frame| outputs.push_back(Output::Send(frame)));
        let is_settled = settled.is_some();
        if let Some(settled) = settled {
            self.settle(settled);
        }
        is_settled
    }

    /// Operations have waited long enough.
    pub(super) fn expire_operations(&mut self, now: Duration) {
        let (again, settled) = self.operations.expire(now, self.patience());
        self.report_failed_attempts();
        let freed: Vec<String> = settled.iter().filter_map(SettledOperation::freed_group).collect();
        for settled in settled {
            self.settle(settled);
        }
        if matches!(self.phase, SessionPhase::Live(_)) {
            for order in again {
                self.send_operation(now, order);
            }
            self.send_freed(now, freed);
        }
    }

    /// What was never sent settles as that.
    pub(super) fn settle_unsent(&mut self, now: Duration) {
        for settled in self.operations.withdraw() {
            self.settle(settled);
        }
        // What is made up for.
        if matches!(self.phase, SessionPhase::Live(_)) {
            self.send_queued(now);
        }
        for settled in self.invocations.withdraw() {
            self.settle_invocation(settled);
        }
    }

    /// The session ends: everything of this process settles.
    pub(super) fn settle_all(&mut self, cause: &OutcomeCause) {
        self.end_streams(cause);
        for settled in self.operations.finish(cause) {
            // What an earlier process has left stays as it is.
            if settled.operation.owner == Owner::Earlier {
                continue;
            }
            self.settle(settled);
        }
        // States that are still wanted are to be set again, and nobody is there any more to do it.
        drop(self.operations.finish(cause));
        for settled in self.invocations.finish(cause) {
            self.settle_invocation(settled);
        }
    }

    /// An operation has ended: groups follow, the user is told, its issuer is answered.
    pub(super) fn settle(&mut self, SettledOperation { mut operation, outcome }: SettledOperation) {
        let group = match operation.kind {
            OperationKind::JoinGroup => Some(true),
            OperationKind::LeaveGroup => Some(false),
            OperationKind::SendToGroup
            | OperationKind::Event
            | OperationKind::SetGroupState
            | OperationKind::SubscribeGroupState
            | OperationKind::UnsubscribeGroupState => None,
        };
        let done = matches!(outcome, Outcome::Acked { .. } | Outcome::Sent | Outcome::AlreadyJoined);
        if !operation.recorded {
            self.note_settled();
        }
        self.doubt(&operation, &outcome);
        if let Some(joined) = group {
            if done {
                self.groups.confirm(&operation.target, joined);
            }
            let is_users = matches!(operation.owner, Owner::User(_));
            let was_sent = !matches!(outcome, Outcome::NotSent { .. });
            // One that was never sent, be it that it was withdrawn, has changed nothing.
            if is_users && was_sent {
                self.groups.settle_for_what_is(&operation.target);
            }
            if is_users {
                self.groups.settle(&operation.target, self.operations.asked_of_group(&operation.target));
            }
            // It has taken the place of a join of the session's own on this connection; another begins with all of them.
            if is_users && !was_sent && self.has_connection() && self.groups.is_missing(&operation.target) {
                self.submit_rejoin(&operation.target);
            }
        }
        if operation.is_repeatable() {
            self.settle_states(&operation, done);
        }
        let id = match operation.owner {
            Owner::User(id) => id,
            Owner::Rejoin if group.is_none() => {
                return self.settle_restated(operation.kind, operation.target, outcome);
            }
            Owner::Rejoin => return self.settle_rejoin(&operation.target, operation.ack_id, outcome),
            Owner::Session => return self.settle_leave(*operation, outcome),
            Owner::Earlier => {
                self.count(&outcome);
                self.report(None, operation.kind, operation.target.clone(), &outcome);
                return self.settle_earlier(&operation, outcome);
            }
        };
        self.count(&outcome);
        if group.is_none() {
            // Nothing else is to be said of it.
            let target = std::mem::take(&mut operation.target);
            self.report(Some(id), operation.kind, target, &outcome);
        } else {
            self.report(Some(id), operation.kind, operation.target.clone(), &outcome);
        }
        if let (Some(joined), true) = (group, done) {
            let (group, ack_id) = (operation.target, operation.ack_id);
            let ack_id = ack_id.filter(|_| outcome != Outcome::AlreadyJoined);
            self.event(if joined {
                Lifecycle::Joined { group, ack_id, rejoined: false }
            } else {
                Lifecycle::Left { group, ack_id }
            });
        }
        self.outputs.push_back(Output::Settled { id, outcome });
    }

    /// Reports attempts that failed and are followed by another.
    pub(super) fn report_failed_attempts(&mut self) {
        for attempt in std::mem::take(&mut self.operations.failed_attempts) {
            self.event(Lifecycle::OperationRetried(attempt));
        }
    }

    fn settle_rejoin(&mut self, group: &str, ack_id: Option<u64>, outcome: Outcome) {
        let group = group.to_owned();
        match outcome {
            Outcome::Acked { .. } | Outcome::Sent => self.event(Lifecycle::Joined { group, ack_id, rejoined: true }),
            Outcome::Refused { error, .. } => {
                self.operations.drop_own_of(&group);
                self.event(Lifecycle::RejoinFailed { group, error });
            }
            Outcome::NotAcknowledged { .. } | Outcome::Unknown { .. } => {
                self.operations.drop_own_of(&group);
                let error = Nack { name: String::new(), message: "the service did not acknowledge the join".into() };
                self.event(Lifecycle::RejoinFailed { group, error });
            }
            // It settles only once it was sent, and has an id of its own.
            Outcome::AlreadyJoined | Outcome::NotSent { .. } | Outcome::IdInUse { .. } => {}
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        let counts = &mut self.counts;
        match outcome {
            Outcome::Acked { .. } => {
                counts.sent += 1;
                counts.acked += 1;
            }
            Outcome::Sent => counts.sent += 1,
            Outcome::AlreadyJoined => {}
            Outcome::Refused { .. } | Outcome::NotAcknowledged { .. } | Outcome::Unknown { .. } => {
                counts.sent += 1;
                counts.failed += 1;
            }
            Outcome::NotSent { .. } | Outcome::IdInUse { .. } => counts.failed += 1,
        }
    }

    fn report(&mut self, id: Option<OperationId>, operation: OperationKind, target: String, outcome: &Outcome) {
        let (ack_id, error, duplicate, attempts, elapsed) = match outcome {
            Outcome::Acked { ack_id, duplicate, attempts, elapsed } => (*ack_id, None, *duplicate, *attempts, *elapsed),
            Outcome::Refused { ack_id, error, attempts, elapsed } => {
                (*ack_id, Some(error.clone()), false, *attempts, *elapsed)
            }
            Outcome::Sent
            | Outcome::AlreadyJoined
            | Outcome::NotAcknowledged { .. }
            | Outcome::Unknown { .. }
            | Outcome::NotSent { .. }
            | Outcome::IdInUse { .. } => return,
        };
        let line = None;
        let report = AckReport { id, line, operation, target, ack_id, error, duplicate, attempts, elapsed };
        self.event(Lifecycle::Ack(report));
    }
}
