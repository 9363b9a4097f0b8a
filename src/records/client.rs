//! What happens to a connection.

use std::borrow::Cow;
use std::time::Duration;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// A new connection was made; also of `wps trace` and `wps tunnel`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Connected<'a> {
    /// Its id; absent from `wps trace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<&'a str>,
    /// Its user, unless it is anonymous; of `wps tunnel` the `sub` of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// Its hub, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<&'a str>,
    /// The subprotocol, as in `json.reliable.webpubsub.azure.v1`; `livetrace` or `tunnel` of those commands.
    pub protocol: &'a str,
}

/// How a connection was lost.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LossFields<'a> {
    /// The code of the WebSocket's close frame, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_code: Option<u16>,
    /// The reason in the close frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<Cow<'a, str>>,
    /// What the service said of it; of `wps tunnel` what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Cow<'a, str>>,
    /// What a close of that kind means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<&'a str>,
    /// What went wrong on the way, if no close frame came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'a, str>>,
}

/// The connection was lost, and is being recovered; once for each loss.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Recovering<'a> {
    /// The connection that was lost.
    pub connection_id: &'a str,
    #[serde(flatten)]
    pub loss: LossFields<'a>,
}

/// The same connection is there again, and nothing is missing.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Recovered<'a> {
    /// The connection.
    pub connection_id: &'a str,
    /// How many attempts it took.
    pub attempts: u32,
    /// From its loss, in milliseconds.
    pub downtime_ms: u64,
}

impl<'a> Recovered<'a> {
    /// After that time.
    pub fn new(connection_id: &'a str, attempts: u32, downtime: Duration) -> Self {
        Self { connection_id, attempts, downtime_ms: millis(downtime) }
    }
}

/// An attempt to connect has failed, and another will be made; also of `wps trace` and `wps tunnel`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Reconnecting<'a> {
    /// Which retry it will be, from 1.
    pub attempt: u32,
    /// How long it is waited for, in milliseconds.
    pub delay_ms: u64,
    /// Why the last one failed, or how the connection was lost.
    pub error: &'a str,
}

impl<'a> Reconnecting<'a> {
    /// After that delay.
    pub fn new(attempt: u32, delay: Duration, error: &'a str) -> Self {
        Self { attempt, delay_ms: millis(delay), error }
    }
}

/// The connection is given up; also of each connection of `wps tunnel`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Disconnected<'a> {
    /// The connection that is gone, if it had an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<&'a str>,
    #[serde(flatten)]
    pub loss: LossFields<'a>,
}

/// Messages may be missing; before `disconnected`. Of `wps trace`: traces may be.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionLost<'a> {
    /// The connection that is not recovered; absent from `wps trace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<&'a str>,
    /// Why.
    pub reason: &'a str,
}

/// A sequence id is not the next one.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SequenceGap {
    /// The one that was next.
    pub expected: u64,
    /// The one that came.
    pub sequence_id: u64,
    /// How many are missing.
    pub missing: u64,
    /// Frames since the last id that were not understood: what is missing may be among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_understood: Option<u64>,
}

/// Something came that was not understood, or a message of an unknown kind.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnknownFrame<'a> {
    /// The JSON as received; absent from `wps trace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub frame: Option<&'a RawValue>,
    /// What is not JSON, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_base64: Option<String>,
    /// What is wrong with it.
    pub reason: &'a str,
}

/// Whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
