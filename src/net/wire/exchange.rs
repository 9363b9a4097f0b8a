//! One HTTP request and its answer over a byte stream that is wanted back: for the WebSocket handshake, and for asking
//! a proxy for a tunnel.
//!
//! The HTTP is hyper's. The connection is driven inside the future, without a task, so that dropping the future ends
//! the attempt, and its stream comes back unboxed. What the other end says is redacted here.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::trace;

use super::error::{Refusal, reason_of};
use super::http_log::{log_headers, text};
use crate::secret::{redact, redact_cut};

/// How much of a refusal's body is read, in bytes.
pub const MAX_REFUSAL_BODY: usize = 64 * 1024;

/// How long a refusal's body may take: it is worth little, and the next attempt waits for it.
const REFUSAL_BODY_TIME: Duration = Duration::from_secs(1);

type HttpConnection<S> = http1::Connection<TokioIo<S>, Empty<Bytes>>;

/// An HTTP connection together with how it ended.
pub(super) struct HttpExchange<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    connection: HttpConnection<S>,
    /// How the connection ended, once it has: it must not be polled again.
    end: Option<hyper::Result<()>>,
}

impl<S> HttpExchange<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Sends the request and waits for the head of the answer.
    pub(super) async fn start(
        stream: S,
        request: Request<Empty<Bytes>>,
    ) -> Result<(Self, Response<Incoming>), ExchangeError> {
        log_request(&request);
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut exchange = Self { connection, end: None };
        let response = match exchange.drive(sender.send_request(request)).await {
            Ok(response) => response,
            Err(error) => return Err(exchange.without_answer(error.into())),
        };
        log_response(&response);
        Ok((exchange, response))
    }

    /// An error, made more exact by what has come.
    fn without_answer(self, error: ExchangeError) -> ExchangeError {
        match error {
            // A TLS record: an alert, since our request was none.
            ExchangeError::NotHttp(_) if self.connection.into_parts().read_buf.starts_with(&[0x15, 0x03]) => {
                ExchangeError::NotHttp("it speaks TLS, as `wss://` and `https://` do".to_owned())
            }
            other => other,
        }
    }

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

    /// The stream, and what was read beyond the answer: for an answer after which the stream is no longer HTTP.
    pub(super) async fn finish(mut self) -> Result<(S, Bytes), ExchangeError> {
        // For an accepted upgrade the end of the HTTP leaves the stream open.
        match self.end.take() {
            Some(end) => end,
            None => poll_fn(|cx| self.connection.poll_without_shutdown(cx)).await,
        }?;
        let parts = self.connection.into_parts();
        Ok((parts.io.into_inner(), parts.read_buf))
    }

    /// Reads what the server has to say about why not.
    pub(super) async fn refusal(&mut self, response: Response<Incoming>) -> Refusal {
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
        let body = String::from_utf8_lossy(&bytes);
        let header = |name: HeaderName| parts.headers.get(name).map(text);
        let date = server_time(&parts.headers);
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
            // Where it was cut, its end may be half a secret.
            body: if complete { redact(&body) } else { redact_cut(&body) }.into_owned(),
            truncated: !complete,
        }
    }
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

/// `Date`: what the server's clock says.
pub(super) fn server_time(headers: &HeaderMap) -> Option<SystemTime> {
    headers.get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok())
}

/// Seconds, or a date: then by the server's own clock, if it told the time (RFC 9110 §10.2.3).
pub(super) fn retry_after(value: &str, server_time: Option<SystemTime>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value.trim()).ok()?;
    Some(at.duration_since(server_time.unwrap_or_else(SystemTime::now)).unwrap_or_default())
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// The request cannot be sent.
    BadRequest,
    /// The connection ended before the answer; with what the operating system said, unless the end was an orderly one.
    Closed(Option<io::Error>),
    /// The other end ended the TLS with this alert.
    Alert(AlertDescription),
    /// What came is not HTTP; why it does not parse.
    NotHttp(String),
}

impl From<hyper::Error> for ExchangeError {
    fn from(error: hyper::Error) -> Self {
        if error.is_user() {
            return Self::BadRequest;
        }
        // A request that was cancelled because the connection failed says so, and has the connection's error within.
        let mut error = &error;
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source.and_then(|source| source.downcast_ref::<hyper::Error>()) {
            error = inner;
            source = std::error::Error::source(error);
        }
        let source = source.and_then(|source| source.downcast_ref::<io::Error>());
        let within = source.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = within {
            return Self::Alert(*alert);
        }
        let source = source.map(|source| io::Error::new(source.kind(), reason_of(source)));
        if source.is_some() || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            return Self::Closed(source);
        }
        // It does not parse, or it came before the request did, as a mail server's greeting does.
        Self::NotHttp(error.to_string())
    }
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
