//! `--on-ready`: a command of the user beside the run.

use std::cell::RefCell;
use std::future::Future as _;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::pending;

use crate::commands::listen::settings::OnReady;
use crate::failure::{Failure, Kind};
use crate::run::context::Client;
use crate::run::verdict::Verdict;
use crate::shell::{self, RunningCommand};

/// How long it has to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(1);

/// The command of `--on-ready`, once it was started.
#[derive(Debug, Default)]
pub struct OnReadyCommand(RefCell<Option<RunningCommand>>);

impl OnReadyCommand {
    /// Starts the command and waits for its end, if there is one; resolves only when it fails. Dropped before, it asks
    /// the command to end.
    pub async fn run(&self, settings: Option<&OnReady>, client: &Client) -> Verdict {
        let Some(settings) = settings else { return pending().await };
        match self.start(settings, client) {
            Ok(running) => *self.0.borrow_mut() = Some(running),
            Err(error) => {
                let context = format!("could not run `{}` (`--on-ready`)", settings.command);
                return Verdict::Failed(Failure::new(Kind::Expectation, error).context(context));
            }
        }
        let asking = StopOnDrop(self);
        let status = std::future::poll_fn(|cx| {
            let mut running = self.0.borrow_mut();
            let Some(running) = running.as_mut() else { return std::task::Poll::Pending };
            std::pin::pin!(running.wait()).poll(cx)
        })
        .await;
        drop(asking);
        self.0.borrow_mut().take();
        match status {
            Ok(status) if status.success() => pending().await,
            Ok(status) => {
                let what = format!("`{}` (`--on-ready`) {}", settings.command, shell::words(status));
                Verdict::Failed(Failure::message(Kind::Expectation, what))
            }
            Err(error) => Verdict::Failed(Failure::new(Kind::Internal, error)),
        }
    }

    fn start(&self, settings: &OnReady, client: &Client) -> std::io::Result<RunningCommand> {
        let mut command = shell::command(&settings.command);
        // stdout is for messages.
        command.stdout(Stdio::from(std::io::stderr())).stderr(Stdio::inherit());
        if let Some(url) = client.access_url() {
            command.env("WPS_URL", url.reveal().expose());
        }
        command.envs(settings.variables.iter().map(|(name, value)| (name, value)));
        RunningCommand::start(&mut command)
    }

    /// Ends the command, if it runs: asks it to, and kills it if it does not.
    pub async fn end(self) {
        let running = self.0.borrow_mut().take();
        if let Some(running) = running {
            running.end(PATIENCE).await;
        }
    }
}

/// Asks the command to end as soon as nobody waits for it.
struct StopOnDrop<'a>(&'a OnReadyCommand);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.0.0.borrow().as_ref() {
            running.ask_to_end();
        }
    }
}
