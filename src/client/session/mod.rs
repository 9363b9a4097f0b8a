//! The session: the client's side of the protocol without I/O (under construction).
mod config;
pub use config::{Backoff, BackoffMode, Config, OnUnknown, Retries};
