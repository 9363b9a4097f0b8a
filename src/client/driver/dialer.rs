//! Dials over the network: a URL for each attempt, a deadline around both, and what its failure means to the session.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout_at};

use super::source::{ProviderFailure, UrlSource};
use super::{DialFuture, Dialer};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::secret::{self, Secret};
use webpubsub_net::wire::{DialError, DialOptions, DialProgress, DialStep, Facts, Stage, Stream, Target, dial};
use webpubsub_proto::Subprotocol;
use webpubsub_proto::session::{DialClass, DialFailure, DialRequest};

/// The URL of the current connection, or of the last attempt; shared with those who explain things.
#[derive(Clone, Debug, Default)]
pub struct CurrentUrl(Arc<Mutex<Option<AccessUrl>>>);

impl CurrentUrl {
    /// The URL, if there was one.
    pub fn get(&self) -> Option<AccessUrl> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, url: &AccessUrl) {
        if let Some(token) = url.token() {
            secret::remember_passing(token.expose());
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.clone());
    }
}

/// How much of a refusal's body is told with each attempt; the error at the end has all of it.
const QUOTED_CHARS: usize = 160;

/// Why the last dial failed, for explanations.
#[derive(Clone, Debug)]
pub enum DialedError {
    /// On the way to the service, or there.
    Dial(Arc<DialError>),
    /// The provider of the URL gave none.
    NoUrl,
    /// The provider of the URL gave none, and says what to do about it.
    Provider {
        /// A sentence each.
        hints: Vec<String>,
    },
    /// The deadline came before the provider of the URL was done.
    UrlTimeout,
    /// The deadline came while a file of this machine was read.
    FileTimeout,
    /// The deadline came on the way to the service, or there.
    Timeout,
}

impl DialedError {
    /// What happened on the way or at the service, unless it was the deadline that ended the dial.
    pub fn dial(&self) -> Option<&DialError> {
        match self {
            Self::Dial(error) => Some(error),
            Self::NoUrl | Self::Provider { .. } | Self::UrlTimeout | Self::FileTimeout | Self::Timeout => None,
        }
    }
}

/// Dials the service.
#[derive(Debug)]
pub struct NetDialer {
    source: UrlSource,
    options: DialOptions,
    protocol: Subprotocol,
    /// How long a fresh connection may take, to be said as it was given.
    connect_timeout: Option<Duration>,
    /// The URL of the current connection: a recovery goes to the same place.
    current: CurrentUrl,
    last_error: Arc<Mutex<Option<DialedError>>>,
    trail: Trail,
}

/// What the last dial did so far, step by step; shared with those who tell it.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<DialProgress>>);

impl Trail {
    /// Its steps, in their order.
    pub fn steps(&self) -> Vec<DialStep> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).steps()
    }

    /// What the service's clock said in its answer to the last handshake, where it said so.
    pub fn served(&self) -> Option<SystemTime> {
        self.steps().iter().rev().find_map(|step| match step.facts {
            Some(Facts::Answer { date, .. }) => date,
            _ => None,
        })
    }

    /// Another dial begins.
    fn begin(&self) -> DialProgress {
        let progress = DialProgress::default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress.clone();
        progress
    }
}

impl NetDialer {
    /// Dials what `source` gives.
    pub fn new(source: UrlSource, options: DialOptions, protocol: Subprotocol) -> Self {
        Self {
            source,
            options,
            protocol,
            connect_timeout: None,
            current: CurrentUrl::default(),
            last_error: Arc::default(),
            trail: Trail::default(),
        }
    }

    /// Errors say this limit, where what was left of it at the dial would be some milliseconds less. It is no limit: that
    /// is the session's.
    #[must_use]
    pub fn with_stated_limit(mut self, connect_timeout: Duration) -> Self {
        self.connect_timeout = Some(connect_timeout);
        self
    }

    /// The first dial is a recovery: it goes there.
    pub fn recover_at(&mut self, url: &AccessUrl) {
        self.current.set(url);
    }

