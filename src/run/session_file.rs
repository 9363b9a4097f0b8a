//! `--session FILE`: the connection of an earlier run taken up, and this one's recorded as it goes.
//!
//! The driver records through a [`Keeper`] what has to be known before a frame is sent; the thread that writes the
//! output records through a [`Ledger`] what is printed, before and after. Both write the one [`SessionFile`].

use std::io;
use std::sync::{Arc, OnceLock};

use clap::ValueEnum;

use super::chance::unix_now;
use super::process::LastAct;
use super::url_source::url_source;
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::session_file::settings::{self, LinesTemplate};
use crate::options::values::Protocol;
use crate::render::{Console, Ledger, Printer, Reach, Weight, rfc3339};
use crate::state::{FormatError, Holder, OpenError, OpenedSession, SentLines, SessionFile, SessionScope, free_id};
use webpubsub_client::driver::{CurrentUrl, KeepFailed, Keeper, NetDialer};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::token::peek_claims;
use webpubsub_net::secret;
use webpubsub_proto::Subprotocol;
use webpubsub_proto::session::{Keep, OnUnknown, Resume, Snapshot};

/// A session file in use.
#[derive(Debug)]
pub struct ActiveSession {
    file: Arc<SessionFile>,
    /// As it was named.
    name: String,
    /// What an earlier run left.
    keep: Keep,
    /// Where a recovery goes.
    url: Option<AccessUrl>,
    /// Every message is this command's.
    pub takes_messages: bool,
    /// Output of an earlier run may have ended in the middle of a line.
    torn: bool,
    /// The input that this command sends line by line.
    pub lines: Option<LinesFile>,
    /// That input, once it has ended.
    ended: Arc<OnceLock<SentLines>>,
    /// Why the driver could not record.
    failure: Arc<OnceLock<io::Error>>,
}

/// The position in an input, in the file.
#[derive(Clone, Debug)]
pub struct LinesFile {
    file: Arc<SessionFile>,
    /// As the file was named.
    pub name: String,
    /// What an earlier run left of it, or a new one.
    pub lines: SentLines,
    /// The connection that its lines were sent on is gone.
    pub stale: bool,
    /// How many operations of others were sent on the connection.
    pub others: u64,
    /// What it was, once it has ended.
    ended: Arc<OnceLock<SentLines>>,
}

impl LinesFile {
    /// Which connection there is now.
    pub fn ordinal(&self) -> u64 {
        self.file.ordinal()
    }

    /// Records the position. Fails with exit 13.
    pub fn keep(&self, lines: &mut SentLines) -> Result<(), Failure> {
        self.file.keep_lines(lines).map_err(|error| not_recorded(&named(&self.name, &error)))
    }

    /// The input has ended, which is recorded with the end of the run: whoever runs it again because that could not be
    /// done sends nothing twice.
    pub fn end(&self, lines: &SentLines) {
        let _ = self.ended.set(lines.clone());
    }
}

/// What to do about an input that is not the one in the file.
pub const OTHER_INPUT: &str = "nothing was sent: run it again with the same input and flags to go on with it, or name \
     another file; a file that is moved away begins anew";

/// Opens the file, if one is asked for. Fails with exit 3.
pub fn open(connection: &ConnectionSettings, printer: &mut Printer) -> Result<Option<ActiveSession>, Failure> {
    let Some(settings) = &connection.session_file else { return Ok(None) };
    let holder = Holder { pid: std::process::id(), command: settings.command.to_owned(), since: rfc3339(unix_now()) };
    let name = settings.path.display().to_string();
    let opened = SessionFile::open(&settings.path, &holder).map_err(|error| not_opened(&name, error))?;
    if let (Some(stored), Some(url)) = (&opened.place, url_source(connection)?.at_once()) {
        check_place(&name, stored, &place(&url, connection.protocol))?;
    }
    if let Some(mode) = opened.exposed {
        let what = format!(
            "others could read the session file `{name}` (mode {mode:o}), which holds a token; now they cannot"
        );
        printer.note(Weight::Warning, &what);
    }
    let unfinished = opened.lines.as_ref().filter(|lines| lines.end() > 0);
    match (unfinished, &settings.stream) {
        (Some(unfinished), Some(wanted)) => check_lines(&name, unfinished, wanted)?,
        (Some(unfinished), None) => {
            let settled = unfinished.settled();
            let what = format!(
                "`{name}` holds the position of a stream that is not finished, after line {settled}: the command that \
                 sends it goes on with it when it is run again"
            );
            printer.note(Weight::Warning, &what);
        }
        (None, _) => {}
    }
    let doubles = connection.session.on_unknown == OnUnknown::Resend;
    let first_id = settings.stream.as_ref().and_then(|wanted| wanted.first_id);
    if let Some(id) = first_id.filter(|id| unfinished.is_none() && !doubles && opened.snapshot.has_forgotten(*id)) {
        return Err(forgotten(&name, id));
    }
    Ok(Some(ActiveSession::new(opened, name, settings)))
}

