//! Many clients of one emulator.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::process::wps;

const CLIENTS: usize = 2000;
const MESSAGES: usize = 100;

/// For everything together, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to the hub of `url`, joined to `group1`.
async fn join(url: &str) -> WebSocketStream<TcpStream> {
    let mut request = url.into_client_request().unwrap();
    let address = request.uri().authority().unwrap().as_str().to_owned();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "json.webpubsub.azure.v1".parse().unwrap());
    let stream = TcpStream::connect(address.replace("localhost", "127.0.0.1")).await.unwrap();
    let (mut client, _) = client_async(request, stream).await.unwrap();
    assert_eq!(frame(&mut client).await["event"], "connected");
    client.send(Message::text(r#"{"type":"joinGroup","group":"group1","ackId":1}"#)).await.unwrap();
    assert_eq!(frame(&mut client).await["success"], true);
    client
}

async fn frame(client: &mut WebSocketStream<TcpStream>) -> Value {
    serde_json::from_str(client.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
}

/// How many of the clients got everything.
async fn publish_and_receive(url: &str) -> usize {
    let mut clients = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS / 100 {
        clients.extend(join_all((0..100).map(|_| join(url))).await);
    }
    let readers = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            for expected in 0..MESSAGES {
                let message = frame(&mut client).await;
                assert_eq!(message["data"], expected, "{message}");
            }
            client
        })
    });
    let readers: Vec<_> = readers.collect();
    let mut sender = join(url).await;
    for number in 0..MESSAGES {
        let message =
            format!(r#"{{"type":"sendToGroup","group":"group1","noEcho":true,"dataType":"json","data":{number}}}"#);
        sender.send(Message::text(message)).await.unwrap();
    }
    join_all(readers).await.into_iter().filter(Result::is_ok).count()
}

#[test]
fn two_thousand_connections_in_a_group_each_get_a_hundred_messages_once_and_in_order() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();

    let mut emulator = wps(["emulator", "--port", "0", "-o", "ndjson"]).start();
    let listening = emulator.expect("listening");
    let url = listening["clientUrl"].as_str().unwrap().to_owned();
    let source = listening["connectionString"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let received = runtime.block_on(async { timeout(PATIENCE, publish_and_receive(&url)).await });
    assert_eq!(received.expect("not in time"), CLIENTS);
    // Still at the service of others.
    let sent = wps(["send", "-q", "--connection-string", &source, "--hub", "hub1", "group1", "one more"]).run();
    sent.assert(0, "", "");
}
