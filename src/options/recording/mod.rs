//! The recording of a run.

pub mod args;
