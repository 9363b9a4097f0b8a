//! What was counted and timed within some time: histograms of three digits, and counts.

use hdrhistogram::{CreationError, Histogram};

/// Times are told apart from so many nanoseconds on.
const LEAST: u64 = 64;
/// Longer times count as this: an hour, in nanoseconds.
const MOST: u64 = 3600 * 1_000_000_000;
/// Digits that a time keeps: an error of a thousandth at most.
const DIGITS: u8 = 3;

/// An empty histogram of nanoseconds. Fails only where the library no longer takes these bounds.
pub fn histogram() -> Result<Histogram<u64>, CreationError> {
    Histogram::new_with_bounds(LEAST, MOST, DIGITS)
}

/// Counts of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// Handed over to be sent.
    pub sent: u64,
    /// Acknowledged.
    pub acked: u64,
    /// Refused by the service.
    pub refused: u64,
    /// Of which the ack did not come, or cannot come any more.
    pub unacked: u64,
    /// Copies that came.
    pub received: u64,
    /// Messages that came, each once.
    pub arrived: u64,
    /// Bytes of payload that came.
    pub bytes: u64,
    /// Of `sent`, those due after the ramp.
    pub steady_sent: u64,
    /// Of `received`, those due after the ramp.
    pub steady_received: u64,
    /// Their bytes.
    pub steady_bytes: u64,
    /// Messages of others: other runs, other groups, other programs.
    pub foreign: u64,
    /// Messages that came before they were sent, by the clocks of the two machines.
    pub ahead: u64,
    /// Connections that were lost.
    pub losses: u64,
}

impl MessageCounts {
    /// Adds those.
    pub fn add(&mut self, other: &Self) {
        let Self {
            sent,
            acked,
            refused,
            unacked,
            received,
            arrived,
            bytes,
            steady_sent,
            steady_received,
            steady_bytes,
            foreign,
            ahead,
            losses,
        } = other;
        self.sent += sent;
        self.acked += acked;
        self.refused += refused;
        self.unacked += unacked;
        self.received += received;
        self.arrived += arrived;
        self.bytes += bytes;
        self.steady_sent += steady_sent;
        self.steady_received += steady_received;
        self.steady_bytes += steady_bytes;
        self.foreign += foreign;
        self.ahead += ahead;
        self.losses += losses;
    }
}

/// A few measurements, gathered where they are made.
#[derive(Debug, Default)]
pub struct Samples {
    pub counts: MessageCounts,
    /// Nanoseconds from due to receipt.
    pub latency: Vec<u64>,
    /// From due to ack.
    pub ack: Vec<u64>,
    /// From when a message could have been sent to when it was: what this tool adds.
    pub late: Vec<u64>,
}

impl Samples {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let Self { counts, latency, ack, late } = self;
        *counts == MessageCounts::default() && latency.is_empty() && ack.is_empty() && late.is_empty()
    }

    /// Adds what was gathered to `interval`, and begins anew.
    pub fn put(&mut self, interval: &mut Interval) {
        interval.counts.add(&std::mem::take(&mut self.counts));
        let record = |values: &mut Vec<u64>, histogram: &mut Histogram<u64>| {
            values.drain(..).for_each(|value| histogram.saturating_record(value));
        };
        record(&mut self.latency, &mut interval.latency);
        record(&mut self.ack, &mut interval.ack);
        record(&mut self.late, &mut interval.late);
    }
}

/// All of some time.
#[derive(Clone, Debug)]
pub struct Interval {
    pub counts: MessageCounts,
    pub latency: Histogram<u64>,
    pub ack: Histogram<u64>,
    pub late: Histogram<u64>,
    /// From the beginning of a dial to `connected`.
    pub connect: Histogram<u64>,
}

impl Interval {
    /// Empty.
    pub fn new() -> Result<Self, CreationError> {
        let empty = histogram()?;
        Ok(Self {
            counts: MessageCounts::default(),
            latency: empty.clone(),
            ack: empty.clone(),
            late: empty.clone(),
            connect: empty,
        })
    }

    /// Moves what is in `other` here.
    pub fn take_from(&mut self, other: &mut Self) {
        self.counts.add(&std::mem::take(&mut other.counts));
        let pairs = [
            (&mut self.latency, &mut other.latency),
            (&mut self.ack, &mut other.ack),
            (&mut self.late, &mut other.late),
            (&mut self.connect, &mut other.connect),
        ];
        for (mine, theirs) in pairs.into_iter().filter(|(_, theirs)| !theirs.is_empty()) {
            // Both have the same bounds.
            let _ = mine.add(&*theirs);
            theirs.reset();
        }
    }
}

/// The distribution of a histogram, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyDistribution {
    pub least: u64,
    pub mean: f64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub most: u64,
}

/// The distribution, unless the histogram is empty.
pub fn distribution(histogram: &Histogram<u64>) -> Option<LatencyDistribution> {
    let at = |quantile| histogram.value_at_quantile(quantile);
    (!histogram.is_empty()).then(|| LatencyDistribution {
        least: histogram.min(),
        mean: histogram.mean(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        most: histogram.max(),
    })
}
