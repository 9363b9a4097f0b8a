//! What the emulator tells its log, who comes and goes and every frame, without secrets; and the same as records to those
//! who look on.

use std::time::SystemTime;

use http::request;
use tracing::{Level, debug, enabled, info, trace};

use super::Server;
use super::refusals::{self, Reason};
use crate::traffic::{FrameOwner, Opened, Place, Traffic, protocol_name, shown};
use webpubsub_net::secret::{FRAMES, excerpt};
use webpubsub_proto::hub::{Cut, Open, SocketId};
use webpubsub_proto::{Codec, EncodedFrame, WireFrame};

/// The most characters of a path that are said.
pub(super) const SHOWN_PATH: usize = 120;

/// The most of a frame's text that is logged, unless everything is asked for.
const LOGGED_CHARS: usize = 240;

/// The close code of an end that nobody is to blame for.
const NORMAL_CLOSURE: u16 = 1000;

/// A socket, its hub, and its connection where there is one.
pub(super) fn place<'a>(socket: SocketId, hub: &'a str, connection_id: Option<&'a str>) -> Place<'a> {
    Place { socket: socket.0, hub, connection_id }
}

/// A socket was upgraded. `recovered` is the user of the connection that goes on.
pub(super) fn opened(traffic: &Traffic, place: Place<'_>, open: &Open, recovered: Option<&str>) {
    let (socket, hub) = (place.socket, place.hub);
    let opened = match open {
        Open::Fresh(fresh) => {
            let user = fresh.user.as_deref();
            let shown = user.unwrap_or("(anonymous)");
            info!("#{socket} connects to hub `{hub}` as `{shown}`, {}", protocol_name(&fresh.client));
            Opened { user_id: user, protocol: Some(protocol_name(&fresh.client)), recovers: false }
        }
        Open::Recover { connection_id, .. } => {
            info!("#{socket} recovers `{connection_id}` of hub `{hub}`");
            Opened { user_id: recovered, protocol: None, recovers: true }
        }
    };
    traffic.opened(place, &opened);
}

/// A socket has ended by itself.
pub(super) fn ended(traffic: &Traffic, place: Place<'_>, how: &str) {
    info!("#{} {how}", place.socket);
    traffic.ended(place, how, None);
}

/// A socket is taken away without a close frame: by a fault, which says so itself, or by a request, which stands before.
pub(super) fn cut(traffic: &Traffic, place: Place<'_>, how: Cut) {
    let how = match how {
        Cut::Reset => "is reset",
        Cut::Eof => "is ended without a close frame",
        Cut::Silence => "is left without an answer from now on",
    };
    traffic.live().aborted(place, &format!("the socket {how}"));
    ended(traffic, place, how);
}

/// A socket is closed with a close frame.
pub(super) fn closed(traffic: &Traffic, place: Place<'_>, code: u16, reason: &str) {
    info!("#{} is closed with {code}: {reason}", place.socket);
    if code != NORMAL_CLOSURE {
        traffic.live().aborted(place, &format!("the service closes the socket with {code}: {reason}"));
    }
    traffic.ended(place, "is closed", Some((code, reason)));
}

/// A handshake was refused.
pub(super) fn refused(traffic: &Traffic, status: u16, message: &str) {
    info!("a handshake was refused: {status}: {message}");
    traffic.refused(status, message);
}

/// Whether anybody sees frames just now.
pub(super) fn sees_frames(traffic: &Traffic) -> bool {
    enabled!(target: FRAMES, Level::DEBUG) || traffic.is_watched() || traffic.live().is_listened()
}

/// A frame came.
pub(super) fn received(
    traffic: &Traffic,
    owner: FrameOwner,
    came: WireFrame<'_>,
    codec: impl FnOnce() -> Option<Codec>,
) {
    let logging = enabled!(target: FRAMES, Level::DEBUG);
    let codec = codec();
    traffic.live().received(owner.place(), came, codec);
    match came {
        WireFrame::Text(text) => frame("←", owner.socket, text),
        WireFrame::Binary(bytes) => match codec.filter(|_| logging).and_then(|codec| codec.upstream_in_json(came)) {
            Some(text) => frame("←", owner.socket, &text),
            None => debug!(target: FRAMES, "← #{} binary frame of {} bytes", owner.socket, bytes.len()),
        },
    }
    traffic.received(SystemTime::now(), owner, came, codec);
}

/// A REST request was answered. The path has no secrets in it; a query might.
pub(super) fn answered(traffic: &Traffic, method: &http::Method, path: &str, status: u16, note: Option<&str>) {
    traffic.request(method.as_str(), path, status, note);
    match note {
        Some(note) => info!("REST {method} {path}: {status}: {note}"),
        None => info!("REST {method} {path}: {status}"),
    }
}

/// A REST request was refused, for a reason that its sender or the emulator's user has to do something about.
pub(super) fn disqualified(server: &Server, head: &request::Parts, status: u16, problem: (&str, &Reason)) {
    let (method, path, (message, reason)) = (&head.method, head.uri.path(), problem);
    server.traffic.request(method.as_str(), path, status, Some(message));
    let path = excerpt(path, SHOWN_PATH);
    server.refusals.refused(&refusals::EntryPoint::Rest, reason, &format!("REST {method} {path}: {status}: {message}"));
}

/// The control endpoint changed something, or refused to.
pub(super) fn controlled(traffic: &Traffic, method: &http::Method, path: &str, status: u16, note: Option<&str>) {
    traffic.request(method.as_str(), path, status, note);
    match note {
        Some(note) => info!("{method} {path}: {status}: {note}"),
        None => info!("{method} {path}: {status}"),
    }
}

/// A fault has happened.
pub(super) fn fault(traffic: &Traffic, note: &str) {
    info!("{note}");
    traffic.fault(note);
}

/// A frame goes out.
pub(super) fn sent(
    traffic: &Traffic,
    time: SystemTime,
    owner: FrameOwner,
    sent: &EncodedFrame,
    codec: impl FnOnce() -> Option<Codec>,
) {
    let logging = enabled!(target: FRAMES, Level::DEBUG);
    if !logging && !traffic.is_watched() {
        return;
    }
    let codec = if sent.is_text() { None } else { codec() };
    let socket = owner.socket;
    traffic.sent(time, owner, sent, codec);
    if !logging {
        return;
    }
    if sent.is_text() {
        let text = String::from_utf8_lossy(sent.payload());
        return frame("→", socket, &shown(&text));
    }
    match codec.and_then(|codec| codec.downstream_in_json(sent.as_wire())) {
        Some(text) => frame("→", socket, &shown(&text)),
        None => debug!(target: FRAMES, "→ #{socket} binary frame of {} bytes", sent.len()),
    }
}

fn frame(direction: &str, socket: u64, text: &str) {
    if !enabled!(target: FRAMES, Level::DEBUG) {
        return;
    }
    if enabled!(target: FRAMES, Level::TRACE) {
        trace!(target: FRAMES, "{direction} #{socket} {text}");
        return;
    }
    match text.char_indices().nth(LOGGED_CHARS) {
        Some((cut, _)) => debug!(target: FRAMES, "{direction} #{socket} {}… ({} bytes)", &text[..cut], text.len()),
        None => debug!(target: FRAMES, "{direction} #{socket} {text}"),
    }
}
