//! `--log FILE`: the records of all traffic, written by a thread of their own.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::render::{Reach, WriteFailure, Writer};
use webpubsub_emulator::Observer;

/// A log file. A disk that does not keep up makes a gap, which a `dropped` record tells of: the emulator must not wait.
#[derive(Debug)]
pub struct LogFile {
    writer: Writer,
    /// Records that found no room since the last one that did.
    dropped: AtomicU64,
}

impl LogFile {
    /// Makes the file anew, readable by its owner only.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let writer = open(path)
            .and_then(|file| Writer::spawn("log", vec![Box::new(file)]))
            .or_fail(Kind::Output, format!("could not open the log file `{}`", path.display()))
            .hint("`--log FILE` needs a file that can be written")?;
        Ok(Self { writer, dropped: AtomicU64::new(0) })
    }

    /// Resolves when nothing more can be written.
    pub async fn failed(&self) -> Failure {
        let why = match self.writer.failed().await {
            WriteFailure::Closed => "nobody reads it any more".to_owned(),
            WriteFailure::Failed(error) | WriteFailure::Unrecorded(error) => error.to_string(),
        };
        Failure::message(Kind::Output, format!("could not write to the log file: {why}"))
    }

    /// Resolves when everything is written.
    pub async fn drained(&self) {
        self.writer.drained().await;
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Observer for LogFile {
    fn wants(&self) -> bool {
        true
    }

    fn record(&self, line: &[u8]) {
        if !self.writer.has_room() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut buffer = Vec::with_capacity(line.len());
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            buffer.extend_from_slice(format!("{{\"type\":\"dropped\",\"records\":{dropped}}}\n").as_bytes());
        }
        buffer.extend_from_slice(line);
        self.writer.put(0, &mut buffer, Reach::default());
    }
}
