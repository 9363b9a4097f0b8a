//! A stderr that is open and that nobody reads: it costs a bounded amount of memory, and holds up neither stdout nor the
//! end of the run.

use std::time::{Duration, Instant};

use crate::support::{Service, wps};

/// A message, and how many of them.
const SIZE: usize = 20_000;
const COUNT: u64 = 4_000;
/// What a run may take: much less than all that it has to say.
const MOST_KIB: u64 = 64 * 1024;

/// The most memory that a process has had.
fn most_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn whole_frames_that_nobody_reads_are_dropped_and_messages_are_not() {
    let service = Service::start();
    let (count, text) = (COUNT.to_string(), "x".repeat(SIZE));
    let mut wps =
        wps(["listen", "-vvv", "-o", "data", "--count", &count, "--url", &service.url()]).stderr_unread().start();
    let mut peer = service.connect();
    for number in 1..COUNT {
        peer.say(number, &text);
        assert_eq!(wps.line(), text);
    }
    let memory = most_memory(wps.id());
    assert!(memory < MOST_KIB, "{memory} KiB for {} KiB on stderr", COUNT * SIZE as u64 / 1024);
    peer.say(COUNT, &text);
    let last = Instant::now();
    peer.see_off();
    let (code, at) = wps.end_unread();
    assert_eq!(code, 0);
    assert!(at - last < Duration::from_secs(8), "it took {:?} to end", at - last);
}

#[test]
fn warnings_that_nobody_reads_end_with_the_run() {
    let service = Service::start();
    let mut wps = wps(["listen", "-o", "data", "--count", "1", "--url", &service.url()]).stderr_unread().start();
    let mut peer = service.connect();
    for number in 0..20_000 {
        peer.send_text(&format!("{{\"type\":\"newer{number}\",\"filler\":\"{}\"}}", "x".repeat(300)));
    }
    peer.say(1, "done");
    assert_eq!(wps.line(), "done");
    peer.see_off();
    assert_eq!(wps.end_unread().0, 0);
}

#[test]
fn an_error_that_nobody_reads_keeps_nobody() {
    let service = Service::start();
    let wps = wps(["listen", "-vvv", "--reconnect-retries", "0", "--url", &service.url()]).stderr_unread().start();
    service.request().refuse("403 Forbidden", &[], &"x".repeat(70_000));
    assert_eq!(wps.end_unread().0, 5);
}

#[test]
fn the_log_of_an_emulator_that_nobody_reads_holds_nothing_up() {
    let emulator = wps(["emulator", "--port", "0", "-o", "ndjson", "-vvv"]).stderr_unread();
    let mut emulator = emulator.start();
    let endpoint = emulator.expect("listening")["endpoint"].as_str().unwrap().to_owned();
    let local = format!("--local={}", endpoint.rsplit(':').next().unwrap());
    let lines: String = (0..COUNT).map(|_| format!("{}\n", "x".repeat(SIZE))).collect();
    let ended = wps(["send", &local, "g", "--lines"]).stdin(lines).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let memory = most_memory(emulator.id());
    assert!(memory < MOST_KIB, "{memory} KiB");
    let asked = Instant::now();
    emulator.signal(rustix::process::Signal::TERM);
    let (code, at) = emulator.end_unread();
    assert_eq!(code, 143);
    assert!(at - asked < Duration::from_secs(3), "{:?}", at - asked);
}
