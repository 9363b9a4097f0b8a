//! The transport: sockets that open, fail, close and fall silent, and the dials of fresh connections.

use std::time::Duration;

use super::cause::OutcomeCause;
use super::event::{Lifecycle, Loss};
use super::phase::{LiveConnection, RecoveryStep, SessionPhase};
use super::verdict::{EndKind, LossCause, LossVerdict, dial_verdict, loss_verdict, stands_in_the_way};
use super::{DialFailure, DialRequest, End, Output, Retries, Session};
use crate::Upstream;

impl Session {
    /// The dial asked for has led to an open socket.
    pub fn handle_opened(&mut self, now: Duration) {
        match &mut self.phase {
            SessionPhase::Dialing { deadline } => {
                self.phase = SessionPhase::Greeting { deadline: *deadline, disconnect_message: None };
            }
            SessionPhase::Recovering(recovery) => {
                if let RecoveryStep::Dialing { started, deadline } = recovery.step {
                    let deadline = deadline.max(now);
                    recovery.step = RecoveryStep::Proving { started, opened: now, deadline, disconnect_message: None };
                    // Together with the ping: what the socket may carry can be less than what the service replays when
                    // it is not told what has come.
                    let ack = recovery.identity.sequence.acknowledge_again();
                    self.send(&Upstream::Ping);
                    if let Some(id) = ack {
                        self.send(&Upstream::SequenceAck(id));
                    }
                }
            }
            SessionPhase::Idle
            | SessionPhase::Greeting { .. }
            | SessionPhase::Live(_)
            | SessionPhase::Waiting { .. }
            | SessionPhase::Closing { .. }
            | SessionPhase::Ended => {}
        }
    }

    /// The dial asked for has failed, its deadline included.
    pub fn handle_dial_failed(&mut self, now: Duration, failure: DialFailure) {
        match &self.phase {
            SessionPhase::Dialing { .. } => {
                let verdict = dial_verdict(failure.class);
                self.attempt_failed(&failure.message, false);
                // Another URL may bring a token that is taken; a second refusal says that it does not.
                let renew = self.config.renews_url && verdict.end == EndKind::Unauthorized;
                if verdict.retry || (renew && !std::mem::replace(&mut self.renewed, true)) {
                    self.retry_fresh(now, verdict.end, failure.message, failure.retry_after);
                } else {
                    self.fail(verdict.end, failure.message);
                }
            }
            SessionPhase::Recovering(recovery) => {
                let RecoveryStep::Dialing { started, .. } = recovery.step else { return };
                self.attempt_failed(&failure.message, true);
                // Only close 1008 or the window end a recovery, whoever answers the dial (PROTOCOL §7.2, §19.2): a proxy
                // that asks for credentials and a certificate that is not accepted as well. Whoever is there reads it at
                // once and may stop this; for whoever is not, it may pass in time.
                if self.was_connected || !stands_in_the_way(failure.class) {
                    if let Some(recovery) = self.phase.take_recovery() {
                        self.pause_recovery(now, recovery, started);
                    }
                } else {
                    // No connection of this process can be made. It says nothing about the one that stays recorded, and
                    // that another process may still regain.
                    self.fail(dial_verdict(failure.class).end, failure.message);
                }
            }
            SessionPhase::Idle
            | SessionPhase::Greeting { .. }
            | SessionPhase::Live(_)
            | SessionPhase::Waiting { .. }
            | SessionPhase::Closing { .. }
            | SessionPhase::Ended => {}
        }
    }

    /// The socket has ended.
    pub fn handle_closed(&mut self, now: Duration, cause: LossCause) {
        if let Some(live) = self.phase.take_live() {
            self.lose(now, live, cause);
            return;
        }
        match &mut self.phase {
            SessionPhase::Greeting { disconnect_message, .. } => {
                let loss = loss_of(&cause, disconnect_message.take());
                let message = format!("the connection ended before `connected`: {}", loss.describe());
                self.attempt_failed(&message, false);
                self.retry_fresh(now, EndKind::Unreachable, message, None);
            }
            SessionPhase::Recovering(recovery) => {
                let RecoveryStep::Proving { started, disconnect_message, .. } = &mut recovery.step else { return };
                let (started, loss) = (*started, loss_of(&cause, disconnect_message.take()));
                let is_fresh = match loss_verdict(&cause) {
                    LossVerdict::Recover => false,
                    LossVerdict::RecoverOnce => std::mem::replace(&mut recovery.garbled, true),
                    LossVerdict::Fresh => true,
                };
                let Some(recovery) = self.phase.take_recovery() else { return };
                if is_fresh {
                    let what = match cause {
                        LossCause::Close { .. } => "the service refused the recovery",
                        LossCause::Broken(_)
                        | LossCause::Silent(_)
                        | LossCause::InvalidUtf8
                        | LossCause::Framing(_)
                        | LossCause::TooBig => "the recovery failed",
                    };
                    self.give_up(now, *recovery, format!("{what}: {}", loss.describe()), loss);
                } else {
                    self.attempt_failed(&loss.describe(), true);
                    self.pause_recovery(now, recovery, started);
                }
            }
            SessionPhase::Closing { .. } => self.end(End::Stopped),
            SessionPhase::Live(_)
            | SessionPhase::Idle
            | SessionPhase::Dialing { .. }
            | SessionPhase::Waiting { .. }
            | SessionPhase::Ended => {}
        }
    }

