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
    /// Ask all that the service asks of a handler, step by step
    Test(Box<WebhookTestArgs>),
    /// Ask whether the handler wants events: OPTIONS, abuse protection
    Validate(Box<ValidateArgs>),
    /// Ask whether a client may connect
    Connect(Box<ConnectArgs>),
    /// Bring an event of a client, and print the answer
    Event(Box<WebhookEventArgs>),
    /// Tell that a client has connected
    Connected(Box<ConnectedArgs>),
    /// Tell that a connection has ended
    Disconnected(Box<DisconnectedArgs>),
}

/// `wps webhook test`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("test.md"))]
pub struct WebhookTestArgs {
    /// What all of them take.
    #[command(flatten)]
    pub common: WebhookCommonArgs,
    /// Name of the event that is tried
    #[arg(long, value_name = "NAME", default_value = "message")]
    pub event: String,
    /// Text that it brings
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
    /// What it brings; `-` takes stdin whole, byte for byte
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
    /// Why it has ended
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// What all commands of `wps webhook` take.
#[derive(Debug, Args)]
pub struct WebhookCommonArgs {
    /// The handler; `{hub}` and `{event}` in it are filled in
    #[arg(value_name = "URL")]
    pub url: String,

    /// Hub that the events are of
    #[arg(long, value_name = "NAME", default_value = "hub1", help_heading = "The client and the service")]
    pub hub: String,
    /// User id of the client; anonymous when absent
    #[arg(long, value_name = "ID", help_heading = "The client and the service")]
    pub user: Option<String>,
    /// Its connection [default: one of its own]
    #[arg(long, value_name = "ID", help_heading = "The client and the service", value_parser = NonEmptyStringValueParser::new())]
    pub connection_id: Option<String>,
    /// State of the connection, as an earlier answer has set it in `ce-connectionState`
    #[arg(long, value_name = "S", help_heading = "The client and the service")]
    pub state: Option<String>,
    /// Claim of the client's token, repeatable
    #[arg(long = "claim", value_name = "NAME=VALUE", help_heading = "The client and the service", value_parser = pair)]
    pub claims: Vec<(String, String)>,
    /// Parameter of the client's URL, repeatable
    #[arg(long = "query", value_name = "NAME=VALUE", help_heading = "The client and the service", value_parser = pair)]
    pub query: Vec<(String, String)>,
    /// Subprotocol that the client offers, and has
    #[arg(
        long,
        value_name = "P",
        help_heading = "The client and the service",
        default_value = "json.webpubsub.azure.v1"
    )]
    pub subprotocol: String,
    /// Host that the service is known by
    #[arg(long, value_name = "HOST", help_heading = "The client and the service", default_value = "localhost")]
    pub origin: String,
    /// Access key that `ce-signature` is made with, repeatable: a signature each; `-`, `@FILE` [default: the emulator's]
    #[arg(long = "access-key", value_name = "K", help_heading = "The client and the service", value_parser = secret)]
    pub keys: Vec<Secret>,
    /// Connection string, for host and key in one; `-`, `@FILE`
    #[arg(long, value_name = "S", help_heading = "The client and the service", value_parser = secret, conflicts_with = "keys")]
    pub connection_string: Option<Secret>,
    /// Header of the request, beside and in place of the service's, repeatable
    #[arg(long = "header", value_name = "NAME: VALUE", help_heading = "The client and the service", value_parser = secret)]
    pub headers: Vec<Secret>,

    /// How long an answer may take
    #[arg(long, value_name = "D", default_value = "5s", value_parser = duration)]
    pub handler_timeout: Duration,
    /// PEM file to trust besides the platform's roots
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
