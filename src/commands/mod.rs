//! One file a command: what a command does, in terms of the client, the renderer and the emulator.

pub mod completions;
pub mod config;
pub mod doctor;
pub mod emulator;
pub mod event;
mod explain;
pub mod expressions;
mod hosting;
pub mod join;
pub mod listen;
pub mod man;
mod network;
mod recording;
pub mod repl;
pub mod replay;
mod run;
pub mod send;
mod session_file;
pub mod stream;
mod tap;
pub mod url;
mod url_command;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::render::{Console, StoppedError};
use crate::settings::Ack;
use webpubsub_proto::session::AckMode;

pub use doctor::doctor;
pub use emulator::{emulator, fault_help};
pub use event::event;
pub use join::join;
pub use listen::listen;
pub use run::Surroundings;
pub use send::send;
pub use stream::{Intake, stream};

/// Prints an error on stderr: the one place where a command's failure is.
pub fn print_failure(console: &Console, failure: &Failure) {
    let style = console.err.style;
    let report = failure.report(|label| style.label(label), |text| style.clean(text).into_owned());
    console.err.line_kept(report.trim_end());
}

/// A failure as the last record has it.
pub fn stopped_error(failure: &Failure) -> StoppedError {
    StoppedError { message: failure.summary(), hint: failure.hints.first().cloned() }
}

/// Seconds since 1970.
fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn ack_mode(ack: Ack) -> AckMode {
    match ack {
        Ack::Automatic => AckMode::Automatic,
        Ack::Id(id) => AckMode::Id(id),
        Ack::None => AckMode::None,
    }
}
