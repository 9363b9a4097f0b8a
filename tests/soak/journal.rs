//! What happened in a worker's soak, with times, in a file; what was counted; and the faults that were found.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::checker::Wrong;

/// Shared by all who take part in a worker's soak.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    started: Instant,
    file: Mutex<File>,
    found: Mutex<Found>,
}

/// What was counted and found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By what was counted.
    pub counts: BTreeMap<&'static str, u64>,
    /// What is wrong, in the order in which it was found.
    pub faults: Vec<Fault>,
    /// For those who read the result.
    pub said: Vec<String>,
}

impl Found {
    /// How many were counted.
    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What kind it is.
    pub kind: &'static str,
    /// In which run.
    pub run: u64,
    /// When and what, in words.
    pub text: String,
}

/// Runs whose files are kept without a fault, and beside one with a fault.
const KEPT: u64 = 12;

impl Journal {
    /// In that directory, which is made.
    pub fn new(directory: &Path) -> Self {
        fs::create_dir_all(directory.join("runs")).unwrap();
        let file = Mutex::new(File::create(directory.join("journal.log")).unwrap());
        Self(Arc::new(Inner {
            directory: directory.to_owned(),
            started: Instant::now(),
            file,
            found: Mutex::default(),
        }))
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// A line.
    pub fn note(&self, what: &str) {
        let at = self.0.started.elapsed().as_secs_f64();
        writeln!(self.0.file.lock().unwrap(), "{at:10.3} {what}").unwrap();
    }

    /// So many more of that.
    pub fn count(&self, what: &'static str, more: u64) {
        *self.0.found.lock().unwrap().counts.entry(what).or_default() += more;
    }

    /// A line that is also for those who read the result.
    pub fn say(&self, what: &str) {
        self.note(what);
        self.0.found.lock().unwrap().said.push(what.to_owned());
    }

    /// Something is wrong with a run.
    pub fn wrong(&self, run: u64, wrong: &Wrong) {
        let (kind, many) = match wrong {
            Wrong::Lost { first, last } => ("lost", last - first + 1),
            Wrong::Doubled { .. } => ("doubled", 1),
            Wrong::Forgotten { .. } => ("forgotten", 1),
            Wrong::Disordered { .. } => ("disordered", 1),
            Wrong::Unheard { .. } | Wrong::Other(_) => ("other", 1),
        };
        self.note(&format!("FAULT in run {run}: {wrong}"));
        let at = self.0.started.elapsed().as_secs_f64();
        let mut found = self.0.found.lock().unwrap();
        *found.counts.entry(kind).or_default() += many;
        found.faults.push(Fault { kind, run, text: format!("at {at:.3} s in run {run}: {wrong}") });
    }

    /// The same, in words.
    pub fn fault(&self, run: u64, what: impl Into<String>) {
        self.wrong(run, &Wrong::Other(what.into()));
    }

    /// What was counted and found.
    pub fn found(&self) -> Found {
        self.0.found.lock().unwrap().clone()
    }

    /// Where the output of a run is kept, without the extension. Files of old runs without a fault are removed.
    pub fn run(&self, run: u64) -> PathBuf {
        let path = |run: u64| self.directory().join("runs").join(format!("{run:05}"));
        if let Some(old) = run.checked_sub(KEPT)
            && !self.0.found.lock().unwrap().faults.iter().any(|fault| fault.run.abs_diff(old) < KEPT / 2)
        {
            for extension in ["out", "earlier.out", "err"] {
                let _ = fs::remove_file(path(old).with_extension(extension));
            }
        }
        path(run)
    }
}
