//! What lets a client in: connection strings and client access URLs (PROTOCOL §1, §2).

pub mod access_url;
pub mod connection_string;
pub mod token;
