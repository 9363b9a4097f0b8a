//! The life of a connection: it opens, loses its socket, is recovered, and ends (PROTOCOL §1.5, §7.2, §8).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use super::acks::AckMemory;
use super::boundary::{ClientKind, CloseKind, Fresh, Open, Output, SocketId};
use super::connections::{Attachment, Client, Connection, ReliableQueue};
use super::farewell::{Farewell, LEFT, LOST, NOT_BACK};
use super::key::ConnectionKey;
use super::permissions::Permissions;
use super::timers::Timer;
use crate::fault::Point;
use crate::{Downstream, check_group_name};

impl Hub {
    /// A socket was upgraded.
    pub fn handle_open(&mut self, now: Duration, socket: SocketId, open: Open) {
        // Whose time is up cannot be recovered, whether or not the timer was served already.
        self.handle_timeout(now);
        match open {
            _ if self.stopped => self.send_off(socket, Farewell::GOING_AWAY),
            Open::Fresh(fresh) => self.open_fresh(socket, fresh),
            Open::Recover { connection_id, reconnection_token } => {
                self.recover(socket, &connection_id, &reconnection_token);
            }
        }
        self.settle(now);
    }

    fn open_fresh(&mut self, socket: SocketId, fresh: Fresh) {
        let acks = AckMemory::new(self.config.ack_memory);
        let id: Arc<str> = fresh.connection_id.unwrap_or_else(|| self.ids.draw()).into();
        let client = match fresh.client {
            ClientKind::Simple(mode) => Client::Simple(mode),
            ClientKind::PubSub(subprotocol) if subprotocol.is_reliable() => {
                Client::Reliable { subprotocol, acks, queue: ReliableQueue::new(self.ids.draw()) }
            }
            ClientKind::PubSub(subprotocol) => Client::Plain { subprotocol, acks },
        };
        let (user, permissions) = (fresh.user.map(Into::into), Permissions::from_roles(&fresh.roles));
        let connection_id = Arc::clone(&id);
        let key = self.connections.open(Connection::new(id, user, permissions, client, self.now));
        self.attach(key, socket);
        let effects = self.injector.on_opening(&self.connections, key, Point::Opened);
        if !effects.hides_connected {
            self.tell_connected(key);
        }
        if self.config.announces_connections {
            self.outputs.push_back(Output::Connected { connection_id });
        }
        for group in fresh.groups.iter().filter(|group| check_group_name(group).is_ok()) {
            self.join(key, group);
        }
        self.apply_opening(key, &effects);
    }

    fn attach(&mut self, key: ConnectionKey, socket: SocketId) {
        let next_ping = self.now.saturating_add(self.config.ping_interval);
        // It has come back, whatever it said when it left.
        if let Some(connection) = self.connections.get_mut(key) {
            connection.last_words = None;
        }
        self.connections.attach(key, Attachment::new(socket, self.now, next_ping));
        self.timers.set(Timer::Keepalive(socket), next_ping.min(self.now.saturating_add(self.config.silence_limit)));
    }

