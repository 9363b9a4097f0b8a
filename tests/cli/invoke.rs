//! `wps invoke`: what goes over the wire, what is printed, and how each call ends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::session::{Bench, gone};
use crate::support::emulator::Emulator;
use crate::support::service::{FromClient, Peer};
use crate::support::webhook::Webhook;
use crate::support::{Ended, Running, Service, kinds, wps};

fn start(service: &Service, args: &[&str]) -> Running {
    wps(["invoke", "--url", &service.url()]).args(args).start()
}

fn respond(peer: &mut Peer, id: &Value, fields: Value) {
    let mut frame = json!({"type": "invokeResponse", "invocationId": id});
    frame.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    peer.send(&frame);
}

#[test]
fn a_call_and_its_answer() {
    let service = Service::start();
    let wps = start(&service, &["-t", "json", "sum", "[1,2]", "-o", "ndjson", "--metadata", "trace=42"]);
    let mut peer = service.connect();
    let call = peer.operation();
    assert_eq!(
        call,
        json!({"type": "invoke", "invocationId": "1", "target": "event", "event": "sum", "dataType": "json",
            "data": [1, 2], "metadata": {"trace": "42"}})
    );
    let answer = json!({"success": true, "dataType": "json", "data": {"n": 3}, "metadata": {"took": "1"}});
    respond(&mut peer, &call["invocationId"], answer);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "invoke-response", "stopped"]);
    let answer = &records[1];
    assert_eq!((&answer["event"], &answer["invocationId"]), (&json!("sum"), &json!("1")));
    assert_eq!((&answer["success"], &answer["dataType"]), (&json!(true), &json!("json")));
    assert_eq!((&answer["data"], &answer["metadata"]), (&json!({"n": 3}), &json!({"took": "1"})));
    assert!(answer["elapsedMs"].is_number() && answer.get("line").is_none() && answer.get("error").is_none());
    assert_eq!((&records[2]["sent"], &records[2]["acked"]), (&json!(1), &json!(1)));
}

#[test]
fn the_answer_alone_is_what_stdout_has() {
    for (fields, args, stdout) in [
        (json!({"success": true, "dataType": "text", "data": "hi"}), &[][..], "hi\n"),
        (json!({"success": true, "dataType": "json", "data": {"a": 1}}), &["-o", "data"], "{\"a\":1}\n"),
        (json!({"success": true, "dataType": "binary", "data": "AP8="}), &[], "(binary of 2 bytes) AP8=\n"),
        (json!({"success": true}), &[], ""),
        (json!({"success": true, "dataType": "json", "data": null}), &[], "null\n"),
        (json!({"success": true, "dataType": "text", "data": "hi"}), &["--jq", ".data // empty", "-r"], "hi\n"),
    ] {
        let service = Service::start();
        let wps = start(&service, &[&["ask", "--invocation-id", "mine"], args].concat());
        let mut peer = service.connect();
        let call = peer.operation();
        assert_eq!(call, json!({"type": "invoke", "invocationId": "mine", "target": "event", "event": "ask"}));
        respond(&mut peer, &call["invocationId"], fields);
        peer.see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, stdout), "{}", ended.stderr);
    }
}

#[test]
fn a_refusal_and_an_answer_that_is_not_understood_have_their_codes() {
    for (fields, code, words) in [
        (json!({"success": false, "error": {"name": "BadRequest", "message": "no"}}), 8, "`BadRequest`: no"),
        (json!({"success": false}), 8, "no reason given"),
        (json!({"success": "yes"}), 10, "not understood"),
        (json!({"success": true, "dataType": "odd", "data": 1}), 10, "unknown `dataType`: `odd`"),
    ] {
        let service = Service::start();
        let wps = start(&service, &["ask", "-o", "ndjson"]);
        let mut peer = service.connect();
        let call = peer.operation();
        respond(&mut peer, &call["invocationId"], fields);
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        ended.assert_stderr(&[words]);
        let records = ended.records();
        assert_eq!(kinds(&records), ["connected", "invoke-response", "stopped"]);
        assert_eq!((&records[1]["success"], &records[2]["failed"]), (&json!(false), &json!(1)));
        let name = match (code, words) {
            (10, _) => json!("NotUnderstood"),
            (_, "no reason given") => Value::Null,
            _ => json!("BadRequest"),
        };
        assert_eq!(records[1]["error"]["name"], name);
    }
}

