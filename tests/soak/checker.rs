//! Who saw what: the verdict on one numbered sequence of messages, by the numbers alone. Knows no process and no clock.
//!
//! A `Sequence` is told each number that came, in the order in which it came, and what came of it in other ways (an
//! announcement of a loss, an ack, operations that the service counted). It answers with what is wrong, once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// So many ids of operations the service remembers on a connection (PROTOCOL §6).
pub const REMEMBERED: u64 = 1000;

/// As many as are given may be under way.
const UNKNOWN: u64 = u64::MAX / 2;

/// So many acks may wait to be printed on a machine that is busy.
const UNPRINTED: u64 = 100;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// These never came.
    Lost { first: u64, last: u64 },
    /// It came twice.
    Doubled { number: u64 },
    /// It came twice, more operations after the first time than the service remembers: its id had been forgotten.
    Forgotten { number: u64, operations: u64 },
    /// It came after later ones.
    Disordered { number: u64, after: u64 },
    /// It was never published.
    Unheard { number: u64 },
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { first, last } if first == last => write!(formatter, "lost: {first}"),
            Self::Lost { first, last } => write!(formatter, "lost: {first} to {last}"),
            Self::Doubled { number } => write!(formatter, "doubled: {number}"),
            Self::Forgotten { number, operations } => {
                write!(formatter, "doubled: {number}, {operations} operations later, its id being forgotten")
            }
            Self::Disordered { number, after } => write!(formatter, "disordered: {number} after {after}"),
            Self::Unheard { number } => write!(formatter, "never published: {number}"),
            Self::Other(what) => formatter.write_str(what),
        }
    }
}

/// A sequence of messages, numbered from 1, as it comes.
#[derive(Debug, Default)]
pub struct Sequence {
    /// The largest that came.
    last: u64,
    /// Below `last`, those that have not come.
    missing: BTreeSet<u64>,
    /// Those that were found missing and told so.
    told: BTreeSet<u64>,
    /// Which may be missing, since a loss of them was announced and there was reason for it.
    excused: BTreeSet<u64>,
    /// Which may come a second time, and have not yet.
    repeatable: BTreeSet<u64>,
    /// A loss was announced after `last` came.
    announced: bool,
    /// How many operations the connection had carried out when each of these came; the last 20,000.
    operations: BTreeMap<u64, u64>,
    /// How many came, each once.
    pub came: u64,
    /// How many came again and said so.
    pub redelivered: u64,
}

impl Sequence {
    /// Begins behind `number`: what is up to there is no concern of this sequence.
    pub fn after(number: u64) -> Self {
        Self { last: number, ..Self::default() }
    }

    /// The largest number that came.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// A loss was announced: what is missing between the last message and the next one is excused.
    pub fn announce_loss(&mut self) {
        self.announced = true;
    }

    /// The outcome of these is unknown and was said to be: each may come once more.
    pub fn allow_again(&mut self, numbers: impl IntoIterator<Item = u64>) {
        self.repeatable.extend(numbers);
    }

    /// Only these are owed.
    fn excuse_all_but(&mut self, owed: &BTreeSet<u64>) {
        let (missing, excused) =
            std::mem::take(&mut self.missing).into_iter().partition(|number| owed.contains(number));
        self.missing = missing;
        let _: &BTreeSet<u64> = &excused;
        self.excused.extend(excused);
    }

    /// A number came. `redelivered` is what the record says of itself; `operations` how many the connection has carried
    /// out, where somebody counts.
    pub fn come(&mut self, number: u64, redelivered: bool, operations: u64) -> Result<(), Wrong> {
        if number > self.last {
            let gap = self.last + 1..number;
            if self.announced {
                self.excused.extend(gap);
            } else {
                self.missing.extend(gap);
            }
            (self.last, self.announced) = (number, false);
            self.note(number, operations);
            return Ok(());
        }
        if self.missing.remove(&number) || self.told.remove(&number) || self.excused.remove(&number) {
            self.note(number, operations);
            return Err(Wrong::Disordered { number, after: self.last });
        }
        if redelivered {
            self.redelivered += 1;
            return Ok(());
        }
        if self.repeatable.remove(&number) {
            return Ok(());
        }
        let since = self.operations.get(&number).map_or(0, |then| operations - then);
        if since >= REMEMBERED {
            return Err(Wrong::Forgotten { number, operations: since });
        }
        Err(Wrong::Doubled { number })
    }

    fn note(&mut self, number: u64, operations: u64) {
        self.came += 1;
        self.operations.insert(number, operations);
        if self.operations.len() > 20_000 {
            self.operations.pop_first();
        }
    }

    /// Whether it has come.
    pub fn has(&self, number: u64) -> bool {
        number <= self.last
            && !self.missing.contains(&number)
            && !self.told.contains(&number)
            && !self.excused.contains(&number)
    }

