//! The session: the client's side of the protocol without I/O (PROTOCOL §19).
//!
//! It is told what happened (`handle_*`) and says what to do ([`Session::poll_output`]). It reads no clock, opens no
//! socket and draws no random number: `now` is the time since an origin of the caller's choice, never going back, and
//! the seed of the jitter is part of the [`Config`]. After every input the caller drains the outputs, then sleeps until
//! [`Session::poll_timeout`]. The driver is its caller; tests and the simulation are others.

mod backoff;
mod blame;
mod carried;
mod cause;
mod config;
mod digests;
mod due;
mod encoder;
mod event;
mod groups;
mod ids;
mod invocations;
mod invoke;
mod keep;
mod operation;
mod operations;
mod output;
mod phase;
mod receive;
mod recovery;
mod request;
mod sent;
mod sequence;
mod settle;
mod snapshot;
mod stall;
mod states;
mod status;
mod streams;
mod timers;
mod transport;
mod verdict;
mod view;

use std::collections::VecDeque;
use std::time::Duration;

use crate::{DownstreamDecoder, Upstream};
pub use backoff::{Jitter, PauseTooLong};
use groups::WantedGroups;
use invocations::Invocations;
use keep::KeepState;
use operations::{Operations, Owner};
use phase::{RecoveryStep, SessionPhase};
use recovery::QuickRecoveries;
use stall::Stall;
use states::GroupStates;
use streams::{Receivers, Senders};

pub use cause::OutcomeCause;
pub use config::{Backoff, BackoffMode, Config, OnUnknown, Retries};
pub use event::{AckReport, FailedAttempt, Lifecycle, Loss, Nack, OperationKind, Received, StateChange, StateChanges};
pub use invocations::{Invocation, InvocationKey, InvokeOutcome, Invoked};
pub use output::{Counts, DialFailure, DialRequest, End, Output};
pub use phase::ReconnectionToken;
pub use request::{AckMode, OperationId, Outcome, Request};
pub use sent::REMEMBERED;
pub use snapshot::{Keep, KeptConnection, KeptLoss, KeptOperation, Mark, RememberedRun, Resume, Snapshot};
pub use status::{PingId, Standing, Status};
pub use streams::{
    StreamAbort, StreamBreach, StreamEvent, StreamFate, StreamKey, StreamNews, StreamOpen, StreamReport, StreamTrouble,
};
pub(crate) use transport::loss_of;
pub(crate) use verdict::dial_verdict;
pub use verdict::{DialClass, EndKind, LossCause};

/// Longest wait for the peer's close frame (CLI contract, *Ending*).
const CLOSE_TIMEOUT: Duration = Duration::from_millis(1800);

/// The client's side of one Web PubSub client, over any number of connections and sockets.
#[derive(Debug)]
pub struct Session {
    config: Config,
    /// Of what the service sends.
    decoder: DownstreamDecoder,
    jitter: Jitter,
    phase: SessionPhase,
    operations: Operations,
    invocations: Invocations,
    groups: WantedGroups,
    states: GroupStates,
    outputs: VecDeque<Output>,
    /// Fresh attempts since the last connection that lived long enough.
    retry: u32,
    /// Whether there was ever a connection.
    was_connected: bool,
    quick: QuickRecoveries,
    /// Whether another URL was asked for since the last connection, because one was refused.
    renewed: bool,
    /// Whether, and for how long, the user's output takes no more.
    stall: Stall,
    /// The service reads more slowly than is sent.
    backlogged: bool,
    counts: Counts,
    /// The last failure, for the end.
    last_failure: Option<String>,
    /// Pings that wait for a connection.
    waiting_pings: Vec<PingId>,
    /// The last round trip of a ping.
    round_trip: Option<Duration>,
    /// The shortest one.
    least_round_trip: Option<Duration>,
    /// Counts the connections, over all processes that had them.
    ordinal: u64,
    /// What there is besides where the connection is to outlive the process.
    kept: Option<Box<KeepState>>,
    /// The streams that are being published.
    streams: Senders,
    /// The streams that are being received.
    receivers: Receivers,
    /// A reconnection token that has come and that nobody has been told of.
    new_token: Option<ReconnectionToken>,
}

impl Session {
    /// A session that does nothing until [`Self::handle_start`].
    pub fn new(mut config: Config) -> Self {
        let jitter = Jitter::new(config.seed);
        let receivers = Receivers::new(config.stream_idle_timeout);
        let mut operations = Operations::default();
        let mut invocations = Invocations::default();
        let kept = config.keep.take().map(|keep| {
            operations.carried.keep();
            invocations.distinguish(config.seed);
            Box::new(KeepState::new(keep))
        });
        Self {
            decoder: DownstreamDecoder::new(config.codec),
            config,
            jitter,
            phase: SessionPhase::Idle,
            operations,
            invocations,
            groups: WantedGroups::default(),
            states: GroupStates::default(),
            outputs: VecDeque::new(),
            retry: 0,
            was_connected: false,
            quick: QuickRecoveries::default(),
            renewed: false,
            stall: Stall::default(),
            backlogged: false,
            counts: Counts::default(),
            last_failure: None,
            waiting_pings: Vec::new(),
            round_trip: None,
            least_round_trip: None,
            ordinal: 0,
            kept,
            streams: Senders::default(),
            receivers,
            new_token: None,
        }
    }

