//! The client as a program uses it, against the emulator. Nothing sleeps; everything has a time limit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests, helpers included")]

#[allow(dead_code, reason = "its main is for the command line")]
#[path = "../examples/chat.rs"]
mod chat;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use webpubsub_client::{
    AccessUrl, Backoff, BackoffMode, Client, ConnectionError, ConnectionString, Event, Events, Message, OnUnknown,
    OperationError, OutcomeCause, OwnedData, Providing, Retries, Signer, Subprotocol, UrlProvider, UrlSource,
};
use webpubsub_emulator::{Emulator, ServerConfig, chosen_seed};

/// Longer than anything takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it takes too long")
}

async fn emulator() -> Emulator {
    Emulator::start(ServerConfig::new(chosen_seed(1))).await.unwrap()
}

fn url(emulator: &Emulator) -> AccessUrl {
    AccessUrl::parse(emulator.client_url().expose()).unwrap()
}

async fn connect(emulator: &Emulator) -> (Client, Events) {
    in_time(Client::builder(url(emulator)).connect()).await.unwrap()
}

async fn message(events: &mut Events) -> Message {
    loop {
        match in_time(events.next()).await {
            Some(Event::Message(message)) => return message,
            Some(_) => {}
            None => panic!("the events ended"),
        }
    }
}

#[tokio::test]
async fn the_example_does_what_it_says() {
    let emulator = emulator().await;
    let mut out = Vec::new();
    in_time(chat::chat(emulator.client_url().expose(), "chat", "hello", &mut out)).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out, "published at attempt 1\nconnected as nobody\njoined chat\nchat: hello\nclosed\n");
}

#[tokio::test]
async fn every_kind_of_data_comes_as_it_was_sent_in_both_codecs() {
    let emulator = emulator().await;
    for protocol in [Subprotocol::JsonReliable, Subprotocol::ProtobufReliable] {
        let (client, mut events) = in_time(Client::builder(url(&emulator)).protocol(protocol).connect()).await.unwrap();
        in_time(client.join("g")).await.unwrap();
        in_time(client.send_json("g", &["a", "b"])).await.unwrap();
        in_time(client.send_binary("g", &[0, 255])).await.unwrap();
        in_time(client.send_text("g", "not for me").no_echo()).await.unwrap();
        in_time(client.event("e", OwnedData::text("answer me"))).await.unwrap();
        let json = message(&mut events).await;
        assert_eq!((json.group(), json.sequence_id), (Some("g"), Some(1)));
        assert_eq!(json.json::<Vec<String>>().unwrap(), ["a", "b"]);
        let binary = message(&mut events).await;
        assert_eq!((binary.text(), binary.bytes().as_deref()), (None, Some([0, 255].as_slice())));
        let answer = message(&mut events).await;
        assert_eq!((answer.group(), answer.text().as_deref()), (None, Some("answer me")));
        assert!(in_time(client.ping()).await.is_some());
        let status = in_time(client.status()).await.unwrap();
        assert_eq!((status.counts.received, status.counts.acked), (3, 5));
        in_time(client.close()).await.unwrap();
        assert!(client.status().await.is_none());
    }
}

