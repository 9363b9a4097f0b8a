//! Clients that never stop, and make no message or read nothing.

use super::*;

/// A client's frame, with a mask that changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0], payload].concat()
}

/// Writes the same for ever, and reads nothing.
fn flood(client: TestClient, begin: Vec<u8>, endless: &[u8]) -> JoinHandle<()> {
    let much = endless.repeat(1 + 100_000 / endless.len());
    let mut stream = client.stream.into_inner();
    tokio::spawn(async move {
        let mut written = stream.write_all(&begin).await;
        while written.is_ok() {
            written = stream.write_all(&much).await;
        }
    })
}

#[tokio::test]
async fn floods_that_make_no_message_starve_nobody_and_do_not_keep_a_server_from_stopping() {
    let emulator = TestEmulator::start().await;
    let fragments = flood(emulator.pubsub(JSON).await.0, frame(0x01, b""), &frame(0x00, b""));
    let pings = flood(emulator.pubsub(JSON).await.0, Vec::new(), &frame(0x89, &[b'x'; 125]));
    let (mut other, _) = emulator.pubsub(JSON).await;
    for _ in 0..100 {
        other.send(r#"{"type":"ping"}"#).await;
        assert_eq!(other.json().await["type"], "pong");
    }
    assert!(!fragments.is_finished() && !pings.is_finished());
    timeout(GOODBYE * 10, emulator.stop()).await.unwrap();
    for flood in [fragments, pings] {
        bounded(flood).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_that_asks_for_ever_and_reads_nothing_is_given_up() {
    let mut config = ServerConfig::new([7; 32]);
    config.hub.max_backlog_bytes = 256 * 1024;
    let emulator = TestEmulator::start_with(config).await;
    let asking = flood(emulator.pubsub(JSON).await.0, Vec::new(), &frame(0x81, br#"{"type":"ping"}"#));
    bounded(asking).await.unwrap();
}
