//! What any input has to do to the parsers and to the two cores: an oracle each, for coverage-guided fuzzing (`fuzz/`) and
//! for the tests that spoil good inputs.
//!
//! An input that fuzzing has found becomes a test that calls the same function. A [`session`] and a [`hub`] read their
//! bytes as a vector of inputs, see [`Tape`]; the others take what a parser takes.

// As in tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod codec;
mod frames;
mod hub;
mod session;
mod tape;
mod texts;

pub use codec::{json, protobuf};
pub use hub::hub;
pub use session::session;
#[cfg(test)]
pub(crate) use session::{session_left_alone, session_told_to_stop};
pub use texts::{fault, filter, live_trace, tunnel};

use tape::Tape;

#[cfg(test)]
mod tests;
