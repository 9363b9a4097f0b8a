//! What has passed and was not shown yet: noted under a hub's lock, made into records after it is released.
//!
//! Records keep the order in which they were noted. One thread at a time makes them; others leave theirs to it, unless
//! so much waits that whoever adds to it has to help: then they wait their turn, which slows down what passes to the
//! pace at which records can be made, and bounds the memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// When so many bytes wait, those who add to them wait, too.
const MOST_WAITING: usize = 4 * 1024 * 1024;

/// A queue of what is to be shown, and what showing it needs.
#[derive(Debug)]
pub(super) struct Pending<T, S> {
    queue: Mutex<Queue<T>>,
    shower: Mutex<S>,
}

impl<T, S: Default> Default for Pending<T, S> {
    fn default() -> Self {
        Self { queue: Mutex::default(), shower: Mutex::default() }
    }
}

#[derive(Debug)]
struct Queue<T> {
    entries: VecDeque<T>,
    /// About what they take.
    bytes: usize,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), bytes: 0 }
    }
}

impl<T, S> Pending<T, S> {
    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something of so many bytes. Never waits for those who look on.
    pub(super) fn push(&self, entry: T, bytes: usize) {
        let mut queue = self.queue();
        queue.entries.push_back(entry);
        queue.bytes += bytes;
    }

    /// Returns when nothing is being shown any more.
    pub(super) fn finish(&self, show: impl FnMut(&mut S, T)) {
        drop(self.shower.lock());
        self.show(show);
    }

    /// Shows everything that was noted before, or leaves it to whoever does so just now.
    pub(super) fn show(&self, mut show: impl FnMut(&mut S, T)) {
        loop {
            let (empty, full) = {
                let queue = self.queue();
                (queue.entries.is_empty(), queue.bytes >= MOST_WAITING)
            };
            if empty {
                return;
            }
            let mut shower = match self.shower.try_lock() {
                Ok(shower) => shower,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if full => self.shower.lock().unwrap_or_else(PoisonError::into_inner),
                // It looks once more after it has let go.
                Err(TryLockError::WouldBlock) => return,
            };
            let noted = std::mem::take(&mut *self.queue());
            for entry in noted.entries {
                show(&mut shower, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn many_at_once_are_all_shown_each_ones_in_order() {
        const THREADS: usize = 4;
        const EACH: usize = 5_000;
        let pending = Arc::new(Pending::<(usize, usize), Vec<(usize, usize)>>::default());
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let pending = Arc::clone(&pending);
                thread::spawn(move || {
                    for number in 0..EACH {
                        pending.push((thread, number), 1);
                        pending.show(|shown, entry| shown.push(entry));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let shown = pending.shower.lock().unwrap();
        assert_eq!(shown.len(), THREADS * EACH);
        for thread in 0..THREADS {
            let of: Vec<_> = shown.iter().filter(|(of, _)| *of == thread).map(|(_, number)| *number).collect();
            assert!(of.iter().copied().eq(0..EACH));
        }
    }

    #[test]
    fn whoever_adds_to_too_much_waits_until_it_is_shown() {
        let pending = Arc::new(Pending::<u8, Vec<u8>>::default());
        let shower = pending.shower.lock().unwrap();
        // Left to whoever shows just now.
        pending.push(1, 1);
        pending.show(|shown, entry| shown.push(entry));
        pending.push(2, MOST_WAITING);
        let waiting = thread::spawn({
            let pending = Arc::clone(&pending);
            move || pending.show(|shown, entry| shown.push(entry))
        });
        drop(shower);
        waiting.join().unwrap();
        assert_eq!(*pending.shower.lock().unwrap(), [1, 2]);
    }
}
