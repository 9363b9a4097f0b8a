//! The argument of `wps completions`.

use clap::Args;
use clap_complete::Shell;

/// `wps completions`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct CompletionsArgs {
    /// Shell to print the script for
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
