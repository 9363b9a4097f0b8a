//! `wps ping`: round trips, through losses and outages.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::{Ended, FromClient, Peer, Running, Service, kinds, wps};

fn ping(service: &Service, more: &[&str]) -> Running {
    wps(["ping", "--url", &service.url()]).args(more).start()
}

fn ping_emulator(emulator: &Emulator, more: &[&str]) -> Ended {
    wps(["ping", &emulator.local()]).args(more).run()
}

/// Waits for a ping of the protocol, without answering it.
fn await_ping(peer: &mut Peer) {
    assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
}

fn answer_ping(peer: &mut Peer) {
    await_ping(peer);
    peer.send(&json!({"type": "pong"}));
}

fn pongs(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|record| record["type"] == "pong").collect()
}

fn sequences(records: &[Value]) -> Vec<u64> {
    pongs(records).iter().map(|pong| pong["sequence"].as_u64().unwrap()).collect()
}

/// Sent, received, lost, and still awaited.
fn counts(records: &[Value]) -> [u64; 4] {
    let summary = records.iter().find(|record| record["type"] == "ping-summary").unwrap();
    ["sent", "received", "lost", "pending"].map(|name| summary[name].as_u64().unwrap_or(0))
}

#[test]
fn in_a_pipe_five_answers_are_records_and_a_summary_follows() {
    let service = Service::start();
    let wps = ping(&service, &["-i", "20ms"]);
    let mut peer = service.connect();
    (0..5).for_each(|_| answer_ping(&mut peer));
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    let mut expected = vec!["connected"];
    expected.extend(["pong"; 5]);
    expected.extend(["ping-summary", "stopped"]);
    assert_eq!(kinds(&records), expected);
    assert_eq!((sequences(&records), counts(&records)), (vec![1, 2, 3, 4, 5], [5, 5, 0, 0]));
    let times: Vec<f64> = pongs(&records).iter().map(|pong| pong["elapsedMs"].as_f64().unwrap()).collect();
    let (least, most) = (times.iter().copied().fold(f64::MAX, f64::min), times.iter().copied().fold(0.0, f64::max));
    let summary = &records[6];
    assert_eq!((summary["minMs"].as_f64(), summary["maxMs"].as_f64()), (Some(least), Some(most)), "{summary}");
    for name in ["meanMs", "p50Ms", "p90Ms", "p99Ms"] {
        assert!((least..=most).contains(&summary[name].as_f64().unwrap()), "{name}: {summary}");
    }
    assert!(summary["jitterMs"].is_number() && summary["group"].is_null(), "{summary}");
    assert_eq!((records[7]["reason"].as_str(), ended.code), (Some("count"), 0));
}

#[test]
fn for_people_an_answer_is_a_line_and_the_summary_is_as_ping_has_it() {
    let service = Service::start();
    let wps = ping(&service, &["-o", "text", "-c", "2", "-i", "20ms"]);
    let mut peer = service.connect();
    (0..2).for_each(|_| answer_ping(&mut peer));
    peer.see_off();
    let ended = wps.end();
    let lines: Vec<&str> = ended.text().lines().collect();
    let place = format!("127.0.0.1:{}", service.port());
    assert!(lines[0].starts_with(&format!("pong from {place}: seq=1 time=")) && lines[0].ends_with(" ms"), "{lines:?}");
    assert!(lines[1].contains("seq=2") && lines[2].is_empty(), "{lines:?}");
    assert_eq!(lines[3], format!("--- {place} ping statistics ---"));
    assert!(lines[4].starts_with("2 sent, 2 received, 0 lost, in "), "{lines:?}");
    assert!(lines[5].starts_with("round trip min/mean/max = ") && lines[6].starts_with("percentiles p50"), "{lines:?}");
    assert_eq!((lines.len(), ended.code), (7, 0));
}

#[test]
fn a_reader_that_has_gone_ends_the_printing_and_not_a_run_with_a_count() {
    let service = Service::start();
    let wps = || wps(["ping", "--url", &service.url(), "-c", "2", "-i", "20ms"]).stdout_closed();
    let refused = wps().start();
    service.request().refuse("401 Unauthorized", &[], "");
    refused.end().assert_failed(5, &["error: ", "401 Unauthorized"]);

    let failing = wps().args(["--fail-on", ".sequence == 2"]).start();
    let mut peer = service.connect();
    (0..2).for_each(|_| answer_ping(&mut peer));
    peer.see_off();
    failing.end().assert_failed(12, &["error: a record came for which"]);
}

