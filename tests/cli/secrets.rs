//! Neither the token nor the reconnection token is ever printed, however much is asked for and whatever the service says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::token::SIGNATURE;
use crate::support::{Ended, Service, Setup, wps};

/// A reconnection token as Microsoft's emulator makes them: of the shape of a JWT.
const JWT_SHAPED: &str = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJjMSJ9.cmVjb25uZWN0aW9uLXNlY3JldA";
/// One of no particular shape.
const OPAQUE: &str = "reconnection+secret/7f9d==";

/// What must not be found anywhere.
fn secrets(service: &Service) -> Vec<String> {
    let payload = service.token.split('.').nth(1).unwrap();
    let encoded = OPAQUE.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    [service.token.as_str(), SIGNATURE, payload, JWT_SHAPED, "cmVjb25uZWN0aW9uLXNlY3JldA", OPAQUE, encoded.as_str()]
        .iter()
        // As it is, and as a library would dump it.
        .flat_map(|secret| [(*secret).to_owned(), secret.bytes().map(|byte| format!("{byte:02x}")).collect()])
        .collect()
}

#[track_caller]
fn assert_silent(service: &Service, ended: &Ended) {
    for secret in secrets(service) {
        for (stream, text) in [("stdout", ended.text()), ("stderr", &ended.stderr)] {
            let line = text.lines().find(|line| line.contains(&secret));
            assert!(line.is_none(), "`{secret}` is in {stream}: {}", line.unwrap_or_default());
        }
    }
}

/// A whole life: connect, join, message, drop, recovery with a new token, refusal, fresh connection. One of the attempts
/// to recover fails, where a second is to be spent on that.
fn life(service: &Service, setup: Setup, reconnection_token: &str, failing: bool) -> Ended {
    let mut wps = setup.start();
    let request = service.request();
    let mut peer = request.upgrade();
    peer.greet("c1", reconnection_token);
    peer.grant_join("g");
    peer.say(1, "first");
    wps.line();
    peer.attend_ack(1);
    peer.reset();
    let request = service.request();
    assert_eq!(request.query("awps_reconnection_token"), Some(reconnection_token));
    let mut peer = request.upgrade();
    peer.greet("c1", &format!("{reconnection_token}.{reconnection_token}"));
    peer.say(2, "second");
    peer.attend_ack(2);
    peer.close(1001, "Service reload");
    if failing {
        service.request().refuse("502 Bad Gateway", &[], "");
    }
    service.request().upgrade().close(1008, "The connection could not be recovered.");
    let mut peer = service.request().upgrade();
    peer.greet("c2", reconnection_token);
    peer.grant_join("g");
    peer.say(1, "third");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended
}

#[test]
fn a_whole_life_at_full_volume_shows_no_token() {
    for token in [JWT_SHAPED, OPAQUE] {
        for format in ["ndjson", "text", "raw"] {
            let service = Service::start();
            let setup = wps(["listen", "-vvv", "-g", "g", "-o", format, "--count", "3", "--reconnect-delay", "10ms"])
                .args(["--url", &service.url()]);
            let ended = life(&service, setup, token, format == "ndjson");
            assert_silent(&service, &ended);
            assert!(ended.stderr.contains("[redacted]"), "frames are shown, without the token: {}", ended.stderr);
        }
    }
}

#[test]
fn the_logs_of_libraries_show_no_token_either() {
    for filter in ["trace", "debug"] {
        let service = Service::start();
        let setup = wps(["listen", "-g", "g", "--reconnect-delay", "10ms", "--count", "3", "-o", "data", "--url"])
            .arg(service.url())
            .env("WPS_LOG", filter);
        let ended = life(&service, setup, OPAQUE, true);
        assert_silent(&service, &ended);
        assert!(!ended.stderr.is_empty());
    }
}

#[test]
fn azure_log_level_is_the_same_as_vv() {
    let service = Service::start();
    let wps = wps(["send", "g", "x", "--url", &service.url()]).env("AZURE_LOG_LEVEL", "verbose").start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, ""));
    ended.assert_stderr(&["← {", "\"connected\"", "→ {\"type\":\"sendToGroup\"", "← {", "\"ack\""]);
    assert_silent(&service, &ended);
}

