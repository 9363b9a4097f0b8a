use super::*;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Wake;

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
        writer.put(0, &mut format!("{number}\n").into_bytes(), Reach::default());
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
        writer.put(0, &mut chunk.clone(), Reach::default());
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
async fn what_waits_takes_no_more_room_than_it_has_bytes() {
    let (writer, _receiver) = pipe(0);
    while writer.has_room() {
        let mut buffer = Vec::with_capacity(512 * 1024);
        buffer.resize(260 * 1024, b'x');
        writer.put(0, &mut buffer, Reach::default());
    }
    let state = writer.shared.lock();
    let reserved: usize = state.queue.iter().map(|piece| piece.batch.bytes.capacity()).sum();
    assert!(reserved < state.pending + 2 * CROWDED, "{reserved} for {}", state.pending);
}

/// Lines of a hundred bytes, the number first.
fn line_of(number: usize) -> Vec<u8> {
    format!("{number:07}{}\n", "x".repeat(92)).into_bytes()
}

#[test]
fn lines_that_nobody_reads_are_dropped_and_counted_and_errors_are_kept() {
    let (writer, receiver) = pipe(0);
    let lines = 300_000;
    let mut most = 0;
    for number in 0..lines {
        writer.put_kept(0, &mut line_of(number), Reach::default(), UnreadPolicy::Newest);
        if number % 50_000 == 0 {
            writer.put_kept(0, &mut b"error: kept\n".to_vec(), Reach::default(), UnreadPolicy::Errors);
        }
        if number % 1000 == 0 {
            most = most.max(writer.shared.lock().pending);
        }
    }
    writer.put_kept(0, &mut b"error: the last\n".to_vec(), Reach::default(), UnreadPolicy::Errors);
    assert!(most < 5 * 1024 * 1024, "{most} bytes wait");
    let reader = std::thread::spawn(move || {
        let mut read = Vec::new();
        while !read.ends_with(b"the last\n") {
            read.extend(receiver.recv().unwrap());
        }
        String::from_utf8(read).unwrap()
    });
    let text = reader.join().unwrap();
    let number = |line: &str| line.get(..7).and_then(|number| number.parse::<usize>().ok());
    let shown: Vec<usize> = text.lines().filter_map(number).collect();
    let dropped: usize = text
        .lines()
        .filter_map(|line| line.strip_prefix("… ")?.strip_suffix(" lines not shown: stderr was not read"))
        .map(|count| count.parse::<usize>().unwrap())
        .sum();
    assert_eq!(shown.len() + dropped, lines);
    assert!(dropped > lines / 2 && shown.len() > 30_000, "{dropped} of {lines}");
    assert!(shown.is_sorted() && shown.last() == Some(&(lines - 1)), "the newest are kept");
    assert_eq!(text.matches("error: kept\n").count(), lines / 50_000);
}

#[test]
fn errors_without_end_have_a_bound_too() {
    let (writer, _receiver) = pipe(0);
    for number in 0..100_000 {
        writer.put_kept(0, &mut line_of(number), Reach::default(), UnreadPolicy::Errors);
    }
    assert!(writer.shared.lock().pending < 2 * 1024 * 1024);
}

#[tokio::test]
async fn a_line_longer_than_all_that_waits_is_shown() {
    let (writer, receiver) = pipe(10_000);
    let long = vec![b'x'; 6 * 1024 * 1024];
    writer.put_kept(0, &mut long.clone(), Reach::default(), UnreadPolicy::Newest);
    writer.drained().await;
    assert_eq!(receiver.try_iter().map(|piece| piece.len()).sum::<usize>(), long.len());
}

/// Writes down what it is told, between the writes of a [`Pipe`]; fails when its time has come.
#[derive(Debug)]
struct Book(mpsc::SyncSender<Vec<u8>>, Option<u64>);

impl Book {
    fn note(&self, what: String) {
        let _ = self.0.send(what.into_bytes());
    }
}

