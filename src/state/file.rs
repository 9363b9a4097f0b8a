//! One open session file: found, locked, read, and written whole at every change.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom as _, SystemRandom};
use thiserror::Error;

use super::format::{self, FormatError, MessageProgress, SessionRecord, SessionScope};
use super::hex::hex;
use super::lines::SentLines;
use super::lock::{self, Holder, LockError, SessionLock};
use webpubsub_proto::session::{Mark, Snapshot};

/// Most that is read of a file: more than any state, which holds a thousand unanswered messages at most.
const MOST_READ: u64 = 2 * 1024 * 1024 * 1024;

/// What the name of a temporary file begins and ends with; between them are 16 random digits.
const TEMPORARY: &str = ".wps-";
const TEMPORARY_END: &str = ".tmp";

/// Most losses that nobody was told of. Of more, the newest are kept.
const MOST_LOSSES: usize = 1000;

/// Why a session file cannot be used.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A directory, a device, a pipe.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// A symbolic link whose target is not there.
    #[error("it is a symbolic link to `{}`, which is not there", .0.display())]
    Dangling(PathBuf),
    /// The directory is not there.
    #[error("there is no directory `{}`", .0.display())]
    NoDirectory(PathBuf),
    /// It has more than one name, by hard links: a lock would hold for one of them, and a change too.
    #[error("it has {0} names (hard links)")]
    Linked(u64),
    /// The file that would be its lock is somebody else's.
    #[error("`{}` beside it, which would be its lock, is another program's file", .0.display())]
    ForeignLock(PathBuf),
    /// Another process uses it.
    #[error("{}", held(.0.as_ref()))]
    Held(Option<Holder>),
    /// Its content is of no use.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[source] io::Error),
    /// It, or the files beside it, cannot be written.
    #[error("it cannot be written: {0}")]
    Write(#[source] io::Error),
}

fn held(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder { pid, command, since }) => format!("it is in use by `{command}` (process {pid}) since {since}"),
        None => "it is in use by another process".into(),
    }
}

/// A session file that was opened, with what it held.
#[derive(Debug)]
pub struct OpenedSession {
    pub file: SessionFile,
    /// What its connection belongs to; `None`: there was none.
    pub place: Option<SessionScope>,
    /// The session's part.
    pub snapshot: Snapshot,
    /// Up to this sequence id messages were written out.
    pub done: u64,
    /// Up to this sequence id they may have been.
    pub begun: u64,
    /// How long ago that was recorded.
    pub downtime: Duration,
    /// The position in an input that is not all sent.
    pub lines: Option<SentLines>,
    /// Whether others than its owner could read the file, by its mode; it is replaced by one they cannot.
    pub exposed: Option<u32>,
}

/// A session file, locked for as long as this is there.
#[derive(Debug)]
pub struct SessionFile {
    /// The file, without links on the way.
    path: PathBuf,
    /// Where it is written before it is renamed: a name that nobody else has.
    temporary: PathBuf,
    state: Mutex<SessionFileState>,
    holds: SessionLock,
}

#[derive(Debug)]
struct SessionFileState {
    record: SessionRecord,
    /// The encoded part that changes rarely.
    body: String,
    /// How many losses of this process are no longer in the record.
    told: u64,
    /// The input in the record is being sent.
    sending: bool,
}

