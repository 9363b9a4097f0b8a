//! Many operations of a run: `send` and `event` with `--lines`, `--ndjson` and `--repeat`. What the service gets, in which order, how
//! often, what is told of it, and the exit code.

mod losses;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::process::Setup;
use crate::support::{FromClient, Peer, Running, Service, kinds, wps};

/// A frame holds so much (PROTOCOL §12).
const MAX_FRAME: usize = 1024 * 1024;

fn start(service: &Service, command: &[&str], stdin: impl Into<Vec<u8>>) -> Running {
    wps(command).args(["--url", &service.url()]).stdin(stdin).start()
}

/// The lines 1 to `count`.
fn numbers(count: u64) -> String {
    (1..=count).map(|number| format!("{number}\n")).collect()
}

/// Acknowledges the operations that come, so many, and returns them.
fn serve(peer: &mut Peer, count: usize) -> Vec<Value> {
    let mut frames = Vec::new();
    for _ in 0..count {
        let frame = peer.operation();
        peer.ack(&frame["ackId"]);
        frames.push(frame);
    }
    frames
}

/// Reads so many operations and acknowledges none.
fn read(peer: &mut Peer, count: usize) -> Vec<Value> {
    (0..count).map(|_| peer.operation()).collect()
}

/// That nothing more comes for a while.
#[track_caller]
fn assert_quiet(peer: &mut Peer) {
    assert_eq!(peer.attend(Instant::now() + Duration::from_millis(150)), FromClient::Silence);
}

fn data(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["data"].as_str().unwrap()).collect()
}

fn prove(peer: &mut Peer) {
    assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
    peer.send(&json!({"type": "pong"}));
}

#[test]
fn each_line_is_a_message_in_order_and_every_ack_names_its_line() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "-o", "ndjson"], "a\nb\nc\n");
    let mut peer = service.connect();
    let frames = serve(&mut peer, 3);
    assert_eq!(frames[2], json!({"type": "sendToGroup", "group": "g", "ackId": 3, "dataType": "text", "data": "c"}));
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "ack", "ack", "ack", "stopped"]);
    assert_eq!((&records[2]["line"], &records[2]["ackId"]), (&json!(2), &json!(2)));
    let stopped = &records[4];
    assert_eq!(
        (&stopped["sent"], &stopped["acked"], &stopped["failed"], &stopped["exitCode"]),
        (&json!(3), &json!(3), &json!(0), &json!(0))
    );
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&["sent 3 lines, 3 acknowledged, in "]);
}

#[test]
fn lines_of_every_kind_have_a_defined_result() {
    let rows: [(&[&str], &[u8], &[Value]); 9] = [
        (&[], b"a\r\nb\r\n", &[json!("a"), json!("b")]),
        (&[], b"a\n\nb", &[json!("a"), json!(""), json!("b")]),
        (&[], b"a\rb\r", &[json!("a\rb\r")]),
        (&[], b"nul\0nul\n", &[json!("nul\0nul")]),
        (&[], "h\u{e9}\u{1f30d}\u{feff}\n".as_bytes(), &[json!("h\u{e9}\u{1f30d}\u{feff}")]),
        (&["-t", "json"], b" {\"a\":1}\r\n\"x\"\n", &[json!({"a": 1}), json!("x")]),
        (&["-t", "binary"], b"\xff\0\n\n", &[json!("/wA="), json!("")]),
        (&["-t", "binary", "--encoding", "hex"], b"00 ff\r\n", &[json!("AP8=")]),
        (&["-t", "binary", "--encoding", "base64"], b"AP8\n", &[json!("AP8=")]),
    ];
    for (flags, stdin, expected) in rows {
        let service = Service::start();
        let wps = wps(["send", "--url", &service.url(), "g", "--lines"]).args(flags).stdin(stdin).start();
        let mut peer = service.connect();
        let frames = serve(&mut peer, expected.len());
        peer.see_off();
        assert_eq!(wps.end().code, 0);
        let got: Vec<&Value> = frames.iter().map(|frame| &frame["data"]).collect();
        assert_eq!(got, expected.iter().collect::<Vec<_>>(), "{stdin:?}");
    }
}

