//! What is printed where, and what becomes of a run when its output is slow, full or gone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::service::message;
use crate::support::{FromClient, PATIENCE, Peer, Service, Setup, kinds, wps};

fn listener(service: &Service, more: &[&str]) -> Setup {
    wps(["listen", "--url", &service.url()]).args(more)
}

/// Messages of every type.
const MESSAGES: [&str; 4] = [
    r#"{"sequenceId":1,"type":"message","from":"group","group":"g","fromUserId":"bob","dataType":"text","data":"h\u0069 \u001b[1m"}"#,
    r#"{"sequenceId":2,"type":"message","from":"server","dataType":"json","data":{ "b" : 1.0, "a": [] }}"#,
    r#"{"sequenceId":3,"type":"message","from":"group","group":"g","dataType":"binary","data":"AP8K"}"#,
    r#"{"sequenceId":4,"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"json","data":"x"}"#,
];

/// What is printed for them.
fn printed(more: &[&str]) -> (Vec<u8>, String) {
    let service = Service::start();
    let wps = listener(&service, &["--count", "4"]).args(more).start();
    let mut peer = service.connect();
    for message in MESSAGES {
        peer.send_text(message);
    }
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    (ended.stdout, ended.stderr)
}

#[test]
fn text_is_a_line_a_message_and_lifecycle_goes_to_stderr() {
    let (stdout, stderr) = printed(&[]);
    assert_eq!(
        String::from_utf8(stdout).unwrap(),
        "[g] bob: hi \u{1b}[1m\n[server] { \"b\" : 1.0, \"a\": [] }\n[g] (binary of 3 bytes) AP8K\n[g] \"x\"\n"
    );
    assert_eq!(stderr, "connected to hub `hub1` as `alice`, connection `c1`\n");
}

#[test]
fn timestamps_stand_before_the_message() {
    let (stdout, _) = printed(&["--timestamps"]);
    let stdout = String::from_utf8(stdout).unwrap();
    for line in stdout.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(humantime::parse_rfc3339(time).is_ok() && time.len() == 24 && time.ends_with('Z'), "{line}");
        assert!(rest.starts_with('['), "{line}");
    }
}

#[test]
fn data_is_the_payload_alone() {
    let (stdout, _) = printed(&["-o", "data"]);
    assert_eq!(stdout, b"hi \x1b[1m\n{ \"b\" : 1.0, \"a\": [] }\n\x00\xff\n\"x\"\n");
}

#[test]
fn raw_is_every_frame_as_received_without_the_reconnection_token() {
    let (stdout, _) = printed(&["-o", "raw"]);
    let stdout = String::from_utf8(stdout).unwrap();
    let mut lines = stdout.lines();
    let connected: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!((&connected["event"], &connected["reconnectionToken"]), (&json!("connected"), &json!("[redacted]")));
    assert_eq!(lines.collect::<Vec<_>>(), MESSAGES);
}

#[test]
fn ndjson_has_a_record_for_everything_and_ends_with_stopped() {
    let (stdout, stderr) = printed(&["-o", "ndjson"]);
    let records: Vec<Value> =
        String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for record in &records {
        assert!(humantime::parse_rfc3339(record["time"].as_str().unwrap()).is_ok(), "{record}");
    }
    let without_time: Vec<Value> = records
        .into_iter()
        .map(|mut record| {
            record.as_object_mut().unwrap().remove("time");
            record
        })
        .collect();
    assert_eq!(
        without_time,
        [
            json!({"type": "connected", "connectionId": "c1", "userId": "alice", "hub": "hub1",
                "protocol": "json.reliable.webpubsub.azure.v1"}),
            json!({"type": "group-message", "group": "g", "fromUserId": "bob", "dataType": "text",
                "data": "hi \u{1b}[1m", "sequenceId": 1}),
            json!({"type": "server-message", "dataType": "json", "data": {"b": 1.0, "a": []}, "sequenceId": 2}),
            json!({"type": "group-message", "group": "g", "dataType": "binary", "data": "AP8K", "sequenceId": 3}),
            json!({"type": "group-message", "group": "g", "dataType": "json", "data": "x", "sequenceId": 4}),
            json!({"type": "stopped", "reason": "count", "exitCode": 0, "received": 4, "sent": 0, "acked": 0,
                "failed": 0}),
        ]
    );
    assert_eq!(stderr, "", "the records say it all");
}

