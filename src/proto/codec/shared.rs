//! A message that goes to many: encoded once for all receivers of a codec, who differ in the sequence id alone.

use super::Codec;
use super::json::JsonMessage;
use super::protobuf::ProtobufMessage;
use crate::frame::Message;
use crate::group_state::StateFrame;
use crate::wire::EncodedFrame;

/// A message encoded once for all its receivers.
#[derive(Debug, Clone)]
pub enum SharedMessage {
    /// For those of the JSON subprotocols.
    Json(JsonMessage),
    /// For those of the protobuf subprotocols.
    Protobuf(ProtobufMessage),
}

impl SharedMessage {
    /// Encodes all of `message` but its sequence id.
    pub fn new(codec: Codec, message: &Message<'_>) -> Self {
        match codec {
            Codec::Json => Self::Json(JsonMessage::new(message)),
            Codec::Protobuf => Self::Protobuf(ProtobufMessage::new(message)),
        }
    }

    /// The same of a frame that tells of states.
    pub fn group_state(codec: Codec, frame: &StateFrame<'_>) -> Self {
        match codec {
            Codec::Json => Self::Json(JsonMessage::group_state(frame)),
            Codec::Protobuf => Self::Protobuf(ProtobufMessage::group_state(frame)),
        }
    }

    /// Bytes of the frame without its sequence id.
    pub fn len(&self) -> usize {
        match self {
            Self::Json(message) => message.len(),
            Self::Protobuf(message) => message.len(),
        }
    }

    /// The whole frame for one receiver.
    pub fn with_sequence_id(&self, sequence_id: Option<u64>) -> EncodedFrame {
        match self {
            Self::Json(message) => message.with_sequence_id(sequence_id).into(),
            Self::Protobuf(message) => EncodedFrame::Binary(message.with_sequence_id(sequence_id).into()),
        }
    }
}
