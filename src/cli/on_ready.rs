//! The flag with a command to start.

use clap::Args;

/// What is started when all groups are joined.
#[derive(Debug, Args)]
pub struct OnReadyArgs {
    /// Shell command to run once all groups are joined; when it fails, the run ends with exit 12
    ///
    /// Run by `sh -c` (`cmd /C` on Windows), once for the whole run. `WPS_URL` in its environment connects to the same
    /// place as the same user, so that `wps send GROUP DATA` in it needs no flags; it is valid as long as --ttl says. Its
    /// stdin is empty, what it prints goes to stderr. It has a process group of its own, which is ended (SIGTERM, a second
    /// later SIGKILL) when wps ends, also when that is killed, save on Windows; when it ends first, with status 0, wps
    /// goes on. When not all groups can be joined, it is not run.
    #[arg(long, value_name = "CMD")]
    pub on_ready: Option<String>,
}
