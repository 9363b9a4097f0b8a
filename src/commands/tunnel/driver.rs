//! The task that owns the sockets, the tunnel's state and the requests at the upstream.
//!
//! Each turn does what the tunnel asks for, then waits for whichever comes first of: a dial's end, messages, an answer of
//! the upstream, a deadline, the wish to stop. Sending only queues; nothing holds another up.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::service::ServiceDialer;
use super::shown::TunnelReporter;
use super::upstream::{UpstreamAnswer, UpstreamClient};
use crate::run::errand::StopRequest;
use webpubsub_net::wire::{Cause, Closed, Incoming, Link, Stream};
use webpubsub_proto::EncodedFrame;
use webpubsub_proto::session::{DialFailure, LossCause};
use webpubsub_proto::tunnel::{
    KeyedRequest, RequestKey, TunnelClient, TunnelConfig, TunnelEnd, TunnelOutput, TunnelSocket, encode_tunnel,
};

/// Longer than any run.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

type TunnelDial = Pin<Box<dyn Future<Output = Result<Link<Stream>, DialFailure>>>>;
type PendingAnswer = Pin<Box<dyn Future<Output = (RequestKey, UpstreamAnswer)>>>;

/// What has happened on all sockets.
#[derive(Default)]
struct SocketEvents {
    dialed: Vec<(TunnelSocket, Result<Link<Stream>, DialFailure>)>,
    /// Answers that have gone out.
    written: Vec<RequestKey>,
    came: Vec<(TunnelSocket, Vec<Incoming>)>,
}

/// What runs a tunnel.
pub struct TunnelDriver<'a> {
    tunnel: TunnelClient,
    service: Rc<ServiceDialer>,
    upstream: Rc<UpstreamClient>,
    shown: &'a TunnelReporter<'a>,
    dials: BTreeMap<TunnelSocket, TunnelDial>,
    links: BTreeMap<TunnelSocket, Link<Stream>>,
    asking: FuturesUnordered<PendingAnswer>,
    /// Nobody takes what is printed: nothing more is read.
    stalled: bool,
    /// The run is to end.
    stopping: bool,
    /// The tunnel's time counts from here.
    origin: Instant,
}

