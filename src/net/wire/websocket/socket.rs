//! A WebSocket over a byte stream: two buffers around a [`Decoder`], and what is said by itself.
//!
//! A failed write is remembered, later ones go nowhere, and reading goes on: when the other end sends its last messages
//! and a close frame and then resets the connection, a write of ours may see the reset before a read saw the messages.

use std::fmt;
use std::future::Future as _;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::header::{FrameHeader, Opcode, apply_mask};
use super::output::WriteBuffer;
use super::{Breach, Decoder, SocketMessage, SocketRole};

/// No frame is taken while so many bytes wait to be written.
const WRITE_BUFFER: usize = 64 * 1024;

/// The most that is asked for at once for a frame that was announced and has not come.
const MAX_AHEAD: usize = 1024 * 1024;

/// What a server's end keeps of a buffer that was written: there are many of them, most of which have nothing to write.
const KEPT_BY_SERVER: usize = 8 * 1024;

/// So little of a frame is moved to the front of the buffer rather than read on behind it.
const MAX_MOVED: usize = 4 * 1024;

/// A WebSocket whose handshake is over.
pub struct WebSocket<S> {
    stream: S,
    role: SocketRole,
    decoder: Decoder,
    /// What came and is no message yet.
    pub(super) input: BytesMut,
    /// Bytes asked of the stream at once.
    read_size: usize,
    /// What waits to be written.
    output: WriteBuffer,
    /// Bytes that the stream has taken, in all.
    taken: u64,
    /// Of them, those before the last flush: until then the stream may hold bytes back.
    flushed: u64,
    /// The last ping that was not answered yet.
    ping: Option<Bytes>,
    /// Our close frame is among the output: nothing may follow it.
    closed: bool,
    /// The stream took no more at the last write.
    blocked: bool,
    /// See [`Self::take_moved`].
    moved: bool,
    /// Why writing failed. Set once.
    failure: Option<io::Error>,
}

