//! A thread that writes, so that a blocked pipe or terminal never blocks the connection.
//!
//! Buffers are handed over whole and come back to be filled again. What is queued is bounded: [`Writer::poll_room`] says
//! when there is room for more. A failed write is kept; what is handed over afterwards is discarded.
//!
//! What goes to stderr has nobody to hold back: those who write there are the driver, the log and the emulator, which
//! must not wait. So it has a bound of its own, [`UnreadPolicy`]: while nobody reads, the oldest lines are dropped, and a line
//! says how many. Errors have a bound apart, and outlast all else.
//!
//! Where a connection outlives the process, a [`Ledger`] is told before a batch is written and after it, and only what it
//! has recorded counts as written.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::batch::{BatchView, OutputBatch};
use webpubsub_client::event::Mark;

/// How much is read ahead of a slow reader, in bytes (CLI contract, *A slow reader*).
const LIMIT: usize = 4 * 1024 * 1024;
/// Once full, there is room again below this, so that the state does not change with every buffer.
const RESUME: usize = LIMIT - 1024 * 1024;
/// A buffer at the end of the queue takes more until it is this large, to make one write of many records.
const GATHER: usize = 128 * 1024;
/// When so much waits, buffers are made no larger than what is in them.
const CROWDED: usize = 1024 * 1024;
/// Buffers kept for reuse, and the largest that is.
const SPARE_BUFFERS: usize = 8;
const SPARE_CAPACITY: usize = 1024 * 1024;
/// What may be dropped is gathered in smaller buffers, as each is dropped whole, and written in pieces of which each
/// shows that somebody reads.
const GATHER_LINES: usize = 16 * 1024;
const LINES_AT_ONCE: usize = 4 * 1024;

/// What becomes of something that nobody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadPolicy {
    /// It waits; whoever hands it over asks for room first.
    All,
    /// A line that one can do without: of these, the newest wait.
    Newest,
    /// An error, or a line that the run is about; there are few.
    Errors,
}

impl UnreadPolicy {
    /// The most that waits, in bytes; `None`: it is never dropped.
    const fn bound(self) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Newest => Some(4 * 1024 * 1024),
            Self::Errors => Some(1024 * 1024),
        }
    }

    const fn gathers(self) -> usize {
        match self {
            Self::All => GATHER,
            Self::Newest | Self::Errors => GATHER_LINES,
        }
    }
}

/// How far what has to be put out has come, for whoever records that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// Messages up to there.
    pub mark: Option<Mark>,
    /// So many losses of this process.
    pub losses: u64,
}

impl Reach {
    /// Whether there is nothing of it.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// As far as either.
    pub fn max(self, other: Self) -> Self {
        Self { mark: self.mark.max(other.mark), losses: self.losses.max(other.losses) }
    }
}

impl From<Mark> for Reach {
    fn from(mark: Mark) -> Self {
        Self { mark: Some(mark), losses: 0 }
    }
}

/// Records how far messages have come, for another process. Asked by the thread that writes.
pub trait Ledger: std::fmt::Debug + Send + Sync {
    /// Records that what is up to there is about to be written, and with it all that [`Self::done`] was told.
    fn begin(&self, reach: Reach) -> io::Result<()>;

    /// Takes note that what is up to there was written.
    fn done(&self, reach: Reach);

    /// Records what [`Self::done`] was told.
    fn settle(&self) -> io::Result<()>;
}

