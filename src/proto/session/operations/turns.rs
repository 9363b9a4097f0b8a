//! Which operation is sent when, among those that wait.

use std::time::Duration;

use super::{Operations, Owner, PendingOperation, PendingState};
use crate::session::event::OperationKind;
use crate::session::sent::MOST_IN_FLIGHT;

impl Operations {
    /// A socket is open on which operations can be sent.
    pub(in crate::session) fn begin_socket(&mut self, now: Duration) {
        self.blame.begin_socket(now);
    }

    /// Whether operations go out one by one, oldest first: then each answer may be the turn of others.
    pub(in crate::session) fn is_careful(&self) -> bool {
        self.blame.is_careful()
    }

    /// Whether as many are in flight as may be. What waits is sent together then, when half of them are answered.
    pub(in crate::session) fn is_full(&mut self) -> bool {
        self.full = self.in_flight >= if self.full { MOST_IN_FLIGHT / 2 } else { MOST_IN_FLIGHT };
        self.holding |= self.full;
        self.full
    }

    /// Whether something waits for room or its turn: nothing goes before it.
    pub(in crate::session) fn is_holding(&self) -> bool {
        self.holding
    }

    /// Something waits for its turn.
    pub(in crate::session) fn hold(&mut self) {
        self.holding = true;
    }

    /// All that waits is about to be sent.
    pub(in crate::session) fn release(&mut self) {
        self.holding = false;
    }

    /// Whether what waited for room has it now.
    pub(in crate::session) fn has_room_again(&mut self) -> bool {
        self.holding && !self.is_full()
    }

    /// Whether it is the turn of this one, all that were queued before it having had theirs.
    pub(in crate::session) fn has_turn(&mut self, now: Duration, order: u64) -> bool {
        if self.is_full() {
            return false;
        }
        if !self.is_careful() || self.is_held(order) {
            return true;
        }
        let suspicion = self.pending.get(order).map(|operation| operation.suspicion).unwrap_or_default();
        let alone = self.first_in_flight().is_some_and(|(_, first)| first.suspicion.is_suspect());
        !alone && self.blame.has_turn(now, self.in_flight, order, suspicion)
    }

    pub(super) fn first_in_flight(&self) -> Option<(u64, &PendingOperation)> {
        if self.in_flight == 0 {
            return None;
        }
        let in_flight = |operation: &PendingOperation| matches!(operation.state, PendingState::InFlight { .. });
        self.pending.iter().find(|(_, operation)| in_flight(operation)).map(|(order, operation)| (order, &**operation))
    }

    /// Whether another operation about the same group has to settle first: an earlier one, whose retry would undo this
    /// one, or a join, without which the service refuses what concerns states.
    pub(super) fn is_held(&self, order: u64) -> bool {
        let Some(this) = self.pending.get(order).filter(|operation| operation.is_repeatable()) else { return false };
        let own = |operation: &PendingOperation| operation.owner == Owner::Rejoin;
        let holds = |(other_order, other): (u64, &PendingOperation)| {
            let earlier = other_order < order;
            other_order != order
                && match (this.is_membership(), own(this)) {
                    // What is said of oneself ends with the membership.
                    (true, _) => earlier && (other.is_membership() || this.kind == OperationKind::LeaveGroup),
                    // What is done again comes first, in its order, but behind a join and a state that are the user's.
                    (false, true) => {
                        let sets = other.kind == OperationKind::SetGroupState;
                        earlier && (own(other) || other.is_membership() || sets)
                    }
                    (false, false) => earlier || (own(other) && other.kind != OperationKind::SubscribeGroupState),
                }
        };
        self.of_group(&this.target).any(holds)
    }

    /// Those of this group that may be sent now, in the order in which they may.
    pub(in crate::session) fn ready_of_group(&self, group: &str) -> Vec<u64> {
        let (own, others): (Vec<_>, Vec<_>) =
            self.of_group(group).partition(|(_, operation)| operation.owner == Owner::Rejoin);
        // Of the user's the first that has to wait holds all behind it, but a join: that may be what the first waits for.
        let mut waits = false;
        let others = others.into_iter().filter(|(order, operation)| {
            let held = self.is_held(*order);
            waits |= held;
            !held && (!waits || operation.kind == OperationKind::JoinGroup)
        });
        let own = own.into_iter().filter(|(order, _)| !self.is_held(*order));
        own.chain(others).map(|(order, _)| order).collect()
    }

    /// Whether the session need not do this again for a group: it is about to, or the user is, or leaves the group.
    pub(in crate::session) fn is_restated(&self, group: &str, kind: OperationKind) -> bool {
        let about_to = |other: OperationKind| match kind {
            OperationKind::SetGroupState => other == OperationKind::SetGroupState,
            OperationKind::SubscribeGroupState | OperationKind::UnsubscribeGroupState => {
                matches!(other, OperationKind::SubscribeGroupState | OperationKind::UnsubscribeGroupState)
            }
            OperationKind::JoinGroup
            | OperationKind::LeaveGroup
            | OperationKind::SendToGroup
            | OperationKind::Event => false,
        };
        self.of_group(group)
            .any(|(_, operation)| about_to(operation.kind) || operation.kind == OperationKind::LeaveGroup)
    }

    /// The orders of all operations that wait to be sent, oldest first; but joins of groups that are to be joined again
    /// come before anything else (PROTOCOL §19.4).
    pub(in crate::session) fn queued(&self) -> Vec<u64> {
        let queued = |operation: &PendingOperation| operation.state == PendingState::Queued;
        let (mut first, others): (Vec<_>, Vec<_>) = self
            .pending
            .iter()
            .filter(|(_, operation)| queued(operation))
            .map(|(order, operation)| (operation.owner == Owner::Rejoin, order))
            .partition(|(rejoin, _)| *rejoin);
        first.extend(others);
        first.into_iter().map(|(_, order)| order).collect()
    }

    /// Joins of the user's that were never sent and that no earlier leave or join holds back.
    pub(in crate::session) fn unsent_joins(&self) -> Vec<u64> {
        let unsent = |operation: &PendingOperation| {
            operation.kind == OperationKind::JoinGroup
                && operation.attempts == 0
                && matches!(operation.owner, Owner::User(_))
        };
        let chosen = self.pending.iter().filter(|(order, operation)| unsent(operation) && !self.is_held(*order));
        chosen.map(|(order, _)| order).collect()
    }
}
