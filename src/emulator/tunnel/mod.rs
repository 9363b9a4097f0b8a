//! Tunnels that applications have opened: the events of `tunnel:///` handlers go through them, as requests that are
//! answered in any order (PROTOCOL §20).
//!
//! [`Tunnels`] knows which connections a hub has and asks one of them, in turn. What becomes of a socket is
//! [`server::tunnel`](crate::server)'s, which takes what is to go out from the outbox of its [`TunnelLine`] and gives it
//! what came. Nothing here waits but for answers.

mod line;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use tracing::info;
use url::Url;

use webpubsub_proto::fault::{Action, Faults, Opportunity, Point, TunnelFault, TunnelTarget};
use webpubsub_proto::tunnel::{Tracing, TunnelFrame, TunnelHeaders, TunnelMove, TunnelRequest};

pub(crate) use line::{LineOutput, TunnelLine};

/// All connections of all tunnels.
#[derive(Debug)]
pub(crate) struct Tunnels {
    /// How the emulator is known.
    endpoint: String,
    faults: Faults,
    table: Mutex<TunnelTable>,
}

#[derive(Debug, Default)]
struct TunnelTable {
    /// By the name of the hub, in lower case.
    hubs: HashMap<String, HubTunnels>,
    /// How many connections there ever were.
    opened: u64,
    /// The server stops.
    closed: bool,
}

/// The connections of a hub, and whose turn it is.
#[derive(Debug, Default)]
struct HubTunnels {
    lines: Vec<Arc<TunnelLine>>,
    turn: usize,
}

/// What a request is about, which faults are aimed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim<'a> {
    pub(crate) hub: &'a str,
    pub(crate) user: Option<&'a str>,
    pub(crate) connection: &'a str,
    pub(crate) event: &'a str,
}

/// What an application answered.
#[derive(Debug)]
pub(crate) struct TunnelAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TunnelAnswerError {
    /// No connection is up.
    #[error("no tunnel is connected to its hub; `wps tunnel` opens one")]
    Nobody,
    /// Its connection was lost.
    #[error("the tunnel's connection was lost before the answer")]
    Lost,
    /// Not an HTTP status.
    #[error("the tunnel answered with the status {0}, which is none")]
    Status(u16),
    /// More than is taken.
    #[error("its answer is larger than 16 MiB")]
    TooLarge,
}

