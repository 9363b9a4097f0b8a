//! What whoever sits at a terminal, or writes into a pipe, asks a repl for.

use std::io;

use super::lines::ReplInput;

/// What a person asks for.
#[derive(Debug)]
pub enum UserAction {
    /// To carry this out.
    Line(ReplInput),
    /// To give up what runs.
    Abandon,
    /// To give up whatever there is: Ctrl-C where no editor makes a key of it.
    Interrupt,
    /// To leave.
    Leave,
    /// The terminal has failed.
    Failed(io::Error),
}
