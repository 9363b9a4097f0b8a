//! Servers that never stop saying what makes no message: signals and deadlines hold all the same.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use rustix::process::Signal;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::support::service::RELIABLE;
use crate::support::{Setup, wps};

const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const EMPTY_CONTINUATION: &[u8] = &[0x00, 0x00];
const PING: &[u8] = &[0x89, 0x04, b'b', b'e', b'a', b't'];

/// Agrees to the WebSocket and greets; then begins a message.
fn agree(head: &str) -> Vec<u8> {
    let header = |line: &str| line.to_lowercase().starts_with("sec-websocket-key: ");
    let key = head.lines().find(|line| header(line)).and_then(|line| line.split_once(": ")).unwrap().1;
    let connected = br#"{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t1"}"#;
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {RELIABLE}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
    .into_bytes();
    answer.extend([0x81, u8::try_from(connected.len()).unwrap()]);
    answer.extend(connected);
    answer.extend([0x01, 0x00]);
    answer
}

/// Answers the head of each request, and then says the same thing for ever. Returns its port; its threads end with the
/// tests.
fn flood(answer: fn(&str) -> Vec<u8>, endless: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read_exact(&mut byte).is_err() {
                        return;
                    }
                    head.push(byte[0]);
                }
                let much = endless.repeat(65_536 / endless.len());
                let mut written = stream.write_all(&answer(&String::from_utf8_lossy(&head)));
                while written.is_ok() {
                    written = stream.write_all(&much);
                }
            });
        }
    });
    port
}

fn listen(port: u16) -> Setup {
    wps(["listen", "--no-reconnect", "--url"]).arg(format!("ws://127.0.0.1:{port}/client/hubs/hub1?access_token=x"))
}

#[test]
fn the_connect_timeout_holds_in_a_flood_of_interim_answers() {
    let port = flood(|_| Vec::new(), INTERIM);
    listen(port).args(["--connect-timeout", "300ms"]).run().assert_failed(4, &["timed out after"]);
}

#[test]
fn the_connect_timeout_holds_when_it_is_a_proxy_that_never_comes_to_the_point() {
    let port = flood(|_| Vec::new(), INTERIM);
    let proxy = format!("http://127.0.0.1:{port}");
    wps(["listen", "--no-reconnect", "--connect-timeout", "300ms", "--proxy", &proxy, "--url"])
        .arg("ws://service.invalid/client/hubs/hub1?access_token=x")
        .run()
        .assert_failed(4, &["timed out after"]);
}

#[test]
fn a_head_without_end_is_no_answer() {
    let port = flood(|_| b"HTTP/1.1 101 Switching Protocols\r\nX: ".to_vec(), b"x");
    listen(port).run().assert_failed(10, &["did not answer in HTTP"]);
}

#[test]
fn a_signal_and_the_timeout_are_served_while_dialling_in_a_flood() {
    let port = flood(|_| Vec::new(), INTERIM);
    listen(port).args(["--timeout", "300ms"]).run().assert_failed(124, &["timed out after"]);
    let mut run = listen(port).arg("-vvv").start();
    run.err_line("GET /client");
    run.signal(Signal::INT);
    assert_eq!(run.end().code, 130);
}

#[test]
fn a_signal_and_the_timeout_are_served_in_a_flood_of_frames_that_make_no_message() {
    for endless in [EMPTY_CONTINUATION, PING] {
        let port = flood(agree, endless);
        listen(port).args(["--timeout", "300ms"]).run().assert_failed(124, &["timed out after"]);
        let mut run = listen(port).start();
        run.err_line("connected");
        run.signal(Signal::INT);
        assert_eq!(run.end().code, 130);
    }
}