#[test]
fn an_outage_is_late_answers_and_no_end() {
    let service = Service::start();
    let wps = ping(&service, &["-c", "4", "-i", "50ms"]);
    let mut peer = service.connect();
    answer_ping(&mut peer);
    await_ping(&mut peer);
    let cut = Instant::now();
    peer.reset();
    let mut peer = service.recovery();
    // The one that is to prove the connection.
    await_ping(&mut peer);
    let outage = cut.elapsed();
    peer.send(&json!({"type": "pong"}));
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!((sequences(&records), counts(&records)), (vec![1, 2, 3, 4], [4, 4, 0, 0]));
    assert!(kinds(&records).contains(&"recovering") && kinds(&records).contains(&"recovered"), "{records:?}");
    let late = Duration::from_secs_f64(pongs(&records)[1]["elapsedMs"].as_f64().unwrap() / 1000.0);
    assert!(late >= outage, "{late:?} {outage:?}");
    assert_eq!(ended.code, 0);
}

#[test]
fn a_connection_that_is_lost_for_good_is_made_anew_and_the_answers_are_late() {
    let service = Service::start();
    let wps = ping(&service, &["-c", "3", "-i", "20ms", "--reconnect-delay", "10ms"]);
    let mut peer = service.connect();
    await_ping(&mut peer);
    peer.close(1008, "gone");
    service.connect().see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!((sequences(&records), counts(&records)), (vec![1, 2, 3], [3, 3, 0, 0]));
    assert_eq!((records.iter().filter(|record| record["type"] == "connected").count(), ended.code), (2, 0));
}

#[test]
fn what_a_run_awaits_that_ends_with_its_connection_is_lost() {
    let service = Service::start();
    let wps = ping(&service, &["-i", "1m", "--no-reconnect"]);
    let mut peer = service.connect();
    await_ping(&mut peer);
    peer.close(1008, "gone");
    let ended = wps.end();
    assert_eq!((counts(&ended.records()), ended.code), ([1, 0, 1, 0], 7), "{}", ended.text());
}

#[test]
fn an_answer_that_does_not_come_is_lost_and_the_others_are_not_late() {
    let emulator = Emulator::with(&["no-pong,nth=2"]);
    let ended = ping_emulator(&emulator, &["-c", "3", "-i", "400ms"]);
    let records = ended.records();
    assert_eq!(counts(&records), [3, 2, 1, 0], "{records:?}");
    assert_eq!(sequences(&records), [1, 3], "{records:?}");
    assert_eq!((emulator.fired(), ended.code), (vec![1], 0));
}

#[test]
fn without_any_answer_the_exit_code_is_9() {
    let emulator = Emulator::with(&["no-pong"]);
    for (count, words) in
        [(1, "the one ping was not answered within 100 ms"), (2, "none of 2 pings was answered within 100 ms")]
    {
        let more = ["-c", &count.to_string(), "-i", "10ms", "--ack-timeout", "100ms"];
        let ended = ping_emulator(&emulator, &more);
        assert_eq!((counts(&ended.records()), ended.code), ([count, 0, count, 0], 9));
        ended.assert_stderr(&[words, "--ack-timeout"]);
    }
}

#[test]
fn an_assertion_over_the_summary_decides_the_exit_code() {
    for (condition, code) in [(".lost > 0", 12), (".sent > 3", 0)] {
        let emulator = Emulator::with(&["no-pong,nth=2"]);
        let ended = ping_emulator(&emulator, &["-c", "3", "-i", "400ms", "--fail-on", condition]);
        assert_eq!(ended.code, code, "{condition}: {}", ended.text());
    }
}