/// The records of calls of which nobody can know what became.
fn lost(ended: &Ended) -> Vec<Value> {
    let mut records = ended.records();
    records.retain(|record| record["type"] == "operation-unknown");
    records
}

/// PROTOCOL §19.17.
#[test]
fn a_lost_answer_ends_the_run_at_once_and_nothing_is_called_again() {
    let service = Service::start();
    let wps = start(&service, &["ask", "-o", "ndjson"]);
    let mut peer = service.connect();
    peer.operation();
    peer.reset();
    let ended = wps.end();
    let record = lost(&ended).remove(0);
    assert_eq!((&record["operation"], &record["event"]), (&json!("invoke"), &json!("ask")));
    assert_eq!((&record["invocationId"], record.get("ackId"), record.get("line")), (&json!("1"), None, None));
    assert!(record["reason"].is_string(), "{record}");
    assert_eq!(ended.code, 9, "{}", ended.stderr);
    ended.assert_stderr(&["error: the answer to `ask` (invocationId `1`) is lost", "may have been carried out"]);
    ended.assert_stderr(&["`--on-unknown resend`"]);
}

#[test]
fn on_request_it_is_called_again_under_a_new_id() {
    let service = Service::start();
    let wps = start(&service, &["ask", "--on-unknown", "resend"]);
    let mut peer = service.connect();
    assert_eq!(peer.operation()["invocationId"], "1");
    peer.reset();
    let mut peer = service.recovery();
    let call = peer.operation();
    assert_eq!(call["invocationId"], "2");
    // The first answer comes late, and is not the second's.
    respond(&mut peer, &json!("1"), json!({"success": true, "dataType": "text", "data": "old"}));
    respond(&mut peer, &json!("2"), json!({"success": true, "dataType": "text", "data": "new"}));
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, "new\n"), "{}", ended.stderr);
}

/// PROTOCOL §19.18.
#[cfg(unix)]
#[test]
fn ctrl_c_and_timeout_tell_the_service() {
    for timeout in [false, true] {
        let service = Service::start();
        let more: &[&str] = if timeout { &["--timeout", "2s"] } else { &[] };
        let wps = start(&service, &[&["ask", "-o", "ndjson"], more].concat());
        let mut peer = service.connect();
        let call = peer.operation();
        if !timeout {
            wps.signal(rustix::process::Signal::INT);
        }
        let cancelled = peer.operation();
        assert_eq!(cancelled, json!({"type": "cancelInvocation", "invocationId": call["invocationId"]}));
        peer.see_off();
        let ended = wps.end();
        if timeout {
            ended.assert_stderr(&["timed out after 2 s", "may have been carried out"]);
        } else {
            ended.assert_stderr(&["error: ended by a signal", "`1`): it may have been carried out"]);
        }
        assert_eq!(ended.code, if timeout { 124 } else { 130 });
        assert_eq!((&lost(&ended)[0]["invocationId"], &lost(&ended)[0]["event"]), (&json!("1"), &json!("ask")));
    }
}

#[test]
fn many_calls_wait_at_once_and_each_answer_names_its_line() {
    let service = Service::start();
    let wps = wps(["invoke", "--url", &service.url(), "double", "--lines", "-o", "ndjson", "--in-flight", "2"])
        .stdin("a\nb\nc\n")
        .start();
    let mut peer = service.connect();
    let (first, second) = (peer.operation(), peer.operation());
    assert_eq!((&first["data"], &second["data"]), (&json!("a"), &json!("b")));
    // The third waits for room.
    assert_eq!(peer.next_until(std::time::Instant::now() + Duration::from_millis(100)), FromClient::Silence);
    respond(&mut peer, &second["invocationId"], json!({"success": true, "dataType": "text", "data": "bb"}));
    let third = peer.operation();
    assert_eq!(third["data"], "c");
    respond(&mut peer, &third["invocationId"], json!({"success": true, "dataType": "text", "data": "cc"}));
    respond(&mut peer, &first["invocationId"], json!({"success": true, "dataType": "text", "data": "aa"}));
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    let answers = records.iter().filter(|record| record["type"] == "invoke-response");
    let answers: Vec<_> = answers.map(|record| (record["line"].as_u64().unwrap(), record["data"].clone())).collect();
    assert_eq!(answers, [(2, json!("bb")), (3, json!("cc")), (1, json!("aa"))]);
    ended.assert_stderr(&["sent 3 invocations, 3 answered"]);
}

