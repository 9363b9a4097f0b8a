//! What real shells complete, with the scripts of `wps completions`. A shell that is not there is left out.

use std::path::Path;
use std::process::Command;

use crate::support::process::BINARY;

fn is_there(shell: &str) -> bool {
    Command::new(shell).args(["-c", "exit"]).status().is_ok_and(|status| status.success())
}

/// What a script prints, in a home with two profiles and two files, and with the binary on the path.
fn printed(shell: &str, arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("wps")).unwrap();
    let profiles = "[profiles.prod]\nhub = \"chat\"\n[profiles.staging]\nhub = \"chat\"\n";
    std::fs::write(home.path().join("wps/config.toml"), profiles).unwrap();
    std::fs::write(home.path().join("my url.txt"), "").unwrap();
    std::fs::write(home.path().join("key.pem"), "").unwrap();
    let mut path = Path::new(BINARY).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut run = Command::new(shell);
    run.args(arguments).current_dir(home.path());
    run.env("PATH", path).env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
    let output = run.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A line in words as bash has them: it takes them apart at `=` and `@` too.
fn words_of_bash(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut marked = false;
    for c in line.chars() {
        let mark = matches!(c, '=' | '@');
        if c == ' ' || mark != marked {
            words.push(String::new());
        }
        marked = mark;
        if c != ' ' {
            words.last_mut().unwrap().push(c);
        }
    }
    let last = words.len() - 1;
    words.into_iter().enumerate().filter(|(at, word)| *at == last || !word.is_empty()).map(|(_, word)| word).collect()
}

/// What is typed, the words that can stand there, and the part of them that bash puts in.
const CASES: &[(&str, &[&str], &[&str])] = &[
    ("wps lis", &["listen"], &["listen"]),
    ("wps listen --output=nd", &["--output=ndjson"], &["ndjson"]),
    (
        "wps listen --output=",
        &["--output=text", "--output=ndjson", "--output=data", "--output=raw"],
        &["text", "ndjson", "data", "raw"],
    ),
    ("wps listen --outp", &["--output"], &["--output"]),
    ("wps --profile ", &["prod", "staging"], &["prod", "staging"]),
    ("wps --profile=pr", &["--profile=prod"], &["prod"]),
    ("wps --local emul", &["emulator"], &["emulator"]),
    ("wps emulator --fault no-po", &["no-pong"], &["no-pong"]),
    ("wps emulator --fault drop=reset,tim", &["drop=reset,times="], &["reset,times="]),
    ("wps url create --role webpubsub.jo", &["webpubsub.joinLeaveGroup"], &["webpubsub.joinLeaveGroup"]),
    ("wps listen --url @ke", &["@key.pem"], &["key.pem"]),
    ("wps listen --url=@my", &["--url=@my url.txt"], &["my\\ url.txt"]),
    ("wps listen --ca-cert ke", &["key.pem"], &["key.pem"]),
];

#[test]
fn bash_completes_commands_flags_and_values() {
    if !is_there("bash") {
        return;
    }
    for (typed, _, expected) in CASES {
        let script = "source <(wps completions bash); COMP_LINE=$1 COMP_POINT=${#1}; shift; COMP_WORDS=(\"$@\"); \
                      COMP_CWORD=$(($# - 1)); _wps; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let words = words_of_bash(typed);
        let mut arguments = vec!["--norc", "-c", script, "bash", typed];
        arguments.extend(words.iter().map(String::as_str));
        let found = printed("bash", &arguments);
        assert_eq!(found.lines().collect::<Vec<_>>(), *expected, "{typed}");
    }
}

#[test]
fn zsh_completes_commands_flags_and_values() {
    if !is_there("zsh") {
        return;
    }
    for (typed, expected, _) in CASES {
        // Without a line editor: what is described is printed, up to the colon before what it is.
        let script = "compdef() { }; _describe() { print -rl -- ${${(P)3}%%:*} }; source <(wps completions zsh); \
                      words=(\"$@\") CURRENT=$#; PREFIX=$words[CURRENT]; _wps";
        let mut arguments = vec!["-f", "-c", script, "zsh"];
        arguments.extend(typed.split(' '));
        let found = printed("zsh", &arguments);
        assert_eq!(found.lines().collect::<Vec<_>>(), *expected, "{typed}");
    }
}

#[test]
fn fish_completes_commands_flags_and_values() {
    if !is_there("fish") {
        return;
    }
    for (typed, expected, _) in CASES {
        let script = format!("wps completions fish | source; complete -C '{typed}'");
        let found = printed("fish", &["--no-config", "-c", &script]);
        let words: Vec<String> =
            found.lines().filter_map(|line| line.split('\t').next()).map(|word| word.replace("\\ ", " ")).collect();
        assert_eq!(words, *expected, "{typed}");
    }
}