/// What a thread writes to.
pub trait OutputSink: Send {
    /// Writes all of it. `reach` is how far all has come with its end; `ledger` is told before and after a write that has
    /// one. Returns how far it was put out; none: no further than before.
    fn put(&mut self, batch: BatchView<'_>, reach: Reach, ledger: Option<&dyn Ledger>) -> Result<Reach, WriteFailure>;
}

impl OutputSink for Box<dyn Write + Send> {
    fn put(&mut self, batch: BatchView<'_>, reach: Reach, ledger: Option<&dyn Ledger>) -> Result<Reach, WriteFailure> {
        let ledger = ledger.filter(|_| !reach.is_none());
        if let Some(ledger) = ledger {
            ledger.begin(reach).map_err(WriteFailure::unrecorded)?;
        }
        if !batch.bytes.is_empty() {
            self.write_all(batch.bytes).and_then(|()| self.flush()).map_err(WriteFailure::of)?;
        }
        if let Some(ledger) = ledger {
            ledger.done(reach);
        }
        Ok(reach)
    }
}

/// Something to write.
struct QueuedBatch {
    /// Which sink.
    sink: usize,
    batch: OutputBatch,
    /// How far all has come with it.
    reach: Reach,
    keep: UnreadPolicy,
    /// Lines that stood here and were dropped; then there are no bytes.
    dropped: u64,
}

/// Why writing ended.
#[derive(Clone, Debug)]
pub enum WriteFailure {
    /// Nobody reads any more.
    Closed,
    /// Anything else, such as a full disk.
    Failed(Arc<io::Error>),
    /// How far messages have come could not be recorded, so no more may be written.
    Unrecorded(Arc<io::Error>),
}

impl WriteFailure {
    /// Of a write that failed with this.
    pub(super) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(Arc::new(error)),
        }
    }

    /// Of a ledger that failed with this.
    pub(super) fn unrecorded(error: io::Error) -> Self {
        Self::Unrecorded(Arc::new(error))
    }

    /// As an error.
    pub fn into_error(self) -> io::Error {
        match self {
            Self::Closed => io::ErrorKind::BrokenPipe.into(),
            Self::Failed(error) | Self::Unrecorded(error) => match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            },
        }
    }
}

#[derive(Default)]
struct WriterState {
    queue: VecDeque<QueuedBatch>,
    /// Bytes in the queue and in the hands of the thread.
    pending: usize,
    /// Bytes of [`UnreadPolicy::Newest`] and of [`UnreadPolicy::Errors`] in the queue.
    newest: usize,
    errors: usize,
    /// The thread is at work on what it took.
    writing: bool,
    /// How often something was written: it moves while somebody reads.
    written_pieces: u64,
    /// How often something was handed over.
    puts: u64,
    /// There was no room, and there has not been enough since.
    full: bool,
    failure: Option<WriteFailure>,
    ledger: Option<Arc<dyn Ledger>>,
    /// Up to there messages were written, and that is recorded.
    written: Option<Mark>,
    spare: Vec<OutputBatch>,
    waiting: Waiters,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug)]
enum WriterEvent {
    /// There is room again.
    Room,
    /// More was written, and that is recorded.
    Written,
    /// Writing has failed.
    Failure,
    /// All is written.
    Drained,
}

/// Who waits, by what for: nobody is woken for what is the concern of others.
#[derive(Default)]
struct Waiters {
    room: Vec<Waker>,
    written: Vec<Waker>,
    failure: Vec<Waker>,
    drained: Vec<Waker>,
}

impl Waiters {
    fn of(&mut self, event: WriterEvent) -> &mut Vec<Waker> {
        match event {
            WriterEvent::Room => &mut self.room,
            WriterEvent::Written => &mut self.written,
            WriterEvent::Failure => &mut self.failure,
            WriterEvent::Drained => &mut self.drained,
        }
    }
}

impl WriterState {
    /// How much of that kind waits, where it is bounded.
    fn waiting(&mut self, keep: UnreadPolicy) -> Option<&mut usize> {
        match keep {
            UnreadPolicy::All => None,
            UnreadPolicy::Newest => Some(&mut self.newest),
            UnreadPolicy::Errors => Some(&mut self.errors),
        }
    }

