//! The result of a command's script.

use std::fmt;

use super::seen::MessageCounter;
use crate::failure::{Failure, Kind};

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

impl Verdict {
    /// The time of a run is up, by this flag without its dashes. Where there was a connection, and the service has not
    /// answered yet what the run is for, this is what it lacks.
    pub fn time_up(flag: &'static str, seen: &MessageCounter, lacks: Option<impl fmt::Display>) -> Self {
        match lacks {
            Some(lacks) if seen.was_connected() => {
                let what = format!("{lacks} before `--{flag}` ended the run");
                Failure::message(Kind::OperationUnknown, what).into()
            }
            Some(_) | None => Self::TimeUp(flag),
        }
    }
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
