//! Keys that come faster than anybody types: text that was pasted, at a terminal that does not say so.
//!
//! The editor paints the whole line with every key where the line has colours, so that a long text costs the square of its
//! length. Here is what has it print such keys as they come, behind the line, and paint the line only now and then, and
//! once more when nothing comes any more.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, RepeatCount};
use unicode_width::UnicodeWidthChar as _;

use super::resize::{PaintedLine, end_column};
use super::screen::{EditorPrinter, Screen};

/// Shorter lines are painted with every key.
const SHORT: usize = 200;
/// Time between two paintings of a line that grows all the while.
const PAUSE: Duration = Duration::from_millis(50);

/// The character that was typed last, for the handler that sees it and the helper that uses it.
#[derive(Clone, Debug, Default)]
pub struct LastKey(Arc<AtomicU32>);

impl LastKey {
    fn take(&self) -> Option<char> {
        char::from_u32(self.0.swap(0, Ordering::Relaxed)).filter(|c| *c != '\0')
    }
}

impl ConditionalEventHandler for LastKey {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        let typed = match event.get(0) {
            Some(KeyEvent(KeyCode::Char(c), Modifiers::NONE)) => u32::from(*c),
            _ => 0,
        };
        self.0.store(typed, Ordering::Relaxed);
        None
    }
}

/// Decides which keys are painted.
#[derive(Debug)]
pub struct Burst {
    key: LastKey,
    repaint: Repaint,
    /// When the line was painted last.
    painted: Cell<Option<Instant>>,
    /// Width of the window then.
    columns: Cell<usize>,
    /// Where the editor takes the cursor to be. `None`: in doubt, or not at the end.
    column: Cell<Option<usize>>,
    /// A text from the history stood behind the line.
    hinted: Cell<bool>,
    /// What to do with the key that the editor has asked about.
    verdict: Cell<KeyPainting>,
    /// The key before was painted.
    before: Cell<bool>,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyPainting {
    /// The line is painted.
    #[default]
    Painted,
    /// It is painted although it need not be: the editor does so after one that was.
    Still,
    /// The key alone is printed, which is so many columns wide.
    Printed(usize),
}

impl Burst {
    /// With whoever has the line painted later.
    pub fn new(key: LastKey, repaint: Repaint) -> Self {
        Self {
            key,
            repaint,
            painted: Cell::default(),
            columns: Cell::default(),
            column: Cell::default(),
            hinted: Cell::default(),
            verdict: Cell::default(),
            before: Cell::new(true),
        }
    }

    /// The line has become `now`, with the cursor there. Returns whether a text from the history may be offered.
    pub fn changes(&self, was: &(String, usize), now: &str, cursor: usize) -> bool {
        let verdict = match self.printable(was, now, cursor) {
            None => KeyPainting::Painted,
            Some(_) if self.before.get() => KeyPainting::Still,
            Some(width) => KeyPainting::Printed(width),
        };
        self.verdict.set(verdict);
        verdict == KeyPainting::Painted
    }

    /// Notes whether a text from the history is offered.
    pub fn hints(&self, hinted: bool) {
        self.hinted.set(hinted);
    }

    /// The width of the key by which the line was continued, when that is all there is to print.
    fn printable(&self, was: &(String, usize), now: &str, cursor: usize) -> Option<usize> {
        let key = self.key.take()?;
        let (line, at) = was;
        let mut buffer = [0; 4];
        let continued = now.strip_prefix(line.as_str()) == Some(&*key.encode_utf8(&mut buffer));
        let long = line.len() >= SHORT && *at == line.len() && cursor == now.len();
        let lately = self.painted.get().is_some_and(|painted| painted.elapsed() < PAUSE);
        if !continued || !long || !lately || self.hinted.get() || !is_plain(key) {
            return None;
        }
        let width = key.width().filter(|width| *width > 0)?;
        // What fills a row is painted by the editor, which has to begin the next one.
        (self.column.get()? + width < self.columns.get()).then_some(width)
    }

    /// What becomes of the key.
    pub fn verdict(&self) -> KeyPainting {
        let verdict = self.verdict.take();
        self.before.set(verdict == KeyPainting::Painted);
        if let KeyPainting::Printed(width) = verdict {
            self.column.set(self.column.get().map(|column| column + width));
            self.repaint.ask();
        }
        verdict
    }

