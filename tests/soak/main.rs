//! A soak: the built binary, run over and over with its connections cut and its processes killed, for as long as one
//! likes, and everything that it promises held against what an undisturbed counterpart saw.
//!
//! ```sh
//! WPS_SOAK_MINUTES=60 cargo test --release --test soak -- --ignored --nocapture
//! ```
//!
//! `WPS_SOAK_MINUTES` (2), `WPS_SOAK_SEED` (chosen and printed), `WPS_SOAK_BINARY` (the one that was built with the
//! test), `WPS_SOAK_RATE` (messages a second to or by each worker, 100), `WPS_SOAK_ONLY` (names of workers, with
//! commas), `WPS_SOAK_TRAFFIC` (when set, the emulators log all frames). What each worker did is in a directory below
//! `target/tmp`, which is named, and stays when something was wrong.
//!
//! The workers: `listen`, `send --lines`, `stream --lines` and `tunnel`, each killed over and over, the first two also with
//! `--session`, and with it on a disk that is full now and then (`disk`); and one of each that lives from beginning to
//! end. Each has an emulator, a way there that breaks (`proxy`), a machine on which processes stand still and clocks are
//! set (`machine`), and a counterpart that takes another way. The room of a command says what it is held to; for sequences
//! of messages `checker` decides it, and the tests here that are not ignored show that the harness sees what it is for.
//!
//! Clocks need libfaketime (Debian: `libfaketime`), and are left out without; full disks need the right to mount a tmpfs,
//! without which a limit of the size of files stands in for them. Either is said.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod bench;
mod checker;
mod clock;
mod disk;
mod journal;
mod listen;
mod machine;
mod memory;
mod payload;
mod process;
mod proxy;
mod random;
mod report;
mod schedule;
mod send;
mod service;
mod stream;
mod tunnel;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use bench::{Bench, Config, Kind};
use disk::Disk;
use journal::Found;
use process::Lie;

/// The workers.
const WORKERS: [&str; 12] = [
    "listen",
    "listen-session",
    "listen-full",
    "listen-steady",
    "send-lines",
    "send-lines-session",
    "send-lines-full",
    "send-steady",
    "stream",
    "stream-steady",
    "tunnel",
    "tunnel-steady",
];

