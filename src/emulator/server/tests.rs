//! The server on a real listener, seen by real clients. Nothing sleeps; everything has a time limit.

mod connecting;
mod ending;
mod floods;
mod livetrace;
mod rest;
#[cfg(target_os = "linux")]
mod slow;
mod talking;
mod tunnel;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;
use crate::events::EventHandler;
use crate::upstream::CurrentRoutes;
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::auth::token::{ClientTokenRequest, client_audience, sign_client_token};
use webpubsub_proto::hub::HubConfig;

const RELIABLE: &str = "json.reliable.webpubsub.azure.v1";
const JSON: &str = "json.webpubsub.azure.v1";
const BOTH_ROLES: [&str; 2] = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

/// A running server.
struct TestEmulator {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

impl TestEmulator {
    async fn start() -> Self {
        Self::start_with(ServerConfig::new([7; 32])).await
    }

    async fn start_with(config: ServerConfig) -> Self {
        let listener = Listener::bind(Bind::Localhost, 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(run(listener, config, async move {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), task }
    }

    fn endpoint(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    fn token(&self, hub: &str, user: &str, roles: &[&str], groups: &[&str]) -> String {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let token = sign_client_token(
            &Secret::new(DEVELOPMENT_KEY),
            &ClientTokenRequest {
                audience: &client_audience(&self.endpoint(), hub),
                user: Some(user),
                roles: &own(roles),
                groups: &own(groups),
                issued_at: unix_now(),
                ttl: Duration::from_secs(60),
                not_before: None,
                claims: &[],
            },
        );
        token.expose().to_owned()
    }

    /// Path and query for user `alice` with both roles in hub `chat`.
    fn path(&self) -> String {
        format!("/client/hubs/chat?access_token={}", self.token("chat", "alice", &BOTH_ROLES, &[]))
    }

    async fn try_connect(&self, path: &str, offer: Option<&str>) -> Result<TestClient, Error> {
        let url = format!("ws://localhost:{}{path}", self.address.port());
        let mut request = url.into_client_request().unwrap();
        if let Some(offer) = offer {
            request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(offer).unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (stream, response) = bounded(tokio_tungstenite::client_async(request, stream)).await?;
        let protocol = response.headers().get("sec-websocket-protocol").map(|p| p.to_str().unwrap().to_owned());
        Ok(TestClient { stream, protocol })
    }

    async fn connect(&self, path: &str, offer: Option<&str>) -> TestClient {
        self.try_connect(path, offer).await.unwrap()
    }

    /// A PubSub client, its `connected` frame taken.
    async fn pubsub(&self, offer: &str) -> (TestClient, serde_json::Value) {
        let mut client = self.connect(&self.path(), Some(offer)).await;
        let connected = client.json().await;
        assert_eq!(connected["event"], "connected");
        (client, connected)
    }

    /// A request with a WebSocket handshake's headers and any others; gives status line and headers, and the body.
    async fn request(&self, method: &str, path: &str, headers: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade, close\r\n{headers}\r\n",
            self.address.port()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        // What comes after a 101 is no answer any more, and has no end.
        while !(response.starts_with(b"HTTP/1.1 101 ") && response.windows(4).any(|end| end == b"\r\n\r\n")) {
            if bounded(stream.read_buf(&mut response)).await.unwrap() == 0 {
                break;
            }
        }
        let response = String::from_utf8_lossy(&response);
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        bounded(self.task).await.unwrap().unwrap();
    }
}

struct TestClient {
    stream: WebSocketStream<TcpStream>,
    /// The subprotocol of the answer.
    protocol: Option<String>,
}

impl TestClient {
    async fn send(&mut self, message: impl Into<Message>) {
        bounded(self.stream.send(message.into())).await.unwrap();
    }

    /// The next message that is no ping.
    async fn next(&mut self) -> Option<Message> {
        loop {
            match bounded(self.stream.next()).await? {
                Ok(Message::Ping(_)) => {}
                Ok(message) => return Some(message),
                Err(_) => return None,
            }
        }
    }

    async fn text(&mut self) -> String {
        self.next().await.unwrap().into_text().unwrap().to_string()
    }

    async fn json(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Code and reason of the close frame that comes next.
    async fn close_frame(&mut self) -> (u16, String) {
        match self.next().await {
            Some(Message::Close(Some(frame))) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("no close frame: {other:?}"),
        }
    }

    /// The `disconnected` message and the close code that come next.
    async fn farewell(&mut self) -> (String, u16) {
        let frame = self.json().await;
        assert_eq!(frame["event"], "disconnected");
        let (code, reason) = self.close_frame().await;
        assert_eq!(frame["message"], reason);
        (reason, code)
    }
}

async fn bounded<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), work).await.unwrap()
}
