//! Whoever ends the commands of a `wps` that was killed: a process of this program beside it.
//!
//! `wps` writes to its stdin which commands run, a line each. The end of that input is the end of `wps`, by whatever it
//! came, SIGKILL or a lack of memory among it: then those that still run are asked to end, and killed a second later. It
//! is started with the first command, has nothing else open, and no environment. A parent-death signal would do for the
//! shell, and not for what the shell has started.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group};

/// The one argument of such a process.
const ROLE: &str = "--guard-commands-of-wps";
/// How long commands have to end when they are asked to.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The process, once it was started.
static GUARD: Mutex<Option<Child>> = Mutex::new(None);

/// A command that is looked after, until this is dropped.
#[derive(Debug)]
pub struct Charge(Ward);

/// What is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ward {
    /// All of a process group.
    Group(i32),
    /// A process, and what it has started.
    Process(i32),
}

impl Ward {
    fn line(self) -> String {
        match self {
            Self::Group(id) => format!("group {id}"),
            Self::Process(id) => format!("process {id}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(' ')?;
        let id = id.parse().ok()?;
        match kind {
            "group" => Some(Self::Group(id)),
            "process" => Some(Self::Process(id)),
            _ => None,
        }
    }
}

/// Starts the guard, unless it runs. Where it cannot be started, commands go unguarded.
pub fn start() {
    use std::os::unix::process::CommandExt as _;

    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.as_mut().is_some_and(|guard| guard.try_wait().is_ok_and(|ended| ended.is_none())) {
        return;
    }
    // Wherever the program has been moved to since; on Linux it can be had even when it is there no more.
    let linux = PathBuf::from("/proc/self/exe");
    let program = if linux.exists() { Ok(linux) } else { std::env::current_exe() };
    *guard = program.ok().and_then(|program| {
        let mut command = Command::new(program);
        command.arg0("wps").arg(ROLE).env_clear().current_dir("/");
        // Ctrl-C is for the others.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().ok()
    });
}

/// Guards all of a process group.
pub fn group(leader: Pid) -> Charge {
    Charge::new(Ward::Group(leader.as_raw_nonzero().get()))
}

/// Guards a process and what it has started, as far as that can be seen.
pub fn process(pid: Pid) -> Charge {
    Charge::new(Ward::Process(pid.as_raw_nonzero().get()))
}

impl Charge {
    fn new(ward: Ward) -> Self {
        tell(&format!("+{}\n", ward.line()));
        Self(ward)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        tell(&format!("-{}\n", self.0.line()));
    }
}

fn tell(line: &str) {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stdin) = guard.as_mut().and_then(|guard| guard.stdin.as_mut()) {
        // One that was killed guards no more.
        let _ = stdin.write_all(line.as_bytes());
    }
}

/// Whether this process was started as a guard.
pub fn is_wanted() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    arguments.next().as_deref() == Some(OsStr::new(ROLE)) && arguments.next().is_none()
}

/// Guards until nobody writes any more.
pub fn run() {
    let mut wards = BTreeSet::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let (begins, rest) = line.split_at(line.len().min(1));
        match (begins, Ward::parse(rest)) {
            ("+", Some(ward)) => drop(wards.insert(ward)),
            ("-", Some(ward)) => drop(wards.remove(&ward)),
            _ => {}
        }
    }
    // What a process has started is nobody's once it has ended.
    let mut targets: Vec<Ward> = Vec::new();
    for ward in wards {
        match ward {
            Ward::Group(_) => targets.push(ward),
            Ward::Process(id) => targets.extend(with_descendants(id).into_iter().map(Ward::Process)),
        }
    }
    targets.iter().for_each(|ward| signal(*ward, Signal::TERM));
    let deadline = Instant::now() + PATIENCE;
    while targets.iter().any(|ward| is_there(*ward)) {
        if Instant::now() >= deadline {
            targets.iter().for_each(|ward| signal(*ward, Signal::KILL));
            return;
        }
        sleep(LOOK_AGAIN);
    }
}

fn signal(ward: Ward, signal: Signal) {
    // It may have ended in the meantime.
    let _ = match ward {
        Ward::Group(id) => Pid::from_raw(id).map(|pid| kill_process_group(pid, signal)),
        Ward::Process(id) => Pid::from_raw(id).map(|pid| kill_process(pid, signal)),
    };
}

fn is_there(ward: Ward) -> bool {
    match ward {
        Ward::Group(id) => Pid::from_raw(id).is_some_and(|pid| test_kill_process_group(pid).is_ok()),
        Ward::Process(id) => Pid::from_raw(id).is_some_and(|pid| test_kill_process(pid).is_ok()),
    }
}

/// A process and those it has started, where that can be seen.
fn with_descendants(root: i32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let parents: Vec<(i32, i32)> = processes
        .filter_map(|process| {
            let id = process.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
            // The name before it may hold anything: `PID (NAME) STATE PARENT …`
            let parent = stat.rsplit(')').next()?.split_ascii_whitespace().nth(1)?.parse().ok()?;
            Some((id, parent))
        })
        .collect();
    let mut found = vec![root];
    let mut looked = 0;
    while let Some(parent) = found.get(looked).copied() {
        looked += 1;
        let children = parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id);
        let children: Vec<i32> = children.filter(|id| !found.contains(id)).collect();
        found.extend(children);
    }
    found
}
