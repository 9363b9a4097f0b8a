//! `/server/tunnel`: where applications open tunnels (PROTOCOL §20.2, §20.6), and one task for each of their sockets.
//!
//! A connection is let in by a token for this path; then frames go both ways: requests of handlers out, their answers in,
//! and the application's own REST requests in, which are answered one after another, so that they keep their order.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode, header};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

use super::carrier::{BaseStream, Carrier, send_end, upgraded};
use super::refusals::EntryPoint;
use super::request::{Query, names};
use super::upgrade::{UpgradeRefusal, accept_key, known_hub, switching, token_of};
use super::{Server, rest, unix_now};
use crate::tunnel::{LineOutput, TunnelLine, tunnelled, untunnelled};
use webpubsub_net::auth::token::{
    Claims, RequestAudience, TokenError, check_unsigned_entra_token, verify_request_token,
};
use webpubsub_net::wire::{SocketMessage, SocketRole, WebSocket, prepare};
use webpubsub_proto::check_hub_name;
use webpubsub_proto::tunnel::{TunnelFrame, TunnelRequest, TunnelResponse, decode_tunnel, pieces};

/// Where tunnels are opened.
pub(super) const PATH: &str = "/server/tunnel";

/// The largest message that is taken: an answer in one piece, as the official client sends it, with its headers.
const MAX_MESSAGE: usize = 17 * 1024 * 1024;
/// Bytes asked of the system at once.
const READ_BUFFER: usize = 32 * 1024;
/// Most bytes read before others have their turn.
const BUDGET: usize = 1024 * 1024;
/// A ping after so long a silence, and the end after twice that.
const PING_AFTER: Duration = Duration::from_secs(20);
/// How long a peer may take to read up to the close frame, and to answer it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// REST requests that wait for their turn on one connection.
const WAITING_REQUESTS: usize = 1000;
/// The same in bytes; one may wait however large it is.
const WAITING_BYTES: usize = 16 * 1024 * 1024;
/// The most of an answer to a REST request: its pages are smaller.
const MAX_REST_ANSWER: usize = 16 * 1024 * 1024;

/// Answers a request to open a tunnel.
pub(super) async fn serve(State(server): State<Arc<Server>>, request: Request) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let place = EntryPoint::Tunnel(known_hub(query.get("hub")));
    match connect(&server, &query, request) {
        Ok(response) => {
            server.refusals.passed(&place);
            response
        }
        Err(refusal) => refusal.into_response(&server, &place),
    }
}

fn connect(server: &Arc<Server>, query: &Query, mut request: Request) -> Result<Response, UpgradeRefusal> {
    let accept = accept_key(&request)?;
    let hub = query.get("hub").ok_or_else(|| UpgradeRefusal::bad_request("The request names no hub."))?;
    check_hub_name(hub).map_err(|error| UpgradeRefusal::bad_request(format!("`{hub}`: {error}.")))?;
    // Hub names have no case (PROTOCOL §1.3).
    let hub = hub.to_ascii_lowercase();
    let claims = authenticate(server, query, &request)?;
    let target = query.get("target").map(str::to_owned);
    let upgrade = hyper::upgrade::on(&mut request);
    let served = Arc::clone(server);
    // Before the answer: whoever reads it may at once connect a client whose events are to come here.
    let connection_id = server.hubs.draw_connection_id();
    let (line, outbox) = server
        .tunnels
        .open(&hub, connection_id, claims.sub)
        .ok_or_else(|| UpgradeRefusal::on_purpose(StatusCode::SERVICE_UNAVAILABLE, "The service is going away."))?;
    server.spawn_socket(async move {
        let to = target.map(|target| format!(", target `{target}`")).unwrap_or_default();
        info!("tunnel {} opens to hub `{hub}`{to}, connection `{}`", line.number, line.connection_id);
        let ends = (&*hub, &line, outbox);
        let how = match upgraded(upgrade).await {
            Some((BaseStream::Tcp(stream), read)) => run(&served, stream, &read, ends).await,
            Some((BaseStream::Tls(stream), read)) => run(&served, stream, &read, ends).await,
            None => {
                end(&served, &hub, &line);
                "is gone before it was answered"
            }
        };
        info!("tunnel {} {how}", line.number);
    });
    Ok(switching(accept))
}

