//! Client sessions and the hub on a wire, in virtual time: what arrives when it is due, what is said to whom, and nothing
//! of chance. Who plays with it says how long the wire takes and how dials end, and is told all that comes out
//! ([`PairContext`]): a scenario of a few lines, or a schedule of random trouble.

use std::time::Duration;

use super::network::{Down, Up, Wire};
use crate::hub::{self, ClientKind, CloseKind, Cut, EventAnswer, EventId, Fresh, Hub, Open, SocketId, UserEvent};
use crate::session::{
    Config, DialFailure, DialRequest, End, InvocationKey, Invoked, Lifecycle, LossCause, Mark, OperationId, Outcome,
    Output, Received, Session, Snapshot, StreamEvent, StreamKey,
};
use crate::{EncodedFrame, Subprotocol, Unpacked};

/// A client of the hub with a perfect connection, which sees what really happens.
pub(super) const OBSERVER: SocketId = SocketId(0);

/// What became of a dial.
#[derive(Debug)]
pub(super) enum DialFate {
    Open(DialRequest),
    Fail(DialFailure),
}

/// A frame that a session has got, and what it was to it.
pub(super) struct FrameArrival<'a> {
    pub(super) frame: &'a EncodedFrame,
    pub(super) received: Received<'a>,
    /// How far the connection has come with it.
    pub(super) mark: Option<Mark>,
    /// How many frames have come over its socket.
    pub(super) delivered: u64,
}

/// What is around the wire. `peer` counts the sessions from 0.
pub(super) trait PairContext {
    /// How long what is put on the wire takes.
    fn latency(&mut self) -> Duration;
    /// When a dial ends, and how.
    fn dial(&mut self, now: Duration, peer: usize, request: DialRequest, deadline: Duration) -> (Duration, DialFate);
    /// A session has put out a frame.
    fn sent(&mut self, peer: usize, frame: &EncodedFrame);
    /// A session has got a frame. A cause ends the socket at once, at both ends.
    fn received(&mut self, now: Duration, peer: usize, arrival: &FrameArrival<'_>) -> Option<LossCause>;
    fn event(&mut self, peer: usize, event: Lifecycle);
    fn settled(&mut self, peer: usize, id: OperationId, outcome: Outcome);
    fn stream(&mut self, peer: usize, key: StreamKey, event: StreamEvent);
    /// The hub asks the application. When it answers, and what.
    fn asked(&mut self, event: &UserEvent) -> (Duration, EventAnswer) {
        panic!("nobody answers {event:?}");
    }
    fn invoked(&mut self, _peer: usize, _key: InvocationKey, invoked: Invoked) {
        panic!("nobody has asked for {invoked:?}");
    }
    fn recorded(&mut self, peer: usize, snapshot: Snapshot);
    fn ended(&mut self, peer: usize, end: &End);
    /// The hub has sent a frame to the observer.
    fn observed(&mut self, frame: &EncodedFrame);
    /// The hub has put out a close frame.
    fn closed(&mut self, code: u16, reason: &str);
}

/// A session and its socket.
pub(super) struct SessionPeer {
    pub(super) session: Session,
    pub(super) subprotocol: Subprotocol,
    pub(super) wire: Option<Wire>,
    pub(super) dial: Option<(Duration, DialFate)>,
    /// The reader has stopped until then.
    pub(super) stalled_until: Option<Duration>,
    pub(super) ended: bool,
}

impl SessionPeer {
    pub(super) fn new(config: Config, subprotocol: Subprotocol) -> Self {
        let session = Session::new(config);
        Self { session, subprotocol, wire: None, dial: None, stalled_until: None, ended: false }
    }

    fn reads(&self) -> bool {
        self.stalled_until.is_none()
    }

