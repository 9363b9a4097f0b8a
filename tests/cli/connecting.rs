//! A connection that cannot be made: the exit code, what happened, and what to do about it, within the connect timeout.

use std::time::{Duration, Instant};

use crate::support::service::{ClosedPort, Request};
use crate::support::terminal::terminal;
use crate::support::tls;
use crate::support::{Ended, Running, Service, wps};

/// One attempt, with little patience.
fn attempt(url: &str) -> Running {
    wps(["send", "g", "hello", "--reconnect-retries", "0", "--connect-timeout", "1500ms", "--url", url]).start()
}

/// The error, without what was said before it, and with `PORT` in place of the port.
fn report(ended: &Ended, port: u16) -> String {
    let at = ended.stderr.find("error: ").unwrap_or_else(|| panic!("no error in:\n{}", ended.stderr));
    ended.stderr[at..].replace(&port.to_string(), "PORT")
}

/// The result of a service that refuses.
#[track_caller]
fn assert_refused(status: &str, headers: &[(&str, &str)], body: &str, code: i32, expected: &str) {
    let service = Service::start();
    let wps = attempt(&service.url());
    service.request().refuse(status, headers, body);
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (code, ""), "{}", ended.stderr);
    assert_eq!(report(&ended, service.port()), expected);
    service.assert_no_more_calls();
}

#[test]
fn a_401_shows_what_the_service_says_about_the_token() {
    assert_refused(
        "401 Unauthorized",
        &[("content-type", "text/plain")],
        "Invalid token.",
        5,
        "error: hub `hub1` at `127.0.0.1:PORT` refused the connection\n\
         caused by: the server refused the WebSocket handshake: 401 Unauthorized\n\
         caused by: it answered: Invalid token.\n\
         hint: the token is for `http://localhost/client/hubs/hub1`, but the URL says `127.0.0.1:PORT`\n\
         hint: `wps url inspect` shows all that a token says, `wps url create` makes one\n",
    );
}

#[test]
fn a_403_is_a_matter_of_the_token_too() {
    assert_refused(
        "403 Forbidden",
        &[("x-ms-error-code", "Forbidden.Network")],
        "",
        5,
        "error: hub `hub1` at `127.0.0.1:PORT` refused the connection\n\
         caused by: the server refused the WebSocket handshake: 403 Forbidden (`Forbidden.Network`)\n\
         hint: the network rules of the service do not let this machine in\n\
         hint: the token is for `http://localhost/client/hubs/hub1`, but the URL says `127.0.0.1:PORT`\n\
         hint: `wps url inspect` shows all that a token says, `wps url create` makes one\n",
    );
}

#[test]
fn a_404_asks_to_check_the_path() {
    assert_refused(
        "404 Not Found",
        &[],
        "",
        6,
        "error: hub `hub1` at `127.0.0.1:PORT` refused the connection\n\
         caused by: the server refused the WebSocket handshake: 404 Not Found\n\
         hint: check the hub `hub1`, the host and the path: a client URL is `wss://HOST/client/hubs/HUB`\n",
    );
}

#[test]
fn a_503_says_how_long_the_service_asks_to_wait() {
    assert_refused(
        "503 Service Unavailable",
        &[("retry-after", "7")],
        "busy",
        4,
        "error: could not connect to hub `hub1` at `127.0.0.1:PORT`\n\
         caused by: the server refused the WebSocket handshake: 503 Service Unavailable\n\
         caused by: it answered: busy\n\
         hint: the service is overloaded, restarting or stopped: try again, or look at its state\n\
         hint: the service asks to wait 7 s before the next attempt\n",
    );
}

#[test]
fn a_web_server_that_is_no_web_pubsub_is_recognised() {
    assert_refused(
        "200 OK",
        &[("content-type", "text/html")],
        "<h1>Hello</h1>",
        6,
        "error: hub `hub1` at `127.0.0.1:PORT` refused the connection\n\
         caused by: the server refused the WebSocket handshake: 200 OK\n\
         caused by: it answered: <h1>Hello</h1>\n\
         hint: that is a web server, not a Web PubSub service: a client URL is `wss://HOST/client/hubs/HUB`\n",
    );
}

