//! The service's REST API (PROTOCOL §13): requests that carry a token for them, tried again where that may help, and what a
//! failure of one means.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use tokio::time::sleep;
use url::Url;

use super::chance::{seed, unix_now};
use super::explain::{ConnectContext, PROXY_CREDENTIALS, dial_hints, skew, timeout_hint};
use super::identity::Identities;
use crate::failure::{Failure, Kind};
use crate::options::requests::settings::RequestSettings;
use crate::render::sanitize::for_line;
use crate::render::{ConsoleStream, TOLD, human};
use webpubsub_net::auth::token::{ClientTokenRequest, sign_client_token};
use webpubsub_net::secret::{Secret, excerpt, redact};
use webpubsub_net::wire::{
    DialError, DialOptions, HttpAnswer, HttpClient, HttpError, HttpLimits, HttpRequest, Server, in_one_line,
    without_query,
};
use webpubsub_proto::session::{Backoff, BackoffMode, Jitter};

/// The newest version of the API.
pub const API_VERSION: &str = "2024-12-01";

/// One attempt: whoever asks tries again by itself.
pub fn no_retries(limit: Duration) -> RequestSettings {
    let backoff = Backoff { mode: BackoffMode::Fixed, delay: Duration::ZERO, max_delay: Duration::MAX };
    RequestSettings { connect_timeout: limit, answer_timeout: limit, retries: 0, backoff }
}

/// How long a token for one request is valid. The service allows for clocks that differ by five minutes.
const TOKEN_TTL: Duration = Duration::from_secs(5 * 60);

/// The least pause, where the service asks for none at all.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// What a request carries to be let in.
#[derive(Clone, Debug)]
pub enum RestAccess {
    /// A token signed here, for that request alone.
    Key(Secret),
    /// A token of whoever is allowed to.
    Identity(Arc<Identities>),
}

/// Whether a request is made again that may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It comes to the same the second time.
    Harmless,
    /// That was asked for, at the risk of doubling it.
    AtRisk,
    /// It is not.
    Never,
}

/// A request.
#[derive(Clone, Debug)]
pub struct RestRequest {
    /// What is asked, in words, as in `could not …`.
    pub to_do: String,
    /// Method.
    pub method: Method,
    /// Path from the endpoint on, percent-encoded.
    pub path: String,
    /// The path with the query.
    pub path_and_query: String,
    /// The content type of the body.
    pub content_type: Option<&'static str>,
    /// Further headers.
    pub headers: HeaderMap,
    /// May be empty.
    pub body: Bytes,
    /// What becomes of it where it is not known whether it was carried out.
    pub repetition: Repetition,
    /// It carries a token.
    pub signed: bool,
    /// Neither its body nor that of its answer is logged.
    pub private: bool,
}

/// What came of a request, whatever the status.
#[derive(Debug)]
pub struct RestAnswer {
    /// The last answer.
    pub answer: HttpAnswer,
    /// How often it was asked.
    pub attempts: u32,
    /// From the first attempt to the last answer.
    pub elapsed: Duration,
    /// An earlier attempt that had no answer may have done what is not to be doubled.
    pub may_be_done: bool,
}

/// Where warnings go about attempts that failed.
#[derive(Clone)]
pub struct Warnings {
    err: ConsoleStream,
    quiet: bool,
}

impl Warnings {
    /// To stderr, unless it is to be quiet.
    pub fn new(err: ConsoleStream, quiet: bool) -> Self {
        Self { err, quiet }
    }

    /// A line.
    pub fn warn(&self, text: &str) {
        if !self.quiet {
            let style = self.err.style;
            let text = excerpt(text, 2 * TOLD);
            self.err.line(&format!("{} {}", style.label("warning:"), for_line(&text)));
        }
    }
}

/// What is known of requests that have no answer yet, for whoever gives them up.
#[derive(Debug, Default)]
pub struct PendingRequests(Mutex<UnansweredRequests>);

#[derive(Debug, Default)]
struct UnansweredRequests {
    /// Why the last attempt failed.
    problem: Option<String>,
    /// Requests that change something, and whether each has left.
    changes: Vec<(String, Arc<AtomicBool>)>,
}

