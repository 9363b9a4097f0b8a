//! Who is refused, said on stderr: a line when it begins, and no more of it until somebody gets in again.
//!
//! A client that is refused tries again for as long as it likes, and a web page may ask as fast as it can, so what is
//! said is bounded twice: for each reason, and over all of them. What is not said so is said with `-v`.

use std::collections::HashMap;
use std::fmt;
use std::mem::Discriminant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use webpubsub_net::auth::token::TokenError;
use webpubsub_net::secret::excerpt;

/// The most reasons that are remembered, of all places together.
const MAX_REMEMBERED: usize = 1024;
/// The most characters of a line.
const SHOWN_CHARS: usize = 400;
/// How often the same is said when those who are refused and those who get in take turns.
const OF_ONE: Allowance = Allowance::new(3, Duration::from_secs(60));
/// How many lines there are of all.
const OF_ALL: Allowance = Allowance::new(20, Duration::from_secs(10));

/// What is asked for, where somebody may get in or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum EntryPoint {
    /// The client endpoint of a hub, in lower case; without one where the request names none that exists.
    Client(String),
    /// The tunnel of a hub, likewise.
    Tunnel(String),
    /// The live trace.
    LiveTrace,
    /// The data plane.
    Rest,
    /// Any of them; refused before it is looked at.
    Any,
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(hub) if hub.is_empty() => f.write_str("a client"),
            Self::Client(hub) => write!(f, "a client of hub `{hub}`"),
            Self::Tunnel(hub) if hub.is_empty() => f.write_str("a tunnel"),
            Self::Tunnel(hub) => write!(f, "a tunnel of hub `{hub}`"),
            Self::LiveTrace => f.write_str("a live trace"),
            Self::Rest => f.write_str("a REST request"),
            Self::Any => f.write_str("a request"),
        }
    }
}

/// Why nobody gets in. Two are the same when the same mends them, whatever time or name their words have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reason {
    /// It has no token.
    NoToken,
    /// Its token is not accepted.
    Token(Discriminant<TokenError>),
    /// The handler of `connect` answered with this status.
    Handler(u16),
    /// The request itself is not as it has to be.
    Request(String),
}

impl Reason {
    pub(super) fn token(error: &TokenError) -> Self {
        Self::Token(std::mem::discriminant(error))
    }

    /// The request is wrong in this way.
    pub(super) fn request(message: &str) -> Self {
        Self::Request(excerpt(message, SHOWN_CHARS).into_owned())
    }

    /// Whether it is over as soon as somebody gets in. A wrong request is wrong for itself.
    fn is_state(&self) -> bool {
        match self {
            Self::NoToken | Self::Token(_) | Self::Handler(_) => true,
            Self::Request(_) => false,
        }
    }
}

/// Lines that may be said: so many at once, and one more after each interval.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    most: u32,
    interval: Duration,
    left: u32,
    /// Since when the next one is awaited.
    since: Option<Instant>,
}

impl Allowance {
    const fn new(most: u32, interval: Duration) -> Self {
        Self { most, interval, left: most, since: None }
    }

    fn has(&mut self, now: Instant) -> bool {
        if let Some(since) = self.since {
            let passed = now.saturating_duration_since(since).as_nanos() / self.interval.as_nanos();
            let gained = u32::try_from(passed).unwrap_or(u32::MAX).min(self.most - self.left);
            self.left += gained;
            self.since = (self.left < self.most).then(|| since + self.interval * gained);
        }
        self.left > 0
    }

    fn take(&mut self, now: Instant) {
        self.left = self.left.saturating_sub(1);
        self.since.get_or_insert(now);
    }
}

/// What is said.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Somebody is refused: whoever gets in has to look whether that is over.
    any: AtomicBool,
    said: Mutex<RefusalLog>,
}

#[derive(Debug)]
struct RefusalLog {
    of_all: Allowance,
    places: HashMap<EntryPoint, HashMap<Reason, ReasonEntry>>,
}

#[derive(Debug)]
struct ReasonEntry {
    allowance: Allowance,
    /// Nobody has got in since it was said.
    lasts: bool,
}

/// How loud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loudness {
    /// It begins.
    Aloud,
    /// The same, and it is the last for a while.
    Last,
    /// Only to who asks for all.
    Aside,
}

impl Default for RefusalLog {
    fn default() -> Self {
        Self { of_all: OF_ALL, places: HashMap::new() }
    }
}

impl RefusalLog {
    /// Somebody is refused.
    fn refused(&mut self, place: &EntryPoint, reason: &Reason, now: Instant) -> Loudness {
        let known = self.places.get_mut(place).and_then(|reasons| reasons.get_mut(reason));
        if known.is_some_and(|known| known.lasts || !known.allowance.has(now)) || !self.of_all.has(now) {
            return Loudness::Aside;
        }
        self.of_all.take(now);
        if self.places.values().map(HashMap::len).sum::<usize>() >= MAX_REMEMBERED {
            self.places.clear();
        }
        let reasons = self.places.entry(place.clone()).or_default();
        let known = reasons.entry(reason.clone()).or_insert(ReasonEntry { allowance: OF_ONE, lasts: true });
        known.lasts = true;
        known.allowance.take(now);
        if self.of_all.has(now) { Loudness::Aloud } else { Loudness::Last }
    }

