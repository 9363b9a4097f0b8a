//! One WebSocket's task: moves frames between a socket and its hub, in batches both ways.
//!
//! Writing comes first and never waits for reading, nor reading for writing. The task ends when either side has closed,
//! always within a few seconds of the decision to close.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::time::{Sleep, timeout};

use super::carrier::{Carrier, see_off, send_end};
use super::hubs::{HubSocket, Incoming};
use super::outbox::{Item, Signals};
use webpubsub_net::wire::{Breach, CloseDefect, SocketError, SocketMessage, SocketRole, WebSocket, prepare};
use webpubsub_proto::MAX_FRAME_BYTES;
use webpubsub_proto::hub::{CloseKind, Cut, Violation};
use webpubsub_proto::{EncodedFrame, SharedFrame};

/// Most messages handed to the hub at once.
const BATCH_MESSAGES: usize = 256;
/// Most bytes read before the hub and the others have their turn, whether they made messages or not.
const BATCH_BYTES: usize = 256 * 1024;
/// Bytes asked of the system at once.
const READ_BUFFER: usize = 32 * 1024;
/// The hub is told at the latest when so much was written.
const REPORT_BYTES: usize = 64 * 1024;
/// How long a client may take to read up to the close frame.
const CLOSE_WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to answer it.
const CLOSE_READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a socket that was upgraded, until it is closed. `read` was read from the stream already.
pub(super) async fn serve(stream: impl Carrier, read: &[u8], line: HubSocket) {
    prepare(stream.tcp());
    let stream = WebSocket::new(stream, read, SocketRole::Server, MAX_FRAME_BYTES, READ_BUFFER);
    let socket = ClientSocket {
        stream,
        line,
        batch: Vec::new(),
        budget: BATCH_BYTES,
        ending: None,
        sending: VecDeque::new(),
        signals: Signals::default(),
        close_sent: false,
        cut: None,
        written: 0,
        close_deadline: None,
    };
    socket.run().await;
}

struct ClientSocket<S> {
    stream: WebSocket<S>,
    line: HubSocket,
    /// What was read and not handed to the hub yet.
    batch: Vec<Incoming>,
    /// What may still be read in this turn.
    budget: usize,
    /// How reading ended; the batch before it comes first.
    ending: Option<SocketEnding>,
    /// What was taken from the outbox and not written yet.
    sending: VecDeque<Item>,
    /// As of the last look into the outbox.
    signals: Signals,
    close_sent: bool,
    /// The last that was taken from the outbox is this end.
    cut: Option<Cut>,
    /// Written and not reported to the hub yet.
    written: usize,
    /// When to give up on a client that does not read up to its close frame.
    close_deadline: Option<Pin<Box<Sleep>>>,
}

/// Why the task stops serving.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SocketEnding {
    /// The client sent a close frame, with this reason.
    PeerClosed(CloseKind, String),
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
enum SocketStep {
    /// Hand the batch to the hub.
    Batch,
    /// Report what was written.
    Report,
    /// Stop.
    End(SocketEnding),
}

