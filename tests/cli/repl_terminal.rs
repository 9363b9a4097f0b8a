//! `wps repl` at a terminal: what is on the screen while a person types.

use serde_json::json;

use crate::support::service::{ClosedPort, message};
use crate::support::terminal::{Terminal, TerminalSetup, terminal};
use crate::support::{Peer, Service};

pub const PROMPT: &str = "connected    >";

pub fn repl(service: &Service) -> TerminalSetup {
    terminal(["repl", "--url", &service.url()])
}

/// A repl that has joined `g`.
pub fn joined(setup: TerminalSetup, service: &Service) -> (Terminal, Peer) {
    let mut wps = setup.start();
    let mut peer = service.connect();
    wps.last(PROMPT);
    wps.enter("join g");
    peer.grant_join("g");
    wps.see("joined `g`");
    wps.last(PROMPT);
    (wps, peer)
}

pub fn leave(mut wps: Terminal, peer: Peer) {
    wps.enter("quit");
    peer.see_off();
    assert_eq!(wps.end(), 0);
}

/// Gives up what is being typed. While a command runs Ctrl-C is for that one and the line stays; what one has printed last
/// may be seen a moment before it is done, so the key is pressed again where the line has stayed.
fn give_up_line(wps: &mut Terminal, prompt: &str) -> Vec<String> {
    let typed = |lines: &[String]| {
        let began = |line: &&String| line.len() > prompt.len() && line.starts_with(prompt);
        lines.iter().filter(began).count()
    };
    let at_end = |lines: &[String]| lines.iter().rev().find(|line| !line.is_empty()).is_some_and(|line| line == prompt);
    loop {
        let before = typed(&wps.screen());
        wps.keys("\x03");
        let lines = wps.until("a new prompt", |lines| at_end(lines) || typed(lines) > before);
        if at_end(&lines) {
            return lines;
        }
    }
}

/// The position of the first line with this in it.
pub fn position(lines: &[String], text: &str) -> usize {
    lines.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in {lines:#?}"))
}

#[test]
fn messages_appear_above_the_line_being_typed_and_leave_it_alone() {
    for (columns, first, second) in [
        (80, "send g half a li", "ne and the rest"),
        (60, "send g a line that is longer than the terminal is wide, by a go", "od deal, so that it wraps once"),
        (60, "send g 日本語のとても長いテキスト、端末の幅よりも長いので折り返される", "😀 và é"),
    ] {
        let service = Service::start();
        let (mut wps, mut peer) = joined(repl(&service).size(30, columns), &service);
        wps.keys(first);
        let tail: String = first.chars().skip(first.chars().count() - 4).collect();
        wps.see(&tail);
        for number in 1..=3 {
            peer.say(number, &format!("message {number}"));
        }
        let lines = wps.see("message 3");
        let (one, three) = (position(&lines, "[g] bob: message 1"), position(&lines, "[g] bob: message 3"));
        assert_eq!(three, one + 2, "{lines:#?}");
        wps.until("the typed text below", |lines| {
            lines.iter().skip(three + 1).any(|line| line.contains(&tail)) && lines[three + 1].starts_with(PROMPT)
        });
        wps.enter(second);
        let operation = peer.operation();
        assert_eq!(operation["data"], format!("{first}{second}").strip_prefix("send g ").unwrap());
        peer.ack(&operation["ackId"]);
        wps.see("sent to `g`");
        let lines = wps.last(PROMPT);
        assert_eq!(lines.iter().filter(|line| line.starts_with(PROMPT)).count(), 3, "{lines:#?}");
        leave(wps, peer);
    }
}

#[test]
fn two_thousand_messages_while_typing_lose_no_key_and_no_line() {
    const MESSAGES: u64 = 2000;
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service).size(2400, 80), &service);
    let text = "the quick brown fox jumps over the lazy dog, twice";
    let sending = std::thread::spawn(move || {
        for number in 1..=MESSAGES {
            peer.send(&message(number, &format!("message {number} of many")));
        }
        peer
    });
    for key in format!("send g {text}").chars() {
        wps.keys(&key.to_string());
    }
    let mut peer = sending.join().unwrap();
    wps.see(&format!("message {MESSAGES} of many"));
    wps.last(&format!("{PROMPT} send g {text}"));
    wps.keys("\r");
    let operation = peer.operation();
    assert_eq!(operation["data"], text);
    peer.ack(&operation["ackId"]);
    wps.see("sent to `g`");
    let lines = wps.last(PROMPT);
    let shown: Vec<&String> = lines.iter().filter(|line| line.contains("message")).collect();
    let expected: Vec<String> = (1..=MESSAGES).map(|number| format!("[g] bob: message {number} of many")).collect();
    assert!(shown.iter().copied().eq(expected.iter()), "{shown:#?}");
    leave(wps, peer);
}

