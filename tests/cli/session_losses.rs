//! `--session`: what was lost is told by the next run, if the one that lost it had no time to.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::session::{Bench, ROUND, gone, say};
use crate::support::{Peer, Running, Source, kinds};

/// Has the run lose `c1`, which it has recovered, and gives it another connection.
fn lose(bench: &Bench, peer: Peer) -> Peer {
    peer.close(1011, "");
    bench.service.recovery().close(1008, "");
    let mut peer = bench.service.request().upgrade();
    peer.greet("c2", "reconnect-2");
    peer
}

/// Takes the recovery of `c2` by the next run.
fn taken_up(bench: &Bench) -> Peer {
    let request = bench.service.request();
    request.assert_recovers("c2", "reconnect-2");
    let mut peer = request.upgrade();
    peer.next();
    peer.send(&serde_json::json!({"type": "pong"}));
    peer
}

fn end(wps: Running, signal: Signal) -> Vec<Value> {
    wps.signal(signal);
    wps.end().records()
}

#[test]
fn what_a_run_has_not_put_out_is_told_by_the_next_and_once() {
    let bench = Bench::new();
    bench.left();
    let sender = bench.run(&["send", "g", "one"]).start();
    let sent = bench.recovered().operation();
    sender.signal(Signal::KILL);
    sender.end();
    // Nobody reads what this one prints.
    let wps = bench.listen(&["-g", "g"]);
    let mut peer = bench.recovered();
    assert_eq!(peer.operation(), sent);
    let mut source = Source::default();
    (0..ROUND).for_each(|_| say(&mut source, &mut peer));
    bench.see_stuck(0);
    let mut peer = lose(&bench, peer);
    peer.grant_join("g");
    assert!(fs::read_to_string(bench.file()).unwrap().contains("reconnect-2"));
    wps.signal(Signal::KILL);
    assert_eq!((wps.end().code, gone(&mut peer)), (-9, true));
    let told = |records: &[Value]| {
        let losses =
            records.iter().filter(|it| ["session-lost", "operation-unknown"].contains(&it["type"].as_str().unwrap()));
        losses.map(|it| (it["type"].clone(), it["connectionId"].clone(), it["ackId"].clone())).collect::<Vec<_>>()
    };
    let losses = [
        ("session-lost".into(), "c1".into(), Value::Null),
        ("operation-unknown".into(), Value::Null, sent["ackId"].clone()),
    ];
    // One that is killed before it has printed anything leaves it to the next again.
    for (signal, expected) in [(Signal::TERM, &losses[..]), (Signal::TERM, &[])] {
        let mut wps = bench.listen(&["-g", "g"]);
        let mut peer = taken_up(&bench);
        wps.skip_to("recovered");
        let records = end(wps, signal);
        assert_eq!(told(&records), expected);
        assert_eq!(kinds(&records)[..expected.len()], ["session-lost", "operation-unknown"][..expected.len()]);
        assert!(gone(&mut peer));
    }
}

#[test]
fn where_there_are_no_records_a_loss_is_told_in_words_and_once() {
    for (flags, told) in
        [(&["-o", "data"][..], true), (&["-o", "ndjson", "--only", "messages"], true), (&["-q"], false)]
    {
        let bench = Bench::new();
        bench.left();
        let mut wps = bench.run(&["listen", "-g", "g"]).args(flags).start();
        let mut peer = lose(&bench, bench.recovered());
        peer.grant_join("g");
        peer.say(1, "x");
        wps.line();
        wps.signal(Signal::TERM);
        let ended = wps.end();
        assert_eq!(ended.stderr.contains("messages may be missing"), told, "{flags:?}: {}", ended.stderr);
        assert!(gone(&mut peer));
        let mut wps = bench.listen(&["-g", "g"]);
        taken_up(&bench);
        wps.skip_to("recovered");
        assert!(!kinds(&end(wps, Signal::TERM)).contains(&"session-lost"), "{flags:?}");
    }
}