#[test]
fn of_a_page_its_title_is_shown_and_all_of_it_with_v() {
    let page =
        "<!DOCTYPE html>\n<html>\n<head><title>404 - Not here</title></head>\n<body>\n<p>sorry</p>\n</body></html>";
    for more in [None, Some("-v")] {
        let service = Service::start();
        let wps = wps(["send", "g", "x", "--reconnect-retries", "0", "--url", &service.url()]).args(more).start();
        service.request().refuse("404 Not Found", &[("content-type", "text/html")], page);
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (6, ""), "{}", ended.stderr);
        match more {
            // What others wrote stands apart from what wps says.
            Some(_) => assert!(ended.stderr.contains(&page.replace('\n', "\n  | ")), "{}", ended.stderr),
            None => {
                let line = format!("it answered: 404 - Not here ({} bytes; `-v` shows all)\n", page.len());
                assert!(ended.stderr.contains(&line) && !ended.stderr.contains("sorry"), "{}", ended.stderr);
            }
        }
    }
}

#[test]
fn a_redirect_is_not_followed_with_the_token() {
    assert_refused(
        "307 Temporary Redirect",
        &[("location", "http://elsewhere.example/client/hubs/hub1")],
        "",
        6,
        "error: hub `hub1` at `127.0.0.1:PORT` refused the connection\n\
         caused by: the server refused the WebSocket handshake: 307 Temporary Redirect\n\
         hint: redirects are not followed (to `http://elsewhere.example/client/hubs/hub1`), so that no token goes to \
         another host: name the final URL\n",
    );
}

#[test]
fn a_long_body_is_shown_as_far_as_it_is_read() {
    let service = Service::start();
    let wps = wps(["send", "g", "hello", "-v", "--reconnect-retries", "0", "--url", &service.url()]).start();
    let request: Request = service.request();
    request.refuse("400 Bad Request", &[], &"x".repeat(100_000));
    let ended = wps.end();
    assert_eq!(ended.code, 6);
    let shown = ended.stderr.matches('x').count();
    assert!((64 * 1024..64 * 1024 + 100).contains(&shown), "{shown}");
    ended.assert_stderr(&["xxx […]"]);
}

#[test]
fn an_expired_token_is_warned_about_and_tried_all_the_same() {
    use crate::support::token::token;
    let mut service = Service::start();
    service.token = token(&serde_json::json!({"aud": "http://localhost/client/hubs/hub1", "exp": 1_500_000_000}));
    let wps = attempt(&service.url());
    service.request().refuse("401 Unauthorized", &[], "");
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (5, ""));
    ended.assert_stderr(&[
        "warning: the token looks expired",
        "error: ",
        "hint: the token expired ",
        "get a fresh URL",
    ]);
}

#[test]
fn a_clock_that_is_wrong_is_told_also_when_the_token_signed_by_it_is_taken() {
    let service = Service::start();
    let port = service.port();
    let string = format!("Endpoint=http://127.0.0.1:{port};AccessKey=b3Blbi1zZXNhbWU");
    for (args, told) in [
        (vec!["-v", "--hub", "hub1", "--connection-string", &string], true),
        (vec!["-v", "--url", &service.url()], false),
    ] {
        let wps = wps(["join", "g"]).args(args).start();
        let mut peer = service.request().upgrade_at("Thu, 01 Jan 2015 00:00:00 GMT");
        peer.greet("c1", "reconnect-1");
        peer.grant_join("g");
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let said = ended.stderr.matches("ahead of the service's: set it, since tokens signed here go by it\n").count();
        assert_eq!(said, usize::from(told), "{}", ended.stderr);
    }
}

