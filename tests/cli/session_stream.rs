//! `send --session` with a stream: killed and run again with the same input, it goes on where it was, and each line
//! arrives once. What is not the same input is refused before anything of it is sent.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::emulator::Emulator;
use crate::support::{Ended, FromClient, PATIENCE, Peer, Running, Service, Setup, wps};

struct Bench {
    service: Service,
    home: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { service: Service::start(), home: tempfile::tempdir().unwrap() }
    }

    fn start(&self, command: &[&str], input: &str) -> Running {
        let file = self.home.path().join("s");
        wps(command).args(["--url", &self.service.url(), "--session"]).arg(file).stdin(input).start()
    }

    fn send(&self, more: &[&str], input: &str) -> Running {
        self.start(&[&["send", "g", "--lines"], more].concat(), input)
    }

    /// The position of a stream in the file.
    fn stream(&self) -> Value {
        position(&self.home.path().join("s"))
    }

    /// A run that has sent three lines and was killed when the first and the third were acknowledged, and that recorded.
    fn left(&self) {
        let wps = self.send(&[], LINES);
        let mut peer = self.service.connect();
        assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
        wps.signal(Signal::KILL);
        assert_eq!(wps.end().code, -9);
    }

    /// Takes the recovery of `c1`.
    fn recovered(&self) -> Peer {
        let peer = self.service.recovery();
        self.proved(peer)
    }

    /// Shows the client that the connection goes on.
    fn proved(&self, mut peer: Peer) -> Peer {
        assert!(matches!(peer.next(), FromClient::Frame(ping) if ping["type"] == "ping"));
        peer.send(&json!({"type": "pong"}));
        peer
    }

    /// The same, when the run before may have begun to connect.
    fn recovered_at_last(&self) -> Peer {
        self.taken_up_at_last("c1", "reconnect-1")
    }

    fn taken_up_at_last(&self, connection_id: &str, token: &str) -> Peer {
        loop {
            let Some(request) = self.service.accept().try_request() else { continue };
            request.assert_recovers(connection_id, token);
            let mut peer = request.upgrade();
            // A run that ended meanwhile says nothing.
            if matches!(peer.next(), FromClient::Frame(ping) if ping["type"] == "ping") {
                peer.send(&json!({"type": "pong"}));
                return peer;
            }
        }
    }

    fn refused_recovery(&self) -> Peer {
        self.service.request().upgrade().close(1008, "The connection could not be recovered.");
        let mut peer = self.service.request().upgrade();
        peer.greet("c2", "t2");
        peer
    }
}

/// The position of a stream in that file; none once the lock beside it says that the stream is over.
fn position(file: &Path) -> Value {
    let lock =
        fs::read_to_string(file.with_file_name(format!("{}.lock", file.file_name().unwrap().display()))).unwrap();
    if serde_json::from_str::<Value>(&lock).unwrap()["over"] == true {
        return Value::Null;
    }
    let text = fs::read_to_string(file).unwrap();
    serde_json::from_str::<Value>(text.lines().nth(1).unwrap()).unwrap()["stream"].take()
}

const LINES: &str = "a\nb\nc\n";

fn read(peer: &mut Peer, count: usize) -> Vec<Value> {
    (0..count).map(|_| peer.operation()).collect()
}

fn ids(frames: &[Value]) -> Vec<u64> {
    frames.iter().map(|frame| frame["ackId"].as_u64().unwrap()).collect()
}

/// That the run was refused with exit 3, for this reason.
#[track_caller]
fn assert_refused(ended: &Ended, why: &str) {
    ended.assert_failed(3, &[why, "nothing was sent: run it again with the same input and flags"]);
}

#[test]
fn killed_twenty_times_it_sends_each_line_once_and_in_order() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&["--count", "5000"]);
    let home = tempfile::tempdir().unwrap();
    let input: String = (1..=5000).map(|number| format!("{number}\n")).collect();
    let run = |rate: &str| {
        wps(["send", "g", "--lines", "--user", "sender", "--rate", rate, &emulator.local(), "--session"])
            .arg(home.path().join("s"))
            .stdin(input.as_str())
            .start()
    };
    for kill in 0..20 {
        let wps = run("2500/s");
        // Somewhere else in each run.
        for _ in 0..1 + kill * 37 % 101 {
            listener.expect("group-message");
        }
        wps.signal(Signal::KILL);
        assert_eq!(wps.end().code, -9, "kill {kill}");
    }
    let ended = run("1000000/s").end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&["sent by an earlier run"]);
    let rest = listener.end();
    let records = rest.records();
    let came = records.iter().filter(|record| record["type"] == "group-message");
    let came: Vec<&str> = came.map(|record| record["data"].as_str().unwrap()).collect();
    let wanted: Vec<&str> = input.lines().collect();
    assert!(came == wanted, "{} lines came", came.len());
}

