//! What a developer's machine must not suffer from an emulator: web pages of strangers, bodies without a token, peers
//! that never read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use crate::support::emulator::Emulator;
use crate::support::{PATIENCE, wps};

/// The emulator's published key.
const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const PONG: &[u8] = br#"{"type":"pong"}"#;
const EVIL: &str = "Origin: https://evil.example\r\n";

/// A token of anybody who knows the key, for this URL.
fn token(key: &str, audience: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = format!(r#"{{"aud":"{audience}","exp":4102444800}}"#);
    let message = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

impl Emulator {
    fn socket(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A WebSocket as a browser opens it; the status of the answer, all that came of it, and the socket.
    fn upgrade(&self, host: &str, headers: &str, key: &str) -> (u16, String, TcpStream) {
        let token = token(key, &format!("http://{host}/client/hubs/hub1"));
        let mut stream = self.socket();
        let request = format!(
            "GET /client/hubs/hub1?access_token={token} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\
             Sec-WebSocket-Protocol: json.webpubsub.azure.v1\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let mut answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 101 {
            let length = answer.to_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            answer.push_str(&String::from_utf8(body).unwrap());
        }
        (status, answer, stream)
    }

    /// A message to everybody, over REST.
    fn rest(&self, host: &str, headers: &str, key: &str) -> (u16, serde_json::Value) {
        let path = "/api/hubs/hub1/:send";
        let bearer = token(key, &format!("http://{host}{path}"));
        let headers = format!("Host: {host}\r\nAuthorization: Bearer {bearer}\r\n{headers}");
        let answer = self.request("POST", path, &headers, "hello");
        (answer.status, answer.body)
    }

    fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }
}

#[cfg(target_os = "linux")]
fn memory(id: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_page_of_another_site_neither_joins_nor_publishes_with_the_published_key() {
    let emulator = Emulator::start(&[]);
    let host = emulator.host();
    let (status, answer, _) = emulator.upgrade(&host, EVIL, KEY);
    assert_eq!(status, 403, "{answer}");
    assert!(answer.contains("`--allow-origin https://evil.example`") && answer.contains("`--access-key`"), "{answer}");
    let (status, answer) = emulator.rest(&host, EVIL, KEY);
    assert_eq!((status, &answer["code"]), (403, &"Error.Forbidden".into()), "{answer}");
    assert_eq!(emulator.upgrade(&host, "Origin: null\r\n", KEY).0, 403);
    // Its name was made to lead here, so that its origin is the host that it asks.
    let rebound = format!("evil.example:{}", emulator.port);
    let (status, answer, _) = emulator.upgrade(&rebound, &format!("Origin: http://{rebound}\r\n"), KEY);
    assert!(status == 403 && answer.contains("`--advertise`"), "{answer}");
    assert_eq!(emulator.rest(&rebound, "", KEY).0, 403);
    assert_eq!(emulator.control("GET", "/emulator/connections", "").body["connections"], serde_json::json!([]));
}

#[test]
fn pages_of_the_developer_and_programs_go_on() {
    let emulator = Emulator::start(&[]);
    for (host, origin) in [
        (emulator.host(), "http://localhost:3000"),
        (format!("127.0.0.1:{}", emulator.port), "https://localhost:5173"),
        (emulator.host(), "http://[::1]:3000"),
        (format!("pubsub:{}", emulator.port), "http://app:3000"),
    ] {
        let origin = format!("Origin: {origin}\r\n");
        assert_eq!(emulator.upgrade(&host, &origin, KEY).0, 101, "{host} {origin}");
        assert_eq!(emulator.rest(&host, &origin, KEY).0, 202, "{host} {origin}");
    }
    assert_eq!(emulator.upgrade(&emulator.host(), "", KEY).0, 101);
    // It says nothing, also to a load balancer that has a name of its own for it.
    assert_eq!(emulator.request("GET", "/api/health", "Host: health.example\r\n", "").status, 200);
}

#[test]
fn an_origin_that_is_allowed_a_name_that_is_advertised_and_an_own_key_open_it() {
    let emulator = Emulator::start(&["--allow-origin", "https://Evil.example"]);
    assert_eq!(emulator.upgrade(&emulator.host(), EVIL, KEY).0, 101);
    assert_eq!(emulator.upgrade(&emulator.host(), "Origin: https://other.example\r\n", KEY).0, 403);
    let emulator = Emulator::start(&["--allow-origin", "*"]);
    assert_eq!(emulator.upgrade("evil.example", EVIL, KEY).0, 101);
    let emulator = Emulator::start(&["--access-key", "a-key-of-my-own"]);
    assert_eq!(emulator.upgrade("evil.example", EVIL, "a-key-of-my-own").0, 101);
    // A key that nobody has to show keeps nobody out.
    let emulator = Emulator::start(&["--access-key", "a-key-of-my-own", "--allow-anonymous"]);
    assert_eq!(emulator.upgrade("evil.example", EVIL, "a-key-of-my-own").0, 403);
    for (value, why) in
        [("evil.example", "not an origin"), ("https://evil.example/page", "no path"), ("ftp://", "not an origin")]
    {
        wps(["emulator", "--port", "0", "--allow-origin", value]).run().assert_failed(2, &[why, "https://app.example"]);
    }
}

#[test]
fn the_published_key_beyond_loopback_is_warned_about_first() {
    let warning = "the access key is published, so everybody who reaches this machine";
    let mut open = wps(["emulator", "--port", "0", "--bind", "0.0.0.0"]).start();
    open.err_line(warning);
    let mut own = wps(["emulator", "--port", "0", "--bind", "0.0.0.0", "--access-key", "a-key-of-my-own"]).start();
    own.line();
    own.signal(rustix::process::Signal::TERM);
    let ended = own.end();
    assert!(!ended.stderr.contains(warning), "{}", ended.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn bodies_without_a_token_are_not_kept() {
    const SIZE: usize = 900_000;
    let emulator = Emulator::start(&[]);
    let before = memory(emulator.running.id(), "VmHWM");
    let body = vec![b'x'; SIZE];
    let head = format!(
        "POST /api/hubs/hub1/:send HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        SIZE + 1
    );
    // All but the last byte, so that each is still awaited, or was refused.
    let sockets: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut socket = emulator.socket();
            socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(&body)).unwrap();
            socket
        })
        .collect();
    for mut socket in sockets {
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401");
    }
    let after = memory(emulator.running.id(), "VmHWM");
    assert!(after - before < 30 * 1024, "{before} KiB, then {after} KiB");
}

#[test]
fn a_refused_body_that_is_awaited_by_nobody_is_not_asked_for() {
    let emulator = Emulator::start(&[]);
    let mut socket = emulator.socket();
    let head =
        "POST /api/hubs/hub1/:send HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[test]
#[cfg(target_os = "linux")]
fn pongs_that_nobody_reads_cost_a_bounded_amount_of_memory() {
    let emulator = Emulator::start(&[]);
    let (status, _, mut socket) = emulator.upgrade(&emulator.host(), "", KEY);
    assert_eq!(status, 101);
    let before = memory(emulator.running.id(), "VmHWM");
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0], [b'x'; 125].as_slice()].concat();
    let many = ping.repeat(8000);
    for _ in 0..100 {
        socket.write_all(&many).unwrap();
    }
    let after = memory(emulator.running.id(), "VmHWM");
    assert!(after - before < 16 * 1024, "{before} KiB, then {after} KiB");
    // And it is still served: the pongs that were not read in time were left out.
    let request = br#"{"type":"ping"}"#;
    socket.write_all(&[&[0x81, 0x80 | 15, 0, 0, 0, 0], request.as_slice()].concat()).unwrap();
    let (mut seen, mut buffer) = (Vec::<u8>::new(), vec![0; 64 * 1024]);
    let began = Instant::now();
    while !seen.windows(15).any(|window| window == PONG) {
        assert!(began.elapsed() < PATIENCE);
        let read = socket.read(&mut buffer).unwrap();
        let keep = seen.len().saturating_sub(20);
        seen.drain(..keep);
        seen.extend(&buffer[..read]);
    }
}

#[test]
fn names_that_others_chose_forge_no_line_of_a_log() {
    let emulator = Emulator::start(&["--no-echo-events", "--event-handler", "http://127.0.0.1:1/,system-events="]);
    let forged = "x\n::error::\u{1b}[2Jforged";
    let local = emulator.local();
    let join =
        wps(["listen", "-v", "--user", forged, "-g", forged, "--count", "1", "--timeout", "20s", &local]).start();
    emulator_sees(&emulator, "/emulator/groups", "forged");
    let sent = wps(["send", "-v", "--user", forged, &local, forged, "done"]).run();
    let path = format!("/api/hubs/hub1/users/{}", "x%0A::error::%1B%5B2Jforged/:send");
    let bearer = token(KEY, &format!("http://{}{path}", emulator.host()));
    let headers = format!("Host: {}\r\nAuthorization: Bearer {bearer}\r\n", emulator.host());
    assert_eq!(emulator.request("POST", &path, &headers, "x").status, 202);
    let joined = join.end();
    emulator.running.signal(rustix::process::Signal::TERM);
    let served = emulator.running.end();
    for (who, stderr) in [("listen", &joined.stderr), ("send", &sent.stderr), ("emulator", &served.stderr)] {
        assert!(!stderr.contains('\u{1b}'), "{who}: {stderr}");
        assert!(!stderr.lines().any(|line| line.trim_start().starts_with("::")), "{who}: {stderr}");
    }
    assert!(served.stderr.contains(r"x\n::error::\u001b[2Jforged"), "{}", served.stderr);
}

fn emulator_sees(emulator: &Emulator, path: &str, part: &str) {
    let began = Instant::now();
    while !emulator.control("GET", path, "").body.to_string().contains(part) {
        assert!(began.elapsed() < PATIENCE, "{path} has no {part}");
    }
}

#[test]
fn an_access_key_that_no_connection_string_holds_is_refused_and_a_short_one_is_warned_about() {
    for (key, why) in [("a;b", "no `;`"), ("a b", "no blanks")] {
        wps(["emulator", "--port", "0", "--access-key", key])
            .run()
            .assert_failed(2, &["the access key in `--access-key` cannot be used: ", why]);
        for command in [&["emulator", "--port", "0"][..], &["webhook", "validate", "http://localhost/"]] {
            wps(command)
                .args(["--access-key", "@own.key"])
                .file("own.key", &format!("{key}\n"))
                .run()
                .assert_failed(3, &["the access key in `own.key`, named by `--access-key`, cannot be used: ", why]);
        }
    }
    let variable = wps(["emulator", "--port", "0"]).env("WPS_ACCESS_KEY", "a b").run();
    variable.assert_failed(2, &["the access key in `WPS_ACCESS_KEY` cannot be used: ", "no blanks"]);
    let mut short = wps(["emulator", "--port", "0", "--access-key", "abcde"]).start();
    short.err_line("the access key has 5 bytes");
}

#[test]
#[cfg(target_os = "linux")]
fn a_pipe_is_no_settings_file() {
    let setup = wps(["emulator", "--port", "0", "--settings", "pipe"]);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        setup.home().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    setup.run().assert_failed(3, &["`pipe`", "not a file"]);
}

#[test]
fn pages_of_strangers_get_neither_tunnels_nor_the_trace() {
    let emulator = Emulator::start(&[]);
    let host = emulator.host();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n";
    for path in ["/server/tunnel", "/livetrace"] {
        let ask = |host: &str, origin: &str| {
            let bearer = token(KEY, &format!("http://{host}{path}"));
            let headers = format!("Host: {host}\r\nAuthorization: Bearer {bearer}\r\n{upgrade}{origin}");
            // It is no GET, so that who is let in is told that.
            emulator.request("POST", path, &headers, "").status
        };
        let rebound = format!("evil.example:{}", emulator.port);
        for (host, origin) in
            [(&host, EVIL.to_owned()), (&host, "Origin: null\r\n".to_owned()), (&rebound, String::new())]
        {
            assert_eq!(ask(host, &origin), 403, "{path} {host} {origin}");
        }
        for origin in ["", "Origin: http://localhost:3000\r\n"] {
            assert_eq!(ask(&host, origin), 405, "{path} {origin}");
        }
    }
}

/// A peer of a tunnel, in hub `hub1`.
#[cfg(target_os = "linux")]
fn tunnel(emulator: &Emulator) -> TcpStream {
    let host = emulator.host();
    let token = token(KEY, &format!("http://{host}/server/tunnel"));
    let mut stream = emulator.socket();
    let request = format!(
        "GET /server/tunnel?hub=hub1&access_token={token} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// A binary frame of a client.
#[cfg(target_os = "linux")]
fn binary(payload: &[u8]) -> Vec<u8> {
    let length = u64::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0x82, 0x80 | 127], length.as_slice(), &[0; 4], payload].concat()
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_tunnel_asks_and_never_reads_costs_a_bounded_amount_of_memory() {
    use webpubsub_proto::tunnel::{TunnelFrame, TunnelRequest, encode_tunnel};

    const REQUESTS: usize = 40;
    const NAME: usize = 4 * 1024 * 1024;
    let emulator = Emulator::start(&["--event-handler", "tunnel:///,user-events=*"]);
    let mut tunnel = tunnel(&emulator);
    let before = memory(emulator.running.id(), "VmHWM");
    // The answer repeats it.
    let request = TunnelRequest {
        method: "HEAD".into(),
        url: "/api/hubs/hub1/users/nobody".into(),
        channel_name: "x".repeat(NAME),
        ..TunnelRequest::default()
    };
    let frame = binary(&encode_tunnel(&TunnelFrame::Request(request)));
    let mut writing = tunnel.try_clone().unwrap();
    let (written, progress) = mpsc::channel();
    let writer = std::thread::spawn(move || {
        for _ in 0..REQUESTS {
            writing.write_all(&frame).unwrap();
            let _ = written.send(());
        }
    });
    // As long as it is taken in; who is not read from any more can write nothing.
    while progress.recv_timeout(Duration::from_millis(1500)).is_ok() {}
    // When it reads, it gets all of the answers.
    let (mut read, mut buffer) = (0, vec![0; 1024 * 1024]);
    while read < REQUESTS * NAME {
        match tunnel.read(&mut buffer).unwrap() {
            0 => panic!("the end after {read} bytes"),
            bytes => read += bytes,
        }
    }
    writer.join().unwrap();
    let after = memory(emulator.running.id(), "VmHWM");
    assert!(after - before < 110 * 1024, "{before} KiB, then {after} KiB");
}
