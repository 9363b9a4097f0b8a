//! The pause between attempts: grows, is bounded, and is spread by a seeded jitter (PROTOCOL §19.5).

use std::time::Duration;

use super::config::{Backoff, BackoffMode};

/// A small seeded generator (splitmix64). The session draws no random number of its own: the seed is an argument.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// The same seed gives the same pauses.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between half of `full` and `full`, so that many clients cut at once do not come back at once.
    fn spread(&mut self, full: Duration) -> Duration {
        let half = full / 2;
        // 53 bits make an even fraction in [0, 1).
        let fraction = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        half + half.mul_f64(fraction)
    }
}

impl Backoff {
    /// The pause before retry number `retry`, which counts from 1.
    pub fn pause(&self, retry: u32, jitter: &mut Jitter) -> Duration {
        match self.mode {
            BackoffMode::Fixed => self.delay.min(self.max_delay),
            BackoffMode::Exponential => {
                let doublings = retry.saturating_sub(1).min(31);
                let full = self.delay.saturating_mul(1 << doublings).min(self.max_delay);
                jitter.spread(full)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn exponential_pauses_double_up_to_the_maximum_and_vary_below() {
        let backoff = Backoff { mode: BackoffMode::Exponential, delay: SECOND, max_delay: 30 * SECOND };
        let mut jitter = Jitter::new(7);
        for (retry, full) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (1000, 30)] {
            for _ in 0..50 {
                let pause = backoff.pause(retry, &mut jitter);
                assert!(pause >= SECOND * full / 2 && pause <= SECOND * full, "{retry}: {pause:?}");
            }
        }
        assert_ne!(backoff.pause(1, &mut jitter), backoff.pause(1, &mut jitter));
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses() {
        let backoff = Backoff { mode: BackoffMode::Exponential, delay: SECOND, max_delay: 30 * SECOND };
        let pauses = |seed| {
            let mut jitter = Jitter::new(seed);
            (1..6).map(|retry| backoff.pause(retry, &mut jitter)).collect::<Vec<_>>()
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn fixed_pauses_stay() {
        let backoff = Backoff { mode: BackoffMode::Fixed, delay: SECOND, max_delay: 30 * SECOND };
        assert_eq!(backoff.pause(9, &mut Jitter::new(0)), SECOND);
    }
}