    fn due(&self) -> Option<Duration> {
        let wire = self.wire.as_ref().and_then(|wire| wire.due(self.reads()));
        let dial = self.dial.as_ref().map(|(at, _)| *at);
        [self.session.poll_timeout(), dial, self.stalled_until, wire].into_iter().flatten().min()
    }
}

/// The hub and its clients.
pub(super) struct Pair {
    pub(super) now: Duration,
    pub(super) hub: Hub,
    pub(super) peers: Vec<SessionPeer>,
    sockets: u64,
    /// What the application will answer, and when.
    answers: Vec<(Duration, EventId, EventAnswer)>,
}

impl Pair {
    /// With an observer, which is in that group.
    pub(super) fn new(mut hub: Hub, peers: Vec<SessionPeer>, observed: &str) -> Self {
        let observer = Fresh {
            connection_id: None,
            client: ClientKind::PubSub(Subprotocol::Json),
            user: None,
            roles: Vec::new(),
            groups: vec![observed.into()],
        };
        hub.handle_open(Duration::ZERO, OBSERVER, Open::Fresh(observer));
        Self { now: Duration::ZERO, hub, peers, sockets: 0, answers: Vec::new() }
    }

    /// When something happens next.
    pub(super) fn due(&self) -> Option<Duration> {
        let answers = self.answers.iter().map(|(at, ..)| *at);
        self.peers.iter().filter_map(SessionPeer::due).chain(self.hub.poll_timeout()).chain(answers).min()
    }

    /// All of the clients that is due now.
    pub(super) fn serve_peers(&mut self, around: &mut impl PairContext) {
        let now = self.now;
        for index in 0..self.peers.len() {
            self.dialed(index);
            self.arrive_up(around, index);
            self.arrive_down(around, index);
            let peer = &mut self.peers[index];
            if peer.stalled_until.take_if(|until| *until <= now).is_some() {
                peer.session.handle_stalled(now, false);
            }
            if peer.session.poll_timeout().is_some_and(|due| due <= now) {
                peer.session.handle_timeout(now);
            }
        }
    }

    /// All of the hub that is due now.
    pub(super) fn serve_hub(&mut self) {
        if self.hub.poll_timeout().is_some_and(|due| due <= self.now) {
            self.hub.handle_timeout(self.now);
        }
        let now = self.now;
        for (_, event_id, answer) in self.answers.extract_if(.., |(at, ..)| *at <= now) {
            self.hub.handle_event_answer(now, event_id, &answer);
        }
    }

    fn dialed(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let Some((_, dial)) = peer.dial.take_if(|(at, _)| *at <= self.now) else { return };
        match dial {
            DialFate::Fail(failure) => peer.session.handle_dial_failed(self.now, failure),
            DialFate::Open(request) => {
                self.sockets += 1;
                let socket = SocketId(self.sockets);
                peer.wire = Some(Wire::new(socket, self.now));
                let open = match request {
                    DialRequest::Recover { connection_id, token } => {
                        Open::Recover { connection_id, reconnection_token: token.0 }
                    }
                    DialRequest::Fresh => Open::Fresh(Fresh {
                        connection_id: None,
                        client: ClientKind::PubSub(peer.subprotocol),
                        user: Some(format!("user{index}")),
                        roles: ["joinLeaveGroup", "sendToGroup", "setGroupState", "getGroupState"]
                            .map(|role| format!("webpubsub.{role}"))
                            .into(),
                        groups: Vec::new(),
                    }),
                };
                self.hub.handle_open(self.now, socket, open);
                peer.session.handle_opened(self.now);
            }
        }
    }

    fn arrive_up(&mut self, around: &mut impl PairContext, index: usize) {
        loop {
            let Some(wire) = &mut self.peers[index].wire else { return };
            if wire.paused || wire.up.front().is_none_or(|(at, _)| *at > self.now) {
                return;
            }
            let (socket, Some((_, what))) = (wire.socket, wire.up.pop_front()) else { return };
            if wire.hub_done {
                continue;
            }
            match what {
                Up::Frame(frame) => self.hub.handle_frame(self.now, socket, frame.as_wire()),
                Up::Pong => self.hub.handle_life(self.now, socket),
                Up::Close => {
                    wire.hub_done = true;
                    self.hub.handle_closed(self.now, socket, CloseKind::Clean);
                    let end = LossCause::Close { code: 1000, reason: String::new() };
                    wire.send_down(self.now, Duration::from_millis(1), Down::End(end));
                }
            }
            self.drain_hub(around);
        }
    }

