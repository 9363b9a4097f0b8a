//! The OData `filter` of REST sends: which connections a message is for (PROTOCOL §13).
//!
//! [`Filter::parse`] checks everything that can be checked before there is a connection: syntax, names, types, limits.
//! [`Filter::matches`] then cannot fail. Called by the REST data plane; knows nothing of hubs.
//!
//! Where the service's documents are silent: string comparison is exact; lengths and positions count characters; a
//! string function of a `null` is `null`, a test of a `null` (`startswith`, `gt`, …) is false.

mod eval;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::fmt;

use thiserror::Error;

use parser::Expr;

/// Longest filter, in bytes.
pub const MAX_BYTES: usize = 32 * 1024;
/// How deep parentheses, `not` and function calls may be nested (PROTOCOL §12).
pub const MAX_DEPTH: usize = 100;
/// How many comparisons, function calls and `in` a filter may have (PROTOCOL §12).
pub const MAX_CLAUSES: usize = 100;

/// A filter that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Expr);

/// What a filter can see of a connection.
pub trait Subject {
    /// `userId`; `None` (in the filter `null`) when anonymous.
    fn user_id(&self) -> Option<&str>;
    /// `connectionId`.
    fn connection_id(&self) -> &str;
    /// `protocol`: the name of the subprotocol; `None` for a simple client.
    fn protocol(&self) -> Option<&str>;
    /// `'group' in groups`.
    fn is_in_group(&self, group: &str) -> bool;
}

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at character {position}: {problem}")]
pub struct FilterError {
    /// The character, the first is 1.
    pub position: usize,
    /// For people.
    pub problem: String,
    /// Where it is the order of the words that is wrong: how many characters had been read then, as OData counts.
    pub syntax: Option<usize>,
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_BYTES {
            let problem = format!("the filter has more than {MAX_BYTES} bytes");
            return Err(FilterError { position: 1, problem, syntax: None });
        }
        let characters = |byte: usize| text.get(..byte).map_or(0, |before| before.chars().count());
        parser::parse(text).map(Self).map_err(|fault| FilterError {
            position: characters(fault.at) + 1,
            problem: fault.problem,
            syntax: fault.read.map(characters),
        })
    }

    /// Whether the connection is meant.
    pub fn matches(&self, subject: &impl Subject) -> bool {
        eval::is_true(&self.0, subject)
    }
}

/// What is wrong, at a byte of the text.
#[derive(Debug)]
struct FilterFault {
    at: usize,
    problem: String,
    /// The order of the words is wrong, which is known since this byte.
    read: Option<usize>,
}

impl FilterFault {
    fn new(at: usize, problem: impl fmt::Display) -> Self {
        Self { at, problem: problem.to_string(), read: None }
    }
}
