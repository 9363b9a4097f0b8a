//! Operations of earlier processes, and what is recorded of those of this one.

use super::{Operations, Owner, PendingOperation, PendingState};
use crate::Codec;
use crate::session::blame::Suspicion;
use crate::session::request::{AckMode, Outcome, Request};
use crate::session::sent::{REMEMBERED, SentOperation};
use crate::session::snapshot::KeptOperation;

impl Operations {
    /// Takes over the operations of an earlier process, which ids it used, and how many operations it sent.
    pub(in crate::session) fn restore(&mut self, used_ids: &[(u64, u64)], operations: Vec<KeptOperation>, others: u64) {
        self.ids.restore(used_ids);
        self.sent.others = others;
        for KeptOperation { ack_id, kind, target, frame, since } in operations {
            if self.by_ack.contains_key(&ack_id) {
                continue;
            }
            let order = self.next_order;
            self.next_order += 1;
            self.earlier += 1;
            self.sent.others_open += 1;
            let operation = PendingOperation {
                owner: Owner::Earlier,
                kind,
                target,
                ack_id: Some(ack_id),
                frame,
                state: PendingState::Queued,
                recorded: false,
                counted: Some(SentOperation { since, from: 0, recorded: false, late: false }),
                attempts: 1,
                failures: 0,
                unanswered: 0,
                suspicion: Suspicion::default(),
                first_sent: None,
            };
            self.insert(order, operation);
        }
    }

    /// The operation of an earlier process that is the same as this request, with its new owner; or why the request
    /// cannot be.
    pub(in crate::session) fn adopt(
        &mut self,
        codec: Codec,
        owner: Owner,
        request: &Request,
        mode: AckMode,
    ) -> Option<Result<u64, Outcome>> {
        if self.earlier == 0 {
            return None;
        }
        for (order, operation) in self.pending.iter_mut() {
            let (Owner::Earlier, Some(ack_id)) = (operation.owner, operation.ack_id) else { continue };
            let same = || operation.frame == request.encode(codec, Some(ack_id));
            match mode {
                AckMode::None => return None,
                AckMode::Id(id) | AckMode::Recorded { id, .. } if id != ack_id => {}
                AckMode::Id(_) | AckMode::Recorded { .. } if !same() => {
                    return Some(Err(Outcome::IdInUse { ack_id }));
                }
                AckMode::Automatic if !same() => {}
                AckMode::Id(_) | AckMode::Recorded { .. } | AckMode::Automatic => {
                    operation.owner = owner;
                    operation.recorded = matches!(mode, AckMode::Recorded { .. });
                    self.earlier -= 1;
                    // So that it is not given again within this process.
                    self.ids.claim(ack_id);
                    return Some(Ok(order));
                }
            }
        }
        None
    }

    /// Whether an earlier process has sent a publish under this id that is not among those that it left here.
    pub(in crate::session) fn was_sent_earlier(&self, id: u64) -> bool {
        self.carried.is_earlier(id) && !self.by_ack.contains_key(&id)
    }

    /// Whether the service may carry out again what an earlier process has sent under this id.
    pub(in crate::session) fn has_forgotten(&self, id: u64) -> bool {
        self.carried.since(id, self.sent.all) >= REMEMBERED
    }

    /// An operation was sent by an earlier process, on this connection.
    pub(in crate::session) fn repeat(&mut self, order: u64) {
        let Some(operation) = self.pending.get_mut(order) else { return };
        let Some(id) = operation.ack_id.filter(|_| operation.attempts == 0) else { return };
        let (all, recorded) = (self.sent.all, operation.recorded);
        operation.attempts = 1;
        operation.counted =
            Some(SentOperation { since: self.carried.since(id, all), from: all, recorded, late: false });
        self.sent.others_open += u64::from(!recorded);
    }

    /// What was sent and not answered, in its order.
    pub(in crate::session) fn unanswered(&self) -> impl Iterator<Item = KeptOperation> {
        self.pending.values().filter_map(|operation| self.kept(operation))
    }

    /// What is recorded of an operation, which may no longer be here: it was sent, and can be repeated under its id.
    pub(in crate::session) fn kept(&self, operation: &PendingOperation) -> Option<KeptOperation> {
        let sent = operation.attempts > 0 && !operation.recorded && !operation.is_repeatable();
        let ack_id = operation.ack_id.filter(|_| sent)?;
        let frame = operation.frame.clone();
        let (kind, target, since) = (operation.kind, operation.target.clone(), operation.since(&self.sent));
        Some(KeptOperation { ack_id, kind, target, frame, since })
    }

    /// How many operations this process has sent on this connection.
    pub(in crate::session) fn sent(&self) -> u64 {
        self.sent.all
    }

    /// Of those that no issuer records by itself: how many were sent, and how many of these have settled.
    pub(in crate::session) fn others(&self) -> (u64, u64) {
        (self.sent.others, self.sent.others.saturating_sub(self.sent.others_open))
    }

    /// The ids that were used, as ranges.
    pub(in crate::session) fn used_ids(&self) -> Vec<(u64, u64)> {
        self.ids.used()
    }
}
