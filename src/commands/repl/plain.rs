//! A terminal that cannot place the cursor (`TERM=dumb`): there is no line editor, and no place above the prompt.
//!
//! The terminal itself edits the line, and hands it over whole. The prompt comes when nothing runs. What is printed
//! meanwhile gets lines of its own, with a new prompt below. Ctrl-C comes as a signal, which [`PlainTerminal::interrupted`] is
//! told of.

use std::io::{self, BufRead as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use super::busy::BusyCounter;
use super::execute::standing_word;
use super::history::History;
use super::lines::{Assembler, ReplInput};
use super::observer::EditorView;
use super::screen::tty;
use super::typed::UserAction;
use crate::render::ConsoleStream;

/// Such a terminal.
#[derive(Clone, Debug)]
pub struct PlainTerminal {
    state: Arc<PlainState>,
    shared: Arc<EditorView>,
}

#[derive(Debug, Default)]
struct PlainState {
    /// A line is awaited: the prompt belongs at the bottom.
    reading: AtomicBool,
    /// All that was printed before the prompt was asked for has been written.
    asked: AtomicBool,
    /// It is a further line of a command.
    continued: AtomicBool,
    /// Something stands before the cursor.
    amid: AtomicBool,
    /// The lines of the command so far are given up.
    dropped: AtomicBool,
}

impl PlainTerminal {
    /// With the prompt that says how the connection stands.
    pub fn new(shared: Arc<EditorView>) -> Self {
        Self { state: Arc::default(), shared }
    }

    /// Writes between prompts.
    pub fn writer(&self) -> Box<dyn Write + Send> {
        Box::new(PlainPrinter { plain: self.clone(), tty })
    }

    /// Ctrl-C was pressed: the terminal has dropped the line, and so are those before it.
    pub fn interrupted(&self) {
        self.state.dropped.store(true, Ordering::SeqCst);
        self.state.continued.store(false, Ordering::SeqCst);
        self.state.amid.store(true, Ordering::SeqCst);
    }

    /// No further line is of interest: there are no more prompts.
    pub fn left(&self) {
        self.state.reading.store(false, Ordering::SeqCst);
        self.state.amid.store(false, Ordering::SeqCst);
    }

    /// Begins to read, on a thread of its own. `ask` leads to the terminal.
    pub fn start(
        self,
        typed: UnboundedSender<UserAction>,
        busy: BusyCounter,
        history: Arc<History>,
        ask: ConsoleStream,
    ) -> io::Result<()> {
        std::thread::Builder::new().name("lines".into()).spawn(move || {
            let last = match self.read(&typed, &busy, &history, &ask) {
                Ok(()) => UserAction::Leave,
                Err(error) => UserAction::Failed(error),
            };
            let _ = typed.send(last);
        })?;
        Ok(())
    }

    /// Reads until a person wants to leave.
    fn read(
        &self,
        typed: &UnboundedSender<UserAction>,
        busy: &BusyCounter,
        history: &History,
        ask: &ConsoleStream,
    ) -> io::Result<()> {
        let mut assembler = Assembler::default();
        let mut text = String::new();
        let mut stdin = io::stdin().lock();
        loop {
            busy.idle();
            self.state.asked.store(false, Ordering::SeqCst);
            self.state.reading.store(true, Ordering::SeqCst);
            // What was printed before stands before the prompt: this goes the same way.
            ask.put(&mut vec![PROMPT_PLEASE]);
            let mut bytes = Vec::new();
            let read = stdin.read_until(b'\n', &mut bytes);
            self.state.reading.store(false, Ordering::SeqCst);
            self.state.amid.store(false, Ordering::SeqCst);
            if self.state.dropped.swap(false, Ordering::SeqCst) {
                assembler = Assembler::default();
                text.clear();
            }
            // The stream may have ended by itself meanwhile.
            if assembler.is_in_stream() && !self.shared.is_in_stream() {
                assembler = Assembler::default();
            }
            if read? == 0 {
                ask.line("");
                if !assembler.is_in_stream() {
                    return Ok(());
                }
                assembler = Assembler::default();
                self.shared.set_in_stream(false);
                busy.add();
                if typed.send(UserAction::Line(ReplInput::EndOfStream)).is_err() {
                    return Ok(());
                }
                continue;
            }
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end_matches(['\r', '\n']);
            text.push_str(line);
            let entry = assembler.push(line);
            self.state.continued.store(assembler.is_amid(), Ordering::SeqCst);
            let Some(entry) = entry else {
                match assembler.is_amid() {
                    true => text.push('\n'),
                    false => text.clear(),
                }
                continue;
            };
            let entered = std::mem::take(&mut text);
            if let ReplInput::Command(command) = &entry.what {
                if let Some(problem) = history.add(&entered) {
                    ask.line(&format!("the history is not kept: {problem}"));
                }
                if matches!(command.trim(), "quit" | "exit") {
                    return Ok(());
                }
            }
            self.shared.set_in_stream(assembler.is_in_stream());
            busy.add();
            if typed.send(UserAction::Line(entry.what)).is_err() {
                return Ok(());
            }
        }
    }

    fn prompt(&self) -> String {
        let word = match (self.state.continued.load(Ordering::SeqCst), self.shared.is_in_stream()) {
            (true, _) => "...",
            (false, true) => "stream",
            (false, false) => standing_word(self.shared.standing()),
        };
        format!("{word:<12} > ")
    }
}

/// Asks for the prompt. It is in nothing that is printed on a terminal, and may come in one piece with what is, before
/// and behind it.
const PROMPT_PLEASE: u8 = b'\r';

/// Writes on lines of its own.
struct PlainPrinter<T> {
    plain: PlainTerminal,
    /// Opens the terminal.
    tty: T,
}

impl<T: Fn() -> Box<dyn Write>> Write for PlainPrinter<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = &self.plain.state;
        if bytes.contains(&PROMPT_PLEASE) {
            state.asked.store(true, Ordering::SeqCst);
        }
        let text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != PROMPT_PLEASE).collect();
        if let Some(last) = text.last() {
            let mut tty = (self.tty)();
            if state.amid.swap(*last != b'\n', Ordering::SeqCst) {
                tty.write_all(b"\n")?;
            }
            tty.write_all(&text)?;
            tty.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let state = &self.plain.state;
        let wanted = [&state.reading, &state.asked].iter().all(|state| state.load(Ordering::SeqCst));
        if wanted && !state.amid.swap(true, Ordering::SeqCst) {
            let mut tty = (self.tty)();
            tty.write_all(self.plain.prompt().as_bytes())?;
            tty.flush()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// What was written, by whoever.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_prompt_comes_however_pieces_are_gathered_while_nobody_writes() {
        for (pieces, expected) in [
            (&["joined\n", "\r"][..], "joined\nconnecting   > "),
            (&["joined\n\r"], "joined\nconnecting   > "),
            // Said right after the prompt was asked for.
            (&["\rabandoned\n"], "abandoned\nconnecting   > "),
            // Asked for twice: a line was typed ahead.
            (&["\r\r"], "connecting   > "),
            (&["one\n\rtwo\n\r", "three\n"], "one\ntwo\nconnecting   > \nthree\nconnecting   > "),
        ] {
            let (plain, paper) = (PlainTerminal::new(Arc::default()), Paper::default());
            plain.state.reading.store(true, Ordering::SeqCst);
            let tty = || Box::new(paper.clone()) as Box<dyn Write>;
            let mut between = PlainPrinter { plain, tty };
            for piece in pieces {
                between.write_all(piece.as_bytes()).unwrap();
                between.flush().unwrap();
            }
            assert_eq!(String::from_utf8_lossy(&paper.0.lock().unwrap()), expected, "{pieces:?}");
        }
    }
}
