//! What becomes of lines when the connection breaks, or the run, before all are acknowledged.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{data, numbers, prove, read, serve, start};
use crate::support::cutting::Cutting;
use crate::support::emulator::Emulator;
use crate::support::process::Setup;
use crate::support::{Service, wps};

#[test]
fn what_is_unacknowledged_is_sent_again_after_a_recovery_in_its_order_with_its_ids() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "-o", "ndjson"], numbers(300));
    let mut peer = service.connect();
    let first = read(&mut peer, 256);
    for frame in &first[..100] {
        peer.ack(&frame["ackId"]);
    }
    // These follow the acks, which have all been taken then.
    let second = read(&mut peer, 44);
    peer.reset();
    let mut peer = service.recovery();
    prove(&mut peer);
    let again = serve(&mut peer, 200);
    assert_eq!(again, [&first[100..], &second].concat());
    peer.see_off();
    let ended = wps.end();
    let lines: Vec<u64> = ended
        .records()
        .iter()
        .filter(|record| record["type"] == "ack")
        .map(|ack| ack["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, (1..=300).collect::<Vec<_>>(), "each once");
    assert_eq!(ended.code, 0);
    service.assert_no_more_calls();
}

#[test]
fn a_stream_comes_through_a_connection_that_is_cut_after_each_small_step() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines"], numbers(120));
    let mut peer = service.connect();
    let mut taken = Vec::new();
    for _ in 0..15 {
        taken.extend(serve(&mut peer, 7));
        peer.close(1009, "no more than that");
        peer = service.recovery();
        prove(&mut peer);
    }
    taken.extend(serve(&mut peer, 15));
    assert_eq!(data(&taken), numbers(120).lines().collect::<Vec<_>>(), "each once, in order");
    peer.see_off();
    assert_eq!(wps.end().code, 0);
    service.assert_no_more_calls();
}

#[test]
fn a_message_that_the_service_hangs_up_for_is_found_among_the_others() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "--keep-going", "-o", "ndjson"], numbers(6));
    let mut peer = service.connect();
    let mut taken = Vec::new();
    while taken.len() < 5 {
        let frame = peer.operation();
        if frame["data"] == "3" {
            peer.close(1009, "too large");
            peer = service.recovery();
            prove(&mut peer);
        } else {
            peer.ack(&frame["ackId"]);
            taken.push(frame);
        }
    }
    assert_eq!(data(&taken), ["1", "2", "4", "5", "6"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 9, "{}", ended.stderr);
    let reason = "while it waited for the ack, at last by: close code 1009 `too large`: a message was larger than";
    ended.assert_stderr(&[
        "line 3",
        reason,
        "hint: the service, or something on the way to it, hung up each time line 3",
    ]);
    assert!(!ended.stderr.contains("--on-unknown resend"), "{}", ended.stderr);
}

#[test]
fn when_the_connection_is_lost_for_good_the_unknown_lines_are_named_and_the_rest_is_not_sent() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "--in-flight", "6", "--ack-id", "100"], numbers(9));
    let mut peer = service.connect();
    read(&mut peer, 6);
    for id in [100, 101, 103] {
        peer.ack(&json!(id));
    }
    assert_eq!(data(&read(&mut peer, 2)), ["7", "8"]);
    peer.reset();
    service.recovery().close(1008, "The connection could not be recovered.");
    let ended = wps.end();
    ended.assert_failed(
        9,
        &[
            "sent 8 lines, 3 acknowledged, 5 failed, 5 of them with an unknown outcome, 1 read and not sent",
            "; settled up to line 2\n",
            "error: no ack came for lines 3, 5-8 (ackIds 102, 104-107) before the end",
            "hint: `--on-unknown resend`",
        ],
    );
    service.assert_no_more_calls();
}

#[test]
fn with_keep_going_the_rest_is_sent_on_the_next_connection_and_the_exit_code_stays_9() {
    let service = Service::start();
    let flags = ["send", "g", "--lines", "--in-flight", "2", "--keep-going", "--reconnect-delay", "50ms"];
    let wps = start(&service, &flags, numbers(4));
    let mut peer = service.connect();
    read(&mut peer, 2);
    peer.reset();
    service.recovery().close(1008, "");
    let mut peer = service.connect();
    assert_eq!(data(&serve(&mut peer, 2)), ["3", "4"]);
    peer.see_off();
    wps.end()
        .assert_failed(9, &["sent 4 lines, 2 acknowledged, 2 failed", "error: no ack came for lines 1-2 (ackIds 1-2)"]);
}

