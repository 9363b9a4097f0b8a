//! `listen --on-ready`: when the command is run, what it is given, and how it ends.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::json;

use crate::support::process::BINARY;
use crate::support::service::ClosedPort;
use crate::support::{PATIENCE, Service, Setup, wps};

fn listener(service: &Service, command: &str, more: &[&str]) -> Setup {
    wps(["listen", "-q", "-g", "a", "-g", "b", "--on-ready", command, "--url", &service.url()]).args(more)
}

#[test]
fn a_smoke_test_needs_no_sleep() {
    let port = ClosedPort::reserve().port();
    let ended = wps(["listen", &format!("--local={port}"), "-g", "g", "-q", "--timeout", "20s"])
        .args(["--until", ".data == \"pong\"", "--on-ready", "\"$WPS\" send g ping -q && \"$WPS\" send g pong -q"])
        .env("WPS", BINARY)
        // It is at localhost, where no proxy leads to.
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .run();
    ended.assert(0, "[g] ping\n[g] pong\n", "");
}

#[test]
fn it_runs_once_all_groups_are_joined_and_not_again_after_a_reconnect() {
    let service = Service::start();
    let more = ["--protocol", "json", "--reconnect-delay", "10ms"];
    let mut wps = listener(&service, "echo ready", &more).start();
    let mut peer = service.connect();
    let joins = [peer.operation(), peer.operation()];
    peer.ack(&joins[0]["ackId"]);
    peer.await_pong();
    peer.say(1, "before");
    assert_eq!(wps.line(), "[g] bob: before");
    peer.ack(&joins[1]["ackId"]);
    wps.err_line("ready");
    peer.close(1000, "again");
    let mut peer = service.connect();
    for group in ["a", "b"] {
        peer.grant_join(group);
    }
    peer.say(1, "after");
    assert_eq!(wps.line(), "[g] bob: after");
    wps.signal(Signal::INT);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (130, "ready\n"));
}

#[test]
fn its_failure_is_exit_12_and_its_success_is_no_end() {
    for (command, error) in [
        ("exit 3", "error: `exit 3` (`--on-ready`) failed with exit status 3\n"),
        ("kill -9 $$", "error: `kill -9 $$` (`--on-ready`) was ended by signal 9\n"),
        (
            "no-such-command 2>&-",
            "error: `no-such-command 2>&-` (`--on-ready`) failed with exit status 127 (command not found)\n",
        ),
    ] {
        let service = Service::start();
        let wps = listener(&service, command, &[]).start();
        service.connect_and_join(&["a", "b"]).see_off();
        wps.end().assert(12, "", error);
    }
    let service = Service::start();
    let mut wps = listener(&service, "echo done", &["--count", "1"]).start();
    let mut peer = service.connect_and_join(&["a", "b"]);
    wps.err_line("done");
    peer.await_pong();
    peer.say(1, "x");
    peer.see_off();
    wps.end().assert(0, "[g] bob: x\n", "done\n");
}

#[test]
fn it_is_not_run_when_a_group_cannot_be_joined() {
    let service = Service::start();
    let wps = listener(&service, "echo ran", &[]).start();
    let mut peer = service.connect();
    let joins = [peer.operation(), peer.operation()];
    peer.ack(&joins[0]["ackId"]);
    peer.nack(&joins[1]["ackId"], "Forbidden", "no");
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.stderr.contains("ran")), (8, false), "{}", ended.stderr);
}

#[test]
fn its_environment_connects_to_the_same_place_and_its_arguments_have_no_secret() {
    let service = Service::start();
    let command = "echo \"$WPS_URL\"; tr '\\0' ' ' </proc/$$/cmdline; echo; read line || echo no input";
    let mut wps = listener(&service, command, &[]).start();
    let _peer = service.connect_and_join(&["a", "b"]);
    let line = wps.err_line("/client/hubs/");
    assert!(line.contains(&format!(":{}/client/hubs/", service.port())), "{line}");
    assert!(line.contains("access_token="), "{line}");
    let line = wps.err_line("echo");
    assert!(!line.contains("access_token="), "{line}");
    wps.err_line("no input");
}