#[test]
fn a_refusal_that_repeats_the_token_is_redacted() {
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "503 Service Unavailable", "200 OK"] {
        let service = Service::start();
        let wps = wps(["listen", "-vvv", "-o", "ndjson", "--reconnect-retries", "0", "--url", &service.url()]).start();
        let token = &service.token;
        let location = format!("https://elsewhere.example/?access_token={token}");
        service.request().refuse(
            status,
            &[("x-ms-error-code", token), ("location", &location), ("www-authenticate", token)],
            &format!("the token {token} is bad, access_token={token}, {{\"access_token\":\"{token}\"}}"),
        );
        let ended = wps.end();
        assert!(ended.stderr.contains("the token [redacted] is bad"), "{}", ended.stderr);
        assert_silent(&service, &ended);
    }
}

#[test]
fn a_redirect_that_repeats_the_token_is_redacted() {
    let service = Service::start();
    let wps = wps(["listen", "-vvv", "--url", &service.url()]).start();
    let location = format!("https://elsewhere.example/client/hubs/hub1?access_token={}", service.token);
    service.request().refuse("302 Found", &[("location", &location)], "");
    let ended = wps.end();
    ended.assert_failed(6, &["elsewhere.example/client/hubs/hub1?…"]);
    assert_silent(&service, &ended);
}

#[test]
fn farewells_that_repeat_a_token_are_redacted() {
    for format in ["ndjson", "text", "raw"] {
        let service = Service::start();
        let ended = farewell(&service, &["-v", "-o", format], JWT_SHAPED);
        ended.assert_stderr(&["is revoked", "revoked: [redacted]"]);
        assert_silent(&service, &ended);
    }
}

#[test]
fn the_log_of_farewells_that_repeat_a_token_is_redacted() {
    for verbosity in ["-vv", "-vvv"] {
        let service = Service::start();
        let ended = farewell(&service, &[verbosity], JWT_SHAPED);
        ended.assert_stderr(&["← {", "is revoked"]);
        assert_silent(&service, &ended);
    }
}

/// A listener that is sent away with words in which both tokens are.
fn farewell(service: &Service, more: &[&str], token: &str) -> Ended {
    let wps = wps(["listen", "--reconnect-retries", "0", "--url", &service.url()]).args(more).start();
    let mut peer = service.request().upgrade();
    peer.greet("c1", token);
    peer.send(&json!({"type": "system", "event": "disconnected",
        "message": format!("{token} of {} is revoked", service.token)}));
    peer.close(1008, &format!("revoked: {token}"));
    let ended = wps.end();
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    ended
}

/// The service's own words about a token of no particular shape: nothing but the knowledge of it gives it away.
#[test]
fn farewells_that_repeat_an_opaque_token_are_redacted() {
    for format in ["ndjson", "text"] {
        let service = Service::start();
        let ended = farewell(&service, &["-o", format], OPAQUE);
        assert_silent(&service, &ended);
    }
}

#[test]
fn a_nack_that_repeats_the_token_is_redacted() {
    for format in ["ndjson", "text", "raw"] {
        let service = Service::start();
        let wps = wps(["send", "g", "x", "-o", format, "--url", &service.url()]).start();
        let mut peer = service.connect();
        let frame = peer.operation();
        peer.nack(&frame["ackId"], "Forbidden", &format!("not with {}", service.token));
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 8);
        ended.assert_stderr(&["not with [redacted]"]);
        assert_silent(&service, &ended);
    }
}

#[test]
fn failures_to_connect_name_no_token() {
    for url in [
        "ws://nonexistent.invalid/client/hubs/hub1?access_token=TOKEN",
        "ws://127.0.0.1:1/client/hubs/hub1?access_token=TOKEN",
        "ws://127.0.0.1:1/nowhere?access_token=TOKEN",
        "ftp://127.0.0.1/client/hubs/hub1?access_token=TOKEN",
        "ws://127.0.0.1:99999/client/hubs/hub1?access_token=TOKEN",
        "ws://user:TOKEN@127.0.0.1:1/client/hubs/hub1?access_token=TOKEN",
        "access_token=TOKEN",
        "TOKEN",
    ] {
        let service = Service::start();
        let url = url.replace("TOKEN", &service.token);
        for given in [wps(["listen", "-vvv", "--url", &url]), wps(["listen", "-vvv"]).env("WPS_URL", &url)] {
            let ended = given.args(["--reconnect-retries", "0"]).run();
            assert!([3, 4].contains(&ended.code), "{}: {}", ended.code, ended.stderr);
            assert_silent(&service, &ended);
        }
    }
}

