//! Secrets in the service's own frames: the values of fields whose names sound like a secret's, and secrets in the text
//! of the others. The `data` of messages is left as it is (CLI contract, *Secrets*).
//!
//! A frame need not be valid JSON to come here: it is read as far as its strings and brackets go, once.

use std::borrow::Cow;

use webpubsub_proto::Codec;

use super::names::names_secret;
use super::text::redact;
use super::{REDACTED, sounds_secret};

/// Fields of a frame that hold what users sent, unless the service itself is the one who speaks.
const OF_USERS: [&str; 2] = ["data", "metadata"];
/// Types of frames in which the service itself speaks (PROTOCOL §5).
const OF_SERVICE: [&str; 4] = ["system", "ack", "pong", "ping"];
/// The digits of the longest number that tells what has happened, and is no secret.
const LONGEST_CODE: usize = 4;
/// Shorter strings hold no secret that would be known as one.
const SHORTEST: usize = 6;

/// `text`, a frame that is no message of a known kind, as it may be shown.
pub fn redact_frame(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with(['{', '[', '"']) {
        return redact(text);
    }
    let spared: &[&str] = if is_of_service(text) { &[] } else { &OF_USERS };
    let mut out = Copy { text, out: String::new(), done: 0 };
    let mut tokens = JsonStrings::new(text);
    while let Some(token) = tokens.next() {
        match token {
            JsonString::Key(start, end) => {
                let name = unescaped(inner(&text[start..end]));
                if tokens.depth == 1 && spared.contains(&name.as_ref()) {
                    tokens.skip_value();
                    continue;
                }
                out.redact_string(start, end);
                if names_secret(&name) {
                    let (start, end) = tokens.skip_value();
                    let value = &text[start..end];
                    let shown = says_nothing(value) || (is_short_number(value) && is_of_code(&name));
                    if !shown {
                        out.replace(start, end, &format!("\"{REDACTED}\""));
                    }
                }
            }
            JsonString::String(start, end) => out.redact_string(start, end),
        }
    }
    out.finish()
}

/// Whether a value is none that could be a secret, by whatever name.
fn says_nothing(value: &str) -> bool {
    matches!(value, "true" | "false" | "null" | "\"\"" | "")
}

/// Whether a value is one that codes of HTTP, of WebSocket and of errors have.
fn is_short_number(value: &str) -> bool {
    value.len() <= LONGEST_CODE && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether nothing but being a code makes the name one of a secret.
fn is_of_code(name: &str) -> bool {
    !sounds_secret(name)
}

/// The same for a binary frame, which stays one of its codec; what is none of it is taken for text if it can be.
pub fn redact_binary(codec: Codec, bytes: &[u8]) -> Cow<'_, [u8]> {
    let redacted = |text: &str| match redact(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(redacted) => Some(redacted),
    };
    match (codec.redacted(bytes, REDACTED, redacted), std::str::from_utf8(bytes)) {
        (Some(frame), _) => frame,
        // Text that came as bytes is no less the service's.
        (None, Ok(text)) => match redact_frame(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        (None, Err(_)) => Cow::Borrowed(bytes),
    }
}

fn is_of_service(text: &str) -> bool {
    let mut tokens = JsonStrings::new(text);
    while let Some(token) = tokens.next() {
        if let JsonString::Key(start, end) = token
            && tokens.depth == 1
        {
            let name = unescaped(inner(&text[start..end]));
            let (start, end) = tokens.skip_value();
            if name == "type" && OF_SERVICE.contains(&unescaped(inner(&text[start..end])).as_ref()) {
                return true;
            }
        }
    }
    false
}

/// A string without its quotes, of which the last may be missing.
fn inner(string: &str) -> &str {
    let string = string.strip_prefix('"').unwrap_or(string);
    string.strip_suffix('"').unwrap_or(string)
}

/// A string as it is meant; as it is written, where that means nothing.
fn unescaped(inner: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str::<String>(&format!("\"{inner}\"")).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// A copy of a text with some of it replaced.
struct Copy<'a> {
    text: &'a str,
    out: String,
    /// Up to there it was copied or replaced.
    done: usize,
}

impl<'a> Copy<'a> {
    fn replace(&mut self, start: usize, end: usize, by: &str) {
        self.out.push_str(&self.text[self.done..start]);
        self.out.push_str(by);
        self.done = end;
    }

    fn redact_string(&mut self, start: usize, end: usize) {
        if end - start < SHORTEST {
            return;
        }
        let meant = unescaped(inner(&self.text[start..end]));
        if let Cow::Owned(redacted) = redact(&meant) {
            // Of a string that nothing ends, the end stays missing; writing text into memory cannot fail.
            let by = serde_json::to_string(&redacted).unwrap_or_default();
            let ended = end - start > 1 && self.text[..end].ends_with('"');
            self.replace(start, end, if ended { &by } else { by.trim_end_matches('"') });
        }
    }

    fn finish(mut self) -> Cow<'a, str> {
        if self.done == 0 {
            return Cow::Borrowed(self.text);
        }
        self.out.push_str(&self.text[self.done..]);
        Cow::Owned(self.out)
    }
}

