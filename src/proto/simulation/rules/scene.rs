//! A scenario: one client and another of the same hub, over wires whose dials and losses are told.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::fault::Faults;
use crate::hub::{Hub, HubConfig};
use crate::session::{
    AckMode, Config, DialClass, DialFailure, DialRequest, End, Lifecycle, Loss, LossCause, OperationId, Outcome,
    Received, Request, Snapshot, StreamEvent, StreamKey,
};
use crate::simulation::network::Rng;
use crate::simulation::pair::{DialFate, FrameArrival, Pair, PairContext, SessionPeer};
use crate::simulation::schedule::config;
use crate::{EncodedFrame, OwnedData, Subprotocol};

/// The client whose rules these are, and another of the same hub.
pub(super) const CLIENT: usize = 0;
pub(super) const OTHER: usize = 1;

/// What a dial was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialed {
    pub(super) at: Duration,
    pub(super) recovers: bool,
    /// How long it may take.
    pub(super) limit: Duration,
}

/// How the client's dials end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dials {
    Open,
    Refused,
    Hang,
}

/// What the client did, and what it was told. Of the other one only what became of its operations is of interest.
#[derive(Debug)]
pub(super) struct SceneLog {
    pub(super) dials: Dials,
    pub(super) dialed: Vec<Dialed>,
    pub(super) sent: Vec<String>,
    pub(super) events: VecDeque<Lifecycle>,
    /// Texts of messages.
    pub(super) messages: Vec<String>,
    pub(super) duplicates: usize,
    pub(super) odd: usize,
    pub(super) settled: BTreeMap<u64, Outcome>,
    pub(super) end: Option<End>,
    pub(super) published: usize,
}

impl PairContext for SceneLog {
    fn latency(&mut self) -> Duration {
        ms(1)
    }

    fn dial(&mut self, now: Duration, peer: usize, request: DialRequest, deadline: Duration) -> (Duration, DialFate) {
        let failure = |message: &str| {
            DialFate::Fail(DialFailure { class: DialClass::Unreachable, message: message.into(), retry_after: None })
        };
        if peer == OTHER {
            return (now + ms(1), DialFate::Open(request));
        }
        let recovers = matches!(request, DialRequest::Recover { .. });
        self.dialed.push(Dialed { at: now, recovers, limit: deadline - now });
        match self.dials {
            Dials::Open => (now + ms(1), DialFate::Open(request)),
            Dials::Refused => (now + ms(1), failure("refused")),
            Dials::Hang => (deadline, failure("timed out")),
        }
    }

    fn sent(&mut self, peer: usize, frame: &EncodedFrame) {
        if peer == CLIENT {
            self.sent.push(frame.as_text().unwrap().to_owned());
        }
    }

    fn received(&mut self, _now: Duration, peer: usize, arrival: &FrameArrival<'_>) -> Option<LossCause> {
        match &arrival.received {
            _ if peer == OTHER => {}
            Received::Message(message) => self.messages.push(message.data.to_json().into_owned()),
            Received::Duplicate => self.duplicates += 1,
            Received::Unknown { .. } => self.odd += 1,
            Received::States(_) | Received::Control => {}
        }
        None
    }

    fn event(&mut self, peer: usize, event: Lifecycle) {
        if peer == CLIENT {
            self.events.push_back(event);
        }
    }

    fn settled(&mut self, peer: usize, id: OperationId, outcome: Outcome) {
        let before = self.settled.insert(id.0, outcome);
        assert_eq!(before, None, "operation {} of {peer} settled twice", id.0);
    }

    fn stream(&mut self, _peer: usize, _key: StreamKey, _event: StreamEvent) {}

    fn recorded(&mut self, _peer: usize, _snapshot: Snapshot) {}

    fn ended(&mut self, peer: usize, end: &End) {
        if peer == CLIENT {
            self.end = Some(end.clone());
        }
    }

