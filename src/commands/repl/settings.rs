//! What `wps repl` will do.

use std::path::PathBuf;

use super::args::ReplArgs;
use crate::failure::Failure;
use crate::options::connecting::settings::{ConnectionSettings, connection, stdin_takers};
use crate::options::environment::{Environment, Input};
use crate::options::operation::settings::on_unknown;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::stdin;

/// `wps repl`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Where the script is; `None`: stdin.
    pub script: Option<PathBuf>,
    /// A failed line does not end the script.
    pub keep_going: bool,
    /// Where the history is kept.
    pub history: HistoryPlace,
    /// The terminal folds long lines anew when its width changes.
    pub refolds: bool,
}

/// Where the lines that were entered are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryPlace {
    /// In this file.
    File(PathBuf),
    /// Nowhere: there is no home.
    Nowhere,
}

/// Settles `wps repl`.
pub fn settle(args: ReplArgs, environment: &Environment, input: &mut dyn Input) -> Result<ReplSettings, Failure> {
    if args.file.is_none() {
        stdin::refuse_beside(&stdin_takers(&args.connecting), "the lines", Some("--file SCRIPT"))?;
    }
    let output = output(&args.connecting, environment)?;
    let on_unknown = on_unknown(args.unknown.on_unknown);
    let policy = ReconnectPolicy { keeps_on: true, rejoin: !args.rejoin.no_rejoin, on_unknown };
    let usual_roles = args.connecting.token.roles.is_empty();
    let mut connection = connection(args.connecting, policy, environment, input)?;
    // `state` is one of its commands.
    if usual_roles {
        connection.source.allow_states();
    }
    let history = history_place(environment);
    let refolds = refolds(environment);
    Ok(ReplSettings { connection, output, script: args.file, keep_going: args.keep_going, history, refolds })
}

/// `$XDG_STATE_HOME/wps/history`, else the place for state on this platform.
fn history_place(environment: &Environment) -> HistoryPlace {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_STATE_HOME").or_else(|| {
        if cfg!(windows) {
            absolute("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            absolute("HOME").map(|home| home.join("Library").join("Application Support"))
        } else {
            absolute("HOME").map(|home| home.join(".local").join("state"))
        }
    });
    folder.map_or(HistoryPlace::Nowhere, |folder| HistoryPlace::File(folder.join("wps").join("history")))
}

/// Terminals fold long lines anew when their width changes, but for the few that are known not to: xterm, the consoles of
/// Linux and the BSDs, and GNU screen.
fn refolds(environment: &Environment) -> bool {
    let term = environment.get("TERM").unwrap_or_default();
    let console = ["linux", "vt", "cons", "wsvt", "screen"].iter().any(|name| term.starts_with(name));
    let is_set = |name: &str| environment.get(name).is_some();
    // tmux does, and calls itself screen too.
    is_set("TMUX") || !(console || is_set("XTERM_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_in_the_folder_for_state() {
        let place = |variables: &[(&str, &str)]| history_place(&variables.iter().copied().collect());
        let file = |path: &str| HistoryPlace::File(PathBuf::from(path));
        if cfg!(all(unix, not(target_os = "macos"))) {
            assert_eq!(place(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]), file("/s/wps/history"));
            assert_eq!(place(&[("HOME", "/h")]), file("/h/.local/state/wps/history"));
            assert_eq!(place(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]), file("/h/.local/state/wps/history"));
        }
        assert_eq!(place(&[]), HistoryPlace::Nowhere);
    }
}