    /// The next thing to do; `None` when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The reconnection token of the frame that was handled last, if it had one: a secret, whatever becomes of the frame.
    pub fn take_new_token(&mut self) -> Option<ReconnectionToken> {
        self.new_token.take()
    }

    /// The counters so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether there was ever a connection.
    pub fn was_connected(&self) -> bool {
        self.was_connected
    }

    /// The last failure of a dial or a connection, for people.
    pub fn last_failure(&self) -> Option<&str> {
        self.last_failure.as_deref()
    }

    /// Whether there is a connection that may go on, on which what was sent is in force.
    pub(super) fn has_connection(&self) -> bool {
        matches!(self.phase, SessionPhase::Live(_) | SessionPhase::Recovering(_))
    }

    /// Whether every operation has settled.
    #[cfg(any(test, fuzzing))]
    pub fn is_idle(&self) -> bool {
        self.operations.is_empty() && self.invocations.is_empty()
    }

    /// Groups with whether they are wanted and whether they are joined.
    #[cfg(any(test, fuzzing))]
    pub fn groups(&self) -> impl Iterator<Item = (&str, bool, bool)> {
        self.groups.iter()
    }

    // ---- inputs: the user ----------------------------------------------------------------------------------------

    /// Connects, or goes on with the connection of an earlier process.
    pub fn handle_start(&mut self, now: Duration) {
        if !matches!(self.phase, SessionPhase::Idle) {
            return;
        }
        let Keep { resume, reserved } = self.kept.as_mut().map(|kept| kept.take_up()).unwrap_or_default();
        self.operations.reserve(reserved);
        match resume {
            Some(resume) => self.resume(now, resume),
            None => self.dial_fresh(now),
        }
    }

    /// Takes an operation; it settles exactly once. Without a connection it waits for one.
    pub fn handle_request(&mut self, now: Duration, id: OperationId, request: Request, mode: AckMode) {
        if matches!(self.phase, SessionPhase::Closing { .. } | SessionPhase::Ended) {
            let outcome = Outcome::NotSent { cause: OutcomeCause::Ended };
            self.counts.failed += 1;
            self.outputs.push_back(Output::Settled { id, outcome });
            return;
        }
        let group = match &request {
            Request::Join { group } => Some((group.clone(), true)),
            Request::Leave { group } => Some((group.clone(), false)),
            Request::Send { .. }
            | Request::Event { .. }
            | Request::SetState { .. }
            | Request::SubscribeStates { .. }
            | Request::UnsubscribeStates { .. } => None,
        };
        if let Some((group, false)) = &group {
            self.forget_resumed_group(group);
        }
        if let Some((group, true)) = &group
            && self.is_taken_over(group)
        {
            self.groups.want(group);
            self.event(Lifecycle::Joined { group: group.clone(), ack_id: None, rejoined: false });
            self.answer(id, Outcome::AlreadyJoined);
            return;
        }
        if let Some(ack_id) = self.used_otherwise(&request, mode) {
            self.counts.failed += 1;
            self.answer(id, Outcome::IdInUse { ack_id });
            return;
        }
        let given_again = self.given_again(&request, mode);
        if let Some(ack_id) = given_again {
            // Of one that is brought again its issuer has counted.
            let counted = matches!(mode, AckMode::Recorded { again: true, .. });
            let cause = if !self.is_resumed() {
                Some(OutcomeCause::EarlierLost)
            } else {
                Some(OutcomeCause::Forgotten).filter(|_| !counted && self.operations.has_forgotten(ack_id))
            };
            if let Some(cause) = cause {
                self.counts.sent += 1;
                self.counts.failed += 1;
                self.answer(id, Outcome::Unknown { ack_id, cause });
                return;
            }
        }
        // Nothing but these has to be remembered.
        let of_states = request.is_about_states().then(|| request.clone());
        let adopted = self.adopt(id, &request, mode);
        let is_adopted = adopted.is_some();
        match adopted.unwrap_or_else(|| self.operations.submit(self.config.codec, Owner::User(id), request, mode)) {
            Ok(order) => {
                if given_again.is_some() && !is_adopted {
                    self.operations.repeat(order);
                }
                if matches!(mode, AckMode::Recorded { .. }) {
                    self.note_used_id();
                } else {
                    self.note_change();
                }
                if let Some((group, wanted)) = group {
                    self.groups.ask(&group, wanted);
                    if self.operations.drop_own_of(&group) {
                        // Until what was asked for now is answered, nobody can know.
                        self.groups.confirm(&group, false);
                    }
                }
                if let Some(request) = of_states {
                    self.states.note(id, &request);
                }
                if matches!(self.phase, SessionPhase::Live(_)) {
                    self.send_operation(now, order);
                }
            }
            Err(outcome) => {
                self.counts.failed += 1;
                self.outputs.push_back(Output::Settled { id, outcome });
            }
        }
    }

