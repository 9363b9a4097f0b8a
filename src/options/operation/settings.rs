//! Acks, and what becomes of operations without one.

use indexmap::IndexSet;
use webpubsub_proto::session::OnUnknown;

use super::args::AckIdArgs;
use crate::failure::Failure;
use crate::options::names;
use crate::options::values::UnknownChoice;

/// Whether and under which id an operation asks for an ack (PROTOCOL §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckRequest {
    /// Under the next id of the connection.
    Automatic,
    /// Under this id.
    Id(u64),
    /// Fire and forget.
    None,
}

impl AckRequest {
    /// The id that the first operation of a connection has.
    pub fn expected_id(self) -> Option<u64> {
        match self {
            Self::Automatic => Some(1),
            Self::Id(id) => Some(id),
            Self::None => None,
        }
    }
}

/// What the flags say of the ack.
pub fn ack(args: &AckIdArgs) -> AckRequest {
    match (args.no_ack, args.ack_id) {
        (true, _) => AckRequest::None,
        (false, Some(id)) => AckRequest::Id(id),
        (false, None) => AckRequest::Automatic,
    }
}

/// What becomes of an operation of unknown outcome.
pub fn on_unknown(what: UnknownChoice) -> OnUnknown {
    match what {
        UnknownChoice::Fail => OnUnknown::Fail,
        UnknownChoice::Resend => OnUnknown::Resend,
    }
}

/// Group names, checked, each once, in the order given.
pub fn groups(given: Vec<String>, what: &str) -> Result<Vec<String>, Failure> {
    for group in &given {
        names::group(what, group)?;
    }
    let groups: IndexSet<String> = given.into_iter().collect();
    Ok(groups.into_iter().collect())
}
