//! `--endpoint`: a service that an Entra identity opens. The identity comes from a tool on the `PATH`, a command, or an
//! endpoint that the test plays; the service is the emulator, or the test itself.

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::token::{SIGNATURE, token};
use crate::support::webhook::Webhook;
use crate::support::{Ended, Setup, wps};

/// An access token for the service, as Entra would make it. `oid` tells several apart.
fn access_token(oid: &str) -> String {
    token(&json!({"aud": "https://webpubsub.azure.com", "exp": 4_102_444_800u64, "oid": oid}))
}

fn emulator() -> Emulator {
    Emulator::start(&["--allow-unvalidated-entra"])
}

fn endpoint(emulator: &Emulator) -> String {
    format!("http://localhost:{}", emulator.port)
}

/// `wps` with these arguments at that endpoint, on hub `chat`; nobody waits long for the endpoint of another machine.
fn at(endpoint: &str, args: &[&str]) -> Setup {
    wps(args).args(["--endpoint", endpoint, "--hub", "chat", "--connect-timeout", "20s"])
}

/// No part of a token is shown.
fn assert_no_token(ended: &Ended) {
    let shown = format!("{}{}", ended.text(), ended.stderr);
    assert!(!shown.contains(SIGNATURE) && !shown.contains("eyJ"), "{shown}");
}

/// A run that connects once, sends, and shows all that it can show.
fn connects(run: Setup) {
    let ended = run.args(["-vvv"]).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&[":generateToken", "\"type\":\"sendToGroup\""]);
    assert_no_token(&ended);
}

/// A directory with an `az` that prints this, and notes that it was called.
#[cfg(unix)]
fn with_az(run: Setup, script: &str) -> Setup {
    use std::os::unix::fs::PermissionsExt as _;
    let run = run.file("bin/az", &format!("#!/bin/sh\n{script}\n"));
    let az = run.home().join("bin/az");
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o700)).unwrap();
    let path = format!("{}:{}", az.parent().unwrap().display(), std::env::var("PATH").unwrap());
    run.env("PATH", path)
}

#[cfg(unix)]
#[test]
fn the_azure_cli_gives_a_token_that_connects_and_is_shown_nowhere() {
    let emulator = emulator();
    let printed = json!({"accessToken": access_token("az"), "expires_on": 4_102_444_800u64, "tokenType": "Bearer"});
    for credential in [&["--credential", "cli"][..], &[]] {
        let run = at(&endpoint(&emulator), &["send", "g", "hello"]).args(credential);
        let run = with_az(run, &format!("echo '{printed}'"));
        connects(run);
    }
}

#[cfg(unix)]
#[test]
fn many_connections_of_a_bench_ask_the_identity_once_and_the_service_for_each() {
    let mut emulator = emulator();
    let printed = json!({"accessToken": access_token("az"), "expires_on": 4_102_444_800u64, "tokenType": "Bearer"});
    let bench = ["bench", "pubsub", "--group", "g", "--publishers", "3", "--subscribers", "3", "--connections", "6"];
    let run = at(&endpoint(&emulator), &bench).args(["--count", "2", "--rate", "max", "-o", "ndjson"]);
    let run = with_az(run, &format!("echo asked >>\"$HOME/asked\"; echo '{printed}'"));
    let asked = run.home().join("asked");
    let mut run = run.start();
    let bench = run.skip_to("bench");
    assert_eq!((&bench["connections"], &bench["lost"]), (&json!(6), &json!(0)), "{bench}");
    assert_eq!(std::fs::read_to_string(asked).unwrap(), "asked\n");
    for _ in 0..6 {
        emulator.running.err_line(":generateToken: 200");
    }
    assert_eq!(run.end().code, 0);
}

