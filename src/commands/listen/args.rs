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
    /// Group to join, repeatable; without it only server messages and groups of the token arrive
    #[arg(short, long = "group", value_name = "G")]
    pub groups: Vec<String>,

    /// Print what the members of these groups say of themselves, too
    ///
    /// `group-state` records, as `wps state watch` prints them. It takes the role webpubsub.getGroupState, which tokens
    /// signed here have then, unless --role says otherwise.
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
    /// How the streams of `wps stream` and its like are shown
    ///
    /// `-o data` prints fragments without newlines between, so does `-o text` on a terminal. In whole ones text and
    /// bytes are joined and values make an array; each counts as one message. One that breaks off is shown as far as it
    /// has come, and that is said; so is how many fragments are missing or were repeated.
    #[arg(long, value_enum, value_name = "HOW", default_value = "fragments")]
    pub streams: Streams,

    /// A stream has ended when nothing of it comes for this time
    #[arg(long, value_name = "D", default_value = "5m", value_parser = duration)]
    pub stream_idle_timeout: Duration,
}

/// `--streams`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Streams {
    /// each fragment as it comes
    Fragments,
    /// one message a stream, when it has ended
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

    /// End when no message came for this time, exit 0
    #[arg(long, value_name = "D", value_parser = duration)]
    pub idle_timeout: Option<Duration>,
}

/// What is started when all groups are joined.
#[derive(Debug, Args)]
pub struct OnReadyArgs {
    /// Shell command to run once all groups are joined; when it fails, the run ends with exit 12
    ///
    /// Run by `sh -c` (`cmd /C` on Windows), once for the whole run. `WPS_URL` in its environment connects to the same
    /// place as the same user, so that `wps send GROUP DATA` in it needs no flags; it is valid as long as --ttl says. Its
    /// stdin is empty, what it prints goes to stderr. It has a process group of its own, which is ended (SIGTERM, a second
    /// later SIGKILL) when wps ends, also when that is killed, save on Windows; when it ends first, with status 0, wps
    /// goes on. When not all groups can be joined, it is not run.
    #[arg(long, value_name = "CMD")]
    pub on_ready: Option<String>,
}
