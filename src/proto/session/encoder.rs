//! Frames of operations, encoded one behind the other into room that they share, so that none costs an allocation of its
//! own. The room is given back with the last of them.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::request::Request;
use crate::{Codec, EncodedFrame, encode_upstream};

/// Room for many small frames, in bytes: what one that is kept for long keeps alive.
const ROOM: usize = 16 * 1024;
/// A frame that is longer has an allocation of its own.
const SMALL: usize = ROOM / 8;

/// Encodes frames.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// Where a frame is written before it is known how long it is.
    scratch: String,
    room: BytesMut,
}

impl Encoder {
    /// The frame of a request under that ackId.
    pub(super) fn encode(&mut self, request: &Request, codec: Codec, ack_id: Option<u64>) -> EncodedFrame {
        match codec {
            Codec::Json => {
                self.scratch.clear();
                encode_upstream(&request.frame(ack_id), &mut self.scratch);
                if self.scratch.len() > SMALL {
                    return std::mem::take(&mut self.scratch).into();
                }
                EncodedFrame::Text(self.place())
            }
            Codec::Protobuf => request.encode(codec, ack_id),
        }
    }

    /// What was written, behind what was written before.
    fn place(&mut self) -> Bytes {
        if self.room.capacity() < self.scratch.len() {
            self.room = BytesMut::with_capacity(ROOM);
        }
        self.room.put_slice(self.scratch.as_bytes());
        self.room.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OwnedData;

    #[test]
    fn frames_are_what_they_are_by_themselves() {
        let mut encoder = Encoder::default();
        let lengths = [0, 1, 100, SMALL - 60, SMALL, ROOM, 3 * ROOM, 10].into_iter().cycle().take(500);
        let mut frames = Vec::new();
        for (id, length) in (1..).zip(lengths) {
            let data = OwnedData::text(&"x".repeat(length));
            let request =
                Request::Send { group: "g".to_owned(), data, no_echo: false, ttl_seconds: None, metadata: None };
            for codec in [Codec::Json, Codec::Protobuf] {
                frames.push((encoder.encode(&request, codec, Some(id)), request.encode(codec, Some(id))));
            }
        }
        for (frame, expected) in frames {
            assert_eq!(frame, expected);
        }
    }
}
