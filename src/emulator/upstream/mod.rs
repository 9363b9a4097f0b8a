//! The application's side: event handlers, which the service asks by HTTP (PROTOCOL §14).
//!
//! [`Upstream`] asks them for the emulator's server: `connect` before a connection exists, the events of its client one
//! after another in the order they came, `connected`, `joined`, `left` and `disconnected` without anybody waiting for them. Handlers may
//! be slow, absent or wrong: every request has a time limit, every failure is told on stderr, once until it changes, and
//! nothing here ever holds up a hub. Which handlers there are can change while it runs.

mod admission;
mod answer;
mod current;
mod exchange;
mod http;
mod peer;
pub mod played;
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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::header::HeaderName;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch as signal};
use tokio::time::timeout;

pub(super) use admission::{Admission, ConnectRefusal};
pub use answer::Changes;
pub use current::CurrentRoutes;
pub use exchange::ExchangeLimits;
pub use peer::PeerIdentity;
pub use request::ConnectRequest;
pub use watch::watch;

use crate::tasks::Tasks;
use crate::traffic::Traffic;
use crate::tunnel::Tunnels;
use answer::{UserEventAnswer, user_event_answer};
use exchange::{HandlerCall, HandlerExchange, unexpected};
use peer::{Job, Peer, PeerNotice, Reply};
use request::HandlerPayload;
use settings::{EventName, SystemEvent};
use webpubsub_net::secret::Secret;
use webpubsub_net::wire::Tls;
use webpubsub_proto::hub::{EventAnswer, UserEvent};

/// The header that carries an application's state from answer to request.
const CONNECTION_STATE: HeaderName = HeaderName::from_static("ce-connectionstate");

/// How many handlers are told of connections at a time; the others wait for their turn.
const NOTIFICATIONS: usize = 64;
/// How many of them wait at the most. Further ones are left out: clients may come and go faster than any handler.
const WAITING: usize = 10_000;
/// About how many bytes a request to a handler takes that is on its way, with its connection.
const REQUEST_BYTES: usize = 64 * 1024;

