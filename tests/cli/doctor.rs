//! `wps doctor`: each step of a connection, what it says about each that fails, and the exit code of the first.

use std::sync::Arc;

use rcgen::{KeyPair, date_time_ymd};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::emulator::Emulator;
use crate::support::proxy::{Manners, Proxy};
use crate::support::service::ClosedPort;
use crate::support::token::{SIGNATURE, token, token_with_roles};
use crate::support::{Ended, FromClient, Peer, Service, kinds, tls, wps};

/// The steps, in their order.
const STEPS: [&str; 16] = [
    "source",
    "token",
    "dns",
    "tcp",
    "proxy",
    "tls",
    "upgrade",
    "subprotocol",
    "connected",
    "join",
    "send",
    "receive",
    "ping",
    "leave",
    "close",
    "trace",
];

/// The names of a server of this machine.
const LOCAL: [&str; 2] = ["localhost", "127.0.0.1"];

/// A doctor with records, against this URL, with little patience.
fn doctor(url: &str) -> crate::support::Setup {
    wps(["doctor", "-o", "ndjson", "--connect-timeout", "1500ms", "--url", url])
}

/// A server's TLS for these names, valid until the beginning of that year, and a file with its certificate.
fn identity(names: &[&str], until: i32, tls12: bool) -> (Arc<ServerConfig>, NamedTempFile) {
    let key = KeyPair::generate().unwrap();
    let mut params = tls::named(names);
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(until, 1, 1));
    let certificate = params.self_signed(&key).unwrap();
    let file = tls::file(&certificate.pem());
    (tls::config(certificate, &key, None, tls12), file)
}

/// The check of a step, out of a report that has all of them and ends with `stopped`.
#[track_caller]
fn check(ended: &Ended, step: &str) -> Value {
    let records = ended.records();
    let steps: Vec<&str> = records.iter().filter_map(|record| record["step"].as_str()).collect();
    assert_eq!(steps, STEPS, "{}", ended.text());
    let found = kinds(&records);
    assert_eq!((found.len(), found.last()), (STEPS.len() + 1, Some(&"stopped")), "{}", ended.text());
    assert_eq!(records.last().unwrap()["exitCode"], ended.code);
    records.into_iter().find(|record| record["step"] == step).unwrap()
}

/// That a step failed, with these words in its detail and hint, that those after it were skipped, and the exit code.
#[track_caller]
fn assert_fails(ended: &Ended, step: &str, code: i32, detail: &str, hint: &str) {
    let failed = check(ended, step);
    assert_eq!((ended.code, failed["status"].as_str()), (code, Some("failed")), "{}", ended.text());
    assert!(failed["detail"].as_str().is_some_and(|text| text.contains(detail)), "{failed}");
    assert!(failed["hint"].as_str().unwrap_or_default().contains(hint), "{failed}");
    let at = STEPS.iter().position(|known| *known == step).unwrap();
    for (index, step) in STEPS.iter().enumerate() {
        let status = check(ended, step)["status"].clone();
        assert!(index == at || status != "failed", "{step}: {}", ended.text());
        assert!(index <= at || status == "skipped", "{step}: {}", ended.text());
    }
    let records = ended.records();
    let error = &records.last().unwrap()["error"];
    assert!(error["message"].is_string(), "{error}");
    assert!(!ended.text().contains(SIGNATURE) && !ended.stderr.contains(SIGNATURE), "{}", ended.text());
}

#[test]
fn a_healthy_connection_passes_every_step() {
    let emulator = Emulator::quiet(&[]);
    let ended = wps(["doctor", &emulator.local(), "--user", "ann"]).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.text());
    let lines: Vec<&str> = ended.text().lines().collect();
    assert!(lines[0].starts_with("wps ") && lines[0].contains(std::env::consts::OS), "{}", lines[0]);
    assert_eq!(lines.len(), STEPS.len() + 2, "{}", ended.text());
    for (line, step) in lines[1..].iter().zip(STEPS) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = if ["proxy", "tls"].contains(&step) { "skipped" } else { "ok" };
        assert_eq!(words[..2], [step, expected], "{line}");
        assert!(line[13..].starts_with(expected), "{line}");
    }
    let has = |at: usize, part: &str| assert!(lines[at].contains(part), "{}", lines[at]);
    has(1, "`--local`: ws://localhost:");
    has(1, "access_token=[redacted]");
    has(2, "user `ann`, may join and leave any group, may send to any group");
    has(2, "expires in 60 min");
    has(10, "`wps-doctor-");
    assert_eq!(lines.last(), Some(&"everything works"));
    drop(emulator.running);
}

