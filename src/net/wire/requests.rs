//! HTTP requests to one server, over the same way as a WebSocket: names, proxies, TLS and headers are those of a dial.
//!
//! Connections are kept and used again, as many as there are requests at once. Redirects are answers like any other, so
//! that no credential goes to another host. Nothing is tried again here, except that a request which did not leave on a
//! kept connection goes out on a fresh one: whoever asks knows what may be asked twice.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST, RETRY_AFTER, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::time::timeout;
use url::{Host, Url};

use super::dial::{DialOptions, connect};
use super::error::{DialError, cause_chain};
use super::exchange::{ExchangeError, retry_after, server_time};
use super::http_log::{log_answer, log_request};
use super::stream::Stream;
use super::target::Target;
use super::trail::DialProgress;
use crate::secret::{Secret, redact, redact_query};

/// The most of an answer's body that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// How long an unused connection is kept. Servers close theirs after a time; a request that meets the end of a connection
/// may or may not have been carried out.
const IDLE: Duration = Duration::from_secs(4);

/// Where requests go: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    secure: bool,
    host: String,
    port: u16,
    authority: String,
}

impl Server {
    /// That of an `http` or `https` URL; `None` for any other.
    pub fn of(url: &Url) -> Option<Self> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host()?;
        let bare = match &host {
            Host::Domain(name) => (*name).to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let port = url.port().unwrap_or(if secure { 443 } else { 80 });
        Some(Self { secure, host: bare, port, authority })
    }

    /// What to dial for a WebSocket without a subprotocol. Path and query in origin form, with the token.
    pub fn websocket(&self, path_and_query: Secret) -> Target {
        Target { path_and_query, ..self.target() }
    }

    fn target(&self) -> Target {
        Target {
            secure: self.secure,
            host: self.host.clone(),
            port: self.port,
            authority: self.authority.clone(),
            path_and_query: Secret::new("/"),
            subprotocol: None,
        }
    }
}

/// Host, and port if it is not the scheme's own.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// Method.
    pub method: Method,
    /// Path and query in origin form, from `/` on. In logs, what is known as a secret in it is left out.
    pub path_and_query: String,
    /// Headers beside `Host` and `Content-Length`, which are made here, and `User-Agent`, which is where it is not given.
    /// Mark secret values as sensitive.
    pub headers: HeaderMap,
    /// May be empty.
    pub body: Bytes,
    /// Neither its body nor that of its answer is logged: they are secrets.
    pub private: bool,
}

/// What is answered, whatever its status.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: StatusCode,
    /// The reason phrase: the server's, redacted, else the standard one, else empty.
    pub reason: String,
    /// Headers, as they came.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

impl HttpAnswer {
    /// A header as text; not redacted.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `Retry-After`, a date turned into the time from the server's `Date`, or from now. Never negative.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, self.date())
    }

    /// `Date`: what the server's clock says.
    pub fn date(&self) -> Option<SystemTime> {
        server_time(&self.headers)
    }
}

/// Status and reason.
impl fmt::Display for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.reason.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}", self.status.as_u16(), self.reason)
    }
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// There is no connection.
    #[error(transparent)]
    Dial(DialError),
    /// There is no connection in time.
    #[error("timed out after {} while {stage}", humantime::format_duration(*limit))]
    DialTimeout {
        /// `--connect-timeout`.
        limit: Duration,
        /// What was waited for, in words.
        stage: String,
    },
    /// The path or a header cannot be put into a request.
    #[error("the {part} is not valid in an HTTP request")]
    BadRequest {
        /// Which part.
        part: &'static str,
    },
    /// The request went out, and nothing came back in time.
    #[error("`{authority}` did not answer within {}", humantime::format_duration(*limit))]
    AnswerTimeout {
        /// The other end.
        authority: String,
        /// The limit of an answer.
        limit: Duration,
    },
    /// The request went out, and the connection ended before the answer was there whole.
    #[error("`{authority}` closed the connection without a whole answer{}", source.as_ref().map(|error| format!(": {error}")).unwrap_or_default())]
    Closed {
        /// The other end.
        authority: String,
        /// What the operating system said, unless the end was an orderly one.
        source: Option<io::Error>,
    },
    /// The other end speaks something, but not HTTP.
    #[error("`{authority}` did not answer in HTTP: {problem}")]
    NotHttp {
        /// The other end.
        authority: String,
        /// Why it does not parse.
        problem: String,
    },
    /// The answer is longer than anybody needs.
    #[error("the answer of `{authority}` has more than {MAX_ANSWER_BYTES} bytes")]
    TooLarge {
        /// The other end.
        authority: String,
    },
}

