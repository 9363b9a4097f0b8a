//! Dials of a live trace: a fresh token for each, signed here or an identity's, and what a failure means (PROTOCOL §21.1).

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::chance::unix_now;
use super::explain::{ConnectContext, dial_hints, skew, timeout_hint};
use super::identity::Identities;
use super::keyless::class;
use super::network::options_of;
use super::rest::RestAccess;
use crate::failure::{Failure, Kind};
use crate::options::connection::settings::ConnectionSource;
use crate::options::network::settings::{NetworkSettings, TlsOptions};
use crate::render::{TOLD, human};
use webpubsub_client::driver::{dial_failure, loss_cause};
use webpubsub_net::auth::token::{ClientTokenRequest, sign_client_token};
use webpubsub_net::secret::{Secret, excerpt, redact, remember_passing};
use webpubsub_net::wire::{DialError, DialOptions, DialProgress, Incoming, Link, Refusal, Server, Stage, Stream, dial};
use webpubsub_proto::EncodedFrame;
use webpubsub_proto::session::{DialClass, DialFailure, EndKind};
use webpubsub_proto::signalr::{BadRecord, HANDSHAKE, HandshakeProblem, check_handshake_answer, records};
use webpubsub_proto::trace::ended_unanswered;

/// How long a token is valid: it is looked at when connecting alone.
const TOKEN_TTL: Duration = Duration::from_secs(60 * 60);

/// The live trace of a service.
#[derive(Debug)]
pub struct Endpoint {
    server: Server,
    endpoint: Url,
    access: RestAccess,
    options: DialOptions,
    connect_timeout: Duration,
    /// `--reconnect-max-delay`.
    longest_pause: Duration,
    /// It is the emulator on this machine.
    local: bool,
    /// Why the last dial failed.
    last: Mutex<Option<LastFailure>>,
}

/// Why the last dial failed, for explanations.
#[derive(Clone, Debug)]
enum LastFailure {
    Dial(Arc<DialError>),
    Timeout,
    /// There was no token; what is to be done about it.
    NoToken(Vec<String>),
}

impl Endpoint {
    /// That of a source; `None`: a client access URL, which opens none. Dials nothing yet.
    pub fn of(
        source: &ConnectionSource,
        (network, tls): (&NetworkSettings, &TlsOptions),
        connect_timeout: Duration,
        longest_pause: Duration,
    ) -> Result<Option<Self>, Failure> {
        let (place, access) = match source {
            ConnectionSource::Signed(signer) => ((signer.endpoint.clone(), false), RestAccess::Key(signer.key.clone())),
            ConnectionSource::Local { signer, .. } => {
                ((signer.endpoint.clone(), true), RestAccess::Key(signer.key.clone()))
            }
            ConnectionSource::Keyless(keyless) => {
                let identities = Identities::shared(keyless.identities.clone(), network, tls, connect_timeout);
                ((keyless.endpoint.clone(), false), RestAccess::Identity(identities))
            }
            ConnectionSource::Url(_) | ConnectionSource::Command(_) => return Ok(None),
        };
        Self::new(place, access, options_of(network, tls), connect_timeout, longest_pause).map(Some)
    }

    /// Dials nothing yet. `endpoint` is `http` or `https`.
    fn new(
        (endpoint, local): (Url, bool),
        access: RestAccess,
        options: DialOptions,
        connect_timeout: Duration,
        longest_pause: Duration,
    ) -> Result<Self, Failure> {
        let server = Server::of(&endpoint)
            .ok_or_else(|| Failure::message(Kind::Config, "the endpoint of the service is no `http` or `https` URL"))?;
        Ok(Self { server, endpoint, access, options, connect_timeout, longest_pause, local, last: Mutex::default() })
    }

    /// With TLS.
    pub fn is_secure(&self) -> bool {
        self.endpoint.scheme() == "https"
    }

    /// Host, and port if it is not the scheme's own.
    pub fn name(&self) -> String {
        self.server.to_string()
    }

    /// Dials once. An identity whose token is not taken is asked for a fresh one, once.
    pub async fn dial(&self, deadline: Instant) -> Result<Link<Stream>, DialFailure> {
        *self.last() = None;
        let mut renewed = false;
        loop {
            let error = match self.dial_once(deadline).await {
                Ok(link) => return Ok(link),
                Err(error) => error,
            };
            match (&error, &self.access) {
                (LinkFailure::Dial(DialError::Refused(refusal)), RestAccess::Identity(identities))
                    if refusal.status == 401 && !std::mem::replace(&mut renewed, true) =>
                {
                    identities.forget();
                }
                _ => return Err(self.failed(error)),
            }
        }
    }

