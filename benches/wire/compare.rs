//! `wps` beside other people's clients, in turns within one run, so that what the machine does meanwhile meets all alike.
//! `benches/compare/run` installs them and runs this.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cases::{Case, RELIABLE};
use super::process::{Usage, command, lines, watch};
use super::service::Service;

/// The median of so many runs is what counts.
const ROUNDS: usize = 5;
/// Sent by each.
const LINES: u64 = 100_000;
const IN_FLIGHT: &str = "256";

/// A program's command for a service at a URL, and so many messages.
type Invocation = Box<dyn Fn(&str, u64) -> Command>;

/// One of those that are compared.
struct Program {
    name: &'static str,
    command: Invocation,
    /// How many it receives or sends.
    messages: u64,
    /// Whether it joins the group before it is poured to.
    joins: bool,
}

/// What one run of a program came to.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Messages a second.
    rate: f64,
    /// Processor time of a message, in µs.
    cpu: f64,
    usage: Usage,
}

impl Run {
    fn new(messages: u64, elapsed: Duration, usage: Usage) -> Self {
        let messages = messages as f64;
        Self { rate: messages / elapsed.as_secs_f64(), cpu: usage.cpu.as_secs_f64() * 1e6 / messages, usage }
    }
}

/// Compares those rows whose names are wanted.
pub fn compare(binary: &Path, is_wanted: impl Fn(&str) -> bool) {
    let [websocat, client] = ["WPS_COMPARE_WEBSOCAT", "WPS_COMPARE_CLIENT"]
        .map(|name| std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run benches/compare/run")));
    let wps = |name, args: &'static [&'static str], messages| Program {
        name,
        command: {
            let binary = binary.to_owned();
            Box::new(move |url, count| {
                let mut command = command(&binary);
                command.args(["listen", "-q", "-g", "g", "--url", url, "--count", &count.to_string()]).args(args);
                command
            })
        },
        messages,
        joins: true,
    };
    let receiving = [
        Program {
            name: "websocat",
            command: Box::new(move |url, _| {
                let mut command = command(&websocat);
                command.args(["-n", "-U", "-B", "65536", "--protocol", RELIABLE, url]);
                command
            }),
            messages: 500_000,
            joins: false,
        },
        javascript("JavaScript client", &client, "receive", 100_000),
        wps("wps -o ndjson", &["-o", "ndjson"], 1_000_000),
        wps("wps -o data", &["-o", "data"], 1_000_000),
        wps("wps -o text", &["-o", "text"], 1_000_000),
    ];
    if is_wanted("receive") {
        println!("receive 200 bytes of reliable JSON to /dev/null, medians of {ROUNDS}:");
        table(&receiving, receive);
    }
    let sending = [
        javascript("JavaScript client", &client, "send", LINES),
        Program {
            name: "wps send --lines",
            command: {
                let binary = binary.to_owned();
                Box::new(move |url, _| {
                    let mut command = command(&binary);
                    command.args(["send", "g", "--lines", "-q", "--url", url, "--in-flight", IN_FLIGHT]);
                    command
                })
            },
            messages: LINES,
            joins: false,
        },
    ];
    if is_wanted("send") {
        println!("send lines of 100 bytes, {IN_FLIGHT} in flight, each acknowledged, medians of {ROUNDS}:");
        table(&sending, send);
    }
}

fn javascript(name: &'static str, client: &OsString, mode: &'static str, messages: u64) -> Program {
    let client = client.clone();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let command = Box::new(move |url: &str, count: u64| {
        let mut command = command("node");
        let number = if mode == "send" { IN_FLIGHT.to_owned() } else { count.to_string() };
        command.env("PATH", &path).arg(&client).args([mode, url, &number]);
        command
    });
    Program { name, command, messages, joins: true }
}

/// Pours to it what makes a frame of some 200 bytes.
fn receive(program: &Program) -> Run {
    let case = Case { messages: program.messages, ..Case::plain(program.name, &[]) };
    let service = Service::start();
    let process = (program.command)(&service.url(), case.messages).stdout(Stdio::null()).spawn().unwrap();
    let watching = thread::spawn(move || (watch(process), Instant::now()));
    let begun = if program.joins { service.pour(&case, case.messages) } else { service.pour_at_once(&case) };
    let (usage, ended) = watching.join().unwrap();
    Run::new(case.messages, ended - begun, usage)
}

fn send(program: &Program) -> Run {
    let service = Service::start();
    let input = lines(program.messages);
    let begun = Instant::now();
    let process =
        (program.command)(&service.url(), program.messages).stdin(input).stdout(Stdio::null()).spawn().unwrap();
    let serving = thread::spawn(move || service.acknowledge());
    let usage = watch(process);
    let elapsed = begun.elapsed();
    serving.join().unwrap();
    Run::new(program.messages, elapsed, usage)
}

/// Runs all in turns, and prints a row of each, with what it is of the first.
fn table(programs: &[Program], run: impl Fn(&Program) -> Run) {
    let mut runs: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (program, runs) in programs.iter().zip(&mut runs) {
            runs.push(run(program));
        }
    }
    let median = |runs: &[Run], value: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{:20} {:>12} {:>12} {:>14}  {:>34}",
        "", "messages/s", "µs CPU each", "peak memory", "of the first, of the second"
    );
    let rates: Vec<[f64; 2]> =
        runs.iter().map(|runs| [median(runs, |it| it.rate), median(runs, |it| it.cpu)]).collect();
    for ((program, runs), [rate, cpu]) in programs.iter().zip(&runs).zip(&rates) {
        let peak = median(runs, |it| it.usage.peak as f64);
        let ratios = rates
            .iter()
            .take(2)
            .map(|[other_rate, other_cpu]| format!("{:>6.2} times, {:>5.3} CPU", rate / other_rate, cpu / other_cpu));
        println!(
            "{:20} {rate:>12.0} {cpu:>12.3} {peak:>10.0} KiB  {}",
            program.name,
            ratios.collect::<Vec<_>>().join("  ")
        );
    }
}
