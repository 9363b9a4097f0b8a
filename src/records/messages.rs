//! Messages. They are the hot path: the renderer writes them by hand, and a test holds what it writes against what serde
//! makes of these types.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// A message to a group.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(not(test), expect(dead_code, reason = "the renderer writes it by hand"))]
#[serde(rename_all = "camelCase")]
pub struct GroupMessage<'a> {
    /// The group.
    pub group: &'a str,
    /// Who published it; absent when that was anonymous or by the REST API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_user_id: Option<&'a str>,
    #[serde(flatten)]
    pub message: MessageFields<'a>,
}

/// A message of the application server.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(not(test), expect(dead_code, reason = "the renderer writes it by hand"))]
pub struct ServerMessage<'a> {
    #[serde(flatten)]
    pub message: MessageFields<'a>,
}

/// What all messages have.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MessageFields<'a> {
    /// `text`, `json`, `binary` or `protobuf`.
    pub data_type: &'static str,
    /// The payload: any value for `json`, a string for `text`, base64 for `binary` and `protobuf`. Always there, `null`
    /// included.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub data: &'a RawValue,
    /// Its number, from 1; of reliable connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_id: Option<u64>,
    /// What its publisher said about it, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub metadata: Option<&'a RawValue>,
    /// Which fragment of which group stream it is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "StreamFields"))]
    pub stream: Option<&'a RawValue>,
    /// `true`: an earlier run may have printed it already (`--session`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redelivered: bool,
}

/// `stream` of a message, which is passed on as it came.
#[cfg(test)]
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what others write")]
struct StreamFields<'a> {
    /// Which stream; unique among those of its publisher.
    stream_id: &'a str,
    /// Which fragment, from 1.
    stream_sequence_id: u64,
    /// `true`: it ends the stream, and its `data` is empty.
    #[schemars(skip_serializing_if = "Option::is_none")]
    end_of_stream: Option<bool>,
    /// Why it ended, if it was not at its publisher's wish.
    #[schemars(skip_serializing_if = "Option::is_none")]
    error: Option<StreamError<'a>>,
    /// How many fragments are missing, where there are any; with --streams whole.
    #[schemars(skip_serializing_if = "Option::is_none")]
    missing: Option<u64>,
    /// How many fragments came again, where there are any; with --streams whole.
    #[schemars(skip_serializing_if = "Option::is_none")]
    repeated: Option<u64>,
}

/// Why a stream ended early.
#[cfg(test)]
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what others write")]
struct StreamError<'a> {
    /// `UserError`: its publisher said so. Otherwise the service's, as in `IdleTimeout`.
    name: &'a str,
    /// In words.
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// The publisher's, for programs.
    #[schemars(skip_serializing_if = "Option::is_none")]
    user_error_code: Option<&'a str>,
}
