//! `wps trace`: the live trace as lines. The emulator is the service, or the test plays it, as the portal's tool knows it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::service::{ClosedPort, Peer, Request, Service};
use crate::support::{Running, Setup, kinds, wps};

/// A key that is nobody's.
const KEY: &str = "c2VzYW1lLW9wZW4tdGhlLWRvb3ItdGhhdC1ub2JvZHkta25vd3M=";
const SEPARATOR: char = '\u{1e}';

/// The tracer of a service that the test plays, with pauses that nobody notices.
fn trace(service: &Service, more: &[&str]) -> Setup {
    let endpoint = format!("http://127.0.0.1:{}", service.port());
    let connection_string = format!("Endpoint={endpoint};AccessKey={KEY};Version=1.0;");
    wps(["trace", "--connection-string", &connection_string, "--reconnect-delay", "1ms"]).args(more)
}

/// The end of a live trace that the test plays.
struct Hub {
    peer: Peer,
    waiting: Vec<Value>,
}

impl Hub {
    /// Takes the next connection, which has no subprotocol.
    fn take(service: &Service) -> Self {
        Self::of(service.request())
    }

    fn of(request: Request) -> Self {
        assert_eq!(request.header("sec-websocket-protocol"), None, "{request:?}");
        Self { peer: request.upgrade_with(None), waiting: Vec::new() }
    }

    /// Takes the next connection, shakes hands, and sees the start.
    fn start(service: &Service) -> Self {
        let mut hub = Self::take(service);
        assert_eq!(hub.next(), json!({"protocol": "json", "version": 1}));
        hub.send(&json!({}));
        let start = hub.next();
        assert_eq!((&start["type"], &start["target"]), (&json!(1), &json!("startListeningToLogEvents")), "{start}");
        hub
    }

    fn send(&mut self, record: &Value) {
        self.peer.send_text(&format!("{record}{SEPARATOR}"));
    }

    fn next(&mut self) -> Value {
        while self.waiting.is_empty() {
            let text = self.peer.operation_text();
            let records = text.strip_suffix(SEPARATOR).expect("a record ends with 0x1E").split(SEPARATOR);
            self.waiting.extend(records.map(|record| serde_json::from_str::<Value>(record).unwrap()));
        }
        self.waiting.remove(0)
    }

    fn event(&mut self, id: i64, values: &[&str], hub: &str) {
        let event = json!({"time": "2026-01-01T01:00:00.1234567+01:00", "eventId": id, "logContext": {"hub": hub},
            "values": values, "exceptionMessage": null});
        self.send(&json!({"type": 1, "target": "logEvent", "arguments": [event]}));
    }

    /// Answers the question for a template that comes next.
    fn template(&mut self, id: i64, name: &str, text: &str, level: Value) {
        let asked = self.next();
        assert_eq!(asked, json!({"type": 1, "target": "LogProperty", "arguments": [id]}));
        let template = json!({"eventId": id, "eventName": name, "template": text, "logLevel": level});
        self.send(&json!({"type": 1, "target": "LogProperty", "arguments": [template]}));
    }
}

#[test]
fn an_event_is_a_line_with_time_level_name_and_message() {
    let service = Service::start();
    let run = trace(&service, &["-n", "2"]).start();
    let request = service.request();
    assert_eq!(request.path, "/livetrace");
    assert!(request.query("access_token").is_some());
    let mut hub = Hub::of(request);
    hub.next();
    // The answer to the handshake, and an event with it.
    hub.peer.send_text(&format!("{{}}{SEPARATOR}"));
    hub.next();
    hub.event(12, &["{alice}", "x"], "chat");
    hub.event(12, &["bob", "y"], "chat");
    hub.template(12, "ConnectionStarted", "Connection started for {userId}{b}.", json!(2));
    let ended = run.end();
    let lines = "2026-01-01T00:00:00.123Z Information ConnectionStarted: Connection started for {alice}x.\n\
                 2026-01-01T00:00:00.123Z Information ConnectionStarted: Connection started for boby.\n";
    ended.assert(0, lines, &ended.stderr.clone());
    // That it costs something is said once.
    assert_eq!(ended.stderr.matches("billed").count(), 1, "{}", ended.stderr);
}

