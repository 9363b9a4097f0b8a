//! Messages. They are the hot path: the renderer writes them by hand, field by field, so their types are not serde's.

#[cfg(test)]
use schemars::JsonSchema;
use webpubsub_proto::Data;

/// A message to a group.
#[derive(Debug)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename_all = "camelCase"))]
pub struct GroupMessage<'a> {
    /// The group.
    pub group: &'a str,
    /// Who published it; absent when that was anonymous or by the REST API.
    #[cfg_attr(test, schemars(skip_serializing_if = "Option::is_none"))]
    pub from_user_id: Option<&'a str>,
    #[cfg_attr(test, schemars(flatten))]
    pub message: MessageFields<'a>,
}

/// A message of the application server.
#[derive(Debug)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename_all = "camelCase"))]
pub struct ServerMessage<'a> {
    #[cfg_attr(test, schemars(flatten))]
    pub message: MessageFields<'a>,
}

/// What all messages have.
#[derive(Debug)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename_all = "camelCase"))]
pub struct MessageFields<'a> {
    /// `text`, `json`, `binary` or `protobuf`.
    pub data_type: &'static str,
    /// The payload: any value for `json`, a string for `text`, base64 for `binary` and `protobuf`. Always there, `null`
    /// included.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub data: Data<'a>,
    /// Its number, from 1; of reliable connections.
    #[cfg_attr(test, schemars(skip_serializing_if = "Option::is_none"))]
    pub sequence_id: Option<u64>,
    /// What its publisher said about it, by name.
    #[cfg_attr(
        test,
        schemars(skip_serializing_if = "Option::is_none", with = "serde_json::Map<String, serde_json::Value>")
    )]
    pub metadata: Option<&'a str>,
    /// Which fragment of which group stream it is, if it is one.
    #[cfg_attr(test, schemars(skip_serializing_if = "Option::is_none", with = "StreamFields"))]
    pub stream: Option<&'a str>,
    /// `true`: an earlier run may have printed it already (`--session`).
    #[cfg_attr(test, schemars(skip_serializing_if = "std::ops::Not::not"))]
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
