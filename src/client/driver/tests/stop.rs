//! Stop is bounded by two seconds, whatever goes on.

use super::*;

async fn stops_within(client: TestClient, limit: Duration) {
    let start = Instant::now();
    client.handle.stop();
    let finished = client.finished().await;
    assert_eq!(finished.end, End::Stopped);
    let took = Instant::now() - start;
    assert!(took <= limit, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn during_a_dial_that_hangs() {
    let mut client = TestClient::start(config());
    let mut dial = client.dial().await;
    let waiting = client.submit(send("hi"), AckMode::Automatic);
    stops_within(client, Duration::ZERO).await;
    dial.answer.closed().await;
    assert!(matches!(waiting.await.unwrap(), Outcome::NotSent { .. }));
}

#[tokio::test(start_paused = true)]
async fn during_a_recovery_that_hangs() {
    let (mut client, peer) = TestClient::connected(config()).await;
    tokio::time::sleep(s(2)).await;
    drop(peer);
    let mut dial = client.dial().await;
    assert_eq!(dial.request, recovery());
    stops_within(client, Duration::ZERO).await;
    dial.answer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn between_recovery_attempts() {
    let (mut client, peer) = TestClient::connected(config()).await;
    tokio::time::sleep(s(2)).await;
    drop(peer);
    drop(client.dial().await);
    client.shows(&["connected c1", "recovering", "failed: refused"]).await;
    stops_within(client, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn during_a_back_off() {
    let mut client = TestClient::start(config());
    drop(client.dial().await);
    client.shows(&["failed: refused", "reconnecting"]).await;
    stops_within(client, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn while_waiting_for_connected_with_a_close_frame() {
    let mut client = TestClient::start(config());
    let mut peer = client.dial().await.open().await;
    let closing = tokio::spawn(async move { peer.closed().await });
    tokio::task::yield_now().await;
    stops_within(client, Duration::ZERO).await;
    assert_eq!(closing.await.unwrap().code, Some(1000));
}

#[tokio::test(start_paused = true)]
async fn during_a_closing_handshake_that_is_not_answered() {
    let (client, mut peer) = TestClient::connected(config()).await;
    stops_within(client, s(2)).await;
    // The close frame was sent all the same.
    assert_eq!(peer.closed().await.code, Some(1000));
}

#[tokio::test(start_paused = true)]
async fn with_a_peer_that_goes_on_talking() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let talking = tokio::spawn(async move {
        for id in 1.. {
            peer.link.send_text(Bytes::from(message(id)));
            peer.flush().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
            if peer.link.queued_bytes() > 1 << 16 || id > 10_000 {
                break;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    stops_within(client, s(2)).await;
    talking.abort();
}

#[tokio::test(start_paused = true)]
async fn while_the_output_is_blocked() {
    let (client, mut peer) = TestClient::connected(config()).await;
    client.sink.set_full(true);
    tokio::task::yield_now().await;
    peer.link.send_text(Bytes::from(message(1)));
    tokio::time::sleep(s(60)).await;
    stops_within(client, s(2)).await;
}

#[tokio::test(start_paused = true)]
async fn together_with_the_success_of_the_dial_the_socket_is_closed() {
    let mut client = TestClient::start(config());
    let dial = client.dial().await;
    // Neither is seen before the other.
    client.handle.stop();
    let mut peer = dial.open().await;
    let closing = tokio::spawn(async move { peer.closed().await });
    assert_eq!(client.finished().await.end, End::Stopped);
    let closed = closing.await.unwrap();
    assert!(closed.code == Some(1000) || closed.cause == Cause::Dropped);
}

#[tokio::test(start_paused = true)]
async fn twice_or_after_the_end_is_once() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let handle = client.handle.clone();
    handle.stop();
    handle.stop();
    peer.closed().await;
    assert_eq!(client.finished().await.end, End::Stopped);
    handle.stop();
    assert!(matches!(handle.submit(send("late"), AckMode::Automatic).await, Outcome::NotSent { .. }));
}
