//! What one subscriber has of one publisher: which messages came, came late, came twice, and which did not come.
//!
//! A message is reordered when one that was published later came before it (RFC 4737). What is missing is kept as ranges,
//! so that a run of any length takes little memory as long as it goes well.

use std::ops::Range;

/// Ranges that are kept; when more are missing, what is missing longest is given up.
const MOST_GAPS: usize = 10_000;

/// What a message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next, or one further on.
    New,
    /// One that was missing: later ones came before it.
    Late,
    /// One that had come.
    Double,
}

/// Messages that have not come, and when that was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Gap {
    missing: Range<u64>,
    /// Seconds from the start of the run.
    second: u32,
}

/// The messages of a publisher, by numbers that are one more for each.
#[derive(Clone, Debug)]
pub struct PublisherSequence {
    /// Where it begins; `None`: with the first that comes.
    first: Option<u64>,
    /// One more than the largest that came.
    next: u64,
    /// In their order.
    gaps: Vec<Gap>,
    /// Given up: below that, nothing is looked for any more.
    floor: u64,
    given_up: Vec<(u32, u64)>,
    /// Messages that came, each once.
    pub arrived: u64,
    /// Further copies.
    pub doubled: u64,
    /// Those that came late.
    pub reordered: u64,
}

impl PublisherSequence {
    /// That begins with 0.
    pub fn from_start() -> Self {
        Self::new(Some(0))
    }

    /// That begins with the first that comes: its publisher was there before.
    pub fn from_first() -> Self {
        Self::new(None)
    }

    fn new(first: Option<u64>) -> Self {
        let next = first.unwrap_or_default();
        let (gaps, given_up) = (Vec::new(), Vec::new());
        Self { first, next, gaps, floor: 0, given_up, arrived: 0, doubled: 0, reordered: 0 }
    }

    /// Takes the message of that number, which came in that second of the run.
    pub fn take(&mut self, number: u64, second: u32) -> Arrival {
        let arrival = self.judge(number, second);
        match arrival {
            Arrival::New => self.arrived += 1,
            Arrival::Late => {
                self.arrived += 1;
                self.reordered += 1;
            }
            Arrival::Double => self.doubled += 1,
        }
        arrival
    }

    fn judge(&mut self, number: u64, second: u32) -> Arrival {
        let first = *self.first.get_or_insert_with(|| {
            self.next = number;
            number
        });
        if number >= self.next {
            if number > self.next {
                self.gaps.push(Gap { missing: self.next..number, second });
                self.give_up_oldest();
            }
            self.next = number.saturating_add(1);
            return Arrival::New;
        }
        if number < first {
            // Only where the start was taken from what came first.
            if number + 1 < first {
                self.gaps.insert(0, Gap { missing: number + 1..first, second });
            }
            self.first = Some(number);
            return Arrival::Late;
        }
        let at = self.gaps.partition_point(|gap| gap.missing.end <= number);
        let Some(gap) = self.gaps.get_mut(at).filter(|gap| gap.missing.contains(&number)) else {
            return Arrival::Double;
        };
        let (before, after, second) = (gap.missing.start..number, number + 1..gap.missing.end, gap.second);
        match (before.is_empty(), after.is_empty()) {
            (true, true) => drop(self.gaps.remove(at)),
            (false, true) => gap.missing = before,
            (true, false) => gap.missing = after,
            (false, false) => {
                gap.missing = before;
                self.gaps.insert(at + 1, Gap { missing: after, second });
            }
        }
        Arrival::Late
    }

    fn give_up_oldest(&mut self) {
        if self.gaps.len() > MOST_GAPS {
            let Gap { missing, second } = self.gaps.remove(0);
            let count = missing.end - missing.start;
            match self.given_up.last_mut().filter(|(last, _)| *last == second) {
                Some((_, so_far)) => *so_far += count,
                None => self.given_up.push((second, count)),
            }
            self.floor = missing.end;
        }
    }

    /// So many were published, which may be more than came: those at the end are missing since that second.
    pub fn end(&mut self, published: u64, second: u32) {
        let next = self.next.max(self.first.unwrap_or(0));
        if published > next {
            self.gaps.push(Gap { missing: next..published, second });
            self.next = published;
        }
    }

