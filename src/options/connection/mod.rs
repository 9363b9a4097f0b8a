//! Where to connect, and with which token.

pub mod args;
pub mod identity;
pub mod roles;
pub mod settings;
