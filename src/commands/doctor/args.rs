//! `wps doctor`.

use std::time::Duration;

use clap::Args;

use crate::options::connection::args::{ConnectionArgs, TokenArgs};
use crate::options::network::args::NetworkArgs;
use crate::options::output::args::{StderrArgs, TimeoutArgs};
use crate::options::values::{ReportFormat, duration};

/// `wps doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct DoctorArgs {
    /// Group to test: joined, sent one message, and left [default: one of its own, wps-doctor-…]
    ///
    /// Nothing is sent to any other group. Give one if the token's roles are limited to certain groups.
    #[arg(short, long, value_name = "G")]
    pub group: Option<String>,

    /// Time limit for each of join, send, receive, ping and leave
    #[arg(long, value_name = "D", default_value = "30s", value_parser = duration, help_heading = "Operations")]
    pub ack_timeout: Duration,

    /// Format of stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: ReportFormat,

    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
    /// Where to connect.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The way to the service.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What a token signed here says.
    #[command(flatten)]
    pub token: TokenArgs,
    /// When the run ends.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}
