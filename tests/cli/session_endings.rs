//! `--session` and every way a run can end: what one run has not printed waits for the next, and nothing is printed twice.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ended, FromClient, PATIENCE, Peer, Service, Setup, Source, wps};

/// So many messages wait when the first run begins, and come all at once.
const BACKLOG: u64 = 60;
/// More runs than any ending needs.
const RUNS: usize = 70;

/// How a run is ended.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// By itself.
    Own,
    /// By this signal, at the first line of stdout.
    Signal(Signal),
    /// By two of them.
    Twice(Signal),
}

/// A listener that is run again and again on one connection.
struct Bench {
    service: Service,
    home: TempDir,
    source: Source,
    acknowledged: u64,
    runs: usize,
}

impl Bench {
    fn new() -> Self {
        let mut source = Source::default();
        (0..BACKLOG).for_each(|_| drop(source.miss()));
        let (service, home) = (Service::start(), tempfile::tempdir().unwrap());
        Self { service, home, source, acknowledged: 0, runs: 0 }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("s")
    }

    fn listen(&self, flags: &[&str]) -> Setup {
        wps(["listen", "-g", "g", "--url", &self.service.url(), "--session"]).arg(self.file()).args(flags)
    }

    /// One run, from its connection to its end. What it has not acknowledged comes all at once.
    fn run(&mut self, setup: Setup, ending: Ending) -> Ended {
        let mut wps = setup.start();
        let mut peer = if self.runs == 0 {
            self.service.connect_and_join(&["g"])
        } else {
            let mut peer = self.service.recovery();
            assert!(matches!(peer.next(), FromClient::Frame(ping) if ping["type"] == "ping"));
            peer.send(&serde_json::json!({"type": "pong"}));
            peer
        };
        self.runs += 1;
        self.source.replay_at_once(self.acknowledged, &mut peer);
        let signals = match ending {
            Ending::Own => vec![],
            Ending::Signal(signal) => vec![signal],
            Ending::Twice(signal) => vec![signal, signal],
        };
        if !signals.is_empty() {
            wps.line();
        }
        signals.into_iter().for_each(|signal| wps.signal(signal));
        see_gone(&mut peer);
        self.acknowledged = self.acknowledged.max(peer.acknowledged);
        wps.end()
    }

    /// Runs it until all has been printed, by what `number` reads from a line; `code` is that of the runs before the last.
    fn exhaust(&mut self, flags: &[&str], ending: Ending, code: i32, number: impl Fn(&str) -> Option<(u64, bool)>) {
        let mut last = 0;
        for _ in 0..RUNS {
            let ended = self.run(self.listen(flags), ending);
            for line in ended.text().lines() {
                let Some((number, repeated)) = number(line) else { continue };
                // Frames are shown as often as they come.
                if flags.contains(&"raw") && number <= last {
                    continue;
                }
                // So may be said of one that was being written when nobody waited for it.
                if matches!(ending, Ending::Twice(_)) && repeated && number <= last + 1 {
                    last = last.max(number);
                    continue;
                }
                assert_eq!(number, last + 1, "{flags:?} {ending:?}: printed after {last}, by run {}", self.runs);
                assert!(!repeated, "{flags:?} {ending:?}: {number} had not been printed before");
                last = number;
            }
            assert!(self.acknowledged <= last, "{flags:?}: {} acknowledged, {last} printed", self.acknowledged);
            if last == BACKLOG {
                return;
            }
            assert_eq!(ended.code, code, "{flags:?} {ending:?}: {}", ended.stderr);
        }
        panic!("{flags:?} {ending:?}: {last} of {BACKLOG} were printed in {} runs", self.runs);
    }
}

/// Does what a service does until the client goes, which sends no close frame.
fn see_gone(peer: &mut Peer) {
    loop {
        match peer.attend(std::time::Instant::now() + PATIENCE) {
            FromClient::Frame(_) => {}
            FromClient::Gone => return,
            other => panic!("the client was to go without a close frame: {other:?}"),
        }
    }
}

fn of_record(line: &str) -> Option<(u64, bool)> {
    let record: Value = serde_json::from_str(line).unwrap();
    let number = record["data"].as_str().filter(|_| record["type"] == "group-message")?.parse().ok()?;
    Some((number, record["redelivered"] == true))
}

fn of_frame(line: &str) -> Option<(u64, bool)> {
    let frame: Value = serde_json::from_str(line).unwrap();
    Some((frame["data"].as_str()?.parse().ok()?, false))
}

