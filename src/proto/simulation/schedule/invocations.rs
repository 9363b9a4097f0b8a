//! Invocations among the trouble of a schedule. The publisher makes them; a handler that takes its time gives back twice
//! the number that it is asked for. Each settles once, none is carried out twice, and what is said of it is true
//! (PROTOCOL §19.16–18).

use super::*;
use crate::hub::{EventAnswer, UserEvent};
use crate::session::{Invocation, InvocationKey, InvokeOutcome, Invoked};

/// What is known of the invocations of a schedule.
pub(super) struct Calls {
    /// Apart from that of the network, whose blows stay the same.
    rng: Rng,
    next: u64,
    /// How often each was carried out.
    carried_out: BTreeMap<u64, u32>,
    settled: BTreeMap<u64, InvokeOutcome>,
    /// Those that were called off.
    called_off: BTreeSet<u64>,
}

impl Calls {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng(seed ^ 0x1ca_u64.rotate_left(40)),
            next: 1,
            carried_out: BTreeMap::new(),
            settled: BTreeMap::new(),
            called_off: BTreeSet::new(),
        }
    }

    /// The application is asked: when it answers, and what.
    pub(super) fn asked(&mut self, seed: u64, event: &UserEvent) -> (Duration, EventAnswer) {
        let data = event.data.as_ref().map(OwnedData::as_data);
        assert!(event.is_invocation, "seed {seed}: {event:?}");
        let number = number_of(data.unwrap());
        let times = self.carried_out.entry(number).or_default();
        *times += 1;
        assert_eq!(*times, 1, "seed {seed}: invocation {number} was carried out twice");
        let answer = EventAnswer::reply(OwnedData::json(&(2 * number).to_string()).unwrap());
        (self.rng.millis(0, 4000), answer)
    }

    pub(super) fn settle(&mut self, seed: u64, key: InvocationKey, invoked: Invoked) {
        let before = self.settled.insert(key.0, invoked.outcome);
        assert_eq!(before, None, "seed {seed}: invocation {} settled twice", key.0);
    }
}

impl Schedule {
    /// Asks the application for something, or calls off what was asked for.
    pub(super) fn invoke(&mut self) {
        let now = self.pair.now;
        let calls = &mut self.ledger.calls;
        if !calls.rng.percent(40) {
            return;
        }
        let key = InvocationKey(calls.next);
        calls.next += 1;
        let data = OwnedData::json(&key.0.to_string()).unwrap();
        let least = if calls.rng.percent(50) { 100 } else { 20_000 };
        let timeout = Some(calls.rng.millis(least, 60_000));
        let called_off = key.0.saturating_sub(calls.rng.below(3));
        let called_off = (called_off > 0 && calls.rng.percent(20)).then_some(called_off);
        calls.called_off.extend(called_off.filter(|number| !calls.settled.contains_key(number)));
        let session = self.session(PUBLISHER);
        session.handle_invoke(now, key, Invocation { timeout, ..Invocation::new("double".into(), Some(data)) });
        if let Some(number) = called_off {
            session.handle_cancel(now, InvocationKey(number));
        }
    }

    /// Every invocation has ended, and what was said of it is true.
    pub(super) fn check_invocations(&mut self) {
        let (seed, calls, tally) = (self.seed, &self.ledger.calls, &mut self.ledger.tally);
        let lost = self.ledger.clients[PUBLISHER].recoveries.0 > 0 || self.ledger.clients[PUBLISHER].losses > 0;
        for number in 1..calls.next {
            let carried_out = calls.carried_out.contains_key(&number);
            let outcome = calls.settled.get(&number);
            let told = || format!("seed {seed}: invocation {number}, carried out: {carried_out}: {outcome:?}");
            match outcome {
                Some(InvokeOutcome::Answered { data, metadata: None }) => {
                    let answer = data.as_ref().map(|data| number_of(data.as_data()));
                    assert!(carried_out && answer == Some(2 * number), "{}", told());
                    tally.answered += 1;
                }
                Some(InvokeOutcome::NotSent { cause }) => {
                    let wanted = match cause {
                        OutcomeCause::TimedOut => true,
                        OutcomeCause::Cancelled => calls.called_off.contains(&number),
                        _ => false,
                    };
                    assert!(!carried_out && wanted, "{}", told());
                }
                Some(InvokeOutcome::Unknown { cause: OutcomeCause::ConnectionLost(_) }) => {
                    assert!(lost, "{}", told());
                    tally.lost_answers += usize::from(carried_out);
                }
                Some(InvokeOutcome::TimedOut) => {}
                Some(InvokeOutcome::Cancelled) => assert!(calls.called_off.contains(&number), "{}", told()),
                _ => panic!("{}", told()),
            }
        }
    }
}
