//! How to stay connected.

pub mod args;
pub mod settings;
