//! A run of the binary: clean surroundings, output read line by line against a deadline, killed when the test is over.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, records, words};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_wps");

/// A run about to start.
pub struct Setup {
    command: Command,
    home: TempDir,
    stdin: Vec<u8>,
    /// Read so many lines of stdout, then close it.
    lines: Option<usize>,
    /// Nobody reads stderr.
    unread: bool,
}

/// A run with these arguments, and its result. For runs that end by themselves.
pub fn wps<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Setup {
    let mut setup = Setup::program(BINARY);
    setup.command.args(args);
    setup
}

/// A program that takes signals as it does when a person starts it. Where they are ignored, such as when the tests run in
/// the background of a shell, it would rightly ignore them too.
pub fn command(program: &str) -> Command {
    if !signals_are_ignored() {
        return Command::new(program);
    }
    // By its path: what is started may have a `PATH` of its own.
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal=INT,TERM,HUP", program]);
    command
}

/// Whether one of SIGHUP, SIGINT and SIGTERM is ignored here, and so by what is started from here.
fn signals_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    [1, 2, 15].iter().any(|signal| ignored & (1 << (signal - 1)) != 0)
}

impl Setup {
    /// A run of a shell script in which `$WPS` is the binary.
    #[cfg(unix)]
    pub fn shell(script: &str) -> Self {
        let mut setup = Self::program("sh");
        setup.command.args(["-c", script]).env("WPS", BINARY);
        setup
    }

    fn program(program: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = self::command(program);
        command.env_clear().env("HOME", home.path()).current_dir(home.path());
        for directory in ["CONFIG", "STATE", "DATA", "CACHE"] {
            command.env(format!("XDG_{directory}_HOME"), home.path().join(directory.to_lowercase()));
        }
        for name in ["PATH", "SystemRoot"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, home, stdin: Vec::new(), lines: None, unread: false }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes a file into the home directory, which is also the current one, for its owner only.
    pub fn file(self, path: &str, content: &str) -> Self {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        self
    }

    /// The file with the profiles.
    pub fn config(self, content: &str) -> Self {
        self.file("config/wps/config.toml", content)
    }

    /// The home directory.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// What stdin holds. Nothing, unless said.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// stdout goes to this file.
    pub fn stdout_to(mut self, path: &str) -> Self {
        self.command.stdout(std::fs::File::options().write(true).open(path).unwrap());
        self
    }

    /// The reader of stdout takes so many lines and goes away, as `head` does.
    pub fn stdout_lines(mut self, lines: usize) -> Self {
        self.lines = Some(lines);
        self
    }

    /// The reader of stdout has gone before there is anything to read.
    pub fn stdout_closed(mut self) -> Self {
        let (_, writer) = std::io::pipe().unwrap();
        self.command.stdout(writer);
        self
    }

    /// stderr is a pipe that is open and that nobody reads.
    pub fn stderr_unread(mut self) -> Self {
        self.unread = true;
        self
    }

    /// stderr is a terminal. Returns its other end.
    #[cfg(unix)]
    pub fn stderr_to_terminal(mut self) -> (Self, std::fs::File) {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let terminal = std::fs::File::options().write(true).open(name.to_str().unwrap()).unwrap();
        self.command.stderr(terminal);
        (self, screen.into())
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let started = Instant::now();
        let prints = prints_records(&self.command);
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let given = self.stdin;
        // A program that does not read its input closes it; that is no concern of the test's.
        thread::spawn(move || drop(stdin.write_all(&given)));
        let stdout = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let mut stderr = Lines::new(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), None);
        // Never in its way, unless that is wanted.
        if !self.unread {
            stderr.start();
        }
        let out = Lines::new(stdout, self.lines);
        Running { child: Some(child), out, err: stderr, started, prints, _home: self.home }
    }

    /// Starts it and waits for its end.
    pub fn run(self) -> Ended {
        self.start().end()
    }
}

/// What is on stdout.
#[derive(Clone, Copy, PartialEq)]
enum Prints {
    /// Records alone.
    Records,
    /// What an expression makes of records, or the emulator's log among them.
    Others,
    /// What is not known: records perhaps, among others.
    Anything,
}

/// What the arguments of a run of the binary say of it.
fn prints_records(command: &Command) -> Prints {
    let args: Vec<&str> = command.get_args().filter_map(OsStr::to_str).collect();
    let has = |flag: &str| args.iter().any(|arg| *arg == flag || arg.starts_with(&format!("{flag}=")));
    let ndjson = args.windows(2).any(|pair| matches!(pair, ["-o" | "--output", "ndjson"]));
    match () {
        () if has("--jq") || has("--log") => Prints::Others,
        // Of another program, or of the binary and another one.
        () if command.get_program() != BINARY || has("--exec") => Prints::Anything,
        () if ndjson || args.iter().any(|arg| matches!(*arg, "-ondjson" | "--output=ndjson")) => Prints::Records,
        () => Prints::Anything,
    }
}

/// A stream of the process, in lines. Nothing is read before the first line is asked for.
struct Lines {
    pipe: Option<Box<dyn Read + Send>>,
    limit: Option<usize>,
    receiver: Option<Receiver<Vec<u8>>>,
    /// All that was received.
    seen: Vec<u8>,
}

