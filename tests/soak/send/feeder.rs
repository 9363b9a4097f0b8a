//! What writes a sender's input: the lines that were given before at once, as somebody does who gives the same file
//! again, then new ones at a pace.

use std::io::Write as _;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::observer::Observer;
use crate::payload;
use crate::random::Random;

/// The writer of a run's input. What it has begun to write is in the stream's ledger.
pub struct Feeder {
    gone: Arc<AtomicBool>,
    target: Arc<AtomicU64>,
}

impl Feeder {
    /// Up to line `target`, which ends the input.
    pub fn start(
        observer: &Arc<Observer>,
        stream: &str,
        mut stdin: ChildStdin,
        target: u64,
        rate: u64,
        mut random: Random,
    ) -> Self {
        let feeder = Self { gone: Arc::new(AtomicBool::new(false)), target: Arc::new(AtomicU64::new(target)) };
        let (gone, target) = (Arc::clone(&feeder.gone), Arc::clone(&feeder.target));
        let (observer, stream) = (Arc::clone(observer), stream.to_owned());
        thread::spawn(move || {
            let mut given = observer.with(&stream, |entry| entry.ledger.given());
            // A run that has ended does not read to the end.
            let mut write = |number: u64| writeln!(stdin, "{}", payload::text(&stream, number)).is_ok();
            if !(1..=given).all(&mut write) {
                return;
            }
            while given < target.load(Ordering::SeqCst) && !gone.load(Ordering::SeqCst) {
                let many = if random.permille(10) { 2 * rate } else { rate.div_ceil(20) };
                for _ in 0..many {
                    if given >= target.load(Ordering::SeqCst) {
                        break;
                    }
                    given = observer.with(&stream, |entry| entry.ledger.give());
                    if !write(given) {
                        return;
                    }
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        feeder
    }

    /// Whether more lines come than so many.
    pub fn has_more(&self, given: u64) -> bool {
        given < self.target.load(Ordering::SeqCst)
    }

    /// The input ends here.
    pub fn finish(&self) {
        self.target.store(0, Ordering::SeqCst);
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
    }
}
