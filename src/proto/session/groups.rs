//! Wanted groups and joined groups are two things: the first survive a connection, the second do not (PROTOCOL §19.4).

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Membership {
    /// What is wanted by what has settled.
    settled: bool,
    /// What is wanted by what has not settled: the last join or leave that the user has asked for.
    asked: Option<bool>,
    /// The service has confirmed it on this connection.
    joined: bool,
}

impl Membership {
    fn is_wanted(self) -> bool {
        self.asked.unwrap_or(self.settled)
    }

    fn is_missing(self) -> bool {
        self.is_wanted() && !self.joined
    }
}

/// Every group the user asked about.
#[derive(Clone, Debug, Default)]
pub(super) struct WantedGroups(BTreeMap<String, Membership>);

impl WantedGroups {
    /// The user has asked to be in, or out, and that has not settled.
    pub(super) fn ask(&mut self, group: &str, wanted: bool) {
        self.0.entry(group.to_owned()).or_default().asked = Some(wanted);
    }

    /// The user wants in, and is.
    pub(super) fn want(&mut self, group: &str) {
        self.0.entry(group.to_owned()).or_default().settled = true;
    }

    /// The service has confirmed a join or a leave.
    pub(super) fn confirm(&mut self, group: &str, joined: bool) {
        self.0.entry(group.to_owned()).or_default().joined = joined;
        self.forget_unneeded(group);
    }

    /// A join or leave has settled after it was sent: what is wanted is what is, be it that it has failed.
    pub(super) fn settle_for_what_is(&mut self, group: &str) {
        if let Some(membership) = self.0.get_mut(group) {
            membership.settled = membership.joined;
        }
    }

    /// A join or leave has settled, and this is asked for by the last that has not, if there is one.
    pub(super) fn settle(&mut self, group: &str, asked: Option<bool>) {
        if let Some(membership) = self.0.get_mut(group) {
            membership.asked = asked;
        }
        self.forget_unneeded(group);
    }

    /// A new connection is in no group.
    pub(super) fn forget_joined(&mut self) {
        for membership in self.0.values_mut() {
            membership.joined = false;
        }
        self.0.retain(|_, membership| membership.settled || membership.asked.is_some());
    }

    /// Takes over what an earlier process knew of a group.
    pub(super) fn restore(&mut self, group: &str, wanted: bool, joined: bool) {
        self.0.insert(group.to_owned(), Membership { settled: wanted, asked: None, joined });
    }

    /// Whether the service has confirmed the membership.
    pub(super) fn is_joined(&self, group: &str) -> bool {
        self.0.get(group).is_some_and(|membership| membership.joined)
    }

    /// Groups wanted but not joined, in order of name.
    pub(super) fn missing(&self) -> Vec<String> {
        self.0.iter().filter(|(_, membership)| membership.is_missing()).map(|(group, _)| group.clone()).collect()
    }

    /// Whether it is wanted and not joined.
    pub(super) fn is_missing(&self, group: &str) -> bool {
        self.0.get(group).is_some_and(|membership| membership.is_missing())
    }

    /// Groups that are wanted or joined, with whether they are wanted and whether they are joined, in order of name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, bool, bool)> {
        self.all().filter(|(_, wanted, joined)| *wanted || *joined)
    }

    /// The same of all that is remembered of any: what an earlier process has not seen the end of is neither wanted nor
    /// known to be joined.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, bool, bool)> {
        self.0.iter().map(|(group, membership)| (group.as_str(), membership.is_wanted(), membership.joined))
    }

    fn forget_unneeded(&mut self, group: &str) {
        if self.0.get(group) == Some(&Membership::default()) {
            self.0.remove(group);
        }
    }
}
