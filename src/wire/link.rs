//! An established WebSocket that queues what is sent and reads in batches.
//!
//! Sending never waits: frames go into a queue that [`Link::poll`] writes out. Reading happens only when the caller
//! asks for it, so that a caller who stops asking leaves the peer's data in the kernel. A link is made to be polled
//! inside `select!`: everything it knows is in itself, and nothing is lost when a poll is not followed by another.
//! Masking, fragments, pongs and the answer to a close frame are the WebSocket library's.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes, error::ProtocolError};

use super::error::reason_of;
use super::socket::Socket;
use crate::secret::redact;

/// The most frames that one poll reads.
pub const MAX_BATCH_FRAMES: usize = 1024;

/// After how many bytes of payload one poll stops reading.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// The largest message a client takes, in bytes. The service's own limit is 1 MiB (PROTOCOL §12).
const MAX_CLIENT_MESSAGE: usize = 64 * 1024 * 1024;

/// Bytes asked of the kernel at once.
const READ_BUFFER: usize = 128 * 1024;

/// Bytes of small frames gathered for one write.
const WRITE_BUFFER: usize = 64 * 1024;

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
    /// The end. Nothing comes after it.
    Closed(Closed),
}

/// How a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The code of the peer's close frame. `None` where there was no close frame, or one without a code.
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
    /// The peer sent a text message, or a close reason, that is not UTF-8. It was told so with code 1007.
    InvalidUtf8,
    /// The peer broke the rules of framing. It was told so with code 1002.
    Framing,
    /// The peer sent a message over the limit. It was told so with code 1009.
    TooBig,
}

/// A frame that waits to be written.
#[derive(Debug)]
enum Outgoing {
    Text(Bytes),
    #[cfg(test)]
    Binary(Bytes),
    #[cfg(test)]
    Ping,
    Close(CloseFrame),
}

impl Outgoing {
    fn payload_len(&self) -> usize {
        match self {
            Self::Text(payload) => payload.len(),
            #[cfg(test)]
            Self::Binary(payload) => payload.len(),
            #[cfg(test)]
            Self::Ping => 0,
            Self::Close(frame) => 2 + frame.reason.len(),
        }
    }

    fn into_message(self) -> Message {
        match self {
            // A frame, since a text message would be checked once more for being UTF-8.
            Self::Text(payload) => Message::Frame(Frame::message(payload, OpCode::Data(Data::Text), true)),
            #[cfg(test)]
            Self::Binary(payload) => Message::Binary(payload),
            #[cfg(test)]
            Self::Ping => Message::Ping(Bytes::new()),
            Self::Close(frame) => Message::Close(Some(frame)),
        }
    }
}

/// A WebSocket over the byte stream `S`. Dropping it drops the stream.
pub struct Link<S> {
    socket: WebSocketStream<Socket<S>>,
    /// What was sent and not yet given to the WebSocket library, in order. The library gets the next frame only when
    /// it has room, since each partial write moves all that it holds.
    queue: VecDeque<Outgoing>,
    /// Bytes of payload in `queue`.
    queued_bytes: usize,
    /// The library may hold bytes that are not with the kernel yet.
    unflushed: bool,
    /// A close frame of ours was queued: nothing may follow it.
    closing: bool,
    /// [`Incoming::Closed`] was handed out.
    ended: bool,
    /// Runs from when writing failed: how long the peer's last words are awaited.
    last_words: Option<Pin<Box<Sleep>>>,
}

