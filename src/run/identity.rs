//! Entra identities: access tokens for the service, from a tool, an endpoint of the machine or Entra itself.
//!
//! A token is kept in memory alone, until shortly before it expires, and is shown nowhere. The requests go the way of all
//! others (proxies, certificates, addresses), without the headers that are meant for the service; those to the machine's
//! own endpoint never go through a proxy. `--insecure` does not hold here: secrets are not for whoever listens.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::Url;
use url::form_urlencoded::Serializer;

use super::chance::unix_now;
use super::url_command::{UrlCommandError, printed_by};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::connection::identity::{Application, Identity, ManagedEndpoint};
use crate::options::network::settings::{NetworkSettings, TlsOptions};
use crate::render::human;
use webpubsub_net::auth::token::peek_claims;
use webpubsub_net::secret::{self, Secret, excerpt};
use webpubsub_net::wire::{
    DialOptions, HttpAnswer, HttpClient, HttpError, HttpLimits, HttpRequest, Proxies, Server, in_one_line,
};

/// What tokens are for (PROTOCOL §2.4).
pub const RESOURCE: &str = webpubsub_net::auth::token::ENTRA_RESOURCE;
/// The same as Entra's second version names it.
const SCOPE: &str = "https://webpubsub.azure.com/.default";
/// A token is not used any more for so long before it expires; one that comes with less left, for half of that.
const MARGIN_SECS: u64 = 5 * 60;
/// A token that does not say when it expires is used for so long.
const UNDATED_SECS: u64 = 5 * 60;
/// How long the endpoint of the machine may take to be reached, where it is not known whether there is one.
const PROBE: Duration = Duration::from_secs(1);
/// The most that is said of what somebody answered.
const SAID: usize = 300;

/// A token and where it comes from.
#[derive(Clone, Debug)]
pub struct FoundToken {
    pub token: Secret,
    /// Whose it is, in words.
    pub from: &'static str,
    /// When it expires, in seconds since 1970, where that is known.
    pub expires: Option<u64>,
    /// Until when it is used, in seconds since 1970.
    used_until: u64,
}

/// Until when a token is used that came now.
fn used_until(expires: Option<u64>, now: u64) -> u64 {
    match expires.map(|at| at.saturating_sub(now)) {
        Some(left) => now.saturating_add(if left > 2 * MARGIN_SECS { left - MARGIN_SECS } else { left / 2 }),
        None => now + UNDATED_SECS,
    }
}

/// Why an identity gave no token.
enum TokenFailure {
    /// There is none of this kind here; why.
    Absent(String),
    Failed(Failure),
}

impl From<Failure> for TokenFailure {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The identities that may open the service, and the token that one of them gave.
#[derive(Debug)]
pub struct Identities {
    list: Vec<Identity>,
    options: DialOptions,
    connect_timeout: Duration,
    known: Mutex<Option<FoundToken>>,
    /// Whoever asks for a token has others wait for it.
    turn: AsyncMutex<()>,
}

impl Identities {
    /// Those of this process that are the same, so that whoever opens the service twice asks once; otherwise new ones, which
    /// have not been asked yet.
    pub fn shared(
        list: Vec<Identity>,
        network: &NetworkSettings,
        tls: &TlsOptions,
        connect_timeout: Duration,
    ) -> Arc<Self> {
        static KNOWN: Mutex<Vec<Weak<Identities>>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|identities| identities.strong_count() > 0);
        if let Some(same) = known.iter().filter_map(Weak::upgrade).find(|same| same.list == list) {
            return same;
        }
        let made = Self::made(list, network, tls, connect_timeout);
        known.push(Arc::downgrade(&made));
        made
    }

    fn made(list: Vec<Identity>, network: &NetworkSettings, tls: &TlsOptions, connect_timeout: Duration) -> Arc<Self> {
        let tls = TlsOptions { insecure: false, client_cert: None, ..tls.clone() };
        let options = DialOptions { headers: Vec::new(), ..super::network::options_of(network, &tls) };
        Arc::new(Self { list, options, connect_timeout, known: Mutex::default(), turn: AsyncMutex::default() })
    }

