//! Examples of the commands, each a line to paste. Help and man pages show them.

/// Commands to paste, each with what it does.
pub(in crate::cli) type Examples = &'static [(&'static str, &'static str)];

/// Of `wps`.
const TOP: Examples = &[
    ("wps listen --local -g chat", "print what arrives in a group; hosts an emulator when none runs"),
    ("wps send --local chat 'hello'", "publish to it, from a second terminal"),
    (
        "wps listen --connection-string @connection.txt --hub hub1 -g chat -o ndjson",
        "the same against a real service, whose connection string is in that file",
    ),
];
/// Of `wps listen`.
const LISTEN: Examples = &[
    ("wps listen --local -g chat", "print what arrives in a group; hosts an emulator when none runs"),
    (
        "wps listen --local -g chat --until '.data==\"pong\"' --timeout 10s",
        "wait for a certain message, at most 10 s; --jq prints parts of messages",
    ),
    (
        "wps listen --connection-string @connection.txt --hub hub1 -g chat -g news",
        "two groups of a real service, whose connection string is in that file",
    ),
];
/// Of `wps join`.
const JOIN: Examples = &[
    ("wps join --local chat", "can I join? exit 0: yes, exit 8: no"),
    ("wps join --local chat news --stay", "hold two memberships until Ctrl-C"),
    ("wps join --local --role webpubsub.joinLeaveGroup.chat chat", "try a role out"),
];
/// Of `wps send`.
const SEND: Examples = &[
    ("wps send --local chat 'hello'", "publish a text"),
    ("wps send --local -t json chat '{\"x\":1}'", "publish JSON"),
    ("tail -f app.log | wps send --local logs --lines --rate 100/s", "publish each line, at most 100 a second"),
];
/// Of `wps event`.
const EVENT: Examples = &[
    ("wps event --local vote yes", "send an event; the ack comes after its handler has answered"),
    ("wps event --local -t json sum '[1,2]' --wait-reply -o data", "print the answer"),
    ("wps event --local upload --type binary --file /etc/hostname", "send a file"),
];
/// Of `wps repl`.
const REPL: Examples = &[
    ("wps repl --local", "join, send and look by hand; hosts an emulator when none runs; `help` lists the commands"),
    (
        "printf 'join g\\nsend g hi\\nexpect .data == \"hi\"\\n' | wps repl --local",
        "a smoke test: exit 0 when all went well",
    ),
    (
        "wps repl --local --file check.wps",
        "the same from a file; `#!/usr/bin/env -S wps repl --file` makes it a command",
    ),
];
/// Of `wps replay`.
const REPLAY: Examples = &[
    ("wps replay chat.ndjson --local", "send again what a run with --record sent, with its pauses"),
    ("wps replay chat.ndjson --local --received --speed max", "publish what it received, at once"),
    ("wps replay chat.ndjson --dry-run", "what would be sent"),
];
/// Of `wps doctor`.
const DOCTOR: Examples = &[
    ("wps doctor --url @url.txt", "why does this URL not work? a line a step; exit 0: everything works"),
    ("wps doctor --url @url.txt --group room1", "with a group that the token is for"),
    ("wps doctor --local -o ndjson", "for a script: a `check` record a step"),
];
/// Of `wps emulator`.
const EMULATOR: Examples = &[
    ("wps emulator", "on http://localhost:8080, where --local looks for it"),
    ("wps emulator --port 0 -o ndjson", "on a free port, for a script, which reads it from the first line"),
    ("wps emulator --bind 0.0.0.0 --advertise http://dev.example:8080", "for other machines"),
];
/// Of `wps url`.
const URL: Examples = &[
    ("wps url create --local --user alice", "a URL for the emulator on this machine"),
    ("wps url inspect @url.txt", "what is a URL good for, and what is wrong with it?"),
];
/// Of `wps url create`.
const URL_CREATE: Examples = &[
    ("wps url create --local --user alice --ttl 10m", "for the emulator on this machine"),
    (
        "wps url create --connection-string @connection.txt --hub chat --role webpubsub.sendToGroup.news",
        "for a real service, whose connection string is in that file; may publish to one group",
    ),
    ("wps url create --local --claim tier=gold --claim level=3 -o ndjson", "with claims, as JSON"),
];
/// Of `wps url inspect`.
const URL_INSPECT: Examples = &[
    ("wps url inspect @url.txt", "explain the URL in that file"),
    ("wps url inspect - --connection-string @connection.txt", "the URL on stdin; check its signature too"),
    ("wps url inspect --url-command './negotiate.sh' -o ndjson", "what that command prints, as JSON"),
];
/// Of `wps config`.
const CONFIG: Examples = &[
    ("wps config path", "where the file is"),
    ("wps config show --profile prod", "what `wps listen --profile prod` would use"),
    ("wps config check", "is everything in it right?"),
];
/// Of `wps config path`.
const CONFIG_PATH: Examples =
    &[("wps config path", "print it"), ("mkdir -p \"$(dirname \"$(wps config path)\")\"", "make its directory")];
/// Of `wps config show`.
const CONFIG_SHOW: Examples = &[
    ("wps config show", "what holds without flags"),
    ("wps config show --profile prod", "what `--profile prod` makes of it"),
];
/// Of `wps config check`.
const CONFIG_CHECK: Examples = &[
    ("wps config check", "check every profile"),
    ("wps config check && wps listen --profile prod", "connect only if they are right"),
];
/// Of `wps completions`.
const COMPLETIONS: Examples = &[
    ("source <(wps completions bash)", "for this bash session"),
    ("wps completions fish > ~/.config/fish/completions/wps.fish", "for every fish session"),
];
/// Of `wps man`.
const MAN: Examples = &[
    ("wps man --dir ~/.local/share/man/man1", "install the pages for `man wps`"),
    ("wps man --dir pages && man pages/wps-listen.1", "read one"),
];

/// The examples of a command.
pub fn examples_of(command: &str) -> Examples {
    match command {
        "wps" => TOP,
        "listen" => LISTEN,
        "join" => JOIN,
        "send" => SEND,
        "event" => EVENT,
        "repl" => REPL,
        "replay" => REPLAY,
        "doctor" => DOCTOR,
        "emulator" => EMULATOR,
        "url" => URL,
        "url create" => URL_CREATE,
        "url inspect" => URL_INSPECT,
        "config" => CONFIG,
        "config path" => CONFIG_PATH,
        "config show" => CONFIG_SHOW,
        "config check" => CONFIG_CHECK,
        "completions" => COMPLETIONS,
        "man" => MAN,
        _ => &[],
    }
}
