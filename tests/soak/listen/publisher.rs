//! The counterpart of a listener: publishes numbered messages on a connection that nobody disturbs, no faster than the
//! service's queue for the listener can take (PROTOCOL §7.1), and knows which were acknowledged.

use std::io::Write as _;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::journal::Journal;
use crate::payload;
use crate::process::{Printed, Running};
use crate::random::Random;
use crate::service::Control;

/// The name of what is published.
pub const STREAM: &str = "m";

/// The publisher.
pub struct Publisher {
    shared: Arc<Shared>,
    publishing: Option<JoinHandle<()>>,
    hearing: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// How many were published, or are about to be.
    begun: AtomicU64,
    /// How many were acknowledged.
    acked: AtomicU64,
    /// The connection of the listener.
    listener: Mutex<Option<String>>,
    /// Nothing more is to be published.
    over: AtomicBool,
    /// All that was published is acknowledged.
    done: AtomicBool,
}

/// So many messages may wait for the listener, as the service counts them: with 1000 it would give the connection up.
const BACKLOG: u64 = 500;

/// Between two looks at how many wait.
const PERIOD: Duration = Duration::from_millis(200);

impl Publisher {
    /// To that group.
    pub fn start(bench: &mut Bench, group: &str) -> Self {
        let setup = bench.wps("publisher", &["send", group, "--lines", "-o", "ndjson"]);
        let mut running = setup.args(bench.service.source(bench.service.port, "publisher")).start(true);
        bench.memory.watch("publisher", running.id());
        let shared = Arc::new(Shared::default());
        let stdin = running.stdin.take().unwrap();
        let random = Random::branch(bench.config.seed, &format!("{}: publisher", bench.name));
        let (own, rate, control) = (Arc::clone(&shared), bench.config.rate, bench.service.control);
        let publishing = Some(thread::spawn(move || own.publish(stdin, rate, &control, random)));
        let (own, journal) = (Arc::clone(&shared), bench.journal.clone());
        let hearing = Some(thread::spawn(move || own.hear(&running, &journal)));
        Self { shared, publishing, hearing }
    }

    /// How many were published, or are about to be.
    pub fn begun(&self) -> u64 {
        self.shared.begun.load(Ordering::SeqCst)
    }

    /// How many were acknowledged.
    pub fn acked(&self) -> u64 {
        self.shared.acked.load(Ordering::SeqCst)
    }

    /// The listener has this connection now.
    pub fn listener(&self, connection: &str) {
        *self.shared.listener.lock().unwrap() = Some(connection.to_owned());
    }

    /// Nothing more is published.
    pub fn finish(&self) {
        self.shared.over.store(true, Ordering::SeqCst);
    }

    /// Whether nothing more is published, and all that was is acknowledged.
    pub fn done(&self) -> bool {
        self.shared.done.load(Ordering::SeqCst)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.finish();
        for thread in [self.publishing.take(), self.hearing.take()].into_iter().flatten() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn publish(&self, mut stdin: ChildStdin, rate: u64, control: &Control, mut random: Random) {
        let (mut looked, mut waiting) = (Instant::now(), 0);
        while !self.over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(50));
            if looked.elapsed() >= PERIOD {
                let listener = self.listener.lock().unwrap().clone();
                waiting = listener.map_or(0, |listener| control.unacknowledged(&listener));
                looked = Instant::now();
            }
            let wanted = if random.permille(10) { rate } else { rate.div_ceil(20) };
            let room = BACKLOG.saturating_sub(waiting).min(wanted);
            waiting += room;
            for _ in 0..room {
                let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
                if writeln!(stdin, "{}", payload::text(STREAM, number)).is_err() {
                    return;
                }
            }
        }
    }

    fn hear(&self, running: &Running, journal: &Journal) {
        loop {
            match running.next(Duration::from_secs(1)) {
                Ok(Some(Printed::Record(record))) if record["type"] == "ack" => {
                    let number = record["line"].as_u64().unwrap_or_default();
                    let expected = self.acked.fetch_add(1, Ordering::SeqCst) + 1;
                    if record["success"] != true || number != expected {
                        journal.fault(0, format!("of the publisher, in place of ack {expected}: {record}"));
                    }
                }
                Ok(Some(Printed::Record(record))) if record["type"] == "connected" => {}
                Ok(Some(Printed::Record(record))) if record["type"] == "stopped" && record["exitCode"] == 0 => {
                    return self.done.store(true, Ordering::SeqCst);
                }
                Ok(None) => {}
                Ok(Some(other)) => journal.fault(0, format!("of the publisher: {other:?}")),
                Err(_) => return journal.fault(0, format!("the publisher has ended: {}", running.stderr())),
            }
        }
    }
}
