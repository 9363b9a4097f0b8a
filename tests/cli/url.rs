//! `wps url create` and `wps url inspect`: URLs that the emulator takes, and every fault explained.

use serde_json::{Value, json};

use crate::support::token::{SIGNATURE, token};
use crate::support::{Ended, Running, wps};

const KEY: &str = "QUNDRVNTS0VZU0VDUkVU";

fn emulator() -> (Running, Value) {
    let mut emulator = wps(["emulator", "--port", "0", "-o", "ndjson", "--access-key", KEY]).start();
    let ready = emulator.expect("listening");
    (emulator, ready)
}

/// What `wps url create` prints for a service.
fn create(connection_string: &str, args: &[&str]) -> String {
    let ended = wps(["url", "create", "--connection-string", "-"]).args(args).stdin(connection_string).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    ended.text().trim_end().to_owned()
}

fn claims_of(token: &str) -> Value {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[test]
fn a_url_made_here_opens_the_emulator_with_what_it_says() {
    let (_emulator, ready) = emulator();
    let string = ready["connectionString"].as_str().unwrap();
    let url = create(
        string,
        &[
            "--hub",
            "chat",
            "--user",
            "alice",
            "--role",
            "webpubsub.sendToGroup.room1",
            "--group",
            "lobby",
            "-g",
            "hall",
            "--initial-group",
            "foyer",
            "--ttl",
            "5m",
            "--claim",
            "tier=gold",
        ],
    );
    assert!(url.starts_with("ws://localhost:"), "{url}");
    let mut listener = wps(["listen", "-o", "ndjson", "--count", "1", "--url", &url]).start();
    let connected = listener.expect("connected");
    assert_eq!((&connected["userId"], &connected["hub"]), (&json!("alice"), &json!("chat")));
    let everything = create(string, &["--hub", "chat"]);
    assert_eq!(wps(["send", "hall", "hello", "--url", &everything]).run().code, 0);
    assert_eq!(listener.expect("group-message")["group"], "hall");
    assert_eq!(listener.end().code, 0);
    assert_eq!(wps(["send", "room1", "x", "--url", &url]).run().code, 0);
    let ended = wps(["send", "room2", "x", "--url", &url]).run();
    assert_eq!(ended.code, 8);
    ended.assert_stderr(&["the token has `webpubsub.sendToGroup.room1`"]);
    // What is not valid yet does not open.
    let later = create(string, &["--hub", "chat", "--not-before", "1h"]);
    assert_eq!(wps(["join", "g", "--url", &later]).run().code, 5);
}

#[test]
fn create_prints_the_url_the_token_or_a_record_with_the_claims() {
    let string = format!("Endpoint=https://x.example/;AccessKey={KEY};Version=1.0;");
    let url = create(&string, &["--hub", "c`t"]);
    let (base, whole) = url.split_once("?access_token=").unwrap();
    assert_eq!(base, "wss://x.example/client/hubs/c%60t");
    assert_eq!(claims_of(whole)["aud"], "https://x.example/client/hubs/c`t");
    let alone = create(&string, &["--hub", "h", "--token-only"]);
    assert_eq!(alone.matches('.').count(), 2, "{alone}");
    let claims = ["--claim", "tier=gold", "--claim", "level=3", "--claim", "tags=[\"a\"]", "--claim", "id=\"7\""];
    let times = ["--ttl", "1m", "--not-before", "2100-01-01T00:00:00Z", "-o", "ndjson", "--hub", "h"];
    let record: Value = serde_json::from_str(&create(&string, &[claims.as_slice(), &times].concat())).unwrap();
    assert_eq!((&record["type"], &record["token"]), (&json!("url"), &Value::Null));
    let made = &record["claims"];
    assert_eq!(made, &claims_of(record["url"].as_str().unwrap().split_once('=').unwrap().1));
    assert_eq!(
        (&made["tier"], &made["level"], &made["tags"], &made["id"]),
        (&json!("gold"), &json!(3), &json!(["a"]), &json!("7"))
    );
    assert_eq!((&made["nbf"], &made["exp"]), (&json!(4_102_444_800u64), &json!(4_102_444_860u64)));
    let record: Value =
        serde_json::from_str(&create(&string, &["--hub", "h", "-o", "ndjson", "--token-only"])).unwrap();
    assert_eq!((&record["url"], record["token"].is_string()), (&Value::Null, true));
}

#[test]
fn the_key_comes_from_a_flag_the_environment_or_a_profile() {
    let endpoint = |name: &str| format!("Endpoint=http://{name}.example;AccessKey={KEY};Version=1.0;");
    let create = || wps(["url", "create", "--hub", "h"]).env("WPS_URL", "ws://other.example/client/hubs/other");
    for (setup, host) in [
        (create().arg("--local=99").env("WPS_CONNECTION_STRING", endpoint("env")), "localhost:99"),
        (create().env("WPS_CONNECTION_STRING", endpoint("env")), "env.example"),
        (create().env("WebPubSubConnectionString", endpoint("sdk")), "sdk.example"),
        (
            create()
                .args(["--profile", "p"])
                .env("WPS_CONNECTION_STRING", endpoint("env"))
                .config("[profiles.p]\nconnection-string = \"@s\"\n")
                .file("config/wps/s", &endpoint("profile")),
            "profile.example",
        ),
    ] {
        let ended = setup.run();
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert!(ended.text().starts_with(&format!("ws://{host}/client/hubs/h?access_token=")), "{}", ended.text());
    }
    create().run().assert(
        3,
        "",
        "error: nothing brings a key to sign with\n\
         hint: `--connection-string S --hub H` names a service with its key, `--local` the emulator on this machine\n\
         hint: `--endpoint URL --hub H` lets the service make the token, for your Entra identity\n",
    );
}

#[test]
fn claims_with_flags_of_their_own_are_refused() {
    for (args, message, hint) in [
        (["--claim", "role=x"].as_slice(), "the claim `role` has a flag of its own", "`--role` sets it"),
        (&["--claim", "exp=1"], "the claim `exp` has a flag of its own", "`--ttl` says how long"),
        (&["--claim", "aud=x"], "the claim `aud` has a flag of its own", "`--hub`"),
        (&["--claim", "a=1", "--claim", "a=2"], "the claim `a` is given more than once", "an array is one claim"),
        (&["--claim", "a"], "`a` is not a value of `--claim`: not of the form `NAME=VALUE`", "`wps url create --help`"),
    ] {
        let ended = wps(["url", "create", "--local"]).args(args).run();
        ended.assert_failed(2, &["error: ", message, "hint: ", hint]);
    }
}

fn inspect(url: &str, args: &[&str]) -> Ended {
    let ended = wps(["url", "inspect", "-"]).args(args).stdin(url).run();
    for text in [ended.text(), &ended.stderr] {
        assert!(!text.contains(SIGNATURE) && !text.contains(KEY), "{text}");
    }
    ended
}

fn url_with(claims: &Value) -> String {
    format!("ws://localhost:8080/client/hubs/chat?access_token={}", token(claims))
}

#[test]
fn inspect_tells_what_a_url_is_good_for() {
    let string = format!("Endpoint=http://localhost:8080;AccessKey={KEY};");
    let url = create(
        &string,
        &[
            "--hub",
            "chat",
            "--user",
            "alice",
            "--group",
            "lobby",
            "--role",
            "webpubsub.joinLeaveGroup",
            "--role",
            "webpubsub.sendToGroup.room1",
            "--role",
            "webpubsub.sendToGroups.a.*",
            "--role",
            "webpubsub.setGroupState",
            "--role",
            "webpubsub.getGroupState.room.*",
            "--claim",
            "tier=gold",
            "--ttl",
            "90m",
        ],
    );
    let ended = inspect(&url, &["--connection-string", &string]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let now = chrono_free(ended.text());
    assert_eq!(
        now,
        "host       localhost:8080, without TLS (`ws`)\n\
         hub        chat\n\
         endpoint   /client/hubs/chat, Web PubSub clients: any subprotocol, or none\n\
         user       alice\n\
         roles      may join and leave any group; may send to `room1`; may send to groups of the pattern `a.*`; may set its state in any group; may watch the states of groups of the pattern \
         `room.*`\n\
         groups     in `lobby` from the start\n\
         claims     `tier` = \"gold\"\n\
         issued     TIME (now)\n\
         expires    TIME (in 90 min)\n\
         signature  made with the access key\n"
    );
}

/// The times as `TIME`, and a second that has gone by undone.
fn chrono_free(text: &str) -> String {
    let line = |line: &str| {
        let Some((label, rest)) = line.split_at_checked(11) else { return line.to_owned() };
        if !matches!(label.trim(), "issued" | "expires" | "begins") {
            return line.to_owned();
        }
        let (_, relative) = rest.split_once(' ').unwrap();
        let relative = relative.replace("89 min", "90 min").replace("1 s ago", "now");
        format!("{label}TIME {relative}")
    };
    text.lines().map(|it| line(it) + "\n").collect()
}

const ROLES: [&str; 1] = ["webpubsub.sendToGroup"];

#[test]
fn inspect_finds_every_fault() {
    let aud = "http://localhost:8080/client/hubs/chat";
    let far = 4_102_444_800u64;
    for (claims, code, finding) in [
        (json!({"aud": aud, "exp": far, "role": ROLES}), 0, "signature  not checked"),
        (json!({"aud": aud, "exp": far}), 0, "note       the token has no roles"),
        (json!({"aud": aud, "exp": far, "role": ["sendToGroup"]}), 0, "note       `sendToGroup` is not a role"),
        (json!({"aud": aud, "exp": 1_500_000_000, "role": ROLES}), 5, "refused    the token expired "),
        (
            json!({"aud": aud, "exp": far, "nbf": far - 9, "role": ROLES}),
            5,
            "refused    the token is not valid yet, but in ",
        ),
        (json!({"aud": aud, "role": ROLES}), 5, "refused    the token has no `exp`"),
        (
            json!({"exp": far, "role": ROLES}),
            5,
            "refused    the token has no `aud`; it should be `http://localhost:8080/client/",
        ),
        (
            json!({"aud": "http://localhost:8080/client/hubs/caht", "exp": far, "role": ROLES}),
            5,
            "refused    the token is for the hub `caht`, the URL says `chat`",
        ),
        (
            json!({"aud": "https://x.example/client/hubs/chat", "exp": far, "role": ROLES}),
            5,
            "refused    the token is for the host `x.example`, the URL leads to `localhost:8080`",
        ),
        (json!({"aud": aud, "exp": "x"}), 3, "malformed  the token is malformed: `exp` is not a number"),
    ] {
        let ended = inspect(&url_with(&claims), &[]);
        assert_eq!(ended.code, code, "{claims}: {} {}", ended.text(), ended.stderr);
        assert!(ended.text().contains(finding), "{claims}: {}", ended.text());
        assert_eq!(ended.stderr.is_empty(), code == 0, "{}", ended.stderr);
        if code != 0 {
            ended.assert_stderr(&["error: the ", "caused by: ", "hint: "]);
        }
    }
    let none = "ws://h/client/hubs/c?access_token=eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwOi8vaC9jbGllbnQvaHVicy9jIiwiZXhwIjo0MTAyNDQ0ODAwfQ.c2ln";
    for (url, code, stdout, stderr) in [
        (none, 5, "signed with another algorithm than HS256", "would refuse"),
        ("https://h/client/hubs/c", 5, "note       written with `https`", "no `access_token`"),
        ("ws://h/client/hubs/c?access_token=sesame", 3, "malformed  the token is malformed", "the URL is not usable"),
        ("ws://h/elsewhere", 3, "", "the path of the URL does not end in `/client/hubs/HUB`"),
        ("sesame", 3, "", "it is not a URL"),
    ] {
        let ended = inspect(url, &[]);
        assert_eq!(ended.code, code, "{url}: {}", ended.stderr);
        assert!(ended.text().contains(stdout) && ended.stderr.contains(stderr), "{}{}", ended.text(), ended.stderr);
        assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
    }
}

#[test]
fn a_key_that_does_not_fit_is_found_with_the_connection_string() {
    let string = |key: &str| format!("Endpoint=http://localhost:8080;AccessKey={key};");
    let url = create(&string(KEY), &["--hub", "chat"]);
    assert_eq!(inspect(&url, &["--connection-string", &string(KEY)]).code, 0);
    let ended = inspect(&url, &["--connection-string", &string("other")]);
    assert_eq!(ended.code, 5);
    assert!(ended.text().contains("\nsignature  not made with the access key\n"), "{}", ended.text());
    assert!(ended.text().contains("\nrefused    the token was signed with another access key"), "{}", ended.text());
    // The emulator's key is known.
    assert_eq!(inspect(&url, &["--local"]).code, 5);
}

#[test]
fn a_url_below_a_path_is_as_good_as_any() {
    let endpoint = "Endpoint=https://gw.example/a/base/;AccessKey=key";
    let url = create(endpoint, &["--hub", "chat"]);
    assert!(url.starts_with("wss://gw.example/a/base/client/hubs/chat?access_token="), "{url}");
    let ended = inspect(&url, &["--connection-string", endpoint]);
    assert_eq!(ended.code, 0, "{}{}", ended.text(), ended.stderr);
    let ended = inspect(&url.replace("/a/base/", "/other/"), &[]);
    assert_eq!(ended.code, 5, "{}", ended.text());
}

#[test]
fn urls_and_strings_for_something_else_are_named() {
    for (url, name) in
        [("wss://h/clients/mqtt/hubs/c", "MQTT"), ("https://h/clients/socketio/hubs/c/?EIO=4", "Socket.IO")]
    {
        let ended = wps(["listen", "-g", "g", "--url", url]).run();
        let hint = "hint: wps is a client of the other kind, which connects to `/client/hubs/HUB`";
        ended.assert_failed(3, &["is malformed\n", &format!("caused by: the URL is one for {name} clients\n"), hint]);
    }
    let string = "Endpoint=https://h.example;AuthType=azure.app;clientId=sesame;clientSecret=sesame;Version=1.0;";
    let ended = wps(["listen", "-g", "g", "--hub", "c", "--connection-string", string]).run();
    ended.assert_failed(3, &["has `AuthType` in place of an `AccessKey`", "Microsoft Entra ID", "`--endpoint URL"]);
    assert!(!ended.stderr.contains("caused by: sesame") && !ended.stderr.contains("quote it"), "{}", ended.stderr);
}

#[test]
fn inspect_takes_the_usual_sources_and_prints_a_record() {
    let url =
        url_with(&json!({"aud": "http://localhost:8080/client/hubs/chat", "exp": 4_102_444_800u64, "sub": "bob"}));
    let record = |ended: &Ended| -> Value {
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        serde_json::from_str(ended.text()).unwrap()
    };
    let inspect = || wps(["url", "inspect", "-o", "ndjson"]);
    for setup in [
        inspect().arg(&url),
        inspect().args(["--url", &url]),
        inspect().env("WPS_URL", &url),
        inspect().arg("@url.txt").file("url.txt", &url),
        #[cfg(unix)]
        inspect().args(["--url-command", "echo $URL"]).env("URL", &url),
    ] {
        let record = record(&setup.run());
        assert_eq!(
            (&record["type"], &record["hub"], &record["userId"]),
            (&json!("inspection"), &json!("chat"), &json!("bob"))
        );
        assert_eq!((&record["usable"], &record["signature"]), (&json!(true), &json!("unchecked")));
        assert_eq!(
            (&record["expiresAt"], &record["findings"][0]["severity"]),
            (&json!("2100-01-01T00:00:00Z"), &json!("note"))
        );
    }
    let made = record(&inspect().args(["--local", "--hub", "h", "--user", "eve"]).run());
    assert_eq!((&made["hub"], &made["userId"], &made["signature"]), (&json!("h"), &json!("eve"), &json!("valid")));
    inspect().arg(&url).args(["--url", &url]).run().assert_failed(2, &["two URLs to inspect: `URL` and `--url`"]);
}

#[cfg(unix)]
#[test]
fn a_url_command_that_fails_is_no_url_to_inspect() {
    let ended = wps(["url", "inspect", "--url-command", "echo nothing; exit 2"]).run();
    ended.assert_failed(4, &["error: the URL command failed with exit status 2, and printed a line of 8 bytes\n"]);
    let ended = wps(["url", "inspect", "--connect-timeout", "300ms", "--url-command", "sleep 1000"]).run();
    ended.assert_failed(4, &["error: timed out after 300 ms while running the URL command\n", "hint: "]);
}

#[test]
fn the_audience_is_what_is_asked_for_and_the_url_stays_that_of_the_endpoint() {
    let string = "Endpoint=https://gateway.example;AccessKey=a-key;Version=1.0;";
    let audience = "https://name.webpubsub.azure.com/client/hubs/chat";
    let made = wps(["url", "create", "--hub", "chat", "-o", "ndjson", "--connection-string", string])
        .args(["--audience", audience])
        .run();
    let record = &made.records()[0];
    assert_eq!(record["claims"]["aud"], audience, "{record}");
    assert!(record["url"].as_str().unwrap().starts_with("wss://gateway.example/client/hubs/chat?"), "{record}");
    wps(["url", "create", "--local", "--claim", "aud="]).run().assert_failed(2, &["`--audience` sets another"]);
}
