//! Publishing group streams (PROTOCOL §9.1) through a handle.
//!
//! What is written waits in the session until the service has accepted it. The window of a stream bounds that: a write
//! waits for room in it, and room comes back as fragments are accepted. So nothing here has to be bounded besides.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use uuid::Uuid;

use super::Handle;
use webpubsub_proto::OwnedData;
use webpubsub_proto::session::{
    OutcomeCause, StreamAbort, StreamEvent, StreamFate, StreamKey, StreamOpen, StreamReport,
};

/// What a fragment takes of the window besides the bytes of its payload.
const FRAGMENT_OVERHEAD: usize = 128;

/// An id for a stream: the digits of a random UUID, as PROTOCOL §9.1 advises.
pub fn new_stream_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// What a handle asks of the driver about a stream.
#[derive(Debug)]
pub(in super::super) enum StreamCommand {
    /// Begin it.
    Open { id: StreamId, open: StreamOpen, reporter: StreamReporter },
    /// Send this fragment.
    Write { id: StreamId, data: OwnedData, cost: usize },
    /// End it.
    End { id: StreamId, abort: Option<StreamAbort> },
}

/// A stream, as handle and driver know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct StreamId(pub(in super::super) StreamKey);

/// How far a stream has come.
#[derive(Clone, Debug)]
enum StreamProgress {
    Waiting,
    Open,
    Over(Box<StreamReport>),
}

/// The driver's end: reports to whoever publishes.
#[derive(Debug)]
pub(in super::super) struct StreamReporter {
    window: Arc<Semaphore>,
    progress: watch::Sender<StreamProgress>,
}

impl StreamReporter {
    /// Passes on what the session says. `true`: it was the last.
    pub(in super::super) fn report(&self, event: StreamEvent) -> bool {
        match event {
            StreamEvent::Opened => {
                self.progress.send_replace(StreamProgress::Open);
                false
            }
            StreamEvent::Released { cost } => {
                self.window.add_permits(cost);
                false
            }
            StreamEvent::Over(report) => {
                self.progress.send_replace(StreamProgress::Over(Box::new(report)));
                self.window.close();
                true
            }
        }
    }
}

/// A stream that is being published. Dropped before its end, it is ended with the error `Aborted`.
#[derive(Debug)]
pub struct OutgoingStream {
    id: StreamId,
    group: String,
    stream_id: String,
    commands: mpsc::UnboundedSender<StreamCommand>,
    window: Arc<Semaphore>,
    /// The most that one fragment can take of it.
    capacity: u32,
    progress: watch::Receiver<StreamProgress>,
    written: u64,
    /// The end was asked for.
    ended: bool,
}

impl Handle {
    /// Begins a stream, as soon as there is a connection. So many bytes of payloads, and 128 for each fragment, may wait
    /// to be accepted; one fragment always may.
    pub fn stream(&self, open: StreamOpen, buffer: usize) -> OutgoingStream {
        let capacity = u32::try_from(buffer).unwrap_or(u32::MAX).max(1);
        let window = Arc::new(Semaphore::new(usize::try_from(capacity).unwrap_or(Semaphore::MAX_PERMITS)));
        let (reporter, progress) = watch::channel(StreamProgress::Waiting);
        let id = StreamId(StreamKey(self.next_stream.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
        let (group, stream_id) = (open.group.clone(), open.stream_id.clone());
        let reporter = StreamReporter { window: Arc::clone(&window), progress: reporter };
        let commands = self.streams.clone();
        // A driver that is gone drops the reporter, which is seen where progress is awaited.
        let _ = commands.send(StreamCommand::Open { id, open, reporter });
        OutgoingStream { id, group, stream_id, commands, window, capacity, progress, written: 0, ended: false }
    }
}

impl OutgoingStream {
    /// What the service knows it by.
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// Waits until the service has taken it on. Fails with how it ended before.
    pub async fn opened(&mut self) -> Result<(), StreamReport> {
        let reached = self.progress.wait_for(|progress| !matches!(progress, StreamProgress::Waiting)).await;
        let reached = reached.map(|progress| progress.clone());
        match reached {
            Ok(StreamProgress::Waiting | StreamProgress::Open) => Ok(()),
            Ok(StreamProgress::Over(report)) => Err(*report),
            Err(_) => Err(self.unknown()),
        }
    }

    /// Hands a fragment over, once there is room. Fails with how the stream ended before. Not cancel-safe between
    /// fragments: dropping the future before it is ready may have handed nothing over.
    pub async fn write(&mut self, data: OwnedData) -> Result<(), StreamReport> {
        let cost = data.as_data().weight().saturating_add(FRAGMENT_OVERHEAD);
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).min(self.capacity);
        let has_room = self.window.acquire_many(cost).await.map(|permit| permit.forget()).is_ok();
        if !has_room {
            return Err(self.over().await);
        }
        let command = StreamCommand::Write { id: self.id, data, cost: usize::try_from(cost).unwrap_or(usize::MAX) };
        if self.commands.send(command).is_err() {
            return Err(self.over().await);
        }
        self.written += 1;
        Ok(())
    }

    /// Asks for the end, behind all that was written; with an abort as one that has failed. [`Self::over`] returns how it
    /// ended.
    pub fn end(&mut self, abort: Option<StreamAbort>) {
        self.ended = true;
        let _ = self.commands.send(StreamCommand::End { id: self.id, abort });
    }

    /// Waits until it is over, whoever ends it.
    pub async fn over(&mut self) -> StreamReport {
        let reached = self.progress.wait_for(|progress| matches!(progress, StreamProgress::Over(_))).await;
        let reached = reached.map(|progress| progress.clone());
        match reached {
            Ok(StreamProgress::Over(report)) => *report,
            Ok(StreamProgress::Waiting | StreamProgress::Open) | Err(_) => self.unknown(),
        }
    }

    /// How it ended, of which nothing is to be heard any more.
    pub fn unknown(&self) -> StreamReport {
        StreamReport {
            group: self.group.clone(),
            stream_id: self.stream_id.clone(),
            opened: false,
            started: false,
            accepted: 0,
            written: self.written,
            bytes: 0,
            end_sent: false,
            abort: None,
            fate: StreamFate::Lost(OutcomeCause::Ended),
        }
    }
}

impl Drop for OutgoingStream {
    fn drop(&mut self) {
        if !self.ended {
            let abort = StreamAbort { code: Some("Aborted".to_owned()), message: None };
            let _ = self.commands.send(StreamCommand::End { id: self.id, abort: Some(abort) });
        }
    }
}
