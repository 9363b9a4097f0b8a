//! Frames that came from a client and cannot be carried out yet.

use std::collections::VecDeque;

/// A frame from a client.
#[derive(Clone, Copy, Debug)]
pub enum Incoming<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

/// A frame that waits, copied.
#[derive(Debug)]
pub enum Held {
    Text(Box<str>),
    Binary(Box<[u8]>),
}

/// The frames of one client that wait, in the order they came.
#[derive(Debug, Default)]
pub struct HeldFrames {
    frames: VecDeque<Held>,
    /// Of their payloads.
    bytes: usize,
}

impl Incoming<'_> {
    fn hold(self) -> Held {
        match self {
            Self::Text(text) => Held::Text(text.into()),
            Self::Binary(bytes) => Held::Binary(bytes.into()),
        }
    }
}

impl Held {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub fn as_incoming(&self) -> Incoming<'_> {
        match self {
            Self::Text(text) => Incoming::Text(text),
            Self::Binary(bytes) => Incoming::Binary(bytes),
        }
    }
}

impl HeldFrames {
    /// Puts a frame behind the others.
    pub fn push(&mut self, incoming: Incoming<'_>) {
        let held = incoming.hold();
        self.bytes += held.len();
        self.frames.push_back(held);
    }

    /// Takes the first.
    pub fn pop(&mut self) -> Option<Held> {
        let held = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(held.len());
        Some(held)
    }

    /// Puts back the one that was taken: it still has to wait.
    pub fn put_back(&mut self, held: Held) {
        self.bytes += held.len();
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

    #[cfg(test)]
    pub fn check(&self) {
        assert_eq!(self.bytes, self.frames.iter().map(Held::len).sum::<usize>());
    }
}