    pub(super) fn dial_fresh(&mut self, now: Duration) {
        let deadline = now.saturating_add(self.config.connect_timeout);
        self.outputs.push_back(Output::Dial { request: DialRequest::Fresh, deadline });
        self.phase = SessionPhase::Dialing { deadline };
    }

    /// `connected` has not come in time.
    pub(super) fn miss_greeting(&mut self, now: Duration) {
        let waited = self.config.connect_timeout.as_secs_f64();
        let message = format!("timed out after {waited} s waiting for the `connected` frame");
        self.outputs.push_back(Output::Abort);
        self.attempt_failed(&message, false);
        self.retry_fresh(now, EndKind::NotGreeted, message, None);
    }

    /// The peer has not closed its side in time.
    pub(super) fn miss_farewell(&mut self) {
        self.outputs.push_back(Output::Abort);
        self.end(End::Stopped);
    }

    /// Acknowledges what has come, if it is time (PROTOCOL §19.9).
    pub(super) fn acknowledge_messages(&mut self, now: Duration) {
        let SessionPhase::Live(live) = &mut self.phase else { return };
        if self.backlogged {
            return;
        }
        if let Some(id) = live.identity.sequence.take_ack(now) {
            self.send(&Upstream::SequenceAck(id));
        }
    }

    /// Nothing has come for too long. A closing handshake with a silent peer would take time that recovery needs
    /// (PROTOCOL §19.11).
    pub(super) fn fall_silent(&mut self, now: Duration) {
        if let Some(live) = self.phase.take_live() {
            let silence = now.saturating_sub(live.last_received);
            self.outputs.push_back(Output::Abort);
            self.lose(now, live, LossCause::Silent(silence));
        }
    }

    pub(super) fn ping_due(&self, live: &LiveConnection) -> Option<Duration> {
        // It would wait behind the rest; and the rest asks for an answer, too.
        if self.backlogged {
            return None;
        }
        self.config.ping_interval.map(|interval| live.last_received.max(live.last_ping).saturating_add(interval))
    }

    pub(super) fn silence_due(&self, live: &LiveConnection) -> Option<Duration> {
        if self.stall.is_on() {
            return None;
        }
        self.config.ping_timeout.map(|timeout| live.last_received.saturating_add(timeout))
    }

    /// Waits for the next fresh attempt, or ends when there may be none, or none before a time that is too far away.
    pub(super) fn retry_fresh(&mut self, now: Duration, end: EndKind, error: String, retry_after: Option<Duration>) {
        let retries =
            if self.was_connected { self.config.retries_once_connected } else { self.config.retries_until_connected };
        let exhausted = match retries {
            Retries::Limited(limit) => self.retry >= limit,
            Retries::Unlimited => false,
        };
        if exhausted {
            self.fail(end, error);
            return;
        }
        let retry = self.retry.saturating_add(1);
        let delay = match self.config.reconnect_backoff.pause_of(retry, retry_after, &mut self.jitter) {
            Ok(delay) => delay,
            Err(too_long) => return self.fail(end, format!("{error}; {too_long}")),
        };
        self.retry = retry;
        self.event(Lifecycle::Reconnecting { attempt: self.retry, delay, error });
        self.phase = SessionPhase::Waiting { until: now.saturating_add(delay) };
    }

    pub(super) fn attempt_failed(&mut self, error: &str, recovery: bool) {
        self.last_failure = Some(error.to_owned());
        self.event(Lifecycle::AttemptFailed { error: error.to_owned(), recovery });
    }

    pub(super) fn fail(&mut self, kind: EndKind, message: String) {
        // Whoever was connected once has lost a connection, unless it is the credential that no longer opens it.
        let kind = match kind {
            EndKind::Unreachable | EndKind::NotGreeted | EndKind::HandshakeRefused | EndKind::Protocol
                if self.was_connected =>
            {
                EndKind::Lost
            }
            other => other,
        };
        self.part();
        self.settle_all(&OutcomeCause::Failed(message.clone()));
        self.end(End::Failed { kind, message });
    }

    pub(super) fn end(&mut self, end: End) {
        self.phase = SessionPhase::Ended;
        self.outputs.push_back(Output::Ended(end));
    }
}

pub(crate) fn loss_of(cause: &LossCause, message: Option<String>) -> Loss {
    let close_reason = match cause {
        LossCause::Close { reason, .. } => Some(reason.clone()),
        LossCause::Broken(_)
        | LossCause::Silent(_)
        | LossCause::InvalidUtf8
        | LossCause::Framing(_)
        | LossCause::TooBig => None,
    };
    Loss {
        close_code: cause.close_code(),
        close_reason,
        message,
        explanation: cause.explanation(),
        error: cause.error(),
    }
}