impl<S: Carrier> ClientSocket<S> {
    async fn run(mut self) {
        let ending = loop {
            match poll_fn(|cx| self.poll_step(cx)).await {
                SocketStep::Batch => {
                    let full = self.batch.len() >= BATCH_MESSAGES || self.budget == 0;
                    self.line.receive(&mut self.batch, std::mem::take(&mut self.written));
                    if full {
                        // A client that never pauses must not keep the others from being written to.
                        tokio::task::yield_now().await;
                    }
                }
                SocketStep::Report => self.line.receive(&mut self.batch, std::mem::take(&mut self.written)),
                SocketStep::End(ending) => break ending,
            }
        };
        match ending {
            SocketEnding::Aborted | SocketEnding::Cut(Cut::Eof) => {}
            // A socket without time to linger is reset when it is dropped.
            SocketEnding::Cut(Cut::Reset) => drop(self.stream.get_ref().tcp().set_zero_linger()),
            SocketEnding::Cut(Cut::Silence) => poll_fn(|cx| self.poll_silence(cx)).await,
            SocketEnding::Broken => self.line.closed(CloseKind::Dropped, ""),
            SocketEnding::PeerClosed(kind, reason) => {
                self.line.closed(kind, &reason);
                let _ = timeout(CLOSE_READ_TIMEOUT, async {
                    // The answering close frame.
                    poll_fn(|cx| self.stream.poll_flush(cx)).await;
                    send_end(self.stream.get_mut()).await;
                })
                .await;
            }
            SocketEnding::CloseSent => {
                let _ = timeout(CLOSE_READ_TIMEOUT, async {
                    poll_fn(|cx| self.poll_answer(cx)).await;
                    send_end(self.stream.get_mut()).await;
                })
                .await;
            }
            SocketEnding::Violated(violation) => {
                self.line.violated(violation);
                self.part_with_violator().await;
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<SocketStep> {
        if let Some(ending) = self.ending.take() {
            return Poll::Ready(SocketStep::End(ending));
        }
        self.line.outbox().register(cx.waker());
        if let Poll::Ready(ending) = self.poll_write(cx) {
            return Poll::Ready(SocketStep::End(ending));
        }
        if !self.signals.paused {
            self.read_batch(cx);
        }
        // A part of a large message, or room in a system's buffer that was full: the client is there.
        let moved = self.stream.take_moved() | self.stream.get_ref().take_moved();
        if moved && self.batch.is_empty() && self.ending.is_none() {
            self.batch.push(Incoming::Life);
        }
        if !self.batch.is_empty() {
            return Poll::Ready(SocketStep::Batch);
        }
        if let Some(ending) = self.ending.take() {
            return Poll::Ready(SocketStep::End(ending));
        }
        if self.written >= REPORT_BYTES {
            return Poll::Ready(SocketStep::Report);
        }
        Poll::Pending
    }

    /// Writes what there is. Ready only when the socket is to end.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<SocketEnding> {
        loop {
            if self.sending.is_empty() {
                self.signals = self.line.outbox().take(&mut self.sending);
            } else {
                self.signals = self.line.outbox().take_signals();
            }
            if self.signals.aborted {
                return Poll::Ready(SocketEnding::Aborted);
            }
            if self.signals.closing && self.poll_close_deadline(cx).is_ready() {
                return Poll::Ready(SocketEnding::Aborted);
            }
            if self.sending.is_empty() {
                break;
            }
            while let Some(item) = self.sending.pop_front() {
                if self.stream.poll_room(cx).is_pending() {
                    self.sending.push_front(item);
                    return Poll::Pending;
                }
                self.send(item);
            }
        }
        ready!(self.stream.poll_flush(cx));
        if self.stream.failure().is_some() {
            return Poll::Ready(SocketEnding::Broken);
        }
        match self.cut {
            Some(cut) => Poll::Ready(SocketEnding::Cut(cut)),
            None if self.close_sent => Poll::Ready(SocketEnding::CloseSent),
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

    fn send(&mut self, item: Item) {
        match item {
            Item::Frame(frame) => {
                self.written = self.written.saturating_add(frame.cost());
                match &frame {
                    EncodedFrame::Text(bytes) if bytes.len() >= SharedFrame::FROM => {
                        self.stream.send_shared(true, (&[], bytes, &[]));
                    }
                    EncodedFrame::Binary(bytes) if bytes.len() >= SharedFrame::FROM => {
                        self.stream.send_shared(false, (&[], bytes, &[]));
                    }
                    EncodedFrame::Text(bytes) => self.stream.send_text(bytes),
                    EncodedFrame::Binary(bytes) => self.stream.send_binary(bytes),
                    EncodedFrame::Shared(shared) => self.stream.send_shared(shared.is_text(), shared.pieces()),
                }
            }
            Item::Ping => self.stream.send_ping(),
            Item::Cut(cut) => self.cut = Some(cut),
            Item::Close { code, reason } => {
                self.close_sent = true;
                self.stream.send_close(Some(code), &reason);
            }
        }
    }

    /// Ready when the client has answered our close frame, or cannot any more.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut budget = BATCH_BYTES;
        loop {
            match ready!(self.stream.poll_next(cx, &mut budget)) {
                Ok(
                    SocketMessage::Text(_) | SocketMessage::Binary(_) | SocketMessage::Ping(_) | SocketMessage::Pong,
                ) => {}
                Ok(SocketMessage::Close(_)) | Err(_) => return Poll::Ready(()),
            }
        }
    }

    fn poll_close_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.close_deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSE_WRITE_TIMEOUT)));
        deadline.as_mut().poll(cx)
    }

    /// Reads what there is, up to a batch.
    fn read_batch(&mut self, cx: &mut Context<'_>) {
        self.budget = BATCH_BYTES;
        while self.ending.is_none() && self.batch.len() < BATCH_MESSAGES {
            let Poll::Ready(message) = self.stream.poll_next(cx, &mut self.budget) else { return };
            match message {
                Ok(SocketMessage::Text(text)) => self.batch.push(Incoming::Text(text)),
                Ok(SocketMessage::Binary(data)) => self.batch.push(Incoming::Binary(data)),
                // One sign is as good as many.
                Ok(SocketMessage::Ping(_) | SocketMessage::Pong) => {
                    if !matches!(self.batch.last(), Some(Incoming::Life)) {
                        self.batch.push(Incoming::Life);
                    }
                }
                Ok(SocketMessage::Close(frame)) => {
                    self.ending = Some(match frame.defect {
                        Some(CloseDefect::HalfCode | CloseDefect::Code) => SocketEnding::Violated(Violation::Framing),
                        Some(CloseDefect::Reason) => SocketEnding::Violated(Violation::InvalidUtf8),
                        None => {
                            self.stream.send_close(frame.answer(), "");
                            // Only 1000 means that the client is done (PROTOCOL §7.2).
                            let clean = frame.code == Some(1000);
                            SocketEnding::PeerClosed(
                                if clean { CloseKind::Clean } else { CloseKind::Dropped },
                                frame.reason,
                            )
                        }
                    });
                }
                Err(error) => self.ending = Some(judge(&error)),
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
        if sent.await == Ok(SocketEnding::CloseSent) {
            let _ = timeout(CLOSE_READ_TIMEOUT, see_off(self.stream.get_mut())).await;
        }
    }
}

/// What the end of reading says about the client.
fn judge(error: &SocketError) -> SocketEnding {
    match error {
        SocketError::Breach(Breach::InvalidUtf8) => SocketEnding::Violated(Violation::InvalidUtf8),
        SocketError::Breach(Breach::TooBig { .. }) => SocketEnding::Violated(Violation::TooBig),
        SocketError::Breach(
            Breach::ReservedBits
            | Breach::Opcode(_)
            | Breach::Length
            | Breach::FragmentedControl
            | Breach::LongControl
            | Breach::Masked
            | Breach::Unmasked
            | Breach::Continuation
            | Breach::Interrupted,
        ) => SocketEnding::Violated(Violation::Framing),
        SocketError::End | SocketError::Io(_) => SocketEnding::Broken,
    }
}
