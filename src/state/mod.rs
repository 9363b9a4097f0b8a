//! The session file: what of a connection outlives the process (`--session FILE`).
//!
//! [`SessionFile`] is one open and locked file. It is written whole, beside itself and then renamed, so that a reader
//! finds the state before or after a change and never half of one, whatever kills the process. It holds the connection
//! and its token, how far messages were printed, groups, unanswered operations and ackIds, and says what service, hub
//! and user it belongs to. [`SentLines`] is the position in an input that was sent line by line. The commands are the
//! callers, and the thread that writes the output.

mod file;
mod format;
mod hex;
mod lines;
mod lock;

pub use file::{OpenError, OpenedSession, SessionFile};
#[cfg(any(test, fuzzing))]
pub use format::fuzz;
pub use format::{FormatError, SessionScope};
pub use lines::{
    InputComparison, LineDigest, LineFailure, MOST_AHEAD, MOST_LEFT, Mismatch, SentLines, Step, digest_of, free_id,
};
pub use lock::Holder;