#[test]
fn the_records_have_the_contracts_fields() {
    let emulator = Emulator::quiet(&[]);
    let ended = wps(["doctor", &emulator.local(), "-o", "ndjson", "--group", "mine"]).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.text());
    for step in STEPS {
        let check = check(&ended, step);
        let known = ["type", "time", "step", "status", "elapsedMs", "detail", "hint", "program"];
        assert!(check.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{check}");
        assert!(check["time"].is_string() && check["detail"].is_string(), "{check}");
        assert!(check.get("elapsedMs").is_none_or(Value::is_f64), "{check}");
    }
    assert_eq!(check(&ended, "join")["detail"], "`mine`");
    assert!(check(&ended, "source")["program"].as_str().unwrap().starts_with("wps "));
    let stopped = ended.records().pop().unwrap();
    assert_eq!((&stopped["reason"], &stopped["sent"], &stopped["received"]), (&json!("done"), &json!(3), &json!(1)));
}

#[test]
fn roles_about_states_are_known() {
    let emulator = Emulator::quiet(&[]);
    let roles = ["--role", "webpubsub.setGroupState", "--role", "webpubsub.getGroupState.room.*"];
    let ended = wps(["doctor", &emulator.local(), "-o", "ndjson"]).args(roles).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.text());
    let token = check(&ended, "token");
    assert_eq!(token["status"], "ok", "{token}");
    let words = "may set its state in any group, may watch the states of groups of the pattern `room.*`";
    assert!(token["detail"].as_str().unwrap().contains(words), "{token}");
}

#[test]
fn a_role_that_is_missing_is_skipped_and_named() {
    let emulator = Emulator::quiet(&[]);
    let ended = wps(["doctor", &emulator.local(), "-o", "ndjson", "--role", "webpubsub.joinLeaveGroup.room1"]).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.text());
    for (step, words) in [
        ("join", "the role `webpubsub.joinLeaveGroup` is missing; the token has `webpubsub.joinLeaveGroup.room1`"),
        ("send", "the role `webpubsub.sendToGroup` is missing"),
        ("receive", "nothing was sent"),
        ("leave", "the group was not joined"),
    ] {
        let check = check(&ended, step);
        assert_eq!(check["status"], "skipped");
        assert!(check["detail"].as_str().unwrap().contains(words), "{check}");
    }
    assert!(check(&ended, "join")["hint"].as_str().unwrap().contains("`--group G`"));
    assert_eq!(check(&ended, "close")["status"], "ok");
}

#[test]
fn a_refusal_in_spite_of_the_role_is_a_failure() {
    for (fault, args, step, role) in [
        ("nack=Forbidden", &["--group", "g"][..], "join", "webpubsub.joinLeaveGroup"),
        ("nack=Forbidden,op=sendToGroup", &[], "send", "webpubsub.sendToGroup"),
        ("nack=Forbidden,op=leaveGroup", &["--group", "g"], "leave", "webpubsub.joinLeaveGroup"),
    ] {
        let emulator = Emulator::quiet(&["--fault", fault]);
        let ended = wps(["doctor", &emulator.local(), "-o", "ndjson"]).args(args).run();
        assert_fails(&ended, step, 8, "`Forbidden`", &format!("the token has `{role}`, which allows it"));
    }
}

