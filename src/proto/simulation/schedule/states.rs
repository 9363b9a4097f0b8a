//! What the clients of a schedule say of themselves in a group of its own, and what the listener is told of it. At rest the
//! hub has what each has said last, and the listener knows just that.

use super::*;
use crate::GroupState;
use crate::session::StateChanges;

/// Both are in it.
pub(super) const GROUP: &str = "states";
/// The ids of operations about states begin here.
const FIRST: u64 = 2_000_000;

/// What a client says of itself, and what it is told.
#[derive(Debug, Default)]
pub(super) struct StateLedger {
    /// What it has asked to be said, in this order, since it began or was revived; `None`: nothing any more.
    asked: Vec<(u64, Option<u64>)>,
    /// How many operations about states there were.
    operations: u64,
    /// By connection, what it was told and is not gone.
    known: BTreeMap<String, GroupState>,
    /// What was given up on a new connection.
    pub(super) failed: usize,
}

impl StateLedger {
    /// What is told of states.
    pub(super) fn told(&mut self, seed: u64, states: &StateChanges) {
        assert_eq!(states.group, GROUP, "seed {seed}");
        for change in states.changes.clone() {
            match change.state {
                Some(state) => drop(self.known.insert(change.connection_id, state)),
                None => drop(self.known.remove(&change.connection_id)),
            }
        }
    }

    fn next_id(&mut self) -> OperationId {
        self.operations += 1;
        OperationId(FIRST + self.operations)
    }
}

fn state(number: u64) -> GroupState {
    GroupState::from_iter([("n", number.to_string())])
}

impl Schedule {
    fn has_states(&self) -> bool {
        self.seed % 2 == 1
    }

    fn ask_about_states(&mut self, index: usize, request: Request) -> u64 {
        let id = self.ledger.clients[index].said.next_id();
        let now = self.pair.now;
        self.session(index).handle_request(now, id, request, AckMode::Automatic);
        id.0
    }

    /// Both join, and the listener wants to be told.
    pub(super) fn begin_states(&mut self) {
        if self.has_states() {
            for index in [PUBLISHER, LISTENER] {
                self.ask_about_states(index, Request::Join { group: GROUP.into() });
            }
            self.ask_about_states(LISTENER, Request::SubscribeStates { group: GROUP.into() });
        }
    }

    /// One of them says something else of itself, perhaps.
    pub(super) fn say_something(&mut self) {
        if self.has_states() && self.ledger.rng.percent(40) {
            let index = self.ledger.rng.below(2) as usize;
            let number = (!self.ledger.rng.percent(15)).then(|| self.ledger.rng.below(1_000_000));
            self.say(index, number);
        }
    }

    fn say(&mut self, index: usize, number: Option<u64>) {
        let request = Request::SetState { group: GROUP.into(), state: number.map(state) };
        let id = self.ask_about_states(index, request);
        self.ledger.clients[index].said.asked.push((id, number));
    }

    /// Another process goes on for the listener: it knows nothing, and says of itself what it is to say.
    pub(super) fn revive_states(&mut self) {
        if self.has_states() {
            let said = &mut self.ledger.clients[LISTENER].said;
            (said.asked, said.known) = (Vec::new(), BTreeMap::new());
            self.ask_about_states(LISTENER, Request::Join { group: GROUP.into() });
            let number = self.ledger.rng.below(1_000_000);
            self.say(LISTENER, Some(number));
            self.ask_about_states(LISTENER, Request::SubscribeStates { group: GROUP.into() });
        }
    }

    /// At rest.
    pub(super) fn check_states(&mut self) {
        if !self.has_states() {
            return;
        }
        let seed = self.seed;
        let groups = self.pair.hub.groups();
        let held = groups.iter().find(|group| &*group.name == GROUP).map(|group| group.states.clone());
        let held = held.unwrap_or_default();
        let mut all_known = true;
        for index in [PUBLISHER, LISTENER] {
            let client = &self.ledger.clients[index];
            let own = |outcome: Option<&Outcome>| match outcome {
                Some(Outcome::Acked { .. } | Outcome::AlreadyJoined) => true,
                Some(outcome) if is_given_up(outcome) => false,
                other => panic!("seed {seed}: an operation of {index} about states ended as {other:?}"),
            };
            let asked = client.settled.range(FIRST + 1..).map(|(_, outcome)| own(Some(outcome)));
            // What costs too many connections is given up, and left as it is.
            if asked.filter(|done| !done).count() + client.failed_rejoins + client.said.failed > 0 {
                all_known = false;
                continue;
            }
            assert!(client.said.asked.iter().all(|(id, _)| own(client.settled.get(id))), "seed {seed}");
            let last = client.said.asked.last().and_then(|(_, number)| *number).map(state);
            let user = format!("user{index}");
            let of_user = held.iter().filter(|item| item.user_id.as_deref() == Some(user.as_str()));
            let of_user: Vec<Option<GroupState>> = of_user.map(|item| item.state.clone()).collect();
            let expected: Vec<_> = last.into_iter().map(Some).collect();
            assert_eq!(of_user, expected, "seed {seed}: {index} has said something else last");
            self.ledger.tally.states_set += client.said.asked.len();
        }
        if all_known {
            let held: BTreeMap<String, GroupState> =
                held.into_iter().filter_map(|item| Some((item.connection_id, item.state?))).collect();
            assert_eq!(
                self.ledger.clients[LISTENER].said.known, held,
                "seed {seed}: the listener knows something else"
            );
            self.ledger.tally.states_compared += 1;
        }
    }
}