#[test]
fn a_close_that_ends_a_run_is_its_one_cause() {
    for (code, words) in [(1003, "does not accept this kind"), (1008, "refused by policy"), (1009, "was larger than")] {
        let service = Service::start();
        // Of a subprotocol without recovery any code is the end; of the other, 1008 alone.
        let protocol = if code == 1008 { "json-reliable" } else { "json" };
        let wps = wps(["listen", "--no-reconnect", "-q", "--protocol", protocol, "--url", &service.url()]).start();
        service.connect().close(code, "because");
        let ended = wps.end();
        ended.assert_failed(
            7,
            &["error: the connection to hub `hub1` at `", "was lost and not regained\ncaused by: close code ", words],
        );
        assert_eq!(ended.stderr.matches("close code").count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_role_with_a_pattern_that_fits_is_not_said_to_be_missing() {
    for (pattern, words) in [
        ("room.*", "the token has `webpubsub.sendToGroups.room.*`, which allows it"),
        ("hall.*", "the role `webpubsub.sendToGroup` or `webpubsub.sendToGroup.room.1` is missing; the token has"),
    ] {
        let mut service = Service::start();
        service.token = crate::support::token::token_with_roles(&[&format!("webpubsub.sendToGroups.{pattern}")]);
        let wps = wps(["send", "room.1", "x", "--url", &service.url()]).start();
        let mut peer = service.connect();
        let frame = peer.operation();
        peer.nack(&frame["ackId"], "Forbidden", "");
        peer.see_off();
        wps.end().assert_failed(8, &["refused to send to `room.1`", words]);
    }
}

#[test]
fn a_refused_port_is_said_to_have_nobody_listening() {
    let port = ClosedPort::reserve();
    let ended = attempt(&format!("ws://127.0.0.1:{}/client/hubs/hub1?access_token=x", port.port())).end();
    assert_eq!((ended.code, ended.text()), (4, ""));
    assert_eq!(
        report(&ended, port.port()),
        "error: could not connect to hub `hub1` at `127.0.0.1:PORT`\n\
         caused by: could not connect to `127.0.0.1:PORT`: connection refused (`127.0.0.1:PORT`)\n\
         hint: nothing listens there: check the host and the port\n"
    );
}

#[test]
fn no_emulator_is_said_with_how_to_start_one() {
    let port = ClosedPort::reserve();
    let ended = wps(["send", &format!("--local={}", port.port()), "g", "hello"]).run();
    assert_eq!((ended.code, ended.text()), (4, ""));
    assert_eq!(
        report(&ended, port.port()),
        "error: nothing listens at `http://localhost:PORT`\n\
         hint: start an emulator with `wps emulator`, or name the service with `--url`\n"
    );
}

#[test]
fn an_unknown_host_is_named() {
    let wps = attempt("ws://nonexistent.invalid/client/hubs/hub1?access_token=x");
    let started = wps.started;
    let ended = wps.end();
    ended.assert_failed(
        4,
        &["error: could not connect to hub `hub1` at `nonexistent.invalid`", "`nonexistent.invalid`", "hint: "],
    );
    assert!(ended.at - started < Duration::from_secs(4), "{:?}", ended.at - started);
}

#[test]
fn a_certificate_that_is_not_trusted_is_final_and_says_how_to_trust_it() {
    let (config, _file) = tls::identity();
    let service = Service::with_tls(Some(config));
    let wps = wps(["send", "g", "x", "--url", &service.url(), "--reconnect-delay", "10ms"]).start();
    let said = service.accept().try_request();
    assert!(said.is_none(), "the token goes to nobody who is not trusted");
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (4, ""));
    assert_eq!(
        report(&ended, service.port()),
        "error: could not connect to hub `hub1` at `127.0.0.1:PORT`\n\
         caused by: the certificate of `127.0.0.1` was not accepted: its issuer is not trusted\n\
         hint: `--ca-cert FILE` trusts the issuer in FILE; `--insecure` trusts anybody, for a test\n"
    );
    // Not tried again, although retries are left.
    service.assert_no_more_calls();
}

#[test]
fn a_certificate_is_trusted_on_request() {
    let (config, file) = tls::identity();
    for trust in [vec!["--ca-cert".into(), file.path().as_os_str().to_owned()], vec!["--insecure".into()]] {
        let service = Service::with_tls(Some(config.clone()));
        let wps = wps(["send", "g", "x", "--url", &service.url()]).args(trust).start();
        let mut peer = service.connect();
        let frame = peer.operation();
        peer.ack(&frame["ackId"]);
        peer.see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    }
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_given_up_in_time() {
    let service = Service::start();
    let wps = attempt(&service.url());
    let call = service.accept();
    let at = call.at;
    let head = String::from_utf8(call.read_to_end()).unwrap();
    assert!(head.starts_with("GET /client/hubs/hub1?access_token="), "{head}");
    let ended = wps.end();
    assert_timed_out(&ended, at);
    ended.assert_stderr(&[
        "error: could not connect to hub `hub1` at ",
        "caused by: timed out after 1.",
        " s while waiting for ",
        " to answer the WebSocket handshake\n",
        "hint: the limit is 1.5 s (`--connect-timeout`); check the host, the port and what is between here and there\n",
    ]);
}

#[test]
fn a_server_that_never_sends_connected_is_given_up_in_time() {
    let service = Service::start();
    let wps = attempt(&service.url());
    let peer = service.request().upgrade();
    let at = peer.at;
    peer.see_vanish();
    let ended = wps.end();
    assert_timed_out(&ended, at);
    assert_eq!(
        report(&ended, service.port()),
        "error: could not connect to hub `hub1` at `127.0.0.1:PORT`\n\
         caused by: timed out after 1.5 s waiting for the `connected` frame\n\
         hint: the limit is 1.5 s (`--connect-timeout`); check the host, the port and what is between here and there\n"
    );
}

#[test]
fn the_connect_timeout_covers_all_stages_together() {
    let service = Service::start();
    let wps = attempt(&service.url());
    // Half of the time goes by before the answer, which the test awaits on the socket: nothing more is to come there.
    let request = service.request();
    let at = request.at;
    assert!(request.call.is_silent_for(Duration::from_millis(900)));
    request.upgrade().see_vanish();
    assert_timed_out(&wps.end(), at);
}

fn assert_timed_out(ended: &Ended, since: Instant) {
    assert_eq!((ended.code, ended.text()), (4, ""), "{}", ended.stderr);
    let took = ended.at - since;
    assert!(took > Duration::from_millis(1300) && took < Duration::from_millis(2300), "{took:?}");
}

#[test]
fn a_server_that_speaks_something_else_breaks_the_protocol() {
    let service = Service::start();
    let wps = attempt(&service.url());
    let mut call = service.accept();
    call.write(b"220 mail.example ESMTP ready\r\n");
    let ended = wps.end();
    ended.assert_failed(
        10,
        &[
            "error: could not connect to hub `hub1`",
            "caused by: ",
            "did not answer in HTTP",
            "hint: check host and port",
        ],
    );
}

#[test]
fn a_server_that_hangs_up_is_no_web_pubsub() {
    let service = Service::start();
    let wps = attempt(&service.url());
    drop(service.request());
    wps.end().assert_failed(4, &["closed the connection without answering the WebSocket handshake", "hint: "]);
}

#[test]
fn tls_spoken_to_a_server_without_it_is_recognised() {
    let service = Service::start();
    let wps = attempt(&service.url().replace("ws://", "wss://"));
    let mut call = service.accept();
    call.write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    wps.end().assert_failed(4, &["the TLS handshake with `127.0.0.1` failed", "hint: does the port speak TLS?"]);
}

#[test]
fn a_server_that_chooses_no_subprotocol_is_refused() {
    for (protocol, offered, other) in [
        ("json-reliable", "json.reliable.webpubsub.azure.v1", "`--protocol json` asks for the subprotocol without"),
        ("json", "json.webpubsub.azure.v1", "`--protocol json-reliable` asks for the subprotocol with recovery"),
    ] {
        let service = Service::start();
        let wps =
            wps(["send", "g", "hello", "--no-reconnect", "--protocol", protocol, "--url", &service.url()]).start();
        service.request().upgrade_with(None).see_vanish();
        let said = format!("does not speak the subprotocol `{offered}`");
        wps.end().assert_failed(6, &[&said, "hint: ", other]);
    }
}

#[test]
fn a_passing_failure_is_tried_again_and_the_attempts_are_counted() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "--url", &service.url()])
        .args(["--reconnect-retries", "2", "--reconnect-delay", "20ms", "--reconnect-mode", "fixed", "-o", "ndjson"])
        .start();
    for body in ["one", "two", "three"] {
        service.request().refuse("503 Service Unavailable", &[], body);
    }
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(crate::support::kinds(&records), ["reconnecting", "reconnecting", "stopped"]);
    assert_eq!((&records[0]["attempt"], &records[1]["attempt"]), (&1.into(), &2.into()));
    assert_eq!((ended.code, records[2]["exitCode"].as_i64()), (4, Some(4)));
    // Each attempt is reported once, the last one as the error.
    assert_eq!(ended.stderr.matches("warning: could not connect: ").count(), 2, "{}", ended.stderr);
    ended.assert_stderr(&["trying again in 20 ms", "error: could not connect", "it answered: three"]);
    service.assert_no_more_calls();
}

