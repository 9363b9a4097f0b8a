//! How whoever uses a running [`driver`](crate::driver) talks to it; the lower level below [`Client`](crate::Client).

mod invoking;
mod pipeline;
mod streams;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use webpubsub_proto::session::{AckMode, Invocation, InvocationKey, Invoked, Outcome, OutcomeCause, Request, Status};

pub use invoking::Invoking;
pub(super) use pipeline::{PendingReplies, Settlements};
pub use pipeline::{Pipeline, Settlement, Submission};
pub use streams::{OutgoingStream, new_stream_id};
pub(super) use streams::{StreamCommand, StreamReporter};

/// What a handle asks of the driver.
#[derive(Debug)]
pub(super) enum DriverCommand {
    /// Carry out an operation and answer how it ended.
    Submit { request: Request, mode: AckMode, reply: oneshot::Sender<Outcome> },
    /// Invoke and answer how that ended.
    Invoke { key: InvocationKey, invocation: Invocation, line: Option<u64>, reply: oneshot::Sender<Invoked> },
    /// Say where things stand.
    Status { reply: oneshot::Sender<Status> },
    /// Ping the service and answer how long that took.
    Ping { reply: oneshot::Sender<Duration> },
}

/// Operations to carry out in this order.
#[derive(Debug)]
pub(super) struct OperationBatch {
    pub(super) submissions: Vec<Submission>,
    /// Where it is told how each one ended.
    pub(super) settled: Settlements,
}

/// How to end the session, or part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// With a closing handshake.
    Properly,
    /// Without waiting for anybody.
    AtOnce,
    /// Not yet: only nothing more is begun.
    Withdraw,
    /// Only this invocation.
    CallOff(InvocationKey),
}

/// The driver's end of its handles.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) submitted: mpsc::Receiver<DriverCommand>,
    /// Apart, so that a stream that has to wait holds nobody else up.
    pub(super) batches: mpsc::Receiver<OperationBatch>,
    /// Apart, so that stopping never waits behind operations.
    pub(super) stops: mpsc::UnboundedReceiver<Stop>,
    /// About group streams. Their windows bound what waits here.
    pub(super) streams: mpsc::UnboundedReceiver<StreamCommand>,
}

/// Commands that may wait for the driver; more than that waits at the sender.
const QUEUE: usize = 256;
/// Batches of streams, likewise.
const BATCHES: usize = 4;

/// Talks to the driver. Clones talk to the same one.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<DriverCommand>,
    batches: mpsc::Sender<OperationBatch>,
    stop: mpsc::UnboundedSender<Stop>,
    streams: mpsc::UnboundedSender<StreamCommand>,
    /// Names the next stream.
    next_stream: Arc<AtomicU64>,
}

pub(super) fn channel() -> (Handle, Commands) {
    let (commands, submitted) = mpsc::channel(QUEUE);
    let (batch_sender, batches) = mpsc::channel(BATCHES);
    let (stop, stops) = mpsc::unbounded_channel();
    let (stream_sender, streams) = mpsc::unbounded_channel();
    let next_stream = Arc::default();
    let handle = Handle { commands, batches: batch_sender, stop, streams: stream_sender, next_stream };
    (handle, Commands { submitted, batches, stops, streams })
}

impl Handle {
    /// Carries out an operation; resolves when it has settled. Operations are taken in the order of these calls' first
    /// polls.
    pub async fn submit(&self, request: Request, mode: AckMode) -> Outcome {
        let ended = || Outcome::NotSent { cause: OutcomeCause::Ended };
        let (reply, settled) = oneshot::channel();
        if self.commands.send(DriverCommand::Submit { request, mode, reply }).await.is_err() {
            return ended();
        }
        settled.await.unwrap_or_else(|_| ended())
    }

    /// Where things stand; `None` when the session has ended.
    pub async fn status(&self) -> Option<Status> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(DriverCommand::Status { reply }).await.ok()?;
        answer.await.ok()
    }

    /// The round trip of a ping, once there is a connection; `None` when the session has ended.
    pub async fn ping(&self) -> Option<Duration> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(DriverCommand::Ping { reply }).await.ok()?;
        answer.await.ok()
    }

    /// Resolves when the session has ended.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Ends the session; the driver returns within two seconds.
    pub fn stop(&self) {
        // A driver that is gone has stopped.
        let _ = self.stop.send(Stop::Properly);
    }

    /// Has nothing sent any more that was not sent before, now or later; what was sent settles as ever.
    pub fn withdraw(&self) {
        let _ = self.stop.send(Stop::Withdraw);
    }

    /// Ends the session without a closing handshake; the driver returns at once.
    pub fn abort(&self) {
        let _ = self.stop.send(Stop::AtOnce);
    }
}
