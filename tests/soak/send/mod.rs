//! `send --lines` and `send --lines --session F`: what was acknowledged is there, each line once and in order.
//!
//! With a session a stream of lines goes over many runs, each of which is given the input anew from its start; when one
//! ends with success all of it is there. Between them other commands use the file, or the service loses the connection.
//! Without, each run has lines of its own, and beyond the acknowledged ones there are at most those in flight.

mod feeder;
mod observer;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use self::feeder::Feeder;
use self::observer::{GROUP, OTHER, Observer};
use crate::bench::{Bench, Ended, Kind, Watcher, text};
use crate::checker::Closed;
use crate::journal::Journal;
use crate::listen::session_connection;
use crate::payload;
use crate::process::{Printed, Running, Setup};
use crate::random::Random;
use crate::schedule::{Stop, stop};

/// No ack for so long, although lines are open, is a hang.
const SILENCE: Duration = Duration::from_secs(45);

/// A stream of lines.
struct Stream {
    name: String,
    /// Its last line.
    target: u64,
    in_flight: u64,
    /// Its next run sends again what is unknown.
    resend: bool,
    /// What was under way may be unknown: the harness has ended the connection, or more operations were carried out on
    /// it than the service remembers.
    excused: bool,
    /// Single messages whose run was killed, which the next run may send.
    left: Vec<String>,
}

/// What is seen of a run.
struct Sender {
    journal: Journal,
    observer: Arc<Observer>,
    /// The ledger for its lines.
    stream: String,
    run: u64,
    connected: bool,
    connection: Option<String>,
    /// Connections that the harness has ended for good.
    ended: HashSet<String>,
    excused: bool,
    torn: bool,
    /// It has said that it is done.
    done: bool,
    moved: Instant,
    joined: u64,
    /// It is to be stopped when it has joined so many groups.
    groups: Option<u64>,
    /// What writes its input, where it has one.
    feeder: Option<Feeder>,
    /// When its input ends, where it ends by time.
    ends: Option<Instant>,
}

impl Sender {
    fn ack(&mut self, record: &Value) {
        if record["success"] != true {
            return self.journal.fault(self.run, format!("refused: {record}"));
        }
        self.moved = Instant::now();
        let Some(line) = record["line"].as_u64() else { return };
        let verdict = self.observer.with(&self.stream, |entry| entry.ledger.acknowledge(line));
        if let Err(wrong) = verdict {
            self.journal.wrong(self.run, &wrong);
        }
    }

    fn lost(&mut self, record: &Value) {
        self.journal.note(&format!("run {}: {record}", self.run));
        let kind = text(record, "type");
        self.journal.count("announced", u64::from(kind == "session-lost"));
        let excused = match kind {
            // Of which connection it does not say.
            "operation-unknown" => self.excused,
            _ => self.ended.contains(text(record, "connectionId")),
        };
        if !excused {
            self.journal.fault(self.run, format!("given up without need: {record}"));
        }
    }
}

impl Watcher for Sender {
    fn printed(&mut self, printed: Printed) {
        let record = match printed {
            Printed::Record(record) => record,
            Printed::Torn => return self.torn = true,
            Printed::Garbage(what) => return self.journal.fault(self.run, format!("no record: {what}")),
        };
        match text(&record, "type") {
            "ack" => self.ack(&record),
            kind @ ("connected" | "recovered") => {
                self.connected = true;
                self.connection = Some(text(&record, "connectionId").to_owned());
                self.journal.count(if kind == "recovered" { "recovered" } else { "connected" }, 1);
            }
            "session-lost" | "disconnected" | "operation-unknown" => self.lost(&record),
            "joined" => (self.joined, self.moved) = (self.joined + 1, Instant::now()),
            "stopped" => self.done = record["exitCode"] == 0,
            "recovering" | "reconnecting" | "left" => {}
            _ => self.journal.fault(self.run, format!("an unexpected record: {record}")),
        }
    }

