//! Client access URLs: where a client connects and with which token (PROTOCOL §1.1, §1.2).
//!
//! An [`AccessUrl`] comes from the user or is made by a [`Signer`], which holds an access key and can make a fresh one
//! for every fresh connection. The driver asks it for the target of the HTTP request. Only `access_token` is secret;
//! `Display` and `Debug` leave it out, and so do the errors.

use std::fmt;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thiserror::Error;
use url::{Host, Url};

use crate::auth::connection_string::ConnectionString;
use crate::auth::token::{ClientTokenRequest, client_audience, sign_client_token};
use crate::secret::{REDACTED, Secret};
use webpubsub_proto::{NameError, check_hub_name};

/// What stays as it is in a path segment or a query value: RFC 3986's unreserved characters. Tokens consist of them.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Query parameters that a recovery sets itself (PROTOCOL §7.2).
const RECOVERY_PARAMETERS: [&str; 2] = ["awps_connection_id", "awps_reconnection_token"];

/// A client access URL.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessUrl {
    /// `wss`, not `ws`.
    secure: bool,
    /// Lower-case, without brackets.
    host: Host<String>,
    /// The port to dial; the scheme's own when the URL names none.
    port: u16,
    /// Path of the request, percent-encoded.
    path: String,
    /// How much of it stands before `/client`: the path of the endpoint.
    base: usize,
    /// Query parameters other than the token, as given.
    query: Vec<String>,
    /// Name of the hub, decoded.
    hub: String,
    /// The token, decoded.
    token: Option<Secret>,
    /// Written with `http` or `https`.
    written_as_http: bool,
}

/// Why a client access URL is not one. Contains nothing of the URL but its scheme.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccessUrlError {
    /// Nothing there.
    #[error("the URL is empty")]
    Empty,
    /// A blank or a control character, often a line break that came along.
    #[error("the URL contains a space or a line break")]
    Blank,
    /// Not a URL at all.
    #[error("it is not a URL: {}", syntax(*.0))]
    Syntax(url::ParseError),
    /// Another scheme.
    #[error("the scheme of the URL is `{0}`, not `ws`, `wss`, `http` or `https`")]
    Scheme(String),
    /// `user:password@`.
    #[error("the URL contains a user name or password")]
    UserInfo,
    /// `#…`, which no server would see.
    #[error("the URL contains a `#`")]
    Fragment,
    /// A path that the service does not have.
    #[error("the path of the URL does not end in `/client/hubs/HUB`")]
    Path,
    /// The path for clients of another protocol (PROTOCOL §1.1).
    #[error("the URL is one for {} clients", .0.name())]
    Foreign(ForeignProtocol),
    /// `/client` without exactly one `hub`.
    #[error("the path `/client` needs the hub once, as `?hub=HUB`")]
    HubParameter,
    /// The hub's name is none.
    #[error("the hub of the URL is not valid: {0}")]
    Hub(NameError),
    /// `access_token=` with nothing behind it.
    #[error("the `access_token` of the URL is empty")]
    EmptyToken,
    /// Two tokens.
    #[error("the URL has more than one `access_token`")]
    TwoTokens,
}

/// What other clients of the service speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignProtocol {
    /// `/clients/mqtt/hubs/HUB`.
    Mqtt,
    /// `/clients/socketio/hubs/HUB`.
    SocketIo,
}

impl ForeignProtocol {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "MQTT",
            Self::SocketIo => "Socket.IO",
        }
    }

    /// Whose path it is.
    fn of(path: &str) -> Option<Self> {
        let after = path.rsplit_once("/clients/").map(|(_, after)| after)?;
        match after.split('/').next().unwrap_or_default() {
            "mqtt" => Some(Self::Mqtt),
            "socketio" => Some(Self::SocketIo),
            _ => None,
        }
    }
}

/// In words that say what is missing.
fn syntax(error: url::ParseError) -> String {
    match error {
        url::ParseError::RelativeUrlWithoutBase => "it has no scheme, such as `wss://`".to_owned(),
        other => other.to_string(),
    }
}