impl SessionFile {
    /// Opens and locks a file; one that is not there is made. Writes it once, so that what cannot be written is known
    /// now. What is unreadable, damaged or somebody else's is left as it is.
    pub fn open(path: &Path, holder: &Holder) -> Result<OpenedSession, OpenError> {
        let path = resolve(path)?;
        let beside = lock_of(&path);
        let temporary = temporary_name().map_err(OpenError::Write)?;
        let (lock, former) = lock::take(&beside, holder, &temporary).map_err(|error| match error {
            LockError::Held(holder) => OpenError::Held(holder),
            LockError::Foreign => OpenError::ForeignLock(beside.file_name().unwrap_or_default().into()),
            LockError::Io(error) => OpenError::Write(error),
        })?;
        let (mut record, exposed) = match File::open(&path) {
            Ok(file) => read(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (SessionRecord::default(), None),
            Err(error) => return Err(OpenError::Read(error)),
        };
        if former.over
            && let Some(ended) = record.lines.take()
            && let Some(used) = ended.used()
        {
            // Its ids stay used, by lines that were carried out.
            record.snapshot.carry_out(used);
        }
        let downtime = now().saturating_sub(record.progress.saved_at);
        let state =
            SessionFileState { body: format::encode_body(&record), record: record.clone(), told: 0, sending: false };
        if let Some(left) = former.temporary.filter(|name| is_temporary_name(name)) {
            // What an earlier process was writing when it was killed; mostly there is nothing.
            let _ = fs::remove_file(path.with_file_name(left));
        }
        let file = Self { temporary: path.with_file_name(temporary), path, state: Mutex::new(state), holds: lock };
        file.write(&file.lock(), false).map_err(OpenError::Write)?;
        // Not before: were it killed in between, the input would be taken for one that an earlier run has sent.
        file.holds.mark(false).map_err(OpenError::Write)?;
        let mut snapshot = record.snapshot;
        for operation in &mut snapshot.operations {
            operation.since = operation.since.saturating_add(record.lines_since);
        }
        for remembered in &mut snapshot.remembered {
            remembered.since = remembered.since.saturating_add(record.lines_since);
        }
        Ok(OpenedSession {
            file,
            place: record.place,
            snapshot,
            done: record.progress.done,
            begun: record.progress.begun,
            downtime: Duration::from_millis(downtime),
            lines: record.lines,
            exposed,
        })
    }

    /// Records the session's part. `place` is what the connection belongs to, where it is a new one.
    pub fn keep(&self, mut snapshot: Snapshot, place: Option<SessionScope>) -> io::Result<()> {
        let mut state = self.lock();
        let mut losses = std::mem::take(&mut state.record.snapshot.losses);
        losses.append(&mut snapshot.losses);
        let many = losses.len().saturating_sub(MOST_LOSSES);
        losses.drain(..many);
        state.told += many as u64;
        snapshot.losses = losses;
        if snapshot.ordinal != state.record.snapshot.ordinal {
            // Another connection has sequence ids of its own.
            state.record.progress = MessageProgress::default();
        }
        if place.is_some() {
            state.record.place = place;
        }
        state.record.snapshot = snapshot;
        // Lines that are recorded are sent without another word.
        let ahead = state.record.lines.as_ref().filter(|_| state.sending).map_or(0, SentLines::ahead);
        state.record.lines_since = ahead;
        state.body = format::encode_body(&state.record);
        self.save(&mut state)
    }

    /// Which connection there is now, the first having 1.
    pub fn ordinal(&self) -> u64 {
        self.lock().record.snapshot.ordinal
    }

    /// Records the position in an input, of which the lines that have not settled are for the connection that it names;
    /// they may be sent then.
    pub fn keep_lines(&self, sent: &mut SentLines) -> io::Result<()> {
        let mut state = self.lock();
        let record = &mut state.record;
        let before = record.lines.as_ref().map_or(0, SentLines::reach);
        let more = sent.note_record(record.snapshot.ordinal, record.snapshot.settled);
        record.lines_since = record.lines_since.saturating_add(more + sent.reach().saturating_sub(before));
        record.lines = Some(sent.clone());
        state.sending = true;
        state.body = format::encode_body(&state.record);
        self.save(&mut state)
    }

    /// Records that messages up to there are about to be written out, and with it what [`Self::done`] was told.
    pub fn begin(&self, mark: Mark) -> io::Result<()> {
        let mut state = self.lock();
        if mark.ordinal == state.record.snapshot.ordinal {
            let progress = &mut state.record.progress;
            progress.begun = progress.begun.max(mark.sequence_id);
        }
        self.save(&mut state)
    }

    /// Takes note that messages up to there were written out. It is recorded with the next change, or by
    /// [`Self::settle`].
    pub fn done(&self, mark: Mark) {
        let mut state = self.lock();
        if mark.ordinal == state.record.snapshot.ordinal {
            let progress = &mut state.record.progress;
            progress.done = progress.done.max(mark.sequence_id);
        }
    }

    /// Takes note that so many losses were reported, of all since the file was opened. It is recorded as [`Self::done`] is.
    pub fn losses_reported(&self, count: u64) {
        let mut state = self.lock();
        let SessionFileState { record, body, told, .. } = &mut *state;
        let losses = &mut record.snapshot.losses;
        let new = usize::try_from(count.saturating_sub(*told)).unwrap_or(usize::MAX).min(losses.len());
        if new > 0 {
            losses.drain(..new);
            *told += new as u64;
            *body = format::encode_body(record);
        }
    }

    /// Records what [`Self::done`] and [`Self::losses_reported`] were told.
    pub fn settle(&self) -> io::Result<()> {
        self.save(&mut self.lock())
    }

    /// Records everything once more, down to the disk: what a clean end leaves survives a loss of power too.
    pub fn close(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.record.progress.saved_at = now();
        self.write(&state, true)
    }

    /// Leaves word that the input in the file is over: the next run sends its own from the beginning. To be done last of
    /// all, when nothing can fail any more: until then, whoever runs the command again has nothing left to send.
    pub fn forget_input(&self) -> io::Result<()> {
        self.holds.mark(true)
    }

    fn lock(&self) -> MutexGuard<'_, SessionFileState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, state: &mut SessionFileState) -> io::Result<()> {
        state.record.progress.saved_at = now();
        self.write(state, false)
    }

