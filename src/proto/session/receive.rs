//! Frames: what each one means to the session and to its user.

use std::time::Duration;

use super::event::{Lifecycle, Received};
use super::operations::AckResult;
use super::phase::{ConnectionIdentity, ReconnectionToken, RecoveryStep, SessionPhase};
use super::recovery::live;
use super::sequence::SequenceOrder;
use super::verdict::LossCause;
use super::{Output, Session};
use crate::{Downstream, Message, StateFrame, Unpacked, Upstream, WireFrame};

/// How often waiting operations are given the time in which bytes moved and no frame came.
const MOVING: Duration = Duration::from_millis(100);

impl Session {
    /// A frame came. Lifecycle events that belong before the message are among the outputs. `unpacked` is an empty one.
    pub fn handle_frame<'f>(
        &mut self,
        now: Duration,
        frame: WireFrame<'f>,
        unpacked: &'f mut Unpacked,
    ) -> Received<'f> {
        if let Some(reason) = self.config.codec.refusal(frame) {
            return self.pass_on(now, reason);
        }
        let bytes = frame.len();
        let frame = self.decoder.decode(frame, unpacked);
        if let Downstream::Connected { reconnection_token: Some(token), .. } = &frame {
            self.new_token = Some(ReconnectionToken(token.as_ref().to_owned()));
        }
        match &mut self.phase {
            SessionPhase::Live(_) => {}
            SessionPhase::Greeting { .. } => return self.greet(now, frame),
            SessionPhase::Recovering(recovery) => {
                let RecoveryStep::Proving { disconnect_message, .. } = &mut recovery.step else {
                    return Received::Control;
                };
                // A farewell proves nothing: the close that follows decides.
                if let Downstream::Disconnected { message } = frame {
                    *disconnect_message = message.map(|message| message.into_owned());
                    return Received::Control;
                }
                // Another connection than the one asked for recovers nothing.
                if let Downstream::Connected { connection_id, .. } = &frame
                    && *connection_id != recovery.identity.connection_id
                {
                    if let Some(recovery) = self.phase.take_recovery() {
                        self.outputs.push_back(Output::Abort);
                        let (loss, reason) =
                            (recovery.loss.clone(), "the service opened another connection in place of the lost one");
                        self.give_up(now, *recovery, reason.into(), loss);
                    }
                    return Received::Control;
                }
                if let Some(recovery) = self.phase.take_recovery() {
                    self.recovered(now, recovery);
                }
            }
            SessionPhase::Idle
            | SessionPhase::Dialing { .. }
            | SessionPhase::Waiting { .. }
            | SessionPhase::Closing { .. }
            | SessionPhase::Ended => {
                return Received::Control;
            }
        }
        self.receive(now, frame, bytes)
    }

    /// A frame came that the subprotocol does not have (PROTOCOL §19.13).
    fn pass_on(&mut self, now: Duration, reason: &'static str) -> Received<'static> {
        if matches!(self.phase, SessionPhase::Closing { .. } | SessionPhase::Ended) {
            return Received::Control;
        }
        self.handle_sign_of_life(now);
        if let SessionPhase::Live(live) = &mut self.phase {
            live.unplaced += 1;
        }
        Received::Unknown { reason: reason.into() }
    }

    /// A WebSocket ping or pong came: any frame is life.
    pub fn handle_sign_of_life(&mut self, now: Duration) {
        if let SessionPhase::Live(live) = &mut self.phase {
            live.last_received = now;
        }
    }
    /// Bytes of a frame that is not whole yet have come, or some of ours went out after the service had taken none for a
    /// while. That is life as well (CLI contract, `--ping-interval`); it proves no recovery, but one whose first frame is
    /// on its way is given the time that it takes.
    pub fn handle_progress(&mut self, now: Duration) {
        let (attempt, patience) = (self.recovery_attempt(), self.patience());
        match &mut self.phase {
            SessionPhase::Live(live) => {
                live.last_received = now;
                // The ack is behind what comes, or the operation is still on its way.
                let since = *live.moving_since.get_or_insert(now);
                if now.saturating_sub(since) >= MOVING {
                    live.moving_since = Some(now);
                    self.operations.postpone(since, now, patience);
                    self.streams.excuse(now, patience.ack_timeout);
                }
            }
            SessionPhase::Recovering(recovery) => {
                if let RecoveryStep::Proving { deadline, .. } = &mut recovery.step {
                    *deadline = (*deadline).max(now.saturating_add(attempt));
                }
            }
            SessionPhase::Idle
            | SessionPhase::Dialing { .. }
            | SessionPhase::Greeting { .. }
            | SessionPhase::Waiting { .. }
            | SessionPhase::Closing { .. }
            | SessionPhase::Ended => {}
        }
    }

    /// The first frame of a fresh connection has to be `connected` (PROTOCOL §5.1).
    fn greet<'f>(&mut self, now: Duration, frame: Downstream<'f>) -> Received<'f> {
        match frame {
            Downstream::Connected { connection_id, user_id, reconnection_token } => {
                let connection_id = connection_id.into_owned();
                let token = ReconnectionToken::given(reconnection_token);
                self.was_connected = true;
                self.ordinal += 1;
                self.note_change();
                self.renewed = false;
                self.stall.restart(now);
                let user_id = user_id.map(|user| user.into_owned());
                let identity = ConnectionIdentity {
                    connection_id: connection_id.clone(),
                    user_id: user_id.clone(),
                    token,
                    sequence: self.new_sequence(),
                    ordinal: self.ordinal,
                };
                self.event(Lifecycle::Connected { connection_id, user_id });
                self.phase = SessionPhase::Live(Box::new(live(identity, now, now, None)));
                self.operations.begin_socket(now);
                self.rejoin(now);
                self.restate_all();
                self.send_queued(now);
                self.send_invocations(now);
                self.resume_streams(now);
                self.send_waiting_pings(now);
                Received::Control
            }
            Downstream::Disconnected { message } => {
                if let SessionPhase::Greeting { disconnect_message, .. } = &mut self.phase {
                    *disconnect_message = message.map(|message| message.into_owned());
                }
                Received::Control
            }
            Downstream::Unknown { reason, .. } => Received::Unknown { reason },
            Downstream::Ack { .. } => Received::Unknown { reason: "an ack before `connected`".into() },
            Downstream::Pong => Received::Unknown { reason: "a `pong` before `connected`".into() },
            Downstream::GroupState(_) => Received::Unknown { reason: "group states before `connected`".into() },
            Downstream::Message(_) => Received::Unknown { reason: "a message before `connected`".into() },
            Downstream::InvokeResponse { .. } => Received::Unknown { reason: "an answer before `connected`".into() },
            Downstream::Stream(answer) => {
                Received::Unknown { reason: format!("a `{}` before `connected`", answer.name()).into() }
            }
        }
    }

    fn receive<'f>(&mut self, now: Duration, frame: Downstream<'f>, bytes: usize) -> Received<'f> {
        let SessionPhase::Live(live) = &mut self.phase else { return Received::Control };
        live.last_received = now;
        live.moving_since = None;
        let sequence_id = match &frame {
            // It stands for no place among the others (PROTOCOL §7.1): neither to be dropped for it, nor to be delivered.
            Downstream::Message(Message { sequence_id: Some(0), .. })
            | Downstream::GroupState(StateFrame { sequence_id: Some(0), .. }) => {
                return Received::Unknown { reason: "a `sequenceId` of 0: they begin at 1".into() };
            }
            Downstream::Message(message) => message.sequence_id,
            Downstream::GroupState(states) => states.sequence_id,
            Downstream::Unknown { sequence_id, .. } => sequence_id.filter(|id| *id > 0),
            Downstream::Connected { .. }
            | Downstream::Disconnected { .. }
            | Downstream::Ack { .. }
            | Downstream::InvokeResponse { .. }
            | Downstream::Pong
            | Downstream::Stream(_) => None,
        };
        // Whether it had a place among the messages cannot be seen (PROTOCOL §19.32).
        if matches!(frame, Downstream::Unknown { .. }) && sequence_id.is_none() {
            live.unplaced += 1;
        }
        let not_understood = if sequence_id.is_some() { std::mem::take(&mut live.unplaced) } else { 0 };
        let arrival = live.identity.sequence.arrive(now, sequence_id, bytes);
        live.progress |= sequence_id.is_some() && arrival != SequenceOrder::Duplicate;
        let ack = if self.backlogged { None } else { live.identity.sequence.take_ack(now) };
        let repeated = live.identity.sequence.may_be_repeated(sequence_id);
        if let (SequenceOrder::Gap { expected }, Some(sequence_id)) = (arrival, sequence_id) {
            self.event(Lifecycle::SequenceGap { expected, sequence_id, not_understood });
        }
        if let Some(id) = ack {
            self.send(&Upstream::SequenceAck(id));
        }
        if arrival == SequenceOrder::Duplicate {
            return Received::Duplicate;
        }
        match frame {
            Downstream::Message(mut message) => {
                self.counts.received += 1;
                message.redelivered = repeated;
                if message.stream.is_some()
                    && let Some(trouble) = self.receivers.arrive(now, &message)
                {
                    self.event(trouble);
                }
                Received::Message(message)
            }
            Downstream::GroupState(states) => self.take_states(states),
            Downstream::Unknown { reason, .. } => Received::Unknown { reason },
            Downstream::Ack { ack_id, result } => {
                let patience = self.patience();
                let (backoff, jitter) = (self.config.operation_backoff, &mut self.jitter);
                let pause = |retry| backoff.pause(retry, jitter);
                let acked = self.operations.acknowledge(now, ack_id, &result, patience, pause);
                self.report_failed_attempts();
                let freed = match acked {
                    AckResult::Stray | AckResult::Retrying => None,
                    AckResult::Settled(settled) => {
                        if let SessionPhase::Live(live) = &mut self.phase {
                            live.progress = true;
                        }
                        let freed = settled.freed_group();
                        self.settle(settled);
                        freed
                    }
                };
                self.send_freed(now, freed);
                Received::Control
            }
            Downstream::Connected { connection_id, reconnection_token, .. } => {
                let SessionPhase::Live(live) = &mut self.phase else { return Received::Control };
                if connection_id != live.identity.connection_id {
                    return self.meet_another_connection(now, &connection_id);
                }
                if let Some(token) = ReconnectionToken::given(reconnection_token) {
                    live.identity.token = Some(token);
                    self.note_change();
                }
                Received::Control
            }
            Downstream::Disconnected { message } => {
                if let SessionPhase::Live(live) = &mut self.phase {
                    live.disconnect_message = message.map(|message| message.into_owned());
                }
                Received::Control
            }
            Downstream::InvokeResponse { invocation_id, answer } => {
                self.take_answer(now, &invocation_id, answer);
                Received::Control
            }
            Downstream::Pong => {
                self.ponged(now);
                Received::Control
            }
            Downstream::Stream(answer) => {
                self.answer_stream(now, &answer);
                Received::Control
            }
        }
    }

    /// Whatever comes on this socket from now on is another connection's: its sequence ids, its token, its groups. The
    /// own one may still be there, so that the socket is dropped and the connection recovered.
    fn meet_another_connection(&mut self, now: Duration, id: &str) -> Received<'static> {
        if let Some(live) = self.phase.take_live() {
            self.outputs.push_back(Output::Abort);
            let cause =
                LossCause::Broken(format!("the service began another connection, `{id}`, on this one's socket"));
            self.lose(now, live, cause);
        }
        Received::Unknown { reason: format!("`connected` for another connection, `{id}`").into() }
    }
}
