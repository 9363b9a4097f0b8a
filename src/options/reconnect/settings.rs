//! How a session stays connected, and how it tries its operations again.

use std::time::Duration;

use webpubsub_proto::session::{Backoff, BackoffMode, Config, OnUnknown, Retries};
use webpubsub_proto::{STREAM_IDLE_TIMEOUT, Subprotocol};

use super::args::{AttemptArgs, ReconnectArgs};
use crate::failure::{Failure, Kind};
use crate::options::operation::args::RetryArgs;
use crate::options::values::{BackoffModeName, RetryCount};

/// What differs between commands in how they stay connected.
pub struct ReconnectPolicy {
    /// Once connected, goes on for as long as it takes.
    pub keeps_on: bool,
    pub rejoin: bool,
    pub on_unknown: OnUnknown,
}

/// Retries of fresh attempts unless given.
const DEFAULT_RETRIES: u32 = 3;

/// How often and when a connection is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// While there has been none.
    pub until_connected: Retries,
    /// Once there has been one.
    pub once_connected: Retries,
    /// Between them.
    pub backoff: Backoff,
}

/// What the flags say. `keeps_on`: once connected, as often as it takes.
pub fn attempts(args: &AttemptArgs, keeps_on: bool) -> Result<Attempts, Failure> {
    let given = match (args.no_reconnect, args.reconnect_retries) {
        (true, _) => Some(Retries::Limited(0)),
        (false, Some(RetryCount::Limited(count))) => Some(Retries::Limited(count)),
        (false, Some(RetryCount::Unlimited)) => Some(Retries::Unlimited),
        (false, None) => None,
    };
    let once_connected = if keeps_on { Retries::Unlimited } else { Retries::Limited(DEFAULT_RETRIES) };
    Ok(Attempts {
        until_connected: given.unwrap_or(Retries::Limited(DEFAULT_RETRIES)),
        once_connected: given.unwrap_or(once_connected),
        backoff: backoff(
            "reconnect",
            args.reconnect_mode,
            (args.reconnect_delay, Duration::from_secs(1)),
            (args.reconnect_max_delay, Duration::from_secs(30)),
        )?,
    })
}

/// What the session is told.
pub fn session(
    reconnect: &ReconnectArgs,
    retry: &RetryArgs,
    policy: &ReconnectPolicy,
    protocol: Subprotocol,
    connect_timeout: Duration,
) -> Result<Config, Failure> {
    let attempts = attempts(&reconnect.attempts, policy.keeps_on)?;
    let (ping_interval, ping_timeout) = alive(reconnect)?;
    Ok(Config {
        codec: protocol.codec(),
        reliable: protocol.is_reliable(),
        connect_timeout,
        retries_until_connected: attempts.until_connected,
        retries_once_connected: attempts.once_connected,
        reconnect_backoff: attempts.backoff,
        renews_url: false,
        rejoin: policy.rejoin,
        ping_interval,
        ping_timeout,
        operation_retries: retry.retries,
        operation_backoff: backoff(
            "retry",
            retry.retry_mode,
            (retry.retry_delay, Duration::from_millis(800)),
            (retry.retry_max_delay, Duration::from_secs(120)),
        )?,
        ack_timeout: retry.ack_timeout,
        on_unknown: policy.on_unknown,
        stream_idle_timeout: STREAM_IDLE_TIMEOUT,
        keep: None,
        seed: 0,
    })
}

/// After how long a silence there is a ping, and after how long a connection is given up; `None`: never.
pub fn alive(reconnect: &ReconnectArgs) -> Result<(Option<Duration>, Option<Duration>), Failure> {
    let [ping_interval, ping_timeout] =
        [reconnect.ping_interval, reconnect.ping_timeout].map(|time| Some(time).filter(|time| !time.is_zero()));
    if let (Some(interval), Some(timeout)) = (ping_interval, ping_timeout)
        && timeout <= interval
    {
        let [interval, timeout] = [interval, timeout].map(humantime::format_duration);
        let message = format!("`--ping-timeout` ({timeout}) must be longer than `--ping-interval` ({interval})");
        return Err(Failure::message(Kind::Usage, message)
            .blame("--ping-timeout")
            .blame("--ping-interval")
            .hint("otherwise every idle connection is given up; set both, or turn one off with 0"));
    }
    Ok((ping_interval, ping_timeout))
}

/// A back-off from flags and defaults. A given delay raises the default maximum, and a given maximum lowers the default
/// delay; both given must fit.
pub fn backoff(
    family: &str,
    mode: BackoffModeName,
    (given_delay, delay): (Option<Duration>, Duration),
    (given_max, max_delay): (Option<Duration>, Duration),
) -> Result<Backoff, Failure> {
    let (delay, max_delay) = match (given_delay, given_max) {
        (Some(delay), Some(max)) if max < delay => {
            let message = format!("`--{family}-max-delay` is shorter than `--{family}-delay`");
            let [max, delay] = ["max-delay", "delay"].map(|flag| format!("--{family}-{flag}"));
            return Err(Failure::message(Kind::Usage, message).blame(&max).blame(&delay));
        }
        (Some(delay), None) => (delay, max_delay.max(delay)),
        (None, Some(max)) => (delay.min(max), max),
        (given_delay, given_max) => (given_delay.unwrap_or(delay), given_max.unwrap_or(max_delay)),
    };
    let mode = match mode {
        BackoffModeName::Exponential => BackoffMode::Exponential,
        BackoffModeName::Fixed => BackoffMode::Fixed,
    };
    Ok(Backoff { mode, delay, max_delay })
}
