//! Any inputs in any order: nothing panics or spins, every request that is asked is settled once, every answer goes out on
//! the connection that asked, once, and a stop brings all of it to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::client::config;
use crate::session::{DialClass, DialFailure, LossCause};
use crate::tunnel::{
    RequestKey, Tracing, TunnelClient, TunnelEvent, TunnelFrame, TunnelMove, TunnelOutput, TunnelRequest, TunnelSocket,
};

#[derive(Clone, Debug)]
enum TunnelStep {
    Pass(u64),
    Open(usize),
    Greet(usize),
    Fail(usize, u16),
    Lose(usize),
    Request(usize, i64),
    Answer(usize, bool),
    Write(usize),
    Stall(bool),
    Reconnect(usize),
    Rebalance(usize),
    Close(usize),
    Garbage(usize, Vec<u8>),
    Stop,
}

fn steps() -> impl Strategy<Value = Vec<TunnelStep>> {
    let step = prop_oneof![
        6 => (0..15_000u64).prop_map(TunnelStep::Pass),
        6 => (0..4usize).prop_map(TunnelStep::Open),
        6 => (0..4usize).prop_map(TunnelStep::Greet),
        2 => (0..4usize, proptest::sample::select(vec![0, 401, 503])).prop_map(|(at, status)| TunnelStep::Fail(at, status)),
        2 => (0..4usize).prop_map(TunnelStep::Lose),
        12 => (0..4usize, 0..6i64).prop_map(|(at, id)| TunnelStep::Request(at, id)),
        10 => (0..6usize, any::<bool>()).prop_map(|(at, large)| TunnelStep::Answer(at, large)),
        10 => (0..6usize).prop_map(TunnelStep::Write),
        1 => any::<bool>().prop_map(TunnelStep::Stall),
        1 => (0..4usize).prop_map(TunnelStep::Reconnect),
        1 => (0..4usize).prop_map(TunnelStep::Rebalance),
        1 => (0..4usize).prop_map(TunnelStep::Close),
        1 => (0..4usize, proptest::collection::vec(any::<u8>(), 0..32)).prop_map(|(at, bytes)| TunnelStep::Garbage(at, bytes)),
        1 => Just(TunnelStep::Stop),
    ];
    proptest::collection::vec(step, 0..120)
}

/// What a driver knows, and what must be true of it.
#[derive(Default)]
struct AnswerOracle {
    /// Sockets that were dialled and not dropped.
    sockets: Vec<TunnelSocket>,
    /// What the application was asked, and by which socket.
    asked: BTreeMap<RequestKey, (TunnelSocket, i64)>,
    settled: BTreeSet<RequestKey>,
    /// What was sent and has not gone out.
    unwritten: BTreeSet<RequestKey>,
    /// Answers that are under way: more pieces follow.
    open: BTreeMap<(TunnelSocket, i64), bool>,
    /// Requests of a socket that nobody has answered.
    due: BTreeSet<(TunnelSocket, i64)>,
    ended: bool,
}

impl AnswerOracle {
    fn see(&mut self, tunnel: &mut TunnelClient) {
        let mut many = 0;
        while let Some(output) = tunnel.poll_output() {
            many += 1;
            assert!(many < 10_000, "it spins");
            assert!(!self.ended, "something comes after the end");
            match output {
                TunnelOutput::Dial { socket, .. } => self.sockets.push(socket),
                TunnelOutput::Abort { socket } => self.sockets.retain(|known| *known != socket),
                TunnelOutput::Close { socket } | TunnelOutput::Ping { socket } => {
                    assert!(self.sockets.contains(&socket), "into the void");
                }
                TunnelOutput::Ask(ask) => {
                    let (_, id) = *self
                        .due
                        .iter()
                        .find(|(socket, id)| {
                            *id == ask.request.ack_id && ask.request.channel_name == socket.0.to_string()
                        })
                        .expect("a request that came");
                    let socket = TunnelSocket(ask.request.channel_name.parse().unwrap());
                    assert!(self.asked.insert(ask.key, (socket, id)).is_none(), "asked twice");
                }
                TunnelOutput::Send { socket, frame: TunnelFrame::Response(piece) } => {
                    assert!(self.sockets.contains(&socket), "into the void");
                    assert_eq!(piece.channel_name, socket.0.to_string(), "on another connection");
                    let key = (socket, piece.ack_id);
                    assert!(self.open.contains_key(&key) || self.due.remove(&key), "answered twice");
                    if piece.not_completed {
                        self.open.insert(key, true);
                    } else {
                        self.open.remove(&key);
                    }
                }
                TunnelOutput::Send { frame, .. } => panic!("a client does not send {frame:?}"),
                TunnelOutput::Mark { socket, key } => {
                    assert!(self.sockets.contains(&socket), "into the void");
                    assert!(self.asked.get(&key).is_some_and(|(known, _)| *known == socket), "of another connection");
                    assert!(self.unwritten.insert(key), "sent twice");
                }
                TunnelOutput::Event(TunnelEvent::Refused { key, request, .. }) => {
                    let socket = TunnelSocket(request.channel_name.parse().unwrap());
                    assert!(self.asked.insert(key, (socket, request.ack_id)).is_none(), "asked twice");
                }
                TunnelOutput::Event(TunnelEvent::Settled { key, delivered }) => {
                    assert!(self.asked.contains_key(&key) && self.settled.insert(key), "settled twice");
                    assert!(!self.unwritten.remove(&key) || !delivered, "it has not gone out");
                }
                TunnelOutput::Event(_) => {}
                TunnelOutput::Ended(_) => self.ended = true,
            }
        }
        assert!(self.open.is_empty(), "an answer without its end");
    }

