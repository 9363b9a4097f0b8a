//! What several commands share: groups of flags, each in a module with the settings that it gives.
//!
//! In each room `args` is what is typed, in clap's terms, and `settings` is what it means: a pure function of the flags,
//! the environment and the files these name. All its errors say what to do.

pub mod connecting;
pub mod connection;
pub mod data;
pub mod environment;
pub mod expressions;
pub mod hints;
pub mod names;
pub mod network;
pub mod operation;
pub mod output;
pub mod overlay;
pub mod reconnect;
pub mod recording;
pub mod requests;
pub mod session_file;
pub mod stdin;
pub mod values;
pub mod within;
