//! The checked-in completions and man pages against the definition they are made from.
//!
//! `WPS_REGENERATE=1 cargo test generated` writes them anew.

use std::path::{Path, PathBuf};

use clap_complete::{Generator as _, Shell};

use crate::commands::{completions, man};

/// Every generated file: its path and what should be in it.
fn expected() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shells = [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh];
    let scripts =
        shells.map(|shell| (root.join("completions").join(shell.file_name("wps")), completions::script(shell)));
    let pages = man::pages().unwrap().into_iter().map(|(name, content)| (root.join("man").join(name), content));
    scripts.into_iter().chain(pages).collect()
}

#[test]
fn checked_in_completions_and_man_pages_are_those_of_the_command_line() {
    let regenerate = std::env::var_os("WPS_REGENERATE").is_some_and(|value| value == "1");
    let expected = expected();
    for (path, content) in &expected {
        if regenerate {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        // A checkout on Windows may have turned the line ends.
        let found = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(
            found.as_bytes() == content,
            "{} is not up to date: run `WPS_REGENERATE=1 cargo test generated` and commit what changed",
            path.display()
        );
    }
    for directory in ["completions", "man"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap() {
            let path = entry.unwrap().path();
            assert!(expected.iter().any(|(known, _)| *known == path), "{} is of no command: delete it", path.display());
        }
    }
}