impl PendingRequests {
    fn state(&self) -> MutexGuard<'_, UnansweredRequests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, problem: Option<String>) {
        self.state().problem = problem;
    }

    /// What somebody has to know who gives up what is under way: that something may have been done, or why it was not.
    pub fn left(&self) -> Option<String> {
        let state = self.state();
        let unsure = state.changes.iter().filter(|(_, sent)| sent.load(Ordering::Relaxed));
        let unsure: Vec<&str> = unsure.map(|(to_do, _)| to_do.as_str()).collect();
        match unsure.as_slice() {
            [] => state.problem.clone(),
            [to_do] => Some(format!("whether the service did {to_do} is not known")),
            [to_do, ..] => Some(format!("whether the service did {to_do} is not known of {} requests", unsure.len())),
        }
    }
}

/// A request under way.
struct RequestTracker<'a> {
    under_way: Option<&'a PendingRequests>,
    sent: Arc<AtomicBool>,
}

impl<'a> RequestTracker<'a> {
    fn begin(under_way: Option<&'a PendingRequests>, call: &RestRequest) -> Self {
        let sent = Arc::new(AtomicBool::new(false));
        if let Some(under_way) = under_way.filter(|_| !matches!(call.method, Method::GET | Method::HEAD)) {
            under_way.state().changes.push((call.to_do.clone(), Arc::clone(&sent)));
        }
        Self { under_way, sent }
    }
}

impl Drop for RequestTracker<'_> {
    fn drop(&mut self) {
        if let Some(under_way) = self.under_way {
            under_way.state().changes.retain(|(_, sent)| !Arc::ptr_eq(sent, &self.sent));
        }
    }
}

/// Asks one service.
pub struct RestClient {
    http: HttpClient,
    endpoint: Url,
    access: RestAccess,
    patience: RequestSettings,
    jitter: Mutex<Jitter>,
    warnings: Option<Warnings>,
    /// It is the emulator on this machine.
    local: bool,
    under_way: Option<Arc<PendingRequests>>,
}

impl fmt::Debug for RestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("http", &self.http).finish_non_exhaustive()
    }
}

impl RestClient {
    /// Asks nothing yet. `endpoint` is `http` or `https`.
    pub fn new(
        (endpoint, local): (Url, bool),
        access: RestAccess,
        options: DialOptions,
        patience: RequestSettings,
        warnings: Option<Warnings>,
    ) -> Result<Self, Failure> {
        let server = Server::of(&endpoint)
            .ok_or_else(|| Failure::message(Kind::Config, "the endpoint of the service is no `http` or `https` URL"))?;
        let limits = HttpLimits { connect: patience.connect_timeout, answer: patience.answer_timeout };
        let jitter = Mutex::new(Jitter::new(seed()));
        let http = HttpClient::new(server, options, limits);
        Ok(Self { http, endpoint, access, patience, jitter, warnings, local, under_way: None })
    }

    /// Keeps there what is under way.
    pub fn tracking(self, under_way: Arc<PendingRequests>) -> Self {
        Self { under_way: Some(under_way), ..self }
    }

    /// The path that stands in the endpoint, before that of the API.
    fn base(&self) -> &str {
        self.endpoint.path().trim_end_matches('/')
    }

