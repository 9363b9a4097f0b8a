//! The counterparts of a tunnel: clients that nobody disturbs, which send events and hear what became of each. The events
//! of one client come one after another, so there are some of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::ledger::{Ledger, Outcome};
use crate::bench::Bench;
use crate::checker::Wrong;
use crate::journal::Journal;
use crate::payload;
use crate::process::{Printed, Running};
use crate::random::Random;

/// Their names.
pub const NAMES: [&str; 4] = ["ta", "sb", "tc", "sd"];

/// So many events of a client may have no answer.
const OPEN: u64 = 40;

/// The ledgers of all.
#[derive(Clone, Default)]
pub struct Ledgers(Arc<Mutex<BTreeMap<&'static str, Ledger>>>);

impl Ledgers {
    fn all(&self) -> MutexGuard<'_, BTreeMap<&'static str, Ledger>> {
        self.0.lock().unwrap()
    }

    fn with<T>(&self, name: &str, action: impl FnOnce(&mut Ledger) -> T) -> Option<T> {
        self.all().get_mut(name).map(action)
    }

    /// An event came to the upstream, which does that.
    pub fn arrive(&self, name: &str, number: u64, outcome: Outcome) -> Result<(), Wrong> {
        self.with(name, |ledger| ledger.arrive(number, outcome)).unwrap_or(Err(Wrong::Unheard { number }))
    }
}

/// All of them.
pub struct Askers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    journal: Journal,
    ledgers: Ledgers,
    /// Nothing more is sent.
    over: AtomicBool,
    /// How many answers came.
    answers: AtomicU64,
    /// How many of them were good.
    well: AtomicU64,
    /// How many have heard the end of it.
    done: AtomicU64,
}

impl Askers {
    /// Each on a connection of its own.
    pub fn start(bench: &mut Bench, ledgers: &Ledgers) -> Self {
        let shared = Arc::new(Shared {
            journal: bench.journal.clone(),
            ledgers: ledgers.clone(),
            over: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            well: AtomicU64::new(0),
            done: AtomicU64::new(0),
        });
        let mut threads = Vec::new();
        for name in NAMES {
            ledgers.all().insert(name, Ledger::default());
            let arguments = ["event", "vote", "--lines", "--keep-going", "--retries", "0", "-o", "ndjson"];
            let setup = bench.wps(&format!("asker-{name}"), &arguments).args(["--ack-timeout", "5m"]);
            let mut running = setup.args(bench.service.source(bench.service.port, name)).start(true);
            bench.memory.watch(name, running.id());
            let stdin = running.stdin.take().unwrap();
            let random = Random::branch(bench.config.seed, &format!("{}: asker {name}", bench.name));
            let (own, rate) = (Arc::clone(&shared), bench.config.rate.div_ceil(NAMES.len() as u64));
            threads.push(thread::spawn(move || own.ask(name, stdin, rate, random)));
            let own = Arc::clone(&shared);
            threads.push(thread::spawn(move || own.hear(name, &running)));
        }
        Self { shared, threads }
    }

    /// How many answers came until now.
    pub fn answers(&self) -> u64 {
        self.shared.answers.load(Ordering::SeqCst)
    }

    /// How many of them were good.
    pub fn well(&self) -> u64 {
        self.shared.well.load(Ordering::SeqCst)
    }

    /// Whether any event has no answer.
    pub fn wait(&self) -> bool {
        self.shared.ledgers.all().values().any(|ledger| ledger.open() > 0)
    }

    /// Nothing more is sent. Whether all have heard the end of it.
    pub fn finish(&self) -> bool {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.done.load(Ordering::SeqCst) == NAMES.len() as u64
    }

    /// The verdict, when nothing more comes.
    pub fn judge(&self) {
        let deadline = Instant::now() + Duration::from_secs(150);
        while !self.finish() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        for (name, ledger) in self.shared.ledgers.all().iter() {
            if let Some(wrong) = ledger.judge() {
                self.shared.journal.fault(0, format!("of {name}: {wrong}"));
            }
        }
        self.shared.journal.count("acked", self.well());
        self.shared.journal.count("refused", self.answers() - self.well());
    }
}

impl Drop for Askers {
    fn drop(&mut self) {
        self.finish();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn ask(&self, name: &str, mut stdin: ChildStdin, rate: u64, mut random: Random) {
        while !self.over.load(Ordering::SeqCst) {
            let wanted = if random.permille(10) { OPEN } else { rate.div_ceil(20) };
            let open = self.ledgers.with(name, |ledger| ledger.open()).unwrap_or_default();
            for _ in 0..wanted.min(OPEN.saturating_sub(open)) {
                let Some(number) = self.ledgers.with(name, Ledger::give) else { return };
                if writeln!(stdin, "{}", payload::text(name, number)).is_err() {
                    return;
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn hear(&self, name: &str, running: &Running) {
        loop {
            match running.next(Duration::from_secs(1)) {
                Ok(Some(Printed::Record(record))) if record["type"] == "ack" => {
                    let (number, well) = (record["line"].as_u64().unwrap_or_default(), record["success"] == true);
                    // The ledger goes first: whoever counts answers finds them there.
                    let verdict = self.ledgers.with(name, |ledger| ledger.tell(number, well));
                    self.answers.fetch_add(1, Ordering::SeqCst);
                    self.well.fetch_add(u64::from(well), Ordering::SeqCst);
                    if let Some(Err(wrong)) = verdict {
                        self.journal.fault(0, format!("of {name}: {wrong}"));
                    }
                }
                Ok(Some(Printed::Record(record))) if record["type"] == "connected" => {}
                Ok(Some(Printed::Record(record))) if record["type"] == "stopped" => {
                    self.done.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Ok(None) => {}
                Ok(Some(other)) => self.journal.fault(0, format!("of asker {name}: {other:?}")),
                Err(_) => return self.journal.fault(0, format!("asker {name} has ended: {}", running.stderr())),
            }
        }
    }
}
