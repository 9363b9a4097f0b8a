//! The hub's limits and intervals. The defaults are the service's (PROTOCOL §12) where it documents any.

use std::time::Duration;

use crate::{MAX_UNACKED_BYTES, MAX_UNACKED_MESSAGES, RECOVERY_WINDOW_SECS};

/// Limits and intervals of a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubConfig {
    /// A reliable connection with more unacknowledged messages is closed for good (PROTOCOL §7.1).
    pub max_unacked_messages: usize,
    /// A reliable connection with more unacknowledged bytes is closed for good (PROTOCOL §7.1).
    pub max_unacked_bytes: usize,
    /// A connection whose socket has more bytes waiting to be written is closed for good. The server says what was
    /// written through `handle_written`.
    pub max_backlog_bytes: usize,
    /// How long publishers wait for a receiver that comes near one of the limits above, before it is left to overflow.
    /// On one machine a publisher outruns a healthy receiver within milliseconds; the service, behind a network, has
    /// the network to slow it down. Zero: publishers never wait.
    pub patience: Duration,
    /// How long the state of a reliable connection is kept after its socket is gone (PROTOCOL §7.2).
    pub recovery_window: Duration,
    /// How many successful ackIds a connection remembers (PROTOCOL §6).
    pub ack_memory: usize,
    /// How many groups a connection may be in. The service documents no limit (PROTOCOL §12); memory has one.
    pub max_groups: usize,
    /// Between two WebSocket pings (PROTOCOL §8.1).
    pub ping_interval: Duration,
    /// A peer that was not heard of for so long is dropped.
    pub silence_limit: Duration,
    /// A connection with so many events at their handler has to wait with the next: its frames are held, and in the end
    /// it is not read from.
    pub max_pending_events: usize,
    /// The same for the bytes of their payloads.
    pub max_pending_event_bytes: usize,
    /// So many connections whose clients have gone may wait until what they sent is carried out. Of further ones it is
    /// dropped.
    pub max_leaving: usize,
    /// The same for the bytes of what they sent, each frame and event with what its bookkeeping takes.
    pub max_leaving_bytes: usize,
    /// Whether the application is told of connections that begin and end (PROTOCOL §14.5).
    pub announces_connections: bool,
    /// Whether the application is told who joins and leaves groups (PROTOCOL §14.5).
    pub announces_groups: bool,
    /// When the hub's time began, since 1970: states of groups say when they changed (PROTOCOL §9.3).
    pub epoch: Duration,
    /// Whether a `connected` frame with a new token comes first after a recovery (PROTOCOL §7.2, §17.10).
    pub send_connected_on_recovery: bool,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            max_unacked_messages: MAX_UNACKED_MESSAGES,
            max_unacked_bytes: MAX_UNACKED_BYTES,
            max_backlog_bytes: 16 * 1024 * 1024,
            patience: Duration::from_secs(2),
            recovery_window: Duration::from_secs(RECOVERY_WINDOW_SECS),
            ack_memory: 1000,
            max_groups: 10_000,
            ping_interval: Duration::from_secs(20),
            silence_limit: Duration::from_secs(40),
            max_pending_events: 64,
            max_pending_event_bytes: 4 * 1024 * 1024,
            max_leaving: 1000,
            max_leaving_bytes: 64 * 1024 * 1024,
            announces_connections: false,
            announces_groups: false,
            epoch: Duration::ZERO,
            send_connected_on_recovery: true,
        }
    }
}
