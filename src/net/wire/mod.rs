//! Byte streams and WebSockets: how `wps` gets from an address to a [`Link`] that carries frames.
//!
//! [`dial()`] resolves, connects, finds its way through proxies, speaks TLS and does the WebSocket handshake; [`handshake`] is its last step alone,
//! over any byte stream. A [`Link`] queues what is sent and reads in batches, without ever blocking its task. An [`HttpClient`] asks over the same way. Nothing
//! here knows Web PubSub, retries or prints: [`DialError`] and [`Closed`] say what happened, others decide. What a dial did
//! on the way is in its [`DialProgress`], a [`DialStep`] each.

mod certificate;
mod dial;
mod error;
mod exchange;
mod handshake;
mod http_log;
mod link;
mod meter;
mod pem;
mod proxy;
mod requests;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod trail;
mod websocket;

pub use certificate::Certificate;
pub use dial::{DialOptions, Override, dial};
pub use error::{CertificateProblem, DialError, Refusal};
pub use http_log::without_query;
pub use http_log::{log_answer, log_request, without_client_secrets};
pub use link::{Cause, Closed, Incoming, Link};
pub use pem::PemProblem;
pub use proxy::{Exceptions, Proxies, Proxy, ProxyError, ProxyProblem, ProxyScheme};
pub use requests::{HttpAnswer, HttpClient, HttpError, HttpLimits, HttpRequest, Server, in_one_line};
pub use stream::{Stream, prepare};
pub use target::{Stage, Target};
pub use tls::{AcceptError, AcceptedTls, ReloadResult, ServerTls, Tls, TlsSettings};
pub use trail::DialProgress;
pub use trail::{DialStep, Facts, StepKind, StepOutcome};
pub use websocket::{Breach, CloseDefect, SocketError, SocketMessage, SocketRole, WebSocket};
