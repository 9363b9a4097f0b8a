//! Every fault of the emulator, once, with `wps` as the client, and what PROTOCOL §19 promises for it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::emulator::Emulator;
use crate::support::{Ended, Running, kinds, wps};

/// Pings that notice a silence soon.
const QUICK_PINGS: [&str; 4] = ["--ping-interval", "100ms", "--ping-timeout", "500ms"];

/// The one ack record of a send.
#[track_caller]
fn ack(ended: &Ended) -> Value {
    let records = ended.records();
    let acks: Vec<&Value> = records.iter().filter(|record| record["type"] == "ack").collect();
    assert_eq!(acks.len(), 1, "{}{}", ended.text(), ended.stderr);
    acks[0].clone()
}

/// Holds an exit code, and the attempts of the one operation and whether it was a duplicate, against what is expected.
#[track_caller]
fn assert_sent(ended: &Ended, attempts: u64, duplicate: bool) {
    let ack = ack(ended);
    assert_eq!((ended.code, &ack["success"]), (0, &true.into()), "{}{}", ended.text(), ended.stderr);
    assert_eq!((ack["attempts"].as_u64(), &ack["duplicate"]), (Some(attempts), &duplicate.into()), "{ack}");
}

/// Everything a listener prints up to its end, which has to be a good one; with the data of its messages.
fn finish(listener: Running) -> (Vec<Value>, Vec<String>) {
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    let messages = records.iter().filter(|record| record["type"] == "group-message");
    let data = messages.map(|record| record["data"].as_str().unwrap().to_owned()).collect();
    (records, data)
}

fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["type"] == kind).collect()
}

#[test]
fn a_swallowed_ack_is_retried_under_its_id_and_the_duplicate_counts_as_success() {
    let emulator = Emulator::with(&["swallow-ack,op=sendToGroup,times=1"]);
    let listener = emulator.listen(&["--count", "2"]);
    assert_sent(&emulator.send("once", &["--ack-timeout", "300ms"]), 2, true);
    assert_sent(&emulator.send("last", &[]), 1, false);
    assert_eq!(finish(listener).1, ["once", "last"]);
    assert_eq!(emulator.fired(), [1]);
}

#[test]
fn an_internal_server_error_is_retried() {
    let emulator = Emulator::with(&["nack=InternalServerError,op=sendToGroup,times=2"]);
    assert_sent(&emulator.send("x", &[]), 3, false);
    assert_eq!(emulator.fired(), [2]);
    emulator.add("nack=InternalServerError,op=sendToGroup");
    let ended = emulator.send("x", &["--retries", "1"]);
    assert_eq!((ended.code, ack(&ended)["attempts"].as_u64()), (8, Some(2)), "{}", ended.stderr);
}

#[test]
fn every_other_negative_ack_is_final() {
    for name in ["Forbidden", "NotFound", "SomethingNew"] {
        let emulator = Emulator::with(&[&format!("nack={name},message=\"not today, thanks\",group=g")]);
        let ended = emulator.send("x", &[]);
        let ack = ack(&ended);
        assert_eq!((ended.code, ack["attempts"].as_u64()), (8, Some(1)), "{}", ended.stderr);
        assert_eq!((&ack["error"]["name"], &ack["error"]["message"]), (&name.into(), &"not today, thanks".into()));
        assert_eq!(emulator.fired(), [1]);
        let ended = wps(["join", &emulator.local(), "other"]).run();
        assert_eq!(ended.code, 0, "aimed at another group: {}", ended.stderr);
    }
}

#[test]
fn a_refused_join_ends_with_its_code() {
    let emulator = Emulator::with(&["nack=Forbidden,op=joinGroup"]);
    wps(["join", &emulator.local(), "g"]).run().assert_failed(8, &["Forbidden"]);
    assert_eq!(emulator.send("x", &[]).code, 0);
}

#[test]
fn retry_after_of_a_refused_handshake_is_waited_for() {
    let emulator = Emulator::with(&["refuse=503,retry-after=1,body=busy,times=1"]);
    let started = Instant::now();
    let ended = emulator.send("x", &[]);
    assert_sent(&ended, 1, false);
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    ended.assert_stderr(&["503", "busy"]);
}

#[test]
fn a_refused_handshake_ends_with_the_code_of_its_status() {
    for (fault, code) in [("refuse=403", 5), ("refuse=401", 5), ("refuse=404", 6), ("refuse", 4), ("refuse=429", 4)] {
        let emulator = Emulator::with(&[&format!("{fault},user=sender")]);
        let ended = emulator.send("x", &["--reconnect-retries", "1"]);
        assert_eq!(ended.code, code, "{fault}: {}", ended.stderr);
        assert_eq!(wps(["join", &emulator.local(), "g"]).run().code, 0, "aimed at another user");
    }
}