#[cfg(unix)]
#[test]
fn of_many_calls_each_one_that_is_lost_has_its_record_with_its_line() {
    use rustix::process::Signal;
    for (how, code, words) in [
        ("cut", 9, "line 2 failed"),
        (
            "signal",
            143,
            "2 invocations, of lines 2 to 3, were called off before their answers: they may have been carried out",
        ),
        (
            "timeout",
            124,
            "2 invocations, of lines 2 to 3, were called off before their answers: they may have been carried out",
        ),
    ] {
        let service = Service::start();
        let limit = if how == "timeout" { "3s" } else { "60s" };
        let args = ["invoke", "--url", &service.url(), "double", "--lines", "-o", "ndjson", "--timeout", limit];
        let wps = wps(args).stdin("a\nb\nc\n").start();
        let mut peer = service.connect();
        let calls = [peer.operation(), peer.operation(), peer.operation()];
        respond(&mut peer, &calls[0]["invocationId"], json!({"success": true}));
        match how {
            "cut" => drop(peer.reset()),
            "signal" => {
                wps.signal(Signal::TERM);
                drop((peer.operation(), peer.operation()));
                peer.see_off();
            }
            _ => {
                drop((peer.operation(), peer.operation()));
                peer.see_off();
            }
        }
        let ended = wps.end();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        ended.assert_stderr(&[words]);
        let told = lost(&ended);
        let told: Vec<_> = told.iter().map(|record| (record["line"].as_u64(), &record["invocationId"])).collect();
        assert_eq!(told, [(Some(2), &calls[1]["invocationId"]), (Some(3), &calls[2]["invocationId"])], "{how}");
    }
}

#[test]
fn records_bring_events_data_and_metadata_and_a_failure_is_named_by_its_line() {
    let emulator = Emulator::with(&["nack=Odd,op=invoke,event=b"]);
    let lines = "{\"event\":\"a\"}\n{\"event\":\"b\",\"data\":[1]}\n{\"event\":\"c\",\"data\":\"x\",\"metadata\":{\"k\":\"v\"}}\n\
                 {\"event\":\"9\",\"data\":1}\n";
    let ended = wps(["invoke", &emulator.local(), "--ndjson", "-o", "ndjson", "--keep-going"]).stdin(lines).run();
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    ended.assert_stderr(&[
        "line 4 cannot be sent",
        "line 2 failed",
        "2 answered, 2 failed",
        "error: line 2 failed",
        "`Odd`",
    ]);
    let mut answers: Vec<Value> = ended.records();
    answers.retain(|record| record["type"] == "invoke-response");
    answers.sort_by_key(|record| record["line"].as_u64());
    assert_eq!(answers.len(), 3);
    assert_eq!((answers[0].get("data"), &answers[0]["success"]), (None, &json!(true)));
    assert_eq!((&answers[1]["success"], &answers[1]["error"]["name"]), (&json!(false), &json!("Odd")));
    assert_eq!((&answers[2]["data"], &answers[2]["metadata"]), (&json!("x"), &json!({"k": "v"})));
    // Without --keep-going nothing after a refusal is sent.
    let args = ["invoke", &emulator.local(), "--ndjson", "--in-flight", "1"];
    let ended = wps(args).stdin("{\"event\":\"b\"}\n{\"event\":\"a\"}\n").run();
    ended.assert_failed(8, &["sent 1 invocation, 0 answered, 1 failed", "line 1 failed"]);
}

#[test]
fn what_cannot_be_is_refused_before_connecting() {
    for (args, words) in [
        (&["invoke", "--local=1", "9"][..], "NAME"),
        (&["invoke", "--local=1", "a", "--invocation-id", ""], "empty"),
        (&["invoke", "--local=1", "a", "--in-flight", "3"], "`--in-flight` is about many invocations"),
        (&["invoke", "--local=1", "a", "--metadata", "k"], "K=V"),
        (&["invoke", "--local=1", "a", "--metadata", "k k=v"], "a key is not an HTTP token"),
        (&["invoke", "--local=1", "a", "--metadata", "k=é"], "a value is not ASCII"),
        (&["invoke", "--local=1", "a", "--metadata", "k=1", "--metadata", "k=2"], "twice"),
        (&["send", "--local=1", "g", "x", "--message-ttl", "301"], "longer than 300 s"),
        (&["send", "--local=1", "g", "x", "--message-ttl", "1500ms"], "not whole seconds"),
    ] {
        wps(args.iter().copied()).run().assert_failed(2, &[words]);
    }
    wps(["invoke", "--local=1", "-t", "json", "a", "{"]).run().assert_failed(11, &["not JSON"]);
    wps(["invoke", "--local=1", "--file", "missing", "a"]).run().assert_failed(11, &["missing"]);
}

