//! What the faults that happen at a place do there. Each place lists all actions, so that the compiler names it for a new
//! one; those that happen elsewhere do not get here, since the grammar refuses a fault that would never happen.

use std::time::Duration;

use bytes::Bytes;

use crate::fault::{Action, DropKind, DropTime, FiredFault, Garbage, Garble};
use crate::{Codec, EncodedFrame};

/// What becomes of a frame that came.
#[derive(Debug, Default)]
pub(in crate::hub) struct FrameEffects {
    /// Frames that are sent before anything else happens.
    pub(in crate::hub) garbage: Vec<Garbage>,
    /// As if it had never come.
    pub(in crate::hub) ignored: bool,
    /// Refused, with name and message.
    pub(in crate::hub) nack: Option<(String, String)>,
    /// The stream that it is about is closed, with name and message.
    pub(in crate::hub) close_stream: Option<(String, String)>,
    /// How the socket goes afterwards.
    pub(in crate::hub) drop: Option<DropKind>,
}

/// What becomes of an ack, or of the answer to an invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::hub) struct AckEffect {
    pub(in crate::hub) swallowed: bool,
    pub(in crate::hub) doubled: bool,
    pub(in crate::hub) delay: Option<Duration>,
    /// How it is spoiled; of an invocation alone.
    pub(in crate::hub) garbled: Option<Garble>,
}

/// What happens to a connection that has opened or was recovered.
#[derive(Debug, Default)]
pub(in crate::hub) struct OpeningEffects {
    /// The `connected` frame is left out.
    pub(in crate::hub) hides_connected: bool,
    /// What happens after it, in order.
    pub(in crate::hub) then: Vec<SocketEffect>,
}

/// Something that happens to an open connection.
#[derive(Debug)]
pub(in crate::hub) enum SocketEffect {
    Garbage(Garbage),
    Drop(DropKind),
}

/// What becomes of a frame that goes out.
#[derive(Debug, Default)]
pub(super) struct OutputEffects {
    pub(super) garbage: Vec<Garbage>,
    pub(super) latency: Duration,
    /// Bytes a second.
    pub(super) bandwidth: Option<u64>,
    /// How the socket goes afterwards.
    pub(super) drop: Option<DropKind>,
}

pub(super) fn on_frame(fired: &[FiredFault]) -> (FrameEffects, AckEffect) {
    let (mut effects, mut ack) = (FrameEffects::default(), AckEffect::default());
    for FiredFault { fault, chance } in fired {
        match &fault.action {
            Action::Ignore | Action::NoPong => effects.ignored = true,
            Action::Nack { name, message } => effects.nack = Some((name.clone(), message.clone())),
            Action::CloseStream { name, message } => effects.close_stream = Some((name.clone(), message.clone())),
            Action::Drop { how, .. } => {
                effects.ignored = true;
                effects.drop = Some(how.clone());
            }
            Action::ExecuteThenDrop(how) => {
                ack.swallowed = true;
                effects.drop = Some(how.clone());
            }
            Action::SwallowAck => ack.swallowed = true,
            Action::DelayAck(span) => ack.delay = Some(span.draw(*chance)),
            Action::DuplicateAck => ack.doubled = true,
            Action::GarbleAnswer(kind) => ack.garbled = Some(*kind),
            Action::Garbage(kind) => effects.garbage.push(*kind),
            Action::Refuse { .. }
            | Action::Hang(_)
            | Action::NoConnected
            | Action::RefuseRecovery(_)
            | Action::Latency(_)
            | Action::Bandwidth(_)
            | Action::Expire(_)
            | Action::Tunnel(_) => {}
        }
    }
    (effects, ack)
}

pub(super) fn on_recovery(fired: &[FiredFault]) -> Option<u16> {
    fired.iter().find_map(|fired| match fired.fault.action {
        Action::RefuseRecovery(code) => Some(code),
        Action::Refuse { .. }
        | Action::Hang(_)
        | Action::NoConnected
        | Action::Drop { .. }
        | Action::ExecuteThenDrop(_)
        | Action::Ignore
        | Action::Nack { .. }
        | Action::CloseStream { .. }
        | Action::SwallowAck
        | Action::DelayAck(_)
        | Action::DuplicateAck
        | Action::GarbleAnswer(_)
        | Action::Latency(_)
        | Action::Bandwidth(_)
        | Action::NoPong
        | Action::Garbage(_)
        | Action::Expire(_)
        | Action::Tunnel(_) => None,
    })
}

pub(super) fn on_opening(fired: &[FiredFault]) -> OpeningEffects {
    let mut effects = OpeningEffects::default();
    for FiredFault { fault, .. } in fired {
        match &fault.action {
            Action::NoConnected => effects.hides_connected = true,
            Action::Garbage(kind) => effects.then.push(SocketEffect::Garbage(*kind)),
            Action::Drop { how, .. } => effects.then.push(SocketEffect::Drop(how.clone())),
            Action::Refuse { .. }
            | Action::Hang(_)
            | Action::RefuseRecovery(_)
            | Action::ExecuteThenDrop(_)
            | Action::Ignore
            | Action::Nack { .. }
            | Action::CloseStream { .. }
            | Action::SwallowAck
            | Action::DelayAck(_)
            | Action::DuplicateAck
            | Action::GarbleAnswer(_)
            | Action::Latency(_)
            | Action::Bandwidth(_)
            | Action::NoPong
            | Action::Expire(_)
            | Action::Tunnel(_) => {}
        }
    }
    effects
}

