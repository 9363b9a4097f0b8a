//! Memory goes back to the system when a burst of connections is over.

use std::time::Duration;

use tokio::time::interval;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_secs(5);

/// Fewer connections are no burst: what they took, the next ones may have.
const BURST: usize = 500;

/// The most that was held since memory was given back.
#[derive(Debug, Default)]
struct Peak(usize);

impl Peak {
    /// Whether a burst is over: most of what it brought is gone.
    fn is_past(&mut self, held: usize) -> bool {
        self.0 = self.0.max(held);
        let past = self.0 - held >= BURST && held <= self.0 / 2;
        if past {
            self.0 = held;
        }
        past
    }
}

/// Large messages that few connections left behind are no burst: what they took goes back when it is freed.
pub(super) fn prepare() {
    webpubsub_allocator::give_large_blocks_back();
}

/// Gives memory back when fewer connections are held than there were, for ever.
pub(super) async fn give_back(held: impl Fn() -> usize) {
    let mut ticks = interval(INTERVAL);
    let mut peak = Peak::default();
    loop {
        ticks.tick().await;
        if peak.is_past(held()) {
            // It takes some milliseconds, which the sockets need not wait for.
            let _ = tokio::task::spawn_blocking(webpubsub_allocator::give_back).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_for_each_burst() {
        let mut peak = Peak::default();
        let past = |held| peak.is_past(held);
        assert_eq!(
            [0, 400, 0, 600, 301, 100, 0, 599, 1, 0, 15_000, 9_000, 7_000, 3_400, 0].map(past),
            [false, false, false, false, false, true, false, false, true, false, false, false, true, true, true]
        );
    }
}
