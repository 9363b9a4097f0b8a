//! A run of the binary at a pseudo-terminal, whose screen the test sees as a person does.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rexpect::process::{PtyProcess, WaitStatus};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

use super::PATIENCE;
use super::process::{BINARY, command};

/// A run about to start.
pub struct TerminalSetup {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    home: TempDir,
    rows: u16,
    columns: u16,
    /// What the shell does that starts it.
    script: &'static str,
}

/// `wps` with these arguments at a terminal of 24 lines of 80 columns.
pub fn terminal<A: Into<String>>(arguments: impl IntoIterator<Item = A>) -> TerminalSetup {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap().to_owned();
    TerminalSetup {
        arguments: arguments.into_iter().map(Into::into).collect(),
        variables: vec![
            ("HOME".into(), path),
            ("TERM".into(), "xterm-256color".into()),
            ("PATH".into(), std::env::var("PATH").unwrap_or_default()),
        ],
        home,
        rows: 24,
        columns: 80,
        script: "exec \"$@\"",
    }
}

impl TerminalSetup {
    /// Of another size.
    pub fn size(mut self, rows: u16, columns: u16) -> Self {
        (self.rows, self.columns) = (rows, columns);
        self
    }

    /// As a job of a shell, which says `stopped` when it was, and goes on with it.
    pub fn under_a_shell(mut self) -> Self {
        self.script = "set -m; \"$@\"; echo stopped; fg";
        self
    }

    /// With an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Without one.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// The folder that is HOME.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Starts it.
    pub fn start(self) -> Terminal {
        let mut command = command("sh");
        // `noflsh`: at Ctrl-C a terminal sends the signal, and throws away then what is waiting to be shown, which on a busy
        // machine may be what was written in answer to the signal.
        let size = format!("stty sane noflsh rows {} cols {} && {}", self.rows, self.columns, self.script);
        command.args(["-c", &size, "sh", BINARY]).args(&self.arguments);
        command.env_clear().envs(self.variables).current_dir(self.home.path());
        let process = PtyProcess::new(command).unwrap();
        let mut reader = process.get_file_handle().unwrap();
        let writer = process.get_file_handle().unwrap();
        let seen = Arc::new((Mutex::new(Seen::new(self.rows, self.columns)), Condvar::new()));
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = reader.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                seen.ended |= read == 0;
                seen.bytes.extend_from_slice(&buffer[..read]);
                seen.parser.process(&buffer[..read]);
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Terminal { process, writer, seen, home: self.home }
    }
}

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
}

impl Seen {
    fn new(rows: u16, columns: u16) -> Self {
        Self { parser: vt100::Parser::new(cells(rows), cells(columns), 0), bytes: Vec::new(), ended: false }
    }
}

/// A run at a terminal.
pub struct Terminal {
    process: PtyProcess,
    writer: File,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    home: TempDir,
}

impl Terminal {
    /// The screen's lines as they are now.
    pub fn screen(&self) -> Vec<String> {
        lines(&self.seen.0.lock().unwrap())
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
    }

    /// Types what may be no text.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
    }

    /// Types a line.
    pub fn enter(&mut self, line: &str) {
        self.keys(&format!("{line}\r"));
    }

    /// All bytes that were written.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().bytes.clone()
    }

    /// Waits until the screen is as wanted, and returns its lines.
    #[track_caller]
    pub fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        self.wait(what, |lines, _| wanted(lines))
    }

    /// Waits until what was written is as wanted.
    #[track_caller]
    pub fn until_bytes(&self, what: &str, wanted: impl Fn(&[u8]) -> bool) {
        self.wait(what, |_, bytes| wanted(bytes));
    }

    #[track_caller]
    fn wait(&self, what: &str, wanted: impl Fn(&[String], &[u8]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            let lines = lines(&seen);
            if wanted(&lines, &seen.bytes) {
                return lines;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.ended {
                let how = if seen.ended { "it has ended" } else { "it still runs" };
                drop(seen);
                panic!("{what} does not come, {how}; the screen is:\n{}", lines.join("\n").trim_end());
            }
            seen = self.seen.1.wait_timeout(seen, left.min(Duration::from_secs(1))).unwrap().0;
        }
    }

    /// Waits for a line with this in it.
    #[track_caller]
    pub fn see(&self, text: &str) -> Vec<String> {
        self.until(text, |lines| lines.iter().any(|line| line.contains(text)))
    }

    /// Waits until the last line that is not empty is this one.
    #[track_caller]
    pub fn last(&self, text: &str) -> Vec<String> {
        self.until(text, |lines| lines.iter().rev().find(|line| !line.is_empty()).is_some_and(|line| line == text))
    }

    /// Gives the window another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.seen.0.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.writer, size).unwrap();
    }

    /// A file below HOME.
    pub fn file(&self, path: &str) -> std::path::PathBuf {
        self.home.path().join(path)
    }

    /// Waits for its end, and returns the exit code.
    #[track_caller]
    pub fn end(&self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        {
            let mut seen = self.seen.0.lock().unwrap();
            while !seen.ended {
                let left = deadline.saturating_duration_since(Instant::now());
                assert!(!left.is_zero(), "it does not end; the screen is:\n{}", lines(&seen).join("\n").trim_end());
                seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
            }
        }
        match self.process.wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("it ended otherwise: {other:?}"),
        }
    }
}

fn lines(seen: &Seen) -> Vec<String> {
    let (_, columns) = seen.parser.screen().size();
    seen.parser.screen().rows(0, columns.get()).map(|line| line.trim_end().to_owned()).collect()
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}