#[test]
fn the_emulator_asks_the_handler_of_the_event() {
    let webhook = Webhook::start();
    let emulator = Emulator::start(&["--event-handler", &webhook.url("/{event}"), "--system-events", ""]);
    let client = wps(["invoke", &emulator.local(), "-t", "json", "sum", "[1,2]", "--metadata", "trace=42"]).start();
    webhook.agree();
    let asked = webhook.next();
    assert_eq!((asked.path.as_str(), asked.body.as_slice()), ("/sum", b"[1,2]".as_slice()));
    assert_eq!(asked.header("ce-type"), Some("azure.webpubsub.user.sum"));
    assert_eq!(asked.header("x-webpubsub-metadata-trace"), Some("42"));
    asked.answer("200 OK", "Content-Type: application/json\r\n", "3");
    let ended = client.end();
    assert_eq!((ended.code, ended.text()), (0, "3\n"), "{}", ended.stderr);
    for (status, body, code, words) in [
        ("404 Not Found", "", 8, "`BadRequest`: The event handler answered with status 404."),
        ("302 Found", "", 8, "`InternalServerError`"),
        ("204 No Content", "", 0, "without data"),
    ] {
        let client = wps(["invoke", &emulator.local(), "none"]).start();
        let asked = webhook.next();
        assert_eq!((asked.header("content-type"), asked.body.as_slice()), (Some("text/plain"), b"".as_slice()));
        asked.answer(status, "", body);
        let ended = client.end();
        assert_eq!((ended.code, ended.text()), (code, ""), "{}", ended.stderr);
        ended.assert_stderr(&[words]);
    }
}

#[test]
fn faults_are_seen_as_what_they_are() {
    let call = |emulator: &Emulator, more: &[&str]| {
        wps(["invoke", &emulator.local(), "ask", "hi", "-o", "data"]).args(more).run()
    };
    for (fault, code, words) in [
        ("execute-then-drop,op=invoke", 9, "is lost"),
        ("nack=Odd,op=invoke,message=no", 8, "`Odd`: no"),
        ("garble-answer=shape", 10, "without `success`"),
    ] {
        let emulator = Emulator::with(&[fault]);
        call(&emulator, &[]).assert_failed(code, &[words]);
        assert_eq!(emulator.fired(), [1]);
    }
    // These have no answer that could be told.
    for fault in ["swallow-ack,op=invoke", "ignore,op=invoke", "garble-answer=truncated"] {
        call(&Emulator::with(&[fault]), &["--timeout", "1500ms"]).assert_failed(124, &["called off before its answer"]);
    }
    for (fault, answer) in
        [("delay-ack=50ms,op=invoke", "hi\n"), ("duplicate-ack,op=invoke", "hi\n"), ("garble-answer=null", "null\n")]
    {
        let ended = call(&Emulator::with(&[fault]), &[]);
        assert_eq!((ended.code, ended.text()), (0, answer), "{fault}: {}", ended.stderr);
    }
}

#[test]
fn a_protobuf_client_calls_alike() {
    let emulator = Emulator::start(&[]);
    let args = ["invoke", &emulator.local(), "--protocol", "protobuf-reliable", "-t", "json", "sum", "[1.0,2]"];
    let ended = wps(args).args(["-o", "ndjson", "--metadata", "k=v"]).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    assert_eq!((&records[1]["data"], &records[1]["metadata"]), (&json!([1.0, 2]), &json!({"k": "v"})));
    assert!(ended.text().contains("[1.0,2]"), "digit for digit: {}", ended.text());
}

