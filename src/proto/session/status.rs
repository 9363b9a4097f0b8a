//! What a session can say of itself at any moment, and pings that its user asks for.
//!
//! The service answers pings in their order and without a name, so every ping that goes out is noted, the session's own
//! too, and each `pong` belongs to the oldest, unless that one's is overdue and a later one's was to be expected just now:
//! then the service has left the older one without an answer, which must not make every later one look late. A ping
//! without a connection waits for one.

use std::time::Duration;

use super::phase::{RecoveryStep, SessionPhase};
use super::{Counts, Output, Session};
use crate::Upstream;

/// Names a ping between its issuer and the session; chosen by the issuer, unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PingId(pub u64);

/// So much longer than twice the shortest round trip may an answer take and still be expected.
const SLACK: Duration = Duration::from_millis(250);

/// Where a session stands, as far as its user is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There has been no connection yet.
    Connecting,
    /// There is one.
    Connected,
    /// It was lost and may come back.
    Recovering,
    /// It was given up; another is being made.
    Reconnecting,
    /// It is over.
    Stopped,
}

/// A look at a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where it stands.
    pub standing: Standing,
    /// The connection, while there is one or it may come back.
    pub connection_id: Option<String>,
    /// Whose it is; `None`: anonymous, or no connection.
    pub user_id: Option<String>,
    /// Age of the connection.
    pub connected_for: Option<Duration>,
    /// The largest sequence id that came on it.
    pub last_sequence_id: Option<u64>,
    /// The last round trip of a ping.
    pub round_trip: Option<Duration>,
    /// The counters.
    pub counts: Counts,
    /// Groups with whether they are wanted and whether they are joined, in order of name.
    pub groups: Vec<(String, bool, bool)>,
}

/// A ping whose `pong` is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct AwaitedPing {
    /// When it was sent.
    pub(super) sent: Duration,
    /// Whose it is; `None`: the session's own.
    pub(super) id: Option<PingId>,
}

impl AwaitedPing {
    /// Whether its answer is to be expected now, where the shortest one took so long.
    fn is_expected(&self, now: Duration, least: Duration) -> bool {
        now.saturating_sub(self.sent) <= least.saturating_mul(2).saturating_add(SLACK)
    }
}

impl Session {
    /// A look at where things stand.
    pub fn status(&self, now: Duration) -> Status {
        let (identity, connected_at) = match &self.phase {
            SessionPhase::Live(live) => (Some(&live.identity), live.connected_at),
            SessionPhase::Recovering(recovery) => (Some(&recovery.identity), recovery.connected_at),
            SessionPhase::Idle
            | SessionPhase::Dialing { .. }
            | SessionPhase::Greeting { .. }
            | SessionPhase::Waiting { .. }
            | SessionPhase::Closing { .. }
            | SessionPhase::Ended => (None, now),
        };
        let standing = match &self.phase {
            SessionPhase::Live(_) => Standing::Connected,
            SessionPhase::Recovering(_) => Standing::Recovering,
            SessionPhase::Closing { .. } | SessionPhase::Ended => Standing::Stopped,
            SessionPhase::Idle
            | SessionPhase::Dialing { .. }
            | SessionPhase::Greeting { .. }
            | SessionPhase::Waiting { .. } => {
                if self.was_connected {
                    Standing::Reconnecting
                } else {
                    Standing::Connecting
                }
            }
        };
        Status {
            standing,
            connection_id: identity.map(|identity| identity.connection_id.clone()),
            user_id: identity.and_then(|identity| identity.user_id.clone()),
            connected_for: identity.map(|_| now.saturating_sub(connected_at)),
            last_sequence_id: identity.and_then(|identity| identity.sequence.largest()),
            round_trip: self.round_trip,
            counts: self.counts,
            groups: self.groups.iter().map(|(group, wanted, joined)| (group.to_owned(), wanted, joined)).collect(),
        }
    }

    /// Asks the service for a sign of life. It is answered with [`Output::Ponged`], unless the session ends before.
    pub fn handle_ping(&mut self, now: Duration, id: PingId) {
        if matches!(self.phase, SessionPhase::Live(_)) {
            self.send_ping(now, Some(id))
        } else {
            self.waiting_pings.push(id)
        }
    }

    /// Sends the pings that waited for a connection.
    pub(super) fn send_waiting_pings(&mut self, now: Duration) {
        for id in std::mem::take(&mut self.waiting_pings) {
            self.send_ping(now, Some(id));
        }
    }

    pub(super) fn send_ping(&mut self, now: Duration, id: Option<PingId>) {
        self.send(&Upstream::Ping);
        if let SessionPhase::Live(live) = &mut self.phase {
            live.last_ping = now;
            live.pings.push_back(AwaitedPing { sent: now, id });
        }
    }

    pub(super) fn ponged(&mut self, now: Duration) {
        let least = self.least_round_trip;
        let SessionPhase::Live(live) = &mut self.phase else { return };
        // Those before it stay: when more answers come than are expected, they are theirs, late.
        let expected = |ping: &AwaitedPing| least.is_some_and(|least| ping.is_expected(now, least));
        let answered = live.pings.iter().position(expected).unwrap_or(0);
        let Some(AwaitedPing { sent, id }) = live.pings.remove(answered) else { return };
        let elapsed = now.saturating_sub(sent);
        self.round_trip = Some(elapsed);
        self.least_round_trip = Some(self.least_round_trip.map_or(elapsed, |least| least.min(elapsed)));
        if let Some(id) = id {
            self.outputs.push_back(Output::Ponged { id, elapsed });
        }
    }

    /// When the ping that proves a recovered connection went out, as far as known.
    pub(super) fn proving_since(step: &RecoveryStep) -> Option<Duration> {
        match step {
            RecoveryStep::Proving { opened, .. } => Some(*opened),
            RecoveryStep::Pause { .. } | RecoveryStep::Dialing { .. } => None,
        }
    }
}
