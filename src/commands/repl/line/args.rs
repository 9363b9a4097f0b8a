//! The commands of a line, each with the structure of its flags.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::commands::service::args::{ClosingArgs, GrantArgs, GroupingArgs, MembersArgs, PresenceArgs, ToArgs};
use crate::commands::stream::args::FlowArgs;
use crate::options::data::args::{DataArgs, MetadataArgs, TtlArgs};
use crate::options::operation::args::{AckIdArgs, JoinAckArgs};
use crate::options::values::{DataType, OutputFormat, duration};

/// The commands of a line.
#[derive(Debug, Subcommand)]
pub enum LineCommand {
    /// Join groups
    Join(LineGroupsArgs),
    /// Leave groups
    Leave(LineGroupsArgs),
    /// Publish a message to a group
    ///
    /// Flags come before GROUP, which may be quoted; DATA is the rest of the line verbatim, after one blank. A `\` at
    /// the end continues the line, and so does incomplete JSON with `-t json`.
    Send(LineSendArgs),
    /// Send a custom event to the application server
    ///
    /// Flags come before NAME, which may be quoted; DATA is the rest of the line verbatim, after one blank.
    Event(LineEventArgs),
    /// Call the application server and print its answer
    ///
    /// Flags come before NAME, which may be quoted; DATA is the rest of the line verbatim, after one blank, and may be
    /// omitted. Ctrl-C cancels the call.
    Invoke(LineInvokeArgs),
    /// Publish the lines that follow to a group as one stream
    ///
    /// Each line is a fragment, including its line end, until `\.` on a line of its own, Ctrl-D on an empty line, or
    /// the end of a script. Ctrl-C ends the stream as failed. Flags come before GROUP.
    Stream(LineStreamArgs),
    /// Set your state in a group, and see those of its members
    ///
    /// The group is joined first, if necessary.
    State(LineStateArgs),
    /// Do what an application server does, through the service's REST API
    ///
    /// Available if the connection's source gives access to the REST API: a connection string, --endpoint, --local.
    Service(LineServiceArgs),
    /// Wait for a record that matches a jq expression
    ///
    /// Looks at the records of `-o ndjson`, in order, that no earlier `expect` has passed, and passes all up to the one
    /// that matches. Fails with exit 12 if none matches in time. JQ is the rest of the line verbatim.
    Expect(LineExpectArgs),
    /// Pause
    Sleep(LineSleepArgs),
    /// List the groups, requested and joined
    Groups,
    /// Show the connection: state, ids, counts, times
    Status,
    /// Measure the round trip to the service
    Ping,
    /// Change what is printed; without arguments, show the settings
    Set(LineSetArgs),
    /// List the lines entered so far
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
    /// What goes with it.
    #[command(flatten)]
    pub metadata: MetadataArgs,
    /// For how long.
    #[command(flatten)]
    pub ttl: TtlArgs,
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
    /// What goes with it.
    #[command(flatten)]
    pub metadata: MetadataArgs,
    /// Its ack.
    #[command(flatten)]
    pub ack: AckIdArgs,
}

/// `invoke`.
#[derive(Debug, Args)]
pub struct LineInvokeArgs {
    /// Name of the event, as its handler knows it
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The data: the rest of the line
    #[arg(value_name = "DATA")]
    pub data: Option<String>,

    /// How long to wait for the answer [default: no limit]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub timeout: Option<Duration>,

    /// What is sent.
    #[command(flatten)]
    pub input: DataArgs,
    /// What goes with it.
    #[command(flatten)]
    pub metadata: MetadataArgs,
}

/// `stream`.
#[derive(Debug, Args)]
pub struct LineStreamArgs {
    /// Group to publish to; it need not be joined
    #[arg(value_name = "GROUP")]
    pub group: String,

    /// Type of the lines: text, or json, one value per line
    #[arg(short = 't', long = "type", value_enum, value_name = "TYPE", default_value = "text")]
    pub data_type: DataType,

    /// How the stream is run.
    #[command(flatten)]
    pub flow: FlowArgs,
}

/// `state`.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct LineStateArgs {
    /// What is asked.
    #[command(subcommand)]
    pub what: LineStateCommand,
}

/// The commands of `state`.
#[derive(Debug, Subcommand)]
pub enum LineStateCommand {
    /// Set your state, replacing the previous one
    Set {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// Names and values, which may be quoted as a whole
        #[arg(value_name = "K=V", required = true)]
        entries: Vec<String>,
    },
    /// Clear your state
    Clear {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// Print the states of the members
    List {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// Print the states, and then each change
    Watch {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// Stop printing changes
    Unwatch {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
}

/// `service`.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct LineServiceArgs {
    /// What is done.
    #[command(subcommand)]
    pub what: LineServiceCommand,
}

/// The commands of `service`.
#[derive(Debug, Subcommand)]
pub enum LineServiceCommand {
    /// Send a message to all connections, a group, a user or a connection
    ///
    /// Flags come before DATA, which is the rest of the line verbatim.
    Send(Box<LineServiceSendArgs>),
    /// List the connections in a group, one per line
    Connections(MembersArgs),
    /// Check whether a connection, group or user exists, or whether a connection is in a group
    ///
    /// In a script, `no` is a failure with exit 12.
    Exists(PresenceArgs),
    /// Close a connection, those of a group or a user, or all
    Close(ClosingArgs),
    /// Add connections to a group, or remove them
    Group(GroupingArgs),
    /// Grant, revoke or check a permission of a connection
    Permission(GrantArgs),
    /// Check whether the service is healthy
    Health,
}

/// `service send`.
#[derive(Debug, Args)]
pub struct LineServiceSendArgs {
    /// The message: the rest of the line
    #[arg(value_name = "DATA")]
    pub data: Option<String>,

    /// To whom.
    #[command(flatten)]
    pub to: ToArgs,
    /// What is sent.
    #[command(flatten)]
    pub input: DataArgs,
    /// What goes with it.
    #[command(flatten)]
    pub metadata: MetadataArgs,
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
    /// Command to explain, with its subcommand if any, as in `set output`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `set`.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct LineSetArgs {
    /// What is changed.
    #[command(subcommand)]
    pub what: Option<SetCommand>,
}

/// What `set` changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum SetCommand {
    /// How messages are printed
    Output {
        /// The format
        #[arg(value_enum, value_name = "FORMAT")]
        format: OutputFormat,
    },
    /// Whether to print the time before each message
    Timestamps {
        /// Whether
        #[arg(value_enum, value_name = "SWITCH")]
        switch: Switch,
    },
    /// Whether to show long data in full
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
