//! Flags that say what is printed and when a run ends.

use std::time::Duration;

use clap::{ArgAction, Args};

use crate::options::expressions::args::FilterArgs;
use crate::options::values::{ColorChoice, OnlyName, OutputFormat, ReportFormat, duration};

/// What is printed by the connecting commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Format of stdout
    ///
    /// Everything else goes to stderr.
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        default_value_if("jq", clap::builder::ArgPredicate::IsPresent, "ndjson")
    )]
    pub output: OutputFormat,

    /// Print only these records
    ///
    /// With -o ndjson and -o raw.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub only: Option<OnlyName>,

    /// Print the time before each message
    ///
    /// The time of arrival; with -o text (ndjson always has it).
    #[arg(long)]
    pub timestamps: bool,

    /// What to print on stderr and whether in colour.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// What is printed, and how long for, by commands that report what they do or find.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ReportArgs {
    /// Format of stdout
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        default_value_if("jq", clap::builder::ArgPredicate::IsPresent, "ndjson")
    )]
    pub output: ReportFormat,
    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
    /// When the run ends.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}

/// How much is said on stderr, and colour.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct StderrArgs {
    /// When to use colour
    ///
    /// `auto` follows `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb`, separately for stdout and stderr.
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Print only errors on stderr
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print more: -v lifecycle, -vv frames, -vvv handshake
    ///
    /// On stderr; each level includes the ones below it. Tokens and keys are redacted at every level.
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// When any run ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub struct TimeoutArgs {
    /// End after this time, counted from the start of the process; exit 124 if nothing else ended the run
    #[arg(long, value_name = "D", value_parser = duration)]
    pub timeout: Option<Duration>,
}
