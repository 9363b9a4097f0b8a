//! Flags of bulks: many messages from standard input, or one many times.

use std::time::Duration;

use clap::Args;

use crate::options::values::interval;

/// Where a bulk comes from and how it flows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many messages")]
pub struct BulkArgs {
    /// Send each line of stdin as a message, as soon as it is read
    ///
    /// Lines end with LF or CRLF, which is not part of the data; the last line may be unterminated. An empty line is an
    /// empty message.
    #[arg(long, conflicts_with_all = ["data", "file", "ndjson"])]
    pub lines: bool,

    /// Send each JSON record of stdin as a message: {"data":…,"dataType":…,"group":…} (for events: "event")
    ///
    /// The output of `wps listen -o ndjson` can be sent on as it is: records whose `type` is neither `group-message`
    /// nor `server-message` are skipped, and so is the empty end of a group stream; unknown fields are ignored. Without
    /// `dataType` a string is text, and any other value json; binary data is base64. `noEcho`, `ttlSeconds`, `metadata`
    /// and `ackId` are taken from the record. GROUP or NAME, if given, overrides the record's.
    #[arg(long, conflicts_with_all = ["data", "file", "data_type", "encoding"])]
    pub ndjson: bool,

    /// Send the message N times
    #[arg(long, value_name = "N", conflicts_with_all = ["lines", "ndjson"], value_parser = clap::value_parser!(u64).range(1..))]
    pub repeat: Option<u64>,

    /// Maximum span from the oldest unacknowledged message to the newest one sent, 1 to 1000 [default: 256]
    ///
    /// 1 waits for each ack before the next message. The limit is 1000, the number of ackIds that the service remembers
    /// to recognise repeated messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub in_flight: Option<u16>,

    /// Continue after a line that cannot be sent or is refused; the exit code is that of the first failure
    #[arg(long)]
    pub keep_going: bool,

    /// Send at most this many messages a second, evenly spaced: `100`, `100/s`, `30/m`, `5/h`
    #[arg(long, value_name = "RATE", value_parser = interval)]
    pub rate: Option<Duration>,
}
