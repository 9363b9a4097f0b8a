//! Sequence ids of one reliable connection: what is new, what is a duplicate, what is missing, and when to acknowledge
//! (PROTOCOL §7.1, §19.9, §19.10).
//!
//! There are two moments to acknowledge a message: when it was received, and when it was written out, for a connection
//! that is to outlive the process.

use std::time::Duration;

/// Longest time between a message and its acknowledgement. The rule is one second; half of it leaves room for the wire.
const ACK_AFTER: Duration = Duration::from_millis(500);
/// Most messages left unacknowledged; the service gives up at 1000.
const ACK_MESSAGES: u32 = 100;
/// Most bytes left unacknowledged; the service gives up at 16 MB.
const ACK_BYTES: usize = 1_000_000;

/// What a sequence id says about its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SequenceOrder {
    /// The next one, or one without an id.
    InOrder,
    /// Seen before: to be dropped.
    Duplicate,
    /// Later than the next one.
    Gap { expected: u64 },
}

/// Sequence ids of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct ReceivedSequence {
    /// Largest id that arrived; 0 before the first.
    largest: u64,
    /// Largest id that was acknowledged.
    acknowledged: u64,
    /// Messages and bytes that arrived since.
    messages: u32,
    bytes: usize,
    /// When an acknowledgement is due.
    due: Option<Duration>,
    /// Largest id whose message was written out; `None`: what was received is acknowledged.
    written: Option<u64>,
    /// Up to this id messages may have been written out by an earlier process.
    begun_before: u64,
}

impl ReceivedSequence {
    /// Of a connection whose messages are acknowledged when they were written out.
    pub(super) fn kept() -> Self {
        Self { written: Some(0), ..Self::default() }
    }

    /// Of a connection that an earlier process had: `done` was written out, what follows up to `begun` perhaps.
    pub(super) fn resumed(done: u64, begun: u64) -> Self {
        Self { largest: done, written: Some(done), begun_before: begun, ..Self::default() }
    }

    /// Whether the message with this id may have been written out by an earlier process.
    pub(super) fn may_be_repeated(&self, id: Option<u64>) -> bool {
        id.is_some_and(|id| id <= self.begun_before)
    }

    /// Takes note that everything up to this id was written out.
    pub(super) fn write(&mut self, now: Duration, id: u64) {
        let Some(written) = self.written else { return };
        self.written = Some(written.max(id));
        if self.acknowledgeable() > self.acknowledged && self.due.is_none() {
            self.due = Some(now + ACK_AFTER);
        }
    }

    /// The largest id that may be acknowledged.
    fn acknowledgeable(&self) -> u64 {
        self.written.map_or(self.largest, |written| written.min(self.largest))
    }

    /// Takes note of a frame of `bytes` bytes.
    pub(super) fn arrive(&mut self, now: Duration, id: Option<u64>, bytes: usize) -> SequenceOrder {
        let Some(id) = id else { return SequenceOrder::InOrder };
        // A duplicate is acknowledged again: the service would not repeat what it knows to have arrived.
        self.messages += 1;
        self.bytes += bytes;
        let duplicate = id <= self.largest;
        if duplicate {
            self.acknowledged = self.acknowledged.min(id.saturating_sub(1));
        }
        if self.due.is_none() && (self.written.is_none() || self.acknowledgeable() > self.acknowledged) {
            self.due = Some(now + ACK_AFTER);
        }
        if duplicate {
            return SequenceOrder::Duplicate;
        }
        let expected = self.largest + 1;
        self.largest = id;
        if id == expected { SequenceOrder::InOrder } else { SequenceOrder::Gap { expected } }
    }

    /// The largest id that arrived.
    pub(super) fn largest(&self) -> Option<u64> {
        Some(self.largest).filter(|largest| *largest > 0)
    }

    /// When [`Self::take_ack`] has to be asked again at the latest.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// The id to acknowledge now, if it is time by the clock or by amount.
    pub(super) fn take_ack(&mut self, now: Duration) -> Option<u64> {
        let due = self.due.is_some_and(|due| due <= now);
        let id = self.acknowledgeable();
        let messages = match self.written {
            None => self.messages,
            Some(_) => u32::try_from(id.saturating_sub(self.acknowledged)).unwrap_or(u32::MAX),
        };
        let enough = messages >= ACK_MESSAGES || self.bytes >= ACK_BYTES;
        // What was received and not written out cannot be acknowledged, however much it is.
        if !due && (!enough || (self.written.is_some() && id <= self.acknowledged)) {
            return None;
        }
        self.due = None;
        self.messages = 0;
        if id == self.largest {
            self.bytes = 0;
        }
        (id > self.acknowledged).then(|| {
            self.acknowledged = id;
            id
        })
    }

