//! A publisher: which message goes when, how many are under way, and how each ended.
//!
//! With a schedule a message counts from when it was due, however late it was sent: whatever held it up, the service or this
//! machine, is a part of its latency. Without one the next goes as soon as there is room.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Payloads, RunTimes, Samples, SendSchedule};

/// Most bytes under way, unless one message has more.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What a publisher sends.
#[derive(Clone, Debug)]
pub struct SendPlan {
    /// Its number among those of this process.
    pub place: u64,
    /// Its number over all machines of the run.
    pub publisher: u64,
    /// `None`: as fast as it goes.
    pub schedule: Option<SendSchedule>,
    /// So many, and no more.
    pub count: Option<u64>,
    /// What is due before that time from the start, and no more.
    pub until: Option<Duration>,
    /// The span from the oldest message under way to the newest.
    pub in_flight: usize,
    /// So many groups have their turns.
    pub groups: u64,
    /// What is sent.
    pub payloads: Payloads,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the next message.
    Now,
    /// Nothing before then, nanoseconds since 1970.
    At(u64),
    /// Wait for acks: as many are under way as may be.
    Full,
    /// Nothing more is to be sent.
    Over,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageResult {
    /// Acknowledged.
    Acked,
    /// Refused.
    Refused,
    /// Nobody knows.
    Unacked,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchMessage {
    /// Its number, which names it until it has ended.
    pub number: u64,
    /// Which of the groups it is for.
    pub group: u64,
    pub text: String,
}

#[derive(Clone, Copy, Debug)]
struct SendSlot {
    due: u64,
    size: usize,
    ended: bool,
}

/// A publisher.
#[derive(Debug)]
pub struct BenchSender {
    sending: SendPlan,
    times: RunTimes,
    /// From the oldest message under way.
    slots: VecDeque<SendSlot>,
    /// The number of the first of them.
    first: u64,
    bytes: usize,
    open: usize,
    /// Since when there is room.
    room_since: u64,
    /// Nothing more is to be sent.
    over: bool,
    /// Messages that were refused or not acknowledged: they need not come.
    unsure: Vec<u64>,
    /// What has not been taken away.
    pub samples: Samples,
}

impl BenchSender {
    /// Sends from `times` on.
    pub fn new(sending: SendPlan, times: RunTimes) -> Self {
        Self {
            sending,
            times,
            slots: VecDeque::new(),
            first: 0,
            bytes: 0,
            open: 0,
            room_since: times.start,
            over: false,
            unsure: Vec::new(),
            samples: Samples::default(),
        }
    }

    /// How many were sent: their numbers are those below.
    pub fn sent(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Whether all that was sent has ended.
    pub fn is_settled(&self) -> bool {
        self.open == 0
    }

    /// Whether each message has its moment.
    pub fn has_schedule(&self) -> bool {
        self.sending.schedule.is_some()
    }

    /// Nothing more is sent.
    pub fn stop(&mut self) {
        self.over = true;
    }

    /// What is to be done at `now`.
    pub fn next(&self, now: u64) -> Next {
        let number = self.sent();
        if self.over || self.sending.count.is_some_and(|count| number >= count) {
            return Next::Over;
        }
        let due = self.due(number);
        if let (Some(due), Some(until)) = (due, self.sending.until)
            && due >= until
        {
            return Next::Over;
        }
        if !self.has_room() {
            return Next::Full;
        }
        match due.map(|due| self.times.start.saturating_add(nanos(due))) {
            Some(due) if due > now => Next::At(due),
            Some(_) | None => Next::Now,
        }
    }

    fn has_room(&self) -> bool {
        self.slots.len() < self.sending.in_flight && (self.open == 0 || self.bytes < MOST_BYTES)
    }

    /// When it is due, from the start.
    fn due(&self, number: u64) -> Option<Duration> {
        self.sending.schedule.map(|schedule| schedule.due(self.sending.place, number))
    }

    /// The next message, sent at `now`.
    pub fn send(&mut self, now: u64) -> BenchMessage {
        let number = self.sent();
        let due = self.due(number).map_or(now, |due| self.times.start.saturating_add(nanos(due)));
        let SendPlan { publisher, groups, payloads, schedule, .. } = &self.sending;
        let text = payloads.make(*publisher, number, due);
        let group = (publisher % groups + number % groups) % groups;
        let steady = self.times.is_steady(due);
        self.samples.counts.sent += 1;
        self.samples.counts.steady_sent += u64::from(steady);
        if steady && schedule.is_some() {
            self.samples.late.push(now.saturating_sub(due.max(self.room_since)));
        }
        self.slots.push_back(SendSlot { due, size: text.len(), ended: false });
        self.bytes += text.len();
        self.open += 1;
        BenchMessage { number, group, text }
    }

    /// That message has ended at `now`. Returns whether it was under way.
    pub fn settle(&mut self, number: u64, ended: MessageResult, now: u64) -> bool {
        let had_room = self.has_room();
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let Some(slot) = at.and_then(|at| self.slots.get_mut(at)).filter(|slot| !slot.ended) else { return false };
        slot.ended = true;
        let SendSlot { due, size, .. } = *slot;
        self.bytes -= size;
        self.open -= 1;
        while self.slots.front().is_some_and(|slot| slot.ended) {
            self.slots.pop_front();
            self.first += 1;
        }
        if !had_room && self.has_room() {
            self.room_since = now;
        }
        let counts = &mut self.samples.counts;
        match ended {
            MessageResult::Acked => {
                counts.acked += 1;
                if self.times.is_steady(due) {
                    self.samples.ack.push(now.saturating_sub(due));
                }
            }
            MessageResult::Refused => {
                counts.refused += 1;
                self.unsure.push(number);
            }
            MessageResult::Unacked => {
                counts.unacked += 1;
                self.unsure.push(number);
            }
        }
        true
    }

    /// The run is over: whatever is under way will not be acknowledged.
    pub fn end(&mut self) {
        let open: Vec<u64> =
            (self.first..).zip(&self.slots).filter(|(_, slot)| !slot.ended).map(|(at, _)| at).collect();
        for number in open {
            self.settle(number, MessageResult::Unacked, 0);
        }
    }

    /// What this publisher has sent, for those who received it.
    pub fn published(self) -> PublishedCounts {
        let due = self.sending.schedule.zip(self.sending.until).map(|(schedule, until)| {
            schedule.due_before(self.sending.place, until).min(self.sending.count.unwrap_or(u64::MAX))
        });
        let (sent, mut unsure) = (self.sent(), self.unsure);
        unsure.sort_unstable();
        PublishedCounts { sent, unsure: Arc::from(unsure), due }
    }
}

/// What a publisher has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCounts {
    /// How many messages; their numbers are those below.
    pub sent: u64,
    /// Those among them that were not acknowledged, in their order.
    pub unsure: Arc<[u64]>,
    /// How many were due, where there was a schedule with an end.
    pub due: Option<u64>,
}

impl PublishedCounts {
    /// Whether that one need not come.
    pub fn is_unsure(&self, number: u64) -> bool {
        self.unsure.binary_search(&number).is_ok()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
