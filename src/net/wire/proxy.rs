//! Proxies: which one a dial takes, if any, and the way through it to the target.
//!
//! Who configures them decides where they come from; here they are known by scheme, host and port. The target's name is
//! never looked up on this side of a proxy. Credentials go to the proxy and into nothing that is printed.

mod problem;
mod tunnel;

use std::collections::BTreeMap;
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
            Some(_) if self.exceptions.cover(target.bare_host(), target.port) => {
                Route::Direct(format!("`{}` is in `{}`", target.bare_host(), self.exceptions.from))
            }
            Some(proxy) => Route::Through(proxy),
        }
    }
}

/// A list of hosts as `NO_PROXY` has it: names, which stand for their subdomains too, addresses, networks in CIDR
/// notation, and `*` for all; each with a port behind it, if it is for that port only.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    /// The hosts for any port, and for one.
    matchers: BTreeMap<Option<u16>, Arc<Matcher>>,
    from: String,
}

impl Exceptions {
    /// Reads a list, separated by commas or blanks; `from` says where it stands.
    pub fn new(list: &str, from: &str) -> Self {
        let mut lists: BTreeMap<Option<u16>, Vec<String>> = BTreeMap::new();
        for entry in list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
            let (host, port) = split_port(entry);
            let host = host.trim_end_matches('.');
            // `*.example` is written by many, and `[::1]` by some.
            let host = host.strip_prefix("*.").unwrap_or(host);
            let host = match host.trim_start_matches('[').trim_end_matches(']') {
                "" => continue,
                // The matcher means names only.
                "*" => "*,0.0.0.0/0,::/0".to_owned(),
                host => host.to_ascii_lowercase(),
            };
            lists.entry(port).or_default().push(host);
        }
        // Only its exceptions matter, so it has some proxy for everything else.
        let matcher = |hosts: Vec<String>| Matcher::builder().all("http://proxy.invalid").no(hosts.join(",")).build();
        let matchers = lists.into_iter().map(|(port, hosts)| (port, Arc::new(matcher(hosts)))).collect();
        Self { matchers, from: from.to_owned() }
    }

    /// Whether this port of this host is among them.
    pub(super) fn cover(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let Ok(uri) = format!("http://{}/", bracketed(&host)).parse::<Uri>() else { return false };
        let mut matchers = [None, Some(port)].into_iter().filter_map(|port| self.matchers.get(&port));
        matchers.any(|matcher| matcher.intercept(&uri).is_none())
    }
}

/// `host:443`, `[::1]:443`, in two; the colons of a bare IPv6 address begin no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let Some((host, port)) = entry.rsplit_once(':') else { return (entry, None) };
    match port.parse() {
        Ok(port) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (entry, None),
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
            ("a:80,b:81,*.c:80", &["a", "x.a", "c", "x.c"], &["b", "d"]),
            ("127.0.0.1:80,10.0.0.0/8:81,[::1]:80,[::2]:81", &["127.0.0.1", "::1"], &["10.0.0.1", "::2"]),
            ("::80,::1:80", &["::80", "::1:80"], &["::", "::1"]),
            ("*:80", &["a", "127.0.0.1", "::1"], &[]),
            ("*:81,a:", &[], &["a", "127.0.0.1", "::1"]),
        ] {
            let exceptions = Exceptions::new(list, "NO_PROXY");
            for host in covered {
                assert!(exceptions.cover(host, 80), "`{list}` covers `{host}`");
            }
            for host in others {
                assert!(!exceptions.cover(host, 80), "`{list}` does not cover `{host}`");
            }
        }
        assert!(!Exceptions::default().cover("example.com", 80));
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
