//! The space of ackIds of one connection: one for all operations, each id used once (PROTOCOL §6).

use std::collections::{BTreeMap, BTreeSet};

/// Ids as ranges, so that a million consecutive ones cost one entry.
#[derive(Clone, Debug, Default)]
pub(super) struct IdRanges {
    /// First to last id of each range, both included; ranges neither touch nor overlap.
    ranges: BTreeMap<u64, u64>,
}

impl IdRanges {
    /// These ranges, both ends included. They are sorted and apart, as they were saved, unless somebody has changed them.
    pub(super) fn of(ranges: &[(u64, u64)]) -> Self {
        let sorted: BTreeMap<u64, u64> = ranges.iter().copied().filter(|(first, last)| first <= last).collect();
        let mut end = None;
        let apart = sorted.into_iter().filter(|(first, last)| {
            let apart = end.is_none_or(|end: u64| end < *first);
            if apart {
                end = Some(*last);
            }
            apart
        });
        Self { ranges: apart.collect() }
    }

    pub(super) fn to_vec(&self) -> Vec<(u64, u64)> {
        self.ranges.iter().map(|(first, last)| (*first, *last)).collect()
    }

    /// The range that begins at the id, or before it and nearest to it.
    fn before(&self, id: u64) -> Option<(u64, u64)> {
        self.ranges.range(..=id).next_back().map(|(first, last)| (*first, *last))
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.before(id).is_some_and(|(_, last)| last >= id)
    }

    /// Takes the id in; `false` when it was there.
    pub(super) fn insert(&mut self, id: u64) -> bool {
        // The one behind all others, as most are.
        if let Some(mut last) = self.ranges.last_entry()
            && last.get().checked_add(1) == Some(id)
        {
            last.insert(id);
            return true;
        }
        let before = self.before(id);
        let first = match before {
            Some((_, last)) if last >= id => return false,
            Some((first, last)) if last + 1 == id => first,
            Some(_) | None => id,
        };
        let last = match id.checked_add(1).and_then(|next| self.ranges.remove(&next)) {
            Some(last) => last,
            None => id,
        };
        self.ranges.insert(first, last);
        true
    }

    /// Takes the id out, if it is there.
    pub(super) fn remove(&mut self, id: u64) {
        let Some((first, last)) = self.before(id).filter(|(_, last)| *last >= id) else { return };
        self.ranges.remove(&first);
        if first < id {
            self.ranges.insert(first, id - 1);
        }
        if id < last {
            self.ranges.insert(id + 1, last);
        }
    }
}

/// Which ackIds were used.
#[derive(Clone, Debug, Default)]
pub(super) struct IdSpace {
    used: IdRanges,
    /// Ids that an earlier process used and this one has not: they may be given again, for the same operation.
    repeatable: IdRanges,
    /// Those of them that were given again.
    repeated: BTreeSet<u64>,
    /// Ids that are not given to just anybody, both ends included.
    reserved: Option<(u64, u64)>,
    /// From 1 up to this one none is free.
    taken: u64,
}

impl IdSpace {
    /// Takes over the ids that an earlier process used, as ranges, both ends included.
    pub(super) fn restore(&mut self, ranges: &[(u64, u64)]) {
        self.used = IdRanges::of(ranges);
        self.repeatable = self.used.clone();
        self.repeated.clear();
        self.taken = 0;
    }

    /// These ids, both ends included, are no longer given by [`Self::next`].
    pub(super) fn reserve(&mut self, range: Option<(u64, u64)>) {
        self.reserved = range;
        self.taken = 0;
    }

    /// Whether the id is one of those.
    pub(super) fn is_reserved(&self, id: u64) -> bool {
        self.reserved.is_some_and(|(first, last)| (first..=last).contains(&id))
    }

    /// The ids that were used, as ranges.
    pub(super) fn used(&self) -> Vec<(u64, u64)> {
        self.used.to_vec()
    }

    /// Marks `id` as used; `false` when it was.
    pub(super) fn claim(&mut self, id: u64) -> bool {
        self.used.insert(id) || (self.repeatable.contains(id) && self.repeated.insert(id))
    }

    /// The smallest unused id from 1 on; `None` when every one is used.
    pub(super) fn next(&mut self) -> Option<u64> {
        let mut id = self.taken.checked_add(1)?;
        loop {
            id = match (self.used.before(id), self.reserved) {
                (Some((_, last)), _) if last >= id => last.checked_add(1)?,
                (_, Some((_, last))) if self.is_reserved(id) => last.checked_add(1)?,
                _ => break,
            };
        }
        self.claim(id);
        self.taken = id;
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
        assert_eq!(ids.used().len(), 2);
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

    #[test]
    fn an_id_that_is_taken_out_divides_its_range() {
        let mut ids = IdRanges::of(&[(0, 4), (7, 7), (u64::MAX, u64::MAX)]);
        for id in [2, 5, 0, 7, u64::MAX] {
            ids.remove(id);
        }
        assert_eq!(ids.to_vec(), [(1, 1), (3, 4)]);
        assert!(ids.insert(2) && !ids.insert(4));
        assert_eq!(ids.to_vec(), [(1, 4)]);
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
