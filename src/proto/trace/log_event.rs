//! The contents of a live trace (PROTOCOL §21.4): what has happened, and the template that puts it into words.
//!
//! Ids, names and shapes are not published: what is missing or of another kind is left out, and only an event without an
//! id is none. Lists and maps are read up to a limit, so that what is kept is bounded by what was sent.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most values, and the most properties, that are kept of one event.
pub const MOST_VALUES: usize = 256;

/// How grave an event is (PROTOCOL §21.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 0
    Trace,
    /// 1
    Debug,
    /// 2
    Information,
    /// 3
    Warning,
    /// 4
    Error,
    /// 5
    Critical,
    /// 6
    None,
}

impl Level {
    /// All of them, the least grave first: each stands at its number.
    pub const ALL: [Self; 7] =
        [Self::Trace, Self::Debug, Self::Information, Self::Warning, Self::Error, Self::Critical, Self::None];

    /// As .NET spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "Trace",
            Self::Debug => "Debug",
            Self::Information => "Information",
            Self::Warning => "Warning",
            Self::Error => "Error",
            Self::Critical => "Critical",
            Self::None => "None",
        }
    }

    /// Its number on the wire.
    pub fn number(self) -> u64 {
        match self {
            Self::Trace => 0,
            Self::Debug => 1,
            Self::Information => 2,
            Self::Warning => 3,
            Self::Error => 4,
            Self::Critical => 5,
            Self::None => 6,
        }
    }

    /// By its name, whose letter case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }

    fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }
}

/// Something that has happened on the service: the argument of `logEvent`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEvent {
    /// When, as the service writes it.
    pub time: Option<String>,
    /// What kind of thing it was; its template has the same.
    pub event_id: i64,
    /// Where and whose, by name.
    pub context: Vec<(String, String)>,
    /// What stands in place of the template's placeholders, in their order.
    pub values: Vec<String>,
    /// What was thrown.
    pub exception: Option<String>,
}

impl LogEvent {
    /// Reads one.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            #[serde(default)]
            time: LooseText,
            event_id: i64,
            #[serde(default)]
            log_context: Context,
            #[serde(default)]
            values: Values,
            #[serde(default)]
            exception_message: LooseText,
        }
        let Fields { time, event_id, log_context, values, exception_message } = serde_json::from_str(json)?;
        Ok(Self { time: time.0, event_id, context: log_context.0, values: values.0, exception: exception_message.0 })
    }

    /// About how much memory it takes, in bytes.
    pub fn cost(&self) -> usize {
        let text = |text: &String| text.len() + size_of::<String>();
        size_of::<Self>()
            + self.time.as_ref().map_or(0, String::len)
            + self.exception.as_ref().map_or(0, String::len)
            + self.values.iter().map(text).sum::<usize>()
            + self.context.iter().map(|(name, value)| text(name) + text(value)).sum::<usize>()
    }
}

/// What an event says: the argument of the answer to `LogProperty`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The events that it is for.
    pub event_id: i64,
    /// Their name.
    pub name: Option<String>,
    /// In words, with placeholders.
    pub text: String,
    /// How grave they are.
    pub level: Option<Level>,
}

impl Template {
    /// Reads one.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            event_id: i64,
            #[serde(default)]
            event_name: LooseText,
            #[serde(default)]
            template: LooseText,
            #[serde(default)]
            log_level: LooseText,
        }
        let Fields { event_id, event_name, template, log_level } = serde_json::from_str(json)?;
        let level = log_level.0.as_deref().and_then(|level| match level.parse() {
            Ok(number) => Level::from_number(number),
            Err(_) => Level::from_name(level),
        });
        Ok(Self { event_id, name: event_name.0, text: template.0.unwrap_or_default(), level })
    }

    /// The template with the values in place of its placeholders, from left to right in one pass: a value is never taken
    /// for a placeholder (PROTOCOL §21.4). A placeholder without a value stays.
    pub fn fill(&self, values: &[String]) -> String {
        let mut filled = String::with_capacity(self.text.len() + values.iter().map(String::len).sum::<usize>());
        let (mut rest, mut values) = (self.text.as_str(), values.iter());
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            match placeholder(from).and_then(|end| values.next().map(|value| (end, value))) {
                Some((end, value)) => {
                    filled.push_str(value);
                    rest = &from[end..];
                }
                None => {
                    filled.push('{');
                    rest = &from[1..];
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

/// The length of the placeholder `{\w+}` that a text begins with.
fn placeholder(text: &str) -> Option<usize> {
    let name = text.strip_prefix('{')?;
    let length = name.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    (length > 0 && name.as_bytes().get(length) == Some(&b'}')).then_some(length + 2)
}

/// The text of a value, whatever it is: JSON where it is no string, nothing for `null`.
#[derive(Debug, Default)]
struct LooseText(Option<String>);

impl<'de> Deserialize<'de> for LooseText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        let text = raw.get();
        Ok(Self(match text.as_bytes().first() {
            Some(b'"') => Some(serde_json::from_str(text).map_err(D::Error::custom)?),
            Some(b'n') => None,
            _ => Some(text.to_owned()),
        }))
    }
}

#[derive(Debug, Default)]
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values")
            }

            fn visit_unit<E>(self) -> Result<Values, E> {
                Ok(Values::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while values.len() < MOST_VALUES {
                    let Some(LooseText(value)) = list.next_element()? else { return Ok(Values(values)) };
                    values.push(value.unwrap_or_default());
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Values(values))
            }
        }
        deserializer.deserialize_any(List)
    }
}

