//! A listener whose process is killed and started again, with a record that outlives it (`--session`).
//!
//! What it has received waits in a buffer and is printed a batch at a time, recorded before and after, as the writer does
//! it. Death may come anywhere: before, within and after a batch. What all processes together print is held to the
//! promise: nothing missing, nothing twice but what is marked.

use super::*;
use crate::session::{Keep, Mark, Resume, Snapshot};

/// A message that was received.
#[derive(Debug)]
struct ReceivedEntry {
    /// Which connection it came on.
    run: usize,
    mark: Mark,
    /// `None`: of another group.
    number: Option<u64>,
    redelivered: bool,
}

/// What outlives the process, and what does not.
#[derive(Debug, Default)]
pub(super) struct ProcessState {
    snapshot: Snapshot,
    done: u64,
    begun: u64,
    /// Received, not printed.
    buffer: Vec<ReceivedEntry>,
}

impl ProcessState {
    /// Records what the session says.
    pub(super) fn record(&mut self, snapshot: Snapshot) {
        if snapshot.ordinal != self.snapshot.ordinal {
            (self.done, self.begun) = (0, 0);
        }
        self.snapshot = snapshot;
    }

    /// A loss was told. None waits behind another here.
    pub(super) fn told(&mut self) {
        self.snapshot.losses.clear();
    }

    pub(super) fn receive(&mut self, run: usize, mark: Mark, number: Option<u64>, redelivered: bool) {
        self.buffer.push(ReceivedEntry { run, mark, number, redelivered });
    }
}

impl Schedule {
    /// Prints what the listener has received, perhaps.
    pub(super) fn print_kept(&mut self) {
        let calm = self.pair.now >= TROUBLE;
        if calm || self.ledger.rng.percent(60) {
            let all = self.ledger.clients[LISTENER].kept.as_ref().map_or(0, |kept| kept.buffer.len());
            self.print_batch(all, true);
        }
    }

    /// Begins a batch, prints some of it, and ends it or does not.
    fn print_batch(&mut self, some: usize, ends: bool) {
        let (seed, now) = (self.seed, self.pair.now);
        let client = &mut self.ledger.clients[LISTENER];
        let Some(kept) = &mut client.kept else { return };
        let Some(mark) = kept.buffer.last().map(|last| last.mark) else { return };
        let current = mark.ordinal == kept.snapshot.ordinal;
        if current {
            kept.begun = kept.begun.max(mark.sequence_id);
        }
        for ReceivedEntry { run, number, redelivered, .. } in kept.buffer.drain(..some) {
            let (Some(number), Some(run)) = (number, client.runs.get_mut(run)) else { continue };
            if run.last().is_none_or(|last| *last < number) {
                run.push(number);
            } else {
                assert!(redelivered, "seed {seed}: {number} was printed twice, unmarked");
                self.ledger.tally.redelivered += 1;
            }
        }
        if ends {
            if current {
                kept.done = kept.done.max(mark.sequence_id);
            }
            self.pair.peers[LISTENER].session.handle_written(now, mark);
            self.pair.drain_session(&mut self.ledger, LISTENER);
        }
    }

    /// The listener's process is killed, at whatever it is doing, and another takes up its record.
    pub(super) fn die(&mut self) {
        let Some(buffered) = self.ledger.clients[LISTENER].kept.as_ref().map(|kept| kept.buffer.len()) else { return };
        if self.ledger.rng.percent(70) {
            let some = self.ledger.rng.below(buffered as u64 + 1) as usize;
            let all = some == buffered;
            // The end of a batch may be recorded; that the session hears of it makes no difference any more.
            let ends = all && self.ledger.rng.percent(50);
            self.print_batch(some, ends);
        }
        let mut config = config(&mut self.ledger.rng, self.seed, LISTENER);
        let client = &mut self.ledger.clients[LISTENER];
        let Some(kept) = &mut client.kept else { return };
        kept.buffer.clear();
        let wants = |group: &str| group == GROUP || group == states::GROUP || self.wanted.contains(group);
        let unwanted = kept.snapshot.groups.iter().map(|(group, ..)| group.clone()).filter(|group| !wants(group));
        let resume = Resume {
            leave: unwanted.collect(),
            snapshot: kept.snapshot.clone(),
            done: kept.done,
            begun: kept.begun,
            downtime: Duration::ZERO,
        };
        let resume = Some(resume).filter(|resume| resume.snapshot != Snapshot::default());
        config.keep = Some(Keep { resume, reserved: None });
        self.pair.drop_socket(LISTENER);
        self.pair.peers[LISTENER] = SessionPeer::new(config, subprotocol(self.seed, LISTENER));
        client.settled.clear();
        client.recoveries.0 += 1;
        let (now, session) = (self.pair.now, &mut self.pair.peers[LISTENER].session);
        session.handle_start(now);
        let groups: Vec<&str> = std::iter::once(GROUP).chain(self.wanted.iter().copied()).collect();
        for (id, group) in groups.into_iter().enumerate() {
            let join = Request::Join { group: group.into() };
            session.handle_request(now, OperationId(id as u64), join, AckMode::Automatic);
            self.listener_operations = id as u64 + 1;
        }
        self.revive_states();
        self.ledger.tally.deaths += 1;
        self.drain();
    }
}
