//! Operations from submission to settlement (PROTOCOL §6, §19.6–8).
//!
//! Every operation has one ackId for its whole life, so the frame is encoded once and every retry and resend puts out
//! the same bytes. An operation leaves this table exactly when it settles.

mod earlier;
mod ends;
mod turns;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::blame::{Blame, Suspicion};
use super::carried::CarriedIds;
use super::cause::OutcomeCause;
use super::encoder::Encoder;
use super::event::{FailedAttempt, Nack, OperationKind};
use super::ids::IdSpace;
use super::operation::PendingState;
pub(super) use super::operation::{Owner, PendingOperation};
use super::request::{AckMode, Outcome, Request};
use super::sent::{AckIdCounts, REMEMBERED, SentOperation};
use super::timers::SessionTimers;
use super::verdict::{AckVerdict, ack_verdict};
use crate::{AckError, Codec, Dense, EncodedFrame};

#[derive(Debug)]
pub(super) struct SettledOperation {
    pub(super) operation: Box<PendingOperation>,
    pub(super) outcome: Outcome,
}

impl SettledOperation {
    /// The group of which others may be sent now.
    pub(super) fn freed_group(&self) -> Option<String> {
        self.operation.is_repeatable().then(|| self.operation.target.clone())
    }
}

/// What an ack did.
#[derive(Debug)]
pub(super) enum AckResult {
    /// It belongs to no operation that waits: late, or not ours.
    Stray,
    /// The operation will be tried again after a pause.
    Retrying,
    /// The operation settled.
    Settled(SettledOperation),
}

/// How often and how long operations wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct OperationPatience {
    pub(super) retries: u32,
    pub(super) ack_timeout: Duration,
    /// What may be carried out twice is sent all the same.
    pub(super) doubles: bool,
}

/// Its keys are the user's own, who has nobody else to choose such that collide: they are hashed as cheaply as can be.
type UserKeyMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// All operations that have not settled.
#[derive(Debug, Default)]
pub(super) struct Operations {
    /// By order of submission.
    pending: Dense<Box<PendingOperation>>,
    /// From ackId to order.
    by_ack: UserKeyMap<u64, u64>,
    /// What may be repeated and has not settled, all of it about a group: by group, in its order.
    groups: UserKeyMap<String, BTreeSet<u64>>,
    /// Deadlines and ends of pauses, with the order of their operation.
    timers: SessionTimers,
    next_order: u64,
    ids: IdSpace,
    encoder: Encoder,
    /// How many are in flight.
    in_flight: usize,
    /// As many as may be are in flight: none is sent before half of them are answered.
    full: bool,
    /// Something waits until there is room.
    holding: bool,
    /// What may be sent when, while one of them is under suspicion.
    blame: Blame,
    /// How many are an earlier process's, so that none is looked for where there is none.
    earlier: usize,
    /// What was sent on this connection.
    sent: AckIdCounts,
    /// Publishes of which another process may have to know.
    pub(super) carried: CarriedIds,
    /// Attempts that failed and are followed by another, to be told.
    pub(super) failed_attempts: Vec<FailedAttempt>,
}

impl Operations {
    /// Takes an operation in and returns its order, or how it ended at once.
    pub(super) fn submit(
        &mut self,
        codec: Codec,
        owner: Owner,
        request: Request,
        mode: AckMode,
    ) -> Result<u64, Outcome> {
        let ack_id = match mode {
            AckMode::None => None,
            AckMode::Id(id) if !self.ids.is_reserved(id) && self.ids.claim(id) => Some(id),
            AckMode::Recorded { id, .. } if self.ids.claim(id) => Some(id),
            AckMode::Id(ack_id) | AckMode::Recorded { id: ack_id, .. } => return Err(Outcome::IdInUse { ack_id }),
            AckMode::Automatic => match self.ids.next() {
                Some(id) => Some(id),
                None => return Err(Outcome::IdInUse { ack_id: u64::MAX }),
            },
        };
        let kind = request.kind();
        let frame = self.encoder.encode(&request, codec, ack_id);
        let order = self.next_order;
        self.next_order += 1;
        let target = request.into_target();
        let state = PendingState::Queued;
        let operation = PendingOperation {
            owner,
            kind,
            target,
            ack_id,
            frame,
            state,
            recorded: matches!(mode, AckMode::Recorded { .. }),
            counted: None,
            // What may have been sent before has an outcome that is not known when the connection is lost.
            attempts: u32::from(matches!(mode, AckMode::Recorded { again: true, .. })),
            failures: 0,
            unanswered: 0,
            suspicion: Suspicion::default(),
            first_sent: None,
        };
        self.insert(order, operation);
        Ok(order)
    }

