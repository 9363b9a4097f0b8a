//! Flags that make the emulator a test double: whom it serves, when it ends, what it keeps.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What a test harness asks of it.
#[derive(Debug, Args)]
pub struct DoubleArgs {
    /// Run CMD with the shell once ready, and end with it and its exit code
    ///
    /// It finds the emulator in `WPS_URL` (hub `hub1`), `WPS_CONNECTION_STRING` and `WebPubSubConnectionString`. stdout
    /// is CMD's then: the ready lines go to stderr, unless they are asked for with `-o ndjson`. A signal is passed on
    /// to CMD, which has 2 s; whatever it started and left behind is killed, except at a terminal. When wps itself is
    /// killed, CMD is ended all the same, except on Windows.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString)]
    pub exec: Option<String>,

    /// End when stdin is closed, so that it never outlives the program that started it
    #[arg(long)]
    pub exit_on_stdin_close: bool,

    /// Write all traffic to FILE, as ndjson: sockets, every frame both ways, refusals; tokens redacted
    ///
    /// FILE is made anew, readable by its owner only. Records: `opened`, `received`, `sent`, `ended`, `refused`,
    /// `request`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
}
