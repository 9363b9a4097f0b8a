//! What goes wrong before there is a WebSocket: handshakes that are refused or hang, tokens that expire.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use ring::digest;
use tokio::time::Instant;

use super::hubs::Hubs;
use super::upgrade::UpgradeRefusal;
use webpubsub_proto::fault::{Action, Faults, Opportunity, Point, Points};
use webpubsub_proto::hub::Open;

/// Most tokens whose expiry is remembered.
const MOST_TOKENS: usize = 100_000;

/// The faults, and which tokens they let expire.
#[derive(Debug)]
pub(super) struct HandshakeFaults {
    faults: Faults,
    /// When tokens expire, by their digest.
    expiring: Mutex<HashMap<[u8; 32], Instant>>,
}

/// What the faults want of a handshake.
#[derive(Debug, Default)]
struct HandshakeVerdict {
    /// It hangs: so long, or for ever.
    hang: Option<Option<Duration>>,
    /// It is refused.
    refusal: Option<UpgradeRefusal>,
    /// Its token expires so much later.
    expires: Option<Duration>,
}

impl HandshakeFaults {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, expiring: Mutex::default() }
    }

    /// The faults, to list and to change.
    pub(super) fn plan(&self) -> &Faults {
        &self.faults
    }

    /// Forgets which tokens expire: the faults that said so are no more.
    pub(super) fn forget_tokens(&self) {
        self.expiring.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Asks for faults on a handshake that the service itself would accept, and waits for as long as they want. Tells
    /// when the token expires.
    pub(super) async fn handshake(
        &self,
        hubs: &Hubs,
        hub: &str,
        open: &Open,
        token: Option<&str>,
    ) -> Result<Option<Duration>, UpgradeRefusal> {
        let token = token.filter(|_| matches!(open, Open::Fresh(_))).map(fingerprint);
        let left = self.left(token.as_ref())?;
        let HandshakeVerdict { hang, refusal, expires } = self.judge(hubs, hub, open);
        match hang {
            None => {}
            Some(Some(time)) => tokio::time::sleep(time).await,
            Some(None) => std::future::pending().await,
        }
        match (refusal, left, expires) {
            (Some(refusal), _, _) => Err(refusal),
            (None, Some(left), _) => Ok(Some(left)),
            (None, None, Some(expires)) => {
                self.remember(token, expires);
                Ok(Some(expires))
            }
            (None, None, None) => Ok(None),
        }
    }

    /// How long a token has left that a fault lets expire.
    fn left(&self, token: Option<&[u8; 32]>) -> Result<Option<Duration>, UpgradeRefusal> {
        let expiring = self.expiring.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = token.and_then(|token| expiring.get(token)) else { return Ok(None) };
        match at.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(UpgradeRefusal::on_purpose(
                StatusCode::UNAUTHORIZED,
                "Unauthorized: the token has expired (a fault).",
            )),
        }
    }

    fn remember(&self, token: Option<[u8; 32]>, expires: Duration) {
        let mut expiring = self.expiring.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, at)) = token.zip(Instant::now().checked_add(expires))
            && expiring.len() < MOST_TOKENS
        {
            expiring.insert(token, at);
        }
    }

    /// What the faults want of a handshake.
    fn judge(&self, hubs: &Hubs, hub: &str, open: &Open) -> HandshakeVerdict {
        let point = match open {
            Open::Fresh(_) => Point::Connect,
            Open::Recover { .. } => Point::Recover,
        };
        let mut judgement = HandshakeVerdict::default();
        if !self.faults.care_for(Points::of(&[point])) {
            return judgement;
        }
        let recovered = match open {
            Open::Fresh(_) => None,
            Open::Recover { connection_id, .. } => hubs.connection(connection_id).filter(|(name, _)| name == hub),
        };
        let (user, connection) = match (open, &recovered) {
            (Open::Fresh(fresh), _) => (fresh.user.as_deref(), None),
            (Open::Recover { .. }, Some((_, info))) => (info.user.as_deref(), Some(info.id.as_ref())),
            (Open::Recover { connection_id, .. }, None) => (None, Some(connection_id.as_str())),
        };
        let opportunity = Opportunity { point, hub, user, connection, group: None, event: None, frames: 0 };
        for fired in self.faults.fire(&opportunity) {
            match &fired.fault.action {
                Action::Hang(time) => judgement.hang = Some(*time),
                Action::Expire(after) => judgement.expires = Some(*after),
                Action::Refuse { status, retry_after, body } => {
                    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                    let body = body.clone().unwrap_or_else(|| "A fault of the emulator.".to_owned());
                    judgement.refusal =
                        Some(UpgradeRefusal { retry_after: *retry_after, ..UpgradeRefusal::on_purpose(status, body) });
                }
                // These happen where the hub asks.
                Action::NoConnected
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
                | Action::Tunnel(_) => {}
            }
        }
        hubs.tell_faults();
        judgement
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest.as_ref());
    fingerprint
}
