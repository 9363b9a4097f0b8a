//! Operations whose answer nobody waits for any more: with a socket, with a connection, with the session.

use std::time::Duration;

use super::{OperationPatience, Operations, Owner, PendingOperation, PendingState, SettledOperation};
use crate::session::cause::OutcomeCause;
use crate::session::config::OnUnknown;
use crate::session::request::Outcome;
use crate::session::sent::AckIdCounts;

impl Operations {
    /// The socket is gone: nothing is in flight any more, and no time runs (CLI contract, `--ack-timeout`). `accused`:
    /// the service said that it was for what it was sent.
    pub(in crate::session) fn suspend(&mut self, now: Duration, accused: bool) {
        let suspect = self.first_in_flight().map(|(order, _)| order);
        let alone = self.in_flight == 1;
        if let Some(held_back) = self.blame.end_socket()
            && suspect.is_none()
            && let Some(operation) = self.pending.get_mut(held_back)
        {
            operation.suspicion.acquit();
        }
        if let Some(operation) = suspect.and_then(|order| self.pending.get_mut(order)) {
            operation.suspicion.charge(now, accused && alone);
            self.blame.suspect(operation.suspicion);
        }
        self.queue_all();
    }

    fn queue_all(&mut self) {
        self.timers.clear();
        (self.in_flight, self.full, self.holding) = (0, false, false);
        for operation in self.pending.values_mut() {
            operation.unanswered = 0;
            operation.state = PendingState::Queued;
        }
    }

    /// No acks were read since `since`: that time does not count.
    pub(in crate::session) fn postpone(&mut self, since: Duration, now: Duration, patience: OperationPatience) {
        for (order, operation) in self.pending.iter_mut() {
            if let PendingState::InFlight { deadline } = &mut operation.state {
                self.timers.remove(*deadline, order);
                let sent = deadline.saturating_sub(patience.ack_timeout);
                *deadline = deadline.saturating_add(now.saturating_sub(since.max(sent)));
                self.timers.insert(*deadline, order);
            }
        }
    }

    /// Takes out the operations that have cost the connection too many sockets, the last of them lost like that.
    pub(in crate::session) fn give_up_killers(&mut self, loss: &str) -> Vec<SettledOperation> {
        let killers = self.pending.iter().filter(|(_, operation)| operation.suspicion.is_conviction());
        let cause = |operation: &PendingOperation| {
            let (sockets, bytes) = (operation.suspicion.sockets(), operation.frame.len());
            OutcomeCause::Killed { sockets, bytes, loss: loss.to_owned() }
        };
        let killers: Vec<(u64, OutcomeCause)> = killers.map(|(order, operation)| (order, cause(operation))).collect();
        killers.into_iter().filter_map(|(order, cause)| self.settle_unfinished(order, cause)).collect()
    }

    /// The connection is lost for good: what was sent and cannot be repeated has an unknown outcome. The session's own
    /// joins are forgotten; the next connection needs others.
    pub(in crate::session) fn abandon(&mut self, on_unknown: OnUnknown, reason: &str) -> Vec<SettledOperation> {
        self.queue_all();
        self.drop_rejoins();
        // The next connection has seen none of them.
        self.sent = AckIdCounts::default();
        self.carried.forget_connection();
        self.pending.values_mut().for_each(|operation| operation.counted = None);
        if on_unknown == OnUnknown::Resend {
            return Vec::new();
        }
        let unknown = |operation: &PendingOperation| operation.attempts > 0 && !operation.is_repeatable();
        let orders: Vec<u64> =
            self.pending.iter().filter(|(_, operation)| unknown(operation)).map(|(order, _)| order).collect();
        let lost = || OutcomeCause::ConnectionLost(reason.to_owned());
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, lost())).collect()
    }

    /// What the user has asked for and was never sent is not sent any more.
    pub(in crate::session) fn withdraw(&mut self) -> Vec<SettledOperation> {
        let unsent =
            |operation: &PendingOperation| operation.attempts == 0 && matches!(operation.owner, Owner::User(_));
        let orders: Vec<u64> =
            self.pending.iter().filter(|(_, operation)| unsent(operation)).map(|(order, _)| order).collect();
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, OutcomeCause::Withdrawn)).collect()
    }

    /// The session ends: everything of the user's settles.
    pub(in crate::session) fn finish(&mut self, cause: &OutcomeCause) -> Vec<SettledOperation> {
        self.drop_rejoins();
        let orders: Vec<u64> = self.pending.iter().map(|(order, _)| order).collect();
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, cause.clone())).collect()
    }

    pub(super) fn settle_unfinished(&mut self, order: u64, cause: OutcomeCause) -> Option<SettledOperation> {
        let operation = self.remove(order)?;
        let outcome = match operation.ack_id {
            Some(ack_id) if operation.attempts > 0 => Outcome::Unknown { ack_id, cause },
            _ => Outcome::NotSent { cause },
        };
        Some(SettledOperation { operation, outcome })
    }
}
