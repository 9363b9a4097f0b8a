//! Tunnels as an application opens them: by their frames.

use bytes::Bytes;

use super::*;
use crate::upstream::ExchangeLimits;
use crate::upstream::settings::{Handler, Routes, SystemEvents, UserEvents};
use webpubsub_proto::fault::Fault;
use webpubsub_proto::tunnel::{
    MAX_TUNNEL_FRAME_BYTES, TunnelFrame, TunnelRequest, TunnelResponse, decode_tunnel, encode_tunnel, pieces,
};

/// An emulator whose events of these names go to a tunnel; a failed request is asked once more, at once.
async fn emulator(faults: &[&str]) -> TestEmulator {
    emulator_that_retries(faults, 1).await
}

/// The same, asking as often as said.
async fn emulator_that_retries(faults: &[&str], retries: usize) -> TestEmulator {
    let flag = "tunnel:///hooks/{hub}?e={event},user-events=*,system-events=";
    let handler = Handler::from_flag(flag, &UserEvents::All, SystemEvents::NONE).unwrap();
    let routes = Routes { every_hub: vec![handler], ..Routes::default() };
    let limits = ExchangeLimits { retries: vec![Duration::from_millis(1); retries], ..ExchangeLimits::default() };
    let faults = faults.iter().map(|fault| fault.parse::<Fault>().unwrap()).collect();
    let config = ServerConfig::new([7; 32]);
    let handlers = Some(CurrentRoutes::new(routes));
    TestEmulator::start_with(ServerConfig { handlers, handler_limits: limits, faults, ..config }).await
}

impl TestEmulator {
    fn tunnel_path(&self, audience: &str) -> String {
        let bearer = self.bearer(audience);
        let token = bearer.trim().rsplit(' ').next().unwrap();
        format!("/server/tunnel?hub=Chat&access_token={token}")
    }

    /// With the greeting taken.
    async fn tunnel(&self) -> TestClient {
        let audience = format!("ws://localhost:{}/server/tunnel?hub=chat", self.address.port());
        let mut tunnel = self.connect(&self.tunnel_path(&audience), None).await;
        assert_eq!(tunnel.protocol, None);
        assert!(matches!(tunnel.frame().await, TunnelFrame::Connected { user_id: None, .. }));
        tunnel
    }
}

impl TestClient {
    async fn frame(&mut self) -> TunnelFrame {
        match self.next().await {
            Some(Message::Binary(bytes)) => decode_tunnel(&bytes).unwrap().unwrap(),
            other => panic!("no frame: {other:?}"),
        }
    }

    async fn asked(&mut self) -> TunnelRequest {
        match self.frame().await {
            TunnelFrame::Request(request) => request,
            other => panic!("no request: {other:?}"),
        }
    }

    async fn put(&mut self, frame: &TunnelFrame) {
        self.send(Message::Binary(encode_tunnel(frame))).await;
    }

    async fn reply(&mut self, request: &TunnelRequest, status: u16, body: Bytes) {
        let headers = Some(vec![("content-type".to_owned(), vec!["text/plain".to_owned()])]);
        let (ack_id, body) = (request.ack_id, Some(body));
        for frame in pieces(TunnelResponse { ack_id, status, headers, body, ..TunnelResponse::default() }) {
            self.put(&frame).await;
        }
    }

    /// An event of a client's.
    async fn event(&mut self, ack_id: u64, data: &str) {
        self.send(Message::text(format!(
            r#"{{"type":"event","event":"talk","ackId":{ack_id},"dataType":"text","data":"{data}"}}"#
        )))
        .await;
    }
}

fn header<'a>(request: &'a TunnelRequest, name: &str) -> Option<&'a str> {
    let headers = request.headers.as_ref()?;
    headers.iter().find(|(known, _)| known == name).and_then(|(_, values)| values.first()).map(String::as_str)
}

#[tokio::test]
async fn an_event_goes_through_the_tunnel_and_its_answer_back() {
    let emulator = emulator(&[]).await;
    let mut tunnel = emulator.tunnel().await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    client.event(1, "hé").await;
    let request = tunnel.asked().await;
    assert_eq!(request.method, "POST");
    assert_eq!(request.url, format!("{}/hooks/chat?e=talk", emulator.endpoint()));
    assert!(!request.local_routing && request.channel_name.is_empty());
    assert_eq!(request.body.as_deref(), Some("hé".as_bytes()));
    assert_eq!(header(&request, "ce-eventname"), Some("talk"));
    assert_eq!(header(&request, "content-type"), Some("text/plain"));
    assert!(header(&request, "ce-signature").is_some() && header(&request, "webhook-request-origin").is_some());
    assert_eq!(header(&request, "host"), None);
    tunnel.reply(&request, 200, Bytes::from_static(b"back")).await;
    assert_eq!(client.json().await["data"], "back");
    assert_eq!(client.json().await["success"], true);
    emulator.stop().await;
}

