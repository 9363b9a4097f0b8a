//! The values of flags: the words that can be given, and parsers for durations and counts.
//!
//! Settings take the enumerations over as they are. Parsers say what they expect, not what they got: the value may be
//! a secret that landed in the wrong place.

use std::net::IpAddr;
use std::time::Duration;

use clap::ValueEnum;
use url::Host;

use webpubsub_net::secret::Secret;
use webpubsub_proto::{MAX_TTL_SECONDS, Subprotocol};

/// `--output` of the connecting commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// a line a message, for people; JSON is pretty-printed on a terminal
    Text,
    /// one JSON object a line: messages, lifecycle, acks, `stopped`
    Ndjson,
    /// the payload and a newline; binary payloads as they are
    Data,
    /// every frame as it was received, a line each; binary frames as base64
    Raw,
}

/// `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnlyName {
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

impl From<ReportFormat> for OutputFormat {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Text,
            ReportFormat::Ndjson => Self::Ndjson,
        }
    }
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
    /// json-reliable in binary frames
    #[value(alias = "protobuf.reliable.webpubsub.azure.v1")]
    ProtobufReliable,
    /// json in binary frames
    #[value(alias = "protobuf.webpubsub.azure.v1")]
    Protobuf,
}

impl Protocol {
    /// The subprotocol that it names.
    pub fn subprotocol(self) -> Subprotocol {
        match self {
            Self::Json => Subprotocol::Json,
            Self::JsonReliable => Subprotocol::JsonReliable,
            Self::Protobuf => Subprotocol::Protobuf,
            Self::ProtobufReliable => Subprotocol::ProtobufReliable,
        }
    }
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
    /// a serialized google.protobuf.Any; needs a protobuf subprotocol
    Protobuf,
}

/// `--encoding`: how binary data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EncodingName {
    /// standard or URL-safe alphabet, padded or not
    Base64,
    /// two digits a byte
    Hex,
}

/// `--reconnect-mode` and `--retry-mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackoffModeName {
    /// the pause doubles up to the maximum, with jitter
    Exponential,
    /// always the same pause
    Fixed,
}

/// `--on-unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnknownChoice {
    /// exit 9, naming the ackId
    Fail,
    /// send it again on the new connection; it may arrive twice
    Resend,
}

/// A number of messages a second, or with `/s`, `/m`, `/h` in such a time, as the time from one to the next.
pub fn interval(text: &str) -> Result<Duration, String> {
    let wrong = || "not a rate such as `100`, `100/s`, `30/m` or `5/h`".to_owned();
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let unit = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = if plain { number.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
    if number == 0.0 {
        return Err("must be more than 0".to_owned());
    }
    let interval = Duration::try_from_secs_f64(unit / number).ok().filter(|interval| *interval <= LONGEST);
    interval.ok_or_else(|| "less than one message in 100 years".to_owned())
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
pub fn duration(text: &str) -> Result<Duration, String> {
    match duration_or_off(text)? {
        Duration::ZERO => Err("must be longer than 0".to_owned()),
        duration => Ok(duration),
    }
}

/// A duration as [`duration`] takes it, or 0.
pub fn duration_or_off(text: &str) -> Result<Duration, String> {
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

/// `K=V`, of which V may have more of them.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("not of the form `K=V`")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A time to live in whole seconds, at most 300; 0 is none (PROTOCOL §4.2).
pub fn time_to_live(text: &str) -> Result<u16, String> {
    let duration = duration_or_off(text)?;
    let seconds = u16::try_from(duration.as_secs()).ok().filter(|seconds| *seconds <= MAX_TTL_SECONDS);
    match seconds {
        Some(seconds) if duration.subsec_nanos() == 0 => Ok(seconds),
        Some(_) if duration.as_secs() < u64::from(MAX_TTL_SECONDS) => Err("not whole seconds".to_owned()),
        Some(_) | None => Err(format!("longer than {MAX_TTL_SECONDS} s, the most that the service takes")),
    }
}

/// A number, or `unlimited`.
pub fn retry_count(text: &str) -> Result<RetryCount, String> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok(RetryCount::Unlimited);
    }
    text.parse().map(RetryCount::Limited).map_err(|_| "neither a number nor `unlimited`".to_owned())
}

/// `--resolve`: where a host and port are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// As URLs have it, lower-case; an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// At least one, to be tried in turn.
    pub addresses: Vec<IpAddr>,
}

