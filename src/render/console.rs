//! The two streams of the process, each written by a thread.

use std::io::{self, IsTerminal as _, Write};

use super::expressions::{Expressions, Judgement};
use super::jq::STACK;
use super::writer::{WriteFailure, Writer};
use crate::client::event::Mark;

/// What an output stream can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colour is wanted and understood.
    pub color: bool,
    /// A person looks at it: received control characters must not reach it.
    pub terminal: bool,
}

/// One of the two streams.
#[derive(Clone, Debug)]
pub struct Stream {
    writer: Writer,
    sink: usize,
    /// What it can show.
    pub style: Style,
}

impl Stream {
    /// Queues bytes and leaves an empty buffer in their place.
    pub fn put(&self, buffer: &mut Vec<u8>) {
        self.put_marked(buffer, None);
    }

    /// The same, with how far messages have come with them.
    pub fn put_marked(&self, buffer: &mut Vec<u8>, mark: Option<Mark>) {
        self.writer.put(self.sink, buffer, mark);
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
        let mut buffer = Vec::with_capacity(text.len() + 1);
        buffer.extend_from_slice(text.as_bytes());
        buffer.push(b'\n');
        self.put(&mut buffer);
    }

    /// The thread behind it.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }
}

/// stdout and stderr.
#[derive(Clone, Debug)]
pub struct Console {
    /// What the command is for.
    pub out: Stream,
    /// Everything else.
    pub err: Stream,
}

impl Console {
    /// Both over one writer: `write` is given what either has to say, in order.
    pub fn over(write: Box<dyn Write + Send>, out: Style, err: Style) -> io::Result<Self> {
        let writer = Writer::spawn("output", vec![write])?;
        let out = Stream { writer: writer.clone(), sink: 0, style: out };
        Ok(Self { out, err: Stream { writer, sink: 0, style: err } })
    }

    /// stdout over `write`, and stderr as [`Self::open`] has it.
    pub fn out_over(write: Box<dyn Write + Send>, out: Style, err: Style) -> io::Result<Self> {
        let out = Stream { writer: Writer::spawn("stdout", vec![write])?, sink: 0, style: out };
        Ok(Self {
            out,
            err: Stream { writer: Writer::spawn("stderr", vec![Box::new(io::stderr())])?, sink: 0, style: err },
        })
    }

    /// stdout as [`Self::open`] has it, and everything else over `write`.
    pub fn err_over(write: Box<dyn Write + Send>, out: Style, err: Style) -> io::Result<Self> {
        let out = Stream { writer: Writer::spawn("stdout", vec![stdout()?])?, sink: 0, style: out };
        Ok(Self { out, err: Stream { writer: Writer::spawn("stderr", vec![write])?, sink: 0, style: err } })
    }

    /// Opens both. `color` decides for a stream, told whether it is a terminal.
    pub fn open(color: impl Fn(bool) -> bool) -> io::Result<Self> {
        let (out_terminal, err_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let out_style = Style { color: color(out_terminal), terminal: out_terminal };
        let err_style = Style { color: color(err_terminal), terminal: err_terminal };
        if out_terminal && err_terminal {
            // The same screen: one thread keeps lines of both in their order.
            let writer = Writer::spawn("output", vec![stdout()?, Box::new(io::stderr())])?;
            return Ok(Self {
                out: Stream { writer: writer.clone(), sink: 0, style: out_style },
                err: Stream { writer, sink: 1, style: err_style },
            });
        }
        let out = Writer::spawn("stdout", vec![stdout()?])?;
        let err = Writer::spawn("stderr", vec![Box::new(io::stderr())])?;
        Ok(Self {
            out: Stream { writer: out, sink: 0, style: out_style },
            err: Stream { writer: err, sink: 0, style: err_style },
        })
    }

    /// Opens both, with expressions before stdout. Each has a thread of its own, so that an expression that takes long
    /// holds back no word on stderr. Warnings are told unless it is to be `quiet`; with `outlives`, conditions are looked
    /// at also when the reader of stdout has gone.
    pub fn open_judged(
        color: impl Fn(bool) -> bool,
        expressions: Expressions,
        quiet: bool,
        outlives: bool,
    ) -> io::Result<(Self, Judgement)> {
        let (out_terminal, err_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let out_style = Style { color: color(out_terminal), terminal: out_terminal };
        let err_style = Style { color: color(err_terminal), terminal: err_terminal };
        let err = Writer::spawn("stderr", vec![Box::new(io::stderr())])?;
        let err = Stream { writer: err, sink: 0, style: err_style };
        let warnings = (!quiet).then(|| err.clone());
        let (sink, judgement) = expressions.over(stdout()?, out_style, warnings, outlives);
        let out = Writer::spawn_deep("stdout", STACK, sink)?;
        Ok((Self { out: Stream { writer: out, sink: 0, style: out_style }, err }, judgement))
    }

    /// Waits until both are written, or cannot be.
    pub async fn drained(&self) {
        self.out.writer.drained().await;
        self.err.writer.drained().await;
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
mod watch {
    use super::{WriteFailure, Writer, io};
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
