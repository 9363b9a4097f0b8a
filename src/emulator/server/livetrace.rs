//! `/livetrace`: the other end of the portal's live-trace tool, and of `wps trace` (PROTOCOL §21).
//!
//! A SignalR hub without negotiation. Nothing is said before the handshake, no event before the client has started; from
//! then on it is told what happens on any hub, until either side closes. One that reads too slowly is told less.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use tokio::time::{Instant, sleep_until, timeout};

use super::carrier::{BaseStream, Carrier, send_end, upgraded};
use super::refusals::EntryPoint;
use super::request::{Query, names};
use super::upgrade::{UpgradeRefusal, accept_key, switching, token_of};
use super::{Server, unix_now};
use crate::livetrace::{LiveTrace, TraceListener, TraceMessage, template};
use webpubsub_net::auth::token::{PathAudience, TokenError, check_unsigned_entra_token, verify_path_token};
use webpubsub_net::wire::{SocketError, SocketMessage, SocketRole, WebSocket, prepare};
use webpubsub_proto::signalr::{
    self, ACCEPTED, HANDSHAKE_TIMEOUT, HandshakeProblem, Invocation, PING, PING_INTERVAL, SILENCE, SignalrRecord,
};
use webpubsub_proto::trace::{LOG_PROPERTY, START};

/// The largest message of a client, in bytes: it has nothing to say that is longer.
const MAX_MESSAGE: usize = 64 * 1024;
/// Bytes asked of the system at once.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes that are read before the others have their turn.
const BUDGET: usize = 64 * 1024;
/// No more is taken from the queue while so many bytes wait to be written.
const ROOM: usize = 16 * 1024;
/// WebSocket close codes (RFC 6455 §7.4.1).
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const UNSUPPORTED: u16 = 1003;
/// How long the closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers a request for the live trace.
pub(super) async fn connect(State(server): State<Arc<Server>>, request: Request) -> Response {
    match open(&server, request) {
        Ok(response) => {
            server.refusals.passed(&EntryPoint::LiveTrace);
            response
        }
        Err(refusal) => refusal.into_response(&server, &EntryPoint::LiveTrace),
    }
}

fn open(server: &Arc<Server>, mut request: Request) -> Result<Response, UpgradeRefusal> {
    let accept = accept_key(&request)?;
    let query = Query::parse(request.uri().query().unwrap_or_default());
    authenticate(server, &query, request.headers(), request.uri().path())?;
    let upgrade = hyper::upgrade::on(&mut request);
    let trace = Arc::clone(server.traffic.live());
    server.spawn_socket(async move {
        if let Some((below, read)) = upgraded(upgrade).await {
            tracing::info!("a live trace has connected");
            let how = match below {
                BaseStream::Tcp(stream) => serve(stream, &read, trace).await,
                BaseStream::Tls(stream) => serve(stream, &read, trace).await,
            };
            tracing::info!("a live trace has ended: {how}");
        }
    });
    Ok(switching(accept))
}

/// PROTOCOL §21.1: it is for the whole service, so that its token says nothing of a hub.
fn authenticate(server: &Server, query: &Query, headers: &HeaderMap, path: &str) -> Result<(), UpgradeRefusal> {
    let token = token_of(query, headers).ok_or_else(UpgradeRefusal::no_token)?;
    let endpoints = names(server, headers);
    let endpoints: Vec<_> = endpoints.iter().map(String::as_str).collect();
    let expected = PathAudience { endpoints: &endpoints, path };
    let verified = match verify_path_token(token, &server.keys, expected, unix_now()) {
        Err(TokenError::Signature | TokenError::Algorithm) if server.allow_unvalidated_entra => {
            check_unsigned_entra_token(token, unix_now())
        }
        verified => verified,
    };
    verified.map(|_| ()).map_err(|error| UpgradeRefusal::bad_token(&error))
}

/// Where a client stands.
enum TracePhase {
    /// Its handshake is due.
    Greeting,
    /// It has not said that it wants to hear of anything.
    Idle,
    /// It hears of all.
    Listening(TraceListener),
}

/// What happens next.
enum TraceStep {
    Message(Result<SocketMessage, SocketError>),
    Told(TraceMessage),
    /// The client has taken what was sent.
    Room,
    /// It is time for a ping, or too late for a message.
    Time,
}

