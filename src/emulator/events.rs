//! Who answers user events.

use webpubsub_proto::hub::{EventAnswer, UserEvent};

/// The application's side of user events (PROTOCOL §14.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventHandler {
    /// Answers every event with its own payload, so that a client has something to talk to.
    Echo,
    /// There is none: every event fails.
    Missing,
}

impl EventHandler {
    /// The answer to an event.
    pub fn answer(self, event: UserEvent) -> EventAnswer {
        match self {
            // An empty body is no answer (PROTOCOL §3, §14.6).
            Self::Echo if event.data.as_data().is_empty_text() => EventAnswer::NoContent,
            Self::Echo => EventAnswer::reply(event.data),
            Self::Missing => EventAnswer::Unhandled,
        }
    }
}
