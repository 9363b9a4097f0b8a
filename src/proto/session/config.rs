//! What a session is told once, at its start.

use std::time::Duration;

use super::snapshot::Keep;
use crate::Codec;

/// How often something may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retries {
    /// So many times after the first attempt.
    Limited(u32),
    /// Until stopped.
    Unlimited,
}

/// How the pause between attempts grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackoffMode {
    /// Doubles with each attempt, up to the maximum, with jitter.
    Exponential,
    /// Always the same.
    Fixed,
}

/// The pause between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// How it grows.
    pub mode: BackoffMode,
    /// Pause before the first retry.
    pub delay: Duration,
    /// Upper limit of the pause.
    pub max_delay: Duration,
}

/// What happens to a publish whose outcome cannot be known any more (PROTOCOL §19.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    /// It settles as unknown.
    Fail,
    /// It is sent again on the new connection, at the risk of doubling it.
    Resend,
}

/// Everything a session does differently for different users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How frames are encoded.
    pub codec: Codec,
    /// Whether the subprotocol can recover a dropped connection.
    pub reliable: bool,
    /// From the start of a dial to the `connected` frame (PROTOCOL §19.1).
    pub connect_timeout: Duration,
    /// Fresh attempts after the first failed one, while there has been no connection yet.
    pub retries_until_connected: Retries,
    /// Fresh attempts after the first failed one, once there has been a connection.
    pub retries_once_connected: Retries,
    /// Each fresh connection gets another URL, so that one that was refused is worth one more attempt.
    pub renews_url: bool,
    /// Pause between fresh attempts.
    pub reconnect_backoff: Backoff,
    /// Join the wanted groups again on a new connection.
    pub rejoin: bool,
    /// Send `ping` when nothing was received for this long; `None`: never.
    pub ping_interval: Option<Duration>,
    /// Give the connection up when nothing was received for this long; `None`: never.
    pub ping_timeout: Option<Duration>,
    /// How often an operation is tried again under its ackId (PROTOCOL §19.6).
    pub operation_retries: u32,
    /// Pause before an operation that was refused for a passing reason is tried again.
    pub operation_backoff: Backoff,
    /// How long each attempt waits for its ack. Time spent recovering does not count.
    pub ack_timeout: Duration,
    /// A stream that is being received has ended when nothing of it comes for so long (PROTOCOL §19.28).
    pub stream_idle_timeout: Duration,
    /// What happens to a publish whose outcome is unknown.
    pub on_unknown: OnUnknown,
    /// The connection is to outlive the process. `None`: it ends with the session.
    pub keep: Option<Keep>,
    /// Seed of the jitter.
    pub seed: u64,
}
