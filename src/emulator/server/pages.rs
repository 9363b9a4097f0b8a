//! Which web pages may use the service. A browser lets any page connect to this machine, and while everybody knows the
//! access key, or none is needed, a token keeps none of them out.
//!
//! So a page of another site is kept out by its `Origin`, and where its own name was made to lead here (DNS rebinding) by
//! the `Host` that it then asks for. Programs send no `Origin`, and pages of this machine are those of its developer.
//! [`AllowedPages::keep_out`] stands before every route of the service; the control endpoint has a guard of its own.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};
use thiserror::Error;
use url::{Host, Url};

use super::refusals::EntryPoint;
use super::upgrade::UpgradeRefusal;
use super::{Server, rest};
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::secret::Secret;

/// Who may use the service by way of a browser.
#[derive(Debug)]
pub(super) struct AllowedPages {
    /// Nothing else keeps strangers out.
    guarded: bool,
    /// Origins besides those of this machine, in lower case.
    allowed: Vec<String>,
    /// The host of the endpoint.
    own: Option<Host<String>>,
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum PageRefusal {
    /// It asks for a name that anybody can have made to lead here.
    #[error(
        "The Host `{0}` is not a name of this machine, and the access key is published. `--advertise` gives the emulator \
         another name, `--access-key` a key of its own."
    )]
    Host(String),
    /// It comes from a page of elsewhere.
    #[error(
        "The request comes from a page of `{0}`, and the access key is published. `--allow-origin {0}` lets its pages in, \
         `--access-key` gives the emulator a key of its own."
    )]
    Origin(String),
}

impl AllowedPages {
    /// `endpoint` is how the emulator is known; of `*` among the allowed ones, all are.
    pub(super) fn new(keys: &[Secret], allow_anonymous: bool, allowed: Vec<String>, endpoint: &str) -> Self {
        let open = allowed.iter().any(|origin| origin == "*");
        let published = keys.iter().any(|key| key.expose() == DEVELOPMENT_KEY);
        let allowed = allowed.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        let own = Url::parse(endpoint).ok().and_then(|url| url.host().map(|host| host.to_owned()));
        Self { guarded: (published || allow_anonymous) && !open, allowed, own }
    }

    /// Passes a request on, or refuses it.
    pub(super) async fn keep_out(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
        let path = request.uri().path();
        // It says nothing but that somebody is here, also to a load balancer that uses a name of its own.
        if path == rest::HEALTH {
            return next.run(request).await;
        }
        match server.pages.check(request.headers(), request.uri().authority().map(|authority| authority.as_str())) {
            Ok(()) => next.run(request).await,
            Err(stranger) if path.starts_with("/api") => rest::forbid(&server, request, &stranger.to_string()).await,
            Err(stranger) => UpgradeRefusal::forbidden(stranger.to_string()).into_response(&server, &EntryPoint::Any),
        }
    }

    /// `authority`: of the request's target, where it is a whole URL.
    fn check(&self, headers: &HeaderMap, authority: Option<&str>) -> Result<(), PageRefusal> {
        if !self.guarded {
            return Ok(());
        }
        let values = |name: HeaderName| {
            let values = headers.get_all(name).iter();
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect::<Vec<_>>()
        };
        let origins = values(ORIGIN);
        let hosts: Vec<String> = values(HOST).into_iter().chain(authority.map(str::to_owned)).collect();
        // Who is let in by name may use any name.
        if !origins.is_empty() && origins.iter().all(|origin| self.is_allowed(origin)) {
            return Ok(());
        }
        for host in &hosts {
            if !self.is_host(host) {
                return Err(PageRefusal::Host(host.clone()));
            }
        }
        match origins.into_iter().find(|origin| !self.is_allowed(origin) && !self.is_local(origin, &hosts)) {
            Some(origin) => Err(PageRefusal::Origin(origin)),
            None => Ok(()),
        }
    }

    fn is_allowed(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.allowed.contains(&origin)
    }

    /// Whether a `Host` is no name that somebody else can have made to lead here.
    fn is_host(&self, host: &str) -> bool {
        let Some(host) = host_of(host) else { return false };
        match &host {
            Host::Domain(name) => is_private(name) || self.own.as_ref() == Some(&host),
            // No name server has had a say.
            Host::Ipv4(_) | Host::Ipv6(_) => true,
        }
    }

    /// Whether a page of that origin is one of this machine, or of the one that it asks, or of its network of containers.
    fn is_local(&self, origin: &str, hosts: &[String]) -> bool {
        let Ok(url) = Url::parse(origin) else { return false };
        // The host of other schemes is a path that its application has chosen: `chrome-extension://ID`.
        let of_the_web = matches!(url.scheme(), "http" | "https");
        let Some(host) = url.host().map(|host| host.to_owned()) else { return false };
        let same =
            || hosts.iter().any(|asked| host_of(asked).as_ref() == Some(&host)) || self.own.as_ref() == Some(&host);
        match &host {
            Host::Domain(name) if of_the_web => is_private(name) || same(),
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback() || same(),
            Host::Ipv6(ip) => ip.to_canonical().is_loopback() || same(),
        }
    }
}

