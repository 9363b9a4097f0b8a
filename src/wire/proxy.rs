//! Proxies: which one a dial takes, if any, and the way through it to the target.
//!
//! Who configures them decides where they come from; here they are known by scheme, host and port. The target's name is
//! never looked up on this side of a proxy. Credentials go to the proxy and into nothing that is printed.

mod problem;
mod tunnel;

use std::fmt;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

pub use problem::{ProxyError, ProxyProblem};
pub(super) use tunnel::tunnel;

use super::target::{Target, bracketed};
use crate::secret::Secret;

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyScheme {
    /// HTTP `CONNECT`.
    Http,
    /// HTTP `CONNECT`, within TLS with the proxy.
    Https,
    /// SOCKS 5, names resolved by the proxy.
    Socks5,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub scheme: ProxyScheme,
    /// Name or IP address, an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User and password.
    pub credentials: Option<(String, Secret)>,
    /// Where it comes from in words, literals in backticks, such as "`HTTPS_PROXY`".
    pub from: String,
}

/// Its URL without credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Https => "https",
            ProxyScheme::Socks5 => "socks5h",
        };
        write!(f, "{scheme}://{}:{}", bracketed(&self.host), self.port)
    }
}

/// Which proxy for which target.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For `wss`.
    pub secure: Option<Proxy>,
    /// For `ws`.
    pub plain: Option<Proxy>,
    /// Hosts that are connected to without a proxy.
    pub exceptions: Exceptions,
}

/// How a target is reached.
#[derive(Debug)]
pub(super) enum Route<'a> {
    /// Without a proxy; why, in words.
    Direct(String),
    /// Through this one.
    Through(&'a Proxy),
}

impl Proxies {
    pub(super) fn route(&self, target: &Target) -> Route<'_> {
        let (proxy, scheme) = if target.secure { (&self.secure, "wss") } else { (&self.plain, "ws") };
        match proxy {
            None => Route::Direct(format!("there is none for `{scheme}`")),
            Some(_) if self.exceptions.cover(target.bare_host()) => {
                Route::Direct(format!("`{}` is in `{}`", target.bare_host(), self.exceptions.from))
            }
            Some(proxy) => Route::Through(proxy),
        }
    }
}

/// A list of hosts as `NO_PROXY` has it: names, which stand for their subdomains too, addresses, networks in CIDR
/// notation, and `*` for all.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    matcher: Option<Arc<Matcher>>,
    from: String,
}

impl Exceptions {
    /// Reads a list, separated by commas or blanks; `from` says where it stands.
    pub fn new(list: &str, from: &str) -> Self {
        let entry = |entry: &str| {
            let entry = entry.trim_end_matches('.');
            // `*.example` is written by many, and `[::1]` by some.
            let entry = entry.strip_prefix("*.").unwrap_or(entry);
            match entry.trim_start_matches('[').trim_end_matches(']') {
                // The matcher means names only.
                "*" => "*,0.0.0.0/0,::/0".to_owned(),
                entry => entry.to_ascii_lowercase(),
            }
        };
        let entries: Vec<String> = list.split([',', ' ', '\t']).map(entry).filter(|entry| !entry.is_empty()).collect();
        // Only its exceptions matter, so it has some proxy for everything else.
        let matcher = Matcher::builder().all("http://proxy.invalid").no(entries.join(",")).build();
        Self { matcher: Some(Arc::new(matcher)), from: from.to_owned() }
    }

    /// Whether this host is among them.
    pub(super) fn cover(&self, host: &str) -> bool {
        let Some(matcher) = &self.matcher else { return false };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let uri = format!("http://{}/", bracketed(&host)).parse::<Uri>();
        uri.is_ok_and(|uri| matcher.intercept(&uri).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_names_with_their_subdomains_addresses_networks_or_everything() {
        for (list, covered, others) in [
            ("", &[][..], &["a", "127.0.0.1", "::1"][..]),
            (
                "example.com",
                &["example.com", "EXAMPLE.com", "a.example.com", "example.com."],
                &["notexample.com", "com"],
            ),
            (".example.com", &["example.com", "a.b.example.com"], &["notexample.com"]),
            ("*.example.com", &["a.example.com"], &["notexample.com"]),
            ("Example.COM.", &["example.com", "a.example.com"], &[]),
            ("a.example, b.example", &["a.example", "b.example"], &["c.example", "example"]),
            ("a.example b.example\tc.example", &["a.example", "b.example", "c.example"], &["d.example"]),
            ("localhost", &["localhost"], &["127.0.0.1", "::1"]),
            ("127.0.0.1", &["127.0.0.1"], &["127.0.0.2", "localhost"]),
            ("10.0.0.0/8,192.168.1.0/24", &["10.1.2.3", "192.168.1.255"], &["11.0.0.1", "192.168.2.1", "10.example"]),
            ("::1,fd00::/8", &["::1", "fd12::1"], &["::2", "fe80::1"]),
            ("[::1]", &["::1"], &["::2"]),
            ("*", &["example.com", "127.0.0.1", "::1"], &[]),
            (" , ,, ", &[], &["a"]),
        ] {
            let exceptions = Exceptions::new(list, "NO_PROXY");
            for host in covered {
                assert!(exceptions.cover(host), "`{list}` covers `{host}`");
            }
            for host in others {
                assert!(!exceptions.cover(host), "`{list}` does not cover `{host}`");
            }
        }
        assert!(!Exceptions::default().cover("example.com"));
    }

    #[test]
    fn a_proxy_is_named_without_its_credentials() {
        let proxy = Proxy {
            scheme: ProxyScheme::Socks5,
            host: "::1".into(),
            port: 1080,
            credentials: Some(("user".into(), Secret::new("sesame"))),
            from: "`ALL_PROXY`".into(),
        };
        assert_eq!(proxy.to_string(), "socks5h://[::1]:1080");
        assert!(!format!("{proxy:?}").contains("sesame"));
    }
}
