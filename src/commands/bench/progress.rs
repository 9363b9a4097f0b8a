//! The line on a terminal's stderr that says how a run goes. It is overwritten, and gone at the end.

use crate::render::ConsoleStream;

/// Back to the beginning of the line, and nothing on it.
const CLEAR: &str = "\r\u{1b}[K";

/// The progress line.
#[derive(Debug)]
pub struct BenchProgressLine {
    err: ConsoleStream,
    wanted: bool,
    shown: bool,
}

impl BenchProgressLine {
    /// On stderr, where it is wanted and a person sees it.
    pub fn new(err: ConsoleStream, wanted: bool) -> Self {
        let wanted = wanted && err.style.terminal;
        Self { err, wanted, shown: false }
    }

    /// Prints that.
    pub fn draw(&mut self, words: &str) {
        if self.wanted {
            self.put(&format!("{CLEAR}{}", self.err.style.dim(words)));
            self.shown = true;
        }
    }

    /// Takes it away, so that something else can stand there.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.put(CLEAR);
        }
    }

    fn put(&self, text: &str) {
        self.err.put(&mut text.as_bytes().to_vec());
    }
}
