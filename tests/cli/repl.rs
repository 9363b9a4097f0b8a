//! `wps repl` as a script: what lines do, and each way it ends.

use serde_json::json;

use crate::support::service::ClosedPort;
use crate::support::{Service, Setup, kinds, wps};

/// A script against an emulator that the run itself hosts.
fn script(lines: &str) -> Setup {
    wps(["repl", &here()]).stdin(lines)
}

/// Where nothing is yet, so that the repl hosts an emulator itself.
fn here() -> String {
    format!("--local={}", ClosedPort::reserve().port())
}

#[test]
fn a_script_carries_out_its_lines_and_exits_0() {
    let ended = script("join g\nsend g hi\n").run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&["hosting an emulator here", "connected to hub `hub1`", "joined `g`", "sent to `g`"]);
    assert!(!ended.stderr.contains('>'), "no prompt: {}", ended.stderr);
}

#[test]
fn expect_waits_for_a_record_and_passes_all_up_to_it() {
    let ended = script(
        "# a smoke test\n\njoin g\nsend g one\nsend -t json g {\"n\":\n 9007199254740993}\n\
         expect .data == \"one\"\nexpect .type == \"group-message\" and .data.n == 9007199254740993\n\
         expect --timeout 10ms .data == \"one\"\n",
    )
    .run();
    assert_eq!(ended.code, 12, "{}", ended.stderr);
    ended.assert_stderr(&[
        "error: line 9: no record for which `.data == \"one\"` is true came within 10 ms\n",
        "hint: ",
    ]);
}

#[test]
fn data_is_the_rest_of_the_line_as_it_is() {
    let service = Service::start();
    let lines = "send g it's \"so\" # $HOME :( é 日本 😀\nsend --no-echo 'my group' a\\\nb\r\n\
                 send -t json --ack-id 77 g {\"a\": 1.0}\nevent vote -5 yes\nsend --no-ack g bye\n";
    let wps = wps(["repl", "-o", "ndjson", "--url", &service.url()]).stdin(lines).start();
    let mut peer = service.connect();
    for expected in [
        json!({"type": "sendToGroup", "group": "g", "ackId": 1, "dataType": "text",
            "data": "it's \"so\" # $HOME :( é 日本 😀"}),
        json!({"type": "sendToGroup", "group": "my group", "ackId": 2, "noEcho": true, "dataType": "text", "data": "a\nb"}),
        json!({"type": "sendToGroup", "group": "g", "ackId": 77, "dataType": "json", "data": {"a": 1.0}}),
        json!({"type": "event", "event": "vote", "ackId": 3, "dataType": "text", "data": "-5 yes"}),
    ] {
        let operation = peer.operation();
        assert_eq!(operation, expected);
        peer.ack(&operation["ackId"]);
    }
    assert_eq!(peer.operation()["data"], "bye");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(kinds(&ended.records()), ["connected", "ack", "ack", "ack", "ack", "stopped"]);
}

#[test]
fn service_sends_as_a_server_where_the_source_opens_the_service_for_servers() {
    let ended = script(
        "join g\nservice send --group g --metadata n=1 it's \"so\"\nexpect .metadata.n == \"1\" and .fromUserId == null\n\
         service send -t json --all {\"n\":\n 1.0}\nexpect .type == \"server-message\" and .data.n == 1\n\
         service send --user nobody --filter 'userId ne null' x\nservice send --all --filter 'userId nee 1' x\n",
    )
    .run();
    assert_eq!((ended.code, ended.text().contains("it's \"so\"\n")), (2, true), "{}{}", ended.text(), ended.stderr);
    ended.assert_stderr(&[
        "sent to the group `g`",
        "sent to all",
        "sent to those of the user `nobody` that match",
        "error: line 8: ",
    ]);
    // A client's URL is none of a server.
    let service = Service::start();
    let run =
        wps(["repl", "--url", &service.url()]).stdin("expect .type == \"connected\"\nservice send --all x\n").start();
    service.connect().see_off();
    run.end()
        .assert_failed(2, &["error: line 2: a client access URL opens the service for clients alone", "hint: with"]);
}

#[test]
fn service_asks_and_changes_what_a_server_does() {
    let lines = "join \"my group\"\nservice health\nservice connections --group \"my group\"\n\
                 service exists --user alice\nservice group remove \"my group\" --user alice\n\
                 service permission grant sendToGroup --group g --connection none\n";
    let local = |format| wps(["repl", "-q", "-o", format, &here(), "--user", "alice"]);
    let ended = local("text").stdin(lines).run();
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    ended.assert_stderr(&[
        "error: line 6: the service refused to grant `sendToGroup` for the group `g` of the connection `none`: 404",
    ]);
    let text = ended.text();
    let answers: Vec<_> = text.lines().filter(|line| line.ends_with("\talice") || *line == "yes").collect();
    assert_eq!(answers.len(), 2, "{text}");
    // As records, with what else comes.
    let ended = local("ndjson").stdin(lines.replace("grant", "check")).run();
    assert_eq!(ended.code, 12, "{}", ended.stderr);
    let records = ended.records();
    let of_the_service = |kind: &&str| !["connected", "ack", "joined", "stopped"].contains(kind);
    let seen: Vec<_> = kinds(&records).into_iter().filter(of_the_service).collect();
    assert_eq!(seen, ["response", "connection", "exists", "response", "permission"]);
    // No is a failure, as of the command.
    let ended = wps(["repl", "-q", &here()]).stdin("service exists --user bob\njoin g\n").run();
    assert_eq!((ended.code, ended.text()), (12, "no\n"), "{}", ended.stderr);
    ended.assert_stderr(&["error: line 1: the user `bob` has no connection"]);
}

