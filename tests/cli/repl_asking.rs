//! What can be asked of `wps repl` while it waits for something else, and what its help says.

use crate::repl_terminal::{PROMPT, joined, leave, position, repl};
use crate::support::service::ClosedPort;
use crate::support::{Service, wps};

#[test]
fn status_and_groups_are_answered_while_a_send_waits_for_its_ack() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service), &service);
    wps.enter("send g one");
    let operation = peer.operation();
    wps.enter("send g two");
    wps.enter("status");
    wps.see("runs          `send`, for ");
    wps.see("; 1 more behind it");
    wps.enter("groups");
    wps.see("`g`  joined");
    wps.enter("set");
    wps.see("timestamps  off");
    wps.last(PROMPT);
    // What waits is carried out in its order.
    peer.ack(&operation["ackId"]);
    let operation = peer.operation();
    assert_eq!(operation["data"], "two");
    peer.ack(&operation["ackId"]);
    wps.see("(ackId 3)");
    // Nothing runs: nothing is said of it.
    wps.keys("\x0c");
    wps.until("an empty screen", |lines| !lines.iter().any(|line| line.starts_with("runs")));
    wps.enter("status");
    let lines = wps.see("round trip");
    assert!(!lines.iter().any(|line| line.starts_with("runs")), "{lines:#?}");
    wps.last(PROMPT);
    leave(wps, peer);
}

#[test]
fn lines_entered_together_are_answered_in_their_order() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service), &service);
    wps.keys("join h\rgroups\r");
    peer.grant_join("h");
    let lines = wps.see("`h`  joined");
    assert!(position(&lines, "joined `h`") < position(&lines, "`h`  joined"), "{lines:#?}");
    wps.last(PROMPT);
    leave(wps, peer);
}

#[test]
fn set_alone_shows_how_it_is_set_and_errors_say_what_could_be() {
    let port = ClosedPort::reserve().port();
    let lines = "set\nset timestamps on\nset output data\nset full off\nset\nset foo\nset full\nsned g hi\nhelp join\n";
    let ended = wps(["repl", &format!("--local={port}"), "--keep-going"]).stdin(lines).run();
    assert_eq!(ended.code, 2);
    ended.assert_stderr(&[
        "output      text    text|ndjson|data|raw\n",
        "timestamps  off     on|off\n",
        "full        on      on|off\n",
        "output      data    text",
        "timestamps  on      on|off\n",
        "full        off     on|off\n",
        "error: line 6: `set` knows no `foo`\nhint: possible: `output`, `timestamps`, `full`\n",
        "error: line 7: missing: `SWITCH`\nhint: possible: `on`, `off`\n",
        "error: line 8: there is no command `sned`\nhint: did you mean `send`?\n",
        "Usage: join [OPTIONS] <GROUP>...",
    ]);
}

#[test]
fn help_and_the_prompt_keep_to_a_narrow_window() {
    let service = Service::start();
    let mut wps = repl(&service).size(150, 40).start();
    let peer = service.connect();
    wps.last("on>");
    wps.enter("help");
    let lines = wps.see("begins a comment.");
    // Every row begins where one should, which a line that was folded by the terminal does not.
    let from = position(&lines, "  join <GROUP>...");
    assert_eq!(lines[from + 1], "      Join groups", "{lines:#?}");
    assert_eq!(
        lines[position(&lines, "      Show the connection: state, ids,") + 1],
        "      counts, times",
        "{lines:#?}"
    );
    wps.enter("help send");
    let lines = wps.see("Usage: send [OPTIONS] <GROUP> [DATA]");
    assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:#?}");
    wps.last("on>");
    leave(wps, peer);
}
