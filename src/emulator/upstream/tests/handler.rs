//! An event handler of a test's own: takes requests one by one and answers each as the test says.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::bounded;

/// A listener without anything behind it.
pub struct Webhook {
    listener: TcpListener,
}

/// A request that waits for its answer.
pub struct HandlerRequest {
    stream: TcpStream,
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Webhook {
    pub async fn start() -> Self {
        Self { listener: TcpListener::bind(("127.0.0.1", 0)).await.unwrap() }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The next request. Each has a connection of its own, since all answers close theirs.
    pub async fn next(&self) -> HandlerRequest {
        let (stream, _) = bounded(self.listener.accept()).await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        bounded(stream.read_line(&mut line)).await.unwrap();
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            bounded(stream.read_line(&mut line)).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
        let mut body = vec![0; length];
        bounded(stream.read_exact(&mut body)).await.unwrap();
        HandlerRequest { stream: stream.into_inner(), method, path, headers, body }
    }

    /// Agrees to a validation.
    pub async fn agree(&self) {
        let asked = self.next().await;
        assert_eq!((asked.method.as_str(), asked.header("webhook-request-origin")), ("OPTIONS", Some("localhost")));
        asked.answer("200 OK", "WebHook-Allowed-Origin: *\r\n", "").await;
    }
}

impl HandlerRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The event it is about.
    pub fn event(&self) -> &str {
        self.header("ce-eventname").unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Answers with a status, header lines, each with its end, and a body.
    pub async fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}");
        bounded(self.stream.write_all(answer.as_bytes())).await.unwrap();
        let _ = self.stream.shutdown().await;
    }

    pub async fn accept(self) {
        self.answer("204 No Content", "", "").await;
    }

    /// Waits until the other side has given up.
    pub async fn abandoned(mut self) {
        let mut scratch = [0; 16];
        assert!(matches!(bounded(self.stream.read(&mut scratch)).await, Ok(0) | Err(_)));
    }
}
