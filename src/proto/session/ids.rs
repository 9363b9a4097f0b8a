//! The space of ackIds of one connection: one for all operations, each id used once (PROTOCOL §6).

use std::collections::{BTreeMap, BTreeSet};

/// Which ackIds were used, as ranges, so that a million consecutive ones cost one entry.
#[derive(Clone, Debug, Default)]
pub(super) struct IdSpace {
    /// First to last id of each range, both included; ranges neither touch nor overlap.
    used: BTreeMap<u64, u64>,
    /// Ids that an earlier process used and this one has not: they may be given again, for the same operation.
    repeatable: BTreeMap<u64, u64>,
    /// Those of them that were given again.
    repeated: BTreeSet<u64>,
    /// Ids that are not given to just anybody, both ends included.
    reserved: Option<(u64, u64)>,
}

impl IdSpace {
    /// Takes over the ids that an earlier process used, as ranges, both ends included.
    pub(super) fn restore(&mut self, ranges: &[(u64, u64)]) {
        // Sorted and apart, as they were saved, unless somebody has changed them.
        let sorted: BTreeMap<u64, u64> = ranges.iter().copied().filter(|(first, last)| first <= last).collect();
        let mut end = None;
        self.used = sorted
            .into_iter()
            .filter(|(first, last)| {
                let apart = end.is_none_or(|end: u64| end < *first);
                if apart {
                    end = Some(*last);
                }
                apart
            })
            .collect();
        self.repeatable = self.used.clone();
        self.repeated.clear();
    }

    /// These ids, both ends included, are no longer given by [`Self::next`].
    pub(super) fn reserve(&mut self, range: Option<(u64, u64)>) {
        self.reserved = range;
    }

    /// Whether the id is one of those.
    pub(super) fn is_reserved(&self, id: u64) -> bool {
        self.reserved.is_some_and(|(first, last)| (first..=last).contains(&id))
    }

    /// The ids that were used, as ranges.
    pub(super) fn used(&self) -> Vec<(u64, u64)> {
        self.used.iter().map(|(first, last)| (*first, *last)).collect()
    }

    /// Marks `id` as used; `false` when it was.
    pub(super) fn claim(&mut self, id: u64) -> bool {
        let before = self.used.range(..=id).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= id) {
            let earlier = self.repeatable.range(..=id).next_back().is_some_and(|(_, last)| *last >= id);
            return earlier && self.repeated.insert(id);
        }
        let first = match before {
            Some((first, last)) if last + 1 == id => first,
            _ => id,
        };
        let last = match id.checked_add(1).and_then(|next| self.used.remove(&next)) {
            Some(last) => last,
            None => id,
        };
        self.used.insert(first, last);
        true
    }

    /// The smallest unused id from 1 on; `None` when every one is used.
    pub(super) fn next(&mut self) -> Option<u64> {
        let mut id = 1;
        loop {
            id = match (self.used.range(..=id).next_back(), self.reserved) {
                (Some((_, last)), _) if *last >= id => last.checked_add(1)?,
                (_, Some((_, last))) if self.is_reserved(id) => last.checked_add(1)?,
                _ => break,
            };
        }
        self.claim(id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ids_start_at_one_and_skip_the_given_ones() {
        let mut ids = IdSpace::default();
        assert!(ids.claim(2));
        assert!(ids.claim(0));
        assert_eq!([ids.next(), ids.next(), ids.next()], [Some(1), Some(3), Some(4)]);
        assert!(!ids.claim(2) && !ids.claim(4) && !ids.claim(0));
        assert!(ids.claim(u64::MAX) && !ids.claim(u64::MAX));
        assert!(ids.claim(u64::MAX - 1));
        assert_eq!(ids.next(), Some(5));
        assert_eq!(ids.used.len(), 2);
    }

    #[test]
    fn ids_of_an_earlier_process_are_skipped_and_may_be_given_again_once() {
        let mut ids = IdSpace::default();
        ids.restore(&[(1, 3), (7, 7), (3, 9)]);
        assert_eq!(ids.used(), [(1, 3), (7, 7)]);
        assert_eq!([ids.next(), ids.next()], [Some(4), Some(5)]);
        assert!(ids.claim(2) && !ids.claim(2));
        assert!(ids.claim(7) && !ids.claim(4));
        assert_eq!(ids.next(), Some(6));
        assert_eq!(ids.next(), Some(8));
        assert_eq!(ids.used(), [(1, 8)]);
    }

    #[test]
    fn reserved_ids_are_skipped_and_may_be_given() {
        let mut ids = IdSpace::default();
        ids.restore(&[(1, 1), (6, 6)]);
        ids.reserve(Some((2, 5)));
        assert!(ids.is_reserved(2) && !ids.is_reserved(6));
        assert_eq!(ids.next(), Some(7));
        assert!(ids.claim(3) && !ids.claim(3));
        assert_eq!(ids.next(), Some(8));
        ids.reserve(Some((2, u64::MAX)));
        assert_eq!(ids.next(), None);
    }

    proptest::proptest! {
        #[test]
        fn no_id_is_given_twice(claims in proptest::collection::vec(proptest::option::of(0u64..40), 0..100)) {
            let mut ids = IdSpace::default();
            let mut seen = std::collections::BTreeSet::new();
            for claim in claims {
                match claim {
                    Some(id) => assert_eq!(ids.claim(id), seen.insert(id)),
                    None => assert!(seen.insert(ids.next().unwrap())),
                }
            }
        }
    }
}
