//! `examples/`: each script does what its header says, run against the emulator as its reader would run it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::process::BINARY;
use crate::support::{PATIENCE, Running, Setup};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// A run of this example, with `wps` on the path and the emulator's hub `hub1` as the place to connect to.
fn example(name: &str, emulator: &Emulator) -> Setup {
    let mut path = Path::new(BINARY).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    Setup::shell("exec \"$0\" \"$@\"")
        .arg(folder().join(name))
        .env("PATH", path)
        .env("WPS_URL", &emulator.client_url)
        // Frames on stderr: they tell when a group is joined, which nothing else of a filter does.
        .env("AZURE_LOG_LEVEL", "verbose")
}

/// The first ack on stderr: of the group, for nothing can be sent before.
fn await_join(script: &mut Running) {
    script.err_line("\"success\":true");
}

/// The connection string of an emulator with its default key.
fn connection_string(emulator: &Emulator) -> String {
    let key = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
    format!("Endpoint=http://localhost:{};AccessKey={key};Version=1.0;", emulator.port)
}

/// The messages in a file, once there are so many.
fn await_messages(file: &Path, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            return text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["data"].clone()).collect();
        }
        assert!(Instant::now() < deadline, "{} has only:\n{text}", file.display());
        std::thread::yield_now();
    }
}

fn stop(script: Running) -> (i32, String) {
    script.signal(Signal::TERM);
    let ended = script.end();
    (ended.code, String::from_utf8(ended.stdout).unwrap())
}

#[test]
fn every_example_has_a_test_and_says_what_it_does() {
    let tests = include_str!("examples.rs");
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        // Its files have tests of their own.
        if path.ends_with("deployment") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(tests.contains(&format!("= example(\"{name}\", ")), "no test runs {name}");
        let script = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = script.lines().collect();
        let header: Vec<&str> = lines.iter().skip(1).copied().take_while(|line| line.starts_with('#')).collect();
        assert_eq!((lines[0], lines[header.len() + 1]), ("#!/bin/sh", "set -eu"), "{name}");
        for part in [&format!("./{name} "), "# Reads: ", "# Exits: "] {
            assert!(header.iter().any(|line| format!("{line} ").contains(part)), "{part} in the header of {name}");
        }
        assert!(lines.len() <= 40 && lines.iter().all(|line| line.len() <= 120), "{name} is too large");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o111, 0o111, "{name} cannot be run");
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn the_smoke_test_passes_when_the_service_answers_and_fails_when_it_does_not() {
    let emulator = Emulator::with(&[]);
    // What the shell and jq would take for their own.
    let (request, reply) = ("--$(exit 7)`'", "\" or true; $x \\");
    let mut service = emulator.listen(&[]);
    let script = example("smoke-test.sh", &emulator);
    let script =
        script.args(["--user", "ci", &emulator.local()]).env("GROUP", "g").env("REQUEST", request).env("REPLY", reply);
    let script = script.env("LIMIT", "20s").start();
    assert_eq!(service.skip_to("group-message")["data"], request);
    assert_eq!(emulator.send(reply, &[]).code, 0);
    let ended = script.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let data: Vec<Value> = ended.records().iter().map(|record| record["data"].clone()).collect();
    assert_eq!(data, [request, reply]);

    let script = example("smoke-test.sh", &emulator);
    let ended = script.env("GROUP", "g").env("LIMIT", "1s").run();
    assert_eq!(ended.code, 124, "{}", ended.stderr);
}

#[test]
fn the_copy_is_whole_and_in_order_and_what_was_received_is_still_sent_when_it_is_stopped() {
    let (from, to) = (Emulator::with(&[]), Emulator::with(&[]));
    let mut listener = to.listen(&[]);
    let script = example("copy-group.sh", &from).args(["source", "g"]);
    let script = script.env("FROM", &from.client_url).env("TO", connection_string(&to)).env("TO_HUB", "hub1");
    let mut script = script.start();
    await_join(&mut script);
    let numbers: String = (0..2_000).map(|number| format!("{number}\n")).collect();
    let publish = |input: String, kind: &str| {
        let args = ["send", "source", "--lines", "-t", kind, "--in-flight", "64", &from.local()];
        assert_eq!(crate::support::wps(args).stdin(input).run().code, 0);
    };
    publish(numbers, "text");
    publish("{\"b\":1.10,\"a\":12345678901234567890}\n".into(), "json");
    for number in 0..2_000 {
        assert_eq!(listener.expect("group-message")["data"], number.to_string());
    }
    assert!(listener.line().contains("\"dataType\":\"json\",\"data\":{\"b\":1.10,\"a\":12345678901234567890}"));
    let (code, printed) = stop(script);
    assert_eq!((code, printed.as_str()), (143, ""));
}

#[test]
fn the_copy_fails_as_either_side_does() {
    let emulator = Emulator::with(&[]);
    let closed = "ws://127.0.0.1:1/wrong";
    for (from, to) in [(closed, emulator.client_url.as_str()), (emulator.client_url.as_str(), closed)] {
        let script = example("copy-group.sh", &emulator).arg("g").env("FROM", from).env("TO", to);
        let ended = script.run();
        assert_eq!(ended.code, 3, "{}", ended.stderr);
    }
}

