//! What is known of the states of one group (PROTOCOL §19.29): who has one and since when, so that what is told twice or
//! too late is not taken for news, and so that those who are gone are noticed. What the states say is not kept here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::event::StateChange;
use crate::{GroupState, MAX_SNAPSHOT_ITEMS, StateItem};

/// So many of those who have none any more are remembered, so that nothing older brings them back.
const MOST_GONE: usize = 200;
/// Of more members than that nothing is remembered: what is told of them is passed on as it comes.
const MOST_KNOWN: usize = 100_000;

/// What is known of a group's states.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupView {
    known: BTreeMap<String, KnownMember>,
    /// Those who have none any more, the first gone first.
    gone: VecDeque<String>,
    /// Whoever asked wants all there is, not only what has changed since it was known.
    wants_all: bool,
}

/// What is known of a member.
#[derive(Clone, Debug)]
struct KnownMember {
    user_id: Option<String>,
    updated_at: i64,
    has_state: bool,
    /// It was told before the states were asked for the last time.
    is_old: bool,
}

impl GroupView {
    /// The states are asked for; by the user, who wants `all` of them, or by the session, which wants what it missed.
    pub(super) fn ask(&mut self, all: bool) {
        self.wants_all |= all;
        self.known.values_mut().for_each(|known| known.is_old = true);
    }

    /// What changes by what has come.
    pub(super) fn take(&mut self, items: Vec<StateItem>, snapshot: bool) -> Vec<StateChange> {
        let may_be_cut_short = items.len() >= MAX_SNAPSHOT_ITEMS;
        let named: BTreeSet<String> = if snapshot && !may_be_cut_short {
            items.iter().map(|item| item.connection_id.clone()).collect()
        } else {
            BTreeSet::new()
        };
        let mut changes: Vec<StateChange> =
            items.into_iter().filter_map(|item| self.take_item(item, snapshot)).collect();
        if snapshot {
            self.wants_all = false;
            // One that is full says nothing of those whom it does not name.
            if !may_be_cut_short {
                changes.extend(self.miss(&named));
            }
        }
        changes
    }

    fn take_item(&mut self, item: StateItem, snapshot: bool) -> Option<StateChange> {
        let StateItem { connection_id, user_id, state, updated_at } = item;
        let again = snapshot && self.wants_all && state.is_some();
        match self.known.get(&connection_id) {
            Some(known) if updated_at < known.updated_at => return None,
            Some(known) if updated_at == known.updated_at && !(again && known.has_state) => return None,
            Some(_) => {}
            None if self.known.len() >= MOST_KNOWN => {
                return Some(change(connection_id, user_id, state, updated_at, snapshot));
            }
            None => {}
        }
        let known = KnownMember { user_id: user_id.clone(), updated_at, has_state: state.is_some(), is_old: false };
        self.known.insert(connection_id.clone(), known);
        if state.is_none() {
            self.bury(connection_id.clone());
        }
        Some(change(connection_id, user_id, state, updated_at, snapshot))
    }

    /// Those whom a snapshot does not name have none any more, but for those of whom something newer was told since it was
    /// asked for.
    fn miss(&mut self, named: &BTreeSet<String>) -> Vec<StateChange> {
        let missing =
            self.known.iter_mut().filter(|(id, known)| known.has_state && known.is_old && !named.contains(*id));
        let changes: Vec<StateChange> = missing
            .map(|(id, known)| {
                known.has_state = false;
                StateChange {
                    connection_id: id.clone(),
                    user_id: known.user_id.clone(),
                    state: None,
                    updated_at: None,
                    snapshot: false,
                }
            })
            .collect();
        changes.iter().for_each(|change| self.bury(change.connection_id.clone()));
        changes
    }

    fn bury(&mut self, connection_id: String) {
        self.gone.push_back(connection_id);
        if self.gone.len() > MOST_GONE
            && let Some(first) = self.gone.pop_front()
            && self.known.get(&first).is_some_and(|known| !known.has_state)
        {
            self.known.remove(&first);
        }
    }
}