impl HttpError {
    /// Whether the server may have carried out what was asked.
    pub fn was_sent(&self) -> bool {
        match self {
            Self::Dial(_) | Self::DialTimeout { .. } | Self::BadRequest { .. } => false,
            Self::AnswerTimeout { .. } | Self::Closed { .. } | Self::NotHttp { .. } | Self::TooLarge { .. } => true,
        }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// DNS, TCP, proxy and TLS together.
    pub connect: Duration,
    /// From the request to the end of its answer.
    pub answer: Duration,
}

type RequestSender = http1::SendRequest<Full<Bytes>>;

/// A connection without a request, and since when.
struct Idle {
    sender: RequestSender,
    since: Instant,
}

/// What came of a request on a connection.
enum ExchangeResult {
    Answer(HttpAnswer),
    /// It did not leave: a kept connection had ended meanwhile.
    Unsent(Request<Full<Bytes>>),
}

/// Asks one server. Has to be used within a runtime.
pub struct HttpClient {
    server: Server,
    options: DialOptions,
    limits: HttpLimits,
    idle: Mutex<VecDeque<Idle>>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("server", &self.server).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Connects at the first request. The headers of `options` come beside and in place of our own.
    pub fn new(server: Server, options: DialOptions, limits: HttpLimits) -> Self {
        Self { server, options, limits, idle: Mutex::default() }
    }

    /// Where requests go.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// How long things may take.
    pub fn limits(&self) -> HttpLimits {
        self.limits
    }

    /// Asks, and reads the answer whole. Dropping the future gives it up, and the connection with it.
    pub async fn ask(&self, request: &HttpRequest) -> Result<HttpAnswer, HttpError> {
        self.ask_marking_sent(request, &AtomicBool::new(false)).await
    }

    /// The same. `sent` is set when the request leaves: whoever gives it up then does not know what became of it.
    pub async fn ask_marking_sent(&self, request: &HttpRequest, sent: &AtomicBool) -> Result<HttpAnswer, HttpError> {
        let mut message = self.message(request)?;
        self.log_request(request, &message);
        loop {
            let (mut sender, fresh) = match self.kept() {
                Some(sender) => (sender, false),
                None => (self.connect().await?, true),
            };
            sent.store(true, Ordering::Relaxed);
            let exchange = async {
                match sender.try_send_request(message).await {
                    Ok(response) => self.read(sender, response, request.private).await.map(ExchangeResult::Answer),
                    Err(mut error) => match error.take_message().filter(|_| !fresh) {
                        Some(unsent) => Ok(ExchangeResult::Unsent(unsent)),
                        None => Err(self.explain(error.into_error())),
                    },
                }
            };
            match timeout(self.limits.answer, exchange).await.unwrap_or_else(|_| Err(self.too_late()))? {
                ExchangeResult::Answer(answer) => return Ok(answer),
                ExchangeResult::Unsent(unsent) => message = unsent,
            }
        }
    }

