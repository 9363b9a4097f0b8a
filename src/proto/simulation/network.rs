//! Randomness and the wire between a session and the hub.

use std::collections::VecDeque;
use std::time::Duration;

use crate::EncodedFrame;
use crate::hub::SocketId;
use crate::session::LossCause;

/// A seeded generator (splitmix64).
#[derive(Debug)]
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True so often in a hundred.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// From `low` to `high` milliseconds.
    pub(super) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(low + self.below(high - low + 1))
    }
}

/// What travels from the hub to a session.
#[derive(Debug, Clone)]
pub(super) enum Down {
    Frame(EncodedFrame),
    Ping,
    End(LossCause),
}

/// What travels from a session to the hub.
#[derive(Debug, Clone)]
pub(super) enum Up {
    Frame(EncodedFrame),
    Pong,
    /// A close frame.
    Close,
}

/// One socket: two queues with arrival times that never go back.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) socket: SocketId,
    pub(super) down: VecDeque<(Duration, Down)>,
    pub(super) up: VecDeque<(Duration, Up)>,
    last_down: Duration,
    last_up: Duration,
    /// Nothing arrives any more in this direction, and nobody is told.
    pub(super) down_silent: bool,
    pub(super) up_silent: bool,
    /// The hub does not read.
    pub(super) paused: bool,
    /// Frames that the session has got.
    pub(super) delivered: u64,
    /// The hub has forgotten the socket.
    pub(super) hub_done: bool,
}

impl Wire {
    pub(super) fn new(socket: SocketId, now: Duration) -> Self {
        Self {
            socket,
            down: VecDeque::new(),
            up: VecDeque::new(),
            last_down: now,
            last_up: now,
            down_silent: false,
            up_silent: false,
            paused: false,
            delivered: 0,
            hub_done: false,
        }
    }

    pub(super) fn send_down(&mut self, now: Duration, latency: Duration, what: Down) {
        if !self.down_silent {
            self.last_down = self.last_down.max(now + latency);
            self.down.push_back((self.last_down, what));
        }
    }

    pub(super) fn send_up(&mut self, now: Duration, latency: Duration, what: Up) {
        if !self.up_silent {
            self.last_up = self.last_up.max(now + latency);
            self.up.push_back((self.last_up, what));
        }
    }

    /// When something arrives next, given whether the session reads.
    pub(super) fn due(&self, reads: bool) -> Option<Duration> {
        let down = self.down.front().filter(|_| reads).map(|(at, _)| *at);
        let up = self.up.front().filter(|_| !self.paused).map(|(at, _)| *at);
        down.into_iter().chain(up).min()
    }
}
