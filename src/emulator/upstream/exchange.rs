//! One question to a handler: the request and its answer, within a time limit, with or without further attempts; and who
//! hears of it when that fails.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;

use super::http::{ExchangeFailure, HandlerResponse, Http};
use super::peer::Peer;
use super::report::Reports;
use super::request::{self, HandlerPayload, RequestSigner};
use super::settings::{EventName, Handler};
use super::validation::{ValidationOrigin, Validations};
use crate::traffic::{Asked, Traffic};
use crate::tunnel::{Aim, TunnelAnswer, TunnelAnswerError, Tunnels};
use webpubsub_net::clock;
use webpubsub_net::secret::Secret;
use webpubsub_net::wire::{Tls, log_answer, log_request};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// How long handlers may take, and how often they are asked.
#[derive(Clone, Debug)]
pub struct ExchangeLimits {
    /// For one event, all attempts together.
    pub request: Duration,
    /// For each request of a validation.
    pub validation: Duration,
    /// Before each further attempt.
    pub retries: Vec<Duration>,
    /// How much may wait for handlers of what clients sent that have gone, in KiB, requests on their way included.
    pub left_behind: u32,
}

impl Default for ExchangeLimits {
    /// Those of the service's emulator (PROTOCOL §14.2, §14.6).
    fn default() -> Self {
        Self {
            request: Duration::from_secs(100),
            validation: Duration::from_secs(10),
            retries: [1, 3, 5].map(Duration::from_secs).into(),
            left_behind: 64 * 1024,
        }
    }
}

/// A request, as far as it is the same for every attempt.
pub(super) struct HandlerCall<'a> {
    pub(super) peer: &'a Peer,
    pub(super) handler: &'a Handler,
    pub(super) event: EventName<'a>,
    pub(super) id: u64,
    pub(super) payload: HandlerPayload,
    pub(super) metadata: Option<&'a str>,
}

/// Asks one handler at a time.
pub(super) struct HandlerExchange {
    limits: ExchangeLimits,
    http: Http,
    validations: Validations,
    origin: ValidationOrigin,
    signer: RequestSigner,
    reports: Reports,
    /// Those who look on.
    traffic: Traffic,
    tunnels: Arc<Tunnels>,
}

impl HandlerExchange {
    /// `endpoint` is how the emulator is known.
    pub(super) fn new(
        endpoint: &str,
        keys: &[Secret],
        limits: ExchangeLimits,
        traffic: Traffic,
        tls: Tls,
        tunnels: Arc<Tunnels>,
    ) -> Self {
        Self {
            limits,
            http: Http::new(tls),
            validations: Validations::default(),
            origin: ValidationOrigin::of_endpoint(endpoint),
            signer: RequestSigner::new(keys),
            reports: Reports::default(),
            traffic,
            tunnels,
        }
    }

    /// Asks again where that may help (PROTOCOL §14.6).
    pub(super) async fn ask(&self, call: &HandlerCall<'_>) -> Result<HandlerResponse, ExchangeFailure> {
        self.within_limit(call, self.attempts(call)).await
    }

    /// No handler takes an event. `seen`: what the client saw of that.
    pub(super) fn report_unhandled(&self, hub: &str, event: &str, seen: &str) {
        let asked = format!("the event `{event}` of hub `{hub}`");
        self.reports.failed("(none)", &asked, "no event handler takes it", seen);
    }

    /// So many notifications wait already that a handler is not told of another.
    pub(super) fn report_crowd(&self, hub: &str, event: &str) {
        let asked = format!("`{event}` of hub `{hub}`");
        self.reports.failed("(any)", &asked, "too many such notifications wait for slow handlers", "it is left out");
    }

    /// So much waits already of clients that have gone that what another one has sent is not waited for.
    pub(super) fn report_left_behind(&self, hub: &str) {
        let asked = format!("events of hub `{hub}`");
        let problem = "too much of clients that have gone waits for slow handlers";
        self.reports.failed("(any)", &asked, problem, "what another one had sent is left out");
    }

    /// Gives up when all of it takes too long.
    async fn within_limit(
        &self,
        call: &HandlerCall<'_>,
        work: impl Future<Output = Result<HandlerResponse, ExchangeFailure>>,
    ) -> Result<HandlerResponse, ExchangeFailure> {
        let limit = self.limits.request;
        timeout(limit, work).await.unwrap_or_else(|_| {
            let outcome = Err(ExchangeFailure::Hopeless(format!(
                "it did not answer within {}",
                humantime::format_duration(limit)
            )));
            self.show(call, limit, &outcome);
            outcome
        })
    }

    async fn attempts(&self, call: &HandlerCall<'_>) -> Result<HandlerResponse, ExchangeFailure> {
        let request_id = Uuid::new_v4().to_string();
        for (attempt, pause) in self.limits.retries.iter().enumerate() {
            let outcome = self.attempt(call, &request_id).await;
            let problem = match &outcome {
                Ok(answer) if is_passing(answer.status) => unexpected(answer.status),
                Err(
                    broken @ (ExchangeFailure::Network(_) | ExchangeFailure::Unreached(_) | ExchangeFailure::NoTls),
                ) => broken.to_string(),
                Ok(_) | Err(ExchangeFailure::Hopeless(_)) => return outcome,
            };
            if attempt == 0 {
                let retries = self.limits.retries.len();
                self.reports.failed_at_first(&call.shown(), &call.asked(), &problem, retries);
            }
            tokio::time::sleep(*pause).await;
        }
        self.attempt(call, &request_id).await
    }

