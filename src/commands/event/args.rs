//! The flags of `wps event`.

use clap::Args;

use crate::commands::bulk::args::BulkArgs;
use crate::options::connecting::args::ConnectingArgs;
use crate::options::data::args::{DataArgs, MetadataArgs};
use crate::options::expressions::args::{FilterArgs, ReplyConditionArgs};
use crate::options::operation::args::AckArgs;
use crate::options::session_file::args::SessionFileArgs;

/// `wps event`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct EventArgs {
    /// Name of the event, as its handler knows it; optional with --ndjson, if each record has its own
    #[arg(value_name = "NAME", required_unless_present = "ndjson")]
    pub name: Option<String>,

    /// The event's data; `-` reads all of stdin, byte for byte
    ///
    /// Exactly one of DATA, `-`, --file, --lines and --ndjson is required: stdin is never read unless requested. Put
    /// `--` before data that begins with `-` and is not a number.
    #[arg(value_name = "DATA", allow_negative_numbers = true)]
    pub data: Option<String>,

    /// Print N server messages in answer, then exit [default N: 1]
    ///
    /// N is written with `=`, as in `--wait-reply=2`. Waits 30 s unless --timeout is given, then exit 12.
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
    /// What goes with it.
    #[command(flatten)]
    pub metadata: MetadataArgs,
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