#[test]
fn a_managed_identity_gives_a_token_that_connects() {
    let emulator = emulator();
    let machine = Webhook::start();
    let run = at(&endpoint(&emulator), &["send", "g", "hello", "--credential", "managed-identity", "-vvv"])
        .env("IDENTITY_ENDPOINT", machine.url("/msi/token"))
        .env("IDENTITY_HEADER", "the-header-that-opens-it")
        .env("AZURE_CLIENT_ID", "one-of-several")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("NO_PROXY", "localhost")
        .start();
    let asked = machine.next();
    assert_eq!(
        asked.path,
        "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fwebpubsub.azure.com&client_id=one-of-several"
    );
    assert_eq!(asked.header("x-identity-header"), Some("the-header-that-opens-it"));
    let body = json!({"access_token": access_token("msi"), "expires_on": "4102444800"});
    asked.answer("200 OK", "", &body.to_string());
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_no_token(&ended);
    assert!(!ended.stderr.contains("the-header-that-opens-it"), "{}", ended.stderr);

    // That of a virtual machine.
    let run = at(&endpoint(&emulator), &["send", "g", "hello", "--credential", "managed-identity", "-vvv"])
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.url(""))
        .start();
    let asked = machine.next();
    assert!(
        asked.path.starts_with("/metadata/identity/oauth2/token?api-version=2018-02-01&resource="),
        "{}",
        asked.path
    );
    assert_eq!(asked.header("metadata"), Some("true"));
    asked.answer("200 OK", "", &body.to_string());
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_no_token(&ended);
}

#[test]
fn a_workload_identity_and_a_client_secret_are_taken_to_entra() {
    let emulator = emulator();
    let entra = Webhook::start();
    let assertion = token(&json!({"sub": "system:serviceaccount:default:app"}));
    let run = |credential: &str| {
        at(&endpoint(&emulator), &["send", "g", "hello", "--credential", credential, "-vvv"])
            .env("AZURE_AUTHORITY_HOST", entra.url("/"))
            .env("AZURE_TENANT_ID", "the-tenant")
            .env("AZURE_CLIENT_ID", "the-app")
    };
    for (credential, proof) in [
        ("workload-identity", format!("client_assertion={assertion}")),
        ("client-secret", "client_secret=s3same%7Eopen%2Fdoor".to_owned()),
    ] {
        let run = run(credential)
            .file("token.jwt", &format!("{assertion}\n"))
            .env("AZURE_FEDERATED_TOKEN_FILE", "token.jwt")
            .env("AZURE_CLIENT_SECRET", "s3same~open/door")
            .start();
        let asked = entra.next();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/the-tenant/oauth2/v2.0/token"));
        let form = String::from_utf8(asked.body.clone()).unwrap();
        for part in [
            "grant_type=client_credentials",
            "client_id=the-app",
            "scope=https%3A%2F%2Fwebpubsub.azure.com%2F.default",
            &proof,
        ] {
            assert!(form.split('&').any(|pair| pair == part), "{part} in {form}");
        }
        let body = json!({"access_token": access_token(credential), "expires_in": 3600, "token_type": "Bearer"});
        asked.answer("200 OK", "", &body.to_string());
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_no_token(&ended);
        assert!(!ended.stderr.contains("s3same"), "{}", ended.stderr);
    }
    // What Entra says of a wrong secret.
    let run = run("client-secret").env("AZURE_CLIENT_SECRET", "s3same~open/door").start();
    let body = json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret s3same~open/door."});
    entra.next().answer("401 Unauthorized", "", &body.to_string());
    // The service would refuse once more with a fresh one.
    entra.next().answer("401 Unauthorized", "", &body.to_string());
    let ended = run.end();
    ended.assert_failed(5, &["Entra gave no token: 401", "Invalid client secret"]);
    assert!(!ended.stderr.contains("s3same"), "{}", ended.stderr);
}

#[test]
fn a_client_token_is_made_for_each_fresh_connection_and_for_no_recovery() {
    let service = Webhook::start();
    let run = at(&service.url(""), &["listen", "-o", "ndjson", "--user", "zoë", "--role", "webpubsub.sendToGroup.a b"])
        .args(["--initial-group", "g", "--ttl", "90s", "--credential-command"])
        .arg(format!("echo {}", access_token("command")))
        .start();
    let asked = service.next();
    assert_eq!(
        asked.path,
        "/api/hubs/chat/:generateToken?api-version=2024-12-01&userId=zo%C3%AB&role=webpubsub.sendToGroup.a%20b&group=g\
         &minutesToExpire=2"
    );
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {}", access_token("command")).as_str()));
    asked.answer("200 OK", "", &json!({"token": token(&json!({"aud": "x"}))}).to_string());
    // The client goes to the same host; there is no WebSocket here, and the answer ends it.
    let upgrade = service.next();
    assert!(upgrade.path.starts_with("/client/hubs/chat?access_token="), "{}", upgrade.path);
    upgrade.answer("400 Bad Request", "", "");
    let ended = run.end();
    assert_eq!(ended.code, 6);
    ended.assert_stderr(&["with `--endpoint`, `--ttl` has whole minutes: tokens are valid for 2m"]);

    // A connection that is cut and recovered takes no new token.
    let emulator = Emulator::start(&["--allow-unvalidated-entra", "--fault", "drop=reset,frames=4,nth=1"]);
    let mut listener = at(&endpoint(&emulator), &["listen", "-o", "ndjson", "-g", "g"])
        .arg("--credential-command")
        .arg(format!("echo the command runs >&2; echo {}", access_token("command")))
        .start();
    listener.skip_to("joined");
    let command = format!("echo {}", access_token("sender"));
    for data in ["1", "2", "3"] {
        let send = at(&endpoint(&emulator), &["service", "send", "--group", "g", data])
            .args(["--credential-command", &command]);
        assert_eq!(send.run().code, 0);
    }
    listener.skip_to("recovered");
    listener.skip_to("group-message");
    #[cfg(unix)]
    listener.signal(rustix::process::Signal::INT);
    #[cfg(unix)]
    assert_eq!(listener.end().stderr.matches("the command runs").count(), 1);
}