impl Tunnels {
    /// None yet.
    pub(crate) fn new(endpoint: &str, faults: Faults) -> Self {
        Self { endpoint: endpoint.trim_end_matches('/').to_owned(), faults, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, TunnelTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the URL of a request names: the emulator's own endpoint, with path and query (PROTOCOL §20.6).
    pub(crate) fn url_of(&self, target: &Url) -> Url {
        let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
        let slash = if target.path().starts_with('/') { "" } else { "/" };
        let text = format!("{}{slash}{}{query}", self.endpoint, target.path());
        Url::parse(&text).unwrap_or_else(|_| target.clone())
    }

    /// Another connection; `None` once the server stops. The frame that greets it is the first that goes out.
    pub(crate) fn open(
        &self,
        hub: &str,
        connection_id: String,
        user: Option<String>,
    ) -> Option<(Arc<TunnelLine>, UnboundedReceiver<LineOutput>)> {
        let mut table = self.table();
        if table.closed {
            return None;
        }
        table.opened += 1;
        let (line, outbox) = TunnelLine::new(table.opened, connection_id.clone());
        let line = Arc::new(line);
        line.send(&TunnelFrame::Connected {
            connection_id,
            user_id: user,
            reconnection_token: None,
            tracing: Tracing::Null,
        });
        table.hubs.entry(hub.to_owned()).or_default().lines.push(Arc::clone(&line));
        Some((line, outbox))
    }

    /// A connection is gone, or was told to go: nothing more is asked on it. What was, may still be answered.
    pub(crate) fn leave(&self, hub: &str, line: &TunnelLine) {
        let mut table = self.table();
        let Some(tunnels) = table.hubs.get_mut(hub) else { return };
        tunnels.lines.retain(|known| known.number != line.number);
        if tunnels.lines.is_empty() {
            table.hubs.remove(hub);
        }
    }

    /// The server stops.
    pub(crate) fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        for (_, tunnels) in table.hubs.drain() {
            tunnels.lines.iter().for_each(|line| line.put(LineOutput::Close { code: 1001, reason: "" }));
        }
    }

    /// The connection whose turn it is.
    fn next(&self, hub: &str) -> Option<Arc<TunnelLine>> {
        let mut table = self.table();
        let tunnels = table.hubs.get_mut(hub)?;
        tunnels.turn = tunnels.turn.wrapping_add(1);
        let at = tunnels.turn % tunnels.lines.len().max(1);
        tunnels.lines.get(at).cloned()
    }

    /// Asks the application of a hub. Has no time limit of its own.
    pub(crate) async fn ask(
        &self,
        aim: &Aim<'_>,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<TunnelAnswer, TunnelAnswerError> {
        let mut line = self.next(aim.hub).ok_or(TunnelAnswerError::Nobody)?;
        let mut lost = false;
        for fault in self.judge(aim) {
            match fault {
                (TunnelFault::Lost, _) => lost = true,
                (TunnelFault::Slow(delay), chance) => {
                    sleep(delay.draw(chance)).await;
                    // It may be another one's turn by now.
                    line = self.next(aim.hub).ok_or(TunnelAnswerError::Nobody)?;
                }
                (TunnelFault::Reconnect(to), _) => {
                    line.send(&TunnelFrame::Reconnect(moved(to, "reconnect")));
                    self.leave(aim.hub, &line);
                }
                (TunnelFault::Rebalance(to), _) => line.send(&TunnelFrame::Rebalance(moved(to, "rebalance"))),
                (TunnelFault::Close, _) => {
                    let message = "A fault of the emulator: close.".to_owned();
                    line.send(&TunnelFrame::Close { message, tracing: Tracing::Null });
                    self.leave(aim.hub, &line);
                }
            }
        }
        let mut request = TunnelRequest {
            ack_id: 0,
            method: "POST".to_owned(),
            url: url.as_str().to_owned(),
            headers: Some(tunnelled(headers)),
            local_routing: false,
            channel_name: String::new(),
            tracing: Tracing::Null,
            body: Some(body),
        };
        loop {
            let asked = line;
            match asked.ask(request) {
                Ok(answer) => {
                    if lost {
                        asked.put(LineOutput::Cut);
                    }
                    return answer.await;
                }
                // It has ended meanwhile, and has its turn no more.
                Err(unasked) => {
                    request = *unasked;
                    line = self.next(aim.hub).ok_or(TunnelAnswerError::Nobody)?;
                }
            }
        }
    }

    /// What the faults want of a request.
    fn judge(&self, aim: &Aim<'_>) -> Vec<(TunnelFault, u64)> {
        let fired = self.faults.fire(&Opportunity {
            point: Point::Tunnel,
            hub: aim.hub,
            user: aim.user,
            connection: Some(aim.connection),
            group: None,
            event: Some(aim.event),
            frames: 0,
        });
        let faults = fired.iter().filter_map(|fired| match &fired.fault.action {
            Action::Tunnel(fault) => Some((fault.clone(), fired.chance)),
            // These happen elsewhere.
            Action::Refuse { .. }
            | Action::Hang(_)
            | Action::NoConnected
            | Action::RefuseRecovery(_)
            | Action::Drop { .. }
            | Action::ExecuteThenDrop(_)
            | Action::Ignore
            | Action::Nack { .. }
            | Action::CloseStream { .. }
            | Action::SwallowAck
            | Action::DelayAck(_)
            | Action::DuplicateAck
            | Action::GarbleAnswer(_)
            | Action::Latency(_)
            | Action::Bandwidth(_)
            | Action::NoPong
            | Action::Garbage(_)
            | Action::Expire(_) => None,
        });
        let faults: Vec<_> = faults.collect();
        if !faults.is_empty() {
            self.faults.take_notes().iter().for_each(|note| info!("{note}"));
        }
        faults
    }
}

fn moved(to: TunnelTarget, what: &str) -> TunnelMove {
    TunnelMove {
        target_id: to.target,
        endpoint: to.endpoint,
        message: format!("A fault of the emulator: {what}."),
        tracing: Tracing::Null,
    }
}

/// Headers as a frame has them.
pub(crate) fn tunnelled(headers: &HeaderMap) -> TunnelHeaders {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let values = |name: &HeaderName| headers.get_all(name).iter().map(text).collect();
    headers.keys().map(|name| (name.as_str().to_owned(), values(name))).collect()
}

/// Headers that came in a frame; what no header can be is left out.
pub(crate) fn untunnelled(given: &TunnelHeaders) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in given {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        for value in values {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(name.clone(), value);
            }
        }
    }
    headers
}
