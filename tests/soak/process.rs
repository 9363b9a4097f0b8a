//! Runs of the binary: clean surroundings, stdout as records while it runs, stderr and stdout in files, an end that is
//! bounded.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::clock::{Clock, sweep};

/// The binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("WPS_SOAK_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_wps").into(), PathBuf::from)
}

/// A run about to start.
pub struct Setup {
    command: Command,
    /// Where what it prints is kept, without the extension.
    kept: PathBuf,
    lie: Option<Lie>,
    clocked: bool,
}

/// What may be done to the messages that a run prints before anybody looks at them, to see whether it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// One is left out.
    Lose,
    /// One is there twice.
    Double,
    /// Two change places.
    Disorder,
    /// One comes again after more messages than the service remembers ids.
    Forget,
}

/// Sees to it that no process starts with a signal ignored that is ignored here, as in the background of a shell: what is
/// taken here is as usual there. `env` below comes too late for a signal that is sent at once.
pub fn take_signals() {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    let _entered = runtime.enter();
    for number in [1, 2, 15].into_iter().filter(|number| ignored & (1 << (number - 1)) != 0) {
        drop(signal(SignalKind::from_raw(number)).unwrap());
    }
}

/// A run with these arguments, whose output is kept in `kept.out` and `kept.err`.
pub fn wps<A: AsRef<OsStr>>(home: &Path, kept: PathBuf, args: impl IntoIterator<Item = A>) -> Setup {
    // Signals that are ignored here, as in the background of a shell, would be ignored there.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,TERM,HUP"]).arg(binary()).args(args);
    command.env_clear().env("HOME", home).current_dir(home);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    Setup { command, kept, lie: None, clocked: false }
}

impl Setup {
    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Nothing, or a lie.
    pub fn lie(mut self, lie: Option<Lie>) -> Self {
        self.lie = lie;
        self
    }

    /// It goes by that clock, where there is one.
    pub fn clock(mut self, clock: Option<&Clock>) -> Self {
        self.clocked = clock.is_some();
        self.command.envs(clock.into_iter().flat_map(Clock::environment));
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Starts it. `input` says whether its stdin is a pipe, or empty.
    pub fn start(mut self, input: bool) -> Running {
        self.command.stdin(if input { Stdio::piped() } else { Stdio::null() });
        // Not a file: that may have a size which is limited.
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let stdin = child.stdin.take();
        let mut said = child.stderr.take().unwrap();
        let mut told = File::create(self.kept.with_extension("err")).unwrap();
        let telling = thread::spawn(move || drop(std::io::copy(&mut said, &mut told)));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut copy = Copy::new(self.kept.with_extension("out"));
        let unread = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&unread);
        let (sender, lines) = channel();
        let mut liar = Liar { lie: self.lie, messages: 0, kept: Vec::new() };
        thread::spawn(move || {
            loop {
                while held.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(5));
                }
                let mut line = Vec::new();
                if stdout.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
                    return;
                }
                copy.write(&line);
                if liar.tell(line).iter().any(|line| sender.send(Printed::new(line)).is_err()) {
                    return;
                }
            }
        });
        let (kept, clocked) = (self.kept, self.clocked);
        Running { child, stdin, lines, started: Instant::now(), kept, telling, unread, asleep: false, clocked }
    }
}

/// What was printed, in a file; of much the last part.
struct Copy {
    path: PathBuf,
    file: File,
    written: usize,
}

/// So much at least is kept, and twice as much at most.
const KEPT: usize = 8 * 1024 * 1024;

impl Copy {
    fn new(path: PathBuf) -> Self {
        Self { file: File::create(&path).unwrap(), path, written: 0 }
    }

    fn write(&mut self, line: &[u8]) {
        if self.written > KEPT {
            let _ = std::fs::rename(&self.path, self.path.with_extension("earlier.out"));
            (self.file, self.written) = (File::create(&self.path).unwrap(), 0);
        }
        self.file.write_all(line).unwrap();
        self.written += line.len();
    }
}

/// One who tells lines on, and may lie about the twentieth message.
struct Liar {
    lie: Option<Lie>,
    messages: u64,
    kept: Vec<u8>,
}

impl Liar {
    fn tell(&mut self, line: Vec<u8>) -> Vec<Vec<u8>> {
        let Some(lie) = self.lie else { return vec![line] };
        let is = |kind: &str| memchr::memmem::find(&line, format!("\"type\":\"{kind}\"").as_bytes()).is_some();
        let answered = || memchr::memmem::find(&line, b"\"status\":20").is_some();
        if !(is("group-message") || is("tunnel-request") && answered()) {
            return vec![line];
        }
        self.messages += 1;
        if self.messages == 20 {
            self.kept.clone_from(&line);
        }
        match (lie, self.messages) {
            (Lie::Lose | Lie::Disorder, 20) => Vec::new(),
            (Lie::Double, 20) => vec![line.clone(), line],
            (Lie::Disorder, 21) | (Lie::Forget, 1100) => vec![line, std::mem::take(&mut self.kept)],
            _ => vec![line],
        }
    }
}

/// A line of stdout.
#[derive(Debug)]
pub enum Printed {
    /// A record.
    Record(Value),
    /// The last one, without its end.
    Torn,
    /// What is no record.
    Garbage(String),
}

impl Printed {
    fn new(line: &[u8]) -> Self {
        if line.last() != Some(&b'\n') {
            return Self::Torn;
        }
        match serde_json::from_slice(line) {
            Ok(record) => Self::Record(record),
            Err(error) => Self::Garbage(format!("{error}: {}", String::from_utf8_lossy(&line[..line.len().min(200)]))),
        }
    }
}

/// A run.
pub struct Running {
    child: Child,
    /// Its stdin, where it has one.
    pub stdin: Option<ChildStdin>,
    lines: Receiver<Printed>,
    /// When it was started.
    pub started: Instant,
    kept: PathBuf,
    /// Writes what it says on stderr into its file.
    telling: JoinHandle<()>,
    unread: Arc<AtomicBool>,
    asleep: bool,
    clocked: bool,
}

impl Running {
    /// The next line, when one comes before the deadline. An error: stdout has ended.
    pub fn next(&self, limit: Duration) -> Result<Option<Printed>, Ended> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Ended),
        }
    }

    /// Nobody reads what it prints; or somebody does again.
    pub fn unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::SeqCst);
    }

    /// It sleeps; or it is awake. Tells whether it has fallen asleep.
    pub fn sleep(&mut self, asleep: bool) -> bool {
        let changes = std::mem::replace(&mut self.asleep, asleep) != asleep;
        if changes {
            self.signal(if asleep { Signal::STOP } else { Signal::CONT });
        }
        changes && asleep
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Its exit code, the number of the signal as a negative one, or nothing when it does not end.
    pub fn end(&mut self, limit: Duration) -> Option<i32> {
        let deadline = Instant::now() + limit;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status.code().unwrap_or_else(|| -status.signal().unwrap()));
            }
            if Instant::now() > deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it said on stderr; all of it once it has ended.
    pub fn stderr(&self) -> String {
        let deadline = Instant::now() + Duration::from_secs(2);
        while !self.telling.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        std::fs::read_to_string(self.kept.with_extension("err")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.unread(false);
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.clocked {
            sweep(self.child.id());
        }
    }
}

/// stdout has ended.
#[derive(Debug)]
pub struct Ended;

/// The memory of a process that is in use, in bytes.
pub fn resident(id: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