#[test]
fn the_service_commands_take_an_identity_too() {
    let emulator = emulator();
    let command = format!("echo {}", access_token("command"));
    let ended = at(&endpoint(&emulator), &["service", "send", "--all", "hello", "-vvv"])
        .args(["--credential-command", &command])
        .run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_no_token(&ended);
}

#[test]
fn a_url_is_made_by_the_service_for_an_identity() {
    let emulator = emulator();
    let command = format!("echo {}", access_token("command"));
    let create =
        |args: &[&str]| at(&endpoint(&emulator), &["url", "create", "--credential-command", &command]).args(args).run();
    let ended = create(&["--user", "alice", "-g", "lobby", "--ttl", "90s", "-vvv"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_stderr(&[":generateToken"]);
    // What is on stdout is a secret, and nothing of it is elsewhere.
    assert!(!ended.stderr.contains("eyJ"), "{}", ended.stderr);
    let url = ended.text().trim_end();
    let mut listener = wps(["listen", "-o", "ndjson", "--count", "1", "--url", url]).start();
    let connected = listener.expect("connected");
    assert_eq!((&connected["userId"], &connected["hub"]), (&json!("alice"), &json!("chat")));
    let send =
        at(&endpoint(&emulator), &["service", "send", "--group", "lobby", "x", "--credential-command", &command]);
    assert_eq!(send.run().code, 0);
    assert_eq!(listener.expect("group-message")["group"], "lobby");

    let ended = create(&["--token-only", "-o", "ndjson", "--ttl", "90s"]);
    let record = &ended.records()[0];
    assert!(record["token"].as_str().is_some_and(|token| token.starts_with("eyJ")), "{record}");
    // The service counts in minutes.
    let claims = &record["claims"];
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 120, "{record}");

    for (args, what) in [
        (&["--claim", "a=1"][..], "`--claim` does not go with `--endpoint`"),
        (&["--not-before", "1m"], "`--not-before` does not go with `--endpoint`"),
        (&["--audience", "https://x"], "`--audience` does not go with `--endpoint`"),
        (&["--local"], "two makers of a token: `--local` and `--endpoint`"),
        (&["--proxy", "-", "--header", "-"], "both take standard input"),
    ] {
        create(args).assert_failed(2, &[what]);
    }
    wps(["url", "create", "--local", "--proxy", "none"]).run().assert_failed(2, &["`--proxy` goes with `--endpoint`"]);

    let service = Webhook::start();
    let run = at_service(&service, &["url", "create"]).start();
    service.next().answer("403 Forbidden", "", "");
    let ended = run.end();
    ended.assert_failed(5, &["403 Forbidden", "the role `Web PubSub Service Owner`"]);
    assert_eq!(ended.text(), "");
    // What is no answer of the service's is the same to whoever connects.
    for command in [&["url", "create"][..], &["listen", "--no-reconnect"], &["doctor"]] {
        let run = at_service(&service, command).start();
        service.next().answer("200 OK", "", "{}");
        let ended = run.end();
        assert_eq!(ended.code, 10, "{command:?}: {}", ended.stderr);
        let told = [ended.stderr.as_str(), ended.text()].concat();
        assert!(told.contains("the service answered without a client token"), "{command:?}: {told}");
    }
}

fn at_service(service: &Webhook, args: &[&str]) -> Setup {
    wps(args)
        .args(["--endpoint", &service.url(""), "--hub", "chat", "--credential-command"])
        .arg(format!("echo {}", access_token("command")))
}

#[test]
fn a_token_that_the_service_refuses_is_renewed_once_and_then_explained() {
    let service = Webhook::start();
    let run = at_service(&service, &["service", "exists", "--user", "u"]).start();
    service.next().answer("401 Unauthorized", "", "");
    service.next().answer("200 OK", "", "");
    run.end().assert(0, "yes\n", "");

    let run = at_service(&service, &["service", "send", "--all", "x"]).start();
    service.next().answer("403 Forbidden", "", "");
    run.end()
        .assert_failed(5, &["403 Forbidden", "the role `Web PubSub Service Owner`", "`Web PubSub Service Reader`"]);

    let wrong = token(&json!({"aud": "https://graph.microsoft.com", "exp": 4_102_444_800u64}));
    let run = wps(["service", "send", "--all", "x", "--endpoint", &service.url(""), "--hub", "chat"])
        .args(["--credential-command", &format!("echo {wrong}")])
        .start();
    service.next().answer("401 Unauthorized", "", "");
    service.next().answer("401 Unauthorized", "", "");
    run.end().assert_failed(5, &["is not for `https://webpubsub.azure.com`"]);
}

#[cfg(unix)]
#[test]
fn an_identity_is_asked_once_for_as_long_as_its_token_lasts() {
    let directory = tempfile::tempdir().unwrap();
    let calls = directory.path().join("calls");
    let command = |token: &str| format!("echo called >> '{}'; echo {token}", calls.display());
    let called = || std::fs::read_to_string(&calls).unwrap().lines().count();
    // By the connection and by what is asked beside it.
    let emulator = emulator();
    let ended = at(&endpoint(&emulator), &["repl", "--credential-command", &command(&access_token("command"))])
        .stdin("join g\nservice send -g g a\nservice health\n")
        .run();
    assert_eq!((ended.code, called()), (0, 1), "{}", ended.stderr);
    // One that does not say for how long is not asked for with each request.
    let service = Webhook::serve(|_| "202 Accepted");
    let ended = at(&service, &["service", "send", "--all", "--lines", "--credential-command", &command("opaque")])
        .stdin("1\n2\n3\n")
        .run();
    assert_eq!((ended.code, called()), (0, 2), "{}", ended.stderr);
    // Nor does it matter how long it is said to last.
    let machine = Webhook::start();
    let run = at(&endpoint(&emulator), &["service", "send", "--all", "x", "--credential", "managed-identity"])
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.url(""))
        .start();
    let body = json!({"access_token": access_token("msi"), "expires_in": u64::MAX});
    machine.next().answer("200 OK", "", &body.to_string());
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn what_is_wrong_with_an_identity_has_its_exit_code() {
    let listen = |args: &[&str]| wps(["listen", "--endpoint", "http://127.0.0.1:1", "--no-reconnect"]).args(args);
    listen(&[]).run().assert_failed(2, &["`--endpoint` needs `--hub`"]);
    let on_hub = |args: &[&str]| listen(&["--hub", "h"]).args(args);
    on_hub(&["--url", "ws://x/client/hubs/h"]).run().assert_failed(2, &["`--url` and `--endpoint`"]);
    on_hub(&["--credential", "client-secret"]).run().assert_failed(
        3,
        &["no identity to be found: `--credential client-secret` needs the variable `AZURE_TENANT_ID`"],
    );
    on_hub(&["--credential", "workload-identity"])
        .env("AZURE_TENANT_ID", "t")
        .env("AZURE_CLIENT_ID", "c")
        .run()
        .assert_failed(3, &["needs the variable `AZURE_FEDERATED_TOKEN_FILE`"]);
    on_hub(&["--credential-command", "exit 3"])
        .run()
        .assert_failed(4, &["the credential command failed with exit status 3"]);
    on_hub(&["--credential-command", "echo two words"]).run().assert_failed(4, &["printed no access token"]);
    // There is no `az`, and nobody at the machine's endpoint.
    on_hub(&[])
        .env("PATH", "/nowhere")
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
        .run()
        .assert_failed(3, &["no identity to be found", "there is no `az` on the `PATH`", "the managed identity"]);
    on_hub(&["--credential", "managed-identity"])
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
        .run()
        .assert_failed(4, &["the managed identity's endpoint (`127.0.0.1`) gave no token"]);
    wps(["listen", "--local=1", "--credential", "cli"])
        .run()
        .assert_failed(2, &["`--credential` goes with `--endpoint`"]);
    on_hub(&["--credential", "client-secret"])
        .env("AZURE_TENANT_ID", "t")
        .env("AZURE_CLIENT_ID", "c")
        .env("AZURE_AUTHORITY_HOST", "http://login.example/")
        .run()
        .assert_failed(3, &["is without TLS"]);
    // A token goes nowhere in clear text, and nobody waits for one for ever.
    wps(["listen", "--endpoint", "http://wps.example", "--hub", "h", "--credential-command", "echo x"])
        .run()
        .assert_failed(3, &["`--endpoint` is without TLS"]);
    wps(["service", "close", "--all", "--endpoint", "http://127.0.0.1:1", "--hub", "h", "--connect-timeout", "50ms"])
        .args(["--credential-command", "sleep 1000"])
        .run()
        .assert_failed(4, &["gave no token within 50 ms", "`--connect-timeout`"]);
    let mut tunnel =
        wps(["tunnel", "--upstream", "http://127.0.0.1:1", "--endpoint", "http://127.0.0.1:1", "--hub", "h"])
            .args(["--connect-timeout", "200ms", "--credential-command", "sleep 1000"])
            .start();
    tunnel.err_line("`--credential-command` gave no token within 190 ms");
    drop(tunnel);
    let ended =
        wps(["listen", "--hub", "h", "--connection-string", "Endpoint=https://h;AuthType=azure;Version=1.0;"]).run();
    ended.assert_failed(3, &["`--endpoint URL --hub H` connects with your Entra identity"]);
}

#[test]
fn the_doctor_has_steps_for_the_identity() {
    let emulator = emulator();
    let doctor = |endpoint: &str, token: &str| {
        wps(["doctor", "-o", "ndjson", "--endpoint", endpoint, "--hub", "chat"])
            .args(["--credential-command", &format!("echo {token}")])
    };
    let ended = doctor(&endpoint(&emulator), &access_token("x")).run();
    assert_eq!(ended.code, 0, "{}", ended.text());
    let steps = |ended: &Ended| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let checks = ended.records().into_iter().filter(|record| record["type"] == "check");
        checks.map(|check| (text(&check["step"]), text(&check["status"]))).collect()
    };
    let found = steps(&ended);
    let ok = |step: &str| (step.to_owned(), "ok".to_owned());
    assert_eq!(found[..4], ["source", "identity", "client-token", "token"].map(ok));
    assert_no_token(&ended);

    let service = Webhook::start();
    let run = doctor(&service.url(""), &access_token("x")).start();
    service.next().answer("403 Forbidden", "", "");
    let ended = run.end();
    assert_eq!(ended.code, 5);
    let found = steps(&ended);
    assert_eq!(found[2], ("client-token".to_owned(), "failed".to_owned()));
    assert!(ended.text().contains("Web PubSub Service Owner"), "{}", ended.text());
}

