//! The requests that came and are not settled: some at the application, the others in a queue.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::TunnelClient;
use super::lines::{ClientLine, LineState};
use super::output::{KeyedRequest, LostCause, RequestKey, TunnelEvent, TunnelOutput, TunnelSocket};
use crate::tunnel::frame::{TunnelHeaders, TunnelRequest, TunnelResponse};
use crate::tunnel::pieces::pieces;

/// What requests are answered with while the run ends.
const REFUSED: u16 = 503;

/// What the answer has to repeat.
#[derive(Clone, Debug)]
pub(super) struct RequestOrigin {
    pub(super) socket: TunnelSocket,
    pub(super) ack_id: i64,
    pub(super) local_routing: bool,
    pub(super) channel_name: String,
    /// Of the request.
    bytes: usize,
}

impl RequestOrigin {
    fn of(WaitingRequest { socket, request }: &WaitingRequest) -> Self {
        Self {
            socket: *socket,
            ack_id: request.ack_id,
            local_routing: request.local_routing,
            channel_name: request.channel_name.clone(),
            bytes: request_bytes(request),
        }
    }
}

/// A request whose turn has not come.
#[derive(Debug)]
pub(super) struct WaitingRequest {
    pub(super) socket: TunnelSocket,
    pub(super) request: TunnelRequest,
}

/// An answer on its way out.
#[derive(Debug)]
struct UnwrittenAnswer {
    socket: TunnelSocket,
    ack_id: i64,
    bytes: usize,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Requests {
    /// The most at the application.
    parallel: usize,
    next_key: u64,
    asked: BTreeMap<RequestKey, RequestOrigin>,
    waiting: VecDeque<WaitingRequest>,
    /// Of the requests in both.
    bytes: usize,
    /// Answers that are not written yet.
    unwritten: BTreeMap<RequestKey, UnwrittenAnswer>,
    /// Of these answers.
    unwritten_bytes: usize,
    /// What is on its way: in the queue, at the application, or going out.
    ids: BTreeSet<(TunnelSocket, i64)>,
}

impl Requests {
    pub(super) fn new(parallel: usize) -> Self {
        Self {
            parallel,
            next_key: 0,
            asked: BTreeMap::new(),
            waiting: VecDeque::new(),
            bytes: 0,
            unwritten: BTreeMap::new(),
            unwritten_bytes: 0,
            ids: BTreeSet::new(),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Memory of the requests that are not answered.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Memory of the answers that are not written.
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.unwritten_bytes
    }

    pub(super) fn in_hand(&self) -> usize {
        self.asked.len() + self.waiting.len() + self.unwritten.len()
    }

    /// Whether a request of that id is on its way.
    fn knows(&self, socket: TunnelSocket, ack_id: i64) -> bool {
        self.ids.contains(&(socket, ack_id))
    }

    fn add(&mut self, waiting: WaitingRequest) {
        self.ids.insert((waiting.socket, waiting.request.ack_id));
        self.bytes += request_bytes(&waiting.request);
        self.waiting.push_back(waiting);
    }

    fn name(&mut self) -> RequestKey {
        self.next_key += 1;
        RequestKey(self.next_key)
    }

    /// The next one whose turn it is, of the sockets that may ask.
    fn next(&mut self, may_ask: impl Fn(TunnelSocket) -> bool) -> Option<KeyedRequest> {
        if self.asked.len() >= self.parallel {
            return None;
        }
        let at = self.waiting.iter().position(|waiting| may_ask(waiting.socket))?;
        let waiting = self.waiting.remove(at)?;
        let key = self.name();
        self.asked.insert(key, RequestOrigin::of(&waiting));
        Some(KeyedRequest { key, request: waiting.request })
    }

    /// It was answered. `None` for one that was before.
    pub(super) fn answered(&mut self, key: RequestKey) -> Option<RequestOrigin> {
        let asked = self.asked.remove(&key)?;
        self.ids.remove(&(asked.socket, asked.ack_id));
        self.bytes -= asked.bytes;
        Some(asked)
    }

    /// Its answer goes out.
    fn goes_out(&mut self, key: RequestKey, (socket, ack_id): (TunnelSocket, i64), bytes: usize) {
        self.ids.insert((socket, ack_id));
        self.unwritten_bytes += bytes;
        self.unwritten.insert(key, UnwrittenAnswer { socket, ack_id, bytes });
    }

    /// Its answer went out, or will not any more. Where, and how much it was; `None` for one that was settled before.
    fn went_out(&mut self, key: RequestKey) -> Option<(TunnelSocket, usize)> {
        let UnwrittenAnswer { socket, ack_id, bytes } = self.unwritten.remove(&key)?;
        self.ids.remove(&(socket, ack_id));
        self.unwritten_bytes -= bytes;
        Some((socket, bytes))
    }

    /// Answers that would go out on that socket.
    fn unwritten_on(&self, socket: TunnelSocket) -> Vec<RequestKey> {
        self.unwritten.iter().filter(|(_, answer)| answer.socket == socket).map(|(key, _)| *key).collect()
    }

    /// All that wait.
    pub(super) fn take_waiting(&mut self) -> VecDeque<WaitingRequest> {
        let all = std::mem::take(&mut self.waiting);
        all.iter().for_each(|waiting| self.forget(waiting));
        all
    }

    /// Those of a socket that wait.
    fn take_waiting_of(&mut self, socket: TunnelSocket) -> Vec<TunnelRequest> {
        let (own, others): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|waiting| waiting.socket == socket);
        self.waiting = others.into();
        own.iter().for_each(|waiting| self.forget(waiting));
        own.into_iter().map(|waiting| waiting.request).collect()
    }

