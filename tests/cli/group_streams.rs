//! `wps stream` and what `listen` shows of it (PROTOCOL §9.1, §19.20–28).

use serde_json::{Value, json};

#[cfg(unix)]
use crate::support::Setup;
use crate::support::emulator::Emulator;
#[cfg(unix)]
use crate::support::service::Peer;
use crate::support::{Ended, FromClient, Running, Service, kinds, wps};

/// `wps stream g` with this input.
fn stream(emulator: &Emulator, input: &str, more: &[&str]) -> Ended {
    wps(["stream", "g", "--user", "publisher", "--reconnect-delay", "20ms", &emulator.local()])
        .args(more)
        .stdin(input)
        .run()
}

/// What `listen -o data` prints of one stream.
fn heard(emulator: &Emulator, input: &str, more: &[&str]) -> String {
    let listener = listening(emulator, &["-o", "data", "--until", ".stream.endOfStream"]);
    stream(emulator, input, more).assert(0, "", "");
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    String::from_utf8(ended.stdout).unwrap()
}

/// A listener of another format than records, which has joined.
fn listening(emulator: &Emulator, more: &[&str]) -> Running {
    let mut listener = wps(["listen", "-g", "g", "--user", "listener", "-v", &emulator.local()]).args(more).start();
    listener.err_line("joined `g`");
    listener
}

/// Numbered lines, so many that they take many fragments.
fn story() -> String {
    (0..20_000).map(|number| format!("line {number}, with ä and 日本 in it\n")).collect()
}

#[test]
fn a_text_arrives_as_it_was_with_a_newline_at_its_end() {
    let emulator = Emulator::start(&[]);
    let story = story();
    for protocol in ["json-reliable", "protobuf-reliable", "json"] {
        let heard = heard(&emulator, &story, &["-q", "--protocol", protocol]);
        assert!(heard == format!("{story}\n"), "{protocol}: {} bytes of {}", heard.len(), story.len());
    }
}

#[test]
fn fragments_are_messages_and_the_end_is_said() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&[]);
    let ended = stream(&emulator, "a\nb\n", &["--lines", "--stream-id", "s1", "-o", "ndjson"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "stream-started", "stream-ended", "stopped"]);
    assert_eq!((&records[1]["group"], &records[1]["streamId"]), (&json!("g"), &json!("s1")));
    assert_eq!((&records[2]["fragments"], &records[2]["bytes"]), (&json!(2), &json!(4)));
    assert_eq!((&records[3]["sent"], &records[3]["acked"], &records[3]["failed"]), (&json!(2), &json!(2), &json!(0)));
    for (number, data) in [(1, "a\n"), (2, "b\n")] {
        let message = listener.expect("group-message");
        assert_eq!(message["data"], data);
        assert_eq!(message["stream"], json!({"streamId": "s1", "streamSequenceId": number}));
    }
    let end = listener.expect("group-message");
    assert_eq!(end["stream"], json!({"streamId": "s1", "streamSequenceId": 3, "endOfStream": true}));
}

