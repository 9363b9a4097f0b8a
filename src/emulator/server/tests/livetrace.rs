//! The live trace on a real socket, as the portal's tool speaks to it.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;
use webpubsub_proto::signalr::{ACCEPTED, HANDSHAKE, SEPARATOR};

const START: &str = "{\"type\":1,\"target\":\"startListeningToLogEvents\",\"arguments\":[]}\u{1e}";

fn token(key: &str, audience: &str) -> String {
    let request = ClientTokenRequest {
        audience,
        user: None,
        roles: &[],
        groups: &[],
        issued_at: unix_now(),
        ttl: Duration::from_secs(60),
        not_before: None,
        claims: &[],
    };
    sign_client_token(&Secret::new(key), &request).expose().to_owned()
}

fn path(emulator: &TestEmulator) -> String {
    format!("/livetrace?access_token={}", token(DEVELOPMENT_KEY, &format!("{}/livetrace", emulator.endpoint())))
}

/// A client of the live trace: the records that come, one after the other.
struct TraceClient {
    client: TestClient,
    waiting: Vec<Value>,
}

impl TraceClient {
    /// Its handshake is accepted.
    async fn greeted(emulator: &TestEmulator) -> Self {
        let mut client = emulator.connect(&path(emulator), None).await;
        assert_eq!(client.protocol, None);
        client.send(HANDSHAKE).await;
        assert_eq!(client.text().await, ACCEPTED);
        Self { client, waiting: Vec::new() }
    }

    async fn started(emulator: &TestEmulator) -> Self {
        let mut tracer = Self::greeted(emulator).await;
        tracer.client.send(START).await;
        // Answered behind it: it is listened from here on.
        tracer.property(1).await;
        tracer
    }

    async fn record(&mut self) -> Value {
        while self.waiting.is_empty() {
            let text = self.client.text().await;
            let records = text.strip_suffix(SEPARATOR).unwrap().split(SEPARATOR);
            self.waiting.extend(records.map(|record| serde_json::from_str::<Value>(record).unwrap()));
        }
        self.waiting.remove(0)
    }

    /// The next event: its id, and itself. Templates that nobody asked for are passed over.
    async fn event(&mut self) -> (i64, Value) {
        let mut record = self.record().await;
        while record["target"] == "LogProperty" {
            record = self.record().await;
        }
        assert_eq!((&record["type"], &record["target"]), (&json!(1), &json!("logEvent")), "{record}");
        let event = record["arguments"][0].clone();
        (event["eventId"].as_i64().unwrap(), event)
    }

    /// The template of a kind of event.
    async fn property(&mut self, id: i64) -> Value {
        self.client.send(format!("{{\"type\":1,\"target\":\"LogProperty\",\"arguments\":[{id}]}}\u{1e}")).await;
        let mut others = Vec::new();
        loop {
            let record = self.record().await;
            if record["target"] == "LogProperty" && record["arguments"][0]["eventId"] == id {
                others.append(&mut self.waiting);
                self.waiting = others;
                return record["arguments"][0].clone();
            }
            others.push(record);
        }
    }
}