    /// Asks until there is an answer that another attempt would not change. Fails where there is none.
    pub async fn ask(&self, call: &RestRequest) -> Result<RestAnswer, Failure> {
        let began = Instant::now();
        let (mut attempts, mut renewed, mut may_be_done) = (0, false, false);
        let asking = RequestTracker::begin(self.under_way.as_deref(), call);
        loop {
            attempts += 1;
            let request = self.request(call).await?;
            let outcome = self.http.ask_marking_sent(&request, &asking.sent).await;
            if outcome.is_ok() || outcome.as_ref().is_err_and(|error| !error.was_sent()) {
                asking.sent.store(false, Ordering::Relaxed);
            }
            if let (Ok(answer), RestAccess::Identity(identities)) = (&outcome, &self.access)
                && answer.status == StatusCode::UNAUTHORIZED
                && !std::mem::replace(&mut renewed, true)
            {
                // It may have expired by the service's clock, or been taken back.
                identities.forget();
                continue;
            }
            may_be_done |= outcome.as_ref().is_err_and(is_lost) && call.repetition != Repetition::Harmless;
            let longest = self.patience.backoff.max_delay;
            let (problem, asked_for) = match outcome {
                Ok(answer) => {
                    let wait = answer.retry_after();
                    let is_last = attempts > self.patience.retries || wait.is_some_and(|wait| wait > longest);
                    if is_last || !is_passing(answer.status) {
                        if let Some(under_way) = &self.under_way {
                            under_way.fail(None);
                        }
                        return Ok(RestAnswer { answer, attempts, elapsed: began.elapsed(), may_be_done });
                    }
                    (format!("it answered {answer}"), wait)
                }
                Err(error) if attempts > self.patience.retries || !may_repeat(&error, call) => {
                    return Err(match may_be_done {
                        true => unknown(call, &error, attempts),
                        false => self.unanswered(call, &error, attempts),
                    });
                }
                Err(error) => (in_one_line(&error), None),
            };
            let what = &call.to_do;
            if let Some(under_way) = &self.under_way {
                under_way.fail(Some(format!("could not {what}: {problem}")));
            }
            let own = self.pause(attempts);
            let pause = asked_for.map_or(own, |wait| wait.max(own.min(SHORTEST_PAUSE)));
            if let Some(warnings) = &self.warnings {
                let pause = human(pause);
                warnings.warn(&format!("could not {what}: {problem}; trying again in {pause} (retry {attempts})"));
            }
            sleep(pause).await;
        }
    }

    fn pause(&self, attempts: u32) -> Duration {
        let mut jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
        self.patience.backoff.pause(attempts, &mut jitter)
    }

