//! How frames are written on the wire, one module for each family of subprotocols (PROTOCOL §0).
//!
//! Session, hub and whoever else reads or writes frames knows the [`Codec`] of its connection and nothing of what its
//! frames look like. Decoding reads a frame once and borrows from it what can be borrowed.

mod json;
mod shared;

use thiserror::Error;

use crate::frame::{Downstream, Upstream};
use crate::wire::{EncodedFrame, WireFrame};

pub use json::{decode_downstream, decode_upstream, encode_downstream, encode_upstream, present};
pub use shared::SharedMessage;

/// How the frames of a connection are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Text frames, a JSON object each (PROTOCOL §4, §5).
    Json,
}

/// Why a client's frame cannot be taken (PROTOCOL §4.11).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Its content; the service closes with 1007.
    #[error("{0}")]
    Content(String),
    /// A text frame where only binary ones are taken, or the other way round; the service closes with 1003.
    #[error("{0}")]
    Kind(&'static str),
}

impl Codec {
    /// Why a frame is none of this codec's, whatever stands in it; `None`: it may be one.
    pub fn refusal(self, frame: WireFrame<'_>) -> Option<&'static str> {
        match (self, frame) {
            (Self::Json, WireFrame::Text(_)) => None,
            (Self::Json, WireFrame::Binary(_)) => Some("a binary frame on a JSON subprotocol"),
        }
    }

    /// Decodes a frame from the service. Never fails: the unknown is passed on (PROTOCOL §5, §19.13).
    pub fn decode_downstream(self, frame: WireFrame<'_>) -> Downstream<'_> {
        match (self, frame) {
            (Self::Json, WireFrame::Text(text)) => decode_downstream(text),
            (Self::Json, WireFrame::Binary(_)) => {
                let reason = self.refusal(frame).unwrap_or_default();
                Downstream::Unknown { sequence_id: None, reason: reason.into() }
            }
        }
    }

    /// Decodes a client's frame, as strictly as the service does (PROTOCOL §4.11).
    pub fn decode_upstream(self, frame: WireFrame<'_>) -> Result<Upstream<'_>, Malformed> {
        match (self, frame) {
            (Self::Json, WireFrame::Text(text)) => decode_upstream(text),
            (Self::Json, WireFrame::Binary(_)) => Err(Malformed::Kind(self.refusal(frame).unwrap_or_default())),
        }
    }

    /// Encodes a client's frame.
    pub fn encode_upstream(self, frame: &Upstream<'_>) -> EncodedFrame {
        match self {
            Self::Json => {
                let mut text = String::new();
                encode_upstream(frame, &mut text);
                text.into()
            }
        }
    }

    /// Encodes a frame of the service's. [`Downstream::Unknown`] has no encoding and becomes an empty frame.
    pub fn encode_downstream(self, frame: &Downstream<'_>) -> EncodedFrame {
        match self {
            Self::Json => {
                let mut text = String::with_capacity(64);
                encode_downstream(frame, &mut text);
                text.into()
            }
        }
    }
}
