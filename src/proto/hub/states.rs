//! What the members of groups say of themselves, and who is told (PROTOCOL §9.3).
//!
//! A state lives with the membership of its connection: it ends when that leaves the group, by whatever way, and when the
//! connection ends. A dropped socket changes nothing. What is told of a state is a message like any other: sequenced,
//! kept and replayed on reliable connections.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Hub;
use super::connections::Connection;
use super::delivery::Delivery;
use super::key::ConnectionKey;
use crate::{GroupState, MAX_SNAPSHOT_ITEMS, StateFrame, StateItem};

/// The states and subscribers of all groups. A group is here as long as it has any.
#[derive(Debug, Default)]
pub(super) struct States {
    groups: HashMap<Arc<str>, Room>,
}

#[derive(Debug, Default)]
struct Room {
    states: BTreeMap<ConnectionKey, Held>,
    subscribers: BTreeSet<ConnectionKey>,
}

/// A state that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) state: GroupState,
    /// In milliseconds since the epoch.
    pub(super) updated_at: i64,
}

/// Why the service refuses what concerns states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StateRefusal {
    /// The role to set one is missing.
    SetForbidden,
    /// It is over 512 bytes.
    TooBig,
    /// Who sets it is not in the group.
    SetByStranger,
    /// The role to be told is missing.
    GetForbidden,
    /// Who asks is not in the group.
    GetByStranger,
}

impl StateRefusal {
    /// The name and the message of the error.
    pub(super) fn error(self, group: &str) -> (&'static str, Cow<'static, str>) {
        match self {
            Self::SetForbidden => ("Forbidden", "Permission denied.".into()),
            Self::TooBig => ("BadRequest", "State payload exceeds maximum size 512 bytes.".into()),
            Self::SetByStranger => ("Forbidden", "Not a member of group.".into()),
            Self::GetForbidden => ("Forbidden", format!("No permission to get states of group {group}.").into()),
            Self::GetByStranger => ("Forbidden", format!("Not a member of group {group}.").into()),
        }
    }

    /// What stands in the way of a set, in the order in which the service looks.
    pub(super) fn of_set(connection: &Connection, group: &str, state: Option<&GroupState>) -> Option<Self> {
        if !connection.permissions.may_set_state(group) {
            Some(Self::SetForbidden)
        } else if state.is_some_and(|state| state.check().is_err()) {
            Some(Self::TooBig)
        } else {
            (!connection.groups.contains(group)).then_some(Self::SetByStranger)
        }
    }

    /// The same of a subscription.
    pub(super) fn of_subscription(connection: &Connection, group: &str) -> Option<Self> {
        if !connection.permissions.may_get_states(group) {
            Some(Self::GetForbidden)
        } else {
            (!connection.groups.contains(group)).then_some(Self::GetByStranger)
        }
    }
}

impl States {
    /// Who is told of the states of a group.
    pub(super) fn subscribers(&self, group: &str) -> Option<&BTreeSet<ConnectionKey>> {
        self.groups.get(group).map(|room| &room.subscribers).filter(|subscribers| !subscribers.is_empty())
    }

    /// The states of a group, with whose each one is.
    pub(super) fn of_group(&self, group: &str) -> impl Iterator<Item = (ConnectionKey, &Held)> {
        self.groups.get(group).into_iter().flat_map(|room| &room.states).map(|(key, held)| (*key, held))
    }

    fn set(&mut self, group: &str, key: ConnectionKey, held: Option<Held>) {
        match held {
            Some(held) => {
                if let Some(room) = self.room(group) {
                    room.states.insert(key, held);
                }
            }
            None => {
                if let Some(room) = self.groups.get_mut(group) {
                    room.states.remove(&key);
                }
                self.tidy(group);
            }
        }
    }

    fn subscribe(&mut self, group: &str, key: ConnectionKey) {
        if let Some(room) = self.room(group) {
            room.subscribers.insert(key);
        }
    }

    fn unsubscribe(&mut self, group: &str, key: ConnectionKey) {
        if let Some(room) = self.groups.get_mut(group) {
            room.subscribers.remove(&key);
        }
        self.tidy(group);
    }

    fn has_state(&self, group: &str, key: ConnectionKey) -> bool {
        self.groups.get(group).is_some_and(|room| room.states.contains_key(&key))
    }