    /// Drops the oldest of that kind, if too much of it waits; never what came last. An eighth more than it has to, so
    /// that the queue is not gone through for each line.
    fn drop_oldest(&mut self, keep: UnreadPolicy) {
        let Some(bound) = keep.bound() else { return };
        let mut excess = match self.waiting(keep) {
            Some(waiting) if *waiting > bound => *waiting - bound / 8 * 7,
            _ => return,
        };
        let newest = self.queue.len().saturating_sub(1);
        let mut left: VecDeque<QueuedBatch> = VecDeque::with_capacity(self.queue.len());
        for (at, mut piece) in std::mem::take(&mut self.queue).into_iter().enumerate() {
            if excess > 0 && at < newest && piece.keep == keep && piece.dropped == 0 {
                let size = piece.batch.bytes.len();
                excess = excess.saturating_sub(size);
                self.pending = self.pending.saturating_sub(size);
                if let Some(waiting) = self.waiting(keep) {
                    *waiting = waiting.saturating_sub(size);
                }
                piece.dropped = memchr::memchr_iter(b'\n', &piece.batch.bytes).count() as u64;
                piece.batch = OutputBatch::default();
                // It was not seen.
                piece.reach = Reach::default();
            }
            match left.back_mut().filter(|last| last.dropped > 0 && piece.dropped > 0 && piece.sink == last.sink) {
                Some(last) => last.dropped += piece.dropped,
                None => left.push_back(piece),
            }
        }
        self.queue = left;
    }

    fn clear(&mut self) {
        self.queue.clear();
        (self.pending, self.newest, self.errors) = (0, 0, 0);
    }

    fn has_room(&mut self) -> bool {
        let limit = if self.full { RESUME } else { LIMIT };
        self.full = self.pending > limit && self.failure.is_none();
        !self.full
    }

    fn wake(&mut self, event: WriterEvent) {
        self.waiting.of(event).drain(..).for_each(Waker::wake);
    }

    /// Writing has ended: there is nothing more to wait for.
    fn wake_all(&mut self) {
        for event in [WriterEvent::Room, WriterEvent::Written, WriterEvent::Failure, WriterEvent::Drained] {
            self.wake(event);
        }
    }

    fn register(&mut self, event: WriterEvent, cx: &Context<'_>) {
        // Not `will_wake`: the table of functions of one and the same waker may have several addresses, so that it says
        // no, and one who asks again and again would be noted each time.
        let waiting = self.waiting.of(event);
        match waiting.iter_mut().find(|waker| waker.data() == cx.waker().data()) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => waiting.push(cx.waker().clone()),
        }
    }
}

#[derive(Default)]
struct WriterQueue {
    state: Mutex<WriterState>,
    filled: Condvar,
}

impl WriterQueue {
    fn lock(&self) -> MutexGuard<'_, WriterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to a writing thread. Clones hand over to the same one.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<WriterQueue>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts a thread that writes to `sinks`. It ends with the process.
    pub fn spawn(name: &str, sinks: Vec<Box<dyn Write + Send>>) -> io::Result<Self> {
        let sinks = sinks.into_iter().map(|sink| Box::new(sink) as Box<dyn OutputSink>).collect();
        Self::spawn_on(std::thread::Builder::new(), name, sinks)
    }

    /// Starts one with that much stack, in bytes.
    pub fn spawn_deep(name: &str, stack: usize, sink: Box<dyn OutputSink>) -> io::Result<Self> {
        Self::spawn_on(std::thread::Builder::new().stack_size(stack), name, vec![sink])
    }

    fn spawn_on(builder: std::thread::Builder, name: &str, mut sinks: Vec<Box<dyn OutputSink>>) -> io::Result<Self> {
        let shared = Arc::new(WriterQueue::default());
        let thread = Arc::clone(&shared);
        builder.name(name.to_owned()).spawn(move || run(&thread, &mut sinks))?;
        Ok(Self { shared })
    }

    /// From now on, asks this one before and after each write that carries a mark.
    pub fn record_with(&self, ledger: Arc<dyn Ledger>) {
        self.shared.lock().ledger = Some(ledger);
    }

