//! Byte streams and WebSockets: how `wps` gets from an address to a [`Link`] that carries frames.
//!
//! [`dial`] resolves, connects, speaks TLS and does the WebSocket handshake; [`handshake`] is its last step alone,
//! over any byte stream. A [`Link`] queues what is sent and reads in batches, without ever blocking its task. Nothing
//! here knows Web PubSub, retries or prints: [`DialError`] and [`Closed`] say what happened, others decide.

mod dial;
mod error;
mod handshake;
mod link;
mod socket;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod tls;

pub use dial::{DialOptions, Override, dial};
pub use error::{CertificateProblem, DialError, Refusal};
pub use handshake::{MAX_REFUSAL_BODY, handshake};
pub use link::{Cause, Closed, Incoming, Link, MAX_BATCH_BYTES, MAX_BATCH_FRAMES};
pub use stream::Stream;
pub use target::{Progress, Stage, Target};
pub use tls::{Tls, TlsSettings};
