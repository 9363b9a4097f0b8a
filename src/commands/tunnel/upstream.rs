//! The server on this machine: a request that came through the tunnel, asked over HTTP, and its answer, whatever it is
//! (PROTOCOL §20.5).

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode};

use super::settings::TunnelSettings;
use crate::failure::{Failure, Kind};
use crate::options::network::settings::NetworkSettings;
use crate::run::explain::file_failure;
use crate::run::network::options_of;
use webpubsub_net::wire::{HttpClient, HttpError, HttpLimits, HttpRequest, Server, Tls, in_one_line};
use webpubsub_proto::tunnel::{TunnelHeaders, TunnelRequest};

/// How long the upstream may take to take a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Asks one server.
pub struct UpstreamClient {
    http: HttpClient,
    tls: Tls,
    is_secure: bool,
}

/// What goes back.
#[derive(Debug)]
pub struct UpstreamAnswer {
    /// HTTP status.
    pub status: u16,
    /// Without those of the connection.
    pub headers: TunnelHeaders,
    /// Whole.
    pub body: Bytes,
    /// Why it is none of the upstream's.
    pub failure: Option<UpstreamFailure>,
}

/// Why the upstream gave no answer that can go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamFailure {
    /// What kind of thing.
    pub kind: UpstreamTrouble,
    /// In words.
    pub why: String,
}

/// What can go wrong with an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamTrouble {
    /// It was not reached.
    Unreached,
    /// What the service sent cannot be put into an HTTP request.
    BadRequest,
    /// It took too long.
    TooSlow,
    /// It ended the connection.
    Closed,
    /// What it said is no HTTP.
    NotHttp,
    /// Its answer is larger than what is taken.
    TooLarge,
    /// It wants to speak something else than HTTP from here on, which no tunnel carries.
    Switching,
}

impl UpstreamTrouble {
    /// Any answer of the server's ends it.
    pub fn is_of_server(self) -> bool {
        match self {
            Self::Unreached => true,
            Self::BadRequest | Self::TooSlow | Self::Closed | Self::NotHttp | Self::TooLarge | Self::Switching => false,
        }
    }

    /// What is asked at another path may go well.
    pub fn is_of_route(self) -> bool {
        match self {
            Self::TooSlow | Self::Closed | Self::NotHttp | Self::TooLarge | Self::Switching => true,
            Self::Unreached | Self::BadRequest => false,
        }
    }

    fn of(error: &HttpError) -> Self {
        match error {
            HttpError::Dial(_) | HttpError::DialTimeout { .. } => Self::Unreached,
            HttpError::BadRequest { .. } => Self::BadRequest,
            HttpError::AnswerTimeout { .. } => Self::TooSlow,
            HttpError::Closed { .. } => Self::Closed,
            HttpError::NotHttp { .. } => Self::NotHttp,
            HttpError::TooLarge { .. } => Self::TooLarge,
        }
    }
}

/// What it is that went wrong, and why.
impl fmt::Display for UpstreamFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            UpstreamTrouble::Unreached => "the upstream was not reached",
            UpstreamTrouble::BadRequest => "an event of the service cannot be put into an HTTP request",
            UpstreamTrouble::TooSlow
            | UpstreamTrouble::Closed
            | UpstreamTrouble::NotHttp
            | UpstreamTrouble::TooLarge
            | UpstreamTrouble::Switching => "the upstream gave no answer that can go back",
        };
        write!(f, "{what}: {}", self.why)
    }
}

impl UpstreamClient {
    /// Asks nothing yet. It is never behind a proxy.
    pub fn new(settings: &TunnelSettings) -> Result<Self, Failure> {
        let server = Server::of(&settings.upstream)
            .ok_or_else(|| Failure::message(Kind::Usage, "the upstream is no `http` or `https` URL"))?;
        let options = options_of(&NetworkSettings::default(), &settings.upstream_tls);
        let answer = settings.upstream_timeout;
        let limits = HttpLimits { connect: CONNECT.min(answer), answer };
        let (tls, is_secure) = (options.tls.clone(), settings.upstream.scheme() == "https");
        Ok(Self { http: HttpClient::new(server, options, limits), tls, is_secure })
    }

    /// Which certificates are accepted.
    pub fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// Reads the files with certificates, where it needs them: one that cannot be used is no fault of the upstream's.
    pub async fn prepare(&self) -> Result<(), Failure> {
        if self.is_secure {
            self.tls.client_config().await.map_err(file_failure)?;
        }
        Ok(())
    }

