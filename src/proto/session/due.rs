//! What is due, when and why: decided here alone. [`Session::poll_timeout`] takes the earliest of it, and
//! [`Session::handle_timeout`] carries out what has come.

use std::time::Duration;

use super::Session;
use super::phase::{RecoveryStep, SessionPhase};

/// What is due. What has come at the same time is done in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SessionDue {
    /// `connected` has not come (PROTOCOL §19.1).
    Greeting,
    /// The pause before a fresh dial is over.
    FreshDial,
    /// The peer has not closed its side.
    Farewell,
    /// What has come is to be acknowledged (PROTOCOL §19.9).
    SequenceAck,
    /// The peer has been silent for too long (PROTOCOL §19.11).
    Silence,
    /// The connection is idle.
    Ping,
    /// The service has forgotten the lost connection (PROTOCOL §7.2).
    Window,
    /// The pause before a recovery is over.
    RecoveryDial,
    /// A recovery has not proved itself (PROTOCOL §19.3).
    Proof,
    /// An operation has waited long enough, for its ack or to be sent again.
    Operations,
    /// The time of an invocation is over.
    Invocations,
    /// A stream that is being published has waited long enough, for an answer or to be kept alive (PROTOCOL §19.26).
    Streams,
    /// A stream that is being received has been silent for too long (PROTOCOL §19.28).
    SilentStream,
}

impl Session {
    /// All that is waited for.
    pub(super) fn deadlines(&self) -> [Option<(Duration, SessionDue)>; 7] {
        let at = |due: SessionDue| move |at: Duration| (at, due);
        let flows = !self.stall.is_on();
        let [first, second, third] = match &self.phase {
            // The driver keeps the deadline of a dial.
            SessionPhase::Idle | SessionPhase::Ended | SessionPhase::Dialing { .. } => [None; 3],
            SessionPhase::Greeting { deadline, .. } => [Some((*deadline, SessionDue::Greeting)), None, None],
            SessionPhase::Closing { deadline } => [Some((*deadline, SessionDue::Farewell)), None, None],
            SessionPhase::Waiting { until } => [Some((*until, SessionDue::FreshDial)).filter(|_| flows), None, None],
            SessionPhase::Live(live) => [
                live.identity.sequence.due().filter(|_| !self.backlogged).map(at(SessionDue::SequenceAck)),
                self.silence_due(live).map(at(SessionDue::Silence)),
                self.ping_due(live).map(at(SessionDue::Ping)),
            ],
            SessionPhase::Recovering(recovery) => match recovery.step {
                RecoveryStep::Pause { until } => [
                    Some((recovery.window, SessionDue::Window)),
                    // What would be replayed has nowhere to go.
                    Some((until, SessionDue::RecoveryDial)).filter(|_| flows),
                    None,
                ],
                RecoveryStep::Dialing { .. } => [None; 3],
                RecoveryStep::Proving { deadline, .. } => [Some((deadline, SessionDue::Proof)), None, None],
            },
        };
        // While nothing is read, no ack and no answer can come.
        let operations = self.operations.due().filter(|_| flows).map(at(SessionDue::Operations));
        let invocations = self.invocations.due().filter(|_| flows).map(at(SessionDue::Invocations));
        let is_live = matches!(self.phase, SessionPhase::Live(_));
        let streams = self.streams_due().filter(|_| is_live).map(at(SessionDue::Streams));
        // While there is no connection, nothing can come.
        let silent_stream = self.receivers.due().filter(|_| flows && is_live).map(at(SessionDue::SilentStream));
        [first, second, third, operations, invocations, streams, silent_stream]
    }

    /// When [`Self::handle_timeout`] is to be called at the latest; `None`: not at all.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.deadlines().into_iter().flatten().map(|(at, _)| at).min()
    }

    /// Time has passed. Harmless when nothing is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        // Each once: what is due again at once is due at the next call.
        let mut done = None;
        let next = |session: &Self, done| {
            let come = session.deadlines().into_iter().flatten().filter(|(at, due)| *at <= now && Some(*due) > done);
            come.map(|(_, due)| due).min()
        };
        while let Some(due) = next(self, done) {
            done = Some(due);
            self.carry_out(now, due);
        }
    }

    fn carry_out(&mut self, now: Duration, due: SessionDue) {
        match due {
            SessionDue::Greeting => self.miss_greeting(now),
            SessionDue::FreshDial => self.dial_fresh(now),
            SessionDue::Farewell => self.miss_farewell(),
            SessionDue::SequenceAck => self.acknowledge_messages(now),
            SessionDue::Silence => self.fall_silent(now),
            SessionDue::Ping => self.send_ping(now, None),
            SessionDue::Window => {
                if let Some(recovery) = self.phase.take_recovery() {
                    self.window_closed(now, *recovery);
                }
            }
            SessionDue::RecoveryDial => {
                if let Some(recovery) = self.phase.take_recovery() {
                    self.dial_recovery(now, recovery);
                }
            }
            SessionDue::Proof => {
                if let Some(recovery) = self.phase.take_recovery() {
                    self.miss_proof(now, recovery);
                }
            }
            SessionDue::Operations => self.expire_operations(now),
            SessionDue::Invocations => self.expire_invocations(now),
            SessionDue::Streams => self.expire_streams(now),
            SessionDue::SilentStream => {
                for event in self.receivers.expire(now) {
                    self.event(event);
                }
            }
        }
    }
}
