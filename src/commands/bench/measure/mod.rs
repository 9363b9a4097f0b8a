//! The measuring itself, without I/O: no clock is read and no socket opened in here. Times are nanoseconds since 1970 that
//! are handed in, so that tests bring messages, delays and losses of their own.
//!
//! A [`BenchSender`] says which message goes when and takes acks, a [`BenchReceiver`] takes what comes. Both put what they saw into an
//! [`Interval`], which whoever runs them empties once a second into a [`Timeline`].

mod interval;
mod payload;
mod receiver;
mod schedule;
mod sender;
mod sequence;
mod timeline;

pub use interval::{Interval, MessageCounts, Samples, distribution, histogram};
pub use payload::{MessageHeader, Payloads};
pub use receiver::{BenchReceiver, DeliveryTally, Publishers};
pub use schedule::SendSchedule;
pub use sender::{BenchSender, MessageResult, Next, PublishedCounts, SendPlan};
pub use sequence::{Arrival, PublisherSequence};
pub use timeline::{Point, Timeline};

/// When a run began, as all of it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunTimes {
    /// Nanoseconds since 1970.
    pub start: u64,
    /// What is due from then on is measured: the ramp is over.
    pub steady: u64,
}

impl RunTimes {
    /// Whether what was due then is measured.
    pub fn is_steady(self, due: u64) -> bool {
        due >= self.steady
    }

    /// In which second of the run that is.
    pub fn second(self, at: u64) -> u32 {
        u32::try_from(at.saturating_sub(self.start) / 1_000_000_000).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
