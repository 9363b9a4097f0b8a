//! A Web PubSub service that the test plays itself: it takes calls, reads requests, answers or does not, sends frames,
//! and breaks connections in every way there is. Nothing happens that the test does not do.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::PATIENCE;
use super::token::token_with_roles;

/// The subprotocol of connections that can be recovered.
pub const RELIABLE: &str = "json.reliable.webpubsub.azure.v1";

/// The service at its address.
pub struct Service {
    address: SocketAddr,
    calls: Receiver<(TcpStream, Instant)>,
    tls: Option<Arc<ServerConfig>>,
    over: Arc<AtomicBool>,
    /// What its clients show as their token.
    pub token: String,
}

impl Service {
    /// Without TLS.
    pub fn start() -> Self {
        Self::with_tls(None)
    }

    /// With TLS, if that is given.
    pub fn with_tls(tls: Option<Arc<ServerConfig>>) -> Self {
        Self::listening(TcpListener::bind(("127.0.0.1", 0)).unwrap(), tls)
    }

    /// Wherever that listens.
    pub fn listening(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, calls) = channel();
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if stop.load(Ordering::SeqCst) || sender.send((socket, Instant::now())).is_err() {
                    break;
                }
            }
        });
        let token = token_with_roles(&["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"]);
        Self { address, calls, tls, over, token }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A client access URL.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}/client/hubs/hub1?access_token={}", self.address, self.token)
    }

    /// A client access URL under another name, which only a proxy or `--resolve` knows.
    pub fn url_of(&self, host: &str) -> String {
        self.url().replace(&self.address.ip().to_string(), host)
    }

    /// Takes the next TCP connection, and nothing more.
    pub fn accept(&self) -> Call {
        let (tcp, at) = self.calls.recv_timeout(PATIENCE).expect("nobody called the service");
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp.try_clone().unwrap()),
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).unwrap();
                Box::new(StreamOwned::new(session, tcp.try_clone().unwrap()))
            }
        };
        Call { stream, tcp, at }
    }

    /// Takes the next call and reads what it asks for.
    pub fn request(&self) -> Request {
        self.accept().request()
    }

    /// Takes a fresh connection and greets it as `c1`, with a reconnection token.
    pub fn connect(&self) -> Peer {
        let request = self.request();
        assert_eq!(request.query("access_token"), Some(self.token.as_str()), "{request:?}");
        assert_eq!(request.query("awps_connection_id"), None, "{request:?}");
        let mut peer = request.upgrade();
        peer.greet("c1", "reconnect-1");
        peer
    }

    /// Takes a fresh connection and lets it join its groups.
    pub fn connect_and_join(&self, groups: &[&str]) -> Peer {
        let mut peer = self.connect();
        for group in groups {
            peer.grant_join(group);
        }
        peer
    }

    /// Takes a recovery of `c1` and leaves the first frame, a ping, to be read.
    pub fn recovery(&self) -> Peer {
        let request = self.request();
        request.assert_recovers("c1", "reconnect-1");
        request.upgrade()
    }

    /// Whether somebody calls within that time.
    pub fn is_called_within(&self, time: Duration) -> bool {
        match self.calls.recv_timeout(time) {
            Ok(_) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => panic!("the service is gone"),
        }
    }

    /// That nobody has called, to be asked once the client is gone.
    pub fn assert_no_more_calls(&self) {
        assert!(self.calls.try_recv().is_err(), "somebody called once more");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
    }
}

/// A port that refuses connections for as long as this lives.
pub struct ClosedPort(socket2::Socket);

impl ClosedPort {
    /// Reserves one.
    pub fn reserve() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self(socket)
    }

    /// Its number.
    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().as_socket().unwrap().port()
    }

    /// Somebody listens there now.
    pub fn open(self) -> TcpListener {
        self.0.listen(16).unwrap();
        self.0.into()
    }
}

/// A byte stream, encrypted or not.
pub trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// A TCP connection of which nothing was read yet.
pub struct Call {
    stream: Box<dyn Stream>,
    tcp: TcpStream,
    /// When it was accepted.
    pub at: Instant,
}

