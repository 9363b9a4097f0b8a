//! Files that are not what they should be: without an end, too long, of no use; and blank lines in those that are.

use crate::support::emulator::Emulator;
use crate::support::service::ClosedPort;
use crate::support::tls;
use crate::support::{Service, process::Setup, wps};

/// A script in which `pipe` is a pipe that nobody writes to.
fn with_pipe(line: &str) -> Setup {
    Setup::shell(&format!("mkfifo pipe && exec \"$WPS\" {line}"))
}

/// A run with TLS files, against a service that speaks TLS: files are read once there is a connection.
fn with_tls_files(args: &str) -> (Service, Setup) {
    let service = Service::with_tls(Some(tls::identity().0));
    let setup = with_pipe(&format!("join g --no-reconnect --url \"$URL\" {args}")).env("URL", service.url());
    (service, setup)
}

#[test]
fn a_secret_that_does_not_come_is_waited_for_until_the_timeout() {
    for (line, said) in [
        ("listen --url @pipe", "`--url` from `pipe`\n"),
        ("join g --local --header @pipe", "`--header` from `pipe`\n"),
        ("doctor --hub h --connection-string @pipe", "`--connection-string` from `pipe`\n"),
        ("send g hi --url ws://localhost/client/hubs/h --proxy @pipe", "`--proxy` from `pipe`\n"),
        // Standard input that nobody closes.
        ("listen --url - 0<>pipe", "`--url` from standard input\n"),
    ] {
        with_pipe(&line.replacen(' ', " --timeout 300ms ", 1)).run().assert_failed(
            124,
            &[
                "error: could not read the value of ",
                said,
                "caused by: its end had not come after 300ms (`--timeout`)\n",
                "hint: it has to be written, and closed\n",
            ],
        );
    }
}

#[test]
fn data_that_does_not_come_is_waited_for_until_the_timeout() {
    for line in ["send g - 0<>pipe", "event e - 0<>pipe", "send g --file pipe"] {
        let line = format!("{line} --timeout 300ms --url ws://localhost/client/hubs/h");
        with_pipe(&line).run().assert_failed(
            124,
            &["error: could not read the data\n", "caused by: its end had not come after 300ms (`--timeout`)\n"],
        );
    }
}

