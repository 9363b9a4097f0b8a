//! Where to connect, and with which token.

pub mod args;
pub mod settings;