impl Call {
    /// Reads the request, up to the end of its head.
    pub fn request(self) -> Request {
        self.try_request().expect("the connection ended before the request did")
    }

    /// Reads the request, if one comes.
    pub fn try_request(mut self) -> Option<Request> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.stream.read_exact(&mut byte) {
                Err(error) if is_timeout(&error) => panic!("the client neither asks nor goes away"),
                Err(_) => return None,
                Ok(()) => head.push(byte[0]),
            }
        }
        let head = String::from_utf8(head).unwrap();
        let (first, headers) = head.split_once("\r\n").unwrap();
        let target = first.strip_prefix("GET ").and_then(|rest| rest.strip_suffix(" HTTP/1.1")).expect(first);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers.lines().filter_map(|line| line.split_once(": "));
        Some(Request {
            path: path.to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            at: self.at,
            call: self,
        })
    }

    /// Reads until the client goes away, and fails when it does not. Returns what it said.
    pub fn read_to_end(mut self) -> Vec<u8> {
        let mut said = Vec::new();
        match self.stream.read_to_end(&mut said) {
            Err(error) if is_timeout(&error) => panic!("the client did not go away"),
            _ => said,
        }
    }

    /// Waits for the beginning of a request, and answers nothing.
    pub fn request_has_come(&self) -> bool {
        self.tcp.peek(&mut [0]).is_ok_and(|bytes| bytes > 0)
    }

    /// Whether nothing comes, and the client stays, for that time.
    pub fn is_silent_for(&self, time: Duration) -> bool {
        self.tcp.set_read_timeout(Some(time)).unwrap();
        let silent = self.tcp.peek(&mut [0]).is_err_and(|error| is_timeout(&error));
        self.tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }

    /// Resets the connection.
    pub fn reset(self) {
        SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Says anything at all.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }
}

/// A request for a WebSocket.
pub struct Request {
    /// Without the query.
    pub path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    /// When its connection was accepted.
    pub at: Instant,
    /// Where it came from.
    pub call: Call,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GET {} {:?} {:?}", self.path, self.query, self.headers)
    }
}

impl Request {
    /// A query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// That it recovers this connection (PROTOCOL §7.2).
    #[track_caller]
    pub fn assert_recovers(&self, connection_id: &str, token: &str) {
        assert_eq!(self.path, "/client/hubs/hub1");
        assert_eq!(self.query("awps_connection_id"), Some(connection_id), "{self:?}");
        assert_eq!(self.query("awps_reconnection_token"), Some(token), "{self:?}");
        assert_eq!(self.header("sec-websocket-protocol"), Some(RELIABLE), "{self:?}");
    }

    /// Answers something else than 101.
    pub fn refuse(mut self, status: &str, headers: &[(&str, &str)], body: &str) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        self.call.write(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").as_bytes());
    }

    /// Agrees, with the subprotocol that was asked for.
    pub fn upgrade(self) -> Peer {
        let offered = self.header("sec-websocket-protocol").unwrap().to_owned();
        self.upgrade_with(Some(&offered))
    }

    /// Agrees, by a clock of its own.
    pub fn upgrade_at(self, date: &str) -> Peer {
        let offered = self.header("sec-websocket-protocol").unwrap().to_owned();
        self.agree(&format!("Sec-WebSocket-Protocol: {offered}\r\nDate: {date}\r\n"))
    }

    /// Agrees, with another subprotocol or none.
    pub fn upgrade_with(self, subprotocol: Option<&str>) -> Peer {
        self.agree(&subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default())
    }

    fn agree(mut self, headers: &str) -> Peer {
        let key = derive_accept_key(self.header("sec-websocket-key").unwrap().as_bytes());
        self.call.write(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {key}\r\n{headers}\r\n"
            )
            .as_bytes(),
        );
        let Call { stream, tcp, .. } = self.call;
        let socket = WebSocket::from_raw_socket(stream, Role::Server, None);
        Peer { socket, tcp, at: self.at, acknowledged: 0, pings: 0 }
    }
}

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
pub enum FromClient {
    /// A frame of the protocol.
    Frame(Value),
    /// A close frame; 1005 without a code.
    Close(u16),
    /// The connection ended without a close frame.
    Gone,
    /// Nothing, in the time it had.
    Silence,
}