/// The token is for this path, whatever its query says (PROTOCOL §2.3, §20.2).
fn authenticate(server: &Server, query: &Query, request: &Request) -> Result<Claims, UpgradeRefusal> {
    let headers = request.headers();
    let token = token_of(query, headers).ok_or_else(UpgradeRefusal::no_token)?;
    let names = names(server, headers);
    let endpoints: Vec<_> = names.iter().map(String::as_str).collect();
    let expected = RequestAudience { endpoints: &endpoints, path: PATH };
    let verified = match verify_request_token(token, &server.keys, expected, unix_now()) {
        // One for a path above it is none for this.
        Ok(claims) if claims.aud.iter().any(|aud| names_path(aud)) => Ok(claims),
        Ok(claims) => {
            let (has, expected) = (claims.aud.join(", "), format!("{}{PATH}", server.endpoint));
            Err(TokenError::WrongAudience { has, expected })
        }
        Err(TokenError::Signature | TokenError::Algorithm) if server.allow_unvalidated_entra => {
            check_unsigned_entra_token(token, unix_now())
        }
        Err(error) => Err(error),
    };
    verified.map_err(|error| UpgradeRefusal::bad_token(&error))
}

fn names_path(aud: &str) -> bool {
    let path = aud.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    path.len() >= PATH.len()
        && path.is_char_boundary(path.len() - PATH.len())
        && path[path.len() - PATH.len()..].eq_ignore_ascii_case(PATH)
}

/// A socket that is up.
struct TunnelServerSocket<'a, S> {
    stream: WebSocket<S>,
    line: &'a TunnelLine,
    outbox: UnboundedReceiver<LineOutput>,
    /// Taken from the outbox, and not given to the WebSocket yet.
    next: Option<LineOutput>,
    /// REST requests that came, with their size; none come after its end.
    asked: Option<Sender<(TunnelRequest, usize)>>,
    /// Bytes of those that wait.
    waiting: Arc<AtomicUsize>,
    heard: Instant,
}

/// What ended it.
enum TunnelSocketEnd {
    Peer,
    Broken,
    Cut,
    Closed,
    NoFrame,
    Silent,
}

/// Serves a socket until it ends, and says how it did.
async fn run(
    server: &Arc<Server>,
    stream: impl Carrier,
    read: &[u8],
    (hub, line, outbox): (&str, &Arc<TunnelLine>, UnboundedReceiver<LineOutput>),
) -> &'static str {
    prepare(stream.tcp());
    let stream = WebSocket::new(stream, read, SocketRole::Server, MAX_MESSAGE, READ_BUFFER);
    let (asked, asking) = channel(WAITING_REQUESTS);
    let waiting = Arc::new(AtomicUsize::new(0));
    let answering = answer_requests(Arc::clone(server), Arc::clone(line), asking, Arc::clone(&waiting));
    let (heard, asked) = (Instant::now(), Some(asked));
    let mut socket = TunnelServerSocket { stream, line, outbox, next: None, asked, waiting, heard };
    let mut answering = std::pin::pin!(answering);
    let mut ping_at = Instant::now() + PING_AFTER;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|cx| socket.poll(cx)) => match ended {
                Some(ended) => break ended,
                // A peer that never pauses must not keep the others waiting.
                None => tokio::task::yield_now().await,
            },
            // As long as requests can come.
            () = &mut answering => {}
            () = sleep_until(ping_at) => {
                if socket.heard.elapsed() >= 2 * PING_AFTER {
                    break TunnelSocketEnd::Silent;
                }
                if socket.heard.elapsed() >= PING_AFTER {
                    socket.stream.send_ping();
                }
                ping_at = Instant::now() + PING_AFTER / 2;
            }
        }
    };
    // Before its peer can read of the end: nothing is asked on it any more, and what it asked before is carried out.
    end(server, hub, line);
    socket.outbox.close();
    socket.asked = None;
    let _ = timeout(CLOSE_TIMEOUT, answering).await;
    match ended {
        TunnelSocketEnd::Peer => {
            let _ = timeout(CLOSE_TIMEOUT, async {
                poll_fn(|cx| socket.stream.poll_flush(cx)).await;
                send_end(socket.stream.get_mut()).await;
            })
            .await;
            "has left"
        }
        TunnelSocketEnd::Broken => "is gone, without saying goodbye",
        TunnelSocketEnd::Cut => {
            // A socket without time to linger is reset when it is dropped.
            drop(socket.stream.get_ref().tcp().set_zero_linger());
            "is reset, by a fault"
        }
        TunnelSocketEnd::Closed => {
            socket.part().await;
            "is closed"
        }
        TunnelSocketEnd::NoFrame => {
            socket.stream.send_close(Some(1002), "That is no frame of a tunnel.");
            socket.part().await;
            "is closed: what it sent is no frame"
        }
        TunnelSocketEnd::Silent => "is dropped: nothing came from it",
    }
}

