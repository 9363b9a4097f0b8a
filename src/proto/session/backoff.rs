//! The pause between attempts: grows, is bounded, and is spread by a seeded jitter (PROTOCOL §19.5).

use std::time::Duration;

use thiserror::Error;

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

    /// The same where the service may have asked for a pause, which is kept. Fails where that is longer than any of ours:
    /// sooner would be against its wish, and later than anybody here has agreed to wait.
    pub fn pause_of(
        &self,
        retry: u32,
        asked_for: Option<Duration>,
        jitter: &mut Jitter,
    ) -> Result<Duration, PauseTooLong> {
        match asked_for {
            Some(asked_for) if asked_for > self.max_delay => Err(PauseTooLong { asked_for, longest: self.max_delay }),
            Some(asked_for) => Ok(self.pause(retry, jitter).max(asked_for)),
            None => Ok(self.pause(retry, jitter)),
        }
    }
}

/// The service asked for a longer pause than the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("asked to wait {} s, more than the longest pause of {} s", asked_for.as_secs_f64(), longest.as_secs_f64())]
pub struct PauseTooLong {
    /// What it asked for.
    pub asked_for: Duration,
    /// `max_delay`.
    pub longest: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_that_was_asked_for_is_kept_up_to_the_longest() {
        let second = Duration::from_secs(1);
        let backoff = Backoff { mode: BackoffMode::Fixed, delay: 2 * second, max_delay: 30 * second };
        let mut jitter = Jitter::new(1);
        for (asked_for, pause) in [(None, 2), (Some(0), 2), (Some(5), 5), (Some(30), 30)] {
            let asked_for = asked_for.map(|asked| asked * second);
            assert_eq!(backoff.pause_of(1, asked_for, &mut jitter), Ok(pause * second));
        }
        let too_long = backoff.pause_of(1, Some(31 * second), &mut jitter).unwrap_err();
        assert_eq!(too_long.to_string(), "asked to wait 31 s, more than the longest pause of 30 s");
    }

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
