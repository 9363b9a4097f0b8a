//! One file a command: what a command does, in terms of the client, the renderer and the emulator.

pub mod completions;
pub mod config;
pub mod doctor;
pub mod emulator;
pub mod event;
pub mod join;
pub mod listen;
pub mod man;
pub mod repl;
pub mod replay;
pub mod send;
pub mod stream;
pub mod url;

pub use doctor::doctor;
pub use emulator::{emulator, fault_help};
pub use event::event;
pub use join::join;
pub use listen::listen;
pub use send::send;
pub use stream::{Intake, stream};
