//! Answers of the REST API and of event handlers.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// What every answer of the REST API has.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Answer<'a> {
    /// The operation's name in the REST API, as in `sendToGroup`.
    pub operation: &'static str,
    /// The group, user or connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<&'a str>,
    /// The group that it is about, beside its target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'a str>,
    /// The permission that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<&'a str>,
    /// How often it was asked, when several times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// From the request to its answer, in milliseconds.
    pub elapsed_ms: f64,
}

/// An answer of the REST API, of `wps service`; of `wps webhook` the payload of an answer to an event.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Response<'a> {
    #[serde(flatten)]
    pub answer: Option<Answer<'a>>,
    /// Of HTTP; absent when there was no answer, for which see `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The line of the input, with --lines and --ndjson.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Why it was refused, or that there was no answer: with the name `OutcomeUnknown` it may have been done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<RestError>,
    /// Of `wps webhook`, as of messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_type: Option<&'static str>,
    /// Of `wps webhook`, as of messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub data: Option<Box<RawValue>>,
    /// The state of the connection, as the handler has set it (`ce-connectionState`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'a str>,
}

/// What the REST API said of something that it refused.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RestError {
    /// Its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A member, of `wps service connections`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Connection<'a> {
    /// Its id.
    pub connection_id: &'a str,
    /// Its user, unless it is anonymous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
}

/// The answer of `wps service exists`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Exists<'a> {
    #[serde(flatten)]
    pub answer: Answer<'a>,
    /// Of HTTP; absent where several answers were looked through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether there is such a thing.
    pub exists: bool,
}

/// The answer of `wps service permission check`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Permission<'a> {
    #[serde(flatten)]
    pub answer: Answer<'a>,
    /// Of HTTP.
    pub status: u16,
    /// Whether the connection has it.
    pub granted: bool,
}
