//! `--jq`, `--until` and `--fail-on`: what is printed of which record, and how a run ends by one.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Peer, Running, Service, Setup, kinds, wps};

fn listener(service: &Service, more: &[&str]) -> Setup {
    wps(["listen", "--url", &service.url()]).args(more)
}

/// A message of a group whose data is this JSON.
fn say_json(peer: &mut Peer, sequence_id: u64, data: &str) {
    peer.send_text(&format!(
        "{{\"sequenceId\":{sequence_id},\"type\":\"message\",\"from\":\"group\",\"group\":\"g\",\
         \"dataType\":\"json\",\"data\":{data}}}"
    ));
}

/// Listens with these flags while these messages come, each JSON, and is seen off.
fn listen(flags: &[&str], messages: &[&str]) -> crate::support::Ended {
    let service = Service::start();
    let wps = listener(&service, flags).start();
    let mut peer = service.connect();
    for (index, data) in messages.iter().enumerate() {
        say_json(&mut peer, index as u64 + 1, data);
    }
    peer.see_off();
    wps.end()
}

#[test]
fn jq_prints_a_line_of_json_for_each_result() {
    for (flags, expected) in [
        (&["--jq", ".data", "--only", "messages"][..], "{\"b\":12345678901234567890.10,\"a\":[1,\"x\\ny\"]}\n\"t\"\n"),
        (&["--jq", ".data", "--only", "messages", "-r"], "{\"b\":12345678901234567890.10,\"a\":[1,\"x\\ny\"]}\nt\n"),
        (&["--jq", ".data | objects | .b, .a[]", "-r"], "12345678901234567890.10\n1\nx\ny\n"),
        (&["--jq", ".type", "-o", "ndjson"], "\"connected\"\n\"group-message\"\n\"group-message\"\n\"stopped\"\n"),
        (&["--jq", ".type", "--only", "events"], "\"connected\"\n\"stopped\"\n"),
        (&["--jq", "select(.type == \"stopped\") | .reason"], "\"count\"\n"),
        (&["--jq", "empty"], ""),
    ] {
        let flags = [flags, &["--count", "2", "-q"]].concat();
        let ended = listen(&flags, &["{\"b\": 12345678901234567890.10,\n\"a\":[1,\"x\\ny\"]}", "\"t\""]);
        ended.assert(0, expected, "");
    }
}

#[test]
fn results_are_there_as_soon_as_the_message_is() {
    let service = Service::start();
    let mut wps = listener(&service, &["--only", "messages", "--jq", ".data", "-r"]).start();
    let mut peer = service.connect();
    for id in 1..=3 {
        peer.say(id, &format!("number {id}"));
        assert_eq!(wps.line(), format!("number {id}"));
    }
}

#[test]
fn an_expression_that_fails_on_a_record_is_warned_about_and_the_run_goes_on() {
    let flags = ["--jq", ".data.a", "--only", "messages", "--until", ".data.b", "--count", "4"];
    let ended = listen(&flags, &["1", "1", "{\"a\":5}", "{\"a\":6,\"b\":true}"]);
    assert_eq!((ended.code, ended.text()), (0, "5\n6\n"), "{}", ended.stderr);
    let warnings: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("warning:")).collect();
    assert_eq!(
        warnings,
        [
            "warning: `--until` failed on a record, which counts as false: cannot index 1 with \"b\"",
            "warning: `--jq` failed on a record, which counts as no result: cannot index 1 with \"a\"",
        ],
        "once each"
    );
}

#[test]
fn until_ends_with_the_first_record_for_which_it_is_true() {
    for (flags, kept, reason) in [
        (
            &["--until", ".data == \"pong\""][..],
            &["connected", "group-message", "group-message", "stopped"][..],
            "until",
        ),
        (&["--until", ".type == \"connected\""], &["connected", "stopped"], "until"),
        // What is not printed is looked at all the same.
        (&["--until", ".type == \"connected\"", "--only", "messages"], &[], "until"),
        (
            &["--until", ".type == \"stopped\"", "--count", "3"],
            &["connected", "group-message", "group-message", "group-message", "stopped"],
            "count",
        ),
        (&["--until", ".data == \"pong\"", "--count", "1"], &["connected", "group-message", "stopped"], "count"),
        (
            &["--until", ".data == \"pong\"", "--count", "2"],
            &["connected", "group-message", "group-message", "stopped"],
            "until",
        ),
    ] {
        let flags = [flags, &["-o", "ndjson"]].concat();
        let ended = listen(&flags, &["\"ping\"", "\"pong\"", "\"late\""]);
        let records = ended.records();
        assert_eq!((ended.code, kinds(&records).as_slice()), (0, kept), "{flags:?}: {}", ended.stderr);
        if let Some(stopped) = records.last() {
            assert_eq!(stopped["reason"], reason, "{flags:?}");
        }
    }
}

