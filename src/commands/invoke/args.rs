//! The flags of `wps invoke`.

use clap::Args;

use crate::options::connecting::args::ConnectingArgs;
use crate::options::data::args::{DataArgs, MetadataArgs};
use crate::options::expressions::args::FilterArgs;
use crate::options::operation::args::OnUnknownArgs;
use crate::options::session_file::args::SessionFileArgs;

/// `wps invoke`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct InvokeArgs {
    /// Name of the event, as its handler knows it; optional with --ndjson, if each record has its own
    #[arg(value_name = "NAME", required_unless_present = "ndjson")]
    pub name: Option<String>,

    /// The data; `-` reads all of stdin, byte for byte; without it, none is sent
    ///
    /// Put `--` before data that begins with `-` and is not a number.
    #[arg(value_name = "DATA", allow_negative_numbers = true)]
    pub data: Option<String>,

    /// The invocationId, any text [default: 1]
    ///
    /// It only matches an answer to its call: the service carries out every call.
    #[arg(long, value_name = "ID", conflicts_with_all = ["lines", "ndjson"])]
    pub invocation_id: Option<String>,

    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What is sent.
    #[command(flatten)]
    pub input: DataArgs,
    /// What goes with it.
    #[command(flatten)]
    pub metadata: MetadataArgs,
    /// Many invocations.
    #[command(flatten)]
    pub many: ManyArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Lost answers.
    #[command(flatten)]
    pub unknown: OnUnknownArgs,
    /// A connection that outlives the process.
    #[command(flatten)]
    pub session: SessionFileArgs,
}

/// Many invocations from standard input.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many invocations")]
pub struct ManyArgs {
    /// Invoke once for each line of stdin, as soon as it is read
    ///
    /// Lines end with LF or CRLF, which is not part of the data; the last line may be unterminated. An empty line is
    /// empty data.
    #[arg(long, conflicts_with_all = ["data", "file", "ndjson"])]
    pub lines: bool,

    /// Invoke once for each JSON record of stdin: {"data":…,"dataType":…,"event":…,"metadata":{…}}
    ///
    /// Records are read as by `wps event --ndjson`; a record without `data` is an invocation without data. NAME, if
    /// given, overrides the record's `event`.
    #[arg(long, conflicts_with_all = ["data", "file", "data_type", "encoding"])]
    pub ndjson: bool,

    /// Maximum number of pending calls, 1 to 1000 [default: 256]
    ///
    /// Answers come in any order; each is printed as it arrives. 1 waits for each answer before the next call.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub in_flight: Option<u16>,

    /// Continue after a line that cannot be sent, is refused or fails; the exit code is that of the first failure
    #[arg(long)]
    pub keep_going: bool,
}
