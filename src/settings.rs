//! What will be done: a pure function of command line, environment and the files these name.
//!
//! [`settle()`] turns what was typed into one of the structures below, which leave nothing open: defaults are filled in,
//! sources have been read, contradictions refused. All its errors say what to do. Commands read these structures and
//! nothing else of the command line.

mod doctor;
mod emulator;
mod environment;
mod expressions;
mod line;
mod network;
mod on_ready;
mod payload;
mod profile;
mod replay;
mod session_file;
mod settle;
mod source;
mod stdin;
mod stream;
mod url;
mod within;

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::Shell;

use webpubsub_net::auth::access_url::{AccessUrl, Signer};
use webpubsub_net::auth::connection_string::ConnectionString;
use webpubsub_proto::Subprotocol;
use webpubsub_proto::session::Config;

pub use crate::cli::{ColorChoice, EmulatorFormat, Format, Only, ReportFormat, SetCommand, Speed};
pub use doctor::{Doctor, Problem};
pub use emulator::Emulator;
pub use environment::{Environment, Input, Note, ProcessInput};
pub use expressions::Expressions;
pub use line::{Line, settle_line};
pub use network::{Network, Proxies, Proxy, ProxyScheme};
pub use on_ready::OnReady;
pub use payload::{DataFrom, Encoding, MOST_READ, PayloadSource, PayloadType, too_large};
pub use profile::{Brought, Checked};
pub use replay::Replay;
pub use session_file::{KeptStream, SessionFile};
pub use settle::{settle, settle_line_and_profile};
pub use stream::{Stream, StreamFeed, Template};
pub use within::{Limit, read_within};

/// What will be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Settings {
    /// `wps listen`.
    Listen(Box<Listen>),
    /// `wps join`.
    Join(Box<Join>),
    /// `wps send`.
    Send(Box<Send>),
    /// `wps event`.
    Event(Box<Event>),
    /// `wps send` and `wps event` of many messages.
    Stream(Box<Stream>),
    /// `wps repl`.
    Repl(Box<Repl>),
    /// `wps replay`.
    Replay(Box<Replay>),
    /// `wps doctor`.
    Doctor(Box<Doctor>),
    /// `wps emulator`.
    Emulator(Box<Emulator>),
    /// `wps url create`.
    UrlCreate(Box<UrlCreate>),
    /// `wps url inspect`.
    UrlInspect(Box<UrlInspect>),
    /// `wps config path`: where the file is, or would be.
    ConfigPath(PathBuf),
    /// `wps config show`: what to print.
    ConfigShow(String),
    /// `wps config check`: what was found.
    ConfigCheck(Checked),
    /// `wps completions`.
    Completions {
        /// Whose script to print.
        shell: Shell,
    },
    /// `wps man`.
    Man {
        /// Where to write the pages; made when missing.
        dir: PathBuf,
    },
}

/// Where to connect and how to stay connected.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Where the URL comes from.
    pub source: Source,
    /// Subprotocol to offer.
    pub protocol: Subprotocol,
    /// The way there.
    pub network: Network,
    /// How the server is authenticated.
    pub tls: Tls,
    /// The session's share. Its `seed` is 0 here: whoever starts the session draws one.
    pub session: Config,
    /// `--timeout`, from the start of the process.
    pub timeout: Option<Duration>,
    /// The file that every frame is recorded in.
    pub record: Option<PathBuf>,
    /// `--session`: the connection outlives the process.
    pub session_file: Option<SessionFile>,
}

/// Where a client access URL comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Given whole; the same for every connection.
    Url(AccessUrl),
    /// Signed here, a fresh one for each fresh connection.
    Signed(Signer),
    /// Printed by this shell command, which is run for each fresh connection.
    Command(String),
    /// The emulator on this machine, at `localhost` and this port.
    Local {
        /// 1 to 65535.
        port: u16,
        /// Signs with the published development key.
        signer: Signer,
    },
}

/// How the two ends are authenticated on `wss`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file with roots to trust besides the platform's.
    pub ca_cert: Option<PathBuf>,
    /// Trust them alone.
    pub only_ca_cert: bool,
    /// PEM files with our own certificate and its private key, perhaps the same file.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// Accept any certificate.
    pub insecure: bool,
}

