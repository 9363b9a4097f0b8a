//! What every connecting command takes, and what it makes of it.

pub mod args;
pub mod settings;