/// How far a clock may be off that jumps: tokens that are on their way are valid for longer. Those of a tunnel for an
/// hour, the others as long as the harness says.
const FURTHEST: Duration = Duration::from_secs(100 * 3600);
const FURTHEST_OF_TUNNEL: Duration = Duration::from_secs(20 * 60);

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<f64> {
    setting(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// Runs a worker, and gives what was found.
fn work(config: Config, directory: &Path, name: &'static str) -> Found {
    let surroundings =
        if name.starts_with("tunnel") { (tunnel::SERVICE, FURTHEST_OF_TUNNEL) } else { (&[][..], FURTHEST) };
    let mut bench = Bench::new(config, &directory.join(name), name, surroundings);
    if name.ends_with("full") {
        let disk = Disk::mount(&bench.file("disk"));
        if disk.is_limited() {
            bench
                .journal
                .say("NO FULL DISKS: a tmpfs cannot be mounted here; files that may not grow stand in for them");
        }
        bench.disk = Some(disk);
    }
    if bench.clock.is_none() {
        bench.journal.say("NO CLOCK JUMPS: libfaketime is not installed (Debian: apt-get install libfaketime)");
    }
    match name {
        "listen" => listen::soak(&mut bench, Kind::Plain),
        "listen-session" => listen::soak(&mut bench, Kind::Session),
        "listen-full" => listen::soak(&mut bench, Kind::Full),
        "listen-steady" => listen::soak(&mut bench, Kind::Steady),
        "send-lines" => send::soak(&mut bench, Kind::Plain),
        "send-lines-session" => send::soak(&mut bench, Kind::Session),
        "send-lines-full" => send::soak(&mut bench, Kind::Full),
        "send-steady" => send::soak(&mut bench, Kind::Steady),
        "stream" => stream::soak(&mut bench, Kind::Plain),
        "stream-steady" => stream::soak(&mut bench, Kind::Steady),
        "tunnel" => tunnel::soak(&mut bench, Kind::Plain),
        _ => tunnel::soak(&mut bench, Kind::Steady),
    }
    bench.close();
    bench.journal.found()
}

#[test]
#[ignore = "takes as long as WPS_SOAK_MINUTES says"]
fn nothing_is_lost_doubled_or_disordered() {
    process::take_signals();
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = setting("WPS_SOAK_SEED").map_or_else(clock, |seed| seed.parse().expect("WPS_SOAK_SEED is no number"));
    let minutes = number("WPS_SOAK_MINUTES").unwrap_or(2.0);
    let config = Config {
        seed,
        time: Duration::from_secs_f64(60.0 * minutes),
        rate: number("WPS_SOAK_RATE").unwrap_or(100.0) as u64,
        life: Duration::from_secs(5),
        lie: None,
    };
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("soak-{seed}"));
    eprintln!("{minutes} min with WPS_SOAK_SEED={seed} of {}, in {}", process::binary().display(), directory.display());
    let only = setting("WPS_SOAK_ONLY");
    let chosen =
        WORKERS.into_iter().filter(|name| only.as_ref().is_none_or(|only| only.split(',').any(|o| o == *name)));
    let workers: Vec<_> = chosen
        .map(|name| {
            let directory = directory.clone();
            (name, thread::spawn(move || work(config, &directory, name)))
        })
        .collect();
    let found: Vec<(&str, Found)> = workers
        .into_iter()
        .map(|(name, worker)| (name, worker.join().unwrap_or_else(|_| panic!("{name} broke"))))
        .collect();
    eprintln!("\n{}", report::table(&found));
    let mut faults = 0;
    for (name, found) in &found {
        found.said.iter().for_each(|line| eprintln!("{name}: {line}"));
        faults += found.faults.len();
        for fault in report::faults(&found.faults) {
            eprintln!("{name}: {fault}");
        }
    }
    assert!(faults == 0, "{faults} faults with WPS_SOAK_SEED={seed}; see {}", directory.display());
    let _ = std::fs::remove_dir_all(directory);
}

/// The soak of a worker for a few seconds, with what the harness reads falsified. On a busy machine no run of a few
/// seconds may come as far as the message that is lied about: then there are longer ones.
fn falsified(name: &'static str, lie: Option<Lie>) -> thread::JoinHandle<Found> {
    thread::spawn(move || {
        let soak = |stretch| {
            let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let (time, life) = (Duration::from_secs(3) * stretch, Duration::from_secs(1) * stretch);
            work(Config { seed: 1, time, rate: 1000, life, lie }, directory.path(), name)
        };
        let mut found = soak(1);
        for stretch in [5, 15] {
            if lie.is_some() && found.faults.is_empty() {
                found = soak(stretch);
            }
        }
        found
    })
}

#[test]
fn the_harness_sees_a_loss_a_double_a_disorder_and_a_forgotten_id_and_nothing_else() {
    let runs = [
        ("listen-steady", None, ""),
        ("listen-steady", Some(Lie::Lose), "lost"),
        ("listen-steady", Some(Lie::Double), "doubled"),
        ("listen-steady", Some(Lie::Disorder), "disordered"),
        ("send-steady", None, ""),
        ("send-steady", Some(Lie::Lose), "lost"),
        ("send-steady", Some(Lie::Double), "doubled"),
        ("send-steady", Some(Lie::Forget), "forgotten"),
        ("stream-steady", None, ""),
        ("stream-steady", Some(Lie::Lose), "lost"),
        ("stream-steady", Some(Lie::Double), "doubled"),
        ("stream-steady", Some(Lie::Disorder), "disordered"),
        ("tunnel-steady", None, ""),
        ("tunnel-steady", Some(Lie::Lose), "other"),
        ("tunnel-steady", Some(Lie::Double), "other"),
    ];
    let started = runs.map(|(name, lie, seen)| (name, lie, seen, falsified(name, lie)));
    for (name, lie, seen, run) in started {
        let found = run.join().unwrap();
        for kind in ["lost", "doubled", "disordered", "forgotten", "other"] {
            assert_eq!(found.count(kind), u64::from(kind == seen), "{kind} of {name} with {lie:?}: {:?}", found.faults);
        }
        assert!(found.count("messages") > 20, "{name} with {lie:?}: {found:?}");
    }
}