#[test]
fn a_record_has_it_all_and_the_expressions_of_listen() {
    let service = Service::start();
    let mut run = trace(&service, &["-o", "ndjson", "--until", ".message == \"done\""]).start();
    let mut hub = Hub::start(&service);
    assert_eq!(run.expect("connected")["protocol"], "livetrace");
    hub.event(7, &["1"], "chat");
    hub.template(7, "RequestStarted", "Request {n}", json!("Warning"));
    let mut record = run.expect("trace");
    assert_eq!(record.as_object_mut().unwrap().remove("type"), Some(json!("trace")));
    let expected = json!({"time": "2026-01-01T00:00:00.123Z", "eventId": 7, "eventName": "RequestStarted",
        "level": "Warning", "message": "Request 1", "properties": {"hub": "chat"}});
    assert_eq!(record, expected);
    hub.event(8, &[], "chat");
    hub.template(8, "Over", "done", json!(2));
    run.expect("trace");
    let ended = run.end();
    let stopped = ended.records().pop().unwrap();
    assert_eq!((ended.code, stopped["reason"].as_str(), stopped["received"].as_u64()), (0, Some("until"), Some(2)));

    let fails = trace(&service, &["--fail-on", ".level == \"Error\"", "--jq", ".message", "-r"]).start();
    let mut hub = Hub::start(&service);
    hub.event(9, &["badly"], "chat");
    hub.template(9, "Failed", "it failed {how}", json!(4));
    let ended = fails.end();
    assert_eq!(
        (ended.code, ended.text().lines().find(|line| line.starts_with("it failed"))),
        (12, Some("it failed badly"))
    );
}

#[test]
fn level_event_and_hub_choose_what_is_printed() {
    for (flags, expected) in [
        (&["--level", "warning"][..], &["warned chat", "failed other"][..]),
        (&["--level", "ERROR"], &["failed other"]),
        (&["--event", "informed", "--event", "3"], &["informed chat", "failed other"]),
        (&["--hub", "Chat"], &["informed chat", "warned chat"]),
        (&[], &["informed chat", "warned chat", "failed other"]),
    ] {
        let service = Service::start();
        let run = trace(&service, &["--jq", "select(.type == \"trace\").message", "-r"]).args(flags).start();
        let mut hub = Hub::start(&service);
        for (id, name, level, of) in [(1, "Informed", 2, "chat"), (2, "Warned", 3, "chat"), (3, "Failed", 4, "other")] {
            hub.event(id, &[of], of);
            hub.template(id, name, &format!("{} {{hub}}", name.to_lowercase()), json!(level));
        }
        hub.send(&json!({"type": 7}));
        assert_eq!(run.end().text().lines().collect::<Vec<_>>(), expected, "{flags:?}");
    }
}

#[test]
fn after_a_cut_it_comes_back_starts_again_and_says_that_traces_may_be_missing() {
    let service = Service::start();
    let mut run = trace(&service, &["-o", "ndjson", "-n", "2"]).start();
    let mut hub = Hub::start(&service);
    hub.event(1, &["a"], "chat");
    hub.template(1, "E", "one {x}", json!(2));
    run.skip_to("trace");
    hub.peer.reset();
    let mut hub = Hub::start(&service);
    // The template is still known.
    hub.event(1, &["b"], "chat");
    let lost = run.expect("session-lost");
    assert!(lost["reason"].is_string(), "{lost}");
    assert_eq!(run.expect("reconnecting")["attempt"], 1);
    run.expect("connected");
    assert_eq!(run.expect("trace")["message"], "one b");
    let ended = run.end();
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&["traces may be missing from here on", "listening again after"]);
}

#[test]
fn a_close_that_allows_coming_back_is_followed_and_one_that_does_not_ends_with_exit_7() {
    let service = Service::start();
    let run = trace(&service, &[]).start();
    let mut hub = Hub::start(&service);
    hub.send(&json!({"type": 7, "error": "restart", "allowReconnect": true}));
    let mut hub = Hub::start(&service);
    hub.send(&json!({"type": 7, "error": "switched off"}));
    let ended = run.end();
    ended.assert_failed(7, &["was lost and not regained", "saying `switched off`, and does not want it back"]);
    ended.assert_stderr(&["saying `restart`"]);
    service.assert_no_more_calls();
}

