//! Sequence ids of one reliable connection: what is new, what is a duplicate, what is missing, and when to acknowledge
//! (PROTOCOL §7.1, §19.9, §19.10).

use std::time::Duration;

/// Longest time between a message and its acknowledgement. The rule is one second; half of it leaves room for the wire.
const ACK_AFTER: Duration = Duration::from_millis(500);
/// Most messages left unacknowledged; the service gives up at 1000.
const ACK_MESSAGES: u32 = 100;
/// Most bytes left unacknowledged; the service gives up at 16 MB.
const ACK_BYTES: usize = 1_000_000;

/// What a sequence id says about its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next one, or one without an id.
    InOrder,
    /// Seen before: to be dropped.
    Duplicate,
    /// Later than the next one.
    Gap { expected: u64 },
}

/// Sequence ids of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    /// Largest id that arrived; 0 before the first.
    largest: u64,
    /// Largest id that was acknowledged.
    acknowledged: u64,
    /// Messages and bytes that arrived since.
    messages: u32,
    bytes: usize,
    /// When an acknowledgement is due.
    due: Option<Duration>,
}

impl Sequence {
    /// Takes note of a frame of `bytes` bytes.
    pub(super) fn arrive(&mut self, now: Duration, id: Option<u64>, bytes: usize) -> Arrival {
        let Some(id) = id else { return Arrival::InOrder };
        // A duplicate is acknowledged again: the service would not repeat what it knows to have arrived.
        self.messages += 1;
        self.bytes += bytes;
        if self.due.is_none() {
            self.due = Some(now + ACK_AFTER);
        }
        if id <= self.largest {
            self.acknowledged = self.acknowledged.min(id.saturating_sub(1));
            return Arrival::Duplicate;
        }
        let expected = self.largest + 1;
        self.largest = id;
        if id == expected { Arrival::InOrder } else { Arrival::Gap { expected } }
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
        if !due && self.messages < ACK_MESSAGES && self.bytes < ACK_BYTES {
            return None;
        }
        self.due = None;
        self.messages = 0;
        self.bytes = 0;
        (self.largest > self.acknowledged).then(|| {
            self.acknowledged = self.largest;
            self.largest
        })
    }

    /// Has everything that arrived acknowledged once more, as after a recovery, when the last ack may have been lost. At
    /// once: on a connection that breaks again and again within the time an ack may take, none would ever get through,
    /// and the service would repeat more each time until it gives up.
    pub(super) fn acknowledge_again(&mut self, now: Duration) {
        self.acknowledged = 0;
        if self.largest > 0 {
            self.due = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::ZERO;

    #[test]
    fn duplicates_are_dropped_and_jumps_are_seen() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.arrive(T0, Some(1), 10), Arrival::InOrder);
        assert_eq!(sequence.arrive(T0, Some(2), 10), Arrival::InOrder);
        assert_eq!(sequence.arrive(T0, Some(2), 10), Arrival::Duplicate);
        assert_eq!(sequence.arrive(T0, Some(5), 10), Arrival::Gap { expected: 3 });
        assert_eq!(sequence.arrive(T0, Some(4), 10), Arrival::Duplicate);
        assert_eq!(sequence.arrive(T0, None, 10), Arrival::InOrder);
        assert_eq!(Sequence::default().arrive(T0, Some(2), 1), Arrival::Gap { expected: 1 });
    }

    #[test]
    fn acks_are_due_by_time_by_count_and_by_size() {
        let mut sequence = Sequence::default();
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
    fn a_repeated_message_is_acknowledged_again() {
        let mut sequence = Sequence::default();
        sequence.arrive(T0, Some(1), 10);
        assert_eq!(sequence.take_ack(ACK_AFTER), Some(1));
        sequence.arrive(ACK_AFTER, Some(1), 10);
        assert_eq!(sequence.take_ack(2 * ACK_AFTER), Some(1));
    }
}
