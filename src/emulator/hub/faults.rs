//! Where the hub misbehaves on request: each place asks the faults in force and does what they say.
//!
//! Operations ask in `operate`, before they are judged; everything that goes out passes `pass` on its way through
//! `poll_output`; what has to happen later hangs on the hub's timers. Without faults none of it costs more than a look.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Hub;
use super::boundary::{CloseKind, Cut, Frame, Output, SocketId};
use super::connections::Connection;
use super::farewell::Farewell;
use super::key::ConnectionKey;
use super::operation::Operation;
use super::timers::Timer;
use crate::emulator::fault::{Action, Faults, Fired, Garbage, How, Opportunity, Point, Points, When};
use crate::protocol::{AckError, Downstream, Origin, decode_downstream, encode_downstream};

/// What a hub remembers for its faults.
#[derive(Debug)]
pub(super) struct Meddler {
    faults: Faults,
    /// The hub's name, which faults are aimed by.
    hub: Arc<str>,
    /// What becomes of acks that are still to come.
    fates: HashMap<(ConnectionKey, u64), AckFate>,
    /// Frames that passed on a socket, both ways; only while a fault counts them.
    frames: HashMap<SocketId, u64>,
    /// Outputs that are held back, a queue for each socket that has any.
    slowed: HashMap<SocketId, Slowed>,
    /// Outputs that passed.
    passed: VecDeque<Output>,
    /// What happens later on a socket, unless that goes first.
    late: BTreeMap<(SocketId, u64), Late>,
    /// How many of those there ever were.
    lates: u64,
    /// Sockets that were left open in silence.
    silenced: BTreeSet<SocketId>,
}

/// Outputs of one socket that are held back.
#[derive(Debug, Default)]
struct Slowed {
    /// Each with when it goes out.
    queue: VecDeque<(Duration, Output)>,
    /// When the last of them is through, as far as bandwidth goes.
    free_at: Duration,
}

/// Something that happens later on a socket.
#[derive(Debug)]
enum Late {
    Send(Frame),
    Drop(How),
}

/// What becomes of an ack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct AckFate {
    swallowed: bool,
    doubled: bool,
    delay: Option<Duration>,
}

/// What becomes of a frame that came.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// As if it had never come.
    pub(super) ignored: bool,
    /// Refused, with name and message.
    pub(super) nack: Option<(String, String)>,
    /// How the socket goes afterwards.
    pub(super) drop: Option<How>,
}

/// Where outputs are looked at.
const OUTPUTS: [Point; 3] = [Point::Message, Point::Control, Point::Frame];

impl Meddler {
    pub(super) fn new(faults: Faults, hub: Arc<str>) -> Self {
        Self {
            faults,
            hub,
            fates: HashMap::new(),
            frames: HashMap::new(),
            slowed: HashMap::new(),
            passed: VecDeque::new(),
            late: BTreeMap::new(),
            lates: 0,
            silenced: BTreeSet::new(),
        }
    }

    /// Whether a socket was left open in silence, so that somebody has to close it in the end.
    pub(super) fn has_silenced(&self) -> bool {
        !self.silenced.is_empty()
    }

    /// Whether outputs have to be looked at.
    pub(super) fn looks_at_outputs(&self) -> bool {
        !self.slowed.is_empty() || self.faults.care_for(Points::of(&OUTPUTS))
    }

    /// The next output that has passed.
    pub(super) fn take_passed(&mut self) -> Option<Output> {
        self.passed.pop_front()
    }

    pub(super) fn newest(&self) -> u64 {
        self.faults.newest()
    }
}

impl Hub {
    /// Puts a hub of this name under these faults.
    pub fn set_faults(&mut self, faults: Faults, hub: &str) {
        self.meddler = Meddler::new(faults, hub.into());
    }

    /// Asks for faults on a connection.
    fn fire(&self, key: ConnectionKey, point: Point, group: Option<&str>, event: Option<&str>) -> Vec<Fired> {
        self.fire_at(key, point, |opportunity| Opportunity { group, event, ..opportunity }, 0)
    }

