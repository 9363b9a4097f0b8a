//! Where to connect, and with which token.

pub mod args;
mod roles;
pub mod settings;
