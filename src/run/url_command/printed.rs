//! What a URL command printed that is no URL, in words. It is described and not shown: what is not understood may be a
//! secret, or half of one, in a spelling that nobody would know it by.

use serde_json::Value;
use url::Url;

use webpubsub_net::auth::access_url::AccessUrl;

/// The most fields of an object that are named, and the longest name of one.
const FIELDS: usize = 8;
const LONGEST_FIELD: usize = 40;

/// An output in words, as in `a line of 12 bytes`.
pub(super) fn described(printed: &[u8]) -> String {
    let size = printed.len();
    if is_utf16(printed) {
        return format!("{size} bytes of UTF-16, where UTF-8 is wanted");
    }
    let Ok(text) = std::str::from_utf8(printed) else { return format!("{size} bytes that are not UTF-8") };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return "nothing".to_owned();
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => return fields(object.keys().map(String::as_str)),
        Ok(Value::Array(_)) => return "a JSON array".to_owned(),
        Ok(Value::String(_)) => return "a JSON string".to_owned(),
        Ok(Value::Number(_) | Value::Bool(_) | Value::Null) | Err(_) => {}
    }
    if text.starts_with('<') {
        return format!("{size} bytes of HTML or XML");
    }
    let lines = text.lines().count();
    if lines > 1 {
        let joined: String = text.lines().map(str::trim).collect();
        let broken = AccessUrl::parse(&joined).is_ok();
        return if broken {
            format!("a client access URL that is broken over {lines} lines")
        } else {
            format!("{lines} lines of {size} bytes")
        };
    }
    if is_token(text) {
        return format!("what looks like a token of {size} bytes, without a URL around it");
    }
    match Url::parse(text).ok().filter(|_| text.contains("://")).as_ref().and_then(Url::host_str) {
        Some(host) => format!("a URL that leads to `{host}`"),
        None => format!("a line of {size} bytes"),
    }
}

/// An object by the names of its fields, where they are names.
fn fields<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let is_name = |name: &&str| {
        name.len() <= LONGEST_FIELD && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    let named: Vec<String> = names.filter(is_name).take(FIELDS).map(|name| format!("`{name}`")).collect();
    match named.as_slice() {
        [] => "a JSON object".to_owned(),
        [one] => format!("a JSON object with the field {one}"),
        more => format!("a JSON object with the fields {}", more.join(", ")),
    }
}

/// As Windows tools write it, with a mark at its beginning or a zero in each letter.
fn is_utf16(printed: &[u8]) -> bool {
    let zeros = memchr::memchr_iter(0, printed).count();
    printed.starts_with(&[0xFF, 0xFE]) || printed.starts_with(&[0xFE, 0xFF]) || zeros * 3 > printed.len()
}

fn is_token(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte))
    };
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn an_output_is_described_in_proportion_to_its_length() {
        use crate::growth::{TEXTS, assert_linear};
        let texts = [("", "a\n"), ("ws://h/", "a\n"), ("{", "\"a\":1,"), ("eyJ", "."), ("", "\0")];
        for texts in [&TEXTS[..], &texts[..]] {
            assert_linear("a description", &|text| drop(described(text.as_bytes())), texts);
        }
    }

    #[test]
    fn an_output_is_described_and_not_shown() {
        let broken = "wss://h.example/client/hubs/c?access_token=eyJhbGci\nOiJIUzI1\r\nNiJ9";
        for (printed, expected) in [
            ("", "nothing"),
            (" \r\n", "nothing"),
            ("walnut-key", "a line of 10 bytes"),
            ("walnut:key", "a line of 10 bytes"),
            ("sign in\nplease", "2 lines of 14 bytes"),
            (broken, "a client access URL that is broken over 3 lines"),
            ("eyJh.eyJb.c2ln\n", "what looks like a token of 15 bytes, without a URL around it"),
            ("https://u:walnut@h.example/walnut?walnut#walnut", "a URL that leads to `h.example`"),
            ("<html>\n<p>walnut", "16 bytes of HTML or XML"),
            ("[\"walnut\"]", "a JSON array"),
            ("\"walnut\"", "a JSON string"),
            ("17", "a line of 2 bytes"),
            (r#"{"a-b":"walnut"}"#, "a JSON object with the field `a-b`"),
            (r#"{"code":7,"accessToken":"walnut","wal nut":1}"#, "a JSON object with the fields `accessToken`, `code`"),
            ("{}", "a JSON object"),
        ] {
            assert_eq!(described(printed.as_bytes()), expected, "{printed}");
        }
        let utf16: Vec<u8> = "wss://h".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&[0xFF, 0xFE], utf16.as_slice()].concat();
        assert_eq!(described(&utf16), "14 bytes of UTF-16, where UTF-8 is wanted");
        assert_eq!(described(&marked), "16 bytes of UTF-16, where UTF-8 is wanted");
        assert_eq!(described(&[0x80, 0x81]), "2 bytes that are not UTF-8");
    }
}
