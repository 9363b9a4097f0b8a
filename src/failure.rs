//! What went wrong, which exit code it has, and the one place where errors are printed.
//!
//! Inside the crate errors are typed; at the border of a command they become a [`Failure`]: a [`Kind`], which decides
//! the exit code, a chain of causes and hints that say what to do next.

use std::collections::BTreeSet;
use std::fmt;

use webpubsub_net::secret::{excerpt, redact};

/// The longest text that is told, in characters: the body of a refusal, and what is said of it.
const LONGEST: usize = 68 * 1024;

/// Why the program ends, as far as its exit code goes (CLI contract, *Ending*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A defect of `wps` itself.
    Internal,
    /// The command line is wrong.
    Usage,
    /// Configuration or a credential is missing, unreadable or malformed.
    Config,
    /// Never connected: DNS, TCP, proxy, TLS, timeout, 408, 429 or 5xx, after all retries.
    Unreachable,
    /// 401 or 403, at any time.
    Unauthorized,
    /// The handshake was refused otherwise.
    HandshakeRefused,
    /// The connection was lost and not regained.
    Lost,
    /// A negative ack.
    OperationRefused,
    /// No ack, or an outcome that cannot be known.
    OperationUnknown,
    /// The service broke the protocol.
    Protocol,
    /// Bad input data.
    Input,
    /// An expectation was not met.
    Expectation,
    /// Output could not be written.
    Output,
    /// `--timeout` ran out.
    Timeout,
    /// Ended by this signal.
    Signal(u8),
}

impl Kind {
    /// The exit code that scripts see.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::Unreachable => 4,
            Self::Unauthorized => 5,
            Self::HandshakeRefused => 6,
            Self::Lost => 7,
            Self::OperationRefused => 8,
            Self::OperationUnknown => 9,
            Self::Protocol => 10,
            Self::Input => 11,
            Self::Expectation => 12,
            Self::Output => 13,
            Self::Timeout => 124,
            Self::Signal(number) => 128 + number,
        }
    }
}

/// An error that ends a command.
#[derive(Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened, with its causes.
    pub error: anyhow::Error,
    /// What to do about it, a sentence each, lower-case.
    pub hints: Vec<String>,
    /// The flags whose values it is about, long names without dashes: a profile may have brought them.
    pub blames: BTreeSet<String>,
}

impl Failure {
    /// A failure with what happened.
    pub fn new(kind: Kind, error: impl Into<anyhow::Error>) -> Self {
        Self { kind, error: error.into(), hints: Vec::new(), blames: BTreeSet::new() }
    }

    /// A failure told in words.
    pub fn message(kind: Kind, message: impl fmt::Display) -> Self {
        Self::new(kind, anyhow::anyhow!("{message}"))
    }

    /// The same with what failed because of it: that is the error then, and what it was is its cause.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Self {
        self.error = self.error.context(what);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a flag whose value it is about, written `--flag`. What is no flag, such as a variable or an argument, is none
    /// here either.
    #[must_use]
    pub fn blame(mut self, flag: &str) -> Self {
        self.blames.extend(flag.strip_prefix("--").map(str::to_owned));
        self
    }

    /// The error and its causes in one line, redacted, as `stopped.error.message` has it.
    pub fn summary(&self) -> String {
        redact(&format!("{:#}", self.error)).into_owned()
    }

    /// `error: …`, `caused by: …`, `hint: …`, a line each, redacted. `paint` colours the three labels, `clean` makes
    /// what others said harmless.
    pub fn report(&self, paint: impl Fn(&str) -> String, clean: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        let mut line = |label: &str, text: &str| {
            out.push_str(&format!("{} {}\n", paint(label), clean(&excerpt(text, LONGEST))));
        };
        line("error:", &self.error.to_string());
        self.error.chain().skip(1).for_each(|cause| line("caused by:", &cause.to_string()));
        self.hints.iter().for_each(|hint| line("hint:", hint));
        out
    }
}

/// What an error means for the run.
pub trait OrFail<T> {
    /// It is a defect of `wps`, or a want of resources: exit 1.
    fn or_internal(self) -> Result<T, Failure>;

    /// It is the cause of `what`, which ends the run.
    fn or_fail(self, kind: Kind, what: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Result<T, Failure>;

    /// The same for what is often done, or said at length.
    fn or_fail_with(self, kind: Kind, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_internal(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(Kind::Internal, error))
    }

    fn or_fail(self, kind: Kind, what: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(kind, error).context(what))
    }

    fn or_fail_with(self, kind: Kind, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(kind, error).context(what()))
    }
}

/// More about the failure of a result.
pub trait ResultExt {
    /// Adds what to do about it.
    fn hint(self, hint: impl Into<String>) -> Self;

    /// Adds a flag whose value it is about, written `--flag`.
    fn blame(self, flag: &str) -> Self;
}

impl<T> ResultExt for Result<T, Failure> {
    fn hint(self, hint: impl Into<String>) -> Self {
        self.map_err(|failure| failure.hint(hint))
    }

    fn blame(self, flag: &str) -> Self {
        self.map_err(|failure| failure.blame(flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_the_error_its_causes_and_what_to_do() {
        let cause = std::io::Error::other("refused with access_token=abc");
        let failure = Failure::new(Kind::Unreachable, cause).context("could not connect").hint("start `wps emulator`");
        assert_eq!(
            failure.report(str::to_owned, str::to_owned),
            "error: could not connect\ncaused by: refused with access_token=[redacted]\nhint: start `wps emulator`\n"
        );
        assert_eq!(failure.kind.exit_code(), 4);
    }
}