#[test]
fn standard_input_that_cannot_be_read_is_not_an_empty_one() {
    let anywhere = "--url ws://localhost/client/hubs/h";
    for (line, code) in [
        (format!("send g - {anywhere}"), 11),
        (format!("send g - --repeat 2 {anywhere}"), 11),
        (format!("event e - {anywhere}"), 11),
        (format!("invoke e - {anywhere}"), 11),
        (format!("replay - {anywhere}"), 11),
        ("service send --all - --connection-string Endpoint=http://localhost;AccessKey=k --hub h".to_owned(), 11),
        ("webhook event http://localhost/ e -".to_owned(), 11),
        ("listen --url -".to_owned(), 3),
    ] {
        // Open for writing alone.
        let script = format!("exec \"$WPS\" {} 0>written", line.replace(';', "\\;"));
        Setup::shell(&script).run().assert_failed(code, &["error: could not read ", "Bad file descriptor"]);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let here = format!("--local={}", ClosedPort::reserve().port());
    let ended = wps(["repl", &here, "--file", "."]).run();
    assert_eq!(ended.code, 11, "{}", ended.stderr);
    ended.assert_stderr(&["error: could not read `.`\ncaused by: Is a directory"]);
    let send = ["send", "g", "--file", "data", "--url", "ws://localhost/client/hubs/h"];
    let run = |more: &[&str]| wps(send).args(more).file("data", "{!").run();
    run(&["-t", "json"]).assert_failed(11, &["error: the data in `data` is not JSON\n"]);
    let base64 = ["-t", "binary", "--encoding", "base64"];
    run(&base64).assert_failed(11, &["error: the data in `data` is not base64\ncaused by: Invalid", "offset 0\n"]);
}

#[test]
fn lines_and_scripts_that_cannot_be_read_are_not_empty_ones() {
    let emulator = Emulator::quiet(&[]);
    for line in ["send g --lines", "service send --all --lines", "stream g --lines", "repl"] {
        let script = format!("exec \"$WPS\" {line} --local={} 0>written", emulator.port);
        let ended = Setup::shell(&script).run();
        assert_eq!(ended.code, 11, "{line}: {}", ended.stderr);
        ended.assert_stderr(&["error: could not read ", "caused by: Bad file descriptor"]);
    }
}

#[test]
fn a_script_that_nobody_writes_is_waited_for_until_the_timeout() {
    with_pipe("repl --file pipe --timeout 300ms --url ws://localhost/client/hubs/h").run().assert_failed(
        124,
        &["error: could not read the script\n", "caused by: its end had not come after 300ms (`--timeout`)\n"],
    );
}

#[test]
fn what_the_timeout_cut_short_is_said_in_the_last_record() {
    let ended = with_pipe("listen --url @pipe --timeout 300ms -o ndjson").run();
    let stopped = &ended.records()[0];
    assert_eq!((ended.code, &stopped["type"], &stopped["exitCode"]), (124, &"stopped".into(), &124.into()));
    assert_eq!(stopped["reason"], "timeout");
}

#[test]
fn a_tls_file_without_an_end_is_named_and_not_taken_for_a_slow_service() {
    for (args, said) in [
        ("--ca-cert pipe", "while reading `pipe` for TLS\n"),
        ("--client-cert /dev/null --client-key pipe --insecure", "while reading `/dev/null` or `pipe` for TLS\n"),
    ] {
        let args = args.replace("/dev/null", "certificate.pem");
        let said = said.replace("/dev/null", "certificate.pem");
        let (_service, setup) = with_tls_files(&format!("--connect-timeout 1500ms {args}"));
        let (certificate, _) = tls::Authority::new().client();
        setup.file("certificate.pem", &certificate).run().assert_failed(
            3,
            &[
                "error: the connection could not be set up\n",
                "caused by: timed out after 1.5 s ",
                &said,
                "hint: the limit is 1.5 s (`--connect-timeout`); what a pipe gives has to be written",
            ],
        );
    }
}

#[test]
fn a_tls_file_that_is_too_long_is_not_read_to_its_end() {
    for args in ["--ca-cert /dev/zero", "--client-cert /dev/zero --insecure"] {
        let (_service, setup) = with_tls_files(args);
        setup.run().assert_failed(3, &["could not use `/dev/zero` for TLS: it is longer than 16 MiB\n", "hint: "]);
    }
}

#[test]
fn a_secret_is_at_most_a_mebibyte_long() {
    const LONGEST: usize = 1024 * 1024;
    let url = "ws://localhost:0/client/hubs/h";
    let padded = |length: usize| format!("{url}{}", " ".repeat(length - url.len()));
    let listen = || wps(["listen", "--url", "@secret"]);
    let too_long = ["error: could not read the value of `--url` from ", "caused by: it is longer than 1 MiB\nhint: "];
    listen().file("secret", &padded(LONGEST + 1)).run().assert_failed(3, &too_long);
    wps(["listen", "--url", "@/dev/zero"]).run().assert_failed(3, &too_long);
    wps(["listen", "--url", "-"]).stdin(padded(LONGEST + 1)).run().assert_failed(3, &too_long);
    // What is no longer is read, and then judged.
    listen().file("secret", &padded(LONGEST)).run().assert_failed(3, &["caused by: it is not a URL: invalid port"]);
}

#[test]
fn a_port_0_is_refused_before_anything_is_tried() {
    for (args, said) in [
        (["--url", "ws://localhost:0/client/hubs/h"], "it is not a URL: invalid port number\n"),
        (["--connection-string", "Endpoint=http://localhost:0;AccessKey=k"], "is not valid: its port is 0\n"),
        (["--connection-string", "Endpoint=http://localhost;AccessKey=k;Port=0"], "is not a number from 1 to 65535\n"),
    ] {
        let hub = if args[0] == "--url" { vec![] } else { vec!["--hub", "h"] };
        wps(["listen"]).args(args).args(hub).run().assert_failed(3, &["error: the ", "malformed\n", said]);
    }
}

#[test]
fn the_line_of_a_file_with_headers_is_counted_from_its_beginning() {
    let run = |text: &str| wps(["listen", "--local", "--header", "@headers"]).file("headers", text).run();
    run("\n\nX-A: 1\nsesame\n").assert_failed(3, &["error: line 4 of `headers`, named by `--header`, is not a header"]);
    run("\u{feff}\nsesame").assert_failed(3, &["error: line 2 of `headers`"]);
    run("\n \n").assert_failed(3, &["error: the value of `--header` is missing: `headers` is empty\n"]);
}

#[test]
fn a_header_for_a_handler_is_judged_as_one_for_the_service() {
    let run = |header: &str| {
        let command = ["webhook", "validate", "http://localhost/", "--header", header];
        wps(command).file("headers", "X-A: 1\n\nsesame\n").run()
    };
    run("@headers")
        .assert_failed(3, &["error: line 3 of `headers`, named by `--header`, is not a header: there is no"]);
    run("sesame").assert_failed(2, &["error: `--header` is not a header: there is no colon in it\n"]);
}

#[test]
fn a_private_key_that_others_can_read_is_warned_about() {
    let line =
        "chmod 644 key.pem; $WPS join g --no-reconnect --url ws://localhost:$PORT/client/hubs/h --client-cert key.pem";
    let closed = ClosedPort::reserve();
    let ended = Setup::shell(line).env("PORT", closed.port().to_string()).file("key.pem", "key").run();
    ended.assert_failed(4, &["warning: others on this machine can read the secret in `key.pem`: `chmod 600` it\n"]);
}

#[test]
fn a_file_that_is_no_pem_gets_the_command_that_makes_it() {
    for (args, command) in [
        ("--client-cert der --client-key key.pem", "hint: `openssl x509 -inform der -in der -out FILE.pem`"),
        ("--client-cert certificate.pem --client-key der", "hint: `openssl pkey -inform der -in der -out FILE.pem`"),
    ] {
        let (_service, setup) = with_tls_files(&format!("--insecure {args}"));
        let (certificate, key) = tls::Authority::new().client();
        let setup = setup.file("certificate.pem", &certificate).file("key.pem", &key.serialize_pem());
        setup
            .file("der", "0\u{1}")
            .run()
            .assert_failed(3, &["could not use `der` for TLS: it is not a PEM file\n", command]);
    }
}