    /// Ready when messages were written beyond `seen`, and that is recorded.
    pub fn poll_written(&self, cx: &mut Context<'_>, seen: Option<Mark>) -> Poll<Mark> {
        let mut state = self.shared.lock();
        match state.written.filter(|written| seen.is_none_or(|seen| seen < *written)) {
            Some(written) => Poll::Ready(written),
            None => {
                state.register(WriterEvent::Written, cx);
                Poll::Pending
            }
        }
    }

    /// Queues `buffer` for the sink of that index and leaves an empty one in its place. `reach` says how far all has come
    /// with it, also when nothing is printed of it. Never waits.
    pub fn put(&self, sink: usize, buffer: &mut Vec<u8>, reach: Reach) {
        self.put_kept(sink, buffer, reach, UnreadPolicy::All);
    }

    /// The same, and says what becomes of it when nobody reads.
    pub fn put_kept(&self, sink: usize, buffer: &mut Vec<u8>, reach: Reach, keep: UnreadPolicy) {
        let mut batch = OutputBatch::plain(std::mem::take(buffer));
        self.put_batch(sink, &mut batch, reach, keep);
        *buffer = batch.bytes;
    }

    /// The same with a batch.
    pub fn put_batch(&self, sink: usize, batch: &mut OutputBatch, reach: Reach, keep: UnreadPolicy) {
        if batch.bytes.is_empty() && reach.is_none() {
            return;
        }
        let mut state = self.shared.lock();
        if state.failure.is_some() {
            return batch.clear();
        }
        let size = batch.bytes.len();
        state.puts += 1;
        state.pending += size;
        if let Some(waiting) = state.waiting(keep) {
            *waiting += size;
        }
        match state.queue.back_mut() {
            Some(last)
                if last.sink == sink
                    && last.keep == keep
                    && last.dropped == 0
                    && last.batch.bytes.len() + size <= keep.gathers() =>
            {
                last.batch.append(batch);
                last.reach = last.reach.max(reach);
            }
            _ => {
                // While much waits, what was reserved for more would wait with it.
                if state.pending > CROWDED
                    && let Some(last) = state.queue.back_mut()
                {
                    last.batch.bytes.shrink_to_fit();
                }
                let empty = state.spare.pop().unwrap_or_default();
                let batch = std::mem::replace(batch, empty);
                state.queue.push_back(QueuedBatch { sink, batch, reach, keep, dropped: 0 });
            }
        }
        state.drop_oldest(keep);
        self.shared.filled.notify_one();
    }

    /// Ready while more may be handed over.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        if state.has_room() {
            return Poll::Ready(());
        }
        state.register(WriterEvent::Room, cx);
        Poll::Pending
    }

    /// Whether more may be handed over now.
    pub fn has_room(&self) -> bool {
        self.shared.lock().has_room()
    }

    /// Resolves when writing has failed.
    pub async fn failed(&self) -> WriteFailure {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            match &state.failure {
                Some(failure) => Poll::Ready(failure.clone()),
                None => {
                    state.register(WriterEvent::Failure, cx);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Resolves when all that was handed over is written, or never will be.
    pub async fn drained(&self) {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if state.failure.is_some() || (state.queue.is_empty() && !state.writing) {
                return Poll::Ready(());
            }
            state.register(WriterEvent::Drained, cx);
            Poll::Pending
        })
        .await;
    }

    /// How often something was handed over so far.
    pub fn puts(&self) -> u64 {
        self.shared.lock().puts
    }

    /// How often something was written so far.
    pub fn written_pieces(&self) -> u64 {
        self.shared.lock().written_pieces
    }

    /// Why writing ended, if it did.
    pub fn failure(&self) -> Option<WriteFailure> {
        self.shared.lock().failure.clone()
    }

    /// Ends writing: there is nobody to write for.
    pub fn fail(&self, failure: WriteFailure) {
        let mut state = self.shared.lock();
        state.failure.get_or_insert(failure);
        state.clear();
        state.wake_all();
    }
}