#[test]
fn what_was_not_acknowledged_is_sent_again_under_its_ids_and_a_stream_that_is_done_leaves_no_position() {
    let bench = Bench::new();
    bench.left();
    let wps = bench.send(&[], "a\nb\nc\nd\n");
    let mut peer = bench.recovered();
    let frames = read(&mut peer, 4);
    assert_eq!(ids(&frames), [1, 2, 3, 4]);
    peer.nack(&json!(1), "Duplicate", "");
    (2..=4).for_each(|id| peer.ack(&json!(id)));
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&["sent 4 lines, 4 acknowledged (1 had arrived before)"]);
    assert_eq!(bench.stream(), Value::Null);
    // Another stream has other ids: the service would take these for those.
    let wps = bench.send(&[], "a\n");
    let mut peer = bench.recovered();
    assert_eq!(ids(&read(&mut peer, 1)), [5]);
    peer.ack(&json!(5));
    assert_eq!(wps.end().code, 0);
}

#[test]
fn acks_are_recorded_also_when_nothing_more_is_sent() {
    let bench = Bench::new();
    let wps = bench.send(&[], LINES);
    let mut peer = bench.service.connect();
    assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
    for id in [1, 2] {
        peer.send(&json!({"type": "ack", "ackId": id, "success": true}));
    }
    // The third is open all the while.
    let deadline = Instant::now() + PATIENCE;
    while bench.stream()["settled"] != 2 {
        assert!(Instant::now() < deadline, "{}", bench.stream());
        std::thread::yield_now();
    }
    wps.signal(Signal::KILL);
    assert_eq!(wps.end().code, -9);
}

#[test]
fn another_input_is_refused_before_anything_of_it_is_sent() {
    let bench = Bench::new();
    bench.left();
    for (command, input, why) in [
        (&["send", "g", "--lines"][..], "a\nx\nc\n", "has sent differs up to line 2"),
        (&["send", "g", "--lines"], "a\nb\n", "it ends after line 2, and an earlier run has read 3"),
        (&["send", "h", "--lines"], LINES, "this one has another target"),
        (&["send", "g", "--lines", "--ack-id", "7"], LINES, "its ackIds begin with 1"),
    ] {
        let wps = bench.start(command, input);
        assert_refused(&wps.end(), why);
    }
    assert_eq!(bench.stream()["states"], "ooo");
}

#[test]
fn with_the_connection_lost_the_lines_are_unknown_until_they_are_sent_again_on_demand() {
    let bench = Bench::new();
    bench.left();
    let wps = bench.send(&[], LINES);
    let _peer = bench.refused_recovery();
    wps.end().assert_failed(9, &["no ack came for lines 1-3 (ackIds 1-3)"]);
    // The connection there is now knows nothing of these ids, so nothing is asked of it.
    bench.send(&[], LINES).end().assert_failed(9, &["no ack came for lines 1-3 (ackIds 1-3)"]);
    let wps = bench.send(&["--on-unknown", "resend"], LINES);
    // The run before may have begun to connect.
    let mut peer = bench.taken_up_at_last("c2", "t2");
    assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
    (1..=3).for_each(|id| peer.ack(&json!(id)));
    assert_eq!(wps.end().code, 0);
    assert_eq!(bench.stream(), Value::Null);
}

#[test]
fn what_an_earlier_run_sent_stays_unknown_when_the_connection_is_lost_before_all_of_it_was_sent_again() {
    let bench = Bench::new();
    bench.left();
    // One is sent again at a time, so that the others wait when the connection is lost.
    let again: &[&str] = &["--in-flight", "1"];
    let wps = bench.send(again, LINES);
    let _peer = bench.refused_recovery();
    wps.end().assert_failed(9, &["no ack came for lines 1-3 (ackIds 1-3)"]);
    bench.send(again, LINES).end().assert_failed(9, &["no ack came for lines 1-3 (ackIds 1-3)"]);
}

