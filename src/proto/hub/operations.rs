//! Joining, leaving, publishing and events: the four operations, their judgement, and their acks (PROTOCOL §4 – §6).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use super::acks::Known;
use super::boundary::{EventAnswer, EventId, Output, SimpleMode, SocketId, UserEvent, Violation};
use super::connections::{Client, Connection};
use super::delivery::Delivery;
use super::farewell::Farewell;
use super::injector::AckEffect;
use super::key::ConnectionKey;
use super::operation::{Flow, Operation};
use super::states::StateRefusal;
use crate::fault::Point;
use crate::{
    AckError, Codec, Data, Downstream, Malformed, Message, Octets, Origin, Text, Unpacked, Upstream, WireFrame,
};

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is carried out.
    Proceed,
    /// Its ackId succeeded before.
    Duplicate,
    /// Its ackId is at the handler already; the one ack to come answers both.
    InFlight,
    /// The role is missing.
    Forbidden,
    /// It is in as many groups as a connection may be in.
    TooManyGroups,
    /// What concerns states has rules of its own.
    State(StateRefusal),
}

/// An event at its handler.
#[derive(Debug)]
pub(super) struct PendingEvent {
    /// Who waits for the answer.
    connection: ConnectionKey,
    pub(super) asked: Asked,
    /// What it counts for in the connection's pending bytes.
    weight: usize,
}

/// What waits for a handler's answer.
#[derive(Debug)]
pub(super) enum Asked {
    /// An event.
    Event { ack_id: Option<u64> },
    /// An invocation, with the client's id and what becomes of the answer.
    Invocation { id: Box<str>, answer: AckEffect },
    /// Nothing any more: the client has called its invocation off.
    Cancelled,
}

impl Hub {
    /// Carries out a frame, unless it has to wait for slow receivers.
    pub(super) fn accept(&mut self, key: ConnectionKey, frame: WireFrame<'_>) -> Flow {
        let Some(connection) = self.connections.get(key) else { return Flow::Done };
        let codec = match &connection.client {
            Client::Simple(mode) => {
                let mode = mode.clone();
                return self.accept_bare(key, &mode, frame);
            }
            Client::Plain { subprotocol, .. } | Client::Reliable { subprotocol, .. } => subprotocol.codec(),
        };
        let mut unpacked = Unpacked::default();
        let farewell = match codec.decode_upstream(frame, &mut unpacked) {
            Ok(frame) => return self.accept_frame(key, &frame),
            Err(Malformed::Content(_)) => Farewell::malformed(codec),
            Err(Malformed::Kind(_)) => Farewell::wrong_frame_type(codec),
        };
        self.expel(key, farewell);
        Flow::Done
    }

    /// PROTOCOL §3: every frame of a simple client is the same operation.
    fn accept_bare(&mut self, key: ConnectionKey, mode: &SimpleMode, frame: WireFrame<'_>) -> Flow {
        let data = match frame {
            WireFrame::Text(text) => Data::Text(Text::Plain(text)),
            WireFrame::Binary(bytes) => Data::Binary(Octets::Plain(bytes)),
        };
        let operation = match mode {
            SimpleMode::SendEvent => Operation::Event { event: "message", data, metadata: None },
            SimpleMode::SendToGroup { group, no_echo } => {
                Operation::Send { group, no_echo: *no_echo, ttl_seconds: 0, data, metadata: None }
            }
        };
        self.operate(key, operation, None)
    }

