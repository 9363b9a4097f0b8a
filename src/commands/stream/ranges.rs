//! Numbers as people write them: `12-40, 43`.

use std::fmt;

/// Numbers, in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    pub(super) fn push(&mut self, number: u64) {
        match self.0.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => self.0.push((number, number)),
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
}
