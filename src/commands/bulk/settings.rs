//! Bulks of `send` and `event`: many messages from standard input, or one many times.

use std::time::Duration;

use super::args::BulkArgs;
use crate::commands::event::args::EventArgs;
use crate::commands::send::args::SendArgs;
use crate::failure::{Failure, Kind};
use crate::options::connecting::args::ConnectingArgs;
use crate::options::connecting::settings::{ConnectionSettings, connection, keep, publishing, stdin_takers};
use crate::options::data::args::DataArgs;
use crate::options::data::payload::{Encoding, PayloadSource, PayloadType};
use crate::options::data::settings::{self, payload, payload_type};
use crate::options::environment::{Environment, Input};
use crate::options::names;
use crate::options::operation::args::AckArgs;
use crate::options::operation::settings::{AckRequest, ack};
use crate::options::output::settings::{OutputSettings, output};
use crate::options::session_file::settings::SessionFileSettings;
use crate::options::stdin;
use webpubsub_proto::session::Request;
use webpubsub_proto::{Codec, Metadata, OwnedData, Upstream};

/// What a message is besides its target, as far as its line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageContent {
    /// The payload; `None`: the line has none.
    pub data: Option<OwnedData>,
    /// Do not deliver to the own connection.
    pub no_echo: Option<bool>,
    /// For how long it is worth delivering, in seconds.
    pub ttl_seconds: Option<u16>,
    /// What goes with the payload.
    pub metadata: Option<Metadata>,
}

/// How far messages are sent ahead of the oldest that has not settled, unless given.
const IN_FLIGHT: u16 = 256;

/// `wps send` and `wps event` of many messages.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// What a message is besides its data.
    pub template: Template,
    /// Where the messages come from.
    pub feed: BulkFeed,
    /// Whether acks are asked for. An id is that of line 1; that of line N is N − 1 more.
    pub ack: AckRequest,
    /// How far messages are sent ahead of the oldest that has not settled: 1 to 1000.
    pub in_flight: usize,
    /// A line that fails does not end it.
    pub keep_going: bool,
    /// The least time from one message to the next.
    pub interval: Option<Duration>,
    /// Print so many server messages, at least 1, before the end (`event`).
    pub wait_reply: Option<u64>,
}

/// What a message of a bulk is besides its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Template {
    /// Published to a group.
    Send {
        /// The group; `None`: each record names its own.
        group: Option<String>,
        /// Do not deliver to the own connection, unless a record says otherwise.
        no_echo: bool,
        /// For how long it is worth delivering, in seconds, unless a record says otherwise; 0 and `None`: for ever.
        ttl_seconds: Option<u16>,
        /// What goes with it, unless a record has its own.
        metadata: Option<Metadata>,
    },
    /// A custom event.
    Event {
        /// Its name; `None`: each record has its own.
        event: Option<String>,
        /// What goes with it, unless a record has its own.
        metadata: Option<Metadata>,
    },
}

/// Where the messages of a bulk come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkFeed {
    /// A message a line of standard input.
    Lines(PayloadType),
    /// A JSON record a line of standard input.
    Records,
    /// The same message many times.
    Repeated {
        /// The message.
        payload: PayloadSource,
        /// How often, at least once.
        times: u64,
    },
}

/// Whether there are to be many messages.
pub fn is_wanted(args: &BulkArgs) -> bool {
    args.lines || args.ndjson || args.repeat.is_some()
}

/// Refuses flags of bulks where there is one message.
pub fn refuse_without(args: &BulkArgs) -> Result<(), Failure> {
    let given = [("--in-flight", args.in_flight.is_some()), ("--keep-going", args.keep_going)];
    let given = given.into_iter().chain([("--rate", args.rate.is_some())]).find(|(_, given)| *given);
    given.map_or(Ok(()), |(flag, _)| {
        let failure =
            Failure::message(Kind::Usage, format!("`{flag}` is about many messages, and there is one")).blame(flag);
        Err(failure.hint("`--lines`, `--ndjson` and `--repeat N` send many"))
    })
}

/// Settles `wps send` of many messages.
pub fn send(args: SendArgs, environment: &Environment, input: &mut dyn Input) -> Result<BulkSettings, Failure> {
    if let Some(group) = &args.group {
        names::group("GROUP", group)?;
    }
    let (ttl_seconds, metadata) = (args.ttl.message_ttl, settings::metadata(args.metadata)?);
    let template = Template::Send { group: args.group, no_echo: args.no_echo, ttl_seconds, metadata };
    let data = (args.data, args.input);
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let session_file = SessionFileSettings::sending(args.session, "wps send", ack(&args.ack.id))?;
    settle(template, data, args.bulk, (args.connecting, args.ack, session_file), output, environment, input)
}

/// Settles `wps event` of many events.
pub fn event(args: EventArgs, environment: &Environment, input: &mut dyn Input) -> Result<BulkSettings, Failure> {
    if let Some(event) = &args.name {
        names::event("NAME", event)?;
    }
    let template = Template::Event { event: args.name, metadata: settings::metadata(args.metadata)? };
    let data = (args.data, args.input);
    let output = output(&args.connecting, environment)?.filtered(args.filter)?.answered(args.condition);
    let session_file = SessionFileSettings::sending(args.session, "wps event", ack(&args.ack.id))?;
    let ours = (args.connecting, args.ack, session_file);
    let bulk = settle(template, data, args.bulk, ours, output, environment, input)?;
    Ok(BulkSettings { wait_reply: args.wait_reply, ..bulk })
}

