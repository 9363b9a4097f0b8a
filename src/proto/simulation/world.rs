//! The world of one schedule: a hub, two sessions, an observer, and a network that fails as the seed says.

mod death;
mod rest;
mod tally;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::death::Kept;
pub(super) use self::tally::Tally;
use super::faults;
use super::network::{Down, Rng, Up, Wire};
use crate::fault::Faults;
use crate::hub::{self, ClientKind, CloseKind, Cut, Fresh, Hub, HubConfig, Open, SocketId};
use crate::session::{
    AckMode, Backoff, BackoffMode, Config, DialClass, DialFailure, DialRequest, Keep, Lifecycle, LossCause, OnUnknown,
    OperationId, Outcome, OutcomeCause, Output, Received, Request, Retries, Session,
};
use crate::{Codec, Data, Downstream, EncodedFrame, Origin, OwnedData, Subprotocol, Unpacked};

const GROUP: &str = "g";
/// Groups that the listener joins and leaves as it goes.
const SIDE_GROUPS: [&str; 2] = ["side1", "side2"];
/// The network fails until then.
const TROUBLE: Duration = Duration::from_secs(90);
/// By then everything has to be at rest: longer than an outage, a window and a back-off after the trouble.
const REST: Duration = Duration::from_secs(400);
/// Steps of one schedule; a world that needs more spins.
const MOST_STEPS: u64 = 200_000;

/// What became of a dial.
#[derive(Debug)]
enum Dial {
    Open(DialRequest),
    Fail(DialFailure),
}

/// A session and its socket.
struct Client {
    session: Session,
    wire: Option<Wire>,
    dial: Option<(Duration, Dial)>,
    /// The reader has stopped until then.
    stalled_until: Option<Duration>,
    /// Numbers received, a run for each connection.
    runs: Vec<Vec<u64>>,
    gaps: u32,
    losses: u32,
    recoveries: (u32, u32),
    settled: BTreeMap<u64, Outcome>,
    ended: bool,
    dials: u32,
    /// Side groups whose last message came.
    side: BTreeSet<String>,
    /// Its connection outlives its process.
    kept: Option<Kept>,
    /// Rejoins of groups that were given up.
    failed_rejoins: usize,
}

impl Client {
    fn new(config: Config) -> Self {
        Self {
            session: Session::new(config),
            wire: None,
            dial: None,
            stalled_until: None,
            runs: Vec::new(),
            gaps: 0,
            losses: 0,
            recoveries: (0, 0),
            settled: BTreeMap::new(),
            ended: false,
            dials: 0,
            side: BTreeSet::new(),
            kept: None,
            failed_rejoins: 0,
        }
    }

    fn reads(&self) -> bool {
        self.stalled_until.is_none()
    }
}

pub(super) struct World {
    seed: u64,
    rng: Rng,
    now: Duration,
    hub: Hub,
    /// What the hub does wrong while the network does.
    faults: Faults,
    clients: [Client; 2],
    /// Next number to publish, and when.
    next_number: u64,
    publish_at: Duration,
    /// The next blow to the network.
    trouble_at: Duration,
    /// No dial succeeds until then.
    outage_until: Duration,
    /// Whose sockets are cut after so many frames, by something on the way that allows no more.
    step: Option<(usize, u64)>,
    /// What the hub published, in its order.
    published: Vec<u64>,
    sockets: u64,
    slowest: u64,
    /// Operations of the listener, the first of which joins the group.
    listener_operations: u64,
    /// Side groups as the listener last asked for them.
    wanted: BTreeSet<&'static str>,
    tally: Tally,
}

/// Whether a frame is one that a fault has put in.
fn is_fault(frame: &EncodedFrame) -> bool {
    let pattern = b"nobody knows this";
    frame.as_wire().bytes().windows(pattern.len()).any(|bytes| bytes == pattern)
}

const PUBLISHER: usize = 0;
const LISTENER: usize = 1;
const OBSERVER: SocketId = SocketId(0);

/// What a client speaks: JSON or protobuf, in all four combinations.
fn subprotocol(seed: u64, index: usize) -> Subprotocol {
    if (seed / 4) >> index & 1 == 0 { Subprotocol::JsonReliable } else { Subprotocol::ProtobufReliable }
}