#[test]
fn a_whole_stream_is_one_message() {
    let emulator = Emulator::start(&[]);
    let listener = emulator.listen(&["--streams", "whole", "--count", "2"]);
    stream(&emulator, "a\nb\n", &["--lines", "-q"]).assert(0, "", "");
    stream(&emulator, "1.0\n{\"x\":2}\n", &["--lines", "-t", "json", "-q"]).assert(0, "", "");
    let records = listener.end().records();
    let messages: Vec<&Value> = records.iter().filter(|record| record["type"] == "group-message").collect();
    let data: Vec<String> = messages.iter().map(|message| message["data"].to_string()).collect();
    assert_eq!(data, [r#""a\nb\n""#, r#"[1.0,{"x":2}]"#]);
    assert_eq!(messages[0]["stream"]["endOfStream"], true);
}

#[test]
fn text_on_a_pipe_names_the_stream_and_says_that_it_failed() {
    let emulator = Emulator::start(&[]);
    let listener = listening(&emulator, &["--until", ".stream.endOfStream"]);
    stream(&emulator, "a\n", &["--lines", "-q", "--stream-id", "s1", "--end-error", "E7:out of words"])
        .assert(0, "", "");
    let ended = listener.end();
    assert_eq!(String::from_utf8(ended.stdout.clone()).unwrap(), "[g] publisher: (stream s1) a\n");
    ended.assert_stderr(&["stream `s1` in `g` ended with an error `UserError` (code `E7`): out of words"]);
}

#[test]
fn a_stream_goes_on_where_the_service_is_after_cuts_refusals_and_losses() {
    let story = story();
    for faults in [
        &["drop=reset,op=streamData,nth=2", "drop=eof,op=streamData,nth=9", "execute-then-drop,op=streamData,nth=15"][..],
        &["nack=InvalidSequenceId,op=streamData,every=5,times=3"],
        &["nack=TransientError,op=streamData,nth=3,times=2"],
        &["ignore,op=streamData,nth=4"],
        &["swallow-ack,op=streamData,nth=2,times=3"],
        &["delay-ack=100ms,op=streamData,times=5"],
        &["duplicate-ack,op=streamData"],
        &["execute-then-drop,op=streamEnd,times=1", "no-connected,op=recover"],
    ] {
        let emulator = Emulator::with(faults);
        // The end of the last is not confirmed: the service no longer knows the stream.
        let is_end = faults[0].contains("streamEnd");
        let listener = listening(&emulator, &["-o", "data", "--until", ".stream.endOfStream"]);
        let ended = stream(&emulator, &story, &["--buffer", "200k"]);
        if is_end {
            ended.assert_failed(9, &["is not confirmed"]);
        } else {
            assert_eq!(ended.code, 0, "{faults:?}: {}", ended.stderr);
        }
        let heard = String::from_utf8(listener.end().stdout).unwrap();
        assert!(heard == format!("{story}\n"), "{faults:?}: {} bytes of {}", heard.len(), story.len());
        assert!(emulator.fired()[0] > 0, "{faults:?}");
    }
}

#[test]
fn what_the_service_refuses_or_closes_is_said_with_how_far_it_came() {
    let emulator = Emulator::start(&[]);
    stream(&emulator, "x", &["--role", "webpubsub.joinLeaveGroup"])
        .assert_failed(8, &["the service refused the stream to `g`", "webpubsub.sendToGroup"]);
    emulator.add("close-stream=InternalServerError,nth=2");
    stream(&emulator, "a\nb\nc\n", &["--lines"])
        .assert_failed(8, &["the service closed the stream to `g`", "InternalServerError"]);
    let emulator = Emulator::with(&["execute-then-drop=eof,op=streamData,nth=2", "refuse-recovery,times=1"]);
    let ended = stream(&emulator, "a\nb\n", &["--lines"]);
    ended.assert_failed(9, &["the stream to `g` was broken off", "fragment 1 of 2 is known to have arrived"]);
}

#[test]
fn a_start_that_is_lost_begins_anew() {
    let emulator = Emulator::with(&["drop=reset,op=streamStart,times=2"]);
    assert_eq!(heard(&emulator, "hello", &["-q"]), "hello\n");
    // Under an id of one's own it may be open already.
    let emulator = Emulator::with(&["execute-then-drop,op=streamStart,times=1"]);
    stream(&emulator, "hello", &["--stream-id", "own"])
        .assert_failed(8, &["open already", "its first start was lost with the connection, and may have been taken"]);
}

#[test]
fn bad_input_ends_the_stream_with_an_error_and_names_it() {
    let emulator = Emulator::start(&[]);
    let mut listener = emulator.listen(&[]);
    let ended = wps(["stream", "g", &emulator.local()]).stdin(b"good \xff bad".to_vec()).run();
    ended.assert_failed(11, &["streamed 1 fragment, 5 bytes, to `g`", "the text is not UTF-8", "`-t binary`"]);
    // What stands before it is not lost with it.
    assert_eq!(listener.skip_to("group-message")["data"], "good ");
    assert_eq!(listener.skip_to("group-message")["stream"]["error"]["userErrorCode"], "BadInput");
    let lines: String = (1..=100).map(|number| format!("{number}\n")).collect();
    let ended = stream(&emulator, &format!("{lines}{{bad\n"), &["-t", "json", "--lines", "-o", "ndjson"]);
    let records = ended.records();
    let report = records.iter().find(|record| record["type"] == "stream-ended").unwrap();
    assert_eq!((&report["fragments"], ended.code), (&json!(100), 11), "{report}");
    for (args, code, words) in [
        (&["-t", "json"][..], 2, "`-t json` needs to know where a value ends"),
        (&["--stream-id", ""], 2, "`--stream-id` has 1 to 1024 bytes"),
        (&["--buffer", "0"], 2, "not a number of bytes"),
    ] {
        stream(&emulator, "", args).assert_failed(code, &[words]);
    }
    stream(&emulator, "5\n", &["--ndjson"]).assert_failed(11, &["not a JSON object"]);
}

/// `wps stream g`, whose input stays open when this has come of it.
#[cfg(unix)]
fn open_stream(target: &str, input: &str, more: &str) -> Setup {
    Setup::shell(&format!(
        "mkfifo more; exec 9<>more; printf '{input}' >more; exec $WPS stream g --lines -o ndjson {target} {more} <&9"
    ))
}

#[cfg(unix)]
#[test]
fn whatever_ends_the_run_ends_the_stream_so_that_its_readers_know() {
    use rustix::process::Signal;
    for (signal, code) in [(Some(Signal::INT), 130), (Some(Signal::TERM), 143), (Some(Signal::HUP), 129), (None, 124)] {
        let emulator = Emulator::start(&[]);
        let mut listener = emulator.listen(&[]);
        let more = if signal.is_none() { "--timeout 3s" } else { "-v" };
        let publisher = open_stream(&emulator.local(), "begun\\n", more).start();
        assert_eq!(listener.skip_to("group-message")["data"], "begun\n");
        if let Some(signal) = signal {
            publisher.signal(signal);
        }
        let end = listener.skip_to("group-message");
        assert_eq!(end["stream"]["error"]["userErrorCode"], "Aborted", "{end}");
        let ended = publisher.end();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        let records = ended.records();
        assert_eq!(kinds(&records), ["connected", "stream-started", "stream-ended", "stopped"]);
        assert_eq!(records[2]["endError"]["userErrorCode"], "Aborted");
        assert_eq!((&records[2]["fragments"], records[2].get("error")), (&json!(1), None));
        let reason = if signal.is_none() { "timeout" } else { "signal" };
        assert_eq!((&records[3]["reason"], &records[3]["acked"]), (&json!(reason), &json!(1)));
        ended.assert_stderr(&["streamed 1 fragment, 6 bytes", "ended with the error `Aborted`"]);
        assert_eq!(ended.stderr.contains("error: timed out after 3 s"), signal.is_none(), "{}", ended.stderr);
    }
}

/// Takes the start of a stream, and gives its id.
#[cfg(unix)]
fn take_start(peer: &mut Peer) -> Value {
    let id = peer.operation()["stream"]["streamId"].clone();
    peer.send(&json!({"type": "streamAck", "streamId": id, "expectedSequenceId": 1}));
    id
}

#[cfg(unix)]
#[test]
fn an_end_that_is_not_confirmed_is_said_to_be_that_with_what_has_arrived() {
    use rustix::process::Signal;
    // It is broken off, and the service does not say that it has ended.
    for (acked, words) in [
        (3, "the stream to `g` was broken off, all 2 fragments are known to have arrived"),
        (2, "the stream to `g` was broken off, fragment 1 of 2 is known to have arrived"),
    ] {
        let service = Service::start();
        let publisher = open_stream(&format!("--url '{}'", service.url()), "a\\nb\\n", "").start();
        let mut peer = service.connect();
        let id = take_start(&mut peer);
        for number in 1..3 {
            assert_eq!(peer.operation()["streamSequenceId"], number);
        }
        peer.send(&json!({"type": "streamAck", "streamId": id, "expectedSequenceId": acked}));
        publisher.signal(Signal::TERM);
        // What is not acknowledged may be asked about before.
        let end = loop {
            let frame = peer.operation();
            if frame["type"] != "streamData" {
                break frame;
            }
        };
        assert_eq!((&end["type"], &end["error"]["userErrorCode"]), (&json!("streamEnd"), &json!("Aborted")));
        peer.see_off();
        let ended = publisher.end();
        assert_eq!(ended.code, 143, "{}", ended.stderr);
        ended.assert_stderr(&["error: ended by a signal", words]);
        let records = ended.records();
        let last = &records[records.len() - 2];
        assert_eq!(
            (&last["error"]["name"], &last["endError"]["userErrorCode"]),
            (&json!("Stopped"), &json!("Aborted"))
        );
    }
    // Its input has ended, and the service does not say that it has.
    const TOLD: &str = "the end of the stream to `g` is not confirmed, all 2 fragments are known to have arrived";
    for (limit, code, words) in [
        ("--ack-timeout 2s", 9, [TOLD, "the service did not confirm the end in time"]),
        ("--timeout 2s", 124, ["timed out after 2 s", TOLD]),
    ] {
        let service = Service::start();
        let args = limit.split(' ');
        let publisher = wps(["stream", "g", "--lines", "--url", &service.url()]).args(args).stdin("a\nb\n").start();
        let mut peer = service.connect();
        let id = take_start(&mut peer);
        peer.operation();
        peer.operation();
        peer.send(&json!({"type": "streamAck", "streamId": id, "expectedSequenceId": 3}));
        assert_eq!(peer.operation(), json!({"type": "streamEnd", "streamId": id}));
        peer.see_off();
        publisher.end().assert_failed(code, &words);
    }
}

#[cfg(unix)]
#[test]
fn before_there_is_a_connection_a_signal_ends_a_stream_at_once() {
    let service = Service::start();
    let publisher = open_stream(&format!("--url '{}'", service.url()), "a\\n", "").start();
    let call = service.accept();
    assert!(call.request_has_come());
    publisher.signal(rustix::process::Signal::TERM);
    let ended = publisher.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (143, ""));
}

#[test]
fn missing_repeated_and_late_fragments_are_said_and_a_cut_stream_too() {
    let service = Service::start();
    let mut listener = wps(["listen", "-g", "g", "-o", "ndjson", "--url", &service.url()]).start();
    let mut peer = service.connect_and_join(&["g"]);
    listener.skip_to("joined");
    let fragment = |id: u64, number: u64| {
        json!({"type": "message", "sequenceId": id, "from": "group", "group": "g", "dataType": "text", "data": "x",
               "stream": {"streamId": "s", "streamSequenceId": number}})
    };
    for (id, number, trouble) in
        [(1, 2, Some(("joined-late", 1))), (2, 3, None), (3, 6, Some(("gap", 4))), (4, 6, Some(("repeated", 7)))]
    {
        peer.send(&fragment(id, number));
        if let Some((reason, expected)) = trouble {
            let record = listener.expect("stream-trouble");
            assert_eq!((&record["reason"], &record["expected"]), (&json!(reason), &json!(expected)), "{record}");
        }
        assert_eq!(listener.expect("group-message")["stream"]["streamSequenceId"], number);
    }
    peer.close(1008, "");
    assert_eq!(listener.skip_to("stream-trouble")["reason"], "cut");
}

#[test]
fn a_whole_stream_says_what_of_it_is_missing_or_came_again() {
    for (format, data) in
        [("ndjson", ""), ("text", "[g] (stream s) (2 fragments missing, 1 repeated) abbe\n"), ("data", "abbe\n")]
    {
        let service = Service::start();
        let mut listener = wps(["listen", "-g", "g", "--streams", "whole", "--count", "1", "-o", format])
            .args(["--url", &service.url()])
            .start();
        let mut peer = service.connect_and_join(&["g"]);
        for (id, (number, text)) in [(1, "a"), (2, "b"), (2, "b"), (5, "e"), (6, "")].into_iter().enumerate() {
            let mut stream = json!({"streamId": "s", "streamSequenceId": number});
            if text.is_empty() {
                stream["endOfStream"] = json!(true);
            }
            peer.send(
                &json!({"type": "message", "sequenceId": id + 1, "from": "group", "group": "g", "dataType": "text",
                "data": text, "stream": stream}),
            );
        }
        if format == "ndjson" {
            for reason in ["repeated", "gap"] {
                assert_eq!(listener.skip_to("stream-trouble")["reason"], reason);
            }
            let whole = listener.skip_to("group-message");
            assert_eq!(whole["data"], "abbe");
            assert_eq!(
                whole["stream"],
                json!({"streamId": "s", "streamSequenceId": 6, "endOfStream": true, "missing": 2, "repeated": 1})
            );
        }
        peer.see_off();
        let ended = listener.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        if format != "ndjson" {
            assert_eq!(ended.text(), data);
            ended.assert_stderr(&["is out of order", "is not whole: 2 fragments missing before 5"]);
        }
    }
}

#[test]
fn records_of_a_stream_are_sent_on_without_its_bare_end() {
    let emulator = Emulator::start(&[]);
    let listener = emulator.listen(&["--count", "3"]);
    stream(&emulator, "a\nb\n", &["--lines", "-q"]).assert(0, "", "");
    let copied = listener.end().stdout;
    for (command, count) in [("send", "2"), ("stream", "3")] {
        let copy = wps(["listen", "-o", "ndjson", "-g", "h", "--count", count, &emulator.local(), "-v"]);
        let mut copy = copy.start();
        copy.skip_to("joined");
        let ended = wps([command, "h", "--ndjson", "-q", &emulator.local()]).stdin(copied.clone()).run();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let mut records = copy.end().records();
        records.retain(|record| record["type"] == "group-message");
        let data: Vec<_> = records.iter().map(|record| record["data"].as_str().unwrap()).collect();
        assert_eq!(data, if command == "send" { &["a\n", "b\n"][..] } else { &["a\n", "b\n", ""] });
        let numbers = records.iter().filter_map(|record| record["stream"]["streamSequenceId"].as_u64());
        assert!(numbers.eq(if command == "send" { 0..0 } else { 1..4 }), "{records:?}");
    }
}

#[test]
fn a_service_that_never_answers_is_given_up_and_what_it_was_sent_is_bounded() {
    let service = Service::start();
    let wps = wps(["stream", "g", "--buffer", "100k", "--ack-timeout", "2s", "--url", &service.url()])
        .stdin("y".repeat(10_000_000))
        .start();
    let mut peer = service.connect();
    let FromClient::Frame(start) = peer.next() else { panic!("no start") };
    let id = start["stream"]["streamId"].clone();
    peer.send(&json!({"type": "streamAck", "streamId": id, "expectedSequenceId": 1}));
    let mut bytes = 0;
    loop {
        match peer.next() {
            FromClient::Frame(frame) if frame["type"] == "streamData" => {
                // The oldest is sent again, to ask about it.
                bytes += if frame["streamSequenceId"] == 1 { 0 } else { frame["data"].as_str().map_or(0, str::len) };
            }
            FromClient::Frame(frame) if frame["type"] == "ping" => peer.send(&json!({"type": "pong"})),
            _ => break,
        }
    }
    assert!(bytes <= 150_000, "{bytes}");
    drop(peer);
    wps.end().assert_failed(9, &["is not acknowledged", "--ack-timeout"]);
}
