//! The settings file, of the shape that Microsoft's emulator reads, so that one file serves both.
//!
//! `{"WebPubSub": {"AccessKey": …, "Hubs": {"HUB": {"EventHandlers": [{"UrlTemplate": …, "EventPattern": "a,b",
//! "SystemEvents": ["connect"]}]}}}}`. A hub as Azure describes it is read, too, alone or in a list: `{"name": "HUB",
//! "properties": {"eventHandlers": [{"urlTemplate": …, "userEventPattern": …}]}}`, as `az webpubsub hub show`, `hub list` and
//! Azure's management API print it. Property names have no case, and sections that are other programs' business are
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
        let root = SettingsNode { place: String::new(), value: &root };
        if let Some(hubs) = hubs_of_azure(&root)? {
            for hub in hubs {
                settings.hub_of_azure(&hub)?;
            }
            return Ok(settings);
        }
        let Some(section) = root.object()?.get("WebPubSub")? else {
            settings.warnings.push("it has no section `WebPubSub`, and is no hub as Azure describes it".to_owned());
            return Ok(settings);
        };
        let section = section.object()?;
        settings.access_key = section.get("AccessKey")?.map(|key| access_key(&key)).transpose()?;
        if let Some(hubs) = section.get("Hubs")? {
            for (name, hub) in hubs.object()?.entries() {
                let handlers = settings.handlers(&hub)?;
                settings.add(&hub, name, handlers)?;
            }
        }
        Ok(settings)
    }

    /// `node` is where the hub stands.
    fn add(&mut self, node: &SettingsNode<'_>, hub: &str, handlers: Vec<Handler>) -> Result<(), FileError> {
        check_hub_name(hub).map_err(|error| node.error(error))?;
        if self.hubs.insert(hub.to_ascii_lowercase(), handlers).is_some() {
            return Err(node.error("the hub is given twice; names of hubs have no case"));
        }
        Ok(())
    }

    /// Much of what is said of one in Azure is no business of ours.
    fn hub_of_azure(&mut self, hub: &SettingsNode<'_>) -> Result<(), FileError> {
        let object = hub.object()?;
        let name = object.get("name")?.ok_or_else(|| hub.error("it has no `name`"))?;
        let properties = object.get("properties")?;
        let properties = properties.as_ref().unwrap_or(hub).object()?;
        let listeners = properties.get("eventListeners")?;
        if let Some(listeners) = listeners.filter(|list| list.value.as_array().is_none_or(|list| !list.is_empty())) {
            self.warnings.push(format!("`{}` has no effect: events go to handlers alone", listeners.place));
        }
        let policy = properties.get("anonymousConnectPolicy")?;
        if let Some(policy) =
            policy.filter(|node| node.value.as_str().is_some_and(|it| it.eq_ignore_ascii_case("allow")))
        {
            self.warnings
                .push(format!("`{}` has no effect: `--allow-anonymous` lets clients without a token in", policy.place));
        }
        let handlers = match properties.get("eventHandlers")? {
            Some(list) => {
                list.array()?.iter().map(|node| self.handler(node, "UserEventPattern")).collect::<Result<_, _>>()?
            }
            None => Vec::new(),
        };
        // Where it is named from outside, its resource stands before it.
        let short = name.string()?.rsplit('/').next().unwrap_or_default();
        self.add(&name, short, handlers)
    }

    fn handlers(&mut self, hub: &SettingsNode<'_>) -> Result<Vec<Handler>, FileError> {
        let object = hub.object()?;
        for (name, node) in object.entries() {
            if name.eq_ignore_ascii_case("EventListeners") {
                self.warnings.push(format!("`{}` has no effect: events go to handlers alone", node.place));
            } else if !name.eq_ignore_ascii_case("EventHandlers") {
                self.warnings.push(format!("`{}` is not known", node.place));
            }
        }
        let Some(list) = object.get("EventHandlers")? else { return Ok(Vec::new()) };
        list.array()?.iter().map(|node| self.handler(node, "EventPattern")).collect()
    }

    /// `pattern` is the name of what says which events of clients it takes.
    fn handler(&mut self, node: &SettingsNode<'_>, pattern: &str) -> Result<Handler, FileError> {
        let known = ["UrlTemplate", pattern, "SystemEvents", "Auth"];
        let object = node.object()?;
        for (name, node) in object.entries() {
            if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.warnings.push(format!("`{}` is not known; there are {}", node.place, known[..3].join(", ")));
            }
        }
        if let Some(auth) = object.get("Auth")? {
            check_auth(&auth)?;
        }
        let url = object.get("UrlTemplate")?.ok_or_else(|| node.error("it has no `UrlTemplate`"))?;
        let template = UrlTemplate::new(url.string()?).map_err(|error| url.error(error))?;
        let user_events = match object.get(pattern)? {
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

/// The hubs in what Azure says of one or several; `None`: it is something else.
fn hubs_of_azure<'a>(root: &SettingsNode<'a>) -> Result<Option<Vec<SettingsNode<'a>>>, FileError> {
    if root.value.is_array() {
        return root.array().map(Some);
    }
    let object = root.object()?;
    match object.get("value")? {
        Some(list) if list.value.is_array() => return list.array().map(Some),
        Some(_) | None => {}
    }
    let is_hub = object.get("properties")?.is_some() || object.get("eventHandlers")?.is_some();
    Ok(is_hub.then(|| vec![SettingsNode { place: String::new(), value: root.value }]))
}