    fn fire_at<'a>(
        &'a self,
        key: ConnectionKey,
        point: Point,
        describe: impl FnOnce(Opportunity<'a>) -> Opportunity<'a>,
        newer_than: u64,
    ) -> Vec<Fired> {
        if !self.meddler.faults.care_for(Points::of(&[point])) {
            return Vec::new();
        }
        let Some(connection) = self.connections.get(key) else { return Vec::new() };
        let opportunity = Opportunity {
            point,
            hub: &self.meddler.hub,
            user: connection.user.as_deref(),
            connection: Some(&connection.id),
            group: None,
            event: None,
            frames: 0,
        };
        self.meddler.faults.fire_newer(newer_than, &describe(opportunity))
    }

    /// What becomes of an operation.
    pub(super) fn fate_of_operation(
        &mut self,
        key: ConnectionKey,
        operation: &Operation<'_>,
        ack_id: Option<u64>,
    ) -> Fate {
        let (point, group, event) = match operation {
            Operation::Join { group } => (Point::JoinGroup, Some(*group), None),
            Operation::Leave { group } => (Point::LeaveGroup, Some(*group), None),
            Operation::Send { group, .. } => (Point::SendToGroup, Some(*group), None),
            Operation::Event { event, .. } => (Point::Event, None, Some(*event)),
        };
        self.fate_of(key, point, group, event, ack_id)
    }

    /// What becomes of a frame that came.
    pub(super) fn fate_of(
        &mut self,
        key: ConnectionKey,
        point: Point,
        group: Option<&str>,
        event: Option<&str>,
        ack_id: Option<u64>,
    ) -> Fate {
        let (mut fate, mut ack) = (Fate::default(), AckFate::default());
        for Fired { fault, chance } in self.fire(key, point, group, event) {
            match &fault.action {
                Action::Ignore | Action::NoPong => fate.ignored = true,
                Action::Nack { name, message } => fate.nack = Some((name.clone(), message.clone())),
                Action::Drop { how, .. } => {
                    fate.ignored = true;
                    fate.drop = Some(how.clone());
                }
                Action::ExecuteThenDrop(how) => {
                    ack.swallowed = true;
                    fate.drop = Some(how.clone());
                }
                Action::SwallowAck => ack.swallowed = true,
                Action::DelayAck(span) => ack.delay = Some(span.draw(chance)),
                Action::DuplicateAck => ack.doubled = true,
                Action::Garbage(kind) => self.send_garbage(key, *kind),
                Action::Refuse { .. }
                | Action::Hang(_)
                | Action::NoConnected
                | Action::RefuseRecovery(_)
                | Action::Latency(_)
                | Action::Bandwidth(_)
                | Action::Expire(_) => {}
            }
        }
        if let Some(ack_id) = ack_id.filter(|_| ack != AckFate::default()) {
            self.meddler.fates.insert((key, ack_id), ack);
        }
        fate
    }

    /// Sends an ack, unless a fault has something else in mind for it.
    pub(super) fn tell_ack(&mut self, key: ConnectionKey, ack_id: u64, result: Result<(), AckError<'_>>) {
        let frame = Downstream::Ack { ack_id, result };
        let fate = self.meddler.fates.remove(&(key, ack_id)).unwrap_or_default();
        if fate.swallowed {
            return;
        }
        for _ in 0..1 + usize::from(fate.doubled) {
            match fate.delay {
                None => self.tell(key, &frame),
                Some(delay) => {
                    let mut text = String::new();
                    encode_downstream(&frame, &mut text);
                    self.postpone(key, delay, Late::Send(text.into()));
                }
            }
        }
    }

    /// Lets something happen later, on the socket that the connection has now.
    fn postpone(&mut self, key: ConnectionKey, delay: Duration, what: Late) {
        let Some(attachment) = self.connections.attachment(key) else { return };
        let socket = attachment.socket();
        self.meddler.lates += 1;
        let number = self.meddler.lates;
        self.meddler.late.insert((socket, number), what);
        self.timers.set(Timer::Late(socket, number), self.now + delay);
    }

    /// It is time for something that was postponed.
    pub(super) fn serve_late(&mut self, socket: SocketId, number: u64) {
        let Some(late) = self.meddler.late.remove(&(socket, number)) else { return };
        let Some(key) = self.connections.on(socket) else { return };
        match late {
            Late::Drop(how) => self.drop_socket(key, &how),
            Late::Send(frame) => {
                if let Some(attachment) = self.connections.attachment(key) {
                    attachment.send(frame, &mut self.outputs);
                }
                self.check_load(key);
            }
        }
    }