#[derive(Debug, Default)]
struct Context(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Properties;
        impl<'de> Visitor<'de> for Properties {
            type Value = Context;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of properties")
            }

            fn visit_unit<E>(self) -> Result<Context, E> {
                Ok(Context::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Context, A::Error> {
                let mut context = Vec::new();
                while context.len() < MOST_VALUES {
                    let Some((name, LooseText(value))) = map.next_entry::<String, LooseText>()? else {
                        return Ok(Context(context));
                    };
                    context.extend(value.map(|value| (name, value)));
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Context(context))
            }
        }
        deserializer.deserialize_any(Properties)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str) -> Template {
        Template { event_id: 1, name: None, text: text.to_owned(), level: None }
    }

    fn fill(text: &str, values: &[&str]) -> String {
        template(text).fill(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn an_event_and_its_template_are_read_as_the_tool_has_them() {
        let event = r#"{"time":"2026-01-01T00:00:00Z","eventId":12,"logContext":{"hub":"chat","connectionId":"c1"},
            "values":["alice"],"exceptionMessage":null}"#;
        let event = LogEvent::parse(event).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = LogEvent {
            time: Some("2026-01-01T00:00:00Z".into()),
            event_id: 12,
            context: vec![pair("hub", "chat"), pair("connectionId", "c1")],
            values: vec!["alice".into()],
            exception: None,
        };
        assert_eq!(event, expected);
        let answer = r#"{"eventId":12,"eventName":"ConnectionStarted","template":"Connection started for {userId}.","logLevel":2}"#;
        let template = Template::parse(answer).unwrap();
        assert_eq!((template.name.as_deref(), template.level), (Some("ConnectionStarted"), Some(Level::Information)));
        assert_eq!(template.fill(&event.values), "Connection started for alice.");
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_left_out() {
        let event =
            LogEvent::parse(r#"{"eventId":-3,"logContext":null,"values":[1,null,{"a":"b"}],"more":[]}"#).unwrap();
        let values = ["1", "", "{\"a\":\"b\"}"].map(str::to_owned).to_vec();
        assert_eq!(event, LogEvent { event_id: -3, values, ..LogEvent::default() });
        let event = LogEvent::parse(r#"{"eventId":1,"logContext":{"a":1,"b":null,"c":[2]},"time":17}"#).unwrap();
        assert_eq!(event.context, [("a".to_owned(), "1".to_owned()), ("c".to_owned(), "[2]".to_owned())]);
        assert_eq!(event.time.as_deref(), Some("17"));
        for none in ["{}", "[]", "1", "{\"eventId\":\"x\"}", "{\"eventId\":1,\"values\":{}}"] {
            assert!(LogEvent::parse(none).is_err(), "{none}");
        }
        for (level, expected) in [
            ("4", Some(Level::Error)),
            ("\"4\"", Some(Level::Error)),
            ("\"warning\"", Some(Level::Warning)),
            ("null", None),
            ("7", None),
            ("\"loud\"", None),
        ] {
            let template = Template::parse(&format!("{{\"eventId\":1,\"logLevel\":{level}}}")).unwrap();
            assert_eq!(template.level, expected, "{level}");
        }
    }

    #[test]
    fn placeholders_are_filled_in_one_pass_from_left_to_right() {
        for (text, values, expected) in [
            ("{a} and {b}", &["1", "2"][..], "1 and 2"),
            ("{a}{a}", &["1", "2"], "12"),
            // What a value holds is no placeholder.
            ("{a} {b}", &["{b}", "2"], "{b} 2"),
            // One without a value stays, and so do values without a placeholder.
            ("{a} {b}", &["1"], "1 {b}"),
            ("none", &["1"], "none"),
            ("{{ {a:b} {} {é} {a b} {", &["1"], "{{ {a:b} {} {é} {a b} {"),
            ("{{a}}", &["1"], "{1}"),
            ("é{a_1}é", &["ü"], "éüé"),
            ("{a", &["1"], "{a"),
        ] {
            assert_eq!(fill(text, values), expected, "{text}");
        }
    }

    #[test]
    fn what_is_kept_of_a_list_is_bounded() {
        let many = vec!["1"; 10_000].join(",");
        assert_eq!(
            LogEvent::parse(&format!("{{\"eventId\":1,\"values\":[{many}]}}")).unwrap().values.len(),
            MOST_VALUES
        );
        let many = vec!["\"a\":1"; 10_000].join(",");
        let event = LogEvent::parse(&format!("{{\"eventId\":1,\"logContext\":{{{many}}}}}")).unwrap();
        assert_eq!(event.context.len(), MOST_VALUES);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(text in "(\\{|\\}|\\[|\\]|\"(eventId|values|logContext|time|template|logLevel)\":?|,|:|[0-9]{1,3}|null|\\PC){0,30}") {
            let _ = (LogEvent::parse(&text), Template::parse(&text));
            // Without values nothing is changed.
            prop_assert_eq!(&template(&text).fill(&[]), &text);
            let filled = template(&text).fill(&["{a}".to_owned()]);
            prop_assert!(filled.len() <= text.len() + 3);
        }
    }
}