#[test]
fn a_line_that_cannot_be_sent_is_named_and_those_before_it_are_sent() {
    for (flags, bad, what) in [
        (&["-t", "json"][..], &b"{x"[..], "not JSON: key must be a string at column 2"),
        (&["-t", "json"], b"null", "`null`"),
        (&["-t", "json"], b"", "not JSON"),
        (&["-t", "json"], b"1\0", "not JSON"),
        (&["-t", "json"], b"1 2", "not JSON"),
        (&[], b"a\xffb", "not UTF-8"),
        (&["-t", "binary", "--encoding", "hex"], b"0x", "not hexadecimal"),
        (&["-t", "binary", "--encoding", "base64"], b"!", "not base64"),
    ] {
        let input = [&b"1234\n5678\n"[..], bad, b"\n1234\n"].concat();
        let service = Service::start();
        let wps = wps(["send", "--url", &service.url(), "g", "--lines"]).args(flags).stdin(input).start();
        let mut peer = service.connect();
        serve(&mut peer, 2);
        peer.see_off();
        wps.end().assert_failed(11, &["sent 2 lines, 2 acknowledged, 1 failed", "error: line 3 cannot be sent", what]);
    }
}

#[test]
fn of_ten_lines_with_a_bad_seventh_six_are_sent_or_nine_and_the_exit_code_is_11() {
    let input = "1\n2\n3\n4\n5\n6\nseven\n8\n9\n10\n";
    for (flags, sent) in [(&[][..], 6), (&["--keep-going"], 9)] {
        let service = Service::start();
        let wps = wps(["send", "--url", &service.url(), "g", "--lines", "-t", "json"]).args(flags).stdin(input).start();
        let mut peer = service.connect();
        let frames = serve(&mut peer, sent);
        assert_eq!(frames[5]["data"], 6);
        peer.see_off();
        let ended = wps.end();
        ended.assert_failed(
            11,
            &[&format!("sent {sent} lines, {sent} acknowledged, 1 failed"), "error: line 7 cannot be sent\n"],
        );
        assert_eq!(ended.stderr.contains("warning: line 7 cannot be sent"), sent == 9, "{}", ended.stderr);
    }
}

