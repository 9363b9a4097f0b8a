//! The counterpart of the senders: a listener that nobody disturbs, which enters what arrives in the ledgers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::bench::{Bench, text};
use crate::checker::{Closed, Ledger, Wrong};
use crate::journal::Journal;
use crate::payload;
use crate::process::{Printed, Running};

/// The group that is sent to.
pub const GROUP: &str = "g";
/// A group for what is sent beside a stream.
pub const OTHER: &str = "other";

/// The observer, and the ledgers of all streams.
pub struct Observer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    journal: Journal,
    ledgers: Mutex<HashMap<String, Entry>>,
    /// How many operations were carried out for the sender.
    operations: AtomicU64,
    over: AtomicBool,
}

/// A stream's ledger.
pub struct Entry {
    /// It.
    pub ledger: Ledger,
    /// The run that it is told of.
    pub run: u64,
    /// Set when nothing more is sent: when, and how it ended.
    closed: Option<(Instant, Closed)>,
}

/// What was under way has arrived after this time.
const SETTLED: Duration = Duration::from_secs(10);

impl Observer {
    /// In both groups, when it has joined them.
    pub fn start(bench: &mut Bench) -> Self {
        let arguments = ["listen", "-o", "ndjson", "-g", GROUP, "-g", OTHER];
        let setup = bench.wps("observer", &arguments).lie(bench.config.lie);
        let running = setup.args(bench.service.source(bench.service.port, "observer")).start(false);
        bench.memory.watch("observer", running.id());
        let mut joined = 0;
        while joined < 2 {
            match running.next(Duration::from_secs(30)) {
                Ok(Some(Printed::Record(record))) => joined += u64::from(record["type"] == "joined"),
                other => panic!("the observer does not join: {other:?}: {}", running.stderr()),
            }
        }
        let shared = Arc::new(Shared {
            journal: bench.journal.clone(),
            ledgers: Mutex::default(),
            operations: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || own.hear(&running));
        Self { shared, thread: Some(thread) }
    }

    /// Opens a ledger.
    pub fn open(&self, stream: &str, in_flight: u64) {
        let entry = Entry { ledger: Ledger::new(in_flight), run: 0, closed: None };
        self.shared.ledgers().insert(stream.to_owned(), entry);
    }

    /// Does something with a ledger.
    pub fn with<T>(&self, stream: &str, action: impl FnOnce(&mut Entry) -> T) -> T {
        action(self.shared.ledgers().get_mut(stream).unwrap())
    }

    /// Operations that are not seen here were carried out for the sender.
    pub fn operations(&self, more: u64) {
        self.shared.operations.fetch_add(more, Ordering::SeqCst);
    }

    /// Nothing more is sent of a stream.
    pub fn close(&self, stream: &str, closed: Closed) {
        self.with(stream, |entry| entry.closed = Some((Instant::now(), closed)));
    }

    /// Judges what was closed long enough ago, or all.
    pub fn judge(&self, all: bool) {
        self.shared.ledgers().retain(|stream, entry| {
            let Some((at, closed)) = entry.closed else { return true };
            if !all && at.elapsed() < SETTLED {
                return true;
            }
            let wrong = entry.ledger.judge(closed);
            for wrong in wrong {
                self.shared.journal.wrong(entry.run, &in_stream(stream, wrong));
            }
            self.shared.journal.count("messages", entry.ledger.arrived.came);
            self.shared.journal.count("acked", entry.ledger.acked());
            false
        });
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn ledgers(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.ledgers.lock().unwrap()
    }

    fn hear(&self, running: &Running) {
        while !self.over.load(Ordering::SeqCst) {
            match running.next(Duration::from_millis(100)) {
                Ok(Some(Printed::Record(record))) if record["type"] == "group-message" => {
                    self.arrive(text(&record, "data"));
                }
                Ok(None) => {}
                Ok(Some(other)) => self.journal.fault(0, format!("of the observer: {other:?}")),
                Err(_) => return self.journal.fault(0, format!("the observer has ended: {}", running.stderr())),
            }
        }
    }

    fn arrive(&self, data: &str) {
        let Some((stream, number)) = payload::read(data) else {
            return self.journal.fault(0, format!("a damaged message: {data:.200}"));
        };
        let operations = self.operations.fetch_add(1, Ordering::SeqCst);
        let mut ledgers = self.ledgers();
        let Some(entry) = ledgers.get_mut(stream) else {
            drop(ledgers);
            return self.journal.fault(0, format!("{number} of {stream} arrived after everything"));
        };
        let (verdict, run) = (entry.ledger.arrive(number, operations), entry.run);
        drop(ledgers);
        if let Err(wrong) = verdict {
            self.journal.wrong(run, &in_stream(stream, wrong));
        }
    }
}

/// With the stream's name, where there is room for it.
fn in_stream(stream: &str, wrong: Wrong) -> Wrong {
    match wrong {
        Wrong::Other(what) => Wrong::Other(format!("{stream}: {what}")),
        other => other,
    }
}
