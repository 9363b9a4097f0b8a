//! One handler: its URL and the events it takes.

use thiserror::Error;

use super::EventName;
use super::template::{TemplateError, UrlTemplate};
use webpubsub_proto::{GroupPattern, check_event_name};

/// A handler (PROTOCOL §14.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// Where it is asked.
    pub template: UrlTemplate,
    /// The clients' events it takes.
    pub user_events: UserEvents,
    /// The service's events it takes.
    pub system_events: SystemEvents,
}

/// Which events of clients a handler takes. Names have no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvents {
    /// `*`.
    All,
    /// These, or none.
    Named(Vec<EventPattern>),
}

/// The name of an event, or a pattern of names: `*` is any characters but dots, `**` any, `?` one that is no dot, as in
/// the patterns of roles (PROTOCOL §11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPattern {
    /// In lower case.
    text: String,
    /// `None`: a name.
    pattern: Option<GroupPattern>,
}

impl EventPattern {
    /// Fails for what is neither.
    fn parse(text: &str) -> Result<Self, HandlerError> {
        let bad = || HandlerError::UserEvent(text.to_owned());
        let lower = text.to_ascii_lowercase();
        if check_event_name(text).is_ok() {
            return Ok(Self { text: lower, pattern: None });
        }
        let wild = text.contains(['*', '?']);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-*?".contains(c);
        let pattern = GroupPattern::parse(&lower).filter(|_| wild && text.chars().all(allowed)).ok_or_else(bad)?;
        Ok(Self { text: lower, pattern: Some(pattern) })
    }

    fn matches(&self, name: &str) -> bool {
        match &self.pattern {
            None => self.text.eq_ignore_ascii_case(name),
            Some(pattern) => pattern.matches(&name.to_ascii_lowercase()),
        }
    }
}

/// An event of the service's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemEvent {
    /// A client wants to connect; the handler may refuse it.
    Connect,
    /// It has.
    Connected,
    /// It has joined a group.
    Joined,
    /// It is no longer in a group.
    Left,
    /// Its connection has ended.
    Disconnected,
}

/// Which of them a handler takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemEvents {
    connect: bool,
    connected: bool,
    joined: bool,
    left: bool,
    disconnected: bool,
}

/// Why a text describes no handler.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HandlerError {
    /// The URL is bad.
    #[error("the URL of the event handler cannot be used: {0}")]
    Url(#[from] TemplateError),
    /// Not the name of an event.
    #[error(
        "`{0}` is not the name of an event: a letter, then letters, digits and `_` `.` `-`, 128 in all; nor a pattern, in which \
         `*`, `?` and `**` stand for others, with five `*` at the most"
    )]
    UserEvent(String),
    /// Not one of the five.
    #[error("`{0}` is not a system event: there are `connect`, `connected`, `joined`, `left` and `disconnected`")]
    SystemEvent(String),
    /// Not one of the two.
    #[error("`{0}` is no option of an event handler: there are `user-events` and `system-events`")]
    Option(String),
    /// Said twice in one value.
    #[error("`{0}` is given twice for one event handler")]
    Twice(&'static str),
}

impl Handler {
    /// Reads `URL[,user-events=LIST][,system-events=LIST]`; what is not said is as given.
    pub fn from_flag(value: &str, user_events: &UserEvents, system_events: SystemEvents) -> Result<Self, HandlerError> {
        const OPTIONS: [&str; 2] = ["user-events", "system-events"];
        // Where each option begins. Lists have commas too, but no `=`.
        let mut marks: Vec<(usize, usize, &'static str)> = Vec::new();
        for option in OPTIONS {
            let mark = format!(",{option}=");
            let mut found = value.match_indices(&mark);
            if let Some((at, _)) = found.next() {
                marks.push((at, at + mark.len(), option));
            }
            if found.next().is_some() {
                return Err(HandlerError::Twice(option));
            }
        }
        marks.sort_unstable();
        let url = &value[..marks.first().map_or(value.len(), |(at, ..)| *at)];
        // A comma may be part of a URL, but this is hardly meant so.
        let mut mistaken = url.split(',').skip(1).filter_map(|part| part.split_once('=')).map(|(name, _)| name);
        let looks_meant = |name: &&str| ["user", "system", "event"].iter().any(|word| name.starts_with(word));
        if let Some(name) = mistaken.find(looks_meant) {
            return Err(HandlerError::Option(name.to_owned()));
        }
        let mut handler = Self { template: UrlTemplate::new(url)?, user_events: user_events.clone(), system_events };
        for (index, (_, begin, option)) in marks.iter().enumerate() {
            let list = &value[*begin..marks.get(index + 1).map_or(value.len(), |(at, ..)| *at)];
            match *option {
                "user-events" => handler.user_events = UserEvents::parse(list)?,
                _ => handler.system_events = SystemEvents::parse(list)?,
            }
        }
        Ok(handler)
    }

    /// Whether it takes an event.
    pub fn takes(&self, event: EventName<'_>) -> bool {
        match (event, &self.user_events) {
            (EventName::System(event), _) => self.system_events.contains(event),
            (EventName::User(_), UserEvents::All) => true,
            (EventName::User(name), UserEvents::Named(names)) => names.iter().any(|own| own.matches(name)),
        }
    }
}

/// The names of a list with commas between them.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

impl UserEvents {
    /// None at all.
    pub const NONE: Self = Self::Named(Vec::new());

