//! What waits to be written: bytes of this end's own, and between them large ones that others hold, too.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf as _, Bytes};

/// Pieces that are handed to the stream at once.
const PIECES: usize = 16;

/// When so much was written, what waits is moved to the front.
const MOVED_FROM: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct WriteBuffer {
    own: Vec<u8>,
    /// Bytes of `own` that were written.
    written: usize,
    /// Each with the place in `own` that it stands before.
    shared: VecDeque<(usize, Bytes)>,
    shared_bytes: usize,
}

impl WriteBuffer {
    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.own.len() - self.written + self.shared_bytes
    }

    /// Where more is put behind what waits.
    pub(super) fn own(&mut self) -> &mut Vec<u8> {
        if self.written >= MOVED_FROM {
            self.own.drain(..self.written);
            for (at, _) in &mut self.shared {
                *at -= self.written;
            }
            self.written = 0;
        }
        &mut self.own
    }

    /// Puts these behind what waits, without copying them.
    pub(super) fn share(&mut self, bytes: Bytes) {
        self.shared_bytes += bytes.len();
        self.shared.push_back((self.own.len(), bytes));
    }

    /// What waits, if it is in one piece.
    pub(super) fn as_one(&self) -> Option<&[u8]> {
        self.shared.is_empty().then(|| &self.own[self.written..])
    }

    /// The first pieces of what waits.
    pub(super) fn pieces(&self) -> ([IoSlice<'_>; PIECES], usize) {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        let mut add = |bytes| match pieces.get_mut(count) {
            Some(piece) => {
                *piece = IoSlice::new(bytes);
                count += 1;
                true
            }
            None => false,
        };
        let mut from = self.written;
        for (at, bytes) in &self.shared {
            if (*at > from && !add(&self.own[from..*at])) || !add(bytes) {
                return (pieces, count);
            }
            from = *at;
        }
        if from < self.own.len() {
            add(&self.own[from..]);
        }
        (pieces, count)
    }

    /// So many bytes were written.
    pub(super) fn advance(&mut self, mut count: usize) {
        while let Some((at, bytes)) = self.shared.front_mut() {
            let own = count.min(*at - self.written);
            self.written += own;
            count -= own;
            let shared = if *at == self.written { count.min(bytes.len()) } else { 0 };
            bytes.advance(shared);
            count -= shared;
            self.shared_bytes -= shared;
            if *at > self.written || !bytes.is_empty() {
                return;
            }
            self.shared.pop_front();
        }
        self.written += count;
    }

    /// Everything was written, or never will be. Of the buffer so much is kept.
    pub(super) fn clear(&mut self, kept: usize) {
        self.written = 0;
        self.shared.clear();
        self.shared_bytes = 0;
        if self.shared.capacity() > PIECES {
            self.shared = VecDeque::new();
        }
        if self.own.capacity() > kept {
            self.own = Vec::new();
        } else {
            self.own.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is written of it at once, the bytes come in their order.
    #[test]
    fn own_and_shared_bytes_are_written_in_their_order() {
        for step in 1..40 {
            let mut output = WriteBuffer::default();
            let mut expected = Vec::new();
            for part in 0_u8..60 {
                if part % 3 == 1 {
                    output.share(Bytes::from(vec![part; usize::from(part % 7) + 1]));
                    expected.extend(vec![part; usize::from(part % 7) + 1]);
                } else {
                    output.own().extend([part; 5]);
                    expected.extend([part; 5]);
                }
            }
            let mut came: Vec<u8> = Vec::new();
            while output.len() > 0 {
                let (pieces, count) = output.pieces();
                let offered: Vec<u8> = pieces[..count].iter().flat_map(|piece| piece.iter().copied()).collect();
                assert!(!offered.is_empty());
                assert!(expected[came.len()..].starts_with(&offered));
                let written = step.min(offered.len());
                came.extend(&offered[..written]);
                output.advance(written);
                assert_eq!(output.len(), expected.len() - came.len());
            }
            assert!(came == expected, "{step} at once");
        }
    }

    #[test]
    fn moving_to_the_front_keeps_the_places() {
        let mut output = WriteBuffer::default();
        output.own().resize(MOVED_FROM + 10, 1);
        output.share(Bytes::from_static(b"shared"));
        output.own().extend(b"after");
        output.advance(MOVED_FROM);
        output.own().extend(b"wards");
        let (pieces, count) = output.pieces();
        let rest: Vec<u8> = pieces[..count].iter().flat_map(|piece| piece.iter().copied()).collect();
        assert_eq!(rest, [&[1; 10][..], b"sharedafterwards"].concat());
    }
}
