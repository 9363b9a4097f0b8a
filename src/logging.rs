//! The log for people who look for a fault: frames and handshakes on stderr, without secrets.
//!
//! `-vv` shows frames, `-vvv` whole frames and handshakes; `WPS_LOG` takes a tracing filter instead. Each entry is a line
//! with its time; what goes to the service and what comes from there begins with an arrow.

mod line;

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::render::ConsoleStream;
use webpubsub_net::secret::{FRAMES, REDACTED, redact};

/// Starts the log of a client, whose lifecycle its printer tells.
pub fn start(verbosity: u8, filter: Option<&str>, stream: &ConsoleStream) -> Result<(), Failure> {
    let wanted = match verbosity {
        0 | 1 => None,
        2 => Some("wps=debug"),
        _ => Some("wps=trace"),
    };
    start_with(filter.or(wanted), stream)
}

/// Starts the log of an emulator, which has nothing else to tell with.
pub fn start_emulator(quiet: bool, verbosity: u8, filter: Option<&str>, stream: &ConsoleStream) -> Result<(), Failure> {
    let wanted = match verbosity {
        0 if quiet => "wps=error",
        0 => "wps=warn",
        1 => "wps=info",
        2 => "wps=debug",
        _ => "wps=trace",
    };
    start_with(filter.or(Some(wanted)), stream)
}

/// Starts logging to `stream`, if anything is to be logged. Fails when the filter cannot be understood.
fn start_with(filter: Option<&str>, stream: &ConsoleStream) -> Result<(), Failure> {
    let directives = match filter {
        Some(filter) => filter,
        None => return Ok(()),
    };
    let filter = EnvFilter::builder()
        .parse(of_all_crates(directives))
        .or_fail(Kind::Config, "`WPS_LOG` is not a log filter")
        .hint("a filter looks like `wps=debug` or `debug`")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .event_format(line::LineFormatter(stream.style))
        .with_writer(LogWriter(stream.clone()))
        .init();
    Ok(())
}

/// The crates that `wps` is made of.
const CRATES: [&str; 5] = ["wps", "webpubsub_client", "webpubsub_emulator", "webpubsub_net", "webpubsub_proto"];

/// A filter in which what is said of `wps` is said of all its crates.
fn of_all_crates(filter: &str) -> String {
    let each = |directive: &str| match directive.trim().strip_prefix("wps") {
        Some(rest) if rest.is_empty() || rest.starts_with('=') => CRATES.map(|name| format!("{name}{rest}")).join(","),
        _ => directive.to_owned(),
    };
    filter.split(',').map(each).collect::<Vec<_>>().join(",")
}

/// Whether a target is one of ours.
fn is_own(target: &str) -> bool {
    let is_in = |name: &str| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    CRATES.into_iter().any(is_in)
}

/// Makes a writer for each event.
struct LogWriter(ConsoleStream);

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LogEntry;

    fn make_writer(&'a self) -> LogEntry {
        LogEntry { stream: self.0.clone(), text: Vec::new(), care: Redaction::Foreign, error: false }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> LogEntry {
        let care = match meta.target() {
            FRAMES => Redaction::None,
            target if is_own(target) => Redaction::Own,
            _ => Redaction::Foreign,
        };
        LogEntry { stream: self.0.clone(), text: Vec::new(), care, error: *meta.level() == Level::ERROR }
    }
}

/// One event; put out when it is dropped.
struct LogEntry {
    stream: ConsoleStream,
    text: Vec<u8>,
    care: Redaction,
    /// It outlasts the others where nobody reads.
    error: bool,
}

/// What is done about secrets in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Redaction {
    /// Nothing: the driver has taken the secrets out of frames; a message's data is never altered.
    None,
    /// They are redacted.
    Own,
    /// They are redacted, and bytes that a library shows in hexadecimal, such as whole frames, are left out: a secret
    /// in them has another spelling.
    Foreign,
}

/// Fewer hexadecimal digits in a row are no dump of anything.
const SHORTEST_DUMP: usize = 16;

/// The text without numbers as long as `0x7b2274797065223a`.
fn without_dumps(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("0x");
        let digits = part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len());
        if digits >= SHORTEST_DUMP {
            out.push_str(REDACTED);
            out.push_str(&part[digits..]);
        } else {
            out.push_str(part);
        }
    }
    out
}

impl Write for LogEntry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogEntry {
    fn drop(&mut self) {
        if self.care != Redaction::None {
            let mut text = redact(&String::from_utf8_lossy(&self.text)).into_owned();
            if self.care == Redaction::Foreign {
                text = without_dumps(&text);
            }
            self.text = text.into_bytes();
        }
        if self.error {
            self.stream.put_kept(&mut self.text);
        } else {
            self.stream.put(&mut self.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn dumps_are_found_in_proportion_to_the_length_of_a_line() {
        use crate::growth::assert_linear;
        let texts = [("", "0x"), ("", "0x0x0"), ("0x", "0"), ("", "0"), ("", "x"), ("", "0x7b2274797065223a ")];
        assert_linear("dumps", &|text| drop(without_dumps(text)), &texts);
    }

    #[test]
    fn bytes_in_hexadecimal_are_left_out() {
        for (text, left) in [
            ("payload: 0x7b2274797065223a2273797374656d22\n end", "payload: 0x[redacted]\n end"),
            ("0x7B2274797065223A 0x7b2274797065223a2", "0x[redacted] 0x[redacted]"),
            ("code 0x03e8, 0x, 0xyz, 20x30", "code 0x03e8, 0x, 0xyz, 20x30"),
        ] {
            assert_eq!(without_dumps(text), left);
        }
    }

    #[test]
    fn what_is_said_of_wps_is_said_of_all_its_crates() {
        let all = CRATES.map(|name| format!("{name}=debug")).join(",");
        assert_eq!(of_all_crates("wps=debug"), all);
        assert_eq!(of_all_crates("info,wps=debug"), format!("info,{all}"));
        assert_eq!(of_all_crates("wps::frames=trace,hyper=warn"), "wps::frames=trace,hyper=warn");
        assert!(is_own("webpubsub_net::wire") && is_own("wps::frames") && !is_own("wpsx") && !is_own("hyper"));
    }
}