/// Nobody will answer on a connection any more.
fn end(server: &Server, hub: &str, line: &TunnelLine) {
    server.tunnels.leave(hub, line);
    line.lose();
}

impl<S: Carrier> TunnelServerSocket<'_, S> {
    /// Moves what there is to move. Ready with how it ended, or with `None` when others should have their turn.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<TunnelSocketEnd>> {
        loop {
            if self.next.is_none() {
                self.next = match self.outbox.poll_recv(cx) {
                    Poll::Ready(next) => next.inspect(|next| self.line.took(next)),
                    Poll::Pending => None,
                };
            }
            if self.next.is_none() {
                break;
            }
            if self.stream.poll_room(cx).is_pending() {
                break;
            }
            match self.next.take() {
                Some(LineOutput::Message(message)) => self.stream.send_binary(&message),
                Some(LineOutput::Cut) => {
                    // What stands before goes out, as far as it does at once.
                    let _ = self.stream.poll_flush(cx);
                    return Poll::Ready(Some(TunnelSocketEnd::Cut));
                }
                Some(LineOutput::Close { code, reason }) => {
                    self.stream.send_close(Some(code), reason);
                    return Poll::Ready(Some(TunnelSocketEnd::Closed));
                }
                None => {}
            }
        }
        let _ = self.stream.poll_flush(cx);
        if self.stream.failure().is_some() {
            return Poll::Ready(Some(TunnelSocketEnd::Broken));
        }
        let mut budget = BUDGET;
        while !self.line.is_crowded()
            && let Poll::Ready(message) = self.stream.poll_next(cx, &mut budget)
        {
            self.heard = Instant::now();
            match message {
                Ok(SocketMessage::Binary(message)) => {
                    if !self.receive(&message) {
                        return Poll::Ready(Some(TunnelSocketEnd::NoFrame));
                    }
                }
                Ok(SocketMessage::Text(_)) => return Poll::Ready(Some(TunnelSocketEnd::NoFrame)),
                Ok(SocketMessage::Ping(_) | SocketMessage::Pong) => {}
                Ok(SocketMessage::Close(frame)) => {
                    self.stream.send_close(frame.answer(), "");
                    return Poll::Ready(Some(TunnelSocketEnd::Peer));
                }
                Err(error) => {
                    debug!("tunnel {}: {error:?}", self.line.number);
                    return Poll::Ready(Some(TunnelSocketEnd::Broken));
                }
            }
            if budget == 0 {
                return Poll::Ready(None);
            }
        }
        if self.stream.take_moved() | self.stream.get_ref().take_moved() {
            self.heard = Instant::now();
        }
        Poll::Pending
    }

    /// A message came. Tells whether it is a frame.
    fn receive(&self, message: &Bytes) -> bool {
        match decode_tunnel(message) {
            Ok(Some(TunnelFrame::Response(piece))) => self.line.answered(piece),
            Ok(Some(TunnelFrame::Request(request))) => {
                let len = message.len();
                let waiting = self.waiting.fetch_add(len, Ordering::Relaxed);
                let refused = if waiting > 0 && waiting + len > WAITING_BYTES {
                    Some(request)
                } else {
                    let Some(asked) = &self.asked else { return true };
                    asked.try_send((request, len)).err().map(|refused| refused.into_inner().0)
                };
                if let Some(request) = refused {
                    self.waiting.fetch_sub(len, Ordering::Relaxed);
                    answer(self.line, &request, StatusCode::TOO_MANY_REQUESTS, &header::HeaderMap::new(), Bytes::new());
                }
            }
            // Those go the other way.
            Ok(Some(
                TunnelFrame::Status { .. }
                | TunnelFrame::Reconnect(_)
                | TunnelFrame::Close { .. }
                | TunnelFrame::Rebalance(_)
                | TunnelFrame::Connected { .. },
            ))
            | Ok(None) => {}
            Err(problem) => {
                warn!("tunnel {}: a message is no frame: {problem}", self.line.number);
                return false;
            }
        }
        true
    }

    /// The close frame goes out, and the peer's comes, unless that takes too long.
    async fn part(&mut self) {
        let parted = poll_fn(|cx| {
            let _ = self.stream.poll_flush(cx);
            if self.stream.failure().is_some() {
                return Poll::Ready(());
            }
            let mut budget = BUDGET;
            while let Poll::Ready(message) = self.stream.poll_next(cx, &mut budget) {
                if matches!(message, Ok(SocketMessage::Close(_)) | Err(_)) {
                    return Poll::Ready(());
                }
                budget = BUDGET;
            }
            Poll::Pending
        });
        if timeout(CLOSE_TIMEOUT, parted).await.is_ok() {
            let _ = timeout(CLOSE_TIMEOUT, send_end(self.stream.get_mut())).await;
        }
    }
}

