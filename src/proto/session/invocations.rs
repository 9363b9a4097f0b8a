//! Invocations from their request to their end (PROTOCOL §9.2, §19.16–19).
//!
//! An invocation is no operation: the service neither deduplicates it nor repeats its answer, so nothing sends it a second
//! time by itself, and one that was sent when its socket was lost has an unknown outcome at once. It leaves this table
//! exactly when it settles. The session is the only caller.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::cause::OutcomeCause;
use super::event::Nack;
use crate::{Codec, EncodedFrame, Metadata, OwnedData, Upstream};

/// So many sockets lost under an invocation that may be sent again, and it is what costs them.
const MOST_SOCKETS: u32 = 10;

/// Names an invocation between its issuer and the session; chosen by the issuer, unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvocationKey(pub u64);

/// What is asked of the application server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Name of the event.
    pub event: String,
    /// The payload; `None`: it has none.
    pub data: Option<OwnedData>,
    /// What goes with the payload.
    pub metadata: Option<Metadata>,
    /// Its `invocationId`, not empty; `None`: one that the session chooses.
    pub invocation_id: Option<String>,
    /// How long it may take from now on, the wait for a connection included; `None`: for ever.
    pub timeout: Option<Duration>,
}

impl Invocation {
    /// One without metadata, for which the session chooses the id, and that may take as long as it likes.
    pub fn new(event: String, data: Option<OwnedData>) -> Self {
        Self { event, data, metadata: None, invocation_id: None, timeout: None }
    }

    /// The frame under that id.
    pub fn encode(&self, codec: Codec, invocation_id: &str) -> EncodedFrame {
        codec.encode_upstream(&Upstream::Invoke {
            invocation_id: invocation_id.into(),
            event: self.event.as_str().into(),
            data: self.data.as_ref().map(OwnedData::as_data),
            metadata: self.metadata.as_ref().map(Metadata::as_json),
        })
    }
}

/// An invocation that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// Name of the event.
    pub event: String,
    /// Its id, of the last sending; `None`: it was never sent.
    pub invocation_id: Option<String>,
    /// The line of input it came from. The session knows of none; who issued it fills it in.
    pub line: Option<u64>,
    /// How it ended.
    pub outcome: InvokeOutcome,
    /// From the last sending to the end; none where it ended with the session.
    pub elapsed: Duration,
}

/// How an invocation ended. Each has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvokeOutcome {
    /// It was answered.
    Answered {
        /// The payload; `None`: it has none.
        data: Option<OwnedData>,
        /// JSON text of the `metadata` object (PROTOCOL §4.5).
        metadata: Option<String>,
    },
    /// It was refused, or it failed.
    Refused {
        /// Why.
        error: Nack,
    },
    /// It was answered, and the answer is not understood (PROTOCOL §19.19).
    NotUnderstood {
        /// What was not understood.
        reason: String,
    },
    /// It was sent, and its time was over before the answer: it may have been carried out. The service was told.
    TimedOut,
    /// It was sent, and called off before the answer: it may have been carried out. The service was told.
    Cancelled,
    /// It was sent, and its answer can no longer come (PROTOCOL §19.17): it may have been carried out.
    Unknown {
        /// Why nobody waits for the answer.
        cause: OutcomeCause,
    },
    /// It was not sent.
    NotSent {
        /// Why not.
        cause: OutcomeCause,
    },
    /// Its id is that of another whose answer may still come on this connection.
    IdInUse,
}

/// An invocation that has settled.
#[derive(Debug)]
pub(super) struct SettledInvocation {
    pub(super) issuer: InvocationKey,
    pub(super) invoked: Invoked,
}

#[derive(Debug)]
struct WaitingInvocation {
    issuer: InvocationKey,
    event: String,
    /// What is sent; `None`: it was, and is not to be sent again.
    invocation: Option<Invocation>,
    /// When its time is over.
    deadline: Option<Duration>,
    /// Where it was sent: its id, and when.
    sent: Option<(String, Duration)>,
    /// It waits for an answer on the socket that there is.
    in_flight: bool,
    /// Bytes of its frame.
    bytes: usize,
    /// Sockets that were lost under it.
    sockets: u32,
}

/// All invocations that have not settled.
#[derive(Debug, Default)]
pub(super) struct Invocations {
    /// By order of submission.
    pending: BTreeMap<u64, WaitingInvocation>,
    /// From the id of one in flight to its order.
    by_id: HashMap<String, u64>,
    by_issuer: HashMap<InvocationKey, u64>,
    /// Ends of their time.
    timers: BTreeSet<(Duration, u64)>,
    next_order: u64,
    /// The number of the last id that was chosen here.
    chosen: u64,
    /// Stands before the ids that are chosen here.
    prefix: String,
    /// Ids that were given, sent on this connection and never answered there: an answer may still come.
    unanswered: HashSet<String>,
}