    fn stuck(&mut self) -> Option<String> {
        if self.ends.is_some_and(|ends| Instant::now() >= ends) {
            self.feeder.as_ref().inspect(|feeder| feeder.finish());
        }
        let (given, acked) = self.observer.with(&self.stream, |entry| (entry.ledger.given(), entry.ledger.acked()));
        let more = self.feeder.as_ref().is_some_and(|feeder| feeder.has_more(given));
        if self.connected && acked >= given && more {
            self.moved = Instant::now();
        }
        (self.moved.elapsed() > SILENCE)
            .then(|| format!("nothing moves for {SILENCE:?}: {acked} acks of {given} lines"))
    }

    fn connected(&self) -> bool {
        self.connected
    }

    fn connection(&self) -> Option<String> {
        self.connection.clone()
    }

    fn finished(&self) -> bool {
        self.groups.is_some_and(|groups| self.joined >= groups)
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Took {
    /// All is sent.
    Done,
    /// It was stopped.
    Stopped,
    /// It does not know what became of some lines.
    Unknown,
    /// It ended in a way in which it should not have.
    Wrong,
}

impl Took {
    /// What that means for its lines, when no other run goes on with them.
    fn closed(self) -> Closed {
        match self {
            Self::Done => Closed::Done,
            Self::Stopped => Closed::Stopped,
            // What is wrong was said.
            Self::Unknown | Self::Wrong => Closed::Unknown,
        }
    }
}

/// The soak of a sender.
struct Soak<'a> {
    bench: &'a mut Bench,
    observer: Arc<Observer>,
    kind: Kind,
    /// Connections that the harness has ended for good.
    ended: HashSet<String>,
    file: PathBuf,
    files: u64,
    streams: u64,
}

/// The soak of a sender.
pub fn soak(bench: &mut Bench, kind: Kind) {
    let observer = Arc::new(Observer::start(bench));
    let file = bench.place("session-0");
    let mut soak = Soak { bench, observer, kind, ended: HashSet::new(), file, files: 0, streams: 0 };
    match kind {
        Kind::Steady => soak.steady(),
        Kind::Plain => soak.plain(),
        Kind::Session | Kind::Full => soak.session(),
    }
    let Soak { bench, observer, .. } = soak;
    // What is under way arrives, and connections that nobody uses any more are gone.
    let deadline = Instant::now() + Duration::from_secs(60);
    while bench.proxy.open() > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_secs(3));
    observer.judge(true);
}

