//! A connection that outlives the process.

pub mod args;
pub mod settings;