fn config(rng: &mut Rng, seed: u64, index: usize) -> Config {
    Config {
        codec: subprotocol(seed, index).codec(),
        reliable: true,
        connect_timeout: Duration::from_secs(10),
        retries_until_connected: Retries::Unlimited,
        retries_once_connected: Retries::Unlimited,
        renews_url: false,
        reconnect_backoff: Backoff {
            mode: BackoffMode::Exponential,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(30),
        },
        rejoin: true,
        ping_interval: Some(Duration::from_secs(10)),
        ping_timeout: Some(Duration::from_secs(25)),
        operation_retries: 3,
        operation_backoff: Backoff {
            mode: BackoffMode::Exponential,
            delay: Duration::from_millis(800),
            max_delay: Duration::from_secs(120),
        },
        // Longer than any silence, so that order is strict: an operation is only sent again after a recovery.
        ack_timeout: Duration::from_secs(60),
        on_unknown: OnUnknown::Fail,
        keep: None,
        seed: rng.next(),
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let mut hub_seed = [0; 32];
        hub_seed[..8].copy_from_slice(&rng.next().to_le_bytes());
        let mut hub =
            Hub::new(HubConfig { send_connected_on_recovery: rng.percent(70), ..HubConfig::default() }, &hub_seed);
        let faults = faults::of(seed);
        hub.set_faults(faults.clone(), "hub");
        let observer = Fresh {
            connection_id: None,
            client: ClientKind::PubSub(Subprotocol::Json),
            user: None,
            roles: Vec::new(),
            groups: vec![GROUP.into()],
        };
        hub.handle_open(Duration::ZERO, OBSERVER, Open::Fresh(observer));
        let mut clients = [PUBLISHER, LISTENER].map(|index| Client::new(config(&mut rng, seed, index)));
        // A listener in four outlives its processes.
        if seed % 4 == 3 {
            let keep = Some(Keep::default());
            clients[LISTENER] = Client::new(Config { keep, ..config(&mut rng, seed, LISTENER) });
            clients[LISTENER].kept = Some(Kept::default());
        }
        let slowest = [5, 40, 300, 2000][rng.below(4) as usize];
        Self {
            seed,
            now: Duration::ZERO,
            hub,
            faults,
            clients,
            next_number: 1,
            publish_at: rng.millis(0, 2000),
            trouble_at: rng.millis(0, 5000),
            outage_until: Duration::ZERO,
            // In two schedules of five, but for a listener that dies, whose blows are others. A socket's first frames may
            // be a pong and a `connected`.
            step: (seed % 5 < 2 && seed % 20 != 11).then_some(((seed % 5) as usize, 3 + seed % 11)),
            published: Vec::new(),
            sockets: 0,
            slowest,
            listener_operations: 1,
            wanted: BTreeSet::new(),
            tally: Tally::default(),
            rng,
        }
    }

    /// Plays the schedule to its end and holds it to its promises.
    pub(super) fn run(mut self) -> Tally {
        for client in &mut self.clients {
            client.session.handle_start(Duration::ZERO);
        }
        let join = Request::Join { group: GROUP.into() };
        self.clients[LISTENER].session.handle_request(Duration::ZERO, OperationId(0), join, AckMode::Automatic);
        self.drain();
        self.play_until(REST);
        self.publish_aside();
        self.play_until(REST + Duration::from_secs(30));
        self.check_rest();
        self.stop();
        self.tally
    }

    fn play_until(&mut self, end: Duration) {
        let mut steps = 0;
        while self.now < end && self.step() {
            steps += 1;
            assert!(steps < MOST_STEPS, "seed {}: the world spins at {:?}", self.seed, self.now);
        }
    }

    /// A message to each side group: it comes exactly where the group is wanted.
    fn publish_aside(&mut self) {
        for group in SIDE_GROUPS {
            let data = OwnedData::json("0").unwrap();
            self.publisher_sends(group, data, 1_000_000 + self.next_number);
            self.next_number += 1;
        }
        self.next_number -= SIDE_GROUPS.len() as u64;
        self.drain();
    }

    fn publisher_sends(&mut self, group: &str, data: OwnedData, id: u64) {
        let request = Request::Send { group: group.into(), data, no_echo: false };
        let session = &mut self.clients[PUBLISHER].session;
        session.handle_request(self.now, OperationId(id), request, AckMode::Automatic);
    }

    /// The listener changes its mind about a side group.
    fn regroup(&mut self) {
        let group = SIDE_GROUPS[self.rng.below(2) as usize];
        let request = if self.wanted.remove(group) {
            Request::Leave { group: group.into() }
        } else {
            self.wanted.insert(group);
            Request::Join { group: group.into() }
        };
        let id = OperationId(self.listener_operations);
        self.listener_operations += 1;
        self.clients[LISTENER].session.handle_request(self.now, id, request, AckMode::Automatic);
    }

    /// Goes on to the next thing that happens; false when nothing does.
    fn step(&mut self) -> bool {
        let mut next = [self.hub.poll_timeout()].into_iter().flatten().min();
        let mut consider = |at: Duration| next = Some(next.map_or(at, |next: Duration| next.min(at)));
        for client in &self.clients {
            client.session.poll_timeout().into_iter().for_each(&mut consider);
            client.dial.as_ref().map(|(at, _)| *at).into_iter().for_each(&mut consider);
            client.stalled_until.into_iter().for_each(&mut consider);
            client.wire.as_ref().and_then(|wire| wire.due(client.reads())).into_iter().for_each(&mut consider);
        }
        if self.now < TROUBLE {
            consider(self.trouble_at);
            consider(self.publish_at);
        }
        let Some(next) = next else { return false };
        self.now = self.now.max(next);
        self.happen();
        self.drain();
        true
    }

    /// Everything that is due now.
    fn happen(&mut self) {
        let now = self.now;
        if now < TROUBLE {
            if self.publish_at <= now {
                self.publish();
            }
            if self.trouble_at <= now {
                self.trouble();
            }
        } else {
            self.tally.faults += self.faults.list().iter().map(|fault| fault.fired).sum::<u64>();
            self.faults.clear();
        }
        for index in 0..self.clients.len() {
            self.dialed(index);
            self.arrive_up(index);
            self.arrive_down(index);
            let client = &mut self.clients[index];
            if client.stalled_until.is_some_and(|until| until <= now) {
                client.stalled_until = None;
                client.session.handle_stalled(now, false);
            }
            if client.session.poll_timeout().is_some_and(|due| due <= now) {
                client.session.handle_timeout(now);
            }
        }
        self.print_kept();
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
    }

    fn publish(&mut self) {
        for _ in 0..=self.rng.below(4) {
            let number = self.next_number;
            self.next_number += 1;
            let data = OwnedData::json(&number.to_string()).unwrap();
            self.publisher_sends(GROUP, data, number);
        }
        if self.rng.percent(20) {
            self.regroup();
        }
        self.publish_at = self.now + self.rng.millis(1, 4000);
    }

    fn dialed(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some((_, dial)) = client.dial.take_if(|(at, _)| *at <= self.now) else { return };
        match dial {
            Dial::Fail(failure) => client.session.handle_dial_failed(self.now, failure),
            Dial::Open(request) => {
                self.sockets += 1;
                let socket = SocketId(self.sockets);
                client.wire = Some(Wire::new(socket, self.now));
                let open = match request {
                    DialRequest::Recover { connection_id, token } => {
                        Open::Recover { connection_id, reconnection_token: token.0 }
                    }
                    DialRequest::Fresh => Open::Fresh(Fresh {
                        connection_id: None,
                        client: ClientKind::PubSub(subprotocol(self.seed, index)),
                        user: Some(format!("user{index}")),
                        roles: vec!["webpubsub.joinLeaveGroup".into(), "webpubsub.sendToGroup".into()],
                        groups: Vec::new(),
                    }),
                };
                self.hub.handle_open(self.now, socket, open);
                client.session.handle_opened(self.now);
            }
        }
    }

    fn arrive_up(&mut self, index: usize) {
        loop {
            let Some(wire) = &mut self.clients[index].wire else { return };
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
            self.drain_hub();
        }
    }

    fn arrive_down(&mut self, index: usize) {
        loop {
            let reads = self.clients[index].reads();
            let client = &mut self.clients[index];
            let Some(wire) = &mut client.wire else { return };
            if !reads || wire.down.front().is_none_or(|(at, _)| *at > self.now) {
                return;
            }
            let (socket, Some((_, what))) = (wire.socket, wire.down.pop_front()) else { return };
            match what {
                Down::Frame(frame) => {
                    self.hub.handle_written(self.now, socket, frame.cost());
                    let mut unpacked = Unpacked::default();
                    let received = client.session.handle_frame(self.now, frame.as_wire(), &mut unpacked);
                    let redelivered = matches!(&received, Received::Message(message) if message.redelivered);
                    let mark = client.session.mark();
                    let number = match &received {
                        Received::Message(message) => match &message.origin {
                            Origin::Group { group, .. } if group == GROUP => Some(number_of(message.data)),
                            Origin::Group { group, .. } => {
                                client.side.insert(group.to_string());
                                None
                            }
                            Origin::Server => panic!("seed {}: {frame:?}", self.seed),
                        },
                        Received::Unknown { .. } if is_fault(&frame) => None,
                        Received::Unknown { reason } => panic!("seed {}: {reason}: {frame:?}", self.seed),
                        Received::Duplicate => {
                            self.tally.replayed += 1;
                            None
                        }
                        Received::Control => None,
                    };
                    self.drain_session(index);
                    let client = &mut self.clients[index];
                    if let Some(kept) = &mut client.kept {
                        if let Some(mark) = mark {
                            kept.receive(client.runs.len().saturating_sub(1), mark, number, redelivered);
                        }
                    } else if let (Some(number), Some(run)) = (number, client.runs.last_mut()) {
                        run.push(number);
                    }
                    self.count_step(index);
                }
                Down::Ping => {
                    client.session.handle_sign_of_life(self.now);
                    wire.send_up(self.now, Duration::from_millis(1), Up::Pong);
                }
                Down::End(cause) => {
                    client.wire = None;
                    client.session.handle_closed(self.now, cause);
                    self.drain_session(index);
                }
            }
        }
    }

    fn drain(&mut self) {
        self.drain_hub();
        for index in 0..self.clients.len() {
            self.drain_session(index);
        }
        self.drain_hub();
    }

    fn drain_hub(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                hub::Output::Send { socket: OBSERVER, frame } => {
                    self.hub.handle_written(self.now, OBSERVER, frame.cost());
                    let mut unpacked = Unpacked::default();
                    let frame = Codec::Json.decode_downstream(frame.as_wire(), &mut unpacked);
                    if let Downstream::Message(message) = frame {
                        self.published.push(number_of(message.data));
                    }
                }
                hub::Output::Ping { socket: OBSERVER } => self.hub.handle_life(self.now, OBSERVER),
                hub::Output::Send { socket, frame } => {
                    self.send_down(socket, Down::Frame(frame));
                }
                hub::Output::Ping { socket } => self.send_down(socket, Down::Ping),
                hub::Output::Close { socket, code, reason } => {
                    self.tally.overflows += u32::from(hub::is_for_slowness(&reason));
                    let end = LossCause::Close { code, reason: reason.into_owned() };
                    self.send_down(socket, Down::End(end));
                    self.forget(socket);
                }
                // Nothing more comes, and nothing is heard.
                hub::Output::Cut { socket, how: Cut::Silence } => self.forget(socket),
                hub::Output::Abort { socket } | hub::Output::Cut { socket, .. } => {
                    self.send_down(socket, Down::End(LossCause::Broken("aborted".into())));
                    self.forget(socket);
                }
                hub::Output::Pause { socket } => self.with_wire(socket, |wire| wire.paused = true),
                hub::Output::Resume { socket } => self.with_wire(socket, |wire| wire.paused = false),
                output @ (hub::Output::UserEvent(_)
                | hub::Output::Connected { .. }
                | hub::Output::Disconnected { .. }) => {
                    panic!("seed {}: {output:?}", self.seed)
                }
            }
        }
    }

    fn with_wire(&mut self, socket: SocketId, act: impl FnOnce(&mut Wire)) {
        let wires = self.clients.iter_mut().filter_map(|client| client.wire.as_mut());
        wires.filter(|wire| wire.socket == socket).take(1).for_each({
            let mut act = Some(act);
            move |wire| {
                if let Some(act) = act.take() {
                    act(wire);
                }
            }
        });
    }

    fn send_down(&mut self, socket: SocketId, what: Down) {
        let (now, latency) = (self.now, self.rng.millis(0, self.slowest));
        self.with_wire(socket, |wire| wire.send_down(now, latency, what));
    }

    fn forget(&mut self, socket: SocketId) {
        self.with_wire(socket, |wire| {
            wire.hub_done = true;
            wire.up.clear();
            wire.up_silent = true;
        });
    }

    fn drain_session(&mut self, index: usize) {
        loop {
            let client = &mut self.clients[index];
            if let (Some(kept), Some(snapshot)) = (&mut client.kept, client.session.take_snapshot()) {
                kept.record(snapshot);
            }
            let Some(output) = client.session.poll_output() else { return };
            assert!(!client.ended, "seed {}: {output:?} after the end", self.seed);
            match output {
                Output::Dial { request, deadline } => {
                    client.wire = None;
                    client.dials += 1;
                    let dial = self.outcome_of(request, deadline);
                    self.clients[index].dial = Some(dial);
                }
                Output::Ponged { .. } => panic!("nobody has asked"),
                Output::CancelDial => client.dial = None,
                Output::Send(frame) => {
                    let latency = self.rng.millis(0, self.slowest);
                    if let Some(wire) = &mut client.wire {
                        wire.send_up(self.now, latency, Up::Frame(frame));
                    }
                }
                Output::Close { .. } => {
                    if let Some(wire) = &mut client.wire {
                        wire.send_up(self.now, Duration::from_millis(1), Up::Close);
                    }
                }
                Output::Abort => {
                    if let Some(wire) = client.wire.take()
                        && !wire.hub_done
                    {
                        // The other end notices a dropped socket, unless nothing gets through to it.
                        if !wire.up_silent {
                            self.hub.handle_closed(self.now, wire.socket, CloseKind::Dropped);
                        }
                    }
                }
                Output::Event(event) if event.is_loss() => {
                    if let Some(kept) = &mut client.kept {
                        kept.told();
                    }
                    client.losses += u32::from(matches!(event, Lifecycle::SessionLost { .. }));
                }
                Output::Event(event) => match event {
                    Lifecycle::Connected { .. } => client.runs.push(Vec::new()),
                    Lifecycle::SequenceGap { .. } => client.gaps += 1,
                    Lifecycle::Recovering { .. } => client.recoveries.0 += 1,
                    Lifecycle::Recovered { .. } => client.recoveries.1 += 1,
                    Lifecycle::RejoinFailed { .. } => client.failed_rejoins += 1,
                    Lifecycle::AttemptFailed { .. }
                    | Lifecycle::OperationRetried(_)
                    | Lifecycle::Reconnecting { .. }
                    | Lifecycle::Disconnected { .. }
                    | Lifecycle::Ack(_)
                    | Lifecycle::OperationUnknown { .. }
                    | Lifecycle::SessionLost { .. }
                    | Lifecycle::Joined { .. }
                    | Lifecycle::Left { .. } => {}
                },
                Output::Settled { id, outcome } => {
                    let before = client.settled.insert(id.0, outcome);
                    assert_eq!(before, None, "seed {}: operation {} settled twice", self.seed, id.0);
                }
                Output::Ended(_) => client.ended = true,
            }
        }
    }

    /// Whether, and when, a dial gets through.
    fn outcome_of(&mut self, request: DialRequest, deadline: Duration) -> (Duration, Dial) {
        let calm = self.now >= TROUBLE && self.now >= self.outage_until;
        let failure =
            |class, message: &str| Dial::Fail(DialFailure { class, message: message.into(), retry_after: None });
        let soon = (self.now + self.rng.millis(1, 500)).min(deadline);
        if self.now < self.outage_until {
            return match self.rng.below(3) {
                0 => (deadline, failure(DialClass::Unreachable, "timed out")),
                1 => (soon, failure(DialClass::Status(503), "overloaded")),
                _ => (soon, failure(DialClass::Unreachable, "refused")),
            };
        }
        match self.rng.below(10) {
            0 if !calm => (deadline, failure(DialClass::Unreachable, "timed out")),
            1 if !calm => (soon, failure(DialClass::Status(502), "bad gateway")),
            _ => (soon, Dial::Open(request)),
        }
    }

    /// Told to stop, both end in time, whatever they were doing.
    fn stop(&mut self) {
        for client in &mut self.clients {
            client.session.handle_stop(self.now);
        }
        self.drain();
        let limit = self.now + Duration::from_secs(2);
        while !self.clients.iter().all(|client| client.ended) {
            assert!(self.now <= limit, "seed {}: does not stop", self.seed);
            assert!(self.step(), "seed {}: nothing happens any more", self.seed);
        }
    }
}

/// Whether an operation ended because connections were lost under it again and again.
fn is_given_up(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unknown { cause: OutcomeCause::Killed { .. }, .. })
}

fn number_of(data: Data<'_>) -> u64 {
    data.to_json().parse().unwrap()
}
