//! Links that carry few bytes a second, and peers that read nothing.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Bytes a second.
const RATE: usize = 30_000;

/// What takes longer on such a link than a silent peer is borne with.
const LARGE: usize = 1_000_000;

/// Carries bytes one way, slowly, and holds little.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut piece = [0; RATE / 10];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}

/// Lets a dial succeed over a slow link.
async fn open_slowly(dial: TestDial) -> TestPeer {
    let (client, near) = duplex(PIPE);
    let (far, server) = duplex(PIPE);
    let ((near_in, near_out), (far_in, far_out)) = (tokio::io::split(near), tokio::io::split(far));
    tokio::spawn(carry(near_in, far_out));
    tokio::spawn(carry(far_in, near_out));
    dial.answer.send(Ok(client)).unwrap();
    TestPeer { link: Link::server(server, &[], 1 << 21), batch: Vec::new(), came: VecDeque::new() }
}

async fn connected_slowly() -> (TestClient, TestPeer) {
    let mut client = TestClient::start(config());
    let mut peer = open_slowly(client.dial().await).await;
    peer.say(r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t1"}"#).await;
    (client, peer)
}

/// A message of so many bytes, and as it is shown.
fn large(id: u64) -> (String, String) {
    let data = format!("\"{}\"", "x".repeat(LARGE));
    (format!(r#"{{"sequenceId":{id},"type":"message","from":"server","dataType":"json","data":{data}}}"#), data)
}

/// Answers what the client asks while it waits for a message to arrive.
async fn serve_until_acknowledged(peer: &mut TestPeer, id: u64) {
    let ack = format!(r#"{{"type":"sequenceAck","sequenceId":{id}}}"#);
    loop {
        match peer.text().await {
            text if text == PING => peer.link.send_text(Bytes::from_static(PONG.as_bytes())),
            text => {
                assert_eq!(text, ack);
                return;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_message_on_a_slow_link_is_received() {
    let (client, mut peer) = connected_slowly().await;
    let start = Instant::now();
    let (frame, data) = large(1);
    peer.link.send_text(frame.into());
    serve_until_acknowledged(&mut peer, 1).await;
    assert!(Instant::now() - start > s(30));
    client.shows(&["connected c1", &data]).await;
}

#[tokio::test(start_paused = true)]
async fn a_large_message_on_a_slow_link_is_sent_once() {
    let (client, mut peer) = connected_slowly().await;
    let sent = client.submit(send(&"x".repeat(LARGE)), AckMode::Automatic);
    let text = loop {
        match peer.text().await {
            // They wait behind the message, or came before it.
            text if text == PING => peer.say(PONG).await,
            text => break text,
        }
    };
    assert!(text.contains("sendToGroup") && text.len() > LARGE);
    peer.say(r#"{"type":"ack","ackId":1,"success":true}"#).await;
    match sent.await.unwrap() {
        Outcome::Acked { attempts: 1, elapsed, .. } => assert!(elapsed > s(30), "{elapsed:?}"),
        other => panic!("{other:?}"),
    }
    client.shows(&["connected c1", "ack 1"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_recovery_whose_first_frame_is_large_gets_on() {
    let (mut client, peer) = connected_slowly().await;
    client.shows_in_time(&["connected c1"]).await;
    tokio::time::sleep(s(2)).await;
    drop(peer);
    let mut peer = open_slowly(client.dial().await).await;
    let (frame, data) = large(1);
    peer.link.send_text(frame.into());
    assert_eq!(peer.text().await, PING);
    peer.link.send_text(Bytes::from_static(PONG.as_bytes()));
    serve_until_acknowledged(&mut peer, 1).await;
    client.shows(&["connected c1", "recovering", "recovered", &data]).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_in_the_middle_of_a_frame_is_silent() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let start = Instant::now();
    let mut frame = vec![0x81, 127];
    frame.extend((LARGE as u64).to_be_bytes());
    for _ in 0..10 {
        tokio::time::sleep(s(20)).await;
        frame.push(b'x');
        peer.link.write_raw(&std::mem::take(&mut frame)).await;
    }
    client.shows(&["connected c1"]).await;
    tokio::time::sleep(s(25)).await;
    client.shows(&["connected c1", "recovering"]).await;
    assert_eq!(Instant::now() - start, s(225));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_silent_however_much_there_is_to_send() {
    let (client, _peer) = TestClient::connected(config()).await;
    let start = Instant::now();
    let _sent = client.submit(send(&"x".repeat(LARGE)), AckMode::Automatic);
    tokio::time::sleep(s(24)).await;
    client.shows(&["connected c1"]).await;
    tokio::time::sleep_until(start + s(25)).await;
    client.shows(&["connected c1", "recovering"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_that_does_not_read_is_owed_is_said_once_it_reads() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let _sent = client.submit(send(&"x".repeat(LARGE)), AckMode::None);
    let _sent = client.submit(send("behind"), AckMode::None);
    let mut lines = vec!["connected c1".to_owned()];
    // Far more than are acknowledged one by one.
    for id in 1..=5_000 {
        peer.say(&message(id)).await;
        lines.push(id.to_string());
    }
    client.shows(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(peer.text().await.len() > LARGE);
    assert!(peer.text().await.contains("behind"));
    assert_eq!(peer.text().await, r#"{"type":"sequenceAck","sequenceId":5000}"#);
    assert_eq!(peer.text().await, PING);
}
