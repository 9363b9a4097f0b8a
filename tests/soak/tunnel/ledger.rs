//! Who saw what of each event: given to a client, brought to the upstream, answered there, acknowledged to the client.
//! Knows no process and no clock.

use std::collections::BTreeMap;

use crate::checker::Wrong;

/// What the upstream does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answers that it is well.
    Well,
    /// It answers that it is not.
    Refused,
    /// It gives no answer.
    None,
}

/// An event.
#[derive(Debug, Default)]
struct Event {
    /// What the upstream did, once it has it.
    outcome: Option<Outcome>,
    /// What the client was told.
    told: Option<bool>,
}

/// So many events are remembered after the client was told: what comes to the upstream later than that is a fault.
const REMEMBERED: u64 = 20_000;

/// The events of one client, numbered from 1.
#[derive(Debug, Default)]
pub struct Ledger {
    given: u64,
    told: u64,
    events: BTreeMap<u64, Event>,
}

impl Ledger {
    /// The next one is about to be given to the client.
    pub fn give(&mut self) -> u64 {
        self.given += 1;
        self.events.insert(self.given, Event::default());
        while self
            .events
            .first_key_value()
            .is_some_and(|(number, event)| event.told.is_some() && self.given - number > REMEMBERED)
        {
            self.events.pop_first();
        }
        self.given
    }

    /// How many have no answer.
    pub fn open(&self) -> u64 {
        self.given - self.told
    }

    /// It came to the upstream, which does that.
    pub fn arrive(&mut self, number: u64, outcome: Outcome) -> Result<(), Wrong> {
        let event = self.events.get_mut(&number).ok_or(Wrong::Unheard { number })?;
        match event.outcome.replace(outcome) {
            Some(_) => Err(Wrong::Doubled { number }),
            None if event.told == Some(true) => {
                Err(Wrong::Other(format!("event {number} came after its client was told that it went well")))
            }
            None => Ok(()),
        }
    }

    /// The client is told how it went.
    pub fn tell(&mut self, number: u64, well: bool) -> Result<(), Wrong> {
        let event = self.events.get_mut(&number).ok_or(Wrong::Unheard { number })?;
        if event.told.replace(well).is_some() {
            return Err(Wrong::Other(format!("the client was told twice of event {number}")));
        }
        self.told += 1;
        if well && event.outcome != Some(Outcome::Well) {
            let what = format!("event {number} is said to have gone well, and the upstream: {:?}", event.outcome);
            return Err(Wrong::Other(what));
        }
        Ok(())
    }

    /// The verdict, when nothing more comes.
    pub fn judge(&self) -> Option<Wrong> {
        let open: Vec<u64> =
            self.events.iter().filter(|(_, event)| event.told.is_none()).map(|(number, _)| *number).take(5).collect();
        (!open.is_empty()).then(|| Wrong::Other(format!("{} events have no answer, {open:?} first", self.open())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_comes_once_at_most_and_is_answered_once_as_the_upstream_did() {
        let mut ledger = Ledger::default();
        for _ in 0..6 {
            ledger.give();
        }
        ledger.arrive(1, Outcome::Well).unwrap();
        ledger.tell(1, true).unwrap();
        ledger.arrive(2, Outcome::Refused).unwrap();
        ledger.tell(2, false).unwrap();
        // Its answer was lost on the way, or itself.
        ledger.arrive(3, Outcome::Well).unwrap();
        ledger.tell(3, false).unwrap();
        ledger.tell(4, false).unwrap();
        ledger.arrive(4, Outcome::None).unwrap();
        assert_eq!(ledger.open(), 2);
        assert_eq!(ledger.arrive(1, Outcome::Well), Err(Wrong::Doubled { number: 1 }));
        assert_eq!(ledger.arrive(7, Outcome::Well), Err(Wrong::Unheard { number: 7 }));
        assert!(ledger.tell(1, true).unwrap_err().to_string().contains("told twice"));
        assert!(ledger.tell(5, true).unwrap_err().to_string().contains("said to have gone well"));
        assert!(ledger.arrive(5, Outcome::Well).unwrap_err().to_string().contains("came after"));
        assert!(ledger.judge().unwrap().to_string().contains("1 events have no answer, [6]"));
    }

    #[test]
    fn what_was_answered_long_ago_is_forgotten_and_what_was_not_is_kept() {
        let mut ledger = Ledger::default();
        for number in 1..=REMEMBERED + 10 {
            ledger.give();
            if number != 5 {
                ledger.tell(number, false).unwrap();
            }
        }
        assert_eq!(ledger.events.first_key_value().map(|(number, _)| *number), Some(5));
    }
}
