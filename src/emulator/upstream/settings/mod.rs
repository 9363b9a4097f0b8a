//! Which event handlers there are and which events they take: plain data and its parsers, without I/O.
//!
//! A hub has an ordered list of handlers; the first that takes an event gets it, alone (PROTOCOL §14.1). They come from
//! flags, for every hub, and from a settings file, each for one. Made by the settings of `wps emulator` and by the watch
//! over the file; read by the emulator for each event.

mod file;
mod handler;
mod lenient;
mod template;

use std::collections::HashMap;

pub use file::SettingsFile;
pub use handler::{EventPattern, Handler, HandlerError, SystemEvent, SystemEvents, UserEvents};
pub use template::{TemplateError, UrlTemplate};

/// All handlers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Those of every hub. They come first.
    pub every_hub: Vec<Handler>,
    /// Those of one hub, by its name in lower case.
    pub hubs: HashMap<String, Vec<Handler>>,
}

/// An event that looks for its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventName<'a> {
    /// One of the service's own.
    System(SystemEvent),
    /// One of a client's.
    User(&'a str),
}

impl EventName<'_> {
    /// As it stands in `ce-eventName` and for `{event}`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::System(event) => event.name(),
            Self::User(name) => name,
        }
    }
}

impl Routes {
    /// Whether there is no handler at all.
    pub fn is_empty(&self) -> bool {
        self.every_hub.is_empty() && self.hubs.values().all(Vec::is_empty)
    }

    /// The first handler that takes an event. The hub's name is in lower case.
    pub fn find(&self, hub: &str, event: EventName<'_>) -> Option<&Handler> {
        let own = self.hubs.get(hub).map(Vec::as_slice).unwrap_or_default();
        self.every_hub.iter().chain(own).find(|handler| handler.takes(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(text: &str) -> Handler {
        Handler::from_flag(text, &UserEvents::All, SystemEvents::ALL).unwrap()
    }

    #[test]
    fn the_first_handler_that_takes_an_event_gets_it() {
        let routes = Routes {
            every_hub: vec![handler("http://a/,user-events=vote,system-events=")],
            hubs: [("chat".to_owned(), vec![handler("http://b/,system-events=connect"), handler("http://c/")])].into(),
        };
        let find = |hub: &str, event: EventName<'_>| {
            routes.find(hub, event).map(|handler| handler.template.expand(hub, "e").unwrap().to_string())
        };
        let is = |url: &str| Some(url.to_owned());
        assert_eq!(find("chat", EventName::User("VOTE")), is("http://a/"));
        assert_eq!(find("other", EventName::User("vote")), is("http://a/"));
        assert_eq!(find("chat", EventName::User("talk")), is("http://b/"));
        assert_eq!(find("other", EventName::User("talk")), None);
        assert_eq!(find("chat", EventName::System(SystemEvent::Connect)), is("http://b/"));
        assert_eq!(find("chat", EventName::System(SystemEvent::Disconnected)), is("http://c/"));
        assert!(!routes.is_empty() && Routes::default().is_empty());
    }
}
