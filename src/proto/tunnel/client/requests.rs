//! The requests that came and are not settled: some at the application, the others in a queue.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::TunnelClient;
use super::lines::{Line, LineState};
use super::output::{Ask, LostCause, RequestKey, TunnelEvent, TunnelOutput, TunnelSocket};
use crate::tunnel::frame::{TunnelFrame, TunnelHeaders, TunnelRequest, TunnelResponse};

/// What the answer has to repeat.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) socket: TunnelSocket,
    pub(super) ack_id: i64,
    pub(super) local_routing: bool,
    pub(super) channel_name: String,
}

/// A request whose turn has not come.
#[derive(Debug)]
pub(super) struct WaitingRequest {
    pub(super) socket: TunnelSocket,
    pub(super) request: TunnelRequest,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Requests {
    /// The most at the application.
    parallel: usize,
    next_key: u64,
    asked: BTreeMap<RequestKey, Asked>,
    waiting: VecDeque<WaitingRequest>,
    /// What is on its way, at the application or in the queue.
    ids: BTreeSet<(TunnelSocket, i64)>,
}

impl Requests {
    pub(super) fn new(parallel: usize) -> Self {
        Self { parallel, next_key: 0, asked: BTreeMap::new(), waiting: VecDeque::new(), ids: BTreeSet::new() }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn in_hand(&self) -> usize {
        self.asked.len() + self.waiting.len()
    }

    /// Whether a request of that id is on its way.
    fn knows(&self, socket: TunnelSocket, ack_id: i64) -> bool {
        self.ids.contains(&(socket, ack_id))
    }

    fn add(&mut self, socket: TunnelSocket, request: TunnelRequest) {
        self.ids.insert((socket, request.ack_id));
        self.waiting.push_back(WaitingRequest { socket, request });
    }

    /// The next one whose turn it is.
    fn next(&mut self) -> Option<Ask> {
        if self.asked.len() >= self.parallel {
            return None;
        }
        let WaitingRequest { socket, request } = self.waiting.pop_front()?;
        self.next_key += 1;
        let key = RequestKey(self.next_key);
        let asked = Asked {
            socket,
            ack_id: request.ack_id,
            local_routing: request.local_routing,
            channel_name: request.channel_name.clone(),
        };
        self.asked.insert(key, asked);
        Some(Ask { key, request })
    }

    /// It was answered. `None` for one that was before.
    pub(super) fn settle(&mut self, key: RequestKey) -> Option<Asked> {
        let asked = self.asked.remove(&key)?;
        self.ids.remove(&(asked.socket, asked.ack_id));
        Some(asked)
    }

    /// All that wait.
    pub(super) fn take_waiting(&mut self) -> VecDeque<WaitingRequest> {
        for waiting in &self.waiting {
            self.ids.remove(&(waiting.socket, waiting.request.ack_id));
        }
        std::mem::take(&mut self.waiting)
    }

    /// Those of a socket that wait.
    fn take_waiting_of(&mut self, socket: TunnelSocket) -> Vec<TunnelRequest> {
        let (own, others): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|waiting| waiting.socket == socket);
        self.waiting = others.into();
        for waiting in &own {
            self.ids.remove(&(socket, waiting.request.ack_id));
        }
        own.into_iter().map(|waiting| waiting.request).collect()
    }
}

impl TunnelClient {
    /// A request came.
    pub(super) fn take_in(&mut self, now: Duration, socket: TunnelSocket, request: TunnelRequest) {
        let Some(line) = self.lines.get_mut(&socket) else { return };
        if matches!(line.state, LineState::Closing { .. }) {
            return self.tell(TunnelEvent::NotAsked { request, cause: LostCause::Closing });
        }
        if self.requests.knows(socket, request.ack_id) {
            return self.tell(TunnelEvent::NotAsked { request, cause: LostCause::Doubled });
        }
        if self.stopping {
            line.in_hand += 1;
            return self.refuse(WaitingRequest { socket, request });
        }
        line.in_hand += 1;
        self.requests.add(socket, request);
        self.ask_next(now);
    }

    /// Asks as many as may be asked at a time.
    pub(super) fn ask_next(&mut self, now: Duration) {
        while let Some(ask) = self.requests.next() {
            self.outputs.push_back(TunnelOutput::Ask(ask));
        }
        if self.full && self.reads() {
            // What was not read meanwhile is no silence of the service's.
            self.lines.values_mut().for_each(|line| line.heard = line.heard.max(now));
        }
        self.full = !self.reads();
    }

    /// The run is ending: 503, so that the service asks somebody else.
    pub(super) fn refuse(&mut self, WaitingRequest { socket, request }: WaitingRequest) {
        if let Some(line) = self.lines.get_mut(&socket) {
            line.in_hand = line.in_hand.saturating_sub(1);
        }
        if self.lines.get(&socket).is_some_and(Line::answers) {
            let frame = TunnelFrame::Response(TunnelResponse {
                ack_id: request.ack_id,
                status: 503,
                headers: Some(TunnelHeaders::new()),
                local_routing: request.local_routing,
                channel_name: request.channel_name.clone(),
                body: Some(Bytes::new()),
                ..TunnelResponse::default()
            });
            self.outputs.push_back(TunnelOutput::Send { socket, frame });
        }
        self.tell(TunnelEvent::NotAsked { request, cause: LostCause::Stopping });
    }

    /// What waits on a socket that is gone, or is closing, is not asked: the service has asked somebody else by then.
    pub(super) fn forget_waiting(&mut self, socket: TunnelSocket) {
        for request in self.requests.take_waiting_of(socket) {
            if let Some(line) = self.lines.get_mut(&socket) {
                line.in_hand = line.in_hand.saturating_sub(1);
            }
            self.tell(TunnelEvent::NotAsked { request, cause: LostCause::Gone });
        }
    }

    /// One of a line's requests is settled.
    pub(super) fn settled_on(&mut self, socket: TunnelSocket) {
        if let Some(line) = self.lines.get_mut(&socket) {
            line.in_hand = line.in_hand.saturating_sub(1);
        }
    }
}
