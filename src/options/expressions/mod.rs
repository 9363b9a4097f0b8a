//! Expressions over what is printed.

pub mod args;
pub mod settings;
