//! The settings file, of the shape that Microsoft's emulator reads, so that one file serves both.
//!
//! `{"WebPubSub": {"AccessKey": …, "Hubs": {"HUB": {"EventHandlers": [{"UrlTemplate": …, "EventPattern": "a,b",
//! "SystemEvents": ["connect"]}]}}}}`. Property names have no case, and sections that are other programs' business are
//! passed over, both as in .NET. What cannot be meant is an error that names the place.

use std::collections::HashMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::handler::{Handler, SystemEvents, UserEvents};
use super::lenient::to_strict;
use super::template::UrlTemplate;
use webpubsub_net::auth::connection_string::check_access_key;
use webpubsub_net::secret::Secret;
use webpubsub_proto::check_hub_name;

/// What a settings file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsFile {
    /// The access key, if it has one.
    pub access_key: Option<Secret>,
    /// The handlers of each hub, by its name in lower case.
    pub hubs: HashMap<String, Vec<Handler>>,
    /// What in it has no effect though somebody may expect one, a sentence each.
    pub warnings: Vec<String>,
}

/// Why a settings file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Syntax(String),
    /// A value is not what it has to be.
    #[error("`{place}`: {problem}")]
    Value {
        /// The path of names to it.
        place: String,
        /// What is wrong, in words.
        problem: String,
    },
}

impl SettingsFile {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let text = to_strict(text.trim_start_matches('\u{feff}'));
        let root: Value = serde_json::from_str(&text).map_err(|error| FileError::Syntax(error.to_string()))?;
        let mut settings = Self::default();
        let root = Node { place: String::new(), value: &root }.object()?;
        let Some(section) = root.get("WebPubSub")? else {
            settings.warnings.push("it has no section `WebPubSub`".to_owned());
            return Ok(settings);
        };
        let section = section.object()?;
        settings.access_key = section.get("AccessKey")?.map(|key| access_key(&key)).transpose()?;
        if let Some(hubs) = section.get("Hubs")? {
            for (name, hub) in hubs.object()?.entries() {
                check_hub_name(name).map_err(|error| hub.error(error))?;
                let handlers = settings.handlers(&hub)?;
                if settings.hubs.insert(name.to_ascii_lowercase(), handlers).is_some() {
                    return Err(hub.error("the hub is given twice; names of hubs have no case"));
                }
            }
        }
        Ok(settings)
    }

    fn handlers(&mut self, hub: &Node<'_>) -> Result<Vec<Handler>, FileError> {
        let object = hub.object()?;
        for (name, node) in object.entries() {
            if name.eq_ignore_ascii_case("EventListeners") {
                self.warnings.push(format!("`{}` has no effect: events go to handlers alone", node.place));
            } else if !name.eq_ignore_ascii_case("EventHandlers") {
                self.warnings.push(format!("`{}` is not known", node.place));
            }
        }
        let Some(list) = object.get("EventHandlers")? else { return Ok(Vec::new()) };
        list.array()?.iter().map(|node| self.handler(node)).collect()
    }

    fn handler(&mut self, node: &Node<'_>) -> Result<Handler, FileError> {
        const KNOWN: [&str; 4] = ["UrlTemplate", "EventPattern", "SystemEvents", "Auth"];
        let object = node.object()?;
        for (name, node) in object.entries() {
            if !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.warnings.push(format!("`{}` is not known; there are {}", node.place, KNOWN[..3].join(", ")));
            }
        }
        if let Some(auth) = object.get("Auth")? {
            return Err(auth.error("handlers are asked without credentials; leave it out"));
        }
        let url = object.get("UrlTemplate")?.ok_or_else(|| node.error("it has no `UrlTemplate`"))?;
        let template = UrlTemplate::new(url.string()?).map_err(|error| url.error(error))?;
        let user_events = match object.get("EventPattern")? {
            Some(pattern) => UserEvents::parse(pattern.string()?).map_err(|error| pattern.error(error))?,
            None => UserEvents::NONE,
        };
        let mut system_events = SystemEvents::NONE;
        if let Some(list) = object.get("SystemEvents")? {
            for event in list.array()? {
                system_events.add(event.string()?).map_err(|error| event.error(error))?;
            }
        }
        Ok(Handler { template, user_events, system_events })
    }
}

fn access_key(node: &Node<'_>) -> Result<Secret, FileError> {
    let key = node.string()?;
    check_access_key(key).map_err(|error| node.error(error))?;
    Ok(Secret::new(key))
}

/// A value and the place it stands at.
struct Node<'a> {
    place: String,
    value: &'a Value,
}

/// An object and the place it stands at.
struct Object<'a> {
    place: String,
    members: &'a Map<String, Value>,
}

impl<'a> Node<'a> {
    fn error(&self, problem: impl ToString) -> FileError {
        let place = if self.place.is_empty() { "(the whole file)".to_owned() } else { self.place.clone() };
        FileError::Value { place, problem: problem.to_string() }
    }

    fn object(&self) -> Result<Object<'a>, FileError> {
        match self.value {
            Value::Object(members) => Ok(Object { place: self.place.clone(), members }),
            _ => Err(self.error("it has to be an object")),
        }
    }

    fn array(&self) -> Result<Vec<Self>, FileError> {
        let Value::Array(items) = self.value else { return Err(self.error("it has to be an array")) };
        let node = |(index, value)| Node { place: format!("{}[{index}]", self.place), value };
        Ok(items.iter().enumerate().map(node).collect())
    }

    fn string(&self) -> Result<&'a str, FileError> {
        self.value.as_str().ok_or_else(|| self.error("it has to be a string"))
    }
}

