//! A line of `wps repl`: the grammar of the command line on one connection.
//!
//! The flags are the same structures as those of `wps send` and the others, without what a connection needs. [`split()`]
//! finds the flags and the name and takes the rest of the line as it is; clap does what is left, so that errors and help
//! are the same too.

pub mod args;
pub mod settings;
mod split;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use self::args::LineCommand;
use crate::cli::usage;
use crate::failure::Failure;

pub use split::{LinePieceKind, split};

#[derive(Debug, Parser)]
#[command(name = "wps", no_binary_name = true, subcommand_required = true)]
#[command(disable_help_subcommand = true, disable_version_flag = true)]
struct LineParser {
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
    LineParser::command().max_term_width(100)
}

/// Parses a line that is not empty. Its help, if it asks for that, is `columns` wide at most. Fails with a usage error.
pub fn parse_line(line: &str, columns: usize) -> Result<LineParsed, Failure> {
    let definition = line_command().term_width(columns);
    let args = split(&definition, line)?.arguments();
    parsed(&definition, args)
}

fn parsed(definition: &clap::Command, args: Vec<String>) -> Result<LineParsed, Failure> {
    let path = path(definition, &args);
    let matches = definition.clone().try_get_matches_from(&args);
    match matches.and_then(|matches| LineParser::from_arg_matches(&matches)) {
        Ok(line) => Ok(LineParsed::Run(Box::new(line.command))),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(LineParsed::Print(error.render())),
        Err(error) => Err(wrong(&error, definition, &path)),
    }
}

/// The names of the commands that `args` begin with: `set`, `full` of `set full on`.
fn path<'d>(definition: &'d clap::Command, args: &[String]) -> Vec<&'d clap::Command> {
    let mut path: Vec<&clap::Command> = Vec::new();
    for arg in args {
        let last = path.last().copied().unwrap_or(definition);
        let Some(sub) = last.find_subcommand(arg) else { break };
        path.push(sub);
    }
    path
}

/// A usage error of a line that got as far as `path`.
fn wrong(error: &clap::Error, definition: &clap::Command, path: &[&clap::Command]) -> Failure {
    let verb = path.first().map(|command| command.get_name());
    let mut failure = usage::failure(error, definition, verb);
    // Its last one is about `wps … --help`.
    failure.hints.pop();
    if let (Some(last), ErrorKind::InvalidSubcommand) = (path.last(), error.kind()) {
        let unknown = usage::unknown_command(error);
        let possible: Vec<String> = last.get_subcommands().map(|sub| format!("`{}`", sub.get_name())).collect();
        failure.error = anyhow::Error::msg(format!("`{}` knows no{unknown}", last.get_name()));
        failure = failure.hint(format!("possible: {}", possible.join(", ")));
    }
    if let (Some(last), ErrorKind::MissingRequiredArgument) = (path.last(), error.kind()) {
        let missing = |arg: &&clap::Arg| match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::Strings(names)) => names.contains(&arg.to_string()),
            _ => false,
        };
        let values = last.get_positionals().find(missing).map(clap::Arg::get_possible_values);
        let possible: Vec<String> =
            values.unwrap_or_default().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if !possible.is_empty() {
            failure = failure.hint(format!("possible: {}", possible.join(", ")));
        }
    }
    if path.is_empty() {
        return failure.hint("`help` lists the commands");
    }
    let names: Vec<&str> = path.iter().map(|command| command.get_name()).collect();
    failure.hint(format!("`help {}` shows what can be given", names.join(" ")))
}

/// The help of one command, or the list of all, in so many columns. Fails when there is no such command.
pub fn line_help(command: &[String], columns: usize) -> Result<StyledStr, Failure> {
    let definition = line_command().term_width(columns);
    if command.is_empty() {
        return Ok(list(&definition, columns).into());
    }
    let asked = command.iter().cloned().chain(["--help".to_owned()]).collect();
    match parsed(&definition, asked)? {
        LineParsed::Print(text) => Ok(text),
        // Nothing is carried out for a word behind the command.
        LineParsed::Run(_) => Ok(list(&definition, columns).into()),
    }
}

