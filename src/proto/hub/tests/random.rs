//! Random schedules of publishing, acknowledging, dropping and recovering, with limits small enough to be hit all the
//! time.

use proptest::prelude::*;

use super::*;

const CLIENTS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Action {
    Publish(usize),
    /// The application sends to all; the flag: without waiting for slow receivers.
    Post(bool),
    Event(usize),
    /// It says something else of itself.
    State(usize),
    /// It wants to be told what the others say.
    Watch(usize),
    Acknowledge(usize),
    Drop(usize),
    Recover(usize),
    Leave(usize),
    Wait(u64),
}

fn action() -> impl Strategy<Value = Action> {
    let client = 0..CLIENTS;
    prop_oneof![
        12 => client.clone().prop_map(Action::Publish),
        3 => any::<bool>().prop_map(Action::Post),
        3 => client.clone().prop_map(Action::Event),
        3 => client.clone().prop_map(Action::State),
        2 => client.clone().prop_map(Action::Watch),
        6 => client.clone().prop_map(Action::Acknowledge),
        2 => client.clone().prop_map(Action::Drop),
        3 => client.clone().prop_map(Action::Recover),
        1 => client.prop_map(Action::Leave),
        2 => (1..3000u64).prop_map(Action::Wait),
    ]
}

/// A client that keeps to the protocol.
struct Model {
    connection_id: String,
    token: String,
    socket: Option<u64>,
    /// The largest sequence id it saw.
    seen: u64,
    /// Its connection was closed by the hub, or by itself.
    over: bool,
}

struct World {
    rig: Rig,
    clients: Vec<Model>,
    sockets: u64,
}

impl World {
    fn new() -> Self {
        let mut rig = Rig::with(HubConfig {
            max_unacked_messages: 8,
            patience: SECOND * 2,
            silence_limit: SECOND * 1_000_000,
            ping_interval: SECOND * 1_000_000,
            ..HubConfig::default()
        });
        let roles = [JOIN, SEND, "webpubsub.setGroupState", "webpubsub.getGroupState"];
        let clients = (0..CLIENTS as u64).map(|socket| {
            let Connected { connection_id, token } = rig.open(socket, Subprotocol::JsonReliable, &roles, &["g"]);
            Model { connection_id, token: token.unwrap(), socket: Some(socket), seen: 0, over: false }
        });
        let clients = clients.collect();
        Self { rig, clients, sockets: 100 }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Publish(client) => self.text(client, r#"{"type":"sendToGroup","group":"g","data":1,"ackId":1}"#),
            Action::Post(insist) => {
                let data = OwnedData::text("x");
                let outgoing = Outgoing { data: data.as_data(), metadata: None, ttl: Duration::ZERO };
                let busy = !self.rig.hub.congestion.is_empty();
                let selection = Selection::all(Target::Everyone);
                let sent = self.rig.hub.handle_send(self.rig.now, &selection, &outgoing, insist);
                assert_eq!(sent == Sent::Busy, busy && !insist);
            }
            Action::State(client) => self.text(client, r#"{"type":"setGroupState","group":"g","state":{}}"#),
            Action::Watch(client) => self.text(client, r#"{"type":"subscribeGroupState","group":"g"}"#),
            Action::Event(client) => self.text(client, r#"{"type":"event","event":"e","data":1}"#),
            Action::Acknowledge(client) => {
                let text = format!(r#"{{"type":"sequenceAck","sequenceId":{}}}"#, self.clients[client].seen);
                self.text(client, &text);
            }
            Action::Drop(client) => self.close(client, CloseKind::Dropped),
            Action::Leave(client) => {
                self.clients[client].over |= self.clients[client].socket.is_some();
                self.close(client, CloseKind::Clean);
            }
            Action::Recover(client) => {
                self.sockets += 1;
                let model = &mut self.clients[client];
                model.socket = Some(self.sockets);
                let open = Open::Recover {
                    connection_id: model.connection_id.clone(),
                    reconnection_token: model.token.clone(),
                };
                self.rig.hub.handle_open(self.rig.now, SocketId(self.sockets), open);
            }
            Action::Wait(millis) => {
                self.rig.now += Duration::from_millis(millis);
                self.rig.hub.handle_timeout(self.rig.now);
            }
        }
        self.settle();
    }

    fn text(&mut self, client: usize, text: &str) {
        if let Some(socket) = self.clients[client].socket {
            self.rig.text_in(socket, text);
        }
    }

    fn close(&mut self, client: usize, kind: CloseKind) {
        if let Some(socket) = self.clients[client].socket.take() {
            self.rig.hub.handle_closed(self.rig.now, SocketId(socket), kind);
        }
    }

    /// Carries the outputs out, and checks what the clients see.
    fn settle(&mut self) {
        while let Some(output) = self.rig.hub.poll_output() {
            match output {
                Output::Send { socket, frame } => {
                    let text = frame.as_text().unwrap();
                    let client = self.clients.iter_mut().find(|client| client.socket == Some(socket.0));
                    let client = client.unwrap_or_else(|| panic!("{text} for a socket nobody has"));
                    let frame: serde_json::Value = serde_json::from_str(text).unwrap();
                    if let Some(id) = frame["sequenceId"].as_u64() {
                        assert!(id <= client.seen + 1, "a gap: {id} after {}", client.seen);
                        client.seen = client.seen.max(id);
                    }
                }
                Output::Close { socket, code, .. } => {
                    assert_eq!(code, 1008);
                    let client = self.clients.iter_mut().find(|client| client.socket == Some(socket.0)).unwrap();
                    client.socket = None;
                    client.over = true;
                }
                Output::UserEvent(event) => {
                    let answer = EventAnswer::reply(OwnedData::text("a"));
                    self.rig.hub.handle_event_answer(self.rig.now, event.event_id, &answer);
                }
                Output::Cut { .. } => panic!("there are no faults"),
                Output::Abort { .. } | Output::Pause { .. } | Output::Resume { .. } | Output::Ping { .. } => {}
                Output::Connected { .. }
                | Output::Joined { .. }
                | Output::Left { .. }
                | Output::Disconnected { .. } => panic!("nobody asked for {output:?}"),
            }
        }
        self.check();
    }

    fn check(&self) {
        self.rig.hub.check();
        for (_, connection) in self.rig.hub.connections.iter() {
            assert!(connection.load(&self.rig.hub.config) <= 100);
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_or_stuck_on_any_schedule(actions in proptest::collection::vec(action(), 1..200)) {
        let mut world = World::new();
        for action in actions {
            world.act(action);
        }
        // Patience ends for each receiver once, since none acknowledges any more; after the window nobody who is away
        // is left.
        for _ in 0..CLIENTS {
            world.act(Action::Wait(2000));
        }
        prop_assert!(world.rig.hub.waiting.is_empty());
        world.act(Action::Wait(30_000));
        let attached = world.clients.iter().filter(|client| client.socket.is_some()).count();
        prop_assert_eq!(world.rig.hub.connections.len(), attached);
        prop_assert!(world.clients.iter().all(|client| !(client.over && client.socket.is_some())));
        for client in 0..CLIENTS {
            world.act(Action::Drop(client));
        }
        world.act(Action::Wait(30_000));
        prop_assert!(world.rig.hub.is_empty());
        prop_assert_eq!(world.rig.hub.poll_timeout(), None);
        prop_assert!(world.rig.hub.groups.members("g").is_none() && world.rig.hub.states.is_empty());
    }
}
