//! Where tunnels are opened, and with which tokens: a dial to `/server/tunnel` (PROTOCOL §20.2).

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;
use url::Url;

use super::settings::TunnelSettings;
use crate::failure::{Failure, Kind};
use crate::options::connection::settings::ConnectionSource;
use crate::run::chance::unix_now;
use crate::run::identity::Identities;
use crate::run::keyless;
use crate::run::network::options_of;
use crate::run::rest::RestAccess;
use webpubsub_client::driver::{DialedError, dial_failure};
use webpubsub_net::auth::token::{ClientTokenRequest, sign_client_token};
use webpubsub_net::secret::{Secret, remember_passing};
use webpubsub_net::wire::{DialOptions, DialProgress, Link, Stream, Target, dial};
use webpubsub_proto::session::{DialClass, DialFailure};
use webpubsub_proto::tunnel::TunnelDestination;

/// What stays as it is in a query value.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// How long each token is valid.
const TOKEN_TTL: Duration = Duration::from_secs(60 * 60);

/// The part of the time to connect in which each step has to be done: a moment before the tunnel itself gives it up, which
/// does not know what was waited for.
const WITHIN: f64 = 0.95;

/// Dials one service.
pub struct ServiceDialer {
    /// `http` or `https`.
    endpoint: Url,
    hub: String,
    access: RestAccess,
    options: DialOptions,
    connect_timeout: Duration,
    /// `sub` of the tokens: the same for all connections of this tunnel.
    user: String,
    /// Why the last dial failed, for explanations.
    dialed: RefCell<Option<DialedError>>,
}

/// Where a dial goes.
struct Destination {
    target: Target,
    /// What the token is for.
    audience: String,
}

