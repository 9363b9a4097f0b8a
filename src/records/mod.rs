//! The records of `-o ndjson`: a type for each, with what its fields mean.
//!
//! They are what is written, and what the schema and the manual are made from. A record is written through [`Record`]
//! alone, which only the list in [`list`] can give to a type, so that there is none without a schema. What a field is for
//! stands in its doc comment and nowhere else: the commands and the renderer fill the types and know no names of fields.

mod bench;
mod client;
mod list;
mod messages;
mod operations;
mod ping;
mod report;
pub mod schema;
mod service;
mod streams;
mod trace;
mod tunnel;

pub use bench::{AckLatency, Bench, BenchProgress, Comparison, Latency, Verdict};
pub use client::{
    Connected, Disconnected, LossFields, Reconnecting, Recovered, Recovering, SequenceGap, SessionLost, UnknownFrame,
};
pub use list::{Record, TYPES};
#[cfg(test)]
pub use messages::MessageFields;
pub use messages::{GroupMessage, ServerMessage};
pub use operations::{
    Ack, GroupState, GroupStateFailed, InvokeResponse, Joined, Left, NamedError, OperationUnknown, RejoinGroupFailed,
};
pub use ping::{PingSummary, Pong, RoundTrips};
pub use report::{Check, Inspection, InspectionFinding, Listening, Status, Stopped, StoppedCounts, StoppedError, Url};
pub use service::{Answer, Connection, Exists, Permission, Response, RestError};
pub use streams::{EndError, StreamEnded, StreamStarted, StreamTrouble};
pub use trace::{Properties, Trace};
pub use tunnel::TunnelRequest;