fn change(
    connection_id: String,
    user_id: Option<String>,
    state: Option<GroupState>,
    updated_at: i64,
    snapshot: bool,
) -> StateChange {
    StateChange { connection_id, user_id, state, updated_at: Some(updated_at), snapshot }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, state: Option<&str>, updated_at: i64) -> StateItem {
        let state = state.map(|value| GroupState::from_iter([("s", value)]));
        StateItem { connection_id: id.to_owned(), user_id: None, state, updated_at }
    }

    /// The changes, as `c1=x`, `-c1` where a member has none any more, with `!` where that was not told.
    fn shown(changes: Vec<StateChange>) -> Vec<String> {
        let shown = |change: StateChange| match (change.state, change.updated_at) {
            (Some(state), _) => format!("{}={}", change.connection_id, state.entries["s"]),
            (None, Some(_)) => format!("-{}", change.connection_id),
            (None, None) => format!("-{}!", change.connection_id),
        };
        changes.into_iter().map(shown).collect()
    }

    fn asked() -> GroupView {
        let mut view = GroupView::default();
        view.ask(true);
        view
    }

    #[test]
    fn what_is_not_newer_is_no_news() {
        let mut view = asked();
        assert_eq!(shown(view.take(vec![item("a", Some("1"), 5), item("b", Some("1"), 5)], true)), ["a=1", "b=1"]);
        assert_eq!(shown(view.take(vec![item("a", Some("0"), 4)], false)), [""; 0]);
        assert_eq!(shown(view.take(vec![item("a", Some("1"), 5)], false)), [""; 0]);
        assert_eq!(shown(view.take(vec![item("a", Some("2"), 6)], false)), ["a=2"]);
        assert_eq!(shown(view.take(vec![item("a", None, 8)], false)), ["-a"]);
        // Late, and from before it was gone.
        assert_eq!(shown(view.take(vec![item("a", Some("3"), 7)], false)), [""; 0]);
        assert_eq!(shown(view.take(vec![item("a", Some("4"), 9)], false)), ["a=4"]);
    }

    #[test]
    fn a_snapshot_tells_who_is_gone_but_not_whom_a_later_update_has_brought() {
        let mut view = asked();
        view.take(vec![item("a", Some("1"), 1), item("b", Some("1"), 1), item("c", Some("1"), 1)], true);
        view.ask(false);
        assert_eq!(shown(view.take(vec![item("b", Some("2"), 2)], false)), ["b=2"]);
        assert_eq!(shown(view.take(vec![item("c", Some("1"), 1), item("d", Some("1"), 3)], true)), ["d=1", "-a!"]);
        // Told once.
        view.ask(false);
        assert_eq!(shown(view.take(vec![item("c", Some("1"), 1)], true)), ["-b!", "-d!"]);
    }

    #[test]
    fn who_asks_gets_all_again_and_who_is_only_back_gets_the_difference() {
        let mut view = asked();
        let all = || vec![item("a", Some("1"), 1), item("b", Some("1"), 1)];
        assert_eq!(shown(view.take(all(), true)), ["a=1", "b=1"]);
        view.ask(false);
        assert_eq!(shown(view.take(all(), true)), [""; 0]);
        view.ask(true);
        assert_eq!(shown(view.take(all(), true)), ["a=1", "b=1"]);
        assert_eq!(shown(view.take(all(), true)), [""; 0]);
    }

    #[test]
    fn the_silence_of_a_full_snapshot_proves_nothing() {
        let mut view = asked();
        view.take(vec![item("z", Some("1"), 1)], true);
        view.ask(false);
        let full: Vec<StateItem> = (0..200).map(|n| item(&format!("m{n}"), Some("1"), 1)).collect();
        let changes = shown(view.take(full.clone(), true));
        assert!(changes.len() == 200 && !changes.contains(&"-z!".to_owned()));
        view.ask(false);
        let mut changes = shown(view.take(full[..199].to_vec(), true));
        changes.sort_unstable();
        assert_eq!(changes, ["-m199!", "-z!"]);
    }

    #[test]
    fn of_those_who_are_gone_the_last_are_remembered() {
        let mut view = asked();
        for n in 0..1000 {
            view.take(vec![item(&format!("m{n}"), Some("1"), 1)], false);
            view.take(vec![item(&format!("m{n}"), None, 2)], false);
        }
        assert_eq!(view.known.len(), MOST_GONE);
        assert_eq!(shown(view.take(vec![item("m999", Some("1"), 1)], false)), [""; 0]);
    }
}
