//! The flag of `wps man`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `wps man`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct ManArgs {
    /// Directory to write to; created if missing; existing pages are replaced
    #[arg(long, value_name = "D", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}
