//! The WebSocket handshake of a client (RFC 6455 §4.1), over any byte stream.
//!
//! The HTTP is hyper's rather than the WebSocket library's: that one hands over only the first bytes of a refusal's
//! body, and people need to read it. The connection is driven inside the future, without a task, so that dropping the
//! future ends the attempt, and its stream comes back unboxed.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{
    CONNECTION, DATE, HOST, LOCATION, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tracing::{Level, enabled, trace};

use super::error::{DialError, Refusal, reason_of};
use super::link::Link;
use super::target::Target;
use crate::secret::redact;

/// How much of a refusal's body is read, in bytes.
pub const MAX_REFUSAL_BODY: usize = 64 * 1024;

/// How long a refusal's body may take: it is worth little, and the next attempt waits for it.
const REFUSAL_BODY_TIME: Duration = Duration::from_secs(1);

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
    log_request(&request);
    let failed = |error| explain(target, error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let mut exchange = Exchange { connection, end: None };
    let response = exchange.drive(sender.send_request(request)).await.map_err(failed)?;
    log_response(&response);
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(DialError::Refused(Box::new(exchange.refusal(response).await)));
    }
    check(&response, target, &key)?;
    let agreement = Agreement { date: response.headers().get(DATE).map(text).as_deref().and_then(http_date) };
    drop(response);
    exchange.finish().await.map_err(failed)?;
    let parts = exchange.connection.into_parts();
    Ok((Link::client(parts.io.into_inner(), parts.read_buf).await, agreement))
}

/// What is worth knowing of a 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// `Date`: what the server's clock says.
    pub date: Option<SystemTime>,
}

fn http_date(value: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(value).ok()
}

type Connection<S> = http1::Connection<TokioIo<S>, Empty<Bytes>>;

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
        (SEC_WEBSOCKET_PROTOCOL, target.subprotocol),
        (USER_AGENT, concat!("wps/", env!("CARGO_PKG_VERSION"))),
    ];
    for (name, value) in own {
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

/// The token in the path is redacted by the log, like every secret in what is not a frame.
fn log_request(request: &Request<Empty<Bytes>>) {
    trace!("→ {} {} {:?}", request.method(), request.uri(), request.version());
    log_headers("→", request.headers());
}

fn log_response<B>(response: &Response<B>) {
    trace!("← {:?} {}", response.version(), response.status());
    log_headers("←", response.headers());
}

fn log_headers(direction: &str, headers: &HeaderMap) {
    if enabled!(Level::TRACE) {
        for (name, value) in headers {
            // `Debug` hides the values that are marked as sensitive.
            trace!("{direction} {name}: {value:?}");
        }
    }
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
    let offered = target.subprotocol;
    let mut answers = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
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

/// A header's value as text that may be shown.
fn text(value: &HeaderValue) -> String {
    redact(&String::from_utf8_lossy(value.as_bytes())).into_owned()
}

/// An HTTP connection together with how it ended.
struct Exchange<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    connection: Connection<S>,
    /// How the connection ended, once it has: it must not be polled again.
    end: Option<hyper::Result<()>>,
}

impl<S> Exchange<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Awaits `future` while the connection runs.
    async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if self.end.is_none()
                && let Poll::Ready(end) = self.connection.poll_without_shutdown(cx)
            {
                self.end = Some(end);
            }
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Runs the connection to its end, which for an accepted upgrade leaves the stream open.
    async fn finish(&mut self) -> hyper::Result<()> {
        match self.end.take() {
            Some(end) => end,
            None => poll_fn(|cx| self.connection.poll_without_shutdown(cx)).await,
        }
    }

    /// Reads what the server has to say about why not.
    async fn refusal(&mut self, response: Response<Incoming>) -> Refusal {
        let (parts, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let read = async {
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else { return false };
                if let Ok(data) = frame.into_data() {
                    let room = MAX_REFUSAL_BODY - bytes.len();
                    bytes.extend_from_slice(&data[..data.len().min(room)]);
                    if data.len() > room {
                        return false;
                    }
                }
            }
            true
        };
        let complete = self.drive(tokio::time::timeout(REFUSAL_BODY_TIME, read)).await.unwrap_or(false);
        let header = |name: HeaderName| parts.headers.get(name).map(text);
        let date = header(DATE).as_deref().and_then(http_date);
        let reason = match parts.extensions.get::<ReasonPhrase>() {
            Some(phrase) => redact(&String::from_utf8_lossy(phrase.as_bytes())).into_owned(),
            None => parts.status.canonical_reason().unwrap_or_default().to_owned(),
        };
        Refusal {
            status: parts.status.as_u16(),
            reason,
            retry_after: header(RETRY_AFTER).and_then(|value| retry_after(&value, date)),
            error_code: header(HeaderName::from_static("x-ms-error-code")),
            location: header(LOCATION),
            date,
            body: redact(&String::from_utf8_lossy(&bytes)).into_owned(),
            truncated: !complete,
        }
    }
}

/// Seconds, or a date: then by the server's own clock, if it told the time (RFC 9110 §10.2.3).
fn retry_after(value: &str, server_time: Option<SystemTime>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value.trim()).ok()?;
    Some(at.duration_since(server_time.unwrap_or_else(SystemTime::now)).unwrap_or_default())
}

/// What a failure of the HTTP exchange means.
fn explain(target: &Target, error: hyper::Error) -> DialError {
    let authority = target.authority.clone();
    if error.is_user() {
        return DialError::BadTarget { part: "request" };
    }
    // A request that was cancelled because the connection failed says so, and has the connection's error within.
    let mut error = &error;
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source.and_then(|source| source.downcast_ref::<hyper::Error>()) {
        error = inner;
        source = std::error::Error::source(error);
    }
    let source = source
        .and_then(|source| source.downcast_ref::<io::Error>())
        .map(|source| io::Error::new(source.kind(), reason_of(source)));
    if source.is_some() || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return DialError::ClosedEarly { authority, source };
    }
    // It does not parse, or it came before the request did, as a mail server's greeting does.
    DialError::NotHttp { authority, problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        let server_time = httpdate::parse_http_date("Tue, 06 Oct 2026 12:00:00 GMT").ok();
        for (value, expected) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("Tue, 06 Oct 2026 12:01:30 GMT", Some(90)),
            ("Tue, 06 Oct 2026 11:59:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(value, server_time), expected.map(Duration::from_secs), "{value}");
        }
    }
}
