use super::*;

/// What a command line asks for; arguments are separated by `|`.
fn parsed(line: &str) -> Result<Parsed, Failure> {
    parsed_words(line.split('|').filter(|argument| !argument.is_empty()).map(str::to_owned).collect())
}

fn parsed_words(words: Vec<String>) -> Result<Parsed, Failure> {
    parse(std::iter::once("wps".to_owned()).chain(words).map(OsString::from))
}

/// The words of a command, without the quotes that the shell takes away, up to where the shell begins something else.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in command.chars() {
        match c {
            '\'' => (quoted, begun) = (!quoted, true),
            ')' | '&' | '>' | '|' if !quoted => break,
            ' ' | '\n' if !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    words.extend(begun.then_some(word));
    words
}

fn printed(line: &str) -> String {
    match parsed(line) {
        Ok(Parsed::Print(text)) => text.to_string(),
        other => panic!("{line}: {other:?}"),
    }
}

/// The commands, in the order of `wps --help`.
fn commands() -> Vec<String> {
    all_commands(&definition()).into_iter().map(|(name, _)| name).collect()
}

/// Whether a command connects by itself: those promise something of their connection.
fn connects(name: &str) -> bool {
    let definition = definition();
    let (_, command) = all_commands(&definition).into_iter().find(|(own, _)| own == name).unwrap();
    !name.starts_with("url ") && command.get_arguments().any(|arg| arg.get_long() == Some("connect-timeout"))
}

#[test]
fn the_definition_holds_together() {
    helpful().debug_assert();
    let commands = commands();
    for known in ["listen", "join", "send", "event", "repl", "replay", "doctor"] {
        assert!(connects(known), "{known}");
    }
    for known in
        ["emulator", "url", "url create", "url inspect", "config", "config check", "schema", "completions", "man"]
    {
        assert!(commands.iter().any(|name| name == known) && !connects(known), "{known}");
    }
}

#[test]
fn every_help_begins_with_two_or_three_examples_that_parse() {
    let definition = definition();
    let all = all_commands(&definition);
    let own = std::iter::once(("wps".to_owned(), &definition)).chain(all);
    for (command, examples) in own.map(|(name, command)| (name, help_of(command).examples)) {
        assert!((2..=3).contains(&examples.len()), "{command}");
        for (line, _) in &examples {
            // The part that runs `wps`.
            let parsed = parsed_words(words(line.split("wps ").nth(1).unwrap_or_default()));
            assert!(matches!(parsed, Ok(Parsed::Run(_))), "{line}: {parsed:?}");
        }
        for flag in ["-h", "--help"] {
            let line = if command == "wps" { flag.to_owned() } else { format!("{}|{flag}", command.replace(' ', "|")) };
            let help = printed(&line);
            assert!(help.starts_with(&format!("Examples:\n  {}\n", examples[0].0)), "{help}");
        }
    }
    assert_eq!(printed("help|listen"), printed("listen|--help"));
    assert!(printed("listen|-h").len() < printed("listen|--help").len());
}

#[test]
fn every_long_help_names_exit_codes_and_topics() {
    for command in commands() {
        let help = printed(&format!("{}|--help", command.replace(' ', "|")));
        assert!(help.contains("Exit codes:\n"), "{command}");
        let promises = connects(&command);
        assert_eq!(help.contains("Behaviour:\n"), promises, "{command}");
        assert_eq!(
            help.contains("`wps help exit-codes`") && help.contains("security"),
            promises || command == "url inspect",
            "{command}"
        );
    }
}

/// All that help says: of commands, short and long, and of topics.
fn all_help() -> Vec<String> {
    let commands = commands().into_iter().map(|name| name.replace(' ', "|")).chain([String::new()]);
    let commands = commands.flat_map(|name| [format!("{name}|-h"), format!("{name}|--help")]);
    commands.chain(TOPICS.iter().map(|topic| format!("help|{}", topic.name))).map(|line| printed(&line)).collect()
}

