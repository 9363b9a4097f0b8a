//! The connections of a tunnel: each dialled, up, on its way out, one after another in the same place.

use std::time::Duration;

use super::output::{TunnelDestination, TunnelEnd, TunnelEvent, TunnelOutput, TunnelSocket};
use super::{CLOSING, TunnelClient, passing};
use crate::session::{DialFailure, EndKind, LossCause, Retries, dial_verdict};

/// A connection, or the attempt to make one.
#[derive(Debug)]
pub(super) struct ClientLine {
    pub(super) place: TunnelDestination,
    pub(super) state: LineState,
    /// Attempts that have failed, in a row.
    pub(super) retry: u32,
    /// When something came last.
    pub(super) heard: Duration,
    /// When a ping went out last.
    pinged: Duration,
    /// Requests whose answers are not written yet.
    pub(super) in_hand: usize,
    /// Memory of answers that are not written yet.
    pub(super) unwritten: usize,
    /// What it was at just now, as far as is known.
    pub(super) attention: Attention,
    /// A request was answered on it.
    pub(super) served: bool,
}

/// What a line is at.
#[derive(Debug)]
pub(super) enum LineState {
    /// Until the next attempt.
    Waiting { until: Duration },
    /// Until the dial has failed by itself.
    Dialing { until: Duration },
    /// The socket is open; the frame that says that the connection is up has not come.
    Opened { until: Duration },
    /// Requests come.
    Up { since: Duration },
    /// It is to end, when its requests are answered and no more can be on their way, or at the latest at `until`.
    Leaving { earliest: Duration, until: Duration },
    /// Its close frame is out.
    Closing { until: Duration },
}

/// Whether a line is read, and whose matter it is that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attention {
    /// It is.
    Reads,
    /// Not before there is room here.
    Waits,
    /// Not before it has taken some of its answers.
    Choked,
}

/// What is to be done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineDue {
    Dial,
    GiveUpDial,
    Ping,
    GiveUpSilent,
    GiveUpStuck,
    Close,
    Abort,
}

impl ClientLine {
    /// Something can come on it.
    pub(super) fn has_socket(&self) -> bool {
        match self.state {
            LineState::Waiting { .. } | LineState::Dialing { .. } => false,
            LineState::Opened { .. } | LineState::Up { .. } | LineState::Leaving { .. } | LineState::Closing { .. } => {
                true
            }
        }
    }

    /// Nobody has said that it is to end.
    pub(super) fn stays(&self) -> bool {
        matches!(self.state, LineState::Opened { .. } | LineState::Up { .. })
    }

    /// An answer that is sent on it gets there, as far as anybody knows.
    pub(super) fn answers(&self) -> bool {
        matches!(self.state, LineState::Opened { .. } | LineState::Up { .. } | LineState::Leaving { .. })
    }
}

impl TunnelClient {
    /// The next thing that time brings for a line, and when.
    pub(super) fn due(&self, line: &ClientLine) -> Option<(Duration, LineDue)> {
        let alive = || match self.attention(line) {
            // It is not read until it takes its answers: as long as it takes some, something is heard of it.
            Attention::Choked => self.config.ping_timeout.map(|after| (line.heard + after, LineDue::GiveUpStuck)),
            // What was not read is no silence of the service's.
            Attention::Waits => None,
            Attention::Reads => {
                let ping = self.config.ping_interval.map(|after| (line.heard.max(line.pinged) + after, LineDue::Ping));
                let silent = self.config.ping_timeout.map(|after| (line.heard + after, LineDue::GiveUpSilent));
                [ping, silent].into_iter().flatten().min_by_key(|(at, _)| *at)
            }
        };
        match line.state {
            LineState::Waiting { until } => Some((until, LineDue::Dial)),
            LineState::Dialing { until } | LineState::Opened { until } => Some((until, LineDue::GiveUpDial)),
            LineState::Up { .. } => alive(),
            LineState::Leaving { earliest, until } => {
                Some((if line.in_hand == 0 { earliest.min(until) } else { until }, LineDue::Close))
            }
            LineState::Closing { until } => Some((until, LineDue::Abort)),
        }
    }

    pub(super) fn carry_out(&mut self, now: Duration, socket: TunnelSocket, due: LineDue) {
        match due {
            LineDue::Dial => {
                if let Some(line) = self.lines.remove(&socket) {
                    self.dial(now, line.place, line.retry);
                }
            }
            LineDue::GiveUpDial => {
                let was_open =
                    self.lines.get(&socket).is_some_and(|line| matches!(line.state, LineState::Opened { .. }));
                self.outputs.push_back(TunnelOutput::Abort { socket });
                let limit = self.config.connect_timeout.as_secs_f64();
                let what = if was_open {
                    format!("the socket opened, and the service did not say within {limit} s that the connection is up")
                } else {
                    format!("timed out after {limit} s")
                };
                self.attempt_failed(now, socket, passing(what));
            }
            LineDue::Ping => {
                if let Some(line) = self.lines.get_mut(&socket) {
                    line.pinged = now;
                    self.outputs.push_back(TunnelOutput::Ping { socket });
                }
            }
            LineDue::GiveUpSilent => {
                self.outputs.push_back(TunnelOutput::Abort { socket });
                let silence = self.config.ping_timeout.unwrap_or_default();
                self.handle_lost(now, socket, LossCause::Silent(silence));
            }
            LineDue::GiveUpStuck => {
                self.outputs.push_back(TunnelOutput::Abort { socket });
                let limit = self.config.ping_timeout.unwrap_or_default().as_secs_f64();
                let what = format!("the service has taken nothing of its answers for {limit} s");
                self.handle_lost(now, socket, LossCause::Broken(what));
            }
            LineDue::Close => self.close(now, socket),
            LineDue::Abort => {
                self.outputs.push_back(TunnelOutput::Abort { socket });
                self.drop_line(now, socket);
            }
        }
    }

