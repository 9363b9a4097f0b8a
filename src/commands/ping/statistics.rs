//! The statistics of the round trips. Percentiles are exact to the microsecond as long as there are not very many different
//! round trips; memory stays bounded however long it goes on.

use std::collections::BTreeMap;
use std::time::Duration;

/// Most different round trips that are told apart; when there are more, neighbours are taken for equal.
const MOST_DIFFERENT: usize = 65_536;

/// The round trips so far.
#[derive(Debug)]
pub struct Statistics {
    /// How often each round trip was seen, in units.
    seen: BTreeMap<u64, u64>,
    /// Microseconds.
    unit: u64,
    /// How many there were.
    answers: u64,
    sum: Duration,
    least: Duration,
    most: Duration,
    /// The last one.
    last: Option<Duration>,
    /// Of each to the one before it, without the sign.
    differences: Duration,
}

/// The distribution of the round trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTripDistribution {
    pub least: Duration,
    pub mean: Duration,
    pub p50: Duration,
    pub p90: Duration,
    pub p99: Duration,
    pub most: Duration,
    /// The mean difference of one round trip to the next.
    pub jitter: Duration,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            seen: BTreeMap::new(),
            unit: 1,
            answers: 0,
            sum: Duration::ZERO,
            least: Duration::MAX,
            most: Duration::ZERO,
            last: None,
            differences: Duration::ZERO,
        }
    }
}

impl Statistics {
    /// Another round trip.
    pub fn add(&mut self, elapsed: Duration) {
        self.answers += 1;
        self.sum = self.sum.saturating_add(elapsed);
        self.least = self.least.min(elapsed);
        self.most = self.most.max(elapsed);
        if let Some(last) = self.last.replace(elapsed) {
            self.differences = self.differences.saturating_add(elapsed.abs_diff(last));
        }
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        *self.seen.entry(micros / self.unit).or_default() += 1;
        while self.seen.len() > MOST_DIFFERENT {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.unit *= 2;
        for (units, count) in std::mem::take(&mut self.seen) {
            *self.seen.entry(units / 2).or_default() += count;
        }
    }

    /// How many there were.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// Their distribution, if there were any.
    pub fn distribution(&self) -> Option<RoundTripDistribution> {
        if self.answers == 0 {
            return None;
        }
        let [p50, p90, p99] = [50, 90, 99].map(|percent| self.percentile(percent));
        let mean = divided(self.sum, self.answers);
        let jitter = divided(self.differences, (self.answers - 1).max(1));
        Some(RoundTripDistribution { least: self.least, mean, p50, p90, p99, most: self.most, jitter })
    }

    /// The least round trip that so many percent of all do not exceed.
    fn percentile(&self, percent: u64) -> Duration {
        let rank = u128::from(self.answers) * u128::from(percent);
        let mut below = 0;
        for (units, count) in &self.seen {
            below += u128::from(*count) * 100;
            if below >= rank {
                return Duration::from_micros(units.saturating_mul(self.unit)).clamp(self.least, self.most);
            }
        }
        self.most
    }
}

fn divided(sum: Duration, count: u64) -> Duration {
    let nanos = sum.as_nanos() / u128::from(count);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Statistics {
        let mut statistics = Statistics::default();
        millis.into_iter().for_each(|millis| statistics.add(Duration::from_millis(millis)));
        statistics
    }

    #[test]
    fn percentiles_are_those_of_the_round_trips_themselves() {
        assert_eq!(of([]).distribution(), None);
        let ms = Duration::from_millis;
        let one = of([7]).distribution().unwrap();
        assert_eq!((one.p50, one.p99, one.most, one.mean, one.jitter), (ms(7), ms(7), ms(7), ms(7), ms(0)));
        // 1 to 100, in another order.
        let all = of((1..=100).map(|number| number * 37 % 101)).distribution().unwrap();
        assert_eq!((all.least, all.p50, all.p90, all.p99, all.most), (ms(1), ms(50), ms(90), ms(99), ms(100)));
        assert_eq!(all.mean, Duration::from_micros(50_500));
        // Of four, half do not exceed the second, and nothing less than the fourth has 90 % below it.
        let few = of([10, 20, 30, 1000]).distribution().unwrap();
        assert_eq!((few.p50, few.p90, few.p99), (ms(20), ms(1000), ms(1000)));
    }

    #[test]
    fn jitter_is_the_mean_difference_of_one_round_trip_to_the_next() {
        let steady = of([5, 5, 5]).distribution().unwrap();
        assert_eq!(steady.jitter, Duration::ZERO);
        let uneven = of([5, 9, 5, 6]).distribution().unwrap();
        assert_eq!(uneven.jitter, Duration::from_millis(3));
    }

    #[test]
    fn memory_is_bounded_and_percentiles_stay_near() {
        let mut statistics = Statistics::default();
        let count = 4 * MOST_DIFFERENT as u64;
        for number in 0..count {
            statistics.add(Duration::from_micros(number * 11));
        }
        assert!(statistics.seen.len() <= MOST_DIFFERENT, "{}", statistics.seen.len());
        assert_eq!((statistics.answers(), statistics.seen.values().sum()), (count, count));
        let p50 = statistics.distribution().unwrap().p50;
        let exact = Duration::from_micros((count / 2 - 1) * 11);
        assert!(p50.abs_diff(exact) <= Duration::from_micros(statistics.unit), "{p50:?} {exact:?}");
    }
}
