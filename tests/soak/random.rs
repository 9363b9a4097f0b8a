//! Chance out of a seed. Each actor has a stream of its own, so that what one of them draws does not depend on how the
//! others were scheduled.

use std::time::Duration;

/// SplitMix64.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for somebody, by name.
    pub fn branch(seed: u64, name: &str) -> Self {
        let named = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Self(seed ^ named)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// So many milliseconds.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// As a time between independent events that come once in `mean`, at most five times that.
    pub fn waiting(&mut self, mean: Duration) -> Duration {
        let unit = (self.between(1, 1 << 30) as f64) / f64::from(1 << 30);
        mean.mul_f64((-unit.ln()).min(5.0))
    }

    /// True so many times in a thousand.
    pub fn permille(&mut self, chance: u64) -> bool {
        self.next() % 1000 < chance
    }

    /// One of these, by weight.
    pub fn pick<T: Copy>(&mut self, weighted: &[(u64, T)]) -> T {
        let total = weighted.iter().map(|(weight, _)| weight).sum::<u64>();
        let mut at = self.next() % total;
        for (weight, value) in weighted {
            if at < *weight {
                return *value;
            }
            at -= weight;
        }
        weighted[0].1
    }
}
