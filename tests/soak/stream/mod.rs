//! `stream --lines` and `stream`: what is written into it arrives once and in order, and when it cannot go on, its readers
//! are told that it ended with an error. It never is short without a word.
//!
//! Each run has a stream of its own. One that ends with success is whole at its readers; of any other they have a
//! beginning, at least what the publisher said to have arrived, and an end that says so.

mod arrived;
mod feeder;
mod reader;

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::arrived::Said;
use self::feeder::Feeder;
use self::reader::{GROUP, Reader};
use crate::bench::{Bench, Ended, Kind, Watcher, text};
use crate::journal::Journal;
use crate::payload;
use crate::process::Printed;
use crate::random::Random;
use crate::schedule::stop;

/// Nothing arriving for so long, although there is more, is a hang.
const SILENCE: Duration = Duration::from_secs(45);

/// What is seen of a run.
struct Publisher<'a> {
    journal: Journal,
    reader: &'a Reader,
    name: String,
    run: u64,
    feeder: Feeder,
    connected: bool,
    connection: Option<String>,
    /// The connection that the harness has ended for good.
    ended: HashSet<String>,
    /// The ids of its streams: one whose start was lost is begun anew.
    ids: Vec<String>,
    /// The last word about its stream.
    last: Option<Value>,
    torn: bool,
    arrived: u64,
    moved: Instant,
    /// When its input ends, where it ends by time.
    ends: Option<Instant>,
}

impl Watcher for Publisher<'_> {
    fn printed(&mut self, printed: Printed) {
        let record = match printed {
            Printed::Record(record) => record,
            Printed::Torn => return self.torn = true,
            Printed::Garbage(what) => return self.journal.fault(self.run, format!("no record: {what}")),
        };
        match text(&record, "type") {
            "stream-started" => self.ids.push(text(&record, "streamId").to_owned()),
            "stream-ended" => {
                self.journal.note(&format!("run {}: {record}", self.run));
                self.last = Some(record);
            }
            kind @ ("connected" | "recovered") => {
                self.connected = true;
                self.connection = Some(text(&record, "connectionId").to_owned());
                self.journal.count(if kind == "recovered" { "recovered" } else { "connected" }, 1);
            }
            "session-lost" | "disconnected" => {
                self.journal.note(&format!("run {}: {record}", self.run));
                if !self.ended.contains(text(&record, "connectionId")) {
                    self.journal.fault(self.run, format!("given up without need: {record}"));
                }
            }
            "recovering" | "reconnecting" | "stopped" => {}
            _ => self.journal.fault(self.run, format!("an unexpected record: {record}")),
        }
    }

    fn stuck(&mut self) -> Option<String> {
        if self.ends.is_some_and(|ends| Instant::now() >= ends) {
            self.feeder.finish();
        }
        if self.moved.elapsed() < Duration::from_millis(200) {
            return None;
        }
        let (given, arrived) = (self.feeder.given(), self.reader.lines(&self.name));
        if arrived > self.arrived || (arrived == given && !self.feeder.finished()) {
            (self.arrived, self.moved) = (arrived, Instant::now());
        }
        (self.moved.elapsed() > SILENCE).then(|| format!("nothing moves for {SILENCE:?}: {arrived} lines of {given}"))
    }

    fn connected(&self) -> bool {
        self.connected
    }

    fn connection(&self) -> Option<String> {
        self.connection.clone()
    }
}

impl Publisher<'_> {
    /// What it has said of its stream.
    fn said(&self, whole: bool) -> Said {
        // Of a stream with lines as its fragments it counts bytes as well.
        let known = self.last.as_ref().and_then(|last| last["bytes"].as_u64()).unwrap_or_default();
        Said { given: self.feeder.given(), finished: self.feeder.finished(), whole, known }
    }
}

