//! `--record` and `wps replay`: what a recording holds, what it does not, and what is sent again of it.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use crate::support::emulator::Emulator;
use crate::support::service::ClosedPort;
use crate::support::{FromClient, PATIENCE, Peer, Running, Service, Setup, kinds, wps};

/// The lines of a recording, whose times never go back.
fn lines(text: &str) -> Vec<Value> {
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().skip(1).map(|line| line["at"].as_f64().unwrap()).is_sorted(), "{text}");
    lines
}

/// What happened, in words.
fn story(lines: &[Value]) -> Vec<String> {
    let tell = |line: &Value| match (line["direction"].as_str(), line["event"].as_str()) {
        (Some(direction), _) => format!("{direction} {}", line["frame"]["type"].as_str().unwrap()),
        (_, Some(event)) => event.to_owned(),
        _ => "header".to_owned(),
    };
    lines.iter().map(tell).collect()
}

#[test]
fn both_directions_are_recorded_without_tokens_and_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let service = Service::start();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recording");
    std::fs::write(&path, "what was there before, which was a good deal more than nothing\n".repeat(100)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let url = service.url();
    let wps = wps(["listen", "-g", "g", "-q", "--count", "1", "--url", &url, "--record"]).arg(&path).start();
    let mut peer = service.connect();
    let join = peer.operation();
    peer.ack(&join["ackId"]);
    peer.send_text(r#"{"sequenceId":1,"type":"message","from":"group","group":"g","dataType":"json","data":{"access_token=x":1.10}}"#);
    peer.see_off();
    assert_eq!(wps.end().code, 0);

    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let lines = lines(&text);
    let told = [
        "header",
        "dialling",
        "opened",
        "received system",
        "sent joinGroup",
        "received ack",
        "received message",
        "sent sequenceAck",
        "closing",
        "closed",
    ];
    assert_eq!(story(&lines), told, "{text}");
    assert_eq!((&lines[0]["recording"], &lines[0]["hub"]), (&json!(1), &json!("hub1")));
    assert!(lines[2]["url"].as_str().unwrap().ends_with("/client/hubs/hub1?access_token=[redacted]"), "{}", lines[2]);
    assert_eq!(lines[3]["frame"]["reconnectionToken"], "[redacted]");
    assert!(text.contains("\"data\":{\"access_token=x\":1.10}"), "data is not altered: {text}");
    let token = url.split_once("access_token=").unwrap().1;
    assert!(!text.contains(token) && !text.contains("reconnect-1"), "{text}");
}

#[test]
fn a_loss_and_a_recovery_are_recorded() {
    let service = Service::start();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recording");
    let wps = wps(["listen", "-q", "--count", "1", "--url", &service.url(), "--record"]).arg(&path).start();
    service.connect().reset();
    let mut peer = service.recovery();
    peer.say(1, "x");
    assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
    peer.see_off();
    assert_eq!(wps.end().code, 0);
    let lines = lines(&std::fs::read_to_string(&path).unwrap());
    let dials: Vec<&Value> = lines.iter().filter(|line| line["event"] == "dialling").collect();
    assert_eq!((&dials[0]["recovery"], &dials[1]["recovery"]), (&json!(false), &json!(true)));
    let closed = lines.iter().find(|line| line["event"] == "closed").unwrap();
    assert!(closed["error"].is_string() && closed["code"].is_null(), "{closed}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_not_grow_is_said_and_no_signal_that_kills() {
    let emulator = Emulator::start(&[]);
    let limited = |flags: &str| {
        // stdout and stderr are pipes, which have no size.
        let script = format!("ulimit -f 0; exec \"$WPS\" {flags} {}", emulator.local());
        Setup::shell(&script).run()
    };
    limited("listen -q -g g --record r").assert_failed(13, &["could not write the recording `r`", "File too large"]);
    limited("send -q g x --session s").assert_failed(3, &["`s` cannot be used", "cannot be written: File too large"]);
    limited("tunnel -q --no-check --upstream http://localhost:9 --record r")
        .assert_failed(13, &["could not write the recording `r`", "File too large"]);
}

#[test]
fn a_recording_that_cannot_be_written_is_exit_13() {
    let service = Service::start();
    let flags = ["listen", "-q", "--url", &service.url(), "--record"];
    let ended = wps(flags).arg("/no/such/folder/file").run();
    ended.assert_failed(13, &["error: could not write the recording `/no/such/folder/file`\ncaused by: "]);
    service.assert_no_more_calls();
    wps(flags).arg("/dev/full").run().assert_failed(13, &["`/dev/full`\ncaused by: No space left on device"]);
    // Nor does the last record say otherwise of a run that is over before the file has taken anything.
    let here = format!("--local={}", ClosedPort::reserve().port());
    let ended = wps(["repl", &here, "-o", "ndjson", "--record", "/dev/full"]).stdin("").run();
    let stopped = ended.records().pop().unwrap();
    assert_eq!((ended.code, &stopped["exitCode"], &stopped["reason"]), (13, &json!(13), &json!("failed")), "{stopped}");
    assert!(stopped["error"]["message"].as_str().unwrap().contains("`/dev/full`"), "{stopped}");

    // Later on, the connection is not lost without a word: it is closed, and the error told.
    let service = Service::start();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut wps = wps(["listen", "-q", "-o", "data", "--url", &service.url(), "--record"]).arg(&path).start();
    let pipe = std::fs::File::open(&path).unwrap();
    let mut peer = service.connect();
    peer.say(1, "x");
    assert_eq!(wps.line(), "x");
    drop(pipe);
    peer.say(2, "y");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 13, "{}", ended.stderr);
    ended.assert_stderr(&["error: could not write the recording", "caused by: broken pipe"]);
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_the_run_up() {
    let service = Service::start();
    let script = "mkfifo pipe; exec $WPS listen -q -o data --url \"$URL\" --record pipe";
    let mut wps = Setup::shell(script).env("URL", service.url()).start();
    let mut peer = service.connect();
    peer.say(1, "x");
    assert_eq!(wps.line(), "x");
    let asked = Instant::now();
    wps.signal(rustix::process::Signal::TERM);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert!(ended.at - asked < Duration::from_secs(5));
}

#[test]
fn a_killed_run_leaves_whole_lines() {
    let service = Service::start();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recording");
    let mut wps = wps(["listen", "-q", "-o", "data", "--url", &service.url(), "--record"]).arg(&path).start();
    let mut peer = service.connect();
    peer.say(1, "x");
    assert_eq!(wps.line(), "x");
    peer.say(2, "y");
    assert_eq!(wps.line(), "y");
    // It is written beside what is printed, and may come a little later.
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_to_string(&path).unwrap().lines().count() < 5 {
        assert!(Instant::now() < deadline, "nothing is recorded while it runs");
        std::thread::yield_now();
    }
    wps.signal(rustix::process::Signal::KILL);
    assert_eq!(wps.end().code, -9);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.ends_with('\n') && lines(&text).len() >= 5, "{text}");
}

/// A recording with these frames, sent at these times.
fn recording(sent: &[(f64, Value)]) -> String {
    let mut text = String::from("{\"recording\":1,\"hub\":\"hub1\"}\n{\"at\":0.1,\"event\":\"opened\"}\n");
    for (at, frame) in sent {
        text.push_str(&format!("{{\"at\":{at},\"direction\":\"sent\",\"frame\":{frame}}}\n"));
    }
    text
}

fn send(ack_id: u64, data: &str) -> Value {
    json!({"type": "sendToGroup", "group": "g", "ackId": ack_id, "dataType": "text", "data": data})
}

fn replaying(text: &str, flags: &[&str]) -> Setup {
    wps(["replay", "r.ndjson"]).args(flags).file("r.ndjson", text)
}

fn replay(service: &Service, text: &str, flags: &[&str]) -> Running {
    replaying(text, flags).args(["--url", &service.url()]).start()
}

/// Takes an operation and acknowledges it.
fn take(peer: &mut Peer) -> Value {
    let frame = peer.operation();
    if !frame["ackId"].is_null() {
        peer.ack(&frame["ackId"]);
    }
    frame
}

#[test]
fn messages_are_sent_again_in_their_order_each_once() {
    let event = json!({"type": "event", "event": "vote", "ackId": 9, "dataType": "json", "data": {"n": 1}});
    let bare = json!({"type": "sendToGroup", "group": "h", "noEcho": true, "dataType": "binary", "data": "AP8="});
    let text = recording(&[
        (1.0, json!({"type": "joinGroup", "group": "g", "ackId": 1})),
        (1.0, send(7, "a")),
        (1.5, send(7, "a")),
        (2.0, event),
        (2.0, json!({"type": "sequenceAck", "sequenceId": 1})),
        (3.0, bare.clone()),
        (4.0, bare),
        (5.0, send(8, "a")),
    ]);
    for (flags, group, other) in [(&[][..], "g", "h"), (&["--group", "x"], "x", "x")] {
        let service = Service::start();
        let wps = replay(&service, &text, &[flags, &["--speed", "max"]].concat());
        let mut peer = service.connect();
        let taken: Vec<Value> = (0..5).map(|_| take(&mut peer)).collect();
        let bare = json!({"type": "sendToGroup", "group": other, "noEcho": true, "dataType": "binary", "data": "AP8="});
        let again = |ack_id: u64| {
            let mut frame = send(ack_id, "a");
            frame["group"] = json!(group);
            frame
        };
        let event = json!({"type": "event", "event": "vote", "ackId": 2, "dataType": "json", "data": {"n": 1}});
        let expected = [again(1), event, bare.clone(), bare, again(3)];
        assert_eq!(taken, expected);
        peer.see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
        ended.assert_stderr(&["replayed 5 messages in ", ", no ack asked for 2 of them\n"]);

        let dry = replaying(&text, &[flags, &["--dry-run"]].concat()).run();
        assert_eq!((dry.code, dry.stderr.as_str()), (0, ""));
        assert_eq!(dry.records(), expected, "what would be sent, without a source");
    }
}

#[test]
fn the_spacing_is_kept_and_speed_shortens_it() {
    let text = recording(&[(10.0, send(1, "a")), (10.4, send(2, "b"))]);
    for (speed, least) in [("1x", 400), ("2", 200)] {
        let service = Service::start();
        let wps = replay(&service, &text, &["--speed", speed]);
        let before = Instant::now();
        let mut peer = service.connect();
        take(&mut peer);
        take(&mut peer);
        assert!(before.elapsed() > Duration::from_millis(least), "{speed}: {:?}", before.elapsed());
        peer.see_off();
        assert_eq!(wps.end().code, 0);
    }
    let far = recording(&[(0.0, send(1, "a")), (1e9, send(2, "b"))]);
    let service = Service::start();
    let wps = replay(&service, &far, &["--speed", "max"]);
    let mut peer = service.connect();
    take(&mut peer);
    take(&mut peer);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_message_that_is_refused_stops_what_is_not_sent_yet() {
    let text = recording(&[(1.0, send(1, "a")), (1.1, send(2, "b")), (60.0, send(3, "c"))]);
    let service = Service::start();
    let wps = replay(&service, &text, &["-o", "ndjson"]);
    let mut peer = service.connect();
    take(&mut peer);
    let frame = peer.operation();
    peer.nack(&frame["ackId"], "Forbidden", "no");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 8);
    assert_eq!(kinds(&ended.records()), ["connected", "ack", "ack", "stopped"]);
    ended.assert_stderr(&["error: line 4 of the recording could not be sent again\ncaused by: the service refused"]);
}

#[test]
fn what_is_no_recording_is_told_with_its_line_before_anything_is_tried() {
    let good = recording(&[(1.0, send(1, "a"))]);
    for (text, code, error) in [
        (String::new(), 11, "error: line 1: this is no recording\ncaused by: it is empty\n"),
        ("{\"type\":\"connected\"}\n".into(), 11, "error: line 1: this is no recording\n"),
        ("hello\n".into(), 11, "error: line 1: this is no recording\ncaused by: expected value at column 1\n"),
        ("{\"recording\":2}\n".into(), 11, "error: the recording has the format 2, of a later version of wps\n"),
        (format!("{good}{{\"at\"\n"), 11, "error: line 4 of the recording is not understood\ncaused by: EOF while"),
        (
            good.replace("\"g\"", "\"\""),
            11,
            "error: line 3 of the recording is not understood\ncaused by: a group name",
        ),
        (
            good.replace("\"at\":1", "\"at\":-1"),
            11,
            "error: line 3 of the recording is not understood\ncaused by: its time",
        ),
        (
            good.replace("\"a\"", &format!("\"{}\"", "x".repeat(1 << 20))),
            11,
            "error: line 3 of the recording is not understood\ncaused by: it is too large",
        ),
    ] {
        let ended = replaying(&text, &["--dry-run"]).run();
        assert_eq!((ended.code, ended.text()), (code, ""), "{}", ended.stderr);
        assert!(ended.stderr.starts_with(error), "{}", ended.stderr);
    }
    wps(["replay", "missing", "--dry-run"])
        .run()
        .assert_failed(11, &["error: could not read the recording from `missing`"]);
    let port = ClosedPort::reserve().port();
    replaying(&good, &[&format!("--local={port}")]).run().assert_failed(4, &["error: nothing listens"]);
}

#[test]
fn a_last_line_that_is_cut_off_is_left_out() {
    let good = recording(&[(1.0, send(1, "a"))]);
    let ended = replaying(&format!("{good}{{\"at\":1.5,\"direction\":\"sent\",\"fr"), &["--dry-run"]).run();
    assert_eq!((ended.code, ended.records()), (0, vec![send(1, "a")]));
    ended.assert_stderr(&["warning: the last line of the recording is cut off, and left out\n"]);
}

#[test]
fn what_a_run_recorded_is_replayed() {
    let port = ClosedPort::reserve().port();
    let ended = Setup::shell(&format!(
        "set -e
         \"$WPS\" emulator -q --port {port} >ready & emulator=$!
         trap 'kill $emulator' EXIT
         until [ -s ready ]; do :; done
         \"$WPS\" send -q --local={port} g 'hello' --record one
         \"$WPS\" listen -q --local={port} -g h --count 1 -o data --timeout 20s \\
             --on-ready '\"$WPS\" replay -q one --group h'"
    ))
    .run();
    ended.assert(0, "hello\n", "");
}

/// A recording of what a listener got.
fn listened() -> String {
    let mut text = String::from("{\"recording\":1,\"hub\":\"hub1\"}\n");
    let frames = [
        json!({"type": "system", "event": "connected", "connectionId": "one"}),
        json!({"type": "message", "from": "group", "group": "g", "dataType": "text", "data": "a", "sequenceId": 1}),
        json!({"type": "message", "from": "server", "dataType": "json", "data": {"n": 1.5}, "sequenceId": 2}),
        // After a recovery, once more.
        json!({"type": "message", "from": "server", "dataType": "json", "data": {"n": 1.5}, "sequenceId": 2}),
        json!({"type": "message", "from": "group", "group": "h", "dataType": "binary", "data": "AP8=", "sequenceId": 3}),
        json!({"type": "system", "event": "connected", "connectionId": "two"}),
        json!({"type": "message", "from": "group", "group": "g", "dataType": "text", "data": "b", "sequenceId": 1}),
    ];
    for frame in frames {
        text.push_str(&format!("{{\"at\":1.5,\"direction\":\"received\",\"frame\":{frame}}}\n"));
    }
    text
}

#[test]
fn a_recording_without_a_message_to_send_is_exit_11_and_says_what_it_holds() {
    let service = Service::start();
    let joins = recording(&[(1.0, json!({"type": "joinGroup", "group": "g", "ackId": 1}))]);
    let all = listened();
    let server: String =
        all.split_inclusive('\n').enumerate().filter(|(at, _)| [0, 3].contains(at)).map(|(_, line)| line).collect();
    for (text, flags, error) in [
        (
            all.clone(),
            &[][..],
            "error: the recording holds no message that was sent, but 5 that were received\n\
             hint: `--received` publishes what was received\n",
        ),
        (joins.clone(), &[], "error: the recording holds no message that was sent\n"),
        (joins, &["--received"], "error: the recording holds no message that was received\n"),
        (
            recording(&[(1.0, send(1, "a"))]),
            &["--received"],
            "error: the recording holds no message that was received, but 1 that was sent\n\
             hint: without `--received`, what was sent is sent again\n",
        ),
        (
            server,
            &["--received"],
            "error: the recording holds no message of a group, but 1 of the server\n\
             hint: `--group G` publishes it to that group\n",
        ),
    ] {
        for more in [&["--dry-run"][..], &["--url", &service.url()]] {
            replaying(&text, flags).args(more).run().assert(11, "", error);
            wps(["replay", "-"]).args(flags).args(more).stdin(text.as_bytes()).run().assert(11, "", error);
        }
    }
    service.assert_no_more_calls();
}

#[test]
fn what_was_received_is_published_each_message_once() {
    let publish = |group: &str, ack_id: u64, kind: &str, data: Value| json!({"type": "sendToGroup", "group": group, "ackId": ack_id, "dataType": kind, "data": data});
    let own = [
        publish("g", 1, "text", json!("a")),
        publish("h", 2, "binary", json!("AP8=")),
        publish("g", 3, "text", json!("b")),
    ];
    let all = [
        publish("x", 1, "text", json!("a")),
        publish("x", 2, "json", json!({"n": 1.5})),
        publish("x", 3, "binary", json!("AP8=")),
        publish("x", 4, "text", json!("b")),
    ];
    for (flags, expected, told) in [
        (&["--received"][..], &own[..], "all acknowledged; 1 of the server left out: `--group G` publishes them too\n"),
        (&["--received", "--group", "x"], &all, "all acknowledged\n"),
    ] {
        let service = Service::start();
        let wps = replay(&service, &listened(), flags);
        let mut peer = service.connect();
        let taken: Vec<Value> = expected.iter().map(|_| take(&mut peer)).collect();
        assert_eq!(taken, expected);
        peer.see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
        ended.assert_stderr(&[&format!("replayed {} messages in ", expected.len()), told]);
        let dry = replaying(&listened(), flags).args(["--dry-run"]).run();
        assert_eq!(dry.records(), expected);
    }
}

/// A call, a stream and a state, as a run sent them.
fn others_sent() -> Vec<(f64, Value)> {
    vec![
        (1.0, json!({"type": "invoke", "invocationId": "1", "target": "event", "event": "sum"})),
        (1.0, json!({"type": "sendToGroup", "group": "g", "stream": {"streamId": "s"}})),
        (1.0, json!({"type": "streamData", "streamId": "s", "streamSequenceId": 1, "dataType": "text", "data": "x"})),
        (1.0, json!({"type": "streamEnd", "streamId": "s"})),
        (1.0, json!({"type": "setGroupState", "group": "g", "state": {"a": "b"}, "ackId": 1})),
    ]
}

#[test]
fn calls_streams_and_states_are_left_out_with_a_word() {
    let service = Service::start();
    let only = recording(&others_sent());
    for more in [&["--dry-run"][..], &["--url", &service.url()]] {
        let error = "error: the recording holds no message that was sent, but 1 invocation, 1 stream and 1 state, which \
                     cannot be sent again as messages\n";
        replaying(&only, &[]).args(more).run().assert(11, "", error);
    }
    service.assert_no_more_calls();
    let text = recording(&[others_sent(), vec![(1.0, send(2, "a"))]].concat());
    let warning = "warning: not sent again: 1 invocation, 1 stream and 1 state\n";
    let dry = replaying(&text, &["--dry-run"]).run();
    assert_eq!((dry.code, dry.records(), dry.stderr.as_str()), (0, vec![send(1, "a")], warning));
    let piped = wps(["replay", "-", "--dry-run"]).stdin(text.as_bytes()).run();
    assert_eq!((piped.code, piped.records(), piped.stderr.as_str()), (0, vec![send(1, "a")], warning));
    for flags in [&["-o", "ndjson"][..], &["-q"]] {
        let wps = replay(&service, &text, flags);
        let mut peer = service.connect();
        assert_eq!(take(&mut peer), send(1, "a"));
        peer.see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (0, if flags == ["-q"] { "" } else { warning }));
    }
}

