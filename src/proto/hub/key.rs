//! What the hub knows a connection by.

/// A connection inside the hub; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ConnectionKey(pub(super) u64);
