//! Operations from submission to settlement (PROTOCOL §6, §19.6–8).
//!
//! Every operation has one ackId for its whole life, so the frame is encoded once and every retry and resend puts out
//! the same bytes. An operation leaves this table exactly when it settles.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::blame::{Blame, Suspicion};
use super::carried::Carried;
use super::cause::OutcomeCause;
use super::config::OnUnknown;
use super::event::{FailedAttempt, Nack, OperationKind};
use super::ids::IdSpace;
use super::request::{AckMode, OperationId, Outcome, Request};
use super::sent::{Counted, MOST_IN_FLIGHT, REMEMBERED, Sent};
use super::snapshot::KeptOperation;
use super::verdict::{AckVerdict, ack_verdict};
use crate::{AckError, Codec, EncodedFrame};

/// Who waits for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user.
    User(OperationId),
    /// The session itself, after a fresh connection.
    Rejoin,
    /// The session itself, which leaves what an earlier process had joined.
    Session,
    /// A process that has ended.
    Earlier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be sent as soon as there is a connection.
    Queued,
    /// Sent; sent again at the deadline.
    InFlight { deadline: Duration },
    /// Refused for a passing reason; sent again then.
    Pausing { until: Duration },
}

/// An operation that has not settled.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) owner: Owner,
    pub(super) kind: OperationKind,
    /// The group or the event's name.
    pub(super) target: String,
    pub(super) ack_id: Option<u64>,
    frame: EncodedFrame,
    state: State,
    /// Its issuer records it by itself.
    pub(super) recorded: bool,
    /// It was sent on this connection.
    counted: Option<Counted>,
    /// How often it was sent.
    attempts: u32,
    /// How many attempts failed: refused for a passing reason, or not acknowledged.
    failures: u32,
    /// How many attempts of this socket have not been answered.
    unanswered: u32,
    /// Whether it may be what costs the connection its sockets.
    suspicion: Suspicion,
    /// When it was sent first.
    first_sent: Option<Duration>,
}

impl Operation {
    fn failed_attempt(&self, error: Nack) -> FailedAttempt {
        FailedAttempt {
            operation: self.kind,
            target: self.target.clone(),
            ack_id: self.ack_id.unwrap_or_default(),
            attempt: self.attempts,
            error,
        }
    }

    /// How many operations may have been carried out after it.
    fn since(&self, sent: &Sent) -> u64 {
        self.counted.map_or(0, |counted| counted.since.saturating_add(sent.all.saturating_sub(counted.from)))
    }

    /// Join and leave can be repeated on another connection; a publish would be doubled (PROTOCOL §19.7).
    pub(super) fn is_membership(&self) -> bool {
        matches!(self.kind, OperationKind::JoinGroup | OperationKind::LeaveGroup)
    }
}

/// A settled operation.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) operation: Operation,
    pub(super) outcome: Outcome,
}

/// What an ack did.
#[derive(Debug)]
pub(super) enum Acked {
    /// It belongs to no operation that waits: late, or not ours.
    Stray,
    /// The operation will be tried again after a pause.
    Retrying,
    /// The operation settled.
    Settled(Box<Settled>),
}

/// How often and how long operations wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) retries: u32,
    pub(super) ack_timeout: Duration,
    /// What may be carried out twice is sent all the same.
    pub(super) doubles: bool,
}

/// All operations that have not settled.
#[derive(Debug, Default)]
pub(super) struct Operations {
    /// By order of submission.
    pending: BTreeMap<u64, Operation>,
    /// From ackId to order.
    by_ack: HashMap<u64, u64>,
    /// Deadlines and ends of pauses, with the order of their operation.
    timers: BTreeSet<(Duration, u64)>,
    next_order: u64,
    ids: IdSpace,
    /// How many are in flight.
    in_flight: usize,
    /// As many as may be are in flight: none is sent before half of them are answered.
    full: bool,
    /// What may be sent when, while one of them is under suspicion.
    blame: Blame,
    /// How many are an earlier process's, so that none is looked for where there is none.
    earlier: usize,
    /// What was sent on this connection.
    sent: Sent,
    /// Publishes of which another process may have to know.
    pub(super) carried: Carried,
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
        let frame = request.encode(codec, ack_id);
        let order = self.next_order;
        self.next_order += 1;
        let target = request.into_target();
        let state = State::Queued;
        let operation = Operation {
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
        self.pending.insert(order, operation);
        if let Some(id) = ack_id {
            self.by_ack.insert(id, order);
        }
        Ok(order)
    }