#[test]
fn a_handshake_that_hangs_has_a_deadline() {
    let emulator = Emulator::with(&["hang,times=1"]);
    let ended = emulator.send("x", &["--connect-timeout", "300ms", "--reconnect-retries", "0"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert_sent(&emulator.send("x", &[]), 1, false);
    emulator.add("hang=200ms,times=1");
    assert_sent(&emulator.send("x", &[]), 1, false);
    assert_eq!(emulator.fired(), [1, 1]);
}

#[test]
fn a_socket_that_never_says_connected_is_no_connection() {
    let emulator = Emulator::with(&["no-connected,times=2"]);
    let hasty = ["--connect-timeout", "300ms", "--reconnect-retries"];
    assert_eq!(emulator.send("x", &[&hasty[..], &["0"]].concat()).code, 4);
    assert_sent(&emulator.send("x", &[&hasty[..], &["3"]].concat()), 1, false);
}

#[test]
fn dropped_connections_are_recovered_and_nothing_is_lost_or_doubled() {
    for (how, code) in [("reset", None), ("eof", None), ("1001,reason=reload", Some(1001)), ("silence", None)] {
        let emulator = Emulator::with(&[&format!("drop={how},op=message,nth=2,every=3,times=2,user=listener")]);
        let listener = emulator.listen(&[&["--count", "5"][..], &QUICK_PINGS].concat());
        emulator.publish(&["1", "2", "3", "4", "5"]);
        let (records, messages) = finish(listener);
        assert_eq!(messages, ["1", "2", "3", "4", "5"], "{how}");
        let (losses, recoveries) = (of_kind(&records, "recovering"), of_kind(&records, "recovered"));
        assert!(!losses.is_empty() && losses.len() >= recoveries.len(), "{how}: {:?}", kinds(&records));
        for loss in losses {
            assert_eq!(loss["closeCode"].as_u64(), code, "{how}: {loss}");
            if code.is_some() {
                assert_eq!(loss["closeReason"], "reload", "{loss}");
            }
        }
        assert!(of_kind(&records, "session-lost").is_empty(), "{how}");
    }
}

#[test]
fn a_close_code_of_any_number_is_shown_as_it_was_sent_and_recovered_from() {
    for code in [0, 999, 1005, 1006, 1014, 1015, 5000] {
        let emulator = Emulator::with(&[
            &format!("drop={code},reason=upstream,op=message,nth=2,times=1,user=listener"),
            &format!("drop={code},reason=upstream,op=sendToGroup,times=1,user=sender"),
        ]);
        let listener = emulator.listen(&["--count", "3"]);
        let ended = emulator.send("1", &[]);
        assert_eq!(ended.code, 0, "{code}: {}", ended.stderr);
        assert!(ended.stderr.contains(&code.to_string()), "{code}: {}", ended.stderr);
        emulator.publish(&["2", "3"]);
        let (records, messages) = finish(listener);
        assert_eq!(messages, ["1", "2", "3"], "{code}");
        let losses = of_kind(&records, "recovering");
        assert_eq!(losses.len(), 1, "{code}: {:?}", kinds(&records));
        assert_eq!((&losses[0]["closeCode"], &losses[0]["closeReason"]), (&code.into(), &"upstream".into()));
        assert!(of_kind(&records, "session-lost").is_empty(), "{code}");
        assert_eq!(emulator.fired(), [1, 1], "{code}");
    }
}

#[test]
fn a_connection_is_dropped_after_so_many_frames_or_so_long() {
    // `connected`, the join and its ack, and two messages.
    let emulator = Emulator::with(&["drop=reset,frames=5,times=1,user=listener"]);
    let listener = emulator.listen(&["--count", "4"]);
    emulator.publish(&["1", "2", "3", "4"]);
    let (records, messages) = finish(listener);
    assert_eq!(messages, ["1", "2", "3", "4"]);
    assert_eq!(of_kind(&records, "recovered").len(), 1, "{:?}", kinds(&records));

    let emulator = Emulator::with(&["drop=reset,after=100ms..200ms,times=1"]);
    let mut listener = emulator.listen_unjoined(&["--count", "1"]);
    listener.skip_to("recovered");
    // It joins before or after, and listens all the same.
    while emulator.control("GET", "/emulator/groups", "").body["groups"].as_array().unwrap().is_empty() {}
    emulator.publish(&["1"]);
    assert_eq!(finish(listener).1, ["1"]);
}

#[test]
fn an_operation_whose_connection_drops_is_sent_again_on_the_recovered_one() {
    // Not carried out the first time, carried out but not acknowledged the first time.
    for (fault, duplicate) in
        [("drop=reset,op=sendToGroup,times=1", false), ("execute-then-drop,op=sendToGroup,times=1", true)]
    {
        let emulator = Emulator::with(&[fault]);
        let listener = emulator.listen(&["--count", "2"]);
        let ended = emulator.send("once", &[]);
        assert_eq!((ended.code, &ack(&ended)["duplicate"]), (0, &duplicate.into()), "{fault}: {}", ended.stderr);
        assert_sent(&emulator.send("last", &[]), 1, false);
        assert_eq!(finish(listener).1, ["once", "last"], "{fault}");
    }
}

#[test]
fn a_lost_frame_is_sent_again() {
    let emulator = Emulator::with(&["ignore,op=sendToGroup,times=1"]);
    let listener = emulator.listen(&["--count", "1"]);
    assert_sent(&emulator.send("x", &["--ack-timeout", "300ms"]), 2, false);
    assert_eq!(finish(listener).1, ["x"]);
}

#[test]
fn an_ack_that_comes_late_or_twice_does_no_harm() {
    let emulator = Emulator::with(&["delay-ack=600ms,op=sendToGroup,times=1"]);
    let listener = emulator.listen(&["--count", "1"]);
    assert_sent(&emulator.send("late", &["--ack-timeout", "200ms"]), 2, true);
    assert_eq!(finish(listener).1, ["late"]);

    let emulator = Emulator::with(&["duplicate-ack", "delay-ack=0ms..50ms"]);
    let listener = emulator.listen(&["--count", "5"]);
    emulator.publish(&["1", "2", "3", "4", "5"]);
    assert_eq!(finish(listener).1, ["1", "2", "3", "4", "5"]);
    assert_eq!(emulator.fired(), [6, 6], "a join and five sends");
}

#[test]
fn a_refused_recovery_is_said_and_everything_is_made_anew() {
    let emulator = Emulator::with(&["refuse-recovery,times=1", "drop=reset,op=message,times=1,user=listener"]);
    let listener = emulator.listen(&["--count", "2", "--reconnect-delay", "50ms"]);
    emulator.publish(&["before"]);
    let mut listener = listener;
    listener.skip_to("group-message");
    let lost = listener.skip_to("session-lost");
    assert!(lost["reason"].as_str().unwrap().contains("could not be recovered"), "{lost}");
    let anew = listener.skip_to("connected");
    assert_ne!(anew["connectionId"], lost["connectionId"]);
    assert_eq!(listener.skip_to("joined")["rejoined"], true);
    emulator.publish(&["after"]);
    assert_eq!(finish(listener).1, ["before", "after"]);
}

#[test]
fn a_recovery_that_is_closed_otherwise_is_tried_again() {
    let emulator = Emulator::with(&["refuse-recovery=1011,times=1", "drop=reset,op=message,times=1,user=listener"]);
    let listener = emulator.listen(&["--count", "2"]);
    emulator.publish(&["1", "2"]);
    let (records, messages) = finish(listener);
    assert_eq!(messages, ["1", "2"]);
    let recovered = of_kind(&records, "recovered");
    assert_eq!(recovered.len(), 1);
    assert!(recovered[0]["attempts"].as_u64().unwrap() >= 2, "{}", recovered[0]);
}

#[test]
fn recoveries_whose_handshakes_are_refused_or_hang_are_tried_again() {
    for fault in ["refuse=502,op=recover,times=1", "hang,op=recover,times=1"] {
        let emulator = Emulator::with(&[fault, "drop=reset,op=message,times=1,user=listener"]);
        let listener = emulator.listen(&["--count", "2", "--connect-timeout", "500ms"]);
        emulator.publish(&["1", "2"]);
        assert_eq!(finish(listener).1, ["1", "2"], "{fault}");
        assert_eq!(emulator.fired(), [1, 1]);
    }
}

#[test]
fn deliveries_are_slowed_down_and_keep_their_order() {
    let emulator = Emulator::with(&["latency=100ms..400ms,op=message,user=listener"]);
    let listener = emulator.listen(&["--count", "3"]);
    let started = Instant::now();
    emulator.publish(&["1", "2", "3"]);
    assert_eq!(finish(listener).1, ["1", "2", "3"]);
    assert!(started.elapsed() >= Duration::from_millis(100), "{:?}", started.elapsed());

    let emulator = Emulator::with(&["bandwidth=20k,op=message"]);
    let listener = emulator.listen(&["--count", "2"]);
    let (long, started) = ("x".repeat(10 * 1024), Instant::now());
    emulator.publish(&[&long, "2"]);
    assert_eq!(finish(listener).1, [long.as_str(), "2"]);
    assert!(started.elapsed() >= Duration::from_millis(500), "{:?}", started.elapsed());
}

#[test]
fn a_service_that_does_not_answer_pings_is_given_up_and_the_connection_recovered() {
    let emulator = Emulator::with(&["no-pong,times=5"]);
    let mut listener = emulator.listen(&QUICK_PINGS);
    let recovering = listener.skip_to("recovering");
    assert!(recovering["error"].as_str().unwrap().contains("nothing was received"), "{recovering}");
    listener.skip_to("recovered");
}

#[test]
fn garbage_is_shown_and_counted_and_the_connection_goes_on() {
    for (kind, reason) in
        [("text", "not JSON"), ("binary", "binary"), ("unknown-type", "unknown type"), ("huge", "unknown type")]
    {
        let emulator = Emulator::with(&[&format!("garbage={kind},op=message,times=1")]);
        let listener = emulator.listen(&["--count", "2"]);
        emulator.publish(&["1", "2"]);
        let (records, messages) = finish(listener);
        assert_eq!(messages, ["1", "2"], "{kind}");
        let unknown = of_kind(&records, "unknown-frame");
        assert_eq!(unknown.len(), 1, "{kind}: {:?}", kinds(&records));
        let said = unknown[0]["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{kind}: {said}");
        assert!(of_kind(&records, "recovering").is_empty(), "{kind}");
    }
}

#[test]
fn after_a_text_that_is_not_utf8_the_connection_is_made_anew_and_the_loss_said() {
    let emulator = Emulator::with(&["garbage=invalid-utf8,op=message,times=1"]);
    let mut listener = emulator.listen(&["--count", "1", "--reconnect-delay", "50ms"]);
    emulator.publish(&["behind the garbage"]);
    let lost = listener.skip_to("session-lost");
    assert!(lost["reason"].as_str().unwrap().contains("not UTF-8"), "{lost}");
    assert_ne!(listener.skip_to("connected")["connectionId"], lost["connectionId"]);
    assert_eq!(listener.skip_to("joined")["rejoined"], true);
    emulator.publish(&["after"]);
    assert_eq!(finish(listener).1, ["after"]);
}

#[test]
fn a_frame_larger_than_any_message_costs_nothing_that_is_behind_it() {
    let emulator = Emulator::with(&["garbage=huge,size=65M,op=message,times=1"]);
    let listener = emulator.listen(&["--count", "2"]);
    emulator.publish(&["behind the garbage", "after"]);
    let (records, messages) = finish(listener);
    assert_eq!(messages, ["behind the garbage", "after"]);
    let recovering = of_kind(&records, "recovering");
    assert!(recovering[0]["error"].as_str().unwrap().contains("too large"), "{recovering:?}");
    assert_eq!((of_kind(&records, "recovered").len(), of_kind(&records, "session-lost").len()), (1, 0));
}

#[test]
fn garbage_before_an_ack_does_not_hide_it() {
    let emulator = Emulator::with(&["garbage=text,op=sendToGroup"]);
    assert_sent(&emulator.send("x", &[]), 1, false);
}

#[test]
fn an_expired_token_ends_its_connection_and_is_refused_from_then_on() {
    let emulator = Emulator::with(&["expire=300ms"]);
    let ended = wps(["listen", "-o", "ndjson", "--reconnect-delay", "50ms", "--url", &emulator.client_url]).run();
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let records = ended.records();
    let disconnected = of_kind(&records, "disconnected");
    assert_eq!(disconnected.len(), 1);
    assert_eq!(disconnected[0]["closeCode"], 1008);
    assert_eq!(disconnected[0]["message"], "The access token has expired.");
    ended.assert_stderr(&["401", "expired"]);
}

#[test]
fn a_source_that_gives_fresh_tokens_lives_through_their_expiry() {
    // Tokens of the same second are the same.
    let emulator = Emulator::with(&["expire=1s,times=1"]);
    let mut listener = emulator.listen(&["--reconnect-delay", "1s", "--reconnect-mode", "fixed"]);
    listener.skip_to("session-lost");
    listener.skip_to("connected");
    assert_eq!(listener.skip_to("joined")["rejoined"], true);
}

#[test]
fn simple_clients_and_unreliable_ones_are_made_anew_after_a_drop() {
    let emulator = Emulator::with(&["drop=reset,op=message,times=1"]);
    let mut listener = emulator.listen(&["--protocol", "json", "--reconnect-delay", "50ms", "--count", "2"]);
    emulator.publish(&["1"]);
    listener.skip_to("session-lost");
    listener.skip_to("joined");
    emulator.publish(&["2"]);
    assert_eq!(finish(listener).1, ["1", "2"]);
}

#[test]
fn the_same_seed_gives_the_same_faults_and_ids() {
    let run = || {
        let emulator = Emulator::start(&["--seed", "7", "--fault", "nack=Forbidden,op=sendToGroup,probability=0.5"]);
        let mut listener = emulator.listen_unjoined(&[]);
        let id = listener.expect("connected")["connectionId"].clone();
        let codes: Vec<i32> = (0..6).map(|_| emulator.send("x", &[]).code).collect();
        (id, codes)
    };
    let (one, other) = (run(), run());
    assert_eq!(one, other);
    assert!(one.1.contains(&0) && one.1.contains(&8), "{one:?}");
}

#[test]
fn each_time_a_fault_happens_is_told_and_counted() {
    let mut emulator = Emulator::with(&["nack=InternalServerError,op=sendToGroup,times=2", "no-pong"]);
    emulator.send("x", &[]);
    for time in 1..=2 {
        let line = emulator.running.err_line("fault 1");
        assert!(line.contains("nack=InternalServerError") && line.contains("sendToGroup of group `g`"), "{line}");
        assert!(line.contains("`sender`") && line.contains(&format!("time {time}")), "{line}");
    }
    let faults = emulator.control("GET", "/emulator/faults", "").body["faults"].clone();
    assert_eq!((&faults[0]["fired"], &faults[0]["done"]), (&2.into(), &true.into()), "{faults}");
    assert_eq!((&faults[1]["fault"], &faults[1]["fired"]), (&"no-pong".into(), &0.into()), "{faults}");
}

#[test]
fn a_fault_that_cannot_be_understood_is_a_usage_error_that_helps() {
    let ended = wps(["emulator", "--fault", "nack=Forbidden,tmies=2"]).run();
    ended.assert_failed(
        2,
        &[
            "error: `--fault`: `tmies`, character 16, is not a key of `nack`\n",
            "hint: did you mean `times`?\n",
            "hint: keys: `hub`, ",
            "hint: `wps emulator --fault help` lists all faults",
        ],
    );
}

#[test]
fn a_fault_that_would_never_happen_is_a_usage_error_that_says_where_it_does() {
    let ended = wps(["emulator", "--fault", "expire=1s,connection=c"]).run();
    ended.assert_failed(
        2,
        &[
            "error: `--fault`: `connection` cannot be an aim of `expire` here: it would never happen\n",
            "hint: `expire` happens at: `connect`\n",
        ],
    );
    let ended = wps(["emulator", "--fault", "ignore,op=joinGroup|ping,group=g"]).run();
    ended.assert_failed(
        2,
        &[
            "error: `--fault`: `group` cannot be an aim of `ignore` at `ping`: it would never happen\n",
            "hint: `group` can be its aim at: `joinGroup`, `leaveGroup`, `sendToGroup`, ",
        ],
    );
}

#[test]
fn fault_help_lists_every_action_with_an_example_that_is_taken() {
    let ended = wps(["emulator", "--fault", "help"]).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let examples: Vec<&str> =
        ended.text().lines().filter_map(|line| line.trim().strip_prefix("--fault '")?.strip_suffix('\'')).collect();
    assert!(examples.len() >= 16, "{examples:?}");
    let emulator = Emulator::with(&examples);
    assert_eq!(emulator.fired(), vec![0; examples.len()]);
    let help = wps(["emulator", "--help"]).run();
    for example in examples {
        let packed: String = help.text().split_whitespace().collect();
        assert!(packed.contains(example), "{example}");
    }
}

#[test]
fn a_line_that_the_service_hangs_up_for_each_time_takes_no_other_with_it() {
    let emulator = Emulator::with(&["drop=1009,op=sendToGroup,group=bad"]);
    let record = |number| {
        let group = if number == 11 { "bad" } else { "g" };
        format!("{{\"group\":\"{group}\",\"dataType\":\"text\",\"data\":\"{number}\"}}\n")
    };
    let records: String = (1..=20).map(record).collect();
    let ended = wps(["send", "--ndjson", &emulator.local()]).stdin(records).run();
    assert_eq!(ended.code, 9, "{}", ended.stderr);
    ended.assert_stderr(&["19 acknowledged, 1 failed", "no ack came for line 11 (ackId 11) before the end"]);
}