    fn insert(&mut self, order: u64, operation: PendingOperation) {
        if let Some(id) = operation.ack_id {
            self.by_ack.insert(id, order);
        }
        if operation.is_repeatable() {
            self.groups.entry(operation.target.clone()).or_default().insert(order);
        }
        self.pending.insert(order, Box::new(operation));
    }

    /// Keeps ackIds for operations that are [`AckMode::Recorded`].
    pub(super) fn reserve(&mut self, range: Option<(u64, u64)>) {
        self.ids.reserve(range);
    }

    /// An operation is about to be sent.
    fn count(&mut self, order: u64) {
        let Some(operation) = self.pending.get_mut(order) else { return };
        let Some(id) = operation.ack_id else { return };
        let sent = &mut self.sent;
        match &mut operation.counted {
            None => {
                let recorded = operation.recorded;
                self.carried.note(id, &operation.frame);
                if !operation.is_repeatable() {
                    self.carried.send(id);
                }
                sent.count(recorded);
                sent.others_open += u64::from(!recorded);
                operation.counted = Some(SentOperation { since: sent.late, from: sent.all, recorded, late: false });
            }
            Some(counted) if operation.failures > 0 && !counted.late => {
                counted.late = true;
                sent.late += 1;
                sent.count(counted.recorded);
                // It does not come after itself.
                counted.from += 1;
            }
            Some(counted) if counted.since.saturating_add(sent.all.saturating_sub(counted.from)) >= REMEMBERED => {
                // A join that is carried out once more takes the place of another in the service's memory.
                sent.count(counted.recorded);
                (counted.since, counted.from) = (sent.late, sent.all);
            }
            Some(_) => {}
        }
    }

    /// The group or the event's name of an operation.
    pub(super) fn target(&self, order: u64) -> Option<&str> {
        self.pending.get(order).map(|operation| operation.target.as_str())
    }

    /// Takes an operation out, which then has to be settled.
    pub(super) fn take(&mut self, order: u64) -> Option<Box<PendingOperation>> {
        self.remove(order)
    }

    /// Sends one operation, if it waits for that and for nothing else. Without an ackId it settles by being sent.
    pub(super) fn send(
        &mut self,
        now: Duration,
        order: u64,
        patience: OperationPatience,
        put: impl FnOnce(EncodedFrame),
    ) -> Option<SettledOperation> {
        if self.is_held(order) {
            return None;
        }
        let operation = self.pending.get_mut(order)?;
        if operation.state != PendingState::Queued {
            return None;
        }
        // Sent again, it could be carried out again.
        if operation.since(&self.sent) >= REMEMBERED && !operation.is_repeatable() && !patience.doubles {
            return self.settle_unfinished(order, OutcomeCause::Forgotten);
        }
        self.count(order);
        let operation = self.pending.get_mut(order)?;
        operation.attempts += 1;
        operation.unanswered += 1;
        operation.first_sent.get_or_insert(now);
        operation.suspicion.sent(now);
        put(operation.frame.clone());
        if operation.ack_id.is_none() {
            let operation = self.remove(order)?;
            return Some(SettledOperation { operation, outcome: Outcome::Sent });
        }
        let deadline = now.saturating_add(patience.ack_timeout);
        operation.state = PendingState::InFlight { deadline };
        self.in_flight += 1;
        self.timers.insert(deadline, order);
        None
    }

    /// Whether an unsettled join or leave of the user's is about this group.
    pub(super) fn concerns_group(&self, group: &str) -> bool {
        self.of_group(group).any(|(_, operation)| operation.is_membership())
    }

