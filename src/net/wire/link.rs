//! An established WebSocket that queues what is sent and reads in batches.
//!
//! Sending never waits: frames go into a queue that [`Link::poll`] writes out. Reading happens only when the caller
//! asks for it, so that a caller who stops asking leaves the peer's data in the kernel. A link is made to be polled
//! inside `select!`: everything it knows is in itself, and nothing is lost when a poll is not followed by another.
//! Masking, fragments and pongs are the [`WebSocket`]'s.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::error::reason_of;
use super::meter::Meter;
use super::websocket::{Breach, CloseFrame, SocketError, SocketMessage, SocketRole, WebSocket};
use crate::secret::redact_cut;
use webpubsub_proto::EncodedFrame;

/// The most frames that one poll reads.
pub const MAX_BATCH_FRAMES: usize = 1024;

/// After how many bytes one poll stops reading, whether they made messages or not.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// The largest message a client takes, in bytes. The service's own limit is 1 MiB (PROTOCOL §12).
const MAX_CLIENT_MESSAGE: usize = 64 * 1024 * 1024;

/// Bytes asked of the kernel at once.
const READ_BUFFER: usize = 128 * 1024;

/// How long, after writing has failed, the peer's last words may take to be read.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The longest reason a close frame has room for, in bytes.
const MAX_CLOSE_REASON: usize = 123;

/// What came over a link. Payloads share the buffer they were read into: a small one that is kept keeps 64 KiB or more
/// alive, so copy what is to live long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping of the WebSocket; it is being answered.
    Ping,
    /// A pong of the WebSocket.
    Pong,
    /// Bytes have moved, and no message came of them yet: a part of a large one came, or something could be written
    /// after the peer had taken nothing for a while.
    Progress,
    /// The end. Nothing comes after it.
    Closed(Closed),
}

/// How a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The code of the peer's close frame, whatever number it is. `None` where there was no close frame, or one without
    /// a code.
    pub code: Option<u16>,
    /// The reason in the peer's close frame, redacted; often empty.
    pub reason: String,
    /// What went wrong, in words, unless the peer sent a close frame.
    pub error: Option<String>,
    /// Which kind of end it was.
    pub cause: Cause,
}

/// The kinds of end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The peer sent a close frame, of its own accord or in answer to ours.
    Clean,
    /// The connection ended or broke without a close frame.
    Dropped,
    /// The peer sent a text message that is not UTF-8. It was told so with code 1007.
    InvalidUtf8,
    /// The peer broke the rules of framing. It was told so with code 1002.
    Framing,
    /// The peer sent a message over the limit. It was told so with code 1009.
    TooBig,
}

/// A frame that waits to be written.
#[derive(Debug)]
enum OutgoingFrame {
    Frame(EncodedFrame),
    Ping,
    Mark(u64),
    Close { code: u16, reason: String },
}

impl OutgoingFrame {
    fn payload_len(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Ping | Self::Mark(_) => 0,
            Self::Close { reason, .. } => 2 + reason.len(),
        }
    }
}

/// A WebSocket over the byte stream `S`. Dropping it drops the stream.
pub struct Link<S> {
    socket: WebSocket<S>,
    /// What was sent and not yet given to the WebSocket, in order. It gets the next frame only when it has room.
    queue: VecDeque<OutgoingFrame>,
    /// Bytes of payload in `queue`.
    queued_bytes: usize,
    /// What [`Self::mark`] has named, with how many bytes there are up to it.
    marks: VecDeque<(u64, u64)>,
    /// A close frame of ours was queued: nothing may follow it.
    closing: bool,
    /// [`Incoming::Closed`] was handed out.
    ended: bool,
    /// Of the wire below: see [`Self::watch`].
    meter: Option<Arc<Meter>>,
    /// Runs from when writing failed: how long the peer's last words are awaited.
    last_words: Option<Pin<Box<Sleep>>>,
}