    /// A token that is valid for a while: the known one, or a fresh one.
    pub async fn token(&self) -> Result<FoundToken, Failure> {
        let _turn = self.turn.lock().await;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fresh = |found: &FoundToken| found.used_until > unix_now();
        if let Some(found) = known.filter(fresh) {
            return Ok(found);
        }
        let found = self.ask().await?;
        secret::remember_passing(found.token.expose());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// The service does not take the token: the next one is a fresh one.
    pub fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What may be wrong with a token that the service does not know.
    pub fn why_not_taken(&self) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known.as_ref().map(|found| (found.from, is_for_service(&found.token))) {
            Some((from, Some(false))) => {
                format!("the token of {from} is not for `{RESOURCE}`: that is the audience the service takes")
            }
            Some((from, _)) => format!(
                "the service does not know the identity ({from}): is it one of the directory that the service belongs \
                 to, and the endpoint that of a Web PubSub service?"
            ),
            None => "the service does not know the identity".to_owned(),
        }
    }

    async fn ask(&self) -> Result<FoundToken, Failure> {
        let is_chain = self.list.len() > 1;
        let (mut absent, mut failed) = (Vec::new(), None);
        for identity in &self.list {
            // Where there are others, one that hangs leaves them time.
            let limit = if is_chain { self.connect_timeout / 2 } else { self.connect_timeout };
            let asked = timeout(limit, self.ask_one(identity, is_chain)).await;
            match asked.unwrap_or_else(|_| Err(TokenFailure::Failed(too_slow(identity, limit)))) {
                Ok((token, expires)) => {
                    let expires = expires.or_else(|| peek_claims(token.expose()).and_then(|claims| claims.exp));
                    return Ok(FoundToken {
                        token,
                        from: identity.name(),
                        expires,
                        used_until: used_until(expires, unix_now()),
                    });
                }
                Err(TokenFailure::Absent(why)) => absent.push(format!("{}: {why}", identity.name())),
                Err(TokenFailure::Failed(failure)) => {
                    absent.push(format!("{}: {}", identity.name(), failure.summary()));
                    failed.get_or_insert(failure);
                }
            }
        }
        match failed {
            Some(failure) if is_chain => {
                let what = format!("no identity gave a token ({})", absent.join("; "));
                Err(Failure { hints: failure.hints, ..Failure::message(failure.kind, what) })
            }
            Some(failure) => Err(failure),
            None => {
                Err(Failure::new(Kind::Config, anyhow!("{}", absent.join("; ")).context("no identity to be found"))
                    .hint("`az login` signs in to the Azure CLI; `wps help connection` names what else there is"))
            }
        }
    }

    async fn ask_one(&self, identity: &Identity, is_chain: bool) -> Result<(Secret, Option<u64>), TokenFailure> {
        match identity {
            Identity::Command(command) => {
                let printed = printed_by(command, Stdio::inherit())
                    .await
                    .map_err(|error| command_failed("the credential command", error, None))?;
                printed_token(&printed, "the credential command")
            }
            Identity::AzureCli => azure_cli(is_chain).await,
            Identity::ClientSecret(application, secret) => {
                self.entra(application, &[("client_secret", secret.expose())]).await
            }
            Identity::Workload(application, file) => {
                let path = file.clone();
                let text = spawn_blocking(move || std::fs::read_to_string(path)).await;
                let text = text.unwrap_or_else(|error| Err(std::io::Error::other(error)));
                let assertion = text.or_fail_with(Kind::Config, || {
                    format!("could not read the token in `{}` (`AZURE_FEDERATED_TOKEN_FILE`)", file.display())
                })?;
                let assertion = assertion.trim();
                secret::remember_passing(assertion);
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                self.entra(application, &[("client_assertion_type", kind), ("client_assertion", assertion)]).await
            }
            Identity::Managed { endpoint, client } => self.managed(endpoint, client.as_deref(), is_chain).await,
        }
    }

    /// Asks Entra for a token of an application.
    async fn entra(
        &self,
        Application { authority, tenant, client }: &Application,
        proof: &[(&str, &str)],
    ) -> Result<(Secret, Option<u64>), TokenFailure> {
        let form = [("grant_type", "client_credentials"), ("client_id", client), ("scope", SCOPE)];
        let form = Serializer::new(String::new()).extend_pairs(form).extend_pairs(proof).finish();
        let path = format!("{}/{tenant}/oauth2/v2.0/token", authority.path().trim_end_matches('/'));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = Bytes::from(form);
        let request = HttpRequest { method: Method::POST, path_and_query: path, headers, body, private: true };
        let answer = self.send(authority, request, self.options.clone(), self.connect_timeout).await;
        let answer = answer.map_err(|error| unreachable("Entra", authority, &error))?;
        token_in(&answer, "Entra")
    }