/// Nothing but `None`, which Azure writes where there is nothing.
fn check_auth(auth: &SettingsNode<'_>) -> Result<(), FileError> {
    match auth.object()?.get("Type")? {
        Some(kind) if !kind.string()?.eq_ignore_ascii_case("None") => {
            Err(kind.error("handlers are asked without credentials; leave it out"))
        }
        Some(_) | None => Ok(()),
    }
}

fn access_key(node: &SettingsNode<'_>) -> Result<Secret, FileError> {
    let key = node.string()?;
    check_access_key(key).map_err(|error| node.error(error))?;
    Ok(Secret::new(key))
}

/// A value and the place it stands at.
struct SettingsNode<'a> {
    place: String,
    value: &'a Value,
}

/// An object and the place it stands at.
struct SettingsObject<'a> {
    place: String,
    members: &'a Map<String, Value>,
}

impl<'a> SettingsNode<'a> {
    fn error(&self, problem: impl ToString) -> FileError {
        let place = if self.place.is_empty() { "(the whole file)".to_owned() } else { self.place.clone() };
        FileError::Value { place, problem: problem.to_string() }
    }

    fn object(&self) -> Result<SettingsObject<'a>, FileError> {
        match self.value {
            Value::Object(members) => Ok(SettingsObject { place: self.place.clone(), members }),
            _ => Err(self.error("it has to be an object")),
        }
    }

    fn array(&self) -> Result<Vec<Self>, FileError> {
        let Value::Array(items) = self.value else { return Err(self.error("it has to be an array")) };
        let node = |(index, value)| SettingsNode { place: format!("{}[{index}]", self.place), value };
        Ok(items.iter().enumerate().map(node).collect())
    }

    fn string(&self) -> Result<&'a str, FileError> {
        self.value.as_str().ok_or_else(|| self.error("it has to be a string"))
    }
}

impl<'a> SettingsObject<'a> {
    fn node(&self, name: &str, value: &'a Value) -> SettingsNode<'a> {
        let dot = if self.place.is_empty() { "" } else { "." };
        SettingsNode { place: format!("{}{dot}{name}", self.place), value }
    }

    /// The member with that name; null counts as absent.
    fn get(&self, name: &str) -> Result<Option<SettingsNode<'a>>, FileError> {
        let mut found = self.members.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let first = found.next().map(|(own, value)| self.node(own, value));
        if let Some((second, value)) = found.next() {
            return Err(self.node(second, value).error(format!("`{name}` is given twice; names have no case")));
        }
        Ok(first.filter(|node| !node.value.is_null()))
    }

