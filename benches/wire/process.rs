//! The binary as a process: how long it takes, how much of a processor, how much memory.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cases::Case;
use super::service::Service;

/// Clock ticks a second in `/proc`.
const TICKS: f64 = 100.0;

/// A command of the binary that nothing of this machine's configuration reaches.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    command
}

/// What a process took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system.
    pub cpu: Duration,
    /// The most that was resident, and the most that is no file's, in KiB.
    pub peak: u64,
    pub anonymous: u64,
}

impl Usage {
    /// Of a process that has not been waited for.
    pub fn of(process: &Child) -> Self {
        let mut usage = Self::default();
        usage.look(process.id());
        usage
    }

    fn look(&mut self, id: u32) {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let kib = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        self.peak = self.peak.max(kib("VmHWM:").unwrap_or(0));
        self.anonymous = self.anonymous.max(kib("RssAnon:").unwrap_or(0));
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
        self.cpu = self.cpu.max(Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS));
    }
}

/// Watches a process until it ends, which it has to do well.
pub fn watch(mut process: Child) -> Usage {
    let mut usage = Usage::default();
    loop {
        usage.look(process.id());
        // It is still in `/proc` when it has ended, until it is waited for.
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
        if stat.rsplit(") ").next().is_none_or(|rest| rest.starts_with('Z')) {
            let status = process.wait().unwrap();
            assert!(status.success(), "{status}");
            return usage;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A line of the table.
fn line(name: &str, messages: u64, elapsed: Duration, usage: Usage) -> String {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
    format!(
        "{name:32} {:>10.0} messages/s  {:>7.3} µs CPU each  peak {:>6} KiB  anonymous {:>6} KiB",
        messages as f64 / elapsed.as_secs_f64(),
        each(usage.cpu),
        usage.peak,
        usage.anonymous,
    )
}

/// Receives what the case says.
pub fn receive(binary: &Path, case: &Case) -> String {
    let service = Service::start();
    let count = case.messages.to_string();
    let process = command(binary)
        .args(["listen", "-q", "-g", "g", "--url", &service.url(), "--count", &count])
        .args(["--protocol", case.protocol])
        .args(case.args)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let watching = thread::spawn(move || (watch(process), Instant::now()));
    let begun = service.pour(case, case.messages);
    let (usage, ended) = watching.join().unwrap();
    line(&case.name, case.messages, ended - begun, usage)
}

/// A file with so many lines of 100 bytes, to be read from the start.
pub fn lines(messages: u64) -> File {
    let mut file = tempfile::tempfile().unwrap();
    let line = [&[b'x'; 100][..], b"\n"].concat();
    file.write_all(&line.repeat(messages as usize)).unwrap();
    file.rewind().unwrap();
    file
}

/// Sends lines, so many ahead of the oldest that is not acknowledged.
pub fn send(binary: &Path, name: &str, in_flight: u32) -> String {
    let messages = if in_flight == 1 { 30_000 } else { 200_000 };
    let service = Service::start();
    let begun = Instant::now();
    let process = command(binary)
        .args(["send", "g", "--lines", "-q", "--url", &service.url(), "--in-flight", &in_flight.to_string()])
        .stdin(lines(messages))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let serving = thread::spawn(move || service.acknowledge());
    let usage = watch(process);
    let elapsed = begun.elapsed();
    serving.join().unwrap();
    line(name, messages, elapsed, usage)
}

const RUNS: u32 = 50;

/// Starts and ends, again and again.
pub fn start(binary: &Path, name: &str, args: &[&str]) -> String {
    let times = (0..RUNS).map(|_| {
        let begun = Instant::now();
        let status = command(binary).args(args).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{status}");
        begun.elapsed()
    });
    median(name, times.collect())
}

/// From the start to the end of a run that sends one message.
pub fn first_ack(binary: &Path, name: &str) -> String {
    let times = (0..RUNS).map(|_| {
        let service = Service::start();
        let url = service.url();
        let serving = thread::spawn(move || service.acknowledge());
        let begun = Instant::now();
        let status = command(binary).args(["send", "g", "hello", "-q", "--url", &url]).status().unwrap();
        assert!(status.success(), "{status}");
        let elapsed = begun.elapsed();
        serving.join().unwrap();
        elapsed
    });
    median(name, times.collect())
}

fn median(name: &str, mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    format!("{name:32} {:>8.2} ms, the median of {}", times[times.len() / 2].as_secs_f64() * 1e3, times.len())
}
