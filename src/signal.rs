//! Signals that end the program: SIGINT, SIGTERM and SIGHUP, or their counterparts on Windows.
//!
//! One that was ignored when the program started stays ignored, as `nohup` and background jobs want it. A file that would
//! grow beyond the limit of its size (`ulimit -f`) is an error of whoever writes it, as a full disk is, and ends nothing.

use std::io;

use tokio::sync::mpsc;

/// Delivers the numbers of ending signals, as often as they come.
#[derive(Debug)]
pub struct Signals(mpsc::UnboundedReceiver<u8>);

impl Signals {
    /// Takes over the signals. Needs a tokio runtime.
    pub fn install() -> io::Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        install(&sender)?;
        Ok(Self(receiver))
    }

    /// The next signal's number. Never resolves when none can come.
    pub async fn next(&mut self) -> u8 {
        match self.0.recv().await {
            Some(number) => number,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
fn install(sender: &mpsc::UnboundedSender<u8>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    // Taken, and not heard: writing fails then. It is not ignored, which commands that are started here would inherit.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
    let ignored = ignored();
    for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15), (SignalKind::hangup(), 1)] {
        if ignored & (1 << (number - 1)) != 0 {
            continue;
        }
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(number).is_ok() {} });
    }
    Ok(())
}

/// SIGXFSZ.
#[cfg(any(target_os = "linux", target_os = "macos"))]
const FILE_TOO_LARGE: i32 = 25;

/// The signals that are ignored, a bit each from the lowest for signal 1. Only Linux tells without unsafe code; elsewhere
/// none is taken to be.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(windows)]
fn install(sender: &mpsc::UnboundedSender<u8>) -> io::Result<()> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

    let (mut c, mut end, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    let sender = sender.clone();
    tokio::spawn(async move {
        loop {
            let number = tokio::select! {
                Some(()) = c.recv() => 2,
                Some(()) = end.recv() => 15,
                Some(()) = close.recv() => 1,
                else => return,
            };
            if sender.send(number).is_err() {
                return;
            }
        }
    });
    Ok(())
}
