//! `listen -o ndjson` and `listen --session F`: what is printed is what was published, in order, each once.
//!
//! With a session that holds over all runs: only what is marked may come again, and what is lost is announced. Without,
//! each run is judged by itself: from its `joined` to its end nothing is missing.

mod publisher;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use self::publisher::{Publisher, STREAM};
use crate::bench::{Bench, Ended, Kind, Watcher, text};
use crate::checker::{Sequence, Wrong};
use crate::journal::Journal;
use crate::payload;
use crate::process::Printed;
use crate::schedule::stop;

const GROUP: &str = "g";

/// Nothing coming for so long, although something was published, is a hang.
const SILENCE: Duration = Duration::from_secs(45);

/// What is seen of a listener, over all its runs.
struct Listener<'a> {
    journal: Journal,
    publisher: &'a Publisher,
    run: u64,
    sequence: Option<Sequence>,
    /// What was published when it said that it had joined, the first time.
    joined: Option<u64>,
    /// The connection, as it last was named.
    connection: Option<String>,
    /// Connections that the harness has ended for good.
    ended: HashSet<String>,
    /// One of them has not been announced.
    owed: Option<String>,
    connected: bool,
    torn: bool,
    moved: Instant,
    /// It is the last run: from this time on nothing more is published, and it may stop when all of it has come.
    ends: Option<Instant>,
}

impl<'a> Listener<'a> {
    fn new(bench: &Bench, publisher: &'a Publisher) -> Self {
        Self {
            journal: bench.journal.clone(),
            publisher,
            run: 0,
            sequence: None,
            joined: None,
            connection: None,
            ended: HashSet::new(),
            owed: None,
            connected: false,
            torn: false,
            moved: Instant::now(),
            ends: None,
        }
    }

    fn begin(&mut self, run: u64) {
        (self.run, self.connected, self.torn, self.moved) = (run, false, false, Instant::now());
    }

    fn wrong(&self, wrong: &Wrong) {
        self.journal.wrong(self.run, wrong);
    }

    fn message(&mut self, data: &str, redelivered: bool) {
        let Some((STREAM, number)) = payload::read(data) else {
            return self.journal.fault(self.run, format!("a damaged message: {:.200}", data));
        };
        if number > self.publisher.begun() {
            return self.wrong(&Wrong::Unheard { number });
        }
        if let Some(connection) = self.owed.take() {
            self.journal.fault(self.run, format!("{number} came, and the loss of {connection} was never announced"));
        }
        let first = self.joined.map_or(number, |joined| number.min(joined + 1));
        let sequence = self.sequence.get_or_insert_with(|| Sequence::after(first - 1));
        let verdict = sequence.come(number, redelivered, 0);
        self.moved = Instant::now();
        if let Err(wrong) = verdict {
            self.wrong(&wrong);
        }
    }

    fn lost(&mut self, record: &serde_json::Value) {
        let connection = text(record, "connectionId");
        self.journal.note(&format!("run {}: {record}", self.run));
        if text(record, "type") == "session-lost" {
            self.journal.count("announced", 1);
            if self.owed.as_deref() == Some(connection) {
                self.owed = None;
            }
            // Also when nothing has come yet since it joined.
            self.sequence = self.sequence.take().or_else(|| self.joined.map(Sequence::after));
            if let Some(sequence) = &mut self.sequence {
                sequence.announce_loss();
            }
        }
        if !self.ended.contains(connection) {
            self.journal.fault(self.run, format!("given up without need: {record}"));
        }
    }

    /// What is missing for good before the last that came, when a run has ended.
    fn settle(&mut self) {
        let missing = self.sequence.as_mut().map(Sequence::take_missing).unwrap_or_default();
        missing.iter().for_each(|wrong| self.wrong(wrong));
    }
}