#[test]
fn a_group_of_the_token_needs_no_join_to_be_received_from() {
    let emulator = Emulator::quiet(&[]);
    let flags = ["--role", "webpubsub.sendToGroup.lobby", "--initial-group", "lobby", "--group", "lobby"];
    let ended = wps(["doctor", &emulator.local(), "-o", "ndjson"]).args(flags).run();
    assert_eq!(ended.code, 0, "{}", ended.text());
    let status = |step| check(&ended, step)["status"].clone();
    assert_eq!(
        [status("join"), status("send"), status("receive"), status("leave")],
        ["skipped", "ok", "ok", "skipped"]
    );
}

#[test]
fn an_expired_token_is_told_and_left_to_the_service_to_refuse() {
    let mut service = Service::start();
    service.token = token(&json!({"aud": format!("http://127.0.0.1:{}/client/hubs/hub1", service.port()),
        "exp": 1_500_000_000, "role": "webpubsub.sendToGroup"}));
    let wps = doctor(&service.url()).start();
    service.request().refuse("401 Unauthorized", &[], &format!("{} has expired", service.token));
    let ended = wps.end();
    assert_fails(&ended, "upgrade", 5, "401 Unauthorized: it answered: [redacted] has expired", "get a fresh URL");
    let told = check(&ended, "token");
    assert_eq!(told["status"], "warning");
    assert!(told["hint"].as_str().unwrap().contains("the token expired "), "{told}");
}

#[test]
fn a_token_that_is_none_is_refused_at_the_upgrade() {
    let emulator = Emulator::quiet(&[]);
    let ended = doctor(&format!("ws://127.0.0.1:{}/client/hubs/hub1?access_token=garbage", emulator.port)).run();
    assert_fails(&ended, "upgrade", 5, "401 Unauthorized", "not a token at all");
    assert_eq!(check(&ended, "token")["status"], "warning");
    assert!(!ended.text().contains("garbage") && !ended.stderr.contains("garbage"), "{}", ended.stderr);
}

#[test]
fn a_clock_that_is_wrong_is_noticed_also_where_all_is_well_otherwise() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    service.request().refuse("503 Service Unavailable", &[("date", "Thu, 01 Jan 2026 00:00:00 GMT")], "");
    let ended = wps.end();
    assert_fails(&ended, "upgrade", 4, "503", "the clock of this machine is");
}

#[test]
fn a_port_that_refuses_fails_at_tcp() {
    let port = ClosedPort::reserve();
    let ended = doctor(&format!("ws://127.0.0.1:{}/client/hubs/hub1?access_token=x", port.port())).run();
    assert_fails(&ended, "tcp", 4, "connection refused", "nothing listens there");
    let ended = wps(["doctor", "-o", "ndjson", &format!("--local={}", port.port())]).run();
    assert_fails(&ended, "tcp", 4, "connection refused", "`wps emulator`");
}

#[test]
fn an_unknown_host_fails_at_dns() {
    let ended = doctor("ws://nonexistent.invalid/client/hubs/hub1?access_token=x").run();
    assert_fails(&ended, "dns", 4, "`nonexistent.invalid`", "check the spelling");
}

#[test]
fn certificates_that_are_not_accepted_fail_at_tls_with_what_is_known_of_them() {
    for ((config, file), trusted, detail, hint) in [
        (
            tls::identity(),
            false,
            "its issuer is not trusted; it showed a certificate for `localhost`",
            "`--ca-cert FILE`",
        ),
        (identity(&LOCAL, 2020, false), true, "expired", "renew the certificate"),
        (identity(&["other.example"], 4096, false), true, "`other.example`", "use a host name"),
    ] {
        let service = Service::with_tls(Some(config));
        let mut setup = doctor(&service.url());
        if trusted {
            setup = setup.arg("--ca-cert").arg(file.path());
        }
        let wps = setup.start();
        assert!(service.accept().try_request().is_none(), "the token goes to nobody who is not trusted");
        assert_fails(&wps.end(), "tls", 4, detail, hint);
    }
}

