//! WebSocket messages over a byte stream (RFC 6455), for both ends: the client's link and the emulator's sockets.
//!
//! [`Decoder`] makes messages of bytes and does no I/O; [`WebSocket`] moves the bytes. Both are strict about framing
//! and report what came as it came: the code of a close frame is the one that was sent, whatever the RFC says about
//! it, since people look for the cause there. What waits to be written is bounded here: a frame is taken when there is
//! room for it, and of the pings only the last is answered (RFC 6455 §5.5.3).

mod decoder;
mod header;
mod output;
mod socket;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use thiserror::Error;
use tokio_tungstenite::tungstenite::Utf8Bytes;

pub use decoder::Decoder;
pub use socket::{SocketError, WebSocket};

/// Which end of a connection this is. The client masks what it sends, the server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketRole {
    /// The end that connected.
    Client,
    /// The end that was connected to.
    Server,
}

/// What came, whole. Payloads share the buffer they were read into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketMessage {
    /// A text message, which is UTF-8.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping, with what its pong has to repeat.
    Ping(Bytes),
    /// A pong.
    Pong,
    /// A close frame: the last that is read.
    Close(CloseFrame),
}

/// A close frame as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Its code, any number; `None` where it has none.
    pub code: Option<u16>,
    /// Its reason; what is not UTF-8 is replaced.
    pub reason: String,
    /// What is wrong with it. The end of the connection is understood all the same.
    pub defect: Option<CloseDefect>,
}

/// What can be wrong with the payload of a close frame (RFC 6455 §5.5.1, §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseDefect {
    /// One byte, where a code has two.
    HalfCode,
    /// A code that may not stand in a frame, such as 1006.
    Code,
    /// The reason is not UTF-8.
    Reason,
}

impl CloseFrame {
    /// Reads the payload.
    fn read(payload: &[u8]) -> Self {
        let Some((code, reason)) = payload.split_first_chunk() else {
            let defect = (!payload.is_empty()).then_some(CloseDefect::HalfCode);
            return Self { code: None, reason: String::new(), defect };
        };
        let code = u16::from_be_bytes(*code);
        let defect = match std::str::from_utf8(reason) {
            Err(_) => Some(CloseDefect::Reason),
            Ok(_) if !may_be_sent(code) => Some(CloseDefect::Code),
            Ok(_) => None,
        };
        Self { code: Some(code), reason: String::from_utf8_lossy(reason).into_owned(), defect }
    }

    /// The code to answer it with; `None` answers without one.
    pub fn answer(&self) -> Option<u16> {
        match self.defect {
            None => self.code,
            Some(CloseDefect::HalfCode | CloseDefect::Code) => Some(1002),
            Some(CloseDefect::Reason) => Some(1007),
        }
    }
}

/// Whether a code may stand in a close frame: 1004 to 1006 and 1015 stand for something else, what is below 1000 or
/// above 4999 for nothing, and of what lies between the registered ones go up to 1014 (RFC 6455 §7.4).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// How the other end broke the rules. Nothing can be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Breach {
    /// A text message is not UTF-8.
    #[error("a text is not valid UTF-8")]
    InvalidUtf8,
    /// A message is larger than the limit.
    #[error("a message has {size} bytes or more, {limit} are allowed")]
    TooBig {
        /// As far as it is known.
        size: u64,
        /// The most that is taken.
        limit: usize,
    },
    /// A bit that only extensions use, and none was agreed on.
    #[error("a frame has reserved bits set")]
    ReservedBits,
    /// An opcode without a meaning.
    #[error("a frame has the unknown opcode {0}")]
    Opcode(u8),
    /// The length is written with more bytes than it needs, or has its highest bit set.
    #[error("a frame's length is not in its shortest form")]
    Length,
    /// A control frame in pieces.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame of more than 125 bytes.
    #[error("a control frame is too long")]
    LongControl,
    /// A server's frame with a mask.
    #[error("a frame from the server is masked")]
    Masked,
    /// A client's frame without one.
    #[error("a frame from the client is not masked")]
    Unmasked,
    /// A continuation of nothing.
    #[error("a frame continues a message that was not begun")]
    Continuation,
    /// A new message before the one before is complete.
    #[error("a message begins within another one")]
    Interrupted,
}

impl Breach {
    /// The close code that says so.
    pub fn code(self) -> u16 {
        match self {
            Self::InvalidUtf8 => 1007,
            Self::TooBig { .. } => 1009,
            Self::ReservedBits
            | Self::Opcode(_)
            | Self::Length
            | Self::FragmentedControl
            | Self::LongControl
            | Self::Masked
            | Self::Unmasked
            | Self::Continuation
            | Self::Interrupted => 1002,
        }
    }
}