    /// All members that are not null.
    fn entries(&self) -> impl Iterator<Item = (&'a str, SettingsNode<'a>)> {
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
                     "eventpattern": "a, b", "auth": {"type": "None"}},
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
    fn a_hub_as_azure_describes_it_is_read() {
        let hub = r#"{
            "id": "/subscriptions/0/resourceGroups/g/providers/Microsoft.SignalRService/WebPubSub/r/hubs/Chat",
            "name": "Chat",
            "properties": {
                "anonymousConnectPolicy": "deny",
                "eventHandlers": [{
                    "auth": {"managedIdentity": null, "type": "None"},
                    "systemEvents": ["connect"],
                    "urlTemplate": "tunnel:///eventhandler/{event}",
                    "userEventPattern": "vote,chat"
                }],
                "eventListeners": null,
                "webSocketKeepAliveIntervalInSeconds": 20
            },
            "resourceGroup": "g",
            "systemData": null,
            "type": "Microsoft.SignalRService/WebPubSub/hubs"
        }"#;
        // As `hub show` prints it, as `hub list` does, as the management API lists it.
        for text in [hub.to_owned(), format!("[{hub}]"), format!("{{\"value\": [{hub}], \"nextLink\": null}}")] {
            let settings = SettingsFile::parse(&text).unwrap();
            assert_eq!(settings.warnings, [""; 0]);
            let [handler] = &settings.hubs["chat"][..] else { panic!("{settings:?}") };
            assert!(handler.template.is_tunnel());
            assert_eq!(handler.user_events, UserEvents::parse("vote,chat").unwrap());
            assert_eq!(handler.system_events, SystemEvents::parse("connect").unwrap());
        }
        // Without the level of `properties`, and with what has no effect here.
        let text =
            r#"{"name": "r/chat", "anonymousConnectPolicy": "allow", "eventListeners": [{}], "eventHandlers": null}"#;
        let settings = SettingsFile::parse(&format!("[{text}]")).unwrap();
        assert!(settings.hubs["chat"].is_empty());
        assert!(settings.warnings[0].starts_with("`[0].eventListeners` has no effect"), "{:?}", settings.warnings);
        assert!(settings.warnings[1].contains("--allow-anonymous"), "{:?}", settings.warnings);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let hub = |hub: &str| format!(r#"{{"WebPubSub":{{"Hubs":{{"chat":{hub}}}}}}}"#);
        let handler = |members: &str| hub(&format!(r#"{{"EventHandlers":[{{{members}}}]}}"#));
        for (text, error) in [
            ("{\n\"a\": x}".to_owned(), "it is not JSON: expected value at line 2 column 6"),
            ("7".to_owned(), "`(the whole file)`: it has to be an object"),
            ("[7]".to_owned(), "`[0]`: it has to be an object"),
            (r#"{"properties":{}}"#.to_owned(), "`(the whole file)`: it has no `name`"),
            (r#"[{"name":"a"},{"name":"r/hubs/A"}]"#.to_owned(), "`[1].name`: the hub is given twice"),
            (
                r#"{"value":[{"name":"a","properties":{"eventHandlers":[{"urlTemplate":"x"}]}}]}"#.to_owned(),
                "`value[0].properties.eventHandlers[0].urlTemplate`: ",
            ),
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
                handler(r#""UrlTemplate":"http://h","Auth":{"Type":"ManagedIdentity"}"#),
                "`WebPubSub.Hubs.chat.EventHandlers[0].Auth.Type`: handlers are asked without credentials",
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
        assert_eq!(
            SettingsFile::parse("{}").unwrap().warnings,
            ["it has no section `WebPubSub`, and is no hub as Azure describes it"]
        );
    }

    proptest::proptest! {
        #[test]
        fn spoiled_files_are_read_or_refused(text in webpubsub_spoil::spoiled_text(&[
            r#"{// c
                "WebPubSub":{"AccessKey":"k","Hubs":{"chat":{"EventHandlers":[
                {"UrlTemplate":"http://localhost:7071/{hub}/{event}","SystemEvents":["connect"],"EventPattern":"a, b",},
                {"UrlTemplate":"tunnel:///api/{event}","EventPattern":"*"}]}}}}"#,
        ])) {
            crate::fuzz::settings_file(&text);
        }
    }
}
