use super::*;

/// Two profiles, and a folder.
struct Made;

impl KnownNames for Made {
    fn profiles(&mut self) -> Vec<String> {
        vec!["prod".into(), "test".into()]
    }

    fn folder(&mut self, path: &str) -> Vec<(String, bool)> {
        match path {
            "" => vec![("url.txt".into(), false), ("keys".into(), true), (".hidden".into(), false)],
            "keys/" => vec![("one.pem".into(), false)],
            _ => Vec::new(),
        }
    }
}

/// The words that can stand where the line ends.
fn at(line: &str) -> Vec<String> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let found = candidates(&mut definition(), &words, words.len() - 1, &mut Made);
    found.into_iter().map(|candidate| candidate.word).collect()
}

#[test]
fn what_can_stand_there_is_known() {
    for (line, expected) in [
        ("wps li", &["listen"][..]),
        ("wps --local li", &["listen"]),
        ("wps --hub listen li", &["listen"]),
        ("wps url ", &["create", "inspect", "help"]),
        ("wps url --local cr", &["create"]),
        ("wps help rec", &["reconnecting"]),
        ("wps help li", &["listen"]),
        ("wps listen --output ", &["text", "ndjson", "data", "raw"]),
        ("wps listen --output=", &["--output=text", "--output=ndjson", "--output=data", "--output=raw"]),
        ("wps listen --output=n", &["--output=ndjson"]),
        ("wps listen -o n", &["ndjson"]),
        ("wps listen -on", &["-ondjson"]),
        ("wps listen -von", &["-vondjson"]),
        ("wps --output=n", &["--output=ndjson"]),
        ("wps -o n", &["ndjson"]),
        ("wps listen --profile ", &["prod", "test"]),
        ("wps --profile=t", &["--profile=test"]),
        ("wps url create --role webpubsub.s", &["webpubsub.sendToGroup"]),
        ("wps url create --role webpubsub.sendToGroup", &["webpubsub.sendToGroup", "webpubsub.sendToGroup."]),
        ("wps emulator --fault dr", &["drop="]),
        ("wps emulator --fault no-po", &["no-pong"]),
        ("wps emulator --fault drop=reset,ti", &["drop=reset,times="]),
        ("wps emulator --fault drop=reset,af", &["drop=reset,after="]),
        (
            "wps emulator --fault ignore,op=joinGroup|se",
            &[
                "ignore,op=joinGroup|sendToGroup",
                "ignore,op=joinGroup|setGroupState",
                "ignore,op=joinGroup|sequenceAck",
            ],
        ),
        ("wps listen --url ", &["@", "-"]),
        ("wps listen --url @u", &["@url.txt"]),
        ("wps listen --url=@ke", &["--url=@keys/"]),
        ("wps listen --connection-string @keys/", &["@keys/one.pem"]),
        ("wps url inspect @u", &["@url.txt"]),
        ("wps listen --ca-cert ", &["keys/", "url.txt"]),
        ("wps send --file u", &["url.txt"]),
        ("wps repl --file .", &[".hidden"]),
        ("wps completions z", &["zsh"]),
        ("wps completions --a", &[]),
        ("wps listen --loc", &["--local"]),
        ("wps listen --local --loc", &[]),
        ("wps listen -g a --gro", &["--group"]),
        ("wps send g -- --no", &[]),
        ("wps send g ", &["--data"]),
        ("wps nonsense ", &[]),
    ] {
        let mut found = at(line);
        if line == "wps send g " {
            // Of a message nothing is known, so its flags are offered.
            assert!(found.iter().all(|word| word.starts_with("--")) && found.len() > 20, "{found:?}");
            continue;
        }
        if line == "wps url create --role webpubsub.sendToGroup" {
            found.sort();
        }
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn every_flag_that_takes_a_file_offers_files() {
    let definition = definition();
    for (name, command) in crate::cli::all_commands(&definition) {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let shown = arg
                .get_value_names()
                .unwrap_or_default()
                .iter()
                .any(|name| matches!(name.as_str(), "FILE" | "SCRIPT" | "F"));
            let text = [arg.get_help(), arg.get_long_help()].into_iter().flatten().map(ToString::to_string);
            let refers = text.collect::<String>().contains("@FILE");
            if shown {
                assert!(!values::of(arg, "", &mut Made).is_empty(), "{name}: {arg}");
            }
            if refers {
                assert!(!values::of(arg, "@", &mut Made).is_empty(), "{name}: {arg}");
            }
        }
    }
}

#[test]
fn a_row_is_a_line_whatever_a_name_holds() {
    let found = [Candidate::new("a\nb", ""), Candidate::new("c", "one\nmore"), Candidate::new("d e", "")];
    assert_eq!(rows(&found), b"c\tone\nd e\t\n");
}