    /// Begins an attempt.
    pub(super) fn dial(&mut self, now: Duration, place: TunnelDestination, retry: u32) {
        let socket = self.name_socket();
        let until = now.saturating_add(self.config.connect_timeout);
        self.outputs.push_back(TunnelOutput::Dial { socket, place: place.clone() });
        self.insert(now, socket, place, retry, LineState::Dialing { until });
    }

    fn name_socket(&mut self) -> TunnelSocket {
        self.next_socket += 1;
        TunnelSocket(self.next_socket)
    }

    fn insert(&mut self, now: Duration, socket: TunnelSocket, place: TunnelDestination, retry: u32, state: LineState) {
        let line = ClientLine {
            place,
            state,
            retry,
            heard: now,
            pinged: now,
            in_hand: 0,
            unwritten: 0,
            attention: Attention::Reads,
            served: false,
        };
        self.lines.insert(socket, line);
    }

    /// The service says that the connection is up.
    pub(super) fn greeted(&mut self, now: Duration, socket: TunnelSocket, connection_id: String) {
        let Some(line) = self.lines.get_mut(&socket) else { return };
        if !matches!(line.state, LineState::Opened { .. }) {
            return;
        }
        line.state = LineState::Up { since: now };
        self.was_connected = true;
        // From here on it is read as the others are.
        self.note_reading(now);
        let connections = self.connections();
        self.report(TunnelEvent::Connected { socket, connection_id, connections });
    }

    /// An attempt has failed.
    pub(super) fn attempt_failed(&mut self, now: Duration, socket: TunnelSocket, failure: DialFailure) {
        let Some(line) = self.lines.get(&socket) else { return };
        let (place, retry) = (line.place.clone(), line.retry);
        self.drop_line(now, socket);
        let verdict = dial_verdict(failure.class);
        if verdict.retry {
            self.again(now, place, retry, failure.message, failure.retry_after);
        } else {
            self.give_up(verdict.end, failure.message);
        }
        self.end_if_over();
    }

    /// Another attempt in the same place, after a pause.
    pub(super) fn again(
        &mut self,
        now: Duration,
        place: TunnelDestination,
        retry: u32,
        error: String,
        asked_for: Option<Duration>,
    ) {
        if self.stopping.is_some() {
            return;
        }
        let retries =
            if self.was_connected { self.config.retries_once_connected } else { self.config.retries_until_connected };
        let kind = if self.was_connected { EndKind::Lost } else { EndKind::Unreachable };
        if matches!(retries, Retries::Limited(most) if retry >= most) {
            return self.give_up(kind, error);
        }
        let attempt = retry.saturating_add(1);
        let delay = match self.config.backoff.pause_of(attempt, asked_for, &mut self.jitter) {
            Ok(delay) => delay,
            Err(too_long) => return self.give_up(kind, format!("{error}; {too_long}")),
        };
        self.report(TunnelEvent::Waiting { attempt, delay, error });
        let socket = self.name_socket();
        self.insert(now, socket, place, attempt, LineState::Waiting { until: now.saturating_add(delay) });
    }

    fn give_up(&mut self, kind: EndKind, error: String) {
        if !self.lines.is_empty() {
            self.report(TunnelEvent::GivenUp { error: error.clone() });
        }
        self.reason = Some(TunnelEnd::Failed { kind, message: error });
    }

    /// It is to end: not before so much time, then as soon as its requests are answered, and in any case within the other.
    pub(super) fn leave(&mut self, now: Duration, socket: TunnelSocket, (linger, within): (Duration, Duration)) {
        if let Some(line) = self.lines.get_mut(&socket) {
            line.state = LineState::Leaving { earliest: now.saturating_add(linger), until: now.saturating_add(within) };
            self.leave_if_done(now, socket);
        }
    }

    pub(super) fn leave_if_done(&mut self, now: Duration, socket: TunnelSocket) {
        let is_done = |line: &ClientLine| {
            matches!(line.state, LineState::Leaving { earliest, .. } if earliest <= now) && line.in_hand == 0
        };
        if self.lines.get(&socket).is_some_and(is_done) {
            self.close(now, socket);
        }
    }

    fn close(&mut self, now: Duration, socket: TunnelSocket) {
        if let Some(line) = self.lines.get_mut(&socket) {
            let until = self.stopping.map_or(now + CLOSING, |by| by.min(now + CLOSING).max(now));
            line.state = LineState::Closing { until };
            self.outputs.push_back(TunnelOutput::Close { socket });
            self.forget_waiting(socket);
        }
    }

    /// It is no more: what waits on it is not asked, and what has not gone out is lost.
    pub(super) fn drop_line(&mut self, now: Duration, socket: TunnelSocket) {
        self.lines.remove(&socket);
        self.forget_unwritten(socket);
        self.forget_waiting(socket);
        self.ask_next(now);
    }
}