impl Invocations {
    /// Chooses ids that another process on the same connection does not choose.
    pub(super) fn distinguish(&mut self, seed: u64) {
        self.prefix = format!("{seed:016x}-");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether any waits for its answer.
    pub(super) fn is_waiting(&self) -> bool {
        !self.by_id.is_empty()
    }

    /// Takes one in, and returns its order.
    pub(super) fn submit(&mut self, now: Duration, issuer: InvocationKey, invocation: Invocation) -> u64 {
        let order = self.next_order;
        self.next_order += 1;
        let deadline = invocation.timeout.map(|timeout| now.saturating_add(timeout));
        if let Some(deadline) = deadline {
            self.timers.insert((deadline, order));
        }
        self.by_issuer.insert(issuer, order);
        let event = invocation.event.clone();
        let invocation = Some(invocation);
        let pending = WaitingInvocation {
            issuer,
            event,
            invocation,
            deadline,
            sent: None,
            in_flight: false,
            bytes: 0,
            sockets: 0,
        };
        self.pending.insert(order, pending);
        order
    }

    /// Those that wait to be sent, oldest first.
    pub(super) fn queued(&self) -> Vec<u64> {
        let queued = |pending: &WaitingInvocation| !pending.in_flight;
        self.pending.iter().filter(|(_, pending)| queued(pending)).map(|(order, _)| *order).collect()
    }

    /// Sends one. `again`: it may be sent once more when its outcome is unknown. Where its id cannot be used it settles.
    pub(super) fn send(
        &mut self,
        now: Duration,
        order: u64,
        codec: Codec,
        again: bool,
        put: impl FnOnce(EncodedFrame),
    ) -> Option<SettledInvocation> {
        let pending = self.pending.get(&order).filter(|pending| !pending.in_flight)?;
        // A second sending has an id of its own: the answer to the first may still come.
        let given = pending.invocation.as_ref()?.invocation_id.as_ref().filter(|_| pending.sent.is_none());
        let id = match given {
            Some(id) if self.is_used(id) => return self.settle(now, order, InvokeOutcome::IdInUse),
            Some(id) => {
                let id = id.clone();
                self.unanswered.insert(id.clone());
                id
            }
            None => self.choose(),
        };
        let pending = self.pending.get_mut(&order)?;
        let frame = pending.invocation.as_ref()?.encode(codec, &id);
        if !again {
            pending.invocation = None;
        }
        pending.bytes = frame.len();
        pending.sent = Some((id.clone(), now));
        pending.in_flight = true;
        self.by_id.insert(id, order);
        put(frame);
        None
    }

    fn is_used(&self, id: &str) -> bool {
        self.by_id.contains_key(id) || self.unanswered.contains(id)
    }

    /// An id that none had before: a number, as the official client has them.
    fn choose(&mut self) -> String {
        loop {
            self.chosen += 1;
            let id = format!("{}{}", self.prefix, self.chosen);
            if !self.is_used(&id) {
                return id;
            }
        }
    }

    /// An answer came. `None`: nobody waits for it.
    pub(super) fn answer(&mut self, now: Duration, id: &str, outcome: InvokeOutcome) -> Option<SettledInvocation> {
        self.unanswered.remove(id);
        let order = *self.by_id.get(id)?;
        self.settle(now, order, outcome)
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn due(&self) -> Option<Duration> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The next one whose time is over, and the id to call off where it was sent.
    pub(super) fn expire(&mut self, now: Duration) -> Option<(SettledInvocation, Option<String>)> {
        let (_, order) = self.timers.first().copied().filter(|(due, _)| *due <= now)?;
        self.call_off(now, order, InvokeOutcome::TimedOut, OutcomeCause::TimedOut)
    }

    /// Nobody wants this one any more.
    pub(super) fn cancel(
        &mut self,
        now: Duration,
        issuer: InvocationKey,
    ) -> Option<(SettledInvocation, Option<String>)> {
        let order = *self.by_issuer.get(&issuer)?;
        self.call_off(now, order, InvokeOutcome::Cancelled, OutcomeCause::Cancelled)
    }

    /// The session stops: the next one that waits for its answer is called off.
    pub(super) fn call_off_next(&mut self, now: Duration) -> Option<(SettledInvocation, Option<String>)> {
        let (order, _) = self.pending.iter().find(|(_, pending)| pending.in_flight)?;
        self.call_off(now, *order, InvokeOutcome::Cancelled, OutcomeCause::Stopped)
    }

    fn call_off(
        &mut self,
        now: Duration,
        order: u64,
        sent: InvokeOutcome,
        unsent: OutcomeCause,
    ) -> Option<(SettledInvocation, Option<String>)> {
        let pending = self.pending.get(&order)?;
        let id = pending.sent.as_ref().filter(|_| pending.in_flight).map(|(id, _)| id.clone());
        let outcome = match (&id, &pending.sent) {
            (Some(_), _) => sent,
            // It was sent on a socket that is lost, and was to be sent again.
            (None, Some(_)) => InvokeOutcome::Unknown { cause: unsent },
            (None, None) => InvokeOutcome::NotSent { cause: unsent },
        };
        Some((self.settle(now, order, outcome)?, id))
    }

    /// The socket is lost, as `loss` says: what waits for its answer does so in vain. `again`: it is to be sent once more.
    pub(super) fn lose(&mut self, now: Duration, loss: &str, again: bool) -> Vec<SettledInvocation> {
        let mut settled = Vec::new();
        for order in self.in_flight() {
            let Some(pending) = self.pending.get_mut(&order) else { continue };
            pending.sockets += 1;
            let (sockets, bytes) = (pending.sockets, pending.bytes);
            let cause = match again {
                true if sockets < MOST_SOCKETS => {
                    pending.in_flight = false;
                    continue;
                }
                true => OutcomeCause::Killed { sockets, bytes, loss: loss.to_owned() },
                false => OutcomeCause::ConnectionLost(loss.to_owned()),
            };
            settled.extend(self.settle(now, order, InvokeOutcome::Unknown { cause }));
        }
        self.by_id.clear();
        settled
    }

    fn in_flight(&self) -> Vec<u64> {
        let mut orders: Vec<u64> = self.by_id.values().copied().collect();
        orders.sort_unstable();
        orders
    }

    /// The connection is lost for good: the next one has seen no id.
    pub(super) fn forget_connection(&mut self) {
        self.unanswered.clear();
    }

    /// Nothing that was not sent yet is sent any more.
    pub(super) fn withdraw(&mut self) -> Vec<SettledInvocation> {
        let unsent: Vec<u64> =
            self.pending.iter().filter(|(_, pending)| pending.sent.is_none()).map(|(order, _)| *order).collect();
        let outcome = || InvokeOutcome::NotSent { cause: OutcomeCause::Withdrawn };
        unsent.into_iter().filter_map(|order| self.settle(Duration::ZERO, order, outcome())).collect()
    }

    /// The session ends: everything settles.
    pub(super) fn finish(&mut self, cause: &OutcomeCause) -> Vec<SettledInvocation> {
        let orders: Vec<u64> = self.pending.keys().copied().collect();
        let mut settled = Vec::new();
        for order in orders {
            let sent = self.pending.get(&order).is_some_and(|pending| pending.sent.is_some());
            let cause = cause.clone();
            let outcome = if sent { InvokeOutcome::Unknown { cause } } else { InvokeOutcome::NotSent { cause } };
            settled.extend(self.settle(Duration::ZERO, order, outcome));
        }
        settled
    }

    /// No answers were read for so long: that time does not count.
    pub(super) fn postpone(&mut self, by: Duration) {
        self.timers.clear();
        for (order, pending) in &mut self.pending {
            if let Some(deadline) = &mut pending.deadline {
                *deadline = deadline.saturating_add(by);
                self.timers.insert((*deadline, *order));
            }
        }
    }

    fn settle(&mut self, now: Duration, order: u64, outcome: InvokeOutcome) -> Option<SettledInvocation> {
        let WaitingInvocation { issuer, event, deadline, sent, in_flight, .. } = self.pending.remove(&order)?;
        self.by_issuer.remove(&issuer);
        if let Some(deadline) = deadline {
            self.timers.remove(&(deadline, order));
        }
        if let Some((id, _)) = sent.as_ref().filter(|_| in_flight) {
            self.by_id.remove(id);
        }
        let elapsed = sent.as_ref().map_or(Duration::ZERO, |(_, sent)| now.saturating_sub(*sent));
        let invocation_id = sent.map(|(id, _)| id);
        Some(SettledInvocation { issuer, invoked: Invoked { event, invocation_id, line: None, outcome, elapsed } })
    }
}
