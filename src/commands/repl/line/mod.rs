//! A line of `wps repl`: the grammar of the command line on one connection.
//!
//! The flags are the same structures as those of `wps send` and the others, without what a connection needs. [`split()`]
//! finds the flags and the name and takes the rest of the line as it is; clap does what is left, so that errors and help
//! are the same too.

pub mod args;
pub mod settings;
mod split;

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use self::args::LineCommand;
use crate::cli::usage;
use crate::failure::{Failure, Kind};

pub use split::{Place, split};

#[derive(Debug, Parser)]
#[command(name = "wps", no_binary_name = true, subcommand_required = true)]
#[command(disable_help_subcommand = true, disable_version_flag = true)]
struct Line {
    #[command(subcommand)]
    command: LineCommand,
}

/// What a line asks for.
#[derive(Debug)]
pub enum LineParsed {
    /// To carry a command out.
    Run(Box<LineCommand>),
    /// To print a command's help.
    Print(StyledStr),
}

/// The definition that lines are parsed with, and that completion looks into.
pub fn line_command() -> clap::Command {
    Line::command().max_term_width(100)
}

/// Parses a line that is not empty. Fails with a usage error.
pub fn parse_line(line: &str) -> Result<LineParsed, Failure> {
    let definition = line_command();
    let args = split(&definition, line)?.arguments();
    let verb = args.first().filter(|verb| definition.find_subcommand(verb.as_str()).is_some()).cloned();
    let matches = definition.clone().try_get_matches_from(args);
    match matches.and_then(|matches| Line::from_arg_matches(&matches)) {
        Ok(line) => Ok(LineParsed::Run(Box::new(line.command))),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(LineParsed::Print(error.render())),
        Err(error) => {
            let mut failure = usage::failure(&error, &definition, verb.as_deref());
            // Its last one is about `wps … --help`.
            failure.hints.pop();
            Err(failure.hint(match verb {
                Some(verb) => format!("`help {verb}` shows what can be given"),
                None => "`help` lists the commands".into(),
            }))
        }
    }
}

/// The help of one command, or the list of all. Fails when there is no such command.
pub fn line_help(command: Option<&str>) -> Result<StyledStr, Failure> {
    let mut definition = line_command();
    definition.build();
    let Some(name) = command else {
        let names = |sub: &clap::Command| {
            let args: Vec<String> = sub.get_positionals().map(|arg| arg.to_string()).collect();
            let sets = sub.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>().join("|");
            [vec![sub.get_name().to_owned()], args, vec![sets]].concat().join(" ").trim_end().to_owned()
        };
        let width = definition.get_subcommands().map(|sub| names(sub).len()).max().unwrap_or_default();
        let rows = definition.get_subcommands().map(|sub| {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            format!("  {:width$}  {about}\n", names(sub))
        });
        let more = "\n`help COMMAND` explains one. A `\\` at the end of a line continues it.\n`#` begins a comment.\n";
        return Ok(rows.chain([more.to_owned()]).collect::<String>().into());
    };
    match definition.find_subcommand_mut(name) {
        Some(sub) => Ok(sub.clone().bin_name(name).render_long_help()),
        None => {
            Err(Failure::message(Kind::Usage, format!("there is no command `{name}`"))
                .hint("`help` lists the commands"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_commands_has_a_row_for_each_in_a_usual_terminal() {
        for line in line_help(None).unwrap().to_string().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