fn run(shared: &WriterQueue, sinks: &mut [Box<dyn OutputSink>]) {
    // Written, and not recorded yet.
    let mut unsettled: Option<Reach> = None;
    let mut state = shared.lock();
    loop {
        while state.queue.is_empty() {
            if let (Some(reach), Some(ledger)) = (unsettled.take(), state.ledger.clone()) {
                drop(state);
                let settled = ledger.settle();
                state = shared.lock();
                match settled {
                    Ok(()) => {
                        state.written = state.written.max(reach.mark);
                        state.wake(WriterEvent::Written);
                    }
                    Err(error) => {
                        state.failure.get_or_insert(WriteFailure::Unrecorded(Arc::new(error)));
                    }
                }
                continue;
            }
            state.writing = false;
            if state.failure.is_some() {
                state.wake_all();
            } else {
                state.wake(WriterEvent::Drained);
            }
            state = shared.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        // One by one: what stays in the queue can still be dropped.
        let Some(QueuedBatch { sink, mut batch, reach, keep, dropped }) = state.queue.pop_front() else { continue };
        state.writing = true;
        let size = batch.bytes.len();
        if let Some(waiting) = state.waiting(keep) {
            *waiting = waiting.saturating_sub(size);
        }
        let ledger = state.ledger.clone().filter(|_| !reach.is_none());
        drop(state);
        let result = match (sinks.get_mut(sink), keep, dropped) {
            (None, ..) => Ok(Reach::default()),
            (Some(sink), UnreadPolicy::All, _) => sink.put(batch.view(), reach, ledger.as_deref()),
            (Some(sink), UnreadPolicy::Newest | UnreadPolicy::Errors, 0) => {
                put_lines(shared, sink.as_mut(), &batch.bytes, reach, ledger.as_deref())
            }
            (Some(sink), UnreadPolicy::Newest | UnreadPolicy::Errors, lines) => {
                put_lines(shared, sink.as_mut(), dropped_note(lines).as_bytes(), Reach::default(), None)
            }
        };
        state = shared.lock();
        state.pending = state.pending.saturating_sub(size);
        state.written_pieces += 1;
        match result {
            Ok(put_out) => {
                // What was written before was recorded with the beginning of this one.
                if ledger.is_some()
                    && !put_out.is_none()
                    && let Some(before) = unsettled.replace(put_out)
                {
                    state.written = state.written.max(before.mark);
                    state.wake(WriterEvent::Written);
                }
            }
            Err(failure) => {
                state.failure.get_or_insert(failure);
            }
        }
        if state.failure.is_some() {
            state.clear();
            continue;
        }
        if state.full && state.pending <= RESUME {
            state.wake(WriterEvent::Room);
        }
        if state.spare.len() < SPARE_BUFFERS && batch.bytes.capacity() <= SPARE_CAPACITY {
            batch.clear();
            state.spare.push(batch);
        }
    }
}

/// What stands in place of lines that were dropped.
fn dropped_note(lines: u64) -> String {
    let plural = if lines == 1 { "" } else { "s" };
    format!("… {lines} line{plural} not shown: stderr was not read\n")
}

/// Writes lines, and takes note of each piece that found a reader.
fn put_lines(
    shared: &WriterQueue,
    sink: &mut dyn OutputSink,
    bytes: &[u8],
    reach: Reach,
    ledger: Option<&dyn Ledger>,
) -> Result<Reach, WriteFailure> {
    let (first, last) = bytes.split_at((bytes.len().saturating_sub(1)) / LINES_AT_ONCE * LINES_AT_ONCE);
    for piece in first.chunks(LINES_AT_ONCE) {
        sink.put(piece.into(), Reach::default(), None)?;
        shared.lock().written_pieces += 1;
    }
    sink.put(last.into(), reach, ledger)
}

#[cfg(test)]
mod tests;