/// What is printed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// What stdout carries.
    pub format: Format,
    /// Print only these records (`ndjson` and `raw`).
    pub only: Option<Only>,
    /// Print the time before each message (`text`).
    pub timestamps: bool,
    /// What is printed of records, and when they end the run.
    pub expressions: Expressions,
    /// The environment's word is in it: ask [`ColorChoice::enabled`].
    pub color: ColorChoice,
    /// stderr has errors only.
    pub quiet: bool,
    /// 0 to 3: nothing more, lifecycle, frames, handshake.
    pub verbosity: u8,
    /// `WPS_LOG`, a tracing filter.
    pub log_filter: Option<String>,
}

/// `wps listen`.
#[derive(Clone, Debug, PartialEq)]
pub struct Listen {
    /// Where to connect.
    pub connection: Connection,
    /// What is printed.
    pub output: Output,
    /// Groups to join, without repetition.
    pub groups: Vec<String>,
    /// What is started when all groups are joined.
    pub on_ready: Option<OnReady>,
    /// End after so many messages, at least 1.
    pub count: Option<u64>,
    /// `--for`: end after this time.
    pub duration: Option<Duration>,
    /// End when no message came for this time.
    pub idle_timeout: Option<Duration>,
}

/// `wps join`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// Where to connect.
    pub connection: Connection,
    /// What is printed.
    pub output: Output,
    /// Groups to join, at least one, without repetition.
    pub groups: Vec<String>,
    /// Hold the membership until stopped.
    pub stay: bool,
    /// ackId of the first join; the others count up from it, which is checked to fit.
    pub ack_id: Option<u64>,
}

/// `wps send`.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// Where to connect.
    pub connection: Connection,
    /// What is printed.
    pub output: Output,
    /// Group to publish to.
    pub group: String,
    /// What to publish.
    pub payload: PayloadSource,
    /// Do not deliver to the own connection.
    pub no_echo: bool,
    /// Whether and under which id an ack is asked for.
    pub ack: Ack,
}

/// `wps event`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where to connect.
    pub connection: Connection,
    /// What is printed.
    pub output: Output,
    /// Name of the event.
    pub event: String,
    /// What to send.
    pub payload: PayloadSource,
    /// Whether and under which id an ack is asked for.
    pub ack: Ack,
    /// Print so many server messages, at least 1, and then end.
    pub wait_reply: Option<u64>,
}

/// `wps repl`.
#[derive(Clone, Debug, PartialEq)]
pub struct Repl {
    /// Where to connect.
    pub connection: Connection,
    /// What is printed.
    pub output: Output,
    /// Where the script is; `None`: stdin.
    pub script: Option<PathBuf>,
    /// A failed line does not end the script.
    pub keep_going: bool,
    /// Where the history is kept.
    pub history: HistoryPlace,
    /// The terminal folds long lines anew when its width changes.
    pub refolds: bool,
}

/// Where the lines that were entered are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryPlace {
    /// In this file.
    File(PathBuf),
    /// Nowhere: there is no home.
    Nowhere,
}

/// Whether and under which id an operation asks for an ack (PROTOCOL §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// Under the next id of the connection.
    Automatic,
    /// Under this id.
    Id(u64),
    /// Fire and forget.
    None,
}

/// What is printed by a command that makes or explains something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What stdout carries.
    pub format: ReportFormat,
    /// The environment's word is in it: ask [`ColorChoice::enabled`].
    pub color: ColorChoice,
    /// stderr has errors only.
    pub quiet: bool,
    /// 0 to 3: nothing more, lifecycle, frames, handshake.
    pub verbosity: u8,
    /// `WPS_LOG`, a tracing filter.
    pub log_filter: Option<String>,
}

/// `wps url create`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlCreate {
    /// Makes the URL.
    pub signer: Signer,
    /// Print the token alone.
    pub token_only: bool,
    /// How it is printed.
    pub tool: Tool,
}

/// `wps url inspect`.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlInspect {
    /// What to inspect.
    pub subject: Source,
    /// The service whose key the signature is checked with.
    pub service: Option<ConnectionString>,
    /// Limit of a URL command.
    pub connect_timeout: Duration,
    /// How it is printed.
    pub tool: Tool,
}

#[cfg(test)]
mod tests;
