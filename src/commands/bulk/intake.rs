//! Where the messages of a bulk come from: standard input, or one message many times.
//!
//! Standard input is read by a thread of its own, which makes messages of its lines as soon as they are there and hands
//! them on in small batches. It reads on only when these are taken, so that no more than a small buffer is ever ahead of
//! what is sent; a read that hangs holds nobody up.

use std::io::{self, IsTerminal as _, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::sync::mpsc;

use super::lines::{InputLine, LineCutter};
use super::message::{BadLine, InputEntry, InputItem, MessageBuilder};
use crate::commands::bulk::settings::{BulkFeed, BulkSettings};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::stdin::StandardInput;
use crate::state::{LineDigest, digest_of};
use webpubsub_proto::OwnedData;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Most lines handed on at once.
const BATCH: usize = 512;
/// What a read that fails means.
const UNREADABLE: &str = "could not read standard input";
/// Batches that may wait to be taken.
const WAITING: usize = 1;

/// The messages of a bulk, in order.
#[derive(Debug)]
pub struct BulkIntake(BulkOrigin);

#[derive(Debug)]
enum BulkOrigin {
    /// Read by a thread.
    Stdin {
        batches: mpsc::Receiver<InputBatch>,
        /// Bytes read so far.
        read: Arc<AtomicU64>,
        /// How many there are, if that is known.
        size: Option<u64>,
        /// A person types them.
        terminal: bool,
    },
    /// Made here.
    Repeated { maker: MessageBuilder, data: OwnedData, digest: LineDigest, next: u64, times: u64 },
}

/// What was read.
#[derive(Debug)]
pub(crate) enum InputBatch {
    /// At least one line.
    Items(Vec<InputEntry>),
    /// The input could not be read further.
    Failed(Failure),
}

/// How far a bulk has come through its input, and how long that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) done: u64,
    pub(super) size: u64,
}

impl BulkIntake {
    /// Reads what is repeated, or starts to read standard input. Failures are bad input data (exit 11).
    pub fn open(settings: &BulkSettings) -> Result<Self, Failure> {
        let maker = MessageBuilder::of(settings);
        if let BulkFeed::Repeated { payload, times } = &settings.feed {
            let data = payload.read(&mut StandardInput)?;
            let digest = digest_of(data.as_data().to_json().as_bytes());
            return Ok(Self(BulkOrigin::Repeated { maker, data, digest, next: 1, times: *times }));
        }
        Self::read(maker, settings.keep_going)
    }

    /// Starts to read standard input. `keep_going`: also behind a line that is bad.
    pub(crate) fn read(maker: MessageBuilder, keep_going: bool) -> Result<Self, Failure> {
        let terminal = io::stdin().is_terminal();
        let (input, size) = stdin().or_fail(Kind::Input, UNREADABLE)?;
        let (sender, batches) = mpsc::channel(WAITING);
        let read = Arc::new(AtomicU64::new(0));
        let reader = BulkReader { maker, keep_going, sender, read: Arc::clone(&read) };
        thread::Builder::new().name("stdin".into()).spawn(move || reader.run(input)).or_internal()?;
        Ok(Self(BulkOrigin::Stdin { batches, read, size, terminal }))
    }

    /// The next messages, as soon as there are any; `None` at the end. Nothing is lost when this is dropped.
    pub(crate) async fn next(&mut self) -> Option<InputBatch> {
        match &mut self.0 {
            BulkOrigin::Stdin { batches, .. } => batches.recv().await,
            BulkOrigin::Repeated { maker, data, digest, next, times } => {
                let mut items = Vec::new();
                while *next <= *times && items.len() < BATCH {
                    let item = match maker.message(*next, data.clone()) {
                        Ok(message) => InputItem::Message(message),
                        Err(failure) => InputItem::Bad(BadLine { failure, last: true }),
                    };
                    items.push(InputEntry { line: *next, digest: *digest, item });
                    *next += 1;
                    // A large one is not wanted more often than it can be sent.
                    if data.as_data().json_len() > CHUNK {
                        break;
                    }
                }
                (!items.is_empty()).then_some(InputBatch::Items(items))
            }
        }
    }

    /// How far it has come, where the end is known. `line`: the last that was sent.
    pub(super) fn extent(&self, line: u64) -> Option<Extent> {
        match &self.0 {
            BulkOrigin::Stdin { read, size, .. } => {
                size.map(|size| Extent { done: read.load(Ordering::Relaxed).min(size), size })
            }
            BulkOrigin::Repeated { times, .. } => Some(Extent { done: line, size: *times }),
        }
    }

    /// Whether a person types the lines.
    pub(super) fn is_typed(&self) -> bool {
        matches!(&self.0, BulkOrigin::Stdin { terminal: true, .. })
    }

    /// What is numbered: lines, or messages.
    pub(super) fn unit(&self) -> &'static str {
        match &self.0 {
            BulkOrigin::Stdin { .. } => "line",
            BulkOrigin::Repeated { .. } => "message",
        }
    }
}

/// The thread's part.
struct BulkReader {
    maker: MessageBuilder,
    keep_going: bool,
    sender: mpsc::Sender<InputBatch>,
    read: Arc<AtomicU64>,
}

impl BulkReader {
    fn run(self, mut input: Box<dyn Read + Send>) {
        let mut chunk = vec![0; CHUNK];
        let mut cutter = LineCutter::new(self.maker.longest_line());
        let mut items = Vec::new();
        loop {
            match input.read(&mut chunk) {
                Ok(0) => {
                    cutter.finish(|number, line| self.take(&mut items, number, line));
                    self.hand_on(&mut items);
                    return;
                }
                Ok(count) => {
                    self.read.fetch_add(count as u64, Ordering::Relaxed);
                    let more = cutter.cut(&chunk[..count], |number, line| self.take(&mut items, number, line));
                    // A line is sent when it is there, not when a batch is full.
                    if !(self.hand_on(&mut items) && more) {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Nobody takes it any more: the bulk has ended already.
                    let _ = self
                        .sender
                        .blocking_send(InputBatch::Failed(Failure::new(Kind::Input, error).context(UNREADABLE)));
                    return;
                }
            }
        }
    }

    /// Whether more is wanted.
    fn take(&self, items: &mut Vec<InputEntry>, number: u64, line: InputLine<'_>) -> bool {
        let entry = self.maker.entry(number, line);
        let ends = matches!(&entry.item, InputItem::Bad(bad) if bad.last || !self.keep_going);
        items.push(entry);
        if items.len() >= BATCH || ends {
            return self.hand_on(items) && !ends;
        }
        true
    }

    /// Waits until there is room. Whether more is wanted.
    fn hand_on(&self, items: &mut Vec<InputEntry>) -> bool {
        items.is_empty() || self.sender.blocking_send(InputBatch::Items(std::mem::take(items))).is_ok()
    }
}

/// Standard input without the standard library's buffer, and how much there is to read, if it is a file.
#[cfg(unix)]
fn stdin() -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    use std::io::Seek as _;
    use std::os::fd::AsFd as _;
    let mut file = std::fs::File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let regular = file.metadata().ok().filter(std::fs::Metadata::is_file);
    let size = regular.and_then(|metadata| metadata.len().checked_sub(file.stream_position().ok()?));
    Ok((Box::new(file), size))
}

#[cfg(not(unix))]
fn stdin() -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    Ok((Box::new(StandardInput), None))
}
