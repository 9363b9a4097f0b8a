//! What a worker's soak has: its service, the way there, the time, and the one loop in which a run is watched, stopped at
//! its moment, and seen to end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::journal::Journal;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::process::{Lie, Printed, Running, Setup, wps};
use crate::proxy::{Happened, Proxy};
use crate::random::Random;
use crate::schedule::{Moment, Stop};
use crate::service::Service;

/// A run that was told to end, or to which nothing stands in the way, has ended after this time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// For all soaks.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// What chance comes from.
    pub seed: u64,
    /// How long it takes.
    pub time: Duration,
    /// How many messages are published each second, at most, to or by each worker.
    pub rate: u64,
    /// How long a run lives on average.
    pub life: Duration,
    /// What the harness does to what it reads, to see whether it sees that.
    pub lie: Option<Lie>,
}

/// What a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Killed over and over, each run for itself.
    Plain,
    /// Killed over and over, with a session file that goes on.
    Session,
    /// The same on a disk that is full now and then.
    Full,
    /// One run from beginning to end.
    Steady,
}

impl Kind {
    /// Whether a session file goes on over the runs.
    pub fn keeps(self) -> bool {
        match self {
            Self::Session | Self::Full => true,
            Self::Plain | Self::Steady => false,
        }
    }
}

/// What a worker's soak has.
pub struct Bench {
    /// For all.
    pub config: Config,
    /// What happens.
    pub journal: Journal,
    /// The service.
    pub service: Service,
    /// The way there that the worker takes.
    pub proxy: Arc<Proxy>,
    /// Memory of what lives long.
    pub memory: Memory,
    /// Whose bench it is.
    pub name: &'static str,
    /// For what the worker's own thread draws.
    pub random: Random,
    /// The way was closed during this run for longer than a sender tries to connect.
    pub waited_out: bool,
    /// Where session files and recordings lie, where it is small.
    pub disk: Option<Disk>,
    /// By which all processes go.
    pub clock: Option<Clock>,
    machine: Machine,
    started: Instant,
    run: u64,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, or the number of the signal as a negative one; none when it had to be killed.
    pub code: Option<i32>,
    /// It was stopped, with that.
    pub stopped: Option<Signal>,
}

/// What the one who watches a run makes of what it sees.
pub trait Watcher {
    /// A line was printed.
    fn printed(&mut self, printed: Printed);
    /// Is asked often. Something to say: nothing moves any more.
    fn stuck(&mut self) -> Option<String>;
    /// Whether the run has a connection.
    fn connected(&self) -> bool;
    /// Its connection, as it last was named.
    fn connection(&self) -> Option<String>;
    /// Whether it has done what it was for, and may be stopped.
    fn finished(&self) -> bool {
        false
    }
}

impl Bench {
    /// In that directory, with a service of those flags. `furthest`: how far a clock may be off that jumps.
    pub fn new(config: Config, directory: &Path, name: &'static str, (service, furthest): (&[&str], Duration)) -> Self {
        let journal = Journal::new(directory);
        let clock = Clock::new(directory);
        let service = Service::start(directory, service, clock.as_ref());
        let way = Random::branch(config.seed, &format!("{name}: way"));
        let proxy = Arc::new(Proxy::start(service.port, way, journal.clone()));
        let random = Random::branch(config.seed, name);
        let mut memory = Memory::default();
        memory.watch("emulator", service.id());
        let troubles = Random::branch(config.seed, &format!("{name}: machine"));
        let machine = Machine::new(troubles, journal.clone(), clock.clone(), furthest);
        Self {
            config,
            journal,
            service,
            proxy,
            memory,
            name,
            random,
            waited_out: false,
            disk: None,
            clock,
            machine,
            started: Instant::now(),
            run: 0,
        }
    }

    /// Whether the time is over.
    pub fn over(&self) -> bool {
        self.started.elapsed() >= self.config.time
    }

    /// When the time is over; a little later when it is, so that the last run does something.
    pub fn ends(&self) -> Instant {
        (self.started + self.config.time).max(Instant::now() + Duration::from_secs(3))
    }

    /// The number of the run that was begun last.
    pub fn number(&self) -> u64 {
        self.run
    }

