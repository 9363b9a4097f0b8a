//! A hub as a vector of inputs: sockets that come, go and come back, frames good and bad, timers, what the application
//! asks, faults.
//!
//! Whatever comes: nothing panics or spins, nothing is sent to a socket that is gone, no message of a connection is left
//! out or sent twice, the application is told of each connection and each membership once, and when everybody has gone
//! nothing of them is left.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Tape;
use super::frames::upstream;
use crate::fault::{ACTIONS, DropKind, Fault, Faults};
use crate::hub::{
    ClientKind, CloseKind, Cut, EventAnswer, EventId, Fresh, Hub, HubConfig, Open, Outgoing, Output, Permission,
    Selection, SimpleMode, SocketId, Target, Violation,
};
use crate::{
    Data, Downstream, EncodedFrame, Message, OwnedData, StateFrame, Subprotocol, Unpacked, Upstream, WireFrame,
};

/// Runs a hub through a vector of inputs, and holds it to its promises.
pub fn hub(bytes: &[u8]) {
    let mut tape = Tape::new(bytes);
    let mut world = FuzzWorld::new(&mut tape);
    while !tape.is_over() {
        world.step(&mut tape);
    }
    world.end();
}

/// A client of the hub, on one socket after the other.
struct FuzzClient {
    kind: ClientKind,
    /// As the hub has said it.
    connection: Option<(String, Option<String>)>,
    socket: Option<SocketId>,
    /// The largest sequence id it saw.
    seen: u64,
    /// The hub does not want to hear of it for now.
    paused: bool,
    /// Bytes that were sent to it and not written.
    unwritten: usize,
}

struct FuzzWorld {
    hub: Hub,
    now: Duration,
    faults: Faults,
    clients: Vec<FuzzClient>,
    sockets: u64,
    /// Sockets that the hub is done with and whose ends it has not heard of.
    left: BTreeSet<SocketId>,
    /// Those of them that it has left in silence.
    silenced: BTreeSet<SocketId>,
    /// Sockets that clients have left without a word.
    abandoned: BTreeSet<SocketId>,
    /// Events that wait for their answer.
    events: BTreeSet<u64>,
    announces: bool,
    connected: BTreeSet<Arc<str>>,
    joined: BTreeSet<(Arc<str>, Arc<str>)>,
    /// A fault has been in force: what comes may be wrong in any way.
    was_faulty: bool,
    /// A message may have expired, or a client has acknowledged what it had not seen: it is not replayed.
    may_skip: bool,
}

impl FuzzWorld {
    fn new(tape: &mut Tape<'_>) -> Self {
        let announces = tape.flag();
        let small = tape.flag();
        let config = HubConfig {
            max_unacked_messages: if small { 4 } else { 1000 },
            max_unacked_bytes: if small { 2_000 } else { 1 << 20 },
            max_backlog_bytes: if small { 4_000 } else { 1 << 20 },
            patience: tape.of(&[Duration::ZERO, Duration::from_secs(2)]),
            ack_memory: 4,
            max_groups: 3,
            max_pending_events: 2,
            max_pending_event_bytes: 200,
            max_leaving: 2,
            max_leaving_bytes: 20_000,
            announces_connections: announces,
            announces_groups: announces,
            send_connected_on_recovery: tape.flag(),
            ..HubConfig::default()
        };
        let mut hub = Hub::new(config, &[7; 32]);
        let faults = Faults::new(u64::from(tape.byte()));
        hub.set_faults(faults.clone(), "hub");
        Self {
            hub,
            now: Duration::ZERO,
            faults,
            clients: Vec::new(),
            sockets: 0,
            left: BTreeSet::new(),
            silenced: BTreeSet::new(),
            abandoned: BTreeSet::new(),
            events: BTreeSet::new(),
            announces,
            connected: BTreeSet::new(),
            joined: BTreeSet::new(),
            was_faulty: false,
            may_skip: false,
        }
    }