    fn write(&self, state: &SessionFileState, to_disk: bool) -> io::Result<()> {
        let bytes = format::encode(&state.body, &state.record.progress);
        let mut file = create(&self.temporary)?;
        let written = file.write_all(&bytes).and_then(|()| if to_disk { file.sync_all() } else { Ok(()) });
        drop(file);
        let renamed = written.and_then(|()| fs::rename(&self.temporary, &self.path));
        if renamed.is_err() {
            // Of no use to anybody; that it stays would be no further harm.
            let _ = fs::remove_file(&self.temporary);
        }
        renamed
    }
}

/// A name for a temporary file that nobody can have taken.
fn temporary_name() -> io::Result<String> {
    let mut bytes = [0; 8];
    let random = SystemRandom::new().fill(&mut bytes);
    random.map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(format!("{TEMPORARY}{}{TEMPORARY_END}", hex(&bytes)))
}

/// Whether it is such a name: nothing else is removed, whatever a lock says.
fn is_temporary_name(name: &str) -> bool {
    let random = name.strip_prefix(TEMPORARY).and_then(|rest| rest.strip_suffix(TEMPORARY_END));
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A new file for its owner alone. What has that name already is somebody else's and is left alone.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// The file itself: through links, so that all its names share one lock.
fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    let (Some(name), false) = (path.file_name(), path.as_os_str().is_empty()) else {
        return Err(OpenError::NotAFile("a directory"));
    };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(OpenError::NotAFile("a directory")),
        Ok(metadata) if !metadata.is_file() => return Err(OpenError::NotAFile("a device or a pipe")),
        Ok(metadata) if links(&metadata) > 1 => return Err(OpenError::Linked(links(&metadata))),
        Ok(_) => return fs::canonicalize(path).map_err(OpenError::Read),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(OpenError::Read(error)),
    }
    if let Ok(target) = fs::read_link(path) {
        return Err(OpenError::Dangling(target));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::canonicalize(directory) {
        Ok(directory) => Ok(directory.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenError::NoDirectory(directory.to_owned())),
        Err(error) => Err(OpenError::Read(error)),
    }
}

#[cfg(unix)]
fn links(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.nlink()
}

#[cfg(not(unix))]
fn links(_metadata: &fs::Metadata) -> u64 {
    1
}

/// The file beside that is its lock.
fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or(OsStr::new("session")).to_owned();
    name.push(".lock");
    path.with_file_name(name)
}

/// The content, and the mode of a file that others can read.
fn read(file: File) -> Result<(SessionRecord, Option<u32>), OpenError> {
    let exposed = exposed(&file);
    let mut bytes = Vec::new();
    file.take(MOST_READ).read_to_end(&mut bytes).map_err(OpenError::Read)?;
    Ok((format::decode(&bytes)?, exposed.filter(|_| !bytes.is_empty())))
}

#[cfg(unix)]
fn exposed(file: &File) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn exposed(_file: &File) -> Option<u32> {
    None
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
