//! Who is refused by `wps emulator`, on its stderr: once, until somebody gets in again.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::json;

use crate::support::emulator::Emulator;
use crate::support::webhook::Webhook;
use crate::support::{Ended, kinds, wps};

const OWN_KEY: &str = "0123456789abcdef0123456789abcdef";
const PUBLISHED_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

impl Emulator {
    /// Listens until it is connected, with this token.
    fn client(&self, token: &str) -> Ended {
        let url = format!("ws://localhost:{}/client/hubs/chat?access_token={token}", self.port);
        wps(["listen", "--url", &url, "--reconnect-retries", "0", "--until", ".type == \"connected\""]).run()
    }

    /// The exit code of a command of the data plane, with this key.
    fn service(&self, key: &str, command: &[&str]) -> i32 {
        let string = format!("Endpoint=http://localhost:{};AccessKey={key};Version=1.0;", self.port);
        wps(["service"]).args(command).args(["--retries", "0", "--connection-string", &string]).run().code
    }

    /// What it has said, a line for each who was refused, without times.
    fn said(self) -> Vec<String> {
        self.running.signal(rustix::process::Signal::TERM);
        let ended = self.running.end();
        assert_eq!(ended.code, 143, "{}", ended.stderr);
        assert_eq!(kinds(&ended.records()), ["listening", "stopped"]);
        ended.stderr.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }

    /// A client's token that expires at `exp`.
    fn token(&self, key: &str, exp: u64) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({"aud": format!("http://localhost:{}/client/hubs/chat", self.port), "exp": exp});
        let message = format!("{}.{}", part(json!({"alg": "HS256", "typ": "JWT"})), part(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// A token that is as it should be.
    fn good(&self) -> String {
        self.token(PUBLISHED_KEY, 4_102_444_800)
    }
}

#[test]
fn a_refused_client_is_said_once_for_each_reason_and_again_after_one_got_in() {
    let emulator = Emulator::quiet(&[]);
    let good = emulator.good();
    let expired = emulator.token(PUBLISHED_KEY, 1_000_000_000);
    let forged = emulator.token(OWN_KEY, 4_102_444_800);
    for _ in 0..3 {
        assert_eq!(emulator.client(&expired).code, 5);
        assert_eq!(emulator.client(&forged).code, 5);
    }
    assert_eq!(emulator.client(&good).code, 0);
    assert_eq!(emulator.client(&forged).code, 5);
    let said = emulator.said();
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(
        said[0].starts_with("WARN a client of hub `chat` was refused: 401: Unauthorized: the token expired at 2001-")
    );
    let wrong = "WARN a client of hub `chat` was refused: 401: Unauthorized: the token's signature is wrong: it was signed \
                 with another access key.";
    assert_eq!(&said[1..], [wrong, wrong]);
}

#[test]
fn a_client_that_a_handler_refuses_is_said_once_for_each_status() {
    let webhook = Webhook::start();
    let emulator = Emulator::quiet(&["--event-handler", &format!("{},user-events=", webhook.url("/"))]);
    let good = emulator.good();
    for (number, status) in ["401 No", "403 No", "400 No", "401 No"].into_iter().enumerate() {
        let url = format!("ws://localhost:{}/client/hubs/chat?access_token={good}", emulator.port);
        let client = wps(["listen", "--url", &url, "--reconnect-retries", "0"]).start();
        if number == 0 {
            webhook.agree();
        }
        webhook.expect("connect").answer(status, "", "members only");
        assert_ne!(client.end().code, 0);
    }
    let said = emulator.said();
    let line = |status: u16| {
        format!("WARN a client of hub `chat` was refused: {status}: the event handler of `connect` said so")
    };
    assert_eq!(said, [401, 403, 400].map(line));
}

#[test]
fn a_refused_rest_request_is_said_once_and_one_that_only_asks_what_there_is_is_not() {
    let emulator = Emulator::quiet(&[]);
    for _ in 0..3 {
        assert_eq!(emulator.service(OWN_KEY, &["send", "--all", "x", "--hub", "chat"]), 5);
        assert_eq!(emulator.service(PUBLISHED_KEY, &["exists", "--group", "g", "--hub", "chat"]), 12);
        assert_eq!(emulator.service(OWN_KEY, &["send", "--all", "x", "--hub", "chat"]), 5);
    }
    let said = emulator.said();
    let wrong = "WARN REST POST /api/hubs/chat/:send: 401: Unauthorized: the token's signature is wrong: it was signed \
                 with another access key.";
    // Each time one got in, and no more than that.
    assert_eq!(said, [wrong; 3]);
}

#[test]
fn a_client_at_the_wrong_path_is_said_and_a_refusal_that_was_asked_for_is_not() {
    let emulator = Emulator::quiet(&["--fault", "refuse=503,times=1"]);
    let good = emulator.good();
    assert_eq!(emulator.client(&good).code, 4);
    for _ in 0..2 {
        let mut stream = TcpStream::connect(("127.0.0.1", emulator.port)).unwrap();
        let request = "GET /chat?access_token=sesame HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\n\
                       Upgrade: websocket\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    let said = emulator.said();
    let line = "WARN a client asked for `/chat` and was refused: 404: There is nothing here. Clients connect to \
                /client/hubs/{hub}.";
    assert_eq!(said, [line]);
}

#[test]
fn a_page_that_asks_as_fast_as_it_can_does_not_flood_stderr() {
    let emulator = Emulator::quiet(&[]);
    let mut http = TcpStream::connect(("127.0.0.1", emulator.port)).unwrap();
    let requests: String = (0..2000)
        .map(|number| {
            format!("GET /client/hubs/chat HTTP/1.1\r\nHost: localhost\r\nOrigin: https://page{number}.example\r\n\r\n")
        })
        .collect();
    let mut answers = http.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut all = String::new();
        answers.read_to_string(&mut all).unwrap();
        all.matches("HTTP/1.1 403").count()
    });
    http.write_all(requests.as_bytes()).unwrap();
    http.shutdown(Shutdown::Write).unwrap();
    assert_eq!(reader.join().unwrap(), 2000);
    let said = emulator.said();
    // Twenty, and one more every ten seconds on a machine that is that slow.
    assert!((20..100).contains(&said.len()), "{} lines", said.len());
    assert!(said[0].contains("`https://page0.example`") && !said[0].contains("only -v"), "{}", said[0]);
    assert!(said[19].ends_with("So many are refused that only -v says each."), "{}", said[19]);
}
