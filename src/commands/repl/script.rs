//! Lines from a file or a pipe: a script.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use tokio::sync::mpsc;

use super::lines::{Assembler, ReplEntry};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::stdin::StandardInput;

/// Lines read ahead.
const AHEAD: usize = 16;
/// Longest line. More than any message that the service takes needs.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The entries of a script, as they are read.
pub type ScriptEntries = mpsc::Receiver<Result<ReplEntry, Failure>>;

/// A script that is there.
pub struct Script {
    input: Box<dyn Read + Send>,
    /// That it cannot be read.
    unreadable: String,
}

/// Opens the script. Fails where it cannot be read (exit 11).
pub fn open(path: Option<&Path>) -> Result<Script, Failure> {
    let place = path.map_or_else(|| "standard input".to_owned(), |path| format!("`{}`", path.display()));
    let unreadable = format!("could not read {place}");
    let input: Box<dyn Read + Send> = match path {
        None => Box::new(StandardInput),
        Some(path) => Box::new(File::open(path).or_fail(Kind::Input, unreadable.clone())?),
    };
    Ok(Script { input, unreadable })
}

/// Reads a script on a thread of its own, which a pipe may keep waiting.
pub fn read(Script { input, unreadable }: Script) -> io::Result<ScriptEntries> {
    let (sender, entries) = mpsc::channel(AHEAD);
    std::thread::Builder::new().name("script".into()).spawn(move || {
        let mut reader = BufReader::new(input);
        let mut assembler = Assembler::default();
        for number in 1.. {
            let entry = match line(&mut reader, number) {
                Ok(ScriptLine::Text(line)) => match assembler.push(&line) {
                    Some(entry) => Ok(entry),
                    None => continue,
                },
                Ok(ScriptLine::Bad(failure)) => {
                    // It counts, and the lines behind it may be good.
                    assembler.push("");
                    Err(failure)
                }
                Ok(ScriptLine::End) => {
                    let last = assembler.finish();
                    for entry in last.into_iter().chain(assembler.end_stream()) {
                        if sender.blocking_send(Ok(entry)).is_err() {
                            return;
                        }
                    }
                    return;
                }
                Err(error) => {
                    let _ = sender.blocking_send(Err(Failure::new(Kind::Input, error).context(unreadable)));
                    return;
                }
            };
            if sender.blocking_send(entry).is_err() {
                return;
            }
        }
    })?;
    Ok(entries)
}

/// What was read.
enum ScriptLine {
    /// A line without its end, LF or CRLF; the first one without the mark that some editors begin a file with.
    Text(String),
    /// One that is no text, or too long.
    Bad(Failure),
    /// There is no more.
    End,
}

fn line(reader: &mut impl BufRead, number: u64) -> io::Result<ScriptLine> {
    let mut bytes = Vec::new();
    if reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(ScriptLine::End);
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    } else if bytes.len() as u64 == LONGEST {
        reader.skip_until(b'\n')?;
        let what = format!("line {number}: it is longer than {LONGEST} bytes");
        return Ok(ScriptLine::Bad(Failure::message(Kind::Input, what)));
    }
    if number == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(.."\u{feff}".len());
    }
    Ok(String::from_utf8(bytes).map(ScriptLine::Text).unwrap_or_else(|error| {
        let error = anyhow::Error::new(error.utf8_error()).context(format!("line {number}: it is not UTF-8"));
        ScriptLine::Bad(Failure::new(Kind::Input, error).hint("`send --type binary --file F` sends any bytes"))
    }))
}
