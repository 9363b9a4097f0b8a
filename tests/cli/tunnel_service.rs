//! `wps tunnel` and a service that the test plays, which does not read, does not part, or is hostile: what is said to be
//! lost is, and nothing piles up.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use webpubsub_proto::tunnel::{TunnelFrame, TunnelMove, encode_tunnel};

use crate::support::service::Service;
use crate::support::tunnel::{Line, request, tunnel};
use crate::support::webhook::{Asked, Webhook};
use crate::support::{Ended, Running};

/// A service whose system keeps little of what it does not read.
fn narrow_service() -> Service {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(8).unwrap();
    Service::listening(TcpListener::from(socket), None)
}

fn requests(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|record| record["type"] == "tunnel-request").collect()
}

fn stop(run: Running) -> Ended {
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    ended
}

#[test]
fn an_answer_that_has_not_gone_out_when_its_connection_is_reset_is_said_to_be_lost() {
    let (service, application) = (narrow_service(), Webhook::start());
    let mut run = tunnel(&service, &application.url(""), &["-vv"]).start();
    let mut line = Line::take(&service);
    run.expect("connected");
    line.ask(1, "/read");
    application.next().answer("200 OK", "", "small");
    assert_eq!(line.answer().unwrap().ack_id, 1);
    let first = run.expect("tunnel-request");
    assert_eq!((&first["status"], first.get("lost")), (&json!(200), None));
    // More than the system can hold, which the service does not read.
    let large = "0123456789abcdef".repeat(512 * 1024);
    for ack_id in 2..=4 {
        line.ask(ack_id, "/unread");
        application.next().answer("200 OK", "", &large);
        run.err_line("← 200 OK");
    }
    line.peer.reset();
    let mut again = Line::take(&service);
    let lost = [run.skip_to("tunnel-request"), run.skip_to("tunnel-request"), run.skip_to("tunnel-request")];
    for request in &lost[1..] {
        let fields = (&request["status"], &request["lost"]);
        assert_eq!(fields, (&json!(200), &json!(true)), "{lost:?}");
        assert!(request["error"].as_str().is_some_and(|error| error.contains("lost")), "{request}");
    }
    // The new connection has an answer of its own, and none of those.
    again.ask(1, "/read");
    application.next().answer("200 OK", "", "again");
    assert_eq!(again.answer().unwrap().body.as_deref(), Some(&b"again"[..]));
    run.signal(Signal::INT);
    assert_eq!(again.answer(), None);
    assert_eq!(run.end().code, 130);
}

#[test]
fn a_service_that_asks_and_does_not_read_its_answers_is_not_read_either_until_it_does() {
    const MOST: usize = 4000;
    let service = narrow_service();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let application = Webhook::serve_with(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        ("200 OK", "x".repeat(64 * 1024))
    });
    let mut run = tunnel(&service, &application, &[]).start();
    let mut line = Line::take(&service);
    run.expect("connected");
    let messages = (0..MOST as i64).map(|ack_id| {
        let frame = TunnelFrame::Request(request(ack_id, &format!("/{}", "p".repeat(8 * 1024))));
        encode_tunnel(&frame).to_vec()
    });
    let begun = line.peer.send_binaries_until_blocked(messages, Duration::from_secs(2));
    assert!(begun < MOST, "all of them were taken");
    let most = 32 * 16 + 4 * 16 + 256 + 100;
    assert!(asked.load(Ordering::SeqCst) <= most, "{} were asked", asked.load(Ordering::SeqCst));
    // It goes on where it stopped when the service reads.
    line.peer.allow_writes();
    let mut answered = BTreeSet::new();
    while answered.len() < begun - 1 {
        assert!(answered.insert(line.answer().unwrap().ack_id), "twice");
    }
    run.signal(Signal::INT);
    while line.answer().is_some() {}
    let ended = run.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    let records = ended.records();
    assert!(requests(&records).len() >= begun - 1);
}

#[test]
fn a_service_that_reads_nothing_holds_up_no_end_of_the_run_and_what_it_did_not_take_is_said() {
    let (service, application) = (narrow_service(), Webhook::start());
    let mut run = tunnel(&service, &application.url(""), &["-vv"]).start();
    let mut line = Line::take(&service);
    run.expect("connected");
    line.ask(1, "/answered");
    application.next().answer("200 OK", "", &"x".repeat(8 * 1024 * 1024));
    run.err_line("← 200 OK");
    line.ask(2, "/held");
    let held = application.next();
    // Neither is the close frame answered.
    let ended = stop(run);
    let records = ended.records();
    let lost: Vec<_> = requests(&records);
    assert_eq!(lost.len(), 2, "{records:?}");
    assert!(lost.iter().all(|request| request["lost"] == true), "{lost:?}");
    assert_eq!(records.last().unwrap()["type"], "stopped");
    assert!(ended.stderr.contains("1 request did not finish in time"), "{}", ended.stderr);
    drop((held, line));
}