/// Asks handlers.
pub(super) struct Upstream {
    routes: CurrentRoutes,
    exchange: HandlerExchange,
    /// The connections that exist, by their ids.
    peers: Mutex<HashMap<Arc<str>, Arc<Peer>>>,
    tasks: Tasks,
    runtime: Handle,
    notifications: Semaphore,
    /// A place for each notification that is on its way.
    waiting: Arc<Semaphore>,
    /// KiB for the events of clients that have gone.
    left_behind: Arc<Semaphore>,
    /// Whether the server stops: clients are gone, and nobody waits for their events any more.
    stopping: signal::Sender<bool>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl PeerNotice {
    fn event(&self) -> SystemEvent {
        match self {
            Self::Connected => SystemEvent::Connected,
            Self::Joined(_) => SystemEvent::Joined,
            Self::Left(_) => SystemEvent::Left,
        }
    }

    /// PROTOCOL §14.5.
    fn body(&self) -> serde_json::Value {
        match self {
            Self::Connected => json!({}),
            Self::Joined(group) | Self::Left(group) => json!({ "group": **group }),
        }
    }
}

/// About how many bytes an event takes until it is answered. Invocations do not wait for each other.
fn weight(event: &UserEvent) -> usize {
    let aside = if event.is_invocation { REQUEST_BYTES } else { 1024 };
    aside + event.data.as_ref().map_or(0, |data| data.as_data().weight())
}

impl Upstream {
    /// Has to be called within the runtime that is to ask. `endpoint` is how the emulator is known.
    pub(super) fn new(
        routes: CurrentRoutes,
        endpoint: &str,
        keys: &[Secret],
        limits: ExchangeLimits,
        traffic: Traffic,
        tls: Tls,
        tunnels: Arc<Tunnels>,
    ) -> Self {
        let left_behind = Arc::new(Semaphore::new(limits.left_behind as usize));
        Self {
            routes,
            exchange: HandlerExchange::new(endpoint, keys, limits, traffic, tls, tunnels),
            peers: Mutex::default(),
            tasks: Tasks::default(),
            runtime: Handle::current(),
            notifications: Semaphore::new(NOTIFICATIONS),
            waiting: Arc::new(Semaphore::new(WAITING)),
            left_behind,
            stopping: signal::Sender::new(false),
        }
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Peer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task until it ends or the server has stopped. May be called from anywhere.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Takes away what ended tasks leave behind, for ever.
    pub(super) async fn tidy(&self) {
        self.tasks.tidy().await;
    }

    /// Whether there is any handler just now.
    pub(super) fn has_handlers(&self) -> bool {
        !self.routes.get().is_empty()
    }

    /// A connection exists.
    pub(super) fn connected(self: &Arc<Self>, connection_id: &str) {
        self.notice(connection_id, PeerNotice::Connected);
    }

    /// A connection has joined a group.
    pub(super) fn joined(self: &Arc<Self>, connection_id: &str, group: &Arc<str>) {
        self.notice(connection_id, PeerNotice::Joined(Arc::clone(group)));
    }

    /// A connection is no longer in a group.
    pub(super) fn left(self: &Arc<Self>, connection_id: &str, group: &Arc<str>) {
        self.notice(connection_id, PeerNotice::Left(Arc::clone(group)));
    }

    /// Tells handlers of a connection, behind what they were to be told of it before. Its events do not wait for that.
    fn notice(self: &Arc<Self>, connection_id: &str, notice: PeerNotice) {
        let Some(peer) = self.peers().get(connection_id).cloned() else { return };
        let event = notice.event();
        if self.routes.get().find(&peer.hub, EventName::System(event)).is_none() {
            return;
        }
        let Some(place) = self.place(&peer.hub, event) else { return };
        if peer.notice(notice, place) {
            let upstream = Arc::clone(self);
            self.spawn(async move {
                while let Some((notice, place)) = peer.pop_notice() {
                    upstream.notify(&peer, notice.event(), notice.body()).await;
                    drop(place);
                }
            });
        }
    }

    /// A place among the notifications that wait, as long as there is one.
    fn place(&self, hub: &str, event: SystemEvent) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().ok();
        if place.is_none() {
            self.exchange.report_crowd(hub, event.name());
        }
        place
    }

    /// A connection has ended.
    pub(super) fn disconnected(self: &Arc<Self>, connection_id: &str, reason: &str) {
        if let Some(peer) = self.peers().remove(connection_id) {
            self.leave_behind(&peer);
            self.queue_end(&peer, reason.to_owned());
        }
    }

    /// What a client that has gone sent before waits on, unless there is too much of that: clients may come and go
    /// faster than any handler.
    fn leave_behind(&self, peer: &Peer) {
        let room = |bytes: usize| {
            let kib = u32::try_from((REQUEST_BYTES + bytes).div_ceil(1024)).ok()?;
            Arc::clone(&self.left_behind).try_acquire_many_owned(kib).ok()
        };
        if !peer.leave_behind(room) {
            self.exchange.report_left_behind(&peer.hub);
        }
    }

    /// Tells of the end of a connection, behind the events that its client sent before.
    fn queue_end(self: &Arc<Self>, peer: &Arc<Peer>, reason: String) {
        if let Some(place) = self.place(&peer.hub, SystemEvent::Disconnected) {
            self.queue(peer, Job::Disconnected(reason, place));
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
            let identity = PeerIdentity { user, ..PeerIdentity::default() };
            Arc::new(Peer::new(hub, Arc::clone(&event.connection_id), identity))
        });
        peer.begin(weight(&event));
        if event.is_invocation {
            return self.ask_aside(peer, event, Box::new(reply));
        }
        self.queue(&peer, Job::Event(event, Box::new(reply)));
    }

