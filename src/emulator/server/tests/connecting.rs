use super::*;

#[tokio::test]
async fn a_client_reaches_its_hub_by_path_or_query_whatever_the_case() {
    let emulator = TestEmulator::start().await;
    let token = emulator.token("Chat", "alice", &BOTH_ROLES, &["g"]);
    let mut members = Vec::new();
    for path in ["/client/hubs/chat?", "/client/hubs/CHAT?", "/client/?hub=chat&", "/client?hub=Chat&"] {
        let mut client = emulator.connect(&format!("{path}access_token={token}"), Some(JSON)).await;
        assert_eq!(client.json().await["userId"], "alice");
        members.push(client);
    }
    members[0].send(r#"{"type":"sendToGroup","group":"g","data":1}"#).await;
    for member in &mut members {
        assert_eq!(member.json().await["data"], 1);
    }
}

#[tokio::test]
async fn the_token_may_be_in_the_header_and_the_query_wins() {
    let emulator = TestEmulator::start().await;
    let token = emulator.token("chat", "alice", &[], &[]);
    let header = format!("Authorization: bearer {token}\r\n");
    let (head, _) = emulator.request("GET", "/client/hubs/chat", &header).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let (head, _) = emulator.request("GET", "/client/hubs/chat?access_token=bad", &header).await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    let path = format!("/client/hubs/chat?access_token={token}");
    let (head, _) = emulator.request("GET", &path, "Authorization: Bearer bad\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[tokio::test]
async fn a_refused_token_is_401_with_the_reason_and_without_the_token() {
    let emulator = TestEmulator::start().await;
    let good = emulator.token("chat", "alice", &[], &[]);
    let sign = |audience: &str, issued_at: u64, key: &str| {
        let request = ClientTokenRequest {
            audience,
            user: None,
            roles: &[],
            groups: &[],
            issued_at,
            ttl: Duration::from_secs(60),
            not_before: None,
            claims: &[],
        };
        sign_client_token(&Secret::new(key), &request).expose().to_owned()
    };
    let audience = client_audience(&emulator.endpoint(), "chat");
    for (hub, token, reason) in [
        ("chat", String::new(), "has no token"),
        ("chat", "nonsense".to_owned(), "the token is malformed"),
        ("other", good, "/client/hubs/chat`, expected `http://localhost:"),
        ("chat", sign("http://elsewhere/client/hubs/chat", unix_now(), DEVELOPMENT_KEY), "the token's audience is"),
        ("chat", sign(&audience, 1_760_000_000, DEVELOPMENT_KEY), "the token expired at 2025-10-09T08:54:20Z"),
        ("chat", sign(&audience, unix_now(), "another key"), "the token's signature is wrong"),
    ] {
        let (head, body) = emulator.request("GET", &format!("/client/hubs/{hub}?access_token={token}"), "").await;
        assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
        assert!(body.contains(reason), "{body}");
        assert!(token.is_empty() || !body.contains(&token), "{body}");
    }
}

#[tokio::test]
async fn the_audience_may_name_the_host_the_client_used_or_the_advertised_one() {
    // Behind a gateway, which takes its path away.
    let advertise = Some("https://dev.example/gateway/".to_owned());
    let emulator = TestEmulator::start_with(ServerConfig { advertise, ..ServerConfig::new([7; 32]) }).await;
    let port = emulator.address.port();
    for endpoint in ["https://dev.example/gateway", &format!("http://127.0.0.1:{port}"), &format!("ws://[::1]:{port}")]
    {
        let request = ClientTokenRequest {
            audience: &client_audience(endpoint, "chat"),
            user: None,
            roles: &[],
            groups: &[],
            issued_at: unix_now(),
            ttl: Duration::from_secs(60),
            not_before: None,
            claims: &[],
        };
        let token = sign_client_token(&Secret::new(DEVELOPMENT_KEY), &request);
        let path = format!("/client/hubs/chat?access_token={}", token.expose());
        emulator.connect(&path, Some(JSON)).await;
    }
}

#[tokio::test]
async fn both_keys_are_accepted() {
    let keys = vec![Secret::new("first"), Secret::new(DEVELOPMENT_KEY)];
    let emulator = TestEmulator::start_with(ServerConfig { keys, ..ServerConfig::new([7; 32]) }).await;
    emulator.pubsub(JSON).await;
}

#[tokio::test]
async fn anonymous_clients_are_let_in_only_when_allowed_and_have_no_roles() {
    let config = ServerConfig { allow_anonymous: true, ..ServerConfig::new([7; 32]) };
    let emulator = TestEmulator::start_with(config).await;
    let mut client = emulator.connect("/client/hubs/chat", Some(JSON)).await;
    assert_eq!(client.json().await["userId"], serde_json::Value::Null);
    client.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    assert_eq!(client.json().await["error"]["name"], "Forbidden");
    let (head, _) = emulator.request("GET", "/client/hubs/chat?access_token=bad", "").await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
}

#[tokio::test]
async fn what_is_no_proper_handshake_is_refused() {
    let emulator = TestEmulator::start().await;
    let token = emulator.token("chat", "alice", &[], &[]);
    let blank = emulator.token("chat", "alice", &[], &[" "]);
    for (method, path, status, reason) in [
        ("GET", "/client/hubs/1chat".to_owned(), "400", "a hub name starts with a letter"),
        ("GET", "/client/?x=1".to_owned(), "400", "names no hub"),
        ("GET", format!("/client/hubs/chat?access_token={blank}"), "400", "a group name"),
        ("GET", format!("/client/hubs/chat?access_token={token}&webpubsub_mode=shout"), "400", "webpubsub_mode"),
        ("GET", format!("/client/hubs/chat?access_token={token}&webpubsub_mode=sendToGroup"), "400", "`group`"),
        (
            "GET",
            format!("/client/hubs/chat?access_token={token}&webpubsub_mode=sendToGroup&group=g&noEcho=yes"),
            "400",
            "`noEcho`",
        ),
        ("POST", "/client/hubs/chat".to_owned(), "405", "GET"),
        ("GET", "/client/elsewhere".to_owned(), "404", "/client/hubs/{hub}"),
        ("GET", "/client/hubs/chat/more".to_owned(), "404", "/client/hubs/{hub}"),
    ] {
        let (head, body) = emulator.request(method, &path, "").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {head}");
        assert!(body.contains(reason), "{path}: {body}");
    }
    let mut stream = TcpStream::connect(emulator.address).await.unwrap();
    let plain = format!("GET /client/hubs/chat?access_token={token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(plain.as_bytes()).await.unwrap();
    let mut response = String::new();
    bounded(stream.read_to_string(&mut response)).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
}

#[tokio::test]
async fn health_needs_no_token() {
    let emulator = TestEmulator::start().await;
    for method in ["GET", "HEAD"] {
        let (head, body) = emulator.request(method, "/api/health", "").await;
        assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{head}");
    }
}

#[tokio::test]
async fn the_first_known_subprotocol_is_chosen_and_echoed_as_offered() {
    let emulator = TestEmulator::start().await;
    let path = emulator.path();
    let mut client = emulator.connect(&path, Some("json.reliable.webpubsub.azure.v1, mqtt")).await;
    assert_eq!(client.protocol.as_deref(), Some(RELIABLE));
    assert!(client.json().await["reconnectionToken"].is_string());
    let (head, _) = emulator.request("GET", &path, "Sec-WebSocket-Protocol: mqtt, JSON.webpubsub.azure.v1\r\n").await;
    assert!(head.to_lowercase().contains("sec-websocket-protocol: json.webpubsub.azure.v1"), "{head}");
    assert!(head.contains("JSON.webpubsub"), "{head}");
    assert!(head.to_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    let (head, _) = emulator.request("GET", &path, "Sec-WebSocket-Protocol: custom\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 ") && !head.to_lowercase().contains("sec-websocket-protocol"), "{head}");
}

#[tokio::test]
async fn parameters_have_no_case_the_last_counts_and_an_empty_mode_is_none() {
    let emulator = TestEmulator::start().await;
    let token = emulator.token("chat", "alice", &BOTH_ROLES, &[]);
    for query in [
        format!("ACCESS_TOKEN={token}&webpubsub_mode="),
        format!("access_token=x&access_token={token}"),
        format!("access_token={token}&webpubsub_mode=shout&WebPubSub_Mode=sendEvent"),
    ] {
        let mut client = emulator.connect(&format!("/client/hubs/chat?{query}"), None).await;
        client.send(Message::text("echo")).await;
        assert_eq!(client.next().await, Some(Message::text("echo")), "{query}");
    }
    // They are looked at of clients that have no use for them, too.
    for offer in [None, Some(JSON)] {
        for wrong in
            ["webpubsub_mode=shout", "webpubsub_mode=sendToGroup&group=g&noEcho=perhaps", "webpubsub_mode=sendToGroup"]
        {
            let path = format!("/client/hubs/chat?access_token={token}&{wrong}");
            match emulator.try_connect(&path, offer).await {
                Err(Error::Http(answer)) => assert_eq!(answer.status(), 400, "{wrong}"),
                other => panic!("{wrong}: {:?}", other.map(|client| client.protocol)),
            }
        }
    }
    let query = format!("access_token={token}&webpubsub_mode=sendToGroup&group=a&group=b&noEcho=False");
    let mut client = emulator.connect(&format!("/client/hubs/chat?{query}"), None).await;
    let (mut member, _) = emulator.user(JSON, "m", &[], &["b"]).await;
    client.send(Message::text("x")).await;
    assert_eq!(member.json().await["group"], "b");
}

#[tokio::test]
async fn whoever_has_no_more_to_send_is_answered_all_the_same() {
    let emulator = TestEmulator::start().await;
    let mut stream = TcpStream::connect(emulator.address).await.unwrap();
    stream.write_all(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    bounded(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_is_there_before_its_client_reads_so() {
    let emulator = TestEmulator::start().await;
    let bearer = emulator.bearer(&format!("{}/api", emulator.endpoint()));
    let port = emulator.address.port();
    // Its HTTP connection is open already, so that nothing stands between the answer and the next request.
    let mut asking = TcpStream::connect(emulator.address).await.unwrap();
    for n in 0..1000 {
        let token = emulator.token("chat", "alice", &[], &[&format!("g{n}")]);
        let ask = format!(
            "HEAD /api/hubs/chat/groups/g{n}?api-version=2024-12-01 HTTP/1.1\r\nHost: localhost:{port}\r\n{bearer}\r\n"
        );
        let _member = emulator.connect(&format!("/client/hubs/chat?access_token={token}"), None).await;
        asking.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            assert_ne!(bounded(asking.read_buf(&mut answer)).await.unwrap(), 0);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "connection {n}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_goes_before_it_is_answered_leaves_no_connection() {
    let config = ServerConfig { faults: vec!["hang=100ms".parse().unwrap()], ..ServerConfig::new([7; 32]) };
    let emulator = TestEmulator::start_with(config).await;
    let port = emulator.address.port();
    let path = format!("/client/hubs/chat?access_token={}", emulator.token("chat", "gone", &[], &["g"]));
    let mut gone = TcpStream::connect(emulator.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {RELIABLE}\r\n\r\n"
    );
    gone.write_all(request.as_bytes()).await.unwrap();
    gone.set_zero_linger().unwrap();
    drop(gone);
    // One that comes after it is answered after it.
    let (_other, _) = emulator.user(RELIABLE, "stays", &[], &["other"]).await;
    bounded(async { while emulator.status("HEAD", "/groups/g").await == 200 {} }).await;
    assert_eq!(emulator.status("HEAD", "/groups/other").await, 200);
}