/// A connection of which the WebSocket is open.
pub struct Peer {
    socket: WebSocket<Box<dyn Stream>>,
    tcp: TcpStream,
    /// When it was accepted.
    pub at: Instant,
    /// The largest sequence id that the client acknowledged.
    pub acknowledged: u64,
    /// Pings of the protocol that were read.
    pub pings: usize,
}

impl Peer {
    /// Sends a frame.
    pub fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string());
    }

    /// Sends a text frame, whatever it says.
    pub fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// Sends a text frame over and over, as fast as it is taken, until the other end is gone.
    pub fn send_text_until_gone(&mut self, text: &str) {
        while self.socket.send(Message::text(text)).is_ok() {}
    }

    /// Sends a binary message.
    pub fn send_binary(&mut self, message: Vec<u8>) {
        self.socket.send(Message::binary(message)).unwrap();
    }

    /// Sends binary messages until the client takes nothing for that time. Returns how many were begun.
    pub fn send_binaries_until_blocked(&mut self, messages: impl Iterator<Item = Vec<u8>>, blocked: Duration) -> usize {
        self.tcp.set_write_timeout(Some(blocked)).unwrap();
        let mut begun = 0;
        for message in messages {
            begun += 1;
            match self.socket.send(Message::binary(message)) {
                Ok(()) => {}
                Err(Error::Io(error)) if is_timeout(&error) => break,
                Err(error) => panic!("the client left: {error}"),
            }
        }
        begun
    }

    /// Writes wait as long as any after [`Self::send_binaries_until_blocked`].
    pub fn allow_writes(&self) {
        self.tcp.set_write_timeout(Some(PATIENCE)).unwrap();
    }

    /// The next binary message; `None` when the client closes or goes.
    pub fn next_binary(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.socket.read() {
                Ok(Message::Binary(message)) => return Some(message.into()),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::Protocol(_)) => return None,
                Err(Error::Io(error)) if !is_timeout(&error) => return None,
                other => panic!("a frame of the tunnel was to come: {other:?}"),
            }
        }
    }

    /// Sends frames in one write, so that they are there together.
    pub fn send_at_once<'a>(&mut self, frames: impl Iterator<Item = &'a Value>) {
        let mut bytes = Vec::new();
        for frame in frames {
            let text = frame.to_string();
            bytes.push(0x81);
            match u16::try_from(text.len()).unwrap() {
                length @ 0..126 => bytes.push(length as u8),
                length => {
                    bytes.push(126);
                    bytes.extend_from_slice(&length.to_be_bytes());
                }
            }
            bytes.extend_from_slice(text.as_bytes());
        }
        self.send_raw(&bytes);
    }

    /// Sends bytes beneath the WebSocket.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).unwrap();
        self.socket.get_mut().flush().unwrap();
    }

    /// Sends `connected`.
    pub fn greet(&mut self, connection_id: &str, token: &str) {
        self.send(&json!({"type": "system", "event": "connected", "userId": "alice", "connectionId": connection_id,
            "reconnectionToken": token}));
    }

    /// Sends a text message of the group `g`.
    pub fn say(&mut self, sequence_id: u64, text: &str) {
        self.send(&message(sequence_id, text));
    }

    /// Sends an ack.
    pub fn ack(&mut self, ack_id: &Value) {
        self.send(&json!({"type": "ack", "ackId": ack_id, "success": true}));
    }

    /// Sends a negative ack.
    pub fn nack(&mut self, ack_id: &Value, name: &str, message: &str) {
        let error = json!({"name": name, "message": message});
        self.send(&json!({"type": "ack", "ackId": ack_id, "success": false, "error": error}));
    }

    /// Waits for the join of a group and grants it.
    pub fn grant_join(&mut self, group: &str) {
        let join = self.operation();
        assert_eq!((join["type"].as_str(), join["group"].as_str()), (Some("joinGroup"), Some(group)), "{join}");
        self.ack(&join["ackId"]);
    }

    /// The next operation. Pings on the way are answered, acknowledged sequence ids noted.
    pub fn operation(&mut self) -> Value {
        match self.attend(Instant::now() + PATIENCE) {
            FromClient::Frame(frame) => frame,
            other => panic!("the client was to send an operation: {other:?}"),
        }
    }

    /// The next frame, letter for letter.
    pub fn operation_text(&mut self) -> String {
        match self.socket.read() {
            Ok(Message::Text(text)) => text.to_string(),
            other => panic!("the client was to send an operation: {other:?}"),
        }
    }

    /// Does what a service does beside everything else, up to an operation, an end or the deadline.
    pub fn attend(&mut self, deadline: Instant) -> FromClient {
        loop {
            match self.next_until(deadline) {
                FromClient::Frame(frame) if frame["type"] == "ping" => self.send(&json!({"type": "pong"})),
                FromClient::Frame(frame) if frame["type"] == "sequenceAck" => {}
                other => return other,
            }
        }
    }

    /// Does what a service does until the client has acknowledged that sequence id.
    pub fn attend_ack(&mut self, sequence_id: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.acknowledged < sequence_id {
            match self.next_until(deadline) {
                FromClient::Frame(frame) if frame["type"] == "ping" => self.send(&json!({"type": "pong"})),
                FromClient::Frame(frame) if frame["type"] == "sequenceAck" => {}
                other => panic!("{} of {sequence_id} were acknowledged, then came {other:?}", self.acknowledged),
            }
        }
    }

    /// The next thing the client says.
    pub fn next(&mut self) -> FromClient {
        self.next_until(Instant::now() + PATIENCE)
    }

    /// The next thing the client says before the deadline.
    pub fn next_until(&mut self, deadline: Instant) -> FromClient {
        let heard = self.hear(deadline);
        if let FromClient::Frame(frame) = &heard {
            if let Some(id) = frame["sequenceId"].as_u64() {
                assert!(id > 0, "{frame}");
                self.acknowledged = self.acknowledged.max(id);
            }
            if frame["type"] == "ping" {
                self.pings += 1;
            }
        }
        heard
    }

    fn hear(&mut self, deadline: Instant) -> FromClient {
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.tcp.set_read_timeout(Some(left)).unwrap();
            match self.socket.read() {
                Ok(Message::Text(text)) => return FromClient::Frame(serde_json::from_str(&text).expect(&text)),
                Ok(Message::Close(frame)) => {
                    // Sends the answer.
                    let _ = self.socket.flush();
                    return FromClient::Close(frame.map_or(1005, |frame| frame.code.into()));
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(other) => panic!("no client sends this: {other:?}"),
                Err(Error::Io(error)) if is_timeout(&error) => {
                    if deadline <= Instant::now() {
                        return FromClient::Silence;
                    }
                }
                Err(_) => return FromClient::Gone,
            }
        }
    }

    /// The next thing the client says; a close frame is not answered.
    pub fn next_without_answer(&mut self) -> FromClient {
        match self.socket.read() {
            Ok(Message::Close(frame)) => FromClient::Close(frame.map_or(1005, |frame| frame.code.into())),
            other => panic!("the client was to close: {other:?}"),
        }
    }

    /// Has the client answer a ping of the WebSocket.
    pub fn await_pong(&mut self) {
        self.socket.send(Message::Ping("there?".into())).unwrap();
        match self.socket.read() {
            Ok(Message::Pong(_)) => {}
            other => panic!("the client was to answer: {other:?}"),
        }
    }

    /// Attends until the client closes with 1000, as it does when it is done.
    pub fn see_off(mut self) {
        match self.attend(Instant::now() + PATIENCE) {
            FromClient::Close(1000) => {}
            other => panic!("the client was to close with 1000: {other:?}"),
        }
    }

    /// Reads, without answering, until the client drops the connection; it may ask whether anybody is there, and must
    /// not begin a closing handshake (PROTOCOL §19.11).
    pub fn see_vanish(mut self) {
        loop {
            match self.next() {
                FromClient::Frame(frame) if frame["type"] == "ping" || frame["type"] == "sequenceAck" => {}
                FromClient::Gone => return,
                other => panic!("the client was to drop the connection: {other:?}"),
            }
        }
    }

    /// Closes and waits for the answer.
    pub fn close(mut self, code: u16, reason: &str) -> Instant {
        let at = Instant::now();
        self.socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).unwrap();
        while !matches!(self.next(), FromClient::Close(_) | FromClient::Gone) {}
        at
    }

    /// Resets the TCP connection. Returns when.
    pub fn reset(self) -> Instant {
        SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)).unwrap();
        let at = Instant::now();
        // Shut down here would be an orderly end; closing with this option is not.
        drop(self);
        at
    }

    /// Ends the TCP connection in an orderly way, without a close frame.
    pub fn hang_up(self) -> Instant {
        let at = Instant::now();
        let _ = self.tcp.shutdown(Shutdown::Both);
        at
    }

    /// Writes as much of these frames as the client takes until it takes nothing for that time. Returns how many frames
    /// were begun.
    pub fn send_until_blocked(&mut self, frames: &mut dyn Iterator<Item = String>, blocked: Duration) -> usize {
        self.tcp.set_write_timeout(Some(blocked)).unwrap();
        let mut begun = 0;
        for frame in frames {
            begun += 1;
            match self.socket.send(Message::text(frame)) {
                Ok(()) => {}
                Err(Error::Io(error)) if is_timeout(&error) => break,
                Err(error) => panic!("the client left: {error}"),
            }
        }
        begun
    }

    /// Writes out what [`Self::send_until_blocked`] could not.
    pub fn send_rest(&mut self) {
        self.tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        self.socket.flush().unwrap();
    }
}

