//! All words of the grammar: what each action does, what it takes, and an example. Help, errors and the parser are made
//! from this one table.

use std::fmt::Write as _;

use super::model::Point;

/// Which action it is: what its word is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActionKind {
    Refuse,
    Hang,
    NoConnected,
    RefuseRecovery,
    Drop,
    ExecuteThenDrop,
    Ignore,
    Nack,
    CloseStream,
    SwallowAck,
    DelayAck,
    DuplicateAck,
    GarbleAnswer,
    Latency,
    Bandwidth,
    NoPong,
    Garbage,
    Expire,
    Tunnel,
}

/// An action of the grammar.
#[derive(Clone, Copy, Debug)]
pub struct ActionEntry {
    pub(super) kind: ActionKind,
    /// Its word.
    pub name: &'static str,
    /// What stands behind `=`, as help shows it; empty: nothing does. In brackets: it may be absent.
    pub value: &'static str,
    /// Keys of its own, besides [`KEYS`].
    pub params: &'static [&'static str],
    /// Operations it can be aimed at, each with where it is met.
    pub operations: &'static [(&'static str, Point)],
    /// Where it is met when no operation is named; empty: an aim or a time has to be given.
    pub by_default: &'static [Point],
    /// What it does.
    pub meaning: &'static str,
    /// A fault that can be pasted.
    pub example: &'static str,
}

const HANDSHAKES: &[(&str, Point)] = &[("connect", Point::Connect), ("recover", Point::Recover)];
const BOTH_HANDSHAKES: &[Point] = &[Point::Connect, Point::Recover];
const OPERATIONS: &[(&str, Point)] = &[
    ("joinGroup", Point::JoinGroup),
    ("leaveGroup", Point::LeaveGroup),
    ("sendToGroup", Point::SendToGroup),
    ("event", Point::Event),
    ("invoke", Point::Invoke),
    ("setGroupState", Point::SetGroupState),
    ("subscribeGroupState", Point::SubscribeGroupState),
    ("unsubscribeGroupState", Point::UnsubscribeGroupState),
    ("streamStart", Point::StreamStart),
    ("streamData", Point::StreamData),
    ("streamEnd", Point::StreamEnd),
];
const ALL_OPERATIONS: &[Point] = &[
    Point::JoinGroup,
    Point::LeaveGroup,
    Point::SendToGroup,
    Point::Event,
    Point::Invoke,
    Point::SetGroupState,
    Point::SubscribeGroupState,
    Point::UnsubscribeGroupState,
];
const FRAMES: &[(&str, Point)] = &[
    ("joinGroup", Point::JoinGroup),
    ("leaveGroup", Point::LeaveGroup),
    ("sendToGroup", Point::SendToGroup),
    ("event", Point::Event),
    ("invoke", Point::Invoke),
    ("cancelInvocation", Point::CancelInvocation),
    ("setGroupState", Point::SetGroupState),
    ("subscribeGroupState", Point::SubscribeGroupState),
    ("unsubscribeGroupState", Point::UnsubscribeGroupState),
    ("ping", Point::Ping),
    ("sequenceAck", Point::SequenceAck),
    ("streamStart", Point::StreamStart),
    ("streamData", Point::StreamData),
    ("streamKeepalive", Point::StreamKeepalive),
    ("streamEnd", Point::StreamEnd),
];
const ANYTHING: &[(&str, Point)] = &[
    ("connect", Point::Opened),
    ("recover", Point::Recovered),
    ("joinGroup", Point::JoinGroup),
    ("leaveGroup", Point::LeaveGroup),
    ("sendToGroup", Point::SendToGroup),
    ("event", Point::Event),
    ("invoke", Point::Invoke),
    ("cancelInvocation", Point::CancelInvocation),
    ("setGroupState", Point::SetGroupState),
    ("subscribeGroupState", Point::SubscribeGroupState),
    ("unsubscribeGroupState", Point::UnsubscribeGroupState),
    ("ping", Point::Ping),
    ("sequenceAck", Point::SequenceAck),
    ("message", Point::Message),
    ("streamStart", Point::StreamStart),
    ("streamData", Point::StreamData),
    ("streamKeepalive", Point::StreamKeepalive),
    ("streamEnd", Point::StreamEnd),
];
const DELIVERIES: &[(&str, Point)] = &[("message", Point::Message)];
const SENT: &[Point] = &[Point::Message, Point::Control];

