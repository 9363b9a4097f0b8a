//! A schedule: a publisher, a listener and an observer, and a network that fails as the seed says.

mod death;
mod invocations;
mod rest;
mod states;
mod tally;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::death::ProcessState;
use self::invocations::Calls;
use self::states::StateLedger;
pub(super) use self::tally::Tally;
use super::faults;
use super::network::Rng;
use super::pair::{DialFate, FrameArrival, Pair, PairContext, SessionPeer};
use crate::fault::Faults;
use crate::hub::{self, EventAnswer, Hub, HubConfig, UserEvent};
use crate::session::{
    AckMode, Backoff, BackoffMode, Config, DialClass, DialFailure, DialRequest, End, InvocationKey, Invoked, Keep,
    Lifecycle, LossCause, OnUnknown, OperationId, Outcome, OutcomeCause, Received, Request, Retries, Session, Snapshot,
    StreamEvent, StreamKey,
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

/// What is known of a client.
#[derive(Default)]
struct ClientLedger {
    /// Numbers received, a run for each connection.
    runs: Vec<Vec<u64>>,
    gaps: u32,
    losses: u32,
    recoveries: (u32, u32),
    settled: BTreeMap<u64, Outcome>,
    dials: u32,
    /// Side groups whose last message came.
    side: BTreeSet<String>,
    /// Its connection outlives its process.
    kept: Option<ProcessState>,
    /// Rejoins of groups that were given up.
    failed_rejoins: usize,
    /// What it says of itself, and what it is told of that.
    said: StateLedger,
}

/// What was seen of a schedule, and what its wires and dials are like: by chance.
struct Ledger {
    seed: u64,
    rng: Rng,
    clients: [ClientLedger; 2],
    /// No dial succeeds until then.
    outage_until: Duration,
    /// Whose sockets are cut after so many frames, by something on the way that allows no more.
    step: Option<(usize, u64)>,
    /// What the hub published, in its order.
    published: Vec<u64>,
    slowest: u64,
    calls: Calls,
    tally: Tally,
}

/// A schedule under way.
pub(super) struct Schedule {
    seed: u64,
    pair: Pair,
    ledger: Ledger,
    /// What the hub does wrong while the network does.
    faults: Faults,
    /// Next number to publish, and when.
    next_number: u64,
    publish_at: Duration,
    /// The next blow to the network.
    trouble_at: Duration,
    /// Operations of the listener, the first of which joins the group.
    listener_operations: u64,
    /// Side groups as the listener last asked for them.
    wanted: BTreeSet<&'static str>,
}

/// Whether a frame is one that a fault has put in.
fn is_fault(frame: &EncodedFrame) -> bool {
    let pattern = b"nobody knows this";
    frame.as_wire().bytes().windows(pattern.len()).any(|bytes| bytes == pattern)
}

const PUBLISHER: usize = 0;
const LISTENER: usize = 1;

/// What a client speaks: JSON or protobuf, in all four combinations.
fn subprotocol(seed: u64, index: usize) -> Subprotocol {
    if (seed / 4) >> index & 1 == 0 { Subprotocol::JsonReliable } else { Subprotocol::ProtobufReliable }
}

pub(super) fn config(rng: &mut Rng, seed: u64, index: usize) -> Config {
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
        stream_idle_timeout: Duration::from_secs(300),
        keep: None,
        seed: rng.next(),
    }
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let mut hub_seed = [0; 32];
        hub_seed[..8].copy_from_slice(&rng.next().to_le_bytes());
        let mut hub =
            Hub::new(HubConfig { send_connected_on_recovery: rng.percent(70), ..HubConfig::default() }, &hub_seed);
        let faults = faults::of(seed);
        hub.set_faults(faults.clone(), "hub");
        let mut clients = [ClientLedger::default(), ClientLedger::default()];
        let mut peer = |index| SessionPeer::new(config(&mut rng, seed, index), subprotocol(seed, index));
        let mut peers = vec![peer(PUBLISHER), peer(LISTENER)];
        // A listener in four outlives its processes.
        if seed % 4 == 3 {
            let keep = Some(Keep::default());
            peers[LISTENER] =
                SessionPeer::new(Config { keep, ..config(&mut rng, seed, LISTENER) }, subprotocol(seed, LISTENER));
            clients[LISTENER].kept = Some(ProcessState::default());
        }
        let slowest = [5, 40, 300, 2000][rng.below(4) as usize];
        Self {
            seed,
            pair: Pair::new(hub, peers, GROUP),
            faults,
            next_number: 1,
            publish_at: rng.millis(0, 2000),
            trouble_at: rng.millis(0, 5000),
            listener_operations: 1,
            wanted: BTreeSet::new(),
            ledger: Ledger {
                seed,
                clients,
                outage_until: Duration::ZERO,
                // In two schedules of five, but for a listener that dies, whose blows are others. A socket's first frames
                // may be a pong and a `connected`.
                step: (seed % 5 < 2 && seed % 20 != 11).then_some(((seed % 5) as usize, 3 + seed % 11)),
                published: Vec::new(),
                slowest,
                calls: Calls::new(seed),
                tally: Tally::default(),
                rng,
            },
        }
    }

    /// Plays the schedule to its end and holds it to its promises.
    pub(super) fn run(mut self) -> Tally {
        for peer in &mut self.pair.peers {
            peer.session.handle_start(Duration::ZERO);
        }
        let join = Request::Join { group: GROUP.into() };
        self.session(LISTENER).handle_request(Duration::ZERO, OperationId(0), join, AckMode::Automatic);
        self.begin_states();
        self.drain();
        self.play_until(REST);
        self.publish_aside();
        self.play_until(REST + Duration::from_secs(30));
        self.check_rest();
        self.check_invocations();
        self.check_states();
        self.stop();
        self.ledger.tally
    }

    fn play_until(&mut self, end: Duration) {
        let mut steps = 0;
        while self.pair.now < end && self.step() {
            steps += 1;
            assert!(steps < MOST_STEPS, "seed {}: the world spins at {:?}", self.seed, self.pair.now);
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
        let request = Request::send(group, data);
        let now = self.pair.now;
        self.session(PUBLISHER).handle_request(now, OperationId(id), request, AckMode::Automatic);
    }

    /// The listener changes its mind about a side group.
    fn regroup(&mut self) {
        let group = SIDE_GROUPS[self.ledger.rng.below(2) as usize];
        let request = if self.wanted.remove(group) {
            Request::Leave { group: group.into() }
        } else {
            self.wanted.insert(group);
            Request::Join { group: group.into() }
        };
        let id = OperationId(self.listener_operations);
        self.listener_operations += 1;
        let now = self.pair.now;
        self.session(LISTENER).handle_request(now, id, request, AckMode::Automatic);
    }

    /// Goes on to the next thing that happens; false when nothing does.
    fn step(&mut self) -> bool {
        let chance = (self.pair.now < TROUBLE).then_some([self.trouble_at, self.publish_at]);
        let Some(next) = self.pair.due().into_iter().chain(chance.into_iter().flatten()).min() else { return false };
        self.pair.now = self.pair.now.max(next);
        self.happen();
        self.drain();
        true
    }

    /// Everything that is due now.
    fn happen(&mut self) {
        if self.pair.now < TROUBLE {
            if self.publish_at <= self.pair.now {
                self.publish();
            }
            if self.trouble_at <= self.pair.now {
                self.trouble();
            }
        } else {
            self.ledger.tally.faults += self.faults.list().iter().map(|fault| fault.fired).sum::<u64>();
            self.faults.clear();
        }
        self.pair.serve_peers(&mut self.ledger);
        self.print_kept();
        self.pair.serve_hub();
    }

    fn drain(&mut self) {
        self.pair.drain(&mut self.ledger);
    }

    fn session(&mut self, index: usize) -> &mut Session {
        &mut self.pair.peers[index].session
    }

    fn publish(&mut self) {
        for _ in 0..=self.ledger.rng.below(4) {
            let number = self.next_number;
            self.next_number += 1;
            let data = OwnedData::json(&number.to_string()).unwrap();
            self.publisher_sends(GROUP, data, number);
        }
        if self.ledger.rng.percent(20) {
            self.regroup();
        }
        self.invoke();
        self.say_something();
        self.publish_at = self.pair.now + self.ledger.rng.millis(1, 4000);
    }

    /// Told to stop, both end in time, whatever they were doing.
    fn stop(&mut self) {
        for peer in &mut self.pair.peers {
            peer.session.handle_stop(self.pair.now);
        }
        self.drain();
        let limit = self.pair.now + Duration::from_secs(2);
        while !self.pair.peers.iter().all(|peer| peer.ended) {
            assert!(self.pair.now <= limit, "seed {}: does not stop", self.seed);
            assert!(self.step(), "seed {}: nothing happens any more", self.seed);
        }
    }
}

