//! `wps tunnel` and an application that is in part wrong, or cannot be asked at all.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::service::Service;
use crate::support::tunnel::{Line, request, tunnel};
use crate::support::webhook::Webhook;
use crate::support::{Running, wps};
use webpubsub_proto::tunnel::{TunnelFrame, TunnelRequest};

struct Bench {
    service: Service,
    application: Webhook,
    run: Running,
    line: Line,
}

/// A tunnel that is up.
fn bench(more: &[&str]) -> Bench {
    let (service, application) = (Service::start(), Webhook::start());
    let mut run = tunnel(&service, &application.url(""), more).start();
    let line = Line::take(&service);
    run.expect("connected");
    Bench { service, application, run, line }
}

impl Bench {
    /// A request that comes to nothing, and what is recorded of it.
    fn fail(&mut self, ack_id: i64, path: &str, status: &str, headers: &str) -> Value {
        self.line.ask(ack_id, path);
        self.application.next().answer(status, headers, "");
        assert_eq!(self.line.answer().map(|answer| (answer.ack_id, answer.status)), Some((ack_id, 502)));
        self.run.expect("tunnel-request")
    }

    fn end(mut self) -> String {
        self.run.signal(Signal::INT);
        assert_eq!(self.line.answer(), None);
        let ended = self.run.end();
        assert_eq!(ended.code, 130, "{}", ended.stderr);
        drop(self.service);
        ended.stderr
    }
}

#[test]
fn an_upstream_that_wants_to_leave_http_is_answered_for_with_502() {
    let mut bench = bench(&[]);
    let switching = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let request = bench.fail(1, "/upgrade", "101 Switching Protocols", switching);
    assert!(request["error"].as_str().is_some_and(|error| error.contains("101")), "{request}");
    // It is the answer's fault, not the connection's.
    bench.line.ask(2, "/good");
    bench.application.next().answer("200 OK", "", "");
    assert_eq!(bench.line.answer().map(|answer| answer.status), Some(200));
    let stderr = bench.end();
    assert_eq!(stderr.matches("it answered 101").count(), 1, "{stderr}");
}

#[test]
fn a_bad_route_among_good_ones_is_said_once() {
    let mut bench = bench(&[]);
    for round in 0..4 {
        bench.fail(2 * round, "/bad?a=b", "NONSENSE", "");
        bench.line.ask(2 * round + 1, "/good");
        bench.application.next().answer("204 No Content", "", "");
        assert_eq!(bench.line.answer().map(|answer| answer.status), Some(204));
        bench.run.expect("tunnel-request");
    }
    bench.fail(100, "/worse", "NONSENSE", "");
    let stderr = bench.end();
    assert_eq!(stderr.matches("`POST /bad`").count(), 1, "{stderr}");
    assert_eq!(stderr.matches("`POST /worse`").count(), 1, "{stderr}");
    assert!(!stderr.contains("answers again") && !stderr.contains("a=b"), "{stderr}");
}

#[test]
fn a_request_that_is_none_of_http_is_said_to_be_that() {
    let mut bench = bench(&[]);
    let requests = [
        TunnelRequest { method: "A B".to_owned(), ..request(1, "/p") },
        request(2, "/a b"),
        TunnelRequest { headers: Some(vec![("a b".to_owned(), vec![String::new()])]), ..request(3, "/p") },
    ];
    for (asked, part) in requests.into_iter().zip(["method", "path or query", "name of a header"]) {
        let ack_id = asked.ack_id;
        bench.line.send(&TunnelFrame::Request(asked));
        let answer = bench.line.answer().unwrap();
        assert_eq!((answer.ack_id, answer.status), (ack_id, 502));
        let record = bench.run.expect("tunnel-request");
        let error = record["error"].as_str().unwrap();
        assert!(error.contains("cannot be put into an HTTP request") && error.contains(part), "{error}");
        assert!(!error.contains("upstream"), "nobody has asked it: {error}");
    }
    let stderr = bench.end();
    assert_eq!(stderr.matches("cannot be put into an HTTP request").count(), 1, "{stderr}");
}

#[test]
fn a_file_of_certificates_that_cannot_be_used_ends_the_run_at_once() {
    let service = Service::start();
    for (content, part) in [(Some("not PEM at all"), "bad.pem"), (None, "bad.pem")] {
        let mut runs = vec![
            tunnel(&service, "https://localhost:1", &["--ca-cert", "bad.pem"]),
            wps(["tunnel", "--hub", "hub1", "--connection-string", "@c.txt", "--upstream", "https://localhost:1"])
                .args(["--ca-cert", "bad.pem"])
                .file("c.txt", "Endpoint=http://localhost:1;AccessKey=k;Version=1.0;"),
        ];
        for command in ["validate", "test", "connect"] {
            runs.push(wps(["webhook", command, "https://localhost:1/x", "--ca-cert", "bad.pem"]));
        }
        for run in runs {
            let run = match content {
                Some(content) => run.file("bad.pem", content),
                None => run,
            };
            let ended = run.run();
            assert_eq!(ended.code, 3, "{}", ended.stderr);
            ended.assert_stderr(&["could not use", part, "hint"]);
        }
    }
    service.assert_no_more_calls();
    // With the service's own files it is so as well.
    let string = format!("Endpoint=https://127.0.0.1:{};AccessKey=k;Version=1.0;", service.port());
    wps(["tunnel", "--no-check", "--upstream", "http://localhost:1", "--hub", "h", "--connection-string", "@c.txt"])
        .args(["--client-cert", "none.pem"])
        .file("c.txt", &string)
        .run()
        .assert_failed(3, &["`none.pem`"]);
}

#[test]
fn an_upstream_that_is_down_is_said_once_for_all_its_routes() {
    let closed = crate::support::service::ClosedPort::reserve();
    let service = Service::start();
    let mut run = tunnel(&service, &format!("http://127.0.0.1:{}", closed.port()), &[]).start();
    let mut line = Line::take(&service);
    for ack_id in 0..3 {
        line.ask(ack_id, &format!("/route{ack_id}"));
        assert_eq!(line.answer().map(|answer| answer.status), Some(502));
        let record = run.skip_to("tunnel-request");
        assert_eq!((&record["status"], record.get("lost")), (&json!(502), None));
    }
    run.signal(Signal::INT);
    assert_eq!(line.answer(), None);
    let stderr = run.end().stderr;
    assert_eq!(stderr.matches("the upstream was not reached").count(), 1, "{stderr}");
}
