//! The parts of help texts that are not about single flags: promises, exit codes, environment; examples are apart.
//!
//! Kept as plain tables, so that `--help` and the man pages are made from the same words.

mod examples;
mod layout;

use webpubsub_proto::fault::{ACTIONS, KEYS};

pub use examples::examples_of;
pub(super) use layout::{examples_text, sections_text};

/// A titled part of a help text.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Paragraphs or table rows.
    pub body: Body,
}

/// What stands in a section.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Paragraphs of prose.
    Prose(&'static [&'static str]),
    /// A term and what it means, a row each.
    Table(&'static [&'static [(&'static str, &'static str)]]),
    /// The same, made from a table of another module.
    Made(fn() -> Vec<(String, String)>),
}

type Rows = &'static [(&'static str, &'static str)];

const CODES_START: Rows =
    &[("1", "internal error"), ("2", "usage"), ("3", "configuration or credential missing, unreadable, malformed")];
const CODES_CONNECT: Rows = &[
    ("4", "never connected: DNS, TCP, proxy, TLS, timeout, HTTP 408, 429 or 5xx, after all retries"),
    ("5", "401 or 403: token missing, wrong or expired"),
    ("6", "handshake refused otherwise"),
    ("7", "connection lost and not regained"),
    ("8", "operation refused (negative ack)"),
    ("9", "operation not acknowledged, or its outcome unknown"),
    ("10", "the service broke the protocol"),
];
const CODE_INPUT: Rows = &[("11", "bad input data: unreadable, not of its type, or larger than the service takes")];
const CODE_EXPECTATION: Rows = &[("12", "no reply came in time, or not the one of --until")];
const CODE_RECORDING: Rows = &[("11", "the recording has a line that is not understood, which is named")];
const CODE_CONDITION: Rows =
    &[("12", "a record came for which --fail-on is true, or the command of --on-ready failed")];
const CODE_ANY_EXPECTATION: Rows = &[("12", "an expectation was not met")];
const CODE_EXPECT: Rows = &[("12", "an `expect` was not met in time")];
const CODE_OUTPUT: Rows = &[("13", "output could not be written")];
const CODES_END: Rows = &[("124", "--timeout ran out"), ("128+n", "ended by signal n (Ctrl-C: 130)")];

const ENV_SOURCE: Rows = &[
    ("WPS_URL", "client access URL, when no source is given as a flag"),
    ("WPS_CONNECTION_STRING", "connection string, when there is no WPS_URL either"),
    ("WebPubSubConnectionString", "the same under the name the SDK samples use"),
    ("WPS_PROFILE", "profile to use when --profile is not given; its source comes after those above"),
    ("WPS_NO_HINTS", "`1`: no hint when a secret stands on the command line"),
];
const ENV_NETWORK: Rows = &[
    (
        "HTTPS_PROXY",
        "proxy for `wss`, when --proxy is not given; like the next ones also in lower case, which goes first",
    ),
    ("HTTP_PROXY", "proxy for `ws`; upper case does not count where REQUEST_METHOD is set (CGI)"),
    ("ALL_PROXY", "proxy for both, when theirs is not set"),
    (
        "NO_PROXY",
        "hosts without a proxy: names (and their subdomains), addresses, networks such as 10.0.0.0/8, `*`; with `:PORT`, for that port only",
    ),
];
const ENV_TALK: Rows = &[
    ("WPS_LOG", "filter for the log on stderr, e.g. `debug` or `wps=trace`"),
    ("AZURE_LOG_LEVEL", "`verbose` is the same as -vv"),
    ("NO_COLOR", "no colour"),
    ("CLICOLOR_FORCE", "colour also into pipes; not over NO_COLOR"),
    ("TERM", "`dumb`: no colour"),
];
const ENV_HISTORY: Rows = &[("XDG_STATE_HOME", "folder of the history, else below HOME")];
const ENV_EMULATOR: Rows = &[("WPS_ACCESS_KEY", "access key, when --access-key is not given")];

const ENV_CONNECTING: Section =
    Section { title: "Environment", body: Body::Table(&[ENV_SOURCE, ENV_NETWORK, ENV_TALK]) };