    /// Asks, and gives back an answer in any case: 502 where there is none.
    pub async fn ask(&self, request: &TunnelRequest) -> UpstreamAnswer {
        let asked = match message(request) {
            Ok(asked) => asked,
            Err(part) => {
                let why = format!("the {part} is not valid there");
                return unanswered(UpstreamFailure { kind: UpstreamTrouble::BadRequest, why });
            }
        };
        match self.http.ask(&asked).await {
            Ok(answer) if answer.status == StatusCode::SWITCHING_PROTOCOLS => {
                let why = "it answered 101, which leaves HTTP, and a tunnel carries nothing else".to_owned();
                unanswered(UpstreamFailure { kind: UpstreamTrouble::Switching, why })
            }
            Ok(answer) => UpstreamAnswer {
                status: answer.status.as_u16(),
                headers: passed_on(&answer.headers),
                body: answer.body,
                failure: None,
            },
            Err(error) => {
                let kind = UpstreamTrouble::of(&error);
                unanswered(UpstreamFailure { kind, why: in_one_line(&error) })
            }
        }
    }
}

fn unanswered(failure: UpstreamFailure) -> UpstreamAnswer {
    let headers = vec![("content-type".to_owned(), vec!["text/plain; charset=utf-8".to_owned()])];
    let body = Bytes::from(format!("wps tunnel: {failure}\n"));
    UpstreamAnswer { status: StatusCode::BAD_GATEWAY.as_u16(), headers, body, failure: Some(failure) }
}

/// The request as it goes to the upstream.
fn message(request: &TunnelRequest) -> Result<HttpRequest, &'static str> {
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| "method")?;
    let mut headers = HeaderMap::new();
    for (name, values) in request.headers.iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "name of a header")?;
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| "value of a header")?;
            headers.append(name.clone(), value);
        }
    }
    remove_hop_by_hop(&mut headers);
    // Made anew, by what the request is.
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
    headers.remove(EXPECT);
    let path_and_query = request.path_and_query().into_owned();
    let body = request.body.clone().unwrap_or_default();
    Ok(HttpRequest { method, path_and_query, headers, body, private: false })
}

/// What an answer's headers are to the service.
fn passed_on(headers: &HeaderMap) -> TunnelHeaders {
    let mut headers = headers.clone();
    remove_hop_by_hop(&mut headers);
    let text = |value: &HeaderValue| match value.to_str() {
        Ok(text) => text.to_owned(),
        // As old HTTP has it, where it is no UTF-8.
        Err(_) => std::str::from_utf8(value.as_bytes())
            .map_or_else(|_| value.as_bytes().iter().map(|byte| char::from(*byte)).collect(), str::to_owned),
    };
    let values = |name: &HeaderName| headers.get_all(name).iter().map(text).collect();
    headers.keys().map(|name| (name.as_str().to_owned(), values(name))).collect()
}

/// Headers of one connection alone (RFC 9110 §7.6.1), and those that `Connection` names.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    let own = [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
    let others = ["keep-alive", "proxy-connection"].map(HeaderName::from_static);
    for name in named.iter().chain(&own).chain(&others) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, values: &[&str]) -> (String, Vec<String>) {
        (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn a_request_goes_on_with_all_but_what_is_of_its_connection() {
        let request = TunnelRequest {
            method: "POST".into(),
            url: "https://service.example/a%20b/c?x=1&y=%2F#f".into(),
            headers: Some(vec![
                header("Host", &["service.example"]),
                header("Connection", &["keep-alive, X-Secret-Hop"]),
                header("X-Secret-Hop", &["1"]),
                header("Transfer-Encoding", &["chunked"]),
                header("Content-Length", &["999"]),
                header("Keep-Alive", &["timeout=5"]),
                header("ce-type", &["azure.webpubsub.sys.connect"]),
                header("Ce-Signature", &["sha256=a", "sha256=b"]),
            ]),
            body: Some(Bytes::from_static(b"{}")),
            ..TunnelRequest::default()
        };
        let asked = message(&request).unwrap();
        assert_eq!((asked.method, asked.path_and_query.as_str()), (Method::POST, "/a%20b/c?x=1&y=%2F"));
        let names: Vec<_> = asked.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["ce-type", "ce-signature"]);
        assert_eq!(asked.headers.get_all("ce-signature").iter().count(), 2);
        assert_eq!(asked.body, "{}");
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        for (method, headers, part) in [
            ("A B", vec![], "method"),
            ("GET", vec![header("a b", &["x"])], "name of a header"),
            ("GET", vec![header("a", &["x\ny"])], "value of a header"),
        ] {
            let request = TunnelRequest {
                method: method.into(),
                headers: Some(headers),
                url: "http://h/".into(),
                ..TunnelRequest::default()
            };
            assert_eq!(message(&request).unwrap_err(), part);
        }
    }

    #[test]
    fn an_answers_headers_go_back_with_all_their_values() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("set-cookie", &b"a=1"[..]),
            ("set-cookie", b"b=2"),
            ("connection", b"close"),
            ("transfer-encoding", b"chunked"),
            ("x-old", b"caf\xe9"),
            ("x-new", "café".as_bytes()),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        let mut passed = passed_on(&headers);
        passed.sort();
        let expected = [header("set-cookie", &["a=1", "b=2"]), header("x-new", &["café"]), header("x-old", &["café"])];
        assert_eq!(passed, expected);
    }
}
