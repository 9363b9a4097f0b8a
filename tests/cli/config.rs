//! Profiles: `--profile`, `WPS_PROFILE`, and `wps config path`, `show` and `check`.

use crate::support::{Service, Setup, wps};

const STRING: &str = "Endpoint=http://127.0.0.1:1;AccessKey=QUNDRVNTS0VZU0VDUkVU;Version=1.0;";

#[test]
fn the_path_is_that_of_the_configuration_directory() {
    let setup = wps(["config", "path"]);
    let path = setup.home().join("config/wps/config.toml");
    setup.run().assert(0, &format!("{}\n", path.display()), "");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_configuration_directory_it_is_beneath_home() {
    let setup = wps(["config", "path"]).env("XDG_CONFIG_HOME", "");
    let path = setup.home().join(".config/wps/config.toml");
    setup.run().assert(0, &format!("{}\n", path.display()), "");
}

#[test]
fn a_profile_brings_the_source_and_its_settings() {
    let service = Service::start();
    let connection_string = format!("Endpoint=http://127.0.0.1:{};AccessKey=a-key;Version=1.0;", service.port());
    let wps = wps(["--profile", "dev", "send", "g", "x", "--hub", "typed", "--user", "eve"])
        .config(
            "[profiles.dev]\nconnection-string = \"@dev.txt\"\nhub = \"chat\"\nprotocol = \"json\"\nuser = \"bob\"\n\
             retries = 1\nno-rejoin = true\ninsecure = false\n",
        )
        .file("config/wps/dev.txt", &connection_string)
        .start();
    let request = service.request();
    // What is typed goes before the profile.
    assert_eq!(request.path, "/client/hubs/typed");
    assert_eq!(request.header("sec-websocket-protocol"), Some("json.webpubsub.azure.v1"));
    assert!(request.query("access_token").is_some());
    let mut peer = request.upgrade();
    peer.greet("c1", "reconnect-1");
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
}

/// Where it connects, told by the error of a port that refuses, `inspect` being the one that connects nowhere.
fn source(setup: Setup) -> String {
    let ended = setup.run();
    let line =
        |label: &str| ended.text().lines().find_map(|line| line.strip_prefix(label)).map(str::trim).unwrap_or_default();
    format!("{} {}", line("host").split(',').next().unwrap(), line("hub"))
}

#[test]
fn there_is_one_source_and_the_nearest_counts() {
    let inspect = || {
        wps(["url", "inspect"])
            .config(
                "[profiles.url]\nurl = \"ws://profile-url/client/hubs/p\"\n\
                 [profiles.key]\nconnection-string = \"@key\"\nhub = \"k\"\n\
                 [profiles.bare]\nconnect-timeout = 5\nhub = \"b\"\n",
            )
            .file("config/wps/key", "Endpoint=http://profile-key;AccessKey=k;")
    };
    let url = ("WPS_URL", "ws://env-url/client/hubs/e");
    let string = ("WPS_CONNECTION_STRING", "Endpoint=http://env-key;AccessKey=k;");
    let sdk = ("WebPubSubConnectionString", "Endpoint=http://sdk-key;AccessKey=k;");
    let by_profile = |name| ("WPS_PROFILE", name);
    for (args, environment, expected) in [
        ("--url ws://typed/client/hubs/t --profile key", vec![url, string], "typed t"),
        ("--local=9 --profile url", vec![url], "localhost:9 hub1"),
        ("--local=9 --profile key", vec![url], "localhost:9 k"),
        ("--profile url", vec![url, string], "profile-url p"),
        ("--profile key", vec![url, by_profile("url")], "profile-key k"),
        ("--profile key --hub typed", vec![], "profile-key typed"),
        // A profile without a source leaves it to the environment.
        ("--profile bare", vec![url, string], "env-url e"),
        ("--profile bare", vec![string, sdk], "env-key b"),
        ("", vec![url, string, by_profile("key")], "env-url e"),
        ("", vec![string, sdk, by_profile("key")], "env-key k"),
        ("--hub h", vec![sdk, by_profile("url")], "sdk-key h"),
        ("", vec![by_profile("key")], "profile-key k"),
        ("", vec![by_profile("url")], "profile-url p"),
    ] {
        let setup = environment.iter().fold(inspect(), |setup, (name, value)| setup.env(name, value));
        assert_eq!(source(setup.args(args.split_whitespace())), expected, "{args} {environment:?}");
    }
    inspect().env("WPS_PROFILE", "bare").run().assert_failed(3, &["error: nothing says where to connect"]);
}

/// What is said of a configuration file with one profile `p` of these lines.
fn refused(lines: &str) -> String {
    let setup = wps(["listen", "--profile", "p"]).config(&format!("[profiles.p]\n{lines}\n"));
    let path = setup.home().join("config/wps/config.toml").display().to_string();
    let ended = setup.run();
    assert_eq!((ended.code, ended.text()), (3, ""), "{lines}: {}", ended.stderr);
    ended.stderr.replace(&path, "CONFIG")
}

#[test]
fn a_fault_in_a_profile_names_file_profile_and_key() {
    for (lines, caused_by) in [
        (
            "conection-string = \"@x\"",
            "`conection-string` is not a flag that a profile can hold\nhint: did you mean `connection-string`?",
        ),
        (
            "connect_timeout = 5",
            "`connect_timeout` is not a flag that a profile can hold\nhint: did you mean `connect-timeout`?",
        ),
        ("output = \"ndjson\"", "`output` is not a flag that a profile can hold"),
        ("connect-timeout = \"soon\"", "`soon` is not a value of `--connect-timeout`: not a duration such as"),
        ("protocol = \"xml\"", "`xml` is not a value of `--protocol`"),
        ("insecure = \"yes\"", "`insecure` is true or false"),
        ("hub = true", "`hub` needs a value, not true or false"),
        ("hub = [\"a\"]", "`hub` takes one value, not a list"),
        ("local = 99999", "`99999` is not a value of `--local`"),
        ("url = \"-\"", "`url` cannot be read from stdin in a profile\nhint: `url = \"@FILE\"` or"),
        (
            "url = \"ws://h/client/hubs/h?access_token=sesame\"",
            "`url` holds a secret in plain text\nhint: `url = \"@FILE\"` or",
        ),
        (
            "connection-string = \"Endpoint=http://h;AccessKey=sesame;\"",
            "`connection-string` holds a secret in plain text\nhint: ",
        ),
        ("url = \"@u\"\nlocal = true", "it has two sources: `url` and `local`"),
        ("url-command = \"c\"\nhub = \"h\"", "`hub` does not go with `url-command`\nhint: a client access URL brings"),
    ] {
        let report = refused(lines);
        let expected = format!("error: the profile `p` in `CONFIG` is not right\ncaused by: {caused_by}");
        assert!(report.starts_with(&expected), "{report}");
        assert!(report.ends_with("hint: `wps config check` lists everything that is wrong\n"), "{report}");
        assert!(!report.contains("sesame"), "{report}");
    }
    assert!(
        refused("url = \"ws://h/client/hubs/h?access_token=sesame")
            .starts_with("error: `CONFIG` is not valid TOML at line 2, "),
        "no secret from the line"
    );
}

#[test]
fn a_profile_or_file_that_is_missing_is_named() {
    let setup = wps(["listen", "--profile", "prod"]);
    let path = setup.home().join("config/wps/config.toml");
    let path = path.display();
    setup.run().assert(
        3,
        "",
        &format!(
            "error: `--profile` names the profile `prod`, but there is no `{path}`\n\
             hint: `wps config --help` says what stands in it\n"
        ),
    );
    let setup = wps(["listen"]).env("WPS_PROFILE", "prod").config("[profiles.dev]\nlocal = true\n[profiles.test]\n");
    let path = setup.home().join("config/wps/config.toml");
    let path = path.display();
    setup.run().assert(
        3,
        "",
        &format!("error: there is no profile `prod` (`WPS_PROFILE`) in `{path}`\nhint: it has `dev`, `test`\n"),
    );
}

#[test]
fn a_file_without_a_profile_says_how_one_begins() {
    let setup = wps(["listen", "--profile", "dev"]).config("[profile.dev]\nlocal = true\n");
    setup.run().assert_failed(
        3,
        &["error: there is no profile `dev`", "hint: it has none: a profile begins with the line `[profiles.NAME]`; "],
    );
    let setup = wps(["listen", "--profile", "dev"]);
    std::fs::create_dir_all(setup.home().join("config/wps/config.toml")).unwrap();
    setup.run().assert_failed(3, &["error: could not read ", "caused by: ", "hint: it has to be a text file"]);
}

#[test]
fn a_secret_in_a_url_command_is_the_commands_own_affair_to_read() {
    let config = "[profiles.dev]\nurl-command = \"curl -H 'Authorization: Bearer c2VzYW1lLXNlc2FtZQ' https://x\"\n";
    let ended = wps(["listen", "--profile", "dev"]).config(config).run();
    ended.assert_failed(
        3,
        &["`url-command` holds a secret in plain text\nhint: the command itself can read it from a file"],
    );
    assert!(!ended.stderr.contains("c2VzYW1l"), "{}", ended.stderr);
}

#[test]
fn the_proxy_of_a_profile_comes_after_the_environments() {
    let profile = "[profiles.dev]\nurl = \"ws://service.invalid/client/hubs/h\"\nproxy = \"socks5h://127.0.0.1:1\"\n";
    let said = |args: &[&str], variables: &[(&str, &str)]| {
        let mut setup = wps(["join", "g", "--no-reconnect", "--profile", "dev"]).args(args).config(profile);
        for (name, value) in variables {
            setup = setup.env(name, value);
        }
        let ended = setup.run();
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        ended.stderr
    };
    for (args, variables, words) in [
        (&[][..], &[][..], "check the proxy `socks5h://127.0.0.1:1`, which `proxy` of the profile `dev` names"),
        (
            &[],
            &[("HTTP_PROXY", "http://127.0.0.1:2")],
            "check the proxy `http://127.0.0.1:2`, which `HTTP_PROXY` names",
        ),
        (&[], &[("HTTPS_PROXY", "http://127.0.0.1:2")], "which `proxy` of the profile `dev` names"),
        (
            &["--proxy", "http://127.0.0.1:3"],
            &[("HTTP_PROXY", "http://x")],
            "`http://127.0.0.1:3`, which `--proxy` names",
        ),
        (&[], &[("NO_PROXY", "service.invalid")], "could not resolve `service.invalid`"),
        (&["--proxy", "none"], &[], "could not resolve `service.invalid`"),
    ] {
        let said = said(args, variables);
        assert!(said.contains(words), "{args:?} {variables:?}: {said}");
    }
}

#[test]
fn show_has_the_proxies_of_the_environment_without_their_passwords() {
    let ended = wps(["config", "show"])
        .env("HTTPS_PROXY", "http://me:sesame@secure.example:3128")
        .env("all_proxy", "socks5://[::1]")
        .env("NO_PROXY", "localhost,10.0.0.0/8")
        .run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let lines = "# proxy for wss: http://[redacted]@secure.example:3128 (HTTPS_PROXY)\n\
                 # proxy for ws: socks5h://[::1]:1080 (all_proxy)\n\
                 # no proxy for: localhost,10.0.0.0/8 (NO_PROXY)\n";
    assert!(ended.text().contains(lines), "{}", ended.text());
}

#[test]
fn show_prints_what_holds_without_secrets() {
    let setup = wps(["config", "show", "--profile", "dev"])
        .env("WPS_URL", "ws://h/client/hubs/h?access_token=sesame")
        .config("[profiles.dev]\nconnection-string = \"@dev.txt\"\nhub = \"chat\"\nrole = [\"a\", \"b\"]\ninsecure = true\n")
        .file("config/wps/dev.txt", STRING);
    let directory = setup.home().join("config/wps").display().to_string();
    let ended = setup.run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let shown = ended.text().replace(&directory, "DIR");
    for line in [
        "# file: DIR/config.toml",
        "# profile: dev (--profile)",
        "# source: connection-string, below",
        "connection-string = \"@DIR/dev.txt\"",
        "connect-timeout = \"30s\"  # default",
        "hub = \"chat\"",
        "insecure = true",
        "role = [\"a\", \"b\"]",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let ended = wps(["config", "show"])
        .env("WPS_URL", "ws://h/client/hubs/h?access_token=sesame")
        .env("WPS_PROFILE", "dev")
        .config("[profiles.dev]\nlocal = true\nhub = \"chat\"\nretries = 7\n")
        .run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(
        ended.text().contains("\n# source: WPS_URL, ws://h/client/hubs/h?access_token=[redacted]\n"),
        "{}",
        ended.text()
    );
    assert!(ended.text().contains("\nretries = \"7\"\n"), "{}", ended.text());
    assert!(!ended.text().contains("local") && !ended.text().contains("\nhub"), "{}", ended.text());
    let ended = wps(["config", "show"]).run();
    assert_eq!(ended.code, 0);
    assert!(ended.text().contains("(there is none)\n# profile: none\n# source: none\n"), "{}", ended.text());
}

#[test]
fn check_lists_everything_that_is_wrong() {
    let setup = wps(["config", "check"])
        .config(
            "other = 1\n[profiles.a]\nconnection-string = \"@a.txt\"\nhub = \"chat\"\n\
             [profiles.b]\nurl = \"@missing\"\nca-cert = \"missing.pem\"\nttl = \"soon\"\n\
             [profiles.c]\nconnection-string = \"@c.txt\"\n[profiles.d]\nproxxy = 1\n\
             [profiles.e]\nping-interval = 30\n",
        )
        .file("config/wps/a.txt", STRING)
        .file("config/wps/c.txt", "AccessKey=sesame");
    let directory = setup.home().join("config/wps").display().to_string();
    let ended = setup.run();
    assert_eq!(ended.code, 3);
    let report = ended.text().replace(&directory, "DIR");
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[0], "`other` is not known here (the file has tables `[profiles.NAME]` and nothing else)");
    assert_eq!(lines[1], "a: ok");
    for (line, begin) in lines[2..].iter().zip([
        "b: `soon` is not a value of `--ttl`",
        "b: `ca-cert`: could not read `DIR/missing.pem`: ",
        "b: `url`: could not read `DIR/missing`: ",
        "c: the connection string in `--connection-string` is malformed: the connection string has no `Endpoint`",
        "d: `proxxy` is not a flag that a profile can hold",
        "e: `--ping-timeout` (25s) must be longer than `--ping-interval` (30s)",
    ]) {
        assert!(line.starts_with(begin), "{line}: {begin}");
    }
    assert_eq!(
        (lines.len(), ended.stderr.replace(&directory, "DIR").as_str()),
        (8, "error: 7 faults in `DIR/config.toml`\n")
    );

    wps(["config", "check"]).config("[profiles.a]\nlocal = 9000\n").run().assert(0, "a: ok\n", "");
    wps(["config", "check"]).run().assert_failed(3, &["error: there is no `", "hint: "]);
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let url = "ws://127.0.0.1:1/client/hubs/h?access_token=a.b.c";
    for (mode, quiet, warned) in
        [(0o600, false, false), (0o640, false, true), (0o604, false, true), (0o644, true, false)]
    {
        let setup = wps(["send", "g", "x", "--reconnect-retries", "0", "--url", "@url.txt"]).file("url.txt", url);
        let path = setup.home().join("url.txt");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let ended = if quiet { setup.arg("-q") } else { setup }.run();
        assert_eq!(ended.code, 4);
        let warning = "warning: others on this machine can read the secret in `url.txt`: `chmod 600` it\n";
        assert_eq!(ended.stderr.contains(warning), warned, "{mode:o}: {}", ended.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_secret_on_the_command_line_is_hinted_at_once_at_a_terminal() {
    use std::io::Read as _;
    let url = "ws://127.0.0.1:1/client/hubs/h?access_token=a.b.c";
    for (flags, hints, said) in [(vec![], "", 1), (vec![], "0", 1), (vec![], "1", 0), (vec!["-q"], "", 0)] {
        let setup = wps(["send", "g", "x", "--reconnect-retries", "0", "--url", url]).args(&flags);
        let (setup, mut screen) = setup.env("WPS_NO_HINTS", hints).stderr_to_terminal();
        assert_eq!(setup.run().code, 4);
        let mut seen = Vec::new();
        // Where nobody has the terminal open any more, the end of it is an error.
        let _ = screen.read_to_end(&mut seen);
        let seen = String::from_utf8_lossy(&seen);
        let hint = "others on this machine can see the secret in `--url` while wps runs";
        assert_eq!(seen.matches(hint).count(), said, "{flags:?} {hints}: {seen}");
        assert!(seen.contains("could not connect"), "{seen}");
        assert!(!seen.contains("a.b.c"), "{seen}");
    }
}

#[test]
fn a_secret_on_the_command_line_is_no_hint_where_no_terminal_is() {
    let ended = wps([
        "send",
        "g",
        "x",
        "--reconnect-retries",
        "0",
        "--url",
        "ws://127.0.0.1:1/client/hubs/h?access_token=a.b.c",
    ])
    .run();
    assert_eq!(ended.code, 4);
    assert!(!ended.stderr.contains("history"), "{}", ended.stderr);
}

#[test]
fn secrets_of_headers_and_commands_are_not_shown_and_not_welcome() {
    let file = "[profiles.h]\nlocal = 1\nheader = [\"Authorization: Bearer SECRET-HDR\"]\n\
        [profiles.c]\nurl-command = \"curl -s -u bob:SECRET-PW https://x/negotiate?code=SECRET-FN\"\n";
    let checked = wps(["config", "check"]).config(file).run();
    assert_eq!(checked.code, 3);
    let shown = wps(["config", "show", "--profile", "c"]).config(file).run();
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.text().contains("url-command = \"curl\"  # its arguments are not shown\n"), "{}", shown.text());
    for ended in [checked, shown] {
        assert!(!format!("{}{}", ended.text(), ended.stderr).contains("SECRET"), "{} {}", ended.text(), ended.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_explanation_that_cannot_be_written_is_exit_13() {
    let url = wps(["url", "create", "--local"]).run().text().trim().to_owned();
    let ended = wps(["url", "inspect", &url]).stdout_to("/dev/full").run();
    ended.assert_failed(13, &["error: could not write to stdout"]);
    // What the URL itself is counts for more, and the reader is told both.
    let ended = wps(["url", "inspect", "ws://127.0.0.1/client/hubs/chat?access_token=x"]).stdout_to("/dev/full").run();
    ended.assert_failed(3, &["error: the URL is not usable", "error: could not write to stdout"]);
}

#[test]
fn the_profiles_are_listed_with_their_source_and_hub() {
    let file = "[profiles.prod]\nurl-command = \"get-url --key abc\"\n[profiles.dev]\nlocal = 9000\nhub = \"chat\"\n";
    let expected = "dev\tlocal\tchat\nprod\turl-command\t-\n";
    wps(["config", "list"]).config(file).run().assert(0, expected, "");
    wps(["config", "list"]).run().assert(0, "", "");
}

#[test]
fn a_file_to_begin_with_is_written_once_and_has_no_effect() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config");
    let run = |command: &str| wps(["config", command]).env("XDG_CONFIG_HOME", &config).run();
    let file = config.join("wps/config.toml");
    run("init").assert(0, &format!("{}\n", file.display()), "");
    let text = std::fs::read_to_string(&file).unwrap();
    run("check").assert(0, "no profiles\n", "");
    let again = run("init");
    again.assert_failed(3, &["there is a configuration file already", "`wps config edit` opens it"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    // What it shows is right, once it is no comment any more.
    let lines = text.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.contains(['[', '=']));
    let shown: String = lines.filter(|line| !line.starts_with("Profiles of")).flat_map(|line| [line, "\n"]).collect();
    std::fs::write(&file, shown).unwrap();
    std::fs::write(file.with_file_name("connection.txt"), "Endpoint=http://localhost;AccessKey=abc;Version=1.0;")
        .unwrap();
    let checked = run("check");
    assert_eq!((checked.code, checked.text()), (0, "local: ok\nwork: ok\n"), "{}", checked.stderr);
}

#[cfg(unix)]
#[test]
fn the_editor_opens_the_file_and_what_it_leaves_is_checked() {
    let home = tempfile::tempdir().unwrap();
    let edit = |editor: &str| wps(["config", "edit"]).env("XDG_CONFIG_HOME", home.path()).env("EDITOR", editor).run();
    // An editor with an argument of its own; there is a file by then.
    edit("grep -q Profiles").assert(0, "no profiles\n", "");
    edit("printf '[profiles.a]\\nlocal = true\\n' > \"$1\"; true").assert(0, "a: ok\n", "");
    edit("printf '[profiles.a]\\nlocl = true\\n' > \"$1\"; true").assert(
        3,
        "a: `locl` is not a flag that a profile can hold (did you mean `local`?)\n",
        &format!("error: 1 fault in `{}`\n", home.path().join("wps/config.toml").display()),
    );
    edit("exit 4;").assert_failed(3, &["the editor `exit 4;` failed with exit status 4", "`VISUAL` or `EDITOR`"]);
}