#[test]
fn an_access_key_is_never_shown() {
    let service = Service::start();
    let key = "QUNDRVNTS0VZU0VDUkVU";
    let connection_string = format!("Endpoint=http://127.0.0.1:{};AccessKey={key};Version=1.0;", service.port());
    let wps = wps(["listen", "-vvv", "--hub", "hub1", "--connection-string", &connection_string]).start();
    let request = service.request();
    let token = request.query("access_token").unwrap().to_owned();
    request.refuse("401 Unauthorized", &[], &format!("AccessKey={key} and {token}"));
    let ended = wps.end();
    assert_eq!(ended.code, 5);
    for secret in [key, &token, token.rsplit('.').next().unwrap()] {
        assert!(!ended.stderr.contains(secret), "{secret}: {}", ended.stderr);
    }
}

/// What is not in `ended`, nor the beginning of it.
#[track_caller]
fn assert_without(ended: &Ended, secret: &str) {
    for (stream, text) in [("stdout", ended.text()), ("stderr", &ended.stderr)] {
        let line = text.lines().find(|line| line.contains(&secret[..8]));
        assert!(line.is_none(), "`{secret}` or its beginning is in {stream}: {}", line.unwrap_or_default());
    }
}

/// Secrets that were never heard of, in frames of the service that are not known.
#[test]
fn a_frame_of_the_service_is_shown_without_what_sounds_like_a_secret() {
    let secret = "walnut-0123456789";
    // Where a line of a person is cut lies within the second one.
    let frame = format!(
        "{{\"type\":\"system\",\"event\":\"renewed\",\"clientSecret\":[\"{secret}\"],\"refresh\":\"{secret}\",\
         \"code\":\"{secret}\",\"data\":{{\"connectionString\":\"{secret}\"}},\"filler\":\"{}\",\
         \"uri\":\"wss://h/?access_token={secret}\",\"token\":\"{secret}\"}}",
        "x".repeat(12)
    );
    for (format, verbosity) in [("ndjson", "-vv"), ("text", "-vv"), ("raw", "-vvv"), ("data", "-q")] {
        let service = Service::start();
        let directory = tempfile::tempdir().unwrap();
        let recorded = directory.path().join("recorded");
        let wps = wps(["listen", verbosity, "-o", format, "--count", "1", "--url", &service.url(), "--record"]);
        let wps = wps.arg(&recorded).start();
        let mut peer = service.connect();
        peer.send_text(&frame);
        peer.send_raw(&binary_frame(frame.as_bytes()));
        peer.say(1, "done");
        peer.see_off();
        let ended = wps.end();
        let recorded = std::fs::read_to_string(recorded).unwrap();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_without(&ended, secret);
        assert!(!recorded.contains(&secret[..8]), "{recorded}");
        assert!(recorded.contains("renewed") && (format == "data" || ended.stderr.contains("renewed")));
        for text in [ended.text(), &recorded] {
            for encoded in text.lines().filter_map(|line| line.split_once("frameBase64\":\"")) {
                let bytes = STANDARD.decode(encoded.1.split_once('"').unwrap().0).unwrap();
                assert!(!String::from_utf8(bytes).unwrap().contains(secret), "{text}");
            }
        }
    }
}

/// A binary frame from the server, of less than 64 KiB.
fn binary_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x82, 126];
    frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame
}

#[test]
fn what_was_cut_on_the_way_here_shows_no_half_of_a_secret() {
    // A refusal's body is read to 64 KiB.
    let service = Service::start();
    let wps_ = wps(["listen", "-vvv", "--reconnect-retries", "0", "--url", &service.url()]).start();
    let body = format!("{}{}", "x ".repeat(32 * 1024 - 10), service.token);
    service.request().refuse("403 Forbidden", &[], &body);
    let ended = wps_.end();
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("x x x [redacted] […]"), "{}", ended.stderr);
    assert_without(&ended, &service.token);
    // A close frame has room for 123 bytes.
    let secret = "walnut.0123456789.abcdefghijklmnopqrstuvwxyz/ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for kept in [10, 40] {
        let service = Service::start();
        let wps = wps(["listen", "-vv", "--reconnect-retries", "0", "--url", &service.url()]).start();
        let mut peer = service.request().upgrade();
        peer.greet("c1", secret);
        peer.close(1008, &format!("{} {}", "revoked".repeat(10), &secret[..kept]));
        let ended = wps.end();
        ended.assert_stderr(&["revokedrevoked [redacted]"]);
        assert_without(&ended, secret);
    }
}

