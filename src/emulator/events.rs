//! Who answers user events.

use webpubsub_proto::hub::{EventAnswer, UserEvent};

/// The application's side of user events and invocations (PROTOCOL §14.6, §9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventHandler {
    /// Answers every event with its own payload, so that a client has something to talk to; an invocation with its
    /// metadata, too.
    Echo,
    /// There is none: every event fails.
    Missing,
}

impl EventHandler {
    /// The answer to an event.
    pub fn answer(self, event: UserEvent) -> EventAnswer {
        let metadata = event.metadata.filter(|_| event.is_invocation);
        match (self, event.data) {
            // An empty body is no answer (PROTOCOL §3, §14.6).
            (Self::Echo, Some(data)) if !data.as_data().is_empty_text() => EventAnswer::Reply { data, metadata },
            (Self::Echo, _) => EventAnswer::NoContent,
            (Self::Missing, _) => EventAnswer::Unhandled,
        }
    }
}
