//! The built binary from outside: what is typed, what is printed, how it ends, and what a service sees of it.
//!
//! Most tests play the service themselves, step by step, over a socket of their own (`support::service`): the test reads
//! as the conversation that it is. Nothing sleeps; whatever is awaited has a deadline.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

#[cfg(unix)]
mod broken_inputs;
mod config;
mod connecting;
mod doctor;
mod doctor_network;
#[cfg(unix)]
mod ending;
mod garbage;
mod layering;
mod network;
mod operations;
mod output;
mod recovery;
mod repl;
#[cfg(unix)]
mod repl_terminal;
mod secrets;
#[cfg(unix)]
mod session;
#[cfg(unix)]
mod sources;
mod traces;
mod url;
mod usage;
