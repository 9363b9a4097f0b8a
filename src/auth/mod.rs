//! Credentials: connection strings, tokens, access URLs.
pub mod token;
