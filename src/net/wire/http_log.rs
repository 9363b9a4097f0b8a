//! What is logged of HTTP: the first lines and bodies of requests and answers (`debug`), and their headers (`trace`).

use std::fmt::Display;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, LOCATION};
use serde_json::{Map, Value};
use tracing::{Level, debug, enabled, trace};

use crate::secret::{REDACTED, excerpt, is_secret_header, redact, sounds_secret};

/// Log target of requests and answers: shown as frames are.
const HTTP: &str = "wps::http";
/// The most of a body that is logged, in characters.
const LOGGED: usize = 2048;

/// Logs a request: `what` is its first line, without secrets. `None`: its body is nobody's business.
pub fn log_request(what: &dyn Display, headers: &HeaderMap, body: Option<&Bytes>) {
    log("→", what, headers, body);
}

/// Logs an answer; see [`log_request`].
pub fn log_answer(what: &dyn Display, headers: &HeaderMap, body: Option<&Bytes>) {
    log("←", what, headers, body);
}

fn log(direction: &str, what: &dyn Display, headers: &HeaderMap, body: Option<&Bytes>) {
    debug!(target: HTTP, "{direction} {what}");
    log_headers(direction, headers);
    if let Some(body) = body.filter(|body| !body.is_empty() && enabled!(target: HTTP, Level::DEBUG)) {
        let without = without_client_secrets(body);
        let body = without.as_ref().unwrap_or(body);
        match std::str::from_utf8(body) {
            Ok(text) => debug!(target: HTTP, "{direction} {}", excerpt(text, LOGGED)),
            Err(_) => debug!(target: HTTP, "{direction} {} bytes", body.len()),
        }
    }
}

/// The body of a `connect` event without the secrets that the client's headers, query and claims hold; `None` of anything
/// else, which is data and is shown as it is.
pub fn without_client_secrets(body: &[u8]) -> Option<Bytes> {
    let mut request: Map<String, Value> = serde_json::from_slice(body).ok()?;
    request.get("clientCertificates")?;
    for part in ["headers", "query", "claims"] {
        for (name, value) in request.get_mut(part)?.as_object_mut()? {
            if is_secret_header(name) || sounds_secret(name) {
                *value = REDACTED.into();
            }
        }
    }
    Some(Value::Object(request).to_string().into())
}

pub(super) fn log_headers(direction: &str, headers: &HeaderMap) {
    if enabled!(Level::TRACE) {
        for (name, value) in headers {
            if is_secret_header(name.as_str()) {
                trace!("{direction} {name}: {REDACTED}");
            } else if *name == LOCATION {
                trace!("{direction} {name}: {:?}", without_query(&text(value)));
            } else {
                // `Debug` hides the values that are marked as sensitive.
                trace!("{direction} {name}: {value:?}");
            }
        }
    }
}

/// Where a redirect leads, without what it hands over.
pub fn without_query(location: &str) -> String {
    match location.split_once('?') {
        Some((place, _)) => format!("{place}?…"),
        None => location.to_owned(),
    }
}

/// A header's value as text that may be shown.
pub(super) fn text(value: &HeaderValue) -> String {
    redact(&String::from_utf8_lossy(value.as_bytes())).into_owned()
}