#[tokio::test]
async fn what_happens_is_told_from_the_start_on_with_templates() {
    let emulator = TestEmulator::start().await;
    let mut tracer = TraceClient::started(&emulator).await;
    let (mut client, connected) = emulator.pubsub(JSON).await;
    let (id, started) = tracer.event().await;
    let context = json!({"hub": "chat", "connectionId": connected["connectionId"], "userId": "alice"});
    assert_eq!((&started["logContext"], &started["values"]), (&context, &json!([JSON])));
    let template = tracer.property(id).await;
    assert_eq!((&template["eventName"], &template["logLevel"]), (&json!("ConnectionStarted"), &json!(2)));
    client.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    client.send(r#"{"type":"sendToGroup","group":"g","dataType":"text","data":"secret"}"#).await;
    client.json().await;
    let mut names = Vec::new();
    for _ in 0..2 {
        let (id, event) = tracer.event().await;
        assert!(!event.to_string().contains("secret"));
        names.push(tracer.property(id).await["eventName"].clone());
    }
    assert_eq!(names, ["AddedConnectionToGroup", "ReceivedMessageFromClient"]);
    client.stream.close(Some(CloseFrame { code: 1000.into(), reason: "".into() })).await.unwrap();
    let mut names = Vec::new();
    for _ in 0..2 {
        let (id, _) = tracer.event().await;
        names.push(tracer.property(id).await["eventName"].clone());
    }
    assert_eq!(names, ["RemovedConnectionFromGroup", "ConnectionEnded"]);
    // An id that is not known is not answered, and what comes behind it is.
    tracer.client.send("{\"type\":1,\"target\":\"LogProperty\",\"arguments\":[4711]}\u{1e}").await;
    tracer.property(1).await;
    emulator.stop().await;
}

#[tokio::test]
async fn nothing_is_said_before_the_handshake_and_no_event_before_the_start() {
    let emulator = TestEmulator::start().await;
    let mut tracer = TraceClient::greeted(&emulator).await;
    let (_client, _) = emulator.pubsub(JSON).await;
    // With an id it is answered, the names' case does not matter, and of two records in a message both count.
    let calls = "{\"type\":6}\u{1e}{\"type\":1,\"invocationId\":\"a\",\"target\":\"StartListeningToLogEvents\",\"arguments\":[]}\u{1e}\
                 {\"type\":1,\"invocationId\":\"b\",\"target\":\"other\",\"arguments\":[]}\u{1e}";
    tracer.client.send(calls).await;
    assert_eq!(tracer.record().await, json!({"type": 3, "invocationId": "a"}));
    assert_eq!(tracer.record().await, json!({"type": 3, "invocationId": "b", "error": "There is no such method."}));
    let (_other, connected) = emulator.pubsub(JSON).await;
    let (_, event) = tracer.event().await;
    assert_eq!(event["logContext"]["connectionId"], connected["connectionId"]);
    emulator.stop().await;
}

#[tokio::test]
async fn a_token_for_anything_else_is_refused() {
    let emulator = TestEmulator::start().await;
    let endpoint = emulator.endpoint();
    let refused = [
        (DEVELOPMENT_KEY, format!("{endpoint}/client/hubs/chat")),
        (DEVELOPMENT_KEY, endpoint.clone()),
        (DEVELOPMENT_KEY, "http://other.example/livetrace".to_owned()),
        ("another key", format!("{endpoint}/livetrace")),
    ];
    for (key, audience) in refused {
        let (head, _) =
            emulator.request("GET", &format!("/livetrace?access_token={}", token(key, &audience)), "").await;
        assert!(head.starts_with("HTTP/1.1 401 "), "{key} {audience}: {head}");
    }
    let (head, _) = emulator.request("GET", "/livetrace", "").await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    // In the header it is as good.
    let bearer = token(DEVELOPMENT_KEY, &format!("{endpoint}/livetrace"));
    let (head, _) = emulator.request("GET", "/livetrace", &format!("Authorization: Bearer {bearer}\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // No page of another site.
    let (head, _) = emulator.request("GET", &path(&emulator), "Origin: https://evil.example\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    emulator.stop().await;
}

#[tokio::test]
async fn what_is_no_signalr_is_told_so_and_closed() {
    let emulator = TestEmulator::start().await;
    for (first, answer) in [
        ("hello\u{1e}", "{\"error\":\"The handshake cannot be read: it is no JSON object.\"}\u{1e}"),
        (
            "{\"protocol\":\"messagepack\",\"version\":1}\u{1e}",
            "{\"error\":\"The protocol 'messagepack' is not supported.\"}\u{1e}",
        ),
    ] {
        let mut client = emulator.connect(&path(&emulator), None).await;
        client.send(first).await;
        assert_eq!(client.text().await, answer);
        assert_eq!(client.close_frame().await.0, 1000);
    }
    for (message, code) in [(Message::text("nonsense\u{1e}"), 1000), (Message::binary(vec![1]), 1003)] {
        let mut tracer = TraceClient::greeted(&emulator).await;
        tracer.client.send(message).await;
        let close = tracer.record().await;
        assert_eq!((&close["type"], &close["allowReconnect"]), (&json!(7), &Value::Null), "{close}");
        assert_eq!(tracer.client.close_frame().await.0, code);
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_service_that_stops_says_that_one_may_come_back() {
    let emulator = TestEmulator::start().await;
    let mut tracer = TraceClient::started(&emulator).await;
    let stopped = tokio::spawn(emulator.stop());
    let close = tracer.record().await;
    assert_eq!((&close["type"], &close["allowReconnect"]), (&json!(7), &json!(true)), "{close}");
    assert_eq!(tracer.client.close_frame().await.0, 1001);
    bounded(stopped).await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nobody_up_and_is_told_what_it_missed() {
    let emulator = TestEmulator::start().await;
    let mut tracer = TraceClient::started(&emulator).await;
    let (mut client, _) = emulator.pubsub(JSON).await;
    // Far more than buffers and the queue hold.
    let frame = r#"{"type":"sendToGroup","group":"g","noEcho":true,"dataType":"text","data":""}"#;
    let burst = vec![frame; 100];
    for _ in 0..2_000 {
        for frame in &burst {
            bounded(client.stream.feed(Message::text(*frame))).await.unwrap();
        }
        bounded(client.stream.flush()).await.unwrap();
    }
    client.send(r#"{"type":"joinGroup","group":"g","ackId":1}"#).await;
    assert_eq!(client.json().await["success"], true);
    let mut dropped = 0;
    // The template comes with the first that needs it.
    let told = loop {
        let record = tracer.record().await;
        match record["arguments"][0]["eventId"].as_i64() {
            Some(14) => break record,
            _ => assert_eq!(record["target"], "logEvent", "{record}"),
        }
    };
    assert_eq!(told["target"], "LogProperty");
    let last = loop {
        let (id, event) = tracer.event().await;
        if id == 14 {
            dropped += event["values"][0].as_str().unwrap().parse::<u64>().unwrap();
        } else if event["values"] == json!(["g"]) {
            break event;
        }
    };
    assert!(dropped > 10_000, "{dropped}");
    assert_eq!(last["logContext"]["hub"], "chat");
    emulator.stop().await;
}
