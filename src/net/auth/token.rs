//! Client tokens: HS256 JWTs signed with the access key (PROTOCOL §2.2, §2.3).
//!
//! Used by both ends: the client signs its own from a connection string and explains those it was given, the emulator
//! verifies them as the service does. The time is an argument everywhere. No error text contains the token.

mod audience;
mod claims;
mod provider;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use serde::ser::{Error as _, Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

pub use audience::{Audience, PathAudience, RequestAudience};
pub use claims::Claims;

use crate::clock;
use crate::secret::Secret;

/// How far clocks may differ (PROTOCOL §2.3).
pub const CLOCK_SKEW_SECS: u64 = 5 * 60;

/// What a client token is to say.
#[derive(Clone, Copy, Debug)]
pub struct ClientTokenRequest<'a> {
    /// `aud`, as [`client_audience`] makes it.
    pub audience: &'a str,
    /// `sub`; `None` for an anonymous client.
    pub user: Option<&'a str>,
    /// `role`; left out when empty.
    pub roles: &'a [String],
    /// `webpubsub.group`: groups joined at connect; left out when empty.
    pub groups: &'a [String],
    /// `iat`, in seconds since 1970.
    pub issued_at: u64,
    /// `exp` − `iat`, or − `nbf` if that is later.
    pub ttl: Duration,
    /// `nbf`, in seconds since 1970.
    pub not_before: Option<u64>,
    /// Further claims: name and JSON value. Those above are no business of theirs.
    pub claims: &'a [(String, String)],
}

/// The claims that a token gets from the fields of its request.
pub const RESERVED_CLAIMS: [&str; 7] = ["aud", "exp", "iat", "nbf", "sub", "role", "webpubsub.group"];

/// The audience of client tokens for a hub: the endpoint of the connection string and the hub's path, with the
/// http or https scheme even though clients connect with ws or wss (PROTOCOL §2.3).
pub fn client_audience(endpoint: &str, hub: &str) -> String {
    format!("{}/client/hubs/{hub}", endpoint.trim_end_matches('/'))
}

/// The claims in the order of the test vector (PROTOCOL §18), further ones behind.
impl Serialize for ClientTokenRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let begins = self.not_before.map_or(self.issued_at, |begins| begins.max(self.issued_at));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("aud", self.audience)?;
        map.serialize_entry("exp", &begins.saturating_add(self.ttl.as_secs()))?;
        map.serialize_entry("iat", &self.issued_at)?;
        if let Some(not_before) = self.not_before {
            map.serialize_entry("nbf", &not_before)?;
        }
        if let Some(user) = self.user {
            map.serialize_entry("sub", user)?;
        }
        if !self.roles.is_empty() {
            map.serialize_entry("role", self.roles)?;
        }
        if !self.groups.is_empty() {
            map.serialize_entry("webpubsub.group", self.groups)?;
        }
        for (name, value) in self.claims {
            // Digit for digit as given.
            map.serialize_entry(name, &RawValue::from_string(value.clone()).map_err(S::Error::custom)?)?;
        }
        map.end()
    }
}

/// Signs a client token. The key is the UTF-8 text of the access key, not its base64 meaning (PROTOCOL §2.2).
pub fn sign_client_token(key: &Secret, request: &ClientTokenRequest<'_>) -> Secret {
    // `jsonwebtoken::encode` would write `typ` before `alg`; the test vector has it the other way round.
    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    provider::install();
    // Strings and numbers always serialise, and HMAC takes any key.
    let claims = serde_json::to_vec(request).unwrap_or_default();
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(key.expose().as_bytes());
    let signature = jsonwebtoken::crypto::sign(token.as_bytes(), &key, Algorithm::HS256).unwrap_or_default();
    token.push('.');
    token.push_str(&signature);
    Secret::new(token)
}

/// Why a token is not accepted, in words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not three base64url parts with JSON inside.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Not HS256.
    #[error("the token is not signed with HS256, the only algorithm the service takes")]
    Algorithm,
    /// Its header has `crit`: extensions that have to be understood, and none is (RFC 7515 §4.1.11).
    #[error("the token's header has `crit`, and no extension is understood")]
    Critical,
    /// Made with another key.
    #[error("the token's signature is wrong: it was signed with another access key")]
    Signature,
    /// `exp` is mandatory.
    #[error("the token has no `exp` claim")]
    NoExpiry,
    /// More than the permitted skew past `exp`.
    #[error("the token expired at {}, {} ago", instant(*.expired_at), span(.now.saturating_sub(*.expired_at)))]
    Expired {
        /// `exp`.
        expired_at: u64,
        /// The verifier's clock.
        now: u64,
    },
    /// More than the permitted skew before `nbf`.
    #[error("the token is not valid before {}, {} from now", instant(*.valid_from), span(.valid_from.saturating_sub(*.now)))]
    NotYetValid {
        /// `nbf`.
        valid_from: u64,
        /// The verifier's clock.
        now: u64,
    },
    /// `aud` is mandatory.
    #[error("the token has no `aud` claim; expected `{expected}`")]
    NoAudience {
        /// The audience it should have.
        expected: String,
    },
    /// Made for another endpoint or hub.
    #[error("the token's audience is `{has}`, expected `{expected}`")]
    WrongAudience {
        /// `aud`.
        has: String,
        /// The audience it should have.
        expected: String,
    },
}

/// Seconds since 1970 as RFC 3339.
fn instant(secs: u64) -> String {
    clock::since_1970(secs)
}

