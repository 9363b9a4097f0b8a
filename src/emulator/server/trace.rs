//! What the emulator tells its log: who comes and goes, and every frame, without secrets.

use tracing::{Level, debug, enabled, info, trace};

use crate::emulator::hub::{Frame, Open, SocketId};
use crate::protocol::redact_reconnection_token;
use crate::secret::FRAMES;

/// The most of a frame's text that is logged, unless everything is asked for.
const LOGGED_CHARS: usize = 240;

/// A socket was upgraded.
pub(super) fn opened(socket: SocketId, hub: &str, open: &Open) {
    match open {
        Open::Fresh(fresh) => {
            let user = fresh.user.as_deref().unwrap_or("(anonymous)");
            info!("#{} connects to hub `{hub}` as `{user}`, {:?}", socket.0, fresh.client);
        }
        Open::Recover { connection_id, .. } => info!("#{} recovers `{connection_id}` of hub `{hub}`", socket.0),
    }
}

/// A socket has ended.
pub(super) fn ended(socket: SocketId, how: &str) {
    info!("#{} {how}", socket.0);
}

/// A handshake was refused.
pub(super) fn refused(status: u16, message: &str) {
    info!("a handshake was refused: {status}: {message}");
}

/// A fault has happened.
pub(super) fn fault(note: &str) {
    info!("{note}");
}

/// A frame came.
pub(super) fn received(socket: SocketId, text: &str) {
    frame("←", socket, text);
}

/// A frame goes out.
pub(super) fn sent(socket: SocketId, sent: &Frame) {
    if !enabled!(target: FRAMES, Level::DEBUG) {
        return;
    }
    match sent {
        Frame::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            // A token stands in the service's own frames; what users send is logged as it is.
            let own = text.starts_with("{\"type\":\"system\"");
            frame("→", socket, &if own { redact_reconnection_token(&text) } else { text });
        }
        Frame::Binary(bytes) => debug!(target: FRAMES, "→ #{} binary frame of {} bytes", socket.0, bytes.len()),
    }
}

fn frame(direction: &str, socket: SocketId, text: &str) {
    if !enabled!(target: FRAMES, Level::DEBUG) {
        return;
    }
    let socket = socket.0;
    if enabled!(target: FRAMES, Level::TRACE) {
        trace!(target: FRAMES, "{direction} #{socket} {text}");
        return;
    }
    match text.char_indices().nth(LOGGED_CHARS) {
        Some((cut, _)) => debug!(target: FRAMES, "{direction} #{socket} {}… ({} bytes)", &text[..cut], text.len()),
        None => debug!(target: FRAMES, "{direction} #{socket} {text}"),
    }
}
