//! Why a dial failed, in enough detail to decide what to do next and to tell a person what happened.
//!
//! Messages are lower-case and one line. None contains the path and query that were asked for, since the token is in
//! there; what the server said is redacted where it is read.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use thiserror::Error;

use super::pem::PemProblem;
use super::proxy::ProxyError;
use crate::clock;

/// Why there is no [`Link`](super::Link).
#[derive(Debug, Error)]
pub enum DialError {
    /// The address, or a header, cannot be put into an HTTP request at all. A configuration error.
    #[error("the {part} is not valid in a WebSocket handshake")]
    BadTarget {
        /// Which part of the target.
        part: &'static str,
    },
    /// A PEM file of the TLS settings is unreadable or malformed. A configuration error.
    #[error("could not use `{}` for TLS: {problem}", path.display())]
    PemFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: PemProblem,
    },
    /// TLS cannot be set up on this machine, say because it has no root certificates. A configuration error.
    #[error("could not set up TLS: {problem}")]
    TlsSetup {
        /// What is wrong.
        problem: String,
    },
    /// The name has no address, or nobody answers for it.
    #[error("could not resolve `{host}`")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the host took the TCP connection.
    #[error("could not connect to `{authority}`: {}", Failures(failures))]
    Connect {
        /// What was asked for, as host and port.
        authority: String,
        /// Every address that was tried, and why it failed. Never empty.
        failures: Vec<(SocketAddr, io::Error)>,
    },
    /// The proxy gave no way to the host.
    #[error(transparent)]
    Proxy(Box<ProxyError>),
    /// The server's certificate is not acceptable.
    #[error("the certificate of `{host}` was not accepted: {problem}")]
    Certificate {
        /// Whose certificate was expected.
        host: String,
        /// Why it was not accepted.
        problem: CertificateProblem,
    },
    /// The server does not like who is calling, or wants to know.
    #[error("`{host}` {}", if *given { format!("did not accept the client certificate (alert {alert})") } else { format!("wants a client certificate (alert {alert})") })]
    ClientCertificate {
        /// The other end.
        host: String,
        /// Whether it was shown a certificate.
        given: bool,
        /// The TLS alert that it sent.
        alert: String,
    },
    /// The TLS handshake failed for another reason.
    #[error("the TLS handshake with `{host}` failed: {problem}")]
    Tls {
        /// The other end.
        host: String,
        /// What happened, in words.
        problem: String,
        /// The TLS alert that the server sent.
        alert: Option<String>,
    },
    /// The server answered in HTTP, but did not switch to WebSocket.
    #[error("the server refused the WebSocket handshake: {0}")]
    Refused(Box<Refusal>),
    /// The server says it switched to WebSocket, but its answer breaks RFC 6455.
    #[error("the server answered the WebSocket handshake wrongly: {problem}")]
    BadHandshake {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The server accepted the WebSocket but chose no subprotocol.
    #[error("the server does not speak the subprotocol `{offered}`: it chose none")]
    NoSubprotocol {
        /// The one that was offered.
        offered: &'static str,
    },
    /// The server accepted the WebSocket with a subprotocol that was not offered.
    #[error("the server chose the subprotocol `{answered}`, but `{offered}` was offered")]
    WrongSubprotocol {
        /// The one that was offered.
        offered: &'static str,
        /// What the server answered, redacted.
        answered: String,
    },
    /// The other end speaks something, but not HTTP.
    #[error("`{authority}` did not answer in HTTP: {problem}")]
    NotHttp {
        /// The other end.
        authority: String,
        /// Why it does not parse.
        problem: String,
    },
    /// The connection ended before the handshake was answered.
    #[error("`{authority}` closed the connection without answering the WebSocket handshake")]
    ClosedEarly {
        /// The other end.
        authority: String,
        /// What the operating system said, unless the end was an orderly one.
        source: Option<io::Error>,
    },
}

