//! Reading what may never come to its end, a pipe that nobody closes for one, within `--timeout`.
//!
//! The settings read secrets this way, `main` what `send` and `event` send, `repl` its script: all that is read before
//! there is a runtime.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};

/// A span of time and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit {
    /// `--timeout`.
    pub timeout: Duration,
    /// When the process was started.
    pub since: Instant,
}

/// What `read` gives. Where the time is up before, that is the error, of the kind `TimedOut`, and `read` is left to
/// itself. Without a limit it takes as long as it takes.
pub fn within<T: Send + 'static>(limit: Option<TimeLimit>, read: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let Some(TimeLimit { timeout, since }) = limit else { return Ok(read()) };
    let (sender, receiver) = channel();
    // Nobody may be there any more to take it.
    thread::Builder::new().spawn(move || drop(sender.send(read())))?;
    receiver.recv_timeout(timeout.saturating_sub(since.elapsed())).map_err(|error| match error {
        RecvTimeoutError::Timeout => {
            let timeout = humantime::format_duration(timeout);
            io::Error::new(io::ErrorKind::TimedOut, format!("its end had not come after {timeout} (`--timeout`)"))
        }
        RecvTimeoutError::Disconnected => io::Error::other("reading it failed"),
    })
}

/// [`within`] for a read that may fail by itself; `what` is named where the time is up (exit 124).
pub fn read_within<T: Send + 'static>(
    limit: Option<TimeLimit>,
    what: &str,
    read: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    within(limit, read)
        .or_fail(Kind::Timeout, format!("could not read {what}"))
        .hint("it has to be written, and closed")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_is_left_when_the_time_is_up() {
        let limit = |timeout| Some(TimeLimit { timeout, since: Instant::now() });
        assert_eq!(within(None, || 1).unwrap(), 1);
        assert_eq!(within(limit(Duration::from_secs(60)), || 2).unwrap(), 2);
        // The writing end stays open.
        let (mut reader, _writer) = io::pipe().unwrap();
        let read = move || io::Read::read_to_end(&mut reader, &mut Vec::new());
        let error = within(limit(Duration::from_millis(1)), read).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "its end had not come after 1ms (`--timeout`)");
    }
}