    fn step(&mut self, tape: &mut Tape<'_>) {
        let which = usize::from(tape.below(4));
        match tape.below(32) {
            0 | 1 => self.open(tape),
            2 | 3 => self.recover(tape, which),
            4..=14 => self.frame(tape, which),
            15 => {
                let Some(socket) = self.socket(which) else { return };
                let bytes = tape.bytes();
                let text = String::from_utf8_lossy(bytes);
                let frame = if tape.flag() { WireFrame::Text(&text) } else { WireFrame::Binary(bytes) };
                self.look(which, frame);
                self.hub.handle_frame(self.now, socket, frame);
            }
            16 => {
                if let Some(socket) = self.socket(which) {
                    self.hub.handle_life(self.now, socket);
                }
            }
            17 | 18 => {
                let kind = if tape.flag() { CloseKind::Clean } else { CloseKind::Dropped };
                self.close(which, kind, tape.flag());
            }
            19 => {
                if let Some(client) = self.clients.get_mut(which)
                    && let Some(socket) = client.socket
                {
                    let written = if tape.flag() { client.unwritten } else { client.unwritten / 2 };
                    client.unwritten -= written;
                    self.hub.handle_written(self.now, socket, written);
                }
            }
            20 | 21 => {
                let time = tape.time();
                self.pass(time);
            }
            22 | 23 => self.answer(tape),
            24..=26 => self.application(tape, which),
            27 => self.permit(tape, which),
            28 => {
                let fault = match tape.flag() {
                    true => ACTIONS[usize::from(tape.byte()) % ACTIONS.len()].example.parse::<Fault>(),
                    false => String::from_utf8_lossy(tape.bytes()).parse(),
                };
                if let Ok(fault) = fault {
                    self.was_faulty |= self.faults.add(fault).is_some();
                    self.hub.handle_faults_changed(self.now);
                }
            }
            29 => {
                let how = match tape.below(4) {
                    0 => DropKind::Reset,
                    1 => DropKind::Eof,
                    2 => DropKind::Silence,
                    _ => DropKind::Close { code: u16::from(tape.byte()) + 1000, reason: "r".into() },
                };
                if let Some((id, _)) = self.clients.get(which).and_then(|client| client.connection.clone()) {
                    self.hub.handle_drop(self.now, &id, &how);
                }
            }
            30 => match (self.socket(which), tape.below(4)) {
                (Some(socket), 0) => self.hub.handle_expiry(self.now, socket, tape.time()),
                (Some(socket), 1) => {
                    let violation = tape.of(&[Violation::InvalidUtf8, Violation::TooBig, Violation::Framing]);
                    self.hub.handle_violation(self.now, socket, violation);
                }
                (_, 2) => {
                    self.hub.handle_window_advanced(self.now, None, tape.flag().then(|| tape.time()));
                }
                _ => {
                    self.faults.clear();
                    self.hub.handle_faults_changed(self.now);
                }
            },
            _ => {
                if tape.byte() > 250 {
                    self.hub.handle_shutdown(self.now);
                }
            }
        }
        self.carry_out();
    }

    fn socket(&self, which: usize) -> Option<SocketId> {
        self.clients.get(which).and_then(|client| client.socket)
    }

    fn new_socket(&mut self) -> SocketId {
        self.sockets += 1;
        SocketId(self.sockets)
    }

    fn open(&mut self, tape: &mut Tape<'_>) {
        if self.clients.len() >= 4 {
            // One that is over makes room.
            let Some(over) = self.clients.iter().position(|client| client.socket.is_none()) else { return };
            self.clients.remove(over);
        }
        let kind = match tape.below(6) {
            0 => ClientKind::PubSub(Subprotocol::Json),
            1 | 2 => ClientKind::PubSub(Subprotocol::JsonReliable),
            3 => ClientKind::PubSub(Subprotocol::Protobuf),
            4 => ClientKind::PubSub(Subprotocol::ProtobufReliable),
            _ => ClientKind::Simple(match tape.flag() {
                true => SimpleMode::SendEvent,
                false => SimpleMode::SendToGroup { group: "g".into(), no_echo: tape.flag() },
            }),
        };
        let all = ["joinLeaveGroup", "sendToGroup", "setGroupState", "getGroupState", "sendToGroups.g", "x"];
        let bits = tape.byte();
        let roles = (0..).zip(all).filter(|(bit, _)| bits >> bit & 1 == 0);
        let groups = ["g", "g2", "", "g3"];
        let joins = tape.byte();
        let fresh = Fresh {
            connection_id: None,
            client: kind.clone(),
            user: tape.flag().then(|| tape.of(&["u1", "u2"]).to_owned()),
            roles: roles.map(|(_, role)| format!("webpubsub.{role}")).collect(),
            groups: (0..).zip(groups).filter(|(bit, _)| joins >> bit & 1 == 1).map(|(_, group)| group.into()).collect(),
        };
        let socket = self.new_socket();
        let client = FuzzClient { kind, connection: None, socket: Some(socket), seen: 0, paused: false, unwritten: 0 };
        self.clients.push(client);
        self.hub.handle_open(self.now, socket, Open::Fresh(fresh));
    }

