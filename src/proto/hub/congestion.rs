//! The receivers that publishers wait for, and the groups that have any.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::key::ConnectionKey;

/// Receivers that are waited for. Every frame to a group asks about it, so that nobody looks through all of them.
#[derive(Debug, Default)]
pub(super) struct Congestion {
    receivers: BTreeSet<ConnectionKey>,
    /// How many of them each group has, of those that have any.
    groups: HashMap<Arc<str>, usize>,
}

impl Congestion {
    /// Adds a receiver, with the groups it is in.
    pub(super) fn insert(&mut self, key: ConnectionKey, groups: &BTreeSet<Arc<str>>) {
        if self.receivers.insert(key) {
            for group in groups {
                *self.groups.entry(Arc::clone(group)).or_default() += 1;
            }
        }
    }

    /// Removes a receiver, with the groups it is in. Whether one of these has none any more; `None`: it was none.
    pub(super) fn remove(&mut self, key: ConnectionKey, groups: &BTreeSet<Arc<str>>) -> Option<bool> {
        self.receivers.remove(&key).then(|| groups.iter().fold(false, |freed, group| self.let_go(group) | freed))
    }

    /// A connection has joined a group.
    pub(super) fn joined(&mut self, key: ConnectionKey, group: &Arc<str>) {
        if self.receivers.contains(&key) {
            *self.groups.entry(Arc::clone(group)).or_default() += 1;
        }
    }

    /// A connection has left a group. Whether it was waited for.
    pub(super) fn left(&mut self, key: ConnectionKey, group: &str) -> bool {
        let was = self.receivers.contains(&key);
        if was {
            self.let_go(group);
        }
        was
    }

    fn let_go(&mut self, group: &str) -> bool {
        let Some(count) = self.groups.get_mut(group) else { return false };
        *count -= 1;
        let none = *count == 0;
        if none {
            self.groups.remove(group);
        }
        none
    }

    /// Whether a receiver is waited for.
    pub(super) fn contains(&self, key: ConnectionKey) -> bool {
        self.receivers.contains(&key)
    }

    /// Whether a member of the group is waited for.
    pub(super) fn is_in(&self, group: &str) -> bool {
        !self.groups.is_empty() && self.groups.contains_key(group)
    }

    /// Whether any of these is waited for.
    pub(super) fn is_among(&self, keys: &BTreeSet<ConnectionKey>) -> bool {
        let (few, many) =
            if keys.len() < self.receivers.len() { (keys, &self.receivers) } else { (&self.receivers, keys) };
        few.iter().any(|key| many.contains(key))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.receivers.is_empty()
    }

    /// All of them, and how many each group has.
    #[cfg(any(test, fuzzing))]
    pub(super) fn parts(&self) -> (&BTreeSet<ConnectionKey>, &HashMap<Arc<str>, usize>) {
        (&self.receivers, &self.groups)
    }
}
