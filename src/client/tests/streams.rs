//! Group streams as a program publishes and reads them, against the emulator. Nothing sleeps; everything has a time limit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests, helpers included")]

use std::future::{Future, IntoFuture as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use webpubsub_client::{
    AccessUrl, Client, Event, Events, Message, OwnedData, StreamError, StreamReadError, StreamReader, Subprotocol,
};
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

fn url(emulator: &Emulator) -> AccessUrl {
    AccessUrl::parse(emulator.client_url().expose()).unwrap()
}

async fn connect(emulator: &Emulator, protocol: Subprotocol) -> (Client, Events) {
    in_time(Client::builder(url(emulator)).protocol(protocol).connect()).await.unwrap()
}

/// The texts of a stream, and its error.
async fn texts(mut stream: StreamReader) -> (Vec<String>, Option<StreamReadError>) {
    let mut texts = Vec::new();
    while let Some(fragment) = in_time(stream.next()).await {
        match fragment {
            Ok(message) => texts.push(message.text().unwrap().into_owned()),
            Err(error) => {
                assert!(error.is_last(), "{error}");
                assert_eq!(in_time(stream.next()).await, None);
                return (texts, Some(error));
            }
        }
    }
    (texts, None)
}

#[tokio::test]
async fn parallel_streams_of_every_kind_arrive_whole_each_with_a_reader_of_its_own() {
    let emulator = faulty(&[]).await;
    for protocol in [Subprotocol::JsonReliable, Subprotocol::ProtobufReliable, Subprotocol::Json] {
        let (client, mut events) = connect(&emulator, protocol).await;
        let mut streams = client.streams("g");
        in_time(client.join("g")).await.unwrap();
        let mut text = in_time(client.open_stream("g").stream_id("text").into_future()).await.unwrap();
        let mut json = in_time(client.open_stream("g").into_future()).await.unwrap();
        let mut binary = in_time(client.open_stream("g").into_future()).await.unwrap();
        for number in 0..50u8 {
            in_time(text.write_text(&number.to_string())).await.unwrap();
            in_time(json.write_json(&[number])).await.unwrap();
            in_time(binary.write_binary(&[number, 255])).await.unwrap();
        }
        assert_eq!(text.stream_id(), "text");
        for (writer, bytes) in [(text, 90), (json, 190), (binary, 100)] {
            let streamed = in_time(writer.end()).await.unwrap();
            assert_eq!((streamed.fragments, streamed.bytes), (50, bytes));
        }
        for kind in ["text", "json", "binary"] {
            let mut reader = in_time(streams.next()).await.unwrap();
            assert_eq!(reader.group(), "g");
            for number in 0..50u8 {
                let message = in_time(reader.next()).await.unwrap().unwrap();
                assert_eq!(message.stream.as_ref().unwrap().number, u64::from(number) + 1);
                match kind {
                    "text" => assert_eq!(message.text().as_deref(), Some(number.to_string().as_str())),
                    "json" => assert_eq!(message.json::<Vec<u8>>().unwrap(), [number]),
                    _ => assert_eq!(message.bytes().as_deref(), Some([number, 255].as_slice())),
                }
            }
            assert_eq!(in_time(reader.next()).await, None, "{kind}");
        }
        in_time(client.close()).await.unwrap();
        assert!(in_time(streams.next()).await.is_none());
        // None of it was among the events.
        while let Some(event) = in_time(events.next()).await {
            assert!(!matches!(event, Event::Message(_) | Event::StreamTrouble { .. }), "{event:?}");
        }
    }
}

#[tokio::test]
async fn who_asks_for_no_readers_gets_messages_with_their_part_of_the_stream() {
    let emulator = faulty(&[]).await;
    let (client, mut events) = connect(&emulator, Subprotocol::JsonReliable).await;
    in_time(client.join("g")).await.unwrap();
    let mut writer = in_time(client.open_stream("g").stream_id("s").into_future()).await.unwrap();
    in_time(writer.write_text("x")).await.unwrap();
    in_time(writer.end_with_error("E7", "out of words")).await.unwrap();
    in_time(client.send_text("g", "plain")).await.unwrap();
    let mut next = async || -> Message {
        loop {
            if let Event::Message(message) = in_time(events.next()).await.unwrap() {
                return message;
            }
        }
    };
    let part = next().await.stream.unwrap();
    assert_eq!((part.stream_id.as_str(), part.number, part.is_end), ("s", 1, false));
    let end = next().await.stream.unwrap();
    assert_eq!((end.number, end.is_end), (2, true));
    assert_eq!(end.error.unwrap().to_string(), "UserError (E7): out of words");
    assert_eq!(next().await.stream, None);
}

#[tokio::test]
async fn a_stream_survives_cuts_and_refusals_and_is_read_whole() {
    for fault in [
        "drop=reset,op=streamData,nth=3",
        "execute-then-drop,op=streamData,nth=5",
        "nack=TransientError,op=streamData,nth=2",
        "nack=InvalidSequenceId,op=streamData,nth=7",
        "ignore,op=streamData,nth=4",
        "drop=reset,op=streamStart,times=2",
    ] {
        let emulator = faulty(&[fault]).await;
        let (client, _events) = connect(&emulator, Subprotocol::JsonReliable).await;
        let (reader, _reader_events) = connect(&emulator, Subprotocol::ProtobufReliable).await;
        let mut streams = reader.streams("g");
        in_time(reader.join("g")).await.unwrap();
        // Little may wait, so that writing waits for what was accepted.
        let mut writer = in_time(client.open_stream("g").buffer(300).into_future()).await.unwrap();
        let words: Vec<String> = (0..20).map(|number| format!("word {number}")).collect();
        for word in &words {
            in_time(writer.write_text(word)).await.unwrap();
        }
        assert_eq!(in_time(writer.end()).await.unwrap().fragments, 20, "{fault}");
        let read = texts(in_time(streams.next()).await.unwrap()).await;
        assert_eq!(read, (words, None), "{fault}");
    }
}

#[tokio::test]
async fn writing_waits_while_too_much_is_not_accepted() {
    let emulator = faulty(&["delay-ack=100ms,op=streamData"]).await;
    let (client, _events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let mut writer = in_time(client.open_stream("g").buffer(300).into_future()).await.unwrap();
    in_time(writer.write_text("first")).await.unwrap();
    in_time(writer.write_text("second")).await.unwrap();
    {
        let mut third = pin!(writer.write_text("third"));
        let polled = poll_fn(|cx| Poll::Ready(third.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    // It was not written.
    in_time(writer.write_text("fourth")).await.unwrap();
    assert_eq!(in_time(writer.end()).await.unwrap().fragments, 3);
}

#[tokio::test]
async fn each_failure_of_a_writer_is_an_error_of_its_own() {
    let emulator = faulty(&[
        "nack=Forbidden,op=streamStart,group=no,message=not you",
        "close-stream=InternalServerError,group=closed,nth=2",
        "execute-then-drop=eof,op=streamData,group=lost,nth=2",
        "refuse-recovery,times=1",
    ])
    .await;
    let (client, _events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let open = |group: &str| in_time(client.open_stream(group).into_future());
    let refused = open("no").await.unwrap_err();
    assert_eq!(refused.to_string(), "the service refused the stream, Forbidden: not you");
    assert!(matches!(open(" ").await, Err(StreamError::Name(_))));
    assert!(matches!(in_time(client.open_stream("g").stream_id("").into_future()).await, Err(StreamError::EmptyId)));
    let mut writer = open("g").await.unwrap();
    let large = "\"".repeat(600 * 1024);
    assert!(matches!(in_time(writer.write_text(&large)).await, Err(StreamError::TooLarge { .. })));
    let no_json = std::collections::HashMap::from([(vec![1], 2)]);
    assert!(matches!(in_time(writer.write_json(&no_json)).await, Err(StreamError::Json(_))));
    let same = client.open_stream("g").stream_id(writer.stream_id());
    assert!(matches!(in_time(same.into_future()).await, Err(StreamError::IdInUse)));
    in_time(writer.write_text("goes on")).await.unwrap();
    assert_eq!(in_time(writer.end()).await.unwrap().fragments, 1);
    let mut closed = open("closed").await.unwrap();
    in_time(closed.write_text("a")).await.unwrap();
    in_time(closed.write_text("b")).await.unwrap();
    let error = in_time(closed.failed()).await;
    let told = matches!(&error, StreamError::Closed { error, accepted: 1, .. } if error.name == "InternalServerError");
    assert!(told, "{error}");
    assert!(matches!(in_time(closed.write_text("c")).await, Err(StreamError::Closed { .. })));
    let mut lost = open("lost").await.unwrap();
    in_time(lost.write_text("a")).await.unwrap();
    in_time(lost.write_text("b")).await.unwrap();
    let error = in_time(lost.end()).await.unwrap_err();
    assert!(matches!(error, StreamError::Lost { accepted: 1, written: 2, .. }), "{error}");
    in_time(client.close()).await.unwrap();
    assert!(matches!(open("g").await, Err(StreamError::NotBegun { .. })));
}

#[tokio::test]
async fn a_writer_that_is_dropped_and_a_connection_that_is_lost_are_told_to_readers() {
    let emulator = faulty(&["drop=reset,op=event", "refuse-recovery,times=1"]).await;
    let (client, _events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let mut streams = client.streams("g");
    in_time(client.join("g")).await.unwrap();
    let mut writer = in_time(client.open_stream("g").into_future()).await.unwrap();
    in_time(writer.write_text("half")).await.unwrap();
    drop(writer);
    let (read, error) = texts(in_time(streams.next()).await.unwrap()).await;
    assert_eq!(read, ["half"]);
    let aborted = matches!(&error, Some(StreamReadError::Failed(failure)) if failure.user_error_code == "Aborted");
    assert!(aborted, "{error:?}");
    // Another one is under way when the connection goes.
    let (other, _other_events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let mut writer = in_time(other.open_stream("g").into_future()).await.unwrap();
    in_time(writer.write_text("half")).await.unwrap();
    let mut reader = in_time(streams.next()).await.unwrap();
    assert_eq!(in_time(reader.next()).await.unwrap().unwrap().text().as_deref(), Some("half"));
    let _ = in_time(client.event("cut", OwnedData::text(""))).await;
    assert_eq!(in_time(reader.next()).await, Some(Err(StreamReadError::Cut)));
    assert_eq!(in_time(reader.next()).await, None);
}

#[tokio::test]
async fn many_fragments_go_through_little_room_and_a_reader_that_is_dropped_holds_nobody_up() {
    let emulator = faulty(&[]).await;
    let (publisher, _publisher_events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let builder = Client::builder(url(&emulator)).event_buffer(4);
    let (client, mut events) = in_time(builder.connect()).await.unwrap();
    let mut streams = client.streams("g");
    in_time(client.join("g")).await.unwrap();
    let mut writer = in_time(publisher.open_stream("g").into_future()).await.unwrap();
    for number in 0..300 {
        in_time(writer.write_text(&number.to_string())).await.unwrap();
    }
    in_time(writer.end()).await.unwrap();
    in_time(publisher.send_text("g", "behind it")).await.unwrap();
    let mut reader = in_time(streams.next()).await.unwrap();
    for number in 0..100 {
        let message = in_time(reader.next()).await.unwrap().unwrap();
        assert_eq!(message.text(), Some(number.to_string().into()));
    }
    drop(reader);
    let behind = loop {
        if let Event::Message(message) = in_time(events.next()).await.unwrap() {
            break message;
        }
    };
    assert_eq!((behind.text().as_deref(), behind.sequence_id), (Some("behind it"), Some(302)));
}
