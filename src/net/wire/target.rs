//! Where to dial, and what a dial may be waiting for.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::secret::Secret;

/// One end of one WebSocket, as the access URL names it.
#[derive(Clone, Debug)]
pub struct Target {
    /// TLS, from `wss`.
    pub secure: bool,
    /// Name or IP address; an IPv6 address with or without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What the `Host` header says: the host, and the port unless it is the scheme's own.
    pub authority: String,
    /// Path and query in origin form, from `/` on. Contains the token.
    pub path_and_query: Secret,
    /// The one subprotocol that is offered and must be answered; `None`: none is offered, and none must be answered.
    pub subprotocol: Option<&'static str>,
}

impl Target {
    /// The host as resolvers and certificates know it: an IPv6 address without brackets.
    pub(super) fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }
}

/// A host as URLs have it: an IPv6 address in brackets.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// What a dial is waiting for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has begun.
    #[default]
    Idle,
    /// DNS.
    Resolving {
        /// The name that is looked up.
        host: String,
    },
    /// TCP.
    Connecting {
        /// The proxy whose addresses they are, unless they are the target's; its URL without credentials.
        proxy: Option<String>,
        /// The addresses tried so far, in the order of the attempts.
        addresses: Vec<SocketAddr>,
    },
    /// A proxy: its TLS handshake, or its answer.
    Proxy {
        /// The proxy's URL, without credentials.
        proxy: String,
        /// Host and port that it is asked for.
        target: String,
    },
    /// The files with certificates and keys, read once for all dials.
    Files {
        /// Those that were given.
        paths: Vec<PathBuf>,
    },
    /// The TLS handshake.
    Tls {
        /// Whose certificate is expected.
        host: String,
    },
    /// The WebSocket handshake: the request is on its way, or its answer.
    Upgrading {
        /// The value of the `Host` header.
        authority: String,
    },
}

/// Completes "timed out while …".
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("starting"),
            Self::Resolving { host } => write!(f, "resolving `{host}`"),
            Self::Connecting { proxy, addresses } => {
                f.write_str("connecting to ")?;
                if let Some(proxy) = proxy {
                    write!(f, "the proxy `{proxy}` at ")?;
                }
                for (index, address) in addresses.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}`{address}`")?;
                }
                Ok(())
            }
            Self::Proxy { proxy, target } => write!(f, "waiting for the proxy `{proxy}` to connect to `{target}`"),
            Self::Files { paths } => {
                f.write_str("reading ")?;
                for (index, path) in paths.iter().enumerate() {
                    let comma = if index == 0 { "" } else { " or " };
                    write!(f, "{comma}`{}`", path.display())?;
                }
                f.write_str(" for TLS")
            }
            Self::Tls { host } => write!(f, "waiting for `{host}` in the TLS handshake"),
            Self::Upgrading { authority } => write!(f, "waiting for `{authority}` to answer the WebSocket handshake"),
        }
    }
}