    /// A socket was attached, or faults came: plans the drops that are due some time after.
    pub(super) fn plan_drops(&mut self, key: ConnectionKey) {
        let newest = self.meddler.newest();
        let Some(attachment) = self.connections.attachment(key) else { return };
        let seen = std::mem::replace(&mut attachment.faults_seen, newest);
        for Fired { fault, chance } in self.fire_at(key, Point::Attached, |opportunity| opportunity, seen) {
            if let Action::Drop { how, when: When::After(after) } = &fault.action {
                self.postpone(key, after.draw(chance), Late::Drop(how.clone()));
            }
        }
    }

    /// Faults came into force, which sockets that are open already have to be asked about.
    pub fn handle_faults_changed(&mut self, now: Duration) {
        self.now = now;
        if self.meddler.faults.care_for(Points::of(&[Point::Attached])) {
            for key in self.connections.keys() {
                self.plan_drops(key);
            }
        }
        // Drops after no time at all.
        self.handle_timeout(now);
    }

    /// Whether a recovery is refused, and with which close code.
    pub(super) fn recovery_is_refused(&self, key: ConnectionKey) -> Option<u16> {
        let fired = self.fire(key, Point::Recovering, None, None);
        fired.iter().find_map(|fired| match fired.fault.action {
            Action::RefuseRecovery(code) => Some(code),
            Action::Refuse { .. }
            | Action::Hang(_)
            | Action::NoConnected
            | Action::Drop { .. }
            | Action::ExecuteThenDrop(_)
            | Action::Ignore
            | Action::Nack { .. }
            | Action::SwallowAck
            | Action::DelayAck(_)
            | Action::DuplicateAck
            | Action::Latency(_)
            | Action::Bandwidth(_)
            | Action::NoPong
            | Action::Garbage(_)
            | Action::Expire(_) => None,
        })
    }

    /// What happens to a connection that has opened or was recovered.
    pub(super) fn strike_opened(&self, key: ConnectionKey, point: Point) -> Vec<Fired> {
        self.fire(key, point, None, None)
    }

    /// Whether the `connected` frame is left out.
    pub(super) fn hides_connected(fired: &[Fired]) -> bool {
        fired.iter().any(|fired| fired.fault.action == Action::NoConnected)
    }

    /// The rest of what happens then: after the `connected` frame.
    pub(super) fn meddle_opened(&mut self, key: ConnectionKey, fired: &[Fired]) {
        for fired in fired {
            match &fired.fault.action {
                Action::Garbage(kind) => self.send_garbage(key, *kind),
                Action::Drop { how, .. } => self.drop_socket(key, how),
                // Was looked at before.
                Action::NoConnected => {}
                Action::Refuse { .. }
                | Action::Hang(_)
                | Action::RefuseRecovery(_)
                | Action::ExecuteThenDrop(_)
                | Action::Ignore
                | Action::Nack { .. }
                | Action::SwallowAck
                | Action::DelayAck(_)
                | Action::DuplicateAck
                | Action::Latency(_)
                | Action::Bandwidth(_)
                | Action::NoPong
                | Action::Expire(_) => {}
            }
        }
        self.plan_drops(key);
    }

    /// The token of the connection on this socket expires so much later.
    pub fn handle_expiry(&mut self, now: Duration, socket: SocketId, after: Duration) {
        self.now = now;
        if let Some(key) = self.connections.on(socket) {
            self.timers.set(Timer::Expiry(key), now + after);
        }
    }

    /// The token of a connection has expired.
    pub(super) fn expire(&mut self, key: ConnectionKey) {
        self.expel(key, Farewell::EXPIRED);
        // One that waits to be recovered ends, too.
        self.end(key, "The access token has expired.");
    }

    /// Takes the socket from a connection.
    pub(super) fn drop_socket(&mut self, key: ConnectionKey, how: &How) {
        let Some(attachment) = self.connections.attachment(key) else { return };
        let socket = attachment.socket();
        let cut = match how {
            How::Reset => Cut::Reset,
            How::Eof => Cut::Eof,
            How::Silence => {
                self.meddler.silenced.insert(socket);
                Cut::Silence
            }
            How::Close { code, reason } => {
                self.outputs.push_back(Output::Close { socket, code: *code, reason: reason.clone().into() });
                // After these the service keeps nothing (PROTOCOL §7.2).
                match code {
                    1000 | 1008 => self.end(key, reason.clone()),
                    _ => self.socket_gone(key, CloseKind::Dropped),
                }
                return;
            }
        };
        self.outputs.push_back(Output::Cut { socket, how: cut });
        self.socket_gone(key, CloseKind::Dropped);
    }

