//! The counterpart of a publisher of streams: a listener that nobody disturbs, and what arrives there of each stream.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::arrived::{Arrived, End, Said};
use crate::bench::{Bench, text};
use crate::journal::Journal;
use crate::process::{Printed, Running};

/// The group that is streamed to.
pub const GROUP: &str = "g";

/// The reader.
pub struct Reader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    journal: Journal,
    state: Mutex<State>,
    over: AtomicBool,
}

#[derive(Default)]
struct State {
    /// By the id of the stream.
    arrived: HashMap<String, Arrived>,
    /// Runs that are over, and are to be judged.
    closed: Vec<Closed>,
}

/// A run that is over.
struct Closed {
    run: u64,
    name: String,
    /// The ids that its publisher has named.
    ids: Vec<String>,
    said: Said,
    at: Instant,
}

/// The service keeps a connection for 30 s, and tells the readers of its streams when it gives it up.
const SETTLED: Duration = Duration::from_secs(75);

impl Reader {
    /// In the group, when it has joined.
    pub fn start(bench: &mut Bench) -> Self {
        let setup = bench.wps("reader", &["listen", "-o", "ndjson", "-g", GROUP]).lie(bench.config.lie);
        let running = setup.args(bench.service.source(bench.service.port, "reader")).start(false);
        bench.memory.watch("reader", running.id());
        loop {
            match running.next(Duration::from_secs(30)) {
                Ok(Some(Printed::Record(record))) if record["type"] == "joined" => break,
                Ok(Some(Printed::Record(_))) => {}
                other => panic!("the reader does not join: {other:?}: {}", running.stderr()),
            }
        }
        let (journal, state) = (bench.journal.clone(), Mutex::default());
        let shared = Arc::new(Shared { journal, state, over: AtomicBool::new(false) });
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || own.hear(&running));
        Self { shared, thread: Some(thread) }
    }

    /// How much has arrived of what is called so.
    pub fn lines(&self, name: &str) -> u64 {
        let state = self.shared.state();
        let own = state.arrived.values().filter(|arrived| arrived.name.as_deref() == Some(name));
        own.map(|arrived| arrived.lines).sum()
    }

    /// A run is over, which had named these ids.
    pub fn close(&self, run: u64, name: &str, ids: Vec<String>, said: Said) {
        let closed = Closed { run, name: name.to_owned(), ids, said, at: Instant::now() };
        self.shared.state().closed.push(closed);
    }

    /// Judges the runs of which nothing more comes. Tells how many are left.
    pub fn judge(&self) -> usize {
        let mut state = self.shared.state();
        let State { arrived, closed } = &mut *state;
        let (due, left) = std::mem::take(closed).into_iter().partition(|closed| closed.is_due(arrived));
        *closed = left;
        let due: Vec<Closed> = due;
        for run in &due {
            self.shared.judge(run, arrived);
        }
        closed.len()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Closed {
    /// The ids under which something of it arrived, or would have.
    fn own<'a>(&'a self, arrived: &'a HashMap<String, Arrived>) -> impl Iterator<Item = &'a String> + 'a {
        let named = arrived.iter().filter(|(_, it)| it.name.as_ref() == Some(&self.name)).map(|(id, _)| id);
        named.chain(self.ids.iter().filter(|id| arrived.get(*id).is_none_or(|it| it.name.is_none())))
    }

    fn is_due(&self, arrived: &HashMap<String, Arrived>) -> bool {
        let mut own = self.own(arrived).peekable();
        let ended = own.peek().is_some() && own.all(|id| arrived.get(id).is_some_and(|it| it.end.is_some()));
        ended || self.at.elapsed() > SETTLED
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn judge(&self, closed: &Closed, arrived: &mut HashMap<String, Arrived>) {
        let own: Vec<String> = closed.own(arrived).cloned().collect();
        let (mut streams, nothing) = (0, Said { given: 0, finished: false, whole: false, known: 0 });
        for id in own {
            let mut stream = arrived.remove(&id).unwrap_or_default();
            let holds = stream.bytes > 0;
            streams += u64::from(holds);
            // One whose start was lost has nothing in it, and another took its place.
            let said = if holds { &closed.said } else { &nothing };
            for wrong in stream.judge(said) {
                self.journal.note(&format!("of {}, stream {id}:", closed.name));
                self.journal.wrong(closed.run, &wrong);
            }
            self.journal.count("messages", stream.fragments.came);
            self.journal.count("broken", u64::from(stream.end.is_some_and(|end| end != End::Clean)));
        }
        let none = streams == 0 && (closed.said.whole || closed.said.known > 0);
        if none || streams > 1 {
            self.journal.fault(closed.run, format!("{} came in {streams} streams", closed.name));
        }
    }

    fn hear(&self, running: &Running) {
        while !self.over.load(Ordering::SeqCst) {
            match running.next(Duration::from_millis(100)) {
                Ok(Some(Printed::Record(record))) if record["type"] == "group-message" => self.arrive(&record),
                Ok(None) => {}
                Ok(Some(other)) => self.journal.fault(0, format!("of the reader: {other:?}")),
                Err(_) => return self.journal.fault(0, format!("the reader has ended: {}", running.stderr())),
            }
        }
    }

    fn arrive(&self, record: &Value) {
        let stream = &record["stream"];
        let (Some(id), Some(number)) = (stream["streamId"].as_str(), stream["streamSequenceId"].as_u64()) else {
            return self.journal.fault(0, format!("no fragment: {record:.300}"));
        };
        let end = (stream["endOfStream"] == true).then(|| match stream["error"]["name"].as_str() {
            Some(name) => End::Error(name.to_owned()),
            None => End::Clean,
        });
        let verdict = {
            let mut state = self.state();
            state.arrived.entry(id.to_owned()).or_default().fragment(number, text(record, "data"), end)
        };
        if let Err(wrong) = verdict {
            self.journal.note(&format!("of stream {id}, fragment {number}:"));
            self.journal.wrong(0, &wrong);
        }
    }
}
