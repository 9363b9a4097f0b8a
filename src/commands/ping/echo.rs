//! What a ping sees of its client: whether there is a connection, and the own messages that come back.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::run::observer::RunObserver;
use webpubsub_client::event::{Flow, Lifecycle, Received, WireFrame};
use webpubsub_proto::{Data, Message, Origin};

/// Sees the client.
#[derive(Debug)]
pub struct Echo {
    /// Distinguishes this run's messages from those of others in the same group.
    run: u64,
    group: Option<String>,
    /// Since when there is a connection; `None`: there is none.
    live: Cell<Option<Instant>>,
    /// The last one was given up.
    given_up: Cell<bool>,
    /// Notified when that changes.
    pub changed: Notify,
    /// Who waits for which message.
    awaited: RefCell<HashMap<u64, oneshot::Sender<Instant>>>,
}

impl Echo {
    /// Of messages through that group, if there is one.
    pub fn new(run: u64, group: Option<String>) -> Self {
        Self {
            run,
            group,
            live: Cell::new(None),
            given_up: Cell::new(false),
            changed: Notify::new(),
            awaited: RefCell::default(),
        }
    }

    /// Since when there is a connection.
    pub fn live_since(&self) -> Option<Instant> {
        self.live.get()
    }

    /// Whether the last connection was given up, and there is none yet that could bring what is awaited.
    pub fn is_given_up(&self) -> bool {
        self.given_up.get()
    }

    /// The text of the message of that number, and when it comes back.
    pub fn expect(&self, sequence: u64) -> (String, oneshot::Receiver<Instant>) {
        let (sender, receiver) = oneshot::channel();
        self.awaited.borrow_mut().insert(sequence, sender);
        (format!("wps-ping {:016x} {sequence}", self.run), receiver)
    }

    /// Nobody waits for that one any more.
    pub fn forget(&self, sequence: u64) {
        self.awaited.borrow_mut().remove(&sequence);
    }

    /// The number of an own message.
    fn sequence(&self, message: &Message<'_>) -> Option<u64> {
        let Origin::Group { group, .. } = &message.origin else { return None };
        let Data::Text(text) = message.data else { return None };
        if self.group.as_deref() != Some(group.as_ref()) {
            return None;
        }
        let text = text.decode();
        let (run, sequence) = text.strip_prefix("wps-ping ")?.split_once(' ')?;
        (u64::from_str_radix(run, 16) == Ok(self.run)).then(|| sequence.parse().ok())?
    }
}

impl RunObserver for Echo {
    fn lifecycle(&self, event: &Lifecycle) {
        let live = match event {
            Lifecycle::Connected { .. } | Lifecycle::Recovered { .. } => Some(Instant::now()),
            Lifecycle::Recovering { .. } | Lifecycle::SessionLost { .. } | Lifecycle::Disconnected { .. } => None,
            Lifecycle::Ack(_)
            | Lifecycle::AttemptFailed { .. }
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::OperationRetried(_)
            | Lifecycle::Joined { .. }
            | Lifecycle::Stream(_)
            | Lifecycle::Left { .. }
            | Lifecycle::RejoinFailed { .. }
            | Lifecycle::RestateFailed { .. }
            | Lifecycle::SequenceGap { .. }
            | Lifecycle::OperationUnknown { .. } => return,
        };
        self.live.set(live);
        self.given_up.set(matches!(event, Lifecycle::SessionLost { .. } | Lifecycle::Disconnected { .. }));
        self.changed.notify_one();
    }

    fn frame(&self, _frame: WireFrame<'_>, received: &Received<'_>, _shown: bool) -> Flow {
        if let Received::Message(message) = received
            && let Some(sequence) = self.sequence(message)
            && let Some(awaiting) = self.awaited.borrow_mut().remove(&sequence)
        {
            // The run may be about to end.
            let _ = awaiting.send(Instant::now());
        }
        Flow::Continue
    }
}
