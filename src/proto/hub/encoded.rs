//! A published message, encoded once for all its receivers.

use crate::{EncodedFrame, SharedMessage};

/// A message as the queues of reliable connections keep it.
#[derive(Debug)]
pub(super) struct Encoded {
    shared: SharedMessage,
    /// What it counts for in a queue.
    weight: usize,
}

impl Encoded {
    pub(super) fn new(shared: SharedMessage) -> Self {
        const ENVELOPE: usize = 128;
        let weight = shared.len() + ENVELOPE;
        Self { shared, weight }
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The frame of one reliable receiver: a copy, or where that is large, its own id around what all share.
    pub(super) fn frame(&self, sequence_id: u64) -> EncodedFrame {
        self.shared.frame(Some(sequence_id))
    }

    /// The frame that all other receivers share.
    pub(super) fn plain(&self) -> EncodedFrame {
        self.shared.frame(None)
    }
}