    /// The line was painted.
    pub fn painted(&self, painted: &PaintedLine) {
        self.painted.set(Some(Instant::now()));
        self.columns.set(painted.columns);
        let plain = painted.cursor == painted.line.len() && painted.line.chars().all(|c| c == '\n' || is_plain(c));
        self.column.set(plain.then(|| end_column(&painted.before(), painted.columns)));
    }
}

/// Whether a character takes as many columns beside any other as alone, whoever measures it: no part of a cluster.
fn is_plain(c: char) -> bool {
    let known = matches!(c, ' '..='~' | '\u{a1}'..='\u{2ff}' | '\u{370}'..='\u{58f}' | '\u{2010}'..='\u{2027}'
        | '\u{2030}'..='\u{205e}' | '\u{2070}'..='\u{20cf}' | '\u{2100}'..='\u{2bff}' | '\u{3000}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ffe6}' | '\u{1f300}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}');
    known && matches!(c.width(), Some(1 | 2))
}

/// Has the line painted a little later, when no more keys come. Clones ask the same thread.
#[derive(Clone, Debug)]
pub struct Repaint {
    asked: Arc<AtomicBool>,
    asks: Sender<()>,
}

/// What the thread hears.
#[derive(Debug)]
pub struct RepaintRequests {
    asked: Arc<AtomicBool>,
    asks: Receiver<()>,
}

impl Repaint {
    /// The two ends.
    pub fn new() -> (Self, RepaintRequests) {
        let asked = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel();
        (Self { asked: Arc::clone(&asked), asks: sender }, RepaintRequests { asked, asks: receiver })
    }

    fn ask(&self) {
        if !self.asked.swap(true, Ordering::SeqCst) {
            let _ = self.asks.send(());
        }
    }
}

impl RepaintRequests {
    /// Begins to serve, on a thread of its own, which ends when nobody can ask any more.
    pub fn start(self, screen: Screen, mut printer: EditorPrinter) -> io::Result<()> {
        let serve = move || {
            while self.asks.recv().is_ok() {
                std::thread::sleep(PAUSE);
                self.asked.store(false, Ordering::SeqCst);
                screen.repaint(printer.as_mut());
            }
        };
        std::thread::Builder::new().name("repaint".into()).spawn(serve).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printed_alone_only_where_the_editor_would_do_the_same() {
        let key = LastKey::default();
        let (repaint, _asked) = Repaint::new();
        let burst = Burst::new(key.clone(), repaint);
        let type_key = |c: char, line: &mut String| {
            let was = (line.clone(), line.len());
            line.push(c);
            key.0.store(u32::from(c), Ordering::Relaxed);
            burst.changes(&was, line, line.len());
            burst.verdict()
        };
        let paint = |line: &str| {
            let (prompt, hint) = ("on> ".to_owned(), String::new());
            burst.painted(&PaintedLine {
                columns: 50,
                height: 24,
                prompt,
                line: line.to_owned(),
                cursor: line.len(),
                hint,
            });
        };
        let mut line = "x".repeat(SHORT - 1);
        paint(&line);
        assert_eq!(type_key('a', &mut line), KeyPainting::Painted, "a short line");
        paint(&line);
        // 204 columns with the prompt: 4 in the fifth row.
        assert_eq!(type_key('b', &mut line), KeyPainting::Still);
        paint(&line);
        for (number, c) in "c界é😀".chars().enumerate() {
            assert!(matches!(type_key(c, &mut line), KeyPainting::Printed(1 | 2)), "{number}");
        }
        assert_eq!(type_key('\u{301}', &mut line), KeyPainting::Painted, "what joins the one before it");
        line.pop();
        paint(&line);
        while line.chars().filter_map(char::width).sum::<usize>() < 245 {
            if type_key('-', &mut line) == KeyPainting::Still {
                paint(&line);
            }
        }
        assert_eq!(type_key('d', &mut line), KeyPainting::Painted, "the end of a row");
        // Not by a key: a text from the history, which is as long.
        let was = (line.clone(), line.len());
        line.push('e');
        assert!(burst.changes(&was, &line, line.len()));
        assert_eq!(burst.verdict(), KeyPainting::Painted);
    }
}