impl<'a> Object<'a> {
    fn node(&self, name: &str, value: &'a Value) -> Node<'a> {
        let dot = if self.place.is_empty() { "" } else { "." };
        Node { place: format!("{}{dot}{name}", self.place), value }
    }

    /// The member with that name; null counts as absent.
    fn get(&self, name: &str) -> Result<Option<Node<'a>>, FileError> {
        let mut found = self.members.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let first = found.next().map(|(own, value)| self.node(own, value));
        if let Some((second, value)) = found.next() {
            return Err(self.node(second, value).error(format!("`{name}` is given twice; names have no case")));
        }
        Ok(first.filter(|node| !node.value.is_null()))
    }

    /// All members that are not null.
    fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let members = self.members.iter().filter(|(_, value)| !value.is_null());
        members.map(|(name, value)| (name.as_str(), self.node(name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_microsofts_emulator_is_read() {
        let text = r#"{
            // Of ASP.NET.
            "Logging": {"LogLevel": {"Default": "Information"}}, "AllowedHosts": "*",
            "webPubSub": {
                "ACCESSKEY": "sesame",
                "Hubs": {"Chat": {"EventHandlers": [
                    {"UrlTemplate": "http://localhost:7071/{hub}/{event}", "SystemEvents": ["connect", "Connected"],
                     "eventpattern": "a, b",},
                    {"UrlTemplate": "http://localhost:7072/", "EventPattern": "*"},
                    {"UrlTemplate": "http://localhost:7073/", "EventPattern": null},
                    {"UrlTemplate": "tunnel:///api/{event}"},
                ]}, "empty": {}},
            },
        }"#;
        let settings = SettingsFile::parse(&format!("\u{feff}{text}")).unwrap();
        assert_eq!(settings.access_key.unwrap().expose(), "sesame");
        assert_eq!(settings.warnings, [""; 0]);
        let handlers = &settings.hubs["chat"];
        assert_eq!(handlers[0].user_events, UserEvents::parse("a,b").unwrap());
        assert_eq!(handlers[0].system_events, SystemEvents::parse("connect,connected").unwrap());
        assert_eq!((&handlers[1].user_events, handlers[1].system_events), (&UserEvents::All, SystemEvents::NONE));
        assert_eq!(handlers[2].user_events, UserEvents::NONE);
        assert!(handlers[3].template.is_tunnel() && !handlers[2].template.is_tunnel());
        assert!(settings.hubs["empty"].is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let hub = |hub: &str| format!(r#"{{"WebPubSub":{{"Hubs":{{"chat":{hub}}}}}}}"#);
        let handler = |members: &str| hub(&format!(r#"{{"EventHandlers":[{{{members}}}]}}"#));
        for (text, error) in [
            ("{\n\"a\": x}".to_owned(), "it is not JSON: expected value at line 2 column 6"),
            ("[]".to_owned(), "`(the whole file)`: it has to be an object"),
            (r#"{"WebPubSub":{"AccessKey":7}}"#.to_owned(), "`WebPubSub.AccessKey`: it has to be a string"),
            (r#"{"WebPubSub":{"AccessKey":"a;b"}}"#.to_owned(), "`WebPubSub.AccessKey`: an access key has no `;`"),
            (r#"{"WebPubSub":{"Hubs":{"1":{}}}}"#.to_owned(), "`WebPubSub.Hubs.1`: "),
            (r#"{"WebPubSub":{"Hubs":{"a":{},"A":{}}}}"#.to_owned(), "`WebPubSub.Hubs.a`: the hub is given twice"),
            (r#"{"WebPubSub":{},"webpubsub":{}}"#.to_owned(), "`webpubsub`: `WebPubSub` is given twice"),
            (hub(r#"{"EventHandlers":{}}"#), "`WebPubSub.Hubs.chat.EventHandlers`: it has to be an array"),
            (handler(""), "`WebPubSub.Hubs.chat.EventHandlers[0]`: it has no `UrlTemplate`"),
            (
                handler(r#""UrlTemplate":"tunnel://x""#),
                "`WebPubSub.Hubs.chat.EventHandlers[0].UrlTemplate`: a tunnel has no host",
            ),
            (
                handler(r#""UrlTemplate":"http://h","EventPattern":"a b""#),
                "`WebPubSub.Hubs.chat.EventHandlers[0].EventPattern`: `a b` is not the name of an event",
            ),
            (
                handler(r#""UrlTemplate":"http://h","SystemEvents":["connect","x"]"#),
                "`WebPubSub.Hubs.chat.EventHandlers[0].SystemEvents[1]`: `x` is not a system event",
            ),
            (
                handler(r#""UrlTemplate":"http://h","Auth":{"Type":"None"}"#),
                "`WebPubSub.Hubs.chat.EventHandlers[0].Auth`: handlers are asked without credentials",
            ),
        ] {
            let found = SettingsFile::parse(&text).unwrap_err().to_string();
            assert!(found.starts_with(error), "{text}: {found}");
        }
    }

    #[test]
    fn what_has_no_effect_is_warned_about() {
        let text = r#"{"WebPubSub":{"Hubs":{"chat":{"EventListeners":[{}],
            "EventHandlers":[{"UrlTemplate":"http://h","UserEventPattern":"*"}]}}}}"#;
        let warnings = SettingsFile::parse(text).unwrap().warnings;
        assert!(warnings[0].starts_with("`WebPubSub.Hubs.chat.EventListeners` has no effect"), "{warnings:?}");
        assert!(warnings[1].contains("UserEventPattern` is not known"), "{warnings:?}");
        assert_eq!(SettingsFile::parse("{}").unwrap().warnings, ["it has no section `WebPubSub`"]);
    }
}
