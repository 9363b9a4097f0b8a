//! What is printed, and how.

pub mod args;
pub mod settings;
