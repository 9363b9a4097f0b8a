//! Invocations as inputs of the session, and their ends as its outputs (PROTOCOL §9.2, §19.16–19).

use std::time::Duration;

use super::cause::OutcomeCause;
use super::event::Nack;
use super::invocations::{Invocation, InvocationKey, InvokeOutcome, Invoked, SettledInvocation};
use super::phase::SessionPhase;
use super::{OnUnknown, Output, Session};
use crate::{InvokeAnswer, Upstream};

impl Session {
    /// Takes an invocation; it settles exactly once, as [`Output::Invoked`]. Without a connection it waits for one, for as
    /// long as it may take at all (PROTOCOL §19.15).
    pub fn handle_invoke(&mut self, now: Duration, key: InvocationKey, invocation: Invocation) {
        if matches!(self.phase, SessionPhase::Closing { .. } | SessionPhase::Ended) {
            let outcome = InvokeOutcome::NotSent { cause: OutcomeCause::Ended };
            let Invocation { event, .. } = invocation;
            let invoked = Invoked { event, invocation_id: None, line: None, outcome, elapsed: Duration::ZERO };
            self.settle_invocation(SettledInvocation { issuer: key, invoked });
            return;
        }
        let order = self.invocations.submit(now, key, invocation);
        if matches!(self.phase, SessionPhase::Live(_)) {
            self.put_invocation(now, order);
        }
    }

    /// Nobody waits for this invocation any more: the service is told, if it was sent (PROTOCOL §19.18).
    pub fn handle_cancel(&mut self, now: Duration, key: InvocationKey) {
        if let Some((settled, sent)) = self.invocations.cancel(now, key) {
            self.call_off(settled, sent);
        }
    }

    /// Sends the invocations that waited for a connection.
    pub(super) fn send_invocations(&mut self, now: Duration) {
        if self.invocations.is_empty() {
            return;
        }
        for order in self.invocations.queued() {
            self.put_invocation(now, order);
        }
    }

    fn put_invocation(&mut self, now: Duration, order: u64) {
        let again = self.resends();
        let (codec, outputs) = (self.config.codec, &mut self.outputs);
        let settled = self.invocations.send(now, order, codec, again, |frame| outputs.push_back(Output::Send(frame)));
        if let Some(settled) = settled {
            self.settle_invocation(settled);
        }
    }

    fn resends(&self) -> bool {
        self.config.on_unknown == OnUnknown::Resend
    }

    /// An answer came (PROTOCOL §19.19).
    pub(super) fn take_answer(&mut self, now: Duration, id: &str, answer: InvokeAnswer<'_>) {
        let outcome = match answer {
            InvokeAnswer::Success { data, metadata } => InvokeOutcome::Answered {
                data: data.map(|data| data.to_owned()),
                metadata: metadata.map(str::to_owned),
            },
            InvokeAnswer::Failure(error) => {
                let error = Nack { name: error.name.into_owned(), message: error.message.into_owned() };
                InvokeOutcome::Refused { error }
            }
            InvokeAnswer::NotUnderstood { reason } => InvokeOutcome::NotUnderstood { reason: reason.into_owned() },
        };
        match self.invocations.answer(now, id, outcome) {
            Some(settled) => {
                if let SessionPhase::Live(live) = &mut self.phase {
                    live.progress = true;
                }
                self.settle_invocation(settled);
            }
            // Late, or not ours (PROTOCOL §19.17).
            None => self.counts.unexpected += 1,
        }
    }

    /// The time of invocations is over.
    pub(super) fn expire_invocations(&mut self, now: Duration) {
        while let Some((settled, sent)) = self.invocations.expire(now) {
            self.call_off(settled, sent);
        }
    }

    /// The session stops while there is a connection: the service is told that nobody waits any more.
    pub(super) fn call_off_invocations(&mut self, now: Duration) {
        while let Some((settled, sent)) = self.invocations.call_off_next(now) {
            self.call_off(settled, sent);
        }
    }

    fn call_off(&mut self, settled: SettledInvocation, sent: Option<String>) {
        if let (Some(id), SessionPhase::Live(_)) = (sent, &self.phase) {
            self.send(&Upstream::CancelInvocation { invocation_id: id.into() });
        }
        self.settle_invocation(settled);
    }

    /// The socket is lost, and with it every answer that was to come, whether or not the connection is recovered.
    pub(super) fn lose_invocations(&mut self, now: Duration, loss: &str) {
        let again = self.resends();
        for settled in self.invocations.lose(now, loss, again) {
            self.settle_invocation(settled);
        }
    }

    pub(super) fn settle_invocation(&mut self, SettledInvocation { issuer, invoked }: SettledInvocation) {
        let counts = &mut self.counts;
        counts.sent += u64::from(invoked.invocation_id.is_some());
        match &invoked.outcome {
            InvokeOutcome::Answered { .. } => counts.acked += 1,
            InvokeOutcome::Refused { .. }
            | InvokeOutcome::NotUnderstood { .. }
            | InvokeOutcome::TimedOut
            | InvokeOutcome::Cancelled
            | InvokeOutcome::Unknown { .. }
            | InvokeOutcome::NotSent { .. }
            | InvokeOutcome::IdInUse => counts.failed += 1,
        }
        self.outputs.push_back(Output::Invoked { key: issuer, invoked: Box::new(invoked) });
    }
}
