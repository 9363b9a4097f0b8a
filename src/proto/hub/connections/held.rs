//! Frames that came from a client and cannot be carried out yet.

use std::collections::VecDeque;

use crate::{EncodedFrame, WireFrame};

/// The frames of one client that wait, in the order they came.
#[derive(Debug, Default)]
pub struct HeldFrames {
    frames: VecDeque<EncodedFrame>,
    /// Of their payloads.
    bytes: usize,
    /// The same, with what the bookkeeping of each frame takes.
    cost: usize,
    /// The group that the first waits for, if it is one.
    awaited: Option<Box<str>>,
}

impl HeldFrames {
    /// Puts a frame behind the others.
    pub fn push(&mut self, frame: WireFrame<'_>) {
        let held = EncodedFrame::from(frame);
        self.bytes += held.len();
        self.cost += held.cost();
        self.frames.push_back(held);
    }

    /// The first waits, or will, for a member of this group.
    pub fn wait_for(&mut self, group: &str) {
        self.awaited = Some(group.into());
    }

    /// The group that the first waits for, if it is one.
    pub fn awaited(&self) -> Option<&str> {
        self.awaited.as_deref()
    }

    /// Takes the first.
    pub fn pop(&mut self) -> Option<EncodedFrame> {
        self.awaited = None;
        let held = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(held.len());
        self.cost = self.cost.saturating_sub(held.cost());
        Some(held)
    }

    /// Puts back the one that was taken: it still has to wait.
    pub fn put_back(&mut self, held: EncodedFrame) {
        self.bytes += held.len();
        self.cost += held.cost();
        self.frames.push_front(held);
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// About how much memory they take, in bytes.
    pub fn cost(&self) -> usize {
        self.cost
    }

    #[cfg(any(test, fuzzing))]
    pub fn check(&self) {
        assert_eq!(self.bytes, self.frames.iter().map(EncodedFrame::len).sum::<usize>());
        assert_eq!(self.cost, self.frames.iter().map(EncodedFrame::cost).sum::<usize>());
    }
}