/// A stream that has ended is asked for once more, and would arrive twice (PROTOCOL §6).
fn forgotten(name: &str, id: u64) -> Failure {
    let what = format!(
        "an earlier run with `{name}` has sent messages under ackId {id}, and the service may have forgotten them: it \
         would carry them out again"
    );
    Failure::message(Kind::OperationUnknown, what)
        .hint("nothing was sent: without `--ack-id`, or with another one, they are new messages")
        .hint("`--on-unknown resend` sends them under these ids, at the risk of doubling them")
}

impl ActiveSession {
    fn new(opened: OpenedSession, name: String, settings: &settings::SessionFileSettings) -> Self {
        let OpenedSession { file, place, mut snapshot, done, begun, downtime, lines, .. } = opened;
        let file = Arc::new(file);
        let unfinished = lines.filter(|lines| lines.end() > 0);
        if let Some(used) = unfinished.as_ref().and_then(SentLines::used) {
            snapshot.use_ids(used);
        }
        let lines = match (unfinished, &settings.stream) {
            (None, Some(wanted)) => {
                let first_id = wanted.first_id.unwrap_or_else(|| free_id(&snapshot.used_ids));
                Some(SentLines::new(first_id, &wanted.template))
            }
            (unfinished, _) => unfinished,
        };
        let reserved = lines.as_ref().map(SentLines::reserved);
        let stale = snapshot.connection.is_none() || lines.as_ref().is_some_and(|it| it.ordinal != snapshot.ordinal);
        let lines = lines.filter(|_| settings.stream.is_some());
        let others = snapshot.sent;
        let ended = Arc::<OnceLock<SentLines>>::default();
        let lines = lines.map(|lines| {
            let (file, ended) = (Arc::clone(&file), Arc::clone(&ended));
            LinesFile { file, name: name.clone(), lines, stale, others, ended }
        });
        let mut url = None;
        if let Some(connection) = &snapshot.connection {
            secret::remember(&connection.token.0);
            url = place.as_ref().and_then(|place| AccessUrl::parse(&place.url).ok());
        }
        let unwanted = |group: &String| settings.groups.as_ref().is_some_and(|wanted| !wanted.contains(group));
        let leave = snapshot.groups.iter().map(|(group, ..)| group.clone()).filter(unwanted).collect();
        let resume = (snapshot != Snapshot::default()).then_some(Resume { snapshot, done, begun, downtime, leave });
        Self {
            file,
            name,
            keep: Keep { resume, reserved },
            lines,
            ended,
            url,
            takes_messages: settings.takes_messages,
            torn: begun > done,
            failure: Arc::default(),
        }
    }

    /// What the session has to know.
    pub fn keep(&self) -> Keep {
        self.keep.clone()
    }

