//! What a recording holds, read a message at a time, so that it may be larger than the memory.
//!
//! A file is read twice: once to check all of it before anything is tried, and once to send it. What can be read only
//! once, such as a pipe, is checked up to its first message, and then as it comes.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, channel};

use crate::commands::replay::settings::ReplaySettings;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::stdin::StandardInput;
use crate::render::{RECORDING_VERSION, TUNNEL_RECORDING, counted};
use crate::run::gather::{FragmentResult, Gather};
use webpubsub_proto::session::Request;
use webpubsub_proto::{
    Codec, Downstream, EncodedFrame, MAX_FRAME_BYTES, Metadata, Origin, StreamRequest, Subprotocol, Unpacked, Upstream,
    WireFrame,
};

/// The longest line: twice what a frame takes when all of it is escaped.
const LONGEST_LINE: u64 = 2 * 6 * MAX_FRAME_BYTES as u64;
/// Messages read ahead.
const AHEAD: usize = 16;
/// Frames among which one that was tried again is known: more than ever wait for their acks.
const REMEMBERED: usize = 2 * (u16::MAX as usize + 1);

/// A message, or an event.
#[derive(Clone, Debug)]
pub(super) struct RecordedMessage {
    /// Its line in the recording.
    pub(super) line: u64,
    /// When it was recorded, after the beginning of the recording.
    pub(super) at: Duration,
    pub(super) request: Request,
    /// Whether an ack is asked for.
    pub(super) acked: bool,
}

/// What a recording held, as far as it was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordingSummary {
    /// To be published.
    pub(super) messages: u64,
    /// The last line is cut off.
    pub cut: bool,
    /// Lines.
    lines: u64,
    /// Messages of the other direction, as long as there was none to be published.
    others: u64,
    /// What is not sent again.
    pub(super) left_out: Omissions,
}

/// What of a recording is not sent again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Omissions {
    /// Messages of the application server, which belong to no group.
    pub(super) server: u64,
    /// Invocations that were sent.
    invocations: u64,
    /// Streams that were sent.
    streams: u64,
    /// States that were set.
    states: u64,
    /// Streams that were received and are not whole.
    broken_streams: u64,
    /// Streams that were received and are too long for a message.
    long_streams: u64,
}

impl Omissions {
    /// All but the server's, in words; `None`: nothing is left out.
    pub(super) fn words(self) -> Option<String> {
        let Self { server: _, invocations, streams, states, broken_streams, long_streams } = self;
        let several =
            |count: u64, what: String, one: &str, more: &str| format!("{what}{}", if count == 1 { one } else { more });
        let stream = |count: u64| counted(count, "stream");
        let words: Vec<String> = [
            (invocations, counted(invocations, "invocation")),
            (streams, stream(streams)),
            (states, counted(states, "state")),
            (
                broken_streams,
                several(broken_streams, stream(broken_streams), " that is not whole", " that are not whole"),
            ),
            (
                long_streams,
                several(
                    long_streams,
                    stream(long_streams),
                    " that is too long for a message",
                    " that are too long for a message",
                ),
            ),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, words)| words)
        .collect();
        match words.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [all @ .., last] => Some(format!("{} and {last}", all.join(", "))),
        }
    }
}

/// What comes of a recording that is read.
#[derive(Debug)]
pub(super) enum RecordingItem {
    Message(RecordedMessage),
    End(RecordingSummary),
    Failed(Failure),
}

/// An open recording.
pub struct OpenRecording {
    input: RecordingSource,
    rules: Rules,
}

impl std::fmt::Debug for OpenRecording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded").finish_non_exhaustive()
    }
}

enum RecordingSource {
    /// Checked, and read again from there.
    Checked { file: File, start: u64, summary: RecordingSummary },
    /// Read up to the first message.
    Begun { reader: Box<RecordingReader<BufReader<Box<dyn Read + Send>>>>, first: RecordedMessage },
}

/// What is taken of a recording, and what becomes of it.
#[derive(Clone, Debug)]
struct Rules {
    /// The recording's name in an error.
    name: String,
    /// What was received, instead of what was sent.
    received: bool,
    group: Option<String>,
    /// How the frames are encoded that are sent.
    codec: Codec,
}