#[test]
fn what_a_server_does_is_done_when_there_is_a_connection_and_its_answer_is_no_message() {
    let lines = "service send --all x\nexpect .data == \"x\"\nset output data\nservice exists --user alice\n";
    let ended = wps(["repl", "-q", &here(), "--user", "alice"]).stdin(lines).run();
    assert_eq!((ended.code, ended.text()), (0, "[server] x\nyes\n"), "{}", ended.stderr);
}

#[test]
fn each_command_finishes_before_the_next_starts() {
    let service = Service::start();
    let wps = wps(["repl", "-q", "--url", &service.url()]).stdin("join g\nleave g\nsend g x\n").start();
    let mut peer = service.connect();
    for kind in ["joinGroup", "leaveGroup", "sendToGroup"] {
        let operation = peer.operation();
        assert_eq!(operation["type"], kind);
        // A ping of the WebSocket is answered after whatever was on its way.
        peer.await_pong();
        peer.ack(&operation["ackId"]);
    }
    peer.see_off();
    wps.end().assert(0, "", "");
}

#[test]
fn the_first_line_that_fails_ends_the_script_with_its_exit_code() {
    for (lines, flags, code, error) in [
        ("bogus\njoin g\n", &[][..], 2, "error: line 1: there is no command `bogus`\n"),
        ("join g\nsend --no-eco g hi\n", &[], 2, "error: line 2: unexpected argument `--no-eco`\n"),
        ("send g\n", &[], 2, "error: line 1: no data given\n"),
        ("expect .a ==\n", &[], 2, "error: line 1: the expression is not jq\ncaused by: expected term at column 6"),
        ("send --ack-id 5 g a\nsend --ack-id 5 g b\n", &[], 2, "error: line 2: ackId 5 was used for another"),
        ("join g\n", &["--role", "webpubsub.sendToGroup"], 8, "error: line 1: the service refused to join `g`\n"),
        ("# JSON\nsend -t json g {\"a\":}\n", &[], 11, "error: line 2: the data is not JSON\n"),
        ("send --file missing g\n", &[], 11, "error: line 1: could not read the data from `missing`\n"),
        ("expect --timeout 10ms .type == \"none\"\n", &[], 12, "error: line 1: no record for which"),
        ("sleep 1m\n", &["--timeout", "300ms"], 124, "error: timed out after 300 ms (`--timeout`)"),
    ] {
        let ended = script(lines).args(flags.iter().copied()).arg("-q").run();
        assert_eq!((ended.code, ended.text()), (code, ""), "{lines}: {}", ended.stderr);
        assert!(ended.stderr.starts_with(error), "{lines}: {}", ended.stderr);
    }
}

#[test]
fn null_is_refused_and_the_connection_lives() {
    let lines = "send -t json g null\nevent -t json e null\ninvoke -t json e null\nping\n";
    let ended = script(lines).arg("--keep-going").run();
    assert_eq!(ended.code, 11, "{}", ended.stderr);
    let refused = ended.stderr.matches("the data is `null`, which the service takes from nobody\n").count();
    assert_eq!((refused, ended.stderr.contains("recovering")), (3, false), "{}", ended.stderr);
}

#[test]
fn a_script_that_is_not_connected_ends_as_the_session_does() {
    let port = ClosedPort::reserve();
    let url = format!("ws://127.0.0.1:{}/client/hubs/hub1", port.port());
    let ended = wps(["repl", "-q", "--no-reconnect", "--url", &url]).stdin("join g\n").run();
    ended.assert_failed(4, &["error: could not connect to hub `hub1`"]);

    let service = Service::start();
    let wps = wps(["repl", "-q", "--url", &service.url()]).stdin("join g\n").start();
    service.request().refuse("401 Unauthorized", &[], "no");
    wps.end().assert_failed(5, &["refused the connection"]);
}

#[test]
fn a_connection_that_is_not_regained_ends_the_script_with_7() {
    let service = Service::start();
    let wps = wps(["repl", "-q", "--no-reconnect", "--url", &service.url()]).stdin("join g\nsleep 1m\n").start();
    let peer = service.connect_and_join(&["g"]);
    peer.close(1008, "enough");
    let ended = wps.end();
    assert_eq!(ended.code, 7, "{}", ended.stderr);
}

