//! Commands of the user, run by the shell: `sh -c`, `cmd /C` on Windows.
//!
//! Those of [`command`] run in a process group of their own, so that they can be ended together with whatever they have
//! started, and so that the Ctrl-C that is meant for `wps` does not reach them. Used for `--url-command` and `--on-ready`;
//! `--exec` has groups of its own kind, and takes [`line()`]. None outlives `wps`, however that ends: see [`ProcessGuard`].

#[cfg(unix)]
pub mod guard;

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
#[cfg(unix)]
use tokio::time::timeout;

/// A command for the shell, with the stdin of this process; `grouped`: in a group of its own, else in that of this process.
/// On Windows nobody sees to its end when `wps` is killed.
#[cfg(unix)]
pub fn line(text: &str, grouped: bool) -> Command {
    let mut shell = guard::command(text, scope(grouped));
    if grouped {
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    }
    shell.into()
}

#[cfg(unix)]
const fn scope(grouped: bool) -> guard::Scope {
    if grouped { guard::Scope::Group } else { guard::Scope::Process }
}

/// A command for the shell, with the stdin of this process; `grouped`: in a group of its own, else in that of this process.
/// On Windows nobody sees to its end when `wps` is killed.
#[cfg(windows)]
pub fn line(text: &str, grouped: bool) -> Command {
    let mut shell = Command::new("cmd");
    // The shell parses its line itself; quoted as one argument it would not be understood.
    shell.arg("/C").raw_arg(text);
    if grouped {
        /// `CREATE_NEW_PROCESS_GROUP`.
        const NEW_GROUP: u32 = 0x200;
        shell.creation_flags(NEW_GROUP);
    }
    shell
}

/// A command for the shell, in a group of its own. Its stdin is empty unless said otherwise.
pub fn command(text: &str) -> Command {
    let mut shell = line(text, true);
    shell.stdin(Stdio::null());
    shell
}

/// A word as a shell takes it.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// How a process ended, as in `the command failed with exit status 1`.
pub fn words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    match status.code() {
        Some(127) if cfg!(unix) => "failed with exit status 127 (command not found)".into(),
        Some(code) => format!("failed with exit status {code}"),
        None => "failed".into(),
    }
}

/// The guarding of a [`line()`] that was started, until its end is known.
#[derive(Debug)]
pub struct ProcessGuard {
    /// Its drop is the end of the guarding.
    #[cfg(unix)]
    _charge: Option<guard::GuardedCommand>,
}

impl ProcessGuard {
    /// Of this process, with its group if that is its own.
    pub fn new(child: &Child, grouped: bool) -> Self {
        #[cfg(unix)]
        return Self { _charge: group(child).map(|pid| guard::GuardedCommand::new(scope(grouped), pid)) };
        #[cfg(windows)]
        {
            let _ = (child, grouped);
            Self {}
        }
    }
}

/// A command under way. Dropped before its end, it is killed with everything it has started.
#[derive(Debug)]
pub struct RunningCommand(Option<(Child, ProcessGuard)>);

impl RunningCommand {
    /// Starts a [`command`].
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        let child = command.kill_on_drop(true).spawn()?;
        let guarded = ProcessGuard::new(&child, true);
        Ok(Self(Some((child, guarded))))
    }

    /// The process, until its end is known.
    pub fn child(&mut self) -> Option<&mut Child> {
        self.0.as_mut().map(|(child, _)| child)
    }

    /// Waits for its end. May be dropped and called again.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let Some((child, _)) = &mut self.0 else { return Ok(ExitStatus::default()) };
        let status = child.wait().await?;
        // Its number may belong to another from now on.
        self.0 = None;
        Ok(status)
    }

    /// Whether it has ended, and if so whether with status 0. Its number stays its own until [`Self::wait`]: what it has
    /// left behind can still be killed by it.
    pub fn has_ended(&mut self) -> Option<bool> {
        self.child().and_then(ended)
    }

    /// Asks the group to end, where there is a way to ask.
    pub fn ask_to_end(&self) {
        if let Some((child, _)) = &self.0 {
            terminate_all(child);
        }
    }

    /// Ends the group: asks, and kills what is still there after that time. A command that has ended by itself is left
    /// alone, and so is what it left behind.
    #[cfg_attr(windows, expect(unused_variables, reason = "nobody can be asked there"))]
    pub async fn end(mut self, patience: Duration) {
        self.ask_to_end();
        #[cfg(unix)]
        if let Some((mut child, _guarded)) = self.0.take() {
            let group = group(&child);
            if timeout(patience, gone(&mut child, group)).await.is_err()
                && let Some(group) = group
            {
                let _ = kill_process_group(group, Signal::KILL);
                let _ = timeout(patience, child.wait()).await;
            }
        }
        #[cfg(windows)]
        if let Some((child, _)) = self.0.take() {
            kill_all(&child);
        }
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        if let Some((child, _)) = &self.0 {
            kill_all(child);
        }
    }
}

#[cfg(unix)]
fn ended(child: &mut Child) -> Option<bool> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(group(child)?), look).ok()??;
    Some(status.exit_status() == Some(0))
}

#[cfg(windows)]
fn ended(child: &mut Child) -> Option<bool> {
    child.try_wait().ok()?.map(|status| status.success())
}

#[cfg(unix)]
fn group(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
}

/// Resolves when nobody of the group is left.
#[cfg(unix)]
async fn gone(child: &mut Child, group: Option<Pid>) {
    let _ = child.wait().await;
    // Those it has started may take longer. Their group keeps its number as long as there is one of them.
    while group.is_some_and(|group| test_kill_process_group(group).is_ok() && has_living(group)) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Between two looks at a group whose members are on their way out.
#[cfg(unix)]
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Whether one of the group does more than wait to be buried, which in a container may take for ever.
#[cfg(target_os = "linux")]
fn has_living(group: Pid) -> bool {
    let group = group.as_raw_nonzero().to_string();
    // When nothing can be seen, there may be one.
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    processes.flatten().any(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // The name before it may hold anything: `PID (NAME) STATE PARENT GROUP …`
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        let state = fields.next();
        fields.nth(1) == Some(group.as_str()) && state.is_some_and(|state| !matches!(state, "Z" | "X"))
    })
}

#[cfg(all(unix, not(target_os = "linux")))]
fn has_living(_: Pid) -> bool {
    true
}

#[cfg(unix)]
fn terminate_all(child: &Child) {
    if let Some(group) = group(child) {
        // It may have ended by itself in the meantime.
        let _ = kill_process_group(group, Signal::TERM);
    }
}

#[cfg(unix)]
fn kill_all(child: &Child) {
    if let Some(group) = group(child) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(windows)]
fn terminate_all(_: &Child) {
    // A process without a window cannot be asked.
}

#[cfg(windows)]
fn kill_all(child: &Child) {
    if let Some(id) = child.id() {
        let mut kill = std::process::Command::new("taskkill");
        let kill = kill.args(["/T", "/F", "/PID", &id.to_string()]);
        // Where that is not to be had, the shell alone is killed.
        let _ = kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
