//! Which operation costs the connection its sockets, if one does (PROTOCOL §7.2, §19.8).
//!
//! An operation that the service hangs up for each time would be sent again for ever; one that only happens to be under
//! way when the network fails must never be given up for it. So a loss is charged to the operation alone whose turn it
//! was: the oldest in flight, since those before it were answered. Any answer to it pays all of its debt: in small steps
//! a stream comes through a connection that is cut after each. An operation that was the oldest at several losses in a
//! row is under suspicion. From then on operations go out carefully, the suspect alone and only once its socket has
//! lived without it for longer than others did with it, or has brought an answer to another. A socket that dies without
//! it acquits it. What is lost under it all the same, again and again, is its doing.

use std::time::Duration;

/// So many losses in a row, and an operation is under suspicion.
pub(super) const SUSPICION: u32 = 3;
/// So many, and it is what costs the sockets.
const CONVICTION: u32 = 10;
/// How much a loss counts where the service says that it was for what it was sent, and this was all that it was sent.
const ACCUSATION: u32 = 4;
/// So many sockets lost under the oldest operation, acquitted or not, are more than can be waited for: every operation
/// ends (PROTOCOL §19.8).
const MOST_SOCKETS: u32 = 100;
/// How long a socket has to live without the suspect, times the longest that one has lived with it.
const TRIAL_FACTOR: u32 = 2;
/// A trial is no shorter and no longer than that.
const TRIAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// So many answers on one socket, and there is no need for care any more.
const CARELESS: usize = 256;

/// What speaks against one operation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Suspicion {
    /// Losses in a row, with what they count.
    losses: u32,
    /// Sockets lost since it was last answered, those that acquitted it included.
    sockets: u32,
    /// The longest that a socket has lived with it.
    lived: Duration,
    /// When it was last sent.
    sent: Duration,
}

impl Suspicion {
    pub(super) fn sent(&mut self, now: Duration) {
        self.sent = now;
    }

    /// A socket was lost while it was the oldest in flight.
    pub(super) fn charge(&mut self, now: Duration, accused: bool) {
        self.losses = self.losses.saturating_add(if accused { ACCUSATION } else { 1 });
        self.sockets = self.sockets.saturating_add(1);
        self.lived = self.lived.max(now.saturating_sub(self.sent));
    }

    /// A socket was lost before it was sent.
    pub(super) fn acquit(&mut self) {
        self.losses = 0;
        self.sockets = self.sockets.saturating_add(1);
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.losses >= SUSPICION
    }

    pub(super) fn is_conviction(&self) -> bool {
        self.losses >= CONVICTION || self.sockets >= MOST_SOCKETS
    }

    pub(super) fn sockets(&self) -> u32 {
        self.sockets
    }

    fn trial(&self) -> Duration {
        let (shortest, longest) = TRIAL;
        self.lived.saturating_mul(TRIAL_FACTOR).clamp(shortest, longest)
    }
}

#[derive(Clone, Copy, Debug)]
struct SocketInUse {
    since: Duration,
    /// An operation was answered on it.
    answered: bool,
    /// The suspect that is held back, and until when.
    held_back: Option<(Duration, u64)>,
}

/// How carefully operations are sent.
#[derive(Debug, Default)]
pub(super) struct Blame {
    socket: Option<SocketInUse>,
    /// How many may be in flight; grows with each answer. `None`: any number.
    window: Option<usize>,
}

impl Blame {
    pub(super) fn is_careful(&self) -> bool {
        self.window.is_some()
    }

    pub(super) fn begin_socket(&mut self, now: Duration) {
        self.socket = Some(SocketInUse { since: now, answered: false, held_back: None });
    }

    /// Returns the suspect that was held back.
    pub(super) fn end_socket(&mut self) -> Option<u64> {
        self.window = self.window.map(|_| 1);
        self.socket.take()?.held_back.map(|(_, order)| order)
    }

    /// A loss was charged.
    pub(super) fn suspect(&mut self, suspicion: Suspicion) {
        if suspicion.is_suspect() {
            self.window = Some(1);
        }
    }

    /// The service has answered an operation.
    pub(super) fn answered(&mut self) {
        self.window = self.window.map(|window| window + 1).filter(|window| *window <= CARELESS);
        if let Some(socket) = &mut self.socket {
            socket.answered = true;
        }
    }

    /// When [`Self::has_turn`] has to be asked again at the latest.
    pub(super) fn due(&self) -> Option<Duration> {
        self.socket?.held_back.map(|(until, _)| until)
    }

    /// The time of a suspect that was held back is over.
    pub(super) fn expire(&mut self, now: Duration) {
        if let Some(socket) = &mut self.socket {
            socket.held_back.take_if(|(until, _)| *until <= now);
        }
    }

    /// An operation is no more: nothing is waited for on its account.
    pub(super) fn forget(&mut self, order: u64) {
        if let Some(socket) = &mut self.socket {
            socket.held_back.take_if(|(_, held_back)| *held_back == order);
        }
    }

    /// Whether it is the turn of an operation, with so many in flight.
    pub(super) fn has_turn(&mut self, now: Duration, in_flight: usize, order: u64, suspicion: Suspicion) -> bool {
        let (Some(window), Some(socket)) = (self.window, &mut self.socket) else { return true };
        if !suspicion.is_suspect() {
            return in_flight < window;
        }
        let until = socket.since.saturating_add(suspicion.trial());
        let proven = socket.answered || until <= now;
        socket.held_back = (!proven).then_some((until, order));
        proven && in_flight == 0
    }
}
