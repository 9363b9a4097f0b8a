//! The commands, each with the structure of its flags.

use clap::Subcommand;

use crate::commands::completions::args::CompletionsArgs;
use crate::commands::config::args::{ConfigArgs, ConfigCommand};
use crate::commands::doctor::args::DoctorArgs;
use crate::commands::emulator::args::EmulatorArgs;
use crate::commands::event::args::EventArgs;
use crate::commands::join::args::JoinArgs;
use crate::commands::listen::args::ListenArgs;
use crate::commands::man::args::ManArgs;
use crate::commands::repl::args::ReplArgs;
use crate::commands::replay::args::ReplayArgs;
use crate::commands::send::args::SendArgs;
use crate::commands::url::args::{UrlArgs, UrlCommand};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::TalkArgs;
use crate::options::values::{ColorChoice, EmulatorFormat, Format, ReportFormat};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what arrives: messages of the groups given, server messages, lifecycle
    Listen(Box<ListenArgs>),
    /// Join groups, report each ack, and exit; --stay holds the membership
    Join(Box<JoinArgs>),
    /// Publish a message to a group
    Send(Box<SendArgs>),
    /// Send a custom event to the application server
    Event(Box<EventArgs>),
    /// Join, send and look by hand, on one connection; also for scripts of such lines
    Repl(Box<ReplArgs>),
    /// Send again what a recording holds
    Replay(Box<ReplayArgs>),
    /// Find out, step by step, why a connection does not work
    Doctor(Box<DoctorArgs>),
    /// Run a local Web PubSub service on this machine, for development and tests
    Emulator(Box<EmulatorArgs>),
    /// Make client access URLs, and explain them
    Url(UrlArgs),
    /// Show and check profiles: named sets of flags in a configuration file
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the man pages
    Man(ManArgs),
}

impl Command {
    /// Whether its output is records, of which there is one of its end then.
    pub fn prints_records(&self) -> bool {
        match self {
            Self::Listen(args) => args.connecting.output.output == Format::Ndjson,
            Self::Join(args) => args.connecting.output.output == Format::Ndjson,
            Self::Send(args) => args.connecting.output.output == Format::Ndjson,
            Self::Event(args) => args.connecting.output.output == Format::Ndjson,
            Self::Repl(args) => args.connecting.output.output == Format::Ndjson,
            Self::Replay(args) => args.connecting.output.output == Format::Ndjson && !args.dry_run,
            Self::Emulator(args) => args.output == EmulatorFormat::Ndjson,
            Self::Doctor(args) => args.output == ReportFormat::Ndjson,
            // One record, or none: what they print has no end of its own.
            Self::Url(_) | Self::Config(_) | Self::Completions(_) | Self::Man(_) => false,
        }
    }

    /// What is printed of its records, by an expression.
    pub fn filter(&self) -> Option<&FilterArgs> {
        match self {
            Self::Listen(args) => Some(&args.filter),
            Self::Join(args) => Some(&args.filter),
            Self::Send(args) => Some(&args.filter),
            Self::Event(args) => Some(&args.filter),
            Self::Replay(args) => Some(&args.filter),
            _ => None,
        }
    }

    /// Whether it is to print in colour.
    pub fn color(&self) -> ColorChoice {
        self.talk().map_or(ColorChoice::Auto, |talk| talk.color)
    }

    /// What is said on stderr, for commands that say something.
    pub fn talk(&self) -> Option<&TalkArgs> {
        Some(match self {
            Self::Listen(args) => &args.connecting.output.talk,
            Self::Join(args) => &args.connecting.output.talk,
            Self::Send(args) => &args.connecting.output.talk,
            Self::Event(args) => &args.connecting.output.talk,
            Self::Repl(args) => &args.connecting.output.talk,
            Self::Replay(args) => &args.connecting.output.talk,
            Self::Doctor(args) => &args.talk,
            Self::Emulator(args) => &args.talk,
            Self::Url(UrlArgs { command: UrlCommand::Create(args) }) => &args.talk,
            Self::Url(UrlArgs { command: UrlCommand::Inspect(args) }) => &args.talk,
            Self::Config(ConfigArgs { command: ConfigCommand::Path(args) }) => &args.talk,
            Self::Config(ConfigArgs { command: ConfigCommand::Show(args) }) => &args.talk,
            Self::Config(ConfigArgs { command: ConfigCommand::Check(args) }) => &args.talk,
            Self::Completions(_) | Self::Man(_) => return None,
        })
    }
}
