//! One connection of a tunnel: what is to go out on it, and who waits for which answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};

use super::{TunnelAnswer, TunnelAnswerError, untunnelled};
use webpubsub_proto::tunnel::{JoinResult, PartialResponse, TunnelFrame, TunnelRequest, TunnelResponse, encode_tunnel};

/// The most of an answer that is kept.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// A peer that leaves so many bytes unread is not read from, and nothing of what it asked is answered.
const MAX_UNREAD_BYTES: usize = 16 * 1024 * 1024;

/// Something for its socket to do.
#[derive(Debug)]
pub(crate) enum LineOutput {
    /// A binary message.
    Message(Bytes),
    /// The end without a close frame, after what stands before.
    Cut,
    /// A close frame.
    Close { code: u16, reason: &'static str },
}

impl LineOutput {
    /// In bytes.
    fn len(&self) -> usize {
        match self {
            Self::Message(message) => message.len(),
            Self::Cut | Self::Close { .. } => 0,
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct TunnelLine {
    /// No two have the same.
    pub(crate) number: u64,
    pub(crate) connection_id: String,
    /// Bounded by [`TunnelLine::is_crowded`], beside what clients may have at their handlers.
    outbox: UnboundedSender<LineOutput>,
    /// Bytes of the messages in it.
    unread: AtomicUsize,
    /// There is room in it again.
    room: Notify,
    waiting: Mutex<WaitingRequests>,
}

#[derive(Debug, Default)]
struct WaitingRequests {
    /// The number of the last request.
    last: i64,
    /// Its socket is gone.
    lost: bool,
    answers: HashMap<i64, (PartialResponse, oneshot::Sender<Result<TunnelAnswer, TunnelAnswerError>>)>,
}

/// Forgets who waits when nobody does any more.
struct ForgetGuard<'a>(&'a TunnelLine, i64);

impl Drop for ForgetGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting().answers.remove(&self.1);
    }
}

impl TunnelLine {
    pub(super) fn new(number: u64, connection_id: String) -> (Self, UnboundedReceiver<LineOutput>) {
        let (outbox, taken) = unbounded_channel();
        let (unread, room, waiting) = (AtomicUsize::new(0), Notify::new(), Mutex::default());
        (Self { number, connection_id, outbox, unread, room, waiting }, taken)
    }

    fn waiting(&self) -> MutexGuard<'_, WaitingRequests> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something for the socket. Nobody does it when that is gone.
    pub(crate) fn put(&self, outgoing: LineOutput) {
        self.unread.fetch_add(outgoing.len(), Ordering::Relaxed);
        let _ = self.outbox.send(outgoing);
    }

    /// The socket has taken something from the outbox.
    pub(crate) fn took(&self, outgoing: &LineOutput) {
        self.unread.fetch_sub(outgoing.len(), Ordering::Relaxed);
        if !self.is_crowded() {
            self.room.notify_one();
        }
    }

    /// Its peer does not read: whatever it says would only make more for it to read.
    pub(crate) fn is_crowded(&self) -> bool {
        self.unread.load(Ordering::Relaxed) > MAX_UNREAD_BYTES && !self.waiting().lost
    }

    /// Waits until the peer has read enough, or never will. Only one may wait.
    pub(crate) async fn room(&self) {
        while self.is_crowded() {
            self.room.notified().await;
        }
    }

    /// A frame for the socket.
    pub(crate) fn send(&self, frame: &TunnelFrame) {
        self.put(LineOutput::Message(encode_tunnel(frame)));
    }

    /// Asks at once, under a number of its own; what is returned waits for the answer. Gives the request back when its
    /// socket is gone.
    pub(super) fn ask(
        &self,
        mut request: TunnelRequest,
    ) -> Result<impl Future<Output = Result<TunnelAnswer, TunnelAnswerError>> + use<'_>, Box<TunnelRequest>> {
        let (sender, answer) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.lost {
            return Err(Box::new(request));
        }
        waiting.last += 1;
        let number = waiting.last;
        waiting.answers.insert(number, (PartialResponse::default(), sender));
        drop(waiting);
        request.ack_id = number;
        self.send(&TunnelFrame::Request(request));
        let forgets = ForgetGuard(self, number);
        Ok(async move {
            let _forgets = forgets;
            answer.await.unwrap_or(Err(TunnelAnswerError::Lost))
        })
    }

    /// An answer came, or a piece of one. What nobody waits for is passed over.
    pub(crate) fn answered(&self, piece: TunnelResponse) {
        let mut waiting = self.waiting();
        let number = piece.ack_id;
        let Some((joining, _)) = waiting.answers.get_mut(&number) else { return };
        let outcome = match joining.add(piece, MAX_ANSWER_BYTES) {
            JoinResult::More => return,
            JoinResult::TooLarge => Err(TunnelAnswerError::TooLarge),
            JoinResult::Whole { status, headers, body } => StatusCode::from_u16(status)
                .map(|status| TunnelAnswer { status, headers: untunnelled(&headers), body })
                .map_err(|_| TunnelAnswerError::Status(status)),
        };
        if let Some((_, sender)) = waiting.answers.remove(&number) {
            // Whoever has asked may be gone.
            let _ = sender.send(outcome);
        }
    }

    /// Its socket is gone: nobody will answer what was asked on it.
    pub(crate) fn lose(&self) {
        let mut waiting = self.waiting();
        waiting.lost = true;
        waiting.answers.clear();
        drop(waiting);
        self.room.notify_one();
    }
}
