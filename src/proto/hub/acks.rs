//! Which operations of a connection were carried out, so that none is carried out twice (PROTOCOL §6).

use std::collections::{HashSet, VecDeque};

/// The ackIds of one connection: one space for all kinds of operations.
#[derive(Debug)]
pub(super) struct AckMemory {
    /// Successful ids, the oldest first.
    order: VecDeque<u64>,
    /// The same ids, for looking up.
    done: HashSet<u64>,
    /// Ids of events whose handler has not answered yet.
    in_flight: HashSet<u64>,
    capacity: usize,
}

/// What is known of an ackId.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: new, forgotten, or failed before.
    No,
    /// An operation under this id has not settled yet.
    InFlight,
    /// An operation under this id succeeded.
    Done,
}

impl AckMemory {
    pub(super) fn new(capacity: usize) -> Self {
        Self { order: VecDeque::new(), done: HashSet::new(), in_flight: HashSet::new(), capacity }
    }

    pub(super) fn look_up(&self, id: u64) -> Known {
        if self.done.contains(&id) {
            Known::Done
        } else if self.in_flight.contains(&id) {
            Known::InFlight
        } else {
            Known::No
        }
    }

    /// An operation under this id left for its handler.
    pub(super) fn begin(&mut self, id: u64) {
        self.in_flight.insert(id);
    }

    /// The operation failed; the id may be used again.
    pub(super) fn fail(&mut self, id: u64) {
        self.in_flight.remove(&id);
    }

    /// The operation succeeded. The oldest success is forgotten when there are too many.
    pub(super) fn succeed(&mut self, id: u64) {
        self.in_flight.remove(&id);
        if !self.done.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.done.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successes_are_remembered_first_in_first_out() {
        let mut acks = AckMemory::new(2);
        for id in [0, u64::MAX, 5] {
            acks.succeed(id);
        }
        acks.succeed(5);
        assert_eq!([0, u64::MAX, 5].map(|id| acks.look_up(id)), [Known::No, Known::Done, Known::Done]);
    }

    #[test]
    fn a_failed_id_can_be_used_again() {
        let mut acks = AckMemory::new(2);
        acks.begin(1);
        assert_eq!(acks.look_up(1), Known::InFlight);
        acks.fail(1);
        assert_eq!(acks.look_up(1), Known::No);
    }
}
