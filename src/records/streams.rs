//! Group streams.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::NamedError;

/// A stream is being published, of `wps stream`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamStarted<'a> {
    /// The group.
    pub group: &'a str,
    /// The stream's id.
    pub stream_id: &'a str,
}

/// A stream was published, or has failed, of `wps stream`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamEnded<'a> {
    /// The group.
    pub group: &'a str,
    /// The stream's id.
    pub stream_id: &'a str,
    /// How many fragments are known to have arrived.
    pub fragments: u64,
    /// How many bytes of payload are.
    pub bytes: u64,
    /// The error with which it was ended, as its readers are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_error: Option<EndError<'a>>,
    /// `true`: its end may not have arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<bool>,
    /// Why it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<NamedError<'a>>,
}

/// What its publisher has told its readers.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EndError<'a> {
    /// For programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_error_code: Option<&'a str>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
}

/// A stream that is received is not whole; before the fragment that shows it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamTrouble<'a> {
    /// The group.
    pub group: &'a str,
    /// The stream's id.
    pub stream_id: &'a str,
    /// Who publishes it, unless that is anonymous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_user_id: Option<&'a str>,
    /// `joined-late`, `gap`, `repeated`, `IdleTimeout` or `cut`.
    pub reason: &'static str,
    /// The fragment that was next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// The fragment that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_sequence_id: Option<u64>,
}
