//! How frames are written on the wire, one module for each family of subprotocols (PROTOCOL §0).

mod json;

pub use json::{SharedMessage, decode_downstream, decode_upstream, encode_downstream, encode_upstream, present};