    /// Whether the service lets itself be traced: connects, shakes hands and goes, so that nothing is traced or billed.
    pub async fn probe(&self, deadline: Instant) -> Result<(), Failure> {
        let mut link = match self.dial(deadline).await {
            Ok(link) => link,
            Err(DialFailure { class, message, .. }) => {
                let kind = match class {
                    DialClass::Status(401 | 403) => EndKind::Unauthorized,
                    DialClass::Status(408 | 429 | 500..) | DialClass::Unreachable => EndKind::Unreachable,
                    DialClass::Certificate | DialClass::Proxy => EndKind::Unreachable,
                    DialClass::Status(_) | DialClass::Subprotocol => EndKind::HandshakeRefused,
                    DialClass::NotWebSocket => EndKind::Protocol,
                    DialClass::Configuration => EndKind::Configuration,
                };
                return Err(self.failure(kind, &message));
            }
        };
        link.send(EncodedFrame::from(HANDSHAKE.to_owned()));
        let mut batch = Vec::new();
        while timeout_at(deadline, poll_fn(|cx| link.poll(cx, true, &mut batch))).await.is_ok() {
            for incoming in batch.drain(..) {
                match incoming {
                    Incoming::Text(text) => {
                        let first = records(&text).next().unwrap_or(Err(BadRecord::Unterminated));
                        let answer = first.map_err(HandshakeProblem::NoHandshake).and_then(check_handshake_answer);
                        // The answer to a close frame is not waited for.
                        link.close(1000, "");
                        let _ = timeout_at(deadline, poll_fn(|cx| link.poll(cx, true, &mut Vec::new()))).await;
                        return answer.map_err(|problem| match problem {
                            HandshakeProblem::Refused(why) => self.failure(EndKind::HandshakeRefused, &why),
                            HandshakeProblem::NoHandshake(bad) => self.failure(EndKind::Protocol, &bad.to_string()),
                        });
                    }
                    Incoming::Closed(closed) => {
                        let (kind, what) = ended_unanswered(&loss_cause(closed));
                        return Err(self.failure(kind, &what));
                    }
                    Incoming::Binary(_) | Incoming::Ping | Incoming::Pong | Incoming::Progress => {}
                }
            }
        }
        Err(self.failure(EndKind::NotGreeted, "no answer to the handshake came in time"))
    }

    async fn dial_once(&self, deadline: Instant) -> Result<Link<Stream>, LinkFailure> {
        let late = |stage: String| LinkFailure::Late { stage };
        let token = timeout_at(deadline, self.token()).await.map_err(|_| late("waiting for the identity".into()))?;
        let token = token?;
        remember_passing(token.expose());
        let base = self.endpoint.path().trim_end_matches('/');
        let token = utf8_percent_encode(token.expose(), NON_ALPHANUMERIC);
        let target = self.server.websocket(Secret::new(format!("{base}/livetrace?access_token={token}")));
        let progress = DialProgress::default();
        match timeout_at(deadline, dial(&target, &self.options, &progress)).await {
            Ok(dialed) => Ok(dialed?),
            Err(_) => match progress.stage() {
                stage @ Stage::Files { .. } => Err(LinkFailure::File { stage: stage.to_string() }),
                stage => Err(late(stage.to_string())),
            },
        }
    }

    async fn token(&self) -> Result<Secret, Failure> {
        match &self.access {
            RestAccess::Key(key) => {
                let audience = format!("{}/livetrace", self.endpoint.as_str().trim_end_matches('/'));
                let request = ClientTokenRequest {
                    audience: &audience,
                    user: None,
                    roles: &[],
                    groups: &[],
                    issued_at: unix_now(),
                    ttl: TOKEN_TTL,
                    not_before: None,
                    claims: &[],
                };
                Ok(sign_client_token(key, &request))
            }
            RestAccess::Identity(identities) => Ok(identities.token().await?.token),
        }
    }