#[test]
fn a_repl_calls_prints_and_expects() {
    let emulator = Emulator::with(&["nack=Odd,op=invoke,event=refused"]);
    let lines = "invoke ask it's \"so\"\ninvoke -t json --metadata k=v sum {\"a\": 1.0}\n\
                 expect .type == \"invoke-response\" and .metadata.k == \"v\"\ninvoke none\ninvoke refused x\n";
    let ended = wps(["repl", &emulator.local()]).stdin(lines).run();
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    ended.assert_stderr(&["`none` was answered", "error: line 5: ", "`Odd`"]);
    assert_eq!(ended.text(), "it's \"so\"\n{\"a\": 1.0}\n");
}

#[test]
fn metadata_and_time_to_live_go_with_messages_and_reach_listeners() {
    let service = Service::start();
    let wps_ = wps([
        "send",
        "--url",
        &service.url(),
        "g",
        "x",
        "--metadata",
        "a=1",
        "--metadata",
        "b=",
        "--message-ttl",
        "30s",
    ])
    .start();
    let mut peer = service.connect();
    let sent = peer.operation();
    assert_eq!((&sent["metadata"], &sent["ttlSeconds"]), (&json!({"a": "1", "b": ""}), &json!(30)));
    peer.ack(&sent["ackId"]);
    peer.see_off();
    assert_eq!(wps_.end().code, 0);

    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&["--count", "3"]);
    assert_eq!(emulator.send("one", &["--metadata", "trace=42"]).code, 0);
    let records = "{\"data\":\"two\",\"metadata\":{\"n\":\"2\"},\"ttlSeconds\":5}\n{\"data\":\"three\"}\n";
    let args = ["send", &emulator.local(), "g", "--ndjson", "--metadata", "trace=43"];
    let ended = wps(args).stdin(records).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for (data, metadata) in
        [("one", json!({"trace": "42"})), ("two", json!({"n": "2"})), ("three", json!({"trace": "43"}))]
    {
        let record = listener.skip_to("group-message");
        assert_eq!((&record["data"], &record["metadata"]), (&json!(data), &metadata));
    }
    assert_eq!(listener.end().code, 0);
    let bad =
        wps(["send", &emulator.local(), "g", "--ndjson"]).stdin("{\"data\":1,\"metadata\":{\"a\":\"é\"}}\n").run();
    bad.assert_failed(11, &["line 1 cannot be sent", "not ASCII"]);
    let bad = wps(["send", &emulator.local(), "g", "--ndjson"]).stdin("{\"data\":1,\"ttlSeconds\":301}\n").run();
    bad.assert_failed(11, &["`ttlSeconds` is more than 300"]);
}

#[test]
fn a_call_goes_over_the_connection_of_earlier_runs_and_no_run_makes_that_of_another() {
    let bench = Bench::new();
    bench.left();
    let call = |bench: &Bench| bench.run(&["invoke", "sum", "x", "-o", "ndjson"]).start();
    let first = call(&bench);
    let mut peer = bench.recovered();
    let FromClient::Frame(asked) = peer.next() else { panic!("no call") };
    assert_eq!(asked["event"], "sum");
    first.signal(rustix::process::Signal::KILL);
    assert_eq!((first.end().code, gone(&mut peer)), (-9, true));
    let second = call(&bench);
    let mut peer = bench.recovered();
    let FromClient::Frame(own) = peer.next() else { panic!("no call") };
    assert_ne!(own["invocationId"], asked["invocationId"]);
    // The answer to the first call comes late, and is nobody's.
    respond(&mut peer, &asked["invocationId"], json!({"success": true, "dataType": "text", "data": "late"}));
    respond(&mut peer, &own["invocationId"], json!({"success": true, "dataType": "text", "data": "own"}));
    // No other call, and no close frame.
    assert!(gone(&mut peer));
    let ended = second.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    assert_eq!(kinds(&records), ["recovered", "invoke-response", "stopped"]);
    assert_eq!((&records[1]["data"], &records[2]["unexpected"]), (&json!("own"), &json!(1)));
    let more = [
        (&["--lines"][..], "which of many calls an earlier run has made, nobody can know"),
        (&["--invocation-id", "mine"], "`--invocation-id` and `--session` do not go together"),
        (&["--protocol", "json"], "needs a subprotocol with recovery"),
    ];
    for (flags, words) in more {
        bench.run(&["invoke", "sum"]).args(flags.iter().copied()).run().assert_failed(2, &[words]);
    }
}
