//! From a line of input to a message: its data, its target, its ackId, and the checks it passes before it is sent.
//!
//! What does not pass would end the connection for all that is under way, so nothing that the service is known to close
//! a connection for is let through (PROTOCOL §4.11, §12).

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lines::InputLine;
use super::settings::MessageContent;
use crate::commands::bulk::settings::{BulkFeed, BulkSettings, Template};
use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::options::data::payload::{Encoding, MOST_READ, PayloadType, refuse_null, too_large};
use crate::options::operation::settings::AckRequest;
use crate::state::{LineDigest, digest_of};
use webpubsub_proto::session::{AckMode, Invocation};
use webpubsub_proto::{
    Codec, Data, MAX_FRAME_BYTES, MAX_TTL_SECONDS, Metadata, OwnedData, Quoted, StreamInfo, Text, check_event_name,
    check_group_name,
};

/// More than the metadata of a message can take in its frame.
const LONGEST_METADATA: usize = 64 * 1024;
/// What a message is counted as besides its data and its target, in bytes.
const OVERHEAD: usize = 128;

/// What lines are made to.
#[derive(Clone, Debug)]
pub(crate) enum LineKind {
    /// Messages and events.
    Operation(Template),
    /// Invocations.
    Invocation {
        /// What goes with each, unless a record has its own.
        metadata: Option<Metadata>,
    },
}

/// A message to send.
#[derive(Clone, Debug)]
pub(crate) struct BulkMessage {
    /// The line it came from, from 1.
    pub(crate) line: u64,
    /// The group or the event's name.
    pub(crate) target: Arc<str>,
    pub(crate) content: MessageContent,
    pub(super) mode: AckMode,
    /// About how many bytes it takes.
    pub(super) size: usize,
}

/// A line that was read.
#[derive(Debug)]
pub(crate) struct InputEntry {
    /// Its number, from 1.
    pub(crate) line: u64,
    /// Its digest, where the position of the bulk is kept.
    pub(super) digest: LineDigest,
    pub(crate) item: InputItem,
}

/// What a line is.
#[derive(Debug)]
pub(crate) enum InputItem {
    Message(BulkMessage),
    /// A record that is not a message, or a blank line between records.
    Skipped,
    /// Not to be sent.
    Bad(BadLine),
}

/// A line that cannot be sent.
#[derive(Debug)]
pub(crate) struct BadLine {
    pub(crate) failure: Failure,
    /// None of those after it could be sent either.
    pub(crate) last: bool,
}

/// Makes messages of lines.
#[derive(Clone, Debug)]
pub(crate) struct MessageBuilder {
    what: LineKind,
    /// The target of all, unless records name their own.
    target: Option<Arc<str>>,
    /// What the data of a line is; `None`: the lines are records.
    data_type: Option<PayloadType>,
    ack: AckRequest,
    /// How frames are encoded.
    codec: Codec,
    /// The position of the bulk is kept.
    pub(super) kept: bool,
}

/// A record of input. Everything but its type is looked at only when it is a message.
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct InputRecord<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    group: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(rename = "dataType", borrow)]
    data_type: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "webpubsub_proto::present")]
    data: Option<&'a RawValue>,
    #[serde(rename = "noEcho", borrow)]
    no_echo: Option<&'a RawValue>,
    #[serde(rename = "ackId", borrow)]
    ack_id: Option<&'a RawValue>,
    #[serde(rename = "ttlSeconds", borrow)]
    ttl_seconds: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
}

impl InputRecord<'_> {
    /// Whether it is of no use to anybody who wants data: something else that came, or the bare end of a group stream,
    /// whose empty data is none (PROTOCOL §9.1).
    fn is_skipped(&self) -> bool {
        let is_message = self.kind.as_deref().is_none_or(|kind| kind == "group-message" || kind == "server-message");
        let is_end = |raw: &RawValue| StreamInfo::parse(raw.get()).is_some_and(|info| info.is_end());
        let is_empty = || self.data.is_none_or(|data| matches!(data.get(), "\"\"" | "null"));
        !is_message || (self.stream.is_some_and(is_end) && is_empty())
    }
}

impl MessageBuilder {
    /// `data_type`: what a line holds; `None`: a record. `kept`: the position of the bulk is kept.
    pub(crate) fn new(
        what: LineKind,
        target: Option<&str>,
        data_type: Option<PayloadType>,
        ack: AckRequest,
        codec: Codec,
        kept: bool,
    ) -> Self {
        Self { what, target: target.map(Arc::from), data_type, ack, codec, kept }
    }

    pub(super) fn of(settings: &BulkSettings) -> Self {
        let target = match &settings.template {
            Template::Send { group, .. } => group.as_deref(),
            Template::Event { event, .. } => event.as_deref(),
        };
        let data_type = match &settings.feed {
            BulkFeed::Lines(data_type) => Some(*data_type),
            BulkFeed::Records | BulkFeed::Repeated { .. } => None,
        };
        let what = LineKind::Operation(settings.template.clone());
        let (codec, kept) = (settings.connection.protocol.codec(), settings.connection.session_file.is_some());
        Self::new(what, target, data_type, settings.ack, codec, kept)
    }

