//! The flags of `wps join`.

use clap::Args;

use crate::options::connecting::args::ConnectingArgs;
use crate::options::expressions::args::FilterArgs;
use crate::options::operation::args::JoinAckArgs;
use crate::options::reconnect::args::RejoinArgs;
use crate::options::session_file::args::SessionFileArgs;

/// `wps join`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct JoinArgs {
    /// Groups to join
    #[arg(value_name = "GROUP", required = true)]
    pub groups: Vec<String>,

    /// Hold the membership until stopped, across reconnects
    #[arg(long)]
    pub stay: bool,

    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Groups on a new connection.
    #[command(flatten)]
    pub rejoin: RejoinArgs,
    /// ackIds.
    #[command(flatten)]
    pub ack: JoinAckArgs,
    /// A connection that outlives the process.
    #[command(flatten)]
    pub session: SessionFileArgs,
}