#[test]
fn it_ends_with_the_run_whatever_way_and_all_it_has_started() {
    // The pipe of stderr is closed only when the last of them is gone.
    let stubborn = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo started; wait; wait";
    for command in ["echo started; sleep 1000; true", stubborn] {
        let service = Service::start();
        let mut wps = listener(&service, command, &[]).start();
        let peer = service.connect_and_join(&["a", "b"]);
        wps.err_line("started");
        wps.signal(Signal::TERM);
        peer.see_off();
        assert_eq!(wps.end().code, 143);

        let service = Service::start();
        let mut wps = listener(&service, command, &["--until", ".data == \"end\""]).start();
        let mut peer = service.connect_and_join(&["a", "b"]);
        wps.err_line("started");
        peer.say(1, "end");
        peer.see_off();
        assert_eq!(wps.end().code, 0);

        let service = Service::start();
        let mut wps = listener(&service, command, &["--no-reconnect", "--protocol", "json"]).start();
        let peer = service.connect_and_join(&["a", "b"]);
        wps.err_line("started");
        peer.close(1008, "enough");
        assert_eq!(wps.end().code, 7);
    }
}

#[test]
fn without_groups_it_runs_once_connected() {
    let service = Service::start();
    let mut wps = wps(["listen", "-q", "--on-ready", "echo ready", "--url", &service.url()]).start();
    let request = service.request();
    let mut peer = request.upgrade();
    peer.send(&json!({"type": "system", "event": "connected", "connectionId": "c", "reconnectionToken": "t"}));
    wps.err_line("ready");
}

/// Waits until a file holds so many process ids, and returns them.
fn ids(path: &std::path::Path, count: usize) -> Vec<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let ids: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        if ids.len() == count {
            return ids;
        }
        assert!(Instant::now() < deadline, "{text}");
        std::thread::yield_now();
    }
}

/// Whether a process does more than wait to be buried.
fn lives(id: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_ascii_whitespace().next()).is_some_and(|state| state != "Z")
}

#[test]
fn no_command_outlives_a_run_that_is_killed_nor_does_what_it_has_started() {
    let service = Service::start();
    let script = "trap '' TERM; sleep 1000 & other=$!; echo $$ >>ids; echo $other >>ids; wait";
    for (flag, more) in [("--on-ready", &["listen", "-q"][..]), ("--url-command", &["listen", "-q"]), ("--exec", &[])] {
        let (command, ready) = match flag {
            "--on-ready" => (wps(more).args([flag, script, "--url", &service.url()]), true),
            "--url-command" => (wps(more).args([flag, script, "--connect-timeout", "60s"]), false),
            _ => (wps(["emulator", "-q", "--port", "0", flag, script]), false),
        };
        let path = command.home().join("ids");
        let running = command.start();
        let peer = ready.then(|| service.connect());
        let ids = ids(&path, 2);
        assert!(ids.iter().all(|id| lives(*id)), "{flag}");
        running.signal(Signal::KILL);
        let deadline = Instant::now() + PATIENCE;
        while ids.iter().any(|id| lives(*id)) {
            assert!(Instant::now() < deadline, "{flag}: {ids:?}");
            std::thread::yield_now();
        }
        // What they held open is closed.
        assert_eq!(running.end().code, -9, "{flag}");
        drop(peer);
    }
}

#[test]
fn a_command_whose_first_act_is_to_kill_the_run_does_not_outlive_it() {
    let service = Service::start();
    // Whatever lives holds stdout or stderr open, whose end is waited for.
    let script = "trap '' TERM; kill -9 $PPID; sleep 1000; true";
    for flag in ["--on-ready", "--url-command", "--exec"] {
        let running = match flag {
            "--on-ready" => wps(["listen", "-q", flag, script, "--url", &service.url()]),
            "--url-command" => wps(["listen", "-q", flag, script, "--connect-timeout", "60s"]),
            _ => wps(["emulator", "-q", "--port", "0", flag, script]),
        };
        let running = running.start();
        let peer = (flag == "--on-ready").then(|| service.connect());
        assert_eq!(running.end().code, -9, "{flag}");
        drop(peer);
    }
}

#[test]
fn an_endpoint_with_a_path_is_handed_on_as_one() {
    let service = Service::start();
    let endpoint = format!("Endpoint=http://127.0.0.1:{}/a/base;AccessKey=key", service.port());
    let wps = wps(["listen", "--hub", "chat", "--connection-string", &endpoint, "--until", ".data == \"ping\""])
        .args(["--on-ready", "\"$WPS\" send g ping -q"])
        .env("WPS", BINARY)
        .start();
    let listening = service.request();
    assert_eq!(listening.path, "/a/base/client/hubs/chat");
    let mut listener = listening.upgrade();
    listener.greet("c", "t");
    let sending = service.request();
    assert_eq!(sending.path, "/a/base/client/hubs/chat");
    let mut sender = sending.upgrade();
    sender.greet("d", "u");
    let frame = sender.operation();
    listener.say(1, "ping");
    sender.ack(&frame["ackId"]);
    sender.see_off();
    listener.see_off();
    assert_eq!(wps.end().code, 0);
}
