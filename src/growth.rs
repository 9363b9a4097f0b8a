//! Whatever walks over what a peer sent does so in time that grows with its length and no faster: a peer may send what
//! takes longest, and nobody hears a signal meanwhile. Measured as time of the processor, which other processes on the
//! machine do not change.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::render::{Style, unknown_frame};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::inspection::unreadable;
use webpubsub_net::auth::token::peek_claims;
use webpubsub_net::secret::{redact, redact_binary, redact_cut, redact_frame, remember};
use webpubsub_proto::{Codec, Unpacked, WireFrame, decode_downstream};

/// Where a text is short, and how many times as long the long one is.
const SHORT: usize = 2 * 1024;
const FACTOR: usize = 16;
/// In proportion it takes sixteen times as long; with the square of the length, 256 times.
const MOST: u32 = 100;

fn taken(act: &dyn Fn(&str), text: &str) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
    };
    let before = now();
    act(text);
    now() - before
}

/// Whether the longer text is done with in proportion; tried again before it is said not to be.
fn is_linear(act: &dyn Fn(&str), short: &str, long: &str) -> Result<(), (Duration, Duration)> {
    // A time too short to be measured is none.
    let least = (0..3).map(|_| taken(act, short)).min().unwrap_or_default().max(Duration::from_micros(100));
    let times = (0..3).map(|_| taken(act, long));
    let mut longest = Duration::MAX;
    for time in times {
        longest = longest.min(time);
        if longest < least * MOST {
            return Ok(());
        }
    }
    Err((least, longest))
}

/// A text of at least that length: `piece` over and over, with its number for each `#`.
fn long(before: &str, piece: &str, length: usize) -> String {
    let mut text = before.to_owned();
    let mut number = 0;
    while text.len() < length {
        text.push_str(&piece.replace('#', &number.to_string()));
        number += 1;
    }
    text
}

/// That something takes time in proportion to texts, each a beginning and what is repeated after it.
#[track_caller]
pub fn assert_linear(what: &str, act: &dyn Fn(&str), texts: &[(&str, &str)]) {
    for (before, piece) in texts {
        let (short, many) = (long(before, piece, SHORT), long(before, piece, SHORT * FACTOR));
        let linear = is_linear(act, &short, &many);
        assert!(linear.is_ok(), "{what} of `{before}` and many `{piece}`: {linear:?}");
    }
}

/// Beginnings, and what is repeated after them: what might take long.
pub const TEXTS: [(&str, &str); 34] = [
    ("", "eyJ"),
    ("", "eyJ."),
    ("", "eyJa%2E"),
    ("", "access_token="),
    ("", "access_token=\""),
    ("access_token=\"", "\\\""),
    ("", "access_token: "),
    ("", "key=\\'"),
    ("", "key==\\'"),
    ("", "\"key\":"),
    ("", "\"key\":\""),
    ("{", "\"token\":\"\\"),
    ("{\"token\":", "["),
    ("{\"token\":", "{\"a\":"),
    ("{\"type\":\"system\",\"a\":", "["),
    ("{", "\"a\":\"access_token=\","),
    ("[", "\"eyJ\","),
    ("[", "\"\","),
    ("{\"a\":\"", "\\u0061"),
    ("{\"a\":\"", "\\"),
    ("", "\""),
    ("", "\\"),
    ("", "="),
    ("", ": "),
    ("", "bearer "),
    ("", "bearer bearer"),
    ("", "basic basic"),
    ("", "http://"),
    ("", "://a@b"),
    ("", "a@"),
    ("", " "),
    ("", "a"),
    ("", "é"),
    ("", "seaweed-#"),
];

#[test]
fn redaction_takes_time_in_proportion_to_the_text() {
    remember(&long("", "seaweed-#", 4096));
    remember(&"a".repeat(50));
    assert_linear("redaction", &|text| drop(redact(text)), &TEXTS);
    assert_linear("redaction of what was cut", &|text| drop(redact_cut(text)), &TEXTS);
    assert_linear("redaction of frames", &|text| drop(redact_frame(text)), &TEXTS);
}

