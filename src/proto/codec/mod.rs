//! How frames are written on the wire, one module for each family of subprotocols (PROTOCOL §0).
//!
//! Session, hub and whoever else reads or writes frames knows the [`Codec`] of its connection and nothing of what its
//! frames look like. Decoding reads a frame once: what is decoded borrows from the frame where it can, and from an
//! [`Unpacked`] where it cannot.

mod json;
mod protobuf;
mod shared;
#[cfg(test)]
mod stream_tests;

use std::borrow::Cow;

use thiserror::Error;

use crate::frame::{Downstream, Upstream};
use crate::wire::{EncodedFrame, WireFrame};

#[cfg(any(test, fuzzing))]
pub(crate) use json::{agree, agree_in_turn};
pub use json::{decode_downstream, decode_upstream, encode_downstream, encode_upstream, present};
pub use protobuf::check_any;
pub use shared::SharedMessage;

/// How the frames of a connection are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Text frames, a JSON object each (PROTOCOL §4, §5).
    Json,
    /// Binary frames, a protobuf message each (PROTOCOL §10).
    Protobuf,
}

/// Decodes what comes on one connection, as [`Codec::decode_downstream`] does, and faster where messages are like those before
/// them.
#[derive(Debug)]
pub struct DownstreamDecoder {
    codec: Codec,
    envelopes: json::Envelopes,
}

impl DownstreamDecoder {
    /// For frames of this codec.
    pub fn new(codec: Codec) -> Self {
        Self { codec, envelopes: json::Envelopes::default() }
    }

    /// Decodes a frame from the service. Never fails: the unknown is passed on (PROTOCOL §5, §19.13).
    #[inline]
    pub fn decode<'f>(&mut self, frame: WireFrame<'f>, unpacked: &'f mut Unpacked) -> Downstream<'f> {
        match (self.codec, frame) {
            (Codec::Json, WireFrame::Text(text)) => self.envelopes.decode(text),
            (Codec::Json | Codec::Protobuf, _) => self.codec.decode_downstream(frame, unpacked),
        }
    }
}

/// Holds what a decoded frame cannot borrow from the frame that came. One serves one frame; with JSON it stays empty and
/// costs nothing.
#[derive(Debug, Default)]
pub struct Unpacked(Option<Box<UnpackedParts>>);

#[derive(Debug, Default)]
struct UnpackedParts {
    upstream: Option<protobuf::UpstreamMessage>,
    downstream: Option<protobuf::DownstreamMessage>,
    /// JSON texts of objects that the frame has in another form.
    metadata: Option<String>,
    stream: Option<String>,
}

/// Why a client's frame cannot be taken (PROTOCOL §4.11, §10.3).
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
            (Self::Json, WireFrame::Text(_)) | (Self::Protobuf, WireFrame::Binary(_)) => None,
            (Self::Json, WireFrame::Binary(_)) => Some("a binary frame on a JSON subprotocol"),
            (Self::Protobuf, WireFrame::Text(_)) => Some("a text frame on a protobuf subprotocol"),
        }
    }

    /// Decodes a frame from the service. Never fails: the unknown is passed on (PROTOCOL §5, §19.13).
    #[inline]
    pub fn decode_downstream<'f>(self, frame: WireFrame<'f>, unpacked: &'f mut Unpacked) -> Downstream<'f> {
        match (self, frame) {
            (Self::Json, WireFrame::Text(text)) => decode_downstream(text),
            (Self::Protobuf, WireFrame::Binary(bytes)) => protobuf::decode_downstream(bytes, unpacked),
            (Self::Json, WireFrame::Binary(_)) | (Self::Protobuf, WireFrame::Text(_)) => {
                let reason = self.refusal(frame).unwrap_or_default();
                Downstream::Unknown { sequence_id: None, reason: reason.into() }
            }
        }
    }

    /// Decodes a client's frame, as strictly as the service does (PROTOCOL §4.11, §10.3).
    pub fn decode_upstream<'f>(
        self,
        frame: WireFrame<'f>,
        unpacked: &'f mut Unpacked,
    ) -> Result<Upstream<'f>, Malformed> {
        match (self, frame) {
            (Self::Json, WireFrame::Text(text)) => decode_upstream(text),
            (Self::Protobuf, WireFrame::Binary(bytes)) => protobuf::decode_upstream(bytes, unpacked),
            (Self::Json, WireFrame::Binary(_)) | (Self::Protobuf, WireFrame::Text(_)) => {
                Err(Malformed::Kind(self.refusal(frame).unwrap_or_default()))
            }
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
            Self::Protobuf => EncodedFrame::Binary(protobuf::encode_upstream(frame).into()),
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
            Self::Protobuf => EncodedFrame::Binary(protobuf::encode_downstream(frame).into()),
        }
    }

    /// A frame of the service's as a person reads it: the JSON that it would be. `None`: it is not understood.
    pub fn downstream_in_json(self, frame: WireFrame<'_>) -> Option<Cow<'_, str>> {
        match (self, frame) {
            (Self::Json, WireFrame::Text(text)) => Some(Cow::Borrowed(text)),
            (Self::Json | Self::Protobuf, _) => match self.decode_downstream(frame, &mut Unpacked::default()) {
                Downstream::Unknown { .. } => None,
                frame => {
                    let mut text = String::new();
                    encode_downstream(&frame, &mut text);
                    Some(Cow::Owned(text))
                }
            },
        }
    }

    /// A client's frame likewise.
    pub fn upstream_in_json(self, frame: WireFrame<'_>) -> Option<Cow<'_, str>> {
        match (self, frame) {
            (Self::Json, WireFrame::Text(text)) => Some(Cow::Borrowed(text)),
            (Self::Json | Self::Protobuf, _) => {
                let mut unpacked = Unpacked::default();
                let frame = self.decode_upstream(frame, &mut unpacked).ok()?;
                let mut text = String::new();
                encode_upstream(&frame, &mut text);
                Some(Cow::Owned(text))
            }
        }
    }

    /// A binary frame of the service's own, encoded again with `token` for its reconnection token and with every other
    /// text that the service says as `redact` gives it. `None`: it is no such frame.
    pub fn redacted<'f>(
        self,
        bytes: &'f [u8],
        token: &str,
        redact: impl Fn(&str) -> Option<String>,
    ) -> Option<Cow<'f, [u8]>> {
        match self {
            Self::Json => None,
            Self::Protobuf => protobuf::redacted(bytes, token, redact),
        }
    }

    /// The most bytes that a payload makes a frame longer by.
    pub fn data_len(self, data: crate::Data<'_>) -> usize {
        match self {
            Self::Json => data.kind().name().len() + data.json_len(),
            Self::Protobuf => protobuf::data_len(data),
        }
    }
}