#[test]
fn the_version_and_the_certificate_are_told() {
    for ((config, file), version) in [(identity(&LOCAL, 4096, true), "TLS 1.2, "), (tls::identity(), "TLS 1.3, ")] {
        let service = Service::with_tls(Some(config));
        let wps = doctor(&service.url()).arg("--ca-cert").arg(file.path()).start();
        service.request().refuse("500 Internal Server Error", &[], "");
        let ended = wps.end();
        assert_fails(&ended, "upgrade", 4, "500", "`connect` event handler");
        let told = check(&ended, "tls");
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.starts_with(version) && detail.contains("certificate for `localhost`, `127.0.0.1`"), "{detail}");
        assert!(detail.contains("expires in "), "{detail}");
    }
}

#[test]
fn an_unchecked_certificate_is_said_to_be_one() {
    let (config, _file) = identity(&LOCAL, 2020, false);
    let service = Service::with_tls(Some(config));
    let wps = doctor(&service.url()).arg("--insecure").start();
    service.request().refuse("404 Not Found", &[], "");
    let ended = wps.end();
    assert_fails(&ended, "upgrade", 6, "404 Not Found", "hub `hub1`");
    assert!(check(&ended, "tls")["hint"].as_str().unwrap().contains("anybody may be listening"));
}

#[test]
fn a_web_server_fails_at_the_upgrade() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    service.request().refuse("200 OK", &[], "<h1>Hello</h1>");
    assert_fails(&wps.end(), "upgrade", 6, "200 OK: it answered: <h1>Hello</h1>", "a web server");
}

#[test]
fn a_service_without_the_subprotocol_fails_there() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    service.request().upgrade_with(None).see_vanish();
    let ended = wps.end();
    assert_fails(&ended, "subprotocol", 6, "does not speak the subprotocol", "`--protocol json`");
    assert_eq!(check(&ended, "upgrade")["status"], "ok");
}

#[test]
fn a_server_that_never_says_connected_fails_there() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    service.request().upgrade().see_vanish();
    assert_fails(&wps.end(), "connected", 4, "waiting for the `connected` frame", "`--connect-timeout`");
}

#[test]
fn a_server_that_answers_nothing_fails_at_the_upgrade() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    let said = service.accept().read_to_end();
    assert!(said.starts_with(b"GET /client/hubs/hub1?access_token="));
    assert_fails(&wps.end(), "upgrade", 4, "timed out after 1.5 s", "`--connect-timeout`");
}

#[test]
fn a_connection_that_is_lost_is_told_with_the_close_code_and_not_tried_again() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    let mut peer = service.connect();
    peer.operation();
    peer.send(&json!({"type": "system", "event": "disconnected", "message": "go away"}));
    peer.close(1008, "policy");
    let ended = wps.end();
    assert_fails(&ended, "join", 7, "the service said `go away`; close code 1008 `policy`: refused by policy", "");
    service.assert_no_more_calls();
}

/// A service that answers joins, and nothing else by itself.
fn joined(service: &Service) -> Peer {
    let mut peer = service.connect();
    let join = peer.operation();
    peer.ack(&join["ackId"]);
    peer
}

#[test]
fn an_operation_that_is_refused_fails_with_what_the_service_says() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    let mut peer = joined(&service);
    let send = peer.operation();
    assert!(send["group"].as_str().unwrap().starts_with("wps-doctor-"), "{send}");
    peer.nack(&send["ackId"], "InternalServerError", "oh no");
    peer.see_off();
    assert_fails(&wps.end(), "send", 8, "`InternalServerError`: oh no", "");
}

#[test]
fn a_message_that_does_not_come_back_fails() {
    let service = Service::start();
    let wps = doctor(&service.url()).args(["--ack-timeout", "300ms"]).start();
    let mut peer = joined(&service);
    let send = peer.operation();
    peer.ack(&send["ackId"]);
    peer.see_off();
    assert_fails(&wps.end(), "receive", 12, "did not come back within 300 ms", "does not deliver");
}

