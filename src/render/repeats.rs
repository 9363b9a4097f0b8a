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
}