#[test]
fn only_filters_records_and_frames() {
    for (format, which, expected) in [
        ("ndjson", "messages", vec!["group-message", "server-message", "group-message", "group-message"]),
        ("ndjson", "events", vec!["connected", "stopped"]),
        ("raw", "messages", vec!["message"; 4]),
        ("raw", "events", vec!["system"]),
    ] {
        let (stdout, _) = printed(&["-o", format, "--only", which]);
        let records: Vec<Value> =
            String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(kinds(&records), expected, "{format} {which}");
    }
}

#[test]
fn metadata_is_passed_on() {
    let service = Service::start();
    let mut wps = listener(&service, &["-o", "ndjson"]).start();
    let mut peer = service.connect();
    let mut frame = message(1, "x");
    frame["metadata"] = json!({"a": "b"});
    peer.send(&frame);
    assert_eq!(wps.skip_to("group-message")["metadata"], json!({"a": "b"}));
}

#[test]
fn a_pipe_is_never_coloured_unless_that_is_asked_for() {
    for (more, variable, coloured) in [
        ([].as_slice(), None, false),
        (&["--color", "always"], None, true),
        (&["--color", "never"], Some("CLICOLOR_FORCE"), false),
        (&[], Some("CLICOLOR_FORCE"), true),
    ] {
        let service = Service::start();
        let mut setup = listener(&service, &["--count", "1"]).args(more);
        if let Some(variable) = variable {
            setup = setup.env(variable, "1");
        }
        let wps = setup.start();
        let mut peer = service.connect();
        peer.say(1, "x");
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 0);
        for stream in [ended.text(), &ended.stderr] {
            assert_eq!(stream.contains('\u{1b}'), coloured, "{more:?} {variable:?}: {stream:?}");
        }
    }
    let failed = |color: &str| wps(["listen", "--color", color]).run().stderr;
    assert!(failed("always").contains('\u{1b}'));
    assert!(!failed("auto").contains('\u{1b}'));
}

#[test]
fn quiet_leaves_errors_only() {
    let service = Service::start();
    let wps = listener(&service, &["--quiet", "--reconnect-retries", "1", "--reconnect-delay", "10ms"]).start();
    service.connect().close(1008, "");
    service.request().refuse("503 Service Unavailable", &[], "");
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (7, ""));
    assert!(ended.stderr.starts_with("error: ") && !ended.stderr.contains("warning"), "{}", ended.stderr);
}

#[test]
fn a_reader_sees_each_message_at_once() {
    let service = Service::start();
    let mut wps = listener(&service, &["-o", "data"]).start();
    let mut peer = service.connect();
    let mut delays = Vec::new();
    for id in 1..=20 {
        let sent = Instant::now();
        peer.say(id, "x");
        assert_eq!(wps.line(), "x");
        delays.push(sent.elapsed());
    }
    delays.sort_unstable();
    // Other tests run beside this one.
    assert!(delays[5] < Duration::from_millis(10), "{delays:?}");
}

#[test]
fn a_reader_that_goes_away_ends_a_listener_without_another_message() {
    let service = Service::start();
    let mut wps = listener(&service, &["-o", "data"]).stdout_lines(1).start();
    let mut peer = service.connect();
    peer.say(1, "only");
    assert_eq!(wps.line(), "only");
    peer.see_off();
    let ended = wps.end();
    ended.assert(0, "only\n", "connected to hub `hub1` as `alice`, connection `c1`\n");
}

#[cfg(unix)]
#[test]
fn head_takes_what_it_wants() {
    let service = Service::start();
    let wps = Setup::shell("{ \"$WPS\" listen -o data --url \"$URL\"; echo \"exit $?\" >&2; } | head -1")
        .env("URL", service.url())
        .start();
    let mut peer = service.connect();
    peer.say(1, "one");
    peer.say(2, "two");
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, "one\n"));
    assert!(ended.stderr.ends_with("exit 0\n"), "{}", ended.stderr);
}