#[test]
fn a_ping_without_a_pong_fails() {
    let service = Service::start();
    let wps = doctor(&service.url()).args(["--ack-timeout", "300ms"]).start();
    let mut peer = joined(&service);
    let send = peer.operation();
    peer.send(&json!({"type": "message", "from": "group", "group": send["group"], "dataType": "text",
        "data": send["data"], "sequenceId": 1}));
    peer.ack(&send["ackId"]);
    // Read, but not answered; then nothing but the end.
    while !matches!(peer.next(), FromClient::Close(1000)) {}
    assert_eq!(peer.pings, 1);
    assert_fails(&wps.end(), "ping", 9, "no `pong` came within 300 ms", "`--ping-interval 0`");
}

#[test]
fn an_operation_without_an_ack_fails_as_unknown() {
    let service = Service::start();
    let wps = doctor(&service.url()).args(["--ack-timeout", "300ms"]).start();
    let mut peer = service.connect();
    peer.operation();
    peer.see_off();
    assert_fails(&wps.end(), "join", 9, "no ack within 300 ms", "`--ack-timeout`");
}

#[test]
fn a_reader_that_has_gone_ends_the_printing_and_not_the_examination() {
    let service = Service::start();
    let wps = doctor(&service.url()).stdout_closed().start();
    service.request().refuse("401 Unauthorized", &[], "");
    wps.end().assert_failed(5, &["error: ", "401 Unauthorized"]);

    let wps = doctor(&service.url()).stdout_closed().start();
    let mut peer = joined(&service);
    let send = peer.operation();
    peer.nack(&send["ackId"], "InternalServerError", "oh no");
    peer.see_off();
    wps.end().assert_failed(8, &["error: ", "oh no"]);
}

#[test]
fn timeout_ends_it_where_it_is() {
    let service = Service::start();
    let wps = wps(["doctor", "-o", "ndjson", "--timeout", "500ms", "--url", &service.url()]).start();
    service.request().upgrade().see_off();
    assert_fails(&wps.end(), "connected", 124, "timed out after 500 ms (`--timeout`)", "");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_the_connection_properly() {
    let service = Service::start();
    let mut wps = doctor(&service.url()).start();
    let mut peer = service.connect();
    peer.operation();
    while wps.record()["step"] != "connected" {}
    wps.signal(rustix::process::Signal::INT);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (130, ""), "{}", ended.text());
    assert_eq!(check(&ended, "join")["detail"], "ended by a signal");
    assert_eq!(ended.records().last().unwrap()["reason"], "signal");
}

#[cfg(unix)]
#[test]
fn a_signal_is_the_conclusion_and_not_that_everything_works() {
    let service = Service::start();
    let wps = wps(["doctor", "--url", &service.url()]).start();
    let mut peer = service.connect();
    peer.operation();
    wps.signal(rustix::process::Signal::INT);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 130);
    assert!(ended.text().ends_with("ended by a signal at `join`: what follows is not known\n"), "{}", ended.text());
}

#[test]
fn a_source_that_cannot_be_used_is_a_finding() {
    for (args, detail, hint) in [
        (vec![], "nothing says where to connect", "`--url URL`"),
        (vec!["--url", "wss://h/wrong?access_token=sesame"], "`--url` is malformed: the path", "looks like"),
        (vec!["--url", "@/nonexistent/sesame"], "could not read the value of `--url`", ""),
    ] {
        let ended = wps(["doctor", "-o", "ndjson"]).args(&args).run();
        assert_fails(&ended, "source", 3, detail, hint);
    }
    let ended = wps(["doctor"]).run();
    assert_eq!(ended.code, 3);
    assert!(ended.text().ends_with("failed at `source`, exit code 3\n"), "{}", ended.text());
}