impl<S> fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("queued_bytes", &self.queued_bytes)
            .field("unflushed", &self.unflushed)
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
    pub async fn client(stream: S, leftover: Bytes) -> Self {
        Self::new(stream, leftover, Role::Client, MAX_CLIENT_MESSAGE).await
    }

    /// The server's end of a WebSocket, for tests of the client's. `leftover` is what was read beyond the handshake; a
    /// message of more than `max_message` bytes ends the link with [`Cause::TooBig`].
    #[cfg(test)]
    pub async fn server(stream: S, leftover: Bytes, max_message: usize) -> Self {
        Self::new(stream, leftover, Role::Server, max_message).await
    }

    async fn new(stream: S, leftover: Bytes, role: Role, max_message: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let socket = WebSocketStream::from_raw_socket(Socket::new(stream, leftover), role, Some(config)).await;
        Self {
            socket,
            queue: VecDeque::new(),
            queued_bytes: 0,
            unflushed: false,
            closing: false,
            ended: false,
            last_words: None,
        }
    }

    /// Queues a text message, which must be valid UTF-8. Ignored after [`close`](Self::close) and after the end.
    pub fn send_text(&mut self, text: Bytes) {
        self.enqueue(Outgoing::Text(text));
    }

    /// Queues a binary message, which a client of the JSON subprotocols never does.
    #[cfg(test)]
    pub fn send_binary(&mut self, payload: Bytes) {
        self.enqueue(Outgoing::Binary(payload));
    }

    /// Queues a ping of the WebSocket, as a service does.
    #[cfg(test)]
    pub fn send_ping(&mut self) {
        self.enqueue(Outgoing::Ping);
    }

    /// Queues a close frame; of the reason as much as fits, 123 bytes. The first call counts. Messages may still
    /// come until the peer's close frame does: go on polling until [`Incoming::Closed`], or drop the link when it
    /// takes too long.
    pub fn close(&mut self, code: u16, reason: &str) {
        let fits = |end: &usize| reason.is_char_boundary(*end);
        let end = (0..=reason.len().min(MAX_CLOSE_REASON)).rev().find(fits).unwrap_or_default();
        let reason = &reason[..end];
        self.enqueue(Outgoing::Close(CloseFrame { code: CloseCode::from(code), reason: reason.into() }));
        self.closing = true;
    }

    /// Bytes of payload that wait because the peer reads slowly, not counting the last 64 KiB or so.
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    fn enqueue(&mut self, frame: Outgoing) {
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
        let written = self.poll_write_out(cx);
        if let Poll::Ready(Err(error)) = written {
            batch.push(self.fail(cx, error));
            return Poll::Ready(());
        }
        let broken = self.socket.get_ref().failure().is_some();
        if !read && !broken {
            return Poll::Pending;
        }
        let before = batch.len();
        let mut bytes = 0;
        while batch.len() - before < MAX_BATCH_FRAMES && bytes < MAX_BATCH_BYTES {
            let message = match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(message) => message,
            };
            let incoming = match message {
                Some(Ok(Message::Text(text))) => Incoming::Text(text),
                Some(Ok(Message::Binary(payload))) => Incoming::Binary(payload),
                Some(Ok(Message::Ping(_))) => Incoming::Ping,
                Some(Ok(Message::Pong(_))) => Incoming::Pong,
                Some(Ok(Message::Close(frame))) => self.closed_by_peer(cx, frame),
                Some(Ok(Message::Frame(_))) => continue,
                Some(Err(error)) => self.fail(cx, error),
                None => self.fail(cx, Error::ConnectionClosed),
            };
            bytes += match &incoming {
                Incoming::Text(text) => text.len(),
                Incoming::Binary(payload) => payload.len(),
                Incoming::Ping | Incoming::Pong | Incoming::Closed(_) => 0,
            };
            // A pong that could not be written at once.
            self.unflushed |= incoming == Incoming::Ping;
            batch.push(incoming);
            if self.ended {
                break;
            }
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

    /// Writes what is queued; ready when all of it is with the kernel, or the link is at its end. Reads nothing.
    #[cfg(test)]
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended { Poll::Ready(()) } else { self.poll_write_out(cx).map(drop) }
    }

    /// Failures of the stream are not among the errors: see [`Socket`].
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut socket = Pin::new(&mut self.socket);
        while !self.queue.is_empty() {
            std::task::ready!(socket.as_mut().poll_ready(cx))?;
            if let Some(frame) = self.queue.pop_front() {
                self.queued_bytes -= frame.payload_len();
                self.unflushed = true;
                socket.as_mut().start_send(frame.into_message())?;
            }
        }
        if self.unflushed {
            std::task::ready!(socket.as_mut().poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn closed_by_peer(&mut self, cx: &mut Context<'_>, frame: Option<CloseFrame>) -> Incoming {
        self.end();
        // Sends the answer. If the peer does not take it, that is no concern of ours any more.
        let _ = Pin::new(&mut self.socket).poll_flush(cx);
        let (code, reason) = match frame {
            Some(frame) => (Some(u16::from(frame.code)), redact(&frame.reason).into_owned()),
            None => (None, String::new()),
        };
        Incoming::Closed(Closed { code, reason, error: None, cause: Cause::Clean })
    }

    /// The end through an error, telling the peer where it is the peer's.
    fn fail(&mut self, cx: &mut Context<'_>, error: Error) -> Incoming {
        let (cause, code, words) = match error {
            Error::Io(error) => return self.dropped(Some(reason_of(&error))),
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return self.dropped(None),
            // The library's words quote the message.
            Error::Utf8(_) => (Cause::InvalidUtf8, CloseCode::Invalid, "a text is not valid UTF-8".to_owned()),
            Error::Capacity(error) => (Cause::TooBig, CloseCode::Size, lower_case(&error)),
            Error::Protocol(error) => (Cause::Framing, CloseCode::Protocol, lower_case(&error)),
            // None of these comes from an established WebSocket.
            Error::Tls(_)
            | Error::WriteBufferFull(_)
            | Error::AttackAttempt
            | Error::Url(_)
            | Error::Http(_)
            | Error::HttpFormat(_) => (Cause::Framing, CloseCode::Protocol, "the WebSocket failed".to_owned()),
        };
        self.end();
        let farewell = CloseFrame { code, reason: Utf8Bytes::default() };
        let mut socket = Pin::new(&mut self.socket);
        if socket.as_mut().start_send(Message::Close(Some(farewell))).is_ok() {
            let _ = socket.poll_flush(cx);
        }
        Incoming::Closed(Closed { code: None, reason: String::new(), error: Some(words), cause })
    }

    /// The end without a close frame. An error in writing came before what reading then saw of it.
    fn dropped(&mut self, reading: Option<String>) -> Incoming {
        self.end();
        let writing = self.socket.get_ref().failure().map(reason_of);
        let words = writing.or(reading).unwrap_or_else(|| "the connection ended without a close frame".to_owned());
        Incoming::Closed(Closed { code: None, reason: String::new(), error: Some(words), cause: Cause::Dropped })
    }

    fn end(&mut self) {
        self.ended = true;
        self.queue.clear();
        self.queued_bytes = 0;
    }
}

/// An error's words as ours begin: lower-case.
fn lower_case(error: &impl ToString) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