#[test]
fn the_longest_line_fills_a_frame_and_one_byte_more_is_refused() {
    let envelope = r#"{"type":"sendToGroup","group":"g","ackId":1,"dataType":"text","data":""}"#.len();
    let longest = MAX_FRAME - envelope;
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines"], vec![b'x'; longest]);
    let mut peer = service.connect();
    let frame = peer.operation();
    assert_eq!(frame["data"].as_str().unwrap().len(), longest);
    peer.ack(&frame["ackId"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);

    for (length, size) in [(longest + 1, "1048577 bytes as a frame"), (MAX_FRAME + 1, "more than 1048576 bytes")] {
        let mut input = b"ok\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', length));
        input.extend(b"\nok\n");
        let wps = start(&service, &["send", "g", "--lines", "--keep-going"], input);
        let mut peer = service.connect();
        // The second id has as many digits as the first.
        assert_eq!(data(&serve(&mut peer, 2)), ["ok", "ok"]);
        peer.see_off();
        wps.end().assert_failed(11, &["error: line 2 cannot be sent", "too large", size, "takes 1048576"]);
    }
}

#[test]
fn no_more_is_sent_ahead_of_the_oldest_unacknowledged_than_in_flight_allows() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "--in-flight", "4"], numbers(8));
    let mut peer = service.connect();
    assert_eq!(data(&read(&mut peer, 4)), ["1", "2", "3", "4"]);
    assert_quiet(&mut peer);
    // Not the oldest: the fifth might be four messages early.
    peer.ack(&json!(2));
    peer.ack(&json!(3));
    assert_quiet(&mut peer);
    peer.ack(&json!(1));
    assert_eq!(data(&read(&mut peer, 3)), ["5", "6", "7"]);
    assert_quiet(&mut peer);
    for id in 4..=7 {
        peer.ack(&json!(id));
    }
    assert_eq!(data(&serve(&mut peer, 1)), ["8"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn the_input_is_read_no_faster_than_acks_come() {
    let service = Service::start();
    let mut setup = Setup::shell("exec $WPS send g --lines --url \"$URL\" < input").env("URL", service.url());
    setup = setup.file("input", &"0123456789abcdef0123456789abcde\n".repeat(300_000));
    let wps = setup.start();
    let mut peer = service.connect();
    read(&mut peer, 256);
    assert_quiet(&mut peer);
    let told = std::fs::read_to_string(format!("/proc/{}/fdinfo/0", wps.id())).unwrap();
    let position: u64 = told.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!((8192..=512 * 1024).contains(&position), "{position} of 9600000 bytes were read");
}

#[test]
fn a_line_is_sent_as_soon_as_it_is_there() {
    let service = Service::start();
    let script = "mkfifo more; (echo one; cat more) | $WPS send g --lines --url \"$URL\"";
    let setup = Setup::shell(script).env("URL", service.url());
    let more = setup.home().join("more");
    let wps = setup.start();
    let mut peer = service.connect();
    assert_eq!(data(&serve(&mut peer, 1)), ["one"]);
    // The input is still open.
    std::fs::write(more, "two\n").unwrap();
    assert_eq!(data(&serve(&mut peer, 1)), ["two"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_refused_message_stops_what_is_not_sent_yet_and_is_named() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "--in-flight", "3"], numbers(9));
    let mut peer = service.connect();
    read(&mut peer, 3);
    peer.nack(&json!(2), "Forbidden", "no");
    peer.ack(&json!(1));
    // Awaited all the same.
    assert_quiet(&mut peer);
    peer.ack(&json!(3));
    peer.see_off();
    wps.end().assert_failed(
        8,
        &[
            "sent 3 lines, 2 acknowledged, 1 failed",
            "error: line 2 failed\n",
            "refused to send to `g`",
            "`Forbidden`: no",
        ],
    );

    let wps = start(&service, &["send", "g", "--lines", "--keep-going"], numbers(4));
    let mut peer = service.connect();
    for frame in read(&mut peer, 4) {
        if frame["ackId"] == 2 { peer.nack(&frame["ackId"], "Forbidden", "no") } else { peer.ack(&frame["ackId"]) }
    }
    peer.see_off();
    wps.end().assert_failed(
        8,
        &["warning: line 2 failed", "sent 4 lines, 3 acknowledged, 1 failed", "error: line 2 failed"],
    );
}

#[test]
fn records_are_sent_as_listen_prints_them_and_other_types_are_skipped() {
    let service = Service::start();
    let input = concat!(
        r#"{"type":"connected","connectionId":"c","ackId":"odd"}"#,
        "\n",
        r#"{"type":"group-message","time":"T","group":"a","fromUserId":"u","dataType":"text","data":"h\ni\ud800","sequenceId":7,"metadata":{"k":"v"}}"#,
        "\n\n",
        r#"{"type":"server-message","group":"b","dataType":"json","data":{"z":1.0,"a":12345678901234567890123},"ackId":40}"#,
        "\r\n",
        r#"{"data":"AP8=","dataType":"binary","group":"c","noEcho":true}"#,
        "\n",
        r#"{"data":[1],"group":"d"}"#,
        "\n",
        r#"{"data":"plain","group":"e"}"#,
    );
    let wps = start(&service, &["send", "--ndjson"], input);
    let mut peer = service.connect();
    let mut frames = Vec::new();
    for id in [1, 40, 2, 3, 4] {
        frames.push(peer.operation_text());
        peer.ack(&json!(id));
    }
    assert_eq!(
        frames,
        [
            r#"{"type":"sendToGroup","group":"a","ackId":1,"dataType":"text","data":"h\ni\ud800","metadata":{"k":"v"}}"#,
            r#"{"type":"sendToGroup","group":"b","ackId":40,"dataType":"json","data":{"z":1.0,"a":12345678901234567890123}}"#,
            r#"{"type":"sendToGroup","group":"c","ackId":2,"noEcho":true,"dataType":"binary","data":"AP8="}"#,
            r#"{"type":"sendToGroup","group":"d","ackId":3,"dataType":"json","data":[1]}"#,
            r#"{"type":"sendToGroup","group":"e","ackId":4,"dataType":"text","data":"plain"}"#,
        ]
    );
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&["sent 5 lines, 5 acknowledged, 2 skipped"]);

    // The command line's target goes before the record's.
    let wps = start(
        &service,
        &["event", "vote", "--ndjson"],
        r#"{"type":"group-message","group":"a","data":"x","dataType":"text"}"#,
    );
    let mut peer = service.connect();
    let frame = serve(&mut peer, 1).remove(0);
    assert_eq!(frame, json!({"type": "event", "event": "vote", "ackId": 1, "dataType": "text", "data": "x"}));
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn records_that_are_none_are_bad_input() {
    for (record, what) in [
        ("5", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("{x", "not a JSON object"),
        ("12 hello", "not a JSON object"),
        (r#"{"group":"g"}"#, "`data` is missing"),
        (r#"{"group":"g","data":null}"#, "`null`"),
        (r#"{"data":1}"#, "`group` is missing"),
        (r#"{"group":"","data":1}"#, "`group` is not valid"),
        (r#"{"group":"g","data":1,"dataType":"text"}"#, "of type text is not a string"),
        (r#"{"group":"g","data":"!","dataType":"binary"}"#, "not base64"),
        (r#"{"group":"g","data":1,"dataType":"xml"}"#, "`dataType` is `xml`"),
        (r#"{"group":"g","data":1,"ackId":-1}"#, "`ackId` is not valid"),
        (r#"{"group":"g","data":1,"ackId":18446744073709551616}"#, "`ackId` is not valid"),
        (r#"{"group":"g","data":1,"noEcho":1}"#, "`noEcho` is not valid"),
    ] {
        let service = Service::start();
        let ended = start(&service, &["send", "--ndjson"], record).end();
        ended.assert_failed(11, &["sent 0 lines", "error: line 1 cannot be sent", what]);
    }
}

#[test]
fn ack_ids_count_up_by_line_and_end_with_their_space() {
    let service = Service::start();
    let flags = ["send", "g", "--lines", "--ack-id", "18446744073709551614"];
    let wps = start(&service, &flags, numbers(4));
    let mut peer = service.connect();
    let ids: Vec<u64> = serve(&mut peer, 2).iter().map(|frame| frame["ackId"].as_u64().unwrap()).collect();
    assert_eq!(ids, [u64::MAX - 1, u64::MAX]);
    peer.see_off();
    wps.end().assert_failed(2, &["sent 2 lines", "error: line 3 cannot be sent", "leaves no id"]);

    let input = "{\"data\":1,\"ackId\":3}\n{\"data\":2}\n{\"data\":3,\"ackId\":3}\n{\"data\":4}\n";
    let wps = start(&service, &["send", "g", "--ndjson", "--keep-going"], input);
    let mut peer = service.connect();
    let ids: Vec<u64> = serve(&mut peer, 3).iter().map(|frame| frame["ackId"].as_u64().unwrap()).collect();
    assert_eq!(ids, [3, 1, 2]);
    peer.see_off();
    wps.end().assert_failed(11, &["error: line 3 cannot be sent", "ackId 3 was used for another message", "hint: "]);
}

#[test]
fn without_acks_lines_are_handed_over_and_read_by_the_service_before_the_end() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "--no-ack"], numbers(3));
    let mut peer = service.connect();
    let frames = read(&mut peer, 3);
    assert!(frames.iter().all(|frame| frame.get("ackId").is_none()), "{frames:?}");
    // The answer to this says that all was read.
    assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
    peer.send(&json!({"type": "pong"}));
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&["sent 3 lines, in "]);
}

#[test]
fn a_message_is_repeated_at_a_rate() {
    let service = Service::start();
    let flags = ["event", "tick", "x", "--repeat", "6", "--rate", "20/s", "--ack-id", "7"];
    let wps = start(&service, &flags, "");
    let mut peer = service.connect();
    let begun = Instant::now();
    let frames = serve(&mut peer, 6);
    // Five spaces of 50 ms, one of which may be shorter by what is caught up with.
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    assert_eq!(frames[5], json!({"type": "event", "event": "tick", "ackId": 12, "dataType": "text", "data": "x"}));
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&["sent 6 messages, 6 acknowledged"]);

    let wps = start(&service, &["send", "g", "-", "--repeat", "2"], "whole\nstdin\n");
    let mut peer = service.connect();
    assert_eq!(data(&serve(&mut peer, 2)), ["whole\nstdin\n"; 2]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_closed_stdout_ends_the_printing_and_not_the_sending() {
    let service = Service::start();
    let wps = wps(["send", "--url", &service.url(), "g", "--lines", "-o", "ndjson", "--in-flight", "10"])
        .stdin(numbers(500))
        .stdout_lines(2)
        .start();
    let mut peer = service.connect();
    assert_eq!(serve(&mut peer, 500).len(), 500);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&["sent 500 lines, 500 acknowledged"]);
}

#[test]
fn an_input_that_cannot_be_read_is_bad_input_and_an_empty_one_is_done() {
    let service = Service::start();
    let run = |redirection: &str| {
        let script = format!("exec $WPS send g --lines --url \"$URL\" {redirection}");
        Setup::shell(&script).env("URL", service.url()).run()
    };
    run("</").assert_failed(11, &["error: could not read standard input", "caused by: Is a directory"]);
    for empty in ["</dev/null", "<&-"] {
        let ended = run(empty);
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
        ended.assert_stderr(&["sent 0 lines"]);
    }
}

#[test]
fn flags_of_streams_are_refused_where_there_is_no_stream() {
    for (flags, what) in [
        (&["g", "x", "--in-flight", "5"][..], "`--in-flight` is about many messages"),
        (&["g", "x", "--keep-going"], "`--keep-going` is about many messages"),
        (&["g", "x", "--rate", "5"], "`--rate` is about many messages"),
        (&["g", "x", "--lines"], "exclude each other"),
        (&["g", "--lines", "--ndjson"], "exclude each other"),
        (&["g", "--lines", "--file", "f"], "exclude each other"),
        (&["g", "--lines", "--repeat", "2"], "exclude each other"),
        (&["g", "--ndjson", "-t", "json"], "exclude each other"),
        (&["g", "--lines", "--in-flight", "0"], "not a value of `--in-flight`"),
        (&["g", "--lines", "--in-flight", "1001"], "not a value of `--in-flight`"),
        (&["g", "x", "--repeat", "0"], "not a value of `--repeat`"),
        (&["g", "x", "--repeat", "2", "--rate", "0"], "not a value of `--rate`"),
        (&["--lines"], "missing: `GROUP`"),
        (&["g", "--repeat", "2"], "no data given"),
        (&["g", "--lines", "--url", "-"], "both take standard input"),
        (&["g", "x", "--repeat", "2", "--ack-id", "18446744073709551615"], "leaves no ids for 2 messages"),
    ] {
        let url: &[&str] =
            if flags.contains(&"--url") { &[] } else { &["--url", "ws://h/client/hubs/h?access_token=t"] };
        wps(["send"]).args(flags).args(url).run().assert_failed(2, &["error: ", what]);
    }
}

#[test]
fn a_terminal_is_shown_the_progress_which_is_gone_at_the_end() {
    use std::io::Read as _;
    let service = Service::start();
    let (setup, mut screen) =
        wps(["send", "--url", &service.url(), "g", "x", "--repeat", "8", "--in-flight", "4"]).stderr_to_terminal();
    let wps = setup.start();
    let mut peer = service.connect();
    read(&mut peer, 4);
    peer.ack(&json!(1));
    peer.ack(&json!(2));
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while !seen.contains("sent 6, acknowledged 2, 25 %") {
        let count = screen.read(&mut buffer).unwrap();
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    read(&mut peer, 2);
    for id in 3..=6 {
        peer.ack(&json!(id));
    }
    serve(&mut peer, 2);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
    while let Ok(count @ 1..) = screen.read(&mut buffer) {
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    let last = seen.rsplit("\u{1b}[K").next().unwrap();
    assert!(last.contains("sent 8 messages, 8 acknowledged") && !last.contains('%'), "{seen:?}");
}

#[test]
fn a_pipe_from_listen_to_send_copies_a_stream() {
    let emulator = Emulator::quiet(&[]);
    let local = emulator.local();
    let mut copied = wps(["listen", &local, "-g", "b", "-o", "ndjson", "--only", "messages", "--count", "3"]).start();
    let mut pipe = Setup::shell(&format!(
        "$WPS listen {local} -g a -o ndjson -v --count 3 | sed -u 's/^//' | $WPS send {local} b --ndjson"
    ))
    .start();
    pipe.err_line("joined `a`");
    // The listener's group is joined when its own message comes back.
    for arguments in [
        &["hi \"there\"\u{1}"][..],
        &["-t", "json", "{\"z\":1.0,\"a\":12345678901234567890123}"],
        &["-t", "binary", "--encoding", "hex", "00ff"],
    ] {
        assert_eq!(wps(["send", &local, "a"]).args(arguments).run().code, 0);
    }
    let lines: Vec<String> = (0..3).map(|_| copied.line()).collect();
    for (line, data) in lines.iter().zip([
        "\"dataType\":\"text\",\"data\":\"hi \\\"there\\\"\\u0001\"",
        "\"dataType\":\"json\",\"data\":{\"z\":1.0,\"a\":12345678901234567890123}",
        "\"dataType\":\"binary\",\"data\":\"AP8=\"",
    ]) {
        assert!(line.contains(data), "{line}");
    }
    assert_eq!(pipe.end().code, 0);
}
