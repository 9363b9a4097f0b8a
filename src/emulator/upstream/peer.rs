//! What is remembered of a client's connection for the sake of its handlers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::cookie::{CookieStore as _, Jar};
use tokio::sync::{OwnedSemaphorePermit, watch as signal};
use url::Url;

use super::CONNECTION_STATE;
use webpubsub_proto::hub::{EventAnswer, UserEvent};

/// A connection, from the `connect` event, before it exists, to its `disconnected` event.
pub(super) struct Peer {
    pub(super) hub: String,
    pub(super) connection_id: Arc<str>,
    state: Mutex<PeerState>,
    standing: signal::Sender<PeerStanding>,
}

/// What others wait for.
#[derive(Clone, Copy, Debug, Default)]
struct PeerStanding {
    /// Notices are on their way, which `disconnected` never overtakes.
    announcing: bool,
    /// Nobody waits for the answers to its events any more.
    forgotten: bool,
    /// Invocations at its handlers, which `disconnected` does not overtake either.
    invocations: usize,
}

/// Something that handlers are told of a connection, one after another, and that holds none of its events up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PeerNotice {
    /// It exists.
    Connected,
    /// It has joined a group.
    Joined(Arc<str>),
    /// It is no longer in a group.
    Left(Arc<str>),
}

#[derive(Default)]
struct PeerState {
    identity: PeerIdentity,
    /// `ce-connectionState`, as a handler set it, to nothing perhaps.
    connection_state: Option<HeaderValue>,
    /// Made when a handler sets the first.
    cookies: Option<Jar>,
    /// The next `ce-id`. 0 is for `connect`.
    next_id: u64,
    /// What its handlers are to be asked, in order.
    queue: VecDeque<Job>,
    /// A task works the queue off.
    busy: bool,
    /// What its handlers are to be told, in order.
    notices: VecDeque<(PeerNotice, OwnedSemaphorePermit)>,
    /// About how many bytes its events take that were not answered yet.
    unanswered: usize,
    /// Room for them, once the client has gone.
    left_behind: Option<OwnedSemaphorePermit>,
}

/// Who the client is, which is certain once `connect` was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerIdentity {
    /// `None` when anonymous.
    pub user: Option<String>,
    /// The negotiated one; simple clients may have one of their own.
    pub subprotocol: Option<String>,
    /// It has no envelope, and so no acks.
    pub simple: bool,
}

/// Something to ask of a handler, after what was to be asked before.
pub(super) enum Job {
    Event(Box<UserEvent>, Reply),
    /// With its place among the notifications that wait.
    Disconnected(String, OwnedSemaphorePermit),
}

/// Brings an answer back.
pub(super) type Reply = Box<dyn FnOnce(EventAnswer) + Send>;

impl Peer {
    pub(super) fn new(hub: &str, connection_id: Arc<str>, identity: PeerIdentity) -> Self {
        let state = PeerState { identity, next_id: 1, ..PeerState::default() };
        Self { hub: hub.to_owned(), connection_id, state: Mutex::new(state), standing: signal::Sender::default() }
    }

    fn state(&self) -> MutexGuard<'_, PeerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn identity(&self) -> PeerIdentity {
        self.state().identity.clone()
    }

    pub(super) fn identify(&self, identity: PeerIdentity) {
        self.state().identity = identity;
    }

    pub(super) fn next_id(&self) -> u64 {
        let mut state = self.state();
        state.next_id += 1;
        state.next_id - 1
    }

    /// Adds what earlier answers left behind to the headers of a request.
    pub(super) fn decorate(&self, headers: &mut HeaderMap, url: &Url) {
        let state = self.state();
        if let Some(value) = &state.connection_state {
            headers.insert(CONNECTION_STATE, value.clone());
        }
        if let Some(cookies) = state.cookies.as_ref().and_then(|jar| jar.cookies(url)) {
            headers.insert(COOKIE, cookies);
        }
    }

    /// Keeps what an answer leaves behind. Of several states the last counts.
    pub(super) fn learn(&self, headers: &HeaderMap, url: &Url) {
        let mut state = self.state();
        if let Some(value) = headers.get_all(CONNECTION_STATE).iter().next_back() {
            state.connection_state = Some(value.clone());
        }
        if headers.contains_key(SET_COOKIE) {
            let jar = state.cookies.get_or_insert_with(Jar::default);
            jar.set_cookies(&mut headers.get_all(SET_COOKIE).iter(), url);
        }
    }

    /// An event of so many bytes is to be asked.
    pub(super) fn begin(&self, bytes: usize) {
        self.state().unanswered += bytes;
    }

    /// It was answered.
    pub(super) fn end(&self, bytes: usize) {
        let mut state = self.state();
        state.unanswered = state.unanswered.saturating_sub(bytes);
        if state.unanswered == 0 {
            state.left_behind = None;
        }
    }

    /// The client has gone: finds room for what is unanswered, given about how many bytes that takes, and keeps it until
    /// all is answered. Tells whether there was any; otherwise nobody waits for the answers any more.
    pub(super) fn leave_behind(&self, room: impl FnOnce(usize) -> Option<OwnedSemaphorePermit>) -> bool {
        let mut state = self.state();
        if state.unanswered == 0 {
            return true;
        }
        state.left_behind = room(state.unanswered);
        let found = state.left_behind.is_some();
        if !found {
            self.standing.send_modify(|standing| standing.forgotten = true);
        }
        found
    }

    /// Waits until nobody waits for the answers to its events.
    pub(super) async fn forgotten(&self) {
        // Only an error when the sender is gone, which is this very peer's.
        let _ = self.standing.subscribe().wait_for(|standing| standing.forgotten).await;
    }

    /// Queues a job. Tells whether a task has to be started for the queue.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut state = self.state();
        state.queue.push_back(job);
        !std::mem::replace(&mut state.busy, true)
    }

    /// The next job; without one the task is done with the queue.
    pub(super) fn pop(&self) -> Option<Job> {
        let mut state = self.state();
        let job = state.queue.pop_front();
        state.busy = job.is_some();
        job
    }

    /// Queues a notice, with its place among all that wait. Tells whether a task has to be started for them.
    pub(super) fn notice(&self, notice: PeerNotice, place: OwnedSemaphorePermit) -> bool {
        let mut state = self.state();
        state.notices.push_back((notice, place));
        self.standing.send_if_modified(|standing| !std::mem::replace(&mut standing.announcing, true))
    }

    /// The next notice; without one the task is done with them.
    pub(super) fn pop_notice(&self) -> Option<(PeerNotice, OwnedSemaphorePermit)> {
        let mut state = self.state();
        let notice = state.notices.pop_front();
        if notice.is_none() {
            self.standing.send_modify(|standing| standing.announcing = false);
        }
        notice
    }

    /// An invocation is to be asked, whatever else is.
    pub(super) fn begin_invocation(&self) {
        self.standing.send_modify(|standing| standing.invocations += 1);
    }

    /// It was answered.
    pub(super) fn end_invocation(&self) {
        self.standing.send_modify(|standing| standing.invocations -= 1);
    }

    /// Waits until all notices were delivered, or given up, and all invocations were answered.
    pub(super) async fn settled(&self) {
        let settled = |standing: &PeerStanding| !standing.announcing && standing.invocations == 0;
        // Only an error when the sender is gone, which is this very peer's.
        let _ = self.standing.subscribe().wait_for(settled).await;
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("hub", &self.hub)
            .field("connection_id", &self.connection_id)
            .finish_non_exhaustive()
    }
}
