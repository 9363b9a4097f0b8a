//! A run over time: a point a second.

use super::{Interval, MessageCounts, distribution};

/// The figures of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Its end, in seconds from the start of the run.
    pub end: f64,
    /// How long it was, in seconds.
    pub length: f64,
    pub counts: MessageCounts,
    /// Nanoseconds from due to receipt: half, 99 of 100, the most; `None`: nothing came that is measured.
    pub latency: Option<[u64; 3]>,
    /// To the ack, likewise.
    pub ack: Option<[u64; 3]>,
}

/// The seconds of a run, and their figures together.
#[derive(Debug)]
pub struct Timeline {
    pub points: Vec<Point>,
    pub total: Interval,
}

impl Timeline {
    /// Without a point, over that empty interval.
    pub fn new(total: Interval) -> Self {
        Self { points: Vec::new(), total }
    }

    /// The second is over at `end`, in seconds from the start; `interval` is empty then.
    pub fn close(&mut self, end: f64, interval: &mut Interval) -> Point {
        let begin = self.points.last().map_or(0.0, |point| point.end);
        let brief = |histogram| distribution(histogram).map(|it| [it.p50, it.p99, it.most]);
        let point = Point {
            end,
            length: (end - begin).max(0.0),
            counts: interval.counts,
            latency: brief(&interval.latency),
            ack: brief(&interval.ack),
        };
        self.points.push(point);
        self.total.take_from(interval);
        point
    }
}
