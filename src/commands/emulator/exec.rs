//! `--exec CMD`: the command that an emulator runs for.

use std::io::{self, IsTerminal as _};
use std::process::{ExitStatus, Stdio};

use tokio::process::Child;
use tokio::time::{Duration, timeout};

use crate::shell::{self, ProcessGuard};
use webpubsub_emulator::Ready;

/// How long the command has after a signal.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The command, running. Dropped, it is killed, with all that it has started and left behind where that can be told.
#[derive(Debug)]
pub struct EmulatorChild {
    child: Child,
    /// Its process group, where it has one of its own.
    group: Option<u32>,
    /// Until its end is known.
    guarded: Option<ProcessGuard>,
}

impl EmulatorChild {
    /// Starts `command` with the shell; it finds the emulator in its environment.
    pub fn start(command: &str, ready: &Ready, takes_stdin: bool) -> io::Result<Self> {
        // At a terminal it has to stay in the foreground's group: to read, and to get Ctrl-C as people expect.
        let grouped = cfg!(unix) && !io::stdin().is_terminal();
        let mut shell = shell::line(command, grouped);
        shell
            .env("WPS_URL", ready.client_url.expose())
            .env("WPS_CONNECTION_STRING", ready.connection_string.expose())
            .env("WebPubSubConnectionString", ready.connection_string.expose())
            .kill_on_drop(true);
        if !takes_stdin {
            shell.stdin(Stdio::null());
        }
        let child = shell.spawn()?;
        let guarded = Some(ProcessGuard::new(&child, grouped));
        let group = child.id().filter(|_| grouped);
        Ok(Self { child, group, guarded })
    }

    /// Resolves with the exit code when the command has ended.
    pub async fn ended(&mut self) -> io::Result<u8> {
        let status = self.child.wait().await?;
        self.guarded = None;
        Ok(exit_code(status))
    }

    /// Passes a signal on and waits for the end, two seconds at most.
    pub async fn end(&mut self, number: u8) {
        // At a terminal Ctrl-C went to the whole group already.
        if self.group.is_some() || number != 2 {
            self.signal(number);
        }
        let _ = timeout(LAST_WORDS, self.child.wait()).await;
    }

    #[cfg(unix)]
    fn signal(&self, number: u8) {
        use rustix::process::{Pid, Signal, kill_process, kill_process_group};

        let pid = |id: u32| i32::try_from(id).ok().and_then(Pid::from_raw);
        let Some(signal) = Signal::from_named_raw(i32::from(number)) else { return };
        // It may have ended by itself in the meantime.
        let _ = match (self.group.and_then(pid), self.child.id().and_then(pid)) {
            (Some(group), _) => kill_process_group(group, signal),
            (None, Some(child)) => kill_process(child, signal),
            (None, None) => Ok(()),
        };
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_self, reason = "there is nothing to pass on there")]
    fn signal(&self, _number: u8) {}
}

impl Drop for EmulatorChild {
    fn drop(&mut self) {
        if self.group.is_some() {
            self.signal(9);
        }
    }
}

/// The shell's own code; 128 and the signal's number when a signal ended it.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(1);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
