//! The application's side: event handlers, which the service asks by HTTP (PROTOCOL §14).
//!
//! [`Upstream`] asks them for the emulator's server: `connect` before a connection exists, the events of its client one
//! after another in the order they came, `connected` and `disconnected` without anybody waiting for them. Handlers may
//! be slow, absent or wrong: every request has a time limit, every failure is told on stderr, once until it changes, and
//! nothing here ever holds up a hub. Which handlers there are can change while it runs.

mod answer;
mod http;
mod peer;
mod report;
mod request;
pub mod settings;
#[cfg(test)]
mod tests;
mod validation;
mod watch;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use ::http::{Method, StatusCode};
use bytes::Bytes;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot, watch as signal};
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

pub use answer::Changes;
pub use peer::Identity;
pub use request::ConnectRequest;
pub use watch::watch;

use super::hub::{EventAnswer, UserEvent};
use crate::secret::Secret;
use answer::user_event_answer;
use http::{Answer, Broken, Http};
use peer::{Job, Peer, Reply};
use report::Reports;
use request::{Payload, Signer};
use settings::{EventName, Handler, Routes, SystemEvent};
use validation::{Origin, Validations};

/// The header that carries an application's state from answer to request.
const CONNECTION_STATE: HeaderName = HeaderName::from_static("ce-connectionstate");

/// The most of a refusal's body that goes back to a client.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// How many handlers are told of connections at a time; the others wait for their turn.
const NOTIFICATIONS: usize = 64;

/// The handlers there are just now. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct CurrentRoutes(Arc<RwLock<Arc<Routes>>>);

impl CurrentRoutes {
    /// Begins with these.
    pub fn new(routes: Routes) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(routes))))
    }

    /// Puts others in their place, for all events to come.
    pub fn replace(&self, routes: Routes) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
    }

    fn get(&self) -> Arc<Routes> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How long things may take.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// For one event, all attempts together.
    pub(super) request: Duration,
    /// For each request of a validation.
    pub(super) validation: Duration,
    /// Before each further attempt.
    pub(super) retries: Vec<Duration>,
}

impl Default for Limits {
    /// Those of the service's emulator (PROTOCOL §14.2, §14.6).
    fn default() -> Self {
        Self {
            request: Duration::from_secs(100),
            validation: Duration::from_secs(10),
            retries: [1, 3, 5].map(Duration::from_secs).into(),
        }
    }
}

/// Asks handlers.
pub(super) struct Upstream {
    routes: CurrentRoutes,
    limits: Limits,
    http: Http,
    validations: Validations,
    origin: Origin,
    signer: Signer,
    reports: Reports,
    /// The connections that exist, by their ids.
    peers: Mutex<HashMap<Arc<str>, Arc<Peer>>>,
    tasks: Mutex<JoinSet<()>>,
    runtime: Handle,
    notifications: Semaphore,
    /// Whether the server stops: clients are gone, and nobody waits for their events any more.
    stopping: signal::Sender<bool>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// Why a client may not connect, as an HTTP answer.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) content_type: HeaderValue,
    pub(super) body: Bytes,
}

impl Refused {
    fn failed(text: String) -> Self {
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, content_type, body: text.into() }
    }
}

/// A client that may connect. Whoever drops it before [`Admission::begin`] has changed his mind: a handler that admitted
/// the client is told that it is gone (PROTOCOL §14.5).
#[derive(Debug)]
pub(super) struct Admission {
    upstream: Arc<Upstream>,
    peer: Arc<Peer>,
    /// What the handler wants changed.
    pub(super) changes: Changes,
    /// A handler admitted the client and has to hear of its end.
    owed: bool,
}

impl Admission {
    /// Opens the connection; if it exists then, its hub tells of its end.
    pub(super) fn begin<T>(mut self, identity: Identity, open: impl FnOnce() -> Option<T>) -> Option<T> {
        self.peer.identify(identity);
        // The hub speaks of it as soon as it exists.
        self.upstream.peers().insert(Arc::clone(&self.peer.connection_id), Arc::clone(&self.peer));
        let opened = open();
        if opened.is_some() {
            self.owed = false;
        } else {
            self.upstream.peers().remove(&self.peer.connection_id);
        }
        opened
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.owed {
            let reason = "The client did not get as far as to be connected.".to_owned();
            self.upstream.queue(&self.peer, Job::Disconnected(reason));
        }
    }
}