    /// The error of the last dial, if it ended with one of its own.
    pub fn last_error(&self) -> Option<DialedError> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the last dial did.
    pub fn trail(&self) -> Trail {
        self.trail.clone()
    }

    /// The URL of the current connection, or of the last attempt.
    pub fn current_url(&self) -> CurrentUrl {
        self.current.clone()
    }
}

fn target(url: &AccessUrl, path_and_query: Secret, protocol: Subprotocol) -> Target {
    Target {
        secure: url.is_secure(),
        host: url.host(),
        port: url.port(),
        authority: url.authority(),
        path_and_query,
        subprotocol: Some(protocol.name()),
    }
}

impl Dialer for NetDialer {
    type Stream = Stream;

    fn dial(&mut self, request: DialRequest, deadline: Instant) -> DialFuture<Stream> {
        // A recovery goes to where the connection was, with its own token: it needs no fresh URL (PROTOCOL §7.2).
        let known = match (&request, self.current.get()) {
            (DialRequest::Recover { connection_id, token }, Some(url)) => {
                let uri = url.recovery_uri(connection_id, &token.0);
                Some((url, uri))
            }
            (DialRequest::Fresh | DialRequest::Recover { .. }, _) => self.source.at_once().map(|url| {
                let uri = url.fresh_uri();
                (url, uri)
            }),
        };
        if let Some((url, _)) = &known {
            self.current.set(url);
        }
        let (source, current, protocol) = (self.source.clone(), self.current.clone(), self.protocol);
        let options = self.options.clone();
        let last_error = Arc::clone(&self.last_error);
        let trail = self.trail.clone();
        // A dial that is dropped has none: it must not be explained with the one before it.
        *last_error.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let blame = move |error| *last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        let limit = match request {
            DialRequest::Fresh => self.connect_timeout,
            DialRequest::Recover { .. } => None,
        };
        let limit = limit.unwrap_or_else(|| rounded(deadline.saturating_duration_since(Instant::now())));
        Box::pin(async move {
            let (url, path_and_query) = match known {
                Some(known) => known,
                None => {
                    let url = match timeout_at(deadline, source.obtain()).await {
                        Ok(Ok(url)) => url,
                        Ok(Err(error)) => {
                            let (dialed, failure) = no_url(error.as_ref());
                            blame(dialed);
                            return Err(failure);
                        }
                        Err(_) => {
                            blame(DialedError::UrlTimeout);
                            return Err(timed_out(limit, source.activity()));
                        }
                    };
                    current.set(&url);
                    let uri = url.fresh_uri();
                    (url, uri)
                }
            };
            let target = target(&url, path_and_query, protocol);
            let progress = trail.begin();
            match timeout_at(deadline, dial(&target, &options, &progress)).await {
                Ok(Ok(link)) => Ok(link),
                Ok(Err(error)) => {
                    let failure = failure(&error);
                    blame(DialedError::Dial(Arc::new(error)));
                    Err(failure)
                }
                Err(_) => {
                    let stage = progress.stage();
                    let failure = timed_out(limit, &stage.to_string());
                    // What is slow is not the network, and another attempt would find the same file.
                    let is_local = matches!(stage, Stage::Files { .. });
                    blame(if is_local { DialedError::FileTimeout } else { DialedError::Timeout });
                    Err(if is_local { DialFailure { class: DialClass::Configuration, ..failure } } else { failure })
                }
            }
        })
    }
}

