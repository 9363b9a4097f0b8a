//! Tunnels under random trouble: the client of a tunnel, a model of the service, an upstream that takes its time, and the
//! sockets between the first two, which are cut, fall silent, are refused and not read. The service moves connections, asks
//! for more, ends them for good; ids come twice, and what comes is no frame now and then. Nobody takes what is told for a
//! while.
//!
//! What is held to (`oracle`): a request is handed to the upstream once at most, and answered once at most, on its
//! connection, with the upstream's answer whole. Of each that came its end is told, once. One whose connection nothing
//! happened to has its answer at the service. At rest all connections are up and nothing is in hand; a stop is the end,
//! in time.

mod oracle;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

pub(super) use self::oracle::TunnelTally;
use self::oracle::{TunnelOracle, answer, number_of};
use self::wire::{TunnelDown, TunnelUp, TunnelWire};
use super::network::Rng;
use crate::session::{Backoff, BackoffMode, DialClass, DialFailure, LossCause, Retries};
use crate::tunnel::{
    JoinResult, KeyedRequest, PartialResponse, RequestKey, Tracing, TunnelClient, TunnelConfig, TunnelEnd, TunnelEvent,
    TunnelFrame, TunnelMove, TunnelOutput, TunnelRequest, TunnelResponse, TunnelSocket, decode_tunnel, encode_tunnel,
};

/// The network fails until then.
const TROUBLE: Duration = Duration::from_secs(60);
/// By then everything is at rest: longer than a back-off, a leave and a queue of slow answers.
const REST: Duration = Duration::from_secs(400);
const MOST_STEPS: u64 = 200_000;
/// The service gives up a client of which it hears nothing for so long.
const DEAD: Duration = Duration::from_secs(40);
const STOP: Duration = Duration::from_millis(1800);
const MOST_ANSWER: usize = 16 << 20;

/// A connection, as the service has it.
#[derive(Debug, Default)]
struct SimulatedLine {
    /// Nothing more is asked on it.
    leaving: bool,
    last_id: i64,
    /// By id; two where the service has used one twice.
    pending: BTreeMap<i64, (Vec<u64>, PartialResponse)>,
}

struct TunnelWorld {
    seed: u64,
    rng: Rng,
    now: Duration,
    tunnel: TunnelClient,
    slowest: u64,
    connections: usize,
    oracle: TunnelOracle,
    tally: TunnelTally,
    dials: BTreeMap<TunnelSocket, (Duration, Option<DialFailure>)>,
    wires: BTreeMap<TunnelSocket, TunnelWire>,
    /// The service's, and when it gives one up.
    lines: BTreeMap<TunnelSocket, SimulatedLine>,
    dead_at: BTreeMap<TunnelSocket, Duration>,
    /// Greetings that are due.
    greetings: BTreeMap<TunnelSocket, Duration>,
    /// What the upstream answers, and when.
    upstream: BTreeMap<RequestKey, (Duration, u64)>,
    outage_until: Duration,
    /// Nobody takes what is told until then.
    stalled_until: Option<Duration>,
    act_at: Duration,
    trouble_at: Duration,
    next_number: u64,
    stopping: bool,
    ended: Option<TunnelEnd>,
}

pub(super) fn play(seed: u64, tally: &mut TunnelTally) {
    let mut world = TunnelWorld::new(seed, std::mem::take(tally));
    world.drain();
    world.play_until(REST);
    if world.ended.is_none() {
        world.check_rest();
        world.stop();
    }
    let at_work = world.upstream.values().map(|(_, number)| *number).collect();
    world.oracle.check(Some(&at_work), &mut world.tally);
    *tally = world.tally;
}

