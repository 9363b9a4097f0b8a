//! The flag of `wps man`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `wps man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Directory to write to; made when missing; pages there are replaced
    #[arg(long, value_name = "D", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}
