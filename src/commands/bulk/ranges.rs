//! Numbers as people write them: `12-40, 43`.

use std::fmt;

/// Numbers, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    pub(super) fn push(&mut self, number: u64) {
        let next = self.0.partition_point(|(first, _)| *first <= number);
        let before = next.checked_sub(1).and_then(|at| self.0.get(at)).map(|(_, last)| *last);
        if before.is_some_and(|last| number <= last) {
            return;
        }
        let (joins_before, joins_next) = (
            before.is_some_and(|last| last + 1 == number),
            self.0.get(next).is_some_and(|(first, _)| number + 1 == *first),
        );
        match (joins_before, joins_next) {
            (true, true) => {
                let (_, last) = self.0.remove(next);
                self.0[next - 1].1 = last;
            }
            (true, false) => self.0[next - 1].1 = number,
            (false, true) => self.0[next].0 = number,
            (false, false) => self.0.insert(next, (number, number)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether there is one alone.
    pub(super) fn is_single(&self) -> bool {
        matches!(&self.0[..], [(first, last)] if first == last)
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            if first == last { write!(f, "{comma}{first}")? } else { write!(f, "{comma}{first}-{last}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_one_another_are_a_range() {
        let mut ranges = Ranges::default();
        assert!(ranges.is_empty() && !ranges.is_single());
        ranges.push(12);
        assert!(ranges.is_single());
        for number in (13..=40).chain([43, 50, 51, u64::MAX]) {
            ranges.push(number);
        }
        assert_eq!((ranges.to_string().as_str(), ranges.count()), ("12-40, 43, 50-51, 18446744073709551615", 33));
    }

    #[test]
    fn they_are_in_their_order_however_they_come() {
        let mut ranges = Ranges::default();
        for number in [2, 7, 8, 3, 5, 1, 9, 4, 8, 0, 20] {
            ranges.push(number);
        }
        assert_eq!((ranges.to_string().as_str(), ranges.count()), ("0-5, 7-9, 20", 10));
    }
}
