//! Requests to the service's REST API: how long they may take, and how often they are tried.

pub mod args;
pub mod settings;
