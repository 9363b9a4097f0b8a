//! Group streams (PROTOCOL §9.1) as a program publishes and reads them.
//!
//! [`writer`] is above the handle's stream; [`reader`] takes what the driver's task puts into the [`inbox`].

mod inbox;
mod reader;
mod writer;

pub(crate) use inbox::Inbox;
pub use reader::{StreamReadError, StreamReader, Streams};
pub use writer::{OpenStream, StreamError, StreamWriter, Streamed};
