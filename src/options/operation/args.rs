//! Flags that say how operations are acknowledged and retried.

use std::time::Duration;

use clap::Args;

use crate::options::values::{BackoffModeName, UnknownChoice, duration};

/// Retries of operations.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct RetryArgs {
    /// Retries per operation, with the same ackId
    ///
    /// Retried: `InternalServerError` and a missing ack. Every other refusal is final. The same ackId lets the service
    /// recognise what it has already done on this connection.
    #[arg(long, value_name = "N", default_value = "3")]
    pub retries: u32,

    /// Pause before the first retry [default: 800ms]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub retry_delay: Option<Duration>,

    /// Longest pause between retries [default: 120s]
    ///
    /// Or --retry-delay, if that is longer.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub retry_max_delay: Option<Duration>,

    /// How the pause grows
    #[arg(long, value_enum, value_name = "MODE", default_value = "exponential")]
    pub retry_mode: BackoffModeName,

    /// How long each attempt waits for its ack
    ///
    /// Time spent recovering the connection does not count.
    #[arg(long, value_name = "D", default_value = "30s", value_parser = duration)]
    pub ack_timeout: Duration,
}

/// Acks of `send` and `event`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct AckArgs {
    /// Whether and under which id.
    #[command(flatten)]
    pub id: AckIdArgs,
    /// What if it does not come.
    #[command(flatten)]
    pub unknown: OnUnknownArgs,
}

/// The ack of one message.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct AckIdArgs {
    /// ackId of the message, 0 to 18446744073709551615 [default: 1]
    ///
    /// The service recognises an ackId only on the same connection, so repeating one in another run keeps a message
    /// from being published twice only with --session.
    #[arg(long, value_name = "N")]
    pub ack_id: Option<u64>,

    /// Fire and forget: ask for no ack; a refusal goes unnoticed
    #[arg(long, conflicts_with = "ack_id")]
    pub no_ack: bool,
}

/// What becomes of messages whose ack did not come, for a whole session.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct OnUnknownArgs {
    /// What to do if the connection is lost for good before the ack
    #[arg(long, value_enum, value_name = "WHAT", default_value = "fail")]
    pub on_unknown: UnknownChoice,
}

/// ackIds of `join`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct JoinAckArgs {
    /// ackId of the first join, 0 to 18446744073709551615; further groups count up from it [default: 1]
    #[arg(long, value_name = "N")]
    pub ack_id: Option<u64>,
}
