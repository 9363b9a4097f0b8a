//! What fails again and again in the same way: said once, then each time that it has happened twice as often, with the
//! count; on a terminal, each time, in one line that is written anew.

/// The failures in a row that are the same.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// What was said of the first.
    words: String,
    /// How often it has happened.
    times: u64,
}

/// The most failures between two lines: of attempts that are half a minute apart, a line an hour.
const LONGEST: u64 = 120;

impl Repeats {
    /// It has failed like that. Returns how often so far, and whether that is worth a line.
    pub(super) fn add(&mut self, words: &str) -> (u64, bool) {
        if self.words != words {
            words.clone_into(&mut self.words);
            self.times = 0;
        }
        self.times = self.times.saturating_add(1);
        let due = if self.times < LONGEST { self.times.is_power_of_two() } else { self.times.is_multiple_of(LONGEST) };
        (self.times, due)
    }

    /// It has gone well, or something else has happened.
    pub(super) fn end(&mut self) {
        self.words.clear();
        self.times = 0;
    }
}

/// So many times something is said each time that it happens.
const EACH: u64 = 5;

/// Something that may happen without end, whose occurrences are no news any more: the first are said, then that there were
/// twice as many, and at the end how many there were.
#[derive(Debug, Default)]
pub struct Recurrence {
    times: u64,
    said: u64,
}

impl Recurrence {
    /// It has happened once more. How often in all, where that is to be said.
    pub fn add(&mut self) -> Option<u64> {
        self.times = self.times.saturating_add(1);
        if self.times <= EACH || self.times.is_power_of_two() {
            self.said = self.times;
        }
        Some(self.times).filter(|times| *times == self.said)
    }

    /// How often it has happened in all, where nobody was told.
    pub fn rest(&mut self) -> Option<u64> {
        Some(self.times).filter(|times| std::mem::replace(&mut self.said, self.times) < *times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_at_growing_intervals_and_another_at_once() {
        let mut repeats = Repeats::default();
        let due: Vec<u64> =
            (0..500).map(|_| repeats.add("refused")).filter(|(_, due)| *due).map(|(times, _)| times).collect();
        assert_eq!(due, [1, 2, 4, 8, 16, 32, 64, 120, 240, 360, 480]);
        assert_eq!(repeats.add("another"), (1, true));
        assert_eq!(repeats.add("refused"), (1, true));
        repeats.end();
        assert_eq!(repeats.add("refused"), (1, true));
    }
    #[test]
    fn what_happens_without_end_is_said_ever_more_seldom_and_the_rest_at_the_end() {
        let mut recurring = Recurrence::default();
        assert_eq!(recurring.rest(), None);
        let said: Vec<u64> = (0..100).filter_map(|_| recurring.add()).collect();
        assert_eq!(said, [1, 2, 3, 4, 5, 8, 16, 32, 64]);
        assert_eq!((recurring.rest(), recurring.rest()), (Some(100), None));
    }
}