#[test]
fn a_service_that_is_down_is_said_once_and_then_at_growing_intervals() {
    for (more, told) in [(&[][..], 5), (&["-v"], 17)] {
        let port = ClosedPort::reserve();
        let url = format!("ws://127.0.0.1:{}/client/hubs/h", port.port());
        let ended = wps(["listen", "--reconnect-retries", "17", "--reconnect-delay", "1ms", "--url", &url])
            .args(["--reconnect-mode", "fixed"])
            .args(more)
            .run();
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(lines.len(), told, "{}", ended.stderr);
        assert!(!lines[0].contains("times"), "{}", ended.stderr);
        assert!(lines.iter().any(|line| line.contains(" (16 times); trying again in ")), "{}", ended.stderr);
    }
}

#[test]
fn at_a_terminal_a_service_that_is_down_takes_one_line_that_is_written_anew() {
    let port = ClosedPort::reserve();
    let url = format!("ws://127.0.0.1:{}/client/hubs/h", port.port());
    let arguments = ["listen", "--reconnect-retries", "6", "--reconnect-delay", "1ms", "--reconnect-mode", "fixed"];
    let run = terminal(arguments.into_iter().chain(["--url", &url])).size(24, 50).start();
    assert_eq!(run.end(), 4);
    let screen = run.screen();
    let warnings: Vec<&String> = screen.iter().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings.len(), 1, "{screen:?}");
    assert!(screen.concat().contains("(6 times)"), "{screen:?}");
    assert!(screen.iter().any(|line| line.starts_with("error: could not connect")), "{screen:?}");
}

