//! How runs end: signals at every moment, deadlines, and enough seen.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::service::{ClosedPort, message};
use crate::support::{Ended, FromClient, PATIENCE, Peer, Running, Service, Setup, kinds, wps};

fn listener(service: &Service, more: &[&str]) -> Setup {
    wps(["listen", "-o", "ndjson", "--url", &service.url()]).args(more)
}

/// Sends a signal and waits for the end, which has two seconds.
#[track_caller]
fn end_by(wps: Running, signal: Signal, code: i32) -> Ended {
    let sent = Instant::now();
    wps.signal(signal);
    let ended = wps.end();
    assert_eq!(ended.code, code, "{}", ended.stderr);
    assert!(ended.at - sent < Duration::from_millis(2500), "{:?}", ended.at - sent);
    if let Some(stopped) = ended.records().last() {
        assert_eq!(
            (&stopped["type"], &stopped["reason"], &stopped["exitCode"]),
            (&json!("stopped"), &json!("signal"), &json!(code)),
            "{stopped}"
        );
    }
    ended
}

#[test]
fn a_signal_while_connected_closes_with_1000() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let service = Service::start();
        let mut wps = listener(&service, &[]).start();
        let mut peer = service.connect();
        peer.say(1, "x");
        wps.skip_to("group-message");
        let server = std::thread::spawn(move || {
            let closed = peer.attend(Instant::now() + PATIENCE);
            (closed, peer.acknowledged)
        });
        let sent = Instant::now();
        let ended = end_by(wps, signal, code);
        assert!(ended.at - sent < Duration::from_millis(1000), "the service has answered at once");
        let (closed, acknowledged) = server.join().unwrap();
        assert_eq!(closed, FromClient::Close(1000));
        assert_eq!(acknowledged, 1, "what was printed is not kept for nobody");
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn a_service_that_does_not_answer_the_close_is_left_after_two_seconds() {
    let service = Service::start();
    let mut wps = listener(&service, &[]).start();
    let mut peer = service.connect();
    wps.expect("connected");
    let sent = Instant::now();
    let ended = end_by(wps, Signal::INT, 130);
    assert!(ended.at - sent > Duration::from_millis(1700), "{:?}", ended.at - sent);
    assert_eq!(peer.next(), FromClient::Close(1000));
}

#[test]
fn a_second_signal_ends_at_once() {
    let service = Service::start();
    let mut wps = listener(&service, &[]).start();
    let mut peer = service.connect();
    wps.expect("connected");
    wps.signal(Signal::INT);
    // It closes, and waits for the answer.
    assert_eq!(peer.next_without_answer(), FromClient::Close(1000));
    let second = Instant::now();
    wps.signal(Signal::INT);
    let ended = wps.end();
    assert_eq!(ended.code, 130);
    assert!(ended.at - second < Duration::from_millis(1000), "{:?}", ended.at - second);
}

#[test]
fn a_signal_after_a_failure_does_not_hide_it() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "-o", "ndjson", "--url", &service.url()]).start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.nack(&frame["ackId"], "Forbidden", "no");
    assert_eq!(peer.next_without_answer(), FromClient::Close(1000));
    // It has failed, and waits for the service to answer the close.
    let sent = Instant::now();
    wps.signal(Signal::INT);
    let ended = wps.end();
    assert_eq!(ended.code, 8);
    ended.assert_stderr(&["error: the service refused to send to `g`"]);
    assert_eq!(ended.records().last().map(|last| &last["type"]), Some(&"stopped".into()));
    assert!(ended.at - sent < Duration::from_millis(1000), "{:?}", ended.at - sent);
}

#[test]
fn a_signal_during_a_hanging_dial_ends_it() {
    let service = Service::start();
    let wps = listener(&service, &[]).start();
    let call = service.accept();
    assert!(call.request_has_come());
    end_by(wps, Signal::INT, 130);
    call.read_to_end();
    service.assert_no_more_calls();
}

