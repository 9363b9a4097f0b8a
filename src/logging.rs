//! The log for people who look for a fault: frames and handshakes on stderr, without secrets.
//!
//! `-vv` shows frames, `-vvv` whole frames and handshakes; `WPS_LOG` takes a tracing filter instead. Each entry is a line
//! with its time; what goes to the service and what comes from there begins with an arrow.

mod line;

use std::io::{self, Write};

use tracing::Metadata;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::failure::{Failure, Kind};
use crate::render::Stream;
use crate::secret::{FRAMES, redact};

/// Starts the log of a client, whose lifecycle its printer tells.
pub fn start(verbosity: u8, filter: Option<&str>, stream: &Stream) -> Result<(), Failure> {
    let wanted = match verbosity {
        0 | 1 => None,
        2 => Some("wps=debug"),
        _ => Some("wps=trace"),
    };
    start_with(filter.or(wanted), stream)
}

/// Starts the log of an emulator, which has nothing else to tell with.
pub fn start_emulator(quiet: bool, verbosity: u8, filter: Option<&str>, stream: &Stream) -> Result<(), Failure> {
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
fn start_with(filter: Option<&str>, stream: &Stream) -> Result<(), Failure> {
    let directives = match filter {
        Some(filter) => filter,
        None => return Ok(()),
    };
    let filter = EnvFilter::builder().parse(directives).map_err(|error| {
        Failure::new(Kind::Config, anyhow::Error::new(error).context("`WPS_LOG` is not a log filter"))
            .hint("a filter looks like `wps=debug` or `debug`")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .event_format(line::Line(stream.style))
        .with_writer(Log(stream.clone()))
        .init();
    Ok(())
}

/// Makes a writer for each event.
struct Log(Stream);

impl<'a> MakeWriter<'a> for Log {
    type Writer = Entry;

    fn make_writer(&'a self) -> Entry {
        Entry { stream: self.0.clone(), text: Vec::new(), redact: true }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Entry {
        // The driver has taken the secrets out of frames; a message's data is never altered.
        Entry { stream: self.0.clone(), text: Vec::new(), redact: meta.target() != FRAMES }
    }
}

/// One event; put out when it is dropped.
struct Entry {
    stream: Stream,
    text: Vec<u8>,
    redact: bool,
}

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.redact {
            self.text = redact(&String::from_utf8_lossy(&self.text)).into_owned().into_bytes();
        }
        self.stream.put(&mut self.text);
    }
}
