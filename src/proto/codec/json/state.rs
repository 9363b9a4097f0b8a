//! Group states in JSON (PROTOCOL §9.3).

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{UpstreamWire, group, optional, push_ack_id, push_string};
use crate::codec::Malformed;
use crate::frame::{Downstream, Upstream};
use crate::group_state::{GroupState, StateFrame};

/// What the service tells; or why that is not understood.
pub(super) fn decode<'a>(
    group: Option<Cow<'a, str>>,
    sequence_id: Option<u64>,
    items: Option<&'a RawValue>,
    snapshot: bool,
) -> Result<Downstream<'a>, Cow<'static, str>> {
    let group = group.ok_or("group states without `group`")?;
    let items = items.ok_or("group states without `items`")?;
    let items = serde_json::from_str(items.get()).map_err(|error| format!("`items`: {error}"))?;
    Ok(Downstream::GroupState(StateFrame { snapshot, group, sequence_id, items }))
}

/// A client's frame about states; `None`: it is about something else.
pub(super) fn decode_upstream<'a>(wire: &UpstreamWire<'a>) -> Option<Result<Upstream<'a>, Malformed>> {
    let is = |name: &str| wire.kind.eq_ignore_ascii_case(name);
    let decode: fn(&UpstreamWire<'a>) -> Result<Upstream<'a>, Malformed> = if is("setGroupState") {
        |wire| {
            let state: Option<GroupState> = optional(wire.state, "state")?;
            Ok(Upstream::SetGroupState { group: group(wire)?, ack_id: optional(wire.ack_id, "ackId")?, state })
        }
    } else if is("subscribeGroupState") {
        |wire| Ok(Upstream::SubscribeGroupState { group: group(wire)?, ack_id: optional(wire.ack_id, "ackId")? })
    } else if is("unsubscribeGroupState") {
        |wire| Ok(Upstream::UnsubscribeGroupState { group: group(wire)?, ack_id: optional(wire.ack_id, "ackId")? })
    } else {
        return None;
    };
    Some(decode(wire))
}

/// A client's frame up to what it says besides, without its end.
pub(super) fn push_request(out: &mut String, kind: &str, group: &str, ack_id: Option<u64>) {
    out.push_str("{\"type\":\"");
    out.push_str(kind);
    out.push_str("\",\"group\":");
    push_string(out, group);
    push_ack_id(out, ack_id);
}

pub(super) fn push_state(out: &mut String, state: Option<&GroupState>) {
    if let Some(state) = state {
        out.push_str(",\"state\":");
        // Serialising a map of strings cannot fail.
        out.push_str(&serde_json::to_string(state).unwrap_or_default());
    }
}

/// All of a service's frame behind its sequence id.
pub(super) fn tail(frame: &StateFrame<'_>) -> String {
    let kind = if frame.snapshot { "groupStateSnapshot" } else { "groupStateUpdate" };
    let mut out = format!("\"type\":\"{kind}\",\"group\":");
    push_string(&mut out, &frame.group);
    out.push_str(",\"items\":");
    // Serialising strings and numbers cannot fail.
    out.push_str(&serde_json::to_string(&frame.items).unwrap_or_default());
    out.push('}');
    out
}
