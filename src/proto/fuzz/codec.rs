//! Frames, from either side and of either codec.

use crate::skim::{end_of_value, has_control_characters};
use crate::{
    Codec, Data, Downstream, InvokeAnswer, StreamInfo, Unpacked, Upstream, WireFrame, check_any, check_metadata,
};

/// A text frame, or one a line: all readers say the same of it, and what is understood is written so that it is understood
/// again.
pub fn json(text: &str) {
    crate::codec::agree(text);
    // Twice, so that whatever comes is like something.
    crate::codec::agree_in_turn(text.lines().flat_map(|line| [line, line]));
    let mut unpacked = Unpacked::default();
    if let Ok(frame) = Codec::Json.decode_upstream(WireFrame::Text(text), &mut unpacked) {
        holds_upstream(Codec::Json, &frame);
    }
    let mut unpacked = Unpacked::default();
    let frame = Codec::Json.decode_downstream(WireFrame::Text(text), &mut unpacked);
    if is_sendable(&frame) {
        let again = Codec::Json.encode_downstream(&frame);
        let mut other = Unpacked::default();
        assert_eq!(Codec::Json.decode_downstream(again.as_wire(), &mut other), frame);
        // The other has no place for all of it.
        let _ = Codec::Protobuf.encode_downstream(&frame);
    }
    if let Some(info) = StreamInfo::parse(text) {
        assert_eq!(StreamInfo::parse(&info.to_json()).as_ref(), Some(&info));
    }
    if !has_control_characters(text.as_bytes()) && end_of_value(text.as_bytes(), 0) == Some(text.len()) {
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok(), "no value: {text}");
    }
    let _ = check_metadata(text);
}

/// A binary frame.
pub fn protobuf(bytes: &[u8]) {
    let mut unpacked = Unpacked::default();
    if let Ok(frame) = Codec::Protobuf.decode_upstream(WireFrame::Binary(bytes), &mut unpacked) {
        holds_upstream(Codec::Protobuf, &frame);
    }
    let mut unpacked = Unpacked::default();
    let frame = Codec::Protobuf.decode_downstream(WireFrame::Binary(bytes), &mut unpacked);
    let is_any = match &frame {
        Downstream::Message(crate::Message { data: Data::Protobuf(octets), .. })
        | Downstream::InvokeResponse {
            answer: InvokeAnswer::Success { data: Some(Data::Protobuf(octets)), .. }, ..
        } => check_any(&octets.decode().unwrap()).is_ok(),
        _ => true,
    };
    if is_sendable(&frame) && is_any {
        let again = Codec::Protobuf.encode_downstream(&frame);
        let mut other = Unpacked::default();
        assert_eq!(Codec::Protobuf.decode_downstream(again.as_wire(), &mut other), frame);
        let json = Codec::Json.encode_downstream(&frame);
        let mut other = Unpacked::default();
        let json = Codec::Json.decode_downstream(json.as_wire(), &mut other);
        assert!(!matches!(json, Downstream::Unknown { .. }), "{frame:?}: {json:?}");
    }
    let _ = Codec::Protobuf.redacted(bytes, "[redacted]", |text| (text.len() > 3).then(|| "x".into()));
    let _ = Codec::Protobuf.downstream_in_json(WireFrame::Binary(bytes));
    let _ = Codec::Protobuf.upstream_in_json(WireFrame::Binary(bytes));
}

/// What one client may send, one of the other kind may, too.
fn holds_upstream(from: Codec, frame: &Upstream<'_>) {
    for codec in [Codec::Json, Codec::Protobuf] {
        let again = codec.encode_upstream(frame);
        let mut other = Unpacked::default();
        let read = codec.decode_upstream(again.as_wire(), &mut other);
        if codec == from {
            assert_eq!(read.as_ref(), Ok(frame));
        }
        // The other spells metadata in its own way.
        assert_eq!(read.map(|read| codec.encode_upstream(&read)), Ok(again), "{frame:?}");
    }
}

/// Whether it has an encoding.
fn is_sendable(frame: &Downstream<'_>) -> bool {
    match frame {
        // Why is told in words of its own.
        Downstream::Unknown { .. } | Downstream::InvokeResponse { answer: InvokeAnswer::NotUnderstood { .. }, .. } => {
            false
        }
        Downstream::Connected { .. }
        | Downstream::Disconnected { .. }
        | Downstream::Ack { .. }
        | Downstream::Message(_)
        | Downstream::Pong
        | Downstream::GroupState(_)
        | Downstream::InvokeResponse { .. }
        | Downstream::Stream(_) => true,
    }
}
