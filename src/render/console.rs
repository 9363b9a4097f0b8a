//! The two streams of the process, each written by a thread.

use std::io::{self, IsTerminal as _, Write};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::batch::OutputBatch;
use super::expressions::{Conditions, Expressions};
use super::jq::STACK;
use super::sanitize::json_for_terminal;
use super::writer::{Reach, UnreadPolicy, Writer};

/// At the end, stderr that nobody has read from for so long is read by nobody.
const UNREAD: Duration = Duration::from_secs(1);
/// Nor does a reader that takes longer than this keep the process.
const LAST_LINES: Duration = Duration::from_secs(10);

/// What an output stream can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colour is wanted and understood.
    pub color: bool,
    /// A person looks at it: received control characters must not reach it.
    pub terminal: bool,
}

impl Style {
    /// A record as this output may show it.
    pub fn record(self, record: Vec<u8>) -> Vec<u8> {
        if !self.terminal {
            return record;
        }
        json_for_terminal(&String::from_utf8_lossy(&record)).into_owned().into_bytes()
    }
}

/// One of the two streams.
#[derive(Clone, Debug)]
pub struct ConsoleStream {
    writer: Writer,
    sink: usize,
    /// What becomes of what is not read.
    keep: UnreadPolicy,
    /// Nothing else stands between its lines, and none is drawn by others.
    own: bool,
    /// What it can show.
    pub style: Style,
}

impl ConsoleStream {
    fn out(writer: Writer, style: Style) -> Self {
        Self { writer, sink: 0, keep: UnreadPolicy::All, own: false, style }
    }

    fn err(writer: Writer, sink: usize, style: Style) -> Self {
        Self { writer, sink, keep: UnreadPolicy::Newest, own: false, style }
    }

    /// What this process says there is all that comes, or is not.
    fn owned_if(self, own: bool) -> Self {
        Self { own, ..self }
    }

    /// Queues bytes and leaves an empty buffer in their place.
    pub fn put(&self, buffer: &mut Vec<u8>) {
        self.writer.put_kept(self.sink, buffer, Reach::default(), self.keep);
    }

    /// Queues a batch and leaves an empty one in its place. `reach` says how far all has come with it.
    pub fn put_batch(&self, batch: &mut OutputBatch, reach: Reach) {
        self.writer.put_batch(self.sink, batch, reach, self.keep);
    }

    /// Queues what is not to be dropped for anything that is less to the point, should nobody read.
    pub fn put_kept(&self, buffer: &mut Vec<u8>) {
        self.put_kept_up_to(buffer, Reach::default());
    }

    fn put_kept_up_to(&self, buffer: &mut Vec<u8>, reach: Reach) {
        let keep = match self.keep {
            UnreadPolicy::All => UnreadPolicy::All,
            UnreadPolicy::Newest | UnreadPolicy::Errors => UnreadPolicy::Errors,
        };
        self.writer.put_kept(self.sink, buffer, reach, keep);
    }

    /// Begins a new line, if the output is a file that ends in the middle of one: its writer was killed. Where that
    /// cannot be seen, as in a pipe, nothing is done.
    pub fn end_torn_line(&self) {
        if self.sink == 0 && ends_in_a_torn_line().unwrap_or(false) {
            self.put(&mut b"\n".to_vec());
        }
    }

    /// Queues a line.
    pub fn line(&self, text: &str) {
        self.put(&mut format!("{text}\n").into_bytes());
    }

    /// Queues a line that is not to be dropped for others.
    pub fn line_kept(&self, text: &str) {
        self.line_up_to(text, Reach::default());
    }

    /// The same, with how far all has come with it.
    pub fn line_up_to(&self, text: &str, reach: Reach) {
        self.put_kept_up_to(&mut format!("{text}\n").into_bytes(), reach);
    }

    /// Resolves when all is written, or never will be; of stderr, also when nobody reads it.
    pub async fn drained(&self) {
        if self.keep == UnreadPolicy::All {
            return self.writer.drained().await;
        }
        let end = Instant::now() + LAST_LINES;
        let mut drained = pin!(self.writer.drained());
        loop {
            let before = self.writer.written_pieces();
            let soon = end.min(Instant::now() + UNREAD);
            let done = timeout_at(soon, &mut drained).await.is_ok();
            if done || Instant::now() >= end || self.writer.written_pieces() == before {
                return;
            }
        }
    }

