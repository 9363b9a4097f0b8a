//! What a client access URL is good for: everything its token says, and everything that is wrong with it.
//!
//! Nothing is asked of the service. The judgement is that of PROTOCOL §2.3, with the same leniency, so that what is
//! called refused here is refused there; the time is an argument. The text of findings never contains the token.

mod roles;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use url::Url;

use super::access_url::AccessUrl;
use super::connection_string::ConnectionString;
use super::token::{Audience, CLOCK_SKEW_SECS, Claims, client_audience, is_signed_with};
use webpubsub_proto::check_group_name;

pub use roles::{Verb, granting, in_words as roles_in_words, is_among_too_many, problem as role_problem};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The service will not let the client in.
    Refused,
    /// It is not what it should be at all.
    Malformed,
}

/// Something about a URL or its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// In words, lower-case.
    pub text: String,
}

/// What is known about the token's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// No key was given.
    Unchecked,
    /// The key made it.
    Fits,
    /// Another key made it.
    Differs,
}

/// A token taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct InspectedToken {
    /// The claims that the service looks at.
    pub claims: Claims,
    /// All claims, as they are.
    pub all: Map<String, Value>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The token, when there is one that can be read.
    pub token: Option<InspectedToken>,
    /// Whether the URL has a token at all.
    pub anonymous: bool,
    /// The signature.
    pub signature: Signature,
    /// Everything worth saying, in no order of weight.
    pub findings: Vec<Finding>,
}

impl Inspection {
    /// The worst of the findings.
    pub fn severity(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Note)
    }

    fn add(&mut self, severity: Severity, text: impl Into<String>) {
        self.findings.push(Finding { severity, text: text.into() });
    }
}

/// Inspects a URL at `now`, in seconds since 1970, with the key of the service if that is known. `instant` and `span`
/// put a time and a duration in seconds into words.
pub fn inspect(
    url: &AccessUrl,
    service: Option<&ConnectionString>,
    now: u64,
    span: impl Fn(u64) -> String,
) -> Inspection {
    let mut found =
        Inspection { token: None, anonymous: url.token().is_none(), signature: Signature::Unchecked, findings: vec![] };
    if url.is_written_as_http() {
        let scheme = if url.is_secure() { ("https", "wss") } else { ("http", "ws") };
        found.add(
            Severity::Note,
            format!("written with `{}`: wps takes it as `{}`, other clients may not", scheme.0, scheme.1),
        );
    }
    let Some(secret) = url.token() else {
        let text = "no `access_token`: refused unless the hub lets anonymous clients in, who have no roles";
        found.add(Severity::Refused, text);
        return found;
    };
    match read(secret.expose()) {
        Err(problem) => found.add(Severity::Malformed, format!("the token is malformed: {problem}")),
        Ok((algorithm, token)) => {
            if algorithm != "HS256" {
                let text = "the token is signed with another algorithm than HS256, the only one that the service takes";
                found.add(Severity::Refused, text);
            } else if let Some(service) = service {
                check_signature(&mut found, secret.expose(), service);
            }
            check_audience(&mut found, url, service, &token.claims);
            check_times(&mut found, &token.claims, now, span);
            check_permissions(&mut found, &token.claims);
            found.token = Some(token);
        }
    }
    found
}

fn check_signature(found: &mut Inspection, token: &str, service: &ConnectionString) {
    if is_signed_with(token, &service.key) {
        found.signature = Signature::Fits;
        return;
    }
    found.signature = Signature::Differs;
    found.add(Severity::Refused, "the token was signed with another access key than that of the connection string");
}

/// Why a token cannot be read, in words that do not repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenReadError {
    /// It is something else, or a part of one.
    NoToken(String),
    /// It is one, and something in it is not what it should be.
    Malformed(String),
}

impl fmt::Display for TokenReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken(problem) | Self::Malformed(problem) => f.write_str(problem),
        }
    }
}

/// Why that token cannot be read; `None` when it can be.
pub fn unreadable(token: &str) -> Option<TokenReadError> {
    read(token).err()
}

/// The header's algorithm and the claims.
fn read(token: &str) -> Result<(String, InspectedToken), TokenReadError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        let problem = match parts.len() {
            1 => "it has no dots, of which a token has two".to_owned(),
            count => format!("it has {count} parts between dots, a token has three"),
        };
        return Err(TokenReadError::NoToken(problem));
    };
    let header = object(header, "header").map_err(TokenReadError::NoToken)?;
    let all = object(claims, "claims").map_err(TokenReadError::NoToken)?;
    if URL_SAFE_NO_PAD.decode(signature).is_err() {
        return Err(TokenReadError::NoToken("its signature is not base64url".to_owned()));
    }
    let algorithm = match header.get("alg") {
        Some(Value::String(algorithm)) => algorithm.clone(),
        _ => return Err(TokenReadError::Malformed("its header has no `alg`".to_owned())),
    };
    let claims = well_typed(&all).map_err(TokenReadError::Malformed)?;
    Ok((algorithm, InspectedToken { claims, all }))
}