#[test]
fn names_with_more_backslashes_each_are_read_in_proportion_too() {
    let text = |length: usize| {
        let mut text = String::new();
        while text.len() < length {
            let escapes = "\\".repeat(text.matches('k').count());
            text.push_str(&format!("key=={escapes}'"));
        }
        text
    };
    let linear = is_linear(&|text| drop(redact(text)), &text(SHORT), &text(SHORT * FACTOR));
    assert!(linear.is_ok(), "{linear:?}");
}

#[test]
fn frames_are_decoded_in_proportion_to_their_length() {
    assert_linear("decoding", &|text| drop(decode_downstream(text)), &TEXTS);
    let messages = [
        ("{\"type\":\"message\",\"from\":\"server\",\"data\":", "["),
        ("{\"type\":\"message\",\"from\":\"server\",\"data\":\"", "\\u0061"),
        ("{\"type\":\"message\",\"from\":\"server\",\"data\":\"", "\\ud800"),
        ("{", "\"data\":1,"),
    ];
    assert_linear("decoding", &|text| drop(decode_downstream(text)), &messages);
    // Members over and over, a message, its metadata, what is unknown, and one within the other.
    let members = [
        ("", "\"\0"),
        ("", "\u{12}\u{6}\u{1a}\u{4}\n\u{2}hi"),
        ("", "\u{12}\u{c}*\u{a}\n\u{4}kkkk\u{12}\u{2}vv"),
        ("", "z\u{2}ab"),
        ("", "\u{12}\u{7f}"),
        ("", "J\u{7f}"),
        ("", "x\u{1}"),
    ];
    for texts in [&TEXTS[..], &members[..]] {
        let decode = |text: &str| {
            let frame = WireFrame::Binary(text.as_bytes());
            drop(Codec::Protobuf.decode_downstream(frame, &mut Unpacked::default()));
        };
        assert_linear("decoding of protobuf", &decode, texts);
        let redact = |text: &str| drop(redact_binary(Codec::Protobuf, text.as_bytes()));
        assert_linear("redaction of protobuf", &redact, texts);
    }
}

#[test]
fn what_came_is_made_harmless_in_proportion_to_its_length() {
    let style = Style { color: false, terminal: true };
    let controls = [("", "\n"), ("", "\u{9b}"), ("\"", "\u{202e}"), ("", "\u{E0041}")];
    for texts in [&TEXTS[..], &controls[..]] {
        assert_linear("cleaning", &|text| drop(style.clean(text)), texts);
        assert_linear("cleaning of a record", &|text| drop(style.record(text.into())), texts);
        assert_linear("words", &|text| drop(unknown_frame(WireFrame::Text(text), text)), texts);
    }
}

#[test]
fn urls_and_tokens_are_read_in_proportion_to_their_length() {
    let urls = [
        ("ws://", "a."),
        ("ws://h/client/hubs/h?", "access_token=a&"),
        ("ws://h/client/hubs/h?", "a=b&"),
        ("ws://h/client/hubs/h?", "%61&"),
        ("ws://h/", "a/../"),
        ("ws://", "@"),
        ("ws://", "\u{fc}"),
    ];
    for texts in [&TEXTS[..], &urls[..]] {
        assert_linear("parsing of a URL", &|text| drop(AccessUrl::parse(text)), texts);
    }
    let tokens = [("", "."), ("e30.", "WyJhIl0"), ("e30.e30.", "="), ("e30.", "="), ("e30.", "W1tb")];
    for texts in [&TEXTS[..], &tokens[..]] {
        assert_linear("a look at claims", &|text| drop(peek_claims(text)), texts);
        assert_linear("inspection", &|text| drop(unreadable(text)), texts);
    }
}
