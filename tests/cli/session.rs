//! `--session FILE`: the connection outlives the process, however that ends. What is printed across runs is what was
//! published, in order; anything that may have been printed before is marked.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Ended, FromClient, PATIENCE, Peer, Running, Service, Setup, Source, kinds, wps};

/// A service, and a session file that lies beside.
pub(crate) struct Bench {
    pub(crate) service: Service,
    pub(crate) home: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { service: Service::start(), home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.home.path().join("s")
    }

    pub(crate) fn run(&self, args: &[&str]) -> Setup {
        wps(args).args(["--url", &self.service.url(), "--session"]).arg(self.file())
    }

    pub(crate) fn listen(&self, args: &[&str]) -> Running {
        self.run(&["listen", "-o", "ndjson"]).args(args).start()
    }

    /// A run that has made `c1`, joined `g` and been killed, and what it left.
    pub(crate) fn left(&self) -> String {
        let mut wps = self.listen(&["-g", "g"]);
        let mut peer = self.service.connect();
        peer.grant_join("g");
        wps.skip_to("joined");
        wps.signal(Signal::KILL);
        assert_eq!((wps.end().code, gone(&mut peer)), (-9, true));
        fs::read_to_string(self.file()).unwrap()
    }

    /// How far messages have come, as it is recorded: `done` or `begun`.
    pub(crate) fn progress(&self, what: &str) -> u64 {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        let progress = text.lines().nth(2).map(|line| serde_json::from_str::<Value>(line).unwrap());
        progress.map_or(0, |progress| progress[what].as_u64().unwrap())
    }

    /// Waits until the writer is at what it cannot end: a batch is begun that, with what was printed since `done`, is as
    /// much as a pipe holds of messages of this test, or more, and nobody reads.
    pub(crate) fn see_stuck(&self, done: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.progress("begun") < done + FULL_PIPE {
            assert!(Instant::now() < deadline, "nothing more is begun after {done}");
            std::thread::yield_now();
        }
    }

    /// Takes the recovery of `c1`.
    pub(crate) fn recovered(&self) -> Peer {
        let mut peer = self.service.recovery();
        assert!(matches!(peer.next(), FromClient::Frame(ping) if ping["type"] == "ping"));
        peer.send(&serde_json::json!({"type": "pong"}));
        peer
    }
}

/// Whether the client goes without a close frame, after whatever it says before.
pub(crate) fn gone(peer: &mut Peer) -> bool {
    loop {
        match peer.attend(Instant::now() + PATIENCE) {
            FromClient::Frame(_) => {}
            FromClient::Gone => return true,
            FromClient::Close(_) | FromClient::Silence => return false,
        }
    }
}

/// How often the process is killed, and how many messages come each time.
const KILLS: usize = 20;
pub(crate) const ROUND: usize = 12;
/// One less of them fits into a pipe in whatever pieces they are written, and one more in none.
const FULL_PIPE: u64 = 8;

/// What all runs together have printed.
#[derive(Default)]
struct Printed {
    last: u64,
    marked: usize,
    repeated: usize,
    torn: usize,
}

impl Printed {
    /// Takes all that a run has printed. Its last line may be torn.
    fn take(&mut self, ended: &Ended) {
        let end = ended.stdout.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.torn += usize::from(end < ended.stdout.len());
        for line in std::str::from_utf8(&ended.stdout[..end]).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            assert!(record["type"] != "session-lost" && record["type"] != "sequence-gap", "{record}");
            if record["type"] != "group-message" {
                continue;
            }
            let number: u64 = record["data"].as_str().unwrap().trim_end_matches('.').parse().unwrap();
            let marked = record["redelivered"] == true;
            self.marked += usize::from(marked);
            if number <= self.last {
                self.repeated += 1;
                assert!(marked, "{number} was printed twice, unmarked");
            } else {
                assert_eq!(number, self.last + 1, "after {}", self.last);
                self.last = number;
            }
        }
    }
}

