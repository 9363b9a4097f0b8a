//! Who is in which group. A group exists as long as it has members.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::key::ConnectionKey;

/// The groups of a hub.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Members in the order they connected, so that the order of delivery does not depend on chance.
    members: HashMap<Arc<str>, BTreeSet<ConnectionKey>>,
}

impl Groups {
    /// Adds a member; gives the shared name to remember.
    pub(super) fn join(&mut self, group: &str, key: ConnectionKey) -> Arc<str> {
        if let Some((name, members)) = self.members.get_key_value(group) {
            let name = Arc::clone(name);
            if !members.contains(&key)
                && let Some(members) = self.members.get_mut(group)
            {
                members.insert(key);
            }
            return name;
        }
        let name: Arc<str> = group.into();
        self.members.insert(Arc::clone(&name), BTreeSet::from([key]));
        name
    }

    /// Removes a member, if it is one.
    pub(super) fn leave(&mut self, group: &str, key: ConnectionKey) {
        if let Some(members) = self.members.get_mut(group) {
            members.remove(&key);
            if members.is_empty() {
                self.members.remove(group);
            }
        }
    }

    /// All groups with their members, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeSet<ConnectionKey>)> {
        self.members.iter()
    }

    /// The members of a group that has any.
    pub(super) fn members(&self, group: &str) -> Option<&BTreeSet<ConnectionKey>> {
        self.members.get(group)
    }
}
