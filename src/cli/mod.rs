//! What was typed: the clap types, their value parsers and help, and nothing that decides anything.
//!
//! [`parse`] is the way in. What it returns goes to the settings, which fill in defaults and refuse contradictions;
//! completions and man pages are made from [`command`].

mod commands;
mod help;
pub mod leading;
mod profile;
pub mod usage;

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::failure::Failure;

pub use commands::Command;
pub use help::{Body, examples_of, sections};
pub use profile::{FlagValue, ProfileFlag, Typed, check_flag, parse_with, profile_flags, typed};

/// A command-line client for Azure Web PubSub, with a local emulator of the service
///
/// Flags may stand before or after the command. Each command has examples and all its flags under `wps COMMAND --help`.
#[derive(Debug, Parser)]
#[command(name = "wps", version, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// To carry a command out.
    Run(Command),
    /// To print help or the version to stdout and exit 0. Its `ansi()` is for terminals, its `Display` is plain.
    Print(StyledStr),
    /// Nothing: to print this help to stderr and exit 2.
    Nothing(StyledStr),
}

/// The definition that help, completions and man pages are made from.
pub fn command() -> clap::Command {
    let mut command = Cli::command().max_term_width(100);
    for (name, _) in all_commands(&command.clone()) {
        let more = more(&format!("wps {name}"));
        let helped = |sub: clap::Command| with_help(sub, &name).after_help(more);
        command = match name.split_once(' ') {
            None => command.mut_subcommand(&name, helped),
            Some((group, sub)) => command.mut_subcommand(group, |command| command.mut_subcommand(sub, helped)),
        };
    }
    with_help(command, "wps").after_help(more("wps"))
}

/// Every command below this one with its whole name, as in `url create`; a group before its own.
pub fn all_commands(command: &clap::Command) -> Vec<(String, &clap::Command)> {
    let mut all = Vec::new();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        all.push((sub.get_name().to_owned(), sub));
        all.extend(all_commands(sub).into_iter().map(|(name, deeper)| (format!("{} {name}", sub.get_name()), deeper)));
    }
    all
}

fn with_help(command: clap::Command, name: &str) -> clap::Command {
    command.before_help(help::examples_text(name)).after_long_help(help::sections_text(name))
}

fn more(command: &str) -> String {
    format!("`{command} --help` says more, also what is promised, exit codes and environment.")
}

/// Parses the arguments, the program's name first. Fails with a usage error (exit 2).
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, Failure> {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_else(|| "wps".into());
    let command = command();
    let args = leading::move_behind_command(&command, args.collect())?;
    let named = named(&command, &args);
    let matches = command.clone().try_get_matches_from(std::iter::once(program).chain(args));
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => Ok(Parsed::Run(cli.command)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Print(error.render())),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Ok(Parsed::Nothing(error.render())),
            _ => Err(usage::failure(&error, &command, named.as_deref())),
        },
    }
}

/// The whole name of the command that these arguments are for.
fn named(command: &clap::Command, args: &[OsString]) -> Option<String> {
    let (first, rest) = args.split_first()?;
    let first = first.to_str()?;
    let deeper = named(command.find_subcommand(first)?, rest);
    Some(deeper.map_or_else(|| first.to_owned(), |deeper| format!("{first} {deeper}")))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod generated;
