//! A configuration file to begin with, and the editor that opens it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus};

use crate::failure::{Failure, Kind};
use crate::shell;

/// What stands in a new one: nothing that has an effect.
const TEMPLATE: &str = include_str!("template.toml");

/// The editor when the environment names none.
const EDITOR: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// Writes a configuration file, for its owner alone. `false`: there is one already.
pub fn create(path: &Path) -> Result<bool, Failure> {
    let written = || {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(TEMPLATE.as_bytes())
    };
    match written() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Failure::message(Kind::Config, format!("could not write `{}`: {error}", path.display()))),
    }
}

/// Opens it in the editor, which may have arguments of its own, and waits for its end.
pub fn edit(path: &Path, editor: Option<&str>) -> Result<(), Failure> {
    let editor = editor.filter(|editor| !editor.trim().is_empty()).unwrap_or(EDITOR);
    let status = open(editor, path)
        .map_err(|error| Failure::message(Kind::Config, format!("could not start the editor `{editor}`: {error}")))?;
    if status.success() {
        return Ok(());
    }
    let what = format!("the editor `{editor}` {}", shell::words(status));
    Err(Failure::message(Kind::Config, what).hint("`VISUAL` or `EDITOR` names another"))
}

#[cfg(unix)]
fn open(editor: &str, path: &Path) -> std::io::Result<ExitStatus> {
    Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path).status()
}

#[cfg(windows)]
fn open(editor: &str, path: &Path) -> std::io::Result<ExitStatus> {
    use std::os::windows::process::CommandExt as _;
    Command::new("cmd").arg("/C").raw_arg(format!("{editor} \"{}\"", path.display())).status()
}