struct TraceSocket<S> {
    stream: WebSocket<S>,
    trace: Arc<LiveTrace>,
    phase: TracePhase,
    last_sent: Instant,
    last_received: Instant,
}

/// Serves a client until either side closes. Returns how it ended, in words.
async fn serve(stream: impl Carrier, read: &[u8], trace: Arc<LiveTrace>) -> String {
    prepare(stream.tcp());
    let stream = WebSocket::new(stream, read, SocketRole::Server, MAX_MESSAGE, READ_BUFFER);
    let now = Instant::now();
    let mut socket = TraceSocket { stream, trace, phase: TracePhase::Greeting, last_sent: now, last_received: now };
    let how = socket.run().await;
    let _ = timeout(CLOSE_TIMEOUT, async {
        poll_fn(|cx| socket.poll_farewell(cx)).await;
        send_end(socket.stream.get_mut()).await;
    })
    .await;
    how
}

impl<S: Carrier> TraceSocket<S> {
    async fn run(&mut self) -> String {
        loop {
            let ended = match self.step().await {
                TraceStep::Message(Ok(message)) => self.message(message),
                TraceStep::Message(Err(broken)) => Some(self.broken(broken)),
                TraceStep::Told(told) => self.pass_on(told),
                TraceStep::Room => None,
                TraceStep::Time => self.time(),
            };
            if let Some(how) = ended {
                return how;
            }
        }
    }

    async fn step(&mut self) -> TraceStep {
        let deadline = match self.phase {
            TracePhase::Greeting => self.last_received + HANDSHAKE_TIMEOUT,
            TracePhase::Idle | TracePhase::Listening(_) => {
                (self.last_sent + PING_INTERVAL).min(self.last_received + SILENCE)
            }
        };
        let Self { stream, phase, .. } = self;
        let mut budget = BUDGET;
        // While the client takes nothing, what is told waits in its bounded queue.
        let has_room = stream.waiting() < ROOM;
        let trade = poll_fn(|cx| {
            let flushed = stream.poll_flush(cx).is_ready();
            if let Poll::Ready(message) = stream.poll_next(cx, &mut budget) {
                return Poll::Ready(TraceStep::Message(message));
            }
            if flushed && !has_room { Poll::Ready(TraceStep::Room) } else { Poll::Pending }
        });
        let told = async {
            match phase {
                TracePhase::Listening(listener) => listener.next().await,
                TracePhase::Greeting | TracePhase::Idle => pending().await,
            }
        };
        tokio::select! {
            biased;
            step = trade => step,
            told = told, if has_room => TraceStep::Told(told),
            () = sleep_until(deadline) => TraceStep::Time,
        }
    }

    /// Something has happened, and what else has meanwhile goes out with it. Returns how it ended, if it has.
    fn pass_on(&mut self, told: TraceMessage) -> Option<String> {
        let mut told = Some(told);
        while let Some(next) = told {
            match next {
                TraceMessage::Event(message) => self.send(&message),
                TraceMessage::Over => {
                    return Some(self.close(GOING_AWAY, Some("The service stops."), true, "the service stops"));
                }
            }
            told = match &mut self.phase {
                TracePhase::Listening(listener) if self.stream.waiting() < ROOM => listener.at_once(),
                TracePhase::Listening(_) | TracePhase::Greeting | TracePhase::Idle => None,
            };
        }
        None
    }

    fn message(&mut self, message: SocketMessage) -> Option<String> {
        self.last_received = Instant::now();
        match message {
            SocketMessage::Text(text) => self.text(&text),
            SocketMessage::Binary(_) => {
                Some(self.close(UNSUPPORTED, Some("Only text is spoken here."), false, "it sent a binary message"))
            }
            SocketMessage::Ping(_) | SocketMessage::Pong => None,
            SocketMessage::Close(frame) => {
                self.stream.send_close(frame.answer(), "");
                Some("the client has left".to_owned())
            }
        }
    }

    fn text(&mut self, message: &str) -> Option<String> {
        for record in signalr::records(message) {
            let answered = match (&self.phase, record) {
                (TracePhase::Greeting, Ok(record)) => self.greet(signalr::check_handshake(record)),
                (TracePhase::Greeting, Err(bad)) => self.greet(Err(HandshakeProblem::NoHandshake(bad))),
                (TracePhase::Idle | TracePhase::Listening(_), record) => match record.and_then(signalr::parse) {
                    Ok(record) => self.record(record),
                    Err(bad) => {
                        let why = format!("The record cannot be read: {bad}.");
                        Some(self.close(NORMAL, Some(&why), false, "it sent a record that cannot be read"))
                    }
                },
            };
            if answered.is_some() {
                return answered;
            }
        }
        None
    }

