//! The service played towards one event handler, step by step, with what the service would make of each answer: for
//! `wps webhook`. The requests, and what their answers mean, are those of the emulator's handlers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::header::{HeaderMap, HeaderValue};
use ::http::{Method, StatusCode};
use bytes::Bytes;
use serde_json::json;
use tokio::time::timeout;
use url::Url;

use super::CONNECTION_STATE;
use super::answer::{Changes, user_event_answer};
use super::exchange::is_passing;
use super::http::{ExchangeFailure, HandlerResponse, Http};
use super::peer::{Peer, PeerIdentity};
use super::request::{self, ConnectRequest, HandlerPayload, RequestSigner};
use super::settings::{EventName, SystemEvent, UrlTemplate};
use super::validation::{ALLOWED_ORIGIN, ValidationOrigin, validation_headers};
use webpubsub_net::secret::Secret;
use webpubsub_net::wire::Tls;
use webpubsub_proto::OwnedData;
use webpubsub_proto::hub::EventAnswer;

/// Who is played, and towards whom.
#[derive(Clone, Debug)]
pub struct Role {
    /// The handler; `{hub}` and `{event}` are filled in.
    pub template: UrlTemplate,
    /// In lower case.
    pub hub: String,
    /// The client's connection.
    pub connection_id: String,
    /// The client's user, as its token has it.
    pub user: Option<String>,
    /// The subprotocol that the client offers, and has from the beginning where it is not asked for.
    pub subprotocol: Option<String>,
    /// The claims of the client's token, JSON.
    pub claims: Option<String>,
    /// The query of the client's URL, decoded.
    pub query: Vec<(String, String)>,
    /// The headers of the client's request.
    pub client_headers: HeaderMap,
    /// The host that the service is known by.
    pub origin: String,
    /// The service's keys, which sign what it asks.
    pub keys: Vec<Secret>,
    /// The state that an earlier answer has set.
    pub state: Option<String>,
    /// Headers beside and in place of those of the service.
    pub headers: HeaderMap,
    /// How long an answer may take.
    pub limit: Duration,
}

/// Something that the service asks of a handler.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Whether it wants events from here.
    Validate,
    /// Whether the client may connect.
    Connect,
    /// That it has.
    Connected,
    /// What the client sent under this name.
    Event(String, OwnedData),
    /// That its connection has ended.
    Disconnected(String),
}

/// Why the service would not take an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The handler was not reached.
    Unreached(String),
    /// Nothing that is to be asked: the URL cannot be used.
    Unusable(String),
    /// Its URL begins with `https://`, and its port does not speak TLS.
    NoTls,
    /// It was reached, and gave no answer that is one.
    NoAnswer(String),
    /// It took longer than that.
    TooSlow(Duration),
    /// It refuses the client, or the service, with this status.
    Refused(StatusCode),
    /// Another status than 2xx.
    Status(StatusCode),
    /// It agrees without `WebHook-Allowed-ValidationOrigin`.
    NoAllowedOrigin,
    /// It agrees with other origins, which are these.
    OtherOrigin(String),
    /// Its answer cannot be read; why.
    BadAnswer(String),
    /// It chose a subprotocol that the client did not offer.
    NotOffered(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreached(why) | Self::Unusable(why) | Self::NoAnswer(why) | Self::BadAnswer(why) => f.write_str(why),
            Self::NoTls => ExchangeFailure::NoTls.fmt(f),
            Self::TooSlow(limit) => write!(f, "it did not answer within {}", humantime::format_duration(*limit)),
            Self::Refused(status) => write!(f, "it refused with {}", status.as_u16()),
            Self::Status(status) if status.is_redirection() => {
                write!(f, "it answered {}, a redirect, which is not followed", status.as_u16())
            }
            Self::Status(status) => write!(f, "it answered {}", status.as_u16()),
            Self::NoAllowedOrigin => f.write_str("its answer has no `WebHook-Allowed-Origin`"),
            Self::OtherOrigin(allowed) => write!(f, "its `WebHook-Allowed-Origin` is `{allowed}`"),
            Self::NotOffered(name) => write!(f, "it chose the subprotocol `{name}`, which was not offered"),
        }
    }
}