    fn recover(&mut self, tape: &mut Tape<'_>, which: usize) {
        let socket = self.new_socket();
        let Some(client) = self.clients.get_mut(which) else { return };
        let Some((connection_id, Some(token))) = client.connection.clone() else { return };
        let reconnection_token = if tape.byte() == 255 { "wrong".into() } else { token };
        self.abandoned.extend(client.socket.replace(socket));
        (client.paused, client.unwritten) = (false, 0);
        self.hub.handle_open(self.now, socket, Open::Recover { connection_id, reconnection_token });
    }

    fn frame(&mut self, tape: &mut Tape<'_>, which: usize) {
        let Some(client) = self.clients.get(which) else { return };
        let Some(socket) = client.socket else { return };
        match client.kind {
            ClientKind::PubSub(subprotocol) => {
                let frame = upstream(tape, subprotocol.codec(), client.seen);
                self.look(which, frame.as_wire());
                self.hub.handle_frame(self.now, socket, frame.as_wire());
            }
            ClientKind::Simple(_) => self.hub.handle_frame(self.now, socket, WireFrame::Text("x")),
        }
    }

    /// Notes what a frame may keep the hub from replaying.
    fn look(&mut self, which: usize, frame: WireFrame<'_>) {
        let Some(client) = self.clients.get(which) else { return };
        let ClientKind::PubSub(subprotocol) = client.kind else { return };
        let mut unpacked = Unpacked::default();
        let read = subprotocol.codec().decode_upstream(frame, &mut unpacked);
        self.may_skip |= match read {
            Ok(Upstream::SequenceAck(id)) => id > client.seen,
            Ok(Upstream::SendToGroup { ttl_seconds, .. }) => ttl_seconds.is_some_and(|seconds| seconds > 0),
            _ => false,
        };
    }