#[test]
fn a_signal_while_connected_is_awaited_closes_the_socket() {
    let service = Service::start();
    let wps = listener(&service, &[]).start();
    let mut peer = service.request().upgrade();
    // The ping of the WebSocket shows that the client is there and waits.
    peer.await_pong();
    let server = std::thread::spawn(move || peer.attend(Instant::now() + PATIENCE));
    end_by(wps, Signal::INT, 130);
    assert_eq!(server.join().unwrap(), FromClient::Close(1000));
}

#[test]
fn a_signal_during_a_recovery_ends_it() {
    // The recovery hangs in the handshake.
    let service = Service::start();
    let mut wps = listener(&service, &[]).start();
    let mut peer = service.connect();
    peer.say(1, "x");
    wps.skip_to("group-message");
    peer.reset();
    let call = service.accept();
    assert!(call.request_has_come());
    wps.expect("recovering");
    let ended = end_by(wps, Signal::INT, 130);
    assert_eq!(kinds(&ended.records()), ["connected", "group-message", "recovering", "stopped"]);
    call.read_to_end();
    service.assert_no_more_calls();

    // The socket is open and has not proved itself: it is closed.
    let mut wps = listener(&service, &[]).start();
    let mut peer = service.connect();
    peer.say(1, "x");
    wps.skip_to("group-message");
    peer.reset();
    let mut peer = service.recovery();
    assert_eq!(peer.next(), FromClient::Frame(json!({"type": "ping"})));
    let server = std::thread::spawn(move || peer.attend(Instant::now() + PATIENCE));
    end_by(wps, Signal::INT, 130);
    assert_eq!(server.join().unwrap(), FromClient::Close(1000));

    // Between two attempts.
    let mut wps = listener(&service, &[]).start();
    let mut peer = service.connect();
    peer.say(1, "x");
    wps.skip_to("group-message");
    peer.reset();
    service.request().refuse("503 Service Unavailable", &[], "");
    wps.err_line("could not recover yet");
    end_by(wps, Signal::INT, 130);
    service.assert_no_more_calls();
}

#[test]
fn a_signal_during_a_back_off_ends_it() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let service = Service::start();
        let mut wps = listener(&service, &["--reconnect-delay", "30s"]).start();
        service.request().refuse("503 Service Unavailable", &[], "");
        wps.expect("reconnecting");
        let sent = Instant::now();
        let ended = end_by(wps, signal, code);
        assert!(ended.at - sent < Duration::from_millis(1000), "there is nothing to wait for");
        service.assert_no_more_calls();
    }
}

#[test]
fn a_signal_while_an_ack_is_awaited_ends_a_send() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "-o", "ndjson", "--url", &service.url()]).start();
    let mut peer = service.connect();
    peer.operation();
    let server = std::thread::spawn(move || peer.attend(Instant::now() + PATIENCE));
    let ended = end_by(wps, Signal::INT, 130);
    assert_eq!(server.join().unwrap(), FromClient::Close(1000));
    assert_eq!(ended.records().last().unwrap()["failed"], 1);
}

/// More than a pipe holds.
fn fill_the_pipe(peer: &mut Peer) {
    for id in 1..=500 {
        peer.say(id, &"x".repeat(2000));
    }
}

#[test]
fn a_signal_ends_a_run_whose_output_nobody_reads() {
    // The service answers the close, or it does not, or the answer lies behind what is not read any more.
    for (answers, messages) in [(true, 500), (false, 500), (true, 15_000)] {
        let service = Service::start();
        let wps = listener(&service, &[]).start();
        let mut peer = service.connect();
        let mut frames = (1..=messages).map(|id| message(id, &"x".repeat(2000)).to_string());
        peer.send_until_blocked(&mut frames, Duration::from_millis(300));
        peer.attend_ack(500);
        let sent = Instant::now();
        wps.signal(Signal::INT);
        let server = std::thread::spawn(move || {
            if answers {
                peer.attend(Instant::now() + PATIENCE);
            }
            peer
        });
        let (code, at) = wps.end_unread();
        drop(server.join().unwrap());
        assert_eq!(code, 130);
        assert!(at - sent < Duration::from_millis(2700), "answers: {answers}, {messages}: {:?}", at - sent);
    }
}

