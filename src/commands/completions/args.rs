//! The arguments of `wps completions`.

use std::ffi::OsString;

use clap::Args;
use clap_complete::Shell;

/// `wps completions`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct CompletionsArgs {
    /// Shell to print the script for
    #[arg(value_enum, value_name = "SHELL", required_unless_present = "at")]
    pub shell: Option<Shell>,

    /// What can stand at this place of a command line, from 0, for the scripts
    #[arg(long, value_name = "INDEX", hide = true, conflicts_with = "shell")]
    pub at: Option<usize>,

    /// The words of that command line, the program's name first
    #[arg(value_name = "WORD", hide = true, last = true, requires = "at")]
    pub words: Vec<OsString>,
}
