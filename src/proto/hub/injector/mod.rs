//! The fault injector: the layer around a hub that makes it misbehave on request.
//!
//! The hub asks it at each place where something can go wrong and carries out the effects it gets back; whatever goes out
//! passes through it and may be held back. It looks at connections and changes none: what a fault does to one is the hub's
//! to do. It has timers of its own, for what happens later. Without faults none of it costs more than a look.

mod effects;
mod garble;
mod throttle;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::boundary::{Output, SocketId};
use super::connections::{Connection, Connections};
use super::key::ConnectionKey;
use super::operation::Operation;
use super::timers::Timers;
use crate::fault::{DropKind, Faults, Opportunity, Point, Points};
use crate::{Downstream, EncodedFrame, Origin, Unpacked};
pub(super) use effects::{AckEffect, FrameEffects, OpeningEffects, SocketEffect, garbage_frame};
pub(super) use garble::garbled;
use throttle::Throttle;

/// What is remembered for the faults of a hub.
#[derive(Debug)]
pub(super) struct Injector {
    faults: Faults,
    /// The hub's name, which faults are aimed by.
    hub: Arc<str>,
    /// What becomes of acks that are still to come.
    acks: HashMap<(ConnectionKey, u64), AckEffect>,
    /// Frames that passed on a socket, both ways; only while a fault counts them.
    frames: HashMap<SocketId, u64>,
    throttle: Throttle,
    /// What happens later on a socket, unless that goes first.
    postponed: BTreeMap<(SocketId, u64), Postponed>,
    /// How many of those there ever were.
    ever_postponed: u64,
    /// Sockets that were left open in silence.
    silenced: BTreeSet<SocketId>,
    /// The service stops: nothing is held back any more.
    hurried: bool,
    timers: Timers<InjectorTimer>,
}

/// Something that happens later on a socket.
#[derive(Debug)]
pub(super) enum Postponed {
    Send(EncodedFrame),
    Drop(DropKind),
}

/// What a timer of the injector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum InjectorTimer {
    /// Something on a socket that was postponed.
    Postponed(SocketId, u64),
    /// The next output that is held back may go out.
    Throttled(SocketId),
}

/// Where outputs are looked at.
const OUTPUTS: [Point; 3] = [Point::Message, Point::Control, Point::Frame];

impl Injector {
    pub(super) fn new(faults: Faults, hub: Arc<str>) -> Self {
        Self {
            faults,
            hub,
            acks: HashMap::new(),
            frames: HashMap::new(),
            throttle: Throttle::default(),
            postponed: BTreeMap::new(),
            ever_postponed: 0,
            silenced: BTreeSet::new(),
            hurried: false,
            timers: Timers::default(),
        }
    }

    /// Whether any fault may happen at a point. Cheap.
    pub(super) fn cares_for(&self, point: Point) -> bool {
        self.faults.care_for(Points::of(&[point]))
    }

    /// What may go wrong with a connection at a point.
    fn opportunity<'a>(&'a self, point: Point, connection: &'a Connection) -> Opportunity<'a> {
        Opportunity {
            point,
            hub: &self.hub,
            user: connection.user.as_deref(),
            connection: Some(&connection.id),
            group: None,
            event: None,
            frames: 0,
        }
    }

    /// What becomes of an operation.
    pub(super) fn on_operation(
        &mut self,
        connections: &Connections,
        key: ConnectionKey,
        operation: &Operation<'_>,
        ack_id: Option<u64>,
    ) -> FrameEffects {
        let (point, group, event) = match operation {
            Operation::Join { group } => (Point::JoinGroup, Some(*group), None),
            Operation::Leave { group } => (Point::LeaveGroup, Some(*group), None),
            Operation::Send { group, .. } => (Point::SendToGroup, Some(*group), None),
            Operation::Event { event, .. } => (Point::Event, None, Some(*event)),
            Operation::SetState { group, .. } => (Point::SetGroupState, Some(*group), None),
            Operation::SubscribeState { group } => (Point::SubscribeGroupState, Some(*group), None),
            Operation::UnsubscribeState { group } => (Point::UnsubscribeGroupState, Some(*group), None),
        };
        let Some(connection) = self.subject(connections, key, point) else { return FrameEffects::default() };
        let fired = self.faults.fire(&Opportunity { group, event, ..self.opportunity(point, connection) });
        let (effects, ack) = effects::on_frame(&fired);
        if let Some(ack_id) = ack_id.filter(|_| ack != AckEffect::default()) {
            self.acks.insert((key, ack_id), ack);
        }
        effects
    }

    /// What becomes of an invocation, and of its answer.
    pub(super) fn on_invocation(
        &self,
        connections: &Connections,
        key: ConnectionKey,
        event: &str,
    ) -> (FrameEffects, AckEffect) {
        let Some(connection) = self.subject(connections, key, Point::Invoke) else { return Default::default() };
        let opportunity = Opportunity { event: Some(event), ..self.opportunity(Point::Invoke, connection) };
        effects::on_frame(&self.faults.fire(&opportunity))
    }

