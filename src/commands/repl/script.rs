//! Lines from a file or a pipe: a script.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use tokio::sync::mpsc;

use super::lines::{Assembler, Entry};
use crate::failure::{Failure, Kind};

/// Lines read ahead.
const AHEAD: usize = 16;
/// Longest line. More than any message that the service takes needs.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The entries of a script, as they are read.
pub type Entries = mpsc::Receiver<Result<Entry, Failure>>;

/// Opens the script. Fails where it cannot be read (exit 11).
pub fn open(path: Option<&Path>) -> Result<Box<dyn Read + Send>, Failure> {
    match path {
        None => Ok(Box::new(io::stdin())),
        Some(path) => {
            let file = File::open(path).map_err(|error| unreadable(&path.display().to_string(), error))?;
            Ok(Box::new(file))
        }
    }
}

/// Reads a script on a thread of its own, which a pipe may keep waiting.
pub fn read(input: Box<dyn Read + Send>) -> io::Result<Entries> {
    let (sender, entries) = mpsc::channel(AHEAD);
    std::thread::Builder::new().name("script".into()).spawn(move || {
        let mut reader = BufReader::new(input);
        let mut assembler = Assembler::default();
        loop {
            let entry = match line(&mut reader) {
                Ok(Some(line)) => match assembler.push(&line) {
                    Some(entry) => Ok(entry),
                    None => continue,
                },
                Ok(None) => {
                    if let Some(entry) = assembler.finish() {
                        let _ = sender.blocking_send(Ok(entry));
                    }
                    return;
                }
                Err(failure) => Err(failure),
            };
            let failed = entry.is_err();
            if sender.blocking_send(entry).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(entries)
}

/// The next line without its end, LF or CRLF.
fn line(reader: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    let read = reader.take(LONGEST).read_until(b'\n', &mut bytes);
    if read.map_err(|error| unreadable("the lines", error))? == 0 {
        return Ok(None);
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let failure = Failure::new(Kind::Input, anyhow::Error::new(error.utf8_error()).context("a line is not UTF-8"));
        failure.hint("`send --type binary --file F` sends any bytes")
    })
}

fn unreadable(what: &str, error: io::Error) -> Failure {
    Failure::new(Kind::Input, anyhow::Error::new(error).context(format!("could not read `{what}`")))
}
