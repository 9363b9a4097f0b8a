//! `wps tunnel` between an emulator with a `tunnel:///` handler and an application that the test plays: what comes through,
//! what goes back, and what becomes of it when either end is slow, wrong, or gone.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::service::ClosedPort;
use crate::support::webhook::Webhook;
use crate::support::{Ended, Running, wps};

/// Events of clients alone go through the tunnel, and a request that failed is not made again.
const HANDLER: &str = "tunnel:///hooks/{hub}?e={event},system-events=";

fn emulator(more: &[&str]) -> Emulator {
    let mut args = vec!["--event-handler", HANDLER, "--handler-retries", "0"];
    args.extend(more);
    Emulator::start(&args)
}

/// A tunnel that is up.
fn tunnel(emulator: &Emulator, upstream: &str, more: &[&str]) -> Running {
    let mut tunnel = wps(["tunnel", "-o", "ndjson", "--no-check", "--reconnect-delay", "20ms", "--upstream", upstream])
        .arg(emulator.local())
        .args(more)
        .start();
    let connected = tunnel.expect("connected");
    assert_eq!((&connected["protocol"], &connected["hub"]), (&json!("tunnel"), &json!("hub1")));
    tunnel
}

fn event(emulator: &Emulator, name: &str, data: &str) -> Running {
    wps(["event", "-o", "ndjson", "--retries", "0", "--user", "ann", "--wait-reply"])
        .args([&emulator.local(), name, data])
        .start()
}

/// The client's event was answered with this.
fn assert_replied(client: Running, data: &str) {
    let ended = client.end();
    let reply = ended.records().into_iter().find(|record| record["type"] == "server-message").unwrap_or_default();
    assert_eq!((ended.code, &reply["data"]), (0, &json!(data)), "{}", ended.stderr);
}

/// The client's event was refused.
fn assert_refused(client: Running) {
    let ended = client.end();
    assert_eq!(ended.code, 8, "{}", ended.stderr);
}

fn stop(tunnel: Running) -> Ended {
    tunnel.signal(Signal::INT);
    let ended = tunnel.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    ended
}

fn requests(ended: &Ended) -> Vec<Value> {
    ended.records().into_iter().filter(|record| record["type"] == "tunnel-request").collect()
}

#[test]
fn an_event_comes_through_with_all_that_is_in_it_and_its_answer_goes_back() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let mut tunnel = tunnel(&emulator, &application.url(""), &[]);
    let client = event(&emulator, "vote", "hé");
    let asked = application.expect("vote");
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/hooks/hub1?e=vote"));
    assert_eq!(asked.body, "hé".as_bytes());
    for (name, value) in [
        ("content-type", "text/plain"),
        ("ce-type", "azure.webpubsub.user.vote"),
        ("ce-userid", "ann"),
        ("content-length", "3"),
        ("webhook-request-origin", "localhost"),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    // The application's own name, whatever the service is called.
    assert_eq!(asked.header("host"), Some(application.url("").trim_start_matches("http://")));
    assert!(asked.header("ce-signature").is_some_and(|signature| signature.starts_with("sha256=")));
    let connection = asked.header("ce-connectionid").unwrap().to_owned();
    asked.answer("200 OK", "Content-Type: text/plain\r\nKeep-Alive: timeout=5\r\n", "thanks");
    assert_replied(client, "thanks");
    let request = tunnel.expect("tunnel-request");
    let expected = json!({
        "type": "tunnel-request", "time": request["time"], "method": "POST", "path": "/hooks/hub1", "event": "vote",
        "hub": "hub1", "connectionId": connection, "userId": "ann", "status": 200, "elapsedMs": request["elapsedMs"],
        "requestBytes": 3, "responseBytes": 6,
    });
    assert_eq!(request, expected);
    assert!(request["elapsedMs"].as_f64().is_some_and(|elapsed| elapsed > 0.0));
    let ended = stop(tunnel);
    let stopped = ended.records().pop().unwrap();
    assert_eq!(stopped["reason"], "signal");
    let counts = ["received", "sent", "acked", "failed"].map(|name| stopped[name].clone());
    assert_eq!(counts, [1, 1, 1, 0].map(|count| json!(count)));
}

#[test]
fn a_reader_that_has_gone_ends_the_printing_and_not_the_forwarding() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let mut tunnel = wps(["tunnel", "-o", "ndjson", "--no-check", "--upstream", &application.url("")])
        .arg(emulator.local())
        .stdout_lines(1)
        .start();
    tunnel.expect("connected");
    for data in ["one", "two", "three"] {
        let client = event(&emulator, "vote", data);
        application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\n", data);
        assert_replied(client, data);
    }
    stop(tunnel);
}