/// A recording of a listener that got these fragments of streams: id, number, text; no text: the end.
fn fragments(parts: &[(&str, u64, Option<&str>)]) -> String {
    let mut text = String::from("{\"recording\":1,\"hub\":\"hub1\"}\n");
    for (at, (id, number, data)) in parts.iter().enumerate() {
        let mut stream = json!({"streamId": id, "streamSequenceId": number});
        if data.is_none() {
            stream["endOfStream"] = json!(true);
        }
        let frame = json!({"type": "message", "from": "group", "group": "g", "fromUserId": "u", "dataType": "text",
            "data": data.unwrap_or_default(), "sequenceId": at + 1, "stream": stream});
        text.push_str(&format!("{{\"at\":{at},\"direction\":\"received\",\"frame\":{frame}}}\n"));
    }
    text
}

#[test]
fn a_stream_that_was_received_is_published_as_one_message_if_it_is_whole() {
    let text = fragments(&[
        ("a", 1, Some("hello ")),
        ("gap", 1, Some("x")),
        ("a", 2, Some("world")),
        ("gap", 3, Some("x")),
        ("gap", 4, None),
        ("a", 3, None),
        ("open", 1, Some("x")),
        ("twice", 1, Some("x")),
        ("twice", 1, Some("x")),
        ("twice", 2, None),
        ("empty", 1, None),
    ]);
    let dry = replaying(&text, &["--received", "--dry-run"]).run();
    assert_eq!((dry.code, dry.records()), (0, vec![send(1, "hello world"), send(2, "")]), "{}", dry.stderr);
    assert_eq!(dry.stderr, "warning: not sent again: 3 streams that are not whole\n");
    let piped = wps(["replay", "-", "--received", "--dry-run"]).stdin(text.as_bytes()).run();
    assert_eq!((piped.records(), &piped.stderr), (dry.records(), &dry.stderr));

    let long = "x".repeat(600_000);
    let text = fragments(&[("a", 1, Some(&long)), ("a", 2, Some(&long)), ("a", 3, None), ("b", 2, None)]);
    replaying(&text, &["--received", "--dry-run"]).run().assert(
        11,
        "",
        "error: the recording holds no message that was received, but 1 stream that is not whole and 1 stream that is too \
         long for a message, which cannot be sent again as messages\n",
    );
    // A stream whose connection was lost does not go on with another.
    let new = "{\"at\":1,\"direction\":\"received\",\"frame\":{\"type\":\"system\",\"event\":\"connected\",\"connectionId\":\"two\"}}\n";
    let text = fragments(&[("a", 1, Some("x"))])
        + new
        + &fragments(&[("a", 2, None)]).replace("{\"recording\":1,\"hub\":\"hub1\"}\n", "");
    replaying(&text, &["--received", "--dry-run"]).run().assert_failed(11, &["2 streams that are not whole"]);
}

