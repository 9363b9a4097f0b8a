//! Abuse protection: a handler has to say that it wants the service's events before it gets any (PROTOCOL §14.2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout};
use url::Url;

use super::http::{ExchangeFailure, HandlerResponse, Http};

/// How long a handler that agreed is not asked again. One that did not is asked each time.
const VALID_FOR: Duration = Duration::from_secs(60);
/// The most URLs that are remembered.
const MAX_REMEMBERED: usize = 1024;

const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
pub(super) const ALLOWED_ORIGIN: &str = "webhook-allowed-origin";

/// Who agreed, and when. While one URL is being asked, everybody who needs it waits for that answer.
#[derive(Debug, Default)]
pub(super) struct Validations {
    agreed: Mutex<HashMap<Url, Arc<AsyncMutex<Option<Instant>>>>>,
}

/// Who asks, by the names a handler may allow.
#[derive(Clone, Debug)]
pub(super) struct ValidationOrigin {
    /// The host alone, which is what is sent.
    pub(super) host: HeaderValue,
    /// Host and port, which a handler may name instead.
    pub(super) authority: String,
}

impl ValidationOrigin {
    /// Of an endpoint like `http://localhost:8080`.
    pub(super) fn of_endpoint(endpoint: &str) -> Self {
        let url = Url::parse(endpoint).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or("localhost").to_owned();
        let port = url.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();
        let authority = format!("{host}{port}");
        Self { host: HeaderValue::from_str(&host).unwrap_or(HeaderValue::from_static("localhost")), authority }
    }

    /// Whether the answer's headers allow it: several, each perhaps a list with commas.
    pub(super) fn is_allowed_by(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(ALLOWED_ORIGIN).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim).any(|allowed| {
            allowed == "*"
                || allowed.as_bytes().eq_ignore_ascii_case(self.host.as_bytes())
                || allowed.eq_ignore_ascii_case(&self.authority)
        })
    }
}

impl Validations {
    /// Makes sure that the handler at this URL agreed lately. `limit` is for each request.
    pub(super) async fn ensure(
        &self,
        http: &Http,
        url: &Url,
        origin: &ValidationOrigin,
        limit: Duration,
    ) -> Result<(), ExchangeFailure> {
        let entry = self.entry(url);
        let mut agreed = entry.lock().await;
        if agreed.is_some_and(|at| at.elapsed() < VALID_FOR) {
            return Ok(());
        }
        *agreed = None;
        let mut answer = ask(http, Method::OPTIONS, url, origin, limit).await?;
        let mut method = "OPTIONS";
        if answer.status == StatusCode::NOT_FOUND {
            answer = ask(http, Method::GET, url, origin, limit).await?;
            method = "OPTIONS and GET";
        }
        let status = answer.status;
        if status.is_success() && origin.is_allowed_by(&answer.headers) {
            *agreed = Some(Instant::now());
            return Ok(());
        }
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Err(ExchangeFailure::Network(format!(
                "it answered the validation ({method}) with {}",
                status.as_u16()
            )));
        }
        let why = if !status.is_success() {
            format!("with {}", status.as_u16())
        } else if answer.headers.contains_key(ALLOWED_ORIGIN) {
            format!("without `{}` in `WebHook-Allowed-Origin`", origin.host.to_str().unwrap_or_default())
        } else {
            "without the header `WebHook-Allowed-Origin`".to_owned()
        };
        Err(ExchangeFailure::Hopeless(format!(
            "it does not agree to get events: it answered the validation ({method}) {why}"
        )))
    }

    fn entry(&self, url: &Url) -> Arc<AsyncMutex<Option<Instant>>> {
        let mut agreed = self.agreed.lock().unwrap_or_else(PoisonError::into_inner);
        if agreed.len() >= MAX_REMEMBERED && !agreed.contains_key(url) {
            // Those that are being asked just now stay.
            agreed.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        Arc::clone(agreed.entry(url.clone()).or_default())
    }
}

/// The headers of the request.
pub(super) fn validation_headers(origin: &ValidationOrigin) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(REQUEST_ORIGIN, origin.host.clone());
    headers.insert(HeaderName::from_static("ce-awpsversion"), HeaderValue::from_static("1.0"));
    headers
}

async fn ask(
    http: &Http,
    method: Method,
    url: &Url,
    origin: &ValidationOrigin,
    limit: Duration,
) -> Result<HandlerResponse, ExchangeFailure> {
    let headers = validation_headers(origin);
    let answer = timeout(limit, http.ask(method, url, headers, Bytes::new())).await;
    answer.unwrap_or_else(|_| {
        let limit = humantime::format_duration(limit);
        Err(ExchangeFailure::Network(format!("it did not answer the validation within {limit}")))
    })
}