#[test]
fn what_help_points_to_is_there() {
    let mut topics = std::collections::BTreeSet::new();
    let commands = commands();
    for help in all_help() {
        assert!(!help.contains("{{") && !help.contains("see --help"), "{help}");
        let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in flat.split("wps help ").skip(1) {
            let name = part.split(['`', ' ', ',']).next().unwrap_or_default();
            if !matches!(name, "TOPIC" | "listen") {
                assert!(Topic::named(name).is_some(), "{name}: {help}");
                topics.insert(name.to_owned());
            }
        }
        for part in flat.split("`wps ").skip(1) {
            let Some((command, _)) = part.split('`').next().unwrap_or_default().split_once(" --help") else { continue };
            assert!(command == "COMMAND" || commands.iter().any(|name| name == command), "{command}: {help}");
        }
    }
    assert_eq!(topics.len(), TOPICS.len(), "{topics:?}");
    // Where errors send whoever has no profile yet.
    assert!(printed("config|--help").contains("[profiles.NAME]"));
}

#[test]
fn a_topic_explains_in_full_the_flags_that_commands_have_in_one_line() {
    let listen = printed("listen|--help");
    let explained: String = TOPICS.iter().map(|topic| printed(&format!("help|{}", topic.name))).collect();
    for flag in ["--url <URL>", "--proxy <", "--ping-timeout <D>", "--jq <EXPR>", "--record <FILE>", "--session <FILE>"]
    {
        let line = listen.lines().find(|line| line.trim_start().starts_with(flag));
        assert!(line.is_some_and(|line| line.len() > 40), "{flag}: {listen}");
        assert!(explained.lines().any(|line| line.trim() == flag || line.trim().starts_with(flag)), "{flag}");
    }
    assert!(!listen.contains("negotiate endpoints") && explained.contains("negotiate endpoints"));
    let [short, long] = ["listen|-h", "listen|--help"].map(|line| printed(line).lines().count());
    assert!(short <= 60 && long <= 150, "{short} and {long} lines");
}

