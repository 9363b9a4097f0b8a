//! What is wrong with the upstream, said once for what it is and where: a route that fails among others that do not is no
//! news with each of its events.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::upstream::UpstreamTrouble;

/// What comes and goes is said no more often than that.
const SAID_AGAIN: Duration = Duration::from_secs(60);
/// The most routes that are told apart.
const MOST_ROUTES: usize = 256;

/// All of it.
#[derive(Debug, Default)]
pub struct Troubles {
    /// By what it is, and the route where it is one's own.
    known: HashMap<(UpstreamTrouble, Option<String>), TroubleState>,
}

#[derive(Debug)]
struct TroubleState {
    is_on: bool,
    /// When it was said last.
    said: Instant,
    /// It was said since it is on.
    is_said: bool,
}

impl Troubles {
    /// A request of that route failed. Whether that is to be said.
    pub fn failed(&mut self, now: Instant, route: &str, what: UpstreamTrouble) -> bool {
        let mut key = (what, what.is_of_route().then(|| route.to_owned()));
        if self.known.len() >= MOST_ROUTES && !self.known.contains_key(&key) {
            key.1 = None;
        }
        let Some(trouble) = self.known.get_mut(&key) else {
            self.known.insert(key, TroubleState { is_on: true, said: now, is_said: true });
            return true;
        };
        if std::mem::replace(&mut trouble.is_on, true) {
            return false;
        }
        trouble.is_said = now.saturating_duration_since(trouble.said) >= SAID_AGAIN;
        if trouble.is_said {
            trouble.said = now;
        }
        trouble.is_said
    }

    /// A request of that route was answered. Whether it is to be said that this is so again.
    pub fn answered(&mut self, route: &str) -> bool {
        let mut news = false;
        for ((what, of), trouble) in &mut self.known {
            let is_over = what.is_of_server() || of.as_deref() == Some(route);
            if is_over && std::mem::replace(&mut trouble.is_on, false) {
                news |= std::mem::replace(&mut trouble.is_said, false);
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bad_route_among_good_ones_is_said_once() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        assert!(troubles.failed(now, "POST /bad", UpstreamTrouble::TooSlow));
        for second in 0..1000 {
            assert!(!troubles.answered("POST /good"));
            assert!(!troubles.failed(now + second * SECOND, "POST /bad", UpstreamTrouble::TooSlow));
        }
        // Something else there, and the same elsewhere, are news.
        assert!(troubles.failed(now, "POST /bad", UpstreamTrouble::Closed));
        assert!(troubles.failed(now, "POST /worse", UpstreamTrouble::TooSlow));
        assert!(troubles.answered("POST /bad"));
        assert!(!troubles.answered("POST /bad"));
    }

    #[test]
    fn what_comes_and_goes_is_said_once_a_minute() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        let mut said = 0;
        for second in 0..180 {
            said += u32::from(troubles.failed(now + second * SECOND, "POST /p", UpstreamTrouble::Closed));
            said += u32::from(troubles.answered("POST /p"));
        }
        assert_eq!(said, 6);
    }

    #[test]
    fn a_server_that_is_not_reached_is_one_trouble_whatever_it_is_asked() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        assert!(troubles.failed(now, "POST /a", UpstreamTrouble::Unreached));
        assert!(!troubles.failed(now, "POST /b", UpstreamTrouble::Unreached));
        assert!(troubles.answered("POST /c"));
        // What a service asks wrongly does not become right by what it asks besides.
        assert!(troubles.failed(now, "A B /a", UpstreamTrouble::BadRequest));
        assert!(!troubles.answered("POST /c"));
        assert!(!troubles.failed(now, "A B /b", UpstreamTrouble::BadRequest));
    }

    #[test]
    fn routes_without_end_are_one() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        let said =
            (0..10_000).filter(|n| troubles.failed(now, &format!("POST /{n}"), UpstreamTrouble::TooSlow)).count();
        assert_eq!(said, MOST_ROUTES + 1);
        assert!(troubles.known.len() <= MOST_ROUTES + 1);
        assert!(!troubles.failed(now, "POST /1", UpstreamTrouble::TooSlow));
    }
}