#[test]
fn lines_entered_in_a_flood_keep_every_message_in_its_place() {
    const LINES: u64 = 40;
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service).size(2400, 80), &service);
    for round in 0..LINES {
        for number in 1..=20 {
            peer.send(&message(round * 20 + number, &format!("message {}", round * 20 + number)));
        }
        wps.enter(&format!("send --no-ack g line {round}"));
    }
    for round in 0..LINES {
        assert_eq!(peer.operation()["data"], format!("line {round}"));
    }
    let lines = wps.see(&format!("message {}", LINES * 20));
    let shown: Vec<&String> = lines.iter().filter(|line| line.starts_with("[g] bob: message")).collect();
    let expected: Vec<String> = (1..=LINES * 20).map(|number| format!("[g] bob: message {number}")).collect();
    assert!(shown.iter().copied().eq(expected.iter()), "{lines:#?}");
    leave(wps, peer);
}

#[test]
fn a_connection_that_is_cut_and_comes_back_leaves_the_typed_text_alone() {
    let service = Service::start();
    let (mut wps, peer) = joined(repl(&service).env("NO_COLOR", "1"), &service);
    wps.keys("send g he");
    wps.last(&format!("{PROMPT} send g he"));
    peer.reset();
    let request = service.request();
    request.assert_recovers("c1", "reconnect-1");
    wps.see("the connection was lost, recovering it");
    wps.last("recovering   > send g he");
    wps.keys("llo");
    let mut peer = request.upgrade();
    assert_eq!(peer.operation_text(), r#"{"type":"ping"}"#);
    peer.send(&json!({"type": "pong"}));
    wps.see("recovered after");
    wps.last(&format!("{PROMPT} send g hello"));
    // For good this time: another connection, and the group is joined again.
    peer.close(1008, "enough");
    wps.see("trying again");
    wps.last("reconnecting > send g hello");
    wps.keys(" w");
    let mut peer = service.connect();
    peer.grant_join("g");
    wps.see("rejoined `g`");
    wps.last(&format!("{PROMPT} send g hello w"));
    wps.enter("orld");
    let operation = peer.operation();
    assert_eq!(operation["data"], "hello world");
    peer.ack(&operation["ackId"]);
    leave(wps, peer);
}

#[test]
fn ctrl_c_abandons_a_send_that_waits_and_not_the_repl() {
    let service = Service::start();
    let (mut wps, peer) = joined(repl(&service), &service);
    peer.reset();
    let request = service.request();
    wps.see("recovering it");
    wps.enter("send g hi");
    wps.see("the message waits until the connection is recovered; Ctrl-C abandons it");
    wps.keys("half\x03");
    wps.see("abandoned");
    // What was being typed is still there.
    wps.last("recovering   > half");
    give_up_line(&mut wps, "recovering   >");
    let mut peer = request.upgrade();
    peer.send(&json!({"type": "pong"}));
    wps.see("recovered after");
    wps.last(PROMPT);
    wps.keys("\x03");
    wps.see("Ctrl-C once more, or Ctrl-D, leaves");
    wps.keys("\x03");
    assert_eq!(peer.operation()["data"], "hi");
    peer.see_off();
    assert_eq!(wps.end(), 0);
}

#[test]
fn ctrl_d_leaves_and_the_terminal_is_as_it_was() {
    let service = Service::start();
    let (mut wps, peer) = joined(repl(&service), &service);
    wps.keys("\x04");
    peer.see_off();
    assert_eq!(wps.end(), 0);
    // Bracketed paste was switched off as often as on, off last.
    let bytes = String::from_utf8_lossy(&wps.bytes()).into_owned();
    assert!(bytes.rfind("\x1b[?2004l") > bytes.rfind("\x1b[?2004h"), "{bytes:?}");
}

#[test]
fn ctrl_z_stops_and_the_line_is_there_again_when_it_goes_on() {
    let long =
        "send g a line that is longer than the terminal is wide, by a good deal, so that it has two rows, of whi";
    for first in ["send g whi", long] {
        let service = Service::start();
        let (mut wps, mut peer) = joined(repl(&service).under_a_shell(), &service);
        wps.keys(first);
        wps.see("whi");
        wps.keys("\x1a");
        let rows: Vec<String> = format!("{PROMPT} {first}")
            .as_bytes()
            .chunks(80)
            .map(|row| String::from_utf8_lossy(row).trim_end().to_owned())
            .collect();
        let lines = wps.until("the line below what the shell says", |lines| {
            let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
            lines.iter().any(|line| line == "stopped") && lines[..used].ends_with(&rows)
        });
        position(&lines, "joined `g`");
        peer.say(1, "while it goes on");
        wps.see("while it goes on");
        wps.enter("le");
        let operation = peer.operation();
        assert_eq!(operation["data"], format!("{first}le").strip_prefix("send g ").unwrap());
        peer.ack(&operation["ackId"]);
        wps.see("sent to");
        let lines = wps.last(PROMPT);
        // As it was when it was stopped, and as it was entered.
        assert_eq!(lines.iter().filter(|line| line.contains("send g")).count(), 2, "{lines:#?}");
        leave(wps, peer);
    }
}

#[test]
fn what_was_only_offered_does_not_stay_after_ctrl_c() {
    let service = Service::start();
    let (mut wps, peer) = joined(repl(&service), &service);
    wps.keys("jo");
    wps.last(&format!("{PROMPT} join g"));
    let lines = give_up_line(&mut wps, PROMPT);
    assert!(lines.contains(&format!("{PROMPT} jo")), "{lines:#?}");
    leave(wps, peer);
}

#[test]
fn messages_come_at_once_behind_a_list_of_completions_and_none_is_lost_in_a_flood() {
    const MESSAGES: u64 = 300;
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service).size(2400, 80), &service);
    wps.keys("s\t");
    wps.see("send     stream   state    service  sleep");
    // No key comes after the TAB.
    peer.say(1, "at once");
    wps.see("[g] bob: at once");
    let sending = std::thread::spawn(move || {
        for number in 2..=MESSAGES {
            peer.send(&message(number, &format!("message {number}")));
        }
        peer
    });
    for _ in 0..100 {
        wps.keys("\t");
    }
    let peer = sending.join().unwrap();
    wps.see(&format!("message {MESSAGES}"));
    let lines = wps.until("every list", |lines| {
        lines.iter().filter(|line| line.contains("send     stream   state    service  sleep")).count() == 101
    });
    let shown: Vec<&String> = lines.iter().filter(|line| line.contains("message")).collect();
    let expected: Vec<String> = (2..=MESSAGES).map(|number| format!("[g] bob: message {number}")).collect();
    assert!(shown.iter().copied().eq(expected.iter()), "{shown:#?}");
    wps.keys("\x15");
    leave(wps, peer);
}