    /// The id is the same for each attempt, so that a handler can tell them from another event.
    async fn attempt(&self, call: &HandlerCall<'_>, request_id: &str) -> Result<HandlerResponse, ExchangeFailure> {
        let began = Instant::now();
        let outcome = self.request(call, request_id).await;
        self.show(call, began.elapsed(), &outcome);
        outcome
    }

    /// Shows a question and what came of it to those who look on.
    fn show(&self, call: &HandlerCall<'_>, took: Duration, outcome: &Result<HandlerResponse, ExchangeFailure>) {
        if !self.traffic.is_watched() {
            return;
        }
        let note = outcome.as_ref().err().map(ToString::to_string);
        self.traffic.asked(&Asked {
            hub: &call.peer.hub,
            connection_id: &call.peer.connection_id,
            event: call.event.as_str(),
            handler: &call.handler.template.to_string(),
            status: outcome.as_ref().ok().map(|answer| answer.status.as_u16()),
            elapsed_ms: clock::fractional_millis(took),
            note: note.as_deref(),
        });
    }

    async fn request(&self, call: &HandlerCall<'_>, request_id: &str) -> Result<HandlerResponse, ExchangeFailure> {
        let (peer, event) = (call.peer, call.event);
        let url = |event: &str| -> Result<Url, ExchangeFailure> {
            let url = call.handler.template.expand(&peer.hub, event);
            url.map_err(|error| ExchangeFailure::Hopeless(format!("its URL cannot be used for this event: {error}")))
        };
        let target = url(event.as_str())?;
        let through_tunnel = call.handler.template.is_tunnel();
        if !through_tunnel {
            // Whoever has opened a tunnel wants what comes through it.
            let probe = url("validate")?;
            self.validations.ensure(&self.http, &probe, &self.origin, self.limits.validation).await?;
        }
        let target = if through_tunnel { self.tunnels.url_of(&target) } else { target };
        let mut headers = request::headers(peer, event, call.id, call.payload.content_type, &self.origin, &self.signer);
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(CLIENT_REQUEST_ID, id);
        }
        if let Some(metadata) = call.metadata {
            request::add_metadata(&mut headers, metadata);
        }
        peer.decorate(&mut headers, &target);
        let body = call.payload.body.clone();
        let answer = if through_tunnel {
            self.ask_through_tunnel(call, &target, headers, body).await?
        } else {
            self.http.ask(Method::POST, &target, headers, body).await?
        };
        let (handler, status) = (&call.handler.template, answer.status.as_u16());
        tracing::debug!("event handler {handler}: `{}` of `{}`: {status}", event.as_str(), peer.connection_id);
        if answer.status.is_success() {
            peer.learn(&answer.headers, &target);
        }
        Ok(answer)
    }

    async fn ask_through_tunnel(
        &self,
        call: &HandlerCall<'_>,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<HandlerResponse, ExchangeFailure> {
        log_request(
            &format_args!("POST `{}` through the tunnel of `{}`", url.path(), call.peer.hub),
            &headers,
            Some(&body),
        );
        let identity = call.peer.identity();
        let aim = Aim {
            hub: &call.peer.hub,
            user: identity.user.as_deref(),
            connection: &call.peer.connection_id,
            event: call.event.as_str(),
        };
        let answered = self.tunnels.ask(&aim, url, &headers, body).await.map_err(|unanswered| {
            let text = unanswered.to_string();
            match unanswered {
                TunnelAnswerError::Nobody => ExchangeFailure::Unreached(text),
                TunnelAnswerError::Lost => ExchangeFailure::Network(text),
                TunnelAnswerError::Status(_) | TunnelAnswerError::TooLarge => ExchangeFailure::Hopeless(text),
            }
        })?;
        let TunnelAnswer { status, headers, body } = answered;
        log_answer(&format_args!("{status} through the tunnel of `{}`", call.peer.hub), &headers, Some(&body));
        Ok(HandlerResponse { status, headers, body })
    }

    /// It failed for good. `seen`: what the client saw of that.
    pub(super) fn report(&self, call: &HandlerCall<'_>, problem: &str, seen: &str) {
        self.reports.failed(&call.shown(), &call.asked(), problem, seen);
    }

    pub(super) fn worked(&self, call: &HandlerCall<'_>) {
        self.reports.worked(&call.shown(), &call.asked());
    }
}

impl HandlerCall<'_> {
    fn shown(&self) -> String {
        format!("`{}`", self.handler.template)
    }

    fn asked(&self) -> String {
        format!("`{}` of hub `{}`", self.event.as_str(), self.peer.hub)
    }
}

/// Whether another attempt may be answered otherwise (PROTOCOL §14.6).
pub(super) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
}

/// An answer that does not say what was asked.
pub(super) fn unexpected(status: StatusCode) -> String {
    if status.is_redirection() {
        format!("it answered {}, a redirect, which is not followed", status.as_u16())
    } else {
        format!("it answered {}", status.as_u16())
    }
}