/// The host of an authority such as `localhost:8080`.
fn host_of(authority: &str) -> Option<Host<String>> {
    let url = Url::parse(&format!("http://{authority}/")).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.host().map(|host| host.to_owned())
}

/// Whether no stranger can own the name: `localhost` and what is below it (RFC 6761), a single word such as a container's
/// name, and what is below `internal`, which no name server of the Internet has.
fn is_private(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    !name.contains('.') || name.ends_with(".localhost") || name.ends_with(".internal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn check(pages: &AllowedPages, host: &str, origin: &[&'static str]) -> Result<(), PageRefusal> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        for origin in origin {
            headers.append(ORIGIN, HeaderValue::from_static(origin));
        }
        pages.check(&headers, None)
    }

    fn pages(key: &str, allow_anonymous: bool, allowed: &[&str]) -> AllowedPages {
        let allowed = allowed.iter().map(|origin| (*origin).to_owned()).collect();
        AllowedPages::new(&[Secret::new(key)], allow_anonymous, allowed, "http://dev.example:8080")
    }

    #[test]
    fn pages_of_this_machine_are_let_in_and_those_of_elsewhere_are_not() {
        let pages = pages(DEVELOPMENT_KEY, false, &[]);
        let origin = |origin: &'static str| check(&pages, "localhost:8080", &[origin]);
        for own in [
            "http://localhost:3000",
            "https://localhost",
            "HTTP://LOCALHOST:3000",
            "http://127.0.0.1:8080",
            "http://127.8.8.8",
            "http://[::1]:3000",
            "http://app.localhost:3000",
            "http://app:3000",
            "http://host.docker.internal",
            "http://dev.example",
            "capacitor://localhost",
        ] {
            assert_eq!(origin(own), Ok(()), "{own}");
        }
        for foreign in [
            "https://evil.example",
            "http://localhost.evil.example",
            "http://evil.example/localhost",
            "http://evil.example#localhost",
            "http://localhost@evil.example",
            "http://203.0.113.7",
            "http://192.168.1.5:3000",
            "chrome-extension://abcdefghijklmnop",
            "vscode-webview://abc",
            "file://",
            "null",
            "",
            "localhost",
        ] {
            assert_eq!(origin(foreign), Err(PageRefusal::Origin(foreign.to_owned())), "{foreign}");
        }
        assert_eq!(check(&pages, "localhost", &[]), Ok(()));
        // All of them count.
        assert!(check(&pages, "localhost", &["http://localhost", "https://evil.example"]).is_err());
        // A page of the machine that is asked, from another one.
        assert_eq!(check(&pages, "192.168.1.5:8080", &["http://192.168.1.5:3000"]), Ok(()));
        assert!(check(&pages, "192.168.1.5:8080", &["http://192.168.1.6:3000"]).is_err());
    }

    #[test]
    fn a_name_that_anybody_can_make_lead_here_is_no_name_of_ours() {
        let pages = pages(DEVELOPMENT_KEY, false, &[]);
        for own in
            ["localhost:8080", "LOCALHOST.", "127.0.0.1", "[::1]:8080", "10.0.0.7:8080", "pubsub:8080", "dev.example"]
        {
            assert_eq!(check(&pages, own, &[]), Ok(()), "{own}");
        }
        for foreign in
            ["evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "a@localhost", "localhost/x", ""]
        {
            assert_eq!(check(&pages, foreign, &[]), Err(PageRefusal::Host(foreign.to_owned())), "{foreign}");
            // Rebound, a page's own origin is the name too.
            assert!(check(&pages, foreign, &["http://evil.example:8080"]).is_err());
        }
        // A request whose target is a whole URL has two.
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        assert!(
            pages.check(&headers, Some("evil.example")).is_err() && pages.check(&headers, Some("localhost")).is_ok()
        );
    }

    #[test]
    fn a_key_of_its_own_opens_it_and_so_does_an_origin_that_is_allowed() {
        let evil = ("evil.example:8080", ["https://evil.example"]);
        assert!(check(&pages("own", false, &[]), evil.0, &evil.1).is_ok());
        // A key that nobody has to show keeps nobody out.
        assert!(check(&pages("own", true, &[]), evil.0, &evil.1).is_err());
        assert!(check(&pages(DEVELOPMENT_KEY, false, &["*"]), evil.0, &evil.1).is_ok());
        let pages = pages(DEVELOPMENT_KEY, false, &["https://Evil.example/", "null"]);
        assert!(check(&pages, evil.0, &evil.1).is_ok());
        assert!(check(&pages, "localhost", &["null"]).is_ok());
        assert!(check(&pages, "localhost", &["https://evil.example:444"]).is_err());
        assert!(check(&pages, evil.0, &[]).is_err());
    }
}
