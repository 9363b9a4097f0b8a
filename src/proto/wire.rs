//! A WebSocket message as it stands on the wire: text or binary, whatever codec reads or writes it.

use bytes::Bytes;

/// A message that came, borrowed from the buffer it was read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFrame<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

impl<'a> WireFrame<'a> {
    /// Bytes of its payload.
    pub fn len(self) -> usize {
        self.bytes().len()
    }

    /// Its payload.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// A message to be sent. Receivers of the same one share its bytes where they can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodedFrame {
    /// UTF-8 text, unless a fault wants it otherwise.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
}

impl EncodedFrame {
    /// Bytes of its payload.
    pub fn len(&self) -> usize {
        let (Self::Text(bytes) | Self::Binary(bytes)) = self;
        bytes.len()
    }

    /// What the frame counts for in a backlog: its payload and what the bookkeeping of a queued frame takes.
    pub fn cost(&self) -> usize {
        const OVERHEAD: usize = 64;
        self.len() + OVERHEAD
    }

    /// The frame as its receiver sees it. Text that is not UTF-8, which no receiver takes, is seen as bytes.
    pub fn as_wire(&self) -> WireFrame<'_> {
        match self {
            Self::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => WireFrame::Text(text),
                Err(_) => WireFrame::Binary(bytes),
            },
            Self::Binary(bytes) => WireFrame::Binary(bytes),
        }
    }

    /// The characters of a text frame.
    #[cfg(test)]
    pub fn as_text(&self) -> Option<&str> {
        match self.as_wire() {
            WireFrame::Text(text) => Some(text),
            WireFrame::Binary(_) => None,
        }
    }
}

impl From<String> for EncodedFrame {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<WireFrame<'_>> for EncodedFrame {
    /// A copy.
    fn from(frame: WireFrame<'_>) -> Self {
        match frame {
            WireFrame::Text(text) => Self::Text(Bytes::copy_from_slice(text.as_bytes())),
            WireFrame::Binary(bytes) => Self::Binary(Bytes::copy_from_slice(bytes)),
        }
    }
}
