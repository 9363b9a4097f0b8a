//! `wps bench`: what a service loses, doubles, reorders and delays is in the results; they come whatever happens.

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
#[cfg(unix)]
use crate::support::process::Setup;
use crate::support::service::message;
use crate::support::{Ended, FromClient, Peer, Running, Service, kinds, wps};

/// A run on one connection that publishes and subscribes, of so many messages in group `g`, at once.
fn pubsub(service: &Service, count: usize, more: &[&str]) -> Running {
    let count = count.to_string();
    let load = ["--connections", "1", "--rate", "max", "--count", &count, "-g", "g", "-o", "ndjson"];
    wps(["bench", "pubsub", "--url", &service.url()]).args(load).args(more).start()
}

/// Reads so many messages of the run.
fn read(peer: &mut Peer, count: usize) -> Vec<Value> {
    (0..count).map(|_| peer.operation()).collect()
}

fn data(operation: &Value) -> &str {
    operation["data"].as_str().unwrap()
}

/// The `bench` record.
fn results(ended: &Ended) -> Value {
    ended.records().into_iter().find(|record| record["type"] == "bench").expect("there are no results")
}

fn numbers<const N: usize>(record: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| record[name].as_u64().unwrap_or_else(|| panic!("{name}: {record}")))
}

#[test]
fn what_the_service_loses_doubles_and_reorders_is_named_exactly() {
    let service = Service::start();
    let wps = pubsub(&service, 20, &["--drain", "300ms"]);
    let mut peer = service.connect_and_join(&["g"]);
    let operations = read(&mut peer, 20);
    // Numbers 3 and 19 are lost, 5 comes three times, 8 comes behind 10.
    let order = [0, 1, 2, 4, 5, 5, 6, 5, 7, 9, 10, 8, 11, 12, 13, 14, 15, 16, 17, 18];
    for (sequence_id, number) in (1..).zip(order) {
        peer.say(sequence_id, data(&operations[number]));
    }
    operations.iter().for_each(|operation| peer.ack(&operation["ackId"]));
    peer.see_off();
    let ended = wps.end();
    let results = results(&ended);
    assert_eq!(numbers(&results, ["sent", "acked", "refused", "unacked"]), [20, 20, 0, 0]);
    assert_eq!(
        numbers(&results, ["expected", "received", "lost", "doubled", "reordered", "foreign"]),
        [20, 18, 2, 2, 1, 0]
    );
    assert_eq!((kinds(&ended.records()).last(), ended.code), (Some(&"stopped"), 0));
}

#[test]
fn latencies_are_those_of_the_messages() {
    let service = Service::start();
    let wps = pubsub(&service, 100, &[]);
    let mut peer = service.connect_and_join(&["g"]);
    let operations = read(&mut peer, 100);
    for (number, operation) in operations.iter().enumerate() {
        // It says itself when it was due: from 30 s to 50 min before.
        let fields: Vec<&str> = data(operation).splitn(6, ' ').collect();
        let due = fields[4].parse::<u64>().unwrap() - 30_000_000_000 * (number as u64 + 1);
        let text = [fields[0], fields[1], fields[2], fields[3], &due.to_string(), fields[5]].join(" ");
        peer.say(number as u64 + 1, &text);
        peer.ack(&operation["ackId"]);
    }
    peer.see_off();
    let ended = wps.end();
    let results = results(&ended);
    for (name, seconds) in [
        ("minMs", 30.0),
        ("meanMs", 1515.0),
        ("p50Ms", 1500.0),
        ("p90Ms", 2700.0),
        ("p99Ms", 2970.0),
        ("maxMs", 3000.0),
    ] {
        let found = results[name].as_f64().unwrap() / 1e3;
        // And what it takes to get here, on a machine that may be busy.
        assert!((seconds * 0.999..seconds * 1.001 + 10.0).contains(&found), "{name}: {found}");
    }
    assert_eq!(numbers(&results, ["received", "lost", "ahead"]), [100, 0, 0]);
}

