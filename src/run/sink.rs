//! Between a client and its printer: counts messages, passes on those the command is for, and ends the session when
//! there were enough.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::explain::skew;
use crate::render::{Ledger, Printer, Weight, WriteFailure, Writer};
use webpubsub_client::driver::{CurrentUrl, Trail};
use webpubsub_client::event::{EventSink, Flow, Lifecycle, Mark, Received, WireFrame};
use webpubsub_proto::Origin;

/// Which messages a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All.
    All,
    /// Those of the application server.
    Server,
    /// None; the command is for something else.
    None,
}

/// What a command can see of what came.
#[derive(Debug)]
pub struct Seen {
    /// When the last message came, or the start.
    pub last_message: Cell<Instant>,
    /// Messages shown.
    pub messages: Cell<u64>,
    /// Whether the output takes no more.
    blocked: Cell<bool>,
    /// Whether there were as many messages as were wanted.
    pub sated: Cell<bool>,
    /// Told at each message.
    came: Notify,
    /// What a stream of messages has counted, once it knows.
    pub stream: Cell<Option<StreamCounts>>,
    /// Whether there was a connection, told once.
    connected: Cell<bool>,
    connection: Notify,
}

/// What became of the lines of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamCounts {
    /// Messages that went out, each once.
    pub sent: u64,
    /// Those acknowledged.
    pub acked: u64,
    /// Lines that could not be sent, and messages that ended otherwise.
    pub failed: u64,
}

impl Seen {
    /// Resolves when another message has come.
    pub async fn more(&self) {
        self.came.notified().await;
    }

    /// Resolves when there is, or was, a connection. For one to wait.
    pub async fn connected(&self) {
        while !self.connected.get() {
            self.connection.notified().await;
        }
    }

    /// Whether it is the output that holds messages back.
    pub fn is_blocked(&self) -> bool {
        self.blocked.get()
    }
}

/// Somebody beside the printer who wants to see everything, before it is printed.
pub trait Watcher: std::fmt::Debug {
    /// Something is about to be printed.
    fn prepare(&self, printer: &mut Printer);

    /// Something other than a message happened.
    fn lifecycle(&self, event: &Lifecycle);

    /// A frame came.
    fn frame(&self, frame: WireFrame<'_>, received: &Received<'_>);

    /// Nothing more is waiting.
    fn flush(&self);

    /// SIGINT came. Returns whether that is dealt with; if not, it ends the run.
    fn interrupted(&self) -> bool {
        false
    }
}

/// The sink of a command.
#[derive(Debug)]
pub struct Tap {
    printer: Printer,
    shown: Shown,
    /// Enough.
    limit: Option<u64>,
    /// A message came since the last flush.
    fresh: bool,
    seen: Rc<Seen>,
    watcher: Option<Rc<dyn Watcher>>,
    /// What else has to keep up.
    recording: Option<Writer>,
    /// Where the client connects, if that is to be seen only then.
    url: Option<CurrentUrl>,
    /// The dials in which the service's clock is looked at, until there was something to say about it.
    clock: Option<Trail>,
    /// How far messages have come with the next frame.
    mark: Option<Mark>,
    /// Where is recorded what is shown, if messages that are not shown are left to another run.
    leaves: Option<Arc<dyn Ledger>>,
    /// A message of this connection was left: what comes behind it cannot be said to have been taken.
    left: bool,
    /// Losses that were told, where they are recorded until they are.
    losses: Option<u64>,
}

impl Tap {
    /// Shows up to `limit` messages with `printer`.
    pub fn new(
        printer: Printer,
        shown: Shown,
        limit: Option<u64>,
        watcher: Option<Rc<dyn Watcher>>,
    ) -> (Self, Rc<Seen>) {
        let seen = Rc::new(Seen {
            last_message: Cell::new(Instant::now()),
            messages: Cell::new(0),
            blocked: Cell::new(false),
            sated: Cell::new(false),
            came: Notify::new(),
            stream: Cell::new(None),
            connected: Cell::new(false),
            connection: Notify::new(),
        });
        let tap = Self {
            printer,
            shown,
            limit,
            fresh: false,
            seen: Rc::clone(&seen),
            watcher,
            recording: None,
            url: None,
            clock: None,
            mark: None,
            leaves: None,
            left: false,
            losses: None,
        };
        (tap, seen)
    }

    /// Takes the hub's name from this URL at each new connection.
    pub fn follow(&mut self, url: CurrentUrl) {
        self.url = Some(url);
    }

