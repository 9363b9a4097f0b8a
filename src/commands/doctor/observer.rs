//! What the examined client tells: the sink of its driver, and what the steps read of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::render::unknown_frame;
use webpubsub_client::event::{EventSink, Flow, Lifecycle, Loss, Received, WireFrame};
use webpubsub_proto::{Data, Origin};

/// What has happened to the client.
#[derive(Debug, Default)]
pub struct DoctorFindings {
    /// Connection and user, once connected.
    pub connected: RefCell<Option<(String, Option<String>)>>,
    /// How the connection was lost.
    pub loss: RefCell<Option<Loss>>,
    /// When the own message came.
    pub received: Cell<Option<Instant>>,
    /// Frames that were not understood and not yet told, in words.
    odd: RefCell<Vec<String>>,
    /// How many more there were.
    more_odd: Cell<usize>,
    /// Notified at each of these.
    happened: Notify,
}

impl DoctorFindings {
    /// Resolves when `read` finds something.
    pub async fn until<T>(&self, read: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            if let Some(found) = read(self) {
                return found;
            }
            self.happened.notified().await;
        }
    }
}

/// As many frames that were not understood are told each time.
const MOST_ODD: usize = 5;

impl DoctorFindings {
    /// What was not understood since the last time, a sentence each.
    pub fn take_odd(&self) -> Vec<String> {
        let mut odd = self.odd.take();
        match self.more_odd.take() {
            0 => {}
            1 => odd.push("another frame was not understood".to_owned()),
            more => odd.push(format!("{more} more frames were not understood")),
        }
        odd
    }

    fn note_odd(&self, frame: WireFrame<'_>, reason: &str) {
        let mut odd = self.odd.borrow_mut();
        if odd.len() < MOST_ODD {
            odd.push(unknown_frame(frame, reason));
        } else {
            self.more_odd.set(self.more_odd.get() + 1);
        }
    }
}

/// Watches the client. A connection that is lost is not regained: that it was lost is the finding.
#[derive(Debug)]
pub struct DoctorObserver {
    seen: Rc<DoctorFindings>,
    group: String,
    /// The text of the own message.
    text: String,
}

impl DoctorObserver {
    /// Waits for that text in that group.
    pub fn new(group: String, text: String) -> (Self, Rc<DoctorFindings>) {
        let seen = Rc::new(DoctorFindings::default());
        (Self { seen: Rc::clone(&seen), group, text }, seen)
    }
}

impl EventSink for DoctorObserver {
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow {
        match event {
            Lifecycle::Connected { connection_id, user_id } => {
                *self.seen.connected.borrow_mut() = Some((connection_id.clone(), user_id.clone()));
            }
            Lifecycle::Recovering { loss, .. } | Lifecycle::Disconnected { loss, .. } => {
                self.seen.loss.borrow_mut().get_or_insert_with(|| loss.clone());
                return Flow::Stop;
            }
            Lifecycle::Recovered { .. }
            | Lifecycle::AttemptFailed { .. }
            | Lifecycle::OperationRetried(_)
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::SessionLost { .. }
            | Lifecycle::Ack(_)
            | Lifecycle::OperationUnknown { .. }
            | Lifecycle::Joined { .. }
            | Lifecycle::Stream(_)
            | Lifecycle::Left { .. }
            | Lifecycle::RejoinFailed { .. }
            | Lifecycle::RestateFailed { .. }
            | Lifecycle::SequenceGap { .. } => return Flow::Continue,
        }
        self.seen.happened.notify_one();
        Flow::Continue
    }

    fn frame(&mut self, frame: WireFrame<'_>, received: &Received<'_>) -> Flow {
        if let Received::Unknown { reason } = received {
            self.seen.note_odd(frame, reason);
        }
        if let Received::Message(message) = received
            && let (Origin::Group { group, .. }, Data::Text(text)) = (&message.origin, message.data)
            && *group == self.group
            && text.decode() == self.text
        {
            self.seen.received.set(Some(Instant::now()));
            self.seen.happened.notify_one();
        }
        Flow::Continue
    }

    fn flush(&mut self) {}

    fn poll_room(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
