//! The WebSocket handshake of a client (RFC 6455 §4.1), over any byte stream.
//!
//! The HTTP is hyper's rather than the WebSocket library's: that one hands over only the first bytes of a refusal's
//! body, and people need to read it.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::error::DialError;
use super::exchange::{ExchangeError, HttpExchange, server_time};
use super::http_log::text;
use super::link::Link;
use super::target::Target;
use super::tls::alerted;

/// Asks the server at the other end of `stream` to switch to WebSocket. `headers` come beside and in place of our
/// own.
///
/// Takes as long as the server does, apart from the body of a refusal, which has a second. Comes with what the server
/// said in agreeing.
pub async fn handshake<S>(
    stream: S,
    target: &Target,
    headers: &[(HeaderName, HeaderValue)],
) -> Result<(Link<S>, Agreement), DialError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let key = generate_key();
    let request = request(target, &key, headers)?;
    let failed = |error| explain(target, error);
    let (mut exchange, response) = HttpExchange::start(stream, request).await.map_err(failed)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(DialError::Refused(Box::new(exchange.refusal(response).await)));
    }
    check(&response, target, &key)?;
    let agreement = Agreement { date: server_time(response.headers()) };
    drop(response);
    let (stream, leftover) = exchange.finish().await.map_err(failed)?;
    Ok((Link::client(stream, &leftover), agreement))
}

/// What is worth knowing of a 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// `Date`: what the server's clock says.
    pub date: Option<SystemTime>,
}

fn request(
    target: &Target,
    key: &str,
    headers: &[(HeaderName, HeaderValue)],
) -> Result<Request<Empty<Bytes>>, DialError> {
    let bad = |part| DialError::BadTarget { part };
    let path: PathAndQuery = target.path_and_query.expose().parse().map_err(|_| bad("path or query"))?;
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = Uri::from(path);
    let own = [
        (HOST, target.authority.as_str()),
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_VERSION, "13"),
        (SEC_WEBSOCKET_KEY, key),
        (USER_AGENT, concat!("wps/", env!("CARGO_PKG_VERSION"))),
    ];
    // An empty one is illegal (RFC 6455 §4.1).
    let offered = target.subprotocol.map(|offered| (SEC_WEBSOCKET_PROTOCOL, offered));
    for (name, value) in own.into_iter().chain(offered) {
        let value = HeaderValue::from_str(value).map_err(|_| bad("host"))?;
        request.headers_mut().insert(name, value);
    }
    // The first of a name takes the place of ours, the next come beside it.
    for (index, (name, value)) in headers.iter().enumerate() {
        if headers[..index].iter().any(|(earlier, _)| earlier == name) {
            request.headers_mut().append(name, value.clone());
        } else {
            request.headers_mut().insert(name, value.clone());
        }
    }
    Ok(request)
}

/// What a 101 must say (RFC 6455 §4.1, PROTOCOL §1.4).
fn check(response: &Response<Incoming>, target: &Target, key: &str) -> Result<(), DialError> {
    let headers = response.headers();
    let bad = |problem| Err(DialError::BadHandshake { problem });
    if !has_token(headers, &UPGRADE, "websocket") {
        return bad("its `Upgrade` header does not say `websocket`");
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return bad("its `Connection` header does not say `Upgrade`");
    }
    match headers.get(SEC_WEBSOCKET_ACCEPT) {
        Some(accept) if accept.as_bytes().trim_ascii() == derive_accept_key(key.as_bytes()).as_bytes() => {}
        Some(_) => return bad("its `Sec-WebSocket-Accept` does not fit our key"),
        None => return bad("it has no `Sec-WebSocket-Accept`"),
    }
    if headers.get(SEC_WEBSOCKET_EXTENSIONS).is_some_and(|value| !value.is_empty()) {
        return bad("it chose an extension, but none was offered");
    }
    let mut answers = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let Some(offered) = target.subprotocol else {
        return match answers.next() {
            None => Ok(()),
            Some(_) => bad("it chose a subprotocol, but none was offered"),
        };
    };
    match (answers.next(), answers.next()) {
        (None, _) => Err(DialError::NoSubprotocol { offered }),
        (Some(one), None) if one.as_bytes().trim_ascii().eq_ignore_ascii_case(offered.as_bytes()) => Ok(()),
        (Some(other), _) => Err(DialError::WrongSubprotocol { offered, answered: text(other) }),
    }
}

/// Whether a header with a list of tokens has this one.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let tokens = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.into_iter().any(|found| found.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// What a failure of the HTTP exchange means.
fn explain(target: &Target, error: ExchangeError) -> DialError {
    let authority = target.authority.clone();
    match error {
        ExchangeError::BadRequest => DialError::BadTarget { part: "request" },
        ExchangeError::Alert(alert) => alerted(target.bare_host().to_owned(), alert),
        ExchangeError::Closed(source) => DialError::ClosedEarly { authority, source },
        ExchangeError::NotHttp(problem) => DialError::NotHttp { authority, problem },
    }
}
