//! The flags of `wps trace`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, Args, ValueEnum};

use crate::options::connection::args::{EndpointArgs, KeyArgs};
use crate::options::expressions::args::ConditionArgs;
use crate::options::network::args::NetworkArgs;
use crate::options::output::args::ReportArgs;
use crate::options::reconnect::args::AttemptArgs;
use crate::options::values::duration;

/// `wps trace`.
#[derive(Debug, Args)]
#[command(
    after_long_help = include_str!("help.md"),
    mut_args(without_hub),
)]
pub struct TraceArgs {
    /// Only traces of this level and above
    ///
    /// Traces whose level is unknown, because the service has not sent it, are always printed.
    #[arg(long, value_enum, value_name = "LEVEL", ignore_case = true)]
    pub level: Option<LevelName>,

    /// Only traces of this event, by name or number; repeatable
    ///
    /// As in `ConnectionStarted`; case-insensitive.
    #[arg(long = "event", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub events: Vec<String>,

    /// Only traces of this hub [default: all hubs, and traces without a hub]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub hub: Option<String>,

    /// When the run ends.
    #[command(flatten)]
    pub end: TraceEndArgs,
    /// The same, by expressions.
    #[command(flatten)]
    pub conditions: ConditionArgs,

    /// The service.
    #[command(flatten)]
    pub key: KeyArgs,
    /// One without a key.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// Time limit of each attempt to connect
    ///
    /// DNS, TCP, proxy, TLS, upgrade and the SignalR handshake together.
    #[arg(long, value_name = "D", default_value = "30s", help_heading = "Connection", value_parser = duration)]
    pub connect_timeout: Duration,
    /// The way to the service.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How to come back.
    #[command(flatten)]
    pub attempts: AttemptArgs,

    /// What is printed, and how long for.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// When `trace` ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub struct TraceEndArgs {
    /// End after N traces, exit 0
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after this time, exit 0
    #[arg(long = "for", value_name = "D", value_parser = duration)]
    pub duration: Option<Duration>,
}

/// `--level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LevelName {
    /// everything
    Trace,
    /// details for debugging
    Debug,
    /// normal events
    #[value(alias = "info")]
    Information,
    /// unexpected events
    #[value(alias = "warn")]
    Warning,
    /// failures
    Error,
    /// severe failures
    Critical,
}

/// Unlike elsewhere, the service is named without a hub. In place, so that flags keep their order.
fn without_hub(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "connection_string" => arg.help("Connection string of the service; `-`, `@FILE`"),
        "endpoint" => arg.help("Service address, for use with an Entra identity"),
        _ => arg,
    }
}