/// A numbered message that is so large that those of a round do not fit into a pipe.
pub(crate) fn say(source: &mut Source, peer: &mut Peer) {
    let mut frame = source.miss();
    frame["data"] = format!("{}{}", source.total(), ".".repeat(8000)).into();
    source.replace_last(frame.clone());
    peer.send(&frame);
}

#[test]
fn killed_twenty_times_it_prints_every_message_in_order_and_marks_what_it_repeats() {
    let bench = Bench::new();
    let (mut source, mut printed, mut acknowledged) = (Source::default(), Printed::default(), 0);
    for round in 0..=KILLS {
        let done = bench.progress("done");
        let mut wps = bench.listen(&["-g", "g"]);
        let mut peer = if round == 0 {
            let mut peer = bench.service.connect();
            peer.grant_join("g");
            peer
        } else {
            bench.recovered()
        };
        source.replay(acknowledged, &mut peer);
        for _ in 0..ROUND {
            say(&mut source, &mut peer);
        }
        if round % 2 == 0 && round < KILLS {
            // Nobody reads: it is about to write, or in the middle of it.
            bench.see_stuck(done);
        } else {
            // Some of it was read, and it may be doing anything.
            let wanted = if round == KILLS { source.total() } else { printed.last + (round % ROUND) as u64 + 1 };
            loop {
                let record = wps.skip_to("group-message");
                if record["data"].as_str().unwrap().trim_end_matches('.').parse::<u64>().unwrap() >= wanted {
                    break;
                }
            }
        }
        wps.signal(Signal::KILL);
        let ended = wps.end();
        assert_eq!(ended.code, -9, "{}", ended.stderr);
        printed.take(&ended);
        peer.acknowledged = peer.acknowledged.max(acknowledged);
        assert!(gone(&mut peer));
        acknowledged = peer.acknowledged;
        assert!(acknowledged <= printed.last, "{acknowledged} was acknowledged and {} printed", printed.last);
    }
    let Printed { last, marked, repeated, torn } = printed;
    assert_eq!(last, (KILLS as u64 + 1) * ROUND as u64);
    // It has been struck where it hurts.
    assert!(marked > 20 && repeated > 0, "{marked} marked, {repeated} repeated, {torn} torn");
}

#[test]
fn a_run_leaves_without_a_close_frame_and_the_next_goes_on_with_its_connection() {
    let bench = Bench::new();
    let mut source = Source::default();
    let mut wps = bench.listen(&["-g", "g"]);
    let mut peer = bench.service.connect();
    peer.grant_join("g");
    source.say(&mut peer);
    wps.skip_to("group-message");
    wps.signal(Signal::TERM);
    let ended = wps.end();
    assert_eq!(ended.code, 143);
    assert_eq!(kinds(&ended.records()).last(), Some(&"stopped"));
    assert!(gone(&mut peer), "a close frame ends the connection");
    // While nobody is there, messages come.
    let acknowledged = peer.acknowledged;
    source.miss();
    source.miss();
    let wps = bench.listen(&["-g", "g", "--count", "1"]);
    let mut peer = bench.recovered();
    source.replay(acknowledged, &mut peer);
    let ended = wps.end();
    let records = ended.records();
    // Neither a new connection nor a join; one message, and not the one that was printed before.
    assert_eq!(kinds(&records), ["recovered", "joined", "group-message", "stopped"]);
    assert_eq!((&records[0]["connectionId"], &records[0]["attempts"]), (&"c1".into(), &1.into()));
    assert!(records[0]["downtimeMs"].as_u64().is_some());
    assert_eq!((&records[1]["group"], &records[1]["ackId"]), (&"g".into(), &Value::Null));
    assert_eq!((&records[2]["data"], &records[2]["redelivered"]), (&"2".into(), &Value::Null));
    assert_eq!((ended.code, gone(&mut peer)), (0, true));
    // The rest is there for the third, after an end of its own too.
    let wps = bench.run(&["listen", "-g", "g", "--count", "1"]).start();
    let mut third = bench.recovered();
    source.replay(peer.acknowledged.max(acknowledged), &mut third);
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, "[g] bob: 3\n"), "{}", ended.stderr);
}

