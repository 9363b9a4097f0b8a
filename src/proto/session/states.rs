//! Group states (PROTOCOL §9.3, §19.29–31): what this connection says of itself in each group, of which groups it is told
//! the others' states, and what becomes of both on a new connection.
//!
//! As with groups, what is wanted survives a connection and what is in force does not. After a fresh connection the own
//! state is set again and then the subscription made again, behind the join of the group, each one behind the other.

use std::collections::BTreeMap;

use super::Session;
use super::event::{Lifecycle, Nack, OperationKind, Received, StateChanges};
use super::operations::{Owner, PendingOperation};
use super::request::{AckMode, OperationId, Outcome, Request};
use super::view::GroupView;
use crate::{GroupState, MAX_SNAPSHOT_ITEMS, StateFrame};

/// The states of all groups that were asked about.
#[derive(Debug, Default)]
pub(super) struct GroupStates {
    groups: BTreeMap<String, GroupEntry>,
    /// What operations of the user's set, until they have settled.
    setting: BTreeMap<OperationId, Option<GroupState>>,
}

#[derive(Debug, Default)]
struct GroupEntry {
    /// What was said last, and acknowledged; `None`: nothing.
    own: Option<GroupState>,
    /// It is in force on this connection.
    is_set: bool,
    /// The user wants to be told.
    wanted: bool,
    /// The service has confirmed that, on this connection.
    is_subscribed: bool,
    /// The same on any connection.
    was_subscribed: bool,
    /// What was to be done again was refused on this connection; on the next one it is tried anew.
    is_given_up: bool,
    view: GroupView,
}

impl GroupEntry {
    fn is_needed(&self) -> bool {
        self.own.is_some() || self.wanted || self.is_subscribed
    }
}

impl GroupStates {
    /// The user asks for something.
    pub(super) fn note(&mut self, id: OperationId, request: &Request) {
        match request {
            Request::SetState { state, .. } => {
                self.setting.insert(id, state.clone());
            }
            Request::SubscribeStates { group } => {
                let entry = self.groups.entry(group.clone()).or_default();
                entry.wanted = true;
                // From now on: what there is may come before the ack does, on a connection that was recovered.
                entry.view.ask(true);
            }
            Request::UnsubscribeStates { .. }
            | Request::Join { .. }
            | Request::Leave { .. }
            | Request::Send { .. }
            | Request::Event { .. } => {}
        }
    }

    /// A new connection says nothing of itself and is told nothing.
    pub(super) fn forget_in_force(&mut self) {
        for entry in self.groups.values_mut() {
            (entry.is_set, entry.is_subscribed, entry.is_given_up) = (false, false, false);
            // Whatever was told on the old one is older than what the new one tells, whoever asks there.
            entry.view.ask(false);
        }
    }

    /// Nothing is done again.
    pub(super) fn forget_all(&mut self) {
        self.groups.clear();
    }

    fn tidy(&mut self, group: &str) {
        if self.groups.get(group).is_some_and(|entry| !entry.is_needed()) {
            self.groups.remove(group);
        }
    }
}