#[test]
fn with_the_connection_lost_the_lines_behind_those_of_the_earlier_run_are_not_sent_before_them() {
    let bench = Bench::new();
    bench.left();
    let wps = bench.send(&[], "a\nb\nc\nd\n");
    let mut peer = bench.refused_recovery();
    while let FromClient::Frame(frame) = peer.next() {
        assert_ne!(frame["type"], "sendToGroup", "{frame}");
    }
    wps.end().assert_failed(9, &["1 read and not sent", "no ack came for lines 1-3 (ackIds 1-3)"]);
}

#[test]
fn an_input_that_is_refused_makes_nothing_known_that_was_unknown() {
    let bench = Bench::new();
    bench.left();
    // Another command finds out that the connection is lost.
    let wps = bench.start(&["send", "g", "other"], "");
    let mut peer = bench.refused_recovery();
    let id = peer.operation()["ackId"].clone();
    peer.ack(&id);
    assert_eq!(wps.end().code, 0);
    assert_refused(&bench.send(&[], "a\nx\n").end(), "has sent differs up to line 2");
    bench.send(&[], LINES).end().assert_failed(9, &["no ack came for lines 1-3 (ackIds 1-3)"]);
}

#[test]
fn a_refused_line_is_tried_again_by_the_next_run_and_the_others_are_not() {
    let bench = Bench::new();
    let wps = bench.send(&["--keep-going"], LINES);
    let mut peer = bench.service.connect();
    read(&mut peer, 3);
    peer.ack(&json!(1));
    peer.nack(&json!(2), "Forbidden", "no");
    peer.ack(&json!(3));
    assert_eq!(wps.end().code, 8);
    let wps = bench.send(&["--keep-going"], LINES);
    let mut peer = bench.recovered();
    let again = peer.operation();
    assert_eq!((&again["ackId"], &again["data"]), (&json!(2), &json!("b")));
    peer.ack(&json!(2));
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&["sent 1 line, 1 acknowledged, 2 sent by an earlier run"]);
}

#[test]
fn other_commands_stay_away_from_the_ids_of_a_stream_that_is_not_finished() {
    let bench = Bench::new();
    bench.left();
    let wps = bench.start(&["send", "g", "hello"], "");
    let mut peer = bench.recovered();
    let frame = peer.operation();
    assert!(frame["ackId"].as_u64().unwrap() > 1 << 32, "{frame}");
    peer.ack(&frame["ackId"]);
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&["warning: `", "holds the position of a stream that is not finished, after line 0"]);
    let wps = bench.send(&[], "a\nb\nc\nd\n");
    let mut peer = bench.recovered();
    assert_eq!(ids(&read(&mut peer, 4)), [1, 2, 3, 4]);
    (1..=4).for_each(|id| peer.ack(&json!(id)));
    assert_eq!(wps.end().code, 0);
}

#[test]
fn lines_that_the_service_may_have_forgotten_are_unknown_and_not_sent_again() {
    // With the three lines that is as many ids as the service remembers, or so many that even the last is not among them.
    for others in [997, 1000] {
        let bench = Bench::new();
        bench.left();
        let groups: Vec<String> = (0..others).flat_map(|number| ["-g".into(), format!("g{number}")]).collect();
        let command: Vec<&str> = ["listen", "-q"].into_iter().chain(groups.iter().map(String::as_str)).collect();
        let wps = bench.start(&command, "");
        let mut peer = bench.recovered();
        for _ in 0..others {
            let join = peer.operation();
            peer.ack(&join["ackId"]);
        }
        wps.signal(Signal::TERM);
        assert_eq!(wps.end().code, 143);
        let wps = bench.send(&[], "a\nb\nc\nd\n");
        if others == 997 {
            let mut peer = bench.recovered();
            assert_eq!(ids(&read(&mut peer, 4)), [1, 2, 3, 4]);
            (1..=4).for_each(|id| peer.ack(&json!(id)));
            assert_eq!(wps.end().code, 0);
            continue;
        }
        let ended = wps.end();
        ended.assert_failed(9, &["no ack came for lines 1-3 (ackIds 1-3)", "may have forgotten its ackId", "hint: "]);
        // Told once more, and not sent, unless that is asked for.
        let ended = bench.send(&[], LINES).end();
        ended.assert_failed(9, &["no ack came for lines 1-3", "an earlier run could not know what became of it"]);
        let wps = bench.send(&["--on-unknown", "resend"], LINES);
        let mut peer = bench.recovered_at_last();
        assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
        (1..=3).for_each(|id| peer.ack(&json!(id)));
        assert_eq!(wps.end().code, 0);
    }
}