    /// Nothing that was not sent yet is sent any more; what was settles as ever, sent again where that is safe.
    pub fn handle_withdrawal(&mut self, now: Duration) {
        self.settle_unsent(now);
    }

    /// Ends the session: with a close frame where there is a socket (PROTOCOL §19.12), bounded by two seconds. A
    /// connection that is to outlive the process is left at once, without a word: a close frame would end it.
    pub fn handle_stop(&mut self, now: Duration) {
        if self.is_kept() {
            self.handle_abort();
            return;
        }
        let socket = match &self.phase {
            SessionPhase::Closing { .. } | SessionPhase::Ended => return,
            SessionPhase::Idle | SessionPhase::Waiting { .. } => false,
            SessionPhase::Dialing { .. } => {
                self.outputs.push_back(Output::CancelDial);
                false
            }
            SessionPhase::Recovering(recovery) => match recovery.step {
                RecoveryStep::Dialing { .. } => {
                    self.outputs.push_back(Output::CancelDial);
                    false
                }
                RecoveryStep::Proving { .. } => true,
                RecoveryStep::Pause { .. } => false,
            },
            SessionPhase::Greeting { .. } => true,
            SessionPhase::Live(live) => {
                // What has arrived is said to have arrived, so that nothing is kept for nobody.
                let mut sequence = live.identity.sequence.clone();
                if let Some(id) = sequence.take_ack(Duration::MAX) {
                    self.send(&Upstream::SequenceAck(id));
                }
                true
            }
        };
        if matches!(self.phase, SessionPhase::Live(_)) {
            self.call_off_invocations(now);
            self.part_from_streams();
        }
        self.settle_all(&OutcomeCause::Stopped);
        if socket {
            self.outputs.push_back(Output::Close { code: 1000 });
            self.phase = SessionPhase::Closing { deadline: now + CLOSE_TIMEOUT };
        } else {
            self.end(End::Stopped);
        }
    }

    /// Ends the session at once, without waiting for anybody: somebody has asked twice.
    pub fn handle_abort(&mut self) {
        let undo = match &self.phase {
            SessionPhase::Ended => return,
            SessionPhase::Idle | SessionPhase::Waiting { .. } => None,
            SessionPhase::Dialing { .. } => Some(Output::CancelDial),
            SessionPhase::Recovering(recovery) => match recovery.step {
                RecoveryStep::Dialing { .. } => Some(Output::CancelDial),
                RecoveryStep::Proving { .. } => Some(Output::Abort),
                RecoveryStep::Pause { .. } => None,
            },
            SessionPhase::Greeting { .. } | SessionPhase::Live(_) | SessionPhase::Closing { .. } => Some(Output::Abort),
        };
        self.part();
        self.outputs.extend(undo);
        self.settle_all(&OutcomeCause::Stopped);
        self.end(End::Stopped);
    }

    /// The user's output cannot take more, or can again. While it cannot, the caller reads nothing, so silence proves
    /// nothing, and a lost connection is not regained before there is room for what it would replay.
    pub fn handle_stalled(&mut self, now: Duration, stalled: bool) {
        if stalled == self.stall.is_on() {
            return;
        }
        if stalled {
            self.stall.begin(now);
            return;
        }
        if let Some(since) = self.stall.end(now) {
            self.operations.postpone(since, now, self.patience());
            self.invocations.postpone(now.saturating_sub(since));
            self.streams.excuse(now, self.config.ack_timeout);
            self.receivers.excuse(now);
        }
        if let SessionPhase::Live(live) = &mut self.phase {
            live.last_received = now;
        }
    }

    /// The service reads more slowly than is sent, or does again: while it does not, nothing is sent by itself, so that
    /// what waits for it stays bounded.
    pub fn handle_backlogged(&mut self, now: Duration, backlogged: bool) {
        if std::mem::replace(&mut self.backlogged, backlogged) && !backlogged {
            self.acknowledge_messages(now);
        }
    }

    fn event(&mut self, event: Lifecycle) {
        if let Some(kept) = &mut self.kept {
            kept.note_loss(&event);
        }
        self.outputs.push_back(Output::Event(event));
    }

    fn send(&mut self, frame: &Upstream<'_>) {
        self.outputs.push_back(Output::Send(self.config.codec.encode_upstream(frame)));
    }
}

#[cfg(test)]
mod tests;