    /// What is missing up to `wanted`, as ranges, when nothing more will come. Says it once.
    pub fn finish(&mut self, wanted: u64) -> Vec<Wrong> {
        if wanted > self.last && !self.announced {
            self.missing.extend(self.last + 1..=wanted);
        }
        self.last = self.last.max(wanted);
        self.take_missing()
    }

    /// What is missing before the last that came, as ranges. Says it once.
    pub fn take_missing(&mut self) -> Vec<Wrong> {
        let mut found: Vec<(u64, u64)> = Vec::new();
        for number in std::mem::take(&mut self.missing) {
            self.told.insert(number);
            match found.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => found.push((number, number)),
            }
        }
        found.into_iter().map(|(first, last)| Wrong::Lost { first, last }).collect()
    }
}

/// How a sender has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// With success: everything is there.
    Done,
    /// It was stopped: what was acknowledged is there, nothing is missing before the last that is there, and beyond the
    /// acks there is no more than could be under way.
    Stopped,
    /// Its connection was lost for good, and it said that it does not know: what was acknowledged is there.
    Unknown,
}

/// Lines that were given to a sender, held against what arrived and what was acknowledged.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What arrived.
    pub arrived: Sequence,
    /// How many were given.
    given: u64,
    /// Which were acknowledged, by any run.
    acked: BTreeSet<u64>,
    /// Which were acknowledged by this run.
    by_this_run: BTreeSet<u64>,
    /// How many may be under way without an ack.
    in_flight: u64,
}

impl Ledger {
    /// Of a sender that may be so many lines ahead of its acks.
    pub fn new(in_flight: u64) -> Self {
        Self { in_flight, ..Self::default() }
    }

    /// Nobody reads what the sender prints: how many acks have come is not known.
    pub fn unread(&mut self) {
        self.in_flight = UNKNOWN;
    }

    /// The sender was killed: acks that it had, and had not yet printed, went with it.
    pub fn killed(&mut self) {
        self.in_flight = (self.in_flight + UNPRINTED).min(UNKNOWN);
    }

