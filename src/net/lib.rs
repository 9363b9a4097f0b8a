//! How Web PubSub is reached, from either end: who may come in ([`auth`]), the way there ([`wire`]), and values that must
//! not be shown ([`secret`]); and times as text ([`clock`]).

pub mod auth;
pub mod clock;
pub mod secret;
pub mod wire;
