//! Flags of requests to the service's REST API.

use std::time::Duration;

use clap::Args;

use crate::options::values::{BackoffModeName, duration};

/// How long requests may take, and how often they are tried.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Time limit of each attempt to connect
    ///
    /// DNS, TCP, proxy and TLS together.
    #[arg(long, value_name = "D", default_value = "30s", help_heading = "Connection", value_parser = duration)]
    pub connect_timeout: Duration,

    /// Retries of a request
    ///
    /// Retried: answers of 408, 429 and 5xx, after the time in their `Retry-After`, and requests that did not reach the
    /// service.
    #[arg(long, value_name = "N", default_value = "3", help_heading = "Operations")]
    pub retries: u32,

    /// Pause before the first retry [default: 800ms]
    #[arg(long, value_name = "D", help_heading = "Operations", value_parser = duration)]
    pub retry_delay: Option<Duration>,

    /// Longest pause between retries [default: 120s]
    ///
    /// Also when the service asks for a longer one.
    #[arg(long, value_name = "D", help_heading = "Operations", value_parser = duration)]
    pub retry_max_delay: Option<Duration>,

    /// How the pause grows
    #[arg(long, value_enum, value_name = "MODE", default_value = "exponential", help_heading = "Operations")]
    pub retry_mode: BackoffModeName,

    /// How long each attempt waits for its answer
    #[arg(long, value_name = "D", default_value = "30s", help_heading = "Operations", value_parser = duration)]
    pub ack_timeout: Duration,
}