impl TunnelWorld {
    fn new(seed: u64, tally: TunnelTally) -> Self {
        let mut rng = Rng(seed ^ 0x7a33_e1f0);
        let connections = 1 + rng.below(3) as usize;
        let config = TunnelConfig {
            connections,
            connect_timeout: Duration::from_secs(10),
            retries_until_connected: Retries::Unlimited,
            retries_once_connected: Retries::Unlimited,
            backoff: Backoff {
                mode: BackoffMode::Exponential,
                delay: Duration::from_secs(1),
                max_delay: Duration::from_secs(30),
            },
            ping_interval: Some(Duration::from_secs(10)),
            ping_timeout: Some(Duration::from_secs(25)),
            leave_timeout: Duration::from_secs(10),
            stop_timeout: STOP,
            parallel: [2, 5, 256][rng.below(3) as usize],
            waiting: [1, 8, 1024][rng.below(3) as usize],
            most_bytes: [2000, 1 << 20, 32 << 20][rng.below(3) as usize],
            seed: rng.next(),
        };
        Self {
            seed,
            now: Duration::ZERO,
            tunnel: TunnelClient::new(config, Duration::ZERO),
            slowest: [5, 40, 300, 1500][rng.below(4) as usize],
            connections,
            oracle: TunnelOracle::new(seed),
            tally,
            dials: BTreeMap::new(),
            wires: BTreeMap::new(),
            lines: BTreeMap::new(),
            dead_at: BTreeMap::new(),
            greetings: BTreeMap::new(),
            upstream: BTreeMap::new(),
            outage_until: Duration::ZERO,
            stalled_until: None,
            act_at: Duration::ZERO,
            trouble_at: rng.millis(500, 8000),
            next_number: 1,
            stopping: false,
            ended: None,
            rng,
        }
    }

    fn latency(&mut self) -> Duration {
        self.rng.millis(0, self.slowest)
    }

    fn play_until(&mut self, end: Duration) {
        let mut steps = 0;
        while self.now < end && self.ended.is_none() && self.step() {
            steps += 1;
            assert!(steps < MOST_STEPS, "seed {}: the world spins at {:?}", self.seed, self.now);
        }
    }

    /// When something happens next.
    fn due(&self) -> Option<Duration> {
        let wires = self.wires.iter().filter_map(|(socket, wire)| wire.due(self.tunnel.reads(*socket)));
        let chance = (self.now < TROUBLE).then_some([self.act_at, self.trouble_at]);
        wires
            .chain(self.dials.values().map(|(at, _)| *at))
            .chain(self.greetings.values().copied())
            .chain(self.dead_at.values().copied())
            .chain(self.upstream.values().map(|(at, _)| *at))
            .chain(self.stalled_until)
            .chain(chance.into_iter().flatten())
            .chain(self.tunnel.poll_timeout())
            .min()
    }

    /// Goes on to the next thing that happens; false when nothing does.
    fn step(&mut self) -> bool {
        let Some(next) = self.due() else { return false };
        self.now = self.now.max(next);
        if self.now < TROUBLE {
            if self.act_at <= self.now {
                self.act();
            }
            if self.trouble_at <= self.now {
                self.trouble();
            }
        }
        if self.stalled_until.is_some_and(|until| until <= self.now) {
            self.stalled_until = None;
            self.tunnel.handle_stalled(self.now, false);
        }
        self.serve_dials();
        self.serve_service();
        self.serve_client();
        self.serve_upstream();
        self.drain();
        if self.tunnel.poll_timeout().is_some_and(|at| at <= self.now) {
            self.tunnel.handle_timeout(self.now);
            self.drain();
        }
        true
    }

    fn serve_dials(&mut self) {
        let due: Vec<TunnelSocket> =
            self.dials.iter().filter(|(_, (at, _))| *at <= self.now).map(|(socket, _)| *socket).collect();
        for socket in due {
            let (_, failure) = self.dials.remove(&socket).unwrap();
            match failure {
                Some(failure) => self.tunnel.handle_dial_failed(self.now, socket, failure),
                None => {
                    self.wires.insert(socket, TunnelWire::new(self.now));
                    // Some are never greeted.
                    let never = self.now < TROUBLE && self.rng.percent(5);
                    if !never {
                        let at = self.now + self.latency();
                        self.greetings.insert(socket, at);
                    }
                    self.tunnel.handle_opened(self.now, socket);
                }
            }
            self.drain();
        }
        let due: Vec<TunnelSocket> =
            self.greetings.iter().filter(|(_, at)| **at <= self.now).map(|(socket, _)| *socket).collect();
        for socket in due {
            self.greetings.remove(&socket);
            self.lines.insert(socket, SimulatedLine::default());
            self.say(
                socket,
                &TunnelFrame::Connected {
                    connection_id: format!("c{}", socket.0),
                    user_id: None,
                    reconnection_token: None,
                    tracing: Tracing::Null,
                },
            );
        }
    }

