//! Flags that make the emulator a test double: whom it serves, when it ends, what it keeps.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What a test harness asks of it.
#[derive(Debug, Args)]
pub struct DoubleArgs {
    /// Run CMD with the shell once ready; when it ends, end with its exit code
    ///
    /// CMD finds the emulator in `WPS_URL` (hub `hub1`), `WPS_CONNECTION_STRING` and `WebPubSubConnectionString`.
    /// stdout belongs to CMD: the ready lines go to stderr, unless requested with `-o ndjson`. A signal is passed on to
    /// CMD, which has 2 s to end; processes that it leaves behind are killed, except at a terminal. CMD is ended even
    /// if wps itself is killed, except on Windows.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString)]
    pub exec: Option<String>,

    /// End when stdin is closed, so that the emulator never outlives the program that started it
    #[arg(long)]
    pub exit_on_stdin_close: bool,

    /// Write all traffic to FILE, as ndjson: sockets, every frame both ways, refusals; tokens redacted
    ///
    /// FILE is overwritten, and readable by its owner only. Records: `opened`, `received`, `sent`, `ended`, `refused`,
    /// `request`. They are written a moment after the answers that they tell of: a test reads until it finds what it
    /// looks for.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
}