    /// What the last unsettled join or leave of the user's about this group asks for: to be in it, or not.
    pub(super) fn asked_of_group(&self, group: &str) -> Option<bool> {
        let asked = |operation: &PendingOperation| match (operation.owner, operation.kind) {
            (Owner::User(_), OperationKind::JoinGroup) => Some(true),
            (Owner::User(_), OperationKind::LeaveGroup) => Some(false),
            (Owner::User(_) | Owner::Rejoin | Owner::Session | Owner::Earlier, _) => None,
        };
        self.of_group(group).filter_map(|(_, operation)| asked(operation)).last()
    }

    /// Whether an unsettled operation of the user's subscribes to the states of this group.
    pub(super) fn is_subscribing(&self, group: &str) -> bool {
        let is_one = |operation: &PendingOperation| {
            matches!((operation.owner, operation.kind), (Owner::User(_), OperationKind::SubscribeGroupState))
        };
        self.of_group(group).any(|(_, operation)| is_one(operation))
    }

    /// What is about this group and may be repeated, in its order.
    pub(super) fn of_group(&self, group: &str) -> impl Iterator<Item = (u64, &PendingOperation)> {
        let orders = self.groups.get(group).into_iter().flatten();
        orders.filter_map(|order| Some((*order, &**self.pending.get(*order)?)))
    }

    /// The groups that an unsettled join or leave is about, with whether one was sent.
    pub(super) fn groups_concerned(&self) -> BTreeMap<&str, bool> {
        let mut groups = BTreeMap::new();
        for group in self.groups.keys() {
            for (_, operation) in self.of_group(group).filter(|(_, operation)| operation.is_membership()) {
                *groups.entry(group.as_str()).or_default() |= operation.attempts > 0;
            }
        }
        groups
    }

    /// Forgets the session's own operations about a group: the user has asked for something about it. Whether a leave was
    /// among them that has been sent: it may be carried out all the same.
    pub(super) fn drop_own_of(&mut self, group: &str) -> bool {
        let orders = self.groups.get(group).map(|orders| orders.iter().copied().collect());
        self.drop_own(orders.unwrap_or_default())
    }

    fn drop_rejoins(&mut self) {
        self.drop_own(self.groups.values().flatten().copied().collect());
    }

