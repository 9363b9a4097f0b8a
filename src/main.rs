//! `wps`: a command-line client for Azure Web PubSub, with a local emulator of the service.
mod auth;
mod cli;
mod client;
mod commands;
mod emulator;
mod failure;
mod protocol;
mod render;
mod secret;
mod settings;
mod wire;
fn main() {}