#[test]
fn hostile_text_does_not_disturb_the_terminal_and_long_data_is_cut() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service), &service);
    wps.keys("send g typ");
    peer.say(1, "a\u{1b}[2J\u{7}\u{202e}b\u{1b}]0;title\u{7}\r");
    wps.see("[g] bob: a\\u001b[2J\\u0007\\u202eb\\u001b]0;title\\u0007\\r");
    peer.say(2, &"x".repeat(1_000_000));
    wps.see("… (1000000 bytes; `set full on` shows all)");
    wps.last(&format!("{PROMPT} send g typ"));
    wps.enter("ed");
    let operation = peer.operation();
    assert_eq!(operation["data"], "typed");
    peer.ack(&operation["ackId"]);
    wps.see("sent to");
    wps.enter("set full on");
    wps.see("long data is shown whole");
    peer.say(3, &format!("{}end", "y".repeat(10_000)));
    wps.see("yyyend");
    let bytes = wps.bytes();
    assert!(!bytes.contains(&7), "a bell");
    leave(wps, peer);
}

#[test]
fn an_error_says_what_to_do_and_the_prompt_is_there_again() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service), &service);
    for (line, error) in [
        ("bogus", "error: there is no command `bogus`"),
        ("send --no-eco g x", "hint: did you mean `--no-echo`?"),
        ("send -t json g {\"a\":}", "caused by: expected value at line 1 column 6"),
        ("send 'g x", "error: the quote ' is not closed"),
        ("set full maybe", "hint: possible: `on`, `off`"),
    ] {
        wps.enter(line);
        wps.see(error);
        wps.last(PROMPT);
    }
    wps.enter("join secret");
    let join = peer.operation();
    peer.nack(&join["ackId"], "Forbidden", "no");
    wps.see("error: the service refused to join `secret`");
    wps.see("hint: the token has `webpubsub.joinLeaveGroup`");
    wps.last(PROMPT);
    leave(wps, peer);
}

