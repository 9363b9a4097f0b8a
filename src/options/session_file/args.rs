//! The flag for a connection that outlives the process.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{Args, ValueHint};

/// A connection that outlives the process.
#[derive(Debug, Args)]
#[command(next_help_heading = "Staying connected")]
pub struct SessionFileArgs {
    /// Keep the connection in FILE, for the next run with it
    ///
    /// The next run continues the same connection. The run leaves without a close frame, however it ends, and FILE
    /// holds what is needed to continue: connection, token, groups, how far messages were printed, ackIds, and
    /// operations without an ack. The service keeps the connection for 30 s; after that the next run reports
    /// `session-lost` and makes a new one. FILE is created if missing, readable by its owner only (0600), and used by
    /// one run at a time, which holds a lock on FILE.lock. It belongs to one service, hub and user. Not with --protocol
    /// json or protobuf, which cannot recover.
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        value_parser = PathBufValueParser::new().try_map(not_empty)
    )]
    pub session: Option<PathBuf>,
}

fn not_empty(path: PathBuf) -> Result<PathBuf, &'static str> {
    if path.as_os_str().is_empty() { Err("a file name is needed") } else { Ok(path) }
}