impl Ledger for Book {
    fn begin(&self, reach: Reach) -> io::Result<()> {
        let id = reach.mark.map(|mark| mark.sequence_id);
        self.note(format!("(begin {})", id.unwrap_or_default()));
        if self.1.is_some() && self.1 == id { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn done(&self, reach: Reach) {
        self.note(format!("(done {})", reach.mark.map_or(0, |mark| mark.sequence_id)));
    }

    fn settle(&self) -> io::Result<()> {
        self.note("(settled)".into());
        Ok(())
    }
}

const fn mark(sequence_id: u64) -> Mark {
    Mark { ordinal: 1, sequence_id }
}

fn recorded(fails_at: Option<u64>) -> (Writer, mpsc::Receiver<Vec<u8>>) {
    let (sender, receiver) = mpsc::sync_channel(100);
    let writer = Writer::spawn("test", vec![Box::new(Pipe(sender.clone()))]).unwrap();
    writer.record_with(Arc::new(Book(sender, fails_at)));
    (writer, receiver)
}

#[tokio::test]
async fn a_batch_is_recorded_as_begun_before_and_as_done_after_it_was_written() {
    let (writer, receiver) = recorded(None);
    writer.put(0, &mut b"a".to_vec(), mark(3).into());
    assert_eq!(poll_fn(|cx| writer.poll_written(cx, None)).await, mark(3));
    writer.put(0, &mut b"no message".to_vec(), Reach::default());
    writer.drained().await;
    // Nothing printed of it counts all the same.
    writer.put(0, &mut Vec::new(), mark(5).into());
    assert_eq!(poll_fn(|cx| writer.poll_written(cx, Some(mark(3)))).await, mark(5));
    let told = String::from_utf8(receiver.try_iter().flatten().collect()).unwrap();
    assert_eq!(told, "(begin 3)a(done 3)(settled)no message(begin 5)(done 5)(settled)");
    assert!(poll_fn(|cx| Poll::Ready(writer.poll_written(cx, Some(mark(5))))).await.is_pending());
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_written() {
    let (writer, receiver) = recorded(Some(4));
    writer.put(0, &mut b"a".to_vec(), mark(4).into());
    assert!(matches!(writer.failed().await, WriteFailure::Unrecorded(_)));
    let told = String::from_utf8(receiver.try_iter().flatten().collect()).unwrap();
    assert_eq!(told, "(begin 4)");
    assert!(poll_fn(|cx| Poll::Ready(writer.poll_written(cx, None))).await.is_pending());
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn who_waits_is_noted_once_and_woken_for_what_it_waits_for() {
    let (writer, receiver) = pipe(0);
    writer.put(0, &mut vec![b'x'; LIMIT + 1], Reach::default());
    let [for_room, for_failure] = [(); 2].map(|()| Arc::new(Woken::default()));
    let mut failed = pin!(writer.failed());
    let mut poll_both = || {
        let (room, failure) = (Arc::clone(&for_room).into(), Arc::clone(&for_failure).into());
        let room = writer.poll_room(&mut Context::from_waker(&room)).is_ready();
        (room, failed.as_mut().poll(&mut Context::from_waker(&failure)).is_ready())
    };
    for _ in 0..100 {
        assert_eq!(poll_both(), (false, false));
    }
    let noted = || {
        let state = writer.shared.lock();
        (state.waiting.room.len(), state.waiting.failure.len())
    };
    let woken = || [&for_room, &for_failure].map(|woken| woken.0.load(Ordering::SeqCst));
    assert_eq!(noted(), (1, 1));
    receiver.recv().unwrap();
    writer.drained().await;
    assert_eq!((woken(), poll_both()), ([1, 0], (true, false)));
    writer.fail(WriteFailure::Closed);
    assert_eq!((woken(), poll_both()), ([1, 1], (true, true)));
}

#[tokio::test]
async fn a_closed_reader_ends_writing() {
    let (writer, receiver) = pipe(1);
    drop(receiver);
    writer.put(0, &mut b"x".to_vec(), Reach::default());
    assert!(matches!(writer.failed().await, WriteFailure::Closed));
    writer.put(0, &mut b"y".to_vec(), Reach::default());
    writer.drained().await;
}