    /// Sends a frame that makes no sense. It counts for no limit: the biggest are bigger than those.
    fn send_garbage(&mut self, key: ConnectionKey, kind: Garbage) {
        let Some(attachment) = self.connections.attachment(key) else { return };
        let socket = attachment.socket();
        self.outputs.push_back(Output::Send { socket, frame: garbage(kind) });
    }

    /// Looks at an output before it goes out.
    pub(super) fn pass(&mut self, output: Output) {
        match output {
            Output::Abort { socket } => {
                self.meddler.slowed.remove(&socket);
                self.timers.cancel(Timer::Slowed(socket));
                self.meddler.passed.push_back(output);
            }
            Output::Send { socket, frame } => self.pass_frame(socket, frame),
            Output::Ping { socket } | Output::Close { socket, .. } | Output::Cut { socket, .. } => {
                self.put_out(socket, output, Duration::ZERO, None);
            }
            Output::Pause { .. }
            | Output::Resume { .. }
            | Output::UserEvent(_)
            | Output::Connected { .. }
            | Output::Disconnected { .. } => {
                self.meddler.passed.push_back(output);
            }
        }
    }

    fn pass_frame(&mut self, socket: SocketId, frame: Frame) {
        let Some(key) = self.connections.on(socket) else {
            self.put_out(socket, Output::Send { socket, frame }, Duration::ZERO, None);
            return;
        };
        let (point, group) = self.describe_frame(key, &frame);
        let fired = self.fire(key, point, group.as_deref(), None);
        let (mut latency, mut bandwidth, mut drop) = (Duration::ZERO, None::<u64>, None);
        for Fired { fault, chance } in &fired {
            match &fault.action {
                Action::Latency(span) => latency += span.draw(*chance),
                Action::Bandwidth(rate) => bandwidth = Some(bandwidth.map_or(*rate, |other| other.min(*rate))),
                Action::Garbage(kind) => {
                    self.put_out(socket, Output::Send { socket, frame: garbage(*kind) }, Duration::ZERO, None);
                }
                Action::Drop { how, .. } => drop = Some(how.clone()),
                Action::Refuse { .. }
                | Action::Hang(_)
                | Action::NoConnected
                | Action::RefuseRecovery(_)
                | Action::ExecuteThenDrop(_)
                | Action::Ignore
                | Action::Nack { .. }
                | Action::SwallowAck
                | Action::DelayAck(_)
                | Action::DuplicateAck
                | Action::NoPong
                | Action::Expire(_) => {}
            }
        }
        self.put_out(socket, Output::Send { socket, frame }, latency, bandwidth);
        if let Some(how) = drop {
            self.drop_at_once(key, socket, &how);
        } else {
            self.count_frame(key, socket);
        }
        self.settle(self.now);
    }

    /// What a frame is about, as far as anything has to know.
    fn describe_frame(&self, key: ConnectionKey, frame: &Frame) -> (Point, Option<String>) {
        if !self.meddler.faults.care_for(Points::of(&[Point::Message, Point::Control])) {
            return (Point::Control, None);
        }
        let simple = self.connections.get(key).is_some_and(Connection::is_simple);
        match frame {
            _ if simple => (Point::Message, None),
            Frame::Text(bytes) => match std::str::from_utf8(bytes).map(decode_downstream) {
                Ok(Downstream::Message(message)) => match message.origin {
                    Origin::Group { group, .. } => (Point::Message, Some(group.into_owned())),
                    Origin::Server => (Point::Message, None),
                },
                _ => (Point::Control, None),
            },
            Frame::Binary(_) => (Point::Control, None),
        }
    }

    /// A frame has passed on a socket: is it one too many?
    pub(super) fn count_frame(&mut self, key: ConnectionKey, socket: SocketId) {
        if !self.meddler.faults.care_for(Points::of(&[Point::Frame])) {
            return;
        }
        let frames = self.meddler.frames.entry(socket).or_default();
        *frames += 1;
        let frames = *frames;
        for fired in self.fire_at(key, Point::Frame, |opportunity| Opportunity { frames, ..opportunity }, 0) {
            if let Action::Drop { how, .. } = &fired.fault.action {
                self.drop_at_once(key, socket, how);
            }
        }
    }

