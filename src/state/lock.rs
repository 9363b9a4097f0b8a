//! One user of a session file at a time: a lock on a file beside it, which says who holds it.
//!
//! The session file itself is replaced at every change, so a lock on it would be lost with it. The system takes the lock
//! back when the process ends, however it ends; the file beside stays. It also names the temporary file that its holder
//! writes to, so that the next one knows whose that is, should the holder be killed meanwhile.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Most that is read of what a holder says.
const MOST_READ: u64 = 4096;

/// What a holder begins with: many programs have a `NAME.lock` that is no such file.
const BEGINNING: &[u8] = b"{\"pid\":";

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// The command, as in `wps listen`.
    pub command: String,
    /// Since when, RFC 3339.
    pub since: String,
}

/// What the file beside says.
#[derive(Serialize, Deserialize)]
struct LockContent {
    #[serde(flatten)]
    holder: Holder,
    /// Name of the temporary file. Earlier versions had none of their own.
    temporary: Option<String>,
    /// The holder's input is over, and the process with it. Last, so that its place is known; earlier versions have none.
    #[serde(default)]
    over: bool,
}

/// A lock that is held, until it is dropped.
#[derive(Debug)]
pub(super) struct SessionLock {
    file: File,
    /// Where it says whether its holder is over.
    over_at: u64,
}

impl SessionLock {
    /// Leaves word whether the holder's input is over. One small write, in which hardly anything can kill a process:
    /// renaming a file takes milliseconds where the one that it replaces has to be freed.
    pub(super) fn mark(&self, over: bool) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.over_at))?;
        file.write_all(end_of(over).as_bytes())
    }
}

/// What stands at the end of the file; of one length, so that one can take the place of the other.
fn end_of(over: bool) -> &'static str {
    if over { "true }\n" } else { "false}\n" }
}

/// What the holder before has left.
#[derive(Debug, Default)]
pub(super) struct FormerHolder {
    /// Its temporary file: it may have been killed.
    pub(super) temporary: Option<String>,
    /// Its input is over.
    pub(super) over: bool,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum LockError {
    /// Somebody has it, and has said so or not yet.
    Held(Option<Holder>),
    /// The file beside is somebody else's, and was left as it is.
    Foreign,
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Takes the lock, for one who writes to that temporary file. Returns what the holder before has left, too: its word that
/// its input is over stays until there is another.
pub(super) fn take(path: &Path, holder: &Holder, temporary: &str) -> Result<(SessionLock, FormerHolder), LockError> {
    let mut file = open(path)?;
    // A pipe would be read for ever.
    if !file.metadata()?.is_file() {
        return Err(LockError::Foreign);
    }
    match file.try_lock() {
        Ok(()) => {}
        // What cannot be read names nobody.
        Err(TryLockError::WouldBlock) => {
            let content = read(&mut file).ok().and_then(|text| serde_json::from_slice::<LockContent>(&text).ok());
            return Err(LockError::Held(content.map(|content| content.holder)));
        }
        Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
    }
    let before = read(&mut file)?;
    // One that was killed may have left a part.
    if !before.starts_with(BEGINNING) && !BEGINNING.starts_with(&before) {
        return Err(LockError::Foreign);
    }
    let former = serde_json::from_slice::<LockContent>(&before).map_or_else(
        |_| FormerHolder::default(),
        |content| FormerHolder { temporary: content.temporary, over: content.over },
    );
    let content = LockContent { holder: holder.clone(), temporary: Some(temporary.to_owned()), over: former.over };
    let mut text = serde_json::to_string(&content).unwrap_or_default();
    text.truncate(text.len().saturating_sub(format!("{}}}", former.over).len()));
    let over_at = text.len() as u64;
    text.push_str(end_of(former.over));
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.flush());
    written?;
    Ok((SessionLock { file, over_at }, former))
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST_READ).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A link that somebody else has put there is not followed.
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(i32::try_from(flags).unwrap_or_default());
    }
    options.open(path)
}