    /// Asks the machine for a token of its own identity. What is link-local or loopback is behind no proxy.
    async fn managed(
        &self,
        endpoint: &ManagedEndpoint,
        client: Option<&str>,
        is_chain: bool,
    ) -> Result<(Secret, Option<u64>), TokenFailure> {
        let mut headers = HeaderMap::new();
        let (url, path, version) = match endpoint {
            ManagedEndpoint::AppService(url, header) => {
                let mut value = HeaderValue::from_str(header.expose()).map_err(|_| {
                    TokenFailure::Failed(Failure::message(Kind::Config, "`IDENTITY_HEADER` cannot be a header"))
                })?;
                value.set_sensitive(true);
                headers.insert(HeaderName::from_static("x-identity-header"), value);
                (url, url.path().to_owned(), "2019-08-01")
            }
            ManagedEndpoint::Imds(url) => {
                headers.insert(HeaderName::from_static("metadata"), HeaderValue::from_static("true"));
                let path = format!("{}/metadata/identity/oauth2/token", url.path().trim_end_matches('/'));
                (url, path, "2018-02-01")
            }
        };
        let query = [("api-version", version), ("resource", RESOURCE)].into_iter();
        let query = query.chain(client.map(|client| ("client_id", client)));
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        let path_and_query = format!("{path}?{query}");
        let request = HttpRequest { method: Method::GET, path_and_query, headers, body: Bytes::new(), private: true };
        let options = DialOptions { proxies: Proxies::default(), ..self.options.clone() };
        let is_guess = is_chain && matches!(endpoint, ManagedEndpoint::Imds(_));
        let connect = if is_guess { self.connect_timeout.min(PROBE) } else { self.connect_timeout };
        match self.send(url, request, options, connect).await {
            // Nobody is there.
            Err(error) if is_guess && !error.was_sent() => Err(TokenFailure::Absent(in_one_line(&error))),
            Err(error) => Err(unreachable("the managed identity's endpoint", url, &error)),
            // This machine has none, or several.
            Ok(answer) if answer.status.as_u16() == 400 => {
                Err(TokenFailure::Absent(format!("the endpoint answered {answer}: {}", error_text(&answer))))
            }
            Ok(answer) => token_in(&answer, "the managed identity's endpoint"),
        }
    }

    async fn send(
        &self,
        url: &Url,
        mut request: HttpRequest,
        options: DialOptions,
        connect: Duration,
    ) -> Result<HttpAnswer, HttpError> {
        let server = Server::of(url).ok_or(HttpError::BadRequest { part: "address" })?;
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let limits = HttpLimits { connect, answer: self.connect_timeout };
        HttpClient::new(server, options, limits).ask(&request).await
    }
}

fn too_slow(identity: &Identity, limit: Duration) -> Failure {
    let what = format!("{} gave no token within {}", identity.name(), human(limit));
    Failure::message(Kind::Unreachable, what).hint("`--connect-timeout` says how long it may take")
}

/// The account of the Azure CLI.
async fn azure_cli(is_chain: bool) -> Result<(Secret, Option<u64>), TokenFailure> {
    let tool = "the Azure CLI (`az`)";
    let names: &[&str] = if cfg!(windows) { &["az.cmd", "az.exe", "az.bat"] } else { &["az"] };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let holds = |directory: &Path| names.iter().any(|name| directory.join(OsStr::new(name)).is_file());
    if !std::env::split_paths(&path).any(|directory| holds(&directory)) {
        return Err(TokenFailure::Absent("there is no `az` on the `PATH`".to_owned()));
    }
    // Where others are asked too, its complaints are not the answer.
    let stderr = if is_chain { Stdio::null() } else { Stdio::inherit() };
    let line = format!("az account get-access-token --output json --scope {SCOPE}");
    match printed_by(&line, stderr).await {
        Ok(printed) => printed_token(&printed, tool),
        Err(error) if is_chain => Err(TokenFailure::Absent(format!("{}; is it signed in?", error.of("`az`")))),
        Err(error) => Err(command_failed(tool, error, Some("`az login` signs in"))),
    }
}

fn command_failed(what: &str, error: UrlCommandError, hint: Option<&str>) -> TokenFailure {
    let failure = Failure::message(Kind::Unreachable, error.of(what));
    TokenFailure::Failed(failure.hint(hint.unwrap_or(
        "run the command by hand: its stdout has to be an access token, or a JSON object with `accessToken`",
    )))
}

