//! What becomes of operations.

use std::borrow::Cow;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// What the service said of something that it refused.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct NamedError<'a> {
    /// Its name, as in `Forbidden`.
    pub name: Cow<'a, str>,
    /// In words.
    pub message: Cow<'a, str>,
}

/// A group was joined; again after each rejoin.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Joined<'a> {
    /// The group.
    pub group: &'a str,
    /// Of the operation; absent with --no-ack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_id: Option<u64>,
    /// On a new connection, after an earlier one was lost.
    pub rejoined: bool,
}

/// A group was left.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Left<'a> {
    /// The group.
    pub group: &'a str,
    /// Of the operation; absent with --no-ack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_id: Option<u64>,
}

/// On a new connection a group could not be joined again.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RejoinGroupFailed<'a> {
    /// The group.
    pub group: &'a str,
    /// Why.
    pub error: NamedError<'a>,
}

/// An operation was acknowledged.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Ack<'a> {
    /// `joinGroup`, `leaveGroup`, `sendToGroup`, `event`, `setGroupState`, `subscribeGroupState` or `unsubscribeGroupState`.
    pub operation: &'a str,
    /// The group, unless it is an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'a str>,
    /// The event's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'a str>,
    /// The operation's ack id.
    pub ack_id: u64,
    /// Whether it was done.
    pub success: bool,
    /// The service had done it already.
    pub duplicate: bool,
    /// How often it was sent.
    pub attempts: u32,
    /// From when it was first sent to the ack, in milliseconds.
    pub elapsed_ms: f64,
    /// The line of the input, with --lines and --ndjson.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<NamedError<'a>>,
}

/// An operation was sent, and nobody can know what became of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OperationUnknown<'a> {
    /// As in `ack`, or `invoke`.
    pub operation: &'a str,
    /// The group, unless it is an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'a str>,
    /// The event's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'a str>,
    /// The operation's ack id; absent of an invocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_id: Option<u64>,
    /// The invocation's id, of `wps invoke`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<&'a str>,
    /// Why.
    pub reason: &'a str,
    /// The line of the input, of `wps invoke` with --lines and --ndjson.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// The answer to an invocation, of `wps invoke`; of one that is lost there is an `operation-unknown`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InvokeResponse<'a> {
    /// The name that was called.
    pub event: &'a str,
    /// The invocation's id.
    pub invocation_id: &'a str,
    /// Whether it was answered, not refused.
    pub success: bool,
    /// As of messages; absent when the answer is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_type: Option<&'a str>,
    /// The answer, as `data` of messages; absent when it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub data: Option<&'a RawValue>,
    /// What was said about it, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub metadata: Option<&'a RawValue>,
    /// Why it was refused; by the name `NotUnderstood`, what came is no answer. Absent where no reason was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<NamedError<'a>>,
    /// From the call to its answer, in milliseconds.
    pub elapsed_ms: f64,
    /// The line of the input, with --lines and --ndjson.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// What a member of a group says of itself, of `wps state` and `listen --states`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GroupState<'a> {
    /// The group.
    pub group: &'a str,
    /// The member's connection.
    pub connection_id: &'a str,
    /// The member's user, unless it is anonymous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// Values by name; absent: it has none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub state: Option<&'a webpubsub_proto::GroupState>,
    /// When it became that, in milliseconds since 1970; absent: it was gone when the states were asked for on a new
    /// connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// `true`: it was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<bool>,
}

/// On a new connection states could not be set or subscribed to again.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct GroupStateFailed<'a> {
    /// The group.
    pub group: &'a str,
    /// `setGroupState` or `subscribeGroupState`.
    pub operation: &'a str,
    /// Why.
    pub error: NamedError<'a>,
}
