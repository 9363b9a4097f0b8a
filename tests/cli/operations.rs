//! `send`, `event` and `join`: what the service is asked, how often, and what a user is told of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::token::token_with_roles;
use crate::support::{FromClient, Peer, Running, Service, kinds, wps};

fn start(service: &Service, command: &[&str]) -> Running {
    wps(command).args(["--url", &service.url()]).start()
}

/// Reads the recovery's ping and answers it, which proves the connection.
fn prove(peer: &mut Peer) {
    assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
    peer.send(&json!({"type": "pong"}));
}

#[test]
fn a_message_is_published_once_and_acknowledged() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello"]);
    let mut peer = service.connect();
    let frame = peer.operation();
    assert_eq!(frame, json!({"type": "sendToGroup", "group": "g", "ackId": 1, "dataType": "text", "data": "hello"}));
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, ""));
    ended.assert_stderr(&["sent to `g`, acknowledged in ", " (ackId 1)\n"]);
    service.assert_no_more_calls();
}

#[test]
fn an_ack_lost_with_the_connection_is_asked_for_again_and_the_group_has_the_message_once() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "-o", "ndjson"]);
    let mut peer = service.connect();
    let first = peer.operation();
    // The service has carried it out; what it says about that is lost.
    peer.reset();

    let mut peer = service.recovery();
    prove(&mut peer);
    let second = peer.operation();
    assert_eq!(second, first, "the same ackId, the same message");
    peer.nack(&second["ackId"], "Duplicate", "Message with ack-id: 1 has been processed");
    peer.see_off();

    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "recovering", "recovered", "ack", "stopped"]);
    let ack = &records[3];
    assert_eq!(
        (&ack["ackId"], &ack["success"], &ack["duplicate"], &ack["attempts"]),
        (&json!(1), &json!(true), &json!(true), &json!(2)),
        "{ack}"
    );
    assert_eq!((&records[4]["sent"], &records[4]["acked"]), (&json!(1), &json!(1)), "{}", records[4]);
    assert_eq!(ended.code, 0);
    service.assert_no_more_calls();
}

#[test]
fn nothing_is_sent_again_before_the_recovered_connection_has_proved_itself() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello"]);
    let mut peer = service.connect();
    let first = peer.operation();
    peer.reset();
    let mut peer = service.recovery();
    assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
    // Nothing was said yet: this may still be a refusal.
    assert_eq!(peer.next_until(Instant::now() + Duration::from_millis(200)), FromClient::Silence);
    peer.send(&json!({"type": "pong"}));
    assert_eq!(peer.operation(), first);
    peer.ack(&first["ackId"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_refused_recovery_leaves_the_outcome_unknown() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--ack-id", "77"]);
    let mut peer = service.connect();
    assert_eq!(peer.operation()["ackId"], 77);
    peer.reset();
    service.recovery().close(1008, "The connection could not be recovered.");
    let ended = wps.end();
    ended.assert_failed(
        9,
        &["error: no ack came before the end", "ackId 77", "not known", "hint: ", "`--on-unknown resend`"],
    );
    ended.assert_stderr(&["could not be recovered"]);
    service.assert_no_more_calls();
}

#[test]
fn a_message_that_each_connection_dies_of_is_not_to_be_sent_again() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello"]);
    let mut peer = service.connect();
    // The service says each time that it was for what it was sent.
    for _ in 0..2 {
        let frame = peer.operation();
        peer.close(1009, "too large");
        peer = service.recovery();
        assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
        peer.send(&json!({"type": "pong"}));
        assert_eq!(frame["data"], "hello");
    }
    peer.operation();
    peer.close(1009, "too large");
    let ended = wps.end();
    ended.assert_failed(9, &["(ackId 1) is not known", "lost 3 times", "hung up each time this was sent, a frame of"]);
    ended.assert_stderr(&["bytes: its size or its content", "`-vv`"]);
    assert!(!ended.stderr.contains("--on-unknown resend"), "{}", ended.stderr);
}

