//! A peer that never stops sending, so that there is always something to read, starves nobody.

use std::io;

use tokio::io::{ReadBuf, Repeat, repeat};

use super::*;

/// Frames after which somebody was starved.
const TOO_MANY: u64 = 300_000;

/// A socket that has always one more frame to read, a small one at a time, as from a network that is just as fast as
/// the reader. Each reading takes from the task's budget, as those of real sockets do.
struct Flood {
    budget: Repeat,
    frames: u64,
    written: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Flood {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut byte = [0];
        std::task::ready!(Pin::new(&mut self.budget).poll_read(cx, &mut ReadBuf::new(&mut byte)))?;
        self.frames += 1;
        assert!(self.frames < TOO_MANY, "starved");
        let text = match self.frames {
            1 => r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t1"}"#,
            _ => r#"{"type":"message","from":"server","dataType":"json","data":0}"#,
        };
        buffer.put_slice(&[0x81, u8::try_from(text.len()).unwrap()]);
        buffer.put_slice(text.as_bytes());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct FloodDialer(Arc<Mutex<Vec<u8>>>);

impl Dialer for FloodDialer {
    type Stream = Flood;

    fn dial(&mut self, _: DialRequest, _: Instant) -> DialFuture<Flood> {
        let written = Arc::clone(&self.0);
        Box::pin(async move { Ok(Link::client(Flood { budget: repeat(0), frames: 0, written }, &[])) })
    }
}

/// Counts, and forgets: a flood does not fit.
#[derive(Debug, Default)]
struct CountingSink(u64);

impl EventSink for CountingSink {
    fn lifecycle(&mut self, _: &Lifecycle) -> Flow {
        Flow::Continue
    }

    fn frame(&mut self, _: WireFrame<'_>, _: &Received<'_>) -> Flow {
        self.0 += 1;
        Flow::Continue
    }

    fn flush(&mut self) {}

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

fn flooded(config: Config) -> (Driver<FloodDialer, CountingSink>, Handle, Arc<Mutex<Vec<u8>>>) {
    let written = Arc::default();
    let (driver, handle) = Driver::new(config, FloodDialer(Arc::clone(&written)), CountingSink::default());
    (driver, handle, written)
}

#[tokio::test]
async fn commands_are_served_in_a_flood() {
    let (driver, handle, written) = flooded(config());
    let running = tokio::spawn(driver.run());
    let sent = handle.submit(send("hi"), AckMode::None).await;
    assert_eq!(sent, Outcome::Sent);
    while written.lock().unwrap().is_empty() {
        assert!(!running.is_finished());
        tokio::task::yield_now().await;
    }
    running.abort();
}

#[tokio::test]
async fn stopping_is_served_in_a_flood() {
    let (driver, handle, written) = flooded(config());
    let running = tokio::spawn(driver.run());
    assert_eq!(handle.submit(send("hi"), AckMode::None).await, Outcome::Sent);
    let before = written.lock().unwrap().len();
    handle.stop();
    // A close frame has six bytes of frame and two of code; the peer never answers it.
    while written.lock().unwrap().len() < before + 8 {
        assert!(!running.is_finished());
        tokio::task::yield_now().await;
    }
    running.abort();
}

#[tokio::test]
async fn whoever_shares_the_task_is_served_in_a_flood() {
    let (driver, _handle, _) = flooded(config());
    let mut running = std::pin::pin!(driver.run());
    let (signal, mut signals) = mpsc::channel(1);
    signal.send(()).await.unwrap();
    tokio::select! {
        biased;
        _ = &mut running => unreachable!(),
        came = signals.recv() => assert_eq!(came, Some(())),
    }
    // And so is what becomes ready later.
    let mut sleep = std::pin::pin!(tokio::time::sleep(Duration::from_millis(1)));
    tokio::select! {
        biased;
        _ = &mut running => unreachable!(),
        () = &mut sleep => {}
    }
}

#[tokio::test]
async fn timers_are_served_in_a_flood() {
    // An operation without an ack, on a clock that is real: nothing waits long enough for a paused one to move.
    let ack_timeout = Duration::from_millis(1);
    let (driver, handle, _) = flooded(Config { ack_timeout, operation_retries: 0, ..config() });
    let running = tokio::spawn(driver.run());
    let outcome = handle.submit(send("hi"), AckMode::Automatic).await;
    assert_eq!(outcome, Outcome::NotAcknowledged { ack_id: 1, attempts: 1 });
    running.abort();
}