const LINES: Rows = &[
    ("join G...", "join groups"),
    ("leave G...", "leave groups"),
    ("send G DATA", "publish; with -t, --encoding, --file, --no-echo, --ack-id, --no-ack"),
    ("event NAME DATA", "send an event; with the same flags"),
    ("groups", "list the groups, wanted and joined"),
    ("status", "show the connection: state, ids, counts, round-trip time"),
    ("ping", "measure the round trip"),
    ("expect JQ", "wait for a record for which the jq expression is true; with --timeout D (10s)"),
    ("sleep D", "do nothing for a while"),
    ("set output F", "print messages as text, ndjson, data or raw"),
    ("set timestamps S", "print the time before each message: on or off"),
    ("set full S", "show long data whole: on or off"),
    ("history, clear", "list the lines entered before; clear the screen"),
    ("help [COMMAND]", "list the commands, or explain one"),
    ("quit, exit", "close the connection and leave"),
];

const DURATIONS: Section = Section {
    title: "Durations",
    body: Body::Prose(&["D is written `500ms`, `10s`, `1m30s`; a bare number is seconds."]),
};

const SOURCE: Section = Section {
    title: "Where to connect",
    body: Body::Prose(&[
        "Exactly one of --url, --url-command, --connection-string and --local, else the source of --profile, else \
         `WPS_URL`, else `WPS_CONNECTION_STRING` or `WebPubSubConnectionString`, else the source of `WPS_PROFILE`.",
    ]),
};

const SOURCE_KEY: Section = Section {
    title: "Where the key comes from",
    body: Body::Prose(&[
        "--connection-string or --local, else the connection string of --profile, else `WPS_CONNECTION_STRING` or \
         `WebPubSubConnectionString`, else that of `WPS_PROFILE`.",
    ]),
};

const PROFILES: Section = Section {
    title: "The file",
    body: Body::Prose(&[
        "`$XDG_CONFIG_HOME/wps/config.toml`, else `~/.config/wps/config.toml`, on macOS and Windows the platform's own \
         place. A table `[profiles.NAME]` holds long names of flags that say where and how to connect, without `--`: \
         `hub = \"chat\"`, `connect-timeout = \"5s\"`, `insecure = true`, `role = [\"…\", \"…\"]`, `local = 9000`.",
        "Secrets stand there by reference only: `connection-string = \"@prod.txt\"`, `url-command = \"…\"`. Relative \
         files are looked for beside the configuration file; `~/` is the home directory.",
        "A flag on the command line goes before the profile, and the profile before the default. Settings that a \
         command does not have are passed over, so one profile serves all commands.",
    ]),
};

const CONFIG_CODES: Section = Section {
    title: "Exit codes",
    body: Body::Table(&[
        &[("0", "printed"), ("1", "internal error"), ("2", "usage")],
        &[("3", "the file is unreadable or malformed, or has no such profile")],
        CODE_OUTPUT,
    ]),
};

const ENV_KEY: Section = Section {
    title: "Environment",
    body: Body::Table(&[
        &[
            ("WPS_CONNECTION_STRING", "connection string, when none is given as a flag"),
            ("WebPubSubConnectionString", "the same under the name the SDK samples use"),
            ("WPS_PROFILE", "profile to use when --profile is not given; its source comes after those above"),
            ("WPS_NO_HINTS", "`1`: no hint when a secret stands on the command line"),
        ],
        ENV_TALK,
    ]),
};

const ENV_CONFIG: Section = Section {
    title: "Environment",
    body: Body::Table(&[&[("XDG_CONFIG_HOME", "directory of configuration files")], ENV_TALK]),
};

const ONCE: &str = "A message keeps its ackId through every retry, and over a recovered connection. The service, which remembers \
     the ids of a connection, carries it out once; the answer `Duplicate` counts as success.";
const UNKNOWN_OUTCOME: &str = "When the connection is lost for good before the ack, nobody knows whether the message was carried out: exit 9. \
     `--on-unknown resend` sends it again instead, and it may arrive twice.";
