//! What `wps stream` will do.

use std::time::Duration;

use webpubsub_proto::session::{OnUnknown, StreamAbort, StreamOpen};

use super::args::{FlowArgs, StreamArgs};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::{ConnectionSettings, connection, stdin_takers};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_comma;
use crate::options::names;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::stdin;
use crate::options::values::DataType;

/// `wps stream`.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Where the fragments go.
    pub group: String,
    /// How stdin is cut into them.
    pub feed: StreamFeed,
    /// How it is run.
    pub run: StreamOptions,
}

/// How a stream is run.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamOptions {
    /// Its id; `None`: a random one.
    pub stream_id: Option<String>,
    /// Not to this connection.
    pub no_echo: bool,
    /// The service ends it when nothing comes for so long; `None`: after its default.
    pub idle_timeout: Option<Duration>,
    /// Bytes that may wait to be acknowledged.
    pub buffer: usize,
    /// It is ended as one that has failed.
    pub end_error: Option<StreamAbort>,
}

impl StreamOptions {
    /// The stream to that group. `draw_id` makes an id where none was given.
    pub fn open(&self, group: &str, draw_id: impl FnOnce() -> String) -> StreamOpen {
        StreamOpen {
            group: group.to_owned(),
            stream_id: self.stream_id.clone().unwrap_or_else(draw_id),
            no_echo: self.no_echo,
            idle_timeout: self.idle_timeout,
        }
    }
}

/// Settles the flags of how a stream is run.
pub fn running(args: FlowArgs) -> Result<StreamOptions, Failure> {
    let usage = |what: &str, flag: &'static str| Failure::message(Kind::Usage, what).blame(flag);
    if args.stream_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > LONGEST_ID) {
        return Err(usage("`--stream-id` has 1 to 1024 bytes", "--stream-id"));
    }
    let idle_timeout = args.stream_idle_timeout;
    if idle_timeout.is_some_and(|idle| idle.as_millis() == 0 || idle.as_millis() > u128::from(u32::MAX)) {
        return Err(usage("`--stream-idle-timeout` is from 1 ms to 49 days", "--stream-idle-timeout"));
    }
    let end_error = args.end_error.map(|text| match text.split_once(':') {
        Some((code, message)) => StreamAbort { code: Some(code.to_owned()), message: Some(message.to_owned()) },
        None => StreamAbort { code: Some(text), message: None },
    });
    let FlowArgs { stream_id, no_echo, buffer, .. } = args;
    Ok(StreamOptions { stream_id, no_echo, idle_timeout, buffer, end_error })
}

/// How stdin is cut into fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFeed {
    /// Whenever something has come, between characters.
    Text,
    /// Whenever something has come.
    Binary,
    /// A line each, with its end.
    TextLines,
    /// The same, as bytes.
    BinaryLines,
    /// A JSON value a line.
    JsonLines,
    /// A JSON object with the data a line.
    Records,
}

/// Longest id of a stream, in bytes.
const LONGEST_ID: usize = 1024;

/// Settles `wps stream`.
pub fn settle(args: StreamArgs, environment: &Environment, input: &mut dyn Input) -> Result<StreamSettings, Failure> {
    names::group("GROUP", &args.group)?;
    hint_at_comma(&args.group, input);
    let usage = |what: &str, flag: &'static str| Failure::message(Kind::Usage, what).blame(flag);
    let run = running(args.flow)?;
    let feed = match (args.data_type, args.lines, args.ndjson) {
        (_, _, true) => StreamFeed::Records,
        (DataType::Text, false, false) => StreamFeed::Text,
        (DataType::Text, true, false) => StreamFeed::TextLines,
        (DataType::Binary, false, false) => StreamFeed::Binary,
        (DataType::Binary, true, false) => StreamFeed::BinaryLines,
        (DataType::Json, true, false) => StreamFeed::JsonLines,
        (DataType::Json, false, false) => {
            return Err(usage("`-t json` needs to know where a value ends", "--type")
                .hint("`--lines` takes a value a line, `--ndjson` records with `data` and `dataType`"));
        }
        (DataType::Protobuf, _, false) => {
            return Err(usage("`-t protobuf` needs to know where a message ends", "--type")
                .hint("`--ndjson` takes records with `\"dataType\":\"protobuf\"` and base64"));
        }
    };
    let mut takers = stdin_takers(&args.connecting);
    takers.push("the stream");
    stdin::refuse_two(&takers)?;
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let policy = ReconnectPolicy { keeps_on: false, rejoin: true, on_unknown: OnUnknown::Fail };
    let connection = connection(args.connecting, policy, environment, input)?;
    Ok(StreamSettings { connection, output, group: args.group, feed, run })
}
