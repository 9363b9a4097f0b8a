//! The terminal, shared by an editor that owns the prompt and everybody who prints.
//!
//! While the editor reads, text goes to it and appears above the prompt: one piece at a time, and the next only when that
//! one was painted, so that nothing is lost or overtaken where one line ends and the next begins. Before and after, text
//! goes straight to the terminal. Printing waits on the thread of a [`Writer`](crate::render), never on the connection's.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustyline::ExternalPrinter;

use super::resize::{PaintedLine, Tail, repair};

/// Most that is painted at once, so that keys are served in between.
const PIECE: usize = 16 * 1024;

/// A text that leaves the cursor where it is. The editor ends each with a newline: it comes from the row above.
const NOTHING: &str = "\x1b[A\n";

/// A printer of the editor's.
pub type EditorPrinter = Box<dyn ExternalPrinter + Send>;

/// Who may write to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScreenMode {
    /// Whoever prints.
    Direct,
    /// The editor, between two lines: nobody else.
    Between,
    /// The editor, which reads keys and takes text.
    Reading,
}

#[derive(Debug)]
struct ScreenState {
    mode: ScreenMode,
    /// Handed to the editor and not painted yet.
    outstanding: Option<PendingText>,
    /// What stands above the prompt.
    tail: Tail,
}

/// What the editor was handed.
#[derive(Debug)]
enum PendingText {
    Text(String),
    /// Nothing, see [`Screen::repaint`].
    Nothing,
}

/// The terminal.
#[derive(Clone, Debug)]
pub struct Screen {
    shared: Arc<(Mutex<ScreenState>, Condvar)>,
    original: Arc<Mutex<Option<terminal::Saved>>>,
}

impl Screen {
    /// Nobody edits yet.
    pub fn new() -> Self {
        let state = ScreenState { mode: ScreenMode::Direct, outstanding: None, tail: Tail::default() };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())), original: Arc::default() }
    }

    /// An editor takes the terminal. Between its lines keys are kept, not echoed.
    pub fn begin(&self) {
        let mut state = self.lock();
        *lock(&self.original) = terminal::hold();
        state.mode = ScreenMode::Between;
    }

    /// The editor reads keys, and takes text until [`Self::leaving`].
    pub fn reading(&self) {
        let mut state = self.lock();
        if state.mode == ScreenMode::Between {
            state.mode = ScreenMode::Reading;
            self.shared.1.notify_all();
        }
    }

    /// The editor is about to return a line: text it has not painted waits for the next one.
    pub fn leaving(&self) {
        let mut state = self.lock();
        if state.mode == ScreenMode::Reading {
            state.mode = ScreenMode::Between;
        }
    }

    /// The editor has painted the text it was given.
    pub fn painted(&self) {
        let mut state = self.lock();
        if let Some(PendingText::Text(text)) = state.outstanding.take() {
            state.tail.push(&text);
        }
        self.shared.1.notify_all();
    }

    /// Has the editor paint its line again, when it has no more keys to read. It does so by itself after a text.
    pub fn repaint(&self, printer: &mut dyn ExternalPrinter) {
        let mut state = self.lock();
        if state.mode == ScreenMode::Reading && state.outstanding.is_none() {
            state.outstanding = Some(PendingText::Nothing);
            let _ = printer.print(NOTHING.to_owned());
        }
    }

    /// The editor has left this above its prompt.
    pub fn remember(&self, text: &str) {
        self.lock().tail.push(text);
    }

    /// The editor has cleared the screen.
    pub fn cleared(&self) {
        self.lock().tail.clear();
    }

    /// What to print before the prompt, see [`repair`].
    pub fn repair(&self, was: &PaintedLine, columns: usize, height: usize) -> String {
        repair(was, columns, height, &self.lock().tail)
    }

    /// What stands behind the cursor is taken away.
    pub fn erase_below(&self) {
        let mut tty = tty();
        let _ = tty.write_all(b"\x1b[J");
        let _ = tty.flush();
    }

    /// Stops the process, as Ctrl-Z asks for, until it is continued. The terminal is as it was found meanwhile; then there
    /// is room for the line, whose `cursor` and `end` stood so many rows below the prompt. Nobody prints before
    /// [`Self::reading`].
    pub fn suspend(&self, cursor: usize, end: usize) {
        let mut tty = tty();
        let down = "\n".repeat(end.saturating_sub(cursor) + 1);
        let _ = tty.write_all(format!("{down}\r\x1b[?2004l").as_bytes());
        let _ = tty.flush();
        let held = lock(&self.original).as_ref().map(terminal::Saved::put_back);
        terminal::stop();
        if let Some(held) = held.flatten() {
            held.restore();
        }
        let room = "\n".repeat(end);
        let up = match end.saturating_sub(cursor) {
            0 => String::new(),
            rows => format!("\x1b[{rows}A"),
        };
        let _ = tty.write_all(format!("\r{room}{up}\x1b[?2004h").as_bytes());
        let _ = tty.flush();
    }

    /// The editor is done, or is to be: the terminal is as it was found, and whoever prints writes to it.
    pub fn end(&self) {
        let mut state = self.lock();
        if state.mode == ScreenMode::Direct {
            return;
        }
        let mut stdout = tty();
        if state.mode == ScreenMode::Reading {
            // What is being typed stays to be seen. The second ends bracketed paste.
            let _ = stdout.write_all(b"\r\n\x1b[?2004l");
        }
        state.mode = ScreenMode::Direct;
        if let Some(PendingText::Text(text)) = state.outstanding.take() {
            let _ = stdout.write_all(text.as_bytes());
        }
        let _ = stdout.flush();
        if let Some(saved) = lock(&self.original).take() {
            saved.restore();
        }
        self.shared.1.notify_all();
    }

    /// Writes through the editor while there is one.
    pub fn writer(&self, printer: EditorPrinter) -> Box<dyn Write + Send> {
        Box::new(PromptPrinter { screen: self.clone(), printer })
    }

    fn lock(&self) -> MutexGuard<'_, ScreenState> {
        lock(&self.shared.0)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, ScreenState>) -> MutexGuard<'s, ScreenState> {
        self.shared.1.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The terminal itself: stdout, or what controls the process where that is a pipe.