fn of_last_word(line: &str) -> Option<(u64, bool)> {
    Some((line.split(' ').next_back()?.parse().ok()?, false))
}

/// Met by every seventh message: the third, the tenth, …
const SEVENTH: &str = "(.data | tonumber?) % 7 == 3";
/// A message, after some work.
const SLOWLY: &str = "select(.type == \"group-message\") | (last(range(100000)) | empty), .";

#[test]
fn what_comes_behind_the_record_that_met_a_condition_waits_for_the_next_run() {
    for (flag, code) in [("--until", 0), ("--fail-on", 12)] {
        let flags = ["-o", "ndjson", flag, SEVENTH, "--idle-timeout", "1s"];
        Bench::new().exhaust(&flags, Ending::Own, code, of_record);
    }
    for (format, number) in [("data", of_last_word as fn(&str) -> _), ("text", of_last_word), ("raw", of_frame)] {
        let flags = ["-o", format, "--until", SEVENTH, "--idle-timeout", "1s"];
        Bench::new().exhaust(&flags, Ending::Own, 0, number);
    }
    let flags = ["--only", "messages", "--jq", ".data", "-r", "--until", SEVENTH, "--idle-timeout", "1s"];
    Bench::new().exhaust(&flags, Ending::Own, 0, of_last_word);
}

#[test]
fn what_a_slow_expression_has_not_come_to_waits_for_the_next_run() {
    for ending in [Signal::INT, Signal::TERM].map(Ending::Signal).into_iter().chain([Ending::Twice(Signal::INT)]) {
        let flags = ["--only", "messages", "--jq", SLOWLY];
        let code = if matches!(ending, Ending::Signal(Signal::TERM)) { 143 } else { 130 };
        Bench::new().exhaust(&flags, ending, code, of_record);
    }
    // A run that ends by itself has little time for what came before.
    let flags = ["--only", "messages", "--jq", SLOWLY, "--for", "700ms"];
    Bench::new().exhaust(&flags, Ending::Own, 0, of_record);
    // A condition is looked at by the run that prints the record.
    let slow_condition = format!("[{SLOWLY}] == [0]");
    let flags = ["--only", "messages", "--fail-on", &slow_condition, "--jq", ".data", "-r"];
    Bench::new().exhaust(&flags, Ending::Signal(Signal::INT), 130, of_last_word);
}

#[test]
fn whatever_else_ends_a_run_each_message_is_printed_once() {
    for format in ["data", "text", "raw", "ndjson"] {
        let number = match format {
            "raw" => of_frame,
            "ndjson" => of_record,
            _ => of_last_word,
        };
        Bench::new().exhaust(&["-o", format, "--count", "6"], Ending::Own, 0, number);
    }
    let flags = ["--only", "messages", "--jq", SLOWLY, "--count", "6"];
    Bench::new().exhaust(&flags, Ending::Own, 0, of_record);
    Bench::new().exhaust(&["-o", "data", "--idle-timeout", "1s"], Ending::Own, 0, of_last_word);
    Bench::new().exhaust(&["-o", "data", "--on-ready", "exit 3"], Ending::Own, 12, of_last_word);
    Bench::new().exhaust(&["-o", "data"], Ending::Signal(Signal::TERM), 143, of_last_word);
}

#[test]
fn a_command_is_run_on_the_connection_of_an_earlier_run_too() {
    let mut bench = Bench::new();
    for expected in ["connected to hub", "recovered after"] {
        let ended = bench.run(bench.listen(&["-o", "data", "--on-ready", "exit 3"]), Ending::Own);
        assert_eq!(ended.code, 12, "{}", ended.stderr);
        ended.assert_stderr(&[expected, "`exit 3` (`--on-ready`) failed"]);
    }
}

#[test]
fn what_could_not_be_written_waits_for_the_next_run() {
    for more in [&[][..], &["--only", "messages", "--jq", ".data", "-r"]] {
        let mut bench = Bench::new();
        let flags = [&["--idle-timeout", "1s"], more].concat();
        let full = bench.listen(&flags).stdout_to("/dev/full");
        let ended = bench.run(full, Ending::Own);
        assert_eq!((ended.code, bench.acknowledged), (13, 0), "{}", ended.stderr);
        bench.exhaust(&flags, Ending::Own, 0, of_last_word);
    }
}
