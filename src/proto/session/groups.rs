//! Wanted groups and joined groups are two things: the first survive a connection, the second do not (PROTOCOL §19.4).

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Membership {
    /// The user asked to be in it.
    wanted: bool,
    /// The service has confirmed it on this connection.
    joined: bool,
}

/// Every group the user asked about.
#[derive(Clone, Debug, Default)]
pub(super) struct WantedGroups(BTreeMap<String, Membership>);

impl WantedGroups {
    /// The user wants in, or out.
    pub(super) fn want(&mut self, group: &str, wanted: bool) {
        self.0.entry(group.to_owned()).or_default().wanted = wanted;
        self.forget_unneeded(group);
    }

    /// The service has confirmed a join or a leave.
    pub(super) fn confirm(&mut self, group: &str, joined: bool) {
        self.0.entry(group.to_owned()).or_default().joined = joined;
        self.forget_unneeded(group);
    }

    /// A join or leave has failed: things stay as they are, so that is what is wanted.
    pub(super) fn settle_for_what_is(&mut self, group: &str) {
        if let Some(membership) = self.0.get_mut(group) {
            membership.wanted = membership.joined;
        }
        self.forget_unneeded(group);
    }

    /// A new connection is in no group.
    pub(super) fn forget_joined(&mut self) {
        for membership in self.0.values_mut() {
            membership.joined = false;
        }
        self.0.retain(|_, membership| membership.wanted);
    }

    /// Takes over what an earlier process knew of a group.
    pub(super) fn restore(&mut self, group: &str, wanted: bool, joined: bool) {
        self.0.insert(group.to_owned(), Membership { wanted, joined });
    }

    /// Whether the service has confirmed the membership.
    pub(super) fn is_joined(&self, group: &str) -> bool {
        self.0.get(group).is_some_and(|membership| membership.joined)
    }

    /// Groups wanted but not joined, in order of name.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = |membership: &Membership| membership.wanted && !membership.joined;
        self.0.iter().filter(|(_, membership)| missing(membership)).map(|(group, _)| group.clone()).collect()
    }

    /// Groups with whether they are wanted and whether they are joined, in order of name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, bool, bool)> {
        self.0.iter().map(|(group, membership)| (group.as_str(), membership.wanted, membership.joined))
    }

    fn forget_unneeded(&mut self, group: &str) {
        if self.0.get(group) == Some(&Membership::default()) {
            self.0.remove(group);
        }
    }
}