#[test]
fn a_signal_while_the_last_of_the_output_is_written_is_130_too() {
    let service = Service::start();
    let wps = listener(&service, &["--count", "500"]).start();
    let mut peer = service.connect();
    fill_the_pipe(&mut peer);
    peer.see_off();
    // It has all that it wanted, and nobody takes it.
    wps.signal(Signal::INT);
    assert_eq!(wps.end_unread().0, 130, "what was received did not arrive");
}

#[test]
fn a_signal_while_the_last_of_the_output_is_written_leaves_whole_lines() {
    let service = Service::start();
    let wps = listener(&service, &["--count", "500"]).start();
    let mut peer = service.connect();
    fill_the_pipe(&mut peer);
    peer.see_off();
    wps.signal(Signal::TERM);
    // And now somebody takes it.
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(records.iter().filter(|record| record["type"] == "group-message").count(), 500);
    assert_eq!(records.last().unwrap()["exitCode"], 0, "it had all that it wanted, and it was written");
    assert_eq!(ended.code, 0);
}

#[test]
fn timeout_holds_while_the_last_of_the_output_is_written() {
    let service = Service::start();
    let wps = listener(&service, &["--count", "500", "--timeout", "1s"]).start();
    let started = wps.started;
    let mut peer = service.connect();
    fill_the_pipe(&mut peer);
    peer.see_off();
    let (code, at) = wps.end_unread();
    assert_eq!(code, 124);
    // Two seconds more are a reader's to take whole lines.
    assert!(at - started < Duration::from_millis(4000), "{:?}", at - started);
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_is_ignored_at_the_start_stays_ignored() {
    for (name, signal) in [("INT", Signal::INT), ("HUP", Signal::HUP), ("TERM", Signal::TERM)] {
        let service = Service::start();
        let script = format!("trap '' {name}; exec \"$WPS\" listen -o ndjson --count 1 --url \"$URL\"");
        let mut wps = Setup::shell(&script).env("URL", service.url()).start();
        let mut peer = service.connect();
        wps.expect("connected");
        wps.signal(signal);
        // It goes on as if nothing had been.
        assert_eq!(peer.attend(Instant::now() + Duration::from_millis(200)), FromClient::Silence, "{name}");
        peer.say(1, "x");
        peer.see_off();
        assert_eq!(wps.end().code, 0, "{name}");
    }
}

#[test]
fn timeout_ends_any_run_with_124() {
    let service = Service::start();
    let wps = listener(&service, &["--timeout", "700ms"]).start();
    let started = wps.started;
    let mut peer = service.connect();
    assert_eq!(peer.attend(Instant::now() + PATIENCE), FromClient::Close(1000));
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "stopped"]);
    assert_eq!((&records[1]["reason"], &records[1]["exitCode"]), (&json!("timeout"), &json!(124)));
    assert_eq!((ended.code, ended.stderr.as_str()), (124, "error: timed out after 700 ms (`--timeout`)\n"));
    let took = ended.at - started;
    assert!(took > Duration::from_millis(650) && took < Duration::from_millis(1700), "{took:?}");
}

#[test]
fn timeout_without_a_connection_tells_the_last_failure() {
    let port = ClosedPort::reserve();
    let url = format!("ws://127.0.0.1:{}/client/hubs/hub1?access_token=x", port.port());
    let ended = wps(["listen", "-o", "ndjson", "--url", &url, "--timeout", "500ms", "--reconnect-delay", "60s"]).run();
    assert_eq!(ended.code, 124);
    ended.assert_stderr(&["error: timed out after 500 ms (`--timeout`) without a connection\n", "connection refused"]);
    let records = ended.records();
    let stopped = records.last().unwrap();
    assert_eq!(stopped["exitCode"], 124);
    let message = stopped["error"]["message"].as_str().unwrap();
    assert!(message.contains("connection refused"), "{stopped}");
}

#[test]
fn timeout_during_a_hanging_dial_ends_in_time() {
    let service = Service::start();
    let wps = listener(&service, &["--timeout", "500ms"]).start();
    let started = wps.started;
    let call = service.accept();
    call.read_to_end();
    let ended = wps.end();
    assert_eq!(ended.code, 124, "{}", ended.stderr);
    assert!(ended.at - started < Duration::from_millis(1500));
    ended.assert_stderr(&["error: timed out after 500 ms (`--timeout`)"]);
}