#[test]
fn an_unknown_outcome_is_sent_again_where_that_is_asked_for() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--on-unknown", "resend", "--reconnect-delay", "50ms"]);
    let mut peer = service.connect();
    let first = peer.operation();
    peer.reset();
    service.recovery().close(1008, "");
    let mut peer = service.connect();
    let again = peer.operation();
    assert_eq!(again, first, "one ackId for its whole life");
    peer.ack(&again["ackId"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_message_that_waited_for_the_connection_is_sent_on_the_next_one() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--reconnect-delay", "50ms"]);
    // The connection is given up before the message went out: there is no doubt about it.
    service.request().upgrade().close(1011, "");
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn forbidden_is_final_and_names_the_missing_role_and_those_of_the_token() {
    for (command, role, what) in [
        (["send", "g", "hello"].as_slice(), "webpubsub.sendToGroup", "send to `g`"),
        (["join", "g"].as_slice(), "webpubsub.joinLeaveGroup", "join `g`"),
        (["listen", "-g", "g"].as_slice(), "webpubsub.joinLeaveGroup", "join `g`"),
    ] {
        let mut service = Service::start();
        service.token = token_with_roles(&["webpubsub.sendToGroup.other", "webpubsub.joinLeaveGroup.other"]);
        let wps = start(&service, command);
        let mut peer = service.connect();
        let frame = peer.operation();
        let refused = Instant::now();
        peer.nack(&frame["ackId"], "Forbidden", "The client does not have permission.");
        // One attempt: what comes next is the end.
        peer.see_off();
        let ended = wps.end();
        ended.assert_failed(
            8,
            &[
                &format!("error: the service refused to {what}\n"),
                "caused by: `Forbidden`: The client does not have permission.",
                &format!("hint: the role `{role}` or `{role}.g` is missing; the token has "),
                "`webpubsub.sendToGroup.other`, `webpubsub.joinLeaveGroup.other`",
            ],
        );
        assert!(ended.at - refused < Duration::from_secs(2), "at once");
        service.assert_no_more_calls();
    }
}

#[test]
fn a_token_without_roles_is_said_to_have_none() {
    let mut service = Service::start();
    service.token = token_with_roles(&[]);
    let wps = start(&service, &["send", "g", "hello"]);
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.nack(&frame["ackId"], "Forbidden", "no");
    peer.see_off();
    wps.end().assert_failed(8, &["`webpubsub.sendToGroup.g` is missing; the token has no roles"]);
}

#[test]
fn a_failure_of_the_service_is_tried_again_with_the_same_id_and_then_reported() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--retries", "2", "--retry-delay", "60ms", "-o", "ndjson"]);
    let mut peer = service.connect();
    let mut frames = Vec::new();
    let mut refused: Option<Instant> = None;
    for _ in 0..3 {
        frames.push(peer.operation());
        if let Some(refused) = refused {
            // Jitter takes at most half of it away.
            assert!(refused.elapsed() >= Duration::from_millis(30), "{:?}", refused.elapsed());
        }
        peer.nack(&json!(1), "InternalServerError", "Internal server error");
        refused = Some(Instant::now());
    }
    peer.see_off();
    assert_eq!(frames, vec![frames[0].clone(); 3]);
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "ack", "stopped"]);
    assert_eq!(
        (&records[1]["success"], &records[1]["attempts"], &records[1]["error"]["name"]),
        (&json!(false), &json!(3), &json!("InternalServerError"))
    );
    assert_eq!((&records[2]["exitCode"], &records[2]["failed"]), (&json!(8), &json!(1)));
    assert_eq!(ended.code, 8);
    ended.assert_stderr(&["refused 3 times (ackId 1)", "`InternalServerError`: Internal server error"]);
}

#[test]
fn a_failure_of_the_service_that_passes_is_no_failure() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--retry-delay", "20ms"]);
    let mut peer = service.connect();
    for _ in 0..2 {
        let frame = peer.operation();
        peer.nack(&frame["ackId"], "InternalServerError", "");
    }
    let frame = peer.operation();
    assert_eq!(frame["ackId"], 1);
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
}

#[test]
fn every_other_refusal_is_final() {
    for name in ["NotFound", "Timeout", "BadRequest", "SomethingNew", ""] {
        let service = Service::start();
        let wps = start(&service, &["send", "g", "hello"]);
        let mut peer = service.connect();
        let frame = peer.operation();
        peer.nack(&frame["ackId"], name, "because");
        peer.see_off();
        wps.end().assert_failed(8, &["refused to send to `g`", "because"]);
    }
}

