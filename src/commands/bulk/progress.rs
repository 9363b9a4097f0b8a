//! The line on a terminal's stderr that says how far a bulk has come. It is overwritten, and gone at the end.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use super::intake::Extent;
use crate::render::ConsoleStream;

/// From one look of the line to the next.
const EVERY: Duration = Duration::from_millis(200);
/// When the end of the input is not known, only a bulk that takes this long has a line.
const PATIENCE: Duration = Duration::from_secs(2);
/// Back to the beginning of the line, and nothing on it.
const CLEAR: &str = "\r\u{1b}[K";

/// The progress line.
#[derive(Debug)]
pub(super) struct BulkProgressLine {
    err: ConsoleStream,
    wanted: bool,
    since: Instant,
    shown: Cell<bool>,
    /// When it is drawn again.
    next: Cell<Instant>,
}

impl BulkProgressLine {
    /// On stderr, where it is wanted and a person sees it.
    pub(super) fn new(err: ConsoleStream, wanted: bool) -> Self {
        let wanted = wanted && err.style.terminal;
        let now = Instant::now();
        Self { err, wanted, since: now, shown: Cell::new(false), next: Cell::new(now + EVERY) }
    }

    /// When it is to be drawn; `None`: never.
    pub(super) fn due(&self) -> Option<Instant> {
        self.wanted.then(|| self.next.get())
    }

    /// Draws it, if it is time.
    pub(super) fn draw(&self, sent: u64, acked: u64, extent: Option<Extent>) {
        let elapsed = self.since.elapsed();
        self.next.set(Instant::now() + EVERY);
        if !self.wanted || (extent.is_none() && elapsed < PATIENCE) {
            return;
        }
        let rate = acked as f64 / elapsed.as_secs_f64().max(0.001);
        let percent = extent.filter(|extent| extent.size > 0).map(|Extent { done, size }| {
            // Of more than u64 holds when multiplied there is no file.
            format!(", {} %", done.saturating_mul(100) / size)
        });
        let words = format!("sent {sent}, acknowledged {acked}{}, {rate:.0}/s", percent.unwrap_or_default());
        self.put(&format!("{CLEAR}{}", self.err.style.dim(&words)));
        self.shown.set(true);
    }

    /// Takes it away, so that something else can stand there.
    pub(super) fn clear(&self) {
        if self.shown.replace(false) {
            self.put(CLEAR);
        }
    }

    fn put(&self, text: &str) {
        self.err.put(&mut text.as_bytes().to_vec());
    }
}
