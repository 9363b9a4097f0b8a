//! The flags of `wps repl`.

use std::path::PathBuf;

use clap::Args;

use crate::options::connecting::args::ConnectingArgs;
use crate::options::operation::args::OnUnknownArgs;
use crate::options::reconnect::args::RejoinArgs;

/// `wps repl`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct ReplArgs {
    /// Read the lines from this file, as a script; without it, from stdin if that is not a terminal
    ///
    /// `#!/usr/bin/env -S wps repl --file` makes a script executable.
    #[arg(long, value_name = "SCRIPT")]
    pub file: Option<PathBuf>,

    /// Continue after a line that fails; the exit code is that of the first failure
    ///
    /// For scripts. At a terminal an error never ends the session.
    #[arg(long)]
    pub keep_going: bool,

    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Groups on a new connection.
    #[command(flatten)]
    pub rejoin: RejoinArgs,
    /// Acks that did not come.
    #[command(flatten)]
    pub unknown: OnUnknownArgs,
}
