//! The other end of the wire: takes one client, and pours frames that were built before, or acknowledges what comes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use super::cases::{Case, RELIABLE};
use super::wire::{CLOSE, TEXT, accept, push_frame, read_frame};

/// Where clients are taken.
#[derive(Debug)]
pub struct Service(TcpListener);

impl Service {
    pub fn start() -> Self {
        Self(TcpListener::bind(("127.0.0.1", 0)).unwrap())
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("ws://{}/client/hubs/h?access_token=x", self.0.local_addr().unwrap())
    }

    /// The next client's socket, past its handshake.
    fn upgrade(&self, protocol: &str) -> TcpStream {
        let (mut socket, _) = self.0.accept().unwrap();
        socket.set_nodelay(true).unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        socket.write_all(accept(&String::from_utf8(request).unwrap(), protocol).as_bytes()).unwrap();
        socket
    }

    /// Takes a client that joins a group, and gives its socket once it has.
    pub fn take_member(&self, case: &Case) -> TcpStream {
        let mut socket = self.upgrade(case.protocol);
        let mut out = Vec::new();
        case.push_connected(&mut out);
        socket.write_all(&out).unwrap();
        let mut scratch = [0; 4096];
        assert!(socket.read(&mut scratch).unwrap() > 0);
        out.clear();
        case.push_ack(&mut out);
        socket.write_all(&out).unwrap();
        // Its acknowledgements are of no concern.
        let mut reading = socket.try_clone().unwrap();
        thread::spawn(move || while reading.read(&mut scratch).is_ok_and(|read| read > 0) {});
        socket
    }

    /// Pours `messages` into a client that joins a group. Gives when it began.
    pub fn pour(&self, case: &Case, messages: u64) -> Instant {
        let blocks = blocks(case, messages);
        pour(self.take_member(case), &blocks)
    }

    /// Pours all messages into a client that need not join anything, and hangs up. Gives when it began.
    pub fn pour_at_once(&self, case: &Case) -> Instant {
        let mut blocks = blocks(case, case.messages);
        let mut close = Vec::new();
        push_frame(&mut close, CLOSE, &1000_u16.to_be_bytes(), false);
        blocks.push(close);
        pour(self.upgrade(case.protocol), &blocks)
    }

    /// Acknowledges all that one client sends, until it leaves.
    pub fn acknowledge(&self) {
        let mut socket = self.upgrade(RELIABLE);
        let mut out = Vec::new();
        Case::plain("", &[]).push_connected(&mut out);
        socket.write_all(&out).unwrap();
        let (mut input, mut scratch) = (Vec::new(), vec![0; 1 << 20]);
        while let Ok(read @ 1..) = socket.read(&mut scratch) {
            input.extend_from_slice(&scratch[..read]);
            out.clear();
            let mut at = 0;
            while let Some((opcode, payload, length)) = read_frame(&input[at..]) {
                at += length;
                if opcode == CLOSE {
                    push_frame(&mut out, CLOSE, &payload, false);
                } else if let Some(id) = ack_id(&payload) {
                    let ack = format!("{{\"type\":\"ack\",\"ackId\":{id},\"success\":true}}");
                    push_frame(&mut out, TEXT, ack.as_bytes(), false);
                }
            }
            input.drain(..at);
            if socket.write_all(&out).is_err() {
                return;
            }
        }
    }
}

/// All frames, in large pieces: building must not be what is measured.
fn blocks(case: &Case, messages: u64) -> Vec<Vec<u8>> {
    let mut blocks = vec![Vec::new()];
    for number in 1..=messages {
        if blocks.last().unwrap().len() > 4 << 20 {
            blocks.push(Vec::new());
        }
        case.push_message(blocks.last_mut().unwrap(), number);
    }
    blocks
}

fn pour(mut socket: TcpStream, blocks: &[Vec<u8>]) -> Instant {
    let begun = Instant::now();
    for block in blocks {
        // It leaves when it has enough.
        if socket.write_all(block).is_err() {
            break;
        }
    }
    // Nobody has to wait for an answer to a farewell.
    let _ = socket.shutdown(Shutdown::Write);
    begun
}

fn ack_id(frame: &[u8]) -> Option<&str> {
    let head = std::str::from_utf8(&frame[..frame.len().min(120)]).ok()?;
    let rest = head.split_once("\"ackId\":")?.1;
    Some(&rest[..rest.find(|next: char| !next.is_ascii_digit())?])
}
