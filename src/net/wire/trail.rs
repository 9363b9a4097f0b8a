//! What a dial did, step by step: each with its time, what came out of it, and why it failed or was left out.
//!
//! A dial writes its trail into the [`DialProgress`] it is given; who wants to know reads it there, during the dial or
//! after it, also when the dial was dropped. Nothing in a trail is a secret: proxies are named without credentials,
//! and what others said is redacted.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::certificate::Certificate;
use super::error::{DialError, cause_chain};
use super::target::Stage;
use crate::clock;

/// The steps of a dial. Through a proxy, the name that is resolved and the TCP connection are the proxy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Looking a name up.
    Resolve,
    /// The TCP connection.
    Connect,
    /// Asking a proxy for a way to the target.
    Proxy,
    /// The TLS handshake with the target.
    Tls,
    /// The WebSocket handshake.
    Upgrade,
}

/// The usual abbreviation.
impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "dns",
            Self::Connect => "tcp",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
        })
    }
}

/// One step of a dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialStep {
    /// Which one.
    pub kind: StepKind,
    /// When it began.
    pub started: Instant,
    /// How long it took; `None` while it is under way, which for a dial that was dropped stays so.
    pub elapsed: Option<Duration>,
    /// How it went.
    pub outcome: StepOutcome,
    /// What is known of it; a failed step may have some, too.
    pub facts: Option<Facts>,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It is under way, or the dial was dropped during it.
    Running,
    /// It succeeded.
    Done,
    /// It failed, and the dial with it; in the words of the [`DialError`], causes included.
    Failed(String),
    /// It was not necessary; why, in words.
    Skipped(String),
}

/// What came out of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    /// Of [`StepKind::Resolve`].
    Addresses {
        /// The name.
        host: String,
        /// Its addresses, in the order in which they are tried.
        addresses: Vec<IpAddr>,
        /// They are those of `--resolve`.
        overridden: bool,
    },
    /// Of [`StepKind::Connect`].
    Connected {
        /// Whose TCP port answered.
        address: SocketAddr,
        /// The addresses that had failed before, and why.
        failures: Vec<(SocketAddr, String)>,
    },
    /// Of [`StepKind::Proxy`].
    Tunnel {
        /// The proxy's URL without credentials.
        proxy: String,
        /// Where it comes from in words, as the proxy has it.
        from: String,
        /// Host and port that it was asked for.
        target: String,
    },
    /// Of [`StepKind::Tls`]. After a failure only the certificate is known, if it was shown.
    Tls {
        /// The protocol version, such as `TLS 1.3`.
        version: Option<String>,
        /// The cipher suite.
        cipher: Option<String>,
        /// What the server showed.
        certificate: Option<Certificate>,
        /// Whether the certificate was checked: not with `--insecure`.
        verified: bool,
    },
    /// Of [`StepKind::Upgrade`]: what the server answered.
    Answer {
        /// HTTP status.
        status: u16,
        /// `Date`: what the server's clock says.
        date: Option<SystemTime>,
        /// The subprotocol that it chose.
        subprotocol: Option<String>,
    },
}

