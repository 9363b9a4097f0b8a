//! The flags of `wps stream`.

use std::time::Duration;

use clap::Args;

use crate::options::connecting::args::ConnectingArgs;
use crate::options::expressions::args::FilterArgs;
use crate::options::values::{DataType, duration};

/// `wps stream`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct StreamArgs {
    /// Group to publish to; it need not be joined
    #[arg(value_name = "GROUP")]
    pub group: String,

    /// Make each line of stdin a fragment, including its line end
    #[arg(long, conflicts_with = "ndjson")]
    pub lines: bool,

    /// Make each JSON record of stdin a fragment: {"data":…,"dataType":…}
    ///
    /// The output of `wps listen -o ndjson` can be passed on as it is: records whose `type` is neither `group-message`
    /// nor `server-message` are skipped, and so is the empty end of another stream. Without `dataType` a string is
    /// text, and any other value json; binary data is base64.
    #[arg(long, conflicts_with = "data_type")]
    pub ndjson: bool,

    /// Type of the data: text, cut between characters; binary, as it comes; json, only with --lines
    #[arg(short = 't', long = "type", value_enum, value_name = "TYPE", default_value = "text")]
    pub data_type: DataType,

    /// How the stream is run.
    #[command(flatten)]
    pub flow: FlowArgs,
    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
}

/// How the stream is run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Stream")]
pub struct FlowArgs {
    /// Id of the stream, at most 1024 bytes [default: random]
    #[arg(long, value_name = "ID")]
    pub stream_id: Option<String>,

    /// Do not deliver the stream to the connection that publishes it
    #[arg(long)]
    pub no_echo: bool,

    /// The service ends the stream after this time without data; it is kept alive while stdin is silent [default: 5m]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub stream_idle_timeout: Option<Duration>,

    /// Hold at most this much unacknowledged data before reading more of stdin: `500`, `64k`, `2M`
    #[arg(long, value_name = "BYTES", default_value = "1M", value_parser = buffer)]
    pub buffer: usize,

    /// End the stream as failed, with this code for programs and this message for people; exit 0
    #[arg(long, value_name = "CODE[:MESSAGE]")]
    pub end_error: Option<String>,
}

/// A number of bytes with or without a unit.
fn buffer(text: &str) -> Result<usize, String> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, unit) = match lower.strip_suffix(['k', 'm']) {
        Some(digits) if lower.ends_with('k') => (digits, 1 << 10),
        Some(digits) => (digits, 1 << 20),
        None => (lower.as_str(), 1),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|bytes| (1..=MOST_BUFFER).contains(bytes))
        .ok_or_else(|| "not a number of bytes such as `500`, `64k` or `2M`, at most 1024M".to_owned())
}

/// The largest buffer.
const MOST_BUFFER: usize = 1 << 30;
