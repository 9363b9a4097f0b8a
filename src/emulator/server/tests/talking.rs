use super::*;

#[tokio::test]
async fn two_clients_meet_in_a_group() {
    let emulator = TestEmulator::start().await;
    let (mut alice, _) = emulator.pubsub(RELIABLE).await;
    let (mut bob, _) = emulator.pubsub(JSON).await;
    bob.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    assert_eq!(bob.text().await, r#"{"type":"ack","ackId":1,"success":true}"#);
    alice.send(r#"{"type":"sendToGroup","group":"g","ackId":7,"dataType":"text","data":"hi"}"#).await;
    assert_eq!(alice.text().await, r#"{"type":"ack","ackId":7,"success":true}"#);
    assert_eq!(
        bob.text().await,
        r#"{"type":"message","from":"group","group":"g","fromUserId":"alice","dataType":"text","data":"hi"}"#
    );
}

#[tokio::test]
async fn hubs_are_apart() {
    let emulator = TestEmulator::start().await;
    let connect = async |hub: &str| {
        let token = emulator.token(hub, "u", &BOTH_ROLES, &["g"]);
        let mut client = emulator.connect(&format!("/client/hubs/{hub}?access_token={token}"), Some(JSON)).await;
        client.json().await;
        client
    };
    let (mut one, mut other) = (connect("one").await, connect("other").await);
    one.send(r#"{"type":"sendToGroup","group":"g","data":1}"#).await;
    other.send(r#"{"type":"sendToGroup","group":"g","data":2}"#).await;
    assert_eq!((one.json().await["data"].clone(), other.json().await["data"].clone()), (1.into(), 2.into()));
}

#[tokio::test]
async fn events_are_echoed_to_their_sender() {
    let emulator = TestEmulator::start().await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    client.send(r#"{"type":"event","event":"e","ackId":1,"dataType":"json","data":{"a":1.0}}"#).await;
    assert_eq!(client.text().await, r#"{"type":"message","from":"server","dataType":"json","data":{"a":1.0}}"#);
    assert_eq!(client.text().await, r#"{"type":"ack","ackId":1,"success":true}"#);
    let mut simple = emulator.connect(&emulator.path(), None).await;
    assert_eq!(simple.protocol, None);
    simple.send("hello").await;
    assert_eq!(simple.next().await, Some(Message::text("hello")));
    simple.send(vec![0, 255]).await;
    assert_eq!(simple.next().await, Some(Message::binary(vec![0, 255])));
}

#[tokio::test]
async fn without_a_handler_events_fail() {
    let config = ServerConfig { events: EventHandler::Missing, ..ServerConfig::new([7; 32]) };
    let emulator = TestEmulator::start_with(config).await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    client.send(r#"{"type":"event","event":"e","ackId":1,"data":1}"#).await;
    assert_eq!(client.json().await["error"]["name"], "InternalServerError");
    let mut simple = emulator.connect(&emulator.path(), None).await;
    simple.send("hello").await;
    assert_eq!(simple.close_frame().await, (1011, "Internal server error".to_owned()));
    assert_eq!(simple.next().await, None);
}

#[tokio::test]
async fn simple_clients_publish_to_the_group_of_their_query() {
    let emulator = TestEmulator::start().await;
    let path = format!("{}&webpubsub_mode=sendToGroup&group=a%20b", emulator.path());
    let (mut member, _) = emulator.pubsub(JSON).await;
    member.send(r#"{"type":"joinGroup","group":"a b","ackId":1}"#).await;
    member.json().await;
    let mut simple = emulator.connect(&path, None).await;
    simple.send("hello").await;
    assert_eq!(member.json().await["data"], "hello");
    let token = emulator.token("chat", "mallory", &[], &[]);
    let path = format!("/client/hubs/chat?access_token={token}&webpubsub_mode=sendToGroup&group=g");
    let mut simple = emulator.connect(&path, None).await;
    simple.send("hello").await;
    let message = "The connection is not authorized for raw sendToGroup mode.";
    assert_eq!(simple.close_frame().await, (1008, message.to_owned()));
}

#[tokio::test]
async fn a_burst_reaches_a_reliable_member_that_acknowledges_every_hundredth() {
    const COUNT: u64 = 5000;
    let emulator = TestEmulator::start().await;
    let (mut sender, _) = emulator.pubsub(JSON).await;
    let (mut member, _) = emulator.pubsub(RELIABLE).await;
    member.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    member.json().await;
    let sending = async {
        for n in 0..COUNT {
            let text = format!(r#"{{"type":"sendToGroup","group":"g","data":{n}}}"#);
            sender.stream.feed(Message::text(text)).await.unwrap();
        }
        sender.stream.flush().await.unwrap();
    };
    let receiving = async {
        for n in 0..COUNT {
            let frame = member.json().await;
            assert_eq!((&frame["data"], &frame["sequenceId"]), (&n.into(), &(n + 1).into()));
            if n % 100 == 99 {
                member.send(format!(r#"{{"type":"sequenceAck","sequenceId":{}}}"#, n + 1)).await;
            }
        }
    };
    bounded(async { tokio::join!(sending, receiving) }).await;
}

#[tokio::test]
async fn two_reliable_members_can_flood_each_other() {
    const COUNT: u64 = 3000;
    let emulator = TestEmulator::start().await;
    let flood = async |client: TestClient| {
        let (mut sink, mut stream) = client.stream.split();
        let (acks, mut due) = tokio::sync::mpsc::unbounded_channel::<u64>();
        let writing = async move {
            for n in 0..COUNT {
                while let Ok(id) = due.try_recv() {
                    sink.feed(Message::text(format!(r#"{{"type":"sequenceAck","sequenceId":{id}}}"#))).await.unwrap();
                }
                let text = format!(r#"{{"type":"sendToGroup","group":"g","noEcho":true,"data":{n}}}"#);
                sink.send(Message::text(text)).await.unwrap();
            }
            while let Some(id) = due.recv().await {
                sink.send(Message::text(format!(r#"{{"type":"sequenceAck","sequenceId":{id}}}"#))).await.unwrap();
            }
        };
        let reading = async move {
            let mut count = 0;
            while count < COUNT {
                let Message::Text(text) = stream.next().await.unwrap().unwrap() else { continue };
                let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(frame["sequenceId"], count + 1, "{frame}");
                count += 1;
                if count % 100 == 0 {
                    acks.send(count).unwrap();
                }
            }
        };
        tokio::join!(writing, reading);
    };
    let token = emulator.token("chat", "u", &BOTH_ROLES, &["g"]);
    let path = format!("/client/hubs/chat?access_token={token}");
    // Both are members before either floods.
    let mut clients = [emulator.connect(&path, Some(RELIABLE)).await, emulator.connect(&path, Some(RELIABLE)).await];
    for client in &mut clients {
        client.json().await;
    }
    let [one, other] = clients;
    bounded(async { tokio::join!(flood(one), flood(other)) }).await;
}

#[tokio::test]
async fn a_recovered_connection_misses_nothing() {
    let emulator = TestEmulator::start().await;
    let (mut sender, _) = emulator.pubsub(JSON).await;
    let (mut member, connected) = emulator.pubsub(RELIABLE).await;
    member.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    member.json().await;
    sender.send(r#"{"type":"sendToGroup","group":"g","data":"before","ackId":1}"#).await;
    sender.json().await;
    drop(member);
    sender.send(r#"{"type":"sendToGroup","group":"g","data":"meanwhile","ackId":2}"#).await;
    sender.json().await;
    let query = |id: &serde_json::Value, token: &serde_json::Value| {
        let (id, token) = (id.as_str().unwrap(), token.as_str().unwrap());
        format!("?awps_connection_id={id}&awps_reconnection_token={token}")
    };
    let (id, token) = (&connected["connectionId"], &connected["reconnectionToken"]);
    let recover = query(id, token);
    let mut back = emulator.connect(&format!("/client/hubs/chat{recover}"), Some(RELIABLE)).await;
    let again = back.json().await;
    assert_eq!(&again["connectionId"], id);
    for (sequence_id, data) in [(1, "before"), (2, "meanwhile")] {
        let frame = back.json().await;
        assert_eq!((&frame["sequenceId"], &frame["data"]), (&sequence_id.into(), &data.into()));
    }
    for (hub, query) in
        [("other", recover.clone()), ("chat", query(id, &"wrong".into())), ("chat", query(&"x".into(), token))]
    {
        let mut refused = emulator.connect(&format!("/client/hubs/{hub}{query}"), Some(RELIABLE)).await;
        assert_eq!(refused.close_frame().await, (1008, "The connection could not be recovered.".to_owned()));
    }
    back.send(r#"{"type":"ping"}"#).await;
    assert_eq!(back.json().await["type"], "pong");
}

#[tokio::test]
async fn a_message_of_exactly_one_mebibyte_is_accepted() {
    let emulator = TestEmulator::start().await;
    let mut simple = emulator.connect(&emulator.path(), None).await;
    let big = vec![7; 1024 * 1024];
    simple.send(big.clone()).await;
    assert_eq!(simple.next().await, Some(Message::binary(big)));
}

/// An answer to each request of a handler, by its path, for as long as the test runs. Each closes its connection.
async fn application(answers: &'static [(&'static str, &'static str)]) -> SocketAddr {
    let listener = Listener::bind(Bind::Localhost, 0).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            let head = String::from_utf8_lossy(&request).into_owned();
            let path = head.split(' ').nth(1).unwrap();
            let answer = answers.iter().find(|(own, _)| *own == path).map_or("", |(_, answer)| answer);
            let answer = format!("HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: *\r\nConnection: close\r\n{answer}");
            let end = if answer.contains("\r\n\r\n") { "" } else { "Content-Length: 0\r\n\r\n" };
            stream.write_all(format!("{answer}{end}").as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn the_handler_of_connect_chooses_the_subprotocol_and_a_custom_one_makes_a_simple_client() {
    const ANSWERS: &[(&str, &str)] = &[
        ("/connect", "Content-Length: 22\r\n\r\n{\"subprotocol\":\"mine\"}"),
        ("/message", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"),
    ];
    let address = application(ANSWERS).await;
    let file = format!(
        r#"{{"WebPubSub":{{"Hubs":{{"chat":{{"EventHandlers":[
            {{"UrlTemplate":"http://{address}/{{event}}","EventPattern":"message","SystemEvents":["connect"]}}]}}}}}}}}"#
    );
    let hubs = crate::upstream::settings::SettingsFile::parse(&file).unwrap().hubs;
    let routes = crate::upstream::settings::Routes { every_hub: Vec::new(), hubs };
    let config = ServerConfig { handlers: Some(CurrentRoutes::new(routes)), ..ServerConfig::new([7; 32]) };
    let emulator = TestEmulator::start_with(config).await;
    let mut client = emulator.connect(&emulator.path(), Some("json.webpubsub.azure.v1, Mine")).await;
    assert_eq!(client.protocol.as_deref(), Some("Mine"));
    client.send("hello").await;
    assert_eq!(client.next().await, Some(Message::text("ok")));
    // One that was not offered is nobody's choice.
    let (head, body) = emulator.request("GET", &emulator.path(), "Sec-WebSocket-Protocol: other\r\n").await;
    assert!(head.starts_with("HTTP/1.1 500 ") && body.contains("it chose the subprotocol `mine`"), "{head} {body}");
    emulator.stop().await;
}