    /// Keeps ackIds for operations that are [`AckMode::Recorded`].
    pub(super) fn reserve(&mut self, range: Option<(u64, u64)>) {
        self.ids.reserve(range);
    }

    /// Takes over the operations of an earlier process, which ids it used, and how many operations it sent.
    pub(super) fn restore(&mut self, used_ids: &[(u64, u64)], operations: Vec<KeptOperation>, others: u64) {
        self.ids.restore(used_ids);
        self.sent.others = others;
        for KeptOperation { ack_id, kind, target, frame, since } in operations {
            if self.by_ack.contains_key(&ack_id) {
                continue;
            }
            let order = self.next_order;
            self.next_order += 1;
            self.by_ack.insert(ack_id, order);
            self.earlier += 1;
            self.sent.others_open += 1;
            let operation = Operation {
                owner: Owner::Earlier,
                kind,
                target,
                ack_id: Some(ack_id),
                frame,
                state: State::Queued,
                recorded: false,
                counted: Some(Counted { since, from: 0, recorded: false, late: false }),
                attempts: 1,
                failures: 0,
                unanswered: 0,
                suspicion: Suspicion::default(),
                first_sent: None,
            };
            self.pending.insert(order, operation);
        }
    }

    /// The operation of an earlier process that is the same as this request, with its new owner; or why the request
    /// cannot be.
    pub(super) fn adopt(
        &mut self,
        codec: Codec,
        owner: Owner,
        request: &Request,
        mode: AckMode,
    ) -> Option<Result<u64, Outcome>> {
        if self.earlier == 0 {
            return None;
        }
        for (order, operation) in &mut self.pending {
            let (Owner::Earlier, Some(ack_id)) = (operation.owner, operation.ack_id) else { continue };
            let same = || operation.frame == request.encode(codec, Some(ack_id));
            match mode {
                AckMode::None => return None,
                AckMode::Id(id) | AckMode::Recorded { id, .. } if id != ack_id => {}
                AckMode::Id(_) | AckMode::Recorded { .. } if !same() => {
                    return Some(Err(Outcome::IdInUse { ack_id }));
                }
                AckMode::Automatic if !same() => {}
                AckMode::Id(_) | AckMode::Recorded { .. } | AckMode::Automatic => {
                    operation.owner = owner;
                    operation.recorded = matches!(mode, AckMode::Recorded { .. });
                    self.earlier -= 1;
                    // So that it is not given again within this process.
                    self.ids.claim(ack_id);
                    return Some(Ok(*order));
                }
            }
        }
        None
    }

    /// Whether an earlier process has sent a publish under this id that is not among those that it left here.
    pub(super) fn was_sent_earlier(&self, id: u64) -> bool {
        self.carried.is_earlier(id) && !self.by_ack.contains_key(&id)
    }

    /// Whether the service may carry out again what an earlier process has sent under this id.
    pub(super) fn has_forgotten(&self, id: u64) -> bool {
        self.carried.since(id, self.sent.all) >= REMEMBERED
    }

    /// An operation was sent by an earlier process, on this connection.
    pub(super) fn repeat(&mut self, order: u64) {
        let Some(operation) = self.pending.get_mut(&order) else { return };
        let Some(id) = operation.ack_id.filter(|_| operation.attempts == 0) else { return };
        let (all, recorded) = (self.sent.all, operation.recorded);
        operation.attempts = 1;
        operation.counted = Some(Counted { since: self.carried.since(id, all), from: all, recorded, late: false });
        self.sent.others_open += u64::from(!recorded);
    }

