//! What will be done: a pure function of command line, environment and the files these name.
//!
//! [`settle()`] turns what was typed into one of the structures below, which leave nothing open: defaults are filled in,
//! sources have been read, contradictions refused. All its errors say what to do. Commands read these structures and
//! nothing else of the command line. Each command's is made in its room, of what the shared options come to.

mod profile;
mod settle;

use std::path::PathBuf;

use clap_complete::Shell;

pub use crate::commands::doctor::settings::{Doctor, Problem};
pub use crate::commands::emulator::settings::Emulator;
pub use crate::commands::event::settings::Event;
pub use crate::commands::join::settings::Join;
pub use crate::commands::listen::settings::{Listen, OnReady};
pub use crate::commands::repl::line::args::SetCommand;
pub use crate::commands::repl::line::settings::{Line, settle_line};
pub use crate::commands::repl::settings::{HistoryPlace, Repl};
pub use crate::commands::replay::args::Speed;
pub use crate::commands::replay::settings::Replay;
pub use crate::commands::send::settings::Send;
pub use crate::commands::stream::settings::{Stream, StreamFeed, Template};
pub use crate::commands::url::settings::{UrlCreate, UrlInspect};
pub use crate::options::brought::Brought;
pub use crate::options::connecting::settings::Connection;
pub use crate::options::connection::settings::Source;
pub use crate::options::data::payload::{Encoding, MOST_READ, PayloadSource, PayloadType, too_large};
pub use crate::options::environment::{Environment, Input, Note, ProcessInput};
pub use crate::options::operation::settings::Ack;
pub use crate::options::output::settings::Output;
pub use crate::options::values::{ColorChoice, EmulatorFormat, Format, ReportFormat};
pub use crate::options::within::{Limit, read_within};
pub use profile::Checked;
pub use settle::{settle, settle_line_and_profile};

/// What will be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Settings {
    /// `wps listen`.
    Listen(Box<Listen>),
    /// `wps join`.
    Join(Box<Join>),
    /// `wps send`.
    Send(Box<Send>),
    /// `wps event`.
    Event(Box<Event>),
    /// `wps send` and `wps event` of many messages.
    Stream(Box<Stream>),
    /// `wps repl`.
    Repl(Box<Repl>),
    /// `wps replay`.
    Replay(Box<Replay>),
    /// `wps doctor`.
    Doctor(Box<Doctor>),
    /// `wps emulator`.
    Emulator(Box<Emulator>),
    /// `wps url create`.
    UrlCreate(Box<UrlCreate>),
    /// `wps url inspect`.
    UrlInspect(Box<UrlInspect>),
    /// `wps config path`: where the file is, or would be.
    ConfigPath(PathBuf),
    /// `wps config show`: what to print.
    ConfigShow(String),
    /// `wps config check`: what was found.
    ConfigCheck(Checked),
    /// `wps completions`.
    Completions {
        /// Whose script to print.
        shell: Shell,
    },
    /// `wps man`.
    Man {
        /// Where to write the pages; made when missing.
        dir: PathBuf,
    },
}

#[cfg(test)]
mod tests;
