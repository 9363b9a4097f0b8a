//! Event handlers of `wps emulator`: what they are asked, what clients see of their answers, and what stderr says.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::service::{ClosedPort, Service};
use crate::support::tls::identity;
use crate::support::webhook::Webhook;
use crate::support::{Running, Setup, wps};

/// An emulator, and the flag that leads to it.
fn start(setup: Setup) -> (Running, String) {
    let mut running = setup.start();
    let ready = running.expect("listening");
    let local = format!("--local={}", ready["endpoint"].as_str().unwrap().rsplit(':').next().unwrap());
    (running, local)
}

fn emulator<const N: usize>(flags: [&str; N]) -> Setup {
    wps(["emulator", "--port", "0", "-o", "ndjson"]).args(flags)
}

/// The same, without records.
fn emulator_in_words<const N: usize>(flags: [&str; N]) -> Setup {
    wps(["emulator", "--port", "0"]).args(flags)
}

#[test]
fn whoever_starts_it_is_shown_where_events_go() {
    let mut emulator =
        wps(["emulator", "--port", "0", "--event-handler", "http://127.0.0.1:9/{event}?code=s3cret"]).start();
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains("wps send ")) {
        lines.push(emulator.line());
    }
    let at = lines.iter().position(|line| line == "events go to").unwrap_or_else(|| panic!("{lines:?}"));
    // Handlers have their keys in the query.
    assert_eq!(lines[at + 1], "  http://127.0.0.1:9/{event}");
}