    /// What becomes of what a publisher says about a stream, and of the answer.
    pub(super) fn on_stream(
        &self,
        connections: &Connections,
        key: ConnectionKey,
        point: Point,
        group: Option<&str>,
    ) -> (FrameEffects, AckEffect) {
        let Some(connection) = self.subject(connections, key, point) else { return Default::default() };
        effects::on_frame(&self.faults.fire(&Opportunity { group, ..self.opportunity(point, connection) }))
    }

    /// What becomes of a frame that came and is no operation.
    pub(super) fn on_frame(&self, connections: &Connections, key: ConnectionKey, point: Point) -> FrameEffects {
        let Some(connection) = self.subject(connections, key, point) else { return FrameEffects::default() };
        effects::on_frame(&self.faults.fire(&self.opportunity(point, connection))).0
    }

    /// Whom a fault at a point may happen to. Nobody is looked for where none may happen.
    fn subject<'c>(&self, connections: &'c Connections, key: ConnectionKey, point: Point) -> Option<&'c Connection> {
        if self.cares_for(point) { connections.get(key) } else { None }
    }

    /// What becomes of an ack that is to be sent now.
    pub(super) fn on_ack(&mut self, key: ConnectionKey, ack_id: u64) -> AckEffect {
        self.acks.remove(&(key, ack_id)).unwrap_or_default()
    }

    /// Whether a recovery is refused, and with which close code.
    pub(super) fn on_recovery(&self, connections: &Connections, key: ConnectionKey) -> Option<u16> {
        let connection = self.subject(connections, key, Point::Recovering)?;
        effects::on_recovery(&self.faults.fire(&self.opportunity(Point::Recovering, connection)))
    }

    /// What happens to a connection that has opened or was recovered.
    pub(super) fn on_opening(&self, connections: &Connections, key: ConnectionKey, point: Point) -> OpeningEffects {
        let Some(connection) = self.subject(connections, key, point) else { return OpeningEffects::default() };
        effects::on_opening(&self.faults.fire(&self.opportunity(point, connection)))
    }

    /// A socket was attached, or faults came: plans the drops that are due some time after.
    pub(super) fn plan_drops(&mut self, now: Duration, connection: &mut Connection) {
        let newest = self.faults.newest();
        let Some(attachment) = connection.attachment() else { return };
        let (socket, seen) = (attachment.socket(), std::mem::replace(&mut attachment.faults_seen, newest));
        let fired = self.faults.fire_newer(seen, &self.opportunity(Point::Attached, connection));
        for (after, how) in effects::on_attached(&fired) {
            self.postpone(socket, now.saturating_add(after), Postponed::Drop(how));
        }
    }

    /// Whether any drop may be due some time after a socket opened.
    pub(super) fn plans_drops(&self) -> bool {
        self.cares_for(Point::Attached)
    }

    /// Whether any drop may be due after a number of frames. Cheap: asked for each frame that comes.
    pub(super) fn counts_frames(&self) -> bool {
        self.cares_for(Point::Frame)
    }

    /// A frame has passed on a socket: how the socket goes, if it was one too many.
    pub(super) fn count_frame(&mut self, connection: &Connection, socket: SocketId) -> Option<DropKind> {
        if !self.counts_frames() {
            return None;
        }
        let frames = self.frames.entry(socket).or_default();
        *frames += 1;
        let frames = *frames;
        effects::on_count(&self.faults.fire(&Opportunity { frames, ..self.opportunity(Point::Frame, connection) }))
    }

    /// Lets something happen later on a socket.
    pub(super) fn postpone(&mut self, socket: SocketId, at: Duration, what: Postponed) {
        self.ever_postponed += 1;
        self.postponed.insert((socket, self.ever_postponed), what);
        self.timers.set(InjectorTimer::Postponed(socket, self.ever_postponed), at);
    }

    /// When [`Self::handle_timeout`] has to be called.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Serves one timer that is due. What was postponed until then is the hub's to carry out.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> Option<(SocketId, Postponed)> {
        match self.timers.pop_due(now)? {
            InjectorTimer::Postponed(socket, number) => Some((socket, self.postponed.remove(&(socket, number))?)),
            InjectorTimer::Throttled(socket) => {
                if let Some(at) = self.throttle.release(now, socket) {
                    self.timers.set(InjectorTimer::Throttled(socket), at);
                }
                None
            }
        }
    }

    /// Whether outputs have to pass through here.
    pub(super) fn looks_at_outputs(&self) -> bool {
        !self.throttle.is_empty() || self.faults.care_for(Points::of(&OUTPUTS))
    }

    /// The next output that has passed.
    pub(super) fn take_passed(&mut self) -> Option<Output> {
        self.throttle.take_passed()
    }

    /// Looks at an output before it goes out. `owner`: whose socket a frame goes to. Gives how that socket goes, if it does.
    pub(super) fn pass(&mut self, now: Duration, output: Output, owner: Option<&Connection>) -> Option<DropKind> {
        match output {
            Output::Abort { socket } => {
                self.unthrottle(socket);
                self.throttle.pass(output);
                None
            }
            Output::Send { socket, frame } => match owner {
                Some(connection) => self.pass_frame(now, socket, frame, connection),
                None => {
                    self.put_out(now, socket, Output::Send { socket, frame }, Duration::ZERO, None);
                    None
                }
            },
            Output::Ping { socket } | Output::Close { socket, .. } | Output::Cut { socket, .. } => {
                self.put_out(now, socket, output, Duration::ZERO, None);
                None
            }
            Output::Pause { .. }
            | Output::Resume { .. }
            | Output::UserEvent(_)
            | Output::Connected { .. }
            | Output::Joined { .. }
            | Output::Left { .. }
            | Output::Disconnected { .. } => {
                self.throttle.pass(output);
                None
            }
        }
    }

    fn pass_frame(
        &mut self,
        now: Duration,
        socket: SocketId,
        frame: EncodedFrame,
        connection: &Connection,
    ) -> Option<DropKind> {
        let (point, group) = self.describe(connection, &frame);
        let opportunity = Opportunity { group: group.as_deref(), ..self.opportunity(point, connection) };
        let effects = effects::on_output(&self.faults.fire(&opportunity));
        for kind in effects.garbage {
            let frame = garbage_frame(kind, connection.codec());
            self.put_out(now, socket, Output::Send { socket, frame }, Duration::ZERO, None);
        }
        self.put_out(now, socket, Output::Send { socket, frame }, effects.latency, effects.bandwidth);
        effects.drop.or_else(|| self.count_frame(connection, socket))
    }

    /// What a frame is about, as far as any fault has to know.
    fn describe(&self, connection: &Connection, frame: &EncodedFrame) -> (Point, Option<String>) {
        if !self.faults.care_for(Points::of(&[Point::Message, Point::Control])) {
            return (Point::Control, None);
        }
        let Some(codec) = connection.codec() else { return (Point::Message, None) };
        match codec.decode_downstream(frame.as_wire(), &mut Unpacked::default()) {
            Downstream::Message(message) => match message.origin {
                Origin::Group { group, .. } => (Point::Message, Some(group.into_owned())),
                Origin::Server => (Point::Message, None),
            },
            Downstream::GroupState(states) => (Point::Message, Some(states.group.into_owned())),
            Downstream::Connected { .. }
            | Downstream::Disconnected { .. }
            | Downstream::Ack { .. }
            | Downstream::Pong
            | Downstream::InvokeResponse { .. }
            | Downstream::Stream(_)
            | Downstream::Unknown { .. } => (Point::Control, None),
        }
    }

    /// Hands an output out, at once or later.
    fn put_out(&mut self, now: Duration, socket: SocketId, output: Output, latency: Duration, bandwidth: Option<u64>) {
        let (latency, bandwidth) = if self.hurried { (Duration::ZERO, None) } else { (latency, bandwidth) };
        if let Some(at) = self.throttle.put(now, socket, output, latency, bandwidth) {
            self.timers.set(InjectorTimer::Throttled(socket), at);
        }
    }

    /// What is held back for a socket does not go out any more.
    fn unthrottle(&mut self, socket: SocketId) {
        if self.throttle.forget(socket) {
            self.timers.cancel(InjectorTimer::Throttled(socket));
        }
    }

    /// A socket was left open in silence: somebody has to close it in the end.
    pub(super) fn silence(&mut self, socket: SocketId) {
        self.silenced.insert(socket);
    }

    /// Whether a socket has something to come, be it nobody's any more: it was left in silence, or what is held back for
    /// it has not gone out.
    pub(super) fn has_unfinished(&self) -> bool {
        !self.silenced.is_empty() || !self.throttle.is_empty()
    }

    /// The service stops: what is held back goes out, and nothing is held back from now on. Gives those who were left in
    /// silence, who are let go.
    pub(super) fn hurry(&mut self) -> BTreeSet<SocketId> {
        self.hurried = true;
        for socket in self.throttle.release_all() {
            self.timers.cancel(InjectorTimer::Throttled(socket));
        }
        std::mem::take(&mut self.silenced)
    }

    /// A socket was taken from its connection: nothing happens on it later.
    pub(super) fn forget_attachment(&mut self, socket: SocketId) {
        self.frames.remove(&socket);
        while let Some((number, _)) = self.postponed.range((socket, 0)..=(socket, u64::MAX)).next() {
            let (socket, number) = *number;
            self.postponed.remove(&(socket, number));
            self.timers.cancel(InjectorTimer::Postponed(socket, number));
        }
    }

    /// A socket is gone.
    pub(super) fn forget_socket(&mut self, socket: SocketId) {
        self.silenced.remove(&socket);
        self.unthrottle(socket);
    }

    /// A connection has ended.
    pub(super) fn forget_connection(&mut self, key: ConnectionKey) {
        if !self.acks.is_empty() {
            self.acks.retain(|(of, _), _| *of != key);
        }
    }
}