    /// What has not come: seconds in which that was noticed and how many, without those that `excused` says need not come.
    pub fn lost(&self, excused: impl Fn(u64) -> bool, any_excused: bool) -> Vec<(u32, u64)> {
        let of_gap = |gap: &Gap| {
            let missing = gap.missing.clone();
            let all = missing.end - missing.start;
            let excused = if any_excused { missing.filter(|number| excused(*number)).count() as u64 } else { 0 };
            (gap.second, all - excused)
        };
        let lost = self.given_up.iter().copied().chain(self.gaps.iter().map(of_gap));
        lost.filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(start: PublisherSequence, numbers: &[u64]) -> PublisherSequence {
        let mut sequence = start;
        numbers.iter().for_each(|number| _ = sequence.take(*number, 0));
        sequence
    }

    /// Arrived, doubled, reordered, lost.
    fn counts(sequence: &PublisherSequence) -> [u64; 4] {
        let lost = sequence.lost(|_| false, false).iter().map(|(_, count)| count).sum();
        [sequence.arrived, sequence.doubled, sequence.reordered, lost]
    }

    #[test]
    fn losses_doubles_and_late_ones_are_told_apart() {
        for (numbers, expected) in [
            (&[0, 1, 2, 3][..], [4, 0, 0, 0]),
            (&[0, 2, 3], [3, 0, 0, 1]),
            (&[0, 2, 1, 3], [4, 0, 1, 0]),
            (&[0, 1, 1, 2], [3, 1, 0, 0]),
            (&[3, 2, 1, 0], [4, 0, 3, 0]),
            (&[0, 5, 3, 3, 2, 9], [5, 1, 2, 5]),
            (&[2], [1, 0, 0, 2]),
            (&[1, 0, 0, 1], [2, 2, 1, 0]),
        ] {
            assert_eq!(counts(&of(PublisherSequence::from_start(), numbers)), expected, "{numbers:?}");
        }
    }

    #[test]
    fn of_a_publisher_that_was_there_before_what_came_first_is_the_start() {
        for (numbers, expected) in [
            (&[100, 101][..], [2, 0, 0, 0]),
            (&[100, 103, 101], [3, 0, 1, 1]),
            (&[100, 97, 98], [3, 0, 2, 1]),
            (&[100, 99, 99], [2, 1, 1, 0]),
        ] {
            assert_eq!(counts(&of(PublisherSequence::from_first(), numbers)), expected, "{numbers:?}");
        }
    }

    #[test]
    fn what_never_came_behind_the_last_is_lost_too() {
        let mut sequence = of(PublisherSequence::from_start(), &[0, 1]);
        sequence.end(5, 9);
        assert_eq!(sequence.lost(|_| false, false), [(9, 3)]);
        assert_eq!(sequence.lost(|number| number == 3, true), [(9, 2)], "it was refused");
        let mut nothing = PublisherSequence::from_start();
        nothing.end(4, 1);
        assert_eq!(counts(&nothing), [0, 0, 0, 4]);
        let mut whole = of(PublisherSequence::from_start(), &[0, 1, 2]);
        whole.end(3, 1);
        assert_eq!(counts(&whole), [3, 0, 0, 0]);
    }

    #[test]
    fn a_loss_has_the_second_in_which_it_was_noticed() {
        let mut sequence = PublisherSequence::from_start();
        for (number, second) in [(0, 0), (2, 1), (3, 1), (9, 4), (5, 5)] {
            sequence.take(number, second);
        }
        assert_eq!(sequence.lost(|_| false, false), [(1, 1), (4, 1), (4, 3)]);
    }

    #[test]
    fn any_order_of_any_messages_is_counted_as_by_hand() {
        use std::collections::BTreeSet;
        let mut drawn = 12_345_u64;
        let mut draw = |below: u64| {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (drawn >> 33) % below
        };
        for _ in 0..300 {
            let mut sequence = PublisherSequence::from_start();
            let (mut came, mut expected) = (BTreeSet::new(), [0u64; 4]);
            for _ in 0..draw(60) {
                let number = draw(40);
                let later = came.last().is_some_and(|last| number < *last);
                match came.insert(number) {
                    false => expected[1] += 1,
                    true => {
                        expected[0] += 1;
                        expected[2] += u64::from(later);
                    }
                }
                sequence.take(number, 0);
            }
            sequence.end(40, 0);
            expected[3] = 40 - came.len() as u64;
            assert_eq!(counts(&sequence), expected);
        }
    }

    #[test]
    fn memory_is_bounded_however_much_is_missing() {
        let mut sequence = PublisherSequence::from_start();
        let count = 3 * MOST_GAPS as u64;
        (0..count).for_each(|number| _ = sequence.take(number * 2, 0));
        assert!(sequence.gaps.len() <= MOST_GAPS);
        assert_eq!(counts(&sequence), [count, 0, 0, count - 1]);
    }
}
