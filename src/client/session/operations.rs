//! Operations from submission to settlement (PROTOCOL §6, §19.6–8).
//!
//! Every operation has one ackId for its whole life, so the frame is encoded once and every retry and resend puts out
//! the same bytes. An operation leaves this table exactly when it settles.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;

use super::config::OnUnknown;
use super::event::{Nack, OperationKind};
use super::ids::IdSpace;
use super::verdict::{AckVerdict, ack_verdict};
use crate::protocol::{AckError, OwnedData, Upstream, encode_upstream};

/// Names an operation between its issuer and the session; chosen by the issuer, unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub u64);

/// What an operation asks of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Join a group and stay joined across reconnects.
    Join {
        /// The group.
        group: String,
    },
    /// Leave a group.
    Leave {
        /// The group.
        group: String,
    },
    /// Publish to a group.
    Send {
        /// The group.
        group: String,
        /// The payload.
        data: OwnedData,
        /// Not to this connection.
        no_echo: bool,
    },
    /// Send a custom event to the application server.
    Event {
        /// Its name.
        event: String,
        /// The payload.
        data: OwnedData,
    },
}

impl Request {
    /// Its name on the wire.
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Join { .. } => OperationKind::JoinGroup,
            Self::Leave { .. } => OperationKind::LeaveGroup,
            Self::Send { .. } => OperationKind::SendToGroup,
            Self::Event { .. } => OperationKind::Event,
        }
    }

    /// The frame under that ackId.
    pub fn encode(&self, ack_id: Option<u64>) -> String {
        let frame = match self {
            Self::Join { group } => Upstream::JoinGroup { group: group.into(), ack_id },
            Self::Leave { group } => Upstream::LeaveGroup { group: group.into(), ack_id },
            Self::Send { group, data, no_echo } => {
                Upstream::SendToGroup { group: group.into(), ack_id, no_echo: *no_echo, data: data.as_data() }
            }
            Self::Event { event, data } => Upstream::Event { event: event.into(), ack_id, data: data.as_data() },
        };
        let mut out = String::new();
        encode_upstream(&frame, &mut out);
        out
    }

    fn into_target(self) -> String {
        match self {
            Self::Join { group } | Self::Leave { group } | Self::Send { group, .. } => group,
            Self::Event { event, .. } => event,
        }
    }
}

/// Which ackId an operation carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckMode {
    /// The next free one.
    Automatic,
    /// This one.
    Id(u64),
    /// None: fire and forget.
    None,
}

/// How an operation ended. Each has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service has carried it out.
    Acked {
        /// The operation's id.
        ack_id: u64,
        /// It had been carried out by an earlier attempt.
        duplicate: bool,
        /// How often it was sent.
        attempts: u32,
        /// From the first sending to the ack.
        elapsed: Duration,
    },
    /// Sent without asking for an ack.
    Sent,
    /// The service refused it.
    Refused {
        /// The operation's id.
        ack_id: u64,
        /// Why.
        error: Nack,
        /// How often it was sent.
        attempts: u32,
    },
    /// No attempt was acknowledged in time.
    NotAcknowledged {
        /// The operation's id.
        ack_id: u64,
        /// How often it was sent.
        attempts: u32,
    },
    /// It was sent, and the connection ended for good before the ack: it may or may not have been carried out.
    Unknown {
        /// The operation's id.
        ack_id: u64,
        /// How the connection ended.
        reason: String,
    },
    /// The session ended before it was sent.
    NotSent {
        /// How the session ended.
        reason: String,
    },
    /// Its ackId was used for another operation of this connection.
    IdInUse {
        /// The id.
        ack_id: u64,
    },
}

/// Who waits for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user.
    User(OperationId),
    /// The session itself, after a fresh connection.
    Rejoin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be sent as soon as there is a connection.
    Queued,
    /// Sent; sent again at the deadline.
    InFlight { deadline: Duration },
    /// Refused for a passing reason; sent again then.
    Pausing { until: Duration },
}

/// An operation that has not settled.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) owner: Owner,
    pub(super) kind: OperationKind,
    /// The group or the event's name.
    pub(super) target: String,
    pub(super) ack_id: Option<u64>,
    frame: Bytes,
    state: State,
    /// How often it was sent.
    attempts: u32,
    /// How many attempts failed: refused for a passing reason, or not acknowledged.
    failures: u32,
    /// When it was sent first.
    first_sent: Option<Duration>,
}

