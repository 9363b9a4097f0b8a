//! What the hub knows a connection by, and tables by such ids.

use std::collections::HashMap;

/// A connection inside the hub; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ConnectionKey(pub(super) u64);

/// A table by ids that the hub or its server counts up, so that nobody can choose some that collide: they are hashed as
/// cheaply as can be.
pub(super) type IdMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;