    fn close(&mut self, which: usize, kind: CloseKind, in_words: bool) {
        let Some(client) = self.clients.get_mut(which) else { return };
        let Some(socket) = client.socket.take() else { return };
        match in_words {
            true => self.hub.handle_farewell(self.now, socket, kind, "bye"),
            false => self.hub.handle_closed(self.now, socket, kind),
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let mut rounds = 0;
        while let Some(due) = self.hub.poll_timeout().filter(|due| *due <= until) {
            rounds = if due > self.now { 0 } else { rounds + 1 };
            assert!(rounds < 50, "a busy loop");
            self.now = self.now.max(due);
            self.hub.handle_timeout(self.now);
            self.carry_out();
        }
        self.now = until;
    }

    fn answer(&mut self, tape: &mut Tape<'_>) {
        let Some(event) = self.events.pop_first() else { return };
        let answer = match tape.below(6) {
            0 => EventAnswer::NoContent,
            1 => EventAnswer::reply(OwnedData::text("a")),
            2 => EventAnswer::Reply { data: OwnedData::binary(b"b"), metadata: Some("{\"k\":\"v\"}".into()) },
            3 => EventAnswer::Refused { status: 400 },
            4 => EventAnswer::Failed,
            _ => EventAnswer::Unhandled,
        };
        self.hub.handle_event_answer(self.now, EventId(event), &answer);
    }

    fn application(&mut self, tape: &mut Tape<'_>, which: usize) {
        let id = self.clients.get(which).and_then(|client| client.connection.clone());
        let (id, _) = id.unwrap_or_default();
        let target = match tape.below(4) {
            0 => Target::Everyone,
            1 => Target::Group("g"),
            2 => Target::User("u1"),
            _ => Target::Connection(&id),
        };
        let excluded = if tape.flag() { vec![id.clone()] } else { Vec::new() };
        let selection = Selection { excluded: &excluded, ..Selection::all(target) };
        let groups = ["g".to_owned(), "g2".to_owned(), "g4".to_owned(), "g5".to_owned()];
        match tape.below(8) {
            0..=3 => {
                let data = Data::Json("{\"a\":1}");
                let ttl = if tape.flag() { tape.limit() } else { Duration::ZERO };
                self.may_skip |= !ttl.is_zero();
                let outgoing = Outgoing { data, metadata: None, ttl };
                self.hub.handle_send(self.now, &selection, &outgoing, tape.flag());
            }
            4 => {
                self.hub.handle_close(self.now, &selection, tape.flag().then_some("r"));
            }
            5 => {
                self.hub.handle_add_to_groups(self.now, &selection, &groups);
            }
            6 => {
                let groups = tape.flag().then_some(&groups[..2]);
                self.hub.handle_remove_from_groups(self.now, &selection, groups);
            }
            _ => {
                let _ = (self.hub.members("g", None, 2), self.hub.has_any(&selection), self.hub.take_released());
            }
        }
    }

    fn permit(&mut self, tape: &mut Tape<'_>, which: usize) {
        let id = self.clients.get(which).and_then(|client| client.connection.clone());
        let Some((id, _)) = id else { return };
        let permission = tape.of(&[Permission::SendToGroup, Permission::JoinLeaveGroup]);
        let group = tape.flag().then_some("g");
        match tape.flag() {
            true => self.hub.handle_grant(self.now, &id, permission, group),
            false => self.hub.handle_revoke(self.now, &id, permission, group),
        };
    }

    fn carry_out(&mut self) {
        let mut said = 0;
        while let Some(output) = self.hub.poll_output() {
            said += 1;
            assert!(said < 100_000, "it spins");
            self.output(output);
        }
        self.hub.check();
        self.faults.take_notes();
    }

    fn of(&mut self, socket: SocketId, what: &str) -> &mut FuzzClient {
        let client = self.clients.iter_mut().find(|client| client.socket == Some(socket));
        client.unwrap_or_else(|| panic!("{what} for a socket that is gone"))
    }

    fn output(&mut self, output: Output) {
        if self.is_for_nobody(&output) {
            return;
        }
        match output {
            Output::Send { socket, frame } => self.sent(socket, &frame),
            Output::Ping { socket } => drop(self.of(socket, "a ping")),
            // When the service stops.
            Output::Abort { socket } if self.silenced.remove(&socket) => {}
            Output::Close { socket, .. } | Output::Abort { socket } | Output::Cut { socket, .. } => {
                if let Output::Cut { how: Cut::Silence, .. } = output {
                    self.silenced.insert(socket);
                }
                self.of(socket, "an end").socket = None;
                self.left.insert(socket);
            }
            Output::Pause { socket } => assert!(!std::mem::replace(&mut self.of(socket, "a pause").paused, true)),
            Output::Resume { socket } => assert!(std::mem::take(&mut self.of(socket, "a resume").paused)),
            Output::UserEvent(event) => assert!(self.events.insert(event.event_id.0), "asked twice"),
            Output::Connected { connection_id } => {
                assert!(self.announces && self.connected.insert(connection_id), "connected twice");
            }
            Output::Disconnected { connection_id, .. } => {
                assert!(self.connected.remove(&connection_id), "disconnected twice");
                assert!(self.joined.iter().all(|(id, _)| *id != connection_id), "a member that is not connected");
            }
            Output::Joined { connection_id, group } => {
                assert!(self.connected.contains(&connection_id), "a member that is not connected");
                assert!(self.joined.insert((connection_id, group)), "joined twice");
            }
            Output::Left { connection_id, group } => {
                assert!(self.joined.remove(&(connection_id, group)), "left twice");
            }
        }
    }

    /// Whether it is for a socket that its client has left without a word.
    fn is_for_nobody(&mut self, output: &Output) -> bool {
        let (socket, ends) = match output {
            Output::Send { socket, .. }
            | Output::Ping { socket }
            | Output::Pause { socket }
            | Output::Resume { socket } => (socket, false),
            Output::Close { socket, .. } | Output::Abort { socket } | Output::Cut { socket, .. } => (socket, true),
            Output::UserEvent(_)
            | Output::Connected { .. }
            | Output::Disconnected { .. }
            | Output::Joined { .. }
            | Output::Left { .. } => return false,
        };
        let is_abandoned = self.abandoned.contains(socket);
        if ends && self.abandoned.remove(socket) {
            if let Output::Cut { how: Cut::Silence, .. } = output {
                self.silenced.insert(*socket);
            }
            self.left.insert(*socket);
        }
        is_abandoned
    }

    /// What a client makes of a frame.
    fn sent(&mut self, socket: SocketId, frame: &EncodedFrame) {
        let was_faulty = self.was_faulty;
        let may_skip = was_faulty || self.may_skip;
        let client = self.of(socket, "a frame");
        client.unwritten += frame.cost();
        let ClientKind::PubSub(subprotocol) = client.kind else { return };
        let mut unpacked = Unpacked::default();
        let sequence_id = match subprotocol.codec().decode_downstream(frame.as_wire(), &mut unpacked) {
            Downstream::Connected { connection_id, reconnection_token, .. } => {
                assert!(was_faulty || reconnection_token.is_some() == subprotocol.is_reliable());
                client.connection =
                    Some((connection_id.into_owned(), reconnection_token.map(|token| token.into_owned())));
                None
            }
            Downstream::Message(Message { sequence_id, .. })
            | Downstream::GroupState(StateFrame { sequence_id, .. }) => {
                assert!(was_faulty || sequence_id.is_some() == subprotocol.is_reliable());
                sequence_id
            }
            Downstream::Unknown { reason, .. } => {
                assert!(was_faulty, "{reason}: {frame:?}");
                None
            }
            Downstream::Disconnected { .. }
            | Downstream::Ack { .. }
            | Downstream::Pong
            | Downstream::InvokeResponse { .. }
            | Downstream::Stream(_) => None,
        };
        if let Some(id) = sequence_id {
            assert!(may_skip || id <= client.seen + 1, "a gap: {id} after {}", client.seen);
            client.seen = client.seen.max(id);
        }
    }

    /// Everybody goes, and nothing is left of them.
    fn end(mut self) {
        self.faults.clear();
        self.hub.handle_faults_changed(self.now);
        self.carry_out();
        for which in 0..self.clients.len() {
            self.close(which, CloseKind::Dropped, false);
            self.carry_out();
        }
        let left: Vec<SocketId> = self.left.iter().chain(&self.abandoned).copied().collect();
        for socket in left {
            self.hub.handle_closed(self.now, socket, CloseKind::Dropped);
            self.carry_out();
        }
        // Each answer may let another event go out.
        let mut rounds = 0;
        while let Some(event) = self.events.pop_first() {
            rounds += 1;
            assert!(rounds < 100_000, "there is always another event");
            self.hub.handle_event_answer(self.now, EventId(event), &EventAnswer::NoContent);
            self.carry_out();
        }
        self.pass(Duration::from_secs(120));
        while let Some(event) = self.events.pop_first() {
            self.hub.handle_event_answer(self.now, EventId(event), &EventAnswer::NoContent);
            self.carry_out();
        }
        self.pass(Duration::from_secs(120));
        assert!(self.hub.is_empty(), "connections are left: {:?}", self.hub);
        self.hub.check_empty();
        assert!(self.connected.is_empty() && self.joined.is_empty(), "the application was not told of an end");
        assert_eq!(self.hub.poll_timeout(), None, "something is due for nobody");
    }
}