#[test]
fn the_files_hold_every_message_once_also_those_that_came_between_two_runs() {
    let emulator = Emulator::with(&[]);
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a b");
    let start = || {
        let script = example("tail-to-files.sh", &emulator).arg("g").arg(&directory);
        script.env("LINES_PER_FILE", "3").start()
    };
    let mut script = start();
    await_join(&mut script);
    emulator.publish(&["1", "2", "3", "4", "5", "6", "7", "8"]);
    await_messages(&directory.join("current.ndjson"), 2);
    await_messages(&directory.join("000002.ndjson"), 3);
    await_messages(&directory.join("current.ndjson"), 2);
    assert_eq!(stop(script), (143, String::new()));
    emulator.publish(&["9", "10"]);
    let script = start();
    await_messages(&directory.join("000003.ndjson"), 3);
    await_messages(&directory.join("current.ndjson"), 1);
    assert_eq!(stop(script), (143, String::new()));
    for (name, expected) in [
        ("000001.ndjson", &["1", "2", "3"][..]),
        ("000002.ndjson", &["4", "5", "6"]),
        ("000003.ndjson", &["7", "8", "9"]),
        ("current.ndjson", &["10"]),
    ] {
        assert_eq!(await_messages(&directory.join(name), expected.len()), expected, "{name}");
    }
}

#[test]
fn the_files_end_as_the_listener_does() {
    let emulator = Emulator::with(&[]);
    let home = tempfile::tempdir().unwrap();
    let script = example("tail-to-files.sh", &emulator).arg("g").arg(home.path()).arg("--no-such-flag");
    assert_eq!(script.run().code, 2);
}

#[test]
fn the_counts_per_minute_add_up_to_all_messages() {
    let emulator = Emulator::with(&[]);
    for ended_by in ["count", "signal"] {
        let script = example("per-minute.sh", &emulator).arg("g");
        let script = if ended_by == "count" { script.args(["--count", "5"]) } else { script };
        let mut script = script.start();
        await_join(&mut script);
        let mut listener = emulator.listen(&[]);
        emulator.publish(&["1", "2", "3", "4", "5"]);
        let (code, printed) = if ended_by == "count" {
            let ended = script.end();
            (ended.code, String::from_utf8(ended.stdout).unwrap())
        } else {
            // A message reaches the members of a group together.
            for _ in 0..5 {
                listener.expect("group-message");
            }
            let (code, printed) = stop(script);
            (code - 143, printed)
        };
        assert_eq!(code, 0);
        let mut sum = 0;
        for line in printed.lines() {
            let (count, minute) = line.trim_start().split_once(' ').unwrap();
            assert_eq!((minute.len(), &minute[..3], &minute[10..11]), (16, "202", "T"), "{line}");
            sum += count.parse::<u32>().unwrap();
        }
        assert_eq!(sum, 5, "{printed}");
    }
}

#[test]
fn the_alert_gets_what_matches_and_a_failing_command_is_no_end() {
    let emulator = Emulator::with(&[]);
    let command = "read -r message && printf '%s\\n' \"$message\" && case $message in *boom*) exit 3 ;; esac";
    let script = example("alert.sh", &emulator).args(["g", "sh", "-c", command]);
    let mut script = script.env("PATTERN", r#"ERROR \d+|"level":"(fatal|\\)""#).start();
    await_join(&mut script);
    emulator.publish(&["fine", "ERROR 12 boom \\n", "ERROR twelve"]);
    assert_eq!(emulator.send(r#"{"level":"fatal"}"#, &["-t", "json"]).code, 0);
    assert_eq!(script.record()["data"], "ERROR 12 boom \\n");
    assert_eq!(script.record()["data"], json!({"level": "fatal"}));
    script.err_line("alert.sh: sh failed with status 3 for {");
    assert_eq!(stop(script).0, 143);
}

#[test]
fn the_orders_arrive_once_each_and_in_order_however_often_the_sending_is_killed() {
    const ORDERS: usize = 3_000;
    // The connection breaks too.
    let emulator = Emulator::with(&["drop=reset,frames=700,user=sender"]);
    let mut listener = emulator.listen(&["--count", &ORDERS.to_string()]);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("the orders");
    fs::write(&file, (1..=ORDERS).map(|id| format!("{{\"id\":{id},\"price\":1.10}}\n")).collect::<String>()).unwrap();
    let start = || {
        let script = example("send-orders.sh", &emulator).arg(&file).args(["g", "--user", "sender"]);
        script.args([&emulator.local(), "--rate", "2000/s"]).start()
    };
    for kill in 1..=3 {
        let script = start();
        // It is killed in the midst of it: when so many have come.
        for _ in 0..400 {
            listener.record();
        }
        script.signal(Signal::KILL);
        assert_eq!(script.end().code, -9, "kill {kill}");
    }
    let ended = start().end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let seen = listener.end();
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    let records = seen.records();
    let messages = records.iter().filter(|record| record["type"] == "group-message");
    let ids: Vec<u64> = messages.map(|record| record["data"]["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=ORDERS as u64).collect::<Vec<_>>());
}