    /// The service sends a frame.
    fn say(&mut self, socket: TunnelSocket, frame: &TunnelFrame) {
        let (now, latency) = (self.now, self.latency());
        if let Some(wire) = self.wires.get_mut(&socket) {
            wire.send_down(now, latency, TunnelDown::Message(encode_tunnel(frame)));
        }
    }

    /// The connections on which the service asks.
    fn open(&self) -> Vec<TunnelSocket> {
        self.lines.iter().filter(|(_, line)| !line.leaving).map(|(socket, _)| *socket).collect()
    }

    fn draw_open(&mut self) -> Option<TunnelSocket> {
        let open = self.open();
        (!open.is_empty()).then(|| open[self.rng.below(open.len() as u64) as usize])
    }

    /// The service asks for something, or wants to have its connections otherwise.
    fn act(&mut self) {
        self.act_at = self.now + self.rng.millis(1, 1500);
        let Some(socket) = self.draw_open() else { return };
        match self.rng.below(100) {
            0..3 => {
                self.lines.get_mut(&socket).unwrap().leaving = true;
                self.oracle.excuse(socket);
                self.tally.moved += 1;
                self.say(socket, &TunnelFrame::Reconnect(TunnelMove::default()));
            }
            3 => {
                self.tally.moved += 1;
                self.say(socket, &TunnelFrame::Rebalance(TunnelMove::default()));
            }
            4 => self.say(socket, &TunnelFrame::Status { message: "m".into(), tracing: Tracing::Absent }),
            5 => {
                let (now, latency) = (self.now, self.latency());
                let what = TunnelDown::Message(Bytes::from_static(b"no frame"));
                self.wires.get_mut(&socket).unwrap().send_down(now, latency, what);
            }
            // For good; one schedule in sixteen has such.
            6 if self.seed % 16 == 5 => {
                for socket in self.open() {
                    self.lines.get_mut(&socket).unwrap().leaving = true;
                    self.oracle.excuse(socket);
                    self.say(socket, &TunnelFrame::Close { message: "m".into(), tracing: Tracing::Null });
                }
            }
            _ => {
                for _ in 0..=self.rng.below(4) {
                    let twice = self.rng.percent(2);
                    self.ask(socket, twice);
                }
            }
        }
    }

    /// The service asks for something. `twice`: under an id that is on its way.
    fn ask(&mut self, socket: TunnelSocket, twice: bool) {
        let number = self.next_number;
        self.next_number += 1;
        let line = self.lines.get_mut(&socket).unwrap();
        let taken = line.pending.last_key_value().map(|(id, _)| *id).filter(|_| twice);
        let id = taken.unwrap_or(line.last_id + 1);
        line.last_id = line.last_id.max(id);
        line.pending.entry(id).or_default().0.push(number);
        self.oracle.sent(number, socket);
        if !self.wires.get(&socket).is_some_and(|wire| wire.whole) {
            self.oracle.excuse(socket);
        }
        let body = vec![b'.'; [0, 10, 3000][self.rng.below(3) as usize]];
        self.say(
            socket,
            &TunnelFrame::Request(TunnelRequest {
                ack_id: id,
                method: "POST".into(),
                url: format!("http://h/{number}"),
                headers: Some(Vec::new()),
                channel_name: socket.0.to_string(),
                body: Some(body.into()),
                ..TunnelRequest::default()
            }),
        );
    }