#[test]
fn a_profile_that_cannot_be_used_is_a_finding_about_the_source() {
    let dev = "[profiles.dev]\nlocal = true\nhubb = \"x\"\n";
    for (config, args, variable, detail, hint) in [
        (Some(dev), &["--profile", "nope"][..], None, "there is no profile `nope` (`--profile`)", "it has `dev`"),
        (Some(dev), &[], Some("nope"), "there is no profile `nope` (`WPS_PROFILE`)", "it has `dev`"),
        (Some(dev), &["--profile", "dev"], None, "`hubb` is not a flag", "did you mean `hub`?"),
        (Some("[profiles.dev\n"), &["--profile", "dev"], None, "is not valid TOML at line 1", "begins with the line"),
        (None, &["--profile", "dev"], None, "but there is no `", "`wps config --help`"),
    ] {
        let mut setup = wps(["doctor", "-o", "ndjson"]).args(args);
        if let Some(config) = config {
            setup = setup.config(config);
        }
        if let Some(name) = variable {
            setup = setup.env("WPS_PROFILE", name);
        }
        assert_fails(&setup.run(), "source", 3, detail, hint);
    }
    let ended = wps(["doctor", "--profile", "nope"]).config(dev).run();
    assert!(ended.text().contains("source       failed            there is no profile `nope`"), "{}", ended.text());
    // A command line that is wrong is wrong all the same.
    wps(["doctor", "--profile", "nope", "--group", ""]).run().assert_failed(2, &["error: the name in `--group`"]);
}

