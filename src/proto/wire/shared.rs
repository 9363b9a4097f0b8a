//! A message of which most bytes are those of many others.

use std::sync::OnceLock;

use bytes::Bytes;

/// A message in pieces: what is its own, around what it shares with the others that were made of the same payload.
#[derive(Debug)]
pub struct SharedFrame {
    is_text: bool,
    /// What stands before the shared bytes, and what behind them.
    own: Box<[u8]>,
    /// Bytes of the first of the two.
    before: usize,
    shared: Bytes,
    /// All of it, for those who have to look at it.
    whole: OnceLock<Box<[u8]>>,
}

impl SharedFrame {
    /// From so many bytes on it is worth it. Fewer are copied sooner than they are written in pieces.
    pub const FROM: usize = 4 * 1024;

    /// A message of text or of bytes.
    pub(crate) fn new(is_text: bool, before: &[u8], shared: Bytes, after: &[u8]) -> Self {
        Self { is_text, own: [before, after].concat().into(), before: before.len(), shared, whole: OnceLock::new() }
    }

    /// Whether it is a text message.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// The pieces, in their order.
    pub fn pieces(&self) -> (&[u8], &Bytes, &[u8]) {
        let (before, after) = self.own.split_at(self.before);
        (before, &self.shared, after)
    }

    /// Bytes of its payload.
    pub(crate) fn len(&self) -> usize {
        self.own.len() + self.shared.len()
    }

    /// Its payload in one piece, which is a copy, made once.
    pub(crate) fn whole(&self) -> &[u8] {
        let (before, shared, after) = self.pieces();
        self.whole.get_or_init(|| [before, shared, after].concat().into())
    }
}

impl Clone for SharedFrame {
    /// Shares what is shared, and leaves out what can be made again.
    fn clone(&self) -> Self {
        let Self { is_text, own, before, shared, whole: _ } = self;
        Self { is_text: *is_text, own: own.clone(), before: *before, shared: shared.clone(), whole: OnceLock::new() }
    }
}
