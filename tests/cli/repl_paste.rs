//! Text that is pasted at a terminal that does not say so: keys that come faster than anybody types.

use crate::repl_terminal::{PROMPT, joined, leave, repl};
use crate::support::Service;

/// What is written to the terminal while `count` characters of JSON are pasted, in bytes.
fn written(count: usize, rows: u16, columns: u16) -> usize {
    let service = Service::start();
    let (mut wps, mut peer) = joined(repl(&service).size(rows, columns), &service);
    let data: String =
        "{\"name\":\"é 日本 😀\",\"value\":12345,\"list\":[1,2,3]},".chars().cycle().take(count).collect();
    let data = format!("{data}THE END");
    let before = wps.bytes().len();
    wps.keys(&format!("send g {data}"));
    wps.until("the end of it", |lines| lines.concat().contains("THE END"));
    // A message comes above it, and it stands there as it did.
    peer.say(1, "amid the paste");
    wps.until("the end of it again", |lines| lines.concat().contains("THE END"));
    let after = wps.bytes().len();
    wps.keys("\r");
    let operation = peer.operation();
    assert_eq!(operation["data"], data);
    peer.ack(&operation["ackId"]);
    wps.see("sent to `g`");
    wps.last(if columns < 50 { "on>" } else { PROMPT });
    leave(wps, peer);
    after - before
}

#[test]
fn a_long_text_is_not_painted_anew_with_every_key() {
    let short = written(4000, 24, 80);
    let long = written(16_000, 24, 80);
    assert!(short < 1_000_000, "{short} bytes for 4000 characters");
    // Four times as much costs four times as much, and not 16 times: painted with every key it would be 140 MB.
    assert!(long < 4_000_000, "{long} bytes for 16000 characters, {short} for 4000");
}

#[test]
fn the_colours_are_there_when_no_more_comes() {
    let service = Service::start();
    let (mut wps, peer) = joined(repl(&service), &service);
    let zeros = "0,".repeat(500);
    wps.keys(&format!("send -t json g [{zeros}true"));
    wps.until_bytes("the last word in its colour", |bytes| {
        bytes.ends_with(b"\x1b[34mtrue\x1b[0m\r\x1b[39C\x1b[?2026l") || {
            let text = String::from_utf8_lossy(bytes);
            text.rfind("\x1b[34mtrue\x1b[0m").is_some_and(|at| text.len() - at < 40)
        }
    });
    wps.keys("\x15");
    wps.last(PROMPT);
    leave(wps, peer);
}
