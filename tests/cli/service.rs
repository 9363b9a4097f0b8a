//! `wps service`: what an application server does. The emulator is the service, with a listener that sees what it does; or
//! the test plays the service itself and looks at each request.

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::proxy::{Manners, Proxy};
use crate::support::webhook::{Asked, Webhook};
use crate::support::{Ended, Running, Setup, wps};

/// A key that is nobody's.
const KEY: &str = "c2VzYW1lLW9wZW4tdGhlLWRvb3ItdGhhdC1ub2JvZHkta25vd3M=";

/// A service that the test plays.
struct Api(Webhook);

impl Api {
    fn start() -> Self {
        Self(Webhook::start())
    }

    fn connection_string(&self, path: &str) -> String {
        format!("Endpoint={};AccessKey={KEY};Version=1.0;", self.0.url(path))
    }

    /// `wps service` with these arguments, on hub `chat`, with pauses that nobody notices.
    fn run(&self, args: &[&str]) -> Setup {
        wps(["service"]).args(args).args([
            "--connection-string",
            &self.connection_string(""),
            "--hub",
            "chat",
            "--retry-delay",
            "1ms",
        ])
    }

    /// The next request, with its token taken apart: the claims.
    fn next(&self) -> (Asked, Value) {
        let asked = self.0.next();
        let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let claims = token.map_or(Value::Null, |token| {
            let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
            serde_json::from_slice(&claims).unwrap()
        });
        (asked, claims)
    }

    /// Answers the next requests one after the other with these statuses, header lines and bodies.
    fn answering(
        self,
        answers: &'static [(&'static str, &'static str, &'static str)],
    ) -> (Self, thread::JoinHandle<()>) {
        let Self(webhook) = self;
        let url = webhook.url("");
        let handle = thread::spawn(move || {
            for (status, headers, body) in answers {
                webhook.next().answer(status, headers, body);
            }
        });
        // The listening thread goes on; its address is all that is needed now.
        (Self(Webhook::at(&url)), handle)
    }
}

fn ok(ended: &Ended) {
    assert_eq!(ended.code, 0, "{}{}", ended.text(), ended.stderr);
}

/// The answer is no, and why.
fn no(ended: &Ended, parts: &[&str]) {
    assert_eq!((ended.code, ended.text()), (12, "no\n"), "{}", ended.stderr);
    ended.assert_stderr(parts);
}

fn listener(emulator: &Emulator, user: &str, more: &[&str]) -> (Running, String) {
    let mut running =
        wps(["listen", "-o", "ndjson", "--user", user, "--no-reconnect", &emulator.local()]).args(more).start();
    let id = running.expect("connected")["connectionId"].as_str().unwrap().to_owned();
    (running, id)
}

