//! What is sent.

pub mod args;
pub mod payload;
pub mod settings;
