//! The hubs of a server, each behind a lock, and what connects sockets to them.
//!
//! A hub exists as long as it has connections. Locks are taken in the order table, hub, outbox. Outputs are handed out
//! under the hub's lock, so that every socket gets them in the hub's order; tasks are woken after it is released.
//!
//! There is one way in, at four depths: `enter_without_alarm` locks a hub, gives it inputs, carries its outputs out and
//! wakes tasks; `enter` sets the alarm besides, as all do but the timer task; `enter_named` finds the hub by its name, for
//! applications; `send_with_backpressure` does that again until the receivers keep up. Sockets enter by [`HubSocket`].

mod application;
mod survey;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use super::outbox::{Item, Outbox};
use super::trace;
use crate::events::EventHandler;
use crate::traffic::{FrameOwner, Place, Traffic};
use crate::upstream::Upstream;
use webpubsub_proto::fault::Faults;
use webpubsub_proto::hub::{CloseKind, EventAnswer, EventId, Hub, HubConfig, Ids, Open, Output, SocketId, Violation};
use webpubsub_proto::{Dense, WireFrame};

/// All hubs of a server.
#[derive(Debug)]
pub(super) struct Hubs {
    table: Mutex<Table>,
    config: HubConfig,
    events: Events,
    /// Those who look on.
    traffic: Traffic,
    seed: hmac::Key,
    /// What the emulator does wrong on request.
    faults: Faults,
    /// Of connections that need an id before they exist.
    ids: Mutex<Ids>,
    /// Origin of the hubs' time.
    started: Instant,
    alarm: Alarm,
}

/// Who answers the events of clients.
#[derive(Clone, Debug)]
pub(super) struct Events {
    /// When there is no event handler at all.
    pub(super) otherwise: EventHandler,
    /// Event handlers, where there can be any.
    pub(super) upstream: Option<Arc<Upstream>>,
}

#[derive(Debug, Default)]
struct Table {
    hubs: HashMap<String, Arc<HubCell>>,
    /// How many hubs there ever were, so that one that comes back has other ids.
    created: u64,
    sockets: u64,
    stopped: bool,
}

#[derive(Debug)]
struct HubCell {
    name: String,
    state: Mutex<CellState>,
    /// A slow receiver was let go: whoever waits to send may try again.
    released: Notify,
}

/// Sockets are numbered here, so that nobody can choose numbers that collide.
type BySocket<T> = HashMap<SocketId, T, foldhash::fast::FixedState>;

#[derive(Debug)]
struct CellState {
    name: Arc<str>,
    hub: Hub,
    /// By socket. Every frame is put into one, of many sockets in the order of their numbers.
    outboxes: Dense<Arc<Outbox>>,
    /// Whose socket it is, for those who look on.
    owners: BySocket<Arc<str>>,
    /// Outboxes whose tasks are to be woken once the lock is released.
    to_wake: Vec<Arc<Outbox>>,
}

/// When the timer task has to look at the hubs next.
///
/// No deadline is missed: it stands in its hub before it is set here. The task forgets what is set, and only then looks at
/// all hubs; what is set before that it finds there, what is set later moves the alarm and rings. Both need one order of
/// the two for all threads, hence `SeqCst`.
#[derive(Debug)]
struct Alarm {
    /// Nanoseconds since the origin.
    at: AtomicU64,
    moved: Notify,
}

/// Why a connection has ended whose client was gone before it was answered.
const UNANSWERED: &str = "The client did not get as far as to be connected.";

/// Something that came from a socket.
#[derive(Debug)]
pub(super) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// A ping or a pong.
    Life,
}

