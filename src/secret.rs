//! Secrets that redact themselves, and the redaction of secrets in other people's text.
//!
//! Everything `wps` says passes through one of the two: a [`Secret`] prints as `[redacted]`, and text that came from
//! elsewhere (refusal bodies, close reasons, logs of dependencies, panics) goes through [`redact`]. The `data` of
//! messages is never altered (CLI contract, *Secrets*).

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

/// Log target of frames. Whoever logs there has taken the service's secrets out; a message's data is logged as it is.
pub const FRAMES: &str = "wps::frames";

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A token, key or URL with a token. `Debug` and `Display` print [`REDACTED`]; memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the secret out of circulation.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

/// A header whose name has one of these in it has a value that nobody may see.
const SECRET_HEADERS: [&str; 9] =
    ["auth", "cookie", "credential", "key", "password", "secret", "session", "signature", "token"];

/// Whether the value of a header is one that nobody may see. Takes its name, with or without `: value` after it.
pub fn is_secret_header(header: &str) -> bool {
    let name = header.split(':').next().unwrap_or_default().to_ascii_lowercase();
    !name.starts_with("sec-websocket-") && SECRET_HEADERS.iter().any(|word| name.contains(word))
}

/// Names of what is secret, lower-case, as they stand before a `=` or a `:`.
const NAMES: [&str; 6] = [
    "access_token",
    "access%5ftoken",
    "awps_reconnection_token",
    "awps%5freconnection%5ftoken",
    "accesskey",
    "reconnectiontoken",
];
/// Schemes of an `Authorization` header, before the credentials.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// Secrets of this process that others may repeat in their own words, newest last.
static REMEMBERED: Mutex<VecDeque<SecretString>> = Mutex::new(VecDeque::new());
/// A recovered connection brings a new token each time; the last ones are those that can still be repeated.
const MOST_REMEMBERED: usize = 256;
/// Anything shorter would redact words.
const SHORTEST_REMEMBERED: usize = 6;

/// The parts of a token that are remembered apart: whoever repeats it may encode the dots between them.
const SHORTEST_PART: usize = 16;

/// Has [`redact`] take this text out wherever it stands, whatever it looks like, percent-encoded too.
pub fn remember(text: &str) {
    remember_exactly(text);
    let encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    remember_exactly(&encoded);
    for whole in [text, &encoded] {
        let parts = whole.split('.').flat_map(|part| part.split("%2E"));
        parts.filter(|part| part.len() >= SHORTEST_PART).for_each(remember_exactly);
    }
}

fn remember_exactly(text: &str) {
    if text.len() < SHORTEST_REMEMBERED {
        return;
    }
    let mut remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
    if remembered.iter().any(|known| known.expose_secret() == text) {
        return;
    }
    if remembered.len() == MOST_REMEMBERED {
        remembered.pop_front();
    }
    remembered.push_back(SecretString::from(text));
}

fn remembered_spans(text: &str) -> Vec<(usize, usize)> {
    let remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
    let spans = |known: &SecretString| {
        let known = known.expose_secret();
        text.match_indices(known).map(|(at, _)| (at, at + known.len())).collect::<Vec<_>>()
    };
    remembered.iter().flat_map(spans).collect()
}

/// `text` without what is or looks like a secret: what was given to [`remember`], token parameters, access keys, credentials of `Authorization` headers,
/// user information of URLs and anything of the shape of a JWT.
pub fn redact(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    let secret = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=%".contains(c);
    let end_of = |start: usize| start + text[start..].find(|c| !secret(c)).unwrap_or(text.len() - start);
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for name in NAMES {
        for (at, _) in lower.match_indices(name) {
            // `name=`, `"name": "`, and the same inside a string of a string, `\\"name\\": \\"`.
            let after = &text[at + name.len()..];
            let between = after.find(|c| !"\\\"'=: ".contains(c)).unwrap_or(after.len());
            let start = at + name.len() + between;
            let end = end_of(start);
            if after[..between].contains(['=', ':']) && end > start {
                spans.push((start, end));
            }
        }
    }
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            let start = at + scheme.len();
            let end = end_of(start);
            // A word or two after "bearer " or "basic " is prose; credentials are longer.
            if end - start >= 12 {
                spans.push((start, end));
            }
        }
    }
    spans.extend(remembered_spans(text));
    spans.extend(jwt_spans(text));
    spans.extend(user_info_spans(text));
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in spans {
        if start >= done {
            out.push_str(&text[done..start]);
            out.push_str(REDACTED);
        }
        // Where two overlap, one mark stands for both.
        done = done.max(end);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// `eyJ….….…`: three base64url parts, of which the first begins like a JSON object.
fn jwt_spans(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.match_indices("eyJ").filter_map(|(start, _)| {
        let jwt = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let end = start + text[start..].find(|c| !jwt(c)).unwrap_or(text.len() - start);
        (text[start..end].matches('.').count() >= 2 || end - start >= 64).then_some((start, end))
    })
}

/// `scheme://user:password@host`.
fn user_info_spans(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.match_indices("://").filter_map(|(at, separator)| {
        let start = at + separator.len();
        let authority = &text[start..];
        let end = authority.find(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c)).unwrap_or(authority.len());
        authority[..end].rfind('@').filter(|at| *at > 0).map(|at| (start, start + at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_as_redacted() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[redacted] [redacted] Some([redacted])");
    }

    #[test]
    fn what_is_remembered_is_redacted_whatever_it_looks_like() {
        remember("open sesame");
        remember("a");
        remember("abcdefghijklmnop.qrstuvwxyz0123456789+/");
        assert_eq!(redact("abcdefghijklmnop&#46;x qrstuvwxyz0123456789%2B%2F"), "[redacted]&#46;x [redacted]");
        assert_eq!(redact("say open sesame, a word"), "say [redacted], a word");
    }

    #[test]
    fn other_peoples_text_loses_its_secrets_only() {
        for (text, expected) in [
            ("nothing here", "nothing here"),
            ("bearer of bad news", "bearer of bad news"),
            ("ws://h/client/hubs/a?access_token=abc.def&x=1", "ws://h/client/hubs/a?access_token=[redacted]&x=1"),
            ("Endpoint=http://h;AccessKey=QUJD+/=;Version=1.0", "Endpoint=http://h;AccessKey=[redacted];Version=1.0"),
            ("Authorization: Bearer abcdefghijklmn, x", "Authorization: Bearer [redacted], x"),
            ("proxy http://user:pa%20ss@proxy:3128/ said", "proxy http://[redacted]@proxy:3128/ said"),
            ("token eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln is bad", "token [redacted] is bad"),
            (r#"{"reconnectionToken":"abc.d"}"#, r#"{"reconnectionToken":"[redacted]"}"#),
            (r#"{"reconnectionToken" : "abc.d"}"#, r#"{"reconnectionToken" : "[redacted]"}"#),
            (r#"b"{\"reconnectionToken\":\"abc.d\"}""#, r#"b"{\"reconnectionToken\":\"[redacted]\"}""#),
            ("http://h/?access%5Ftoken=eyJ%2Eabc&x", "http://h/?access%5Ftoken=[redacted]&x"),
            ("the access token is bad", "the access token is bad"),
            ("no `access_token` there", "no `access_token` there"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