#[test]
fn a_reader_that_goes_away_does_not_keep_a_message_from_being_sent() {
    let service = Service::start();
    let mut wps = wps(["send", "g", "x", "-o", "ndjson", "--retry-delay", "10ms", "--url", &service.url()])
        .stdout_lines(1)
        .start();
    let mut peer = service.connect();
    wps.expect("connected");
    for _ in 0..2 {
        let frame = peer.operation();
        peer.nack(&frame["ackId"], "InternalServerError", "");
    }
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0);
    assert!(!ended.stderr.contains("error:"), "{}", ended.stderr);
    ended.assert_stderr(&["attempt 1 of sendToGroup `g` failed, trying again under ackId 1"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_exit_13() {
    let service = Service::start();
    let listening = listener(&service, &["-o", "ndjson"]).stdout_to("/dev/full").start();
    service.connect().see_off();
    let ended = listening.end();
    assert_eq!(ended.code, 13);
    assert_eq!(ended.stderr, "error: could not write to stdout: No space left on device (os error 28)\n");

    let service = Service::start();
    let listening = listener(&service, &["-o", "data", "--count", "1"]).stdout_to("/dev/full").start();
    let mut peer = service.connect();
    peer.say(1, "x");
    peer.see_off();
    assert_eq!(listening.end().code, 13, "also when it is the last thing that is written");

    for print in [["--help"].as_slice(), &["--version"], &["send", "-h"], &["completions", "bash"]] {
        let ended = wps(print).stdout_to("/dev/full").run();
        assert_eq!(ended.code, 13, "{print:?}: {}", ended.stderr);
        ended.assert_stderr(&["error: could not write ", "No space left on device"]);
    }
}

/// The run has failed already, and that is its exit code; what was to be read has not come all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_beside_another_failure() {
    let emulator = Emulator::start(&[]);
    let ended =
        wps(["service", "exists", "-o", "ndjson", "--group", "g", &emulator.local()]).stdout_to("/dev/full").run();
    ended.assert_failed(12, &["error: could not write to stdout"]);
}

// ---- a slow reader -----------------------------------------------------------------------------------------------

/// Short intervals, so that little time is a long time.
const TIMES: [&str; 4] = ["--ping-interval", "100ms", "--ping-timeout", "400ms"];

/// What a reader gets in all, as numbers.
fn numbers(records: &[Value]) -> Vec<u64> {
    records.iter().filter_map(|record| record["sequenceId"].as_u64()).collect()
}

/// More than a pipe holds, less than is read ahead.
#[test]
fn a_reader_that_stops_costs_no_connection_and_no_message() {
    let service = Service::start();
    let total = 2000;
    let wps = listener(&service, &["-o", "ndjson", "--count", &total.to_string()]).args(TIMES).start();
    let mut peer = service.connect();
    let padding = "x".repeat(500);
    for id in 1..total {
        peer.say(id, &padding);
    }
    // All was taken, and the connection lives on for many times its ping timeout, while nothing is read.
    peer.attend_ack(total - 1);
    attend_pings(&mut peer, 10);
    peer.say(total, &padding);
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(numbers(&records), (1..=total).collect::<Vec<_>>());
    assert_eq!(kinds(&records).iter().filter(|kind| **kind == "group-message").count(), records.len() - 2);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    service.assert_no_more_calls();
}

fn attend_pings(peer: &mut Peer, pings: usize) {
    let goal = peer.pings + pings;
    while peer.pings < goal {
        match peer.next() {
            FromClient::Frame(frame) if frame["type"] == "ping" => peer.send(&json!({"type": "pong"})),
            FromClient::Frame(frame) if frame["type"] == "sequenceAck" => {}
            other => panic!("the client was to stay: {other:?}"),
        }
    }
}

/// Messages of 64 KiB, numbered.
fn large_messages() -> impl Iterator<Item = String> {
    let padding = "x".repeat(64 * 1024);
    (1..).map(move |id| message(id, &padding).to_string())
}

/// So many of them are far more than is read ahead and the sockets hold.
const MANY: usize = 700;

/// A listener whose reader has stopped, and which has stopped reading because of that.
fn stalled(service: &Service, more: &[&str]) -> (crate::support::Running, Peer, u64) {
    let wps =
        listener(service, &["-o", "ndjson", "-g", "g", "--reconnect-delay", "20ms"]).args(TIMES).args(more).start();
    let mut peer = service.connect_and_join(&["g"]);
    let sent = peer.send_until_blocked(&mut large_messages().take(MANY), Duration::from_millis(500));
    assert!(sent < MANY, "the client never stopped reading");
    assert!(sent > 4 * 1024 * 1024 / (64 * 1024 + 200), "only {sent} messages were read ahead");
    (wps, peer, sent as u64)
}

#[test]
fn beyond_what_is_read_ahead_the_service_waits_and_nothing_is_lost() {
    let service = Service::start();
    let (mut wps, mut peer, sent) = stalled(&service, &[]);
    // Nothing is read, so no pong arrives; the client says all the same that it lives, and does not give up.
    let until = Instant::now() + Duration::from_millis(1500);
    let mut pings = 0;
    loop {
        match peer.next_until(until) {
            FromClient::Frame(frame) if frame["type"] == "ping" => pings += 1,
            FromClient::Frame(frame) if frame["type"] == "sequenceAck" => {}
            FromClient::Silence => break,
            other => panic!("the client was to stay: {other:?}"),
        }
    }
    assert!(pings >= 5, "{pings} pings");
    #[cfg(target_os = "linux")]
    assert_memory_below(wps.id(), 100);

    let reader = std::thread::spawn(move || {
        wps.expect("connected");
        for kind in ["ack", "joined"] {
            wps.expect(kind);
        }
        for id in 1..=sent {
            assert_eq!(wps.expect("group-message")["sequenceId"], id);
        }
        wps
    });
    peer.send_rest();
    peer.attend_ack(sent);
    let wps = reader.join().unwrap();
    drop(wps);
    service.assert_no_more_calls();
}

/// Resident memory, in MB.
#[cfg(target_os = "linux")]
fn assert_memory_below(process: u32, limit: u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < limit * 1024, "{} MB", kilobytes / 1024);
}