/// A request, as far as it is the same for every attempt.
struct Call<'a> {
    peer: &'a Peer,
    handler: &'a Handler,
    event: EventName<'a>,
    id: u64,
    payload: Payload,
    metadata: Option<&'a str>,
}

impl Upstream {
    /// Has to be called within the runtime that is to ask. `endpoint` is how the emulator is known.
    pub(super) fn new(routes: CurrentRoutes, endpoint: &str, keys: &[Secret], limits: Limits) -> Self {
        Self {
            routes,
            limits,
            http: Http::default(),
            validations: Validations::default(),
            origin: Origin::of_endpoint(endpoint),
            signer: Signer::new(keys),
            reports: Reports::default(),
            peers: Mutex::default(),
            tasks: Mutex::default(),
            runtime: Handle::current(),
            notifications: Semaphore::new(NOTIFICATIONS),
            stopping: signal::Sender::new(false),
        }
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Peer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task until it ends or the server has stopped. May be called from anywhere.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Tasks that are done leave their result behind until somebody takes it.
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, &self.runtime);
    }

    /// Whether there is any handler just now.
    pub(super) fn has_handlers(&self) -> bool {
        !self.routes.get().is_empty()
    }

    /// Asks whether a client may connect. The exchange goes on when nobody waits for it any more, since a handler that
    /// admits the client has to hear of its end.
    pub(super) async fn connect(self: &Arc<Self>, request: ConnectRequest) -> Result<Admission, Refused> {
        let peer = Peer::new(&request.hub, request.connection_id.as_str().into(), Identity::default());
        // The token's word, until the handler has had its own.
        peer.identify(Identity { user: request.user.clone(), ..Identity::default() });
        let peer = Arc::new(peer);
        let routes = self.routes.get();
        if routes.find(&request.hub, EventName::System(SystemEvent::Connect)).is_none() {
            return Ok(Admission { upstream: Arc::clone(self), peer, changes: Changes::default(), owed: false });
        }
        let (sender, outcome) = oneshot::channel();
        let upstream = Arc::clone(self);
        self.spawn(async move {
            // Dropped where it cannot be sent.
            let _ = sender.send(upstream.ask_connect(&routes, peer, request).await);
        });
        outcome.await.unwrap_or_else(|_| Err(Refused::failed("The service is going away.".to_owned())))
    }

    async fn ask_connect(
        self: &Arc<Self>,
        routes: &Routes,
        peer: Arc<Peer>,
        request: ConnectRequest,
    ) -> Result<Admission, Refused> {
        let event = EventName::System(SystemEvent::Connect);
        let Some(handler) = routes.find(&request.hub, event) else {
            return Err(Refused::failed("The event handler is gone.".to_owned()));
        };
        let payload = Payload::system(&request.body());
        let call = Call { peer: &peer, handler, event, id: 0, payload, metadata: None };
        // A client waits, and would rather hear at once than in nine seconds.
        let outcome = self.within_limit(self.attempt(&call)).await;
        let failed = |problem: String| {
            self.report(&call, &problem, "the client got 500");
            Refused::failed(format!("The event handler of `connect` failed: {problem}."))
        };
        let answer = outcome.map_err(|problem| failed(problem.to_string()))?;
        let status = answer.status;
        if status.is_client_error() {
            if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
                let seen = "which refused the client; is that on purpose?";
                self.report(&call, &format!("it answered {}", status.as_u16()), seen);
            } else {
                self.worked(&call);
            }
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            let content_type = answer.headers.get(CONTENT_TYPE).cloned().unwrap_or(plain);
            let body = answer.body.slice(..answer.body.len().min(MAX_REFUSAL_BYTES));
            return Err(Refused { status, content_type, body });
        }
        if !status.is_success() {
            return Err(failed(unexpected(status)));
        }
        let mut admission =
            Admission { upstream: Arc::clone(self), peer: Arc::clone(&peer), changes: Changes::default(), owed: true };
        let changes = Changes::parse(&answer).map_err(failed)?;
        let offers = &request.offers;
        if let Some(chosen) = &changes.subprotocol
            && !offers.iter().any(|offer| offer.eq_ignore_ascii_case(chosen))
        {
            let offered = if offers.is_empty() { "none".to_owned() } else { format!("`{}`", offers.join("`, `")) };
            return Err(failed(format!("it chose the subprotocol `{chosen}`, the client offered {offered}")));
        }
        self.worked(&call);
        admission.changes = changes;
        Ok(admission)
    }

    /// A connection exists.
    pub(super) fn connected(self: &Arc<Self>, connection_id: &str) {
        let Some(peer) = self.peers().get(connection_id).cloned() else { return };
        let guard = peer.announce();
        let upstream = Arc::clone(self);
        self.spawn(async move {
            upstream.tell(&peer, SystemEvent::Connected, json!({})).await;
            drop(guard);
        });
    }

    /// A connection has ended.
    pub(super) fn disconnected(self: &Arc<Self>, connection_id: &str, reason: &str) {
        if let Some(peer) = self.peers().remove(connection_id) {
            self.queue(&peer, Job::Disconnected(reason.to_owned()));
        }
    }

    /// A client sent an event to a hub: asks its handler, behind the events that the client sent before. `reply` is
    /// called once, whatever happens, unless the server stops.
    pub(super) fn ask(
        self: &Arc<Self>,
        hub: &str,
        event: Box<UserEvent>,
        reply: impl FnOnce(EventAnswer) + Send + 'static,
    ) {
        let known = self.peers().get(&event.connection_id).cloned();
        let peer = known.unwrap_or_else(|| {
            let user = event.user_id.as_deref().map(str::to_owned);
            let identity = Identity { user, ..Identity::default() };
            Arc::new(Peer::new(hub, Arc::clone(&event.connection_id), identity))
        });
        self.queue(&peer, Job::Event(event, Box::new(reply)));
    }

    fn queue(self: &Arc<Self>, peer: &Arc<Peer>, job: Job) {
        if peer.push(job) {
            let (upstream, peer) = (Arc::clone(self), Arc::clone(peer));
            self.spawn(async move { upstream.work_off(&peer).await });
        }
    }

    /// Works a connection's queue off.
    async fn work_off(&self, peer: &Peer) {
        let mut stopping = self.stopping.subscribe();
        while let Some(job) = peer.pop() {
            match job {
                Job::Event(event, reply) => self.ask_event(peer, &event, reply, &mut stopping).await,
                Job::Disconnected(reason) => {
                    tokio::select! {
                        () = peer.announced() => {}
                        _ = stopping.wait_for(|stopping| *stopping) => {}
                    }
                    self.tell(peer, SystemEvent::Disconnected, json!({ "reason": reason })).await;
                }
            }
        }
    }

    async fn ask_event(&self, peer: &Peer, event: &UserEvent, reply: Reply, stopping: &mut signal::Receiver<bool>) {
        tokio::select! {
            biased;
            // Its client is gone.
            _ = stopping.wait_for(|stopping| *stopping) => {}
            answer = self.answer_event(peer, event) => reply(answer),
        }
    }

    async fn answer_event(&self, peer: &Peer, event: &UserEvent) -> EventAnswer {
        let name = EventName::User(&event.event);
        let seen = if peer.identity().simple {
            "the client was closed with 1011"
        } else {
            "the client got `InternalServerError`"
        };
        let routes = self.routes.get();
        let Some(handler) = routes.find(&peer.hub, name) else {
            let asked = format!("the event `{}` of hub `{}`", event.event, peer.hub);
            self.reports.failed("(none)", &asked, "no event handler takes it", seen);
            return EventAnswer::Unhandled;
        };
        let payload = Payload::user(event);
        let metadata = event.metadata.as_deref();
        let call = Call { peer, handler, event: name, id: peer.next_id(), payload, metadata };
        let outcome = self.within_limit(self.persist(&call)).await;
        let outcome = outcome.map_err(|broken| broken.to_string()).and_then(|answer| {
            if answer.status.is_success() { user_event_answer(&answer) } else { Err(unexpected(answer.status)) }
        });
        match outcome {
            Ok(answer) => {
                self.worked(&call);
                answer
            }
            Err(problem) => {
                self.report(&call, &problem, seen);
                EventAnswer::Failed
            }
        }
    }

    /// Tells a handler of a connection, if one wants to know.
    async fn tell(&self, peer: &Peer, event: SystemEvent, body: serde_json::Value) {
        let event = EventName::System(event);
        let routes = self.routes.get();
        let Some(handler) = routes.find(&peer.hub, event) else { return };
        // Never closed.
        let _turn = self.notifications.acquire().await;
        let call = Call { peer, handler, event, id: peer.next_id(), payload: Payload::system(&body), metadata: None };
        match self.within_limit(self.persist(&call)).await {
            Ok(answer) if answer.status.is_success() => self.worked(&call),
            Ok(answer) => self.report(&call, &unexpected(answer.status), "the client does not notice"),
            Err(broken) => self.report(&call, &broken.to_string(), "the client does not notice"),
        }
    }

    async fn within_limit(&self, work: impl Future<Output = Result<Answer, Broken>>) -> Result<Answer, Broken> {
        timeout(self.limits.request, work).await.unwrap_or_else(|_| {
            let limit = humantime::format_duration(self.limits.request);
            Err(Broken::Hopeless(format!("it did not answer within {limit}")))
        })
    }

    /// Asks again where that may help (PROTOCOL §14.6).
    async fn persist(&self, call: &Call<'_>) -> Result<Answer, Broken> {
        for (attempt, pause) in self.limits.retries.iter().enumerate() {
            let outcome = self.attempt(call).await;
            let problem = match &outcome {
                Ok(answer) if answer.status.is_server_error() || answer.status == StatusCode::REQUEST_TIMEOUT => {
                    unexpected(answer.status)
                }
                Err(Broken::Network(text)) => text.clone(),
                Ok(_) | Err(Broken::Hopeless(_)) => return outcome,
            };
            if attempt == 0 {
                self.reports.failed_at_first(&call.shown(), &call.asked(), &problem);
            }
            tokio::time::sleep(*pause).await;
        }
        self.attempt(call).await
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, Broken> {
        let (peer, event) = (call.peer, call.event);
        let url = |event: &str| -> Result<Url, Broken> {
            let url = call.handler.template.expand(&peer.hub, event);
            url.map_err(|error| Broken::Hopeless(format!("its URL cannot be used for this event: {error}")))
        };
        let (target, probe) = (url(event.as_str())?, url("validate")?);
        self.validations.ensure(&self.http, &probe, &self.origin, self.limits.validation).await?;
        let mut headers = request::headers(peer, event, call.id, call.payload.content_type, &self.origin, &self.signer);
        if let Some(metadata) = call.metadata {
            request::add_metadata(&mut headers, metadata);
        }
        peer.decorate(&mut headers, &target);
        let answer = self.http.ask(Method::POST, &target, headers, call.payload.body.clone()).await?;
        let (handler, status) = (&call.handler.template, answer.status.as_u16());
        tracing::debug!("event handler {handler}: `{}` of `{}`: {status}", event.as_str(), peer.connection_id);
        if answer.status.is_success() {
            peer.learn(&answer.headers, &target);
        }
        Ok(answer)
    }

    fn report(&self, call: &Call<'_>, problem: &str, seen: &str) {
        self.reports.failed(&call.shown(), &call.asked(), problem, seen);
    }

    fn worked(&self, call: &Call<'_>) {
        self.reports.worked(&call.shown(), &call.asked());
    }

    /// The server stops: what clients asked is forgotten, and handlers are told of connections that have ended, for as
    /// long as that may take.
    pub(super) async fn finish(&self, within: Duration) {
        self.stopping.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = timeout(within, async { while tasks.join_next().await.is_some() {} }).await;
    }
}

impl Call<'_> {
    fn shown(&self) -> String {
        format!("`{}`", self.handler.template)
    }

    fn asked(&self) -> String {
        format!("`{}` of hub `{}`", self.event.as_str(), self.peer.hub)
    }
}

/// An answer that does not say what was asked.
fn unexpected(status: StatusCode) -> String {
    if status.is_redirection() {
        format!("it answered {}, a redirect, which is not followed", status.as_u16())
    } else {
        format!("it answered {}", status.as_u16())
    }
}