impl Operation {
    /// Join and leave can be repeated on another connection; a publish would be doubled (PROTOCOL §19.7).
    fn is_idempotent(&self) -> bool {
        matches!(self.kind, OperationKind::JoinGroup | OperationKind::LeaveGroup)
    }
}

/// A settled operation.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) operation: Operation,
    pub(super) outcome: Outcome,
}

/// What an ack did.
#[derive(Debug)]
pub(super) enum Acked {
    /// It belongs to no operation that waits: late, or not ours.
    Stray,
    /// The operation will be tried again after a pause.
    Retrying,
    /// The operation settled.
    Settled(Box<Settled>),
}

/// How often and how long operations wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) retries: u32,
    pub(super) ack_timeout: Duration,
}

/// All operations that have not settled.
#[derive(Debug, Default)]
pub(super) struct Operations {
    /// By order of submission.
    pending: BTreeMap<u64, Operation>,
    /// From ackId to order.
    by_ack: HashMap<u64, u64>,
    /// Deadlines and ends of pauses, with the order of their operation.
    timers: BTreeSet<(Duration, u64)>,
    next_order: u64,
    ids: IdSpace,
}

impl Operations {
    /// Takes an operation in and returns its order, or how it ended at once.
    pub(super) fn submit(&mut self, owner: Owner, request: Request, mode: AckMode) -> Result<u64, Outcome> {
        let ack_id = match mode {
            AckMode::None => None,
            AckMode::Id(id) if self.ids.claim(id) => Some(id),
            AckMode::Id(ack_id) => return Err(Outcome::IdInUse { ack_id }),
            AckMode::Automatic => match self.ids.next() {
                Some(id) => Some(id),
                None => return Err(Outcome::IdInUse { ack_id: u64::MAX }),
            },
        };
        let kind = request.kind();
        let frame = Bytes::from(request.encode(ack_id));
        let order = self.next_order;
        self.next_order += 1;
        let target = request.into_target();
        let state = State::Queued;
        let operation =
            Operation { owner, kind, target, ack_id, frame, state, attempts: 0, failures: 0, first_sent: None };
        self.pending.insert(order, operation);
        if let Some(id) = ack_id {
            self.by_ack.insert(id, order);
        }
        Ok(order)
    }

    /// Sends one operation, if it waits for that. Without an ackId it settles by being sent.
    pub(super) fn send(
        &mut self,
        now: Duration,
        order: u64,
        patience: Patience,
        put: impl FnOnce(Bytes),
    ) -> Option<Settled> {
        let operation = self.pending.get_mut(&order)?;
        if operation.state != State::Queued {
            return None;
        }
        operation.attempts += 1;
        operation.first_sent.get_or_insert(now);
        put(operation.frame.clone());
        if operation.ack_id.is_none() {
            let operation = self.pending.remove(&order)?;
            return Some(Settled { operation, outcome: Outcome::Sent });
        }
        let deadline = now.saturating_add(patience.ack_timeout);
        operation.state = State::InFlight { deadline };
        self.timers.insert((deadline, order));
        None
    }

    /// The orders of all operations that wait to be sent, oldest first.
    pub(super) fn queued(&self) -> Vec<u64> {
        self.pending.iter().filter(|(_, operation)| operation.state == State::Queued).map(|(order, _)| *order).collect()
    }

