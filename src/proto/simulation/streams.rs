//! Streams under random trouble: a publisher, a listener and an observer with a perfect connection. Sockets are cut, fall
//! silent and are refused, connections are forgotten, the hub refuses, loses and delays, on both codecs.
//!
//! What is held to: the fragments of a stream arrive at the hub in order, from the first on, each once; of a stream that
//! has completed all of them, and its end; of any other as many as its report says at least, and no more than were
//! written. Every stream ends, once. A listener whose connection has no gap sees the same, or is told what it missed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::network::Rng;
use super::pair::{DialFate, FrameArrival, Pair, PairContext, SessionPeer};
use super::schedule::config;
use crate::fault::Faults;
use crate::hub::{Hub, HubConfig};
use crate::session::{
    AckMode, DialClass, DialFailure, DialRequest, End, Lifecycle, LossCause, OperationId, Outcome, OutcomeCause,
    Received, Request, Snapshot, StreamEvent, StreamFate, StreamKey, StreamNews, StreamOpen, StreamReport,
    StreamTrouble,
};
use crate::{Codec, Data, Downstream, EncodedFrame, Message, OwnedData, StreamInfo, Subprotocol, Unpacked};

const GROUP: &str = "g";
const PUBLISHER: usize = 0;
const LISTENER: usize = 1;
/// The network fails until then.
const TROUBLE: Duration = Duration::from_secs(60);
/// By then everything is at rest: the hub ends a stream whose end it never got when it was idle for 300 s, and a listener has
/// to hear of that too.
const REST: Duration = Duration::from_secs(600);
const MOST_STEPS: u64 = 200_000;

/// What the hub may do wrong about streams.
const FAULTS: [&str; 10] = [
    "nack=InvalidSequenceId,op=streamData,probability=0.05",
    "nack=TransientError,op=streamData,probability=0.1",
    "nack=TransientError,op=streamEnd,times=2",
    "ignore,op=streamData,probability=0.03",
    "ignore,op=streamEnd,times=1",
    "swallow-ack,op=streamData,probability=0.3",
    "delay-ack=0ms..3s,op=streamStart",
    "execute-then-drop=eof,op=streamData,probability=0.02",
    "drop=reset,op=streamStart,probability=0.3",
    "close-stream=InternalServerError,probability=0.005",
];

/// What has come of a stream somewhere.
#[derive(Debug, Default)]
struct ArrivedStream {
    /// The payloads of its fragments, which are their numbers as they were written.
    fragments: Vec<u64>,
    ended: bool,
}

/// What is known of a stream that is published.
#[derive(Debug, Default)]
struct PublishedStream {
    written: u64,
    ends: bool,
    report: Option<StreamReport>,
}

struct StreamLedger {
    seed: u64,
    rng: Rng,
    slowest: u64,
    outage_until: Duration,
    /// By key.
    published: BTreeMap<u64, PublishedStream>,
    /// At the hub, by id.
    arrived: BTreeMap<String, ArrivedStream>,
    /// At the listener, by id, since its last fresh connection.
    heard: BTreeMap<String, ArrivedStream>,
    /// Of which the listener was told that it is not whole.
    excused: BTreeMap<String, u32>,
    recoveries: u32,
    losses: u32,
}

/// What happened in all schedules, to see that they were worth playing.
#[derive(Debug, Default)]
pub(super) struct StreamTally {
    pub(super) completed: u32,
    pub(super) unconfirmed: u32,
    pub(super) closed: u32,
    pub(super) lost: u32,
    pub(super) recoveries: u32,
    pub(super) losses: u32,
    pub(super) fragments: usize,
    pub(super) faults: u64,
    pub(super) excused: usize,
}