#[test]
fn frames_that_are_not_understood_are_told_at_the_step_where_they_came() {
    let service = Service::start();
    let wps = doctor(&service.url()).start();
    let mut peer = service.request().upgrade();
    peer.send_text(r#"{"type":"banana","reconnectionToken":"sesame"}"#);
    peer.send_text(r#"{"type":"ack","ackId":1,"success":true}"#);
    peer.greet("c1", "reconnect-1");
    let frame = peer.operation();
    peer.send_text("]");
    peer.nack(&frame["ackId"], "InternalServerError", "");
    peer.see_off();
    let ended = wps.end();
    let connected = check(&ended, "connected");
    let hint = connected["hint"].as_str().unwrap();
    for part in ["unknown type `banana`", "[redacted]", "an ack before `connected`"] {
        assert!(hint.contains(part), "{connected}");
    }
    assert!(!ended.text().contains("sesame"), "{}", ended.text());
    assert_fails(&ended, "join", 8, "InternalServerError", "a frame was not understood (not JSON");

    // Where nothing else comes, they are what there is to say.
    let wps = doctor(&service.url()).start();
    let mut peer = service.request().upgrade();
    peer.send_text("stranger");
    peer.close(1002, "");
    assert_fails(&wps.end(), "connected", 4, "close code 1002", "a frame was not understood (not JSON");
}

#[test]
fn what_is_wrong_with_the_command_line_is_a_usage_error() {
    wps(["doctor", "--local", "--group", ""]).run().assert_failed(2, &["error: the name in `--group`"]);
    wps(["doctor", "--local", "-o", "raw"]).run().assert_failed(2, &["`raw` is not a value of `--output`"]);
}

#[cfg(unix)]
#[test]
fn a_url_command_is_run_once_and_its_failure_is_the_sources() {
    let service = Service::start();
    let wps_ = wps(["doctor", "-o", "ndjson", "--url-command", &format!("echo x >> ran; echo '{}'", service.url())]);
    let running = wps_.start();
    service.request().refuse("401 Unauthorized", &[], "");
    let ended = running.end();
    assert_fails(&ended, "upgrade", 5, "401", "");
    assert!(check(&ended, "source")["elapsedMs"].is_f64());
    service.assert_no_more_calls();
    let ended = wps(["doctor", "-o", "ndjson", "--url-command", "exit 3"]).run();
    assert_fails(&ended, "source", 4, "the URL command failed with exit status 3", "run the command by hand");
}

#[test]
fn no_volume_makes_a_report_show_a_secret() {
    let emulator = Emulator::quiet(&[]);
    let ended = wps(["doctor", &emulator.local(), "-vvv"]).run();
    assert_eq!(ended.code, 0, "{}", ended.text());
    ended.assert_stderr(&["→ GET /client/hubs/hub1?access_token=[redacted]", "← {", "→ {\"type\":\"joinGroup\""]);
    for text in [ended.text(), &ended.stderr] {
        assert!(!text.contains("eyJ") && !text.contains("ABCDEFGHIJ"), "{text}");
    }
}

/// What the last record repeats of an answer, a terminal must not obey.
#[cfg(unix)]
#[test]
fn records_at_a_terminal_obey_no_answer() {
    let service = Service::start();
    let wps = crate::support::terminal::terminal(["doctor", "-o", "ndjson", "--url", &service.url()]).start();
    service.request().refuse("403 Forbidden", &[], "a \u{9b}31m red \u{202e}backwards");
    wps.until_bytes("the last record", |bytes| String::from_utf8_lossy(bytes).contains("\"type\":\"stopped\""));
    wps.until_bytes("its end", |bytes| bytes.ends_with(b"\n"));
    let text = String::from_utf8(wps.bytes()).unwrap();
    let stopped = text.lines().find(|line| line.contains("\"stopped\"")).unwrap();
    assert!(stopped.contains("a \\u009b31m red \\u202ebackwards"), "{stopped}");
    assert!(!text.contains(['\u{9b}', '\u{202e}']), "{text}");
}

/// Where both streams are one file the report is there once; where they are two, stderr has a line that names the step.
#[cfg(unix)]
#[test]
fn the_error_does_not_say_the_report_again() {
    let service = Service::start();
    let script = format!("$WPS doctor --url '{}' > both 2>&1; cat both", service.url());
    let wps = crate::support::process::Setup::shell(&script).start();
    service.request().refuse("403 Forbidden", &[], "not you");
    let ended = wps.end();
    assert!(ended.text().ends_with("failed at `upgrade`, exit code 5\n"), "{}", ended.text());
    assert_eq!(ended.text().matches("not you").count(), 1, "{}", ended.text());
    let wps = crate::support::wps(["doctor", "--url", &service.url()]).start();
    service.request().refuse("403 Forbidden", &[], "not you");
    let ended = wps.end();
    assert_eq!(ended.code, 5);
    assert!(ended.text().ends_with("failed at `upgrade`, exit code 5\n"), "{}", ended.text());
    assert!(
        ended.stderr.starts_with("error: failed at `upgrade`: ") && ended.stderr.lines().count() == 1,
        "{}",
        ended.stderr
    );
}

#[test]
fn a_token_without_roles_is_told_to_have_none() {
    let mut service = Service::start();
    service.token = token_with_roles(&[]);
    let wps = doctor(&service.url()).start();
    service.request().refuse("403 Forbidden", &[("x-ms-error-code", "Forbidden.Network")], "");
    let ended = wps.end();
    assert_fails(&ended, "upgrade", 5, "403 Forbidden (`Forbidden.Network`)", "network rules");
    assert!(check(&ended, "token")["detail"].as_str().unwrap().contains("no roles"));
}

#[test]
fn a_proxy_that_wants_credentials_fails_at_the_proxy() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Http(Some("user:password")));
    let through = format!("http://user:sesame-sesame@127.0.0.1:{}", proxy.port());
    let ended = doctor(&service.url_of("service.invalid")).args(["--proxy", &through]).run();
    proxy.asked();
    assert_fails(&ended, "proxy", 4, "407 Proxy Authentication Required: it answered: sign on!", "`--proxy`");
    assert_eq!(check(&ended, "tcp")["status"], "ok");
    assert!(!ended.text().contains("sesame") && !ended.stderr.contains("sesame"), "{}", ended.text());
    service.assert_no_more_calls();
}

#[test]
fn a_socks_proxy_on_the_way_is_named() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Socks(None));
    let through = format!("socks5h://127.0.0.1:{}", proxy.port());
    let wps = doctor(&service.url_of("service.invalid")).env("HTTP_PROXY", &through).start();
    service.request().refuse("404 Not Found", &[], "");
    let ended = wps.end();
    assert_fails(&ended, "upgrade", 6, "404", "hub1");
    let told = check(&ended, "proxy");
    assert_eq!(told["status"], "ok");
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("`service.invalid:") && detail.contains("(`HTTP_PROXY`)"), "{detail}");
}