impl<'a> TunnelDriver<'a> {
    /// Does nothing yet.
    pub fn new(
        config: TunnelConfig,
        service: Rc<ServiceDialer>,
        upstream: Rc<UpstreamClient>,
        shown: &'a TunnelReporter<'a>,
    ) -> Self {
        Self {
            tunnel: TunnelClient::new(config, Duration::ZERO),
            service,
            upstream,
            shown,
            dials: BTreeMap::new(),
            links: BTreeMap::new(),
            asking: FuturesUnordered::new(),
            stalled: false,
            stopping: false,
            origin: Instant::now(),
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Runs until it is over, which `wish` brings about.
    pub async fn run(mut self, wish: &StopRequest) -> TunnelEnd {
        loop {
            if let Some(end) = self.carry_out() {
                return end;
            }
            let due = self.tunnel.poll_timeout().map_or(self.origin + FAR, |at| self.origin + at);
            let Self { tunnel, dials, links, asking, shown, stalled, stopping, .. } = &mut self;
            let (stalled, stopping) = (*stalled, *stopping);
            tokio::select! {
                happened = poll_fn(|cx| poll_sockets(cx, dials, links, tunnel)) => {
                    self.handle(happened);
                    // A service that never pauses must not keep signals and output waiting.
                    yield_now().await;
                }
                Some((key, answer)) = asking.next(), if !asking.is_empty() => {
                    let now = self.now();
                    self.shown.answered(key, &answer);
                    let UpstreamAnswer { status, headers, body, .. } = answer;
                    self.tunnel.handle_answer(now, key, status, headers, body);
                }
                () = sleep_until(due) => {
                    let now = self.now();
                    self.tunnel.handle_timeout(now);
                }
                has_room = poll_fn(|cx| shown.poll_room(cx, stalled)) => {
                    self.stalled = !has_room;
                    let now = self.now();
                    self.tunnel.handle_stalled(now, !has_room);
                }
                () = wish.asked(), if !stopping => {
                    self.stopping = true;
                    let now = self.now();
                    self.tunnel.stop(now);
                }
            }
        }
    }

    fn handle(&mut self, happened: SocketEvents) {
        let now = self.now();
        for (socket, dialed) in happened.dialed {
            self.dials.remove(&socket);
            match dialed {
                Ok(link) => {
                    self.links.insert(socket, link);
                    self.tunnel.handle_opened(now, socket);
                }
                Err(failure) => self.tunnel.handle_dial_failed(now, socket, failure),
            }
        }
        // What has gone out had done so before something came, the end included.
        for key in happened.written {
            self.tunnel.handle_written(now, key);
        }
        for (socket, incoming) in happened
            .came
            .into_iter()
            .flat_map(|(socket, batch)| batch.into_iter().map(move |incoming| (socket, incoming)))
        {
            match incoming {
                Incoming::Binary(message) => {
                    self.shown.received(socket, &message);
                    self.tunnel.handle_message(now, socket, &message);
                }
                Incoming::Text(_) => self.tunnel.handle_text(now, socket),
                Incoming::Ping | Incoming::Pong | Incoming::Progress => self.tunnel.handle_life(now, socket),
                Incoming::Closed(closed) => {
                    self.links.remove(&socket);
                    self.tunnel.handle_lost(now, socket, cause(closed));
                }
            }
        }
    }

    /// Does what there is to do. How it ended, once it has.
    fn carry_out(&mut self) -> Option<TunnelEnd> {
        while let Some(output) = self.tunnel.poll_output() {
            match output {
                TunnelOutput::Dial { socket, place } => {
                    if let (_, Some(why)) = self.service.endpoint_of(&place) {
                        self.shown.warn(&why);
                    }
                    self.dials.insert(socket, Box::pin(Rc::clone(&self.service).dial(place)));
                }
                TunnelOutput::Send { socket, frame } => {
                    if let Some(link) = self.links.get_mut(&socket) {
                        self.shown.sent(socket, &frame);
                        link.send(EncodedFrame::Binary(encode_tunnel(&frame)));
                    }
                }
                TunnelOutput::Mark { socket, key } => {
                    if let Some(link) = self.links.get_mut(&socket) {
                        link.mark(key.0);
                    }
                }
                TunnelOutput::Ping { socket } => {
                    if let Some(link) = self.links.get_mut(&socket) {
                        link.send_ping();
                    }
                }
                TunnelOutput::Close { socket } => {
                    if let Some(link) = self.links.get_mut(&socket) {
                        link.close(1000, "");
                    }
                }
                TunnelOutput::Abort { socket } => {
                    self.dials.remove(&socket);
                    self.links.remove(&socket);
                }
                TunnelOutput::Ask(KeyedRequest { key, request }) => {
                    self.shown.asked(key, &request);
                    let upstream = Rc::clone(&self.upstream);
                    self.asking.push(Box::pin(async move { (key, upstream.ask(&request).await) }));
                }
                TunnelOutput::Event(event) => self.shown.happened(&event),
                TunnelOutput::Ended(end) => return Some(end),
            }
        }
        None
    }
}

impl Drop for TunnelDriver<'_> {
    /// Also where nobody waited for the end: what has no answer is said.
    fn drop(&mut self) {
        self.shown.over(self.stopping);
    }
}

/// All that dials and sockets have; each has its turn, however much another brings.
fn poll_sockets(
    cx: &mut Context<'_>,
    dials: &mut BTreeMap<TunnelSocket, TunnelDial>,
    links: &mut BTreeMap<TunnelSocket, Link<Stream>>,
    tunnel: &TunnelClient,
) -> Poll<SocketEvents> {
    let mut happened = SocketEvents::default();
    for (socket, dialing) in dials.iter_mut() {
        if let Poll::Ready(dialed) = dialing.as_mut().poll(cx) {
            happened.dialed.push((*socket, dialed));
        }
    }
    for (socket, link) in links.iter_mut() {
        let mut batch = Vec::new();
        let has_come = link.poll(cx, tunnel.reads(*socket), &mut batch).is_ready();
        while let Some(key) = link.take_written() {
            happened.written.push(RequestKey(key));
        }
        if has_come {
            happened.came.push((*socket, batch));
        }
    }
    let SocketEvents { dialed, written, came } = &happened;
    if dialed.is_empty() && written.is_empty() && came.is_empty() { Poll::Pending } else { Poll::Ready(happened) }
}

fn cause(closed: Closed) -> LossCause {
    let Closed { code, reason, error, cause } = closed;
    match cause {
        Cause::Clean => LossCause::Close { code: code.unwrap_or(1005), reason },
        Cause::Dropped => {
            LossCause::Broken(error.unwrap_or_else(|| "the connection ended without a close frame".to_owned()))
        }
        Cause::InvalidUtf8 => LossCause::InvalidUtf8,
        Cause::Framing => LossCause::Framing(error.unwrap_or_default()),
        Cause::TooBig => LossCause::TooBig,
    }
}