    /// Takes a socket away, with all that was to go out on it.
    fn drop_at_once(&mut self, key: ConnectionKey, socket: SocketId, how: &How) {
        self.outputs.retain(|output| !matches!(output, Output::Send { socket: to, .. } if *to == socket));
        self.drop_socket(key, how);
    }

    /// Hands an output out, at once or later, never before those of the same socket that came earlier.
    fn put_out(&mut self, socket: SocketId, output: Output, latency: Duration, bandwidth: Option<u64>) {
        let now = self.now;
        let slowed = self.meddler.slowed.get(&socket);
        if slowed.is_none() && latency.is_zero() && bandwidth.is_none() {
            self.meddler.passed.push_back(output);
            return;
        }
        let slowed = self.meddler.slowed.entry(socket).or_default();
        if let (Some(rate), Output::Send { frame, .. }) = (bandwidth, &output) {
            let nanos = (frame.len() as u128).saturating_mul(1_000_000_000) / u128::from(rate.max(1));
            let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            slowed.free_at = slowed.free_at.max(now).saturating_add(takes);
        }
        let before = slowed.queue.back().map_or(now, |(at, _)| *at);
        let at = now.max(slowed.free_at).saturating_add(latency).max(before);
        slowed.queue.push_back((at, output));
        if slowed.queue.len() == 1 {
            self.timers.set(Timer::Slowed(socket), at);
        }
    }

    /// Lets go of what was held back long enough.
    pub(super) fn release(&mut self, socket: SocketId) {
        let Some(slowed) = self.meddler.slowed.get_mut(&socket) else { return };
        while let Some((_, output)) = slowed.queue.pop_front_if(|(at, _)| *at <= self.now) {
            self.meddler.passed.push_back(output);
        }
        match slowed.queue.front() {
            Some((at, _)) => self.timers.set(Timer::Slowed(socket), *at),
            None => drop(self.meddler.slowed.remove(&socket)),
        }
    }

    /// A socket was taken from its connection: nothing happens on it later.
    pub(super) fn forget_late(&mut self, socket: SocketId) {
        self.meddler.frames.remove(&socket);
        while let Some((number, _)) = self.meddler.late.range((socket, 0)..=(socket, u64::MAX)).next() {
            let (socket, number) = *number;
            self.meddler.late.remove(&(socket, number));
            self.timers.cancel(Timer::Late(socket, number));
        }
    }

    /// A socket is gone.
    pub(super) fn forget_socket(&mut self, socket: SocketId) {
        self.meddler.silenced.remove(&socket);
        if self.meddler.slowed.remove(&socket).is_some() {
            self.timers.cancel(Timer::Slowed(socket));
        }
    }

    /// A connection has ended.
    pub(super) fn forget_fates(&mut self, key: ConnectionKey) {
        self.timers.cancel(Timer::Expiry(key));
        if !self.meddler.fates.is_empty() {
            self.meddler.fates.retain(|(of, _), _| *of != key);
        }
    }

    /// The service stops: those who were left in silence are let go.
    pub(super) fn release_silenced(&mut self) {
        for socket in std::mem::take(&mut self.meddler.silenced) {
            self.outputs.push_back(Output::Abort { socket });
        }
    }

    /// Drops the socket of a connection on request. `false` when there is no such connection, or it has no socket.
    pub fn handle_drop(&mut self, now: Duration, connection_id: &str, how: &How) -> bool {
        self.now = now;
        let attached = self.connections.by_id(connection_id).filter(|(_, connection)| connection.is_attached());
        let Some((key, _)) = attached else { return false };
        self.drop_socket(key, how);
        self.settle(now);
        true
    }
}

/// A frame that no client expects.
fn garbage(kind: Garbage) -> Frame {
    match kind {
        Garbage::Text => Frame::Text(Bytes::from_static(b"this is not JSON {")),
        Garbage::Binary => Frame::Binary(Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef])),
        Garbage::InvalidUtf8 => Frame::Text(Bytes::from_static(b"{\"type\":\"\xff\xfe\"}")),
        Garbage::UnknownType => {
            Frame::Text(Bytes::from_static(b"{\"type\":\"fault\",\"message\":\"nobody knows this\"}"))
        }
        Garbage::Huge(size) => {
            let (head, tail) = ("{\"type\":\"fault\",\"padding\":\"", "\"}");
            let padding = size.saturating_sub(head.len() + tail.len());
            Frame::from([head, &"x".repeat(padding), tail].concat())
        }
    }
}
