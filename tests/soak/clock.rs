//! A clock of one's own for the processes of a bench, which jumps: libfaketime, preloaded, reads how far it is off from a
//! file whenever somebody asks it for the time of day. Time that only passes (`CLOCK_MONOTONIC`) is left alone, as it is
//! when somebody sets the clock of a machine.

use std::path::{Path, PathBuf};

/// The clock of a bench.
#[derive(Clone, Debug)]
pub struct Clock {
    library: &'static Path,
    file: PathBuf,
}

/// Where distributions put it.
const PLACES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
];

impl Clock {
    /// One that is right, kept in that directory; `None` where libfaketime is not installed, and for musl: a library is not
    /// loaded into what is linked statically.
    pub fn new(directory: &Path) -> Option<Self> {
        if cfg!(target_env = "musl") {
            return None;
        }
        let library = PLACES.iter().map(Path::new).find(|path| path.exists())?;
        let clock = Self { library, file: directory.join("clock") };
        clock.jump(0);
        Some(clock)
    }

    /// It is off by so many seconds from now on, for all who look at it.
    pub fn jump(&self, offset: i64) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{offset:+}\n")).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    /// What a process needs in order to go by it.
    pub fn environment(&self) -> [(&'static str, PathBuf); 5] {
        [
            ("LD_PRELOAD", self.library.to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.clone()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ]
    }
}

/// Removes what the library leaves of a process that was killed.
pub fn sweep(id: u32) {
    for name in ["faketime_shm_", "sem.faketime_sem_"] {
        let _ = std::fs::remove_file(format!("/dev/shm/{name}{id}"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::process::{Printed, wps};

    #[test]
    fn the_clock_of_the_binary_jumps() {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let Some(clock) = Clock::new(directory.path()) else {
            return eprintln!("libfaketime cannot be used: no clock jumps here");
        };
        let year = |hours: i64| {
            clock.jump(3600 * hours);
            let arguments = ["emulator", "--port", "0", "-o", "ndjson", "--exit-on-stdin-close"];
            let setup = wps(directory.path(), directory.path().join("emulator"), arguments);
            let running = setup.clock(Some(&clock)).start(true);
            match running.next(Duration::from_secs(60)) {
                Ok(Some(Printed::Record(ready))) => ready["time"].as_str().unwrap()[..4].parse::<u64>().unwrap(),
                other => panic!("{other:?}: {}", running.stderr()),
            }
        };
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let now = 1970 + seconds / 31_556_952;
        // Three years and a little, either way.
        assert!(year(3 * 8766 + 48) >= now + 3);
        assert!(year(-3 * 8766 - 48) <= now - 3);
    }
}