    /// The first frame of a PubSub connection (PROTOCOL §5.1).
    fn tell_connected(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key).filter(|connection| !connection.is_simple()) else {
            return;
        };
        let reconnection_token = connection.queue().map(|queue| Cow::Owned(queue.issue_token()));
        let (id, user) = (connection.id.clone(), connection.user.clone());
        self.tell(
            key,
            &Downstream::Connected {
                connection_id: Cow::Borrowed(&id),
                user_id: user.as_deref().map(Cow::Borrowed),
                reconnection_token,
            },
        );
    }

    /// PROTOCOL §7.2. A failed attempt leaves the connection alone, and gets no frame before the close: a client takes
    /// the first frame as the proof of a recovery (PROTOCOL §19.3).
    fn recover(&mut self, socket: SocketId, connection_id: &str, token: &str) {
        let known = self.connections.present(connection_id).filter(|(_, connection)| connection.is_token(token));
        let Some(key) = known.map(|(key, _)| key) else {
            self.send_off(socket, Farewell::NOT_RECOVERED);
            return;
        };
        if let Some(code) = self.injector.on_recovery(&self.connections, key) {
            self.send_off(socket, Farewell { code, ..Farewell::NOT_RECOVERED });
            if code == Farewell::NOT_RECOVERED.code {
                // For good: the service has lost it.
                self.end(key, Farewell::NOT_RECOVERED.message);
            }
            return;
        }
        if let Some(old) = self.detach(key) {
            self.outputs.push_back(Output::Abort { socket: old });
        }
        self.timers.cancel(Timer::Recovery(key));
        self.attach(key, socket);
        let effects = self.injector.on_opening(&self.connections, key, Point::Recovered);
        if self.config.send_connected_on_recovery && !effects.hides_connected {
            self.tell_connected(key);
        }
        self.replay(key);
        self.adjust_reading(key);
        self.apply_opening(key, &effects);
    }

    /// Sends everything unacknowledged again, in order.
    fn replay(&mut self, key: ConnectionKey) {
        let ends = self.connections.get_mut(key).map(Connection::ends);
        if let Some((Client::Reliable { queue, .. }, Some(attachment))) = ends {
            // What is replayed is within the limit of what is kept, so it is no backlog yet: the client has had no
            // chance to read any of it.
            let before = attachment.backlog;
            for (sequence_id, message) in queue.unacked() {
                attachment.send(message.frame(sequence_id), &mut self.outputs);
            }
            attachment.backlog = before;
        }
    }

    /// The client's socket is gone.
    pub fn handle_closed(&mut self, now: Duration, socket: SocketId, kind: CloseKind) {
        self.handle_farewell(now, socket, kind, "");
    }

    /// The same, with the reason in the client's close frame, which the application is told (PROTOCOL §14.5) when the
    /// connection ends by that and there is any.
    pub fn handle_farewell(&mut self, now: Duration, socket: SocketId, kind: CloseKind, reason: &str) {
        self.now = now;
        if let Some(key) = self.connections.on(socket) {
            if let Some(connection) = self.connections.get_mut(key)
                && !reason.is_empty()
            {
                connection.last_words = Some(reason.into());
            }
            self.socket_gone(key, kind);
        }
        self.injector.forget_socket(socket);
        self.settle(now);
    }

    pub(super) fn socket_gone(&mut self, key: ConnectionKey, kind: CloseKind) {
        self.detach(key);
        let Some(connection) = self.connections.get(key) else { return };
        match kind {
            CloseKind::Dropped if connection.is_reliable() => {}
            CloseKind::Clean if connection.held.is_empty() => self.end_by_client(key, LEFT),
            CloseKind::Dropped if connection.held.is_empty() => self.end_by_client(key, LOST),
            // What it sent before it closed is still carried out.
            CloseKind::Dropped | CloseKind::Clean => {
                self.connections.leave(key);
                self.timers.cancel(Timer::Recovery(key));
                // Clients may come and go faster than any handler answers.
                let leaving = self.connections.leaving();
                if leaving.connections > self.config.max_leaving || leaving.bytes > self.config.max_leaving_bytes {
                    self.end_by_client(key, if kind == CloseKind::Clean { LEFT } else { LOST });
                }
            }
        }
    }

    /// Ends a connection that its client has left: for the reason it gave, or else this one.
    pub(super) fn end_by_client(&mut self, key: ConnectionKey, otherwise: &'static str) {
        let words = self.connections.get_mut(key).and_then(|connection| connection.last_words.take());
        self.end(key, words.map_or(Cow::Borrowed(otherwise), |words| String::from(words).into()));
    }

    /// Takes the socket from a connection, which can be recovered from now on.
    fn detach(&mut self, key: ConnectionKey) -> Option<SocketId> {
        let socket = self.connections.detach(key)?;
        self.timers.cancel(Timer::Keepalive(socket));
        self.timers.set(Timer::Recovery(key), self.now.saturating_add(self.config.recovery_window));
        self.stop_waiting_for(key);
        self.injector.forget_attachment(socket);
        Some(socket)
    }

    /// Ends a connection from the service's side: it cannot be recovered (PROTOCOL §7.2). Every close of a PubSub
    /// connection has a `disconnected` frame before it; simple clients get none (PROTOCOL §3).
    pub(super) fn expel(&mut self, key: ConnectionKey, farewell: Farewell) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let codec = connection.codec();
        if let Some(attachment) = connection.attachment() {
            let socket = attachment.socket();
            if let Some(codec) = codec {
                let message = Some(Cow::Borrowed(&*farewell.message));
                attachment.send(codec.encode_downstream(&Downstream::Disconnected { message }), &mut self.outputs);
            }
            self.close_socket(socket, farewell.code, farewell.reason);
        }
        self.end(key, farewell.message);
    }

    /// Closes a socket that got no connection.
    fn send_off(&mut self, socket: SocketId, farewell: Farewell) {
        self.close_socket(socket, farewell.code, farewell.reason);
    }

    fn close_socket(&mut self, socket: SocketId, code: u16, reason: &'static str) {
        self.outputs.push_back(Output::Close { socket, code, reason: reason.into() });
    }

    /// Forgets a connection, for a reason that people understand.
    pub(super) fn end(&mut self, key: ConnectionKey, reason: impl Into<Cow<'static, str>>) {
        self.detach(key);
        self.timers.cancel(Timer::Recovery(key));
        self.timers.cancel(Timer::Aging(key));
        self.timers.cancel(Timer::Expiry(key));
        self.timers.cancel(Timer::StreamIdle(key));
        self.injector.forget_connection(key);
        self.unchecked.remove(&key);
        let groups = self.connections.get_mut(key).map(|connection| std::mem::take(&mut connection.groups));
        for group in groups.into_iter().flatten() {
            self.part_from(key, group);
        }
        let Some(connection) = self.connections.remove(key) else { return };
        let Connection { id: connection_id, user, held, streams, .. } = connection;
        if !held.is_empty() {
            self.waiting.retain(|waiting| *waiting != key);
        }
        if self.config.announces_connections {
            self.outputs.push_back(Output::Disconnected { connection_id, reason: reason.into() });
        }
        self.cancel_streams(key, user, streams.into_all());
    }

    /// The service stops: every client is told, and nothing can be opened or recovered any more.
    pub fn handle_shutdown(&mut self, now: Duration) {
        self.now = now;
        self.stopped = true;
        // Before the farewells, and none of them is held back.
        let silenced = self.injector.hurry();
        for key in self.connections.keys() {
            self.expel(key, Farewell::GOING_AWAY);
        }
        self.outputs.extend(silenced.into_iter().map(|socket| Output::Abort { socket }));
    }

    /// Serves the timers that are due.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        // The hub's own first where both are due at once.
        while let Some(at) = self.poll_timeout().filter(|at| *at <= now) {
            if let Some(timer) = self.timers.pop_due(at) {
                self.serve_timer(timer);
            } else if let Some((socket, postponed)) = self.injector.handle_timeout(now) {
                self.serve_postponed(socket, postponed);
            }
        }
        self.settle(now);
    }

    fn serve_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Keepalive(socket) => self.keep_alive(socket),
            Timer::Recovery(key) => self.end_by_client(key, NOT_BACK),
            Timer::Patience(key) => self.lose_patience(key),
            Timer::Aging(key) => self.drop_old(key),
            Timer::Expiry(key) => self.expire(key),
            Timer::StreamIdle(key) => self.end_idle_streams(key),
        }
    }

    /// PROTOCOL §8.1: pings the client, or drops it when it was silent for too long.
    fn keep_alive(&mut self, socket: SocketId) {
        let Some(key) = self.connections.on(socket) else { return };
        let (now, interval, limit) = (self.now, self.config.ping_interval, self.config.silence_limit);
        let Some(attachment) = self.connections.attachment(key) else { return };
        if attachment.paused {
            // Its silence is not its own.
            attachment.heard = now;
        }
        let silent_at = attachment.heard.saturating_add(limit);
        if now >= silent_at {
            self.outputs.push_back(Output::Abort { socket });
            self.socket_gone(key, CloseKind::Dropped);
            return;
        }
        if now >= attachment.next_ping {
            attachment.next_ping = now.saturating_add(interval);
            self.outputs.push_back(Output::Ping { socket });
        }
        let next = attachment.next_ping.min(silent_at);
        self.timers.set(Timer::Keepalive(socket), next);
    }
}
