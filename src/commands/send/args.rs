//! The flags of `wps send`.

use clap::Args;

use crate::commands::bulk::args::BulkArgs;
use crate::options::connecting::args::ConnectingArgs;
use crate::options::data::args::{DataArgs, MetadataArgs, TtlArgs};
use crate::options::expressions::args::FilterArgs;
use crate::options::operation::args::AckArgs;
use crate::options::session_file::args::SessionFileArgs;

/// `wps send`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct SendArgs {
    /// Group to publish to; it need not be joined; optional with --ndjson, if each record has its own
    #[arg(value_name = "GROUP", required_unless_present = "ndjson")]
    pub group: Option<String>,

    /// The message; `-` reads all of stdin, byte for byte, as one message
    ///
    /// Exactly one of DATA, `-`, --file, --lines and --ndjson is required: stdin is never read unless requested. Put
    /// `--` before data that begins with `-` and is not a number.
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
    /// What goes with it.
    #[command(flatten)]
    pub metadata: MetadataArgs,
    /// For how long.
    #[command(flatten)]
    pub ttl: TtlArgs,
    /// Many messages.
    #[command(flatten)]
    pub bulk: BulkArgs,
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