/// The soak of a publisher of streams.
pub fn soak(bench: &mut Bench, kind: Kind) {
    let reader = Reader::start(bench);
    loop {
        run(bench, &reader, kind);
        reader.judge();
        if bench.over() {
            break;
        }
        bench.wait_for_way();
        bench.pause();
    }
    while reader.judge() > 0 {
        thread::sleep(Duration::from_millis(100));
    }
}

/// A stream.
fn run(bench: &mut Bench, reader: &Reader, kind: Kind) {
    let lines = bench.random.permille(500);
    // No more than its readers may leave unacknowledged at the service, lines being short.
    let buffer = bench.random.pick(&[(1, "1"), (2, "8k"), (4, "32k"), (2, "64k")]);
    let mut arguments = vec!["stream", GROUP, "--buffer", buffer];
    if lines {
        arguments.push("--lines");
    }
    let setup = bench.run("publisher", &arguments);
    let (number, life, rate) = (bench.number(), bench.config.life, bench.config.rate);
    let name = format!("{}{number}", if number % 2 == 1 { "t" } else { "s" });
    bench.proxy.allow(payload::largest(&name));
    let steady = kind == Kind::Steady;
    let target = if steady { u64::MAX } else { bench.random.between(1, 3000) };
    let stop = (!steady).then(|| stop(&mut bench.random, life));
    bench.journal.note(&format!("run {number}: stream {name} to {target}, {stop:?}"));
    let mut running = setup.start(true);
    let random = Random::branch(bench.config.seed, &format!("feeder {number}"));
    let feeder = Feeder::start(&name, running.stdin.take().unwrap(), target, rate, random);
    let mut publisher = Publisher {
        journal: bench.journal.clone(),
        reader,
        name,
        run: number,
        feeder,
        connected: false,
        connection: None,
        ended: HashSet::new(),
        ids: Vec::new(),
        last: None,
        torn: false,
        arrived: 0,
        moved: Instant::now(),
        ends: steady.then(|| bench.ends()),
    };
    if steady {
        bench.memory.watch("publisher", running.id());
    } else if bench.random.permille(50) {
        let ended = bench.force_within(&mut running, &mut publisher);
        publisher.ended.extend(ended);
        publisher.moved = Instant::now();
    }
    let how = bench.watch(&mut running, stop, &mut publisher);
    let whole = judge(bench, &publisher, &how, &running.stderr());
    if !whole
        && bench.random.permille(300)
        && let Some(connection) = &publisher.connection
    {
        // The readers are told at once, and need not wait until the service gives it up.
        bench.force_loss(connection);
    }
    reader.close(number, &publisher.name, publisher.ids.clone(), publisher.said(whole));
}

/// Whether it said that all of it has arrived.
fn judge(bench: &Bench, publisher: &Publisher<'_>, ended: &Ended, stderr: &str) -> bool {
    let journal = &bench.journal;
    if publisher.torn && ended.stopped != Some(rustix::process::Signal::KILL) {
        journal.fault(publisher.run, "its last line has no end");
    }
    if ended.stopped.is_some() {
        return false;
    }
    let forced = !publisher.ended.is_empty();
    let unconfirmed = publisher.last.as_ref().is_some_and(|last| last["unconfirmed"] == true);
    match ended.code {
        Some(0) => {
            if !publisher.feeder.finished() {
                journal.fault(publisher.run, "success before the end of its input");
            }
            return true;
        }
        // Its end was sent before a cut, and nobody knows any more whether it was taken.
        Some(9) if unconfirmed => journal.count("unconfirmed", 1),
        // What it ran on was taken from it.
        Some(9) if forced => journal.count("unknown", 1),
        // It could not connect again, and had begun nothing.
        Some(4 | 7) if bench.waited_out => {}
        code => {
            let tail = stderr.lines().rev().take(6).collect::<Vec<_>>().join(" | ");
            journal.fault(publisher.run, format!("ended by itself with {code:?}: {tail}"));
        }
    }
    false
}
