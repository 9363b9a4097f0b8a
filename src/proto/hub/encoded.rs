//! A published message, encoded once for all its receivers.

use super::boundary::Frame;
use crate::{Message, SharedMessage};

/// A message as the queues of reliable connections keep it.
#[derive(Debug)]
pub(super) struct Encoded {
    shared: SharedMessage,
    /// What it counts for in a queue.
    weight: usize,
}

impl Encoded {
    pub(super) fn new(message: &Message<'_>) -> Self {
        const ENVELOPE: usize = 128;
        let shared = SharedMessage::new(message);
        let weight = shared.len() + ENVELOPE;
        Self { shared, weight }
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The frame of one reliable receiver. The id stands first in it, so each is a copy of the whole payload.
    pub(super) fn frame(&self, sequence_id: u64) -> Frame {
        self.shared.with_sequence_id(Some(sequence_id)).into()
    }

    /// The frame that all other receivers share.
    pub(super) fn plain(&self) -> String {
        self.shared.with_sequence_id(None)
    }
}