    /// A file in its directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.journal.directory().join(name)
    }

    /// A counterpart, which is to live as long as the soak.
    pub fn wps(&self, name: &str, args: &[&str]) -> Setup {
        let directory = self.journal.directory();
        wps(directory, directory.join(name), args).args(["--timeout", &self.longest()]).clock(self.clock.as_ref())
    }

    /// Where a file of the worker lies that may find no room.
    pub fn place(&self, name: &str) -> PathBuf {
        self.disk.as_ref().map_or_else(|| self.file(name), |disk| disk.file(name))
    }

    /// Lets the disk fill up before the next run, or during it, or not at all.
    pub fn endanger(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        match self.random.next() % 10 {
            0 => {
                disk.fill(Duration::ZERO);
                self.journal.note("disk: full before the run");
            }
            1..5 => {
                let after = self.random.millis(0, 2500);
                disk.fill(after);
                self.journal.note(&format!("disk: full after {after:?}"));
            }
            _ => {}
        }
    }

    /// Whether a run that ended with that code did so since its disk was full, as it should: it says what it could not
    /// write, and why. Makes room again.
    pub fn ended_full(&mut self, code: Option<i32>, connected: bool, stderr: &str) -> bool {
        let Some(disk) = &mut self.disk else { return false };
        let was_full = disk.was_full();
        let why = disk.words();
        disk.room();
        self.journal.count("full", u64::from(was_full));
        let at_start = code == Some(3) && !connected;
        if !was_full || !(at_start || code == Some(13)) {
            return false;
        }
        self.journal.count("told full", 1);
        if !stderr.contains(why) || !(stderr.contains("session") || stderr.contains("recording")) {
            self.journal.fault(self.run, format!("it does not say what found no room: {stderr}"));
        }
        true
    }

    /// A time after which everything is over, also when nobody is there any more to end it.
    fn longest(&self) -> String {
        format!("{}s", self.config.time.as_secs() + 900)
    }

    /// The next run, with these arguments, through the faulty way.
    pub fn run(&mut self, user: &str, args: &[&str]) -> Setup {
        let source = self.service.source(self.proxy.port, user);
        self.run_from(source, args)
    }

    /// The same, with other flags that lead there.
    pub fn run_from(&mut self, source: Vec<String>, args: &[&str]) -> Setup {
        self.run += 1;
        self.waited_out = false;
        self.journal.count("runs", 1);
        self.proxy.forget();
        let mut more: Vec<&str> = vec!["-o", "ndjson", "-v"];
        if self.random.permille(500) {
            more.extend(["--ping-interval", "1s", "--ping-timeout", "3s"]);
        }
        if self.random.permille(100) {
            more.push("-vv");
        }
        self.journal.note(&format!("run {}: {} {}", self.run, args.join(" "), more.join(" ")));
        let kept = self.journal.run(self.run);
        let setup = wps(self.journal.directory(), kept, args.iter().chain(&more)).args(["--timeout", &self.longest()]);
        // libfaketime itself dies of files that may not grow.
        let clock = self.clock.as_ref().filter(|_| !self.disk.as_ref().is_some_and(Disk::is_limited));
        setup.args(source).clock(clock)
    }

    /// Takes the connection away and ends what the service keeps of it. Tells whether it did.
    pub fn force_loss(&mut self, connection: &str) -> bool {
        self.proxy.block(true);
        let lost = if self.random.permille(60) && self.config.time > Duration::from_secs(600) {
            // Nothing but time, which is longer than a sender tries to connect.
            thread::sleep(Duration::from_secs(33));
            self.waited_out = true;
            true
        } else {
            self.service.control.end_recovery(connection, Duration::from_secs(5))
        };
        self.proxy.block(false);
        self.journal.note(&format!("loss of {connection} forced: {lost}"));
        self.journal.count("forced", u64::from(lost));
        lost
    }

    /// Takes the connection of a run away for good, once it has one. Names it, where that was done.
    pub fn force_within(&mut self, running: &mut Running, watcher: &mut dyn Watcher) -> Option<String> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !watcher.connected() && Instant::now() < deadline {
            match running.next(Duration::from_millis(50)) {
                Ok(Some(printed)) => watcher.printed(printed),
                Ok(None) => {}
                Err(_) => return None,
            }
        }
        let connection = watcher.connection().filter(|_| watcher.connected())?;
        self.force_loss(&connection).then_some(connection)
    }

    /// Watches a run until it has ended. `stop` is what stops it, if anything.
    pub fn watch(&mut self, running: &mut Running, stop: Option<Stop>, watcher: &mut dyn Watcher) -> Ended {
        self.disk.iter().for_each(|disk| disk.used_by(running.id()));
        let mut moment =
            Waiting { before: self.proxy.happened(), due: None, records: 0, proxy: Arc::clone(&self.proxy) };
        loop {
            self.memory.look();
            let now = Instant::now();
            self.machine.pass(&mut self.service, running, stop.is_none_or(|stop| stop.asleep.is_none()));
            if let Some(stop) = stop
                && moment.due(stop.moment, running.started, watcher.connected(), now)
            {
                return self.stop(running, stop.signal, watcher);
            }
            if let Some(time) = stop.and_then(|stop| stop.unread)
                && now >= running.started + time
            {
                running.unread(now < running.started + time + Duration::from_secs(6));
            }
            if let Some((time, long)) = stop.and_then(|stop| stop.asleep) {
                let asleep = running.sleep((running.started + time..running.started + time + long).contains(&now));
                self.journal.count("sleeps", u64::from(asleep));
            }
            if watcher.finished() {
                return self.stop(running, Signal::TERM, watcher);
            }
            if let Some(what) = watcher.stuck() {
                self.journal.fault(self.run, what);
                running.signal(Signal::ABORT);
                return self.stop(running, Signal::KILL, watcher);
            }
            match running.next(Duration::from_millis(5)) {
                Ok(Some(printed)) => {
                    moment.records += 1;
                    watcher.printed(printed);
                }
                Ok(None) => {}
                Err(_) => {
                    self.machine.wake(&mut self.service);
                    return Ended { code: self.end(running), stopped: None };
                }
            }
        }
    }

    fn stop(&mut self, running: &mut Running, signal: Signal, watcher: &mut dyn Watcher) -> Ended {
        self.machine.wake(&mut self.service);
        self.journal.note(&format!("run {}: {signal:?}", self.run));
        self.journal.count(if signal == Signal::KILL { "kills" } else { "stops" }, 1);
        running.signal(signal);
        if signal == Signal::KILL {
            // What it is blocked by is not to let it go on before it dies.
            thread::sleep(Duration::from_millis(1));
        }
        running.sleep(false);
        running.unread(false);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match running.next(Duration::from_millis(100)) {
                Ok(Some(printed)) => watcher.printed(printed),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        let code = self.end(running);
        let number = signal.as_raw();
        // A signal may come before it is taken care of.
        if code.is_some_and(|code| code != -number && (code != 128 + number || signal == Signal::KILL)) {
            self.journal.note(&format!("run {}: had ended by itself with {code:?}", self.run));
            return Ended { code, stopped: None };
        }
        Ended { code, stopped: Some(signal) }
    }

    fn end(&self, running: &mut Running) -> Option<i32> {
        let code = running.end(PATIENCE);
        if code.is_none() {
            self.journal.fault(self.run, "it does not end");
            running.signal(Signal::KILL);
        }
        self.journal.note(&format!("run {}: ended with {code:?}", self.run));
        code
    }

    /// A pause between two runs, well within the time for which a connection is kept.
    pub fn pause(&mut self) {
        let pause = match self.random.next() % 10 {
            0..5 => Duration::ZERO,
            5..9 => self.random.millis(0, 500),
            _ => self.random.millis(500, 3000),
        };
        thread::sleep(pause);
    }

    /// At the end: what was counted at the way, and the verdict on memory.
    pub fn close(&self) {
        self.journal.count("cuts", self.proxy.cuts());
        self.journal.count("refusals", self.proxy.refusals());
        let (said, grown) = self.memory.judge();
        said.iter().for_each(|line| self.journal.say(line));
        grown.into_iter().for_each(|what| self.journal.fault(0, what));
    }

    /// Waits until something listens again at the way.
    pub fn wait_for_way(&self) {
        while self.proxy.blocked() {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The wait for a moment.
struct Waiting {
    before: Happened,
    due: Option<Instant>,
    records: u64,
    proxy: Arc<Proxy>,
}

/// So long a moment is waited for at most.
const LONGEST: Duration = Duration::from_secs(10);

impl Waiting {
    fn due(&mut self, moment: Moment, started: Instant, connected: bool, now: Instant) -> bool {
        if let Some(due) = self.due {
            return now >= due;
        }
        let happened = self.proxy.happened();
        match moment {
            Moment::After(time) => self.due = Some(started + time),
            Moment::AfterCut(time) if happened.cuts > self.before.cuts => self.due = Some(now + time),
            Moment::AtRecovery(time) if happened.recoveries > self.before.recoveries => self.due = Some(now + time),
            Moment::WhileDown(time, open) if connected => {
                self.due = Some(now + time);
                self.proxy.block(true);
                let proxy = Arc::clone(&self.proxy);
                thread::spawn(move || {
                    thread::sleep(open);
                    proxy.block(false);
                });
            }
            Moment::AfterRecords(count) if self.records >= count => self.due = Some(now),
            Moment::AfterCut(_) | Moment::AtRecovery(_) | Moment::WhileDown(..) | Moment::AfterRecords(_) => {
                if now > started + LONGEST {
                    self.due = Some(now);
                }
            }
        }
        false
    }
}

/// A string of a record.
pub fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or_default()
}