#[test]
fn until_prints_its_record_in_every_format() {
    for (format, expected) in [
        ("text", "[g] \"ping\"\n[g] \"pong\"\n"),
        ("data", "\"ping\"\n\"pong\"\n"),
        (
            "raw",
            "{\"sequenceId\":1,\"type\":\"message\",\"from\":\"group\",\"group\":\"g\",\"dataType\":\"json\",\"data\":\"ping\"}\n\
             {\"sequenceId\":2,\"type\":\"message\",\"from\":\"group\",\"group\":\"g\",\"dataType\":\"json\",\"data\":\"pong\"}\n",
        ),
    ] {
        let flags = ["-o", format, "-q", "--until", ".data == \"pong\""];
        let flags = if format == "raw" { [&flags[..], &["--only", "messages"]].concat() } else { flags.to_vec() };
        listen(&flags, &["\"ping\"", "\"pong\"", "\"late\""]).assert(0, expected, "");
    }
}

#[test]
fn fail_on_is_exit_12_and_goes_before_until() {
    for more in [&[][..], &["--until", ".data.error"], &["--count", "2"]] {
        let flags = [&["--fail-on", ".data.error", "-o", "data", "-q"], more].concat();
        let ended = listen(&flags, &["{\"ok\":1}", "{\"error\":7}", "{}"]);
        assert_eq!((ended.code, ended.text()), (12, "{\"ok\":1}\n{\"error\":7}\n"), "{more:?}: {}", ended.stderr);
        ended.assert_stderr(&[
            "error: a record came for which `.data.error` (`--fail-on`) is true\n",
            "caused by: {\"type\":\"group-message\"",
            "\"data\":{\"error\":7}",
        ]);
    }
}

#[test]
fn a_bad_expression_is_told_with_its_place_before_anything_is_tried() {
    for (flags, error) in [
        (
            &["--jq", ".a =="][..],
            "error: the expression in `--jq` is not jq\ncaused by: expected term at column 6, the end\n",
        ),
        (
            &["--until", ".a | nope"],
            "error: the expression in `--until` is not jq\ncaused by: there is no filter `nope`",
        ),
        (
            &["--fail-on", "input"],
            "error: the expression in `--fail-on` is not jq\ncaused by: there is no filter `input`",
        ),
        (&["--jq", ".", "-o", "text"], "error: `--jq` prints results over the records of `-o ndjson` only\n"),
        (&["-r"], "error: missing: `--jq`\n"),
    ] {
        let service = Service::start();
        let ended = listener(&service, flags).run();
        assert_eq!((ended.code, ended.text()), (2, ""), "{flags:?}");
        assert!(ended.stderr.starts_with(error), "{}", ended.stderr);
        service.assert_no_more_calls();
    }
}

#[test]
fn a_run_that_fails_before_it_connects_has_its_last_record_filtered_too() {
    let ended = wps(["listen", "--jq", ".exitCode", "--url", "nonsense"]).run();
    assert_eq!((ended.code, ended.text()), (3, "3\n"), "{}", ended.stderr);
}

/// Not to come to an end is what these are for.
const ENDLESS: [&str; 2] = ["def f: f; f", "last(range(0; 1; 0))"];

#[test]
fn an_expression_without_end_keeps_nobody_from_ending_the_run() {
    for expression in ENDLESS {
        let service = Service::start();
        let wps = listener(&service, &["--jq", expression, "-v"]).start();
        let mut wps = wps;
        let mut peer = service.connect();
        wps.err_line("connected to hub");
        // The connection is served meanwhile.
        peer.await_pong();
        wps.signal(Signal::INT);
        peer.see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (130, ""), "{}", ended.stderr);

        let service = Service::start();
        let wps = listener(&service, &["--until", expression, "--timeout", "500ms", "-q"]).start();
        service.connect().see_off();
        assert_ended_by_timeout(wps);
    }
}

fn assert_ended_by_timeout(wps: Running) {
    let started = wps.started;
    let ended = wps.end();
    ended.assert(124, "", "error: timed out after 500 ms (`--timeout`)\n");
    assert!(ended.at - started < Duration::from_secs(8), "{:?}", ended.at - started);
}

#[test]
fn what_recurses_too_deep_is_a_failure_of_the_expression_only() {
    let ended = listen(&["--jq", "def f: 1 + f; f", "--only", "messages", "--count", "1"], &["1"]);
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    ended.assert_stderr(&["warning: `--jq` failed on a record, which counts as no result: it recurses too deep\n"]);

    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let ended = listen(&["--until", ".data[0]", "--count", "1", "-o", "data"], &[&deep]);
    assert_eq!((ended.code, ended.text().trim_end()), (0, deep.as_str()), "{}", ended.stderr);
    ended.assert_stderr(&["warning: `--until` failed on a record", "nested deeper than 10000 levels\n"]);
}

