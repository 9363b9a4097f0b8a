//! A subscriber: which messages it has of whom, and how long each took.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::{Arrival, MessageHeader, PublishedCounts, PublisherSequence, RunTimes, Samples};

/// Publishers that a subscriber keeps apart; messages of further ones are those of others.
const MOST_PUBLISHERS: usize = 100_000;

/// Whose messages are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publishers {
    /// Of this run; `None`: of any.
    pub run: Option<Arc<str>>,
    /// Those of this process: they begin with the first message once all have subscribed.
    pub own: Range<u64>,
}

/// What came to one subscriber.
#[derive(Debug)]
pub struct BenchReceiver {
    publishers: Publishers,
    /// It is in this one of so many groups.
    group: u64,
    groups: u64,
    runs: Vec<(Box<str>, HashMap<u64, PublisherSequence>)>,
    /// How many sequences there are.
    kept: usize,
    /// When the last message came.
    pub last: u64,
    /// How many came of the publishers of this process, each once.
    pub own: u64,
    /// What has not been taken away.
    pub samples: Samples,
}

impl BenchReceiver {
    /// In that one of so many groups.
    pub fn new(publishers: Publishers, group: u64, groups: u64) -> Self {
        let mut receiver =
            Self { publishers, group, groups, runs: Vec::new(), kept: 0, last: 0, own: 0, samples: Samples::default() };
        if let Some(run) = receiver.publishers.run.clone() {
            // What never comes is known to be missing.
            let own = receiver.publishers.own.clone().map(|publisher| (publisher, PublisherSequence::from_start()));
            receiver.runs.push((Box::from(&*run), own.collect()));
            receiver.kept = receiver.publishers.own.clone().count();
        }
        receiver
    }

    /// Takes a message that came at `now`.
    pub fn take(&mut self, text: &str, now: u64, times: RunTimes) {
        let Some((header, number)) = self.own(text) else {
            self.samples.counts.foreign += 1;
            return;
        };
        let Some(sequence) = self.sequence(&header) else {
            self.samples.counts.foreign += 1;
            return;
        };
        let arrival = sequence.take(number, times.second(now));
        self.last = now;
        let own = self.publishers.own.contains(&header.publisher);
        let steady = times.is_steady(header.due);
        let counts = &mut self.samples.counts;
        counts.received += 1;
        counts.bytes += text.len() as u64;
        counts.steady_received += u64::from(steady);
        counts.steady_bytes += if steady { text.len() as u64 } else { 0 };
        match arrival {
            Arrival::New | Arrival::Late => {
                counts.arrived += 1;
                self.own += u64::from(own);
                counts.ahead += u64::from(header.due > now);
                if steady {
                    self.samples.latency.push(now.saturating_sub(header.due));
                }
            }
            // How long the first copy took is what counts.
            Arrival::Double => {}
        }
    }

    /// Its header, and which one it is of those that this subscriber gets of the publisher.
    fn own<'t>(&self, text: &'t str) -> Option<(MessageHeader<'t>, u64)> {
        let header = MessageHeader::parse(text)?;
        if self.publishers.run.as_deref().is_some_and(|run| run != header.run) {
            return None;
        }
        let meant = (header.publisher % self.groups + header.number % self.groups) % self.groups == self.group;
        meant.then_some((header, header.number / self.groups))
    }

    fn sequence(&mut self, header: &MessageHeader<'_>) -> Option<&mut PublisherSequence> {
        let known = self.runs.iter().position(|(run, _)| **run == *header.run);
        let at = match known {
            Some(at) => at,
            None if self.kept < MOST_PUBLISHERS => {
                self.runs.push((header.run.into(), HashMap::new()));
                self.runs.len() - 1
            }
            None => return None,
        };
        let (_, sequences) = &mut self.runs[at];
        match sequences.entry(header.publisher) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(_) if self.kept >= MOST_PUBLISHERS => None,
            Entry::Vacant(new) => {
                self.kept += 1;
                Some(new.insert(PublisherSequence::from_first()))
            }
        }
    }

    /// What there is to say of what came, when nothing more does: `published` is what the publishers of this process have
    /// sent, `second` the last of the run.
    pub fn verdict(&mut self, published: &HashMap<u64, PublishedCounts>, second: u32) -> DeliveryTally {
        let (group, groups, own) = (self.group, self.groups, self.publishers.own.clone());
        let mut verdict = DeliveryTally::default();
        for (publisher, sequence) in self.runs.iter_mut().flat_map(|(_, sequences)| sequences) {
            let published = published.get(publisher).filter(|_| own.contains(publisher));
            let lost = match published {
                None => sequence.lost(|_| false, false),
                Some(published) => {
                    let place = GroupTurns { publisher: *publisher, group, groups };
                    sequence.end(place.meant(published.sent), second);
                    sequence.lost(|index| published.is_unsure(place.number(index)), !published.unsure.is_empty())
                }
            };
            for (second, count) in lost {
                *verdict.lost.entry(second).or_default() += count;
            }
            verdict.arrived += sequence.arrived;
            verdict.doubled += sequence.doubled;
            verdict.reordered += sequence.reordered;
        }
        verdict
    }
}

/// What one subscriber, or all, can say of what they got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryTally {
    /// Messages that came, each once.
    pub arrived: u64,
    /// Messages that did not come, by the second in which that was noticed.
    pub lost: BTreeMap<u32, u64>,
    pub doubled: u64,
    pub reordered: u64,
}

impl DeliveryTally {
    /// Adds that of another subscriber.
    pub fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        for (second, count) in &other.lost {
            *self.lost.entry(*second).or_default() += count;
        }
    }

    /// How many did not come.
    pub fn lost(&self) -> u64 {
        self.lost.values().sum()
    }
}

/// Which messages of a publisher are for which group: they take the groups in turn.
#[derive(Clone, Copy, Debug)]
struct GroupTurns {
    publisher: u64,
    group: u64,
    groups: u64,
}

impl GroupTurns {
    /// The number of the first message for the group.
    fn first(self) -> u64 {
        (self.group + self.groups - self.publisher % self.groups) % self.groups
    }

    /// How many of so many messages are for the group.
    fn meant(self, published: u64) -> u64 {
        published.saturating_sub(self.first()).div_ceil(self.groups)
    }

    /// The number of the message that is that one of the group's.
    fn number(self, index: u64) -> u64 {
        index * self.groups + self.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_of_a_publisher_is_for_one_group() {
        for groups in 1..6 {
            for publisher in 0..7 {
                let mut numbers: Vec<u64> = Vec::new();
                for group in 0..groups {
                    let place = GroupTurns { publisher, group, groups };
                    let meant = place.meant(20);
                    assert_eq!(meant, (0..20).filter(|number| (publisher + number) % groups == group).count() as u64);
                    numbers.extend((0..meant).map(|index| place.number(index)));
                }
                numbers.sort_unstable();
                assert_eq!(numbers, (0..20).collect::<Vec<_>>());
            }
        }
    }
}