    fn failed(&self, error: LinkFailure) -> DialFailure {
        let limit = self.connect_timeout.as_secs_f64();
        let (failure, last) = match error {
            LinkFailure::Dial(error) => (dial_failure(&error), LastFailure::Dial(Arc::new(error))),
            LinkFailure::Late { stage } => {
                let message = format!("timed out after {limit} s while {stage}");
                (DialFailure { class: DialClass::Unreachable, message, retry_after: None }, LastFailure::Timeout)
            }
            // Another attempt would find the same file.
            LinkFailure::File { stage } => {
                let message = format!("timed out after {limit} s while {stage}");
                (DialFailure { class: DialClass::Configuration, message, retry_after: None }, LastFailure::Timeout)
            }
            LinkFailure::NoToken(failure) => {
                let told = DialFailure { class: class(failure.kind), message: failure.summary(), retry_after: None };
                (told, LastFailure::NoToken(failure.hints))
            }
        };
        *self.last() = Some(last);
        failure
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<LastFailure>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it ended by itself.
    pub fn failure(&self, kind: EndKind, message: &str) -> Failure {
        let exit = match kind {
            EndKind::Unreachable | EndKind::NotGreeted => Kind::Unreachable,
            EndKind::Unauthorized => Kind::Unauthorized,
            EndKind::HandshakeRefused => Kind::HandshakeRefused,
            EndKind::Protocol => Kind::Protocol,
            EndKind::Lost => Kind::Lost,
            EndKind::Configuration => Kind::Config,
        };
        let name = self.name();
        let what = match kind {
            EndKind::Lost => format!("the live trace of `{name}` was lost and not regained"),
            EndKind::Configuration => "the connection could not be set up".to_owned(),
            EndKind::Unauthorized | EndKind::HandshakeRefused => format!("`{name}` refused to be traced"),
            EndKind::Unreachable | EndKind::NotGreeted | EndKind::Protocol => {
                format!("could not connect to the live trace of `{name}`")
            }
        };
        let message = redact(message);
        let mut failure = Failure::new(exit, anyhow!("{}", excerpt(&message, 2 * TOLD)).context(what));
        failure.hints = self.hints(kind);
        failure
    }

    fn hints(&self, kind: EndKind) -> Vec<String> {
        let place = ConnectContext {
            url: None,
            local: self.local,
            connect_timeout: self.connect_timeout,
            longest_pause: self.longest_pause,
            kept: false,
            verbose: false,
        };
        let last = self.last().clone();
        match (kind, last) {
            (_, Some(LastFailure::Dial(error))) => match error.answer() {
                Some(refusal) if matches!(*error, DialError::Refused(_)) => self.refusal_hints(refusal),
                _ => dial_hints(&error, &place),
            },
            (_, Some(LastFailure::Timeout)) | (EndKind::NotGreeted, None) => vec![timeout_hint(&place)],
            (_, Some(LastFailure::NoToken(hints))) => hints,
            (EndKind::Protocol | EndKind::HandshakeRefused, None) => vec![SWITCHED_OFF.to_owned()],
            (EndKind::Unreachable | EndKind::Unauthorized | EndKind::Lost | EndKind::Configuration, None) => Vec::new(),
        }
    }

    fn refusal_hints(&self, refusal: &Refusal) -> Vec<String> {
        let mut hints = Vec::new();
        match (refusal.status, &self.access) {
            (401, RestAccess::Key(_)) => hints.push(
                "the token was signed here: is the access key one of this service, and the endpoint its own address?"
                    .to_owned(),
            ),
            (401, RestAccess::Identity(identities)) => hints.push(identities.why_not_taken()),
            (403, RestAccess::Identity(_)) => hints.push(
                "the identity is known, and may not do this: the role `Web PubSub Service Owner` on the resource is \
                 needed; a new role takes minutes to count"
                    .to_owned(),
            ),
            (403, RestAccess::Key(_)) => {
                hints.push("the network rules of the service, or keys that are switched off, may be why".to_owned());
            }
            _ => {}
        }
        if (400..500).contains(&refusal.status) {
            hints.push(SWITCHED_OFF.to_owned());
        }
        if let Some(wait) = refusal.retry_after.filter(|wait| *wait > self.longest_pause) {
            hints.push(format!("it asks to wait {}; a longer `--reconnect-max-delay` waits for it", human(wait)));
        }
        hints.extend(refusal.date.and_then(|served| skew(served, std::time::SystemTime::now())));
        hints
    }
}

/// PROTOCOL §21.1.
const SWITCHED_OFF: &str = "a resource has to allow it: in the portal, *Live trace settings* has the switch and what is \
                            traced (`liveTraceConfiguration` of the resource)";

/// Why there is no link.
enum LinkFailure {
    Dial(DialError),
    Late { stage: String },
    File { stage: String },
    NoToken(Failure),
}

impl From<Failure> for LinkFailure {
    fn from(failure: Failure) -> Self {
        Self::NoToken(failure)
    }
}

impl From<DialError> for LinkFailure {
    fn from(error: DialError) -> Self {
        Self::Dial(error)
    }
}