#[test]
fn a_recording_has_every_frame_and_no_secret() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.ndjson");
    let tunnel = tunnel(&emulator, &application.url(""), &["--record", file.to_str().unwrap()]);
    let client = event(&emulator, "vote", "x");
    application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\nSet-Cookie: a=sesame\r\n", "thanks");
    assert_replied(client, "thanks");
    stop(tunnel);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["recording"], &lines[0]["protocol"]), (&json!(1), &json!("tunnel")));
    let frames: Vec<_> =
        lines[1..].iter().map(|line| (line["direction"].as_str().unwrap(), &line["frame"]["Type"])).collect();
    assert_eq!(frames, [("received", &json!(10)), ("received", &json!(1)), ("sent", &json!(2))]);
    assert_eq!((&lines[2]["text"], &lines[3]["text"]), (&json!("x"), &json!("thanks")));
    assert_eq!(lines[3]["frame"]["StatusCode"], 200);
    assert!(!text.contains("sesame") && !text.contains("sha256=") && !text.contains("eyJ"), "{text}");
    // It is no recording of a client's.
    wps(["replay", file.to_str().unwrap(), "--local"])
        .run()
        .assert_failed(11, &["the recording of a tunnel", "wps webhook event"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn lines_for_people_say_method_path_event_user_status_and_time() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let mut tunnel =
        wps(["tunnel", "--no-check", "-vv", "--upstream"]).args([&application.url(""), &emulator.local()]).start();
    tunnel.err_line("tunnel of hub `hub1` connected");
    let client = event(&emulator, "vote", "some text");
    application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\n", "an answer");
    assert_replied(client, "an answer");
    let line = tunnel.line();
    assert!(line.starts_with("POST /hooks/hub1 vote (ann): 200 in "), "{line}");
    let stderr = stop(tunnel).stderr;
    // Whole requests and answers.
    for part in ["POST /hooks/hub1?e=vote to ", "some text", "200 OK", "an answer"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

#[test]
fn requests_are_at_the_upstream_together_and_are_answered_in_any_order() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let tunnel = tunnel(&emulator, &application.url(""), &[]);
    let first = event(&emulator, "vote", "1");
    let asked_first = application.expect("vote");
    let second = event(&emulator, "vote", "2");
    let asked_second = application.expect("vote");
    asked_second.answer("200 OK", "Content-Type: text/plain\r\n", "two");
    assert_replied(second, "two");
    asked_first.answer("200 OK", "Content-Type: text/plain\r\n", "one");
    assert_replied(first, "one");
    assert_eq!(requests(&stop(tunnel)).len(), 2);
}

#[test]
fn an_answer_of_several_mebibytes_goes_in_pieces() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let tunnel = tunnel(&emulator, &application.url(""), &[]);
    let client = event(&emulator, "vote", "x");
    let body = "0123456789abcdef".repeat(3 * 64 * 1024);
    application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\n", &body);
    assert_replied(client, &body);
    assert_eq!(requests(&stop(tunnel))[0]["responseBytes"], body.len());
}

#[test]
fn an_upstream_that_is_down_is_said_once_and_answered_with_502_and_its_return_is_said() {
    let port = ClosedPort::reserve();
    let upstream = format!("http://127.0.0.1:{}", port.port());
    let emulator = emulator(&[]);
    let mut tunnel = wps(["tunnel", "-o", "ndjson", "--upstream", &upstream]).arg(emulator.local()).start();
    // Asked first whether it wants events.
    let check = tunnel.expect("check");
    assert_eq!((&check["step"], &check["status"]), (&json!("validate"), &json!("failed")));
    tunnel.err_line("whether it wants events");
    tunnel.expect("connected");
    for _ in 0..2 {
        assert_refused(event(&emulator, "vote", "x"));
        let request = tunnel.expect("tunnel-request");
        assert_eq!(request["status"], 502);
        assert!(
            request["error"].as_str().is_some_and(|error| error.starts_with("the upstream was not reached")),
            "{request}"
        );
        assert!(request.get("lost").is_none(), "the service has its answer");
    }
    let application = Webhook::on(port.open());
    let client = event(&emulator, "vote", "x");
    application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\n", "back");
    assert_replied(client, "back");
    tunnel.err_line("the upstream answers again");
    let stderr = stop(tunnel).stderr;
    assert_eq!(stderr.matches("the upstream was not reached").count(), 1, "{stderr}");
}

#[test]
fn an_upstream_that_is_wrong_or_slow_is_said_and_answered_with_502() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(b"220 smtp.example ESMTP\r\n");
        }
    });
    let emulator = emulator(&[]);
    let mut wrong = tunnel(&emulator, &upstream, &[]);
    assert_refused(event(&emulator, "vote", "x"));
    let request = wrong.expect("tunnel-request");
    assert_eq!(request["status"], 502, "{request}");
    stop(wrong);
    let application = Webhook::start();
    let mut slow = tunnel(&emulator, &application.url(""), &["--upstream-timeout", "100ms"]);
    let client = event(&emulator, "vote", "x");
    let held = application.expect("vote");
    assert_refused(client);
    let request = slow.expect("tunnel-request");
    assert!(request["error"].as_str().is_some_and(|error| error.contains("did not answer within 100ms")), "{request}");
    drop(held);
    stop(slow);
}

