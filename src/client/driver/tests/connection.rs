//! Dials, drops and recoveries.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_client_connects_delivers_operates_and_stops() {
    let (client, mut peer) = TestClient::connected(config()).await;
    peer.say(&message(1)).await;
    client.shows(&["connected c1", "1"]).await;
    let sent = client.submit(send("hi"), AckMode::Automatic);
    let frame = r#"{"type":"sendToGroup","group":"g","ackId":1,"dataType":"text","data":"hi"}"#;
    assert_eq!(peer.text().await, frame);
    peer.say(r#"{"type":"ack","ackId":1,"success":true}"#).await;
    let acked = Outcome::Acked { ack_id: 1, duplicate: false, attempts: 1, elapsed: Duration::ZERO };
    assert_eq!(sent.await.unwrap(), acked);
    client.handle.stop();
    assert_eq!(peer.text().await, r#"{"type":"sequenceAck","sequenceId":1}"#);
    let closed = peer.closed().await;
    assert_eq!((closed.code, closed.cause), (Some(1000), Cause::Clean));
    let finished = client.finished().await;
    assert_eq!((finished.end, finished.was_connected), (End::Stopped, true));
    assert_eq!((finished.counts.received, finished.counts.acked), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_hangs_is_abandoned_on_its_deadline() {
    let mut client = TestClient::start(Config { retries_until_connected: Retries::Limited(1), ..config() });
    let first = client.dial().await;
    let second = client.dial().await;
    assert!(first.is_abandoned());
    assert_eq!(second.at - first.at, s(31));
    let finished = client.finished().await;
    assert_eq!(finished.end, End::Failed { kind: EndKind::Unreachable, message: "timed out".into() });
    assert_eq!(Instant::now() - second.at, s(30));
    assert_eq!(finished.last_failure.as_deref(), Some("timed out"));
    assert!(!finished.was_connected);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_says_nothing_is_dropped_on_the_same_deadline() {
    let mut client = TestClient::start(Config { retries_until_connected: Retries::Limited(0), ..config() });
    let dial = client.dial().await;
    let started = dial.at;
    let mut peer = dial.open().await;
    assert_eq!(peer.closed().await.cause, Cause::Dropped);
    assert_eq!(Instant::now() - started, s(30));
    assert!(matches!(client.finished().await.end, End::Failed { kind: EndKind::NotGreeted, .. }));
}

#[tokio::test(start_paused = true)]
async fn no_limit_at_all_on_connecting_is_no_panic() {
    let mut client = TestClient::start(Config { connect_timeout: Duration::MAX, ..config() });
    let mut peer = client.dial().await.connect().await;
    client.shows(&["connected c1"]).await;
    client.handle.stop();
    peer.closed().await;
    assert_eq!(client.finished().await.end, End::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_dropped_without_a_handshake_and_recovered() {
    let (mut client, mut peer) = TestClient::connected(config()).await;
    let start = Instant::now();
    // Two pings go unanswered.
    assert_eq!(peer.text().await, PING);
    assert_eq!(peer.text().await, PING);
    assert_eq!(peer.closed().await.cause, Cause::Dropped);
    assert_eq!(Instant::now() - start, s(25));
    let dial = client.dial().await;
    assert_eq!((dial.request.clone(), dial.at - start), (recovery(), s(25)));
    let mut peer = dial.open().await;
    assert_eq!(peer.text().await, PING);
    peer.say(PONG).await;
    client.shows(&["connected c1", "recovering", "recovered"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_recovered_at_once_and_what_was_unacknowledged_goes_out_again() {
    let (mut client, mut peer) = TestClient::connected(config()).await;
    peer.say(&message(1)).await;
    let sent = client.submit(send("hi"), AckMode::Automatic);
    let frame = peer.text().await;
    let cut = Instant::now();
    drop(peer);
    let dial = client.dial().await;
    assert_eq!((dial.request.clone(), dial.at), (recovery(), cut));
    // Asked for while recovering.
    let later = client.submit(send("later"), AckMode::Automatic);
    let mut peer = dial.open().await;
    assert_eq!(peer.text().await, PING);
    assert_eq!(peer.text().await, r#"{"type":"sequenceAck","sequenceId":1}"#);
    peer.say(PONG).await;
    assert_eq!(peer.text().await, frame);
    assert!(peer.text().await.contains(r#""ackId":2"#));
    let duplicate = r#"{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":""}}"#;
    peer.say(duplicate).await;
    peer.say(r#"{"type":"ack","ackId":2,"success":true}"#).await;
    assert!(matches!(sent.await.unwrap(), Outcome::Acked { duplicate: true, attempts: 2, .. }));
    assert!(matches!(later.await.unwrap(), Outcome::Acked { duplicate: false, attempts: 1, .. }));
    client.shows(&["connected c1", "1", "recovering", "recovered", "ack 1", "ack 2"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_close_counts_the_ack_in_the_same_breath_too() {
    let (mut client, mut peer) = TestClient::connected(config()).await;
    let sent = client.submit(send("hi"), AckMode::Automatic);
    peer.text().await;
    peer.link.send_text(Bytes::from(message(1)));
    peer.link.send_text(Bytes::from_static(br#"{"type":"ack","ackId":1,"success":true}"#));
    peer.link.send_text(Bytes::from(message(2)));
    peer.link.close(1008, "enough");
    peer.closed().await;
    assert!(matches!(sent.await.unwrap(), Outcome::Acked { attempts: 1, .. }));
    client.shows(&["connected c1", "1", "ack 1", "2", "session-lost", "disconnected", "reconnecting"]).await;
    assert_eq!(client.dial().await.request, DialRequest::Fresh);
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_handles_are_gone_goes_on() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let TestClient { handle, sink, running, .. } = client;
    drop(handle);
    for _ in 0..20 {
        assert_eq!(peer.text().await, PING);
        peer.say(PONG).await;
    }
    peer.say(&message(1)).await;
    assert_eq!(peer.text().await, r#"{"type":"sequenceAck","sequenceId":1}"#);
    assert_eq!(sink.lines(), ["connected c1", "1"]);
    assert!(!running.is_finished());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_run_drops_the_socket_and_answers_who_waits() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let sent = client.submit(send("hi"), AckMode::Automatic);
    peer.text().await;
    client.running.abort();
    assert_eq!(peer.closed().await.cause, Cause::Dropped);
    assert!(matches!(sent.await.unwrap(), Outcome::NotSent { .. }));
    let late = client.handle.submit(send("late"), AckMode::Automatic).await;
    assert!(matches!(late, Outcome::NotSent { .. }));
    // And a dial with it.
    let mut client = TestClient::start(config());
    let mut dial = client.dial().await;
    client.running.abort();
    dial.answer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_tells_how_long_the_pong_took_and_ends_with_the_connection() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let asked = client.handle.clone();
    let ping = tokio::spawn(async move { asked.ping().await });
    assert_eq!(peer.text().await, PING);
    tokio::time::advance(Duration::from_millis(30)).await;
    peer.say(PONG).await;
    assert_eq!(ping.await.unwrap(), Some(Duration::from_millis(30)));
    let asked = client.handle.clone();
    let ping = tokio::spawn(async move { asked.ping().await });
    assert_eq!(peer.text().await, PING);
    client.handle.stop();
    peer.closed().await;
    assert_eq!(ping.await.unwrap(), None);
    let (handle, asked) = (client.handle.clone(), client.handle.clone());
    let ended = tokio::spawn(async move { handle.ended().await });
    client.finished().await;
    ended.await.unwrap();
    assert_eq!(asked.ping().await, None);
}