#[test]
fn a_handler_hears_of_a_clients_whole_life_and_answers_its_events() {
    let webhook = Webhook::start();
    let (_emulator, local) = start(emulator(["--event-handler", &webhook.url("/{hub}/{event}")]));
    let args = ["event", &local, "--hub", "chat", "--user", "ann", "--wait-reply", "-o", "ndjson", "vote", "yes"];
    let mut client = wps(args).start();
    webhook.agree();
    let asked = webhook.expect("connect");
    assert_eq!((asked.path.as_str(), asked.header("ce-userid")), ("/chat/connect", Some("ann")));
    assert_eq!(asked.json()["subprotocols"], json!(["json.reliable.webpubsub.azure.v1"]));
    let id = asked.header("ce-connectionid").unwrap().to_owned();
    asked.answer("200 OK", "", r#"{"userId":"bob"}"#);
    let connected = client.expect("connected");
    assert_eq!((&connected["connectionId"], &connected["userId"]), (&json!(id), &json!("bob")));
    // These two come in any order.
    for _ in 0..2 {
        let asked = webhook.next();
        assert_eq!((asked.header("ce-connectionid"), asked.header("ce-userid")), (Some(id.as_str()), Some("bob")));
        match asked.header("ce-type").unwrap() {
            "azure.webpubsub.sys.connected" => asked.accept(),
            "azure.webpubsub.user.vote" => {
                assert_eq!((asked.path.as_str(), asked.body.as_slice()), ("/chat/vote", b"yes".as_slice()));
                asked.answer("200 OK", "Content-Type: application/json\r\n", r#"{"n":1.0}"#);
            }
            other => panic!("{other}"),
        }
    }
    let reply = client.skip_to("server-message");
    assert_eq!((&reply["dataType"], &reply["data"]), (&json!("json"), &json!({"n": 1.0})));
    let asked = webhook.expect("disconnected");
    assert_eq!(asked.json(), json!({"reason": "The client closed the connection."}));
    asked.accept();
    assert_eq!(client.end().code, 0);
}

#[test]
fn a_refusal_goes_to_the_client_with_status_and_body() {
    let webhook = Webhook::start();
    let (_emulator, local) = start(emulator(["--event-handler", &webhook.url("/")]));
    let client = wps(["listen", &local, "--reconnect-retries", "0"]).start();
    webhook.agree();
    webhook.expect("connect").answer("403 Forbidden", "Content-Type: text/plain\r\n", "members only");
    client.end().assert_failed(5, &["403", "members only"]);
}

#[test]
fn a_handler_that_is_down_is_said_once_with_what_the_client_saw() {
    let port = ClosedPort::reserve();
    let handler = format!("http://127.0.0.1:{}/?code=sesame", port.port());
    let (emulator, local) = start(emulator(["--event-handler", &handler]));
    // Asked four times, within nine seconds.
    let ended = wps(["listen", &local, "--reconnect-retries", "0", "--connect-timeout", "30s"]).run();
    ended.assert_failed(4, &["500", "could not be reached"]);
    emulator.signal(rustix::process::Signal::TERM);
    let stderr = emulator.end().stderr;
    assert_eq!(stderr.matches("could not be reached").count(), 2, "{stderr}");
    assert_eq!(stderr.matches("it is asked again, three times at most").count(), 1, "{stderr}");
    assert!(stderr.contains("`connect` of hub `hub1`") && stderr.contains("the client got 500"), "{stderr}");
    assert!(!stderr.contains("sesame"), "{stderr}");
}

#[test]
fn an_event_that_no_handler_takes_is_refused_and_without_any_handler_it_is_echoed() {
    let webhook = Webhook::start();
    let flag = format!("{},user-events=other,system-events=", webhook.url("/"));
    let (_emulator, local) = start(emulator(["--event-handler", &flag]));
    let ended = wps(["event", &local, "--retries", "0", "vote", "x"]).run();
    ended.assert_failed(8, &["There is no event handler that takes the event."]);
    let (_emulator, local) = start(emulator(["--settings", "s.json"]).file("s.json", r#"{"WebPubSub":{}}"#));
    let ended = wps(["event", &local, "--wait-reply", "-o", "data", "vote", "x"]).run();
    assert_eq!((ended.code, ended.text()), (0, "x\n"));
}

fn settings(url: &str) -> String {
    json!({"WebPubSub": {"Hubs": {"hub1": {"EventHandlers": [{"UrlTemplate": url, "EventPattern": "*"}]}}}}).to_string()
}

#[test]
fn a_changed_settings_file_is_in_force_for_connections_that_go_on_and_a_bad_one_changes_nothing() {
    let webhook = Webhook::start();
    let setup = emulator(["-v", "--settings", "s.json"]).file("s.json", &settings(&webhook.url("/one")));
    let file = setup.home().join("s.json");
    let (mut emulator, local) = start(setup);
    let mut listener = wps(["listen", &local, "--group", "g", "--count", "1", "-o", "ndjson"]).start();
    listener.skip_to("joined");
    let client = wps(["event", &local, "vote", "x"]).start();
    webhook.agree();
    let asked = webhook.expect("vote");
    assert_eq!(asked.path, "/one");
    asked.accept();
    assert_eq!(client.end().code, 0);
    // As editors do it: another file in its place.
    let other = file.with_extension("new");
    std::fs::write(&other, settings(&webhook.url("/two"))).unwrap();
    std::fs::rename(&other, &file).unwrap();
    emulator.err_line("has changed and is in force");
    std::fs::write(&file, "{\"WebPubSub\": nonsense").unwrap();
    let line = emulator.err_line("cannot be used");
    assert!(line.contains("stays in force") && line.contains("line 1 column"), "{line}");
    let client = wps(["event", &local, "vote", "x"]).start();
    webhook.agree();
    let asked = webhook.expect("vote");
    assert_eq!(asked.path, "/two");
    asked.accept();
    assert_eq!(client.end().code, 0);
    assert_eq!(wps(["send", &local, "g", "hi"]).run().code, 0);
    listener.expect("group-message");
    assert_eq!(listener.end().code, 0);
}

#[test]
fn a_bad_settings_file_is_exit_3_with_the_place_and_a_bad_flag_is_usage() {
    let text = r#"{"WebPubSub":{"Hubs":{"chat":{"EventHandlers":[{"UrlTemplate":"ftp://x"}]}}}}"#;
    let ended = emulator_in_words(["--settings", "s.json"]).file("s.json", text).run();
    ended.assert_failed(3, &["`s.json`", "`WebPubSub.Hubs.chat.EventHandlers[0].UrlTemplate`", "`ftp`"]);
    emulator_in_words(["--settings", "missing.json"]).run().assert_failed(3, &["`missing.json`"]);
    emulator_in_words(["--event-handler", "ftp://h"]).run().assert_failed(2, &["`--event-handler`", "`ftp`"]);
    emulator_in_words(["--user-events", "a"]).run().assert_failed(2, &["--event-handler"]);
}

#[test]
fn an_emulator_with_a_handler_that_hangs_stops_within_a_second() {
    let webhook = Webhook::start();
    let flag = format!("{},system-events=disconnected", webhook.url("/"));
    let (emulator, local) = start(emulator(["--event-handler", &flag]));
    let _client = wps(["event", &local, "vote", "x"]).start();
    webhook.agree();
    let _hanging = webhook.expect("vote");
    let asked = Instant::now();
    emulator.signal(rustix::process::Signal::TERM);
    let ended = emulator.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    // It takes half a second; the rest is for a busy machine.
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[test]
fn metadata_of_an_answer_that_cannot_be_passed_on_is_said() {
    let webhook = Webhook::start();
    let (emulator, local) = start(emulator(["--event-handler", &webhook.url("/"), "--system-events", ""]));
    let client = wps(["invoke", &local, "-o", "ndjson", "ask"]).start();
    webhook.agree();
    let headers = "X-WebPubSub-Metadata-Name: J\u{fc}rgen\r\nX-WebPubSub-Metadata-Trace: 1\r\n";
    webhook.expect("ask").answer("200 OK", headers, "x");
    let ended = client.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.records()[1]["metadata"], json!({"trace": "1"}));
    emulator.signal(rustix::process::Signal::TERM);
    emulator.end().assert_stderr(&[
        "`ask` of hub `hub1`: the header `x-webpubsub-metadata-name` is not ASCII; the client got the answer without it",
    ]);
}

#[test]
fn a_handler_whose_certificate_nobody_vouches_for_is_said_at_once_and_asked_once() {
    let service = Service::with_tls(Some(identity().0));
    let handler = format!("https://localhost:{}/,system-events=", service.port());
    let (emulator, local) = start(emulator(["--event-handler", &handler]));
    let client = wps(["event", &local, "--retries", "0", "vote", "x"]).start();
    assert!(service.accept().try_request().is_none(), "it is not asked anything");
    client.end().assert_failed(8, &["InternalServerError"]);
    service.assert_no_more_calls();
    emulator.signal(rustix::process::Signal::TERM);
    emulator.end().assert_stderr(&[
        "its certificate was not accepted: its issuer is not trusted;",
        "`SSL_CERT_FILE`",
        "the client got `InternalServerError`",
    ]);
}

#[test]
fn a_handler_with_a_development_certificate_is_asked_when_it_is_named_or_none_is_looked_at() {
    let (config, file) = identity();
    let certificate = file.path().to_str().unwrap();
    for trust in [&["--ca-cert", certificate][..], &["--insecure"]] {
        let service = Service::with_tls(Some(config.clone()));
        let handler = format!("https://localhost:{}/,system-events=", service.port());
        let (_emulator, local) = start(emulator(["--event-handler", &handler]).args(trust));
        let client = wps(["event", &local, "vote", "x"]).start();
        assert!(service.accept().request_has_come(), "it is asked");
        drop(client);
    }
    let bad = emulator_in_words(["--event-handler", "https://localhost:1/", "--ca-cert", "/nowhere.pem"]);
    bad.run().assert_failed(3, &["could not use `/nowhere.pem` for TLS", "hint: check the path"]);
    for trust in [&["--ca-cert", certificate][..], &["--insecure"]] {
        emulator_in_words([])
            .args(trust)
            .run()
            .assert_failed(2, &["is about event handlers, and there are none", "hint: "]);
    }
}

#[test]
fn a_failing_handler_is_asked_as_often_as_is_wanted_and_its_words_are_shown_to_who_looks_closer() {
    let webhook = Webhook::start();
    let url = format!("{},system-events=", webhook.url("/hook?code=sesame"));
    let flags = ["--event-handler", &url, "--handler-retries", "0", "-vv"];
    let (emulator, local) = start(emulator(flags));
    let client = wps(["event", &local, "--retries", "0", "vote", "the question"]).start();
    webhook.agree();
    webhook.expect("vote").answer("500 Internal Server Error", "", "the database is asleep");
    client.end().assert_failed(8, &["InternalServerError"]);
    emulator.signal(rustix::process::Signal::TERM);
    let ended = emulator.end();
    ended.assert_stderr(&["→ POST `http", "/hook`", "→ the question", "← the database is asleep", "it answered 500"]);
    assert!(!ended.stderr.contains("sesame") && !ended.stderr.contains("asked again"), "{}", ended.stderr);
}

#[test]
fn a_slow_handler_has_as_long_as_is_wanted() {
    let webhook = Webhook::start();
    let url = format!("{},system-events=", webhook.url("/"));
    let (emulator, local) = start(emulator(["--event-handler", &url, "--handler-timeout", "200ms"]));
    let client = wps(["event", &local, "--retries", "0", "vote", "x"]).start();
    webhook.agree();
    let _hanging = webhook.expect("vote");
    client.end().assert_failed(8, &["InternalServerError"]);
    emulator.signal(rustix::process::Signal::TERM);
    emulator.end().assert_stderr(&["it did not answer within 200ms"]);
    for flag in [["--handler-timeout", "1s"], ["--handler-retries", "1"]] {
        emulator_in_words(flag).run().assert_failed(2, &["is about event handlers, and there are none"]);
    }
}

#[test]
fn the_log_of_what_a_handler_is_asked_has_no_secret_of_the_client() {
    let webhook = Webhook::start();
    let url = format!("{},system-events=connect", webhook.url("/"));
    let (emulator, local) = start(emulator(["--event-handler", &url, "-vvv"]));
    let client = wps(["join", &local, "g"])
        .args([
            "--header",
            "X-Api-Key: sesame1",
            "--header",
            "Cookie: sid=sesame2",
            "--header",
            "X-Auth-Token: sesame3",
        ])
        .args(["--header", "X-Plain: seen"])
        .start();
    webhook.agree();
    let asked = webhook.expect("connect");
    assert_eq!(asked.json()["headers"]["X-Api-Key"], json!(["sesame1"]));
    asked.answer("204 No Content", "", "");
    assert_eq!(client.end().code, 0);
    emulator.signal(rustix::process::Signal::TERM);
    let ended = emulator.end();
    ended.assert_stderr(&["\"X-Plain\":[\"seen\"]"]);
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
}
