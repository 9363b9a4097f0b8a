//! `wps emulator` in a test harness: `--exec`, `--exit-on-stdin-close`, `--log`.

use std::net::TcpStream;

use serde_json::Value;

use crate::support::process::{BINARY, Ended, kinds, wps};

/// An emulator that runs a shell script, in which `$WPS` is the binary.
fn exec(script: &str, more: &[&str]) -> Ended {
    wps(["emulator", "--port", "0", "--exec", script]).args(more).env("WPS", BINARY).run()
}

#[test]
fn a_command_finds_the_emulator_in_its_environment_and_gives_it_its_exit_code() {
    let script = r#""$WPS" send -q g one && WPS_URL= "$WPS" send --hub hub1 -q g two && echo "$WebPubSubConnectionString" && exit 7"#;
    let ended = exec(script, &["--access-key", "a-key-that-is-as-long-as-it-should-be"]);
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    assert!(ended.text().starts_with("Endpoint=http://localhost:"), "{}", ended.text());
    assert!(
        ended.text().ends_with(";AccessKey=a-key-that-is-as-long-as-it-should-be;Version=1.0;\n"),
        "{}",
        ended.text()
    );
    // The key, the URL and what to type are not for those who look on.
    assert!(ended.stderr.starts_with("wps emulator is ready at http://localhost:"), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn with_records_the_first_and_the_last_are_the_emulators_own() {
    let ended = exec("exit 3", &["-o", "ndjson"]);
    let records = ended.records();
    assert_eq!(kinds(&records), ["listening", "stopped"]);
    assert_eq!((&records[1]["reason"], &records[1]["exitCode"]), (&"command-ended".into(), &3.into()));
    ended.assert(3, std::str::from_utf8(&ended.stdout).unwrap(), "");
}

#[test]
fn a_command_that_is_not_there_ends_it_with_the_shells_code() {
    let ended = exec("exec no-such-program", &["-q"]);
    assert_eq!((ended.code, ended.text()), (127, ""), "{}", ended.stderr);
}

#[test]
fn a_signal_reaches_the_command_which_may_clean_up() {
    let script = "trap 'echo cleaned up; exit 5' TERM; echo started; while :; do sleep 60 & wait $!; done";
    let mut running = wps(["emulator", "--port", "0", "--exec", script]).start();
    assert_eq!(running.line(), "started");
    running.signal(rustix::process::Signal::TERM);
    let ended = running.end();
    assert_eq!((ended.code, ended.text()), (143, "started\ncleaned up\n"), "{}", ended.stderr);
}

#[test]
fn what_a_command_leaves_behind_is_killed_with_it() {
    // The pipe of stdout ends only when nobody holds it any more.
    let ended = exec("sleep 1000 & echo done", &[]);
    assert_eq!((ended.code, ended.text()), (0, "done\n"), "{}", ended.stderr);
}

#[test]
fn it_ends_when_its_stdin_is_closed() {
    let ended =
        wps(["emulator", "--port", "0", "--exit-on-stdin-close", "-o", "ndjson"]).stdin("not looked at\n").run();
    let records = ended.records();
    assert_eq!(kinds(&records), ["listening", "stopped"]);
    assert_eq!((ended.code, &records[1]["reason"]), (0, &"stdin-closed".into()));
    let both = ["emulator", "--port", "0", "--exit-on-stdin-close", "--access-key", "-"];
    wps(both).run().assert_failed(2, &["`--exit-on-stdin-close`", "--access-key @FILE"]);
}

#[test]
fn the_log_holds_all_traffic_and_no_token() {
    let script = r#""$WPS" event -q e hello; "$WPS" join -q g --url "${WPS_URL%%\?*}" --no-reconnect; cat log"#;
    let ended = exec(script, &["--log", "log", "-q"]);
    let records: Vec<Value> = ended.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds = kinds(&records);
    assert_eq!(kinds[..5], ["opened", "sent", "received", "sent", "sent"], "{records:?}");
    assert!(kinds.contains(&"ended") && kinds.contains(&"refused"), "{kinds:?}");
    let connection = records[0]["connectionId"].as_str().unwrap();
    assert_eq!(records[1]["frame"]["connectionId"], connection);
    assert_eq!(records[2]["frame"]["type"], "event");
    assert!(records[..5].iter().all(|record| record["hub"] == "hub1" && record["connectionId"] == connection));
    assert_eq!(records.last().unwrap()["status"], 401);
    let token = records[1]["frame"]["reconnectionToken"].as_str().unwrap();
    assert_eq!(token, "[redacted]", "{records:?}");
}

#[test]
fn a_log_that_cannot_be_written_is_an_error() {
    wps(["emulator", "--port", "0", "--log", "no/such/directory"])
        .run()
        .assert_failed(13, &["no/such/directory", "--log FILE"]);
    if cfg!(target_os = "linux") {
        let ended = exec(r#""$WPS" send -q g x; exec sleep 1000"#, &["--log", "/dev/full", "-q"]);
        ended.assert_failed(13, &["error: could not write to the log file"]);
    }
}

/// Makes a pipe with a name in the home of a run.
#[cfg(target_os = "linux")]
fn pipe(setup: &crate::support::Setup, name: &str) -> std::path::PathBuf {
    let path = setup.home().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    path
}

#[test]
#[cfg(target_os = "linux")]
fn a_log_that_waits_for_its_reader_can_be_ended() {
    use std::time::Instant;
    let setup = wps(["emulator", "--port", "0", "--log", "pipe", "-o", "ndjson"]);
    pipe(&setup, "pipe");
    let running = setup.start();
    // Only then is a signal its own business.
    let deadline = Instant::now() + crate::support::PATIENCE;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        if u64::from_str_radix(caught, 16).unwrap() & 1 << (15 - 1) != 0 {
            break;
        }
        assert!(Instant::now() < deadline, "it never wants to know of signals");
        std::thread::yield_now();
    }
    running.signal(rustix::process::Signal::TERM);
    let ended = running.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert_eq!(kinds(&ended.records()), ["stopped"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_log_whose_reader_has_stopped_holds_up_nothing() {
    use std::time::{Duration, Instant};
    let setup = wps(["emulator", "--port", "0", "--log", "pipe", "-o", "ndjson"]);
    let path = pipe(&setup, "pipe");
    // Opened for both, a pipe waits for nobody.
    let reader = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut running = setup.start();
    let ready = running.expect("listening");
    let lines = format!("{}\n", "x".repeat(50_000)).repeat(10);
    let send = wps(["send", "-q", "g", "--lines", "--url", ready["clientUrl"].as_str().unwrap()]).stdin(lines).run();
    assert_eq!(send.code, 0, "{}", send.stderr);
    let asked = Instant::now();
    running.signal(rustix::process::Signal::TERM);
    assert_eq!(running.end().code, 143);
    // Less than a second; the rest is for a busy machine.
    assert!(asked.elapsed() < Duration::from_millis(2500), "{:?}", asked.elapsed());
    drop(reader);
}

#[test]
fn localhost_is_both_of_its_addresses_and_is_named_only_then() {
    let has_v6 = std::net::TcpListener::bind(("::1", 0)).is_ok();
    for (bind, host, addresses) in [
        (&[][..], "localhost", &["127.0.0.1", "::1"][..]),
        (&["--bind", "LOCALHOST"], "localhost", &["127.0.0.1", "::1"]),
        (&["--bind", "127.0.0.1"], "127.0.0.1", &["127.0.0.1"]),
        (&["--bind", "0.0.0.0"], "127.0.0.1", &["127.0.0.1"]),
        (&["--bind", "::1"], "[::1]", &["::1"]),
    ] {
        if bind == ["--bind", "::1"] && !has_v6 {
            continue;
        }
        let mut emulator = wps(["emulator", "--port", "0", "-o", "ndjson"]).args(bind).start();
        let endpoint = emulator.expect("listening")["endpoint"].as_str().unwrap().to_owned();
        let port = endpoint.strip_prefix(&format!("http://{host}:")).expect(&endpoint).parse().unwrap();
        for address in addresses.iter().filter(|address| has_v6 || !address.contains(':')) {
            TcpStream::connect((*address, port)).unwrap();
        }
    }
    let wrong = wps(["emulator", "--bind", "example.com"]).run();
    wrong.assert_failed(2, &["`example.com`", "neither `localhost` nor an IP address"]);
}