#[tokio::test]
async fn nothing_is_asked_on_a_connection_whose_end_was_read() {
    let emulator = emulator_that_retries(&[], 0).await;
    let mut stays = emulator.tunnel().await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    // One that leaves, and one that is sent away, neither of which ends its TCP.
    for (bye, acks) in [(Message::Close(None), [1, 2]), (Message::text("no frame"), [3, 4])] {
        let mut leaves = emulator.tunnel().await;
        leaves.send(bye).await;
        assert!(matches!(leaves.next().await, Some(Message::Close(_))));
        for ack_id in acks {
            client.event(ack_id, "x").await;
            let request = stays.asked().await;
            stays.reply(&request, 204, Bytes::new()).await;
            assert_eq!(client.json().await["success"], true);
        }
        drop(leaves);
    }
    emulator.stop().await;
}

#[tokio::test]
async fn what_an_application_asks_before_it_leaves_is_carried_out() {
    let emulator = emulator(&[]).await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    let mut tunnel = emulator.tunnel().await;
    let request = TunnelRequest {
        method: "POST".into(),
        url: format!("{}/api/hubs/chat/:send?api-version=2024-12-01", emulator.endpoint()),
        headers: Some(vec![("content-type".into(), vec!["text/plain".into()])]),
        body: Some(Bytes::from_static(b"last")),
        ack_id: 1,
        ..TunnelRequest::default()
    };
    // Both in one piece, so that they are read together.
    tunnel.stream.feed(Message::Binary(encode_tunnel(&TunnelFrame::Request(request)))).await.unwrap();
    tunnel.stream.feed(Message::Close(None)).await.unwrap();
    tunnel.stream.flush().await.unwrap();
    assert_eq!(client.json().await["data"], "last");
    emulator.stop().await;
}

#[tokio::test]
async fn an_answer_in_pieces_is_joined() {
    let emulator = emulator(&[]).await;
    let mut tunnel = emulator.tunnel().await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    client.event(1, "x").await;
    let request = tunnel.asked().await;
    let body = Bytes::from(vec![b'a'; MAX_TUNNEL_FRAME_BYTES + 100]);
    assert_eq!(
        pieces(TunnelResponse { body: Some(body.clone()), ..TunnelResponse::default() }).len(),
        2,
        "it is larger than a frame"
    );
    tunnel.reply(&request, 200, body).await;
    assert_eq!(client.json().await["data"].as_str().unwrap().len(), MAX_TUNNEL_FRAME_BYTES + 100);
    emulator.stop().await;
}

#[tokio::test]
async fn several_connections_have_their_turns_and_answer_in_any_order() {
    let emulator = emulator(&[]).await;
    let (mut one, mut two) = (emulator.tunnel().await, emulator.tunnel().await);
    let (mut first, _) = emulator.pubsub(JSON).await;
    let (mut second, _) = emulator.pubsub(JSON).await;
    first.event(1, "1").await;
    let (asked, tunnel, other) = tokio::select! {
        asked = one.asked() => (asked, &mut one, &mut two),
        asked = two.asked() => (asked, &mut two, &mut one),
    };
    second.event(1, "2").await;
    let asked_later = other.asked().await;
    other.reply(&asked_later, 204, Bytes::new()).await;
    assert_eq!(second.json().await["success"], true);
    tunnel.reply(&asked, 204, Bytes::new()).await;
    assert_eq!(first.json().await["success"], true);
    emulator.stop().await;
}

#[tokio::test]
async fn without_a_tunnel_and_after_a_loss_the_handler_counts_as_not_reached() {
    let emulator = emulator(&[]).await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    client.event(1, "x").await;
    assert_eq!(client.json().await["error"]["name"], "InternalServerError");
    // What was asked on a connection that goes is asked again, on another.
    let (mut one, mut two) = (emulator.tunnel().await, emulator.tunnel().await);
    client.event(2, "y").await;
    let other = tokio::select! {
        _ = one.asked() => { drop(one); &mut two }
        _ = two.asked() => { drop(two); &mut one }
    };
    let request = other.asked().await;
    other.reply(&request, 204, Bytes::new()).await;
    assert_eq!(client.json().await["success"], true);
    emulator.stop().await;
}