impl AccessUrl {
    /// Parses `ws(s)://HOST/client/hubs/HUB?access_token=…`, also with `http(s)`, `/client?hub=HUB` and
    /// `/client/?hub=HUB`. Other query parameters are kept, and so is a path before these: a gateway may have one.
    pub fn parse(text: &str) -> Result<Self, AccessUrlError> {
        if text.is_empty() {
            return Err(AccessUrlError::Empty);
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(AccessUrlError::Blank);
        }
        let url = Url::parse(text).map_err(AccessUrlError::Syntax)?;
        let secure = match url.scheme() {
            "wss" | "https" => true,
            "ws" | "http" => false,
            // What stands before a colon is a scheme if it leads somewhere; else it may be a secret.
            other if text.get(other.len()..).is_some_and(|rest| rest.starts_with("://")) => {
                return Err(AccessUrlError::Scheme(other.to_owned()));
            }
            _ => return Err(AccessUrlError::Syntax(url::ParseError::RelativeUrlWithoutBase)),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AccessUrlError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(AccessUrlError::Fragment);
        }
        if url.port() == Some(0) {
            return Err(AccessUrlError::Syntax(url::ParseError::InvalidPort));
        }
        let written_as_http = url.scheme().starts_with("http");
        let host = url.host().ok_or(AccessUrlError::Syntax(url::ParseError::EmptyHost))?.to_owned();
        let (query, token) = split_token(url.query().unwrap_or_default())?;
        let path = url.path();
        let by_path = path.rsplit_once("/client/hubs/").filter(|(_, hub)| !hub.is_empty() && !hub.contains('/'));
        let by_query = || path.strip_suffix('/').unwrap_or(path).strip_suffix("/client");
        let (base, hub) = if let Some((base, hub)) = by_path {
            (base, decode(hub))
        } else if let Some(base) = by_query() {
            let mut hubs = query.iter().filter(|pair| name_of(pair) == "hub");
            match (hubs.next(), hubs.next()) {
                (Some(pair), None) => (base, value_of(pair)),
                _ => return Err(AccessUrlError::HubParameter),
            }
        } else {
            return Err(ForeignProtocol::of(path).map_or(AccessUrlError::Path, AccessUrlError::Foreign));
        };
        let base = base.len();
        check_hub_name(&hub).map_err(AccessUrlError::Hub)?;
        let port = url.port().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { secure, host, port, path: url.path().to_owned(), base, query, hub, token, written_as_http })
    }

    /// The URL of a hub on the service at `endpoint`, an `http` or `https` URL.
    pub fn of_service(endpoint: &Url, hub: &str, token: Secret) -> Self {
        let secure = endpoint.scheme() == "https";
        // An endpoint of these schemes always has a host; the fallback spares an error nobody could see.
        let host = endpoint.host().map_or_else(|| Host::Domain("localhost".to_owned()), |host| host.to_owned());
        let base = endpoint.path().trim_end_matches('/');
        Self {
            secure,
            host,
            port: endpoint.port().unwrap_or(if secure { 443 } else { 80 }),
            path: format!("{base}/client/hubs/{}", encode(hub)),
            base: base.len(),
            query: Vec::new(),
            hub: hub.to_owned(),
            token: Some(token),
            written_as_http: false,
        }
    }

    /// The same with a token that came beside it, which counts where the URL has none.
    #[must_use]
    pub fn with_token(mut self, token: Secret) -> Self {
        self.token.get_or_insert(token);
        self
    }

    /// Name of the hub.
    pub fn hub(&self) -> &str {
        &self.hub
    }

    /// Host to dial and to check the certificate against; an IPv6 address without brackets.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// Port to dial.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection uses TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it was given as `http(s)`, which most WebSocket clients do not take.
    pub fn is_written_as_http(&self) -> bool {
        self.written_as_http
    }

    /// Path of the requests, percent-encoded, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The endpoint that it is a URL of, as connection strings and audiences have it: `https://HOST`, with the path where
    /// there is one before `/client`.
    pub fn endpoint(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.path.get(..self.base).unwrap_or_default())
    }

    /// A query parameter other than the token, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query.iter().find(|pair| name_of(pair) == name).map(|pair| value_of(pair))
    }

    /// The `access_token`; an anonymous client has none.
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Value of the `Host` header: the port only where it is not the scheme's own, IPv6 in brackets.
    pub fn authority(&self) -> String {
        let default = if self.secure { 443 } else { 80 };
        if self.port == default { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Path and query of the request for a fresh connection, token included.
    pub fn fresh_uri(&self) -> Secret {
        let token = self.token.as_ref().map(|token| format!("access_token={}", encode(token.expose())));
        Secret::new(self.path_and_query(self.query.iter().cloned().chain(token)))
    }

    /// Path and query of the request that recovers a connection; without `access_token`, which it does not need
    /// (PROTOCOL §7.2).
    pub fn recovery_uri(&self, connection_id: &str, reconnection_token: &str) -> Secret {
        let own = self.query.iter().filter(|pair| !RECOVERY_PARAMETERS.contains(&name_of(pair).as_str())).cloned();
        let [id, token] = RECOVERY_PARAMETERS;
        let set = [(id, connection_id), (token, reconnection_token)].map(|(k, v)| format!("{k}={}", encode(v)));
        Secret::new(self.path_and_query(own.chain(set)))
    }

    /// The URL without its token: where it leads.
    pub fn without_token(&self) -> String {
        format!("{}{}", self.origin(), self.path_and_query(self.query.iter().cloned()))
    }

    /// Scheme, host and port, as in `wss://HOST`; the port only where it is not the scheme's own.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "wss" } else { "ws" }, self.authority())
    }

    /// The whole URL with its token, for the places that exist to print it.
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("{}{}", self.origin(), self.fresh_uri().expose()))
    }

    fn path_and_query(&self, pairs: impl Iterator<Item = String>) -> String {
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }
}

