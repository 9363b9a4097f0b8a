//! What is wrong before anything is connected: the exit code, and what to do instead.

use std::time::{Duration, Instant};

use crate::support::{Service, wps};

#[test]
fn without_a_source_the_error_names_two() {
    for command in [["listen"].as_slice(), &["send", "g", "x"], &["event", "e", "x"], &["join", "g"]] {
        let ended = wps(command).run();
        ended.assert_failed(3, &["error: nothing says where to connect", "hint: ", "`--url URL`", "`--local`"]);
    }
}

#[test]
fn two_sources_are_a_usage_error() {
    let url = "ws://127.0.0.1:1/client/hubs/hub1?access_token=x";
    for sources in [
        ["--url", url, "--local"].as_slice(),
        &["--url", url, "--connection-string", "Endpoint=http://h;AccessKey=k;"],
        &["--local", "--connection-string", "Endpoint=http://h;AccessKey=k;"],
    ] {
        let ended = wps(["listen"]).args(sources).run();
        ended.assert_failed(2, &["error: two sources to connect to: `--", "hint: give exactly one of "]);
    }
}

#[test]
fn the_command_line_goes_before_the_environment() {
    let service = Service::start();
    let wps = wps(["join", "g", "--url", &service.url()])
        .env("WPS_URL", "ws://127.0.0.1:1/client/hubs/other?access_token=x")
        .env("WPS_CONNECTION_STRING", "Endpoint=http://127.0.0.1:1;AccessKey=k;Version=1.0;")
        .start();
    service.connect_and_join(&["g"]).see_off();
    assert_eq!(wps.end().code, 0);
}

#[test]
fn a_url_may_come_from_the_environment_a_file_or_stdin() {
    let service = Service::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{}\n", service.url())).unwrap();
    let at_file = format!("@{}", file.path().display());
    for setup in [
        wps(["join", "g"]).env("WPS_URL", service.url()),
        wps(["join", "g", "--url", &at_file]),
        wps(["join", "g", "--url", "-"]).stdin(format!("{}\n", service.url())),
        wps(["--url", &service.url(), "join", "g"]),
    ] {
        let wps = setup.start();
        service.connect_and_join(&["g"]).see_off();
        let ended = wps.end();
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    }
}

#[test]
fn other_ways_to_write_a_url_lead_to_the_same_hub() {
    for (write, path, hub) in [
        ("http://HOST/client/hubs/hub1?access_token=TOKEN", "/client/hubs/hub1", None),
        ("ws://HOST/client?hub=hub1&access_token=TOKEN", "/client", Some("hub1")),
        ("ws://HOST/client/?hub=hub1&access_token=TOKEN", "/client/", Some("hub1")),
    ] {
        let service = Service::start();
        let host = format!("127.0.0.1:{}", service.port());
        let url = write.replace("HOST", &host).replace("TOKEN", &service.token);
        let wps = wps(["join", "g", "--url", &url]).start();
        let request = service.request();
        assert_eq!((request.path.as_str(), request.query("hub")), (path, hub), "{request:?}");
        assert_eq!(request.query("access_token"), Some(service.token.as_str()));
        let mut peer = request.upgrade();
        peer.greet("c1", "reconnect-1");
        peer.grant_join("g");
        peer.see_off();
        assert_eq!(wps.end().code, 0);
    }
}

#[test]
fn a_malformed_url_is_a_matter_of_configuration() {
    for url in ["ws://h/elsewhere?access_token=x", "h/client/hubs/hub1", "ws://h/client/hubs/1st", "", "@/nonexistent"]
    {
        wps(["listen", "--url", url]).run().assert_failed(3, &["error: "]);
    }
}

#[test]
fn data_is_needed_and_stdin_is_never_read_unasked() {
    let url = "ws://127.0.0.1:1/client/hubs/hub1?access_token=x";
    wps(["send", "g", "--url", url]).stdin("hello").run().assert_failed(2, &["error: ", "hint: ", "`-`"]);
    wps(["send", "g", "x", "--file", "f", "--url", url]).run().assert_failed(2, &["error: "]);
    // stdin can hold the URL or the data, not both.
    wps(["send", "g", "-", "--url", "-"])
        .stdin(url)
        .run()
        .assert_failed(2, &["error: ", "both take standard input", "hint: "]);
}

