//! Who may import whom, and what the two cores may not name (ARCHITECTURE, *Layout*).
//!
//! The sources are read as tokens, so comments and strings do not count; what is compiled for tests only is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Each layer of the binary with those it may import. A module belongs to the longest name that it begins with; what a
/// room of a command or of shared options has of flags and of settings are layers of their own. What is below the binary
/// is in crates of their own, which the compiler keeps apart.
const LAYERS: &[(&str, &[&str])] = &[
    ("signal", &[]),
    ("shell", &[]),
    ("failure", &[]),
    ("state", &[]),
    ("records", &[]),
    ("render", &["records"]),
    ("options", &["failure"]),
    (ARGS, &["options", "records", "failure"]),
    ("cli", &[ARGS, "options", "records", "failure"]),
    (SETTINGS, &[ARGS, "options", "shell", "failure"]),
    ("profile", &["cli", ARGS, SETTINGS, "options", "failure"]),
    ("logging", &["render", "failure"]),
    ("run", &["logging", "render", "records", "options", "state", "failure", "signal", "shell"]),
    (
        "commands",
        &[
            "run", "logging", "render", "records", "profile", "state", "cli", ARGS, SETTINGS, "options", "failure",
            "signal", "shell",
        ],
    ),
    ("main", &["cli", "profile", "commands", "run", "render", "options", "logging", "failure", "shell"]),
];

/// The flags of commands.
const ARGS: &str = "commands::*::args";
/// What commands will do.
const SETTINGS: &str = "commands::*::settings";

/// The crates below the binary, in folders of their own.
const CRATES: [&str; 6] = ["allocator", "client", "emulator", "net", "proto", "spoil"];

/// Clocks, runtimes and sources of randomness.
const FORBIDDEN: [&str; 17] = [
    "Instant",
    "SystemTime",
    "UNIX_EPOCH",
    "tokio",
    "mio",
    "futures_util",
    "thread",
    "sleep",
    "rand",
    "getrandom",
    "fastrand",
    "SystemRandom",
    "SecureRandom",
    "uuid",
    "RandomState",
    "chrono",
    "TcpStream",
];

/// Parts of the standard library that do I/O.
const FORBIDDEN_STD: [&str; 6] = ["net", "fs", "io", "env", "process", "thread"];

/// What a source file names.
#[derive(Default)]
struct Names {
    /// Paths within the crate, absolute.
    crate_paths: BTreeSet<String>,
    /// Paths of the standard library.
    std_paths: BTreeSet<String>,
    /// All identifiers.
    words: BTreeSet<String>,
    /// Modules in files of their own that are for tests only.
    test_modules: BTreeSet<String>,
}