/// Why nothing more can be read.
#[derive(Debug)]
pub enum SocketError {
    /// The other end broke the rules.
    Breach(Breach),
    /// The stream ended.
    End,
    /// The stream broke.
    Io(io::Error),
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("role", &self.role)
            .field("input", &self.input.len())
            .field("output", &self.output.len())
            .field("closed", &self.closed)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl<S> WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// `leftover` is what was read beyond the handshake. A message of more than `limit` bytes is a breach.
    pub fn new(stream: S, leftover: &[u8], role: SocketRole, limit: usize, read_size: usize) -> Self {
        Self {
            stream,
            role,
            decoder: Decoder::new(role, limit),
            input: BytesMut::from(leftover),
            read_size,
            output: WriteBuffer::default(),
            taken: 0,
            flushed: 0,
            ping: None,
            closed: false,
            blocked: false,
            moved: false,
            failure: None,
        }
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream below.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Why writing failed, if it did.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Whether bytes have moved since this was asked last: some came, or some could be written after the stream had
    /// been full. That the system takes bytes into an empty buffer of its own says nothing about the other end, that
    /// there is room again says that it reads.
    pub fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Reads the next message. A ping is answered when there is something to write to: see [`Self::poll_flush`].
    ///
    /// `budget` is what may be read before somebody else has a turn: what was read is taken off, and when it is used
    /// up, this is pending and wakes the task at once. Endless bytes that make no message end so, too.
    pub fn poll_next(&mut self, cx: &mut Context<'_>, budget: &mut usize) -> Poll<Result<SocketMessage, SocketError>> {
        loop {
            match self.decoder.next(&mut self.input) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    if let SocketMessage::Ping(payload) = &message
                        && !self.closed
                    {
                        self.ping = Some(payload.clone());
                    }
                    return Poll::Ready(Ok(message));
                }
                Err(breach) => return Poll::Ready(Err(SocketError::Breach(breach))),
            }
            if *budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) => return Poll::Ready(Err(SocketError::End)),
                Ok(read) => {
                    self.moved = true;
                    *budget = budget.saturating_sub(read);
                }
                Err(error) => return Poll::Ready(Err(SocketError::Io(error))),
            }
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let len = self.input.len();
        if len <= MAX_MOVED {
            // The whole buffer again, as soon as nobody holds a message of it.
            let _ = self.input.try_reclaim(self.read_size - len.min(self.read_size));
            if self.input.capacity() > MAX_AHEAD + self.read_size && self.decoder.lacking(len) < self.read_size {
                // Nor is the buffer of a large message kept for ever.
                self.input = BytesMut::from(&self.input[..]);
            }
        }
        let spare = self.input.capacity() - self.input.len();
        let ahead = self.decoder.lacking(len).min(len.max(MAX_AHEAD));
        if spare < ahead.max(self.read_size / 4) {
            self.input.reserve(ahead.max(self.read_size - len.min(self.read_size / 2)));
        }
        let read = pin!(self.stream.read_buf(&mut self.input));
        read.poll(cx)
    }

    /// Ready when another frame may be sent.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting() < WRITE_BUFFER { Poll::Ready(()) } else { self.poll_write(cx) }
    }

    /// Bytes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.output.len()
    }

    /// How many bytes there are up to here, from the first to the last that was sent.
    pub fn sent(&self) -> u64 {
        self.taken + self.waiting() as u64
    }

    /// How many of them are with the system. It stays behind [`Self::sent`] for ever once writing has failed.
    pub fn flushed(&self) -> u64 {
        self.flushed
    }

    /// Sends a text message, which must be UTF-8. Ask for [room](Self::poll_room) before.
    pub fn send_text(&mut self, payload: &[u8]) {
        self.send(Opcode::Text, payload);
    }

    /// Sends a binary message. Ask for [room](Self::poll_room) before.
    pub fn send_binary(&mut self, payload: &[u8]) {
        self.send(Opcode::Binary, payload);
    }

    /// Sends a message in three pieces, of which the middle one is shared: this end, if it is a server's, does not copy
    /// it. A text has to be UTF-8. Ask for [room](Self::poll_room) before.
    pub fn send_shared(&mut self, is_text: bool, (before, shared, after): (&[u8], &Bytes, &[u8])) {
        let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
        if self.role == SocketRole::Client {
            return self.send(opcode, &[before, shared, after].concat());
        }
        if self.closed || self.failure.is_some() {
            return;
        }
        let length = (before.len() + shared.len() + after.len()) as u64;
        let own = self.output.own();
        FrameHeader { last: true, opcode, mask: None, length }.write(own);
        own.extend_from_slice(before);
        self.output.share(shared.clone());
        self.output.own().extend_from_slice(after);
    }

    /// Sends an empty ping. Ask for [room](Self::poll_room) before.
    pub fn send_ping(&mut self) {
        self.send(Opcode::Ping, &[]);
    }

    /// Sends a close frame, with any code; the reason has 123 bytes at the most. Nothing is sent after it.
    pub fn send_close(&mut self, code: Option<u16>, reason: &str) {
        let payload = match code {
            Some(code) => [&code.to_be_bytes(), reason.as_bytes()].concat(),
            None => Vec::new(),
        };
        self.send(Opcode::Close, &payload);
        self.closed = true;
        self.ping = None;
    }

    fn send(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.closed || self.failure.is_some() {
            return;
        }
        let mask = match self.role {
            SocketRole::Client => Some(rand::random()),
            SocketRole::Server => None,
        };
        let output = self.output.own();
        FrameHeader { last: true, opcode, mask, length: payload.len() as u64 }.write(output);
        let start = output.len();
        output.extend_from_slice(payload);
        if let Some(mask) = mask {
            apply_mask(&mut output[start..], mask);
        }
    }

    /// Writes all that waits, the answer to the last ping included. Ready when it is with the system, or writing has
    /// failed.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ping.is_some() {
            ready!(self.poll_room(cx));
            if let Some(payload) = self.ping.take() {
                self.send(Opcode::Pong, &payload);
            }
        }
        ready!(self.poll_write(cx));
        self.poll_flush_stream(cx)
    }

    /// Ready when the stream holds nothing back, or writing has failed.
    fn poll_flush_stream(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.flushed < self.taken && self.failure.is_none() {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Pending => {
                    self.blocked = true;
                    return Poll::Pending;
                }
                Poll::Ready(Ok(())) => {
                    self.flushed = self.taken;
                    self.moved |= std::mem::take(&mut self.blocked);
                }
                Poll::Ready(Err(error)) => self.failure = Some(error),
            }
        }
        Poll::Ready(())
    }

    /// Ready when nothing waits.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.waiting() > 0 && self.failure.is_none() {
            // A stream that always has something to write would not say otherwise how far it has come.
            if self.taken - self.flushed >= WRITE_BUFFER as u64 {
                ready!(self.poll_flush_stream(cx));
                continue;
            }
            let stream = Pin::new(&mut self.stream);
            let written = match self.output.as_one() {
                Some(bytes) => stream.poll_write(cx, bytes),
                None => {
                    let (pieces, count) = self.output.pieces();
                    stream.poll_write_vectored(cx, &pieces[..count])
                }
            };
            match written {
                Poll::Pending => {
                    self.blocked = true;
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) => self.failure = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.output.advance(written);
                    self.taken += written as u64;
                    self.moved |= std::mem::take(&mut self.blocked);
                }
                Poll::Ready(Err(error)) => self.failure = Some(error),
            }
        }
        self.output.clear(match self.role {
            SocketRole::Client => MAX_AHEAD,
            SocketRole::Server => KEPT_BY_SERVER,
        });
        Poll::Ready(())
    }
}
