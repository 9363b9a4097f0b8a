//! All records there are.

use serde::Serialize;

use super::{
    Ack, Bench, BenchProgress, Check, Comparison, Connected, Connection, Disconnected, Exists, GroupMessage,
    GroupState, GroupStateFailed, Inspection, InvokeResponse, Joined, Left, Listening, OperationUnknown, Permission,
    PingSummary, Pong, Reconnecting, Recovered, Recovering, RejoinGroupFailed, Response, SequenceGap, ServerMessage,
    SessionLost, Stopped, StreamEnded, StreamStarted, StreamTrouble, Trace, TunnelRequest, UnknownFrame, Url,
};

/// The fields of a record, beside `type` and `time`.
pub trait Record: listed::Listed + Serialize {
    /// Its `type`.
    const TYPE: &'static str;
}

/// What stands in the list below.
mod listed {
    /// Nobody else can give it.
    pub trait Listed {}
}

macro_rules! records {
    ($($kind:literal: $record:ty,)*) => {
        /// The types of all records, as the manual has them.
        pub const TYPES: &[&str] = &[$($kind),*];

        $(
            impl listed::Listed for $record {}

            impl Record for $record {
                const TYPE: &'static str = $kind;
            }
        )*

        /// The schema of each, as its type has it.
        #[cfg(test)]
        pub(super) fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
            vec![$((<$record as Record>::TYPE, generator.subschema_for::<$record>())),*]
        }
    };
}

records! {
    "connected": Connected<'_>,
    "recovering": Recovering<'_>,
    "recovered": Recovered<'_>,
    "reconnecting": Reconnecting<'_>,
    "disconnected": Disconnected<'_>,
    "session-lost": SessionLost<'_>,
    "sequence-gap": SequenceGap,
    "unknown-frame": UnknownFrame<'_>,
    "group-message": GroupMessage<'_>,
    "server-message": ServerMessage<'_>,
    "joined": Joined<'_>,
    "left": Left<'_>,
    "rejoin-group-failed": RejoinGroupFailed<'_>,
    "ack": Ack<'_>,
    "operation-unknown": OperationUnknown<'_>,
    "invoke-response": InvokeResponse<'_>,
    "stream-started": StreamStarted<'_>,
    "stream-ended": StreamEnded<'_>,
    "stream-trouble": StreamTrouble<'_>,
    "group-state": GroupState<'_>,
    "group-state-failed": GroupStateFailed<'_>,
    "pong": Pong<'_>,
    "ping-summary": PingSummary<'_>,
    "bench-progress": BenchProgress,
    "bench": Bench,
    "comparison": Comparison,
    "response": Response<'_>,
    "connection": Connection<'_>,
    "exists": Exists<'_>,
    "permission": Permission<'_>,
    "tunnel-request": TunnelRequest<'_>,
    "trace": Trace<'_>,
    "url": Url<'_>,
    "inspection": Inspection<'_>,
    "check": Check<'_>,
    "listening": Listening<'_>,
    "stopped": Stopped<'_>,
}
