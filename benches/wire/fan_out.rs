//! The emulator: one publishes, many receive.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::process::{Usage, command};
use super::wire::{TEXT, push_frame};

/// What is delivered in all.
const DELIVERIES: usize = 1_000_000;
/// What is published before the receivers have to have it.
const AHEAD: usize = 200;

/// Publishes until there were enough deliveries, and looks at the emulator before, meanwhile and afterwards.
pub fn measure(binary: &Path, name: &str, receivers: usize) -> String {
    let mut emulator = emulator(&mut command(binary));
    let url = url(&mut emulator);
    let empty = Usage::of(&emulator);
    let messages = (DELIVERIES / receivers).max(200);
    let (idle, elapsed) = runtime().block_on(async {
        let mut group = Group::join(&url, receivers).await;
        let idle = Usage::of(&emulator);
        let begun = Instant::now();
        group.publish(messages).await;
        (idle, begun.elapsed())
    });
    let busy = Usage::of(&emulator);
    // Buffers that were large for a moment have been given back by then.
    std::thread::sleep(Duration::from_millis(200));
    let after = Usage::of(&emulator);
    emulator.kill().unwrap();
    emulator.wait().unwrap();
    let deliveries = (messages * receivers) as f64;
    let per_connection = |usage: Usage| usage.anonymous.saturating_sub(empty.anonymous) as f64 / receivers as f64;
    format!(
        "{name:32} {:>10.0} deliveries/s  {:>7.3} µs CPU each  a connection: {:.0} KiB idle, {:.0} KiB after the burst",
        deliveries / elapsed.as_secs_f64(),
        (busy.cpu - idle.cpu).as_secs_f64() * 1e6 / deliveries,
        per_connection(idle),
        per_connection(after),
    )
}

/// Starts an emulator that ends with its input.
pub fn emulator(command: &mut Command) -> Child {
    command.args(["emulator", "--port", "0", "-q", "-o", "ndjson", "--exit-on-stdin-close"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Where it is, once it listens.
pub fn url(emulator: &mut Child) -> String {
    let mut ready = String::new();
    BufReader::new(emulator.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    ready["clientUrl"].as_str().unwrap().strip_prefix("ws://").unwrap().to_owned()
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// One who publishes, and those who receive it.
pub struct Group {
    publisher: TcpStream,
    members: Vec<TcpStream>,
}

impl Group {
    pub async fn join(url: &str, receivers: usize) -> Self {
        let mut members = Vec::new();
        for _ in 0..receivers {
            members.push(member(url).await);
        }
        Self { publisher: connect(url).await, members }
    }

    /// Publishes so many messages, and returns when everybody has them.
    pub async fn publish(&mut self, messages: usize) {
        for start in (0..messages).step_by(AHEAD) {
            let batch = AHEAD.min(messages - start);
            self.publisher.write_all(&published(batch)).await.unwrap();
            let mut reading = JoinSet::new();
            for socket in self.members.drain(..) {
                reading.spawn(read(socket, batch));
            }
            self.members = reading.join_all().await;
        }
    }
}

/// Reads so many messages.
async fn read(mut socket: TcpStream, messages: usize) -> TcpStream {
    let (mut rest, mut frames) = (messages, Frames::default());
    let mut scratch = vec![0; 16 * 1024];
    while rest > 0 || frames.is_within() {
        let read = socket.read(&mut scratch).await.unwrap();
        assert!(read > 0, "a receiver was closed");
        let (messages, pings) = frames.count(&scratch[..read]);
        rest -= messages;
        for _ in 0..pings {
            // Whoever does not answer is closed.
            let mut pong = Vec::new();
            push_frame(&mut pong, PONG, &[], true);
            socket.write_all(&pong).await.unwrap();
        }
    }
    socket
}

/// The opcodes of frames, their first bit besides.
const MESSAGE: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// Counts frames as they come, a piece at a time.
#[derive(Default)]
struct Frames {
    head: Vec<u8>,
    /// What is still to come of the frame.
    rest: usize,
}

impl Frames {
    /// How many messages and pings have begun in these bytes.
    fn count(&mut self, mut bytes: &[u8]) -> (usize, usize) {
        let (mut messages, mut pings) = (0, 0);
        while !bytes.is_empty() {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = &bytes[skipped..];
            let Some((first, more)) = bytes.split_first() else { break };
            self.head.push(*first);
            bytes = more;
            let length = match self.head[..] {
                [_, length @ ..=125] => usize::from(length),
                [_, 126, high, low] => usize::from(u16::from_be_bytes([high, low])),
                _ => continue,
            };
            match self.head[0] {
                MESSAGE => messages += 1,
                PING => pings += 1,
                other => panic!("a frame of {other:#x}"),
            }
            self.rest = length;
            self.head.clear();
        }
        (messages, pings)
    }

    /// Whether more of a frame is to come.
    fn is_within(&self) -> bool {
        self.rest > 0 || !self.head.is_empty()
    }
}

/// So many messages to the group.
fn published(messages: usize) -> Vec<u8> {
    let text = "x".repeat(100);
    let frame = format!("{{\"type\":\"sendToGroup\",\"group\":\"g\",\"dataType\":\"text\",\"data\":\"{text}\"}}");
    let mut out = Vec::new();
    (0..messages).for_each(|_| push_frame(&mut out, TEXT, frame.as_bytes(), true));
    out
}

/// A connection of a user, greeted.
async fn connect(url: &str) -> TcpStream {
    let (host, path) = url.split_once('/').unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: json.webpubsub.azure.v1\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    until(&mut socket, b"\"connectionId\":").await;
    socket
}

/// One that is in the group.
async fn member(url: &str) -> TcpStream {
    let mut socket = connect(url).await;
    let mut join = Vec::new();
    push_frame(&mut join, TEXT, b"{\"type\":\"joinGroup\",\"group\":\"g\",\"ackId\":1}", true);
    socket.write_all(&join).await.unwrap();
    until(&mut socket, b"\"success\":true}").await;
    socket
}

/// Reads until that has come, and the frame that it is in is whole; gives how much came.
async fn until(socket: &mut TcpStream, words: &[u8]) -> usize {
    let (mut seen, mut scratch) = (Vec::new(), [0; 2048]);
    while !(seen.windows(words.len()).any(|window| window == words) && seen.ends_with(b"}")) {
        let read = socket.read(&mut scratch).await.unwrap();
        assert!(read > 0, "closed: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&scratch[..read]);
    }
    seen.len()
}
