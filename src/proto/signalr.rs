//! The records of ASP.NET Core's SignalR hub protocol in its JSON form, as the live trace speaks it (PROTOCOL §21.2).
//!
//! A text message holds one or more records, each a JSON object with byte 0x1E behind it. Both ends of the wire are here:
//! the client of `wps trace` and the emulator's `/livetrace`. Whatever comes is either a record or an error; what a
//! record takes in memory is bounded by the message that it stands in.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

/// What stands behind every record.
pub const SEPARATOR: char = '\u{1e}';

/// Each side pings when it has sent nothing for so long (PROTOCOL §21.3).
pub const PING_INTERVAL: Duration = Duration::from_secs(15);

/// A side that has received nothing for so long gives the connection up (PROTOCOL §21.3).
pub const SILENCE: Duration = Duration::from_secs(30);

/// How long the handshake may take (PROTOCOL §21.3).
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// The client's first record: it asks for JSON.
pub const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// The answer to it when that is fine.
pub const ACCEPTED: &str = "{}\u{1e}";

/// Says that this side is there.
pub const PING: &str = "{\"type\":6}\u{1e}";

/// A record, as far as the live trace has a use for it.
#[derive(Clone, Debug)]
pub enum SignalrRecord<'a> {
    /// Type 1: a call of a method of the other side.
    Invocation(Invocation<'a>),
    /// Type 3: the answer to a call that had an id.
    Completion {
        /// That id.
        invocation_id: String,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// Type 6.
    Ping,
    /// Type 7: the other side is about to close.
    Close {
        /// Why, where that is said.
        error: Option<String>,
        /// Whether one may come back by oneself.
        allow_reconnect: bool,
    },
    /// One of another type, known to SignalR or not: there is nothing to be done about it.
    Other(u64),
}

/// A call of a method of the other side.
#[derive(Clone, Debug)]
pub struct Invocation<'a> {
    /// The method; its letter case does not matter.
    pub target: Cow<'a, str>,
    /// The first of its arguments: no method of the live trace has more.
    pub argument: Option<&'a RawValue>,
    /// With one, an answer is due.
    pub invocation_id: Option<String>,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRecord {
    /// The message ends before the record does.
    #[error("it does not end with 0x1E")]
    Unterminated,
    /// It is no JSON object with the properties that its type needs.
    #[error("{0}")]
    Malformed(String),
}

/// What the answer to a handshake says that is not "accepted".
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HandshakeProblem {
    /// The other side does not want it.
    #[error("{0}")]
    Refused(String),
    /// It is no answer to a handshake.
    #[error("{0}")]
    NoHandshake(BadRecord),
}

/// The records of a message, in their order, each without its separator. What stands behind the last separator is an
/// error.
pub fn records(message: &str) -> impl Iterator<Item = Result<&str, BadRecord>> {
    message.split_inclusive(SEPARATOR).map(|record| record.strip_suffix(SEPARATOR).ok_or(BadRecord::Unterminated))
}

/// What a record says.
pub fn parse(record: &str) -> Result<SignalrRecord<'_>, BadRecord> {
    #[derive(Deserialize)]
    struct Head {
        r#type: u64,
    }
    match read::<Head>(record)?.r#type {
        1 => {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Fields<'a> {
                #[serde(borrow)]
                target: Cow<'a, str>,
                #[serde(borrow, default)]
                arguments: FirstOf<'a>,
                invocation_id: Option<String>,
            }
            let Fields { target, arguments, invocation_id } = read(record)?;
            Ok(SignalrRecord::Invocation(Invocation { target, argument: arguments.0, invocation_id }))
        }
        3 => {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Fields {
                invocation_id: String,
                error: Option<String>,
            }
            let Fields { invocation_id, error } = read(record)?;
            Ok(SignalrRecord::Completion { invocation_id, error })
        }
        6 => Ok(SignalrRecord::Ping),
        7 => {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Fields {
                error: Option<String>,
                allow_reconnect: Option<bool>,
            }
            let Fields { error, allow_reconnect } = read(record)?;
            Ok(SignalrRecord::Close { error, allow_reconnect: allow_reconnect.unwrap_or(false) })
        }
        other => Ok(SignalrRecord::Other(other)),
    }
}

/// Whether a record is a handshake that asks for what is spoken here.
pub fn check_handshake(record: &str) -> Result<(), HandshakeProblem> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        protocol: Cow<'a, str>,
        version: u64,
    }
    let Fields { protocol, version } = read(record).map_err(HandshakeProblem::NoHandshake)?;
    if protocol != "json" {
        return Err(HandshakeProblem::Refused(format!("The protocol '{protocol}' is not supported.")));
    }
    if version != 1 {
        let what = format!("The server does not support version {version} of the '{protocol}' protocol.");
        return Err(HandshakeProblem::Refused(what));
    }
    Ok(())
}

