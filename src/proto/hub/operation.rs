//! What clients ask a hub for.

use crate::Data;

/// Something a client asks for that can be refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation<'a> {
    Join { group: &'a str },
    Leave { group: &'a str },
    Send { group: &'a str, no_echo: bool, ttl_seconds: u16, data: Data<'a>, metadata: Option<&'a str> },
    Event { event: &'a str, data: Data<'a>, metadata: Option<&'a str> },
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It was carried out.
    Done,
    /// It has to wait, and everything behind it.
    Wait,
}
