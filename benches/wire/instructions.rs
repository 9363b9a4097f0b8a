//! Instructions, which are the same on a busy machine: callgrind counts them for two runs of different length, and the
//! difference is what a message costs, without the start.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread;

use super::cases::{Case, Payload};
use super::fan_out::{self, Group};
use super::process::{command, lines};
use super::service::Service;

/// What is checked in, a name and a number a line.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");
/// By how much a path may become slower unnoticed.
const TOLERANCE: f64 = 0.03;
/// The lengths of the two runs.
const RUNS: [u64; 2] = [10_000, 40_000];

/// A path of the binary.
enum Measured {
    Receive(Case),
    Send,
    /// From one to so many, each delivery.
    FanOut(usize),
    Start,
}

/// Paths that are held to their numbers.
fn held() -> [(&'static str, Measured); 4] {
    [
        ("receive-ndjson", Measured::Receive(Case::plain("", &["-o", "ndjson"]))),
        ("receive-data", Measured::Receive(Case::plain("", &["-o", "data"]))),
        ("send-lines", Measured::Send),
        ("start-version", Measured::Start),
    ]
}

/// Paths that others stand for, or whose numbers depend on how threads take turns: they are told, and nothing more.
fn told() -> [(&'static str, Measured); 4] {
    let json = |args| Measured::Receive(Case { data: Payload::Json, ..Case::plain("", args) });
    [
        ("receive-text", Measured::Receive(Case::plain("", &["-o", "text"]))),
        ("receive-jq", json(&["-o", "ndjson", "--jq", ".data.n"])),
        // It never is.
        ("receive-until", json(&["-o", "ndjson", "--until", ".data.n == 3"])),
        ("fan-out-100", Measured::FanOut(100)),
    ]
}

/// Measures the paths and holds them against the file. Without valgrind it says so, and is content.
pub fn check(binary: &Path, accept: bool) -> ExitCode {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("*** SKIPPED: there is no `valgrind` here, so that no instructions were counted ***");
        return ExitCode::SUCCESS;
    }
    let kept = fs::read_to_string(FILE).unwrap_or_default();
    let kept: BTreeMap<&str, u64> = kept
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, number)| (name, number.parse().unwrap()))
        .collect();
    let mut fresh = String::new();
    let mut is_kept = true;
    for (name, path) in held() {
        let number = measure(binary, &path);
        let before = kept.get(name).copied();
        let change = before.map_or(0.0, |before| number as f64 / before as f64 - 1.0);
        let holds = before.is_some() && change <= TOLERANCE;
        is_kept &= holds;
        let verdict = match (before, holds) {
            (None, _) => "is new".to_owned(),
            (Some(before), true) if change < -TOLERANCE => {
                format!("{before} before: --accept the {:.1} %", change * 100.0)
            }
            (Some(before), true) => format!("{before} before"),
            (Some(before), false) => format!("{before} before: {:+.1} %", change * 100.0),
        };
        println!("{name:20} {number:>9} instructions, {verdict}");
        fresh.push_str(&format!("{name} {number}\n"));
    }
    for (name, path) in told() {
        println!("{name:20} {:>9} instructions", measure(binary, &path));
    }
    if accept {
        fs::write(FILE, fresh).unwrap();
        return ExitCode::SUCCESS;
    }
    if is_kept {
        return ExitCode::SUCCESS;
    }
    eprintln!("a path costs more by over {} %, or is not known:", TOLERANCE * 100.0);
    eprintln!("where that is meant, `cargo bench -- --instructions --accept` writes {FILE} anew");
    ExitCode::FAILURE
}

fn measure(binary: &Path, path: &Measured) -> u64 {
    let [short, long] = RUNS;
    match path {
        Measured::Receive(case) => (received(binary, case, long) - received(binary, case, short)) / (long - short),
        Measured::Send => (sent(binary, long) - sent(binary, short)) / (long - short),
        Measured::FanOut(receivers) => {
            let (short, long) = (short / 20, long / 20);
            (delivered(binary, *receivers, long) - delivered(binary, *receivers, short))
                / ((long - short) * *receivers as u64)
        }
        Measured::Start => counted(under_valgrind(binary).arg("--version")),
    }
}

fn under_valgrind(binary: &Path) -> Command {
    let mut command = command("valgrind");
    // Valgrind looks for its own parts.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary);
    command
}

/// Runs it to its end, and gives how many instructions that took.
fn counted(command: &mut Command) -> u64 {
    count_of(&command.stdout(Stdio::null()).output().unwrap())
}

fn count_of(output: &Output) -> u64 {
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let number = words.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match number {
        Some(number) if output.status.success() => number,
        _ => panic!("{}: {words}", output.status),
    }
}

fn received(binary: &Path, case: &Case, messages: u64) -> u64 {
    let service = Service::start();
    let (url, count) = (service.url(), messages.to_string());
    let poured = case.clone();
    let pouring = thread::spawn(move || service.pour(&poured, messages));
    let mut command = under_valgrind(binary);
    let number = counted(command.args(["listen", "-q", "-g", "g", "--url", &url, "--count", &count]).args(case.args));
    pouring.join().unwrap();
    number
}

fn delivered(binary: &Path, receivers: usize, messages: u64) -> u64 {
    let mut emulator = fan_out::emulator(under_valgrind(binary).stderr(Stdio::piped()));
    let url = fan_out::url(&mut emulator);
    fan_out::runtime().block_on(async {
        Group::join(&url, receivers).await.publish(usize::try_from(messages).unwrap()).await;
    });
    // This closes its input.
    count_of(&emulator.wait_with_output().unwrap())
}

fn sent(binary: &Path, messages: u64) -> u64 {
    let service = Service::start();
    let url = service.url();
    let serving = thread::spawn(move || service.acknowledge());
    let mut command = under_valgrind(binary);
    let number = counted(command.args(["send", "g", "--lines", "-q", "--url", &url]).stdin(lines(messages)));
    serving.join().unwrap();
    number
}