pub(super) fn on_output(fired: &[FiredFault]) -> OutputEffects {
    let mut effects = OutputEffects::default();
    for FiredFault { fault, chance } in fired {
        match &fault.action {
            Action::Latency(span) => effects.latency += span.draw(*chance),
            Action::Bandwidth(rate) => {
                effects.bandwidth = Some(effects.bandwidth.map_or(*rate, |other| other.min(*rate)));
            }
            Action::Garbage(kind) => effects.garbage.push(*kind),
            Action::Drop { how, .. } => effects.drop = Some(how.clone()),
            Action::Refuse { .. }
            | Action::Hang(_)
            | Action::NoConnected
            | Action::RefuseRecovery(_)
            | Action::ExecuteThenDrop(_)
            | Action::Ignore
            | Action::Nack { .. }
            | Action::CloseStream { .. }
            | Action::SwallowAck
            | Action::DelayAck(_)
            | Action::DuplicateAck
            | Action::GarbleAnswer(_)
            | Action::NoPong
            | Action::Expire(_)
            | Action::Tunnel(_) => {}
        }
    }
    effects
}

/// How the socket goes on which a frame too many has passed.
pub(super) fn on_count(fired: &[FiredFault]) -> Option<DropKind> {
    fired.iter().find_map(|fired| Some(drop_of(&fired.fault.action)?.0.clone()))
}

/// Drops of a socket, each with how long after.
pub(super) fn on_attached(fired: &[FiredFault]) -> Vec<(Duration, DropKind)> {
    let drop = |FiredFault { fault, chance }: &FiredFault| match drop_of(&fault.action)? {
        (how, DropTime::After(after)) => Some((after.draw(*chance), how.clone())),
        (_, DropTime::Met | DropTime::Frames(_)) => None,
    };
    fired.iter().filter_map(drop).collect()
}

/// The one action that can be timed.
fn drop_of(action: &Action) -> Option<(&DropKind, DropTime)> {
    match action {
        Action::Drop { how, when } => Some((how, *when)),
        Action::Refuse { .. }
        | Action::Hang(_)
        | Action::NoConnected
        | Action::RefuseRecovery(_)
        | Action::ExecuteThenDrop(_)
        | Action::Ignore
        | Action::Nack { .. }
        | Action::CloseStream { .. }
        | Action::SwallowAck
        | Action::DelayAck(_)
        | Action::DuplicateAck
        | Action::GarbleAnswer(_)
        | Action::Latency(_)
        | Action::Bandwidth(_)
        | Action::NoPong
        | Action::Garbage(_)
        | Action::Expire(_)
        | Action::Tunnel(_) => None,
    }
}

/// A frame that no client of that codec expects.
pub(in crate::hub) fn garbage_frame(kind: Garbage, codec: Option<Codec>) -> EncodedFrame {
    match (kind, codec) {
        (Garbage::Text, _) => EncodedFrame::Text(Bytes::from_static(b"this is not JSON {")),
        (Garbage::Binary, _) => EncodedFrame::Binary(Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef])),
        (Garbage::InvalidUtf8, _) => EncodedFrame::Text(Bytes::from_static(b"{\"type\":\"\xff\xfe\"}")),
        (Garbage::UnknownType, Some(Codec::Json) | None) => {
            EncodedFrame::Text(Bytes::from_static(b"{\"type\":\"fault\",\"message\":\"nobody knows this\"}"))
        }
        (Garbage::UnknownType, Some(Codec::Protobuf)) => {
            unknown_member("nobody knows this".len(), b"nobody knows this")
        }
        (Garbage::Huge(size), Some(Codec::Json) | None) => {
            let (head, tail) = ("{\"type\":\"fault\",\"padding\":\"", "\"}");
            let padding = size.saturating_sub(head.len() + tail.len());
            EncodedFrame::from([head, &"x".repeat(padding), tail].concat())
        }
        (Garbage::Huge(size), Some(Codec::Protobuf)) => unknown_member(size.saturating_sub(MEMBER_HEAD), b"x"),
    }
}

/// A key, and a length of five bytes.
const MEMBER_HEAD: usize = 6;

/// A protobuf message with a member that nobody knows, of so many bytes.
fn unknown_member(length: usize, repeated: &[u8]) -> EncodedFrame {
    const MEMBER: u8 = 15 << 3 | 2;
    let mut frame = vec![MEMBER];
    for shift in [0, 7, 14, 21, 28] {
        let bits = u8::try_from((length >> shift) & 0x7f).unwrap_or(0x7f);
        frame.push(if shift < 28 { bits | 0x80 } else { bits });
    }
    frame.extend(repeated.iter().cycle().take(length));
    EncodedFrame::Binary(frame.into())
}
