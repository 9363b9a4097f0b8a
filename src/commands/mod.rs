//! One room a command: `args` is what is typed, `settings` what it means, `help.md` what its help says beside its flags, and
//! the rest what the command does, in terms of the client, the renderer and the emulator.

pub mod bench;
pub mod bulk;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod emulator;
pub mod event;
pub mod invoke;
pub mod join;
pub mod listen;
pub mod man;
pub mod ping;
pub mod repl;
pub mod replay;
pub mod schema;
pub mod send;
pub mod service;
pub mod state;
pub mod stream;
pub mod trace;
pub mod tunnel;
pub mod url;
pub mod webhook;

use crate::failure::Failure;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::run::process::Process;

/// What a command will do. Fails where something goes wrong before its output is set up; else it is the exit code.
pub type Task = Box<dyn FnOnce(Process) -> Result<u8, Failure>>;

/// A command as it was typed.
pub trait CommandArgs {
    /// What is said on stderr, for commands that say something.
    fn talk(&self) -> Option<&StderrArgs> {
        None
    }

    /// Whether its output is records, of which there is one of its end then.
    fn prints_records(&self) -> bool {
        false
    }

    /// What is printed of its records, by an expression.
    fn filter(&self) -> Option<&FilterArgs> {
        None
    }

    /// What will be done. Reads the files and the standard input that the command line names for secrets, and nothing
    /// else from outside. Fails with usage (exit 2) or configuration errors (exit 3).
    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure>;

    /// What will be done when the profile cannot be had.
    fn without_profile(self: Box<Self>, failure: Failure, environment: &Environment) -> Result<Task, Failure> {
        let _ = environment;
        Err(failure)
    }
}

#[cfg(test)]
mod tests;
