//! Flags that say how to stay connected.

use std::time::Duration;

use clap::Args;

use crate::options::values::{BackoffModeName, RetryCount, duration, duration_or_off, retry_count};

/// How often and when a connection is made anew.
#[derive(Debug, Args)]
#[command(next_help_heading = "Staying connected")]
pub struct AttemptArgs {
    /// Fresh attempts after a failed one
    ///
    /// Until once connected, the default is 3. After that it is unlimited for `listen`, `repl`, `tunnel`, `trace`,
    /// `state set`, `state watch` and `join --stay`, and 3 for the others. A number given here applies before and
    /// after. A connection that lasted five seconds resets the count. A dropped reliable connection is first recovered,
    /// for up to 30 s, which does not count; only then is a fresh one made. Not retried: certificate errors, and HTTP
    /// answers other than 408, 429 and 5xx. `Retry-After` is honoured up to --reconnect-max-delay; a longer one ends
    /// the command, and the time is reported.
    #[arg(long, value_name = "N|unlimited", value_parser = retry_count)]
    pub reconnect_retries: Option<RetryCount>,

    /// The same as --reconnect-retries 0
    #[arg(long, conflicts_with = "reconnect_retries")]
    pub no_reconnect: bool,

    /// Pause before the first fresh attempt [default: 1s]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub reconnect_delay: Option<Duration>,

    /// Longest pause between fresh attempts [default: 30s]
    ///
    /// Or --reconnect-delay, if that is longer.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub reconnect_max_delay: Option<Duration>,

    /// How the pause grows
    #[arg(long, value_enum, value_name = "MODE", default_value = "exponential")]
    pub reconnect_mode: BackoffModeName,
}

/// How to stay connected.
#[derive(Debug, Args)]
#[command(next_help_heading = "Staying connected")]
pub struct ReconnectArgs {
    /// Connections after the first.
    #[command(flatten)]
    pub attempts: AttemptArgs,

    /// Ping after this much silence; 0: never
    ///
    /// Silence means that nothing is received.
    #[arg(long, value_name = "D", default_value = "10s", value_parser = duration_or_off)]
    pub ping_interval: Duration,

    /// Give up after this much silence; 0: never
    ///
    /// The connection is given up if nothing is received for this time; on a slow link, every byte received counts, and so does every byte sent
    /// while others wait behind it. Must be longer than --ping-interval, and well below 30 s if the connection is to be
    /// recovered: the service keeps its state for 30 s.
    #[arg(long, value_name = "D", default_value = "25s", value_parser = duration_or_off)]
    pub ping_timeout: Duration,
}

/// What happens to groups on a new connection.
#[derive(Debug, Args)]
#[command(next_help_heading = "Staying connected")]
pub struct RejoinArgs {
    /// Do not join the groups again on a new connection
    #[arg(long)]
    pub no_rejoin: bool,
}
