//! When each message is due, whatever became of those before it: an open loop.
//!
//! All publishers share one sequence of moments, which they take in turn, so that their messages are spread evenly. With a
//! ramp the rate rises in a straight line from nothing, and the messages of that time are as many as half the rate.

use std::time::Duration;

/// The moments of a run, counted from its start.
#[derive(Clone, Copy, Debug)]
pub struct SendSchedule {
    /// Messages a second, of all publishers.
    rate: f64,
    publishers: u64,
    /// In seconds.
    ramp: f64,
}

impl SendSchedule {
    /// Of `rate` messages a second by so many publishers together.
    pub fn new(rate: f64, publishers: u64, ramp: Duration) -> Self {
        Self { rate, publishers: publishers.max(1), ramp: ramp.as_secs_f64() }
    }

    /// When that message of the publisher, the first of which are 0, is due.
    pub fn due(&self, publisher: u64, number: u64) -> Duration {
        self.moment(number.saturating_mul(self.publishers).saturating_add(publisher))
    }

    /// The moment of that number.
    pub fn moment(&self, index: u64) -> Duration {
        let index = index as f64;
        let within_ramp = self.rate * self.ramp / 2.0;
        let seconds = if index < within_ramp {
            (2.0 * index * self.ramp / self.rate).sqrt()
        } else {
            self.ramp / 2.0 + index / self.rate
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Whose turn that moment is.
    pub fn publisher(&self, index: u64) -> usize {
        usize::try_from(index % self.publishers).unwrap_or_default()
    }

    /// How many messages of a publisher are due before that time.
    pub fn due_before(&self, publisher: u64, time: Duration) -> u64 {
        let (mut below, mut above) = (0, 1);
        while self.due(publisher, above) < time {
            (below, above) = (above, above.saturating_mul(2));
        }
        if self.due(publisher, 0) >= time {
            return 0;
        }
        // `below` is due before, `above` is not.
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if self.due(publisher, middle) < time { below = middle } else { above = middle }
        }
        above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn publishers_take_evenly_spaced_moments_in_turn() {
        let schedule = SendSchedule::new(100.0, 4, Duration::ZERO);
        let firsts: Vec<Duration> = (0..4).map(|publisher| schedule.due(publisher, 0)).collect();
        assert_eq!(firsts, [ms(0), ms(10), ms(20), ms(30)]);
        assert_eq!(schedule.due(1, 25), ms(1010));
        assert_eq!((schedule.publisher(5), schedule.moment(5)), (1, ms(50)));
    }

    #[test]
    fn no_moment_drifts_however_many_there_were() {
        let schedule = SendSchedule::new(3.0, 1, Duration::ZERO);
        assert_eq!(schedule.due(0, 3 * 86_400 * 30), Duration::from_secs(86_400 * 30));
    }

    #[test]
    fn a_ramp_rises_in_a_straight_line_to_the_rate() {
        let schedule = SendSchedule::new(1000.0, 1, Duration::from_secs(2));
        let until = |time| schedule.due_before(0, time);
        assert_eq!(until(Duration::from_secs(1)), 250);
        assert_eq!(until(Duration::from_secs(2)), 1000);
        assert_eq!(until(Duration::from_secs(3)), 2000);
        let moments: Vec<Duration> = (0..3000).map(|index| schedule.moment(index)).collect();
        assert!(moments.is_sorted());
    }

    #[test]
    fn what_is_due_before_a_time_is_counted() {
        let schedule = SendSchedule::new(10.0, 3, Duration::ZERO);
        for publisher in 0..3 {
            for millis in [0, 1, 99, 100, 101, 200, 250, 299, 300, 301, 12_345] {
                let by_hand = (0..1000).filter(|number| schedule.due(publisher, *number) < ms(millis)).count() as u64;
                assert_eq!(schedule.due_before(publisher, ms(millis)), by_hand, "{publisher} {millis}");
            }
        }
    }
}
