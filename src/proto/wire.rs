//! A WebSocket message as it stands on the wire: text or binary, whatever codec reads or writes it.

mod shared;

use bytes::Bytes;

pub use shared::SharedFrame;

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
#[derive(Clone, Debug)]
pub enum EncodedFrame {
    /// UTF-8 text, unless a fault wants it otherwise.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// Either, where much of it is shared with others that are not the same.
    Shared(Box<SharedFrame>),
}

impl PartialEq for EncodedFrame {
    /// Whether they are the same on the wire.
    fn eq(&self, other: &Self) -> bool {
        self.is_text() == other.is_text() && self.payload() == other.payload()
    }
}

impl Eq for EncodedFrame {}

impl EncodedFrame {
    /// Bytes of its payload.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
            Self::Shared(shared) => shared.len(),
        }
    }

    /// Whether it is a text message.
    pub fn is_text(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Binary(_) => false,
            Self::Shared(shared) => shared.is_text(),
        }
    }

    /// Its payload. Of one that is shared in part this is a copy, made once.
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
            Self::Shared(shared) => shared.whole(),
        }
    }

    /// Whether both are the same bytes in memory, which is quickly seen.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) | (Self::Binary(one), Self::Binary(other)) => {
                one.as_ptr() == other.as_ptr() && one.len() == other.len()
            }
            (Self::Text(_) | Self::Binary(_) | Self::Shared(_), _) => false,
        }
    }

    /// What the frame counts for in a backlog: its payload and what the bookkeeping of a queued frame takes.
    pub fn cost(&self) -> usize {
        const OVERHEAD: usize = 64;
        self.len() + OVERHEAD
    }

    /// The frame as its receiver sees it. Text that is not UTF-8, which no receiver takes, is seen as bytes.
    pub fn as_wire(&self) -> WireFrame<'_> {
        let bytes = self.payload();
        match std::str::from_utf8(bytes) {
            Ok(text) if self.is_text() => WireFrame::Text(text),
            Ok(_) | Err(_) => WireFrame::Binary(bytes),
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