impl PairContext for Ledger {
    fn latency(&mut self) -> Duration {
        self.rng.millis(0, self.slowest)
    }

    fn dial(&mut self, now: Duration, peer: usize, request: DialRequest, deadline: Duration) -> (Duration, DialFate) {
        self.clients[peer].dials += 1;
        let calm = now >= TROUBLE && now >= self.outage_until;
        let failure =
            |class, message: &str| DialFate::Fail(DialFailure { class, message: message.into(), retry_after: None });
        let soon = (now + self.rng.millis(1, 500)).min(deadline);
        if now < self.outage_until {
            return match self.rng.below(3) {
                0 => (deadline, failure(DialClass::Unreachable, "timed out")),
                1 => (soon, failure(DialClass::Status(503), "overloaded")),
                _ => (soon, failure(DialClass::Unreachable, "refused")),
            };
        }
        match self.rng.below(10) {
            0 if !calm => (deadline, failure(DialClass::Unreachable, "timed out")),
            1 if !calm => (soon, failure(DialClass::Status(502), "bad gateway")),
            _ => (soon, DialFate::Open(request)),
        }
    }

    fn sent(&mut self, _peer: usize, _frame: &EncodedFrame) {}

    fn received(&mut self, now: Duration, peer: usize, arrival: &FrameArrival<'_>) -> Option<LossCause> {
        let (seed, client, frame) = (self.seed, &mut self.clients[peer], arrival.frame);
        let redelivered = matches!(&arrival.received, Received::Message(message) if message.redelivered);
        let number = match &arrival.received {
            Received::Message(message) => match &message.origin {
                Origin::Group { group, .. } if group == GROUP => Some(number_of(message.data)),
                Origin::Group { group, .. } => {
                    client.side.insert(group.to_string());
                    None
                }
                Origin::Server => panic!("seed {seed}: {frame:?}"),
            },
            Received::Unknown { .. } if is_fault(frame) => None,
            Received::Unknown { reason } => panic!("seed {seed}: {reason}: {frame:?}"),
            Received::Duplicate => {
                self.tally.replayed += 1;
                None
            }
            Received::States(states) => {
                client.said.told(seed, states);
                self.tally.state_changes += states.changes.len();
                None
            }
            Received::Control => None,
        };
        if let Some(kept) = &mut client.kept {
            if let Some(mark) = arrival.mark {
                kept.receive(client.runs.len().saturating_sub(1), mark, number, redelivered);
            }
        } else if let (Some(number), Some(run)) = (number, client.runs.last_mut()) {
            run.push(number);
        }
        self.ends_here(now, peer, arrival.delivered)
    }

