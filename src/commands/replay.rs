//! `wps replay`: send again what a recording holds.
//!
//! Only what users sent is: messages to groups and events, each once, however often it was tried, in their order and
//! with their distances in time. Everything is read and checked before anything is tried.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::run::{Client, Surroundings, Verdict, Wants, run};
use super::tap::Shown;
use crate::client::session::{AckMode, Request};
use crate::failure::{Failure, Kind};
use crate::protocol::{MAX_FRAME_BYTES, Upstream, decode_upstream, encode_upstream};
use crate::render::{RECORDING_VERSION, human};
use crate::settings::{Connection, Replay, Speed};

/// Messages that wait for their acks at the same time.
const IN_FLIGHT: usize = 256;
/// The longest line: twice what a frame takes when all of it is escaped.
const LONGEST_LINE: u64 = 2 * 6 * MAX_FRAME_BYTES as u64;

/// What is to be sent.
#[derive(Debug)]
pub struct Recorded {
    messages: Vec<Message>,
    /// The last line is cut off.
    pub cut: bool,
}

/// A message, or an event.
#[derive(Clone, Debug)]
struct Message {
    /// Its line in the recording.
    line: u64,
    /// When it was sent, after the beginning of the recording.
    at: Duration,
    request: Request,
    /// Whether an ack was asked for.
    acked: bool,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Line<'a> {
    recording: Option<u32>,
    at: Option<f64>,
    direction: Option<String>,
    #[serde(borrow)]
    frame: Option<&'a RawValue>,
}

/// Reads the recording. Unreadable is exit 3, a line that is not understood exit 11.
pub fn read(settings: &Replay) -> Result<Recorded, Failure> {
    let name = settings.file.as_ref().map_or("standard input".to_owned(), |file| format!("`{}`", file.display()));
    let unreadable = |error: io::Error| {
        let context = format!("could not read the recording from {name}");
        Failure::new(Kind::Config, anyhow::Error::new(error).context(context))
    };
    match &settings.file {
        Some(file) => parse(BufReader::new(File::open(file).map_err(unreadable)?), settings, unreadable),
        None => parse(io::stdin().lock(), settings, unreadable),
    }
}

fn parse(
    mut reader: impl BufRead,
    settings: &Replay,
    unreadable: impl Fn(io::Error) -> Failure,
) -> Result<Recorded, Failure> {
    let mut recorded = Recorded { messages: Vec::new(), cut: false };
    // A message that was tried again was sent again as it was.
    let mut seen = HashSet::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(&unreadable)?;
        let whole = bytes.ends_with(b"\n");
        if bytes.is_empty() {
            if number == 1 {
                return Err(no_recording("it is empty"));
            }
            break;
        }
        let line: Line<'_> = match serde_json::from_slice(bytes.trim_ascii_end()) {
            Ok(line) => line,
            Err(error) if number == 1 => return Err(no_recording(in_line(&error))),
            // Whoever wrote it was killed; what stands before is whole.
            Err(_) if !whole && (bytes.len() as u64) < LONGEST_LINE => {
                recorded.cut = true;
                break;
            }
            Err(error) => return Err(bad_line(number, anyhow::anyhow!("{}", in_line(&error)))),
        };
        match (number, line.recording) {
            (1, None) => return Err(no_recording("its first line is not that of one")),
            (1, Some(version)) if version > RECORDING_VERSION => {
                let what = format!("the recording has the format {version}, of a later version of wps");
                return Err(Failure::message(Kind::Input, what).hint("replay it with that version"));
            }
            _ => {}
        }
        let (Some("sent"), Some(frame)) = (line.direction.as_deref(), line.frame) else { continue };
        let frame = frame.get();
        let upstream = decode_upstream(frame).map_err(|error| bad_line(number, error))?;
        let (request, ack_id) = match upstream {
            Upstream::SendToGroup { group, ack_id, no_echo, data, .. } => {
                let group = settings.group.clone().unwrap_or_else(|| group.into_owned());
                (Request::Send { group, data: data.to_owned(), no_echo }, ack_id)
            }
            Upstream::Event { event, ack_id, data, .. } => {
                (Request::Event { event: event.into_owned(), data: data.to_owned() }, ack_id)
            }
            Upstream::JoinGroup { .. } | Upstream::LeaveGroup { .. } | Upstream::SequenceAck(_) | Upstream::Ping => {
                continue;
            }
        };
        if ack_id.is_some() && !seen.insert(frame.to_owned()) {
            continue;
        }
        let at = line.at.and_then(|at| Duration::try_from_secs_f64(at).ok());
        let at = at.ok_or_else(|| bad_line(number, anyhow::anyhow!("its time `at` is missing or wrong")))?;
        let message = Message { line: number, at, request, acked: ack_id.is_some() };
        let size = message.frame(recorded.messages.len()).len();
        if size > MAX_FRAME_BYTES {
            let what = format!("it is too large: {size} bytes as a frame, and the service takes {MAX_FRAME_BYTES}");
            return Err(bad_line(number, anyhow::anyhow!("{what}")));
        }
        recorded.messages.push(message);
    }
    Ok(recorded)
}

