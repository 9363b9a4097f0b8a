//! What has passed and was not shown yet: noted under a hub's lock, made into records after it is released.
//!
//! Records keep the order in which they were noted. One thread at a time makes them; others leave theirs to it, unless
//! so much waits that whoever adds to it has to help: then they wait their turn, which slows down what passes to the
//! pace at which records can be made, and bounds the memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// When so many bytes wait, those who add to them wait, too.
const MOST_WAITING: usize = 4 * 1024 * 1024;

/// A queue of what is to be shown.
#[derive(Debug)]
pub(super) struct Pending<T> {
    queue: Mutex<Queue<T>>,
    /// Held by whoever shows.
    showing: Mutex<()>,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self { queue: Mutex::default(), showing: Mutex::default() }
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

impl<T> Pending<T> {
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
    pub(super) fn finish(&self, show: impl FnMut(T)) {
        drop(self.showing.lock());
        self.show(show);
    }

    /// Shows everything that was noted before, or leaves it to whoever does so just now.
    pub(super) fn show(&self, mut show: impl FnMut(T)) {
        loop {
            let (empty, full) = {
                let queue = self.queue();
                (queue.entries.is_empty(), queue.bytes >= MOST_WAITING)
            };
            if empty {
                return;
            }
            let _showing = match self.showing.try_lock() {
                Ok(showing) => showing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if full => self.showing.lock().unwrap_or_else(PoisonError::into_inner),
                // It looks once more after it has let go.
                Err(TryLockError::WouldBlock) => return,
            };
            let noted = std::mem::take(&mut *self.queue());
            noted.entries.into_iter().for_each(&mut show);
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
        let pending = Arc::new(Pending::<(usize, usize)>::default());
        let shown = Arc::new(Mutex::new(Vec::new()));
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (pending, shown) = (Arc::clone(&pending), Arc::clone(&shown));
                thread::spawn(move || {
                    for number in 0..EACH {
                        pending.push((thread, number), 1);
                        pending.show(|entry| shown.lock().unwrap().push(entry));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let shown = shown.lock().unwrap();
        assert_eq!(shown.len(), THREADS * EACH);
        for thread in 0..THREADS {
            let of: Vec<_> = shown.iter().filter(|(of, _)| *of == thread).map(|(_, number)| *number).collect();
            assert!(of.iter().copied().eq(0..EACH));
        }
    }

    #[test]
    fn whoever_adds_to_too_much_waits_until_it_is_shown() {
        let pending = Arc::new(Pending::<u8>::default());
        let shown = Arc::new(Mutex::new(Vec::new()));
        let showing = pending.showing.lock().unwrap();
        // Left to whoever shows just now.
        pending.push(1, 1);
        pending.show(|entry| shown.lock().unwrap().push(entry));
        assert!(shown.lock().unwrap().is_empty());
        pending.push(2, MOST_WAITING);
        let waiting = thread::spawn({
            let (pending, shown) = (Arc::clone(&pending), Arc::clone(&shown));
            move || pending.show(|entry| shown.lock().unwrap().push(entry))
        });
        drop(showing);
        waiting.join().unwrap();
        assert_eq!(*shown.lock().unwrap(), [1, 2]);
    }
}
