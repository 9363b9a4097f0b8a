//! Acks and retries of operations.

pub mod args;
pub mod settings;
