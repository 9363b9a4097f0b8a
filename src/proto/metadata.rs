//! Metadata of a message (PROTOCOL §4.5): a small map of strings beside the payload.

use std::collections::BTreeSet;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};

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

struct Checker;

impl<'de> Visitor<'de> for Checker {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let wrong = |what: &str| Err(serde::de::Error::custom(what));
        let (mut keys, mut sum) = (BTreeSet::new(), 0);
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            sum += key.len() + value.len();
            let is_token = !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            if !is_token || key.len() > MAX_KEY {
                return wrong("a key is not an HTTP token of at most 256 characters");
            }
            if value.len() > MAX_VALUE || !value.is_ascii() {
                return wrong("a value is not ASCII of at most 1024 characters");
            }
            if sum > MAX_SUM {
                return wrong("it has more than 8 KiB");
            }
            if !keys.insert(key) {
                return wrong("a key stands in it twice");
            }
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
            r#"{"a":"é"}"#,
            &long(1025),
            &format!("{{{}}}", many.join(",")),
        ] {
            assert!(check_metadata(bad).is_err(), "{bad}");
        }
    }
}
