//! The flags of `wps service`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

use crate::options::connection::args::{EndpointArgs, KeyArgs};
use crate::options::data::args::{DataArgs, MetadataArgs};
use crate::options::network::args::NetworkArgs;
use crate::options::operation::args::OnUnknownArgs;
use crate::options::output::args::ReportArgs;
use crate::options::requests::args::RequestArgs;
use crate::options::values::{duration, interval};

/// `wps service`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_long_help = include_str!("help.md"))]
pub struct ServiceArgs {
    /// Which of its commands.
    #[command(subcommand)]
    pub command: ServiceCommand,
}

/// The commands of `wps service`.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Send a message to all connections, a group, a user or a connection
    Send(Box<ServiceSendArgs>),
    /// List the connections in a group, one per line
    Connections(Box<ConnectionsArgs>),
    /// Check whether a connection, group or user exists, or whether a connection is in a group; exit 0: yes, 12: no
    Exists(Box<ExistsArgs>),
    /// Close a connection, those of a group or a user, or all
    Close(Box<CloseArgs>),
    /// Add connections to a group, or remove them
    Group(Box<GroupArgs>),
    /// Grant, revoke or check a permission of a connection
    Permission(Box<PermissionArgs>),
    /// Check whether the service is healthy
    Health(Box<HealthArgs>),
}

/// `wps service send`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("send.md"))]
pub struct ServiceSendArgs {
    /// The message; `-` reads all of stdin, byte for byte, as one message
    ///
    /// Exactly one of DATA, `-`, --file and --lines is required: stdin is never read unless requested. Put `--` before
    /// data that begins with `-` and is not a number.
    #[arg(value_name = "DATA", allow_negative_numbers = true)]
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
    /// Send each line of stdin as a message, as soon as it is read
    ///
    /// Lines end with LF or CRLF, which is not part of the data; the last line may be unterminated. An empty line is an
    /// empty message.
    #[arg(long, conflicts_with_all = ["data", "file"], help_heading = "Streams")]
    pub lines: bool,
    /// Maximum number of lines in flight, 1 to 256 [default: 1]
    ///
    /// With 1, each line waits for the answer to the one before it, and they arrive in order. With more, requests run
    /// in parallel, each on a connection of its own: faster, but in whatever order the service handles them.
    #[arg(long, value_name = "N", requires = "lines", help_heading = "Streams", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub in_flight: Option<u16>,
    /// Continue after a line that cannot be sent or is refused; the exit code is that of the first failure
    #[arg(long, requires = "lines", help_heading = "Streams")]
    pub keep_going: bool,
    /// Send at most this many messages a second, evenly spaced: `100`, `100/s`, `30/m`, `5/h`
    #[arg(long, value_name = "RATE", requires = "lines", help_heading = "Streams", value_parser = interval)]
    pub rate: Option<Duration>,

    /// What if an answer does not come.
    #[command(flatten)]
    pub unknown: OnUnknownArgs,
    /// What all of them take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Whom a message is for.
#[derive(Debug, Args)]
pub struct ToArgs {
    /// To all connections of the hub
    #[arg(long)]
    pub all: bool,
    /// To the connections in this group
    #[arg(short, long, value_name = "G")]
    pub group: Option<String>,
    /// To the connections of this user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub user: Option<String>,
    /// To this connection
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub connection: Option<String>,