pub fn tty() -> Box<dyn Write> {
    use io::IsTerminal as _;
    if io::stdout().is_terminal() {
        return Box::new(io::stdout());
    }
    match std::fs::OpenOptions::new().write(true).open("/dev/tty") {
        Ok(tty) => Box::new(tty),
        Err(_) => Box::new(io::stderr()),
    }
}

/// While it is there, the terminal shows nothing for Ctrl-C.
#[derive(Debug)]
pub struct HiddenCtrlC(Option<terminal::Saved>);

impl HiddenCtrlC {
    /// From now on.
    pub fn begin() -> Self {
        Self(terminal::unmarked())
    }
}

impl Drop for HiddenCtrlC {
    fn drop(&mut self) {
        if let Some(saved) = &self.0 {
            saved.restore();
        }
    }
}

/// Drops what was pasted, up to where a person types again.
pub fn discard() {
    terminal::discard();
}

/// Writes above the prompt.
struct PromptPrinter {
    screen: Screen,
    printer: EditorPrinter,
}

impl PromptPrinter {
    fn print(&mut self, text: &str) -> io::Result<()> {
        let mut state = self.screen.lock();
        loop {
            match state.mode {
                ScreenMode::Direct => {
                    state.tail.push(text);
                    let mut stdout = tty();
                    stdout.write_all(text.as_bytes())?;
                    return stdout.flush();
                }
                ScreenMode::Reading if state.outstanding.is_none() => {
                    state.outstanding = Some(PendingText::Text(text.to_owned()));
                    // Its queue has room for one, so this does not wait.
                    return self.printer.print(text.to_owned()).map_err(io::Error::other);
                }
                ScreenMode::Reading | ScreenMode::Between => state = self.screen.wait(state),
            }
        }
    }
}

impl Write for PromptPrinter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let (piece, further) = rest.split_at(piece_end(rest));
            self.print(piece)?;
            rest = further;
        }
        Ok(bytes.len())
    }

    /// Waits until all was painted, or will be by nobody.
    fn flush(&mut self) -> io::Result<()> {
        let mut state = self.screen.lock();
        while state.outstanding.is_some() && state.mode != ScreenMode::Direct {
            state = self.screen.wait(state);
        }
        Ok(())
    }
}

/// Where a piece ends: behind a line, as the prompt begins one.
fn piece_end(text: &str) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let bytes = text.as_bytes();
    match memchr::memrchr(b'\n', &bytes[..PIECE]).or_else(|| memchr::memchr(b'\n', bytes)) {
        Some(end) => end + 1,
        None => text.len(),
    }
}

