//! `wps completions SHELL`: the completion script of a shell. Those of bash, zsh and fish ask the program itself what can
//! stand where, by `--at`; those of the others are made from the definition of the command line.

pub mod args;
mod candidate;
mod engine;
mod values;

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use clap_complete::Shell;

use self::args::CompletionsArgs;
use self::candidate::Candidate;
use self::engine::candidates;
use self::values::KnownNames;
use super::{CommandArgs, Task};
use crate::cli::definition;
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};
use crate::profile;

impl CommandArgs for CompletionsArgs {
    fn settle(self: Box<Self>, _: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let (text, what) = match (self.shell, self.at) {
            (Some(shell), _) => (script(shell), "the completion script"),
            // Clap has one of them.
            (None, at) => {
                let words: Vec<String> = self.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
                let found = candidates(&mut definition(), &words, at.unwrap_or_default(), &mut MachineNames(input));
                (rows(&found), "what can stand there")
            }
        };
        Ok(Box::new(move |_| print(&text, what, &mut io::stdout()).map(|()| 0)))
    }
}

/// The completion script of a shell.
pub fn script(shell: Shell) -> Vec<u8> {
    match shell {
        Shell::Bash => include_bytes!("scripts/wps.bash").to_vec(),
        Shell::Zsh => include_bytes!("scripts/_wps").to_vec(),
        Shell::Fish => include_bytes!("scripts/wps.fish").to_vec(),
        shell => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut definition(), "wps", &mut script);
            script
        }
    }
}

/// A line for each: the word, and behind a tab what it is.
fn rows(found: &[Candidate]) -> Vec<u8> {
    let plain = |text: &str| !text.contains(char::is_control);
    let rows = found.iter().filter(|candidate| plain(&candidate.word)).map(|Candidate { word, about }| {
        let about = about.lines().next().unwrap_or_default();
        format!("{word}\t{}\n", if plain(about) { about } else { "" })
    });
    rows.collect::<String>().into_bytes()
}

/// This machine.
struct MachineNames<'i>(&'i mut dyn Input);

impl KnownNames for MachineNames<'_> {
    fn profiles(&mut self) -> Vec<String> {
        profile::names(self.0)
    }

    fn folder(&mut self, path: &str) -> Vec<(String, bool)> {
        let folder = match (path, path.strip_prefix("~/").zip(etcetera::home_dir().ok())) {
            ("", _) => PathBuf::from("."),
            (_, Some((rest, home))) => home.join(rest),
            (path, None) => PathBuf::from(path),
        };
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let entries = entries.filter_map(Result::ok);
        entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path().is_dir()))).collect()
    }
}

/// Prints it. A reader that goes away ends it quietly; other write errors are exit 13.
pub fn print(text: &[u8], what: &str, out: &mut dyn Write) -> Result<(), Failure> {
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Output, error).context(format!("could not write {what}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