#[test]
fn headers_that_sound_like_a_secret_are_not_shown_and_neither_is_who_repeats_them() {
    for name in ["X-Pass", "X-Jwt", "X-Access", "X-Api-Key", "X-Client-Sig", "X-Code", "X-Connection-String"] {
        let secret = "walnut-0123456789";
        let service = Service::start();
        let wps = wps(["listen", "-vvv", "--reconnect-retries", "0", "--url", &service.url()])
            .args(["--header", &format!("{name}: {secret}")])
            .start();
        let request = service.request();
        assert_eq!(request.header(&name.to_lowercase()), Some(secret));
        request.refuse("403 Forbidden", &[(name, secret)], &format!("not with {secret}, nor with {}…", &secret[..13]));
        let ended = wps.end();
        assert_eq!(ended.code, 5, "{}", ended.stderr);
        ended.assert_stderr(&["not with [redacted], nor with [redacted]…"]);
        assert_without(&ended, secret);
    }
}

/// A frame that is made to take long: every third byte is the beginning of what might be a token.
#[test]
fn a_long_frame_of_beginnings_of_tokens_holds_nothing_up() {
    for format in ["ndjson", "raw"] {
        let service = Service::start();
        let wps = wps(["listen", "-vv", "-o", format, "--count", "1", "--url", &service.url()]).start();
        let mut peer = service.connect();
        peer.send_text(&format!("{{\"type\":\"{}\"}}", "eyJ".repeat(200_000)));
        peer.send_text(&format!("{{\"type\":\"pong\",\"a\":\"{}\"}}", "access_token=".repeat(50_000)));
        peer.say(1, "done");
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 0, "{}", &ended.stderr[..2000]);
    }
}

#[test]
fn data_is_never_altered_even_where_it_looks_like_a_secret() {
    let text = format!("access_token=abc.def.ghi {JWT_SHAPED} Bearer abcdefghijklmnop");
    for format in ["ndjson", "text", "data", "raw"] {
        let service = Service::start();
        let wps = wps(["listen", "-vvv", "-o", format, "--count", "1", "--url", &service.url()]).start();
        let mut peer = service.connect();
        peer.say(1, &text);
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 0);
        assert!(ended.text().contains(&text), "{format}: {}", ended.text());
        assert!(ended.stderr.contains(&text), "the log of frames: {}", ended.stderr);
    }
}

/// Everything that the service may say in words, and that ends on stderr.
#[test]
fn what_the_service_says_is_cut_on_stderr_and_its_length_is_told() {
    let long = format!("{} access_token=walnut-0123456789", "x".repeat(300_000));
    let size = long.len();
    for more in [&[][..], &["-o", "ndjson"], &["-v"]] {
        let service = Service::start();
        let wps = wps(["send", "g", "x", "--url", &service.url()]).args(more).start();
        let mut peer = service.connect();
        let frame = peer.operation();
        peer.nack(&frame["ackId"], &long, &long);
        peer.see_off();
        let ended = wps.end();
        assert_eq!(ended.code, 8, "{}", &ended.stderr[..1000]);
        ended.assert_stderr(&["refused to send to `g`", &format!("x… ({size} bytes)`: xxx")]);
        assert!(ended.stderr.len() < 10_000, "{} bytes", ended.stderr.len());
        assert_without(&ended, "walnut-0123456789");
    }
    let service = Service::start();
    let wps = wps(["listen", "-v", "-g", "g", "--reconnect-retries", "0", "--url", &service.url()]).start();
    let mut peer = service.request().upgrade();
    peer.send(&json!({"type": "system", "event": "connected", "userId": long, "connectionId": long}));
    let frame = peer.operation();
    peer.nack(&frame["ackId"], "Forbidden", &long);
    peer.send(&json!({"type": "system", "event": "disconnected", "message": long}));
    peer.close(1008, "");
    let ended = wps.end();
    assert!(ended.stderr.len() < 40_000, "{} bytes", ended.stderr.len());
    assert_without(&ended, "walnut-0123456789");
}

#[test]
fn the_example_of_a_hint_is_no_secret() {
    let service = Service::start();
    let wps = wps(["listen", "--reconnect-retries", "0", "--url", &service.url()]).start();
    service.request().refuse("407 Proxy Authentication Required", &[], "");
    wps.end().assert_stderr(&["hint: a proxy on the way wants credentials: `--proxy http://USER:PASSWORD@HOST:PORT`"]);
}