/// Opens the recording and checks it. Unreadable, a line that is not understood, and nothing to send are exit 11.
pub fn read(settings: &ReplaySettings) -> Result<OpenRecording, Failure> {
    let name = settings.file.as_ref().map_or("standard input".to_owned(), |file| format!("`{}`", file.display()));
    let connection = settings.connection.as_ref();
    let codec = connection.map_or(Codec::Json, |connection| connection.protocol.codec());
    let rules = Rules { name, received: settings.received, group: settings.group.clone(), codec };
    let file = match &settings.file {
        Some(path) => Some(File::open(path).or_fail_with(Kind::Input, || rules.unreadable())?),
        None => stdin_file(),
    };
    let pipe: Box<dyn Read + Send> = match file {
        Some(mut file) if file.metadata().is_ok_and(|data| data.is_file()) => {
            let start = file.stream_position().or_fail_with(Kind::Input, || rules.unreadable())?;
            let mut reader = RecordingReader::new(BufReader::new(&file), &rules);
            while reader.next()?.is_some() {}
            let summary = reader.summary;
            rules.check(&summary)?;
            return Ok(OpenRecording { input: RecordingSource::Checked { file, start, summary }, rules });
        }
        Some(file) => Box::new(file),
        None => Box::new(StandardInput),
    };
    let mut reader = Box::new(RecordingReader::new(BufReader::new(pipe), &rules));
    let first = reader.next()?;
    rules.check(&reader.summary)?;
    match first {
        Some(first) => Ok(OpenRecording { input: RecordingSource::Begun { reader, first }, rules }),
        None => Err(rules.nothing(&reader.summary)),
    }
}

/// A recording is read, or refused where it is wrong, and read the same way again: for fuzzing and tests.
#[cfg(any(test, fuzzing))]
pub fn fuzz(bytes: &[u8]) {
    for (received, group, codec) in
        [(false, None, Codec::Json), (true, None, Codec::Protobuf), (true, Some("g".to_owned()), Codec::Json)]
    {
        let rules = Rules { name: "r".into(), received, group, codec };
        let all = || {
            let mut reader = RecordingReader::new(bytes, &rules);
            let (mut messages, mut at) = (Vec::new(), 0);
            let failure = loop {
                match reader.next() {
                    Ok(Some(message)) => {
                        assert!(message.line > at, "lines go on");
                        at = message.line;
                        let _ = message.frame(codec, 1);
                        messages.push((message.line, message.at, message.request));
                    }
                    Ok(None) => break None,
                    Err(failure) => break Some(failure.kind),
                }
            };
            assert_eq!(messages.len() as u64, reader.summary.messages);
            let _ = rules.check(&reader.summary);
            (messages, failure)
        };
        assert_eq!(all(), all());
    }
}

/// Standard input as a file, which may be read twice if it is one.
#[cfg(unix)]
fn stdin_file() -> Option<File> {
    use std::os::fd::AsFd as _;
    io::stdin().as_fd().try_clone_to_owned().ok().map(File::from)
}

#[cfg(not(unix))]
fn stdin_file() -> Option<File> {
    None
}

impl OpenRecording {
    /// What all of it holds, where that is known before.
    pub fn summary(&self) -> Option<RecordingSummary> {
        match &self.input {
            RecordingSource::Checked { summary, .. } => Some(*summary),
            RecordingSource::Begun { .. } => None,
        }
    }

    /// Reads it, each message as it comes.
    pub(super) fn each(self, mut take: impl FnMut(RecordingItem) -> bool) {
        let last = self.take_messages(|message| take(RecordingItem::Message(message)));
        match last {
            Ok(Some(summary)) => drop(take(RecordingItem::End(summary))),
            Ok(None) => {}
            Err(failure) => drop(take(RecordingItem::Failed(failure))),
        }
    }

    /// The summary, unless `take` wants no more.
    fn take_messages(self, mut take: impl FnMut(RecordedMessage) -> bool) -> Result<Option<RecordingSummary>, Failure> {
        let rules = self.rules;
        match self.input {
            RecordingSource::Checked { mut file, start, summary } => {
                file.seek(SeekFrom::Start(start)).or_fail_with(Kind::Input, || rules.unreadable())?;
                let mut reader = RecordingReader::new(BufReader::new(file), &rules);
                // What was added meanwhile has not been checked.
                while reader.summary.messages < summary.messages {
                    let Some(message) = reader.next()? else { break };
                    if !take(message) {
                        return Ok(None);
                    }
                }
                Ok(Some(summary))
            }
            RecordingSource::Begun { mut reader, first } => {
                let mut next = Some(first);
                while let Some(message) = next {
                    if !take(message) {
                        return Ok(None);
                    }
                    next = reader.next()?;
                }
                Ok(Some(reader.summary))
            }
        }
    }

