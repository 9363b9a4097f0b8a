//! Who sees everything that comes, beside the printer.

use std::task::{Context, Poll};

use crate::render::{Printer, Writer};
use webpubsub_client::event::{Flow, Invoked, Lifecycle, Received, WireFrame};

/// What asks a run to end, from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// A signal of that number.
    Signal(u8),
    /// `--timeout` ran out.
    Timeout,
}

/// What becomes of an [`Interruption`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It ends the run.
    Ends,
    /// The run goes on.
    GoesOn,
    /// The command's script ends by it, as soon as it has said what it has to. Another one ends the run.
    Parting,
}

/// Somebody beside the printer who wants to see everything. Each method is called before the printer prints.
pub trait RunObserver: std::fmt::Debug {
    /// Something is about to be printed.
    fn prepare(&self, _printer: &mut Printer) {}

    /// Something other than a message happened.
    fn lifecycle(&self, _event: &Lifecycle) {}

    /// An invocation has ended.
    fn invoked(&self, _invoked: &Invoked) {}

    /// A frame came; `shown`: it is a message that the command is for. Returns whether the session goes on.
    fn frame(&self, _frame: WireFrame<'_>, _received: &Received<'_>, _shown: bool) -> Flow {
        Flow::Continue
    }

    /// Nothing more is waiting.
    fn flush(&self) {}

    /// Ready while it takes more; nothing is read from the connection before.
    fn poll_room(&self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Somebody wants the run to end. Returns what becomes of that.
    fn interrupted(&self, _by: Interruption) -> Reaction {
        Reaction::Ends
    }
}

/// No more is read ahead of a writer than it takes: what is recorded has to keep up.
#[derive(Debug)]
pub(super) struct Backpressure(pub(super) Writer);

impl RunObserver for Backpressure {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_room(cx)
    }
}
