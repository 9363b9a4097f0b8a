//! What the driver tells its log of frames and of the ends of sockets, and how such an end is told to sessions.

use tracing::{Level, debug, enabled, trace};

use webpubsub_net::secret::{self, FRAMES};
use webpubsub_net::wire::{Cause, Closed};
use webpubsub_proto::explain_close_code;
use webpubsub_proto::session::{LossCause, Received};

/// The most of a frame's text that is logged, unless everything is asked for.
const LOGGED_CHARS: usize = 240;

/// Logs a frame that came. What the service says by itself is redacted, what users sent is not.
pub(super) fn log_received(text: &str, received: &Received<'_>) {
    match received {
        Received::Message(_) | Received::States(_) | Received::Duplicate => log_frame("←", text),
        Received::Unknown { .. } | Received::Control => log_frame("←", &secret::redact_frame(text)),
    }
}

/// Logs a frame, whole at the finest level, else its beginning and its size. What is secret in it is left out before.
pub fn log_frame(direction: &str, text: &str) {
    if enabled!(target: FRAMES, Level::TRACE) {
        trace!(target: FRAMES, "{direction} {text}");
        return;
    }
    match text.char_indices().nth(LOGGED_CHARS) {
        Some((cut, _)) => debug!(target: FRAMES, "{direction} {}… ({} bytes)", &text[..cut], text.len()),
        None => debug!(target: FRAMES, "{direction} {text}"),
    }
}

/// Logs the end of a socket.
pub(super) fn log_closed(closed: &Closed) {
    let explanation = closed.code.and_then(explain_close_code).map(|words| format!(" ({words})")).unwrap_or_default();
    match (closed.code, &closed.error) {
        (Some(code), _) => debug!("← close {code} `{}`{explanation}", closed.reason),
        (None, Some(error)) => debug!("the connection ended: {error}"),
        (None, None) => debug!("the connection ended without a close frame"),
    }
}

/// How a socket ended, as sessions and their kin are told it.
pub fn loss_cause(closed: Closed) -> LossCause {
    let Closed { code, reason, error, cause } = closed;
    let error = error.unwrap_or_else(|| "the connection ended without a close frame".into());
    match cause {
        Cause::Clean => LossCause::Close { code: code.unwrap_or(1005), reason },
        Cause::Dropped => LossCause::Broken(error),
        Cause::InvalidUtf8 => LossCause::InvalidUtf8,
        Cause::Framing => LossCause::Framing(error),
        Cause::TooBig => LossCause::TooBig,
    }
}
