//! Streams in `wps repl` (PROTOCOL §9.1): from a script, and at a terminal.

use serde_json::Value;

use crate::repl_terminal::{PROMPT, position};
use crate::support::emulator::Emulator;
use crate::support::terminal::{Terminal, terminal};
use crate::support::{Ended, Running, wps};

/// The prompt where lines are fragments, without the blank behind it.
const STREAM: &str = "stream       >";

fn script(emulator: &Emulator, lines: &str, more: &[&str]) -> Ended {
    wps(["repl", &emulator.local()]).args(more).stdin(lines).run()
}

/// What a listener hears next of a stream: data, and its part.
fn part(listener: &mut Running) -> (Value, Value) {
    let mut record = listener.skip_to("group-message");
    (record["data"].take(), record["stream"].take())
}

fn at_terminal(emulator: &Emulator) -> Terminal {
    let wps = terminal(["repl", &emulator.local()]).start();
    wps.last(PROMPT);
    wps
}

#[test]
fn the_lines_behind_stream_are_its_fragments_until_the_one_that_ends_it() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&[]);
    let lines = "stream --stream-id one g\n# no comment\n\nquit\\\n\\.\n\
                 stream -t json --stream-id two --end-error E7:enough g\n{\"a\": 1.0}\n\\.\n\
                 send g between\nstream --stream-id three g\nto the end";
    let ended = script(&emulator, lines, &["-o", "ndjson"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let of = |kind: &str| ended.records().into_iter().filter(|record| record["type"] == kind).collect::<Vec<_>>();
    let fragments: Vec<_> = of("stream-ended").iter().map(|record| record["fragments"].clone()).collect();
    assert_eq!(fragments, [3, 1, 1]);
    for (id, data) in [("one", "# no comment\n"), ("one", "\n"), ("one", "quit\\\n")] {
        let (heard, stream) = part(&mut listener);
        assert_eq!((heard.as_str(), &stream["streamId"]), (Some(data), &id.into()));
    }
    assert_eq!(part(&mut listener).1["endOfStream"], true);
    assert_eq!(part(&mut listener).0["a"].to_string(), "1.0");
    assert_eq!(part(&mut listener).1["error"]["userErrorCode"], "E7");
    assert_eq!(part(&mut listener).0, "between");
    assert_eq!(part(&mut listener).0, "to the end\n");
    assert_eq!(part(&mut listener).1["endOfStream"], true);
}

#[test]
fn a_stream_that_fails_ends_the_script_or_its_lines_are_left_out() {
    let emulator = Emulator::with(&["nack=Forbidden,op=streamStart,group=no"]);
    script(&emulator, "stream no\na\n\\.\n", &["-q"])
        .assert_failed(8, &["line 1: the service refused the stream to `no`", "Forbidden"]);
    let mut listener = emulator.listen(&[]);
    // What was meant as data is never taken for a command.
    let ended = script(&emulator, "stream no\nsend g never\n\\.\nsend g still\n", &["-q", "--keep-going"]);
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    assert_eq!(part(&mut listener).0, "still");
    let ended = script(&emulator, "stream -t json g\n[1]\n{\n", &["-q"]);
    ended.assert_failed(11, &["line 3: the line is not JSON"]);
    assert_eq!(part(&mut listener).0, serde_json::json!([1]));
    assert_eq!(part(&mut listener).1["error"]["userErrorCode"], "Aborted");
    for (line, words) in [
        ("stream -t binary g", "the lines of a stream are text or json"),
        ("stream", "missing: `GROUP`"),
        ("stream --stream-id= g", "`--stream-id` has 1 to 1024 bytes"),
    ] {
        script(&emulator, line, &["-q"]).assert_failed(2, &[words]);
    }
}

#[test]
fn at_a_terminal_the_prompt_says_that_lines_are_fragments_and_ctrl_d_ends_the_stream() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&[]);
    let mut wps = at_terminal(&emulator);
    wps.enter("join g");
    wps.see("joined `g`");
    wps.enter("stream --stream-id s g");
    wps.see("`\\.` or Ctrl-D ends the stream");
    wps.last(STREAM);
    wps.enter("quit");
    assert_eq!(part(&mut listener).0, "quit\n");
    // What others send is shown meanwhile, and the own fragments as they come.
    emulator.publish(&["from another"]);
    let lines = wps.see("[g] sender: from another");
    assert!(position(&lines, "[g] (stream s) quit") < position(&lines, "from another"), "{lines:#?}");
    assert_eq!(part(&mut listener).0, "from another");
    wps.keys("half");
    wps.last(&format!("{STREAM} half"));
    wps.keys("\x03");
    wps.until("a new prompt", |lines| lines.iter().any(|line| line == STREAM));
    wps.keys("\x04");
    wps.see("stream `s` to `g` has ended, 1 fragment");
    wps.last(PROMPT);
    assert_eq!(part(&mut listener).1["endOfStream"], true);
    // Only commands come back.
    wps.keys("\x1b[A");
    wps.last("connected    > stream --stream-id s g");
    wps.keys("\x15");
    wps.enter("stream --stream-id t g");
    wps.last(STREAM);
    wps.keys("\x03");
    wps.see("broke the stream off");
    wps.last(PROMPT);
    assert_eq!(part(&mut listener).1["error"]["userErrorCode"], "Aborted");
    wps.enter("quit");
    assert_eq!(wps.end(), 0);
}

#[test]
fn a_stream_that_is_refused_or_closed_gives_the_prompt_back() {
    let emulator =
        Emulator::with(&["nack=Forbidden,op=streamStart,group=no", "close-stream=InternalServerError,group=g,nth=2"]);
    let mut wps = at_terminal(&emulator);
    wps.enter("stream no");
    wps.see("the service refused the stream to `no`");
    wps.last(PROMPT);
    wps.enter("stream g");
    wps.last(STREAM);
    wps.enter("one");
    wps.enter("two");
    wps.see("has failed, fragment 1 of 2 is");
    wps.last(PROMPT);
    wps.enter("groups");
    wps.see("no groups");
    wps.enter("quit");
    assert_eq!(wps.end(), 0);
}

#[test]
fn without_a_line_editor_streams_are_written_too() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&[]);
    let mut wps = terminal(["repl", &emulator.local()]).env("TERM", "dumb").start();
    wps.last(PROMPT);
    wps.enter("stream g");
    wps.last(STREAM);
    wps.enter("exit");
    assert_eq!(part(&mut listener).0, "exit\n");
    wps.last(STREAM);
    wps.keys("\x04");
    assert_eq!(part(&mut listener).1["endOfStream"], true);
    wps.last(PROMPT);
    wps.enter("quit");
    assert_eq!(wps.end(), 0);
}