    fn observed(&mut self, frame: &EncodedFrame) {
        self.published += usize::from(frame.as_text().unwrap().contains(r#""type":"message""#));
    }

    fn closed(&mut self, _code: u16, _reason: &str) {}
}

pub(super) struct Scene {
    pub(super) pair: Pair,
    pub(super) log: SceneLog,
    pub(super) faults: Faults,
    pub(super) operations: u64,
}

pub(super) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn reset() -> LossCause {
    LossCause::Broken("reset".into())
}

pub(super) fn close(code: u16, reason: &str) -> LossCause {
    LossCause::Close { code, reason: reason.into() }
}

pub(super) fn refused_recovery() -> LossCause {
    close(1008, "")
}

impl Scene {
    /// Both have begun to connect.
    pub(super) fn new() -> Self {
        Self::with(HubConfig::default(), |_| {})
    }

    pub(super) fn with(hub: HubConfig, change: impl FnOnce(&mut Config)) -> Self {
        let peer = |change: &mut dyn FnMut(&mut Config)| {
            let mut config = config(&mut Rng(1), 0, CLIENT);
            change(&mut config);
            SessionPeer::new(config, Subprotocol::JsonReliable)
        };
        let mut change = Some(change);
        let client = peer(&mut |config| change.take().into_iter().for_each(|change| change(config)));
        let faults = Faults::new(1);
        let mut hub = Hub::new(hub, &[7; 32]);
        hub.set_faults(faults.clone(), "hub");
        let log = SceneLog {
            dials: Dials::Open,
            dialed: Vec::new(),
            sent: Vec::new(),
            events: VecDeque::new(),
            messages: Vec::new(),
            duplicates: 0,
            odd: 0,
            settled: BTreeMap::new(),
            end: None,
            published: 0,
        };
        let pair = Pair::new(hub, vec![client, peer(&mut |_| {})], "g");
        let mut scene = Self { pair, log, faults, operations: 0 };
        for peer in &mut scene.pair.peers {
            peer.session.handle_start(Duration::ZERO);
        }
        scene.pair.drain(&mut scene.log);
        scene
    }

    /// Both are connected, and nothing is left to be read of it.
    pub(super) fn connected() -> Self {
        let mut scene = Self::new();
        scene.pass(s(2));
        scene.connects();
        scene
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.pair.now + time;
        while let Some(due) = self.pair.due().filter(|due| *due <= until) {
            self.pair.now = self.pair.now.max(due);
            self.pair.serve_peers(&mut self.log);
            self.pair.serve_hub();
            self.pair.drain(&mut self.log);
        }
        self.pair.now = until;
    }

    pub(super) fn ask(&mut self, peer: usize, request: Request) -> u64 {
        let id = self.operations;
        self.operations += 1;
        self.pair.peers[peer].session.handle_request(self.pair.now, OperationId(id), request, AckMode::Automatic);
        self.pair.drain(&mut self.log);
        id
    }

    pub(super) fn join(&mut self, group: &str) -> u64 {
        self.ask(CLIENT, Request::Join { group: group.into() })
    }

    pub(super) fn send(&mut self, peer: usize, text: &str) -> u64 {
        let data = OwnedData::json(text).unwrap();
        self.ask(peer, Request::Send { group: "g".into(), data, no_echo: true, ttl_seconds: None, metadata: None })
    }

    pub(super) fn cut(&mut self, cause: LossCause) {
        self.pair.cut(CLIENT, Duration::ZERO, cause);
    }

    /// The client has lost its connection, and the service has forgotten it.
    pub(super) fn forgotten(&mut self) {
        self.cut(refused_recovery());
        self.pass(s(3));
        self.sees(|event| matches!(event, Lifecycle::SessionLost { .. }));
    }

    pub(super) fn stop(&mut self) {
        self.pair.peers[CLIENT].session.handle_stop(self.pair.now);
        self.pair.drain(&mut self.log);
    }

    /// Reads up to an event.
    #[track_caller]
    pub(super) fn sees(&mut self, wanted: impl Fn(&Lifecycle) -> bool) -> Lifecycle {
        loop {
            let Some(event) = self.log.events.pop_front() else { panic!("it did not happen: {:?}", self.log) };
            if wanted(&event) {
                return event;
            }
        }
    }

    #[track_caller]
    pub(super) fn connects(&mut self) {
        self.sees(|event| matches!(event, Lifecycle::Connected { .. }));
    }

    #[track_caller]
    pub(super) fn recovers(&mut self) {
        self.sees(|event| matches!(event, Lifecycle::Recovered { .. }));
    }

    /// How it was lost.
    #[track_caller]
    pub(super) fn loses(&mut self) -> Loss {
        match self.sees(|event| matches!(event, Lifecycle::Recovering { .. })) {
            Lifecycle::Recovering { loss, .. } => loss,
            other => panic!("{other:?}"),
        }
    }

    /// Frames that the client has sent since the last time, of a type.
    pub(super) fn sent(&mut self, kind: &str) -> Vec<String> {
        let kind = format!(r#""type":"{kind}""#);
        std::mem::take(&mut self.log.sent).into_iter().filter(|frame| frame.contains(&kind)).collect()
    }

    pub(super) fn dialed(&mut self) -> Vec<Dialed> {
        std::mem::take(&mut self.log.dialed)
    }

    #[track_caller]
    pub(super) fn is_acked(&self, id: u64) -> bool {
        matches!(self.log.settled.get(&id), Some(Outcome::Acked { .. }))
    }
}