#[test]
fn empty_lines_are_skipped_and_a_pipe_is_sent_as_it_comes() {
    let text = recording(&[(1.0, send(1, "a")), (1.0, send(2, "b"))]).replace('\n', "\n\n  \n");
    let text = format!("\n{text}");
    let expected = [send(1, "a"), send(2, "b")];
    assert_eq!(replaying(&text, &["--dry-run"]).run().records(), expected);
    let script = "\"$WPS\" replay - --dry-run <in";
    assert_eq!(Setup::shell(script).file("in", &text).run().records(), expected);

    let service = Service::start();
    let script = "mkfifo pipe; cat in >pipe & exec \"$WPS\" replay pipe --url \"$URL\"";
    let bad = format!("{text}{{\"at\"\n");
    let wps = Setup::shell(script).file("in", &bad).env("URL", service.url()).start();
    let mut peer = service.connect();
    assert_eq!([take(&mut peer), take(&mut peer)], expected);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 11, "{}", ended.stderr);
    ended.assert_stderr(&["replayed 2 messages in ", "error: line 14 of the recording is not understood\n"]);
}

#[test]
fn the_size_of_a_recording_is_no_matter_of_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let data = "x".repeat(1 << 19);
    writeln!(file, "{{\"recording\":1}}").unwrap();
    for ack_id in 1..=400 {
        writeln!(file, "{{\"at\":1,\"direction\":\"sent\",\"frame\":{}}}", send(ack_id, &data)).unwrap();
    }
    file.flush().unwrap();
    let script = "ulimit -v 150000 && \"$WPS\" replay \"$FILE\" --dry-run | wc -l";
    let ended = Setup::shell(script).env("FILE", &path).run();
    assert_eq!((ended.code, ended.text().trim()), (0, "400"), "{}", ended.stderr);
}
