//! What writes a stream's input: numbered lines at a pace, then its end.

use std::io::Write as _;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::payload;
use crate::random::Random;

/// The writer of a run's input.
#[derive(Clone, Default)]
pub struct Feeder(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Lines that it has begun to write.
    given: AtomicU64,
    /// All lines are written, and the input ends.
    finished: AtomicBool,
    /// Nothing more is to be written.
    over: AtomicBool,
}

impl Feeder {
    /// Writes so many lines, or fewer when it is told to finish.
    pub fn start(name: &str, mut stdin: ChildStdin, target: u64, rate: u64, mut random: Random) -> Self {
        let feeder = Self::default();
        let (own, name) = (feeder.clone(), name.to_owned());
        thread::spawn(move || {
            let Shared { given, finished, over } = &*own.0;
            let mut number = 0;
            while number < target && !over.load(Ordering::SeqCst) {
                let many = if random.permille(10) { 2 * rate } else { rate.div_ceil(20) };
                for _ in 0..many.min(target - number) {
                    number += 1;
                    given.store(number, Ordering::SeqCst);
                    if writeln!(stdin, "{}", payload::text(&name, number)).is_err() {
                        return;
                    }
                }
                thread::sleep(Duration::from_millis(50));
            }
            finished.store(true, Ordering::SeqCst);
        });
        feeder
    }

    /// How many lines were begun.
    pub fn given(&self) -> u64 {
        self.0.given.load(Ordering::SeqCst)
    }

    /// Whether all of them were written.
    pub fn finished(&self) -> bool {
        self.0.finished.load(Ordering::SeqCst)
    }

    /// The input ends here.
    pub fn finish(&self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}