    /// Forgets those of these operations that are the session's own. Whether a leave was among them that has been sent.
    fn drop_own(&mut self, mut orders: Vec<u64>) -> bool {
        let own = |owner: Owner| matches!(owner, Owner::Rejoin | Owner::Session);
        orders.retain(|order| self.pending.get(*order).is_some_and(|operation| own(operation.owner)));
        let mut left = false;
        for operation in orders.into_iter().filter_map(|order| self.remove(order)) {
            left |= operation.kind == OperationKind::LeaveGroup && operation.attempts > 0;
        }
        left
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn due(&self) -> Option<Duration> {
        let timer = self.timers.first().map(|(due, _)| due);
        [timer, self.blame.due()].into_iter().flatten().min()
    }

    /// Takes an ack. `pause` gives the pause before the retry of that number.
    pub(super) fn acknowledge(
        &mut self,
        now: Duration,
        ack_id: u64,
        result: &Result<(), AckError<'_>>,
        patience: OperationPatience,
        pause: impl FnOnce(u32) -> Duration,
    ) -> AckResult {
        let Some(order) = self.by_ack.get(&ack_id).copied() else { return AckResult::Stray };
        let Some(operation) = self.pending.get_mut(order).filter(|operation| operation.attempts > 0) else {
            return AckResult::Stray;
        };
        operation.unanswered = operation.unanswered.saturating_sub(1);
        // The socket has outlived it.
        operation.suspicion = Suspicion::default();
        self.blame.answered();
        let attempts = operation.attempts;
        let elapsed = operation.first_sent.map_or(Duration::ZERO, |first| now.saturating_sub(first));
        let nack = |error: &AckError<'_>| Nack { name: error.name.to_string(), message: error.message.to_string() };
        let outcome = match (ack_verdict(result), result) {
            (AckVerdict::Retry, Err(error)) => match operation.state {
                // It answers an earlier attempt, and says nothing of those after it.
                PendingState::InFlight { .. } if operation.unanswered > 0 => return AckResult::Retrying,
                PendingState::Queued | PendingState::Pausing { .. } => return AckResult::Retrying,
                PendingState::InFlight { deadline } if operation.failures < patience.retries => {
                    operation.failures += 1;
                    self.failed_attempts.push(operation.failed_attempt(nack(error)));
                    let until = now.saturating_add(pause(operation.failures));
                    operation.state = PendingState::Pausing { until };
                    self.in_flight -= 1;
                    self.timers.remove(deadline, order);
                    self.timers.insert(until, order);
                    return AckResult::Retrying;
                }
                PendingState::InFlight { .. } => Outcome::Refused { ack_id, error: nack(error), attempts, elapsed },
            },
            (AckVerdict::Done { duplicate }, _) => Outcome::Acked { ack_id, duplicate, attempts, elapsed },
            (AckVerdict::Refused, Err(error)) => Outcome::Refused { ack_id, error: nack(error), attempts, elapsed },
            (AckVerdict::Retry | AckVerdict::Refused, Ok(())) => return AckResult::Stray,
        };
        let done = matches!(outcome, Outcome::Acked { .. });
        if !done {
            self.carried.release(ack_id);
        }
        if !operation.is_repeatable() {
            if done {
                self.carried.settle(ack_id, operation.since(&self.sent), self.sent.all);
            } else {
                self.carried.refuse(ack_id);
            }
        }
        match self.remove(order) {
            Some(operation) => AckResult::Settled(SettledOperation { operation, outcome }),
            None => AckResult::Stray,
        }
    }

    /// Handles every deadline that has passed: operations to be sent again become queued, and their orders are
    /// returned; operations out of attempts settle.
    pub(super) fn expire(&mut self, now: Duration, patience: OperationPatience) -> (Vec<u64>, Vec<SettledOperation>) {
        let (mut again, mut settled) = (Vec::new(), Vec::new());
        self.blame.expire(now);
        while let Some((due, order)) = self.timers.first().filter(|(due, _)| *due <= now) {
            self.timers.remove(due, order);
            let Some(operation) = self.pending.get_mut(order) else { continue };
            if matches!(operation.state, PendingState::InFlight { .. }) {
                operation.failures += 1;
                if operation.failures > patience.retries {
                    let attempts = operation.attempts;
                    let ack_id = operation.ack_id.unwrap_or_default();
                    settled.extend(self.remove(order).map(|operation| SettledOperation {
                        operation,
                        outcome: Outcome::NotAcknowledged { ack_id, attempts },
                    }));
                    continue;
                }
                self.in_flight -= 1;
                let silence = Nack { name: String::new(), message: "no ack came in time".into() };
                self.failed_attempts.push(operation.failed_attempt(silence));
            }
            operation.state = PendingState::Queued;
            again.push(order);
        }
        again.sort_unstable();
        (again, settled)
    }

    fn remove(&mut self, order: u64) -> Option<Box<PendingOperation>> {
        let operation = self.pending.remove(order)?;
        self.blame.forget(order);
        if let Some(id) = operation.ack_id {
            self.by_ack.remove(&id);
        }
        if operation.is_repeatable()
            && let Some(orders) = self.groups.get_mut(&operation.target)
        {
            orders.remove(&order);
            if orders.is_empty() {
                self.groups.remove(&operation.target);
            }
        }
        self.earlier -= usize::from(operation.owner == Owner::Earlier);
        if let Some(counted) = operation.counted {
            self.sent.late = self.sent.late.saturating_sub(u64::from(counted.late));
            self.sent.others_open = self.sent.others_open.saturating_sub(u64::from(!counted.recorded));
        }
        match operation.state {
            PendingState::InFlight { deadline: due } => {
                self.in_flight -= 1;
                self.timers.remove(due, order);
            }
            PendingState::Pausing { until: due } => {
                self.timers.remove(due, order);
            }
            PendingState::Queued => {}
        }
        Some(operation)
    }
}