/// Answers the application's own requests, in their order.
async fn answer_requests(
    server: Arc<Server>,
    line: Arc<TunnelLine>,
    mut asking: Receiver<(TunnelRequest, usize)>,
    waiting: Arc<AtomicUsize>,
) {
    while let Some((mut request, len)) = asking.recv().await {
        line.room().await;
        let body = request.body.take().unwrap_or_default();
        let response = match rest_request(&request, body) {
            Some(asked) => rest::answer_trusted(&server, asked).await,
            None => {
                let mut response = Response::new(Body::from("That is no HTTP request."));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            }
        };
        let (head, body) = response.into_parts();
        let body = to_bytes(body, MAX_REST_ANSWER).await.unwrap_or_default();
        answer(&line, &request, head.status, &head.headers, body);
        waiting.fetch_sub(len, Ordering::Relaxed);
    }
}

/// A request as it would have come over HTTP. Its host does not count (PROTOCOL §20.5).
fn rest_request(request: &TunnelRequest, body: Bytes) -> Option<Request> {
    let mut asked = Request::builder()
        .method(Method::from_bytes(request.method.as_bytes()).ok()?)
        .uri(request.path_and_query().as_ref())
        .body(Body::empty())
        .ok()?;
    *asked.headers_mut() = request.headers.as_ref().map(untunnelled).unwrap_or_default();
    // It says how long the frame's content is, whatever was said of it.
    asked.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    *asked.body_mut() = Body::from(body);
    Some(asked)
}

fn answer(line: &TunnelLine, request: &TunnelRequest, status: StatusCode, headers: &header::HeaderMap, body: Bytes) {
    let response = TunnelResponse {
        ack_id: request.ack_id,
        status: status.as_u16(),
        headers: Some(tunnelled(headers)),
        local_routing: request.local_routing,
        channel_name: request.channel_name.clone(),
        body: Some(body),
        ..TunnelResponse::default()
    };
    for piece in pieces(response) {
        line.send(&piece);
    }
}
