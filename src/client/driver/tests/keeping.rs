//! What outlives the process is recorded before anything follows from it, and no more often than that takes.

use webpubsub_proto::session::Keep;

use super::*;

/// Notes how often it was asked, and what the last record says; it may take its time, or fail.
#[derive(Clone, Default)]
struct TestKeeper {
    kept: Arc<Mutex<Vec<Snapshot>>>,
    slow: Duration,
}

impl Keeper for TestKeeper {
    fn keep(&mut self, snapshot: Snapshot) -> Result<(), KeepFailed> {
        self.kept.lock().unwrap().push(snapshot);
        std::thread::sleep(self.slow);
        Ok(())
    }
}

/// Bytes of a pipe that holds all frames of these tests.
const WIDE: usize = 1 << 20;

/// Connected through a pipe that is wide, to a service that has heard nothing yet.
async fn kept(slow: Duration) -> (Handle, TestSink, TestKeeper, TestPeer) {
    let (sender, mut dials) = mpsc::unbounded_channel::<TestDial>();
    let sink = TestSink::default();
    let config = Config { keep: Some(Keep::default()), ..config() };
    let (mut driver, handle) = Driver::new(config, PipeDialer { dials: sender }, sink.clone());
    let keeper = TestKeeper { slow, ..TestKeeper::default() };
    driver.keep_with(Box::new(keeper.clone()));
    tokio::spawn(driver.run());
    let dial = dials.recv().await.unwrap();
    let (client, server) = duplex(WIDE);
    dial.answer.send(Ok(client)).unwrap();
    let mut peer = TestPeer { link: Link::server(server, &[], 1 << 20), batch: Vec::new(), came: VecDeque::new() };
    peer.say(r#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t1"}"#).await;
    (handle, sink, keeper, peer)
}

/// Joins so many groups, and returns what waits for the answers once all are asked for.
async fn joining(handle: &Handle, peer: &mut TestPeer, groups: usize) -> Vec<JoinHandle<Outcome>> {
    let mut joins = Vec::new();
    for group in 0..groups {
        let handle = handle.clone();
        let request = Request::Join { group: format!("g{group}") };
        joins.push(tokio::spawn(async move { handle.submit(request, AckMode::Automatic).await }));
    }
    for _ in 0..groups {
        peer.text().await;
    }
    joins
}

fn acks(peer: &mut TestPeer, groups: usize) {
    for id in 1..=groups {
        let ack = format!(r#"{{"type":"ack","ackId":{id},"success":true}}"#);
        peer.link.send_text(Bytes::from(ack));
    }
}

#[tokio::test(start_paused = true)]
async fn acks_that_come_together_are_recorded_together_and_before_anybody_is_told() {
    const GROUPS: usize = 200;
    let (handle, _sink, keeper, mut peer) = kept(Duration::ZERO).await;
    let joins = joining(&handle, &mut peer, GROUPS).await;
    let before = keeper.kept.lock().unwrap().len();
    acks(&mut peer, GROUPS);
    peer.flush().await;
    for (group, join) in joins.into_iter().enumerate() {
        assert!(matches!(join.await.unwrap(), Outcome::Acked { .. }));
        let kept = keeper.kept.lock().unwrap();
        let joined =
            kept.last().unwrap().groups.iter().any(|(name, _, joined)| *joined && *name == format!("g{group}"));
        assert!(joined, "told before it was recorded: {group}");
    }
    let records = keeper.kept.lock().unwrap().len() - before;
    assert!(records <= GROUPS / 10, "{records} records");
}

/// A service that gives a token with every frame, and a disk that is slow: each has to be recorded.
#[tokio::test]
async fn whoever_shares_the_thread_has_a_turn_however_long_records_take() {
    const FRAMES: usize = 20;
    let (handle, _sink, keeper, mut peer) = kept(Duration::from_millis(20)).await;
    joining(&handle, &mut peer, 1).await;
    let before = keeper.kept.lock().unwrap().len();
    for frame in 0..FRAMES {
        let text =
            format!(r#"{{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"n{frame}"}}"#);
        peer.link.send_text(Bytes::from(text));
    }
    peer.flush().await;
    let recorded = || keeper.kept.lock().unwrap().len() - before;
    while recorded() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(recorded() < FRAMES / 2, "{} records in one turn", recorded());
    // And none is passed over.
    while recorded() < FRAMES {
        tokio::task::yield_now().await;
    }
    let token = keeper.kept.lock().unwrap().last().unwrap().connection.as_ref().unwrap().token.0.clone();
    assert_eq!(token, format!("n{}", FRAMES - 1));
}