    /// Where is recorded how far messages have come.
    pub fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::new(FileLedger { file: Arc::clone(&self.file), name: self.name.clone() })
    }

    /// Where the connection of an earlier run is, and from now on everything is recorded.
    pub fn attach(&self, dialer: &mut NetDialer, protocol: Subprotocol, console: &Console) -> Box<dyn Keeper + Send> {
        if let Some(url) = &self.url {
            dialer.recover_at(url);
        }
        if self.torn {
            console.out.end_torn_line();
        }
        // Of a terminal the two are one, which records all.
        console.err.writer().record_with(Arc::new(LossLedger { file: Arc::clone(&self.file) }));
        console.out.writer().record_with(self.ledger());
        let resumed = self.keep.resume.as_ref().and_then(|resume| resume.snapshot.connection.as_ref());
        Box::new(FileKeeper {
            file: Arc::clone(&self.file),
            name: self.name.clone(),
            url: dialer.current_url(),
            protocol,
            connection_id: resumed.map(|connection| connection.id.clone()),
            failure: Arc::clone(&self.failure),
        })
    }

    /// Why the driver could not record, if so.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.get().map(not_recorded)
    }

    /// The last record of a run, down to the disk. Everything that was printed is written by now. An input that has ended
    /// is over if all is well: a run that fails is run again, and has nothing to send then. So is one that is killed at its
    /// end: that the input is over is put off until nothing else is left to do.
    pub fn close(&self, is_well: bool, last_act: &LastAct) -> Option<Failure> {
        let ended = self.ended.get().filter(|_| is_well && self.failure.get().is_none());
        let named = |name: &str, error| not_recorded(&named(name, &error));
        if let Err(error) = self.file.close() {
            return Some(named(&self.name, error));
        }
        if ended.is_some() {
            let (file, name) = (Arc::clone(&self.file), self.name.clone());
            last_act.put_off(move || file.forget_input().map_err(|error| named(&name, error)));
        }
        None
    }
}

/// What could not be recorded, as an error of the whole run.
pub fn not_recorded(error: &io::Error) -> Failure {
    Failure::message(Kind::Output, error.to_string())
        .hint("what is not recorded is not acknowledged: the next run goes on from what was recorded last")
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not write the session file `{name}`: {error}"))
}

fn not_opened(name: &str, error: OpenError) -> Failure {
    let hint = match &error {
        OpenError::Held(_) => {
            "a connection has one user at a time: wait for the other run to end, or name another file"
        }
        OpenError::Format(FormatError::Other) => "it was left as it is: name another file",
        OpenError::Format(FormatError::Newer(_)) => {
            "it was left as it is: use the wps that has written it, or name another file"
        }
        OpenError::Format(FormatError::Damaged(_)) => {
            "it was left as it is: move it away to begin with a new connection; what waits for the old one is lost then"
        }
        OpenError::Linked(_) => {
            "a lock holds for one name: remove the others, make them symbolic links, or name another file"
        }
        OpenError::ForeignLock(_) => "it was left as it is: name another file",
        OpenError::NotAFile(_) | OpenError::Dangling(_) => "name a file, which is made when it is missing",
        OpenError::NoDirectory(_) => "make the directory, or name a file elsewhere",
        OpenError::Read(_) | OpenError::Write(_) => {
            "the file and its directory have to be readable and writable: FILE is replaced at each change, FILE.lock lies beside it"
        }
    };
    let what = format!("the session file `{name}` cannot be used");
    Failure::new(Kind::Config, anyhow::anyhow!("{error}").context(what)).hint(hint)
}

/// Another input than the one in the file would have its lines taken for those.
fn check_lines(name: &str, unfinished: &SentLines, wanted: &LinesTemplate) -> Result<(), Failure> {
    let (first, settled) = (unfinished.first_id(), unfinished.settled());
    let why = if !unfinished.has_template(&wanted.template) {
        "this one has another target, `--type`, `--encoding`, `--no-echo` or kind of input".to_owned()
    } else if wanted.first_id.is_some_and(|id| id != first) {
        format!("its ackIds begin with {first}")
    } else {
        return Ok(());
    };
    let what = format!(
        "the session file `{name}` holds the position of another stream, not finished after line {settled}: {why}"
    );
    Err(Failure::message(Kind::Config, what).hint(OTHER_INPUT))
}