#[test]
fn unknown_lines_are_sent_again_in_order_where_that_is_asked_for() {
    let service = Service::start();
    let flags = ["send", "g", "--lines", "--in-flight", "3", "--on-unknown", "resend", "--reconnect-delay", "50ms"];
    let wps = start(&service, &flags, numbers(5));
    let mut peer = service.connect();
    let first = read(&mut peer, 3);
    peer.ack(&json!(1));
    // It follows the ack, which has been taken then.
    let fourth = peer.operation();
    peer.reset();
    service.recovery().close(1008, "");
    let mut peer = service.connect();
    let again = serve(&mut peer, 4);
    assert_eq!(again[..3], [&first[1..], &[fourth]].concat(), "with the ids they had");
    assert_eq!(again[3]["data"], "5");
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_rate_is_kept_on_the_wire_so_nothing_gathers_while_there_is_no_connection() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "--lines", "--rate", "10/s"], numbers(5));
    let mut request = service.request();
    // Time for several messages.
    assert!(request.call.is_silent_for(Duration::from_millis(300)));
    request.at = Instant::now();
    let mut peer = request.upgrade();
    let begun = Instant::now();
    peer.greet("c1", "reconnect-1");
    serve(&mut peer, 5);
    assert!(begun.elapsed() >= Duration::from_millis(350), "{:?}", begun.elapsed());
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn an_interrupted_stream_ends_at_once_and_says_how_far_it_came() {
    let service = Service::start();
    // The input stays open, and nothing comes.
    let script =
        "mkfifo more; exec 9<>more; printf 'a\\nb\\nc\\n' >more; exec $WPS send g --lines --url \"$URL\" -o ndjson <&9";
    let mut wps = Setup::shell(script).env("URL", service.url()).start();
    let mut peer = service.connect();
    assert_eq!(data(&read(&mut peer, 3)), ["a", "b", "c"]);
    peer.ack(&json!(1));
    wps.skip_to("ack");
    let asked = Instant::now();
    wps.signal(rustix::process::Signal::INT);
    peer.see_off();
    let ended = wps.end();
    assert!(ended.at - asked < Duration::from_secs(2));
    assert_eq!(ended.code, 130);
    let stopped = ended.records().pop().unwrap();
    assert_eq!((&stopped["reason"], &stopped["acked"], &stopped["sent"]), (&json!("signal"), &json!(1), &json!(3)));
    ended.assert_stderr(&["sent 3 lines, 1 acknowledged, 2 failed, 2 of them with an unknown outcome"]);
}

#[test]
fn a_stalled_input_does_not_outlive_the_session() {
    let script = "mkfifo more; exec 9<>more; exec $WPS send g --lines --url \"$URL\" --no-reconnect <&9";
    let service = Service::start();
    let wps = Setup::shell(script).env("URL", service.url()).start();
    service.request().refuse("404 Not Found", &[], "");
    assert_eq!(wps.end().code, 6);

    let wps = Setup::shell(script).env("URL", service.url()).start();
    let peer = service.connect();
    peer.reset();
    service.recovery().close(1008, "");
    assert_eq!(wps.end().code, 7);
}

#[test]
fn a_stream_over_a_connection_that_is_reset_again_and_again_arrives_once_and_in_order() {
    let emulator = Emulator::quiet(&[]);
    let count = 20_000;
    let limit = count.to_string();
    let mut listener = wps(["listen", &emulator.local(), "-g", "g", "-o", "data", "--count", &limit, "-v"]).start();
    listener.err_line("joined `g`");
    // Some 2,000 messages each.
    let cutting = Cutting::start(emulator.port, 180_000);
    let ended = wps(["send", "g", "--lines", &format!("--local={}", cutting.port())]).stdin(numbers(count)).run();
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    ended.assert_stderr(&["sent 20000 lines, 20000 acknowledged"]);
    assert!(cutting.cuts() >= 8, "{}", cutting.cuts());
    assert!(listener.end().text() == numbers(count), "lost, doubled or out of order");
}
