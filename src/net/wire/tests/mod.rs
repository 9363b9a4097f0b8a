//! Tests of this module against small hand-made servers, over real sockets on the loopback or in memory.

mod dial;
mod handshake;
mod link;
mod proxy;
mod tls;
mod trail;

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{DialError, Target};
use crate::secret::Secret;

const SUBPROTOCOL: &str = "json.reliable.webpubsub.azure.v1";

/// A token that must not be seen anywhere.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";

fn target(host: &str, port: u16, secure: bool) -> Target {
    Target {
        secure,
        host: host.to_owned(),
        port,
        authority: format!("{host}:{port}"),
        path_and_query: Secret::new(format!("/client/hubs/chat?access_token={TOKEN}")),
        subprotocol: Some(SUBPROTOCOL),
    }
}

/// Nothing here takes long; what hangs fails.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// The head of a request, up to and with the empty line.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn header<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let named = |line: &'a str| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name));
    head.lines().filter_map(named).map(|(_, value)| value).collect()
}

/// A right answer to a request with this head, apart from the subprotocol, without the empty line.
fn switching(head: &str) -> String {
    let accept = derive_accept_key(header(head, "sec-websocket-key")[0].as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
    )
}

/// A right answer to a request with this head.
fn accepting(head: &str) -> String {
    format!("{}Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n", switching(head))
}

/// An error in all its forms, having checked that the token is in none of them.
fn told(error: &DialError) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words.push_str(&format!(" | {cause}"));
        source = cause.source();
    }
    assert!(!words.contains("eyJ") && !format!("{error:?}").contains("eyJ"), "{error:?}");
    words
}
