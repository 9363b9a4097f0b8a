//! `wps webhook`: the service played towards an event handler, which the test plays: right ones, and wrong ones of every
//! kind with what is found of them.

use serde_json::{Value, json};

use crate::support::webhook::Webhook;
use crate::support::{Ended, Service, tls, wps};

const ALLOWED: &str = "WebHook-Allowed-Origin: *\r\n";

/// The checks of a run: step and status.
fn checks(ended: &Ended) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = ended.records().into_iter().filter(|record| record["type"] == "check");
    checks.map(|check| (text(&check["step"]), text(&check["status"]))).collect()
}

#[test]
fn a_right_handler_passes_every_step_and_sees_what_the_service_sends() {
    let handler = Webhook::start();
    let run = wps([
        "webhook",
        "test",
        &handler.url("/api/{hub}/{event}"),
        "--hub",
        "Chat",
        "--user",
        "alice",
        "-o",
        "ndjson",
    ])
    .args(["--connection-id", "0f3c931f3ee14d6f8c0ef1c9f4d2b5aa", "--claim", "tier=gold", "--query", "room=1"])
    .args(["--origin", "name.webpubsub.azure.com"])
    .start();
    let asked = handler.next();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("OPTIONS", "/api/chat/validate"));
    assert_eq!(asked.header("webhook-request-origin"), Some("name.webpubsub.azure.com"));
    asked.answer("200 OK", "WebHook-Allowed-Origin: other.example, NAME.webpubsub.azure.com\r\n", "");
    let asked = handler.expect("connect");
    let signature = "sha256=a0f6806be4457253ecd49608ba1ff52978d02356b49601965098b62db18bafa8";
    for (name, value) in [
        ("ce-type", "azure.webpubsub.sys.connect"),
        ("ce-hub", "chat"),
        ("ce-userid", "alice"),
        ("ce-id", "0"),
        ("ce-signature", signature),
        ("ce-subprotocol", "json.webpubsub.azure.v1"),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert_eq!(asked.header("ce-connectionstate"), None);
    let body = asked.json();
    assert_eq!(body["claims"], json!({"sub": ["alice"], "tier": ["gold"]}));
    assert_eq!((&body["query"], &body["subprotocols"]), (&json!({"room": ["1"]}), &json!(["json.webpubsub.azure.v1"])));
    asked.answer("200 OK", "ce-connectionState: s1\r\n", r#"{"userId":"bob","groups":["g"],"roles":[]}"#);
    let asked = handler.expect("connected");
    // What an answer changes is so from then on.
    assert_eq!((asked.header("ce-userid"), asked.header("ce-connectionstate")), (Some("bob"), Some("s1")));
    asked.accept();
    let asked = handler.expect("message");
    assert_eq!((asked.path.as_str(), asked.body.as_slice()), ("/api/chat/message", &b"hello"[..]));
    assert_eq!(
        (asked.header("ce-type"), asked.header("content-type")),
        (Some("azure.webpubsub.user.message"), Some("text/plain"))
    );
    asked.answer("200 OK", "Content-Type: text/plain\r\n", "hi");
    let asked = handler.expect("disconnected");
    assert_eq!((asked.json(), asked.header("ce-id")), (json!({"reason": ""}), Some("3")));
    asked.accept();
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let steps = ["validate", "connect", "connected", "event", "disconnected"];
    assert_eq!(checks(&ended), steps.map(|step| (step.to_owned(), "ok".to_owned())));
    let details: Vec<String> =
        ended.records().iter().map(|record| record["detail"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(details[1].contains("the client may connect, as user `bob`; groups g; roles"), "{details:?}");
    assert!(details[3].contains("the client gets a message, then its ack"), "{details:?}");
}

#[test]
fn each_wrong_handler_has_its_finding_and_its_exit_code() {
    for (step, (status, headers, body), code, parts) in [
        (
            "validate",
            ("404 Not Found", "", ""),
            8,
            &["GET 404: it answered 404", "no events at all", "route OPTIONS"][..],
        ),
        ("validate", ("200 OK", "", ""), 8, &["has no `WebHook-Allowed-Origin`", "`WebHook-Allowed-Origin: *`"]),
        ("validate", ("200 OK", "WebHook-Allowed-Origin: a.example\r\n", ""), 8, &["is `a.example`", "`--origin`"]),
        ("validate", ("401 Unauthorized", ALLOWED, ""), 8, &["it answered 401", "`ce-signature`"]),
        (
            "validate",
            ("301 Moved Permanently", "Location: /x/\r\n", ""),
            8,
            &["a redirect, which is not followed", "final URL"],
        ),
        (
            "connect",
            ("401 Unauthorized", "", "no"),
            6,
            &["401 `no`: it refused with 401", "in place of its connection"],
        ),
        ("connect", ("403 Forbidden", "", ""), 6, &["it refused with 403"]),
        ("connect", ("400 Bad Request", "", ""), 8, &["it refused with 400"]),
        (
            "connect",
            ("500 Internal Server Error", "", ""),
            8,
            &["it answered 500", "the client would get 500", "its log"],
        ),
        ("connect", ("200 OK", "", "OK"), 8, &["not a JSON object", "answer 204"]),
        ("connect", ("200 OK", "", r#"{"groups":"g"}"#), 8, &["its answer", "`groups`"]),
        ("connect", ("200 OK", "", r#"{"subprotocol":"mqtt"}"#), 8, &["`mqtt`, which was not offered"]),
        ("event", ("404 Not Found", "", ""), 8, &["`InternalServerError`", "route POST"]),
        ("event", ("200 OK", "Content-Type: text/html\r\n", "<p>"), 8, &["content type `text/html`", "`text/plain`"]),
        ("event", ("200 OK", "Content-Type: application/json\r\n", "{"), 8, &["is said to be JSON and is not"]),
        (
            "connected",
            ("500 Internal Server Error", "", ""),
            8,
            &["the client would not notice; the service tries again, and logs it"],
        ),
        ("connected", ("408 Request Timeout", "", ""), 8, &["the service tries again"]),
        ("connected", ("404 Not Found", "", ""), 8, &["the service does not try again", "route POST"]),
        (
            "disconnected",
            ("405 Method Not Allowed", "", ""),
            8,
            &["it answered 405", "the client would not notice; the service does not try again, and logs it"],
        ),
        ("disconnected", ("302 Found", "Location: /x\r\n", ""), 8, &["a redirect", "the service does not try again"]),
    ] {
        let handler = Webhook::start();
        let run = wps(["webhook", step, &handler.url("/")]).args((step == "event").then_some("message")).start();
        let asked = handler.next();
        // One that is not found is asked once more with GET.
        if step == "validate" && status.starts_with("404") {
            asked.answer(status, headers, body);
            handler.next().answer(status, headers, body);
        } else {
            asked.answer(status, headers, body);
        }
        let ended = run.end();
        assert_eq!(ended.code, code, "{step} {status}: {}{}", ended.text(), ended.stderr);
        let said = format!("{}{}", ended.text(), ended.stderr);
        for part in parts {
            assert!(said.contains(part), "{step} {status}: `{part}` is missing in:\n{said}");
        }
    }
}

#[test]
fn one_that_is_slow_silent_or_not_there_is_told_apart() {
    let handler = Webhook::start();
    let run = wps(["webhook", "connect", &handler.url("/"), "--handler-timeout", "50ms"]).start();
    let silent = handler.next();
    let ended = run.end();
    assert_eq!(ended.code, 8);
    ended.assert_stderr(&["it did not answer within 50ms", "`--handler-timeout`"]);
    drop(silent);

    let run = wps(["webhook", "connect", &handler.url("/")]).start();
    drop(handler.next());
    let ended = run.end();
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    ended.assert_stderr(&["it gave no whole answer"]);

    let ended = wps(["webhook", "test", "http://127.0.0.1:1/", "-o", "ndjson"]).run();
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let statuses: Vec<String> = checks(&ended).into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["failed", "skipped", "skipped", "skipped", "skipped"]);
}

#[test]
fn an_event_prints_the_answer_and_brings_the_state() {
    let handler = Webhook::start();
    let run = wps(["webhook", "event", &handler.url("/"), "vote", "{\"x\":1.50}", "-t", "json", "--state", "s0"])
        .args(["--access-key", "one", "--access-key", "two", "--header", "X-Test: yes"])
        .start();
    let asked = handler.expect("vote");
    assert_eq!(
        (asked.body.as_slice(), asked.header("content-type")),
        (&br#"{"x":1.50}"#[..], Some("application/json"))
    );
    assert_eq!((asked.header("ce-connectionstate"), asked.header("x-test")), (Some("s0"), Some("yes")));
    assert_eq!(asked.header("ce-signature").unwrap().matches("sha256=").count(), 2);
    asked.answer("200 OK", "Content-Type: application/json\r\n", r#"{"sum":2.50}"#);
    run.end().assert(0, "{\"sum\":2.50}\n", "");

    let run = wps(["webhook", "event", &handler.url("/"), "vote", "-o", "ndjson"]).start();
    handler.expect("vote").answer("200 OK", "X-WebPubSub-Metadata-Name: J\u{fc}rgen\r\n", "x");
    let ended = run.end();
    assert_eq!((ended.code, &ended.records()[0]["status"]), (0, &json!("warning")));
    let told = "without some of its metadata: the header `x-webpubsub-metadata-name` is not ASCII";
    assert!(ended.records()[0]["detail"].as_str().unwrap().ends_with(told), "{}", ended.text());

    let run = wps(["webhook", "event", &handler.url("/"), "vote"]).start();
    handler.expect("vote").answer("200 OK", "Content-Type: text/plain\r\nX-WebPubSub-Metadata-A: \u{e9}\r\n", "x");
    let said =
        "warning: the client's message goes without some of its metadata: the header `x-webpubsub-metadata-a` is";
    let ended = run.end();
    assert_eq!((ended.code, ended.text()), (0, "x\n"));
    assert!(ended.stderr.starts_with(said), "{}", ended.stderr);

    let run = wps(["webhook", "event", &handler.url("/"), "vote", "the question", "-vv"]).start();
    handler.expect("vote").answer("400 Bad Request", "", "no vote is open");
    run.end().assert_stderr(&["→ POST `http", "→ the question", "← 400 Bad Request", "← no vote is open"]);

    let run = wps(["webhook", "event", &handler.url("/"), "vote", "-o", "ndjson"]).start();
    handler.expect("vote").answer("200 OK", "Content-Type: application/json\r\nce-connectionState: s1\r\n", "[1.50]");
    let ended = run.end();
    let records = ended.records();
    assert_eq!(records[1]["type"], "response");
    assert_eq!((&records[1]["dataType"], &records[1]["state"]), (&json!("json"), &json!("s1")));
    assert!(ended.text().contains(r#""data":[1.50]"#), "{}", ended.text());

    for (args, code, part) in [
        (&["webhook", "connect", "ftp://x/"][..], 2, "the URL of the handler is not valid"),
        (&["webhook", "connect", "foo"], 2, "valid\ncaused by: it is not a URL: relative URL without a base\nhint: "),
        (&["webhook", "connect", "http://x/{user}"], 2, "`{user}`"),
        (&["webhook", "event", "http://x/", "1x"], 2, "NAME"),
        (&["webhook", "connect", "http://x/", "--query", "room"], 2, "NAME=VALUE"),
        // Nothing is changed or left out in silence.
        (&["webhook", "connect", "http://x/", "--state", "a\nb"], 2, "the value of `--state` cannot stand in a header"),
        (&["webhook", "connect", "http://x/", "--state", "\u{e9}"], 2, "`--state`"),
        (&["webhook", "connect", "http://x/", "--state", " a"], 2, "`--state`"),
        (&["webhook", "connect", "http://x/", "--connection-id", "a\nb"], 2, "the value of `--connection-id` cannot"),
        (&["webhook", "connect", "http://x/", "--origin", "c\nd"], 2, "the value of `--origin` is not a host"),
        (&["webhook", "connect", "http://x/", "--origin", "https://h"], 2, "`--origin`"),
        (&["webhook", "connect", "http://x/", "--origin", "h/path"], 2, "`--origin`"),
        (&["webhook", "connect", "http://x/", "--origin", ""], 2, "`--origin`"),
        (&["webhook", "connect", "http://x/", "--subprotocol", "a\nb"], 2, "the value of `--subprotocol` is no name"),
    ] {
        wps(args).run().assert_failed(code, &[part]);
    }
}

#[test]
fn claims_of_a_name_are_a_list_and_one_of_the_user_is_the_users() {
    let handler = Webhook::start();
    let run = wps(["webhook", "connect", &handler.url("/"), "--user", "alice", "--origin", "name.example:8080"])
        .args([
            "--claim",
            "role=a",
            "--claim",
            "role=b",
            "--claim",
            "n=1",
            "--claim",
            "l=[\"x\",\"y\"]",
            "--claim",
            "l=z",
        ])
        .start();
    let asked = handler.expect("connect");
    let claims = json!({"sub": ["alice"], "role": ["a", "b"], "n": ["1"], "l": ["x", "y", "z"]});
    assert_eq!(asked.json()["claims"], claims);
    asked.accept();
    assert_eq!(run.end().code, 0);
}

#[test]
fn what_the_service_would_not_see_of_an_answer_is_a_warning() {
    for (answer, hints) in [
        (
            r#"{"UserId":"bob","Groups":["g"]}"#,
            &[
                "the service would not see `Groups`: what it reads is `groups`",
                "the service would not see `UserId`: what it reads is `userId`",
            ][..],
        ),
        (
            r#"{"userId":"bob","states":{}}"#,
            &["the service would not see `states`: it reads `userId`, `groups`, `roles`, `subprotocol`"],
        ),
        (
            r#"{"roles":["joinLeaveGroup","webpubsub.sendToGroup.room*"]}"#,
            &[
                "of its `roles`, `joinLeaveGroup` is not a role that the service knows; did you mean \
                 `webpubsub.joinLeaveGroup`?",
                "of its `roles`, `room*` in `webpubsub.sendToGroup.room*` is a group of that name",
            ],
        ),
    ] {
        let handler = Webhook::start();
        let run = wps(["webhook", "connect", &handler.url("/"), "-o", "ndjson"]).start();
        handler.expect("connect").answer("200 OK", "", answer);
        let ended = run.end();
        let record = &ended.records()[0];
        // The client gets in all the same.
        assert_eq!((ended.code, &record["status"]), (0, &json!("warning")), "{}", ended.text());
        let hint = record["hint"].as_str().unwrap();
        hints.iter().for_each(|part| assert!(hint.contains(part), "{answer}: {hint}"));
    }
    let handler = Webhook::start();
    let run = wps(["webhook", "connect", &handler.url("/"), "-o", "ndjson"]).start();
    let answer = r#"{"userId":"bob","groups":["g"],"roles":["webpubsub.sendToGroup"],"subprotocol":null}"#;
    handler.expect("connect").answer("200 OK", "", answer);
    assert_eq!(run.end().records()[0]["status"], "ok");
}

#[test]
fn a_port_without_tls_is_said_to_be_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    let ended = wps(["webhook", "connect", &format!("https://127.0.0.1:{port}/")]).run();
    assert_eq!(ended.code, 4, "{}", ended.text());
    ended.assert_stderr(&["the port does not speak TLS, and its URL begins with `https://`", "`http://`"]);
    let string = format!("Endpoint=https://127.0.0.1:{port};AccessKey=0123456789abcdef0123456789abcdef;Version=1.0;");
    let ended =
        wps(["service", "send", "--all", "x", "--hub", "h", "--retries", "0", "--connection-string", &string]).run();
    ended.assert_failed(4, &["does not speak TLS", "`http://` is without, `https://` with it"]);
    server.join().unwrap();
}

#[test]
fn a_handler_whose_certificate_is_not_accepted_is_not_reached() {
    let mut params = tls::named(&["127.0.0.1"]);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = tls::config(params.self_signed(&key).unwrap(), &key, None, false);
    for (config, problem) in [
        (tls::identity().0, "its issuer is not trusted"),
        (authority, "it is the certificate of an authority, not of a server"),
    ] {
        let service = Service::with_tls(Some(config));
        let run = wps(["webhook", "test", &format!("https://127.0.0.1:{}/", service.port())]).start();
        assert!(service.accept().try_request().is_none(), "it is asked nothing");
        let ended = run.end();
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        let said = format!("caused by: the certificate of `127.0.0.1` was not accepted: {problem}\n");
        ended.assert_stderr(&[&said, "hint: `--ca-cert FILE`"]);
        assert!(ended.text().contains(problem), "{}", ended.text());
    }
}

#[test]
fn a_handler_that_does_not_take_up_tls_is_not_reached() {
    // It listens, and nobody takes the connection.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let ended = wps(["webhook", "validate", &url, "--handler-timeout", "300ms"]).run();
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    ended.assert_stderr(&["caused by: it did not take up TLS within 300 ms\n", "hint: is it running"]);
}
