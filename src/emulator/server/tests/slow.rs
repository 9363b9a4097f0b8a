//! Clients on links that carry few bytes a second.

use socket2::SockRef;

use super::*;

/// A third of what the messages here take.
const SILENCE: Duration = Duration::from_millis(1500);

const LARGE: usize = 900_000;

/// Bytes that pass every 50 ms.
const PIECE: usize = 10_000;

async fn emulator() -> TestEmulator {
    let mut config = ServerConfig::new([7; 32]);
    config.hub.ping_interval = SILENCE / 3;
    config.hub.silence_limit = SILENCE;
    TestEmulator::start_with(config).await
}

/// Publishes a message to group `g`.
fn publish(ack_id: u64) -> String {
    let data = "x".repeat(LARGE);
    format!(r#"{{"type":"sendToGroup","group":"g","ackId":{ack_id},"dataType":"text","data":"{data}"}}"#)
}

#[tokio::test]
async fn a_client_whose_message_is_long_on_its_way_is_not_silent() {
    let emulator = emulator().await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    let text = publish(1);
    let mut frame = vec![0x81, 0xff];
    frame.extend((text.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    let start = Instant::now();
    for piece in frame.chunks(PIECE) {
        client.stream.get_mut().write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(start.elapsed() > SILENCE * 2);
    assert_eq!(client.json().await["success"], true);
}

#[tokio::test]
async fn a_client_that_reads_a_large_message_slowly_is_not_silent_and_one_that_stops_is() {
    let emulator = emulator().await;
    let (mut slow, _) = emulator.pubsub(JSON).await;
    // Little, but room for two segments: with less the system waits for seconds before it looks for room again.
    SockRef::from(slow.stream.get_ref()).set_recv_buffer_size(64 * 1024).unwrap();
    slow.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    slow.json().await;
    let (mut sender, _) = emulator.pubsub(JSON).await;
    sender.send(publish(1)).await;
    assert_eq!(sender.json().await["success"], true);
    let mut stream = slow.stream.into_inner();
    let (start, mut piece, mut read) = (Instant::now(), vec![0; PIECE], 0_usize);
    while read < LARGE {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let piece = bounded(stream.read(&mut piece)).await.unwrap();
        assert!(piece > 0, "given up while it was reading, after {read} bytes in {:?}", start.elapsed());
        read += piece;
    }
    assert!(start.elapsed() > SILENCE * 2);
    // It answers nothing, so it is given up now.
    let mut rest = Vec::new();
    let _ = bounded(stream.read_to_end(&mut rest)).await;
    assert!(read + rest.len() < 2 * LARGE);
}