    /// One more line is about to be given.
    pub fn give(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    /// How many were given.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// How many were acknowledged.
    pub fn acked(&self) -> u64 {
        self.acked.len() as u64
    }

    /// The sender says that a line was acknowledged.
    pub fn acknowledge(&mut self, number: u64) -> Result<(), Wrong> {
        if number == 0 || number > self.given {
            return Err(Wrong::Other(format!("line {number} was acknowledged, and {} were given", self.given)));
        }
        self.acked.insert(number);
        if !self.by_this_run.insert(number) {
            return Err(Wrong::Other(format!("line {number} was acknowledged twice")));
        }
        Ok(())
    }

    /// Another run goes on with the lines. What was acknowledged and not recorded before a kill is acknowledged again.
    pub fn next_run(&mut self) {
        self.by_this_run.clear();
    }

    /// A line arrived.
    pub fn arrive(&mut self, number: u64, operations: u64) -> Result<(), Wrong> {
        if number == 0 || number > self.given {
            return Err(Wrong::Unheard { number });
        }
        self.arrived.come(number, false, operations)
    }

    /// The verdict, when all that was under way has arrived.
    pub fn judge(&mut self, closed: Closed) -> Vec<Wrong> {
        match closed {
            Closed::Done => self.arrived.finish(self.given),
            Closed::Stopped => {
                let mut wrong = self.arrived.take_missing();
                wrong.extend(self.judge_acked());
                wrong.extend(self.judge_open());
                wrong
            }
            Closed::Unknown => {
                self.arrived.excuse_all_but(&self.acked);
                let mut wrong = self.arrived.take_missing();
                wrong.extend(self.judge_acked());
                wrong
            }
        }
    }

    fn judge_open(&self) -> Option<Wrong> {
        let open = (1..=self.arrived.last()).filter(|number| !self.acked.contains(number)).count() as u64;
        // Acks that had come and were not printed yet when it was killed were at most as many again.
        (open > 2 * self.in_flight)
            .then(|| Wrong::Other(format!("{open} lines arrived without an ack, {} in flight", self.in_flight)))
    }

    fn judge_acked(&self) -> Vec<Wrong> {
        let lost = self.acked.iter().filter(|number| !self.arrived.has(**number));
        // Those before the last arrival are told as missing.
        let lost = lost.filter(|number| **number > self.arrived.last());
        lost.map(|number| Wrong::Other(format!("lost: {number}, although it was acknowledged"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong when these come, in that order, out of 1 to `published`.
    fn verdict(published: u64, come: &[u64]) -> Vec<Wrong> {
        let mut sequence = Sequence::default();
        let mut wrong: Vec<Wrong> = come.iter().filter_map(|number| sequence.come(*number, false, 0).err()).collect();
        wrong.extend(sequence.finish(published));
        wrong
    }

    #[test]
    fn what_comes_once_and_in_order_is_right() {
        assert_eq!(verdict(5, &[1, 2, 3, 4, 5]), []);
    }

    #[test]
    fn a_loss_is_seen_in_the_middle_and_at_the_end() {
        assert_eq!(verdict(6, &[1, 4, 5]), [Wrong::Lost { first: 2, last: 3 }, Wrong::Lost { first: 6, last: 6 }]);
    }

    #[test]
    fn a_double_is_seen() {
        assert_eq!(verdict(3, &[1, 2, 2, 3, 1]), [Wrong::Doubled { number: 2 }, Wrong::Doubled { number: 1 }]);
    }

    #[test]
    fn a_disorder_is_seen_also_when_the_loss_was_told_before() {
        assert_eq!(verdict(3, &[1, 3, 2]), [Wrong::Disordered { number: 2, after: 3 }]);
        let mut sequence = Sequence::default();
        sequence.come(2, false, 0).unwrap();
        assert_eq!(sequence.take_missing(), [Wrong::Lost { first: 1, last: 1 }]);
        assert_eq!(sequence.come(1, false, 0), Err(Wrong::Disordered { number: 1, after: 2 }));
    }

    #[test]
    fn a_line_that_comes_again_when_its_id_was_forgotten_is_told_from_another_double() {
        let mut sequence = Sequence::default();
        sequence.come(1, false, 10).unwrap();
        sequence.come(2, false, 11).unwrap();
        assert_eq!(sequence.come(2, false, 1010), Err(Wrong::Doubled { number: 2 }));
        assert_eq!(sequence.come(1, false, 1010), Err(Wrong::Forgotten { number: 1, operations: 1000 }));
    }

    #[test]
    fn what_is_marked_may_come_again_and_what_is_announced_may_be_missing() {
        let mut sequence = Sequence::default();
        for number in 1..=3 {
            sequence.come(number, false, 0).unwrap();
        }
        sequence.come(2, true, 0).unwrap();
        assert_eq!(sequence.redelivered, 1);
        sequence.announce_loss();
        sequence.come(6, false, 0).unwrap();
        assert_eq!(sequence.take_missing(), []);
        // Only up to the next that came.
        sequence.come(8, false, 0).unwrap();
        assert_eq!(sequence.take_missing(), [Wrong::Lost { first: 7, last: 7 }]);
    }

    #[test]
    fn a_mark_does_not_excuse_a_loss() {
        let mut sequence = Sequence::default();
        sequence.come(1, false, 0).unwrap();
        sequence.come(3, true, 0).unwrap();
        assert_eq!(sequence.take_missing(), [Wrong::Lost { first: 2, last: 2 }]);
    }

    #[test]
    fn a_killed_sender_owes_what_was_acknowledged_and_no_more() {
        let mut ledger = Ledger::new(1);
        for _ in 0..6 {
            ledger.give();
        }
        for number in [1, 2, 4] {
            ledger.acknowledge(number).unwrap();
        }
        for number in [1, 3] {
            ledger.arrive(number, 0).unwrap();
        }
        let wrong = ledger.judge(Closed::Stopped);
        assert_eq!(wrong[0], Wrong::Lost { first: 2, last: 2 });
        assert_eq!(wrong[1], Wrong::Other("lost: 4, although it was acknowledged".to_owned()));
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert_eq!(ledger.arrive(7, 0), Err(Wrong::Unheard { number: 7 }));
        assert!(ledger.acknowledge(7).is_err() && ledger.acknowledge(1).is_err());
    }

    #[test]
    fn more_than_was_in_flight_does_not_arrive_without_acks() {
        let mut ledger = Ledger::new(2);
        for number in 1..=5 {
            ledger.give();
            ledger.arrive(number, 0).unwrap();
        }
        assert_eq!(ledger.judge(Closed::Stopped).len(), 1);
    }

    #[test]
    fn a_line_of_unknown_outcome_may_be_missing_and_an_acknowledged_one_may_not() {
        let mut ledger = Ledger::new(10);
        for _ in 0..4 {
            ledger.give();
        }
        ledger.acknowledge(2).unwrap();
        ledger.arrive(4, 0).unwrap();
        assert_eq!(ledger.judge(Closed::Unknown), [Wrong::Lost { first: 2, last: 2 }]);
    }

    #[test]
    fn a_sender_that_is_done_owes_everything_and_unknown_lines_come_at_most_once_more() {
        let mut ledger = Ledger::new(10);
        for number in 1..=3 {
            ledger.give();
            ledger.arrive(number, 0).unwrap();
        }
        ledger.arrived.allow_again([2]);
        ledger.arrive(2, 0).unwrap();
        assert_eq!(ledger.arrive(2, 0), Err(Wrong::Doubled { number: 2 }));
        ledger.give();
        assert_eq!(ledger.judge(Closed::Done), [Wrong::Lost { first: 4, last: 4 }]);
    }
}