#[test]
fn groups_that_are_new_are_joined_and_those_not_named_any_more_are_left() {
    let bench = Bench::new();
    bench.left();
    let mut wps = bench.listen(&["-g", "h", "-g", "g"]);
    let mut peer = bench.recovered();
    peer.grant_join("h");
    let joined: Vec<Value> = (0..2).map(|_| wps.skip_to("joined")["group"].clone()).collect();
    assert_eq!(joined, ["g", "h"]);
    wps.signal(Signal::KILL);
    wps.end();
    let mut wps = bench.listen(&["-g", "h"]);
    let mut peer = bench.recovered();
    let leave = peer.operation();
    assert_eq!((&leave["type"], &leave["group"]), (&"leaveGroup".into(), &"g".into()));
    // An id that the connection has not seen.
    assert!(leave["ackId"].as_u64() > Some(2), "{leave}");
    peer.ack(&leave["ackId"]);
    assert_eq!(wps.skip_to("left")["group"], "g");
}

#[test]
fn a_connection_that_is_lost_is_reported_and_replaced() {
    let bench = Bench::new();
    bench.left();
    let wps = bench.listen(&["-g", "g", "--count", "1"]);
    let request = bench.service.request();
    request.assert_recovers("c1", "reconnect-1");
    // In between answers somebody who does not know it, which says nothing about the connection.
    request.refuse("404 Not Found", &[], "");
    let request = bench.service.request();
    request.assert_recovers("c1", "reconnect-1");
    request.upgrade().close(1008, "The connection could not be recovered.");
    let mut peer = bench.service.request().upgrade();
    peer.greet("c2", "reconnect-2");
    peer.grant_join("g");
    peer.say(1, "new");
    let ended = wps.end();
    let records = ended.records();
    let expected = ["session-lost", "disconnected", "connected", "ack", "joined", "group-message", "stopped"];
    assert_eq!(kinds(&records), expected);
    assert_eq!((&records[0]["connectionId"], &records[2]["connectionId"]), (&"c1".into(), &"c2".into()));
    assert!(records[0]["reason"].as_str().unwrap().contains("1008"), "{}", records[0]);
    assert_eq!((ended.code, &records[5]["redelivered"]), (0, &Value::Null));
    assert!(fs::read_to_string(bench.file()).unwrap().contains("reconnect-2"));
}

