//! One structure a command: its own flags, and the groups of flags that it shares with others.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use clap_complete::Shell;

use super::connection::{ConnectionArgs, ReconnectArgs, RejoinArgs, TokenArgs};
use super::doctor::DoctorArgs;
use super::emulator::EmulatorArgs;
use super::expressions::{ConditionArgs, FilterArgs, ReplyConditionArgs};
use super::network::NetworkArgs;
use super::on_ready::OnReadyArgs;
use super::operation::{AckArgs, DataArgs, JoinAckArgs, OnUnknownArgs, RetryArgs};
use super::output::{ListenEndArgs, OutputArgs, TalkArgs, TimeoutArgs};
use super::record::{RecordArgs, ReplayArgs};
use super::session_file::SessionFileArgs;
use super::stream::StreamArgs;
use super::url::{ConfigArgs, ConfigCommand, UrlArgs, UrlCommand};
use super::values::{ColorChoice, EmulatorFormat, Format, ReportFormat};

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

/// What every connecting command takes.
#[derive(Debug, Args)]
pub struct ConnectingArgs {
    /// Where to connect.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The way to the service.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What a token signed here says.
    #[command(flatten)]
    pub token: TokenArgs,
    /// How to stay connected.
    #[command(flatten)]
    pub reconnect: ReconnectArgs,
    /// Retries of operations.
    #[command(flatten)]
    pub retry: RetryArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What is recorded.
    #[command(flatten)]
    pub record: RecordArgs,
    /// When the run ends.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}

/// `wps listen`.
#[derive(Debug, Args)]
pub struct ListenArgs {
    /// Group to join, repeatable; without it only server messages and groups of the token arrive
    #[arg(short, long = "group", value_name = "G")]
    pub groups: Vec<String>,

    /// What is started beside it.
    #[command(flatten)]
    pub on_ready: OnReadyArgs,
    /// When the run ends.
    #[command(flatten)]
    pub end: ListenEndArgs,
    /// The same, by expressions.
    #[command(flatten)]
    pub conditions: ConditionArgs,
    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Groups on a new connection.
    #[command(flatten)]
    pub rejoin: RejoinArgs,
    /// A connection that outlives the process.
    #[command(flatten)]
    pub session: SessionFileArgs,
}

/// `wps join`.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// Groups to join
    #[arg(value_name = "GROUP", required = true)]
    pub groups: Vec<String>,

    /// Hold the membership until stopped, across reconnects
    #[arg(long)]
    pub stay: bool,

    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Groups on a new connection.
    #[command(flatten)]
    pub rejoin: RejoinArgs,
    /// ackIds.
    #[command(flatten)]
    pub ack: JoinAckArgs,
    /// A connection that outlives the process.
    #[command(flatten)]
    pub session: SessionFileArgs,
}

/// `wps send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Group to publish to; it need not be joined. May be absent with --ndjson, where each record then names its own
    #[arg(value_name = "GROUP", required_unless_present = "ndjson")]
    pub group: Option<String>,

    /// The message; `-` takes stdin whole, byte for byte, as one message
    ///
    /// Exactly one of DATA, `-`, --file, --lines and --ndjson is needed: stdin is never read unasked. Data that begins
    /// with `-` and is not a number stands behind `--`.
    #[arg(value_name = "DATA", allow_negative_numbers = true)]
    pub data: Option<String>,

    /// Do not deliver the message to the connection that sends it
    #[arg(long)]
    pub no_echo: bool,

    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What is sent.
    #[command(flatten)]
    pub input: DataArgs,
    /// Many messages.
    #[command(flatten)]
    pub stream: StreamArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Acks.
    #[command(flatten)]
    pub ack: AckArgs,
    /// A connection that outlives the process.
    #[command(flatten)]
    pub session: SessionFileArgs,
}

/// `wps event`.
#[derive(Debug, Args)]
pub struct EventArgs {
    /// Name of the event, as its handler knows it. May be absent with --ndjson, where each record then has its own
    #[arg(value_name = "NAME", required_unless_present = "ndjson")]
    pub name: Option<String>,

    /// The event's data; `-` takes stdin whole, byte for byte
    ///
    /// Exactly one of DATA, `-`, --file, --lines and --ndjson is needed: stdin is never read unasked. Data that begins
    /// with `-` and is not a number stands behind `--`.
    #[arg(value_name = "DATA", allow_negative_numbers = true)]
    pub data: Option<String>,

    /// Print N server messages that answer, then exit [default N: 1]
    ///
    /// Written with `=`, as in `--wait-reply=2`. Waits 30 s unless --timeout says otherwise, then exit 12.
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub wait_reply: Option<u64>,

    /// When it has its answer.
    #[command(flatten)]
    pub condition: ReplyConditionArgs,
    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What is sent.
    #[command(flatten)]
    pub input: DataArgs,
    /// Many messages.
    #[command(flatten)]
    pub stream: StreamArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Acks.
    #[command(flatten)]
    pub ack: AckArgs,
    /// A connection that outlives the process.
    #[command(flatten)]
    pub session: SessionFileArgs,
}

/// `wps repl`.
#[derive(Debug, Args)]
pub struct ReplArgs {
    /// Take the lines from this file, as a script; without it, from stdin when that is not a terminal
    ///
    /// `#!/usr/bin/env -S wps repl --file` makes a script a command.
    #[arg(long, value_name = "SCRIPT")]
    pub file: Option<PathBuf>,

    /// Go on after a line that failed; the exit code is that of the first
    ///
    /// For scripts. At a terminal an error never ends the session.
    #[arg(long)]
    pub keep_going: bool,

    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Groups on a new connection.
    #[command(flatten)]
    pub rejoin: RejoinArgs,
    /// Acks that did not come.
    #[command(flatten)]
    pub unknown: OnUnknownArgs,
}

/// `wps completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell to print the script for
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// `wps man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Directory to write to; made when missing; pages there are replaced
    #[arg(long, value_name = "D", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}