/// Every action.
pub const ACTIONS: &[ActionEntry] = &[
    ActionEntry {
        kind: ActionKind::Refuse,
        name: "refuse",
        value: "[=STATUS]",
        params: &["retry-after", "body"],
        operations: HANDSHAKES,
        by_default: BOTH_HANDSHAKES,
        meaning: "answers the handshake with STATUS (300 to 599; 503), a `Retry-After` of so many seconds, and a text",
        example: "refuse=503,retry-after=2,times=1",
    },
    ActionEntry {
        kind: ActionKind::Hang,
        name: "hang",
        value: "[=D]",
        params: &[],
        operations: HANDSHAKES,
        by_default: BOTH_HANDSHAKES,
        meaning: "does not answer the handshake, or only after D",
        example: "hang,op=recover,times=1",
    },
    ActionEntry {
        kind: ActionKind::NoConnected,
        name: "no-connected",
        value: "",
        params: &[],
        operations: &[("connect", Point::Opened), ("recover", Point::Recovered)],
        by_default: &[Point::Opened],
        meaning: "opens the socket and never says `connected`",
        example: "no-connected,times=1",
    },
    ActionEntry {
        kind: ActionKind::RefuseRecovery,
        name: "refuse-recovery",
        value: "[=CODE]",
        params: &[],
        operations: &[("recover", Point::Recovering)],
        by_default: &[Point::Recovering],
        meaning: "closes a recovery with CODE instead of going on; with 1008, the default, the connection is lost for good",
        example: "refuse-recovery,times=1",
    },
    ActionEntry {
        kind: ActionKind::Drop,
        name: "drop",
        value: "=HOW",
        params: &["frames", "after", "reason"],
        operations: ANYTHING,
        by_default: &[],
        meaning: "takes the socket away at an operation (op=…, group=…), which is not carried out; when frames=N have \
                  passed on it, both ways; or after=D. A message is sent before. HOW: reset, eof (no close frame), \
                  silence (it stays open), or a close code, any number up to 65535, with reason=TEXT; the connection can be \
                  recovered, except after 1000 and 1008",
        example: "drop=reset,after=5s,user=alice",
    },
    ActionEntry {
        kind: ActionKind::ExecuteThenDrop,
        name: "execute-then-drop",
        value: "[=HOW]",
        params: &["reason"],
        operations: OPERATIONS,
        by_default: ALL_OPERATIONS,
        meaning: "carries the operation out, and takes the socket away (reset, or HOW as in drop) before the ack or, of \
                  an invocation, the answer",
        example: "execute-then-drop,op=sendToGroup,nth=3",
    },
    ActionEntry {
        kind: ActionKind::Ignore,
        name: "ignore",
        value: "",
        params: &[],
        operations: FRAMES,
        by_default: ALL_OPERATIONS,
        meaning: "loses the frame: it is neither carried out nor answered",
        example: "ignore,op=sendToGroup,times=1",
    },
    ActionEntry {
        kind: ActionKind::Nack,
        name: "nack",
        value: "=NAME",
        params: &["message"],
        operations: OPERATIONS,
        by_default: ALL_OPERATIONS,
        meaning: "does not carry the operation out, and refuses it with an error of this name: Forbidden, \
                  InternalServerError, or any other; a fragment of a stream (op=streamData) for now, with \
                  InvalidSequenceId or TransientError, its start for good",
        example: "nack=InternalServerError,op=sendToGroup,times=2",
    },
    ActionEntry {
        kind: ActionKind::CloseStream,
        name: "close-stream",
        value: "=NAME",
        params: &["message"],
        operations: &[
            ("streamData", Point::StreamData),
            ("streamKeepalive", Point::StreamKeepalive),
            ("streamEnd", Point::StreamEnd),
        ],
        by_default: &[Point::StreamData],
        meaning: "closes the stream instead of taking a fragment, with an error of this name for its publisher and its \
                  subscribers: InternalServerError, IdleTimeout, or any other",
        example: "close-stream=InternalServerError,nth=5",
    },
    ActionEntry {
        kind: ActionKind::SwallowAck,
        name: "swallow-ack",
        value: "",
        params: &[],
        operations: OPERATIONS,
        by_default: ALL_OPERATIONS,
        meaning: "carries the operation out and sends no ack, and no answer to an invocation",
        example: "swallow-ack,op=sendToGroup,times=1",
    },
    ActionEntry {
        kind: ActionKind::DelayAck,
        name: "delay-ack",
        value: "=D[..D]",
        params: &[],
        operations: OPERATIONS,
        by_default: ALL_OPERATIONS,
        meaning: "sends the ack, or the answer to an invocation, later; nothing waits for it, so with a range, or \
                  every=N, they change their order",
        example: "delay-ack=0ms..300ms",
    },
    ActionEntry {
        kind: ActionKind::DuplicateAck,
        name: "duplicate-ack",
        value: "",
        params: &[],
        operations: OPERATIONS,
        by_default: ALL_OPERATIONS,
        meaning: "sends the ack, or the answer to an invocation, twice",
        example: "duplicate-ack,every=10",
    },
    ActionEntry {
        kind: ActionKind::GarbleAnswer,
        name: "garble-answer",
        value: "=KIND",
        params: &[],
        operations: &[("invoke", Point::Invoke)],
        by_default: &[Point::Invoke],
        meaning: "spoils the answer to an invocation: null (its payload is JSON `null`), shape (without `success`; with \
                  protobuf, a payload of no kind), or truncated (half of the frame)",
        example: "garble-answer=shape,op=invoke,times=1",
    },
    ActionEntry {
        kind: ActionKind::Latency,
        name: "latency",
        value: "=D[..D]",
        params: &[],
        operations: DELIVERIES,
        by_default: SENT,
        meaning: "sends every frame, or every message (op=message), later; their order stays",
        example: "latency=50ms..200ms,user=alice",
    },
    ActionEntry {
        kind: ActionKind::Bandwidth,
        name: "bandwidth",
        value: "=BYTES",
        params: &[],
        operations: DELIVERIES,
        by_default: SENT,
        meaning: "sends so many bytes a second to each connection (500, 64k, 2M)",
        example: "bandwidth=64k,hub=chat",
    },
    ActionEntry {
        kind: ActionKind::NoPong,
        name: "no-pong",
        value: "",
        params: &[],
        operations: &[("ping", Point::Ping)],
        by_default: &[Point::Ping],
        meaning: "does not answer the `ping` of the subprotocol",
        example: "no-pong,times=3",
    },
    ActionEntry {
        kind: ActionKind::Garbage,
        name: "garbage",
        value: "=KIND",
        params: &["size"],
        operations: ANYTHING,
        by_default: &[
            Point::Opened,
            Point::Recovered,
            Point::JoinGroup,
            Point::LeaveGroup,
            Point::SendToGroup,
            Point::Event,
            Point::Invoke,
            Point::SetGroupState,
            Point::SubscribeGroupState,
            Point::UnsubscribeGroupState,
            Point::Message,
        ],
        meaning: "sends a frame that makes no sense, before an answer or a message: text (no JSON), binary, \
                  invalid-utf8, unknown-type, or huge (size=BYTES, 2M)",
        example: "garbage=text,op=message,every=3",
    },
    ActionEntry {
        kind: ActionKind::Expire,
        name: "expire",
        value: "=D",
        params: &[],
        operations: &[("connect", Point::Connect)],
        by_default: &[Point::Connect],
        meaning: "lets the token expire D after its first use: its connection is closed with 1008, and the same token \
                  is answered with 401",
        example: "expire=10s,user=alice",
    },
    ActionEntry {
        kind: ActionKind::Tunnel,
        name: "tunnel",
        value: "=KIND",
        params: &["delay", "endpoint", "target"],
        operations: &[("request", Point::Tunnel)],
        by_default: &[Point::Tunnel],
        meaning: "at a request for a `tunnel:///` handler: lost (the request goes out, and the tunnel's connection is \
                  reset), slow (it goes out later, delay=D[..D], 1s), or the tunnel's client is told to reconnect, to \
                  rebalance (one connection more), both with endpoint=URL and target=ID, or to close, for good",
        example: "tunnel=lost,every=500",
    },
];