/// What was asked, what came back, and what the service makes of it.
#[derive(Debug)]
pub struct Played {
    /// Method.
    pub method: Method,
    /// Where; `None` where the URL cannot be used.
    pub url: Option<Url>,
    /// What went out.
    pub headers: HeaderMap,
    /// With it.
    pub body: Bytes,
    /// What came back, if something did.
    pub answer: Option<HandlerAnswer>,
    /// From the request to the end of its answer.
    pub elapsed: Duration,
    /// Why the service would not take it.
    pub fault: Option<Fault>,
    /// What it changes about a connection; of `connect`.
    pub changes: Option<Changes>,
    /// What the client gets; of an event.
    pub reply: Option<EventAnswer>,
    /// What is wrong with metadata that the client's message goes without.
    pub left_out: Option<String>,
    /// The state that it sets.
    pub state: Option<String>,
    /// The service asks again after it (PROTOCOL §14.6).
    pub passing: bool,
}

/// What a handler answered.
#[derive(Clone, Debug)]
pub struct HandlerAnswer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// The service, towards one handler and for one client.
pub struct Player {
    role: Role,
    http: Http,
    origin: ValidationOrigin,
    signer: RequestSigner,
    peer: Peer,
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Player {
    /// Asks nothing yet.
    pub fn new(role: Role, tls: Tls) -> Self {
        let identity = PeerIdentity {
            user: role.user.clone(),
            subprotocol: role.subprotocol.clone(),
            simple: role.subprotocol.is_none(),
        };
        let peer = Peer::new(&role.hub, Arc::from(role.connection_id.as_str()), identity);
        let origin = ValidationOrigin::of_endpoint(&format!("https://{}", role.origin));
        let player = Self { http: Http::new(tls), origin, signer: RequestSigner::new(&role.keys), peer, role };
        if let Some(value) = player.role.state.as_deref().and_then(|state| HeaderValue::from_str(state).ok()) {
            let mut headers = HeaderMap::new();
            headers.insert(CONNECTION_STATE, value);
            if let Ok(url) = player.role.template.expand(&player.role.hub, "connect") {
                player.peer.learn(&headers, &url);
            }
        }
        player
    }

    /// Asks, once.
    pub async fn ask(&self, ask: &Ask) -> Played {
        let name = match ask {
            Ask::Validate => "validate",
            Ask::Connect => "connect",
            Ask::Connected => "connected",
            Ask::Event(name, _) => name,
            Ask::Disconnected(_) => "disconnected",
        };
        let url = self.role.template.expand(&self.role.hub, name);
        let (method, mut headers, body) = self.request(ask);
        if let Ok(url) = &url {
            self.peer.decorate(&mut headers, url);
        }
        for (name, value) in &self.role.headers {
            headers.insert(name, value.clone());
        }
        let mut played = Played {
            method: method.clone(),
            url: None,
            headers: headers.clone(),
            body: body.clone(),
            answer: None,
            elapsed: Duration::ZERO,
            fault: None,
            changes: None,
            reply: None,
            left_out: None,
            state: None,
            passing: false,
        };
        let url = match url {
            Ok(url) => url,
            Err(error) => {
                played.fault = Some(Fault::Unusable(format!("its URL cannot be used for this event: {error}")));
                return played;
            }
        };
        let began = Instant::now();
        let outcome = timeout(self.role.limit, self.exchange(ask, method, &url, headers, body)).await;
        played.elapsed = began.elapsed();
        match outcome {
            Err(_) => played.fault = Some(Fault::TooSlow(self.role.limit)),
            Ok(Err(broken)) => {
                played.passing = !matches!(broken, ExchangeFailure::Hopeless(_));
                played.fault = Some(match broken {
                    ExchangeFailure::Unreached(text) => Fault::Unreached(text),
                    ExchangeFailure::NoTls => Fault::NoTls,
                    ExchangeFailure::Network(text) | ExchangeFailure::Hopeless(text) => Fault::NoAnswer(text),
                });
            }
            Ok(Ok((method, answer))) => {
                played.method = method;
                played.passing = is_passing(answer.status);
                self.judge(ask, &answer, &mut played);
                if answer.status.is_success() {
                    self.peer.learn(&answer.headers, &url);
                    let state = answer.headers.get_all(CONNECTION_STATE).iter().next_back();
                    played.state = state.map(|state| String::from_utf8_lossy(state.as_bytes()).into_owned());
                }
                let HandlerResponse { status, headers, body } = answer;
                played.answer = Some(HandlerAnswer { status, headers, body });
            }
        }
        played.url = Some(url);
        played
    }

    /// A validation that is answered 404 is asked once more with GET (PROTOCOL §14.2).
    async fn exchange(
        &self,
        ask: &Ask,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(Method, HandlerResponse), ExchangeFailure> {
        let answer = self.http.ask(method.clone(), url, headers.clone(), body.clone()).await?;
        if matches!(ask, Ask::Validate) && answer.status == StatusCode::NOT_FOUND {
            let answer = self.http.ask(Method::GET, url, headers, body).await?;
            return Ok((Method::GET, answer));
        }
        Ok((method, answer))
    }

    fn request(&self, ask: &Ask) -> (Method, HeaderMap, Bytes) {
        let (event, id, payload) = match ask {
            Ask::Validate => return (Method::OPTIONS, validation_headers(&self.origin), Bytes::new()),
            Ask::Connect => {
                (EventName::System(SystemEvent::Connect), 0, HandlerPayload::system(&self.connect_request().body()))
            }
            Ask::Connected => {
                (EventName::System(SystemEvent::Connected), self.peer.next_id(), HandlerPayload::system(&json!({})))
            }
            Ask::Disconnected(reason) => {
                let body = HandlerPayload::system(&json!({ "reason": reason }));
                (EventName::System(SystemEvent::Disconnected), self.peer.next_id(), body)
            }
            Ask::Event(name, data) => {
                (EventName::User(name.as_str()), self.peer.next_id(), HandlerPayload::of(data.as_data()))
            }
        };
        let headers = request::headers(&self.peer, event, id, payload.content_type, &self.origin, &self.signer);
        (Method::POST, headers, payload.body)
    }

    fn connect_request(&self) -> ConnectRequest {
        let Role { hub, connection_id, user, subprotocol, claims, query, client_headers, .. } = &self.role;
        ConnectRequest {
            hub: hub.clone(),
            connection_id: connection_id.clone(),
            claims: claims.clone(),
            query: query.clone(),
            headers: client_headers.clone(),
            offers: subprotocol.iter().cloned().collect(),
            user: user.clone(),
        }
    }

    /// What the service would make of an answer (PROTOCOL §14.2, §14.4, §14.6).
    fn judge(&self, ask: &Ask, answer: &HandlerResponse, played: &mut Played) {
        let status = answer.status;
        played.fault = match ask {
            Ask::Connect if status.is_client_error() => Some(Fault::Refused(status)),
            _ if !status.is_success() => Some(Fault::Status(status)),
            Ask::Validate if self.origin.is_allowed_by(&answer.headers) => None,
            Ask::Validate => {
                let given: Vec<_> = answer.headers.get_all(ALLOWED_ORIGIN).iter().collect();
                let given: Vec<_> = given.into_iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
                Some(if given.is_empty() { Fault::NoAllowedOrigin } else { Fault::OtherOrigin(given.join(", ")) })
            }
            Ask::Connect => match Changes::parse(answer) {
                Ok(changes) => {
                    let chosen = changes.subprotocol.clone().filter(|chosen| {
                        let offered = self.role.subprotocol.as_deref();
                        !offered.is_some_and(|offered| offered.eq_ignore_ascii_case(chosen))
                    });
                    let user = changes.user_id.clone().or(self.role.user.clone());
                    let subprotocol = changes.subprotocol.clone().or(self.role.subprotocol.clone());
                    self.peer.identify(PeerIdentity { user, simple: subprotocol.is_none(), subprotocol });
                    played.changes = Some(changes);
                    chosen.filter(|chosen| !chosen.is_empty()).map(Fault::NotOffered)
                }
                Err(why) => Some(Fault::BadAnswer(why)),
            },
            Ask::Event(..) => match user_event_answer(answer) {
                Ok(reply) => {
                    played.reply = Some(reply.answer);
                    played.left_out = reply.left_out;
                    None
                }
                Err(why) => Some(Fault::BadAnswer(why)),
            },
            Ask::Connected | Ask::Disconnected(_) => None,
        };
    }
}
