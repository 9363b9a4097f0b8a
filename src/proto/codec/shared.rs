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

    /// The frame for one receiver.
    pub fn frame(&self, sequence_id: Option<u64>) -> EncodedFrame {
        match self {
            Self::Json(message) => message.frame(sequence_id),
            Self::Protobuf(message) => message.frame(sequence_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Unpacked;
    use crate::data::{Data, Text};
    use crate::frame::{Downstream, Origin};
    use crate::wire::SharedFrame;

    fn message(text: &str, sequence_id: Option<u64>) -> Message<'_> {
        Message {
            origin: Origin::Group { group: "g".into(), user_id: Some("u".into()) },
            sequence_id,
            data: Data::Text(Text::Plain(text)),
            metadata: None,
            stream: None,
            redelivered: false,
        }
    }

    #[test]
    fn a_large_message_is_shared_by_its_receivers_and_is_what_a_small_one_would_be() {
        for (codec, size) in
            [Codec::Json, Codec::Protobuf].into_iter().flat_map(|codec| [(codec, 10), (codec, 100_000)])
        {
            let text = "x".repeat(size);
            let shared = SharedMessage::new(codec, &message(&text, None));
            let frames = [1, 1 << 40].map(|id| (id, shared.frame(Some(id))));
            for (id, frame) in &frames {
                let mut unpacked = Unpacked::default();
                let read = codec.decode_downstream(frame.as_wire(), &mut unpacked);
                let Downstream::Message(read) = read else { panic!("{read:?}") };
                assert_eq!(
                    (read.sequence_id, read.data.to_json()),
                    (Some(*id), Data::Text(Text::Plain(&text)).to_json())
                );
                // As whoever does not share encodes it.
                assert_eq!(
                    codec.encode_downstream(&Downstream::Message(message(&text, Some(*id)))).payload(),
                    frame.payload()
                );
                assert_eq!(frame.len(), frame.payload().len());
            }
            let pieces = |frame: &EncodedFrame| match frame {
                EncodedFrame::Shared(shared) => Some(shared.pieces().1.as_ptr()),
                EncodedFrame::Text(_) | EncodedFrame::Binary(_) => None,
            };
            let [(_, one), (_, other)] = &frames;
            assert_eq!(pieces(one).is_some(), size >= SharedFrame::FROM);
            assert_eq!(pieces(one), pieces(other));
            assert_eq!(pieces(one), pieces(&one.clone()));
        }
    }
}