    fn trouble(&mut self) {
        self.trouble_at = self.now + self.rng.millis(100, 12_000);
        let sockets: Vec<TunnelSocket> = self.wires.keys().copied().collect();
        if sockets.is_empty() {
            return;
        }
        let socket = sockets[self.rng.below(sockets.len() as u64) as usize];
        match self.rng.below(9) {
            0..3 => self.cut(socket, LossCause::Broken("reset".into())),
            3 => self.cut(socket, LossCause::Close { code: 1001, reason: String::new() }),
            4 | 5 => {
                let (down, up) = [(true, true), (true, false), (false, true)][self.rng.below(3) as usize];
                let wire = self.wires.get_mut(&socket).unwrap();
                wire.down_silent |= down;
                wire.up_silent |= up;
                wire.whole = false;
                if up {
                    wire.up.clear();
                }
                self.oracle.excuse(socket);
                self.dead_at.insert(socket, self.now + DEAD);
            }
            6 => {
                // Not so long, nor so often, that it has to be taken for dead.
                let until = self.now + self.rng.millis(10, 10_000);
                let wire = self.wires.get_mut(&socket).unwrap();
                if wire.unread_until + Duration::from_secs(20) < self.now || wire.unread_until == Duration::ZERO {
                    wire.unread_until = until;
                }
            }
            7 => {
                self.stalled_until = Some(self.now + self.rng.millis(10, 20_000));
                self.tunnel.handle_stalled(self.now, true);
            }
            _ => {
                self.outage_until = self.now + self.rng.millis(100, 30_000);
                for socket in sockets {
                    self.cut(socket, LossCause::Broken("reset".into()));
                }
            }
        }
    }

    fn cut(&mut self, socket: TunnelSocket, cause: LossCause) {
        let loses = self.rng.percent(50);
        self.wires.get_mut(&socket).unwrap().cut(self.now, loses, cause);
        self.tally.cut += 1;
        self.forget(socket);
    }

    /// The service has a connection no more.
    fn forget(&mut self, socket: TunnelSocket) {
        self.lines.remove(&socket);
        self.dead_at.remove(&socket);
        self.greetings.remove(&socket);
        self.oracle.excuse(socket);
    }

    /// What comes to the service.
    fn serve_service(&mut self) {
        let dead: Vec<TunnelSocket> =
            self.dead_at.iter().filter(|(_, at)| **at <= self.now).map(|(socket, _)| *socket).collect();
        dead.into_iter().for_each(|socket| self.forget(socket));
        let sockets: Vec<TunnelSocket> = self.wires.keys().copied().collect();
        for socket in sockets {
            while let Some(up) = self.wires.get_mut(&socket).and_then(|wire| wire.take_up(self.now)) {
                let (now, latency) = (self.now, self.latency());
                let wire = self.wires.get_mut(&socket).unwrap();
                match up {
                    TunnelUp::Message(message) => self.hear(socket, &message),
                    TunnelUp::Ping => wire.send_down(now, latency, TunnelDown::Pong),
                    TunnelUp::Close => {
                        let cause = LossCause::Close { code: 1000, reason: String::new() };
                        wire.send_down(now, latency, TunnelDown::End(cause));
                        self.leave(socket, "closed");
                    }
                    TunnelUp::End => {
                        self.leave(socket, "dropped");
                        self.wires.remove(&socket);
                        break;
                    }
                }
            }
        }
    }

    /// The client has ended a connection, which it does where the service, or the network, gave it reason to.
    fn leave(&mut self, socket: TunnelSocket, how: &str) {
        let (seed, now) = (self.seed, self.now);
        let is_whole = self.wires.get(&socket).is_some_and(|wire| wire.whole);
        if let Some(line) = self.lines.remove(&socket) {
            let needed = !is_whole || line.leaving || self.stopping;
            assert!(needed, "seed {seed}: {socket:?} is {how} without need at {now:?}: {line:?}");
        }
        self.dead_at.remove(&socket);
        self.greetings.remove(&socket);
    }

