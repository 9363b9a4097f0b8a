//! Where the URL comes from: a command that prints it, files and profiles, and which goes before which.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::service::Request;
use crate::support::{Running, Service, Setup, wps};

/// Opening a pipe that nobody reads fails at once.
const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

/// A URL command that counts its runs in `DIR/runs` and prints a URL of the service with `token-N`.
const COUNTING: &str = "echo run >> $DIR/runs; n=$(grep -c . $DIR/runs); \
                        echo \"ws://127.0.0.1:$PORT/client/hubs/hub1?access_token=token-$n\"";

fn with_command(args: &[&str], command: &str, service: &Service, directory: &TempDir) -> Setup {
    wps(args)
        .args(["--url-command", command, "--reconnect-delay", "10ms", "--reconnect-mode", "fixed"])
        .env("DIR", directory.path())
        .env("PORT", service.port().to_string())
}

fn runs(directory: &Path) -> usize {
    std::fs::read_to_string(directory.join("runs")).unwrap_or_default().lines().count()
}

/// A fresh connection with that token, greeted as `c1`.
fn fresh(service: &Service, token: &str) -> Request {
    let request = service.request();
    assert_eq!(request.query("awps_connection_id"), None, "{request:?}");
    assert_eq!(request.query("access_token"), Some(token), "{request:?}");
    request
}

#[test]
fn a_url_command_runs_once_for_each_fresh_connection_and_never_for_a_recovery() {
    let (service, directory) = (Service::start(), tempfile::tempdir().unwrap());
    let mut wps = with_command(&["listen", "-g", "g", "-o", "ndjson"], COUNTING, &service, &directory).start();
    // Every token opens one connection only, which is harder than tokens of five seconds.
    for round in 1..=12 {
        let mut peer = fresh(&service, &format!("token-{round}")).upgrade();
        peer.greet("c1", "reconnect-1");
        peer.grant_join("g");
        assert_eq!(wps.skip_to("connected")["hub"], "hub1");
        assert_eq!(wps.skip_to("joined")["group"], "g");
        peer.reset();
        // The recovery is refused.
        service.recovery().close(1008, "");
        assert_eq!(wps.skip_to("disconnected")["closeCode"], 1008);
        assert_eq!(runs(directory.path()), round);
    }
    let mut peer = fresh(&service, "token-13").upgrade();
    peer.greet("c1", "reconnect-1");
    peer.grant_join("g");
    peer.reset();
    let mut peer = service.recovery();
    peer.greet("c1", "reconnect-1");
    wps.skip_to("recovered");
    wps.signal(Signal::TERM);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, runs(directory.path())), (143, 13));
    assert!(!ended.stderr.contains("error:"), "{}", ended.stderr);
}

#[test]
fn a_url_command_prints_a_url_or_json_with_one_and_its_stderr_is_passed_on() {
    for command in [
        "echo to-stderr >&2; cat > /dev/null; echo $URL",
        "echo to-stderr >&2; printf '{\"baseUrl\":\"x\",\"url\":\"%s\"}' $URL",
    ] {
        let service = Service::start();
        let wps = wps(["join", "g", "--url-command", command]).env("URL", service.url()).start();
        service.connect_and_join(&["g"]).see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
        ended.assert_stderr(&["to-stderr\n"]);
    }
}

#[test]
fn a_refused_token_is_answered_with_one_more_run_of_the_command() {
    let (service, directory) = (Service::start(), tempfile::tempdir().unwrap());
    let wps = with_command(&["join", "g"], COUNTING, &service, &directory).start();
    fresh(&service, "token-1").refuse("401 Unauthorized", &[], "too old");
    let mut peer = fresh(&service, "token-2").upgrade();
    peer.greet("c1", "reconnect-1");
    peer.grant_join("g");
    peer.see_off();
    assert_eq!((wps.end().code, runs(directory.path())), (0, 2));

    let (service, directory) = (Service::start(), tempfile::tempdir().unwrap());
    let wps = with_command(&["join", "g"], COUNTING, &service, &directory).start();
    fresh(&service, "token-1").refuse("401 Unauthorized", &[], "too old");
    fresh(&service, "token-2").refuse("403 Forbidden", &[], "still too old");
    let ended = wps.end();
    assert_eq!((ended.code, runs(directory.path())), (5, 2));
    ended.assert_stderr(&["warning: could not connect: ", "401", "error: hub `hub1` at `127.0.0.1:", "still too old"]);
    service.assert_no_more_calls();
}

#[test]
fn a_role_that_is_missing_is_explained_with_the_token_of_the_command() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "--url-command", "echo $URL"]).env("URL", service.url()).start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.nack(&frame["ackId"], "Forbidden", "");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 8);
    ended.assert_stderr(&["the token has `webpubsub.sendToGroup`, which allows it"]);
}

