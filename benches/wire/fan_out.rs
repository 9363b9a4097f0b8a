//! The emulator: one publishes, many receive.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::process::{Usage, command};
use super::wire::{TEXT, push_frame};

/// What is delivered in all.
const DELIVERIES: usize = 1_000_000;
/// What is published before the receivers have to have it.
const AHEAD: usize = 200;

/// Publishes until there were enough deliveries, and looks at the emulator before, meanwhile and afterwards.
pub fn measure(binary: &Path, name: &str, receivers: usize) -> String {
    let mut emulator =
        command(binary).args(["emulator", "--port", "0", "-q", "-o", "ndjson"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(emulator.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let url = ready["clientUrl"].as_str().unwrap().strip_prefix("ws://").unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let empty = Usage::of(&emulator);
    let (idle, elapsed, messages) = runtime.block_on(async {
        let mut sockets = Vec::new();
        for _ in 0..receivers {
            sockets.push(member(&url).await);
        }
        let mut publisher = connect(&url).await;
        let idle = Usage::of(&emulator);
        // How long a frame is that each receiver gets.
        publisher.write_all(&published(1)).await.unwrap();
        let mut length = 0;
        for socket in &mut sockets {
            length = until(socket, b"\"data\":").await;
        }
        let messages = (DELIVERIES / receivers).max(200);
        let begun = Instant::now();
        for start in (0..messages).step_by(AHEAD) {
            let batch = AHEAD.min(messages - start);
            publisher.write_all(&published(batch)).await.unwrap();
            let mut reading = JoinSet::new();
            for mut socket in sockets.drain(..) {
                reading.spawn(async move {
                    let mut rest = batch * length;
                    let mut scratch = vec![0; 16 * 1024];
                    while rest > 0 {
                        let wanted = scratch.len().min(rest);
                        let read = socket.read(&mut scratch[..wanted]).await.unwrap();
                        assert!(read > 0, "a receiver was closed");
                        rest -= read;
                    }
                    socket
                });
            }
            sockets = reading.join_all().await;
        }
        (idle, begun.elapsed(), messages)
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
