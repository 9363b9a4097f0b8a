//! The result of a command's script.

use crate::failure::Failure;

/// How a command's script ended.
#[derive(Debug)]
pub enum Verdict {
    /// It did what it was for; the word for `stopped.reason`.
    Done(&'static str),
    /// Its time is up, by this flag without its dashes, which is also the word for `stopped.reason`: it has done what it
    /// was for if there ever was a connection.
    TimeUp(&'static str),
    /// It failed by itself.
    Failed(Failure),
    /// It failed, and has printed so already.
    Told(Failure),
    /// The session ended before; its end decides.
    SessionEnded,
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