    fn room(&mut self, group: &str) -> Option<&mut Room> {
        if !self.groups.contains_key(group) {
            self.groups.insert(group.into(), Room::default());
        }
        self.groups.get_mut(group)
    }

    fn tidy(&mut self, group: &str) {
        if self.groups.get(group).is_some_and(|room| room.states.is_empty() && room.subscribers.is_empty()) {
            self.groups.remove(group);
        }
    }

    /// Groups that anything is held of.
    #[cfg(any(test, fuzzing))]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(|group| &**group)
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

impl Hub {
    /// A member says something else of itself, or nothing any more. Its subscribers are told, itself included.
    pub(super) fn set_state(&mut self, key: ConnectionKey, group: &str, state: Option<&GroupState>) {
        let Some(updated_at) = self.state_time(key) else { return };
        let held = state.map(|state| Held { state: state.clone(), updated_at });
        self.states.set(group, key, held);
        self.tell_state(key, group, state, updated_at);
    }

    /// When the state of a connection becomes another one, in milliseconds since the epoch: later than the last one.
    fn state_time(&mut self, key: ConnectionKey) -> Option<i64> {
        let now = self.config.epoch.saturating_add(self.now).as_millis();
        let connection = self.connections.get_mut(key)?;
        let time = i64::try_from(now).unwrap_or(i64::MAX).max(connection.state_time.saturating_add(1));
        connection.state_time = time;
        Some(time)
    }

    fn tell_state(&mut self, key: ConnectionKey, group: &str, state: Option<&GroupState>, updated_at: i64) {
        let Some(connection) = self.connections.get(key) else { return };
        let Some(subscribers) = self.states.subscribers(group) else { return };
        let item = item(connection, state, updated_at);
        let frame = StateFrame { snapshot: false, group: group.into(), sequence_id: None, items: vec![item] };
        let mut delivery = Delivery::states(frame);
        for subscriber in subscribers {
            if let Some(connection) = self.connections.get_mut(*subscriber) {
                delivery.deliver(connection, &mut self.outputs);
                // Later, since it may end one of them, of which others are told.
                self.unchecked.insert(*subscriber);
            }
        }
    }

    /// The states of a group.
    pub(super) fn state_items(&self, group: &str) -> impl Iterator<Item = StateItem> {
        self.states.of_group(group).filter_map(|(of, held)| {
            let connection = self.connections.get(of)?;
            Some(item(connection, Some(&held.state), held.updated_at))
        })
    }

    /// Tells a member of the states of a group from now on. The acknowledgement comes before what there is.
    pub(super) fn subscribe(&mut self, key: ConnectionKey, group: &str, ack_id: Option<u64>) {
        self.states.subscribe(group, key);
        self.succeed(key, ack_id);
        let mut items: Vec<StateItem> = self.state_items(group).collect();
        items.sort_unstable_by(|one, other| one.connection_id.cmp(&other.connection_id));
        items.truncate(MAX_SNAPSHOT_ITEMS);
        let frame = StateFrame { snapshot: true, group: group.into(), sequence_id: None, items };
        if let Some(connection) = self.connections.get_mut(key) {
            Delivery::states(frame).deliver(connection, &mut self.outputs);
            self.unchecked.insert(key);
        }
    }

    pub(super) fn unsubscribe(&mut self, key: ConnectionKey, group: &str) {
        self.states.unsubscribe(group, key);
        // Whoever says something of itself need not wait for it any more.
        self.release_due |= self.congestion.contains(key);
    }

    /// A connection leaves a group: it is told nothing more, and what it said of itself ends.
    pub(super) fn end_state(&mut self, key: ConnectionKey, group: &str) {
        self.states.unsubscribe(group, key);
        if self.states.has_state(group, key) {
            // With the service all go, and nobody is left to be told.
            if self.stopped {
                self.states.set(group, key, None);
            } else {
                self.set_state(key, group, None);
            }
        }
    }
}

fn item(connection: &Connection, state: Option<&GroupState>, updated_at: i64) -> StateItem {
    StateItem {
        connection_id: connection.id.to_string(),
        user_id: connection.user.as_deref().map(str::to_owned),
        state: state.cloned(),
        updated_at,
    }
}
