//! A way to the service that breaks: a TCP proxy that does to each connection what the schedule has drawn for it.
//!
//! One thread a connection, which owns both sockets: where it resets one, the peer sees a reset and no end of file.
//! It reads the head of the request, and so knows a recovery from a fresh connection. It keeps count of how long a client
//! has had no use of any connection, and then lets one through (`Mercy`): what a client cannot survive by its own
//! promise, such as 30 s without a connection, is no accident here but ordered by the harness.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

use crate::journal::Journal;
use crate::random::Random;
use crate::schedule::{Cut, Handshake, How, Plan, plan};

/// The way.
pub struct Proxy {
    shared: Arc<Shared>,
    /// Where it begins.
    pub port: u16,
}

struct Shared {
    target: u16,
    journal: Journal,
    state: Mutex<State>,
    /// Nothing gets through, and what is open is cut.
    blocked: AtomicBool,
    over: AtomicBool,
    /// How often a connection was taken away after its handshake.
    cuts: AtomicU64,
    /// How often a dial or a handshake came to nothing.
    refusals: AtomicU64,
    /// How many connections are open.
    open: AtomicU64,
    /// The most that a message may have: a box that lets less through on each connection lets it through never.
    largest: AtomicU64,
}

struct State {
    random: Random,
    mercy: Mercy,
    /// Left of a time in which a box on the way limits each connection to so many bytes.
    limited: Option<(u32, u64)>,
    happened: Happened,
}

/// How often each thing has happened, for those who wait for the next time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Happened {
    /// A connection was cut.
    pub cuts: u64,
    /// A client asked to recover.
    pub recoveries: u64,
}

/// How long a client has had no use of a connection.
#[derive(Default)]
struct Mercy {
    failures: u32,
    since: Option<Instant>,
    fresh: u32,
}

impl Mercy {
    /// Whether the next connection has to be let through.
    fn due(&self, recovers: bool) -> bool {
        self.failures >= 5
            || self.since.is_some_and(|since| since.elapsed() > Duration::from_secs(6))
            || (!recovers && self.fresh >= 2)
    }

    fn failed(&mut self, recovers: bool) {
        self.failures += 1;
        self.since.get_or_insert_with(Instant::now);
        self.fresh = if recovers { 0 } else { self.fresh + 1 };
    }

    fn served(&mut self) {
        *self = Self::default();
    }
}

