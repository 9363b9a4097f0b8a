//! Access tokens, signed by nobody: the tests' service believes anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// What marks the signature of every token made here, so that a leak is found.
pub const SIGNATURE: &str = "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LW1heS1zZWU";

/// A token with these claims.
pub fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{SIGNATURE}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims))
}

/// A token for `hub1` that does not expire soon, with these roles.
pub fn token_with_roles(roles: &[&str]) -> String {
    token(&json!({
        "aud": "http://localhost/client/hubs/hub1", "iat": 1_760_000_000, "exp": 4_102_444_800u64,
        "sub": "alice", "role": roles,
    }))
}
