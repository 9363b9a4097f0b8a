//! Whoever ends the commands of a `wps` that was killed: a process of this program beside it.
//!
//! Its stdin says which commands run, a line each. The end of that input is the end of `wps`, by whatever it came, SIGKILL
//! or a lack of memory among it: then those that still run are asked to end, and killed a second later. It is started with
//! the first command, has nothing else open, and no environment. A parent-death signal would do for the shell, and not for
//! what the shell has started.
//!
//! That a command begins is written by its own process, before the command: were it written by `wps`, there would be a
//! moment in which the command runs and a kill of `wps` leaves it alone. The process holds that input open until it has
//! written, so that the end of it cannot be seen before. That a command has ended is written by `wps`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
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
/// Where the guard's input is in the process of a command until that begins. The highest that every shell can name.
const INPUT: i32 = 9;

/// The process, once it was started.
static GUARD: Mutex<Option<Child>> = Mutex::new(None);

/// A command that is looked after, until this is dropped.
#[derive(Debug)]
pub struct GuardedCommand(GuardTarget);

/// What is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum GuardTarget {
    /// All of a process group.
    Group(i32),
    /// A process, and what it has started.
    Process(i32),
}

/// What is ended with a command that is yet to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of its process group, which is its own.
    Group,
    /// It, and what it has started, as far as that can be seen.
    Process,
}

impl Scope {
    const fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Process => "process",
        }
    }

    fn of(self, pid: Pid) -> GuardTarget {
        let id = pid.as_raw_nonzero().get();
        match self {
            Self::Group => GuardTarget::Group(id),
            Self::Process => GuardTarget::Process(id),
        }
    }
}

impl GuardTarget {
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
fn start() {
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

/// `text` for the shell, guarded from before it begins. Without a guard, it begins at once.
pub fn command(text: &str, scope: Scope) -> Command {
    start();
    let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    let stdin = guard.as_ref().and_then(|guard| guard.stdin.as_ref());
    guarded(text, scope, stdin.and_then(|stdin| stdin.as_fd().try_clone_to_owned().ok()))
}

fn guarded(text: &str, scope: Scope, input: Option<OwnedFd>) -> Command {
    use command_fds::{CommandFdExt as _, FdMapping};

    let mut shell = Command::new("sh");
    let input = input.map(|input| vec![FdMapping { parent_fd: input, child_fd: INPUT }]);
    if input.is_some_and(|input| shell.fd_mappings(input).is_ok()) {
        // A guard that was killed ends what writes to it, which is therefore another process. Then the shell is replaced by
        // one that knows nothing of all this.
        let word = scope.word();
        let first = format!("(echo \"+{word} $$\" >&{INPUT}) 2>/dev/null; exec {INPUT}>&-; exec sh -c \"$1\"");
        shell.args(["-c", &first, "sh", text]);
    } else {
        shell.args(["-c", text]);
    }
    shell
}

impl GuardedCommand {
    /// For the process of a [`command`] of that scope.
    pub fn new(scope: Scope, pid: Pid) -> Self {
        Self(scope.of(pid))
    }
}

impl Drop for GuardedCommand {
    fn drop(&mut self) {
        send(&format!("-{}\n", self.0.line()));
    }
}

fn send(line: &str) {
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
        match (begins, GuardTarget::parse(rest)) {
            ("+", Some(ward)) => drop(wards.insert(ward)),
            ("-", Some(ward)) => drop(wards.remove(&ward)),
            _ => {}
        }
    }
    // What a process has started is nobody's once it has ended.
    let mut targets: Vec<GuardTarget> = Vec::new();
    for ward in wards {
        match ward {
            GuardTarget::Group(_) => targets.push(ward),
            GuardTarget::Process(id) => targets.extend(with_descendants(id).into_iter().map(GuardTarget::Process)),
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

fn signal(ward: GuardTarget, signal: Signal) {
    // It may have ended in the meantime.
    let _ = match ward {
        GuardTarget::Group(id) => Pid::from_raw(id).map(|pid| kill_process_group(pid, signal)),
        GuardTarget::Process(id) => Pid::from_raw(id).map(|pid| kill_process(pid, signal)),
    };
}

fn is_there(ward: GuardTarget) -> bool {
    match ward {
        GuardTarget::Group(id) => Pid::from_raw(id).is_some_and(|pid| test_kill_process_group(pid).is_ok()),
        GuardTarget::Process(id) => Pid::from_raw(id).is_some_and(|pid| test_kill_process(pid).is_ok()),
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

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read as _};

    use super::*;

    /// Runs a command with this as the guard's input; what was written there, and the command's number.
    fn run(text: &str, scope: Scope) -> (PipeReader, Child) {
        let (reader, writer) = io::pipe().unwrap();
        let mut command = guarded(text, scope, Some(writer.into()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        (reader, command.spawn().unwrap())
    }

    #[test]
    fn a_command_that_begins_is_known_already_and_does_not_keep_the_input_open() {
        for scope in [Scope::Group, Scope::Process] {
            // It runs until its input ends, which it does after what is looked at here. `wps` itself writes nothing.
            let (mut input, mut child) = run("echo begun; cat", scope);
            let mut begun = [0; 6];
            child.stdout.as_mut().unwrap().read_exact(&mut begun).unwrap();
            assert_eq!(&begun, b"begun\n");
            let mut written = String::new();
            input.read_to_string(&mut written).unwrap();
            assert_eq!(written, format!("+{} {}\n", scope.word(), child.id()));
            let ward = GuardTarget::parse(written.trim_end().trim_start_matches('+')).unwrap();
            assert_eq!(ward, scope.of(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()));
            assert!(child.wait().unwrap().success());
        }
    }

    #[test]
    fn the_command_is_as_it_was_given_and_runs_without_a_guard_too() {
        let text = "printf '%s|' \"$0\" \"$#\" 'a  b'; exit 3";
        let (reader, mut child) = run(text, Scope::Group);
        drop(reader);
        for guarded in [child.wait_with_output().unwrap(), guarded(text, Scope::Group, None).output().unwrap()] {
            assert_eq!((guarded.stdout.as_slice(), guarded.status.code()), (b"sh|0|a  b|".as_slice(), Some(3)));
        }
        // One that is ended by a signal is seen to be.
        child = run("kill -9 $$", Scope::Process).1;
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(9));
    }
}