const KEPT: Section = Section {
    title: "With --session",
    body: Body::Prose(&[
        "Runs with the same FILE, one after the other, have one connection, however each of them ended (SIGKILL \
         included), as long as the next begins within the 30 s for which the service keeps a connection, and no more \
         than 1000 messages or 16 MB wait there. What the runs print, put together, is then every message, in order, \
         none missing.",
        "Before a batch of messages is written to stdout, its highest sequence id is recorded in FILE as begun, and \
         afterwards as done; only then the service is told that they have come. What a run prints between the two \
         marks of the run before may have been printed by that one: it carries `\"redelivered\":true` in ndjson and \
         `(redelivered)` in text; data and raw have no place for it. Everything else is printed once.",
        "Written means: taken by the file, pipe or terminal behind stdout. A run that was killed may have left a part of \
         its last line there; the message comes again, whole and marked. Where stdout is a file, the next run begins a new \
         line; a reader of a pipe has to drop a line without an end.",
        "A clean end puts FILE on the disk. When the whole machine fails instead, FILE may be older than what was \
         printed, and messages may come again without the mark.",
        "The first record of such a run is `recovered`, whose `downtimeMs` counts from the last record in FILE. When \
         the connection cannot be recovered, `session-lost` says so, and a new one is made; the exit code is the same. A \
         loss stays in FILE until its record was written: what a run had no time to tell the next one tells first.",
        "What ends a run by an expression (`--until`, `--fail-on`), or before a slow one has come to a message, leaves the \
         messages behind it to the next run: they are neither printed nor acknowledged.",
        "Within these 30 s, no answer but the service's own refusal ends the attempts to go on with the connection: an HTTP \
         status, a proxy that wants credentials and a certificate that is not accepted are told, and tried again. Ctrl-C \
         leaves the connection to the next run.",
        "The groups are those of this command line: one the connection is in already is not joined again, one that is no \
         longer named is left. What is sent and not acknowledged by an earlier run is sent again under its ackId.",
        "FILE belongs to one service, hub, user and subprotocol. Used with another, by two runs at once, or damaged, it \
         is exit 3, and left as it is; so is one with hard links, or beside which FILE.lock is another program's. A copy \
         of FILE is no second session: it would take the connection away from the first. When it cannot be written in the middle of a \
         run, that ends with exit 13: nothing is acknowledged that is not recorded.",
    ]),
};
const KEPT_JOIN: Section = Section {
    title: "With --session",
    body: Body::Prose(&[
        "The connection, with its groups, is left without a close frame, and the next run with FILE goes on with it: see \
         `wps listen --help`. Groups that it is in already are not joined again; none is left. Messages that come wait at \
         the service for a run that prints them; with --stay they are thrown away, as they are without --session.",
    ]),
};
const KEPT_SEND: Section = Section {
    title: "With --session",
    body: Body::Prose(&[
        "The next run with FILE, within 30 s, goes on with the same connection, on which the service knows ackIds again. \
         What was sent and not acknowledged, because the run was killed, stopped or gave up, is recorded: the same command, \
         run again, sends it under the same ackId, and the service carries it out once. The same is one with the same \
         target, data and flags; any other command finishes what was left before its own.",
        "--ack-id N may be given again with the same message; where it was carried out before, that is said, as long as fewer \
         than a thousand other operations went over the connection since. After that, and when the connection was lost, \
         the service would carry it out again: nothing is sent, and the outcome is unknown (exit 9), unless \
         `--on-unknown resend`. The same goes for the ids of a stream that has ended. An id whose message was refused or \
         never sent may be used again.",
        "When the connection is lost in between, what was not acknowledged has an unknown outcome: exit 9 for the same \
         command unless `--on-unknown resend`, a warning and the record `operation-unknown` for any other. It has one too \
         when a thousand other operations went over the connection since, as the service remembers no more ackIds.",
        "With --lines, --ndjson and --repeat FILE holds the position in the input. A run that was killed, stopped or failed, \
         run again with the same input and flags, goes on where the acks ended, with the same ackIds: the group gets each \
         line once, in order, as long as the connection is kept. Of each line a digest is recorded before it is sent; the \
         input is compared with all of them before anything is sent, and another one, or a shorter one, is exit 3. The \
         input may have become longer. A stream that ends with exit 0 leaves no position.",
        "With --keep-going, lines that the service refused are sent again by the next run, and the others are not (of more \
         than 1000 the first, which is said). Bad lines are told again. A bad line that ended a stream was not sent, and \
         may be corrected before the next run. Lines whose outcome is unknown, because the connection was lost, \
         or used for too much else, in between, are exit 9 in every run until `--on-unknown resend` sends them. Until the stream has ended, other \
         commands with FILE use ackIds far above its own. Records with an `ackId` of their own have to bring the same again.",
        "Messages that come and are not printed are not acknowledged: they wait at the service for a `wps listen \
         --session` with the same FILE. A reply that --wait-reply prints behind such messages comes again there, marked \
         as redelivered, and the messages before it may be marked too.",
        "FILE belongs to one service, hub, user and subprotocol. Used with another, by two runs at once, or damaged, it \
         is exit 3, and left as it is; so is one with hard links, or beside which FILE.lock is another program's. A copy \
         of FILE is no second session: it would take the connection away from the first; when it cannot be written, exit 13.",
    ]),
};
const REPORT: &str = "The report goes to stderr, with -o ndjson to stdout.";
const STREAMS: Section = Section {
    title: "Streams",
    body: Body::Prose(&[
        "`wps listen -g A -o ndjson | wps send B --ndjson` copies a group to another as it comes, and `wps send \
         --ndjson < orders.ndjson` sends the records of a file. `-` takes stdin whole, as one message.",
        "With --lines, --ndjson and --repeat many messages are sent without waiting for each ack, in the order of the \
         input, also across drops of the connection; only one that is sent again after a negative or missing ack may \
         arrive behind those after it, up to --in-flight − 1 (--in-flight 1: never).",
        "Input is read only as fast as acks come, and a line is sent as soon as it is there. At the end every ack is \
         awaited (with --no-ack: until the service has read everything). The summary goes to stderr; with -o ndjson \
         each `ack` has the `line` it is for, and `stopped` has `sent`, `acked` and `failed`.",
        "LF and CRLF end a line, which an empty line has too: an empty message as text and binary, not JSON, and \
         skipped between records. The last line may go without. A NUL is a character of text. Text and JSON that is \
         not UTF-8, JSON `null`, and a line whose frame is larger than 1 MiB are bad lines; of those larger than can \
         fit no more than that is kept in memory.",
        "A bad line (exit 11) or a refused message (exit 8) stops what is not sent yet, and is named; the lines before \
         a bad one are sent. With --keep-going each is told on stderr (the first 100), and the exit code at the end is \
         that of the first.",
        "After a recovery what is not acknowledged is sent again, in its order with its ids, and arrives once. When the \
         connection is lost for good, the lines of which nobody knows are named (exit 9), and the rest is not sent; \
         with --keep-going it is, and with `--on-unknown resend` all of it is.",
        "--ack-id N is the id of line 1, and line L has N + L − 1; a record's `ackId` goes before. Where the ids end, so \
         does the stream (exit 2).",
        "On a terminal a line on stderr shows how far it is: at once where the size of the input is known, else after \
         2 s. Ctrl-C ends at once, and says how far it came.",
    ]),
};

