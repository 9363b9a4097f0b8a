//! Group states between their protobuf messages and the frames that everybody else knows (PROTOCOL §9.3, §10.1).

use super::schema;
use crate::group_state::{GroupState, StateFrame, StateItem};

pub(super) fn to_state(state: &schema::GroupState) -> GroupState {
    GroupState { entries: state.entries.clone() }
}

pub(super) fn of_state(state: &GroupState) -> schema::GroupState {
    schema::GroupState { entries: state.entries.clone() }
}

/// What the service tells.
pub(super) fn decode(message: &schema::GroupStateItems, snapshot: bool) -> StateFrame<'_> {
    let item = |item: &schema::GroupStateItem| StateItem {
        connection_id: item.connection_id.clone(),
        user_id: item.user_id.clone(),
        state: item.state.as_ref().map(to_state),
        updated_at: item.updated_at,
    };
    StateFrame {
        snapshot,
        group: message.group.as_str().into(),
        sequence_id: message.sequence_id,
        items: message.items.iter().map(item).collect(),
    }
}

/// The same without its sequence id.
pub(super) fn encode(frame: &StateFrame<'_>) -> schema::GroupStateItems {
    let item = |item: &StateItem| schema::GroupStateItem {
        connection_id: item.connection_id.clone(),
        user_id: item.user_id.clone(),
        state: item.state.as_ref().map(of_state),
        updated_at: item.updated_at,
    };
    schema::GroupStateItems {
        group: frame.group.as_ref().into(),
        items: frame.items.iter().map(item).collect(),
        sequence_id: None,
    }
}
