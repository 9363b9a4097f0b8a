//! The flags of `wps ping`.

use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::options::connecting::args::ConnectingArgs;
use crate::options::expressions::args::{ConditionArgs, FilterArgs};
use crate::options::values::{OutputFormat, duration};

/// `wps ping`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct PingArgs {
    /// Which flags were given. First: what is read of the others is gone from what was typed.
    #[command(flatten)]
    pub given: GivenFlags,

    /// End after N pings and their answers [default: 5; at a terminal: unlimited]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Time between pings, whether or not they are answered
    #[arg(short, long, value_name = "D", default_value = "1s", value_parser = duration)]
    pub interval: Duration,

    /// Send messages to this group and wait for them to come back, instead of the protocol's ping
    ///
    /// It joins the group, so it needs the roles for joining and sending. Every member of the group gets the messages:
    /// a text each, `wps-ping RUN N`.
    #[arg(short, long, value_name = "G")]
    pub group: Option<String>,

    /// When the run ends, by expressions.
    #[command(flatten)]
    pub conditions: ConditionArgs,
    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
}

impl PingArgs {
    /// What stdout carries: unless it is said, lines for people and records for programs.
    pub fn format(&self, terminal: bool) -> OutputFormat {
        let chosen = self.given.output || terminal || self.connecting.output.output != OutputFormat::Text;
        if chosen { self.connecting.output.output } else { OutputFormat::Ndjson }
    }
}

/// What cannot be told from the value of a flag that has a default. Adds no flag.
#[derive(Clone, Copy, Debug, Default)]
pub struct GivenFlags {
    /// `--output`.
    output: bool,
}

impl FromArgMatches for GivenFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { output: matches.value_source("output").is_some_and(|source| source != ValueSource::DefaultValue) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for GivenFlags {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