    /// The longest line that can be a message, in bytes.
    pub(super) fn longest_line(&self) -> usize {
        match self.data_type {
            // Its frame holds each of its bytes.
            Some(
                PayloadType::Text
                | PayloadType::Json
                | PayloadType::Binary(Encoding::Raw)
                | PayloadType::Protobuf(Encoding::Raw),
            ) => MAX_FRAME_BYTES,
            // Escapes and blanks may be left out of the frame.
            Some(
                PayloadType::Binary(Encoding::Base64 | Encoding::Hex)
                | PayloadType::Protobuf(Encoding::Base64 | Encoding::Hex),
            )
            | None => MOST_READ as usize,
        }
    }

    /// A line of input. What is too long has no digest of its own.
    pub(super) fn entry(&self, line: u64, text: InputLine<'_>) -> InputEntry {
        let digest = match text {
            InputLine::Whole(bytes) if self.kept => digest_of(bytes),
            InputLine::Whole(_) | InputLine::TooLong => LineDigest::default(),
        };
        InputEntry { line, digest, item: self.read(line, text) }
    }

    /// What a line of input is.
    pub(super) fn read(&self, line: u64, text: InputLine<'_>) -> InputItem {
        let made = match text {
            InputLine::TooLong => Err(too_large(self.codec, &format!("more than {} bytes", self.longest_line()))),
            InputLine::Whole(bytes) => match self.data_type {
                Some(data_type) => data_type.decode(bytes).and_then(|data| self.message(line, data).map(Some)),
                None => self.record(line, bytes),
            },
        };
        match made {
            Ok(Some(message)) => InputItem::Message(message),
            Ok(None) => InputItem::Skipped,
            Err(failure) => {
                let last = failure.kind == Kind::Usage;
                InputItem::Bad(BadLine { failure, last })
            }
        }
    }

    /// The message of a line with this data.
    pub(super) fn message(&self, line: u64, data: OwnedData) -> Result<BulkMessage, Failure> {
        let target = self.target.clone().ok_or_else(|| bad("no group or event is given"))?;
        let mode = self.mode(line)?;
        let content = MessageContent { data: Some(data), no_echo: None, ttl_seconds: None, metadata: None };
        self.checked(line, target, content, mode)
    }

    fn record(&self, line: u64, bytes: &[u8]) -> Result<Option<BulkMessage>, Failure> {
        let text = std::str::from_utf8(bytes).or_fail(Kind::Input, "the record is not UTF-8")?;
        let text = text.trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        if !text.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() {
            return Err(bad("the record is not a JSON object").hint("`--lines` sends any text, a message a line"));
        }
        let record: InputRecord<'_> = serde_json::from_str(text)
            .or_fail(Kind::Input, "the record is not a JSON object")
            .hint("`--lines` sends any text, a message a line")?;
        if record.is_skipped() {
            return Ok(None);
        }
        let target = match (&self.target, &self.what) {
            (Some(target), _) => Arc::clone(target),
            (None, LineKind::Operation(Template::Send { .. })) => {
                let group: String = needed(record.group, "group", "GROUP")?;
                check_group_name(&group).or_fail(Kind::Input, "`group` is not valid")?;
                group.into()
            }
            (None, LineKind::Operation(Template::Event { .. }) | LineKind::Invocation { .. }) => {
                let event: String = needed(record.event, "event", "NAME")?;
                check_event_name(&event).or_fail(Kind::Input, "`event` is not valid")?;
                event.into()
            }
        };
        let no_echo = optional(record.no_echo, "noEcho")?;
        let ttl_seconds: Option<u16> = optional(record.ttl_seconds, "ttlSeconds")?;
        if ttl_seconds.is_some_and(|seconds| seconds > MAX_TTL_SECONDS) {
            return Err(bad(format!("`ttlSeconds` is more than {MAX_TTL_SECONDS}")));
        }
        let metadata = record.metadata.map(|raw| Metadata::from_json(raw.get()).map_err(bad)).transpose()?;
        let data_type = optional::<Cow<'_, str>>(record.data_type, "dataType")?;
        let data = match (&self.what, record.data, &metadata) {
            (LineKind::Invocation { .. }, None, _) | (LineKind::Operation(_), None, Some(_)) if data_type.is_none() => {
                None
            }
            _ => Some(data(record.data, data_type.as_deref())?),
        };
        let mode = match (optional(record.ack_id, "ackId")?, self.ack) {
            (_, AckRequest::None) => AckMode::None,
            (Some(id), _) => AckMode::Id(id),
            (None, _) => self.mode(line)?,
        };
        self.checked(line, target, MessageContent { data, no_echo, ttl_seconds, metadata }, mode).map(Some)
    }