#[test]
fn every_module_imports_only_what_its_layer_may() {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, names) in sources("src", &CRATES) {
        let from = layer(&module).unwrap_or_else(|| panic!("`{module}` belongs to no layer"));
        seen.insert(from);
        let allowed = LAYERS.iter().find(|(name, _)| *name == from).unwrap().1;
        for path in &names.crate_paths {
            match layer(path) {
                Some(to) if to == from || allowed.contains(&to) => {}
                Some(to) => faults.push(format!("{module} imports {path}: {from} may not import {to}")),
                None => faults.push(format!("{module} imports {path}, which belongs to no layer")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen.len() >= LAYERS.len() - 2, "only {seen:?} were found");
}

#[test]
fn session_hub_and_codecs_name_no_clock_no_runtime_and_no_source_of_randomness() {
    let mut faults = Vec::new();
    for (module, names) in sources("src/proto", &[]) {
        let words = FORBIDDEN.iter().filter(|word| names.words.contains(**word));
        faults.extend(words.map(|word| format!("{module} names `{word}`")));
        let std_paths = names
            .std_paths
            .iter()
            .filter(|path| path.split("::").nth(1).is_some_and(|part| FORBIDDEN_STD.contains(&part)));
        faults.extend(std_paths.map(|path| format!("{module} uses `{path}`")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The test of the test: what it reads out of a source.
#[test]
fn imports_are_read_in_all_their_forms() {
    let source = r#"
        //! use crate::comment::Line;
        use crate::wire::{self, tls::{Tls, TlsSettings as Settings}, *};
        pub use super::sibling::Thing;
        const TEXT: &str = "crate::string::Literal";
        fn f() -> std::io::Result<()> { crate::render::human(super::super::top::X); self::own() }
        mod inner { use super::near::Y; }
        #[cfg(test)] use crate::only::Tests;
        #[cfg(test)] mod tests { use crate::only::Tests; }
        #[cfg(test)] mod elsewhere;
        #[cfg(unix)] use crate::signal::Signals;
    "#;
    let mut names = Names::default();
    read(source.parse().unwrap(), "a::b", &mut names);
    let paths: Vec<&str> = names.crate_paths.iter().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "a::b::near::Y",
            "a::b::own",
            "a::sibling::Thing",
            "render::human",
            "signal::Signals",
            "top::X",
            "wire",
            "wire::tls::Tls",
            "wire::tls::TlsSettings"
        ]
    );
    assert_eq!(names.std_paths.iter().map(String::as_str).collect::<Vec<_>>(), ["std::io::Result"]);
    assert_eq!(names.test_modules.iter().map(String::as_str).collect::<Vec<_>>(), ["a::b::elsewhere"]);
}

/// The layer of a path: the longest name that it begins with.
fn layer(path: &str) -> Option<&'static str> {
    let is = |part: &str| path.starts_with("commands::") && path.split("::").skip(2).any(|it| it == part);
    if is("args") {
        return Some(ARGS);
    }
    if is("settings") {
        return Some(SETTINGS);
    }
    let begins = |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    LAYERS.iter().map(|(name, _)| *name).filter(|name| begins(name)).max_by_key(|name| name.len())
}

/// Every module below a folder with what it names; those for tests, and the folders named, left out.
fn sources(below: &str, without: &[&str]) -> Vec<(String, Names)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.retain(|file| !without.iter().any(|folder| file.starts_with(root.join(folder))));
    let mut sources: Vec<(String, Names)> = files
        .iter()
        .map(|file| {
            let module = module_of(file.strip_prefix(&root).unwrap());
            let mut names = Names::default();
            let tokens = fs::read_to_string(file).unwrap().parse().unwrap_or_else(|error| panic!("{file:?}: {error}"));
            read(tokens, &module, &mut names);
            (module, names)
        })
        .collect();
    let tests: BTreeSet<String> = sources.iter().flat_map(|(_, names)| names.test_modules.clone()).collect();
    let is_test = |module: &str| tests.iter().any(|test| module == test || module.starts_with(&format!("{test}::")));
    sources.retain(|(module, _)| !is_test(module));
    assert!(sources.len() > 40, "only {} modules were found", sources.len());
    sources
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// `client/session/mod.rs` is `client::session`.
fn module_of(file: &Path) -> String {
    let mut parts: Vec<String> = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts.join("::")
}

/// Reads the tokens of a module.
fn read(tokens: TokenStream, module: &str, names: &mut Names) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(tokens.get(at + 1)) => {
                at = skip_item(&tokens, at + 2, module, names);
                continue;
            }
            TokenTree::Ident(ident) if ident == "mod" => {
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    read(body.stream(), &join(module, &name.to_string()), names);
                    at += 3;
                    continue;
                }
            }
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                let path_follows =
                    is_path_separator(&tokens, at + 1) && !is_path_separator(&tokens, at.wrapping_sub(2));
                if path_follows && ["crate", "super", "self", "std", "core"].contains(&word.as_str()) {
                    at = read_path(&tokens, at, module, names);
                    continue;
                }
                names.words.insert(word);
            }
            TokenTree::Group(group) => read(group.stream(), module, names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        at += 1;
    }
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() || module == "main" { name.to_owned() } else { format!("{module}::{name}") }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// `[cfg(test)]`, also with more in it, or for fuzzing too.
fn is_for_tests(attribute: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(attribute)) = attribute else { return false };
    let text = attribute.stream().to_string().replace(' ', "");
    text == "cfg(test)" || text.starts_with("cfg(all(test,") || text == "cfg(any(test,fuzzing))"
}