#[tokio::test]
async fn faults_lose_a_connection_and_send_the_services_messages() {
    let emulator = emulator(&[
        "tunnel=lost,nth=1",
        "tunnel=reconnect,nth=3,target=t1,endpoint=http://localhost:1",
        "tunnel=rebalance,nth=4",
        "tunnel=close,nth=5",
    ])
    .await;
    let (mut one, mut two) = (emulator.tunnel().await, emulator.tunnel().await);
    let (mut client, _) = emulator.pubsub(JSON).await;
    client.event(1, "lost").await;
    // Reset once the request is out; the next attempt is another's.
    let mut tunnel = tokio::select! {
        _ = one.asked() => { assert!(one.next().await.is_none()); two }
        _ = two.asked() => { assert!(two.next().await.is_none()); one }
    };
    let mut told_to_go = Vec::new();
    let request = tunnel.asked().await;
    tunnel.reply(&request, 204, Bytes::new()).await;
    assert_eq!(client.json().await["success"], true);
    for (ack, expected) in [(2, "reconnect"), (3, "rebalance"), (4, "close")] {
        client.event(ack, "x").await;
        let told = match tunnel.frame().await {
            TunnelFrame::Reconnect(to) => {
                assert_eq!((to.target_id.as_str(), to.endpoint.as_str()), ("t1", "http://localhost:1"));
                to.message
            }
            TunnelFrame::Rebalance(to) => to.message,
            TunnelFrame::Close { message, .. } => message,
            other => panic!("{other:?}"),
        };
        assert!(told.contains(expected), "{told}");
        // The request goes on the same connection, and is the last there.
        let request = tunnel.asked().await;
        tunnel.reply(&request, 204, Bytes::new()).await;
        assert_eq!(client.json().await["ackId"], ack);
        if expected == "reconnect" {
            told_to_go.push(std::mem::replace(&mut tunnel, emulator.tunnel().await));
        }
    }
    emulator.stop().await;
}

#[tokio::test]
async fn rest_through_the_tunnel_needs_no_token_and_is_answered_in_order() {
    let emulator = emulator(&[]).await;
    let mut tunnel = emulator.tunnel().await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    let request = |ack_id, method: &str, path: &str, body: &'static [u8]| {
        TunnelFrame::Request(TunnelRequest {
            ack_id,
            method: method.into(),
            url: format!("https://anything/api/hubs/chat{path}?api-version=2024-12-01"),
            headers: Some(vec![("Content-Type".to_owned(), vec!["text/plain".to_owned()])]),
            local_routing: true,
            body: Some(Bytes::from_static(body)),
            ..TunnelRequest::default()
        })
    };
    for (ack_id, text) in [(1, &b"one"[..]), (2, b"two")] {
        tunnel.put(&request(ack_id, "POST", "/:send", text)).await;
    }
    tunnel.put(&request(3, "HEAD", "/users/nobody", b"")).await;
    tunnel.put(&request(4, "BAD METHOD", "/x", b"")).await;
    for text in ["one", "two"] {
        assert_eq!(client.json().await["data"], text);
    }
    let mut statuses = Vec::new();
    for _ in 0..4 {
        match tunnel.frame().await {
            TunnelFrame::Response(response) => {
                assert!(response.local_routing || response.ack_id == 4);
                statuses.push((response.ack_id, response.status));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(statuses, [(1, 202), (2, 202), (3, 404), (4, 400)]);
    emulator.stop().await;
}

#[tokio::test]
async fn who_has_no_token_for_the_tunnel_or_no_hub_gets_none() {
    let emulator = emulator(&[]).await;
    let port = emulator.address.port();
    for (path, status) in [
        ("/server/tunnel?hub=chat".to_owned(), "401"),
        ("/server/tunnel".to_owned(), "400"),
        ("/server/tunnel?hub=1".to_owned(), "400"),
        // Tokens of clients and of REST are none for this.
        (emulator.tunnel_path(&format!("http://localhost:{port}/client/hubs/chat")), "401"),
        (emulator.tunnel_path(&format!("http://localhost:{port}/")), "401"),
        (emulator.tunnel_path("http://elsewhere/server/tunnel"), "401"),
    ] {
        let (head, _) = emulator.request("GET", &path, "").await;
        assert_eq!(head.split(' ').nth(1), Some(status), "{path}: {head}");
    }
    // The audience is the lenient one: another scheme and another query do.
    for audience in ["http://LOCALHOST:{port}/server/tunnel/", "wss://127.0.0.1:{port}/server/tunnel?hub=other"] {
        let path = emulator.tunnel_path(&audience.replace("{port}", &port.to_string()));
        let (head, _) = emulator.request("GET", &path, "").await;
        assert_eq!(head.split(' ').nth(1), Some("101"), "{audience}: {head}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn what_is_no_frame_ends_the_connection_and_a_stop_says_goodbye() {
    let emulator = emulator(&[]).await;
    for garbage in [Message::text("{}"), Message::Binary(Bytes::from_static(&[1, 2, 3]))] {
        let mut tunnel = emulator.tunnel().await;
        tunnel.send(garbage).await;
        assert_eq!(tunnel.close_frame().await.0, 1002);
    }
    // Of unknown types and answers to nothing nobody takes notice.
    let mut tunnel = emulator.tunnel().await;
    tunnel.send(Message::Binary(Bytes::from_static(&[2, 0, 0, 0, 0x91, 42]))).await;
    tunnel.put(&TunnelFrame::Response(TunnelResponse { ack_id: 77, status: 200, ..TunnelResponse::default() })).await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    client.event(1, "x").await;
    let request = tunnel.asked().await;
    tunnel.reply(&request, 999, Bytes::new()).await;
    assert_eq!(client.json().await["error"]["name"], "InternalServerError");
    tokio::join!(emulator.stop(), async { assert_eq!(tunnel.close_frame().await.0, 1001) });
}