#[test]
fn a_missing_ack_is_waited_for_in_each_attempt_and_then_given_up() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--ack-timeout", "250ms", "--retries", "2", "--ack-id", "5"]);
    let mut peer = service.connect();
    let mut times = Vec::new();
    for _ in 0..3 {
        assert_eq!(peer.operation()["ackId"], 5);
        times.push(Instant::now());
    }
    match peer.attend(Instant::now() + Duration::from_secs(5)) {
        FromClient::Close(1000) => times.push(Instant::now()),
        other => panic!("{other:?}"),
    }
    for pair in times.windows(2) {
        let waited = pair[1] - pair[0];
        assert!(waited > Duration::from_millis(200) && waited < Duration::from_millis(700), "{times:?}");
    }
    let ended = wps.end();
    ended.assert_failed(9, &["error: no ack within 250 ms each of 3 attempts to send to `g` (ackId 5)", "hint: "]);
}

#[test]
fn a_late_ack_of_an_earlier_attempt_counts() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--ack-timeout", "150ms"]);
    let mut peer = service.connect();
    peer.operation();
    let again = peer.operation();
    peer.ack(&again["ackId"]);
    // The second attempt is answered too; nobody waits for that any more.
    peer.send(&json!({"type": "ack", "ackId": 1, "success": false, "error": {"name": "Duplicate", "message": ""}}));
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn without_an_ack_a_message_is_handed_over_and_that_is_all() {
    let service = Service::start();
    let wps = start(&service, &["send", "g", "hello", "--no-ack", "--no-echo"]);
    let mut peer = service.connect();
    assert_eq!(
        peer.operation(),
        json!({"type": "sendToGroup", "group": "g", "noEcho": true, "dataType": "text", "data": "hello"})
    );
    peer.see_off();
    let ended = wps.end();
    ended.assert(0, "", "sent to `g`, no ack asked for\n");
}

#[test]
fn data_arrives_as_it_was_given() {
    let json_text = r#"{"z":1.0,"a":[1e2,12345678901234567890],"ü":null}"#;
    let rows: [(&[&str], &str, Value); 6] = [
        (&["héllo \u{1f30d}\n"], "", json!({"dataType": "text", "data": "héllo \u{1f30d}\n"})),
        (&["-"], "from\nstdin\n", json!({"dataType": "text", "data": "from\nstdin\n"})),
        (&["-t", "json", "7"], "", json!({"dataType": "json", "data": 7})),
        (&["-t", "binary", "-"], "\u{0}x", json!({"dataType": "binary", "data": "AHg="})),
        (&["-t", "binary", "--encoding", "hex", "00ff"], "", json!({"dataType": "binary", "data": "AP8="})),
        (&["-t", "binary", "--encoding", "base64", "AP8="], "", json!({"dataType": "binary", "data": "AP8="})),
    ];
    for (arguments, stdin, expected) in rows {
        let service = Service::start();
        let wps = wps(["send", "--url", &service.url(), "g"]).args(arguments).stdin(stdin).start();
        let mut peer = service.connect();
        let frame = peer.operation();
        assert_eq!((&frame["dataType"], &frame["data"]), (&expected["dataType"], &expected["data"]), "{arguments:?}");
        peer.ack(&frame["ackId"]);
        peer.see_off();
        assert_eq!(wps.end().code, 0);
    }
    // Digits and the order of keys are nothing that a parsed value would show.
    let service = Service::start();
    let wps = start(&service, &["send", "-t", "json", "g", json_text]);
    let mut peer = service.connect();
    let frame = peer.operation_text();
    assert!(frame.contains(&format!("\"data\":{json_text}")), "{frame}");
    peer.ack(&json!(1));
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn null_is_refused_before_there_is_a_connection() {
    let service = Service::start();
    for (args, stdin) in [
        (&["send", "g", "null"][..], ""),
        (&["send", "g", " null "], ""),
        (&["send", "g", "-"], "null\n"),
        (&["send", "g", "null", "--repeat", "2"], ""),
        (&["send", "g", "null", "--protocol", "protobuf"], ""),
        (&["event", "e", "null"], ""),
        (&["invoke", "e", "null"], ""),
    ] {
        let ended = wps(args).args(["-t", "json", "--url", &service.url()]).stdin(stdin).run();
        ended.assert_failed(11, &["error: the data is `null`, which the service takes from nobody\n"]);
    }
    service.assert_no_more_calls();
}

#[test]
fn join_reports_each_group_and_fails_when_one_is_refused() {
    let service = Service::start();
    let wps = start(&service, &["join", "a", "b", "-o", "ndjson"]);
    let mut peer = service.connect();
    peer.grant_join("a");
    let join = peer.operation();
    peer.nack(&join["ackId"], "Forbidden", "no");
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "ack", "joined", "ack", "stopped"]);
    assert_eq!((&records[2]["group"], &records[2]["rejoined"]), (&json!("a"), &json!(false)));
    assert_eq!((&records[3]["group"], &records[3]["success"]), (&json!("b"), &json!(false)));
    assert_eq!(ended.code, 8);
    ended.assert_stderr(&["error: the service refused to join `b`"]);
}

