//! What lets a client in: connection strings, client access URLs and tokens (PROTOCOL §1, §2).

pub mod access_url;
pub mod connection_string;
pub mod inspection;
pub mod token;
