//! Asks a proxy for a way to the target: HTTP `CONNECT` (RFC 9110 §9.3.6), SOCKS 5 (RFC 1928, 1929).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_socks::tcp::Socks5Stream;

use super::problem::ProxyProblem;
use super::{Proxy, ProxyScheme};
use crate::secret::Secret;
use crate::wire::exchange::{ExchangeError, HttpExchange};
use crate::wire::http_log::text;

/// Turns a stream to the proxy into one to `host` (an IPv6 address without brackets) and `port`; `authority` is both
/// together.
pub async fn tunnel<S>(proxy: &Proxy, stream: S, host: &str, port: u16, authority: &str) -> Result<S, ProxyProblem>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match proxy.scheme {
        ProxyScheme::Http | ProxyScheme::Https => connect(proxy, stream, authority).await,
        ProxyScheme::Socks5 => socks(proxy, stream, host, port).await,
    }
}

async fn connect<S>(proxy: &Proxy, stream: S, authority: &str) -> Result<S, ProxyProblem>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let not_proxy = |problem: String| ProxyProblem::NotProxy { protocol: "HTTP", problem };
    let failed = |error| match error {
        ExchangeError::BadRequest => ProxyProblem::BadTarget,
        ExchangeError::Alert(alert) => ProxyProblem::Tls(format!("the proxy ended it with the alert {alert:?}")),
        ExchangeError::Closed(source) => ProxyProblem::Closed(source),
        ExchangeError::NotHttp(problem) => not_proxy(problem),
    };
    let request = request(proxy, authority).ok_or(ProxyProblem::BadTarget)?;
    let (mut exchange, response) = HttpExchange::start(stream, request).await.map_err(failed)?;
    if !response.status().is_success() {
        let schemes = schemes(response.headers());
        let status = response.status();
        let refusal = Box::new(exchange.refusal(response).await);
        return Err(if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            ProxyProblem::Credentials { given: proxy.credentials.is_some(), schemes, refusal }
        } else {
            ProxyProblem::Refused(refusal)
        });
    }
    drop(response);
    let (stream, leftover) = exchange.finish().await.map_err(failed)?;
    // Whoever is on the other side waits for us to speak first.
    if leftover.is_empty() { Ok(stream) } else { Err(not_proxy("more came than the answer".to_owned())) }
}

fn request(proxy: &Proxy, authority: &str) -> Option<Request<Empty<Bytes>>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = authority.parse::<Uri>().ok()?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(authority).ok()?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("wps/", env!("CARGO_PKG_VERSION"))));
    if let Some((user, password)) = &proxy.credentials {
        headers.insert(PROXY_AUTHORIZATION, basic(user, password)?);
    }
    Some(request)
}

/// The `Basic` scheme (RFC 7617).
fn basic(user: &str, password: &Secret) -> Option<HeaderValue> {
    let encoded = STANDARD.encode(format!("{user}:{}", password.expose()));
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The schemes of authentication in an answer, each once.
fn schemes(headers: &HeaderMap) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for value in headers.get_all(PROXY_AUTHENTICATE) {
        let value = text(value);
        // The schemes of a list cannot be told from parameters without parsing them; proxies send a header for each.
        let scheme = value.split([' ', ',']).next().unwrap_or_default();
        if !scheme.is_empty() && !schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            schemes.push(scheme.to_owned());
        }
    }
    schemes
}

async fn socks<S>(proxy: &Proxy, stream: S, host: &str, port: u16) -> Result<S, ProxyProblem>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let asked = match &proxy.credentials {
        None => Socks5Stream::connect_with_socket(stream, (host, port)).await,
        Some((user, password)) => {
            let password = password.expose();
            Socks5Stream::connect_with_password_and_socket(stream, (host, port), user, password).await
        }
    };
    asked.map(Socks5Stream::into_inner).map_err(|error| socks_problem(error, proxy.credentials.is_some()))
}

fn socks_problem(error: tokio_socks::Error, given: bool) -> ProxyProblem {
    use tokio_socks::Error;
    let refused = |reason, forbidden| ProxyProblem::Socks { reason, forbidden };
    match error {
        Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => ProxyProblem::Closed(None),
        Error::Io(error) => ProxyProblem::Closed(Some(error)),
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => ProxyProblem::SocksCredentials { given },
        Error::PasswordAuthFailure(_) | Error::InvalidAuthValues(_) => ProxyProblem::SocksCredentials { given },
        Error::GeneralSocksServerFailure => refused("general failure", false),
        Error::ConnectionNotAllowedByRuleset => refused("its rules do not allow it", true),
        Error::NetworkUnreachable => refused("network unreachable", false),
        Error::HostUnreachable => refused("host unreachable", false),
        Error::ConnectionRefused => refused("connection refused", false),
        Error::TtlExpired => refused("it took too many hops (TTL expired)", false),
        Error::CommandNotSupported => refused("it does not make connections", true),
        Error::AddressTypeNotSupported => refused("it does not take this kind of address", true),
        Error::InvalidTargetAddress(_) | Error::ParseError(_) => ProxyProblem::BadTarget,
        Error::InvalidResponseVersion
        | Error::UnknownAuthMethod
        | Error::UnknownError
        | Error::InvalidReservedByte
        | Error::UnknownAddressType
        | Error::ProxyServerUnreachable
        | Error::IdentdAuthFailure
        | Error::InvalidUserIdAuthFailure => {
            let problem = "what came breaks the protocol".to_owned();
            ProxyProblem::NotProxy { protocol: "SOCKS 5", problem }
        }
    }
}