    /// What was sent and not answered, in its order.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = KeptOperation> {
        self.pending.values().filter_map(|operation| self.kept(operation))
    }

    /// What is recorded of an operation, which may no longer be here: it was sent, and can be repeated under its id.
    pub(super) fn kept(&self, operation: &Operation) -> Option<KeptOperation> {
        let sent = operation.attempts > 0 && !operation.recorded && !operation.is_membership();
        let ack_id = operation.ack_id.filter(|_| sent)?;
        let frame = operation.frame.clone();
        let (kind, target, since) = (operation.kind, operation.target.clone(), operation.since(&self.sent));
        Some(KeptOperation { ack_id, kind, target, frame, since })
    }

    /// An operation is about to be sent.
    fn count(&mut self, order: u64) {
        let Some(operation) = self.pending.get_mut(&order) else { return };
        let Some(id) = operation.ack_id else { return };
        let sent = &mut self.sent;
        match &mut operation.counted {
            None => {
                let recorded = operation.recorded;
                self.carried.note(id, &operation.frame);
                if !operation.is_membership() {
                    self.carried.send(id);
                }
                sent.count(recorded);
                sent.others_open += u64::from(!recorded);
                operation.counted = Some(Counted { since: sent.late, from: sent.all, recorded, late: false });
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

    /// How many operations this process has sent on this connection.
    pub(super) fn sent(&self) -> u64 {
        self.sent.all
    }

    /// Of those that no issuer records by itself: how many were sent, and how many of these have settled.
    pub(super) fn others(&self) -> (u64, u64) {
        (self.sent.others, self.sent.others.saturating_sub(self.sent.others_open))
    }

    /// The ids that were used, as ranges.
    pub(super) fn used_ids(&self) -> Vec<(u64, u64)> {
        self.ids.used()
    }

    /// Joins of the user's that were never sent and that no earlier leave or join holds back.
    pub(super) fn unsent_joins(&self) -> Vec<u64> {
        let unsent = |operation: &Operation| {
            operation.kind == OperationKind::JoinGroup
                && operation.attempts == 0
                && matches!(operation.owner, Owner::User(_))
        };
        let chosen = self.pending.iter().filter(|(order, operation)| unsent(operation) && !self.is_held(**order));
        chosen.map(|(order, _)| *order).collect()
    }

    /// The group or the event's name of an operation.
    pub(super) fn target(&self, order: u64) -> Option<&str> {
        self.pending.get(&order).map(|operation| operation.target.as_str())
    }

    /// Takes an operation out, which then has to be settled.
    pub(super) fn take(&mut self, order: u64) -> Option<Operation> {
        self.remove(order)
    }

    /// Sends one operation, if it waits for that and for nothing else. Without an ackId it settles by being sent.
    pub(super) fn send(
        &mut self,
        now: Duration,
        order: u64,
        patience: Patience,
        put: impl FnOnce(EncodedFrame),
    ) -> Option<Settled> {
        if self.is_held(order) {
            return None;
        }
        let operation = self.pending.get_mut(&order)?;
        if operation.state != State::Queued {
            return None;
        }
        // Sent again, it could be carried out again.
        if operation.since(&self.sent) >= REMEMBERED && !operation.is_membership() && !patience.doubles {
            return self.settle_unfinished(order, OutcomeCause::Forgotten);
        }
        self.count(order);
        let operation = self.pending.get_mut(&order)?;
        operation.attempts += 1;
        operation.unanswered += 1;
        operation.first_sent.get_or_insert(now);
        operation.suspicion.sent(now);
        put(operation.frame.clone());
        if operation.ack_id.is_none() {
            let operation = self.pending.remove(&order)?;
            return Some(Settled { operation, outcome: Outcome::Sent });
        }
        let deadline = now.saturating_add(patience.ack_timeout);
        operation.state = State::InFlight { deadline };
        self.in_flight += 1;
        self.timers.insert((deadline, order));
        None
    }

    /// A socket is open on which operations can be sent.
    pub(super) fn begin_socket(&mut self, now: Duration) {
        self.blame.begin_socket(now);
    }

    /// Whether operations go out one by one, oldest first: then each answer may be the turn of others.
    pub(super) fn is_careful(&self) -> bool {
        self.blame.is_careful()
    }

    /// Whether as many are in flight as may be. What waits is sent together then, when half of them are answered.
    pub(super) fn is_full(&mut self) -> bool {
        self.full = self.in_flight >= if self.full { MOST_IN_FLIGHT / 2 } else { MOST_IN_FLIGHT };
        self.full
    }

    /// Whether what waited for room has it now.
    pub(super) fn has_room_again(&mut self) -> bool {
        self.full && !self.is_full()
    }

    /// Whether it is the turn of this one, all that were queued before it having had theirs.
    pub(super) fn has_turn(&mut self, now: Duration, order: u64) -> bool {
        if self.is_full() {
            return false;
        }
        if !self.is_careful() || self.is_held(order) {
            return true;
        }
        let suspicion = self.pending.get(&order).map(|operation| operation.suspicion).unwrap_or_default();
        let alone = self.first_in_flight().is_some_and(|(_, first)| first.suspicion.is_suspect());
        !alone && self.blame.has_turn(now, self.in_flight, order, suspicion)
    }

    fn first_in_flight(&self) -> Option<(u64, &Operation)> {
        if self.in_flight == 0 {
            return None;
        }
        let in_flight = |operation: &Operation| matches!(operation.state, State::InFlight { .. });
        self.pending.iter().find(|(_, operation)| in_flight(operation)).map(|(order, operation)| (*order, operation))
    }

    /// Whether an earlier join or leave of the same group has to settle first: its retry would undo this one.
    fn is_held(&self, order: u64) -> bool {
        let Some(this) = self.pending.get(&order).filter(|operation| operation.is_membership()) else { return false };
        let same = |earlier: &Operation| earlier.is_membership() && earlier.target == this.target;
        self.pending.range(..order).any(|(_, earlier)| same(earlier))
    }

    /// The orders of all operations that wait to be sent, oldest first; but joins of groups that are to be joined again
    /// come before anything else (PROTOCOL §19.4).
    pub(super) fn queued(&self) -> Vec<u64> {
        let queued = |(_, operation): &(&u64, &Operation)| operation.state == State::Queued;
        let (mut first, others): (Vec<_>, Vec<_>) = self
            .pending
            .iter()
            .filter(queued)
            .map(|(order, operation)| (operation.owner == Owner::Rejoin, *order))
            .partition(|(rejoin, _)| *rejoin);
        first.extend(others);
        first.into_iter().map(|(_, order)| order).collect()
    }

    /// Whether an unsettled join or leave of the user's is about this group.
    pub(super) fn concerns_group(&self, group: &str) -> bool {
        self.pending.values().any(|operation| operation.is_membership() && operation.target == group)
    }

    /// The groups that an unsettled join or leave is about, with whether one was sent.
    pub(super) fn groups_concerned(&self) -> BTreeMap<&str, bool> {
        let mut groups = BTreeMap::new();
        for operation in self.pending.values().filter(|operation| operation.is_membership()) {
            *groups.entry(operation.target.as_str()).or_default() |= operation.attempts > 0;
        }
        groups
    }

    /// Forgets the session's own join of a group: the user has asked for something about it.
    pub(super) fn drop_rejoin(&mut self, group: &str) {
        self.drop_rejoins_where(|operation| operation.target == group);
    }

    fn drop_rejoins(&mut self) {
        self.drop_rejoins_where(|_| true);
    }

    fn drop_rejoins_where(&mut self, chosen: impl Fn(&Operation) -> bool) {
        let own = |owner: Owner| matches!(owner, Owner::Rejoin | Owner::Session);
        let rejoin = |operation: &Operation| own(operation.owner) && chosen(operation);
        let orders: Vec<u64> =
            self.pending.iter().filter(|(_, operation)| rejoin(operation)).map(|(order, _)| *order).collect();
        for order in orders {
            self.remove(order);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn due(&self) -> Option<Duration> {
        let timer = self.timers.first().map(|(due, _)| *due);
        [timer, self.blame.due()].into_iter().flatten().min()
    }

    /// Takes an ack. `pause` gives the pause before the retry of that number.
    pub(super) fn acknowledge(
        &mut self,
        now: Duration,
        ack_id: u64,
        result: &Result<(), AckError<'_>>,
        patience: Patience,
        pause: impl FnOnce(u32) -> Duration,
    ) -> Acked {
        let Some(order) = self.by_ack.get(&ack_id).copied() else { return Acked::Stray };
        let Some(operation) = self.pending.get_mut(&order).filter(|operation| operation.attempts > 0) else {
            return Acked::Stray;
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
                State::InFlight { .. } if operation.unanswered > 0 => return Acked::Retrying,
                State::Queued | State::Pausing { .. } => return Acked::Retrying,
                State::InFlight { deadline } if operation.failures < patience.retries => {
                    operation.failures += 1;
                    self.failed_attempts.push(operation.failed_attempt(nack(error)));
                    let until = now.saturating_add(pause(operation.failures));
                    operation.state = State::Pausing { until };
                    self.in_flight -= 1;
                    self.timers.remove(&(deadline, order));
                    self.timers.insert((until, order));
                    return Acked::Retrying;
                }
                State::InFlight { .. } => Outcome::Refused { ack_id, error: nack(error), attempts, elapsed },
            },
            (AckVerdict::Done { duplicate }, _) => Outcome::Acked { ack_id, duplicate, attempts, elapsed },
            (AckVerdict::Refused, Err(error)) => Outcome::Refused { ack_id, error: nack(error), attempts, elapsed },
            (AckVerdict::Retry | AckVerdict::Refused, Ok(())) => return Acked::Stray,
        };
        let done = matches!(outcome, Outcome::Acked { .. });
        if !done {
            self.carried.release(ack_id);
        }
        if !operation.is_membership() {
            if done {
                self.carried.settle(ack_id, operation.since(&self.sent), self.sent.all);
            } else {
                self.carried.refuse(ack_id);
            }
        }
        match self.remove(order) {
            Some(operation) => Acked::Settled(Box::new(Settled { operation, outcome })),
            None => Acked::Stray,
        }
    }

    /// Handles every deadline that has passed: operations to be sent again become queued, and their orders are
    /// returned; operations out of attempts settle.
    pub(super) fn expire(&mut self, now: Duration, patience: Patience) -> (Vec<u64>, Vec<Settled>) {
        let (mut again, mut settled) = (Vec::new(), Vec::new());
        self.blame.expire(now);
        while let Some((due, order)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, order));
            let Some(operation) = self.pending.get_mut(&order) else { continue };
            if matches!(operation.state, State::InFlight { .. }) {
                operation.failures += 1;
                if operation.failures > patience.retries {
                    let attempts = operation.attempts;
                    let ack_id = operation.ack_id.unwrap_or_default();
                    settled.extend(self.remove(order).map(|operation| Settled {
                        operation,
                        outcome: Outcome::NotAcknowledged { ack_id, attempts },
                    }));
                    continue;
                }
                self.in_flight -= 1;
                let silence = Nack { name: String::new(), message: "no ack came in time".into() };
                self.failed_attempts.push(operation.failed_attempt(silence));
            }
            operation.state = State::Queued;
            again.push(order);
        }
        again.sort_unstable();
        (again, settled)
    }

    /// The socket is gone: nothing is in flight any more, and no time runs (CLI contract, `--ack-timeout`). `accused`:
    /// the service said that it was for what it was sent.
    pub(super) fn suspend(&mut self, now: Duration, accused: bool) {
        let suspect = self.first_in_flight().map(|(order, _)| order);
        let alone = self.in_flight == 1;
        if let Some(held_back) = self.blame.end_socket()
            && suspect.is_none()
            && let Some(operation) = self.pending.get_mut(&held_back)
        {
            operation.suspicion.acquit();
        }
        if let Some(operation) = suspect.and_then(|order| self.pending.get_mut(&order)) {
            operation.suspicion.charge(now, accused && alone);
            self.blame.suspect(operation.suspicion);
        }
        self.queue_all();
    }

    fn queue_all(&mut self) {
        self.timers.clear();
        (self.in_flight, self.full) = (0, false);
        for operation in self.pending.values_mut() {
            operation.unanswered = 0;
            operation.state = State::Queued;
        }
    }

    /// No acks were read since `since`: that time does not count.
    pub(super) fn postpone(&mut self, since: Duration, now: Duration, patience: Patience) {
        for (order, operation) in &mut self.pending {
            if let State::InFlight { deadline } = &mut operation.state {
                self.timers.remove(&(*deadline, *order));
                let sent = deadline.saturating_sub(patience.ack_timeout);
                *deadline = deadline.saturating_add(now.saturating_sub(since.max(sent)));
                self.timers.insert((*deadline, *order));
            }
        }
    }

    /// Takes out the operations that have cost the connection too many sockets, the last of them lost like that.
    pub(super) fn give_up_killers(&mut self, loss: &str) -> Vec<Settled> {
        let killers = self.pending.iter().filter(|(_, operation)| operation.suspicion.is_conviction());
        let cause = |operation: &Operation| {
            let (sockets, bytes) = (operation.suspicion.sockets(), operation.frame.len());
            OutcomeCause::Killed { sockets, bytes, loss: loss.to_owned() }
        };
        let killers: Vec<(u64, OutcomeCause)> = killers.map(|(order, operation)| (*order, cause(operation))).collect();
        killers.into_iter().filter_map(|(order, cause)| self.settle_unfinished(order, cause)).collect()
    }

    /// The connection is lost for good: what was sent and cannot be repeated has an unknown outcome. The session's own
    /// joins are forgotten; the next connection needs others.
    pub(super) fn abandon(&mut self, on_unknown: OnUnknown, reason: &str) -> Vec<Settled> {
        self.queue_all();
        self.drop_rejoins();
        // The next connection has seen none of them.
        self.sent = Sent::default();
        self.carried.forget_connection();
        self.pending.values_mut().for_each(|operation| operation.counted = None);
        if on_unknown == OnUnknown::Resend {
            return Vec::new();
        }
        let unknown = |operation: &Operation| operation.attempts > 0 && !operation.is_membership();
        let orders: Vec<u64> =
            self.pending.iter().filter(|(_, operation)| unknown(operation)).map(|(order, _)| *order).collect();
        let lost = || OutcomeCause::ConnectionLost(reason.to_owned());
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, lost())).collect()
    }

    /// What the user has asked for and was never sent is not sent any more.
    pub(super) fn withdraw(&mut self) -> Vec<Settled> {
        let unsent = |operation: &Operation| operation.attempts == 0 && matches!(operation.owner, Owner::User(_));
        let orders: Vec<u64> =
            self.pending.iter().filter(|(_, operation)| unsent(operation)).map(|(order, _)| *order).collect();
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, OutcomeCause::Withdrawn)).collect()
    }

    /// The session ends: everything of the user's settles.
    pub(super) fn finish(&mut self, cause: &OutcomeCause) -> Vec<Settled> {
        self.drop_rejoins();
        let orders: Vec<u64> = self.pending.keys().copied().collect();
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, cause.clone())).collect()
    }

    fn settle_unfinished(&mut self, order: u64, cause: OutcomeCause) -> Option<Settled> {
        let operation = self.remove(order)?;
        let outcome = match operation.ack_id {
            Some(ack_id) if operation.attempts > 0 => Outcome::Unknown { ack_id, cause },
            _ => Outcome::NotSent { cause },
        };
        Some(Settled { operation, outcome })
    }

    fn remove(&mut self, order: u64) -> Option<Operation> {
        let operation = self.pending.remove(&order)?;
        self.blame.forget(order);
        if let Some(id) = operation.ack_id {
            self.by_ack.remove(&id);
        }
        self.earlier -= usize::from(operation.owner == Owner::Earlier);
        if let Some(counted) = operation.counted {
            self.sent.late = self.sent.late.saturating_sub(u64::from(counted.late));
            self.sent.others_open = self.sent.others_open.saturating_sub(u64::from(!counted.recorded));
        }
        match operation.state {
            State::InFlight { deadline: due } => {
                self.in_flight -= 1;
                self.timers.remove(&(due, order));
            }
            State::Pausing { until: due } => {
                self.timers.remove(&(due, order));
            }
            State::Queued => {}
        }
        Some(operation)
    }
}
