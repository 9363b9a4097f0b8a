//! The flags of `wps listen`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::options::connecting::args::ConnectingArgs;
use crate::options::expressions::args::{ConditionArgs, FilterArgs};
use crate::options::reconnect::args::RejoinArgs;
use crate::options::session_file::args::SessionFileArgs;
use crate::options::values::duration;

/// `wps listen`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct ListenArgs {
    /// Group to join, repeatable; without it, only server messages and messages of the token's groups arrive
    #[arg(short, long = "group", value_name = "G")]
    pub groups: Vec<String>,

    /// Also print the states of the members of these groups
    ///
    /// `group-state` records, as `wps state watch` prints them. It needs the role webpubsub.getGroupState, which tokens
    /// that wps signs then include, unless --role is given.
    #[arg(long, requires = "groups")]
    pub states: bool,

    /// What is started beside it.
    #[command(flatten)]
    pub on_ready: OnReadyArgs,
    /// When the run ends.
    #[command(flatten)]
    pub end: ListenEndArgs,
    /// The same, by expressions.
    #[command(flatten)]
    pub conditions: ConditionArgs,
    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Streams of groups.
    #[command(flatten)]
    pub streams: StreamsArgs,
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

/// How streams of groups are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct StreamsArgs {
    /// How to print group streams
    ///
    /// Group streams are those of `wps stream` and the like. Fragments are printed without newlines between them by `-o
    /// data`, and by `-o text` on a terminal. In a whole stream, text and bytes are joined and JSON values become an
    /// array; it counts as one message. A stream that breaks off is printed as far as it was received and marked as
    /// incomplete; the numbers of missing and repeated fragments are reported as well.
    #[arg(long, value_enum, value_name = "HOW", default_value = "fragments")]
    pub streams: Streams,

    /// A stream ends after this much silence
    #[arg(long, value_name = "D", default_value = "5m", value_parser = duration)]
    pub stream_idle_timeout: Duration,
}

/// `--streams`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Streams {
    /// each fragment as it arrives
    Fragments,
    /// one message per stream, when it has ended
    Whole,
}

/// When `listen` ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub struct ListenEndArgs {
    /// End after N messages, exit 0
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after this time, exit 0
    #[arg(long = "for", value_name = "D", value_parser = duration)]
    pub duration: Option<Duration>,

    /// End when no message arrives for this time, exit 0
    #[arg(long, value_name = "D", value_parser = duration)]
    pub idle_timeout: Option<Duration>,
}

/// What is started when all groups are joined.
#[derive(Debug, Args)]
pub struct OnReadyArgs {
    /// Shell command to run once all groups are joined; if it fails, the run ends with exit 12
    ///
    /// Run by `sh -c` (`cmd /C` on Windows), once for the whole run. `WPS_URL` in its environment connects to the same
    /// place as the same user, so that `wps send GROUP DATA` in it needs no flags; it is valid as long as --ttl says.
    /// Its stdin is empty, its output goes to stderr. It has its own process group, which is ended (SIGTERM, a second
    /// later SIGKILL) when wps ends or is killed (except on Windows); if it ends first, with status 0, wps continues.
    /// It is not run if a group cannot be joined.
    #[arg(long, value_name = "CMD")]
    pub on_ready: Option<String>,
}