#[test]
fn what_a_service_refuses_is_told_apart() {
    for (status, code, part) in [
        ("401 Unauthorized", 5, "is the access key one of this service"),
        ("403 Forbidden", 5, "*Live trace settings*"),
        ("404 Not Found", 6, "*Live trace settings*"),
    ] {
        let service = Service::start();
        let run = trace(&service, &[]).start();
        service.request().refuse(status, &[], "no");
        run.end().assert_failed(code, &["refused to be traced", status.split(' ').next().unwrap(), part]);
    }
    for (answer, code, part) in [
        ("{\"error\":\"not here\"}\u{1e}", 6, "the service refused the handshake: not here"),
        ("hello", 10, "no answer to a handshake of SignalR"),
    ] {
        let service = Service::start();
        let run = trace(&service, &[]).start();
        let mut hub = Hub::take(&service);
        hub.next();
        hub.peer.send_text(answer);
        run.end().assert_failed(code, &[part]);
    }
    let service = Service::start();
    let run = trace(&service, &[]).start();
    let mut hub = Hub::start(&service);
    hub.send(&json!({"type": 3, "invocationId": "0", "error": "live trace is off"}));
    run.end().assert_failed(6, &["the service refused to send traces: live trace is off"]);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_printed() {
    let service = Service::start();
    let mut run = trace(&service, &["-o", "ndjson", "-n", "1"]).start();
    let mut hub = Hub::start(&service);
    run.expect("connected");
    hub.peer.send_text("nonsense\u{1e}");
    hub.event(1, &["a"], "chat");
    hub.template(1, "E", "one {x}", json!(2));
    assert!(run.expect("unknown-frame")["reason"].as_str().unwrap().contains("cannot be read"));
    run.expect("trace");
    let ended = run.end();
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&["the service sent a record that cannot be read"]);
}

#[test]
fn what_cannot_be_read_without_end_is_said_ever_more_seldom_and_counted_at_the_end() {
    let service = Service::start();
    let mut run = trace(&service, &["-n", "1"]).start();
    let mut hub = Hub::start(&service);
    for _ in 0..100 {
        hub.peer.send_text("nonsense\u{1e}");
    }
    run.err_line("64 records of the service could not be read by now");
    hub.event(1, &["a"], "chat");
    hub.template(1, "E", "one {x}", json!(2));
    let ended = run.end();
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&[
        "the service sent a record that cannot be read",
        "100 records of the service could not be read",
    ]);
    assert_eq!(ended.stderr.matches("records of the service").count(), 9, "{}", ended.stderr);
}

#[test]
fn a_connection_that_is_closed_by_policy_is_one_that_is_refused() {
    for greets in [false, true] {
        let service = Service::start();
        let run = trace(&service, &[]).start();
        let hub = if greets {
            Hub::start(&service)
        } else {
            let mut hub = Hub::take(&service);
            hub.next();
            hub
        };
        hub.peer.close(1008, "not here");
        let ended = run.end();
        ended.assert_failed(6, &["refused to be traced", "1008", "not here", "*Live trace settings*"]);
        // Nothing was traced, so that nothing was billed, unless it began.
        assert_eq!(ended.stderr.contains("billed"), greets, "{}", ended.stderr);
        service.assert_no_more_calls();
    }
}

#[test]
fn an_event_whose_template_does_not_come_is_printed_with_its_bare_values() {
    let service = Service::start();
    let run = trace(&service, &["-n", "1"]).start();
    let mut hub = Hub::start(&service);
    hub.event(12, &["alice", "x"], "chat");
    let ended = run.end();
    assert_eq!(ended.text(), "2026-01-01T00:00:00.123Z -           event 12: alice, x\n");
}

#[test]
fn ctrl_c_closes_the_connection_and_exits_with_130() {
    let service = Service::start();
    let mut run = trace(&service, &["-o", "ndjson"]).start();
    let hub = Hub::start(&service);
    run.expect("connected");
    run.signal(rustix::process::Signal::INT);
    hub.peer.see_off();
    let ended = run.end();
    assert_eq!((ended.code, kinds(&ended.records())), (130, vec!["connected", "stopped"]));
}

#[test]
fn a_service_that_never_pauses_keeps_neither_time_nor_signals_waiting() {
    for (more, signal, code) in
        [(&["--for", "300ms"][..], None, 0), (&["--timeout", "300ms"], None, 124), (&[], Some(()), 143)]
    {
        let service = Service::start();
        let mut run = trace(&service, &["-o", "ndjson", "--event", "NoSuchEvent"]).args(more).start();
        let mut hub = Hub::start(&service);
        run.expect("connected");
        hub.event(12, &["x"], "chat");
        hub.template(12, "E", "{v}", json!(2));
        let event = json!({"type": 1, "target": "logEvent", "arguments":
            [{"eventId": 12, "time": "2026-01-01T00:00:00Z", "logContext": {}, "values": ["x"]}]});
        let many = format!("{event}{SEPARATOR}").repeat(500);
        let flood = thread::spawn(move || hub.peer.send_text_until_gone(&many));
        if signal.is_some() {
            run.signal(rustix::process::Signal::TERM);
        }
        let ended = run.end();
        flood.join().unwrap();
        assert_eq!((ended.code, kinds(&ended.records())), (code, vec!["connected", "stopped"]), "{more:?}");
    }
}

