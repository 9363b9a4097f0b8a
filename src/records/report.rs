//! What commands have found out, and how they ended.

use std::borrow::Cow;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A client access URL, of `wps url create`: prints the secret that it exists to print.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Url<'a> {
    /// The URL with its token; absent with --token-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    /// The token alone, with --token-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<&'a str>,
    /// What the token says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Map<String, Value>"))]
    pub claims: Option<&'a RawValue>,
}

/// What a client access URL says, of `wps url inspect`; neither it nor its token is in the record.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Inspection<'a> {
    /// Host, and port if it is not the scheme's own.
    pub host: &'a str,
    /// Whether it is with TLS.
    pub secure: bool,
    /// Name of the hub.
    pub hub: &'a str,
    /// Path of the requests.
    pub path: &'a str,
    /// `sub` of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// `role` of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<&'a [String]>,
    /// `webpubsub.group` of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<&'a [String]>,
    /// `iat` of the token, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<String>,
    /// `nbf` of the token, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// `exp` of the token, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// All that the token says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<&'a Map<String, Value>>,
    /// `valid`, `invalid` or `unchecked`.
    pub signature: &'static str,
    /// Whether the service takes it, as far as can be seen.
    pub usable: bool,
    /// What is wrong or worth knowing.
    pub findings: Vec<InspectionFinding<'a>>,
}

/// Something about a URL.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct InspectionFinding<'a> {
    /// `note`, `refused` or `malformed`.
    pub severity: String,
    /// In words.
    pub message: &'a str,
}

/// A step of `wps doctor` or `wps webhook`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Check<'a> {
    /// Its name.
    pub step: &'a str,
    /// How it went.
    pub status: Status,
    /// How long it took, in milliseconds, where it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<f64>,
    /// What there is to say.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub detail: Cow<'a, str>,
    /// What to do or to know about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The program and the machine; of the first step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<&'a str>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It works.
    Ok,
    /// Nothing is known to have failed, but something is wrong that may be why another step does.
    Warning,
    /// It does not.
    Failed,
    /// It was not tried, or could not be.
    Skipped,
}

/// The emulator is ready, of `wps emulator`; prints the secrets that it exists to print.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Listening<'a> {
    /// Its endpoint.
    pub endpoint: &'a str,
    /// The endpoint with its access key.
    pub connection_string: &'a str,
    /// A client access URL of its default hub, with a token.
    pub client_url: &'a str,
}

/// How the run ended; always the last.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stopped<'a> {
    /// What ended it: `done`, `signal`, `timeout`, `failed` and others.
    pub reason: &'a str,
    /// The exit code.
    pub exit_code: u8,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub counts: Option<StoppedCounts>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StoppedError>,
}

/// What a client counted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StoppedCounts {
    /// Messages, or what else the command receives.
    pub received: u64,
    /// Operations that were sent.
    pub sent: u64,
    /// Those that were acknowledged.
    pub acked: u64,
    /// Those that ended otherwise.
    pub failed: u64,
    /// Answers that nobody waited for; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected: Option<u64>,
}

/// What went wrong.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StoppedError {
    /// In a line.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