impl Proxy {
    /// To that port of this machine.
    pub fn start(target: u16, random: Random, journal: Journal) -> Self {
        let (listener, port) = listen(&mut random.clone());
        let state = State { random, mercy: Mercy::default(), limited: None, happened: Happened::default() };
        let shared = Arc::new(Shared {
            target,
            journal,
            state: Mutex::new(state),
            blocked: AtomicBool::new(false),
            over: AtomicBool::new(false),
            cuts: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            open: AtomicU64::new(0),
            largest: AtomicU64::new(0),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || own.accept(Some(listener), port));
        Self { shared, port }
    }

    /// How often a connection was taken away after its handshake.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// How often a dial or a handshake came to nothing.
    pub fn refusals(&self) -> u64 {
        self.shared.refusals.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> u64 {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Lets nothing through, and cuts what is open; or ends that.
    pub fn block(&self, blocked: bool) {
        self.shared.journal.note(if blocked { "proxy: blocked" } else { "proxy: open again" });
        self.shared.blocked.store(blocked, Ordering::SeqCst);
    }

    /// So much a message may have at most from now on.
    pub fn allow(&self, largest: u64) {
        self.shared.largest.store(largest, Ordering::SeqCst);
        let mut state = self.shared.state();
        if state.limited.is_some_and(|(_, bytes)| bytes < largest) {
            state.limited = None;
        }
    }

    /// Whether nothing gets through.
    pub fn blocked(&self) -> bool {
        self.shared.blocked.load(Ordering::SeqCst)
    }

    /// A new process begins: what an earlier one has suffered is not counted for it.
    pub fn forget(&self) {
        self.shared.state().mercy.served();
    }

    /// What has happened until now.
    pub fn happened(&self) -> Happened {
        self.shared.state().happened
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
    }
}

/// A port of its own, below those that the system gives out to connections: while nobody listens there, nobody else gets
/// it.
fn listen(random: &mut Random) -> (TcpListener, u16) {
    // Other runs with the same seed are no reason to fail.
    random.next();
    loop {
        let port = 15_000 + (random.next() ^ u64::from(std::process::id()).wrapping_mul(7919)) % 17_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port as u16)) {
            return (listener, port as u16);
        }
    }
}

/// How long a thread waits for news at most.
const TICK: Duration = Duration::from_millis(20);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// While it is blocked nobody listens, as where a service is not there.
    fn accept(self: Arc<Self>, mut listener: Option<TcpListener>, port: u16) {
        while !self.over.load(Ordering::SeqCst) {
            if self.blocked.load(Ordering::SeqCst) {
                listener = None;
                thread::sleep(TICK);
                continue;
            }
            let Some(open) = &listener else {
                match TcpListener::bind(("127.0.0.1", port)) {
                    Ok(open) => listener = Some(open),
                    Err(_) => thread::sleep(TICK),
                }
                continue;
            };
            if !readable(open, TICK) {
                continue;
            }
            if let Ok((client, _)) = open.accept() {
                let own = Arc::clone(&self);
                self.open.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    own.serve(client);
                    own.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        }
    }

    fn serve(&self, mut client: TcpStream) {
        let Some(head) = head(&mut client) else { return };
        let recovers = memchr::memmem::find(&head, b"awps_connection_id=").is_some();
        let plan = self.draw(recovers);
        self.journal.note(&format!("proxy: {} {plan:?}", if recovers { "recovery" } else { "fresh" }));
        match plan.handshake {
            Handshake::Pass => {}
            Handshake::Delay(time) => thread::sleep(time),
            Handshake::Reset => {
                reset(&client);
                return self.refused(recovers);
            }
            Handshake::Status(status) => {
                let answer =
                    format!("HTTP/1.1 {status} Trouble\r\nContent-Length: 5\r\nConnection: close\r\n\r\noops\n");
                let _ = client.write_all(answer.as_bytes());
                let _ = client.shutdown(Shutdown::Write);
                // Whatever else was sent must not turn the answer into a reset.
                let _ = client.set_read_timeout(Some(Duration::from_millis(200)));
                let _ = client.read(&mut [0; 1024]);
                return self.refused(recovers);
            }
            Handshake::Hang(time) => {
                let until = Instant::now() + time;
                while Instant::now() < until && !self.stops() {
                    thread::sleep(TICK);
                }
                reset(&client);
                return self.refused(recovers);
            }
        }
        let address = SocketAddr::from(([127, 0, 0, 1], self.target));
        let Ok(server) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else {
            return self.refused(recovers);
        };
        let started = Instant::now();
        let mut connection = Connection::new(client, server, head, plan.clone());
        let end = connection.run(self);
        let served = connection.served();
        {
            let mut state = self.state();
            match served {
                true => state.mercy.served(),
                false => state.mercy.failed(recovers),
            }
        }
        let (up, down) = (connection.up.passed, connection.down.passed);
        let lived = started.elapsed().as_millis();
        self.journal.note(&format!("proxy: {end:?} after {lived} ms, {up} bytes up, {down} down, served: {served}"));
        match end {
            End::Left => connection.close(),
            End::Cut(how) => {
                self.cuts.fetch_add(1, Ordering::SeqCst);
                connection.cut(how);
                drop(connection);
                self.state().happened.cuts += 1;
            }
        }
    }

    fn draw(&self, recovers: bool) -> Plan {
        let mut state = self.state();
        if recovers {
            state.happened.recoveries += 1;
            state.mercy.fresh = 0;
        }
        if state.mercy.due(recovers) {
            return Plan::merciful(&mut state.random);
        }
        let State { random, limited, .. } = &mut *state;
        plan(random, limited, self.largest.load(Ordering::SeqCst), recovers)
    }

    fn refused(&self, recovers: bool) {
        self.refusals.fetch_add(1, Ordering::SeqCst);
        self.state().mercy.failed(recovers);
    }

    /// Whether open connections have to end now.
    fn stops(&self) -> bool {
        self.blocked.load(Ordering::SeqCst) || self.over.load(Ordering::SeqCst)
    }
}

/// The head of a request, as it was sent. The client may go away, or take its time.
fn head(client: &mut TcpStream) -> Option<Vec<u8>> {
    client.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let (mut head, mut byte) = (Vec::new(), [0; 1]);
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(head)
}

fn reset(socket: &TcpStream) {
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

fn readable(listener: &TcpListener, limit: Duration) -> bool {
    let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
    poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
}

/// How a connection ended.
#[derive(Clone, Copy, Debug)]
enum End {
    /// One of its ends left.
    Left,
    /// It was taken away.
    Cut(How),
}

/// One direction.
#[derive(Default)]
struct Pipe {
    waiting: Vec<u8>,
    /// What was passed on.
    passed: u64,
    ended: bool,
    /// Nothing is passed on before.
    not_before: Option<Instant>,
}

/// So much is read ahead.
const READ_AHEAD: usize = 64 * 1024;

impl Pipe {
    fn takes(&self) -> bool {
        !self.ended && self.waiting.len() < READ_AHEAD
    }

    fn read(&mut self, from: &mut TcpStream) {
        let mut buffer = [0; 16 * 1024];
        match from.read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(read) => self.waiting.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.ended = true,
        }
    }

    /// Passes on what is allowed.
    fn write(&mut self, to: &mut TcpStream, plan: &Plan, limit: Option<u64>, now: Instant) {
        if self.waiting.is_empty() || self.not_before.is_some_and(|time| now < time) {
            return;
        }
        let allowed = limit.map_or(usize::MAX, |limit| limit.saturating_sub(self.passed) as usize);
        let piece = self.waiting.len().min(allowed).min(plan.piece.map_or(usize::MAX, |(size, _)| size));
        match to.write(&self.waiting[..piece]) {
            Ok(written) => {
                self.waiting.drain(..written);
                self.passed += written as u64;
                self.not_before = plan.piece.map(|(_, pause)| now + pause);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.ended = true,
        }
    }
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    up: Pipe,
    down: Pipe,
    plan: Plan,
    started: Instant,
    /// Length of the request's head.
    head: u64,
}

impl Connection {
    fn new(client: TcpStream, server: TcpStream, head: Vec<u8>, plan: Plan) -> Self {
        for socket in [&client, &server] {
            let _ = socket.set_nonblocking(true);
            let _ = socket.set_nodelay(true);
        }
        let (started, length) = (Instant::now(), head.len() as u64);
        let up = Pipe { waiting: head, ..Pipe::default() };
        Self { client, server, up, down: Pipe::default(), plan, started, head: length }
    }

    /// Whether the client has had some use of it: more has come than the answer to the handshake, a `connected` frame and
    /// a proof of recovery, or it has lived for a while.
    fn served(&self) -> bool {
        self.up.passed > self.head && (self.down.passed >= 600 || self.started.elapsed() > Duration::from_secs(3))
    }

    fn run(&mut self, shared: &Shared) -> End {
        let mut stall = self.plan.stall.map(|(at, time)| (self.started + at, self.started + at + time));
        loop {
            let now = Instant::now();
            // What was sent by an end that has left is not held up.
            if self.up.ended || self.down.ended {
                (self.plan.piece, stall) = (None, None);
            }
            if shared.stops() {
                return End::Cut(How::Reset);
            }
            if let Some(end) = self.due(now) {
                return end;
            }
            if stall.is_some_and(|(from, to)| from <= now && now < to) {
                thread::sleep(TICK.min(Duration::from_millis(10)));
                continue;
            }
            let (up, down) = self.plan.limits(self.head);
            self.up.write(&mut self.server, &self.plan, up, now);
            self.down.write(&mut self.client, &self.plan, down, now);
            if (self.up.ended && self.up.waiting.is_empty()) || (self.down.ended && self.down.waiting.is_empty()) {
                return End::Left;
            }
            self.wait(now);
        }
    }

    /// The cut, when its time has come.
    fn due(&self, now: Instant) -> Option<End> {
        let Cut { up, down, time, how } = self.plan.cut?;
        let over = |limit: Option<u64>, passed: u64| limit.is_some_and(|limit| passed >= limit);
        let reached = over(up.map(|bytes| bytes + self.head), self.up.passed) || over(down, self.down.passed);
        (reached || now - self.started >= time).then_some(End::Cut(how))
    }

    fn wait(&mut self, now: Instant) {
        let wants = |own: &Pipe, other: &Pipe| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, own.takes());
            flags.set(PollFlags::OUT, !other.waiting.is_empty() && other.not_before.is_none_or(|time| time <= now));
            flags
        };
        let mut fds = [
            PollFd::new(&self.client, wants(&self.up, &self.down)),
            PollFd::new(&self.server, wants(&self.down, &self.up)),
        ];
        let mut limit = TICK;
        for time in [self.up.not_before, self.down.not_before].into_iter().flatten() {
            limit = limit.min(time.saturating_duration_since(now).max(Duration::from_millis(1)));
        }
        let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
        if poll(&mut fds, Some(&limit)).is_err() {
            return;
        }
        let there = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
        let (client, server) = (fds[0].revents().intersects(there), fds[1].revents().intersects(there));
        if client && self.up.takes() {
            self.up.read(&mut self.client);
        }
        if server && self.down.takes() {
            self.down.read(&mut self.server);
        }
        // A peer that is gone while nothing may be read from it would have this spin.
        if (client && !self.up.takes()) || (server && !self.down.takes()) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Takes it away.
    fn cut(&mut self, how: How) {
        match how {
            How::Reset => {
                reset(&self.client);
                reset(&self.server);
            }
            How::End => self.close(),
            How::EndForClient => {
                reset(&self.server);
                let _ = self.client.shutdown(Shutdown::Both);
            }
            How::EndForServer => {
                reset(&self.client);
                let _ = self.server.shutdown(Shutdown::Both);
            }
        }
    }

    fn close(&mut self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}