fn span(secs: u64) -> String {
    humantime::format_duration(Duration::from_secs(secs)).to_string()
}

/// Checks a client token as the service does (PROTOCOL §2.3): signature by any of the keys, `exp` mandatory, `nbf`
/// honoured if present, five minutes of skew, audience by the lenient rule.
pub fn verify_client_token(
    token: &str,
    keys: &[Secret],
    expected: Audience<'_>,
    now_unix_secs: u64,
) -> Result<Claims, TokenError> {
    verify(token, keys, |aud| expected.accepts(aud), &expected, now_unix_secs)
}

/// What access tokens of an Entra identity are for (PROTOCOL §2.4).
pub const ENTRA_RESOURCE: &str = "https://webpubsub.azure.com";

/// Reads an Entra token whose signature cannot be checked here: what it says of its audience and its time has to be right.
pub fn check_unsigned_entra_token(token: &str, now_unix_secs: u64) -> Result<Claims, TokenError> {
    let claims = peek_claims(token).ok_or_else(|| TokenError::Malformed("it has no claims".to_owned()))?;
    let is_for_it = |aud: &str| aud.trim_end_matches('/').eq_ignore_ascii_case(ENTRA_RESOURCE);
    check_claims(claims, is_for_it, &ENTRA_RESOURCE, now_unix_secs)
}

/// Checks the token of a REST request in the same way (PROTOCOL §2.4).
pub fn verify_request_token(
    token: &str,
    keys: &[Secret],
    expected: RequestAudience<'_>,
    now_unix_secs: u64,
) -> Result<Claims, TokenError> {
    verify(token, keys, |aud| expected.accepts(aud), &expected, now_unix_secs)
}

/// Checks the token of a client of a single path, such as the live trace's, in the same way (PROTOCOL §21.1).
pub fn verify_path_token(
    token: &str,
    keys: &[Secret],
    expected: PathAudience<'_>,
    now_unix_secs: u64,
) -> Result<Claims, TokenError> {
    verify(token, keys, |aud| expected.accepts(aud), &expected, now_unix_secs)
}

fn verify(
    token: &str,
    keys: &[Secret],
    accepts: impl Fn(&str) -> bool,
    expected: &dyn std::fmt::Display,
    now_unix_secs: u64,
) -> Result<Claims, TokenError> {
    check_claims(verify_signature(token, keys)?, accepts, expected, now_unix_secs)
}

fn check_claims(
    claims: Claims,
    accepts: impl Fn(&str) -> bool,
    expected: &dyn std::fmt::Display,
    now_unix_secs: u64,
) -> Result<Claims, TokenError> {
    let expires = claims.exp.ok_or(TokenError::NoExpiry)?;
    if now_unix_secs >= expires.saturating_add(CLOCK_SKEW_SECS) {
        return Err(TokenError::Expired { expired_at: expires, now: now_unix_secs });
    }
    if let Some(valid_from) = claims.nbf.filter(|nbf| *nbf > now_unix_secs.saturating_add(CLOCK_SKEW_SECS)) {
        return Err(TokenError::NotYetValid { valid_from, now: now_unix_secs });
    }
    match claims.aud.as_slice() {
        [] => Err(TokenError::NoAudience { expected: expected.to_string() }),
        some if some.iter().any(|aud| accepts(aud)) => Ok(claims),
        some => Err(TokenError::WrongAudience { has: some.join(", "), expected: expected.to_string() }),
    }
}

fn verify_signature(token: &str, keys: &[Secret]) -> Result<Claims, TokenError> {
    provider::install();
    let mut validation = Validation::new(Algorithm::HS256);
    // The crate would read the system clock and compare audiences literally; both are done by the caller.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    for key in keys {
        let key = DecodingKey::from_secret(key.expose().as_bytes());
        match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
            Ok(_) if header_of(token).is_some_and(|header| header.get("crit").is_some()) => {
                return Err(TokenError::Critical);
            }
            Ok(data) => return Ok(data.claims),
            Err(error) => match error.kind() {
                ErrorKind::InvalidSignature => {}
                ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => return Err(TokenError::Algorithm),
                ErrorKind::Json(_) if algorithm_is_foreign(token) => return Err(TokenError::Algorithm),
                // The library ends some of its sentences, and what follows is ours.
                _ => return Err(TokenError::Malformed(error.to_string().trim_end_matches('.').to_owned())),
            },
        }
    }
    Err(TokenError::Signature)
}

/// Whether the key made the token's signature, whatever its claims are.
pub fn is_signed_with(token: &str, key: &Secret) -> bool {
    let Some((message, signature)) = token.rsplit_once('.') else { return false };
    provider::install();
    let key = DecodingKey::from_secret(key.expose().as_bytes());
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256).unwrap_or(false)
}

/// Whether the header names an algorithm that the crate does not even know, such as `none`.
fn algorithm_is_foreign(token: &str) -> bool {
    header_of(token).is_some_and(|header| header.get("alg").is_some_and(|alg| alg != "HS256"))
}

/// The header, if it is JSON.
fn header_of(token: &str) -> Option<serde_json::Value> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    serde_json::from_slice(&header).ok()
}

/// The claims of a token as they stand in it, JSON, without verifying anything.
pub fn claims_text(token: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()
}

/// Reads a token's claims without verifying anything, for explanations only.
pub fn peek_claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&claims).ok()
}
