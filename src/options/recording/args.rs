//! The flag that makes a recording.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Recording what goes over the wire.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct RecordArgs {
    /// Record every frame in FILE, for `wps replay`
    ///
    /// Sent and received frames, each with its time. One line of JSON each: a header, then frames (`at` in seconds,
    /// `direction`, `frame`, or `frameBase64` for a binary one) and what happens to the connection (`event`). Tokens
    /// are redacted, the data of messages is not: the file is readable by its owner only. Existing contents are
    /// replaced. If it cannot be written, the run ends with exit 13.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,
}