/// The place behind an item: after its block or semicolon.
fn skip_item(tokens: &[TokenTree], from: usize, module: &str, names: &mut Names) -> usize {
    let mut at = from;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(punct) if punct.as_char() == ';' => {
                if let [TokenTree::Ident(word), TokenTree::Ident(name)] = &tokens[at.saturating_sub(2)..at]
                    && word == "mod"
                {
                    names.test_modules.insert(join(module, &name.to_string()));
                }
                return at + 1;
            }
            // The braces of a list of imports are not the end of it.
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !is_path_separator(tokens, at - 2) => {
                return at + 1;
            }
            _ => at += 1,
        }
    }
    at
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

/// Reads the path that begins here, a tree of imports perhaps. Returns the place behind it.
fn read_path(tokens: &[TokenTree], from: usize, module: &str, names: &mut Names) -> usize {
    let mut at = from;
    let mut base = module.to_owned();
    let mut first = true;
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        match ident.to_string().as_str() {
            "crate" => base = String::new(),
            "self" if first => {}
            "super" => base = parent(&base).to_owned(),
            word @ ("std" | "core") if first => {
                names.words.insert(word.to_owned());
                return read_tree(tokens, at + 3, word, &mut names.std_paths, &mut names.words);
            }
            _ => break,
        }
        first = false;
        if !is_path_separator(tokens, at + 1) {
            return at + 1;
        }
        at += 3;
    }
    read_tree(tokens, at, &base, &mut names.crate_paths, &mut names.words)
}

/// Reads what follows `base::`.
fn read_tree(
    tokens: &[TokenTree],
    from: usize,
    base: &str,
    paths: &mut BTreeSet<String>,
    words: &mut BTreeSet<String>,
) -> usize {
    let mut at = from;
    let mut path = base.to_owned();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => {
                words.insert(ident.to_string());
                if ident != "self" {
                    path = join(&path, &ident.to_string());
                }
                if !is_path_separator(tokens, at + 1) {
                    paths.insert(path);
                    return at + 1;
                }
                at += 3;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                for part in inner.split(is_comma).filter(|part| !part.is_empty()) {
                    read_tree(part, 0, &path, paths, words);
                }
                return at + 1;
            }
            // `*`, or generics.
            _ => {
                paths.insert(path);
                return at;
            }
        }
    }
}

/// What is fuzzed of the binary is built as a library, whose manifest is another: what one depends on, the other does, with
/// the same features.
#[test]
fn the_library_that_is_fuzzed_depends_on_what_the_binary_does() {
    type Dependencies = BTreeMap<String, BTreeSet<String>>;
    fn features(manifest: &toml::Table, workspace: &toml::Table) -> Dependencies {
        let of = |dependency: &toml::Value| -> BTreeSet<String> {
            let features = dependency.get("features").and_then(toml::Value::as_array);
            features.into_iter().flatten().filter_map(|feature| Some(feature.as_str()?.to_owned())).collect()
        };
        let unix = manifest.get("target").and_then(|target| target["cfg(unix)"]["dependencies"].as_table());
        let all = [manifest["dependencies"].as_table(), unix].into_iter().flatten().flatten();
        let all = all.filter(|(name, _)| !name.starts_with("webpubsub-"));
        all.map(|(name, dependency)| {
            let shared = dependency.get("workspace").map(|_| of(&workspace[name]));
            (name.clone(), &of(dependency) | &shared.unwrap_or_default())
        })
        .collect()
    }
    let read = |path: &str| -> toml::Table {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap().parse().unwrap()
    };
    let binary = read("Cargo.toml");
    let workspace = binary["workspace"]["dependencies"].as_table().unwrap();
    let fuzzed = features(&read("fuzz/wps/Cargo.toml"), workspace);
    assert_eq!(features(&binary, workspace), fuzzed);
}
