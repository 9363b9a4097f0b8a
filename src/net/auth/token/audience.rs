//! The lenient comparison of a token's audience with what was asked for (PROTOCOL §2.3).

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

/// The audience a token must have: one of several names of the same service, and a hub.
///
/// Schemes are interchangeable, hosts and hubs compare without case, query and trailing slash do not count, and the
/// path may be percent-encoded once.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a> {
    /// Endpoints (`http://localhost:8080`) or authorities (`localhost:8080`), the one to name in errors first.
    pub endpoints: &'a [&'a str],
    /// The hub.
    pub hub: &'a str,
}

impl Audience<'_> {
    /// Whether `aud` names one of the endpoints and the hub.
    pub fn accepts(&self, aud: &str) -> bool {
        names(aud, self.endpoints, &format!("/client/hubs/{}", self.hub))
    }
}

/// The audience a token for a single path of the service must have, compared as that of a hub: the live trace's
/// (PROTOCOL §21.1).
#[derive(Clone, Copy, Debug)]
pub struct PathAudience<'a> {
    /// As in [`Audience`].
    pub endpoints: &'a [&'a str],
    /// The path below the endpoint, from `/` on.
    pub path: &'a str,
}

impl PathAudience<'_> {
    /// Whether `aud` names one of the endpoints and the path.
    pub fn accepts(&self, aud: &str) -> bool {
        names(aud, self.endpoints, self.path)
    }
}

impl fmt::Display for PathAudience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoints.first().copied().unwrap_or_default();
        write!(f, "{}{}", endpoint.trim_end_matches('/'), self.path)
    }
}

/// Whether `aud` names a path of one of the endpoints.
fn names(aud: &str, endpoints: &[&str], below: &str) -> bool {
    let Ok(url) = Url::parse(aud) else { return false };
    let names_a_user = !url.username().is_empty() || url.password().is_some();
    if names_a_user || !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
        return false;
    }
    let path = url.path().trim_end_matches('/');
    let decoded = percent_decode_str(path).decode_utf8();
    let is_path = |expected: &str| {
        path.eq_ignore_ascii_case(expected) || decoded.as_ref().is_ok_and(|path| path.eq_ignore_ascii_case(expected))
    };
    endpoints.iter().any(|endpoint| is_path(&format!("{}{below}", base_of(endpoint))) && same_authority(&url, endpoint))
}

/// The audience a REST token must have (PROTOCOL §2.4): the URL of the request, or one above it.
///
/// Compares as [`Audience`] does. What the path may leave out at its end begins at a slash; a percent-encoded path may be
/// written either way.
#[derive(Clone, Copy, Debug)]
pub struct RequestAudience<'a> {
    /// As in [`Audience`].
    pub endpoints: &'a [&'a str],
    /// The path of the request, as it stands in it.
    pub path: &'a str,
}

impl RequestAudience<'_> {
    /// Whether `aud` is the request's URL or one above it.
    pub fn accepts(&self, aud: &str) -> bool {
        let Some((scheme, rest)) = aud.split_once("://") else { return false };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // Only the authority is parsed as a URL, which would resolve dots in the path.
        let Ok(url) = Url::parse(&format!("{scheme}://{authority}")) else { return false };
        let names_a_user = !url.username().is_empty() || url.password().is_some();
        if names_a_user || !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return false;
        }
        let spellings = |path: &str| {
            let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
            [path.to_ascii_lowercase(), decoded.to_ascii_lowercase()]
        };
        let requested = spellings(self.path);
        let above = |aud: &str| {
            let aud = aud.trim_end_matches('/');
            requested
                .iter()
                .any(|path| path.strip_prefix(aud).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        let paths = spellings(path);
        self.endpoints.iter().any(|endpoint| {
            // What an endpoint's path is in front of, a gateway has taken away from the request.
            let base = base_of(endpoint).to_ascii_lowercase();
            let below = |aud: &String| {
                let aud = aud.trim_end_matches('/');
                match aud.strip_prefix(base.as_str()) {
                    Some(rest) if rest.is_empty() || rest.starts_with('/') => above(rest),
                    _ => base.strip_prefix(aud).is_some_and(|rest| rest.starts_with('/')),
                }
            };
            (paths.iter().any(|aud| above(aud)) || paths.iter().any(below)) && same_authority(&url, endpoint)
        })
    }
}

impl fmt::Display for RequestAudience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoints.first().copied().unwrap_or_default();
        write!(f, "{}{}", endpoint.trim_end_matches('/'), self.path)
    }
}

/// The path of an endpoint, without a slash at its end; an authority has none.
fn base_of(endpoint: &str) -> &str {
    let Some((_, rest)) = endpoint.split_once("://") else { return "" };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default().trim_end_matches('/')
}

fn same_authority(url: &Url, endpoint: &str) -> bool {
    // The authority of a `Host` header has no scheme; it then shares that of the audience, and so its default port.
    let endpoint = if endpoint.contains("://") {
        Url::parse(endpoint)
    } else {
        Url::parse(&format!("{}://{endpoint}", url.scheme()))
    };
    endpoint.is_ok_and(|endpoint| {
        let same_host = endpoint.host_str().zip(url.host_str()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        // Without explicit ports both mean their scheme's, whichever that is, since schemes are interchangeable.
        let same_port =
            endpoint.port() == url.port() || endpoint.port_or_known_default() == url.port_or_known_default();
        same_host && same_port
    })
}

impl fmt::Display for Audience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoints.first().copied().unwrap_or_default();
        f.write_str(&super::client_audience(endpoint, self.hub))
    }
}