#[test]
fn keep_going_goes_on_and_ends_with_the_code_of_the_first_failure() {
    let ended = script("send -t json g {\nquit\n").args(["--keep-going", "-q"]).run();
    assert_eq!(ended.code, 11, "{}", ended.stderr);

    let ended = script("join g\nexpect --timeout 10ms false\nbogus\nsend g still\nexpect .data == \"still\"\n")
        .args(["--keep-going", "-q"])
        .run();
    assert_eq!((ended.code, ended.text()), (12, "[g] still\n"), "{}", ended.stderr);
    ended.assert_stderr(&["error: line 2: no record", "error: line 3: there is no command `bogus`"]);
}

#[test]
fn a_line_that_is_no_text_fails_alone_and_a_byte_order_mark_is_no_part_of_the_first() {
    let mut lines = b"\xef\xbb\xbfjoin g\r\nsend g \xff\r\nsend g good\r\nexpect .data == \"good\"\r\n".to_vec();
    let port = ClosedPort::reserve().port();
    let local = format!("--local={port}");
    let ended = wps(["repl", &local, "-q", "--keep-going"]).stdin(lines.clone()).run();
    assert_eq!((ended.code, ended.text()), (11, "[g] good\n"), "{}", ended.stderr);
    ended.assert_stderr(&["error: line 2: it is not UTF-8\n"]);

    lines = b"send g ".to_vec();
    lines.resize(17 * 1024 * 1024, b'x');
    lines.extend_from_slice(b"\njoin g\nbogus\n");
    let ended = wps(["repl", &local, "-q", "--keep-going"]).stdin(lines).run();
    assert_eq!(ended.code, 11, "{}", ended.stderr);
    ended.assert_stderr(&["error: line 1: it is longer than 16777216 bytes\n", "error: line 3: there is no command"]);
}

#[test]
fn a_script_may_be_a_file_or_a_command_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("check.wps");
    std::fs::write(
        &path,
        "#!/usr/bin/env -S wps repl --file\njoin g\nsend g hi\nexpect .data == \"hi\"\nquit\nbogus\n",
    )
    .unwrap();
    let port = ClosedPort::reserve().port();
    let ended = wps(["repl", &format!("--local={port}"), "-q", "--file", path.to_str().unwrap()]).run();
    ended.assert(0, "[g] hi\n", "");

    let missing = wps(["repl", "--local=1", "--file", "missing"]).run();
    missing.assert_failed(11, &["error: could not read `missing`\n"]);
}

#[test]
fn a_url_and_lines_cannot_both_come_from_stdin() {
    wps(["repl", "--url", "-"]).run().assert_failed(2, &["error: `--url -` and the lines both take standard input\n"]);
}

#[test]
fn status_groups_and_ping_say_how_things_stand() {
    let ended = script("join b a\nleave b\nsend a hi\nexpect .data == \"hi\"\nping\nstatus\ngroups\n").arg("-q").run();
    assert_eq!((ended.code, ended.text()), (0, "[a] hi\n"), "{}", ended.stderr);
    ended.assert_stderr(&[
        " ms\n",
        "state         connected\n",
        "connection    `",
        "user          anonymous\n",
        "hub           `hub1`\n",
        "connected for ",
        "received      1\n",
        "sent          4, 4 acknowledged, 0 failed\n",
        "last sequence 1\n",
        "round trip    ",
        " ms\n",
        "`a`  joined\n",
    ]);
}

#[test]
fn set_changes_what_is_printed_from_then_on() {
    let ended = script(
        "join g\nsend g one\nexpect .data == \"one\"\nset output data\nsend g two\nexpect .data == \"two\"\n\
         set output ndjson\nsend g three\nexpect .data == \"three\"\n",
    )
    .arg("-q")
    .run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let lines: Vec<&str> = ended.text().lines().collect();
    assert_eq!(lines[..2], ["[g] one", "two"]);
    assert!(lines[2..].iter().any(|line| line.contains("\"data\":\"three\"")), "{lines:?}");
}

#[test]
fn an_operation_waits_for_the_connection_to_come_back_and_says_so() {
    let service = Service::start();
    let mut wps =
        wps(["repl", "--url", &service.url()]).stdin("join g\nexpect .type == \"recovering\"\nsend g hi\n").start();
    let peer = service.connect_and_join(&["g"]);
    peer.reset();
    let request = service.request();
    request.assert_recovers("c1", "reconnect-1");
    wps.err_line("the message waits until the connection is recovered");
    let mut peer = request.upgrade();
    let operation = peer.operation();
    assert_eq!(operation["data"], "hi");
    peer.send(&json!({"type": "pong"}));
    peer.ack(&operation["ackId"]);
    peer.see_off();
    assert_eq!(wps.end().code, 0);
}
