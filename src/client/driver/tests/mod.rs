//! The driver around a session, over pipes in memory and in paused time.

mod connection;
mod fairness;
mod flow;
mod keeping;
mod slow;
mod stop;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use bytes::Bytes;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use super::*;
use webpubsub_net::wire::{Cause, Closed};
use webpubsub_proto::session::{
    AckMode, Backoff, BackoffMode, DialClass, EndKind, OnUnknown, ReconnectionToken, Request, Retries,
};
use webpubsub_proto::{Codec, OwnedData};

/// Bytes a pipe holds: frames are cut into many pieces.
const PIPE: usize = 64;

const PING: &str = r#"{"type":"ping"}"#;
const PONG: &str = r#"{"type":"pong"}"#;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn config() -> Config {
    Config {
        codec: Codec::Json,
        reliable: true,
        connect_timeout: s(30),
        retries_until_connected: Retries::Limited(3),
        retries_once_connected: Retries::Unlimited,
        renews_url: false,
        reconnect_backoff: Backoff { mode: BackoffMode::Fixed, delay: s(1), max_delay: s(30) },
        rejoin: true,
        ping_interval: Some(s(10)),
        ping_timeout: Some(s(25)),
        operation_retries: 3,
        operation_backoff: Backoff { mode: BackoffMode::Fixed, delay: s(1), max_delay: s(120) },
        ack_timeout: s(30),
        on_unknown: OnUnknown::Fail,
        stream_idle_timeout: Duration::from_secs(300),
        keep: None,
        seed: 1,
    }
}

/// Hands every dial to the test, which answers it or lets it hang; the deadline is kept here.
struct PipeDialer {
    dials: mpsc::UnboundedSender<TestDial>,
}

/// A dial as the test sees it.
struct TestDial {
    request: DialRequest,
    /// Virtual time it was asked for.
    at: Instant,
    answer: oneshot::Sender<Result<DuplexStream, DialFailure>>,
}

impl Dialer for PipeDialer {
    type Stream = DuplexStream;

    fn dial(&mut self, request: DialRequest, deadline: Instant) -> DialFuture<DuplexStream> {
        let (answer, answered) = oneshot::channel();
        let _ = self.dials.send(TestDial { request, at: Instant::now(), answer });
        Box::pin(async move {
            let failure = |message: &str| DialFailure {
                class: DialClass::Unreachable,
                message: message.into(),
                retry_after: None,
            };
            match timeout_at(deadline, answered).await {
                Ok(Ok(Ok(stream))) => Ok(Link::client(stream, &[])),
                Ok(Ok(Err(failure))) => Err(failure),
                Ok(Err(_)) => Err(failure("refused")),
                Err(_) => Err(failure("timed out")),
            }
        })
    }
}

impl TestDial {
    /// Lets it succeed, and returns the other end.
    async fn open(self) -> TestPeer {
        let (client, server) = duplex(PIPE);
        self.answer.send(Ok(client)).unwrap();
        TestPeer { link: Link::server(server, &[], 1 << 20), batch: Vec::new(), came: VecDeque::new() }
    }

