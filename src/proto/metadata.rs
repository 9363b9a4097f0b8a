//! Metadata of a message (PROTOCOL §4.5): a small map of strings beside the payload.

use std::collections::BTreeSet;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use thiserror::Error;

/// Longest key, in bytes.
const MAX_KEY: usize = 256;
/// Longest value, in bytes.
const MAX_VALUE: usize = 1024;
/// Longest sum of all keys and values, in bytes.
const MAX_SUM: usize = 8 * 1024;

/// Checks the JSON text of a `metadata` object. Says what is wrong with it.
pub fn check_metadata(json: &str) -> Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Checker).map_err(|error| format!("`metadata`: {error}"))
}

/// Metadata that were checked, as the JSON text that frames have them as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata(Box<str>);

/// What is wrong with metadata (PROTOCOL §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// A key that no HTTP header could be named by, or one that is too long.
    #[error("a key is not an HTTP token of at most 256 characters")]
    Key,
    /// A key that is there twice.
    #[error("a key stands in it twice")]
    Twice,
    /// A value that is too long.
    #[error("a value has more than 1024 bytes")]
    LongValue,
    /// A value that is not ASCII.
    #[error("a value is not ASCII")]
    NotAscii,
    /// All of it is too long.
    #[error("it has more than 8 KiB")]
    TooLong,
}

impl Metadata {
    /// Metadata of keys and values, in their order.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, MetadataError> {
        let (mut tally, mut json) = (MetadataTally::default(), String::from("{"));
        for (key, value) in pairs {
            tally.add(key, value)?;
            for (mark, text) in [(if json.len() > 1 { "," } else { "" }, key), (":", value)] {
                json.push_str(mark);
                // Serialising a string cannot fail.
                json.push_str(&serde_json::to_string(text).unwrap_or_default());
            }
        }
        json.push('}');
        Ok(Self(json.into()))
    }

    /// Metadata of the JSON text of their object. Says what is wrong with it.
    pub fn from_json(json: &str) -> Result<Self, String> {
        check_metadata(json).map(|()| Self(json.into()))
    }

    /// The JSON text of the object.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// What has been seen of an object.
#[derive(Default)]
struct MetadataTally {
    keys: BTreeSet<String>,
    sum: usize,
}

impl MetadataTally {
    fn add(&mut self, key: &str, value: &str) -> Result<(), MetadataError> {
        self.sum += key.len() + value.len();
        let is_token = !key.is_empty()
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if !is_token || key.len() > MAX_KEY {
            return Err(MetadataError::Key);
        }
        if value.len() > MAX_VALUE {
            return Err(MetadataError::LongValue);
        }
        if !value.is_ascii() {
            return Err(MetadataError::NotAscii);
        }
        if self.sum > MAX_SUM {
            return Err(MetadataError::TooLong);
        }
        if self.keys.insert(key.to_owned()) { Ok(()) } else { Err(MetadataError::Twice) }
    }
}

struct Checker;

impl<'de> Visitor<'de> for Checker {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut tally = MetadataTally::default();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            tally.add(&key, &value).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_few_and_short_strings() {
        let long = |count: usize| format!(r#"{{"k":"{}"}}"#, "v".repeat(count));
        for good in ["{}", r#"{"a":"b","C-1":""}"#, &long(1024)] {
            assert_eq!(check_metadata(good), Ok(()), "{good}");
        }
        let many: Vec<String> = (0..9).map(|n| format!(r#""k{n}":"{}""#, "v".repeat(1000))).collect();
        for bad in [
            "5",
            r#"{"a":5}"#,
            r#"{"a b":"c"}"#,
            r#"{"":"c"}"#,
            r#"{"a":"b","a":"c"}"#,
            r#"{"a":"\u00e9"}"#,
            r#"{"a":"é"}"#,
            &long(1025),
            &format!("{{{}}}", many.join(",")),
        ] {
            assert!(check_metadata(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metadata_of_pairs_are_checked_alike() {
        let made = |pairs: &[(&'static str, &'static str)]| Metadata::new(pairs.iter().copied());
        assert_eq!(made(&[("b", "2"), ("a", "q\"")]).unwrap().as_json(), r#"{"b":"2","a":"q\""}"#);
        assert_eq!(made(&[]).unwrap().as_json(), "{}");
        for (pairs, error) in [
            (&[("a b", "c")][..], MetadataError::Key),
            (&[("a", "b"), ("a", "c")], MetadataError::Twice),
            (&[("a", "é")], MetadataError::NotAscii),
        ] {
            assert_eq!(made(pairs), Err(error));
        }
    }
}
