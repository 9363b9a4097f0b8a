//! The flags of `wps state`.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::options::connecting::args::ConnectingArgs;
use crate::options::expressions::args::{ConditionArgs, FilterArgs};
use crate::options::reconnect::args::RejoinArgs;
use crate::options::session_file::args::SessionFileArgs;
use crate::options::values::duration;

/// `wps state`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_long_help = include_str!("help.md"))]
pub struct StateArgs {
    /// Which of its commands.
    #[command(subcommand)]
    pub command: StateCommand,
}

/// The commands of `wps state`.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Set this connection's state in a group, for as long as the command runs
    Set(Box<StateSetArgs>),
    /// Print the states of the members of a group, and exit
    List(Box<StateListArgs>),
    /// Print the states of the members of a group, and each change
    Watch(Box<StateWatchArgs>),
}

/// `wps state set`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("set.md"))]
pub struct StateSetArgs {
    /// Group to set the state in; it is joined
    #[arg(value_name = "GROUP")]
    pub group: String,

    /// Names and values, replacing the whole state; at most 512 bytes together
    #[arg(value_name = "K=V", required_unless_present = "clear", conflicts_with = "clear")]
    pub entries: Vec<String>,

    /// Clear the state, and exit
    ///
    /// For the connection of an earlier run (--session): a new one has no state yet.
    #[arg(long)]
    pub clear: bool,

    /// End after this time, exit 0
    #[arg(long = "for", value_name = "D", value_parser = duration, help_heading = "Ending")]
    pub duration: Option<Duration>,

    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Groups on a new connection.
    #[command(flatten)]
    pub rejoin: RejoinArgs,
    /// A connection that outlives the process.
    #[command(flatten)]
    pub session: SessionFileArgs,
}

/// `wps state list`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("list.md"))]
pub struct StateListArgs {
    /// Group whose members to list; it is joined
    #[arg(value_name = "GROUP")]
    pub group: String,

    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
}

/// `wps state watch`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("watch.md"))]
pub struct StateWatchArgs {
    /// Group whose members to watch; it is joined
    #[arg(value_name = "GROUP")]
    pub group: String,

    /// End after this time, exit 0
    #[arg(long = "for", value_name = "D", value_parser = duration, help_heading = "Ending")]
    pub duration: Option<Duration>,

    /// When it ends, by expressions.
    #[command(flatten)]
    pub conditions: ConditionArgs,
    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Groups on a new connection.
    #[command(flatten)]
    pub rejoin: RejoinArgs,
}