#[test]
fn tab_completes_and_history_comes_back() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service), &service);
    wps.keys("sen\t-t js\t");
    wps.last(&format!("{PROMPT} send -t json"));
    wps.keys("g {\"a\":\r");
    wps.keys("1}\r");
    let operation = peer.operation();
    assert_eq!(operation["data"], json!({"a": 1}));
    peer.ack(&operation["ackId"]);
    wps.see("sent to");
    wps.last(PROMPT);
    wps.enter("send g a token: access_token=abcdefghijkl");
    let operation = peer.operation();
    peer.ack(&operation["ackId"]);
    wps.see("(ackId 3)");
    // Ctrl-R.
    wps.keys("\x12join");
    wps.see("(reverse-i-search)`join': join g");
    wps.keys("\x07");
    wps.last(PROMPT);
    wps.enter("history");
    wps.see("1  join g");
    wps.last(PROMPT);
    let kept = std::fs::read_to_string(wps.file(".local/state/wps/history")).unwrap();
    assert_eq!(kept, "join g\nsend -t json g {\"a\":\\n1}\nhistory\n");
    leave(wps, peer);
}

#[test]
fn it_works_in_a_narrow_terminal_and_follows_its_size() {
    let service = Service::start();
    let mut wps = repl(&service).size(24, 30).start();
    let mut peer = service.connect();
    wps.last("on>");
    wps.keys("send g a text that wraps");
    wps.see("at wraps");
    peer.say(1, "one");
    wps.see("[g] bob: one");
    wps.resize(24, 100);
    wps.keys(" no more");
    wps.see("send g a text that wraps no more");
    peer.say(2, "two");
    wps.see("[g] bob: two");
    wps.keys("\r");
    let operation = peer.operation();
    assert_eq!(operation["data"], "a text that wraps no more");
    peer.ack(&operation["ackId"]);
    wps.last(PROMPT);
    leave(wps, peer);
}

#[test]
fn colours_show_json_and_its_brackets_and_a_hint_and_none_are_there_without_colour() {
    for colored in [true, false] {
        let service = Service::start();
        let mut setup = repl(&service);
        if !colored {
            setup = setup.env("NO_COLOR", "1");
        }
        let (mut wps, peer) = joined(setup, &service);
        let hinted = if colored { format!("{PROMPT} join g") } else { format!("{PROMPT} jo") };
        wps.keys("jo");
        wps.last(&hinted);
        let json = "send -t json g {\"a\":[1,true]}";
        // In place of what was typed; the cursor then goes back, onto the last bracket.
        wps.keys(&format!("\x15{json}"));
        wps.last(&format!("{PROMPT} {json}"));
        wps.keys("\x1b[D");
        let end = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let marked = "\x1b[1;4m{\x1b[0m\x1b[33m\"a\"\x1b[0m:[\x1b[35m1\x1b[0m,\x1b[34mtrue\x1b[0m]\x1b[1;4m}\x1b[0m";
        if colored {
            wps.until_bytes("the marked brackets", |bytes| end(bytes).contains(marked));
            assert!(end(&wps.bytes()).contains("\x1b[90min g\x1b[0m"), "the hint is grey");
        }
        // Away from the brackets.
        wps.keys("\x15\x0bx");
        wps.last(&format!("{PROMPT} x"));
        if !colored {
            let written = end(&wps.bytes());
            let is_color =
                |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m');
            assert!(!written.split("\x1b[").skip(1).any(is_color), "{written:?}");
        }
        wps.keys("\x15");
        leave(wps, peer);
    }
}