    fn event(&mut self, peer: usize, event: Lifecycle) {
        let client = &mut self.clients[peer];
        if let Some(kept) = client.kept.as_mut().filter(|_| event.is_loss()) {
            kept.told();
        }
        match event {
            Lifecycle::Connected { .. } => client.runs.push(Vec::new()),
            Lifecycle::SequenceGap { .. } => client.gaps += 1,
            Lifecycle::Recovering { .. } => client.recoveries.0 += 1,
            Lifecycle::Recovered { .. } => client.recoveries.1 += 1,
            Lifecycle::RejoinFailed { .. } => client.failed_rejoins += 1,
            Lifecycle::SessionLost { .. } => client.losses += 1,
            Lifecycle::RestateFailed { .. } => client.said.failed += 1,
            Lifecycle::AttemptFailed { .. }
            | Lifecycle::OperationRetried(_)
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::Disconnected { .. }
            | Lifecycle::Ack(_)
            | Lifecycle::Stream(_)
            | Lifecycle::OperationUnknown { .. }
            | Lifecycle::Joined { .. }
            | Lifecycle::Left { .. } => {}
        }
    }

    fn settled(&mut self, peer: usize, id: OperationId, outcome: Outcome) {
        let before = self.clients[peer].settled.insert(id.0, outcome);
        assert_eq!(before, None, "seed {}: operation {} settled twice", self.seed, id.0);
    }

    fn stream(&mut self, _peer: usize, key: StreamKey, _event: StreamEvent) {
        panic!("nobody has begun {key:?}");
    }

    fn asked(&mut self, event: &UserEvent) -> (Duration, EventAnswer) {
        self.calls.asked(self.seed, event)
    }

    fn invoked(&mut self, peer: usize, key: InvocationKey, invoked: Invoked) {
        assert_eq!(peer, PUBLISHER, "seed {}: {invoked:?}", self.seed);
        self.calls.settle(self.seed, key, invoked);
    }

    fn recorded(&mut self, peer: usize, snapshot: Snapshot) {
        if let Some(kept) = &mut self.clients[peer].kept {
            kept.record(snapshot);
        }
    }

    fn ended(&mut self, _peer: usize, _end: &End) {}

    fn observed(&mut self, frame: &EncodedFrame) {
        let mut unpacked = Unpacked::default();
        if let Downstream::Message(message) = Codec::Json.decode_downstream(frame.as_wire(), &mut unpacked) {
            self.published.push(number_of(message.data));
        }
    }

    fn closed(&mut self, _code: u16, reason: &str) {
        self.tally.overflows += u32::from(hub::is_for_slowness(reason));
    }
}

/// Whether an operation ended because connections were lost under it again and again.
fn is_given_up(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unknown { cause: OutcomeCause::Killed { .. }, .. })
}

fn number_of(data: Data<'_>) -> u64 {
    data.to_json().parse().unwrap()
}
