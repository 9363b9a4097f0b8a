//! From a lost socket to a recovered connection, or to giving it up (PROTOCOL §7.2, §7.3, §19.2).

use std::collections::VecDeque;
use std::time::Duration;

use super::event::{Lifecycle, Loss};
use super::phase::{ConnectionIdentity, LiveConnection, Recovery, RecoveryStep, SessionPhase};
use super::status::AwaitedPing;
use super::transport::loss_of;
use super::verdict::{EndKind, LossCause, LossVerdict, loss_verdict};
use super::{DialRequest, Output, Session};
use crate::RECOVERY_WINDOW_SECS;

/// Longest recovery attempt, so that one that hangs does not use up the window (PROTOCOL §19.1).
const RECOVERY_ATTEMPT: Duration = Duration::from_secs(5);
/// Pause between recovery attempts, start to start (PROTOCOL §19.2).
const RECOVERY_PAUSE: Duration = Duration::from_secs(1);
/// So many recoveries may follow one another at once; after that one a second may. A service that takes a recovery,
/// sends something and hangs up would be dialled thousands of times a second otherwise.
const QUICK_RECOVERIES: u32 = 30;
/// A socket that lived so long is worth recovering at once (PROTOCOL §19.2).
const PROVEN_SOCKET: Duration = Duration::from_secs(1);
/// A connection that lived so long resets the back-off (PROTOCOL §19.5).
const PROVEN_CONNECTION: Duration = Duration::from_secs(5);
/// How long the service keeps a dropped connection.
pub(super) const RECOVERY_WINDOW: Duration = Duration::from_secs(RECOVERY_WINDOW_SECS);

/// How many recoveries may still begin without a pause: one more for each second that passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuickRecoveries {
    left: u32,
    /// Up to when passed seconds were counted.
    counted: Duration,
}

impl Default for QuickRecoveries {
    fn default() -> Self {
        Self { left: QUICK_RECOVERIES, counted: Duration::ZERO }
    }
}

impl QuickRecoveries {
    fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.counted).as_secs();
        self.counted += Duration::from_secs(passed);
        self.left = self.left.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX)).min(QUICK_RECOVERIES);
        if self.left > 0 {
            self.left -= 1;
            return true;
        }
        // The second that is waited for now gives no further one.
        self.counted += RECOVERY_PAUSE;
        false
    }
}

impl Session {
    /// A live connection has lost its socket.
    pub(super) fn lose(&mut self, now: Duration, live: Box<LiveConnection>, cause: LossCause) {
        let live = *live;
        // They are asked again on the next socket.
        self.waiting_pings.extend(live.pings.iter().filter_map(|ping| ping.id));
        let loss = loss_of(&cause, live.disconnect_message);
        self.last_failure = Some(loss.describe());
        // What it was accused of may have been an invocation, or a part of a stream.
        let accused = cause.is_accusation() && !self.invocations.is_waiting() && !self.streams.is_started();
        self.operations.suspend(now, accused);
        self.suspend_streams(&loss.describe());
        let proven = live.progress || now.saturating_sub(live.since) >= PROVEN_SOCKET;
        let verdict = loss_verdict(&cause);
        // What is replayed comes at once; whoever has lived through that has another reason.
        let garbled = live.garbled && !live.progress && now.saturating_sub(live.since) < RECOVERY_WINDOW;
        let is_fresh = match verdict {
            LossVerdict::Recover => false,
            LossVerdict::RecoverOnce => garbled,
            LossVerdict::Fresh => true,
        };
        // That a connection was made is progress enough for its first recovery.
        let at_once = (proven || live.unproductive_since.is_none()) && self.quick.take(now);
        // A socket that dies again before it has achieved anything does not open a new window: otherwise an operation
        // that kills the connection would be resent for ever.
        let counted_from = if proven { now } else { live.unproductive_since.unwrap_or(now) };
        let recovery = Box::new(Recovery {
            identity: live.identity,
            connected_at: live.connected_at,
            loss: loss.clone(),
            lost_at: now,
            lost_before: Duration::ZERO,
            window: counted_from + RECOVERY_WINDOW,
            garbled: garbled || verdict == LossVerdict::RecoverOnce,
            attempts: 0,
            step: RecoveryStep::Pause { until: if at_once { now } else { now + RECOVERY_PAUSE } },
        });
        let recoverable = self.config.reliable && recovery.identity.token.is_some();
        if !recoverable || is_fresh || recovery.window <= now {
            let without_token = self.config.reliable && recovery.identity.token.is_none();
            let why = if without_token { "; the service gave no token to recover the connection with" } else { "" };
            let reason = format!("{}{why}", loss.describe());
            self.give_up(now, *recovery, reason, loss);
            return;
        }
        let connection_id = recovery.identity.connection_id.clone();
        self.phase = SessionPhase::Recovering(recovery);
        let described = loss.describe();
        self.event(Lifecycle::Recovering { connection_id, loss });
        for settled in self.operations.give_up_killers(&described) {
            self.settle(settled);
        }
        self.lose_invocations(now, &described);
        self.handle_timeout(now);
    }

    /// How long a recovery may take to prove itself, or to come a step nearer.
    pub(super) fn recovery_attempt(&self) -> Duration {
        self.config.connect_timeout.min(RECOVERY_ATTEMPT)
    }

