//! How many lines of a person's are not done yet.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Counts them. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct BusyCounter(Arc<(Mutex<usize>, Condvar)>);

impl BusyCounter {
    /// Another was entered.
    pub fn add(&self) {
        *self.lock() += 1;
    }

    /// So many are done, or will not be.
    pub fn done(&self, lines: usize) {
        let mut count = self.lock();
        *count = count.saturating_sub(lines);
        self.0.1.notify_all();
    }

    /// Whether there is one.
    pub fn any(&self) -> bool {
        *self.lock() > 0
    }

    /// Waits, on this thread, until there is none.
    pub fn idle(&self) {
        let mut count = self.lock();
        while *count > 0 {
            count = self.0.1.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