impl Soak<'_> {
    fn steady(&mut self) {
        let mut stream = self.next();
        stream.target = u64::MAX;
        let took = self.send(&mut stream, false);
        self.observer.close(&stream.name, took.closed());
    }

    fn plain(&mut self) {
        while !self.bench.over() {
            let mut stream = self.next();
            let took = self.send(&mut stream, true);
            self.observer.close(&stream.name, took.closed());
            self.observer.judge(false);
            self.bench.wait_for_way();
            self.bench.pause();
        }
    }

    fn session(&mut self) {
        while !self.bench.over() {
            let mut stream = self.next();
            if self.bench.random.permille(200) {
                self.new_file();
            }
            let took = loop {
                if !self.file.exists() {
                    self.bench.wait_for_way();
                }
                let took = self.send(&mut stream, !self.bench.over());
                self.observer.judge(false);
                if matches!(took, Took::Done | Took::Wrong) {
                    break took;
                }
                self.between(&mut stream);
                self.bench.pause();
            };
            self.observer.close(&stream.name, took.closed());
            // What a killed run of one message has begun was finished by the stream's next run, or was never begun.
            stream.left.iter().for_each(|name| self.observer.close(name, Closed::Stopped));
            if took == Took::Wrong || stream.excused {
                // What else the file holds is not known.
                self.new_file();
            }
        }
    }

    fn new_file(&mut self) {
        self.files += 1;
        self.file = self.bench.place(&format!("session-{}", self.files));
    }

    fn next(&mut self) -> Stream {
        self.streams += 1;
        let in_flight = self.bench.random.pick(&[(5, 256), (2, 1), (2, 16), (1, 1000)]);
        let target = self.bench.random.between(1, if self.kind.keeps() { 6000 } else { 3000 });
        // Tiny ones pass through a box that allows little on each connection.
        let name = format!("{}{}", if self.streams % 2 == 1 { "t" } else { "s" }, self.streams);
        self.bench.proxy.allow(payload::largest(&name));
        self.observer.open(&name, in_flight);
        Stream { name, target, in_flight, resend: false, excused: false, left: Vec::new() }
    }

    fn watcher(&self, stream: &str, excused: bool) -> Sender {
        Sender {
            journal: self.bench.journal.clone(),
            observer: Arc::clone(&self.observer),
            stream: stream.to_owned(),
            run: self.bench.number(),
            connected: false,
            connection: None,
            ended: self.ended.clone(),
            excused,
            torn: false,
            done: false,
            moved: Instant::now(),
            joined: 0,
            groups: None,
            feeder: None,
            ends: None,
        }
    }

    fn with_session(&self, setup: Setup) -> Setup {
        if self.kind.keeps() { setup.arg("--session").arg(&self.file) } else { setup }
    }

    /// A run of the stream. Without a stop it goes on to its end.
    fn send(&mut self, stream: &mut Stream, stops: bool) -> Took {
        let in_flight = stream.in_flight.to_string();
        let mut setup = self.bench.run("sender", &["send", GROUP, "--lines", "--in-flight", &in_flight]);
        setup = self.with_session(setup);
        if stream.resend {
            setup = setup.args(["--on-unknown", "resend"]);
        }
        let (run, life) = (self.bench.number(), self.bench.config.life);
        self.observer.with(&stream.name, |entry| {
            entry.run = run;
            entry.ledger.next_run();
        });
        let stop = stops.then(|| stop(&mut self.bench.random, life));
        self.bench.journal.note(&format!("run {run}: stream {} to {}, {stop:?}", stream.name, stream.target));
        if stop.is_some_and(|stop| stop.unread.is_some()) {
            self.observer.with(&stream.name, |entry| entry.ledger.unread());
        }
        if self.bench.disk.is_some() && self.bench.random.permille(500) {
            setup = setup.arg("--record").arg(self.bench.place("recording"));
        }
        if stops {
            self.bench.endanger();
        }
        let mut running = setup.start(true);
        let stdin = running.stdin.take().unwrap();
        if !stops && self.kind.keeps() {
            stream.target = self.observer.with(&stream.name, |entry| entry.ledger.given()).max(1);
        }
        let random = Random::branch(self.bench.config.seed, &format!("feeder {run}"));
        let rate = self.bench.config.rate;
        let mut sender = self.watcher(&stream.name, stream.excused);
        sender.feeder = Some(Feeder::start(&self.observer, &stream.name, stdin, stream.target, rate, random));
        if self.kind == Kind::Steady {
            self.bench.memory.watch("sender", running.id());
            sender.ends = Some(self.bench.ends());
        }
        if stops && self.bench.random.permille(25) {
            self.force_within(&mut running, &mut sender, stream);
        }
        let how = self.bench.watch(&mut running, stop, &mut sender);
        self.check_torn(&sender, &how);
        self.judge(stream, &sender, &how, &running.stderr())
    }

    fn check_torn(&self, sender: &Sender, how: &Ended) {
        if sender.torn && how.stopped != Some(Signal::KILL) {
            self.bench.journal.fault(sender.run, "its last line has no end");
        }
    }

    fn judge(&mut self, stream: &mut Stream, sender: &Sender, ended: &Ended, stderr: &str) -> Took {
        let full = self.bench.ended_full(ended.code, sender.connected, stderr);
        let journal = &self.bench.journal;
        // A run that was killed when it had said that all is done is done.
        let code = if sender.done { Some(0) } else { ended.code };
        if full && code != Some(0) {
            if self.ended_unseen(stream) {
                let what = "it failed, and the stream has ended: the same command would send it again";
                journal.fault(sender.run, what);
                return Took::Done;
            }
            return Took::Stopped;
        }
        if code != Some(0) && ended.stopped.is_some() {
            if ended.stopped == Some(Signal::KILL) {
                self.observer.with(&stream.name, |entry| entry.ledger.killed());
            }
            if self.kind.keeps() && self.ended_unseen(stream) {
                journal.count("unseen", 1);
                journal.note(&format!("run {}: the stream had ended, and nobody was told", sender.run));
                return Took::Done;
            }
            return Took::Stopped;
        }
        match code {
            Some(0) => {
                let given = self.observer.with(&stream.name, |entry| entry.ledger.given());
                if given < stream.target && self.kind != Kind::Steady {
                    journal.fault(sender.run, format!("success after {given} of {} lines", stream.target));
                }
                Took::Done
            }
            // What it ran on was taken from it, and it says that it does not know; or there was no way to send it again.
            Some(9) if stream.excused && (!stream.resend || self.bench.waited_out) => {
                journal.count("unknown", 1);
                journal.note(&format!("run {}: outcome unknown: {}", sender.run, tail(stderr)));
                if self.kind.keeps() {
                    stream.resend = true;
                    let named = named_lines(stderr);
                    self.observer.with(&stream.name, |entry| entry.ledger.arrived.allow_again(named));
                }
                Took::Unknown
            }
            // It could not connect again, and had nothing under way.
            Some(4 | 7) if self.bench.waited_out => Took::Stopped,
            code => {
                journal.fault(sender.run, format!("ended by itself with {code:?}: {}", tail(stderr)));
                Took::Wrong
            }
        }
    }

    /// Whether a run was killed between the end of its stream and the last word about it.
    fn ended_unseen(&self, stream: &Stream) -> bool {
        let given = self.observer.with(&stream.name, |entry| entry.ledger.given());
        let ended = self.file.exists() && self.recorded().is_null();
        ended && given >= stream.target && self.observer.with(&stream.name, |entry| entry.ledger.acked()) > 0
    }

    /// What the stream has under way may be unknown from now on. Where it is sent again on demand, what is not recorded as
    /// acknowledged may come once more.
    fn excuse(&self, stream: &mut Stream) {
        stream.excused = true;
        if stream.resend {
            let recorded = self.recorded();
            let settled = recorded["settled"].as_u64().unwrap_or_default();
            // These are counted from 0.
            let left = recorded["left"].as_object().into_iter().flat_map(|left| left.keys());
            let left: Vec<u64> = left.filter_map(|line| line.parse().ok()).map(|line: u64| line + 1).collect();
            self.observer.with(&stream.name, |entry| {
                let open = settled + 1..=entry.ledger.given();
                entry.ledger.arrived.allow_again(open.chain(left));
            });
        }
    }

    /// The position that the session file holds.
    fn recorded(&self) -> Value {
        let file = std::fs::read_to_string(&self.file).unwrap_or_default();
        let state = file.lines().nth(1).and_then(|line| serde_json::from_str::<Value>(line).ok());
        state.map_or(Value::Null, |mut state| state["stream"].take())
    }

    /// What happens to the file between two runs of a stream.
    fn between(&mut self, stream: &mut Stream) {
        if self.bench.random.permille(25)
            && let Some(connection) = session_connection(&self.file)
            && self.bench.force_loss(&connection)
        {
            self.ended.insert(connection);
            self.excuse(stream);
        }
        if self.file.exists() && self.bench.random.permille(80) {
            self.send_one(stream);
        }
        if self.file.exists() && self.bench.random.permille(25) {
            self.join_many(stream);
        }
    }

    /// One message beside the stream, on its connection.
    fn send_one(&mut self, stream: &mut Stream) {
        self.streams += 1;
        let name = format!("t{}", self.streams);
        self.observer.open(&name, 1);
        let data = payload::text(&name, self.observer.with(&name, |entry| entry.ledger.give()));
        let setup = self.bench.run("sender", &["send", OTHER, &data]);
        let mut running = self.with_session(setup).start(false);
        let life = self.bench.config.life;
        let stop = self
            .bench
            .random
            .permille(400)
            .then(|| Stop { signal: Signal::KILL, ..stop(&mut self.bench.random, life / 40) });
        let mut sender = self.watcher(&name, stream.excused);
        let how = self.bench.watch(&mut running, stop, &mut sender);
        self.check_torn(&sender, &how);
        match how.code {
            Some(0) => self.observer.close(&name, Closed::Done),
            Some(9) if stream.excused => self.observer.close(&name, Closed::Unknown),
            _ if how.stopped.is_some() => stream.left.push(name),
            code => {
                self.bench
                    .journal
                    .fault(sender.run, format!("ended by itself with {code:?}: {}", tail(&running.stderr())));
                self.observer.close(&name, Closed::Unknown);
            }
        }
    }

    /// More operations on the stream's connection than the service remembers: what the stream has under way cannot be
    /// sent again on it, unless it is said or not begun.
    fn join_many(&mut self, stream: &mut Stream) {
        const MANY: u64 = 1100;
        let mut setup = self.bench.run("sender", &["listen"]);
        for group in 0..MANY {
            setup = setup.arg("-g").arg(format!("many-{group}"));
        }
        let mut running = self.with_session(setup).start(false);
        let mut sender = self.watcher(&stream.name, true);
        sender.groups = Some(MANY);
        let stop = Stop {
            moment: crate::schedule::Moment::After(Duration::from_secs(20)),
            signal: Signal::KILL,
            unread: None,
            asleep: None,
        };
        let how = self.bench.watch(&mut running, Some(stop), &mut sender);
        self.observer.operations(sender.joined);
        self.excuse(stream);
        self.bench.journal.count("many", 1);
        self.bench.journal.note(&format!(
            "run {}: joined {}: {how:?}: {}",
            sender.run,
            sender.joined,
            tail(&running.stderr())
        ));
    }

    /// A run whose connection is lost for good.
    fn force_within(&mut self, running: &mut Running, sender: &mut Sender, stream: &mut Stream) {
        if let Some(connection) = self.bench.force_within(running, sender) {
            self.ended.insert(connection.clone());
            sender.ended.insert(connection);
            sender.excused = true;
            self.excuse(stream);
        }
        sender.moved = Instant::now();
    }
}

/// The lines that an error names as unknown: `no ack came for lines 3, 7-9 (ackIds …`.
fn named_lines(stderr: &str) -> Vec<u64> {
    let named = stderr.lines().find_map(|line| line.split_once("no ack came for line")).map_or("", |(_, named)| named);
    let named = named.trim_start_matches('s').split(" (ackId").next().unwrap_or_default();
    let numbers = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    named.split(',').filter_map(numbers).flatten().collect()
}

#[test]
fn the_lines_that_an_error_names_are_read() {
    let error = |lines| format!("sent 5 lines\nerror: no ack came for {lines} before the end: whether\n");
    assert_eq!(named_lines(&error("lines 3, 7-9 (ackIds 3, 7-9)")), [3, 7, 8, 9]);
    assert_eq!(named_lines(&error("line 12 (ackId 12)")), [12]);
    assert!(named_lines("something else").is_empty());
}

/// The last that was said on stderr.
fn tail(stderr: &str) -> String {
    let mut lines: Vec<&str> = stderr.lines().rev().take(6).collect();
    lines.reverse();
    lines.join(" | ").chars().take(2000).collect()
}