/// `HOST:PORT:ADDR[,ADDR…]`, IPv6 addresses in brackets.
pub fn resolve(text: &str) -> Result<Resolve, String> {
    let end = if text.starts_with('[') { text.find(']').map(|end| end + 1) } else { text.find(':') };
    let (host, rest) = text.split_at(end.unwrap_or(text.len()));
    let parts = rest.strip_prefix(':').and_then(|rest| rest.split_once(':'));
    let (port, addresses) = parts.ok_or("not of the form `HOST:PORT:ADDR`")?;
    let host = match Host::parse(host) {
        Ok(Host::Domain(name)) => name,
        Ok(Host::Ipv4(address)) => address.to_string(),
        Ok(Host::Ipv6(address)) => address.to_string(),
        Err(_) => return Err("HOST is not a host name".to_owned()),
    };
    let port = port.parse().ok().filter(|port| *port != 0).ok_or("PORT is not a number from 1 to 65535")?;
    let address = |text: &str| {
        let text = text.trim();
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).parse::<IpAddr>()
    };
    let addresses: Result<Vec<IpAddr>, _> = addresses.split(',').map(address).collect();
    Ok(Resolve { host, port, addresses: addresses.map_err(|_| "ADDR is not an IP address")? })
}

/// Any text, kept secret; what it means is decided by the settings, whose errors do not repeat it.
pub fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
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
    fn where_a_host_is_has_host_port_and_addresses() {
        for (text, host, port, addresses) in [
            ("service.example:443:127.0.0.1", "service.example", 443, &["127.0.0.1"][..]),
            ("SERVICE.example:80:[::1]", "service.example", 80, &["::1"]),
            ("service.example:80:::1", "service.example", 80, &["::1"]),
            ("bücher.example:80:127.0.0.1,[::1]", "xn--bcher-kva.example", 80, &["127.0.0.1", "::1"]),
            ("[::1]:80:127.0.0.1", "::1", 80, &["127.0.0.1"]),
            ("10.0.0.1:80:127.0.0.1", "10.0.0.1", 80, &["127.0.0.1"]),
        ] {
            let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(resolve(text), Ok(Resolve { host: host.to_owned(), port, addresses }), "{text}");
        }
        for (text, part) in [
            ("", "form"),
            ("host", "form"),
            ("host:80", "form"),
            ("[::1", "form"),
            (":80:127.0.0.1", "HOST"),
            ("a b:80:127.0.0.1", "HOST"),
            ("host:0:127.0.0.1", "PORT"),
            ("host:65536:127.0.0.1", "PORT"),
            ("host:http:127.0.0.1", "PORT"),
            ("host:80:", "ADDR"),
            ("host:80:other.example", "ADDR"),
            ("host:80:127.0.0.1,", "ADDR"),
        ] {
            assert!(resolve(text).unwrap_err().contains(part), "{text}: {:?}", resolve(text));
        }
    }

    #[test]
    fn a_key_and_its_value_stand_around_the_first_equals_sign() {
        assert_eq!(key_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(key_value("a="), Ok(("a".to_owned(), String::new())));
        assert!(key_value("a").is_err());
    }

    #[test]
    fn a_time_to_live_is_whole_seconds_up_to_five_minutes() {
        for (text, seconds) in [("0", 0), ("1s", 1), ("5m", 300), ("300", 300), ("1m30s", 90)] {
            assert_eq!(time_to_live(text), Ok(seconds), "{text}");
        }
        for text in ["", "301", "1h", "500ms", "1.5", "300.5", "-1"] {
            assert!(time_to_live(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_is_a_number_in_a_time() {
        for (text, micros) in
            [("100", 10_000), ("100/s", 10_000), ("0.5", 2_000_000), ("30/m", 2_000_000), ("3600/h", 1_000_000)]
        {
            assert_eq!(interval(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "/s", "0", "0/m", "-1", "1e3", "inf", "NaN", "1/d", "1/", "1//s", "x/s", "1 /s", "0.0000001/h"]
        {
            assert!(interval(text).is_err(), "{text}");
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
