//! The commands of a line, each with the structure of its flags.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::commands::service::args::{ClosingArgs, GrantArgs, GroupingArgs, MembersArgs, PresenceArgs, ToArgs};
use crate::commands::stream::args::FlowArgs;
use crate::options::data::args::{DataArgs, MetadataArgs, TtlArgs};
use crate::options::operation::args::{AckIdArgs, JoinAckArgs};
use crate::options::values::{DataType, Format, duration};

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
    /// Call the application server and print its answer
    ///
    /// Flags stand before NAME, which may be quoted; DATA is the rest of the line as it is, after one blank, and may be
    /// absent. Ctrl-C calls it off.
    Invoke(LineInvokeArgs),
    /// Publish the lines that follow to a group as one stream
    ///
    /// Each line is a fragment, with its end, until `\.` on a line of its own, Ctrl-D on an empty line, or the end of a
    /// script. Ctrl-C ends the stream as one that has failed. Flags stand before GROUP.
    Stream(LineStreamArgs),
    /// Say something of oneself to a group, and see what its members say
    ///
    /// The group is joined first, if it is not.
    State(LineStateArgs),
    /// Do what an application server does, through the service's REST API
    ///
    /// Where the connection's source opens the service for servers too: a connection string, --endpoint, --local.
    Service(LineServiceArgs),
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
    /// Change what is printed; alone, show how it is set
    Set(LineSetArgs),
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

    /// How long to wait for the answer [default: for ever]
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

    /// What the lines are: text, or json, a value a line
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
    /// Say something of oneself, in place of what was said before
    Set {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// Names and values, which may be quoted as a whole
        #[arg(value_name = "K=V", required = true)]
        entries: Vec<String>,
    },
    /// Say nothing any more
    Clear {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// Print what the members say of themselves
    List {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// The same, and from now on each change
    Watch {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// No changes any more
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
    /// Send a message to everybody, a group, a user or a connection
    ///
    /// Flags stand before DATA, which is the rest of the line as it is.
    Send(Box<LineServiceSendArgs>),
    /// List the connections in a group, a line each
    Connections(MembersArgs),
    /// Is there such a connection, a member of the group, a connection of the user?
    ///
    /// A script fails with exit 12 where there is none.
    Exists(PresenceArgs),
    /// Close a connection, or those of a group, of a user, or all
    Close(ClosingArgs),
    /// Add connections to a group, and remove them
    Group(GroupingArgs),
    /// Grant, revoke and check the permissions of a connection
    Permission(GrantArgs),
    /// Is the service well?
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
    /// Command to explain, with what it sets perhaps, as in `set output`
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
