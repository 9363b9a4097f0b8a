//! Publishes that may have been carried out, by this process or an earlier one, and which of them the service still
//! knows: what is given an ackId again that it has forgotten would be carried out twice (PROTOCOL §6).

use std::collections::VecDeque;

use super::digests::Digests;
use super::ids::IdRanges;
use super::sent::REMEMBERED;
use super::snapshot::RememberedRun;
use crate::EncodedFrame;

/// Consecutive ackIds that were carried out one after the other.
#[derive(Clone, Copy, Debug)]
struct AckIdRun {
    first: u64,
    last: u64,
    /// How many operations may have been carried out after the last, by all that was known at `from`.
    since: u64,
    /// [`AckIdCounts::all`](super::sent::AckIdCounts) at that time.
    from: u64,
}

impl AckIdRun {
    fn since(&self, all: u64) -> u64 {
        self.since.saturating_add(all.saturating_sub(self.from))
    }
}

/// The ackIds of such publishes. Without [`Self::keep`] nothing is noted: nobody will ask.
#[derive(Clone, Debug, Default)]
pub(super) struct CarriedIds {
    keeps: bool,
    /// Of all connections.
    ids: IdRanges,
    /// Of earlier processes.
    earlier: IdRanges,
    /// Those that the service knows to have been carried out on the connection there is, oldest first.
    runs: VecDeque<AckIdRun>,
    /// What went out under the ids of the connection there is, of operations of all kinds.
    digests: Digests,
}

impl CarriedIds {
    pub(super) fn keep(&mut self) {
        self.keeps = true;
    }

    /// Takes over what earlier processes knew; `remembered` and `digests` are of the connection that
    /// goes on.
    pub(super) fn restore(&mut self, ids: &[(u64, u64)], remembered: &[RememberedRun], digests: &[(u64, u32)]) {
        self.digests.restore(digests);
        self.earlier = IdRanges::of(ids);
        self.ids = self.earlier.clone();
        let runs = remembered.iter().filter(|it| it.first <= it.last);
        self.runs = runs.map(|it| AckIdRun { first: it.first, last: it.last, since: it.since, from: 0 }).collect();
    }

    /// An operation of whatever kind is sent for the first time.
    pub(super) fn note(&mut self, id: u64, frame: &EncodedFrame) {
        if self.keeps {
            self.digests.note(id, frame);
        }
    }

    /// An operation of whatever kind was refused: its id is free again.
    pub(super) fn release(&mut self, id: u64) {
        if self.keeps {
            self.digests.remove(id);
        }
    }

    /// Whether another frame went over the connection under this id.
    pub(super) fn is_other(&self, id: u64, frame: impl FnOnce() -> EncodedFrame) -> bool {
        self.digests.is_other(id, frame)
    }

    /// The frames that went over the connection there is.
    pub(super) fn digests(&self) -> Vec<(u64, u32)> {
        self.digests.to_vec()
    }

    /// One is sent.
    pub(super) fn send(&mut self, id: u64) {
        if self.keeps {
            self.ids.insert(id);
        }
    }

    /// One was carried out, and at most `since` others after it, when so many had been sent in all.
    pub(super) fn settle(&mut self, id: u64, since: u64, all: u64) {
        if !self.keeps {
            return;
        }
        if let Some(run) = self.runs.back_mut()
            && run.last.checked_add(1) == Some(id)
            && run.since(all) == since.saturating_add(1)
        {
            *run = AckIdRun { last: id, since, from: all, ..*run };
            return;
        }
        self.runs.push_back(AckIdRun { first: id, last: id, since, from: all });
        while self.runs.pop_front_if(|run| run.since(all) >= REMEMBERED).is_some() {}
    }

    /// One was refused: its id may be used again.
    pub(super) fn refuse(&mut self, id: u64) {
        self.ids.remove(id);
    }

    /// Whether an earlier process has sent one under this id.
    pub(super) fn is_earlier(&self, id: u64) -> bool {
        self.earlier.contains(id)
    }

    /// How many operations may have been carried out on this connection after the one with this id; `u64::MAX` where
    /// that is not known.
    pub(super) fn since(&self, id: u64, all: u64) -> u64 {
        let holds = |run: &&AckIdRun| (run.first..=run.last).contains(&id);
        let since = |run: &AckIdRun| run.since(all).saturating_add(run.last - id);
        self.runs.iter().filter(holds).map(since).max().unwrap_or(u64::MAX)
    }

    /// The connection is lost, and the next one knows none of them.
    pub(super) fn forget_connection(&mut self) {
        self.runs.clear();
        self.digests.clear();
    }

    /// All of them, as ranges, both ends included.
    pub(super) fn ids(&self) -> Vec<(u64, u64)> {
        self.ids.to_vec()
    }

    /// Those that the service still knows.
    pub(super) fn remembered(&self, all: u64) -> Vec<RememberedRun> {
        let known = self.runs.iter().filter(|run| run.since(all) < REMEMBERED);
        known.map(|run| RememberedRun { first: run.first, last: run.last, since: run.since(all) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> CarriedIds {
        let mut carried = CarriedIds::default();
        carried.keep();
        carried
    }

    #[test]
    fn consecutive_ids_cost_one_entry_and_each_has_its_own_age() {
        let mut carried = kept();
        // Ten under way at any time, and each acknowledged in its turn.
        for id in 1..=5000 {
            carried.send(id);
            carried.settle(id, 10, id + 10);
        }
        assert_eq!(carried.remembered(5010), [RememberedRun { first: 1, last: 5000, since: 10 }]);
        assert_eq!((carried.since(5000, 5010), carried.since(4012, 5010)), (10, 998));
        assert_eq!((carried.since(3000, 5010), carried.since(5001, 5010)), (2010, u64::MAX));
        assert_eq!(carried.ids(), [(1, 5000)]);
        carried.forget_connection();
        assert_eq!((carried.since(5000, 5010), carried.ids()), (u64::MAX, vec![(1, 5000)]));
    }

    #[test]
    fn what_is_forgotten_is_dropped_and_what_was_refused_was_not_carried_out() {
        let mut carried = kept();
        for sent in 1..=3000 {
            carried.settle(3 * sent, 0, sent);
        }
        assert_eq!(carried.runs.len(), 1000);
        let mut carried = kept();
        (1..=3).for_each(|id| carried.send(id));
        carried.refuse(2);
        assert_eq!(carried.ids(), [(1, 1), (3, 3)]);
    }

    #[test]
    fn another_process_goes_on_counting() {
        let mut carried = kept();
        carried.restore(&[(1, 9)], &[RememberedRun { first: 7, last: 9, since: 5 }], &[]);
        assert!(carried.is_earlier(3) && !carried.is_earlier(10));
        assert_eq!((carried.since(7, 100), carried.since(9, 0), carried.since(3, 0)), (107, 5, u64::MAX));
        carried.send(10);
        assert!(!carried.is_earlier(10));
        assert_eq!(carried.ids(), [(1, 10)]);
    }

    #[test]
    fn nothing_is_noted_for_nobody() {
        let mut carried = CarriedIds::default();
        carried.send(1);
        carried.settle(1, 0, 1);
        assert!(carried.ids().is_empty() && carried.remembered(1).is_empty());
    }
}