/// A token as a command prints it: by itself, or in a JSON object.
fn printed_token(printed: &[u8], by: &str) -> Result<(Secret, Option<u64>), TokenFailure> {
    let text = String::from_utf8_lossy(printed);
    let text = text.trim_start_matches('\u{feff}').trim();
    let none = |why: &str| {
        let failure = Failure::message(Kind::Unreachable, format!("{by} printed no access token: {why}"));
        TokenFailure::Failed(failure.hint("its stdout has to be an access token, or a JSON object with `accessToken`"))
    };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => {
            let token = ["accessToken", "access_token"].iter().find_map(|name| object.get(*name)?.as_str());
            let token = checked(token.unwrap_or_default()).ok_or_else(|| none("its JSON has no `accessToken`"))?;
            Ok((token, object.get("expires_on").and_then(number)))
        }
        Ok(Value::String(token)) => Ok((checked(&token).ok_or_else(|| none("it is empty"))?, None)),
        _ if text.is_empty() => Err(none("it printed nothing")),
        _ => Ok((checked(text).ok_or_else(|| none("it is more than one word"))?, None)),
    }
}

/// A token that a header can carry.
fn checked(token: &str) -> Option<Secret> {
    let token = token.trim();
    let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(token))
}

/// A number, or one in a string, as some endpoints have it.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The token of an answer (RFC 6749 §5).
fn token_in(answer: &HttpAnswer, who: &str) -> Result<(Secret, Option<u64>), TokenFailure> {
    let status = answer.status.as_u16();
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if !answer.status.is_success() {
        // What it was asked with is wrong, unless it says that it is its own fault.
        let kind = if matches!(status, 400 | 401 | 403) { Kind::Unauthorized } else { Kind::Unreachable };
        let failure =
            Failure::new(kind, anyhow!("{}", error_text(answer)).context(format!("{who} gave no token: {answer}")));
        return Err(TokenFailure::Failed(failure));
    }
    let token = body.get("access_token").and_then(Value::as_str).and_then(checked).ok_or_else(|| {
        TokenFailure::Failed(Failure::message(
            Kind::Unreachable,
            format!("{who} answered {answer} without an `access_token`"),
        ))
    })?;
    let expires = body.get("expires_on").and_then(number);
    let lasts = body.get("expires_in").and_then(number).map(|seconds| unix_now().saturating_add(seconds));
    Ok((token, expires.or(lasts)))
}

/// What somebody says about why not, in a line.
fn error_text(answer: &HttpAnswer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let described = body.get("error_description").or(body.get("error")).and_then(Value::as_str).map(str::to_owned);
    let text = described.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "it said nothing more".to_owned() } else { excerpt(&line, SAID).into_owned() }
}

fn unreachable(who: &str, url: &Url, error: &HttpError) -> TokenFailure {
    let place = url.host_str().unwrap_or_default();
    let what = format!("{who} (`{place}`) gave no token");
    TokenFailure::Failed(Failure::new(Kind::Unreachable, anyhow!("{}", in_one_line(error)).context(what)))
}

/// Whether a token says that it is for the service; `None` where it cannot be read.
pub fn is_for_service(token: &Secret) -> Option<bool> {
    let claims = peek_claims(token.expose())?;
    Some(claims.aud.iter().any(|aud| aud.trim_end_matches('/').eq_ignore_ascii_case(RESOURCE)))
}

/// How a command ended that was to print a token.
impl UrlCommandError {
    fn of(&self, what: &str) -> String {
        match self {
            Self::NotRun(error) => format!("{what} could not be run: {error}"),
            Self::Failed { status, .. } => format!("{what} {status}"),
            Self::Empty => format!("{what} printed nothing"),
            Self::TooMuch => format!("{what} printed more than any token has"),
            Self::NoUrlField { .. } | Self::NoUrl { .. } => format!("{what} printed no token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_printed_by_itself_or_in_an_object() {
        for (printed, expected, expires) in [
            ("t.o.k\n", "t.o.k", None),
            ("\u{feff}\"t\"\r\n", "t", None),
            (r#"{"accessToken":"t","expires_on":1800000000,"tokenType":"Bearer"}"#, "t", Some(1_800_000_000)),
            (r#"{"access_token":" t ","expires_on":"7"}"#, "t", Some(7)),
        ] {
            let (token, at) = printed_token(printed.as_bytes(), "it").ok().unwrap();
            assert_eq!((token.expose(), at), (expected, expires), "{printed}");
        }
        for printed in ["", "two words", "{}", r#"{"accessToken":""}"#, "[1]\u{e9} x"] {
            let Err(TokenFailure::Failed(failure)) = printed_token(printed.as_bytes(), "it") else {
                panic!("{printed}")
            };
            assert_eq!(failure.kind, Kind::Unreachable);
            assert!(failure.summary().starts_with("it printed no access token"), "{}", failure.summary());
        }
    }
}