/// The claims, if each is of its type.
fn well_typed(all: &Map<String, Value>) -> Result<Claims, String> {
    for name in ["exp", "iat", "nbf"] {
        if all.get(name).is_some_and(|value| !value.is_number() && !value.is_null()) {
            return Err(format!("`{name}` is not a number"));
        }
    }
    for name in ["aud", "role", "webpubsub.group"] {
        let strings = |value: &Value| match value {
            Value::String(_) | Value::Null => true,
            Value::Array(values) => values.iter().all(Value::is_string),
            _ => false,
        };
        if !all.get(name).is_none_or(strings) {
            return Err(format!("`{name}` is neither a string nor an array of strings"));
        }
    }
    if all.get("sub").is_some_and(|value| !value.is_string() && !value.is_null()) {
        return Err("`sub` is not a string".to_owned());
    }
    serde_json::from_value(Value::Object(all.clone())).map_err(|error| error.to_string())
}

fn object(part: &str, what: &str) -> Result<Map<String, Value>, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| format!("its {what} part is not base64url"))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(format!("its {what} part is not a JSON object")),
        Err(_) => Err(format!("its {what} part is not JSON")),
    }
}

/// PROTOCOL §2.3, *Audience matching*.
fn check_audience(found: &mut Inspection, url: &AccessUrl, service: Option<&ConnectionString>, claims: &Claims) {
    let own = url.endpoint();
    let expected = client_audience(&own, url.hub());
    let endpoint = service.map(|service| service.endpoint.as_str().trim_end_matches('/'));
    let endpoints: Vec<&str> = std::iter::once(own.as_str()).chain(endpoint).collect();
    let audience = Audience { endpoints: &endpoints, hub: url.hub() };
    if claims.aud.is_empty() {
        found.add(Severity::Refused, format!("the token has no `aud`; it should be `{expected}`"));
    } else if !claims.aud.iter().any(|aud| audience.accepts(aud)) {
        found.add(Severity::Refused, wrong_audience(&claims.aud, &endpoints, url, &expected));
    }
    if let Some(service) = service {
        let leads_there = Audience { endpoints: &[service.endpoint.as_str()], hub: url.hub() }.accepts(&expected);
        if !leads_there {
            let there = service.endpoint.authority();
            let text = format!("the URL leads to `{}`, the connection string is that of `{there}`", url.authority());
            found.add(Severity::Note, text);
        }
    }
}

/// Which part of the audience it is that does not fit.
fn wrong_audience(audiences: &[String], endpoints: &[&str], url: &AccessUrl, expected: &str) -> String {
    let parsed: Vec<(String, Option<String>)> = audiences
        .iter()
        .filter_map(|aud| Url::parse(aud).ok())
        .map(|aud| (aud.authority().to_owned(), hub_of(&aud)))
        .collect();
    for (authority, hub) in &parsed {
        let Some(hub) = hub else { continue };
        let named = Audience { endpoints, hub };
        if audiences.iter().any(|aud| named.accepts(aud)) {
            return format!("the token is for the hub `{hub}`, the URL says `{}`", url.hub());
        }
        if hub.eq_ignore_ascii_case(url.hub()) {
            return format!("the token is for the host `{authority}`, the URL leads to `{}`", url.authority());
        }
    }
    format!("the token's audience is `{}`; it should be `{expected}`", audiences.join("`, `"))
}

/// The hub that an audience names, if it is of that form.
fn hub_of(audience: &Url) -> Option<String> {
    let path = percent_encoding::percent_decode_str(audience.path()).decode_utf8().ok()?;
    let hub = path.trim_end_matches('/').rsplit_once("/client/hubs/")?.1;
    Some(hub.to_owned())
}

fn check_times(found: &mut Inspection, claims: &Claims, now: u64, span: impl Fn(u64) -> String) {
    let skew = span(CLOCK_SKEW_SECS);
    match claims.exp {
        None => found.add(Severity::Refused, "the token has no `exp`, which the service demands"),
        Some(exp) if now >= exp.saturating_add(CLOCK_SKEW_SECS) => {
            found.add(Severity::Refused, format!("the token expired {} ago", span(now - exp)));
        }
        Some(exp) if now >= exp => found.add(
            Severity::Note,
            format!("the token expired {} ago; the service may allow {skew} for clocks that differ", span(now - exp)),
        ),
        Some(_) => {}
    }
    match claims.nbf {
        Some(nbf) if nbf > now.saturating_add(CLOCK_SKEW_SECS) => {
            found.add(Severity::Refused, format!("the token is not valid yet, but in {}", span(nbf - now)));
        }
        Some(nbf) if nbf > now => found.add(
            Severity::Note,
            format!(
                "the token is valid only in {}; the service may allow {skew} for clocks that differ",
                span(nbf - now)
            ),
        ),
        Some(_) | None => {}
    }
    if let Some(iat) = claims.iat.filter(|iat| *iat > now.saturating_add(CLOCK_SKEW_SECS)) {
        let text = format!("the token was issued {} from now: one of the clocks is wrong", span(iat - now));
        found.add(Severity::Note, text);
    }
}

/// PROTOCOL §11; a group name that is none is refused before the upgrade (§1.2).
fn check_permissions(found: &mut Inspection, claims: &Claims) {
    if claims.roles.is_empty() {
        let text = "the token has no roles: the client may receive and send events, but neither join nor publish";
        found.add(Severity::Note, text);
    }
    for problem in claims.roles.iter().filter_map(|role| roles::problem(role)) {
        found.add(Severity::Note, problem);
    }
    for group in claims.groups.iter().filter(|group| check_group_name(group).is_err()) {
        found.add(Severity::Refused, format!("`{group}` in `webpubsub.group` is not a group's name"));
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        })
    }
}

#[cfg(test)]
mod tests;
