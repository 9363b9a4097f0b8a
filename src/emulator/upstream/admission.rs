//! Whether a client may connect, which the handler of `connect` decides (PROTOCOL §14.4).

use std::sync::Arc;

use ::http::StatusCode;
use ::http::header::{CONTENT_TYPE, HeaderValue};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::Upstream;
use super::answer::Changes;
use super::exchange::{HandlerCall, unexpected};
use super::peer::{Peer, PeerIdentity};
use super::request::{ConnectRequest, HandlerPayload};
use super::settings::{EventName, Routes, SystemEvent};

/// The most of a refusal's body that goes back to a client.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// Why a client may not connect, as an HTTP answer.
#[derive(Debug)]
pub(crate) struct ConnectRefusal {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
    /// It was said on stderr.
    pub(crate) said: bool,
}

impl ConnectRefusal {
    fn failed(text: String) -> Self {
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, content_type, body: text.into(), said: true }
    }
}

/// A client that may connect. Whoever drops it before [`Admission::begin`] has changed his mind: a handler that admitted
/// the client is told that it is gone (PROTOCOL §14.5).
#[derive(Debug)]
pub(crate) struct Admission {
    upstream: Arc<Upstream>,
    peer: Arc<Peer>,
    /// What the handler wants changed.
    pub(crate) changes: Changes,
    /// A handler admitted the client and has to hear of its end.
    owed: bool,
}

impl Admission {
    /// Opens the connection; if it exists then, its hub tells of its end.
    pub(crate) fn begin<T>(mut self, identity: PeerIdentity, open: impl FnOnce() -> Option<T>) -> Option<T> {
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
            self.upstream.queue_end(&self.peer, reason);
        }
    }
}

impl Upstream {
    /// Asks whether a client may connect. The exchange goes on when nobody waits for it any more, since a handler that
    /// admits the client has to hear of its end.
    pub(crate) async fn connect(self: &Arc<Self>, request: ConnectRequest) -> Result<Admission, ConnectRefusal> {
        let peer = Peer::new(&request.hub, request.connection_id.as_str().into(), PeerIdentity::default());
        // The token's word, until the handler has had its own.
        peer.identify(PeerIdentity { user: request.user.clone(), ..PeerIdentity::default() });
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
        outcome.await.unwrap_or_else(|_| Err(ConnectRefusal::failed("The service is going away.".to_owned())))
    }

    async fn ask_connect(
        self: &Arc<Self>,
        routes: &Routes,
        peer: Arc<Peer>,
        request: ConnectRequest,
    ) -> Result<Admission, ConnectRefusal> {
        let event = EventName::System(SystemEvent::Connect);
        let Some(handler) = routes.find(&request.hub, event) else {
            return Err(ConnectRefusal::failed("The event handler is gone.".to_owned()));
        };
        let payload = HandlerPayload::system(&request.body());
        let call = HandlerCall { peer: &peer, handler, event, id: 0, payload, metadata: None };
        let outcome = self.exchange.ask(&call).await;
        let failed = |problem: String| {
            self.exchange.report(&call, &problem, "the client got 500");
            ConnectRefusal::failed(format!("The event handler of `connect` failed: {problem}."))
        };
        let answer = outcome.map_err(|problem| failed(problem.to_string()))?;
        let status = answer.status;
        if status.is_client_error() {
            let misplaced = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
            if misplaced {
                let seen = "which refused the client; is that on purpose?";
                self.exchange.report(&call, &format!("it answered {}", status.as_u16()), seen);
            } else {
                self.exchange.worked(&call);
            }
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            let content_type = answer.headers.get(CONTENT_TYPE).cloned().unwrap_or(plain);
            let body = answer.body.slice(..answer.body.len().min(MAX_REFUSAL_BYTES));
            return Err(ConnectRefusal { status, content_type, body, said: misplaced });
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
        self.exchange.worked(&call);
        admission.changes = changes;
        Ok(admission)
    }
}
