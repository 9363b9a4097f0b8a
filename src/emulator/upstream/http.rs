//! The HTTP side of handlers: one request, one answer, and what went wrong in words.
//!
//! Redirects are answers like any other, proxies are not asked, and answers have a limit. The roots of `https` are read
//! only when a handler needs them.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HeaderMap;
use http::{Method, StatusCode};
use reqwest::redirect::Policy;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use url::Url;

use webpubsub_net::wire::{CertificateProblem, Tls, log_answer, log_request};

/// The most of an answer's body that is read.
pub(super) const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// How long an unused connection is kept. Node.js closes its own after five seconds, and a request that meets the end of
/// a connection would look like a handler that failed.
const IDLE: Duration = Duration::from_secs(4);

/// An HTTP client. Built at the first request.
#[derive(Debug, Default)]
pub(super) struct Http {
    tls: Tls,
    plain: OnceCell<Result<reqwest::Client, String>>,
    secure: OnceCell<Result<reqwest::Client, String>>,
}

/// What a handler answered.
#[derive(Debug)]
pub(super) struct HandlerResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExchangeFailure {
    /// The handler was not reached, or the exchange broke: worth another attempt.
    Network(String),
    /// The same of one that was not reached at all.
    Unreached(String),
    /// The same of a port that answers TLS with something else.
    NoTls,
    /// Everything else.
    Hopeless(String),
}

impl fmt::Display for ExchangeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(text) | Self::Unreached(text) | Self::Hopeless(text) => f.write_str(text),
            Self::NoTls => f.write_str("the port does not speak TLS, and its URL begins with `https://`"),
        }
    }
}

impl Http {
    /// One that judges certificates so.
    pub(super) fn new(tls: Tls) -> Self {
        Self { tls, ..Self::default() }
    }

    /// Makes a request and reads its answer whole. Has no time limit of its own.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<HandlerResponse, ExchangeFailure> {
        let client = self.client(url).await.map_err(ExchangeFailure::Hopeless)?;
        log_request(&format_args!("{method} {}", RedactedUrl(url)), &headers, Some(&body));
        let sent = client.request(method, url.clone()).headers(headers).body(body).send().await;
        let mut response = sent.map_err(|error| broken(&error))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(ExchangeFailure::Hopeless("its answer is larger than 16 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let body = body.freeze();
        log_answer(&format_args!("{status} of {}", RedactedUrl(url)), &headers, Some(&body));
        Ok(HandlerResponse { status, headers, body })
    }

    async fn client(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let built = if url.scheme() == "https" {
            let secure = async {
                let config = self.tls.client_config().await.map_err(|error| error.to_string())?;
                build(reqwest::Client::builder().tls_backend_preconfigured(config))
            };
            self.secure.get_or_init(|| secure).await
        } else {
            let plain = async {
                // Whoever has no TLS need not wait for the platform's roots.
                let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
                let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
                let config = config.map_err(|error| error.to_string())?;
                let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
                build(reqwest::Client::builder().tls_backend_preconfigured(config))
            };
            self.plain.get_or_init(|| plain).await
        };
        built.as_ref().map_err(Clone::clone)
    }
}

/// A URL without what may be a secret: its query and its user. Written only where it is logged.
struct RedactedUrl<'a>(&'a Url);

impl fmt::Display for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url) = self;
        let host = url.authority().rsplit('@').next().unwrap_or_default();
        write!(f, "`{}://{host}{}`", url.scheme(), url.path())
    }
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, String> {
    let builder = builder.redirect(Policy::none()).no_proxy().pool_idle_timeout(IDLE).http1_only();
    let user_agent = concat!("wps/", env!("CARGO_PKG_VERSION"));
    builder.user_agent(user_agent).build().map_err(|error| root_cause(&error))
}

fn broken(error: &reqwest::Error) -> ExchangeFailure {
    let cause = root_cause(error);
    match tls_error(error) {
        // The next attempt would meet the same.
        Some(rustls::Error::InvalidCertificate(error)) => {
            return ExchangeFailure::Hopeless(format!(
                "its certificate was not accepted: {}; the system's roots count, or those of `SSL_CERT_FILE` on Linux, and \
                 `--ca-cert` trusts others",
                CertificateProblem::from(error)
            ));
        }
        Some(rustls::Error::InvalidMessage(_)) if error.is_connect() => return ExchangeFailure::NoTls,
        Some(_) | None => {}
    }
    if error.is_connect() {
        return ExchangeFailure::Unreached(format!("it could not be reached: {cause}"));
    }
    if error.is_builder() {
        return ExchangeFailure::Hopeless(format!("the request cannot be made: {cause}"));
    }
    ExchangeFailure::Network(format!("it gave no whole answer: {cause}"))
}

/// What TLS had against it.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An I/O error leaves the error that it holds out of the chain.
        let io = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match io {
            Some(held) => Some(held),
            None => cause.source(),
        };
    }
    None
}

/// The innermost cause: those around it repeat the URL, or say nothing.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(|cause| cause.source()) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "the HTTP client failed".to_owned(), ToString::to_string)
}
