//! How long the user's output has held messages back (CLI contract, *A slow reader*).

use std::time::Duration;

use super::event::Loss;

/// Blocked times further apart than this are different stories.
const MEMORY: Duration = Duration::from_secs(60);
/// Shorter than this no blocked output costs a connection: the wire's buffers take it.
const BLINK: Duration = Duration::from_secs(1);
/// The same where the service says that it was the policy, as it does when its queue is full (PROTOCOL §7.1).
const BLINK_WHEN_REFUSED: Duration = Duration::from_millis(100);

/// The blocked times of the current connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stall {
    /// Start of the one in progress.
    since: Option<Duration>,
    /// Length of those before it.
    total: Duration,
    /// End of the last one.
    ended: Option<Duration>,
}

impl Stall {
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    pub(super) fn begin(&mut self, now: Duration) {
        if self.is_forgotten(now) {
            self.total = Duration::ZERO;
        }
        self.since.get_or_insert(now);
    }

    /// Returns when it began.
    pub(super) fn end(&mut self, now: Duration) -> Option<Duration> {
        let since = self.since.take()?;
        self.total = self.total.saturating_add(now.saturating_sub(since));
        self.ended = Some(now);
        Some(since)
    }

    /// A new connection has not suffered from it yet.
    pub(super) fn restart(&mut self, now: Duration) {
        *self = Self { since: self.since.map(|_| now), ..Self::default() };
    }

    /// For how long the output was blocked, when that may have cost the connection.
    pub(super) fn blame(&self, now: Duration, loss: &Loss) -> Option<Duration> {
        if self.since.is_none() && self.is_forgotten(now) {
            return None;
        }
        let total = self.total.saturating_add(self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since)));
        let enough = if loss.close_code == Some(1008) { BLINK_WHEN_REFUSED } else { BLINK };
        (total >= enough).then_some(total)
    }

    fn is_forgotten(&self, now: Duration) -> bool {
        self.ended.is_none_or(|ended| now.saturating_sub(ended) >= MEMORY)
    }
}