/// A run that has heard the signal, a connection of it, and the request that came over that and is at the application.
fn ending(service: &Service, application: &Webhook, signal: Signal) -> (Running, Line, Asked) {
    let mut run = tunnel(service, &application.url(""), &["--connections", "2"]).start();
    let (mut line, mut idle) = (Line::take(service), Line::take(service));
    run.expect("connected");
    run.expect("connected");
    line.ask(1, "/held");
    let held = application.next();
    run.signal(signal);
    // What has nothing to wait for goes first.
    assert_eq!(idle.answer(), None);
    (run, line, held)
}

#[test]
fn a_second_signal_ends_at_once_and_says_what_is_lost_all_the_same() {
    let (service, application) = (Service::start(), Webhook::start());
    let (run, mut line, held) = ending(&service, &application, Signal::INT);
    line.ask(2, "/late");
    assert_eq!(line.answer().map(|answer| (answer.ack_id, answer.status)), Some((2, 503)));
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    let records = ended.records();
    let [refused, lost] = requests(&records)[..] else { panic!("{records:?}") };
    assert_eq!((&refused["path"], &refused["status"], refused.get("lost")), (&json!("/late"), &json!(503), None));
    assert_eq!((&lost["path"], &lost["lost"]), (&json!("/held"), &json!(true)));
    drop(held);
}

#[test]
fn requests_that_are_answered_with_503_at_the_end_are_not_lost() {
    let (service, application) = (Service::start(), Webhook::start());
    let (run, mut line, held) = ending(&service, &application, Signal::TERM);
    let mut late = Vec::new();
    for ack_id in 2..5 {
        line.ask(ack_id, "/late");
        late.push(line.answer().unwrap());
    }
    assert!(late.iter().all(|answer| answer.status == 503), "{late:?}");
    held.answer("200 OK", "", "in time");
    assert_eq!(line.answer().map(|answer| answer.status), Some(200));
    while line.answer().is_some() {}
    let ended = run.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    let records = ended.records();
    for request in requests(&records) {
        let expected = if request["path"] == "/late" { 503 } else { 200 };
        assert_eq!((&request["status"], request.get("lost")), (&json!(expected), None), "{request}");
    }
    assert_eq!(requests(&records).len(), 4);
}

#[test]
fn messages_that_are_no_frames_without_end_are_said_and_counted_and_a_second_connection_is_served() {
    let (service, application) = (Service::start(), Webhook::start());
    let mut run = tunnel(&service, &application.url(""), &["--connections", "2"]).start();
    let (mut garbage, mut line) = (Line::take(&service), Line::take(&service));
    run.expect("connected");
    run.expect("connected");
    for _ in 0..100 {
        garbage.peer.send_binary(b"garbage".to_vec());
    }
    run.err_line("64 messages of the service were no frames by now");
    line.ask(1, "/good");
    application.next().answer("200 OK", "", "");
    assert_eq!(line.answer().map(|answer| answer.status), Some(200));
    run.signal(Signal::INT);
    assert_eq!((garbage.answer(), line.answer()), (None, None));
    let ended = run.end();
    ended.assert_stderr(&["a message of the service is no frame", "100 messages of the service were no frames"]);
    assert_eq!(ended.stderr.matches("no frame").count(), 10, "{}", ended.stderr);
}

#[test]
fn secrets_in_the_query_of_a_handler_are_neither_shown_nor_recorded() {
    let (service, application) = (Service::start(), Webhook::start());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.ndjson");
    let mut run = tunnel(&service, &application.url(""), &["-vvv", "--record", file.to_str().unwrap()]).start();
    let mut line = Line::take(&service);
    run.expect("connected");
    let path = "/api/events?code=sesame&e=vote&k=a9f86d081884c7d659a2";
    line.ask(1, path);
    let asked = application.next();
    assert_eq!(asked.path, path, "the upstream gets it all");
    asked.answer("200 OK", "", "");
    line.answer().unwrap();
    line.send(&TunnelFrame::Reconnect(TunnelMove {
        endpoint: format!("http://127.0.0.1:{}/?sig=sesame", service.port()),
        ..TunnelMove::default()
    }));
    let mut other = Line::take(&service);
    run.signal(Signal::INT);
    assert_eq!((line.answer(), other.answer()), (None, None));
    let ended = run.end();
    assert!(ended.stderr.contains("POST /api/events?code=[redacted]&e=vote&k=[redacted] to "), "{}", ended.stderr);
    let recording = std::fs::read_to_string(&file).unwrap();
    assert!(recording.contains("e=vote"), "{recording}");
    for text in [&ended.stderr, ended.text(), &recording] {
        assert!(!text.contains("sesame") && !text.contains("a9f86d081884c7d659a2"), "{text}");
    }
}