impl fmt::Display for AccessUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A reconnection token in a URL from elsewhere is as secret as the access token.
        let [_, reconnection] = RECOVERY_PARAMETERS;
        let redacted = |name: &str| format!("{name}={REDACTED}");
        let shown = self
            .query
            .iter()
            .map(|pair| if name_of(pair) == reconnection { redacted(reconnection) } else { pair.clone() });
        let token = self.token.as_ref().map(|_| redacted("access_token"));
        write!(f, "{}{}", self.origin(), self.path_and_query(shown.chain(token)))
    }
}

impl fmt::Debug for AccessUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessUrl({self})")
    }
}

/// The query's parameters without the token, and the token.
fn split_token(query: &str) -> Result<(Vec<String>, Option<Secret>), AccessUrlError> {
    let mut token = None;
    let mut others = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if name_of(pair) != "access_token" {
            others.push(pair.to_owned());
            continue;
        }
        let value = value_of(pair);
        if value.is_empty() {
            return Err(AccessUrlError::EmptyToken);
        }
        if token.replace(Secret::new(value)).is_some() {
            return Err(AccessUrlError::TwoTokens);
        }
    }
    Ok((others, token))
}

fn name_of(pair: &str) -> String {
    decode(pair.split_once('=').map_or(pair, |(name, _)| name))
}

fn value_of(pair: &str) -> String {
    decode(pair.split_once('=').map_or("", |(_, value)| value))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Makes client access URLs from an access key, a fresh one for every fresh connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// `http` or `https` URL of the service, without query.
    pub endpoint: Url,
    /// Signs the tokens.
    pub key: Secret,
    /// Hub to connect to.
    pub hub: String,
    /// `sub` of the token; anonymous when absent.
    pub user: Option<String>,
    /// `role` of the token (PROTOCOL §11).
    pub roles: Vec<String>,
    /// Groups the connection is in from its start, `webpubsub.group` of the token.
    pub groups: Vec<String>,
    /// `aud` of the token, where it is not that of endpoint and hub (PROTOCOL §2.3).
    pub audience: Option<String>,
    /// How long each token is valid.
    pub ttl: Duration,
    /// From when on a token is valid, in seconds since 1970; from now on when absent.
    pub not_before: Option<u64>,
    /// Further claims: name and JSON value.
    pub claims: Vec<(String, String)>,
}

impl Signer {
    /// One for a hub, with tokens of an hour for an anonymous client without roles: all of it is changed in the fields.
    /// Fails where the service takes no hub of that name (PROTOCOL §1.3).
    pub fn new(service: ConnectionString, hub: impl Into<String>) -> Result<Self, NameError> {
        let hub = hub.into();
        check_hub_name(&hub)?;
        let ConnectionString { endpoint, key } = service;
        Ok(Self {
            endpoint,
            key,
            hub,
            user: None,
            roles: Vec::new(),
            groups: Vec::new(),
            audience: None,
            ttl: Duration::from_secs(60 * 60),
            not_before: None,
            claims: Vec::new(),
        })
    }

    /// A URL with a token signed now. `now` is in seconds since 1970.
    pub fn access_url(&self, now: u64) -> AccessUrl {
        let own = || client_audience(self.endpoint.as_str(), &self.hub);
        let request = ClientTokenRequest {
            audience: &self.audience.clone().unwrap_or_else(own),
            user: self.user.as_deref(),
            roles: &self.roles,
            groups: &self.groups,
            issued_at: now,
            ttl: self.ttl,
            not_before: self.not_before,
            claims: &self.claims,
        };
        AccessUrl::of_service(&self.endpoint, &self.hub, sign_client_token(&self.key, &request))
    }
}

/// Whether a token with this `exp` looks expired at `now`, both in seconds since 1970. Worth a warning, never a
/// refusal: clocks differ, and the service allows for it (PROTOCOL §2.3).
pub fn looks_expired(exp: u64, now: u64) -> bool {
    exp <= now
}

#[cfg(test)]
mod tests;
