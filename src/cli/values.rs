//! The values of flags: the words that can be given, and parsers for durations and counts.
//!
//! Settings take the enumerations over as they are. Parsers say what they expect, not what they got: the value may be
//! a secret that landed in the wrong place.

use std::time::Duration;

use clap::ValueEnum;

use crate::secret::Secret;

/// `--output` of the connecting commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// a line a message, for people; JSON is pretty-printed on a terminal
    Text,
    /// one JSON object a line: messages, lifecycle, acks, `stopped`
    Ndjson,
    /// the payload and a newline; binary payloads as they are
    Data,
    /// every frame as it was received, a line each
    Raw,
}

/// `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// group and server messages
    Messages,
    /// everything else
    Events,
}

/// `--output` of the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EmulatorFormat {
    /// for people
    Text,
    /// one JSON object a line; the first is `listening`
    Ndjson,
}

/// `--output` of the commands that report on something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// for people
    Text,
    /// one JSON object a line
    Ndjson,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// on a terminal
    Auto,
    /// also into pipes and files
    Always,
    /// nowhere
    Never,
}

/// `--protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// recovers dropped connections without loss
    #[value(alias = "json.reliable.webpubsub.azure.v1")]
    JsonReliable,
    /// no sequence ids, no recovery
    #[value(alias = "json.webpubsub.azure.v1")]
    Json,
}

/// `--type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataType {
    /// characters, UTF-8
    Text,
    /// one JSON value; digits and key order stay as given
    Json,
    /// bytes
    Binary,
}

/// `--encoding`: how binary data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// standard or URL-safe alphabet, padded or not
    Base64,
    /// two digits a byte
    Hex,
}

/// `--reconnect-mode` and `--retry-mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// the pause doubles up to the maximum, with jitter
    Exponential,
    /// always the same pause
    Fixed,
}

/// `--on-unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unknown {
    /// exit 9, naming the ackId
    Fail,
    /// send it again on the new connection; it may arrive twice
    Resend,
}

/// A number of retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryCount {
    /// So many.
    Limited(u32),
    /// Until stopped.
    Unlimited,
}

/// Longest duration taken; more is a slip of the keyboard.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A duration with units (`500ms`, `10s`, `1m30s`) or a bare, possibly decimal, number of seconds. Not zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match duration_or_off(text)? {
        Duration::ZERO => Err("must be longer than 0".to_owned()),
        duration => Ok(duration),
    }
}

/// A duration as [`duration`] takes it, or 0.
pub(super) fn duration_or_off(text: &str) -> Result<Duration, String> {
    let bare = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.contains(|c: char| c.is_ascii_digit());
    let parsed = if bare {
        text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    } else {
        humantime::parse_duration(text).ok()
    };
    match parsed {
        Some(duration) if duration <= LONGEST => Ok(duration),
        Some(_) => Err("longer than 100 years".to_owned()),
        None => Err("not a duration such as `500ms`, `10s`, `1m30s` or a number of seconds".to_owned()),
    }
}

/// A number, or `unlimited`.
pub(super) fn retry_count(text: &str) -> Result<RetryCount, String> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok(RetryCount::Unlimited);
    }
    text.parse().map(RetryCount::Limited).map_err(|_| "neither a number nor `unlimited`".to_owned())
}

/// Any text, kept secret; what it means is decided by the settings, whose errors do not repeat it.
pub(super) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1m 30s", 90_000),
            ("2h", 7_200_000),
            ("1.5s", 1500),
            ("10", 10_000),
            ("0.5", 500),
            (".5", 500),
            ("1.", 1000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", " ", "-1", "-1s", "ten", "10 parsecs", "1e3", "1.2.3", ".", "inf", "NaN", "10s5", "2000y"] {
            assert!(duration_or_off(text).is_err(), "{text}");
        }
        for zero in ["0", "0s", "0ms", "0.0"] {
            assert!(duration(zero).is_err(), "{zero}");
            assert_eq!(duration_or_off(zero), Ok(Duration::ZERO), "{zero}");
        }
    }

    #[test]
    fn retries_are_a_number_or_unlimited() {
        assert_eq!(retry_count("0"), Ok(RetryCount::Limited(0)));
        assert_eq!(retry_count("unlimited"), Ok(RetryCount::Unlimited));
        for text in ["", "-1", "1.5", "many", "4294967296"] {
            assert!(retry_count(text).is_err(), "{text}");
        }
    }
}
