//! What a command sees of what came while it runs: how many messages, when, whether there is a connection.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::observer::RunObserver;
use webpubsub_client::event::{Flow, Lifecycle, Received, StateChanges, WireFrame};

/// What a command can see of what came.
#[derive(Debug)]
pub struct MessageCounter {
    /// When the last message came, or the start.
    pub last_message: Cell<Instant>,
    /// Messages shown.
    pub messages: Cell<u64>,
    /// How many are enough.
    limit: Option<u64>,
    /// A message came since the last flush.
    fresh: Cell<bool>,
    /// Whether the output takes no more.
    blocked: Cell<bool>,
    /// Whether there were as many messages as were wanted.
    pub limit_reached: Cell<bool>,
    /// Notified at each message.
    came: Notify,
    /// What has been counted of lines that are sent, once it knows.
    pub lines: Cell<Option<SentCounts>>,
    /// Whether there was a connection, told once.
    connected: Cell<bool>,
    connection: Notify,
    /// The states of a group that were asked for, as they came last.
    states: Cell<Option<StatesSeen>>,
    states_came: Notify,
}

/// All that there was of a group's states when they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatesSeen {
    /// How many members have one.
    pub members: usize,
    /// There may be more.
    pub may_be_cut_short: bool,
}

/// What became of lines that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentCounts {
    /// Messages that went out, each once.
    pub sent: u64,
    /// Those acknowledged.
    pub acked: u64,
    /// Lines that could not be sent, and messages that ended otherwise.
    pub failed: u64,
}

impl MessageCounter {
    /// Nothing has come; `limit` messages are enough.
    pub(super) fn new(limit: Option<u64>) -> Rc<Self> {
        Rc::new(Self {
            last_message: Cell::new(Instant::now()),
            messages: Cell::new(0),
            limit,
            fresh: Cell::new(false),
            blocked: Cell::new(false),
            limit_reached: Cell::new(false),
            came: Notify::new(),
            lines: Cell::new(None),
            connected: Cell::new(false),
            connection: Notify::new(),
            states: Cell::new(None),
            states_came: Notify::new(),
        })
    }

    /// The output holds messages back, or does not any more.
    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.set(blocked);
    }

    /// Resolves when another message has come.
    pub async fn more(&self) {
        self.came.notified().await;
    }

    /// Whether there is, or was, a connection.
    pub fn was_connected(&self) -> bool {
        self.connected.get()
    }

    /// Resolves when there is, or was, a connection. For one to wait.
    pub async fn connected(&self) {
        while !self.connected.get() {
            self.connection.notified().await;
        }
    }

    /// What is told of states from now on is what is waited for.
    pub fn forget_states(&self) {
        self.states.set(None);
    }

    /// Resolves when the states of a group have come, all that there were. For one to wait.
    pub async fn states(&self) -> StatesSeen {
        loop {
            if let Some(states) = self.states.get() {
                return states;
            }
            self.states_came.notified().await;
        }
    }

    /// Whether it is the output that holds messages back.
    pub fn is_blocked(&self) -> bool {
        self.blocked.get()
    }
}

impl RunObserver for MessageCounter {
    fn lifecycle(&self, event: &Lifecycle) {
        // The connection of an earlier run is one too.
        if matches!(event, Lifecycle::Connected { .. } | Lifecycle::Recovered { .. }) {
            self.connected.set(true);
            self.connection.notify_one();
        }
    }

    fn frame(&self, _frame: WireFrame<'_>, received: &Received<'_>, shown: bool) -> Flow {
        if !shown {
            if let Received::States(StateChanges { snapshot: true, may_be_cut_short, changes, .. }) = received {
                let members = changes.iter().filter(|change| change.state.is_some()).count();
                self.states.set(Some(StatesSeen { members, may_be_cut_short: *may_be_cut_short }));
                self.states_came.notify_one();
            }
            return Flow::Continue;
        }
        let messages = self.messages.get() + 1;
        self.messages.set(messages);
        self.fresh.set(true);
        if self.limit.is_some_and(|limit| messages >= limit) {
            self.limit_reached.set(true);
            return Flow::Stop;
        }
        Flow::Continue
    }

    fn flush(&self) {
        // Once a batch, not once a message: this is the hot path.
        if self.fresh.replace(false) {
            self.last_message.set(Instant::now());
            self.came.notify_one();
        }
    }
}
