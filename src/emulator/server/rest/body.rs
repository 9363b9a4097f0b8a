//! The body of a request: taken in within limits, read as what its `Content-Type` says (PROTOCOL §13, *Bodies*).

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::timeout;

use super::answer::RestProblem;
use crate::charset::{self, NoText};
use crate::object::object;
use crate::server::request::BODY_TIME_LIMIT;
use webpubsub_proto::OwnedData;

/// The largest body (PROTOCOL §12). More is not read.
const MAX_BYTES: usize = 1024 * 1024;
/// How long a client that is refused has to write what it began.
const REFUSED_TIME_LIMIT: Duration = Duration::from_secs(2);

/// A body, or why there is none.
#[derive(Debug)]
pub(super) struct RestPayload(Result<Bytes, RestProblem>);

impl RestPayload {
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Self {
        Self(read(headers, body).await)
    }

    /// Whether there was a body that was not taken in, so that nothing can be read behind it.
    pub(super) fn is_unread(&self) -> bool {
        self.0.is_err()
    }

    fn bytes(self, headers: &HeaderMap) -> Result<Bytes, RestProblem> {
        let bytes = self.0?;
        if headers.contains_key(header::CONTENT_LENGTH) { Ok(bytes) } else { Err(no_length()) }
    }

    /// A message.
    pub(super) fn message(self, headers: &HeaderMap) -> Result<OwnedData, RestProblem> {
        let bytes = self.bytes(headers)?;
        let wrong = |message: String| RestProblem::bad_request("body", message);
        let given = content_type(headers)?;
        let text = || {
            charset::text(&bytes, given.unwrap_or_default()).map_err(|error| match error {
                NoText::Charset(_) => RestProblem::unsupported_type(format!("The body cannot be read: {error}.")),
                NoText::Bytes(_) => wrong(format!("The body cannot be read: {error}.")),
            })
        };
        match given.map(charset::essence).as_deref() {
            Some("text/plain") => Ok(OwnedData::text(&text()?)),
            Some("application/json") => {
                OwnedData::json(&text()?).map_err(|error| wrong(format!("The body is not JSON: {error}.")))
            }
            Some("application/octet-stream") | None => Ok(OwnedData::binary(&bytes)),
            Some(other) => Err(RestProblem::unsupported_type(format!(
                "A message is text/plain, application/json or application/octet-stream, not {other}."
            ))),
        }
    }

    /// A JSON document of a known form.
    pub(super) fn json<T: serde::de::DeserializeOwned>(self, headers: &HeaderMap) -> Result<T, RestProblem> {
        let bytes = self.bytes(headers)?;
        match content_type(headers)?.map(charset::essence).as_deref() {
            Some("application/json") | None => object(&bytes)
                .map_err(|why| RestProblem::bad_request("body", format!("The body is not as it should be: {why}."))),
            Some(other) => {
                Err(RestProblem::unsupported_type(format!("The body has to be application/json, not {other}.")))
            }
        }
    }
}

/// Lets the body of a request pass that is refused. Tells whether all of it came: what is long or slow is not waited for,
/// nor is what would only be sent when it was asked for.
pub(super) async fn discard(headers: &HeaderMap, mut body: Body) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if headers.contains_key(header::EXPECT) {
        return false;
    }
    let pass = async {
        let mut passed = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            passed += frame.data_ref().map_or(0, Bytes::len);
            if passed > MAX_BYTES {
                return false;
            }
        }
        true
    };
    timeout(REFUSED_TIME_LIMIT, pass).await.unwrap_or(false)
}

fn no_length() -> RestProblem {
    RestProblem::bad_request("Content-Length", "The request has no Content-Length.")
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, RestProblem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // HTTP has checked the header; without one the length is known only at the end.
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(no_length)?;
    if length > MAX_BYTES {
        let message = format!("The body has {length} bytes; it may have {MAX_BYTES}.");
        return Err(RestProblem::bad_request("body", message));
    }
    match timeout(BODY_TIME_LIMIT, to_bytes(body, MAX_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(RestProblem::bad_request("body", format!("The body broke off: {error}."))),
        Err(_) => Err(RestProblem::body_timeout()),
    }
}

/// The `Content-Type`, unless it names no media type.
fn content_type(headers: &HeaderMap) -> Result<Option<&str>, RestProblem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let value = value.to_str().map_err(|_| RestProblem::unsupported_type("The Content-Type is not text."))?;
    Ok(Some(value).filter(|value| !charset::essence(value).is_empty()))
}