    /// Reads it on a thread of its own, a little ahead.
    pub(super) fn start(self) -> io::Result<Receiver<RecordingItem>> {
        let (sender, items) = channel(AHEAD);
        let thread = std::thread::Builder::new().name("recording".into());
        thread.spawn(move || self.each(|item| sender.blocking_send(item).is_ok()))?;
        Ok(items)
    }
}

impl Rules {
    fn unreadable(&self) -> String {
        format!("could not read the recording from {}", self.name)
    }

    fn check(&self, summary: &RecordingSummary) -> Result<(), Failure> {
        if summary.messages > 0 { Ok(()) } else { Err(self.nothing(summary)) }
    }

    /// There is nothing to send.
    fn nothing(&self, summary: &RecordingSummary) -> Failure {
        let (verb, other) = if self.received { ("received", "sent") } else { ("sent", "received") };
        let failure = |what: String| Failure::message(Kind::Input, what);
        let but = match summary.left_out.words() {
            None => String::new(),
            Some(words) => format!(", but {words}, which cannot be sent again as messages"),
        };
        match (summary.left_out.server, summary.others) {
            (0, 0) => failure(format!("the recording holds no message that was {verb}{but}")),
            (0, others) => {
                let were = if others == 1 { "was" } else { "were" };
                let also = if but.is_empty() { ", but" } else { "; and" };
                let what =
                    format!("the recording holds no message that was {verb}{but}{also} {others} that {were} {other}");
                failure(what).hint(match self.received {
                    true => "without `--received`, what was sent is sent again",
                    false => "`--received` publishes what was received",
                })
            }
            (server, _) => {
                let them = if server == 1 { "it" } else { "them" };
                failure(format!("the recording holds no message of a group, but {server} of the server"))
                    .hint(format!("`--group G` publishes {them} to that group"))
            }
        }
    }
}

/// What is read of a line.
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct RecordedLine<'a> {
    recording: Option<u32>,
    at: Option<f64>,
    direction: Option<String>,
    #[serde(borrow)]
    frame: Option<&'a RawValue>,
    #[serde(rename = "frameBase64")]
    frame_base64: Option<String>,
    /// Of the connections that were recorded.
    protocol: Option<String>,
}

/// Reads line by line.
struct RecordingReader<R> {
    reader: R,
    rules: Rules,
    /// The first line was there, and was right.
    begun: bool,
    over: bool,
    /// How its frames are encoded.
    codec: Codec,
    seen: RecentFrames,
    sequence: SequenceFilter,
    /// What has come of streams that have not ended.
    gather: Gather,
    summary: RecordingSummary,
    bytes: Vec<u8>,
}

impl<R: BufRead> RecordingReader<R> {
    fn new(reader: R, rules: &Rules) -> Self {
        Self {
            reader,
            rules: rules.clone(),
            begun: false,
            over: false,
            codec: Codec::Json,
            seen: RecentFrames::default(),
            sequence: SequenceFilter::default(),
            gather: Gather::default(),
            summary: RecordingSummary::default(),
            bytes: Vec::new(),
        }
    }

