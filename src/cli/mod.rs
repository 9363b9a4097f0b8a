//! What was typed: the clap types, their value parsers and help, and nothing that decides anything.
//!
//! [`parse`] is the way in. What it returns goes to the settings, which fill in defaults and refuse contradictions;
//! completions and man pages are made from [`definition`].

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
pub use help::{CommandHelp, SectionBody, TOPICS, Topic, of as help_of};
pub use profile::{FlagValue, ProfileFlag, TypedFlags, check_flag, parse_with, profile_flags};

/// A command-line client for Azure Web PubSub, with a local emulator of the service
///
/// Flags may come before or after the command. `wps COMMAND --help` shows examples and all flags of a command;
/// `wps help TOPIC` explains what many commands share.
#[derive(Debug, Parser)]
#[command(name = "wps", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_long_help = include_str!("help/wps.md"))]
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

/// The definition of the command line; its help is not laid out.
pub fn definition() -> clap::Command {
    with_negative_values(Cli::command().max_term_width(100))
}

/// So that `--repeat -1` is told what is wrong with it, and not taken for a flag that nobody knows.
fn with_negative_values(command: clap::Command) -> clap::Command {
    let takes =
        |arg: &clap::Arg| arg.get_action().takes_values() && !arg.is_positional() && !arg.is_require_equals_set();
    command
        .mut_args(|arg| if takes(&arg) { arg.allow_negative_numbers(true) } else { arg })
        .mut_subcommands(with_negative_values)
}

/// The definition with its help laid out.
fn helpful() -> clap::Command {
    let mut command = definition();
    for (name, _) in all_commands(&command.clone()) {
        let helped = |sub: clap::Command| with_help(sub, &format!("wps {name}"));
        command = match name.split_once(' ') {
            None => command.mut_subcommand(&name, helped),
            Some((group, sub)) => command.mut_subcommand(group, |command| command.mut_subcommand(sub, helped)),
        };
    }
    with_help(command, "wps")
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

/// With what is the command's own in full, and what many commands have in a line each.
fn with_help(command: clap::Command, name: &str) -> clap::Command {
    let help = help::of(&command);
    let (names, flags) = (help::shared_names(&command), help::shared_flags(&command));
    let more = format!("See `{name} --help` for details and exit codes.");
    let command = command.mut_args(|arg| if Topic::of(&arg).is_some() { arg.hide(true) } else { arg });
    command
        .before_help(help::examples_text(&help))
        .after_help(format!("{names}{more}"))
        .after_long_help(format!("{flags}{}", help::sections_text(&help)))
}

/// What `wps help TOPIC` prints.
fn topic_text(topic: &'static Topic) -> StyledStr {
    let mut command = topic.command(&definition());
    let text = help::sections_text(&help::of(&command));
    command = command.after_long_help(text);
    closed_up(&command.render_long_help())
}

/// Help as it is shown.
fn closed_up(text: &StyledStr) -> StyledStr {
    help::closed_up(&text.ansi().to_string()).into()
}

/// The topic that `wps help` is asked about, if it is one.
fn topic_of(args: &[OsString]) -> Option<&'static Topic> {
    match args {
        [help, name] if help == "help" => Topic::named(name.to_str()?),
        _ => None,
    }
}

/// Parses the arguments, the program's name first. Fails with a usage error (exit 2).
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, Failure> {
    read(args).map(|(parsed, _)| parsed)
}

/// Parses the arguments, and says which of them profiles have to do with.
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<(Parsed, TypedFlags), Failure> {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_else(|| "wps".into());
    let args: Vec<OsString> = args.collect();
    if let Some(read) = read_quickly(&program, &args) {
        return Ok(read);
    }
    let mut definition = definition();
    let args = leading::move_behind_command(&definition, args)?;
    if let Some(topic) = topic_of(&args) {
        return Ok((Parsed::Print(topic_text(topic)), TypedFlags::default()));
    }
    let line = || std::iter::once(program.clone()).chain(args.iter().cloned());
    let error = match definition.try_get_matches_from_mut(line()) {
        Ok(matches) => {
            let typed = profile::typed_of(&definition, &matches);
            match Cli::from_arg_matches(&matches) {
                Ok(cli) => return Ok((Parsed::Run(cli.command), typed)),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayVersion => Ok((Parsed::Print(error.render()), TypedFlags::default())),
        ErrorKind::DisplayHelp => Ok((Parsed::Print(help_for(line())), TypedFlags::default())),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Ok((Parsed::Nothing(help_for(line())), TypedFlags::default()))
        }
        _ => Err(usage::failure(&error, &definition, named(&definition, &args).as_deref())),
    }
}

/// The same with the flags of the one command that is named first, if all is well with that: the definition of the whole
/// is most of what a short run costs.
fn read_quickly(program: &OsString, args: &[OsString]) -> Option<(Parsed, TypedFlags)> {
    let first = args.first()?.to_str()?;
    let mut root = clap::Command::new("wps").version(env!("CARGO_PKG_VERSION"));
    if let Some(command) = commands::bare(first) {
        root = root.subcommand(with_negative_values(command));
    } else if !matches!(first, "--version" | "-V") {
        return None;
    }
    let args = leading::move_behind_command(&root, args.to_vec()).ok()?;
    match root.try_get_matches_from_mut(std::iter::once(program.clone()).chain(args)) {
        Ok(matches) => {
            let typed = profile::typed_of(&root, &matches);
            let cli = Cli::from_arg_matches(&matches).ok()?;
            Some((Parsed::Run(cli.command), typed))
        }
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            Some((Parsed::Print(error.render()), TypedFlags::default()))
        }
        // The definition of the whole says what is wrong, or helps.
        Err(_) => None,
    }
}

/// The help that a command line asks for.
fn help_for(line: impl Iterator<Item = OsString>) -> StyledStr {
    match helpful().try_get_matches_from(line) {
        Err(error) => closed_up(&error.render()),
        // It asked for help a moment ago.
        Ok(_) => StyledStr::new(),
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
