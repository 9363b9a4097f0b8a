//! What the members of a group say of themselves (PROTOCOL §9.3): a small map of strings, which the service keeps as long
//! as the connection that it is of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most bytes of a state: its keys and values together, in UTF-8 (PROTOCOL §12).
pub const MAX_STATE_BYTES: usize = 512;

/// A snapshot has so many items at most (PROTOCOL §9.3): one of so many may be cut short.
pub const MAX_SNAPSHOT_ITEMS: usize = 200;

/// The state of one connection in one group. Any keys, an empty one included; one without entries is a state too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupState {
    /// Values by name.
    pub entries: BTreeMap<String, String>,
}

/// A state is larger than the service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a state of {bytes} bytes: its names and values may have {MAX_STATE_BYTES} together")]
pub struct StateTooBig {
    /// What it has.
    pub bytes: usize,
}

impl GroupState {
    /// Its size as the service counts it: bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Whether the service takes it (PROTOCOL §19.31: refused before sending).
    pub fn check(&self) -> Result<(), StateTooBig> {
        let bytes = self.bytes();
        if bytes > MAX_STATE_BYTES { Err(StateTooBig { bytes }) } else { Ok(()) }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for GroupState {
    /// Of several values of one name the last counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect() }
    }
}

/// What is known of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateItem {
    /// Whose it is.
    pub connection_id: String,
    /// `None`: anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// `None`: none, or none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<GroupState>,
    /// When it became that, in milliseconds since the epoch; grows with each change of a connection's.
    pub updated_at: i64,
}

/// A frame that tells of states: a data message, sequenced as those with a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFrame<'a> {
    /// Whether it is all that there was when it was asked for (`groupStateSnapshot`), or what has changed
    /// (`groupStateUpdate`).
    pub snapshot: bool,
    /// The group.
    pub group: Cow<'a, str>,
    /// Present on reliable connections.
    pub sequence_id: Option<u64>,
    /// The members it tells of.
    pub items: Vec<StateItem>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_512_bytes_of_keys_and_values() {
        let state = |key: &str, bytes: usize| GroupState::from_iter([(key, "é".repeat(bytes / 2))]);
        assert_eq!(state("ab", 510).check(), Ok(()));
        assert_eq!(state("abc", 510).check(), Err(StateTooBig { bytes: 513 }));
        assert_eq!(GroupState::default().check(), Ok(()));
    }
}