/// Whether a record is the answer that a handshake hopes for.
pub fn check_handshake_answer(record: &str) -> Result<(), HandshakeProblem> {
    #[derive(Deserialize)]
    struct Fields {
        error: Option<String>,
        r#type: Option<IgnoredAny>,
    }
    let Fields { error, r#type } = read(record).map_err(HandshakeProblem::NoHandshake)?;
    match (error, r#type) {
        (Some(error), _) => Err(HandshakeProblem::Refused(error)),
        (None, Some(_)) => {
            let what = "it is a record, and an answer to the handshake is due".to_owned();
            Err(HandshakeProblem::NoHandshake(BadRecord::Malformed(what)))
        }
        (None, None) => Ok(()),
    }
}

/// A call; with an id, an answer to it is wanted. What serialises as JSON always does.
pub fn invocation<T: Serialize>(target: &str, invocation_id: Option<&str>, arguments: &[T]) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields<'a, T: Serialize> {
        r#type: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        invocation_id: Option<&'a str>,
        target: &'a str,
        arguments: &'a [T],
    }
    write(&Fields { r#type: 1, invocation_id, target, arguments })
}

/// The answer to a call. Without an error: it is done, and there is nothing to be said.
pub fn completion(invocation_id: &str, error: Option<&str>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields<'a> {
        r#type: u8,
        invocation_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<()>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    }
    write(&Fields { r#type: 3, invocation_id, result: None, error })
}

/// The end of a connection.
pub fn close(error: Option<&str>, allow_reconnect: bool) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields<'a> {
        r#type: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        allow_reconnect: bool,
    }
    write(&Fields { r#type: 7, error, allow_reconnect })
}

/// The answer to a handshake that is not wanted.
pub fn refusal(error: &str) -> String {
    #[derive(Serialize)]
    struct Fields<'a> {
        error: &'a str,
    }
    write(&Fields { error })
}

fn write(fields: &impl Serialize) -> String {
    let mut text = serde_json::to_string(fields).unwrap_or_default();
    text.push(SEPARATOR);
    text
}

fn read<'a, T: Deserialize<'a>>(record: &'a str) -> Result<T, BadRecord> {
    // What is no object would be read field by field, were it an array.
    if !record.trim_start().starts_with('{') {
        return Err(BadRecord::Malformed("it is no JSON object".to_owned()));
    }
    serde_json::from_str(record).map_err(|error| BadRecord::Malformed(error.to_string()))
}

/// The first of a list, whose rest is read and forgotten: a list of nothings takes no memory.
#[derive(Debug, Default)]
struct FirstOf<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for FirstOf<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for List<'a> {
            type Value = FirstOf<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of arguments")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(FirstOf(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(FirstOf(first))
            }
        }
        deserializer.deserialize_any(List(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(message: &str) -> Vec<Result<SignalrRecord<'_>, BadRecord>> {
        records(message).map(|record| record.and_then(parse)).collect()
    }

    #[test]
    fn a_message_holds_several_records_of_every_type() {
        let message = "{\"type\":1,\"target\":\"logEvent\",\"arguments\":[{\"a\":1},2],\"headers\":{}}\u{1e}\
            {\"arguments\":[],\"target\":\"x\",\"invocationId\":\"7\",\"type\":1}\u{1e}\
            {\"type\":3,\"invocationId\":\"1\",\"result\":[1]}\u{1e}{\"type\":3,\"invocationId\":\"1\",\"error\":\"no\"}\u{1e}\
            {\"type\":6}\u{1e}{\"type\":7}\u{1e}{\"type\":7,\"error\":\"e\",\"allowReconnect\":true}\u{1e}\
            {\"type\":9,\"sequenceId\":4,\"error\":5}\u{1e}{\"type\":4711}\u{1e}";
        let read = read_all(message).into_iter().map(|record| record.unwrap());
        let told: Vec<String> = read
            .map(|record| match record {
                SignalrRecord::Invocation(Invocation { target, argument, invocation_id }) => {
                    format!("{target} {:?} {invocation_id:?}", argument.map(RawValue::get))
                }
                SignalrRecord::Completion { invocation_id, error } => format!("done {invocation_id} {error:?}"),
                SignalrRecord::Ping => "ping".to_owned(),
                SignalrRecord::Close { error, allow_reconnect } => format!("close {error:?} {allow_reconnect}"),
                SignalrRecord::Other(kind) => format!("other {kind}"),
            })
            .collect();
        let expected = [
            "logEvent Some(\"{\\\"a\\\":1}\") None",
            "x None Some(\"7\")",
            "done 1 None",
            "done 1 Some(\"no\")",
            "ping",
            "close None false",
            "close Some(\"e\") true",
            "other 9",
            "other 4711",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_record_is_an_error_and_those_around_it_are_read() {
        let message =
            "{\"type\":6}\u{1e}[1]\u{1e}\u{1e}{\"type\":\"6\"}\u{1e}{\"type\":1}\u{1e}{\"type\":6}\u{1e}{\"type\":6}";
        let read = read_all(message);
        assert_eq!(read.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, false, false, true, false]);
        assert!(matches!(read.last(), Some(Err(BadRecord::Unterminated))));
        assert_eq!(records("").count(), 0);
    }

    #[test]
    fn a_handshake_is_taken_or_refused_in_words() {
        let first = |message: &'static str| records(message).next().unwrap().unwrap();
        assert_eq!(check_handshake(first(HANDSHAKE)), Ok(()));
        for (asked, refused) in [
            ("{\"protocol\":\"messagepack\",\"version\":1}", "The protocol 'messagepack' is not supported."),
            ("{\"protocol\":\"json\",\"version\":9}", "The server does not support version 9 of the 'json' protocol."),
        ] {
            assert_eq!(check_handshake(asked), Err(HandshakeProblem::Refused(refused.to_owned())));
        }
        assert!(matches!(check_handshake("{\"type\":6}"), Err(HandshakeProblem::NoHandshake(_))));
        assert_eq!(check_handshake_answer(first(ACCEPTED)), Ok(()));
        let refused = check_handshake_answer("{\"error\":\"no\"}");
        assert_eq!(refused, Err(HandshakeProblem::Refused("no".to_owned())));
        for bad in ["", "null", "[]", "{\"type\":6}", "hello"] {
            let answer = check_handshake_answer(bad);
            assert!(matches!(answer, Err(HandshakeProblem::NoHandshake(_))), "{bad}: {answer:?}");
        }
    }

    #[test]
    fn what_is_written_is_what_the_protocol_says() {
        let nothing: [(); 0] = [];
        for (written, expected) in [
            (
                invocation("LogProperty", None, &[12]),
                "{\"type\":1,\"target\":\"LogProperty\",\"arguments\":[12]}\u{1e}",
            ),
            (
                invocation("startListeningToLogEvents", Some("0"), &nothing),
                "{\"type\":1,\"invocationId\":\"0\",\"target\":\"startListeningToLogEvents\",\"arguments\":[]}\u{1e}",
            ),
            (completion("7", Some("no")), "{\"type\":3,\"invocationId\":\"7\",\"error\":\"no\"}\u{1e}"),
            (completion("7", None), "{\"type\":3,\"invocationId\":\"7\"}\u{1e}"),
            (close(None, false), "{\"type\":7}\u{1e}"),
            (close(Some("e"), true), "{\"type\":7,\"error\":\"e\",\"allowReconnect\":true}\u{1e}"),
            (refusal("no"), "{\"error\":\"no\"}\u{1e}"),
        ] {
            assert_eq!(written, expected);
        }
    }

    proptest! {
        #[test]
        fn spoiled_records_are_records_or_errors(message in webpubsub_spoil::spoiled_text(&[
            "{\"protocol\":\"json\",\"version\":1}\u{1e}",
            "{}\u{1e}{\"type\":6}\u{1e}{\"type\":7,\"error\":\"e\",\"allowReconnect\":true}\u{1e}",
            "{\"type\":1,\"target\":\"logEvents\",\"arguments\":[[{\"a\":1}]],\"invocationId\":\"1\"}\u{1e}",
        ])) {
            crate::fuzz::live_trace(&message);
        }

        #[test]
        fn whatever_comes_is_a_record_or_an_error(
            message in "(\\{\"type\":[0-9]{1,2}(,\"(target|arguments|error|invocationId|allowReconnect)\":(\"[^\"\\\\\u{1e}]{0,4}\"|\\[[0-9\\[\\]{},]{0,6}\\]|null|true)){0,3}\\}?\u{1e}?|.{0,20}|\u{1e}){0,6}"
        ) {
            let read = read_all(&message);
            prop_assert_eq!(read.len(), message.split_inclusive(SEPARATOR).count());
            for record in records(&message).flatten() {
                let _ = (check_handshake(record), check_handshake_answer(record));
            }
        }

        #[test]
        fn what_is_written_is_read_again(target in "\\PC{1,20}", id in proptest::option::of("\\PC{0,8}"), value in any::<i64>(), error in ".{0,20}") {
            let message = format!(
                "{}{}{}",
                invocation(&target, id.as_deref(), &[value]),
                completion("1", Some(&error)),
                close(Some(&error), true)
            );
            let read = read_all(&message);
            prop_assert_eq!(read.len(), 3);
            let Ok(SignalrRecord::Invocation(Invocation { target: read_target, argument, invocation_id })) = &read[0] else {
                panic!("{read:?}")
            };
            prop_assert_eq!(read_target, &target);
            prop_assert_eq!(argument.map(|argument| argument.get().to_owned()), Some(value.to_string()));
            prop_assert_eq!(invocation_id, &id);
            let Ok(SignalrRecord::Completion { error: Some(read_error), .. }) = &read[1] else { panic!("{read:?}") };
            prop_assert_eq!(read_error, &error);
            let Ok(SignalrRecord::Close { error: Some(read_error), allow_reconnect: true }) = &read[2] else { panic!("{read:?}") };
            prop_assert_eq!(read_error, &error);
        }
    }
}