#[test]
fn a_window_that_changes_its_width_keeps_what_stands_in_it() {
    let service = Service::start();
    // The screen of these tests keeps its rows as they are, as xterm does, which says who it is.
    let (mut wps, mut peer) = joined(repl(&service).env("XTERM_VERSION", "XTerm(390)"), &service);
    let text = "send g a line that is so long that it has two rows here, and three in a window half as wide";
    peer.say(1, "before");
    wps.see("[g] bob: before");
    wps.keys(text);
    wps.see("half as wide");
    for (number, columns) in [(2, 50), (3, 120), (4, 40), (5, 80)] {
        let shown = format!("{PROMPT} {text}");
        let rows: Vec<String> = shown
            .as_bytes()
            .chunks(columns.into())
            .map(|row| String::from_utf8_lossy(row).trim_end().to_owned())
            .collect();
        let at_the_bottom = |lines: &[String]| {
            let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
            lines[..used].ends_with(&rows)
        };
        wps.resize(24, columns);
        wps.until("the line in the new width", at_the_bottom);
        peer.say(number, &format!("message {number}"));
        wps.see(&format!("[g] bob: message {number}"));
        let lines = wps.until("the line below", at_the_bottom);
        assert_eq!(lines.iter().filter(|line| line.contains("send g")).count(), 1, "{lines:#?}");
        position(&lines, "[g] bob: before");
    }
    wps.enter("");
    let operation = peer.operation();
    assert_eq!(operation["data"], text.strip_prefix("send g ").unwrap());
    peer.ack(&operation["ackId"]);
    wps.see("sent to");
    leave(wps, peer);
}

#[test]
fn a_dumb_terminal_and_no_colour_get_no_escapes() {
    let port = ClosedPort::reserve().port();
    for (name, value) in [("TERM", "dumb"), ("NO_COLOR", "1")] {
        let mut wps = terminal(["repl", &format!("--local={port}")]).env(name, value).start();
        wps.see("connected to hub `hub1`");
        wps.see(">");
        wps.enter("join g");
        wps.see("joined `g`");
        wps.enter("send g hi");
        let lines = wps.see("sent to `g`");
        // No prompt comes before the command is done.
        assert_eq!(position(&lines, "sent to `g`"), position(&lines, "[g] hi") + 1, "{lines:#?}");
        wps.enter("quit");
        assert_eq!(wps.end(), 0);
        let bytes = String::from_utf8_lossy(&wps.bytes()).into_owned();
        if name == "TERM" {
            assert!(!bytes.contains('\x1b'), "{bytes:?}");
        } else {
            assert!(!bytes.contains("\x1b[3") && !bytes.contains("\x1b[1m"), "{bytes:?}");
        }
    }
}

#[test]
fn on_a_dumb_terminal_ctrl_c_abandons_the_command_and_twice_on_an_empty_line_leaves() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service).env("TERM", "dumb"), &service);
    peer.say(1, "while nothing runs");
    wps.see("[g] bob: while nothing runs");
    wps.last(PROMPT);
    wps.enter("send g one\\");
    wps.last("...          >");
    wps.enter("two");
    let operation = peer.operation();
    assert_eq!(operation["data"], "one\ntwo");
    peer.ack(&operation["ackId"]);
    wps.see("sent to `g`");
    wps.last(PROMPT);
    wps.enter("send g is never acknowledged");
    peer.operation();
    peer.say(2, "while it waits");
    wps.last("[g] bob: while it waits");
    wps.keys("\x03");
    wps.see("abandoned");
    wps.last(PROMPT);
    // A command of several lines is given up whole.
    wps.enter("send g never\\");
    wps.last("...          >");
    wps.keys("\x03");
    wps.see("Ctrl-C once more, or Ctrl-D, leaves");
    wps.last(PROMPT);
    wps.enter("send --no-ack g this");
    assert_eq!(peer.operation()["data"], "this");
    let lines = wps.last(PROMPT);
    assert!(lines.iter().all(|line| line.matches('>').count() < 2), "{lines:#?}");
    wps.keys("\x03");
    wps.until("the hint again", |lines| lines.iter().filter(|line| line.contains("once more")).count() == 2);
    wps.last(PROMPT);
    wps.keys("\x03");
    peer.see_off();
    assert_eq!(wps.end(), 0);
}