#[test]
fn every_operation_is_seen_by_a_client_or_in_what_is_asked_next() {
    let emulator = Emulator::start(&[]);
    let local = emulator.local();
    let service = |args: &[&str]| wps(["service"]).args(args).arg(&local).run();
    let (mut alice, id) = listener(&emulator, "alice", &[]);
    // Sends, to each kind of target and of each type.
    for (args, kind, data_type, data) in [
        (&["send", "--all", "to all"][..], "server-message", "text", json!("to all")),
        (&["send", "--user", "alice", "-t", "json", "{\"n\":1.50}"], "server-message", "json", json!({"n": 1.50})),
        (
            &["send", "--connection", &id, "-t", "binary", "--encoding", "hex", "00ff"],
            "server-message",
            "binary",
            json!("AP8="),
        ),
    ] {
        ok(&service(args));
        let record = alice.record();
        assert_eq!(
            (record["type"].as_str(), record["dataType"].as_str(), &record["data"]),
            (Some(kind), Some(data_type), &data),
            "{args:?}"
        );
    }
    // Groups: by connection, by user, by filter.
    ok(&service(&["group", "add", "g 1", "--connection", &id]));
    ok(&service(&["group", "add", "g2", "--user", "alice"]));
    ok(&service(&["group", "add", "g3", "--filter", "userId eq 'alice'"]));
    for group in ["g 1", "g2", "g3"] {
        ok(&service(&["send", "--group", group, "to a group"]));
        assert_eq!(alice.expect("group-message")["group"], group);
        service(&["exists", "--group", group]).assert(0, "yes\n", "");
        service(&["exists", "--member", &id, "--group", group]).assert(0, "yes\n", "");
        service(&["connections", "--group", group]).assert(0, &format!("{id}\talice\n"), "");
    }
    ok(&service(&["group", "remove", "g2", "--user", "alice"]));
    ok(&service(&["group", "remove", "g3", "--filter", "'g3' in groups"]));
    for group in ["g2", "g3"] {
        no(&service(&["exists", "--group", group]), &["has no connection"]);
    }
    ok(&service(&["group", "remove-all", "--connection", &id]));
    no(&service(&["exists", "--member", &id, "--group", "g 1"]), &["is not in the group `g 1`"]);
    ok(&service(&["group", "add", "g2", "--user", "alice"]));
    ok(&service(&["group", "remove", "g2", "--connection", &id]));
    ok(&service(&["group", "add", "g2", "--user", "alice"]));
    ok(&service(&["group", "remove-all", "--user", "alice"]));
    no(&service(&["exists", "--group", "g2"]), &[]);
    // Who is there.
    service(&["exists", "--connection", &id]).assert(0, "yes\n", "");
    service(&["exists", "--user", "alice"]).assert(0, "yes\n", "");
    let nobody = service(&["exists", "--user", "bob"]);
    assert_eq!((nobody.code, nobody.text()), (12, "no\n"));
    // What is excluded and filtered does not come, what follows does.
    ok(&service(&["send", "--all", "--exclude", &id, "not this"]));
    let filtered = service(&["send", "--all", "--filter", "userId ne 'alice'", "nor this"]);
    ok(&filtered);
    filtered.assert_stderr(&["sent to all connections that match the filter"]);
    ok(&service(&["send", "--all", "--message-ttl", "20s", "--metadata", "Trace=a b=1", "--metadata", "n=", "this"]));
    let this = alice.expect("server-message");
    assert_eq!((&this["data"], &this["metadata"]), (&json!("this"), &json!({"trace": "a b=1", "n": ""})));
    ok(&service(&["health"]));
    // The end of it.
    ok(&service(&["close", "--all", "--exclude", &id]));
    ok(&service(&["close", "--connection", &id, "--reason", "good night"]));
    let lost = alice.skip_to("recovering");
    assert!(lost["message"].as_str().unwrap().contains("good night"), "{lost}");
    no(&service(&["exists", "--connection", &id]), &["there is no connection"]);
}

#[test]
fn permissions_are_granted_checked_and_taken_away() {
    let emulator = Emulator::start(&[]);
    let local = emulator.local();
    let (_ann, id) = listener(&emulator, "ann", &["--role", "webpubsub.sendToGroup.other"]);
    let permission = |action: &str, name: &str| {
        wps(["service", "permission", action, name, "--connection", &id, "--group", "g", &local]).run()
    };
    for name in ["sendToGroup", "joinLeaveGroup"] {
        let no = permission("check", name);
        assert_eq!((no.code, no.text()), (12, "not granted\n"));
        ok(&permission("grant", name));
        permission("check", name).assert(0, "granted\n", "");
        ok(&permission("revoke", name));
        assert_eq!(permission("check", name).code, 12);
    }
    let record = &wps([
        "service",
        "permission",
        "check",
        "sendToGroup",
        "--connection",
        &id,
        "--group",
        "other",
        "-o",
        "ndjson",
        &local,
    ])
    .run()
    .records()[0];
    assert_eq!(record["type"], "permission");
    assert_eq!(
        (&record["granted"], &record["permission"], &record["group"], &record["target"], &record["status"]),
        (&json!(true), &json!("sendToGroup"), &json!("other"), &json!(id), &json!(200))
    );
}

