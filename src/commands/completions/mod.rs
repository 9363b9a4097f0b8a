//! `wps completions SHELL`: the completion script for a shell, made from the definition of the command line.

pub mod args;

use std::io::{self, ErrorKind, Write};

use clap_complete::Shell;

use self::args::CompletionsArgs;
use super::{CommandArgs, Task};
use crate::cli::definition;
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};

impl CommandArgs for CompletionsArgs {
    fn settle(self: Box<Self>, _: &Environment, _: &mut dyn Input) -> Result<Task, Failure> {
        Ok(Box::new(move |_| run(self.shell, &mut io::stdout()).map(|()| 0)))
    }
}

/// The completion script of a shell.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "wps", &mut script);
    script
}

/// Prints the completion script of a shell. A reader that goes away ends it quietly; other write errors are exit 13.
pub fn run(shell: Shell, out: &mut dyn Write) -> Result<(), Failure> {
    match out.write_all(&script(shell)).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Output, anyhow::Error::new(error).context("could not write the completion script")))
        }
        _ => Ok(()),
    }
}