    /// It waits no longer.
    fn forget(&mut self, waiting: &WaitingRequest) {
        self.ids.remove(&(waiting.socket, waiting.request.ack_id));
        self.bytes -= request_bytes(&waiting.request);
    }
}

/// What one takes beside its body and headers.
const ENVELOPE: usize = 256;

fn request_bytes(request: &TunnelRequest) -> usize {
    let body = request.body.as_ref().map_or(0, Bytes::len);
    ENVELOPE + request.url.len() + headers_bytes(request.headers.as_ref()) + body
}

fn response_bytes(response: &TunnelResponse) -> usize {
    ENVELOPE + headers_bytes(response.headers.as_ref()) + response.body.as_ref().map_or(0, Bytes::len)
}

fn headers_bytes(headers: Option<&TunnelHeaders>) -> usize {
    let headers = headers.into_iter().flatten();
    headers.map(|(name, values)| name.len() + values.iter().map(String::len).sum::<usize>()).sum()
}

impl TunnelClient {
    /// A request came.
    pub(super) fn take_in(&mut self, now: Duration, socket: TunnelSocket, request: TunnelRequest) {
        let Some(line) = self.lines.get_mut(&socket) else { return };
        if matches!(line.state, LineState::Closing { .. }) {
            return self.report(TunnelEvent::NotAsked { request, cause: LostCause::Closing });
        }
        if self.requests.knows(socket, request.ack_id) {
            return self.report(TunnelEvent::NotAsked { request, cause: LostCause::Doubled });
        }
        line.in_hand += 1;
        let waiting = WaitingRequest { socket, request };
        if self.stopping.is_some() {
            return self.refuse(waiting);
        }
        self.requests.add(waiting);
        self.ask_next(now);
    }

    /// Asks as many as may be asked at a time. A connection whose answers are not taken gets no more of them.
    pub(super) fn ask_next(&mut self, now: Duration) {
        while let Some(ask) = {
            let Self { requests, lines, config, .. } = self;
            let crowded = requests.unwritten_bytes() >= config.most_bytes;
            requests.next(|socket| !(crowded && lines.get(&socket).is_some_and(|line| line.unwritten > 0)))
        } {
            self.outputs.push_back(TunnelOutput::Ask(ask));
        }
        self.note_reading(now);
    }

    /// What was not read is no silence of the service's; nor has it left lying what was not there to take.
    pub(super) fn note_reading(&mut self, now: Duration) {
        let attentions: Vec<_> = self.lines.values().map(|line| self.attention(line)).collect();
        for (line, attention) in self.lines.values_mut().zip(attentions) {
            if line.attention != attention {
                line.attention = attention;
                line.heard = line.heard.max(now);
            }
        }
    }

    /// Sends an answer to a request that is counted among those in hand, and is settled when it is written.
    pub(super) fn send_answer(&mut self, key: RequestKey, socket: TunnelSocket, response: TunnelResponse) {
        let bytes = response_bytes(&response);
        if let Some(line) = self.lines.get_mut(&socket) {
            line.unwritten += bytes;
        }
        self.requests.goes_out(key, (socket, response.ack_id), bytes);
        for frame in pieces(response) {
            self.outputs.push_back(TunnelOutput::Send { socket, frame });
        }
        self.outputs.push_back(TunnelOutput::Mark { socket, key });
    }

    /// Whether an answer has gone out, or not and will not.
    pub(super) fn settle_answer(&mut self, key: RequestKey, delivered: bool) -> Option<TunnelSocket> {
        let (socket, bytes) = self.requests.went_out(key)?;
        if let Some(line) = self.lines.get_mut(&socket) {
            line.unwritten = line.unwritten.saturating_sub(bytes);
            line.served |= delivered;
        }
        self.settled_on(socket);
        self.report(TunnelEvent::Settled { key, delivered });
        Some(socket)
    }

    /// The run is ending: 503, so that the service asks somebody else.
    pub(super) fn refuse(&mut self, WaitingRequest { socket, request }: WaitingRequest) {
        if !self.lines.get(&socket).is_some_and(ClientLine::answers) {
            self.settled_on(socket);
            return self.report(TunnelEvent::NotAsked { request, cause: LostCause::Closing });
        }
        let response = TunnelResponse {
            ack_id: request.ack_id,
            status: REFUSED,
            headers: Some(TunnelHeaders::new()),
            local_routing: request.local_routing,
            channel_name: request.channel_name.clone(),
            body: Some(Bytes::new()),
            ..TunnelResponse::default()
        };
        let key = self.requests.name();
        self.report(TunnelEvent::Refused { key, request, status: REFUSED });
        self.send_answer(key, socket, response);
    }

    /// The answers that have not gone out on a socket that is gone are lost.
    pub(super) fn forget_unwritten(&mut self, socket: TunnelSocket) {
        for key in self.requests.unwritten_on(socket) {
            self.settle_answer(key, false);
        }
    }

    /// What waits on a socket that is gone, or is closing, is not asked: the service has asked somebody else by then.
    pub(super) fn forget_waiting(&mut self, socket: TunnelSocket) {
        for request in self.requests.take_waiting_of(socket) {
            self.settled_on(socket);
            self.report(TunnelEvent::NotAsked { request, cause: LostCause::Gone });
        }
    }

    /// One of a line's requests is settled.
    pub(super) fn settled_on(&mut self, socket: TunnelSocket) {
        if let Some(line) = self.lines.get_mut(&socket) {
            line.in_hand = line.in_hand.saturating_sub(1);
        }
    }
}