#[test]
fn the_status_of_the_upstream_is_the_services_business_and_passes_as_it_is() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let mut tunnel = tunnel(&emulator, &application.url(""), &[]);
    let client = event(&emulator, "vote", "x");
    application.expect("vote").answer("418 Teapot", "", "no");
    assert_refused(client);
    let request = tunnel.expect("tunnel-request");
    assert_eq!((&request["status"], request.get("error")), (&json!(418), None));
    stop(tunnel);
}

#[test]
fn what_is_at_the_upstream_finishes_after_ctrl_c() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let tunnel = tunnel(&emulator, &application.url(""), &[]);
    let client = event(&emulator, "vote", "x");
    let asked = application.expect("vote");
    tunnel.signal(Signal::INT);
    asked.answer("200 OK", "Content-Type: text/plain\r\n", "in time");
    assert_replied(client, "in time");
    let ended = tunnel.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    let requests = requests(&ended);
    assert!(requests.iter().any(|request| request["status"] == 200 && request.get("lost").is_none()), "{requests:?}");
}

#[test]
fn what_does_not_finish_after_ctrl_c_is_said_to_be_lost_and_a_second_ends_at_once() {
    let application = Webhook::start();
    let emulator = emulator(&[]);
    let tunnel = tunnel(&emulator, &application.url(""), &[]);
    let client = event(&emulator, "vote", "x");
    let asked = application.expect("vote");
    let ended = stop(tunnel);
    let lost = requests(&ended);
    assert_eq!((lost.len(), &lost[0]["lost"]), (1, &json!(true)));
    assert!(ended.stderr.contains("1 request did not finish in time"), "{}", ended.stderr);
    assert_refused(client);
    drop(asked);
}

#[test]
fn the_services_messages_are_followed_and_requests_in_hand_are_finished_first() {
    let application = Webhook::start();
    let emulator = emulator(&[
        "--fault",
        "tunnel=reconnect,nth=1",
        "--fault",
        "tunnel=rebalance,nth=2",
        "--fault",
        "tunnel=close,nth=3,times=2",
    ]);
    let mut tunnel = tunnel(&emulator, &application.url(""), &[]);
    // In place of the first connection another, and the request of the first is answered.
    let client = event(&emulator, "vote", "1");
    let asked = application.expect("vote");
    tunnel.expect("connected");
    asked.answer("200 OK", "Content-Type: text/plain\r\n", "one");
    assert_replied(client, "one");
    tunnel.expect("tunnel-request");
    // One more.
    let client = event(&emulator, "vote", "2");
    application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\n", "two");
    assert_replied(client, "two");
    let after = [tunnel.record(), tunnel.record()];
    assert!(after.iter().any(|record| record["type"] == "connected"), "{after:?}");
    // With the last of the two the run ends, after its request is answered.
    for data in ["three", "four"] {
        let client = event(&emulator, "vote", data);
        application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\n", data);
        assert_replied(client, data);
    }
    let ended = tunnel.end();
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    ended.assert_stderr(&["the service closed the tunnel for good", "A fault of the emulator: close."]);
    assert_eq!(requests(&ended).iter().filter(|request| request.get("lost").is_some()).count(), 0);
}

