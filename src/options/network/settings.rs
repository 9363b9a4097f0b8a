//! The way to the service: the proxy of flags or environment, headers of the handshake, addresses in place of DNS.
//!
//! What is wrong on the command line is a usage error, what is wrong in a file or in the environment a configuration
//! error. No error repeats a value: proxies have passwords, headers have tokens.

pub mod headers;
mod proxy;

use std::path::PathBuf;

use http::{HeaderName, HeaderValue};

use super::args::NetworkArgs;
use crate::failure::{Failure, Kind};
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_secret;
use webpubsub_net::secret::Secret;

pub use crate::options::values::Resolve;

/// How the two ends are authenticated on `wss`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// PEM file with roots to trust besides the platform's.
    pub ca_cert: Option<PathBuf>,
    /// Trust them alone.
    pub only_ca_cert: bool,
    /// PEM files with our own certificate and its private key, perhaps the same file.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// Accept any certificate.
    pub insecure: bool,
}

/// How the service is reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkSettings {
    /// Proxies on the way.
    pub proxies: Proxies,
    /// Headers of the WebSocket handshake, beside and in place of our own; secret values are marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Addresses in place of what DNS says.
    pub resolve: Vec<Resolve>,
}

/// Which proxy for which service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `wss`.
    pub secure: Option<Proxy>,
    /// For `ws`.
    pub plain: Option<Proxy>,
    /// Hosts without a proxy.
    pub exceptions: Option<Exceptions>,
}

/// A list of hosts that are reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceptions {
    /// The list as `NO_PROXY` has it.
    pub list: String,
    /// The variable it stands in.
    pub from: &'static str,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub scheme: ProxyScheme,
    /// Name or IP address, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User and password.
    pub credentials: Option<(String, Secret)>,
    /// The flag, the variable or the profile it stands in, in words.
    pub from: String,
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyScheme {
    /// HTTP `CONNECT`.
    Http,
    /// The same within TLS.
    Https,
    /// SOCKS 5; the proxy resolves names.
    Socks5,
}

/// The way that flags and environment say.
pub fn settle(
    args: NetworkArgs,
    source: &ConnectionSource,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<NetworkSettings, Failure> {
    let proxies = match (source, &args.proxy) {
        // It is on this machine: proxies that are meant for the world have nothing to do with it.
        (ConnectionSource::Local { .. }, Some(flag)) if environment.profile_with("proxy").is_none() => {
            if !matches!(flag.expose(), "none" | "") {
                let failure = Failure::message(Kind::Usage, "`--local` is never reached through a proxy");
                return Err(failure
                    .blame("--proxy")
                    .blame("--local")
                    .hint("leave `--proxy` out; `--connection-string` reaches an emulator elsewhere through one"));
            }
            Proxies::default()
        }
        (ConnectionSource::Local { .. }, _) => Proxies::default(),
        (_, Some(flag)) => {
            hint_at_secret("--proxy", flag.expose(), "`@FILE`, `-` and `HTTPS_PROXY` bring it from elsewhere", input);
            let secure = is_secure(source);
            match environment.profile_with("proxy") {
                Some(profile) => proxy::from_profile(flag, &profile.name("proxy"), secure, environment, input)?,
                None => proxy::from_flag(flag, input)?,
            }
        }
        (_, None) => proxy::from_environment(is_secure(source), environment)?,
    };
    Ok(NetworkSettings { proxies, headers: headers::settle(&args.headers, input)?, resolve: args.resolve })
}

/// The proxies of the environment in words, without secrets, as remarks of `wps config show`.
pub fn of_environment(environment: &Environment) -> String {
    proxy::in_words(environment)
}

/// Whether the service is reached over TLS; `None` where only its URL will say.
fn is_secure(source: &ConnectionSource) -> Option<bool> {
    if let ConnectionSource::Url(url) = source {
        return Some(url.is_secure());
    }
    if let ConnectionSource::Signed(signer) = source {
        return Some(signer.endpoint.scheme() == "https");
    }
    if let ConnectionSource::Keyless(keyless) = source {
        return Some(keyless.endpoint.scheme() == "https");
    }
    None
}

/// The certificates that the flags name.
pub fn tls(args: &NetworkArgs) -> TlsOptions {
    let client_cert = args.client_cert.clone().map(|chain| {
        let key = args.client_key.clone().unwrap_or_else(|| chain.clone());
        (chain, key)
    });
    TlsOptions {
        ca_cert: args.ca_cert.clone(),
        only_ca_cert: args.no_system_roots,
        client_cert,
        insecure: args.insecure,
    }
}
