//! From bytes to messages: headers, masks, fragments, limits, UTF-8.

use bytes::{Buf as _, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::header::{FrameHeader, Opcode, apply_mask};
use super::{Breach, CloseFrame, SocketMessage, SocketRole};

/// Takes messages out of a buffer of bytes that came, however these were cut.
#[derive(Debug)]
pub struct Decoder {
    role: SocketRole,
    /// The most bytes of a message.
    limit: usize,
    /// Of the frame whose payload is not whole yet. It was taken from the buffer.
    header: Option<FrameHeader>,
    /// A message whose last fragment has not come.
    partial: Option<PartialMessage>,
}

#[derive(Debug)]
struct PartialMessage {
    kind: MessageKind,
    payload: BytesMut,
}

#[derive(Clone, Copy, Debug)]
enum MessageKind {
    Text,
    Binary,
}

impl MessageKind {
    fn complete(self, payload: Bytes) -> Result<SocketMessage, Breach> {
        Ok(match self {
            Self::Text => SocketMessage::Text(Utf8Bytes::try_from(payload).map_err(|_| Breach::InvalidUtf8)?),
            Self::Binary => SocketMessage::Binary(payload),
        })
    }
}

impl Decoder {
    /// For what comes to this end.
    pub fn new(role: SocketRole, limit: usize) -> Self {
        Self { role, limit, header: None, partial: None }
    }

    /// How many bytes of the frame under way are still to come when there are `len` in the buffer; 0 when its length
    /// is not known yet.
    pub fn lacking(&self, len: usize) -> usize {
        self.header.map_or(0, |header| usize::try_from(header.length).unwrap_or(usize::MAX).saturating_sub(len))
    }

    /// The next message, taken out of the buffer. `None` when it is not whole; what there is of it is remembered.
    /// After an error there is nothing to go on with.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<SocketMessage>, Breach> {
        loop {
            let (header, size) = match self.header {
                Some(header) => (header, 0),
                None => {
                    let Some((header, size)) = FrameHeader::parse(buffer)? else { return Ok(None) };
                    self.check(&header)?;
                    (header, size)
                }
            };
            // Within the limit, so it fits.
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            if buffer.len() - size < length {
                buffer.advance(size);
                self.header = Some(header);
                return Ok(None);
            }
            self.header = None;
            let payload = if length == 0 {
                buffer.advance(size);
                Bytes::new()
            } else {
                let mut frame = buffer.split_to(size + length);
                if let Some(mask) = header.mask {
                    apply_mask(&mut frame[size..], mask);
                }
                let mut payload = frame.freeze();
                payload.advance(size);
                payload
            };
            if let Some(message) = self.take(header, payload)? {
                return Ok(Some(message));
            }
        }
    }

    /// Whether a frame may come now.
    fn check(&self, header: &FrameHeader) -> Result<(), Breach> {
        match (self.role, header.mask) {
            (SocketRole::Client, Some(_)) => return Err(Breach::Masked),
            (SocketRole::Server, None) => return Err(Breach::Unmasked),
            (SocketRole::Client, None) | (SocketRole::Server, Some(_)) => {}
        }
        let before = match (header.opcode, &self.partial) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
            (Opcode::Continuation, None) => return Err(Breach::Continuation),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Breach::Interrupted),
            (Opcode::Continuation, Some(partial)) => partial.payload.len() as u64,
            (Opcode::Text | Opcode::Binary, None) => 0,
        };
        let size = before.saturating_add(header.length);
        if size > self.limit as u64 { Err(Breach::TooBig { size, limit: self.limit }) } else { Ok(()) }
    }

    /// A frame is whole.
    fn take(&mut self, header: FrameHeader, payload: Bytes) -> Result<Option<SocketMessage>, Breach> {
        let kind = match header.opcode {
            Opcode::Text => MessageKind::Text,
            Opcode::Binary => MessageKind::Binary,
            Opcode::Close => return Ok(Some(SocketMessage::Close(CloseFrame::read(&payload)))),
            Opcode::Ping => return Ok(Some(SocketMessage::Ping(payload))),
            Opcode::Pong => return Ok(Some(SocketMessage::Pong)),
            Opcode::Continuation => {
                let Some(mut partial) = self.partial.take() else { return Err(Breach::Continuation) };
                partial.payload.extend_from_slice(&payload);
                if header.last {
                    return partial.kind.complete(partial.payload.freeze()).map(Some);
                }
                self.partial = Some(partial);
                return Ok(None);
            }
        };
        if header.last {
            return kind.complete(payload).map(Some);
        }
        // A buffer of its own: the next fragments are appended, and the shared one would be kept alive.
        self.partial = Some(PartialMessage { kind, payload: BytesMut::from(&payload[..]) });
        Ok(None)
    }
}
