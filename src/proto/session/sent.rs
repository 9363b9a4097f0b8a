//! How many operations a connection has seen: the service remembers the ackIds of the last thousand it carried out, and
//! what it has forgotten it would carry out again (PROTOCOL §6).

/// How many ackIds of operations that were carried out the service remembers (PROTOCOL §6).
pub const REMEMBERED: u64 = 1000;

/// Most operations that wait for their acks at a time: when all of them have to be sent again, the service still knows
/// their ackIds. What is less than it remembers is room for acks that come out of order.
pub(super) const MOST_IN_FLIGHT: usize = 900;

/// An operation that was sent on the connection there is, under an ackId.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentOperation {
    /// How many operations may be carried out after it, by all that was known at `from`.
    pub(super) since: u64,
    /// [`AckIdCounts::all`] at that time.
    pub(super) from: u64,
    /// Others record it.
    pub(super) recorded: bool,
    /// It was sent again after an attempt that failed.
    pub(super) late: bool,
}

/// What was sent on one connection under an ackId. What comes over one socket is carried out in its order, so an operation
/// counts once for those before it, and once more when it is sent again after an attempt that failed, or when it may have
/// been forgotten itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AckIdCounts {
    /// All of this process.
    pub(super) all: u64,
    /// Those that have not settled and were sent again after an attempt that failed.
    pub(super) late: u64,
    /// Those that no issuer records by itself, of all processes.
    pub(super) others: u64,
    /// Of these, those that have not settled.
    pub(super) others_open: u64,
}

impl AckIdCounts {
    pub(super) fn count(&mut self, recorded: bool) {
        self.all += 1;
        self.others += u64::from(!recorded);
    }
}
