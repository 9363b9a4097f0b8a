//! Proxies as flags and environment name them.

use std::fmt::Write as _;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{Exceptions, Proxies, Proxy, ProxyScheme};
use crate::failure::{Failure, Kind};
use crate::options::connection::settings::{literal_hint, read};
use crate::options::environment::{Environment, Input};
use crate::options::stdin;
use webpubsub_net::secret::{self, REDACTED, Secret, redact};

/// Port of a proxy whose URL names none, as in curl.
const DEFAULT_PORT: u16 = 1080;
const DEFAULT_PORT_TLS: u16 = 443;

/// The variables with the exceptions, the first one that is set counts.
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// `--proxy`: for every service, and whatever the environment says.
pub(super) fn from_flag(flag: &Secret, input: &mut dyn Input) -> Result<Proxies, Failure> {
    given(flag, "`--proxy`", Kind::Usage, input)
}

/// A value for every service; one that is wrong where it is typed is of `kind`.
fn given(flag: &Secret, from: &str, kind: Kind, input: &mut dyn Input) -> Result<Proxies, Failure> {
    let is_file = flag.expose().starts_with('@') || stdin::takes(flag);
    let text = if is_file { read("--proxy", flag, input)? } else { flag.clone() };
    if matches!(text.expose(), "none" | "") {
        return Ok(Proxies::default());
    }
    let kind = if is_file { Kind::Config } else { kind };
    let proxy = parse(text.expose(), from).map_err(|problem| bad(from, kind, &problem))?;
    Ok(Proxies { secure: Some(proxy.clone()), plain: Some(proxy), exceptions: None })
}

