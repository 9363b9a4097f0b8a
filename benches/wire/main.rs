//! What `wps` costs, measured from outside: pre-built frames are poured from a raw socket into the built binary as a
//! process of its own.
//!
//! ```sh
//! cargo bench                             # everything, some minutes
//! cargo bench -- receive                  # what has `receive` in its name
//! cargo bench -- --instructions           # the instructions of four paths, held against benches/instructions.txt
//! cargo bench -- --instructions --accept  # the same, and the file is written anew
//! ```
//!
//! `WPS_BENCH_BINARY` names another binary than the one that was built with this. Times say something on a quiet machine
//! only, and then beside others of the same run; instructions (callgrind, as the difference of two run lengths, so that
//! the start drops out) are the same within 1 % everywhere. `benches/README.md` has a table of both.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod cases;
mod compare;
mod fan_out;
mod instructions;
mod latency;
mod process;
mod service;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

/// The binary to measure.
fn binary() -> PathBuf {
    std::env::var_os("WPS_BENCH_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_wps").into(), PathBuf::from)
}

/// Thousands of sockets at both ends need as many descriptors.
fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

fn main() -> ExitCode {
    raise_limit();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    // Cargo itself passes `--bench`.
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let binary = binary();
    if flag("--instructions") {
        return instructions::check(&binary, flag("--accept"));
    }
    if flag("--compare") {
        compare::compare(&binary, is_wanted);
        return ExitCode::SUCCESS;
    }
    for case in cases::receiving().iter().filter(|case| is_wanted(&case.name)) {
        println!("{}", process::receive(&binary, case));
    }
    for in_flight in [1, 16, 256] {
        let name = format!("send lines in-flight={in_flight}");
        if is_wanted(&name) {
            println!("{}", process::send(&binary, &name, in_flight));
        }
    }
    for (name, args) in [("start --version", &["--version"][..]), ("start --help", &["listen", "--help"])] {
        if is_wanted(name) {
            println!("{}", process::start(&binary, name, args));
        }
    }
    if is_wanted("start send") {
        println!("{}", process::first_ack(&binary, "start send"));
    }
    if is_wanted("latency") {
        println!("{}", latency::measure(&binary));
    }
    for receivers in [1, 10, 100, 1000, 5000] {
        let name = format!("fan-out 1 to {receivers}");
        if is_wanted(&name) {
            println!("{}", fan_out::measure(&binary, &name, receivers));
        }
    }
    ExitCode::SUCCESS
}