const SIZE: &str = "A frame holds at most 1 MiB, counted as JSON and with base64 for binary data; larger is exit 11.";

/// The sections that follow the flags of a command in `--help`, and in its man page.
pub fn sections(command: &str) -> &'static [Section] {
    match command {
        "wps" => &[
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "done")],
                    CODES_START,
                    CODES_CONNECT,
                    CODE_INPUT,
                    CODE_ANY_EXPECTATION,
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            Section { title: "Environment", body: Body::Table(&[ENV_SOURCE, ENV_NETWORK, ENV_EMULATOR, ENV_TALK]) },
        ],
        "listen" => &[
            SOURCE,
            Section {
                title: "What is promised",
                body: Body::Prose(&[
                    "With json-reliable, messages are printed in the order the service sent them, each once, also \
                     across drops of the connection: the service keeps it for 30 s, and wps recovers it at once.",
                    "When it cannot be recovered, that is said (`session-lost`: messages may be missing), a fresh \
                     connection is made and the groups are joined again.",
                    "A message is printed as soon as it has come. A slow reader makes wps read up to 16 MB ahead and \
                     then wait; nothing is dropped here. When the reader goes away, the run ends with exit 0.",
                    "Expressions look at the records in the order in which they are printed. One that takes long holds \
                     back the output as a slow reader does, not the connection, nor Ctrl-C or --timeout. When the run is \
                     over (--for, --count, the connection), what came before has 1.5 s more beside the time that quick \
                     ones take: what is left then is not printed, which is said, and waits in the file of --session.",
                    "`wps listen -g g --until '.data==\"pong\"' --timeout 10s --on-ready 'wps send g ping'` is a whole \
                     smoke test of what answers `ping`: the command is run when the group is joined, so nothing sleeps.",
                    "Ctrl-C closes the connection, waits at most 2 s, and exits 130; a second Ctrl-C ends at once.",
                ]),
            },
            KEPT,
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "--count, --for, --idle-timeout or --until reached, or the reader of stdout went away")],
                    CODES_START,
                    CODES_CONNECT,
                    CODE_CONDITION,
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            ENV_CONNECTING,
        ],
        "join" => &[
            SOURCE,
            Section {
                title: "What is promised",
                body: Body::Prose(&[
                    "Joining a group twice does no harm, so joins are repeated freely, on a new connection too. A \
                     refusal for want of a role names the role, and is exit 8 at once.",
                    "With --stay the groups are joined again after every reconnect; stop it with Ctrl-C.",
                    REPORT,
                ]),
            },
            KEPT_JOIN,
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "every group was joined")],
                    CODES_START,
                    CODES_CONNECT,
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            ENV_CONNECTING,
        ],
        "send" => &[
            SOURCE,
            Section {
                title: "What is promised",
                body: Body::Prose(&[
                    "Exit 0 means that the service has acknowledged the message (with --no-ack: that it was handed \
                     to the connection).",
                    ONCE,
                    UNKNOWN_OUTCOME,
                    REPORT,
                    SIZE,
                ]),
            },
            STREAMS,
            KEPT_SEND,
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "published")],
                    CODES_START,
                    CODES_CONNECT,
                    CODE_INPUT,
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            ENV_CONNECTING,
        ],
        "event" => &[
            SOURCE,
            Section {
                title: "What is promised",
                body: Body::Prose(&[
                    "Exit 0 means that the handler has answered and the service has acknowledged the event (with \
                     --no-ack: that it was handed to the connection).",
                    ONCE,
                    UNKNOWN_OUTCOME,
                    "With --wait-reply the server messages that come after the event was sent are printed. The \
                     protocol has nothing that ties an answer to its event, so any server message counts.",
                    REPORT,
                    SIZE,
                ]),
            },
            STREAMS,
            KEPT_SEND,
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "acknowledged, and answered where --wait-reply asks for it")],
                    CODES_START,
                    CODES_CONNECT,
                    CODE_INPUT,
                    CODE_EXPECTATION,
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            ENV_CONNECTING,
        ],
        "repl" => &[
            SOURCE,
            Section { title: "Lines", body: Body::Table(&[LINES]) },
            Section {
                title: "How lines are read",
                body: Body::Prose(&[
                    "Flags stand before GROUP or NAME, which may be quoted. DATA and JQ are the rest of the line as it \
                     is, after one blank: quotes, `#` and `$` in it are themselves.",
                    "A `\\` at the end continues a line, whose newline stays; so does JSON that is not complete, with \
                     `-t json`. `#` begins a comment.",
                    "TAB completes, Ctrl-R searches the history, Ctrl-C abandons the command that runs, and Ctrl-D or \
                     Ctrl-C twice on an empty line leaves. The prompt says how the connection stands.",
                    "The history is kept in `$XDG_STATE_HOME/wps/history`, else `~/.local/state/wps/history`, readable \
                     for its owner alone, without lines that hold a secret.",
                ]),
            },
            Section {
                title: "What is promised",
                body: Body::Prose(&[
                    "At a terminal messages appear above the prompt at once and leave alone what is being typed; an \
                     error does not end the session; long data is cut, `set full on` shows it whole.",
                    "With --file, or when stdin is not a terminal, the lines are a script: no prompt, each command \
                     finishes before the next starts, the first that fails ends the script with that command's exit \
                     code. With --keep-going all are run, and the code is that of the first failure.",
                    "`expect` looks at the records that no earlier `expect` has passed, also those that came before \
                     it. Up to 16 MB of records are kept for it.",
                    "Leaving closes the connection, after what was entered before.",
                    ONCE,
                    UNKNOWN_OUTCOME,
                ]),
            },
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "every line of the script was carried out; at a terminal: left")],
                    CODES_START,
                    CODES_CONNECT,
                    CODE_INPUT,
                    CODE_EXPECT,
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            Section { title: "Environment", body: Body::Table(&[ENV_SOURCE, ENV_NETWORK, ENV_TALK, ENV_HISTORY]) },
        ],
        "replay" => &[
            SOURCE,
            Section {
                title: "What is promised",
                body: Body::Prose(&[
                    "Messages to groups and events are sent again, each once, in their order, the first at once and \
                     the others at the distances in which they were sent; joins are not repeated. Up to 256 wait for \
                     their acks at the same time; they have ackIds of their own, and one that was sent without is sent \
                     without again.",
                    "A file is read and checked before anything is tried, and read again to send it: its size does \
                     not matter. A pipe can be read only once: it is checked up to its first message, then as it \
                     comes. A recording without a message to send is exit 11. A last line that is cut off, as a \
                     killed run leaves it, is left out, and said so; empty lines are skipped.",
                    "With --received, what was received is published anew, each message once, with an ack.",
                    "A message that is refused stops what is not sent yet; the acks of what was sent are awaited.",
                    UNKNOWN_OUTCOME,
                    REPORT,
                ]),
            },
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "all sent again and acknowledged")],
                    CODES_START,
                    CODES_CONNECT,
                    CODE_RECORDING,
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            ENV_CONNECTING,
        ],
        "doctor" => &[
            SOURCE,
            Section {
                title: "What is promised",
                body: Body::Prose(&[
                    "Goes through a whole connection, one attempt each: where the URL comes from (source), what its \
                     token says (token), name (dns), connection (tcp), proxy, tls, WebSocket handshake (upgrade), \
                     subprotocol, the service's greeting (connected), join, send, receive its own message, ping, \
                     leave, close. Each step is `ok`, `warning`, `failed` or `skipped`, with its time and what there is to say; \
                     what can be done about it stands beneath. What comes after a failed step is skipped.",
                    "A role that the token does not have is no failure: the step is skipped, and the role named.",
                    "It sends one message, to --group or to a random group of its own (wps-doctor-…).",
                    "Nothing printed contains a token, a key or a password: the report can go into a bug report as \
                     it is. -vv adds the frames, -vvv the handshake.",
                ]),
            },
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "every step went well or was skipped; else the code of the first failure:")],
                    CODES_START,
                    CODES_CONNECT,
                    &[("12", "the message did not come back")],
                    CODE_OUTPUT,
                    CODES_END,
                ]),
            },
            ENV_CONNECTING,
        ],
        "emulator" => &[
            Section {
                title: "What it does",
                body: Body::Prose(&[
                    "Speaks json.webpubsub.azure.v1, json.reliable.webpubsub.azure.v1 and plain WebSocket clients, \
                     for any number of hubs; checks tokens and roles as the service does; recovers reliable \
                     connections within 30 s. State is kept in memory and is gone when it stops.",
                    "The first line on stdout says that it is ready, with the endpoint, the connection string, and a \
                     client URL for `hub1` with both roles.",
                    "Ctrl-C closes the clients with 1001 and ends.",
                ]),
            },
            Section {
                title: "REST",
                body: Body::Prose(&[
                    "Server SDKs work with the connection string as it is; the JavaScript one takes a local endpoint \
                     with `allowInsecureConnection: true`. The whole data plane is there, below `/api/hubs/HUB`, for \
                     api-versions 2021-10-01 to 2024-12-01: sending with filters and a time to live, groups, \
                     permissions, closing, listing, tokens. `GET /api/health` says that the emulator runs. -v logs \
                     each request with its status, how many clients a message went to, and why one was refused.",
                    "A message to a client that is far behind waits up to 2 s for it to catch up.",
                ]),
            },
            Section {
                title: "Faults",
                body: Body::Prose(&[
                    "--fault ACTION[=VALUE][,KEY=VALUE]… makes something go wrong; several are in force together. \
                     A value with a comma in it stands in double quotes. Every time a fault could happen is counted, \
                     over all connections. -v tells each time it does.",
                    "Times are durations (500ms, 10s, 1m30s; a bare number is seconds), or ranges of them \
                     (50ms..200ms) out of which chance takes one. --seed makes chance repeatable.",
                ]),
            },
            Section { title: "Actions", body: Body::Made(fault_actions) },
            Section { title: "Keys of all actions", body: Body::Made(fault_keys) },
            Section {
                title: "Control endpoint",
                body: Body::Prose(&[
                    "/emulator/ answers as JSON: GET hubs, connections, groups, faults; POST faults with \
                     {\"fault\": \"…\"}, DELETE faults or faults/ID; POST connections/ID/drop; POST recovery, which \
                     ends recovery windows at once. GET /emulator/ lists all of it.",
                    "It answers programs of this machine and pages of its own origin. Other machines need the access \
                     key: `Authorization: Bearer KEY`.",
                    "curl -d '{\"fault\": \"drop=reset,after=0s,times=1\"}' http://localhost:8080/emulator/faults",
                ]),
            },
            Section {
                title: "Event handlers",
                body: Body::Prose(&[
                    "An application (webhook) is asked as the service asks it. `connect` comes before a client is let \
                     in: 204, or 200 with a JSON object of `userId`, `groups`, `roles` and `subprotocol`, accepts it, \
                     4xx goes back to it, anything else is 500 for it. Events of clients are tried again after 1, 3 \
                     and 5 s on 408, 5xx and network errors, for 100 s at most; the body of the answer is the reply. \
                     What goes wrong is said on stderr, once until it changes.",
                    "For every event: --event-handler 'http://localhost:3000/{hub}/{event}'. For some: --event-handler \
                     http://localhost:3000/,user-events=vote,chat,system-events=connect; the flag can be repeated.",
                    "A settings file: {\"WebPubSub\": {\"AccessKey\": \"…\", \"Hubs\": {\"HUB\": {\"EventHandlers\": \
                     [{\"UrlTemplate\": \"http://…/{event}\", \"EventPattern\": \"vote,chat\", \"SystemEvents\": \
                     [\"connect\"]}]}}}}. There, what is not said is not taken.",
                ]),
            },
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    CODES_START,
                    &[("4", "the port is taken or cannot be listened on")],
                    CODE_OUTPUT,
                    &[("128+n", "ended by signal n (Ctrl-C: 130)")],
                ]),
            },
            Section { title: "Environment", body: Body::Table(&[ENV_EMULATOR, ENV_TALK]) },
        ],
        "url" | "config" => {
            &[Section { title: "Exit codes", body: Body::Prose(&["Those of its commands; see their `--help`."]) }]
        }
        "url create" => &[
            SOURCE_KEY,
            Section {
                title: "What it prints",
                body: Body::Prose(&[
                    "The URL, and a newline. It is a secret: whoever has it connects as that user, until it expires. \
                     Nobody is asked: a wrong key or hub is noticed when the URL is used.",
                    "With -o ndjson one record of the type `url`: `url` (with --token-only: `token`) and `claims`.",
                ]),
            },
            DURATIONS,
            Section { title: "Exit codes", body: Body::Table(&[&[("0", "printed")], CODES_START, CODE_OUTPUT]) },
            ENV_KEY,
        ],
        "url inspect" => &[
            SOURCE,
            Section {
                title: "What is judged",
                body: Body::Prose(&[
                    "The token is taken apart and held against host and hub of the URL, and against the clock, as the \
                     service does it: `refused` stands before what it will not accept, `note` before what is worth \
                     knowing. Nobody is asked, so a key or a hub that the service does not have stays unnoticed; `wps \
                     join` tries it.",
                    "The signature is checked when a connection string is given too.",
                    "The token itself is not printed. With -o ndjson one record of the type `inspection`.",
                ]),
            },
            DURATIONS,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "usable, as far as can be seen from here")],
                    &[("1", "internal error"), ("2", "usage"), ("3", "malformed, missing or unreadable")],
                    &[("4", "--url-command failed"), ("5", "the service would refuse it")],
                    CODE_OUTPUT,
                    &[("128+n", "ended by signal n (Ctrl-C: 130)")],
                ]),
            },
            ENV_CONNECTING,
        ],
        "config path" => &[PROFILES, CONFIG_CODES, ENV_CONFIG],
        "config show" => &[PROFILES, CONFIG_CODES, ENV_CONNECTING],
        "config check" => &[
            PROFILES,
            Section {
                title: "Exit codes",
                body: Body::Table(&[
                    &[("0", "all profiles are right"), ("1", "internal error"), ("2", "usage")],
                    &[("3", "there is no file, or something in it is wrong; every finding is listed")],
                    CODE_OUTPUT,
                ]),
            },
            ENV_CONFIG,
        ],
        "completions" | "man" => {
            &[Section { title: "Exit codes", body: Body::Table(&[&[("0", "done"), ("2", "usage")], CODE_OUTPUT]) }]
        }
        _ => &[],
    }
}

/// Every action of `--fault`, each with an example.
fn fault_actions() -> Vec<(String, String)> {
    let rows = ACTIONS.iter().map(|entry| {
        (format!("{}{}", entry.name, entry.value), format!("{}. Example: {}", entry.meaning, entry.example))
    });
    rows.collect()
}

/// The keys that all actions take.
fn fault_keys() -> Vec<(String, String)> {
    KEYS.iter().map(|(key, meaning)| ((*key).to_owned(), (*meaning).to_owned())).collect()
}
