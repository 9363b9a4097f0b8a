//! One WebSocket's task: moves frames between a socket and its hub, in batches both ways.
//!
//! Writing comes first and never waits for reading, nor reading for writing. The task ends when either side has closed,
//! always within a few seconds of the decision to close.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WireFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::hubs::{Incoming, Line};
use super::outbox::{Item, Signals};
use crate::emulator::hub::{CloseKind, Cut, Frame, Violation};
use crate::protocol::MAX_FRAME_BYTES;

/// Most messages handed to the hub at once.
const BATCH_MESSAGES: usize = 256;
/// Most bytes handed to the hub at once, but for the last message.
const BATCH_BYTES: usize = 256 * 1024;
/// The hub is told at the latest when so much was written.
const REPORT_BYTES: usize = 64 * 1024;
/// How long a client may take to read up to the close frame.
const CLOSE_WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to answer it.
const CLOSE_READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a socket that was upgraded, until it is closed. `read` was read from the stream already.
pub(super) async fn serve(stream: TcpStream, read: Vec<u8>, line: Line) {
    let config = WebSocketConfig::default()
        .read_buffer_size(32 * 1024)
        .write_buffer_size(64 * 1024)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    let stream = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
    let socket = Socket {
        stream,
        line,
        batch: Vec::new(),
        ending: None,
        sending: VecDeque::new(),
        signals: Signals::default(),
        unflushed: false,
        close_sent: false,
        cut: None,
        written: 0,
        close_deadline: None,
    };
    socket.run().await;
}

struct Socket {
    stream: WebSocketStream<TcpStream>,
    line: Line,
    /// What was read and not handed to the hub yet.
    batch: Vec<Incoming>,
    /// How reading ended; the batch before it comes first.
    ending: Option<Ending>,
    /// What was taken from the outbox and not written yet.
    sending: VecDeque<Item>,
    /// As of the last look into the outbox.
    signals: Signals,
    unflushed: bool,
    close_sent: bool,
    /// The last that was taken from the outbox is this end.
    cut: Option<Cut>,
    /// Written and not reported to the hub yet.
    written: usize,
    /// When to give up on a client that does not read up to its close frame.
    close_deadline: Option<Pin<Box<Sleep>>>,
}

/// Why the task stops serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The client sent a close frame.
    PeerClosed(CloseKind),
    /// The transport broke, or ended without a close frame.
    Broken,
    /// The client sent something the WebSocket layer refuses.
    Violated(Violation),
    /// The hub's close frame is out.
    CloseSent,
    /// The hub wants the socket dropped, or its close frame did not get out in time.
    Aborted,
    /// A fault ends the socket, and all before it is out.
    Cut(Cut),
}

/// What the task has to do next.
enum Step {
    /// Hand the batch to the hub.
    Batch,
    /// Report what was written.
    Report,
    /// Stop.
    End(Ending),
}