#[test]
fn all_lines_that_an_earlier_run_has_lost_are_named_however_late_they_are_read() {
    let bench = Bench::new();
    bench.left();
    let setup = Setup::shell(
        "mkfifo more; (echo a; cat more) | $WPS send g --lines -o ndjson --url \"$URL\" --session \"$FILE\"",
    );
    let more = setup.home().join("more");
    let file = bench.home.path().join("s");
    let mut wps = setup.env("URL", bench.service.url()).env("FILE", file.to_str().unwrap()).start();
    let _peer = bench.refused_recovery();
    assert_eq!(wps.skip_to("connected")["connectionId"], "c2");
    fs::write(more, "b\nc\nd\n").unwrap();
    let ended = wps.end();
    assert_eq!(ended.code, 9, "{}", ended.stderr);
    ended.assert_stderr(&["no ack came for lines 1-3 (ackIds 1-3)", "an earlier run sent on is lost"]);
}

#[test]
fn a_stream_that_has_ended_arrives_once_under_its_ids() {
    let bench = Bench::new();
    let again: &[&str] = &["--ack-id", "1"];
    let wps = bench.send(again, LINES);
    let mut peer = bench.service.connect();
    assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
    (1..=3).for_each(|id| peer.ack(&json!(id)));
    assert_eq!(wps.end().code, 0);
    // The service knows them.
    let wps = bench.send(again, LINES);
    let mut peer = bench.recovered();
    assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
    (1..=3).for_each(|id| peer.nack(&json!(id), "Duplicate", ""));
    assert_eq!(wps.end().code, 0);
    // And it does not any more.
    let others: String = (0..1000).map(|number| format!("{number}\n")).collect();
    let wps = bench.send(&[], &others);
    let mut peer = bench.recovered();
    for _ in 0..1000 {
        let line = peer.operation();
        peer.ack(&line["ackId"]);
    }
    assert_eq!(wps.end().code, 0);
    let ended = bench.send(again, LINES).end();
    ended.assert_failed(
        9,
        &["has sent messages under ackId 1, and the service may have forgotten them", "nothing was sent"],
    );
    // Unless that is asked for.
    let wps = bench.send(&[&["--on-unknown", "resend"], again].concat(), LINES);
    let mut peer = bench.recovered_at_last();
    assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
    (1..=3).for_each(|id| peer.ack(&json!(id)));
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_run_that_is_interrupted_says_that_its_open_lines_are_kept() {
    let bench = Bench::new();
    let wps = bench.send(&["--timeout", "1h"], LINES);
    let mut peer = bench.service.connect();
    assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
    wps.signal(Signal::INT);
    let ended = wps.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    ended.assert_stderr(&["sent 3 lines, 0 acknowledged, 3 without an ack, kept for the next run"]);
    assert!(!ended.stderr.contains("unknown"), "{}", ended.stderr);
    let wps = bench.send(&[], LINES);
    let mut peer = bench.recovered();
    assert_eq!(ids(&read(&mut peer, 3)), [1, 2, 3]);
    (1..=3).for_each(|id| peer.ack(&json!(id)));
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_bad_line_that_ended_a_stream_may_be_another_one_in_the_next_run() {
    let bench = Bench::new();
    let wps = bench.send(&["-t", "json"], "1\nx\n3\n");
    let mut peer = bench.service.connect();
    assert_eq!(ids(&read(&mut peer, 1)), [1]);
    peer.ack(&json!(1));
    wps.end().assert_failed(11, &["line 2 cannot be sent"]);
    // What was sent may not.
    assert_refused(&bench.send(&["-t", "json"], "0\n2\n3\n").end(), "has sent differs up to line 1");
    let wps = bench.send(&["-t", "json"], "1\n2\n3\n");
    let mut peer = bench.recovered_at_last();
    let frames = read(&mut peer, 2);
    assert_eq!((ids(&frames), &frames[0]["data"]), (vec![2, 3], &json!(2)));
    (2..=3).for_each(|id| peer.ack(&json!(id)));
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_bad_line_among_those_of_an_earlier_run_ends_the_comparison_and_nothing_is_sent() {
    let bench = Bench::new();
    let input = "1\nx\n3\n";
    let wps = bench.send(&["-t", "json", "--keep-going"], input);
    let mut peer = bench.service.connect();
    assert_eq!(ids(&read(&mut peer, 2)), [1, 3]);
    wps.signal(Signal::KILL);
    wps.end();
    let ended = bench.send(&["-t", "json"], input).end();
    ended.assert_failed(11, &["line 2 cannot be sent"]);
    ended.assert_stderr(&["sent 0 lines, 0 acknowledged, 1 failed, 1 read and not sent"]);
    let wps = bench.send(&["-t", "json", "--keep-going"], input);
    let mut peer = bench.recovered_at_last();
    assert_eq!(ids(&read(&mut peer, 2)), [1, 3]);
    [1, 3].iter().for_each(|id| peer.ack(&json!(id)));
    assert_eq!(wps.end().code, 11);
}

#[test]
fn failed_lines_that_are_too_many_to_be_remembered_are_told() {
    let bench = Bench::new();
    let input: String = (1..=1002).map(|number| format!("{number}\n")).collect();
    let wps = bench.send(&["--keep-going"], &input);
    let mut peer = bench.service.connect();
    for id in 1..=1002 {
        assert_eq!(peer.operation()["ackId"], id);
        peer.nack(&json!(id), "Forbidden", "no");
    }
    let ended = wps.end();
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    let told = "more than 1000 lines have failed: the session file remembers the first 1000, and takes the others, from \
                line 1001 on, for done";
    assert_eq!(ended.stderr.matches(told).count(), 1, "{}", ended.stderr);
}

/// A run whose lines all arrive, and that `fails` then: run again, it has nothing to send.
fn assert_sent_once(more: &[&str], fails: impl FnOnce(Running, &Path)) {
    let emulator = Emulator::start(&[]);
    let listener = emulator.listen(&["--count", "1001"]);
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("place");
    fs::create_dir(&place).unwrap();
    let input: String = (1..=1000).map(|number| format!("{number}\n")).collect();
    let start = || {
        wps(["send", "g", "--lines", "--user", "sender", "-o", "ndjson", &emulator.local()])
            .args(more)
            .arg("--session")
            .arg(place.join("s"))
            .stdin(input.as_str())
            .start()
    };
    let mut wps = start();
    // It has done its work, and its acks are more than a pipe holds: it ends when they are read.
    wps.err_line("sent 1000 lines, 1000 acknowledged");
    while position(&place.join("s"))["settled"].as_u64().is_some_and(|settled| settled < 1000) {
        std::thread::yield_now();
    }
    fails(wps, &place);
    let again = start().end();
    assert_eq!(again.code, 0, "{}", again.stderr);
    again.assert_stderr(&["sent by an earlier run"]);
    assert_eq!(wps_once(&emulator, "last").code, 0);
    let records = listener.end().records();
    let came = records.iter().filter(|record| record["type"] == "group-message");
    let came: Vec<&str> = came.map(|record| record["data"].as_str().unwrap()).collect();
    let wanted: Vec<&str> = input.lines().chain(["last"]).collect();
    assert!(came == wanted, "{} lines came", came.len());
}

#[test]
fn what_cannot_be_recorded_at_the_very_end_is_sent_once_all_the_same() {
    assert_sent_once(&[], |wps, place| {
        let elsewhere = place.with_file_name("elsewhere");
        fs::rename(place, &elsewhere).unwrap();
        let failed = wps.end();
        assert_eq!(failed.code, 13, "{}", failed.stderr);
        failed.assert_stderr(&["could not write the session file"]);
        fs::rename(&elsewhere, place).unwrap();
    });
}

#[test]
fn a_run_whose_time_is_over_while_nobody_reads_its_acks_is_no_reason_to_send_again() {
    assert_sent_once(&["--timeout", "3s"], |wps, _| assert_eq!(wps.end_unread().0, 124));
}

fn wps_once(emulator: &Emulator, text: &str) -> Ended {
    wps(["send", "g", text, &emulator.local()]).start().end()
}
