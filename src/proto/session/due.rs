//! What is due, when and why: decided here alone. [`Session::poll_timeout`] takes the earliest of it, and
//! [`Session::handle_timeout`] carries out what has come.

use std::time::Duration;

use super::Session;
use super::phase::{Phase, Step};

/// What is due. What has come at the same time is done in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
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
    pub(super) fn deadlines(&self) -> [Option<(Duration, Due)>; 7] {
        let at = |due: Due| move |at: Duration| (at, due);
        let flows = !self.stall.is_on();
        let [first, second, third] = match &self.phase {
            // The driver keeps the deadline of a dial.
            Phase::Idle | Phase::Ended | Phase::Dialing { .. } => [None; 3],
            Phase::Greeting { deadline, .. } => [Some((*deadline, Due::Greeting)), None, None],
            Phase::Closing { deadline } => [Some((*deadline, Due::Farewell)), None, None],
            Phase::Waiting { until } => [Some((*until, Due::FreshDial)).filter(|_| flows), None, None],
            Phase::Live(live) => [
                live.identity.sequence.due().filter(|_| !self.backlogged).map(at(Due::SequenceAck)),
                self.silence_due(live).map(at(Due::Silence)),
                self.ping_due(live).map(at(Due::Ping)),
            ],
            Phase::Recovering(recovery) => match recovery.step {
                Step::Pause { until } => [
                    Some((recovery.window, Due::Window)),
                    // What would be replayed has nowhere to go.
                    Some((until, Due::RecoveryDial)).filter(|_| flows),
                    None,
                ],
                Step::Dialing { .. } => [None; 3],
                Step::Proving { deadline, .. } => [Some((deadline, Due::Proof)), None, None],
            },
        };
        // While nothing is read, no ack and no answer can come.
        let operations = self.operations.due().filter(|_| flows).map(at(Due::Operations));
        let invocations = self.invocations.due().filter(|_| flows).map(at(Due::Invocations));
        let is_live = matches!(self.phase, Phase::Live(_));
        let streams = self.streams_due().filter(|_| is_live).map(at(Due::Streams));
        // While there is no connection, nothing can come.
        let silent_stream = self.receivers.due().filter(|_| flows && is_live).map(at(Due::SilentStream));
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

    fn carry_out(&mut self, now: Duration, due: Due) {
        match due {
            Due::Greeting => self.miss_greeting(now),
            Due::FreshDial => self.dial_fresh(now),
            Due::Farewell => self.miss_farewell(),
            Due::SequenceAck => self.acknowledge_messages(now),
            Due::Silence => self.fall_silent(now),
            Due::Ping => self.send_ping(now, None),
            Due::Window => {
                if let Some(recovery) = self.phase.take_recovery() {
                    self.window_closed(now, *recovery);
                }
            }
            Due::RecoveryDial => {
                if let Some(recovery) = self.phase.take_recovery() {
                    self.dial_recovery(now, recovery);
                }
            }
            Due::Proof => {
                if let Some(recovery) = self.phase.take_recovery() {
                    self.miss_proof(now, recovery);
                }
            }
            Due::Operations => self.expire_operations(now),
            Due::Invocations => self.expire_invocations(now),
            Due::Streams => self.expire_streams(now),
            Due::SilentStream => {
                for event in self.receivers.expire(now) {
                    self.event(event);
                }
            }
        }
    }
}
