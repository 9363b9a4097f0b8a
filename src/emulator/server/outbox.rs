//! What a hub wants one socket to do: filled under the hub's lock, emptied by the socket's task.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use futures_util::task::AtomicWaker;

use webpubsub_proto::EncodedFrame;
use webpubsub_proto::hub::Cut;

/// Items that there is room for when there are none: there are many sockets, most of which have nothing to write.
const KEPT: usize = 32;

/// Something to write.
#[derive(Debug)]
pub(super) enum Item {
    Frame(EncodedFrame),
    Ping,
    /// The last thing to write.
    Close {
        code: u16,
        reason: Cow<'static, str>,
    },
    /// The end without a close frame, after what was written before.
    Cut(Cut),
}

/// The queue of one socket. Its length is bounded by the hub, which counts what was not written yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// The socket's task.
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    signals: Signals,
    /// The socket's task was not woken yet for what is new.
    stirred: bool,
}

/// What a hub wants beyond writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signals {
    /// Do not read.
    pub(super) paused: bool,
    /// A close frame or another end is queued.
    pub(super) closing: bool,
    /// Drop the socket at once.
    pub(super) aborted: bool,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an item. Tells whether the socket's task has to be woken: it is, once for many items.
    pub(super) fn push(&self, item: Item) -> bool {
        let mut state = self.state();
        state.signals.closing |= matches!(item, Item::Close { .. } | Item::Cut(_));
        state.items.push_back(item);
        !std::mem::replace(&mut state.stirred, true)
    }

    /// Changes the signals. Tells whether the socket's task has to be woken.
    pub(super) fn signal(&self, change: impl FnOnce(&mut Signals)) -> bool {
        let mut state = self.state();
        change(&mut state.signals);
        !std::mem::replace(&mut state.stirred, true)
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Moves all items to `into`, which is empty; gives the signals.
    pub(super) fn take(&self, into: &mut VecDeque<Item>) -> Signals {
        let mut state = self.state();
        state.stirred = false;
        if into.capacity() > KEPT {
            // It was filled by a burst.
            *into = VecDeque::new();
        }
        std::mem::swap(&mut state.items, into);
        state.signals
    }

    /// The signals alone, while there are items to write.
    pub(super) fn take_signals(&self) -> Signals {
        let mut state = self.state();
        // New items are looked at when the ones before are written, without being woken for them.
        state.stirred = false;
        state.signals
    }

    /// Forgets what nobody will write any more.
    pub(super) fn clear(&self) {
        self.state().items = VecDeque::new();
    }
}