    fn arrive_down(&mut self, around: &mut impl PairContext, index: usize) {
        loop {
            let peer = &mut self.peers[index];
            let reads = peer.reads();
            let Some(wire) = &mut peer.wire else { return };
            if !reads || wire.down.front().is_none_or(|(at, _)| *at > self.now) {
                return;
            }
            let (socket, Some((_, what))) = (wire.socket, wire.down.pop_front()) else { return };
            match what {
                Down::Frame(frame) => {
                    wire.delivered += 1;
                    let delivered = wire.delivered;
                    self.hub.handle_written(self.now, socket, frame.cost());
                    let mut unpacked = Unpacked::default();
                    let received = peer.session.handle_frame(self.now, frame.as_wire(), &mut unpacked);
                    let mark = peer.session.mark();
                    self.drain_session(around, index);
                    let arrival = FrameArrival { frame: &frame, received, mark, delivered };
                    if let Some(cause) = around.received(self.now, index, &arrival) {
                        self.cut(index, Duration::from_millis(1), cause);
                    }
                }
                Down::Ping => {
                    peer.session.handle_sign_of_life(self.now);
                    wire.send_up(self.now, Duration::from_millis(1), Up::Pong);
                }
                Down::End(cause) => {
                    peer.wire = None;
                    peer.session.handle_closed(self.now, cause);
                    self.drain_session(around, index);
                }
            }
        }
    }

    /// Carries out all that session and hub have to say.
    pub(super) fn drain(&mut self, around: &mut impl PairContext) {
        self.drain_hub(around);
        for index in 0..self.peers.len() {
            self.drain_session(around, index);
        }
        self.drain_hub(around);
    }

