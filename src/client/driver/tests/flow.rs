//! Between the socket and the sink: bursts, a sink without room, a sink that has enough.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_burst_is_delivered_in_order_and_acknowledged_in_time() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let start = Instant::now();
    for id in 1..=5_000 {
        peer.link.send_text(Bytes::from(message(id)));
    }
    let (mut largest, mut acks) = (0, 0);
    while largest < 5_000 {
        let text = peer.text().await;
        let id = text.strip_prefix(r#"{"type":"sequenceAck","sequenceId":"#).unwrap().strip_suffix('}').unwrap();
        let id = id.parse::<u64>().unwrap();
        assert!(id > largest && id - largest <= 100, "{id} after {largest}");
        largest = id;
        acks += 1;
    }
    assert!(acks >= 50);
    assert!(Instant::now() - start < s(1));
    let expected: Vec<String> =
        std::iter::once("connected c1".to_owned()).chain((1..=5_000).map(|id| id.to_string())).collect();
    assert_eq!(client.sink.lines(), expected);
}

#[tokio::test(start_paused = true)]
async fn without_room_nothing_is_read_but_pings_and_acks_go_out_and_nothing_is_lost() {
    let (client, mut peer) = TestClient::connected(config()).await;
    peer.say(&message(1)).await;
    client.shows(&["connected c1", "1"]).await;
    client.sink.set_full(true);
    tokio::task::yield_now().await;
    for id in 2..=100 {
        peer.link.send_text(Bytes::from(message(id)));
    }
    assert_eq!(peer.text().await, r#"{"type":"sequenceAck","sequenceId":1}"#);
    for _ in 0..6 {
        assert_eq!(peer.text().await, PING);
    }
    // The pipe is full: the peer's writes wait.
    assert!(poll_fn(|cx| Poll::Ready(peer.link.poll_flush(cx).is_pending())).await);
    assert!(client.sink.lines().len() <= 3);
    client.sink.set_full(false);
    assert_eq!(peer.text().await, r#"{"type":"sequenceAck","sequenceId":100}"#);
    let lines = client.sink.lines();
    assert_eq!((lines.len(), lines[100].as_str()), (101, "100"));
}

#[tokio::test(start_paused = true)]
async fn operations_go_out_while_the_output_is_blocked() {
    let (client, mut peer) = TestClient::connected(config()).await;
    client.sink.set_full(true);
    tokio::task::yield_now().await;
    let sent = client.submit(send("hi"), AckMode::Automatic);
    assert!(peer.text().await.contains("sendToGroup"));
    peer.say(r#"{"type":"ack","ackId":1,"success":true}"#).await;
    tokio::time::sleep(s(300)).await;
    assert!(!sent.is_finished());
    client.sink.set_full(false);
    // The ack was there all the time; nothing was sent twice.
    assert!(matches!(sent.await.unwrap(), Outcome::Acked { attempts: 1, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_has_enough_ends_the_session_and_sees_nothing_more() {
    let (client, mut peer) = TestClient::connected(config()).await;
    client.sink.stop_at(4);
    for id in 1..=10 {
        peer.link.send_text(Bytes::from(message(id)));
    }
    let closed = loop {
        match peer.next().await {
            Incoming::Closed(closed) => break closed,
            Incoming::Text(text) => assert!(text.as_str().contains("sequenceAck"), "{text:?}"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(closed.code, Some(1000));
    assert_eq!(client.sink.lines(), ["connected c1", "1", "2", "3"]);
    assert_eq!(client.finished().await.end, End::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_sink_may_have_enough_at_any_event() {
    // At `connected`.
    let mut client = TestClient::start(config());
    client.sink.stop_at(1);
    let mut peer = client.dial().await.connect().await;
    assert_eq!(peer.closed().await.code, Some(1000));
    assert_eq!(client.finished().await.end, End::Stopped);
    // At a failed attempt, when there is no socket.
    let mut client = TestClient::start(config());
    client.sink.stop_at(1);
    drop(client.dial().await);
    let sink = client.sink.clone();
    assert_eq!(client.finished().await.end, End::Stopped);
    assert_eq!(sink.lines(), ["failed: refused"]);
    // At a loss, with the dial of the recovery just asked for.
    let (client, peer) = TestClient::connected(config()).await;
    client.sink.stop_at(2);
    tokio::time::sleep(s(2)).await;
    drop(peer);
    let sink = client.sink.clone();
    assert_eq!(client.finished().await.end, End::Stopped);
    assert_eq!(sink.lines(), ["connected c1", "recovering"]);
}

#[tokio::test(start_paused = true)]
async fn garbage_is_passed_on() {
    let (client, mut peer) = TestClient::connected(config()).await;
    peer.link.send_binary(Bytes::from_static(&[0, 255]));
    peer.say("{").await;
    peer.say(&message(1)).await;
    peer.say(&message(1)).await;
    peer.say(&message(9)).await;
    client.shows(&["connected c1", "unknown", "unknown", "1", "duplicate", "gap", "9"]).await;
}

#[tokio::test(start_paused = true)]
async fn many_operations_at_once_go_out_in_the_order_they_were_asked_for() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let submitted: Vec<_> = (1..=1_000).map(|n| client.submit(send(&n.to_string()), AckMode::Automatic)).collect();
    for n in 1..=1_000 {
        let text = peer.text().await;
        assert!(text.ends_with(&format!(r#""ackId":{n},"dataType":"text","data":"{n}"}}"#)), "{text}");
        peer.link.send_text(Bytes::from(format!(r#"{{"type":"ack","ackId":{n},"success":true}}"#)));
    }
    peer.flush().await;
    for submitted in submitted {
        assert!(matches!(submitted.await.unwrap(), Outcome::Acked { .. }));
    }
}

/// Operations that ask for no ack, numbered.
fn unacknowledged(tags: std::ops::Range<u64>, text: &str) -> Vec<Submission> {
    tags.map(|tag| Submission { tag, line: tag + 1, request: send(text), mode: AckMode::None }).collect()
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly_holds_a_stream_up_and_nobody_else() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let mut pipeline = client.handle.pipeline();
    let text = "x".repeat(1000);
    let streaming = tokio::spawn(async move {
        for batch in 0..100 {
            pipeline.submit(unacknowledged(batch * 100..(batch + 1) * 100, &text)).await;
        }
        pipeline
    });
    // The peer reads nothing, so of ten megabytes most are held back; a question is answered all the same.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(!streaming.is_finished());
    let sent = client.handle.status().await.unwrap().counts.sent;
    assert!((200..=1000).contains(&sent), "{sent} were taken in");
    for _ in 0..10_000 {
        assert!(peer.text().await.contains("sendToGroup"));
    }
    let mut pipeline = streaming.await.unwrap();
    let mut settled = Vec::new();
    while settled.len() < 10_000 {
        assert!(pipeline.settled(&mut settled).await);
    }
    let tags: Vec<u64> = settled.iter().map(|settlement| settlement.tag).collect();
    assert_eq!(tags, (0..10_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_told_of_every_end_and_then_that_the_session_is_over() {
    let (client, mut peer) = TestClient::connected(config()).await;
    let mut pipeline = client.handle.pipeline();
    let submission = |tag| Submission { tag, line: tag, request: send("hi"), mode: AckMode::Automatic };
    pipeline.submit(vec![submission(7), submission(8)]).await;
    for _ in 0..2 {
        peer.text().await;
    }
    peer.say(r#"{"type":"ack","ackId":2,"success":true}"#).await;
    let mut settled = Vec::new();
    assert!(pipeline.settled(&mut settled).await);
    assert!(matches!(&settled[..], [Settlement { tag: 8, outcome: Outcome::Acked { ack_id: 2, .. } }]), "{settled:?}");
    client.handle.stop();
    settled.clear();
    assert!(pipeline.settled(&mut settled).await);
    assert!(
        matches!(&settled[..], [Settlement { tag: 7, outcome: Outcome::Unknown { ack_id: 1, .. } }]),
        "{settled:?}"
    );
    assert_eq!(peer.closed().await.code, Some(1000));
    client.finished().await;
    settled.clear();
    // What is asked now is never taken.
    pipeline.submit(vec![submission(9)]).await;
    assert!(!pipeline.settled(&mut settled).await);
}