#[test]
fn timeout_while_an_ack_is_awaited_is_124_too() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "--url", &service.url(), "--timeout", "500ms"]).start();
    let mut peer = service.connect();
    peer.operation();
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (124, ""));
    ended.assert_stderr(&["error: timed out after 500 ms (`--timeout`)"]);
}

#[test]
fn count_ends_after_exactly_so_many_messages() {
    let service = Service::start();
    let wps = listener(&service, &["--count", "3"]).start();
    let mut peer = service.connect();
    for id in 1..=5 {
        peer.say(id, "x");
    }
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(kinds(&records), ["connected", "group-message", "group-message", "group-message", "stopped"]);
    assert_eq!((&records[4]["reason"], &records[4]["received"]), (&json!("count"), &json!(3)), "{}", records[4]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn for_ends_after_a_time_that_runs_from_the_start() {
    let service = Service::start();
    let wps = listener(&service, &["--for", "600ms"]).start();
    let started = wps.started;
    service.connect().see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.records().last().unwrap()["reason"], "for");
    let took = ended.at - started;
    assert!(took > Duration::from_millis(550) && took < Duration::from_millis(1600), "{took:?}");
}

#[test]
fn a_time_that_is_up_without_a_connection_or_a_membership_is_no_success() {
    let closed = ClosedPort::reserve();
    let closed = format!("ws://localhost:{}/client/hubs/h", closed.port());
    for flags in [&["listen", "--for"][..], &["listen", "-g", "g", "--idle-timeout"], &["state", "watch", "g", "--for"]]
    {
        let ended = wps(flags).args(["300ms", "-o", "ndjson", "--reconnect-delay", "10s", "--url", &closed]).run();
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        for part in ["error: there was no connection before `--", "` ended the run\ncaused by: could not connect"] {
            assert!(ended.stderr.contains(part), "{}", ended.stderr);
        }
        let stopped = ended.records().pop().unwrap();
        assert_eq!((&stopped["reason"], &stopped["exitCode"]), (&json!("failed"), &json!(4)), "{stopped}");
    }
    for (command, lacks) in [
        (&["listen", "-g", "g"][..], "not every group was joined"),
        (&["state", "watch", "g"], "the states in `g` were not received"),
    ] {
        let service = Service::start();
        let run = wps(command).args(["--for", "400ms", "-o", "ndjson", "--url", &service.url()]).start();
        let mut peer = service.connect();
        // It is asked, and does not answer.
        assert_eq!(peer.operation()["type"], "joinGroup");
        peer.see_off();
        let ended = run.end();
        assert_eq!(ended.code, 9, "{}", ended.stderr);
        assert_eq!(ended.stderr, format!("error: {lacks} before `--for` ended the run\n"));
    }
}

#[test]
fn idle_timeout_runs_from_the_last_message() {
    let service = Service::start();
    let mut wps = listener(&service, &["--idle-timeout", "700ms"]).start();
    let mut peer = service.connect();
    wps.expect("connected");
    // Half of it goes by without a message, which sets it back.
    assert_eq!(peer.attend(Instant::now() + Duration::from_millis(350)), FromClient::Silence);
    peer.say(1, "x");
    let last = Instant::now();
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.records().last().unwrap()["reason"], "idle-timeout");
    let took = ended.at - last;
    assert!(took > Duration::from_millis(650) && took < Duration::from_millis(1700), "{took:?}");
}

#[test]
fn the_last_record_counts_what_was_done() {
    let service = Service::start();
    let wps = listener(&service, &["-g", "a", "-g", "b", "--count", "2"]).start();
    let mut peer = service.connect_and_join(&["a", "b"]);
    peer.say(1, "x");
    peer.say(2, "x");
    peer.see_off();
    let ended = wps.end();
    let stopped: &Value = &ended.records().pop().unwrap();
    assert_eq!(
        (&stopped["received"], &stopped["sent"], &stopped["acked"], &stopped["failed"]),
        (&json!(2), &json!(2), &json!(2), &json!(0)),
        "{stopped}"
    );
}