#[test]
fn through_a_group_messages_come_back_to_their_sender() {
    let emulator = Emulator::with(&["latency=60ms,op=message"]);
    let ended = ping_emulator(&emulator, &["-g", "chat", "-c", "3", "-i", "10ms"]);
    let records = ended.records();
    assert_eq!((sequences(&records), counts(&records)), (vec![1, 2, 3], [3, 3, 0, 0]));
    for pong in pongs(&records) {
        assert!(pong["elapsedMs"].as_f64().unwrap() >= 60.0 && pong["group"] == "chat", "{pong}");
    }
    assert!(!kinds(&records).contains(&"group-message"), "{records:?}");
    assert_eq!(ended.code, 0);
}

#[test]
fn a_message_that_is_lost_on_the_way_is_named_by_what_is_missing() {
    let emulator = Emulator::with(&["ignore,op=sendToGroup,nth=2"]);
    let ended = ping_emulator(&emulator, &["-g", "chat", "-c", "4", "-i", "10ms"]);
    let records = ended.records();
    assert_eq!((sequences(&records), counts(&records)), (vec![1, 3, 4], [4, 3, 1, 0]));
    assert_eq!(ended.code, 0);
}

#[test]
fn messages_through_a_group_are_sent_again_on_a_recovered_connection() {
    let emulator = Emulator::with(&["drop=reset,op=sendToGroup,nth=2"]);
    let ended = ping_emulator(&emulator, &["-g", "chat", "-c", "4", "-i", "20ms"]);
    let records = ended.records();
    assert_eq!((counts(&records), emulator.fired()), ([4, 4, 0, 0], vec![1]));
    assert!(kinds(&records).contains(&"recovered"), "{records:?}");
    assert_eq!(ended.code, 0);
}

#[test]
fn a_group_that_it_may_not_send_to_is_a_refusal() {
    let service = Service::start();
    let wps = ping(&service, &["--group", "g"]);
    let mut peer = service.connect_and_join(&["g"]);
    let operation = peer.operation();
    assert!(operation["data"].as_str().unwrap().starts_with("wps-ping "), "{operation}");
    peer.nack(&operation["ackId"], "Forbidden", "no");
    peer.see_off();
    let ended = wps.end();
    ended.assert_stderr(&["Forbidden"]);
    assert_eq!((counts(&ended.records()), ended.code), ([1, 0, 1, 0], 8));
}

#[test]
fn when_the_time_is_up_there_is_a_summary_all_the_same() {
    let service = Service::start();
    let wps = ping(&service, &["-c", "9", "-i", "1h", "--timeout", "1s"]);
    let mut peer = service.connect();
    answer_ping(&mut peer);
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "pong", "ping-summary", "stopped"]);
    assert_eq!((counts(&records), ended.code), ([1, 1, 0, 0], 124));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_a_summary_that_says_what_is_still_awaited() {
    let service = Service::start();
    let mut wps = ping(&service, &["-i", "50ms"]);
    let mut peer = service.connect();
    answer_ping(&mut peer);
    wps.skip_to("pong");
    await_ping(&mut peer);
    wps.signal(rustix::process::Signal::TERM);
    while !matches!(peer.next(), FromClient::Close(_) | FromClient::Gone) {}
    drop(peer);
    let ended = wps.end();
    let records = ended.records();
    let [sent, received, lost, pending] = counts(&records);
    assert_eq!((received, lost, sent - pending), (1, 0, 1), "{records:?}");
    assert_eq!((kinds(&records).last(), ended.code), (Some(&"stopped"), 143));
}

#[cfg(unix)]
#[test]
fn at_a_terminal_it_goes_on_until_ctrl_c_and_ends_with_the_summary() {
    use crate::support::terminal::terminal;
    let service = Service::start();
    let mut wps = terminal(["ping", "--url", &service.url(), "-i", "20ms"]).start();
    let mut peer = service.connect();
    (0..7).for_each(|_| answer_ping(&mut peer));
    wps.see("seq=7");
    wps.keys("\u{3}");
    peer.see_off();
    let lines = wps.see("percentiles p50/p90/p99");
    assert!(lines.iter().any(|line| line.contains("ping statistics ---")), "{lines:#?}");
    assert_eq!(wps.end(), 130);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, part) in
        [(&["-c", "0"][..], "--count"), (&["-i", "0"], "--interval"), (&["-g", ""], "--group"), (&["extra"], "extra")]
    {
        wps(["ping", "--local", "-o", "text"]).args(arguments).run().assert_failed(2, &[part]);
    }
}