impl Watcher for Listener<'_> {
    fn printed(&mut self, printed: Printed) {
        let record = match printed {
            Printed::Record(record) => record,
            Printed::Torn => return self.torn = true,
            Printed::Garbage(what) => return self.journal.fault(self.run, format!("no record: {what}")),
        };
        match text(&record, "type") {
            "group-message" => self.message(text(&record, "data"), record["redelivered"] == true),
            "joined" => {
                self.joined.get_or_insert_with(|| self.publisher.begun());
            }
            kind @ ("connected" | "recovered") => {
                self.connected = true;
                let connection = text(&record, "connectionId");
                self.publisher.listener(connection);
                self.connection = Some(connection.to_owned());
                self.journal.count(if kind == "recovered" { "recovered" } else { "connected" }, 1);
            }
            "session-lost" | "disconnected" => self.lost(&record),
            "ack" if record["success"] == true => {}
            "recovering" | "reconnecting" | "stopped" => {}
            _ => self.journal.fault(self.run, format!("an unexpected record: {record}")),
        }
    }

    fn stuck(&mut self) -> Option<String> {
        let wanted = self.publisher.acked();
        let came = self.sequence.as_ref().map_or(0, Sequence::last);
        if came >= wanted || !self.connected {
            // Of what was published before it was there it knows nothing.
            if self.connected {
                self.moved = Instant::now();
            }
            return (self.moved.elapsed() > 2 * SILENCE).then(|| "it does not connect".to_owned());
        }
        (self.moved.elapsed() > SILENCE).then(|| format!("nothing comes after {came} for {SILENCE:?}"))
    }

    fn connected(&self) -> bool {
        self.connected
    }

    fn connection(&self) -> Option<String> {
        self.connection.clone()
    }

    fn finished(&self) -> bool {
        let over = self.ends.is_some_and(|ends| Instant::now() >= ends);
        if over && self.joined.is_some() {
            self.publisher.finish();
        }
        let came = self.sequence.as_ref().map_or(0, Sequence::last);
        self.publisher.done() && came >= self.publisher.begun()
    }
}

/// The soak of a listener.
pub fn soak(bench: &mut Bench, kind: Kind) {
    let publisher = Publisher::start(bench, GROUP);
    bench.proxy.allow(payload::largest(STREAM));
    let mut listener = Listener::new(bench, &publisher);
    let file = bench.place("session");
    let mut messages = 0;
    while kind != Kind::Steady && !bench.over() {
        listen_once(bench, &mut listener, kind, false);
        if kind.keeps() {
            if bench.random.permille(25) {
                force_between(bench, &mut listener, &file);
            }
        } else {
            bench.wait_for_way();
            messages += listener.sequence.take().map_or(0, |sequence| sequence.came);
            (listener.joined, listener.owed) = (None, None);
        }
        bench.pause();
    }
    bench.wait_for_way();
    listen_once(bench, &mut listener, kind, true);
    if let Some(sequence) = &mut listener.sequence {
        let missing = sequence.finish(publisher.begun());
        missing.iter().for_each(|wrong| bench.journal.wrong(bench.number(), wrong));
        messages += sequence.came;
        bench.journal.count("redelivered", sequence.redelivered);
    }
    bench.journal.count("messages", messages);
}

/// A run. The last one goes on until the time is over and all that was published has come.
fn listen_once(bench: &mut Bench, listener: &mut Listener<'_>, kind: Kind, last: bool) {
    let mut setup = bench.run("listener", &["listen", "-g", GROUP]).lie(bench.config.lie);
    if kind.keeps() {
        setup = setup.arg("--session").arg(bench.place("session"));
    }
    if bench.disk.is_some() && bench.random.permille(500) {
        setup = setup.arg("--record").arg(bench.place("recording"));
    }
    if !last {
        bench.endanger();
    }
    listener.begin(bench.number());
    let life = bench.config.life;
    let stop = (!last).then(|| stop(&mut bench.random, life));
    if let Some(stop) = &stop {
        bench.journal.note(&format!("run {}: will be stopped by {stop:?}", bench.number()));
    }
    let mut running = setup.start(false);
    if kind == Kind::Steady {
        bench.memory.watch("listener", running.id());
    }
    if !last && bench.random.permille(25) {
        let ended = bench.force_within(&mut running, listener);
        listener.ended.extend(ended);
        listener.moved = Instant::now();
    }
    listener.ends = last.then(|| bench.ends());
    let ended = bench.watch(&mut running, stop, listener);
    judge(bench, listener, &ended, &running.stderr());
}

fn judge(bench: &mut Bench, listener: &mut Listener<'_>, ended: &Ended, stderr: &str) {
    listener.settle();
    if !bench.ended_full(ended.code, listener.connected, stderr) && ended.stopped.is_none() {
        let tail = stderr.lines().rev().take(6).collect::<Vec<_>>().join(" | ");
        bench.journal.fault(bench.number(), format!("ended by itself with {:?}: {tail}", ended.code));
    }
    if listener.torn && ended.stopped != Some(rustix::process::Signal::KILL) {
        bench.journal.fault(bench.number(), "its last line has no end");
    }
}

/// A session whose connection is gone when the next run takes it up.
fn force_between(bench: &mut Bench, listener: &mut Listener<'_>, file: &std::path::Path) {
    let Some(connection) = session_connection(file) else { return };
    if bench.force_loss(&connection) {
        listener.ended.insert(connection.clone());
        listener.owed = Some(connection);
    }
}

/// The connection that a session file names.
pub fn session_connection(file: &std::path::Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let at = text.find("\"connectionId\":\"")? + "\"connectionId\":\"".len();
    Some(text[at..].split('"').next()?.to_owned())
}