#[test]
fn bad_data_is_found_before_anything_is_connected() {
    let service = Service::start();
    let url = service.url();
    for arguments in [
        ["-t", "json", "{\"a\":"].as_slice(),
        &["-t", "json", ""],
        &["-t", "binary", "--encoding", "base64", "!!"],
        &["-t", "binary", "--encoding", "hex", "abc"],
        &["--file", "/nonexistent"],
    ] {
        let ended = wps(["send", "g", "--url", &url]).args(arguments).run();
        ended.assert_failed(11, &["error: "]);
    }
    let ended = wps(["send", "g", "-", "--url", &url]).stdin(vec![b'x', 0xff]).run();
    ended.assert_failed(11, &["error: ", "UTF-8"]);
    let ended = wps(["send", "g", "-", "--url", &url]).stdin(vec![b'x'; 1024 * 1024]).run();
    ended.assert_failed(11, &["error: "]);
    service.assert_no_more_calls();
}

#[test]
fn an_ack_id_beyond_the_last_is_a_usage_error() {
    let url = "ws://127.0.0.1:1/client/hubs/hub1?access_token=x";
    wps(["join", "a", "b", "--ack-id", "18446744073709551615", "--url", url]).run().assert_failed(2, &["`--ack-id`"]);
    wps(["send", "g", "x", "--ack-id", "18446744073709551616", "--url", url]).run().assert_failed(2, &["--ack-id"]);
    wps(["send", "g", "x", "--ack-id", "1", "--no-ack", "--url", url]).run().assert_failed(2, &["exclude each other"]);
}

#[test]
fn a_bad_log_filter_is_a_matter_of_configuration() {
    let url = "ws://127.0.0.1:1/client/hubs/hub1?access_token=x";
    wps(["listen", "--url", url]).env("WPS_LOG", "wps=loud").run().assert_failed(3, &["error: `WPS_LOG`", "hint: "]);
}

#[test]
fn unknown_commands_and_flags_are_usage_errors_with_a_suggestion() {
    wps(["lisen"]).run().assert_failed(2, &["error: ", "hint: did you mean `listen`?"]);
    wps(["listen", "--grup", "g"]).run().assert_failed(2, &["error: unexpected argument `--grup`", "hint: "]);
}

#[test]
fn help_goes_to_stdout_and_nothing_at_all_is_answered_with_help_on_stderr() {
    let ended = wps(["--help"]).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.text().starts_with("Examples:\n"), "{}", ended.text());
    let ended = wps(["--version"]).run();
    ended.assert(0, &format!("wps {}\n", env!("CARGO_PKG_VERSION")), "");
    let ended = wps::<&str>([]).run();
    assert_eq!((ended.code, ended.text()), (2, ""));
    assert!(ended.stderr.contains("Usage: wps"), "{}", ended.stderr);
}

/// Not the 10 ms of the release build, but nothing that waits for anything.
#[test]
fn version_and_help_are_immediate() {
    let times: Vec<Duration> = (0..5)
        .map(|_| {
            let started = Instant::now();
            let ended = wps(["--version"]).run();
            assert_eq!(ended.code, 0);
            ended.at - started
        })
        .collect();
    assert!(*times.iter().min().unwrap() < Duration::from_millis(100), "{times:?}");
}

#[test]
fn completions_and_man_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = wps(["completions", shell]).run();
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{shell}");
        assert!(ended.text().contains("wps"), "{shell}");
    }
    let directory = tempfile::tempdir().unwrap();
    let ended = wps(["man", "--dir"]).arg(directory.path()).run();
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    let page = std::fs::read_to_string(directory.path().join("wps-listen.1")).unwrap();
    assert!(page.contains(".TH"), "{page}");
}

#[test]
fn a_flag_that_resembles_none_of_the_commands_own_gets_no_suggestion() {
    let ended = wps(["stream", "g", "--keep-going"]).run();
    ended.assert_failed(2, &["error: unexpected argument `--keep-going`\nhint: `--keep-going` belongs to `send`"]);
    for (near, meant) in [("--time", "--timeout"), ("--no-eco", "--no-echo"), ("--timeouts", "--timeout")] {
        wps(["stream", "g", near]).run().assert_failed(2, &[&format!("hint: did you mean `{meant}`?\n")]);
    }
}