#[cfg(unix)]
mod terminal {
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Signal, kill_current_process_group};
    use rustix::termios::{
        InputModes, LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
    };

    /// How the terminal was.
    #[derive(Debug)]
    pub(super) struct Saved(Termios);

    /// Takes echo and line editing from the terminal, as the editor does while it reads: what is typed between two of its
    /// lines is for the next one.
    pub(super) fn hold() -> Option<Saved> {
        let stdin = std::io::stdin();
        let original = tcgetattr(&stdin).ok()?;
        let mut held = original.clone();
        held.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
        held.input_modes -= InputModes::ICRNL | InputModes::IXON;
        tcsetattr(&stdin, OptionalActions::Drain, &held).ok()?;
        Some(Saved(original))
    }

    /// Has the terminal show nothing for Ctrl-C. It would show it after the signal, and so perhaps behind the prompt that the
    /// signal was answered with.
    pub(super) fn unmarked() -> Option<Saved> {
        let stdin = std::io::stdin();
        let original = tcgetattr(&stdin).ok()?;
        let mut unmarked = original.clone();
        unmarked.local_modes -= LocalModes::ECHOCTL;
        tcsetattr(&stdin, OptionalActions::Now, &unmarked).ok()?;
        Some(Saved(original))
    }

    /// Between two keys that somebody types more time passes.
    const TYPED: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

    /// Drops what comes from the terminal without such a pause before it.
    pub(super) fn discard() {
        let stdin = std::io::stdin();
        loop {
            let _ = tcflush(&stdin, QueueSelector::IFlush);
            if !matches!(poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&TYPED)), Ok(1..)) {
                return;
            }
        }
    }

    impl Saved {
        pub(super) fn restore(&self) {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.0);
        }

        /// Restores it, and returns how it is now.
        pub(super) fn put_back(&self) -> Option<Self> {
            let now = tcgetattr(std::io::stdin()).ok().map(Self);
            self.restore();
            now
        }
    }

    /// Longest time from the signal to the stop. The time that passes while stopped counts.
    const STOPPING: Duration = Duration::from_millis(100);

    /// Stops the process and those it shares a terminal with. Returns when it goes on. Without a shell that could continue
    /// it, it does not stop.
    pub(super) fn stop() {
        if kill_current_process_group(Signal::TSTP).is_ok() {
            // Another thread may take the signal: this one would go on for a moment, and paint too early.
            std::thread::sleep(STOPPING);
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Nothing: the console's mode is the editor's matter.
    #[derive(Debug)]
    pub(super) struct Saved;

    pub(super) fn hold() -> Option<Saved> {
        None
    }

    pub(super) fn unmarked() -> Option<Saved> {
        None
    }

    pub(super) fn discard() {}

    impl Saved {
        pub(super) fn restore(&self) {}

        pub(super) fn put_back(&self) -> Option<Self> {
            None
        }
    }

    pub(super) fn stop() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    /// An editor that takes what is printed when it is told to.
    struct Editor(mpsc::Sender<String>);

    impl ExternalPrinter for Editor {
        fn print(&mut self, text: String) -> rustyline::Result<()> {
            let _ = self.0.send(text);
            Ok(())
        }
    }

    #[test]
    fn text_waits_for_the_editor_and_for_the_text_before_it() {
        let screen = Screen::new();
        screen.lock().mode = ScreenMode::Between;
        let (sender, printed) = mpsc::channel();
        let mut writer = screen.writer(Box::new(Editor(sender)));
        let writing = std::thread::spawn(move || {
            writer.write_all(b"one\n").unwrap();
            writer.write_all(b"two\n").unwrap();
            writer.flush().unwrap();
        });
        screen.reading();
        let patience = Duration::from_secs(20);
        assert_eq!(printed.recv_timeout(patience).unwrap(), "one\n");
        screen.leaving();
        // It is painted at the start of the next line; only then comes the second.
        screen.painted();
        assert!(printed.try_recv().is_err());
        screen.reading();
        assert_eq!(printed.recv_timeout(patience).unwrap(), "two\n");
        screen.painted();
        writing.join().unwrap();
    }

    #[test]
    fn pieces_end_behind_lines() {
        assert_eq!(piece_end("a\nb"), 3);
        let long = format!("{}\n{}\n", "x".repeat(10_000), "y".repeat(10_000));
        assert_eq!(piece_end(&long), 10_001);
        let longer = format!("{}\nz\n", "x".repeat(20_000));
        assert_eq!(piece_end(&longer), 20_001);
    }
}