    /// The next message.
    fn next(&mut self) -> Result<Option<RecordedMessage>, Failure> {
        while !self.over {
            self.bytes.clear();
            let read = self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.bytes);
            read.or_fail_with(Kind::Input, || self.rules.unreadable())?;
            if self.bytes.is_empty() {
                self.end();
                if !self.begun {
                    return Err(no_recording(self.summary.lines.max(1), "it is empty"));
                }
                break;
            }
            self.summary.lines += 1;
            let bytes = std::mem::take(&mut self.bytes);
            let message = if bytes.trim_ascii().is_empty() { Ok(None) } else { self.line(&bytes) };
            self.bytes = bytes;
            if let Some(message) = message? {
                self.summary.messages += 1;
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Nothing more comes.
    fn end(&mut self) {
        self.over = true;
        self.break_streams_off();
    }

    /// Of the streams that have not ended nothing more comes.
    fn break_streams_off(&mut self) {
        while self.gather.any().is_some() {
            self.summary.left_out.broken_streams += 1;
        }
    }

    /// The message of a line, if it has one.
    fn line(&mut self, bytes: &[u8]) -> Result<Option<RecordedMessage>, Failure> {
        let number = self.summary.lines;
        let line: RecordedLine<'_> = match serde_json::from_slice(bytes.trim_ascii_end()) {
            Ok(line) => line,
            Err(error) if !self.begun => return Err(no_recording(number, in_line(&error))),
            // Whoever wrote it was killed; what stands before is whole.
            Err(_) if !bytes.ends_with(b"\n") && (bytes.len() as u64) < LONGEST_LINE => {
                self.summary.cut = true;
                self.end();
                return Ok(None);
            }
            Err(error) => return Err(bad_line(number, anyhow::anyhow!("{}", in_line(&error)))),
        };
        if !std::mem::replace(&mut self.begun, true) {
            match line.recording {
                None => return Err(no_recording(number, "its first line is not that of one")),
                Some(version) if version > RECORDING_VERSION => {
                    let what = format!("the recording has the format {version}, of a later version of wps");
                    return Err(Failure::message(Kind::Input, what).hint("replay it with that version"));
                }
                Some(_) => {}
            }
            if line.protocol.as_deref() == Some(TUNNEL_RECORDING) {
                let what = "this is the recording of a tunnel, and not of a client: it holds the requests of a service";
                let hint = "`wps webhook event URL NAME DATA` brings an event to a server as the service does";
                return Err(Failure::message(Kind::Input, what).hint(hint));
            }
            let subprotocol = line.protocol.as_deref().and_then(Subprotocol::from_name);
            self.codec = subprotocol.map_or(Codec::Json, Subprotocol::codec);
        }
        let bytes = line.frame_base64.as_deref().and_then(|base64| STANDARD.decode(base64).ok());
        let frame = match (line.frame.map(RawValue::get), &bytes) {
            (Some(text), _) => WireFrame::Text(text),
            // Of JSON connections, these were not understood when they came.
            (None, Some(bytes)) if self.codec == Codec::Protobuf => WireFrame::Binary(bytes),
            (None, _) => return Ok(None),
        };
        let codec = self.codec;
        let mut unpacked = Unpacked::default();
        let (request, acked) = match (line.direction.as_deref(), self.rules.received) {
            (Some("sent"), false) => match self.sent(number, frame)? {
                Some(taken) => taken,
                None => return Ok(None),
            },
            (Some("received"), true) => match self.received(frame) {
                Some(request) => (request, true),
                None => return Ok(None),
            },
            (Some("sent"), true) if self.summary.messages == 0 => {
                let published = matches!(
                    codec.decode_upstream(frame, &mut unpacked),
                    Ok(Upstream::SendToGroup { .. } | Upstream::Event { .. })
                );
                self.summary.others += u64::from(published);
                return Ok(None);
            }
            (Some("received"), false) if self.summary.messages == 0 => {
                self.summary.others +=
                    u64::from(matches!(codec.decode_downstream(frame, &mut unpacked), Downstream::Message(_)));
                return Ok(None);
            }
            _ => return Ok(None),
        };
        let at = line.at.and_then(|at| Duration::try_from_secs_f64(at).ok());
        let at = at.ok_or_else(|| bad_line(number, anyhow::anyhow!("its time `at` is missing or wrong")))?;
        let message = RecordedMessage { line: number, at, request, acked };
        let size = message.frame(self.rules.codec, self.summary.messages).len();
        if size > MAX_FRAME_BYTES {
            let what = format!("it is too large: {size} bytes as a frame, and the service takes {MAX_FRAME_BYTES}");
            return Err(bad_line(number, anyhow::anyhow!("{what}")));
        }
        Ok(Some(message))
    }

    /// What was sent, and whether an ack was asked for.
    fn sent(&mut self, number: u64, frame: WireFrame<'_>) -> Result<Option<(Request, bool)>, Failure> {
        let mut unpacked = Unpacked::default();
        let sent = self.codec.decode_upstream(frame, &mut unpacked).map_err(|error| bad_line(number, error))?;
        let (request, ack_id) = match sent {
            Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
                let group = self.rules.group.clone().unwrap_or_else(|| group.into_owned());
                let metadata = checked(metadata);
                (Request::Send { group, data: data.to_owned(), no_echo, ttl_seconds, metadata }, ack_id)
            }
            Upstream::Event { event, ack_id, data, metadata } => {
                let (event, metadata) = (event.into_owned(), checked(metadata));
                (Request::Event { event, data: data.to_owned(), metadata }, ack_id)
            }
            Upstream::JoinGroup { .. }
            | Upstream::LeaveGroup { .. }
            | Upstream::SequenceAck(_)
            | Upstream::Ping
            | Upstream::SubscribeGroupState { .. }
            | Upstream::UnsubscribeGroupState { .. }
            | Upstream::CancelInvocation { .. } => return Ok(None),
            // It goes with the connection that set it.
            Upstream::SetGroupState { .. } => {
                self.summary.left_out.states += 1;
                return Ok(None);
            }
            // An invocation is made for its answer.
            Upstream::Invoke { .. } => {
                self.summary.left_out.invocations += 1;
                return Ok(None);
            }
            // A fragment is nothing without the rest of its stream, of which the service has said what it took.
            Upstream::Stream(request) => {
                self.summary.left_out.streams += u64::from(matches!(request, StreamRequest::Start { .. }));
                return Ok(None);
            }
        };
        // A message that was tried again was sent again as it was.
        let again = ack_id.is_some_and(|ack_id| !self.seen.insert(ack_id, frame.bytes()));
        Ok((!again).then_some((request, ack_id.is_some())))
    }