    fn drain_hub(&mut self, around: &mut impl PairContext) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                hub::Output::Send { socket: OBSERVER, frame } => {
                    self.hub.handle_written(self.now, OBSERVER, frame.cost());
                    around.observed(&frame);
                }
                hub::Output::Ping { socket: OBSERVER } => self.hub.handle_life(self.now, OBSERVER),
                hub::Output::Send { socket, frame } => self.send_down(around, socket, Down::Frame(frame)),
                hub::Output::Ping { socket } => self.send_down(around, socket, Down::Ping),
                hub::Output::Close { socket, code, reason } => {
                    around.closed(code, &reason);
                    let end = LossCause::Close { code, reason: reason.into_owned() };
                    self.send_down(around, socket, Down::End(end));
                    self.forget(socket);
                }
                // Nothing more comes, and nothing is heard.
                hub::Output::Cut { socket, how: Cut::Silence } => self.forget(socket),
                hub::Output::Abort { socket } | hub::Output::Cut { socket, .. } => {
                    self.send_down(around, socket, Down::End(LossCause::Broken("aborted".into())));
                    self.forget(socket);
                }
                hub::Output::Pause { socket } => self.with_wire(socket, |wire| wire.paused = true),
                hub::Output::Resume { socket } => self.with_wire(socket, |wire| wire.paused = false),
                hub::Output::UserEvent(event) => {
                    let (after, answer) = around.asked(&event);
                    self.answers.push((self.now + after, event.event_id, answer));
                }
                output @ (hub::Output::Connected { .. }
                | hub::Output::Joined { .. }
                | hub::Output::Left { .. }
                | hub::Output::Disconnected { .. }) => panic!("{output:?}"),
            }
        }
    }

    fn with_wire(&mut self, socket: SocketId, act: impl FnOnce(&mut Wire)) {
        let mut wires = self.peers.iter_mut().filter_map(|peer| peer.wire.as_mut());
        if let Some(wire) = wires.find(|wire| wire.socket == socket) {
            act(wire);
        }
    }

    fn send_down(&mut self, around: &mut impl PairContext, socket: SocketId, what: Down) {
        let (now, latency) = (self.now, around.latency());
        self.with_wire(socket, |wire| wire.send_down(now, latency, what));
    }

    fn forget(&mut self, socket: SocketId) {
        self.with_wire(socket, |wire| {
            wire.hub_done = true;
            wire.up.clear();
            wire.up_silent = true;
        });
    }

    pub(super) fn drain_session(&mut self, around: &mut impl PairContext, index: usize) {
        let now = self.now;
        loop {
            let peer = &mut self.peers[index];
            if let Some(snapshot) = peer.session.take_urgent_snapshot() {
                around.recorded(index, snapshot);
            }
            let Some(output) = peer.session.poll_output() else {
                // As at the end of a driver's turn.
                if let Some(snapshot) = peer.session.take_snapshot() {
                    around.recorded(index, snapshot);
                }
                return;
            };
            assert!(!peer.ended, "{output:?} after the end");
            match output {
                Output::Dial { request, deadline } => {
                    peer.wire = None;
                    peer.dial = Some(around.dial(now, index, request, deadline));
                }
                Output::Ponged { .. } => panic!("nobody has asked"),
                Output::Invoked { key, invoked } => around.invoked(index, key, *invoked),
                Output::Stream { key, event } => around.stream(index, key, event),
                Output::CancelDial => peer.dial = None,
                Output::Send(frame) => {
                    around.sent(index, &frame);
                    let latency = around.latency();
                    if let Some(wire) = &mut peer.wire {
                        wire.send_up(now, latency, Up::Frame(frame));
                    }
                }
                Output::Close { .. } => {
                    if let Some(wire) = &mut peer.wire {
                        wire.send_up(now, Duration::from_millis(1), Up::Close);
                    }
                }
                Output::Abort => self.drop_socket(index),
                Output::Event(event) => around.event(index, event),
                Output::Settled { id, outcome } => around.settled(index, id, outcome),
                Output::Ended(end) => {
                    peer.ended = true;
                    around.ended(index, &end);
                }
            }
        }
    }

    /// A client drops its socket. The other end notices, unless nothing gets through to it.
    pub(super) fn drop_socket(&mut self, index: usize) {
        if let Some(wire) = self.peers[index].wire.take()
            && !wire.hub_done
            && !wire.up_silent
        {
            self.hub.handle_closed(self.now, wire.socket, CloseKind::Dropped);
        }
    }

    /// Both ends lose the socket; what was on its way is lost. A reader that has stopped notices when it reads again.
    pub(super) fn cut(&mut self, index: usize, latency: Duration, cause: LossCause) {
        let Some(wire) = &mut self.peers[index].wire else { return };
        wire.down.clear();
        wire.up.clear();
        wire.send_down(self.now, latency, Down::End(cause));
        wire.up_silent = true;
        wire.down_silent = true;
        if !wire.hub_done {
            wire.hub_done = true;
            self.hub.handle_closed(self.now, wire.socket, CloseKind::Dropped);
        }
    }

    /// Nothing arrives any more in a direction, and nobody is told.
    pub(super) fn silence(&mut self, index: usize, down: bool, up: bool) {
        let Some(wire) = &mut self.peers[index].wire else { return };
        wire.down_silent |= down;
        wire.up_silent |= up;
        if down {
            wire.down.clear();
        }
        if up {
            wire.up.clear();
        }
    }

    /// A client reads nothing until then.
    pub(super) fn stall(&mut self, index: usize, until: Duration) {
        let peer = &mut self.peers[index];
        if peer.stalled_until.is_none() {
            peer.stalled_until = Some(until);
            peer.session.handle_stalled(self.now, true);
        }
    }
}
