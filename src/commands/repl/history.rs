//! The lines that were entered, in memory and in a file that several repls share.
//!
//! Each line is there once, at its newest place; a line that holds a secret is left out. The file is the user's alone
//! (0600). A new line is appended under a lock, so that two repls do not harm each other's; what is too old or there twice
//! is taken out when the next one starts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::commands::repl::settings::HistoryPlace;
use webpubsub_net::secret::redact;

/// Most lines kept.
const MOST: usize = 1000;
/// Longest line kept, in bytes.
const LONGEST: usize = 16 * 1024;
/// Most that is read of a file, whatever it is.
const MOST_READ: u64 = 4 * 1024 * 1024;

/// The lines, oldest first.
#[derive(Debug, Default)]
pub struct History {
    entries: Mutex<Vec<String>>,
    /// `None`: in memory only.
    path: Mutex<Option<PathBuf>>,
}

impl History {
    /// Reads what is there. Returns, besides, why nothing can be kept.
    pub fn open(place: &HistoryPlace) -> (Self, Option<String>) {
        let history = Self::default();
        let path = match place {
            HistoryPlace::File(path) => path,
            HistoryPlace::Nowhere => return (history, Some("there is no home folder".into())),
        };
        match load(path) {
            Ok(entries) => {
                *lock(&history.entries) = entries;
                *lock(&history.path) = Some(path.clone());
                (history, None)
            }
            Err(error) => {
                *lock(&history.entries) = read_only(path);
                (history, Some(format!("`{}`: {error}", path.display())))
            }
        }
    }

    /// All of them.
    pub fn entries(&self) -> Vec<String> {
        lock(&self.entries).clone()
    }

    /// Adds a line. Returns why it could not be kept, once.
    pub fn add(&self, entry: &str) -> Option<String> {
        let entry = entry.trim_end();
        if entry.trim().is_empty() || entry.len() > LONGEST || redact(entry) != entry {
            return None;
        }
        {
            let mut entries = lock(&self.entries);
            entries.retain(|known| known != entry);
            entries.push(entry.to_owned());
            let excess = entries.len().saturating_sub(MOST);
            entries.drain(..excess);
        }
        let mut path = lock(&self.path);
        let error = append(path.as_deref()?, entry).err()?;
        path.take().map(|path| format!("`{}`: {error}", path.display()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entries of the file, each once; the file is tidied on the way.
fn load(path: &Path) -> io::Result<Vec<String>> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let mut file = open(path)?;
    let _guard = HistoryLock::take(&file)?;
    let mut text = String::new();
    let mut bytes = Vec::new();
    (&mut file).take(MOST_READ).read_to_end(&mut bytes)?;
    text.push_str(&String::from_utf8_lossy(&bytes));
    let entries = tidy(&text);
    let tidied: String = entries.iter().map(|entry| encode(entry)).collect();
    if tidied != text {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(tidied.as_bytes())?;
        file.set_len(tidied.len() as u64)?;
    }
    Ok(entries)
}

/// The entries of a file that cannot be written.
fn read_only(path: &Path) -> Vec<String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_READ).read_to_end(&mut bytes));
    if read.is_ok() { tidy(&String::from_utf8_lossy(&bytes)) } else { Vec::new() }
}

fn append(path: &Path, entry: &str) -> io::Result<()> {
    let mut file = open(path)?;
    let _guard = HistoryLock::take(&file)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(encode(entry).as_bytes())
}

/// Each line once, at its newest place, and the newest ones only.
fn tidy(text: &str) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut entries: Vec<String> = Vec::new();
    for line in text.lines().rev() {
        let entry = decode(line);
        let fits = !entry.trim().is_empty() && entry.len() <= LONGEST && redact(&entry) == entry;
        if fits && entries.len() < MOST && seen.insert(entry.clone()) {
            entries.push(entry);
        }
    }
    entries.reverse();
    entries
}

/// A line of the file: what has several lines is written in one.
fn encode(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace('\n', "\\n") + "\n"
}

fn decode(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        let metadata = file.metadata()?;
        // One that somebody made wider is made the user's own again.
        if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

/// Holds the file's lock; closing the file gives it back.
struct HistoryLock;

impl HistoryLock {
    #[cfg(unix)]
    fn take(file: &File) -> io::Result<Self> {
        rustix::fs::flock(file, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(Self)
    }

    /// Elsewhere appending a line is one write, which has to do.
    #[cfg(not(unix))]
    fn take(_file: &File) -> io::Result<Self> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_at(path: &Path) -> History {
        let (history, note) = History::open(&HistoryPlace::File(path.to_owned()));
        assert_eq!(note, None);
        history
    }

    #[test]
    fn lines_are_kept_once_and_in_order_across_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wps").join("history");
        let history = open_at(&path);
        for line in ["join g", "send g a\\b\nc", "join g", "  ", "ping"] {
            assert_eq!(history.add(line), None);
        }
        let expected = ["send g a\\b\nc", "join g", "ping"];
        assert_eq!(history.entries(), expected);
        assert_eq!(open_at(&path).entries(), expected);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn two_repls_do_not_destroy_each_others_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let (one, other) = (open_at(&path), open_at(&path));
        one.add("join a");
        other.add("join b");
        one.add("join c");
        assert_eq!(open_at(&path).entries(), ["join a", "join b", "join c"]);
        other.add("join d");
        assert_eq!(open_at(&path).entries(), ["join a", "join b", "join c", "join d"]);
    }

    #[test]
    fn a_line_with_a_secret_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let history = open_at(&path);
        history.add("send g ws://h/client/hubs/a?access_token=abc.def");
        history.add("send g eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln");
        history.add("ping");
        assert_eq!(history.entries(), ["ping"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "ping\n");
    }

    #[test]
    fn the_history_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let lines: String = (0..MOST + 10).map(|number| format!("send g {number}\n")).collect();
        fs::write(&path, lines).unwrap();
        let history = open_at(&path);
        assert_eq!(history.entries().len(), MOST);
        assert_eq!(history.entries()[0], "send g 10");
        history.add("ping");
        assert_eq!(history.entries().len(), MOST);
        history.add(&"x".repeat(LONGEST + 1));
        assert_eq!(history.entries().last().map(String::as_str), Some("ping"));
    }

    #[test]
    fn without_a_place_it_is_in_memory_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for place in [HistoryPlace::Nowhere, HistoryPlace::File(file.join("history"))] {
            let (history, note) = History::open(&place);
            assert!(note.is_some());
            assert_eq!(history.add("ping"), None);
            assert_eq!(history.entries(), ["ping"]);
        }
    }
}
