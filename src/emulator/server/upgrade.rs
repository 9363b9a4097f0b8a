//! Requests that are to become WebSockets, whichever: what they have to have, and how they are refused.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::refusals::{EntryPoint, Reason};
use super::request::{Query, bearer};
use super::{Server, trace};
use crate::upstream::ConnectRefusal;
use webpubsub_net::auth::token::TokenError;
use webpubsub_proto::check_hub_name;

/// The hub, as it is named in what is said of it; nothing where it is none.
pub(super) fn known_hub(name: Option<&str>) -> String {
    name.filter(|name| check_hub_name(name).is_ok()).map(str::to_ascii_lowercase).unwrap_or_default()
}

/// Why there is no WebSocket. The text never contains a token.
#[derive(Debug)]
pub(super) struct UpgradeRefusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// In seconds.
    pub(super) retry_after: Option<u64>,
    /// The event handler's own answer, in place of the message.
    pub(super) answer: Option<Box<(HeaderValue, Bytes)>>,
    /// Why, for whoever runs the emulator; `None` where it is on purpose, or was said already.
    pub(super) reason: Option<Reason>,
}

impl UpgradeRefusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let reason = Some(Reason::request(&message));
        Self { status, message, retry_after: None, answer: None, reason }
    }

    /// One that somebody has asked for.
    pub(super) fn on_purpose(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None, answer: None, reason: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn no_token() -> Self {
        let message = "The request has no token: neither an access_token parameter nor an Authorization header.";
        Self { reason: Some(Reason::NoToken), ..Self::on_purpose(StatusCode::UNAUTHORIZED, message) }
    }

    pub(super) fn bad_token(error: &TokenError) -> Self {
        let message = format!("Unauthorized: {error}.");
        Self { reason: Some(Reason::token(error)), ..Self::on_purpose(StatusCode::UNAUTHORIZED, message) }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// An event handler refused the client, or failed.
    pub(super) fn of_handler(refused: ConnectRefusal) -> Self {
        let answer = Some(Box::new((refused.content_type, refused.body)));
        let message = "the event handler of `connect` said so".to_owned();
        let reason = (!refused.said).then(|| Reason::Handler(refused.status.as_u16()));
        Self { status: refused.status, message, retry_after: None, answer, reason }
    }

    pub(super) fn into_response(self, server: &Server, place: &EntryPoint) -> Response {
        let status = self.status.as_u16();
        match &self.reason {
            Some(reason) => {
                let told = format!("{place} was refused: {status}: {}", self.message);
                server.refusals.refused(place, reason, &told);
                server.traffic.refused(status, &self.message);
            }
            None => trace::refused(&server.traffic, status, &self.message),
        }
        let mut response = respond(self.status, self.message);
        if let Some((content_type, body)) = self.answer.map(|answer| *answer) {
            *response.body_mut() = Body::from(body);
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

pub(super) fn respond(status: StatusCode, text: impl Into<String>) -> Response {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The answer that makes a WebSocket of a request.
pub(super) fn switching(accept: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// The value of `Sec-WebSocket-Accept` for a proper WebSocket request.
pub(super) fn accept_key(request: &Request) -> Result<HeaderValue, UpgradeRefusal> {
    if request.method() != Method::GET {
        return Err(UpgradeRefusal::new(StatusCode::METHOD_NOT_ALLOWED, "Clients connect with GET."));
    }
    if request.version() != http::Version::HTTP_11 {
        return Err(UpgradeRefusal::bad_request("A WebSocket needs HTTP/1.1."));
    }
    let headers = request.headers();
    if !(has_token(headers, &header::CONNECTION, "upgrade") && has_token(headers, &header::UPGRADE, "websocket")) {
        return Err(UpgradeRefusal::bad_request(
            "This is the address for WebSocket clients; the request is not an upgrade.",
        ));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version.as_bytes() != b"13") {
        return Err(UpgradeRefusal::new(StatusCode::UPGRADE_REQUIRED, "Only WebSocket version 13 is supported."));
    }
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| STANDARD.decode(key.as_bytes()).is_ok_and(|key| key.len() == 16))
        .and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok())
        .ok_or_else(|| UpgradeRefusal::bad_request("The upgrade has no Sec-WebSocket-Key of 16 bytes."))
}

/// Whether a comma-separated header contains a token, which has no case.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// The token, if there is one.
pub(super) fn token_of<'a>(query: &'a Query, headers: &'a HeaderMap) -> Option<&'a str> {
    query.get("access_token").or(bearer(headers)).filter(|token| !token.is_empty())
}
