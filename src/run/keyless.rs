//! Client access URLs of a service without a key: the service makes their tokens for an identity (PROTOCOL §13,
//! `:generateToken`), a fresh one for each fresh connection.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::time::Duration;

use super::identity::Identities;
use super::network::options_of;
use super::rest::{API_VERSION, Repetition, RestAccess, RestClient, RestRequest, no_retries};
use crate::failure::{Failure, Kind};
use crate::options::connection::identity::KeylessService;
use crate::options::connection::settings::minutes;
use crate::options::network::settings::{NetworkSettings, TlsOptions};
use webpubsub_client::driver::{ProviderFailure, Providing, UrlProvider};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::secret::{Secret, remember_passing};
use webpubsub_proto::session::DialClass;

/// What stays as it is in a query value.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Asks the service for client tokens.
#[derive(Debug)]
pub struct KeylessUrls {
    rest: RestClient,
    keyless: KeylessService,
    /// Whose tokens open the service.
    pub identities: Arc<Identities>,
}

#[derive(Deserialize)]
struct GeneratedToken {
    token: String,
}

impl KeylessUrls {
    /// Asks nothing yet.
    pub fn new(
        keyless: &KeylessService,
        network: &NetworkSettings,
        tls: &TlsOptions,
        connect_timeout: Duration,
    ) -> Result<Self, Failure> {
        let identities = Identities::shared(keyless.identities.clone(), network, tls, connect_timeout);
        let access = RestAccess::Identity(Arc::clone(&identities));
        let place = (keyless.endpoint.clone(), false);
        let rest = RestClient::new(place, access, options_of(network, tls), no_retries(connect_timeout), None)?;
        Ok(Self { rest, keyless: keyless.clone(), identities })
    }

    /// A URL with a fresh token.
    pub async fn url(&self) -> Result<AccessUrl, ProviderFailure> {
        let call = self.call();
        let answered = self.rest.ask(&call).await.map_err(|failure| provider_failure(&failure, class(failure.kind)))?;
        if !answered.answer.status.is_success() {
            let class = DialClass::Status(answered.answer.status.as_u16());
            let failure = provider_failure(&self.rest.refused(&call, &answered), class);
            return Err(ProviderFailure { retry_after: answered.answer.retry_after(), ..failure });
        }
        let generated = serde_json::from_slice::<GeneratedToken>(&answered.answer.body).ok();
        let Some(GeneratedToken { token }) = generated.filter(|generated| !generated.token.is_empty()) else {
            let failure = Failure::message(Kind::Protocol, "the service answered without a client token");
            return Err(provider_failure(&failure, DialClass::NotWebSocket));
        };
        remember_passing(&token);
        Ok(AccessUrl::of_service(&self.keyless.endpoint, &self.keyless.hub, Secret::new(token)))
    }

    fn call(&self) -> RestRequest {
        let KeylessService { hub, user, roles, groups, ttl, .. } = &self.keyless;
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let path = format!("/api/hubs/{}/:generateToken", encoded(hub));
        let mut path_and_query = format!("{path}?api-version={API_VERSION}");
        let mut add = |name: &str, value: &str| path_and_query.push_str(&format!("&{name}={}", encoded(value)));
        user.iter().for_each(|user| add("userId", user));
        roles.iter().for_each(|role| add("role", role));
        groups.iter().for_each(|group| add("group", group));
        add("minutesToExpire", &minutes(*ttl).to_string());
        RestRequest {
            to_do: "make a client token".to_owned(),
            method: Method::POST,
            path,
            path_and_query,
            content_type: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repetition: Repetition::Harmless,
            signed: true,
            private: true,
        }
    }
}

impl UrlProvider for KeylessUrls {
    fn provide(&self) -> Providing<'_> {
        Box::pin(async { Ok(self.url().await?) })
    }

    fn activity(&self) -> &'static str {
        "waiting for the identity and the service to give a token"
    }
}

fn provider_failure(failure: &Failure, class: DialClass) -> ProviderFailure {
    ProviderFailure { class, message: failure.summary(), retry_after: None, hints: failure.hints.clone() }
}

/// A token that was not had, as the failure of a command.
pub fn failure_of(ProviderFailure { class, message, hints, .. }: ProviderFailure) -> Failure {
    let kind = match class {
        DialClass::Configuration => Kind::Config,
        DialClass::Status(401 | 403) => Kind::Unauthorized,
        DialClass::Status(408 | 429 | 500..=599) => Kind::Unreachable,
        DialClass::Status(_) | DialClass::Subprotocol => Kind::HandshakeRefused,
        DialClass::NotWebSocket => Kind::Protocol,
        DialClass::Unreachable | DialClass::Certificate | DialClass::Proxy => Kind::Unreachable,
    };
    let mut failure = Failure::message(kind, message);
    failure.hints = hints;
    failure
}

/// What a failure of the way there, or of the identity, means for the connection.
pub fn class(kind: Kind) -> DialClass {
    match kind {
        Kind::Config | Kind::Usage => DialClass::Configuration,
        Kind::Unauthorized => DialClass::Status(401),
        Kind::Protocol => DialClass::NotWebSocket,
        Kind::Internal
        | Kind::Unreachable
        | Kind::HandshakeRefused
        | Kind::Lost
        | Kind::OperationRefused
        | Kind::OperationUnknown
        | Kind::Input
        | Kind::Expectation
        | Kind::Output
        | Kind::Timeout
        | Kind::Signal(_) => DialClass::Unreachable,
    }
}
