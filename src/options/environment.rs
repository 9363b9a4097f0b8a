//! The environment and the outside world as the settings see them: variables, files with secrets, standard input.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::overlay::ProfileOverlay;
use super::stdin::StandardInput;
use super::values::ColorChoice;
use super::within::{TimeLimit, within};
use crate::failure::Failure;

/// What holds unless the command line says otherwise: environment variables, of which one that is set to nothing counts
/// as not set, and a profile.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
    /// The flags of a profile.
    profile: Option<ProfileOverlay>,
}

impl Environment {
    /// The variables of this process that are valid UTF-8.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The same with the flags of a profile.
    #[must_use]
    pub fn with_profile(self, overlay: ProfileOverlay) -> Self {
        Self { profile: Some(overlay), ..self }
    }

    /// The overlay of the profile, if it has this flag (named without dashes).
    pub fn profile_with(&self, flag: &str) -> Option<&ProfileOverlay> {
        self.profile.as_ref().filter(|profile| profile.has(flag))
    }

    /// Adds to a failure where what it blames comes from.
    pub fn explain(&self, failure: Failure) -> Failure {
        match &self.profile {
            Some(profile) => profile.explain(failure),
            None => failure,
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, profile: None }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Where `-` and `@FILE` are read from.
pub trait Input {
    /// The whole of standard input.
    fn stdin(&mut self) -> io::Result<String>;
    /// The whole of a file.
    fn file(&mut self, path: &Path) -> io::Result<String>;
    /// Where the configuration file is, or would be; `None` when there is no home directory.
    fn config_file(&mut self) -> Option<PathBuf>;
    /// Whether others than its owner can read a file.
    fn is_exposed(&mut self, path: &Path) -> bool;
    /// `--timeout`, once it is known: reading ends by then, with an error of the kind `TimedOut`.
    fn limit(&mut self, timeout: Option<Duration>);
    /// Takes something to be said once, when the settings are known.
    fn note(&mut self, note: Note);
}

/// Something to say about what was typed or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Something that should not be so.
    Warning(String),
    /// Advice, for people at a terminal only.
    Hint(String),
}

/// The standard input and the files of this process.
#[derive(Debug)]
pub struct ProcessInput {
    /// What is to be said.
    pub notes: Vec<Note>,
    /// When the process was started.
    started: Instant,
    /// When reading ends, if it has to.
    limit: Option<TimeLimit>,
}

impl ProcessInput {
    /// Nothing is read yet; `started` is when the process was.
    pub fn new(started: Instant) -> Self {
        Self { notes: Vec::new(), started, limit: None }
    }
}

/// More than any URL or key has; keeps a wrong file from filling the memory.
const LONGEST_SECRET: u64 = 1024 * 1024;

impl Input for ProcessInput {
    fn stdin(&mut self) -> io::Result<String> {
        within(self.limit, || whole(StandardInput))?
    }

    fn file(&mut self, path: &Path) -> io::Result<String> {
        let path = path.to_owned();
        within(self.limit, move || whole(std::fs::File::open(path)?))?
    }

    fn config_file(&mut self) -> Option<PathBuf> {
        use etcetera::base_strategy::{BaseStrategy as _, choose_native_strategy};
        let wished = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let platform = || {
            let strategy = choose_native_strategy().ok()?;
            // The preferences of a Mac are its own format.
            Some(if cfg!(target_os = "macos") { strategy.data_dir() } else { strategy.config_dir() })
        };
        Some(wished.or_else(platform)?.join("wps").join("config.toml"))
    }

    fn is_exposed(&mut self, path: &Path) -> bool {
        is_exposed(path)
    }

    fn limit(&mut self, timeout: Option<Duration>) {
        self.limit = timeout.map(|timeout| TimeLimit { timeout, since: self.started });
    }

    fn note(&mut self, note: Note) {
        let said = match &note {
            Note::Warning(_) => self.notes.contains(&note),
            // One is enough.
            Note::Hint(_) => self.notes.iter().any(|note| matches!(note, Note::Hint(_))),
        };
        if !said {
            self.notes.push(note);
        }
    }
}

/// All of it, as text.
fn whole(reader: impl io::Read) -> io::Result<String> {
    let mut text = Vec::new();
    reader.take(LONGEST_SECRET + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 1 MiB"));
    }
    String::from_utf8(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Pipes and the like are nobody else's.
#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_: &Path) -> bool {
    false
}

impl ColorChoice {
    /// The choice with the environment's word in it: a flag other than `auto` stands, then `NO_COLOR`,
    /// `CLICOLOR_FORCE` (unless 0) and `TERM=dumb` decide, in this order.
    #[must_use]
    pub fn resolve(self, environment: &Environment) -> Self {
        match self {
            Self::Always | Self::Never => self,
            Self::Auto if environment.get("NO_COLOR").is_some() => Self::Never,
            Self::Auto if environment.get("CLICOLOR_FORCE").is_some_and(|value| value != "0") => Self::Always,
            Self::Auto if environment.get("TERM") == Some("dumb") => Self::Never,
            Self::Auto => Self::Auto,
        }
    }

    /// Whether a stream gets colour; asked for stdout and stderr apart.
    pub fn enabled(self, is_terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
        use ColorChoice::{Always, Auto, Never};
        let force = ("CLICOLOR_FORCE", "1");
        let dumb = ("TERM", "dumb");
        for (choice, variables, on_terminal, on_pipe) in [
            (Auto, vec![], true, false),
            (Auto, vec![("TERM", "xterm")], true, false),
            (Auto, vec![dumb], false, false),
            (Auto, vec![("NO_COLOR", "1")], false, false),
            (Auto, vec![("NO_COLOR", "")], true, false),
            (Auto, vec![force], true, true),
            (Auto, vec![("CLICOLOR_FORCE", "0")], true, false),
            (Auto, vec![force, dumb], true, true),
            (Auto, vec![force, ("NO_COLOR", "1")], false, false),
            (Always, vec![("NO_COLOR", "1"), dumb], true, true),
            (Never, vec![force], false, false),
        ] {
            let resolved = choice.resolve(&variables.iter().copied().collect());
            assert_eq!((resolved.enabled(true), resolved.enabled(false)), (on_terminal, on_pipe), "{variables:?}");
        }
    }

    #[test]
    fn the_environment_prints_without_its_values() {
        let environment: Environment = [("WPS_URL", "sesame")].into_iter().collect();
        assert_eq!(format!("{environment:?}"), "{\"WPS_URL\"}");
    }
}
