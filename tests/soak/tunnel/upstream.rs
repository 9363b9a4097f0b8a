//! The server behind the tunnel: takes events over HTTP, enters them in the ledgers, and answers as their numbers say.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::askers::Ledgers;
use super::ledger::Outcome;
use crate::journal::Journal;
use crate::payload;

/// The statuses that only the upstream answers with.
pub const STATUSES: [u64; 3] = [200, 204, 418];

/// An upstream; its threads end with the soak.
pub struct Upstream {
    shared: Arc<Shared>,
    /// Where it listens.
    pub port: u16,
}

/// Requests that came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// All of them.
    pub all: u64,
    /// Those that it answers.
    pub answered: u64,
}

struct Shared {
    journal: Journal,
    ledgers: Ledgers,
    /// The run that connections are of which open now.
    run: AtomicU64,
    /// By the run whose connection they came on.
    taken: Mutex<BTreeMap<u64, Taken>>,
    over: AtomicBool,
}

impl Upstream {
    /// On a port of its own.
    pub fn start(journal: Journal, ledgers: Ledgers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            journal,
            ledgers,
            run: AtomicU64::new(0),
            taken: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if own.over.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(client) = client {
                    let own = Arc::clone(&own);
                    thread::spawn(move || own.serve(client));
                }
            }
        });
        Self { shared, port }
    }

    /// A run begins: the connections that open from now on are its own.
    pub fn begin(&self, run: u64) {
        self.shared.run.store(run, Ordering::SeqCst);
    }

    /// The requests of a run that came until now.
    pub fn taken_of(&self, run: u64) -> Taken {
        self.shared.taken.lock().unwrap().get(&run).copied().unwrap_or_default()
    }

    /// How many came in all.
    pub fn taken(&self) -> u64 {
        self.shared.taken.lock().unwrap().values().map(|taken| taken.all).sum()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // It has to notice.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    /// Requests of one connection, until it ends.
    fn serve(&self, client: TcpStream) {
        let _ = client.set_nodelay(true);
        let run = self.run.load(Ordering::SeqCst);
        let Ok(mut out) = client.try_clone() else { return };
        let mut client = BufReader::new(client);
        while let Ok(Some(body)) = request(&mut client) {
            let text = String::from_utf8_lossy(&body).into_owned();
            let Some((name, number)) = payload::read(&text) else {
                return self.journal.fault(0, format!("a damaged event: {text:.200}"));
            };
            let drawn = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let (outcome, answer) = match drawn % 100 {
                0..75 => (Outcome::Well, answer(200, &text)),
                75..90 => (Outcome::Well, answer(204, "")),
                90..98 => (Outcome::Refused, answer(418, "no")),
                _ => (Outcome::None, Vec::new()),
            };
            {
                let mut taken = self.taken.lock().unwrap();
                let own = taken.entry(run).or_default();
                own.all += 1;
                own.answered += u64::from(outcome != Outcome::None);
            }
            if let Err(wrong) = self.ledgers.arrive(name, number, outcome) {
                self.journal.note(&format!("upstream, of {name}:"));
                self.journal.wrong(0, &wrong);
            }
            match drawn / 100 % 100 {
                0..70 => {}
                70..98 => thread::sleep(Duration::from_millis(drawn / 10_000 % 60)),
                _ => thread::sleep(Duration::from_millis(500 + drawn / 10_000 % 2500)),
            }
            if outcome == Outcome::None || out.write_all(&answer).is_err() {
                return;
            }
        }
    }
}

fn answer(status: u16, body: &str) -> Vec<u8> {
    let kind = if body.is_empty() { "" } else { "Content-Type: text/plain\r\n" };
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {status} So\r\n{kind}{length}\r\n{body}").into_bytes()
}

/// The body of the next request; nothing at the end.
fn request(client: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let (mut length, mut line) = (0, String::new());
    if client.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    loop {
        line.clear();
        client.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    Ok(Some(body))
}
