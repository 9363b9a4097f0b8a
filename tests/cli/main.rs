//! The built binary from outside: what is typed, what is printed, how it ends, and what a service sees of it.
//!
//! Most tests play the service themselves, step by step, over a socket of their own (`support::service`): the test reads
//! as the conversation that it is. Nothing sleeps; whatever is awaited has a deadline.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

#[cfg(unix)]
mod attacks;
mod bench;
#[cfg(unix)]
mod broken_inputs;
mod bulk;
#[cfg(unix)]
mod completing;
mod config;
mod connecting;
mod control;
#[cfg(unix)]
mod deployment;
mod doctor;
mod doctor_network;
#[cfg(unix)]
mod emulator_double;
#[cfg(unix)]
mod emulator_load;
#[cfg(unix)]
mod emulator_tls;
#[cfg(unix)]
mod ending;
#[cfg(unix)]
mod examples;
#[cfg(unix)]
mod expressions;
mod faults;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod flags;
#[cfg(unix)]
mod floods;
mod garbage;
mod group_streams;
mod handlers;
mod identity;
mod invoke;
mod layering;
mod listen_network;
#[cfg(target_os = "linux")]
mod names;
mod network;
#[cfg(unix)]
mod on_ready;
mod operations;
mod output;
mod ping;
#[cfg(unix)]
mod protobuf;
#[cfg(unix)]
mod readme;
mod record;
mod recovery;
mod refusals;
mod repl;
#[cfg(unix)]
mod repl_asking;
mod repl_paste;
mod repl_streams;
mod repl_terminal;
mod rest;
mod schema;
mod secrets;
mod service;
#[cfg(unix)]
mod session;
#[cfg(unix)]
mod session_endings;
#[cfg(unix)]
mod session_losses;
#[cfg(unix)]
mod session_stream;
#[cfg(target_os = "linux")]
mod slow_link;
#[cfg(unix)]
mod sources;
#[cfg(unix)]
mod states;
#[cfg(unix)]
mod trace;
mod traces;
#[cfg(unix)]
mod tunnel;
#[cfg(unix)]
mod tunnel_service;
#[cfg(unix)]
mod tunnel_upstream;
#[cfg(target_os = "linux")]
mod unread;
mod url;
mod usage;
mod webhook;
