//! `--record`: what goes over the wire, a line of JSON for each frame, into a file.
//!
//! Written by a thread of its own, so that a slow disk holds nothing up before its queue is full. Tokens of the service
//! and of the handshake are left out; the `data` of messages is as it was. Whatever ends the process leaves whole lines,
//! save perhaps the last.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::layout::compact;
use super::timestamp;
use super::writer::{Reach, Writer};
use webpubsub_client::event::{Received, WireFrame, Wiretap};
use webpubsub_net::secret::{redact, redact_binary, redact_frame};
use webpubsub_proto::{Codec, Subprotocol};

/// The format of what is written here.
pub const VERSION: u32 = 1;

/// The `protocol` of the recording of a tunnel, whose lines are not those of a client's.
pub const TUNNEL: &str = "tunnel";

/// The first line.
#[derive(Serialize)]
struct RecordingHeader<'a> {
    recording: u32,
    time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<&'a str>,
    protocol: &'a str,
    wps: &'a str,
}

/// Something other than a frame.
#[derive(Serialize)]
struct RecordedEvent<'a> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl RecordedEvent<'_> {
    const NONE: Self = Self { event: "", recovery: None, url: None, code: None, reason: None, error: None };
}

/// Returns the URL of the connection, without its token.
pub type ShownUrl = Box<dyn Fn() -> Option<String> + Send>;

/// A recording under way.
pub struct Recording {
    writer: Writer,
    out: Vec<u8>,
    /// Times count from here.
    started: Instant,
    codec: Codec,
    url: ShownUrl,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

impl Recording {
    /// Makes the file, for its owner only; what it held is replaced. The writer tells whether it can be written.
    pub fn create(path: &Path) -> io::Result<Writer> {
        if is_pipe(path) {
            // Opening it waits for a reader, which is the thread's matter.
            return Writer::spawn("recording", vec![Box::new(NamedPipe { path: path.to_owned(), open: None })]);
        }
        Writer::spawn("recording", vec![Box::new(open(path)?)])
    }

    /// Begins to record.
    pub fn begin(writer: Writer, started: Instant, hub: Option<&str>, protocol: Subprotocol, url: ShownUrl) -> Self {
        let mut recording = Self { writer, out: Vec::new(), started, codec: protocol.codec(), url };
        let protocol = protocol.name();
        let wps = env!("CARGO_PKG_VERSION");
        // Serialising plain structs into memory cannot fail.
        let _ = serde_json::to_writer(
            &mut recording.out,
            &RecordingHeader { recording: VERSION, time: &timestamp(), hub, protocol, wps },
        );
        recording.out.push(b'\n');
        recording
    }

    /// Begins a line with its time.
    fn at(&mut self) {
        let at = self.started.elapsed();
        let _ = write!(self.out, "{{\"at\":{}.{:06}", at.as_secs(), at.subsec_micros());
    }

    fn happening(&mut self, happening: &RecordedEvent<'_>) {
        self.at();
        self.out.push(b',');
        let start = self.out.len();
        let _ = serde_json::to_writer(&mut self.out, happening);
        // Its opening brace stands at the beginning of the line already.
        self.out.remove(start);
        self.out.push(b'\n');
    }

    fn frame(&mut self, direction: &str, frame: WireFrame<'_>) {
        self.at();
        let _ = write!(self.out, ",\"direction\":\"{direction}\",");
        match frame {
            WireFrame::Text(text) if serde_json::from_str::<&RawValue>(text).is_ok() => {
                self.out.extend_from_slice(b"\"frame\":");
                compact(text.trim(), &mut self.out);
            }
            WireFrame::Text(text) => {
                self.out.extend_from_slice(b"\"text\":");
                let _ = serde_json::to_writer(&mut self.out, text);
            }
            WireFrame::Binary(bytes) => {
                let _ = write!(self.out, "\"frameBase64\":\"{}\"", STANDARD.encode(bytes));
            }
        }
        self.out.extend_from_slice(b"}\n");
    }
}

impl Wiretap for Recording {
    fn dialling(&mut self, recovery: bool) {
        self.happening(&RecordedEvent { event: "dialling", recovery: Some(recovery), ..RecordedEvent::NONE });
    }

    fn opened(&mut self) {
        let url = (self.url)();
        self.happening(&RecordedEvent { event: "opened", url, ..RecordedEvent::NONE });
    }

    fn failed(&mut self, error: &str) {
        self.happening(&RecordedEvent { event: "failed", error: Some(&redact(error)), ..RecordedEvent::NONE });
    }

    fn sent(&mut self, frame: WireFrame<'_>) {
        self.frame("sent", frame);
    }

    fn received(&mut self, frame: WireFrame<'_>, received: &Received<'_>) {
        match (frame, received) {
            (WireFrame::Text(text), Received::Control | Received::Unknown { .. }) => {
                self.frame("received", WireFrame::Text(&redact_frame(text)));
            }
            (WireFrame::Binary(bytes), Received::Control | Received::Unknown { .. }) => {
                self.frame("received", WireFrame::Binary(&redact_binary(self.codec, bytes)));
            }
            (frame, Received::Message(_) | Received::States(_) | Received::Duplicate) => self.frame("received", frame),
        }
    }

    fn closing(&mut self, code: u16) {
        self.happening(&RecordedEvent { event: "closing", code: Some(code), ..RecordedEvent::NONE });
    }

    fn closed(&mut self, code: Option<u16>, reason: &str, error: Option<&str>) {
        let reason = redact(reason);
        let reason = Some(reason.as_ref()).filter(|reason| !reason.is_empty());
        let error = error.map(redact);
        self.happening(&RecordedEvent {
            event: "closed",
            code,
            reason,
            error: error.as_deref(),
            ..RecordedEvent::NONE
        });
    }

    fn flush(&mut self) {
        self.writer.put(0, &mut self.out, Reach::default());
    }
}

/// A named pipe, opened when there is something to write.
struct NamedPipe {
    path: PathBuf,
    open: Option<File>,
}

impl NamedPipe {
    fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.open.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).open(&self.path)?,
        };
        Ok(self.open.insert(file))
    }
}

impl io::Write for NamedPipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), io::Write::flush)
    }
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.metadata().is_ok_and(|data| data.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    if file.metadata()?.is_file() {
        // One that was there may have been open to others.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}