#[tokio::test]
async fn an_operation_that_is_dropped_is_carried_out() {
    let emulator = emulator().await;
    let (client, mut events) = connect(&emulator).await;
    in_time(client.join("g")).await.unwrap();
    {
        let mut sent = pin!(client.send_text("g", "dropped"));
        let polled = poll_fn(|cx| Poll::Ready(sent.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    drop(client.send_text("g", "never begun"));
    in_time(client.send_text("g", "the last")).await.unwrap();
    assert_eq!(message(&mut events).await.text().as_deref(), Some("dropped"));
    assert_eq!(message(&mut events).await.text().as_deref(), Some("the last"));
}

#[tokio::test]
async fn the_connection_ends_with_the_last_clone_and_not_before_what_is_awaited() {
    let emulator = emulator().await;
    let (client, mut events) = connect(&emulator).await;
    let clone = client.clone();
    drop(client);
    let ack = in_time(clone.join("g")).await.unwrap();
    assert_eq!((ack.ack_id, ack.duplicate, ack.attempts), (Some(1), false, 1));
    let last = clone.send_text("g", "x");
    drop(clone);
    in_time(last).await.unwrap();
    let mut end = None;
    while let Some(event) = in_time(events.next()).await {
        end = Some(event);
    }
    assert_eq!(end, Some(Event::Ended { error: None }));
    assert!(in_time(events.next()).await.is_none());
}

#[tokio::test]
async fn what_is_asked_of_a_closed_client_is_not_sent() {
    let emulator = emulator().await;
    let (client, events) = connect(&emulator).await;
    drop(events);
    in_time(client.close()).await.unwrap();
    let error = in_time(client.join("g")).await.unwrap_err();
    assert!(matches!(error, OperationError::NotSent { cause: OutcomeCause::Ended }), "{error}");
    // It stays closed.
    in_time(client.close()).await.unwrap();
    assert_eq!(in_time(client.connected()).await, Err(ConnectionError::Closed));
}

#[tokio::test]
async fn messages_that_nobody_takes_hold_the_client_up_and_are_not_lost() {
    let emulator = emulator().await;
    let builder = Client::builder(url(&emulator)).event_buffer(1);
    let (client, mut events) = in_time(builder.connect()).await.unwrap();
    let sender = client.clone();
    let sending = tokio::spawn(async move {
        sender.join("g").await.unwrap();
        for number in 0..100 {
            sender.send_text("g", &number.to_string()).await.unwrap();
        }
    });
    for number in 0..100 {
        assert_eq!(message(&mut events).await.text().as_deref(), Some(number.to_string().as_str()));
    }
    in_time(sending).await.unwrap();
    // Without a reader nothing is held up.
    drop(events);
    for _ in 0..100 {
        in_time(client.send_text("g", "x")).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_sent_says_why() {
    let mut config = ServerConfig::new(chosen_seed(1));
    config.allow_anonymous = true;
    let emulator = Emulator::start(config).await.unwrap();
    let anonymous = AccessUrl::parse(&url(&emulator).without_token()).unwrap();
    let (client, _events) = in_time(Client::builder(anonymous).connect()).await.unwrap();
    let refused = in_time(client.join("g")).await.unwrap_err();
    assert!(matches!(&refused, OperationError::Refused { error, .. } if error.name == "Forbidden"), "{refused}");
    assert!(matches!(in_time(client.join(" ")).await, Err(OperationError::Name(_))));
    assert!(matches!(in_time(client.event("1", OwnedData::text(""))).await, Err(OperationError::Name(_))));
    // Escaped it is twice as long.
    let large = "\"".repeat(600 * 1024);
    let error = in_time(client.send_text("g", &large)).await.unwrap_err();
    assert!(matches!(error, OperationError::TooLarge { bytes } if bytes > 2 * large.len()), "{error}");
    let no_json = std::collections::HashMap::from([(vec![1], 2)]);
    assert!(matches!(in_time(client.send_json("g", &no_json)).await, Err(OperationError::Json(_))));
    in_time(client.ping()).await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_with_its_status_and_not_shown() {
    let emulator = emulator().await;
    let token = "c2VjcmV0.c2VjcmV0.c2VjcmV0c2VjcmV0";
    let text = format!("{}?access_token={token}", url(&emulator).without_token());
    let builder = Client::builder(AccessUrl::parse(&text).unwrap());
    let error = in_time(builder.clone().connect()).await.unwrap_err();
    assert!(matches!(error, ConnectionError::Unauthorized { status: Some(401), .. }), "{error}");
    assert!(!format!("{error} {error:?} {builder:?}").contains(token));
    // The same for who does not wait.
    let (client, mut events) = builder.start();
    let mut last = None;
    while let Some(event) = in_time(events.next()).await {
        last = Some(event);
    }
    assert_eq!(last, Some(Event::Ended { error: Some(error.clone()) }));
    assert_eq!(in_time(client.close()).await, Err(error));
}

/// Gives a URL, or an error, and counts how often it was asked.
#[derive(Debug, Clone)]
struct Provider {
    url: Option<AccessUrl>,
    asked: Arc<AtomicUsize>,
}

impl UrlProvider for Provider {
    fn provide(&self) -> Providing<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { self.url.clone().ok_or_else(|| "the server has no URL today".into()) })
    }
}

#[tokio::test]
async fn a_provider_is_asked_for_each_connection_and_its_error_is_told() {
    let emulator = emulator().await;
    let asked = Arc::default();
    let provider = Provider { url: Some(url(&emulator)), asked: Arc::clone(&asked) };
    let (client, _events) = in_time(Client::builder(provider.clone()).connect()).await.unwrap();
    in_time(client.close()).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let failing = Client::builder(Provider { url: None, ..provider }).retries_until_connected(Retries::Limited(0));
    let error = in_time(failing.connect()).await.unwrap_err();
    let told = matches!(&error, ConnectionError::Unreachable { message } if message.contains("no URL today"));
    assert!(told, "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// An emulator at which these things go wrong.
async fn faulty(faults: &[&str]) -> Emulator {
    let mut config = ServerConfig::new(chosen_seed(1));
    config.faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Emulator::start(config).await.unwrap()
}

#[tokio::test]
async fn a_connection_that_drops_is_recovered_and_what_was_under_way_is_done_once() {
    let emulator = faulty(&["execute-then-drop,op=sendToGroup,times=1"]).await;
    let (client, mut events) = connect(&emulator).await;
    in_time(client.join("g")).await.unwrap();
    let ack = in_time(client.send_text("g", "once")).await.unwrap();
    assert_eq!((ack.duplicate, ack.attempts), (true, 2));
    in_time(client.send_text("g", "the last")).await.unwrap();
    let mut seen = Vec::new();
    loop {
        match in_time(events.next()).await.unwrap() {
            Event::Recovering { .. } => seen.push("recovering".to_owned()),
            Event::Recovered { .. } => seen.push("recovered".to_owned()),
            Event::Message(message) => seen.push(message.text().unwrap().into_owned()),
            Event::Connected { .. } | Event::Joined { .. } => {}
            other => panic!("{other:?}"),
        }
        if seen.last().is_some_and(|last| last == "the last") {
            break;
        }
    }
    // The message comes with the drop or after it, but once.
    let (messages, way): (Vec<String>, Vec<String>) = seen.into_iter().partition(|what| !what.starts_with("recover"));
    assert_eq!(messages, ["once", "the last"]);
    assert_eq!(way, ["recovering", "recovered"]);
}

#[tokio::test]
async fn a_connection_that_cannot_be_recovered_is_replaced_and_the_outcome_of_a_publish_is_not_known() {
    for on_unknown in [OnUnknown::Fail, OnUnknown::Resend] {
        let emulator = faulty(&["execute-then-drop,op=sendToGroup,times=1", "refuse-recovery,times=1"]).await;
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, given) = (Arc::clone(&asked), url(&emulator));
        let source = UrlSource::from_fn(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok(given.clone()))
        });
        let soon = Duration::from_millis(1);
        let backoff = Backoff { mode: BackoffMode::Fixed, delay: soon, max_delay: soon };
        let builder = Client::builder(source).reconnect_backoff(backoff).on_unknown(on_unknown);
        let (client, mut events) = in_time(builder.connect()).await.unwrap();
        in_time(client.join("g")).await.unwrap();
        let sent = in_time(client.send_text("g", "x")).await;
        match on_unknown {
            OnUnknown::Fail => {
                let error = sent.unwrap_err();
                let lost = matches!(error, OperationError::Unknown { cause: OutcomeCause::ConnectionLost(_), .. });
                assert!(lost, "{error}");
            }
            OnUnknown::Resend => assert!(!sent.unwrap().duplicate),
        }
        let mut seen = Vec::new();
        loop {
            match in_time(events.next()).await.unwrap() {
                Event::Connected { .. } => seen.push("connected"),
                Event::Recovering { .. } => seen.push("recovering"),
                Event::SessionLost { .. } => seen.push("session lost"),
                Event::Disconnected { .. } => seen.push("disconnected"),
                Event::Joined { rejoined: true, .. } => break,
                _ => {}
            }
        }
        assert_eq!(seen.first(), Some(&"connected"), "{seen:?}");
        assert!(seen.contains(&"recovering") && seen.contains(&"session lost"), "{seen:?}");
        assert_eq!(seen.iter().filter(|what| **what == "connected").count(), 2, "{seen:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        in_time(client.close()).await.unwrap();
    }
}

#[tokio::test]
async fn a_signer_lets_its_user_in_with_its_roles_and_no_others() {
    let emulator = emulator().await;
    let service = ConnectionString::parse(emulator.ready().connection_string.expose()).unwrap();
    assert!(Signer::new(service.clone(), "no hub").is_err());
    let mut signer = Signer::new(service, "other").unwrap();
    signer.user = Some("alice".to_owned());
    signer.roles = vec!["webpubsub.joinLeaveGroup.news".to_owned()];
    let (client, mut events) = in_time(Client::builder(signer).connect()).await.unwrap();
    let first = in_time(events.next()).await;
    assert!(matches!(first, Some(Event::Connected { user_id: Some(user), .. }) if user == "alice"));
    in_time(client.join("news")).await.unwrap();
    assert!(matches!(in_time(client.join("else")).await, Err(OperationError::Refused { .. })));
}

#[tokio::test]
async fn the_events_are_a_stream_and_futures_go_to_other_tasks() {
    fn is_stream<S: futures_core::Stream<Item = Event> + Send + Unpin + 'static>(_: &S) {}
    fn is_task<F: Future + Send + 'static>(_: &F) {}
    let emulator = emulator().await;
    let (client, mut events) = Client::builder(url(&emulator)).start();
    is_stream(&events);
    is_task(&client.send_text("g", "x"));
    let next = poll_fn(|cx| futures_core::Stream::poll_next(Pin::new(&mut events), cx));
    assert!(matches!(in_time(next).await, Some(Event::Connected { .. })));
}