    /// Reads a list with commas between the names. `*`, alone or among others, is all; an empty list is none.
    pub fn parse(list: &str) -> Result<Self, HandlerError> {
        let mut all = false;
        let mut named = Vec::new();
        for name in names(list) {
            match name {
                "*" => all = true,
                name => named.push(EventPattern::parse(name)?),
            }
        }
        Ok(if all { Self::All } else { Self::Named(named) })
    }
}

impl SystemEvent {
    /// As it stands in `ce-eventName`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Connected => "connected",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Disconnected => "disconnected",
        }
    }
}

impl SystemEvents {
    /// None at all.
    pub const NONE: Self = Self { connect: false, connected: false, joined: false, left: false, disconnected: false };
    /// All five.
    pub const ALL: Self = Self { connect: true, connected: true, joined: true, left: true, disconnected: true };
    /// Those about connections, which every handler knows.
    pub const USUAL: Self = Self { joined: false, left: false, ..Self::ALL };

    /// Reads a list with commas between the names, which have no case. `*` is all; an empty list is none.
    pub fn parse(list: &str) -> Result<Self, HandlerError> {
        let mut events = Self::NONE;
        for name in names(list) {
            events.add(name)?;
        }
        Ok(events)
    }

    /// Adds an event by its name.
    pub fn add(&mut self, name: &str) -> Result<(), HandlerError> {
        match name.to_ascii_lowercase().as_str() {
            "*" => *self = Self::ALL,
            "connect" => self.connect = true,
            "connected" => self.connected = true,
            "joined" => self.joined = true,
            "left" => self.left = true,
            "disconnected" => self.disconnected = true,
            _ => return Err(HandlerError::SystemEvent(name.to_owned())),
        }
        Ok(())
    }

    /// Whether an event is among them.
    pub fn contains(self, event: SystemEvent) -> bool {
        match event {
            SystemEvent::Connect => self.connect,
            SystemEvent::Connected => self.connected,
            SystemEvent::Joined => self.joined,
            SystemEvent::Left => self.left,
            SystemEvent::Disconnected => self.disconnected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Handler, HandlerError> {
        Handler::from_flag(value, &UserEvents::All, SystemEvents::ALL)
    }

    #[test]
    fn a_handler_is_a_url_and_what_it_takes_in_any_order() {
        let named =
            |names: &[&str]| UserEvents::Named(names.iter().map(|name| EventPattern::parse(name).unwrap()).collect());
        let connect = SystemEvents { connect: true, ..SystemEvents::NONE };
        for (value, url, user, system) in [
            ("http://h/", "http://h/", UserEvents::All, SystemEvents::ALL),
            ("http://h/a,b?c=d,e", "http://h/a,b?c=d,e", UserEvents::All, SystemEvents::ALL),
            ("http://h/,user-events=a, b", "http://h/", named(&["a", "b"]), SystemEvents::ALL),
            ("http://h/,system-events=CONNECT", "http://h/", UserEvents::All, connect),
            ("http://h/,system-events=,user-events=", "http://h/", UserEvents::NONE, SystemEvents::NONE),
            ("http://h/,user-events=a,*,system-events=*", "http://h/", UserEvents::All, SystemEvents::ALL),
        ] {
            let handler = parse(value).unwrap();
            assert_eq!(handler.template.expand("h", "e").unwrap().as_str(), url, "{value}");
            assert_eq!((&handler.user_events, handler.system_events), (&user, system), "{value}");
        }
    }

    #[test]
    fn patterns_of_events_are_those_of_roles_without_case() {
        for (list, takes, others) in [
            ("room.*", &["room.a", "Room.B", "room."][..], &["room", "room.a.b", "xroom.a"][..]),
            ("room.**", &["room.a.b"], &["room"]),
            ("v?", &["v1", "VX"], &["v", "v.", "v12"]),
            ("a,b*", &["A", "b", "bc"], &["ab", "c"]),
            ("**", &["a.b"], &[]),
        ] {
            let handler = parse(&format!("http://h/,user-events={list}")).unwrap();
            assert!(takes.iter().all(|name| handler.takes(EventName::User(name))), "{list}");
            assert!(!others.iter().any(|name| handler.takes(EventName::User(name))), "{list}");
        }
        for bad in ["******", "a b*", "a\\*", "{*}"] {
            assert!(UserEvents::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_handler_cannot_be_is_said() {
        for (value, reason) in [
            ("h", "the URL of the event handler cannot be used: it is not a URL"),
            ("http://h/,user-event=a", "`user-event` is no option of an event handler"),
            ("http://h/,user-events=1", "`1` is not the name of an event"),
            ("http://h/,user-events=a,system-event=connect", "`system-event=connect` is not the name of an event"),
            ("http://h/,system-events=connect,closed", "`closed` is not a system event"),
            ("http://h/,user-events=a,user-events=b", "`user-events` is given twice"),
        ] {
            let error = parse(value).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{value}: {error}");
        }
    }
}