/// What a connection to that URL belongs to.
fn place(url: &AccessUrl, protocol: Subprotocol) -> SessionScope {
    SessionScope {
        endpoint: url.origin(),
        hub: url.hub().to_owned(),
        user: url.token().and_then(|token| peek_claims(token.expose())).and_then(|claims| claims.sub),
        protocol: protocol.name().to_owned(),
        url: url.without_token(),
    }
}

fn check_place(name: &str, stored: &SessionScope, given: &SessionScope) -> Result<(), Failure> {
    let same = stored.endpoint.eq_ignore_ascii_case(&given.endpoint)
        && stored.hub.eq_ignore_ascii_case(&given.hub)
        && stored.user == given.user
        && stored.protocol == given.protocol;
    if same {
        return Ok(());
    }
    let described = |place: &SessionScope| {
        let user = place.user.as_deref().map_or("an anonymous user".to_owned(), |user| format!("user `{user}`"));
        format!("hub `{}` at `{}` as {user}", place.hub, place.endpoint)
    };
    let (stored_place, given_place) = (described(stored), described(given));
    let what = match (stored_place == given_place, stored.protocol == given.protocol) {
        (true, false) => {
            format!(
                "the connection of the session file `{name}` speaks `{}`, not `{}`",
                stored.protocol, given.protocol
            )
        }
        (_, true) => format!("the session file `{name}` is for {stored_place}, not for {given_place}"),
        (false, false) => {
            let speaks = &stored.protocol;
            format!("the session file `{name}` is for {stored_place}, not for {given_place}; it speaks `{speaks}`")
        }
    };
    let failure = Failure::message(Kind::Config, what);
    let flag = Protocol::value_variants().iter().find(|protocol| protocol.subprotocol().name() == stored.protocol);
    let flag = flag.and_then(ValueEnum::to_possible_value).filter(|_| stored.protocol != given.protocol);
    let failure = match flag {
        Some(flag) => failure.hint(format!("`--protocol {}` goes on with it", flag.get_name())),
        None => failure,
    };
    Err(failure.hint("name another file for this connection; the one in the file is kept until it is used or given up"))
}

/// Records for the driver.
struct FileKeeper {
    file: Arc<SessionFile>,
    name: String,
    url: CurrentUrl,
    protocol: Subprotocol,
    /// The connection that was recorded last.
    connection_id: Option<String>,
    failure: Arc<OnceLock<io::Error>>,
}

impl Keeper for FileKeeper {
    fn keep(&mut self, snapshot: Snapshot) -> Result<(), KeepFailed> {
        let id = snapshot.connection.as_ref().map(|connection| connection.id.clone());
        let is_new = id.is_some() && id != self.connection_id;
        let place = self.url.get().filter(|_| is_new).map(|url| place(&url, self.protocol));
        self.connection_id = id;
        self.file.keep(snapshot, place).map_err(|error| {
            let _ = self.failure.set(named(&self.name, &error));
            KeepFailed
        })
    }
}

/// Records for the thread that writes.
#[derive(Debug)]
struct FileLedger {
    file: Arc<SessionFile>,
    name: String,
}

impl Ledger for FileLedger {
    fn begin(&self, reach: Reach) -> io::Result<()> {
        let begun = reach.mark.map_or_else(|| self.file.settle(), |mark| self.file.begin(mark));
        begun.map_err(|error| named(&self.name, &error))
    }

    fn done(&self, reach: Reach) {
        if let Some(mark) = reach.mark {
            self.file.done(mark);
        }
        self.file.losses_reported(reach.losses);
    }

    fn settle(&self) -> io::Result<()> {
        self.file.settle().map_err(|error| named(&self.name, &error))
    }
}

/// Records for the thread that writes stderr, where only losses are told.
#[derive(Debug)]
struct LossLedger {
    file: Arc<SessionFile>,
}

impl Ledger for LossLedger {
    fn begin(&self, _reach: Reach) -> io::Result<()> {
        Ok(())
    }

    fn done(&self, reach: Reach) {
        self.file.losses_reported(reach.losses);
    }

    fn settle(&self) -> io::Result<()> {
        // What cannot be recorded is told once more by the next run. Words on stderr do not end for it.
        let _ = self.file.settle();
        Ok(())
    }
}
