//! How long requests to the service's REST API may take, and how often they are tried.

use std::time::Duration;

use webpubsub_proto::session::Backoff;

use super::args::RequestArgs;
use crate::failure::Failure;
use crate::options::reconnect::settings::backoff;

/// How long things may take, and how often they are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestSettings {
    /// For each connection.
    pub connect_timeout: Duration,
    /// For each answer.
    pub answer_timeout: Duration,
    /// After the first attempt.
    pub retries: u32,
    /// Between them.
    pub backoff: Backoff,
}

/// What the flags say.
pub fn patience(args: &RequestArgs) -> Result<RequestSettings, Failure> {
    let delays = (args.retry_delay, Duration::from_millis(800));
    let backoff = backoff("retry", args.retry_mode, delays, (args.retry_max_delay, Duration::from_secs(120)))?;
    Ok(RequestSettings {
        connect_timeout: args.connect_timeout,
        answer_timeout: args.ack_timeout,
        retries: args.retries,
        backoff,
    })
}