impl Session {
    /// What is told of states; of a group that nobody asked about, it is nobody's.
    pub(super) fn take_states(&mut self, frame: StateFrame<'_>) -> Received<'static> {
        let StateFrame { snapshot, group, sequence_id: _, items } = frame;
        let Some(entry) = self.states.groups.get_mut(group.as_ref()).filter(|entry| entry.wanted) else {
            return Received::Control;
        };
        let may_be_cut_short = snapshot && items.len() >= MAX_SNAPSHOT_ITEMS;
        let changes = entry.view.take(items, snapshot);
        if changes.is_empty() && !snapshot {
            return Received::Control;
        }
        Received::States(StateChanges { group: group.into_owned(), snapshot, may_be_cut_short, changes })
    }

    /// On a new connection: sets states and subscribes again, where no operation of the user's is about to. It is sent with
    /// everything that waits.
    pub(super) fn restate_all(&mut self) {
        if self.states.groups.is_empty() {
            return;
        }
        let groups: Vec<String> = self.states.groups.keys().cloned().collect();
        groups.iter().for_each(|group| self.restate(group));
    }

    /// The same for one group.
    fn restate(&mut self, group: &str) {
        if !self.config.rejoin || !self.has_connection() {
            return;
        }
        let Some(entry) = self.states.groups.get(group).filter(|entry| !entry.is_given_up) else { return };
        // In that order (PROTOCOL §19.30).
        let set = entry.own.clone().filter(|_| !entry.is_set);
        let set = set.map(|state| Request::SetState { group: group.to_owned(), state: Some(state) });
        let subscribe =
            (entry.wanted && !entry.is_subscribed).then(|| Request::SubscribeStates { group: group.to_owned() });
        for request in set.into_iter().chain(subscribe) {
            if self.operations.is_restated(group, request.kind()) {
                continue;
            }
            if let (Request::SubscribeStates { .. }, Some(entry)) = (&request, self.states.groups.get_mut(group)) {
                entry.view.ask(false);
            }
            // It has an id of its own.
            let _ = self.operations.submit(self.config.codec, Owner::Rejoin, request, AckMode::Automatic);
        }
    }

    /// An operation about states, or about the group that they are of, has ended.
    pub(super) fn settle_states(&mut self, operation: &PendingOperation, done: bool) {
        let setting = match operation.owner {
            Owner::User(id) => self.states.setting.remove(&id),
            Owner::Rejoin | Owner::Session | Owner::Earlier => None,
        };
        let group = operation.target.as_str();
        if let (Owner::Rejoin, false, Some(entry)) = (operation.owner, done, self.states.groups.get_mut(group)) {
            entry.is_given_up = true;
        }
        match operation.kind {
            OperationKind::SetGroupState if done => {
                let entry = self.states.groups.entry(group.to_owned()).or_default();
                if let Some(state) = setting {
                    entry.own = state;
                }
                entry.is_set = true;
            }
            OperationKind::SubscribeGroupState => {
                // Another of the user's may be under way.
                let is_asked = self.operations.is_subscribing(group);
                if let Some(entry) = self.states.groups.get_mut(group) {
                    entry.is_subscribed |= done;
                    // One that was made again is still wanted: on the next connection it may be had.
                    if matches!(operation.owner, Owner::User(_)) && !done && !is_asked {
                        entry.wanted = entry.is_subscribed || entry.was_subscribed;
                    }
                    entry.was_subscribed |= done;
                }
            }
            OperationKind::UnsubscribeGroupState if done => {
                if let Some(entry) = self.states.groups.get_mut(group) {
                    entry.wanted = false;
                    (entry.is_subscribed, entry.was_subscribed, entry.view) = (false, false, GroupView::default());
                }
            }
            // With the membership both end.
            OperationKind::LeaveGroup if done => drop(self.states.groups.remove(group)),
            OperationKind::SetGroupState
            | OperationKind::UnsubscribeGroupState
            | OperationKind::LeaveGroup
            | OperationKind::JoinGroup
            | OperationKind::SendToGroup
            | OperationKind::Event => {}
        }
        // What was in force before stays wanted when the user's own operation has failed, or has come before it.
        if matches!(operation.owner, Owner::User(_)) {
            self.restate(group);
        }
        self.states.tidy(group);
    }

    /// What was to be set or subscribed to again, and how that ended.
    pub(super) fn settle_restated(&mut self, operation: OperationKind, group: String, outcome: Outcome) {
        let error = match outcome {
            Outcome::Refused { error, .. } => error,
            Outcome::NotAcknowledged { .. } | Outcome::Unknown { .. } => {
                Nack { name: String::new(), message: "the service did not acknowledge it".into() }
            }
            // It settles only once it was sent, and has an id of its own.
            Outcome::Acked { .. }
            | Outcome::Sent
            | Outcome::AlreadyJoined
            | Outcome::NotSent { .. }
            | Outcome::IdInUse { .. } => return,
        };
        self.event(Lifecycle::RestateFailed { group, operation, error });
    }
}