    fn too_late(&self) -> HttpError {
        HttpError::AnswerTimeout { authority: self.server.authority.clone(), limit: self.limits.answer }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, unless it has ended or is old.
    fn kept(&self) -> Option<RequestSender> {
        let mut idle = self.idle();
        while let Some(last) = idle.pop_back() {
            if last.since.elapsed() < IDLE && last.sender.is_ready() {
                return Some(last.sender);
            }
        }
        None
    }

    async fn connect(&self) -> Result<RequestSender, HttpError> {
        let progress = DialProgress::default();
        let limit = self.limits.connect;
        let stream = match timeout(limit, connect(&self.server.target(), &self.options, &progress)).await {
            Ok(stream) => stream.map_err(HttpError::Dial)?,
            Err(_) => return Err(HttpError::DialTimeout { limit, stage: progress.stage().to_string() }),
        };
        let handshake = http1::handshake::<TokioIo<Stream>, Full<Bytes>>(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| self.explain(error))?;
        // Ends with the sender, or when the server closes it; whoever waits for an answer is told.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    async fn read(
        &self,
        sender: RequestSender,
        response: http::Response<Incoming>,
        private: bool,
    ) -> Result<HttpAnswer, HttpError> {
        let (parts, mut incoming) = response.into_parts();
        let mut body = BytesMut::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame.map_err(|error| self.explain(error))?.into_data() else { continue };
            if body.len() + data.len() > MAX_ANSWER_BYTES {
                return Err(HttpError::TooLarge { authority: self.server.authority.clone() });
            }
            body.extend_from_slice(&data);
        }
        self.idle().push_back(Idle { sender, since: Instant::now() });
        let reason = match parts.extensions.get::<ReasonPhrase>() {
            Some(phrase) => redact(&String::from_utf8_lossy(phrase.as_bytes())).into_owned(),
            None => parts.status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let answer = HttpAnswer { status: parts.status, reason, headers: parts.headers, body: body.freeze() };
        log_answer(&answer, &answer.headers, (!private).then_some(&answer.body));
        Ok(answer)
    }

    fn message(&self, request: &HttpRequest) -> Result<Request<Full<Bytes>>, HttpError> {
        let path: PathAndQuery =
            request.path_and_query.parse().map_err(|_| HttpError::BadRequest { part: "path or query" })?;
        let mut message = Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = Uri::from(path);
        let headers = message.headers_mut();
        headers.clone_from(&request.headers);
        let host = HeaderValue::from_str(&self.server.authority);
        headers.insert(HOST, host.map_err(|_| HttpError::BadRequest { part: "host" })?);
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| HeaderValue::from_static(concat!("wps/", env!("CARGO_PKG_VERSION"))));
        if request.body.is_empty() && matches!(request.method, Method::POST | Method::PUT) {
            // What has no body says so: some servers want to know.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let given = &self.options.headers;
        // The first of a name takes the place of ours, the next come beside it.
        for (index, (name, value)) in given.iter().enumerate() {
            if given[..index].iter().any(|(earlier, _): &(HeaderName, HeaderValue)| earlier == name) {
                headers.append(name, value.clone());
            } else {
                headers.insert(name, value.clone());
            }
        }
        Ok(message)
    }

    fn log_request(&self, request: &HttpRequest, message: &Request<Full<Bytes>>) {
        let what = format_args!("{} {} to `{}`", request.method, RedactedPath(&request.path_and_query), self.server);
        log_request(&what, message.headers(), (!request.private).then_some(&request.body));
    }

    fn explain(&self, error: hyper::Error) -> HttpError {
        let authority = self.server.authority.clone();
        match ExchangeError::from(error) {
            ExchangeError::BadRequest => HttpError::BadRequest { part: "request" },
            ExchangeError::Alert(alert) => {
                HttpError::Dial(self.options.tls.judge(super::tls::alerted(self.server.host.clone(), alert)))
            }
            ExchangeError::Closed(source) => HttpError::Closed { authority, source },
            ExchangeError::NotHttp(problem) => HttpError::NotHttp { authority, problem },
        }
    }
}

/// A path and a query as they may be logged. Looked through only where they are.
struct RedactedPath<'a>(&'a str);

impl fmt::Display for RedactedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_query(self.0))
    }
}

/// An error with its causes, in one line.
pub fn in_one_line(error: &HttpError) -> String {
    match error {
        HttpError::Dial(error) => cause_chain(error),
        HttpError::DialTimeout { .. }
        | HttpError::BadRequest { .. }
        | HttpError::AnswerTimeout { .. }
        | HttpError::Closed { .. }
        | HttpError::NotHttp { .. }
        | HttpError::TooLarge { .. } => error.to_string(),
    }
}