    /// Of these, only connections that match the OData filter
    ///
    /// As in `userId ne null` or `'g1' in groups and not startswith(userId,'bot')`. Identifiers are userId,
    /// connectionId and groups; only the emulator also knows protocol. It is checked before anything is sent.
    #[arg(long, value_name = "ODATA")]
    pub filter: Option<String>,
    /// Not to this connection, repeatable; with --all and --group
    #[arg(long = "exclude", value_name = "CONNECTION", value_parser = NonEmptyStringValueParser::new())]
    pub exclude: Vec<String>,
    /// How long the service keeps the message for connections that have dropped for a moment, up to 300s
    #[arg(long, value_name = "D", value_parser = duration)]
    pub message_ttl: Option<Duration>,
}

/// `wps service connections`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("connections.md"))]
pub struct ConnectionsArgs {
    /// What is asked.
    #[command(flatten)]
    pub what: MembersArgs,
    /// What all of them take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Which connections are listed.
#[derive(Debug, Args)]
pub struct MembersArgs {
    /// The group
    #[arg(short, long, value_name = "G")]
    pub group: String,
    /// List at most this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2_147_483_647))]
    pub limit: Option<u32>,
}

/// `wps service exists`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("exists.md"))]
pub struct ExistsArgs {
    /// What is asked.
    #[command(flatten)]
    pub what: PresenceArgs,
    /// What all of them take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Who is looked for.
#[derive(Debug, Args)]
pub struct PresenceArgs {
    /// This connection
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub connection: Option<String>,
    /// Any connection in this group
    #[arg(short, long, value_name = "G")]
    pub group: Option<String>,
    /// Any connection of this user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub user: Option<String>,
    /// This connection in --group; found by listing the members
    #[arg(long, value_name = "ID", requires = "group", value_parser = NonEmptyStringValueParser::new())]
    pub member: Option<String>,
}

/// `wps service close`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("close.md"))]
pub struct CloseArgs {
    /// What is asked.
    #[command(flatten)]
    pub what: ClosingArgs,
    /// What all of them take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Whose connections are closed.
#[derive(Debug, Args)]
pub struct ClosingArgs {
    /// This connection
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub connection: Option<String>,
    /// All connections in this group
    #[arg(short, long, value_name = "G")]
    pub group: Option<String>,
    /// All connections of this user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub user: Option<String>,
    /// All connections of the hub
    #[arg(long)]
    pub all: bool,
    /// Reason given to the clients
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Not this connection, repeatable; with --all, --group and --user
    #[arg(long = "exclude", value_name = "CONNECTION", value_parser = NonEmptyStringValueParser::new())]
    pub exclude: Vec<String>,
}

/// What is done about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupAction {
    /// add to the group
    Add,
    /// remove from the group
    Remove,
    /// remove from all groups
    RemoveAll,
}

/// `wps service group`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("group.md"))]
pub struct GroupArgs {
    /// What is asked.
    #[command(flatten)]
    pub what: GroupingArgs,
    /// What all of them take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Who comes into a group or out of it.
#[derive(Debug, Args)]
pub struct GroupingArgs {
    /// What to do
    #[arg(value_enum, value_name = "ACTION")]
    pub action: GroupAction,
    /// The group; with add and remove
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// This connection
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub connection: Option<String>,
    /// All current connections of this user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub user: Option<String>,
    /// All connections that match the OData filter; with add and remove
    #[arg(long, value_name = "ODATA")]
    pub filter: Option<String>,
}

/// What is done about a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PermissionAction {
    /// grant it
    Grant,
    /// revoke it
    Revoke,
    /// check it; exit 0: granted, 12: not granted
    Check,
}

/// A permission (PROTOCOL §13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PermissionName {
    /// join and leave the group
    #[value(name = "joinLeaveGroup")]
    JoinLeaveGroup,
    /// publish to the group
    #[value(name = "sendToGroup")]
    SendToGroup,
}

/// `wps service permission`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("permission.md"))]
pub struct PermissionArgs {
    /// What is asked.
    #[command(flatten)]
    pub what: GrantArgs,
    /// What all of them take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Which permission, and whose.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// What to do
    #[arg(value_enum, value_name = "ACTION")]
    pub action: PermissionAction,
    /// Which permission
    #[arg(value_enum, value_name = "PERMISSION", ignore_case = true)]
    pub permission: PermissionName,
    /// The connection
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub connection: String,
    /// For this group
    ///
    /// Services refuse a permission without one, which would be for all groups.
    #[arg(short, long, value_name = "G")]
    pub group: Option<String>,
}

/// `wps service health`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("health.md"))]
pub struct HealthArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What all commands of `wps service` take.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// The service.
    #[command(flatten)]
    pub key: KeyArgs,
    /// One without a key.
    #[command(flatten)]
    pub endpoint: EndpointArgs,

    /// Hub on the service [default with --local: hub1]
    #[arg(long, value_name = "NAME", help_heading = "Connection", value_parser = NonEmptyStringValueParser::new())]
    pub hub: Option<String>,

    /// The way to the service.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// How long requests may take, and how often they are tried.
    #[command(flatten)]
    pub requests: RequestArgs,

    /// What is printed, and how long for.
    #[command(flatten)]
    pub report: ReportArgs,
}
