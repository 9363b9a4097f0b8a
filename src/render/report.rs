//! Records of the commands that make and explain client access URLs.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A URL that was made: prints the secret it exists to print.
#[derive(Debug, Serialize)]
pub struct MadeUrl<'a> {
    /// With its token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    /// The token alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<&'a str>,
    /// What the token says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<&'a RawValue>,
}

/// A URL that was inspected. Neither it nor its token is in the record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedUrl<'a> {
    /// Host, and port if it is not the scheme's own.
    pub host: &'a str,
    /// With TLS.
    pub secure: bool,
    /// Name of the hub.
    pub hub: &'a str,
    /// Path of the requests.
    pub path: &'a str,
    /// `sub`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// `role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<&'a [String]>,
    /// `webpubsub.group`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<&'a [String]>,
    /// `iat`, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<String>,
    /// `nbf`, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// `exp`, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// All claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<&'a Map<String, Value>>,
    /// `valid`, `invalid` or `unchecked`.
    pub signature: &'static str,
    /// Whether the service takes it, as far as can be seen.
    pub usable: bool,
    /// What is wrong or worth knowing.
    pub findings: Vec<InspectedFinding<'a>>,
}

/// Something about a URL.
#[derive(Debug, Serialize)]
pub struct InspectedFinding<'a> {
    /// `note`, `refused` or `malformed`.
    pub severity: String,
    /// In words.
    pub message: &'a str,
}