#[test]
fn an_emulator_that_is_killed_and_started_again_gets_its_tunnel_back() {
    let application = Webhook::start();
    let first = emulator(&[]);
    let mut tunnel = tunnel(&first, &application.url(""), &[]);
    let (port, local) = (first.port.to_string(), first.local());
    first.running.signal(Signal::KILL);
    first.running.end();
    let disconnected = tunnel.expect("disconnected");
    assert!(disconnected["connectionId"].is_string());
    assert!(tunnel.expect("reconnecting")["attempt"].is_u64());
    let args = ["emulator", "-o", "ndjson", "--event-handler", HANDLER, "--port", &port];
    let mut second = wps(args).start();
    second.expect("listening");
    tunnel.skip_to("connected");
    let client = wps(["event", "-o", "ndjson", "--wait-reply", &local, "vote", "x"]).start();
    application.expect("vote").answer("200 OK", "Content-Type: text/plain\r\n", "back");
    assert_replied(client, "back");
    stop(tunnel);
}

#[test]
fn of_many_events_with_cuts_each_is_answered_or_lost_and_none_is_asked_twice() {
    const EVENTS: usize = 500;
    let seen: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let counted = Arc::clone(&seen);
    let application = Webhook::serve(move |asked| {
        let data = String::from_utf8(asked.body.clone()).unwrap();
        *counted.lock().unwrap().entry(data).or_default() += 1;
        "204 No Content"
    });
    let emulator = emulator(&["--fault", "tunnel=lost,every=50"]);
    let tunnel = tunnel(&emulator, &application, &["--connections", "2"]);
    let lines: String = (0..EVENTS).map(|number| format!("e{number}\n")).collect();
    let args = ["event", "vote", "--lines", "--keep-going", "--retries", "0", "-o", "ndjson"];
    let client = wps(args).arg(emulator.local()).stdin(lines).run();
    let acks: Vec<Value> = client.records().into_iter().filter(|record| record["type"] == "ack").collect();
    assert_eq!(acks.len(), EVENTS, "each has its answer");
    let (answered, lost): (Vec<_>, Vec<_>) = acks.iter().partition(|ack| ack["success"] == true);
    assert!(lost.len() >= EVENTS / 50, "{} were lost", lost.len());
    let seen = seen.lock().unwrap();
    assert!(seen.values().all(|times| *times == 1), "none comes twice");
    assert!(seen.len() >= answered.len(), "what was answered was asked");
    let requests = requests(&stop(tunnel));
    let delivered = requests.iter().filter(|request| request.get("lost").is_none()).count();
    assert_eq!(requests.len(), seen.len(), "each request has its line");
    // An answer that goes out while the connection is being reset is lost without anybody here to notice.
    assert!(delivered >= answered.len(), "what has arrived is not said to be lost");
}

#[test]
fn a_service_that_is_not_there_refuses_or_is_no_service_ends_the_run_with_its_code() {
    let port = ClosedPort::reserve();
    let upstream = ["--no-check", "--upstream", "http://localhost:1"];
    let ended = wps(["tunnel", &format!("--local={}", port.port())]).args(upstream).run();
    ended.assert_failed(4, &["nothing listens at", "wps emulator"]);
    let emulator = emulator(&[]);
    let string = format!("Endpoint=http://localhost:{};AccessKey=another;Version=1.0;", emulator.port);
    let ended =
        wps(["tunnel", "--hub", "hub1", "--connection-string", "@c.txt"]).args(upstream).file("c.txt", &string).run();
    ended.assert_failed(5, &["refused the connection", "401", "is the access key one of this service"]);
    // An application in place of a service.
    let application = Webhook::serve(|_| "404 Not Found");
    let string = format!("Endpoint={application};AccessKey=another;Version=1.0;");
    let ended =
        wps(["tunnel", "--hub", "hub1", "--connection-string", "@c.txt"]).args(upstream).file("c.txt", &string).run();
    ended.assert_failed(6, &["404", "/server/tunnel"]);
}

#[test]
fn what_is_typed_wrong_is_said_before_anything_is_tried() {
    for (args, what) in [
        (&["tunnel", "--local"][..], "--upstream"),
        (&["tunnel", "--local", "--upstream", "http://localhost:3000/api"], "has a path or a query"),
        (&["tunnel", "--local", "--upstream", "localhost:3000"], "and not `http` or `https`"),
        (&["tunnel", "--local", "--upstream", "http://h", "--check", "/{hubs}"], "the path in `--check` is not valid"),
        (&["tunnel", "--local", "--upstream", "http://h", "--connections", "0"], "--connections"),
        (&["webhook", "validate", "tunnel:///x"], "a tunnel is no handler that can be asked from here"),
    ] {
        wps(args).run().assert_failed(2, &[what]);
    }
    wps(["tunnel", "--upstream", "http://h"]).run().assert_failed(3, &["nothing says which service"]);
}
