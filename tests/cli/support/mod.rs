//! What the tests share: the binary, and a service to talk to.

pub mod cutting;
pub mod emulator;
#[cfg(target_os = "linux")]
pub mod narrow;
pub mod process;
pub mod proxy;
pub mod records;
pub mod service;
#[cfg(unix)]
pub mod terminal;
pub mod tls;
pub mod token;
#[cfg(unix)]
pub mod tunnel;
pub mod webhook;
pub mod words;

use std::time::Duration;

pub use process::{Ended, Running, Setup, kinds, wps};
pub use service::{FromClient, Peer, Service, Source};

/// The longest wait for anything that has to happen. Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(20);