    /// Which ackId the message of a line has, unless it brings its own: one more for each line.
    fn mode(&self, line: u64) -> Result<AckMode, Failure> {
        match self.ack {
            AckRequest::None => Ok(AckMode::None),
            AckRequest::Automatic => Ok(AckMode::Automatic),
            AckRequest::Id(first) => first.checked_add(line - 1).map(AckMode::Id).ok_or_else(|| {
                Failure::message(Kind::Usage, "`--ack-id` leaves no id for it")
                    .hint("ackIds end at 18446744073709551615, and each line has one more than the line before it")
            }),
        }
    }

    fn checked(
        &self,
        line: u64,
        target: Arc<str>,
        content: MessageContent,
        mode: AckMode,
    ) -> Result<BulkMessage, Failure> {
        content.data.as_ref().map_or(Ok(()), refuse_null)?;
        let data = content.data.as_ref().map(OwnedData::as_data);
        let size = data.map_or(0, |data| data.json_len()) + target.len() + OVERHEAD + LONGEST_METADATA;
        // Whatever is escaped in the target takes at most six times its bytes.
        if size + 5 * target.len() > MAX_FRAME_BYTES {
            let frame = self.frame_len(line, &target, &content, mode);
            if frame > MAX_FRAME_BYTES {
                return Err(too_large(self.codec, &format!("{frame} bytes as a frame")));
            }
        }
        let size = size - LONGEST_METADATA;
        Ok(BulkMessage { line, target, content, mode, size })
    }

    /// Bytes of its frame, or of one that is longer than it can be by no more than what an id takes.
    fn frame_len(&self, line: u64, target: &str, content: &MessageContent, mode: AckMode) -> usize {
        let content = content.clone();
        match &self.what {
            LineKind::Operation(template) => {
                let ack_id = match mode {
                    AckMode::Id(id) | AckMode::Recorded { id, .. } => Some(id),
                    // Where it is kept, ids go on from those of earlier runs.
                    AckMode::Automatic if self.kept => Some(u64::MAX),
                    // The session counts from 1, and skips what was given.
                    AckMode::Automatic => Some(line),
                    AckMode::None => None,
                };
                template.request(target, content).encode(self.codec, ack_id).len()
            }
            LineKind::Invocation { metadata } => {
                let metadata = content.metadata.or_else(|| metadata.clone());
                let invocation = Invocation { metadata, ..Invocation::new(target.to_owned(), content.data) };
                invocation.encode(self.codec, &line.to_string()).len()
            }
        }
    }
}

/// The data of a record that is read for nothing else. `None`: the record is skipped.
pub fn data_of_record(bytes: &[u8]) -> Result<Option<OwnedData>, Failure> {
    let text = std::str::from_utf8(bytes).or_fail(Kind::Input, "the record is not UTF-8")?;
    let text = text.trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    let record: InputRecord<'_> = serde_json::from_str(text).or_fail(Kind::Input, "the record is not a JSON object")?;
    if record.is_skipped() {
        return Ok(None);
    }
    let data = data(record.data, optional::<Cow<'_, str>>(record.data_type, "dataType")?.as_deref())?;
    refuse_null(&data)?;
    Ok(Some(data))
}

/// The data of a record (PROTOCOL §4.4).
fn data(raw: Option<&RawValue>, data_type: Option<&str>) -> Result<OwnedData, Failure> {
    let raw = raw.map(RawValue::get).ok_or_else(|| bad("`data` is missing"))?;
    let string = |name: &str| Quoted::new(raw).ok_or_else(|| bad(format!("`data` of type {name} is not a string")));
    let base64 = |name: &str| PayloadType::Binary(Encoding::Base64).decode(string(name)?.decode().as_bytes());
    match data_type {
        // The literal as it is: it may stand for what no string here can hold.
        Some("text") => Ok(Data::Text(Text::Quoted(string("text")?)).to_owned()),
        Some("json") => Ok(Data::Json(raw).to_owned()),
        Some("binary") => base64("binary"),
        Some("protobuf") => {
            let bytes = base64("protobuf")?.as_data().to_bytes().unwrap_or_default().into_owned();
            Ok(OwnedData::protobuf(&bytes))
        }
        None => Ok(Quoted::new(raw).map_or(Data::Json(raw), |quoted| Data::Text(Text::Quoted(quoted))).to_owned()),
        Some(other) => Err(bad(format!("`dataType` is `{other}`, and can be `text`, `json`, `binary` or `protobuf`"))),
    }
}

/// A property that may be absent.
fn optional<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>, name: &str) -> Result<Option<T>, Failure> {
    let read = |raw: &'a RawValue| serde_json::from_str(raw.get());
    raw.map(|raw| read(raw).or_fail_with(Kind::Input, || format!("`{name}` is not valid"))).transpose()
}

/// A name that has to be there.
fn needed<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>, name: &str, argument: &str) -> Result<T, Failure> {
    optional(raw, name)?.ok_or_else(|| {
        bad(format!("`{name}` is missing")).hint(format!("`{argument}` on the command line is for all records"))
    })
}

fn bad(what: impl std::fmt::Display) -> Failure {
    Failure::message(Kind::Input, what)
}