pub(super) fn play(seed: u64, tally: &mut StreamTally) {
    let mut rng = Rng(seed ^ 0x5712_ea45);
    let mut hub_seed = [0; 32];
    hub_seed[..8].copy_from_slice(&rng.next().to_le_bytes());
    let mut hub =
        Hub::new(HubConfig { send_connected_on_recovery: rng.percent(70), ..HubConfig::default() }, &hub_seed);
    let faults = Faults::new(seed);
    for fault in FAULTS {
        if rng.percent(20) {
            faults.add(fault.parse().unwrap());
        }
    }
    hub.set_faults(faults.clone(), "hub");
    let protocol = |at: u64| {
        if seed >> at & 1 == 0 { Subprotocol::JsonReliable } else { Subprotocol::ProtobufReliable }
    };
    let mut peer = |at: u64| {
        let mut config = config(&mut rng, seed, 0);
        config.codec = protocol(at).codec();
        SessionPeer::new(config, protocol(at))
    };
    let peers = vec![peer(0), peer(1)];
    let slowest = [5, 40, 300, 1500][rng.below(4) as usize];
    let ledger = StreamLedger {
        seed,
        rng,
        slowest,
        outage_until: Duration::ZERO,
        published: BTreeMap::new(),
        arrived: BTreeMap::new(),
        heard: BTreeMap::new(),
        excused: BTreeMap::new(),
        recoveries: 0,
        losses: 0,
    };
    StreamSchedule {
        pair: Pair::new(hub, peers, GROUP),
        ledger,
        faults,
        act_at: Duration::ZERO,
        trouble_at: Duration::ZERO,
    }
    .run(tally);
}

struct StreamSchedule {
    pair: Pair,
    ledger: StreamLedger,
    faults: Faults,
    /// The publisher does something next.
    act_at: Duration,
    trouble_at: Duration,
}

impl StreamSchedule {
    fn run(mut self, tally: &mut StreamTally) {
        for peer in &mut self.pair.peers {
            peer.session.handle_start(Duration::ZERO);
        }
        let join = Request::Join { group: GROUP.into() };
        let session = &mut self.pair.peers[LISTENER].session;
        session.handle_request(Duration::ZERO, OperationId(0), join, AckMode::Automatic);
        self.pair.drain(&mut self.ledger);
        self.trouble_at = self.ledger.rng.millis(500, 8000);
        let mut steps = 0;
        while self.pair.now < REST && self.step() {
            steps += 1;
            assert!(steps < MOST_STEPS, "seed {}: the world spins at {:?}", self.ledger.seed, self.pair.now);
        }
        self.check(tally);
    }

    fn step(&mut self) -> bool {
        let chance = (self.pair.now < TROUBLE).then_some([self.act_at, self.trouble_at]);
        let Some(next) = self.pair.due().into_iter().chain(chance.into_iter().flatten()).min() else { return false };
        let was_troubled = self.pair.now < TROUBLE;
        self.pair.now = self.pair.now.max(next);
        if self.pair.now < TROUBLE {
            if self.act_at <= self.pair.now {
                self.act();
            }
            if self.trouble_at <= self.pair.now {
                self.trouble();
            }
        } else if was_troubled {
            self.calm();
        }
        self.pair.serve_peers(&mut self.ledger);
        self.pair.serve_hub();
        self.pair.drain(&mut self.ledger);
        true
    }

    /// The publisher begins a stream, writes to some, or ends one.
    fn act(&mut self) {
        let now = self.pair.now;
        self.act_at = now + self.ledger.rng.millis(1, 1500);
        let open: Vec<u64> = self.ledger.published.iter().filter(|(_, it)| !it.ends).map(|(key, _)| *key).collect();
        let session = &mut self.pair.peers[PUBLISHER].session;
        if open.len() < 3 && (open.is_empty() || self.ledger.rng.percent(30)) {
            let key = self.ledger.published.len() as u64;
            let idle_timeout = self.ledger.rng.percent(50).then(|| self.ledger.rng.millis(2000, 60_000));
            let open = StreamOpen { group: GROUP.into(), stream_id: format!("s{key}"), no_echo: false, idle_timeout };
            self.ledger.published.insert(key, PublishedStream::default());
            session.handle_stream_open(now, StreamKey(key), open);
            return;
        }
        let key = open[self.ledger.rng.below(open.len() as u64) as usize];
        if self.ledger.rng.percent(15) {
            self.end(key);
            return;
        }
        for _ in 0..=self.ledger.rng.below(12) {
            let published = self.ledger.published.get_mut(&key).unwrap();
            // What is written to a stream that is over goes nowhere.
            if published.report.is_none() {
                published.written += 1;
            }
            let data = OwnedData::json(&published.written.to_string()).unwrap();
            session.handle_stream_write(now, StreamKey(key), &data, 1);
        }
    }

