//! Secrets that redact themselves, and the redaction of secrets in other people's text.
//!
//! Everything `wps` says passes through one of these: a [`Secret`] prints as `[redacted]`, text that came from elsewhere
//! (refusal bodies, close reasons, logs of dependencies, panics) goes through [`redact`], and the service's own frames
//! go through [`redact_frame`]. The `data` of messages is never altered (CLI contract, *Secrets*). Text is redacted
//! before it is cut, else half a secret would stay; what others have cut goes through [`redact_cut`].
//!
//! All of it takes time in proportion to the text: a peer may have made that to take long, and whoever redacts it hears
//! no signal meanwhile.

mod frame;
mod memory;
mod names;
mod text;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

pub use frame::{redact_binary, redact_frame};
pub use memory::{remember, remember_passing};
pub use names::{is_secret_header, sounds_secret};
pub use text::{excerpt, holds_secret, redact, redact_cut, redact_query};

/// Log target of frames. Whoever logs there has taken the service's secrets out; a message's data is logged as it is.
pub const FRAMES: &str = "wps::frames";

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A token, key or URL with a token. `Debug` and `Display` print [`REDACTED`]; memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the secret out of circulation.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_as_redacted() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[redacted] [redacted] Some([redacted])");
    }
}