impl DialError {
    /// Every address refused the connection: nothing listens on that port.
    pub fn nothing_listens(&self) -> bool {
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        matches!(self, Self::Connect { failures, .. } if failures.iter().all(|(_, error)| refused(error)))
    }

    /// The answer of a server, or of a proxy on the way to it, that refused.
    pub fn answer(&self) -> Option<&Refusal> {
        if let Self::Proxy(error) = self { error.refusal() } else { self.refusal() }
    }

    /// The answer of a server that refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }
}

/// Addresses with the same reason are told together.
pub(super) struct Failures<'a>(pub(super) &'a [(SocketAddr, io::Error)]);

impl fmt::Display for Failures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: Vec<(String, Vec<SocketAddr>)> = Vec::new();
        for (address, error) in self.0 {
            let reason = reason_of(error);
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, addresses)) => addresses.push(*address),
                None => reasons.push((reason, vec![*address])),
            }
        }
        for (index, (reason, addresses)) in reasons.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{reason} (")?;
            for (index, address) in addresses.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(f, "{comma}`{address}`")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// The operating system's words, in our letter case and without its numbers where the standard library has words.
pub(super) fn reason_of(error: &io::Error) -> String {
    if error.raw_os_error().is_some() && error.kind() != io::ErrorKind::Other {
        // No system has that number: its kind is the one that has no name outside the standard library.
        let uncategorized = io::Error::from_raw_os_error(i32::MAX).kind();
        if error.kind() != uncategorized {
            return error.kind().to_string();
        }
    }
    error.to_string()
}

/// An error and its causes, in one line.
pub(super) fn cause_chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    words
}

/// What is wrong with a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// Neither the platform nor `--ca-cert` knows who issued it.
    UnknownIssuer,
    /// Its time is over.
    Expired {
        /// Since when, if known.
        since: Option<SystemTime>,
    },
    /// Its time has not come, or the clock of this machine is wrong.
    NotYetValid {
        /// From when on, if known.
        from: Option<SystemTime>,
    },
    /// It belongs to other names.
    WrongName {
        /// The names it is for, as far as known.
        presented: Vec<String>,
    },
    /// It was revoked.
    Revoked,
    /// A certificate of an authority, used as if it were a server's.
    IsAuthority,
    /// Something else, in the words of the verifier.
    Other(String),
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = |time: &SystemTime| clock::seconds(*time);
        match self {
            Self::UnknownIssuer => f.write_str("its issuer is not trusted"),
            Self::Expired { since: Some(since) } => write!(f, "it expired at {}", date(since)),
            Self::Expired { since: None } => f.write_str("it has expired"),
            Self::NotYetValid { from: Some(from) } => write!(f, "it is valid only from {} on", date(from)),
            Self::NotYetValid { from: None } => f.write_str("it is not valid yet"),
            Self::WrongName { presented } if presented.is_empty() => f.write_str("it is for another name"),
            Self::WrongName { presented } => {
                f.write_str("it is for ")?;
                for (index, name) in presented.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}`{name}`")?;
                }
                Ok(())
            }
            Self::Revoked => f.write_str("it was revoked"),
            Self::IsAuthority => f.write_str("it is the certificate of an authority, not of a server"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// An HTTP answer other than 101. All text in it is redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The reason phrase: the server's, else the standard one, else empty.
    pub reason: String,
    /// `Retry-After`, a date turned into the time from the server's `Date`, or from now. Never negative.
    pub retry_after: Option<Duration>,
    /// `x-ms-error-code`.
    pub error_code: Option<String>,
    /// `Location`. Redirects are not followed.
    pub location: Option<String>,
    /// `Date`: what the server's clock says.
    pub date: Option<SystemTime>,
    /// The body, as far as it was read; what is not UTF-8 is replaced.
    pub body: String,
    /// There was more of the body than was read: it was too long, too slow, or the connection broke.
    pub truncated: bool,
}

/// The status line alone.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.reason.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}", self.status, self.reason)
    }
}
