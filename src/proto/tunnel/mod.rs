//! The tunnel: a service's events as HTTP requests over WebSockets that a program opened *to* the service (PROTOCOL §20).
//!
//! [`frame`](TunnelFrame) and its codec serve both ends. [`TunnelClient`] is the end at the application, as sans-IO as the
//! session: it is told of sockets, frames and answers, time is a number, and it says what to dial, send and ask.

mod client;
mod codec;
mod frame;
mod msgpack;
mod pieces;
#[cfg(test)]
mod tests;

pub use client::{
    KeyedRequest, LostCause, RequestKey, TunnelClient, TunnelConfig, TunnelDestination, TunnelEnd, TunnelEvent,
    TunnelOutput, TunnelSocket,
};
pub use codec::{MAX_TUNNEL_FRAME_BYTES, TunnelMalformed, decode_tunnel, encode_tunnel, tunnel_json};
pub use frame::{Tracing, TunnelFrame, TunnelHeaders, TunnelMove, TunnelRequest, TunnelResponse};
pub use pieces::{JoinResult, PartialResponse, pieces};
