//! Invocations as a program makes them, against the emulator. Nothing sleeps; everything has a time limit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests, helpers included")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use webpubsub_client::{AccessUrl, Client, Event, Events, InvokeError, Metadata, OutcomeCause, OwnedData, Subprotocol};
use webpubsub_emulator::{Emulator, ServerConfig, chosen_seed};

/// Longer than anything takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it takes too long")
}

async fn faulty(faults: &[&str]) -> Emulator {
    let mut config = ServerConfig::new(chosen_seed(1));
    config.faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Emulator::start(config).await.unwrap()
}

async fn connect(emulator: &Emulator, protocol: Subprotocol) -> (Client, Events) {
    let url = AccessUrl::parse(emulator.client_url().expose()).unwrap();
    in_time(Client::builder(url).protocol(protocol).connect()).await.unwrap()
}

#[tokio::test]
async fn a_call_is_answered_in_both_codecs() {
    let emulator = faulty(&[]).await;
    for protocol in [Subprotocol::JsonReliable, Subprotocol::Protobuf] {
        let (client, _events) = connect(&emulator, protocol).await;
        let metadata = Metadata::new([("trace", "42")]).unwrap();
        // Several at once.
        let (sum, nothing) = in_time(async {
            tokio::join!(client.invoke_json("sum", &[1, 2]).metadata(metadata), client.invoke("status", None))
        })
        .await;
        let sum = sum.unwrap();
        assert_eq!((sum.json::<Vec<u8>>().unwrap(), sum.metadata.as_deref()), (vec![1, 2], Some(r#"{"trace":"42"}"#)));
        let nothing = nothing.unwrap();
        assert_eq!((nothing.text(), nothing.data.is_none()), (None, true));
        in_time(client.close()).await.unwrap();
        assert!(matches!(in_time(client.invoke("late", None)).await, Err(InvokeError::NotSent { .. })));
    }
}

#[tokio::test]
async fn each_failure_is_an_error_of_its_own() {
    let emulator = faulty(&[
        "nack=Odd,op=invoke,event=refused,message=no",
        "garble-answer=shape,event=garbled",
        "execute-then-drop,op=invoke,event=lost",
        "swallow-ack,op=invoke,event=slow",
    ])
    .await;
    let (client, _events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let call = |event: &str| in_time(client.invoke(event, Some(OwnedData::text("x"))));
    let error = call("refused").await.unwrap_err();
    assert_eq!(error.to_string(), "it failed: Odd: no");
    assert!(matches!(call("garbled").await, Err(InvokeError::NotUnderstood { .. })));
    let lost = call("lost").await;
    assert!(matches!(lost, Err(InvokeError::Unknown { cause: OutcomeCause::ConnectionLost(_) })), "{lost:?}");
    let slow = in_time(client.invoke("slow", None).timeout(Duration::from_millis(50))).await;
    assert!(matches!(slow, Err(InvokeError::TimedOut)), "{slow:?}");
    assert!(matches!(call("not a name").await, Err(InvokeError::Name(_))));
    assert!(matches!(in_time(client.invoke("e", None).invocation_id("")).await, Err(InvokeError::EmptyId)));
    let large = OwnedData::text(&"x".repeat(1024 * 1024));
    assert!(matches!(in_time(client.invoke("e", Some(large))).await, Err(InvokeError::TooLarge { .. })));
    assert_eq!(call("echo").await.unwrap().text().as_deref(), Some("x"));
}

#[tokio::test]
async fn a_call_that_is_dropped_is_called_off() {
    // What the service hears of it is told by the drop.
    let emulator = faulty(&["swallow-ack,op=invoke,event=slow", "drop=1001,op=cancelInvocation"]).await;
    let (client, mut events) = connect(&emulator, Subprotocol::JsonReliable).await;
    {
        let mut call = pin!(client.invoke("slow", None));
        poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        // It has been sent when this is answered.
        in_time(client.ping()).await.unwrap();
    }
    loop {
        match in_time(events.next()).await {
            Some(Event::Recovering { .. }) => break,
            Some(_) => {}
            None => panic!("the events ended"),
        }
    }
    assert_eq!(
        in_time(client.invoke("echo", Some(OwnedData::text("on")))).await.unwrap().text().as_deref(),
        Some("on")
    );
}