/// A text message of the group `g`.
pub fn message(sequence_id: u64, text: &str) -> Value {
    json!({"sequenceId": sequence_id, "type": "message", "from": "group", "group": "g", "fromUserId": "bob",
        "dataType": "text", "data": text})
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// What a service keeps of a reliable connection: the messages the client has not acknowledged, to be sent again when it
/// comes back (PROTOCOL §7).
#[derive(Default)]
pub struct Source {
    unacknowledged: VecDeque<(u64, Value)>,
    last: u64,
}

impl Source {
    /// The next numbered message.
    pub fn say(&mut self, peer: &mut Peer) {
        let frame = self.miss();
        peer.send(&frame);
    }

    /// The next numbered message, while the client is away.
    pub fn miss(&mut self) -> Value {
        self.last += 1;
        let frame = message(self.last, &self.last.to_string());
        self.unacknowledged.push_back((self.last, frame.clone()));
        frame
    }

    /// The newest message is another one, under the same sequence id.
    pub fn replace_last(&mut self, frame: Value) {
        if let Some((_, last)) = self.unacknowledged.back_mut() {
            *last = frame;
        }
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.last
    }

    /// The first messages that the client has not acknowledged.
    pub fn due(&self, acknowledged: u64, count: u64) -> Vec<Value> {
        let due = self.unacknowledged.iter().filter(|(id, _)| (acknowledged + 1..=acknowledged + count).contains(id));
        due.map(|(_, frame)| frame.clone()).collect()
    }

    /// The same as [`Self::replay`], in one write.
    pub fn replay_at_once(&mut self, acknowledged: u64, peer: &mut Peer) {
        self.unacknowledged.retain(|(id, _)| *id > acknowledged);
        peer.send_at_once(self.unacknowledged.iter().map(|(_, frame)| frame));
    }

    /// Sends again what the client has not acknowledged on the connection it lost.
    pub fn replay(&mut self, acknowledged: u64, peer: &mut Peer) {
        self.unacknowledged.retain(|(id, _)| *id > acknowledged);
        for (_, frame) in &self.unacknowledged {
            peer.send(frame);
        }
    }
}