#[test]
fn retry_after_is_honoured() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "--url", &service.url(), "--reconnect-delay", "10ms", "-o", "ndjson"]).start();
    let request = service.request();
    let first = request.at;
    request.refuse("429 Too Many Requests", &[("retry-after", "1")], "");
    let mut peer = service.connect();
    assert!(peer.at - first >= Duration::from_millis(990), "{:?}", peer.at - first);
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0);
    assert_eq!(ended.records()[0]["delayMs"], 1000);
}

#[test]
fn a_longer_wait_than_the_longest_pause_ends_the_command_and_is_told() {
    let service = Service::start();
    let max = ["--reconnect-delay", "10ms", "--reconnect-max-delay", "1s"];
    let wps = wps(["listen", "--reconnect-retries", "unlimited", "--url", &service.url()]).args(max).start();
    service.request().refuse("503 Service Unavailable", &[("retry-after", "86400")], "");
    let ended = wps.end();
    ended.assert_failed(
        4,
        &[
            "caused by: the service asks to wait 86400 s, more than `--reconnect-max-delay` (1 s)",
            "hint: the service asks to wait 24 h before the next attempt; a longer `--reconnect-max-delay` waits for it",
        ],
    );
    service.assert_no_more_calls();
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for (status, code) in [("401 Unauthorized", 5), ("403 Forbidden", 5), ("404 Not Found", 6), ("400 Bad Request", 6)]
    {
        let service = Service::start();
        let wps = wps(["listen", "--url", &service.url(), "--reconnect-delay", "10ms"]).start();
        service.request().refuse(status, &[], "");
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (code, ""), "{status}: {}", ended.stderr);
        service.assert_no_more_calls();
    }
}

#[test]
fn a_401_after_a_connection_ends_a_listener_too() {
    let service = Service::start();
    let wps = wps(["listen", "--url", &service.url(), "--reconnect-delay", "10ms", "-o", "ndjson"]).start();
    service.connect().close(1008, "");
    service.request().refuse("401 Unauthorized", &[], "expired");
    let ended = wps.end();
    assert_eq!(ended.code, 5);
    assert_eq!(ended.records().last().unwrap()["exitCode"], 5);
    ended.assert_stderr(&["refused the connection", "it answered: expired"]);
}

#[test]
fn a_lost_connection_that_cannot_be_had_again_is_exit_7() {
    let service = Service::start();
    let wps = wps(["listen", "--url", &service.url(), "--reconnect-delay", "10ms", "--reconnect-retries", "1"]).start();
    service.connect().close(1008, "go away");
    service.request().refuse("503 Service Unavailable", &[], "");
    let ended = wps.end();
    ended.assert_failed(7, &["error: the connection to hub `hub1` at `", "was lost and not regained\n", "503"]);
}