    fn end(&mut self, key: u64) {
        self.ledger.published.get_mut(&key).unwrap().ends = true;
        self.pair.peers[PUBLISHER].session.handle_stream_end(self.pair.now, StreamKey(key), None);
    }

    fn trouble(&mut self) {
        let now = self.pair.now;
        self.trouble_at = now + self.ledger.rng.millis(100, 15_000);
        let index = self.ledger.rng.below(2) as usize;
        let broken = || LossCause::Broken("reset".into());
        match self.ledger.rng.below(8) {
            0..3 => self.pair.cut(index, Duration::from_millis(1), broken()),
            3 => self.pair.cut(index, Duration::ZERO, LossCause::Close { code: 1001, reason: String::new() }),
            4 => self.pair.silence(index, true, true),
            5 => self.pair.silence(index, self.ledger.rng.percent(50), true),
            6 => {
                let until = now + self.ledger.rng.millis(10, 20_000);
                self.pair.stall(index, until);
            }
            _ => {
                self.ledger.outage_until = now + self.ledger.rng.millis(100, 40_000);
                for index in [PUBLISHER, LISTENER] {
                    self.pair.cut(index, Duration::from_millis(1), broken());
                }
            }
        }
    }

    /// The network is well again, and what is open is ended.
    fn calm(&mut self) {
        let open: Vec<u64> = self.ledger.published.iter().filter(|(_, it)| !it.ends).map(|(key, _)| *key).collect();
        for key in open {
            self.end(key);
        }
    }

    fn check(&self, tally: &mut StreamTally) {
        let StreamLedger { seed, published, arrived, heard, excused, recoveries, losses, .. } = &self.ledger;
        let nothing = ArrivedStream::default();
        for (key, PublishedStream { written, report, .. }) in published {
            let id = format!("s{key}");
            let came = arrived.get(&id).unwrap_or(&nothing);
            let context = || format!("seed {seed}: {id}: {written} written, {came:?}, {report:?}");
            let report = report.as_ref().unwrap_or_else(|| panic!("{}: it never ended", context()));
            // In order, from the first on, each once.
            let arrived = came.fragments.len() as u64;
            assert!(came.fragments.iter().copied().eq(1..=arrived), "{}", context());
            assert!(report.accepted <= arrived && arrived <= *written, "{}", context());
            match &report.fate {
                StreamFate::Completed => {
                    assert!(came.ended && arrived == *written && report.accepted == arrived, "{}", context());
                    tally.completed += 1;
                }
                StreamFate::Unconfirmed => {
                    assert!(came.ended && arrived == *written, "{}", context());
                    tally.unconfirmed += 1;
                }
                StreamFate::Closed(_) => tally.closed += 1,
                StreamFate::Unanswered | StreamFate::Lost(OutcomeCause::ConnectionLost(_)) => tally.lost += 1,
                StreamFate::Incomplete | StreamFate::Broken(_) | StreamFate::IdInUse | StreamFate::Lost(_) => {
                    panic!("{}", context())
                }
            }
            tally.fragments += came.fragments.len();
            // The listener saw the same, or was told.
            if let Some(heard) = heard.get(&id)
                && !excused.contains_key(&id)
            {
                assert_eq!((&heard.fragments, heard.ended), (&came.fragments, came.ended), "seed {seed}: {id}");
            }
        }
        tally.excused += excused.len();
        tally.recoveries += recoveries;
        tally.losses += losses;
        tally.faults += self.faults.list().iter().map(|fault| fault.fired).sum::<u64>();
    }
}