#[test]
fn a_service_that_gives_up_a_slow_reader_is_said_to_and_listening_goes_on() {
    let service = Service::start();
    let (mut wps, mut peer, sent) = stalled(&service, &[]);
    // What the service does with a client that is too far behind: it closes, and does not recover it.
    let closing = std::thread::spawn(move || {
        peer.send_rest();
        peer.close(1008, "The client is too slow.");
    });
    for kind in ["connected", "ack", "joined"] {
        wps.expect(kind);
    }
    for id in 1..=sent {
        assert_eq!(wps.expect("group-message")["sequenceId"], id);
    }
    let lost = wps.expect("session-lost");
    let reason = lost["reason"].as_str().unwrap();
    assert!(reason.contains("slow reader") && reason.contains("The client is too slow."), "{lost}");
    assert_eq!(wps.expect("disconnected")["closeCode"], 1008);
    wps.expect("reconnecting");
    closing.join().unwrap();
    assert_listening_anew(&service, wps);
}

#[test]
fn a_connection_that_breaks_under_a_slow_reader_is_made_anew_when_output_moves() {
    let service = Service::start();
    let (mut wps, peer, sent) = stalled(&service, &[]);
    peer.reset();
    // Nothing can be printed, so nothing is asked for.
    assert!(!service.is_called_within(Duration::from_millis(700)), "what it would replay has nowhere to go");
    for kind in ["connected", "ack", "joined"] {
        wps.expect(kind);
    }
    let mut last = 0;
    loop {
        let record = wps.record();
        if record["type"] == "recovering" {
            break;
        }
        assert_eq!((&record["type"], &record["sequenceId"]), (&json!("group-message"), &json!(last + 1)));
        last += 1;
    }
    assert!(last <= sent);
    service.recovery().close(1008, "The connection could not be recovered.");
    let lost = wps.expect("session-lost");
    assert!(lost["reason"].as_str().unwrap().contains("slow reader"), "{lost}");
    wps.expect("disconnected");
    wps.expect("reconnecting");
    assert_listening_anew(&service, wps);
}

fn assert_listening_anew(service: &Service, mut wps: crate::support::Running) {
    let request = service.request();
    assert_eq!(request.query("awps_connection_id"), None);
    let mut peer = request.upgrade();
    peer.greet("c2", "reconnect-2");
    peer.grant_join("g");
    peer.say(1, "anew");
    assert_eq!(wps.expect("connected")["connectionId"], "c2");
    assert_eq!(wps.expect("joined")["rejoined"], true);
    assert_eq!(wps.expect("group-message")["data"], "anew");
    drop(wps);
    assert_eq!(peer.attend(Instant::now() + PATIENCE), FromClient::Gone);
}

#[test]
fn acks_behind_messages_nobody_reads_are_seen() {
    let service = Service::start();
    // Its own output stands still at the first record; the ack comes behind more than a pipe holds.
    let wps = wps(["event", "e", "x", "--wait-reply", "-o", "ndjson", "--url", &service.url()]).start();
    let mut peer = service.connect();
    let frame = peer.operation();
    for id in 1..=100 {
        peer.send(&json!({"sequenceId": id, "type": "message", "from": "server", "dataType": "text",
            "data": "x".repeat(4096)}));
    }
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0);
    assert_eq!(ended.records().last().unwrap()["acked"], 1);
}
