//! `-vv` and `-vvv`: what goes over the wire, both ways, with times and without secrets.

use crate::support::{Ended, Service, wps};

/// A run that sends one message; the service sends it a long one first.
fn traced(flags: &[&str]) -> (Service, Ended) {
    let service = Service::start();
    let wps = wps(["send", "g", "hello", "--url", &service.url()]).args(flags).start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.say(1, &"long ".repeat(200));
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    assert!(!ended.stderr.contains(&service.token), "{}", ended.stderr);
    assert!(!ended.stderr.contains("reconnect-1"), "{}", ended.stderr);
    (service, ended)
}

/// Whether every line of it begins with a time.
fn is_timed(line: &str) -> bool {
    let time = line.split(' ').next().unwrap_or_default();
    time.len() == "2026-01-02T03:04:05.678Z".len() && time.ends_with('Z') && time.as_bytes()[10] == b'T'
}

#[test]
fn vv_shows_frames_both_ways_with_times_and_cuts_long_ones() {
    let (_service, ended) = traced(&["-vv"]);
    ended.assert_stderr(&[
        " ← {",
        "\"connected\"",
        "\"reconnectionToken\":\"[redacted]\"",
        " → {\"type\":\"sendToGroup\"",
        " ← {",
        "… (",
        " bytes)\n",
        " ← {",
        "\"ack\"",
        " → close 1000",
        " ← close 1000",
    ]);
    let traces: Vec<&str> = ended.stderr.lines().filter(|line| line.contains('→') || line.contains('←')).collect();
    assert!(traces.len() >= 5 && traces.iter().all(|line| is_timed(line)), "{traces:#?}");
    assert!(traces.iter().all(|line| line.chars().count() < 400), "{traces:#?}");
    assert!(!ended.stderr.contains("GET /client"), "the handshake is of the next level");
}

#[test]
fn vvv_shows_frames_whole_and_the_handshake() {
    let (_service, ended) = traced(&["-vvv"]);
    ended.assert_stderr(&[
        " → GET /client/hubs/hub1?access_token=[redacted]",
        " → sec-websocket-protocol: \"json.reliable.webpubsub.azure.v1\"",
        " ← HTTP/1.1 101",
        &"long ".repeat(200),
    ]);
}

#[test]
fn traces_are_coloured_when_colour_is_asked_for() {
    let (_service, ended) = traced(&["-vv", "--color", "always"]);
    ended.assert_stderr(&["\u{1b}[35m←\u{1b}[", "\u{1b}[36m→\u{1b}["]);
    let (_service, ended) = traced(&["-vv"]);
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}