    /// Asks without waiting for the events before it, and without holding up those behind it (PROTOCOL §9.2). How many
    /// a client has at the handlers is bounded by its hub.
    fn ask_aside(self: &Arc<Self>, peer: Arc<Peer>, event: Box<UserEvent>, reply: Reply) {
        let upstream = Arc::clone(self);
        peer.begin_invocation();
        self.spawn(async move {
            let mut stopping = upstream.stopping.subscribe();
            upstream.ask_event(&peer, &event, reply, &mut stopping).await;
            peer.end_invocation();
        });
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
                Job::Disconnected(reason, place) => {
                    tokio::select! {
                        () = peer.settled() => {}
                        _ = stopping.wait_for(|stopping| *stopping) => {}
                    }
                    self.notify(peer, SystemEvent::Disconnected, json!({ "reason": reason })).await;
                    drop(place);
                }
            }
        }
    }

    async fn ask_event(&self, peer: &Peer, event: &UserEvent, reply: Reply, stopping: &mut signal::Receiver<bool>) {
        tokio::select! {
            biased;
            // Its client is gone.
            _ = stopping.wait_for(|stopping| *stopping) => {}
            // The same, and many have gone before it.
            () = peer.forgotten() => reply(EventAnswer::Failed),
            answer = self.answer_event(peer, event) => reply(answer),
        }
        peer.end(weight(event));
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
            self.exchange.report_unhandled(&peer.hub, &event.event, seen);
            return EventAnswer::Unhandled;
        };
        let payload = HandlerPayload::user(event);
        let metadata = event.metadata.as_deref();
        let call = HandlerCall { peer, handler, event: name, id: peer.next_id(), payload, metadata };
        let outcome = self.exchange.ask(&call).await;
        let (problem, answer) = match outcome {
            Ok(answer) if answer.status.is_success() => match user_event_answer(&answer) {
                Ok(UserEventAnswer { answer, left_out: None }) => {
                    self.exchange.worked(&call);
                    return answer;
                }
                Ok(UserEventAnswer { answer, left_out: Some(problem) }) => {
                    self.exchange.report(&call, &problem, "the client got the answer without it");
                    return answer;
                }
                Err(problem) => (problem, EventAnswer::Failed),
            },
            Ok(answer) if answer.status.is_client_error() => {
                (unexpected(answer.status), EventAnswer::Refused { status: answer.status.as_u16() })
            }
            Ok(answer) => (unexpected(answer.status), EventAnswer::Failed),
            Err(broken) => (broken.to_string(), EventAnswer::Failed),
        };
        let seen = if event.is_invocation && matches!(answer, EventAnswer::Refused { .. }) {
            "the client got `BadRequest`"
        } else {
            seen
        };
        self.exchange.report(&call, &problem, seen);
        answer
    }

    /// Notifies a handler of an event of a connection, if one wants to know.
    async fn notify(&self, peer: &Peer, event: SystemEvent, body: serde_json::Value) {
        let event = EventName::System(event);
        let routes = self.routes.get();
        let Some(handler) = routes.find(&peer.hub, event) else { return };
        // Never closed.
        let _turn = self.notifications.acquire().await;
        let call = HandlerCall {
            peer,
            handler,
            event,
            id: peer.next_id(),
            payload: HandlerPayload::system(&body),
            metadata: None,
        };
        match self.exchange.ask(&call).await {
            Ok(answer) if answer.status.is_success() => self.exchange.worked(&call),
            Ok(answer) => self.exchange.report(&call, &unexpected(answer.status), "the client does not notice"),
            Err(broken) => self.exchange.report(&call, &broken.to_string(), "the client does not notice"),
        }
    }

    /// The server stops: what clients asked is forgotten, and handlers are told of connections that have ended, for as
    /// long as that may take.
    pub(super) async fn finish(&self, within: Duration) {
        self.stopping.send_replace(true);
        let all = async {
            loop {
                // What ends may have started more: an admission that nobody takes any more tells of its end.
                let mut tasks = self.tasks.take();
                if tasks.is_empty() {
                    break;
                }
                while tasks.join_next().await.is_some() {}
            }
        };
        let _ = timeout(within, all).await;
    }
}