/// The keys that every action takes, each with its meaning.
pub const KEYS: &[(&str, &str)] = &[
    ("hub=NAME", "only in this hub"),
    ("user=ID", "only for this user"),
    ("connection=ID", "only on this connection"),
    ("group=NAME", "only operations and messages of this group"),
    ("event=NAME", "only events of this name"),
    ("op=WORD", "only at this operation; several are joined by `|`"),
    ("nth=N", "only the Nth time"),
    ("times=N", "the first N times; with nth, N times from there"),
    ("every=N", "every Nth time; with nth, every Nth from there"),
    ("probability=P", "with this chance, from 0 to 1, decided by `--seed`"),
];

/// The names of [`KEYS`].
pub(super) fn key_names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(|(key, _)| key.split('=').next())
}

/// All of it, for people: what `--fault help` prints.
pub fn help_text() -> String {
    let mut out = String::from(
        "A fault is ACTION[=VALUE][,KEY=VALUE]…, and several --fault are in force together. A value with a comma in it\n\
         stands in double quotes. Every time a fault could happen is counted, over all connections.\n\nActions:\n",
    );
    for entry in ACTIONS {
        let _ = writeln!(out, "  {}{}", entry.name, entry.value);
        fill(&mut out, entry.meaning, 6);
        if entry.operations.len() > 1 {
            let words: Vec<&str> = entry.operations.iter().map(|(word, _)| *word).collect();
            fill(&mut out, &format!("op: {}", words.join(", ")), 6);
        }
        let _ = writeln!(out, "      --fault '{}'", entry.example);
    }
    out.push_str("\nKeys of all actions:\n");
    for (key, meaning) in KEYS {
        let _ = writeln!(out, "  {key:15}{meaning}");
    }
    out
}

/// Appends a paragraph in lines of at most 100 characters.
fn fill(out: &mut String, text: &str, indent: usize) {
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.chars().count() > 100 {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            let _ = write!(out, "{:indent$}{word}", "");
            column = indent + word.chars().count();
        } else {
            let _ = write!(out, " {word}");
            column += 1 + word.chars().count();
        }
    }
    out.push('\n');
}