    /// Somebody got in.
    fn passed(&mut self, place: &EntryPoint) {
        let Some(reasons) = self.places.get_mut(place) else { return };
        for (reason, known) in reasons {
            known.lasts &= !reason.is_state();
        }
    }
}

impl Refusals {
    /// Somebody is refused for `reason`; `told` says so in a line.
    pub(super) fn refused(&self, place: &EntryPoint, reason: &Reason, told: &str) {
        let told = excerpt(told, SHOWN_CHARS);
        let say = {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            self.any.store(true, Ordering::Relaxed);
            said.refused(place, reason, Instant::now())
        };
        match say {
            Loudness::Aloud => warn!("{told}"),
            Loudness::Last => warn!("{told} So many are refused that only -v says each."),
            Loudness::Aside => info!("{told}"),
        }
    }

    /// Somebody got in at a place.
    pub(super) fn passed(&self, place: &EntryPoint) {
        if self.any.load(Ordering::Relaxed) {
            self.said.lock().unwrap_or_else(PoisonError::into_inner).passed(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn client() -> EntryPoint {
        EntryPoint::Client("chat".to_owned())
    }

    fn wrong_key() -> Reason {
        Reason::token(&TokenError::Signature)
    }

    fn expired(now: u64) -> Reason {
        Reason::token(&TokenError::Expired { expired_at: 1, now })
    }

    #[test]
    fn a_client_that_tries_again_is_said_once_until_somebody_gets_in() {
        let mut said = RefusalLog::default();
        let now = Instant::now();
        assert_eq!(said.refused(&client(), &wrong_key(), now), Loudness::Aloud);
        for later in 1..1000 {
            assert_eq!(said.refused(&client(), &wrong_key(), now + SECOND * later), Loudness::Aside);
        }
        let now = now + SECOND * 1000;
        // Of another hub.
        said.passed(&EntryPoint::Client("other".to_owned()));
        assert_eq!(said.refused(&client(), &wrong_key(), now), Loudness::Aside);
        said.passed(&client());
        assert_eq!(said.refused(&client(), &wrong_key(), now), Loudness::Aloud);
        assert_eq!(said.refused(&client(), &wrong_key(), now), Loudness::Aside);
    }

    #[test]
    fn another_reason_is_said_and_the_same_at_another_time_is_not_another() {
        let mut said = RefusalLog::default();
        let now = Instant::now();
        for (reason, say) in [
            (wrong_key(), Loudness::Aloud),
            (expired(1000), Loudness::Aloud),
            (expired(1001), Loudness::Aside),
            (Reason::NoToken, Loudness::Aloud),
            (Reason::Handler(401), Loudness::Aloud),
            (Reason::Handler(403), Loudness::Aloud),
            (Reason::Handler(401), Loudness::Aside),
            (wrong_key(), Loudness::Aside),
        ] {
            assert_eq!(said.refused(&client(), &reason, now), say, "{reason:?}");
        }
    }

    #[test]
    fn a_wrong_request_is_no_less_wrong_when_another_one_is_right() {
        let mut said = RefusalLog::default();
        let now = Instant::now();
        let reason = Reason::request("The filter is none.");
        assert_eq!(said.refused(&EntryPoint::Rest, &reason, now), Loudness::Aloud);
        said.passed(&EntryPoint::Rest);
        assert_eq!(said.refused(&EntryPoint::Rest, &reason, now), Loudness::Aside);
    }

    #[test]
    fn one_who_is_refused_beside_one_who_gets_in_is_said_now_and_then() {
        let mut said = RefusalLog::default();
        let now = Instant::now();
        let mut aloud = 0;
        for second in 0..600 {
            aloud += u32::from(said.refused(&client(), &wrong_key(), now + SECOND * second) != Loudness::Aside);
            said.passed(&client());
        }
        assert_eq!(aloud, 3 + 9);
    }

    #[test]
    fn a_flood_of_reasons_is_a_few_lines_and_then_one_now_and_then() {
        let mut said = RefusalLog::default();
        let now = Instant::now();
        let mut refuse = |number: u32, at| said.refused(&EntryPoint::Any, &Reason::request(&number.to_string()), at);
        let first: Vec<Loudness> = (0..1000).map(|number| refuse(number, now)).collect();
        assert_eq!(first.iter().filter(|say| **say == Loudness::Aloud).count(), 19);
        assert_eq!(first[19], Loudness::Last);
        assert!(first[20..].iter().all(|say| *say == Loudness::Aside));
        assert_eq!(refuse(1000, now + SECOND * 9), Loudness::Aside);
        assert_eq!(refuse(1001, now + SECOND * 10), Loudness::Last);
        assert_eq!(refuse(1002, now + SECOND * 10), Loudness::Aside);
        // They may all be said again after a while, and are not remembered for ever.
        let much_later = now + SECOND * 10_000;
        assert_eq!((0..100).filter(|number| refuse(5000 + number, much_later) != Loudness::Aside).count(), 20);
        for number in 0..10_000 {
            refuse(10_000 + number, much_later + SECOND * 10 * number);
        }
        assert!(said.places.values().map(HashMap::len).sum::<usize>() <= MAX_REMEMBERED);
    }
}