/// A string, where it begins and where it ends, quotes included.
enum JsonString {
    /// Before a colon.
    Key(usize, usize),
    String(usize, usize),
}

/// The strings of a text, and how deep they stand.
struct JsonStrings<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> JsonStrings<'a> {
    fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0, depth: 0 }
    }

    fn next(&mut self) -> Option<JsonString> {
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        let start = self.at;
        let end = self.string_end();
        self.at = end;
        self.skip_blanks();
        if self.bytes.get(self.at) == Some(&b':') {
            self.at += 1;
            return Some(JsonString::Key(start, end));
        }
        Some(JsonString::String(start, end))
    }

    /// Goes past the value that comes next; where it begins and where it ends.
    fn skip_value(&mut self) -> (usize, usize) {
        self.skip_blanks();
        let (start, mut depth) = (self.at, 0_usize);
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at = self.string_end();
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        break;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        let length = self.bytes[start..self.at].trim_ascii_end().len();
        (start, start + length)
    }

    fn skip_blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Where the string ends that begins here: behind its quote, or with the text.
    fn string_end(&self) -> usize {
        let mut at = self.at + 1;
        while let Some(found) = self.bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
            at += found;
            if self.bytes[at] == b'"' {
                return at + 1;
            }
            at += 2;
        }
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::remember;

    #[test]
    fn what_sounds_like_a_secret_is_taken_out_of_control_frames() {
        for (text, expected) in [
            (
                r#"{"a":1,"reconnectionToken" : "se\"cret","b":2}"#,
                r#"{"a":1,"reconnectionToken" : "[redacted]","b":2}"#,
            ),
            (r#"{"a":"reconnectionToken"}"#, r#"{"a":"reconnectionToken"}"#),
            (
                r#"{"type":"system","event":"tokenRefreshed","token":"sesame"}"#,
                r#"{"type":"system","event":"tokenRefreshed","token":"[redacted]"}"#,
            ),
            (
                r#"{"type":"system","data":{"to\u006ben":["a",{"b":"c"}],"n":10.50}}"#,
                r#"{"type":"system","data":{"to\u006ben":"[redacted]","n":10.50}}"#,
            ),
            (
                r#"{"type":"system","refresh":"a","connectionString":"Endpoint","user_code":"AB","code":123456}"#,
                r#"{"type":"system","refresh":"[redacted]","connectionString":"[redacted]","user_code":"[redacted]","code":"[redacted]"}"#,
            ),
            (r#"{"code":1008,"statusCode":"Gone"}"#, r#"{"code":1008,"statusCode":"Gone"}"#),
            (r#"{"pin":1234,"hasToken":true,"key":null}"#, r#"{"pin":"[redacted]","hasToken":true,"key":null}"#),
            (
                r#"{"type":"ack","error":{"message":"bad \u0061ccess_token=abc, \"sorry\""}}"#,
                r#"{"type":"ack","error":{"message":"bad access_token=[redacted], \"sorry\""}}"#,
            ),
            // Cut, or no JSON at all.
            (r#"{"type":"system","token":"sesa"#, r#"{"type":"system","token":"[redacted]""#),
            (r#"{"type":"system","token":"#, r#"{"type":"system","token":"#),
            (r#"{"type":"system","m":"access_token=ab"#, r#"{"type":"system","m":"access_token=[redacted]"#),
            ("access_token=abc", "access_token=[redacted]"),
            ("", ""),
            ("\"", "\""),
            ("{\"\\", "{\"\\"),
        ] {
            assert_eq!(redact_frame(text), expected);
        }
    }

    #[test]
    fn data_of_messages_is_left_as_it_is() {
        remember("remembered-of-frames");
        for text in [
            r#"{"type":"message","from":"new","data":{"token":"sesame","x":"remembered-of-frames"}}"#,
            r#"{"data":"access_token=abc","metadata":{"key":"v"},"type":"newer"}"#,
            r#"{"type":"invokeResponse","data":"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln"}"#,
        ] {
            assert_eq!(redact_frame(text), text);
        }
        assert_eq!(
            redact_frame(r#"{"type":"newer","data":"remembered-of-frames","deep":{"data":"remembered-of-frames"}}"#),
            r#"{"type":"newer","data":"remembered-of-frames","deep":{"data":"[redacted]"}}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_redacted_to_something(text in "([{}\\[\\],:\"\\\\ é1]|token|data|type|system){0,60}") {
            redact_frame(&text);
        }

        #[test]
        fn json_stays_json(text in "[a-z\"\\\\é]{0,20}", secret in "[a-z\"\\\\é]{0,20}") {
            let frame = serde_json::json!({"x": text, "token": secret, "y": [secret, {"key": text}]}).to_string();
            serde_json::from_str::<serde_json::Value>(&redact_frame(&frame)).unwrap();
        }
    }
}