    /// What the application has not answered yet.
    fn open_asks(&self) -> BTreeSet<(TunnelSocket, i64)> {
        self.asked.iter().filter(|(key, _)| !self.settled.contains(key)).map(|(_, asked)| *asked).collect()
    }

    fn socket(&self, at: usize) -> Option<TunnelSocket> {
        self.sockets.iter().rev().nth(at).copied()
    }
}

fn request(socket: TunnelSocket, ack_id: i64) -> TunnelFrame {
    TunnelFrame::Request(TunnelRequest {
        ack_id,
        method: "GET".into(),
        url: "http://h/".into(),
        // Tells the oracle where it came.
        channel_name: socket.0.to_string(),
        ..TunnelRequest::default()
    })
}

proptest! {
    #[test]
    fn whatever_happens_no_request_is_answered_twice_and_a_stop_is_the_end(steps in steps()) {
        let mut now = Duration::ZERO;
        let mut tunnel = TunnelClient::new(config(), now);
        let mut oracle = AnswerOracle::default();
        oracle.see(&mut tunnel);
        for step in steps {
            match step {
                TunnelStep::Pass(millis) => {
                    let end = now + Duration::from_millis(millis);
                    let mut turns = 0;
                    while let Some(at) = tunnel.poll_timeout().filter(|at| *at <= end) {
                        turns += 1;
                        prop_assert!(turns < 1000, "it spins");
                        now = now.max(at);
                        tunnel.handle_timeout(now);
                        oracle.see(&mut tunnel);
                    }
                    now = end;
                }
                TunnelStep::Answer(at, large) => {
                    let open = |key: &&RequestKey| !oracle.settled.contains(key) && !oracle.unwritten.contains(key);
                    let open: Vec<_> = oracle.asked.keys().filter(open).collect();
                    if let Some(key) = open.get(at).map(|key| **key) {
                        let body = Bytes::from(vec![0; if large { 3 << 20 } else { 3 }]);
                        tunnel.handle_answer(now, key, 200, Vec::new(), body.clone());
                        // Once more, which is nothing.
                        tunnel.handle_answer(now, key, 200, Vec::new(), body);
                    }
                }
                TunnelStep::Write(at) => if let Some(key) = oracle.unwritten.iter().nth(at).copied() {
                    oracle.unwritten.remove(&key);
                    tunnel.handle_written(now, key);
                    tunnel.handle_written(now, key);
                },
                TunnelStep::Stall(stalled) => tunnel.handle_stalled(now, stalled),
                TunnelStep::Stop => tunnel.stop(now),
                TunnelStep::Open(at) => if let Some(socket) = oracle.socket(at) { tunnel.handle_opened(now, socket) },
                TunnelStep::Greet(at) => if let Some(socket) = oracle.socket(at) {
                    tunnel.handle_opened(now, socket);
                    tunnel.handle_frame(now, socket, TunnelFrame::Connected {
                        connection_id: "c".into(), user_id: None, reconnection_token: None, tracing: Tracing::Null,
                    });
                },
                TunnelStep::Fail(at, status) => if let Some(socket) = oracle.socket(at) {
                    let class = if status == 0 { DialClass::Unreachable } else { DialClass::Status(status) };
                    tunnel.handle_dial_failed(now, socket, DialFailure { class, message: "no".into(), retry_after: None });
                },
                TunnelStep::Lose(at) => if let Some(socket) = oracle.socket(at) {
                    tunnel.handle_lost(now, socket, LossCause::Broken("gone".into()));
                },
                TunnelStep::Request(at, id) => if let Some(socket) = oracle.socket(at) {
                    // One that is on its way is not asked twice.
                    if !oracle.open_asks().contains(&(socket, id)) {
                        oracle.due.insert((socket, id));
                    }
                    tunnel.handle_frame(now, socket, request(socket, id));
                },
                TunnelStep::Reconnect(at) => if let Some(socket) = oracle.socket(at) {
                    tunnel.handle_frame(now, socket, TunnelFrame::Reconnect(TunnelMove::default()));
                },
                TunnelStep::Rebalance(at) => if let Some(socket) = oracle.socket(at) {
                    tunnel.handle_frame(now, socket, TunnelFrame::Rebalance(TunnelMove::default()));
                },
                TunnelStep::Close(at) => if let Some(socket) = oracle.socket(at) {
                    tunnel.handle_frame(now, socket, TunnelFrame::Close { message: "m".into(), tracing: Tracing::Null });
                },
                TunnelStep::Garbage(at, bytes) => if let Some(socket) = oracle.socket(at) {
                    tunnel.handle_message(now, socket, &bytes.into());
                },
            }
            oracle.see(&mut tunnel);
        }
        tunnel.stop(now);
        oracle.see(&mut tunnel);
        let mut turns = 0;
        while let Some(at) = tunnel.poll_timeout() {
            turns += 1;
            prop_assert!(turns < 1000, "it does not end");
            tunnel.handle_timeout(at);
            oracle.see(&mut tunnel);
        }
        prop_assert!(oracle.ended);
        prop_assert!(oracle.asked.keys().all(|key| oracle.settled.contains(key) || !oracle.unwritten.contains(key)));
    }
}
