//! `--rate`: when the next message may go.

use std::time::Duration;

use tokio::time::Instant;

/// What may be caught up with: a clock that wakes late must not lower the rate, and a pause must not end in a burst.
const SLACK: Duration = Duration::from_millis(10);

/// Evenly spaced moments.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// The first at once.
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, next: now }
    }

    /// Whether a message may go now, which is then counted.
    pub fn take(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        let from = now.checked_sub(SLACK).map_or(self.next, |earliest| self.next.max(earliest));
        self.next = from + self.interval;
        true
    }

    /// When the next may go.
    pub fn due(&self) -> Instant {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many may go at these milliseconds.
    fn taken(pace: &mut Pace, start: Instant, millis: impl IntoIterator<Item = u64>) -> Vec<usize> {
        let at = |millis| start + Duration::from_millis(millis);
        millis
            .into_iter()
            .map(|now| std::iter::from_fn(|| pace.take(at(now)).then_some(())).take(1000).count())
            .collect()
    }

    #[test]
    fn messages_are_spaced_evenly() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_millis(100), start);
        assert_eq!(taken(&mut pace, start, [0, 50, 99, 100, 199, 203, 299, 300]), [1, 0, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn a_pause_does_not_end_in_a_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_millis(100), start);
        assert_eq!(taken(&mut pace, start, [0, 5_000, 5_050, 5_100]), [1, 1, 0, 1]);
    }

    #[test]
    fn a_rate_finer_than_the_clock_is_kept() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_micros(100), start);
        let taken: usize = taken(&mut pace, start, 0..1000).iter().sum();
        assert!((9_900..=10_100).contains(&taken), "{taken}");
    }
}