    /// Messages that are not shown wait at the service, for another run.
    pub fn take_shown_only(&mut self, ledger: Arc<dyn Ledger>) {
        self.leaves = Some(ledger);
    }

    /// Losses are recorded until they were put out.
    pub fn count_losses(&mut self) {
        self.losses = Some(0);
    }

    /// How far messages have come with this one. Up to there all were taken, unless one was left: then it is recorded
    /// that this one may be printed, and the run that takes those before marks it.
    fn take_mark(&mut self, is_message: bool, shown: bool) {
        let Some(mark) = self.mark.take() else { return };
        let Some(ledger) = &self.leaves else { return self.printer.mark(mark) };
        self.left |= is_message && !shown;
        if shown && !self.left {
            self.printer.mark(mark);
        } else if shown && let Err(error) = ledger.begin(mark.into()) {
            self.printer.console().out.writer().fail(WriteFailure::Unrecorded(Arc::new(error)));
        }
    }

    /// Says once when the clock of this machine is wrong by the service's, as these dials hear it.
    pub fn watch_clock(&mut self, trail: Trail) {
        self.clock = Some(trail);
    }

    /// Tokens are signed with this machine's clock: they are good now, and a clock that runs on may make them bad.
    fn tell_skew(&mut self) {
        let Some(trail) = &self.clock else { return };
        let Some(skew) = trail.served().and_then(|served| skew(served, SystemTime::now())) else { return };
        self.printer.note(Weight::Info, &format!("{skew}: set it, since tokens signed here go by it"));
        self.clock = None;
    }

    /// Reads no further ahead of this writer than of stdout.
    pub fn wait_for(&mut self, recording: Writer) {
        self.recording = Some(recording);
    }

    /// The printer.
    pub fn into_printer(self) -> Printer {
        self.printer
    }
}

impl EventSink for Tap {
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow {
        if let Some(watcher) = &self.watcher {
            watcher.prepare(&mut self.printer);
            watcher.lifecycle(event);
        }
        if let Lifecycle::Connected { .. } = event {
            self.left = false;
            if let Some(url) = self.url.as_ref().and_then(CurrentUrl::get) {
                self.printer.set_hub(url.hub());
            }
        }
        if matches!(event, Lifecycle::Connected { .. }) {
            self.tell_skew();
        }
        // The connection of an earlier run is one too.
        if matches!(event, Lifecycle::Connected { .. } | Lifecycle::Recovered { .. }) {
            self.seen.connected.set(true);
            self.seen.connection.notify_one();
        }
        if let Some(losses) = self.losses.as_mut().filter(|_| event.is_loss()) {
            *losses += 1;
            self.printer.losses(*losses);
        }
        self.printer.lifecycle(event)
    }

    fn frame(&mut self, frame: WireFrame<'_>, received: &Received<'_>) -> Flow {
        if let Some(watcher) = &self.watcher {
            watcher.prepare(&mut self.printer);
            watcher.frame(frame, received);
        }
        let shown = match (received, self.shown) {
            (Received::Message(_), Shown::All) => true,
            // A reply that may have been printed answers nothing of this run, where it can wait for another.
            (Received::Message(message), Shown::Server) => {
                message.origin == Origin::Server && !(message.redelivered && self.leaves.is_some())
            }
            (Received::Message(_), Shown::None) => false,
            (Received::Unknown { .. } | Received::Duplicate | Received::Control, _) => false,
        };
        self.take_mark(matches!(received, Received::Message(_)), shown);
        let Received::Message(_) = received else { return self.printer.frame(frame, received) };
        if !shown {
            return Flow::Continue;
        }
        let flow = self.printer.frame(frame, received);
        let messages = self.seen.messages.get() + 1;
        self.seen.messages.set(messages);
        self.fresh = true;
        if self.limit.is_some_and(|limit| messages >= limit) {
            self.seen.sated.set(true);
            return Flow::Stop;
        }
        flow
    }

    fn mark(&mut self, mark: Mark) {
        self.mark = Some(mark);
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Mark> {
        self.printer.poll_written(cx)
    }

    fn flush(&mut self) {
        // Once a batch, not once a message: this is the hot path.
        if std::mem::take(&mut self.fresh) {
            self.seen.last_message.set(Instant::now());
            self.seen.came.notify_one();
        }
        if let Some(watcher) = &self.watcher {
            watcher.flush();
        }
        self.printer.flush();
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let recorded = self.recording.as_ref().is_none_or(|recording| recording.poll_room(cx).is_ready());
        let room = if recorded { self.printer.poll_room(cx) } else { Poll::Pending };
        self.seen.blocked.set(room.is_pending());
        room
    }
}