    fn hear(&mut self, socket: TunnelSocket, message: &Bytes) {
        let seed = self.seed;
        let frame = decode_tunnel(message).unwrap().unwrap();
        let TunnelFrame::Response(piece) = frame else { panic!("seed {seed}: a client does not send {frame:?}") };
        assert_eq!(piece.channel_name, socket.0.to_string(), "seed {seed}: on another connection");
        let Some(line) = self.lines.get_mut(&socket) else { return };
        let TunnelResponse { ack_id, not_completed, .. } = piece;
        let (numbers, joining) =
            line.pending.get_mut(&ack_id).unwrap_or_else(|| panic!("seed {seed}: nobody waits for {ack_id}"));
        self.tally.in_pieces += usize::from(not_completed);
        let (status, body) = match joining.add(piece, MOST_ANSWER) {
            JoinResult::More => return assert!(not_completed),
            JoinResult::Whole { status, body, .. } => (status, body),
            JoinResult::TooLarge => panic!("seed {seed}: an answer that is too large"),
        };
        // Of two with one id the client has refused one, or asked it later.
        *joining = PartialResponse::default();
        let number = numbers.remove(0);
        if numbers.is_empty() {
            line.pending.remove(&ack_id);
        }
        self.oracle.answered(number, socket, (status, &body));
    }

    /// What comes to the client.
    fn serve_client(&mut self) {
        let sockets: Vec<TunnelSocket> = self.wires.keys().copied().collect();
        for socket in sockets {
            // What has gone out had done so before something came.
            while let Some(key) = self.wires.get_mut(&socket).and_then(|wire| wire.take_mark(self.now)) {
                self.tunnel.handle_written(self.now, key);
                self.drain();
            }
            while self.ended.is_none() && self.tunnel.reads(socket) {
                let Some(down) = self.wires.get_mut(&socket).and_then(|wire| wire.take_down(self.now)) else { break };
                match down {
                    TunnelDown::Message(message) => {
                        if let Ok(Some(TunnelFrame::Request(request))) = decode_tunnel(&message) {
                            self.oracle.comes(number_of(&request));
                        }
                        self.tunnel.handle_message(self.now, socket, &message);
                    }
                    TunnelDown::Pong => self.tunnel.handle_life(self.now, socket),
                    TunnelDown::End(cause) => {
                        self.wires.remove(&socket);
                        self.tunnel.handle_lost(self.now, socket, cause);
                    }
                }
                self.drain();
            }
        }
    }

    fn serve_upstream(&mut self) {
        let due: Vec<RequestKey> =
            self.upstream.iter().filter(|(_, (at, _))| *at <= self.now).map(|(key, _)| *key).collect();
        for key in due {
            let (_, number) = self.upstream.remove(&key).unwrap();
            let (status, body) = answer(number);
            self.tunnel.handle_answer(self.now, key, status, Vec::new(), body);
            self.drain();
        }
    }

    /// Does what the client asks for.
    fn drain(&mut self) {
        let seed = self.seed;
        while let Some(output) = self.tunnel.poll_output() {
            assert_eq!(self.ended, None, "seed {seed}: something comes after the end: {output:?}");
            let (now, latency) = (self.now, self.latency());
            match output {
                TunnelOutput::Dial { socket, .. } => self.dial(socket),
                TunnelOutput::Send { socket, frame } => {
                    self.wire(socket).send_up(now, latency, TunnelUp::Message(encode_tunnel(&frame)));
                }
                TunnelOutput::Mark { socket, key } => {
                    let soon = self.rng.millis(0, 20);
                    self.wire(socket).mark(now, soon, key);
                }
                TunnelOutput::Ping { socket } => self.wire(socket).send_up(now, latency, TunnelUp::Ping),
                TunnelOutput::Close { socket } => self.wire(socket).send_up(now, latency, TunnelUp::Close),
                TunnelOutput::Abort { socket } => {
                    if self.dials.remove(&socket).is_none() {
                        self.wire(socket).drop(now, latency);
                    }
                }
                TunnelOutput::Ask(KeyedRequest { key, request }) => {
                    let number = number_of(&request);
                    self.oracle.asked(key, number);
                    let time = match self.rng.below(10) {
                        0 if self.now < TROUBLE => self.rng.millis(3000, 30_000),
                        1..4 => self.rng.millis(50, 3000),
                        _ => self.rng.millis(0, 50),
                    };
                    self.upstream.insert(key, (self.now + time, number));
                }
                TunnelOutput::Event(event) => self.told(event),
                TunnelOutput::Ended(end) => self.ended = Some(end),
            }
        }
    }

