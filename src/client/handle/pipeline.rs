//! Many operations in order, handed over and answered in batches.
//!
//! A [`Pipeline`] is for streams: one channel carries the answers of all its operations, so that none costs a channel of
//! its own. It does not bound what is under way; whoever submits counts what has not settled. The commands that read
//! streams are its callers.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

use super::{Handle, OperationBatch};
use webpubsub_proto::session::{AckMode, Outcome, Request};

/// One of many operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Names it between its issuer and its [`Settlement`]; unique within a pipeline.
    pub tag: u64,
    /// The line of input it comes from, from 1; acks show it.
    pub line: u64,
    /// What is asked for.
    pub request: Request,
    /// Which ackId it carries.
    pub mode: AckMode,
}

/// How one of many operations ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub tag: u64,
    /// How.
    pub outcome: Outcome,
}

/// Who waits for the operations of a pipeline. What settles together is told together.
pub(in super::super) type Settlements = mpsc::UnboundedSender<Vec<Settlement>>;

/// What has settled and was not told yet. It is told at the end of a turn, when all of it is recorded.
#[derive(Debug, Default)]
pub(in super::super) struct PendingReplies {
    /// Those who wait for one operation.
    answers: Vec<(oneshot::Sender<Outcome>, Outcome)>,
    /// A pipeline's, together.
    settled: Vec<(Settlements, Vec<Settlement>)>,
}

impl PendingReplies {
    /// Adds the end of an operation that was asked for alone.
    pub(in super::super) fn answer(&mut self, to: oneshot::Sender<Outcome>, outcome: Outcome) {
        self.answers.push((to, outcome));
    }

    /// Adds one of that pipeline's.
    pub(in super::super) fn add(&mut self, to: &Settlements, settlement: Settlement) {
        match self.settled.last_mut() {
            Some((last, settled)) if last.same_channel(to) => settled.push(settlement),
            _ => self.settled.push((to.clone(), vec![settlement])),
        }
    }

    /// Sends all there is. Nobody may wait for it any more.
    pub(in super::super) fn send_all(&mut self) {
        for (to, outcome) in self.answers.drain(..) {
            let _ = to.send(outcome);
        }
        for (to, settled) in self.settled.drain(..) {
            let _ = to.send(settled);
        }
    }
}

/// Hands operations over and takes their ends.
pub struct Pipeline {
    batches: mpsc::Sender<OperationBatch>,
    sender: Settlements,
    receiver: mpsc::UnboundedReceiver<Vec<Settlement>>,
    /// Resolves when the driver is gone.
    gone: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}

impl Handle {
    /// A way for many operations.
    pub fn pipeline(&self) -> Pipeline {
        let (sender, receiver) = mpsc::unbounded_channel();
        let watched = self.batches.clone();
        let gone = Box::pin(async move { watched.closed().await });
        Pipeline { batches: self.batches.clone(), sender, receiver, gone }
    }
}

impl Pipeline {
    /// Hands operations over; the session takes them in this order. Waits while the connection has enough to write. When
    /// the session has ended they are dropped, and never settle.
    pub async fn submit(&mut self, submissions: Vec<Submission>) {
        // That the driver is gone is seen where settlements are awaited.
        let _ = self.batches.send(OperationBatch { submissions, settled: self.sender.clone() }).await;
    }

    /// Waits for operations to settle and adds them to `settled`. `false`: the session has ended, and all that settled
    /// was handed out.
    pub async fn settled(&mut self, settled: &mut Vec<Settlement>) -> bool {
        poll_fn(|cx| self.poll_settled(cx, settled)).await
    }

    fn poll_settled(&mut self, cx: &mut Context<'_>, settled: &mut Vec<Settlement>) -> Poll<bool> {
        // Of one turn of the driver's, which is bounded by what it reads at once.
        if let Poll::Ready(Some(some)) = self.receiver.poll_recv(cx) {
            settled.extend(some);
            return Poll::Ready(true);
        }
        if self.batches.is_closed() || self.gone.as_mut().poll(cx).is_ready() {
            // The driver may have settled the last between the two looks.
            while let Ok(some) = self.receiver.try_recv() {
                settled.extend(some);
            }
            return Poll::Ready(!settled.is_empty());
        }
        Poll::Pending
    }
}