    async fn request(&self, call: &RestRequest) -> Result<HttpRequest, Failure> {
        let mut headers = call.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(content_type) = call.content_type {
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if call.signed {
            headers.insert(AUTHORIZATION, self.authorization(&call.path).await?);
        }
        Ok(HttpRequest {
            method: call.method.clone(),
            path_and_query: format!("{}{}", self.base(), call.path_and_query),
            headers,
            body: call.body.clone(),
            private: call.private,
        })
    }

    /// The audience is the request's URL without its query (PROTOCOL §2.4).
    async fn authorization(&self, path: &str) -> Result<HeaderValue, Failure> {
        let token = match &self.access {
            RestAccess::Key(key) => {
                let audience = format!("{}{path}", self.endpoint.as_str().trim_end_matches('/'));
                sign_client_token(
                    key,
                    &ClientTokenRequest {
                        audience: &audience,
                        user: None,
                        roles: &[],
                        groups: &[],
                        issued_at: unix_now(),
                        ttl: TOKEN_TTL,
                        not_before: None,
                        claims: &[],
                    },
                )
            }
            RestAccess::Identity(identities) => identities.token().await?.token,
        };
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| internal())?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn place(&self) -> ConnectContext {
        ConnectContext {
            url: None,
            local: false,
            connect_timeout: self.patience.connect_timeout,
            longest_pause: self.patience.backoff.max_delay,
            kept: false,
            verbose: false,
        }
    }

    /// Why there is no answer.
    fn unanswered(&self, call: &RestRequest, error: &HttpError, attempts: u32) -> Failure {
        let cause = anyhow!("{}", redact(&in_one_line(error)));
        let times = if attempts > 1 { format!(" in {attempts} attempts") } else { String::new() };
        let what = format!("could not {}{times}", call.to_do);
        let failure = |kind| Failure::new(kind, cause.context(what));
        match error {
            HttpError::Dial(
                error @ (DialError::BadTarget { .. } | DialError::PemFile { .. } | DialError::TlsSetup { .. }),
            ) => with_hints(failure(Kind::Config), dial_hints(error, &self.place())),
            HttpError::Dial(DialError::Connect { .. }) if self.local => {
                failure(Kind::Unreachable).hint("start an emulator with `wps emulator`")
            }
            HttpError::Dial(DialError::Tls { alert: None, .. }) => {
                failure(Kind::Unreachable).hint("does the port speak TLS? `http://` is without, `https://` with it")
            }
            HttpError::Dial(error) => with_hints(failure(Kind::Unreachable), dial_hints(error, &self.place())),
            HttpError::DialTimeout { .. } => failure(Kind::Unreachable).hint(timeout_hint(&self.place())),
            HttpError::BadRequest { .. } => failure(Kind::Config),
            HttpError::AnswerTimeout { .. } => {
                failure(Kind::Unreachable).hint("`--ack-timeout` says how long each attempt waits for its answer")
            }
            HttpError::Closed { .. } => failure(Kind::Unreachable).hint(
                "check that it is a Web PubSub service that listens there; a port that speaks TLS needs `https://`",
            ),
            HttpError::NotHttp { .. } => failure(Kind::Protocol)
                .hint("check host and port, and whether it is `http://` or `https://` that the service speaks there"),
            HttpError::TooLarge { .. } => failure(Kind::Protocol),
        }
    }

    /// Why an answer is not the one that was wanted.
    pub fn refused(&self, call: &RestRequest, answered: &RestAnswer) -> Failure {
        let RestAnswer { answer, attempts, may_be_done, .. } = answered;
        let said = ServiceError::of(answer);
        let status = answer.status;
        let kind = match status.as_u16() {
            401 | 403 => Kind::Unauthorized,
            407 => Kind::Unreachable,
            _ if is_passing(status) && *may_be_done => Kind::OperationUnknown,
            _ if is_passing(status) => Kind::Unreachable,
            _ => Kind::OperationRefused,
        };
        let times = if *attempts > 1 { format!(" {attempts} times") } else { String::new() };
        let code = said.code.as_deref().map(|code| format!(" (`{code}`)")).unwrap_or_default();
        let what = format!("the service refused{times} to {}: {answer}{code}", call.to_do);
        let mut failure = match &said.message {
            Some(message) => Failure::new(kind, anyhow!("it answered: {}", excerpt(message, 2 * TOLD)).context(what)),
            None => Failure::message(kind, what),
        };
        if kind == Kind::OperationUnknown {
            failure = failure.hint("an attempt before that had no answer, and may have done it");
        }
        self.hints(answer, &mut failure.hints);
        failure
    }

    /// What another answer of success than the service's means.
    pub fn mistaken(&self, call: &RestRequest, answered: &RestAnswer, ok: StatusCode) -> Failure {
        let what = format!(
            "the answer to the request to {} is {}, and the service would say {}",
            call.to_do,
            answered.answer,
            ok.as_u16()
        );
        let server = self.http.server();
        Failure::message(Kind::Protocol, what)
            .hint(format!("perhaps it is not Web PubSub that listens at `{server}`: check host and port"))
    }

    fn hints(&self, answer: &HttpAnswer, hints: &mut Vec<String>) {
        let now = std::time::SystemTime::now();
        match answer.status.as_u16() {
            300..=399 => {
                let location = answer.header("location").map(|to| format!(" (to `{}`)", without_query(&redact(to))));
                let location = location.unwrap_or_default();
                hints.push(format!(
                    "redirects are not followed{location}, so that no token goes to another host: name the final address"
                ));
            }
            401 => match &self.access {
                RestAccess::Identity(identities) => hints.push(identities.why_not_taken()),
                RestAccess::Key(_) => hints.push(
                    "the token was signed here: is the access key one of this service, and the endpoint its own address?"
                        .into(),
                ),
            },
            403 => match &self.access {
                RestAccess::Identity(_) => hints.push(
                    "the identity is known, and may not do this: the role `Web PubSub Service Owner` on the resource is \
                     needed (`Web PubSub Service Reader` only reads); a new role takes minutes to count"
                        .into(),
                ),
                RestAccess::Key(_) => {
                    hints.push("the network rules of the service, or keys that are switched off, may be why".into());
                }
            },
            404 if answer.header("x-ms-error-code").is_none() && answer.body.is_empty() => {
                hints.push("check the endpoint: the API is at `https://NAME.webpubsub.azure.com/api/…`".into());
            }
            407 => hints.push(PROXY_CREDENTIALS.into()),
            429 | 503 => {
                if let Some(wait) = answer.retry_after().filter(|wait| *wait > self.patience.backoff.max_delay) {
                    let wait = human(wait);
                    hints.push(format!("the service asks to wait {wait}; a longer `--retry-max-delay` waits for it"));
                }
            }
            _ => {}
        }
        if let Some(hint) = answer.date().and_then(|served| skew(served, now)) {
            hints.push(hint);
        }
    }
}

/// Whether it is not known then what the service did.
fn is_lost(error: &HttpError) -> bool {
    match error {
        HttpError::AnswerTimeout { .. } | HttpError::Closed { .. } => true,
        HttpError::Dial(_)
        | HttpError::DialTimeout { .. }
        | HttpError::BadRequest { .. }
        | HttpError::NotHttp { .. }
        | HttpError::TooLarge { .. } => false,
    }
}

/// There is no answer, and it may have been done.
fn unknown(call: &RestRequest, error: &HttpError, attempts: u32) -> Failure {
    let after = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
    let what = format!("whether the service did {} is not known{after}", call.to_do);
    let failure = Failure::new(Kind::OperationUnknown, anyhow!("{}", redact(&in_one_line(error))).context(what));
    match call.repetition {
        Repetition::Never => failure.hint("`--on-unknown resend` sends it again, at the risk of doubling it"),
        Repetition::AtRisk | Repetition::Harmless => {
            failure.hint("each attempt may have been carried out; `--retries` says how many there are")
        }
    }
}

/// Whether the same may be asked once more after that.
fn may_repeat(error: &HttpError, call: &RestRequest) -> bool {
    match error {
        HttpError::Dial(error) => match error {
            DialError::Resolve { .. }
            | DialError::Connect { .. }
            | DialError::Tls { .. }
            | DialError::ClosedEarly { .. } => true,
            DialError::Proxy(error) => !error.is_final(),
            DialError::BadTarget { .. }
            | DialError::PemFile { .. }
            | DialError::TlsSetup { .. }
            | DialError::Certificate { .. }
            | DialError::ClientCertificate { .. }
            | DialError::Refused(_)
            | DialError::BadHandshake { .. }
            | DialError::NoSubprotocol { .. }
            | DialError::WrongSubprotocol { .. }
            | DialError::NotHttp { .. } => false,
        },
        HttpError::DialTimeout { .. } => true,
        HttpError::AnswerTimeout { .. } | HttpError::Closed { .. } => call.repetition != Repetition::Never,
        HttpError::BadRequest { .. } | HttpError::NotHttp { .. } | HttpError::TooLarge { .. } => false,
    }
}

fn internal() -> Failure {
    Failure::message(Kind::Internal, "the request could not be made")
}

fn with_hints(mut failure: Failure, hints: Vec<String>) -> Failure {
    failure.hints.extend(hints);
    failure
}

/// Whether another attempt may find another answer.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// What the service says of an error: a code and a sentence (PROTOCOL §13, *Errors*).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceError {
    /// As in `Error.BadRequest`.
    pub code: Option<String>,
    /// For people, redacted; the body where it has another form.
    pub message: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
    error: Option<Box<ErrorBody>>,
}

impl ServiceError {
    /// Of an answer.
    pub fn of(answer: &HttpAnswer) -> Self {
        let body = serde_json::from_slice::<ErrorBody>(&answer.body).ok();
        let body = body.map(|body| match body.error {
            Some(inner) => *inner,
            None => body,
        });
        let header = answer.header("x-ms-error-code").map(|code| redact(code).into_owned());
        let (code, message) = body.map_or((None, None), |body| (body.code, body.message));
        let text = || {
            let text = String::from_utf8_lossy(&answer.body);
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (!line.is_empty()).then(|| redact(&line).into_owned())
        };
        let message = message.map(|message| redact(&message).into_owned()).or_else(text);
        Self { code: code.map(|code| redact(&code).into_owned()).or(header), message }
    }
}