fn no_recording(why: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Input, anyhow::anyhow!("{why}").context("line 1: this is no recording"))
        .hint("`--record FILE` makes one")
}

/// The parser's words about one line.
fn in_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

fn bad_line(number: u64, error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(Kind::Input, error.into().context(format!("line {number} of the recording is not understood")))
}

impl Message {
    /// Its frame, as the message of that index.
    fn frame(&self, index: usize) -> String {
        let ack_id = self.acked.then_some(index as u64 + 1);
        let mut frame = String::new();
        match &self.request {
            Request::Send { group, data, no_echo } => encode_upstream(
                &Upstream::SendToGroup {
                    group: group.into(),
                    ack_id,
                    no_echo: *no_echo,
                    ttl_seconds: None,
                    data: data.as_data(),
                    metadata: None,
                },
                &mut frame,
            ),
            Request::Event { event, data } => encode_upstream(
                &Upstream::Event { event: event.into(), ack_id, data: data.as_data(), metadata: None },
                &mut frame,
            ),
            // Nobody recorded asks for these again.
            Request::Join { .. } | Request::Leave { .. } => {}
        }
        frame
    }
}

/// The frames as they would be sent, one a line.
pub fn dry_run(recorded: &Recorded) -> Vec<u8> {
    let mut out = Vec::new();
    let mut asked = 0;
    for message in &recorded.messages {
        out.extend_from_slice(message.frame(asked).as_bytes());
        out.push(b'\n');
        asked += usize::from(message.acked);
    }
    out
}

/// Sends it all again. Returns the exit code.
pub async fn replay(surroundings: &Surroundings, settings: &Replay, connection: &Connection, recorded: Recorded) -> u8 {
    let wants = Wants {
        shown: Shown::None,
        limit: None,
        follows_stdout: false,
        hosts: false,
        chatty: false,
        follows_conditions: false,
    };
    run(surroundings, connection, &settings.output, wants, |client| script(surroundings, settings, recorded, client))
        .await
}

async fn script(surroundings: &Surroundings, settings: &Replay, recorded: Recorded, client: Client) -> Verdict {
    client.seen.connected().await;
    let (began, total) = (Instant::now(), recorded.messages.len());
    let first = recorded.messages.first().map_or(Duration::ZERO, |message| message.at);
    let mut left = recorded.messages.into_iter().peekable();
    let mut flying = FuturesUnordered::new();
    let (mut done, mut unasked) = (0usize, 0usize);
    let mut failure = None;
    loop {
        let next = left.peek().filter(|_| failure.is_none() && flying.len() < IN_FLIGHT);
        let due = next.map(|message| due(began, message.at.saturating_sub(first), settings.speed));
        if due.is_none() && flying.is_empty() {
            break;
        }
        tokio::select! {
            // What was begun goes out before the next is begun.
            biased;
            Some((line, result)) = flying.next(), if !flying.is_empty() => match result {
                Ok(_) => done += 1,
                Err(Verdict::Failed(failed)) => {
                    failure.get_or_insert_with(|| at_line(failed, line));
                }
                Err(verdict) => return verdict,
            },
            () = super::run::at(due), if due.is_some() => {
                if let Some(Message { line, request, acked, .. }) = left.next() {
                    unasked += usize::from(!acked);
                    let mode = if acked { AckMode::Automatic } else { AckMode::None };
                    let client = &client;
                    flying.push(async move { (line, client.perform(request, mode).await) });
                }
            }
        }
    }
    let acked = match unasked {
        0 => "all acknowledged".to_owned(),
        _ => format!("no ack asked for {unasked} of them"),
    };
    let took = human(began.elapsed());
    match failure {
        None => {
            surroundings.report(&settings.output, &format!("replayed {total} message(s) in {took}, {acked}"));
            Verdict::Done("done")
        }
        Some(failure) => {
            surroundings.report(&settings.output, &format!("replayed {done} of {total} message(s) in {took}"));
            Verdict::Failed(failure)
        }
    }
}

/// When a message is to be sent.
fn due(began: Instant, after: Duration, speed: Speed) -> Instant {
    let after = match speed {
        Speed::Max => Duration::ZERO,
        // Longer than any run, when it is more than can be said.
        Speed::Times(times) => Duration::try_from_secs_f64(after.as_secs_f64() / times).unwrap_or(FAR),
    };
    began + after.min(FAR)
}

/// Longer than any run.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn at_line(failure: Failure, line: u64) -> Failure {
    failure.context(format!("line {line} of the recording could not be sent again"))
}