    /// A message that was received, as it is published. Of a group stream that is whole it is one message.
    fn received(&mut self, frame: WireFrame<'_>) -> Option<Request> {
        let mut unpacked = Unpacked::default();
        let message = match self.codec.decode_downstream(frame, &mut unpacked) {
            Downstream::Message(message) => message,
            Downstream::Connected { connection_id, .. } => {
                if self.sequence.begin(&connection_id) {
                    self.break_streams_off();
                }
                return None;
            }
            Downstream::Disconnected { .. }
            | Downstream::Ack { .. }
            | Downstream::Pong
            | Downstream::GroupState(_)
            | Downstream::InvokeResponse { .. }
            | Downstream::Stream(_)
            | Downstream::Unknown { .. } => return None,
        };
        if message.sequence_id.is_some_and(|id| !self.sequence.take(id)) {
            return None;
        }
        match self.gather.take(&message) {
            None => self.publish(message),
            Some(FragmentResult::Kept) => None,
            Some(FragmentResult::Ended(whole)) if whole.is_whole() => {
                let request = whole.with(|message| self.publish(message))?;
                // With an ackId that is as long as one can be.
                if request.encode(self.rules.codec, Some(u64::MAX)).len() > MAX_FRAME_BYTES {
                    self.summary.left_out.long_streams += 1;
                    return None;
                }
                Some(request)
            }
            Some(FragmentResult::Ended(_)) => {
                self.summary.left_out.broken_streams += 1;
                None
            }
            // The rest of it comes, and is not whole then.
            Some(FragmentResult::Full(_)) => None,
        }
    }

    fn publish(&mut self, message: webpubsub_proto::Message<'_>) -> Option<Request> {
        let group = match (&self.rules.group, message.origin) {
            (Some(group), _) => group.clone(),
            (None, Origin::Group { group, .. }) => group.into_owned(),
            (None, Origin::Server) => {
                self.summary.left_out.server += 1;
                return None;
            }
        };
        let metadata = checked(message.metadata);
        Some(Request::Send { group, data: message.data.to_owned(), no_echo: false, ttl_seconds: None, metadata })
    }
}

/// Metadata of a recorded frame; those that the service would not take from anybody are left out.
fn checked(metadata: Option<&str>) -> Option<Metadata> {
    metadata.and_then(|metadata| Metadata::from_json(metadata).ok())
}

/// The sequence ids of what was received: after a recovery, some may come a second time (PROTOCOL §7).
#[derive(Debug, Default)]
struct SequenceFilter {
    connection: String,
    last: u64,
}

impl SequenceFilter {
    /// Whether it is another connection.
    fn begin(&mut self, connection: &str) -> bool {
        let another = self.connection != connection;
        if another {
            connection.clone_into(&mut self.connection);
            self.last = 0;
        }
        another
    }

    /// Whether it is a new one.
    fn take(&mut self, id: u64) -> bool {
        let new = id > self.last;
        self.last = self.last.max(id);
        new
    }
}

/// The frames that were there last, by their ackIds and hashes.
#[derive(Debug, Default)]
struct RecentFrames {
    hasher: RandomState,
    known: HashSet<(u64, u64)>,
    order: VecDeque<(u64, u64)>,
}

impl RecentFrames {
    /// Whether it is new.
    fn insert(&mut self, ack_id: u64, frame: &[u8]) -> bool {
        let key = (ack_id, self.hasher.hash_one(frame));
        let new = self.known.insert(key);
        if new {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        new
    }
}

fn no_recording(line: u64, why: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Input, anyhow::anyhow!("{why}").context(format!("line {line}: this is no recording")))
        .hint("`--record FILE` makes one")
}

/// The parser's words about one line.
fn in_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

fn bad_line(number: u64, error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(Kind::Input, error.into().context(format!("line {number} of the recording is not understood")))
}

impl RecordedMessage {
    /// Its frame, after so many that asked for acks.
    pub(super) fn frame(&self, codec: Codec, asked: u64) -> EncodedFrame {
        self.request.encode(codec, self.acked.then_some(asked + 1))
    }
}

#[cfg(test)]
mod tests;