impl Hubs {
    pub(super) fn new(config: HubConfig, events: Events, traffic: Traffic, seed: [u8; 32], faults: Faults) -> Self {
        // Before 1970 no time is, whatever the clock says.
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let config = HubConfig { announces_connections: true, announces_groups: true, epoch, ..config };
        let seed = hmac::Key::new(hmac::HMAC_SHA256, &seed);
        let ids = Ids::new(&derive(&seed, b"connections"));
        Self {
            table: Mutex::default(),
            config,
            events,
            traffic,
            seed,
            faults,
            ids: Mutex::new(ids),
            started: Instant::now(),
            alarm: Alarm { at: AtomicU64::new(u64::MAX), moved: Notify::new() },
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// An id for a connection that has to have one before it exists.
    pub(super) fn draw_connection_id(&self) -> String {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).draw()
    }

    /// Connects a socket to a hub, which is made if it does not exist. `None` when the server has stopped.
    ///
    /// `expires`: a fault lets the client's token expire so much later.
    pub(super) fn open(self: &Arc<Self>, hub: &str, open: Open, expires: Option<Duration>) -> Option<HubSocket> {
        let mut table = self.table();
        if table.stopped {
            return None;
        }
        table.sockets += 1;
        let socket = SocketId(table.sockets);
        let cell = self.cell(&mut table, hub);
        let outbox = Arc::new(Outbox::default());
        // The table stays locked, so that the hub is not taken for an empty one meanwhile.
        let at = self.enter_in_silence(&cell, |state, now| {
            state.outboxes.insert(socket.0, Arc::clone(&outbox));
            let described = open.clone();
            state.hub.handle_open(now, socket, open);
            let mut user = None;
            if let Some(connection_id) = state.hub.connection_of(socket) {
                let connection_id: Arc<str> = connection_id.into();
                user = state.hub.connection(&connection_id).and_then(|info| info.user);
                state.owners.insert(socket, connection_id);
            }
            trace::opened(&self.traffic, state.place(socket), &described, user.as_deref());
            if let Some(after) = expires {
                state.hub.handle_expiry(now, socket, after);
            }
        });
        if let Some(at) = at {
            self.alarm.set(at);
        }
        drop(table);
        self.traffic.show();
        Some(HubSocket { hubs: Arc::clone(self), cell, socket, outbox })
    }

    fn cell(&self, table: &mut Table, name: &str) -> Arc<HubCell> {
        match table.hubs.entry(name.to_owned()) {
            Entry::Occupied(entry) => Arc::clone(entry.get()),
            Entry::Vacant(entry) => {
                table.created += 1;
                let mut hub = Hub::new(self.config.clone(), &derive(&self.seed, &table.created.to_be_bytes()));
                hub.set_faults(self.faults.clone(), name);
                let state = CellState {
                    name: name.into(),
                    hub,
                    outboxes: Dense::default(),
                    owners: BySocket::default(),
                    to_wake: Vec::new(),
                };
                let cell =
                    Arc::new(HubCell { name: name.to_owned(), state: Mutex::new(state), released: Notify::new() });
                Arc::clone(entry.insert(cell))
            }
        }
    }

    /// Gives inputs to a hub and carries its outputs out.
    fn enter(self: &Arc<Self>, cell: &Arc<HubCell>, inputs: impl FnOnce(&mut CellState, Duration)) {
        if let Some(at) = self.enter_without_alarm(cell, inputs) {
            self.alarm.set(at);
        }
    }

    /// The same, but gives the hub's next deadline and leaves the alarm alone.
    fn enter_without_alarm(
        self: &Arc<Self>,
        cell: &Arc<HubCell>,
        inputs: impl FnOnce(&mut CellState, Duration),
    ) -> Option<Duration> {
        let timeout = self.enter_in_silence(cell, inputs);
        // Not under the lock: others use the hub meanwhile.
        self.traffic.show();
        timeout
    }

    /// The same, and what has passed is only noted: to be shown once the table is not locked any more.
    fn enter_in_silence(
        self: &Arc<Self>,
        cell: &Arc<HubCell>,
        inputs: impl FnOnce(&mut CellState, Duration),
    ) -> Option<Duration> {
        let now = self.now();
        let mut state = cell.lock();
        inputs(&mut state, now);
        state.carry_out(now, self, cell);
        let timeout = state.hub.poll_timeout();
        let released = state.hub.take_released();
        let to_wake = std::mem::take(&mut state.to_wake);
        drop(state);
        self.note_faults();
        for outbox in to_wake {
            outbox.wake();
        }
        if released {
            cell.released.notify_waiters();
        }
        timeout
    }

    /// An event handler has answered.
    fn answer(self: &Arc<Self>, cell: &Arc<HubCell>, event_id: EventId, answer: &EventAnswer) {
        self.enter(cell, |state, now| state.hub.handle_event_answer(now, event_id, answer));
        // The connection may have waited for this alone.
        self.sweep(cell);
    }

    /// Removes a hub that nobody is connected to.
    fn sweep(&self, cell: &Arc<HubCell>) {
        if !cell.lock().hub.is_empty() {
            return;
        }
        let mut table = self.table();
        let current = table.hubs.get(&cell.name).is_some_and(|current| Arc::ptr_eq(current, cell));
        if current && cell.lock().hub.is_empty() {
            table.hubs.remove(&cell.name);
        }
    }

    /// Serves the hubs' timers, for ever.
    pub(super) async fn serve_timers(self: &Arc<Self>) {
        loop {
            self.alarm.at.store(u64::MAX, Ordering::SeqCst);
            let cells: Vec<_> = self.table().hubs.values().cloned().collect();
            for cell in cells {
                let next = self.enter_without_alarm(&cell, |state, now| {
                    if state.hub.poll_timeout().is_some_and(|at| at <= now) {
                        state.hub.handle_timeout(now);
                    }
                });
                // No bell for this task itself, which is awake.
                self.alarm.at.fetch_min(next.map_or(u64::MAX, nanos), Ordering::SeqCst);
                self.sweep(&cell);
            }
            let next = self.alarm.at.load(Ordering::SeqCst);
            let asleep = async {
                match next {
                    u64::MAX => std::future::pending().await,
                    at => tokio::time::sleep_until(self.started + Duration::from_nanos(at)).await,
                }
            };
            tokio::select! {
                () = asleep => {}
                () = self.alarm.moved.notified() => {}
            }
        }
    }

    /// Tells of the faults that have happened.
    pub(super) fn tell_faults(&self) {
        self.note_faults();
        self.traffic.show();
    }

    fn note_faults(&self) {
        for note in self.faults.take_notes() {
            trace::fault(&self.traffic, &note);
        }
    }

    /// How many hubs there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table().hubs.len()
    }

