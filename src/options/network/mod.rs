//! The way to the service.

pub mod args;
pub mod settings;