#[test]
fn nothing_to_trace_is_said_with_the_exit_code_of_it() {
    let closed = ClosedPort::reserve();
    wps(["trace", &format!("--local={}", closed.port())])
        .run()
        .assert_failed(4, &["nothing listens", "`wps emulator`"]);
    wps(["trace"]).run().assert_failed(3, &["nothing says which service"]);
    wps(["trace", "--local", "--level", "loud"]).run().assert_failed(2, &["loud"]);
    wps(["trace", "--local", "--hub", "a b"]).run().assert_failed(2, &["--hub"]);
    let string = format!("Endpoint=http://127.0.0.1:{};AccessKey={KEY};", closed.port());
    wps(["trace", "--connection-string", &string, "--reconnect-retries", "1", "--reconnect-delay", "1ms"])
        .run()
        .assert_failed(4, &["(retry 1)", "could not connect to the live trace"]);
    wps(["trace", "--connection-string", &string, "--for", "300ms", "--reconnect-delay", "10s"])
        .run()
        .assert_failed(4, &["error: there was no connection before `--for` ended the run", "caused by: "]);
}

/// Started, and listening.
fn traced(emulator: &Emulator, more: &[&str]) -> Running {
    let mut run = wps(["trace", "-o", "ndjson", &emulator.local()]).args(more).start();
    run.expect("connected");
    // That it has started is seen by what comes: requests are made until then.
    let (heard, port) = (AtomicBool::new(false), emulator.port);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !heard.load(Ordering::SeqCst) {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                write!(stream, "GET /api HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n").unwrap();
                stream.read_to_end(&mut Vec::new()).unwrap();
            }
        });
        run.expect("trace");
        heard.store(true, Ordering::SeqCst);
    });
    run
}

#[test]
fn an_emulator_tells_what_happens_on_it() {
    let emulator = Emulator::with(&[]);
    let mut run = traced(&emulator, &["--until", ".eventName == \"ConnectionEnded\""]);
    assert_eq!(emulator.send("hello", &["--hub", "chat"]).code, 0);
    let mut names = Vec::new();
    loop {
        let record = run.skip_to("trace");
        if record["properties"]["hub"] == "chat" {
            names.push(record["eventName"].as_str().unwrap().to_owned());
        }
        if record["eventName"] == "ConnectionEnded" {
            break;
        }
    }
    assert_eq!(names, ["ConnectionStarted", "ReceivedMessageFromClient", "ConnectionEnded"]);
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    // Nothing is billed here.
    assert!(!ended.stderr.contains("billed"), "{}", ended.stderr);
}

#[test]
fn an_emulator_that_stops_and_comes_back_is_traced_again() {
    let emulator = Emulator::with(&[]);
    let port = emulator.port;
    let mut run = traced(&emulator, &["--reconnect-delay", "20ms", "--reconnect-mode", "fixed"]);
    drop(emulator);
    run.skip_to("session-lost");
    run.expect("reconnecting");
    let mut again = wps(["emulator", "-o", "ndjson", "--port", &port.to_string()]).start();
    again.expect("listening");
    run.skip_to("connected");
    let sent = wps(["send", &format!("--local={port}"), "g", "x"]).run();
    assert_eq!(sent.code, 0, "{}", sent.stderr);
    while run.skip_to("trace")["eventName"] != "ConnectionEnded" {}
}

#[test]
fn doctor_says_whether_the_resource_lets_itself_be_traced() {
    let emulator = Emulator::with(&[]);
    let step = |ended: &crate::support::Ended| {
        assert_eq!(ended.code, 0, "{}", ended.text());
        ended.records().into_iter().find(|record| record["step"] == "trace").unwrap()
    };
    let traced = step(&wps(["doctor", "-o", "ndjson", &emulator.local()]).run());
    assert_eq!((&traced["status"], traced["elapsedMs"].is_number()), (&json!("ok"), true), "{traced}");
    let by_url = step(&wps(["doctor", "-o", "ndjson", "--url", &emulator.client_url]).run());
    assert_eq!(by_url["status"], "skipped", "{by_url}");
}