    /// Tells every client that the service goes away.
    pub(super) fn shutdown(self: &Arc<Self>) {
        let mut table = self.table();
        table.stopped = true;
        for (_, cell) in table.hubs.drain() {
            self.enter_in_silence(&cell, |state, now| state.hub.handle_shutdown(now));
        }
        drop(table);
        self.traffic.show();
    }
}

/// Another seed for each label.
fn derive(seed: &hmac::Key, label: &[u8]) -> [u8; 32] {
    let mut own = [0; 32];
    own.copy_from_slice(hmac::sign(seed, label).as_ref());
    own
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Alarm {
    /// Moves the alarm forward, never back.
    fn set(&self, at: Duration) {
        let at = nanos(at);
        if at < self.at.load(Ordering::SeqCst) && at < self.at.fetch_min(at, Ordering::SeqCst) {
            self.moved.notify_one();
        }
    }
}

impl HubCell {
    fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CellState {
    fn receive(&mut self, now: Duration, traffic: &Traffic, socket: SocketId, frame: WireFrame<'_>) {
        if trace::sees_frames(traffic) {
            trace::received(traffic, self.owner(socket), frame, || self.hub.codec(socket));
        }
        self.hub.handle_frame(now, socket, frame);
    }

    fn carry_out(&mut self, now: Duration, hubs: &Arc<Hubs>, cell: &Arc<HubCell>) {
        let (events, traffic) = (&hubs.events, &hubs.traffic);
        // Of the frames that go out by now; asked once for all of them.
        let (mut time, is_seen) = (None, trace::sees_frames(traffic));
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { socket, frame } => {
                    if is_seen {
                        let time = *time.get_or_insert_with(SystemTime::now);
                        trace::sent(traffic, time, self.owner(socket), &frame, || self.hub.codec(socket));
                    }
                    self.change_outbox(socket, |outbox| outbox.push(Item::Frame(frame)));
                }
                Output::Ping { socket } => self.change_outbox(socket, |outbox| outbox.push(Item::Ping)),
                Output::Close { socket, code, reason } => {
                    trace::closed(traffic, self.place(socket), code, &reason);
                    self.change_outbox(socket, |outbox| outbox.push(Item::Close { code, reason }));
                }
                Output::Abort { socket } => {
                    trace::ended(traffic, self.place(socket), "is dropped");
                    traffic.live().aborted(self.place(socket), "the service drops the socket");
                    self.change_outbox(socket, |outbox| outbox.signal(|signals| signals.aborted = true));
                }
                Output::Cut { socket, how } => {
                    trace::cut(traffic, self.place(socket), how);
                    self.change_outbox(socket, |outbox| outbox.push(Item::Cut(how)));
                }
                Output::Pause { socket } => {
                    self.change_outbox(socket, |outbox| outbox.signal(|signals| signals.paused = true));
                }
                Output::Resume { socket } => {
                    self.change_outbox(socket, |outbox| outbox.signal(|signals| signals.paused = false));
                }
                Output::UserEvent(event) => {
                    let event_id = event.event_id;
                    if let Some(upstream) = events.upstream.as_ref().filter(|upstream| upstream.has_handlers()) {
                        let (hubs, cell) = (Arc::clone(hubs), Arc::clone(cell));
                        let name = cell.name.clone();
                        upstream.ask(&name, event, move |answer| hubs.answer(&cell, event_id, &answer));
                    } else {
                        let answer = events.otherwise.answer(*event);
                        self.hub.handle_event_answer(now, event_id, &answer);
                    }
                }
                Output::Connected { connection_id } => {
                    if let Some(upstream) = &events.upstream {
                        upstream.connected(&connection_id);
                    }
                }
                Output::Joined { connection_id, group } => {
                    traffic.live().joined(&self.name, &connection_id, &group);
                    if let Some(upstream) = &events.upstream {
                        upstream.joined(&connection_id, &group);
                    }
                }
                Output::Left { connection_id, group } => {
                    traffic.live().left(&self.name, &connection_id, &group);
                    if let Some(upstream) = &events.upstream {
                        upstream.left(&connection_id, &group);
                    }
                }
                Output::Disconnected { connection_id, reason } => {
                    traffic.live().ended(&self.name, &connection_id, &reason);
                    if let Some(upstream) = &events.upstream {
                        upstream.disconnected(&connection_id, &reason);
                    }
                }
            }
        }
    }

    fn place(&self, socket: SocketId) -> Place<'_> {
        trace::place(socket, &self.name, self.owners.get(&socket).map(AsRef::as_ref))
    }

    fn owner(&self, socket: SocketId) -> FrameOwner {
        let connection_id = self.owners.get(&socket).cloned();
        FrameOwner { socket: socket.0, hub: Arc::clone(&self.name), connection_id }
    }

    fn change_outbox(&mut self, socket: SocketId, change: impl FnOnce(&Outbox) -> bool) {
        if let Some(outbox) = self.outboxes.get(socket.0)
            && change(outbox)
        {
            self.to_wake.push(Arc::clone(outbox));
        }
    }
}

