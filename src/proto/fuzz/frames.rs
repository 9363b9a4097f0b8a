//! Frames that are right, with what is in them drawn.

use super::Tape;
use crate::{
    AckError, Codec, Data, Downstream, EncodedFrame, GroupState, InvokeAnswer, Message, Octets, Origin, StateFrame,
    StateItem, StreamAnswer, StreamEndError, StreamInfo, StreamRequest, StreamTarget, Text, Upstream,
};

fn data(tape: &mut Tape<'_>) -> Data<'static> {
    match tape.below(4) {
        0 => Data::Text(Text::Plain("x")),
        1 => Data::Json("{\"a\":[1,null]}"),
        2 => Data::Binary(Octets::Plain(b"\x00\xff")),
        _ => Data::Protobuf(Octets::Plain(b"\x0a\x01t")),
    }
}

/// A number that follows what came so far, or another.
fn following(tape: &mut Tape<'_>, last: u64) -> u64 {
    match tape.byte() {
        byte @ ..=199 => last.saturating_add(u64::from(byte % 4)),
        _ => tape.number(),
    }
}

/// A frame of the service's, after messages up to that sequence id.
pub(super) fn downstream(tape: &mut Tape<'_>, codec: Codec, last: u64) -> EncodedFrame {
    let frame = match tape.below(12) {
        0 => Downstream::Connected {
            connection_id: tape.of(&["c1", "c2", ""]).into(),
            user_id: tape.flag().then(|| "u".into()),
            reconnection_token: tape.flag().then(|| tape.of(&["t1", "t2", ""]).into()),
        },
        1 => Downstream::Disconnected { message: tape.flag().then(|| "bye".into()) },
        2 | 3 => {
            let result = if tape.flag() { Ok(()) } else { Err(error(tape)) };
            Downstream::Ack { ack_id: tape.number(), result }
        }
        4..=6 => {
            let stream = tape.flag().then(|| {
                let end_of_stream = tape.flag().then_some(true);
                let stream_id = tape.of(&["s", "s1"]).into();
                StreamInfo { stream_id, stream_sequence_id: tape.number(), end_of_stream, error: None }.to_json()
            });
            let origin = match tape.flag() {
                true => Origin::Server,
                false => Origin::Group { group: "g0".into(), user_id: tape.flag().then(|| "u".into()) },
            };
            let message = Message {
                origin,
                sequence_id: tape.flag().then(|| following(tape, last)),
                data: data(tape),
                metadata: tape.flag().then_some("{\"k\":\"v\"}"),
                stream: stream.as_deref(),
                redelivered: false,
            };
            return codec.encode_downstream(&Downstream::Message(message));
        }
        7 => Downstream::Pong,
        8 => Downstream::GroupState(StateFrame {
            snapshot: tape.flag(),
            group: tape.of(&["g0", "g1", "other"]).into(),
            sequence_id: tape.flag().then(|| following(tape, last)),
            items: (0..tape.below(4))
                .map(|_| StateItem {
                    connection_id: tape.of(&["c1", "c2", "c3"]).to_owned(),
                    user_id: None,
                    state: tape.flag().then(|| GroupState::from_iter([("k", tape.of(&["v", "w"]))])),
                    updated_at: tape.number().cast_signed(),
                })
                .collect(),
        }),
        9 => {
            let answer = match tape.below(3) {
                0 => InvokeAnswer::Success { data: None, metadata: None },
                1 => InvokeAnswer::Success { data: Some(data(tape)), metadata: Some("{\"k\":\"v\"}") },
                _ => InvokeAnswer::Failure(error(tape)),
            };
            Downstream::InvokeResponse { invocation_id: tape.of(&["1", "2", "3", "i", ""]).into(), answer }
        }
        _ => {
            let stream_id = tape.of(&["s", "s1", "s2"]).into();
            Downstream::Stream(match tape.below(3) {
                0 => StreamAnswer::Ack { stream_id, expected: tape.number() },
                1 => {
                    let error = error(tape);
                    let expected = tape.number();
                    StreamAnswer::Nack { stream_id, expected, name: error.name, message: error.message }
                }
                _ => StreamAnswer::Closed { stream_id, error: tape.flag().then(|| error(tape)) },
            })
        }
    };
    codec.encode_downstream(&frame)
}

/// A frame of a client's.
pub(super) fn upstream(tape: &mut Tape<'_>, codec: Codec, seen: u64) -> EncodedFrame {
    let group = tape.of(&["g", "g2", "other"]);
    let ack_id = tape.flag().then(|| tape.number());
    let frame = match tape.below(16) {
        0 => Upstream::JoinGroup { group: group.into(), ack_id },
        1 => Upstream::LeaveGroup { group: group.into(), ack_id },
        2..=4 => Upstream::SendToGroup {
            group: group.into(),
            ack_id,
            no_echo: tape.flag(),
            ttl_seconds: tape.flag().then(|| tape.of(&[0, 1, 300])),
            data: data(tape),
            metadata: tape.flag().then_some("{\"k\":\"v\"}"),
        },
        5 => Upstream::Event { event: "e".into(), ack_id, data: data(tape), metadata: None },
        6 => Upstream::Invoke {
            invocation_id: tape.of(&["1", "2"]).into(),
            event: "e".into(),
            data: tape.flag().then(|| data(tape)),
            metadata: None,
        },
        7 => Upstream::CancelInvocation { invocation_id: tape.of(&["1", "2"]).into() },
        8 | 9 => Upstream::SequenceAck(if tape.flag() { seen } else { tape.number() }),
        10 => Upstream::Ping,
        11 => Upstream::SetGroupState {
            group: group.into(),
            ack_id,
            state: tape.flag().then(|| GroupState::from_iter([("k", tape.of(&["v", "w"]))])),
        },
        12 => match tape.flag() {
            true => Upstream::SubscribeGroupState { group: group.into(), ack_id },
            false => Upstream::UnsubscribeGroupState { group: group.into(), ack_id },
        },
        _ => {
            let stream_id = tape.of(&["s", "s1"]).into();
            Upstream::Stream(match tape.below(6) {
                0 | 1 => StreamRequest::Start {
                    stream_id,
                    target: match tape.below(4) {
                        0 => StreamTarget::Event { event: "e".into() },
                        _ => StreamTarget::Group { group: group.into(), no_echo: tape.flag() },
                    },
                    idle_timeout_ms: tape.flag().then(|| tape.of(&[0, 1000, u32::MAX])),
                },
                2 | 3 => StreamRequest::Data { stream_id, sequence_id: tape.number(), data: data(tape) },
                4 => StreamRequest::Keepalive { stream_id },
                _ => StreamRequest::End {
                    stream_id,
                    error: tape.flag().then(|| StreamEndError { message: Some("m".into()), user_error_code: None }),
                },
            })
        }
    };
    codec.encode_upstream(&frame)
}

/// An error by one of the names that mean something.
fn error(tape: &mut Tape<'_>) -> AckError<'static> {
    let name =
        tape.of(&["Duplicate", "Forbidden", "InternalServerError", "TransientError", "InvalidSequence", "New", ""]);
    AckError { name: name.into(), message: "m".into() }
}
