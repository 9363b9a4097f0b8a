//! A flag that is given is used, or refused with the reason.

use crate::support::service::ClosedPort;
use crate::support::terminal::terminal;
use crate::support::{Service, wps};

#[test]
fn a_proxy_does_not_go_with_local() {
    let ended = wps(["send", "g", "x", "--local=1", "--proxy", "http://proxy.example:3128"]).run();
    ended.assert_failed(2, &["`--local` is never reached through a proxy", "hint: leave `--proxy` out"]);
    // What is meant for the world is not meant for this machine.
    let ended = wps(["send", "g", "x", "--local=1"]).env("ALL_PROXY", "http://proxy.example:3128").run();
    ended.assert_failed(4, &["nothing listens"]);
    let ended = wps(["send", "g", "x", "--local=1", "--proxy", "none"]).run();
    ended.assert_failed(4, &["nothing listens"]);
}

#[test]
fn a_negative_number_is_told_to_be_none_of_the_flags_values() {
    for (arguments, flag) in [
        (&["send", "g", "x", "--repeat", "-1"][..], "--repeat"),
        (&["listen", "--count", "-3"], "--count"),
        (&["listen", "--for", "-3"], "--for"),
        (&["listen", "--reconnect-retries", "-1"], "--reconnect-retries"),
        (&["emulator", "--port", "-1"], "--port"),
    ] {
        let ended = wps(arguments.iter().copied()).run();
        ended.assert_failed(2, &[&format!("is not a value of `{flag}`")]);
    }
}

#[test]
fn a_role_that_the_service_does_not_know_is_warned_about_where_it_is_signed() {
    let ended =
        wps(["url", "create", "--local", "--role", "webpubsub.sendtogroup", "--role", "webpubsub.sendToGroup.a"]).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.starts_with("warning: `--role`: `webpubsub.sendtogroup` is not a role that the service knows; did you mean `webpubsub.sendToGroup`?\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stderr.matches("warning").count(), 1, "{}", ended.stderr);
}

#[test]
fn groups_with_a_comma_between_are_told_to_be_one() {
    for (given, hint) in [
        (&["listen", "-g", "a,b"][..], "`-g a -g b` means several"),
        (&["join", "a,b"], "`a b` means several"),
        (&["send", "a,b", "text"], "several take a command each"),
        (&["ping", "--group", "a,b"], "several take a command each"),
        (&["state", "list", "a,b"], "several take a command each"),
        (&["bench", "sub", "--group", "a,b"], "several take a command each"),
    ] {
        let nowhere = ["--url", "ws://127.0.0.1:1/client/hubs/h", "--no-reconnect"];
        let run = terminal(given.iter().chain(&nowhere).copied()).start();
        assert_eq!(run.end(), 4);
        let screen = run.screen().join(" ");
        assert!(screen.contains(&format!("hint: `a,b` is one group; {hint}")), "{given:?}: {screen}");
    }
    let local = format!("--local={}", ClosedPort::reserve().port());
    for (given, code, hint) in [
        (&["url", "create", &local, "-g", "a,b"][..], 0, "`--initial-group a --initial-group b` means several"),
        (&["service", "close", &local, "--group", "a,b"], 4, "several take a command each"),
        (&["service", "group", "add", "a,b", "--user", "u", &local], 4, "several take a command each"),
        (&["service", "connections", &local, "--group", "a,b"], 4, "several take a command each"),
    ] {
        let run = terminal(given.iter().copied()).start();
        assert_eq!(run.end(), code, "{given:?}");
        let screen = run.screen().join(" ");
        assert!(screen.contains(&format!("hint: `a,b` is one group; {hint}")), "{given:?}: {screen}");
    }
    let ended = wps(["repl", &local]).stdin("join a,b\n").run();
    ended.assert_stderr(&["hint: `a,b` is one group; `a b` means several", "joined `a,b`"]);
}

#[test]
fn listening_to_no_group_is_explained_when_nothing_comes() {
    let service = Service::start();
    let mut run = wps(["listen", "--url", &service.url()]).start();
    let peer = service.connect();
    let line = run.err_line("nothing has come yet");
    assert!(line.contains("`--group NAME` joins a group"), "{line}");
    drop(peer);
    run.signal(rustix::process::Signal::INT);
    assert_eq!(run.end().code, 130);
}