/// A row for each command, two where there is no room for it in one.
fn list(definition: &clap::Command, columns: usize) -> String {
    let names = |sub: &clap::Command| {
        let args: Vec<String> = sub.get_positionals().map(|arg| arg.to_string()).collect();
        let sets: Vec<&str> = sub.get_subcommands().map(clap::Command::get_name).collect();
        // More of them are left to the command's own help.
        let sets = if sets.len() > 4 { "COMMAND".to_owned() } else { sets.join("|") };
        [vec![sub.get_name().to_owned()], args, vec![sets]].concat().join(" ").trim_end().to_owned()
    };
    let about = |sub: &clap::Command| sub.get_about().map(ToString::to_string).unwrap_or_default();
    let rows: Vec<(String, String)> = definition.get_subcommands().map(|sub| (names(sub), about(sub))).collect();
    let width = rows.iter().map(|(names, _)| names.len()).max().unwrap_or_default();
    let fits = rows.iter().all(|(_, about)| width + about.len() + 4 <= columns);
    let mut text = String::new();
    for (names, about) in rows {
        if fits {
            text.push_str(&format!("  {names:width$}  {about}\n"));
        } else {
            text.push_str(&format!("  {names}\n"));
            folded(&mut text, &about, 6, columns);
        }
    }
    text.push('\n');
    folded(
        &mut text,
        "`help COMMAND` explains one. A `\\` at the end of a line continues it. `#` begins a comment.",
        0,
        columns,
    );
    text
}

/// Appends words in lines of so many columns, indented.
fn folded(text: &mut String, words: &str, indent: usize, columns: usize) {
    let mut column = 0;
    for word in words.split_whitespace() {
        if column > 0 && column + 1 + word.len() > columns {
            text.push('\n');
            column = 0;
        }
        let blanks = if column == 0 { indent } else { 1 };
        text.extend(std::iter::repeat_n(' ', blanks));
        text.push_str(word);
        column += blanks + word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_keeps_to_the_width_and_speaks_the_language_of_the_repl() {
        for columns in [40, 80, 100] {
            let mut asked: Vec<Vec<String>> = vec![Vec::new()];
            for sub in line_command().get_subcommands() {
                asked.push(vec![sub.get_name().to_owned()]);
                let of = |part: &clap::Command| vec![sub.get_name().to_owned(), part.get_name().to_owned()];
                asked.extend(sub.get_subcommands().map(of));
            }
            for command in asked {
                let text = line_help(&command, columns).unwrap().to_string();
                assert!(!text.contains("wps "), "{command:?}: {text}");
                for line in text.lines() {
                    // A usage stays in one piece.
                    let fits = line.chars().count() <= columns || line.starts_with("Usage: ");
                    assert!(fits, "{command:?} in {columns} columns: {line}");
                }
                if let Some(name) = command.first() {
                    assert!(text.contains(&format!("Usage: {name}")), "{text}");
                }
            }
        }
    }

    #[test]
    fn the_help_of_the_repl_has_every_command() {
        let text = include_str!("../../../cli/help/shared/lines.md");
        // A row for some, such as `history, clear`.
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('`')).collect();
        for sub in line_command().get_subcommands() {
            for name in sub.get_name_and_visible_aliases() {
                let is_named = |row: &&str| row.split(['`', ',', ' ']).any(|word| word == name);
                assert!(rows.iter().any(is_named), "{name}");
            }
        }
        let service = line_command().find_subcommand("service").cloned().unwrap();
        for sub in service.get_subcommands() {
            assert!(text.contains(&format!("`{}`", sub.get_name())), "service {}", sub.get_name());
        }
    }

    #[test]
    fn help_about_what_is_not_there_says_what_is() {
        let hints = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            line_help(&words, 80).unwrap_err().hints
        };
        assert_eq!(hints(&["sned"])[0], "did you mean `send`?");
        assert_eq!(hints(&["set", "foo"])[0], "possible: `output`, `timestamps`, `full`");
    }

    proptest::proptest! {
        #[test]
        fn spoiled_lines_are_commands_or_usage_errors(line in webpubsub_spoil::spoiled_text(&[
            "send --type=json --ack-id 7 \"my group\" {\"a\":[1,2]}",
            "expect --timeout 5s .type == \"ack\" and .ackId > 1",
            "service send --group g --metadata k=v it's \"so\"",
            "service group remove-all --connection c1",
            "state set g status=typing",
            "set output ndjson",
            "stream --lines g",
        ])) {
            crate::fuzz::repl_line(&line);
        }
    }
}
