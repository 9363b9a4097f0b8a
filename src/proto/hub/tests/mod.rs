//! Steps: an input, and everything that came out. Test names are sentences of the specification.

mod acks;
mod admin;
mod application;
mod faults;
mod invoke;
mod life;
mod malformed;
mod operations;
mod pace;
mod protobuf;
mod random;
mod recovery;
mod simple;
mod states;
mod streams;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::{Codec, EncodedFrame, OwnedData, Subprotocol, WireFrame};

const JOIN: &str = "webpubsub.joinLeaveGroup";
const SEND: &str = "webpubsub.sendToGroup";

/// A hub and a clock. Each step gives the outputs as lines, all of them.
struct Rig {
    hub: Hub,
    now: Duration,
}

/// What a PubSub client learns from its `connected` frame.
struct Connected {
    connection_id: String,
    token: Option<String>,
}

fn show(output: Output) -> String {
    match output {
        Output::Send { socket, frame } if frame.is_text() => {
            format!("{} <- {}", socket.0, String::from_utf8(frame.payload().to_vec()).unwrap())
        }
        Output::Send { socket, frame } => {
            // Those of a protobuf subprotocol as the JSON that they would be.
            match Codec::Protobuf.downstream_in_json(frame.as_wire()) {
                Some(json) => format!("{} <~ {json}", socket.0),
                None => format!("{} <- {:?}", socket.0, Bytes::copy_from_slice(frame.payload())),
            }
        }
        Output::Ping { socket } => format!("{} ping", socket.0),
        Output::Close { socket, code, reason } => format!("{} close {code} {reason}", socket.0),
        Output::Abort { socket } => format!("{} abort", socket.0),
        Output::Cut { socket, how } => format!("{} cut {how:?}", socket.0),
        Output::Pause { socket } => format!("{} pause", socket.0),
        Output::Resume { socket } => format!("{} resume", socket.0),
        Output::UserEvent(event) => {
            let data = event.data.as_ref().map_or("-".into(), |data| {
                let data = data.as_data();
                format!("{} {}", data.kind().name(), data.to_json())
            });
            let what = if event.is_invocation { "invocation" } else { "event" };
            let (id, user) = (event.event_id.0, event.user_id.as_deref().unwrap_or("-"));
            format!("{what} {id} {user} {} {data}", event.event)
        }
        Output::Connected { connection_id } => format!("connected {connection_id}"),
        Output::Joined { connection_id, group } => format!("joined {connection_id} {group}"),
        Output::Left { connection_id, group } => format!("left {connection_id} {group}"),
        Output::Disconnected { connection_id, reason } => format!("disconnected {connection_id} {reason}"),
    }
}

fn message(group: &str, text: &str) -> String {
    format!(
        r#""type":"message","from":"group","group":"{group}","fromUserId":"u1","dataType":"text","data":"{text}"}}"#
    )
}

impl Rig {
    fn new() -> Self {
        Self::with(HubConfig { patience: Duration::ZERO, ..HubConfig::default() })
    }

    fn with(config: HubConfig) -> Self {
        Self { hub: Hub::new(config, &[7; 32]), now: Duration::ZERO }
    }

    fn outputs(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.hub.poll_output()).map(show).collect()
    }

    /// Opens socket N for user uN.
    fn open_as(&mut self, socket: u64, client: ClientKind, roles: &[&str], groups: &[&str]) -> Vec<String> {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let user = Some(format!("u{socket}"));
        let fresh = Fresh { connection_id: None, client, user, roles: own(roles), groups: own(groups) };
        self.hub.handle_open(self.now, SocketId(socket), Open::Fresh(fresh));
        self.outputs()
    }

    fn open(&mut self, socket: u64, subprotocol: Subprotocol, roles: &[&str], groups: &[&str]) -> Connected {
        let outputs = self.open_as(socket, ClientKind::PubSub(subprotocol), roles, groups);
        let [connected] = outputs.as_slice() else { panic!("{outputs:?}") };
        parse_connected(socket, connected)
    }

    /// A non-reliable client with both roles.
    fn json(&mut self, socket: u64, groups: &[&str]) -> Connected {
        self.open(socket, Subprotocol::Json, &[JOIN, SEND], groups)
    }

    /// A reliable client with both roles.
    fn reliable(&mut self, socket: u64, groups: &[&str]) -> Connected {
        self.open(socket, Subprotocol::JsonReliable, &[JOIN, SEND], groups)
    }

    fn recover(&mut self, socket: u64, connection_id: &str, token: &str) -> Vec<String> {
        let open = Open::Recover { connection_id: connection_id.to_owned(), reconnection_token: token.to_owned() };
        self.hub.handle_open(self.now, SocketId(socket), open);
        self.outputs()
    }

    fn text_in(&mut self, socket: u64, text: &str) {
        self.hub.handle_frame(self.now, SocketId(socket), WireFrame::Text(text));
    }

    fn text(&mut self, socket: u64, text: &str) -> Vec<String> {
        self.text_in(socket, text);
        self.outputs()
    }

    fn send(&mut self, socket: u64, group: &str, text: &str) -> Vec<String> {
        self.text(socket, &format!(r#"{{"type":"sendToGroup","group":"{group}","dataType":"text","data":"{text}"}}"#))
    }

    fn binary(&mut self, socket: u64, bytes: &[u8]) -> Vec<String> {
        self.hub.handle_frame(self.now, SocketId(socket), WireFrame::Binary(bytes));
        self.outputs()
    }

    fn closed(&mut self, socket: u64, kind: CloseKind) -> Vec<String> {
        self.hub.handle_closed(self.now, SocketId(socket), kind);
        self.outputs()
    }

    fn answer(&mut self, event: u64, answer: &EventAnswer) -> Vec<String> {
        self.hub.handle_event_answer(self.now, EventId(event), answer);
        self.outputs()
    }

    /// Lets time pass, serving timers when they are due; gives the outputs with the second they came in.
    fn pass(&mut self, time: Duration) -> Vec<String> {
        let end = self.now + time;
        let mut all = Vec::new();
        while let Some(at) = self.hub.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.hub.handle_timeout(self.now);
            let at = self.now.as_secs_f64();
            all.extend(self.outputs().into_iter().map(|line| format!("{at}s {line}")));
        }
        self.now = end;
        all
    }
}

fn parse_connected(socket: u64, line: &str) -> Connected {
    let json = line.strip_prefix(&format!("{socket} <- ")).unwrap();
    let frame: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!((&frame["type"], &frame["event"]), (&"system".into(), &"connected".into()));
    Connected {
        connection_id: frame["connectionId"].as_str().unwrap().to_owned(),
        token: frame["reconnectionToken"].as_str().map(str::to_owned),
    }
}

fn nothing() -> Vec<String> {
    Vec::new()
}

const SECOND: Duration = Duration::from_secs(1);
