//! Between a client and its printer: counts messages, passes on those the command is for, and ends the session when
//! there were enough.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::client::driver::CurrentUrl;
use crate::client::event::{EventSink, Flow, Frame, Lifecycle, Mark, Received};
use crate::protocol::Origin;
use crate::render::Printer;

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
}

impl Seen {
    /// Resolves when another message has come.
    pub async fn more(&self) {
        self.came.notified().await;
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
    fn frame(&self, frame: Frame<'_>, received: &Received<'_>);

    /// Nothing more is waiting.
    fn flush(&self);
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
    /// Where the client connects, if that is to be seen only then.
    url: Option<CurrentUrl>,
    /// How far messages have come with the next frame.
    mark: Option<Mark>,
    /// Messages that are not shown count as taken too.
    takes_all: bool,
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
        });
        (
            Self {
                printer,
                shown,
                limit,
                fresh: false,
                seen: Rc::clone(&seen),
                watcher,
                url: None,
                mark: None,
                takes_all: true,
            },
            seen,
        )
    }

    /// Takes the hub's name from this URL at each new connection.
    pub fn follow(&mut self, url: CurrentUrl) {
        self.url = Some(url);
    }

    /// Messages that are not shown wait at the service, for another run.
    pub fn take_shown_only(&mut self) {
        self.takes_all = false;
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
        if let (Lifecycle::Connected { .. }, Some(url)) = (event, self.url.as_ref().and_then(CurrentUrl::get)) {
            self.printer.set_hub(url.hub());
        }
        self.printer.lifecycle(event)
    }

    fn frame(&mut self, frame: Frame<'_>, received: &Received<'_>) -> Flow {
        if let Some(watcher) = &self.watcher {
            watcher.prepare(&mut self.printer);
            watcher.frame(frame, received);
        }
        let shown = match (received, self.shown) {
            (Received::Message(_), Shown::All) => true,
            (Received::Message(message), Shown::Server) => message.origin == Origin::Server,
            (Received::Message(_), Shown::None) => false,
            (Received::Unknown { .. } | Received::Duplicate | Received::Control, _) => false,
        };
        if let Some(mark) = self.mark.take().filter(|_| shown || self.takes_all) {
            self.printer.mark(mark);
        }
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
        let room = self.printer.poll_room(cx);
        self.seen.blocked.set(room.is_pending());
        room
    }
}