#[test]
fn refused_messages_are_no_losses_and_messages_of_others_are_told_apart() {
    let service = Service::start();
    let wps = pubsub(&service, 10, &["--drain", "300ms"]);
    let mut peer = service.connect_and_join(&["g"]);
    let operations = read(&mut peer, 10);
    peer.say(1, "hello");
    let mut elsewhere = message(2, data(&operations[0]));
    elsewhere["group"] = json!("other");
    peer.send(&elsewhere);
    peer.say(3, &data(&operations[0]).replace("wps-bench ", "wps-bench x"));
    for (number, operation) in operations.iter().enumerate() {
        if number % 2 == 0 {
            peer.nack(&operation["ackId"], "Forbidden", "no");
        } else {
            peer.say(number as u64 / 2 + 4, data(operation));
            peer.ack(&operation["ackId"]);
        }
    }
    peer.see_off();
    let ended = wps.end();
    let names = ["acked", "refused", "unacked", "expected", "received", "lost", "foreign"];
    assert_eq!(numbers(&results(&ended), names), [5, 5, 0, 5, 5, 0, 3]);
    assert_eq!(ended.code, 0);
}

#[test]
fn a_run_in_which_all_is_refused_has_failed() {
    let service = Service::start();
    let wps = pubsub(&service, 3, &["--drain", "300ms"]);
    let mut peer = service.connect_and_join(&["g"]);
    for operation in read(&mut peer, 3) {
        peer.nack(&operation["ackId"], "Forbidden", "no");
    }
    peer.see_off();
    let ended = wps.end();
    ended.assert_stderr(&["send to `g`", "Forbidden"]);
    assert_eq!((numbers(&results(&ended), ["refused", "lost"]), ended.code), ([3, 0], 8));
}

#[test]
fn after_a_count_too_no_ack_is_waited_for_longer_than_the_drain() {
    let service = Service::start();
    let wps = pubsub(&service, 3, &["--drain", "300ms"]);
    let mut peer = service.connect_and_join(&["g"]);
    let operations = read(&mut peer, 3);
    for (sequence_id, operation) in (1..).zip(&operations) {
        peer.say(sequence_id, data(operation));
    }
    operations[..2].iter().for_each(|operation| peer.ack(&operation["ackId"]));
    peer.see_off();
    let ended = wps.end();
    let names = ["sent", "acked", "unacked", "expected", "received", "lost"];
    assert_eq!(numbers(&results(&ended), names), [3, 2, 1, 3, 3, 0]);
    assert_eq!((ended.records().last().unwrap()["reason"].as_str(), ended.code), (Some("count"), 0));

    let wps = pubsub(&service, 1, &["--drain", "100ms"]);
    let mut peer = service.connect_and_join(&["g"]);
    read(&mut peer, 1);
    peer.see_off();
    let ended = wps.end();
    ended.assert_stderr(&["error: the one message was not acknowledged\n"]);
    assert_eq!((numbers(&results(&ended), ["sent", "unacked"]), ended.code), ([1, 1], 9));
}

#[test]
fn what_is_acknowledged_late_is_waited_for_and_measured() {
    let emulator = Emulator::with(&["delay-ack=700ms,op=sendToGroup"]);
    let load = ["bench", "pub", "--count", "3", "--rate", "max", "-o", "ndjson", &emulator.local()];
    let ended = wps(load).run();
    let results = results(&ended);
    assert_eq!((numbers(&results, ["sent", "acked", "unacked"]), ended.code), ([3, 3, 0], 0));
    // The start is a moment after the first message is made.
    assert!(results["durationMs"].as_f64().unwrap() >= 600.0, "{results}");
}

#[test]
fn a_reader_that_has_gone_ends_the_printing_and_not_the_load() {
    let service = Service::start();
    for mode in ["pub", "sub", "pubsub"] {
        let wps =
            wps(["bench", mode, "--for", "1s", "--connections", "1", "--url", &service.url()]).stdout_closed().start();
        service.request().refuse("401 Unauthorized", &[], "");
        wps.end().assert_failed(5, &["error: ", "401 Unauthorized"]);
    }
    let wps = wps(["bench", "pub", "--count", "5", "--url", &service.url(), "-g", "g", "-o", "ndjson"])
        .args(["--fail-if", ".acked == 5"])
        .stdout_closed()
        .start();
    let mut peer = service.connect();
    for operation in read(&mut peer, 5) {
        peer.ack(&operation["ackId"]);
    }
    peer.see_off();
    wps.end().assert_failed(12, &["error: `.acked == 5` (`--fail-if`) is true of the results"]);
}