#[test]
fn two_repls_at_once_keep_each_others_history() {
    let port = ClosedPort::reserve().port();
    let home = tempfile::tempdir().unwrap();
    let start = || {
        let wps = terminal(["repl", &format!("--local={port}")]).env("HOME", home.path().to_str().unwrap()).start();
        wps.last(PROMPT);
        wps
    };
    let mut one = start();
    let mut other = start();
    // Enters a line, and waits until the editor is done with it.
    let entered = |wps: &mut Terminal, line: &str| {
        let shown = format!("{PROMPT} {line}");
        let count = |lines: &[String]| lines.iter().filter(|line| **line == shown).count();
        let before = count(&wps.last(PROMPT));
        wps.enter(line);
        wps.until("the line", |lines| count(lines) > before);
        wps.last(PROMPT);
    };
    for (first, second) in [("join a", "join b"), ("send a 1", "send b 1"), ("join a", "send b 2")] {
        for (wps, line) in [(&mut one, first), (&mut other, second)] {
            entered(wps, line);
        }
    }
    other.enter("quit");
    assert_eq!(other.end(), 0);
    entered(&mut one, "send a 2");
    // A third one has all of it, each line once, at its newest place.
    let mut third = start();
    third.enter("history");
    let lines = third.see("8  history");
    for (number, line) in
        [(1, "join b"), (2, "send a 1"), (3, "send b 1"), (4, "join a"), (5, "send b 2"), (6, "quit"), (7, "send a 2")]
    {
        assert!(lines.contains(&format!("{number}  {line}")), "{lines:#?}");
    }
    // What it tidied away has cost the first one nothing.
    entered(&mut one, "ping");
    let kept = std::fs::read_to_string(home.path().join(".local/state/wps/history")).unwrap();
    assert_eq!(kept, "join b\nsend a 1\nsend b 1\njoin a\nsend b 2\nquit\nsend a 2\nhistory\nping\n");
    third.enter("quit");
    assert_eq!(third.end(), 0);
    one.enter("quit");
    assert_eq!(one.end(), 0);
}

#[test]
fn several_lines_pasted_at_once_run_in_order() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service), &service);
    for (number, (start, end)) in [("", ""), ("\x1b[200~", "\x1b[201~\r")].into_iter().enumerate() {
        let lines: String = (0..20).map(|line| format!("send g paste {number} line {line}\r")).collect();
        wps.keys(&format!("{start}{}{end}", if end.is_empty() { &lines } else { lines.trim_end() }));
        for line in 0..20 {
            let operation = peer.operation();
            assert_eq!(operation["data"], format!("paste {number} line {line}"));
            peer.ack(&operation["ackId"]);
        }
        wps.last(PROMPT);
    }
    leave(wps, peer);
}

#[test]
fn without_a_home_it_works_and_says_once_that_no_history_is_kept() {
    let port = ClosedPort::reserve().port();
    let unwritable = |setup: TerminalSetup| {
        let file = setup.home().join("file");
        std::fs::write(&file, "").unwrap();
        let below = file.join("home");
        setup.env("HOME", below.to_str().unwrap())
    };
    let local = format!("--local={port}");
    for setup in [terminal(["repl", &local]).without("HOME"), unwritable(terminal(["repl", &local]))] {
        let mut wps = setup.start();
        wps.see("the history is not kept: ");
        wps.last(PROMPT);
        wps.enter("ping");
        wps.see(" ms");
        wps.enter("history");
        let lines = wps.see("1  ping");
        assert_eq!(lines.iter().filter(|line| line.contains("not kept")).count(), 1, "{lines:#?}");
        wps.enter("exit");
        assert_eq!(wps.end(), 0);
    }
}

#[test]
fn a_byte_that_is_not_utf_8_is_left_out_and_said_so() {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service), &service);
    wps.keys("send g caf");
    wps.last(&format!("{PROMPT} send g caf"));
    // In Latin-1. The byte behind it is taken with it, even if that is Enter: nothing may be added to what is left.
    wps.raw(b"\xe9\r");
    wps.see("warning: what was typed is not UTF-8");
    wps.last(PROMPT);
    wps.enter("send --no-ack g next");
    assert_eq!(peer.operation()["data"], "next");
    wps.last(PROMPT);
    // A byte that begins nothing, within what is pasted.
    wps.raw(b"send g \xff one\rsend g two\r");
    wps.until("another warning", |lines| lines.iter().filter(|line| line.contains("is not UTF-8")).count() == 2);
    wps.last(PROMPT);
    wps.keys("send g caf");
    wps.last(&format!("{PROMPT} send g caf"));
    wps.enter("\u{e9}");
    let operation = peer.operation();
    assert_eq!(operation["data"], "caf\u{e9}");
    peer.ack(&operation["ackId"]);
    wps.see("sent to `g`");
    wps.last(PROMPT);
    leave(wps, peer);
}
