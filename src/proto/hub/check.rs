//! What is true of a hub after every input, whatever it was: for tests.

use std::collections::HashMap;

use super::Hub;
use super::connections::Pace;

impl Hub {
    /// Holds that its tables agree.
    pub(crate) fn check(&self) {
        let mut waiting: Vec<_> = self.waiting.iter().copied().collect();
        waiting.sort_unstable();
        let holding = self.connections.iter().filter(|(_, connection)| !connection.held.is_empty());
        let mut holding: Vec<_> = holding.map(|(key, _)| key).collect();
        holding.sort_unstable();
        assert_eq!(waiting, holding, "held frames are waited for exactly once");
        let has_reason = |key| !self.congestion.is_empty() || self.has_many_pending(key);
        assert!(waiting.iter().all(|key| has_reason(*key)), "nobody waits for nothing");
        for key in &waiting {
            let awaited = self.connections.get(*key).and_then(|connection| connection.held.awaited());
            assert!(awaited.is_none_or(|group| self.is_congested(group)), "nobody waits for a group that is free");
        }
        let (receivers, groups) = self.congestion.parts();
        for key in receivers {
            assert!(self.connections.get(*key).is_some_and(|connection| connection.pace == Pace::Congested));
        }
        let counted = self.groups.iter().map(|(group, members)| (group, members.intersection(receivers).count()));
        let counted: HashMap<_, _> = counted.filter(|(_, count)| *count > 0).collect();
        assert_eq!(groups.iter().map(|(group, count)| (group, *count)).collect::<HashMap<_, _>>(), counted);
        self.connections.check();
        assert!(self.unchecked.is_empty());
        for group in self.states.names() {
            let told = self.states.subscribers(group).into_iter().flatten().copied();
            for key in self.states.of_group(group).map(|(key, _)| key).chain(told) {
                let members = self.groups.members(group);
                assert!(members.is_some_and(|members| members.contains(&key)), "a stranger's state");
            }
        }
    }

    /// Holds that nothing is left of anybody.
    pub(crate) fn check_empty(&self) {
        assert_eq!(self.groups.iter().count(), 0, "groups are left: {:?}", self.groups);
        assert!(self.states.is_empty(), "states are left: {:?}", self.states);
        assert!(self.events.is_empty(), "events are left");
        assert!(self.waiting.is_empty() && self.congestion.is_empty(), "somebody waits");
    }
}