    /// Nothing has come over the socket of a recovery.
    pub(super) fn miss_proof(&mut self, now: Duration, recovery: Box<Recovery>) {
        let RecoveryStep::Proving { started, .. } = recovery.step else {
            self.phase = SessionPhase::Recovering(recovery);
            return;
        };
        self.outputs.push_back(Output::Abort);
        self.attempt_failed("timed out waiting for the first frame of the recovered connection", true);
        self.pause_recovery(now, recovery, started);
    }

    pub(super) fn dial_recovery(&mut self, now: Duration, mut recovery: Box<Recovery>) {
        let Some(token) = recovery.identity.token.clone() else {
            // It has been given one, or it would not be recovered.
            let loss = recovery.loss.clone();
            return self.give_up(now, *recovery, loss.describe(), loss);
        };
        let deadline = now + self.recovery_attempt();
        recovery.attempts += 1;
        recovery.step = RecoveryStep::Dialing { started: now, deadline };
        let connection_id = recovery.identity.connection_id.clone();
        self.phase = SessionPhase::Recovering(recovery);
        self.outputs.push_back(Output::Dial { request: DialRequest::Recover { connection_id, token }, deadline });
    }

    /// A recovery attempt has failed: the next starts a second after it did, as long as the window is open.
    pub(super) fn pause_recovery(&mut self, now: Duration, mut recovery: Box<Recovery>, started: Duration) {
        let until = now.max(started + RECOVERY_PAUSE);
        if recovery.window <= now || (!self.stall.is_on() && recovery.window <= until) {
            self.window_closed(now, *recovery);
        } else {
            recovery.step = RecoveryStep::Pause { until };
            self.phase = SessionPhase::Recovering(recovery);
        }
    }

    pub(super) fn window_closed(&mut self, now: Duration, recovery: Recovery) {
        let loss = recovery.loss.clone();
        let down = now.saturating_sub(recovery.lost_at).as_secs_f64();
        self.give_up(now, recovery, format!("not recovered within {down:.0} s: {}", loss.describe()), loss);
    }

    /// The socket of a recovery has proved itself.
    pub(super) fn recovered(&mut self, now: Duration, recovery: Box<Recovery>) {
        let Recovery { identity, connected_at, lost_at, lost_before, window, garbled, attempts, step, .. } = *recovery;
        let connection_id = identity.connection_id.clone();
        let downtime = lost_before.saturating_add(now.saturating_sub(lost_at));
        self.event(Lifecycle::Recovered { connection_id, attempts, downtime });
        let counted_from = window.saturating_sub(RECOVERY_WINDOW);
        let mut live = LiveConnection { garbled, ..live(identity, now, connected_at, Some(counted_from)) };
        // The ping that was to prove it has its answer still to come, or now.
        live.pings.extend(Self::proving_since(&step).map(|sent| AwaitedPing { sent, id: None }));
        self.phase = SessionPhase::Live(Box::new(live));
        self.operations.begin_socket(now);
        self.note_change();
        if !std::mem::replace(&mut self.was_connected, true) {
            self.take_over_groups();
        }
        self.send_queued(now);
        self.send_invocations(now);
        self.resume_streams(now);
        self.receivers.excuse(now);
        self.send_waiting_pings(now);
    }

    /// The connection is over for good (PROTOCOL §7.3): says so, settles what has become unknown, and dials afresh if
    /// it may.
    pub(super) fn give_up(&mut self, now: Duration, recovery: Recovery, reason: String, loss: Loss) {
        let connection_id = recovery.identity.connection_id;
        let reason = match self.stall.blame(now, &loss).map(|blocked| blocked.as_secs_f64()) {
            Some(blocked @ 1.0..) => format!("slow reader: the output was blocked for {blocked:.0} s; {reason}"),
            Some(blocked) => format!("slow reader: the output was blocked for {blocked:.1} s; {reason}"),
            None => reason,
        };
        self.last_failure = Some(reason.clone());
        self.event(Lifecycle::SessionLost { connection_id: connection_id.clone(), reason: reason.clone() });
        self.event(Lifecycle::Disconnected { connection_id, loss });
        self.groups.forget_joined();
        if self.config.rejoin {
            self.states.forget_in_force();
        } else {
            self.states.forget_all();
        }
        self.forget_earlier();
        self.abandon_streams(&reason);
        for settled in self.operations.abandon(self.config.on_unknown, &reason) {
            self.settle(settled);
        }
        for settled in self.operations.give_up_killers(&reason) {
            self.settle(settled);
        }
        self.lose_invocations(now, &reason);
        self.invocations.forget_connection();
        if recovery.lost_at.saturating_sub(recovery.connected_at) >= PROVEN_CONNECTION {
            self.retry = 0;
        }
        if self.was_connected {
            self.retry_fresh(now, EndKind::Lost, reason, None);
        } else {
            // It was an earlier process that had it: for this one there is a first attempt to make.
            self.dial_fresh(now);
        }
    }
}

pub(super) fn live(
    identity: ConnectionIdentity,
    now: Duration,
    connected_at: Duration,
    unproductive_since: Option<Duration>,
) -> LiveConnection {
    LiveConnection {
        identity,
        since: now,
        connected_at,
        last_received: now,
        moving_since: None,
        last_ping: now,
        pings: VecDeque::new(),
        progress: false,
        unproductive_since,
        garbled: false,
        disconnect_message: None,
        unplaced: 0,
    }
}