    /// The thread behind it.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }
}

/// A line on a terminal that may be written anew as long as nothing comes after it.
#[derive(Debug)]
pub struct ShownLine {
    /// What had been handed over then.
    puts: u64,
    /// Columns that it takes, and that the terminal had.
    width: usize,
    columns: usize,
}

/// How stdout and stderr are opened.
pub struct Builder<'a> {
    color: Box<dyn Fn(bool) -> bool + 'a>,
    above: Option<Box<dyn Write + Send>>,
    filter: Option<OutputFilter>,
}

/// Expressions before stdout.
struct OutputFilter {
    expressions: Expressions,
    quiet: bool,
    outlives: bool,
}

impl Builder<'_> {
    /// Whatever goes to a terminal goes through `write`: something else is drawn there.
    pub fn above(self, write: Box<dyn Write + Send>) -> Self {
        Self { above: Some(write), ..self }
    }

    /// Puts expressions before stdout. Their warnings are told unless it is to be `quiet`; with `outlives`, conditions are
    /// looked at also when the reader of stdout has gone.
    pub fn filtered(self, expressions: Expressions, quiet: bool, outlives: bool) -> Self {
        Self { filter: Some(OutputFilter { expressions, quiet, outlives }), ..self }
    }

    /// Opens both, with the conditions of the expressions, if there are any.
    pub fn open(self) -> io::Result<(Console, Option<Conditions>)> {
        let Self { color, above, filter } = self;
        let style = |terminal| Style { color: color(terminal), terminal };
        let (out_style, err_style) = (style(io::stdout().is_terminal()), style(io::stderr().is_terminal()));
        let alone = above.is_none();
        let (above_out, above_err) = match (out_style.terminal, err_style.terminal) {
            (true, true) if filter.is_none() => {
                // The same screen: one thread keeps lines of both in their order.
                let (sinks, err_sink) = match above {
                    Some(above) => (vec![above], 0),
                    None => (vec![stdout()?, Box::new(io::stderr()) as Box<dyn Write + Send>], 1),
                };
                let writer = Writer::spawn("output", sinks)?;
                let err = ConsoleStream::err(writer.clone(), err_sink, err_style).owned_if(alone);
                return Ok((Console { out: ConsoleStream::out(writer, out_style), err }, None));
            }
            (true, _) => (above, None),
            (false, true) => (None, above),
            (false, false) => (None, None),
        };
        let err = Writer::spawn("stderr", vec![above_err.unwrap_or_else(|| Box::new(io::stderr()))])?;
        let err = ConsoleStream::err(err, 0, err_style).owned_if(alone);
        let out = above_out.map_or_else(stdout, Ok)?;
        let (out, conditions) = match filter {
            None => (Writer::spawn("stdout", vec![out])?, None),
            // Each has a thread of its own, so that an expression that takes long holds back no word on stderr.
            Some(OutputFilter { expressions, quiet, outlives }) => {
                let warnings = (!quiet).then(|| err.clone());
                let (sink, conditions) = expressions.over(out, out_style, warnings, outlives);
                (Writer::spawn_deep("stdout", STACK, sink)?, Some(conditions))
            }
        };
        Ok((Console { out: ConsoleStream::out(out, out_style), err }, conditions))
    }
}

/// stdout and stderr.
#[derive(Clone, Debug)]
pub struct Console {
    /// What the command is for.
    pub out: ConsoleStream,
    /// Everything else.
    pub err: ConsoleStream,
}