    fn greet(&mut self, asked: Result<(), HandshakeProblem>) -> Option<String> {
        let why = match asked {
            Ok(()) => {
                self.phase = TracePhase::Idle;
                self.send(ACCEPTED);
                return None;
            }
            Err(HandshakeProblem::Refused(why)) => why,
            Err(HandshakeProblem::NoHandshake(bad)) => format!("The handshake cannot be read: {bad}."),
        };
        self.send(&signalr::refusal(&why));
        self.stream.send_close(Some(NORMAL), "");
        Some(format!("its handshake is refused: {why}"))
    }

    fn record(&mut self, record: SignalrRecord<'_>) -> Option<String> {
        match record {
            SignalrRecord::Invocation(invocation) => {
                self.invoked(&invocation);
                None
            }
            SignalrRecord::Close { .. } => {
                self.stream.send_close(Some(NORMAL), "");
                Some("the client has left".to_owned())
            }
            SignalrRecord::Completion { .. } | SignalrRecord::Ping | SignalrRecord::Other(_) => None,
        }
    }

    fn invoked(&mut self, invocation: &Invocation<'_>) {
        let Invocation { target, argument, invocation_id } = invocation;
        let error = if target.eq_ignore_ascii_case(START) {
            if matches!(self.phase, TracePhase::Idle) {
                self.phase = TracePhase::Listening(self.trace.listen());
            }
            None
        } else if target.eq_ignore_ascii_case(LOG_PROPERTY) {
            let id = argument.and_then(|argument| argument.get().parse().ok());
            // What is not known is not answered (PROTOCOL §21.6).
            if let Some(answer) = id.and_then(template) {
                self.send(&answer);
            }
            None
        } else {
            Some("There is no such method.")
        };
        if let Some(id) = invocation_id {
            self.send(&signalr::completion(id, error));
        }
    }

    fn broken(&mut self, broken: SocketError) -> String {
        match broken {
            SocketError::Breach(breach) => {
                self.stream.send_close(Some(breach.code()), "");
                format!("it broke the WebSocket protocol: {breach}")
            }
            SocketError::End => "the client is gone, without saying goodbye".to_owned(),
            SocketError::Io(error) => format!("the connection broke: {error}"),
        }
    }

    /// The client was silent for too long, or it is time to say that the service is there.
    fn time(&mut self) -> Option<String> {
        let now = Instant::now();
        match self.phase {
            TracePhase::Greeting if now >= self.last_received + HANDSHAKE_TIMEOUT => {
                self.send(&signalr::refusal("Handshake was canceled."));
                self.stream.send_close(Some(NORMAL), "");
                Some("its handshake did not come".to_owned())
            }
            TracePhase::Greeting => None,
            TracePhase::Idle | TracePhase::Listening(_) if now >= self.last_received + SILENCE => {
                let why = "The client was silent for too long.";
                Some(self.close(NORMAL, Some(why), true, "it was silent for too long"))
            }
            TracePhase::Idle | TracePhase::Listening(_) => {
                if now >= self.last_sent + PING_INTERVAL {
                    self.send(PING);
                }
                None
            }
        }
    }

    fn send(&mut self, message: &str) {
        self.last_sent = Instant::now();
        self.stream.send_text(message.as_bytes());
    }

    /// Says that it is over. Returns how it ended, in words.
    fn close(&mut self, code: u16, error: Option<&str>, allow_reconnect: bool, how: &str) -> String {
        self.send(&signalr::close(error, allow_reconnect));
        self.stream.send_close(Some(code), "");
        how.to_owned()
    }

    /// Writes what waits, then reads up to the client's close frame.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.stream.poll_flush(cx));
        let mut budget = BUDGET;
        loop {
            match ready!(self.stream.poll_next(cx, &mut budget)) {
                Ok(SocketMessage::Close(_)) | Err(_) => return Poll::Ready(()),
                Ok(
                    SocketMessage::Text(_) | SocketMessage::Binary(_) | SocketMessage::Ping(_) | SocketMessage::Pong,
                ) => {}
            }
        }
    }
}