/// In a few words, for a line.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses { host, addresses, overridden } => {
                write!(f, "`{host}` is ")?;
                for (index, address) in addresses.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{address}")?;
                }
                f.write_str(if *overridden { " (`--resolve`)" } else { "" })
            }
            Self::Connected { address, failures } => {
                write!(f, "connected to {address}")?;
                for (index, (address, reason)) in failures.iter().enumerate() {
                    let before = if index == 0 { ", after " } else { "; " };
                    write!(f, "{before}{address}: {reason}")?;
                }
                Ok(())
            }
            Self::Tunnel { proxy, from, target } => write!(f, "`{target}` through `{proxy}` ({from})"),
            Self::Tls { version, cipher, certificate, verified } => {
                let parts = [version.as_deref(), cipher.as_deref()].into_iter().flatten();
                let mut parts: Vec<String> = parts.map(str::to_owned).collect();
                if let Some(certificate) = certificate {
                    let who = match certificate.names.first() {
                        Some(name) if certificate.names.len() == 1 => format!("`{name}`"),
                        Some(name) => format!("`{name}` and {} more", certificate.names.len() - 1),
                        None => format!("`{}`", certificate.subject),
                    };
                    let until = clock::seconds(certificate.not_after);
                    parts.push(format!("certificate for {who} by `{}`, valid until {until}", certificate.issuer));
                }
                if !verified {
                    parts.push("not checked (`--insecure`)".to_owned());
                }
                f.write_str(&parts.join(", "))
            }
            Self::Answer { status, subprotocol, .. } => match subprotocol {
                Some(subprotocol) => write!(f, "{status}, `{subprotocol}`"),
                None => write!(f, "{status}"),
            },
        }
    }
}

/// How far a dial has come, also after it was dropped: whoever bounds a dial in time keeps a clone and reads
/// it when the time is up. For one dial; the next one wants a new one.
#[derive(Clone, Debug, Default)]
pub struct DialProgress(Arc<Mutex<DialRecord>>);

#[derive(Debug, Default)]
struct DialRecord {
    stage: Stage,
    steps: Vec<DialStep>,
}

impl DialProgress {
    /// What the dial is waiting for, or was when it ended.
    pub fn stage(&self) -> Stage {
        self.record().stage.clone()
    }

    /// The steps so far, in their order. A dial that failed ends with the step that failed; steps that it did not reach
    /// are missing. Where the dial failed before it began (an unusable certificate file), there may be no failed one.
    pub fn steps(&self) -> Vec<DialStep> {
        self.record().steps.clone()
    }

    pub(super) fn set(&self, stage: Stage) {
        self.record().stage = stage;
    }

    /// A step begins; the one before has ended.
    pub(super) fn begin(&self, kind: StepKind, stage: Stage) {
        let mut record = self.record();
        record.stage = stage;
        let started = Instant::now();
        record.steps.push(DialStep { kind, started, elapsed: None, outcome: StepOutcome::Running, facts: None });
    }

    /// What is known of the step that is under way.
    pub(super) fn note(&self, facts: Facts) {
        if let Some(step) = self.record().running() {
            step.facts = Some(facts);
        }
    }

    /// The step that is under way has succeeded.
    pub(super) fn done(&self, facts: Facts) {
        if let Some(step) = self.record().running() {
            step.facts = Some(facts);
            step.end(StepOutcome::Done);
        }
    }

    /// The step that is under way, if any, has failed.
    pub(super) fn failed(&self, error: &DialError) {
        if let Some(step) = self.record().running() {
            step.end(StepOutcome::Failed(cause_chain(error)));
        }
    }

    /// A step is not necessary.
    pub(super) fn skip(&self, kind: StepKind, why: impl Into<String>) {
        let outcome = StepOutcome::Skipped(why.into());
        let step = DialStep { kind, started: Instant::now(), elapsed: Some(Duration::ZERO), outcome, facts: None };
        self.record().steps.push(step);
    }

    fn record(&self) -> MutexGuard<'_, DialRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DialRecord {
    fn running(&mut self) -> Option<&mut DialStep> {
        self.steps.last_mut().filter(|step| step.outcome == StepOutcome::Running)
    }
}

impl DialStep {
    fn end(&mut self, outcome: StepOutcome) {
        self.elapsed = Some(self.started.elapsed());
        self.outcome = outcome;
    }

    /// What there is to say about it, in a few words; empty while it is under way.
    pub fn detail(&self) -> String {
        match (&self.outcome, &self.facts) {
            (StepOutcome::Failed(words) | StepOutcome::Skipped(words), _) => words.clone(),
            (StepOutcome::Done | StepOutcome::Running, Some(facts)) => facts.to_string(),
            (StepOutcome::Done | StepOutcome::Running, None) => String::new(),
        }
    }
}