#[test]
fn what_answers_in_place_of_the_service_ends_no_recovery() {
    let bench = Bench::new();
    bench.left();
    let wps = bench.listen(&["-g", "g", "--count", "1"]);
    // A proxy that nobody knew of wants credentials for a while.
    for status in ["407 Proxy Authentication Required", "403 Forbidden"] {
        let request = bench.service.request();
        request.assert_recovers("c1", "reconnect-1");
        request.refuse(status, &[], "");
    }
    bench.recovered().say(1, "was due");
    let ended = wps.end();
    assert_eq!(kinds(&ended.records()), ["recovered", "joined", "group-message", "stopped"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&["407 Proxy Authentication Required"]);
}

#[test]
fn a_message_that_was_sent_and_not_acknowledged_goes_on_under_its_id() {
    let bench = Bench::new();
    let wps = bench.run(&["send", "g", "one"]).start();
    let mut peer = bench.service.connect();
    let first = peer.operation();
    wps.signal(Signal::KILL);
    assert_eq!((wps.end().code, gone(&mut peer)), (-9, true));
    // The same again: the same frame, which the service knows.
    let wps = bench.run(&["send", "g", "one", "-o", "ndjson"]).start();
    let mut peer = bench.recovered();
    assert_eq!(peer.operation(), first);
    peer.nack(&first["ackId"], "Duplicate", "");
    let ended = wps.end();
    let records = ended.records();
    assert_eq!((ended.code, kinds(&records)), (0, vec!["recovered", "ack", "stopped"]));
    assert_eq!((&records[1]["success"], &records[1]["duplicate"]), (&true.into(), &true.into()));
    assert!(gone(&mut peer));
    // The same once more is another message.
    let wps = bench.run(&["send", "g", "one"]).start();
    let mut peer = bench.recovered();
    let next = peer.operation();
    assert_ne!(next["ackId"], first["ackId"]);
    wps.signal(Signal::INT);
    assert_eq!((wps.end().code, gone(&mut peer)), (130, true));
    // Whatever runs next finishes it, before its own.
    let wps = bench.run(&["send", "g", "two"]).start();
    let mut peer = bench.recovered();
    assert_eq!(peer.operation(), next);
    let own = peer.operation();
    assert_eq!(own["data"], "two");
    peer.ack(&next["ackId"]);
    peer.ack(&own["ackId"]);
    assert_eq!(wps.end().code, 0);
    assert!(fs::read_to_string(bench.file()).unwrap().contains(r#""operations":[]"#));
}

#[test]
fn an_ack_id_of_a_failed_run_may_be_given_again() {
    let bench = Bench::new();
    let args = ["send", "g", "one", "--ack-id", "7", "--retries", "0", "--ack-timeout", "100ms"];
    let wps = bench.run(&args).start();
    let mut peer = bench.service.connect();
    let first = peer.operation();
    let ended = wps.end();
    ended.assert_failed(9, &["no ack within 100 ms", "run the same command again with the same `--session` file"]);
    assert!(gone(&mut peer));
    let wps = bench.run(&args[..5]).start();
    let mut peer = bench.recovered();
    assert_eq!(peer.operation(), first);
    peer.ack(&first["ackId"]);
    assert_eq!(wps.end().code, 0);
}

#[test]
fn an_ack_id_under_which_something_else_went_over_the_connection_is_refused() {
    let bench = Bench::new();
    // Its join has ackId 1.
    let wps = bench.run(&["listen", "--group", "g", "--count", "1"]).start();
    let mut peer = bench.service.connect();
    let join = peer.operation();
    peer.ack(&join["ackId"]);
    peer.send(
        &json!({"sequenceId": 1, "type": "message", "from": "group", "group": "g", "dataType": "text", "data": "m"}),
    );
    assert_eq!(wps.end().code, 0);
    assert!(gone(&mut peer));
    let wps = bench.run(&["send", "g", "one", "--ack-id", "7"]).start();
    let mut peer = bench.recovered();
    let first = peer.operation();
    peer.ack(&first["ackId"]);
    assert_eq!(wps.end().code, 0);
    assert!(gone(&mut peer));
    for (id, text) in [(&join["ackId"], "one"), (&first["ackId"], "two")] {
        let ended = bench.run(&["send", "g", text, "--ack-id", &id.to_string()]).start().end();
        ended.assert_failed(2, &[&format!("ackId {id} was used for another operation of this connection")]);
    }
}

#[test]
fn an_ack_id_that_the_service_may_have_forgotten_is_not_sent_again() {
    let bench = Bench::new();
    let args = ["send", "g", "one", "--ack-id", "7"];
    let wps = bench.run(&args).start();
    let mut peer = bench.service.connect();
    let first = peer.operation();
    peer.ack(&first["ackId"]);
    assert_eq!(wps.end().code, 0);
    assert!(gone(&mut peer));
    // So many others that it is among the last thousand, just so; and one more.
    for (others, forgotten) in [(999, false), (1, true)] {
        let input: String = (0..others).map(|number| format!("{number}\n")).collect();
        let wps = bench.run(&["send", "g", "--lines"]).stdin(input).start();
        let mut peer = bench.recovered();
        for _ in 0..others {
            let line = peer.operation();
            peer.ack(&line["ackId"]);
        }
        assert_eq!(wps.end().code, 0);
        assert!(gone(&mut peer));
        let wps = bench.run(&args).start();
        if forgotten {
            let ended = wps.end();
            ended.assert_failed(9, &["(ackId 7) is not known", "may have forgotten its ackId", "it is a new message"]);
            continue;
        }
        let mut peer = bench.recovered();
        assert_eq!(peer.operation(), first);
        peer.nack(&first["ackId"], "Duplicate", "");
        assert_eq!(wps.end().code, 0);
        assert!(gone(&mut peer));
    }
    // Unless that is asked for.
    let wps = bench.run(&args).args(["--on-unknown", "resend"]).start();
    let mut peer = loop {
        // The run before may have begun to connect.
        let Some(request) = bench.service.accept().try_request() else { continue };
        let mut peer = request.upgrade();
        if matches!(peer.next(), FromClient::Frame(ping) if ping["type"] == "ping") {
            peer.send(&json!({"type": "pong"}));
            break peer;
        }
    };
    assert_eq!(peer.operation(), first);
    peer.ack(&first["ackId"]);
    assert_eq!(wps.end().code, 0);
}

#[test]
fn an_ack_id_that_was_acknowledged_on_a_connection_that_is_lost_is_not_sent_again() {
    let bench = Bench::new();
    let wps = bench.run(&["send", "g", "one", "--ack-id", "7"]).start();
    let mut peer = bench.service.connect();
    let first = peer.operation();
    peer.ack(&first["ackId"]);
    assert_eq!(wps.end().code, 0);
    let wps = bench.run(&["send", "g", "one", "--ack-id", "7"]).start();
    bench.service.recovery().close(1008, "");
    let ended = wps.end();
    ended.assert_failed(9, &["(ackId 7) is not known", "it is a new message"]);
}

#[test]
fn what_becomes_of_a_message_whose_connection_is_lost_is_said() {
    let bench = Bench::new();
    let wps = bench.run(&["send", "g", "one"]).start();
    let mut peer = bench.service.connect();
    peer.operation();
    wps.signal(Signal::KILL);
    wps.end();
    let wps = bench.listen(&["--count", "1"]);
    bench.service.recovery().close(1008, "");
    let mut peer = bench.service.request().upgrade();
    peer.greet("c2", "reconnect-2");
    peer.say(1, "new");
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records)[..3], ["session-lost", "disconnected", "operation-unknown"]);
    assert_eq!((&records[2]["group"], &records[2]["ackId"]), (&"g".into(), &1.into()));
    ended.assert_stderr(&["whether the service did sendToGroup `g` (ackId 1), of an earlier run, is not known"]);
    assert_eq!(ended.code, 0);
}

#[test]
fn what_a_sender_does_not_print_waits_for_a_listener() {
    let bench = Bench::new();
    bench.left();
    let mut source = Source::default();
    let wps = bench.run(&["send", "other", "x"]).start();
    let mut peer = bench.recovered();
    source.say(&mut peer);
    let send = peer.operation();
    peer.ack(&send["ackId"]);
    assert_eq!(wps.end().code, 0);
    assert!(gone(&mut peer));
    assert_eq!(peer.acknowledged, 0);
    let wps = bench.listen(&["-g", "g", "--count", "1"]);
    let mut peer = bench.recovered();
    source.replay(0, &mut peer);
    let records = wps.end().records();
    assert_eq!(kinds(&records), ["recovered", "joined", "group-message", "stopped"]);
    assert_eq!(records[2]["redelivered"], Value::Null);
}

#[test]
fn a_reply_that_is_printed_takes_no_message_before_it_away_from_a_listener() {
    let bench = Bench::new();
    bench.left();
    let reply = |id: u64, text: &str| json!({"type": "message", "from": "server", "sequenceId": id, "dataType": "text", "data": text});
    let event = || bench.run(&["event", "e", "x", "--wait-reply", "-o", "ndjson"]).start();
    let wps = event();
    let mut peer = bench.recovered();
    peer.say(1, "m");
    peer.send(&reply(2, "first"));
    let asked = peer.operation();
    peer.ack(&asked["ackId"]);
    assert_eq!(kinds(&wps.end().records()), ["recovered", "server-message", "ack", "stopped"]);
    assert!(gone(&mut peer));
    assert_eq!((peer.acknowledged, bench.progress("done"), bench.progress("begun")), (0, 0, 2));
    // The reply that comes again answers nothing.
    let wps = event();
    let mut peer = bench.recovered();
    let asked = peer.operation();
    peer.say(1, "m");
    peer.send(&reply(2, "first"));
    peer.ack(&asked["ackId"]);
    peer.send(&reply(3, "second"));
    let ended = wps.end();
    let data: Vec<_> =
        ended.records().into_iter().filter(|it| it["type"] == "server-message").map(|it| it["data"].clone()).collect();
    assert_eq!((ended.code, data), (0, vec![json!("second")]), "{}", ended.stderr);
    let wps = bench.listen(&["-g", "g", "--count", "3"]);
    let mut peer = bench.recovered();
    peer.say(1, "m");
    peer.send(&reply(2, "first"));
    peer.send(&reply(3, "second"));
    let records = wps.end().records();
    assert_eq!(records.iter().filter(|record| record["redelivered"] == true).count(), 3);
}

#[test]
fn a_file_has_one_user_at_a_time_and_one_service_hub_and_user() {
    let bench = Bench::new();
    let mut first = bench.listen(&["-g", "g"]);
    let mut peer = bench.service.connect();
    peer.grant_join("g");
    first.skip_to("joined");
    let holder = format!("in use by `wps listen` (process {}) since 20", first.id());
    bench.run(&["send", "g", "x"]).run().assert_failed(3, &["cannot be used", &holder, "hint: "]);
    first.signal(Signal::KILL);
    first.end();
    let other = bench.service.url().replace("hub1", "hub2");
    let ended = wps(["listen", "--url", &other, "--session"]).arg(bench.file()).run();
    ended.assert_failed(3, &["is for hub `hub1` at `ws://127.0.0.1:", "not for hub `hub2`", "hint: "]);
    let ended = bench.run(&["listen", "--protocol", "protobuf-reliable"]).run();
    ended.assert_failed(
        3,
        &[
            "speaks `json.reliable.webpubsub.azure.v1`, not `protobuf.reliable.webpubsub.azure.v1`",
            "hint: `--protocol json-reliable` goes on with it",
        ],
    );
    assert!(!ended.stderr.contains("is for hub"), "{}", ended.stderr);
    // Nobody was called.
    bench.service.assert_no_more_calls();
}

#[test]
fn a_file_that_is_no_use_is_left_as_it_is() {
    let bench = Bench::new();
    let good = bench.left();
    let damaged = good.replace("\"done\":0", "\"done\":9");
    let later = good.replace("wps-session 2 ", "wps-session 9 ");
    for (content, what) in [
        (damaged.as_str(), "it is damaged: the checksum does not match"),
        (&good[..good.len() / 2], "it is damaged"),
        (&later, "it has version 9 of the format"),
        ("my notes\n", "it is not a session file"),
    ] {
        fs::write(bench.file(), content).unwrap();
        let ended = bench.run(&["listen", "-o", "ndjson"]).run();
        assert_eq!((ended.code, kinds(&ended.records())), (3, vec!["stopped"]), "{what}");
        ended.assert_stderr(&["error: the session file `", "cannot be used", what, "hint: it was left as it is"]);
        assert_eq!(fs::read_to_string(bench.file()).unwrap(), content);
    }
    bench.service.assert_no_more_calls();
}

#[test]
fn what_cannot_be_a_session_file_is_said_before_connecting() {
    let bench = Bench::new();
    let home = bench.home.path().to_str().unwrap();
    let missing = format!("{home}/no/s");
    for (file, what) in [
        (home, "it is a directory, not a file"),
        ("/dev/full", "it is a device or a pipe, not a file"),
        (&missing, "there is no directory `"),
    ] {
        let ended = wps(["listen", "--url", &bench.service.url(), "--session", file]).run();
        ended.assert_failed(3, &["error: the session file `", "caused by: ", what, "hint: "]);
    }
    for (args, what) in [
        (&["listen", "--protocol", "json"][..], "`--session` needs a subprotocol with recovery"),
        (&["send", "g", "x", "--no-ack"], "`--session` and `--no-ack` do not go together"),
    ] {
        bench.run(args).run().assert_failed(2, &[what, "hint: "]);
    }
    bench.service.assert_no_more_calls();
    assert!(!bench.file().exists());
}

#[test]
fn an_emulator_in_the_same_process_is_refused() {
    let closed = crate::support::service::ClosedPort::reserve();
    let home = tempfile::tempdir().unwrap();
    let local = format!("--local={}", closed.port());
    let ended = wps(["listen", &local, "--session"]).arg(home.path().join("s")).run();
    ended.assert_failed(4, &["nothing listens at", "hint: start an emulator with `wps emulator`"]);
}

#[test]
fn what_cannot_be_recorded_is_neither_printed_nor_acknowledged() {
    let bench = Bench::new();
    let mut wps = bench.listen(&["-g", "g"]);
    let mut peer = bench.service.connect();
    peer.grant_join("g");
    wps.skip_to("joined");
    // Something that cannot be replaced is in the way of the next change.
    let kept = bench.home.path().join("kept");
    fs::rename(bench.file(), &kept).unwrap();
    fs::create_dir(bench.file()).unwrap();
    peer.say(1, "x");
    let ended = wps.end();
    assert_eq!((ended.code, peer.acknowledged), (13, 0));
    ended.assert_stderr(&[
        "error: could not write the session file `",
        "hint: what is not recorded is not acknowledged",
    ]);
    assert!(gone(&mut peer));
    assert!(!ended.text().contains("group-message"));
    fs::remove_dir(bench.file()).unwrap();
    fs::rename(kept, bench.file()).unwrap();
    let wps = bench.listen(&["-g", "g", "--count", "1"]);
    bench.recovered().say(1, "x");
    assert_eq!(kinds(&wps.end().records()), ["recovered", "joined", "group-message", "stopped"]);
}

#[test]
fn the_file_is_its_owners_alone_and_its_token_is_printed_nowhere() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    assert!(bench.left().contains("reconnect-1"));
    let mode = || fs::metadata(bench.file()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(bench.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let wps = bench.run(&["listen", "-vvv", "-o", "raw", "-g", "g", "--count", "1"]).env("WPS_LOG", "trace").start();
    let mut peer = bench.recovered();
    peer.greet("c1", "renewed-1");
    peer.say(1, "x");
    let ended = wps.end();
    assert_eq!((ended.code, mode()), (0, 0o600));
    ended.assert_stderr(&["warning: others could read the session file `", "(mode 644)"]);
    for secret in ["reconnect-1", "renewed-1"] {
        assert!(!ended.text().contains(secret) && !ended.stderr.contains(secret), "{secret}:\n{}", ended.stderr);
    }
    assert!(fs::read_to_string(bench.file()).unwrap().contains("renewed-1"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_ends_in_a_torn_line_gets_a_new_one() {
    // Also where expressions stand before the output.
    for more in ["", "--jq ."] {
        let bench = Bench::new();
        let wps = bench.listen(&["-g", "g"]);
        let mut peer = bench.service.connect();
        peer.grant_join("g");
        let mut source = Source::default();
        for _ in 0..ROUND {
            say(&mut source, &mut peer);
        }
        bench.see_stuck(0);
        wps.signal(Signal::KILL);
        wps.end();
        assert!(gone(&mut peer));
        let out = bench.home.path().join("out");
        fs::write(&out, "{\"type\":\"group-mess").unwrap();
        let script = format!(
            "exec $WPS listen -g g -o ndjson --count 1 {more} --url '{}' --session '{}' >> '{}'",
            bench.service.url(),
            bench.file().display(),
            out.display()
        );
        let wps = Setup::shell(&script).start();
        source.replay(peer.acknowledged, &mut bench.recovered());
        assert_eq!(wps.end().code, 0);
        let torn = fs::read_to_string(&out).unwrap().lines().filter(|line| !line.ends_with('}')).count();
        assert_eq!(torn, 1);
    }
}
