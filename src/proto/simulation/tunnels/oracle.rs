//! What must be true of every request that the service has sent into a tunnel.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::tunnel::{LostCause, RequestKey, TunnelRequest, TunnelSocket};

/// What became of a request.
#[derive(Debug)]
struct RequestFate {
    socket: TunnelSocket,
    /// It has reached the client.
    came: bool,
    /// The upstream was asked.
    asked: bool,
    /// The client answered for it, since the run ends.
    refused: bool,
    /// What the client told of its end: its answer has gone out, or not.
    told: Option<bool>,
    /// The service has its answer.
    answered: bool,
    /// There may be a reason for which it has none.
    excused: bool,
}

/// All requests, by their number.
#[derive(Debug, Default)]
pub(super) struct TunnelOracle {
    seed: u64,
    requests: BTreeMap<u64, RequestFate>,
    keys: BTreeMap<RequestKey, u64>,
}

/// What happened in all schedules, to see that they were worth playing.
#[derive(Debug, Default)]
pub(in crate::simulation) struct TunnelTally {
    pub(in crate::simulation) answered: usize,
    pub(in crate::simulation) lost: usize,
    pub(in crate::simulation) not_asked: usize,
    pub(in crate::simulation) refused: usize,
    pub(in crate::simulation) doubled: usize,
    pub(in crate::simulation) in_pieces: usize,
    pub(in crate::simulation) connected: usize,
    pub(in crate::simulation) cut: usize,
    pub(in crate::simulation) moved: usize,
    pub(in crate::simulation) dismissed: usize,
    pub(in crate::simulation) stopped_at_work: usize,
}

/// The answer of the upstream to a request: its status and body.
pub(super) fn answer(number: u64) -> (u16, Bytes) {
    let size = match number % 97 {
        0 => 3 << 20,
        1..5 => 40_000,
        _ => number as usize % 50,
    };
    let mut body = number.to_string().into_bytes();
    body.resize(body.len() + size, b'.');
    ([200, 204, 404, 500][number as usize % 4], body.into())
}

/// Which request it is.
pub(super) fn number_of(request: &TunnelRequest) -> u64 {
    request.url.rsplit('/').next().unwrap().parse().unwrap()
}

impl TunnelOracle {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The service sends a request.
    pub(super) fn sent(&mut self, number: u64, socket: TunnelSocket) {
        let request = RequestFate {
            socket,
            came: false,
            asked: false,
            refused: false,
            told: None,
            answered: false,
            excused: false,
        };
        self.requests.insert(number, request);
    }

    fn of(&mut self, number: u64) -> &mut RequestFate {
        self.requests.get_mut(&number).unwrap()
    }

    fn of_key(&mut self, key: RequestKey) -> u64 {
        let seed = self.seed;
        *self.keys.get(&key).unwrap_or_else(|| panic!("seed {seed}: nobody knows {key:?}"))
    }

    /// It is about to be handed to the client.
    pub(super) fn comes(&mut self, number: u64) {
        self.of(number).came = true;
    }

    /// There may be a reason not to answer what came, or will come, on that socket.
    pub(super) fn excuse(&mut self, socket: TunnelSocket) {
        self.requests.values_mut().filter(|request| request.socket == socket).for_each(|it| it.excused = true);
    }

    /// The client hands it to the upstream.
    pub(super) fn asked(&mut self, key: RequestKey, number: u64) {
        let seed = self.seed;
        let request = self.of(number);
        assert!(
            request.came && !request.asked && request.told.is_none(),
            "seed {seed}: {number} is asked: {request:?}"
        );
        request.asked = true;
        assert_eq!(self.keys.insert(key, number), None, "seed {seed}: {key:?} is taken");
    }

    /// The client answers for it.
    pub(super) fn refused(&mut self, key: RequestKey, number: u64) {
        let seed = self.seed;
        let request = self.of(number);
        assert!(request.came && !request.asked && request.told.is_none(), "seed {seed}: {number}: {request:?}");
        request.refused = true;
        assert_eq!(self.keys.insert(key, number), None, "seed {seed}: {key:?} is taken");
    }

    /// The client tells that it is settled.
    pub(super) fn settled(&mut self, key: RequestKey, delivered: bool) {
        let (seed, number) = (self.seed, self.of_key(key));
        let request = self.of(number);
        assert_eq!(request.told.replace(delivered), None, "seed {seed}: {number} is settled twice");
    }

    /// The client tells that it was not asked. Whether the service had sent its id twice.
    pub(super) fn not_asked(&mut self, number: u64, cause: LostCause) -> bool {
        let seed = self.seed;
        let request = self.of(number);
        assert!(request.came && !request.asked && request.told.is_none(), "seed {seed}: {number}: {request:?}");
        request.told = Some(false);
        match cause {
            LostCause::Doubled => request.excused = true,
            LostCause::Gone | LostCause::Closing => {}
        }
        cause == LostCause::Doubled
    }

    /// The whole answer has reached the service.
    pub(super) fn answered(&mut self, number: u64, socket: TunnelSocket, (status, body): (u16, &Bytes)) {
        let seed = self.seed;
        let request = self.of(number);
        assert_eq!(request.socket, socket, "seed {seed}: {number} is answered on another connection");
        assert!(!request.answered, "seed {seed}: {number} is answered twice");
        request.answered = true;
        if request.refused {
            assert!(status == 503 && body.is_empty(), "seed {seed}: {number}: {status}");
        } else {
            assert!(request.asked, "seed {seed}: {number} is answered, and nobody was asked");
            assert!((status, body) == (answer(number).0, &answer(number).1), "seed {seed}: {number}: {status}");
        }
    }

    /// Everything that came is told to have an end, and what nothing stood in the way of has its answer. At the end of a
    /// run what is `at_work` at the upstream may be without.
    pub(super) fn check(&self, at_work: Option<&BTreeSet<u64>>, tally: &mut TunnelTally) {
        let (seed, over) = (self.seed, at_work.is_some());
        for (number, request) in &self.requests {
            let RequestFate { came, asked, refused, told, answered, excused, .. } = request;
            assert!(*came || (!asked && !refused && told.is_none()), "seed {seed}: {number}: {request:?}");
            assert!(
                !came || told.is_some() || (over && *asked),
                "seed {seed}: nothing is told of {number}: {request:?}"
            );
            assert!(*excused || *answered || over, "seed {seed}: {number} has no answer: {request:?}");
            assert!(*excused || !answered || *told == Some(true), "seed {seed}: {number}: {request:?}");
            if over {
                tally.refused += usize::from(*refused);
                tally.answered += usize::from(*answered);
                tally.lost += usize::from(*asked && *told == Some(false));
                tally.not_asked += usize::from(*came && !asked && !refused);
                tally.stopped_at_work += usize::from(*asked && told.is_none());
            }
        }
    }
}