fn settle(
    template: Template,
    (data, input_args): (Option<String>, DataArgs),
    args: BulkArgs,
    (connecting, ack_args, session_file): (ConnectingArgs, AckArgs, Option<SessionFileSettings>),
    output: OutputSettings,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<BulkSettings, Failure> {
    let ack = ack(&ack_args.id);
    let feed = feed(&template, data, input_args, &args, ack, &connecting)?;
    let session_file = session_file.map(|file| file.streaming(ack, template.description(&feed)));
    let connection = keep(connection(connecting, publishing(&ack_args), environment, input)?, session_file)?;
    Ok(BulkSettings {
        connection,
        output,
        template,
        feed,
        ack,
        in_flight: usize::from(args.in_flight.unwrap_or(IN_FLIGHT)),
        keep_going: args.keep_going,
        interval: args.rate,
        wait_reply: None,
    })
}

fn feed(
    template: &Template,
    data: Option<String>,
    input_args: DataArgs,
    args: &BulkArgs,
    ack: AckRequest,
    connecting: &ConnectingArgs,
) -> Result<BulkFeed, Failure> {
    if let Some(times) = args.repeat {
        let last = last_id(ack, times)?;
        let payload = payload(data, input_args, template.envelope(settings::codec(connecting), last), connecting)?;
        return Ok(BulkFeed::Repeated { payload, times });
    }
    let own = if args.lines { "--lines" } else { "--ndjson" };
    stdin::refuse_beside(&stdin_takers(connecting), &format!("`{own}`"), None)?;
    Ok(if args.lines {
        BulkFeed::Lines(payload_type(settings::codec(connecting), &input_args)?)
    } else {
        BulkFeed::Records
    })
}

/// The ackId of the last of so many messages.
fn last_id(ack: AckRequest, times: u64) -> Result<Option<u64>, Failure> {
    match ack {
        AckRequest::None => Ok(None),
        AckRequest::Automatic => Ok(Some(times)),
        AckRequest::Id(first) => first.checked_add(times - 1).map(Some).ok_or_else(|| {
            let failure = Failure::message(Kind::Usage, format!("`--ack-id` leaves no ids for {times} messages"))
                .blame("--ack-id");
            failure.hint("ackIds end at 18446744073709551615")
        }),
    }
}

impl BulkSettings {
    /// Whether it waits for answers when everything is acknowledged.
    pub fn awaits_replies(&self) -> bool {
        self.wait_reply.is_some() || self.output.expressions.until.is_some()
    }
}

impl Template {
    /// All that makes a message besides its line, in words that stay the same from version to version.
    fn description(&self, feed: &BulkFeed) -> String {
        let lines = match feed {
            BulkFeed::Lines(PayloadType::Text) => "text",
            BulkFeed::Lines(PayloadType::Json) => "json",
            BulkFeed::Lines(PayloadType::Binary(Encoding::Raw)) => "binary",
            BulkFeed::Lines(PayloadType::Binary(Encoding::Base64)) => "binary base64",
            BulkFeed::Lines(PayloadType::Binary(Encoding::Hex)) => "binary hex",
            BulkFeed::Lines(PayloadType::Protobuf(Encoding::Raw)) => "protobuf",
            BulkFeed::Lines(PayloadType::Protobuf(Encoding::Base64)) => "protobuf base64",
            BulkFeed::Lines(PayloadType::Protobuf(Encoding::Hex)) => "protobuf hex",
            BulkFeed::Records => "ndjson",
            BulkFeed::Repeated { .. } => "repeated",
        };
        let (mut words, metadata) = match self {
            Self::Send { group, no_echo, ttl_seconds, metadata } => {
                let ttl = ttl_seconds.map(|seconds| format!(" ttl {seconds}")).unwrap_or_default();
                (format!("send {lines} {no_echo} {group:?}{ttl}"), metadata)
            }
            Self::Event { event, metadata } => (format!("event {lines} {event:?}"), metadata),
        };
        if let Some(metadata) = metadata {
            words += &format!(" metadata {}", metadata.as_json());
        }
        words
    }

    /// How long a frame is without its data and the word for its type.
    fn envelope(&self, codec: Codec, ack_id: Option<u64>) -> usize {
        let empty = OwnedData::text("");
        settings::envelope(
            codec,
            &match self {
                Self::Send { group, no_echo, ttl_seconds, metadata } => Upstream::SendToGroup {
                    group: group.as_deref().unwrap_or_default().into(),
                    ack_id,
                    no_echo: *no_echo,
                    ttl_seconds: *ttl_seconds,
                    data: empty.as_data(),
                    metadata: metadata.as_ref().map(Metadata::as_json),
                },
                Self::Event { event, metadata } => Upstream::Event {
                    event: event.as_deref().unwrap_or_default().into(),
                    ack_id,
                    data: empty.as_data(),
                    metadata: metadata.as_ref().map(Metadata::as_json),
                },
            },
        )
    }

    /// The message of this content.
    pub fn request(&self, target: &str, content: MessageContent) -> Request {
        let MessageContent { data, no_echo: echo, ttl_seconds: ttl, metadata: own } = content;
        // Metadata alone go with an empty text (PROTOCOL §4.4).
        let data = data.unwrap_or_else(|| OwnedData::text(""));
        match self {
            Self::Send { no_echo, ttl_seconds, metadata, .. } => Request::Send {
                group: target.to_owned(),
                data,
                no_echo: echo.unwrap_or(*no_echo),
                ttl_seconds: ttl.or(*ttl_seconds),
                metadata: own.or_else(|| metadata.clone()),
            },
            Self::Event { metadata, .. } => {
                Request::Event { event: target.to_owned(), data, metadata: own.or_else(|| metadata.clone()) }
            }
        }
    }
}
