//! Answers to invocations that are not what they should be (PROTOCOL §19.19).

use crate::fault::Garble;
use crate::{Codec, Data, Downstream, EncodedFrame, InvokeAnswer, WireFrame};

/// `frame`, the answer to the invocation `id`, in that way.
pub(in crate::hub) fn garbled(kind: Garble, codec: Codec, id: &str, frame: &EncodedFrame) -> EncodedFrame {
    let response = |answer| codec.encode_downstream(&Downstream::InvokeResponse { invocation_id: id.into(), answer });
    match kind {
        Garble::Null => response(InvokeAnswer::Success { data: Some(Data::Json("null")), metadata: None }),
        // Without `success` in JSON, with data of no kind in protobuf.
        Garble::Shape => response(InvokeAnswer::NotUnderstood { reason: "".into() }),
        Garble::Truncated => match frame.as_wire() {
            WireFrame::Text(text) => WireFrame::Text(&text[..text.floor_char_boundary(text.len() / 2)]).into(),
            WireFrame::Binary(bytes) => WireFrame::Binary(&bytes[..bytes.len() / 2]).into(),
        },
    }
}