/// A socket's connection to its hub. Dropping it tells the hub that the socket is gone.
#[derive(Debug)]
pub(super) struct HubSocket {
    hubs: Arc<Hubs>,
    cell: Arc<HubCell>,
    socket: SocketId,
    outbox: Arc<Outbox>,
}

impl HubSocket {
    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Hands a batch to the hub, and how much was written meanwhile.
    pub(super) fn receive(&self, batch: &mut Vec<Incoming>, written: usize) {
        let socket = self.socket;
        let traffic = &self.hubs.traffic;
        self.hubs.enter(&self.cell, |state, now| {
            if written > 0 {
                state.hub.handle_written(now, socket, written);
            }
            for incoming in batch.drain(..) {
                match incoming {
                    Incoming::Text(text) => state.receive(now, traffic, socket, WireFrame::Text(&text)),
                    Incoming::Binary(bytes) => state.receive(now, traffic, socket, WireFrame::Binary(&bytes)),
                    Incoming::Life => state.hub.handle_life(now, socket),
                }
                state.carry_out(now, &self.hubs, &self.cell);
            }
        });
    }

    /// The client closed, or its socket broke.
    /// `reason`: of its close frame.
    pub(super) fn closed(&self, kind: CloseKind, reason: &str) {
        let socket = self.socket;
        let (how, aborted) = match kind {
            CloseKind::Clean => ("has left", None),
            CloseKind::Dropped => {
                ("is gone, without saying goodbye", Some("the client is gone, without a close frame of code 1000"))
            }
        };
        let traffic = &self.hubs.traffic;
        self.hubs.enter(&self.cell, |state, now| {
            trace::ended(traffic, state.place(socket), how);
            if let Some(aborted) = aborted {
                traffic.live().aborted(state.place(socket), aborted);
            }
            state.hub.handle_farewell(now, socket, kind, reason);
        });
    }

    /// The client went before its request was answered. Nobody knows what a connection could be recovered by that was
    /// `fresh` with it: it ends.
    pub(super) fn unanswered(&self, fresh: bool) {
        let kind = if fresh { CloseKind::Clean } else { CloseKind::Dropped };
        let socket = self.socket;
        let traffic = &self.hubs.traffic;
        self.hubs.enter(&self.cell, |state, now| {
            trace::ended(traffic, state.place(socket), "is gone before it was answered");
            traffic.live().aborted(state.place(socket), "the client is gone before it was answered");
            state.hub.handle_farewell(now, socket, kind, UNANSWERED);
        });
    }

    /// The client did something that its socket cannot go on after.
    pub(super) fn violated(&self, violation: Violation) {
        let socket = self.socket;
        self.hubs.enter(&self.cell, |state, now| state.hub.handle_violation(now, socket, violation));
    }
}

impl Drop for HubSocket {
    fn drop(&mut self) {
        let socket = self.socket;
        self.hubs.enter(&self.cell, |state, now| {
            // Nothing happens when the hub has forgotten the socket already.
            state.hub.handle_closed(now, socket, CloseKind::Dropped);
            state.outboxes.remove(socket.0);
            state.owners.remove(&socket);
        });
        self.outbox.clear();
        self.hubs.sweep(&self.cell);
    }
}
