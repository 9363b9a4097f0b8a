use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::Frame as WireFrame};

use super::*;

#[tokio::test]
async fn malformed_input_is_answered_with_disconnected_and_a_close_code() {
    let emulator = TestEmulator::start().await;
    let invalid_utf8 = {
        use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
        Message::Frame(WireFrame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true))
    };
    for (message, code) in [
        (Message::text("hello"), 1007),
        (invalid_utf8, 1007),
        (Message::binary(vec![1]), 1003),
        (Message::text("x".repeat(1024 * 1024 + 1)), 1009),
    ] {
        let (mut client, _) = emulator.pubsub(RELIABLE).await;
        client.send(message).await;
        assert_eq!(client.farewell().await.1, code);
        assert_eq!(client.next().await, None);
    }
}

#[tokio::test]
async fn broken_framing_is_1002() {
    let emulator = TestEmulator::start().await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    // A text frame without a mask.
    client.stream.get_mut().write_all(&[0x81, 0x01, b'x']).await.unwrap();
    assert_eq!(client.farewell().await.1, 1002);
}

#[tokio::test]
async fn a_close_code_that_no_frame_may_have_is_answered_with_1002() {
    let emulator = TestEmulator::start().await;
    for code in [999_u16, 1005, 1006, 1015, 5000] {
        let (mut client, _) = emulator.pubsub(JSON).await;
        let [high, low] = code.to_be_bytes();
        client.stream.get_mut().write_all(&[0x88, 0x82, 0, 0, 0, 0, high, low]).await.unwrap();
        assert_eq!(client.farewell().await.1, 1002, "{code}");
    }
}

#[tokio::test]
async fn a_close_frame_is_answered_and_1000_ends_the_connection() {
    let emulator = TestEmulator::start().await;
    for (code, recoverable) in [(CloseCode::Normal, false), (CloseCode::Away, true)] {
        let (mut client, connected) = emulator.pubsub(RELIABLE).await;
        client.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
        assert_eq!(client.close_frame().await.0, u16::from(code));
        assert_eq!(client.next().await, None);
        let path = format!(
            "/client/hubs/chat?awps_connection_id={}&awps_reconnection_token={}",
            connected["connectionId"].as_str().unwrap(),
            connected["reconnectionToken"].as_str().unwrap()
        );
        let mut again = emulator.connect(&path, Some(RELIABLE)).await;
        match again.next().await.unwrap() {
            Message::Text(_) => assert!(recoverable),
            Message::Close(frame) => assert!(!recoverable && u16::from(frame.unwrap().code) == 1008),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn clients_are_pinged_and_silent_ones_are_dropped() {
    let mut config = ServerConfig::new([7; 32]);
    config.hub.ping_interval = Duration::from_millis(100);
    config.hub.silence_limit = Duration::from_secs(2);
    let emulator = TestEmulator::start_with(config).await;
    let (client, _) = emulator.pubsub(JSON).await;
    let (mut lively, _) = emulator.pubsub(JSON).await;
    // Read below the WebSocket, so nothing is answered.
    let mut stream = client.stream.into_inner();
    let mut bytes = Vec::new();
    let silent = async { bounded(stream.read_to_end(&mut bytes)).await };
    let lives = async {
        let mut pings = 0;
        while pings < 10 {
            pings += usize::from(matches!(bounded(lively.stream.next()).await.unwrap().unwrap(), Message::Ping(_)));
        }
    };
    let (_, ()) = tokio::join!(silent, lives);
    // Pings, nothing but pings, and then the end without a close frame.
    let pings = bytes.chunks(2).map(|frame| assert_eq!(frame, [0x89, 0])).count();
    assert!((1..=20).contains(&pings), "{pings}");
}

#[tokio::test]
async fn a_member_that_does_not_read_is_given_up_and_the_publisher_goes_on() {
    let mut config = ServerConfig::new([7; 32]);
    config.hub.max_backlog_bytes = 4 * 1024 * 1024;
    config.hub.patience = Duration::from_millis(100);
    let emulator = TestEmulator::start_with(config).await;
    let (mut sender, _) = emulator.pubsub(JSON).await;
    let (mut stuck, _) = emulator.pubsub(JSON).await;
    stuck.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    stuck.json().await;
    // More than the backlog and the buffers of the system hold together.
    let data = "x".repeat(512 * 1024);
    for id in 0..64 {
        let text = format!(r#"{{"type":"sendToGroup","group":"g","ackId":{id},"dataType":"text","data":"{data}"}}"#);
        sender.send(text).await;
        assert_eq!(sender.json().await["success"], true);
    }
    // It reads again now, gets what was queued before it was given up, and is at an end.
    let mut received = 0;
    while let Some(Message::Text(text)) = stuck.next().await {
        received += usize::from(text.contains(r#""type":"message""#));
    }
    assert!((1..64).contains(&received), "{received}");
}

#[tokio::test]
async fn a_stopping_server_tells_its_clients() {
    let emulator = TestEmulator::start().await;
    let (mut reliable, _) = emulator.pubsub(RELIABLE).await;
    let (mut json, _) = emulator.pubsub(JSON).await;
    let mut simple = emulator.connect(&emulator.path(), None).await;
    let address = emulator.address;
    simple.send("x").await;
    simple.text().await;
    let clients = async {
        for client in [&mut reliable, &mut json] {
            assert_eq!(client.farewell().await, ("The service is going away.".to_owned(), 1001));
            assert_eq!(client.next().await, None);
        }
        assert_eq!(simple.close_frame().await.0, 1001);
        assert_eq!(simple.next().await, None);
    };
    tokio::join!(emulator.stop(), clients);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn clients_that_do_not_read_or_never_finish_a_request_do_not_keep_a_server_from_stopping() {
    let emulator = TestEmulator::start().await;
    let (_deaf, _) = emulator.pubsub(RELIABLE).await;
    let mut half = TcpStream::connect(emulator.address).await.unwrap();
    half.write_all(b"GET / HT").await.unwrap();
    timeout(GOODBYE * 5, emulator.stop()).await.unwrap();
}

#[tokio::test]
async fn a_hub_exists_as_long_as_it_has_connections() {
    let events = Events { otherwise: EventHandler::Echo, upstream: None };
    let (config, traffic, faults) = (HubConfig::default(), Traffic::default(), Faults::new(0));
    let hubs = Arc::new(Hubs::new(config, events, traffic, [7; 32], faults));
    let fresh = || {
        use webpubsub_proto::hub::{ClientKind, Fresh, Open, SimpleMode};
        let client = ClientKind::Simple(SimpleMode::SendEvent);
        Open::Fresh(Fresh { connection_id: None, client, user: None, roles: vec![], groups: vec![] })
    };
    let (one, two) = (hubs.open("a", fresh(), None).unwrap(), hubs.open("a", fresh(), None).unwrap());
    let other = hubs.open("b", fresh(), None).unwrap();
    assert_eq!(hubs.len(), 2);
    drop((one, other));
    assert_eq!(hubs.len(), 1);
    drop(two);
    assert_eq!(hubs.len(), 0);
    hubs.shutdown();
    assert!(hubs.open("a", fresh(), None).is_none());
}