    fn wire(&mut self, socket: TunnelSocket) -> &mut TunnelWire {
        let seed = self.seed;
        self.wires.get_mut(&socket).unwrap_or_else(|| panic!("seed {seed}: into the void: {socket:?}"))
    }

    fn dial(&mut self, socket: TunnelSocket) {
        let failure = |class, message: &str| Some(DialFailure { class, message: message.into(), retry_after: None });
        let soon = self.now + self.rng.millis(1, 500);
        let dial = if self.now < self.outage_until {
            match self.rng.below(3) {
                // By its own limit.
                0 => (self.now + REST, None),
                1 => (soon, failure(DialClass::Status(503), "overloaded")),
                _ => (soon, failure(DialClass::Unreachable, "refused")),
            }
        } else {
            match self.rng.below(10) {
                0 if self.now < TROUBLE => (self.now + REST, None),
                1 if self.now < TROUBLE => (soon, failure(DialClass::Status(502), "bad gateway")),
                _ => (soon, None),
            }
        };
        self.dials.insert(socket, dial);
    }

    fn told(&mut self, event: TunnelEvent) {
        match event {
            TunnelEvent::Settled { key, delivered } => self.oracle.settled(key, delivered),
            TunnelEvent::Refused { key, request, status } => {
                assert_eq!(status, 503);
                self.oracle.refused(key, number_of(&request));
            }
            TunnelEvent::NotAsked { request, cause } => {
                let number = number_of(&request);
                if self.oracle.not_asked(number, cause) {
                    self.tally.doubled += 1;
                    // The service does not wait for it.
                    for line in self.lines.values_mut() {
                        line.pending.values_mut().for_each(|(numbers, _)| numbers.retain(|known| *known != number));
                        line.pending.retain(|_, (numbers, _)| !numbers.is_empty());
                    }
                }
            }
            TunnelEvent::Connected { .. } => self.tally.connected += 1,
            TunnelEvent::Dismissed { .. } => self.tally.dismissed += 1,
            TunnelEvent::GivenUp { error } => panic!("seed {}: given up: {error}", self.seed),
            TunnelEvent::Lost { .. }
            | TunnelEvent::Waiting { .. }
            | TunnelEvent::Told { .. }
            | TunnelEvent::Moved { .. }
            | TunnelEvent::Malformed { .. } => {}
        }
    }

    /// Nothing is in hand, and all connections are there.
    fn check_rest(&mut self) {
        let seed = self.seed;
        assert_eq!(self.tunnel.in_hand(), 0, "seed {seed}: something hangs");
        if self.tally.dismissed == 0 || seed % 16 != 5 {
            assert!(self.tunnel.connections() >= self.connections, "seed {seed}: {}", self.tunnel.connections());
        }
        for (socket, line) in &self.lines {
            assert!(line.pending.is_empty(), "seed {seed}: {socket:?} waits: {:?}", line.pending);
        }
        self.oracle.check(None, &mut self.tally);
    }

    /// Told to stop with work in hand, and more of it coming, it ends in time.
    fn stop(&mut self) {
        let seed = self.seed;
        for _ in 0..self.rng.below(20) {
            if let Some(socket) = self.draw_open() {
                self.ask(socket, false);
            }
        }
        let end = self.now + self.rng.millis(0, 1000);
        self.play_until(end);
        let by = self.now + STOP;
        self.stopping = true;
        self.tunnel.stop(self.now);
        self.drain();
        let open: Vec<TunnelSocket> = self.open();
        for socket in open {
            self.oracle.excuse(socket);
            self.ask(socket, false);
            self.oracle.excuse(socket);
        }
        while self.ended.is_none() {
            assert!(self.now <= by, "seed {seed}: it does not stop");
            assert!(self.step(), "seed {seed}: nothing happens any more");
        }
        assert_eq!(self.ended, Some(TunnelEnd::Stopped), "seed {seed}");
    }
}
