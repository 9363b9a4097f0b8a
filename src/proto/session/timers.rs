//! What is due when, of operations.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// So many that were taken out cost nothing.
const SLACK: usize = 64;
/// How many more may be kept than there are.
const FACTOR: usize = 4;

/// Points in time with the keys that wait for them, the earliest first. Most are later than all before them.
#[derive(Debug, Default)]
pub(super) struct SessionTimers {
    /// Those that were, in order; `false`: taken out. The first is not.
    in_order: VecDeque<(Duration, u64, bool)>,
    /// How many of them there are.
    live: usize,
    others: BTreeSet<(Duration, u64)>,
}

impl SessionTimers {
    pub(super) fn insert(&mut self, at: Duration, key: u64) {
        match self.in_order.back() {
            Some((last, last_key, _)) if (*last, *last_key) >= (at, key) => {
                self.others.insert((at, key));
            }
            Some(_) | None => {
                if self.in_order.len() > SLACK + FACTOR * self.live {
                    self.in_order.retain(|(_, _, is_there)| *is_there);
                }
                self.in_order.push_back((at, key, true));
                self.live += 1;
            }
        }
    }

    pub(super) fn remove(&mut self, at: Duration, key: u64) {
        if !self.others.is_empty() && self.others.remove(&(at, key)) {
            return;
        }
        let place = match self.in_order.front() {
            Some((first, first_key, _)) if (*first, *first_key) == (at, key) => Ok(0),
            Some(_) | None => {
                self.in_order.binary_search_by(|(other, other_key, _)| (*other, *other_key).cmp(&(at, key)))
            }
        };
        if let Ok(place) = place
            && let Some((_, _, is_there)) = self.in_order.get_mut(place)
            && std::mem::replace(is_there, false)
        {
            self.live -= 1;
            while self.in_order.pop_front_if(|(_, _, is_there)| !*is_there).is_some() {}
        }
    }

    /// The earliest.
    pub(super) fn first(&self) -> Option<(Duration, u64)> {
        let in_order = self.in_order.front().map(|(at, key, _)| (*at, *key));
        in_order.into_iter().chain(self.others.first().copied()).min()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_waits_long_does_not_hold_the_rest_there() {
        let mut timers = SessionTimers::default();
        let second = Duration::from_secs(1);
        timers.insert(second, 0);
        for key in 1..10_000 {
            timers.insert(second, key);
            timers.remove(second, key);
            assert!(timers.in_order.len() <= SLACK + FACTOR + 1);
        }
        assert_eq!(timers.first(), Some((second, 0)));
    }

    proptest! {
        #[test]
        fn the_earliest_is_first(steps in proptest::collection::vec((any::<bool>(), 0u64..50, 0u64..5), 0..400)) {
            let (mut timers, mut set) = (SessionTimers::default(), BTreeSet::new());
            for (at, (adds, key, jitter)) in (0..).zip(steps) {
                let at = Duration::from_millis(at + 1000 * jitter * (jitter / 4));
                if adds {
                    timers.insert(at, key);
                    set.insert((at, key));
                } else if let Some((at, key)) = set.iter().copied().nth(key as usize % set.len().max(1)) {
                    timers.remove(at, key);
                    set.remove(&(at, key));
                }
                prop_assert_eq!(timers.first(), set.first().copied());
            }
        }
    }
}
