//! Which frame went out under which ackId on the connection there is. Another frame under that id would get the answer of
//! the first: the service says `Duplicate`, and carries nothing out (PROTOCOL §6).

use std::collections::VecDeque;

use super::sent::{MOST_IN_FLIGHT, REMEMBERED};
use crate::EncodedFrame;

/// Most ids that are noted: as many as the service remembers, and those that may settle out of their order.
const MOST: usize = REMEMBERED as usize + MOST_IN_FLIGHT;

/// Short digests of the frames that may have been carried out.
#[derive(Clone, Debug, Default)]
pub(super) struct Digests {
    /// With their ids, the oldest first; each id once.
    sent: VecDeque<(u64, u32)>,
    /// The largest id there was.
    largest: Option<u64>,
}

impl Digests {
    /// Takes over what an earlier process has noted.
    pub(super) fn restore(&mut self, sent: &[(u64, u32)]) {
        self.clear();
        for (id, digest) in sent {
            self.insert(*id, *digest);
        }
    }

    /// A frame is sent for the first time.
    pub(super) fn note(&mut self, id: u64, frame: &EncodedFrame) {
        self.insert(id, digest(frame));
    }

    fn insert(&mut self, id: u64, digest: u32) {
        if self.largest.is_some_and(|largest| id <= largest) {
            self.remove(id);
        }
        self.largest = self.largest.max(Some(id));
        self.sent.push_back((id, digest));
        if self.sent.len() > MOST {
            self.sent.pop_front();
        }
    }

    /// One was refused: its id is free again.
    pub(super) fn remove(&mut self, id: u64) {
        if let Some(at) = self.sent.iter().rposition(|(sent, _)| *sent == id) {
            self.sent.remove(at);
        }
    }

    /// Whether another frame went out under this id.
    pub(super) fn is_other(&self, id: u64, frame: impl FnOnce() -> EncodedFrame) -> bool {
        if self.largest.is_none_or(|largest| id > largest) {
            return false;
        }
        let sent = self.sent.iter().find(|(sent, _)| *sent == id);
        sent.is_some_and(|(_, sent)| *sent != digest(&frame()))
    }

    /// The connection is lost, and the next one knows none of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn to_vec(&self) -> Vec<(u64, u32)> {
        self.sent.iter().copied().collect()
    }
}

/// FNV-1a in 64 bits, folded. It is recorded, so it stays what it is.
fn digest(frame: &EncodedFrame) -> u32 {
    let hash = frame
        .payload()
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3));
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> EncodedFrame {
        text.to_owned().into()
    }

    #[test]
    fn another_frame_under_an_id_is_told_from_the_same_one() {
        let mut digests = Digests::default();
        digests.note(7, &frame("a"));
        assert!(!digests.is_other(7, || frame("a")) && digests.is_other(7, || frame("b")));
        for unknown in [6, 8] {
            assert!(!digests.is_other(unknown, || frame("b")));
        }
        digests.note(7, &frame("b"));
        assert!(digests.is_other(7, || frame("a")));
        let mut next = Digests::default();
        next.restore(&digests.to_vec());
        assert!(next.is_other(7, || frame("a")) && !next.is_other(7, || frame("b")));
        next.remove(7);
        assert!(!next.is_other(7, || frame("a")));
    }

    #[test]
    fn as_many_are_noted_as_the_service_may_remember() {
        let mut digests = Digests::default();
        (0..5_000).for_each(|id| digests.note(id, &frame("a")));
        assert_eq!(digests.to_vec().len(), 1_900);
        assert!(digests.is_other(4_000, || frame("b")) && !digests.is_other(3_000, || frame("b")));
    }

    /// What is in a file has to mean the same to every version.
    #[test]
    fn a_digest_stays_what_it_is() {
        assert_eq!(digest(&frame("")), 0xCBF2_9CE4 ^ 0x8422_2325);
        assert_eq!(digest(&frame("foobar")), 0x8594_4171 ^ 0xF739_67E8);
    }
}