impl<S> fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("queued_bytes", &self.queued_bytes)
            .field("closing", &self.closing)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<S> Link<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// The client's end of a WebSocket whose handshake is over. `leftover` is what was read beyond it.
    pub fn client(stream: S, leftover: &[u8]) -> Self {
        Self::new(stream, leftover, SocketRole::Client, MAX_CLIENT_MESSAGE)
    }

    /// The server's end of a WebSocket, for tests of the client's. `leftover` is what was read beyond the handshake; a
    /// message of more than `max_message` bytes ends the link with [`Cause::TooBig`].
    #[cfg(any(test, feature = "test-util"))]
    pub fn server(stream: S, leftover: &[u8], max_message: usize) -> Self {
        Self::new(stream, leftover, SocketRole::Server, max_message)
    }

    fn new(stream: S, leftover: &[u8], role: SocketRole, max_message: usize) -> Self {
        Self {
            socket: WebSocket::new(stream, leftover, role, max_message, READ_BUFFER),
            queue: VecDeque::new(),
            queued_bytes: 0,
            marks: VecDeque::new(),
            closing: false,
            ended: false,
            meter: None,
            last_words: None,
        }
    }

    /// Bytes that this notes are [`Incoming::Progress`] as well.
    pub(super) fn watch(&mut self, meter: Arc<Meter>) {
        self.meter = Some(meter);
    }

    /// Queues a message; a text must be valid UTF-8. Ignored after [`close`](Self::close) and after the end.
    pub fn send(&mut self, frame: EncodedFrame) {
        self.enqueue(OutgoingFrame::Frame(frame));
    }

    /// Queues a text message.
    #[cfg(any(test, feature = "test-util"))]
    pub fn send_text(&mut self, text: Bytes) {
        self.send(EncodedFrame::Text(text));
    }

    /// Queues a binary message.
    #[cfg(any(test, feature = "test-util"))]
    pub fn send_binary(&mut self, payload: Bytes) {
        self.send(EncodedFrame::Binary(payload));
    }

    /// Queues a ping of the WebSocket, which the peer has to answer.
    pub fn send_ping(&mut self) {
        self.enqueue(OutgoingFrame::Ping);
    }

    /// Names the place behind what was sent until now: [`take_written`](Self::take_written) says when all of it has gone
    /// out. Ignored after [`close`](Self::close) and after the end.
    pub fn mark(&mut self, name: u64) {
        self.enqueue(OutgoingFrame::Mark(name));
    }

    /// The next mark that [`poll`](Self::poll) has come past: what was sent before it is with the system, which is not to
    /// say that the peer has it. To be asked after each poll, also after the one that brought the end; `None`: no further
    /// one.
    pub fn take_written(&mut self) -> Option<u64> {
        let (name, _) = self.marks.pop_front_if(|(_, place)| *place <= self.socket.flushed())?;
        Some(name)
    }

    /// Queues a close frame; of the reason as much as fits, 123 bytes. The first call counts. Messages may still
    /// come until the peer's close frame does: go on polling until [`Incoming::Closed`], or drop the link when it
    /// takes too long.
    pub fn close(&mut self, code: u16, reason: &str) {
        let fits = |end: &usize| reason.is_char_boundary(*end);
        let end = (0..=reason.len().min(MAX_CLOSE_REASON)).rev().find(fits).unwrap_or_default();
        self.enqueue(OutgoingFrame::Close { code, reason: reason[..end].to_owned() });
        self.closing = true;
    }

    /// Bytes that wait because the peer reads slowly.
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes + self.socket.waiting()
    }

    fn enqueue(&mut self, frame: OutgoingFrame) {
        if !self.closing && !self.ended {
            self.queued_bytes += frame.payload_len();
            self.queue.push_back(frame);
        }
    }

    /// Writes what is queued and, if `read` says so, adds to `batch` what has come.
    ///
    /// Ready when something was added: as much as could be had without waiting, up to [`MAX_BATCH_FRAMES`] or
    /// [`MAX_BATCH_BYTES`] and the message that passed it. [`Incoming::Closed`] is always the last; after it a link
    /// is pending for ever.
    ///
    /// Without `read` nothing is taken from the peer and its pings stay unanswered. But when writing fails, what the
    /// peer sent before is read out whatever `read` says: the connection is dead, so that this is no more than the
    /// kernel had buffered, and the close code may be in there.
    pub fn poll(&mut self, cx: &mut Context<'_>, read: bool, batch: &mut Vec<Incoming>) -> Poll<()> {
        if self.ended {
            return Poll::Pending;
        }
        let _ = self.poll_write_out(cx);
        let before = batch.len();
        let broken = self.socket.failure().is_some();
        if read || broken {
            self.read_batch(cx, batch);
        }
        let below = self.meter.as_ref().is_some_and(|meter| meter.take());
        let moved = self.socket.take_moved() || below;
        if batch.len() == before && moved {
            batch.push(Incoming::Progress);
        }
        if batch.len() > before {
            return Poll::Ready(());
        }
        if broken {
            let last_words = self.last_words.get_or_insert_with(|| Box::pin(sleep(LAST_WORDS)));
            if last_words.as_mut().poll(cx).is_ready() {
                batch.push(self.dropped(None));
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    fn read_batch(&mut self, cx: &mut Context<'_>, batch: &mut Vec<Incoming>) {
        let before = batch.len();
        let mut bytes = 0;
        let mut budget = MAX_BATCH_BYTES;
        while batch.len() - before < MAX_BATCH_FRAMES && bytes < MAX_BATCH_BYTES && !self.ended {
            let Poll::Ready(message) = self.socket.poll_next(cx, &mut budget) else { break };
            let incoming = match message {
                Ok(SocketMessage::Text(text)) => Incoming::Text(text),
                Ok(SocketMessage::Binary(payload)) => Incoming::Binary(payload),
                Ok(SocketMessage::Ping(_)) => Incoming::Ping,
                Ok(SocketMessage::Pong) => Incoming::Pong,
                Ok(SocketMessage::Close(frame)) => self.closed_by_peer(frame),
                Err(SocketError::Breach(breach)) => self.breached(breach),
                Err(SocketError::End) => self.dropped(None),
                Err(SocketError::Io(error)) => self.dropped(Some(reason_of(&error))),
            };
            bytes += match &incoming {
                Incoming::Text(text) => text.len(),
                Incoming::Binary(payload) => payload.len(),
                Incoming::Ping | Incoming::Pong | Incoming::Progress | Incoming::Closed(_) => 0,
            };
            batch.push(incoming);
        }
        // A pong, or the answer to a close frame. If the peer does not take it, that is no concern of ours.
        let _ = self.poll_write_out(cx);
    }

    /// Puts bytes on the wire that are no frame, as a broken or a slow peer does.
    #[cfg(any(test, feature = "test-util"))]
    pub async fn write_raw(&mut self, bytes: &[u8]) {
        use tokio::io::AsyncWriteExt as _;
        let _ = self.socket.get_mut().write_all(bytes).await;
    }

    /// Writes what is queued; ready when all of it is with the kernel, or the link is at its end. Reads nothing.
    #[cfg(any(test, feature = "test-util"))]
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended { Poll::Ready(()) } else { self.poll_write_out(cx) }
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.queue.is_empty() {
            ready!(self.socket.poll_room(cx));
            let Some(frame) = self.queue.pop_front() else { break };
            self.queued_bytes -= frame.payload_len();
            match frame {
                OutgoingFrame::Frame(EncodedFrame::Text(payload)) => self.socket.send_text(&payload),
                OutgoingFrame::Frame(EncodedFrame::Binary(payload)) => self.socket.send_binary(&payload),
                OutgoingFrame::Frame(EncodedFrame::Shared(shared)) => {
                    self.socket.send_shared(shared.is_text(), shared.pieces());
                }
                OutgoingFrame::Ping => self.socket.send_ping(),
                // What was sent after a failure went nowhere, and its end is no place.
                OutgoingFrame::Mark(name) if self.socket.failure().is_none() => {
                    self.marks.push_back((name, self.socket.sent()));
                }
                OutgoingFrame::Mark(_) => {}
                OutgoingFrame::Close { code, reason } => self.socket.send_close(Some(code), &reason),
            }
        }
        self.socket.poll_flush(cx)
    }

    /// The peer's close frame is answered, unless it is an answer itself.
    fn closed_by_peer(&mut self, frame: CloseFrame) -> Incoming {
        self.end();
        self.socket.send_close(frame.answer(), "");
        // It has room for 123 bytes: who repeats a token there repeats its beginning.
        let reason = redact_cut(&frame.reason).into_owned();
        Incoming::Closed(Closed { code: frame.code, reason, error: None, cause: Cause::Clean })
    }

    /// The peer broke the rules, and is told so.
    fn breached(&mut self, breach: Breach) -> Incoming {
        let cause = match breach {
            Breach::InvalidUtf8 => Cause::InvalidUtf8,
            Breach::TooBig { .. } => Cause::TooBig,
            Breach::ReservedBits
            | Breach::Opcode(_)
            | Breach::Length
            | Breach::FragmentedControl
            | Breach::LongControl
            | Breach::Masked
            | Breach::Unmasked
            | Breach::Continuation
            | Breach::Interrupted => Cause::Framing,
        };
        self.end();
        self.socket.send_close(Some(breach.code()), "");
        Incoming::Closed(Closed { code: None, reason: String::new(), error: Some(breach.to_string()), cause })
    }

    /// The end without a close frame. An error in writing came before what reading then saw of it.
    fn dropped(&mut self, reading: Option<String>) -> Incoming {
        self.end();
        let writing = self.socket.failure().map(reason_of);
        let words = writing.or(reading).unwrap_or_else(|| "the connection ended without a close frame".to_owned());
        Incoming::Closed(Closed { code: None, reason: String::new(), error: Some(words), cause: Cause::Dropped })
    }

    fn end(&mut self) {
        self.ended = true;
        self.queue.clear();
        self.queued_bytes = 0;
    }
}