impl Console {
    /// Says how both are to be opened. `color` decides for a stream, told whether it is a terminal.
    pub fn builder<'a>(color: impl Fn(bool) -> bool + 'a) -> Builder<'a> {
        Builder { color: Box::new(color), above: None, filter: None }
    }

    /// Puts a line on stderr in the place of `shown`, or below it if something came after it. `None`, and nothing is
    /// done, where lines cannot be written anew: stderr is no terminal, or another job has it.
    pub fn line_anew(&self, shown: Option<ShownLine>, line: &str, width: usize) -> Option<ShownLine> {
        if !(self.err.style.terminal && self.err.own) {
            return None;
        }
        let columns = terminal::columns()?;
        let puts = || self.out.writer.puts() + self.err.writer.puts();
        let up = match shown {
            Some(shown) if shown.puts == puts() && shown.columns == columns => {
                format!("\x1b[{}A\r\x1b[J", shown.width.div_ceil(columns).max(1))
            }
            Some(_) | None => String::new(),
        };
        self.err.line(&format!("{up}{line}"));
        Some(ShownLine { puts: puts(), width, columns })
    }

    /// Waits until both are written, or cannot be; of stderr, no longer than somebody reads it.
    pub async fn drained(&self) {
        self.out.drained().await;
        self.err.drained().await;
    }

    /// Whether both streams are the same file, so that whoever reads the one has read the other.
    #[cfg(unix)]
    pub fn is_one_file(&self) -> bool {
        let place = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino);
        let (out, err) = (rustix::fs::fstat(io::stdout()), rustix::fs::fstat(io::stderr()));
        out.is_ok_and(|out| err.is_ok_and(|err| place(out) == place(err)))
    }

    /// Whether both streams are the same file, which cannot be seen here.
    #[cfg(not(unix))]
    pub fn is_one_file(&self) -> bool {
        false
    }

    /// From now on, notices when the reader of stdout goes away, without a write. Where the system cannot tell, the
    /// next write does.
    pub fn watch_stdout(&self) -> io::Result<()> {
        watch::spawn(self.out.writer.clone())
    }
}

/// Whether stdout is a file whose last byte is not the end of a line. It is open for writing only, so it is opened once
/// more.
#[cfg(target_os = "linux")]
fn ends_in_a_torn_line() -> io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    use std::os::fd::AsFd as _;
    let stdout = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let metadata = stdout.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut file = std::fs::File::open("/proc/self/fd/1")?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(not(target_os = "linux"))]
fn ends_in_a_torn_line() -> io::Result<bool> {
    Ok(false)
}

/// stdout without the standard library's line buffer: a batch is one write.
#[cfg(unix)]
fn stdout() -> io::Result<Box<dyn Write + Send>> {
    use std::os::fd::AsFd as _;
    Ok(Box::new(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?)))
}

/// A Windows console takes text only through the standard library.
#[cfg(not(unix))]
fn stdout() -> io::Result<Box<dyn Write + Send>> {
    Ok(Box::new(io::stdout()))
}

#[cfg(unix)]
mod terminal {
    use rustix::{process, termios};

    /// How many columns the terminal has behind stderr, if this process is the job in front and lines may be written
    /// anew there.
    pub(super) fn columns() -> Option<usize> {
        let stderr = std::io::stderr();
        let in_front = termios::tcgetpgrp(&stderr).is_ok_and(|group| group == process::getpgrp());
        let dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        let size = termios::tcgetwinsize(&stderr).ok().filter(|_| in_front && !dumb)?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    }
}

#[cfg(not(unix))]
mod terminal {
    /// The console's lines are its own matter.
    pub(super) fn columns() -> Option<usize> {
        None
    }
}

#[cfg(unix)]
mod watch {
    use super::{Writer, io};
    use crate::render::writer::WriteFailure;
    use rustix::event::{PollFd, PollFlags, poll};

    pub(super) fn spawn(writer: Writer) -> io::Result<()> {
        std::thread::Builder::new().name("stdout watch".into()).spawn(move || {
            let stdout = io::stdout();
            // Nothing is asked for: a poll always reports errors and hang-ups, and of a file it never does.
            let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
            loop {
                match poll(&mut fds, None) {
                    Ok(_) => break writer.fail(WriteFailure::Closed),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(_) => break,
                }
            }
        })?;
        Ok(())
    }
}

#[cfg(not(unix))]
mod watch {
    use super::{Writer, io};

    pub(super) fn spawn(_writer: Writer) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes nothing until it is told to.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const PIPE: Style = Style { color: false, terminal: false };

    #[tokio::test(start_paused = true)]
    async fn stderr_that_nobody_reads_keeps_nobody() {
        let (_unread, stuck) = mpsc::channel();
        let out = ConsoleStream::out(Writer::spawn("stdout", vec![Box::new(io::sink())]).unwrap(), PIPE);
        let err = ConsoleStream::err(Writer::spawn("stderr", vec![Box::new(Stuck(stuck))]).unwrap(), 0, PIPE);
        let console = Console { out, err };
        console.err.line_kept("error: nobody will know");
        let before = Instant::now();
        console.drained().await;
        assert_eq!(before.elapsed(), UNREAD);
    }
}
