//! Between a client and who sees what comes: all observers see everything, the printer what the command is for.

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use super::explain::skew;
use super::gather::{FragmentResult, Gather, GatheredStream};
use super::observer::RunObserver;
use super::seen::MessageCounter;
use crate::render::{Ledger, Printer, Weight, WriteFailure};
use webpubsub_client::driver::{CurrentUrl, Trail};
use webpubsub_client::event::{EventSink, Flow, Invoked, Lifecycle, Mark, Received, WireFrame};
use webpubsub_proto::Origin;
use webpubsub_proto::session::{StreamNews, StreamTrouble};

/// Which messages a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageScope {
    /// All.
    All,
    /// Those of the application server.
    Server,
    /// None; the command is for something else.
    None,
}

/// The sink of a command.
#[derive(Debug)]
pub struct Tap {
    printer: Printer,
    shown: MessageScope,
    seen: Rc<MessageCounter>,
    observers: Vec<Rc<dyn RunObserver>>,
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
    /// `--streams whole`: what has come of group streams that have not ended.
    gather: Option<Gather>,
}

impl Tap {
    /// Shows messages with `printer`, and everything to `seen` and those added.
    pub fn new(printer: Printer, shown: MessageScope, seen: Rc<MessageCounter>) -> Self {
        let observers = vec![Rc::clone(&seen) as Rc<dyn RunObserver>];
        Self {
            printer,
            shown,
            seen,
            observers,
            url: None,
            clock: None,
            mark: None,
            leaves: None,
            left: false,
            losses: None,
            gather: None,
        }
    }

    /// Has this one see everything too.
    pub fn add(&mut self, observer: Rc<dyn RunObserver>) {
        self.observers.push(observer);
    }

    /// Takes the hub's name from this URL at each new connection.
    pub fn follow(&mut self, url: CurrentUrl) {
        self.url = Some(url);
    }

    /// Messages that are not shown wait at the service, for another run.
    pub fn take_shown_only(&mut self, ledger: Arc<dyn Ledger>) {
        self.leaves = Some(ledger);
    }

    /// Group streams are shown when they have ended, a message each.
    pub fn gather_streams(&mut self) {
        self.gather = Some(Gather::default());
    }

    /// A fragment came; it is shown with the rest of its stream.
    fn gather(&mut self, gathered: FragmentResult) -> Flow {
        match gathered {
            FragmentResult::Kept => Flow::Continue,
            FragmentResult::Ended(whole) => self.show(&whole),
            FragmentResult::Full(whole) => {
                let what = format!("stream `{}` is too long to be kept: it is shown in parts", whole.stream_id());
                self.printer.note(Weight::Warning, &what);
                self.show(&whole)
            }
        }
    }

    fn show(&mut self, whole: &GatheredStream) -> Flow {
        self.printer.mark_next(whole.flaws().words());
        whole.with(|message| {
            let (frame, received) = (WireFrame::Text(""), Received::Message(message));
            let mut flow = Flow::Continue;
            for observer in &self.observers {
                observer.prepare(&mut self.printer);
                flow = flow.and(observer.frame(frame, &received, true));
            }
            flow.and(self.printer.frame(frame, &received))
        })
    }