#[test]
fn groups_are_joined_in_the_order_of_the_command_line_however_many_they_are() {
    let groups: Vec<String> = (0..600).map(|number| format!("g{}", number * 7 % 600)).collect();
    let flags = groups.iter().flat_map(|group| ["-g", group.as_str()]);
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    let listen: Vec<&str> = ["listen", "-q", "--for", "60s"].into_iter().chain(flags).collect();
    let join: Vec<&str> = ["join", "-q"].into_iter().chain(names.iter().copied()).collect();
    for command in [listen, join] {
        let service = Service::start();
        let wps = wps(command).args(["--url", &service.url()]).start();
        let peer = service.connect_and_join(&names);
        wps.signal(rustix::process::Signal::INT);
        peer.see_off();
        assert_ne!(wps.end().code, 9);
    }
}

#[test]
fn join_ends_when_every_group_is_joined_unless_it_is_to_stay() {
    let service = Service::start();
    let wps = start(&service, &["join", "a", "b"]);
    let peer = service.connect_and_join(&["a", "b"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, ""));
    ended.assert_stderr(&["joined `a`", "joined `b`"]);

    let mut wps = start(&service, &["join", "a", "--stay"]);
    let mut peer = service.connect_and_join(&["a"]);
    wps.err_line("joined `a`");
    assert_eq!(peer.attend(Instant::now() + Duration::from_millis(200)), FromClient::Silence);
}

#[test]
fn an_event_is_sent_and_its_answer_printed() {
    let service = Service::start();
    let wps = start(&service, &["event", "vote", "-t", "json", "{\"x\":1}", "--wait-reply", "-o", "data"]);
    let mut peer = service.connect();
    let frame = peer.operation();
    assert_eq!(frame, json!({"type": "event", "event": "vote", "ackId": 1, "dataType": "json", "data": {"x": 1}}));
    // The answer comes before the ack.
    peer.send_text(r#"{"sequenceId":1,"type":"message","from":"server","dataType":"json","data":{"ok":true}}"#);
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, "{\"ok\":true}\n"), "{}", ended.stderr);
}

#[test]
fn an_event_without_the_answer_that_was_waited_for_fails_an_expectation() {
    let service = Service::start();
    let wps = start(&service, &["event", "vote", "x", "--wait-reply=2", "--timeout", "1s", "-o", "data"]);
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.send_text(r#"{"sequenceId":1,"type":"message","from":"server","dataType":"text","data":"one"}"#);
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (12, "one\n"), "{}", ended.stderr);
    ended.assert_stderr(&["error: 1 of 2 answers came within 1 s", "hint: 1 answer came, and no more"]);
}

#[test]
fn an_event_that_nobody_handles_is_refused_with_a_hint() {
    let service = Service::start();
    let wps = start(&service, &["event", "vote", "x", "--retries", "0"]);
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.nack(&frame["ackId"], "InternalServerError", "Internal server error");
    peer.see_off();
    wps.end().assert_failed(8, &["refused to take the event `vote`", "hint: the hub's event handler failed"]);
}
