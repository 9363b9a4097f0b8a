//! What passes, as it passes: the source of `GET /emulator/events`.
//!
//! Nobody listening costs one look. A listener that does not keep up misses events and is told how many; the emulator
//! never waits for it.

use std::time::SystemTime;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::emulator::hub::{Frame, Open, SocketId};
use crate::protocol::redact_reconnection_token;

/// How many events wait for a listener.
const CAPACITY: usize = 1024;
/// The most of a frame that is shown, in characters.
const SHOWN: usize = 4096;

/// The feed of a server.
#[derive(Debug)]
pub(super) struct Feed(broadcast::Sender<Bytes>);

impl Feed {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// A body of server-sent events, without end: whatever passes from now on.
    pub(super) fn body(&self) -> Body {
        let hello = Bytes::from_static(b": what passes from now on\n\n");
        let first = stream::iter([Ok::<_, std::convert::Infallible>(hello)]);
        let rest = stream::unfold(self.0.subscribe(), async |mut receiver| {
            let bytes = match receiver.recv().await {
                Ok(bytes) => bytes,
                Err(RecvError::Lagged(count)) => event("dropped", &json!({"count": count})),
                Err(RecvError::Closed) => return None,
            };
            Some((Ok(bytes), receiver))
        });
        Body::from_stream(futures_util::StreamExt::chain(first, Box::pin(rest)))
    }

    /// Tells what happened, if anybody listens.
    fn tell(&self, name: &str, describe: impl FnOnce() -> Value) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let mut value = describe();
        if let Some(object) = value.as_object_mut() {
            object.insert("time".to_owned(), humantime::format_rfc3339_millis(SystemTime::now()).to_string().into());
        }
        // Nobody any more is nobody to tell.
        let _ = self.0.send(event(name, &value));
    }

    pub(super) fn opened(&self, socket: SocketId, hub: &str, open: &Open) {
        self.tell("opened", || {
            let (user, recovers) = match open {
                Open::Fresh(fresh) => (fresh.user.as_deref(), None),
                Open::Recover { connection_id, .. } => (None, Some(connection_id)),
            };
            json!({"socket": socket.0, "hub": hub, "userId": user, "recovers": recovers})
        });
    }

    pub(super) fn ended(&self, socket: SocketId, hub: &str, how: &str) {
        self.tell("ended", || json!({"socket": socket.0, "hub": hub, "how": how}));
    }

    pub(super) fn received(&self, socket: SocketId, hub: &str, text: &str) {
        self.tell("frame", || shown(json!({"socket": socket.0, "hub": hub, "direction": "up"}), text));
    }

    /// `connection`: whose the socket is, while the hub knows it.
    pub(super) fn sent(&self, socket: SocketId, hub: &str, connection: Option<&str>, frame: &Frame) {
        self.tell("frame", || {
            let about = json!({"socket": socket.0, "hub": hub, "connectionId": connection, "direction": "down"});
            match frame {
                Frame::Text(bytes) => {
                    let text = String::from_utf8_lossy(bytes);
                    // A token stands in the service's own frames; what users send is shown as it is.
                    let own = text.starts_with("{\"type\":\"system\"");
                    shown(about, &if own { redact_reconnection_token(&text) } else { text })
                }
                Frame::Binary(bytes) => {
                    let mut about = about;
                    about["bytes"] = bytes.len().into();
                    about
                }
            }
        });
    }

    pub(super) fn fault(&self, note: &str) {
        self.tell("fault", || json!({"note": note}));
    }
}

/// Adds a frame's text, the beginning of it if it is long.
fn shown(mut about: Value, text: &str) -> Value {
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    about["text"] = text[..end].into();
    about["bytes"] = text.len().into();
    about
}

/// One server-sent event; JSON has no line breaks of its own.
fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
