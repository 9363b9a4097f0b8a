//! What clients ask a hub for.

use crate::{Data, GroupState};

/// Something a client asks for that can be refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation<'a> {
    Join {
        group: &'a str,
    },
    Leave {
        group: &'a str,
    },
    Send {
        group: &'a str,
        no_echo: bool,
        ttl_seconds: u16,
        data: Data<'a>,
        metadata: Option<&'a str>,
    },
    Event {
        event: &'a str,
        data: Data<'a>,
        metadata: Option<&'a str>,
    },
    /// `None`: it says nothing of itself any more.
    SetState {
        group: &'a str,
        state: Option<&'a GroupState>,
    },
    SubscribeState {
        group: &'a str,
    },
    UnsubscribeState {
        group: &'a str,
    },
}

impl<'a> Operation<'a> {
    /// The group it is about.
    pub(super) fn group(&self) -> Option<&'a str> {
        match self {
            Self::Join { group }
            | Self::Leave { group }
            | Self::Send { group, .. }
            | Self::SetState { group, .. }
            | Self::SubscribeState { group }
            | Self::UnsubscribeState { group } => Some(group),
            Self::Event { .. } => None,
        }
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It was carried out.
    Done,
    /// It has to wait, and everything behind it.
    Wait,
}
