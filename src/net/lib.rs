//! How Web PubSub is reached, from either end: who may come in ([`auth`]), the way there ([`wire`]), and values that must
//! not be shown ([`secret`]); and times as text ([`clock`]).
//!
//! **The API is young.** It serves `webpubsub-client` and `webpubsub-emulator`, which are what most programs want; until
//! 1.0 any release may change it.

pub mod auth;
pub mod clock;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod secret;
pub mod wire;
