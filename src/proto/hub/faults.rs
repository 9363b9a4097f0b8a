//! What faults do to a hub: the effects that its [`Injector`] gives it are carried out here.

use std::time::Duration;

use super::Hub;
use super::boundary::{CloseKind, Cut, Output, SocketId};
use super::farewell::Farewell;
use super::injector::{AckEffect, Injector, OpeningEffects, Postponed, SocketEffect, garbage_frame, garbled};
use super::key::ConnectionKey;
use super::timers::Timer;
use crate::fault::{DropKind, Faults, Garbage};
use crate::{AckError, Downstream};

impl Hub {
    /// Puts a hub of this name under these faults.
    pub fn set_faults(&mut self, faults: Faults, hub: &str) {
        self.injector = Injector::new(faults, hub.into());
    }

    /// Faults came into force, which sockets that are open already have to be asked about.
    pub fn handle_faults_changed(&mut self, now: Duration) {
        self.now = now;
        if self.injector.plans_drops() {
            for key in self.connections.keys() {
                self.plan_drops(key);
            }
        }
        // Drops after no time at all.
        self.handle_timeout(now);
    }

    /// A socket was attached, or faults came: plans the drops that are due some time after.
    fn plan_drops(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key) {
            self.injector.plan_drops(self.now, connection);
        }
    }

    /// The rest of what happens when a connection has opened or was recovered: after the `connected` frame.
    pub(super) fn apply_opening(&mut self, key: ConnectionKey, effects: &OpeningEffects) {
        for effect in &effects.then {
            match effect {
                SocketEffect::Garbage(kind) => self.send_garbage(key, *kind),
                SocketEffect::Drop(how) => self.drop_socket(key, how),
            }
        }
        self.plan_drops(key);
    }

    /// Sends an ack, unless a fault has something else in mind for it.
    pub(super) fn tell_ack(&mut self, key: ConnectionKey, ack_id: u64, result: Result<(), AckError<'_>>) {
        let frame = Downstream::Ack { ack_id, result };
        let effect = self.injector.on_ack(key, ack_id);
        self.tell_affected(key, &frame, effect);
    }

    /// Sends an answer as faults want it.
    pub(super) fn tell_affected(&mut self, key: ConnectionKey, frame: &Downstream<'_>, effect: AckEffect) {
        if effect.swallowed {
            return;
        }
        for _ in 0..1 + usize::from(effect.doubled) {
            // Lost without a socket, as any control frame.
            let Some(connection) = self.connections.get_mut(key) else { return };
            let (Some(codec), Some(attachment)) = (connection.codec(), connection.attachment()) else { return };
            let mut encoded = codec.encode_downstream(frame);
            if let (Some(kind), Downstream::InvokeResponse { invocation_id, .. }) = (effect.garbled, frame) {
                encoded = garbled(kind, codec, invocation_id, &encoded);
            }
            match effect.delay {
                None => {
                    attachment.send(encoded, &mut self.outputs);
                    self.check_load(key);
                }
                Some(delay) => {
                    self.injector.postpone(
                        attachment.socket(),
                        self.now.saturating_add(delay),
                        Postponed::Send(encoded),
                    );
                }
            }
        }
    }

    /// It is time for something that was postponed.
    pub(super) fn serve_postponed(&mut self, socket: SocketId, postponed: Postponed) {
        let Some(key) = self.connections.on(socket) else { return };
        match postponed {
            Postponed::Drop(how) => self.drop_socket(key, &how),
            Postponed::Send(frame) => {
                if let Some(attachment) = self.connections.attachment(key) {
                    attachment.send(frame, &mut self.outputs);
                }
                self.check_load(key);
            }
        }
    }

    /// The token of the connection on this socket expires so much later.
    pub fn handle_expiry(&mut self, now: Duration, socket: SocketId, after: Duration) {
        self.now = now;
        if let Some(key) = self.connections.on(socket) {
            self.timers.set(Timer::Expiry(key), now.saturating_add(after));
        }
    }

    /// The token of a connection has expired.
    pub(super) fn expire(&mut self, key: ConnectionKey) {
        self.expel(key, Farewell::EXPIRED);
        // One that waits to be recovered ends, too.
        self.end(key, "The access token has expired.");
    }

    /// Takes the socket from a connection.
    pub(super) fn drop_socket(&mut self, key: ConnectionKey, how: &DropKind) {
        let Some(attachment) = self.connections.attachment(key) else { return };
        let socket = attachment.socket();
        let cut = match how {
            DropKind::Reset => Cut::Reset,
            DropKind::Eof => Cut::Eof,
            DropKind::Silence => {
                self.injector.silence(socket);
                Cut::Silence
            }
            DropKind::Close { code, reason } => {
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
    pub(super) fn send_garbage(&mut self, key: ConnectionKey, kind: Garbage) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let codec = connection.codec();
        let Some(attachment) = connection.attachment() else { return };
        let socket = attachment.socket();
        self.outputs.push_back(Output::Send { socket, frame: garbage_frame(kind, codec) });
    }

    /// Hands an output to the injector before it goes out.
    pub(super) fn pass(&mut self, output: Output) {
        let (now, socket) = (self.now, output.receiver());
        let Some((key, socket)) = socket.and_then(|socket| Some((self.connections.on(socket)?, socket))) else {
            self.injector.pass(now, output, None);
            return;
        };
        if let Some(how) = self.injector.pass(now, output, self.connections.get(key)) {
            self.drop_at_once(key, socket, &how);
        }
        self.settle(now);
    }

    /// A frame came on a socket: is it one too many?
    pub(super) fn count_frame(&mut self, socket: SocketId) {
        if !self.injector.counts_frames() {
            return;
        }
        // A socket that the frame itself has cost is not counted on.
        let Some(key) = self.connections.on(socket) else { return };
        let how = self.connections.get(key).and_then(|connection| self.injector.count_frame(connection, socket));
        if let Some(how) = how {
            self.drop_at_once(key, socket, &how);
        }
    }

    /// Takes a socket away, with all that was to go out on it.
    fn drop_at_once(&mut self, key: ConnectionKey, socket: SocketId, how: &DropKind) {
        self.outputs.retain(|output| output.receiver() != Some(socket));
        self.drop_socket(key, how);
    }

    /// Drops the socket of a connection on request. `false` when there is no such connection, or it has no socket.
    pub fn handle_drop(&mut self, now: Duration, connection_id: &str, how: &DropKind) -> bool {
        self.now = now;
        let attached = self.connections.by_id(connection_id).filter(|(_, connection)| connection.is_attached());
        let Some((key, _)) = attached else { return false };
        self.drop_socket(key, how);
        self.settle(now);
        true
    }
}