/// `proxy` of a profile: where the environment names none, whose exceptions hold for it too. `secure` as in
/// [`from_environment`].
pub(super) fn from_profile(
    value: &Secret,
    from: &str,
    secure: Option<bool>,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Proxies, Failure> {
    let proxies = from_environment(secure, environment)?;
    let found = [(&proxies.secure, Some(false)), (&proxies.plain, Some(true))];
    if found.into_iter().all(|(proxy, unwanted)| proxy.is_some() || secure == unwanted) {
        return Ok(proxies);
    }
    let own = given(value, from, Kind::Config, input)?;
    Ok(Proxies {
        secure: proxies.secure.or(own.secure),
        plain: proxies.plain.or(own.plain),
        exceptions: proxies.exceptions,
    })
}

/// The proxies of the environment. Lower case goes first, as in curl. A malformed one is an error only where it would
/// be used.
pub(super) fn from_environment(secure: Option<bool>, environment: &Environment) -> Result<Proxies, Failure> {
    let all = ["all_proxy", "ALL_PROXY"];
    // To a CGI program, `HTTP_PROXY` is what a client wrote into a header `Proxy` (CVE-2016-5385).
    let is_cgi = environment.get("REQUEST_METHOD").is_some();
    let http = ["http_proxy", if is_cgi { "http_proxy" } else { "HTTP_PROXY" }];
    let find = |own: [&'static str; 2]| {
        let mut names = own.into_iter().chain(all);
        names.find_map(|name| environment.get(name).map(|value| (name, value)))
    };
    let proxy = |own, wanted: bool| match find(own).filter(|_| wanted) {
        Some((name, value)) => {
            let from = format!("`{name}`");
            let bad = |problem: String| literal_hint(name, value, bad(&from, Kind::Config, &problem));
            parse(value.trim(), &from).map(Some).map_err(bad)
        }
        None => Ok(None),
    };
    let exceptions = NO_PROXY.into_iter().find_map(|from| {
        let list = environment.get(from)?.to_owned();
        Some(Exceptions { list, from })
    });
    Ok(Proxies {
        secure: proxy(["https_proxy", "HTTPS_PROXY"], secure != Some(false))?,
        plain: proxy(http, secure != Some(true))?,
        exceptions,
    })
}

/// What the environment says, a remark of a configuration file for each variable that counts; without user and password.
pub(super) fn in_words(environment: &Environment) -> String {
    let mut out = String::new();
    for (scheme, secure) in [("wss", true), ("ws", false)] {
        let found = from_environment(Some(secure), environment);
        let proxy = found.map(|proxies| if secure { proxies.secure } else { proxies.plain });
        let _ = match proxy {
            Ok(None) => Ok(()),
            Ok(Some(Proxy { scheme: kind, host, port, credentials, from })) => {
                let kind = match kind {
                    ProxyScheme::Http => "http",
                    ProxyScheme::Https => "https",
                    ProxyScheme::Socks5 => "socks5h",
                };
                let user = credentials.map(|_| format!("{REDACTED}@")).unwrap_or_default();
                let host = if host.contains(':') { format!("[{host}]") } else { host };
                writeln!(out, "# proxy for {scheme}: {kind}://{user}{host}:{port} ({})", from.replace('`', ""))
            }
            Err(failure) => writeln!(out, "# proxy for {scheme}: {}", failure.summary()),
        };
    }
    let exceptions = NO_PROXY.into_iter().find_map(|name| Some((name, environment.get(name)?)));
    if let Some((name, list)) = exceptions {
        let _ = writeln!(out, "# no proxy for: {} ({name})", redact(list).replace(['\n', '\r'], " "));
    }
    out
}

fn bad(from: &str, kind: Kind, problem: &str) -> Failure {
    Failure::message(kind, format!("the proxy in {from} is malformed: {problem}")).blame(from.trim_matches('`')).hint(
        "a proxy looks like `http://HOST:PORT` or `socks5h://HOST:PORT`, with `USER:PASSWORD@` before HOST if need be; `--proxy none` goes without",
    )
}

/// Reads a proxy's URL. The error does not repeat it.
fn parse(text: &str, from: &str) -> Result<Proxy, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    // No host, although the parser takes the one and drops the other.
    if rest == "-" || rest.starts_with('@') {
        return Err("it has no host, or no user before the `@`".to_owned());
    }
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => ProxyScheme::Http,
        "https" => ProxyScheme::Https,
        "socks5" | "socks5h" => ProxyScheme::Socks5,
        "socks4" | "socks4a" | "socks" => {
            return Err("of the SOCKS protocols, only `socks5` and `socks5h` are spoken".to_owned());
        }
        _ => return Err("its scheme is not `http`, `https`, `socks5` or `socks5h`".to_owned()),
    };
    // Under a scheme that the URL standard does not know, so that no port is taken for the default one.
    let encoded = "; in user and password, characters such as `/`, `#` and `@` are percent-encoded";
    let url = Url::parse(&format!("proxy://{rest}")).map_err(|error| format!("{error}{encoded}"))?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("it has more than user, password, host and port{encoded}"));
    }
    let host = match url.host_str().map(Host::parse) {
        Some(Ok(Host::Domain(name))) => name,
        Some(Ok(Host::Ipv4(address))) => address.to_string(),
        Some(Ok(Host::Ipv6(address))) => address.to_string(),
        Some(Err(_)) | None => return Err(format!("it has no host{encoded}")),
    };
    let default = if scheme == ProxyScheme::Https { DEFAULT_PORT_TLS } else { DEFAULT_PORT };
    let port = url.port().unwrap_or(default);
    if port == 0 {
        return Err("its port is 0".to_owned());
    }
    Ok(Proxy { scheme, host, port, credentials: credentials(&url, scheme)?, from: from.to_owned() })
}

