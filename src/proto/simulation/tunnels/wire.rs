//! A socket between a tunnel's client and the model of the service, in virtual time.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::session::LossCause;
use crate::tunnel::RequestKey;

/// What travels to the client.
#[derive(Debug)]
pub(super) enum TunnelDown {
    Message(Bytes),
    Pong,
    End(LossCause),
}

/// What travels to the service.
#[derive(Debug)]
pub(super) enum TunnelUp {
    Message(Bytes),
    Ping,
    /// A close frame.
    Close,
    /// The client has dropped it.
    End,
}

/// One socket: two queues with arrival times that never go back.
#[derive(Debug, Default)]
pub(super) struct TunnelWire {
    pub(super) down: VecDeque<(Duration, TunnelDown)>,
    pub(super) up: VecDeque<(Duration, TunnelUp)>,
    /// When what was sent up to a mark is with the system.
    marks: VecDeque<(Duration, RequestKey)>,
    last_down: Duration,
    last_up: Duration,
    last_mark: Duration,
    /// Nothing arrives any more in this direction, and nobody is told.
    pub(super) down_silent: bool,
    pub(super) up_silent: bool,
    /// The client has dropped it.
    gone: bool,
    /// It is broken: what is sent goes nowhere, and nothing is with the system any more.
    broken: bool,
    /// The service reads nothing until then, and the system takes nothing either.
    pub(super) unread_until: Duration,
    /// Nothing has happened to it that a network does to connections.
    pub(super) whole: bool,
}

impl TunnelWire {
    pub(super) fn new(now: Duration) -> Self {
        Self { last_down: now, last_up: now, last_mark: now, whole: true, ..Self::default() }
    }

    pub(super) fn send_down(&mut self, now: Duration, latency: Duration, what: TunnelDown) {
        if !self.down_silent && !self.broken && !self.gone {
            self.last_down = self.last_down.max(now + latency);
            self.down.push_back((self.last_down, what));
        }
    }

    pub(super) fn send_up(&mut self, now: Duration, latency: Duration, what: TunnelUp) {
        if !self.up_silent && !self.broken {
            self.last_up = self.last_up.max(now + latency);
            self.up.push_back((self.last_up, what));
        }
    }

    /// What was sent until now is with the system soon, unless nobody reads there.
    pub(super) fn mark(&mut self, now: Duration, latency: Duration, key: RequestKey) {
        if !self.broken {
            self.last_mark = self.last_mark.max(self.unread_until).max(now + latency);
            self.marks.push_back((self.last_mark, key));
        }
    }

    /// The client drops it; the service hears of that, unless nothing gets there.
    pub(super) fn drop(&mut self, now: Duration, latency: Duration) {
        self.down.clear();
        self.marks.clear();
        self.send_up(now, latency, TunnelUp::End);
        self.gone = true;
    }

    /// It breaks: the client hears of it after what was on its way, or instead of that.
    pub(super) fn cut(&mut self, now: Duration, loses: bool, cause: LossCause) {
        if loses {
            self.down.clear();
            self.last_down = now;
        }
        self.down_silent = false;
        self.send_down(now, Duration::from_millis(1), TunnelDown::End(cause));
        self.up.clear();
        self.marks.clear();
        (self.broken, self.whole) = (true, false);
    }

    /// When something arrives next, given whether the client reads.
    pub(super) fn due(&self, reads: bool) -> Option<Duration> {
        let down = self.down.front().filter(|_| reads).map(|(at, _)| *at);
        let up = self.up.front().map(|(at, _)| (*at).max(self.unread_until));
        let mark = self.marks.front().map(|(at, _)| *at);
        [down, up, mark].into_iter().flatten().min()
    }

    pub(super) fn take_mark(&mut self, now: Duration) -> Option<RequestKey> {
        self.marks.pop_front_if(|(at, _)| *at <= now).map(|(_, key)| key)
    }

    pub(super) fn take_down(&mut self, now: Duration) -> Option<TunnelDown> {
        self.down.pop_front_if(|(at, _)| *at <= now).map(|(_, what)| what)
    }

    pub(super) fn take_up(&mut self, now: Duration) -> Option<TunnelUp> {
        let unread_until = self.unread_until;
        self.up.pop_front_if(|(at, _)| (*at).max(unread_until) <= now).map(|(_, what)| what)
    }
}
