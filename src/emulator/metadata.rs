//! The metadata of a message as HTTP headers (PROTOCOL §4.5): requests of the data plane carry them, and the answers of
//! event handlers. Of several headers of a name the last counts; one without a key is none.

use http::HeaderMap;
use serde_json::{Map, Value};

use webpubsub_proto::check_metadata;

/// What the names of such headers begin with.
pub const PREFIX: &str = "x-webpubsub-metadata-";

/// The JSON text of the `metadata` object, if there are any. Says what is wrong with them.
pub fn from_headers(headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut metadata = Map::new();
    for entry in entries(headers) {
        let (key, value) = entry?;
        metadata.insert(key.to_owned(), value.into());
    }
    let text = Value::Object(metadata).to_string();
    check_metadata(&text)?;
    Ok(Some(text).filter(|text| text != "{}"))
}

/// The metadata of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerMetadata {
    /// The JSON text of the `metadata` object, if there are any.
    pub text: Option<String>,
    /// What is wrong with the first that was left out.
    pub left_out: Option<String>,
}

/// The same of the headers of an answer, where those that cannot be used are left out: one bad header is no reason to
/// fail an event that was carried out.
pub fn from_answer(headers: &HeaderMap) -> AnswerMetadata {
    let mut metadata = Map::new();
    let mut found = AnswerMetadata::default();
    for entry in entries(headers) {
        let (key, value) = match entry {
            Ok(entry) => entry,
            Err(problem) => {
                found.left_out.get_or_insert(problem);
                continue;
            }
        };
        metadata.insert(key.to_owned(), value.into());
        let with = Value::Object(metadata.clone()).to_string();
        match check_metadata(&with) {
            Ok(()) => found.text = Some(with),
            Err(problem) => {
                metadata.remove(key);
                found
                    .left_out
                    .get_or_insert_with(|| format!("the header `{PREFIX}{key}` makes no metadata: {problem}"));
            }
        }
    }
    found
}

/// Key and value of each, or why it has none.
fn entries(headers: &HeaderMap) -> impl Iterator<Item = Result<(&str, &str), String>> {
    headers.keys().filter_map(|name| {
        let key = name.as_str().strip_prefix(PREFIX).filter(|key| !key.is_empty())?;
        let value = headers.get_all(name).iter().next_back()?;
        Some(value.to_str().map(|value| (key, value)).map_err(|_| format!("the header `{name}` is not ASCII")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_last_of_a_name_counts_and_a_header_without_a_key_is_none() {
        let twice = headers(&[
            ("x-webpubsub-metadata-a", b"1"),
            ("x-webpubsub-metadata-a", b"2"),
            ("x-webpubsub-metadata-", b"x"),
            ("other", b"x"),
        ]);
        assert_eq!(from_headers(&twice), Ok(Some(r#"{"a":"2"}"#.to_owned())));
        assert_eq!(from_answer(&twice).text.as_deref(), Some(r#"{"a":"2"}"#));
        let none = headers(&[("x-webpubsub-metadata-", b"x")]);
        assert_eq!((from_headers(&none), from_answer(&none)), (Ok(None), AnswerMetadata::default()));
    }

    #[test]
    fn a_bad_header_fails_a_request_and_is_left_out_of_an_answer() {
        let long = "x".repeat(1025);
        for bad in [b"\xe9".as_slice(), long.as_bytes()] {
            let mixed = headers(&[("x-webpubsub-metadata-a", bad), ("x-webpubsub-metadata-b", b"1")]);
            assert!(from_headers(&mixed).is_err());
            let of_answer = from_answer(&mixed);
            assert_eq!(of_answer.text.as_deref(), Some(r#"{"b":"1"}"#));
            assert!(of_answer.left_out.unwrap().starts_with("the header `x-webpubsub-metadata-a` "));
        }
    }
}