#[test]
fn the_other_commands_filter_their_records_too() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "--jq", "[.type, .ackId]", "--url", &service.url()]).start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    wps.end().assert(0, "[\"connected\",null]\n[\"ack\",1]\n[\"stopped\",null]\n", "");
}

#[test]
fn an_event_waits_for_the_answer_that_until_describes() {
    let service = Service::start();
    let url = service.url();
    let start = |more: &[&str]| {
        wps(["event", "sum", "x", "--until", ".data.sum == 3", "-o", "data", "-q", "--url", &url]).args(more).start()
    };
    let wps = start(&[]);
    let mut peer = service.connect();
    let frame = peer.operation();
    for (id, data) in [(1, json!({"progress": 1})), (2, json!({"sum": 3})), (3, json!("late"))] {
        peer.send(&json!({"sequenceId": id, "type": "message", "from": "server", "dataType": "json", "data": data}));
    }
    peer.ack(&frame["ackId"]);
    peer.see_off();
    wps.end().assert(0, "{\"progress\":1}\n{\"sum\":3}\n", "");

    let wps = start(&["--timeout", "1s", "--wait-reply"]);
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.send(&json!({"sequenceId": 1, "type": "message", "from": "server", "dataType": "json", "data": {"sum": 4}}));
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (12, "{\"sum\":4}\n"));
    ended.assert_stderr(&[
        "error: no record for which `.data.sum == 3` is true came within 1 s\n",
        "hint: 1 answer came",
    ]);
}

#[test]
fn a_reader_that_goes_away_ends_a_listener_with_expressions_too() {
    let service = Service::start();
    let wps = listener(&service, &["--jq", ".data", "--only", "messages", "-q"]).stdout_lines(1).start();
    let mut wps = wps;
    let mut peer = service.connect();
    peer.say(1, "x");
    assert_eq!(wps.line(), "\"x\"");
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn no_message_ends_the_program_by_an_expression_and_none_is_passed_over() {
    for (expression, data, expected) in [
        ("\"=\" * .data.w", "{\"w\":10000000000000}", ""),
        (".data.w * \"ab\"", "{\"w\":1e300}", ""),
        ("[][.data.w] = 1", "{\"w\":1000000000}", ""),
        (".data.w | test(\"(((a{0,100}){0,100}){0,100}){0,100}\")", "{\"w\":\"a\"}", ""),
        (".data.kind", "{\"kind\":\"alarm\",\"title\":\"cut \\ud83d\"}", "\"alarm\"\n"),
        (".data", "{\"a\":-0,\"b\":\"\\udc00x\"}", "{\"a\":-0,\"b\":\"\u{fffd}x\"}\n"),
    ] {
        let flags = ["--jq", expression, "--only", "messages", "--count", "2"];
        let ended = listen(&flags, &[data, "{\"w\":\"\",\"kind\":\"second\"}"]);
        assert_eq!(ended.code, 0, "{expression}: {}", ended.stderr);
        assert!(ended.text().starts_with(expected), "{expression}: {}", ended.text());
        if expected.is_empty() {
            ended.assert_stderr(&["warning: `--jq` failed on a record, which counts as no result: "]);
        }
        assert!(!ended.stderr.contains("defect"), "{}", ended.stderr);
    }
}

#[test]
fn a_run_that_is_over_ends_however_many_slow_evaluations_wait() {
    let endless = "if .data == 1 then 1 elif .data or .type == \"stopped\" then last(range(1e15)) else empty end";
    // None of which takes long, and of which there are many.
    let many = "if .data == 1 then 1 else (last(range(20000)) | empty) end";
    for (expression, ending, messages) in [
        (endless, ["--for", "500ms"], 20),
        (endless, ["--count", "20"], 20),
        (endless, ["--idle-timeout", "500ms"], 20),
        (many, ["--count", "2000"], 2000),
        (endless, ["--until", ".data == 1"], 20),
    ] {
        let service = Service::start();
        let wps = listener(&service, &[&["--jq", expression][..], &ending].concat()).start();
        let mut peer = service.connect();
        for id in 1..=messages {
            say_json(&mut peer, id, &id.to_string());
        }
        let begun = std::time::Instant::now();
        peer.see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, "1\n"), "{ending:?}: {}", ended.stderr);
        if ending[0] != "--until" {
            ended.assert_stderr(&["warning: the run is over, and the expressions are slow: not all records"]);
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{ending:?}: {:?}", begun.elapsed());
    }
}