#[test]
fn requests_are_those_of_the_api_and_carry_a_token_for_themselves() {
    let api = Api::start();
    for (args, line, content_type, body) in [
        (
            &["send", "--group", "a b/c", "hi", "--exclude", "x", "--exclude", "y", "--message-ttl", "7"][..],
            "POST /api/hubs/chat/groups/a%20b%2Fc/:send?api-version=2024-12-01&excluded=x&excluded=y&messageTtlSeconds=7",
            Some("text/plain"),
            "hi",
        ),
        (
            &["send", "--user", "zoë", "-t", "json", "[1.50]"],
            "POST /api/hubs/chat/users/zo%C3%AB/:send?api-version=2024-12-01",
            Some("application/json"),
            "[1.50]",
        ),
        (
            &["send", "--all", "-t", "binary", "--filter", "userId eq 'a b'", "-7"],
            "POST /api/hubs/chat/:send?api-version=2024-12-01&filter=userId%20eq%20%27a%20b%27",
            Some("application/octet-stream"),
            "-7",
        ),
        (
            &["group", "add", "g", "--filter", "userId eq null"],
            "POST /api/hubs/chat/:addToGroups?api-version=2024-12-01",
            Some("application/json"),
            r#"{"filter":"userId eq null","groups":["g"]}"#,
        ),
        (
            &["close", "--user", "u", "--reason", "a & b"],
            "POST /api/hubs/chat/users/u/:closeConnections?api-version=2024-12-01&reason=a%20%26%20b",
            None,
            "",
        ),
        (
            &["permission", "grant", "joinleavegroup", "--connection", "c", "--group", "g"],
            "PUT /api/hubs/chat/permissions/joinLeaveGroup/connections/c?api-version=2024-12-01&targetName=g",
            None,
            "",
        ),
    ] {
        let run = api.run(args).start();
        let (asked, claims) = api.next();
        assert_eq!(format!("{} {}", asked.method, asked.path), line);
        assert_eq!(asked.header("content-type"), content_type, "{line}");
        assert_eq!(String::from_utf8_lossy(&asked.body), body);
        let url = format!("{}{}", api.0.url(""), asked.path);
        assert_eq!(claims["aud"].as_str(), url.split('?').next(), "{claims}");
        assert!(claims["exp"].as_u64() > claims["iat"].as_u64(), "{claims}");
        asked.answer(
            match args[0] {
                "send" => "202 Accepted",
                "close" => "204 No Content",
                _ => "200 OK",
            },
            "",
            "",
        );
        ok(&run.end());
    }
    // Whether it is well is asked without a token, and without a hub.
    let run = wps(["service", "health", "--connection-string", &api.connection_string("")]).start();
    let (asked, claims) = api.next();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("HEAD", "/api/health?api-version=2024-12-01"));
    assert_eq!(claims, Value::Null);
    asked.answer("200 OK", "", "");
    ok(&run.end());
    // A gateway's path stands before all.
    let run = wps(["service", "exists", "--user", "u", "--hub", "chat"])
        .args(["--connection-string", &api.connection_string("/gate/")])
        .start();
    let (asked, claims) = api.next();
    assert_eq!(asked.path, "/gate/api/hubs/chat/users/u?api-version=2024-12-01");
    assert_eq!(claims["aud"].as_str(), Some(api.0.url("/gate/api/hubs/chat/users/u").as_str()));
    asked.answer("200 OK", "", "");
    run.end().assert(0, "yes\n", "");
}