impl ServiceDialer {
    /// Dials nothing yet.
    pub fn new(settings: &TunnelSettings, user: String) -> Result<Self, Failure> {
        let connect_timeout = settings.tunnel.connect_timeout;
        let (endpoint, hub, access) = match &settings.source {
            ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. } => {
                (signer.endpoint.clone(), signer.hub.clone(), RestAccess::Key(signer.key.clone()))
            }
            ConnectionSource::Keyless(keyless) => {
                let list = keyless.identities.clone();
                let identities =
                    Identities::shared(list, &settings.network, &settings.tls, connect_timeout.mul_f64(WITHIN));
                (keyless.endpoint.clone(), keyless.hub.clone(), RestAccess::Identity(identities))
            }
            ConnectionSource::Url(_) | ConnectionSource::Command(_) => {
                return Err(Failure::message(Kind::Internal, "a client access URL is no service"));
            }
        };
        let options = options_of(&settings.network, &settings.tls);
        Ok(Self { endpoint, hub, access, options, connect_timeout, user, dialed: RefCell::new(None) })
    }

    /// Why the last dial failed.
    pub fn dialed(&self) -> Option<DialedError> {
        self.dialed.borrow().clone()
    }

    /// Where the service wants a connection, and what is to be said of that. A token of an identity goes to no other host
    /// than the one that was named here, and nothing goes from `https` to `http` (CLI contract, *Where to connect*).
    pub fn endpoint_of(&self, place: &TunnelDestination) -> (Url, Option<String>) {
        let Some(text) = &place.endpoint else { return (self.endpoint.clone(), None) };
        let keep = |why: &str| {
            let what = format!("the service wants a connection to another endpoint, {why}: going to the known one");
            (self.endpoint.clone(), Some(what))
        };
        let Ok(url) = Url::parse(text) else { return keep("whose URL is none") };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return keep("which is no `http` or `https` URL");
        }
        if self.endpoint.scheme() == "https" && url.scheme() == "http" {
            return keep("without TLS");
        }
        if matches!(self.access, RestAccess::Identity(_)) && url.host_str() != self.endpoint.host_str() {
            return keep("on another host, where no token of an identity goes");
        }
        (url, None)
    }

    fn destination(&self, place: &TunnelDestination) -> Destination {
        let (endpoint, _) = self.endpoint_of(place);
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let mut query = endpoint.query().map(|query| format!("{query}&")).unwrap_or_default();
        query.push_str(&format!("hub={}", encoded(&self.hub)));
        if let Some(target) = &place.target {
            query.push_str(&format!("&target={}", encoded(target)));
        }
        let secure = endpoint.scheme() == "https";
        let host = endpoint.host_str().unwrap_or_default().to_owned();
        let authority = match endpoint.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        let path = format!("{}/server/tunnel?{query}", endpoint.path().trim_end_matches('/'));
        let audience = format!("{}://{authority}{path}", if secure { "wss" } else { "ws" });
        let port = endpoint.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
        let target = Target { secure, host, port, authority, path_and_query: Secret::new(path), subprotocol: None };
        Destination { target, audience }
    }

    /// Dials, once more with a fresh token where an identity's may have expired.
    pub async fn dial(self: Rc<Self>, place: TunnelDestination) -> Result<Link<Stream>, DialFailure> {
        let first = self.dial_once(&place).await;
        match (&first, &self.access) {
            (Err(DialFailure { class: DialClass::Status(401), .. }), RestAccess::Identity(identities)) => {
                identities.forget();
                self.dial_once(&place).await
            }
            (_, RestAccess::Key(_) | RestAccess::Identity(_)) => first,
        }
    }

    async fn dial_once(&self, place: &TunnelDestination) -> Result<Link<Stream>, DialFailure> {
        *self.dialed.borrow_mut() = None;
        let Destination { mut target, audience } = self.destination(place);
        let token = match &self.access {
            RestAccess::Key(key) => sign_client_token(
                key,
                &ClientTokenRequest {
                    audience: &audience,
                    user: Some(&self.user),
                    roles: &[],
                    groups: &[],
                    issued_at: unix_now(),
                    ttl: TOKEN_TTL,
                    not_before: None,
                    claims: &[],
                },
            ),
            RestAccess::Identity(identities) => match identities.token().await {
                Ok(found) => found.token,
                Err(failure) => {
                    *self.dialed.borrow_mut() = Some(DialedError::Provider { hints: failure.hints.clone() });
                    let class = keyless::class(failure.kind);
                    return Err(DialFailure { class, message: failure.summary(), retry_after: None });
                }
            },
        };
        remember_passing(token.expose());
        let token = utf8_percent_encode(token.expose(), ENCODED);
        target.path_and_query = Secret::new(format!("{}&access_token={token}", target.path_and_query.expose()));
        let progress = DialProgress::default();
        let limit = self.connect_timeout.mul_f64(WITHIN);
        match timeout(limit, dial(&target, &self.options, &progress)).await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(error)) => {
                let failure = dial_failure(&error);
                *self.dialed.borrow_mut() = Some(DialedError::Dial(Arc::new(error)));
                Err(failure)
            }
            Err(_) => {
                *self.dialed.borrow_mut() = Some(DialedError::Timeout);
                let limit = self.connect_timeout.as_secs_f64();
                let message = format!("timed out after {limit} s while {}", progress.stage());
                Err(DialFailure { class: DialClass::Unreachable, message, retry_after: None })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(endpoint: &str) -> ServiceDialer {
        ServiceDialer {
            endpoint: Url::parse(endpoint).unwrap(),
            hub: "my[hub]".to_owned(),
            access: RestAccess::Key(Secret::new("key")),
            options: DialOptions::default(),
            connect_timeout: Duration::from_secs(30),
            user: "u".to_owned(),
            dialed: RefCell::new(None),
        }
    }

    #[test]
    fn the_url_and_the_audience_are_those_of_the_endpoint_with_hub_and_target_encoded() {
        let place = |endpoint: Option<&str>, target: Option<&str>| TunnelDestination {
            endpoint: endpoint.map(str::to_owned),
            target: target.map(str::to_owned),
        };
        for (endpoint, to, audience) in [
            ("https://x.example", place(None, None), "wss://x.example/server/tunnel?hub=my%5Bhub%5D"),
            ("http://h:8080/", place(None, Some("a b")), "ws://h:8080/server/tunnel?hub=my%5Bhub%5D&target=a%20b"),
            (
                "https://x.example",
                place(Some("https://y.example/base/?q=1"), Some("t")),
                "wss://y.example/base/server/tunnel?q=1&hub=my%5Bhub%5D&target=t",
            ),
            // What the service may not want.
            (
                "https://x.example",
                place(Some("http://y.example"), None),
                "wss://x.example/server/tunnel?hub=my%5Bhub%5D",
            ),
            ("https://x.example", place(Some("nothing"), None), "wss://x.example/server/tunnel?hub=my%5Bhub%5D"),
        ] {
            let destination = service(endpoint).destination(&to);
            assert_eq!(destination.audience, audience);
            let path = audience.splitn(4, '/').nth(3).unwrap();
            assert_eq!(destination.target.path_and_query.expose(), format!("/{path}"));
            assert_eq!(destination.target.secure, audience.starts_with("wss"));
            assert_eq!(destination.target.subprotocol, None);
        }
    }
}