impl Socket {
    async fn run(mut self) {
        let ending = loop {
            match poll_fn(|cx| self.poll_step(cx)).await {
                Step::Batch => {
                    let full = self.batch.len() >= BATCH_MESSAGES;
                    self.line.receive(&mut self.batch, std::mem::take(&mut self.written));
                    if full {
                        // A client that never pauses must not keep the others from being written to.
                        tokio::task::yield_now().await;
                    }
                }
                Step::Report => self.line.receive(&mut self.batch, std::mem::take(&mut self.written)),
                Step::End(ending) => break ending,
            }
        };
        match ending {
            Ending::Aborted | Ending::Cut(Cut::Eof) => {}
            // A socket without time to linger is reset when it is dropped.
            Ending::Cut(Cut::Reset) => drop(self.stream.get_ref().set_zero_linger()),
            Ending::Cut(Cut::Silence) => poll_fn(|cx| self.poll_silence(cx)).await,
            Ending::Broken => self.line.closed(CloseKind::Dropped),
            Ending::PeerClosed(kind) => {
                self.line.closed(kind);
                // The answering close frame.
                let _ = timeout(CLOSE_READ_TIMEOUT, self.stream.flush()).await;
            }
            Ending::CloseSent => {
                let _ =
                    timeout(CLOSE_READ_TIMEOUT, async { while let Some(Ok(_)) = self.stream.next().await {} }).await;
            }
            Ending::Violated(violation) => {
                self.line.violated(violation);
                self.part_with_violator().await;
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(ending) = self.ending.take() {
            return Poll::Ready(Step::End(ending));
        }
        self.line.outbox().register(cx.waker());
        if let Poll::Ready(ending) = self.poll_write(cx) {
            return Poll::Ready(Step::End(ending));
        }
        if !self.signals.paused {
            self.read_batch(cx);
        }
        if !self.batch.is_empty() {
            return Poll::Ready(Step::Batch);
        }
        if let Some(ending) = self.ending.take() {
            return Poll::Ready(Step::End(ending));
        }
        if self.written >= REPORT_BYTES {
            return Poll::Ready(Step::Report);
        }
        Poll::Pending
    }

    /// Writes what there is. Ready only when the socket is to end.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        loop {
            if self.sending.is_empty() {
                self.signals = self.line.outbox().take(&mut self.sending);
            } else {
                self.signals = self.line.outbox().take_signals();
            }
            if self.signals.aborted {
                return Poll::Ready(Ending::Aborted);
            }
            if self.signals.closing && self.poll_close_deadline(cx).is_ready() {
                return Poll::Ready(Ending::Aborted);
            }
            if self.sending.is_empty() {
                break;
            }
            while let Some(item) = self.sending.pop_front() {
                match self.stream.poll_ready_unpin(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Ending::Broken),
                    Poll::Pending => {
                        self.sending.push_front(item);
                        return Poll::Pending;
                    }
                }
                if self.start_send(item).is_err() {
                    return Poll::Ready(Ending::Broken);
                }
            }
        }
        if self.unflushed {
            if ready!(self.stream.poll_flush_unpin(cx)).is_err() {
                return Poll::Ready(Ending::Broken);
            }
            self.unflushed = false;
        }
        match self.cut {
            Some(cut) => Poll::Ready(Ending::Cut(cut)),
            None if self.close_sent => Poll::Ready(Ending::CloseSent),
            None => Poll::Pending,
        }
    }

    /// Takes in whatever comes, below the WebSocket, so that nothing is answered. Ready when the client has gone, or the
    /// hub wants the socket dropped.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let outbox = self.line.outbox();
        outbox.register(cx.waker());
        if outbox.take_signals().aborted {
            return Poll::Ready(());
        }
        let mut scratch = [0; 4096];
        loop {
            let mut read = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(self.stream.get_mut()).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }

    fn start_send(&mut self, item: Item) -> Result<(), Error> {
        self.unflushed = true;
        self.stream.start_send_unpin(match item {
            Item::Frame(frame) => {
                self.written = self.written.saturating_add(frame.cost());
                // As frames, since the text is known to be UTF-8 and need not be looked at again.
                let (bytes, kind) = match frame {
                    Frame::Text(bytes) => (bytes, Data::Text),
                    Frame::Binary(bytes) => (bytes, Data::Binary),
                };
                Message::Frame(WireFrame::message(bytes, OpCode::Data(kind), true))
            }
            Item::Ping => Message::Ping(Bytes::new()),
            Item::Cut(cut) => {
                self.cut = Some(cut);
                return Ok(());
            }
            Item::Close { code, reason } => {
                self.close_sent = true;
                Message::Close(Some(CloseFrame { code: CloseCode::from(code), reason: reason.into_owned().into() }))
            }
        })
    }

    fn poll_close_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.close_deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSE_WRITE_TIMEOUT)));
        deadline.as_mut().poll(cx)
    }

    /// Reads what there is, up to a batch.
    fn read_batch(&mut self, cx: &mut Context<'_>) {
        let mut bytes = 0;
        while self.ending.is_none() && self.batch.len() < BATCH_MESSAGES && bytes < BATCH_BYTES {
            let Poll::Ready(message) = self.stream.poll_next_unpin(cx) else { return };
            match message {
                Some(Ok(Message::Text(text))) => {
                    bytes += text.len();
                    self.batch.push(Incoming::Text(text));
                }
                Some(Ok(Message::Binary(data))) => {
                    bytes += data.len();
                    self.batch.push(Incoming::Binary(data));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => self.batch.push(Incoming::Life),
                // What the WebSocket layer makes of a close frame with a code that must not stand in one.
                Some(Ok(Message::Close(Some(frame))))
                    if frame.code == CloseCode::Protocol && frame.reason.as_str() == "Protocol violation" =>
                {
                    self.ending = Some(Ending::Violated(Violation::Framing));
                }
                Some(Ok(Message::Close(frame))) => {
                    // Only 1000 means that the client is done (PROTOCOL §7.2).
                    let clean = frame.is_some_and(|frame| frame.code == CloseCode::Normal);
                    let kind = if clean { CloseKind::Clean } else { CloseKind::Dropped };
                    self.ending = Some(Ending::PeerClosed(kind));
                }
                Some(Err(error)) => self.ending = Some(judge(&error)),
                None => self.ending = Some(Ending::Broken),
            }
        }
    }

    /// Sends the last frames to a client that cannot be read from any more, and waits until it has seen them: a socket
    /// that is dropped with unread data resets the connection, and the close frame may be lost with it.
    async fn part_with_violator(&mut self) {
        let sent = timeout(
            CLOSE_READ_TIMEOUT,
            poll_fn(|cx| {
                self.line.outbox().register(cx.waker());
                self.poll_write(cx)
            }),
        );
        if sent.await == Ok(Ending::CloseSent) {
            let stream = self.stream.get_mut();
            let _ = timeout(CLOSE_READ_TIMEOUT, async {
                stream.shutdown().await?;
                let mut scratch = vec![0; 16 * 1024];
                while stream.read(&mut scratch).await? > 0 {}
                std::io::Result::Ok(())
            })
            .await;
        }
    }
}

/// What an error of the WebSocket layer says about the client.
fn judge(error: &Error) -> Ending {
    match error {
        Error::Utf8(_) => Ending::Violated(Violation::InvalidUtf8),
        Error::Capacity(_) => Ending::Violated(Violation::TooBig),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::Broken,
        Error::Protocol(_) => Ending::Violated(Violation::Framing),
        _ => Ending::Broken,
    }
}