/// A fragment, or the end, of a stream that is not told of before its first.
fn note(all: &mut BTreeMap<String, ArrivedStream>, message: &Message<'_>) {
    let Some(info) = message.stream.and_then(StreamInfo::parse) else { panic!("no fragment: {message:?}") };
    let came = all.entry(info.stream_id.to_string()).or_default();
    if info.is_end() {
        came.ended = true;
        return;
    }
    assert!(!came.ended, "{} goes on after its end", info.stream_id);
    let Data::Json(text) = message.data else { panic!("{message:?}") };
    came.fragments.push(text.parse().unwrap());
}

impl PairContext for StreamLedger {
    fn latency(&mut self) -> Duration {
        self.rng.millis(0, self.slowest)
    }

    fn dial(&mut self, now: Duration, _peer: usize, request: DialRequest, deadline: Duration) -> (Duration, DialFate) {
        let soon = (now + self.rng.millis(1, 500)).min(deadline);
        if now < self.outage_until || (now < TROUBLE && self.rng.percent(15)) {
            let failure = DialFailure { class: DialClass::Unreachable, message: "no".into(), retry_after: None };
            return (soon, DialFate::Fail(failure));
        }
        (soon, DialFate::Open(request))
    }

    fn sent(&mut self, _peer: usize, _frame: &EncodedFrame) {}

    fn received(&mut self, _now: Duration, peer: usize, arrival: &FrameArrival<'_>) -> Option<LossCause> {
        if let (LISTENER, Received::Message(message)) = (peer, &arrival.received) {
            note(&mut self.heard, message);
        }
        assert!(!matches!(arrival.received, Received::Unknown { .. }), "seed {}: {:?}", self.seed, arrival.frame);
        None
    }

    fn event(&mut self, peer: usize, event: Lifecycle) {
        match (peer, event) {
            (_, Lifecycle::Recovered { .. }) => self.recoveries += 1,
            (LISTENER, Lifecycle::SessionLost { .. }) => {
                self.losses += 1;
                // Whatever is published from now on until the group is joined again is not for this listener; what was
                // under way is said to be cut.
                for id in self.published.keys().map(|key| format!("s{key}")) {
                    *self.excused.entry(id).or_default() += 1;
                }
            }
            (_, Lifecycle::SessionLost { .. }) => self.losses += 1,
            (LISTENER, Lifecycle::Stream(StreamNews::Trouble { stream_id, trouble, .. })) => match trouble {
                StreamTrouble::JoinedLate { .. } | StreamTrouble::Cut | StreamTrouble::IdleTimeout => {
                    *self.excused.entry(stream_id).or_default() += 1;
                }
                StreamTrouble::Gap { .. } | StreamTrouble::Repeated { .. } => {
                    assert!(self.excused.contains_key(&stream_id), "seed {}: {stream_id}: {trouble:?}", self.seed);
                }
            },
            _ => {}
        }
    }

    fn settled(&mut self, _peer: usize, _id: OperationId, _outcome: Outcome) {}

    fn stream(&mut self, peer: usize, key: StreamKey, event: StreamEvent) {
        assert_eq!(peer, PUBLISHER);
        let published = self.published.get_mut(&key.0).unwrap();
        match event {
            StreamEvent::Opened | StreamEvent::Released { .. } => assert!(published.report.is_none()),
            StreamEvent::Over(report) => {
                published.ends = true;
                assert_eq!(report.written, published.written, "seed {}", self.seed);
                let before = published.report.replace(report);
                assert_eq!(before, None, "seed {}: {key:?} ended twice", self.seed);
            }
        }
    }

    fn recorded(&mut self, _peer: usize, _snapshot: Snapshot) {}

    fn ended(&mut self, _peer: usize, end: &End) {
        panic!("seed {}: {end:?}", self.seed);
    }

    fn observed(&mut self, frame: &EncodedFrame) {
        let mut unpacked = Unpacked::default();
        if let Downstream::Message(message) = Codec::Json.decode_downstream(frame.as_wire(), &mut unpacked) {
            note(&mut self.arrived, &message);
        }
    }

    fn closed(&mut self, _code: u16, _reason: &str) {}
}