    /// Lets it succeed as a fresh connection.
    async fn connect(self) -> TestPeer {
        assert_eq!(self.request, DialRequest::Fresh);
        let mut peer = self.open().await;
        peer.say(r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t1"}"#).await;
        peer
    }

    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

/// The service's end of a connection.
struct TestPeer {
    link: Link<DuplexStream>,
    batch: Vec<Incoming>,
    came: VecDeque<Incoming>,
}

impl TestPeer {
    /// Sends a frame, and waits until it is in the pipe.
    async fn say(&mut self, text: &str) {
        self.link.send_text(Bytes::copy_from_slice(text.as_bytes()));
        self.flush().await;
    }

    async fn flush(&mut self) {
        poll_fn(|cx| self.link.poll_flush(cx)).await;
    }

    async fn next(&mut self) -> Incoming {
        while self.came.is_empty() {
            poll_fn(|cx| self.link.poll(cx, true, &mut self.batch)).await;
            self.came.extend(self.batch.drain(..).filter(|incoming| *incoming != Incoming::Progress));
        }
        self.came.pop_front().unwrap()
    }

    async fn text(&mut self) -> String {
        match self.next().await {
            Incoming::Text(text) => text.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn closed(&mut self) -> Closed {
        match self.next().await {
            Incoming::Closed(closed) => closed,
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug, Default)]
struct SinkRecord {
    lines: Vec<String>,
    /// Ends the session at this line.
    stop_at: Option<usize>,
    full: bool,
    waker: Option<Waker>,
}

/// A sink whose test can look in, block it and have it stop.
#[derive(Clone, Debug, Default)]
struct TestSink(Arc<Mutex<SinkRecord>>);

impl TestSink {
    fn shown(&self) -> MutexGuard<'_, SinkRecord> {
        self.0.lock().unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.shown().lines.clone()
    }

    fn set_full(&self, full: bool) {
        let mut shown = self.shown();
        shown.full = full;
        if let Some(waker) = shown.waker.take() {
            waker.wake();
        }
    }

    fn stop_at(&self, lines: usize) {
        self.shown().stop_at = Some(lines);
    }

    fn take(&self, line: String) -> Flow {
        let mut shown = self.shown();
        shown.lines.push(line);
        if shown.stop_at.is_some_and(|limit| shown.lines.len() >= limit) { Flow::Stop } else { Flow::Continue }
    }
}

impl EventSink for TestSink {
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow {
        self.take(match event {
            Lifecycle::Connected { connection_id, .. } => format!("connected {connection_id}"),
            Lifecycle::Recovering { .. } => "recovering".into(),
            Lifecycle::Recovered { .. } => "recovered".into(),
            Lifecycle::AttemptFailed { error, .. } => format!("failed: {error}"),
            Lifecycle::OperationRetried(failed) => format!("retrying {}", failed.ack_id),
            Lifecycle::Reconnecting { .. } => "reconnecting".into(),
            Lifecycle::SessionLost { .. } => "session-lost".into(),
            Lifecycle::Disconnected { .. } => "disconnected".into(),
            Lifecycle::Ack(report) => format!("ack {}", report.ack_id),
            Lifecycle::OperationUnknown { ack_id, .. } => format!("unknown {ack_id}"),
            Lifecycle::Joined { group, .. } => format!("joined {group}"),
            Lifecycle::Left { group, .. } => format!("left {group}"),
            Lifecycle::RejoinFailed { group, .. } => format!("rejoin failed {group}"),
            Lifecycle::RestateFailed { group, .. } => format!("restate failed {group}"),
            Lifecycle::SequenceGap { .. } => "gap".into(),
            Lifecycle::Stream(news) => format!("{news:?}"),
        })
    }

    fn frame(&mut self, _frame: WireFrame<'_>, received: &Received<'_>) -> Flow {
        match received {
            Received::Message(message) => self.take(message.data.to_json().into_owned()),
            Received::Unknown { .. } => self.take("unknown".into()),
            Received::Duplicate => self.take("duplicate".into()),
            Received::States(_) | Received::Control => Flow::Continue,
        }
    }

    fn flush(&mut self) {}

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut shown = self.shown();
        if shown.full {
            shown.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// A client that runs beside the test.
struct TestClient {
    handle: Handle,
    sink: TestSink,
    dials: mpsc::UnboundedReceiver<TestDial>,
    running: JoinHandle<Finished>,
}

impl TestClient {
    fn start(config: Config) -> Self {
        let (sender, dials) = mpsc::unbounded_channel();
        let sink = TestSink::default();
        let (driver, handle) = Driver::new(config, PipeDialer { dials: sender }, sink.clone());
        let running = tokio::spawn(async move { driver.run().await.0 });
        Self { handle, sink, dials, running }
    }

    /// Connected.
    async fn connected(config: Config) -> (Self, TestPeer) {
        let mut client = Self::start(config);
        let peer = client.dial().await.connect().await;
        client.shows(&["connected c1"]).await;
        (client, peer)
    }

    async fn dial(&mut self) -> TestDial {
        self.dials.recv().await.unwrap()
    }

    /// Lets the client run until it has shown exactly these lines, without time passing.
    async fn shows(&self, lines: &[&str]) {
        for _ in 0..1_000 {
            if self.sink.lines() == lines {
                return;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(self.sink.lines(), lines);
    }

    /// Lets time pass until it has shown exactly these lines.
    async fn shows_in_time(&self, lines: &[&str]) {
        while self.sink.lines() != lines {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn submit(&self, request: Request, mode: AckMode) -> JoinHandle<Outcome> {
        let handle = self.handle.clone();
        tokio::spawn(async move { handle.submit(request, mode).await })
    }

    async fn finished(self) -> Finished {
        self.running.await.unwrap()
    }
}

fn send(text: &str) -> Request {
    Request::send("g", OwnedData::text(text))
}

fn message(id: u64) -> String {
    format!(r#"{{"sequenceId":{id},"type":"message","from":"server","dataType":"json","data":{id}}}"#)
}

fn recovery() -> DialRequest {
    DialRequest::Recover { connection_id: "c1".into(), token: ReconnectionToken("t1".into()) }
}
