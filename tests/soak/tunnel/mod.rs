//! `tunnel`: every event comes to the upstream once at most, and each is answered, or said to be lost, to whoever sent it.
//! What a run says of its requests agrees with what the upstream saw of them.

mod askers;
mod ledger;
mod upstream;

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use self::askers::{Askers, Ledgers};
use self::upstream::{STATUSES, Taken, Upstream};
use crate::bench::{Bench, Ended, Kind, Watcher, text};
use crate::journal::Journal;
use crate::payload;
use crate::process::Printed;
use crate::schedule::stop;

/// No answer for so long, although an event waits for one, is a hang: the upstream takes 3 s at most.
const SILENCE: Duration = Duration::from_secs(60);

/// Whatever the upstream has answered is told after this time.
const TOLD: Duration = Duration::from_secs(8);

/// What the service does: it asks once for each event, and now and then moves connections, or loses them on its side.
pub const SERVICE: &[&str] = &[
    "--event-handler",
    "tunnel:///api/webpubsub/hubs/{hub}/",
    "--system-events",
    "",
    "--handler-retries",
    "0",
    "--fault",
    "tunnel=lost,every=400",
    "--fault",
    "tunnel=reconnect,every=150",
    "--fault",
    "tunnel=rebalance,every=2000",
    "--fault",
    "tunnel=slow,delay=5ms..300ms,every=40",
];

/// What is seen of a run.
struct Tunnel<'a> {
    journal: Journal,
    askers: &'a Askers,
    upstream: &'a Upstream,
    run: u64,
    connected: bool,
    torn: bool,
    /// What it told of its requests.
    told: Told,
    answers: u64,
    moved: Instant,
    /// When nothing more is asked, in the last run.
    ends: Option<Instant>,
    /// When all clients had heard all there is.
    heard: OnceCell<Instant>,
}

/// How many requests a run told of.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// With an answer of the upstream.
    answered: u64,
    /// With an answer in its place, or with none.
    others: u64,
}

impl Watcher for Tunnel<'_> {
    fn printed(&mut self, printed: Printed) {
        let record = match printed {
            Printed::Record(record) => record,
            Printed::Torn => return self.torn = true,
            Printed::Garbage(what) => return self.journal.fault(self.run, format!("no record: {what}")),
        };
        match text(&record, "type") {
            "tunnel-request" => {
                let lost = record["lost"] == true;
                self.journal.count("told lost", u64::from(lost));
                match record["status"].as_u64() {
                    Some(status) if STATUSES.contains(&status) => self.told.answered += 1,
                    // The upstream gave none; or it was not asked, since the run ends.
                    Some(502 | 503) => self.told.others += 1,
                    None if lost => self.told.others += 1,
                    Some(_) | None => self.journal.fault(self.run, format!("an unexpected answer: {record}")),
                }
            }
            "connected" => {
                self.connected = true;
                self.journal.count("connected", 1);
            }
            "disconnected" => self.journal.count("recovered", 1),
            "reconnecting" | "stopped" => {}
            _ => self.journal.fault(self.run, format!("an unexpected record: {record}")),
        }
    }

    fn stuck(&mut self) -> Option<String> {
        let answers = self.askers.answers();
        if answers > self.answers || !self.askers.wait() {
            (self.answers, self.moved) = (answers, Instant::now());
        }
        (self.moved.elapsed() > SILENCE).then(|| format!("no answer for {SILENCE:?}, after {answers}"))
    }

    fn connected(&self) -> bool {
        self.connected
    }

    fn connection(&self) -> Option<String> {
        None
    }

    fn finished(&self) -> bool {
        if self.ends.is_none_or(|ends| Instant::now() < ends) || !self.askers.finish() {
            return false;
        }
        // Clients have heard all there is; a request whose connection was lost may still be at the upstream.
        let told = self.told.answered >= self.upstream.taken_of(self.run).answered;
        told || self.heard.get_or_init(Instant::now).elapsed() > TOLD
    }
}

/// The soak of a tunnel.
pub fn soak(bench: &mut Bench, kind: Kind) {
    let ledgers = Ledgers::default();
    let upstream = Upstream::start(bench.journal.clone(), ledgers.clone());
    bench.proxy.allow(2 * payload::largest(askers::NAMES[1]));
    let askers = Askers::start(bench, &ledgers);
    while kind != Kind::Steady && !bench.over() {
        run(bench, &askers, &upstream, kind, false);
        bench.wait_for_way();
        bench.pause();
    }
    run(bench, &askers, &upstream, kind, true);
    askers.judge();
    bench.journal.count("messages", upstream.taken());
}

/// A run. The last one goes on until the time is over and all that was asked is answered.
fn run(bench: &mut Bench, askers: &Askers, upstream: &Upstream, kind: Kind, last: bool) {
    let address = format!("http://127.0.0.1:{}", upstream.port);
    let connections = bench.random.pick(&[(4, "1"), (2, "2"), (1, "4")]);
    let arguments = ["tunnel", "--upstream", &address, "--no-check", "--connections", connections];
    let setup = bench.run_from(bench.service.access(bench.proxy.port), &arguments).lie(bench.config.lie);
    let (number, life) = (bench.number(), bench.config.life);
    let stop = (!last).then(|| stop(&mut bench.random, life));
    bench.journal.note(&format!("run {number}: will be stopped by {stop:?}"));
    upstream.begin(number);
    let mut running = setup.start(false);
    if kind == Kind::Steady {
        bench.memory.watch("tunnel", running.id());
    }
    let mut tunnel = Tunnel {
        journal: bench.journal.clone(),
        askers,
        upstream,
        run: number,
        connected: false,
        torn: false,
        told: Told::default(),
        answers: 0,
        moved: Instant::now(),
        ends: last.then(|| bench.ends()),
        heard: OnceCell::new(),
    };
    let how = bench.watch(&mut running, stop, &mut tunnel);
    judge(bench, &tunnel, (&how, &running.stderr()), upstream.taken_of(number), last);
}

/// What it told, held against what the upstream saw of it.
fn judge(bench: &Bench, tunnel: &Tunnel<'_>, (ended, stderr): (&Ended, &str), taken: Taken, last: bool) {
    let journal = &bench.journal;
    let killed = ended.stopped == Some(Signal::KILL);
    if ended.stopped.is_none() {
        let tail = stderr.lines().rev().take(6).collect::<Vec<_>>().join(" | ");
        journal.fault(tunnel.run, format!("ended by itself with {:?}: {tail}", ended.code));
    }
    if tunnel.torn && !killed {
        journal.fault(tunnel.run, "its last line has no end");
    }
    let Told { answered, others } = tunnel.told;
    journal.note(&format!("run {}: at the upstream {taken:?}, {:?}", tunnel.run, tunnel.told));
    if answered > taken.answered {
        journal.fault(tunnel.run, format!("{answered} answers of the upstream were told: {taken:?}"));
    }
    // What was told by one that was killed is not all of it.
    if !killed && taken.all > answered + others {
        journal.fault(tunnel.run, format!("{taken:?} at the upstream, and it told of {answered} and {others}"));
    } else if last && taken.answered > answered {
        // All that was asked was answered before it was stopped.
        journal.fault(tunnel.run, format!("{taken:?} at the upstream, and it told of {answered} answers"));
    }
}