/// What it says of a command that gives no URL.
fn failing(command: &str, stderr: &str) {
    let ended = wps(["send", "g", "x", "--reconnect-retries", "0", "--url-command", command]).run();
    assert_eq!((ended.code, ended.text()), (4, ""), "{command}: {}", ended.stderr);
    assert_eq!(ended.stderr, format!("error: could not connect to the service\ncaused by: {stderr}"), "{command}");
}

const BY_HAND: &str = "\nhint: run the command by hand: its stdout has to be a client access URL, or a JSON object with a \
                       `url` field\n";

#[test]
fn a_url_command_that_fails_is_a_failed_attempt_with_what_it_printed() {
    for (command, expected) in [
        ("exit 3", "the URL command failed with exit status 3, and printed nothing"),
        (
            "echo no login: access_token=sesame; exit 1",
            "the URL command failed with exit status 1, and printed a line of 30 bytes",
        ),
        ("kill -9 $$", "the URL command was ended by signal 9, and printed nothing"),
        ("true", "the URL command printed nothing (exit status 0)"),
        (
            "echo hello",
            "the URL command printed no client access URL (exit status 0): it is not a URL: it has no scheme, such as `wss://`: it printed a line of 6 bytes",
        ),
        // A token in pieces, and in a spelling in which nobody would know it.
        (
            "printf 'ws://h/client/hubs/c?access_token=eyJhbGciOi\nJIUzI1NiJ9.\ne30.c2VzYW1l\n'",
            "the URL command printed no client access URL (exit status 0): the URL contains a space or a line break: it \
             printed a client access URL that is broken over 3 lines",
        ),
        (
            "printf '\\377\\376w\\000s\\000s\\000:\\000'",
            "the URL command printed no client access URL (exit status 0): the URL contains a space or a line break: it \
             printed 10 bytes of UTF-16, where UTF-8 is wanted",
        ),
        (
            "echo '{\"token\":\"eyJhbGciOiJIUzI1NiJ9.e30.c2VzYW1l\"}'",
            "the URL command printed a JSON object without a \
          string `url` (exit status 0): it printed a JSON object with the field `token`",
        ),
        ("yes", "the URL command printed more than 65536 bytes"),
    ] {
        failing(command, &format!("{expected}{BY_HAND}"));
    }
}

#[test]
fn a_url_command_that_hangs_is_killed_with_all_it_started_at_the_connect_timeout() {
    let wps = wps(["send", "g", "x", "--reconnect-retries", "0", "--connect-timeout", "700ms"])
        .args(["--url-command", "sleep 1000 | cat & sleep 1000"])
        .start();
    let started = wps.started;
    // A process left over would hold stderr open.
    let ended = wps.end();
    ended.assert(
        4,
        "",
        "error: could not connect to the service\n\
         caused by: timed out after 0.7 s while running the URL command\n\
         hint: the limit is 700 ms (`--connect-timeout`), for what brings the URL and the connection together\n",
    );
    assert!(ended.at - started < Duration::from_secs(5));
}

#[test]
fn something_that_a_url_command_leaves_behind_may_hold_its_stdout_open() {
    let service = Service::start();
    for command in [
        "echo $URL; (cat $FIFO; true) 2> /dev/null & exit 0",
        // The whole URL comes only after the command's end.
        "(cat $FIFO > /dev/null; echo $URL) 2> /dev/null & (echo > $FIFO) & exit 0",
    ] {
        let wps = wps(["join", "g", "--url-command", &format!("FIFO=$HOME/fifo; mkfifo $FIFO; {command}")]);
        let fifo = wps.home().join("fifo");
        let wps = wps.env("URL", service.url()).start();
        service.connect_and_join(&["g"]).see_off();
        // Lets it end, if it has not.
        let _ = std::fs::OpenOptions::new().write(true).custom_flags(NONBLOCK).open(fifo);
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    }
    let ended = wps(["join", "g", "--no-reconnect", "--url-command", "sleep 5 2> /dev/null & exit 3"]).run();
    ended.assert_failed(4, &["the URL command failed with exit status 3, and printed nothing"]);
}

#[test]
fn a_url_command_is_killed_when_the_run_is_stopped() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut wps: Running = wps(["listen", "--url-command", "echo begun >&2; sleep 1000; echo over >&2"]).start();
        wps.err_line("begun");
        wps.signal(signal);
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (code, ""), "{}", ended.stderr);
        assert!(!ended.stderr.contains("over"), "{}", ended.stderr);
    }
}

#[test]
fn a_failing_url_command_is_tried_again_like_any_failure_to_connect() {
    let (service, directory) = (Service::start(), tempfile::tempdir().unwrap());
    let command = format!("{COUNTING}; test $n -ge 3");
    let wps = with_command(&["join", "g"], &command, &service, &directory).start();
    let mut peer = fresh(&service, "token-3").upgrade();
    peer.greet("c1", "reconnect-1");
    peer.grant_join("g");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        ended.stderr.matches("warning: could not connect: the URL command failed with exit status 1").count(),
        2
    );
}
