//! A small disk that fills up: a tmpfs, and somebody who takes all that is free on it, for as long as he is told to.
//!
//! Mounting one needs root, or its capability. Without, the files of a run may not grow from a moment on
//! (`RLIMIT_FSIZE`), which is the same to whoever writes them, but for the words.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// A disk; unmounted with the value.
pub struct Disk {
    at: PathBuf,
    filling: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// A limit stands in for it, of this process once that is there.
    limited: bool,
    process: AtomicU32,
    /// There is to be room.
    room: AtomicBool,
    /// It has been full.
    full: AtomicBool,
}

/// What it holds: a session file, its successor, and the recording of a run. A recording that is larger fills it.
const SIZE: &str = "size=48m";

/// The file that takes what is free.
const FILLER: &str = "filler";

impl Disk {
    /// Mounts one there, where that is allowed.
    pub fn mount(at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "wps-soak"]).arg(at);
        let mounted = mount.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let limited = !mounted.is_ok_and(|status| status.success());
        let shared = Arc::new(Shared { limited, ..Shared::default() });
        Self { at: at.to_owned(), filling: None, shared }
    }

    /// Whether a limit stands in for it.
    pub fn is_limited(&self) -> bool {
        self.shared.limited
    }

    /// What the system says to whoever finds no room.
    pub fn words(&self) -> &'static str {
        if self.shared.limited { "File too large" } else { "No space left on device" }
    }

    /// A file on it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.at.join(name)
    }

    /// It becomes full after a time, and is so until [`room`](Self::room) is made, whatever else is removed.
    pub fn fill(&mut self, after: Duration) {
        self.room();
        self.shared.room.store(false, Ordering::SeqCst);
        let (own, path) = (Arc::clone(&self.shared), self.file(FILLER));
        self.filling = Some(thread::spawn(move || {
            if !own.wait(after) {
                return;
            }
            if own.limited {
                own.limit();
            } else {
                own.fill(File::create(path).unwrap());
            }
        }));
        if after.is_zero() {
            while !self.shared.limited && !self.was_full() {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// This process writes to it.
    pub fn used_by(&self, process: u32) {
        self.shared.process.store(process, Ordering::SeqCst);
    }

    /// Whether it has been full since it was last told to fill.
    pub fn was_full(&self) -> bool {
        self.shared.full.load(Ordering::SeqCst)
    }

    /// There is room on it again.
    pub fn room(&mut self) {
        self.shared.room.store(true, Ordering::SeqCst);
        if let Some(thread) = self.filling.take() {
            thread.join().unwrap();
        }
        let _ = fs::remove_file(self.file(FILLER));
        self.shared.full.store(false, Ordering::SeqCst);
        self.shared.process.store(0, Ordering::SeqCst);
    }
}

impl Shared {
    /// Whether it is still to be full after a time.
    fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.room.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(2));
        }
        !self.room.load(Ordering::SeqCst)
    }

    /// Takes what is free, down to the last byte, and what becomes free.
    fn fill(&self, mut filler: File) {
        let block = vec![0; 1024 * 1024];
        let mut size = block.len();
        loop {
            match filler.write(&block[..size]) {
                Ok(written) if written == size => {}
                Ok(_) | Err(_) if size > 1 => size /= 2,
                Ok(_) | Err(_) => {
                    self.full.store(true, Ordering::SeqCst);
                    size = 4096;
                    if !self.wait(Duration::from_millis(2)) {
                        return;
                    }
                }
            }
        }
    }

    /// Lets no file of the process grow.
    fn limit(&self) {
        let limit = Rlimit { current: Some(0), maximum: None };
        while !self.room.load(Ordering::SeqCst) {
            let process = i32::try_from(self.process.load(Ordering::SeqCst)).ok().and_then(Pid::from_raw);
            if process.is_some() && prlimit(process, Resource::Fsize, limit).is_ok() {
                return self.full.store(true, Ordering::SeqCst);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.room();
        if !self.shared.limited {
            // What still lies on it is of no interest; a process that ends late may hold it up.
            let _ = Command::new("umount").arg("-l").arg(&self.at).stderr(Stdio::null()).status();
        }
    }
}

#[test]
fn a_disk_that_is_full_takes_nothing_and_one_with_room_does() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut disk = Disk::mount(&directory.path().join("disk"));
    let written = |disk: &Disk| {
        // What may not grow is another's file.
        let script = format!("trap '' XFSZ; sleep 0.2; echo text > {}", disk.file("some").display());
        let mut writer = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).spawn().unwrap();
        disk.used_by(writer.id());
        writer.wait().unwrap().success()
    };
    assert!(written(&disk));
    fs::remove_file(disk.file("some")).unwrap();
    disk.fill(Duration::ZERO);
    assert!(!written(&disk));
    assert!(disk.was_full());
    disk.room();
    assert!(written(&disk));
}
