//! What can go wrong between here and the other side of a proxy.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::wire::error::{CertificateProblem, Failures, Refusal, reason_of};

/// Why a proxy gave no way to the target.
#[derive(Debug)]
pub struct ProxyError {
    /// The proxy's URL, without credentials.
    pub proxy: String,
    /// Where it comes from in words, as in [`Proxy::from`](super::Proxy).
    pub from: String,
    /// Host and port that it was asked for.
    pub target: String,
    /// What happened.
    pub problem: ProxyProblem,
}

/// What happened between here and a proxy.
#[derive(Debug)]
pub enum ProxyProblem {
    /// Its name has no address.
    Resolve(io::Error),
    /// None of its addresses took the TCP connection.
    Connect(Vec<(SocketAddr, io::Error)>),
    /// Its certificate is not acceptable.
    Certificate(CertificateProblem),
    /// The TLS handshake with it failed for another reason.
    Tls(String),
    /// It wants credentials, or others: an HTTP proxy's 407.
    Credentials {
        /// Whether it was given some.
        given: bool,
        /// The schemes of authentication that it takes, such as `Basic` or `NTLM`.
        schemes: Vec<String>,
        /// The whole answer.
        refusal: Box<Refusal>,
    },
    /// An HTTP proxy answered with another status than 2xx.
    Refused(Box<Refusal>),
    /// A SOCKS proxy wants credentials, or others.
    SocksCredentials {
        /// Whether it was given some.
        given: bool,
    },
    /// A SOCKS proxy cannot, or does not want to.
    Socks {
        /// Why, in words.
        reason: &'static str,
        /// Its rules forbid it; another attempt would be in vain.
        forbidden: bool,
    },
    /// It closed the connection without an answer.
    Closed(Option<io::Error>),
    /// What it says is not the protocol that it should speak.
    NotProxy {
        /// The protocol.
        protocol: &'static str,
        /// Why not.
        problem: String,
    },
    /// The target cannot be put into a request to the proxy.
    BadTarget,
}

impl ProxyError {
    /// Whether another attempt would end in the same way.
    pub fn is_final(&self) -> bool {
        match &self.problem {
            ProxyProblem::Resolve(_)
            | ProxyProblem::Connect(_)
            | ProxyProblem::Tls(_)
            | ProxyProblem::Closed(_)
            | ProxyProblem::NotProxy { .. } => false,
            ProxyProblem::Certificate(_)
            | ProxyProblem::Credentials { .. }
            | ProxyProblem::SocksCredentials { .. }
            | ProxyProblem::BadTarget => true,
            ProxyProblem::Refused(refusal) => !matches!(refusal.status, 408 | 429 | 500..=599),
            ProxyProblem::Socks { forbidden, .. } => *forbidden,
        }
    }

    /// The answer of an HTTP proxy that refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.problem {
            ProxyProblem::Credentials { refusal, .. } | ProxyProblem::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proxy, target, problem, .. } = self;
        let credentials = |given| if given { "did not accept the credentials" } else { "wants credentials" };
        match problem {
            ProxyProblem::Resolve(error) => {
                write!(f, "could not resolve the name of the proxy `{proxy}`: {}", reason_of(error))
            }
            ProxyProblem::Connect(failures) => {
                write!(f, "could not connect to the proxy `{proxy}`: {}", Failures(failures))
            }
            ProxyProblem::Certificate(problem) => {
                write!(f, "the certificate of the proxy `{proxy}` was not accepted: {problem}")
            }
            ProxyProblem::Tls(problem) => write!(f, "the TLS handshake with the proxy `{proxy}` failed: {problem}"),
            ProxyProblem::Credentials { given, refusal, .. } => {
                write!(f, "the proxy `{proxy}` {}: {refusal}", credentials(*given))
            }
            ProxyProblem::Refused(refusal) => {
                write!(f, "the proxy `{proxy}` refused the way to `{target}`: {refusal}")
            }
            ProxyProblem::SocksCredentials { given } => write!(f, "the proxy `{proxy}` {}", credentials(*given)),
            ProxyProblem::Socks { reason, .. } => {
                write!(f, "the proxy `{proxy}` refused the way to `{target}`: {reason}")
            }
            ProxyProblem::Closed(None) => write!(f, "the proxy `{proxy}` closed the connection without an answer"),
            ProxyProblem::Closed(Some(error)) => {
                write!(f, "the proxy `{proxy}` broke the connection without an answer: {}", reason_of(error))
            }
            ProxyProblem::NotProxy { protocol, problem } => {
                write!(f, "the proxy `{proxy}` did not answer in {protocol}: {problem}")
            }
            ProxyProblem::BadTarget => write!(f, "the proxy `{proxy}` cannot be asked for `{target}`"),
        }
    }
}

impl std::error::Error for ProxyError {}
