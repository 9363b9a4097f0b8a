//! A line of `wps repl`: the grammar of the command line on one connection.
//!
//! The flags are the same structures as those of `wps send` and the others, without what a connection needs. [`split()`]
//! finds the flags and the name and takes the rest of the line as it is; clap does what is left, so that errors and help
//! are the same too.

mod split;

use std::time::Duration;

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use super::operation::{AckIdArgs, DataArgs, JoinAckArgs};
use super::usage;
use super::values::{Format, duration};
use crate::failure::{Failure, Kind};

pub use split::{Place, split};

#[derive(Debug, Parser)]
#[command(name = "wps", no_binary_name = true, subcommand_required = true)]
#[command(disable_help_subcommand = true, disable_version_flag = true)]
struct Line {
    #[command(subcommand)]
    command: LineCommand,
}

/// The commands of a line.
#[derive(Debug, Subcommand)]
pub enum LineCommand {
    /// Join groups
    Join(LineGroupsArgs),
    /// Leave groups
    Leave(LineGroupsArgs),
    /// Publish a message to a group
    ///
    /// Flags stand before GROUP, which may be quoted; DATA is the rest of the line as it is, after one blank. A `\` at
    /// the end continues the line, and so does JSON that is not complete with `-t json`.
    Send(LineSendArgs),
    /// Send a custom event to the application server
    ///
    /// Flags stand before NAME, which may be quoted; DATA is the rest of the line as it is, after one blank.
    Event(LineEventArgs),
    /// Wait for a record that meets a jq expression
    ///
    /// Looks at the records of `-o ndjson`, in their order, that no earlier `expect` has passed, and passes all up to the
    /// one that matches. Fails with exit 12 when none comes in time. JQ is the rest of the line as it is.
    Expect(LineExpectArgs),
    /// Do nothing for a while
    Sleep(LineSleepArgs),
    /// List the groups asked for and those joined
    Groups,
    /// Show the connection: state, ids, counts, times
    Status,
    /// Measure the round trip to the service
    Ping,
    /// Change what is printed
    #[command(subcommand)]
    Set(SetCommand),
    /// List the lines entered before
    History,
    /// Clear the screen
    Clear,
    /// List the commands, or explain one
    Help(LineHelpArgs),
    /// Close the connection and leave
    #[command(visible_alias = "exit")]
    Quit,
}

/// `join` and `leave`.
#[derive(Debug, Args)]
pub struct LineGroupsArgs {
    /// Groups, which may be quoted
    #[arg(value_name = "GROUP", required = true)]
    pub groups: Vec<String>,

    /// ackIds.
    #[command(flatten)]
    pub ack: JoinAckArgs,
}

/// `send`.
#[derive(Debug, Args)]
pub struct LineSendArgs {
    /// Group to publish to; it need not be joined
    #[arg(value_name = "GROUP")]
    pub group: String,

    /// The message: the rest of the line
    #[arg(value_name = "DATA")]
    pub data: Option<String>,

    /// Do not deliver the message to this connection
    #[arg(long)]
    pub no_echo: bool,

    /// What is sent.
    #[command(flatten)]
    pub input: DataArgs,
    /// Its ack.
    #[command(flatten)]
    pub ack: AckIdArgs,
}

/// `event`.
#[derive(Debug, Args)]
pub struct LineEventArgs {
    /// Name of the event, as its handler knows it
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The event's data: the rest of the line
    #[arg(value_name = "DATA")]
    pub data: Option<String>,

    /// What is sent.
    #[command(flatten)]
    pub input: DataArgs,
    /// Its ack.
    #[command(flatten)]
    pub ack: AckIdArgs,
}

/// `expect`.
#[derive(Debug, Args)]
pub struct LineExpectArgs {
    /// The jq expression: the rest of the line
    #[arg(value_name = "JQ")]
    pub jq: String,

    /// How long to wait
    #[arg(long, value_name = "D", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}

/// `sleep`.
#[derive(Debug, Args)]
pub struct LineSleepArgs {
    /// How long, as in `500ms`, `2s`; a bare number is seconds
    #[arg(value_name = "D", value_parser = duration)]
    pub duration: Duration,
}

/// `help`.
#[derive(Debug, Args)]
pub struct LineHelpArgs {
    /// Command to explain
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// What `set` changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum SetCommand {
    /// What messages are printed as
    Output {
        /// The format
        #[arg(value_enum, value_name = "FORMAT")]
        format: Format,
    },
    /// Whether the time stands before each message
    Timestamps {
        /// Whether
        #[arg(value_enum, value_name = "SWITCH")]
        switch: Switch,
    },
    /// Whether long data is shown whole
    Full {
        /// Whether
        #[arg(value_enum, value_name = "SWITCH")]
        switch: Switch,
    },
}

/// `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// yes
    On,
    /// no
    Off,
}

impl Switch {
    /// Whether it is on.
    pub fn is_on(self) -> bool {
        self == Self::On
    }
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
