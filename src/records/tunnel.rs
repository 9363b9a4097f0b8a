//! Records of `wps tunnel`.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

/// A request was brought to the upstream, of `wps tunnel`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TunnelRequest<'a> {
    /// Of HTTP.
    pub method: &'a str,
    /// Of its URL, without the query.
    pub path: &'a str,
    /// The event, if it is one (`ce-eventName`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'a str>,
    /// The hub (`ce-hub`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<&'a str>,
    /// The connection that it is of (`ce-connectionId`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<&'a str>,
    /// The user that it is of (`ce-userId`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// Of the upstream's answer; 502 where it gave none, 503 when the run was ending; absent when there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Until the upstream had answered, in milliseconds; absent when there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<f64>,
    /// Size of the request's body.
    pub request_bytes: usize,
    /// Size of the answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<usize>,
    /// `true`: its connection, or the run, ended before the answer had gone out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}
