//! What is under way: which lines were handed over and have not settled, and how many more may follow.
//!
//! The window reaches from the oldest line that has not settled to the newest handed over, whatever has settled in
//! between. That bounds by how much a message that is tried again may be late, and keeps the ids of all that may be sent
//! again among those that the service remembers (PROTOCOL §6). It is also bounded in bytes, with one message at least.

use std::collections::VecDeque;
use std::sync::Arc;

/// Most bytes under way, unless one message has more.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A line that was handed over.
#[derive(Clone, Debug)]
pub(super) struct WindowSlot {
    pub(super) line: u64,
    /// The group or the event's name.
    pub(super) target: Arc<str>,
    size: usize,
    settled: bool,
    /// It is known how it ended.
    known: bool,
}

/// The lines under way.
#[derive(Debug)]
pub(super) struct Window {
    /// From the oldest that has not settled.
    slots: VecDeque<WindowSlot>,
    /// The tag of the first slot; one more for each after it.
    first_tag: u64,
    /// Of those that have not settled.
    bytes: usize,
    /// Those that have not settled.
    open: usize,
    limit: usize,
    /// The last line of those at the beginning that have all settled and are known how.
    settled_line: u64,
    /// A line has settled of which that is not known, or which was never sent.
    broken: bool,
}

impl Window {
    /// Of so many lines at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { slots: VecDeque::new(), first_tag: 0, bytes: 0, open: 0, limit, settled_line: 0, broken: false }
    }

    /// Whether a message of that size may follow.
    pub(super) fn has_room(&self, size: usize) -> bool {
        self.slots.len() < self.limit && (self.open == 0 || self.bytes + size <= MOST_BYTES)
    }

    /// Whether everything has settled.
    pub(super) fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// How many have not settled.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The last line of those at the beginning of the input of which all is known; 0: none. A bulk that is taken up
    /// again need not go back behind it.
    pub(super) fn settled_line(&self) -> u64 {
        self.settled_line
    }

    /// A line is handed over. Returns its tag.
    pub(super) fn push(&mut self, line: u64, target: Arc<str>, size: usize) -> u64 {
        let tag = self.first_tag + self.slots.len() as u64;
        self.slots.push_back(WindowSlot { line, target, size, settled: false, known: false });
        self.bytes += size;
        self.open += 1;
        tag
    }

    /// A line has settled, each once; `known`: it is known whether it was carried out. `None`: it is none of those
    /// under way.
    pub(super) fn settle(&mut self, tag: u64, known: bool) -> Option<WindowSlot> {
        let at = usize::try_from(tag.checked_sub(self.first_tag)?).ok()?;
        let slot = self.slots.get_mut(at).filter(|slot| !slot.settled)?;
        (slot.settled, slot.known) = (true, known);
        let settled = slot.clone();
        self.bytes -= settled.size;
        self.open -= 1;
        while let Some(slot) = self.slots.pop_front_if(|slot| slot.settled) {
            self.first_tag += 1;
            self.broken |= !slot.known;
            if !self.broken {
                self.settled_line = slot.line;
            }
        }
        Some(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(window: &mut Window, line: u64, size: usize) -> u64 {
        assert!(window.has_room(size));
        window.push(line, "g".into(), size)
    }

    #[test]
    fn nothing_is_sent_further_ahead_of_the_oldest_than_the_limit() {
        let mut window = Window::new(3);
        let tags: Vec<u64> = [1, 2, 4].map(|line| push(&mut window, line, 10)).into();
        assert!(!window.has_room(1));
        // Those after the oldest have settled, and there is no more room for that.
        assert_eq!(window.settle(tags[1], true).unwrap().line, 2);
        assert_eq!(window.settle(tags[2], true).unwrap().line, 4);
        assert!(!window.has_room(1) && !window.is_empty());
        assert_eq!(window.settled_line(), 0);
        assert_eq!(window.settle(tags[0], true).unwrap().line, 1);
        assert!(window.is_empty() && window.has_room(1));
        assert_eq!(window.settled_line(), 4);
        assert!(window.settle(tags[0], true).is_none(), "once");
    }

    #[test]
    fn a_line_of_unknown_end_is_not_gone_beyond() {
        let mut window = Window::new(10);
        let tags: Vec<u64> = [1, 2, 3].map(|line| push(&mut window, line, 10)).into();
        window.settle(tags[1], false);
        window.settle(tags[0], true);
        window.settle(tags[2], true);
        assert!(window.is_empty());
        assert_eq!(window.settled_line(), 1);
    }

    #[test]
    fn large_messages_are_fewer_and_one_is_always_let_through() {
        let mut window = Window::new(100);
        let first = push(&mut window, 1, 2 * MOST_BYTES);
        assert!(!window.has_room(1));
        window.settle(first, true);
        let first = push(&mut window, 2, MOST_BYTES / 2);
        push(&mut window, 3, MOST_BYTES / 2);
        assert!(!window.has_room(1));
        window.settle(first, true);
        assert!(window.has_room(MOST_BYTES / 2));
    }
}
