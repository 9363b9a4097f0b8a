//! Handlers that fail, told on stderr: each once, until it fails in another way or works again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tracing::{debug, warn};

/// The most failures that are told apart; more hubs than that fail without a word at the default level.
const MAX_REMEMBERED: usize = 1024;

/// What fails just now: the problem of each request that failed.
#[derive(Debug, Default)]
pub(super) struct Reports(Mutex<HashMap<ReportKey, String>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ReportKey {
    handler: String,
    /// An event of a hub.
    asked: String,
    /// It is asked again, so that nothing is lost yet.
    passing: bool,
}

impl Reports {
    /// A request to a handler failed: which, what it was asked (an event of a hub), what was wrong, and what the client
    /// saw of that.
    pub(super) fn failed(&self, handler: &str, asked: &str, problem: &str, seen: &str) {
        self.report(ReportKey { handler: handler.to_owned(), asked: asked.to_owned(), passing: false }, problem, seen);
    }

    /// A request to a handler failed, and it is asked again, so often at most.
    pub(super) fn failed_at_first(&self, handler: &str, asked: &str, problem: &str, retries: usize) {
        let key = ReportKey { handler: handler.to_owned(), asked: asked.to_owned(), passing: true };
        let times = match retries {
            1 => "once".to_owned(),
            3 => "three times".to_owned(),
            more => format!("{more} times"),
        };
        self.report(key, problem, &format!("it is asked again, {times} at most"));
    }

    fn report(&self, key: ReportKey, problem: &str, seen: &str) {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ReportKey { handler, asked, .. } = &key;
        let known = reports.get(&key).is_some_and(|known| known == problem);
        if known || (reports.len() >= MAX_REMEMBERED && !reports.contains_key(&key)) {
            debug!("event handler {handler}: {asked}: {problem}; {seen}");
            return;
        }
        warn!("event handler {handler}: {asked}: {problem}; {seen}");
        reports.insert(key, problem.to_owned());
    }

    /// A request to a handler was answered as it should be.
    pub(super) fn worked(&self, handler: &str, asked: &str) {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.is_empty() {
            return;
        }
        let mut key = ReportKey { handler: handler.to_owned(), asked: asked.to_owned(), passing: true };
        let passed = reports.remove(&key).is_some();
        key.passing = false;
        if reports.remove(&key).is_some() || passed {
            warn!("event handler {handler}: {asked}: works again");
        }
    }
}