#[test]
fn answers_have_their_exit_codes_with_what_the_service_says() {
    const BAD_FILTER: &str = r#"{"code":"Error.BadRequest","message":"Invalid syntax for 'x'."}"#;
    for (answer, code, parts) in [
        (("401 Unauthorized", "", ""), 5, &["401 Unauthorized", "hint: the token was signed here"][..]),
        (("403 Forbidden", "x-ms-error-code: Error.Forbidden\r\n", ""), 5, &["403 Forbidden (`Error.Forbidden`)"]),
        (("404 Not Found", "", r#"{"code":"Error.Hub","message":"Nobody."}"#), 8, &["(`Error.Hub`)", "Nobody."]),
        (
            ("400 Bad Request", "", BAD_FILTER),
            8,
            &["(`Error.BadRequest`)", "caused by: it answered: Invalid syntax for 'x'."],
        ),
        (("409 Conflict", "", "<html>\n no </html>"), 8, &["409 Conflict", "<html> no </html>"]),
        (
            ("307 Temporary Redirect", "Location: http://other.example/?a=b\r\n", ""),
            8,
            &["redirects are not followed (to `http://other.example/?…`)"],
        ),
        (("429 Too Many Requests", "Retry-After: 600\r\n", ""), 4, &["asks to wait 10 min", "`--retry-max-delay`"]),
        (("500 Internal Server Error", "Retry-After: 121\r\n", "oops"), 4, &["500 Internal Server Error", "oops"]),
    ] {
        let answers: &'static [_] = Box::leak(Box::new([answer]));
        let (api, served) = Api::start().answering(answers);
        api.run(&["send", "--all", "x"]).run().assert_failed(code, parts);
        served.join().unwrap();
    }
}

#[test]
fn a_407_is_that_of_a_proxy_on_the_way() {
    let (api, served) = Api::start().answering(&[("407 Proxy Authentication Required", "", "")]);
    api.run(&["send", "--all", "x"]).run().assert_failed(
        4,
        &["407 Proxy Authentication Required", "hint: a proxy on the way wants credentials: `--proxy http://"],
    );
    served.join().unwrap();
}

#[test]
fn a_success_that_is_not_the_services_is_none() {
    for (args, ok) in [
        (&["send", "--all", "x"][..], "202"),
        (&["send", "--all", "--lines"], "202"),
        (&["close", "--all"], "204"),
        (&["group", "add", "g", "--user", "u"], "200"),
        (&["group", "remove-all", "--user", "u"], "204"),
        (&["permission", "grant", "sendToGroup", "--connection", "c", "--group", "g"], "200"),
        (&["permission", "revoke", "sendToGroup", "--connection", "c", "--group", "g"], "204"),
        (&["exists", "--user", "u"], "200"),
        (&["health"], "200"),
    ] {
        let answer = if ok == "200" { "201 Created" } else { "200 OK" };
        let answers: &'static [_] = Box::leak(Box::new([(answer, "", ""), (answer, "", "")]));
        let (api, _served) = Api::start().answering(answers);
        api.run(args).stdin("x\n").run().assert_failed(
            10,
            &[&format!(" is {answer}, and the service would say {ok}\n"), "hint: perhaps it is not Web PubSub"],
        );
        let records = api.run(args).stdin("x\n").args(["-o", "ndjson"]).run().records();
        let [response, stopped] = records.as_slice() else { panic!("{records:?}") };
        assert!(response["error"].is_object(), "{response}");
        assert_eq!((&stopped["exitCode"], &stopped["failed"]), (&json!(10), &json!(1)), "{stopped}");
    }
}

#[test]
fn what_passes_is_tried_again_as_often_as_wanted_and_after_what_is_asked_for() {
    let (api, served) = Api::start().answering(&[
        ("503 Service Unavailable", "", ""),
        ("429 Too Many Requests", "Retry-After: 0\r\n", ""),
        ("500 Internal Server Error", "", ""),
        ("202 Accepted", "", ""),
    ]);
    let ended = api.run(&["send", "--all", "x", "-o", "ndjson"]).run();
    ok(&ended);
    let records = ended.records();
    assert_eq!((&records[0]["type"], &records[0]["attempts"]), (&json!("response"), &json!(4)));
    ended.assert_stderr(&[
        "warning: could not send to all connections: it answered 503 Service Unavailable; trying again in",
        "(retry 3)",
    ]);
    served.join().unwrap();

    let (api, served) =
        Api::start().answering(&[("503 Service Unavailable", "", ""), ("503 Service Unavailable", "", "")]);
    api.run(&["exists", "--user", "u", "--retries", "1"])
        .run()
        .assert_failed(4, &["refused 2 times to look for the user `u`"]);
    served.join().unwrap();

    let (api, served) =
        Api::start().answering(&[("503 Service Unavailable", "Retry-After: 1\r\n", ""), ("202 Accepted", "", "")]);
    let began = Instant::now();
    ok(&api.run(&["send", "--all", "x"]).run());
    assert!(began.elapsed() >= Duration::from_secs(1));
    served.join().unwrap();
}

#[test]
fn a_run_that_takes_too_long_says_why() {
    let port = crate::support::service::ClosedPort::reserve().port();
    let ended = wps(["service", "health", "--hub", "h", "--retries", "1000000", "--retry-delay", "1ms"])
        .args(["--connection-string", &format!("Endpoint=http://127.0.0.1:{port};AccessKey={KEY};Version=1.0;")])
        .args(["--timeout", "2s", "-o", "ndjson"])
        .run();
    assert_eq!(ended.code, 124, "{}", ended.stderr);
    ended.assert_stderr(&[
        "timed out after 2 s (`--timeout`)",
        "caused by: could not check its health: could not connect",
    ]);
    let stopped = ended.records().pop().unwrap();
    let caused = stopped["error"].to_string();
    assert!(caused.contains("could not connect"), "{caused}");
}

#[test]
fn a_message_without_an_answer_is_not_sent_twice_unless_that_is_wanted() {
    let api = Api::start();
    let run = api.run(&["send", "--all", "x"]).start();
    drop(api.next());
    run.end()
        .assert_failed(9, &["whether the service did send to all connections is not known", "`--on-unknown resend`"]);

    let run = api.run(&["send", "--all", "x", "--on-unknown", "resend"]).start();
    drop(api.next());
    api.next().0.answer("202 Accepted", "", "");
    ok(&run.end());

    // As long as none has an answer, any may have been carried out, whatever the last one met.
    let resent = |retries: &str| {
        api.run(&["send", "--all", "x", "--on-unknown", "resend", "--retries", retries, "--ack-timeout", "200ms"])
            .start()
    };
    let run = resent("1");
    drop(api.next());
    let silent = api.next();
    run.end().assert_failed(
        9,
        &["whether the service did send to all connections is not known after 2 attempts", "within 200ms\nhint: each"],
    );
    drop(silent);
    let run = resent("1");
    drop(api.next());
    api.next().0.answer("503 Service Unavailable", "", "");
    run.end().assert_failed(9, &["503 Service Unavailable\nhint: an attempt before that had no answer"]);
    let run = resent("1");
    drop(api.next());
    api.next().0.answer("400 Bad Request", "", "");
    assert_eq!(run.end().code, 8, "what is refused so was refused before");

    // Each message has its record, also one that nobody knows the outcome of.
    let run = api.run(&["send", "--all", "--lines", "--keep-going", "-o", "ndjson"]).stdin("a\nb\n").start();
    drop(api.next());
    api.next().0.answer("202 Accepted", "", "");
    let ended = run.end();
    ended.assert_stderr(&["error: line 1 may have been sent; 1 was sent"]);
    let records = ended.records();
    assert_eq!((ended.code, records.len()), (9, 3));
    assert_eq!((&records[0]["line"], &records[0]["error"]["name"]), (&json!(1), &json!("OutcomeUnknown")));
    assert_eq!((&records[1]["line"], &records[1]["status"]), (&json!(2), &json!(202)));

    // Neither does whoever gives it up.
    let run = api.run(&["send", "--all", "x"]).start();
    let asked = api.next();
    run.signal(rustix::process::Signal::TERM);
    let ended = run.end();
    drop(asked);
    assert_eq!(ended.code, 143);
    ended.assert_stderr(&["warning: whether the service did send to all connections is not known"]);

    // What comes to the same the second time is asked again without being told to.
    let run = api.run(&["close", "--all"]).start();
    drop(api.next());
    api.next().0.answer("204 No Content", "", "");
    ok(&run.end());

    let run = api.run(&["send", "--all", "x", "--ack-timeout", "50ms"]).start();
    let silent = api.next();
    run.end().assert_failed(9, &["did not answer within 50ms"]);
    drop(silent);
}

#[test]
fn a_list_is_printed_page_by_page_and_its_links_lead_nowhere_else() {
    let api = Api::start();
    let mut run = api.run(&["connections", "--group", "g"]).start();
    let (first, _) = api.next();
    assert_eq!(first.path, "/api/hubs/chat/groups/g/connections?api-version=2024-12-01&maxpagesize=200");
    let link =
        "https://elsewhere.example/api/hubs/chat/groups/g/connections?api-version=2024-12-01&continuationToken=t%2B1";
    first.answer("200 OK", "", &json!({"value": [{"connectionId": "a", "userId": "u"}], "nextLink": link}).to_string());
    // Before the next page has come.
    assert_eq!(run.line(), "a\tu");
    let (second, claims) = api.next();
    assert_eq!(second.path, "/api/hubs/chat/groups/g/connections?api-version=2024-12-01&continuationToken=t%2B1");
    assert_eq!(claims["aud"].as_str(), Some(api.0.url("/api/hubs/chat/groups/g/connections").as_str()));
    second.answer("200 OK", "", r#"{"value":[{"connectionId":"b"}]}"#);
    assert_eq!(run.line(), "b");
    ok(&run.end());

    let run = api.run(&["connections", "--group", "g", "--limit", "1"]).start();
    let (first, _) = api.next();
    assert!(first.path.ends_with("&maxpagesize=1&top=1"), "{}", first.path);
    first.answer("200 OK", "", r#"{"value":[{"connectionId":"b"},{"connectionId":"c"}],"nextLink":"/x?y=z"}"#);
    run.end().assert(0, "b\n", "");

    for (body, part) in [
        ("<html>", "the answer is no list of connections"),
        (r#"{"value":[],"nextLink":"/api"}"#, "link to the next page has no query"),
        (
            r#"{"value":[],"nextLink":"?api-version=2024-12-01&maxpagesize=200"}"#,
            "leads to a page that was there before",
        ),
    ] {
        let run = api.run(&["connections", "--group", "g"]).start();
        api.next().0.answer("200 OK", "", body);
        run.end().assert_failed(10, &[part]);
    }
}

#[test]
fn links_that_lead_round_in_a_circle_are_noticed() {
    let api = Api::start();
    let run = api.run(&["connections", "--group", "g"]).start();
    for page in [1, 2, 3, 1, 2, 3] {
        let link = format!("?continuationToken={}", page % 3 + 1);
        let body = json!({"value": [{"connectionId": format!("c{page}")}], "nextLink": link}).to_string();
        api.next().0.answer("200 OK", "", &body);
    }
    let ended = run.end();
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    ended.assert_stderr(&["leads to a page that was there before"]);
}

#[test]
fn a_long_list_comes_whole() {
    let api = Api::start();
    let run = api.run(&["connections", "--group", "g", "-o", "ndjson"]).start();
    for page in 0..30 {
        let members: Vec<Value> = (0..200).map(|at| json!({"connectionId": format!("c{}", page * 200 + at)})).collect();
        let next = (page < 29).then(|| format!("/x?continuationToken={page}"));
        api.next().0.answer("200 OK", "", &json!({"value": members, "nextLink": next}).to_string());
    }
    let records = run.end().records();
    assert_eq!(records.len(), 6001);
    assert!((0..6000).all(|at| records[at]["connectionId"] == format!("c{at}")));
    assert_eq!(records[6000]["received"], 6000);
}

#[test]
fn lines_arrive_whole_and_in_their_order() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&["--count", "2000"]);
    let lines: String = (0..2000).map(|n| format!("line {n}\n")).collect();
    let ended =
        wps(["service", "send", "--group", "g", "--lines", "-o", "ndjson", &emulator.local()]).stdin(lines).run();
    ok(&ended);
    let records = ended.records();
    assert_eq!((records.len(), &records[1999]["line"]), (2001, &json!(2000)));
    assert_eq!((&records[2000]["sent"], &records[2000]["acked"]), (&json!(2000), &json!(2000)));
    for n in 0..2000 {
        assert_eq!(listener.expect("group-message")["data"], format!("line {n}"));
    }
}

#[test]
fn lines_side_by_side_all_arrive() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&["--count", "2000"]);
    let lines: String = (0..2000).map(|n| format!("{n}\n")).collect();
    let args = ["service", "send", "--group", "g", "--lines", "--in-flight", "32", "-t", "json"];
    let ended = wps(args).arg(emulator.local()).stdin(lines).run();
    ok(&ended);
    ended.assert_stderr(&["2000 lines sent to the group `g`"]);
    let mut numbers: Vec<u64> = (0..2000).map(|_| listener.expect("group-message")["data"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..2000));
}

#[test]
fn a_line_that_cannot_be_sent_stops_those_after_it() {
    let emulator = Emulator::start(&[]);
    let run = |more: &[&str]| {
        wps(["service", "send", "--group", "g", "--lines", "-t", "json", "-o", "ndjson", &emulator.local()])
            .args(more)
            .stdin("1\n2\n{\n4\n")
            .run()
    };
    let stopped = run(&[]);
    stopped.assert_stderr(&["error: line 3 was not sent; 2 were", "caused by: the data is not JSON"]);
    assert_eq!((stopped.code, stopped.records().len()), (11, 3));
    let gone_on = run(&["--keep-going"]);
    gone_on.assert_stderr(&["warning: line 3: the data is not JSON", "error: line 3 was not sent; 3 were"]);
    assert_eq!((gone_on.code, gone_on.records().len()), (11, 4));

    let (api, served) = Api::start().answering(&[("202 Accepted", "", ""), ("400 Bad Request", "", "")]);
    let ended = api.run(&["send", "--all", "--lines"]).stdin("a\nb\nc\n").run();
    ended.assert_failed(8, &["line 2 was not sent; 1 was", "400 Bad Request"]);
    served.join().unwrap();
}

#[test]
fn data_larger_than_the_service_takes_is_not_sent() {
    let emulator = Emulator::start(&[]);
    let ended = wps(["service", "send", "--all", "-", &emulator.local()]).stdin(vec![b'x'; 1024 * 1024 + 1]).run();
    ended.assert_failed(11, &["the data is too large"]);
    ok(&wps(["service", "send", "--all", "-t", "binary", "-", &emulator.local()])
        .stdin(vec![0; 1024 * 1024 - 64])
        .run());
}

#[test]
fn wrong_command_lines_say_what_is_missing() {
    for (args, parts) in [
        (
            &["send", "x", "--local"][..],
            &["nothing says whom to send to", "`--all`, `--group`, `--user` and `--connection`"][..],
        ),
        (&["send", "x", "--all", "--user", "u", "--local"], &["`--all` and `--user` exclude each other"]),
        (&["send", "--all", "--local"], &["no data given"]),
        (&["send", "x", "--user", "u", "--exclude", "c", "--local"], &["`--exclude` does not go with `--user`"]),
        (&["send", "x", "--all", "--filter", "userId eqq 1", "--local"], &["at character 8", "a filter is OData"]),
        (&["send", "x", "--all", "--message-ttl", "301s", "--local"], &["300s is the longest"]),
        (&["send", "x", "--all", "-t", "protobuf", "--local"], &["takes no `--type protobuf`"]),
        (&["send", "x", "--all", "--metadata", "a b=c", "--local"], &["`--metadata`: a key is not an HTTP token"]),
        (&["send", "x", "--all", "--metadata", "k=c ", "--local"], &["`k` cannot stand in an HTTP header"]),
        (&["close", "--local"], &["nothing says whom to close"]),
        (&["exists", "--local"], &["nothing says whom to look for", "`--connection`, or `--member` with `--group`"]),
        (&["exists", "--member", "c", "--local"], &["missing: `--group`"]),
        (&["exists", "--local"], &["nothing says whom to look for"]),
        (&["group", "add", "--user", "u", "--local"], &["missing: `GROUP`"]),
        (&["group", "remove-all", "g", "--user", "u", "--local"], &["`remove-all` takes no group"]),
        (
            &["group", "remove-all", "--filter", "userId eq null", "--local"],
            &["`--filter` does not go with `remove-all`"],
        ),
        (&["group", "add", "g", "--local"], &["nothing says whom"]),
        // Whoever normalises a path would take these for a way up, and the operation for one about all of the hub.
        (&["send", "x", "--user", "..", "--local"], &["`..` cannot be named in a request"]),
        (&["close", "--connection", ".", "--local"], &["`.` cannot be named in a request"]),
        (&["close", "--group", "..", "--local"], &["`..` cannot be named in a request"]),
        (&["exists", "--member", "..", "--group", "g", "--local"], &["`..` cannot be named in a request"]),
        (&["group", "add", "g", "--user", "..", "--local"], &["`..` cannot be named in a request"]),
        (&["group", "remove", "..", "--user", "u", "--local"], &["`..` cannot be named in a request"]),
        (
            &["permission", "check", "sendToGroup", "--connection", "..", "--local"],
            &["`..` cannot be named in a request"],
        ),
        (&["health", "--local", "--connection-string", "x"], &["two services"]),
        (&["health", "--connection-string", "-", "--proxy", "-"], &["both take standard input"]),
    ] {
        wps(["service"]).args(args).run().assert_failed(2, parts);
    }
    let ended = wps(["service", "health"]).env("WPS_URL", "ws://localhost/client/hubs/h").run();
    ended.assert_failed(3, &["nothing says which service", "`--connection-string S --hub H`"]);
    wps(["service", "health", "--local=1"]).run().assert_failed(4, &["nothing listens at", "hint: start an emulator"]);
}

#[test]
fn a_profile_brings_the_service_and_never_the_target() {
    let api = Api::start();
    let config =
        "[profiles.work]\nconnection-string = \"@connection.txt\"\nhub = \"chat\"\nuser = \"alice\"\nretries = 0\n";
    let run = wps(["service", "send", "--group", "g", "x", "--profile", "work"])
        .config(config)
        .file("config/wps/connection.txt", &api.connection_string(""))
        .start();
    let (asked, _) = api.next();
    assert_eq!(asked.path, "/api/hubs/chat/groups/g/:send?api-version=2024-12-01");
    asked.answer("503 Service Unavailable", "", "");
    run.end().assert_failed(4, &["the service refused to send to the group `g`: 503"]);
}

#[test]
fn no_key_and_no_token_is_shown() {
    let api = Api::start();
    let run = api.run(&["send", "--all", "the message", "-vvv"]).start();
    let (asked, _) = api.next();
    let token = asked.header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    asked.answer("400 Bad Request", "", &json!({"code": "E", "message": format!("bad {token} and {KEY}")}).to_string());
    let ended = run.end();
    ended.assert_failed(
        8,
        &["→ POST /api/hubs/chat/:send", "→ authorization: [redacted]", "→ the message", "← 400 Bad Request"],
    );
    let signature = token.rsplit('.').next().unwrap();
    assert!(!ended.stderr.contains(signature) && !ended.stderr.contains(KEY), "{}", ended.stderr);
}

#[test]
fn the_way_there_is_that_of_the_other_commands() {
    let api = Api::start();
    let proxy = Proxy::start(Manners::Http(None));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let run = api.run(&["exists", "--user", "u", "--proxy", &url, "--header", "X-Gate: open"]).start();
    let (asked, _) = api.next();
    assert_eq!(asked.header("x-gate"), Some("open"));
    asked.answer("200 OK", "", "");
    ok(&run.end());
    assert!(proxy.asked().starts_with("CONNECT 127.0.0.1:"));

    let ended =
        wps(["service", "health", "--connection-string", "Endpoint=http://127.0.0.1:1;AccessKey=k", "--retries", "0"])
            .run();
    ended.assert_failed(4, &["could not connect to `127.0.0.1:1`", "nothing listens there"]);
}

#[test]
fn no_user_id_makes_a_line_of_a_list() {
    let emulator = Emulator::start(&[]);
    let mut listener =
        wps(["listen", &emulator.local(), "--user", "eve\nc1\talice", "-g", "g", "-o", "ndjson"]).start();
    let id = listener.expect("connected")["connectionId"].as_str().unwrap().to_owned();
    listener.skip_to("joined");
    let ended = wps(["service", "connections", "--group", "g", &emulator.local()]).run();
    ended.assert(0, &format!("{id}\teve\\nc1\talice\n"), "");
}