    fn accept_frame(&mut self, key: ConnectionKey, frame: &Upstream<'_>) -> Flow {
        match frame {
            Upstream::JoinGroup { group, ack_id } => self.operate(key, Operation::Join { group }, *ack_id),
            Upstream::LeaveGroup { group, ack_id } => self.operate(key, Operation::Leave { group }, *ack_id),
            Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
                let (no_echo, ttl_seconds, data, metadata) = (*no_echo, ttl_seconds.unwrap_or(0), *data, *metadata);
                self.operate(key, Operation::Send { group, no_echo, ttl_seconds, data, metadata }, *ack_id)
            }
            Upstream::Event { event, ack_id, data, metadata } => {
                self.operate(key, Operation::Event { event, data: *data, metadata: *metadata }, *ack_id)
            }
            Upstream::SequenceAck(sequence_id) => {
                if self.is_lost(key, Point::SequenceAck) {
                    return Flow::Done;
                }
                // Ignored on the non-reliable protocol (PROTOCOL §4.7).
                if let Some(queue) = self.connections.queue(key) {
                    queue.acknowledge(*sequence_id);
                    self.relax(key);
                }
                Flow::Done
            }
            Upstream::Invoke { invocation_id, event, data, metadata } => {
                self.invoke(key, invocation_id, event, *data, *metadata)
            }
            Upstream::CancelInvocation { invocation_id } => {
                self.cancel_invocation(key, invocation_id);
                Flow::Done
            }
            Upstream::Ping => {
                if !self.is_lost(key, Point::Ping) {
                    self.tell(key, &Downstream::Pong);
                }
                Flow::Done
            }
            Upstream::Stream(request) => self.accept_stream(key, request),
            Upstream::SetGroupState { group, ack_id, state } => {
                self.operate(key, Operation::SetState { group, state: state.as_ref() }, *ack_id)
            }
            Upstream::SubscribeGroupState { group, ack_id } => {
                self.operate(key, Operation::SubscribeState { group }, *ack_id)
            }
            Upstream::UnsubscribeGroupState { group, ack_id } => {
                self.operate(key, Operation::UnsubscribeState { group }, *ack_id)
            }
        }
    }

    /// Whether a fault takes a frame that is no operation.
    pub(super) fn is_lost(&mut self, key: ConnectionKey, point: Point) -> bool {
        let effects = self.injector.on_frame(&self.connections, key, point);
        for kind in effects.garbage {
            self.send_garbage(key, kind);
        }
        if let Some(how) = effects.drop {
            self.drop_socket(key, &how);
        }
        effects.ignored
    }

    /// The one way every operation takes.
    fn operate(&mut self, key: ConnectionKey, operation: Operation<'_>, ack_id: Option<u64>) -> Flow {
        if self.must_wait(key, &operation) {
            if let Operation::Send { group, .. } = &operation {
                self.await_group(key, group);
            }
            return Flow::Wait;
        }
        let effects = self.injector.on_operation(&self.connections, key, &operation, ack_id);
        for kind in effects.garbage {
            self.send_garbage(key, kind);
        }
        match effects.nack {
            Some((name, message)) => self.refuse(key, ack_id, &name, &message),
            None if effects.ignored => {}
            None => self.decide(key, operation, ack_id),
        }
        if let Some(how) = effects.drop {
            self.drop_socket(key, &how);
        }
        Flow::Done
    }

    /// Carries an operation out or refuses it, as it was judged.
    fn decide(&mut self, key: ConnectionKey, operation: Operation<'_>, ack_id: Option<u64>) {
        match self.judge(key, &operation, ack_id) {
            Verdict::Proceed => self.perform(key, operation, ack_id),
            Verdict::InFlight => {}
            Verdict::Duplicate => {
                let id = ack_id.unwrap_or_default();
                self.refuse(key, ack_id, "Duplicate", &format!("Message with ack-id: {id} has been processed"));
            }
            Verdict::Forbidden => self.forbid(key, operation, ack_id),
            Verdict::TooManyGroups => {
                let message = format!("A connection can be in {} groups at most.", self.config.max_groups);
                self.refuse(key, ack_id, "BadRequest", &message);
            }
            Verdict::State(refusal) => {
                let (name, message) = refusal.error(operation.group().unwrap_or_default());
                self.refuse(key, ack_id, name, &message);
            }
        }
    }

    /// The service's own judgement: every operation that no fault has met passes here, and nothing is decided about it
    /// anywhere else.
    fn judge(&mut self, key: ConnectionKey, operation: &Operation<'_>, ack_id: Option<u64>) -> Verdict {
        let Some(connection) = self.connections.get_mut(key) else { return Verdict::InFlight };
        match ack_id.zip(connection.acks()).map(|(id, acks)| acks.look_up(id)) {
            Some(Known::Done) => return Verdict::Duplicate,
            Some(Known::InFlight) => return Verdict::InFlight,
            Some(Known::No) | None => {}
        }
        let permitted = match operation {
            Operation::Join { group } | Operation::Leave { group } => connection.permissions.may_join_or_leave(group),
            Operation::Send { group, .. } => connection.permissions.may_send(group),
            // No role is needed for events (PROTOCOL §4.3), nor to be told no more (§9.3).
            Operation::Event { .. } | Operation::UnsubscribeState { .. } => true,
            Operation::SetState { group, state } => {
                return StateRefusal::of_set(connection, group, *state).map_or(Verdict::Proceed, Verdict::State);
            }
            Operation::SubscribeState { group } => {
                return StateRefusal::of_subscription(connection, group).map_or(Verdict::Proceed, Verdict::State);
            }
        };
        match operation {
            _ if !permitted => Verdict::Forbidden,
            Operation::Join { group } if !connection.has_room_for(group, self.config.max_groups) => {
                Verdict::TooManyGroups
            }
            Operation::Join { .. }
            | Operation::Leave { .. }
            | Operation::Send { .. }
            | Operation::Event { .. }
            | Operation::SetState { .. }
            | Operation::SubscribeState { .. }
            | Operation::UnsubscribeState { .. } => Verdict::Proceed,
        }
    }

    fn perform(&mut self, key: ConnectionKey, operation: Operation<'_>, ack_id: Option<u64>) {
        match operation {
            Operation::Join { group } => {
                self.join(key, group);
                self.succeed(key, ack_id);
            }
            Operation::Leave { group } => {
                self.leave(key, group);
                self.succeed(key, ack_id);
            }
            Operation::Send { group, no_echo, ttl_seconds, data, metadata } => {
                let Some(user) = self.connections.get(key).map(|connection| connection.user.clone()) else { return };
                let origin = Origin::Group { group: group.into(), user_id: user.as_deref().map(Cow::Borrowed) };
                let message = Message { origin, sequence_id: None, data, metadata, stream: None, redelivered: false };
                // The echo comes before the ack (PROTOCOL §5.6).
                let ttl = Duration::from_secs(ttl_seconds.into());
                let expires = (ttl_seconds > 0).then(|| self.now.saturating_add(ttl));
                self.publish(group, Delivery::expiring(message, expires), no_echo.then_some(key));
                self.succeed(key, ack_id);
            }
            Operation::Event { event, data, metadata } => {
                self.ask_handler(key, event, Some(data), metadata, Asked::Event { ack_id });
            }
            Operation::SetState { group, state } => {
                // Who is told is told before the ack (PROTOCOL §9.3).
                self.set_state(key, group, state);
                self.succeed(key, ack_id);
            }
            Operation::SubscribeState { group } => self.subscribe(key, group, ack_id),
            Operation::UnsubscribeState { group } => {
                self.unsubscribe(key, group);
                self.succeed(key, ack_id);
            }
        }
    }

    pub(super) fn join(&mut self, key: ConnectionKey, group: &str) {
        if let Some(connection) = self.connections.get_mut(key) {
            let name = self.groups.join(group, key);
            let is_new = connection.groups.insert(Arc::clone(&name));
            if is_new {
                self.congestion.joined(key, &name);
            }
            if is_new && self.config.announces_groups {
                let connection_id = Arc::clone(&connection.id);
                self.outputs.push_back(Output::Joined { connection_id, group: name });
            }
        }
    }

    pub(super) fn leave(&mut self, key: ConnectionKey, group: &str) {
        let name = self.connections.get_mut(key).and_then(|connection| connection.groups.take(group));
        if let Some(name) = name {
            self.part_from(key, name);
        }
    }

    /// A connection that was in a group is no longer.
    pub(super) fn part_from(&mut self, key: ConnectionKey, group: Arc<str>) {
        self.groups.leave(&group, key);
        self.stop_waiting_in(key, &group);
        self.end_state(key, &group);
        if self.config.announces_groups
            && let Some(connection) = self.connections.get(key)
        {
            let connection_id = Arc::clone(&connection.id);
            self.outputs.push_back(Output::Left { connection_id, group });
        }
    }

    /// Hands an event over to the application. `None`: there is no such connection.
    pub(super) fn ask_handler(
        &mut self,
        key: ConnectionKey,
        event: &str,
        data: Option<Data<'_>>,
        metadata: Option<&str>,
        asked: Asked,
    ) -> Option<EventId> {
        let connection = self.connections.get_mut(key)?;
        if let Asked::Event { ack_id: Some(id) } = asked
            && let Some(acks) = connection.acks()
        {
            acks.begin(id);
        }
        let weight = data.map_or(0, Data::weight);
        connection.pending.begin(weight);
        self.events_asked += 1;
        let event_id = EventId(self.events_asked);
        let is_invocation = matches!(asked, Asked::Invocation { .. });
        self.events.insert(event_id, PendingEvent { connection: key, asked, weight });
        self.outputs.push_back(Output::UserEvent(Box::new(UserEvent {
            event_id,
            connection_id: Arc::clone(&connection.id),
            user_id: connection.user.clone(),
            event: event.to_owned(),
            data: data.map(Data::to_owned),
            metadata: metadata.map(Into::into),
            is_invocation,
        })));
        Some(event_id)
    }

    /// The handler answered a user event. The answer of an event whose connection is gone is dropped.
    pub fn handle_event_answer(&mut self, now: Duration, event_id: EventId, answer: &EventAnswer) {
        self.now = now;
        let Some(PendingEvent { connection: key, asked, weight }) = self.events.remove(&event_id) else { return };
        if let Some(connection) = self.connections.get_mut(key) {
            connection.pending.end(weight);
            // The event that waits behind this one can go.
            self.release_due |= !connection.held.is_empty();
        }
        match asked {
            Asked::Event { ack_id } => self.answer_event(key, ack_id, answer),
            Asked::Invocation { id, answer: effect } => self.answer_invocation(key, &id, event_id, effect, answer),
            Asked::Cancelled => {}
        }
        self.settle(now);
    }

    fn answer_event(&mut self, key: ConnectionKey, ack_id: Option<u64>, answer: &EventAnswer) {
        match answer {
            EventAnswer::NoContent => self.succeed(key, ack_id),
            EventAnswer::Reply { data, metadata } => {
                let data = data.as_data();
                let message = Message {
                    origin: Origin::Server,
                    sequence_id: None,
                    data,
                    metadata: metadata.as_deref(),
                    stream: None,
                    redelivered: false,
                };
                // Before the ack (PROTOCOL §5.6).
                self.deliver_to(key, message);
                self.succeed(key, ack_id);
            }
            EventAnswer::Refused { .. } | EventAnswer::Failed => self.fail_event(key, ack_id, "Internal server error"),
            EventAnswer::Unhandled => self.fail_event(key, ack_id, "There is no event handler that takes the event."),
        }
    }

    fn fail_event(&mut self, key: ConnectionKey, ack_id: Option<u64>, message: &str) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match &mut connection.client {
            Client::Simple(_) => self.expel(key, Farewell::HANDLER_FAILED),
            Client::Plain { acks, .. } | Client::Reliable { acks, .. } => {
                if let Some(id) = ack_id {
                    acks.fail(id);
                }
                self.refuse(key, ack_id, "InternalServerError", message);
            }
        }
    }

    fn forbid(&mut self, key: ConnectionKey, operation: Operation<'_>, ack_id: Option<u64>) {
        if self.connections.get(key).is_some_and(Connection::is_simple) {
            self.expel(key, Farewell::RAW_MODE_FORBIDDEN);
            return;
        }
        let (what, group) = match operation {
            Operation::Join { group } => ("join", group),
            Operation::Leave { group } => ("leave", group),
            Operation::Send { group, .. } => ("send to", group),
            Operation::Event { .. }
            | Operation::SetState { .. }
            | Operation::SubscribeState { .. }
            | Operation::UnsubscribeState { .. } => return,
        };
        let message = format!("The client does not have permission to {what} group '{group}'.");
        self.refuse(key, ack_id, "Forbidden", &message);
    }

    /// Remembers and acknowledges a success, if the client asked for an ack.
    pub(super) fn succeed(&mut self, key: ConnectionKey, ack_id: Option<u64>) {
        let Some(ack_id) = ack_id else { return };
        if let Some(acks) = self.connections.acks(key) {
            acks.succeed(ack_id);
            self.tell_ack(key, ack_id, Ok(()));
        }
    }

    /// Sends a negative ack; without an ackId the failure is silent (PROTOCOL §6).
    fn refuse(&mut self, key: ConnectionKey, ack_id: Option<u64>, name: &str, message: &str) {
        let Some(ack_id) = ack_id else { return };
        let error = AckError { name: name.into(), message: message.into() };
        self.tell_ack(key, ack_id, Err(error));
    }

    /// Sends a control frame, if the connection has a socket. Control frames are not sequenced and not replayed.
    pub(super) fn tell(&mut self, key: ConnectionKey, frame: &Downstream<'_>) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (Some(codec), Some(attachment)) = (connection.codec(), connection.attachment()) else { return };
        attachment.send(codec.encode_downstream(frame), &mut self.outputs);
        self.check_load(key);
    }

    /// What a client did that its socket cannot go on after. The connection ends; recovering it would only bring the
    /// same frame again.
    pub fn handle_violation(&mut self, now: Duration, socket: SocketId, violation: Violation) {
        self.now = now;
        let Some(key) = self.connections.on(socket) else { return };
        let codec = self.connections.get(key).and_then(Connection::codec).unwrap_or(Codec::Json);
        self.expel(
            key,
            match violation {
                Violation::InvalidUtf8 => Farewell::malformed(codec),
                Violation::TooBig => Farewell::TOO_BIG,
                Violation::Framing => Farewell::FRAMING,
            },
        );
        self.settle(now);
    }
}