    /// Of these streams nothing more comes.
    fn show_broken(&mut self, event: &Lifecycle) -> Flow {
        let Lifecycle::Stream(StreamNews::Trouble { group, stream_id, user_id, trouble }) = event else {
            return Flow::Continue;
        };
        let ends = match trouble {
            StreamTrouble::IdleTimeout | StreamTrouble::Cut => true,
            StreamTrouble::JoinedLate { .. } | StreamTrouble::Gap { .. } | StreamTrouble::Repeated { .. } => false,
        };
        let gather = self.gather.as_mut().filter(|_| ends);
        match gather.and_then(|gather| gather.break_off(group, stream_id, user_id.as_deref())) {
            Some(whole) => self.show(&whole),
            None => Flow::Continue,
        }
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

    /// Warns once when the clock of this machine is wrong by the service's, as these dials hear it.
    pub fn watch_clock(&mut self, trail: Trail) {
        self.clock = Some(trail);
    }

    /// Tokens are signed with this machine's clock: they are good now, and a clock that runs on may make them bad.
    fn print_skew(&mut self) {
        let Some(trail) = &self.clock else { return };
        let Some(skew) = trail.served().and_then(|served| skew(served, SystemTime::now())) else { return };
        self.printer.note(Weight::Info, &format!("{skew}: set it, since tokens signed here go by it"));
        self.clock = None;
    }

    /// The printer.
    pub fn into_printer(mut self) -> Printer {
        while let Some(whole) = self.gather.as_mut().and_then(Gather::any) {
            let what = format!("stream `{}` has not ended: what has come of it is shown", whole.stream_id());
            self.printer.note(Weight::Warning, &what);
            // There may have been messages enough; this one has come all the same.
            let _ = self.show(&whole);
        }
        self.printer
    }
}

impl EventSink for Tap {
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow {
        for observer in &self.observers {
            observer.prepare(&mut self.printer);
            observer.lifecycle(event);
        }
        if let Lifecycle::Connected { .. } = event {
            self.left = false;
            if let Some(url) = self.url.as_ref().and_then(CurrentUrl::get) {
                self.printer.set_hub(url.hub());
            }
        }
        if matches!(event, Lifecycle::Connected { .. }) {
            self.print_skew();
        }
        if let Some(losses) = self.losses.as_mut().filter(|_| event.is_loss()) {
            *losses += 1;
            self.printer.losses(*losses);
        }
        let flow = self.printer.lifecycle(event);
        flow.and(self.show_broken(event))
    }

    fn frame(&mut self, frame: WireFrame<'_>, received: &Received<'_>) -> Flow {
        let shown = match (received, self.shown) {
            (Received::Message(_), MessageScope::All) => true,
            // A reply that may have been printed answers nothing of this run, where it can wait for another.
            (Received::Message(message), MessageScope::Server) => {
                message.origin == Origin::Server && !(message.redelivered && self.leaves.is_some())
            }
            (Received::Message(_), MessageScope::None) => false,
            (Received::States(_) | Received::Unknown { .. } | Received::Duplicate | Received::Control, _) => false,
        };
        if let (Some(gather), Received::Message(message), true) = (&mut self.gather, received, shown)
            && let Some(gathered) = gather.take(message)
        {
            return self.gather(gathered);
        }
        self.take_mark(matches!(received, Received::Message(_)), shown);
        let mut flow = Flow::Continue;
        for observer in &self.observers {
            observer.prepare(&mut self.printer);
            flow = flow.and(observer.frame(frame, received, shown));
        }
        match received {
            Received::Message(_) if !shown => flow,
            // What is told of states was asked for.
            Received::Message(_)
            | Received::States(_)
            | Received::Unknown { .. }
            | Received::Duplicate
            | Received::Control => flow.and(self.printer.frame(frame, received)),
        }
    }

    fn invoked(&mut self, invoked: &Invoked) -> Flow {
        for observer in &self.observers {
            observer.prepare(&mut self.printer);
            observer.invoked(invoked);
        }
        self.printer.invoked(invoked)
    }

    fn mark(&mut self, mark: Mark) {
        self.mark = Some(mark);
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Mark> {
        self.printer.poll_written(cx)
    }

    fn flush(&mut self) {
        self.observers.iter().for_each(|observer| observer.flush());
        self.printer.flush();
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let keep_up = self.observers.iter().all(|observer| observer.poll_room(cx).is_ready());
        let room = if keep_up { self.printer.poll_room(cx) } else { Poll::Pending };
        self.seen.set_blocked(room.is_pending());
        room
    }
}
