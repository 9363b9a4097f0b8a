//! A thread that writes, so that a blocked pipe or terminal never blocks the connection.
//!
//! Buffers are handed over whole and come back to be filled again. What is queued is bounded: [`Writer::poll_room`] says
//! when there is room for more. A failed write is kept; what is handed over afterwards is discarded.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How much is read ahead of a slow reader, in bytes (CLI contract, *A slow reader*).
const LIMIT: usize = 16 * 1024 * 1024;
/// Once full, there is room again below this, so that the state does not change with every buffer.
const RESUME: usize = LIMIT - 1024 * 1024;
/// A buffer at the end of the queue takes more until it is this large, to make one write of many records.
const GATHER: usize = 128 * 1024;
/// Buffers kept for reuse, and the largest that is.
const SPARE_BUFFERS: usize = 8;
const SPARE_CAPACITY: usize = 1024 * 1024;

/// Why writing ended.
#[derive(Clone, Debug)]
pub enum WriteFailure {
    /// Nobody reads any more.
    Closed,
    /// Anything else, such as a full disk.
    Failed(Arc<io::Error>),
}

impl WriteFailure {
    /// As an error.
    pub fn into_error(self) -> io::Error {
        match self {
            Self::Closed => io::ErrorKind::BrokenPipe.into(),
            Self::Failed(error) => match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            },
        }
    }
}

#[derive(Default)]
struct State {
    /// Which sink, and what.
    queue: VecDeque<(usize, Vec<u8>)>,
    /// Bytes in the queue and in the hands of the thread.
    pending: usize,
    /// The thread is at work on what it took.
    writing: bool,
    /// There was no room, and there has not been enough since.
    full: bool,
    failure: Option<WriteFailure>,
    spare: Vec<Vec<u8>>,
    wakers: Vec<Waker>,
}

impl State {
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn register(&mut self, cx: &Context<'_>) {
        if !self.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.wakers.push(cx.waker().clone());
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    filled: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to a writing thread. Clones hand over to the same one.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts a thread that writes to `sinks`. It ends with the process.
    pub fn spawn(name: &str, sinks: Vec<Box<dyn Write + Send>>) -> io::Result<Self> {
        Self::spawn_on(std::thread::Builder::new(), name, sinks)
    }

    /// The same, on a thread with that much stack, in bytes.
    pub fn spawn_deep(name: &str, stack: usize, sinks: Vec<Box<dyn Write + Send>>) -> io::Result<Self> {
        Self::spawn_on(std::thread::Builder::new().stack_size(stack), name, sinks)
    }

    fn spawn_on(builder: std::thread::Builder, name: &str, mut sinks: Vec<Box<dyn Write + Send>>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = Arc::clone(&shared);
        builder.name(name.to_owned()).spawn(move || run(&thread, &mut sinks))?;
        Ok(Self { shared })
    }

    /// Queues `buffer` for the sink of that index and leaves an empty one in its place. Never waits.
    pub fn put(&self, sink: usize, buffer: &mut Vec<u8>) {
        if buffer.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        if state.failure.is_some() {
            buffer.clear();
            return;
        }
        state.pending += buffer.len();
        match state.queue.back_mut() {
            Some((last, gathered)) if *last == sink && gathered.len() + buffer.len() <= GATHER => {
                gathered.extend_from_slice(buffer);
                buffer.clear();
            }
            _ => {
                let empty = state.spare.pop().unwrap_or_default();
                let full = std::mem::replace(buffer, empty);
                state.queue.push_back((sink, full));
            }
        }
        self.shared.filled.notify_one();
    }

    /// Ready while more may be handed over.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        let limit = if state.full { RESUME } else { LIMIT };
        state.full = state.pending > limit && state.failure.is_none();
        if state.full {
            state.register(cx);
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Whether more may be handed over now.
    pub fn has_room(&self) -> bool {
        self.poll_room(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Resolves when writing has failed.
    pub async fn failed(&self) -> WriteFailure {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            match &state.failure {
                Some(failure) => Poll::Ready(failure.clone()),
                None => {
                    state.register(cx);
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
            state.register(cx);
            Poll::Pending
        })
        .await;
    }

    /// Why writing ended, if it did.
    pub fn failure(&self) -> Option<WriteFailure> {
        self.shared.lock().failure.clone()
    }

    /// Ends writing: there is nobody to write for.
    pub fn fail(&self, failure: WriteFailure) {
        let mut state = self.shared.lock();
        state.failure.get_or_insert(failure);
        state.queue.clear();
        state.pending = 0;
        state.wake();
    }
}

fn run(shared: &Shared, sinks: &mut [Box<dyn Write + Send>]) {
    let mut taken = VecDeque::new();
    let mut state = shared.lock();
    loop {
        while state.queue.is_empty() {
            state.writing = false;
            state.wake();
            state = shared.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.queue, &mut taken);
        state.writing = true;
        for (sink, mut buffer) in taken.drain(..) {
            drop(state);
            let result = match sinks.get_mut(sink) {
                Some(sink) => sink.write_all(&buffer).and_then(|()| sink.flush()),
                None => Ok(()),
            };
            state = shared.lock();
            state.pending = state.pending.saturating_sub(buffer.len());
            if let Err(error) = result {
                let closed = error.kind() == io::ErrorKind::BrokenPipe;
                let failure = if closed { WriteFailure::Closed } else { WriteFailure::Failed(Arc::new(error)) };
                state.failure.get_or_insert(failure);
            }
            if state.failure.is_some() {
                state.queue.clear();
                state.pending = 0;
                break;
            }
            if state.full && state.pending <= RESUME {
                state.wake();
            }
            if state.spare.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_CAPACITY {
                buffer.clear();
                state.spare.push(buffer);
            }
        }
        taken.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Writes into a channel of that capacity, and blocks when it is full.
    struct Pipe(mpsc::SyncSender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pipe(capacity: usize) -> (Writer, mpsc::Receiver<Vec<u8>>) {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        (Writer::spawn("test", vec![Box::new(Pipe(sender))]).unwrap(), receiver)
    }

    #[tokio::test]
    async fn everything_is_written_in_order() {
        let (writer, receiver) = pipe(10_000);
        for number in 0..1000 {
            writer.put(0, &mut format!("{number}\n").into_bytes());
        }
        writer.drained().await;
        let written: Vec<u8> = receiver.try_iter().flatten().collect();
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_blocked_reader_leaves_no_room_until_it_reads() {
        let (writer, receiver) = pipe(0);
        let chunk = vec![b'x'; 4 * 1024 * 1024];
        let mut handed_over = 0;
        while poll_fn(|cx| Poll::Ready(writer.poll_room(cx))).await.is_ready() {
            writer.put(0, &mut chunk.clone());
            handed_over += chunk.len();
        }
        assert!(handed_over > LIMIT && handed_over < LIMIT + 2 * chunk.len());
        let reader = std::thread::spawn(move || {
            let mut read = 0;
            while read < handed_over {
                read += receiver.recv().unwrap().len();
            }
            read
        });
        poll_fn(|cx| writer.poll_room(cx)).await;
        writer.drained().await;
        assert_eq!(reader.join().unwrap(), handed_over);
    }

    #[tokio::test]
    async fn a_closed_reader_ends_writing() {
        let (writer, receiver) = pipe(1);
        drop(receiver);
        writer.put(0, &mut b"x".to_vec());
        assert!(matches!(writer.failed().await, WriteFailure::Closed));
        writer.put(0, &mut b"y".to_vec());
        writer.drained().await;
    }
}