#[test]
fn a_service_that_hangs_does_not_hold_it_up() {
    let service = Service::start();
    let wps = wps(["bench", "pub", "--url", &service.url(), "-g", "g", "-o", "ndjson"])
        .args(["--for", "300ms", "--rate", "200/s", "--in-flight", "5", "--drain", "200ms"])
        .start();
    let mut peer = service.connect();
    read(&mut peer, 5);
    peer.see_off();
    let ended = wps.end();
    let results = results(&ended);
    assert_eq!(numbers(&results, ["sent", "acked", "unacked", "unsent"]), [5, 0, 5, 55]);
    ended.assert_stderr(&["55 messages were due and not sent", "none of 5 messages was acknowledged"]);
    assert_eq!(ended.code, 9);
}

#[test]
fn a_group_that_it_may_not_join_ends_it() {
    let service = Service::start();
    let wps = pubsub(&service, 3, &[]);
    let mut peer = service.connect();
    let join = peer.operation();
    peer.nack(&join["ackId"], "Forbidden", "no");
    peer.see_off();
    let ended = wps.end();
    ended.assert_stderr(&["join `g`", "Forbidden"]);
    assert_eq!((kinds(&ended.records()), ended.code), (vec!["stopped"], 8));
}

#[test]
fn a_connection_that_cannot_be_had_ends_it_with_its_exit_code() {
    let service = Service::start();
    let wps = wps(["bench", "sub", "--url", &service.url(), "--subscribers", "2", "-g", "g", "--no-reconnect"]).start();
    let peer = service.connect_and_join(&["g"]);
    service.request().refuse("429 Too Many Requests", &[], "no more");
    peer.see_off();
    wps.end().assert_failed(4, &["429", "of 2 connections were there by then"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_with_what_there_is() {
    let service = Service::start();
    let mut wps = wps(["bench", "pubsub", "--url", &service.url(), "--connections", "1", "-g", "g", "-o", "ndjson"])
        .args(["--rate", "100/s", "--for", "1h"])
        .start();
    let mut peer = service.connect_and_join(&["g"]);
    for (sequence_id, operation) in (1..).zip(read(&mut peer, 3)) {
        peer.say(sequence_id, data(&operation));
        peer.ack(&operation["ackId"]);
    }
    wps.skip_to("bench-progress");
    wps.signal(rustix::process::Signal::INT);
    while !matches!(peer.next(), FromClient::Close(_) | FromClient::Gone) {}
    drop(peer);
    let ended = wps.end();
    assert_eq!(numbers(&results(&ended), ["received", "acked", "lost"]), [3, 3, 0]);
    let records = ended.records();
    let stopped = records.last().unwrap();
    assert_eq!((stopped["reason"].as_str(), stopped["acked"].as_u64(), ended.code), (Some("signal"), Some(3), 130));
}

#[test]
fn a_timeout_ends_it_with_what_there_is() {
    let service = Service::start();
    let wps = wps(["bench", "sub", "--url", &service.url(), "-g", "g", "--timeout", "500ms", "-o", "ndjson"]).start();
    let peer = service.connect_and_join(&["g"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((numbers(&results(&ended), ["received"]), ended.code), ([0], 124));
}

#[test]
fn an_expectation_decides_the_exit_code() {
    let emulator = Emulator::with(&["ignore,op=sendToGroup,nth=4"]);
    let load = ["bench", "pubsub", "--count", "9", "--rate", "max", "--ack-timeout", "100ms", "--retries", "0"];
    let run = |expectations: &[&str]| wps(load).arg(emulator.local()).args(expectations).run();
    let ended = run(&["--fail-if", ".received > 9", "--fail-if", ".unacked > 0"]);
    ended.assert_stderr(&["error: `.unacked > 0` (`--fail-if`) is true of the results"]);
    assert_eq!(ended.code, 12);
    assert!(ended.text().contains("1 without an ack"), "{}", ended.text());
    assert_eq!(run(&["--fail-if", ".received != 9 or .lost > 0"]).code, 0);
    run(&["--fail-if", ".p99Ms >"]).assert_failed(2, &["--fail-if"]);
}

#[test]
fn messages_go_round_the_groups_to_all_subscribers() {
    let emulator = Emulator::with(&[]);
    let ended = wps(["bench", "pubsub", "-o", "ndjson", &emulator.local()])
        .args(["--publishers", "3", "--subscribers", "5", "--groups", "2", "--count", "40", "--rate", "2000/s"])
        .args(["--size", "80-400", "--seed", "7", "--protocol", "protobuf-reliable"])
        .run();
    let results = results(&ended);
    // 60 for each of the groups, which have 3 and 2 subscribers.
    assert_eq!(numbers(&results, ["sent", "acked", "expected", "received", "lost"]), [120, 120, 300, 300, 0]);
    assert_eq!(numbers(&results, ["publishers", "subscribers", "connections", "groups"]), [3, 5, 8, 2]);
    assert_eq!((results["mode"].as_str(), ended.code), (Some("pubsub"), 0));
    assert!(results["latencyHistogram"].is_string() && results["connectMaxMs"].is_number(), "{results}");
}

#[test]
fn connections_that_are_cut_lose_nothing() {
    let emulator = Emulator::with(&["drop=reset,op=sendToGroup,nth=20", "drop=reset,op=message,nth=50"]);
    let ended = wps(["bench", "pubsub", "-o", "ndjson", &emulator.local()])
        .args(["--subscribers", "3", "--count", "100", "--rate", "max"])
        .run();
    let names = ["acked", "received", "lost", "doubled", "reordered", "connectionsLost"];
    assert_eq!(numbers(&results(&ended), names), [100, 300, 0, 0, 0, 2], "{}", ended.stderr);
    assert_eq!(emulator.fired(), [1, 1]);
    ended.assert_stderr(&["warning: a connection was lost"]);
}

#[test]
fn another_process_may_subscribe() {
    let emulator = Emulator::with(&[]);
    let mut sub = wps(["bench", "sub", "--run", "r1", "--count", "50", "--subscribers", "2", "-o", "ndjson"])
        .arg(emulator.local())
        .start();
    sub.err_line("subscribed 2 times to `wps-bench`");
    for (run, count) in [("r0", "20"), ("r1", "50")] {
        let publish = ["bench", "pub", "--rate", "max", "--run", run, "--count", count];
        assert_eq!(wps(publish).arg(emulator.local()).run().code, 0);
    }
    let ended = sub.end();
    assert_eq!(numbers(&results(&ended), ["received", "lost", "foreign"]), [100, 0, 40]);
    assert_eq!(ended.code, 0);
}

#[test]
fn results_are_lines_for_people_and_csv_for_tables() {
    let emulator = Emulator::with(&[]);
    let load = ["bench", "pubsub", "--count", "20", "--rate", "max", "--run", "r"];
    let ended = wps(load).arg(emulator.local()).run();
    for part in [
        "bench pubsub: 1 publisher and 1 subscriber on 2 connections to localhost:",
        "\nsent                  20",
        "\nreceived              20   of 20 expected; ",
        "\nto receipt ",
        "\nto ack ",
    ] {
        assert!(ended.text().contains(part), "{part}: {}", ended.text());
    }
    // Bars are for terminals.
    assert!(!ended.text().contains('█'), "{}", ended.text());
    let ended = wps(load).args(["--csv", &emulator.local()]).run();
    let lines: Vec<&str> = ended.text().lines().collect();
    assert!(lines[0].starts_with("mode,run,durationMs,") && lines[1].starts_with("pubsub,r,"), "{lines:?}");
    assert_eq!((lines.len(), lines[0].split(',').count()), (2, lines[1].split(',').count()));
}

#[cfg(unix)]
#[test]
fn at_a_terminal_there_is_a_histogram() {
    use crate::support::terminal::terminal;
    let emulator = Emulator::with(&["latency=5ms..60ms,op=message"]);
    let load = ["bench", "pubsub", "--count", "60", "--rate", "200/s", &emulator.local()];
    let wps = terminal(load).start();
    let lines = wps.see("█");
    assert!(lines.iter().any(|line| line.contains("from due to receipt")), "{lines:#?}");
    assert_eq!(wps.end(), 0);
}

#[cfg(unix)]
#[test]
fn histograms_are_written_as_a_log() {
    let emulator = Emulator::with(&[]);
    let script = "$WPS bench pubsub --count 20 --rate max --histogram log.hlog $LOCAL > /dev/null && cat log.hlog";
    let ended = Setup::shell(script).env("LOCAL", emulator.local()).run();
    let log = ended.text();
    assert!(log.contains("#[Histogram log format version 1.3]") && log.contains("\nTag=latency,0.000,"), "{log}");
    assert!(log.contains("\nTag=ack,") && log.contains(",HIST"), "{log}");
    let ended = wps(["bench", "pub", "--histogram", "/nowhere/log", &emulator.local()]).run();
    ended.assert_failed(13, &["could not write `/nowhere/log`"]);
}

#[test]
fn what_may_cost_something_is_asked_for() {
    let service = Service::start();
    let url = service.url_of("bench.example");
    let resolve = format!("bench.example:{}:127.0.0.1", service.port());
    let run = |more: &[&str]| wps(["bench", "pub", "--url", &url, "--resolve", &resolve]).args(more).start();
    for (load, parts) in [
        (&["--publishers", "21"][..], &["21 connections"][..]),
        (&["--rate", "1001/s"], &["10,010 messages at 1,001 a second"]),
        (&["--rate", "max"], &["as many messages as go through"]),
    ] {
        let ended = run(load).end();
        ended.assert_failed(2, &["this may cost something", "`--yes`"]);
        ended.assert_stderr(parts);
    }
    let wps = run(&["--rate", "1001/s", "--count", "1", "--yes"]);
    let mut peer = service.connect();
    let operation = peer.operation();
    peer.ack(&operation["ackId"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
    service.assert_no_more_calls();
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, part) in [
        (
            &["pubsub", "--connections", "2", "--subscribers", "3"][..],
            "2 connections cannot carry 1 publisher and 3 subscribers",
        ),
        (
            &["pubsub", "--connections", "1", "--subscribers", "3"],
            "1 connection cannot carry 1 publisher and 3 subscribers",
        ),
        (&["pub", "--size", "10"], "--size"),
        (&["pub", "--rate", "0"], "--rate"),
        (&["pub", "--subscribers", "1"], "--subscribers"),
        (&["sub", "--rate", "1"], "--rate"),
        (&["sub", "--for", "1s", "--count", "1"], "--count"),
        (&["sub", "--run", "a b"], "--run"),
        (&["pub", "--csv", "-o", "ndjson"], "--csv"),
        (&["pub", "--record", "f"], "--record"),
    ] {
        wps(["bench"]).args(arguments).arg("--local=1").run().assert_failed(2, &[part]);
    }
    wps(["bench", "pub", "--local=1"]).run().assert_failed(4, &["wps emulator"]);
}

#[cfg(unix)]
#[test]
fn a_report_is_a_page_of_its_own() {
    let emulator = Emulator::with(&["drop=reset,op=message,nth=5"]);
    let script =
        "$WPS bench pubsub --count 20 --rate 100/s -g 'a b' --report run.html $LOCAL > /dev/null && cat run.html";
    let ended = Setup::shell(script).env("LOCAL", emulator.local()).run();
    let page = ended.text();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{page}");
    for part in ["bench pubsub --group &#39;a b&#39; ", "<b>20</b><span>received</span>", "┆ connection lost", "90 %"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Nothing of how it connects is in it.
    assert!(!page.contains("--local") && !page.contains("access_token"), "{page}");
    let ended = wps(["bench", "pub", "--report", "/nowhere/r.html", &emulator.local()]).run();
    ended.assert_failed(13, &["could not write `/nowhere/r.html`"]);
}

/// Runs of that many milliseconds a message, and one that has nothing to do with them.
#[cfg(unix)]
fn with_runs(script: &str) -> Ended {
    let run = |millis: u32, lost: u32, sent: u32| -> String {
        let record = json!({"type": "bench", "mode": "pubsub", "run": "r", "publishers": 1, "subscribers": 1, "groups": 1,
            "sent": sent, "acked": sent, "received": sent - lost, "expected": sent, "lost": lost, "sendRate": 10.0,
            "receiveRate": 10.0, "minMs": 1.0, "meanMs": millis, "p50Ms": millis, "p90Ms": millis, "p99Ms": millis,
            "p999Ms": millis, "maxMs": millis});
        let second =
            json!({"type": "bench-progress", "sendRate": 10.0, "receiveRate": 10.0, "p50Ms": millis, "p99Ms": millis});
        format!("{}{record}\n", format!("{second}\n").repeat(8))
    };
    Setup::shell(script)
        .file("fast", &run(10, 0, 100))
        .file("slow", &run(20, 50, 100))
        .file("other", "{\"type\":\"pong\"}\n")
        .run()
}

#[cfg(unix)]
#[test]
fn two_runs_are_compared_with_a_verdict() {
    let ended = with_runs("$WPS bench compare fast slow");
    let lines: Vec<&str> = ended.text().lines().collect();
    let line = |name: &str| *lines.iter().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(line("p50Ms").ends_with("B is worse") && line("p50Ms").contains("+100.0 %"), "{lines:#?}");
    assert!(line("lost").ends_with("B is worse") && line("sendRate").contains("no difference"), "{lines:#?}");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let records = with_runs("$WPS bench compare slow fast -o ndjson").records();
    let p99 = records.iter().find(|record| record["metric"] == "p99Ms").unwrap();
    assert_eq!(
        (p99["verdict"].as_str(), p99["a"].as_f64(), p99["b"].as_f64()),
        (Some("better"), Some(20.0), Some(10.0))
    );
    with_runs("$WPS bench compare fast other").assert_failed(11, &["`other` has no results"]);
    with_runs("$WPS bench compare fast nothing").assert_failed(11, &["could not read `nothing`"]);
}

#[cfg(unix)]
#[test]
fn runs_of_several_processes_are_one_when_they_are_merged() {
    let emulator = Emulator::with(&[]);
    let script = "
        set -e
        for offset in 0 2; do
            $WPS bench pub --run r1 --publishers 2 --publisher-offset $offset --count 25 --rate max -o ndjson $LOCAL > pub-$offset
        done
        $WPS bench pubsub --run r1 --publishers 2 --publisher-offset 4 --count 25 --rate max -o ndjson $LOCAL > both
        $WPS bench merge pub-0 pub-2 both -o ndjson --histogram all.hlog
        $WPS bench merge all.hlog
        $WPS bench merge pub-0 both --fail-if '.acked > 99'";
    let ended = Setup::shell(script).env("LOCAL", emulator.local()).run();
    let merged: Value = serde_json::from_str(ended.text().lines().next().unwrap()).unwrap();
    let names = ["runs", "publishers", "sent", "acked", "received", "lost", "foreign"];
    assert_eq!(numbers(&merged, names), [3, 6, 150, 150, 50, 0, 0]);
    assert!(merged["ackP99Ms"].is_number() && merged["p50Ms"].is_number(), "{merged}");
    assert_eq!((merged["mode"].as_str(), merged["run"].as_str()), (Some("merge"), Some("r1")));
    assert!(ended.text().contains("\nto receipt "), "{}", ended.text());
    assert_eq!(ended.code, 12, "{}", ended.stderr);
    let unknown = with_runs("$WPS bench merge fast slow");
    unknown.assert_stderr(&["2 of the files have no histograms"]);
    with_runs("$WPS bench merge fast other").assert_failed(11, &["`other` has no results"]);
}