fn credentials(url: &Url, scheme: ProxyScheme) -> Result<Option<(String, Secret)>, String> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |part: &str| {
        let decoded = percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
        decoded.map_err(|_| "user or password is not UTF-8".to_owned())
    };
    let encoded = url.password().unwrap_or_default();
    let (user, password) = (decoded(url.username())?, decoded(encoded)?);
    let fits = |text: &str| (1..=255).contains(&text.len());
    if scheme == ProxyScheme::Socks5 && !(fits(&user) && fits(&password)) {
        return Err("for SOCKS 5, user and password have 1 to 255 bytes each".to_owned());
    }
    // A proxy may say either in an error page.
    secret::remember(&password);
    secret::remember(encoded);
    Ok(Some((user, Secret::new(password))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_url_with_scheme_credentials_host_and_port() {
        use ProxyScheme::{Http, Https, Socks5};
        for (text, scheme, host, port, credentials) in [
            ("http://proxy.example:3128", Http, "proxy.example", 3128, None),
            ("http://proxy.example:80/", Http, "proxy.example", 80, None),
            ("http://proxy.example", Http, "proxy.example", 1080, None),
            ("proxy.example:3128", Http, "proxy.example", 3128, None),
            ("PROXY.example", Http, "proxy.example", 1080, None),
            ("https://proxy.example", Https, "proxy.example", 443, None),
            ("HTTPS://proxy.example:8443", Https, "proxy.example", 8443, None),
            ("socks5://10.0.0.1", Socks5, "10.0.0.1", 1080, None),
            ("socks5h://[::1]:9050", Socks5, "::1", 9050, None),
            ("http://user@proxy", Http, "proxy", 1080, Some(("user", ""))),
            ("user:word@proxy:1", Http, "proxy", 1, Some(("user", "word"))),
            ("http://user:p%40ss%3A%2F%25@proxy", Http, "proxy", 1080, Some(("user", "p@ss:/%"))),
            ("socks5h://us%C3%A9r:a:b@proxy", Socks5, "proxy", 1080, Some(("usér", "a:b"))),
            ("http://DOMAIN%5Cuser:word@proxy", Http, "proxy", 1080, Some(("DOMAIN\\user", "word"))),
        ] {
            let proxy = parse(text, "--proxy").unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((proxy.scheme, proxy.host.as_str(), proxy.port), (scheme, host, port), "{text}");
            let found = proxy.credentials.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
            assert_eq!(found, credentials, "{text}");
        }
    }

    #[test]
    fn a_malformed_proxy_is_told_without_repeating_it() {
        for (text, problem) in [
            ("", "it has no host"),
            ("http://", "it has no host"),
            ("-", "it has no host"),
            ("@sesame", "no user before the `@`"),
            ("http://@sesame", "no user before the `@`"),
            ("ftp://sesame", "its scheme is not"),
            ("socks4://sesame", "only `socks5` and `socks5h`"),
            ("http://user:sesame@", "host"),
            ("http://user:ses/ame@proxy:1", "percent-encoded"),
            ("http://user:ses#ame@proxy:1", "percent-encoded"),
            ("http://user:ses?ame@proxy:1", "percent-encoded"),
            ("http://proxy:1/sesame", "more than user, password, host and port"),
            ("http://proxy:sesame", "invalid port number"),
            ("http://proxy:0", "its port is 0"),
            ("http://pro xy", "invalid domain character"),
            ("socks5h://sesame@proxy", "1 to 255 bytes"),
            ("http://user:%ff@proxy", "not UTF-8"),
        ] {
            let error = parse(text, "--proxy").unwrap_err();
            assert!(error.contains(problem) && !error.contains("sesame"), "{text}: {error}");
        }
    }

    #[test]
    fn the_environments_proxy_depends_on_the_scheme() {
        let all = ("ALL_PROXY", "http://all");
        let https = ("HTTPS_PROXY", "http://https");
        let http = ("HTTP_PROXY", "http://http");
        let cgi = ("REQUEST_METHOD", "GET");
        for (variables, secure, plain) in [
            (&[][..], None, None),
            (&[all], Some("all"), Some("all")),
            (&[all, https], Some("https"), Some("all")),
            (&[all, http], Some("all"), Some("http")),
            (&[https], Some("https"), None),
            (&[http], None, Some("http")),
            (&[("https_proxy", "http://lower"), https, http], Some("lower"), Some("http")),
            (&[("http_proxy", "http://lower"), http], None, Some("lower")),
            (&[("all_proxy", "http://lower"), all], Some("lower"), Some("lower")),
            (&[("https_proxy", ""), https], Some("https"), None),
            (&[cgi, http], None, None),
            (&[cgi, http, ("http_proxy", "http://lower")], None, Some("lower")),
            (&[cgi, http, all], Some("all"), Some("all")),
            (&[cgi, https], Some("https"), None),
        ] {
            let proxies = from_environment(None, &variables.iter().copied().collect()).unwrap();
            let host = |proxy: &Option<Proxy>| proxy.as_ref().map(|proxy| proxy.host.clone());
            let expected = (secure.map(str::to_owned), plain.map(str::to_owned));
            assert_eq!((host(&proxies.secure), host(&proxies.plain)), expected, "{variables:?}");
        }
    }

    #[test]
    fn a_malformed_variable_matters_only_where_it_would_be_used() {
        let environment = [("HTTP_PROXY", "gopher://sesame"), ("HTTPS_PROXY", "http://proxy")].into_iter().collect();
        assert!(from_environment(Some(true), &environment).is_ok());
        for secure in [Some(false), None] {
            let failure = from_environment(secure, &environment).unwrap_err();
            let report = failure.report(str::to_owned, str::to_owned);
            assert_eq!(failure.kind, Kind::Config);
            assert!(report.starts_with("error: the proxy in `HTTP_PROXY` is malformed: its scheme"), "{report}");
            assert!(!report.contains("sesame"));
        }
    }
}
