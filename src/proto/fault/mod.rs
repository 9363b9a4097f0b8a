//! Faults: how the emulator misbehaves on request, without I/O.
//!
//! A [`Fault`] is what one `--fault` says: an action, what it is aimed at, and how often it happens. [`catalogue`] holds
//! all words of the grammar with their meaning; [`grammar`] reads and prints it; [`Faults`] is the list in force, shared
//! by everything that has to ask it, and counts. Chance comes from a seed, so the same requests meet the same faults.
//! Called by the hub, the server around it, and whoever reads a `--fault`.

mod catalogue;
mod grammar;
mod model;
mod plan;
#[cfg(test)]
mod tests;

pub use catalogue::{ACTIONS, KEYS, help_text};
pub use grammar::{GrammarError, duration};
pub use model::{Action, DropKind, DropTime, Fault, Garbage, Garble, Point, Points, TunnelFault, TunnelTarget};
pub use plan::{FaultListing, Faults, FiredFault, Opportunity};
