//! The NDJSON records of what a client tells, each by itself: for expressions, whatever is printed.

use super::{ndjson, timestamp};
use webpubsub_client::event::{Invoked, Lifecycle, Received, WireFrame};

/// Makes records.
#[derive(Clone, Debug)]
pub struct Recorder {
    hub: Option<String>,
    protocol: &'static str,
}

impl Recorder {
    /// For connections to that hub, with that subprotocol.
    pub fn new(hub: Option<String>, protocol: &'static str) -> Self {
        Self { hub, protocol }
    }

    /// The record of a lifecycle event, if it has one.
    pub fn lifecycle(&self, event: &Lifecycle) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        ndjson::lifecycle(&mut out, &timestamp(), event, self.hub.as_deref(), self.protocol);
        Some(out).filter(|record| !record.is_empty())
    }

    /// The record of an invocation that has ended, if it has one.
    pub fn invoked(&self, invoked: &Invoked) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        ndjson::invoked(&mut out, &timestamp(), invoked);
        Some(out).filter(|record| !record.is_empty())
    }

    /// The record of a frame, if it has one.
    pub fn frame(&self, frame: WireFrame<'_>, received: &Received<'_>) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        match received {
            Received::Message(message) => ndjson::single_message(&mut out, &timestamp(), message),
            Received::States(states) => {
                let time = timestamp();
                states.changes.iter().for_each(|change| ndjson::state(&mut out, &time, &states.group, change));
            }
            Received::Unknown { reason } => ndjson::unknown_frame(&mut out, &timestamp(), frame, reason),
            Received::Duplicate | Received::Control => return None,
        }
        Some(out)
    }
}
