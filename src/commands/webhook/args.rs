//! The flags of `wps webhook`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use crate::options::data::args::DataArgs;
use crate::options::output::args::ReportArgs;
use crate::options::values::{duration, secret};
use webpubsub_net::secret::Secret;

/// `wps webhook`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_long_help = include_str!("help.md"))]
pub struct WebhookArgs {
    /// Which of its commands.
    #[command(subcommand)]
    pub command: WebhookCommand,
}

/// The commands of `wps webhook`.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Send everything that the service sends to a handler, step by step
    Test(Box<WebhookTestArgs>),
    /// Ask whether the handler accepts events: OPTIONS, abuse protection
    Validate(Box<ValidateArgs>),
    /// Ask whether a client may connect
    Connect(Box<ConnectArgs>),
    /// Send an event of a client, and print the answer
    Event(Box<WebhookEventArgs>),
    /// Report that a client has connected
    Connected(Box<ConnectedArgs>),
    /// Report that a connection has ended
    Disconnected(Box<DisconnectedArgs>),
}

/// `wps webhook test`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("test.md"))]
pub struct WebhookTestArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: WebhookCommonArgs,
    /// Name of the event to send
    #[arg(long, value_name = "NAME", default_value = "message")]
    pub event: String,
    /// Text to send with it
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    pub data: String,
}

/// `wps webhook validate`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("validate.md"))]
pub struct ValidateArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: WebhookCommonArgs,
}

/// `wps webhook connect`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("connect.md"))]
pub struct ConnectArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: WebhookCommonArgs,
}

/// `wps webhook event`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("event.md"))]
pub struct WebhookEventArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: WebhookCommonArgs,
    /// Name of the event
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Data of the event; `-` reads all of stdin, byte for byte
    #[arg(value_name = "DATA", allow_negative_numbers = true)]
    pub data: Option<String>,
    /// What it is.
    #[command(flatten)]
    pub input: DataArgs,
}

/// `wps webhook connected`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("connected.md"))]
pub struct ConnectedArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: WebhookCommonArgs,
}

/// `wps webhook disconnected`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("disconnected.md"))]
pub struct DisconnectedArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: WebhookCommonArgs,
    /// Why the connection has ended
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// What all commands of `wps webhook` take.
#[derive(Debug, Args)]
pub struct WebhookCommonArgs {
    /// URL of the handler; `{hub}` and `{event}` in it are filled in
    #[arg(value_name = "URL")]
    pub url: String,

    /// Hub of the events
    #[arg(long, value_name = "NAME", default_value = "hub1", help_heading = "The client and the service")]
    pub hub: String,
    /// User id of the client; without it the user is anonymous
    #[arg(long, value_name = "ID", help_heading = "The client and the service")]
    pub user: Option<String>,
    /// Connection id of the client [default: generated]
    #[arg(long, value_name = "ID", help_heading = "The client and the service", value_parser = NonEmptyStringValueParser::new())]
    pub connection_id: Option<String>,
    /// State of the connection, as set by an earlier answer in `ce-connectionState`
    #[arg(long, value_name = "S", help_heading = "The client and the service")]
    pub state: Option<String>,
    /// Claim of the client's token, repeatable
    #[arg(long = "claim", value_name = "NAME=VALUE", help_heading = "The client and the service", value_parser = pair)]
    pub claims: Vec<(String, String)>,
    /// Parameter of the client's URL, repeatable
    #[arg(long = "query", value_name = "NAME=VALUE", help_heading = "The client and the service", value_parser = pair)]
    pub query: Vec<(String, String)>,
    /// Subprotocol that the client offers and uses
    #[arg(
        long,
        value_name = "P",
        help_heading = "The client and the service",
        default_value = "json.webpubsub.azure.v1"
    )]
    pub subprotocol: String,
    /// Host name of the service
    #[arg(long, value_name = "HOST", help_heading = "The client and the service", default_value = "localhost")]
    pub origin: String,
    /// Access key for `ce-signature`, repeatable, one signature per key; `-`, `@FILE` [default: the emulator's]
    #[arg(long = "access-key", value_name = "K", help_heading = "The client and the service", value_parser = secret)]
    pub keys: Vec<Secret>,
    /// Connection string, for both host and key; `-`, `@FILE`
    #[arg(long, value_name = "S", help_heading = "The client and the service", value_parser = secret, conflicts_with = "keys")]
    pub connection_string: Option<Secret>,
    /// Additional header of the request, or replacement for one of the service's; repeatable; `-`, `@FILE`
    #[arg(long = "header", value_name = "NAME: VALUE", help_heading = "The client and the service", value_parser = secret)]
    pub headers: Vec<Secret>,

    /// Time limit for an answer
    #[arg(long, value_name = "D", default_value = "5s", value_parser = duration)]
    pub handler_timeout: Duration,
    /// PEM file of certificates to trust besides the platform's roots
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca_cert: Option<std::path::PathBuf>,
    /// Accept any certificate; for tests only
    #[arg(long)]
    pub insecure: bool,

    /// What is printed, and how long for.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// Name and value.
fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "not of the form `NAME=VALUE`".into())
}
