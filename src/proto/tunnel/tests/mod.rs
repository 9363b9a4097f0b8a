//! The tunnel's frames and its client, step by step.

mod answers;
mod client;
mod codec;
mod pieces;
mod property;