    /// Whether an unsettled join or leave of the user's is about this group.
    pub(super) fn concerns_group(&self, group: &str) -> bool {
        self.pending.values().any(|operation| operation.is_idempotent() && operation.target == group)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn due(&self) -> Option<Duration> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Takes an ack. `pause` gives the pause before the retry of that number.
    pub(super) fn acknowledge(
        &mut self,
        now: Duration,
        ack_id: u64,
        result: &Result<(), AckError<'_>>,
        patience: Patience,
        pause: impl FnOnce(u32) -> Duration,
    ) -> Acked {
        let Some(order) = self.by_ack.get(&ack_id).copied() else { return Acked::Stray };
        let Some(operation) = self.pending.get_mut(&order) else { return Acked::Stray };
        let attempts = operation.attempts;
        let nack = |error: &AckError<'_>| Nack { name: error.name.to_string(), message: error.message.to_string() };
        let outcome = match (ack_verdict(result), result) {
            (AckVerdict::Retry, _) if operation.failures < patience.retries => {
                // A second refusal while pausing belongs to an earlier attempt.
                if let State::InFlight { deadline } = operation.state {
                    operation.failures += 1;
                    let until = now.saturating_add(pause(operation.failures));
                    operation.state = State::Pausing { until };
                    self.timers.remove(&(deadline, order));
                    self.timers.insert((until, order));
                }
                return Acked::Retrying;
            }
            (AckVerdict::Done { duplicate }, _) => {
                let elapsed = operation.first_sent.map_or(Duration::ZERO, |first| now.saturating_sub(first));
                Outcome::Acked { ack_id, duplicate, attempts, elapsed }
            }
            (AckVerdict::Retry | AckVerdict::Refused, Err(error)) => {
                Outcome::Refused { ack_id, error: nack(error), attempts }
            }
            (AckVerdict::Retry | AckVerdict::Refused, Ok(())) => return Acked::Stray,
        };
        match self.remove(order) {
            Some(operation) => Acked::Settled(Box::new(Settled { operation, outcome })),
            None => Acked::Stray,
        }
    }

    /// Handles every deadline that has passed: operations to be sent again become queued, and their orders are
    /// returned; operations out of attempts settle.
    pub(super) fn expire(&mut self, now: Duration, patience: Patience) -> (Vec<u64>, Vec<Settled>) {
        let (mut again, mut settled) = (Vec::new(), Vec::new());
        while let Some((due, order)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, order));
            let Some(operation) = self.pending.get_mut(&order) else { continue };
            if matches!(operation.state, State::InFlight { .. }) {
                operation.failures += 1;
                if operation.failures > patience.retries {
                    let attempts = operation.attempts;
                    let ack_id = operation.ack_id.unwrap_or_default();
                    settled.extend(self.remove(order).map(|operation| Settled {
                        operation,
                        outcome: Outcome::NotAcknowledged { ack_id, attempts },
                    }));
                    continue;
                }
            }
            operation.state = State::Queued;
            again.push(order);
        }
        again.sort_unstable();
        (again, settled)
    }

    /// The connection is gone: nothing is in flight any more, and no time runs (CLI contract, `--ack-timeout`).
    pub(super) fn suspend(&mut self) {
        self.timers.clear();
        for operation in self.pending.values_mut() {
            operation.state = State::Queued;
        }
    }

    /// The connection is lost for good: what was sent and cannot be repeated has an unknown outcome.
    pub(super) fn abandon(&mut self, on_unknown: OnUnknown, reason: &str) -> Vec<Settled> {
        self.suspend();
        let orders: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, operation)| {
                let unknown = operation.attempts > 0 && !operation.is_idempotent();
                operation.owner == Owner::Rejoin || (unknown && on_unknown == OnUnknown::Fail)
            })
            .map(|(order, _)| *order)
            .collect();
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, reason)).collect()
    }

    /// The session ends: everything settles.
    pub(super) fn finish(&mut self, reason: &str) -> Vec<Settled> {
        self.timers.clear();
        let orders: Vec<u64> = self.pending.keys().copied().collect();
        orders.into_iter().filter_map(|order| self.settle_unfinished(order, reason)).collect()
    }

    fn settle_unfinished(&mut self, order: u64, reason: &str) -> Option<Settled> {
        let operation = self.remove(order)?;
        let reason = reason.to_owned();
        let outcome = match operation.ack_id {
            Some(ack_id) if operation.attempts > 0 => Outcome::Unknown { ack_id, reason },
            _ => Outcome::NotSent { reason },
        };
        Some(Settled { operation, outcome })
    }

    fn remove(&mut self, order: u64) -> Option<Operation> {
        let operation = self.pending.remove(&order)?;
        if let Some(id) = operation.ack_id {
            self.by_ack.remove(&id);
        }
        match operation.state {
            State::InFlight { deadline: due } | State::Pausing { until: due } => {
                self.timers.remove(&(due, order));
            }
            State::Queued => {}
        }
        Some(operation)
    }
}