    /// The id to acknowledge on a new socket, since the last ack may have been lost with the old one. At once: on a
    /// connection that breaks again and again within the time an ack may take, none would ever get through, and the
    /// service would repeat more each time until it gives up.
    pub(super) fn acknowledge_again(&mut self) -> Option<u64> {
        self.acknowledged = 0;
        self.due = Some(Duration::ZERO);
        self.take_ack(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::ZERO;

    #[test]
    fn duplicates_are_dropped_and_jumps_are_seen() {
        let mut sequence = ReceivedSequence::default();
        assert_eq!(sequence.arrive(T0, Some(1), 10), SequenceOrder::InOrder);
        assert_eq!(sequence.arrive(T0, Some(2), 10), SequenceOrder::InOrder);
        assert_eq!(sequence.arrive(T0, Some(2), 10), SequenceOrder::Duplicate);
        assert_eq!(sequence.arrive(T0, Some(5), 10), SequenceOrder::Gap { expected: 3 });
        assert_eq!(sequence.arrive(T0, Some(4), 10), SequenceOrder::Duplicate);
        assert_eq!(sequence.arrive(T0, None, 10), SequenceOrder::InOrder);
        assert_eq!(ReceivedSequence::default().arrive(T0, Some(2), 1), SequenceOrder::Gap { expected: 1 });
    }

    #[test]
    fn acks_are_due_by_time_by_count_and_by_size() {
        let mut sequence = ReceivedSequence::default();
        sequence.arrive(T0, Some(1), 10);
        assert_eq!(sequence.take_ack(T0), None);
        assert_eq!(sequence.due(), Some(ACK_AFTER));
        assert_eq!(sequence.take_ack(ACK_AFTER), Some(1));
        assert_eq!((sequence.due(), sequence.take_ack(ACK_AFTER)), (None, None));
        for id in 2..=100 {
            sequence.arrive(T0, Some(id), 10);
            assert_eq!(sequence.take_ack(T0), None);
        }
        sequence.arrive(T0, Some(101), 10);
        assert_eq!(sequence.take_ack(T0), Some(101));
        sequence.arrive(T0, Some(102), ACK_BYTES);
        assert_eq!(sequence.take_ack(T0), Some(102));
    }

    #[test]
    fn what_is_kept_is_acknowledged_only_once_it_was_written_out() {
        let mut sequence = ReceivedSequence::kept();
        for id in 1..=500 {
            sequence.arrive(T0, Some(id), ACK_BYTES);
        }
        assert_eq!((sequence.take_ack(T0), sequence.due()), (None, None));
        sequence.write(T0, 40);
        // More than a megabyte waits: at once.
        assert_eq!(sequence.take_ack(T0), Some(40));
        assert_eq!((sequence.take_ack(T0), sequence.due()), (None, None));
        sequence.write(T0, 500);
        assert_eq!(sequence.take_ack(T0), Some(500));
        sequence.arrive(T0, Some(501), 10);
        sequence.write(T0, 501);
        assert_eq!((sequence.take_ack(T0), sequence.due()), (None, Some(ACK_AFTER)));
        assert_eq!(sequence.take_ack(ACK_AFTER), Some(501));
        // Repeated by the service, which does not know it yet.
        sequence.arrive(ACK_AFTER, Some(501), 10);
        assert_eq!(sequence.take_ack(2 * ACK_AFTER), Some(501));
        // Written out before it came cannot be.
        sequence.write(T0, 600);
        assert_eq!(sequence.take_ack(Duration::MAX), None);
    }

    #[test]
    fn a_resumed_connection_goes_on_after_what_was_done_and_knows_what_was_begun() {
        let mut sequence = ReceivedSequence::resumed(5, 8);
        assert_eq!(sequence.arrive(T0, Some(5), 10), SequenceOrder::Duplicate);
        assert_eq!(sequence.arrive(T0, Some(6), 10), SequenceOrder::InOrder);
        assert_eq!(sequence.take_ack(ACK_AFTER), Some(5));
        let repeated = [6, 8, 9].map(|id| sequence.may_be_repeated(Some(id)));
        assert_eq!(repeated, [true, true, false]);
        assert!(!sequence.may_be_repeated(None) && !ReceivedSequence::default().may_be_repeated(Some(1)));
    }

    #[test]
    fn a_repeated_message_is_acknowledged_again() {
        let mut sequence = ReceivedSequence::default();
        sequence.arrive(T0, Some(1), 10);
        assert_eq!(sequence.take_ack(ACK_AFTER), Some(1));
        sequence.arrive(ACK_AFTER, Some(1), 10);
        assert_eq!(sequence.take_ack(2 * ACK_AFTER), Some(1));
    }
}