/// What it means that there is no URL.
fn no_url(error: &(dyn std::error::Error + Send + Sync + 'static)) -> (DialedError, DialFailure) {
    match error.downcast_ref::<ProviderFailure>() {
        Some(ProviderFailure { class, message, retry_after, hints }) => (
            DialedError::Provider { hints: hints.clone() },
            DialFailure { class: *class, message: message.clone(), retry_after: *retry_after },
        ),
        None => (DialedError::NoUrl, unreachable(error.to_string())),
    }
}

/// What is left of a limit, as it was a moment before.
fn rounded(left: Duration) -> Duration {
    let steps = if left < Duration::from_millis(100) { 1000.0 } else { 100.0 };
    Duration::from_secs_f64((left.as_secs_f64() * steps).round() / steps)
}

fn timed_out(limit: Duration, stage: &str) -> DialFailure {
    unreachable(format!("timed out after {} s while {stage}", limit.as_secs_f64()))
}

fn unreachable(message: String) -> DialFailure {
    DialFailure { class: DialClass::Unreachable, message, retry_after: None }
}

/// What a failed dial means, and what is said of it.
pub fn failure(error: &DialError) -> DialFailure {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    let refusal = error.answer();
    if let Some(said) = refusal.and_then(|refusal| refusal.body.lines().find(|line| !line.trim().is_empty())) {
        let cut = said.char_indices().nth(QUOTED_CHARS).map_or(said.len(), |(at, _)| at);
        let more = if cut < said.len() { "…" } else { "" };
        message.push_str(&format!(": {}{more}", said[..cut].trim()));
    }
    let retry_after = refusal.and_then(|refusal| refusal.retry_after);
    DialFailure { class: class(error), message, retry_after }
}

fn class(error: &DialError) -> DialClass {
    match error {
        DialError::BadTarget { .. } | DialError::PemFile { .. } | DialError::TlsSetup { .. } => {
            DialClass::Configuration
        }
        DialError::Resolve { .. }
        | DialError::Connect { .. }
        | DialError::Tls { .. }
        | DialError::ClosedEarly { .. } => DialClass::Unreachable,
        DialError::Proxy(error) if error.is_final() => DialClass::Proxy,
        DialError::Proxy(_) => DialClass::Unreachable,
        DialError::Certificate { .. } | DialError::ClientCertificate { .. } => DialClass::Certificate,
        DialError::Refused(refusal) => DialClass::Status(refusal.status),
        DialError::NoSubprotocol { .. } | DialError::WrongSubprotocol { .. } => DialClass::Subprotocol,
        DialError::BadHandshake { .. } | DialError::NotHttp { .. } => DialClass::NotWebSocket,
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::{Providing, UrlProvider};
    use super::*;

    /// A provider that gives nothing, ever.
    #[derive(Debug)]
    struct Never;

    impl UrlProvider for Never {
        fn provide(&self) -> Providing<'_> {
            Box::pin(std::future::pending())
        }

        fn activity(&self) -> &'static str {
            "waiting"
        }
    }

    #[tokio::test]
    async fn a_dial_is_not_explained_with_the_error_of_the_one_before() {
        let url = AccessUrl::parse("ws://localhost:1/client/hubs/h").unwrap();
        let mut dialer = NetDialer::new(UrlSource::Fixed(url), DialOptions::default(), Subprotocol::Json);
        let error = DialError::NotHttp { authority: "a".into(), problem: "p".into() };
        *dialer.last_error.lock().unwrap() = Some(DialedError::Dial(Arc::new(error)));
        assert!(dialer.last_error().is_some());
        drop(dialer.dial(DialRequest::Fresh, Instant::now()));
        assert!(dialer.last_error().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_dial_says_the_limit_that_the_session_has_however_late_it_begins() {
        let provider: Arc<dyn UrlProvider> = Arc::new(Never);
        let dialer = NetDialer::new(UrlSource::Provider(provider), DialOptions::default(), Subprotocol::Json);
        let late = Instant::now() + Duration::from_millis(1440);
        let dialed = dialer.with_stated_limit(Duration::from_millis(1500)).dial(DialRequest::Fresh, late).await;
        assert_eq!(dialed.unwrap_err().message, "timed out after 1.5 s while waiting");
    }

    #[test]
    fn a_limit_is_said_as_it_was_given_though_a_moment_of_it_had_passed() {
        for (left, said) in [(49_800, "0.05 s"), (199_300, "0.2 s"), (999_100, "1 s"), (1_499_000, "1.5 s")] {
            let failure = timed_out(rounded(Duration::from_micros(left)), "x");
            assert_eq!(failure.message, format!("timed out after {said} while x"));
        }
    }
}
