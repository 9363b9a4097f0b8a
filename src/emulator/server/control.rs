//! The control endpoint `/emulator/…`: what there is, and faults to add and clear, as JSON, for tests of other people's
//! clients and for the page.
//!
//! Every request passes [`guard`] first: nothing here answers a page of another site, or a stranger. Each answer is one
//! JSON object; an error has `error.message` and `error.hints`.

mod guard;
mod resources;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use http::header::{self, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::timeout;

use super::request::BODY_TIME_LIMIT;
use super::{Server, trace};
use crate::object::object;
pub(super) use guard::Visit;

/// Largest body of a request.
const MAX_BODY: usize = 64 * 1024;

/// The routes. Each request has a [`Visit`] as an extension.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/emulator", any(answer))
        .route("/emulator/", any(answer))
        .route("/emulator/{*path}", any(answer))
        .with_state(server)
}

async fn answer(State(server): State<Arc<Server>>, Extension(visit): Extension<Visit>, request: Request) -> Response {
    if let Err(refusal) = guard::check(&server, &visit, request.headers()) {
        return refusal.into_response();
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = resources::answer(&server, request).await;
    let (response, note) = match answer {
        Ok(ControlAnswer { response, note }) => (response, note),
        Err(refusal) => {
            let note = refusal.message.clone();
            (refusal.into_response(), Some(note))
        }
    };
    if !reads(&method) {
        trace::controlled(&server.traffic, &method, &path, response.status().as_u16(), note.as_deref());
    }
    response
}

/// An answer, and what those who look on are told beside its status.
struct ControlAnswer {
    response: Response,
    note: Option<String>,
}

impl From<Response> for ControlAnswer {
    fn from(response: Response) -> Self {
        Self { response, note: None }
    }
}

/// Why a request got nothing.
#[derive(Debug)]
struct ControlRefusal {
    status: StatusCode,
    message: String,
    hints: Vec<String>,
    /// The methods there are, when it was another one.
    allow: Option<&'static str>,
}

impl ControlRefusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hints: Vec::new(), allow: None }
    }

    fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn into_response(self) -> Response {
        let mut response = respond(self.status, &json!({"error": {"message": self.message, "hints": self.hints}}));
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An answer with a JSON body.
fn respond(status: StatusCode, body: &impl Serialize) -> Response {
    let mut text = serde_json::to_vec_pretty(body).unwrap_or_default();
    text.push(b'\n');
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The parts of a path behind `/emulator/`, decoded.
fn segments(path: &str) -> Vec<String> {
    let rest = path.trim_start_matches("/emulator");
    let parts = rest.split('/').filter(|part| !part.is_empty());
    parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

/// The body as JSON, whatever its content type says; nothing at all is an empty object.
async fn body<T: DeserializeOwned>(request: Request) -> Result<T, ControlRefusal> {
    let collected = timeout(BODY_TIME_LIMIT, Limited::new(request.into_body(), MAX_BODY).collect()).await;
    let slow = |_| ControlRefusal::new(StatusCode::REQUEST_TIMEOUT, "The body did not come in time.");
    let bytes = collected
        .map_err(slow)?
        .map_err(|_| {
            ControlRefusal::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large, or did not come whole.")
        })?
        .to_bytes();
    let bytes = if bytes.trim_ascii().is_empty() { &b"{}"[..] } else { &bytes };
    object(bytes).map_err(|why| ControlRefusal::bad_request(format!("The body is not as expected: {why}.")))
}

/// Whether a method is one that reads.
fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