#[test]
fn the_emulator_lets_unchecked_tokens_in_only_where_that_is_wanted_and_only_with_the_right_audience() {
    let ask = |emulator: &Emulator, token: &str| {
        let headers = format!("Host: localhost:{}\r\nAuthorization: Bearer {token}\r\n", emulator.port);
        emulator.request("HEAD", "/api/hubs/chat/users/u", &headers, "").status
    };
    let plain = Emulator::start(&[]);
    assert_eq!(ask(&plain, &access_token("x")), 401);
    let open = emulator();
    assert_eq!(ask(&open, &access_token("x")), 404);
    let slash = token(&json!({"aud": "https://webpubsub.azure.com/", "exp": 4_102_444_800u64}));
    assert_eq!(ask(&open, &slash), 404);
    for claims in [
        json!({"aud": "https://management.azure.com", "exp": 4_102_444_800u64}),
        json!({"aud": "https://webpubsub.azure.com", "exp": 1_000_000_000}),
        json!({"aud": "https://webpubsub.azure.com"}),
        json!({"aud": "https://webpubsub.azure.com", "exp": 4_102_444_800u64, "nbf": 4_102_444_000u64}),
    ] {
        assert_eq!(ask(&open, &token(&claims)), 401, "{claims}");
    }
    let ended = wps(["emulator", "--port", "0", "--bind", "0.0.0.0", "--allow-unvalidated-entra"]).run();
    ended.assert_failed(2, &["`--allow-unvalidated-entra` lets anybody in"]);
}
