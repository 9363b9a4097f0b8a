//! A command to start when all groups are joined.

use super::{Environment, Source};
use crate::cli::OnReadyArgs;
use crate::failure::{Failure, Kind};

/// Variables with hosts that are reached without a proxy; the first that is set counts.
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A command for the shell, and what its environment says beside the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnReady {
    /// For the shell.
    pub command: String,
    /// Variables to set.
    pub variables: Vec<(&'static str, String)>,
}

/// What is started, if anything is.
pub(super) fn settle(
    args: OnReadyArgs,
    source: &Source,
    environment: &Environment,
) -> Result<Option<OnReady>, Failure> {
    let Some(command) = args.on_ready else { return Ok(None) };
    if command.trim().is_empty() {
        return Err(Failure::message(Kind::Usage, "`--on-ready` is empty")
            .blame("--on-ready")
            .hint("give a command for the shell"));
    }
    let variables = match source {
        // As `--local` itself: never through a proxy.
        Source::Local { .. } => {
            let given = NO_PROXY.iter().find_map(|name| environment.get(name));
            let list = given.map_or("localhost".to_owned(), |list| format!("{list},localhost"));
            NO_PROXY.map(|name| (name, list.clone())).to_vec()
        }
        Source::Url(_) | Source::Signed(_) | Source::Command(_) => Vec::new(),
    };
    Ok(Some(OnReady { command, variables }))
}