#[test]
fn no_help_line_is_wider_than_a_hundred_columns() {
    for command in commands() {
        for line in printed(&format!("{}|--help", command.replace(' ', "|"))).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn every_flag_says_what_it_does() {
    let command = definition();
    for (_, sub) in all_commands(&command) {
        for arg in sub.get_arguments() {
            assert!(arg.get_help().is_some(), "{} {}", sub.get_name(), arg.get_id());
        }
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(printed("--version"), "wps 0.1.0\n");
    assert_eq!(printed("-V"), "wps 0.1.0\n");
}

#[test]
fn without_arguments_help_is_shown_but_nothing_done() {
    assert!(matches!(parsed(""), Ok(Parsed::Nothing(text)) if text.to_string().contains("wps listen --local")));
}

#[test]
fn usage_errors_say_what_is_wrong_and_what_to_do() {
    for (line, expected) in [
        ("lisen", "error: there is no command `lisen`\nhint: did you mean `listen`?\n"),
        ("listen|--tiemout|1s", "error: unexpected argument `--tiemout`\nhint: did you mean `--timeout`?\n"),
        ("listen|--wait-reply", "error: unexpected argument `--wait-reply`\nhint: `--wait-reply` belongs to `event`\n"),
        (
            "--local|emulator",
            "error: unexpected argument `--local`\nhint: `--local` belongs to `listen`, `join`, `send`, `event` \
             and ",
        ),
        (
            "listen|-o|xml",
            "error: `xml` is not a value of `--output`\nhint: possible: `text`, `ndjson`, `data`, `raw`\n",
        ),
        ("listen|--for|x", "error: `x` is not a value of `--for`: not a duration such as `500ms`, `10s`, `1m30s` or a"),
        ("listen|--for|0", "error: `0` is not a value of `--for`: must be longer than 0\n"),
        ("listen|--for", "error: `--for` needs a value\n"),
        (
            "listen|--local|8080",
            "error: unexpected argument `8080`\nhint: the port of `--local` is written with `=`, as in `--local=8080`\n",
        ),
        ("listen|chat", "error: unexpected argument `chat`\nhint: a group is given with `-g`: `-g chat`\n"),
        ("listen|--local=0", "error: `0` is not a value of `--local`: it has to be from 1 to 65535\n"),
        ("listen|--count|0", "error: `0` is not a value of `--count`"),
        ("event|e|d|--wait-reply=0", "error: `0` is not a value of `--wait-reply`"),
        ("send|g|d|--file|f", "error: `DATA` and `--file` exclude each other\n"),
        ("send|g|d|--ack-id|1|--no-ack", "error: `--ack-id` and `--no-ack` exclude each other\n"),
        ("send|g|d|--ack-id|18446744073709551616", "error: `18446744073709551616` is not a value of `--ack-id`"),
        ("listen|--no-reconnect|--reconnect-retries|1", "error: `--no-reconnect` and `--reconnect-retries` exclude"),
        ("listen|-q|-v", "error: `--quiet` and `--verbose` exclude each other\n"),
        ("listen|--color|auto|--color|never", "error: `--color` was given more than once\n"),
        ("listen|--resolve|h:80:x", "error: `h:80:x` is not a value of `--resolve`: ADDR is not an IP address\n"),
        ("listen|--client-key|k", "error: missing: `--client-cert`\n"),
        ("listen|--no-system-roots", "error: missing: `--ca-cert`\n"),
        ("listen|--insecure=yes", "error: `--insecure` takes no value\n"),
        ("send|g|-x", "error: unexpected argument `-x`\nhint: data that begins with `-` stands behind `--`: `-- -x`\n"),
        ("event", "error: missing: `NAME`\n"),
        ("join", "error: missing: `GROUP`\n"),
        ("man", "error: missing: `--dir`\n"),
        ("--local", "error: no command given, only flags\n"),
        ("completions|tcsh", "error: `tcsh` is not a value of `SHELL`\n"),
    ] {
        let failure = parsed(line).unwrap_err();
        let report = failure.report(str::to_owned, str::to_owned);
        assert_eq!(failure.kind.exit_code(), 2, "{line}");
        assert!(report.starts_with(expected), "{line}: {report}");
        let last = report.lines().last().unwrap_or_default();
        assert!(last.starts_with("hint: `wps ") && last.contains("--help`"), "{line}: {report}");
    }
}

#[test]
fn usage_errors_keep_secrets() {
    for line in [
        "listen|--urll|wss://h/client/hubs/a?access_token=sesame",
        "listen|--urll=wss://h/client/hubs/a?access_token=sesame",
        "listen|wss://h/client/hubs/a?access_token=sesame",
        "wss://h/client/hubs/a?access_token=sesame",
        "listen|--conection-string=Endpoint=http://h;AccessKey=sesame",
        "listen|Endpoint=http://h;AccessKey=sesame;Version=1.0",
        "listen|--url|sesame|--url|sesame",
        "emulator|--access-kye|sesame",
        "listen|--porxy|http://user:sesame@proxy:1",
        "listen|--proxy|http://user:sesame@proxy:1|--proxy|x",
        "emulator|sesameABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "sesameABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "listen|--timeout|sesameABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "listen|--output|sesameABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    ] {
        let failure = parsed(line).unwrap_err();
        let report = failure.report(str::to_owned, str::to_owned);
        assert!(!report.contains("sesame"), "{line}: {report}");
    }
}

#[test]
fn each_command_has_the_same_flags_alone_and_among_the_others() {
    let definition = definition();
    let whole: Vec<&clap::Command> = definition.get_subcommands().collect();
    assert!(whole.len() > 15);
    let flags = |command: &clap::Command| -> Vec<String> {
        all_commands(command)
            .into_iter()
            .chain([(String::new(), command)])
            .flat_map(|(name, command)| command.get_arguments().map(move |arg| format!("{name} {arg:?}")))
            .collect()
    };
    for command in whole {
        let bare = commands::bare(command.get_name()).map(with_negative_values).unwrap();
        assert_eq!(flags(&bare), flags(command), "{}", command.get_name());
    }
}