impl Lines {
    fn new(pipe: Option<Box<dyn Read + Send>>, limit: Option<usize>) -> Self {
        Self { pipe, limit, receiver: None, seen: Vec::new() }
    }

    fn start(&mut self) {
        let Some(pipe) = self.pipe.take() else { return };
        let (sender, receiver) = channel();
        let limit = self.limit;
        thread::spawn(move || read_lines(pipe, limit, &sender));
        self.receiver = Some(receiver);
    }

    /// The next line with its newline; `None` at the end.
    fn next(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        self.start();
        let receiver = self.receiver.as_ref()?;
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                self.seen.extend_from_slice(&line);
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing more was printed"),
        }
    }
}

fn read_lines(pipe: Box<dyn Read + Send>, limit: Option<usize>, sender: &Sender<Vec<u8>>) {
    let mut reader = BufReader::new(pipe);
    let mut left = limit.unwrap_or(usize::MAX);
    while left > 0 {
        left -= 1;
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(read) if read > 0 && sender.send(line).is_ok() => {}
            _ => return,
        }
    }
}

/// A run.
pub struct Running {
    child: Option<Child>,
    out: Lines,
    err: Lines,
    /// When it was started.
    pub started: Instant,
    prints: Prints,
    _home: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; the number of the signal, negative, when one killed it.
    pub code: i32,
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr.
    pub stderr: String,
    /// When it had ended.
    pub at: Instant,
}

impl Running {
    /// The next line of stdout.
    pub fn line(&mut self) -> String {
        let line = self.out.next(Instant::now() + PATIENCE).expect("stdout has ended");
        String::from_utf8(line).unwrap().trim_end_matches('\n').to_owned()
    }

    /// The next line of stdout, as JSON.
    pub fn record(&mut self) -> Value {
        let line = self.line();
        let record = serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}"));
        if self.prints != Prints::Others {
            records::check(&record);
        }
        record
    }

    /// The next record, which has to be of this type.
    pub fn expect(&mut self, kind: &str) -> Value {
        let record = self.record();
        assert_eq!(record["type"], kind, "{record}");
        record
    }

    /// Reads records up to the first of this type and returns it.
    pub fn skip_to(&mut self, kind: &str) -> Value {
        loop {
            let record = self.record();
            if record["type"] == kind {
                return record;
            }
        }
    }

    /// Waits for a line on stderr with this in it.
    pub fn err_line(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.err.next(deadline).unwrap_or_else(|| panic!("stderr has ended without `{part}`"));
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// Waits for its end without reading more of stdout. Returns the exit code and when it had ended.
    #[cfg(unix)]
    pub fn end_unread(mut self) -> (i32, Instant) {
        self.wait(PATIENCE)
    }

    fn end_within(&mut self, limit: Duration) -> Ended {
        let deadline = Instant::now() + limit;
        while self.out.next(deadline).is_some() {}
        while self.err.next(deadline).is_some() {}
        let (code, at) = self.wait(limit);
        let stderr = String::from_utf8(std::mem::take(&mut self.err.seen)).unwrap();
        words::check(&stderr);
        words::check_stdout(&self.out.seen);
        if self.prints != Prints::Others {
            records::check_stdout(&self.out.seen, self.prints == Prints::Records);
        }
        Ended { code, stdout: std::mem::take(&mut self.out.seen), stderr, at }
    }

    fn wait(&mut self, limit: Duration) -> (i32, Instant) {
        let mut child = self.child.take().unwrap();
        let id = child.id();
        let (sender, receiver) = channel();
        thread::spawn(move || drop(sender.send(child.wait())));
        let Ok(status) = receiver.recv_timeout(limit) else {
            kill(id);
            panic!("it does not end");
        };
        (code(status.unwrap()), Instant::now())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() {
            let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(20_000)]).into_owned();
            eprintln!("--- stdout so far:\n{}--- stderr so far:\n{}---", text(&self.out.seen), text(&self.err.seen));
            // What it has started may go on and say more.
            let deadline = Instant::now() + PATIENCE;
            let next = |lines: &Receiver<_>| lines.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            while let Some(Ok(line)) = self.err.receiver.as_ref().map(next) {
                eprint!("{}", text(&line));
            }
        }
    }
}

#[cfg(unix)]
fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_id: u32) {}

#[cfg(unix)]
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| -status.signal().unwrap())
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap()
}

impl Ended {
    /// stdout as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// stdout as records.
    pub fn records(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Holds exit code and both streams against what is expected, together.
    #[track_caller]
    pub fn assert(&self, code: i32, stdout: &str, stderr: &str) {
        assert_eq!((self.code, self.text(), self.stderr.as_str()), (code, stdout, stderr));
    }

    /// Holds the exit code, an empty stdout and parts of stderr, in this order, against what is expected.
    #[track_caller]
    pub fn assert_failed(&self, code: i32, stderr: &[&str]) {
        assert_eq!((self.code, self.text()), (code, ""), "{}", self.stderr);
        self.assert_stderr(stderr);
    }

    /// Parts of stderr, in this order.
    #[track_caller]
    pub fn assert_stderr(&self, parts: &[&str]) {
        let mut rest = self.stderr.as_str();
        for part in parts {
            let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` is missing in:\n{}", self.stderr));
            rest = &rest[at + part.len()..];
        }
    }
}

/// The types of records, in order.
pub fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["type"].as_str().unwrap()).collect()
}
